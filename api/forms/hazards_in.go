package forms

import (
	"errors"
	"slices"
	"strconv"

	"duban/api/workbook"
	"duban/domain"
	"duban/domain/calendar"
	"duban/domain/finding"
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

// ReadHazard reads a row of a register, which came back as HazardRegister or with
// other headers. What doesn't say clearly where the hazard stands is refused.
func ReadHazard(r *Returned, t workbook.Taken) (Hazard, error) {
	row := returnedRow{r, t}
	text := row.text
	date := func(key string) calendar.Date { return row.cell(key).Date() }
	h := Hazard{
		Row: row.Number, Number: text("number"), Description: text("description"), FoundOn: date("found_on"),
		Category: text("category"), Grade: gradeOf(text("grade")), Rectifier: text("rectifier"), Deadline: date("deadline"),
		Measures: text("measures"), ReinspectedOn: date("reinspected_on"),
		Outcome: row.Shown[row.column("outcome")], State: row.Shown[row.column("status")],
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
		return 0, domain.Invalid("register.state", "status", "没有填隐患状态和复查结果，不知进展到哪一步", "neither state nor outcome says where the hazard stands")
	case outcome == "" && state == registerOpen:
		return finding.StatusOrdered, nil
	case outcome == "" && state == registerReported:
		return finding.StatusReported, nil
	case outcome != failed && state == registerSound, outcome == passed && (state == "" || state == registerReported):
		return finding.StatusPassed, nil
	case outcome != passed && state == registerUnsound, outcome == failed && (state == "" || state == registerOpen):
		return finding.StatusFailed, nil
	case outcome == passed && state == registerClosed:
		return finding.StatusWrittenOff, nil
	case outcome == "" && state == registerClosed:
		return 0, domain.Invalid("register.outcome", "outcome", "隐患状态为已销号，但没有复查结果；经复查合格的请补填", "the state is closed, but no outcome of a re-inspection is given: fill it in")
	}
	return 0, domain.Invalid("register.contradiction", "outcome",
		"隐患状态“"+state+"”与复查结果“"+outcome+"”对不上，请核对", "the state "+state+" and the outcome "+outcome+" contradict each other")
}

func (h Hazard) checkDates() error {
	early := func(key, name string, d calendar.Date) error {
		if d == "" || d >= h.FoundOn {
			return nil
		}
		return domain.Invalid("register.dates", key,
			name+" "+string(d)+" 早于排查日期 "+string(h.FoundOn)+"，请核对", name+" "+string(d)+" lies before 排查日期 "+string(h.FoundOn))
	}
	if err := early("deadline", "整改期限", h.Deadline); err != nil {
		return err
	}
	if err := early("reinspected_on", "复查日期", h.ReinspectedOn); err != nil {
		return err
	}
	if h.ReinspectedOn != "" && !h.reinspected() {
		return domain.Invalid("register.outcome", "outcome",
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

// Plan says what becomes of the rows of a register. ledger returns the history of
// the finding that holds a claim, none if no row made it yet.
func (im HazardImport) Plan(r *Returned, ledger func(claim string) ([]domain.Event, error)) (Plan, error) {
	var failure error
	first := map[string]int{}
	plan := r.Plan(func(row returnedRow, out *RowPlan) {
		h, err := ReadHazard(r, row.Taken)
		key := h.Key()
		if n, twice := first[key]; twice {
			err = domain.Invalid("register.twice", "description",
				"隐患内容、排查日期、责任单位与第 "+strconv.Itoa(n)+" 行相同，请删去重复的一行", "the same hazard stands in row "+strconv.Itoa(n)+" already: take one out")
		} else {
			first[key] = row.Number
		}
		if err != nil {
			out.Refuse(OutcomeRefused, row.refusal(err))
			return
		}
		history, err := ledger(key)
		if err != nil {
			failure = err
			return
		}
		if err := im.planRow(row, out, h, history); err != nil {
			out.Refuse(OutcomeRefused, row.refusal(err))
		}
	})
	return plan, failure
}

// planRow plans a row that no other one in the file repeats.
func (im HazardImport) planRow(row returnedRow, out *RowPlan, h Hazard, history []domain.Event) error {
	steps, err := im.Steps(h, history)
	if err != nil {
		return err
	}
	was := finding.Replay(history)
	out.Key.Ref = was.ID // the row has no key of ours, but a record
	out.Steps = steps
	out.Reasons = row.differing(h, im.category(h), was, steps)
	switch {
	case was.Status == 0:
		out.Outcome, out.Claim = OutcomeNew, h.Key()
	case len(steps) == 0:
		out.Outcome = OutcomeAlready
	default:
		change := Change{Was: was.Status.Chinese(), Becomes: h.Reached.Chinese()}
		change.Column, change.Cell = row.place("status")
		out.Outcome, out.Changes = OutcomeChanged, []Change{change}
	}
	return nil
}

func (im HazardImport) category(h Hazard) string {
	if c, ok := im.Categories[h.Category]; ok {
		return c
	}
	return h.Category
}

// differing tells what else a row says otherwise than the ledger. None of it is
// taken over: each has its own act, with its own grounds.
func (r returnedRow) differing(h Hazard, category string, s finding.State, steps []Step) []workbook.Problem {
	if s.Status == 0 {
		return nil
	}
	var out []workbook.Problem
	differs := func(key, was, says, act string) {
		if was == "" || says == "" || was == says {
			return
		}
		out = append(out, r.problem("register.differs", key, domain.Both(
			"与账本不同，不随导入变更 / differs from the ledger and is not taken over",
			"账本为“"+was+"”，表中为“"+says+"”；确有变更的请另行办理 "+act, "the ledger says "+was+"; if that changed, use "+act)))
	}
	taken := func(act string) bool { return slices.ContainsFunc(steps, func(st Step) bool { return st.Act == act }) }
	differs("category", s.Category, category, "correct")
	if !taken("grade") {
		differs("grade", gradeWord(s.Grade), gradeWord(h.Grade), "regrade")
	}
	if !taken("order-rectification") {
		differs("deadline", string(s.Deadline.On), string(h.Deadline), "extend-rectification")
		differs("measures", s.Order.Measures, h.Measures, "correct")
	}
	if last, ok := s.Reinspection(); ok && !taken("reinspect") {
		differs("reinspected_on", string(calendar.On(last.Time)), string(h.ReinspectedOn), "correct")
	}
	return out
}

// refusal is why a row is refused: for one of its cells, or for what the domain says.
func (r returnedRow) refusal(err error) workbook.Problem {
	var no *domain.Refusal
	if !errors.As(err, &no) {
		return r.problem("row", "", err.Error())
	}
	key := no.Field
	if r.column(key) < 0 {
		key = "" // a field of the payload
	}
	return r.problem(no.Rule, key, no.Chinese+" / "+no.English)
}
