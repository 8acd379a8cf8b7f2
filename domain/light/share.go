package light

import (
	"cmp"
	"slices"

	"duban/domain/calendar"
	"duban/domain/directive"
	"duban/domain/task"
)

// An of is one share on its way to its windows.
type of struct {
	Setting
	task   task.State
	share  task.Share
	duties directive.Duties
	out    []Window
}

// OfShare returns the windows of one share of a task, in the order they begin.
// duties are what its directive requires to be reported.
func OfShare(s task.State, sh task.Share, duties directive.Duties, set Setting) []Window {
	if rests, windows := resting(s, sh); rests {
		return windows
	}
	o := &of{Setting: set, task: s, share: sh, duties: duties}
	o.unsigned()
	o.unreported()
	o.awaitingReview()
	switch {
	case s.Kind == task.KindRecurring && s.Schedule != nil:
		o.recurring()
	case s.Kind == task.KindStanding:
		o.attestation()
		o.deadline()
	default:
		o.deadline()
		o.stagnant()
	}
	slices.SortStableFunc(o.out, func(a, b Window) int { return cmp.Compare(a.From, b.From) })
	return o.out
}

// resting reports whether nothing is expected of a share, and how that is shown:
// not at all once it is closed, grey while it is suspended.
func resting(s task.State, sh task.Share) (bool, []Window) {
	switch {
	case !s.Open() || !sh.Status.Active() || sh.Status == task.ShareAccepted:
		return true, nil
	case sh.Suspended.Done():
		return true, []Window{{Light: Paused, From: calendar.On(sh.Suspended.Time), Events: []string{sh.Suspended.Event}}}
	default:
		return false, nil
	}
}

func (o *of) add(w Window) { o.out = append(o.out, w) }

// unsigned: nobody there has shown to have seen the task.
func (o *of) unsigned() {
	sh := o.share
	if sh.Acknowledged.Done() || sh.Started.Done() || sh.Disputed.Done() {
		return
	}
	last, provisional := o.Workdays.After(calendar.On(sh.Assigned.Time), o.Rules.UnsignedWorkingDays)
	o.add(Window{Light: Unsigned, From: last.AddDays(1), Provisional: provisional, Events: []string{sh.Assigned.Event}})
}

// awaitingReview: the safety office owes an answer.
func (o *of) awaitingReview() {
	for _, r := range o.share.Requests {
		if r.Pending() {
			o.wait(r.Act, r.Period)
		}
	}
	if x, ok := o.share.Extension(); ok {
		o.wait(x.Act, "")
	}
	if d := o.share.Dispute; d != nil {
		o.wait(d.Act, "")
	}
}

func (o *of) wait(a task.Act, p calendar.Period) {
	last, provisional := o.Workdays.After(calendar.On(a.Time), o.Rules.ReviewWorkingDays)
	o.add(Window{Light: AwaitingReview, From: last.AddDays(1), Period: p, Provisional: provisional, Events: []string{a.Event}})
}

// deadline: the lights of a share that is due once.
func (o *of) deadline() {
	d, ok := o.task.Governing(o.share.Office)
	if !ok || d.Date == "" {
		if o.task.Kind == task.KindOneOff {
			docketed := o.task.Docketed
			last, provisional := o.Workdays.After(calendar.On(docketed.Time), o.Rules.UndatedWorkingDays)
			o.add(Window{Light: Undated, From: last.AddDays(1), Provisional: provisional, Events: []string{docketed.Event}})
		}
		return
	}
	request, pending := o.share.Pending()
	o.due(due{on: d.Date, events: []string{o.share.Assigned.Event, d.Event}, request: request, requested: pending})
}

// A due is a day by which closure is to be requested.
type due struct {
	on        calendar.Date
	period    calendar.Period
	events    []string
	request   task.Request // the unanswered one
	requested bool
}

// due adds the lights of a due day and returns the first day of the one that never
// ends, none if there is no such.
func (o *of) due(d due) (endless calendar.Date) {
	behind := d.events
	if !d.requested {
		o.add(Window{Light: DueSoon, From: d.on.AddDays(-o.Rules.DueSoonDays), Until: d.on, Deadline: d.on, Period: d.period, Events: behind})
	} else {
		if calendar.On(d.request.Time) <= d.on {
			return ""
		}
		behind = append(slices.Clip(behind), d.request.Event)
	}
	w := Window{Light: Overdue, From: d.on.AddDays(1), Deadline: d.on, Period: d.period, Events: behind}
	o.add(w)
	return w.From
}

// stagnant: nothing has come for long that moves a share that is due once.
func (o *of) stagnant() {
	if _, pending := o.share.Pending(); pending || o.share.Dispute != nil {
		return
	}
	moved := o.moved()
	o.add(Window{Light: Stagnant, From: o.stagnates(calendar.On(moved.Time)), Events: []string{moved.Event}})
}

func (o *of) stagnates(since calendar.Date) calendar.Date {
	return since.AddDays(o.Rules.StagnantDays + 1)
}

// moved returns what last moved the share: its assignment or transfer, a
// resumption or reopening, a substantive report.
func (o *of) moved() task.Act {
	last := o.share.Assigned
	take := func(a task.Act) {
		if a.Time.After(last.Time) {
			last = a
		}
	}
	for _, b := range o.share.Breaks {
		take(b.Until)
	}
	for _, r := range o.share.Reports {
		if r.Substantive && !r.Nil {
			take(r.Act)
		}
	}
	return last
}
