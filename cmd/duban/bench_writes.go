package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/oklog/ulid/v2"

	"duban/api"
	"duban/domain"
	"duban/domain/task"
	"duban/eventstore"
	"duban/eventstore/baseline"
)

// writes times what is written, beside plain publishes to the same server.
type writes struct {
	*bench
	plain  *baseline.Publisher
	client *poster
	sample []byte // an event as it is stored: what the plain publisher sends
}

// plainWriters is how many goroutines the plain publisher has.
const plainWriters = 64

func (b *bench) writes(ctx context.Context) (err error) {
	if b, err = b.open(ctx, "writes"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.close()) }()
	w := &writes{bench: b}
	if w.plain, err = baseline.NewPublisher(ctx, b.node.store); err != nil {
		return err
	}
	if w.client, err = b.listen(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.client.close()) }()
	for _, step := range []func(context.Context) error{w.append, w.groups, w.commands, w.imports} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

func headAt(r eventstore.Record) eventstore.Head {
	return eventstore.Head{Seq: r.Seq, Version: r.Version, Hash: r.Hash()}
}

// append times one writer's single events beside a plain publish of the same
// bytes, one after the other, so that the disk's moods hit both.
func (b *writes) append(ctx context.Context) error {
	ref := domain.Ref{Kind: domain.KindTask, ID: "BENCHAPPEND"}
	var head eventstore.Head
	var ours, plain []time.Duration
	for i := range b.cfg.Appends {
		a := benchAppend(eventstore.Write{Subject: ref, Head: head, Events: []domain.Event{benchEvent(progress(i))}})
		began := time.Now()
		receipt, err := b.node.store.Append(ctx, a)
		ours = append(ours, time.Since(began))
		if err != nil {
			return fmt.Errorf("append: %w", err)
		}
		r := receipt.Records[0]
		head, b.sample = headAt(r), r.Raw
		began = time.Now()
		if err := b.plain.Publish(ctx, r.Raw); err != nil {
			return fmt.Errorf("publish: %w", err)
		}
		plain = append(plain, time.Since(began))
	}
	o, p := micros(median(ours)), micros(median(plain))
	return b.print(figure{
		Name: "append_one_writer_p50", Ours: o, Baseline: p, Unit: "µs", N: b.cfg.Appends, Goal: "ratio <= 1.25", Met: o <= 1.25*p,
	})
}

// groups times appends of many writers, each of whom has an aggregate of its own.
func (b *writes) groups(ctx context.Context) error {
	for _, g := range []struct {
		writers int
		goal    float64
	}{{64, 2.8}, {256, 7}, {512, 9.5}} {
		ours := make([]func() error, g.writers)
		for i := range ours {
			ours[i] = b.appender(ctx)
		}
		name := fmt.Sprintf("append_%d_writers", g.writers)
		if err := b.besidePlain(ctx, name, "events/s", g.goal, ours); err != nil {
			return err
		}
	}
	return nil
}

// appender returns a step that appends one event to an aggregate of its own.
func (b *writes) appender(ctx context.Context) func() error {
	ref := domain.Ref{Kind: domain.KindTask, ID: ulid.Make().String()}
	var head eventstore.Head
	return func() error {
		receipt, err := b.node.store.Append(ctx, benchAppend(eventstore.Write{Subject: ref, Head: head, Events: []domain.Event{benchEvent(progress(1))}}))
		if err == nil {
			head = headAt(receipt.Records[0])
		}
		return err
	}
}

// besidePlain times our steps and plain publishes in turn, and prints their rates.
func (b *writes) besidePlain(ctx context.Context, name, unit string, goal float64, ours []func() error) error {
	plain := make([]func() error, plainWriters)
	for i := range plain {
		plain[i] = func() error { return b.plain.Publish(ctx, b.sample) }
	}
	var o, p []float64
	for range runs {
		for _, side := range []struct {
			steps []func() error
			rates *[]float64
		}{{ours, &o}, {plain, &p}} {
			rate, err := rateOf(b.cfg.Window, side.steps)
			if err != nil {
				return err
			}
			*side.rates = append(*side.rates, rate)
		}
	}
	return b.print(figure{
		Name: name, Ours: median(o), Baseline: median(p), Unit: unit, N: len(ours), Runs: runs,
		Goal: fmt.Sprintf("ratio >= %g", goal), Met: median(o) >= goal*median(p),
	})
}

// rateOf has each step repeated by a goroutine of its own for a while and returns
// how many a second were done.
func rateOf(window time.Duration, steps []func() error) (float64, error) {
	var done atomic.Int64
	var mu sync.Mutex
	var failed error
	var wg sync.WaitGroup
	began := time.Now()
	for _, step := range steps {
		wg.Go(func() {
			for time.Since(began) < window {
				if err := step(); err != nil {
					mu.Lock()
					defer mu.Unlock()
					failed = errors.Join(failed, err)
					return
				}
				done.Add(1)
			}
		})
	}
	wg.Wait()
	return float64(done.Load()) / time.Since(began).Seconds(), failed
}

// Whole commands are given on so many tasks by so many writers.
const (
	commandTasks   = 10_000
	commandWriters = 256
	goalCommands   = 4
	goalHTTP       = 2
)

// commands times whole commands: load, decide, encode, append; in process and then
// through HTTP.
func (b *writes) commands(ctx context.Context) error {
	ledger := *b.bench
	ledger.cfg.Tasks, ledger.cfg.Events = min(commandTasks, 20*b.cfg.Tasks), 3
	if err := ledger.fill(ctx); err != nil {
		return err
	}
	ours := make([]func() error, commandWriters)
	for i := range ours {
		ours[i] = func() error { return b.command(ctx, ledger.tasks[rand.IntN(len(ledger.tasks))]) } //nolint:gosec // any task will do
	}
	if err := b.besidePlain(ctx, "commands_256_writers", "commands/s", goalCommands, ours); err != nil {
		return err
	}
	return b.requests(ctx, ledger.tasks)
}

// command reports on a task, again if somebody else wrote to it meanwhile.
func (b *writes) command(ctx context.Context, ref domain.Ref) error {
	for {
		known, err := b.node.store.History(ctx, ref)
		if err != nil {
			return err
		}
		now := time.Now()
		entry := domain.Entry{By: domain.Caller{Person: benchCaller.Actor, Office: benchCaller.Office, Role: benchCaller.Authority}, Time: now, Now: now}
		events, err := task.Decide(task.Replay(known.Events), domain.Command{Entry: entry, Subject: ref, Ask: progress(1)})
		if err != nil {
			return fmt.Errorf("report on %s: %w", ref, err)
		}
		_, err = b.node.store.Append(ctx, benchAppend(eventstore.Write{Subject: ref, Head: known.Head, Events: events}))
		if !errors.Is(err, eventstore.ErrConflict) {
			return err
		}
	}
}

// requests times commands of as many connections through HTTP.
func (b *writes) requests(ctx context.Context, tasks []domain.Ref) error {
	ours := make([]func() error, commandWriters)
	for i := range ours {
		c, err := b.client.dial(ctx)
		if err != nil {
			return err
		}
		defer func() { _ = c.close() }() // everything was answered
		ours[i] = func() error {
			ref := tasks[rand.IntN(len(tasks))] //nolint:gosec // any task will do
			return c.post(ctx, "tasks/"+ref.ID+"/remind", "application/json", `{"words":"请报进展"}`)
		}
	}
	return b.besidePlain(ctx, "http_256_connections", "requests/s", goalHTTP, ours)
}

// A poster sends commands to a server of the bench's own.
type poster struct {
	do          func(*http.Request) (*http.Response, error)
	addr        string
	base, token string
	close       func() error
}

// listen serves the ledger's API on a port of its own.
func (b *bench) listen(ctx context.Context) (*poster, error) {
	server := api.New(api.Config{Store: b.node.store, Model: b.node.model, Version: softwareVersion()})
	token, err := server.Bootstrap(ctx, "基准处安委办", func(string) error { return nil })
	if err != nil {
		return nil, err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	hs := &http.Server{Handler: server.Handler(), ReadHeaderTimeout: 10 * time.Second}
	ended := make(chan error, 1)
	go func() { ended <- hs.Serve(listener) }()
	connections := &http.Transport{MaxIdleConnsPerHost: commandWriters}
	return &poster{
		do: (&http.Client{Transport: connections}).Do, addr: listener.Addr().String(),
		base: baseURL(listener.Addr()) + "/api/v1/", token: token,
		close: func() error {
			connections.CloseIdleConnections()
			err := hs.Shutdown(ctx)
			if serr := <-ended; !errors.Is(serr, http.ErrServerClosed) {
				err = errors.Join(err, serr)
			}
			return err
		},
	}, nil
}

// dial returns a client with a connection of its own. What is timed is the server,
// whose clients run on other machines: http.Client's pool and its two goroutines for
// each connection would take a tenth of the processors from it. The server gets the
// same requests.
func (p *poster) dial(ctx context.Context) (*poster, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", p.addr)
	if err != nil {
		return nil, fmt.Errorf("dial: %w", err)
	}
	in := bufio.NewReader(conn)
	do := func(req *http.Request) (*http.Response, error) {
		req.Header.Set("Accept-Encoding", "gzip") // as http.Client would
		if err := req.Write(conn); err != nil {
			return nil, err
		}
		return http.ReadResponse(in, req)
	}
	return &poster{do: do, addr: p.addr, base: p.base, token: p.token, close: conn.Close}, nil
}

// post sends one command and reads the answer to its end.
func (p *poster) post(ctx context.Context, path, media, content string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.base+path, strings.NewReader(content))
	if err != nil {
		return fmt.Errorf("make the request: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+p.token)
	req.Header.Set("Content-Type", media)
	resp, err := p.do(req)
	if err != nil {
		return fmt.Errorf("post %s: %w", path, err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return fmt.Errorf("post %s: %w", path, err)
	}
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("post %s: %d %s", path, resp.StatusCode, answer)
	}
	return nil
}

const (
	noticeTasks = 400
	goalImport  = 5
)

// imports times the import of notices through HTTP beside as many single publishes
// as an import records events, one after the other.
func (b *writes) imports(ctx context.Context) error {
	one := func(n int) (events int, took time.Duration, err error) {
		before, began := b.node.store.Acked(), time.Now()
		err = b.client.post(ctx, "directives", "text/plain; charset=utf-8", largeNotice(n))
		return int(b.node.store.Acked() - before), time.Since(began), err
	}
	if _, _, err := one(0); err != nil { // registers the offices
		return err
	}
	var o, p []float64
	events := 0
	for n := range runs {
		recorded, took, err := one(n + 1)
		if err != nil {
			return err
		}
		events = recorded
		o = append(o, float64(events)/took.Seconds())
		began := time.Now()
		for range events {
			if err := b.plain.Publish(ctx, b.sample); err != nil {
				return fmt.Errorf("publish: %w", err)
			}
		}
		p = append(p, float64(events)/time.Since(began).Seconds())
	}
	return b.print(figure{
		Name: "import_400_tasks", Ours: median(o), Baseline: median(p), Unit: "events/s", N: events, Runs: runs,
		Goal: fmt.Sprintf("ratio >= %d", goalImport), Met: median(o) >= goalImport*median(p),
	})
}

// largeNotice is the n-th notice of noticeTasks clauses, one office each.
func largeNotice(n int) string {
	var t strings.Builder
	fmt.Fprintf(&t, "测试厅文件\n\n测试发〔2026〕%[1]d号\n\n测试厅关于印发《安全生产专项整治第%[1]d号工作方案》的通知\n\n各有关处室：\n\n为做好专项整治，现将工作方案印发给你们，请认真贯彻落实。\n\n", n)
	for i := range noticeTasks {
		fmt.Fprintf(&t, "%d.严格落实第%d号方案第%d项整治措施。（责任处室：第%d处）\n\n", i+1, n, i+1, i%20+1)
	}
	t.WriteString("测试厅办公室\n\n2026年1月5日印发\n")
	return t.String()
}
