// Package assessment is what the year end asks of every office (考核数据): how many
// shares it had, which were done on time, how late the others were, what it
// reported.
//
// A Record is one share boiled down to its dated facts; it is made of the task's
// state alone (RecordOf) and says nothing of any year. Facts derives from it, for
// a span of days and as of a day, the single facts behind each Figure, with the
// events they rest on. A figure is the sum of its facts, over whatever shares it
// is asked for.
//
// # The rules
//
// A share is assessed in a span if it was in force on a day of it that was not
// suspended, and was not voided, absorbed, cancelled or consolidated in it. What
// happens on the day a share changes hands is the new office's.
//
// An obligation is met on time if the date of the finally accepted request is not
// after the deadline, whenever it was accepted. It counts for the office that
// held the share on the day that decided: that of the request if it was met in
// time, else the deadline. An office that received a share after its deadline is
// not late; the days from then on are its own. Days of suspension are nobody's.
//
// A completion found to be false is no completion, and the date set for making
// it good does not bring the on-time back: the deadline before it governs, and
// the days on which it passed for done are late like the others. Taken up again
// for another reason, the first outcome stays, and a new deadline is a new
// obligation.
//
// A round (a period of a recurring share, a year of a standing one, a report
// that is owed) counts for the span that holds its last day. It is owed by a
// share that is in force on one of its days and still on its due day; one that
// was answered counts in any case.
//
// Late, missing and the counts of days come by the passing of time: they are as
// of the day given. Everything else is as of the events the record was made of.
package assessment

import (
	"cmp"
	"slices"

	"duban/domain"
	"duban/domain/calendar"
	"duban/domain/directive"
	"duban/domain/task"
)

// A Mark is a day and the event that made it one: its place in the record's
// events, from 1. The zero Mark is none.
type Mark struct {
	On    Day
	Event int32
}

// Done reports whether there is one.
func (m Mark) Done() bool { return m.Event != 0 }

// Ending says how an office's holding of a share came to its end.
type Ending uint8

// The endings. The zero Ending is none yet.
const (
	EndingAccepted  Ending = iota + 1 // the share was accepted
	EndingClosed                      // the task was completed by override, or ended
	EndingHandedOn                    // another office carries on
	EndingAbsorbed                    // into another share
	EndingCancelled                   // the task was cancelled or consolidated
)

// Active reports whether the share still counts as its office's: it was neither
// handed on nor absorbed.
func (e Ending) Active() bool { return e != EndingHandedOn && e != EndingAbsorbed }

// leftOut reports whether the share is out of account from then on.
func (e Ending) leftOut() bool { return e == EndingAbsorbed || e == EndingCancelled }

// A Record is the dated facts of one share.
type Record struct {
	Kind     task.Kind
	Held     Span // Until is Never while it is held
	Ending   Ending
	End      Mark
	Idle     []Span // suspended, or done until it was taken up again; rising, apart from each other
	Assigned Mark
	Signed   Mark // signature, or first report, request, or last dispute
	Deadline Mark // On is Never if none has a date

	Requests   []Request
	Undone     []Undone
	Extensions []Extension
	Reports    []Report
	Attested   []Attestation
	Schedule   Schedule // of a recurring share
	Elsewhere  []Period // done by an office that had the share before
}

// A Schedule says which periods of a recurring share are due when. Without a unit
// there is none.
type Schedule struct {
	Unit  calendar.Unit
	Due   calendar.Due
	First Period // the zero Period: the one in which the share was assigned
	Until Day    // no period begins after it
	Basis Mark   // the event that decided on it

	Extended []Extended
}

// Extended is more time for one period.
type Extended struct {
	Period Period
	Due    Mark
}

// A Request is a request for closure.
type Request struct {
	Mark
	Period   Period
	Answer   Mark
	Accepted bool
}

// Undone is a completion that was taken up again.
type Undone struct {
	Request, Accepted, Deadline, Reopened Mark
	False                                 bool
}

// An Extension is a request for more time.
type Extension struct {
	Mark
	Granted Mark
	Refused bool
}

// A Report is what was reported on one day for one period, or for none.
type Report struct {
	Period Period
	On     Day
	First  int32 // event
	Last   int32 // event, the latest of the day
	Nil    bool  // as the latest says
}

// An Attestation confirms a standing duty for a year.
type Attestation struct {
	Mark
	Period Period
}

// A recorder collects the events of a record.
type recorder struct{ events []string }

func (c *recorder) mark(a task.Act) Mark {
	if !a.Done() {
		return Mark{}
	}
	return Mark{dayAt(a.Time), c.event(a.Event)}
}

func (c *recorder) event(id string) int32 {
	if i := slices.Index(c.events, id); i >= 0 {
		return int32(i) + 1
	}
	c.events = append(c.events, id)
	return int32(len(c.events))
}

func (c *recorder) deadline(d task.Deadline) Mark {
	if d.Date == "" {
		return Mark{On: Never}
	}
	return Mark{DayOf(d.Date), c.event(d.Event)}
}

// RecordOf returns the record of a task's share and the ids of the events it
// names. A voided task, or one that was never docketed, has none.
func RecordOf(s task.State, sh task.Share) (r Record, events []string, ok bool) {
	if !s.Exists() || s.Voided.Done() {
		return Record{}, nil, false
	}
	c := &recorder{}
	r = Record{Kind: s.Kind, Assigned: c.mark(sh.Assigned)}
	r.Held = Span{r.Assigned.On, Never}
	r.end(c, s, sh)
	r.idle(sh)
	r.Signed = c.signed(sh)
	r.Deadline = c.deadline(governing(s, sh.Office))
	if s.Schedule != nil {
		r.schedule(c, s, sh)
	}
	if s.Kind == task.KindStanding {
		r.attestedElsewhere(s, sh)
	}
	for _, q := range sh.Requests {
		req := Request{Mark: c.mark(q.Act), Period: PeriodOf(q.Period), Accepted: q.Accepted.Done()}
		if req.Answer = c.mark(q.Accepted); !req.Accepted {
			req.Answer = c.mark(q.Returned)
		}
		r.Requests = append(r.Requests, req)
	}
	for _, u := range sh.Undone {
		r.Undone = append(r.Undone, Undone{c.mark(u.Request), c.mark(u.Accepted), c.deadline(u.Deadline), c.mark(u.Reopened), u.Reason == task.ReopenFalseCompletion})
	}
	for _, x := range sh.Extensions {
		r.Extensions = append(r.Extensions, Extension{c.mark(x.Act), c.mark(x.Granted), x.Refused.Done()})
	}
	for _, p := range sh.Reports {
		r.report(c, p)
	}
	for _, a := range sh.Attested {
		r.Attested = append(r.Attested, Attestation{c.mark(a.Act), PeriodOf(a.Period)})
	}
	return r, c.events, true
}

// schedule notes what differs from the bare schedule: periods with more time, and
// those an earlier office did. Both are about periods begun, or nearly.
func (r *Record) schedule(c *recorder, s task.State, sh task.Share) {
	r.Schedule = Schedule{
		Unit: s.Schedule.Unit, Due: s.Schedule.Due, First: PeriodOf(s.Schedule.First), Until: DayOf(s.Schedule.Until), Basis: c.mark(s.Kinded),
	}
	last := calendar.On(s.Last.Time).AddDays(ahead)
	for o := range s.Occurrences(sh) {
		if o.Period.First() > last {
			return
		}
		if p := PeriodOf(o.Period); o.Due != s.Schedule.On(o.Period) {
			r.Schedule.Extended = append(r.Schedule.Extended, Extended{p, Mark{DayOf(o.Due), c.event(o.Events[len(o.Events)-1])}})
		}
		if o.Accepted && !slices.Contains(sh.Requests, o.Request) {
			r.Elsewhere = append(r.Elsewhere, PeriodOf(o.Period))
		}
	}
}

// ahead is how many days before its first a period is worked on at most.
const ahead = 2 * 366

func (r *Record) attestedElsewhere(s task.State, sh task.Share) {
	if sh.From.IsZero() {
		return
	}
	first, last := calendar.PeriodOf(calendar.UnitYear, calendar.On(s.Origin(sh).Time)), calendar.On(s.Last.Time).AddDays(ahead)
	for y := first; y.First() <= last; y = y.Next() {
		own := slices.ContainsFunc(sh.Attested, func(a task.Attestation) bool { return a.Period == y })
		if !own && s.AttestedFor(sh, y) {
			r.Elsewhere = append(r.Elsewhere, PeriodOf(y))
		}
	}
}

// governing is the deadline that governs an office's share, dates set for making
// a false completion good aside, unless there is no other.
func governing(s task.State, office domain.Ref) task.Deadline {
	rest := s
	rest.Deadlines = slices.DeleteFunc(slices.Clone(s.Deadlines), func(d task.Deadline) bool {
		return slices.ContainsFunc(s.Reopenings, func(r task.Reopening) bool {
			return r.Event == d.Event && r.Reason == task.ReopenFalseCompletion
		})
	})
	if d, ok := rest.Governing(office); ok {
		return d
	}
	d, _ := s.Governing(office)
	return d
}

func (r *Record) end(c *recorder, s task.State, sh task.Share) {
	closed := s.Closed()
	switch {
	case sh.Status == task.ShareTransferred:
		r.Ending, r.End = EndingHandedOn, c.mark(sh.Since)
		r.Held.Until = r.End.On - 1
	case sh.Status == task.ShareAbsorbed:
		r.Ending, r.End = EndingAbsorbed, c.mark(sh.Since)
		r.Held.Until = r.End.On - 1
	case closed.Done() && !s.Completed.Done() && !s.Ended.Done():
		r.Ending, r.End = EndingCancelled, c.mark(closed)
		r.Held.Until = r.End.On
	case sh.Status == task.ShareAccepted:
		r.Ending, r.End = EndingAccepted, c.mark(sh.Since)
		r.Held.Until = r.End.On
	case closed.Done():
		r.Ending, r.End = EndingClosed, c.mark(closed)
		r.Held.Until = r.End.On
	}
}

// idle: the days on which a break begins and ends are open in part.
func (r *Record) idle(sh task.Share) {
	for _, b := range sh.Breaks {
		if span := (Span{dayAt(b.From.Time) + 1, dayAt(b.Until.Time) - 1}); span.From <= span.Until {
			r.Idle = append(r.Idle, span)
		}
	}
	if sh.Suspended.Done() {
		r.Idle = append(r.Idle, Span{dayAt(sh.Suspended.Time) + 1, Never})
	}
	r.Idle = apart(r.Idle)
}

// apart sorts spans and joins those that meet.
func apart(spans []Span) []Span {
	slices.SortFunc(spans, func(a, b Span) int { return cmp.Compare(a.From, b.From) })
	var out []Span
	for _, s := range spans {
		if n := len(out); n > 0 && s.From <= out[n-1].Until {
			out[n-1].Until = max(out[n-1].Until, s.Until)
			continue
		}
		out = append(out, s)
	}
	return out
}

// signed returns when the office took note: a first report or request signs too,
// and a dispute is an answer.
func (c *recorder) signed(sh task.Share) Mark {
	var first task.Act
	for _, a := range []task.Act{sh.Acknowledged, sh.Started, sh.Disputed} {
		if a.Done() && (!first.Done() || a.Time.Before(first.Time)) {
			first = a
		}
	}
	return c.mark(first)
}

// report notes a report; one day's reports for one period are one.
func (r *Record) report(c *recorder, p task.Report) {
	n := Report{Period: PeriodOf(p.Period), On: dayAt(p.Time), First: c.event(p.Event), Nil: p.Nil}
	n.Last = n.First
	for i, old := range r.Reports {
		if old.Period == n.Period && old.On == n.On {
			n.First = old.First
			r.Reports = slices.Delete(r.Reports, i, i+1)
			break
		}
	}
	r.Reports = append(r.Reports, n)
}

// A Round is one report that an office owes, in numbers.
type Round struct {
	Period Period // none if the report is owed once
	Days   Span
	Due    Day    // moved to a working day
	Event  string // the requirement

	whole Span // days of the period
}

// answers is directive.Round.Answers in numbers.
func (o *Round) answers(p *Report) bool {
	switch {
	case o.Period == Period{}:
		return p.On >= o.Days.From
	case p.Period != Period{}:
		return p.Period == o.Period
	default:
		return o.whole.Has(p.On)
	}
}

// RoundOf returns a round in numbers; a due day that is not worked is moved to the
// next that is.
func RoundOf(r directive.Round, w calendar.Workdays) Round {
	due, _ := w.OnOrAfter(r.Due)
	o := Round{Period: PeriodOf(r.Period), Days: Span{DayOf(r.From), DayOf(r.Until)}, Due: DayOf(due), Event: r.Event}
	if r.Period != "" {
		o.whole = o.Period.Days()
	}
	return o
}
