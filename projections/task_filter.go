package projections

import (
	"fmt"
	"slices"
	"strings"

	"duban/domain"
	"duban/domain/light"
	"duban/domain/task"
)

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

// A taskFilter is a condition on tasks in several forms that select the same. set
// gathers the tasks that meet it through indexes of its own, and standing those of
// them that are not voided, each once. probe looks at one row: of task as t, or of
// task_light as l.
type taskFilter struct {
	set, standing string
	setArgs       []any
	probe         func(row taskKey) string
	probeArgs     []any
	roster        bool // the roster alone decides
	lit           bool // set and standing hold only what is lit as asked
}

// A taskKey names the columns of a row that say which task it is.
type taskKey struct{ directive, number, n string }

func keyOf(table, n string) taskKey {
	return taskKey{table + ".directive", table + ".number", table + "." + n}
}

func taskListing(c *conn, q TaskQuery, today, setSize int) (*listing, error) {
	if q.Status == task.StatusVoided.String() && q.Sort == "light" {
		q.Sort = "number" // they have no light
	}
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
	lit, err := litSetOf(c, lightOf, today)
	if err != nil {
		return nil, err
	}
	filters, err := taskFilters(c, q, lit)
	if err != nil {
		return nil, err
	}
	walk := lit
	if q.Office != "" {
		lit.lights = nil // it was the share's
		if !slices.Equal(lightOf, lightSet{light.Overdue}) {
			walk.lights = nil
		}
		// A task with an overdue share is overdue itself: nothing is worse.
	}
	countTasksBy(l, q, filters, lit)
	l.sorted = func(total int, first bool) (string, []column) {
		if total > setSize {
			return walkTasks(l, order, filters, walk, first)
		}
		return gatherTasks(l, order, filters, lit)
	}
	return l, nil
}

// countTasksBy finds the quickest query for the number of tasks.
func countTasksBy(l *listing, q TaskQuery, filters []taskFilter, lit litSet) {
	l.roster = q.Light == "" && q.Status == "" && q.Kind == ""
	for _, f := range filters {
		l.roster = l.roster && f.roster
	}
	switch {
	case q.Status != "" || q.Kind != "" || q.Directive != "":
		count := *l
		count.where, count.args = slices.Clip(l.where), slices.Clip(l.args)
		addSets(&count, filters, lit)
		l.total, l.totalBy = "SELECT count(*) FROM task t WHERE "+count.condition(), count.args
	case len(filters) > 0:
		rest := listing{n: "n"}
		if filters[0].lit {
			lit.lights = nil
		}
		addSets(&rest, filters[1:], lit)
		l.total = "SELECT count(*) FROM (" + filters[0].standing + ") WHERE " + rest.condition()
		l.totalBy = append(slices.Clip(filters[0].setArgs), rest.args...)
	case lit.lights != nil:
		l.total, l.totalBy = lit.count() // voided tasks have no light
	default:
		l.total, l.totalBy = "SELECT (SELECT count(*) FROM task)-(SELECT count(*) FROM task WHERE status=?)", []any{int(task.StatusVoided)}
	}
}

// addSets adds the conditions that gather tasks.
func addSets(l *listing, filters []taskFilter, lit litSet) {
	done := lit.lights == nil
	for _, f := range filters {
		l.add(l.n+" IN ("+f.set+")", f.setArgs...)
		done = done || f.lit
	}
	if !done {
		set, args := lit.tasks()
		l.add(l.n+" IN ("+set+")", args...)
	}
}

func addTaskColumns(c *conn, l *listing, q TaskQuery) error {
	switch {
	case q.Status == "" && q.Light == "":
		l.add("t.status<>?", int(task.StatusVoided))
	case q.Status == "": // voided tasks and their shares have no light
	default:
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

func taskFilters(c *conn, q TaskQuery, lit litSet) ([]taskFilter, error) {
	var filters []taskFilter
	words, err := terms(q.Q)
	if err != nil {
		return nil, err
	}
	ofTask := lit
	if q.Office != "" {
		ofTask.lights = nil // it is the share's
	}
	for _, w := range words {
		filters = append(filters, wordFilter(w, ofTask))
	}
	if q.Office != "" || q.Handler != "" || q.Open {
		f, err := shareFilter(c, q, lit.lights, lit.today)
		if err != nil {
			return nil, err
		}
		filters = append(filters, f)
	}
	return filters, nil
}

// shareFilter: office, handler, openness and, with an office, the light belong to
// one share.
func shareFilter(c *conn, q TaskQuery, lightOf lightSet, today int) (taskFilter, error) {
	cond, args := "s.active=1", []any{}
	offices := ""
	if q.Office != "" {
		var err error
		if offices, err = officesBy(c, q.Office); err != nil {
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
		// What has lights is active, and its task is not voided.
		lit := lightOf.in("sl.light") + " AND sl.office IN (SELECT value FROM json_each(?)) AND sl.since<=? AND sl.until>=?"
		all := []any{offices, today, today}
		if q.Handler != "" || q.Open {
			lit += " AND EXISTS (SELECT 1 FROM share s WHERE s.task=sl.task AND s.ord=sl.ord AND +" + cond + ")"
			all = append(all, args...)
		}
		return taskFilter{
			set: "SELECT sl.task FROM share_light sl WHERE " + lit, setArgs: all,
			standing: "SELECT DISTINCT sl.task AS n FROM share_light sl WHERE " + lit,
			probe: func(row taskKey) string {
				return "EXISTS (SELECT 1 FROM share_light sl INDEXED BY share_light_task WHERE sl.task=" + row.n + " AND " + lit + ")"
			},
			probeArgs: all,
		}, nil
	}
	return taskFilter{
		set: "SELECT s.task FROM share s WHERE " + cond, setArgs: args,
		standing: "SELECT DISTINCT s.task AS n FROM share s WHERE " + cond + " AND s.voided=0",
		probe: func(row taskKey) string {
			return "EXISTS (SELECT 1 FROM share s WHERE s.task=" + row.n + " AND +" + cond + ")"
		}, probeArgs: args,
		roster: q.Handler == "" && !q.Open,
	}, nil
}

// wordFilter: the word stands in the task's clause, its directive's number or
// title, or a name its offices have or had. Where it stands is gathered once; there
// are far fewer clauses than tasks.
func wordFilter(w term, lit litSet) taskFilter {
	inClause, clauseArgs := w.in("clause")
	clauses := "SELECT clause.directive, clause.number FROM clause WHERE " + inClause
	if w.exact {
		// A clause's key holds its directive's key and its number.
		clauses = fmt.Sprintf("SELECT dc.id, clause_words.rowid&%d FROM clause_words CROSS JOIN directive dc ON dc.n=clause_words.rowid>>%d WHERE clause_words MATCH ?",
			1<<clauseBits-1, clauseBits)
	}
	inDirective, directiveArgs := w.in("directive")
	directives := "SELECT directive.id FROM directive WHERE " + inDirective
	const named = "s.active=1 AND s.office IN (SELECT office FROM office_name WHERE instr(norm, ?) > 0)"
	found := func(key, table, tasks, shares string) string {
		inClauses := "SELECT " + key + " AS n FROM c CROSS JOIN " + table + " ON t.directive=c.directive AND t.number=c.number" + tasks
		inDirectives := "SELECT " + key + " FROM d CROSS JOIN " + table + " ON t.directive=d.directive" + tasks
		return "WITH c(directive, number) AS MATERIALIZED (" + clauses + "), d(directive) AS MATERIALIZED (" + directives + `)
			` + inClauses + `
			UNION ALL ` + inDirectives + ` AND (t.directive, t.number) NOT IN (SELECT directive, number FROM c)
			UNION ALL SELECT DISTINCT s.task FROM share s INDEXED BY share_office WHERE ` + named + shares + `
				AND s.task NOT IN (` + inClauses + `) AND s.task NOT IN (` + inDirectives + `)`
	}
	args := slices.Concat(clauseArgs, directiveArgs, []any{w.norm})
	f := taskFilter{
		setArgs: args, roster: true, lit: lit.lights != nil,
		probe: func(row taskKey) string {
			return "((" + row.directive + ", " + row.number + ") IN (" + clauses + ") OR " + row.directive + " IN (" + directives +
				") OR EXISTS (SELECT 1 FROM share s WHERE s.task=" + row.n + " AND +" + named + "))"
		},
		probeArgs: args,
	}
	if f.lit {
		shining := fmt.Sprintf(" AND t.since<=%[1]d AND t.until>=%[1]d AND ", lit.today) + lit.lights.in("t.light")
		f.set = found("t.task", "task_light t", shining,
			" AND EXISTS (SELECT 1 FROM task_light t INDEXED BY task_light_task WHERE t.task=s.task"+shining+")")
		f.standing = f.set
		return f
	}
	f.set = found("t.n", "task t INDEXED BY task_number", "", "")
	f.standing = found("t.n", "task t INDEXED BY task_number", fmt.Sprintf(" AND t.status<>%d", task.StatusVoided), " AND s.voided=0")
	return f
}
