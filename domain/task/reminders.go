package task

import (
	"fmt"

	"duban/domain"
	"duban/domain/calendar"
	"duban/domain/enum"
)

// ReminderStep is what a reminder by the calendar was for.
type ReminderStep uint8

// The steps towards a deadline and past it.
const (
	StepSeven   ReminderStep = iota + 1 // seven days before the deadline
	StepThree                           // three days before
	StepOne                             // the day before
	StepOverdue                         // the deadline has passed
)

var reminderSteps = enum.New[ReminderStep]("reminder step", "t_7", "t_3", "t_1", "overdue")

func (r ReminderStep) String() string { return reminderSteps.Name(r) }

// Chinese returns the step as the pages write it.
func (r ReminderStep) Chinese() string {
	return [...]string{"", "到期前7天", "到期前3天", "到期前1天", "逾期"}[min(r, StepOverdue)]
}

// MarshalText writes the wire name.
func (r ReminderStep) MarshalText() ([]byte, error) { return reminderSteps.Marshal(r) }

// UnmarshalText reads the wire name.
func (r *ReminderStep) UnmarshalText(b []byte) error { return reminderSteps.Unmarshal(b, r) }

const (
	// RemindAhead is how many days before a deadline the first reminder is due.
	RemindAhead = 7
	// remindAgain is how many days lie between two reminders of what is overdue: an
	// office that hears the same every day stops listening.
	remindAgain = 7
	// quietDays follow the day on which a share came to its office, was taken up
	// again or got more time: who has just had a word with the safety office about it
	// needs no reminder, and the paper may still be on its way.
	quietDays = 3
)

// A Reminder (催办) was given for a share by the calendar.
type Reminder struct {
	Act
	Step     ReminderStep
	Deadline calendar.Date
	Period   calendar.Period // of a recurring task
}

// Withheld is why a reminder whose day it is is not given.
type Withheld uint8

// The reasons.
const (
	WithheldSuspended Withheld = iota + 1 // nothing is expected now
	WithheldPending                       // the safety office owes an answer
	WithheldRecent                        // assigned, handed on, taken up again or extended a few days ago
	WithheldReminded                      // reminded of it already
)

var withhelds = enum.New[Withheld]("reason to withhold", "suspended", "pending", "recent", "reminded")

func (w Withheld) String() string { return withhelds.Name(w) }

// Chinese returns the reason as the pages write it.
func (w Withheld) Chinese() string {
	return [...]string{"", "已中止", "等待安委会办公室答复", "刚交办、转办、恢复或延期", "已催办"}[min(w, WithheldReminded)]
}

// A Call is a reminder that a day asks for: of one share, towards one deadline.
type Call struct {
	Office   domain.Ref
	Step     ReminderStep
	Deadline calendar.Date
	Period   calendar.Period
	Withheld Withheld // 0: it is due
}

// Words are what the office is told on day d.
func (c Call) Words(d calendar.Date) string {
	what := "时限 " + string(c.Deadline)
	if c.Period != "" {
		what = c.Period.Chinese() + "的" + what
	}
	if c.Step == StepOverdue {
		return fmt.Sprintf("%s 已过 %d 天，请尽快办理并申请报结", what, d.DaysSince(c.Deadline))
	}
	return fmt.Sprintf("距%s 还有 %d 天，请抓紧办理", what, c.Deadline.DaysSince(d))
}

// Calls returns the reminders that day d asks for, those that are withheld too, in
// the order of the shares. It says nothing of shares whose day it is not, of
// accepted ones and those that are out.
func (s State) Calls(d calendar.Date) []Call {
	if !s.Open() {
		return nil
	}
	var out []Call
	for _, sh := range s.Shares {
		if sh.Status.Active() && sh.Status != ShareAccepted {
			out = append(out, s.callsOf(sh, d)...)
		}
	}
	return out
}

func (s State) callsOf(sh Share, d calendar.Date) []Call {
	if s.Kind == KindRecurring && s.Schedule != nil {
		return s.periodCalls(sh, d)
	}
	g, ok := s.Governing(sh.Office)
	if !ok || g.Date == "" {
		return nil
	}
	_, pending := sh.Pending()
	return sh.call(nil, Call{Deadline: g.Date}, d, pending)
}

// periodCalls: of the periods that are overdue the office is told of the first one
// alone, for that is where it has to begin.
func (s State) periodCalls(sh Share, d calendar.Date) []Call {
	var out []Call
	overdue := false
	for o := range s.Occurrences(sh) {
		if o.Period.First().AddDays(-RemindAhead) > d {
			break // it falls due later than that, and so do all that follow
		}
		if o.Accepted || overdue && o.Due < d {
			continue
		}
		overdue = overdue || o.Due < d && !o.Requested()
		out = sh.call(out, Call{Deadline: o.Due, Period: o.Period}, d, o.Requested())
	}
	return out
}

// call adds the call for a deadline if day d asks for one.
func (sh Share) call(out []Call, c Call, d calendar.Date, requested bool) []Call {
	c.Office = sh.Office
	switch ahead := c.Deadline.DaysSince(d); {
	case ahead == RemindAhead:
		c.Step = StepSeven
	case ahead == 3:
		c.Step = StepThree
	case ahead == 1:
		c.Step = StepOne
	case ahead < 0:
		c.Step = StepOverdue
	default:
		return out
	}
	_, extension := sh.Extension()
	switch {
	case sh.Suspended.Done():
		c.Withheld = WithheldSuspended
	case requested || extension || sh.Dispute != nil:
		c.Withheld = WithheldPending
	case sh.reminded(c, d):
		c.Withheld = WithheldReminded
	case sh.quiet(d):
		c.Withheld = WithheldRecent
	}
	return append(out, c)
}

// reminded reports whether the share was reminded of this before: once for a step
// ahead of the deadline, in the last days for one that is overdue.
func (sh Share) reminded(c Call, d calendar.Date) bool {
	for _, r := range sh.Reminders {
		if r.Step == c.Step && r.Deadline == c.Deadline && r.Period == c.Period &&
			(c.Step != StepOverdue || d.DaysSince(calendar.On(r.Time)) < remindAgain) {
			return true
		}
	}
	return false
}

// quiet reports whether the share came to its office, was resumed, taken up again
// or extended in the last days, or after d.
func (sh Share) quiet(d calendar.Date) bool {
	recent := func(a Act) bool { return a.Done() && d.DaysSince(calendar.On(a.Time)) <= quietDays }
	if recent(sh.Assigned) {
		return true
	}
	for _, b := range sh.Breaks {
		if recent(b.Until) {
			return true
		}
	}
	for _, x := range sh.Extensions {
		if recent(x.Granted) {
			return true
		}
	}
	return false
}

// Reminders returns the events to ask for on day d, one for each step and deadline
// with the offices it is for.
func (s State) Reminders(d calendar.Date) []*Reminded {
	var out []*Reminded
next:
	for _, c := range s.Calls(d) {
		if c.Withheld != 0 {
			continue
		}
		for _, r := range out {
			if r.Step == c.Step && r.Deadline == c.Deadline && r.Period == c.Period {
				r.Offices = append(r.Offices, c.Office)
				continue next
			}
		}
		out = append(out, &Reminded{Offices: []domain.Ref{c.Office}, Words: c.Words(d), Step: c.Step, Deadline: c.Deadline, Period: c.Period})
	}
	return out
}
