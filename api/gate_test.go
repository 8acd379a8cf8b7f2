package api

import (
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestPanicLeavesPlace: whatever becomes of a handler, its place is free again.
func TestPanicLeavesPlace(t *testing.T) {
	gates := newAdmission(Limits{Reads: 1, Wait: time.Millisecond}.withDefaults(), slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	e := echo.New()
	e.Use(middleware.RecoverWithConfig(middleware.RecoverConfig{DisablePrintStack: true, LogErrorFunc: func(_ echo.Context, err error, _ []byte) error { return err }}), gates.admit)
	e.GET("/panics", func(echo.Context) error { panic(errors.New("a mistake")) })
	e.GET("/aborts", func(echo.Context) error { panic(http.ErrAbortHandler) })
	e.GET("/fails", func(echo.Context) error { return errors.New("a fault") })
	e.GET("/works", func(c echo.Context) error { return c.NoContent(http.StatusOK) })
	srv := httptest.NewServer(e)
	defer srv.Close()
	srv.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)
	ask := func(path string) (int, error) {
		resp, err := srv.Client().Get(srv.URL + path)
		if err != nil {
			return 0, err
		}
		return resp.StatusCode, resp.Body.Close()
	}
	for _, bad := range []string{"/panics", "/aborts", "/fails"} {
		for range 3 {
			status, err := ask(bad)
			assert.True(t, err != nil || status == http.StatusInternalServerError, "%s: %d", bad, status)
		}
		status, err := ask("/works")
		require.NoError(t, err)
		assert.Equal(t, http.StatusOK, status, "after %s", bad)
	}
	assert.Zero(t, gates.gates[classRead].working.Load())
}

// TestClasses: each route takes the places of its kind; a new route takes those of
// reads or writes without anybody's doing.
func TestClasses(t *testing.T) {
	for _, x := range []struct {
		method, path, route, accept string
		want                        class
	}{
		{"GET", "/healthz", "/healthz", "", classFree},
		{"GET", "/metrics", "/metrics", "", classFree},
		{"GET", "/api/v1/tasks", "/api/v1/tasks", "", classRead},
		{"GET", "/api/v1/no/such", "", "", classRead},
		{"GET", "/a/page", "/a/page", "", classRead},
		{"POST", "/api/v1/tasks/X/report", "/api/v1/tasks/:id/report", "", classWrite},
		{"DELETE", "/api/v1/tokens/X", "/api/v1/tokens/:digest", "", classWrite},
		{"POST", "/api/v1/doctor/accept", "/api/v1/doctor/accept", "", classWrite},
		{"PUT", "/api/v1/evidence", "/api/v1/evidence", "", classFile},
		{"GET", "/api/v1/evidence/X", "/api/v1/evidence/:sha256", "", classFile},
		{"GET", "/api/v1/events/live", livePath, "", classStream},
		{"GET", "/api/v1/events", "/api/v1/events", "", classRead},
		{"GET", "/api/v1/events", "/api/v1/events", ndjsonType, classBulk},
		{"GET", "/api/v1/reports?format=xlsx", "/api/v1/reports", "", classBulk},
		{"GET", "/api/v1/reports?format=json", "/api/v1/reports", "", classRead},
		{"GET", "/api/v1/register", apiPrefix + registerPath, "", classBulk},
		{"GET", "/api/v1/dossiers/2019", "/api/v1/dossiers/:year", "", classBulk},
		{"GET", "/api/v1/directives", "/api/v1/directives", "", classRead},
		{"POST", "/api/v1/directives", "/api/v1/directives", "", classBulk},
		{"POST", "/api/v1/directives/X/amend", "/api/v1/directives/:id/amend", "", classWrite},
		{"POST", "/api/v1/imports/progress/preview", "/api/v1/imports/:form/preview", "", classBulk},
		{"GET", "/log/checkpoint", "/log/checkpoint", "", classLog},
	} {
		r := httptest.NewRequestWithContext(t.Context(), x.method, x.path, nil)
		r.Header.Set("Accept", x.accept)
		c := echo.New().NewContext(r, httptest.NewRecorder())
		c.SetPath(x.route)
		assert.Equal(t, x.want, classOf(c), "%s %s", x.method, x.path)
	}
}
