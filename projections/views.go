package projections

import (
	"encoding/json"
	"time"

	"duban/domain"
	"duban/domain/calendar"
	"duban/domain/policy"
)

// The views below are what queries return and what the HTTP API and the command
// line show. References are ids without their kind; times are RFC 3339 in
// Asia/Shanghai unless said otherwise.

// Named is an office or person with the name to show.
type Named struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// LightView is one light with its reasons.
type LightView struct {
	Light           string          `json:"light" doc:"亮灯"`
	Chinese         string          `json:"chinese"`
	Colour          string          `json:"colour" doc:"red, yellow, blue, grey, green"`
	Since           calendar.Date   `json:"since,omitempty" doc:"亮灯起始日"`
	Days            int             `json:"days" doc:"逾期天数，或距时限天数；没有时限的为亮灯天数"`
	Deadline        calendar.Date   `json:"deadline,omitempty" doc:"据以计算的时限"`
	Period          calendar.Period `json:"period,omitempty" doc:"定期任务、报送、年度确认的所属期"`
	RuleVersion     string          `json:"rule_version"`
	CalendarVersion string          `json:"calendar_version"`
	Provisional     bool            `json:"provisional,omitempty" doc:"所用年份尚无已发布的工作日历"`
	EventIDs        []string        `json:"event_ids" doc:"依据的事件"`
}

// DeadlineView is a deadline with the event it rests on.
type DeadlineView struct {
	Date    calendar.Date   `json:"date,omitempty"`
	Words   string          `json:"words,omitempty"`
	Period  calendar.Period `json:"period,omitempty" doc:"定期任务：最早未办结的所属期，时限为其到期日"`
	Source  string          `json:"source" doc:"stated 文件规定, proposed 自报, set 确定, granted 延期, scheduled 按周期推算；隐患：ordered 责令, extended 延期"`
	EventID string          `json:"event_id"`
	Office  string          `json:"office,omitempty"`
}

// ShareView is one office's part of a task.
type ShareView struct {
	Office        Named         `json:"office"`
	Role          string        `json:"role"`
	PrintedRole   string        `json:"printed_role,omitempty"`
	Status        string        `json:"status"`
	StatusChinese string        `json:"status_chinese"`
	Since         time.Time     `json:"since"`
	EventID       string        `json:"event_id" doc:"使分项处于此状态的事件"`
	Suspended     bool          `json:"suspended,omitempty"`
	AssignedOn    calendar.Date `json:"assigned_on"`
	SignedOn      calendar.Date `json:"signed_on,omitempty"`
	Handler       string        `json:"handler,omitempty"`
	Person        string        `json:"responsible_person,omitempty" doc:"责任人"`
	Leader        string        `json:"supervising_leader,omitempty" doc:"责任领导"`
	Measures      []MeasureView `json:"measures,omitempty" doc:"工作措施及其完成日期，以最近一次报送的为准"`
	Deadline      *DeadlineView `json:"deadline,omitempty" doc:"现行时限"`
	Stated        *DeadlineView `json:"stated_deadline,omitempty" doc:"文件规定的时限"`
	Proposed      *DeadlineView `json:"proposed_deadline,omitempty" doc:"处室自报的时限"`
	RequestedOn   calendar.Date `json:"requested_on,omitempty" doc:"待审报结日期"`
	Extension     calendar.Date `json:"extension_requested,omitempty" doc:"待批的新时限"`
	ReportedOn    calendar.Date `json:"reported_on,omitempty" doc:"最近一次报告"`
	Progress      string        `json:"progress,omitempty"`
	Returns       int           `json:"returns" doc:"退回次数"`
	OnTime        *bool         `json:"on_time,omitempty" doc:"办结分项是否按时"`
	Light         LightView     `json:"light"`
	Periods       []PeriodView  `json:"periods,omitempty" doc:"定期任务到亮灯日为止的各所属期；只在读取单项任务时给出"`
	Allowed       []string      `json:"allowed,omitempty" doc:"现在可以办理的命令"`
}

// MeasureView is one step of an office's plan.
type MeasureView struct {
	Text        string        `json:"text" doc:"措施"`
	Deliverable string        `json:"deliverable,omitempty" doc:"成果"`
	Due         calendar.Date `json:"due,omitempty" doc:"完成日期"`
	Words       string        `json:"words,omitempty" doc:"没有日期时的说法"`
}

// The statuses of a period of a recurring share.
const (
	PeriodOpen      = "open"      // 待办
	PeriodRequested = "requested" // 已报结
	PeriodReturned  = "returned"  // 已退回
	PeriodAccepted  = "accepted"  // 已办结
)

// PeriodView is one period of a recurring share.
type PeriodView struct {
	Period      calendar.Period `json:"period" doc:"所属期"`
	Chinese     string          `json:"chinese"`
	Due         calendar.Date   `json:"due" doc:"到期日，已计延期"`
	Status      string          `json:"status" doc:"open 待办, requested 已报结, returned 已退回, accepted 已办结"`
	RequestedOn calendar.Date   `json:"requested_on,omitempty" doc:"最近一次报结"`
	AcceptedOn  calendar.Date   `json:"accepted_on,omitempty"`
	OnTime      *bool           `json:"on_time,omitempty" doc:"办结的所属期是否按时"`
	Light       LightView       `json:"light"`
}

// TaskView is a task with its shares.
type TaskView struct {
	ID             string          `json:"id"`
	Directive      string          `json:"directive"`
	DocumentNumber string          `json:"document_number,omitempty"`
	Title          string          `json:"title" doc:"文件标题"`
	Number         int             `json:"number" doc:"第几项"`
	Path           []string        `json:"path"`
	Part           int             `json:"part,omitempty"`
	Text           string          `json:"text" doc:"条款原文"`
	TextSHA256     string          `json:"text_sha256"`
	Revisions      []TaskRevision  `json:"clause_revisions,omitempty" doc:"条款的历次修改"`
	Kind           string          `json:"kind"`
	KindChinese    string          `json:"kind_chinese"`
	Schedule       json.RawMessage `json:"schedule,omitempty"`
	Status         string          `json:"status"`
	StatusChinese  string          `json:"status_chinese"`
	Deadline       *DeadlineView   `json:"deadline,omitempty" doc:"最早的现行时限"`
	Shares         []ShareView     `json:"shares"`
	Findings       []string        `json:"open_major_findings,omitempty" doc:"未销号的重大隐患"`
	Children       []string        `json:"children,omitempty" doc:"分解出的任务"`
	Links          []LinkView      `json:"links,omitempty" doc:"与其他任务的关联"`
	Consolidated   string          `json:"consolidated_into,omitempty" doc:"并入的任务"`
	DirectiveState string          `json:"directive_status,omitempty" doc:"文件状态，有效的不写：repealed 已废止, voided 已撤销登记"`
	Light          LightView       `json:"light" doc:"各分项中最差的灯"`
	Version        uint64          `json:"version"`
	Sequence       uint64          `json:"sequence" doc:"最后一个事件的流序号"`
	UpdatedAt      time.Time       `json:"updated_at"`
	UnknownEvents  bool            `json:"unknown_events,omitempty" doc:"含有本版本不认识的事件，内容可能不完整"`
	Allowed        []string        `json:"allowed,omitempty"`
}

// LinkView says how a task stands to another.
type LinkView struct {
	Task     string `json:"task"`
	Relation string `json:"relation" doc:"derived_from, same_duty, continues"`
	Chinese  string `json:"chinese"`
	EventID  string `json:"event_id"`
}

// TaskRevision is a change of the clause a task was made of.
type TaskRevision struct {
	By            string        `json:"by" doc:"修改文件"`
	EffectiveOn   calendar.Date `json:"effective_on,omitempty"`
	EarlierSHA256 string        `json:"earlier_text_sha256" doc:"此前文本的 SHA-256"`
	EventID       string        `json:"event_id"`
}

// ClauseRevision is what an amendment did to a clause, with its words until then.
type ClauseRevision struct {
	Change        string        `json:"change" doc:"replaced 修改, removed 删去, added 增加"`
	Chinese       string        `json:"chinese"`
	By            string        `json:"by" doc:"修改文件"`
	EffectiveOn   calendar.Date `json:"effective_on,omitempty"`
	EarlierText   string        `json:"earlier_text,omitempty" doc:"此前的文字"`
	EarlierSHA256 string        `json:"earlier_text_sha256,omitempty"`
	EventID       string        `json:"event_id"`
}

// ClauseView is a clause of a directive and the task made of it.
type ClauseView struct {
	Number     int             `json:"number"`
	Path       []string        `json:"path"`
	Headings   []string        `json:"headings"`
	Part       int             `json:"part"`
	Text       string          `json:"text"`
	TextSHA256 string          `json:"text_sha256"`
	Mark       string          `json:"mark,omitempty"`
	Offices    json.RawMessage `json:"offices"`
	AndOthers  bool            `json:"and_others,omitempty"`
	Kind       string          `json:"kind,omitempty"`
	Task       string          `json:"task,omitempty"`

	Parts     []string         `json:"parts,omitempty" doc:"由该任务分解、在本条款下立项的任务"`
	Removed   bool             `json:"removed,omitempty" doc:"已删去；文字为删去前的"`
	Revisions []ClauseRevision `json:"revisions,omitempty" doc:"历次修改，由早到晚"`
}

// The statuses of a directive.
const (
	DirectiveInForce = "in_force" // 有效
	DirectiveVoided  = "voided"   // 已撤销登记
	DirectiveRepeal  = "repealed" // 已废止
)

// DirectiveView is a directive; Clauses only where one is asked for.
type DirectiveView struct {
	ID             string          `json:"id"`
	DocumentNumber string          `json:"document_number,omitempty"`
	Title          string          `json:"title"`
	Issuer         string          `json:"issuer,omitempty"`
	IssuedOn       calendar.Date   `json:"issued_on,omitempty"`
	IssuedOnKind   string          `json:"issued_on_kind,omitempty"`
	Addressees     []string        `json:"addressees,omitempty"`
	CC             []string        `json:"cc,omitempty"`
	BasedOn        []string        `json:"based_on,omitempty"`
	Requirements   json.RawMessage `json:"requirements,omitempty"`
	Status         string          `json:"status" doc:"in_force 有效, voided 已撤销登记, repealed 已废止"`
	Amended        []string        `json:"amended_by,omitempty" doc:"修改它的文件"`
	RepealedBy     string          `json:"repealed_by,omitempty" doc:"废止它的文件"`
	RepealedOn     calendar.Date   `json:"repealed_on,omitempty"`
	ClauseCount    int             `json:"clause_count" doc:"现有条款数，不计删去的"`
	TaskCount      int             `json:"task_count"`
	ShareCount     int             `json:"share_count"`
	SourceSHA256   string          `json:"source_sha256"`
	Clauses        []ClauseView    `json:"clauses,omitempty"`
	Version        uint64          `json:"version"`
	Sequence       uint64          `json:"sequence"`
	UnknownEvents  bool            `json:"unknown_events,omitempty" doc:"含有本版本不认识的事件，内容可能不完整"`
	Allowed        []string        `json:"allowed,omitempty"`
}

// OfficeView is an office with its present name.
type OfficeView struct {
	ID      string   `json:"id"`
	Name    string   `json:"name"`
	Type    string   `json:"type"`
	Aliases []string `json:"aliases,omitempty"`
	Former  []string `json:"former_names,omitempty"`

	Heir       *Named        `json:"heir,omitempty" doc:"接续的处室：并入的处室，或分设后承接其余事项的处室"`
	MergedInto *Named        `json:"merged_into,omitempty" doc:"已并入的处室"`
	SplitInto  []Named       `json:"split_into,omitempty" doc:"分设后的处室"`
	EndedOn    calendar.Date `json:"ended_on,omitempty" doc:"并入或分设之日，此后不再办理"`

	Version  uint64 `json:"version"`
	Sequence uint64 `json:"sequence"`

	UnknownEvents bool     `json:"unknown_events,omitempty" doc:"含有本版本不认识的事件，内容可能不完整"`
	Allowed       []string `json:"allowed,omitempty"`
}

// InspectionView is an inspection.
type InspectionView struct {
	ID        string        `json:"id"`
	Kind      string        `json:"kind"`
	Scope     string        `json:"scope,omitempty"`
	Subject   string        `json:"subject,omitempty"`
	Team      []string      `json:"team,omitempty"`
	Status    string        `json:"status" doc:"open, closed"`
	OpenedOn  calendar.Date `json:"opened_on"`
	ClosedOn  calendar.Date `json:"closed_on,omitempty"`
	Summary   string        `json:"summary,omitempty"`
	Findings  int           `json:"findings" doc:"发现数"`
	Version   uint64        `json:"version"`
	Sequence  uint64        `json:"sequence"`
	UpdatedAt time.Time     `json:"updated_at"`

	UnknownEvents bool     `json:"unknown_events,omitempty" doc:"含有本版本不认识的事件，内容可能不完整"`
	Allowed       []string `json:"allowed,omitempty"`
}

// FindingView is a finding (隐患).
type FindingView struct {
	ID                string            `json:"id"`
	Inspection        string            `json:"inspection,omitempty"`
	Tasks             []string          `json:"tasks,omitempty"`
	Subject           string            `json:"subject"`
	USCC              string            `json:"uscc,omitempty"`
	Place             string            `json:"place,omitempty"`
	Description       string            `json:"description"`
	Category          string            `json:"category,omitempty"`
	FoundOn           calendar.Date     `json:"found_on"`
	Grade             string            `json:"grade,omitempty" doc:"ordinary 一般, major 重大"`
	Criterion         string            `json:"criterion,omitempty" doc:"判定依据"`
	Basis             []domain.Basis    `json:"basis,omitempty" doc:"登记时所述的依据"`
	Status            string            `json:"status"`
	StatusChinese     string            `json:"status_chinese"`
	EventID           string            `json:"event_id"`
	Rectifier         string            `json:"rectifier,omitempty" doc:"整改责任单位名称"`
	RectifierOffice   *Named            `json:"rectifier_office,omitempty" doc:"整改责任处室"`
	SupervisingOffice *Named            `json:"supervising_office,omitempty"`
	Carriers          []Named           `json:"carried_on_by,omitempty" doc:"机构调整后接续整改或督办的处室"`
	OrderNumber       string            `json:"order_number,omitempty" doc:"责令整改的文书编号"`
	Measures          string            `json:"measures,omitempty" doc:"整改措施；立行立改的为整改情况"`
	FundsFen          int64             `json:"funds_fen,omitempty" doc:"整改资金，单位：分"`
	ResponsiblePerson string            `json:"responsible_person,omitempty" doc:"整改责任人"`
	Acceptor          string            `json:"acceptor,omitempty" doc:"验收人"`
	Deadline          *DeadlineView     `json:"deadline,omitempty"`
	ReportedOn        calendar.Date     `json:"rectification_reported_on,omitempty"`
	Reinspections     int               `json:"reinspections"`
	FailedReinspected int               `json:"failed_reinspections"`
	LastReinspection  *ReinspectionView `json:"last_reinspection,omitempty"`
	WrittenOffOn      calendar.Date     `json:"written_off_on,omitempty" doc:"销号日期"`
	Listed            string            `json:"supervision_level,omitempty" doc:"挂牌督办级别"`
	Suspended         bool              `json:"production_suspended,omitempty" doc:"停产停业整顿中"`
	Light             LightView         `json:"light"`
	Version           uint64            `json:"version"`
	Sequence          uint64            `json:"sequence"`
	UpdatedAt         time.Time         `json:"updated_at"`
	UnknownEvents     bool              `json:"unknown_events,omitempty" doc:"含有本版本不认识的事件，内容可能不完整"`
	Allowed           []string          `json:"allowed,omitempty"`
}

// CalendarVersion is one publication of a year.
type CalendarVersion struct {
	CalendarVersion string          `json:"calendar_version" doc:"2020.2 为 2020 年第二版"`
	Off             []calendar.Date `json:"off" doc:"放假的日期"`
	Worked          []calendar.Date `json:"worked,omitempty" doc:"上班的周六、周日"`
	Source          string          `json:"source" doc:"来源文件"`
	EventID         string          `json:"event_id"`
	PublishedOn     calendar.Date   `json:"published_on"`
}

// CalendarView is the working calendar of a year: the version in force and all
// versions there were.
type CalendarView struct {
	ID   string `json:"id"`
	Year int    `json:"year"`
	CalendarVersion
	Versions      []CalendarVersion `json:"versions" doc:"各版，先发布的在前"`
	Version       uint64            `json:"version"`
	Sequence      uint64            `json:"sequence"`
	UnknownEvents bool              `json:"unknown_events,omitempty" doc:"含有本版本不认识的事件，内容可能不完整"`
	Allowed       []string          `json:"allowed,omitempty"`
}

// RulesView is one setting of the thresholds of the lights.
type RulesView struct {
	policy.Rules
	Reason  string        `json:"reason,omitempty"`
	EventID string        `json:"event_id,omitempty" doc:"没有的为缺省规则"`
	SetOn   calendar.Date `json:"set_on,omitempty"`
}

// PolicyView is the rules of the lights in force, and all that were.
type PolicyView struct {
	RulesView
	Versions      []RulesView `json:"versions" doc:"历次设定，先设定的在前；缺省规则不在其中"`
	Version       uint64      `json:"version"`
	Sequence      uint64      `json:"sequence"`
	UnknownEvents bool        `json:"unknown_events,omitempty" doc:"含有本版本不认识的事件，内容可能不完整"`
	Allowed       []string    `json:"allowed,omitempty"`
}

// ReinspectionView is a look at what was to be put right.
type ReinspectionView struct {
	On         calendar.Date `json:"on"`
	Passed     bool          `json:"passed"`
	Opinion    string        `json:"opinion"`
	Inspectors []string      `json:"inspectors,omitempty" doc:"复查人员编号；为处室代录而未列明时没有"`
}

// TrailEntry is one event of the trail, with its stored bytes.
type TrailEntry struct {
	Sequence     uint64          `json:"sequence"`
	ID           string          `json:"id"`
	Subject      string          `json:"subject"`
	Version      uint64          `json:"version"`
	Type         string          `json:"type"`
	Time         time.Time       `json:"time" doc:"发生时间"`
	RecordedTime time.Time       `json:"recordedtime" doc:"入账时间"`
	Late         bool            `json:"late_entry,omitempty" doc:"补录：发生日早于入账日"`
	Actor        string          `json:"actor"`
	Office       string          `json:"office,omitempty"`
	Authority    string          `json:"authority"`
	LeafHash     string          `json:"leaf_hash" doc:"SHA-256(0x00 ‖ raw)，小写十六进制"`
	Voided       bool            `json:"voided,omitempty" doc:"所在事务不完整，不生效"`
	CorrectedBy  []string        `json:"corrected_by,omitempty" doc:"更正它的事件"`
	Undecodable  bool            `json:"undecodable,omitempty" doc:"无法读取，经人工接受后不生效"`
	Event        json.RawMessage `json:"event" doc:"事件；不是 JSON 时为 null"`
	Raw          string          `json:"raw,omitempty" doc:"入账的原始字节，叶哈希由它计算"`
	RawBase64    string          `json:"raw_base64,omitempty" doc:"原始字节不是 UTF-8 的 JSON 时，以 base64 代替 raw"`
}

// Page is one page of a list and the cursor of the next, empty at the end.
type Page[T any] struct {
	Items  []T    `json:"items"`
	Next   string `json:"next,omitempty"`
	Total  int    `json:"total" doc:"符合条件的总数"`
	Cutoff Cutoff `json:"as_of"`
}

// Cutoff says as of when an answer is true.
type Cutoff struct {
	Sequence  uint64        `json:"sequence" doc:"所依据的最后一个事件"`
	KnownAt   *time.Time    `json:"known_at,omitempty" doc:"该事件的入账时间"`
	Effective calendar.Date `json:"effective_at,omitempty"`
	Today     calendar.Date `json:"today" doc:"亮灯所依据的日期"`
	Sample    bool          `json:"sample,omitempty" doc:"样例数据"`
}

// SummaryView is the register in figures. Every figure counts tasks or shares,
// never both.
type SummaryView struct {
	Cutoff        Cutoff           `json:"as_of"`
	Directives    int              `json:"directives"`
	Clauses       int              `json:"clauses"`
	Tasks         int              `json:"tasks"`
	Shares        int              `json:"shares"`
	SharedTasks   int              `json:"shared_tasks" doc:"由多个处室承担的任务"`
	Offices       int              `json:"offices" doc:"承担分项的处室"`
	TaskStatuses  []Count          `json:"task_statuses"`
	ShareStatuses []Count          `json:"share_statuses"`
	TaskLights    []Count          `json:"task_lights"`
	ShareLights   []Count          `json:"share_lights"`
	Total         Standing         `json:"total" doc:"全部分项"`
	ByOffice      []OfficeCount    `json:"by_office"`
	ByDirective   []DirectiveCount `json:"by_directive"`
	ByMonth       []MonthCount     `json:"by_month"`
	ByCity        []OfficeCount    `json:"by_city" doc:"其中的市局"`
	Findings      []Count          `json:"findings"`
	FindingLights []Count          `json:"finding_lights"`
	Grades        []Count          `json:"finding_grades"`
}

// Count is how many there are of one value.
type Count struct {
	Value   string `json:"value"`
	Chinese string `json:"chinese"`
	N       int    `json:"n"`
}

// OfficeCount is an office's shares in figures.
type OfficeCount struct {
	Office Named `json:"office"`
	Standing
}
