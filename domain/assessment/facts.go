package assessment

import (
	"math"
	"slices"

	"duban/domain/calendar"
	"duban/domain/task"
)

// A Fact is one item of a figure.
type Fact struct {
	Figure   Figure
	N        int // 1, or days
	On       Day // the day that decided
	Period   Period
	Deadline Day      // Never if it has none
	Events   [4]int32 // places in the record's events, 0 for none
	Round    *Round   // the report that is owed
}

// A Question is what is asked of records: the facts of which days, as of which.
type Question struct {
	Span  Span
	Today Day
}

// Ever is the span of all that happened or fell due, up to the end of a day's year.
func Ever(today calendar.Date) Span { return Span{math.MinInt16, Year(today.Year()).Until} }

// A teller derives the facts of one record for one question.
type teller struct {
	*Record
	Question
	emit func(*Fact)
	fact Fact // the one being told
}

// Facts calls emit for every fact of the record; what it is given is used again for
// the next. rounds are the reports its
// office owes about days of the span.
func (r *Record) Facts(q Question, rounds []Round, emit func(*Fact)) {
	t := teller{Record: r, Question: q, emit: emit}
	if !r.Held.meets(q.Span) || r.Held.From > r.Held.Until {
		return
	}
	t.tell(InForce, r.Assigned.On, Never, r.Assigned)
	if !t.assessable() {
		return
	}
	t.tell(Assessable, r.Assigned.On, Never, r.Assigned)
	t.requests()
	t.extensions()
	t.unsigned()
	switch r.Kind {
	case task.KindOneOff:
		t.oneOff()
	case task.KindRecurring:
		t.recurring()
	case task.KindStanding:
		t.standing()
	}
	t.reports(rounds)
}

func (t *teller) tell(f Figure, on, deadline Day, marks ...Mark) {
	t.count(f, 1, on, deadline, Period{}, marks...)
}

func (t *teller) count(f Figure, n int, on, deadline Day, p Period, marks ...Mark) {
	t.fact = Fact{Figure: f, N: n, On: on, Deadline: deadline, Period: p}
	for i, m := range marks {
		t.fact.Events[i] = m.Event
	}
	t.emit(&t.fact)
}

// assessable: in force on a day that was not idle, and not taken out of account.
func (t *teller) assessable() bool {
	if t.Ending.leftOut() && t.End.On <= t.Span.Until {
		return false
	}
	first, last := max(t.Held.From, t.Span.From), min(t.Held.Until, t.Span.Until)
	return t.active(first-1, last) > 0
}

// active returns how many days after a day up to another one were not idle.
func (t *teller) active(after, until Day) int {
	if after >= until {
		return 0
	}
	n := int(until) - int(after)
	for _, s := range t.Idle {
		if from, to := max(s.From, after+1), min(s.Until, until); from <= to {
			n -= int(to-from) + 1
		}
	}
	return n
}

// feigned returns how many days after a day up to another one the share passed for
// done and was not. They are idle: nobody was to work or report then, but whoever
// was late was late on them too.
func (t *teller) feigned(after, until Day) int {
	n := 0
	for _, u := range t.Undone {
		if from, to := max(u.Accepted.On, after)+1, min(u.Reopened.On-1, until); u.False && from <= to {
			n += int(to-from) + 1
		}
	}
	return n
}

func (t *teller) idleOn(d Day) bool {
	for _, s := range t.Idle {
		if s.Has(d) {
			return true
		}
	}
	return false
}

// requests counts what was asked for and answered, by the day of the request.
func (t *teller) requests() {
	for _, q := range t.Requests {
		if !t.Span.Has(q.On) {
			continue
		}
		t.count(Requested, 1, q.On, Never, q.Period, q.Mark)
		switch {
		case q.Accepted:
			t.count(Completed, 1, q.On, Never, q.Period, q.Mark, q.Answer)
		case q.Answer.Done():
			t.count(Returned, 1, q.On, Never, q.Period, q.Mark, q.Answer)
		}
	}
	for _, u := range t.Undone {
		if u.False && t.Span.Has(u.Request.On) {
			t.tell(Overturned, u.Request.On, u.Deadline.On, u.Request, u.Accepted, u.Reopened)
		}
	}
}

func (t *teller) extensions() {
	for _, x := range t.Extensions {
		if !t.Span.Has(x.On) {
			continue
		}
		t.tell(ExtensionRequested, x.On, Never, x.Mark)
		if x.Granted.Done() {
			t.tell(ExtensionGranted, x.On, Never, x.Mark, x.Granted)
		}
	}
}

// unsigned counts the days of the span on which the share waited for a signature.
func (t *teller) unsigned() {
	until := min(t.Held.Until, t.Today)
	if t.Signed.Done() {
		until = min(until, t.Signed.On)
	}
	after, until := max(t.Assigned.On, t.Span.From-1), min(until, t.Span.Until)
	if n := t.active(after, until); n > 0 {
		t.count(UnsignedDays, n, after, Never, Period{}, t.Assigned, t.Signed)
	}
}

// oneOff: each completion that was taken up again for another reason than being
// false has its outcome; what followed has its own, if it had a deadline of its own.
func (t *teller) oneOff() {
	settled := int32(0) // the deadline that was met or missed before
	for _, u := range t.Undone {
		if u.False {
			continue
		}
		if u.Deadline.Done() && u.Deadline.Event != settled {
			t.outcome(u.Deadline, u.Request, u.Accepted, true)
		}
		settled = u.Deadline.Event
	}
	if !t.Deadline.Done() || settled != 0 && t.Deadline.Event == settled {
		return
	}
	var request, answer Mark
	accepted := t.Ending == EndingAccepted
	for _, q := range t.Requests {
		if accepted && q.Accepted || !accepted && !q.Answer.Done() {
			request, answer = q.Mark, q.Answer
		}
	}
	t.outcome(t.Deadline, request, answer, accepted)
}

// outcome tells what became of a dated obligation of a share.
func (t *teller) outcome(deadline, request, answer Mark, accepted bool) {
	due := deadline.On
	if request.Done() && request.On <= due {
		switch {
		case accepted:
			if t.Span.Has(request.On) {
				t.tell(OnTime, request.On, due, deadline, request, answer)
			}
		case t.Ending == 0 && due < t.Today && t.Span.Has(due):
			t.tell(AwaitingReview, request.On, due, deadline, request)
		}
		return
	}
	t.late(deadline, request, answer)
}

func (t *teller) late(deadline, request, answer Mark) {
	due, end := deadline.On, min(t.Held.Until, t.Today)
	if request.Done() {
		end = min(end, request.On)
	}
	inherited := due < t.Held.From
	switch {
	case due > t.Held.Until, due == t.Held.Until && t.Ending == EndingClosed:
		return // it left the office's hands, or was closed, before it was late
	case !request.Done() && due >= t.Today:
		return
	}
	from := max(due, t.Held.From-1)
	if !request.Done() && t.Ending == 0 && t.active(from, end) == 0 {
		return // suspended before it was late
	}
	if begun := max(due, t.Held.From); t.Span.Has(begun) {
		if !inherited {
			t.tell(Late, due, due, deadline, request, answer)
		}
		if n := t.active(from, end) + t.feigned(from, end); n > 0 {
			t.count(LateDays, n, from+1, due, Period{}, deadline, request)
		}
	} else if begun < t.Span.From && (end > t.Span.From || end == t.Span.From && !request.Done()) {
		t.tell(CarriedOver, due, due, deadline, request, answer)
	}
}

// recurring tells of the periods whose last day lies in the span.
func (t *teller) recurring() {
	unit := t.Schedule.Unit
	if unit == 0 {
		return
	}
	first := periodAt(unit, max(t.Held.From, t.Span.From))
	if t.Schedule.First.Unit == unit {
		first.N = max(first.N, t.Schedule.First.N)
	}
	last := min(t.Held.Until, t.Schedule.Until)
	for p := first; p.Days().Until <= t.Span.Until && p.Days().From <= last; p.N++ {
		t.round(p, t.due(p), t.request(p))
	}
}

// due returns the day on which a period is due and the event it rests on.
func (r *Record) due(p Period) Mark {
	for _, x := range r.Schedule.Extended {
		if x.Period == p {
			return x.Due
		}
	}
	return Mark{dueOn(r.Schedule.Due, p), r.Schedule.Basis.Event}
}

// request returns the request that counts for a period: the accepted one, else the
// one that waits.
func (t *teller) request(p Period) Request {
	var found Request
	for _, q := range t.Requests {
		if q.Period == p && !found.Accepted && (q.Accepted || !q.Answer.Done()) {
			found = q
		}
	}
	return found
}

// standing tells of the years whose attestation is due in the span.
func (t *teller) standing() {
	first := periodAt(calendar.UnitYear, max(t.Held.From, t.Span.From))
	for p := first; p.Days().Until <= t.Span.Until && p.Days().From <= min(t.Held.Until, t.Today); p.N++ {
		var made Request
		for _, a := range t.Attested {
			if a.Period == p {
				made = Request{Mark: a.Mark, Answer: a.Mark, Accepted: true}
			}
		}
		t.round(p, Mark{On: p.Days().Until}, made)
	}
}

// owed: on a day of the round the share was in force and worked on, it still was on
// the due day, and was not suspended by the next.
func (t *teller) owed(days Span, due Day) bool {
	return t.Held.Has(due) && !t.idleOn(due) && !t.idleOn(due+1) && t.began(days)
}

func (t *teller) began(days Span) bool {
	return t.active(max(days.From, t.Held.From)-1, min(days.Until, t.Held.Until)) > 0
}

// round tells what became of one period's obligation.
func (t *teller) round(p Period, deadline Mark, q Request) {
	if slices.Contains(t.Elsewhere, p) {
		return
	}
	due := deadline.On
	behind := [4]Mark{t.Assigned, deadline, q.Mark, q.Answer}
	if q.Answer == q.Mark {
		behind[3] = Mark{}
	}
	switch {
	case q.Done() && q.On <= due && q.Accepted:
		t.count(OnTime, 1, q.On, due, p, behind[:]...)
	case q.Done() && q.On <= due:
		if t.Today > due && t.Ending == 0 {
			t.count(AwaitingReview, 1, q.On, due, p, behind[:]...)
		}
	case q.Done() || t.Today > due && t.owed(p.Days(), due):
		end := min(t.Held.Until, t.Today)
		if q.Done() {
			end = q.On
		}
		t.count(Late, 1, due, due, p, behind[:]...)
		if n := t.active(due, end); n > 0 {
			t.count(LateDays, n, due+1, due, p, behind[:]...)
		}
	}
}

// reports tells of the rounds whose last day lies in the span.
func (t *teller) reports(rounds []Round) {
	for i := range rounds {
		o := &rounds[i]
		if !t.Span.Has(o.Days.Until) {
			continue
		}
		answer := t.Answer(o, t.Today)
		t.fact = Fact{N: 1, On: o.Days.Until, Deadline: o.Due, Period: o.Period, Round: o, Events: [4]int32{answer.Event, answer.Last.Last}}
		switch answer.Outcome {
		case OutcomeInTime:
			t.report(ReportInTime)
		case OutcomeLate:
			t.report(ReportLate)
		case OutcomeMissing:
			t.report(ReportMissing)
		case OutcomePending: // neither made nor due
		}
		if answer.Made && answer.Last.Nil {
			t.fact.Figure = ReportNil
			t.emit(&t.fact)
		}
	}
}

// report tells that a report is due, and what became of it.
func (t *teller) report(f Figure) {
	t.fact.Figure = ReportDue
	t.emit(&t.fact)
	t.fact.Figure = f
	t.emit(&t.fact)
}

// Outcome is what became of a report that is owed.
type Outcome uint8

// The outcomes. The zero Outcome is a report that is not owed.
const (
	OutcomePending Outcome = iota + 1 // not due yet
	OutcomeInTime
	OutcomeLate
	OutcomeMissing
)

// An Answer is what became of a report that is owed.
type Answer struct {
	Outcome Outcome
	Made    bool
	First   Day    // on which it was first made
	Event   int32  // that first made it
	Last    Report // the latest, which corrects those before it
}

// Answer says what became of a report as of a day.
func (r *Record) Answer(o *Round, today Day) Answer {
	t := teller{Record: r}
	if !t.began(o.Days) {
		return Answer{}
	}
	a := r.made(o)
	switch {
	case a.Made && a.First <= o.Due:
		a.Outcome = OutcomeInTime
	case a.Made:
		a.Outcome = OutcomeLate
	case !t.owed(o.Days, o.Due):
	case today > o.Due:
		a.Outcome = OutcomeMissing
	default:
		a.Outcome = OutcomePending
	}
	return a
}

// made gathers the reports that answer a round.
func (r *Record) made(o *Round) Answer {
	var a Answer
	for i := range r.Reports {
		if p := &r.Reports[i]; o.answers(p) {
			a.add(p)
		}
	}
	return a
}

// About returns what the share reported about a period for which it owes no
// report: for the period or a part of it, or for none on one of its days.
func (r *Record) About(p Period) Answer {
	days := p.Days()
	var a Answer
	for i := range r.Reports {
		o := &r.Reports[i]
		if about := o.days(); days.From <= about.From && about.Until <= days.Until {
			a.add(o)
		}
	}
	return a
}

// days returns what the report is about: its period, or the day it was made.
func (p *Report) days() Span {
	if p.Period == (Period{}) {
		return Span{p.On, p.On}
	}
	return p.Period.Days()
}

func (a *Answer) add(p *Report) {
	if !a.Made || p.On < a.First {
		a.First, a.Event = p.On, p.First
	}
	a.Made, a.Last = true, *p
}

// String returns the outcome's wire name.
func (o Outcome) String() string {
	return [...]string{"none", "pending", "in_time", "late", "missing"}[min(o, OutcomeMissing)]
}

// Chinese returns the outcome as the pages write it.
func (o Outcome) Chinese() string {
	return [...]string{"不要求报送", "未到期", "按时", "迟报", "未报"}[min(o, OutcomeMissing)]
}

// Due returns the day on which a period of a recurring share is due, Never if it
// has no such period.
func (r *Record) Due(p Period) Day {
	if r.Kind != task.KindRecurring || r.Schedule.Unit != p.Unit || p.N < r.Schedule.First.N || p.Days().From > r.Schedule.Until {
		return Never
	}
	return r.due(p).On
}

// Done reports whether a period of a recurring share was accepted.
func (r *Record) Done(p Period) bool {
	return slices.ContainsFunc(r.Requests, func(q Request) bool { return q.Period == p && q.Accepted })
}
