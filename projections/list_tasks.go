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
