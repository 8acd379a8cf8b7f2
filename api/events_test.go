package api_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"duban/api"
	"duban/domain"
)

// A listener reads a stream of Server-Sent Events.
type listener struct {
	t     testing.TB
	lines *bufio.Scanner
	close func()
}

// listen opens the stream after Last-Event-ID, if one is given, with a query.
func (n *node) listen(last, query string) *listener {
	n.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, n.http.URL+"/api/v1/events/live"+query, nil)
	require.NoError(n.t, err)
	req.Header.Set("Authorization", "Bearer "+n.token)
	if last != "" {
		req.Header.Set("Last-Event-ID", last)
	}
	res, err := n.http.Client().Do(req)
	require.NoError(n.t, err)
	require.Equal(n.t, http.StatusOK, res.StatusCode)
	require.Equal(n.t, "text/event-stream; charset=utf-8", res.Header.Get("Content-Type"))
	s := bufio.NewScanner(res.Body)
	s.Buffer(nil, 1<<20)
	return &listener{t: n.t, lines: s, close: func() { cancel(); _ = res.Body.Close() }}
}

// next returns the next event's id, type and data.
func (l *listener) next() (id, kind, data string) {
	l.t.Helper()
	for l.lines.Scan() {
		line := l.lines.Text()
		switch {
		case strings.HasPrefix(line, "id: "):
			id = line[len("id: "):]
		case strings.HasPrefix(line, "event: "):
			kind = line[len("event: "):]
		case strings.HasPrefix(line, "data: "):
			data = line[len("data: "):]
		case line == "" && id != "":
			return id, kind, data
		}
	}
	l.t.Fatal("the stream ended")
	return "", "", ""
}

func TestLiveEvents(t *testing.T) {
	n := start(t)
	im := n.importNotice(shortNotice)
	desk := n.member("huagong", "office", im.offices["化工处"])
	from := n.store.Acked() - 3
	l := n.listen(strconv.FormatUint(from, 10), "")
	defer l.close()
	asked := n.listen("", "?after="+strconv.FormatUint(from, 10))
	defer asked.close()
	resumed := n.listen(strconv.FormatUint(from, 10), "?after=1") // a reconnecting client asks for the same address again
	defer resumed.close()
	for want := from + 1; want <= from+3; want++ {
		for _, each := range []*listener{l, asked, resumed} {
			id, _, data := each.next()
			assert.Equal(t, strconv.FormatUint(want, 10), id)
			assert.True(t, json.Valid([]byte(data)))
		}
	}
	fresh := n.listen("", "")
	defer fresh.close()
	w := n.act(desk, "tasks/"+im.tasks[1]+"/acknowledge", body{})
	for _, each := range []*listener{l, asked, resumed, fresh} {
		id, kind, data := each.next()
		assert.Equal(t, strconv.FormatUint(w.Sequence, 10), id)
		assert.Equal(t, "duban.task.acknowledged.v1", kind)
		assert.Contains(t, data, w.Events[0].ID)
	}
	// A graceful stop does not wait for listeners.
	began := time.Now()
	n.close()
	assert.Less(t, time.Since(began), 10*time.Second)
	assert.False(t, l.lines.Scan())
}

// The export is the stored bytes, line by line.
func TestExport(t *testing.T) {
	n := start(t)
	im := n.importNotice(shortNotice)
	desk := n.member("huagong", "office", im.offices["化工处"])
	for range 5 {
		n.act(desk, "tasks/"+im.tasks[1]+"/report", body{"condition": "normal", "progress": "x <&> 😀\u2028"})
	}
	lines := func(query string) []string {
		t.Helper()
		a := n.do(request{method: http.MethodGet, path: n.caughtUp("events" + query), token: n.token, header: map[string]string{"Accept": "application/x-ndjson"}}).want(http.StatusOK)
		assert.Equal(t, "application/x-ndjson", a.header.Get("Content-Type"))
		return strings.Split(strings.TrimSuffix(string(a.body), "\n"), "\n")
	}
	all := lines("")
	require.Len(t, all, int(n.store.Acked()))
	seen := 0
	for _, ref := range []domain.Ref{{Kind: domain.KindTask, ID: im.tasks[1]}, {Kind: domain.KindDirective, ID: im.id}, {Kind: domain.KindLedger, ID: "test"}} {
		a, err := n.store.Load(t.Context(), ref)
		require.NoError(t, err)
		for _, r := range a.Records {
			assert.Equal(t, string(r.Raw), all[r.Seq-1])
			seen++
		}
	}
	assert.Greater(t, seen, 8)
	assert.Equal(t, all[3:7], lines("?after=3&limit=4"))

	var page api.EventsView
	n.get("events?after=3&limit=4").want(http.StatusOK).into(&page)
	require.Len(t, page.Events, 4)
	assert.EqualValues(t, 7, page.Last)
	for i, e := range page.Events {
		assert.Equal(t, all[3+i], e.Raw)
		assert.NotEmpty(t, e.LeafHash)
	}
	page = api.EventsView{}
	a := n.get("events?after=999999").want(http.StatusOK)
	a.into(&page)
	assert.EqualValues(t, 999999, page.Last)
	assert.Contains(t, string(a.body), `"events":[]`, "an empty list, not null")
}

// An event that is no JSON, forged and then accepted, breaks no line: it is said to
// be one and its bytes stand in base64, in every form of the stream.
func TestForgedEventsBreakNoLine(t *testing.T) {
	n := start(t)
	im := n.importNotice(shortNotice)
	js, err := jetstream.New(n.store.Conn())
	require.NoError(t, err)
	after := n.store.Acked()
	forged := map[uint64]string{}
	for _, raw := range []string{"not\n\nJSON", "\x00\xff", `{"a":"` + "\xff" + `"}`} {
		ack, err := js.Publish(t.Context(), "ledger.test.task."+im.tasks[1], []byte(raw))
		require.NoError(t, err)
		forged[ack.Sequence] = raw
		n.post(n.token, "doctor/accept", body{"sequence": ack.Sequence, "reason": "伪造的消息"}).want(http.StatusOK)
	}
	w := n.act(n.token, "tasks/"+im.tasks[1]+"/remind", body{"words": "请报进展"})

	check := func(seq uint64, line string) {
		t.Helper()
		var odd struct {
			Undecodable bool   `json:"undecodable"`
			Sequence    uint64 `json:"sequence"`
			LeafHash    string `json:"leaf_hash"`
			RawBase64   string `json:"raw_base64"`
		}
		require.NoError(t, json.Unmarshal([]byte(line), &odd), line)
		assert.True(t, utf8.ValidString(line))
		raw, ok := forged[seq]
		if assert.Equal(t, ok, odd.Undecodable, line); !ok {
			return
		}
		hash := sha256.Sum256([]byte("\x00" + raw))
		assert.Equal(t, hex.EncodeToString(hash[:]), odd.LeafHash)
		assert.Equal(t, base64.StdEncoding.EncodeToString([]byte(raw)), odd.RawBase64)
		assert.Equal(t, seq, odd.Sequence)
	}
	query := "events?after=" + strconv.FormatUint(after, 10) + "&min_seq=" + strconv.FormatUint(w.Sequence, 10)
	nd := n.do(request{method: http.MethodGet, path: query, token: n.token, header: map[string]string{"Accept": "application/x-ndjson"}}).want(http.StatusOK)
	lines := strings.Split(strings.TrimSuffix(string(nd.body), "\n"), "\n")
	require.Len(t, lines, int(w.Sequence-after))
	l := n.listen(strconv.FormatUint(after, 10), "")
	defer l.close()
	var page struct{ Events []json.RawMessage }
	n.get(query).want(http.StatusOK).into(&page)
	require.Len(t, page.Events, len(lines))
	for i, line := range lines {
		seq := after + 1 + uint64(i)
		check(seq, line)
		check(seq, string(page.Events[i]))
		id, _, data := l.next()
		assert.Equal(t, strconv.FormatUint(seq, 10), id)
		check(seq, data)
	}
}

func TestOperational(t *testing.T) {
	n := start(t)
	n.importNotice(shortNotice)
	open := func(path string) answer { t.Helper(); return n.do(request{method: http.MethodGet, path: path}) }
	assert.Equal(t, "ok\n", string(open("/healthz").want(http.StatusOK).body))
	var ready map[string]any
	open("/readyz").want(http.StatusOK).into(&ready)
	assert.Equal(t, true, ready["ready"])
	m := open("/metrics").want(http.StatusOK)
	for _, name := range []string{"duban_ledger_sequence " + strconv.FormatUint(n.store.Acked(), 10), "duban_ledger_writable 1", "duban_http_request_seconds_count", `route="/api/v1/directives"`} {
		assert.True(t, bytes.Contains(m.body, []byte(name)), name)
	}
	for _, path := range []string{"/healthz", "/readyz", "/openapi.json", "/", "/api/v1/tasks"} {
		a := n.do(request{method: http.MethodHead, path: path, token: n.token}).want(http.StatusOK)
		assert.Empty(t, a.body, path)
	}
	n.do(request{method: "MADEUP", path: "/api/v1/tasks", token: n.token}).problem(http.StatusMethodNotAllowed)
	m = open("/metrics").want(http.StatusOK)
	assert.NotContains(t, string(m.body), "MADEUP")
	assert.Contains(t, string(m.body), `method="other"`)
	n.do(request{method: http.MethodGet, path: "me", header: map[string]string{"Authorization": "bearer " + n.token}}).want(http.StatusOK)
	a := n.get("tasks?min_seq=" + strconv.FormatUint(n.store.Acked(), 10)).want(http.StatusOK)
	assert.NotContains(t, string(a.body), `"items":null`)
	assert.Contains(t, string(n.get("findings").want(http.StatusOK).body), `"items":[]`, "an empty list, not null")
}

// A read that names a sequence that never comes is told to come back.
func TestReadBehind(t *testing.T) {
	t.Parallel()
	n := start(t)
	began := time.Now()
	a := n.get("tasks?min_seq=999999")
	p := a.problem(http.StatusServiceUnavailable)
	assert.Equal(t, "urn:duban:problem:behind", p.Type)
	assert.Equal(t, "1", a.header.Get("Retry-After"))
	assert.Less(t, time.Since(began), 8*time.Second)
}
