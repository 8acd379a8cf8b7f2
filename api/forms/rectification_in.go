package forms

import (
	"fmt"
	"slices"
	"strings"

	"duban/api/workbook"
	"duban/domain"
	"duban/domain/calendar"
	"duban/domain/finding"
	"duban/domain/inspection"
	"duban/projections"
)

// RectificationPlan makes a plan of a list of problems and their rectification that
// came back. now returns what the ledger holds of a row's finding. A row without a
// key is a new finding.
func RectificationPlan(in Returned, t Terms, now func(workbook.Key) (Standing[projections.FindingView], bool)) Plan {
	return in.Plan(func(r returnedRow, p *RowPlan) {
		if (r.Key == workbook.Key{}) {
			planNewFinding(r, p, t)
			return
		}
		s, ok := now(r.Key)
		switch {
		case r.Key.Ref.Kind != domain.KindFinding:
			p.Refuse(OutcomeRefused, r.problem("row.other_table", "", "这一行属于另一种表 / the row belongs to another table"))
		case !ok:
			p.Refuse(OutcomeRefused, r.problem("row.gone", "", "账本里没有这条隐患："+r.Key.Ref.String()+" / the ledger has no such finding: "+r.Key.Ref.String()))
		default:
			planFinding(r, p, t, s)
		}
	})
}

// A findingRow plans one row of the list.
type findingRow struct {
	returnedRow
	plan    *RowPlan
	terms   Terms
	view    projections.FindingView // as it stands; of a new one only its status
	changed []string                // columns, by their keys
	on      calendar.Date           // of what the row gives no date for; none: now
}

func planFinding(r returnedRow, p *RowPlan, t Terms, s Standing[projections.FindingView]) {
	row := RectificationRow(s.View)
	basis := r.column("basis")
	if s.View.Grade == "" && !r.cell("grade").IsEmpty() && withoutCriterion(r.text("basis")) == withoutCriterion(row.Cells[basis].String()) {
		row.Cells[basis] = r.cell("basis") // the criterion comes with the grade
	}
	if !r.compare(p, row, s.Version, Since(r.Key, s.History), nil) {
		return
	}
	f := findingRow{returnedRow: r, plan: p, terms: t, view: s.View, changed: r.differences(row.Cells), on: t.ReceivedOn}
	f.follow()
}

func planNewFinding(r returnedRow, p *RowPlan, t Terms) {
	if !r.cell("id").IsEmpty() {
		p.Refuse(OutcomeRefused, r.problem("row.key", "id", "有编号而没有行标识，请从新导出的表里复制整行；新登记的不填编号 / the row has an id and no key: copy whole rows from a fresh export; a new one has no id"))
		return
	}
	name, place, ok := splitPlace(r.text("place"))
	if !ok {
		p.Refuse(OutcomeRefused, r.problem("place.form", "place", "请写被检查单位名称，空一格，再写具体部位 / write the name of who is inspected, a space, and the place"))
		return
	}
	found := r.cell("found_on").Date()
	p.Outcome = OutcomeNew
	p.Claim = ClaimOf("finding", string(found), name, place, r.text("description"))
	ask := &finding.Recorded{
		Particulars: t.Circumstances(t.OnBehalfOf), Subject: inspection.Subject{Name: name, Place: place},
		Description: r.text("description"), Category: r.text("category"), FoundOn: found,
	}
	ask.Basis = basisOf(r.text("basis"))
	f := findingRow{returnedRow: r, plan: p, terms: t, on: found, view: projections.FindingView{Status: finding.StatusRecorded.String()}}
	f.step("record", ask, found)
	for i, c := range r.of.Columns {
		if c.Editable && !r.Cells[i].IsEmpty() {
			f.changed = append(f.changed, c.Key)
		}
	}
	f.follow()
}

// splitPlace reads the column of the place: the subject's name and, behind a space,
// the place within it.
func splitPlace(s string) (name, place string, ok bool) {
	words := strings.Fields(s)
	if len(words) < 2 {
		return "", "", false
	}
	return words[0], strings.Join(words[1:], " "), true
}

const criterionMark = "判定依据："

func withoutCriterion(basis string) string {
	lines := slices.DeleteFunc(strings.Split(basis, "\n"), func(l string) bool { return strings.HasPrefix(strings.TrimSpace(l), criterionMark) })
	return strings.Join(strings.Fields(strings.Join(lines, " ")), " ")
}

func criterionOf(basis string) string {
	for l := range strings.SplitSeq(basis, "\n") {
		if c, ok := strings.CutPrefix(strings.TrimSpace(l), criterionMark); ok {
			return strings.TrimSpace(c)
		}
	}
	return ""
}

// basisOf reads what the column of the basis says was broken, a ground a line.
func basisOf(text string) []domain.Basis {
	var out []domain.Basis
	for l := range strings.SplitSeq(text, "\n") {
		l = strings.TrimSpace(l)
		if l == "" || strings.HasPrefix(l, criterionMark) {
			continue
		}
		b := domain.Basis{Document: l}
		if title, rest, ok := strings.Cut(l, "》"); ok && strings.TrimSpace(rest) != "" {
			b = domain.Basis{Document: title + "》", Article: strings.TrimSpace(rest)}
		}
		out = append(out, b)
	}
	return out
}

func (f *findingRow) is(keys ...string) bool {
	return slices.ContainsFunc(keys, func(k string) bool { return slices.Contains(f.changed, k) })
}

func (f *findingRow) step(act string, ask domain.Payload, on calendar.Date) {
	f.plan.Steps = append(f.plan.Steps, Step{Target: f.Key.Ref, Kind: domain.KindFinding, Act: act, Ask: ask, On: on})
}

func (f *findingRow) refuse(rule, key, words string) {
	f.plan.Refuse(OutcomeRefused, f.problem(rule, key, words))
}

func (f *findingRow) circumstances() domain.Particulars {
	return f.terms.Circumstances(f.terms.OnBehalfOf)
}

// follow plans what the changed columns ask for, in the order of a finding's life.
func (f *findingRow) follow() {
	for _, part := range []func(){f.grade, f.order, f.reinspect, f.writeOff} {
		if part(); f.plan.Outcome.Rejected() {
			return
		}
	}
}

func (f *findingRow) grade() {
	switch {
	case !f.is("grade"):
		return
	case f.cell("grade").IsEmpty() || f.view.Grade != "":
		f.refuse("grade.changed", "grade", "已定级的不能在表里改，重新定级须写原因，请用 regrade / a grade is not changed here: regrade says why")
		return
	}
	if f.view.Status == finding.StatusRecorded.String() {
		f.step("verify", &finding.Verified{Particulars: f.circumstances()}, f.on)
	}
	grade := finding.GradeOrdinary
	if f.text("grade") == "重大" {
		grade = finding.GradeMajor
	}
	f.step("grade", &finding.Graded{Particulars: f.circumstances(), Grade: grade, Criterion: criterionOf(f.text("basis"))}, f.on)
	f.view.Status = finding.StatusGraded.String()
}

// onSpot reports whether the row says that it was put right on the spot.
func (f *findingRow) onSpot() bool {
	return f.is("outcome") && f.text("outcome") == finding.StatusRectifiedOnSpot.Chinese()
}

func (f *findingRow) order() {
	if f.onSpot() {
		f.step("rectify-on-spot", &finding.RectifiedOnSpot{Particulars: f.circumstances(), Measures: f.text("measures")}, f.day("reinspected_on", f.on))
		f.view.Status = finding.StatusRectifiedOnSpot.String()
		return
	}
	orders := []string{"measures", "funds", "rectifier", "person", "deadline"}
	if !f.is(orders...) {
		return
	}
	if s := f.view.Status; s == finding.StatusOrdered.String() || s == finding.StatusReported.String() {
		first := orders[slices.IndexFunc(orders, func(k string) bool { return f.is(k) })]
		f.refuse("order.changed", first, "已责令整改，不能在表里改：延期用 extend-rectification，写错的用更正 / rectification is ordered and not changed here: extend-rectification gives more time, a correction puts a slip right")
		return
	}
	ask := &finding.RectificationOrdered{
		Particulars: f.circumstances(), Rectifier: finding.Rectifier{Name: f.text("rectifier")},
		ResponsiblePerson: f.text("person"), Measures: f.text("measures"), Deadline: f.cell("deadline").Date(),
	}
	ask.FundsFen, _ = f.cell("funds").Number()
	ask.Rectifier.Office, _ = f.terms.Office(ask.Rectifier.Name)
	f.step("order-rectification", ask, f.on)
}

// day returns the date of a column, otherwise another.
func (f *findingRow) day(key string, otherwise calendar.Date) calendar.Date {
	if d := f.cell(key).Date(); d != "" {
		return d
	}
	return otherwise
}

func (f *findingRow) reinspect() {
	if !f.is("inspectors", "reinspected_on", "outcome") || f.onSpot() {
		return
	}
	result := f.text("outcome")
	on := f.cell("reinspected_on").Date()
	switch {
	case result != passed && result != failed:
		f.refuse("outcome.act", "outcome", fmt.Sprintf("复查结论填“%s”或“%s”；其他结果请用相应的命令办理 / a re-inspection passes or fails: what else became of it has a command of its own", passed, failed))
		return
	case on == "":
		f.refuse("reinspected_on.empty", "reinspected_on", "填了复查结论的须填复查时间 / the day of the re-inspection is missing")
		return
	}
	ask := &finding.Reinspected{Particulars: f.circumstances(), Passed: result == passed, Opinion: "复查" + result}
	for _, id := range strings.FieldsFunc(f.text("inspectors"), func(c rune) bool { return strings.ContainsRune("、，,;； \n", c) }) {
		person, err := domain.Person(id)
		if err != nil {
			f.refuse("inspectors.form", "inspectors", "复查人“"+id+"”不是人员编号，多人用顿号隔开 / "+id+" is no person's id: put 、 between several")
			return
		}
		ask.Inspectors = append(ask.Inspectors, person)
	}
	f.step("reinspect", ask, on)
}

func (f *findingRow) writeOff() {
	switch {
	case !f.is("written_off_on"):
	case f.view.WrittenOffOn != "" || f.cell("written_off_on").IsEmpty():
		f.refuse("written_off_on.changed", "written_off_on", "已销号的日期不能在表里改，请用更正 / the day of a write-off is not changed here: correct it")
	default:
		f.step("write-off", &finding.WrittenOff{Particulars: f.circumstances()}, f.cell("written_off_on").Date())
	}
}
