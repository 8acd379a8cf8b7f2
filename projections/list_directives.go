package projections

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/ncruces/go-sqlite3"

	"duban/domain"
	"duban/domain/calendar"
	"duban/domain/directive"
	"duban/domain/task"
)

// DirectiveQuery selects directives, the latest recorded first. Empty fields select
// all.
type DirectiveQuery struct {
	Status string // in_force, voided or repealed
	Q      string // words in number, title and clauses
	Today  calendar.Date
	Limit  int
	Cursor string
}

// Directives returns a page of directives without their clauses.
func (v *View) Directives(ctx context.Context, q DirectiveQuery) (Page[DirectiveView], error) {
	page := Page[DirectiveView]{Items: []DirectiveView{}}
	limit, err := limitOf(q.Limit)
	if err != nil {
		return page, err
	}
	l, err := directiveListing(q)
	if err != nil {
		return page, err
	}
	err = v.lists(ctx, func(c *conn, t *totals) error {
		keys, next, total, err := l.page(c, t, queryDigest("directives", v.cut, q.Status, q.Q), q.Cursor, limit)
		if err != nil {
			return err
		}
		if page.Items, err = documents[DirectiveView](c, "directive", keys); err != nil {
			return err
		}
		for i := range page.Items {
			if err := countTasks(c, &page.Items[i]); err != nil {
				return err
			}
		}
		page.Next, page.Total = next, total
		page.Cutoff, err = v.cutoff(c, q.Today)
		return err
	})
	if err != nil {
		return Page[DirectiveView]{}, fmt.Errorf("list directives: %w", err)
	}
	return page, nil
}

func directiveListing(q DirectiveQuery) (*listing, error) {
	l := &listing{from: "directive", n: "directive.n", columns: []column{{"directive.n", false}}, desc: true}
	switch q.Status {
	case "":
	case DirectiveInForce:
		l.add("directive.status=?", int(directive.StatusIssued))
	case DirectiveVoided:
		l.add("directive.status=?", int(directive.StatusVoided))
	case DirectiveRepeal:
		l.add("directive.status=?", int(directive.StatusRepealed))
	default:
		return nil, badQuery("status", "可用：in_force、voided、repealed", "one of in_force, voided, repealed")
	}
	words, err := terms(q.Q)
	if err != nil {
		return nil, err
	}
	for _, w := range words {
		own, ownArgs := w.in("directive")
		inClause, clauseArgs := w.in("clause")
		l.add("(("+own+") OR directive.id IN (SELECT clause.directive FROM clause WHERE "+inClause+"))", append(ownArgs, clauseArgs...)...)
	}
	return l, nil
}

// countTasks counts a directive's tasks and shares. Those of a voided directive are
// counted as they were.
func countTasks(c *conn, d *DirectiveView) error {
	_, err := c.one("SELECT count(*), coalesce(sum(shares), 0) FROM task WHERE directive=?", []any{d.ID}, func(s *sqlite3.Stmt) {
		d.TaskCount, d.ShareCount = s.ColumnInt(0), s.ColumnInt(1)
	})
	return err
}

// Directive returns one directive with its clauses and the task made of each, or a
// *NotFoundError.
func (v *View) Directive(ctx context.Context, id string) (DirectiveView, error) {
	var out DirectiveView
	ref, err := reference(domain.KindDirective, id)
	if err != nil {
		return out, err
	}
	err = v.lists(ctx, func(c *conn, _ *totals) error {
		var n uint64
		var failed error
		found, err := c.one("SELECT n, doc FROM directive WHERE id=?", []any{ref.ID}, func(s *sqlite3.Stmt) {
			n, failed = uint64(s.ColumnInt64(0)), json.Unmarshal(s.ColumnRawBlob(1), &out)
		})
		if err = errors.Join(err, failed); err != nil {
			return err
		}
		if !found {
			return &NotFoundError{What: ref.String()}
		}
		if out.Clauses, err = clausesOf(c, n); err != nil {
			return err
		}
		if err := addTasks(c, &out); err != nil {
			return err
		}
		return countTasks(c, &out)
	})
	if err != nil {
		return DirectiveView{}, fmt.Errorf("read %s: %w", ref, err)
	}
	if !out.UnknownEvents {
		s := directive.State{Status: directive.StatusIssued}
		switch out.Status {
		case DirectiveVoided:
			s.Status = directive.StatusVoided
		case DirectiveRepeal:
			s.Status = directive.StatusRepealed
		}
		out.Allowed = directive.Allowed(s)
	}
	return out, nil
}

func clausesOf(c *conn, n uint64) ([]ClauseView, error) {
	var clauses []ClauseView
	err := c.each("SELECT doc, text FROM clause WHERE n>=? AND n<? ORDER BY n", []any{clauseKey(n, 0), clauseKey(n+1, 0)}, func(s *sqlite3.Stmt) error {
		var cl ClauseView
		if err := json.Unmarshal(s.ColumnRawBlob(0), &cl); err != nil {
			return fmt.Errorf("read a clause: %w", err)
		}
		cl.Text = s.ColumnText(1)
		clauses = append(clauses, cl)
		return nil
	})
	return clauses, err
}

// addTasks names the task docketed for each clause: the latest that was not
// voided, else the latest; and beside it the tasks for other parts of the clause,
// which it was decomposed into.
func addTasks(c *conn, d *DirectiveView) error {
	at := map[int]*ClauseView{}
	for i := range d.Clauses {
		at[d.Clauses[i].Number] = &d.Clauses[i]
	}
	return c.each("SELECT number, part, id FROM task WHERE directive=? ORDER BY number, status<>? , n", []any{d.ID, int(task.StatusVoided)}, func(s *sqlite3.Stmt) error {
		clause := at[s.ColumnInt(0)]
		switch {
		case clause == nil:
		case clause.Part == s.ColumnInt(1):
			clause.Task = s.ColumnText(2)
		default:
			clause.Parts = append(clause.Parts, s.ColumnText(2))
		}
		return nil
	})
}
