package directive

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"duban/domain"
	"duban/domain/calendar"
)

func monthly(day int, offices ...domain.Ref) *ReportingRequired {
	return &ReportingRequired{Unit: calendar.UnitMonth, Due: calendar.Due{Day: day}, From: "2019-07-01", Offices: offices}
}

var other = domain.Ref{Kind: domain.KindOffice, ID: "huagong"}

// requiring returns a directive that required reports in this order; the events
// are e2, e3 …
func requiring(t testing.TB, list ...*ReportingRequired) State {
	story := []step{{li, 2, issued()}}
	for _, r := range list {
		story = append(story, step{li, 3, r})
	}
	return Replay(given(t, story...))
}

func roundsText(rounds []Round) string {
	var out []string
	for _, r := range rounds {
		out = append(out, fmt.Sprintf("%s %s..%s due %s %s", r.Period, r.From, r.Until, r.Due, r.Event))
	}
	return strings.Join(out, "\n")
}

func TestRounds(t *testing.T) {
	in, next := calendar.DueInPeriod, calendar.DueInNext
	for _, tt := range []struct {
		name        string
		required    []*ReportingRequired
		from, until calendar.Date
		want        []string
	}{
		{"none", nil, "2019-07-01", "2020-07-01", nil},
		{"every month by the 5th of the next", []*ReportingRequired{monthly(5)}, "2019-11-20", "2020-01-01", []string{
			"2019-11 2019-11-01..2019-11-30 due 2019-12-05 e2", "2019-12 2019-12-01..2019-12-31 due 2020-01-05 e2", "2020-01 2020-01-01..2020-01-31 due 2020-02-05 e2"}},
		{"every month by the 31st", []*ReportingRequired{{Unit: calendar.UnitMonth, Due: calendar.Due{Day: 31, In: in}, From: "2019-07-01"}}, "2020-02-01", "2020-02-01",
			[]string{"2020-02 2020-02-01..2020-02-29 due 2020-02-29 e2"}},
		{"begun in the middle and ended in the middle",
			[]*ReportingRequired{{Unit: calendar.UnitMonth, Due: calendar.Due{Day: 25, In: in}, From: "2019-08-20", Until: "2019-09-10"}}, "2019-01-01", "2020-12-31",
			[]string{"2019-08 2019-08-20..2019-08-31 due 2019-08-25 e2", "2019-09 2019-09-01..2019-09-10 due 2019-09-25 e2"}},
		{"begun after the due day", []*ReportingRequired{{Unit: calendar.UnitMonth, Due: calendar.Due{Day: 25, In: in}, From: "2019-08-26"}}, "2019-08-01", "2019-09-30",
			[]string{"2019-09 2019-09-01..2019-09-30 due 2019-09-25 e2"}},
		{"begun on the due day", []*ReportingRequired{{Unit: calendar.UnitMonth, Due: calendar.Due{Day: 25, In: in}, From: "2019-08-25"}}, "2019-08-01", "2019-08-31",
			[]string{"2019-08 2019-08-25..2019-08-31 due 2019-08-25 e2"}},
		{"quarter, half-year and year", []*ReportingRequired{{Unit: calendar.UnitQuarter, Due: calendar.Due{Day: 10, In: next}, From: "2019-07-01", Until: "2019-12-31"},
			{Unit: calendar.UnitHalfYear, Due: calendar.Due{Day: 10, In: next}, From: "2020-01-01", Until: "2020-06-30"},
			{Unit: calendar.UnitYear, Due: calendar.Due{Day: 15, In: in}, From: "2021-01-01"}}, "2019-01-01", "2021-12-31", []string{
			"2019-Q3 2019-07-01..2019-09-30 due 2019-10-10 e2", "2019-Q4 2019-10-01..2019-12-31 due 2020-01-10 e2",
			"2020-H1 2020-01-01..2020-06-30 due 2020-07-10 e3", "2021 2021-01-01..2021-12-31 due 2021-12-15 e4"}},
		{"once", []*ReportingRequired{{Unit: calendar.UnitOnce, From: "2019-07-05", Until: "2019-09-20"}}, "2019-09-20", "2019-12-31",
			[]string{" 2019-07-05..2019-09-20 due 2019-09-20 e2"}},
		{"once, over", []*ReportingRequired{{Unit: calendar.UnitOnce, From: "2019-07-05", Until: "2019-09-20"}}, "2019-09-21", "2019-12-31", nil},
		{"once beside every month", []*ReportingRequired{monthly(5), {Unit: calendar.UnitOnce, From: "2019-07-05", Until: "2019-07-20"}}, "2019-07-01", "2019-07-31",
			[]string{" 2019-07-05..2019-07-20 due 2019-07-20 e3", "2019-07 2019-07-01..2019-07-31 due 2019-08-05 e2"}},
		{"another day from November on",
			[]*ReportingRequired{monthly(5), {Unit: calendar.UnitMonth, Due: calendar.Due{Day: 25, In: in}, From: "2019-11-10"}}, "2019-10-01", "2019-12-31", []string{
				"2019-10 2019-10-01..2019-10-31 due 2019-11-05 e2", "2019-11 2019-11-10..2019-11-30 due 2019-11-25 e3", "2019-12 2019-12-01..2019-12-31 due 2019-12-25 e3"}},
		{"every quarter from October on", []*ReportingRequired{monthly(5), {Unit: calendar.UnitQuarter, Due: calendar.Due{Day: 10}, From: "2019-10-01"}}, "2019-09-01", "2019-12-31",
			[]string{"2019-09 2019-09-01..2019-09-30 due 2019-10-05 e2", "2019-Q4 2019-10-01..2019-12-31 due 2020-01-10 e3"}},
		{"more often for a while", []*ReportingRequired{{Unit: calendar.UnitQuarter, Due: calendar.Due{Day: 10}, From: "2019-07-01"},
			{Unit: calendar.UnitMonth, Due: calendar.Due{Day: 5}, From: "2019-11-01", Until: "2019-12-31"}}, "2019-07-01", "2020-03-31", []string{
			"2019-Q3 2019-07-01..2019-09-30 due 2019-10-10 e2", "2019-11 2019-11-01..2019-11-30 due 2019-12-05 e3", "2019-12 2019-12-01..2019-12-31 due 2020-01-05 e3",
			"2020-Q1 2020-01-01..2020-03-31 due 2020-04-10 e2"}},
		{"of another office", []*ReportingRequired{monthly(5), monthly(25, other)}, "2019-07-01", "2019-07-31", []string{"2019-07 2019-07-01..2019-07-31 due 2019-08-05 e2"}},
		{"of this office", []*ReportingRequired{monthly(5), monthly(25, sun.Office)}, "2019-07-01", "2019-07-31", []string{"2019-07 2019-07-01..2019-07-31 due 2019-08-25 e3"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			have := roundsText(requiring(t, tt.required...).Duties().Rounds(sun.Office, tt.from, tt.until))
			if want := strings.Join(tt.want, "\n"); have != want {
				t.Errorf("have\n%s\nwant\n%s", have, want)
			}
		})
	}
	voided := Evolve(requiring(t, monthly(5)), domain.Event{ID: "e9", Data: &Voided{Reason: "x"}})
	if r := voided.Duties(); r != nil {
		t.Errorf("a voided directive requires %v", r)
	}
}

func TestAnswers(t *testing.T) {
	month := Round{Period: "2019-08", From: "2019-08-01", Until: "2019-08-31"}
	once := Round{From: "2019-07-05", Until: "2019-09-20"}
	for _, tt := range []struct {
		round  Round
		period calendar.Period
		on     calendar.Date
		want   bool
	}{
		{month, "2019-08", "2019-09-03", true}, {month, "2019-07", "2019-08-03", false}, {month, "2019-Q3", "2019-08-03", false},
		{month, "", "2019-08-01", true}, {month, "", "2019-08-31", true}, {month, "", "2019-09-01", false}, {month, "", "2019-07-31", false},
		{once, "", "2019-07-04", false}, {once, "", "2019-07-05", true}, {once, "2019-07", "2019-09-21", true},
	} {
		if got := tt.round.Answers(tt.period, tt.on); got != tt.want {
			t.Errorf("a report for %q on %s answers %+v: %v", tt.period, tt.on, tt.round, got)
		}
	}
}

func TestValidateReporting(t *testing.T) {
	for rule, change := range map[string]func(*ReportingRequired){
		"field.required unit":                           func(r *ReportingRequired) { r.Unit = 0 },
		"field.required from":                           func(r *ReportingRequired) { r.From = "" },
		"directive.reporting_required.due_day due_day":  func(r *ReportingRequired) { r.Day = 0 },
		"directive.reporting_required.due_day  due_day": func(r *ReportingRequired) { r.Day = 32 },
		"directive.reporting_required.until until":      func(r *ReportingRequired) { r.Until = "2019-06-30" },
		"directive.reporting_required.until  until":     func(r *ReportingRequired) { r.Unit, r.Due = calendar.UnitOnce, calendar.Due{} },
		"directive.reporting_required.once due_day":     func(r *ReportingRequired) { r.Unit, r.Until = calendar.UnitOnce, "2019-09-30" },
		"office.kind offices":                           func(r *ReportingRequired) { r.Offices = []domain.Ref{sun.Person} },
		"directive.reporting_required.twice offices":    func(r *ReportingRequired) { r.Offices = []domain.Ref{sun.Office, other, sun.Office} },
	} {
		r := monthly(5)
		change(r)
		var refusal *domain.Refusal
		if err := r.Validate(); !errors.As(err, &refusal) || refusal.Rule+" "+refusal.Field != strings.ReplaceAll(rule, "  ", " ") {
			t.Errorf("%v, want %s", err, rule)
		}
	}
	if refs := monthly(5, other).References(); !slices.Equal(refs, []domain.Ref{other}) {
		t.Errorf("names %v", refs)
	}
}

// Whatever is required: the rounds of a span are those of a longer one that meet
// it, in the same order, and no two of an office's periods meet.
func TestRoundsHoldTogether(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s Duties
		day := func(name string) calendar.Date {
			return calendar.Date("2019-01-01").AddDays(rapid.IntRange(0, 700).Draw(t, name))
		}
		for i := range rapid.IntRange(0, 4).Draw(t, "requirements") {
			r := ReportingRequired{Unit: calendar.Unit(rapid.IntRange(1, 5).Draw(t, "unit")), From: day("from")}
			r.Due = calendar.Due{Day: rapid.IntRange(1, 31).Draw(t, "due"), In: calendar.DueIn(rapid.IntRange(0, 2).Draw(t, "in"))}
			if r.Unit == calendar.UnitOnce || rapid.Bool().Draw(t, "ends") {
				r.Until = r.From.AddDays(rapid.IntRange(0, 300).Draw(t, "days"))
			}
			if rapid.IntRange(0, 3).Draw(t, "for another") == 0 {
				r.Offices = []domain.Ref{other}
			}
			s = append(s, Reporting{Mark{Event: fmt.Sprint(i)}, r})
		}
		whole := s.Rounds(sun.Office, "2018-01-01", "2022-12-31")
		for i, r := range whole {
			if r.From > r.Until || i > 0 && r.Due < whole[i-1].Due || r.Period != "" && !r.Period.Contains(r.From) {
				t.Fatalf("round %+v after %+v", r, whole[:i])
			}
			for _, o := range whole[:i] {
				if o.Period != "" && r.Period != "" && o.meets(r) {
					t.Fatalf("%+v meets %+v", o, r)
				}
			}
		}
		from := day("span")
		until := from.AddDays(rapid.IntRange(0, 400).Draw(t, "long"))
		within := slices.DeleteFunc(slices.Clone(whole), func(r Round) bool { return r.Until < from || r.From > until })
		if have := s.Rounds(sun.Office, from, until); !slices.Equal(have, within) {
			t.Fatalf("about %s..%s\n%s\nand of all\n%s", from, until, roundsText(have), roundsText(within))
		}
	})
}

func TestSpan(t *testing.T) {
	list := func(spans ...string) Duties {
		var d Duties
		for _, s := range spans {
			from, until, _ := strings.Cut(s, "..")
			d = append(d, Reporting{ReportingRequired: ReportingRequired{From: calendar.Date(from), Until: calendar.Date(until)}})
		}
		return d
	}
	for _, tt := range []struct {
		d           Duties
		from, until calendar.Date
	}{
		{list("2019-07-01.."), "2019-07-01", ""},
		{list("2019-07-01..2019-12-31", "2019-03-01..2019-09-30"), "2019-03-01", "2019-12-31"},
		{list("2019-07-01..2019-12-31", "2020-03-01.."), "2019-07-01", ""},
		{list("2019-07-01..", "2020-03-01..2020-12-31"), "2019-07-01", ""},
	} {
		if from, until, ok := tt.d.Span(sun.Office); from != tt.from || until != tt.until || !ok {
			t.Errorf("%s..%s, %v; want %s..%s", from, until, ok, tt.from, tt.until)
		}
	}
	elsewhere := list("2019-07-01..")
	elsewhere[0].Offices = []domain.Ref{other}
	if _, _, ok := elsewhere.Span(sun.Office); ok {
		t.Error("an office has to report what another one has to")
	}
}
