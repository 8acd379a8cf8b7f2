package api

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/labstack/echo/v4"

	"duban/projections"
)

// EventsView is a stretch of the stream in order.
type EventsView struct {
	Events []projections.TrailEntry `json:"events"`
	Last   uint64                   `json:"last" doc:"最后一个事件的序号，作为下一次的 after"`
}

const ndjsonType = "application/x-ndjson"

// oddNote says in the document what stands for an event that would break a line.
const oddNote = "原始字节不是单行 UTF-8 JSON 的（他人写入、经接受后不生效），以 {sequence, undecodable, leaf_hash, raw_base64} 代替"

// eventsPage is how many events are read from the trail at a time when a client
// streams them, which bounds the memory of an export of any length.
const eventsPage = 500

func (s *Server) events() {
	s.echo.GET(apiPrefix+"/events", s.listEvents)
	s.echo.GET(livePath, s.liveEvents)
	number := &huma.Schema{Type: huma.TypeInteger, Format: "int64"}
	params := []*huma.Param{
		{Name: "after", In: "query", Description: "从此序号之后", Schema: number},
		{Name: "limit", In: "query", Description: "JSON：1–1000，缺省 100；NDJSON：缺省到末尾", Schema: number},
		{Name: "min_seq", In: "query", Description: "等到读模型达到该序号", Schema: number},
	}
	s.api.OpenAPI().AddOperation(&huma.Operation{
		Method: http.MethodGet, Path: "/events", OperationID: "list-events", Tags: []string{"事件"}, Summary: "全部事件，按流的顺序；Accept: application/x-ndjson 逐行输出原始事件",
		Parameters: params,
		Responses: map[string]*huma.Response{"200": {Description: "事件", Content: map[string]*huma.MediaType{
			"application/json": {Schema: s.schema(EventsView{})},
			ndjsonType:         {Schema: &huma.Schema{Type: huma.TypeString, Description: "每行一个事件的原始字节；" + oddNote}},
		}}},
	})
	s.api.OpenAPI().AddOperation(&huma.Operation{
		Method: http.MethodGet, Path: "/events/live", OperationID: "live-events", Tags: []string{"事件"}, Summary: "事件流（SSE）；从 after 之后开始，断线后带 Last-Event-ID 续传",
		Parameters: []*huma.Param{
			{Name: "after", In: "query", Description: "从此序号之后；缺省只送新事件", Schema: number},
			{Name: "Last-Event-ID", In: "header", Description: "最后收到的序号；与 after 同时出现时以它为准，使断线重连不重复", Schema: number},
		},
		Responses: map[string]*huma.Response{"200": {Description: "事件流：id 为序号，event 为类型，data 为一个事件的原始字节；" + oddNote, Content: map[string]*huma.MediaType{
			"text/event-stream": {Schema: &huma.Schema{Type: huma.TypeString}},
		}}},
	})
}

func queryNumber(c echo.Context, name string, fallback, least, most uint64) (uint64, error) {
	raw := c.QueryParam(name)
	if raw == "" {
		return fallback, nil
	}
	n, err := strconv.ParseUint(raw, 10, 64)
	if err != nil || n < least || n > most {
		p := newProblem(http.StatusUnprocessableEntity, "query",
			fmt.Sprintf("%s 应为 %d 至 %d 的整数 / %s is a whole number from %d to %d", name, least, most, name, least, most))
		p.Errors = []Fault{{Location: "query." + name, Message: p.Detail}}
		return 0, p
	}
	return n, nil
}

const maxSequence = 1<<63 - 1

func (s *Server) listEvents(c echo.Context) error {
	ctx := c.Request().Context()
	after, err := queryNumber(c, "after", 0, 0, maxSequence)
	if err != nil {
		return err
	}
	reach, err := queryNumber(c, "min_seq", 0, 0, maxSequence)
	if err != nil {
		return err
	}
	if err := s.reach(ctx, reach); err != nil {
		return err
	}
	s.settle(ctx)
	if strings.Contains(c.Request().Header.Get(echo.HeaderAccept), ndjsonType) {
		limit, err := queryNumber(c, "limit", maxSequence, 1, maxSequence)
		if err != nil {
			return err
		}
		return s.writeLines(ctx, c, after, limit)
	}
	limit, err := queryNumber(c, "limit", 100, 1, 1000)
	if err != nil {
		return err
	}
	entries, err := s.Model.Events(ctx, after, int(limit))
	if err != nil {
		return err
	}
	out := EventsView{Events: entries, Last: after}
	if len(entries) > 0 {
		out.Last = entries[len(entries)-1].Sequence
	}
	c.Response().Header().Set(echo.HeaderContentType, echo.MIMEApplicationJSON)
	return huma.DefaultJSONFormat.Marshal(c.Response(), out)
}

// writeLines streams the stored bytes, one event a line, up to where the read
// model stood at the start.
func (s *Server) writeLines(ctx context.Context, c echo.Context, after, limit uint64) error {
	end := s.Model.Position()
	c.Response().Header().Set(echo.HeaderContentType, ndjsonType)
	c.Response().WriteHeader(http.StatusOK)
	for sent := uint64(0); sent < limit && after < end; {
		entries, err := s.Model.Events(ctx, after, int(min(eventsPage, limit-sent)))
		if err != nil {
			// The status is sent: only a broken connection tells the client that the
			// export is not whole.
			s.Logger.WarnContext(ctx, "export ended early", slog.Uint64("after", after), slog.Any("error", err))
			panic(http.ErrAbortHandler)
		}
		if len(entries) == 0 {
			return nil
		}
		for _, e := range entries {
			extend(c)
			if _, err := c.Response().Write(append(line(e), '\n')); err != nil {
				return nil //nolint:nilerr // the client is gone
			}
			after = e.Sequence
			sent++
		}
		c.Response().Flush()
	}
	return nil
}

// An OddLine stands in a stream for an event whose bytes are no JSON on one line.
type OddLine struct {
	Sequence    uint64 `json:"sequence"`
	Undecodable bool   `json:"undecodable,omitempty" doc:"无法读取，经人工接受后不生效"`
	LeafHash    string `json:"leaf_hash" doc:"SHA-256(0x00 ‖ 原始字节)，小写十六进制"`
	RawBase64   string `json:"raw_base64" doc:"原始字节"`
}

// line returns an event as one line of JSON: its stored bytes, unless another's
// writer made them something else.
func line(e projections.TrailEntry) []byte {
	odd := OddLine{Sequence: e.Sequence, Undecodable: e.Undecodable, LeafHash: e.LeafHash, RawBase64: e.RawBase64}
	switch {
	case odd.RawBase64 != "":
	case strings.ContainsAny(e.Raw, "\r\n"):
		odd.RawBase64 = base64.StdEncoding.EncodeToString([]byte(e.Raw))
	default:
		return []byte(e.Raw)
	}
	b, err := json.Marshal(odd)
	if err != nil {
		return []byte("{}") // numbers and texts always encode
	}
	return b
}

// stalled is how long a client may leave a stream unread before it is given up.
const stalled = time.Minute

// extend moves the write deadline on: a response without an end may take as long
// as its client goes on reading.
func extend(c echo.Context) {
	// A recorder in tests has no deadline to move.
	_ = http.NewResponseController(c.Response()).SetWriteDeadline(time.Now().Add(stalled))
}

// keepAlive is how often an idle event stream says that it is alive, so that
// proxies keep it open.
const keepAlive = 15 * time.Second

// liveEvents sends events as they come (Server-Sent Events): id is the sequence,
// data the stored bytes.
func (s *Server) liveEvents(c echo.Context) error {
	ctx := c.Request().Context()
	after, err := queryNumber(c, "after", s.Model.Position(), 0, maxSequence)
	if err != nil {
		return err
	}
	if last := c.Request().Header.Get("Last-Event-ID"); last != "" {
		n, err := strconv.ParseUint(last, 10, 63)
		if err != nil {
			return newProblem(http.StatusBadRequest, "last-event-id", "Last-Event-ID 应为序号，如 42 / Last-Event-ID is a sequence, like 42")
		}
		after = n
	}
	extend(c)
	c.Response().Header().Set(echo.HeaderContentType, "text/event-stream; charset=utf-8")
	c.Response().WriteHeader(http.StatusOK)
	c.Response().Flush()
	tick := time.NewTicker(keepAlive)
	defer tick.Stop()
	for {
		// The wake-up is taken before reading, so that none can fall in between.
		moved := s.Model.Moved()
		entries, err := s.Model.Events(ctx, after, eventsPage)
		if err != nil {
			s.Logger.WarnContext(ctx, "event stream ended", slog.Any("error", err))
			return nil // the headers are sent: the client reconnects with its last id
		}
		for _, e := range entries {
			extend(c)
			if _, err := fmt.Fprintf(c.Response(), "id: %d\nevent: %s\ndata: %s\n\n", e.Sequence, e.Type, line(e)); err != nil {
				return nil
			}
			after = e.Sequence
		}
		if len(entries) > 0 {
			c.Response().Flush()
			continue
		}
		select {
		case <-moved:
		case <-tick.C:
			extend(c)
			if _, err := c.Response().Write([]byte(": alive\n\n")); err != nil {
				return nil
			}
			c.Response().Flush()
		case <-ctx.Done():
			return nil
		case <-s.Stop:
			return nil
		}
	}
}
