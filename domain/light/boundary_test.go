package light

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"duban/domain"
	"duban/domain/calendar"
	"duban/domain/directive"
	"duban/domain/finding"
	"duban/domain/policy"
	"duban/domain/task"
)

// TestGolden holds the golden cases of the agreed domain.
func TestGolden(t *testing.T) {
	for _, c := range []struct {
		name     string
		assigned string
		set      Setting
		from     calendar.Date
	}{
		{"a plain week", "2019-06-28 09:00", setting, "2019-07-04"},
		{"a worked Sunday and the week off", "2019-09-27 09:00", setting, "2019-10-09"},
		{"the spring festival, as known on 2020-01-24", "2020-01-23 09:00", setting, "2020-02-04"},
		{"the spring festival, once it was prolonged", "2020-01-23 09:00", later, "2020-02-06"},
	} {
		t.Run(c.name, func(t *testing.T) {
			ws := windows(docketed(task.KindStanding, c.assigned), nil, c.set)
			require.Equal(t, "normal", shown(ws, c.from.AddDays(-1)))
			require.Equal(t, "unsigned 0", shown(ws, c.from))
			w, _ := On(ws, c.from)
			require.False(t, w.Provisional)
			require.Equal(t, []string{"e2"}, w.Events)
		})
	}
}

func requiring(list []*directive.ReportingRequired) directive.Duties {
	var d directive.Duties
	for i, r := range list {
		d = append(d, directive.Reporting{Mark: directive.Mark{Event: fmt.Sprintf("r%d", i+1)}, ReportingRequired: *r})
	}
	return d
}

func monthly(day int, in calendar.DueIn) directive.Duties {
	return requiring([]*directive.ReportingRequired{{Unit: calendar.UnitMonth, Due: calendar.Due{Day: day, In: in}, From: "2019-07-01"}})
}

func recurring(unit calendar.Unit, first calendar.Period, due calendar.Due) []said {
	list := docketed(task.KindRecurring, "2019-07-01 09:00")
	list[0].what.(*task.Docketed).Schedule = &task.Schedule{Unit: unit, First: first, Due: due}
	return list
}

// A boundary is one light of one share: the first day it fires and the last, none
// if it goes on.
type boundary struct {
	name        string
	light       Light
	story       []said
	duties      directive.Duties
	from, until calendar.Date
}

func boundaries() []boundary {
	oneOff := docketed(task.KindOneOff, "2019-07-01 09:00") // a Monday
	standing := docketed(task.KindStanding, "2019-07-01 09:00")
	quarterly := recurring(calendar.UnitQuarter, "2019-Q3", calendar.Due{Day: 10})
	signed := active("2019-07-02", 0)
	ask := &task.ExtensionRequested{ShareOf: share, NewDate: "2020-03-31", Reason: "x"}
	approved := domain.Particulars{Approval: &domain.Approval{Leader: "王", On: "2019-07-01", Words: "同意"}}
	return []boundary{
		{"due soon", DueSoon, story(oneOff, stated("2019-12-31")), nil, "2019-12-24", "2019-12-31"},
		{"overdue", Overdue, story(oneOff, stated("2019-12-31")), nil, "2020-01-01", ""},
		{"undated, ten working days", Undated, oneOff, nil, "2019-07-16", ""},
		{"undated with words", Undated, story(oneOff, []said{{"2019-07-01 09:00", &task.StatedDeadline{Words: "长期坚持"}}}), nil, "2019-07-16", ""},
		{"unsigned, three working days", Unsigned, oneOff, nil, "2019-07-05", ""},
		{"unsigned after a transfer", Unsigned, story(oneOff, signed, []said{
			{"2019-08-01 09:00", &task.Transferred{From: office, To: domain.Ref{Kind: domain.KindOffice, ID: "c"}, Cause: task.CauseDecision}},
			{"2019-09-27 09:00", &task.Transferred{From: domain.Ref{Kind: domain.KindOffice, ID: "c"}, To: office, Cause: task.CauseDecision}}}), nil, "2019-10-09", ""},
		{"stagnant, thirty days", Stagnant, story(oneOff, signed), nil, "2019-08-01", ""},
		{"stagnant after a report", Stagnant, story(oneOff, []said{{"2019-08-15 09:00", report("", true)}}), nil, "2019-09-15", ""},
		{"a nil report does not count", Stagnant, story(oneOff, []said{{"2019-07-20 09:00", nilReport("")}}), nil, "2019-08-01", ""},
		{"nor does one without substance", Stagnant, story(oneOff, []said{{"2019-07-20 09:00", report("", false)}}), nil, "2019-08-01", ""},
		{"stagnant after resuming", Stagnant, story(oneOff, signed, []said{{"2019-07-10 09:00", &task.Suspended{Reason: "x"}}, {"2019-09-01 09:00", &task.Resumed{}}}), nil, "2019-10-02", ""},
		{"stagnant after reopening", Stagnant, story(oneOff, signed, []said{{"2019-07-10 09:00", requested("")}, {"2019-07-11 09:00", &task.Accepted{ShareOf: share}},
			{"2019-09-01 09:00", &task.Reopened{Particulars: approved, Reason: task.ReopenNewFacts, Words: "x"}}}), nil, "2019-10-02", ""},
		{"stagnant after a cancellation taken back", Stagnant, story(oneOff, signed, []said{{"2019-07-10 09:00", &task.Cancelled{Particulars: approved, Reason: "x"}},
			{"2019-09-01 09:00", &task.Reopened{Particulars: approved, Reason: task.ReopenMistake, Words: "x"}}}), nil, "2019-10-02", ""},
		{"stagnant in a quarter", Stagnant, quarterly, nil, "2019-08-01", "2019-09-30"},
		{"unreported in January before all of the year before is missing", Unreported, story(oneOff, active("2019-07-02", 0)), requiring([]*directive.ReportingRequired{
			{Unit: calendar.UnitYear, Due: calendar.Due{Day: 31}, From: "2019-07-01", Until: "2019-12-31"},
			{Unit: calendar.UnitMonth, Due: calendar.Due{Day: 21, In: calendar.DueInPeriod}, From: "2020-01-01"}}), "2020-01-22", ""},
		{"awaiting review of a request, five working days", AwaitingReview, story(oneOff, []said{{"2019-09-27 09:00", requested("")}}), nil, "2019-10-11", ""},
		{"awaiting review of an extension", AwaitingReview, story(oneOff, stated("2019-12-31"), []said{{"2019-07-01 10:00", ask}}), nil, "2019-07-09", ""},
		{"awaiting review of a dispute", AwaitingReview, story(oneOff, []said{{"2019-07-01 10:00", &task.Disputed{ShareOf: share, Reason: "x"}}}), nil, "2019-07-09", ""},
		{"awaiting review of a period", AwaitingReview, story(quarterly, []said{{"2019-09-27 09:00", requested("2019-Q3")}}), nil, "2019-10-11", ""},
		{"attestation due", AttestationDue, standing, nil, "2019-12-01", "2019-12-31"},
		{"attestation overdue", AttestationOverdue, standing, nil, "2020-01-01", ""},
		{"attestation of the next year", AttestationDue, story(standing, []said{{"2019-12-20 09:00", &task.Attested{ShareOf: share, Period: "2019", Statement: "x"}}}), nil, "2020-12-01", "2020-12-31"},
		{"unreported by the 5th of the next month, a Monday", Unreported, oneOff, monthly(5, calendar.DueInNext), "2019-08-06", ""},
		{"unreported by the 28th, a Sunday", Unreported, oneOff, monthly(28, calendar.DueInPeriod), "2019-07-30", ""},
		{"unreported over the week off", Unreported, story(oneOff, []said{{"2019-07-03 09:00", nilReport("")}, {"2019-08-03 09:00", nilReport("")}}), monthly(5, calendar.DueInNext), "2019-10-09", ""},
		{"a period of a quarter due soon", DueSoon, quarterly, nil, "2019-10-03", "2019-10-10"},
		{"a period of a quarter overdue", Overdue, quarterly, nil, "2019-10-11", ""},
		{"suspended", Paused, story(oneOff, []said{{"2019-07-10 09:00", &task.Suspended{Reason: "x"}}}), nil, "2019-07-10", ""},
	}
}

// Every light on the day before its first, on its first and its last, and the days
// after those.
func TestBoundaries(t *testing.T) {
	seen := map[Light]bool{RectificationOverdue: true, ReinspectionDue: true, Normal: true} // findings have their own test
	for _, b := range boundaries() {
		seen[b.light] = true
		t.Run(b.name, func(t *testing.T) {
			ws := slices.DeleteFunc(windows(b.story, b.duties, setting), func(w Window) bool { return w.Light != b.light })
			fires := func(d calendar.Date) bool { return shown(ws, d) != "normal" }
			require.False(t, fires(b.from.AddDays(-1)), "the day before")
			require.True(t, fires(b.from), "the first day: %+v", ws)
			require.True(t, fires(b.from.AddDays(1)), "the day after")
			if b.until == "" {
				require.True(t, fires("2199-12-31"))
			} else {
				require.True(t, fires(b.until), "the last day")
				require.False(t, fires(b.until.AddDays(1)), "the day after the last")
			}
			require.NotEmpty(t, ws[0].Events)
			require.NotContains(t, ws[0].Events, "")
		})
	}
	for l := Overdue; l <= Normal; l++ {
		require.True(t, seen[l], "%v has no boundary", l)
	}
}

// Each threshold moves the first day of its own light and of no other.
func TestThresholds(t *testing.T) {
	none := calendar.Workdays{} // Monday to Friday, so that working days are easy to count
	for _, c := range []struct {
		light Light
		set   func(*policy.Lights, int)
		ws    func(Setting) []Window
		first map[int]calendar.Date
	}{
		{DueSoon, func(l *policy.Lights, n int) { l.DueSoonDays = n }, func(s Setting) []Window {
			return windows(story(docketed(task.KindOneOff, "2019-07-01 09:00"), stated("2019-12-31")), nil, s)
		}, map[int]calendar.Date{1: "2019-12-30", 7: "2019-12-24", 30: "2019-12-01"}},
		{Unsigned, func(l *policy.Lights, n int) { l.UnsignedWorkingDays = n }, func(s Setting) []Window {
			return windows(docketed(task.KindOneOff, "2019-07-01 09:00"), nil, s)
		}, map[int]calendar.Date{1: "2019-07-03", 4: "2019-07-06", 5: "2019-07-09"}},
		{Stagnant, func(l *policy.Lights, n int) { l.StagnantDays = n }, func(s Setting) []Window {
			return windows(docketed(task.KindOneOff, "2019-07-01 09:00"), nil, s)
		}, map[int]calendar.Date{1: "2019-07-03", 15: "2019-07-17", 60: "2019-08-31"}},
		{AwaitingReview, func(l *policy.Lights, n int) { l.ReviewWorkingDays = n }, func(s Setting) []Window {
			return windows(story(docketed(task.KindOneOff, "2019-07-01 09:00"), []said{{"2019-07-01 10:00", requested("")}}), nil, s)
		}, map[int]calendar.Date{1: "2019-07-03", 4: "2019-07-06", 10: "2019-07-16"}},
		{Undated, func(l *policy.Lights, n int) { l.UndatedWorkingDays = n }, func(s Setting) []Window {
			return windows(docketed(task.KindOneOff, "2019-07-01 09:00"), nil, s)
		}, map[int]calendar.Date{1: "2019-07-03", 5: "2019-07-09", 20: "2019-07-30"}},
		{AttestationDue, func(l *policy.Lights, n int) { l.AttestationDays = n }, func(s Setting) []Window {
			return windows(docketed(task.KindStanding, "2019-07-01 09:00"), nil, s)
		}, map[int]calendar.Date{1: "2019-12-30", 16: "2019-12-15", 61: "2019-10-31"}},
		{ReinspectionDue, func(l *policy.Lights, n int) { l.ReinspectionDays = n }, func(s Setting) []Window {
			return OfFinding(finding.State{Status: finding.StatusReported, Reports: []finding.Report{{Mark: finding.Mark{Event: "e1", Time: at("2019-09-20 09:00")}}}}, s.Rules)
		}, map[int]calendar.Date{1: "2019-09-22", 10: "2019-10-01", 15: "2019-10-06"}},
	} {
		for n, want := range c.first {
			set := Setting{policy.Default(), none}
			c.set(&set.Rules.Lights, n)
			i := slices.IndexFunc(c.ws(set), func(w Window) bool { return w.Light == c.light })
			require.GreaterOrEqual(t, i, 0, "%v", c.light)
			w := c.ws(set)[i]
			require.Equal(t, want, w.From, "%v with %d", c.light, n)
			for _, o := range c.ws(Setting{policy.Default(), none}) {
				if o.Light != c.light {
					require.Contains(t, c.ws(set), o, "the threshold of %v moved %v", c.light, o.Light)
				}
			}
		}
	}
}

// What ends each light.
func TestWhatEndsALight(t *testing.T) {
	oneOff := docketed(task.KindOneOff, "2019-07-01 09:00")
	const late = "2019-12-01"
	for _, c := range []struct {
		name   string
		light  Light
		story  []said
		duties directive.Duties
		fires  bool
	}{
		{"signed", Unsigned, story(oneOff, active("2019-07-20", 0)), nil, false},
		{"reported", Unsigned, story(oneOff, []said{{"2019-07-20 09:00", nilReport("")}}), nil, false},
		{"requested", Unsigned, story(oneOff, []said{{"2019-07-20 09:00", requested("")}}), nil, false},
		{"disputed", Unsigned, story(oneOff, []said{{"2019-07-20 09:00", &task.Disputed{ShareOf: share, Reason: "x"}}}), nil, false},
		{"disputed in vain", Unsigned, story(oneOff, []said{{"2019-07-20 09:00", &task.Disputed{ShareOf: share, Reason: "x"}}, {"2019-07-21 09:00", &task.DisputeUpheld{ShareOf: share, Reason: "x"}}}), nil, false},
		{"signed by another", Unsigned, story(oneOff, []said{{"2019-07-20 09:00", &task.Acknowledged{ShareOf: second}}}), nil, true},
		{"requested", Stagnant, story(oneOff, []said{{"2019-07-20 09:00", requested("")}}), nil, false},
		{"returned", Stagnant, story(oneOff, []said{{"2019-07-20 09:00", requested("")}, {"2019-07-21 09:00", &task.Returned{ShareOf: share, Reason: "x"}}}), nil, true},
		{"disputed", Stagnant, story(oneOff, []said{{"2019-07-20 09:00", &task.Disputed{ShareOf: share, Reason: "x"}}}), nil, false},
		{"disputed in vain", Stagnant, story(oneOff, []said{{"2019-07-20 09:00", &task.Disputed{ShareOf: share, Reason: "x"}}, {"2019-07-21 09:00", &task.DisputeUpheld{ShareOf: share, Reason: "x"}}}), nil, true},
		{"a standing duty", Stagnant, docketed(task.KindStanding, "2019-07-01 09:00"), nil, false},
		{"a request answered", AwaitingReview, story(oneOff, []said{{"2019-07-20 09:00", requested("")}, {"2019-07-21 09:00", &task.Returned{ShareOf: share, Reason: "x"}}}), nil, false},
		{"an extension refused", AwaitingReview, story(oneOff, stated("2020-12-31"), []said{{"2019-07-20 09:00", &task.ExtensionRequested{ShareOf: share, NewDate: "2021-01-31", Reason: "x"}},
			{"2019-07-21 09:00", &task.ExtensionRefused{ShareOf: share, Reason: "x"}}}), nil, false},
		{"a dispute upheld", AwaitingReview, story(oneOff, []said{{"2019-07-20 09:00", &task.Disputed{ShareOf: share, Reason: "x"}}, {"2019-07-21 09:00", &task.DisputeUpheld{ShareOf: share, Reason: "x"}}}), nil, false},
		{"dated", Undated, story(oneOff, []said{{"2019-07-20 09:00", &task.SetDeadline{Date: "2020-12-31"}}}), nil, false},
		{"recurring", Undated, docketed(task.KindRecurring, "2019-07-01 09:00"), nil, false},
		{"standing", Undated, docketed(task.KindStanding, "2019-07-01 09:00"), nil, false},
		{"attested", AttestationDue, story(docketed(task.KindStanding, "2019-07-01 09:00"), []said{{"2019-11-20 09:00", &task.Attested{ShareOf: share, Period: "2019", Statement: "x"}}}), nil, false},
		{"attested for another year", AttestationDue, story(docketed(task.KindStanding, "2019-07-01 09:00"), []said{{"2019-11-20 09:00", &task.Attested{ShareOf: share, Period: "2020", Statement: "x"}}}), nil, true},
		{"one report for July", Unreported, story(oneOff, []said{{"2019-08-20 09:00", report("2019-07", true)}}), monthly(5, calendar.DueInNext), true},
		{"no duty", Unreported, oneOff, nil, false},
		{"another office's duty", Unreported, oneOff, requiring([]*directive.ReportingRequired{{Unit: calendar.UnitMonth, Due: calendar.Due{Day: 5}, From: "2019-07-01", Offices: []domain.Ref{other}}}), false},
		{"once, late and without a period", Unreported, story(oneOff, []said{{"2019-08-20 09:00", nilReport("")}}), requiring([]*directive.ReportingRequired{{Unit: calendar.UnitOnce, From: "2019-07-01", Until: "2019-08-10"}}), false},
		{"once, nothing came", Unreported, oneOff, requiring([]*directive.ReportingRequired{{Unit: calendar.UnitOnce, From: "2019-07-01", Until: "2019-08-10"}}), true},
		{"once, due before the share was there", Unreported, docketed(task.KindOneOff, "2019-08-20 09:00"), requiring([]*directive.ReportingRequired{{Unit: calendar.UnitOnce, From: "2019-07-01", Until: "2019-08-10"}}), false},
		{"suspended over the whole period", Unreported, story(oneOff, []said{{"2019-07-01 10:00", nilReport("")}, {"2019-07-31 09:00", &task.Suspended{Reason: "x"}}, {"2019-09-01 09:00", &task.Resumed{}}}),
			requiring([]*directive.ReportingRequired{{Unit: calendar.UnitMonth, Due: calendar.Due{Day: 5}, From: "2019-07-01", Until: "2019-08-31"}}), false},
		{"suspended on the due day, and resumed", Unreported, story(oneOff, []said{{"2019-08-05 09:00", &task.Suspended{Reason: "x"}}, {"2019-08-07 09:00", &task.Resumed{}}}),
			requiring([]*directive.ReportingRequired{{Unit: calendar.UnitMonth, Due: calendar.Due{Day: 5}, From: "2019-07-01", Until: "2019-07-31"}}), false},
		{"resumed on the due day", Unreported, story(oneOff, []said{{"2019-08-02 09:00", &task.Suspended{Reason: "x"}}, {"2019-08-05 09:00", &task.Resumed{}}}),
			requiring([]*directive.ReportingRequired{{Unit: calendar.UnitMonth, Due: calendar.Due{Day: 5}, From: "2019-07-01", Until: "2019-07-31"}}), true},
		{"suspended two days before it, and resumed the day after", Unreported, story(oneOff, []said{{"2019-08-03 09:00", &task.Suspended{Reason: "x"}}, {"2019-08-06 09:00", &task.Resumed{}}}),
			requiring([]*directive.ReportingRequired{{Unit: calendar.UnitMonth, Due: calendar.Due{Day: 5}, From: "2019-07-01", Until: "2019-07-31"}}), false},
		{"suspended the day after the due day", Unreported, story(oneOff, []said{{"2019-08-06 09:00", &task.Suspended{Reason: "x"}}, {"2019-08-09 09:00", &task.Resumed{}}}),
			requiring([]*directive.ReportingRequired{{Unit: calendar.UnitMonth, Due: calendar.Due{Day: 5}, From: "2019-07-01", Until: "2019-07-31"}}), true},
		{"suspended over a part of it", Unreported, story(oneOff, []said{{"2019-07-01 10:00", nilReport("")}, {"2019-08-01 09:00", &task.Suspended{Reason: "x"}}, {"2019-09-01 09:00", &task.Resumed{}}}),
			requiring([]*directive.ReportingRequired{{Unit: calendar.UnitMonth, Due: calendar.Due{Day: 5}, From: "2019-07-01", Until: "2019-08-31"}}), true},
	} {
		fires := slices.ContainsFunc(windows(c.story, c.duties, setting), func(w Window) bool { return w.Light == c.light && w.Contains(late) })
		require.Equal(t, c.fires, fires, "%s: %v", c.name, c.light)
	}
}

// Red before yellow, blue, grey, and within a colour the order of the domain.
func TestWorstOfMany(t *testing.T) {
	var ws []Window
	for l := Overdue; l < Normal; l++ {
		ws = append(ws, Window{Light: l, From: "2019-07-01"})
	}
	for want := Overdue; want < Normal; want++ {
		for range ws {
			w, ok := On(ws, "2019-07-01")
			require.True(t, ok)
			require.Equal(t, want, w.Light)
			ws = append(ws[1:], ws[0]) // whatever the order
		}
		ws = slices.DeleteFunc(ws, func(w Window) bool { return w.Light == want })
	}
	early := Window{Light: Overdue, From: "2019-06-01"}
	w, _ := On([]Window{{Light: Overdue, From: "2019-07-01"}, early}, "2019-07-01")
	require.Equal(t, early, w, "the one that fires longest")
}

// A recurring share turns over from period to period without any event.
func TestPeriods(t *testing.T) {
	done := func(when string, p calendar.Period) []said {
		return []said{{when + " 09:00", requested(p)}, {when + " 10:00", &task.Accepted{ShareOf: share, Period: p}}}
	}
	monthlies := story(recurring(calendar.UnitMonth, "2019-11", calendar.Due{Day: 5}), active("2019-07-02", 0))
	days := []calendar.Date{"2019-11-27", "2019-11-28", "2019-12-05", "2019-12-06", "2019-12-30", "2020-01-05", "2020-01-06", "2021-06-01"}
	for _, c := range []struct {
		name string
		then []said
		want []string
	}{
		{"nothing done", nil, []string{"normal", "due_soon 7 2019-11", "due_soon 0 2019-11", "overdue 1 2019-11", "overdue 25 2019-11", "overdue 31 2019-11", "overdue 32 2019-11", "overdue 544 2019-11"}},
		{"November done", done("2019-12-01", "2019-11"),
			[]string{"normal", "normal", "normal", "normal", "due_soon 6 2019-12", "due_soon 0 2019-12", "overdue 1 2019-12", "overdue 513 2019-12"}},
		{"November done late", done("2019-12-20", "2019-11"),
			[]string{"normal", "normal", "normal", "normal", "due_soon 6 2019-12", "due_soon 0 2019-12", "overdue 1 2019-12", "overdue 513 2019-12"}},
		{"December done, November forgotten", done("2020-01-02", "2019-12"),
			[]string{"normal", "due_soon 7 2019-11", "due_soon 0 2019-11", "overdue 1 2019-11", "overdue 25 2019-11", "overdue 31 2019-11", "overdue 32 2019-11", "overdue 544 2019-11"}},
		{"November asked for in time", []said{{"2019-12-05 09:00", requested("2019-11")}},
			[]string{"normal", "normal", "normal", "normal", "due_soon 6 2019-12", "due_soon 0 2019-12", "overdue 1 2019-12", "overdue 513 2019-12"}},
		{"November extended", []said{{"2019-12-02 09:00", &task.ExtensionRequested{ShareOf: share, NewDate: "2019-12-31", Reason: "x"}},
			{"2019-12-03 09:00", &task.ExtensionGranted{ShareOf: share, NewDate: "2019-12-31"}}},
			[]string{"normal", "normal", "normal", "normal", "due_soon 1 2019-11", "overdue 5 2019-11", "overdue 6 2019-11", "overdue 518 2019-11"}},
	} {
		t.Run(c.name, func(t *testing.T) { require.Equal(t, c.want, on(story(monthlies, c.then), days...)) })
	}

	far := story(monthlies, []said{{"2019-12-02 09:00", &task.ExtensionRequested{ShareOf: share, NewDate: "2025-12-31", Reason: "x"}},
		{"2019-12-03 09:00", &task.ExtensionGranted{ShareOf: share, NewDate: "2025-12-31"}}})
	require.Less(t, len(windows(far, nil, setting)), 10, "periods after the first that turns red for good need no windows")

	ended := recurring(calendar.UnitMonth, "2019-11", calendar.Due{Day: 5})
	ended[0].what.(*task.Docketed).Schedule.Until = "2019-12-31"
	both := story(ended, active("2019-07-02", 0), done("2019-12-01", "2019-11"), done("2020-01-02", "2019-12"))
	require.Empty(t, windows(both, nil, setting), "the schedule has ended and every period is done")
	handed := story(monthlies, done("2019-12-01", "2019-11"), []said{
		{"2020-02-10 09:00", &task.Transferred{From: office, To: domain.Ref{Kind: domain.KindOffice, ID: "c"}, Cause: task.CauseDecision}},
		{"2020-02-11 09:00", &task.Transferred{From: domain.Ref{Kind: domain.KindOffice, ID: "c"}, To: office, Cause: task.CauseDecision}}})
	require.Equal(t, "overdue 40 2019-12", shown(windows(handed, nil, setting), "2020-02-14"), "what the office before left undone goes with the share")
}

// A year nobody published is assumed, and the light says so.
func TestProvisional(t *testing.T) {
	known := Setting{policy.Default(), calendar.NewWorkdays("2019.1", y2019)}
	for _, c := range []struct {
		light Light
		story []said
		want  bool
	}{
		{Unsigned, docketed(task.KindOneOff, "2019-12-26 09:00"), false}, // the third working day is 12-31
		{Unsigned, docketed(task.KindOneOff, "2019-12-27 09:00"), true},
		{Undated, docketed(task.KindOneOff, "2019-12-17 09:00"), false},
		{Undated, docketed(task.KindOneOff, "2019-12-18 09:00"), true},
		{AwaitingReview, story(docketed(task.KindOneOff, "2019-07-01 09:00"), []said{{"2019-12-24 09:00", requested("")}}), false},
		{AwaitingReview, story(docketed(task.KindOneOff, "2019-07-01 09:00"), []said{{"2019-12-25 09:00", requested("")}}), true},
		{Unreported, docketed(task.KindOneOff, "2019-11-01 09:00"), false},
		{Unreported, docketed(task.KindOneOff, "2019-12-01 09:00"), true},
	} {
		for _, w := range windows(c.story, monthly(5, calendar.DueInNext), known) {
			if w.Light == c.light {
				require.Equal(t, c.want, w.Provisional, "%v from %s", w.Light, w.From)
			}
		}
	}
}
