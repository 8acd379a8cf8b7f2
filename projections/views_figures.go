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
