package main

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/oklog/ulid/v2"

	"duban/api"
	"duban/domain"
	"duban/domain/calendar"
	"duban/eventstore"
	"duban/projections"
)

// sampleOrg is the short code of the sample's ledger: every event's source reads
// urn:duban:sample.
const sampleOrg = "sample"

//go:embed sample/notice-2019-19.txt
var sampleNotice []byte

// A sampleClock is the clock of the sample's world. While the story is told it
// is set to each step's moment; afterwards it runs on from the story's end, so
// that the half-year that was told lies just behind whoever tries the sample.
type sampleClock struct {
	mu    sync.Mutex
	at    time.Time // the sample's time …
	since time.Time // … at this moment of the real clock
}

var (
	sampleStart = time.Date(2019, time.June, 27, 18, 0, 0, 0, calendar.Zone)
	sampleEnd   = time.Date(2019, time.December, 16, 9, 0, 0, 0, calendar.Zone)
)

// newSampleClock returns the clock for a data folder: at the story's beginning
// when the folder is new. Later the time since the operator's token was written
// has passed in the sample too, so that the clock never runs behind the ledger.
func newSampleClock(data string) *sampleClock {
	made, err := os.Stat(filepath.Join(data, tokenFile))
	if err != nil || interrupted(data) {
		return &sampleClock{at: sampleStart, since: time.Now()}
	}
	return &sampleClock{at: sampleEnd, since: made.ModTime()}
}

func (c *sampleClock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at.Add(time.Since(c.since))
}

// set moves the clock; it never goes back.
func (c *sampleClock) set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := c.at.Add(time.Since(c.since)); t.Before(now) {
		t = now
	}
	c.at, c.since = t, time.Now()
}

// unfinishedFile marks a folder whose story is not told to its end.
const unfinishedFile = "sample.unfinished"

func interrupted(data string) bool {
	_, err := os.Stat(filepath.Join(data, unfinishedFile))
	return err == nil
}

// fillSample tells the sample's story into an empty ledger, through the same
// commands a user would send. A story that was interrupted can't be continued
// where it stopped, because its clock has moved on: the folder has to go.
func fillSample(ctx context.Context, data string, handler http.Handler, token string, clock *sampleClock) error {
	mark := filepath.Join(data, unfinishedFile)
	if err := os.WriteFile(mark, nil, 0o600); err != nil {
		return fmt.Errorf("mark the sample as unfinished: %w", err)
	}
	t := &teller{ctx: api.Quietly(ctx), handler: handler, clock: clock, tokens: map[string]string{safetyClerk: token}, offices: map[string]string{}, tasks: map[int]string{}}
	t.tell()
	if t.err != nil {
		return fmt.Errorf("tell the sample's story: %w", t.err)
	}
	clock.set(sampleEnd)
	if err := os.Remove(mark); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("mark the sample as finished: %w", err)
	}
	return nil
}

// requireSample refuses to serve a ledger as a sample that is none, and a sample
// whose story was interrupted.
func requireSample(ctx context.Context, data string, store *eventstore.Store) error {
	if interrupted(data) {
		return fmt.Errorf("样例上次没有填完，请删除 %s 后重新运行 / the sample was interrupted: delete %s and start again", data, data)
	}
	a, err := store.Load(ctx, domain.Ref{Kind: domain.KindLedger, ID: sampleOrg})
	if err != nil {
		return fmt.Errorf("look whether the ledger is a sample: %w", err)
	}
	if len(a.Records) == 0 {
		return fmt.Errorf("%s 不是样例账本，--demo 只用于空目录 / %s holds no sample: --demo is for an empty folder", data, data)
	}
	return nil
}

// A teller sends the story's requests to the server's own handler. After the
// first error it does nothing more.
type teller struct {
	ctx     context.Context
	handler http.Handler
	clock   *sampleClock
	err     error

	step    int
	moment  time.Time
	who     string            // whose token is used
	tokens  map[string]string // by person
	offices map[string]string // office/ID by name
	tasks   map[int]string    // id by clause number

	directive string // id of the notice

	gas, heavy string // paths of the two hazards the story comes back to
}

// body is a request's JSON object.
type body map[string]any

// at moves the sample's clock to a moment, 2019-07-03 10:20.
func (t *teller) at(moment string) {
	m, err := time.ParseInLocation("2006-01-02 15:04", moment, calendar.Zone)
	if err != nil {
		t.fail(err)
		return
	}
	t.moment = m
	t.clock.set(m)
}

func (t *teller) as(person string) *teller { t.who = person; return t }

func (t *teller) fail(err error) {
	if t.err == nil {
		t.err = err
	}
}

// send sends one request and decodes its answer into out, if out is not nil.
func (t *teller) send(method, path, media string, content []byte, out any) {
	if t.err != nil {
		return
	}
	t.step++
	req, err := http.NewRequestWithContext(t.ctx, method, "http://sample/api/v1/"+path, bytes.NewReader(content))
	if err != nil {
		t.fail(err)
		return
	}
	req.Header.Set("Authorization", "Bearer "+t.tokens[t.who])
	req.Header.Set("Content-Type", media)
	if method == http.MethodPost {
		req.Header.Set("Idempotency-Key", t.key().String())
	}
	rec := &recorder{header: http.Header{}, status: http.StatusOK}
	t.handler.ServeHTTP(rec, req)
	if rec.status >= http.StatusMultipleChoices {
		t.fail(fmt.Errorf("%s %s %s as %s: %d %s", t.moment.Format("2006-01-02"), method, path, t.who, rec.status, rec.body.String()))
		return
	}
	if out != nil {
		if err := json.Unmarshal(rec.body.Bytes(), out); err != nil {
			t.fail(fmt.Errorf("%s %s: %w", method, path, err))
		}
	}
}

// key makes the step's idempotency key: the story is the same every time.
func (t *teller) key() ulid.ULID {
	var id ulid.ULID
	if err := id.SetTime(ulid.Timestamp(t.moment)); err != nil {
		t.fail(err)
	}
	copy(id[6:], fmt.Sprintf("sample%04d", t.step))
	return id
}

// recorder keeps a handler's answer.
type recorder struct {
	header http.Header
	body   bytes.Buffer
	status int
}

func (r *recorder) Header() http.Header         { return r.header }
func (r *recorder) Write(b []byte) (int, error) { return r.body.Write(b) }
func (r *recorder) WriteHeader(status int)      { r.status = status }

func (t *teller) post(path string, b body) api.WriteResult {
	var out api.WriteResult
	content, err := json.Marshal(b)
	if err != nil {
		t.fail(err)
	}
	t.send(http.MethodPost, path, "application/json", content, &out)
	return out
}

// task gives a command on the task of a clause.
func (t *teller) task(number int, act string, b body) api.WriteResult {
	id, ok := t.tasks[number]
	if !ok {
		t.fail(fmt.Errorf("clause %d has no task", number))
	}
	return t.post("tasks/"+id+"/"+act, b)
}

func (t *teller) office(name string) string {
	ref, ok := t.offices[name]
	if !ok {
		t.fail(fmt.Errorf("there is no office %s", name))
	}
	return ref
}

// attach stores a short text as evidence and returns the reference to it.
func (t *teller) attach(text string) []body {
	var ev domain.Evidence
	t.send(http.MethodPut, "evidence", "text/plain; charset=utf-8", []byte(text), &ev)
	return []body{{"sha256": ev.SHA256, "size": ev.Size, "name": "样例材料.txt"}}
}

// admit makes a token for a person.
func (t *teller) admit(person, role, office string) {
	b := body{"person": person, "role": role, "note": "样例"}
	if office != "" {
		b["office"] = t.office(office)
	}
	content, err := json.Marshal(b)
	if err != nil {
		t.fail(err)
	}
	var made api.TokenMade
	t.as(safetyClerk).send(http.MethodPost, "tokens", "application/json", content, &made)
	t.tokens[person] = made.Token
}

// importNotice imports the sample notice and learns the ids it led to.
func (t *teller) importNotice() {
	var w api.WriteResult
	t.send(http.MethodPost, "directives", "text/plain; charset=utf-8", sampleNotice, &w)
	t.directive = w.ID
	var d projections.DirectiveView
	t.send(http.MethodGet, "directives/"+w.ID+"?min_seq="+strconv.FormatUint(w.Sequence, 10), "", nil, &d)
	for _, c := range d.Clauses {
		if c.Task != "" {
			t.tasks[c.Number] = c.Task
		}
	}
	var offices projections.Page[projections.OfficeView]
	t.send(http.MethodGet, "offices?"+url.Values{"limit": {"100"}}.Encode(), "", nil, &offices)
	for _, o := range offices.Items {
		t.offices[o.Name] = "office/" + o.ID
	}
}
