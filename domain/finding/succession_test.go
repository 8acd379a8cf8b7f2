package finding

import (
	"slices"
	"testing"

	"duban/domain"
)

// What an office that is no more had to put right or to supervise, its heir does;
// and the rectifier's heir checks it no more than the rectifier would.
func TestSuccession(t *testing.T) {
	moved := func(from, to domain.Ref) step { return step{li, "07-06", &OfficeSucceeded{From: from, To: to}} }
	heir := caller("xin", "xinchu", domain.RoleOffice)
	checker := caller("xun", "xinchu", domain.RoleInspector)
	story := then(orderedStory, moved(jidian, heir.Office), moved(yuancai, zheng.Office))
	for _, sc := range []struct {
		name    string
		given   []step
		when    step
		refused string
	}{
		{"the heir of the rectifier reports", story, step{heir, "07-10", aReport()}, ""},
		{"the heir of the supervising office reports", story, step{zheng, "07-10", aReport()}, ""},
		{"… but not before it was", orderedStory, step{heir, "07-10", aReport()}, "finding.rectification_reported.office"},
		{"entered late for the old office", story, step{li, "07-10", &RectificationReported{Particulars: behalf(jidian), Summary: "已加装"}}, ""},
		{"the heir checks what it put right", then(story, step{heir, "07-10", aReport()}), step{checker, "07-11", looked(true)}, "finding.reinspected.rectifier"},
		{"somebody else checks it", then(story, step{heir, "07-10", aReport()}), step{zhao, "07-11", looked(true)}, ""},
		{"moved from an office it is not with", orderedStory, moved(zheng.Office, heir.Office), "finding.office_succeeded.from"},
		{"moved twice", story, moved(jidian, heir.Office), "finding.office_succeeded.from"},
		{"moved on", story, moved(heir.Office, zhao.Office), ""},
		{"moved by an inspector", orderedStory, step{wang, "07-06", &OfficeSucceeded{From: jidian, To: heir.Office}}, "role.succeed-office"},
		{"before the order", orderedStory, step{li, "07-01", &OfficeSucceeded{From: jidian, To: heir.Office}}, "finding.office_succeeded.time"},
		{"corrected here", story, void(li, "07-20", "e5"), "finding.corrected.succession"},
	} {
		t.Run(sc.name, func(t *testing.T) {
			_, r := when(t, given(t, sc.given...), sc.when)
			switch {
			case r == nil && sc.refused != "":
				t.Errorf("accepted, want %s", sc.refused)
			case r != nil && r.Rule != sc.refused:
				t.Errorf("%v, want %q", r, sc.refused)
			}
		})
	}
	s := Replay(given(t, then(story, moved(heir.Office, zhao.Office))...))
	if got := s.Carriers(jidian); !slices.Equal(got, []domain.Ref{jidian, heir.Office, zhao.Office}) || s.Carrier(jidian) != zhao.Office || !s.Carrier(domain.Ref{}).IsZero() {
		t.Errorf("%v", got)
	}
	if s.Order.Rectifier.Office != jidian {
		t.Errorf("the order reads otherwise than it was given: %v", s.Order.Rectifier)
	}
	if slices.Contains(Allowed(s), "succeed-office") {
		t.Error("advised though nobody asks for it")
	}
}
