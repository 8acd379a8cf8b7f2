package task

import (
	"duban/domain"
	"duban/domain/calendar"
)

// ShareOf names the share an event is about by its office.
type ShareOf struct {
	Office domain.Ref `json:"office" doc:"责任处室"`
}

// ShareOffice returns the office, for a caller to fill in its own.
func (s *ShareOf) ShareOffice() *domain.Ref { return &s.Office }

// Scope says whether a deadline is for the whole task or for one share.
type Scope struct {
	Office domain.Ref `json:"office,omitzero" doc:"只对该处室的分项；缺省为整个任务"`
}

func (s Scope) check() error {
	if s.Office.IsZero() {
		return nil
	}
	return checkOffice("office", s.Office)
}

// ShareOffice returns the office, for a caller to fill in its own: what an office
// proposes is about its own share.
func (d *ProposedDeadline) ShareOffice() *domain.Ref { return &d.Office }

// Schedule says when a recurring task is due: each period on its due day, on its
// last day where none is given.
type Schedule struct {
	Unit    calendar.Unit   `json:"unit" doc:"month, quarter, half_year, year"`
	First   calendar.Period `json:"first,omitempty" doc:"首个所属期：2019-Q3"`
	DueRule string          `json:"due_rule,omitempty" doc:"到期规则，原文"`
	Until   calendar.Date   `json:"until,omitempty" doc:"截止日期"`
	calendar.Due
}

// Assignment gives a share to an office.
type Assignment struct {
	Office      domain.Ref `json:"office" doc:"处室"`
	Role        Role       `json:"role" doc:"lead 牵头, supporting 配合, joint 共同责任"`
	PrintedRole string     `json:"printed_role,omitempty" doc:"文件原文的称谓"`
}

// Measure (工作措施) is one step of an office's plan.
type Measure struct {
	Text        string        `json:"text" doc:"措施"`
	Deliverable string        `json:"deliverable,omitempty" doc:"成果"`
	Due         calendar.Date `json:"due,omitempty" doc:"完成日期"`
	Words       string        `json:"words,omitempty" doc:"没有日期时的说法"`
}

// checkPeriod refuses what is no period.
func checkPeriod(p calendar.Period) error {
	if p.Unit() == 0 {
		return domain.Invalid("period.form", "period",
			"所属期应写成 2019、2019-H1、2019-Q3 或 2019-08", "a period is written 2019, 2019-H1, 2019-Q3 or 2019-08")
	}
	return nil
}

func optionalPeriod(p calendar.Period) error {
	if p == "" {
		return nil
	}
	return checkPeriod(p)
}

func checkOffice(field string, r domain.Ref) error {
	if r.IsZero() {
		return missing(field)
	}
	if r.Kind != domain.KindOffice {
		return domain.Invalid("office.kind", field, field+" 应为处室 office/…", field+" is an office/…")
	}
	return nil
}

func checkPerson(field string, r domain.Ref) error {
	if !r.IsZero() && r.Kind != domain.KindPerson {
		return domain.Invalid("person.kind", field, field+" 应为人员 person/…", field+" is a person/…")
	}
	return nil
}

func checkOffices(rs []domain.Ref) error {
	for _, r := range rs {
		if err := checkOffice("offices", r); err != nil {
			return err
		}
	}
	return nil
}

// first returns the first error.
func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func missing(field string) error {
	return domain.Invalid("field.required", field, "缺少 "+field, field+" is missing")
}

func require(ok bool, field string) error {
	if ok {
		return nil
	}
	return missing(field)
}

// checkKind: only a recurring task has a schedule.
func checkKind(k Kind, s *Schedule) error {
	if k == 0 {
		return missing("kind")
	}
	if s == nil {
		return nil
	}
	if k != KindRecurring {
		return domain.Invalid("schedule.kind", "schedule", "只有定期任务有周期", "only a recurring task has a schedule")
	}
	return first(require(s.Unit != 0, "schedule.unit"), s.check())
}

func (s *Schedule) check() error {
	switch {
	case s.Unit == calendar.UnitOnce:
		return domain.Invalid("schedule.unit", "schedule.unit", "定期任务按月、季、半年或年办理", "a recurring task recurs every month, quarter, half-year or year")
	case !s.Due.Valid():
		return domain.Invalid("schedule.due", "schedule.due_day", "到期日 due_day 应为 1 至 31，due_in 为 period 或 next", "due_day is 1 to 31, due_in is period or next")
	}
	if err := optionalPeriod(s.First); err != nil {
		return err
	}
	if s.First != "" && s.First.Unit() != s.Unit {
		return domain.Invalid("schedule.first", "schedule.first", "首个所属期 "+string(s.First)+" 与周期 "+s.Unit.Chinese()+"不符",
			"the first period "+string(s.First)+" is no "+s.Unit.String())
	}
	return nil
}

func checkDateOrWords(d calendar.Date, words string) error {
	if d == "" && words == "" {
		return domain.Invalid("deadline.empty", "date", "时限须有日期 date 或原文 words", "a deadline has a date or words")
	}
	return domain.CheckText("words", words, false)
}

// Validate checks the payload by itself.
func (d *Docketed) Validate() error {
	return first(require(d.Directive.Kind == domain.KindDirective, "directive"), domain.CheckText("text_sha256", d.TextSHA256, true), domain.CheckText("text", d.Text, false), checkKind(d.Kind, d.Schedule))
}

// Validate checks the payload by itself.
func (a *Assigned) Validate() error {
	if len(a.Offices) == 0 {
		return missing("offices")
	}
	seen := map[domain.Ref]bool{}
	for _, o := range a.Offices {
		if err := first(checkOffice("offices", o.Office), require(o.Role != 0, "offices.role")); err != nil {
			return err
		}
		if seen[o.Office] {
			return domain.Invalid("assigned.twice", "offices", "同一处室列了两次", "an office is named twice")
		}
		seen[o.Office] = true
	}
	return domain.CheckText("instructions", a.Instructions, false)
}

// Validate checks the payload by itself.
func (l *LeadDesignated) Validate() error { return checkOffice("office", l.Office) }

// Validate checks the payload by itself.
func (k *KindDecided) Validate() error {
	return first(checkKind(k.Kind, k.Schedule), domain.CheckText("reason", k.Reason, true))
}

// Validate checks the payload by itself.
func (d *Disputed) Validate() error {
	if !d.SuggestedOffice.IsZero() {
		if err := checkOffice("suggested_office", d.SuggestedOffice); err != nil {
			return err
		}
	}
	return first(checkOffice("office", d.Office), domain.CheckText("reason", d.Reason, true))
}

// Validate checks the payload by itself.
func (d *DisputeUpheld) Validate() error {
	return first(checkOffice("office", d.Office), domain.CheckText("reason", d.Reason, true))
}

func checkMove(from, to domain.Ref, c Cause, reason string) error {
	if from == to {
		return domain.Invalid("share.same_office", "to", "原处室与新处室相同", "from and to are the same office")
	}
	return first(checkOffice("from", from), checkOffice("to", to), require(c != 0, "cause"), domain.CheckText("reason", reason, false))
}

// Validate checks the payload by itself.
func (t *Transferred) Validate() error { return checkMove(t.From, t.To, t.Cause, t.Reason) }

// Validate checks the payload by itself.
func (a *Absorbed) Validate() error { return checkMove(a.From, a.To, a.Cause, a.Reason) }

// Validate checks the payload by itself.
func (a *Acknowledged) Validate() error {
	return first(checkOffice("office", a.Office), checkPerson("person", a.Person))
}

// Validate checks the payload by itself.
func (h *HandlerChanged) Validate() error {
	return first(checkOffice("office", h.Office), checkPerson("from", h.From), require(!h.To.IsZero(), "to"), checkPerson("to", h.To))
}

// Validate checks the payload by itself.
func (p *PlanSubmitted) Validate() error {
	if err := first(checkOffice("office", p.Office), domain.CheckText("responsible_person", p.ResponsiblePerson, true), require(len(p.Measures) > 0, "measures")); err != nil {
		return err
	}
	for _, m := range p.Measures {
		if err := first(domain.CheckText("measures.text", m.Text, true), checkDateOrWords(m.Due, m.Words)); err != nil {
			return err
		}
	}
	return nil
}

// Validate checks the payload by itself.
func (p *ProgressReported) Validate() error {
	if err := first(checkOffice("office", p.Office), optionalPeriod(p.Period), require(p.Condition != 0, "condition")); err != nil {
		return err
	}
	if p.Nil && (p.Substantive || p.Progress != "") {
		return domain.Invalid("progress_reported.nil", "nil", "零报告不填进展情况", "a nil report states no progress")
	}
	return first(domain.CheckText("progress", p.Progress, !p.Nil), domain.CheckText("problems", p.Problems, false), domain.CheckText("next_steps", p.NextSteps, false))
}

// Validate checks the payload by itself.
func (d *StatedDeadline) Validate() error {
	return first(d.check(), checkDateOrWords(d.Date, d.Words))
}

// Validate checks the payload by itself.
func (d *ProposedDeadline) Validate() error {
	return first(checkOffice("office", d.Office), checkDateOrWords(d.Date, d.Words))
}

// Validate checks the payload by itself.
func (d *SetDeadline) Validate() error {
	return first(d.check(), checkDateOrWords(d.Date, d.Words), domain.CheckText("reason", d.Reason, false))
}

// Validate checks the payload by itself.
func (e *ExtensionRequested) Validate() error {
	return first(checkOffice("office", e.Office), require(e.NewDate != "", "new_date"), domain.CheckText("reason", e.Reason, true))
}

// Validate checks the payload by itself.
func (e *ExtensionGranted) Validate() error {
	return first(checkOffice("office", e.Office), require(e.NewDate != "", "new_date"), domain.CheckText("reason", e.Reason, false))
}

// Validate checks the payload by itself.
func (e *ExtensionRefused) Validate() error {
	return first(checkOffice("office", e.Office), domain.CheckText("reason", e.Reason, true))
}

// Validate checks the payload by itself.
func (s *Suspended) Validate() error {
	return first(checkOffices(s.Offices), domain.CheckText("reason", s.Reason, true))
}

// Validate checks the payload by itself.
func (r *Resumed) Validate() error {
	return first(checkOffices(r.Offices), domain.CheckText("reason", r.Reason, false))
}

// Validate checks the payload by itself.
func (c *ClosureRequested) Validate() error {
	return first(checkOffice("office", c.Office), optionalPeriod(c.Period), domain.CheckText("summary", c.Summary, true))
}

// Validate checks the payload by itself.
func (r *Returned) Validate() error {
	return first(checkOffice("office", r.Office), optionalPeriod(r.Period), domain.CheckText("reason", r.Reason, true))
}

// Validate checks the payload by itself.
func (a *Accepted) Validate() error {
	return first(checkOffice("office", a.Office), optionalPeriod(a.Period), domain.CheckText("opinion", a.Opinion, false))
}

// Validate checks the payload by itself.
func (c *Completed) Validate() error {
	return first(require(c.By != 0, "by"), domain.CheckText("reason", c.Reason, c.By == ClosingOverride))
}

// Validate checks the payload by itself.
func (a *Attested) Validate() error {
	return first(checkOffice("office", a.Office), checkPeriod(a.Period), domain.CheckText("statement", a.Statement, true))
}

// Validate checks the payload by itself.
func (e *Ended) Validate() error { return domain.CheckText("reason", e.Reason, true) }

// Validate checks the payload by itself.
func (c *Cancelled) Validate() error { return domain.CheckText("reason", c.Reason, true) }

// Validate checks the payload by itself.
func (r *Reopened) Validate() error {
	return first(require(r.Reason != 0, "reason"), domain.CheckText("words", r.Words, true), checkOffices(r.Offices))
}

// Validate checks the payload by itself.
func (r *Reminded) Validate() error {
	return first(checkOffices(r.Offices), domain.CheckText("words", r.Words, true), optionalPeriod(r.Period),
		require(r.Step == 0 || r.Deadline != "", "deadline"), require(r.Step != 0 || r.Deadline == "" && r.Period == "", "step"))
}

// Validate checks the payload by itself.
func (e *EvidenceWithdrawn) Validate() error {
	return first(domain.CheckEvidence("sha256", []domain.Evidence{{SHA256: e.SHA256}}), domain.CheckText("reason", e.Reason, true))
}

// Validate checks the payload by itself.
func (f *FindingOpened) Validate() error {
	return require(f.Finding.Kind == domain.KindFinding, "finding")
}

// Validate checks the payload by itself.
func (f *FindingSettled) Validate() error {
	return require(f.Finding.Kind == domain.KindFinding, "finding")
}

// Validate checks the payload by itself.
func (v *Voided) Validate() error { return domain.CheckText("reason", v.Reason, true) }
