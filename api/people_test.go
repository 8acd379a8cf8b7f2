package api_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"duban/projections"
)

// open lists the tasks in which a person still has an open share.
func (n *node) openOf(person string) []int {
	n.t.Helper()
	var page projections.Page[projections.TaskView]
	n.get(n.caughtUp("tasks?open=true&handler=person/" + person)).want(http.StatusOK).into(&page)
	assert.Equal(n.t, len(page.Items), page.Total)
	numbers := []int{}
	for _, t := range page.Items {
		numbers = append(numbers, t.Number)
	}
	return numbers
}

// The open shares of a person who leaves show until each is handed over or closed.
func TestPersonLeaves(t *testing.T) {
	n, im := remindersOf(t)
	chem := im.offices["化工处"]
	clerk := n.member("zhang", "office", chem)
	for _, number := range []int{1, 2} {
		n.act(clerk, "tasks/"+im.tasks[number]+"/acknowledge", body{"person": "person/zhang"})
	}
	assert.Equal(t, []int{1, 2}, n.openOf("zhang"))

	n.act(clerk, "tasks/"+im.tasks[1]+"/change-handler", body{"from": "person/zhang", "to": "person/wang"})
	assert.Equal(t, []int{2}, n.openOf("zhang"))
	assert.Equal(t, []int{1}, n.openOf("wang"))

	n.act(clerk, "tasks/"+im.tasks[2]+"/request-closure", body{"summary": "已完成"})
	assert.Equal(t, []int{2}, n.openOf("zhang"), "a request closes nothing")
	n.act(n.token, "tasks/"+im.tasks[2]+"/accept", body{"office": chem})
	assert.Empty(t, n.openOf("zhang"))
	assert.Empty(t, n.openOf("nobody"))
}

// A plan shows with its measures and their days; a later plan takes its place.
func TestPlanShows(t *testing.T) {
	n, im := remindersOf(t)
	clerk := n.member("zhang", "office", im.offices["化工处"])
	first := []projections.MeasureView{{Text: "摸底", Deliverable: "台账", Due: "2019-08-31"}, {Text: "整治", Words: "四季度"}}
	for _, plan := range [][]projections.MeasureView{first, {{Text: "整治", Due: "2019-11-30"}}} {
		n.act(clerk, "tasks/"+im.tasks[2]+"/submit-plan", body{"responsible_person": "处室负责人", "supervising_leader": "分管领导", "measures": plan})
		var v projections.TaskView
		n.get(n.caughtUp("tasks/" + im.tasks[2])).want(http.StatusOK).into(&v)
		require.Len(t, v.Shares, 1)
		assert.Equal(t, plan, v.Shares[0].Measures)
		assert.Equal(t, "分管领导", v.Shares[0].Leader)
	}
}
