package workyear

import (
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"duban/domain"
	"duban/domain/calendar"
	"duban/domain/domaintest"
)

var (
	li  = domain.Caller{Person: domain.Ref{Kind: domain.KindPerson, ID: "li"}, Office: domain.Ref{Kind: domain.KindOffice, ID: "anban"}, Role: domain.RoleSafetyOffice}
	sun = domain.Caller{Person: domain.Ref{Kind: domain.KindPerson, ID: "sun"}, Office: domain.Ref{Kind: domain.KindOffice, ID: "jidian"}, Role: domain.RoleOffice}
)

func at(d calendar.Date) time.Time { return d.Start().Add(9 * time.Hour) }

func command(by domain.Caller, on calendar.Date, subject domain.Ref, ask domain.Payload) domain.Command {
	return domain.Command{Entry: domain.Entry{By: by, Time: at(on), Now: at("2020-12-31")}, Subject: subject, Ask: ask}
}

func days(from calendar.Date, n int) []calendar.Date {
	var out []calendar.Date
	for i := range n {
		out = append(out, from.AddDays(i))
	}
	return out
}

func first() *YearPublished {
	return &YearPublished{Year: 2020, Off: append(days("2020-01-24", 7), "2020-01-01"), Worked: []calendar.Date{"2020-01-19", "2020-02-01"}, Source: "国办发明电〔2019〕16号"}
}

func prolonged() *YearPublished {
	return &YearPublished{Year: 2020, Off: append(days("2020-01-24", 10), "2020-01-01"), Worked: []calendar.Date{"2020-01-19"}, Source: "国办发明电〔2020〕1号"}
}

// reversed is the same year, written down in another order.
func reversed(p *YearPublished) *YearPublished {
	q := *p
	q.Off = nil
	for _, d := range p.Off {
		q.Off = append([]calendar.Date{d}, q.Off...)
	}
	return &q
}

func TestScenarios(t *testing.T) {
	other := first()
	other.Source = "另一份文件"
	for _, tt := range []struct {
		name    string
		given   []*YearPublished // on 2019-11-21, the next a day later …
		by      domain.Caller
		on      calendar.Date
		subject domain.Ref
		ask     domain.Payload
		version string
		refused string
	}{
		{name: "published", by: li, on: "2019-11-21", subject: Ref(2020), ask: first(), version: "2020.1"},
		{name: "published by an office", by: sun, on: "2019-11-21", subject: Ref(2020), ask: first(), refused: "role.publish"},
		{name: "the year of another subject", by: li, on: "2019-11-21", subject: Ref(2019), ask: first(), refused: "calendar.year_published.year"},
		{name: "published again", given: []*YearPublished{first()}, by: li, on: "2020-01-27", subject: Ref(2020), ask: prolonged(), version: "2020.2"},
		{name: "and back", given: []*YearPublished{first(), prolonged()}, by: li, on: "2020-01-28", subject: Ref(2020), ask: first(), version: "2020.3"},
		{name: "the same days", given: []*YearPublished{first()}, by: li, on: "2020-01-27", subject: Ref(2020), ask: other, refused: "calendar.year_published.same"},
		{name: "the same days in another order", given: []*YearPublished{first()}, by: li, on: "2020-01-27", subject: Ref(2020), ask: reversed(first()), refused: "calendar.year_published.same"},
		{name: "dated before the version in force", given: []*YearPublished{first()}, by: li, on: "2019-11-20", subject: Ref(2020), ask: prolonged(), refused: "calendar.year_published.time"},
		{name: "no command", by: li, on: "2019-11-21", subject: Ref(2020), ask: &domain.Unknown{Type: "x"}, refused: "command.unknown"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var history []domain.Event
			for i, p := range tt.given {
				e := command(li, calendar.Date("2019-11-21").AddDays(i), Ref(2020), p).Event()
				e.ID = fmt.Sprintf("e%d", i+1)
				history = append(history, e)
			}
			if err := CheckHistory(history); err != nil {
				t.Fatal(err)
			}
			events, err := Decide(Replay(history), command(tt.by, tt.on, tt.subject, tt.ask))
			var r *domain.Refusal
			switch {
			case err == nil && tt.refused == "":
				before := Replay(history)
				s := Evolve(before, events[0])
				if got := Workdays([]State{s}).Version; got != tt.version || s.ID != Ref(2020) || len(before.Versions) != len(tt.given) {
					t.Errorf("now %s, want %s", got, tt.version)
				}
				if v, ok := s.Latest(); !ok || v.Source != tt.ask.(*YearPublished).Source {
					t.Errorf("latest %+v", v)
				}
			case !errors.As(err, &r) || r.Rule != tt.refused:
				t.Errorf("%v, want refusal %q", err, tt.refused)
			}
		})
	}
	if err := CheckHistory([]domain.Event{{ID: "e1", Data: &domain.Unknown{Type: "x"}}}); err == nil {
		t.Error("a history with an unknown event passes")
	}
	if s := Evolve(State{}, domain.Event{Data: &domain.Unknown{Type: "x"}}); !reflect.DeepEqual(s, State{}) {
		t.Errorf("an unknown event changed the state: %+v", s)
	}
}

// The working days are those of the last version of each year.
func TestWorkdays(t *testing.T) {
	publish := func(list ...*YearPublished) State {
		var s State
		for _, p := range list {
			s = Evolve(s, domain.Event{Subject: Ref(p.Year), Data: p})
		}
		return s
	}
	y2019 := publish(&YearPublished{Year: 2019, Off: days("2019-10-01", 7), Worked: []calendar.Date{"2019-09-29"}, Source: "x"})
	known := Workdays([]State{publish(first()), y2019})
	if d, provisional := known.After("2020-01-23", 3); known.Version != "2019.1+2020.1" || d != "2020-02-03" || provisional {
		t.Errorf("%s: %s, %v", known.Version, d, provisional)
	}
	later := Workdays([]State{publish(first(), prolonged()), {}, y2019})
	if d, _ := later.After("2020-01-23", 3); later.Version != "2019.1+2020.2" || d != "2020-02-05" {
		t.Errorf("%s: %s", later.Version, d)
	}
	if w := Workdays(nil); w.Version != NoVersion || !w.Provisional("2020-01-23") {
		t.Errorf("of nothing: %s", w.Version)
	}
}

func TestValidate(t *testing.T) {
	for _, tt := range []struct {
		rule, field string
		change      func(*YearPublished)
	}{
		{"calendar.year_published.year", "year", func(p *YearPublished) { p.Year = 1948 }},
		{"calendar.year_published.year", "year", func(p *YearPublished) { p.Year = 2200 }},
		{"field.required", "off", func(p *YearPublished) { p.Off = nil }},
		{"calendar.year_published.outside", "off", func(p *YearPublished) { p.Off = append(p.Off, "2019-12-31") }},
		{"calendar.year_published.outside", "off", func(p *YearPublished) { p.Off = append(p.Off, "2021-01-01") }},
		{"calendar.year_published.outside", "worked", func(p *YearPublished) { p.Worked = append(p.Worked, "2021-01-02") }},
		{"calendar.year_published.twice", "off", func(p *YearPublished) { p.Off = append(p.Off, "2020-01-24") }},
		{"calendar.year_published.twice", "worked", func(p *YearPublished) { p.Off = append(p.Off, "2020-01-19") }},
		{"calendar.year_published.worked", "worked", func(p *YearPublished) { p.Worked = append(p.Worked, "2020-03-02") }},
		{"field.required", "source", func(p *YearPublished) { p.Source = " " }},
	} {
		p := first()
		tt.change(p)
		var r *domain.Refusal
		if err := p.Validate(); !errors.As(err, &r) || r.Rule != tt.rule || r.Field != tt.field {
			t.Errorf("%v, want %s at %s", err, tt.rule, tt.field)
		}
	}
	weekend := first()
	weekend.Off, weekend.Worked = []calendar.Date{"2020-01-25", "2020-01-26"}, nil // a Saturday and a Sunday: said, though not needed
	if err := weekend.Validate(); err != nil {
		t.Error(err)
	}
}

// The stored bytes are pinned: they decode for ever.
func TestGolden(t *testing.T) {
	p := first()
	p.Note = "备注"
	domaintest.Golden(t, []domain.Payload{p}, Payloads())
}
