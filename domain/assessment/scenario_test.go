package assessment

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"duban/domain"
	"duban/domain/calendar"
	"duban/domain/directive"
	"duban/domain/task"
)

// Offices and people of the stories: A holds the share, B may receive it.
var (
	a      = domain.Ref{Kind: domain.KindOffice, ID: "A"}
	b      = domain.Ref{Kind: domain.KindOffice, ID: "B"}
	self   = domain.Ref{Kind: domain.KindTask, ID: "T"}
	safety = domain.Caller{Person: domain.Ref{Kind: domain.KindPerson, ID: "clerk"}, Office: domain.Ref{Kind: domain.KindOffice, ID: "S"}, Role: domain.RoleSafetyOffice}
	shareA = task.ShareOf{Office: a}
	shareB = task.ShareOf{Office: b}
	leave  = domain.Particulars{Approval: &domain.Approval{Leader: "厅领导", On: "2019-01-01", Words: "同意"}, Basis: []domain.Basis{{Document: "上级文件"}}}
)

func of(o domain.Ref) domain.Caller {
	return domain.Caller{Person: domain.Ref{Kind: domain.KindPerson, ID: "of" + o.ID}, Office: o, Role: domain.RoleOffice}
}

// A step is an event of a story: when, in Asia/Shanghai unless it ends in Z, and what.
type step struct {
	at  string
	ask domain.Payload
}

func clockOf(t testing.TB, at string) time.Time {
	for _, layout := range []string{"2006-01-02", "2006-01-02 15:04", time.RFC3339} {
		if when, err := time.ParseInLocation(layout, at, calendar.Zone); err == nil {
			return when
		}
	}
	t.Fatalf("no time: %s", at)
	return time.Time{}
}

// replay gives the steps as commands and folds what they lead to. Events are e1,
// e2 … in order.
func replay(t testing.TB, steps []step) task.State {
	t.Helper()
	var history []domain.Event
	for _, st := range steps {
		by := safety
		if p, ok := st.ask.(interface{ ShareOffice() *domain.Ref }); ok {
			switch st.ask.(type) {
			case *task.Accepted, *task.Returned, *task.ExtensionGranted, *task.ExtensionRefused:
			default:
				by = of(*p.ShareOffice())
			}
		}
		when := clockOf(t, st.at)
		c := domain.Command{Entry: domain.Entry{By: by, Time: when, Now: when.AddDate(5, 0, 0)}, Subject: self, Ask: st.ask}
		decide := func() ([]domain.Event, error) { return task.Decide(task.Replay(history), c) }
		if _, ok := st.ask.(domain.Corrector); ok {
			decide = func() ([]domain.Event, error) { return task.Correct(history, c) }
		}
		events, err := decide()
		if err != nil {
			t.Fatalf("%s %s: %v", st.at, st.ask.EventType(), err)
		}
		for _, e := range events {
			e.ID, e.Version = fmt.Sprintf("e%d", len(history)+1), uint64(len(history)+1)
			history = append(history, e)
		}
	}
	return task.Replay(history)
}

// told writes the facts of an office's shares: figure, number and events. in_force
// and assessable, which most stories share, only where nothing else is.
func told(s task.State, office domain.Ref, q Question, rounds []Round) string {
	var out []string
	tally := Tally{}
	for _, sh := range s.Shares {
		if sh.Office != office {
			continue
		}
		r, events, ok := RecordOf(s, sh)
		if !ok {
			continue
		}
		r.Facts(q, rounds, func(f *Fact) {
			tally.Add(f)
			if f.Figure == InForce || f.Figure == Assessable {
				return
			}
			line := fmt.Sprintf("%s %d", f.Figure, f.N)
			if f.Period != (Period{}) {
				line += " " + string(f.Period.Calendar())
			}
			for _, i := range f.Events {
				if i > 0 {
					line += " " + events[i-1]
				}
			}
			if f.Round != nil {
				line += " by " + f.Round.Event
			}
			out = append(out, line)
		})
	}
	switch {
	case tally[InForce] == 0:
		return "none"
	case tally[Assessable] == 0:
		return "left out"
	}
	slices.Sort(out)
	return strings.Join(out, "\n")
}

// A story is Given (steps), When (the year asked for, as of a day), Then (facts).
type story struct {
	name  string
	given []step
	year  int
	today calendar.Date // default: two years on
	of    domain.Ref    // default: A
	want  string        // lines; blank lines and indentation don't count
}

func lines(s string) string {
	var out []string
	for _, l := range strings.Split(s, "\n") {
		if l = strings.TrimSpace(l); l != "" {
			out = append(out, l)
		}
	}
	slices.Sort(out)
	return strings.Join(out, "\n")
}

func runStories(t *testing.T, stories []story, rounds func(year int) []Round) {
	for _, st := range stories {
		t.Run(st.name, func(t *testing.T) {
			if st.today == "" {
				st.today = calendar.Of(st.year+2, time.January, 1)
			}
			if st.of.IsZero() {
				st.of = a
			}
			var owed []Round
			if rounds != nil {
				owed = rounds(st.year)
			}
			have := told(replay(t, st.given), st.of, Question{Year(st.year), DayOf(st.today)}, owed)
			if want := lines(st.want); have != want {
				t.Errorf("have\n%s\nwant\n%s", have, want)
			}
		})
	}
}

func docketed(kind task.Kind, s *task.Schedule) step {
	return step{"2019-07-01", &task.Docketed{Directive: domain.Ref{Kind: domain.KindDirective, ID: "D"}, Number: 1, TextSHA256: "0", Kind: kind, Schedule: s}}
}

func assigned(at string, offices ...domain.Ref) step {
	p := &task.Assigned{}
	for _, o := range offices {
		p.Offices = append(p.Offices, task.Assignment{Office: o, Role: task.RoleJoint})
	}
	return step{at, p}
}

// dated is a one-off share of A, assigned and signed on 2019-07-01 (e2, e4), due
// on 2019-12-31 (e3).
func dated(more ...step) []step { return dueOnDate("2019-12-31", more...) }

func dueOnDate(due calendar.Date, more ...step) []step {
	return append([]step{docketed(task.KindOneOff, nil), assigned("2019-07-01", a),
		{"2019-07-01", &task.StatedDeadline{Date: due}}, {"2019-07-01", &task.Acknowledged{ShareOf: shareA}}}, more...)
}

func request(at string) step {
	return step{at, &task.ClosureRequested{ShareOf: shareA, Summary: "完成"}}
}
func accept(at string) step { return step{at, &task.Accepted{ShareOf: shareA}} }

func reopen(at string, why task.ReopenReason, deadline calendar.Date) step {
	return step{at, &task.Reopened{Particulars: leave, Reason: why, Words: "重新办理", Deadline: deadline}}
}

func TestOneOff(t *testing.T) {
	runStories(t, []story{
		{name: "nothing yet, running year", given: dated(), year: 2019, today: "2019-12-31"},
		{name: "before the year", given: dated(), year: 2018, want: "none"},
		{name: "due day over", given: dated(), year: 2019, today: "2020-01-01", want: "late 1 e3\nlate_days 1 e3"},
		{name: "not in the next year's late, but carried over", given: dated(), year: 2020, today: "2020-03-01", want: "carried_over 1 e3"},
		{name: "in time", given: dated(request("2019-12-31 23:59"), accept("2019-12-31 23:59")), year: 2019,
			want: "on_time 1 e3 e5 e6\nrequested 1 e5\ncompleted 1 e5 e6"},
		{name: "half past four in the afternoon of 31 December in Greenwich is next year", given: dated(request("2019-12-31T16:30:00Z"), accept("2020-01-02")), year: 2019,
			want: "late 1 e3 e5 e6\nlate_days 1 e3 e5"},
		{name: "and there it is done, neither late nor carried over", given: dated(request("2019-12-31T16:30:00Z"), accept("2020-01-02")), year: 2020,
			want: "requested 1 e5\ncompleted 1 e5 e6"},
		{name: "half a minute to four is still this year", given: dated(request("2019-12-31T15:59:30Z"), accept("2020-01-02")), year: 2019,
			want: "on_time 1 e3 e5 e6\nrequested 1 e5\ncompleted 1 e5 e6"},
		{name: "requested in time, accepted after the year", given: dated(request("2019-12-28"), accept("2020-01-20")), year: 2019,
			want: "on_time 1 e3 e5 e6\nrequested 1 e5\ncompleted 1 e5 e6"},
		{name: "the year after is without obligation", given: dated(request("2019-12-28"), accept("2020-01-20")), year: 2020, want: ""},
		{name: "and the one after that without the share", given: dated(request("2019-12-28"), accept("2020-01-20")), year: 2021, want: "none"},
		{name: "done in an earlier year than it is due", given: dueOnDate("2020-06-30", request("2019-11-01"), accept("2019-11-02")), year: 2019,
			want: "on_time 1 e3 e5 e6\nrequested 1 e5\ncompleted 1 e5 e6"},
		{name: "requested in time, not answered", given: dated(request("2019-12-28")), year: 2019, today: "2020-01-01",
			want: "awaiting_review 1 e3 e5\nrequested 1 e5"},
		{name: "requested in time, not answered, not due", given: dated(request("2019-12-28")), year: 2019, today: "2019-12-31", want: "requested 1 e5"},
		{name: "requested late, not answered", given: dated(request("2020-01-11")), year: 2019, today: "2020-03-01", want: "late 1 e3 e5\nlate_days 11 e3 e5"},
		{name: "returned, then nothing", given: dated(request("2019-12-20"), step{"2019-12-25", &task.Returned{ShareOf: shareA, Reason: "材料不全"}}), year: 2019, today: "2020-01-03",
			want: "late 1 e3\nlate_days 3 e3\nrequested 1 e5\nreturned 1 e5 e6"},
		{name: "returned, then accepted: the second request counts, late", year: 2019,
			given: dueOnDate("2019-10-31", request("2019-10-20"), step{"2019-10-25", &task.Returned{ShareOf: shareA, Reason: "材料不全"}}, request("2019-11-05"), accept("2019-11-10")),
			want:  "late 1 e3 e7 e8\nlate_days 5 e3 e7\nrequested 1 e5\nrequested 1 e7\nreturned 1 e5 e6\ncompleted 1 e7 e8"},
		{name: "returned, then accepted: the second request counts, in time", year: 2019,
			given: dated(request("2019-10-20"), step{"2019-10-25", &task.Returned{ShareOf: shareA, Reason: "材料不全"}}, request("2019-11-05"), accept("2019-11-10")),
			want:  "on_time 1 e3 e7 e8\nrequested 1 e5\nrequested 1 e7\nreturned 1 e5 e6\ncompleted 1 e7 e8"},
		{name: "entered after the year, dated in it", year: 2019,
			given: dated(step{"2020-02-01", &task.Reminded{Words: "催"}}, request("2019-12-30"), accept("2020-02-02")),
			want:  "on_time 1 e3 e6 e7\nrequested 1 e6\ncompleted 1 e6 e7"},
		{name: "extension granted after the deadline", year: 2019,
			given: dueOnDate("2019-10-31", step{"2019-11-02", &task.ExtensionRequested{ShareOf: shareA, NewDate: "2019-11-30", Reason: "r"}},
				step{"2019-11-05", &task.ExtensionGranted{Particulars: leave, ShareOf: shareA, NewDate: "2019-11-30"}}, request("2019-11-20"), accept("2019-11-21")),
			want: "on_time 1 e6 e7 e8\nextensions_requested 1 e5\nextensions_granted 1 e5 e6\nrequested 1 e7\ncompleted 1 e7 e8"},
		{name: "extension refused", year: 2019, today: "2019-11-10",
			given: dueOnDate("2019-10-31", step{"2019-10-20", &task.ExtensionRequested{ShareOf: shareA, NewDate: "2019-11-30", Reason: "r"}},
				step{"2019-10-25", &task.ExtensionRefused{ShareOf: shareA, Reason: "r"}}),
			want: "late 1 e3\nlate_days 10 e3\nextensions_requested 1 e5"},
		{name: "without a deadline nothing is late", given: []step{docketed(task.KindOneOff, nil), assigned("2019-07-01", a), {"2019-07-05", &task.Acknowledged{ShareOf: shareA}}}, year: 2019,
			want: "unsigned_days 4 e2 e3"},
		{name: "a proposed date does not bind", year: 2019, want: "",
			given: []step{docketed(task.KindOneOff, nil), assigned("2019-07-01", a), {"2019-07-01", &task.ProposedDeadline{Scope: task.Scope{Office: a}, Date: "2019-08-01"}}, {"2019-07-01", &task.Acknowledged{ShareOf: shareA}}}},
		{name: "completed by override before the deadline", year: 2019, want: "",
			given: dated(step{"2019-12-31", &task.Completed{Particulars: leave, By: task.ClosingOverride, Reason: "领导决定"}})},
		{name: "completed by override after the deadline", year: 2019, want: "late 1 e3\nlate_days 10 e3",
			given: dueOnDate("2019-10-31", step{"2019-11-10", &task.Completed{Particulars: leave, By: task.ClosingOverride, Reason: "领导决定"}})},
		{name: "the request was voided", year: 2019, today: "2020-01-01", want: "late 1 e3\nlate_days 1 e3",
			given: dated(request("2019-12-20"), step{"2019-12-21", &task.Corrected{Correction: domain.Correction{Target: "e5", Mode: domain.ModeVoid, Reason: "误录"}}})},
	}, nil)
}

func TestReopened(t *testing.T) {
	done := []step{request("2019-12-01"), accept("2019-12-02")} // e5, e6, completed e7
	first := "requested 1 e5\ncompleted 1 e5 e6\n"
	again := func(at string) []step { return []step{request(at), accept(at)} } // e9, e10
	runStories(t, []story{
		{name: "false completion takes the on-time back", given: dated(append(done, reopen("2019-12-10", task.ReopenFalseCompletion, ""))...), year: 2019, today: "2019-12-31",
			want: first + "overturned 1 e5 e6 e8"},
		{name: "and then it is late", given: dated(append(done, reopen("2019-12-10", task.ReopenFalseCompletion, ""))...), year: 2019, today: "2020-01-05",
			want: first + "overturned 1 e5 e6 e8\nlate 1 e3\nlate_days 5 e3"},
		{name: "found in the next year", given: dated(append(done, reopen("2020-02-01", task.ReopenFalseCompletion, "2020-03-31"))...), year: 2019, today: "2020-02-01",
			want: first + "overturned 1 e5 e6 e8\nlate 1 e3\nlate_days 32 e3"},
		{name: "made good by the old deadline", given: dated(append(done, append([]step{reopen("2019-12-10", task.ReopenFalseCompletion, "2020-03-31")}, again("2019-12-30")...)...)...), year: 2019,
			want: first + "overturned 1 e5 e6 e8\non_time 1 e3 e9 e10\nrequested 1 e9\ncompleted 1 e9 e10"},
		{name: "made good by the date set for it only", given: dated(append(done, append([]step{reopen("2019-12-10", task.ReopenFalseCompletion, "2020-03-31")}, again("2020-03-01")...)...)...), year: 2019,
			want: first + "overturned 1 e5 e6 e8\nlate 1 e3 e9 e10\nlate_days 61 e3 e9"},
		{name: "new facts leave the on-time where it was", given: dated(append(done, reopen("2019-12-10", task.ReopenNewFacts, ""))...), year: 2019,
			want: first + "on_time 1 e3 e5 e6"},
		{name: "and a new date is a new obligation", given: dated(append(done, reopen("2019-12-10", task.ReopenNewFacts, "2019-12-20"))...), year: 2019, today: "2019-12-22",
			want: first + "on_time 1 e3 e5 e6\nlate 1 e8\nlate_days 2 e8"},
		{name: "which may be met", given: dated(append(done, append([]step{reopen("2020-01-10", task.ReopenNewFacts, "2020-03-31")}, again("2020-03-01")...)...)...), year: 2020,
			want: "on_time 1 e8 e9 e10\nrequested 1 e9\ncompleted 1 e9 e10"},
		{name: "the gap is not in force", given: dated(append(done, reopen("2021-02-01", task.ReopenNewFacts, ""))...), year: 2020, want: "left out"},
	}, nil)
}

func TestChangingHands(t *testing.T) {
	move := func(at string) step {
		return step{at, &task.Transferred{From: a, To: b, Cause: task.CauseDecision}}
	}
	requestB, acceptB := &task.ClosureRequested{ShareOf: shareB, Summary: "完成"}, &task.Accepted{ShareOf: shareB}
	signB := step{"2019-12-31", &task.Acknowledged{ShareOf: shareB}}
	late := dueOnDate("2019-09-30", move("2019-10-10"), step{"2019-10-10", &task.Acknowledged{ShareOf: shareB}}, step{"2019-10-20", requestB}, step{"2019-10-21", acceptB})
	runStories(t, []story{
		{name: "before the deadline: nothing for the first", given: dated(move("2019-12-31"), signB), year: 2019, want: ""},
		{name: "the second holds it on the due day", given: dated(move("2019-12-31"), signB), of: b, year: 2019, today: "2020-01-02", want: "late 1 e3\nlate_days 2 e3"},
		{name: "the day after the deadline: the first was late", given: dated(move("2020-01-01")), year: 2019, want: "late 1 e3"},
		{name: "but not on the due day itself", given: dated(move("2020-01-01")), year: 2019, today: "2019-12-31", want: ""},
		{name: "in the middle, late: the first", given: late, year: 2019, want: "late 1 e3\nlate_days 9 e3"},
		{name: "in the middle, late: the second has its days only", given: late, of: b, year: 2019, want: "late_days 11 e3 e7\nrequested 1 e7\ncompleted 1 e7 e8"},
		{name: "in time by the second", given: dated(move("2019-10-10"), step{"2019-10-10", &task.Acknowledged{ShareOf: shareB}}, step{"2019-10-20", requestB}, step{"2019-10-21", acceptB}), of: b, year: 2019,
			want: "on_time 1 e3 e7 e8\nrequested 1 e7\ncompleted 1 e7 e8"},
		{name: "on the day it was assigned", given: dated(move("2019-07-01")), year: 2019, want: "none"},
		{name: "absorbed", given: []step{docketed(task.KindOneOff, nil), assigned("2019-07-01", a, b), {"2019-10-10", &task.Absorbed{From: a, To: b, Cause: task.CauseReorganisation}}}, year: 2019, want: "left out"},
		{name: "absorbed in the next year", year: 2019, today: "2019-12-31", want: "unsigned_days 183 e2",
			given: []step{docketed(task.KindOneOff, nil), assigned("2019-07-01", a, b), {"2020-10-10", &task.Absorbed{From: a, To: b, Cause: task.CauseReorganisation}}}},
		{name: "absorbed on 1 January", year: 2020, want: "none",
			given: []step{docketed(task.KindOneOff, nil), assigned("2019-07-01", a, b), {"2020-01-01", &task.Absorbed{From: a, To: b, Cause: task.CauseReorganisation}}}},
	}, nil)
}

func TestLeftOut(t *testing.T) {
	cancel := &task.Cancelled{Particulars: leave, Reason: "情况变化"}
	suspend := &task.Suspended{Particulars: leave, Reason: "等待上级"}
	runStories(t, []story{
		{name: "cancelled", given: dated(step{"2019-12-31", cancel}), year: 2019, want: "left out"},
		{name: "cancelled in the next year", given: dated(step{"2020-01-01", cancel}), year: 2019, want: "late 1 e3\nlate_days 1 e3"},
		{name: "the year of the cancelling", given: dated(step{"2020-01-01", cancel}), year: 2020, want: "left out"},
		{name: "consolidated", given: dated(step{"2019-12-30", &task.Consolidated{Particulars: leave, Into: domain.Ref{Kind: domain.KindTask, ID: "T2"}, Reason: "并办"}}), year: 2019, want: "left out"},
		{name: "voided", given: []step{docketed(task.KindOneOff, nil), assigned("2019-07-01", a), {"2019-07-02", &task.Voided{Reason: "重复导入"}}}, year: 2019, want: "none"},
		{name: "suspended all year", given: dated(step{"2019-12-31", suspend}), year: 2020, want: "left out"},
		{name: "the day of the suspension is open in part", given: dated(step{"2020-01-01", suspend}), year: 2020, want: "carried_over 1 e3"},
		{name: "resumed on the last day", given: dated(step{"2019-12-30", suspend}, step{"2020-12-31", &task.Resumed{Particulars: leave, Deadline: "2021-06-30"}}), year: 2020, want: ""},
		{name: "suspended before it was late", given: dated(step{"2019-12-30", suspend}), year: 2019, want: ""},
		{name: "suspended days are nobody's", given: dueOnDate("2019-10-31", step{"2019-11-11", suspend}, step{"2019-11-21", &task.Resumed{}}), year: 2019, today: "2019-11-30",
			want: "late 1 e3\nlate_days 21 e3"},
		{name: "assigned on the last day", given: []step{docketed(task.KindOneOff, nil), assigned("2019-12-31", a), {"2019-12-31", &task.Acknowledged{ShareOf: shareA}}}, year: 2019, want: ""},
		{name: "assigned on the last day, the evening in Greenwich", given: []step{docketed(task.KindOneOff, nil), assigned("2019-12-31T16:00:00Z", a)}, year: 2019, want: "none"},
	}, nil)
}

func TestUnsigned(t *testing.T) {
	base := []step{docketed(task.KindOneOff, nil), assigned("2019-12-20", a)}
	with := func(more ...step) []step { return append(base[:2:2], more...) }
	runStories(t, []story{
		{name: "as of a day", given: base, year: 2019, today: "2019-12-25", want: "unsigned_days 5 e2"},
		{name: "the year's days only", given: base, year: 2019, want: "unsigned_days 11 e2"},
		{name: "the next year's days", given: base, year: 2020, today: "2020-01-10", want: "unsigned_days 10 e2"},
		{name: "signed", given: with(step{"2020-01-05", &task.Acknowledged{ShareOf: shareA}}), year: 2020, want: "unsigned_days 5 e2 e3"},
		{name: "a first report signs", given: with(step{"2019-12-23", &task.ProgressReported{ShareOf: shareA, Condition: task.ConditionNormal, Progress: "x"}}, step{"2019-12-28", &task.Acknowledged{ShareOf: shareA}}), year: 2019,
			want: "unsigned_days 3 e2 e3"},
		{name: "a dispute is an answer", given: with(step{"2019-12-22", &task.Disputed{ShareOf: shareA, Reason: "r"}}), year: 2019, want: "unsigned_days 2 e2 e3"},
		{name: "on the same day", given: with(step{"2019-12-20 18:00", &task.Acknowledged{ShareOf: shareA}}), year: 2019, want: ""},
		{name: "handed on", given: with(step{"2019-12-24", &task.Transferred{From: a, To: b, Cause: task.CauseDecision}}), year: 2019, want: "unsigned_days 3 e2"},
	}, nil)
}

func TestRecurring(t *testing.T) {
	quarterly := &task.Schedule{Unit: calendar.UnitQuarter, Due: calendar.Due{Day: 10, In: calendar.DueInNext}, First: "2019-Q3"}
	recurring := func(s *task.Schedule, more ...step) []step {
		return append([]step{docketed(task.KindRecurring, s), assigned("2019-07-01", a), {"2019-07-01", &task.Acknowledged{ShareOf: shareA}}}, more...)
	}
	done := func(p calendar.Period, asked, answered string) []step {
		return []step{{asked, &task.ClosureRequested{ShareOf: shareA, Period: p, Summary: "完成"}}, {answered, &task.Accepted{ShareOf: shareA, Period: p}}}
	}
	q3 := done("2019-Q3", "2019-10-10", "2019-10-20")
	runStories(t, []story{
		{name: "nothing done", given: recurring(quarterly), year: 2019, today: "2020-01-11",
			want: "late 1 2019-Q3 e2 e1\nlate_days 93 2019-Q3 e2 e1\nlate 1 2019-Q4 e2 e1\nlate_days 1 2019-Q4 e2 e1"},
		{name: "due day of the last quarter, in the next year", given: recurring(quarterly), year: 2019, today: "2020-01-10", want: "late 1 2019-Q3 e2 e1\nlate_days 92 2019-Q3 e2 e1"},
		{name: "a period in time, the next not due", given: recurring(quarterly, q3...), year: 2019, today: "2019-12-31",
			want: "on_time 1 2019-Q3 e2 e1 e4 e5\nrequested 1 2019-Q3 e4\ncompleted 1 2019-Q3 e4 e5"},
		{name: "a period late", given: recurring(quarterly, done("2019-Q3", "2019-10-12", "2019-10-20")...), year: 2019, today: "2019-12-31",
			want: "late 1 2019-Q3 e2 e1 e4 e5\nlate_days 2 2019-Q3 e2 e1 e4 e5\nrequested 1 2019-Q3 e4\ncompleted 1 2019-Q3 e4 e5"},
		{name: "a period of the year done in the next", given: recurring(quarterly, append(q3[:2:2], done("2019-Q4", "2020-01-10", "2020-01-11")...)...), year: 2019,
			want: "on_time 1 2019-Q3 e2 e1 e4 e5\non_time 1 2019-Q4 e2 e1 e6 e7\nrequested 1 2019-Q3 e4\ncompleted 1 2019-Q3 e4 e5"},
		{name: "waiting", given: recurring(quarterly, q3[0]), year: 2019, today: "2019-10-11", want: "awaiting_review 1 2019-Q3 e2 e1 e4\nrequested 1 2019-Q3 e4"},
		{name: "ended before it was due", given: recurring(quarterly, step{"2019-10-05", &task.Ended{Reason: "r"}}), year: 2019, want: ""},
		{name: "not scheduled yet", given: recurring(&task.Schedule{Unit: calendar.UnitYear, First: "2020"}), year: 2019, want: ""},
		{name: "scheduled no more", given: recurring(&task.Schedule{Unit: calendar.UnitQuarter, Until: "2019-09-30"}), year: 2019, today: "2020-01-01", want: "late 1 2019-Q3 e2 e1\nlate_days 93 2019-Q3 e2 e1"},
		{name: "without a schedule", given: recurring(nil), year: 2019, want: ""},
		{name: "more time for a period", year: 2019, today: "2019-11-12",
			given: recurring(quarterly, step{"2019-10-08", &task.ExtensionRequested{ShareOf: shareA, NewDate: "2019-11-10", Reason: "r"}},
				step{"2019-10-09", &task.ExtensionGranted{Particulars: leave, ShareOf: shareA, NewDate: "2019-11-10"}}),
			want: "extensions_requested 1 e4\nextensions_granted 1 e4 e5\nlate 1 2019-Q3 e2 e5\nlate_days 2 2019-Q3 e2 e5"},
		{name: "done by the office that had it before", of: b, year: 2019, today: "2019-10-20", want: "",
			given: recurring(quarterly, append(done("2019-Q3", "2019-09-28", "2019-09-29"),
				step{"2019-10-05", &task.Transferred{From: a, To: b, Cause: task.CauseDecision}}, step{"2019-10-05", &task.Acknowledged{ShareOf: shareB}})...)},
		{name: "which has the credit", year: 2019, today: "2019-10-20", want: "on_time 1 2019-Q3 e2 e1 e4 e5\nrequested 1 2019-Q3 e4\ncompleted 1 2019-Q3 e4 e5",
			given: recurring(quarterly, append(done("2019-Q3", "2019-09-28", "2019-09-29"), step{"2019-10-05", &task.Transferred{From: a, To: b, Cause: task.CauseDecision}})...)},
		{name: "yearly, on its last day", given: recurring(&task.Schedule{Unit: calendar.UnitYear}), year: 2019, today: "2020-01-01", want: "late 1 2019 e2 e1\nlate_days 1 2019 e2 e1"},
	}, nil)
}

func TestStanding(t *testing.T) {
	standing := func(more ...step) []step {
		return append([]step{docketed(task.KindStanding, nil), assigned("2019-07-01", a), {"2019-07-01", &task.Acknowledged{ShareOf: shareA}}}, more...)
	}
	attest := func(at string, y calendar.Period) step {
		return step{at, &task.Attested{ShareOf: shareA, Period: y, Statement: "已履职"}}
	}
	runStories(t, []story{
		{name: "not due", given: standing(), year: 2019, today: "2019-12-31", want: ""},
		{name: "not attested", given: standing(), year: 2019, today: "2020-01-03", want: "late 1 2019 e2\nlate_days 3 2019 e2"},
		{name: "attested", given: standing(attest("2019-12-31 23:00", "2019")), year: 2019, want: "on_time 1 2019 e2 e4"},
		{name: "attested late", given: standing(attest("2020-01-02", "2019")), year: 2019, want: "late 1 2019 e2 e4\nlate_days 2 2019 e2 e4"},
		{name: "the year before does not count for this", given: standing(attest("2019-12-31", "2019")), year: 2020, today: "2021-01-01", want: "late 1 2020 e2\nlate_days 1 2020 e2"},
		{name: "attested by the office that had it before", of: b, year: 2019, want: "",
			given: standing(attest("2019-12-01", "2019"), step{"2019-12-05", &task.Transferred{From: a, To: b, Cause: task.CauseDecision}}, step{"2019-12-05", &task.Acknowledged{ShareOf: shareB}})},
		{name: "ended in the year", given: standing(step{"2019-11-01", &task.Ended{Reason: "r"}}), year: 2019, want: ""},
	}, nil)
}

func TestReports(t *testing.T) {
	required := directive.Duties{{
		Mark:              directive.Mark{Event: "d1"},
		ReportingRequired: directive.ReportingRequired{Unit: calendar.UnitMonth, Due: calendar.Due{Day: 5}, From: "2019-10-01", Until: "2019-12-31"},
	}}
	rounds := func(year int) []Round {
		var out []Round
		for _, r := range required.Rounds(a, calendar.Of(year, 1, 1), calendar.Of(year, 12, 31)) {
			out = append(out, RoundOf(r, calendar.NewWorkdays("none")))
		}
		return out
	}
	report := func(at string, p calendar.Period, none bool) step {
		r := &task.ProgressReported{ShareOf: shareA, Period: p, Condition: task.ConditionNormal, Nil: none}
		if !none {
			r.Progress = "推进中"
		}
		return step{at, r}
	}
	open := func(more ...step) []step {
		return append([]step{docketed(task.KindOneOff, nil), assigned("2019-10-08", a), {"2019-10-08", &task.Acknowledged{ShareOf: shareA}}}, more...)
	}
	runStories(t, []story{
		{name: "none due", given: open(), year: 2019, today: "2019-11-05", want: ""},
		{name: "one missing", given: open(), year: 2019, today: "2019-11-06", want: "reports_due 1 2019-10 by d1\nreports_missing 1 2019-10 by d1"},
		// 5 January 2020 is a Sunday: the report is due on the Monday.
		{name: "the due day is no working day", year: 2019, today: "2020-01-06",
			given: open(report("2019-11-05", "2019-10", false), report("2019-12-05", "2019-11", false), report("2020-01-06 23:00", "2019-12", false)),
			want: "reports_due 1 2019-10 e4 e4 by d1\nreports_in_time 1 2019-10 e4 e4 by d1\n" +
				"reports_due 1 2019-11 e5 e5 by d1\nreports_in_time 1 2019-11 e5 e5 by d1\n" +
				"reports_due 1 2019-12 e6 e6 by d1\nreports_in_time 1 2019-12 e6 e6 by d1"},
		{name: "not missing on the day it was moved to", given: open(report("2019-11-05", "2019-10", false), report("2019-12-05", "2019-11", false)), year: 2019, today: "2020-01-06",
			want: "reports_due 1 2019-10 e4 e4 by d1\nreports_in_time 1 2019-10 e4 e4 by d1\n" +
				"reports_due 1 2019-11 e5 e5 by d1\nreports_in_time 1 2019-11 e5 e5 by d1"},
		{name: "in time, named; late, unnamed; missing", year: 2019, today: "2020-01-07",
			given: open(report("2019-11-05", "2019-10", false), report("2019-11-06", "2019-10", true), report("2019-12-06", "2019-11", true)),
			want: "reports_due 1 2019-10 e4 e5 by d1\nreports_in_time 1 2019-10 e4 e5 by d1\nreports_nil 1 2019-10 e4 e5 by d1\n" +
				"reports_due 1 2019-11 e6 e6 by d1\nreports_late 1 2019-11 e6 e6 by d1\nreports_nil 1 2019-11 e6 e6 by d1\n" +
				"reports_due 1 2019-12 by d1\nreports_missing 1 2019-12 by d1"},
		{name: "one without a period counts for the month it was made in", given: open(report("2019-10-20", "", false)), year: 2019, today: "2019-11-30",
			want: "reports_due 1 2019-10 e4 e4 by d1\nreports_in_time 1 2019-10 e4 e4 by d1"},
		{name: "accepted before the report was due", given: open(request("2019-10-20"), accept("2019-10-21")), year: 2019, want: "requested 1 e4\ncompleted 1 e4 e5"},
		{name: "reported, and accepted before the report was due", given: open(report("2019-10-18", "", true), request("2019-10-20"), accept("2019-10-21")), year: 2019,
			want: "requested 1 e5\ncompleted 1 e5 e6\nreports_due 1 2019-10 e4 e4 by d1\nreports_in_time 1 2019-10 e4 e4 by d1\nreports_nil 1 2019-10 e4 e4 by d1"},
		{name: "suspended on the due day", given: open(step{"2019-11-05", &task.Suspended{Particulars: leave, Reason: "r"}}), year: 2019, want: ""},
		{name: "handed on before the due day", given: open(step{"2019-11-05", &task.Transferred{From: a, To: b, Cause: task.CauseDecision}}), year: 2019, want: ""},
		{name: "handed on after it", given: open(step{"2019-11-06", &task.Transferred{From: a, To: b, Cause: task.CauseDecision}}), year: 2019,
			want: "reports_due 1 2019-10 by d1\nreports_missing 1 2019-10 by d1"},
	}, rounds)
}
