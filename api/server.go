// Package api is the ledger over HTTP: one file per resource.
//
// A handler decodes, calls and renders. Commands go the same way everywhere
// (execute.go): load the aggregates from the event store, look whether this
// command was recorded before, decide, append with the expected versions. Reads
// come from the projections, at the cut the client names (cut.go). Every error
// becomes one form in one table (problem.go). How much is in work at once is bounded,
// by what holds a request up (admission.go) and by record (turns.go); what is more is
// refused before anything is done.
//
// The routes of commands are made from the acts that the domain lists, so that
// route, schema, refusal and documentation can't drift apart.
package api

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humaecho"
	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"duban/domain"
	"duban/eventstore"
	"duban/projections"
	"duban/projections/seal"
	"duban/projections/tree"
)

// Config is what a Server is made of.
type Config struct {
	Store *eventstore.Store
	Model *projections.Model
	Seal  *seal.Seal // nil: heads are neither signed nor looked at
	Tree  *tree.Tree // nil: the log is not served, and there are no dossiers

	Clock   func() time.Time // nil: time.Now
	Logger  *slog.Logger     // nil: nothing is logged
	Version string           // of the software, for OpenAPI
	Sample  bool             // the ledger holds invented data, and answers say so

	// MaxEvidence bounds one evidence file, in bytes. 0: 50 MiB.
	MaxEvidence int64
	// MaxNotice bounds an uploaded notice, in bytes. 0: 8 MiB.
	MaxNotice int64
	// Limits bound what is in work at once.
	Limits Limits
	// Ready says whether the server has prepared what it needs, so that /readyz
	// need not promise too early. nil: it has.
	Ready func() bool
	// Stop ends open event streams, so that a graceful stop need not wait for
	// clients that listen for ever. nil: only the client ends them.
	Stop <-chan struct{}
}

// A Server answers the HTTP API.
type Server struct {
	Config
	echo    *echo.Echo
	api     huma.API
	metrics *metrics
	gates   *admission
	callers callers
	turns   turns

	parameters parameters // of every route; not changed once the server is made
}

// Limits of requests.
const (
	defaultMaxEvidence = 50 << 20
	defaultMaxNotice   = 8 << 20
	maxCommandBytes    = 256 << 10 // an event holds 64 KiB; what is larger is evidence
	requestTimeout     = 30 * time.Second
	bookTimeout        = 4 * time.Minute // of a whole year's workbook; the server's own is 5 minutes
)

// New returns a server over a store and its read models.
func New(cfg Config) *Server {
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.MaxEvidence == 0 {
		cfg.MaxEvidence = defaultMaxEvidence
	}
	if cfg.MaxNotice == 0 {
		cfg.MaxNotice = defaultMaxNotice
	}
	s := &Server{Config: cfg, echo: echo.New()}
	s.metrics = newMetrics(s)
	limits := cfg.Limits.withDefaults()
	s.gates = newAdmission(limits, cfg.Logger, s.metrics.registry)
	s.turns = turns{records: map[domain.Ref]*turn{}, wait: turnPatience * limits.Wait, crowded: s.gates.crowded}
	s.echo.HTTPErrorHandler = s.handleError
	s.echo.Use(s.observe, middleware.RecoverWithConfig(middleware.RecoverConfig{LogErrorFunc: s.logPanic}), secureHeaders, s.gates.admit, s.authenticate, s.holdWrites, s.checkQuery)
	s.operational()

	s.api = humaecho.NewWithGroup(s.echo, s.echo.Group(apiPrefix), s.humaConfig())
	s.tasks()
	s.reminders()
	s.findings()
	s.inspections()
	s.offices()
	s.directives()
	s.calendars()
	s.policy()
	s.evidence()
	s.events()
	s.summary()
	s.reports()
	s.figures()
	s.rectification()
	s.yearRegister()
	s.sheets()
	s.dossiers()
	s.tokens()
	s.upkeep()
	s.backups()
	s.keys()
	s.log()
	s.describe()
	s.parameters = parametersOf(s.api.OpenAPI())
	return s
}

const (
	apiPrefix = "/api/v1"
	livePath  = apiPrefix + "/events/live"
)

func (s *Server) humaConfig() huma.Config {
	cfg := huma.DefaultConfig("督办 Duban", s.Version)
	cfg.Info.Description = "督办台账：任务、分项、隐患及其完整历史。A compliance ledger: tasks, shares, findings and their whole history."
	cfg.Servers = []*huma.Server{{URL: apiPrefix}}
	cfg.Components.Schemas = huma.NewMapRegistry(schemaPrefix, schemaName)
	cfg.OpenAPIPath, cfg.DocsPath, cfg.SchemasPath = "", "", "" // served outside the prefix, without a token
	cfg.CreateHooks = nil                                       // no $schema members in the answers
	cfg.Transformers = []huma.Transformer{toProblem}
	strict := huma.Format{Marshal: huma.DefaultJSONFormat.Marshal, Unmarshal: unmarshalBody}
	cfg.Formats = map[string]huma.Format{"application/json": strict, "json": strict}
	cfg.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"bearer": {Type: "http", Scheme: "bearer", Description: "首次启动时打印的操作令牌，或 duban token add 生成的令牌"},
	}
	cfg.Security = []map[string][]string{{"bearer": {}}}
	return cfg
}

// Handler returns the HTTP handler. It answers HEAD like GET (RFC 9110, section
// 9.3.2), but not on the stream without an end; net/http leaves the content out.
func (s *Server) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodHead && r.URL.Path != livePath {
			r = r.WithContext(r.Context()) // a copy: net/http looks at the method of its own
			r.Method = http.MethodGet
		}
		s.echo.ServeHTTP(w, r)
	})
}

// handleError renders what no operation handled: unknown routes, wrong methods,
// errors of plain handlers.
func (s *Server) handleError(err error, c echo.Context) {
	if c.Response().Committed {
		return
	}
	var p *Problem
	var he *echo.HTTPError
	if errors.As(err, &he) {
		p = routing(he.Code, c.Request().URL.Path)
	} else {
		p = s.problem(c.Request().Context(), err)
	}
	for k, v := range p.header {
		c.Response().Header()[k] = v
	}
	if allow := c.Response().Header().Get(echo.HeaderAllow); strings.Contains(allow, http.MethodGet) && c.Path() != livePath {
		c.Response().Header().Set(echo.HeaderAllow, allow+", "+http.MethodHead)
	}
	c.Response().Header().Set(echo.HeaderContentType, problemType)
	c.Response().WriteHeader(p.Status)
	if c.Request().Method == http.MethodHead {
		return
	}
	// The client may be gone; there is nobody left to tell.
	_ = huma.DefaultJSONFormat.Marshal(c.Response(), p)
}

// problem returns the client's view of an error and logs what it hides.
func (s *Server) problem(ctx context.Context, err error) *Problem {
	p, known := problem(err)
	if !known {
		s.Logger.ErrorContext(ctx, "request failed", slog.Any("error", err))
	}
	return p
}

func (s *Server) logPanic(c echo.Context, err error, stack []byte) error {
	s.Logger.ErrorContext(c.Request().Context(), "handler panicked",
		slog.String("path", c.Path()), slog.Any("error", err), slog.String("stack", string(stack)))
	return echo.NewHTTPError(http.StatusInternalServerError)
}

// register adds an operation whose errors all pass through the error table.
func register[I, O any](s *Server, op huma.Operation, handle func(context.Context, *I) (*O, error)) {
	registerWithin(s, op, requestTimeout, handle)
}

// registerWithin is register for an operation with a time limit of its own.
func registerWithin[I, O any](s *Server, op huma.Operation, limit time.Duration, handle func(context.Context, *I) (*O, error)) {
	huma.Register(s.api, op, func(ctx context.Context, in *I) (*O, error) {
		ctx, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		out, err := handle(ctx, in)
		if err != nil {
			return nil, s.problem(ctx, err)
		}
		return out, nil
	})
}

// secureHeaders keeps browsers from guessing types and embedding answers.
func secureHeaders(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		h := c.Response().Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		return next(c)
	}
}
