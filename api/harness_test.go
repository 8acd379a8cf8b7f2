package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"duban/api"
	"duban/domain"
	"duban/domain/calendar"
	"duban/domain/vocabulary"
	"duban/eventstore"
	"duban/projections"
	"duban/projections/seal"
	"duban/projections/tree"
)

// A clock stands still until a test moves it.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

// set moves the clock to a moment in Asia/Shanghai, 2019-07-03 10:20.
func (c *clock) set(t testing.TB, moment string) {
	at, err := time.ParseInLocation("2006-01-02 15:04", moment, calendar.Zone)
	require.NoError(t, err)
	c.mu.Lock()
	defer c.mu.Unlock()
	require.False(t, at.Before(c.at), "a ledger's clock never runs backwards")
	c.at = at
}

// pass moves the clock on by an hour.
func (c *clock) pass() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(time.Hour)
}

// A node is a whole ledger behind a real HTTP server: embedded event store, read
// models, API.
type node struct {
	t      testing.TB
	dir    string
	clock  *clock
	config api.Config // what a test asked for; Store, Model and Clock are filled in
	token  string     // the operator's
	logs   bool       // it has a tree
	signs  bool       // and signs heads

	hold chan struct{} // unless nil, the ledger is compared with its head once it is closed

	store  *eventstore.Store
	model  *projections.Model
	server *api.Server
	http   *httptest.Server
	stop   chan struct{}
	cancel context.CancelFunc
	ran    chan error
	log    sync.WaitGroup // the tree and who signs it
}

func start(t testing.TB, configure ...func(*api.Config)) *node {
	t.Helper()
	return begin(t, &node{}, configure...)
}

// startLog starts a node whose heads are signed.
func startLog(t testing.TB) *node {
	t.Helper()
	return begin(t, &node{logs: true, signs: true})
}

func begin(t testing.TB, n *node, configure ...func(*api.Config)) *node {
	t.Helper()
	n.t, n.dir, n.clock = t, t.TempDir(), &clock{}
	n.clock.set(t, "2019-06-27 09:00")
	for _, c := range configure {
		c(&n.config)
	}
	n.open()
	t.Cleanup(n.close)
	return n
}

func (n *node) open() {
	n.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	n.cancel, n.ran, n.stop = cancel, make(chan error, 1), make(chan struct{})
	var err error
	n.store, err = eventstore.Open(ctx, eventstore.Config{
		Org: "test", Dir: filepath.Join(n.dir, "jetstream"), Software: "test", Types: vocabulary.Payloads(), Clock: n.clock.now,
	})
	require.NoError(n.t, err)
	n.model, err = projections.Open(ctx, projections.Config{
		Dir: filepath.Join(n.dir, "readmodel"), Source: n.store, Org: "test", Types: vocabulary.Payloads(),
	})
	require.NoError(n.t, err)
	go func() { n.ran <- n.model.Run(ctx) }()
	n.config.Store, n.config.Model, n.config.Clock, n.config.Stop = n.store, n.model, n.clock.now, n.stop
	if n.logs {
		n.sign(ctx)
	}
	n.server = api.New(n.config)
	require.NoError(n.t, n.server.ReconcileEvidence(ctx))
	token, err := n.server.Bootstrap(ctx, "安委会办公室", func(string) error { return nil })
	require.NoError(n.t, err)
	if n.logs && n.hold == nil {
		<-n.config.Seal.Checked()
	}
	if token != "" {
		n.token = token
	}
	n.http = httptest.NewServer(n.server.Handler())
}

// sign keeps a tree of the ledger and, if asked to, signs its heads.
func (n *node) sign(ctx context.Context) {
	n.t.Helper()
	tr, err := tree.Open(ctx, tree.Config{Path: filepath.Join(n.dir, "tree.db"), Source: n.store, Linger: -1})
	require.NoError(n.t, err)
	n.config.Tree = tr
	n.config.Seal = seal.New(seal.Config{
		Store: n.store, Tree: tr, Org: "test", Dir: filepath.Join(n.dir, "keys"), Sign: n.signs, Every: time.Millisecond, Clock: n.clock.now,
	})
	n.log.Go(func() { _ = tr.Run(ctx) }) // who waits for it is told why it ended
	n.log.Go(func() {
		if n.hold != nil {
			<-n.hold
		}
		_ = n.config.Seal.Run(ctx)
	})
}

// close stops everything and leaves the folder.
func (n *node) close() {
	if n.http == nil {
		return
	}
	close(n.stop)
	n.http.Close()
	n.checkHistories()
	n.cancel()
	<-n.ran
	n.log.Wait()
	if n.logs {
		assert.NoError(n.t, n.config.Tree.Close())
	}
	assert.NoError(n.t, n.model.Close())
	assert.NoError(n.t, n.store.Close())
	n.http = nil
}

// checkHistories finds out whether any request changed what the store remembers and
// shares: it would no longer be what the stream has.
func (n *node) checkHistories() {
	if n.store.Health() != nil {
		return
	}
	ctx := context.Background() // a test that ends has none
	subjects, end, read := map[domain.Ref]bool{}, n.store.Acked(), errors.New("read to the end")
	err := n.store.Follow(ctx, 0, func(batch []eventstore.Record) error {
		for _, r := range batch {
			subjects[r.Subject] = true
			if r.Seq == end {
				return read
			}
		}
		return nil
	})
	require.ErrorIs(n.t, err, read)
	for ref := range subjects {
		remembered, err := n.store.History(ctx, ref)
		require.NoError(n.t, err)
		read, err := n.store.Load(ctx, ref)
		require.NoError(n.t, err)
		require.Equal(n.t, read.Events(), remembered.Events)
		require.Equal(n.t, read.Head, remembered.Head)
	}
}

// An answer is one HTTP answer, read whole.
type answer struct {
	t      testing.TB
	status int
	header http.Header
	body   []byte
	asked  string
}

// A request is what is sent; the zero fields mean none.
type request struct {
	method, path string // path below /api/v1, unless it begins with /
	token        string
	media        string
	body         string
	header       map[string]string
}

func (n *node) do(r request) answer {
	a, err := n.try(r)
	if err != nil {
		n.t.Errorf("%s %s: %v", r.method, r.path, err) // not Fatal: races call this from goroutines
	}
	return a
}

func (n *node) try(r request) (answer, error) {
	path := r.path
	if !strings.HasPrefix(path, "/") {
		path = "/api/v1/" + path
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, r.method, n.http.URL+path, strings.NewReader(r.body))
	if err != nil {
		return answer{}, err
	}
	if r.token != "" {
		req.Header.Set("Authorization", "Bearer "+r.token)
	}
	if r.media != "" {
		req.Header.Set("Content-Type", r.media)
	}
	for k, v := range r.header {
		req.Header.Set(k, v)
	}
	res, err := n.http.Client().Do(req)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return answer{t: n.t, status: res.StatusCode, header: res.Header, body: b, asked: r.method + " " + r.path}, err
}

func (a answer) want(status int) answer {
	a.t.Helper()
	require.Equal(a.t, status, a.status, "%s: %s", a.asked, a.body)
	return a
}

func (a answer) into(v any) {
	a.t.Helper()
	require.NoError(a.t, json.Unmarshal(a.body, v), "%s: %s", a.asked, a.body)
}

// problem checks that the answer is a problem as RFC 9457 writes it.
func (a answer) problem(status int) api.Problem {
	a.t.Helper()
	require.Equal(a.t, status, a.status, "%s: %s", a.asked, a.body)
	require.Equal(a.t, "application/problem+json", a.header.Get("Content-Type"), a.asked)
	var p api.Problem
	dec := json.NewDecoder(bytes.NewReader(a.body))
	dec.DisallowUnknownFields()
	require.NoError(a.t, dec.Decode(&p), "%s: %s", a.asked, a.body)
	assert.Equal(a.t, status, p.Status)
	assert.NotEmpty(a.t, p.Title)
	chineseFirst(a.t, p.Detail)
	for _, f := range p.Errors {
		chineseFirst(a.t, f.Message)
	}
	for _, name := range p.Allowed {
		assert.True(a.t, slices.ContainsFunc(resources(), func(r acted) bool {
			return slices.ContainsFunc(r.acts, func(a domain.Act) bool { return a.Name == name })
		}), "%s is allowed and has no route: %s", name, a.body)
	}
	assert.True(a.t, strings.HasPrefix(p.Type, "urn:duban:problem:"), p.Type)
	return p
}

// english finds a clause of English: words that are no value, name or unit.
var english = regexp.MustCompile(`[a-z]{2,} (?:[a-z]{2,} )+[a-z]{2,}`)

// chineseFirst checks that a text for people is Chinese with English behind it,
// and no English words stand inside the Chinese.
func chineseFirst(t testing.TB, text string) {
	t.Helper()
	zh, en, ok := strings.Cut(text, " / ")
	assert.True(t, ok, "no English: %s", text)
	assert.Regexp(t, `\p{Han}`, zh, text)
	assert.NotRegexp(t, english, zh, text)
	assert.Regexp(t, `[a-z]{2,}`, en, text)
}

// body is a request's JSON object.
type body map[string]any

func encode(t testing.TB, b body) string {
	raw, err := json.Marshal(b)
	require.NoError(t, err)
	return string(raw)
}

func (n *node) get(path string) answer {
	n.t.Helper()
	return n.do(request{method: http.MethodGet, path: path, token: n.token})
}

// post sends a command as somebody and returns the answer, whatever it is.
func (n *node) post(token, path string, b body) answer {
	n.t.Helper()
	return n.do(request{method: http.MethodPost, path: path, token: token, media: "application/json", body: encode(n.t, b)})
}

// act sends a command that has to succeed.
func (n *node) act(token, path string, b body) api.WriteResult {
	n.t.Helper()
	a := n.post(token, path, b)
	require.Less(n.t, a.status, 300, "%s: %s", a.asked, a.body)
	var w api.WriteResult
	a.into(&w)
	return w
}

// member makes a token.
func (n *node) member(person, role, office string) string {
	n.t.Helper()
	b := body{"person": person, "role": role}
	if office != "" {
		b["office"] = office
	}
	var made api.TokenMade
	n.post(n.token, "tokens", b).want(http.StatusCreated).into(&made)
	return made.Token
}

// attach stores a text as evidence and returns a reference to it.
func (n *node) attach(text string) []body {
	n.t.Helper()
	var ev domain.Evidence
	n.do(request{method: http.MethodPut, path: "evidence", token: n.token, media: "text/plain", body: text}).want(http.StatusCreated).into(&ev)
	return []body{{"sha256": ev.SHA256, "size": ev.Size}}
}

// unchanged checks that f appended nothing.
func (n *node) unchanged(f func()) {
	n.t.Helper()
	before := n.store.Acked()
	f()
	require.Equal(n.t, before, n.store.Acked(), "something was appended")
}

// An imported notice: its tasks by clause number and its offices by name.
type imported struct {
	id      string
	tasks   map[int]string
	offices map[string]string // office/ID
}

func (n *node) importNotice(text string) imported {
	n.t.Helper()
	var w api.WriteResult
	n.do(request{method: http.MethodPost, path: "directives", token: n.token, media: "text/plain; charset=utf-8", body: text}).want(http.StatusCreated).into(&w)
	im := imported{id: w.ID, tasks: map[int]string{}, offices: map[string]string{}}
	var d projections.DirectiveView
	n.get("directives/" + w.ID + "?min_seq=" + strconv.FormatUint(w.Sequence, 10)).want(http.StatusOK).into(&d)
	for _, c := range d.Clauses {
		if c.Task != "" {
			im.tasks[c.Number] = c.Task
		}
	}
	var page projections.Page[projections.OfficeView]
	n.get("offices?limit=100").want(http.StatusOK).into(&page)
	for _, o := range page.Items {
		im.offices[o.Name] = "office/" + o.ID
	}
	return im
}

// caughtUp appends min_seq, so that a read sees every write so far.
func (n *node) caughtUp(path string) string {
	sep := "?"
	if strings.Contains(path, "?") {
		sep = "&"
	}
	return fmt.Sprintf("%s%smin_seq=%d", path, sep, n.store.Acked())
}
