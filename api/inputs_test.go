package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"duban/api"
)

const (
	nobody = "01ARZ3NDEKTSV4RRFFQ69G5FAV" // an id that nothing has
	key    = "01DEHDBGG0SAMP0E0000000001"
)

// Every bad request is refused with a problem that names what is wrong, and
// nothing is written.
func TestBadInput(t *testing.T) {
	n := start(t, func(c *api.Config) { c.MaxNotice, c.MaxEvidence = 1<<20, 1<<20 })
	n.clock.set(t, "2019-07-01 09:00")
	im := n.importNotice(shortNotice)
	chem := im.offices["化工处"]
	task := "tasks/" + im.tasks[1]
	desk := n.member("huagong", "office", chem)
	auditor := n.member("shenji", "auditor", "")
	ack, report := task+"/acknowledge", task+"/report"
	post := func(path, content string) request {
		return request{method: http.MethodPost, path: path, token: desk, media: "application/json", body: content}
	}
	get := func(path string) request { return request{method: http.MethodGet, path: path, token: n.token} }
	with := func(r request, k, v string) request { r.header = map[string]string{k: v}; return r }
	long := strings.Repeat("长", 7000)

	for _, c := range []struct {
		name   string
		ask    request
		status int
		says   string // in the body: a field, a rule or the type
	}{
		{"no token", request{method: http.MethodGet, path: "tasks"}, 401, "urn:duban:problem:unauthorized"},
		{"no token for a plain handler", request{method: http.MethodPut, path: "evidence", body: "x"}, 401, "unauthorized"},
		{"garbled token", request{method: http.MethodGet, path: "tasks", token: "duban_nonsense"}, 401, "unauthorized"},
		{"token with spaces", request{method: http.MethodGet, path: "events", token: "a b\tc"}, 401, "unauthorized"},
		{"role", request{method: http.MethodPost, path: ack, token: auditor, media: "application/json", body: `{"office":"` + chem + `"}`}, 403, "role.acknowledge"},
		{"role of an import", request{method: http.MethodPost, path: "directives", token: desk, media: "text/plain", body: shortNotice}, 403, "role"},
		{"role of a token", post("tokens", `{"person":"x","role":"auditor"}`), 403, "role"},
		{"role of a rebuild", post("rebuild", ``), 403, "role"},
		{"auditor's evidence", request{method: http.MethodPut, path: "evidence", token: auditor, body: "x"}, 403, "role"},
		{"unknown task", post("tasks/"+nobody+"/acknowledge", `{}`), 404, nobody},
		{"unknown task read", get("tasks/" + nobody), 404, "not-found"},
		{"unknown history", get("tasks/" + nobody + "/history"), 404, nobody},
		{"id that can't be one", get("tasks/../../etc"), 404, "no-route"},
		{"unknown finding", get("findings/x"), 404, "not-found"},
		{"unknown directive", get("directives/" + nobody), 404, "not-found"},
		{"unknown source", get("directives/" + nobody + "/source"), 404, "not-found"},
		{"unknown office", get("offices/" + nobody), 404, "not-found"},
		{"unknown inspection", post("inspections/"+nobody+"/close", `{"summary":"x"}`), 404, nobody},
		{"unknown evidence", get("evidence/" + strings.Repeat("0", 64)), 404, "no-evidence"},
		{"evidence id", get("evidence/abc"), 422, "path.sha256"},
		{"unknown command", post(task+"/celebrate", `{}`), 404, "no-route"},
		{"unknown route", get("nonsense"), 404, "no-route"},
		{"unknown page", get("/nonsense"), 404, "no-route"},
		{"GET of a command", get(ack), 405, "urn:duban:problem:method"},
		{"PATCH", request{method: http.MethodPatch, path: task, token: desk}, 405, "method"},
		{"DELETE", request{method: http.MethodDelete, path: "tasks", token: desk}, 405, "method"},
		{"malformed", post(ack, `{"note":`), 400, "JSON"},
		{"not an object", post(ack, `[1]`), 422, "body"},
		{"null", post(ack, `null`), 422, "body"},
		{"empty body", post(ack, ``), 400, "body"},
		{"duplicate key", post(report, `{"condition":"normal","progress":"a","progress":"b"}`), 400, "progress"},
		{"duplicate key in another case", post(report, `{"condition":"normal","progress":"a","Progress":"b"}`), 400, "Progress"},
		{"field in another case", post(report, `{"condition":"normal","Progress":"b"}`), 400, "Progress"},
		{"duplicate key inside", post(task+"/acknowledge", `{"evidence":[{"sha256":"a","sha256":"b"}]}`), 400, "sha256"},
		{"not UTF-8", post(report, "{\"condition\":\"normal\",\"progress\":\"\xff\xfe\"}"), 400, "UTF-8"},
		{"half a surrogate", post(report, `{"condition":"normal","progress":"\ud800"}`), 400, "UTF-16"},
		{"NUL", post(report, `{"condition":"normal","progress":"\u0000"}`), 422, "progress"},
		{"unknown field", post(ack, `{"nickname":"x"}`), 422, "nickname"},
		{"trailing garbage", post(ack, `{} {}`), 400, "JSON"},
		{"wrong type", post(report, `{"condition":"normal","progress":7}`), 422, "progress"},
		{"wrong enum", post(report, `{"condition":"splendid","progress":"x"}`), 422, "condition"},
		{"missing field", post(task+"/dispute", `{}`), 422, "reason"},
		{"deep nesting", post(ack, strings.Repeat(`{"a":`, 200)+"1"+strings.Repeat("}", 200)), 400, "JSON"},
		{"oversized body", post(ack, `{"note":"`+strings.Repeat("x", 300<<10)+`"}`), 413, "body-too-large"},
		{"long text", post(report, `{"condition":"normal","progress":"`+long+`"}`), 422, "progress"},
		{"oversized event", post(report, `{"condition":"normal","progress":"`+long[:19998]+`","problems":"`+long[:19998]+`","next_steps":"`+long[:19998]+`","note":"`+long[:19998]+`"}`), 413, "event-too-large"},
		{"key", with(post(ack, `{}`), "Idempotency-Key", "1234"), 400, "Idempotency-Key"},
		{"key of 26 wrong letters", with(post(ack, `{}`), "Idempotency-Key", "IIIIIIIIIIIIIIIIIIIIIIIIII"), 400, "Idempotency-Key"},
		{"If-Match", with(post(ack, `{}`), "If-Match", "yesterday"), 400, "If-Match"},
		{"stale If-Match", with(post(ack, `{}`), "If-Match", `"1"`), 412, "urn:duban:problem:stale"},
		{"illegal transition", post(task+"/request-closure", `{"summary":"x","period":"2019"}`), 409, `"allowed":[`},
		{"time in the future", post(ack, `{"time":"2019-07-01T12:00:00+08:00"}`), 422, "time.future"},
		{"time before the task", post(ack, `{"time":"2018-07-01T12:00:00+08:00"}`), 409, "time.before"},
		{"time that is none", post(ack, `{"time":"yesterday"}`), 422, "time"},
		{"time out of range", post(ack, `{"time":"0000-01-01T00:00:00Z"}`), 422, "time"},
		{"date that is none", post(task+"/propose-deadline", `{"date":"2019-09-31"}`), 422, "date"},
		{"date out of range", post(task+"/propose-deadline", `{"date":"20190-09-30"}`), 422, "date"},
		{"evidence not uploaded", post(ack, `{"evidence":[{"sha256":"`+strings.Repeat("0", 64)+`","size":1}]}`), 422, "evidence.absent"},
		{"evidence digest", post(ack, `{"evidence":[{"sha256":"ABC","size":1}]}`), 422, "evidence"},
		{"unknown office named", post(task+"/dispute", `{"reason":"x","suggested_office":"office/`+nobody+`"}`), 422, "reference.unknown"},
		{"behalf by an office", post(ack, `{"on_behalf_of":"`+chem+`","received_via":"phone","received_on":"2019-07-01","note":"x"}`), 403, "behalf.role"},
		{"unknown parameter", get("tasks?colour=red"), 422, "colour"},
		{"parameters of others", get("me?light=x"), 422, "query.light"},
		{"parameter of a plain handler", request{method: http.MethodPut, path: "evidence?name=x", token: desk, body: "x"}, 422, "query.name"},
		{"parameter of a command", post(ack+"?force=1", `{}`), 422, "query.force"},
		{"semicolon", get("tasks?status=assigned;light=overdue"), 400, "%3B"},
		{"semicolon in a plain handler", get("events?after=1;limit=1"), 400, "%3B"},
		{"broken escape", get("tasks?q=%zz"), 400, "%25"},
		{"parameter twice", get("tasks?limit=5&limit=6"), 400, "query.limit"},
		{"light", get("tasks?light=purple"), 422, "light"},
		{"limit", get("tasks?limit=0"), 422, "limit"},
		{"limit too large", get("tasks?limit=501"), 422, "limit"},
		{"limit no number", get("tasks?limit=many"), 422, "limit"},
		{"cursor", get("tasks?cursor=AAAA"), 422, "cursor"},
		{"known_at in the future", get("tasks?known_at=99999999"), 422, "known_at"},
		{"known_at 0", get("tasks?known_at=0"), 422, "known_at"},
		{"known_at garbage", get(task + "?known_at=lately"), 422, "known_at"},
		{"effective_at", get("tasks?effective_at=2019-13-01"), 422, "effective_at"},
		{"today", get("summary?today=soon"), 422, "today"},
		{"min_seq", get("tasks?min_seq=-1"), 422, "min_seq"},
		{"long q", get("tasks?q=" + strings.Repeat("a", 300)), 422, "q"},
		{"finding status", get("findings?status=" + "%27%3B--"), 422, "status"},
		{"events parameter", get("events?since=1"), 422, "since"},
		{"events limit", get("events?limit=9999"), 422, "query.limit"},
		{"events limit 0", get("events?limit=0"), 422, "limit"},
		{"events after", get("events?after=-1"), 422, "query.after"},
		{"live after", get("events/live?after=x"), 422, "query.after"},
		{"live parameter", get("events/live?since=1"), 422, "query.since"},
		{"Last-Event-ID", with(get("events/live"), "Last-Event-ID", "x"), 400, "Last-Event-ID"},
		{"token for no office", request{method: http.MethodPost, path: "tokens", token: n.token, media: "application/json", body: `{"person":"x","role":"office"}`}, 422, "body.office"},
		{"token for an unknown office", request{method: http.MethodPost, path: "tokens", token: n.token, media: "application/json", body: `{"person":"x","role":"office","office":"office/` + nobody + `"}`}, 422, "office.unknown"},
		{"too large evidence", request{method: http.MethodPut, path: "evidence", token: desk, body: strings.Repeat("x", 1<<20+1)}, 413, "evidence-too-large"},
		{"empty evidence", request{method: http.MethodPut, path: "evidence", token: desk}, 422, "evidence.empty"},
		{"evidence of no type", request{method: http.MethodPut, path: "evidence", token: desk, media: ";;", body: "x"}, 415, "media-type"},
		{"accept nothing odd", request{method: http.MethodPost, path: "doctor/accept", token: n.token, media: "application/json", body: `{"sequence":1,"reason":"x"}`}, 409, "not-odd"},
	} {
		t.Run(c.name, func(t *testing.T) {
			n.t = t
			n.unchanged(func() {
				a := n.do(c.ask)
				a.t = t
				p := a.problem(c.status)
				assert.Contains(t, string(a.body), c.says)
				assert.NotContains(t, p.Detail, "goroutine")
				switch c.status {
				case http.StatusUnauthorized:
					assert.Contains(t, a.header.Get("WWW-Authenticate"), "Bearer")
				case http.StatusMethodNotAllowed:
					assert.NotEmpty(t, a.header.Get("Allow"))
				}
			})
		})
	}
	n.t = t
	require.NoError(t, n.model.Verify(t.Context()))
}
