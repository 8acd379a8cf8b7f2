package forms

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"duban/api/workbook"
	"duban/domain"
	"duban/domain/calendar"
	"duban/domain/finding"
	"duban/domain/inspection"
)

// A Hazard is a row of a register of hazards (HazardRegister) as it was read.
type Hazard struct {
	Row           int    // in the sheet
	Number        string // 序号, as the register counts
	Description   string
	FoundOn       calendar.Date
	Category      string
	Grade         finding.Grade // 0: not stated
	Rectifier     string
	Deadline      calendar.Date
	Measures      string
	ReinspectedOn calendar.Date
	Outcome       string         // 复查结果 as the register words it
	State         string         // 隐患状态 as the register words it
	Reached       finding.Status // where the two say the hazard stands
}

// ReadHazard reads a row of t, which is HazardRegister perhaps with other headers.
// What doesn't say clearly where the hazard stands is refused.
func ReadHazard(t workbook.Table, row workbook.Taken) (Hazard, error) {
	at := func(key string) int {
		return slices.IndexFunc(t.Columns, func(c workbook.Column) bool { return c.Key == key })
	}
	text := func(key string) string { return row.Cells[at(key)].String() }
	date := func(key string) calendar.Date { return row.Cells[at(key)].Date() }
	h := Hazard{
		Row: row.Number, Number: text("number"), Description: text("description"), FoundOn: date("found_on"),
		Category: text("category"), Grade: gradeOf(text("grade")), Rectifier: text("rectifier"), Deadline: date("deadline"),
		Measures: text("measures"), ReinspectedOn: date("reinspected_on"),
		Outcome: row.Shown[at("outcome")], State: row.Shown[at("status")],
	}
	var err error
	if h.Reached, err = reached(text("status"), text("outcome")); err != nil {
		return h, err
	}
	return h, h.checkDates()
}

// Key is what the row is known by from one edition of its register to the next.
func (h Hazard) Key() string {
	return ClaimOf("hazard", h.Description, string(h.FoundOn), h.Rectifier)
}

// reached puts a row's state and the result of its re-inspection together.
func reached(state, outcome string) (finding.Status, error) {
	switch {
	case state == "" && outcome == "":
		return 0, domain.Invalid("register.state", "隐患状态", "没有填隐患状态和复查结果，不知进展到哪一步", "neither state nor outcome says where the hazard stands")
	case outcome == "" && state == registerOpen:
		return finding.StatusOrdered, nil
	case outcome == "" && state == registerReported:
		return finding.StatusReported, nil
	case outcome != failed && state == registerPassed, outcome == passed && (state == "" || state == registerReported):
		return finding.StatusPassed, nil
	case outcome != passed && state == registerFailed, outcome == failed && (state == "" || state == registerOpen):
		return finding.StatusFailed, nil
	case outcome == passed && state == registerClosed:
		return finding.StatusWrittenOff, nil
	case outcome == "" && state == registerClosed:
		return 0, domain.Invalid("register.outcome", "复查结果", "隐患状态为已销号，但没有复查结果；经复查合格的请补填", "the state is closed, but no outcome of a re-inspection is given: fill it in")
	}
	return 0, domain.Invalid("register.contradiction", "复查结果",
		"隐患状态“"+state+"”与复查结果“"+outcome+"”对不上，请核对", "the state "+state+" and the outcome "+outcome+" contradict each other")
}

func (h Hazard) checkDates() error {
	early := func(name string, d calendar.Date) error {
		if d == "" || d >= h.FoundOn {
			return nil
		}
		return domain.Invalid("register.dates", name,
			name+" "+string(d)+" 早于排查日期 "+string(h.FoundOn)+"，请核对", name+" "+string(d)+" lies before 排查日期 "+string(h.FoundOn))
	}
	if err := early("整改期限", h.Deadline); err != nil {
		return err
	}
	if err := early("复查日期", h.ReinspectedOn); err != nil {
		return err
	}
	if h.ReinspectedOn != "" && !h.reinspected() {
		return domain.Invalid("register.outcome", "复查结果",
			"填了复查日期 "+string(h.ReinspectedOn)+"，但没有复查结果；尚未复查的请删去复查日期", "复查日期 is filled in, but no outcome: give it, or clear the date of what is yet to come")
	}
	return nil
}

// reinspected reports whether somebody looked, whatever was seen.
func (h Hazard) reinspected() bool {
	return slices.Contains([]finding.Status{finding.StatusPassed, finding.StatusFailed, finding.StatusWrittenOff}, h.Reached)
}

func gradeOf(word string) finding.Grade {
	switch word {
	case gradeWord(finding.GradeMajor):
		return finding.GradeMajor
	case gradeWord(finding.GradeOrdinary):
		return finding.GradeOrdinary
	}
	return 0
}

// A HazardImport says what holds for every row of a register beside the terms: what
// the register itself doesn't tell.
type HazardImport struct {
	Terms
	Supervising domain.Ref        // office, of the rectification; zero: none
	Criterion   string            // 判定依据 of the major hazards
	Place       string            // where they all are
	Categories  map[string]string // 隐患类型 as the register words it → as the ledger does
	// Approval of one clerk's entering both sides of the checks. It goes onto the acts
	// that aren't let in without.
	Approval *domain.Approval
}

// What stands where the ledger asks for something and the register doesn't tell.
const notStated = "原台账未载明"

// Plan says what becomes of the rows of a register, which were read as table t.
// ledger returns the history of the finding that holds a claim, none if no row made it yet.
func (im HazardImport) Plan(t workbook.Table, r workbook.Reading, ledger func(claim string) ([]domain.Event, error)) (Plan, error) {
	out := Plan{Sheet: r.Sheet, Header: r.Header, Ignored: r.Ignored}
	rows := map[int]int{}
	for i, row := range r.Rows {
		rows[row.Number] = i
		out.Rows = append(out.Rows, RowPlan{Number: row.Number, Shown: row.Shown})
	}
	for _, p := range r.Problems {
		if i, ok := rows[p.Row]; ok && r.Rows[i].Problems > 0 {
			out.Rows[i].Refuse(OutcomeRefused, p)
		} else {
			out.Problems = append(out.Problems, p)
		}
	}
	first := map[string]int{}
	for i := range out.Rows {
		row := &out.Rows[i]
		if row.Outcome != 0 { // what it says could not be read
			continue
		}
		h, err := ReadHazard(t, r.Rows[i])
		if n, twice := first[h.Key()]; twice {
			err = domain.Invalid("register.twice", "隐患内容",
				"隐患内容、排查日期、责任单位与第 "+strconv.Itoa(n)+" 行相同，请删去重复的一行", "the same hazard stands in row "+strconv.Itoa(n)+" already: take one out")
		} else {
			first[h.Key()] = row.Number
		}
		if err == nil {
			var history []domain.Event
			if history, err = ledger(h.Key()); err != nil {
				return Plan{}, err
			}
			err = im.planRow(row, h, history)
		}
		for j := range row.Reasons {
			row.Reasons[j].Sheet = r.Sheet
		}
		if err != nil {
			row.Refuse(OutcomeRefused, reasonOf(r.Sheet, row.Number, err))
		}
	}
	return out, nil
}

// planRow plans a row that no other one in the file repeats.
func (im HazardImport) planRow(row *RowPlan, h Hazard, history []domain.Event) error {
	steps, err := im.Steps(h, history)
	if err != nil {
		return err
	}
	was := finding.Replay(history)
	row.Steps = steps
	row.Reasons = differences(h, im.category(h), was, steps)
	switch {
	case was.Status == 0:
		row.Outcome, row.Claim = OutcomeNew, h.Key()
	case len(steps) == 0:
		row.Outcome = OutcomeAlready
	default:
		row.Outcome = OutcomeChanged
		row.Changes = []Change{{Column: "隐患状态", Was: was.Status.Chinese(), Becomes: h.Reached.Chinese()}}
	}
	return nil
}

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
	switch s {
	case finding.StatusRectifiedOnSpot:
		s = finding.StatusReported
	case finding.StatusFailed:
		s = finding.StatusPassed
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
		return domain.Invalid("register.reinspected_on", "复查日期",
			"该隐患 "+string(p.last)+" 复查不合格，再次复查的日期应晚于此日，请填写", "the hazard failed its re-inspection of "+string(p.last)+": give the later day of the next one")
	}
	if p.h.Deadline < p.last {
		return domain.Invalid("register.deadline", "整改期限",
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
		return false, domain.Invalid("register.grade", "隐患级别", "没有填隐患级别，已整改的隐患须先定级", "the grade is missing of a hazard that was put right")
	}
	ask := &finding.Graded{Grade: p.h.Grade}
	if p.h.Grade == finding.GradeMajor {
		if p.im.Criterion == "" {
			return false, domain.Invalid("register.criterion", "隐患级别",
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
		return false, domain.Invalid("register.deadline", "整改期限", "没有填整改期限，已整改的隐患须先责令整改", "the deadline is missing of a hazard that was put right")
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
		return false, domain.Invalid("register.dates", "复查日期",
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

func (im HazardImport) category(h Hazard) string {
	if c, ok := im.Categories[h.Category]; ok {
		return c
	}
	return h.Category
}

// differences tells what else a row says otherwise than the ledger. None of it is
// taken over: each has its own act, with its own grounds.
func differences(h Hazard, category string, s finding.State, steps []Step) []workbook.Problem {
	taken := func(act string) bool { return slices.ContainsFunc(steps, func(st Step) bool { return st.Act == act }) }
	var out []workbook.Problem
	differs := func(column, was, says, act string) {
		if was == "" || says == "" || was == says {
			return
		}
		out = append(out, workbook.Problem{Rule: "register.differs", Row: h.Row, Column: column, Value: says, Words: domain.Both(
			"与账本不同，不随导入变更 / differs from the ledger and is not taken over",
			"账本为“"+was+"”，表中为“"+says+"”；确有变更的请另行办理："+act, "the ledger says "+was+"; if that changed, use "+act)})
	}
	if s.Status == 0 {
		return nil
	}
	differs("隐患类型", s.Category, category, "correct")
	if !taken("grade") {
		differs("隐患级别", gradeWord(s.Grade), gradeWord(h.Grade), "regrade")
	}
	if !taken("order-rectification") {
		differs("整改期限", string(s.Deadline.On), string(h.Deadline), "extend-rectification")
		differs("整改措施与要求", s.Order.Measures, h.Measures, "correct")
	}
	if r, ok := s.Reinspection(); ok && !taken("reinspect") {
		differs("复查日期", string(calendar.On(r.Time)), string(h.ReinspectedOn), "correct")
	}
	return out
}

// reasonOf is why a row is refused.
func reasonOf(sheet string, row int, err error) workbook.Problem {
	p := workbook.Problem{Rule: "row", Sheet: sheet, Row: row, Words: err.Error()}
	var r *domain.Refusal
	if errors.As(err, &r) {
		p.Rule, p.Words = r.Rule, r.Chinese+" / "+r.English
		if strings.HasPrefix(r.Rule, "register.") {
			p.Column = r.Field
		}
	}
	return p
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
