package directive

import (
	"cmp"
	"slices"

	"duban/domain"
	"duban/domain/calendar"
)

// ReportingRequired (提出报送要求): offices report on their shares of the directive's
// tasks, once or every period. A later requirement takes the place of earlier
// ones for the offices and periods it covers; what is required once stands beside
// them.
type ReportingRequired struct {
	domain.Particulars
	Unit calendar.Unit `json:"unit" doc:"once, month, quarter, half_year, year"`
	calendar.Due
	Offices []domain.Ref  `json:"offices,omitempty" doc:"处室，缺省为全部"`
	From    calendar.Date `json:"from" doc:"起始日期"`
	Until   calendar.Date `json:"until,omitempty" doc:"截止日期；once 的为到期日"`
}

// EventType names the event.
func (*ReportingRequired) EventType() string { return "duban.directive.reporting_required.v1" }

// References returns the other aggregates an event names, which have to exist.
func (r *ReportingRequired) References() []domain.Ref { return r.Offices }

// Validate checks the payload by itself.
func (r *ReportingRequired) Validate() error {
	invalid := func(rule, field, zh, en string) error {
		return domain.Invalid("directive.reporting_required."+rule, field, zh, en)
	}
	once := r.Unit == calendar.UnitOnce
	switch {
	case r.Unit == 0:
		return domain.Invalid("field.required", "unit", "缺少 unit", "unit is missing")
	case r.From == "":
		return domain.Invalid("field.required", "from", "缺少 from", "from is missing")
	case once && r.Until == "":
		return invalid("until", "until", "一次性报送以 until 为到期日，请填写", "what is reported once is due on until: give it")
	case once && r.Due != (calendar.Due{}):
		return invalid("once", "due_day", "一次性报送以 until 为到期日，不填 due_day", "what is reported once is due on until, without due_day")
	case !once && (r.Day == 0 || !r.Valid()):
		return invalid("due_day", "due_day", "到期日 due_day 应为 1 至 31，due_in 为 period 或 next", "due_day is 1 to 31, due_in is period or next")
	case r.Until != "" && r.Until < r.From:
		return invalid("until", "until", "截止日期早于起始日期", "until lies before from")
	}
	for i, o := range r.Offices {
		if o.Kind != domain.KindOffice {
			return domain.Invalid("office.kind", "offices", "offices 应为处室 office/…", "offices are office/…")
		}
		if slices.Contains(r.Offices[:i], o) {
			return invalid("twice", "offices", "同一处室列了两次", "an office is named twice")
		}
	}
	return nil
}

// covers reports whether the office has to report.
func (r *ReportingRequired) covers(office domain.Ref) bool {
	return len(r.Offices) == 0 || slices.Contains(r.Offices, office)
}

// Reporting is a requirement as the directive remembers it.
type Reporting struct {
	Mark
	ReportingRequired
}

// A Round is one report that an office owes.
type Round struct {
	Period calendar.Period // none if the report is owed once
	From   calendar.Date   // first and last day the report is about, within the requirement
	Until  calendar.Date
	Due    calendar.Date // as required, a working day or not
	Event  string        // the requirement
}

// Answers reports whether a report of an office is the one owed: it names the
// round's period, or none and lies on a day of it. What is owed once is answered
// by any report from the first day on, late ones included.
func (r Round) Answers(period calendar.Period, on calendar.Date) bool {
	switch {
	case r.Period == "":
		return on >= r.From
	case period != "":
		return period == r.Period
	default:
		return r.Period.Contains(on)
	}
}

func (r Round) meets(o Round) bool { return r.From <= o.Until && o.From <= r.Until }

// Duties are what a directive requires to be reported, in the order it was
// required.
type Duties []Reporting

// Duties returns what the directive requires; one that does not stand requires
// nothing.
func (s State) Duties() Duties {
	if s.Status != StatusIssued {
		return nil
	}
	return s.Reporting
}

// Span returns the first and last day about which the office has to report; until
// is none if there is no end. ok is false if it never has to.
func (d Duties) Span(office domain.Ref) (from, until calendar.Date, ok bool) {
	for _, r := range d {
		if !r.covers(office) {
			continue
		}
		if !ok {
			from, until, ok = r.From, r.Until, true
			continue
		}
		from = min(from, r.From)
		if until != "" && (r.Until == "" || r.Until > until) {
			until = r.Until
		}
	}
	return from, until, ok
}

// Rounds returns the reports the office owes about days from from until until, in
// the order they are due. Whether its share was open then, and whether it
// reported, is the task's business.
func (d Duties) Rounds(office domain.Ref, from, until calendar.Date) []Round {
	// Whether a round is owed depends on later requirements' rounds that meet it,
	// and these on others: each link of that chain is a year long at most.
	margin := 366 * len(d)
	var all []Round
	for _, r := range slices.Backward(d) {
		if !r.covers(office) {
			continue
		}
		later := len(all)
		for _, round := range r.rounds(from.AddDays(-margin), until.AddDays(margin)) {
			if round.Period == "" || !slices.ContainsFunc(all[:later], func(o Round) bool { return o.Period != "" && o.meets(round) }) {
				all = append(all, round)
			}
		}
	}
	all = slices.DeleteFunc(all, func(r Round) bool { return r.Until < from || r.From > until })
	slices.SortStableFunc(all, func(a, b Round) int { return cmp.Or(cmp.Compare(a.Due, b.Due), cmp.Compare(a.From, b.From)) })
	return all
}

// rounds returns the requirement's own rounds about days of a span. The first one
// is that of the day it begins, unless that was due before.
func (r Reporting) rounds(from, until calendar.Date) []Round {
	if r.Until != "" {
		until = min(until, r.Until)
	}
	if from = max(from, r.From); from > until {
		return nil
	}
	if r.Unit == calendar.UnitOnce {
		return []Round{{From: r.From, Until: r.Until, Due: r.Until, Event: r.Event}}
	}
	var out []Round
	for p := calendar.PeriodOf(r.Unit, from); p.First() <= until; p = p.Next() {
		round := Round{Period: p, From: max(p.First(), r.From), Until: p.Last(), Due: r.On(p), Event: r.Event}
		if r.Until != "" {
			round.Until = min(round.Until, r.Until)
		}
		if round.Due >= r.From {
			out = append(out, round)
		}
	}
	return out
}
