package light

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"duban/domain"
	"duban/domain/calendar"
	"duban/domain/directive"
	"duban/domain/task"
)

// The oracle answers for one day from the words of the agreed domain, with every
// period and round looked at anew, and knows nothing of windows.
type oracle struct {
	Setting
	events []domain.Event
	s      task.State
	sh     task.Share
	duties directive.Duties
	breaks [][2]calendar.Date // first and last day, each open in part
}

func (o oracle) date(a task.Act) calendar.Date { return calendar.On(a.Time) }

// workingDaysAfter counts the working days after d up to and with until.
func (o oracle) workingDaysAfter(d, until calendar.Date) int {
	n := 0
	for d < until {
		if d = d.AddDays(1); o.Workdays.Works(d) {
			n++
		}
	}
	return n
}

// past reports whether d lies after working day n after since.
func (o oracle) past(since, d calendar.Date, n int) bool {
	return d > since && (o.workingDaysAfter(since, d) > n || o.workingDaysAfter(since, d) == n && !o.Workdays.Works(d))
}

// on returns the worst light of the day.
func (o oracle) on(d calendar.Date) Light {
	if !o.s.Open() || o.sh.Status == task.ShareAccepted {
		return Normal
	}
	if o.sh.Suspended.Done() {
		if d >= o.date(o.sh.Suspended) {
			return Paused
		}
		return Normal
	}
	worst := Normal
	for l, fires := range map[Light]func(calendar.Date) bool{
		Overdue: o.overdue, DueSoon: o.dueSoon, Unsigned: o.unsigned, Unreported: o.unreported, Stagnant: o.stagnant,
		AttestationDue: o.attestationDue, AttestationOverdue: o.attestationOverdue, AwaitingReview: o.awaiting, Undated: o.undated,
	} {
		if l < worst && fires(d) {
			worst = l
		}
	}
	return worst
}

// dated is one day by which closure has to be asked for.
type dated struct {
	e       calendar.Date
	period  calendar.Period
	request task.Request
	pending bool
}

func (o oracle) scheduled() bool { return o.s.Kind == task.KindRecurring && o.s.Schedule != nil }

// dates lists what is due, for a recurring share the periods begun by d or due in
// the days after it.
func (o oracle) dates(d calendar.Date) []dated {
	if !o.scheduled() {
		g, ok := o.s.Governing(o.sh.Office)
		if !ok || g.Date == "" {
			return nil
		}
		r, pending := o.sh.Pending()
		return []dated{{g.Date, "", r, pending}}
	}
	var out []dated
	for p := calendar.PeriodOf(o.s.Schedule.Unit, "2018-01-01"); p.First() <= d.AddDays(40); p = p.Next() {
		if !o.owed(p) {
			continue
		}
		it := dated{e: o.dueOn(p), period: p}
		for _, r := range o.sh.Requests {
			if r.Period == p && r.Pending() {
				it.request, it.pending = r, true
			}
		}
		if _, accepted := o.sh.PeriodAccepted(p); !accepted {
			out = append(out, it)
		}
	}
	return out
}

func (o oracle) owed(p calendar.Period) bool {
	sch, assigned := o.s.Schedule, o.date(o.sh.Assigned)
	if sch.First != "" && p < sch.First || sch.First == "" && p.Last() < assigned || sch.Until != "" && p.First() > sch.Until || sch.On(p) < assigned {
		return false
	}
	asked := slices.ContainsFunc(o.sh.Requests, func(r task.Request) bool { return r.Period == p })
	return asked || o.openIn(p.First(), p.Last())
}

// dueOn: the schedule's day, or the latest date granted for this period: the first
// that was not accepted when more time was asked for.
func (o oracle) dueOn(p calendar.Period) calendar.Date {
	due := o.s.Schedule.On(p)
	for i, x := range o.sh.Extensions {
		if !x.Granted.Done() {
			continue
		}
		first := calendar.Period("")
		for q := calendar.PeriodOf(o.s.Schedule.Unit, "2018-01-01"); first == "" && q <= p; q = q.Next() {
			r, accepted := o.sh.PeriodAccepted(q)
			if o.owed(q) && (!accepted || r.Accepted.Time.After(o.sh.Extensions[i].Time)) {
				first = q
			}
		}
		for _, dl := range o.s.Deadlines {
			if first == p && dl.Event == x.Granted.Event {
				due = max(o.s.Schedule.On(p), dl.Date)
			}
		}
	}
	return due
}

// openIn looks at each day: it is closed if a break began before it and ends after it.
func (o oracle) openIn(from, until calendar.Date) bool {
	for d := max(from, o.date(o.sh.Assigned)); d <= until; d = d.AddDays(1) {
		if !slices.ContainsFunc(o.breaks, func(b [2]calendar.Date) bool { return b[0] < d && d < b[1] }) {
			return true
		}
	}
	return false
}

// readBreaks reads them from the events themselves.
func (o oracle) readBreaks() [][2]calendar.Date {
	var out [][2]calendar.Date
	suspended, ended := calendar.Date(""), calendar.Date("")
	var s task.State
	for _, e := range o.events {
		before := s
		s = task.Evolve(s, e)
		sh, _ := s.Share(office)
		old, _ := before.Share(office)
		day := calendar.On(e.Time)
		switch {
		case sh.Suspended.Done() && !old.Suspended.Done():
			suspended = day
		case !sh.Suspended.Done() && old.Suspended.Done():
			out = append(out, [2]calendar.Date{suspended, day})
		}
		working := s.Open() && sh.Status != task.ShareAccepted
		was := before.Open() && old.Status != task.ShareAccepted
		switch {
		case was && !working:
			ended = day
		case !was && working && ended != "":
			out = append(out, [2]calendar.Date{ended, day})
		}
	}
	return out
}

func (o oracle) overdue(d calendar.Date) bool {
	return slices.ContainsFunc(o.dates(d), func(x dated) bool {
		return d > x.e && (!x.pending || calendar.On(x.request.Time) > x.e)
	})
}

func (o oracle) dueSoon(d calendar.Date) bool {
	return slices.ContainsFunc(o.dates(d), func(x dated) bool {
		return !x.pending && x.e.AddDays(-o.Rules.DueSoonDays) <= d && d <= x.e
	})
}

func (o oracle) unsigned(d calendar.Date) bool {
	for _, e := range o.events {
		switch p := e.Data.(type) {
		case *task.Acknowledged:
			if p.Office == office {
				return false
			}
		case *task.ProgressReported, *task.ClosureRequested, *task.Disputed, *task.Attested:
			return false // the story's are all of this office
		}
	}
	return o.past(o.date(o.sh.Assigned), d, o.Rules.UnsignedWorkingDays)
}

func (o oracle) unreported(d calendar.Date) bool {
	return slices.ContainsFunc(o.duties.Rounds(office, "2018-01-01", d.AddDays(60)), func(r directive.Round) bool {
		due := r.Due
		for !o.Workdays.Works(due) {
			due = due.AddDays(1)
		}
		if d <= due || due < o.date(o.sh.Assigned) || !o.openIn(r.From, r.Until) || !o.openIn(due, due) || !o.openIn(due.AddDays(1), due.AddDays(1)) {
			return false
		}
		return !slices.ContainsFunc(o.sh.Reports, func(p task.Report) bool { return r.Answers(p.Period, calendar.On(p.Time)) })
	})
}

func (o oracle) stagnant(d calendar.Date) bool {
	if o.s.Kind == task.KindStanding || o.sh.Dispute != nil {
		return false
	}
	last := o.date(o.sh.Assigned)
	for _, b := range o.breaks {
		last = max(last, b[1])
	}
	for _, r := range o.sh.Reports {
		if r.Substantive && !r.Nil {
			last = max(last, calendar.On(r.Time))
		}
	}
	if !o.scheduled() {
		_, pending := o.sh.Pending()
		return !pending && d.DaysSince(last) > o.Rules.StagnantDays
	}
	i := slices.IndexFunc(o.dates(d), func(x dated) bool { return x.period.Contains(d) })
	return i >= 0 && !o.dates(d)[i].pending && d.DaysSince(max(last, o.dates(d)[i].period.First())) > o.Rules.StagnantDays
}

// unattested lists the years up to that of d that were not confirmed.
func (o oracle) unattested(d calendar.Date) []int {
	var out []int
	if o.s.Kind != task.KindStanding {
		return nil
	}
	for y := o.date(o.sh.Assigned).Year(); y <= d.Year(); y++ {
		attested := slices.ContainsFunc(o.sh.Attested, func(a task.Attestation) bool { return string(a.Period) == fmt.Sprint(y) })
		if !attested && o.openIn(calendar.Of(y, time.January, 1), calendar.Of(y, time.December, 31)) {
			out = append(out, y)
		}
	}
	return out
}

func (o oracle) attestationDue(d calendar.Date) bool {
	return slices.Contains(o.unattested(d), d.Year()) && calendar.Of(d.Year(), time.December, 31).DaysSince(d) <= o.Rules.AttestationDays
}

func (o oracle) attestationOverdue(d calendar.Date) bool {
	return slices.ContainsFunc(o.unattested(d), func(y int) bool { return y < d.Year() })
}

func (o oracle) awaiting(d calendar.Date) bool {
	for _, r := range o.sh.Requests {
		if r.Pending() && o.past(o.date(r.Act), d, o.Rules.ReviewWorkingDays) {
			return true
		}
	}
	x, waiting := o.sh.Extension()
	return waiting && o.past(o.date(x.Act), d, o.Rules.ReviewWorkingDays) ||
		o.sh.Dispute != nil && o.past(o.date(o.sh.Dispute.Act), d, o.Rules.ReviewWorkingDays)
}

func (o oracle) undated(d calendar.Date) bool {
	g, ok := o.s.Governing(office)
	return o.s.Kind == task.KindOneOff && (!ok || g.Date == "") && o.past(o.date(o.s.Docketed), d, o.Rules.UndatedWorkingDays)
}

// TestWindowsAgreeWithTheWords plays random histories of a share and compares, on
// every one of 500 days, the worst window with the oracle.
func TestWindowsAgreeWithTheWords(t *testing.T) {
	lit := map[Light]int{}
	rapid.Check(t, func(t *rapid.T) {
		o := draw(t)
		ws := OfShare(o.s, o.sh, o.duties, o.Setting)
		for i := range 500 {
			d := calendar.Date("2019-06-20").AddDays(i)
			have := Normal
			if w, ok := On(ws, d); ok {
				have = w.Light
			}
			if want := o.on(d); have != want {
				t.Fatalf("%s: %v, by the words %v\n%+v", d, have, want, ws)
			}
			lit[have]++
		}
		if len(ws) > 20 {
			t.Fatalf("%d windows are too many", len(ws))
		}
	})
	if testing.Short() { // a fifth of the histories: too few for every light
		return
	}
	for l := Overdue; l <= Normal; l++ {
		if lit[l] == 0 && l != RectificationOverdue && l != ReinspectionDue {
			t.Errorf("no history lit %v", l)
		}
	}
}

func draw(t *rapid.T) oracle {
	o := oracle{Setting: setting, duties: drawDuties(t)}
	if rapid.Bool().Draw(t, "other thresholds") {
		o.Rules.DueSoonDays, o.Rules.UnsignedWorkingDays, o.Rules.StagnantDays = rapid.IntRange(1, 40).Draw(t, "soon"), 1, rapid.IntRange(5, 80).Draw(t, "stagnant")
	}
	day := rapid.IntRange(0, 200).Draw(t, "docketed")
	clock := at("2019-07-01 09:00").AddDate(0, 0, day)
	kind := rapid.SampledFrom([]task.Kind{task.KindOneOff, task.KindRecurring, task.KindRecurring, task.KindStanding}).Draw(t, "kind")
	list := docketed(kind, clock.Format("2006-01-02 15:04"))
	if kind == task.KindRecurring && rapid.IntRange(0, 4).Draw(t, "scheduled") > 0 {
		list[0].what.(*task.Docketed).Schedule = drawSchedule(t, calendar.On(clock))
	}
	o.events = history(domain.KindTask, list...)
	for range rapid.IntRange(0, 12).Draw(t, "steps") {
		clock = clock.Add(time.Duration(rapid.IntRange(1, 24*45).Draw(t, "hours")) * time.Hour)
		s := task.Replay(o.events)
		by := clerk
		ask, own := drawAsk(t, s, calendar.On(clock))
		if own {
			by = domain.Caller{Person: domain.Ref{Kind: domain.KindPerson, ID: "o"}, Office: office, Role: domain.RoleOffice}
		}
		events, err := task.Decide(s, domain.Command{Entry: domain.Entry{By: by, Time: clock, Now: clock}, Subject: domain.Ref{Kind: domain.KindTask, ID: "x"}, Ask: ask})
		if err != nil {
			continue
		}
		for _, e := range events {
			e.ID = fmt.Sprintf("e%d", len(o.events)+1)
			o.events = append(o.events, e)
		}
	}
	o.s = task.Replay(o.events)
	o.sh, _ = o.s.Share(office)
	o.breaks = o.readBreaks()
	return o
}

func drawSchedule(t *rapid.T, from calendar.Date) *task.Schedule {
	s := &task.Schedule{Unit: calendar.Unit(rapid.IntRange(2, 5).Draw(t, "unit"))}
	if rapid.Bool().Draw(t, "from the first") {
		s.First = calendar.PeriodOf(s.Unit, from.AddDays(rapid.IntRange(-60, 90).Draw(t, "first")))
	}
	if rapid.Bool().Draw(t, "on a day") {
		s.Due = calendar.Due{Day: rapid.IntRange(1, 31).Draw(t, "day"), In: calendar.DueIn(rapid.IntRange(0, 2).Draw(t, "in"))}
	}
	if rapid.IntRange(0, 3).Draw(t, "ends") == 0 {
		s.Until = from.AddDays(rapid.IntRange(0, 300).Draw(t, "until"))
	}
	return s
}

func drawDuties(t *rapid.T) directive.Duties {
	var list []*directive.ReportingRequired
	for range rapid.IntRange(0, 2).Draw(t, "duties") {
		r := &directive.ReportingRequired{Unit: calendar.Unit(rapid.IntRange(1, 5).Draw(t, "duty")), From: calendar.Date("2019-06-01").AddDays(rapid.IntRange(0, 300).Draw(t, "from"))}
		if r.Unit != calendar.UnitOnce {
			r.Due = calendar.Due{Day: rapid.IntRange(1, 31).Draw(t, "due"), In: calendar.DueIn(rapid.IntRange(0, 2).Draw(t, "in"))}
		}
		if r.Unit == calendar.UnitOnce || rapid.Bool().Draw(t, "until") {
			r.Until = r.From.AddDays(rapid.IntRange(0, 250).Draw(t, "days"))
		}
		list = append(list, r)
	}
	return requiring(list)
}

// drawAsk draws a command; own says that it is the office's.
func drawAsk(t *rapid.T, s task.State, today calendar.Date) (ask domain.Payload, own bool) {
	with := domain.Particulars{Approval: &domain.Approval{Leader: "王", On: "2019-07-01", Words: "同意"}, Basis: []domain.Basis{{Document: "x"}}}
	p := calendar.Period("")
	if s.Kind == task.KindRecurring {
		p = "2019-09"
		if s.Schedule != nil {
			p = calendar.PeriodOf(s.Schedule.Unit, today.AddDays(-rapid.IntRange(0, 100).Draw(t, "days back")))
		}
	}
	reported := rapid.SampledFrom([]calendar.Period{"", calendar.PeriodOf(calendar.UnitMonth, today.AddDays(-20)), calendar.PeriodOf(calendar.UnitQuarter, today)}).Draw(t, "reported for")
	date := today.AddDays(rapid.IntRange(-10, 120).Draw(t, "date"))
	switch rapid.IntRange(0, 20).Draw(t, "act") {
	case 0:
		return &task.Acknowledged{ShareOf: share}, true
	case 1, 2, 3:
		return report(reported, true), true
	case 4:
		return report(reported, false), true
	case 5, 6:
		return nilReport(reported), true
	case 7, 8:
		return requested(p), true
	case 9:
		return &task.Returned{ShareOf: share, Period: p, Reason: "x"}, false
	case 10, 11:
		return &task.Accepted{ShareOf: share, Period: p}, false
	case 12:
		return &task.SetDeadline{Date: date}, false
	case 13:
		return &task.ExtensionRequested{ShareOf: share, NewDate: date, Reason: "x"}, true
	case 14:
		return &task.ExtensionGranted{Particulars: with, ShareOf: share, NewDate: date}, false
	case 15:
		return &task.Disputed{ShareOf: share, Reason: "x"}, true
	case 16:
		return &task.DisputeUpheld{ShareOf: share, Reason: "x"}, false
	case 17, 18:
		if rapid.Bool().Draw(t, "resume") {
			return &task.Resumed{}, false
		}
		return &task.Suspended{Particulars: with, Reason: "x"}, false
	case 19:
		return &task.Attested{ShareOf: share, Period: calendar.PeriodOf(calendar.UnitYear, today.AddDays(-100)), Statement: "x"}, true
	default:
		if s.Open() {
			return &task.Cancelled{Particulars: with, Reason: "x"}, false
		}
		return &task.Reopened{Particulars: with, Reason: task.ReopenNewFacts, Words: "x"}, false
	}
}
