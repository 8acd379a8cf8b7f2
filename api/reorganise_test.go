package api_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"duban/projections"
)

// tasksOf lists the tasks an office filter finds.
func (w *world) tasksOf(filter string) []string {
	w.t.Helper()
	var page projections.Page[projections.TaskView]
	w.get(w.caughtUp("tasks?limit=500&office=" + url.QueryEscape(filter))).want(http.StatusOK).into(&page)
	var ids []string
	for _, v := range page.Items {
		ids = append(ids, v.ID)
	}
	return ids
}

func (w *world) merge(from, into string, more body) answer {
	w.t.Helper()
	b := body{"into": w.offices[into], "reason": "宁编发〔2019〕3号"}
	for k, v := range more {
		b[k] = v
	}
	return w.post(w.token, "offices/"+w.offices[from][len("office/"):]+"/merge", b)
}

// hazardFor records a finding that an office has to put right.
func (w *world) hazardFor(office string) string {
	w.t.Helper()
	f := w.act(w.checker, "findings", body{"subject": body{"name": "某厂", "place": "一车间"}, "description": "泄漏", "category": "工艺", "found_on": "2019-06-27"})
	path := "findings/" + f.ID
	w.act(w.checker, path+"/verify", body{})
	w.act(w.checker, path+"/grade", body{"grade": "major", "criterion": "判定标准"})
	w.act(w.checker, path+"/order-rectification", body{"rectifier": body{"office": w.offices[office], "name": office}, "deadline": "2019-12-10"})
	return path
}

func TestMerger(t *testing.T) {
	w := newWorld(t)
	chem, tech, info := w.offices["化工处"], w.offices["技术改造处"], w.offices["信息中心"]
	// 化工处 leads task 1 with 技术改造处 and has task 2 alone.
	w.act(w.token, "tasks/"+w.tasks[1]+"/designate-lead", body{"office": chem})
	w.act(w.chem, "tasks/"+w.tasks[1]+"/report", body{"condition": "normal", "progress": "已登记"})
	w.act(w.token, "tasks/"+w.tasks[2]+"/set-deadline", body{"office": chem, "date": "2019-11-30"})
	w.act(w.token, "tasks/"+w.tasks[2]+"/suspend", body{"reason": "等待", "approval": approved("暂缓")})
	hazard := w.hazardFor("化工处")
	before := w.store.Acked()

	w.refused(w.chem, "offices/"+chem[len("office/"):]+"/merge", body{"into": tech}, http.StatusForbidden, "role.merge")
	w.refused(w.token, "offices/"+chem[len("office/"):]+"/merge", body{"into": chem}, http.StatusUnprocessableEntity, "office.merged.itself")
	var me struct{ Office string }
	w.get("me").into(&me)
	w.refused(w.token, "offices/"+me.Office+"/merge", body{"into": tech}, http.StatusConflict, "office.reorganised.own")
	w.merge("化工处", "技术改造处", nil).want(http.StatusOK)

	one, two := w.task(1), w.task(2)
	assert.Equal(t, map[string]string{"化工处": "absorbed", "技术改造处": "assigned"}, shares(one))
	assert.Equal(t, "lead", one.Shares[1].Role, "who takes the lead's share in leads")
	assert.Equal(t, "已登记", one.Shares[0].Progress, "what was reported stays where it was")
	assert.Equal(t, map[string]string{"化工处": "transferred", "技术改造处": "assigned"}, shares(two))
	assert.Equal(t, "suspended", two.Status, "a merger lifts no suspension")
	assert.Equal(t, "2019-11-30", string(two.Deadline.Date))
	o := w.office("化工处")
	assert.Equal(t, "技术改造处", o.MergedInto.Name)
	assert.Equal(t, "2019-06-27", string(o.EndedOn))
	assert.Equal(t, []string{"correct"}, o.Allowed)

	// It takes nothing and signs nothing.
	give := body{"offices": []body{{"office": chem, "role": "joint"}}}
	p := w.refused(w.token, "tasks/"+w.tasks[4]+"/assign", give, http.StatusConflict, "office.gone")
	assert.Contains(t, p.Detail, "技术改造处")
	w.refused(w.token, "tasks/"+w.tasks[3]+"/transfer", body{"from": info, "to": chem, "cause": "decision"}, http.StatusConflict, "office.gone")
	w.refused(w.token, "tokens", body{"person": "x", "role": "office", "office": chem}, http.StatusConflict, "office.gone")
	w.refused(w.token, "offices/"+chem[len("office/"):]+"/rename", body{"name": "石化处"}, http.StatusConflict, "office.gone")
	w.refused(w.token, "offices/"+tech[len("office/"):]+"/merge", body{"into": chem}, http.StatusConflict, "office.gone")
	p = w.refused(w.chem, "tasks/"+w.tasks[1]+"/report", body{"condition": "normal", "progress": "x"}, http.StatusForbidden, "office.gone")
	assert.Contains(t, p.Detail, "技术改造处")
	w.do(request{method: http.MethodGet, path: "tasks", token: w.chem}).problem(http.StatusForbidden)

	// Its hazard is its heir's to put right, and not to check.
	var f projections.FindingView
	w.get(w.caughtUp(hazard)).want(http.StatusOK).into(&f)
	assert.Equal(t, "化工处", f.RectifierOffice.Name, "the order reads as it was given")
	assert.Equal(t, "技术改造处", f.Carriers[0].Name)
	w.act(w.tech, hazard+"/report-rectification", body{"summary": "已整改", "evidence": w.attach("照片")})
	own := w.member("jigai-jiancha", "inspector", tech)
	w.refused(own, hazard+"/reinspect", body{"passed": true, "opinion": "合格"}, http.StatusConflict, "finding.reinspected.rectifier")
	w.act(w.checker, hazard+"/reinspect", body{"passed": true, "opinion": "合格"})

	// By the old name as by the new; by the old records as they were.
	assert.ElementsMatch(t, []string{w.tasks[1], w.tasks[2], w.tasks[3]}, w.tasksOf("化工处"))
	assert.ElementsMatch(t, w.tasksOf("技术改造处"), w.tasksOf(chem))
	var found projections.Page[projections.FindingView]
	for _, name := range []string{"化工处", "技术改造处"} {
		w.get(w.caughtUp("findings?office=" + url.QueryEscape(name))).want(http.StatusOK).into(&found)
		assert.Equal(t, 1, found.Total, name)
	}
	var then projections.TaskView
	w.get("tasks/" + w.tasks[2] + "?known_at=" + uintText(before)).want(http.StatusOK).into(&then)
	assert.Equal(t, map[string]string{"化工处": "assigned"}, shares(then))

	// A new notice that still names it goes to its heir; a late paper of its own time
	// is entered for it.
	later := w.importNotice("某办发〔2019〕9号\n\n关于开展安全检查的通知\n\n一、开展检查。（责任处室：化工处）\n")
	assert.Equal(t, map[string]string{"技术改造处": "assigned"}, shares(w.taskByID(later.tasks[1])))
	w.act(w.tech, "tasks/"+w.tasks[1]+"/acknowledge", body{})
	w.settled()
}

// Two shares meet of which one is accepted: the work goes on there, for which a
// leader's word is needed; and what is opened again later follows the office.
func TestMergerWithFinishedShares(t *testing.T) {
	w := newWorld(t)
	chem, tech := w.offices["化工处"], w.offices["技术改造处"]
	w.act(w.tech, "tasks/"+w.tasks[1]+"/request-closure", body{"summary": "完成"})
	w.act(w.token, "tasks/"+w.tasks[1]+"/accept", body{"office": tech})
	w.act(w.chem, "tasks/"+w.tasks[2]+"/request-closure", body{"summary": "完成"})
	w.act(w.token, "tasks/"+w.tasks[2]+"/accept", body{"office": chem})
	require.Equal(t, "completed", w.task(2).Status)

	w.unchanged(func() {
		p := w.merge("化工处", "技术改造处", nil).problem(http.StatusConflict)
		assert.Equal(t, "approval.required", p.Rule)
		assert.Contains(t, p.Detail, w.tasks[1])
	})
	w.merge("化工处", "技术改造处", body{"approval": approved("同意合并")}).want(http.StatusOK)
	assert.Equal(t, map[string]string{"化工处": "absorbed", "技术改造处": "in_progress"}, shares(w.task(1)))
	assert.Equal(t, map[string]string{"化工处": "accepted"}, shares(w.task(2)), "what was done stays with who did it")

	// 技术改造处 goes as well, before the false completion of 化工处 is found.
	w.merge("技术改造处", "信息中心", body{"approval": approved("同意合并")}).want(http.StatusOK)
	w.act(w.token, "tasks/"+w.tasks[2]+"/reopen", body{"reason": "false_completion", "words": "不实", "approval": approved("重新办理")})
	assert.Equal(t, map[string]string{"化工处": "transferred", "信息中心": "assigned"}, shares(w.task(2)))
	assert.ElementsMatch(t, []string{w.tasks[1], w.tasks[2], w.tasks[3], w.tasks[4]}, w.tasksOf("化工处"))
	w.settled()
}

func TestSplit(t *testing.T) {
	w := newWorld(t)
	chem, tech, info := w.offices["化工处"], w.offices["技术改造处"], w.offices["信息中心"]
	hazard := w.hazardFor("化工处")
	fine := w.act(w.token, "offices", body{"name": "精细化工处", "type": "office"})
	coal := w.act(w.token, "offices", body{"name": "煤化工处", "type": "office"})
	into := []string{"office/" + fine.ID, "office/" + coal.ID}
	path := "offices/" + chem[len("office/"):] + "/split"
	ask := body{"into": into, "rest": into[0], "decisions": []body{{"record": taskRef(w.tasks[3]), "to": into[1]}}}
	w.refused(w.token, path, ask, http.StatusUnprocessableEntity, "office.split.record")
	ask["decisions"] = []body{{"record": taskRef(w.tasks[2]), "to": into[1]}, {"record": "finding/" + hazard[len("findings/"):], "to": into[1]}}
	w.act(w.token, path, ask)
	assert.Equal(t, map[string]string{"化工处": "transferred", "技术改造处": "assigned", "精细化工处": "assigned"}, shares(w.task(1)))
	assert.Equal(t, map[string]string{"化工处": "transferred", "煤化工处": "assigned"}, shares(w.task(2)))
	assert.ElementsMatch(t, []string{w.tasks[1], w.tasks[2]}, w.tasksOf("化工处"))
	o := w.office("化工处")
	assert.Equal(t, []string{"精细化工处", "煤化工处"}, []string{o.SplitInto[0].Name, o.SplitInto[1].Name})
	var f projections.FindingView
	w.get(w.caughtUp(hazard)).into(&f)
	assert.Equal(t, "煤化工处", f.Carriers[0].Name)
	p := w.refused(w.chem, "tasks/"+w.tasks[1]+"/acknowledge", body{}, http.StatusForbidden, "office.gone")
	assert.Contains(t, p.Detail, "精细化工处")
	// A new notice has to say which of them is meant.
	w.unchanged(func() {
		a := w.do(request{method: http.MethodPost, path: "directives", token: w.token, media: "text/plain", body: "某办发〔2019〕9号\n\n关于开展安全检查的通知\n\n一、开展检查。（责任处室：化工处）\n"})
		assert.Equal(t, "office.split.choose", a.problem(http.StatusConflict).Rule)
	})

	// An office that is among those it was split into stands on, with what is not moved.
	ask = body{"into": []string{tech, info}, "rest": tech, "decisions": []body{{"record": taskRef(w.tasks[3]), "to": info}}}
	w.act(w.token, "offices/"+tech[len("office/"):]+"/split", ask)
	assert.Equal(t, map[string]string{"技术改造处": "absorbed", "信息中心": "assigned"}, shares(w.task(3)))
	w.act(w.tech, "tasks/"+w.tasks[1]+"/acknowledge", body{})
	assert.ElementsMatch(t, []string{w.tasks[1]}, w.tasksOf("技术改造处"))
	w.settled()
}

// A merger that does not fit into one transaction says so, and what to do.
func TestMergerOfTooMuch(t *testing.T) {
	if testing.Short() {
		t.Skip("imports more than a thousand tasks")
	}
	w := newWorld(t)
	for i := range 3 {
		var b strings.Builder
		fmt.Fprintf(&b, "某办发〔2019〕%d号\n\n关于开展第%d批安全检查的通知\n\n", 10+i, i+1)
		for k := range 340 {
			fmt.Fprintf(&b, "%d.开展第%d次检查。（责任处室：化工处）\n\n", k+1, k+1)
		}
		w.do(request{method: http.MethodPost, path: "directives", token: w.token, media: "text/plain; charset=utf-8", body: b.String()}).want(http.StatusCreated)
	}
	require.NoError(t, w.model.Wait(t.Context(), w.store.Acked()))
	w.unchanged(func() {
		p := w.merge("化工处", "信息中心", nil).problem(http.StatusConflict)
		assert.Equal(t, "office.reorganised.many", p.Rule)
		assert.Contains(t, p.Detail, "1000")
	})
}

// A share given while the office is merged away goes with the others, or is refused.
func TestMergerAgainstAssignment(t *testing.T) {
	w := newWorld(t)
	names := []string{"化工处", "技术改造处", "信息中心"}
	for round := range 12 {
		office := w.act(w.token, "offices", body{"name": fmt.Sprintf("临时%d处", round), "type": "office"})
		path := "offices/" + office.ID + "/merge"
		var all sync.WaitGroup
		var merged answer
		given := make([]answer, 4)
		all.Go(func() { merged = w.post(w.token, path, body{"into": w.offices[names[round%3]]}) })
		for i := range given {
			all.Go(func() {
				given[i] = w.post(w.token, "tasks/"+w.tasks[i+1]+"/assign", body{"offices": []body{{"office": "office/" + office.ID, "role": "joint"}}})
			})
		}
		all.Wait()
		merged.want(http.StatusOK)
		for i, a := range given {
			if a.status != http.StatusOK {
				assert.Equal(t, "office.gone", a.problem(http.StatusConflict).Rule)
			}
			for _, s := range w.task(i + 1).Shares {
				if s.Office.ID == office.ID {
					assert.Contains(t, []string{"transferred", "absorbed"}, s.Status, "round %d: a share was left behind", round)
				}
			}
		}
	}
	w.settled()
}

// A task does not complete while a major finding on it is open, also when both
// happen at once.
func TestCompletionAgainstMajorFinding(t *testing.T) {
	w := newWorld(t)
	path := "tasks/" + w.tasks[4]
	office := w.offices["信息中心"]
	outcomes := map[string]int{}
	for round := range 20 {
		w.act(w.info, path+"/request-closure", body{"summary": "完成"})
		f := w.act(w.checker, "findings", body{"subject": body{"name": "某厂", "place": "一车间"}, "description": "泄漏", "category": "工艺", "found_on": "2019-06-27", "tasks": []string{taskRef(w.tasks[4])}})
		finding := "findings/" + f.ID
		w.act(w.checker, finding+"/verify", body{})

		var all sync.WaitGroup
		var accepted, graded answer
		all.Go(func() { accepted = w.post(w.reviewer, path+"/accept", body{"office": office}) })
		all.Go(func() {
			graded = w.post(w.checker, finding+"/grade", body{"grade": "major", "criterion": "判定标准"})
		})
		all.Wait()
		graded.want(http.StatusOK)
		v := w.task(4)
		if accepted.status == http.StatusOK {
			outcomes["completed first"]++
			assert.Equal(t, "completed", v.Status)
			events := w.get(w.caughtUp(path + "/history")).want(http.StatusOK)
			var h struct {
				Events []struct{ Type string }
			}
			events.into(&h)
			assert.Equal(t, "duban.task.finding_opened.v1", h.Events[len(h.Events)-1].Type, "round %d: the finding was open when the task was completed", round)
		} else {
			outcomes["graded first"]++
			assert.Equal(t, "completed.finding", accepted.problem(http.StatusConflict).Rule)
			assert.Equal(t, "closure_requested", v.Status)
			assert.Equal(t, []string{f.ID}, v.Findings)
		}
		// Cleared for the next round.
		w.act(w.reviewer, finding+"/regrade", body{"grade": "ordinary", "criterion": "判定标准", "reason": "复核"})
		if accepted.status == http.StatusOK {
			w.act(w.token, path+"/reopen", body{"reason": "new_facts", "words": "再办", "approval": approved("同意")})
		} else {
			w.act(w.token, path+"/return", body{"office": office, "reason": "再办"})
		}
	}
	t.Log(outcomes)
	w.settled()
}
