package api

import (
	"errors"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"
)

// errUnchecked says that the ledger was not compared with its last signed head yet.
var errUnchecked = errors.New("刚刚启动，正在把账本与最后签名的树头比对，比对完成前不能写入 / just started: nothing is written before the ledger has been compared with its last signed head")

const acceptPath = "/doctor/accept"

// holdWrites answers writes with 503 until the ledger has been compared with its last
// signed head: what is written before would stand behind a history that may not be
// the signed one. The acceptance of an odd event is let through, since such an event
// may be what holds up the comparison.
func (s *Server) holdWrites(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if c.Path() != apiPrefix+acceptPath && writes(c) {
			if err := s.unchecked(); err != nil {
				return err
			}
		}
		return next(c)
	}
}

// writes reports whether a request may append: an exported dossier is an event too.
func writes(c echo.Context) bool {
	if !strings.HasPrefix(c.Path(), apiPrefix+"/") {
		return false
	}
	switch c.Request().Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return strings.HasPrefix(c.Path(), apiPrefix+"/dossiers/")
	}
	return true
}

// unchecked returns errUnchecked until the ledger may be written.
func (s *Server) unchecked() error {
	if s.Seal == nil {
		return nil
	}
	select {
	case <-s.Seal.Checked():
		return nil
	default:
		return errUnchecked
	}
}

// writable returns why nothing may be written now, nil if it may.
func (s *Server) writable() error {
	if err := s.Store.Health(); err != nil {
		return err
	}
	return s.unchecked()
}
