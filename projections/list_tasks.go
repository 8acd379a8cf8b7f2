package projections

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/ncruces/go-sqlite3"

	"duban/domain"
	"duban/domain/calendar"
	"duban/domain/directive"
	"duban/domain/light"
	"duban/domain/task"
)

// TaskQuery selects tasks. Empty fields select all; voided tasks are listed only
// where Status asks for them.
type TaskQuery struct {
	Office    string // id or a present, former or other name; one of its active shares
	Status    string // of the task
	Light     string // on Today: the task's, or with Office that of the office's share
	Directive string // id
	Kind      string
	Handler   string // person, of an active share; with Office of the office's share
	Open      bool   // with an open share, that of Office or Handler where they are given
	Q         string // words, all of which stand in the clause, the directive's number or title, or an office's names
	Sort      string // number (default), deadline, updated, light, status
	Desc      bool
	Today     calendar.Date // the day of the lights
	Limit     int           // 1 to 500, default 50
	Cursor    string        // Next of the page before
}

// defaultSetSize is up to how many hits are sorted rather than looked for along an
// index.
const defaultSetSize = 1000

// Tasks returns a page of tasks. Their Allowed is empty, see Task.
func (v *View) Tasks(ctx context.Context, q TaskQuery) (Page[TaskView], error) {
	page := Page[TaskView]{Items: []TaskView{}}
	limit, err := limitOf(q.Limit)
	if err != nil {
		return page, err
	}
	today, err := dayFor(q.Today)
	if err != nil {
		return page, err
	}
	err = v.lists(ctx, func(c *conn, t *totals) error {
		l, err := taskListing(c, q, today, v.m.cfg.setSize)
		if err != nil {
			return err
		}
		keys, next, total, err := l.page(c, t, taskDigest(v, q), q.Cursor, limit)
		if err != nil {
			return err
		}
		docs, err := documents[taskDoc](c, "task", keys)
		if err != nil {
			return err
		}
		names := namesIn(c)
		lit, err := lampIn(c, q.Today)
		if err != nil {
			return err
		}
		for _, d := range docs {
			view, err := viewTask(d, names, lit)
			if err != nil {
				return err
			}
			page.Items = append(page.Items, view)
		}
		page.Next, page.Total = next, total
		page.Cutoff, err = v.cutoff(c, q.Today)
		return err
	})
	if err != nil {
		return Page[TaskView]{}, fmt.Errorf("list tasks: %w", err)
	}
	return page, nil
}

// taskDigest names the query. The day counts only where it decides which tasks
// come in what order, so that paging goes on over midnight.
func taskDigest(v *View, q TaskQuery) string {
	today := calendar.Date("")
	if q.Light != "" || q.Sort == "light" {
		today = q.Today
	}
	if q.Sort == "" {
		q.Sort = "number"
	}
	return queryDigest("tasks", v.cut, q.Office, q.Status, q.Light, q.Directive, q.Kind, q.Handler, q.Open, q.Q, q.Sort, q.Desc, today)
}

// A taskSort is an order of tasks with the index that gives it.
type taskSort struct {
	index   string
	columns []column
	desc    bool // read the index backwards
}

func taskSortOf(name string, desc bool) (taskSort, error) {
	number := []column{{"t.directive", true}, {"t.number", false}, {"t.part", false}, {"t.n", false}}
	with := func(first string) []column { return append([]column{{first, false}}, number...) }
	switch name {
	case "", "number":
		return taskSort{"task_number", number, desc}, nil
	case "deadline":
		if desc { // none still comes last
			return taskSort{"task_latest", with("t.due_desc"), false}, nil
		}
		return taskSort{"task_deadline", with("t.due"), false}, nil
	case "status":
		return taskSort{"task_status", with("t.status"), desc}, nil
	case "updated":
		return taskSort{"task_updated", []column{{"t.sequence", false}, {"t.n", false}}, desc}, nil
	case "light":
		return taskSort{"", with("l.light"), desc}, nil
	}
	return taskSort{}, badQuery("sort", "可用：number、deadline、updated、light、status", "one of number, deadline, updated, light, status")
}

// A taskFilter is a condition on tasks in two forms that select the same: set, which
// gathers the tasks that meet it through an index of its own, and probe, which
// looks at one task t.
type taskFilter struct {
	set, probe         string
	count              string // query for the number of tasks of set that are not voided, if there is a quicker one
	setArgs, probeArgs []any
}

func taskListing(c *conn, q TaskQuery, today, setSize int) (*listing, error) {
	order, err := taskSortOf(q.Sort, q.Desc)
	if err != nil {
		return nil, err
	}
	l := &listing{from: "task t", n: "t.n", columns: order.columns, desc: order.desc}
	if err := addTaskColumns(c, l, q); err != nil {
		return nil, err
	}
	lightOf, err := lightsNamed(q.Light)
	if err != nil {
		return nil, err
	}
	filters, err := taskFilters(c, q, lightOf, today)
	if err != nil {
		return nil, err
	}
	if q.Office != "" {
		lightOf = nil // it was the share's
	}
	only := len(l.where) == 1 && q.Status == "" // all but the voided ones
	switch {
	case only && lightOf != nil && len(filters) == 0:
		// Voided tasks have no light.
		l.total, l.totalBy = "SELECT count(*) FROM task_light WHERE "+lightOf.in("light")+" AND "+lightSpan, []any{today, today}
	case only && lightOf == nil && len(filters) == 1 && filters[0].count != "":
		l.total, l.totalBy = filters[0].count, filters[0].setArgs
	default:
		l.total, l.totalBy = countTasksBy(l, filters, lightOf, today)
	}
	l.sorted = func(total int) (string, []column) {
		return orderTasks(l, order, filters, lightOf, today, total > setSize)
	}
	return l, nil
}

func countTasksBy(l *listing, filters []taskFilter, lightOf lightSet, today int) (string, []any) {
	count := *l
	count.where, count.args = l.where[:len(l.where):len(l.where)], l.args[:len(l.args):len(l.args)]
	for _, f := range filters {
		count.add(f.set, f.setArgs...)
	}
	if lightOf != nil {
		count.add("t.n IN (SELECT task FROM task_light WHERE "+lightOf.in("light")+" AND "+lightSpan+")", today, today)
	}
	return "SELECT count(*) FROM task t WHERE " + count.condition(), count.args
}

func addTaskColumns(c *conn, l *listing, q TaskQuery) error {
	if q.Status == "" {
		l.add("t.status<>?", int(task.StatusVoided))
	} else {
		s, err := task.ParseStatus(q.Status)
		if err != nil {
			return &QueryError{Field: "status", Err: err}
		}
		l.add("t.status=?", int(s))
	}
	if q.Kind != "" {
		k, err := task.ParseKind(q.Kind)
		if err != nil {
			return &QueryError{Field: "kind", Err: err}
		}
		l.add("t.kind=?", int(k))
	}
	if q.Directive != "" {
		id, err := recorded(c, domain.KindDirective, q.Directive)
		if err != nil {
			return err
		}
		l.add("t.directive=?", id)
	}
	return nil
}

func taskFilters(c *conn, q TaskQuery, lightOf lightSet, today int) ([]taskFilter, error) {
	var filters []taskFilter
	if q.Office != "" || q.Handler != "" || q.Open {
		f, err := shareFilter(c, q, lightOf, today)
		if err != nil {
			return nil, err
		}
		filters = append(filters, f)
	}
	words, err := terms(q.Q)
	if err != nil {
		return nil, err
	}
	for _, w := range words {
		filters = append(filters, wordFilter(w))
	}
	return filters, nil
}

// shareFilter: office, handler, openness and, with an office, the light belong to
// one share.
func shareFilter(c *conn, q TaskQuery, lightOf lightSet, today int) (taskFilter, error) {
	cond, args := "s.active=1", []any{}
	if q.Office != "" {
		offices, err := officesBy(c, q.Office)
		if err != nil {
			return taskFilter{}, err
		}
		cond += " AND s.office IN (SELECT value FROM json_each(?))"
		args = append(args, offices)
	}
	if q.Handler != "" {
		// People are not registered: whoever has no share is answered with an empty list.
		person, err := domain.Person(strings.TrimPrefix(q.Handler, "person/"))
		if err != nil {
			return taskFilter{}, badQuery("handler", "应为经办人 person/…", "a handler is a person/…")
		}
		cond += " AND s.handler=?"
		args = append(args, person.ID)
	}
	if q.Open {
		cond += " AND s.open=1"
	}
	if q.Office != "" && lightOf != nil {
		cond += " AND EXISTS (SELECT 1 FROM share_light sl INDEXED BY share_light_task WHERE sl.task=s.task AND sl.ord=s.ord AND sl.since<=? AND sl.until>=? AND " + lightOf.in("sl.light") + ")"
		args = append(args, today, today)
	}
	return taskFilter{
		set: "t.n IN (SELECT s.task FROM share s WHERE " + cond + ")", setArgs: args,
		count: "SELECT count(DISTINCT s.task) FROM share s WHERE " + cond + " AND s.voided=0",
		probe: "EXISTS (SELECT 1 FROM share s WHERE s.task=t.n AND +" + cond + ")", probeArgs: args,
	}, nil
}

// wordFilter: the word stands in the task's clause, its directive's number or
// title, or a name its offices have or had.
func wordFilter(w term) taskFilter {
	inClause, clauseArgs := w.in("clause")
	// A clause's key holds its directive's key and its number.
	ofClause := "clause JOIN task tc INDEXED BY task_number ON tc.directive=clause.directive AND tc.number=clause.number"
	if w.exact {
		ofClause = fmt.Sprintf("clause_words JOIN directive dc ON dc.n=clause_words.rowid>>%d JOIN task tc INDEXED BY task_number ON tc.directive=dc.id AND tc.number=clause_words.rowid&%d",
			clauseBits, 1<<clauseBits-1)
		inClause = "clause_words MATCH ?"
	}
	inDirective, directiveArgs := w.in("directive")
	const named = "s.office IN (SELECT office FROM office_name WHERE instr(norm, ?) > 0)"
	f := taskFilter{
		set: `t.n IN (
			SELECT tc.n FROM ` + ofClause + ` WHERE ` + inClause + `
			UNION ALL SELECT td.n FROM directive JOIN task td INDEXED BY task_number ON td.directive=directive.id WHERE ` + inDirective + `
			UNION ALL SELECT s.task FROM share s INDEXED BY share_office WHERE s.active=1 AND ` + named + `)`,
		probe: `(EXISTS (SELECT 1 FROM clause WHERE clause.directive=t.directive AND clause.number=t.number AND instr(clause.norm, ?) > 0)
			OR EXISTS (SELECT 1 FROM directive WHERE directive.id=t.directive AND instr(directive.norm, ?) > 0)
			OR EXISTS (SELECT 1 FROM share s WHERE s.task=t.n AND +s.active=1 AND ` + named + `))`,
		probeArgs: []any{w.norm, w.norm, w.norm},
	}
	f.setArgs = append(f.setArgs, clauseArgs...)
	f.setArgs = append(f.setArgs, directiveArgs...)
	f.setArgs = append(f.setArgs, w.norm)
	return f
}

// orderTasks decides how a page is found. Many hits are met soon on a walk along
// the index of the order, looking at one task after the other; few are better
// gathered and sorted.
func orderTasks(l *listing, order taskSort, filters []taskFilter, lightOf lightSet, today int, many bool) (from string, columns []column) {
	for _, f := range filters {
		if many {
			l.add(f.probe, f.probeArgs...)
		} else {
			l.add(f.set, f.setArgs...)
		}
	}
	if order.index == "" || many && len(lightOf) == 1 && order.index == "task_number" {
		// The table of lights is kept in this very order.
		l.add("l.task=t.n AND l.since<=? AND l.until>=?", today, today)
		columns = []column{{"l.directive", true}, {"l.number", false}, {"l.part", false}, {"l.task", false}}
		if lightOf != nil {
			l.add(lightOf.in("l.light"))
		}
		if order.index == "" {
			columns = append([]column{{"l.light", false}}, columns...)
		}
		if many {
			return "task_light l CROSS JOIN task t", columns
		}
		columns[0].sql = "+" + columns[0].sql
		return "task t CROSS JOIN task_light l INDEXED BY task_light_task", columns
	}
	if lightOf != nil && !many {
		l.add("t.n IN (SELECT task FROM task_light WHERE "+lightOf.in("light")+" AND "+lightSpan+")", today, today)
	}
	if lightOf != nil && many {
		l.add("EXISTS (SELECT 1 FROM task_light tl INDEXED BY task_light_task WHERE tl.task=t.n AND tl.since<=? AND tl.until>=? AND "+lightOf.in("tl.light")+")", today, today)
	}
	if many {
		return "task t INDEXED BY " + order.index, order.columns
	}
	columns = append(columns, order.columns...)
	columns[0].sql = "+" + columns[0].sql // no index gives this order
	return "task t", columns
}

// absent refuses a filter that names what is not there: nothing is found by it for
// another reason than that nothing fits.
func absent(field, name string) error {
	return badQuery(field, "没有登记“"+name+"”（以所问的时点为准）", "there is no "+strconv.Quote(name)+" at the time asked about")
}

// recorded refuses a filter that names no record of the kind, whose table goes by
// the kind's name, and returns the record's id.
func recorded(c *conn, kind domain.Kind, name string) (string, error) {
	id := strings.TrimPrefix(name, kind.String()+"/")
	found, err := c.one("SELECT 1 FROM "+kind.String()+" WHERE id=?", []any{id}, func(*sqlite3.Stmt) {})
	if err == nil && !found {
		err = absent(kind.String(), name)
	}
	return id, err
}

// officesNamed returns the ids of the offices a filter names: the id itself, those
// that go by the name now, otherwise those that went by it before.
func officesNamed(c *conn, name string) ([]string, error) {
	var found []string
	for _, try := range []struct{ sql, arg string }{
		{"SELECT id FROM office WHERE id=?", strings.TrimPrefix(name, "office/")},
		{"SELECT DISTINCT office FROM office_name WHERE former=0 AND name=?", comparable(name)},
		{"SELECT DISTINCT office FROM office_name WHERE former=1 AND name=?", comparable(name)},
	} {
		var err error
		if found, err = c.texts(try.sql, try.arg); err != nil || len(found) > 0 {
			return found, err
		}
	}
	return nil, absent("office", name)
}

// officesBy returns the offices a filter names as a JSON list; and of offices that
// are no more also those that carry on.
func officesBy(c *conn, name string) (string, error) {
	found, err := officesNamed(c, name)
	if err != nil {
		return "", err
	}
	b, err := json.Marshal(found)
	if err != nil {
		return "", err
	}
	if found, err = c.texts(`WITH RECURSIVE line(id) AS (
		SELECT value FROM json_each(?)
		UNION SELECT h.value FROM line JOIN office o ON o.id=line.id JOIN json_each(o.heirs) h
	) SELECT id FROM line ORDER BY id`, string(b)); err != nil {
		return "", err
	}
	b, err = json.Marshal(found)
	return string(b), err
}

// viewTask completes a document: names, the clause's text and the lights of a day.
func viewTask(d taskDoc, names directory, lit lamp) (TaskView, error) {
	v := d.TaskView
	h, err := names.heading(v.Directive)
	if err != nil {
		return v, err
	}
	v.DocumentNumber, v.Title = h.number, h.title
	if h.status > directive.StatusIssued {
		v.DirectiveState = h.status.String()
	}
	if v.Text, err = taskText(d, names); err != nil {
		return v, err
	}
	v.Shares = make([]ShareView, len(d.Shares))
	var all []light.Window
	for i, sh := range d.Shares {
		v.Shares[i] = sh.ShareView
		if v.Shares[i].Office.Name, err = names.office(sh.Office.ID); err != nil {
			return v, err
		}
		v.Shares[i].Light = lit.show(sh.Windows)
		all = append(all, sh.Windows...)
	}
	v.Light = lit.show(all)
	return v, nil
}

// taskText returns a task's words: its own, or its clause's.
func taskText(d taskDoc, names directory) (string, error) {
	if d.Text != "" {
		return d.Text, nil
	}
	return names.clause(d.Directive, d.Number, d.TextSHA256)
}

// Task returns one task with what is allowed now, or a *NotFoundError. It is
// folded from the task's own events, at any cut.
func (v *View) Task(ctx context.Context, id string, today calendar.Date) (TaskView, error) {
	var out TaskView
	if _, err := dayFor(today); err != nil {
		return out, err
	}
	ref, err := reference(domain.KindTask, id)
	if err != nil {
		return out, err
	}
	err = v.trail(ctx, func(c *conn, k cut) error {
		state, st, err := v.m.at(c, ref, k)
		if err != nil {
			return err
		}
		s := *state.(*task.State)
		if !s.Exists() {
			return &NotFoundError{What: ref.String()}
		}
		set, err := v.setting(c, k)
		if err != nil {
			return err
		}
		names := v.directory(c, k)
		duties, err := names.duties(s.Directive.ID)
		if err != nil {
			return err
		}
		lit := lampOf(set, today)
		if out, err = viewTask(documentTask(st, s, duties, set), names, lit); err != nil {
			return err
		}
		for i, sh := range s.Shares {
			out.Shares[i].Periods = viewPeriods(s, sh, set, lit)
		}
		if st.unknown {
			return nil // such an aggregate refuses commands
		}
		out.Allowed = task.Allowed(s, domain.Ref{})
		for i, sh := range s.Shares {
			if sh.Status.Active() {
				out.Shares[i].Allowed = task.Allowed(s, sh.Office)
			}
		}
		return nil
	})
	if err != nil {
		return TaskView{}, fmt.Errorf("read %s: %w", ref, err)
	}
	return out, nil
}
