package api_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"duban/api"
	"duban/projections"
)

// Where a client reaches for an address or a method that is not there, the answer
// says what is.
func TestAddresses(t *testing.T) {
	n := start(t)
	for _, path := range []string{"tasks/", "events/", "tasks/" + nobody + "/"} {
		assert.Contains(t, n.get(path).problem(http.StatusNotFound).Detail, "末尾的 /", path)
	}
	for path, allowed := range map[string]string{"tasks": "OPTIONS, GET, POST, HEAD", "events": "OPTIONS, GET, HEAD", "events/live": "OPTIONS, GET", "evidence": "OPTIONS, PUT"} {
		a := n.do(request{method: http.MethodPatch, path: path, token: n.token})
		a.problem(http.StatusMethodNotAllowed)
		assert.Equal(t, allowed, a.header.Get("Allow"), path)
	}
	a := n.do(request{method: http.MethodHead, path: "events", token: n.token}).want(http.StatusOK)
	assert.Equal(t, "application/json", a.header.Get("Content-Type"))
	n.do(request{method: http.MethodHead, path: "events/live", token: n.token}).want(http.StatusMethodNotAllowed)
}

// The text a directive was read from is served as text, whatever file it came in,
// and as soon as a write's sequence is there.
func TestSourceIsText(t *testing.T) {
	n := start(t)
	document := zipped(t, "word/document.xml", []byte(`<w:document xmlns:w="w"><w:body><w:p><w:r><w:t>某办发〔2019〕1号</w:t></w:r></w:p>`+
		`<w:p><w:r><w:t>关于安全检查的通知</w:t></w:r></w:p><w:p><w:r><w:t>一、开展检查。（责任处室：化工处）</w:t></w:r></w:p></w:body></w:document>`))
	var w api.WriteResult
	n.do(request{method: http.MethodPost, path: "directives", token: n.token, media: docx, body: document}).want(http.StatusCreated).into(&w)
	a := n.get("directives/" + w.ID + "/source?min_seq=" + strconv.FormatUint(w.Sequence, 10)).want(http.StatusOK)
	assert.Equal(t, "text/plain; charset=utf-8", a.header.Get("Content-Type"))
	assert.Contains(t, string(a.body), "一、开展检查。")
}

// What an operator gets wrong is said to be wrong, not taken for done, nor for a
// broken ledger.
func TestOperatorsSlips(t *testing.T) {
	n := start(t)
	n.unchanged(func() {
		p := n.post(n.token, "doctor/accept", body{"sequence": 9999, "reason": "x"}).problem(http.StatusNotFound)
		assert.Equal(t, "urn:duban:problem:no-event", p.Type)
		require.NoError(t, n.store.Health())
	})
	revoke := request{method: http.MethodDelete, path: "tokens/" + strings.Repeat("0", 64), token: n.token}
	assert.Contains(t, n.do(revoke).problem(http.StatusNotFound).Detail, "没有这个令牌")
	made := n.do(request{method: http.MethodPut, path: "evidence", token: n.token, media: "text/plain", body: "abc"}).want(http.StatusCreated)
	assert.Equal(t, "abc", string(n.get(made.header.Get("Location")).want(http.StatusOK).body))
}

// Bounds are told as they are.
func TestQueryBounds(t *testing.T) {
	n := start(t)
	for query, says := range map[string]string{
		"events?limit=0":     "limit 应为 1 至 1000 的整数",
		"events?limit=1001":  "limit 应为 1 至 1000 的整数",
		"tasks?min_seq=9999": "读模型现为 " + strconv.FormatUint(n.store.Acked(), 10) + "，尚未达到 9999",
	} {
		a := n.get(query)
		p := a.problem(map[bool]int{true: http.StatusServiceUnavailable, false: http.StatusUnprocessableEntity}[strings.Contains(query, "min_seq")])
		assert.Contains(t, p.Detail, says, query)
	}
	lines := request{method: http.MethodGet, path: "events?limit=0", token: n.token, header: map[string]string{"Accept": "application/x-ndjson"}}
	n.do(lines).problem(http.StatusUnprocessableEntity)
}

// History and the list of events show the writes acknowledged before, as other
// reads do.
func TestHistoryShowsOwnWrites(t *testing.T) {
	n := start(t)
	im := n.importNotice(shortNotice)
	for range 20 {
		w := n.act(n.token, "tasks/"+im.tasks[1]+"/remind", body{"words": "请报进展"})
		var h api.HistoryView
		n.get("tasks/" + im.tasks[1] + "/history").want(http.StatusOK).into(&h)
		require.Equal(t, w.Sequence, h.Events[len(h.Events)-1].Sequence)
		w = n.act(n.token, "tasks/"+im.tasks[1]+"/remind", body{"words": "请报进展"})
		var page struct{ Events []projections.TrailEntry }
		n.get("events?after=" + strconv.FormatUint(w.Sequence-1, 10)).want(http.StatusOK).into(&page)
		require.Len(t, page.Events, 1)
	}
}
