package task

import (
	"testing"

	"duban/domain"
)

// Who may: the role, the own share, and both sides of a check.
func TestWho(t *testing.T) {
	entered := then(aloneStory, step{li, "07-20", under(behalf(jidian), request(jidian))})
	byPerson := then(aloneStory, step{li, "07-20", under(behalf(zhou.Person), request(jidian))})
	for _, sc := range []scenario{
		{name: "an office assigns", given: docketedStory, when: step{sun, "07-02", toOffices(jidian)}, refused: "role.assign"},
		{name: "an inspector signs", given: aloneStory, when: step{wang, "07-03", &Acknowledged{ShareOf: of(jidian)}}, refused: "role.acknowledge"},
		{name: "the auditor corrects", given: aloneStory, when: void(auditor, "07-03", "e2"), refused: "role.correct"},
		{name: "the safety office reports without saying for whom", given: aloneStory, when: step{li, "07-10", report(jidian)}, refused: "role.report"},
		{name: "the safety office reports on behalf", given: aloneStory, when: step{li, "07-10", under(behalf(jidian), report(jidian))}, then: StatusInProgress},
		{name: "… of a person", given: aloneStory, when: step{li, "07-10", under(behalf(sun.Person), report(jidian))}, then: StatusInProgress},
		{name: "… of another office", given: aloneStory, when: step{li, "07-10", under(behalf(yuancai), report(jidian))}, refused: "share.other_office"},
		{name: "an office on behalf", given: assignedStory, when: step{wu, "07-10", under(behalf(jidian), report(jidian))}, refused: "behalf.role"},

		{name: "another office's share", given: assignedStory, when: step{wu, "07-10", report(jidian)}, refused: "share.other_office"},
		{name: "another office proposes its deadline", given: assignedStory, when: step{wu, "07-10", &ProposedDeadline{Scope: Scope{jidian}, Date: "2019-11-30"}}, refused: "share.other_office"},
		{name: "an office without a share", given: aloneStory, when: step{zheng, "07-10", report(ruanjian)}, refused: "share.none"},
		{name: "an office that is out", given: then(disputedStory, step{li, "07-04", transfer(jidian, ruanjian)}), when: step{sun, "07-10", report(jidian)}, refused: "share.none"},

		{name: "accepted by who entered the request", given: entered, when: step{li, "07-25", accept(jidian)}, refused: "approval.required"},
		{name: "… with an approval", given: entered, when: step{li, "07-25", under(approved(), accept(jidian))}, then: StatusCompleted},
		{name: "… by the other clerk", given: entered, when: step{zhou, "07-25", accept(jidian)}, then: StatusCompleted},
		{name: "accepted by whose request it was", given: byPerson, when: step{zhou, "07-25", accept(jidian)}, refused: "approval.required"},
		{name: "… entered for them", given: then(aloneStory, step{sun, "07-20", request(jidian)}), when: step{li, "07-25", under(behalf(sun.Person), accept(jidian))}, refused: "approval.required"},
		{name: "accepted by the share's own office", given: requestedStory, when: step{insider, "07-25", accept(jidian)}, refused: "approval.required"},
		{name: "… on its behalf", given: requestedStory, when: step{li, "07-25", under(behalf(jidian), accept(jidian))}, refused: "approval.required"},
		{name: "… with an approval", given: requestedStory, when: step{insider, "07-25", under(approved(), accept(jidian))}, then: StatusCompleted},
		{name: "returned by who entered the request", given: entered, when: step{li, "07-25", sendBack(jidian)}, then: StatusInProgress},

		{name: "cancelled without approval", given: aloneStory, when: step{li, "08-01", &Cancelled{Reason: "x"}}, refused: "approval.required"},
		{name: "suspended without approval", given: aloneStory, when: step{li, "08-01", &Suspended{Reason: "x"}}, refused: "approval.required"},
		{name: "overridden without approval", given: aloneStory, when: step{li, "08-01", override(domain.Particulars{})}, refused: "approval.required"},
		{name: "reopened without approval", given: completedStory, when: step{li, "08-01", reopen(domain.Particulars{})}, refused: "approval.required"},
		{name: "more time granted without approval", given: askedStory, when: step{li, "12-10", granted(domain.Particulars{}, jidian, "2020-01-31")}, refused: "approval.required"},
	} {
		t.Run(sc.name, sc.run)
	}
}

// Entering for others rests on something.
func TestBehalf(t *testing.T) {
	change := func(f func(*domain.Particulars)) domain.Payload {
		p := behalf(jidian)
		f(&p)
		return under(p, report(jidian))
	}
	for _, sc := range []scenario{
		{name: "no evidence", when: step{ask: change(func(p *domain.Particulars) { p.Evidence = nil })}, refused: "behalf.evidence"},
		{name: "a note is not enough for a paper", when: step{ask: change(func(p *domain.Particulars) { p.Evidence, p.Note = nil, "来文" })}, refused: "behalf.evidence"},
		{name: "by phone, nothing noted", when: step{ask: change(func(p *domain.Particulars) { p.Evidence, p.ReceivedVia = nil, domain.ViaPhone })}, refused: "behalf.note"},
		{name: "by phone, white space noted", when: step{ask: change(func(p *domain.Particulars) { p.Evidence, p.ReceivedVia, p.Note = nil, domain.ViaPhone, " " })}, refused: "behalf.note"},
		{name: "by phone, noted", when: step{ask: change(func(p *domain.Particulars) {
			p.Evidence, p.ReceivedVia, p.Note = nil, domain.ViaPhone, "孙称已启动"
		})}, then: StatusInProgress},
		{name: "no way of receipt", when: step{ask: change(func(p *domain.Particulars) { p.ReceivedVia = 0 })}, refused: "behalf.received"},
		{name: "no day of receipt", when: step{ask: change(func(p *domain.Particulars) { p.ReceivedOn = "" })}, refused: "behalf.received"},
		{name: "received tomorrow", when: step{ask: change(func(p *domain.Particulars) { p.ReceivedOn = "2020-02-02" })}, refused: "behalf.received_on"},
		{name: "for nobody", when: step{ask: change(func(p *domain.Particulars) { p.OnBehalfOf = noOffice })}, refused: "role.report"},
		{name: "for a task", when: step{ask: change(func(p *domain.Particulars) { p.OnBehalfOf = self })}, refused: "behalf.kind"},
	} {
		sc.given, sc.when.by, sc.when.at = aloneStory, li, "07-10"
		t.Run(sc.name, sc.run)
	}
}

// Time: a transition not before the one it needs, nothing in the future.
func TestTimes(t *testing.T) {
	pass := func() []step {
		return []step{{sun, "07-20", request(jidian)}, {li, "07-25", accept(jidian)}, {wu, "07-26", request(yuancai)}}
	}
	reopened := then(completedStory, step{li, "08-01", reopen(approved())})
	for _, sc := range []scenario{
		{name: "assigned before docketed", given: docketedStory, when: step{li, "06-30", toOffices(jidian)}, refused: "time.before"},
		{name: "signed before assigned", given: aloneStory, when: step{sun, "07-01 10:00", &Acknowledged{ShareOf: of(jidian)}}, refused: "time.before"},
		{name: "signed with the assignment", given: aloneStory, when: step{sun, "07-02", &Acknowledged{ShareOf: of(jidian)}}, then: StatusAcknowledged},
		{name: "upheld before disputed", given: disputedStory, when: step{li, "07-02 10:00", &DisputeUpheld{ShareOf: of(jidian), Reason: "x"}}, refused: "time.before"},
		{name: "transferred for a dispute before it", given: disputedStory, when: step{li, "07-02 10:00", &Transferred{From: jidian, To: ruanjian, Cause: CauseDispute}}, refused: "time.before"},
		{name: "transferred by a decision before the dispute", given: disputedStory, when: step{li, "07-02 10:00", transfer(jidian, ruanjian)}, then: StatusAssigned},
		{name: "absorbed before the other was assigned", given: then(aloneStory, step{li, "07-10", toOffices(yuancai)}), when: step{li, "07-05", absorb(jidian, yuancai)}, refused: "time.before"},
		{name: "granted before asked", given: askedStory, when: step{li, "11-30", granted(grounded(), jidian, "2020-01-31")}, refused: "time.before"},
		{name: "refused before asked", given: askedStory, when: step{li, "11-30", &ExtensionRefused{ShareOf: of(jidian), Reason: "x"}}, refused: "time.before"},
		{name: "suspended before assigned", given: aloneStory, when: step{li, "07-01 10:00", &Suspended{Particulars: approved(), Reason: "x"}}, refused: "time.before"},
		{name: "resumed before suspended", given: suspendedStory, when: step{li, "07-04", &Resumed{}}, refused: "time.before"},
		{name: "accepted before requested", given: requestedStory, when: step{li, "07-19", accept(jidian)}, refused: "time.before"},
		{name: "returned before requested", given: requestedStory, when: step{li, "07-19", sendBack(jidian)}, refused: "time.before"},
		{name: "requested anew before the return", given: returnedStory, when: step{sun, "07-24", request(jidian)}, refused: "time.before"},
		{name: "requested anew", given: returnedStory, when: step{sun, "07-26", request(jidian)}, then: StatusClosureRequested},
		{name: "requested anew before the reopening", given: reopened, when: step{sun, "07-31", request(jidian)}, refused: "time.before"},
		{name: "overridden before the last assignment", given: then(aloneStory, step{li, "07-10", toOffices(yuancai)}), when: step{li, "07-09", override(approved())}, refused: "time.before"},
		{name: "cancelled before the last assignment", given: then(aloneStory, step{li, "07-10", toOffices(yuancai)}), when: step{li, "07-09", &Cancelled{Particulars: approved(), Reason: "x"}}, refused: "time.before"},
		{name: "ended before the last assignment", given: then(standingStory, step{li, "07-10", toOffices(yuancai)}), when: step{li, "07-09", &Ended{Reason: "x"}}, refused: "time.before"},
		{name: "reopened before completed", given: completedStory, when: step{li, "07-24", reopen(approved())}, refused: "time.before"},
		{name: "one share reopened before it was accepted", given: halfStory, when: step{li, "07-24", reopen(approved(), jidian)}, refused: "time.before"},
		{name: "withdrawn before handed in", given: then(aloneStory, step{sun, "07-10", under(with(photo), report(jidian))}),
			when: step{li, "07-09", &EvidenceWithdrawn{SHA256: photo, Reason: "x"}}, refused: "time.before"},
		{name: "the last acceptance entered late", given: then(assignedStory, pass()...), when: step{li, "07-27", accept(yuancai)}, then: StatusCompleted},

		{name: "now, by a clock half a minute ahead", given: aloneStory, when: step{sun, "2020-02-01 12:01", report(jidian)}, then: StatusInProgress},
		{name: "in the future", given: aloneStory, when: step{sun, "2020-02-01 12:02", report(jidian)}, refused: "time.future"},
		{name: "in 219", given: aloneStory, when: step{sun, "0219-07-10", report(jidian)}, refused: "time.range"},

		{name: "a report entered after completion", given: completedStory, when: step{sun, "07-15", report(jidian)}, then: StatusCompleted, share: ShareAccepted},
		{name: "a signature entered after completion", given: completedStory, when: step{sun, "07-03", &Acknowledged{ShareOf: of(jidian)}}, then: StatusCompleted},
		{name: "a report of after completion", given: completedStory, when: step{sun, "07-26", report(jidian)}, refused: "late.after"},
		{name: "a signature of after completion", given: completedStory, when: step{sun, "07-26", &Acknowledged{ShareOf: of(jidian)}}, refused: "late.after"},
		{name: "a report of after the share was accepted", given: halfStory, when: step{sun, "07-26", report(jidian)}, refused: "late.after"},
		{name: "… nor when the task is completed later", given: then(halfStory, step{wu, "08-01", request(yuancai)}, step{li, "08-10", accept(yuancai)}),
			when: step{sun, "07-26", report(jidian)}, refused: "late.after"},
		{name: "a report of before the cancellation", given: cancelledStory, when: step{sun, "07-26", report(jidian)}, then: StatusCancelled},
		{name: "a report of after the cancellation", given: cancelledStory, when: step{sun, "08-02", report(jidian)}, refused: "late.after"},
		{name: "a report of after the end", given: endedStory, when: step{sun, "08-02", report(jidian)}, refused: "late.after"},
		{name: "a request entered after completion", given: completedStory, when: step{sun, "07-21", request(jidian)}, refused: "task.status"},
	} {
		t.Run(sc.name, sc.run)
	}
}

// The task is completed when its last share was accepted, not when the last
// acceptance was entered.
func TestCompletionIsDatedByTheLatestAcceptance(t *testing.T) {
	s := Replay(given(t, then(assignedStory,
		step{sun, "07-03", request(jidian)}, step{wu, "07-04", request(yuancai)},
		step{li, "07-25", accept(jidian)}, step{li, "07-10", accept(yuancai)})...))
	if !s.Completed.Time.Equal(clockOf("07-25")) || s.CompletedBy != ClosingAllShares {
		t.Errorf("completed %v by %v, want 07-25 by all shares", s.Completed.Time, s.CompletedBy)
	}
}
