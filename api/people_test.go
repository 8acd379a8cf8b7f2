package api_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"duban/api"
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

const handedNotice = `关于抓好某项工作的通知

各处室：
现将有关事项通知如下：
一、主要任务
1.完善制度。（责任处室：化工处、机电处）
2.开展排查。（责任处室：化工处）
3.加强宣传。（责任处室：化工处）
4.组织演练。（责任处室：化工处、机电处）
5.总结评估。（责任处室：化工处）

某单位
2019年6月27日
`

// All open shares of a person go to another one at once, those of this office only.
func TestHandOver(t *testing.T) {
	n := start(t)
	n.clock.set(t, "2019-07-01 09:00")
	im := n.importNotice(handedNotice)
	chem, tech := im.offices["化工处"], im.offices["机电处"]
	clerk, other := n.member("zhang", "office", chem), n.member("zhou", "office", tech)
	for _, number := range []int{1, 2, 3, 4} {
		n.act(clerk, "tasks/"+im.tasks[number]+"/acknowledge", body{"person": "person/zhang"})
	}
	n.act(other, "tasks/"+im.tasks[1]+"/acknowledge", body{"person": "person/zhang"})
	n.act(clerk, "tasks/"+im.tasks[2]+"/request-closure", body{"summary": "已完成"})
	n.act(n.token, "tasks/"+im.tasks[2]+"/accept", body{"office": chem})

	path := "offices/" + chem[len("office/"):] + "/hand-over"
	ask := body{"from": "person/zhang", "to": "person/wang", "reason": "退休"}
	n.unchanged(func() {
		require.Equal(t, http.StatusForbidden, n.post(other, path, ask).status)
		require.Equal(t, http.StatusForbidden, n.post(n.token, path, ask).status, "not without on_behalf_of")
		p := n.post(clerk, path, body{"from": "person/nobody", "to": "person/wang"}).problem(http.StatusConflict)
		assert.Equal(t, "office.handed_over.none", p.Rule)
	})
	before := n.store.Acked()
	key := map[string]string{"Idempotency-Key": "01DETQ8QK0000000000000000A"}
	send := func() answer {
		return n.do(request{method: http.MethodPost, path: path, token: clerk, media: "application/json", body: encode(t, ask), header: key}).want(http.StatusOK)
	}
	var w api.WriteResult
	send().into(&w)
	assert.Equal(t, before+1+3, w.Sequence, "one transaction of the handing over and each share")
	assert.Equal(t, w.Sequence, n.store.Acked())
	assert.Equal(t, "true", send().header.Get("Idempotent-Replayed"), "a retry finds it recorded though nothing is left to hand over")

	assert.Equal(t, []int{1, 3, 4}, n.openOf("wang"))
	assert.Equal(t, []int{1}, n.openOf("zhang"), "the other office's share stays with its own person of that name")
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
