package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"duban/api"
	"duban/projections"
)

// rounds is how often the process is killed. The detector of races, which runs the
// short tests, sees nothing of a process that is killed.
func rounds() int {
	if testing.Short() {
		return 5
	}
	return 50
}

// A processLog keeps what a process says; it is read while the process runs.
type processLog struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *processLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *processLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (l *processLog) Reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.b.Reset()
}

// A victim is the program run as a process, to be killed.
type victim struct {
	t      *testing.T
	binary string
	dir    string
	cmd    *exec.Cmd
	log    processLog
	base   string
	token  string
	http   *http.Client
}

func buildBinary(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "duban")
	out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, ".").CombinedOutput()
	require.NoError(t, err, string(out))
	return binary
}

// start runs the program and waits until it is ready.
func (v *victim) start() {
	v.t.Helper()
	require.NoError(v.t, os.RemoveAll(filepath.Join(v.dir, addressFile))) // of the one that was killed
	v.log.Reset()
	v.cmd = exec.Command(v.binary, "serve", "--data", v.dir, "--listen", "127.0.0.1:0", "--log-level", "warn")
	v.cmd.Stderr = &v.log
	require.NoError(v.t, v.cmd.Start())
	eventually(v.t, "the server starts", 20*time.Second, func() bool {
		b, err := os.ReadFile(filepath.Join(v.dir, addressFile))
		v.base = strings.TrimSpace(string(b))
		return err == nil && strings.HasSuffix(string(b), "\n")
	})
	b, err := os.ReadFile(filepath.Join(v.dir, tokenFile))
	require.NoError(v.t, err)
	v.token = strings.TrimSpace(string(b))
	v.http = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16}, Timeout: 20 * time.Second}
}

func (v *victim) kill() {
	v.t.Helper()
	require.NoError(v.t, v.cmd.Process.Kill())
	_ = v.cmd.Wait() // killed: an error by design
	v.http.CloseIdleConnections()
}

func (v *victim) do(method, path, key, media string, content []byte) (answer, error) {
	req, err := http.NewRequestWithContext(context.Background(), method, v.base+"/api/v1/"+path, bytes.NewReader(content))
	if err != nil {
		return answer{}, err
	}
	req.Header.Set("Authorization", "Bearer "+v.token)
	if media != "" {
		req.Header.Set("Content-Type", media)
	}
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
	}
	resp, err := v.http.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, resp.Header, b}, err
}

// A deed is one command a writer sent. Its answer is kept if one came.
type deed struct {
	path, key, media string
	content          []byte
	acknowledged     bool
	answer           answer
}

func (v *victim) perform(d *deed) error {
	a, err := v.do(http.MethodPost, d.path, d.key, d.media, d.content)
	if err != nil {
		return err
	}
	d.answer = a
	d.acknowledged = a.status == http.StatusOK || a.status == http.StatusCreated
	return nil
}

// deeds makes what a writer sends next: offices, acts on a task, and now and
// then a notice, which is one transaction of many events.
type deeds struct {
	random *rand.Rand
	count  *atomic.Int64
	task   string
}

func (g deeds) next() *deed {
	n := strconv.FormatInt(g.count.Add(1), 10)
	d := &deed{key: ulid.Make().String(), media: "application/json"}
	switch k := g.random.IntN(10); {
	case k == 0:
		d.path, d.media, d.content = "directives", "text/plain; charset=utf-8", smallNotice(n)
	case k < 5:
		d.path, d.content = "offices", []byte(`{"name":"处室`+n+`","type":"office"}`)
	default:
		d.path, d.content = "tasks/"+g.task+"/remind", []byte(`{"words":"第`+n+`次催办"}`)
	}
	return d
}

// TestKilledWhileWriting: law 2 and the promise of idempotency, over 50 kills.
func TestKilledWhileWriting(t *testing.T) {
	v := &victim{t: t, binary: buildBinary(t), dir: t.TempDir()}
	v.start()
	t.Cleanup(func() { _ = v.cmd.Process.Kill() })
	task := v.firstTask()
	random := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 1))
	var made atomic.Int64
	made.Store(1)
	led := &book{answers: map[string]api.WriteResult{}, ids: map[string]uint64{}}
	unsure, recorded := 0, 0
	for round := range rounds() {
		done := v.writeUntilKilled(random, &made, task)
		v.start()
		for i, again := range v.repeat(done) {
			d := done[i]
			require.True(t, again.acknowledged, "round %d: the retry of %s was answered %d %s %s", round, d.path, again.answer.status, again.answer.body, v.log.String())
			replayed := again.answer.header.Get("Idempotent-Replayed") == "true"
			if d.acknowledged {
				require.True(t, replayed, "round %d: acknowledged and lost: %s %s", round, d.path, d.answer.body)
				require.Equal(t, string(d.answer.body), string(again.answer.body))
			} else {
				unsure++
				if replayed {
					recorded++
				}
			}
			led.note(t, again)
		}
		led.read(v)
	}
	t.Logf("%d commands, %d of them without an answer when the server was killed, of which %d had been recorded; %d events",
		len(led.answers), unsure, recorded, led.last)
	require.Positive(t, unsure, "no kill hit a command")

	led.compare(t)
	v.checkImports(led)
	var c api.CheckupView
	v.getJSON("doctor", &c)
	assert.True(t, c.Healthy, "%v", c.Problems)
	assert.Equal(t, led.last, c.Events)
	require.NoError(t, v.cmd.Process.Signal(os.Interrupt))
	require.NoError(t, v.cmd.Wait(), v.log.String())
}

func (v *victim) getJSON(path string, into any) {
	v.t.Helper()
	a, err := v.do(http.MethodGet, path, "", "", nil)
	require.NoError(v.t, err)
	require.Equal(v.t, http.StatusOK, a.status, string(a.body))
	require.NoError(v.t, json.Unmarshal(a.body, into))
}

func (v *victim) firstTask() string {
	d := &deed{path: "directives", key: ulid.Make().String(), media: "text/plain", content: smallNotice("0")}
	require.NoError(v.t, v.perform(d))
	w := d.answer.write(v.t)
	var page projections.Page[projections.TaskView]
	v.getJSON("tasks?min_seq="+strconv.FormatUint(w.Sequence, 10), &page)
	require.Len(v.t, page.Items, 4)
	return page.Items[0].ID
}

// writeUntilKilled lets four writers work and kills the server after a random
// number of commands, while the others' are under way. It returns what
// they sent.
func (v *victim) writeUntilKilled(random *rand.Rand, made *atomic.Int64, task string) []*deed {
	const writers = 4
	enough := int64(1 + random.IntN(24))
	var passed atomic.Int64 // commands sent and answers received
	reached := make(chan struct{})
	var once sync.Once
	var mu sync.Mutex
	var all []*deed
	pass := func() {
		if passed.Add(1) >= enough {
			once.Do(func() { close(reached) })
		}
	}
	var wg sync.WaitGroup
	for i := range writers {
		g := deeds{rand.New(rand.NewPCG(random.Uint64(), uint64(i))), made, task}
		wg.Go(func() {
			for {
				d := g.next()
				mu.Lock()
				all = append(all, d)
				mu.Unlock()
				pass()
				err := v.perform(d)
				pass()
				if err != nil {
					return
				}
			}
		})
	}
	<-reached
	// A moment of random length, so that the kill falls anywhere in a write.
	<-time.After(time.Duration(random.IntN(20_000)) * time.Microsecond)
	v.kill()
	wg.Wait()
	for _, d := range all {
		require.True(v.t, d.acknowledged || d.answer.status == 0, "%s: %d %s", d.path, d.answer.status, d.answer.body)
	}
	return all
}

// repeat sends commands again with their keys, side by side.
func (v *victim) repeat(done []*deed) []*deed {
	again := make([]*deed, len(done))
	var wg sync.WaitGroup
	for i, d := range done {
		again[i] = &deed{path: d.path, key: d.key, media: d.media, content: d.content}
		wg.Go(func() { _ = v.perform(again[i]) }) // without an answer it is not acknowledged
	}
	wg.Wait()
	return again
}

// A book is what the test knows of the ledger: what it was told, and what it
// read from the stream of events.
type book struct {
	answers map[string]api.WriteResult // by key
	notices int
	last    uint64            // sequence read
	ids     map[string]uint64 // sequence by event id
	open    string            // transaction that is being read
	index   int
}

func (b *book) note(t *testing.T, d *deed) {
	t.Helper()
	b.answers[d.key] = d.answer.write(t)
	if d.path == "directives" {
		b.notices++
	}
}

// read goes on reading the events: every sequence once, every id once, and every
// transaction whole.
func (b *book) read(v *victim) {
	v.t.Helper()
	target := uint64(0)
	for _, w := range b.answers {
		target = max(target, w.Sequence)
	}
	req, err := http.NewRequest(http.MethodGet, fmt.Sprintf("%s/api/v1/events?after=%d&min_seq=%d", v.base, b.last, target), nil)
	require.NoError(v.t, err)
	req.Header.Set("Authorization", "Bearer "+v.token)
	req.Header.Set("Accept", "application/x-ndjson")
	resp, err := v.http.Do(req)
	require.NoError(v.t, err)
	defer resp.Body.Close()
	require.Equal(v.t, http.StatusOK, resp.StatusCode)
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var e struct {
			ID      string `json:"id"`
			TxID    string `json:"txid"`
			TxIndex int    `json:"txindex"`
			TxCount int    `json:"txcount"`
		}
		require.NoError(v.t, json.Unmarshal(lines.Bytes(), &e))
		b.last++
		require.Zero(v.t, b.ids[e.ID], "event %s stands twice", e.ID)
		b.ids[e.ID] = b.last
		if e.TxID != b.open {
			require.Zero(v.t, b.index, "half a transaction before sequence %d", b.last)
			b.open = e.TxID
		}
		if e.TxID != "" {
			b.index++
			require.Equal(v.t, b.index, e.TxIndex)
			if e.TxIndex == e.TxCount {
				b.open, b.index = "", 0
			}
		}
	}
	require.NoError(v.t, lines.Err())
	require.Zero(v.t, b.index, "half a transaction at the end")
	require.GreaterOrEqual(v.t, b.last, target)
}

// compare looks up every acknowledged event where its answer said it stands.
func (b *book) compare(t *testing.T) {
	t.Helper()
	for key, w := range b.answers {
		require.NotEmpty(t, w.Events)
		for _, e := range w.Events {
			require.Equal(t, e.Sequence, b.ids[e.ID], "command %s: event %s", key, e.ID)
		}
	}
}

// checkImports: every notice is there with all its tasks, once.
func (v *victim) checkImports(b *book) {
	v.t.Helper()
	var d projections.Page[projections.DirectiveView]
	v.getJSON("directives?limit=500&min_seq="+strconv.FormatUint(b.last, 10), &d)
	assert.Equal(v.t, b.notices+1, d.Total, "notices imported, and the first")
	for _, item := range d.Items {
		assert.Equal(v.t, 4, item.TaskCount, item.DocumentNumber)
		assert.Equal(v.t, 5, item.ShareCount, item.DocumentNumber)
	}
	var ready struct {
		Ready  bool   `json:"ready"`
		Ledger uint64 `json:"ledger_sequence"`
		Model  uint64 `json:"readmodel_sequence"`
	}
	resp, err := v.http.Get(v.base + "/readyz")
	require.NoError(v.t, err)
	defer resp.Body.Close()
	require.NoError(v.t, json.NewDecoder(resp.Body).Decode(&ready))
	assert.True(v.t, ready.Ready)
	assert.Equal(v.t, ready.Ledger, ready.Model)
}
