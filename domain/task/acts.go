package task

import (
	"slices"

	"duban/domain"
)

var (
	safety    = []domain.Role{domain.RoleSafetyOffice}
	reminders = []domain.Role{domain.RoleSafetyOffice, domain.RoleSystem} // the server by the calendar
	office    = []domain.Role{domain.RoleOffice}
	attesters = office
	anyone    = []domain.Role{domain.RoleSafetyOffice, domain.RoleOffice, domain.RoleInspector}
)

// Acts returns the commands of a task. A task comes of its directive's import, or
// of DocketAct; finding_opened, finding_settled, clause_revised and voided follow
// from commands on other aggregates.
func Acts() []domain.Act {
	return []domain.Act{
		{Name: "assign", Chinese: "交办", Ask: &Assigned{}, By: safety},
		{Name: "designate-lead", Chinese: "确定牵头处室", Ask: &LeadDesignated{}, By: safety},
		{Name: "decide-kind", Chinese: "确定任务类型", Ask: &KindDecided{}, By: safety},
		{Name: "dispute", Chinese: "提出异议", Ask: &Disputed{}, By: office},
		{Name: "uphold", Chinese: "维持原分工", Ask: &DisputeUpheld{}, By: safety},
		{Name: "transfer", Chinese: "转办", Ask: &Transferred{}, By: safety},
		{Name: "absorb", Chinese: "并入", Ask: &Absorbed{}, By: safety},
		{Name: "acknowledge", Chinese: "签收", Ask: &Acknowledged{}, By: office},
		{Name: "change-handler", Chinese: "更换经办人", Ask: &HandlerChanged{}, By: office},
		{Name: "submit-plan", Chinese: "报送工作措施", Ask: &PlanSubmitted{}, By: office},
		{Name: "report", Chinese: "报告进展", Ask: &ProgressReported{}, By: office},
		{Name: "state-deadline", Chinese: "登记文件规定的时限", Ask: &StatedDeadline{}, By: safety},
		{Name: "propose-deadline", Chinese: "自报时限", Ask: &ProposedDeadline{}, By: office},
		{Name: "set-deadline", Chinese: "确定时限", Ask: &SetDeadline{}, By: safety},
		{Name: "request-extension", Chinese: "申请延期", Ask: &ExtensionRequested{}, By: office},
		{Name: "grant-extension", Chinese: "批准延期", Ask: &ExtensionGranted{}, By: safety},
		{Name: "refuse-extension", Chinese: "不予延期", Ask: &ExtensionRefused{}, By: safety},
		{Name: "suspend", Chinese: "中止", Ask: &Suspended{}, By: safety},
		{Name: "resume", Chinese: "恢复办理", Ask: &Resumed{}, By: safety},
		{Name: "request-closure", Chinese: "申请报结", Ask: &ClosureRequested{}, By: office},
		{Name: "return", Chinese: "退回", Ask: &Returned{}, By: safety},
		{Name: "accept", Chinese: "分项办结", Ask: &Accepted{}, By: safety},
		{Name: "complete", Chinese: "办结", Ask: &Completed{}, By: safety},
		{Name: "attest", Chinese: "年度履职确认", Ask: &Attested{}, By: attesters},
		{Name: "end", Chinese: "终止", Ask: &Ended{}, By: safety},
		{Name: "cancel", Chinese: "撤销任务", Ask: &Cancelled{}, By: safety},
		{Name: "reopen", Chinese: "重新办理", Ask: &Reopened{}, By: safety},
		{Name: "remind", Chinese: "催办", Ask: &Reminded{}, By: reminders},
		{Name: "decompose", Chinese: "分解", Ask: &Decomposed{}, By: safety},
		{Name: "link", Chinese: "关联", Ask: &Linked{}, By: safety},
		{Name: "consolidate", Chinese: "并办", Ask: &Consolidated{}, By: safety},
		{Name: "withdraw-evidence", Chinese: "撤回证据", Ask: &EvidenceWithdrawn{}, By: anyone},
		{Name: "correct", Chinese: "更正", Ask: &Corrected{}, By: anyone},
	}
}

// all are the acts of clients and what follows from others. Every decision looks at
// them: they are made once, and nobody changes them.
var all = slices.Concat(Acts(), follows())

// Named returns every act with the event it leads to, those that no client asks for
// directly among them.
func Named() []domain.Act { return slices.Clone(all) }

// follows are the events that no client asks for directly.
func follows() []domain.Act {
	return []domain.Act{
		{Name: "docket", Chinese: "立项", Ask: &Docketed{}, By: safety},
		{Name: "open-finding", Chinese: "重大隐患涉及任务", Ask: &FindingOpened{}, By: anyone},
		{Name: "settle-finding", Chinese: "重大隐患了结", Ask: &FindingSettled{}, By: anyone},
		{Name: "revise-clause", Chinese: "条款修订", Ask: &ClauseRevised{}, By: safety},
		{Name: "void", Chinese: "撤销登记", Ask: &Voided{}, By: safety},
	}
}

// A need is what must be so for an event to happen: one table for the guards
// and for what refusals say is allowed now.
type need struct {
	task   taskNeed
	shares []ShareStatus // the statuses one of which the share must have; none: not about a share
}

type taskNeed uint8

const (
	taskOpen   taskNeed = iota // work goes on
	taskExists                 // docketed, perhaps closed: facts may be entered late
	taskClosed                 // completed, ended, cancelled or consolidated
	taskAbsent                 // not docketed yet
)

var (
	active     = []ShareStatus{ShareDisputed, ShareAssigned, ShareAcknowledged, ShareInProgress, ShareClosureRequested, ShareAccepted}
	unaccepted = []ShareStatus{ShareDisputed, ShareAssigned, ShareAcknowledged, ShareInProgress, ShareClosureRequested}
	working    = []ShareStatus{ShareAssigned, ShareAcknowledged, ShareInProgress, ShareClosureRequested}
)

func needs(p domain.Payload) need {
	switch p.(type) {
	case *Docketed:
		return need{task: taskAbsent}
	case *FindingOpened, *FindingSettled, *Linked, *EvidenceWithdrawn, *Corrected:
		return need{task: taskExists}
	case *Acknowledged, *ProgressReported:
		return need{task: taskExists, shares: active}
	case *Disputed:
		return need{shares: []ShareStatus{ShareAssigned, ShareAcknowledged, ShareInProgress}}
	case *DisputeUpheld:
		return need{shares: []ShareStatus{ShareDisputed}}
	case *Transferred, *Absorbed, *ProposedDeadline:
		return need{shares: unaccepted}
	case *LeadDesignated, *HandlerChanged, *Attested:
		return need{shares: active}
	case *PlanSubmitted, *ExtensionRequested, *ExtensionGranted, *ExtensionRefused, *ClosureRequested:
		return need{shares: working}
	case *Returned, *Accepted:
		return need{shares: []ShareStatus{ShareClosureRequested}}
	case *Reopened:
		return need{task: taskClosed}
	default:
		return need{}
	}
}

func (n need) met(s State) bool {
	switch n.task {
	case taskAbsent:
		return !s.Exists()
	case taskExists:
		return s.Exists() && !s.Voided.Done()
	case taskClosed:
		// A share accepted while others go on can be taken up again as well.
		return s.Exists() && !s.Voided.Done() && (!s.Open() || slices.ContainsFunc(s.Shares, func(sh Share) bool { return sh.Status == ShareAccepted }))
	default:
		return s.Open()
	}
}

func (n need) metBy(sh Share) bool {
	return len(n.shares) == 0 || slices.Contains(n.shares, sh.Status)
}

// Allowed returns the names of the acts that the state allows now, for one
// office's share, or for any share if office is zero. Whether the particulars of
// an act will do (its dates, its period, its approval) remains to be seen.
func Allowed(s State, office domain.Ref) []string {
	var names []string
	for _, a := range Acts() {
		n := needs(a.Ask)
		if !n.met(s) || s.vain(a.Ask) {
			continue
		}
		if len(n.shares) == 0 || slices.ContainsFunc(s.Shares, func(sh Share) bool {
			return (office.IsZero() || sh.Office == office) && n.metBy(sh) && !s.vainFor(sh, a.Ask)
		}) {
			names = append(names, a.Name)
		}
	}
	return names
}

// vain reports whether the task refuses an act whatever it says, though its
// status would do: hints must not lead nowhere.
func (s State) vain(ask domain.Payload) bool {
	switch ask.(type) {
	case *KindDecided:
		return s.admitKind(&KindDecided{Kind: KindRecurring}) != nil
	case *ClosureRequested:
		return s.Kind == KindStanding
	case *Attested:
		return s.Kind != KindStanding
	case *Completed:
		return s.Kind != KindOneOff || len(s.Findings) > 0
	case *Ended:
		return s.Kind == KindOneOff
	case *Consolidated:
		return len(s.Findings) > 0
	case *Suspended:
		return !slices.ContainsFunc(s.Shares, func(sh Share) bool { return sh.Status < ShareAccepted && !sh.Suspended.Done() })
	case *Resumed:
		return len(s.suspended(nil)) == 0
	case *EvidenceWithdrawn:
		return !slices.ContainsFunc(s.Evidence, func(u EvidenceUse) bool { return !u.Withdrawn.Done() })
	}
	return false
}

// blocked reports whether the share's acceptance would complete the task, which an
// open major finding forbids.
func (s State) blocked(sh Share) bool {
	return s.Kind == KindOneOff && len(s.Findings) > 0 && !slices.ContainsFunc(s.Shares, func(o Share) bool {
		return o.Status.Active() && o.Status != ShareAccepted && o.Office != sh.Office
	})
}

// vainFor is the same for one share.
func (s State) vainFor(sh Share, ask domain.Payload) bool {
	_, waiting := sh.Extension()
	switch ask.(type) {
	case *LeadDesignated:
		return sh.Role == RoleLead && s.leads() == 1
	case *Acknowledged:
		return sh.Acknowledged.Done()
	case *Absorbed:
		return !slices.ContainsFunc(s.Shares, func(to Share) bool { return to.Office != sh.Office && to.Status < ShareAccepted })
	case *ExtensionRequested:
		return waiting || sh.Suspended.Done()
	case *ExtensionGranted, *ExtensionRefused:
		return !waiting
	case *ClosureRequested:
		return sh.Suspended.Done() || s.Kind == KindOneOff && sh.Status == ShareClosureRequested
	case *Accepted:
		return sh.Suspended.Done() || s.blocked(sh)
	case *Returned, *Attested:
		return sh.Suspended.Done()
	}
	return false
}
