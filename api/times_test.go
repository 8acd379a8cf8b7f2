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

// shareOf returns one office's share of a task as a read answers it.
func (n *node) shareOf(path, office string) projections.ShareView {
	n.t.Helper()
	var v projections.TaskView
	n.get(path).want(http.StatusOK).into(&v)
	for _, sh := range v.Shares {
		if sh.Office.ID == office[len("office/"):] {
			return sh
		}
	}
	n.t.Fatalf("%s has no share of %s", path, office)
	return projections.ShareView{}
}

// A report of July entered in August: the ledger knows it from August on, and
// shows it in July when asked what was so then. Its correction holds in place.
func TestTwoTimes(t *testing.T) {
	n := start(t)
	n.clock.set(t, "2019-07-01 09:00")
	im := n.importNotice(shortNotice)
	chem := im.offices["化工处"]
	desk := n.member("huagong", "office", chem)
	task := "tasks/" + im.tasks[1]
	n.clock.set(t, "2019-07-02 09:00")
	n.act(desk, task+"/acknowledge", body{})
	before := n.store.Acked()

	n.clock.set(t, "2019-08-20 09:00")
	late := n.act(desk, task+"/report", body{"condition": "normal", "progress": "登记 15 户", "time": "2019-07-20T10:00:00+08:00"})
	second := n.act(desk, task+"/report", body{"condition": "normal", "progress": "误登", "time": "2019-07-25T10:00:00+08:00"})
	n.clock.set(t, "2019-09-01 09:00")
	n.act(desk, task+"/correct", body{"target": late.Events[0].ID, "mode": "amend", "changes": body{"progress": "登记 13 户"}, "reason": "户数有误"})
	void := n.act(desk, task+"/correct", body{"target": second.Events[0].ID, "mode": "void", "reason": "重复"})

	read := func(cut string) projections.ShareView { t.Helper(); return n.shareOf(n.caughtUp(task+"?"+cut), chem) }
	assert.Equal(t, "acknowledged", read("known_at="+strconv.FormatUint(before, 10)).Status)
	assert.Equal(t, "acknowledged", read("known_at=2019-08-19").Status, "not known yet")
	assert.Equal(t, "误登", read("known_at=2019-08-20").Progress)
	assert.Equal(t, "acknowledged", read("effective_at=2019-07-19").Status)
	assert.Equal(t, "登记 13 户", read("effective_at=2019-07-20").Progress, "amended in place")
	assert.Equal(t, "登记 13 户", read("effective_at=2019-07-25").Progress, "voided in place")
	assert.Equal(t, "登记 15 户", read("effective_at=2019-07-20&known_at=2019-08-31").Progress)
	assert.Equal(t, "误登", read("effective_at=2019-07-25&known_at=2019-08-31T00:00:00%2B08:00").Progress)
	assert.Equal(t, "登记 13 户", read("").Progress)
	assert.EqualValues(t, "2019-07-20", read("").ReportedOn)
	assert.Equal(t, "误登", read("effective_at=2019-07-25&known_at=2019-08-31T00:00:00+08:00").Progress, "a + that came as a space")

	// Every answer says at which sequence the ledger was read.
	for _, path := range []string{task, task + "/history", "directives/" + im.id, "offices/" + strings.TrimPrefix(chem, "office/")} {
		at := n.get(n.caughtUp(path + "?known_at=2019-08-19")).want(http.StatusOK).header.Get("Duban-Sequence")
		assert.Equal(t, strconv.FormatUint(before, 10), at, path)
		at = n.get(n.caughtUp(path)).want(http.StatusOK).header.Get("Duban-Sequence")
		assert.Equal(t, strconv.FormatUint(n.store.Acked(), 10), at, path)
	}

	var h api.HistoryView
	n.get(n.caughtUp(task + "/history")).want(http.StatusOK).into(&h)
	marks := map[string]projections.TrailEntry{}
	for _, e := range h.Events {
		marks[e.ID] = e
	}
	assert.True(t, marks[late.Events[0].ID].Late)
	assert.Equal(t, []string{void.Events[0].ID}, marks[second.Events[0].ID].CorrectedBy)
	require.Contains(t, string(marks[late.Events[0].ID].Event), "登记 15 户", "the recorded event stays as it was")

	// Nothing is known before the first event; the task is then not there.
	n.get(task + "?known_at=2019-06-01").problem(http.StatusNotFound)
	n.unchanged(func() {
		n.post(desk, task+"/correct", body{"target": second.Events[0].ID, "mode": "void", "reason": "又一次"}).problem(http.StatusConflict)
		p := n.post(desk, task+"/report", body{"condition": "normal", "progress": "x", "time": "2019-06-01T00:00:00+08:00"}).problem(http.StatusConflict)
		assert.Equal(t, "time.before", p.Rule)
	})
}
