package api_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"duban/projections"
)

// event returns the id of a record's n-th event.
func (w *world) event(path string, n int) string {
	w.t.Helper()
	var h struct{ Events []projections.TrailEntry }
	w.get(w.caughtUp(path + "/history")).want(http.StatusOK).into(&h)
	return h.Events[n-1].ID
}

func amendment(target, field string, value any) body {
	return body{"target": target, "mode": "amend", "changes": body{field: value}, "reason": "录入有误"}
}

// What was typed wrongly of a directive is put right where it stands, its number and
// title stay unique, and the number it never had is free.
func TestDirectiveCorrected(t *testing.T) {
	w := newWorld(t)
	path := "directives/" + w.id
	before := w.store.Acked()
	issued := w.event(path, 1)
	old := w.directive()
	right := strings.ReplaceAll(old.Title, "通知", "补充通知")
	w.act(w.token, path+"/correct", amendment(issued, "title", right))
	w.act(w.token, path+"/correct", amendment(issued, "document_number", "某安发〔2019〕91号"))
	w.act(w.token, path+"/correct", amendment(issued, "addressees", []string{"各市工信局"}))

	d := w.directive()
	assert.Equal(t, right, d.Title)
	assert.Equal(t, "某安发〔2019〕91号", d.DocumentNumber)
	assert.Equal(t, []string{"各市工信局"}, d.Addressees)
	assert.Len(t, w.task(1).Shares, 2)
	var then projections.DirectiveView
	w.get(w.caughtUp(path) + "&known_at=" + uintText(before)).want(http.StatusOK).into(&then)
	assert.Equal(t, old.Title, then.Title)
	var found projections.Page[projections.TaskView]
	w.get(w.caughtUp("tasks?q=" + url.QueryEscape("某安发[2019]91号"))).want(http.StatusOK).into(&found)
	assert.Equal(t, len(w.tasks), found.Total)

	notice := func(number, title string) answer {
		text := strings.NewReplacer(old.Title, title, old.DocumentNumber, number).Replace(shortNotice)
		return w.do(request{method: http.MethodPost, path: "directives", token: w.token, media: "text/plain; charset=utf-8", body: text})
	}
	w.unchanged(func() {
		assert.Equal(t, "name.claimed.taken", notice("某安发〔2019〕92号", right).problem(http.StatusConflict).Rule, "known by its right words")
		assert.Equal(t, "name.claimed.taken", notice("某安发〔2019〕91号", "关于另一件事的通知").problem(http.StatusConflict).Rule, "known by its right number")
		w.refused(w.token, path+"/correct", body{"target": issued, "mode": "void", "reason": "误登"}, http.StatusConflict, "directive.corrected.follows")
		w.refused(w.chem, path+"/correct", amendment(issued, "title", "甲"), http.StatusForbidden, "role.correct")
	})
	other := notice("某安发〔2019〕92号", "关于另一件事的通知").want(http.StatusCreated)
	var made struct{ ID string }
	other.into(&made)
	w.unchanged(func() {
		w.refused(w.token, "directives/"+made.ID+"/correct", amendment(w.event("directives/"+made.ID, 1), "document_number", "某安发〔2019〕91号"), http.StatusConflict, "name.claimed.taken")
	})
}

// An office's name is put right together with the claim on it.
func TestOfficeCorrected(t *testing.T) {
	w := newWorld(t)
	path := "offices/" + w.offices["化工处"][len("office/"):]
	registered := w.event(path, 1)
	w.unchanged(func() {
		w.refused(w.token, path+"/correct", amendment(registered, "name", "技术改造处"), http.StatusConflict, "name.claimed.taken")
	})
	w.act(w.token, path+"/correct", amendment(registered, "name", "化学工业处"))
	o := w.office("化工处")
	assert.Equal(t, "化学工业处", o.Name)
	assert.Empty(t, o.Former, "it never went by the wrong name")
	assert.Len(t, w.tasksOf("化学工业处"), 2)
	w.refused(w.token, "offices", body{"name": "化学 工业处", "type": "office"}, http.StatusConflict, "name.claimed.taken")
	w.act(w.token, "offices", body{"name": "化工处", "type": "office"}) // the name is free
	w.unchanged(func() {
		w.refused(w.token, path+"/correct", body{"target": w.event(path, 2), "mode": "void", "reason": "原名无误"}, http.StatusConflict, "name.claimed.taken")
	})
}

// owed lists the offices of whom a month's report is missing.
func (w *world) owed(period string) []string {
	w.t.Helper()
	var page struct {
		Items []struct {
			Number int
			Office projections.Named
		}
	}
	w.get(w.caughtUp("reports?missing=true&limit=500&period=" + period)).want(http.StatusOK).into(&page)
	seen := []string{}
	for _, i := range page.Items {
		seen = append(seen, uintText(uint64(i.Number))+" "+i.Office.Name)
	}
	return seen
}

// Who carries on a merged office's shares reports on them, until the duty is ended.
func TestDutyFollowsAndEnds(t *testing.T) {
	w := newWorld(t)
	path := "directives/" + w.id
	required := w.act(w.token, path+"/require-reporting", body{"unit": "month", "due_day": 5, "from": "2019-07-01", "offices": []string{w.offices["化工处"]}})
	w.act(w.token, path+"/correct", amendment(required.Events[0].ID, "due_day", 8))
	w.clock.set(t, "2019-09-20 09:00")
	assert.Equal(t, []string{"1 化工处", "2 化工处"}, w.owed("2019-08"))

	w.merge("化工处", "信息中心", nil).want(http.StatusOK)
	w.clock.set(t, "2020-03-01 09:00")
	heirs := w.owed("2019-10")
	assert.Contains(t, heirs, "1 信息中心")
	assert.Contains(t, heirs, "2 信息中心")
	for _, o := range w.owed("2019-08") {
		assert.NotContains(t, o, "信息中心", "it began when it took over")
	}
	require.Equal(t, heirs, w.owed("2019-12"))

	w.unchanged(func() {
		w.refused(w.token, path+"/end-reporting", body{"until": "2019-05-31", "reason": "x"}, http.StatusConflict, "directive.reporting_ended.none")
		w.refused(w.chem, path+"/end-reporting", body{"until": "2019-11-30", "reason": "x"}, http.StatusForbidden, "office.gone")
	})
	w.act(w.token, path+"/end-reporting", body{"until": "2019-11-30", "reason": "改为年底总结"})
	assert.Empty(t, w.owed("2019-12"))
	assert.Equal(t, heirs, w.owed("2019-10"))
	w.refused(w.token, path+"/end-reporting", body{"until": "2019-11-30", "reason": "x"}, http.StatusConflict, "directive.reporting_ended.none")
}
