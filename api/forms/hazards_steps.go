package forms

import (
	"slices"
	"strconv"

	"duban/domain"
	"duban/domain/calendar"
	"duban/domain/finding"
	"duban/domain/inspection"
)

// Steps returns what has to be recorded so that a finding stands where the row
// says, in order: from nothing, or from where its history has brought it. A row
// that tells of nothing new has no steps. A step that the domain would not let in is
// refused here.
func (im HazardImport) Steps(h Hazard, history []domain.Event) ([]Step, error) {
	if err := domain.CheckKnown(history); err != nil {
		return nil, err
	}
	s := finding.Replay(history)
	p := &hazardPlan{im: im, h: h, s: s, now: s, last: calendar.On(s.Since.Time)}
	p.rectifier, _ = im.Office(h.Rectifier)
	if s.Status == 0 {
		p.last = h.FoundOn
	}
	if err := p.check(); err != nil || p.known() {
		return nil, err
	}
	take := p.onward
	if s.Status == finding.StatusFailed {
		take = p.again
	}
	if err := take(); err != nil {
		return nil, err
	}
	return p.steps, nil
}

// What stands where the ledger asks for something and the register doesn't tell.
const notStated = "原台账未载明"

type hazardPlan struct {
	im        HazardImport
	h         Hazard
	s, now    finding.State // before the first step, and after the last one so far
	rectifier domain.Ref    // the office that goes by the row's 责任单位, zero if it is none of the ledger's
	last      calendar.Date // the latest date known before the next step
	steps     []Step
}

// stage orders the statuses that a register can tell of. A status it can't is 0.
func stage(s finding.Status) int {
	way := []finding.Status{finding.StatusRecorded, finding.StatusVerified, finding.StatusGraded, finding.StatusOrdered, finding.StatusReported, finding.StatusPassed, finding.StatusWrittenOff}
	if s == finding.StatusRectifiedOnSpot {
		s = finding.StatusReported // what remains is the look afterwards
	}
	if s == finding.StatusFailed {
		s = finding.StatusPassed // the way forks there, see again
	}
	return slices.Index(way, s) + 1
}

// check refuses what the ledger knows otherwise.
func (p *hazardPlan) check() error {
	if p.s.Status == 0 {
		return nil
	}
	if stage(p.s.Status) == 0 {
		return domain.Illegal("register.ended",
			"该隐患（"+p.s.ID.String()+"）在督办中"+p.s.Status.Chinese()+"，不再随原台账变动", "the finding "+p.s.ID.String()+" is "+p.s.Status.String()+" and no longer follows the register")
	}
	passedHere := p.s.Status == finding.StatusPassed || p.s.Status == finding.StatusWrittenOff
	if passedHere && p.h.Reached == finding.StatusFailed && !p.seen() {
		return domain.Illegal("register.passed",
			"原台账为复查不合格，该隐患（"+p.s.ID.String()+"）在督办中"+p.s.Status.Chinese()+"，请核对", "the register says failed, the finding "+p.s.ID.String()+" is "+p.s.Status.String())
	}
	return nil
}

// known reports whether the ledger is as far as the row, or farther.
func (p *hazardPlan) known() bool {
	if p.s.Status == finding.StatusFailed {
		return !p.h.reinspected() || p.h.Reached == finding.StatusFailed && p.seen()
	}
	return stage(p.h.Reached) <= stage(p.s.Status)
}

// seen reports whether the ledger has the row's re-inspection.
func (p *hazardPlan) seen() bool {
	return slices.ContainsFunc(p.s.Reinspections, func(r finding.Reinspection) bool {
		return r.Passed == (p.h.Reached != finding.StatusFailed) && (p.h.ReinspectedOn == "" || calendar.On(r.Time) == p.h.ReinspectedOn)
	})
}

// onward takes the finding from where it is, as far as the row says.
func (p *hazardPlan) onward() error {
	from, to := stage(p.s.Status), stage(p.h.Reached)
	way := []struct {
		after finding.Status // the step leads there
		take  func() (on bool, err error)
	}{
		{finding.StatusRecorded, p.record}, {finding.StatusVerified, p.verify}, {finding.StatusGraded, p.grade},
		{finding.StatusOrdered, p.order}, {finding.StatusReported, p.report}, {finding.StatusPassed, p.reinspect}, {finding.StatusWrittenOff, p.writeOff},
	}
	for _, step := range way {
		if at := stage(step.after); at <= from || at > to {
			continue
		}
		if on, err := step.take(); err != nil || !on {
			return err
		}
	}
	return nil
}

// again is another round after a re-inspection that failed.
func (p *hazardPlan) again() error {
	if p.h.ReinspectedOn == "" || p.h.ReinspectedOn <= p.last {
		return domain.Invalid("register.reinspected_on", "reinspected_on",
			"该隐患 "+string(p.last)+" 复查不合格，再次复查的日期应晚于此日，请填写", "the hazard failed its re-inspection of "+string(p.last)+": give the later day of the next one")
	}
	if p.h.Deadline < p.last {
		return domain.Invalid("register.deadline", "deadline",
			"该隐患 "+string(p.last)+" 复查不合格，须重新责令整改，请填新的整改期限", "the hazard failed its re-inspection of "+string(p.last)+" and was ordered again: give the new deadline")
	}
	for _, take := range []func() (bool, error){p.order, p.report, p.reinspect} {
		if _, err := take(); err != nil {
			return err
		}
	}
	if p.h.Reached == finding.StatusWrittenOff {
		_, err := p.writeOff()
		return err
	}
	return nil
}

func (p *hazardPlan) record() (bool, error) {
	place, category := p.im.Place, p.im.category(p.h)
	if place == "" {
		place = notStated
	}
	if category == "" {
		category = notStated
	}
	return p.add("", &finding.Recorded{
		Subject: inspection.Subject{Name: p.h.Rectifier, Place: place}, Description: p.h.Description, Category: category, FoundOn: p.h.FoundOn,
	})
}

func (p *hazardPlan) verify() (bool, error) {
	return p.add("核实", &finding.Verified{})
}

// grade stops at a row that states no grade, unless it tells of what came after.
func (p *hazardPlan) grade() (bool, error) {
	if p.h.Grade == 0 {
		if p.h.Reached == finding.StatusOrdered {
			return false, nil
		}
		return false, domain.Invalid("register.grade", "grade", "没有填隐患级别，已整改的隐患须先定级", "the grade is missing of a hazard that was put right")
	}
	ask := &finding.Graded{Grade: p.h.Grade}
	if p.h.Grade == finding.GradeMajor {
		if p.im.Criterion == "" {
			return false, domain.Invalid("register.criterion", "grade",
				"重大隐患须有判定依据，原台账没有这一栏，请在导入时写明（criterion）", "a major hazard needs the criterion it was graded by, which the register has no column for: state it with the import")
		}
		ask.Criterion = p.im.Criterion
	}
	return p.add("定级", ask)
}

// order stops at a row that states no deadline, unless it tells of what came after.
func (p *hazardPlan) order() (bool, error) {
	if p.h.Deadline == "" {
		if p.h.Reached == finding.StatusOrdered {
			return false, nil
		}
		return false, domain.Invalid("register.deadline", "deadline", "没有填整改期限，已整改的隐患须先责令整改", "the deadline is missing of a hazard that was put right")
	}
	return p.add("责令整改", &finding.RectificationOrdered{
		Rectifier:         finding.Rectifier{Office: p.rectifier, Name: p.h.Rectifier},
		SupervisingOffice: p.im.Supervising, Measures: p.h.Measures, Deadline: p.h.Deadline,
	})
}

// report has no date in the register. The deadline is taken where it lies between
// what came before and what is known after.
func (p *hazardPlan) report() (bool, error) {
	until := p.im.ReceivedOn
	if p.h.ReinspectedOn != "" {
		until = p.h.ReinspectedOn
	}
	by := "上一环节的日期"
	if p.last <= p.h.Deadline && p.h.Deadline <= until {
		by, p.last = "整改期限", p.h.Deadline
	}
	ask := &finding.RectificationReported{Summary: "原台账隐患状态：" + words(p.h.State) + "；复查结果：" + words(p.h.Outcome)}
	ask.Note = undated("报告整改", by, p.last)
	return p.step(ask, p.reporter())
}

// reporter is for whom the report is entered: the rectifier itself, else who
// supervises it, else whose register it is.
func (p *hazardPlan) reporter() domain.Ref {
	offices := []domain.Ref{p.rectifier, p.im.Supervising}
	if p.s.Orders > 0 && p.s.Status != finding.StatusFailed {
		offices = []domain.Ref{p.s.Carrier(p.s.Order.Rectifier.Office), p.s.Carrier(p.s.Order.SupervisingOffice)}
	}
	for _, o := range append(offices, p.im.OnBehalfOf) {
		if !o.IsZero() {
			return o
		}
	}
	return domain.Ref{}
}

func (p *hazardPlan) reinspect() (bool, error) {
	ask := &finding.Reinspected{Passed: p.h.Reached != finding.StatusFailed, Opinion: "原台账复查结果：" + words(p.h.Outcome) + "；隐患状态：" + words(p.h.State)}
	if p.h.ReinspectedOn == "" {
		return p.add("复查", ask)
	}
	if p.h.ReinspectedOn < p.last {
		return false, domain.Invalid("register.dates", "reinspected_on",
			"复查日期 "+string(p.h.ReinspectedOn)+" 早于该隐患在督办中前一环节的日期 "+string(p.last)+"，请核对或先更正", "复查日期 "+string(p.h.ReinspectedOn)+" lies before what the ledger has on "+string(p.last)+": check it, or correct that first")
	}
	p.last = p.h.ReinspectedOn
	return p.add("", ask)
}

func (p *hazardPlan) writeOff() (bool, error) {
	return p.add("销号", &finding.WrittenOff{Opinion: "原台账隐患状态：" + words(p.h.State)})
}

// add appends a step for whom the register is entered. what names a step that the
// register gives no date of.
func (p *hazardPlan) add(what string, ask domain.Payload) (on bool, err error) {
	if what != "" {
		ask.Circumstances().Note = undated(what, "上一环节的日期", p.last)
	}
	return p.step(ask, p.im.OnBehalfOf)
}

// step appends a step that the domain lets in.
func (p *hazardPlan) step(ask domain.Payload, behalf domain.Ref) (on bool, err error) {
	c := ask.Circumstances()
	note := "据原台账第 " + strconv.Itoa(p.h.Row) + " 行"
	if p.h.Number != "" {
		note += "（序号 " + p.h.Number + "）"
	}
	note += "补录。" + c.Note
	*c = p.im.Circumstances(behalf)
	c.Note = note
	if err := p.decide(ask); err != nil {
		return false, err
	}
	act, _ := domain.ActOf(finding.Acts(), ask)
	p.steps = append(p.steps, Step{Target: p.s.ID, Kind: domain.KindFinding, Act: act.Name, Ask: ask, On: p.last})
	return true, nil
}

// decide tries a step, with the approval where it isn't let in without.
func (p *hazardPlan) decide(ask domain.Payload) error {
	at := p.last.Start()
	if since := p.now.Since.Time; since.After(at) && calendar.On(since) == p.last {
		at = since
	}
	c := domain.Command{
		Entry:   domain.Entry{By: p.im.By, Time: at, Now: p.im.Today.End().Add(-domain.Ahead)},
		Subject: p.s.ID, Ask: ask,
	}
	events, err := finding.Decide(p.now, c)
	if err != nil && p.im.Approval != nil {
		approval := *p.im.Approval
		approval.Evidence = slices.Clone(approval.Evidence)
		ask.Circumstances().Approval = &approval
		events, err = finding.Decide(p.now, c)
	}
	for _, e := range events {
		p.now = finding.Evolve(p.now, e)
	}
	return err
}

func undated(what, by string, on calendar.Date) string {
	return "原台账没有" + what + "的日期，按" + by + " " + string(on) + " 记。"
}

// words are what a register says, or that it says nothing.
func words(s string) string {
	if s == "" {
		return "未填"
	}
	return s
}
