package projections

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"duban/domain"
	"duban/domain/calendar"
	"duban/domain/light"
)

// Every row that is there from the beginning is met once, whatever is inserted
// between the pages, along an index and in a sorted set alike.
func TestCursorMeetsEachRowOnce(t *testing.T) {
	l := newLedger(t)
	a, b := l.office(t, "a", "危化处"), l.office(t, "b", "应急处")
	inserted := 0
	add := func(n int) {
		for range n {
			inserted++
			specs := make([]clauseSpec, 6)
			for i := range specs {
				specs[i] = clauseSpec{text: fmt.Sprintf("第%d件第%d项安全", inserted, i), offices: []domain.Ref{a}}
				if i%3 != 0 {
					specs[i].due = calendar.Date("2019-08-01").AddDays(inserted % 7 * 10)
				}
				if i%2 == 0 {
					specs[i].offices = []domain.Ref{a, b}
				}
			}
			// The ids go up and down, so that new rows come before and behind the cursor.
			l.directive(t, fmt.Sprintf("D%03d", inserted*37%1000), fmt.Sprint("文号", inserted), "通知", specs...)
		}
	}
	add(40)
	m := open(t, l, t.TempDir())
	m.cfg.setSize = 120 // half of the tasks
	start(t, m)
	settle(t, m, l)
	for _, filter := range []TaskQuery{{}, {Office: "b"}, {Light: "overdue"}, {Q: "安全"}, {Q: "第7件"}, {Office: "a", Light: "normal"}} {
		for _, sort := range []string{"number", "deadline", "updated", "light", "status"} {
			for _, desc := range []bool{false, true} {
				q := filter
				q.Sort, q.Desc, q.Today, q.Limit = sort, desc, "2019-09-01", 500
				t.Run(fmt.Sprintf("%s%s%s-%s-%v", q.Office, q.Light, q.Q, sort, desc), func(t *testing.T) {
					want := map[string]bool{}
					first, err := now(t, m).Tasks(context.Background(), q)
					require.NoError(t, err)
					total := first.Total
					q.Limit = max(total/4, 1)
					seen := map[string]bool{}
					var last []TaskView
					for pages := 0; ; pages++ {
						page, err := now(t, m).Tasks(context.Background(), q)
						require.NoError(t, err)
						if pages == 0 {
							for _, item := range first.Items {
								want[item.ID] = true
							}
						}
						for _, item := range page.Items {
							require.False(t, seen[item.ID], "%s twice", item.ID)
							seen[item.ID] = true
							if len(last) > 0 {
								requireOrder(t, sort, desc, last[len(last)-1], item)
							}
							last = append(last, item)
						}
						if page.Next == "" {
							break
						}
						q.Cursor = page.Next
						if pages == 1 {
							add(1)
							settle(t, m, l)
						}
					}
					require.GreaterOrEqual(t, len(seen), total)
					for id := range want {
						require.True(t, seen[id], "%s never", id)
					}
				})
			}
		}
	}
}

func requireOrder(t *testing.T, sort string, desc bool, a, b TaskView) {
	t.Helper()
	due := func(v TaskView) calendar.Date {
		if v.Deadline == nil {
			return ""
		}
		return v.Deadline.Date
	}
	ok := true
	switch sort {
	case "deadline":
		switch {
		case due(a) == "":
			ok = due(b) == "" // none comes last, both ways
		case due(b) == "":
		case desc:
			ok = due(a) >= due(b)
		default:
			ok = due(a) <= due(b)
		}
	case "updated":
		ok = (a.Sequence < b.Sequence) != desc
	case "number":
		ok = (a.Directive < b.Directive || a.Directive == b.Directive && a.Number < b.Number) != desc
	case "light":
		order := light.Names() // no attestations here, the one name with two colours
		ok = a.Light.Light == b.Light.Light || (slices.Index(order, a.Light.Light) < slices.Index(order, b.Light.Light)) != desc
	}
	require.True(t, ok, "%s %v: %s before %s", sort, desc, a.ID, b.ID)
}

func TestCursorBelongsToItsQuery(t *testing.T) {
	l, _, _ := story(t)
	m := run(t, l)
	settle(t, m, l)
	q := TaskQuery{Today: "2019-08-01", Limit: 1}
	page, err := now(t, m).Tasks(context.Background(), q)
	require.NoError(t, err)
	require.NotEmpty(t, page.Next)

	q.Cursor, q.Today, q.Limit = page.Next, "2019-08-02", 2
	page, err = now(t, m).Tasks(context.Background(), q)
	require.NoError(t, err, "another day and another page length are the same query")
	require.Len(t, page.Items, 2)
	require.Empty(t, page.Next)

	for name, change := range map[string]func(*TaskQuery){
		"filter":    func(q *TaskQuery) { q.Office = "b" },
		"sort":      func(q *TaskQuery) { q.Sort = "deadline" },
		"direction": func(q *TaskQuery) { q.Desc = true },
		"garbage":   func(q *TaskQuery) { q.Cursor = "%%%" },
		"json":      func(q *TaskQuery) { q.Cursor = "e30" },
		"cut":       func(q *TaskQuery) { q.Cursor = q.Cursor[:len(q.Cursor)-4] },
	} {
		other := q
		change(&other)
		_, err := now(t, m).Tasks(context.Background(), other)
		require.ErrorIs(t, err, ErrBadCursor, name)
	}
	_, err = now(t, m).Findings(context.Background(), FindingQuery{Today: "2019-08-01", Cursor: q.Cursor})
	require.ErrorIs(t, err, ErrBadCursor)
}

func TestBadQueries(t *testing.T) {
	l, _, _ := story(t)
	m := run(t, l)
	settle(t, m, l)
	for field, q := range map[string]TaskQuery{
		"status": {Status: "open"}, "kind": {Kind: "x"}, "light": {Light: "blue"}, "sort": {Sort: "x"}, "limit": {Limit: 501},
		"today": {Today: "x"}, "q": {Q: string(make([]rune, 300))},
	} {
		if q.Today == "" {
			q.Today = "2019-08-01"
		}
		_, err := now(t, m).Tasks(context.Background(), q)
		var bad *QueryError
		require.ErrorAs(t, err, &bad, field)
		require.Equal(t, field, bad.Field)
		require.ErrorIs(t, err, ErrBadQuery)
	}
}
