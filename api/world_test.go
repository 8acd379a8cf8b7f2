package api_test

import (
	"net/http"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"duban/api"
	"duban/projections"
)

// The story tests of what changes around the tasks: directives amended and
// repealed, tasks decomposed and consolidated, offices merged and split.

// A world is an imported notice with people at its offices.
type world struct {
	*node
	imported
	chem, tech, info string // tokens of the three offices
	checker          string // an inspector's
	reviewer         string // a second clerk's of the safety office
}

func newWorld(t *testing.T) *world {
	n := start(t)
	im := n.importNotice(shortNotice)
	return &world{
		node: n, imported: im,
		chem: n.member("huagong", "office", im.offices["化工处"]), tech: n.member("jigai", "office", im.offices["技术改造处"]),
		info: n.member("xinxi", "office", im.offices["信息中心"]), checker: n.member("jiancha", "inspector", ""), reviewer: n.member("fuhe", "safety_office", ""),
	}
}

func (w *world) task(number int) projections.TaskView {
	w.t.Helper()
	return w.taskByID(w.tasks[number])
}

func (w *world) taskByID(id string) projections.TaskView {
	w.t.Helper()
	var v projections.TaskView
	w.get(w.caughtUp("tasks/" + id)).want(http.StatusOK).into(&v)
	return v
}

func (w *world) directive() projections.DirectiveView {
	w.t.Helper()
	var v projections.DirectiveView
	w.get(w.caughtUp("directives/" + w.id)).want(http.StatusOK).into(&v)
	return v
}

func (w *world) office(name string) projections.OfficeView {
	w.t.Helper()
	var v projections.OfficeView
	w.get(w.caughtUp("offices/" + w.offices[name][len("office/"):])).want(http.StatusOK).into(&v)
	return v
}

// refused posts what the rules refuse; nothing is appended.
func (w *world) refused(token, path string, b body, status int, rule string) api.Problem {
	w.t.Helper()
	var p api.Problem
	w.unchanged(func() {
		p = w.post(token, path, b).problem(status)
		assert.Equal(w.t, rule, p.Rule, p.Detail)
	})
	return p
}

// shares returns the statuses of a task's shares by the offices' names.
func shares(v projections.TaskView) map[string]string {
	out := map[string]string{}
	for _, s := range v.Shares {
		out[s.Office.Name] = s.Status
	}
	return out
}

// settled checks that the read models are what a replay gives.
func (w *world) settled() {
	w.t.Helper()
	w.get(w.caughtUp("summary")).want(http.StatusOK)
	require.NoError(w.t, w.model.Verify(w.t.Context()))
}

func taskRef(id string) string { return "task/" + id }

func TestAmendment(t *testing.T) {
	w := newWorld(t)
	path := "directives/" + w.id + "/amend"
	change := []body{
		{"number": 1, "change": "replaced", "text": "摸清底数。逐户登记，到2020年6月底全部完成。", "effective_on": "2019-07-01", "deadlines": []body{{"date": "2020-06-30", "words": "2020年6月底"}}},
		{"path": []string{"二", "（二）"}, "change": "removed"},
		{"path": []string{"二", "（三）"}, "change": "added", "text": "开展应急演练。", "offices": []body{{"name": "信息中心", "role": "lead"}, {"name": "各有关处室", "role": "supporting"}}, "docket": true},
	}
	ask := body{"by": "某工信安〔2019〕20号", "changes": change}
	p := w.refused(w.token, path, ask, http.StatusConflict, "directive.amended.undecided")
	assert.Contains(t, p.Detail, taskRef(w.tasks[1])+"（第1项）")
	assert.Contains(t, p.Detail, taskRef(w.tasks[4]))
	assert.NotContains(t, p.Detail, w.tasks[2])

	revised := body{"task": taskRef(w.tasks[1]), "decision": "revised"}
	ask["decisions"] = []body{revised, {"task": taskRef(w.tasks[4]), "decision": "revised"}}
	w.refused(w.token, path, ask, http.StatusUnprocessableEntity, "directive.amended.removed_task")
	ask["decisions"] = []body{revised, {"task": taskRef(w.tasks[4]), "decision": "cancelled"}, {"task": taskRef(w.tasks[2]), "decision": "revised"}}
	w.refused(w.token, path, ask, http.StatusUnprocessableEntity, "directive.decision.task")
	ask["decisions"] = []body{revised, {"task": taskRef(w.tasks[4]), "decision": "cancelled"}}
	p = w.refused(w.token, path, ask, http.StatusConflict, "approval.required")
	assert.Contains(t, p.Detail, w.tasks[4], "it says for which task")
	ask["approval"] = approved("同意")
	change[2]["offices"] = []body{{"name": "没有的处", "role": "lead"}}
	w.refused(w.token, path, ask, http.StatusUnprocessableEntity, "office.unknown")
	change[2]["offices"] = []body{{"name": "信息中心", "role": "lead"}, {"name": "各有关处室", "role": "supporting"}}
	w.refused(w.chem, path, ask, http.StatusForbidden, "role.amend")

	before := w.store.Acked()
	w.act(w.token, path, ask)

	d := w.directive()
	require.Len(t, d.Clauses, 6)
	assert.Equal(t, []string{"某工信安〔2019〕20号"}, d.Amended)
	assert.Equal(t, 5, d.ClauseCount, "one is gone, one is new")
	first, gone, fresh := d.Clauses[0], d.Clauses[3], d.Clauses[5]
	assert.Contains(t, first.Text, "2020年6月底")
	require.Len(t, first.Revisions, 1)
	assert.Contains(t, first.Revisions[0].EarlierText, "2019年12月底")
	assert.Equal(t, "2019-07-01", string(first.Revisions[0].EffectiveOn))
	assert.True(t, gone.Removed)
	assert.Equal(t, "强化宣传。开展安全生产月宣传活动。", gone.Text)
	assert.Equal(t, "added", fresh.Revisions[0].Change)
	require.NotEmpty(t, fresh.Task)

	one := w.task(1)
	assert.Equal(t, first.TextSHA256, one.TextSHA256)
	assert.Equal(t, first.Text, one.Text)
	assert.Equal(t, "2020-06-30", string(one.Deadline.Date), "the new words' deadline")
	require.Len(t, one.Revisions, 1)
	assert.Equal(t, first.Revisions[0].EarlierSHA256, one.Revisions[0].EarlierSHA256)
	four := w.task(4)
	assert.Equal(t, "cancelled", four.Status)
	assert.Equal(t, "强化宣传。开展安全生产月宣传活动。", four.Text)
	added := w.taskByID(fresh.Task)
	assert.Equal(t, map[string]string{"信息中心": "assigned"}, shares(added))
	assert.Equal(t, "开展应急演练。", added.Text)

	// A task that ended before keeps the words it was made of, and is found by them.
	w.act(w.token, "tasks/"+w.tasks[2]+"/cancel", body{"reason": "不再需要", "approval": approved("同意")})
	w.act(w.token, path, body{"by": "某工信安〔2019〕21号", "changes": []body{{"number": 2, "change": "replaced", "text": "另行规划。"}}})
	assert.Equal(t, "完善规划。科学规划工业园区空间布局。", w.task(2).Text)
	var page projections.Page[projections.TaskView]
	w.get(w.caughtUp("tasks?q=工业园区")).want(http.StatusOK).into(&page)
	require.Len(t, page.Items, 1)
	assert.Equal(t, "完善规划。科学规划工业园区空间布局。", page.Items[0].Text)

	// As it was known before.
	var then projections.TaskView
	w.get("tasks/" + w.tasks[1] + "?known_at=" + uintText(before)).want(http.StatusOK).into(&then)
	assert.Contains(t, then.Text, "2019年12月底")
	w.settled()
}

func TestRepeal(t *testing.T) {
	w := newWorld(t)
	path := "directives/" + w.id + "/repeal"
	ask := body{"by": "某工信安〔2019〕30号", "decisions": []body{{"task": taskRef(w.tasks[1]), "decision": "continues", "reason": "仍须办结"}}}
	p := w.refused(w.token, path, ask, http.StatusConflict, "directive.repealed.undecided")
	assert.Contains(t, p.Detail, w.tasks[3])
	ask["otherwise"] = body{"decision": "cancelled", "reason": "随文废止"}
	w.refused(w.token, path, ask, http.StatusConflict, "approval.required")
	ask["approval"] = approved("同意废止")
	w.act(w.token, path, ask)

	d := w.directive()
	assert.Equal(t, "repealed", d.Status)
	assert.Equal(t, "某工信安〔2019〕30号", d.RepealedBy)
	assert.Equal(t, []string{"correct"}, d.Allowed)
	one := w.task(1)
	assert.Equal(t, "assigned", one.Status)
	assert.Equal(t, "repealed", one.DirectiveState)
	for _, n := range []int{2, 3, 4} {
		assert.Equal(t, "cancelled", w.task(n).Status)
	}
	w.act(w.chem, "tasks/"+w.tasks[1]+"/report", body{"condition": "normal", "progress": "继续"})
	parts := body{"children": []body{{"text": "甲", "offices": []body{{"office": w.offices["化工处"], "role": "lead"}}}}}
	w.refused(w.token, "tasks/"+w.tasks[1]+"/decompose", parts, http.StatusConflict, "directive.standing")
	w.refused(w.token, "directives/"+w.id+"/amend", body{"by": "x", "changes": []body{{"number": 1, "change": "removed"}}}, http.StatusConflict, "directive.amended.status")
	var page projections.Page[projections.DirectiveView]
	w.get(w.caughtUp("directives?status=repealed")).want(http.StatusOK).into(&page)
	assert.Equal(t, 1, page.Total)
	w.get(w.caughtUp("directives?status=in_force")).want(http.StatusOK).into(&page)
	assert.Equal(t, 0, page.Total)
	w.settled()
}

func TestDecomposition(t *testing.T) {
	w := newWorld(t)
	parent := "tasks/" + w.tasks[1]
	chem, tech := body{"office": w.offices["化工处"], "role": "lead"}, body{"office": w.offices["技术改造处"], "role": "lead"}
	ask := body{"reason": "内容较多", "children": []body{
		{"text": "登记台账。", "offices": []body{chem}, "deadline": "2019-09-30"}, {"text": "现场核查。", "offices": []body{tech}}, {"task": taskRef(w.tasks[2])},
	}}
	w.refused(w.tech, parent+"/decompose", ask, http.StatusForbidden, "role.decompose")
	w.refused(w.token, parent+"/decompose", body{"children": []body{{"task": taskRef(w.tasks[2]), "text": "x", "offices": []body{chem}}}}, http.StatusUnprocessableEntity, "decomposed.both")
	w.refused(w.token, parent+"/decompose", body{"children": []body{{"task": taskRef(nobody)}}}, http.StatusUnprocessableEntity, "reference.unknown")
	w.act(w.token, parent+"/decompose", ask)

	one := w.task(1)
	require.Len(t, one.Children, 3)
	a, b := w.taskByID(one.Children[0]), w.taskByID(one.Children[1])
	assert.Equal(t, "登记台账。", a.Text)
	assert.Equal(t, []int{1, 1, 1, 2}, []int{a.Number, a.Part, b.Number, b.Part})
	assert.Equal(t, "2019-09-30", string(a.Deadline.Date))
	assert.Equal(t, "2019-12-31", string(a.Shares[0].Stated.Date), "the source's date stays beside it")
	assert.Equal(t, "2019-12-31", string(b.Deadline.Date))
	for _, id := range one.Children {
		links := w.taskByID(id).Links
		require.Len(t, links, 1)
		assert.Equal(t, []string{w.tasks[1], "derived_from"}, []string{links[0].Task, links[0].Relation})
	}
	clause := w.directive().Clauses[0]
	assert.Equal(t, w.tasks[1], clause.Task)
	assert.Equal(t, []string{a.ID, b.ID}, clause.Parts)
	w.refused(w.token, "tasks/"+a.ID+"/decompose", body{"children": []body{{"task": taskRef(w.tasks[1])}}}, http.StatusConflict, "decomposed.circle")

	// The whole is not done before its parts are.
	finish := func(id string, tokens map[string]string) answer {
		var last answer
		for office, token := range tokens {
			w.act(token, "tasks/"+id+"/request-closure", body{"summary": "完成"})
			last = w.post(w.token, "tasks/"+id+"/accept", body{"office": office})
		}
		return last
	}
	chemOffice, techOffice := w.offices["化工处"], w.offices["技术改造处"]
	finish(a.ID, map[string]string{chemOffice: w.chem}).want(http.StatusOK)
	finish(w.tasks[2], map[string]string{chemOffice: w.chem}).want(http.StatusOK)
	p := finish(w.tasks[1], map[string]string{chemOffice: w.chem, techOffice: w.tech}).problem(http.StatusConflict)
	assert.Equal(t, "completed.children", p.Rule)
	assert.Contains(t, p.Detail, b.ID)
	finish(b.ID, map[string]string{techOffice: w.tech}).want(http.StatusOK)
	for _, s := range w.task(1).Shares {
		if s.Status != "accepted" {
			w.act(w.token, parent+"/accept", body{"office": "office/" + s.Office.ID})
		}
	}
	assert.Equal(t, "completed", w.task(1).Status)
	// A wrong import with parts is voided whole, as long as nobody has acted.
	other := w.importNotice("某办发〔2019〕1号\n\n关于开展安全检查的通知\n\n一、开展检查。（责任处室：化工处）\n")
	w.act(w.token, "tasks/"+other.tasks[1]+"/decompose", body{"children": []body{{"text": "检查一。", "offices": []body{chem}}}})
	var v projections.TaskView
	w.get(w.caughtUp("tasks/" + other.tasks[1])).into(&v)
	w.act(w.token, "directives/"+other.id+"/void", body{"reason": "误录"})
	assert.Equal(t, "voided", w.taskByID(v.Children[0]).Status)
	w.settled()
}

func TestConsolidation(t *testing.T) {
	w := newWorld(t)
	from, into := "tasks/"+w.tasks[2], "tasks/"+w.tasks[1]
	w.refused(w.token, from+"/consolidate", body{"into": taskRef(nobody), "reason": "x"}, http.StatusUnprocessableEntity, "reference.unknown")
	w.act(w.token, from+"/link", body{"to": taskRef(w.tasks[3]), "relation": "same_duty"})
	w.act(w.token, from+"/consolidate", body{"into": taskRef(w.tasks[1]), "reason": "内容重复"})
	v := w.task(2)
	assert.Equal(t, "consolidated", v.Status)
	assert.Equal(t, w.tasks[1], v.Consolidated)
	assert.Contains(t, v.Allowed, "reopen")
	assert.NotContains(t, v.Allowed, "complete")
	links := w.task(1).Links
	require.Len(t, links, 1)
	assert.Equal(t, []string{w.tasks[2], "continues"}, []string{links[0].Task, links[0].Relation})
	w.refused(w.chem, from+"/request-closure", body{"summary": "x"}, http.StatusConflict, "task.status")
	w.refused(w.token, into+"/consolidate", body{"into": taskRef(w.tasks[2]), "reason": "x"}, http.StatusConflict, "consolidated.into")
	w.refused(w.token, "tasks/"+w.tasks[3]+"/correct", body{"target": "x", "mode": "void", "reason": "x"}, http.StatusUnprocessableEntity, "corrected.target")

	// A major hazard on the task that was closed keeps the one that carries on open.
	finding := w.act(w.checker, "findings", body{"subject": body{"name": "某厂", "place": "一车间"}, "description": "泄漏", "category": "工艺", "found_on": "2019-06-27", "tasks": []string{taskRef(w.tasks[2])}})
	w.act(w.checker, "findings/"+finding.ID+"/verify", body{})
	w.act(w.checker, "findings/"+finding.ID+"/grade", body{"grade": "major", "criterion": "判定标准"})
	w.act(w.chem, into+"/request-closure", body{"summary": "完成"})
	w.act(w.tech, into+"/request-closure", body{"summary": "完成"})
	w.act(w.token, into+"/accept", body{"office": w.offices["化工处"]})
	w.refused(w.token, into+"/accept", body{"office": w.offices["技术改造处"]}, http.StatusConflict, "completed.finding")
	w.act(w.reviewer, "findings/"+finding.ID+"/regrade", body{"grade": "ordinary", "criterion": "判定标准", "reason": "复核"})
	w.act(w.token, into+"/accept", body{"office": w.offices["技术改造处"]})
	assert.Equal(t, "completed", w.task(1).Status)

	// It can be taken up again.
	w.act(w.token, from+"/reopen", body{"reason": "mistake", "words": "不重复", "approval": approved("同意")})
	assert.Equal(t, "assigned", w.task(2).Status)
	var page projections.Page[projections.TaskView]
	w.get(w.caughtUp("tasks?status=consolidated")).want(http.StatusOK).into(&page)
	assert.Equal(t, 0, page.Total)
	w.settled()
}

// An amendment of a link is held to what a link is held to.
func TestAmendedReferences(t *testing.T) {
	w := newWorld(t)
	from := "tasks/" + w.tasks[2]
	l := w.act(w.token, from+"/link", body{"to": taskRef(w.tasks[3]), "relation": "same_duty"})
	fix := body{"target": l.Events[0].ID, "mode": "amend", "changes": body{"to": taskRef(nobody)}, "reason": "录错"}
	w.refused(w.token, from+"/correct", fix, http.StatusUnprocessableEntity, "reference.unknown")
	fix["changes"] = body{"to": taskRef(w.tasks[4])}
	w.act(w.token, from+"/correct", fix)
	assert.Equal(t, w.tasks[4], w.task(2).Links[0].Task)
}

func uintText(n uint64) string { return strconv.FormatUint(n, 10) }
