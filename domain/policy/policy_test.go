package policy

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
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

func command(by domain.Caller, day int, ask domain.Payload) domain.Command {
	at := func(day int) time.Time { return time.Date(2019, 7, day, 9, 0, 0, 0, calendar.Zone) }
	return domain.Command{Entry: domain.Entry{By: by, Time: at(day), Now: at(31)}, Subject: Ref(), Ask: ask}
}

// soon sets another number of days for due_soon and leaves the rest.
func soon(days int) *LightsSet {
	p := &LightsSet{Lights: Default().Lights, Reason: "本地规定"}
	p.DueSoonDays = days
	return p
}

func TestScenarios(t *testing.T) {
	for _, tt := range []struct {
		name    string
		given   []*LightsSet // on July 1, 2 …
		by      domain.Caller
		day     int
		ask     domain.Payload
		version string
		refused string
	}{
		{name: "set", by: li, day: 1, ask: soon(10), version: "lights.1"},
		{name: "the default ones, said", by: li, day: 1, ask: soon(7), version: "lights.1"},
		{name: "set again", given: []*LightsSet{soon(10)}, by: li, day: 2, ask: soon(5), version: "lights.2"},
		{name: "and back", given: []*LightsSet{soon(10), soon(5)}, by: li, day: 3, ask: soon(10), version: "lights.3"},
		{name: "set by an office", by: sun, day: 1, ask: soon(10), refused: "role.set-lights"},
		{name: "the same", given: []*LightsSet{soon(10)}, by: li, day: 2, ask: soon(10), refused: "policy.lights_set.same"},
		{name: "before those in force", given: []*LightsSet{soon(10), soon(5)}, by: li, day: 1, ask: soon(9), refused: "policy.lights_set.time"},
		{name: "no command", by: li, day: 1, ask: &domain.Unknown{Type: "x"}, refused: "command.unknown"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var history []domain.Event
			for i, p := range tt.given {
				e := command(li, i+1, p).Event()
				e.ID = fmt.Sprintf("e%d", i+1)
				history = append(history, e)
			}
			if err := CheckHistory(history); err != nil {
				t.Fatal(err)
			}
			before := Replay(history)
			events, err := Decide(before, command(tt.by, tt.day, tt.ask))
			var r *domain.Refusal
			switch {
			case err == nil && tt.refused == "":
				s := Evolve(before, events[0])
				if got := s.Rules(); got.Version != tt.version || got.Lights != tt.ask.(*LightsSet).Lights || s.ID != Ref() || len(before.Versions) != len(tt.given) {
					t.Errorf("now %+v, want %s", got, tt.version)
				}
			case !errors.As(err, &r) || r.Rule != tt.refused:
				t.Errorf("%v, want refusal %q", err, tt.refused)
			}
		})
	}
	if (State{}).Rules() != Default() {
		t.Error("before any event the default rules are in force")
	}
	if err := CheckHistory([]domain.Event{{ID: "e1", Data: &domain.Unknown{Type: "x"}}}); err == nil {
		t.Error("a history with an unknown event passes")
	}
	if s := Evolve(State{}, domain.Event{Data: &domain.Unknown{Type: "x"}}); !reflect.DeepEqual(s, State{}) {
		t.Errorf("an unknown event changed the state: %+v", s)
	}
}

// Every threshold is set at once: one left out is 0, which is refused by name.
func TestValidate(t *testing.T) {
	v := reflect.ValueOf(&soon(7).Lights).Elem()
	for i := range v.NumField() {
		field, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
		for days, bad := range map[int64]bool{-1: true, 0: true, 1: false, 366: false, 367: true} {
			p := soon(7)
			reflect.ValueOf(&p.Lights).Elem().Field(i).SetInt(days)
			var r *domain.Refusal
			if err := p.Validate(); bad != errors.As(err, &r) || bad && r.Field != field {
				t.Errorf("%s: %d: %v", field, days, err)
			}
		}
	}
	if err := (&LightsSet{Lights: Default().Lights}).Validate(); err == nil {
		t.Error("set without a reason")
	}
}

// The stored bytes are pinned: they decode for ever.
func TestGolden(t *testing.T) {
	p := &LightsSet{domain.Particulars{Note: "备注"}, Lights{1, 2, 3, 4, 5, 6, 7}, "本地规定"}
	domaintest.Golden(t, []domain.Payload{p}, Payloads())
}
