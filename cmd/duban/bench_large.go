package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"duban/api"
	"duban/domain/calendar"
	"duban/eventstore"
	"duban/eventstore/baseline"
	"duban/projections"
)

// The large ledger: tasks of largeEvents events each, the first longTasks of which
// have longEvents; and a small one of these alone beside it.
const (
	largeEvents = 20
	longTasks   = 200
	longEvents  = 50
)

// large times what must not grow with the ledger, and what may.
func (b *bench) large(ctx context.Context) error {
	if b.cfg.Large == 0 {
		return nil
	}
	small, err := b.smallHistory(ctx)
	if err != nil {
		return err
	}
	l, err := b.open(ctx, "large")
	if err != nil {
		return err
	}
	l.cfg.Tasks, l.cfg.Events = max(b.cfg.Large, longTasks), largeEvents
	if err := errors.Join(l.inProcess(ctx, small), l.close()); err != nil {
		return err
	}
	return l.processes(ctx)
}

// smallHistory is the time of a history in a ledger of ten thousand events, in ms.
func (b *bench) smallHistory(ctx context.Context) (ms float64, err error) {
	s, err := b.open(ctx, "small")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	s.cfg.Tasks, s.cfg.Events = longTasks, longEvents
	if err := s.fill(ctx); err != nil {
		return 0, err
	}
	if err := s.model(ctx); err != nil {
		return 0, err
	}
	return s.historyTime(ctx)
}

func (b *bench) inProcess(ctx context.Context, small float64) error {
	if err := b.fill(ctx); err != nil {
		return err
	}
	heads := make([]eventstore.Head, longTasks)
	for i := range heads {
		known, err := b.node.store.Load(ctx, b.tasks[i])
		if err != nil {
			return err
		}
		heads[i] = known.Head
	}
	for round := largeEvents; round < longEvents; round++ {
		if err := b.round(ctx, round, heads); err != nil {
			return err
		}
	}
	stop := following(ctx, b.node.tree)
	defer stop()
	if err := b.model(ctx); err != nil {
		return err
	}
	if err := b.node.tree.WaitFor(ctx, b.node.store.Acked()); err != nil {
		return err
	}
	for _, step := range []func(context.Context) error{b.rebuildAll, func(ctx context.Context) error { return b.longHistory(ctx, small) }, b.listUnderWrites, b.search} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// rebuildAll times a rebuild of all read models and the tree beside the running
// ones, as `duban rebuild` does it.
func (b *bench) rebuildAll(ctx context.Context) error {
	var o, p []float64
	events := float64(b.node.store.Acked())
	for range runs {
		bare, err := baseline.Consume(ctx, b.node.store)
		if err != nil {
			return err
		}
		began := time.Now()
		if _, err := api.Rebuild(ctx, b.node.model, b.node.tree); err != nil {
			return err
		}
		o, p = append(o, events/time.Since(began).Seconds()), append(p, events/bare.Seconds())
	}
	return b.print(figure{
		Name: "rebuild_all_and_tree", Ours: median(o), Baseline: median(p), Unit: "events/s", N: int(events), Runs: runs,
		Goal: "ratio >= 0.15", Met: median(o) >= 0.15*median(p),
	})
}

// longHistory sets the history of a task in the large ledger beside one as long in
// the small one.
func (b *bench) longHistory(ctx context.Context, small float64) error {
	long := *b
	long.tasks, long.cfg.Events = b.tasks[:longTasks], longEvents
	ms, err := long.historyTime(ctx)
	if err != nil {
		return err
	}
	events := int(b.node.store.Acked())
	if err := b.print(figure{Name: "history_large_to_small_p50", Ours: ms, Baseline: small, Unit: "ms", N: events, Runs: runs, Goal: "ratio <= 1.3", Met: ms <= 1.3*small}); err != nil {
		return err
	}
	return b.print(figure{Name: "history_large_p50", Ours: ms, Unit: "ms", N: events, Runs: runs, Goal: "<= 2", Met: ms <= 2})
}

// Writes and pages that go on side by side, a second, and how many pages.
const (
	writeRate = 1000
	pageRate  = 100
	pages     = 1000
)

// listUnderWrites times pages of tasks, filtered and sorted, while events are written.
func (b *bench) listUnderWrites(ctx context.Context) error {
	stop := b.writeSteadily(ctx)
	today := calendar.On(time.Now())
	began := time.Now()
	took, err := b.queries(ctx, pages, time.Second/pageRate, func(i int) projections.TaskQuery {
		return projections.TaskQuery{Light: "overdue", Sort: []string{"deadline", "updated"}[i/2%2], Desc: i%2 == 0, Today: today, Limit: 50}
	})
	written, werr := stop()
	if err := errors.Join(err, werr); err != nil {
		return err
	}
	rate := float64(written) / time.Since(began).Seconds()
	if err := b.print(figure{Name: "written_beside_list", Ours: rate, Unit: "events/s", N: written, Goal: ">= 950", Met: rate >= 0.95*writeRate}); err != nil {
		return err
	}
	return b.print99("list_50_filtered_sorted_under_writes_p99", took, 15)
}

// print99 prints the 99th percentile of durations beside its goal in ms.
func (b *bench) print99(name string, took []time.Duration, goal float64) error {
	ms := micros(percentile(took, 99)) / 1000
	return b.print(figure{Name: name, Ours: ms, Unit: "ms", N: b.cfg.Tasks, Goal: fmt.Sprintf("<= %g", goal), Met: ms <= goal})
}

// queries times so many pages, one every so often or, with 0, one after the other.
func (b *bench) queries(ctx context.Context, n int, every time.Duration, query func(i int) projections.TaskQuery) (took []time.Duration, err error) {
	next := time.Now()
	for i := range n {
		if err := until(ctx, next); err != nil {
			return nil, err
		}
		next = next.Add(every)
		began := time.Now()
		v, err := b.node.model.At(ctx, projections.AsOf{})
		if err != nil {
			return nil, err
		}
		page, err := v.Tasks(ctx, query(i))
		v.Close()
		took = append(took, time.Since(began))
		if err != nil || len(page.Items) == 0 {
			return nil, fmt.Errorf("list tasks: %d rows: %w", len(page.Items), err)
		}
	}
	return took, nil
}

// until waits for a moment.
func until(ctx context.Context, at time.Time) error {
	select {
	case <-time.After(time.Until(at)):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// writeSteadily appends writeRate events a second until it is stopped, and then says
// how many there were.
func (b *bench) writeSteadily(ctx context.Context) (stop func() (int, error)) {
	const writers = 50
	var done atomic.Int64
	ctx, cancel := context.WithCancel(ctx)
	group := errgroup.Group{}
	w := &writes{bench: b}
	for i := range writers {
		step := w.appender(ctx)
		group.Go(func() error {
			next := time.Now().Add(time.Duration(i) * time.Second / writeRate)
			for until(ctx, next) == nil {
				if err := step(); err == nil {
					done.Add(1)
				} else if ctx.Err() == nil {
					return err
				}
				next = next.Add(writers * time.Second / writeRate)
			}
			return nil
		})
	}
	return func() (int, error) {
		cancel()
		err := group.Wait()
		return int(done.Load()), err
	}
}

// search times Chinese search for one and two characters, frequent and rare.
func (b *bench) search(ctx context.Context) error {
	words := []string{"矿", "煤", "完", "项", "车", "尾", "安全", "消防", "粉尘", "起重"}
	took, err := b.queries(ctx, pages, 0, func(i int) projections.TaskQuery {
		return projections.TaskQuery{Q: words[i%len(words)], Today: calendar.On(time.Now()), Limit: 50}
	})
	if err != nil {
		return err
	}
	return b.print99("search_chinese_p99", took, 10)
}

// processes times the program itself on the large ledger: how soon it is ready again
// and what memory it takes.
func (b *bench) processes(ctx context.Context) error {
	p := &process{dir: filepath.Join(b.dir, "large")}
	restart := func(name string, goal float64, end os.Signal) error {
		var took []float64
		for range runs {
			began := time.Now()
			if err := p.start(ctx); err != nil {
				return err
			}
			took = append(took, time.Since(began).Seconds())
			if err := p.stop(end); err != nil {
				return err
			}
		}
		s := median(took)
		return b.print(figure{Name: name, Ours: s, Unit: "s", N: b.cfg.Tasks * largeEvents, Runs: runs, Goal: fmt.Sprintf("<= %g", goal), Met: s <= goal})
	}
	if err := p.start(ctx); err != nil { // makes the token
		return err
	}
	if err := p.stop(os.Interrupt); err != nil {
		return err
	}
	if err := restart("restart_to_ready", 2, os.Interrupt); err != nil {
		return err
	}
	if err := b.memory(ctx, p); err != nil {
		return err
	}
	// The server reads every event then, see eventstore.
	return restart("restart_to_ready_after_kill", 10, os.Kill)
}

// memory prints what a server on the large ledger takes while nobody asks anything,
// and during a rebuild.
func (b *bench) memory(ctx context.Context, p *process) error {
	if err := p.start(ctx); err != nil {
		return err
	}
	if err := until(ctx, time.Now().Add(5*time.Second)); err != nil {
		return err
	}
	for _, m := range []struct {
		name, field string
		goal        float64
		do          func() error
	}{
		{"resident_idle", "VmRSS:", 250, func() error { return nil }},
		{"resident_during_rebuild", "VmHWM:", 500, func() error { p.resetPeak(); return p.rebuild(ctx) }},
	} {
		if err := m.do(); err != nil {
			return err
		}
		mb := float64(p.status(m.field)) / (1 << 20)
		err := b.print(figure{Name: m.name, Ours: mb, Unit: "MiB", N: b.cfg.Tasks * largeEvents, Goal: fmt.Sprintf("<= %g", m.goal), Met: mb > 0 && mb <= m.goal})
		if err != nil {
			return err
		}
	}
	return p.stop(os.Interrupt)
}

// A process is this program, serving.
type process struct {
	dir    string
	cmd    *exec.Cmd
	errors bytes.Buffer
	base   string
}

// readyIn is how long a server may take to be ready.
const readyIn = 2 * time.Minute

// start returns once the server says that it is ready.
func (p *process) start(ctx context.Context) error {
	program, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	address := filepath.Join(p.dir, addressFile)
	if err := os.RemoveAll(address); err != nil { // of one that was killed
		return fmt.Errorf("remove the old address: %w", err)
	}
	p.errors.Reset()
	p.cmd = exec.CommandContext(ctx, program, "serve", "--data", p.dir, "--org", "bench", "--listen", "127.0.0.1:0", "--log-level", "error") //nolint:gosec // this very program
	p.cmd.Stderr = &p.errors
	if err := p.cmd.Start(); err != nil {
		return fmt.Errorf("start the server: %w", err)
	}
	for end := time.Now().Add(readyIn); time.Now().Before(end); {
		if err := until(ctx, time.Now().Add(5*time.Millisecond)); err != nil {
			return err
		}
		b, err := os.ReadFile(address)
		if err != nil || !bytes.HasSuffix(b, []byte("\n")) {
			continue
		}
		p.base = strings.TrimSpace(string(b))
		if p.ready(ctx) {
			return nil
		}
	}
	return fmt.Errorf("the server was not ready in %v: %s", readyIn, p.errors.String())
}

func (p *process) ready(ctx context.Context) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.base+"/readyz", http.NoBody)
	if err != nil {
		return false
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

func (p *process) stop(how os.Signal) error {
	http.DefaultClient.CloseIdleConnections()
	if err := p.cmd.Process.Signal(how); err != nil {
		return fmt.Errorf("stop the server: %w", err)
	}
	if err := p.cmd.Wait(); err != nil && how != os.Kill {
		return fmt.Errorf("stop the server: %w: %s", err, p.errors.String())
	}
	return nil
}

func (p *process) rebuild(ctx context.Context) error {
	token, err := os.ReadFile(filepath.Join(p.dir, tokenFile))
	if err != nil {
		return fmt.Errorf("read the token: %w", err)
	}
	client := &poster{do: http.DefaultClient.Do, base: p.base + "/api/v1/", token: strings.TrimSpace(string(token))}
	return client.post(ctx, "rebuild", "", "")
}

func (p *process) file(name string) string {
	return "/proc/" + strconv.Itoa(p.cmd.Process.Pid) + "/" + name
}

// resetPeak makes the kernel count the peak of the process's memory anew.
func (p *process) resetPeak() { _ = os.WriteFile(p.file("clear_refs"), []byte("5"), 0o200) }

// status returns a size in bytes of the process's status, 0 where there is none.
func (p *process) status(field string) uint64 { return statusBytes(p.file("status"), field) }
