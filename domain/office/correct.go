package office

import (
	"encoding/json"
	"maps"
	"slices"

	"duban/domain"
)

// Corrected (更正) takes an earlier event out or amends it, in place.
type Corrected struct{ domain.Correction }

// EventType names the event.
func (*Corrected) EventType() string { return "duban.office.corrected.v1" }

// Correct decides a correction: of what was typed wrongly. What an office is called
// from some day on is a renaming. The history it leaves must be one that could have
// happened.
func Correct(history []domain.Event, c domain.Command) ([]domain.Event, error) {
	return domain.DecideCorrection(history, c, Acts(), correctable, CheckHistory)
}

// correctable refuses to correct here what other records follow from, and names the
// act that is meant.
func correctable(history []domain.Event, c domain.Correction) error {
	i := slices.IndexFunc(history, func(e domain.Event) bool { return e.ID == c.Target })
	switch history[i].Data.(type) {
	case *Registered:
		if c.Mode == domain.ModeVoid {
			return domain.Illegal("office.corrected.registered", "登记不能撤销；名称有误的请改正（amend），重复登记的请并入（merge）另一处室",
				"a registration is not voided: amend a wrong name, merge a duplicate into the other office")
		}
	case *Merged, *Split, *HandedOver:
		var named map[string]json.RawMessage
		_ = json.Unmarshal(c.Changes, &named) // Validate has read it
		for f := range maps.Keys(named) {
			if !slices.Contains([]string{"reason", "basis", "note", "evidence"}, f) {
				named = nil
			}
		}
		if len(named) == 0 {
			return domain.Illegal("office.corrected.follows", "分项已随之转移，只能改正 reason、basis、note、evidence；移错的请用 transfer、change-handler 逐项办理",
				"shares were moved with it: only reason, basis, note and evidence are amended; move shares back with transfer or change-handler")
		}
	}
	return nil
}

// Corrections says which names a correction takes and gives up.
func Corrections(before, after State) (claim, release []string) {
	return namesOnly(after, before), namesOnly(before, after)
}

func namesOnly(s, other State) []string {
	var out []string
	for _, n := range append([]string{s.Name}, s.Aliases...) {
		if n != "" && !other.Goes(n) {
			out = append(out, n)
		}
	}
	return out
}
