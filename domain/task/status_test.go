package task

import (
	"slices"
	"testing"

	"duban/domain"
)

// sharesIn are shares in each status, each with the story that leads there; the
// task is open in all of them.
var sharesIn = map[ShareStatus][]step{
	ShareDisputed:         then(assignedStory, step{sun, "07-10", dispute(jidian)}),
	ShareAssigned:         assignedStory,
	ShareAcknowledged:     then(assignedStory, step{sun, "07-10", &Acknowledged{ShareOf: of(jidian)}}),
	ShareInProgress:       then(assignedStory, step{sun, "07-10", report(jidian)}),
	ShareClosureRequested: then(assignedStory, step{sun, "07-10", request(jidian)}),
	ShareAccepted:         then(assignedStory, step{sun, "07-10", request(jidian)}, step{li, "07-11", accept(jidian)}),
	ShareAbsorbed:         then(assignedStory, step{li, "07-10", absorb(jidian, yuancai)}),
	ShareTransferred:      then(assignedStory, step{li, "07-10", transfer(jidian, ruanjian)}),
}

// Which acts a share's status lets through. "status" is refused by share.status,
// "none" because the office has no active share, any other word by that rule.
func TestShareStatusTable(t *testing.T) {
	const disputed, assigned, acknowledged, working, requested, accepted = 0, 1, 2, 3, 4, 5
	for _, tt := range []struct {
		by  domain.Caller
		ask domain.Payload
		ok  []int // the statuses that let it through, of the six active ones
		or  map[int]string
	}{
		{sun, dispute(jidian), []int{assigned, acknowledged, working}, nil},
		{li, &DisputeUpheld{ShareOf: of(jidian), Reason: "x"}, []int{disputed}, nil},
		{li, transfer(jidian, domain.Ref{Kind: domain.KindOffice, ID: "new"}), []int{disputed, assigned, acknowledged, working, requested}, nil},
		{li, absorb(jidian, yuancai), []int{disputed, assigned, acknowledged, working, requested}, nil},
		{sun, &Acknowledged{ShareOf: of(jidian)}, []int{disputed, assigned, working, requested}, map[int]string{acknowledged: "acknowledged.again", accepted: "late.after"}},
		{sun, report(jidian), []int{disputed, assigned, acknowledged, working, requested}, map[int]string{accepted: "late.after"}},
		{sun, &HandlerChanged{ShareOf: of(jidian), To: wu.Person}, []int{disputed, assigned, acknowledged, working, requested, accepted}, nil},
		{sun, aPlan(), []int{assigned, acknowledged, working, requested}, nil},
		{sun, &ProposedDeadline{Scope: Scope{jidian}, Words: "x"}, []int{disputed, assigned, acknowledged, working, requested}, nil},
		{sun, moreTime(jidian, "2020-01-31"), []int{assigned, acknowledged, working, requested}, nil},
		{sun, request(jidian), []int{assigned, acknowledged, working}, map[int]string{requested: "closure_requested.pending"}},
		{li, sendBack(jidian), []int{requested}, nil},
		{li, accept(jidian), []int{requested}, nil},
		{li, &LeadDesignated{ShareOf: of(jidian)}, nil, map[int]string{disputed: "lead.same", assigned: "lead.same", acknowledged: "lead.same", working: "lead.same", requested: "lead.same", accepted: "lead.same"}},
		{li, toOffices(jidian), nil, map[int]string{disputed: "assigned.again", assigned: "assigned.again", acknowledged: "assigned.again", working: "assigned.again", requested: "assigned.again", accepted: "assigned.again"}},
	} {
		for status, story := range sharesIn {
			want := tt.or[int(status-ShareDisputed)]
			switch {
			case want != "" || slices.Contains(tt.ok, int(status-ShareDisputed)):
			case status.Active():
				want = "share.status"
			case tt.ask.EventType() == (&Assigned{}).EventType():
			default:
				want = "share.none"
			}
			_, r := when(t, given(t, story...), step{tt.by, "07-20", tt.ask})
			if got := rule(r); got != want {
				t.Errorf("%s while %v: refused by %q, want %q", domain.ShortType(tt.ask), status, got, want)
			}
			if r != nil && r.Reason == domain.ReasonIllegal && len(r.Allowed) == 0 {
				t.Errorf("%s while %v: the refusal does not say what is allowed", domain.ShortType(tt.ask), status)
			}
		}
	}
}

func rule(r *domain.Refusal) string {
	if r == nil {
		return ""
	}
	return r.Rule
}

// Which acts the task's status lets through, beside corrections.
func TestTaskStatusTable(t *testing.T) {
	stories := map[Status][]step{
		0:               nil,
		StatusDocketed:  docketedStory,
		StatusCompleted: completedStory, StatusCancelled: cancelledStory, StatusEnded: endedStory, StatusConsolidated: mergedStory,
		StatusVoided: then(aloneStory, step{li, "07-03", &Voided{Reason: "x"}}),
	}
	late := []string{"acknowledge", "report", "reopen", "link", "withdraw-evidence", "open-finding", "settle-finding", "correct"}
	for status, story := range stories {
		history := given(t, story...)
		for _, a := range all {
			got := needs(a.Ask).met(Replay(history))
			want := false
			switch status {
			case 0:
				want = a.Name == "docket"
			case StatusDocketed:
				want = a.Name != "docket" && a.Name != "reopen"
			case StatusCompleted, StatusCancelled, StatusEnded, StatusConsolidated:
				want = slices.Contains(late, a.Name)
			}
			if got != want {
				t.Errorf("%s while %v: %v, want %v", a.Name, status, got, want)
			}
		}
	}
	for _, sc := range []scenario{
		{name: "docketed twice", given: docketedStory, when: docketedStory[0], refused: "task.exists"},
		{name: "assigned before docketed", when: assignedStory[1], refused: "task.absent"},
		{name: "assigned after completion", given: completedStory, when: step{li, "08-01", toOffices(yuancai)}, refused: "task.status"},
		{name: "reported on a voided task", given: stories[StatusVoided], when: step{sun, "07-03", report(jidian)}, refused: "task.status"},
		{name: "corrected on a voided task", given: stories[StatusVoided], when: void(li, "07-04", "e3"), refused: "task.status"},
		{name: "reopened while nothing is accepted", given: reportedStory, when: step{li, "07-20", reopen(approved())}, refused: "task.status"},
		{name: "reopened where nothing is accepted", given: halfStory, when: step{li, "08-01", reopen(approved(), yuancai)}, refused: "reopened.none"},
		{name: "reopened for a stranger", given: completedStory, when: step{li, "08-01", reopen(approved(), ruanjian)}, refused: "share.none"},
		{name: "voided though acted on", given: signedStory, when: step{li, "07-04", &Voided{Reason: "x"}}, refused: "voided.acted"},
		{name: "voided though a deadline was proposed", given: then(aloneStory, step{sun, "07-04", &ProposedDeadline{Scope: Scope{jidian}, Words: "年内"}}),
			when: step{li, "07-05", &Voided{Reason: "x"}}, refused: "voided.acted"},
		{name: "voided though a handler was named", given: then(aloneStory, step{sun, "07-04", &HandlerChanged{ShareOf: of(jidian), To: sun.Person}}),
			when: step{li, "07-05", &Voided{Reason: "x"}}, refused: "voided.acted"},
	} {
		t.Run(sc.name, sc.run)
	}
}

// The task stands where its least advanced active share stands.
func TestStatusIsThatOfTheLeastAdvancedShare(t *testing.T) {
	both := then(assignedStory, step{sun, "07-10", request(jidian)}, step{wu, "07-10", report(yuancai)})
	for _, sc := range []scenario{
		{name: "behind", given: assignedStory, when: step{sun, "07-10", request(jidian)}, then: StatusAssigned},
		{name: "level", given: then(assignedStory, step{sun, "07-10", request(jidian)}), when: step{wu, "07-10", report(yuancai)}, then: StatusInProgress},
		{name: "a dispute", given: both, when: step{wu, "07-11", dispute(yuancai)}, then: StatusDisputed},
		{name: "absorbed counts no more", given: assignedStory[:2:2], when: step{li, "07-11", absorb(yuancai, jidian)}, then: StatusAssigned},
		{name: "the slower one is absorbed", given: both, when: step{li, "07-11", absorb(yuancai, jidian)}, then: StatusClosureRequested},
		{name: "one of two suspended", given: both, when: step{li, "07-11", &Suspended{Particulars: approved(), Offices: []domain.Ref{yuancai}, Reason: "x"}}, then: StatusInProgress},
		{name: "accepted, the other suspended", given: halfStory, when: step{li, "08-01", &Suspended{Particulars: approved(), Reason: "x"}}, then: StatusSuspended},
	} {
		t.Run(sc.name, sc.run)
	}
}
