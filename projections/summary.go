package projections

import (
	"context"
	"fmt"
	"slices"

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
	err = v.lists(ctx, func(c *conn, t *totals) error {
		h, err := headOf(c)
		if err != nil {
			return err
		}
		var kept bool
		if out, kept = t.summary(h.position, d); !kept {
			if out, err = summarise(c, today); err != nil {
				return err
			}
			t.keepSummary(h.position, d, out)
		}
		out.Cutoff, err = v.cutoff(c, today)
		return err
	})
	if err != nil {
		return SummaryView{}, fmt.Errorf("summarise: %w", err)
	}
	return out, nil
}

func summarise(c *conn, today calendar.Date) (SummaryView, error) {
	var out SummaryView
	for _, sum := range []func(*conn, *SummaryView, int) error{sumTasks, sumFindings} {
		if err := sum(c, &out, day(today)); err != nil {
			return out, err
		}
	}
	t, err := sumTables(c, 0, today)
	if err != nil {
		return out, err
	}
	return out, t.show(c, &out)
}

// YearStandings is a year's shares and findings by office: shares that somebody had on
// a day of the year, once each, where they were at its end and as they stand now; what
// was due and reported in the year; findings of the year.
type YearStandings struct {
	ByOffice []OfficeCount
	Total    Standing
}

// YearStandings returns the offices of a year in figures.
func (v *View) YearStandings(ctx context.Context, year int, today calendar.Date) (YearStandings, error) {
	var out YearStandings
	if _, err := yearSpan(year); err != nil {
		return out, err
	}
	if _, err := dayFor(today); err != nil {
		return out, err
	}
	err := v.lists(ctx, func(c *conn, _ *totals) error {
		t, err := sumTables(c, year, today)
		if err != nil {
			return err
		}
		lines, _, total, err := t.offices(c)
		out = YearStandings{ByOffice: lines, Total: total.view()}
		return err
	})
	if err != nil {
		return YearStandings{}, fmt.Errorf("summarise %d: %w", year, err)
	}
	return out, nil
}

func sumTasks(c *conn, out *SummaryView, today int) error {
	for _, q := range []struct {
		into *int
		sql  string
	}{
		{&out.Directives, "SELECT count(*) FROM directive WHERE status=?"},
		{&out.Clauses, "SELECT count(*) FROM clause INDEXED BY clause_standing WHERE removed=0 AND directive IN (SELECT id FROM directive WHERE status=?)"},
	} {
		n, err := c.number(q.sql, int(directive.StatusIssued))
		if err != nil {
			return err
		}
		*q.into = int(n)
	}
	out.TaskStatuses = []Count{}
	err := c.each("SELECT status, count(*), sum(shares>1) FROM task INDEXED BY task_status WHERE status<>? GROUP BY status", []any{int(task.StatusVoided)}, func(s *sqlite3.Stmt) error {
		status, n := task.Status(s.ColumnInt(0)), s.ColumnInt(1)
		out.TaskStatuses = append(out.TaskStatuses, Count{Value: status.String(), Chinese: status.Chinese(), N: n})
		out.Tasks += n
		out.SharedTasks += s.ColumnInt(2)
		return nil
	})
	if err != nil {
		return err
	}
	return countLights(c, &out.TaskLights, "task_light", today, out.Tasks)
}

// countLights counts what has a light other than normal; normal is the rest.
func countLights(c *conn, into *[]Count, table string, today, total int) error {
	if err := counts(c, into, as[light.Light], "SELECT light, count(*) FROM "+table+" WHERE light<? AND "+lightSpan+" GROUP BY light",
		[]any{int(light.Normal), today, today}); err != nil {
		return err
	}
	mergeLights(into)
	addNormal(into, total)
	return nil
}

// mergeLights adds up lights that go by one name, at the place of the worst.
func mergeLights(into *[]Count) {
	var out []Count
	for _, n := range *into {
		if i := slices.IndexFunc(out, func(o Count) bool { return o.Value == n.Value }); i >= 0 {
			out[i].N += n.N
			continue
		}
		out = append(out, n)
	}
	*into = append([]Count{}, out...)
}

func addNormal(into *[]Count, total int) {
	for _, n := range *into {
		total -= n.N
	}
	if total > 0 {
		*into = append(*into, Count{Value: light.Normal.String(), Chinese: light.Normal.Chinese(), N: total})
	}
}

func sumFindings(c *conn, out *SummaryView, today int) error {
	for _, q := range []struct {
		into  *[]Count
		value func(int) named
		sql   string
		args  []any
	}{
		{&out.Findings, as[finding.Status], "SELECT status, count(*) FROM finding GROUP BY status", nil},
		{&out.Grades, as[finding.Grade], "SELECT grade, count(*) FROM finding WHERE grade<>0 GROUP BY grade", nil},
	} {
		if err := counts(c, q.into, q.value, q.sql, q.args); err != nil {
			return err
		}
	}
	all := 0
	for _, n := range out.Findings {
		all += n.N
	}
	return countLights(c, &out.FindingLights, "finding_light", today, all)
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
