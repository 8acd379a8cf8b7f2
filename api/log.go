package api

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"filippo.io/torchwood"
	"github.com/labstack/echo/v4"
	"golang.org/x/mod/sumdb/tlog"

	"duban/eventstore"
	"duban/projections/seal"
	"duban/projections/tree"
)

// The log for the tools of others, outside the versioned API because C2SP says what
// it looks like (https://c2sp.org/tlog-tiles, tlog-checkpoint, tlog-proof):
//
//	GET /log/checkpoint                    the latest signed head
//	GET /log/tile/{L}/{N}[.p/{W}]          hashes
//	GET /log/tile/entries/{N}[.p/{W}]      events: 16-bit length and stored bytes, each
//	GET /log/proof/{seq}?size=             tlog-proof@v1 of one event, in that head or the latest
//	GET /log/consistency?from=&to=         the proof's hashes in base64, one a line
//
// Whoever watches the log has to get at heads, hashes and proofs without asking us:
// they need no token. Nothing can be learned from them but how many events there are
// and when there were more: each event has random ids, so that its hash can't be
// guessed. The events themselves take a token, like GET events.
const (
	logPath     = "/log"
	entriesPath = logPath + "/tile/entries/"
)

// What caches may do. A whole tile never changes; a partial one doesn't either, but
// gives way to a wider one. Events are for who asked.
const (
	cacheForEver    = "public, max-age=31536000, immutable"
	cacheEntries    = "private, max-age=31536000, immutable"
	cacheShortly    = "public, max-age=60"
	cacheEntryShort = "private, max-age=60"
	cacheNever      = "no-cache"
)

const textType = "text/plain; charset=utf-8"

// Heads has the published heads; *seal.Seal does.
type Heads interface {
	Latest(ctx context.Context) (seal.Head, error)
	AtSize(ctx context.Context, size uint64) (seal.Head, error)
}

func (s *Server) log() {
	if s.Tree == nil {
		return
	}
	s.echo.GET(logPath+"/checkpoint", s.checkpoint)
	s.echo.GET(entriesPath+"*", s.entries)
	s.echo.GET(logPath+"/tile/*", s.hashes)
	s.echo.GET(logPath+"/proof/:seq", s.eventProof)
	s.echo.GET(logPath+"/consistency", s.consistency)
}

func (s *Server) heads() Heads {
	if s.Seal == nil {
		return noHeads{}
	}
	return s.Seal
}

// noHeads are those of a ledger that nobody signs.
type noHeads struct{}

func (noHeads) Latest(context.Context) (seal.Head, error) { return seal.Head{}, eventstore.ErrNoHead }

func (noHeads) AtSize(context.Context, uint64) (seal.Head, error) {
	return seal.Head{}, eventstore.ErrNoHead
}

func (s *Server) checkpoint(c echo.Context) error {
	head, err := s.heads().Latest(c.Request().Context())
	if err != nil {
		return err
	}
	return cached(c, cacheNever, textType, head.Note)
}

// cached answers with bytes that caches may keep.
func cached(c echo.Context, cache, media string, b []byte) error {
	c.Response().Header().Set("Cache-Control", cache)
	return c.Blob(http.StatusOK, media, b)
}

// tileOf reads a tile's place from the path, in the one form C2SP gives it.
func tileOf(path string) (tlog.Tile, error) {
	t, err := torchwood.ParseTilePath(strings.TrimPrefix(path, logPath+"/"))
	if err != nil {
		return tlog.Tile{}, newProblem(http.StatusNotFound, "no-tile", "没有这个瓦片地址，写法见 c2sp.org/tlog-tiles / there is no such tile, see c2sp.org/tlog-tiles")
	}
	return t, nil
}

func (s *Server) hashes(c echo.Context) error {
	t, err := tileOf(logPath + "/tile/" + c.Param("*"))
	if err != nil {
		return err
	}
	data, err := s.Tree.Tile(t)
	if err != nil {
		return err
	}
	return cached(c, byWidth(t, cacheForEver, cacheShortly), echo.MIMEOctetStream, data)
}

func byWidth(t tlog.Tile, full, partial string) string {
	if t.W < tree.Width {
		return partial
	}
	return full
}

// entries answers with the stored bytes of the events of one tile. authenticate has
// seen a token.
func (s *Server) entries(c echo.Context) error {
	t, err := tileOf(entriesPath + c.Param("*"))
	if err != nil {
		return err
	}
	size := s.Tree.Size()
	if t.N > int64(size)>>tree.Height || uint64(t.N)<<tree.Height+uint64(t.W) > size {
		return fmt.Errorf("%w: %s", tree.ErrBeyond, t.Path())
	}
	first := uint64(t.N)<<tree.Height + 1
	var bundle []byte
	err = s.Store.Raw(c.Request().Context(), first, first+uint64(t.W)-1, func(_ uint64, raw []byte) (err error) {
		bundle, err = torchwood.AppendTileEntry(bundle, raw)
		return err
	})
	if err != nil {
		return err
	}
	return cached(c, byWidth(t, cacheEntries, cacheEntryShort), echo.MIMEOctetStream, bundle)
}

// eventProof answers with everything that shows one event to be in a signed head,
// but the event itself.
func (s *Server) eventProof(c echo.Context) error {
	ctx := c.Request().Context()
	seq, err := strconv.ParseUint(c.Param("seq"), 10, 63)
	if err != nil || seq == 0 || strconv.FormatUint(seq, 10) != c.Param("seq") {
		return newProblem(http.StatusNotFound, "no-event", "地址应以事件序号结尾，如 /log/proof/42 / the address ends in a sequence, like /log/proof/42")
	}
	size, err := queryNumber(c, "size", 0, 1, maxSequence)
	if err != nil {
		return err
	}
	var head seal.Head
	cache := cacheNever // the latest head is another a moment later
	if size == 0 {
		head, err = s.heads().Latest(ctx)
	} else {
		head, err = s.heads().AtSize(ctx, size)
	}
	if err != nil {
		return err
	}
	if size > 0 && head.Settled {
		cache = cacheForEver
	}
	if seq > head.Size {
		return s.notInHead(seq, head.Size)
	}
	proof, err := s.Tree.Inclusion(seq, head.Size)
	if err != nil {
		return err
	}
	return cached(c, cache, textType, torchwood.FormatProof(int64(seq-1), proof, head.Note))
}

// notInHead tells an event that is not signed yet from one that the head will never have.
func (s *Server) notInHead(seq, size uint64) error {
	if seq > s.Store.Acked() {
		return newProblem(http.StatusNotFound, "no-event", fmt.Sprintf("没有序号 %d 的事件 / there is no event %d", seq, seq))
	}
	p := newProblem(http.StatusServiceUnavailable, "unsigned", fmt.Sprintf(
		"序号 %d 不在含 %d 个事件的树头内，请稍后再试或用更大的 size / event %d is not in the head of %d events: try again, or with a larger size", seq, size, seq, size))
	p.header = http.Header{"Retry-After": {"1"}}
	return p
}

// consistency answers with the proof that one size of the log continues another, as
// C2SP tlog-witness writes it.
func (s *Server) consistency(c echo.Context) error {
	from, err := queryNumber(c, "from", 0, 0, maxSequence)
	if err != nil {
		return err
	}
	to, err := queryNumber(c, "to", 0, 1, maxSequence)
	if err != nil {
		return err
	}
	if c.QueryParam("from") == "" {
		return newProblem(http.StatusUnprocessableEntity, "query", "请写明 from，即已有树头的事件数 / from is missing: the size of the head you have")
	}
	cache := cacheForEver
	if to == 0 {
		head, err := s.heads().Latest(c.Request().Context())
		if err != nil {
			return err
		}
		to, cache = head.Size, cacheNever
	}
	proof, err := s.Tree.Consistency(from, to)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	for _, h := range proof {
		fmt.Fprintf(&b, "%s\n", h)
	}
	return cached(c, cache, textType, b.Bytes())
}

// guarded reports whether a path takes a token.
func guarded(path string) bool {
	return strings.HasPrefix(path, apiPrefix+"/") || strings.HasPrefix(path, entriesPath)
}

// treeErr returns why the tree stands still, nil if it follows or there is none.
func (s *Server) treeErr() error {
	if s.Tree == nil || errors.Is(s.Tree.Err(), tree.ErrClosed) {
		return nil
	}
	return s.Tree.Err()
}
