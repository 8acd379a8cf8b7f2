package projections

import (
	"context"
	"fmt"
	"strings"

	"github.com/ncruces/go-sqlite3"

	"duban/domain"
	"duban/domain/calendar"
	"duban/domain/finding"
	"duban/domain/task"
)

// Affected are the records that a change of the world touches, as the read model
// knows them at a sequence. Whoever acts on them loads each from the ledger, and
// has the ledger refuse the act if it went on behind the sequence.
type Affected struct {
	Tasks    []domain.Ref
	Findings []domain.Ref
	// Directives in force that require reports of an office by name.
	Directives []domain.Ref
	Sequence   uint64
}

// OfOffice lists the tasks in which an office has an open share, the open findings
// it has to put right or to supervise, and the directives by which it reports.
func (v *View) OfOffice(ctx context.Context, office domain.Ref) (Affected, error) {
	var open []string
	for s := finding.StatusRecorded; s <= finding.StatusTerminated; s++ {
		if s.Open() {
			open = append(open, fmt.Sprint(int(s)))
		}
	}
	return v.affected(ctx, func(c *conn, a *Affected) error {
		if err := refs(c, domain.KindTask, &a.Tasks,
			"SELECT t.id FROM share s JOIN task t ON t.n=s.task WHERE s.office=? AND s.active=1 AND s.open=1 ORDER BY t.n", office.ID); err != nil {
			return err
		}
		if err := refs(c, domain.KindFinding, &a.Findings,
			"SELECT id FROM finding WHERE (rectifier=? OR supervising=?) AND status IN (SELECT value FROM json_each(?)) ORDER BY n",
			office.ID, office.ID, "["+strings.Join(open, ",")+"]"); err != nil {
			return err
		}
		return refs(c, domain.KindDirective, &a.Directives,
			`SELECT id FROM directive WHERE EXISTS(SELECT 1 FROM json_each(CAST(duties AS TEXT)) d JOIN json_each(d.value, '$.offices') o WHERE o.value=?) ORDER BY n`,
			office.String())
	})
}

// OfHandler lists the tasks in which a person handles an open share of an office.
func (v *View) OfHandler(ctx context.Context, office, person domain.Ref) (Affected, error) {
	return v.affected(ctx, func(c *conn, a *Affected) error {
		return refs(c, domain.KindTask, &a.Tasks,
			"SELECT t.id FROM share s JOIN task t ON t.n=s.task WHERE s.office=? AND s.handler=? AND s.active=1 AND s.open=1 ORDER BY t.n", office.ID, person.ID)
	})
}

// OfDeadline lists the tasks with an open share that may be due by a day: those
// with such a deadline, and those that recur, whose periods no column holds.
func (v *View) OfDeadline(ctx context.Context, by calendar.Date) (Affected, error) {
	return v.affected(ctx, func(c *conn, a *Affected) error {
		return refs(c, domain.KindTask, &a.Tasks,
			"SELECT id FROM task WHERE (kind=? OR due<=?) AND EXISTS(SELECT 1 FROM share s WHERE s.task=task.n AND s.active=1 AND s.open=1) ORDER BY n",
			int(task.KindRecurring), day(by))
	})
}

// OfDirective lists the tasks docketed for a directive, but for voided ones.
func (v *View) OfDirective(ctx context.Context, directive domain.Ref) (Affected, error) {
	return v.affected(ctx, func(c *conn, a *Affected) error {
		return refs(c, domain.KindTask, &a.Tasks, "SELECT id FROM task WHERE directive=? AND status<>? ORDER BY n", directive.ID, int(task.StatusVoided))
	})
}

func (v *View) affected(ctx context.Context, list func(*conn, *Affected) error) (Affected, error) {
	var a Affected
	err := v.lists(ctx, func(c *conn, _ *totals) error {
		h, err := headOf(c)
		if err != nil {
			return err
		}
		a = Affected{Sequence: h.position}
		return list(c, &a)
	})
	if err != nil {
		return Affected{}, fmt.Errorf("list what is affected: %w", err)
	}
	return a, nil
}

func refs(c *conn, kind domain.Kind, into *[]domain.Ref, sql string, args ...any) error {
	return c.each(sql, args, func(s *sqlite3.Stmt) error {
		*into = append(*into, domain.Ref{Kind: kind, ID: s.ColumnText(0)})
		return nil
	})
}
