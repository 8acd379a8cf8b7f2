package projections

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"duban/domain/assessment"
	"duban/domain/calendar"
)

// ReportedPeriods returns the periods of a year about which shares then in force
// had to report, or did, in the order in which they end. Periods that begin after
// today are left out. What is owed once belongs to the month in which it is due.
func (v *View) ReportedPeriods(ctx context.Context, year int, today calendar.Date) ([]calendar.Period, error) {
	span, err := yearSpan(year)
	if err != nil {
		return nil, err
	}
	if _, err := dayFor(today); err != nil {
		return nil, err
	}
	found := map[assessment.Period]bool{}
	note := func(at *recordAt, p assessment.Period) {
		days := p.Days()
		if span.From <= days.From && days.Until <= span.Until && days.From <= assessment.DayOf(today) &&
			at.Held.From <= min(at.Held.Until, days.Until) && days.From <= at.Held.Until {
			found[p] = true
		}
	}
	err = v.lists(ctx, func(c *conn, _ *totals) error {
		owed, err := dutiesIn(c, span)
		if err != nil {
			return err
		}
		return records(c, recordFilter{}, func(at *recordAt) error {
			for _, r := range owed.of(at.directive, at.office) {
				if r.Period == (assessment.Period{}) {
					r.Period = assessment.MonthOf(r.Days.Until)
				}
				note(at, r.Period)
			}
			for _, r := range at.Reports {
				if r.Period != (assessment.Period{}) {
					note(at, r.Period)
				}
			}
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("find the periods of %d that were reported on: %w", year, err)
	}
	var out []calendar.Period
	for _, p := range slices.SortedFunc(maps.Keys(found), func(a, b assessment.Period) int {
		return cmp.Or(cmp.Compare(a.Days().Until, b.Days().Until), cmp.Compare(b.Days().From, a.Days().From))
	}) {
		out = append(out, p.Calendar())
	}
	return out, nil
}
