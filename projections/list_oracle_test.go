package projections

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/ncruces/go-sqlite3"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"duban/domain"
	"duban/domain/calendar"
	"duban/domain/light"
	"duban/domain/task"
)

// A listed is one task as the oracle knows it: folded from its own events, in no
// table of lights.
type listed struct {
	TaskView
	n       int64
	offices []listedShare
	norm    []string // what words are looked for in
}

type listedShare struct {
	office, handler string
	active, open    bool
	light           string
}

// everyTask reads all tasks one by one.
func everyTask(t *rapid.T, m *Model, l *fakeLedger, today calendar.Date) (all []listed) {
	v, err := m.At(context.Background(), AsOf{})
	require.NoError(t, err)
	defer v.Close()
	for ref := range l.events {
		if ref.Kind != domain.KindTask {
			continue
		}
		view, err := v.Task(context.Background(), ref.ID, today)
		if errors.Is(err, ErrNotFound) {
			continue
		}
		require.NoError(t, err)
		one := listed{TaskView: view}
		require.NoError(t, m.read(context.Background(), func(c *conn) error {
			if one.n, err = c.number("SELECT n FROM task WHERE id=?", ref.ID); err != nil {
				return err
			}
			if one.norm, err = c.texts(`SELECT norm FROM clause WHERE directive=?1 AND number=?2 UNION ALL SELECT norm FROM directive WHERE id=?1
				UNION ALL SELECT norm FROM office_name WHERE office IN (SELECT office FROM share WHERE task=?3 AND active=1)`, view.Directive, view.Number, one.n); err != nil {
				return err
			}
			return c.each("SELECT ord, office, handler, active, open FROM share WHERE task=?", []any{one.n}, func(s *sqlite3.Stmt) error {
				one.offices = append(one.offices, listedShare{s.ColumnText(1), s.ColumnText(2), s.ColumnBool(3), s.ColumnBool(4), view.Shares[s.ColumnInt(0)].Light.Light})
				return nil
			})
		}))
		all = append(all, one)
	}
	return all
}

// meets decides as TaskQuery describes it. offices are those its office stands for.
func (o listed) meets(q TaskQuery, offices []string) bool {
	if q.Status == "" && o.Status == "voided" || q.Status != "" && q.Status != o.Status || q.Kind != "" && q.Kind != o.Kind || q.Directive != "" && q.Directive != o.Directive {
		return false
	}
	if q.Light != "" && (o.Status == "voided" || q.Office == "" && o.Light.Light != q.Light) {
		return false
	}
	if (q.Office != "" || q.Open) && !slices.ContainsFunc(o.offices, func(s listedShare) bool {
		return s.active && (q.Office == "" || slices.Contains(offices, s.office) && (q.Light == "" || s.light == q.Light)) && (!q.Open || s.open)
	}) {
		return false
	}
	for _, w := range strings.Fields(q.Q) {
		if !slices.ContainsFunc(o.norm, func(n string) bool { return strings.Contains(n, normalise(w)) }) {
			return false
		}
	}
	return true
}

func (o listed) due() int {
	if o.Deadline == nil {
		return noDay
	}
	return day(o.Deadline.Date)
}

func (o listed) rank() int {
	for l := light.Overdue; l <= light.Normal; l++ {
		if l.String() == o.Light.Light && l.Colour() == o.Light.Colour {
			return int(l)
		}
	}
	return 0
}

func compareListed(q TaskQuery) func(a, b listed) int {
	number := func(a, b listed) int {
		return cmp.Or(cmp.Compare(a.Directive, b.Directive), cmp.Compare(a.Number, b.Number), cmp.Compare(a.Part, b.Part), cmp.Compare(a.n, b.n))
	}
	status := func(o listed) task.Status {
		s, _ := task.ParseStatus(o.Status)
		return s
	}
	return func(a, b listed) int {
		order := 0
		switch q.Sort {
		case "deadline":
			if q.Desc {
				none := func(o listed) int { return min(o.due(), noDay-1) / (noDay - 1) } // 1: none, which comes last
				if a.due() == noDay || b.due() == noDay {
					return cmp.Or(cmp.Compare(none(a), none(b)), number(a, b))
				}
				return cmp.Or(cmp.Compare(b.due(), a.due()), number(a, b))
			}
			return cmp.Or(cmp.Compare(a.due(), b.due()), number(a, b))
		case "updated":
			order = cmp.Compare(a.Sequence, b.Sequence)
		case "status":
			order = cmp.Or(cmp.Compare(status(a), status(b)), number(a, b))
		case "light":
			order = cmp.Or(cmp.Compare(a.rank(), b.rank()), number(a, b))
		default:
			order = number(a, b)
		}
		if q.Desc {
			return -order
		}
		return order
	}
}

// Lists of any filter and order, page by page, and their totals are those of the tasks
// read one by one: while lights, names and places change, along the indexes and
// gathered alike.
func TestListsAreThoseOfTheTasks(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		l, p := play(t)
		for i := range 2 {
			_, more := l.directive(t, fmt.Sprint("D", i+2), fmt.Sprint("安办〔2020〕", i, "号"), "矿山",
				clauseSpec{text: "应急物资", due: "2019-07-20", offices: p.offices[:1]}, clauseSpec{text: "危化品", offices: p.offices[1:]},
				clauseSpec{text: "矿山演练", due: "2019-12-31", offices: p.offices}, clauseSpec{text: "粉尘", offices: p.offices[:2]})
			p.tasks = append(p.tasks, more...)
		}
		l.on("2019-08-15 09:00")
		p.try(p.tasks[p.pick("out", len(p.tasks))], clerk, l.now, &task.Voided{Reason: "重复登记"})
		for range rapid.IntRange(0, 15).Draw(t, "more steps") {
			p.step()
		}
		m := openIn(t, l, dir)
		m.cfg.setSize = rapid.SampledFrom([]int{1, 2, defaultSetSize}).Draw(t, "gather up to")
		defer func() {
			require.NoError(t, m.Close())
			require.NoError(t, os.RemoveAll(dir))
		}()
		for rest := l.records; len(rest) > 0; {
			n := rapid.IntRange(min(len(rest), 20), len(rest)).Draw(t, "batch")
			_, err := m.applyTo(rest[:n])
			require.NoError(t, err)
			rest = rest[n:]
			today := calendar.On(l.now).AddDays(rapid.IntRange(-60, 30).Draw(t, "today"))
			all := everyTask(t, m, l, today)
			for _, q := range []TaskQuery{{}, {Office: "o0"}, {Office: "o2"}, {Q: "应急"}} { // whose totals are kept
				q.Today, q.Limit = today, 100
				requireListed(t, m, all, q)
			}
			for range 8 {
				requireListed(t, m, all, drawQuery(t, today))
			}
		}
	})
}

func drawQuery(t *rapid.T, today calendar.Date) TaskQuery {
	some := func(name string, values ...string) string {
		return rapid.SampledFrom(append([]string{"", "", ""}, values...)).Draw(t, name)
	}
	return TaskQuery{
		Office: some("office", "o0", "o1", "o2"), Light: rapid.SampledFrom(append([]string{"", "overdue", "stagnant", "unsigned"}, light.Names()...)).Draw(t, "light"),
		Status: some("status", "voided", "assigned", "in_progress"), Kind: some("kind", "one_off"), Directive: some("directive", "D2"),
		Open: rapid.IntRange(0, 4).Draw(t, "open") == 0, Q: some("q", "矿", "应急", "危化品", "号", "安", "应急 矿", "理处"),
		Sort: rapid.SampledFrom([]string{"number", "deadline", "deadline", "updated", "light", "status"}).Draw(t, "sort"),
		Desc: rapid.Bool().Draw(t, "desc"), Today: today, Limit: rapid.IntRange(1, 4).Draw(t, "limit"),
	}
}

func requireListed(t *rapid.T, m *Model, all []listed, q TaskQuery) {
	v, err := m.At(context.Background(), AsOf{})
	require.NoError(t, err)
	defer v.Close()
	var offices []string
	if err := m.read(context.Background(), func(c *conn) error {
		if q.Office == "" {
			return nil
		}
		list, err := officesBy(c, q.Office)
		if err != nil {
			return err
		}
		return json.Unmarshal([]byte(list), &offices)
	}); err != nil {
		return // not registered yet
	}
	var want, have []string
	slices.SortFunc(all, compareListed(q))
	for _, o := range all {
		if o.meets(q, offices) {
			want = append(want, o.ID)
		}
	}
	for first := true; first || q.Cursor != ""; first = false {
		page, err := v.Tasks(context.Background(), q)
		if errors.Is(err, ErrBadQuery) {
			return // no such directive yet
		}
		require.NoError(t, err)
		require.Equal(t, len(want), page.Total, "%+v", q)
		for _, item := range page.Items {
			have = append(have, item.ID)
		}
		q.Cursor = page.Next
	}
	require.Equal(t, want, have, "%+v", q)
}
