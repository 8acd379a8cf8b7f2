package office

import (
	"errors"
	"reflect"
	"testing"

	"duban/domain"
)

func TestHandOver(t *testing.T) {
	own := sun
	own.Office = self
	wang := domain.Ref{Kind: domain.KindPerson, ID: "wang"}
	ask := &HandedOver{From: sun.Person, To: wang}
	behalf := func(of domain.Ref) *HandedOver {
		return &HandedOver{Particulars: domain.Particulars{OnBehalfOf: of, ReceivedVia: domain.ViaPhone, ReceivedOn: "2019-07-05", Note: "来电"}, From: sun.Person, To: wang}
	}
	base := []step{{li, 2, registered()}}
	for _, tt := range []struct {
		name    string
		given   []step
		when    step
		refused string
	}{
		{name: "by the office itself", given: base, when: step{own, 5, ask}},
		{name: "by another office", given: base, when: step{sun, 5, ask}, refused: "office.handed_over.other"},
		{name: "by the safety office", given: base, when: step{li, 5, ask}, refused: "role.hand-over"},
		{name: "on behalf of the office", given: base, when: step{li, 5, behalf(self)}},
		{name: "on behalf of another office", given: base, when: step{li, 5, behalf(heir)}, refused: "office.handed_over.other"},
		{name: "before it was registered", when: step{own, 5, ask}, refused: "office.handed_over.status"},
		{name: "dated before it was registered", given: base, when: step{own, 1, ask}, refused: "office.handed_over.time"},
		{name: "after the merger", given: append(base[:1:1], step{li, 3, &Merged{Into: heir}}), when: step{own, 5, ask}, refused: "office.gone"},
		{name: "to the same person", given: base, when: step{own, 5, &HandedOver{From: wang, To: wang}}, refused: "office.handed_over.same"},
		{name: "to an office", given: base, when: step{own, 5, &HandedOver{From: wang, To: heir}}, refused: "office.handed_over.person"},
		{name: "of nobody", given: base, when: step{own, 5, &HandedOver{To: wang}}, refused: "office.handed_over.person"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := Replay(given(t, tt.given...))
			events, err := Decide(before, tt.when.command())
			var r *domain.Refusal
			switch {
			case err == nil && tt.refused == "":
				if len(events) != 1 || !reflect.DeepEqual(Evolve(before, events[0]), before) {
					t.Errorf("%+v: it says nothing of the office's names", events)
				}
			case !errors.As(err, &r) || r.Rule != tt.refused:
				t.Errorf("%v, want refusal %q", err, tt.refused)
			}
		})
	}
}
