package light

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"duban/domain"
	"duban/domain/calendar"
	"duban/domain/finding"
	"duban/domain/inspection"
	"duban/domain/task"
)

var (
	clerk  = domain.Caller{Person: domain.Ref{Kind: domain.KindPerson, ID: "clerk"}, Office: domain.Ref{Kind: domain.KindOffice, ID: "safety"}, Role: domain.RoleSafetyOffice}
	office = domain.Ref{Kind: domain.KindOffice, ID: "a"}
	other  = domain.Ref{Kind: domain.KindOffice, ID: "b"}
	share  = task.ShareOf{Office: office}
	second = task.ShareOf{Office: other}
)

func at(s string) time.Time {
	t, err := time.ParseInLocation("2006-01-02 15:04", s, calendar.Zone)
	if err != nil {
		panic(err)
	}
	return t
}

// A said is a payload and when it happened.
type said struct {
	when string
	what domain.Payload
}

func history(kind domain.Kind, list ...said) []domain.Event {
	var out []domain.Event
	for i, s := range list {
		when := at(s.when)
		e := domain.Entry{By: clerk, Time: when, Now: when}.Event(domain.Ref{Kind: kind, ID: "x"}, s.what)
		e.ID, e.Version, e.Seq = fmt.Sprintf("e%d", i+1), uint64(i+1), uint64(i+1)
		out = append(out, e)
	}
	return out
}

func docketed(kind task.Kind, when string) []said {
	return []said{
		{when, &task.Docketed{Directive: domain.Ref{Kind: domain.KindDirective, ID: "d"}, TextSHA256: "x", Kind: kind}},
		{when, &task.Assigned{Offices: []task.Assignment{{Office: office, Role: task.RoleJoint}, {Office: other, Role: task.RoleJoint}}}},
	}
}

// on returns the light of the office's share on each of the days.
func on(t *testing.T, list []said, days ...calendar.Date) []string {
	t.Helper()
	s := task.Replay(history(domain.KindTask, list...))
	var windows []Window
	for _, sh := range s.Shares {
		if sh.Office == office && sh.Status.Active() {
			windows = OfShare(s, sh, DefaultRules(), calendar.NewWorkdays("test"))
		}
	}
	var out []string
	for _, d := range days {
		w, ok := On(windows, d)
		if !ok {
			out = append(out, Normal.String())
			continue
		}
		require.NotEmpty(t, w.Events)
		out = append(out, fmt.Sprintf("%s %d", w.Light, w.Days(d)))
	}
	return out
}

func TestShareLightsOnBoundaryDays(t *testing.T) {
	due := append(docketed(task.KindOneOff, "2019-07-01 09:00"), said{"2019-07-01 09:00", &task.StatedDeadline{Date: "2019-12-31"}})
	boundary := []calendar.Date{"2019-12-23", "2019-12-24", "2019-12-31", "2020-01-01", "2020-02-01"}
	for _, c := range []struct {
		name string
		then []said
		want []string
	}{
		{"nothing done", nil, []string{"normal", "due_soon 7", "due_soon 0", "overdue 1", "overdue 32"}},
		{"requested on the day", []said{{"2019-12-31 23:59", &task.ClosureRequested{ShareOf: share, Summary: "x"}}},
			[]string{"normal", "normal", "normal", "normal", "normal"}},
		{"requested a minute late", []said{{"2020-01-01 00:00", &task.ClosureRequested{ShareOf: share, Summary: "x"}}},
			[]string{"normal", "normal", "normal", "overdue 1", "overdue 32"}},
		{"returned", []said{{"2019-12-30 09:00", &task.ClosureRequested{ShareOf: share, Summary: "x"}}, {"2020-01-10 09:00", &task.Returned{ShareOf: share, Reason: "x"}}},
			[]string{"normal", "due_soon 7", "due_soon 0", "overdue 1", "overdue 32"}},
		{"accepted", []said{{"2019-12-30 09:00", &task.ClosureRequested{ShareOf: share, Summary: "x"}}, {"2020-01-10 09:00", &task.Accepted{ShareOf: share}}},
			[]string{"normal", "normal", "normal", "normal", "normal"}},
		{"the other share's request", []said{{"2019-12-30 09:00", &task.ClosureRequested{ShareOf: second, Summary: "x"}}},
			[]string{"normal", "due_soon 7", "due_soon 0", "overdue 1", "overdue 32"}},
		{"extended", []said{{"2019-12-01 09:00", &task.ExtensionRequested{ShareOf: share, NewDate: "2020-01-31", Reason: "x"}},
			{"2019-12-02 09:00", &task.ExtensionGranted{ShareOf: share, NewDate: "2020-01-31"}}},
			[]string{"normal", "normal", "normal", "normal", "overdue 1"}},
		{"refused", []said{{"2019-12-01 09:00", &task.ExtensionRequested{ShareOf: share, NewDate: "2020-01-31", Reason: "x"}},
			{"2019-12-02 09:00", &task.ExtensionRefused{ShareOf: share, Reason: "x"}}},
			[]string{"normal", "due_soon 7", "due_soon 0", "overdue 1", "overdue 32"}},
		{"only proposed", []said{{"2019-08-01 09:00", &task.ProposedDeadline{Scope: task.Scope{Office: office}, Date: "2019-10-01"}}},
			[]string{"normal", "due_soon 7", "due_soon 0", "overdue 1", "overdue 32"}},
		{"suspended", []said{{"2019-12-24 09:00", &task.Suspended{Reason: "x"}}},
			[]string{"normal", "suspended 0", "suspended 7", "suspended 8", "suspended 39"}},
		{"resumed", []said{{"2019-12-24 09:00", &task.Suspended{Reason: "x"}}, {"2019-12-26 09:00", &task.Resumed{Deadline: "2020-01-07"}}},
			[]string{"normal", "normal", "due_soon 7", "due_soon 6", "overdue 25"}},
		{"cancelled", []said{{"2019-12-24 09:00", &task.Cancelled{Reason: "x"}}}, []string{"normal", "normal", "normal", "normal", "normal"}},
		{"reopened", []said{{"2019-12-24 09:00", &task.Cancelled{Reason: "x"}}, {"2019-12-25 09:00", &task.Reopened{Reason: task.ReopenMistake, Words: "x"}}},
			[]string{"normal", "due_soon 7", "due_soon 0", "overdue 1", "overdue 32"}},
		{"handed on", []said{{"2019-12-24 09:00", &task.Transferred{From: office, To: domain.Ref{Kind: domain.KindOffice, ID: "c"}, Cause: task.CauseDecision}}},
			[]string{"normal", "normal", "normal", "normal", "normal"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.Equal(t, c.want, on(t, append(due[:len(due):len(due)], c.then...), boundary...))
		})
	}
}

// A request dated 2019-12-31T16:30Z is dated 2020-01-01: late.
func TestDatesAreChinese(t *testing.T) {
	list := append(docketed(task.KindOneOff, "2019-07-01 09:00"), said{"2019-07-01 09:00", &task.StatedDeadline{Date: "2019-12-31"}})
	h := history(domain.KindTask, append(list, said{"2019-12-31 12:00", &task.ClosureRequested{ShareOf: share, Summary: "x"}})...)
	h[len(h)-1].Time = time.Date(2019, 12, 31, 16, 30, 0, 0, time.UTC)
	s := task.Replay(h)
	w, ok := On(OfShare(s, s.Shares[0], DefaultRules(), calendar.Workdays{}), "2020-01-02")
	require.True(t, ok)
	require.Equal(t, Overdue, w.Light)
	require.Contains(t, w.Events, h[len(h)-1].ID, "the late request is among the reasons")
}

func TestUndatedAfterTenWorkingDays(t *testing.T) {
	// Docketed on a Monday: working day 10 is the Monday two weeks on.
	list := docketed(task.KindOneOff, "2019-07-01 09:00")
	days := []calendar.Date{"2019-07-14", "2019-07-15", "2019-07-16", "2019-12-31"}
	require.Equal(t, []string{"normal", "normal", "undated 0", "undated 168"}, on(t, list, days...))
	words := append(list[:len(list):len(list)], said{"2019-07-01 09:00", &task.StatedDeadline{Words: "长期坚持"}})
	require.Equal(t, []string{"normal", "normal", "undated 0", "undated 168"}, on(t, words, days...), "words are no date")
	dated := append(list[:len(list):len(list)], said{"2019-07-20 09:00", &task.SetDeadline{Date: "2020-12-31"}})
	require.Equal(t, []string{"normal", "normal", "normal", "normal"}, on(t, dated, days...))
	for _, kind := range []task.Kind{task.KindRecurring, task.KindStanding} {
		require.Equal(t, []string{"normal", "normal", "normal", "normal"}, on(t, docketed(kind, "2019-07-01 09:00"), days...))
	}
}

func TestUndatedIsProvisionalWithoutCalendar(t *testing.T) {
	s := task.Replay(history(domain.KindTask, docketed(task.KindOneOff, "2019-09-27 09:00")...))
	windows := OfShare(s, s.Shares[0], DefaultRules(), calendar.Workdays{})
	require.Len(t, windows, 1)
	require.True(t, windows[0].Provisional)

	// Sun 09-29 worked, 10-01 to 10-07 off: 09-29, 09-30, 10-08 … the tenth is 10-17.
	w := calendar.NewWorkdays("2019", calendar.Year{Year: 2019, Worked: []calendar.Date{"2019-09-29", "2019-10-12"},
		Off: []calendar.Date{"2019-10-01", "2019-10-02", "2019-10-03", "2019-10-04", "2019-10-07"}})
	windows = OfShare(s, s.Shares[0], DefaultRules(), w)
	require.False(t, windows[0].Provisional)
	require.Equal(t, calendar.Date("2019-10-17"), windows[0].From)
}

func TestRectificationOverdue(t *testing.T) {
	proof := domain.Particulars{Evidence: []domain.Evidence{{SHA256: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}}}
	ordered := []said{
		{"2019-09-01 09:00", &finding.Recorded{Subject: inspection.Subject{Name: "甲公司", Place: "银川"}, Description: "x", Category: "消防", FoundOn: "2019-09-01"}},
		{"2019-09-01 10:00", &finding.Verified{}},
		{"2019-09-01 11:00", &finding.Graded{Grade: finding.GradeOrdinary}},
		{"2019-09-02 09:00", &finding.RectificationOrdered{Rectifier: finding.Rectifier{Name: "甲公司"}, Deadline: "2019-09-30"}},
	}
	days := []calendar.Date{"2019-09-30", "2019-10-01", "2019-10-10", "2019-12-01"}
	for _, c := range []struct {
		name string
		then []said
		want []string
	}{
		{"nothing reported", nil, []string{"", "1", "10", "62"}},
		{"extended", []said{{"2019-09-20 09:00", &finding.RectificationExtended{Deadline: "2019-10-09", Reason: "x"}}}, []string{"", "", "1", "53"}},
		{"reported late", []said{{"2019-10-20 09:00", &finding.RectificationReported{Particulars: proof}}}, []string{"", "", "", ""}},
		{"failed", []said{{"2019-09-20 09:00", &finding.RectificationReported{Particulars: proof}}, {"2019-09-25 09:00", &finding.Reinspected{Opinion: "x"}}},
			[]string{"", "", "", ""}},
		{"ordered again", []said{{"2019-09-20 09:00", &finding.RectificationReported{Particulars: proof}}, {"2019-09-25 09:00", &finding.Reinspected{Opinion: "x"}},
			{"2019-09-26 09:00", &finding.RectificationOrdered{Rectifier: finding.Rectifier{Name: "甲公司"}, Deadline: "2019-10-09"}}}, []string{"", "", "1", "53"}},
		{"terminated", []said{{"2019-09-20 09:00", &finding.Terminated{Particulars: proof, Cause: finding.CauseRelocated, Proof: "x"}}}, []string{"", "", "", ""}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := finding.Replay(history(domain.KindFinding, append(ordered[:len(ordered):len(ordered)], c.then...)...))
			var have []string
			for _, d := range days {
				w, ok := On(OfFinding(s), d)
				if !ok {
					have = append(have, "")
					continue
				}
				require.Equal(t, RectificationOverdue, w.Light)
				require.Contains(t, w.Events, s.Order.Event)
				require.Contains(t, w.Events, s.Deadline.Event)
				have = append(have, fmt.Sprint(w.Days(d)))
			}
			require.Equal(t, c.want, have)
		})
	}
	require.Empty(t, OfFinding(finding.Replay(history(domain.KindFinding, ordered[:3]...))), "not ordered yet")
}

func TestNames(t *testing.T) {
	require.Len(t, Names(), int(Normal))
	for i, n := range Names() {
		l, err := Parse(n)
		require.NoError(t, err)
		require.Equal(t, Light(i+1), l)
		require.NotEmpty(t, l.Chinese())
		b, err := l.MarshalText()
		require.NoError(t, err)
		var back Light
		require.NoError(t, back.UnmarshalText(b))
		require.Equal(t, l, back)
	}
	require.Equal(t, []string{"red", "red", "yellow", "grey", "grey", "green"},
		[]string{Overdue.Colour(), RectificationOverdue.Colour(), DueSoon.Colour(), Undated.Colour(), Paused.Colour(), Normal.Colour()})
}
