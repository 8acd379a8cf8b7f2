package projections

import "duban/domain/calendar"

// ReportRow is one line of the 进展汇总表: one share and what it reported for a
// period.
type ReportRow struct {
	No             int           `json:"no" doc:"序号，在全部行中的位置，从 1 起"`
	Directive      string        `json:"directive"`
	DocumentNumber string        `json:"document_number,omitempty" doc:"任务来源（文号）"`
	Title          string        `json:"title" doc:"文件标题"`
	Task           string        `json:"task"`
	Number         int           `json:"number" doc:"第几项"`
	Path           []string      `json:"path" doc:"条款"`
	Part           int           `json:"part,omitempty"`
	Text           string        `json:"text" doc:"任务内容"`
	Office         Named         `json:"office" doc:"本行的处室"`
	Role           string        `json:"role"`
	Leads          []Named       `json:"leads" doc:"牵头/责任处室"`
	Supporting     []Named       `json:"supporting" doc:"配合单位"`
	Leader         string        `json:"supervising_leader,omitempty" doc:"责任领导"`
	Person         string        `json:"responsible_person,omitempty" doc:"责任人"`
	Handler        string        `json:"handler,omitempty" doc:"经办人"`
	Deadline       *DeadlineView `json:"deadline,omitempty" doc:"完成时限"`
	Condition      string        `json:"condition,omitempty"`
	Progress       string        `json:"progress,omitempty" doc:"进展情况"`
	Problems       string        `json:"problems,omitempty" doc:"存在问题"`
	NextSteps      string        `json:"next_steps,omitempty" doc:"下一步措施"`
	Light          LightView     `json:"light" doc:"亮灯"`
	Status         string        `json:"status"`
	StatusChinese  string        `json:"status_chinese"`
	Accepted       bool          `json:"accepted" doc:"是否办结；定期任务为该所属期是否办结"`
	Remarks        string        `json:"remarks,omitempty" doc:"备注"`

	Owed          bool          `json:"owed" doc:"该所属期应否报送"`
	DueOn         calendar.Date `json:"due_on,omitempty" doc:"报送截止日"`
	Report        string        `json:"report" doc:"in_time 按时, late 迟报, missing 未报, pending 未到期, none 不要求报送"`
	ReportChinese string        `json:"report_chinese"`
	Nil           bool          `json:"nil,omitempty" doc:"零报告"`
	ReportedOn    calendar.Date `json:"reported_on,omitempty" doc:"首次报送"`
	RevisedOn     calendar.Date `json:"revised_on,omitempty" doc:"最近一次补正"`
	EventIDs      []string      `json:"event_ids" doc:"报送要求和报告的事件"`
	Version       uint64        `json:"version" doc:"任务的版本，收回表格时用来查过期"`
}

// ShareRow is a line of the register of tasks (任务台账): a ReportRow, with what else
// became of its share.
type ShareRow struct {
	ReportRow
	KindChinese string
	AssignedOn  calendar.Date
	SignedOn    calendar.Date // none: not signed
	Returns     int
	OnTime      *bool // of a share that was accepted
}

// ReportTotals counts the shares of a 进展汇总表. InTime, Late and Missing add up to
// Due.
type ReportTotals struct {
	Shares  int `json:"shares" doc:"该所属期内有效的分项"`
	Due     int `json:"due" doc:"已报或已到期应报"`
	InTime  int `json:"in_time" doc:"按时"`
	Late    int `json:"late" doc:"迟报"`
	Missing int `json:"missing" doc:"未报"`
	Nil     int `json:"nil" doc:"其中零报告"`
	Pending int `json:"pending" doc:"应报、未到期且未报"`
}

// ReportPage is one page of the 进展汇总表. The totals are those of all pages.
type ReportPage struct {
	Page[ReportRow]
	Period calendar.Period `json:"period"`
	Totals ReportTotals    `json:"totals"`
}

// Ratio is a figure with what it is set against.
type Ratio struct {
	Numerator   int `json:"numerator"`
	Denominator int `json:"denominator"`
}

// FigureView is one figure of the assessment.
type FigureView struct {
	Figure  string `json:"figure"`
	Chinese string `json:"chinese"`
	Ratio
	Of       []string `json:"of" doc:"分母由哪些指标相加"`
	EventIDs []string `json:"event_ids" doc:"分子所依据的事件，前若干项"`
	More     bool     `json:"more,omitempty" doc:"event_ids 不是全部，其余见 items"`
	Items    string   `json:"items,omitempty" doc:"逐项列出分子的地址"`
}

// OfficeAssessment is the figures of one office.
type OfficeAssessment struct {
	Office  Named        `json:"office"`
	Figures []FigureView `json:"figures"`
}

// AssessmentView is what the year end asks.
type AssessmentView struct {
	Cutoff  Cutoff             `json:"as_of"`
	Year    int                `json:"year"`
	Total   []FigureView       `json:"total"`
	Offices []OfficeAssessment `json:"offices"`
}

// FactView is one item of a figure, with the events it rests on.
type FactView struct {
	Figure         string          `json:"figure"`
	Chinese        string          `json:"chinese"`
	N              int             `json:"n" doc:"计入的数：1，或天数"`
	On             calendar.Date   `json:"on" doc:"归属日"`
	Office         Named           `json:"office"`
	Directive      string          `json:"directive"`
	DocumentNumber string          `json:"document_number,omitempty"`
	Task           string          `json:"task"`
	Number         int             `json:"number" doc:"第几项"`
	Path           []string        `json:"path"`
	Part           int             `json:"part,omitempty"`
	Text           string          `json:"text"`
	Period         calendar.Period `json:"period,omitempty"`
	Deadline       calendar.Date   `json:"deadline,omitempty"`
	EventIDs       []string        `json:"event_ids"`
}

// FactPage is one page of the items of a figure. Sum is the figure itself.
type FactPage struct {
	Page[FactView]
	Sum int `json:"sum" doc:"各项 n 之和，即该指标"`
}

// Standing is the shares of one office, directive or month in figures. Lights are
// the shares' worst, as in the lists of tasks.
type Standing struct {
	Shares     int     `json:"shares"`
	Accepted   int     `json:"accepted"`
	Overdue    int     `json:"overdue"`
	DueSoon    int     `json:"due_soon"`
	Stagnant   int     `json:"stagnant"`
	Unreported int     `json:"unreported"`
	Unsigned   int     `json:"unsigned" doc:"尚未签收"`
	Lights     []Count `json:"lights" doc:"正常以外的亮灯"`
	OnTime     Ratio   `json:"on_time" doc:"按时办结率：已按时 / 已按时与逾期"`
	Reporting  Ratio   `json:"reporting" doc:"报送率：已报 / 应报"`
	Findings   []Count `json:"findings" doc:"隐患，按级别"`
	Rectified  Ratio   `json:"rectified" doc:"整改率：已销号或依法关闭 / 认定的隐患，不计重复登记和终结"`
	Items      string  `json:"items,omitempty" doc:"逐项列出事件的地址，须加 figure"`
}

// DirectiveCount is a directive's tasks and shares.
type DirectiveCount struct {
	Directive      string `json:"directive"`
	DocumentNumber string `json:"document_number,omitempty"`
	Title          string `json:"title"`
	Tasks          int    `json:"tasks"`
	Standing
}

// MonthCount is what fell into a month: shares assigned and accepted in it, lights
// on since then, obligations that were decided, reports about it, findings found.
type MonthCount struct {
	Month calendar.Period `json:"month"`
	Standing
}
