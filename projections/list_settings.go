package projections

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/ncruces/go-sqlite3"

	"duban/domain"
	"duban/domain/calendar"
	"duban/domain/policy"
	"duban/domain/workyear"
)

// Calendars returns the published years, in their order.
func (v *View) Calendars(ctx context.Context, today calendar.Date) (Page[CalendarView], error) {
	page := Page[CalendarView]{Items: []CalendarView{}}
	err := v.lists(ctx, func(c *conn, _ *totals) error {
		page.Items = page.Items[:0]
		err := c.each("SELECT doc FROM calendar ORDER BY id", nil, func(s *sqlite3.Stmt) error {
			var y CalendarView
			err := json.Unmarshal(s.ColumnRawBlob(0), &y)
			page.Items = append(page.Items, y)
			return err
		})
		if err != nil {
			return err
		}
		page.Total = len(page.Items)
		page.Cutoff, err = v.cutoff(c, today)
		return err
	})
	if err != nil {
		return Page[CalendarView]{}, fmt.Errorf("list calendars: %w", err)
	}
	return page, nil
}

// Calendar returns one published year, or a *NotFoundError.
func (v *View) Calendar(ctx context.Context, id string) (CalendarView, error) {
	out, err := oneRow[CalendarView](ctx, v, domain.KindCalendar, "calendar", id, nil)
	if err == nil && !out.UnknownEvents {
		out.Allowed = workyear.Allowed(workyear.State{})
	}
	return out, err
}

// LightRules returns the rules of the lights in force: the default ones, without an
// event, as long as none were set.
func (v *View) LightRules(ctx context.Context) (PolicyView, error) {
	var out PolicyView
	err := v.lists(ctx, func(c *conn, _ *totals) (err error) {
		out, err = policyIn(c, "")
		return err
	})
	if err != nil {
		return PolicyView{}, fmt.Errorf("read the rules of the lights: %w", err)
	}
	if len(out.Versions) == 0 {
		out.Rules, out.Versions = policy.Default(), []RulesView{}
	}
	if !out.UnknownEvents {
		out.Allowed = policy.Allowed(policy.State{})
	}
	return out, nil
}
