package office

import (
	"encoding/json"
	"errors"
	"slices"
	"testing"

	"duban/domain"
)

func correcting(target, changes string) *Corrected {
	c := &Corrected{domain.Correction{Target: target, Mode: domain.ModeVoid, Reason: "录入有误"}}
	if changes != "" {
		c.Mode, c.Changes = domain.ModeAmend, json.RawMessage(changes)
	}
	return c
}

func TestCorrect(t *testing.T) {
	base := []step{{li, 1, registered("机电处")}}
	renamed := append(base[:1:1], step{li, 5, &Renamed{Name: "装备工业处"}})
	merged := append(base[:1:1], step{li, 5, &Merged{Into: heir}})
	for _, tt := range []struct {
		name           string
		given          []step
		by             domain.Caller
		ask            *Corrected
		is             string
		claim, release []string
		refused        string
	}{
		{name: "a typing error in the name", given: base, ask: correcting("e1", `{"name":"机电装备一处"}`), is: "机电装备一处", claim: []string{"机电装备一处"}, release: []string{"机电装备处"}},
		{name: "in an alias", given: base, ask: correcting("e1", `{"aliases":["装备处"]}`), is: "机电装备处", claim: []string{"装备处"}, release: []string{"机电处"}},
		{name: "of the first name after a renaming", given: renamed, ask: correcting("e1", `{"name":"机电装备一处"}`), is: "装备工业处"},
		{name: "in the new name", given: renamed, ask: correcting("e2", `{"name":"装备一处"}`), is: "装备一处", claim: []string{"装备一处"}, release: []string{"装备工业处"}},
		{name: "the renaming taken out", given: renamed, ask: correcting("e2", ""), is: "机电装备处", claim: []string{"机电装备处"}, release: []string{"装备工业处"}},
		{name: "the type", given: base, ask: correcting("e1", `{"type":"center"}`), is: "机电装备处"},
		{name: "the reason of a merger", given: merged, ask: correcting("e2", `{"reason":"宁编发〔2019〕3号"}`), is: "机电装备处"},
		{name: "the registration", given: base, ask: correcting("e1", ""), refused: "office.corrected.registered"},
		{name: "a merger", given: merged, ask: correcting("e2", ""), refused: "office.corrected.follows"},
		{name: "where a merger leads", given: merged, ask: correcting("e2", `{"into":"office/03O"}`), refused: "office.corrected.follows"},
		{name: "to the name of the renaming", given: renamed, ask: correcting("e1", `{"name":"装备工业处"}`), refused: "corrected.breaks"},
		{name: "to a group", given: base, ask: correcting("e1", `{"name":"各市"}`), refused: "office.name.group"},
		{name: "by an office", given: base, by: sun, ask: correcting("e1", `{"name":"甲处"}`), refused: "role.correct"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			history := given(t, tt.given...)
			by := tt.by
			if by == (domain.Caller{}) {
				by = li
			}
			events, err := Correct(history, step{by, 9, tt.ask}.command())
			var r *domain.Refusal
			switch {
			case err == nil && tt.refused == "":
				before, after := Replay(history), Replay(appendTo(history, events...))
				claim, release := Corrections(before, after)
				if after.Name != tt.is || !slices.Equal(claim, tt.claim) || !slices.Equal(release, tt.release) {
					t.Errorf("is %s, claims %v and releases %v", after.Name, claim, release)
				}
			case !errors.As(err, &r) || r.Rule != tt.refused:
				t.Errorf("%v, want refusal %q", err, tt.refused)
			}
		})
	}
}
