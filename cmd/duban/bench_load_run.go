package main

import (
	"cmp"
	"context"
	"errors"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// A loader sends requests by schedule. It is open-loop: a slow server is not asked
// less, and a request is timed from the moment it was due, so that what a stalled
// server does to those who come meanwhile is seen (no coordinated omission).
type loader struct {
	client  *client
	cfg     loadConfig
	targets *targets
	runs    uint64 // so that each run asks for something else
}

// A due request waits for a connection.
type due struct {
	shot
	at time.Time
}

// loadRun is what one run came to.
type loadRun struct {
	name    string
	rate    float64       // asked for
	seconds float64       // from the first request to the last answer
	series  []*loadSeries // of each route
	peak    float64       // MiB of the server's resident memory, 0: unknown
}

// loadSeries is one route's answers.
type loadSeries struct {
	route              string
	write              bool
	offered, ok        int
	shed               int            // 503
	unsent             int            // no connection was free
	refused            map[string]int // other answers by status, and what was no answer
	accepted, shedding *hdrhistogram.Histogram
}

// newHistogram holds µs up to two minutes with three digits.
func newHistogram() *hdrhistogram.Histogram { return hdrhistogram.New(1, 120_000_000, 3) }

func newSeries(route string, write bool) *loadSeries {
	return &loadSeries{route: route, write: write, refused: map[string]int{}, accepted: newHistogram(), shedding: newHistogram()}
}

// A tally collects answers as they come.
type tally struct {
	mu     sync.Mutex
	series map[string]*loadSeries
}

func (t *tally) of(s shot) *loadSeries {
	if t.series[s.route] == nil {
		t.series[s.route] = newSeries(s.route, s.write)
	}
	return t.series[s.route]
}

func (t *tally) unsent(s shot) {
	t.mu.Lock()
	defer t.mu.Unlock()
	of := t.of(s)
	of.offered++
	of.unsent++
}

func (t *tally) answered(s shot, took time.Duration, status int, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	of := t.of(s)
	of.offered++
	us := min(max(took.Microseconds(), 1), 120_000_000)
	switch {
	case err != nil:
		of.refused[failure(err)]++
	case status < 300:
		of.ok++
		_ = of.accepted.RecordValue(us) // within its bounds
	case status == http.StatusServiceUnavailable:
		of.shed++
		_ = of.shedding.RecordValue(us)
	default:
		of.refused[strconv.Itoa(status)]++
	}
}

// failure names what was no answer.
func failure(err error) string {
	var timeout interface{ Timeout() bool }
	if errors.As(err, &timeout) && timeout.Timeout() {
		return "timeout"
	}
	return "connection"
}

// run sends requests at a rate for a time and waits for the answers.
func (l *loader) run(ctx context.Context, name string, rate float64, length time.Duration) (loadRun, error) {
	l.runs++
	m := &mix{targets: l.targets, reads: l.cfg.Reads, random: rand.New(rand.NewPCG(l.cfg.Seed, l.runs))} //nolint:gosec // a schedule, no secret
	t := &tally{series: map[string]*loadSeries{}}
	queue := make(chan due, l.cfg.Connections)
	var workers sync.WaitGroup
	for range l.cfg.Connections {
		workers.Go(func() {
			for d := range queue {
				status, err := l.send(ctx, d.request)
				t.answered(d.shot, time.Since(d.at), status, err)
			}
		})
	}
	watch, stop := context.WithCancel(ctx)
	peak := make(chan float64, 1)
	go func() { peak <- l.watch(watch) }()

	began := time.Now()
	err := schedule(ctx, m, t, queue, rate, length)
	close(queue)
	workers.Wait()
	seconds := max(time.Since(began), length).Seconds()
	stop()
	r := loadRun{name: name, rate: rate, seconds: seconds, peak: <-peak, series: slices.Collect(maps.Values(t.series))}
	slices.SortFunc(r.series, func(a, b *loadSeries) int { return cmp.Compare(a.route, b.route) })
	return r, err
}

// schedule lets requests come at random, independent of each other and of the
// answers. Whoever finds neither a connection nor a place to wait counts as unsent.
func schedule(ctx context.Context, m *mix, t *tally, queue chan<- due, rate float64, length time.Duration) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	began := time.Now()
	for at := time.Duration(0); ; {
		at += time.Duration(m.random.ExpFloat64() / rate * float64(time.Second))
		if at >= length {
			return nil
		}
		timer.Reset(time.Until(began.Add(at)))
		select {
		case <-timer.C:
		case <-ctx.Done():
			return ctx.Err()
		}
		s, err := m.next()
		if err != nil {
			return err
		}
		select {
		case queue <- due{s, began.Add(at)}:
		default:
			t.unsent(s)
		}
	}
}

// send returns the status once the answer is read whole.
func (l *loader) send(ctx context.Context, r request) (int, error) {
	resp, err := l.client.send(ctx, r)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, err
}

// watch looks at the server's memory until ctx ends, and returns the most it saw.
func (l *loader) watch(ctx context.Context) (peak float64) {
	own := &client{base: l.client.base, http: &http.Client{Timeout: l.cfg.Timeout}} // the others are busy
	defer own.http.CloseIdleConnections()
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for {
		if b, err := own.beside(ctx, "/metrics"); err == nil {
			peak = max(peak, resident(string(b)))
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return peak
		}
	}
}

// resident reads the resident memory, in MiB, from metrics in Prometheus' text form.
func resident(metrics string) float64 {
	for line := range strings.Lines(metrics) {
		if v, ok := strings.CutPrefix(line, "process_resident_memory_bytes "); ok {
			n, err := strconv.ParseFloat(strings.TrimSpace(v), 64)
			if err != nil {
				return 0
			}
			return n / (1 << 20)
		}
	}
	return 0
}
