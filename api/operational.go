package api

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"duban/eventstore"
	"duban/projections/seal"
)

type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.HistogramVec
}

func newMetrics(s *Server) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "duban_http_request_seconds", Help: "Time to answer, by route, method and status.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"route", "method", "status"}),
	}
	gauge := func(name, help string, value func() float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value)
	}
	m.registry.MustRegister(m.requests, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		gauge("duban_ledger_sequence", "Last acknowledged sequence.", func() float64 { return float64(s.Store.Acked()) }),
		gauge("duban_readmodel_sequence", "Sequence the read models stand at.", func() float64 { return float64(s.Model.Position()) }),
		gauge("duban_ledger_writable", "1 while the ledger accepts writes.", func() float64 {
			if s.writable() != nil {
				return 0
			}
			return 1
		}),
	)
	m.registry.MustRegister(appendMetrics(s.Store)...)
	if s.Tree != nil {
		m.registry.MustRegister(
			gauge("duban_tree_size", "Events in the Merkle tree.", func() float64 { return float64(s.Tree.Stats().Size) }),
			gauge("duban_tree_lag", "Acknowledged events that are not in the Merkle tree yet.", func() float64 { return float64(s.Tree.Stats().Lag) }),
			gauge("duban_tree_bytes", "Size of the Merkle tree's file.", func() float64 { return float64(s.Tree.Stats().Bytes) }),
		)
	}
	if s.Seal != nil {
		m.registry.MustRegister(sealMetrics(s.Seal)...)
	}
	return m
}

// appendMetrics tell how many writes share a sync: appends by commits is the size of
// a group.
func appendMetrics(store *eventstore.Store) []prometheus.Collector {
	counter := func(name, help string, value func(eventstore.Stats) uint64) prometheus.Collector {
		return prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help}, func() float64 { return float64(value(store.Stats())) })
	}
	gauge := func(name, help string, value func(eventstore.Stats) int) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 { return float64(value(store.Stats())) })
	}
	return []prometheus.Collector{
		gauge("duban_append_queue", "Appends that wait for the committer.", func(st eventstore.Stats) int { return st.Waiting }),
		gauge("duban_append_queue_limit", "Appends that may wait; more are refused with 503.", func(st eventstore.Stats) int { return st.Room }),
		counter("duban_append_commits_total", "Groups of appends acknowledged, each synced once.", func(st eventstore.Stats) uint64 { return st.Commits }),
		counter("duban_appends_total", "Appends acknowledged.", func(st eventstore.Stats) uint64 { return st.Appends }),
		counter("duban_append_events_total", "Events acknowledged.", func(st eventstore.Stats) uint64 { return st.Events }),
	}
}

// sealMetrics tell how signing, witnesses and the audit fare.
func sealMetrics(s *seal.Seal) []prometheus.Collector {
	moment := func(t time.Time) float64 {
		if t.IsZero() {
			return 0
		}
		return float64(t.UnixMilli()) / 1000
	}
	good := func(err error) float64 {
		if err != nil {
			return 0
		}
		return 1
	}
	gauges := []struct {
		name, help string
		value      func(seal.Status) float64
	}{
		{"duban_head_size", "Events in the last signed head.", func(st seal.Status) float64 { return float64(st.Size) }},
		{"duban_head_signed_seconds", "When the last head was signed, Unix time.", func(st seal.Status) float64 { return moment(st.At) }},
		{"duban_head_signing", "1 while heads are signed.", func(st seal.Status) float64 { return good(st.Stopped) }},
		{"duban_head_quorum", "1 while heads get the cosignatures the policy asks for.", func(st seal.Status) float64 { return good(st.Witness) }},
		{"duban_head_quorum_size", "Events in the last head with its quorum.", func(st seal.Status) float64 { return float64(st.Cosigned) }},
		{"duban_audit_position", "Events the audit at hand found as they were signed.", func(st seal.Status) float64 { return float64(st.Audit.Position) }},
		{"duban_audit_passes", "Audits of the whole ledger since the start.", func(st seal.Status) float64 { return float64(st.Audit.Passes) }},
		{"duban_audit_finished_seconds", "When the last audit of the whole ledger ended, Unix time.", func(st seal.Status) float64 { return moment(st.Audit.Last) }},
	}
	var out []prometheus.Collector
	for _, g := range gauges {
		out = append(out, prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: g.name, Help: g.help}, func() float64 { return g.value(s.Status()) }))
	}
	return out
}

// readiness is what /readyz says.
type readiness struct {
	Ready    bool   `json:"ready"`
	Writable bool   `json:"writable"`
	Reason   string `json:"reason,omitempty"`
	Ledger   uint64 `json:"ledger_sequence"`
	Model    uint64 `json:"readmodel_sequence"`
	Sample   bool   `json:"sample,omitempty"`

	Tree     uint64     `json:"tree_size"`
	TreeLag  uint64     `json:"tree_lag"`
	Head     uint64     `json:"head_size"`
	SignedAt *time.Time `json:"head_signed_at,omitempty"`
	Audited  *time.Time `json:"audited_at,omitempty"`
	// Degraded says what is amiss without keeping anybody from working.
	Degraded []string `json:"degraded,omitempty"`
}

// seal adds how signing, witnesses and the audit fare.
func (r *readiness) seal(st seal.Status) {
	r.Head = st.Size
	if !st.At.IsZero() {
		r.SignedAt = &st.At
	}
	if !st.Audit.Last.IsZero() {
		r.Audited = &st.Audit.Last
	}
	for _, err := range []error{st.Stopped, st.Witness} {
		if err != nil {
			r.Degraded = append(r.Degraded, err.Error())
		}
	}
}

// lag is how many events the read models may be behind under load and still be
// ready. At the start they catch up before Config.Ready says so.
const lag = 1000

// operational adds what stands beside the API, for those who run it.
func (s *Server) operational() {
	s.echo.GET("/healthz", func(c echo.Context) error { return c.String(http.StatusOK, "ok\n") })
	s.echo.GET("/readyz", s.ready)
	s.echo.GET("/metrics", echo.WrapHandler(promhttp.HandlerFor(s.metrics.registry, promhttp.HandlerOpts{})))
	s.echo.GET("/openapi.json", func(c echo.Context) error {
		c.Response().Header().Set(echo.HeaderContentType, "application/openapi+json")
		return huma.DefaultJSONFormat.Marshal(c.Response(), s.api.OpenAPI())
	})
	s.echo.GET("/", func(c echo.Context) error {
		return c.String(http.StatusOK, "督办 Duban "+s.Version+"\n接口 /api/v1，说明 /openapi.json，状态 /readyz\nThe API is at /api/v1, described at /openapi.json; state at /readyz\n")
	})
}

func (s *Server) ready(c echo.Context) error {
	r := readiness{Ledger: s.Store.Acked(), Model: s.Model.Position(), Writable: true, Sample: s.Sample}
	if err := s.writable(); err != nil {
		r.Writable, r.Reason = false, err.Error()
	}
	if s.Tree != nil {
		st := s.Tree.Stats()
		r.Tree, r.TreeLag = st.Size, st.Lag
	}
	if s.Seal != nil {
		r.seal(s.Seal.Status())
	}
	if err := s.treeErr(); err != nil {
		r.Degraded = append(r.Degraded, err.Error())
	}
	err := s.Model.Err()
	if err != nil {
		r.Reason = errors.Join(errors.New(r.Reason), err).Error()
	}
	r.Ready = r.Writable && err == nil && r.Model+lag >= r.Ledger && (s.Config.Ready == nil || s.Config.Ready())
	status := http.StatusOK
	if !r.Ready {
		status = http.StatusServiceUnavailable
	}
	return c.JSON(status, r)
}

type quietKey struct{}

// Quietly returns a context whose requests are logged for debugging only and always
// let in: those that the program sends to itself, one after the other.
func Quietly(ctx context.Context) context.Context {
	return context.WithValue(ctx, quietKey{}, struct{}{})
}

func isOwn(ctx context.Context) bool { return ctx.Value(quietKey{}) != nil }

// observe logs and measures every request once it is answered.
func (s *Server) observe(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		began := time.Now()
		if err := next(c); err != nil {
			c.Error(err)
		}
		route := c.Path()
		if route == "" {
			route = "none"
		}
		status := c.Response().Status
		took := time.Since(began)
		s.metrics.requests.WithLabelValues(route, method(c.Request()), strconv.Itoa(status)).Observe(took.Seconds())
		level := slog.LevelInfo
		switch {
		case c.Get(shedKey) != nil:
			level = slog.LevelDebug // told of by and by
		case status >= http.StatusInternalServerError:
			level = slog.LevelWarn
		case isOwn(c.Request().Context()):
			level = slog.LevelDebug
		}
		s.Logger.LogAttrs(c.Request().Context(), level, "request",
			slog.String("method", c.Request().Method), slog.String("path", c.Request().URL.Path), slog.Int("status", status),
			slog.Duration("took", took), slog.String("actor", callerOf(c.Request().Context()).Person.ID))
		return nil
	}
}

// method returns the request's method as a label: those that clients make up are
// one, or anybody could make series without end.
func method(r *http.Request) string {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return r.Method
	}
	return "other"
}
