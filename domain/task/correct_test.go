package task

import (
	"strings"
	"testing"
)

func TestCorrections(t *testing.T) {
	evident := then(aloneStory, step{sun, "07-10", under(with(photo), report(jidian))})
	withdrawn := then(evident, step{li, "07-11", &EvidenceWithdrawn{SHA256: photo, Reason: "涉密"}})
	entered := then(aloneStory, step{li, "07-10", under(behalf(jidian), report(jidian))})
	both := then(assignedStory, step{sun, "07-10", report(jidian)})
	opened := then(aloneStory, step{wang, "07-22", &FindingOpened{Finding: hazard}})
	for _, sc := range []scenario{
		{name: "void of one's own report", given: reportedStory, when: void(sun, "07-11", "e3"), then: StatusAssigned},
		{name: "void by the safety office", given: reportedStory, when: void(li, "07-11", "e3"), then: StatusAssigned},
		{name: "void by a stranger", given: reportedStory, when: void(wu, "07-11", "e3"), refused: "corrected.by"},
		{name: "void by an inspector", given: reportedStory, when: void(wang, "07-11", "e3"), refused: "corrected.by"},
		{name: "who reported corrects what was entered for them", given: entered, when: void(sun, "07-11", "e3"), refused: "corrected.by"},
		{name: "void of nothing", given: reportedStory, when: void(li, "07-11", "e9"), refused: "corrected.target"},
		{name: "void of the void brings it back", given: then(reportedStory, void(sun, "07-11", "e3")), when: void(sun, "07-12", "e4"), then: StatusInProgress},
		{name: "void of what is voided", given: then(reportedStory, void(sun, "07-11", "e3")), when: void(li, "07-12", "e3"), refused: "corrected.voided"},
		{name: "amending a correction", given: then(reportedStory, void(sun, "07-11", "e3")), when: amend(sun, "07-12", "e4", `{"reason":"x"}`), refused: "corrected.correction"},
		{name: "void of an answered request", given: completedStory, when: void(sun, "07-26", "e3"), refused: "corrected.breaks"},
		{name: "void of the acceptance behind a completion", given: completedStory, when: void(li, "07-26", "e4"), refused: "corrected.breaks"},
		{name: "void of the completion", given: completedStory, when: void(li, "07-26", "e5"), then: StatusClosureRequested, share: ShareAccepted},
		{name: "completed again", given: then(completedStory, void(li, "07-26", "e5")), when: step{li, "07-26", &Completed{By: ClosingAllShares}}, then: StatusCompleted},
		{name: "… but not before the acceptance", given: then(completedStory, void(li, "07-26", "e5")), when: step{li, "07-24", &Completed{By: ClosingAllShares}}, refused: "time.before"},
		{name: "void of the completion, then of the acceptance", given: then(completedStory, void(li, "07-26", "e5")), when: void(li, "07-26", "e4"), then: StatusClosureRequested, share: ShareClosureRequested},
		{name: "void of the docketing", given: docketedStory, when: void(li, "07-03", "e1"), refused: "corrected.docketed"},
		{name: "amended docketing", given: docketedStory, when: amend(li, "07-03", "e1", `{"number":8}`), then: StatusDocketed},
		{name: "a finding is corrected where it stands", given: opened, when: void(wang, "07-23", "e3"), refused: "corrected.finding"},
		{name: "also by the safety office", given: opened, when: void(li, "07-23", "e3"), refused: "corrected.finding"},

		{name: "a revised clause is amended with its directive", given: then(aloneStory, step{li, "07-10", revise(letter)}), when: void(li, "07-11", "e3"), refused: "corrected.clause"},
		{name: "a decomposition has docketed tasks", given: then(aloneStory, step{li, "07-10", parts(Child{Task: sibling})}), when: void(li, "07-11", "e3"), refused: "corrected.decomposed"},
		{name: "void of a link", given: then(aloneStory, step{li, "07-10", link(sibling)}), when: void(li, "07-11", "e3"), then: StatusAssigned},
		{name: "void of a consolidation", given: mergedStory, when: void(li, "08-02", "e3"), then: StatusAssigned},
		{name: "amended into itself", given: mergedStory, when: amend(li, "08-02", "e3", `{"into":"task/01T"}`), refused: "corrected.breaks"},

		{name: "amended words", given: reportedStory, when: amend(sun, "07-11", "e3", `{"progress":"已完成一半"}`), then: StatusInProgress},
		{name: "amended office", given: assignedStory, when: amend(li, "07-11", "e2", `{"offices":[{"office":"office/ruanjian","role":"lead"}]}`), then: StatusAssigned},
		{name: "amended office, which has acted", given: both, when: amend(li, "07-11", "e2", `{"offices":[{"office":"office/ruanjian","role":"lead"}]}`), refused: "corrected.breaks"},
		{name: "amended time", given: reportedStory, when: amend(sun, "07-11", "e3", `{"time":"2019-07-05T09:00:00+08:00"}`), then: StatusInProgress},
		{name: "amended time, before what it needs", given: reportedStory, when: amend(sun, "07-11", "e3", `{"time":"2019-07-01T09:30:00+08:00"}`), refused: "corrected.breaks"},
		{name: "amended time, after what rests on it", given: then(requestedStory, step{li, "07-25", sendBack(jidian)}), when: amend(sun, "07-26", "e3", `{"time":"2019-07-26T09:00:00+08:00"}`), refused: "corrected.breaks"},
		{name: "amended time, after the correction", given: reportedStory, when: amend(sun, "07-11", "e3", `{"time":"2019-07-12T09:00:00+08:00"}`), refused: "time.future"},
		{name: "amended time in another century", given: reportedStory, when: amend(sun, "07-11", "e3", `{"time":"0219-07-05T09:00:00+08:00"}`), refused: "time.range"},
		{name: "amended to no time", given: reportedStory, when: amend(sun, "07-11", "e3", `{"time":null}`), refused: "time.range"},
		{name: "amended to nonsense", given: reportedStory, when: amend(sun, "07-11", "e3", `{"time":"昨天"}`), refused: "corrected.time"},
		{name: "amended to a condition there is not", given: reportedStory, when: amend(sun, "07-11", "e3", `{"condition":"fine"}`), refused: "corrected.changes"},
		{name: "amended to something invalid", given: reportedStory, when: amend(sun, "07-11", "e3", `{"progress":""}`), refused: "field.required"},
		{name: "an unknown field", given: reportedStory, when: amend(sun, "07-11", "e3", `{"progres":"x"}`), refused: "corrected.changes"},
		{name: "an unknown field, to nothing", given: reportedStory, when: amend(sun, "07-11", "e3", `{"progres":null}`), refused: "corrected.changes"},
		{name: "a field in another case", given: reportedStory, when: amend(sun, "07-11", "e3", `{"Progress":"x"}`), refused: "corrected.changes"},
		{name: "no changes", given: reportedStory, when: amend(sun, "07-11", "e3", `{}`), refused: "corrected.changes"},

		{name: "amended into another office's share", given: both, when: amend(sun, "07-11", "e3", `{"office":"office/yuancai"}`), refused: "corrected.breaks"},
		{name: "… as if on its behalf", given: both, when: amend(sun, "07-11", "e3",
			`{"office":"office/yuancai","on_behalf_of":"office/yuancai","received_via":"phone","received_on":"2019-07-10","note":"x"}`), refused: "corrected.behalf"},
		{name: "whom an entry was for", given: entered, when: amend(li, "07-11", "e3", `{"on_behalf_of":"person/sun"}`), then: StatusInProgress},
		{name: "an entry for another becomes one's own", given: entered, when: amend(li, "07-11", "e3", `{"on_behalf_of":null,"received_via":null,"received_on":null}`), refused: "corrected.behalf"},
		{name: "an entry for another loses its evidence", given: entered, when: amend(li, "07-11", "e3", `{"evidence":null}`), refused: "behalf.evidence"},
		{name: "an approval is taken back", given: suspendedStory, when: amend(li, "07-11", "e3", `{"approval":null}`), refused: "corrected.breaks"},
		{name: "the evidence of a withdrawal", given: withdrawn, when: amend(sun, "07-12", "e3", `{"evidence":null}`), then: StatusInProgress},
		{name: "the report of a withdrawal", given: withdrawn, when: void(sun, "07-12", "e3"), then: StatusAssigned},
		{name: "void of a withdrawal", given: withdrawn, when: void(li, "07-12", "e4"), refused: "corrected.withdrawal"},
		{name: "… whose report is voided", given: then(withdrawn, void(sun, "07-12", "e3")), when: void(li, "07-12", "e4"), refused: "corrected.withdrawal"},
		{name: "a withdrawal of something else", given: withdrawn, when: amend(li, "07-12", "e4", `{"sha256":"`+letter+`"}`), refused: "corrected.withdrawal"},
		{name: "the reason of a withdrawal", given: withdrawn, when: amend(li, "07-12", "e4", `{"reason":"误传"}`), then: StatusInProgress},
		{name: "a withdrawal before the evidence", given: withdrawn, when: amend(li, "07-12", "e4", `{"time":"2019-07-09T09:00:00+08:00"}`), refused: "corrected.breaks"},
	} {
		t.Run(sc.name, sc.run)
	}
}

// A correction that would break the rest names the first event that breaks.
func TestRefusedCorrectionNamesTheFirstBreak(t *testing.T) {
	history := given(t, then(requestedStory, step{li, "07-22", sendBack(jidian)}, step{sun, "07-23", request(jidian)}, step{li, "07-25", accept(jidian)})...)
	_, r := when(t, history, void(sun, "07-26", "e3"))
	if rule(r) != "corrected.breaks" || !strings.Contains(r.English, "return (event e4)") || !strings.Contains(r.Chinese, "“退回”（事件 e4）") {
		t.Errorf("%v", r)
	}
}

// A chain of amendments is judged by what it leaves, not link by link.
func TestAmendmentsRestOnEachOther(t *testing.T) {
	inWords := then(datedStory, amend(li, "07-05", "e3", `{"date":null}`))
	for _, sc := range []scenario{
		{name: "the words may not go as well", given: inWords, when: amend(li, "07-06", "e3", `{"words":null}`), refused: "deadline.empty"},
		{name: "they may, with a new date", given: inWords, when: amend(li, "07-06", "e3", `{"words":null,"date":"2019-11-30"}`), then: StatusAssigned},
		{name: "void of the amendment another one needs", given: then(datedStory,
			amend(li, "07-05", "e3", `{"words":"年底前"}`), amend(li, "07-06", "e3", `{"date":null}`), amend(li, "07-07", "e3", `{"date":"2019-10-31"}`), amend(li, "07-07", "e3", `{"words":null}`)),
			when: void(li, "07-08", "e6"), refused: "deadline.empty"},
	} {
		t.Run(sc.name, sc.run)
	}
}

func TestCorrectionLeavesNoTraceInState(t *testing.T) {
	before := Replay(given(t, reportedStory...))
	after := Replay(given(t, then(reportedStory, step{sun, "07-20", request(jidian)}, void(sun, "07-21", "e4"))...))
	after.Last = before.Last // the correction is an event, too
	if !equal(before, after) {
		t.Errorf("voiding does not undo:\n%+v\n%+v", before, after)
	}
}

// An amended time is the time the state has.
func TestAmendedTime(t *testing.T) {
	s := Replay(given(t, then(requestedStory, amend(sun, "07-21", "e3", `{"time":"2019-07-19T16:30:00Z"}`))...))
	if r, _ := lastShare(s, jidian).Pending(); !r.Time.Equal(clockOf("07-20 00:30")) || r.Event != "e3" {
		t.Errorf("%+v", r)
	}
}

func TestDecideDoesNotTakeCorrections(t *testing.T) {
	c := void(li, "07-23", "e3").command()
	if events, err := Decide(Replay(given(t, reportedStory...)), c); err == nil || len(events) > 0 {
		t.Errorf("Decide took a correction: %v", events)
	}
	c.Ask = &Reminded{Words: "x"}
	if _, err := Correct(given(t, reportedStory...), c); err == nil {
		t.Error("Correct took a reminder")
	}
}

func TestWithdrawal(t *testing.T) {
	evident := then(aloneStory, step{sun, "07-10", under(with(photo), report(jidian))})
	entered := then(aloneStory, step{li, "07-10", under(behalf(jidian), report(jidian))})
	approval := approved()
	approval.Approval.Evidence = with(photo).Evidence
	gone := &EvidenceWithdrawn{SHA256: photo, Reason: "涉密"}
	for _, sc := range []scenario{
		{name: "by who entered it", given: evident, when: step{sun, "07-11", gone}, then: StatusInProgress},
		{name: "by the safety office", given: evident, when: step{li, "07-11", gone}, then: StatusInProgress},
		{name: "by another office", given: evident, when: step{wu, "07-11", gone}, refused: "evidence.by"},
		{name: "by one of two who named it", given: then(evident, step{li, "07-12", under(with(photo), &Reminded{Words: "见附件"})}), when: step{sun, "07-13", gone}, refused: "evidence.by"},
		{name: "by whom it was entered for", given: entered, when: step{sun, "07-11", &EvidenceWithdrawn{SHA256: letter, Reason: "x"}}, refused: "evidence.by"},
		{name: "of an approval", given: then(aloneStory, step{li, "07-10", &Suspended{Particulars: approval, Reason: "x"}}), when: step{li, "07-11", gone}, then: StatusSuspended},
		{name: "twice", given: then(evident, step{sun, "07-11", gone}), when: step{sun, "07-12", gone}, refused: "evidence.unknown"},
		{name: "handed in again", given: then(evident, step{sun, "07-11", gone}, step{sun, "07-12", under(with(photo), report(jidian))}), when: step{sun, "07-13", gone}, then: StatusInProgress},
		{name: "what was never handed in", given: aloneStory, when: step{li, "07-12", gone}, refused: "evidence.unknown"},
		{name: "after completion", given: then(evident, step{sun, "07-20", request(jidian)}, step{li, "07-25", accept(jidian)}), when: step{li, "08-11", gone}, then: StatusCompleted},
	} {
		t.Run(sc.name, sc.run)
	}
	s := Replay(given(t, then(evident, step{sun, "07-11", gone})...))
	if u := s.Evidence; len(u) != 1 || u[0].SHA256 != photo || u[0].Enterer != sun.Person || u[0].Withdrawn.Event != "e4" {
		t.Errorf("the digest stays: %+v", u)
	}
	if w := (&EvidenceWithdrawn{SHA256: photo}).Withdraws(); w != photo {
		t.Errorf("withdraws %s", w)
	}
}
