package task

import (
	"iter"
	"slices"

	"duban/domain/calendar"
)

// An Occurrence is one period of a recurring share: what is due again and again,
// each time with a request and an acceptance of its own. Occurrences follow from
// the schedule and need no event when a period begins.
type Occurrence struct {
	Period   calendar.Period
	Due      calendar.Date // by the schedule, or as extended
	Events   []string      // those the due day rests on
	Request  Request       // the last one for the period; the zero Request is none
	Accepted bool
}

// Requested reports whether closure of the period was requested and the request
// is not answered yet.
func (o Occurrence) Requested() bool { return o.Request.Done() && o.Request.Pending() }

// lineage returns the share and those it was handed on from, the last first.
func (s State) lineage(sh Share) []Share {
	out := []Share{sh}
	for !sh.From.IsZero() {
		i := slices.IndexFunc(s.Shares, func(o Share) bool {
			return o.Office == sh.From && o.Status == ShareTransferred && o.Since == sh.Assigned
		})
		if i < 0 {
			break
		}
		sh = s.Shares[i]
		out = append(out, sh)
	}
	return out
}

// Origin returns the share's first assignment, to whichever office.
func (s State) Origin(sh Share) Act {
	line := s.lineage(sh)
	return line[len(line)-1].Assigned
}

// AttestedFor reports whether the duty was confirmed for a year, by this office or
// one that had the share before.
func (s State) AttestedFor(sh Share, year calendar.Period) bool {
	return slices.ContainsFunc(s.lineage(sh), func(o Share) bool {
		return slices.ContainsFunc(o.Attested, func(a Attestation) bool { return a.Period == year })
	})
}

// WasOpen reports whether something was expected of the office's share on a day of
// a span: it had been assigned or handed on, and no break covers the rest.
func (sh Share) WasOpen(from, until calendar.Date) bool { return wasOpen([]Share{sh}, from, until) }

// WasOpen reports the same of the share in whichever office it was.
func (s State) WasOpen(sh Share, from, until calendar.Date) bool {
	return wasOpen(s.lineage(sh), from, until)
}

func wasOpen(line []Share, from, until calendar.Date) bool {
	d := max(from, calendar.On(line[len(line)-1].Assigned.Time))
	for moved := true; moved; {
		moved = false
		for _, sh := range line {
			for _, b := range sh.Breaks {
				// The days on which a break begins and ends are open in part.
				if begin, end := calendar.On(b.From.Time), calendar.On(b.Until.Time); begin < d && d < end {
					d, moved = end, true
				}
			}
		}
	}
	return d <= until
}

// Occurrences returns the periods of a recurring share with a schedule in their
// order, without end unless the schedule has one: from the schedule's first
// period, or the one in which the share was assigned, but none that was due before
// that, and none in which nothing was expected of it. Other shares have none.
func (s State) Occurrences(sh Share) iter.Seq[Occurrence] {
	return func(yield func(Occurrence) bool) {
		if s.Kind != KindRecurring || s.Schedule == nil {
			return
		}
		line := s.lineage(sh)
		extended := s.extended(line)
		for p := range s.periods(line) {
			o := s.occurrence(line, p)
			if !o.Request.Done() && !wasOpen(line, p.First(), p.Last()) {
				continue
			}
			if d, ok := extended[p]; ok && d.Date > o.Due {
				o.Due, o.Events = d.Date, append(o.Events, d.Event)
			}
			if !yield(o) {
				return
			}
		}
	}
}

// NextDue returns the first period of a recurring share that is not accepted; ok is
// false if there is none, or nothing is expected of the share any more.
func (s State) NextDue(sh Share) (o Occurrence, ok bool) {
	if !s.Open() || !sh.Status.Active() {
		return Occurrence{}, false
	}
	for o := range s.Occurrences(sh) {
		if !o.Accepted {
			return o, true
		}
	}
	return Occurrence{}, false
}

// lastPeriod ends what has no end of its own.
const lastPeriod = "2199"

func (s State) periods(line []Share) iter.Seq[calendar.Period] {
	return func(yield func(calendar.Period) bool) {
		start := calendar.On(line[len(line)-1].Assigned.Time)
		p := s.Schedule.First
		if p == "" {
			p = calendar.PeriodOf(s.Schedule.Unit, start)
		}
		for ; p != "" && p < lastPeriod && (s.Schedule.Until == "" || p.First() <= s.Schedule.Until); p = p.Next() {
			if s.Schedule.On(p) >= start && !yield(p) {
				return
			}
		}
	}
}

func (s State) occurrence(line []Share, p calendar.Period) Occurrence {
	o := Occurrence{Period: p, Due: s.Schedule.On(p), Events: []string{s.Kinded.Event}}
	for _, sh := range slices.Backward(line) {
		for _, r := range sh.Requests {
			if r.Period == p && !o.Accepted {
				o.Request, o.Accepted = r, r.Accepted.Done()
			}
		}
	}
	return o
}

// extended returns the deadlines that were granted for periods: more time was
// asked for the first period that was not accepted then. One that is no later
// than the schedule's day extends nothing.
func (s State) extended(line []Share) map[calendar.Period]Deadline {
	out := map[calendar.Period]Deadline{}
	for _, sh := range slices.Backward(line) {
		for _, x := range sh.Extensions {
			i := slices.IndexFunc(s.Deadlines, func(d Deadline) bool { return d.Event == x.Granted.Event && d.Source == DeadlineGranted })
			if !x.Granted.Done() || i < 0 {
				continue
			}
			for p := range s.periods(line) {
				if o := s.occurrence(line, p); !o.Accepted || o.Request.Accepted.Time.After(x.Time) {
					out[p] = s.Deadlines[i]
					break
				}
			}
		}
	}
	return out
}
