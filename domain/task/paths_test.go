package task

import (
	"slices"
	"testing"

	"duban/domain"
)

// Every act on its legal path.
func TestPaths(t *testing.T) {
	for _, sc := range []scenario{
		{name: "docket", when: docketedStory[0], then: StatusDocketed},
		{name: "assign", given: docketedStory, when: assignedStory[1], then: StatusAssigned, share: ShareAssigned},
		{name: "assign one more later", given: reportedStory, when: step{li, "07-11", toOffices(yuancai)}, then: StatusAssigned, office: yuancai, share: ShareAssigned},
		{name: "designate-lead", given: assignedStory, when: step{li, "07-03", &LeadDesignated{ShareOf: of(yuancai)}}, then: StatusAssigned},
		{name: "decide-kind", given: reportedStory, when: step{li, "07-11", &KindDecided{Kind: KindStanding, Reason: "明确职责"}}, then: StatusInProgress},
		{name: "dispute", given: signedStory, when: step{sun, "07-04", dispute(jidian)}, then: StatusDisputed, share: ShareDisputed},
		{name: "uphold", given: disputedStory, when: step{li, "07-04", &DisputeUpheld{ShareOf: of(jidian), Reason: "仍由你处办理"}}, then: StatusAssigned, share: ShareAssigned},
		{name: "uphold where it stood", given: then(signedStory, step{sun, "07-04", dispute(jidian)}),
			when: step{li, "07-05", &DisputeUpheld{ShareOf: of(jidian), Reason: "x"}}, then: StatusAcknowledged, share: ShareAcknowledged},
		{name: "a report during a dispute does not settle it", given: disputedStory, when: step{sun, "07-04", report(jidian)}, then: StatusDisputed, share: ShareDisputed},
		{name: "… but shows afterwards", given: then(disputedStory, step{sun, "07-04", report(jidian)}),
			when: step{li, "07-05", &DisputeUpheld{ShareOf: of(jidian), Reason: "x"}}, then: StatusInProgress, share: ShareInProgress},
		{name: "transfer", given: disputedStory, when: step{li, "07-04", transfer(jidian, ruanjian)}, then: StatusAssigned, share: ShareTransferred},
		{name: "absorb", given: assignedStory, when: step{li, "07-04", absorb(yuancai, jidian)}, then: StatusAssigned, office: yuancai, share: ShareAbsorbed},
		{name: "acknowledge", given: aloneStory, when: signedStory[2], then: StatusAcknowledged, share: ShareAcknowledged},
		{name: "change-handler", given: signedStory, when: step{sun, "07-04", &HandlerChanged{ShareOf: of(jidian), To: wu.Person}}, then: StatusAcknowledged},
		{name: "submit-plan", given: aloneStory, when: step{sun, "07-04", aPlan()}, then: StatusAssigned},
		{name: "report signs and starts", given: aloneStory, when: reportedStory[2], then: StatusInProgress, share: ShareInProgress},
		{name: "state-deadline", given: aloneStory, when: datedStory[2], then: StatusAssigned},
		{name: "propose-deadline", given: aloneStory, when: step{sun, "07-04", &ProposedDeadline{Scope: Scope{jidian}, Date: "2019-11-30"}}, then: StatusAssigned},
		{name: "set-deadline", given: aloneStory, when: step{li, "07-04", &SetDeadline{Scope: Scope{jidian}, Date: "2019-11-30"}}, then: StatusAssigned},
		{name: "request-extension", given: datedStory, when: askedStory[3], then: StatusAssigned},
		{name: "grant-extension", given: askedStory, when: step{li, "12-10", granted(grounded(), jidian, "2020-01-31")}, then: StatusAssigned},
		{name: "refuse-extension", given: askedStory, when: step{li, "12-10", &ExtensionRefused{ShareOf: of(jidian), Reason: "按期完成"}}, then: StatusAssigned},
		{name: "suspend", given: aloneStory, when: suspendedStory[2], then: StatusSuspended, share: ShareAssigned},
		{name: "suspend one of two", given: assignedStory, when: step{li, "07-05", &Suspended{Particulars: approved(), Reason: "x", Offices: []domain.Ref{jidian}}}, then: StatusAssigned},
		{name: "resume", given: suspendedStory, when: step{li, "07-20", &Resumed{Deadline: "2020-01-15"}}, then: StatusAssigned},
		{name: "request-closure signs and starts", given: aloneStory, when: requestedStory[2], then: StatusClosureRequested, share: ShareClosureRequested},
		{name: "return", given: requestedStory, when: returnedStory[3], then: StatusInProgress, share: ShareInProgress},
		{name: "accept, one of two", given: halfStory[:3], when: halfStory[3], then: StatusAssigned, share: ShareAccepted},
		{name: "accept the last", given: requestedStory, when: completedStory[3], then: StatusCompleted, share: ShareAccepted},
		{name: "complete by a leader", given: assignedStory, when: step{li, "08-01", override(approved())}, then: StatusCompleted, share: ShareAssigned},
		{name: "attest", given: standingStory, when: step{sun, "12-10", attest(jidian, "2019")}, then: StatusInProgress, share: ShareInProgress},
		{name: "end", given: standingStory, when: endedStory[2], then: StatusEnded},
		{name: "end a recurring one", given: quarterStory, when: step{li, "12-31", &Ended{Reason: "x"}}, then: StatusEnded},
		{name: "cancel", given: aloneStory, when: cancelledStory[2], then: StatusCancelled, share: ShareAssigned},
		{name: "reopen", given: completedStory, when: step{li, "08-01", reopen(approved())}, then: StatusInProgress, share: ShareInProgress},
		{name: "reopen one of two accepted", given: halfStory, when: step{li, "08-01", reopen(approved(), jidian)}, then: StatusAssigned, share: ShareInProgress},
		{name: "reopen a cancelled one", given: cancelledStory, when: step{li, "08-02", reopen(approved())}, then: StatusAssigned, share: ShareAssigned},
		{name: "reopen an ended one", given: endedStory, when: step{li, "08-02", reopen(approved())}, then: StatusAssigned},
		{name: "remind", given: aloneStory, when: step{li, "07-10", &Reminded{Words: "请抓紧", Via: domain.ViaPhone}}, then: StatusAssigned},
		{name: "withdraw-evidence", given: then(aloneStory, step{sun, "07-10", under(with(photo), report(jidian))}),
			when: step{li, "07-11", &EvidenceWithdrawn{SHA256: photo, Reason: "涉密"}}, then: StatusInProgress},
		{name: "correct", given: reportedStory, when: void(sun, "07-11", "e3"), then: StatusAssigned, share: ShareAssigned},
		{name: "open-finding", given: aloneStory, when: step{wang, "07-22", &FindingOpened{Finding: hazard}}, then: StatusAssigned},
		{name: "settle-finding", given: blockedStory, when: step{wang, "07-23", &FindingSettled{Finding: hazard}}, then: StatusClosureRequested},
		{name: "revise-clause", given: aloneStory, when: step{li, "07-10", revise(letter)}, then: StatusAssigned},
		{name: "decompose", given: aloneStory, when: step{li, "07-10", parts(Child{Task: sibling}, Child{Task: cousin})}, then: StatusAssigned},
		{name: "link", given: completedStory, when: step{li, "08-10", link(sibling)}, then: StatusCompleted},
		{name: "consolidate", given: reportedStory, when: step{li, "08-01", consolidate(sibling)}, then: StatusConsolidated, share: ShareInProgress},
		{name: "reopen a consolidated one", given: mergedStory, when: step{li, "08-02", reopen(approved())}, then: StatusAssigned, share: ShareAssigned},
		{name: "void", given: aloneStory, when: step{li, "07-03", &Voided{Reason: "导入错误"}}, then: StatusVoided},

		{name: "a period accepted, the share goes on", given: quarterStory, when: step{li, "10-10", accept(jidian, "2019-Q3")}, then: StatusInProgress, share: ShareInProgress},
		{name: "a period accepted, another waits", given: then(quarterStory, step{sun, "10-09", request(jidian, "2019-Q4")}),
			when: step{li, "10-10", accept(jidian, "2019-Q3")}, then: StatusClosureRequested, share: ShareClosureRequested},
		{name: "a period returned, another waits", given: then(quarterStory, step{sun, "10-09", request(jidian, "2019-Q4")}),
			when: step{li, "10-10", sendBack(jidian, "2019-Q3")}, then: StatusClosureRequested},
		{name: "the next period", given: then(quarterStory, step{li, "10-10", accept(jidian, "2019-Q3")}), when: step{sun, "2020-01-08", request(jidian, "2019-Q4")}, then: StatusClosureRequested},
	} {
		t.Run(sc.name, sc.run)
	}
}

func aPlan() *PlanSubmitted {
	return &PlanSubmitted{ShareOf: of(jidian), ResponsiblePerson: "陈", Measures: []Measure{{Text: "排查", Due: "2019-09-30"}, {Text: "整改", Words: "长期坚持"}}}
}

// The list of paths names every act there is.
func TestPathsAreComplete(t *testing.T) {
	var kept []string
	for _, a := range all {
		if slices.ContainsFunc(kept, func(n string) bool { return n == a.Name }) {
			t.Errorf("the act %s is listed twice", a.Name)
		}
		kept = append(kept, a.Name)
		if a.Chinese == "" || len(a.By) == 0 {
			t.Errorf("%s lacks its Chinese name or who may", a.Name)
		}
	}
	if len(kept) != len(Payloads()) {
		t.Errorf("%d acts for %d payloads", len(kept), len(Payloads()))
	}
}
