package finding

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"duban/domain"
	"duban/domain/calendar"
)

func TestPaths(t *testing.T) {
	for _, sc := range []scenario{
		{name: "ordinary, on the spot, written off by the same person", given: onSpotStory, when: step{wang, "07-03 11:00", &WrittenOff{}}, then: StatusWrittenOff},
		{name: "on the spot, looked at again, not good", given: onSpotStory, when: step{zhao, "07-05", looked(false)}, then: StatusFailed},
		{name: "the original inspector re-inspects", given: reportedStory, when: step{wang, "07-22", looked(true)}, then: StatusPassed},
		{name: "failed, ordered again", given: failedStory, when: step{wang, "07-23", anOrder("2019-08-15")}, then: StatusOrdered},
		{name: "major, written off by a second person", given: passedStory, when: step{li, "07-25", &WrittenOff{}}, then: StatusWrittenOff},
		{name: "closure verified", given: closureStory, when: step{wang, "08-10", &ClosureVerified{}}, then: StatusClosureVerified},
		{name: "closure after the next order was not obeyed", given: then(failedStory, step{wang, "07-23", anOrder("2019-08-15")}),
			when: step{wang, "08-20", &ClosureOrdered{DecisionNo: "关〔2019〕1号"}}, then: StatusClosureOrdered},
		{name: "terminated is not written off", given: orderedStory,
			when: step{li, "07-10", &Terminated{Particulars: with(letter), Cause: CauseRelocated, Proof: "搬迁证明"}}, then: StatusTerminated},
		{name: "a referral leaves the status", given: orderedStory, when: step{wang, "07-10", &Referred{To: "消防支队"}}, then: StatusOrdered},
		{name: "regraded to major, the spot is not enough", given: onSpotStory,
			when: step{wang, "07-04", &Regraded{Grade: GradeMajor, Criterion: "判定标准", Reason: "复核"}}, then: StatusGraded},
		{name: "regraded to major in the middle of rectification", given: then(ordinaryStory, step{wang, "07-04", anOrder("2019-07-31")}),
			when: step{wang, "07-05", &Regraded{Grade: GradeMajor, Criterion: "x", Reason: "复核"}}, then: StatusOrdered},
		{name: "an order older than the regrading, entered late", given: then(majorStory, step{li, "07-08", &Regraded{Grade: GradeOrdinary, Reason: "复核"}}),
			when: step{wang, "07-04", anOrder("2019-07-31")}, then: StatusOrdered},
		{name: "regraded in the middle of rectification", given: orderedStory,
			when: step{li, "07-05", &Regraded{Grade: GradeOrdinary, Reason: "复核"}}, then: StatusOrdered},
	} {
		t.Run(sc.name, sc.run)
	}
}

func TestGuards(t *testing.T) {
	listed := then(majorStory, step{li, "07-04", &SupervisionListed{Level: LevelProvincial}})
	suspended := then(majorStory, step{wang, "07-03 10:00", &SuspensionOrdered{}})
	referred := then(majorStory, step{wang, "07-04", &Referred{To: "消防支队"}})
	ofEnterprise := then(majorStory, step{wang, "07-04", &RectificationOrdered{Rectifier: Rectifier{Name: "塞上铝业"}, Deadline: "2019-07-31"}})
	down := func(p domain.Particulars) *Regraded {
		return &Regraded{Particulars: p, Grade: GradeOrdinary, Reason: "复核"}
	}
	for _, sc := range []scenario{
		{name: "found after the entry", when: step{wang, "06-30", aRecord()}, refused: "finding.recorded.found_on"},
		{name: "same grade", given: majorStory, when: step{li, "07-04", &Regraded{Grade: GradeMajor, Criterion: "x", Reason: "y"}}, refused: "finding.regraded.same"},
		{name: "graded down by the grader", given: majorStory, when: step{wang, "07-04", down(domain.Particulars{})}, refused: "finding.regraded.two_persons"},
		{name: "major marked a duplicate by the grader", given: majorStory, when: step{wang, "07-04", &DuplicateOf{Original: other}}, refused: "finding.duplicate_of.two_persons"},
		{name: "… entered by the clerk", given: majorStory, when: step{li, "07-04", &DuplicateOf{Particulars: behalf(wang.Person), Original: other}}, refused: "finding.duplicate_of.two_persons"},
		{name: "… by somebody else", given: majorStory, when: step{zhao, "07-04", &DuplicateOf{Original: other}}, then: StatusDuplicate},
		{name: "graded down by the grader's word, entered by the clerk", given: majorStory, when: step{li, "07-04", down(behalf(wang.Person))}, refused: "finding.regraded.two_persons"},
		{name: "graded down by the grader with an approval", given: majorStory, when: step{wang, "07-04", down(approved())}, then: StatusGraded},
		{name: "graded down by another", given: majorStory, when: step{zhao, "07-04", down(domain.Particulars{})}, then: StatusGraded},

		{name: "major on the spot", given: majorStory, when: step{wang, "07-04", &RectifiedOnSpot{Measures: "x"}}, refused: "finding.rectified_on_spot.grade"},
		{name: "on the spot while suspended", given: then(suspended, step{li, "07-04", down(domain.Particulars{})}),
			when: step{wang, "07-05", &RectifiedOnSpot{Measures: "x"}}, refused: "finding.rectified_on_spot.suspended"},
		{name: "due before ordered", given: majorStory, when: step{wang, "07-04", anOrder("2019-07-03")}, refused: "finding.rectification_ordered.deadline"},
		{name: "due on the day ordered", given: majorStory, when: step{wang, "07-04", anOrder("2019-07-04")}, then: StatusOrdered},

		{name: "extended to the same day", given: orderedStory, when: step{wang, "07-30", &RectificationExtended{Particulars: approved(), Deadline: "2019-07-31", Reason: "x"}}, refused: "finding.rectification_extended.deadline"},
		{name: "extended without approval", given: orderedStory, when: step{wang, "07-30", &RectificationExtended{Deadline: "2019-08-31", Reason: "x"}}, refused: "approval.required"},
		{name: "extended", given: orderedStory, when: step{wang, "07-30", &RectificationExtended{Particulars: approved(), Deadline: "2019-08-31", Reason: "x"}}, then: StatusOrdered},
		{name: "extension of the past entered late", given: reportedStory, when: step{wang, "07-19", &RectificationExtended{Particulars: approved(), Deadline: "2019-08-31", Reason: "x"}}, then: StatusReported},
		{name: "extension after the report", given: reportedStory, when: step{wang, "07-21", &RectificationExtended{Particulars: approved(), Deadline: "2019-08-31", Reason: "x"}}, refused: "finding.rectification_extended.status"},
		{name: "extension of what was never ordered", given: then(onSpotStory, step{wang, "07-04", &WrittenOff{}}), when: step{wang, "07-03", &RectificationExtended{Particulars: approved(), Deadline: "2019-08-31", Reason: "x"}}, refused: "finding.rectification_extended.order"},

		{name: "extension of the past after the re-inspection", given: passedStory, when: step{wang, "07-20", &RectificationExtended{Particulars: approved(), Deadline: "2019-08-31", Reason: "x"}}, then: StatusPassed},
		{name: "extension between report and re-inspection", given: passedStory, when: step{wang, "07-21", &RectificationExtended{Particulars: approved(), Deadline: "2019-08-31", Reason: "x"}}, refused: "finding.rectification_extended.status"},
		{name: "extension of the past after writing off", given: writtenStory, when: step{wang, "07-20", &RectificationExtended{Particulars: approved(), Deadline: "2019-08-31", Reason: "x"}}, then: StatusWrittenOff},

		{name: "another office reports", given: orderedStory, when: step{zheng, "07-20", aReport()}, refused: "finding.rectification_reported.office"},
		{name: "the clerk reports for another office", given: orderedStory, when: step{li, "07-20", &RectificationReported{Particulars: behalf(zheng.Office)}}, refused: "finding.rectification_reported.office"},
		{name: "the supervising office reports", given: orderedStory, when: step{wu, "07-20", aReport()}, then: StatusReported},
		{name: "an inspector passes on the report", given: orderedStory, when: step{wang, "07-20", aReport()}, then: StatusReported},
		{name: "an enterprise without supervising office", given: ofEnterprise, when: step{wu, "07-20", aReport()}, then: StatusReported},
		{name: "another office files the plan", given: orderedStory, when: step{zheng, "07-20", aPlan()}, refused: "finding.plan_filed.office"},

		{name: "an inspector of the rectifier's office", given: reportedStory, when: step{insider, "07-22", looked(true)}, refused: "finding.reinspected.rectifier"},
		{name: "entered for the rectifier's office", given: reportedStory, when: step{li, "07-22", &Reinspected{Particulars: behalf(jidian), Passed: true, Opinion: "x"}}, refused: "finding.reinspected.rectifier"},
		{name: "an approval does not help the rectifier", given: reportedStory, when: step{insider, "07-22", &Reinspected{Particulars: approved(), Passed: true, Opinion: "x"}}, refused: "finding.reinspected.rectifier"},
		{name: "the responsible person among the inspectors", given: reportedStory, when: step{wang, "07-22",
			&Reinspected{Passed: true, Opinion: "x", Inspectors: []domain.Ref{{Kind: domain.KindPerson, ID: "陈"}}}}, refused: "finding.reinspected.responsible"},
		{name: "the reporter among the inspectors", given: reportedStory, when: step{wang, "07-22",
			&Reinspected{Particulars: approved(), Passed: true, Opinion: "x", Inspectors: []domain.Ref{zhao.Person, sun.Person}}}, refused: "finding.reinspected.reporter"},
		{name: "the reporter of an earlier round", given: then(failedStory, step{wang, "07-23", anOrder("2019-08-15")}, step{wu, "08-01", aReport()}),
			when: step{wang, "08-02", &Reinspected{Passed: true, Opinion: "x", Inspectors: []domain.Ref{sun.Person}}}, refused: "finding.reinspected.reporter"},
		{name: "who passed on the report", given: then(orderedStory, step{wang, "07-20", aReport()}), when: step{wang, "07-22", looked(true)}, refused: "finding.reinspected.entered"},
		{name: "who entered the report is listed", given: then(orderedStory, step{li, "07-20", &RectificationReported{Particulars: behalf(jidian)}}),
			when: step{wang, "07-22", &Reinspected{Passed: true, Opinion: "x", Inspectors: []domain.Ref{li.Person}}}, refused: "finding.reinspected.entered"},
		{name: "who entered the report enters the result", given: then(orderedStory, step{li, "07-20", &RectificationReported{Particulars: behalf(jidian)}}),
			when: step{li, "07-22", &Reinspected{Particulars: behalf(zhao.Person), Passed: true, Opinion: "x"}}, refused: "finding.reinspected.entered"},
		{name: "who passed on the report, with an approval", given: then(orderedStory, step{wang, "07-20", aReport()}),
			when: step{wang, "07-22", &Reinspected{Particulars: approved(), Passed: true, Opinion: "x"}}, then: StatusPassed},
		{name: "both sides entered for others, approved afterwards", given: then(orderedStory, step{li, "07-20", &RectificationReported{Particulars: behalf(jidian)}}),
			when: step{li, "07-22", &Reinspected{Particulars: approvedOn("12-31", behalf(zhao.Person)), Passed: true, Opinion: "x"}}, then: StatusPassed},
		{name: "… but not tomorrow", given: then(orderedStory, step{li, "07-20", &RectificationReported{Particulars: behalf(jidian)}}),
			when: step{li, "07-22", &Reinspected{Particulars: approvedOn("2020-01-01", behalf(zhao.Person)), Passed: true, Opinion: "x"}}, refused: "approval.on"},
		{name: "… nor of the clerk's own act", given: then(orderedStory, step{wang, "07-20", aReport()}),
			when: step{wang, "07-22", &Reinspected{Particulars: approvedOn("07-23", domain.Particulars{}), Passed: true, Opinion: "x"}}, refused: "approval.on"},
		{name: "an extension entered for others, approved afterwards", given: orderedStory,
			when: step{li, "07-22", &RectificationExtended{Particulars: approvedOn("07-23", behalf(zhao.Person)), Deadline: "2019-08-31", Reason: "x"}}, refused: "approval.on"},

		{name: "major written off by who re-inspected", given: passedStory, when: step{zhao, "07-25", &WrittenOff{}}, refused: "finding.written_off.two_persons"},
		{name: "… with an approval", given: passedStory, when: step{zhao, "07-25", &WrittenOff{Particulars: approved()}}, then: StatusWrittenOff},
		{name: "… entered for who re-inspected, approved afterwards", given: passedStory,
			when: step{li, "07-25", &WrittenOff{Particulars: approvedOn("08-30", behalf(zhao.Person))}}, then: StatusWrittenOff},
		{name: "… entered for who re-inspected", given: passedStory, when: step{li, "07-25", &WrittenOff{Particulars: behalf(zhao.Person)}}, refused: "finding.written_off.two_persons"},
		{name: "… by a listed inspector", given: then(reportedStory, step{zhao, "07-22", &Reinspected{Passed: true, Opinion: "x", Inspectors: []domain.Ref{wang.Person}}}),
			when: step{wang, "07-25", &WrittenOff{}}, refused: "finding.written_off.two_persons"},
		{name: "ordinary written off by who re-inspected", given: then(ordinaryStory, step{wang, "07-04", anOrder("2019-07-31")}, step{sun, "07-20", aReport()}, step{zhao, "07-22", looked(true)}),
			when: step{zhao, "07-25", &WrittenOff{}}, then: StatusWrittenOff},

		{name: "plan of an ordinary one", given: ordinaryStory, when: step{wang, "07-04", aPlan()}, refused: "finding.plan_filed.grade"},
		{name: "plan entered late", given: writtenStory, when: step{wang, "07-10", aPlan()}, then: StatusWrittenOff},
		{name: "listing of an ordinary one", given: ordinaryStory, when: step{li, "07-04", &SupervisionListed{Level: LevelCounty}}, refused: "finding.supervision_listed.grade"},
		{name: "listed twice", given: listed, when: step{li, "07-05", &SupervisionListed{Level: LevelCounty}}, refused: "finding.supervision_listed.twice"},
		{name: "delisted though not listed", given: passedStory, when: step{li, "07-25", &SupervisionDelisted{}}, refused: "finding.supervision_delisted.listed"},
		{name: "delisted before put right", given: listed, when: step{li, "07-25", &SupervisionDelisted{}}, refused: "finding.supervision_delisted.passed"},
		{name: "delisted because it is ordinary", given: then(listed, step{zhao, "07-05", down(domain.Particulars{})}), when: step{li, "07-25", &SupervisionDelisted{}}, then: StatusGraded},
		{name: "suspension for an ordinary one", given: ordinaryStory, when: step{wang, "07-04", &SuspensionOrdered{}}, refused: "finding.suspension_ordered.grade"},
		{name: "suspended twice", given: suspended, when: step{wang, "07-04", &SuspensionOrdered{}}, refused: "finding.suspension_ordered.twice"},
		{name: "suspension after the re-inspection", given: passedStory, when: step{wang, "07-23", &SuspensionOrdered{}}, refused: "finding.suspension_ordered.status"},
		{name: "suspension entered late", given: passedStory, when: step{wang, "07-05", &SuspensionOrdered{}}, then: StatusPassed},
		{name: "delisted between re-inspection and writing off, entered late", given: then(listed, step{wang, "07-04", anOrder("2019-07-31")}, step{sun, "07-20", aReport()},
			step{zhao, "07-22", looked(true)}, step{li, "07-25", &WrittenOff{}}), when: step{li, "07-23", &SupervisionDelisted{}}, then: StatusWrittenOff},
		{name: "resumption before the re-inspection", given: suspended, when: step{li, "07-04", &ResumptionApproved{}}, refused: "finding.resumption_approved.status"},
		{name: "resumption of what runs", given: passedStory, when: step{li, "07-25", &ResumptionApproved{}}, refused: "finding.resumption_approved.suspended"},
		{name: "closure before a re-inspection failed", given: reportedStory, when: step{wang, "07-22", &ClosureOrdered{DecisionNo: "x"}}, refused: "finding.closure_ordered.failed"},
		{name: "closure for an ordinary one", given: then(failedStory, step{li, "07-23", down(domain.Particulars{})}), when: step{wang, "07-24", &ClosureOrdered{DecisionNo: "x"}}, refused: "finding.closure_ordered.grade"},
		{name: "closure verified by the rectifier", given: closureStory, when: step{insider, "08-10", &ClosureVerified{}}, refused: "finding.closure_verified.rectifier"},

		{name: "reply to nothing", given: majorStory, when: step{wang, "07-05", &ReferralReplied{Reply: "x"}}, refused: "finding.referral_replied.referral"},
		{name: "reply to another event", given: referred, when: step{wang, "07-05", &ReferralReplied{Referral: "e1", Reply: "x"}}, refused: "finding.referral_replied.referral"},
		{name: "reply before the referral", given: referred, when: step{wang, "07-03 23:59", &ReferralReplied{Reply: "x"}}, refused: "finding.referral_replied.time"},
		{name: "reply", given: referred, when: step{wang, "07-05", &ReferralReplied{Referral: "e4", Reply: "x"}}, then: StatusGraded},
		{name: "reply to what was answered", given: then(referred, step{wang, "07-05", &Referred{To: "x"}}, step{wang, "07-06", &ReferralReplied{Referral: "e4", Reply: "x"}}),
			when: step{wang, "07-07", &ReferralReplied{Referral: "e4", Reply: "y"}}, refused: "finding.referral_replied.referral"},
		{name: "the return of itself", given: majorStory, when: step{wang, "07-05", &Recurred{Earlier: self}}, refused: "finding.recurred.self"},
		{name: "the return of two", given: then(majorStory, step{wang, "07-05", &Recurred{Earlier: other}}), when: step{wang, "07-06", &Recurred{Earlier: other}}, refused: "finding.recurred.twice"},
		{name: "a duplicate of itself", given: majorStory, when: step{wang, "07-05", &DuplicateOf{Original: self}}, refused: "finding.duplicate_of.self"},

		{name: "nothing to withdraw", given: orderedStory, when: step{li, "07-21", &EvidenceWithdrawn{SHA256: photo, Reason: "x"}}, refused: "finding.evidence_withdrawn.evidence"},
		{name: "withdrawing what was never sent", given: reportedStory, when: step{li, "07-21", &EvidenceWithdrawn{SHA256: letter, Reason: "x"}}, refused: "finding.evidence_withdrawn.unknown"},
		{name: "withdrawing another's evidence", given: reportedStory, when: step{wang, "07-21", &EvidenceWithdrawn{SHA256: photo, Reason: "x"}}, refused: "finding.evidence_withdrawn.by"},
		{name: "withdrawing before it came", given: reportedStory, when: step{li, "07-19", &EvidenceWithdrawn{SHA256: photo, Reason: "x"}}, refused: "finding.evidence_withdrawn.time"},
		{name: "withdrawing one's own", given: reportedStory, when: step{sun, "07-21", &EvidenceWithdrawn{SHA256: photo, Reason: "涉密"}}, then: StatusReported},
		{name: "withdrawing a letter of approval", given: then(orderedStory, step{wang, "07-30", &RectificationExtended{
			Particulars: domain.Particulars{Approval: &domain.Approval{Leader: "x", On: "2019-07-01", Words: "y", Evidence: with(letter).Evidence}}, Deadline: "2019-08-31", Reason: "x"}}),
			when: step{li, "07-31", &EvidenceWithdrawn{SHA256: letter, Reason: "涉密"}}, then: StatusOrdered},
	} {
		t.Run(sc.name, sc.run)
	}
}

// Each act is refused one minute before the event it needs, and accepted at that
// very moment. The story's last step but those named is what it needs.
func TestTimes(t *testing.T) {
	suspended := then(majorStory, step{wang, "07-03 10:00", &SuspensionOrdered{}}, step{wang, "07-04", anOrder("2019-07-31")},
		step{sun, "07-20", aReport()}, step{zhao, "07-22", looked(true)})
	suspendedLate := then(reportedStory, step{wang, "07-25", &SuspensionOrdered{}}, step{zhao, "07-22", looked(true)})
	listedLate := then(passedStory, step{li, "07-21", &SupervisionListed{Level: LevelCounty}})
	listedEnded := then(majorStory, step{li, "07-04", &SupervisionListed{Level: LevelCounty}}, step{li, "07-05", &DuplicateOf{Original: other}})
	listedOrdinary := then(majorStory, step{li, "07-04", &SupervisionListed{Level: LevelCounty}}, step{li, "07-05", &Regraded{Grade: GradeOrdinary, Reason: "x"}})
	tests := []struct {
		given []step
		needs string // when what it needs happened
		by    domain.Caller
		ask   domain.Payload
	}{
		{recordedStory, "07-01 09:00", wang, &Verified{}},
		{recordedStory, "07-01 09:00", wang, &Dismissed{Reason: "x"}},
		{verifiedStory, "07-02 09:00", wang, &Graded{Grade: GradeOrdinary}},
		{majorStory, "07-03 09:00", li, &Regraded{Grade: GradeOrdinary, Reason: "x"}},
		{ordinaryStory, "07-03 09:00", wang, &RectifiedOnSpot{Measures: "x"}},
		{majorStory, "07-03 09:00", wang, anOrder("2019-07-31")},
		{failedStory, "07-22 09:00", wang, anOrder("2019-08-31")},
		{orderedStory, "07-04 09:00", wang, &RectificationExtended{Particulars: approved(), Deadline: "2019-08-31", Reason: "x"}},
		{orderedStory, "07-04 09:00", sun, aReport()},
		{reportedStory, "07-20 09:00", zhao, looked(true)},
		{onSpotStory, "07-03 10:00", zhao, looked(true)},
		{passedStory, "07-22 09:00", li, &WrittenOff{}},
		{onSpotStory, "07-03 10:00", wang, &WrittenOff{}},
		{majorStory, "07-03 09:00", wang, aPlan()},
		{majorStory, "07-03 09:00", li, &SupervisionListed{Level: LevelCounty}},
		{listedLate, "07-22 09:00", li, &SupervisionDelisted{}},
		{listedEnded, "07-05 09:00", li, &SupervisionDelisted{}},
		{listedOrdinary, "07-05 09:00", li, &SupervisionDelisted{}},
		{majorStory, "07-03 09:00", wang, &SuspensionOrdered{}},
		{suspended, "07-22 09:00", li, &ResumptionApproved{}},
		{suspendedLate, "07-25 09:00", li, &ResumptionApproved{}},
		{failedStory, "07-22 09:00", wang, &ClosureOrdered{DecisionNo: "x"}},
		{closureStory, "08-01 09:00", wang, &ClosureVerified{}},
		{recordedStory, "07-01 09:00", wang, &Referred{To: "x"}},
		{recordedStory, "07-01 09:00", wang, &Recurred{Earlier: other}},
		{recordedStory, "07-01 09:00", wang, &DuplicateOf{Original: other}},
		{recordedStory, "07-01 09:00", li, &Terminated{Particulars: with(letter), Cause: CauseRelocated, Proof: "x"}},
	}
	timed := map[string]bool{}
	for _, tt := range tests {
		rule := "finding." + domain.ShortType(tt.ask) + ".time"
		timed[rule] = true
		t.Run(rule, func(t *testing.T) {
			history := given(t, tt.given...)
			at := clockOf(tt.needs)
			early := step{tt.by, at.Add(-60e9).Format("01-02 15:04"), tt.ask}
			if _, r := when(t, history, early); r == nil || r.Rule != rule {
				t.Errorf("a minute before %s: %v, want %s", tt.needs, r, rule)
			}
			if _, r := when(t, history, step{tt.by, tt.needs, tt.ask}); r != nil {
				t.Errorf("at %s: %v", tt.needs, r)
			}
		})
	}
	for _, tr := range transitions() {
		rule := "finding." + domain.ShortType(tr.Ask) + ".time"
		if tr.after(State{Recorded: Mark{Time: clockOf("07-01")}}).isZero() && !timed[rule] {
			continue // needs nothing, or looks its event up itself (see TestGuards)
		}
		if !timed[rule] {
			t.Errorf("%s has no test", rule)
		}
	}
}

func TestAllowed(t *testing.T) {
	always := "correct"
	tests := []struct {
		given []step
		want  string
	}{
		{nil, "record"},
		{recordedStory, "verify dismiss refer mark-recurred mark-duplicate terminate " + always},
		{verifiedStory, "grade refer mark-recurred mark-duplicate terminate " + always},
		{dismissedStory, always},
		{ordinaryStory, "regrade rectify-on-spot order-rectification refer mark-recurred mark-duplicate terminate " + always},
		{majorStory, "regrade order-rectification file-plan list-supervision order-suspension refer mark-recurred mark-duplicate terminate " + always},
		{onSpotStory, "regrade reinspect write-off refer mark-recurred mark-duplicate terminate " + always},
		{orderedStory, "regrade extend-rectification report-rectification file-plan list-supervision order-suspension refer mark-recurred mark-duplicate terminate " + always},
		{reportedStory, "regrade reinspect file-plan list-supervision order-suspension refer mark-recurred mark-duplicate terminate " + always + " withdraw-evidence"},
		{passedStory, "regrade write-off refer mark-recurred mark-duplicate terminate " + always + " withdraw-evidence"},
		{failedStory, "regrade order-rectification file-plan list-supervision order-suspension order-closure refer mark-recurred mark-duplicate terminate " + always + " withdraw-evidence"},
		{writtenStory, "mark-recurred " + always + " withdraw-evidence"},
		{closureStory, "verify-closure refer mark-recurred terminate " + always + " withdraw-evidence"},
		{closedStory, "mark-recurred " + always + " withdraw-evidence"},
		{duplicateStory, always},
		{terminatedStory, "mark-recurred " + always + " withdraw-evidence"},
	}
	seen := map[Status]bool{}
	for _, tt := range tests {
		s := Replay(given(t, tt.given...))
		seen[s.Status] = true
		if got := strings.Join(Allowed(s), " "); got != tt.want {
			t.Errorf("%s (%v): allowed %s\nwant %s", s.Status.Chinese(), s.Status, got, tt.want)
		}
		// What is not in the list is refused, and the refusal shows the list.
		for _, tr := range transitions() {
			if tr.follows || slices.Contains(Allowed(s), tr.Name) || !tr.from.has(s.Status) && tr.late.has(s.Status) {
				continue
			}
			err := tr.admit(s, domain.Event{Subject: self, Time: clockOf("12-01"), Data: tr.Ask})
			r := (*domain.Refusal)(nil)
			if !errors.As(err, &r) || !slices.Equal(r.Allowed, Allowed(s)) {
				t.Errorf("%v: %s: %v, want a refusal that shows what is allowed", s.Status, tr.Name, err)
			}
		}
	}
	for v := range StatusTerminated + 1 {
		if !seen[v] {
			t.Errorf("no story ends in %v", v)
		}
	}
}

func TestSuspensionAndListingAreSeparateThreads(t *testing.T) {
	story := then(majorStory,
		step{wang, "07-03 10:00", &SuspensionOrdered{Scope: "三号车间"}},
		step{li, "07-04", &SupervisionListed{Level: LevelProvincial, Until: "2019-09-30"}},
		step{sun, "07-05", aPlan()},
		step{wang, "07-05", anOrder("2019-07-31")}, step{sun, "07-20", aReport()}, step{zhao, "07-22", looked(true)})
	s := Replay(given(t, story...))
	if !s.Suspension.Stands() || !s.Listing.Stands() || s.Plan.Event != "e6" || !s.Blocks() {
		t.Fatalf("after the passed re-inspection: %+v", s)
	}
	story = then(story, step{li, "07-25", &WrittenOff{}}, step{li, "07-26", &ResumptionApproved{}}, step{li, "07-27", &SupervisionDelisted{}})
	s = Replay(given(t, story...))
	if s.Suspension.Stands() || s.Listing.Stands() || s.Listing.Level != LevelProvincial || s.Blocks() {
		t.Fatalf("at the end: %+v", s)
	}
}

func TestBlocks(t *testing.T) {
	tests := []struct {
		given []step
		want  bool
	}{
		{nil, false}, {recordedStory, false}, {verifiedStory, false}, {dismissedStory, false},
		{ordinaryStory, false}, {onSpotStory, false},
		{majorStory, true}, {orderedStory, true}, {reportedStory, true}, {passedStory, true}, {failedStory, true}, {closureStory, true},
		{then(majorStory, step{wang, "07-04", &Referred{To: "消防支队"}}), true},
		{writtenStory, false}, {closedStory, false}, {duplicateStory, false}, {terminatedStory, false},
	}
	for _, tt := range tests {
		if s := Replay(given(t, tt.given...)); s.Blocks() != tt.want {
			t.Errorf("%v, %v: blocks = %v", s.Status, s.Grade, s.Blocks())
		}
	}
}

func TestDeadlineThatGoverns(t *testing.T) {
	extend := func(at string, to calendar.Date) step {
		return step{wang, at, &RectificationExtended{Particulars: approved(), Deadline: to, Reason: "设备未到货"}}
	}
	for _, tt := range []struct {
		name  string
		given []step
		want  Deadline
	}{
		{"ordered", orderedStory, Deadline{On: "2019-07-31", Event: "e4", Ordered: "2019-07-31"}},
		{"extended", then(orderedStory, extend("07-31", "2019-08-15")), Deadline{On: "2019-08-15", Event: "e5", Ordered: "2019-07-31", Extensions: 1}},
		{"extended late", then(orderedStory, extend("08-01", "2019-08-15")), Deadline{On: "2019-08-15", Event: "e5", Ordered: "2019-07-31", Extensions: 1, Late: true}},
		{"extension voided", then(orderedStory, extend("07-31", "2019-08-15"), void(li, "08-01", "e5")), Deadline{On: "2019-07-31", Event: "e4", Ordered: "2019-07-31"}},
		{"ordered again", then(failedStory, step{wang, "07-23", anOrder("2019-08-20")}), Deadline{On: "2019-08-20", Event: "e7", Ordered: "2019-08-20"}},
	} {
		if s := Replay(given(t, tt.given...)); s.Deadline != tt.want {
			t.Errorf("%s: %+v, want %+v", tt.name, s.Deadline, tt.want)
		}
	}
}

// What read models show of the side ways.
func TestSideWaysInState(t *testing.T) {
	s := Replay(given(t, dismissedStory...))
	if s.Dismissal != "不是隐患" || s.Since.Event != "e2" {
		t.Errorf("dismissed: %+v", s)
	}
	if s = Replay(given(t, onSpotStory...)); s.OnSpot.Event != "e4" {
		t.Errorf("on the spot: %+v", s)
	}
	if s = Replay(given(t, duplicateStory...)); s.Original != other {
		t.Errorf("duplicate: %+v", s)
	}
	if s = Replay(given(t, terminatedStory...)); s.Cause != CauseEnterpriseClosed {
		t.Errorf("terminated: %+v", s)
	}
	if s = Replay(given(t, then(majorStory, step{wang, "07-05", &Recurred{Earlier: other}})...)); s.Earlier != other {
		t.Errorf("recurred: %+v", s)
	}
	if s = Replay(given(t, closureStory...)); s.ClosureNo != "关〔2019〕1号" || s.ClosureOrdered.Event != "e7" || s.Failed() != 1 {
		t.Errorf("closure: %+v", s)
	}
	s = Replay(given(t, passedStory...))
	report, reported := s.Report()
	look, looked := s.Reinspection()
	if !reported || report.Event != "e5" || report.By.Acting != sun.Person || !looked || look.Event != "e6" || !look.Passed || s.Failed() != 0 {
		t.Errorf("passed: %+v", s)
	}
	if _, ok := (State{}).Report(); ok {
		t.Error("nothing recorded has a report")
	}
}

func TestRefusalsSayWhatToDo(t *testing.T) {
	_, r := when(t, given(t, orderedStory...), step{zhao, "07-22", looked(true)})
	if r == nil || r.Chinese != "隐患整改中，不能“复查”；须处于：立行立改、待复查" ||
		r.English != "reinspect is not possible while the finding is rectification_ordered, only while rectified_on_spot, rectification_reported" {
		t.Errorf("%v", r)
	}
	_, r = when(t, nil, step{zhao, "07-22", &Verified{}})
	if r == nil || r.Chinese != "隐患未登记，不能“核实”；须处于：待核实" || !strings.Contains(r.English, "not recorded") {
		t.Errorf("%v", r)
	}
	_, r = when(t, given(t, reportedStory...), step{wang, "07-21", &RectificationExtended{Particulars: approved(), Deadline: "2019-08-31", Reason: "x"}})
	if r == nil || !strings.Contains(r.Chinese, "补录的，发生时间须在此阶段之内") {
		t.Errorf("%v", r)
	}
}

func TestForeignEventsAreRefusedAndIgnored(t *testing.T) {
	history := given(t, majorStory...)
	unknown := domain.Event{ID: "e9", Subject: self, Time: clockOf("07-09"), Data: &domain.Unknown{Particulars: with(photo), Type: "duban.finding.weighed.v9"}}
	if err := CheckHistory(append(history, unknown)); err == nil {
		t.Error("a history with an unknown event passes")
	}
	s := Replay(history)
	for _, e := range []domain.Event{unknown, {ID: "e9", Subject: self}, {ID: "e9", Subject: other, Data: aRecord()}} {
		if !equal(Evolve(s, e), s) {
			t.Errorf("%+v changed the state", e)
		}
	}
	if e := (domain.Event{ID: "e1", Data: &Verified{}}); !equal(Evolve(State{}, e), State{}) {
		t.Error("a finding begins without being recorded")
	}
}

func TestReferrals(t *testing.T) {
	s := Replay(given(t, then(majorStory,
		step{wang, "07-04", &Referred{To: "消防支队", Reply: "已受理"}},
		step{wang, "07-05", &Referred{To: "住建局"}},
		step{wang, "07-06", &Referred{To: "市场监管局"}},
		step{wang, "07-08", &ReferralReplied{Reply: "已查处"}})...))
	if s.unanswered() != 1 || !s.Referred() || s.Referrals[1].Reply != "" || s.Referrals[2].Reply != "已查处" || s.Referrals[2].Replied.Event != "e7" || s.Referrals[0].Replied.Event != "e4" {
		t.Errorf("%+v", s.Referrals)
	}
	s = Evolve(s, domain.Event{ID: "e8", Data: &ReferralReplied{Reply: "已办"}})
	if s.Referred() || s.Referrals[1].Replied.Event != "e8" {
		t.Errorf("%+v", s.Referrals)
	}
	if again := Evolve(s, domain.Event{ID: "e9", Data: &ReferralReplied{Reply: "又办"}}); !equal(again, s) {
		t.Errorf("a reply to nothing: %+v", again.Referrals)
	}
}

func TestEvidence(t *testing.T) {
	s := Replay(given(t, then(reportedStory, step{li, "07-21", &EvidenceWithdrawn{SHA256: photo, Reason: "涉密"}})...))
	two := Replay(given(t, then(recordedStory, step{wang, "07-02", &Verified{Particulars: with(letter)}}, step{wang, "07-03", &Graded{Particulars: with(photo), Grade: GradeOrdinary}},
		step{li, "07-04", &EvidenceWithdrawn{SHA256: letter, Reason: "涉密"}}, step{wang, "07-05", &Referred{Particulars: with(letter), To: "x"}},
		step{li, "07-06", &EvidenceWithdrawn{SHA256: letter, Reason: "涉密"}})...))
	if len(two.Evidence) != 3 || two.Evidence[0].Withdrawn != "e4" || two.Evidence[1].Withdrawn != "" || two.Evidence[2].Withdrawn != "e6" {
		t.Errorf("%+v", two.Evidence)
	}
	if len(s.Evidence) != 1 || s.Evidence[0].SHA256 != photo || s.Evidence[0].Event != "e5" || s.Evidence[0].Withdrawn != "e6" {
		t.Errorf("%+v", s.Evidence)
	}
}

func TestRoles(t *testing.T) {
	const (
		i = "inspector"
		o = "office"
		s = "safety_office"
	)
	want := map[string][]string{
		"record": {i, o, s}, "verify": {i, s}, "dismiss": {i, s}, "grade": {i, s}, "regrade": {i, s},
		"rectify-on-spot": {i, s}, "order-rectification": {i, s}, "extend-rectification": {i, s}, "report-rectification": {i, o, s},
		"reinspect": {i, s}, "write-off": {i, s}, "file-plan": {i, o, s},
		"list-supervision": {s}, "delist-supervision": {s}, "order-suspension": {i, s}, "approve-resumption": {s},
		"order-closure": {i, s}, "verify-closure": {i, s}, "refer": {i, s}, "record-referral-reply": {i, s},
		"mark-recurred": {i, s}, "mark-duplicate": {i, s}, "terminate": {s}, "correct": {i, o, s}, "withdraw-evidence": {i, o, s},
	}
	for _, a := range Acts() {
		var by []string
		for _, r := range a.By {
			by = append(by, r.String())
		}
		if !slices.Equal(by, want[a.Name]) {
			t.Errorf("%s: by %v, want %v", a.Name, by, want[a.Name])
		}
		delete(want, a.Name)
	}
	for name := range want {
		t.Errorf("no act %s", name)
	}
	if _, r := when(t, nil, step{auditor, "07-01", aRecord()}); r == nil || r.Rule != "role.record" {
		t.Errorf("an auditor records: %v", r)
	}
}

func TestEveryEventHasAnAct(t *testing.T) {
	acts := append(Acts(), follows()...)
	for _, p := range Payloads() {
		if !slices.ContainsFunc(acts, func(a domain.Act) bool { return a.Ask.EventType() == p.EventType() }) {
			t.Errorf("%s has no act", p.EventType())
		}
	}
	if len(acts) != len(Payloads()) {
		t.Errorf("%d acts, %d events", len(acts), len(Payloads()))
	}
}
