package finding

import (
	"duban/domain"
	"duban/domain/calendar"
)

// PlanFiled (报送治理方案): the plan for a major hazard with its six contents,
// 安全生产事故隐患排查治理暂行规定 第十五条.
type PlanFiled struct {
	domain.Particulars
	Goals       string `json:"goals" doc:"治理的目标和任务"`
	Measures    string `json:"measures" doc:"采取的方法和措施"`
	Resources   string `json:"resources" doc:"经费和物资的落实"`
	FundsFen    int64  `json:"funds_fen,omitempty" doc:"其中经费，单位：分"`
	Responsible string `json:"responsible" doc:"负责治理的机构和人员"`
	Schedule    string `json:"schedule" doc:"治理的时限和要求"`
	Contingency string `json:"contingency" doc:"安全措施和应急预案"`
}

// EventType names the event.
func (*PlanFiled) EventType() string { return "duban.finding.plan_filed.v1" }

// Validate checks the payload by itself.
func (p *PlanFiled) Validate() error {
	if p.FundsFen < 0 {
		return domain.Invalid("finding.plan_filed.funds", "funds_fen", "经费不能为负数", "funds_fen is not negative")
	}
	return texts(
		text{"goals", p.Goals, true}, text{"measures", p.Measures, true}, text{"resources", p.Resources, true},
		text{"responsible", p.Responsible, true}, text{"schedule", p.Schedule, true}, text{"contingency", p.Contingency, true})
}

// SupervisionListed (挂牌督办).
type SupervisionListed struct {
	domain.Particulars
	Level    Level         `json:"level" doc:"national 国家级, provincial 省级, municipal 市级, county 县级"`
	Document string        `json:"document,omitempty" doc:"挂牌督办文号"`
	Until    calendar.Date `json:"until,omitempty" doc:"督办期限"`
}

// EventType names the event.
func (*SupervisionListed) EventType() string { return "duban.finding.supervision_listed.v1" }

// Validate checks the payload by itself.
func (l *SupervisionListed) Validate() error {
	if l.Level == 0 {
		return domain.Invalid("finding.supervision_listed.level", "level", "缺少挂牌督办级别 level", "the level is missing")
	}
	return domain.CheckText("document", l.Document, false)
}

// SupervisionDelisted (摘牌).
type SupervisionDelisted struct {
	domain.Particulars
	Document string `json:"document,omitempty" doc:"摘牌文号"`
	Opinion  string `json:"opinion,omitempty" doc:"摘牌意见"`
}

// EventType names the event.
func (*SupervisionDelisted) EventType() string { return "duban.finding.supervision_delisted.v1" }

// Validate checks the payload by itself.
func (d *SupervisionDelisted) Validate() error {
	return texts(text{"document", d.Document, false}, text{"opinion", d.Opinion, false})
}

// SuspensionOrdered (责令停产停业、停止使用). An inspector may order it on the spot.
type SuspensionOrdered struct {
	domain.Particulars
	DecisionNo string `json:"decision_no,omitempty" doc:"决定书文号"`
	Scope      string `json:"scope,omitempty" doc:"停产停业、停止使用的范围"`
}

// EventType names the event.
func (*SuspensionOrdered) EventType() string { return "duban.finding.suspension_ordered.v1" }

// Validate checks the payload by itself.
func (o *SuspensionOrdered) Validate() error {
	return texts(text{"decision_no", o.DecisionNo, false}, text{"scope", o.Scope, false})
}

// ResumptionApproved (同意恢复生产), only after a passed re-inspection.
type ResumptionApproved struct {
	domain.Particulars
	Opinion string `json:"opinion,omitempty" doc:"审查意见"`
}

// EventType names the event.
func (*ResumptionApproved) EventType() string { return "duban.finding.resumption_approved.v1" }

// Validate checks the payload by itself.
func (r *ResumptionApproved) Validate() error { return domain.CheckText("opinion", r.Opinion, false) }

// ClosureOrdered (依法关闭): still without the conditions for safe production after
// rectification.
type ClosureOrdered struct {
	domain.Particulars
	DecisionNo string `json:"decision_no" doc:"关闭决定文号"`
}

// EventType names the event.
func (*ClosureOrdered) EventType() string { return "duban.finding.closure_ordered.v1" }

// Validate checks the payload by itself.
func (c *ClosureOrdered) Validate() error { return domain.CheckText("decision_no", c.DecisionNo, true) }

// ClosureVerified (核实关闭): somebody saw that it is closed.
type ClosureVerified struct {
	domain.Particulars
	Opinion string `json:"opinion,omitempty" doc:"核实意见"`
}

// EventType names the event.
func (*ClosureVerified) EventType() string { return "duban.finding.closure_verified.v1" }

// Validate checks the payload by itself.
func (c *ClosureVerified) Validate() error { return domain.CheckText("opinion", c.Opinion, false) }
