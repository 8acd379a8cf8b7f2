package directive

import (
	"errors"
	"strings"
	"testing"

	"duban/domain"
	"duban/domain/calendar"
)

// Requirements are e2, e3 …; the office is sun's unless other is named.
func TestReportingEnded(t *testing.T) {
	once := &ReportingRequired{Unit: calendar.UnitOnce, From: "2019-07-01", Until: "2019-12-31"}
	for _, tt := range []struct {
		name     string
		required []*ReportingRequired
		ended    *ReportingEnded
		want     string // rounds of the office in 2019
		refused  string
	}{
		{name: "at the end of a month", required: []*ReportingRequired{monthly(5)}, ended: &ReportingEnded{Until: "2019-08-31", Reason: "x"},
			want: "2019-07 2019-07-01..2019-07-31 due 2019-08-05 e2\n2019-08 2019-08-01..2019-08-31 due 2019-09-05 e2"},
		{name: "within a month", required: []*ReportingRequired{monthly(5)}, ended: &ReportingEnded{Until: "2019-07-10", Reason: "x"},
			want: "2019-07 2019-07-01..2019-07-10 due 2019-08-05 e2"},
		{name: "one of two", required: []*ReportingRequired{monthly(5), monthly(9)}, ended: &ReportingEnded{Requirement: "e3", Until: "2019-11-30", Reason: "x"},
			want: "2019-12 2019-12-01..2019-12-31 due 2020-01-05 e2"},
		{name: "what is owed once and later", required: []*ReportingRequired{once}, ended: &ReportingEnded{Until: "2019-08-31", Reason: "x"}},
		{name: "unknown", required: []*ReportingRequired{monthly(5)}, ended: &ReportingEnded{Requirement: "e1", Until: "2019-08-31", Reason: "x"}, refused: "directive.reporting_ended.requirement"},
		{name: "before it began", required: []*ReportingRequired{monthly(5)}, ended: &ReportingEnded{Until: "2019-06-30", Reason: "x"}, refused: "directive.reporting_ended.none"},
		{name: "nothing to end", ended: &ReportingEnded{Until: "2019-06-30", Reason: "x"}, refused: "directive.reporting_ended.none"},
		{name: "no reason", required: []*ReportingRequired{monthly(5)}, ended: &ReportingEnded{Until: "2019-08-31"}, refused: "field.required"},
		{name: "no end", required: []*ReportingRequired{monthly(5)}, ended: &ReportingEnded{Reason: "x"}, refused: "field.required"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := requiring(t, tt.required...)
			events, err := Decide(s, step{li, 20, tt.ended}.command())
			var r *domain.Refusal
			switch {
			case err == nil && tt.refused == "":
				got := roundsText(Evolve(s, events[0]).Duties().Rounds(sun.Office, "2019-07-01", "2019-12-31"))
				if !strings.HasSuffix(got, tt.want) || tt.want == "" && got != "" || len(tt.required) == 1 && got != tt.want {
					t.Errorf("owed:\n%s\nwant\n%s", got, tt.want)
				}
			case !errors.As(err, &r) || r.Rule != tt.refused:
				t.Errorf("%v, want refusal %q", err, tt.refused)
			}
		})
	}
}

// Who carries on reports from the day of the change on, and by its own duty where it
// has one.
func TestOfficeSucceeded(t *testing.T) {
	heir := domain.Ref{Kind: domain.KindOffice, ID: "heir"}
	succeeded := &OfficeSucceeded{From: other, To: []domain.Ref{heir}}
	for _, tt := range []struct {
		name     string
		required []*ReportingRequired
		want     string // rounds of the heir until October
	}{
		{"the duty of the office", []*ReportingRequired{monthly(5, other)},
			"2019-07 2019-07-20..2019-07-31 due 2019-08-05 e2\n2019-08 2019-08-01..2019-08-31 due 2019-09-05 e2"},
		{"of another office", []*ReportingRequired{monthly(5, sun.Office)}, ""},
		{"of both", []*ReportingRequired{monthly(5, other, heir)},
			"2019-07 2019-07-01..2019-07-31 due 2019-08-05 e2\n2019-08 2019-08-01..2019-08-31 due 2019-09-05 e2"},
		{"an earlier one of its own stands", []*ReportingRequired{monthly(9, heir), monthly(5, other)},
			"2019-07 2019-07-01..2019-07-31 due 2019-08-09 e2\n2019-08 2019-08-01..2019-08-31 due 2019-09-09 e2"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := requiring(t, tt.required...)
			before := roundsText(s.Duties().Rounds(other, "2019-07-01", "2019-12-31"))
			events, err := Decide(s, step{li, 20, succeeded}.command())
			if err != nil {
				t.Fatal(err)
			}
			after := Evolve(s, events[0]).Duties()
			if got := roundsText(after.Rounds(heir, "2019-07-01", "2019-08-31")); got != tt.want {
				t.Errorf("the heir owes\n%s\nwant\n%s", got, tt.want)
			}
			if got := roundsText(after.Rounds(other, "2019-07-01", "2019-12-31")); got != before {
				t.Errorf("what the office itself owed changed:\n%s", got)
			}
		})
	}
	if s := requiring(t, monthly(5, other)); !s.Duties().Reports(other, "2030-01-01") || s.Duties().Reports(heir, "2019-07-20") {
		t.Error("the wrong office reports")
	}
}
