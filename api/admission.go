package api

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/semaphore"
)

// Limits bound how many requests are in work at once. Requests are told apart by
// what holds them up, so that none of the slow kinds keeps the quick ones out: a
// hundred listeners or a few dossiers leave every read and write its place. As
// many more may wait for a place, in order and not longer than Wait; the rest is
// refused with 503 and Retry-After before its body is read. So neither memory nor
// the time of what is accepted grows with how much is asked.
//
// 0 stands for the default.
type Limits struct {
	Reads   int // lists, records, figures: bounded by the processor. The public log has as many places of its own
	Writes  int // commands: they wait for the disk together, and many cost little more than one
	Files   int // evidence, up and down: cheap, but as slow as the client's line
	Bulk    int // what takes in a whole notice, sheet, year or ledger, and seconds
	Streams int // events/live: held until the client goes

	Wait time.Duration // for a place; bulk waits bulkPatience times as long, the turn on a record turnPatience times
}

// bulkPatience is how much longer one may wait for what itself takes seconds.
const bulkPatience = 20

// DefaultLimits suits a machine of two to eight processors. Writes are as many as
// still make a commit faster; more only wait longer.
func DefaultLimits() Limits {
	return Limits{Reads: 32, Writes: 256, Files: 64, Bulk: 4, Streams: 256, Wait: 500 * time.Millisecond}
}

func (l Limits) withDefaults() Limits {
	d := DefaultLimits()
	return Limits{
		Reads: cmp.Or(l.Reads, d.Reads), Writes: cmp.Or(l.Writes, d.Writes), Files: cmp.Or(l.Files, d.Files),
		Bulk: cmp.Or(l.Bulk, d.Bulk), Streams: cmp.Or(l.Streams, d.Streams), Wait: cmp.Or(l.Wait, d.Wait),
	}
}

// errBusy: as many requests of this kind are in work and waiting as may be.
// Nothing was done.
var errBusy = errors.New("当前请求过多，未作任何处理，请按 Retry-After 稍后重试（写入请用同一个 Idempotency-Key） / too many requests at once, nothing was done: try again after Retry-After, a write with the same idempotency key")

// A class is a kind of request that has places of its own.
type class int

const (
	classFree class = iota // never refused: what those who run the server look at when it is busy
	classRead
	classWrite
	classFile
	classBulk
	classStream
	classLog
)

func (c class) String() string {
	return [...]string{"free", "read", "write", "file", "bulk", "stream", "log"}[c]
}

// classOf says which places a request takes. Whoever adds a route gets the places
// of reads or writes unless it is named here.
func classOf(c echo.Context) class {
	r := c.Request()
	path := cmp.Or(c.Path(), r.URL.Path)
	route, inAPI := strings.CutPrefix(path, apiPrefix)
	reads := r.Method == http.MethodGet || r.Method == http.MethodOptions
	switch {
	case path == "/", path == "/healthz", path == "/readyz", path == "/metrics", path == "/openapi.json":
		return classFree
	case path == livePath:
		return classStream
	case strings.HasPrefix(path, logPath+"/"):
		return classLog
	case inAPI && strings.HasPrefix(route, "/evidence"):
		return classFile
	case inAPI && bulky(c, route, reads):
		return classBulk
	case reads:
		return classRead
	}
	return classWrite
}

// bulky reports whether a request takes in a whole notice, sheet, year or ledger.
func bulky(c echo.Context, route string, reads bool) bool {
	switch route {
	case "/directives":
		return !reads
	case "/events":
		return strings.Contains(c.Request().Header.Get(echo.HeaderAccept), ndjsonType)
	case "/dossiers/:year", "/register", "/directives/preview", "/reminders", "/rebuild", "/doctor":
		return true
	}
	return strings.HasPrefix(route, "/imports/") || c.QueryParam("format") == "xlsx" || c.QueryParam("format") == "csv"
}

// A gate keeps the places of one class.
type gate struct {
	class   class
	most    int
	wait    time.Duration // for a place; 0: whoever finds none is refused
	places  *semaphore.Weighted
	working atomic.Int64
	waiting atomic.Int64
	full    prometheus.Counter // refused because too many waited
	late    prometheus.Counter // refused because none left in time
}

// enter takes a place, or returns errBusy, or the context's error. Whoever entered
// leaves.
func (g *gate) enter(ctx context.Context) error {
	if !g.places.TryAcquire(1) {
		if err := g.queue(ctx); err != nil {
			return err
		}
	}
	g.working.Add(1)
	return nil
}

func (g *gate) leave() {
	g.working.Add(-1)
	g.places.Release(1)
}

// queue waits for a place behind those who came before.
func (g *gate) queue(ctx context.Context) error {
	defer g.waiting.Add(-1)
	if g.waiting.Add(1) > int64(g.most) || g.wait == 0 {
		g.full.Inc()
		return errBusy
	}
	patience, cancel := context.WithTimeout(ctx, g.wait)
	defer cancel()
	if g.places.Acquire(patience, 1) == nil {
		return nil
	}
	if ctx.Err() != nil {
		return ctx.Err() // the client is gone
	}
	g.late.Inc()
	return errBusy
}

// admission is the gates of a server, by class.
type admission struct {
	gates   [classLog + 1]*gate // none for classFree
	crowded prometheus.Counter  // commands refused because too many were on one record
	log     *slog.Logger

	mu      sync.Mutex
	refused int       // since the log last told of it
	told    time.Time // when it did
}

func newAdmission(l Limits, log *slog.Logger, registry prometheus.Registerer) *admission {
	a := &admission{log: log}
	shed := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "duban_http_shed_total", Help: "Requests refused with 503 because too many came at once, by class and reason: full (too many waited), late (no place in time), record (too many commands on one record, or no turn in time).",
	}, []string{"class", "reason"})
	registry.MustRegister(shed)
	a.crowded = shed.WithLabelValues(classWrite.String(), "record")
	for c, most := range map[class]int{classRead: l.Reads, classWrite: l.Writes, classFile: l.Files, classBulk: l.Bulk, classStream: l.Streams, classLog: l.Reads} {
		g := &gate{class: c, most: most, wait: l.Wait, places: semaphore.NewWeighted(int64(most))}
		if c == classStream {
			g.wait = 0 // nobody leaves soon
		}
		if c == classBulk {
			g.wait *= bulkPatience
		}
		g.full, g.late = shed.WithLabelValues(c.String(), "full"), shed.WithLabelValues(c.String(), "late")
		a.gates[c] = g
		gauge := func(name, help string, value func() float64) prometheus.Collector {
			return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help, ConstLabels: prometheus.Labels{"class": c.String()}}, value)
		}
		registry.MustRegister(
			gauge("duban_http_in_work", "Requests in work.", func() float64 { return float64(g.working.Load()) }),
			gauge("duban_http_waiting", "Requests that wait for a place.", func() float64 { return float64(g.waiting.Load()) }),
			gauge("duban_http_limit", "Requests that may be in work at once; as many more may wait.", func() float64 { return float64(g.most) }),
		)
	}
	return a
}

// drain bounds how long the rest of a refused request is read, so that its
// connection can be used again; what is larger is not read at all.
const (
	drainTime  = 5 * time.Second
	drainBytes = 16 << 10
)

// answerTime bounds how long a client may take over an ordinary answer: it holds a
// place meanwhile.
const answerTime = requestTimeout + stalled

// admit lets a request through once there is a place for it. It stands before the
// credentials are looked up, which is work too. What the program sends to itself
// comes one by one and is let through.
func (a *admission) admit(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		g := a.gates[classOf(c)]
		if g == nil || isOwn(r.Context()) {
			return next(c)
		}
		// A recorder in tests has no deadlines to move.
		conn := http.NewResponseController(c.Response())
		if err := g.enter(r.Context()); err != nil {
			_ = conn.SetReadDeadline(time.Now().Add(drainTime))
			if r.ContentLength < 0 || r.ContentLength > drainBytes {
				c.Response().Header().Set(echo.HeaderConnection, "close")
			}
			if errors.Is(err, errBusy) {
				c.Set(shedKey, true)
				a.tell(r.Context(), g)
			}
			return err
		}
		defer g.leave()
		if g.class == classRead || g.class == classWrite {
			_ = conn.SetWriteDeadline(time.Now().Add(answerTime))
		}
		return next(c)
	}
}

// shedKey marks a refused request for the log.
const shedKey = "shed"

// tellEvery is how often the log tells of an overload, which would else fill the
// disk with words about itself.
const tellEvery = 10 * time.Second

func (a *admission) tell(ctx context.Context, g *gate) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.refused++
	if now := time.Now(); now.Sub(a.told) >= tellEvery {
		a.log.WarnContext(ctx, "too many requests at once, refusing some", slog.String("class", g.class.String()), slog.Int("limit", g.most), slog.Int("refused", a.refused))
		a.refused, a.told = 0, now
	}
}
