package task

import (
	"duban/domain"
	"duban/domain/calendar"
)

// Docketed (立项：一个条款成为一项任务).
type Docketed struct {
	domain.Particulars
	Directive  domain.Ref `json:"directive"`
	Number     int        `json:"number,omitempty" doc:"第几项"`
	Path       []string   `json:"path,omitempty" doc:"条款层级"`
	Part       int        `json:"part,omitempty" doc:"段内第几部分"`
	TextSHA256 string     `json:"text_sha256" doc:"条款文本的 SHA-256"`
	Kind       Kind       `json:"kind" doc:"one_off 一次性, recurring 定期, standing 长期"`
	Schedule   *Schedule  `json:"schedule,omitempty"`
	Text       string     `json:"text,omitempty" doc:"分解出的任务自己的内容；缺省为条款原文"`
}

// EventType names the event.
func (*Docketed) EventType() string { return "duban.task.docketed.v1" }

// Assigned (交办：把任务交给处室，以后可以增加).
type Assigned struct {
	domain.Particulars
	Offices      []Assignment `json:"offices"`
	Instructions string       `json:"instructions,omitempty" doc:"交办要求"`
}

// EventType names the event.
func (*Assigned) EventType() string { return "duban.task.assigned.v1" }

// LeadDesignated (确定牵头处室).
type LeadDesignated struct {
	domain.Particulars
	ShareOf
}

// EventType names the event.
func (*LeadDesignated) EventType() string { return "duban.task.lead_designated.v1" }

// KindDecided (确定任务类型).
type KindDecided struct {
	domain.Particulars
	Kind     Kind      `json:"kind"`
	Schedule *Schedule `json:"schedule,omitempty"`
	Reason   string    `json:"reason" doc:"理由"`
}

// EventType names the event.
func (*KindDecided) EventType() string { return "duban.task.kind_decided.v1" }

// Disputed (提出异议).
type Disputed struct {
	domain.Particulars
	ShareOf
	Reason          string     `json:"reason" doc:"理由"`
	SuggestedOffice domain.Ref `json:"suggested_office,omitzero" doc:"建议的处室"`
}

// EventType names the event.
func (*Disputed) EventType() string { return "duban.task.share_disputed.v1" }

// DisputeUpheld (维持原分工).
type DisputeUpheld struct {
	domain.Particulars
	ShareOf
	Reason string `json:"reason" doc:"理由"`
}

// EventType names the event.
func (*DisputeUpheld) EventType() string { return "duban.task.dispute_upheld.v1" }

// Transferred (转办).
type Transferred struct {
	domain.Particulars
	From   domain.Ref `json:"from" doc:"原处室"`
	To     domain.Ref `json:"to" doc:"新处室"`
	Cause  Cause      `json:"cause" doc:"原因：dispute 异议, decision 领导决定, reorganisation 机构调整"`
	Reason string     `json:"reason,omitempty" doc:"理由"`
}

// EventType names the event.
func (*Transferred) EventType() string { return "duban.task.share_transferred.v1" }

// Absorbed (并入同一任务的另一分项).
type Absorbed struct {
	domain.Particulars
	From   domain.Ref `json:"from" doc:"原处室"`
	To     domain.Ref `json:"to" doc:"并入的处室"`
	Cause  Cause      `json:"cause" doc:"原因：dispute 异议, decision 领导决定, reorganisation 机构调整"`
	Reason string     `json:"reason,omitempty" doc:"理由"`
}

// EventType names the event.
func (*Absorbed) EventType() string { return "duban.task.share_absorbed.v1" }

// Acknowledged (签收).
type Acknowledged struct {
	domain.Particulars
	ShareOf
	Person domain.Ref `json:"person,omitzero" doc:"经办人 person/…"`
}

// EventType names the event.
func (*Acknowledged) EventType() string { return "duban.task.acknowledged.v1" }

// HandlerChanged (更换经办人).
type HandlerChanged struct {
	domain.Particulars
	ShareOf
	From domain.Ref `json:"from,omitzero" ref:"person" doc:"原经办人 person/…"`
	To   domain.Ref `json:"to" ref:"person" doc:"新经办人 person/…"`
}

// EventType names the event.
func (*HandlerChanged) EventType() string { return "duban.task.handler_changed.v1" }

// PlanSubmitted (报送工作措施).
type PlanSubmitted struct {
	domain.Particulars
	ShareOf
	ResponsiblePerson string    `json:"responsible_person" doc:"责任人"`
	SupervisingLeader string    `json:"supervising_leader,omitempty" doc:"责任领导"`
	Measures          []Measure `json:"measures" doc:"工作措施"`
}

// EventType names the event.
func (*PlanSubmitted) EventType() string { return "duban.task.plan_submitted.v1" }

// ProgressReported (进展报告).
type ProgressReported struct {
	domain.Particulars
	ShareOf
	Period      calendar.Period `json:"period,omitempty" doc:"所属期：2019, 2019-H1, 2019-Q3, 2019-08"`
	Condition   Condition       `json:"condition" doc:"进展程度：not_started 未启动, normal 正常推进, behind 滞后, done 已完成"`
	Progress    string          `json:"progress,omitempty" doc:"进展情况"`
	Problems    string          `json:"problems,omitempty" doc:"存在问题"`
	NextSteps   string          `json:"next_steps,omitempty" doc:"下一步措施"`
	Nil         bool            `json:"nil,omitempty" doc:"零报告"`
	Substantive bool            `json:"substantive,omitempty" doc:"有实质进展"`
}

// EventType names the event.
func (*ProgressReported) EventType() string { return "duban.task.progress_reported.v1" }

// StatedDeadline (文件规定的时限).
type StatedDeadline struct {
	domain.Particulars
	Scope
	Date  calendar.Date `json:"date,omitempty" doc:"最后一日"`
	Words string        `json:"words,omitempty" doc:"原文"`
}

// EventType names the event.
func (*StatedDeadline) EventType() string { return "duban.task.deadline_stated.v1" }

// ProposedDeadline (处室自报时限).
type ProposedDeadline struct {
	domain.Particulars
	Scope
	Date  calendar.Date `json:"date,omitempty" doc:"最后一日"`
	Words string        `json:"words,omitempty" doc:"说明"`
}

// EventType names the event.
func (*ProposedDeadline) EventType() string { return "duban.task.deadline_proposed.v1" }

// SetDeadline (确定时限).
type SetDeadline struct {
	domain.Particulars
	Scope
	Date   calendar.Date `json:"date,omitempty" doc:"最后一日"`
	Words  string        `json:"words,omitempty" doc:"说明"`
	Reason string        `json:"reason,omitempty" doc:"理由"`
}

// EventType names the event.
func (*SetDeadline) EventType() string { return "duban.task.deadline_set.v1" }

// ExtensionRequested (申请延期).
type ExtensionRequested struct {
	domain.Particulars
	ShareOf
	NewDate calendar.Date `json:"new_date" doc:"新时限"`
	Reason  string        `json:"reason" doc:"理由"`
}

// EventType names the event.
func (*ExtensionRequested) EventType() string { return "duban.task.extension_requested.v1" }

// ExtensionGranted (批准延期).
type ExtensionGranted struct {
	domain.Particulars
	ShareOf
	NewDate calendar.Date `json:"new_date" doc:"新时限"`
	Reason  string        `json:"reason,omitempty" doc:"理由"`
}

// EventType names the event.
func (*ExtensionGranted) EventType() string { return "duban.task.extension_granted.v1" }

// ExtensionRefused (不予延期).
type ExtensionRefused struct {
	domain.Particulars
	ShareOf
	Reason string `json:"reason" doc:"理由"`
}

// EventType names the event.
func (*ExtensionRefused) EventType() string { return "duban.task.extension_refused.v1" }

// Suspended (中止).
type Suspended struct {
	domain.Particulars
	Offices []domain.Ref `json:"offices,omitempty" doc:"处室，缺省为全部"`
	Reason  string       `json:"reason" doc:"理由"`
}

// EventType names the event.
func (*Suspended) EventType() string { return "duban.task.suspended.v1" }

// Resumed (恢复办理).
type Resumed struct {
	domain.Particulars
	Offices  []domain.Ref  `json:"offices,omitempty" doc:"处室，缺省为全部"`
	Deadline calendar.Date `json:"deadline,omitempty" doc:"恢复后的时限"`
	Reason   string        `json:"reason,omitempty" doc:"理由"`
}

// EventType names the event.
func (*Resumed) EventType() string { return "duban.task.resumed.v1" }

// ClosureRequested (申请报结).
type ClosureRequested struct {
	domain.Particulars
	ShareOf
	Period  calendar.Period `json:"period,omitempty" doc:"定期任务的所属期"`
	Summary string          `json:"summary" doc:"完成情况"`
}

// EventType names the event.
func (*ClosureRequested) EventType() string { return "duban.task.closure_requested.v1" }

// Returned (退回).
type Returned struct {
	domain.Particulars
	ShareOf
	Period calendar.Period `json:"period,omitempty"`
	Reason string          `json:"reason" doc:"退回原因"`
	Due    calendar.Date   `json:"due,omitempty" doc:"重新报送的日期"`
}

// EventType names the event.
func (*Returned) EventType() string { return "duban.task.share_returned.v1" }

// Accepted (分项办结).
type Accepted struct {
	domain.Particulars
	ShareOf
	Period  calendar.Period `json:"period,omitempty"`
	Opinion string          `json:"opinion,omitempty" doc:"审核意见"`
}

// EventType names the event.
func (*Accepted) EventType() string { return "duban.task.share_accepted.v1" }

// Completed (办结).
type Completed struct {
	domain.Particulars
	By     Closing `json:"by" doc:"all_shares 全部分项办结, override 领导决定"`
	Reason string  `json:"reason,omitempty" doc:"理由"`
}

// EventType names the event.
func (*Completed) EventType() string { return "duban.task.completed.v1" }

// Attested (年度履职确认).
type Attested struct {
	domain.Particulars
	ShareOf
	Period    calendar.Period `json:"period" doc:"年度：2019"`
	Statement string          `json:"statement" doc:"履职情况"`
}

// EventType names the event.
func (*Attested) EventType() string { return "duban.task.attested.v1" }

// Ended (终止定期或长期任务).
type Ended struct {
	domain.Particulars
	Reason string `json:"reason" doc:"理由"`
}

// EventType names the event.
func (*Ended) EventType() string { return "duban.task.ended.v1" }

// Cancelled (撤销任务).
type Cancelled struct {
	domain.Particulars
	Reason string `json:"reason" doc:"理由"`
}

// EventType names the event.
func (*Cancelled) EventType() string { return "duban.task.cancelled.v1" }

// Reopened (重新办理).
type Reopened struct {
	domain.Particulars
	Reason   ReopenReason  `json:"reason" doc:"false_completion 虚假办结, new_facts 新情况, mistake 操作有误"`
	Words    string        `json:"words" doc:"说明"`
	Offices  []domain.Ref  `json:"offices,omitempty" doc:"处室，缺省为全部"`
	Deadline calendar.Date `json:"deadline,omitempty" doc:"新时限"`
}

// EventType names the event.
func (*Reopened) EventType() string { return "duban.task.reopened.v1" }

// Reminded (催办). A reminder by the calendar says which step it is towards which
// deadline, so that nobody is reminded of the same twice.
type Reminded struct {
	domain.Particulars
	Offices  []domain.Ref    `json:"offices,omitempty" doc:"处室，缺省为全部"`
	Words    string          `json:"words" doc:"催办内容"`
	Via      domain.Via      `json:"via,omitzero" doc:"方式"`
	Step     ReminderStep    `json:"step,omitzero" doc:"按期催办的节点：t_7、t_3、t_1 为到期前几天，overdue 为逾期；与 deadline 同时填写"`
	Deadline calendar.Date   `json:"deadline,omitempty" doc:"按期催办所依据的时限"`
	Period   calendar.Period `json:"period,omitempty" doc:"按期催办的所属期，限定期任务"`
}

// EventType names the event.
func (*Reminded) EventType() string { return "duban.task.reminded.v1" }

// EvidenceWithdrawn (撤回证据).
type EvidenceWithdrawn struct {
	domain.Particulars
	SHA256 string `json:"sha256" doc:"被撤回证据的 SHA-256"`
	Reason string `json:"reason" doc:"理由"`
}

// EventType names the event.
func (*EvidenceWithdrawn) EventType() string { return "duban.task.evidence_withdrawn.v1" }

// FindingOpened (有重大隐患涉及本任务，整改销号前不得办结).
type FindingOpened struct {
	domain.Particulars
	Finding domain.Ref `json:"finding" doc:"隐患"`
}

// EventType names the event.
func (*FindingOpened) EventType() string { return "duban.task.finding_opened.v1" }

// FindingSettled (涉及本任务的重大隐患已了结).
type FindingSettled struct {
	domain.Particulars
	Finding domain.Ref `json:"finding" doc:"隐患"`
}

// EventType names the event.
func (*FindingSettled) EventType() string { return "duban.task.finding_settled.v1" }

// Voided (随文件撤销登记).
type Voided struct {
	domain.Particulars
	Reason string `json:"reason" doc:"理由"`
}

// EventType names the event.
func (*Voided) EventType() string { return "duban.task.voided.v1" }

// Corrected (更正) takes an earlier event out or amends it, in place.
type Corrected struct{ domain.Correction }

// EventType names the event.
func (*Corrected) EventType() string { return "duban.task.corrected.v1" }

// Payloads returns a prototype of every event of a task.
func Payloads() []domain.Payload {
	return []domain.Payload{
		&Docketed{}, &Assigned{}, &LeadDesignated{}, &KindDecided{}, &Disputed{}, &DisputeUpheld{}, &Transferred{}, &Absorbed{}, &Acknowledged{}, &HandlerChanged{}, &PlanSubmitted{}, &ProgressReported{}, &StatedDeadline{}, &ProposedDeadline{}, &SetDeadline{}, &ExtensionRequested{}, &ExtensionGranted{}, &ExtensionRefused{}, &Suspended{}, &Resumed{}, &ClosureRequested{}, &Returned{}, &Accepted{}, &Completed{}, &Attested{}, &Ended{}, &Cancelled{}, &Reopened{}, &Reminded{}, &EvidenceWithdrawn{}, &FindingOpened{}, &FindingSettled{}, &Voided{}, &ClauseRevised{}, &Decomposed{}, &Linked{}, &Consolidated{}, &Corrected{},
	}
}
