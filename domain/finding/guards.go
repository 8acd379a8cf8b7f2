package finding

import (
	"errors"
	"slices"
	"strings"

	"duban/domain"
	"duban/domain/calendar"
)

// The marks after which an act may happen.

func noMark(State) Mark         { return Mark{} }
func recordedMark(s State) Mark { return s.Recorded }
func verifiedMark(s State) Mark { return s.Verified }
func gradedMark(s State) Mark   { return s.Graded }
func orderMark(s State) Mark    { return s.Order.Mark }
func closureMark(s State) Mark  { return s.ClosureOrdered }
func sinceMark(s State) Mark    { return s.Since }

func reportMark(s State) Mark {
	r, _ := s.Report()
	return r.Mark
}

// failedMark is the first re-inspection that failed.
func failedMark(s State) Mark {
	for _, r := range s.Reinspections {
		if !r.Passed {
			return r.Mark
		}
	}
	return Mark{}
}

func passedMark(s State) Mark {
	if r, _ := s.Reinspection(); r.Passed {
		return r.Mark
	}
	return Mark{}
}

func resumableMark(s State) Mark { return later(s.Suspension.Ordered, passedMark(s)) }

func delistableMark(s State) Mark {
	if s.Grade != GradeMajor {
		return later(s.Listing.Listed, s.Graded)
	}
	if s.Status == StatusWrittenOff { // which it need not wait for
		return later(s.Listing.Listed, passedMark(s))
	}
	return later(s.Listing.Listed, s.Since)
}

func later(a, b Mark) Mark {
	if b.Time.After(a.Time) {
		return b
	}
	return a
}

func clock(m Mark) string { return m.Time.In(calendar.Zone).Format("2006-01-02 15:04:05") }

// What an act needs beside the status.

func needsOrdinary(s State) *domain.Refusal {
	if s.Grade != GradeOrdinary {
		return domain.Illegal("finding.rectified_on_spot.grade",
			"重大隐患不适用立行立改，须责令整改并复查", "a major hazard is not put right on the spot: order its rectification")
	}
	if s.Suspension.Stands() {
		return domain.Illegal("finding.rectified_on_spot.suspended",
			"已责令停产停业的须经复查合格方可恢复，不适用立行立改，请责令整改",
			"production is suspended and resumes only after a re-inspection: order the rectification")
	}
	return nil
}

func needsMajor(rule string, s State) *domain.Refusal {
	if s.Grade != GradeMajor {
		return domain.Illegal(rule+".grade",
			"只有重大隐患适用；如定级有误，请先重新定级", "this is for major hazards: regrade it first if its grade is wrong")
	}
	return nil
}

func needsPlannable(s State) *domain.Refusal { return needsMajor("finding.plan_filed", s) }

func needsOrder(s State) *domain.Refusal {
	if s.Orders == 0 {
		return domain.Illegal("finding.rectification_extended.order",
			"没有责令整改，无期限可延", "no rectification was ordered, there is no deadline to extend")
	}
	return nil
}

func needsUnlisted(s State) *domain.Refusal {
	if s.Listing.Stands() {
		return domain.Illegal("finding.supervision_listed.twice",
			"已由"+s.Listing.Level.Chinese()+"挂牌督办，变更级别请先摘牌", "it is listed already ("+s.Listing.Level.String()+"): delist it first")
	}
	return needsMajor("finding.supervision_listed", s)
}

// needsDelistable: while the hazard is major it stays listed until it is seen to
// be put right, or ends otherwise.
func needsDelistable(s State) *domain.Refusal {
	if !s.Listing.Stands() {
		return domain.Illegal("finding.supervision_delisted.listed", "未挂牌督办，不必摘牌", "it is not listed for supervision")
	}
	if s.Grade == GradeMajor && underWay.has(s.Status) {
		return domain.Illegal("finding.supervision_delisted.passed",
			"重大隐患须复查合格（或已关闭、终结）方可摘牌", "a major hazard is delisted only after a passed re-inspection, or once it has ended")
	}
	return nil
}

func needsRunning(s State) *domain.Refusal {
	if s.Suspension.Stands() {
		return domain.Illegal("finding.suspension_ordered.twice", "已责令停产停业，尚未恢复", "production is suspended already")
	}
	return needsMajor("finding.suspension_ordered", s)
}

func needsSuspended(s State) *domain.Refusal {
	if !s.Suspension.Stands() {
		return domain.Illegal("finding.resumption_approved.suspended", "未责令停产停业，不必恢复", "production is not suspended")
	}
	return nil
}

func needsFailed(s State) *domain.Refusal {
	if s.Failed() == 0 {
		return domain.Illegal("finding.closure_ordered.failed",
			"经整改复查仍不合格的，方可依法关闭", "closure is ordered only after a re-inspection failed")
	}
	return needsMajor("finding.closure_ordered", s)
}

func needsReferral(s State) *domain.Refusal {
	if !s.Referred() {
		return domain.Illegal("finding.referral_replied.referral", "没有待答复的移送", "no referral awaits a reply")
	}
	return nil
}

func needsFresh(s State) *domain.Refusal {
	if !s.Earlier.IsZero() {
		return domain.Illegal("finding.recurred.twice",
			"已标记为 "+s.Earlier.String()+" 的重复发生；有误请更正", "it is marked as the return of "+s.Earlier.String()+": correct that if it is wrong")
	}
	return nil
}

func needsEvidence(s State) *domain.Refusal {
	if !slices.ContainsFunc(s.Evidence, func(u EvidenceUse) bool { return u.Withdrawn == "" }) {
		return domain.Illegal("finding.evidence_withdrawn.evidence", "本记录没有可撤回的证据", "this record has no evidence to withdraw")
	}
	return nil
}

// admit holds the rules that are true of an event in a state: the table's, then
// the event's own.
func admit(s State, e domain.Event) error {
	t, ok := transitionOf(e.Data)
	if !ok {
		return errors.New("finding: event of another aggregate: " + e.Data.EventType())
	}
	if err := t.admit(s, e); err != nil {
		return err
	}
	switch p := e.Data.(type) {
	case *Recorded:
		return admitRecorded(e, p)
	case *Regraded:
		return admitRegraded(s, e, p)
	case *RectificationOrdered:
		return admitOrder(e, p)
	case *RectificationExtended:
		return admitExtension(s, e, p)
	case *RectificationReported:
		return admitOffice(s, e, "finding.rectification_reported.office")
	case *PlanFiled:
		return admitOffice(s, e, "finding.plan_filed.office")
	case *Reinspected:
		return admitReinspection(s, e, p)
	case *WrittenOff:
		return admitWriteOff(s, e)
	case *ClosureVerified:
		return admitClosureVerified(s, e)
	case *ReferralReplied:
		return admitReply(s, e, p)
	case *Recurred:
		return admitOther(e, p.Earlier, "finding.recurred.self", "earlier")
	case *DuplicateOf:
		return admitDuplicate(s, e, p)
	case *EvidenceWithdrawn:
		return admitWithdrawal(s, e, p)
	case *OfficeSucceeded:
		return admitSucceeded(s, p)
	case *Corrected:
		return errors.New("finding: a correction is decided by Correct, which has the history")
	}
	return nil
}

func admitRecorded(e domain.Event, p *Recorded) error {
	if on := calendar.On(e.Time); p.FoundOn > on {
		return domain.Invalid("finding.recorded.found_on", "found_on",
			"发现日期 "+string(p.FoundOn)+" 晚于登记所写的日期 "+string(on),
			"found_on "+string(p.FoundOn)+" lies after the day of the entry, "+string(on))
	}
	return nil
}

// admitRegraded: a major hazard becomes an ordinary one, and tasks are freed of
// it, by the word of two.
func admitRegraded(s State, e domain.Event, p *Regraded) error {
	if p.Grade == s.Grade {
		return domain.Illegal("finding.regraded.same",
			"已定为"+s.Grade.Chinese()+"；只改判定依据的，请用更正", "its grade is "+s.Grade.String()+" already: correct the criterion if that is wrong").Now(Allowed(s))
	}
	if s.Grade == GradeMajor && approval(e) == nil && meet(personsOf(handOf(e)), personsOf(s.GradedBy)) {
		return domain.Illegal("finding.regraded.two_persons",
			"重大隐患降级须由原定级人以外的人办理，或附批示 approval", "a major hazard is graded down by somebody else than who graded it, or with an approval")
	}
	return nil
}

func admitOrder(e domain.Event, p *RectificationOrdered) error {
	if on := calendar.On(e.Time); p.Deadline < on {
		return domain.Illegal("finding.rectification_ordered.deadline",
			"整改期限 "+string(p.Deadline)+" 早于责令整改之日 "+string(on), "the deadline "+string(p.Deadline)+" lies before the day of the order, "+string(on))
	}
	return nil
}

func admitExtension(s State, e domain.Event, p *RectificationExtended) error {
	if p.Deadline <= s.Deadline.On {
		return domain.Illegal("finding.rectification_extended.deadline",
			"新期限 "+string(p.Deadline)+" 应晚于现期限 "+string(s.Deadline.On), "the new deadline "+string(p.Deadline)+" does not lie after the present one, "+string(s.Deadline.On))
	}
	return e.RequireApproval("延长整改期限", "an extension")
}

// admitOffice: of the responsible offices only the rectifier and the supervising
// office, or who carries on for them, speak for the rectification. Inspectors and the safety office pass on
// what an enterprise without an account hands in.
func admitOffice(s State, e domain.Event, rule string) error {
	onBehalf := e.Data.Circumstances().OnBehalfOf.Kind == domain.KindOffice
	if e.Authority != domain.RoleOffice && !onBehalf {
		return nil
	}
	var may []string
	for _, o := range []domain.Ref{s.Order.Rectifier.Office, s.Order.SupervisingOffice} {
		if slices.Contains(s.Carriers(o), e.ActingOffice()) {
			return nil
		}
		if now := s.Carrier(o); !now.IsZero() {
			may = append(may, now.String())
		}
	}
	if len(may) == 0 {
		return nil // nothing ordered yet, or of an enterprise that no office supervises
	}
	list := strings.Join(may, "、")
	return domain.Forbidden(rule,
		"该隐患由 "+list+" 负责整改或督办，其他处室不能办理", "the hazard is for "+list+" to put right or supervise, no other office")
}

// admitReinspection: nobody of the rectifier looks whether the rectifier did
// well. Of the rectifier are its office, the person named responsible and whoever
// reported. Who only entered somebody else's report re-inspects with an approval.
func admitReinspection(s State, e domain.Event, p *Reinspected) error {
	h := handOf(e)
	if err := admitNotRectifier(s, e, "finding.reinspected.rectifier"); err != nil {
		return err
	}
	inspectors := slices.Concat(personsOf(Hand{Acting: h.Acting}), p.Inspectors)
	for _, i := range inspectors {
		if named(s.Order.ResponsiblePerson, i) {
			return domain.Illegal("finding.reinspected.responsible",
				i.String()+" 是整改责任人，不能复查，请另派检查人员", i.String()+" is responsible for the rectification: send somebody else")
		}
	}
	for _, r := range s.Reports {
		if meet(inspectors, personsOf(Hand{Acting: r.By.Acting})) {
			return domain.Illegal("finding.reinspected.reporter",
				"报告整改的人不能复查，请另派检查人员（原检查人员可以复查）", "who reported the rectification does not re-inspect it: send somebody else, the original inspector may")
		}
		if approval(e) == nil && meet(append(inspectors, h.Entered), []domain.Ref{r.By.Entered}) {
			return domain.Illegal("finding.reinspected.entered",
				"录入整改报告的人复查或录入复查结果，须附批示 approval；或由他人办理", "who entered the report re-inspects or enters the result only with an approval; or somebody else does it")
		}
	}
	return nil
}

func admitNotRectifier(s State, e domain.Event, rule string) error {
	line := s.Carriers(s.Order.Rectifier.Office)
	if !slices.Contains(line, e.ActingOffice()) && !slices.Contains(line, e.Office) {
		return nil
	}
	o := s.Carrier(s.Order.Rectifier.Office)
	return domain.Illegal(rule,
		"整改责任单位 "+o.String()+" 及其人员不能复查、核实自己的整改，请由检查人员办理", "nobody of the rectifier, "+o.String()+", checks its own rectification: an inspector of another office does")
}

// admitWriteOff: a major hazard is written off by somebody who neither acted in
// nor entered the re-inspection that passed, nor was among its inspectors, unless
// a leader approves. Entering for somebody else counts: one pair of hands would
// have written both sides of the check.
func admitWriteOff(s State, e domain.Event) error {
	r, ok := s.Reinspection()
	if s.Grade != GradeMajor || !ok || approval(e) != nil {
		return nil
	}
	if meet(personsOf(handOf(e)), append(personsOf(r.By), r.Inspectors...)) {
		return domain.Illegal("finding.written_off.two_persons",
			"重大隐患销号须由复查人、复查录入人以外的人办理，或附批示 approval", "a major hazard is written off by somebody who took no part in its re-inspection, or with an approval")
	}
	return nil
}

func admitClosureVerified(s State, e domain.Event) error {
	return admitNotRectifier(s, e, "finding.closure_verified.rectifier")
}

func admitReply(s State, e domain.Event, p *ReferralReplied) error {
	i := s.referral(p)
	if i < 0 {
		return domain.Invalid("finding.referral_replied.referral", "referral",
			"没有编号为 "+p.Referral+" 的待答复移送", "no referral "+p.Referral+" awaits a reply")
	}
	if m := s.Referrals[i].Mark; e.Time.Before(m.Time) {
		return domain.Illegal("finding.referral_replied.time",
			"答复时间早于移送时间（"+clock(m)+"），请改正 time", "the reply's time lies before the referral's ("+clock(m)+"): correct it")
	}
	return nil
}

func admitOther(e domain.Event, other domain.Ref, rule, field string) error {
	if other == e.Subject {
		return domain.Invalid(rule, field, "不能指向本隐患自己", "a finding does not point at itself")
	}
	return nil
}

// admitDuplicate: a major hazard is not taken off the books as a duplicate by who
// graded it alone.
func admitDuplicate(s State, e domain.Event, p *DuplicateOf) error {
	if err := admitOther(e, p.Original, "finding.duplicate_of.self", "original"); err != nil {
		return err
	}
	if s.Grade == GradeMajor && approval(e) == nil && meet(personsOf(handOf(e)), personsOf(s.GradedBy)) {
		return domain.Illegal("finding.duplicate_of.two_persons",
			"重大隐患由原定级人以外的人标记重复登记，或附批示 approval", "a major hazard is marked a duplicate by somebody else than who graded it, or with an approval")
	}
	return nil
}

// CheckOriginal refuses a finding to be a duplicate of one that does not go on with
// it. Where a major one would be left to no open major one, a leader has to have
// approved. Its events don't tell how the original stands: whoever gives the command
// has read that, and expects it not to move.
func CheckOriginal(duplicate, original State, p *domain.Particulars) error {
	switch {
	case original.Status == StatusDuplicate:
		return domain.Illegal("finding.duplicate_of.original",
			"原隐患本身是 "+original.Original.String()+" 的重复登记，请指向后者", "the original is itself a duplicate of "+original.Original.String()+": name that one")
	case original.Status == StatusDismissed:
		return domain.Illegal("finding.duplicate_of.original",
			"原隐患已不予认定，不能作为保留的隐患", "the original was dismissed and does not go on")
	case duplicate.Grade == GradeMajor && !original.Blocks() && p.Approval == nil:
		return domain.Illegal("finding.duplicate_of.major",
			"重大隐患只能重复于一项未了结的重大隐患，否则须附批示 approval", "a major hazard is a duplicate of an open major one only, or by approval")
	}
	return nil
}

// admitWithdrawal: who entered the evidence, or the safety office.
func admitWithdrawal(s State, e domain.Event, p *EvidenceWithdrawn) error {
	var uses []EvidenceUse
	for _, u := range s.Evidence {
		if u.SHA256 == p.SHA256 && u.Withdrawn == "" {
			uses = append(uses, u)
		}
	}
	if len(uses) == 0 {
		return domain.Invalid("finding.evidence_withdrawn.unknown", "sha256",
			"本记录没有这份证据，或已撤回", "this record does not name that evidence, or it was withdrawn")
	}
	own := slices.ContainsFunc(uses, func(u EvidenceUse) bool { return u.Entered == e.Actor })
	if e.Authority != domain.RoleSafetyOffice && !own {
		return domain.Forbidden("finding.evidence_withdrawn.by",
			"只有原录入人或安委会办公室可以撤回证据", "only who entered the evidence, or the safety office, withdraws it")
	}
	if m := uses[0].Mark; e.Time.Before(m.Time) {
		return domain.Illegal("finding.evidence_withdrawn.time",
			"撤回时间早于提交证据的时间（"+clock(m)+"），请改正 time", "the time lies before the evidence came ("+clock(m)+"): correct it")
	}
	return nil
}

// checkUnblocking refuses that one person corrects his own entry so that a major
// finding no longer blocks, or no longer blocks one of its tasks: writing off
// takes two, and so does this.
func checkUnblocking(history, after []domain.Event, e domain.Event) error {
	if approval(e) != nil || !unblocks(Replay(history), Replay(after)) {
		return nil
	}
	target := e.Corrects().Target
	i := slices.IndexFunc(history, func(h domain.Event) bool { return h.ID == target })
	if i < 0 || !meet(personsOf(handOf(e)), personsOf(handOf(history[i]))) {
		return nil
	}
	return domain.Illegal("finding.corrected.two_persons",
		"更正后重大隐患不再未决或不再影响原任务，须由原录入人以外的人更正，或附批示 approval",
		"the correction frees a task of an open major hazard, or takes the hazard off the books: somebody else makes it, or an approval is given")
}

func unblocks(before, after State) bool {
	freed := func(t domain.Ref) bool { return !slices.Contains(after.Tasks, t) }
	return before.Blocks() && (!after.Blocks() || slices.ContainsFunc(before.Tasks, freed))
}

func approval(e domain.Event) *domain.Approval { return e.Data.Circumstances().Approval }

// personsOf returns the persons behind an event: who entered it and who acted.
func personsOf(h Hand) []domain.Ref {
	var list []domain.Ref
	for _, p := range []domain.Ref{h.Entered, h.Acting} {
		if !p.IsZero() {
			list = append(list, p)
		}
	}
	return list
}

func meet(a, b []domain.Ref) bool {
	return slices.ContainsFunc(a, func(p domain.Ref) bool { return slices.Contains(b, p) })
}

// named reports whether a printed person's name is the person's id, the only way
// in which people without an account are known.
func named(name string, p domain.Ref) bool { return name != "" && strings.TrimSpace(name) == p.ID }
