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
			if out, err = summarise(c, d); err != nil {
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

func summarise(c *conn, today int) (SummaryView, error) {
	var out SummaryView
	for _, sum := range []func(*conn, *SummaryView, int) error{sumTasks, sumFindings, sumOffices} {
		if err := sum(c, &out, today); err != nil {
			return out, err
		}
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
	} {
		if err := counts(c, q.into, q.value, q.sql, q.args); err != nil {
			return err
		}
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
	byLight := map[light.Light]int{}
	err = c.each("SELECT light, office, count(*) FROM share_light WHERE light<? AND "+lightSpan+" GROUP BY light, office",
		[]any{int(light.Normal), today, today}, func(s *sqlite3.Stmt) error {
			lit, n := light.Light(s.ColumnInt(0)), s.ColumnInt(2)
			byLight[lit] += n
			if i, ok := at[s.ColumnText(1)]; ok {
				out.ByOffice[i].count(lit, n)
			}
			return nil
		})
	if err != nil {
		return err
	}
	out.ShareLights = []Count{}
	for lit := light.Light(1); lit < light.Normal; lit++ {
		if n := byLight[lit]; n > 0 {
			out.ShareLights = append(out.ShareLights, Count{Value: lit.String(), Chinese: lit.Chinese(), N: n})
		}
	}
	mergeLights(&out.ShareLights)
	for i := range out.ByOffice {
		mergeLights(&out.ByOffice[i].Lights)
	}
	addNormal(&out.ShareLights, out.Shares)
	return nil
}

func (o *OfficeCount) count(lit light.Light, n int) {
	switch lit {
	case light.Overdue:
		o.Overdue = n
	case light.DueSoon:
		o.DueSoon = n
	default:
	}
	o.Lights = append(o.Lights, Count{Value: lit.String(), Chinese: lit.Chinese(), N: n})
}
