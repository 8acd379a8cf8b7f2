package finding

import (
	"strings"

	"duban/domain"
)

// A transition is one act with what the state must be for it. The table of them
// is the only place that says so: the guards, Acts and Allowed all read it.
type transition struct {
	domain.Act

	// from are the statuses the act belongs to.
	from set
	// late are statuses in which the act is over, but may still be entered (补录) if
	// it happened not after the mark until returns.
	late  set
	until func(State) Mark
	// needs says what else the state must have; nil if nothing.
	needs func(State) *domain.Refusal
	// after returns the event that must have happened before: a bound on time.
	after func(State) Mark
	// follows: it comes with a command on another record, nobody asks for it here.
	follows bool
}

func transitions() []transition {
	all := []domain.Role{domain.RoleInspector, domain.RoleOffice, domain.RoleSafetyOffice}
	inspectors := []domain.Role{domain.RoleInspector, domain.RoleSafetyOffice}
	safety := []domain.Role{domain.RoleSafetyOffice}
	act := func(name, chinese string, ask domain.Payload, by []domain.Role) domain.Act {
		return domain.Act{Name: name, Chinese: chinese, Ask: ask, By: by}
	}
	return []transition{
		{Act: act("record", "登记发现", &Recorded{}, all), from: nothing, after: noMark},
		{Act: act("verify", "核实", &Verified{}, inspectors), from: setOf(StatusRecorded), after: recordedMark},
		{Act: act("dismiss", "不予认定", &Dismissed{}, inspectors), from: setOf(StatusRecorded), after: recordedMark},
		{Act: act("grade", "定级", &Graded{}, inspectors), from: setOf(StatusVerified), after: verifiedMark},
		{Act: act("regrade", "重新定级", &Regraded{}, inspectors), from: underWay.or(StatusRectifiedOnSpot, StatusPassed), after: gradedMark},

		{Act: act("rectify-on-spot", "立行立改", &RectifiedOnSpot{}, inspectors), from: setOf(StatusGraded), needs: needsOrdinary, after: gradedMark},
		{Act: act("order-rectification", "责令整改", &RectificationOrdered{}, inspectors), from: setOf(StatusGraded, StatusFailed), after: sinceMark},
		{Act: act("extend-rectification", "延长整改期限", &RectificationExtended{}, inspectors), from: setOf(StatusOrdered),
			late: setOf(StatusReported, StatusPassed, StatusWrittenOff), until: reportMark, needs: needsOrder, after: orderMark},
		{Act: act("report-rectification", "报告整改情况", &RectificationReported{}, all), from: setOf(StatusOrdered), after: orderMark},
		{Act: act("reinspect", "复查", &Reinspected{}, inspectors), from: setOf(StatusReported, StatusRectifiedOnSpot), after: sinceMark},
		{Act: act("write-off", "销号", &WrittenOff{}, inspectors), from: setOf(StatusPassed, StatusRectifiedOnSpot), after: sinceMark},

		{Act: act("file-plan", "报送治理方案", &PlanFiled{}, all), from: underWay,
			late: setOf(StatusPassed, StatusWrittenOff), until: sinceMark, needs: needsPlannable, after: gradedMark},
		{Act: act("list-supervision", "挂牌督办", &SupervisionListed{}, safety), from: underWay,
			late: setOf(StatusPassed), until: sinceMark, needs: needsUnlisted, after: gradedMark},
		{Act: act("delist-supervision", "摘牌", &SupervisionDelisted{}, safety),
			from: underWay.or(StatusRectifiedOnSpot, StatusPassed, StatusWrittenOff, StatusClosureVerified, StatusTerminated, StatusDuplicate), needs: needsDelistable, after: delistableMark},
		{Act: act("order-suspension", "责令停产停业", &SuspensionOrdered{}, inspectors), from: underWay,
			late: setOf(StatusPassed), until: sinceMark, needs: needsRunning, after: gradedMark},
		{Act: act("approve-resumption", "同意恢复生产", &ResumptionApproved{}, safety), from: setOf(StatusPassed, StatusWrittenOff),
			needs: needsSuspended, after: resumableMark},
		{Act: act("order-closure", "依法关闭", &ClosureOrdered{}, inspectors), from: setOf(StatusFailed, StatusOrdered, StatusReported),
			needs: needsFailed, after: failedMark},
		{Act: act("verify-closure", "核实关闭", &ClosureVerified{}, inspectors), from: setOf(StatusClosureOrdered), after: closureMark},

		{Act: act("refer", "移送", &Referred{}, inspectors), from: open, after: recordedMark},
		{Act: act("record-referral-reply", "登记移送答复", &ReferralReplied{}, inspectors), from: open | ended, needs: needsReferral, after: noMark},
		{Act: act("mark-recurred", "标记重复发生", &Recurred{}, inspectors), from: (open | ended) &^ setOf(StatusDismissed, StatusDuplicate),
			needs: needsFresh, after: recordedMark},
		{Act: act("mark-duplicate", "标记重复登记", &DuplicateOf{}, inspectors), from: open &^ setOf(StatusClosureOrdered), after: recordedMark},
		{Act: act("terminate", "终结", &Terminated{}, safety), from: open, after: recordedMark},
		{Act: act("correct", "更正", &Corrected{}, all), from: open | ended, after: noMark},
		{Act: act("succeed-office", "机构调整", &OfficeSucceeded{}, safety), from: open, after: orderMark, follows: true},
		{Act: act("withdraw-evidence", "撤回证据", &EvidenceWithdrawn{}, all), from: open | ended, needs: needsEvidence, after: noMark},
	}
}

// Acts returns the commands of a finding.
func Acts() []domain.Act { return acts(false) }

// Named returns every act with the event it leads to, those that no client asks for
// directly among them.
func Named() []domain.Act { return append(acts(false), acts(true)...) }

// follows are the events that no client asks for directly.
func follows() []domain.Act { return acts(true) }

func acts(follows bool) []domain.Act {
	var list []domain.Act
	for _, t := range transitions() {
		if t.follows == follows {
			list = append(list, t.Act)
		}
	}
	return list
}

// Allowed returns the names of the acts the state allows, whoever asks.
func Allowed(s State) []string {
	var names []string
	for _, t := range transitions() {
		if !t.follows && t.from.has(s.Status) && (t.needs == nil || t.needs(s) == nil) {
			names = append(names, t.Name)
		}
	}
	return names
}

func transitionOf(p domain.Payload) (transition, bool) {
	for _, t := range transitions() {
		if t.Ask.EventType() == p.EventType() {
			return t, true
		}
	}
	return transition{}, false
}

// admit applies the table's row to an event in a state.
func (t transition) admit(s State, e domain.Event) error {
	rule := "finding." + domain.ShortType(t.Ask)
	late := t.late.has(s.Status)
	if !late && !t.from.has(s.Status) {
		return t.wrongStatus(s, rule)
	}
	if t.needs != nil {
		if r := t.needs(s); r != nil {
			return r.Now(Allowed(s))
		}
	}
	if m := t.after(s); e.Time.Before(m.Time) {
		return domain.Illegal(rule+".time",
			"“"+t.Chinese+"”的时间早于它所依据的事件（"+clock(m)+"），请改正 time",
			"the time of "+t.Name+" lies before the event it needs ("+clock(m)+"): correct it")
	}
	if late && e.Time.After(t.until(s).Time) {
		return t.wrongStatus(s, rule)
	}
	return nil
}

func (t transition) wrongStatus(s State, rule string) error {
	zh := "隐患" + s.Status.Chinese() + "，不能“" + t.Chinese + "”；须处于：" + t.from.chinese()
	en := t.Name + " is not possible while the finding is " + s.Status.english() + ", only while " + t.from.english()
	if t.late != 0 {
		zh += "；补录的，发生时间须在此阶段之内"
		en += "; entered late, its time must lie within that phase"
	}
	return domain.Illegal(rule+".status", zh, en).Now(Allowed(s))
}

func (s Status) english() string {
	if s == 0 {
		return "not recorded"
	}
	return s.String()
}

func (s set) members() []Status {
	var list []Status
	for v := Status(0); v <= StatusTerminated; v++ {
		if s.has(v) {
			list = append(list, v)
		}
	}
	return list
}

func (s set) chinese() string {
	var words []string
	for _, v := range s.members() {
		words = append(words, v.Chinese())
	}
	return strings.Join(words, "、")
}

func (s set) english() string {
	var words []string
	for _, v := range s.members() {
		words = append(words, v.english())
	}
	return strings.Join(words, ", ")
}
