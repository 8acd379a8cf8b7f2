package main

import (
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
	under  []string // program it runs under, with its flags: strace
	apart  bool     // the data folder can only be seen through the process
	token  string   // the operator's; read from the data folder when empty
	cmd    *exec.Cmd
	ended  chan error // what the process ended with, once
	log    processLog
	base   string
	http   *http.Client
}

func buildBinary(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "duban")
	out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, ".").CombinedOutput()
	require.NoError(t, err, string(out))
	return binary
}

// start runs the program and waits until it can be asked.
func (v *victim) start() {
	v.t.Helper()
	if err := v.boot(); err != nil {
		require.NoError(v.t, err, v.log.String())
	}
	if v.token == "" {
		v.readToken()
	}
}

func (v *victim) readToken() {
	v.t.Helper()
	b, err := os.ReadFile(v.file(tokenFile))
	require.NoError(v.t, err)
	v.token = strings.TrimSpace(string(b))
	require.NotEmpty(v.t, v.token)
}

// file is where the test finds a file of the data folder.
func (v *victim) file(name string) string {
	if v.apart {
		return filepath.Join(fmt.Sprintf("/proc/%d/root", v.cmd.Process.Pid), v.dir, name)
	}
	return filepath.Join(v.dir, name)
}

// boot runs the program and waits for its address.
func (v *victim) boot() error {
	if err := os.RemoveAll(filepath.Join(v.dir, addressFile)); err != nil { // of the one that was killed
		return err
	}
	v.log.Reset()
	args := append(append([]string{}, v.under...), v.binary, "serve", "--data", v.dir, "--listen", "127.0.0.1:0", "--log-level", "warn")
	v.cmd = exec.Command(args[0], args[1:]...)
	v.cmd.Stderr = &v.log
	if err := v.cmd.Start(); err != nil {
		return err
	}
	v.ended = make(chan error, 1)
	go func() { v.ended <- v.cmd.Wait() }()
	v.http = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}, Timeout: 20 * time.Second}
	deadline := time.NewTimer(30 * time.Second)
	defer deadline.Stop()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		if b, err := os.ReadFile(v.file(addressFile)); err == nil && strings.HasSuffix(string(b), "\n") {
			v.base = strings.TrimSpace(string(b))
			return nil
		}
		select {
		case <-tick.C:
		case err := <-v.ended:
			v.ended <- err
			return fmt.Errorf("the server ended before it could be asked: %w", err)
		case <-deadline.C:
			return fmt.Errorf("the server did not start in time")
		}
	}
}

// kill ends the process at once. One that has ended already stays so.
func (v *victim) kill() {
	v.t.Helper()
	if v.ended == nil {
		return // never started
	}
	_ = v.cmd.Process.Kill()
	<-v.ended // killed: an error by design
	v.ended <- nil
	v.http.CloseIdleConnections()
}

// leave ends the process and removes what it keeps outside its folder: batches in
// memory, which are to outlive it.
func (v *victim) leave() {
	v.t.Helper()
	v.kill()
	if memory, err := os.Readlink(filepath.Join(v.dir, "jetstream/nats/jetstream/$G/streams/LEDGER/batches")); err == nil {
		require.NoError(v.t, os.RemoveAll(memory))
	}
}

// stop ends the process in an orderly way.
func (v *victim) stop() {
	v.t.Helper()
	require.NoError(v.t, v.cmd.Process.Signal(os.Interrupt))
	err := <-v.ended
	v.ended <- err
	require.NoError(v.t, err, v.log.String())
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

// shed reports whether a request was turned away for others, with nothing done.
func shed(a answer) bool {
	var p api.Problem
	return a.status == http.StatusServiceUnavailable && json.Unmarshal(a.body, &p) == nil && p.Type == "urn:duban:problem:overloaded"
}

func (v *victim) perform(d *deed) error {
	a, err := v.do(http.MethodPost, d.path, d.key, d.media, d.content)
	for n := 0; err == nil && n < 2000 && shed(a); n++ {
		<-time.After(10 * time.Millisecond) // as a client does that is told to come again
		a, err = v.do(http.MethodPost, d.path, d.key, d.media, d.content)
	}
	if err != nil {
		return err
	}
	d.answer = a
	d.acknowledged = a.status == http.StatusOK || a.status == http.StatusCreated
	return nil
}

// deeds makes what a writer sends next: offices, which are two events each, acts on
// a task, which are one, and now and then a notice: one transaction of many.
type deeds struct {
	random *rand.Rand
	count  *atomic.Int64
	tasks  []string
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
		task := g.tasks[g.random.IntN(len(g.tasks))]
		d.path, d.content = "tasks/"+task+"/remind", []byte(`{"words":"第`+n+`次催办"}`)
	}
	return d
}

func (v *victim) getJSON(path string, into any) {
	v.t.Helper()
	var a answer
	// A server that has just come back may be far behind with its read models.
	eventually(v.t, path+" is answered", time.Minute, func() bool {
		var err error
		a, err = v.do(http.MethodGet, path, "", "", nil)
		require.NoError(v.t, err)
		return a.status != http.StatusServiceUnavailable
	})
	require.Equal(v.t, http.StatusOK, a.status, string(a.body))
	require.NoError(v.t, json.Unmarshal(a.body, into))
}

// importTasks imports so many notices and returns all their tasks, and the sequence
// with which they were there. It counts the notices in made.
func (v *victim) importTasks(made *atomic.Int64, notices int) (ids []string, last uint64) {
	v.t.Helper()
	for range notices {
		n := strconv.FormatInt(made.Add(1), 10)
		d := &deed{path: "directives", key: ulid.Make().String(), media: "text/plain", content: smallNotice(n)}
		require.NoError(v.t, v.perform(d))
		last = d.answer.write(v.t).Sequence
	}
	var page projections.Page[projections.TaskView]
	v.getJSON("tasks?limit=500&min_seq="+strconv.FormatUint(last, 10), &page)
	require.Len(v.t, page.Items, 4*notices)
	for _, t := range page.Items {
		ids = append(ids, t.ID)
	}
	return ids, last
}

// A load is how much is written at a time.
type load struct {
	writers int
	enough  int // commands sent and answers received until it ends
}

// write lets writers work until so many commands have passed, then
// ends what they write to, while the others' commands are under way. It returns what
// they sent.
func (v *victim) write(l load, g deeds, end func()) []*deed {
	var passed atomic.Int64
	reached, ended := make(chan struct{}), make(chan struct{})
	var once sync.Once
	var mu sync.Mutex
	var all []*deed
	pass := func() {
		if passed.Add(1) >= int64(l.enough) {
			once.Do(func() { close(reached) })
		}
	}
	var wg sync.WaitGroup
	for i := range l.writers {
		own := deeds{rand.New(rand.NewPCG(g.random.Uint64(), uint64(i))), g.count, g.tasks}
		wg.Go(func() {
			for {
				select {
				case <-ended:
					return
				default:
				}
				d := own.next()
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
	end()
	close(ended)
	wg.Wait()
	for _, d := range all {
		require.True(v.t, d.acknowledged || d.answer.status == 0, "%s: %d %s", d.path, d.answer.status, d.answer.body)
	}
	return all
}

// repeat sends commands again with their keys, side by side.
func (v *victim) repeat(done []*deed) []*deed {
	const atOnce = 64
	again := make([]*deed, len(done))
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(atOnce, len(done)) {
		wg.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(done)); i = next.Add(1) - 1 {
				d := done[i]
				again[i] = &deed{path: d.path, key: d.key, media: d.media, content: d.content}
				for range 20 { // others may write to the same task at the same time
					if v.perform(again[i]) != nil || again[i].answer.status != http.StatusConflict {
						break // without an answer it is not acknowledged
					}
				}
			}
		})
	}
	wg.Wait()
	return again
}

// readiness is what /readyz says.
type readiness struct {
	Ready    bool     `json:"ready"`
	Reason   string   `json:"reason"`
	Ledger   uint64   `json:"ledger_sequence"`
	Model    uint64   `json:"readmodel_sequence"`
	Tree     uint64   `json:"tree_size"`
	Degraded []string `json:"degraded"`
}

func (v *victim) readiness() readiness {
	v.t.Helper()
	resp, err := v.http.Get(v.base + "/readyz")
	require.NoError(v.t, err)
	defer resp.Body.Close()
	var r readiness
	require.NoError(v.t, json.NewDecoder(resp.Body).Decode(&r))
	return r
}

// agreed waits until ledger, read models and tree stand at the same event.
func (v *victim) agreed() {
	v.t.Helper()
	var r readiness
	eventually(v.t, "ledger, read models and tree agree", 30*time.Second, func() bool {
		r = v.readiness()
		return r.Ready && r.Ledger == r.Model && r.Ledger == r.Tree && len(r.Degraded) == 0
	})
}

// healthy lets the doctor read everything, which has to be so many events.
func (v *victim) healthy(events uint64) {
	v.t.Helper()
	v.http.Timeout = 5 * time.Minute
	var c api.CheckupView
	v.getJSON("doctor", &c)
	assert.True(v.t, c.Healthy, "%v", c.Problems)
	assert.Equal(v.t, events, c.Events)
}
