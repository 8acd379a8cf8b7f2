package office

import (
	"errors"
	"reflect"
	"slices"
	"testing"

	"duban/domain"
)

func TestReorganisations(t *testing.T) {
	merge := &Merged{Into: heir}
	split := &Split{Into: []domain.Ref{heir, second}, Rest: second}
	stays := &Split{Into: []domain.Ref{self, heir}, Rest: self}
	base := []step{{li, 1, registered("机电处")}}
	merged := append(base[:1:1], step{li, 5, merge})
	own := li
	own.Office = self
	for _, tt := range []struct {
		name    string
		given   []step
		when    step
		heir    domain.Ref
		into    []domain.Ref
		refused string
	}{
		{name: "merged", given: base, when: step{li, 2, merge}, heir: heir, into: []domain.Ref{heir}},
		{name: "split up", given: base, when: step{li, 2, split}, heir: second, into: split.Into},
		{name: "split, and it stays", given: base, when: step{li, 2, stays}, into: stays.Into},
		{name: "merged by an office", given: base, when: step{sun, 2, merge}, refused: "role.merge"},
		{name: "split by an office", given: base, when: step{sun, 2, split}, refused: "role.split"},
		{name: "merged into itself", given: base, when: step{li, 2, &Merged{Into: self}}, refused: "office.merged.itself"},
		{name: "merged before it was", when: step{li, 2, merge}, refused: "office.reorganised.status"},
		{name: "merged before its name", given: []step{{li, 5, registered()}}, when: step{li, 4, merge}, refused: "office.reorganised.time"},
		{name: "merged by its own people", given: base, when: step{own, 2, merge}, refused: "office.reorganised.own"},
		{name: "split by its own people, who stay", given: base, when: step{own, 2, stays}, into: stays.Into},
		{name: "merged twice", given: merged, when: step{li, 6, merge}, refused: "office.gone"},
		{name: "split after the merger", given: merged, when: step{li, 6, split}, refused: "office.gone"},
		{name: "renamed after the merger", given: merged, when: step{li, 6, &Renamed{Name: "甲处"}}, refused: "office.gone"},
		{name: "split, then merged", given: append(base[:1:1], step{li, 2, stays}), when: step{li, 3, merge}, heir: heir, into: []domain.Ref{heir}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			history := given(t, tt.given...)
			events, err := Decide(Replay(history), tt.when.command())
			var r *domain.Refusal
			switch {
			case err == nil && tt.refused == "":
				s := Replay(appendTo(history, events...))
				if s.Heir != tt.heir || !slices.Equal(s.Into, tt.into) || s.Gone() != !tt.heir.IsZero() || s.Gone() != (s.Ended != Mark{}) {
					t.Errorf("heir %v, into %v", s.Heir, s.Into)
				}
				if !s.Goes("机电处") {
					t.Error("it lost its name")
				}
			case !errors.As(err, &r) || r.Rule != tt.refused:
				t.Errorf("%v, want refusal %q", err, tt.refused)
			}
		})
	}
	if got := Allowed(Replay(given(t, merged...))); !slices.Equal(got, []string{"correct"}) {
		t.Errorf("an office that is no more may %v", got)
	}
}

func TestMoves(t *testing.T) {
	task, hazard := domain.Ref{Kind: domain.KindTask, ID: "01T"}, domain.Ref{Kind: domain.KindFinding, ID: "01F"}
	s := &Split{Into: []domain.Ref{heir, second}, Rest: heir, Decisions: []Move{{task, second}}}
	if s.To(task) != second || s.To(hazard) != heir {
		t.Errorf("%v %v", s.To(task), s.To(hazard))
	}
	if got := s.References(); !reflect.DeepEqual(got, []domain.Ref{heir, second, task}) {
		t.Errorf("%v", got)
	}
	if got := (&Merged{Into: heir}).References(); !reflect.DeepEqual(got, []domain.Ref{heir}) {
		t.Errorf("%v", got)
	}
	for _, tt := range []struct {
		rule string
		p    domain.Payload
	}{
		{"office.kind", &Merged{}},
		{"office.kind", &Split{Into: []domain.Ref{task, heir}, Rest: heir}},
		{"office.split.into", &Split{Into: []domain.Ref{heir}, Rest: heir}},
		{"office.split.twice", &Split{Into: []domain.Ref{heir, heir}, Rest: heir}},
		{"office.split.rest", &Split{Into: []domain.Ref{heir, second}}},
		{"office.split.record", &Split{Into: s.Into, Rest: heir, Decisions: []Move{{second, heir}}}},
		{"office.split.to", &Split{Into: s.Into, Rest: heir, Decisions: []Move{{task, self}}}},
		{"office.split.twice", &Split{Into: s.Into, Rest: heir, Decisions: []Move{{task, heir}, {task, second}}}},
	} {
		var r *domain.Refusal
		if err := tt.p.Validate(); !errors.As(err, &r) || r.Rule != tt.rule || r.Field == "" {
			t.Errorf("%s: %v, want %s and a field", tt.p.EventType(), err, tt.rule)
		}
	}
}
