package projections

import (
	"cmp"
	"errors"
	"maps"
	"slices"

	"github.com/ncruces/go-sqlite3"

	"duban/domain/light"
)

// How many tasks are lit on a day is not counted when somebody asks: light_step and
// light_due hold by how much the number changes on each day, whatever day is asked
// for. Whoever writes spans keeps them, within the transaction.

// shining is the condition of the partial indexes of task_light, and of queries that
// use them.
const shining = "light<>13"

// It leaves out what is normal.
var _ = [1]struct{}{}[light.Normal-13]

// A litRow is one row of task_light but for the task.
type litRow struct {
	span
	directive         string
	number, part, due int
}

// litRows returns the rows of a task.
func (r *taskRow) litRows() []litRow {
	rows := make([]litRow, len(r.spans))
	for i, sp := range r.spans {
		rows[i] = litRow{sp, r.directive, r.number, r.part, r.due}
	}
	return rows
}

// litRows reads the rows that stand of a task.
func (w *rowWriter) litRows(task uint64) (rows []litRow, err error) {
	if w.empty {
		return nil, nil
	}
	err = w.each("SELECT light, since, until, directive, number, part, due FROM task_light INDEXED BY task_light_task WHERE task=?", []any{task}, func(s *sqlite3.Stmt) error {
		rows = append(rows, litRow{
			span{light.Light(s.ColumnInt(0)), s.ColumnInt(1), s.ColumnInt(2)},
			s.ColumnText(3), s.ColumnInt(4), s.ColumnInt(5), s.ColumnInt(6),
		})
		return nil
	})
	return rows, err
}

// writeLit replaces the rows of a task, and counts what that changes.
func (w *rowWriter) writeLit(task uint64, old, rows []litRow) error {
	for _, r := range old {
		if slices.Contains(rows, r) {
			continue
		}
		if err := w.run("DELETE FROM task_light WHERE light=? AND directive=? AND number=? AND part=? AND task=? AND since=?",
			int(r.light), r.directive, r.number, r.part, task, r.since); err != nil {
			return err
		}
		w.books.add(r, -1)
	}
	for _, r := range rows {
		if slices.Contains(old, r) {
			continue
		}
		if err := w.run(`INSERT INTO task_light(light, directive, number, part, task, since, until, due, due_desc) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			int(r.light), r.directive, r.number, r.part, task, r.since, r.until, r.due, latestFirst(r.due)); err != nil {
			return err
		}
		w.books.add(r, 1)
	}
	return w.books.settle(w.conn, maxSteps)
}

// latestFirst returns the key that sorts a day latest first, none still last.
func latestFirst(day int) int {
	if day == noDay {
		return noDay
	}
	return noDay - day
}

// books are what a transaction changes that is written once, at its end.
type books struct {
	steps  map[step]int
	roster bool // what words find changed: a clause, a name, which tasks stand where
}

// A step is a row of light_due, or with allDues of light_step.
type step struct{ light, due, day int }

// allDues stands for every deadline: it is none.
const allDues = -1

// maxSteps bounds the memory of books.
const maxSteps = 50_000

func newBooks() *books { return &books{steps: map[step]int{}} }

func (b *books) clear() { *b = *newBooks() }

// add counts a task in or out over a span.
func (b *books) add(r litRow, n int) {
	dues := []int{allDues, r.due}
	if r.light == light.Normal {
		dues = dues[:1]
	}
	for _, due := range dues {
		b.steps[step{int(r.light), due, r.since}] += n
		if r.until != noDay {
			b.steps[step{int(r.light), due, day(dateOf(r.until).AddDays(1))}] -= n
		}
	}
}

// settle writes the steps if there are more than so many.
func (b *books) settle(c *conn, more int) error {
	if len(b.steps) <= more {
		return nil
	}
	for _, k := range slices.SortedFunc(maps.Keys(b.steps), func(x, y step) int {
		return cmp.Or(cmp.Compare(x.light, y.light), cmp.Compare(x.due, y.due), cmp.Compare(x.day, y.day))
	}) {
		if err := k.write(c, b.steps[k]); err != nil {
			return err
		}
	}
	clear(b.steps)
	return nil
}

func (k step) write(c *conn, n int) error {
	if n == 0 {
		return nil
	}
	if k.due == allDues {
		if err := c.run("INSERT INTO light_step(light, day, tasks) VALUES(?, ?, ?) ON CONFLICT DO UPDATE SET tasks=tasks+excluded.tasks", k.light, k.day, n); err != nil {
			return err
		}
		return c.run("DELETE FROM light_step WHERE light=? AND day=? AND tasks=0", k.light, k.day)
	}
	if err := c.run("INSERT INTO light_due(light, due, day, tasks) VALUES(?, ?, ?, ?) ON CONFLICT DO UPDATE SET tasks=tasks+excluded.tasks", k.light, k.due, k.day, n); err != nil {
		return err
	}
	return c.run("DELETE FROM light_due WHERE light=? AND due=? AND day=? AND tasks=0", k.light, k.due, k.day)
}

// A litSet selects the tasks that are lit on a day.
type litSet struct {
	lights lightSet
	today  int
	dues
}

// dues says between which deadlines there are any: first and last, none being the
// last of all, and the latest that is one. They are not kept for what is normal.
type dues struct{ first, last, latest int }

// normal reports whether what is normal is among it.
func (l lightSet) normal() bool { return slices.Contains(l, light.Normal) }

func litSetOf(c *conn, lights lightSet, today int) (litSet, error) {
	set := litSet{lights, today, dues{first: noDay}}
	if lights.normal() {
		return set, nil
	}
	for _, l := range lights {
		if err := set.widen(c, l, today); err != nil {
			return set, err
		}
	}
	return set, nil
}

// widen takes in the deadlines of one light.
func (d *dues) widen(c *conn, l light.Light, today int) error {
	end := func(upTo int, order string, take func(due int)) error {
		_, err := c.one("SELECT due FROM light_due WHERE light=? AND due<=? AND day<=? GROUP BY due HAVING sum(tasks)>0 ORDER BY due "+order+" LIMIT 1",
			[]any{int(l), upTo, today}, func(s *sqlite3.Stmt) { take(s.ColumnInt(0)) })
		return err
	}
	return errors.Join(
		end(noDay, "ASC", func(due int) { d.first = min(d.first, due) }),
		end(noDay, "DESC", func(due int) { d.last = max(d.last, due) }),
		end(noDay-1, "DESC", func(due int) { d.latest = max(d.latest, due) }),
	)
}

// count is a query for how many there are.
func (s litSet) count() (string, []any) {
	return "SELECT coalesce(sum(tasks), 0) FROM light_step WHERE " + s.lights.in("light") + " AND day<=?", []any{s.today}
}

// tasks is a query for all of them.
func (s litSet) tasks() (string, []any) {
	if s.lights.normal() {
		return "SELECT task FROM task_light WHERE " + s.lights.in("light") + " AND " + lightSpan, []any{s.today, s.today}
	}
	return "SELECT task FROM task_light INDEXED BY task_light_deadline WHERE " + s.lights.in("light") + " AND " + shining + " AND due BETWEEN ? AND ? AND " + lightSpan,
		[]any{s.first, s.last, s.today, s.today}
}
