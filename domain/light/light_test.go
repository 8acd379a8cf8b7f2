package light

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"duban/domain"
	"duban/domain/calendar"
	"duban/domain/directive"
	"duban/domain/finding"
	"duban/domain/inspection"
	"duban/domain/policy"
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

// What the State Council published for 2019, and for 2020 before and after it
// prolonged the spring festival (国办发明电〔2020〕1号).
var (
	y2019 = calendar.Year{Year: 2019, Worked: []calendar.Date{"2019-02-02", "2019-02-03", "2019-04-28", "2019-05-05", "2019-09-29", "2019-10-12"},
		Off: slices.Concat(span("2019-01-01", 1), span("2019-02-04", 7), span("2019-04-05", 3), span("2019-05-01", 4), span("2019-06-07", 3), span("2019-09-13", 3), span("2019-10-01", 7))}
	y2020 = calendar.Year{Year: 2020, Worked: []calendar.Date{"2020-01-19", "2020-02-01", "2020-04-26", "2020-05-09"},
		Off: slices.Concat(span("2020-01-01", 1), span("2020-01-24", 7), span("2020-04-04", 3), span("2020-05-01", 5))}
	prolonged = calendar.Year{Year: 2020, Worked: []calendar.Date{"2020-01-19", "2020-04-26", "2020-05-09"},
		Off: slices.Concat(span("2020-01-01", 1), span("2020-01-24", 10), span("2020-04-04", 3), span("2020-05-01", 5))}

	setting = Setting{policy.Default(), calendar.NewWorkdays("2019.1+2020.1", y2019, y2020)}
	later   = Setting{policy.Default(), calendar.NewWorkdays("2019.1+2020.2", y2019, prolonged)}
)

func span(from calendar.Date, n int) []calendar.Date {
	var out []calendar.Date
	for i := range n {
		out = append(out, from.AddDays(i))
	}
	return out
}

// windows returns those of the office's active share after a history.
func windows(list []said, duties directive.Duties, set Setting) []Window {
	s := task.Replay(history(domain.KindTask, list...))
	sh, _ := s.Share(office)
	return OfShare(s, sh, duties, set)
}

// shown is the light of a day with its count of days, and the period of it.
func shown(ws []Window, d calendar.Date) string {
	w, ok := On(ws, d)
	if !ok {
		return "normal"
	}
	out := fmt.Sprintf("%s %d", w.Light, w.Days(d))
	if w.Light == AttestationOverdue {
		out = "red " + out
	}
	if w.Period != "" {
		out += " " + string(w.Period)
	}
	return out
}

func on(list []said, days ...calendar.Date) []string {
	var out []string
	for _, d := range days {
		out = append(out, shown(windows(list, nil, setting), d))
	}
	return out
}

// active keeps the lights of waiting out of a story: it is signed, and something
// of substance is reported every month.
func active(from calendar.Date, months int) []said {
	out := []said{{string(from) + " 10:00", &task.Acknowledged{ShareOf: share}}}
	for range months {
		from = from.AddDays(30)
		out = append(out, said{string(from) + " 10:00", report("", true)})
	}
	return out
}

func report(p calendar.Period, substantive bool) *task.ProgressReported {
	return &task.ProgressReported{ShareOf: share, Period: p, Condition: task.ConditionNormal, Progress: "x", Substantive: substantive}
}

func nilReport(p calendar.Period) *task.ProgressReported {
	return &task.ProgressReported{ShareOf: share, Period: p, Condition: task.ConditionNormal, Nil: true}
}

func requested(p calendar.Period) *task.ClosureRequested {
	return &task.ClosureRequested{ShareOf: share, Period: p, Summary: "x"}
}

func story(parts ...[]said) []said {
	out := slices.Concat(parts...)
	slices.SortStableFunc(out, func(a, b said) int { return at(a.when).Compare(at(b.when)) })
	return out
}

func stated(d calendar.Date) []said {
	return []said{{"2019-07-01 09:00", &task.StatedDeadline{Date: d}}}
}

// The lights of a deadline, where nothing else keeps the office waiting.
func TestDeadline(t *testing.T) {
	due := story(docketed(task.KindOneOff, "2019-07-01 09:00"), stated("2019-12-31"), active("2019-07-02", 8))
	boundary := []calendar.Date{"2019-12-23", "2019-12-24", "2019-12-31", "2020-01-01", "2020-02-01"}
	for _, c := range []struct {
		name string
		then []said
		want []string
	}{
		{"nothing done", nil, []string{"normal", "due_soon 7", "due_soon 0", "overdue 1", "overdue 32"}},
		{"requested on the day", []said{{"2019-12-31 23:59", &task.ClosureRequested{ShareOf: share, Summary: "x"}}},
			[]string{"normal", "normal", "normal", "normal", "awaiting_review 23"}},
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
			require.Equal(t, c.want, on(story(due, c.then), boundary...))
		})
	}
}

// A request dated 2019-12-31T16:30Z is dated 2020-01-01: late.
func TestDatesAreChinese(t *testing.T) {
	h := history(domain.KindTask, story(docketed(task.KindOneOff, "2019-07-01 09:00"), stated("2019-12-31"), []said{{"2019-12-31 12:00", requested("")}})...)
	h[len(h)-1].Time = time.Date(2019, 12, 31, 16, 30, 0, 0, time.UTC)
	s := task.Replay(h)
	w, ok := On(OfShare(s, s.Shares[0], nil, setting), "2020-01-02")
	require.True(t, ok)
	require.Equal(t, Overdue, w.Light)
	require.Contains(t, w.Events, h[len(h)-1].ID, "the late request is among the reasons")
}

func TestRectification(t *testing.T) {
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
		{"nothing reported", nil, []string{"", "rectification_overdue 1", "rectification_overdue 10", "rectification_overdue 62"}},
		{"extended", []said{{"2019-09-20 09:00", &finding.RectificationExtended{Deadline: "2019-10-09", Reason: "x"}}}, []string{"", "", "rectification_overdue 1", "rectification_overdue 53"}},
		{"reported late", []said{{"2019-10-20 09:00", &finding.RectificationReported{Particulars: proof}}}, []string{"", "", "", "reinspection_due 31"}},
		{"reported", []said{{"2019-09-20 09:00", &finding.RectificationReported{Particulars: proof}}}, []string{"", "reinspection_due 0", "reinspection_due 9", "reinspection_due 61"}},
		{"failed", []said{{"2019-09-20 09:00", &finding.RectificationReported{Particulars: proof}}, {"2019-09-25 09:00", &finding.Reinspected{Opinion: "x"}}},
			[]string{"", "", "", ""}},
		{"ordered again", []said{{"2019-09-20 09:00", &finding.RectificationReported{Particulars: proof}}, {"2019-09-25 09:00", &finding.Reinspected{Opinion: "x"}},
			{"2019-09-26 09:00", &finding.RectificationOrdered{Rectifier: finding.Rectifier{Name: "甲公司"}, Deadline: "2019-10-09"}}}, []string{"", "", "rectification_overdue 1", "rectification_overdue 53"}},
		{"terminated", []said{{"2019-09-20 09:00", &finding.Terminated{Particulars: proof, Cause: finding.CauseRelocated, Proof: "x"}}}, []string{"", "", "", ""}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := finding.Replay(history(domain.KindFinding, append(ordered[:len(ordered):len(ordered)], c.then...)...))
			var have []string
			for _, d := range days {
				w, ok := On(OfFinding(s, policy.Default()), d)
				if !ok {
					have = append(have, "")
					continue
				}
				if w.Light == RectificationOverdue {
					require.Contains(t, w.Events, s.Order.Event)
					require.Contains(t, w.Events, s.Deadline.Event)
				}
				have = append(have, fmt.Sprintf("%s %d", w.Light, w.Days(d)))
			}
			require.Equal(t, c.want, have)
		})
	}
	require.Empty(t, OfFinding(finding.Replay(history(domain.KindFinding, ordered[:3]...)), policy.Default()), "not ordered yet")
}

// The order and the names are those of the agreed domain.
func TestNames(t *testing.T) {
	require.Equal(t, []string{"overdue", "rectification_overdue", "attestation_due", "due_soon", "unsigned", "unreported", "stagnant", "reinspection_due",
		"awaiting_review", "undated", "suspended", "normal"}, Names())
	var colours []string
	for l := Overdue; l <= Normal; l++ {
		named, err := Named(l.String())
		require.NoError(t, err)
		require.Contains(t, named, l)
		require.NotEmpty(t, l.Chinese())
		if c := l.Colour(); len(colours) == 0 || colours[len(colours)-1] != c {
			colours = append(colours, c)
		}
	}
	require.Equal(t, []string{"red", "yellow", "blue", "grey", "green"}, colours, "worst first")
	both, err := Named("attestation_due")
	require.NoError(t, err)
	require.Equal(t, []Light{AttestationOverdue, AttestationDue}, both)
	require.Equal(t, []string{"待确认", "待确认"}, []string{both[0].Chinese(), both[1].Chinese()})
	_, err = Named("red")
	require.Error(t, err)
}
