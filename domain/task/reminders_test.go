package task

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"duban/domain"
	"duban/domain/calendar"
)

// told lists the calls of a day: "jidian t_7 2019-12-31", with the reason behind it
// where it is withheld.
func told(s State, d calendar.Date) string {
	var out []string
	for _, c := range s.Calls(d) {
		line := strings.TrimSpace(fmt.Sprintf("%s %s %s %s", c.Office.ID, c.Step, c.Deadline, c.Period))
		if c.Withheld != 0 {
			line += " " + c.Withheld.String()
		}
		out = append(out, line)
	}
	return strings.Join(out, "; ")
}

// remindedOn is a reminder by the calendar, given to an office.
func remindedOn(at string, office domain.Ref, s ReminderStep, deadline calendar.Date, p calendar.Period) step {
	return step{li, at, &Reminded{Offices: []domain.Ref{office}, Words: "x", Step: s, Deadline: deadline, Period: p}}
}

func TestCalls(t *testing.T) {
	dated := then(aloneStory, step{li, "07-02", &SetDeadline{Date: "2019-12-31", Reason: "x"}})
	both := then(assignedStory, step{li, "07-02", &SetDeadline{Date: "2019-12-31", Reason: "x"}})
	quarterly := recurringStory // 2019-Q3, due on 2019-09-30
	first := remindedOn("2020-01-01", jidian, StepOverdue, "2019-12-31", "")
	for _, c := range []struct {
		name  string
		given []step
		on    calendar.Date
		want  string
	}{
		{"eight days before", dated, "2019-12-23", ""},
		{"seven days before", dated, "2019-12-24", "jidian t_7 2019-12-31"},
		{"six", dated, "2019-12-25", ""},
		{"three", dated, "2019-12-28", "jidian t_3 2019-12-31"},
		{"two", dated, "2019-12-29", ""},
		{"the day before", dated, "2019-12-30", "jidian t_1 2019-12-31"},
		{"the day itself", dated, "2019-12-31", ""},
		{"the first day past it", dated, "2020-01-01", "jidian overdue 2019-12-31"},
		{"a later one, if nothing was said before", dated, "2020-01-04", "jidian overdue 2019-12-31"},
		{"the same day again", then(dated, first), "2020-01-01", "jidian overdue 2019-12-31 reminded"},
		{"six days later", then(dated, first), "2020-01-07", "jidian overdue 2019-12-31 reminded"},
		{"seven days later", then(dated, first), "2020-01-08", "jidian overdue 2019-12-31"},
		{"fourteen days later", then(dated, first, remindedOn("2020-01-08", jidian, StepOverdue, "2019-12-31", "")), "2020-01-15", "jidian overdue 2019-12-31"},
		{"a step once", then(dated, remindedOn("12-24", jidian, StepSeven, "2019-12-31", "")), "2019-12-24", "jidian t_7 2019-12-31 reminded"},
		{"the next step", then(dated, remindedOn("12-24", jidian, StepSeven, "2019-12-31", "")), "2019-12-28", "jidian t_3 2019-12-31"},
		{"a step of another deadline", then(dated, remindedOn("12-10", jidian, StepSeven, "2019-12-17", "")), "2019-12-24", "jidian t_7 2019-12-31"},
		{"by hand is no step", then(dated, step{li, "12-24", &Reminded{Words: "x"}}), "2019-12-24", "jidian t_7 2019-12-31"},
		{"a reminder that was voided", then(dated, remindedOn("12-24", jidian, StepSeven, "2019-12-31", ""), step{li, "12-24", &Corrected{domain.Correction{Target: "e4", Mode: domain.ModeVoid, Reason: "x"}}}), "2019-12-24", "jidian t_7 2019-12-31"},

		{"two shares", both, "2019-12-24", "jidian t_7 2019-12-31; yuancai t_7 2019-12-31"},
		{"one of them reminded", then(both, remindedOn("12-24", yuancai, StepSeven, "2019-12-31", "")), "2019-12-24", "jidian t_7 2019-12-31; yuancai t_7 2019-12-31 reminded"},
		{"one with its own deadline", then(both, step{li, "07-03", &SetDeadline{Scope: Scope{yuancai}, Date: "2019-12-27", Reason: "x"}}), "2019-12-24", "jidian t_7 2019-12-31; yuancai t_3 2019-12-27"},

		{"suspended", then(dated, step{li, "10-01", &Suspended{Particulars: approved(), Reason: "x"}}), "2019-12-24", "jidian t_7 2019-12-31 suspended"},
		{"asked to be closed", then(dated, step{sun, "12-20", request(jidian)}), "2019-12-24", "jidian t_7 2019-12-31 pending"},
		{"returned", then(dated, step{sun, "12-20", request(jidian)}, step{li, "12-21", sendBack(jidian)}), "2019-12-24", "jidian t_7 2019-12-31"},
		{"accepted", then(dated, step{sun, "12-20", request(jidian)}, step{zhou, "12-21", accept(jidian)}), "2019-12-24", ""},
		{"one of two accepted", then(both, step{sun, "12-20", request(jidian)}, step{zhou, "12-21", accept(jidian)}), "2019-12-24", "yuancai t_7 2019-12-31"},
		{"disputed", then(dated, step{sun, "07-04", dispute(jidian)}), "2019-12-24", "jidian t_7 2019-12-31 pending"},
		{"asked for more time", then(dated, step{sun, "12-20", moreTime(jidian, "2020-01-31")}), "2019-12-24", "jidian t_7 2019-12-31 pending"},
		{"got more time", then(dated, step{sun, "12-20", moreTime(jidian, "2020-01-31")}, step{li, "12-21", granted(approved(), jidian, "2020-01-31")}), "2019-12-24", ""},
		{"cancelled", then(dated, step{li, "10-01", &Cancelled{Particulars: approved(), Reason: "x"}}), "2019-12-24", ""},
		{"no date", aloneStory, "2019-12-24", ""},
		{"a date in words", then(aloneStory, step{li, "07-02", &SetDeadline{Words: "年底前", Reason: "x"}}), "2019-12-24", ""},
		{"proposed", then(aloneStory, step{sun, "07-02", &ProposedDeadline{Scope: Scope{jidian}, Date: "2019-12-31"}}), "2019-12-24", ""},

		{"handed on three days ago", then(dated, step{li, "12-21", transfer(jidian, ruanjian)}), "2019-12-24", "ruanjian t_7 2019-12-31 recent"},
		{"… four days ago", then(dated, step{li, "12-20", transfer(jidian, ruanjian)}), "2019-12-24", "ruanjian t_7 2019-12-31"},
		{"handed on after the day asked for", then(dated, step{li, "12-26", transfer(jidian, ruanjian)}), "2019-12-24", "ruanjian t_7 2019-12-31 recent"},
		{"assigned of late", then(dated, step{li, "12-22", toOffices(yuancai)}), "2019-12-24", "jidian t_7 2019-12-31; yuancai t_7 2019-12-31 recent"},
		{"resumed of late", then(dated, step{li, "10-01", &Suspended{Particulars: approved(), Reason: "x"}}, step{li, "12-22", &Resumed{Reason: "x"}}), "2019-12-24", "jidian t_7 2019-12-31 recent"},
		{"extended of late", then(dated, step{sun, "12-20", moreTime(jidian, "2020-01-02")}, step{li, "12-25", granted(approved(), jidian, "2020-01-02")}), "2019-12-26", "jidian t_7 2020-01-02 recent"},
		{"reopened of late", then(dated, step{sun, "12-20", request(jidian)}, step{zhou, "12-21", accept(jidian)},
			step{li, "2020-01-03", &Reopened{Particulars: approved(), Reason: ReopenNewFacts, Words: "x"}}), "2020-01-05", "jidian overdue 2019-12-31 recent"},

		{"a period, seven days before", quarterly, "2019-09-23", "jidian t_7 2019-09-30 2019-Q3"},
		{"a period that is overdue", quarterly, "2019-10-01", "jidian overdue 2019-09-30 2019-Q3"},
		{"two periods overdue: the first", quarterly, "2020-01-01", "jidian overdue 2019-09-30 2019-Q3"},
		{"one overdue, one ahead", quarterly, "2019-12-24", "jidian overdue 2019-09-30 2019-Q3; jidian t_7 2019-12-31 2019-Q4"},
		{"the overdue one reminded of", then(quarterly, remindedOn("2019-12-20", jidian, StepOverdue, "2019-09-30", "2019-Q3")), "2019-12-24",
			"jidian overdue 2019-09-30 2019-Q3 reminded; jidian t_7 2019-12-31 2019-Q4"},
		{"asked for, then the next", then(quarterly, step{sun, "10-05", request(jidian, "2019-Q3")}), "2019-12-24", "jidian overdue 2019-09-30 2019-Q3 pending; jidian t_7 2019-12-31 2019-Q4"},
		{"accepted, then the next", then(quarterly, step{sun, "10-05", request(jidian, "2019-Q3")}, step{li, "10-06", accept(jidian, "2019-Q3")}), "2019-12-24", "jidian t_7 2019-12-31 2019-Q4"},
		{"asked for, and the next overdue", then(quarterly, step{sun, "10-05", request(jidian, "2019-Q3")}), "2020-01-02", "jidian overdue 2019-09-30 2019-Q3 pending; jidian overdue 2019-12-31 2019-Q4"},
		{"ended", then(quarterly, step{li, "10-06", &Ended{Reason: "x"}}), "2019-12-24", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := told(Replay(given(t, c.given...)), c.on); got != c.want {
				t.Errorf("on %s: %q, want %q", c.on, got, c.want)
			}
		})
	}
}

// What is due is put together by deadline, and is not due any more once it is
// recorded, on that day or after.
func TestRemindersOnce(t *testing.T) {
	story := then(assignedStory, step{li, "07-02", &SetDeadline{Date: "2019-12-31", Reason: "x"}},
		step{li, "07-03", toOffices(ruanjian)}, step{li, "07-04", &SetDeadline{Scope: Scope{ruanjian}, Date: "2019-12-27", Reason: "x"}})
	given := given(t, story...)
	asks := Replay(given).Reminders("2019-12-24")
	if len(asks) != 2 || !slices.Equal(asks[0].Offices, []domain.Ref{jidian, yuancai}) || !slices.Equal(asks[1].Offices, []domain.Ref{ruanjian}) {
		t.Fatalf("%+v", asks)
	}
	if w := asks[0].Words; w != "距时限 2019-12-31 还有 7 天，请抓紧办理" {
		t.Error(w)
	}
	server := domain.Caller{Person: domain.Ref{Kind: domain.KindPerson, ID: "system"}, Role: domain.RoleSystem}
	for _, ask := range asks {
		events, err := Decide(Replay(given), step{server, "12-24", ask}.command())
		if err != nil {
			t.Fatal(err)
		}
		given = appendTo(given, events...)
	}
	if again := Replay(given).Reminders("2019-12-24"); len(again) != 0 {
		t.Errorf("twice: %+v", again[0])
	}
	overdue := Replay(given).Reminders("2020-01-02")
	if len(overdue) != 2 || overdue[0].Words != "时限 2019-12-31 已过 2 天，请尽快办理并申请报结" {
		t.Errorf("%+v", overdue)
	}
}

// The server reminds and does nothing else.
func TestServerOnlyReminds(t *testing.T) {
	for _, a := range Acts() {
		if _, reminds := a.Ask.(*Reminded); slices.Contains(a.By, domain.RoleSystem) != reminds {
			t.Errorf("%s: by %v", a.Name, a.By)
		}
	}
}
