package api_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
)

// A refusal calls what was asked for by its own name, and does not advise it when
// the state refuses it.
func TestRefusalsSpeakOfActs(t *testing.T) {
	n := start(t)
	im := n.importNotice(shortNotice)
	chem := im.offices["化工处"]
	desk, inspector := n.member("huagong", "office", chem), n.member("jiancha", "inspector", "")
	task := "tasks/" + im.tasks[2]
	refused := func(token, path string, b body) (detail string, allowed []string) {
		t.Helper()
		p := n.post(token, path, b).problem(http.StatusConflict)
		return p.Detail, p.Allowed
	}

	detail, allowed := refused(n.token, task+"/accept", body{"office": chem})
	assert.Equal(t, "分项现为“已交办”，不能“分项办结”；须处于：“已报结”"+
		" / accept is not possible while the share is assigned, only while closure_requested", detail)
	assert.NotContains(t, allowed, "accept")

	// A major finding keeps the last share from acceptance, which is then no advice.
	found := n.act(inspector, "findings", body{"subject": body{"name": "某厂", "place": "厂区"}, "description": "d", "category": "c",
		"found_on": "2019-06-27", "tasks": []string{"task/" + im.tasks[2]}})
	n.act(inspector, "findings/"+found.ID+"/verify", body{})
	n.act(inspector, "findings/"+found.ID+"/grade", body{"grade": "major", "criterion": "x"})
	n.act(desk, task+"/request-closure", body{"summary": "完成"})
	detail, allowed = refused(n.token, task+"/accept", body{"office": chem})
	assert.Contains(t, detail, "须先整改销号：finding/"+found.ID)
	assert.NotContains(t, allowed, "accept")
	assert.Contains(t, allowed, "return")

	n.act(n.token, task+"/cancel", body{"reason": "并入他项", "approval": body{"leader": "厅领导", "on": "2019-06-27", "words": "同意"}})
	detail, allowed = refused(n.token, task+"/remind", body{"words": "请报进展"})
	assert.Equal(t, "任务现为“撤销”，不能“催办” / remind is not possible while the task is cancelled", detail)
	assert.NotContains(t, allowed, "remind")
	detail, allowed = refused(inspector, "findings/"+found.ID+"/grade", body{"grade": "major", "criterion": "x"})
	assert.Contains(t, detail, "隐患待整改，不能“定级”")
	assert.NotContains(t, allowed, "grade")
}
