package office

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"duban/domain"
	"duban/domain/calendar"
	"duban/domain/domaintest"
)

var (
	li   = domain.Caller{Person: domain.Ref{Kind: domain.KindPerson, ID: "li"}, Office: domain.Ref{Kind: domain.KindOffice, ID: "anban"}, Role: domain.RoleSafetyOffice}
	sun  = domain.Caller{Person: domain.Ref{Kind: domain.KindPerson, ID: "sun"}, Office: domain.Ref{Kind: domain.KindOffice, ID: "jidian"}, Role: domain.RoleOffice}
	self = domain.Ref{Kind: domain.KindOffice, ID: "01O"}

	heir   = domain.Ref{Kind: domain.KindOffice, ID: "02O"}
	second = domain.Ref{Kind: domain.KindOffice, ID: "03O"}
)

// A step is one command of a story: who, on which day of July 2019, what.
type step struct {
	by  domain.Caller
	day int
	ask domain.Payload
}

func (s step) command() domain.Command {
	at := func(day int) time.Time { return time.Date(2019, 7, day, 9, 0, 0, 0, calendar.Zone) }
	return domain.Command{Entry: domain.Entry{By: s.by, Time: at(s.day), Now: at(31)}, Subject: self, Ask: s.ask}
}

func appendTo(history []domain.Event, events ...domain.Event) []domain.Event {
	for _, e := range events {
		e.ID = fmt.Sprintf("e%d", len(history)+1)
		history = append(history, e)
	}
	return history
}

func given(t testing.TB, story ...step) []domain.Event {
	t.Helper()
	var history []domain.Event
	for i, s := range story {
		events, err := Decide(Replay(history), s.command())
		if err != nil {
			t.Fatalf("step %d: %v", i+1, err)
		}
		history = appendTo(history, events...)
	}
	return history
}

func registered(aliases ...string) *Registered {
	return &Registered{Name: "机电装备处", Type: TypeOffice, Aliases: aliases}
}

func TestScenarios(t *testing.T) {
	base := []step{{li, 1, registered("机电处")}}
	for _, tt := range []struct {
		name    string
		given   []step
		when    step
		refused string
	}{
		{name: "registered", when: base[0]},
		{name: "registered by an office", when: step{sun, 1, registered()}, refused: "role.register"},
		{name: "registered twice", given: base, when: base[0], refused: "office.registered.status"},
		{name: "renamed", given: base, when: step{li, 1, &Renamed{Name: "装备工业处"}}},
		{name: "renamed before registered", when: step{li, 1, &Renamed{Name: "装备工业处"}}, refused: "office.renamed.status"},
		{name: "renamed to itself", given: base, when: step{li, 2, &Renamed{Name: "机电装备处"}}, refused: "office.renamed.same"},
		{name: "renamed in other width", given: []step{{li, 1, &Registered{Name: "处(一)", Type: TypeOffice}}}, when: step{li, 2, &Renamed{Name: "处（一）"}}},
		{name: "renamed earlier than registered", given: []step{{li, 5, registered()}}, when: step{li, 4, &Renamed{Name: "装备工业处"}}, refused: "office.renamed.time"},
		{name: "renamed earlier than the last renaming", given: append(base[:1:1], step{li, 5, &Renamed{Name: "甲处"}}), when: step{li, 4, &Renamed{Name: "乙处"}}, refused: "office.renamed.time"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			history := given(t, tt.given...)
			events, err := Decide(Replay(history), tt.when.command())
			var r *domain.Refusal
			switch {
			case err == nil && tt.refused == "":
				if s := Replay(appendTo(history, events...)); s.Name == "" {
					t.Error("it has no name")
				}
			case !errors.As(err, &r) || r.Rule != tt.refused:
				t.Errorf("%v, want refusal %q", err, tt.refused)
			}
		})
	}
}

func TestNamesNowAndEarlier(t *testing.T) {
	story := []step{
		{li, 1, registered("机电处", "装备工业处")},
		{li, 5, &Renamed{Name: "装备工业处", KeepAsAlias: true}},
		{li, 9, &Renamed{Name: "智能制造处"}},
	}
	type want struct {
		name           string
		aliases        []string
		earlier        string
		claim, release []string
	}
	var history []domain.Event
	for i, w := range []want{
		{"机电装备处", []string{"机电处", "装备工业处"}, "", []string{"机电装备处", "机电处", "装备工业处"}, nil},
		{"装备工业处", []string{"机电处", "机电装备处"}, "机电装备处/e2", nil, nil}, // an alias of its own needs no claim
		{"智能制造处", []string{"机电处", "机电装备处"}, "机电装备处/e2 装备工业处/e3", []string{"智能制造处"}, []string{"装备工业处"}},
	} {
		claim, release := Claims(Replay(history), story[i].ask)
		if !slices.Equal(claim, w.claim) || !slices.Equal(release, w.release) {
			t.Errorf("step %d claims %v and releases %v, want %v and %v", i+1, claim, release, w.claim, w.release)
		}
		history = given(t, story[:i+1]...)
		s := Replay(history)
		var earlier []string
		for _, n := range s.Earlier {
			earlier = append(earlier, n.Name+"/"+n.Until.Event)
		}
		if s.Name != w.name || !slices.Equal(s.Aliases, w.aliases) || strings.Join(earlier, " ") != w.earlier {
			t.Errorf("after step %d: %s %v %v, want %+v", i+1, s.Name, s.Aliases, earlier, w)
		}
	}
	s := Replay(history)
	if !s.Goes("机 电 处") || !s.Goes("智能制造处") || s.Goes("装备工业处") || (State{}).Goes("") {
		t.Errorf("goes by the wrong names: %+v", s)
	}
}

func TestEvolveIgnoresTheAbsurd(t *testing.T) {
	s := Replay(given(t, step{li, 1, registered("机电处")}))
	for _, p := range []domain.Payload{&Registered{Name: "甲处", Type: TypeCenter}, &Renamed{Name: "机电装备处", KeepAsAlias: true}, &domain.Unknown{Type: "x"}, nil} {
		if after := Evolve(s, domain.Event{ID: "e9", Data: p}); !reflect.DeepEqual(after, s) {
			t.Errorf("%T changed the state: %+v", p, after)
		}
	}
	if s := Evolve(State{}, domain.Event{ID: "e1", Data: &Renamed{Name: "甲处"}}); !reflect.DeepEqual(s, State{}) {
		t.Errorf("renamed before it was registered: %+v", s)
	}
	if CheckHistory([]domain.Event{{ID: "e1", Data: &domain.Unknown{Type: "x"}}}) == nil {
		t.Error("a history with an unknown event passes")
	}
}

func TestRenamedInOtherWidthKeepsItsClaim(t *testing.T) {
	s := Replay(given(t, step{li, 1, &Registered{Name: "处(一)", Type: TypeOffice}}))
	for _, keep := range []bool{false, true} {
		p := &Renamed{Name: "处（一）", KeepAsAlias: keep}
		if claim, release := Claims(s, p); claim != nil || release != nil {
			t.Errorf("claims %v, releases %v", claim, release)
		}
		if after := Evolve(s, step{li, 2, p}.command().Event()); len(after.Aliases) != 0 || after.Name != "处（一）" {
			t.Errorf("%+v", after)
		}
	}
}

func TestAllowed(t *testing.T) {
	if got := Allowed(State{}); !slices.Equal(got, []string{"register"}) {
		t.Errorf("at first %v", got)
	}
	if got := Allowed(Replay(given(t, step{li, 1, registered()}))); !slices.Equal(got, []string{"rename", "merge", "split", "hand-over", "correct"}) {
		t.Errorf("then %v", got)
	}
}

func TestValidate(t *testing.T) {
	for _, tt := range []struct {
		rule, field string
		p           domain.Payload
	}{
		{"field.required", "name", &Registered{Type: TypeOffice}},
		{"office.name.text", "name", &Registered{Name: "甲处\n乙处", Type: TypeOffice}},
		{"office.name.text", "name", &Registered{Name: strings.Repeat("长", 67), Type: TypeOffice}},
		{"office.name.group", "name", &Registered{Name: "各市", Type: TypeCityBureau}},
		{"office.name.group", "name", &Registered{Name: "有关部门", Type: TypeOffice}},
		{"office.registered.type", "type", &Registered{Name: "甲处"}},
		{"field.required", "aliases", &Registered{Name: "甲处", Type: TypeOffice, Aliases: []string{" "}}},
		{"office.registered.alias", "aliases", &Registered{Name: "甲处", Type: TypeOffice, Aliases: []string{"甲 处"}}},
		{"office.registered.alias", "aliases", &Registered{Name: "甲处", Type: TypeOffice, Aliases: []string{"乙处", "乙处"}}},
		{"office.name.group", "name", &Renamed{Name: "各有关处室"}},
	} {
		var r *domain.Refusal
		if err := tt.p.Validate(); !errors.As(err, &r) || r.Rule != tt.rule || r.Field != tt.field {
			t.Errorf("%s: %v, want %s at %s", tt.p.EventType(), err, tt.rule, tt.field)
		}
	}
}

func TestType(t *testing.T) {
	for v := TypeOffice; v <= TypeExternal; v++ {
		if p, err := ParseType(v.String()); err != nil || p != v || v.Chinese() == v.String() {
			t.Errorf("%d: %v %v", v, p, err)
		}
	}
}

func TestGolden(t *testing.T) {
	p := domain.Particulars{Basis: []domain.Basis{{Document: "宁编发〔2019〕3号"}}}
	full := []domain.Payload{
		&Registered{p, "机电装备处", TypeOffice, []string{"机电处"}},
		&Renamed{p, "装备工业处", true},
		&Merged{p, heir, "宁编发〔2019〕3号"},
		&Split{p, []domain.Ref{heir, second}, heir, []Move{{domain.Ref{Kind: domain.KindTask, ID: "01T"}, second}}, "宁编发〔2019〕3号"},
		&HandedOver{p, sun.Person, li.Person, "退休"},
		&Corrected{domain.Correction{Particulars: p, Target: "e1", Mode: domain.ModeAmend, Changes: []byte(`{"name":"机电装备处"}`), Reason: "名称录入有误"}},
	}
	domaintest.Golden(t, full, Payloads())
}

// Whatever is asked: what is accepted could have happened, the names an office
// goes by are those it claimed and did not release, and no step changes an
// earlier state. Evolve takes even what Decide refuses.
func TestAnyCommands(t *testing.T) {
	names := []string{"甲处", "乙处", "丙处", "甲 处"}
	rapid.Check(t, func(t *rapid.T) {
		var history, wild []domain.Event
		held := map[string]bool{}
		for range rapid.IntRange(1, 15).Draw(t, "commands") {
			n := rapid.SampledFrom(names).Draw(t, "name")
			c := step{
				rapid.SampledFrom([]domain.Caller{li, li, sun}).Draw(t, "by"), rapid.IntRange(1, 28).Draw(t, "day"),
				rapid.SampledFrom([]domain.Payload{
					&Registered{Name: n, Type: TypeOffice, Aliases: []string{"丁处"}}, &Renamed{Name: n}, &Renamed{Name: n, KeepAsAlias: true}, &domain.Unknown{Type: "x"},
				}).Draw(t, "ask"),
			}.command()
			if rapid.IntRange(0, 5).Draw(t, "reorganise") == 0 {
				c.Ask = rapid.SampledFrom([]domain.Payload{
					&Merged{Into: heir}, &Merged{Into: self}, &Split{Into: []domain.Ref{heir, second}, Rest: heir}, &Split{Into: []domain.Ref{self, heir}, Rest: self}, &Split{}, &HandedOver{From: sun.Person, To: li.Person},
				}).Draw(t, "how")
			}
			wild = appendTo(wild, c.Event())
			before := Replay(history)
			events, err := Decide(before, c)
			if err != nil {
				if r := (*domain.Refusal)(nil); !errors.As(err, &r) {
					t.Fatalf("%v is no refusal", err)
				}
				continue
			}
			claim, release := Claims(before, c.Ask)
			for _, n := range claim {
				held[strings.ReplaceAll(n, " ", "")] = true
			}
			for _, n := range release {
				delete(held, strings.ReplaceAll(n, " ", ""))
			}
			history = appendTo(history, events...)
			if err := CheckHistory(history); err != nil {
				t.Fatalf("accepted, then: %v", err)
			}
			s := Replay(history)
			for _, n := range append(names, "丁处") {
				if s.Goes(n) != held[strings.ReplaceAll(n, " ", "")] {
					t.Fatalf("goes by %s: %v, claimed: %v", n, s.Goes(n), held)
				}
			}
		}
		checkFold(t, history)
		checkFold(t, wild)
	})
}

func checkFold(t *rapid.T, history []domain.Event) {
	var s State
	for i, e := range history {
		before := s
		s = Evolve(s, e)
		if !reflect.DeepEqual(before, domain.Fold(history[:i], Evolve)) {
			t.Fatalf("%s changed the state before it", e.Data.EventType())
		}
	}
	if !reflect.DeepEqual(s, Replay(history)) {
		t.Fatalf("step by step %+v, at once %+v", s, Replay(history))
	}
}
