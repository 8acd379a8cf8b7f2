package projections

import (
	"context"
	"fmt"

	"github.com/ncruces/go-sqlite3"

	"duban/domain/calendar"
	"duban/domain/directive"
	"duban/domain/finding"
	"duban/domain/light"
	"duban/domain/task"
)

// Summary returns the register in figures, with the lights of a day. Voided
// directives with their clauses and tasks, and shares that were handed on, are
// not counted. The counts by status and by light each add up to their total.
func (v *View) Summary(ctx context.Context, today calendar.Date) (SummaryView, error) {
	var out SummaryView
	d, err := dayFor(today)
	if err != nil {
		return out, err
	}
	err = v.lists(ctx, func(c *conn, _ *totals) error {
		out = SummaryView{}
		if err := sumTasks(c, &out, d); err != nil {
			return err
		}
		if err := sumFindings(c, &out, d); err != nil {
			return err
		}
		if err := sumOffices(c, &out, d); err != nil {
			return err
		}
		out.Cutoff, err = v.cutoff(c, today)
		return err
	})
	if err != nil {
		return SummaryView{}, fmt.Errorf("summarise: %w", err)
	}
	return out, nil
}

func sumTasks(c *conn, out *SummaryView, today int) error {
	voided := int(task.StatusVoided)
	for _, q := range []struct {
		into *int
		sql  string
		args []any
	}{
		{&out.Directives, "SELECT count(*) FROM directive WHERE status=?", []any{int(directive.StatusIssued)}},
		{&out.Clauses, "SELECT count(*) FROM clause WHERE directive IN (SELECT id FROM directive WHERE status=?)", []any{int(directive.StatusIssued)}},
		{&out.Tasks, "SELECT count(*) FROM task WHERE status<>?", []any{voided}},
		{&out.Shares, "SELECT count(*) FROM share WHERE active=1 AND voided=0", nil},
		{&out.SharedTasks, "SELECT count(*) FROM task WHERE status<>? AND shares>1", []any{voided}},
		{&out.Offices, "SELECT count(DISTINCT office) FROM share WHERE active=1 AND voided=0", nil},
	} {
		n, err := c.number(q.sql, q.args...)
		if err != nil {
			return err
		}
		*q.into = int(n)
	}
	for _, q := range []struct {
		into  *[]Count
		value func(int) named
		sql   string
		args  []any
	}{
		{&out.TaskStatuses, as[task.Status], "SELECT status, count(*) FROM task WHERE status<>? GROUP BY status", []any{voided}},
		{&out.ShareStatuses, as[task.ShareStatus], "SELECT status, count(*) FROM share WHERE active=1 AND voided=0 GROUP BY status", nil},
		{&out.TaskLights, as[light.Light], "SELECT light, count(*) FROM task_light WHERE " + lightSpan + " GROUP BY light", []any{today, today}},
		{&out.ShareLights, as[light.Light], "SELECT light, count(*) FROM share_light WHERE " + lightSpan + " GROUP BY light", []any{today, today}},
	} {
		if err := counts(c, q.into, q.value, q.sql, q.args); err != nil {
			return err
		}
	}
	return nil
}

func sumFindings(c *conn, out *SummaryView, today int) error {
	for _, q := range []struct {
		into  *[]Count
		value func(int) named
		sql   string
		args  []any
	}{
		{&out.Findings, as[finding.Status], "SELECT status, count(*) FROM finding GROUP BY status", nil},
		{&out.FindingLights, as[light.Light], "SELECT light, count(*) FROM finding_light WHERE " + lightSpan + " GROUP BY light", []any{today, today}},
		{&out.Grades, as[finding.Grade], "SELECT grade, count(*) FROM finding WHERE grade<>0 GROUP BY grade", nil},
	} {
		if err := counts(c, q.into, q.value, q.sql, q.args); err != nil {
			return err
		}
	}
	return nil
}

// named is an enumeration's value with its names.
type named interface {
	String() string
	Chinese() string
}

func as[T interface {
	~uint8
	named
}](n int) named {
	return T(n)
}

func counts(c *conn, into *[]Count, value func(int) named, sql string, args []any) error {
	*into = []Count{}
	return c.each(sql, args, func(s *sqlite3.Stmt) error {
		v := value(s.ColumnInt(0))
		*into = append(*into, Count{Value: v.String(), Chinese: v.Chinese(), N: s.ColumnInt(1)})
		return nil
	})
}

// sumOffices counts the shares of every office that has some, in the order of
// registration.
func sumOffices(c *conn, out *SummaryView, today int) error {
	out.ByOffice = []OfficeCount{}
	at := map[string]int{}
	err := c.each(`SELECT s.office, coalesce(o.name, ''), count(*), sum(s.status=?), sum(s.status=? AND s.open)
		FROM share s LEFT JOIN office o ON o.id=s.office WHERE s.active=1 AND s.voided=0 GROUP BY s.office ORDER BY o.n, s.office`,
		[]any{int(task.ShareAccepted), int(task.ShareAssigned)}, func(s *sqlite3.Stmt) error {
			n := OfficeCount{Office: Named{ID: s.ColumnText(0), Name: s.ColumnText(1)}, Shares: s.ColumnInt(2), Accepted: s.ColumnInt(3), Unsigned: s.ColumnInt(4)}
			at[n.Office.ID] = len(out.ByOffice)
			out.ByOffice = append(out.ByOffice, n)
			return nil
		})
	if err != nil {
		return err
	}
	return c.each("SELECT office, light, count(*) FROM share_light WHERE light IN (?, ?) AND "+lightSpan+" GROUP BY office, light",
		[]any{int(light.Overdue), int(light.DueSoon), today, today}, func(s *sqlite3.Stmt) error {
			i, ok := at[s.ColumnText(0)]
			if !ok {
				return nil
			}
			if light.Light(s.ColumnInt(1)) == light.Overdue {
				out.ByOffice[i].Overdue = s.ColumnInt(2)
			} else {
				out.ByOffice[i].DueSoon = s.ColumnInt(2)
			}
			return nil
		})
}
