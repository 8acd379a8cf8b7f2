package task

import "duban/domain/enum"

// Kind says how a task comes to an end.
type Kind uint8

// The kinds of tasks.
const (
	KindOneOff    Kind = iota + 1 // 一次性: done once, then completed
	KindRecurring                 // 定期: done again in every period, until ended
	KindStanding                  // 长期: a duty, attested once a year, never completed
)

var kinds = enum.New[Kind]("task kind", "one_off", "recurring", "standing")

// ParseKind returns the kind with that wire name.
func ParseKind(s string) (Kind, error) { return kinds.Parse(s) }

func (k Kind) String() string { return kinds.Name(k) }

// Chinese returns the kind as the pages write it.
func (k Kind) Chinese() string {
	return [...]string{"", "一次性", "定期", "长期"}[min(k, KindStanding)]
}

// MarshalText writes the wire name.
func (k Kind) MarshalText() ([]byte, error) { return kinds.Marshal(k) }

// UnmarshalText reads the wire name.
func (k *Kind) UnmarshalText(b []byte) error { return kinds.Unmarshal(b, k) }

// Role is the part an office has in a task.
type Role uint8

// The roles of offices.
const (
	RoleLead       Role = iota + 1 // 牵头
	RoleSupporting                 // 配合
	RoleJoint                      // 共同责任，未分主次
)

var roles = enum.New[Role]("role in a task", "lead", "supporting", "joint")

// ParseRole returns the role with that wire name.
func ParseRole(s string) (Role, error) { return roles.Parse(s) }

func (r Role) String() string { return roles.Name(r) }

// Chinese returns the role as the pages write it.
func (r Role) Chinese() string {
	return [...]string{"", "牵头", "配合", "共同责任"}[min(r, RoleJoint)]
}

// MarshalText writes the wire name.
func (r Role) MarshalText() ([]byte, error) { return roles.Marshal(r) }

// UnmarshalText reads the wire name.
func (r *Role) UnmarshalText(b []byte) error { return roles.Unmarshal(b, r) }

// ShareStatus is where one office stands with its share.
type ShareStatus uint8

// The statuses of a share. Up to ShareAccepted they advance in this order; a
// disputed share counts as the least advanced.
const (
	ShareDisputed         ShareStatus = iota + 1 // 有异议
	ShareAssigned                                // 已交办
	ShareAcknowledged                            // 已签收
	ShareInProgress                              // 办理中
	ShareClosureRequested                        // 已报结
	ShareAccepted                                // 分项办结
	ShareAbsorbed                                // 已并入
	ShareTransferred                             // 已转办
)

var shareStatuses = enum.New[ShareStatus]("share status", "disputed", "assigned", "acknowledged",
	"in_progress", "closure_requested", "accepted", "absorbed", "transferred")

// ParseShareStatus returns the status with that wire name.
func ParseShareStatus(s string) (ShareStatus, error) { return shareStatuses.Parse(s) }

func (s ShareStatus) String() string { return shareStatuses.Name(s) }

// Chinese returns the status as the pages write it.
func (s ShareStatus) Chinese() string {
	return [...]string{"", "有异议", "已交办", "已签收", "办理中", "已报结", "分项办结", "已并入", "已转办"}[min(s, ShareTransferred)]
}

// MarshalText writes the wire name.
func (s ShareStatus) MarshalText() ([]byte, error) { return shareStatuses.Marshal(s) }

// UnmarshalText reads the wire name.
func (s *ShareStatus) UnmarshalText(b []byte) error { return shareStatuses.Unmarshal(b, s) }

// Active reports whether the share still counts: it was neither transferred nor
// absorbed.
func (s ShareStatus) Active() bool { return s >= ShareDisputed && s <= ShareAccepted }

// Status is where the task stands: that of its least advanced active share,
// unless it was closed as a whole.
type Status uint8

// The statuses of a task.
const (
	StatusDocketed         Status = iota + 1 // 已立项, no share yet
	StatusDisputed                           // 有异议
	StatusAssigned                           // 已交办
	StatusAcknowledged                       // 已签收
	StatusInProgress                         // 办理中
	StatusClosureRequested                   // 已报结
	StatusSuspended                          // 中止
	StatusCompleted                          // 办结
	StatusEnded                              // 终止 (recurring and standing)
	StatusCancelled                          // 撤销
	StatusVoided                             // 撤销登记
	StatusConsolidated                       // 并办: another task carries the work on
)

var statuses = enum.New[Status]("task status", "docketed", "disputed", "assigned", "acknowledged", "in_progress",
	"closure_requested", "suspended", "completed", "ended", "cancelled", "voided", "consolidated")

// ParseStatus returns the status with that wire name.
func ParseStatus(s string) (Status, error) { return statuses.Parse(s) }

// Statuses returns the wire names of all statuses.
func Statuses() []string { return statuses.Names() }

func (s Status) String() string { return statuses.Name(s) }

// Chinese returns the status as the pages write it.
func (s Status) Chinese() string {
	return [...]string{"", "已立项", "有异议", "已交办", "已签收", "办理中", "已报结", "中止", "办结", "终止", "撤销", "撤销登记", "并办"}[min(s, StatusConsolidated)]
}

// MarshalText writes the wire name.
func (s Status) MarshalText() ([]byte, error) { return statuses.Marshal(s) }

// UnmarshalText reads the wire name.
func (s *Status) UnmarshalText(b []byte) error { return statuses.Unmarshal(b, s) }

// Condition is how an office judges its own progress.
type Condition uint8

// The conditions.
const (
	ConditionNotStarted Condition = iota + 1 // 未启动
	ConditionNormal                          // 正常推进
	ConditionBehind                          // 滞后
	ConditionDone                            // 已完成
)

var conditions = enum.New[Condition]("condition", "not_started", "normal", "behind", "done")

func (c Condition) String() string { return conditions.Name(c) }

// MarshalText writes the wire name.
func (c Condition) MarshalText() ([]byte, error) { return conditions.Marshal(c) }

// UnmarshalText reads the wire name.
func (c *Condition) UnmarshalText(b []byte) error { return conditions.Unmarshal(b, c) }

// Cause is why a share changed hands.
type Cause uint8

// The causes.
const (
	CauseDispute        Cause = iota + 1 // 异议成立
	CauseDecision                        // 领导决定
	CauseReorganisation                  // 机构调整
)

var causes = enum.New[Cause]("cause", "dispute", "decision", "reorganisation")

func (c Cause) String() string { return causes.Name(c) }

// MarshalText writes the wire name.
func (c Cause) MarshalText() ([]byte, error) { return causes.Marshal(c) }

// UnmarshalText reads the wire name.
func (c *Cause) UnmarshalText(b []byte) error { return causes.Unmarshal(b, c) }

// Closing is what completed a task.
type Closing uint8

// The ways to completion.
const (
	ClosingAllShares Closing = iota + 1 // every share was accepted
	ClosingOverride                     // a leader decided so
)

var closings = enum.New[Closing]("way of completion", "all_shares", "override")

func (c Closing) String() string { return closings.Name(c) }

// MarshalText writes the wire name.
func (c Closing) MarshalText() ([]byte, error) { return closings.Marshal(c) }

// UnmarshalText reads the wire name.
func (c *Closing) UnmarshalText(b []byte) error { return closings.Unmarshal(b, c) }

// ReopenReason is why a closed task is taken up again.
type ReopenReason uint8

// The reasons.
const (
	ReopenFalseCompletion ReopenReason = iota + 1 // 虚假办结: takes the on-time back
	ReopenNewFacts                                // 出现新情况
	ReopenMistake                                 // 操作有误
)

var reopenReasons = enum.New[ReopenReason]("reason to reopen", "false_completion", "new_facts", "mistake")

func (r ReopenReason) String() string { return reopenReasons.Name(r) }

// MarshalText writes the wire name.
func (r ReopenReason) MarshalText() ([]byte, error) { return reopenReasons.Marshal(r) }

// UnmarshalText reads the wire name.
func (r *ReopenReason) UnmarshalText(b []byte) error { return reopenReasons.Unmarshal(b, r) }

// Relation is how one task stands to another.
type Relation uint8

// The relations.
const (
	RelationDerivedFrom Relation = iota + 1 // 由其分解或派生
	RelationSameDuty                        // 同一职责
	RelationContinues                       // 接续其工作
)

var relations = enum.New[Relation]("relation of tasks", "derived_from", "same_duty", "continues")

func (r Relation) String() string { return relations.Name(r) }

// Chinese returns the relation as the pages write it.
func (r Relation) Chinese() string {
	return [...]string{"", "派生自", "同一职责", "接续"}[min(r, RelationContinues)]
}

// MarshalText writes the wire name.
func (r Relation) MarshalText() ([]byte, error) { return relations.Marshal(r) }

// UnmarshalText reads the wire name.
func (r *Relation) UnmarshalText(b []byte) error { return relations.Unmarshal(b, r) }

// DeadlineSource says what a deadline rests on.
type DeadlineSource uint8

// The sources. All bind but DeadlineProposed.
const (
	DeadlineStated   DeadlineSource = iota + 1 // 文件规定
	DeadlineProposed                           // 处室自报
	DeadlineSet                                // 安委会办公室确定 (内控时限)
	DeadlineGranted                            // 批准延期
)

var deadlineSources = enum.New[DeadlineSource]("deadline source", "stated", "proposed", "set", "granted")

func (d DeadlineSource) String() string { return deadlineSources.Name(d) }

// MarshalText writes the wire name.
func (d DeadlineSource) MarshalText() ([]byte, error) { return deadlineSources.Marshal(d) }

// UnmarshalText reads the wire name.
func (d *DeadlineSource) UnmarshalText(b []byte) error { return deadlineSources.Unmarshal(b, d) }
