package api_test

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"duban/projections"
)

// A filter that finds nothing because it means nothing is refused, and named.
func TestFiltersThatMeanNothing(t *testing.T) {
	n := start(t)
	im := n.importNotice(shortNotice)
	for path, field := range map[string]string{
		"tasks?q=%00": "q", "tasks?q=%20": "q", "tasks?q=%E2%80%8B": "q", "findings?q=%01": "q", "directives?q=%00": "q", "offices?q=%00": "q", "inspections?q=%00": "q",
		"tasks?office=nosuch": "office", "tasks?office=" + url.QueryEscape("没有的处"): "office", "tasks?office=nosuch&light=overdue": "office",
		"tasks?directive=xyz": "directive", "tasks?directive=directive/xyz": "directive", "tasks?directive=" + im.tasks[1]: "directive",
		"tasks?handler=office/x": "handler", "tasks?handler=person/": "handler", "tasks?handler=" + url.QueryEscape("张 三"): "handler",
		"findings?office=nosuch": "office", "findings?task=xyz": "task", "findings?inspection=xyz": "inspection",
	} {
		p := n.get(path).problem(http.StatusUnprocessableEntity)
		if assert.Len(t, p.Errors, 1, path) {
			assert.Equal(t, "query."+field, p.Errors[0].Location, path)
		}
	}
	for path, want := range map[string]int{"tasks?handler=nobody": 0, "tasks?handler=person/nobody&open=true": 0, "tasks?q=%25": 0, "tasks?q=": 4, "tasks?directive=directive/" + im.id: 4, "findings?task=" + im.tasks[1]: 0} {
		var p projections.Page[projections.TaskView]
		n.get(n.caughtUp(path)).want(http.StatusOK).into(&p)
		assert.Equal(t, want, p.Total, path)
	}
}

// No query makes a read fail by itself: it is answered or refused, always in
// form, and never writes.
func FuzzQuery(f *testing.F) {
	n := start(f)
	im := n.importNotice(shortNotice)
	for _, q := range []string{
		"", "office=化工处&status=assigned&light=normal&kind=one_off&q=企业", "q=" + url.QueryEscape(`"NEAR( OR *`), "q=%27%25_", "q=%00", "q=\xff", "limit=1&cursor=AAAA",
		"known_at=1", "known_at=2019-06-27&effective_at=2019-06-27&today=2020-01-01", "known_at=9223372036854775807", "sort=light&desc=true", "sort=deadline&desc=maybe",
		"directive=" + im.id, "handler=person/x", "limit=500&limit=1", "%zz", "a;b", "known_at=0001-01-01T00:00:00Z", "today=9999-12-31", "today=0001-01-01", "min_seq=1",
	} {
		f.Add(q)
	}
	f.Fuzz(func(t *testing.T, query string) {
		if strings.Contains(query, "min_seq") {
			t.Skip("would wait")
		}
		if strings.ContainsFunc(query, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
			t.Skip("no request line: net/http refuses it before us")
		}
		before := n.store.Acked()
		for _, path := range []string{"tasks?", "findings?", "directives?", "tasks/" + im.tasks[1] + "?", "events?", "summary?"} {
			u, err := url.Parse("/api/v1/" + path)
			require.NoError(t, err)
			u.RawQuery = query
			if _, err := http.NewRequestWithContext(t.Context(), http.MethodGet, u.String(), nil); err != nil {
				t.Skip("can't be sent")
			}
			a, err := n.try(request{method: http.MethodGet, path: u.String(), token: n.token})
			if err != nil {
				t.Skip("can't be sent")
			}
			a.t = t
			switch a.status {
			case http.StatusOK:
			case http.StatusNotFound, http.StatusUnprocessableEntity, http.StatusBadRequest:
				a.problem(a.status)
			default:
				t.Fatalf("%q: %d %s", query, a.status, a.body)
			}
		}
		if n.store.Acked() != before {
			t.Fatal("a read wrote")
		}
	})
}

// Pages follow each other without a gap, a repetition or another question.
func TestPages(t *testing.T) {
	n := start(t)
	im := n.importNotice(shortNotice)
	seen := map[int]bool{}
	cursor := ""
	for range len(im.tasks) {
		var p projections.Page[projections.TaskView]
		n.get("tasks?limit=1&desc=true&" + today + "&cursor=" + url.QueryEscape(cursor)).want(http.StatusOK).into(&p)
		require.Len(t, p.Items, 1)
		assert.Equal(t, len(im.tasks), p.Total)
		assert.False(t, seen[p.Items[0].Number])
		seen[p.Items[0].Number] = true
		cursor = p.Next
	}
	assert.Empty(t, cursor)
	for q, want := range map[string]int{
		"office=化工处": 2, "office=" + im.offices["信息中心"][len("office/"):]: 2, "q=园": 1, "q=四色等级": 1, "q=" + url.QueryEscape("[2019]7号"): 4,
		"status=assigned": 4, "status=completed": 0, "light=overdue&today=2020-01-01": 1, "light=overdue&today=2019-12-31": 0, "light=due_soon&today=2019-12-24": 1,
		"directive=" + im.id: 4, "kind=one_off&office=信息中心": 2, "known_at=2": 0,
	} {
		var p projections.Page[projections.TaskView]
		n.get("tasks?" + strings.NewReplacer("化工处", url.QueryEscape("化工处"), "信息中心", url.QueryEscape("信息中心"), "园", url.QueryEscape("园"), "四色等级", url.QueryEscape("四色等级")).Replace(q)).want(http.StatusOK).into(&p)
		assert.Equal(t, strconv.Itoa(want), strconv.Itoa(p.Total), q)
	}
}
