package light

import (
	"slices"

	"duban/domain/calendar"
	"duban/domain/directive"
	"duban/domain/task"
)

// recurring adds the lights of every period of a share, up to the first that
// turns red for good: later ones would do so later.
func (o *of) recurring() {
	endless := calendar.Date("")
	for p := range o.task.Occurrences(o.share) {
		if endless != "" && p.Period.First().AddDays(-o.Rules.DueSoonDays) > endless {
			return
		}
		if p.Accepted {
			continue
		}
		if red := o.occurrence(p); red != "" && (endless == "" || red < endless) {
			endless = red
		}
	}
}

// occurrence adds the lights of one period that is not accepted, and returns the
// first day of the one that never ends, none if there is no such.
func (o *of) occurrence(p task.Occurrence) (endless calendar.Date) {
	if !p.Requested() && o.share.Dispute == nil {
		o.stagnantIn(p.Period)
	}
	return o.due(due{on: p.Due, period: p.Period, events: append([]string{o.share.Assigned.Event}, p.Events...), request: p.Request, requested: p.Requested()})
}

// OfPeriod returns the windows of one period of a recurring share by itself.
func OfPeriod(s task.State, sh task.Share, p task.Occurrence, set Setting) []Window {
	if rests, windows := resting(s, sh); rests {
		return windows
	}
	if p.Accepted {
		return nil
	}
	o := &of{Setting: set, task: s, share: sh}
	o.occurrence(p)
	if p.Requested() {
		o.wait(p.Request.Act, p.Period)
	}
	return o.out
}

// stagnantIn: within a period, days count from its first one at the earliest.
func (o *of) stagnantIn(p calendar.Period) {
	moved := o.moved()
	from := o.stagnates(max(calendar.On(moved.Time), p.First()))
	if from <= p.Last() {
		o.add(Window{Light: Stagnant, From: from, Until: p.Last(), Period: p, Events: []string{moved.Event}})
	}
}

// attestation: a standing duty is confirmed once a year; red after its end. A year
// in which nothing was expected of the share needs no word.
func (o *of) attestation() {
	first := calendar.PeriodOf(calendar.UnitYear, calendar.On(o.task.Origin(o.share).Time))
	for y := first; y.Unit() != 0; y = y.Next() {
		if o.task.AttestedFor(o.share, y) || !o.task.WasOpen(o.share, y.First(), y.Last()) {
			continue
		}
		w := Window{Light: AttestationDue, From: y.Last().AddDays(-o.Rules.AttestationDays), Until: y.Last(), Deadline: y.Last(), Period: y,
			Events: []string{o.share.Assigned.Event}}
		o.add(w)
		w.Light, w.From, w.Until = AttestationOverdue, y.Last().AddDays(1), ""
		o.add(w)
		return
	}
}

// unreported adds the light of the report that is missing longest: it fires until
// the report comes, and those missing after it would fire later.
func (o *of) unreported() {
	office := o.share.Office
	from, until, ok := o.duties.Span(office)
	if !ok {
		return
	}
	var longest *Window
	first := calendar.PeriodOf(calendar.UnitYear, max(from, calendar.On(o.share.Assigned.Time)))
	for y := first; y.Unit() != 0 && (until == "" || y.First() <= until) && (longest == nil || y.First() <= longest.From); y = y.Next() {
		for _, r := range o.duties.Rounds(office, y.First(), y.Last()) {
			if w, missing := o.missing(r); missing && (longest == nil || w.From < longest.From) {
				longest = &w
			}
		}
	}
	if longest != nil {
		o.add(*longest)
	}
}

// missing reports whether a report is owed that did not come. Nothing was owed by
// a share that was not open then, or got its office after the due day, or was
// suspended or accepted when the report fell due: what an assessment counts as
// missing is what the light shows.
func (o *of) missing(r directive.Round) (Window, bool) {
	due, provisional := o.Workdays.OnOrAfter(r.Due)
	open := o.share.WasOpen(r.From, r.Until) && o.share.WasOpen(due, due) && o.share.WasOpen(due.AddDays(1), due.AddDays(1))
	if !open || due < calendar.On(o.share.Assigned.Time) {
		return Window{}, false
	}
	if slices.ContainsFunc(o.share.Reports, func(p task.Report) bool { return r.Answers(p.Period, calendar.On(p.Time)) }) {
		return Window{}, false
	}
	return Window{Light: Unreported, From: due.AddDays(1), Deadline: due, Period: r.Period, Provisional: provisional,
		Events: []string{o.share.Assigned.Event, r.Event}}, true
}
