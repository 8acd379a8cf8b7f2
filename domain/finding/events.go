package finding

import (
	"duban/domain"
	"duban/domain/calendar"
	"duban/domain/inspection"
)

// Recorded (登记发现): somebody saw a hazard.
type Recorded struct {
	domain.Particulars
	Subject     inspection.Subject `json:"subject" doc:"被检查单位"`
	Description string             `json:"description" doc:"问题描述"`
	Category    string             `json:"category" doc:"隐患类别"`
	FoundOn     calendar.Date      `json:"found_on" doc:"发现日期"`
	HazardSince calendar.Date      `json:"hazard_since,omitempty" doc:"隐患形成日期"`
	Inspection  domain.Ref         `json:"inspection,omitzero" doc:"所属检查 inspection/…"`
	Tasks       []domain.Ref       `json:"tasks,omitempty" doc:"相关任务 task/…：重大隐患未消除前不能办结"`
}

// EventType names the event.
func (*Recorded) EventType() string { return "duban.finding.recorded.v1" }

// Validate checks the payload by itself.
func (r *Recorded) Validate() error {
	if err := r.Subject.Check("subject"); err != nil {
		return err
	}
	if err := texts(text{"description", r.Description, true}, text{"category", r.Category, true}); err != nil {
		return err
	}
	if r.FoundOn == "" {
		return domain.Invalid("finding.recorded.found_on", "found_on", "缺少发现日期 found_on", "found_on is missing")
	}
	if r.HazardSince > r.FoundOn {
		return domain.Invalid("finding.recorded.hazard_since", "hazard_since",
			"隐患形成日期晚于发现日期", "hazard_since lies after found_on")
	}
	if !r.Inspection.IsZero() && r.Inspection.Kind != domain.KindInspection {
		return domain.Invalid("finding.recorded.inspection", "inspection", "inspection 应为 inspection/…", "inspection is an inspection/…")
	}
	seen := make(map[domain.Ref]bool, len(r.Tasks))
	for _, t := range r.Tasks {
		if t.Kind != domain.KindTask || seen[t] {
			return domain.Invalid("finding.recorded.tasks", "tasks", "tasks 应为互不相同的 task/…", "tasks are different task/…")
		}
		seen[t] = true
	}
	return nil
}

// Verified (核实): the hazard is there.
type Verified struct {
	domain.Particulars
	Opinion string `json:"opinion,omitempty" doc:"核实意见"`
}

// EventType names the event.
func (*Verified) EventType() string { return "duban.finding.verified.v1" }

// Validate checks the payload by itself.
func (v *Verified) Validate() error { return domain.CheckText("opinion", v.Opinion, false) }

// Dismissed (不予认定): there is no hazard.
type Dismissed struct {
	domain.Particulars
	Reason string `json:"reason" doc:"不予认定的理由"`
}

// EventType names the event.
func (*Dismissed) EventType() string { return "duban.finding.dismissed.v1" }

// Validate checks the payload by itself.
func (d *Dismissed) Validate() error { return domain.CheckText("reason", d.Reason, true) }

// Graded (定级): how grave it is, and by which criterion.
type Graded struct {
	domain.Particulars
	Grade     Grade  `json:"grade" doc:"ordinary 一般隐患, major 重大隐患"`
	Criterion string `json:"criterion,omitempty" doc:"判定依据；重大隐患必填"`
}

// EventType names the event.
func (*Graded) EventType() string { return "duban.finding.graded.v1" }

// Validate checks the payload by itself.
func (g *Graded) Validate() error { return checkGrade("finding.graded.grade", g.Grade, g.Criterion) }

func checkGrade(rule string, g Grade, criterion string) error {
	if g == 0 {
		return domain.Invalid(rule, "grade", "缺少等级 grade", "the grade is missing")
	}
	return domain.CheckText("criterion", criterion, g == GradeMajor)
}

// Regraded (重新定级).
type Regraded struct {
	domain.Particulars
	Grade     Grade  `json:"grade" doc:"ordinary 一般隐患, major 重大隐患"`
	Criterion string `json:"criterion,omitempty" doc:"判定依据；重大隐患必填"`
	Reason    string `json:"reason" doc:"重新定级的原因"`
}

// EventType names the event.
func (*Regraded) EventType() string { return "duban.finding.regraded.v1" }

// Validate checks the payload by itself.
func (r *Regraded) Validate() error {
	if err := checkGrade("finding.regraded.grade", r.Grade, r.Criterion); err != nil {
		return err
	}
	return domain.CheckText("reason", r.Reason, true)
}

// RectifiedOnSpot (立行立改): put right before the inspector's eyes.
type RectifiedOnSpot struct {
	domain.Particulars
	Measures string `json:"measures" doc:"整改情况"`
}

// EventType names the event.
func (*RectifiedOnSpot) EventType() string { return "duban.finding.rectified_on_spot.v1" }

// Validate checks the payload by itself.
func (r *RectifiedOnSpot) Validate() error { return domain.CheckText("measures", r.Measures, true) }

// A Rectifier (整改责任单位) must put the hazard right: an office of the ledger, or
// an enterprise by name, or both.
type Rectifier struct {
	Office domain.Ref `json:"office,omitzero" doc:"整改责任处室 office/…"`
	Name   string     `json:"name,omitempty" doc:"整改责任单位名称"`
}

// RectificationOrdered (责令整改), again after a failed re-inspection.
type RectificationOrdered struct {
	domain.Particulars
	Number            string        `json:"number,omitempty" doc:"文书编号"`
	Rectifier         Rectifier     `json:"rectifier" doc:"整改责任单位"`
	SupervisingOffice domain.Ref    `json:"supervising_office,omitzero" doc:"督办处室 office/…"`
	ResponsiblePerson string        `json:"responsible_person,omitempty" doc:"整改责任人"`
	Measures          string        `json:"measures,omitempty" doc:"整改措施"`
	FundsFen          int64         `json:"funds_fen,omitempty" doc:"整改资金，单位：分"`
	Deadline          calendar.Date `json:"deadline" doc:"整改期限"`
	Contingency       string        `json:"contingency,omitempty" doc:"应急预案"`
	Acceptor          string        `json:"acceptor,omitempty" doc:"验收人"`
}

// EventType names the event.
func (*RectificationOrdered) EventType() string { return "duban.finding.rectification_ordered.v1" }

// Validate checks the payload by itself.
func (r *RectificationOrdered) Validate() error {
	err := texts(
		text{"number", r.Number, false}, text{"rectifier.name", r.Rectifier.Name, r.Rectifier.Office.IsZero()},
		text{"responsible_person", r.ResponsiblePerson, false}, text{"measures", r.Measures, false},
		text{"contingency", r.Contingency, false}, text{"acceptor", r.Acceptor, false})
	if err != nil {
		return err
	}
	if err := checkOffice("rectifier.office", r.Rectifier.Office); err != nil {
		return err
	}
	if err := checkOffice("supervising_office", r.SupervisingOffice); err != nil {
		return err
	}
	if r.FundsFen < 0 {
		return domain.Invalid("finding.rectification_ordered.funds", "funds_fen", "整改资金不能为负数", "funds_fen is not negative")
	}
	if r.Deadline == "" {
		return domain.Invalid("finding.rectification_ordered.deadline", "deadline", "缺少整改期限 deadline", "the deadline is missing")
	}
	return nil
}

// RectificationExtended (延长整改期限), by a leader's approval.
type RectificationExtended struct {
	domain.Particulars
	Deadline calendar.Date `json:"deadline" doc:"延长后的整改期限"`
	Reason   string        `json:"reason" doc:"延期原因"`
}

// EventType names the event.
func (*RectificationExtended) EventType() string { return "duban.finding.rectification_extended.v1" }

// Validate checks the payload by itself.
func (r *RectificationExtended) Validate() error {
	if r.Deadline == "" {
		return domain.Invalid("finding.rectification_extended.deadline", "deadline", "缺少新的整改期限 deadline", "the new deadline is missing")
	}
	return domain.CheckText("reason", r.Reason, true)
}

// RectificationReported (报告整改情况): the rectifier says it is put right, and
// shows it.
type RectificationReported struct {
	domain.Particulars
	Summary string `json:"summary,omitempty" doc:"整改情况"`
}

// EventType names the event.
func (*RectificationReported) EventType() string { return "duban.finding.rectification_reported.v1" }

// Validate checks the payload by itself.
func (r *RectificationReported) Validate() error {
	if len(r.Evidence) == 0 {
		return domain.Invalid("finding.rectification_reported.evidence", "evidence",
			"整改报告须附证据（照片、报告等），请先上传", "a report of rectification shows evidence: upload it first")
	}
	return domain.CheckText("summary", r.Summary, false)
}

// Reinspected (复查).
type Reinspected struct {
	domain.Particulars
	Passed     bool         `json:"passed" doc:"true 复查合格, false 复查不合格"`
	Opinion    string       `json:"opinion" doc:"复查意见"`
	Inspectors []domain.Ref `json:"inspectors,omitempty" ref:"person" doc:"复查人员 person/…；不填即录入人"`
}

// EventType names the event.
func (*Reinspected) EventType() string { return "duban.finding.reinspected.v1" }

// Validate checks the payload by itself.
func (r *Reinspected) Validate() error {
	if err := domain.CheckText("opinion", r.Opinion, true); err != nil {
		return err
	}
	return inspection.CheckPersons("inspectors", r.Inspectors)
}

// Countersigned marks that an approval stands in for a second person.
func (*Reinspected) Countersigned() {}

// WrittenOff (销号): put right, checked, done.
type WrittenOff struct {
	domain.Particulars
	Opinion string `json:"opinion,omitempty" doc:"销号意见"`
}

// EventType names the event.
func (*WrittenOff) EventType() string { return "duban.finding.written_off.v1" }

// Validate checks the payload by itself.
func (w *WrittenOff) Validate() error { return domain.CheckText("opinion", w.Opinion, false) }

// Countersigned marks that an approval stands in for a second person.
func (*WrittenOff) Countersigned() {}

// Referred (移送) to another authority. The finding stays open until it is put
// right or terminated.
type Referred struct {
	domain.Particulars
	To     string `json:"to" doc:"移送机关"`
	Reason string `json:"reason,omitempty" doc:"移送原因"`
	Reply  string `json:"reply,omitempty" doc:"答复；登记时已收到的"`
}

// EventType names the event.
func (*Referred) EventType() string { return "duban.finding.referred.v1" }

// Validate checks the payload by itself.
func (r *Referred) Validate() error {
	return texts(text{"to", r.To, true}, text{"reason", r.Reason, false}, text{"reply", r.Reply, false})
}

// ReferralReplied (移送答复): the authority answered.
type ReferralReplied struct {
	domain.Particulars
	Referral string `json:"referral,omitempty" doc:"移送事件的编号；不填即最近一次未答复的移送"`
	Reply    string `json:"reply" doc:"答复内容"`
}

// EventType names the event.
func (*ReferralReplied) EventType() string { return "duban.finding.referral_replied.v1" }

// Validate checks the payload by itself.
func (r *ReferralReplied) Validate() error {
	return texts(text{"referral", r.Referral, false}, text{"reply", r.Reply, true})
}

// Recurred (重复发生): the same hazard as an earlier finding, come back.
type Recurred struct {
	domain.Particulars
	Earlier domain.Ref `json:"earlier" ref:"finding" doc:"此前的隐患 finding/…"`
}

// EventType names the event.
func (*Recurred) EventType() string { return "duban.finding.recurred.v1" }

// Validate checks the payload by itself.
func (r *Recurred) Validate() error { return checkFinding("earlier", r.Earlier) }

// DuplicateOf (重复登记): recorded twice; the other record goes on.
type DuplicateOf struct {
	domain.Particulars
	Original domain.Ref `json:"original" ref:"finding" doc:"保留的隐患 finding/…"`
}

// EventType names the event.
func (*DuplicateOf) EventType() string { return "duban.finding.duplicate_of.v1" }

// Validate checks the payload by itself.
func (d *DuplicateOf) Validate() error { return checkFinding("original", d.Original) }

// Terminated (终结): ended without having been put right. Never counted as written
// off.
type Terminated struct {
	domain.Particulars
	Cause Cause  `json:"cause" doc:"enterprise_closed 企业关闭, relocated 搬迁, jurisdiction_moved 管辖变更"`
	Proof string `json:"proof" doc:"证明材料的名称、文号；材料本身放在 evidence"`
}

// EventType names the event.
func (*Terminated) EventType() string { return "duban.finding.terminated.v1" }

// Validate checks the payload by itself.
func (t *Terminated) Validate() error {
	if t.Cause == 0 {
		return domain.Invalid("finding.terminated.cause", "cause", "缺少终结原因 cause", "the cause is missing")
	}
	if err := domain.CheckText("proof", t.Proof, true); err != nil {
		return err
	}
	if len(t.Evidence) == 0 {
		return domain.Invalid("finding.terminated.evidence", "evidence",
			"终结须附证明材料，请先上传", "a termination shows its proof as evidence: upload it first")
	}
	return nil
}

// Corrected (更正) voids or amends an earlier event of the finding.
type Corrected struct{ domain.Correction }

// EventType names the event.
func (*Corrected) EventType() string { return "duban.finding.corrected.v1" }

// EvidenceWithdrawn (撤回证据): the bytes are removed, a classified file sent by
// mistake for one; the digest stays.
type EvidenceWithdrawn struct {
	domain.Particulars
	SHA256 string `json:"sha256" doc:"撤回的证据，小写十六进制 SHA-256"`
	Reason string `json:"reason" doc:"撤回原因"`
}

// EventType names the event.
func (*EvidenceWithdrawn) EventType() string { return "duban.finding.evidence_withdrawn.v1" }

// Validate checks the payload by itself.
func (w *EvidenceWithdrawn) Validate() error {
	if err := domain.CheckEvidence("sha256", []domain.Evidence{{SHA256: w.SHA256}}); err != nil {
		return err
	}
	return domain.CheckText("reason", w.Reason, true)
}

// Payloads returns a prototype of every event of a finding.
func Payloads() []domain.Payload {
	return []domain.Payload{
		&Recorded{}, &Verified{}, &Dismissed{}, &Graded{}, &Regraded{},
		&RectifiedOnSpot{}, &RectificationOrdered{}, &RectificationExtended{}, &RectificationReported{},
		&Reinspected{}, &WrittenOff{},
		&PlanFiled{}, &SupervisionListed{}, &SupervisionDelisted{}, &SuspensionOrdered{}, &ResumptionApproved{},
		&ClosureOrdered{}, &ClosureVerified{},
		&Referred{}, &ReferralReplied{}, &Recurred{}, &DuplicateOf{}, &Terminated{},
		&Corrected{}, &EvidenceWithdrawn{}, &OfficeSucceeded{},
	}
}

// A text is a text field and whether it must be filled in.
type text struct {
	field, value string
	required     bool
}

func texts(list ...text) error {
	for _, t := range list {
		if err := domain.CheckText(t.field, t.value, t.required); err != nil {
			return err
		}
	}
	return nil
}

func checkOffice(field string, r domain.Ref) error {
	if !r.IsZero() && r.Kind != domain.KindOffice {
		return domain.Invalid("field.office", field, field+" 应为 office/…", field+" is an office/…")
	}
	return nil
}

func checkFinding(field string, r domain.Ref) error {
	if r.Kind != domain.KindFinding {
		return domain.Invalid("field.finding", field, field+" 应为 finding/…", field+" is a finding/…")
	}
	return nil
}
