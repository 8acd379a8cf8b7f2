package task

import (
	"slices"
	"strings"
	"testing"

	"duban/domain"
)

// A refusal by the state says what may be done instead, and never the act it
// refused if no other words would help.
func TestRefusalsSayWhatIsAllowed(t *testing.T) {
	for _, tt := range []struct {
		given   []step
		when    step
		has, no string
	}{
		{aloneStory, step{li, "07-20", accept(jidian)}, "acknowledge report request-closure dispute transfer", "accept return uphold reopen resume"},
		{requestedStory, step{sun, "07-21", request(jidian)}, "report request-extension", "request-closure"},
		{completedStory, step{sun, "07-26", request(jidian)}, "reopen report acknowledge", "request-closure complete cancel"},
		{signedStory, step{sun, "07-05", &Acknowledged{ShareOf: of(jidian)}}, "report", "acknowledge"},
		{suspendedStory, step{sun, "07-06", request(jidian)}, "resume report", "request-closure request-extension suspend"},
		{standingStory, step{sun, "07-06", request(jidian, "2019")}, "attest end report", "request-closure complete"},
		{aloneStory, step{sun, "12-06", attest(jidian, "2019")}, "request-closure complete", "attest end"},
		{recurringStory, step{li, "12-06", override(approved())}, "end", "complete attest"},
		{blockedStory, step{li, "07-25", accept(jidian)}, "return", "complete accept"},
		{requestedStory, step{li, "07-26", &KindDecided{Kind: KindStanding, Reason: "x"}}, "return", "decide-kind"},
		{datedStory, step{li, "12-06", granted(grounded(), jidian, "2020-01-31")}, "request-extension", "grant-extension refuse-extension"},
		{askedStory, step{sun, "12-06", moreTime(jidian, "2020-02-28")}, "grant-extension refuse-extension", "request-extension"},
		{aloneStory, step{li, "07-06", &LeadDesignated{ShareOf: of(jidian)}}, "assign", "designate-lead absorb"},
		{aloneStory, step{zheng, "07-06", report(ruanjian)}, "assign remind", "report acknowledge"},
		{aloneStory, step{li, "07-06", &Cancelled{Reason: "x"}}, "cancel", "withdraw-evidence"},
		{then(aloneStory, step{sun, "07-10", under(with(photo), report(jidian))}), step{li, "07-11", &Resumed{}}, "withdraw-evidence suspend", "resume"},
		{then(aloneStory, step{li, "07-03", &Voided{Reason: "x"}}), step{sun, "07-06", report(jidian)}, "", "correct report reopen"},
	} {
		_, r := when(t, given(t, tt.given...), tt.when)
		if r == nil || r.Reason != domain.ReasonIllegal {
			t.Errorf("%s: %v, want a refusal by the state", tt.when.ask.EventType(), r)
			continue
		}
		for _, name := range strings.Fields(tt.has) {
			if !slices.Contains(r.Allowed, name) {
				t.Errorf("%s: %s is missing among %v", r.Rule, name, r.Allowed)
			}
		}
		for _, name := range strings.Fields(tt.no) {
			if slices.Contains(r.Allowed, name) {
				t.Errorf("%s: %s leads nowhere: %v", r.Rule, name, r.Allowed)
			}
		}
		for _, name := range r.Allowed {
			if !strings.Contains(r.Error(), name) {
				t.Errorf("%v does not name %s", r, name)
			}
		}
	}
}

func TestAllowedForAShare(t *testing.T) {
	s := Replay(given(t, halfStory...))
	if a := Allowed(s, jidian); slices.Contains(a, "request-closure") {
		t.Errorf("accepted: %v", a)
	}
	if a := Allowed(s, yuancai); !slices.Contains(a, "request-closure") {
		t.Errorf("open: %v", a)
	}
	if a := Allowed(s, noOffice); !slices.Contains(a, "request-closure") || !slices.Contains(a, "reopen") {
		t.Errorf("any share: %v", a)
	}
	if a := Allowed(State{}, noOffice); len(a) != 0 {
		t.Errorf("before the docketing: %v", a)
	}
}
