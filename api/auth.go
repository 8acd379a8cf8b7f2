package api

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"github.com/labstack/echo/v4"

	"duban/domain"
	"duban/eventstore"
)

// callerKey is the context key of the request's caller.
type callerKey struct{}

func callerOf(ctx context.Context) domain.Caller {
	c, _ := ctx.Value(callerKey{}).(domain.Caller)
	return c
}

// authenticate lets a request to the API, or to the log's events, through with a bearer token it knows and
// puts the caller the token stands for into the request's context (RFC 6750). It
// is no group's middleware: echo answers 404 instead of 405 in a group with one.
func (s *Server) authenticate(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		if !guarded(c.Path()) && !guarded(r.URL.Path) {
			return next(c)
		}
		scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		if !strings.EqualFold(scheme, "Bearer") || token == "" {
			return unauthorized("请求头缺少 Authorization: Bearer 令牌 / the header Authorization: Bearer TOKEN is missing")
		}
		caller, err := s.caller(r, TokenDigest(token))
		if err != nil {
			return err
		}
		if err := s.admitOffice(r.Context(), caller.Office); err != nil {
			return err
		}
		c.SetRequest(r.WithContext(context.WithValue(r.Context(), callerKey{}, caller)))
		return next(c)
	}
}

// caller returns who a token stands for. While the credentials can't be read,
// whoever came before may go on reading; writes have to wait in any case.
func (s *Server) caller(r *http.Request, digest string) (domain.Caller, error) {
	cred, err := s.Store.Credential(r.Context(), digest)
	switch {
	case err == nil:
		caller := domain.Caller{Person: cred.Person, Office: cred.Office, Role: cred.Role}
		s.callers.remember(digest, caller)
		return caller, nil
	case errors.Is(err, eventstore.ErrNoCredential):
		s.callers.forget(digest)
		return domain.Caller{}, unauthorized("令牌无效或已停用，请向安委会办公室索取 / the token is unknown or revoked: ask the safety office for one")
	case r.Method == http.MethodGet:
		if caller, ok := s.callers.recall(digest); ok {
			return caller, nil
		}
	}
	return domain.Caller{}, fmt.Errorf("look up credential: %w", err)
}

// callers remembers whom tokens stood for when they were last looked up.
type callers struct {
	mu   sync.Mutex
	seen map[string]domain.Caller // by the token's digest
}

// maxCallers bounds the memory. Offices are counted in dozens.
const maxCallers = 10_000

func (c *callers) remember(digest string, caller domain.Caller) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.seen == nil || len(c.seen) >= maxCallers {
		c.seen = map[string]domain.Caller{}
	}
	c.seen[digest] = caller
}

func (c *callers) forget(digest string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.seen, digest)
}

func (c *callers) recall(digest string) (domain.Caller, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	caller, ok := c.seen[digest]
	return caller, ok
}

func unauthorized(detail string) error {
	p := newProblem(http.StatusUnauthorized, "unauthorized", detail)
	p.header = http.Header{"WWW-Authenticate": {`Bearer realm="duban"`}}
	return p
}

// NewToken returns a new bearer token of 256 random bits.
func NewToken() string {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails: crypto/rand ends the program instead
	return "duban_" + base64.RawURLEncoding.EncodeToString(b)
}

// TokenDigest returns what is kept of a token: the lower-case hex SHA-256. A
// token has 256 random bits, so a plain digest can't be searched backwards.
func TokenDigest(token string) string {
	d := sha256.Sum256([]byte(token))
	return hex.EncodeToString(d[:])
}

// requireRole refuses callers of other roles.
func requireRole(ctx context.Context, roles ...domain.Role) error {
	caller := callerOf(ctx)
	names := make([]string, len(roles))
	for i, r := range roles {
		if caller.Role == r {
			return nil
		}
		names[i] = r.Chinese()
	}
	return domain.Forbidden("role", "此操作限"+strings.Join(names, "、")+"办理", "your role may not do this")
}
