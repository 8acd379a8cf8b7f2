package task

import (
	"encoding/json"

	"duban/domain"
	"duban/domain/calendar"
)

// The usual payloads.

func aDocket(k Kind) *Docketed {
	d := &Docketed{Directive: notice, Number: 7, Path: []string{"一", "（二）", "2"}, TextSHA256: clause, Kind: k}
	if k == KindRecurring {
		d.Schedule = &Schedule{Unit: calendar.UnitQuarter, First: "2019-Q3"}
	}
	return d
}

func toOffices(offices ...domain.Ref) *Assigned {
	a := &Assigned{}
	for i, o := range offices {
		r := RoleSupporting
		if i == 0 {
			r = RoleLead
		}
		a.Offices = append(a.Offices, Assignment{Office: o, Role: r})
	}
	return a
}

func of(o domain.Ref) ShareOf { return ShareOf{Office: o} }

func report(o domain.Ref) *ProgressReported {
	return &ProgressReported{ShareOf: of(o), Condition: ConditionNormal, Progress: "正在推进", Substantive: true}
}

func reportFor(p calendar.Period) *ProgressReported {
	r := report(jidian)
	r.Period = p
	return r
}

func request(o domain.Ref, period ...calendar.Period) *ClosureRequested {
	c := &ClosureRequested{ShareOf: of(o), Summary: "已完成"}
	if len(period) > 0 {
		c.Period = period[0]
	}
	return c
}

func accept(o domain.Ref, period ...calendar.Period) *Accepted {
	a := &Accepted{ShareOf: of(o), Opinion: "同意"}
	if len(period) > 0 {
		a.Period = period[0]
	}
	return a
}

func sendBack(o domain.Ref, period ...calendar.Period) *Returned {
	r := &Returned{ShareOf: of(o), Reason: "佐证不足"}
	if len(period) > 0 {
		r.Period = period[0]
	}
	return r
}

func moreTime(o domain.Ref, to calendar.Date) *ExtensionRequested {
	return &ExtensionRequested{ShareOf: of(o), NewDate: to, Reason: "设备未到货"}
}

func granted(p domain.Particulars, o domain.Ref, to calendar.Date) *ExtensionGranted {
	return &ExtensionGranted{Particulars: p, ShareOf: of(o), NewDate: to}
}

func dispute(o domain.Ref) *Disputed {
	return &Disputed{ShareOf: of(o), Reason: "不属本处室职责", SuggestedOffice: ruanjian}
}

func override(p domain.Particulars) *Completed {
	return &Completed{Particulars: p, By: ClosingOverride, Reason: "领导决定"}
}

func reopen(p domain.Particulars, offices ...domain.Ref) *Reopened {
	return &Reopened{Particulars: p, Reason: ReopenFalseCompletion, Words: "现场核查未完成", Offices: offices}
}

func attest(o domain.Ref, year calendar.Period) *Attested {
	return &Attested{ShareOf: of(o), Period: year, Statement: "已履职"}
}

func transfer(from, to domain.Ref) *Transferred {
	return &Transferred{From: from, To: to, Cause: CauseDecision}
}

func absorb(from, to domain.Ref) *Absorbed {
	return &Absorbed{From: from, To: to, Cause: CauseReorganisation}
}

func parts(children ...Child) *Decomposed { return &Decomposed{Children: children} }

func link(to domain.Ref) *Linked { return &Linked{To: to, Relation: RelationSameDuty} }

func consolidate(into domain.Ref) *Consolidated {
	return &Consolidated{Into: into, Reason: "内容重复"}
}

func revise(sha256 string) *ClauseRevised {
	return &ClauseRevised{By: "宁工信安发〔2020〕3号", TextSHA256: sha256, EffectiveOn: "2020-01-01"}
}

func with(digests ...string) domain.Particulars {
	var p domain.Particulars
	for _, d := range digests {
		p.Evidence = append(p.Evidence, domain.Evidence{SHA256: d, Size: 1})
	}
	return p
}

func approved() domain.Particulars {
	return domain.Particulars{Approval: &domain.Approval{Leader: "副主任", On: "2019-07-01", Words: "同意"}}
}

func grounded() domain.Particulars {
	p := approved()
	p.Basis = []domain.Basis{{Document: "宁安办〔2019〕30号"}}
	return p
}

// behalf is how a paper of an office or person is entered.
func behalf(of domain.Ref) domain.Particulars {
	p := with(letter)
	p.OnBehalfOf, p.ReceivedVia, p.ReceivedOn = of, domain.ViaPaper, "2019-07-01" // or later, see receivedThen
	return p
}

// under puts particulars into a payload.
func under(p domain.Particulars, ask domain.Payload) domain.Payload {
	*ask.Circumstances() = p
	return ask
}

func void(by domain.Caller, at, target string) step {
	return step{by, at, &Corrected{domain.Correction{Target: target, Mode: domain.ModeVoid, Reason: "录错"}}}
}

func amend(by domain.Caller, at, target, changes string) step {
	return step{by, at, &Corrected{domain.Correction{Target: target, Mode: domain.ModeAmend, Changes: json.RawMessage(changes), Reason: "录错"}}}
}

// The stories most scenarios start from; each is the one before and a step or
// two. The events' ids are e1, e2 … as they are recorded.
var (
	docketedStory = []step{{li, "07-01", aDocket(KindOneOff)}}
	assignedStory = then(docketedStory, step{li, "07-02", toOffices(jidian, yuancai)})
	aloneStory    = then(docketedStory, step{li, "07-02", toOffices(jidian)})
	datedStory    = then(aloneStory, step{li, "07-02", &StatedDeadline{Date: "2019-12-31", Words: "2019年12月底"}})

	signedStory    = then(aloneStory, step{sun, "07-03", &Acknowledged{ShareOf: of(jidian), Person: sun.Person}})
	disputedStory  = then(aloneStory, step{sun, "07-03", dispute(jidian)})
	reportedStory  = then(aloneStory, step{sun, "07-10", report(jidian)})
	requestedStory = then(aloneStory, step{sun, "07-20", request(jidian)})
	returnedStory  = then(requestedStory, step{li, "07-25", sendBack(jidian)})
	completedStory = then(requestedStory, step{li, "07-25", accept(jidian)}) // e4 accepted, e5 completed
	suspendedStory = then(aloneStory, step{li, "07-05", &Suspended{Particulars: approved(), Reason: "机构调整"}})
	mergedStory    = then(aloneStory, step{li, "08-01", consolidate(sibling)})
	cancelledStory = then(aloneStory, step{li, "08-01", &Cancelled{Particulars: approved(), Reason: "任务取消"}})
	halfStory      = then(assignedStory, step{sun, "07-20", request(jidian)}, step{li, "07-25", accept(jidian)})
	askedStory     = then(datedStory, step{sun, "12-01", moreTime(jidian, "2020-01-31")})
	blockedStory   = then(requestedStory, step{wang, "07-22", &FindingOpened{Finding: hazard}})

	recurringStory = []step{{li, "07-01", aDocket(KindRecurring)}, {li, "07-02", toOffices(jidian)}}
	untilStory     = then(recurringStory, step{li, "07-03", &KindDecided{Kind: KindRecurring, Schedule: &Schedule{Unit: calendar.UnitQuarter, Until: "2019-12-31"}, Reason: "x"}})
	quarterStory   = then(recurringStory, step{sun, "10-08", request(jidian, "2019-Q3")})
	standingStory  = []step{{li, "07-01", aDocket(KindStanding)}, {li, "07-02", toOffices(jidian)}}
	endedStory     = then(standingStory, step{li, "08-01", &Ended{Reason: "职责划转"}})
)
