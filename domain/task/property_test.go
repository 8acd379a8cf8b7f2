package task

import (
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"duban/domain"
	"duban/domain/calendar"
)

// asks draws any payload, often one that is well formed.
func asks(history []domain.Event) *rapid.Generator[domain.Payload] {
	return rapid.Custom(func(t *rapid.T) domain.Payload {
		target := "e1"
		if len(history) > 0 {
			target = rapid.SampledFrom(history).Draw(t, "target").ID
		}
		o := rapid.SampledFrom([]domain.Ref{jidian, jidian, yuancai, ruanjian}).Draw(t, "office")
		p := rapid.SampledFrom([]domain.Ref{jidian, yuancai, ruanjian}).Draw(t, "other")
		period := rapid.SampledFrom([]calendar.Period{"", "", "2019-Q3", "2019-Q4", "2019"}).Draw(t, "period")
		day := rapid.SampledFrom([]calendar.Date{"2019-07-15", "2019-12-31", "2020-01-31"}).Draw(t, "day")
		kind := rapid.SampledFrom([]Kind{KindOneOff, KindRecurring, KindStanding}).Draw(t, "kind")
		some := rapid.SampledFrom([][]domain.Ref{nil, {o}, {o, p}}).Draw(t, "some")
		ask := rapid.SampledFrom([]domain.Payload{
			aDocket(kind), toOffices(o), toOffices(o, p), &LeadDesignated{ShareOf: of(o)}, &KindDecided{Kind: kind, Reason: "x"},
			dispute(o), &DisputeUpheld{ShareOf: of(o), Reason: "x"}, transfer(o, p), absorb(o, p),
			&Acknowledged{ShareOf: of(o), Person: sun.Person}, &HandlerChanged{ShareOf: of(o), To: wu.Person}, aPlan(), report(o), report(o),
			&StatedDeadline{Date: day}, &ProposedDeadline{Scope: Scope{o}, Date: day}, &SetDeadline{Scope: Scope{o}, Date: day}, &SetDeadline{Words: "x"},
			moreTime(o, day), granted(grounded(), o, day), &ExtensionRefused{ShareOf: of(o), Reason: "x"},
			&Suspended{Offices: some, Reason: "x"}, &Resumed{Offices: some, Deadline: day},
			request(o, period), request(o, period), sendBack(o, period), accept(o, period), accept(o, period), accept(o, period),
			&Completed{By: ClosingAllShares}, override(approved()), attest(o, "2019"), &Ended{Reason: "x"},
			&Cancelled{Reason: "x"}, reopen(approved(), some...), &Reminded{Offices: some, Words: "x"},
			&EvidenceWithdrawn{SHA256: photo, Reason: "x"}, &FindingOpened{Finding: hazard}, &FindingSettled{Finding: hazard}, &Voided{Reason: "x"},
			revise(rapid.SampledFrom([]string{clause, letter, photo}).Draw(t, "words")), link(rapid.SampledFrom([]domain.Ref{self, sibling, cousin}).Draw(t, "to")),
			consolidate(sibling), parts(Child{Task: rapid.SampledFrom([]domain.Ref{self, sibling, cousin}).Draw(t, "part")}),
			void(li, "07-01", target).ask, amend(li, "07-01", target, `{"note":"x"}`).ask, amend(li, "07-01", target, `{"time":"2019-07-15T00:00:00+08:00"}`).ask,
			amend(li, "07-01", target, `{"office":"office/yuancai"}`).ask, amend(li, "07-01", target, `{"approval":null}`).ask,
			&domain.Unknown{Type: "duban.task.weighed.v9"},
		}).Draw(t, "ask")
		if c := ask.Circumstances(); c.Approval == nil || rapid.IntRange(0, 9).Draw(t, "replace") == 0 {
			*c = rapid.SampledFrom([]domain.Particulars{{}, {}, with(photo), approved(), approved(), behalf(o), behalf(p), behalf(wu.Person)}).Draw(t, "circumstances")
		}
		return ask
	})
}

// commands draws a command: any caller's anything, or, more often, something the
// state allows by somebody who may.
func commands(t *rapid.T, history []domain.Event) domain.Command {
	s := step{
		by:  rapid.SampledFrom([]domain.Caller{li, zhou, insider, sun, wu, zheng, wang, auditor}).Draw(t, "by"),
		ask: asks(history).Draw(t, "ask"),
		at:  "07-01",
	}
	if rapid.IntRange(0, 4).Draw(t, "likely") > 0 {
		state := Replay(history)
		for try := 0; try < 20 && !plausible(t, state, s.ask); try++ {
			s.ask = asks(history).Draw(t, "another ask")
		}
		s.by = proper(s.ask)
	}
	c := s.command()
	hours := 12 * len(history)
	c.Time = c.Time.Add(time.Duration(rapid.SampledFrom([]int{hours, hours, hours, hours + 6, hours / 2, -1}).Draw(t, "hours")) * time.Hour)
	return c
}

// plausible reports whether the state may allow what is asked; what ends a task,
// and what moves nothing, is let through now and then only.
func plausible(t *rapid.T, s State, ask domain.Payload) bool {
	if _, ok := ask.(*domain.Unknown); ok || !needs(ask).met(s) || s.vain(ask) {
		return false
	}
	recurring := s.Kind == KindRecurring
	switch d := ask.(type) {
	case *ClosureRequested:
		if recurring != (d.Period != "") {
			return false
		}
	case *Accepted:
		if recurring != (d.Period != "") {
			return false
		}
	case *Returned:
		if recurring != (d.Period != "") {
			return false
		}
	case *Cancelled, *Ended, *Completed, *Consolidated, *Decomposed, *ClauseRevised, *Linked, *Voided, *Assigned, *SetDeadline, *StatedDeadline, *ProposedDeadline,
		*KindDecided, *LeadDesignated, *HandlerChanged, *PlanSubmitted, *Reminded, *FindingOpened, *Transferred, *Absorbed:
		return rapid.IntRange(0, 9).Draw(t, "rare") == 0
	}
	n := needs(ask)
	if len(n.shares) == 0 {
		return true
	}
	sh, ok := s.Share(subjectOffice(ask))
	return ok && n.metBy(sh) && !s.vainFor(sh, ask)
}

// proper returns somebody who may ask it. Acceptances are left to a clerk who
// never enters requests.
func proper(ask domain.Payload) domain.Caller {
	by := map[domain.Ref]domain.Caller{jidian: sun, yuancai: wu, ruanjian: zheng}
	i := slices.IndexFunc(Acts(), func(a domain.Act) bool { return a.Ask.EventType() == ask.EventType() })
	if i < 0 || slices.Contains(Acts()[i].By, domain.RoleSafetyOffice) {
		return zhou
	}
	if ask.Circumstances().OnBehalfOf.IsZero() {
		return by[subjectOffice(ask)]
	}
	return li
}

// curable are the rules that refuse the words of an act: its time, its offices,
// its period, what it lacks. With others it may do, so that it may be among what
// is allowed now; what any other rule refuses by the state is not.
var curable = []string{
	"time.before", "late.after", "approval.required", "share.none", "assigned.again", "share_transferred.meets", "share_absorbed.into",
	"extension.earlier", "deadline.source", "deadline.source_words", "suspended.again", "suspended.none", "resumed.none", "closure_requested.pending", "closure_requested.accepted",
	"period.missing", "period.one_off", "period.schedule", "kind_decided.recurring", "kind_decided.period",
	"decomposed.again", "linked.again", "clause_revised.same", "corrected.clause", "corrected.decomposed", "attested.year", "request.none", "completed.shares", "attested.again", "reopened.none",
	"corrected.breaks", "corrected.voided", "corrected.correction", "corrected.docketed", "corrected.finding", "corrected.behalf",
}

// Whatever is asked: a refusal is a *Refusal that does not advise what it
// refused, and what is accepted leaves a history that could have happened.
func TestAnyCommands(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		kind := rapid.SampledFrom([]Kind{KindOneOff, KindOneOff, KindRecurring, KindStanding}).Draw(t, "kind")
		history := appendTo(nil, step{li, "07-01", aDocket(kind)}.command().Event())
		history = appendTo(history, step{li, "07-01", toOffices(jidian, yuancai)}.command().Event())
		for range rapid.IntRange(10, 60).Draw(t, "commands") {
			c := commands(t, history)
			before := frozen(history)
			events, err := decide(history, c)
			if after := frozen(history); !slices.Equal(before, after) {
				t.Fatalf("%s changed the history it was decided on", c.Ask.EventType())
			}
			if err != nil {
				checkRefusal(t, c, err)
				continue
			}
			history = appendTo(history, events...)
			if err := CheckHistory(history); err != nil {
				t.Fatalf("accepted %s, then: %v", c.Ask.EventType(), err)
			}
			checkState(t, Replay(history))
			checkFold(t, history)
		}
	})
}

func checkRefusal(t *rapid.T, c domain.Command, err error) {
	r := (*domain.Refusal)(nil)
	if !errors.As(err, &r) {
		t.Fatalf("%s: %v is no refusal", c.Ask.EventType(), err)
	}
	if r.Rule == "" || r.Chinese == "" || r.English == "" {
		t.Fatalf("%s: the refusal %+v lacks words", c.Ask.EventType(), r)
	}
	act, ok := domain.ActOf(Acts(), c.Ask)
	if ok && r.Reason == domain.ReasonIllegal && !slices.Contains(curable, r.Rule) && slices.Contains(r.Allowed, act.Name) {
		t.Fatalf("%s is refused by %s, which advises %v", act.Name, r.Rule, r.Allowed)
	}
	speaksOfActs(t, r)
}

// checkState holds what is true of every state a legal history leads to.
func checkState(t *rapid.T, s State) {
	offices, least, open := map[domain.Ref]int{}, ShareStatus(0), 0
	for _, sh := range s.Shares {
		if !sh.Status.Active() {
			continue
		}
		if offices[sh.Office]++; offices[sh.Office] > 1 {
			t.Fatalf("%s has two active shares", sh.Office)
		}
		if least == 0 || sh.Status < least {
			least = sh.Status
		}
		if sh.Status < ShareAccepted && !sh.Suspended.Done() {
			open++
		}
		if _, pending := sh.Pending(); pending != (sh.Status == ShareClosureRequested) {
			t.Fatalf("share %v, request pending: %v", sh.Status, pending)
		}
		if (sh.Dispute != nil) != (sh.Status == ShareDisputed) {
			t.Fatalf("share %v, disputed: %+v", sh.Status, sh.Dispute)
		}
		if s.Kind != KindOneOff && sh.Status == ShareAccepted {
			t.Fatalf("a share of a task that is %v was accepted for good", s.Kind)
		}
	}
	switch status := s.Status(); status {
	case StatusDocketed, StatusCompleted, StatusEnded, StatusCancelled, StatusConsolidated, StatusVoided:
		if s.Open() != (status == StatusDocketed) || status == StatusDocketed && least != 0 {
			t.Fatalf("%v, but open: %v, least advanced share %v", status, s.Open(), least)
		}
	case StatusSuspended:
		if open > 0 {
			t.Fatalf("suspended with %d shares under way", open)
		}
	default:
		if want := map[ShareStatus]Status{
			ShareDisputed: StatusDisputed, ShareAssigned: StatusAssigned, ShareAcknowledged: StatusAcknowledged,
			ShareInProgress: StatusInProgress, ShareClosureRequested: StatusClosureRequested, ShareAccepted: StatusClosureRequested,
		}[least]; status != want {
			t.Fatalf("%v, but the least advanced share is %v", status, least)
		}
	}
}

// Evolve takes any events in any order and never fails.
func TestEvolveIsTotal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var history []domain.Event
		for range rapid.IntRange(1, 30).Draw(t, "events") {
			history = appendTo(history, commands(t, history).Event())
		}
		checkFold(t, history)
	})
}

// checkFold: folding at once is folding step by step, and no step changes a state
// or an event it was given.
func checkFold(t *rapid.T, history []domain.Event) {
	effective := domain.Effective(history)
	events := frozen(effective)
	var s State
	var states []State
	var was []string
	for _, e := range effective {
		s = Evolve(s, e)
		states = append(states, s)
		was = append(was, freeze(s))
	}
	if !equal(s, Replay(history)) {
		t.Fatalf("step by step %+v\nat once %+v", s, Replay(history))
	}
	for i := range states {
		if freeze(states[i]) != was[i] {
			t.Fatalf("a later event changed the state after event %d:\n%s\n%s", i+1, was[i], freeze(states[i]))
		}
	}
	if !slices.Equal(events, frozen(effective)) {
		t.Fatal("Evolve changed an event")
	}
}

// freeze is a deep copy to compare with.
func freeze(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func frozen(events []domain.Event) []string {
	out := make([]string, len(events))
	for i, e := range events {
		out[i] = e.ID + freeze(e.Data) + e.Time.String()
	}
	return out
}
