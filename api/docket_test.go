package api_test

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"duban/api"
	"duban/domain/directive"
	"duban/projections"
)

// shortNotice's fifth clause names no office, and is docketed by hand.
func TestClauseDocketedLater(t *testing.T) {
	n := start(t)
	im := n.importNotice(shortNotice)
	chem := im.offices["化工处"]
	of := func(b body) body {
		whole := body{"directive": "directive/" + im.id, "kind": "standing"}
		for k, v := range b {
			whole[k] = v
		}
		return whole
	}
	for _, c := range []struct {
		rule   string
		status int
		ask    body
	}{
		{"docketed.again", http.StatusConflict, of(body{"number": 1})},
		{"docketed.clause_unknown", http.StatusUnprocessableEntity, of(body{"number": 6})},
		{"docketed.clause_unknown", http.StatusUnprocessableEntity, of(body{"path": []string{"三"}})},
		{"docketed.clause_unknown", http.StatusUnprocessableEntity, of(body{"path": []string{"三", "（一）"}, "part": 1})},
		{"docketed.clause", http.StatusUnprocessableEntity, of(nil)},
		{"docketed.clause", http.StatusUnprocessableEntity, of(body{"number": 5, "path": []string{"三", "（一）"}})},
		{"docketed.part", http.StatusUnprocessableEntity, of(body{"number": 5, "part": 1})},
		{"docketed.instructions", http.StatusUnprocessableEntity, of(body{"number": 5, "instructions": "x"})},
		{"docketed.directive", http.StatusUnprocessableEntity, of(body{"number": 5, "directive": chem})},
		{"reference.unknown", http.StatusUnprocessableEntity, of(body{"number": 5, "directive": "directive/" + nobody})},
		{"docketed.time", http.StatusConflict, of(body{"number": 5, "time": "2019-06-25T09:00:00+08:00"})},
		{"schedule.kind", http.StatusUnprocessableEntity, of(body{"number": 5, "schedule": body{"unit": "month"}})},
	} {
		n.unchanged(func() { assert.Equal(t, c.rule, n.post(n.token, "tasks", c.ask).problem(c.status).Rule) })
	}

	key := body{"path": []string{"三", "（一）"}, "offices": []body{{"office": chem, "role": "lead"}}, "instructions": "抓好落实", "deadline": "2019-12-20"}
	a := n.post(n.token, "tasks", of(key)).want(http.StatusCreated)
	var w api.WriteResult
	a.into(&w)
	assert.Equal(t, "/api/v1/tasks/"+w.ID, a.header.Get("Location"))
	var got projections.TaskView
	n.get(n.caughtUp("tasks/" + w.ID)).want(http.StatusOK).into(&got)
	assert.Equal(t, 5, got.Number)
	assert.Equal(t, "standing", got.Kind)
	assert.Equal(t, directive.TextHash(got.Text), got.TextSHA256)
	require.Len(t, got.Shares, 1)
	assert.Equal(t, "化工处", got.Shares[0].Office.Name)
	var d projections.DirectiveView
	n.get("directives/" + im.id).want(http.StatusOK).into(&d)
	assert.Equal(t, w.ID, d.Clauses[4].Task)
	n.unchanged(func() {
		p := n.post(n.token, "tasks", of(body{"number": 5})).problem(http.StatusConflict)
		assert.Contains(t, p.Detail, w.ID)
	})

	n.act(n.token, "directives/"+im.id+"/void", body{"reason": "误登"})
	n.unchanged(func() {
		assert.Equal(t, "docketed.directive_status", n.post(n.token, "tasks", of(body{"number": 5})).problem(http.StatusConflict).Rule)
	})
}

// Of two who docket a clause at once one wins; without offices it waits for them. A
// single round seldom meets the moment between the look and the append.
func TestSimultaneousDocketing(t *testing.T) {
	n := start(t)
	const rounds = 24
	var text strings.Builder
	text.WriteString("某办发〔2019〕8号\n\n关于做好安全检查的通知\n\n")
	for k := range rounds {
		fmt.Fprintf(&text, "%d.开展第%d次检查。\n\n", k+1, k+1)
	}
	text.WriteString(strconv.Itoa(rounds+1) + ".报送总结。（责任处室：化工处）\n\n")
	im := n.importNotice(text.String())
	won := ""
	for round := range rounds {
		won = n.docketAtOnce(im.id, round+1)
	}
	var got projections.TaskView
	n.get(n.caughtUp("tasks/" + won)).want(http.StatusOK).into(&got)
	assert.Equal(t, "docketed", got.Status)
	n.act(n.token, "tasks/"+won+"/assign", body{"offices": []body{{"office": im.offices["化工处"], "role": "lead"}}})
}

// docketAtOnce lets several docket a clause at once and returns the one task.
func (n *node) docketAtOnce(directive string, number int) string {
	n.t.Helper()
	answers := make([]answer, 4)
	var all sync.WaitGroup
	for i := range answers {
		all.Go(func() {
			answers[i] = n.post(n.token, "tasks", body{"directive": "directive/" + directive, "number": number, "kind": "one_off"})
		})
	}
	all.Wait()
	won := ""
	for _, a := range answers {
		if a.status == http.StatusCreated {
			require.Empty(n.t, won, "clause %d is docketed twice", number)
			var w api.WriteResult
			a.into(&w)
			won = w.ID
			continue
		}
		assert.Equal(n.t, "docketed.again", a.problem(http.StatusConflict).Rule)
	}
	require.NotEmpty(n.t, won)
	return won
}
