package forms

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/text/unicode/norm"

	"duban/api/workbook"
	"duban/domain"
	"duban/domain/calendar"
	"duban/domain/finding"
	"duban/domain/inspection"
	"duban/domain/name"
	"duban/domain/task"
	"duban/projections"
)

// BulkPlan makes a plan of a sheet of many entries. directives returns those that go
// by a document number, with their clauses.
func BulkPlan(in Returned, t Terms, directives func(number string) []projections.DirectiveView) Plan {
	once := map[string]int{}
	return in.Plan(func(r returnedRow, p *RowPlan) {
		b := bulkRow{returnedRow: r, plan: p, terms: t}
		i := slices.IndexFunc(BulkActs(), func(a BulkAct) bool { return a.Label == r.text("act") })
		if i < 0 {
			return // a required column of choices: refused above
		}
		p.Outcome = OutcomeNew
		act := BulkActs()[i]
		if act.Kind == domain.KindFinding {
			b.record()
		} else {
			b.onShare(act, directives)
		}
		if p.Outcome != OutcomeNew || len(p.Steps) == 0 || act.Kind == domain.KindFinding {
			return
		}
		s := p.Steps[0]
		key := s.Target.String() + "\x00" + s.Ask.EventType() + "\x00" + string(s.On) + "\x00" + string(bare(s.Ask))
		if earlier, twice := once[key]; twice {
			b.refuse("row.repeated", "", "与第 "+strconv.Itoa(earlier)+" 行是同一件事，请只留一行 / this is what row "+strconv.Itoa(earlier)+" says: keep one of them")
			return
		}
		once[key] = r.Number
	})
}

// NamesDocument reports whether a row of the sheet names a document by its number, as
// numbers are compared.
func (r *Returned) NamesDocument(number string) bool {
	i := slices.IndexFunc(r.Columns, func(c workbook.Column) bool { return c.Key == "source" })
	return i >= 0 && slices.ContainsFunc(r.Rows, func(t workbook.Taken) bool {
		return name.Normalise(name.KindDocumentNumber, t.Cells[i].String()) == number
	})
}

// A bulkRow plans one entry.
type bulkRow struct {
	returnedRow
	plan  *RowPlan
	terms Terms
}

func (b *bulkRow) refuse(rule, key, words string) {
	b.plan.Refuse(OutcomeRefused, b.problem(rule, key, words))
}

// circumstances: what the row says of how it came in goes before what was said of
// the whole sheet.
func (b *bulkRow) circumstances(onBehalfOf domain.Ref) domain.Particulars {
	p := b.terms.Circumstances(onBehalfOf)
	p.Note = b.text("note")
	if via := b.via(); via != 0 {
		p.ReceivedVia = via
	}
	if on := b.cell("received_on").Date(); on != "" {
		p.ReceivedOn = on
	}
	return p
}

func (b *bulkRow) via() domain.Via {
	switch b.text("via") {
	case "纸质":
		return domain.ViaPaper
	case "OA":
		return domain.ViaOA
	case "电话":
		return domain.ViaPhone
	case "会议":
		return domain.ViaMeeting
	}
	return 0
}

// office returns the office of the row, the caller's own where an office leaves it out.
func (b *bulkRow) office() (domain.Ref, bool) {
	if b.cell("office").IsEmpty() && b.terms.By.Role == domain.RoleOffice {
		return b.terms.By.Office, true
	}
	return b.terms.Office(b.text("office"))
}

func (b *bulkRow) onShare(a BulkAct, directives func(string) []projections.DirectiveView) {
	office, ok := b.office()
	if !ok {
		b.refuse("office.unknown", "office", "没有名为“"+b.text("office")+"”的处室 / there is no office called "+b.text("office"))
		return
	}
	target, ok := b.task(directives)
	if !ok {
		return
	}
	period, ok := b.period()
	if !ok {
		return
	}
	behalf := domain.Ref{}
	if b.terms.By.Role == domain.RoleSafetyOffice {
		behalf = office
	}
	ask := b.ask(a, behalf, task.ShareOf{Office: office}, period)
	b.plan.Key = workbook.Key{Ref: target, Office: office.ID, Period: period}
	b.plan.Steps = []Step{{Target: target, Kind: domain.KindTask, Act: a.Act, Ask: ask, On: b.cell("time").Date(), Once: true}}
}

func (b *bulkRow) ask(a BulkAct, behalf domain.Ref, share task.ShareOf, period calendar.Period) domain.Payload {
	p, words := b.circumstances(behalf), b.text("words")
	switch a.Act {
	case "acknowledge":
		return &task.Acknowledged{Particulars: p, ShareOf: share}
	case "request-closure":
		return &task.ClosureRequested{Particulars: p, ShareOf: share, Period: period, Summary: words}
	case "request-extension":
		return &task.ExtensionRequested{Particulars: p, ShareOf: share, NewDate: b.cell("deadline").Date(), Reason: words}
	case "dispute":
		return &task.Disputed{Particulars: p, ShareOf: share, Reason: words}
	}
	report := &task.ProgressReported{
		Particulars: p, ShareOf: share, Period: period, Condition: b.condition(),
		Problems: b.text("problems"), NextSteps: b.text("next_steps"), Nil: a.Nil || isNil(words),
	}
	if report.Nil {
		report.Condition = max(report.Condition, task.ConditionNormal)
		return report
	}
	report.Progress, report.Substantive = words, true
	return report
}

func (b *bulkRow) condition() task.Condition {
	switch b.text("condition") {
	case "未启动":
		return task.ConditionNotStarted
	case "正常推进":
		return task.ConditionNormal
	case "滞后":
		return task.ConditionBehind
	case "已完成":
		return task.ConditionDone
	}
	return 0
}

func (b *bulkRow) period() (calendar.Period, bool) {
	s := strings.ToUpper(norm.NFKC.String(b.text("period")))
	if s == "" {
		return "", true
	}
	p, err := calendar.ParsePeriod(s)
	if err != nil {
		b.refuse("period.form", "period", "所属期应写成 2019、2019-H1、2019-Q3 或 2019-08 / a period is written 2019, 2019-H1, 2019-Q3 or 2019-08")
		return "", false
	}
	return p, true
}

// task finds the task that the document and the clause name.
func (b *bulkRow) task(directives func(string) []projections.DirectiveView) (domain.Ref, bool) {
	if b.Key.Ref.Kind == domain.KindTask {
		return b.Key.Ref, true
	}
	found := directives(name.Normalise(name.KindDocumentNumber, b.text("source")))
	if len(found) != 1 {
		b.refuse("source.unknown", "source", "没有文号为“"+b.text("source")+"”的文件 / there is no directive numbered "+b.text("source"))
		return domain.Ref{}, false
	}
	var clauses []projections.ClauseView
	want := clauseName(b.text("clause"))
	for _, c := range found[0].Clauses {
		if want != "" && (want == strconv.Itoa(c.Number) || want == clauseName(strings.Join(c.Path, ""))) {
			clauses = append(clauses, c)
		}
	}
	switch {
	case len(clauses) == 0:
		b.refuse("clause.unknown", "clause", "该文件没有这一条款 / the directive has no such clause")
	case len(clauses) > 1:
		b.refuse("clause.ambiguous", "clause", "有几项条款的层级相同，请写第几项，如 7 / several clauses have this path: name it by its number, like 7")
	case clauses[0].Task == "":
		b.refuse("clause.undocketed", "clause", "这一条款没有立项 / the clause is not docketed")
	default:
		return domain.Ref{Kind: domain.KindTask, ID: clauses[0].Task}, true
	}
	return domain.Ref{}, false
}

var clauseNumber = regexp.MustCompile(`第(\d+)[项条]`)

// clauseName returns how clauses are compared: by their number where it is given
// (第7项 is 7), otherwise by their path (一/（二） is 一(二)).
func clauseName(s string) string {
	s = strings.Join(strings.FieldsFunc(norm.NFKC.String(s), func(c rune) bool { return strings.ContainsRune(" \n\t/、，,.。", c) }), "")
	if m := clauseNumber.FindStringSubmatch(s); m != nil {
		return m[1]
	}
	return s
}

// record plans a new finding.
func (b *bulkRow) record() {
	behalf := b.terms.OnBehalfOf
	if office, ok := b.terms.Office(b.text("office")); ok && b.terms.By.Role == domain.RoleSafetyOffice {
		behalf = office
	}
	found := b.cell("time").Date()
	ask := &finding.Recorded{
		Particulars: b.circumstances(behalf), Subject: inspection.Subject{Name: b.text("subject"), Place: b.text("place")},
		Description: b.text("description"), Category: b.text("category"), FoundOn: found,
	}
	ask.Basis = basisOf(b.text("basis"))
	b.plan.Claim = ClaimOf("finding", string(found), ask.Subject.Name, ask.Subject.Place, ask.Description)
	b.plan.Steps = []Step{{Kind: domain.KindFinding, Act: "record", Ask: ask, On: found}}
}
