package task

import (
	"slices"
	"testing"

	"duban/domain"
	"duban/domain/calendar"
)

// The rules of the single acts.
func TestRules(t *testing.T) {
	only := func(o ...domain.Ref) *Suspended {
		return &Suspended{Particulars: approved(), Offices: o, Reason: "x"}
	}
	sourced := func(basis bool) *ExtensionGranted {
		if basis {
			return granted(grounded(), jidian, "2020-01-31")
		}
		return granted(approved(), jidian, "2020-01-31")
	}
	controlled := then(datedStory, step{li, "07-03", &SetDeadline{Scope: Scope{jidian}, Date: "2019-10-31"}}, step{sun, "10-20", moreTime(jidian, "2019-12-15")})
	for _, sc := range []scenario{
		{name: "the lead is designated again", given: assignedStory, when: step{li, "07-03", &LeadDesignated{ShareOf: of(jidian)}}, refused: "lead.same"},
		{name: "transfer to an office that has a share", given: assignedStory, when: step{li, "07-03", transfer(jidian, yuancai)}, refused: "share_transferred.meets"},
		{name: "absorb into an office without a share", given: assignedStory, when: step{li, "07-03", absorb(jidian, ruanjian)}, refused: "share_absorbed.into"},
		{name: "absorb into an accepted share", given: halfStory, when: step{li, "08-03", absorb(yuancai, jidian)}, refused: "share_absorbed.into"},
		{name: "a deadline for an office without a share", given: aloneStory, when: step{li, "07-03", &SetDeadline{Scope: Scope{ruanjian}, Date: "2019-10-31"}}, refused: "share.none"},
		{name: "a stated one too", given: aloneStory, when: step{li, "07-03", &StatedDeadline{Scope: Scope{ruanjian}, Date: "2019-10-31"}}, refused: "share.none"},
		{name: "reminding an office without a share", given: aloneStory, when: step{li, "07-03", &Reminded{Offices: []domain.Ref{ruanjian}, Words: "x"}}, refused: "share.none"},

		{name: "more time, the same day", given: datedStory, when: step{sun, "12-01", moreTime(jidian, "2019-12-31")}, refused: "extension.earlier"},
		{name: "more time, twice", given: askedStory, when: step{sun, "12-02", moreTime(jidian, "2020-02-28")}, refused: "extension.pending"},
		{name: "more time after an answer", given: then(askedStory, step{li, "12-05", &ExtensionRefused{ShareOf: of(jidian), Reason: "x"}}), when: step{sun, "12-10", moreTime(jidian, "2020-01-15")}, then: StatusAssigned},
		{name: "more time without a deadline", given: aloneStory, when: step{sun, "12-01", moreTime(jidian, "2019-12-31")}, then: StatusAssigned},
		{name: "granting what nobody asked", given: datedStory, when: step{li, "12-10", sourced(true)}, refused: "extension.none"},
		{name: "refusing what nobody asked", given: datedStory, when: step{li, "12-10", &ExtensionRefused{ShareOf: of(jidian), Reason: "x"}}, refused: "extension.none"},
		{name: "granted, but not later", given: askedStory, when: step{li, "12-10", granted(grounded(), jidian, "2019-12-30")}, refused: "extension.earlier"},
		{name: "beyond the source's date", given: askedStory, when: step{li, "12-10", sourced(false)}, refused: "deadline.source"},
		{name: "… with the superior's document", given: askedStory, when: step{li, "12-10", sourced(true)}, then: StatusAssigned},
		{name: "beyond the control deadline only", given: controlled, when: step{li, "10-25", granted(approved(), jidian, "2019-12-15")}, then: StatusAssigned},
		{name: "… up to the source's date", given: controlled, when: step{li, "10-25", granted(approved(), jidian, "2019-12-31")}, then: StatusAssigned},
		{name: "… a day beyond", given: controlled, when: step{li, "10-25", granted(approved(), jidian, "2020-01-01")}, refused: "deadline.source"},

		{name: "suspended twice", given: suspendedStory, when: step{li, "07-06", only(jidian)}, refused: "suspended.again"},
		{name: "suspending a stranger", given: aloneStory, when: step{li, "07-06", only(ruanjian)}, refused: "share.none"},
		{name: "suspending what is accepted", given: halfStory, when: step{li, "08-01", only(jidian)}, refused: "suspended.none"},
		{name: "suspending a task without shares", given: docketedStory, when: step{li, "08-01", only()}, refused: "suspended.none"},
		{name: "resuming what runs", given: aloneStory, when: step{li, "08-01", &Resumed{}}, refused: "resumed.none"},
		{name: "resuming two, one of which runs", given: then(assignedStory, step{li, "07-05", only(jidian)}),
			when: step{li, "08-01", &Resumed{Offices: []domain.Ref{jidian, yuancai}}}, refused: "resumed.none"},
		{name: "resuming a stranger", given: suspendedStory, when: step{li, "08-01", &Resumed{Offices: []domain.Ref{ruanjian}}}, refused: "share.none"},
		{name: "requested while suspended", given: suspendedStory, when: step{sun, "07-06", request(jidian)}, refused: "share.suspended"},
		{name: "more time while suspended", given: suspendedStory, when: step{sun, "07-06", moreTime(jidian, "2020-01-31")}, refused: "share.suspended"},
		{name: "a report while suspended is a fact", given: suspendedStory, when: step{sun, "07-06", report(jidian)}, then: StatusSuspended},
		{name: "accepted while suspended", given: then(requestedStory, step{li, "07-21", only()}), when: step{li, "07-25", accept(jidian)}, refused: "share.suspended"},
		{name: "returned while suspended", given: then(requestedStory, step{li, "07-21", only()}), when: step{li, "07-25", sendBack(jidian)}, refused: "share.suspended"},
		{name: "attested while suspended", given: then(standingStory, step{li, "07-21", only()}), when: step{sun, "12-10", attest(jidian, "2019")}, refused: "share.suspended"},

		{name: "a period on a one-off task", given: aloneStory, when: step{sun, "07-20", request(jidian, "2019")}, refused: "period.one_off"},
		{name: "no period on a recurring one", given: recurringStory, when: step{sun, "07-20", request(jidian)}, refused: "period.missing"},
		{name: "a standing one", given: standingStory, when: step{sun, "07-20", request(jidian, "2019")}, refused: "closure_requested.standing"},
		{name: "a period of another length", given: recurringStory, when: step{sun, "12-20", request(jidian, "2019")}, refused: "period.schedule"},
		{name: "a period before the first", given: recurringStory, when: step{sun, "12-20", request(jidian, "2019-Q2")}, refused: "period.schedule"},
		{name: "the last period", given: untilStory, when: step{sun, "2020-01-20", request(jidian, "2019-Q4")}, then: StatusClosureRequested},
		{name: "a period that begins after the end", given: untilStory, when: step{sun, "2020-01-20", request(jidian, "2020-Q1")}, refused: "period.schedule"},
		{name: "over the year's end", given: recurringStory, when: step{sun, "2020-01-20", request(jidian, "2020-Q1")}, then: StatusClosureRequested},
		{name: "a report for a period of the schedule", given: recurringStory, when: step{sun, "10-08", reportFor("2019-Q3")}, then: StatusInProgress},
		{name: "… before the first", given: recurringStory, when: step{sun, "10-08", reportFor("2019-Q2")}, refused: "period.schedule"},
		{name: "… as a reporting duty asks for", given: recurringStory, when: step{sun, "10-08", reportFor("2019-08")}, then: StatusInProgress},
		{name: "a monthly report on a one-off task", given: aloneStory, when: step{sun, "10-08", reportFor("2019-08")}, then: StatusInProgress},
		{name: "an ended one", given: then(quarterStory, step{li, "12-30", &Ended{Reason: "x"}}), when: step{sun, "2020-01-08", request(jidian, "2019-Q4")}, refused: "task.status"},
		{name: "the schedule is prolonged", given: then(untilStory, step{sun, "12-20", request(jidian, "2019-Q4")}),
			when: step{li, "12-21", &KindDecided{Kind: KindRecurring, Schedule: &Schedule{Unit: calendar.UnitQuarter, First: "2019-Q3"}, Reason: "延续"}}, then: StatusClosureRequested},
		{name: "… but not past what was requested", given: quarterStory,
			when: step{li, "12-21", &KindDecided{Kind: KindRecurring, Schedule: &Schedule{Unit: calendar.UnitQuarter, First: "2019-Q4"}, Reason: "x"}}, refused: "kind_decided.period"},
		{name: "… nor does the kind change", given: quarterStory, when: step{li, "12-21", &KindDecided{Kind: KindStanding, Reason: "x"}}, refused: "kind_decided.recurring"},
		{name: "the period twice", given: quarterStory, when: step{sun, "10-09", request(jidian, "2019-Q3")}, refused: "closure_requested.pending"},
		{name: "an accepted period", given: then(quarterStory, step{li, "10-09", accept(jidian, "2019-Q3")}), when: step{sun, "10-10", request(jidian, "2019-Q3")}, refused: "closure_requested.accepted"},
		{name: "accepting another period", given: quarterStory, when: step{li, "10-10", accept(jidian, "2019-Q4")}, refused: "request.none"},
		{name: "returning another period", given: quarterStory, when: step{li, "10-10", sendBack(jidian, "2019-Q4")}, refused: "request.none"},
		{name: "the kind after a request", given: requestedStory, when: step{li, "07-21", &KindDecided{Kind: KindRecurring, Reason: "x"}}, refused: "kind_decided.late"},
		{name: "the kind after an attestation", given: then(standingStory, step{sun, "12-10", attest(jidian, "2019")}), when: step{li, "12-11", &KindDecided{Kind: KindOneOff, Reason: "x"}}, refused: "kind_decided.late"},

		{name: "attesting a one-off task", given: aloneStory, when: step{sun, "12-10", attest(jidian, "2019")}, refused: "attested.kind"},
		{name: "attesting the year twice", given: then(standingStory, step{sun, "12-10", attest(jidian, "2019")}), when: step{sun, "12-11", attest(jidian, "2019")}, refused: "attested.again"},
		{name: "attesting the next year", given: then(standingStory, step{sun, "12-10", attest(jidian, "2019")}), when: step{sun, "2020-01-11", attest(jidian, "2020")}, then: StatusInProgress},
		{name: "attesting the year before the duty", given: standingStory, when: step{sun, "12-10", attest(jidian, "2018")}, refused: "attested.year"},
		{name: "attesting a year ahead", given: standingStory, when: step{sun, "12-10", attest(jidian, "2020")}, refused: "attested.year"},
		{name: "attesting after the end", given: endedStory, when: step{sun, "12-10", attest(jidian, "2019")}, refused: "task.status"},
		{name: "attesting a quarter", given: standingStory, when: step{sun, "12-10", attest(jidian, "2019-Q3")}, refused: "attested.period"},
		{name: "ending a one-off task", given: aloneStory, when: step{li, "12-10", &Ended{Reason: "x"}}, refused: "ended.kind"},
		{name: "overriding a recurring one", given: recurringStory, when: step{li, "12-10", override(approved())}, refused: "completed.kind"},
		{name: "overriding a standing one", given: standingStory, when: step{li, "12-10", override(approved())}, refused: "completed.kind"},
		{name: "all shares, which they are not", given: halfStory, when: step{li, "12-10", &Completed{By: ClosingAllShares}}, refused: "completed.shares"},
		{name: "all shares of none", given: docketedStory, when: step{li, "12-10", &Completed{By: ClosingAllShares}}, refused: "completed.shares"},

		{name: "the last acceptance, the other share absorbed", given: then(assignedStory, step{li, "07-05", absorb(yuancai, jidian)}, step{sun, "07-20", request(jidian)}),
			when: step{li, "07-25", accept(jidian)}, then: StatusCompleted},
		{name: "the last acceptance, another share transferred", given: then(aloneStory, step{li, "07-05", transfer(jidian, ruanjian)}, step{zheng, "07-20", request(ruanjian)}),
			when: step{li, "07-25", accept(ruanjian)}, then: StatusCompleted, share: ShareTransferred},

		{name: "an open major finding: override", given: then(aloneStory, step{wang, "07-22", &FindingOpened{Finding: hazard}}), when: step{li, "08-01", override(approved())}, refused: "completed.finding"},
		{name: "an open major finding: the last acceptance", given: blockedStory, when: step{li, "07-25", accept(jidian)}, refused: "completed.finding"},
		{name: "an open major finding: not the last acceptance", given: then(halfStory[:3], step{wang, "07-22", &FindingOpened{Finding: hazard}}), when: halfStory[3], then: StatusAssigned},
		{name: "one of two findings settled", given: then(blockedStory, step{wang, "07-22", &FindingOpened{Finding: another}}, step{wang, "07-23", &FindingSettled{Finding: hazard}}),
			when: step{li, "07-25", accept(jidian)}, refused: "completed.finding"},
		{name: "settled", given: then(blockedStory, step{wang, "07-23", &FindingSettled{Finding: hazard}}), when: step{li, "07-25", accept(jidian)}, then: StatusCompleted},
		{name: "the finding twice", given: blockedStory, when: step{wang, "07-22", &FindingOpened{Finding: hazard}}, refused: "finding.open"},
		{name: "settled twice", given: requestedStory, when: step{wang, "07-22", &FindingSettled{Finding: hazard}}, refused: "finding.settled"},
		{name: "an open major finding: consolidation", given: blockedStory, when: step{li, "08-01", consolidate(sibling)}, refused: "consolidated.finding"},
		{name: "consolidated into itself", given: aloneStory, when: step{li, "08-01", consolidate(self)}, refused: "task.itself"},
		{name: "consolidated before the last assignment", given: then(aloneStory, step{li, "07-10", toOffices(yuancai)}), when: step{li, "07-09", consolidate(sibling)}, refused: "time.before"},
		{name: "completed though consolidated", given: mergedStory, when: step{li, "08-10", override(approved())}, refused: "task.status"},
		{name: "requested though consolidated", given: mergedStory, when: step{sun, "08-10", request(jidian)}, refused: "task.status"},
		{name: "a report of before the consolidation", given: mergedStory, when: step{sun, "07-30", report(jidian)}, then: StatusConsolidated},
		{name: "a report of after the consolidation", given: mergedStory, when: step{sun, "08-02", report(jidian)}, refused: "late.after"},
		{name: "linked with itself", given: aloneStory, when: step{li, "08-01", link(self)}, refused: "task.itself"},
		{name: "linked twice", given: then(aloneStory, step{li, "08-01", link(sibling)}), when: step{li, "08-02", link(sibling)}, refused: "linked.again"},
		{name: "linked in another way as well", given: then(aloneStory, step{li, "08-01", link(sibling)}), when: step{li, "08-02", &Linked{To: sibling, Relation: RelationContinues}}, then: StatusAssigned},
		{name: "decomposed into itself", given: aloneStory, when: step{li, "08-01", parts(Child{Task: self})}, refused: "task.itself"},
		{name: "decomposed into one task twice", given: aloneStory, when: step{li, "08-01", parts(Child{Task: sibling}, Child{Task: sibling})}, refused: "decomposed.again"},
		{name: "decomposed further", given: then(aloneStory, step{li, "08-01", parts(Child{Task: sibling})}), when: step{li, "08-02", parts(Child{Task: cousin})}, then: StatusAssigned},
		{name: "decomposed into the same again", given: then(aloneStory, step{li, "08-01", parts(Child{Task: sibling})}), when: step{li, "08-02", parts(Child{Task: sibling})}, refused: "decomposed.again"},
		{name: "a part without its task", given: aloneStory, when: step{li, "08-01", parts(Child{Text: "x", Offices: toOffices(jidian).Offices})}, refused: "field.required"},
		{name: "a clause revised to the same words", given: aloneStory, when: step{li, "08-01", revise(clause)}, refused: "clause_revised.same"},
		{name: "a clause revised after completion", given: completedStory, when: step{li, "08-01", revise(letter)}, refused: "task.status"},
		{name: "an office revises a clause", given: aloneStory, when: step{sun, "08-01", revise(letter)}, refused: "role.revise-clause"},
		{name: "an office consolidates", given: aloneStory, when: step{sun, "08-01", consolidate(sibling)}, refused: "role.consolidate"},
		{name: "a finding of after completion is a fact", given: completedStory, when: step{wang, "07-30", &FindingOpened{Finding: hazard}}, then: StatusCompleted},
	} {
		t.Run(sc.name, sc.run)
	}
}

func TestRelations(t *testing.T) {
	s := Replay(given(t, then(aloneStory, step{li, "07-10", revise(letter)}, step{li, "07-11", parts(Child{Task: sibling}, Child{Task: cousin})},
		step{li, "07-12", link(cousin)}, step{li, "08-01", consolidate(sibling)})...))
	if len(s.Revisions) != 1 || s.Revisions[0].EarlierSHA256 != clause || s.TextSHA256 != letter || s.Revisions[0].EffectiveOn != "2020-01-01" {
		t.Errorf("%s %+v", s.TextSHA256, s.Revisions)
	}
	if !slices.Equal(s.Children, []domain.Ref{sibling, cousin}) || len(s.Links) != 1 || s.Links[0].To != cousin || s.Into != sibling {
		t.Errorf("%v %v %v", s.Children, s.Links, s.Into)
	}
	s, r := when(t, given(t, mergedStory...), step{li, "08-02", reopen(approved())})
	if r != nil || !s.Into.IsZero() || s.Consolidated.Done() {
		t.Errorf("taken up again: %v %+v", r, s.Into)
	}
}

// A part of a clause goes on in its own words when the clause is revised.
func TestPartKeepsItsWords(t *testing.T) {
	part := aDocket(KindOneOff)
	part.Text, part.Part = "登记台账", 1
	s := Replay(given(t, step{li, "07-01", part}, step{li, "07-10", revise(letter)}))
	if s.TextSHA256 != clause || s.Text != "登记台账" || len(s.Revisions) != 1 {
		t.Errorf("%s %s %+v", s.Text, s.TextSHA256, s.Revisions)
	}
}

// A suspension is lifted by a leader's word, not by a change of hands.
func TestTransferKeepsSuspension(t *testing.T) {
	s, r := when(t, given(t, suspendedStory...), step{li, "07-20", transfer(jidian, ruanjian)})
	if r != nil || s.Status() != StatusSuspended || !lastShare(s, ruanjian).Suspended.Time.Equal(clockOf("07-05")) {
		t.Errorf("%v %+v", r, s.Shares)
	}
}

func TestOneLead(t *testing.T) {
	s, _ := when(t, given(t, assignedStory...), step{li, "07-03", &LeadDesignated{ShareOf: of(yuancai)}})
	var roles []Role
	for _, sh := range s.Shares {
		roles = append(roles, sh.Role)
	}
	if !slices.Equal(roles, []Role{RoleSupporting, RoleLead}) {
		t.Errorf("roles %v", roles)
	}
	twoLeads := &Assigned{Offices: []Assignment{{Office: jidian, Role: RoleLead}, {Office: yuancai, Role: RoleLead}}}
	s, r := when(t, given(t, then(docketedStory, step{li, "07-02", twoLeads})...), step{li, "07-03", &LeadDesignated{ShareOf: of(jidian)}})
	if r != nil || s.leads() != 1 || lastShare(s, jidian).Role != RoleLead {
		t.Errorf("of two printed leads one is designated: %v, %d leads", r, s.leads())
	}
}

// A first report or request signs for the share; a later signature is a fact.
func TestFirstReportStarts(t *testing.T) {
	history := given(t, then(reportedStory, step{sun, "07-20", request(jidian)}, step{sun, "07-05", report(jidian)})...)
	sh, _ := Replay(history).Share(jidian)
	if sh.Acknowledged.Done() || !sh.Started.Time.Equal(clockOf("07-05")) || sh.Started.Event != "e5" || sh.Status != ShareClosureRequested || len(sh.Reports) != 2 {
		t.Errorf("%+v", sh)
	}
}

func TestTransferCarriesOn(t *testing.T) {
	story := then(assignedStory,
		step{li, "07-03", &SetDeadline{Scope: Scope{jidian}, Date: "2019-11-30"}}, step{sun, "07-10", report(jidian)},
		step{sun, "07-11", dispute(jidian)}, step{li, "07-12", &Transferred{From: jidian, To: ruanjian, Cause: CauseDispute}})
	s := Replay(given(t, story...))
	old, now := lastShare(s, jidian), lastShare(s, ruanjian)
	if old.Status != ShareTransferred || len(old.Reports) != 1 || old.Dispute != nil {
		t.Errorf("the old share: %+v", old)
	}
	if now.Status != ShareAssigned || now.Role != RoleLead || now.From != jidian || !now.Assigned.Time.Equal(clockOf("07-12")) {
		t.Errorf("the new share: %+v", now)
	}
	if d, _ := s.Governing(ruanjian); d.Date != "2019-11-30" {
		t.Errorf("its deadline: %+v", d)
	}
	if _, r := when(t, given(t, story...), step{zheng, "07-11", report(ruanjian)}); rule(r) != "time.before" {
		t.Errorf("the new office acts before it had the share: %v", r)
	}
	// Once out, an office may be given a share again.
	s, r := when(t, given(t, story...), step{li, "07-20", toOffices(jidian)})
	if r != nil || len(s.Shares) != 4 {
		t.Errorf("assigned again: %v, %d shares", r, len(s.Shares))
	}
}

func TestSuspension(t *testing.T) {
	s := Replay(given(t, then(suspendedStory, step{li, "07-20", &Resumed{Deadline: "2020-01-15"}})...))
	sh, _ := s.Share(jidian)
	if d, _ := s.Governing(jidian); sh.Suspended.Done() || d.Date != "2020-01-15" || d.Source != DeadlineSet || d.Event != "e4" {
		t.Errorf("resumed: %+v, deadline %+v", sh, d)
	}
	half := given(t, then(halfStory, step{li, "08-01", &Suspended{Particulars: approved(), Reason: "x"}})...)
	if sh, _ := Replay(half).Share(jidian); sh.Suspended.Done() {
		t.Error("an accepted share was suspended")
	}
}

func TestReopening(t *testing.T) {
	accepted := then(assignedStory, step{sun, "07-20", request(jidian)}, step{wu, "07-20", request(yuancai)},
		step{li, "07-25", accept(jidian)}, step{li, "07-26", accept(yuancai)})
	again := reopen(approved(), jidian)
	again.Deadline = "2019-12-31"
	s := Replay(given(t, then(accepted, step{li, "08-01", again})...))
	a, b := lastShare(s, jidian), lastShare(s, yuancai)
	if a.Status != ShareInProgress || !a.Reopened.Time.Equal(clockOf("08-01")) || b.Status != ShareAccepted || b.Reopened.Done() || s.Completed.Done() || s.CompletedBy != 0 {
		t.Errorf("only the named share goes on: %+v\n%+v", a, b)
	}
	if d, _ := s.Governing(jidian); d.Date != "2019-12-31" {
		t.Errorf("deadline %+v", d)
	}
	if _, ok := s.Governing(yuancai); ok {
		t.Error("the deadline is of the named share only")
	}
	if len(s.Reopenings) != 1 || s.Reopenings[0].Reason != ReopenFalseCompletion {
		t.Errorf("%+v", s.Reopenings)
	}
	// What was accepted before a cancellation stays accepted.
	cancelled := then(halfStory, step{li, "08-01", &Cancelled{Particulars: approved(), Reason: "x"}})
	s = Replay(given(t, then(cancelled, step{li, "08-02", reopen(approved())})...))
	if lastShare(s, jidian).Status != ShareAccepted || s.Status() != StatusAssigned {
		t.Errorf("after the cancellation was taken back: %v, task %v", lastShare(s, jidian).Status, s.Status())
	}
	s = Replay(given(t, then(cancelled, step{li, "08-02", reopen(approved(), jidian)})...))
	if lastShare(s, jidian).Status != ShareInProgress {
		t.Errorf("named, it goes on: %v", lastShare(s, jidian).Status)
	}
}

func TestLateExtension(t *testing.T) {
	for at, late := range map[string]bool{"2019-12-31 23:59": false, "2020-01-01 00:00": true} {
		s := Replay(given(t, then(datedStory, step{sun, at, moreTime(jidian, "2020-01-31")})...))
		sh, _ := s.Share(jidian)
		if x, ok := sh.Extension(); !ok || x.Late != late || x.NewDate != calendar.Date("2020-01-31") {
			t.Errorf("asked at %s: %+v", at, x)
		}
	}
}

// Whichever way the safety office gives a date, beyond the source's it rests on the
// superior's document.
func TestBeyondTheSource(t *testing.T) {
	basis := func(p domain.Particulars) domain.Particulars {
		p.Basis = grounded().Basis
		return p
	}
	set := func(p domain.Particulars, o domain.Ref, d calendar.Date) step {
		return step{li, "07-10", &SetDeadline{Particulars: p, Scope: Scope{o}, Date: d}}
	}
	words := func(p domain.Particulars, o domain.Ref) step {
		return step{li, "07-10", &SetDeadline{Particulars: p, Scope: Scope{o}, Words: "长期坚持", Reason: "已商上级"}}
	}
	resume := func(p domain.Particulars, d calendar.Date) step {
		return step{li, "07-20", &Resumed{Particulars: p, Deadline: d}}
	}
	again := func(p domain.Particulars, d calendar.Date) step {
		r := reopen(p)
		r.Deadline = d
		return step{li, "2020-01-25", r}
	}
	suspended := then(datedStory, step{li, "07-05", &Suspended{Particulars: approved(), Reason: "x"}})
	completed := then(datedStory, step{sun, "12-20", request(jidian)}, step{li, "12-25", accept(jidian)})
	own := then(datedStory, step{li, "07-03", &StatedDeadline{Scope: Scope{jidian}, Date: "2019-09-30"}})
	for _, sc := range []scenario{
		{name: "set on the day", given: datedStory, when: set(domain.Particulars{}, noOffice, "2019-12-31"), then: StatusAssigned},
		{name: "set beyond", given: datedStory, when: set(domain.Particulars{}, noOffice, "2020-01-01"), refused: "deadline.source"},
		{name: "set beyond for a share", given: datedStory, when: set(approved(), jidian, "2020-01-01"), refused: "deadline.source"},
		{name: "set beyond, grounded", given: datedStory, when: set(basis(domain.Particulars{}), noOffice, "2020-01-01"), then: StatusAssigned},
		{name: "set where the source is silent", given: aloneStory, when: set(domain.Particulars{}, noOffice, "2020-12-31"), then: StatusAssigned},
		{name: "set for the task, beyond a share's own", given: own, when: set(domain.Particulars{}, noOffice, "2019-10-01"), refused: "deadline.source"},
		{name: "words over a date", given: datedStory, when: words(domain.Particulars{}, noOffice), refused: "deadline.source_words"},
		{name: "words over a share's date", given: own, when: words(approved(), jidian), refused: "deadline.source_words"},
		{name: "words over a date, grounded", given: datedStory, when: words(basis(domain.Particulars{}), noOffice), then: StatusAssigned},
		{name: "words where the source is silent", given: aloneStory, when: words(domain.Particulars{}, noOffice), then: StatusAssigned},
		{name: "words beside a date", given: datedStory, when: step{li, "07-10", &SetDeadline{Date: "2019-12-31", Words: "年底前"}}, then: StatusAssigned},
		{name: "resumed within", given: suspended, when: resume(domain.Particulars{}, "2019-12-31"), then: StatusAssigned},
		{name: "resumed beyond", given: suspended, when: resume(domain.Particulars{}, "2020-01-15"), refused: "deadline.source"},
		{name: "resumed beyond, grounded", given: suspended, when: resume(basis(domain.Particulars{}), "2020-01-15"), then: StatusAssigned},
		{name: "reopened beyond", given: completed, when: again(approved(), "2020-03-01"), refused: "deadline.source"},
		{name: "reopened beyond, grounded", given: completed, when: again(grounded(), "2020-03-01"), then: StatusInProgress},
	} {
		t.Run(sc.name, sc.run)
	}
}

// A voided task has no completion that an open finding could keep it from.
func TestVoidedTaskHasNoFindings(t *testing.T) {
	story := then(aloneStory, step{wang, "07-22", &FindingOpened{Finding: hazard}}, step{li, "07-23", &Voided{Reason: "误登"}})
	if s := Replay(given(t, story...)); len(s.Findings) != 0 {
		t.Errorf("still lists %v", s.Findings)
	}
}
