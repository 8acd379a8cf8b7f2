package finding

import (
	"encoding/json"
	"testing"

	"duban/domain"
)

func void(by domain.Caller, at, target string) step {
	return step{by, at, &Corrected{domain.Correction{Target: target, Mode: domain.ModeVoid, Reason: "录错"}}}
}

func amend(by domain.Caller, at, target, changes string) step {
	return step{by, at, &Corrected{domain.Correction{Target: target, Mode: domain.ModeAmend, Changes: json.RawMessage(changes), Reason: "录错"}}}
}

func TestCorrections(t *testing.T) {
	withdrawn := then(majorStory, step{wang, "07-22", &Referred{Particulars: with(photo), To: "住建部门"}}, step{li, "07-23", &EvidenceWithdrawn{SHA256: photo, Reason: "涉密"}})
	for _, sc := range []scenario{
		{name: "void of the last step", given: passedStory, when: void(zhao, "07-23", "e6"), then: StatusReported},
		{name: "void of what the rest rests on", given: passedStory, when: void(li, "07-23", "e4"), refused: "corrected.breaks"},
		{name: "void by a stranger", given: passedStory, when: void(wang, "07-23", "e6"), refused: "corrected.by"},
		{name: "void by an auditor", given: passedStory, when: void(auditor, "07-23", "e6"), refused: "role.correct"},
		{name: "void of nothing", given: passedStory, when: void(li, "07-23", "e99"), refused: "corrected.target"},
		{name: "void of the void brings it back", given: then(passedStory, void(zhao, "07-23", "e6")), when: void(zhao, "07-24", "e7"), then: StatusPassed},
		{name: "amended time before what it needs", given: passedStory, when: amend(zhao, "07-23", "e6", `{"time":"2019-07-19T09:00:00+08:00"}`), refused: "corrected.breaks"},
		{name: "amended result", given: passedStory, when: amend(zhao, "07-23", "e6", `{"passed":false}`), then: StatusFailed},
		{name: "amended grade that later steps don't bear", given: onSpotStory, when: amend(wang, "07-23", "e3", `{"grade":"major","criterion":"x"}`), refused: "corrected.breaks"},
		{name: "amended to nonsense", given: majorStory, when: amend(wang, "07-23", "e3", `{"grade":"huge"}`), refused: "corrected.changes"},
		{name: "amended to something invalid", given: majorStory, when: amend(wang, "07-23", "e3", `{"criterion":""}`), refused: "field.required"},

		{name: "one's own grade of major", given: majorStory, when: amend(wang, "07-23", "e3", `{"grade":"ordinary"}`), refused: "finding.corrected.two_persons"},
		{name: "one's own naming of the task", given: majorStory, when: amend(wang, "07-23", "e1", `{"tasks":null}`), refused: "finding.corrected.two_persons"},
		{name: "another's grade of major", given: majorStory, when: amend(li, "07-23", "e3", `{"grade":"ordinary"}`), then: StatusGraded},
		{name: "one's own, with an approval", given: majorStory, when: step{wang, "07-23", &Corrected{domain.Correction{
			Particulars: approved(), Target: "e3", Mode: domain.ModeVoid, Reason: "录错"}}}, then: StatusVerified},
		{name: "one's own words that free nothing", given: majorStory, when: amend(wang, "07-23", "e1", `{"category":"电气"}`), then: StatusGraded},

		{name: "void of a withdrawal", given: withdrawn, when: void(li, "07-24", "e5"), refused: "corrected.withdrawal"},
		{name: "void of what named the evidence", given: withdrawn, when: void(li, "07-24", "e4"), then: StatusGraded},
	} {
		t.Run(sc.name, sc.run)
	}
}

func TestCorrectionLeavesNoTraceInState(t *testing.T) {
	before := Replay(given(t, reportedStory...))
	after := Replay(given(t, then(reportedStory, step{zhao, "07-22", looked(true)}, void(zhao, "07-23", "e6"))...))
	if !equal(before, after) {
		t.Errorf("voiding does not undo:\n%+v\n%+v", before, after)
	}
}

func TestDecideDoesNotTakeCorrections(t *testing.T) {
	c := void(li, "07-23", "e1").command()
	if events, err := Decide(Replay(given(t, majorStory...)), c); err == nil || len(events) > 0 {
		t.Errorf("Decide took a correction: %v", events)
	}
	c.Ask = &Verified{}
	if _, err := Correct(given(t, majorStory...), c); err == nil {
		t.Error("Correct took a transition")
	}
}
