package directive

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"duban/domain"
)

func amended(changes ...Change) *Amended {
	return &Amended{By: "宁工信安发〔2020〕3号", Changes: changes}
}

func replaced(number int, text string) Change {
	return Change{Number: number, Kind: ChangeReplaced, Text: text}
}

func removed(number int) Change { return Change{Number: number, Kind: ChangeRemoved} }

func added(text string) Change {
	return Change{Path: []string{"一", "（新）"}, Kind: ChangeAdded, Text: text}
}

func repealed(decisions ...Decision) *Repealed {
	return &Repealed{By: "宁工信安发〔2020〕9号", Decisions: decisions}
}

// at is a change of a clause that is named by its path.
func at(ch Change, path ...string) Change {
	ch.Number, ch.Path = 0, path
	return ch
}

func TestAmendments(t *testing.T) {
	base := []step{{li, 2, issued()}, {li, 2, recorded(1, 2, 3)}}
	twins := append(base[:1:1], step{li, 2, &ClausesRecorded{Clauses: []Clause{clause(1, "甲"), clause(2, "乙")}}})
	twins[1].ask.(*ClausesRecorded).Clauses[1].Path = []string{"一", "（1）"}
	early := replaced(1, "新")
	early.EffectiveOn = "2019-06-30"
	numbered := added("新")
	numbered.Number = 9
	gone := append(base[:2:2], step{li, 3, amended(removed(2))})
	over := append(base[:2:2], step{li, 3, repealed()})
	for _, tt := range []struct {
		name    string
		given   []step
		when    step
		clauses int
		refused string
	}{
		{name: "replaced", given: base, when: step{li, 3, amended(replaced(2, "新"))}, clauses: 3},
		{name: "replaced by its path", given: base, when: step{li, 3, amended(at(replaced(0, "新"), "一", "（2）"))}, clauses: 3},
		{name: "removed", given: base, when: step{li, 3, amended(removed(3))}, clauses: 3},
		{name: "added", given: base, when: step{li, 3, amended(added("新"), added("又"))}, clauses: 5},
		{name: "added under a number of its own", given: base, when: step{li, 3, amended(numbered)}, refused: "directive.amended.number"},
		{name: "by an office", given: base, when: step{sun, 3, amended(removed(3))}, refused: "role.amend"},
		{name: "a clause there is not", given: base, when: step{li, 3, amended(replaced(4, "新"))}, refused: "directive.amended.clause"},
		{name: "a path there is not", given: base, when: step{li, 3, amended(at(removed(0), "九"))}, refused: "directive.amended.clause"},
		{name: "a path of two", given: twins, when: step{li, 3, amended(at(removed(0), "一", "（1）"))}, refused: "directive.amended.ambiguous"},
		{name: "… by number", given: twins, when: step{li, 3, amended(removed(2))}, clauses: 2},
		{name: "the same words", given: base, when: step{li, 3, amended(replaced(2, "第2项"))}, refused: "directive.amended.same"},
		{name: "one clause twice", given: base, when: step{li, 3, amended(replaced(2, "新"), removed(2))}, refused: "directive.amended.twice"},
		{name: "a removed clause", given: gone, when: step{li, 4, amended(replaced(2, "新"))}, refused: "directive.amended.removed"},
		{name: "a removed clause, by its path", given: gone, when: step{li, 4, amended(at(replaced(0, "新"), "一", "（2）"))}, refused: "directive.amended.clause"},
		{name: "removed, then added", given: gone, when: step{li, 4, amended(added("新"))}, clauses: 4},
		{name: "amended again", given: append(base[:2:2], step{li, 3, amended(replaced(2, "新"))}), when: step{li, 4, amended(replaced(2, "又新"))}, clauses: 3},
		{name: "clauses recorded after an amendment", given: append(base[:2:2], step{li, 3, amended(added("新"))}), when: step{li, 4, recorded(5)}, clauses: 5},
		{name: "in force before the directive", given: base, when: step{li, 3, amended(early)}, refused: "directive.amended.effective_on"},
		{name: "before the directive", given: base, when: step{li, 1, amended(removed(2))}, refused: "directive.amended.time"},
		{name: "by itself", given: base, when: step{li, 3, &Amended{By: "x", ByDirective: self, Changes: []Change{removed(1)}}}, refused: "directive.itself"},
		{name: "nothing", when: step{li, 3, amended(removed(2))}, refused: "directive.amended.status"},

		{name: "repealed", given: base, when: step{li, 3, repealed()}, clauses: 3},
		{name: "repealed by an office", given: base, when: step{sun, 3, repealed()}, refused: "role.repeal"},
		{name: "repealed by itself", given: base, when: step{li, 3, &Repealed{By: "x", ByDirective: self}}, refused: "directive.itself"},
		{name: "repealed before issued", given: base, when: step{li, 1, repealed()}, refused: "directive.repealed.time"},
		{name: "no longer in force before it was", given: base, when: step{li, 3, &Repealed{By: "x", EffectiveOn: "2019-06-30"}}, refused: "directive.repealed.effective_on"},
		{name: "repealed twice", given: over, when: step{li, 4, repealed()}, refused: "directive.repealed.status"},
		{name: "amended after the repeal", given: over, when: step{li, 4, amended(removed(2))}, refused: "directive.amended.status"},
		{name: "voided after the repeal", given: over, when: step{li, 4, &Voided{Reason: "x"}}, refused: "directive.voided.status"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			history := given(t, tt.given...)
			events, err := Decide(Replay(history), tt.when.command())
			var r *domain.Refusal
			switch {
			case err == nil && tt.refused == "":
				history = appendTo(history, events...)
				if err := CheckHistory(history); err != nil {
					t.Errorf("accepted, then %v", err)
				}
				if s := Replay(history); len(s.Clauses) != tt.clauses {
					t.Errorf("now %d clauses, want %d", len(s.Clauses), tt.clauses)
				}
			case !errors.As(err, &r) || r.Rule != tt.refused:
				t.Errorf("%v, want refusal %q", err, tt.refused)
			}
		})
	}
}

// The event spells out what the command left to be known, and the command itself
// stays as it was given.
func TestAmendmentIsSpelledOut(t *testing.T) {
	ask := amended(at(replaced(0, "新"), "一", "（2）"), removed(3), added("增"))
	events, err := Decide(Replay(given(t, step{li, 2, issued()}, step{li, 2, recorded(1, 2, 3)})), step{li, 5, ask}.command())
	if err != nil {
		t.Fatal(err)
	}
	if ask.Changes[0].Number != 0 || ask.Changes[0].EffectiveOn != "" {
		t.Errorf("the command was changed: %+v", ask.Changes[0])
	}
	want := []Change{
		{Number: 2, Path: []string{"一", "（2）"}, Kind: ChangeReplaced, Text: "新", TextSHA256: TextHash("新"), EffectiveOn: "2019-07-05"},
		{Number: 3, Path: []string{"一", "（3）"}, Kind: ChangeRemoved, EffectiveOn: "2019-07-05"},
		{Number: 4, Path: []string{"一", "（新）"}, Kind: ChangeAdded, Text: "增", TextSHA256: TextHash("增"), EffectiveOn: "2019-07-05"},
	}
	if got := events[0].Data.(*Amended).Changes; !reflect.DeepEqual(got, want) {
		t.Errorf("%+v\n%+v", got, want)
	}
}

func TestEarlierWordingIsKept(t *testing.T) {
	second := replaced(2, "又新")
	second.EffectiveOn = "2020-01-01"
	s := Replay(given(t, step{li, 2, issued()}, step{li, 2, recorded(1, 2, 3)},
		step{li, 5, amended(replaced(2, "新"), removed(3), added("增"))}, step{li, 9, amended(second)}))
	var texts []string
	for _, c := range s.Clauses {
		texts = append(texts, c.Text)
	}
	if got := strings.Join(texts, " "); got != "第1项 又新 第3项 增" {
		t.Errorf("now %s", got)
	}
	r := s.RevisionsOf(2)
	if len(r) != 2 || r[0].Earlier.Text != "第2项" || r[0].EffectiveOn != "2019-07-05" || r[0].Event != "e3" || r[1].Earlier.Text != "新" || r[1].EffectiveOn != "2020-01-01" {
		t.Errorf("%+v", r)
	}
	if !s.Removed(3) || s.Removed(2) || s.RevisionsOf(4)[0].Kind != ChangeAdded || len(s.RevisionsOf(1)) != 0 {
		t.Errorf("%+v", s.Revisions)
	}
	if c := s.Clauses[1]; c.Path[1] != "（2）" || c.Lines != [2]int{2, 2} {
		t.Errorf("what was not changed is gone: %+v", c)
	}
}

func TestDecisions(t *testing.T) {
	r := repealed(Decision{Task: task1, Fate: FateContinues, Reason: "x"})
	if d, ok := r.On(task1); !ok || d.Fate != FateContinues {
		t.Errorf("%+v", d)
	}
	if _, ok := r.On(amending); ok {
		t.Error("a task nobody decided on")
	}
	r.Otherwise = &Otherwise{FateCancelled, "随文废止"}
	if d, ok := r.On(amending); !ok || d.Fate != FateCancelled || d.Task != amending || d.Reason != "随文废止" {
		t.Errorf("%+v", d)
	}
}

func TestValidateAmendments(t *testing.T) {
	decided := func(d ...Decision) *Amended { return &Amended{By: "x", Changes: []Change{removed(1)}, Decisions: d} }
	big := strings.Repeat("长", 11_000)
	for _, tt := range []struct {
		rule string
		p    domain.Payload
	}{
		{"field.required", &Amended{Changes: []Change{removed(1)}}},
		{"directive.by", &Amended{By: "x", ByDirective: task1, Changes: []Change{removed(1)}}},
		{"directive.amended.none", &Amended{By: "x"}},
		{"directive.change.kind", amended(Change{Number: 1, Text: "x"})},
		{"directive.change.number", amended(Change{Number: -1, Kind: ChangeRemoved})},
		{"directive.change.removed", amended(Change{Number: 1, Kind: ChangeRemoved, Text: "x"})},
		{"field.required", amended(replaced(1, " "))},
		{"directive.clause.text_sha256", amended(Change{Kind: ChangeAdded, Text: "x", TextSHA256: TextHash("y")})},
		{"directive.change.docket", amended(Change{Kind: ChangeAdded, Text: "x", Docket: true})},
		{"directive.clause.role", amended(Change{Kind: ChangeAdded, Text: "x", Offices: []ClauseOffice{{Name: "甲处"}}})},
		{"directive.long", amended(replaced(1, big), replaced(2, big))},
		{"directive.decision.task", decided(Decision{Task: self, Fate: FateRevised})},
		{"directive.decision.fate", decided(Decision{Task: task1})},
		{"directive.decision.twice", decided(Decision{Task: task1, Fate: FateRevised}, Decision{Task: task1, Fate: FateCancelled})},
		{"directive.amended.fate", decided(Decision{Task: task1, Fate: FateContinues, Reason: "x"})},
		{"field.required", &Repealed{}},
		{"directive.by", &Repealed{By: "x", ByDirective: task1}},
		{"directive.repealed.fate", repealed(Decision{Task: task1, Fate: FateRevised})},
		{"field.required", repealed(Decision{Task: task1, Fate: FateContinues})},
		{"field.required", &Repealed{By: "x", Otherwise: &Otherwise{Fate: FateCancelled}}},
		{"directive.decision.fate", &Repealed{By: "x", Otherwise: &Otherwise{Reason: "x"}}},
		{"directive.repealed.fate", &Repealed{By: "x", Otherwise: &Otherwise{FateRevised, "x"}}},
	} {
		var r *domain.Refusal
		if err := tt.p.Validate(); !errors.As(err, &r) || r.Rule != tt.rule {
			t.Errorf("%s: %v, want %s", tt.p.EventType(), err, tt.rule)
		}
	}
}

func TestReferencesOfChanges(t *testing.T) {
	office := Change{Kind: ChangeAdded, Text: "x", Offices: []ClauseOffice{{Name: "机电处", Role: RoleLead, Office: sun.Office}}}
	a := &Amended{By: "x", ByDirective: amending, Changes: []Change{office}, Decisions: []Decision{{Task: task1, Fate: FateRevised}}}
	if got := a.References(); !reflect.DeepEqual(got, []domain.Ref{amending, sun.Office, task1}) {
		t.Errorf("%v", got)
	}
	r := repealed(Decision{Task: task1, Fate: FateCancelled})
	if got := r.References(); !reflect.DeepEqual(got, []domain.Ref{{}, task1}) {
		t.Errorf("%v", got)
	}
}
