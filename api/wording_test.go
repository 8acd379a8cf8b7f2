package api_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"duban/api"
)

// A request that is not valid is answered with the field, what was wrong with it
// and what would be right, in Chinese and then in English.
func TestWordsOfInvalidRequests(t *testing.T) {
	n := start(t)
	im := n.importNotice(shortNotice)
	task := "tasks/" + im.tasks[1]
	get := func(path string) request { return request{method: http.MethodGet, path: path, token: n.token} }
	post := func(path, content string) request {
		return request{method: http.MethodPost, path: path, token: n.token, media: "application/json", body: content}
	}
	for _, c := range []struct {
		ask    request
		faults []api.Fault
	}{
		{get("tasks?limit=501&desc=maybe"), []api.Fault{
			{"query.desc", "应为 true 或 false（收到 maybe） / invalid boolean (received maybe)"},
			{"query.limit", "应不大于 500（收到 501） / expected number <= 500 (received 501)"},
		}},
		{get("tasks?limit=many"), []api.Fault{{"query.limit", "应为整数（收到 many） / invalid integer (received many)"}}},
		{get("summary?colour=red"), []api.Fault{{"query.colour",
			"没有这个参数，可用：effective_at、known_at、min_seq、today / there is no such parameter, use one of effective_at, known_at, min_seq, today"}}},
		{get("me?colour=red"), []api.Fault{{"query.colour", "没有这个参数，这个地址不带参数 / there is no such parameter: there are none here"}}},
		{get("summary?today=soon"), []api.Fault{{"query.today", `"soon" 不是日期，请写成 2019-12-31 / "soon" is not a date, write it as 2019-12-31`}}},
		{post(task+"/remind", `{}`), []api.Fault{{"body.words", "缺少，请填写 / is required"}}},
		{post(task+"/remind", `{"words":7,"nickname":"x"}`), []api.Fault{
			{"body.words", "应为文本（收到 7） / expected string (received 7)"},
			{"body.nickname", "没有这个字段，请去掉或改正字段名 / unexpected property"},
		}},
		{post(task+"/remind", `{"words":"x","offices":["化工处"]}`), []api.Fault{{"body.offices",
			`offices "化工处" 缺少类别，应写成 类别/编号，如 office/…、task/…、person/… / offices: "化工处" names no kind, write it as KIND/ID: office/…, task/…, person/…`}}},
		{post(task+"/remind", `[]`), []api.Fault{{"body", "应为 JSON 对象 {…} / expected object"}}},
		{post("tokens", `{"person":"","role":"auditor"}`), []api.Fault{{"body.person", "应不少于 1 个字符 / expected length >= 1"}}},
	} {
		p := n.do(c.ask).problem(http.StatusUnprocessableEntity)
		assert.Equal(t, c.faults, p.Errors, "%s: %s", c.ask.path, p.Detail)
	}
	p := n.do(post("tokens", `{"person":"x","role":"king"}`)).problem(http.StatusUnprocessableEntity)
	require.Len(t, p.Errors, 1)
	assert.Equal(t, "请求不合要求：body.role 不是可用的值，可用：safety_office, office, inspector, auditor, assessor（收到 king）"+
		` / the request is not valid: body.role expected value to be one of "safety_office, office, inspector, auditor, assessor" (received king)`, p.Detail)
	p = n.do(post(task+"/remind", ``)).problem(http.StatusBadRequest)
	assert.Equal(t, "请求无法解析：缺少请求内容 / the request can't be read: request body is required", p.Detail)
}
