package finding

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"duban/domain"
	"duban/domain/calendar"
)

func equal(a, b State) bool { return reflect.DeepEqual(a, b) }

// asks draws any payload, often one that is well formed.
func asks(history []domain.Event) *rapid.Generator[domain.Payload] {
	return rapid.Custom(func(t *rapid.T) domain.Payload {
		circumstances := rapid.SampledFrom([]domain.Particulars{
			{}, {}, with(photo), with(letter), approved(), behalf(jidian), behalf(yuancai), behalf(zhao.Person),
		})
		target := "e1"
		if len(history) > 0 {
			target = rapid.SampledFrom(history).Draw(t, "target").ID
		}
		p := rapid.SampledFrom([]domain.Payload{
			aRecord(), &Verified{}, &Dismissed{Reason: "x"},
			&Graded{Grade: rapid.SampledFrom([]Grade{0, GradeOrdinary, GradeMajor, GradeMajor}).Draw(t, "grade"), Criterion: "x"},
			&Regraded{Grade: rapid.SampledFrom([]Grade{GradeOrdinary, GradeMajor}).Draw(t, "regrade"), Criterion: "x", Reason: "y"},
			&RectifiedOnSpot{Measures: "x"}, anOrder("2019-07-31"), anOrder("2019-12-31"),
			&RectificationExtended{Deadline: rapid.SampledFrom([]calendar.Date{"2019-08-31", "2020-01-31"}).Draw(t, "to"), Reason: "x"},
			aReport(), &RectificationReported{},
			looked(true), looked(true), looked(false), &Reinspected{Passed: true, Opinion: "x", Inspectors: []domain.Ref{wang.Person, sun.Person}},
			&WrittenOff{}, &WrittenOff{}, aPlan(), &SupervisionListed{Level: LevelCounty}, &SupervisionDelisted{},
			&SuspensionOrdered{}, &ResumptionApproved{}, &ClosureOrdered{DecisionNo: "x"}, &ClosureVerified{},
			&Referred{To: "x"}, &ReferralReplied{Reply: "x"}, &ReferralReplied{Referral: target, Reply: "x"},
			&OfficeSucceeded{From: jidian, To: zheng.Office}, &OfficeSucceeded{From: yuancai, To: zheng.Office},
			&Recurred{Earlier: other}, &DuplicateOf{Original: other}, &Terminated{Cause: CauseRelocated, Proof: "x"},
			void(li, "07-01", target).ask, amend(li, "07-01", target, `{"note":"x"}`).ask, amend(li, "07-01", target, `{"time":"2019-07-15T00:00:00+08:00"}`).ask,
			&EvidenceWithdrawn{SHA256: photo, Reason: "x"}, &domain.Unknown{Type: "duban.finding.weighed.v9"},
		}).Draw(t, "ask")
		c := p.Circumstances()
		if drawn := circumstances.Draw(t, "circumstances"); len(c.Evidence) == 0 || rapid.Bool().Draw(t, "replace") {
			*c = drawn
		}
		return p
	})
}

func commands(t *rapid.T, history []domain.Event) domain.Command {
	s := step{
		by:  rapid.SampledFrom([]domain.Caller{wang, zhao, insider, li, li, zhou, sun, wu, zheng, auditor}).Draw(t, "by"),
		ask: asks(history).Draw(t, "ask"),
		at:  "07-01",
	}
	c := s.command()
	c.Time = c.Time.Add(time.Duration(rapid.IntRange(-1, 40*len(history)).Draw(t, "hours")) * time.Hour)
	return receivedThen(c)
}

// Whatever is asked: a refusal is a *Refusal, what is accepted leaves a history
// that could have happened, and folding it at once is folding it step by step.
func TestAnyCommands(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		history := appendTo(nil, []domain.Event{recordedStory[0].command().Event()})
		for range rapid.IntRange(1, 40).Draw(t, "commands") {
			c := commands(t, history)
			events, err := decide(history, c)
			if err != nil {
				checkRefusal(t, c, err)
				continue
			}
			history = appendTo(history, events)
			if err := CheckHistory(history); err != nil {
				t.Fatalf("accepted %s, then: %v", c.Ask.EventType(), err)
			}
			checkFold(t, history)
		}
	})
}

// checkRefusal: a refusal is a *Refusal, speaks of acts and not of events, and does
// not advise the act it refused, unless with other words it may do.
func checkRefusal(t *rapid.T, c domain.Command, err error) {
	r := (*domain.Refusal)(nil)
	if !errors.As(err, &r) {
		t.Fatalf("%s: %v is no refusal", c.Ask.EventType(), err)
	}
	for _, p := range Payloads() {
		if name := domain.ShortType(p); strings.Contains(r.Chinese, name) {
			t.Fatalf("%s speaks of %s: %s", r.Rule, name, r.Chinese)
		}
	}
	act, ok := domain.ActOf(Acts(), c.Ask)
	if ok && r.Rule != "finding.regraded.same" && slices.Contains(r.Allowed, act.Name) {
		t.Fatalf("%s is refused by %s, which advises %v", act.Name, r.Rule, r.Allowed)
	}
}

// Evolve takes any events in any order and never fails; what it returns shares
// nothing that a later step could change.
func TestEvolveIsTotal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var history []domain.Event
		for range rapid.IntRange(1, 30).Draw(t, "events") {
			history = appendTo(history, []domain.Event{commands(t, history).Event()})
		}
		checkFold(t, history)
	})
}

func checkFold(t *rapid.T, history []domain.Event) {
	effective := domain.Effective(history)
	var s State
	states := []State{s}
	for _, e := range effective {
		s = Evolve(s, e)
		states = append(states, s)
	}
	if !equal(s, Replay(history)) {
		t.Fatalf("step by step %+v\nat once %+v", s, Replay(history))
	}
	for i, s := range states[:len(states)-1] {
		// Two futures of one state don't write into each other.
		one := Evolve(s, effective[i])
		Evolve(s, domain.Event{ID: "x", Data: &Referred{Particulars: with(letter, photo), To: "x"}})
		Evolve(s, domain.Event{ID: "x", Data: aReport()})
		Evolve(s, domain.Event{ID: "x", Data: &OfficeSucceeded{From: yuancai, To: zheng.Office}})
		Evolve(s, domain.Event{ID: "x", Data: looked(false)})
		Evolve(s, domain.Event{ID: "x", Data: &EvidenceWithdrawn{SHA256: photo}})
		Evolve(s, domain.Event{ID: "x", Data: &ReferralReplied{Reply: "x"}})
		if !equal(one, states[i+1]) {
			t.Fatalf("another future changed the state after %d events", i+1)
		}
	}
	for i := range states {
		if fresh := domain.Fold(effective[:i], Evolve); !equal(fresh, states[i]) {
			t.Fatalf("a later event changed the state after %d events:\n%+v\n%+v", i, states[i], fresh)
		}
	}
}
