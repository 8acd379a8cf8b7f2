package forms

import (
	"fmt"
	"slices"
	"strings"

	"duban/api/workbook"
	"duban/domain"
	"duban/domain/calendar"
	"duban/domain/task"
	"duban/projections"
)

// A Standing is what the ledger holds of a row's record.
type Standing[V any] struct {
	View    V
	History []domain.Event
	Version uint64 // of the record
}

// ProgressPlan makes a plan of a summary of progress that came back. now returns
// what the ledger holds of a row's share, ok false where the table has none such.
func ProgressPlan(in Returned, t Terms, now func(workbook.Key) (Standing[projections.ShareRow], bool)) Plan {
	return in.Plan(func(r returnedRow, p *RowPlan) {
		if (r.Key == workbook.Key{}) {
			p.Refuse(OutcomeRefused, r.problem("row.new", "", "这一行没有行标识，进展汇总表不能新增行；请从新导出的表里复制整行 / the row has no key, and no row is added to this table: copy whole rows from a fresh export"))
			return
		}
		if r.Key.Ref.Kind != domain.KindTask || r.Key.Period == "" {
			p.Refuse(OutcomeRefused, r.problem("row.other_table", "", "这一行属于另一种表 / the row belongs to another table"))
			return
		}
		s, ok := now(r.Key)
		if !ok {
			p.Refuse(OutcomeRefused, r.problem("row.gone", "",
				"账本里"+r.Key.Period.Chinese()+"没有这个分项 / the ledger has no such share in "+string(r.Key.Period)))
			return
		}
		planProgress(r, p, t, s)
	})
}

func planProgress(r returnedRow, p *RowPlan, t Terms, s Standing[projections.ShareRow]) {
	row := ProgressRow(r.Key.Period)(s.View)
	if r.cell("done").Yes() && s.View.Condition == task.ConditionDone.String() {
		row.Cells[r.column("done")] = r.cell("done") // reported as done; acceptance is not the sheet's
	}
	if r.compare(p, row, s.Version, Since(r.Key, s.History), derivedProgress()) {
		r.report(p, t, s.View)
	}
}

// derivedProgress are the columns that are worked out as the table is made, from
// the day and from what else stands in it: what they say is never compared.
func derivedProgress() []string { return []string{"number", "light", "remark"} }

func officeRef(id string) domain.Ref { return domain.Ref{Kind: domain.KindOffice, ID: id} }

// compare finds out what has become of a row that shows a record: it returns true
// where something was changed that may be.
func (r returnedRow) compare(p *RowPlan, now workbook.Row, head uint64, touched []domain.Event, derived []string) bool {
	var locked []string
	for _, key := range r.differences(now.Cells) {
		if slices.Contains(derived, key) {
			continue
		}
		p.Changes = append(p.Changes, r.change(key, now.Cells))
		if !r.of.Columns[r.column(key)].Editable {
			locked = append(locked, key)
		}
	}
	switch {
	case r.Key.Version > head:
		p.Refuse(OutcomeRefused, r.problem("row.version", "",
			fmt.Sprintf("行标识的版本 %d 比账本的 %d 还新，这张表出自另一个账本 / the row is at version %d and the ledger at %d: the sheet is of another ledger", r.Key.Version, head, r.Key.Version, head)))
	case len(p.Changes) == 0:
		p.Outcome = OutcomeSame
	case len(touched) > 0:
		r.stale(p, now, head, touched)
	case len(locked) > 0:
		for _, key := range locked {
			c := r.change(key, now.Cells)
			p.Reasons = append(p.Reasons, r.problem("cell.locked", key,
				fmt.Sprintf("这一列不能在表里改：账本为“%s”，表里为“%s” / this column can't be changed here: the ledger says %q, the sheet %q", c.Was, c.Becomes, c.Was, c.Becomes)))
		}
		p.Refuse(OutcomeRefused)
	default:
		p.Outcome = OutcomeChanged
		return true
	}
	return false
}

// stale turns a row down whose record was changed since, and says by what. What goes
// back shows in its other columns what the ledger says now.
func (r returnedRow) stale(p *RowPlan, now workbook.Row, head uint64, touched []domain.Event) {
	p.Refuse(OutcomeStale, r.problem("row.stale", "", StaleWords(touched)))
	p.Back.Key.Version = head
	for i, c := range r.of.Columns {
		if !c.Editable && c.Key != "number" { // its place in the sheet is no fact of the ledger's
			p.Back.Cells[i] = now.Cells[i]
		}
	}
}

// StaleWords say what was recorded after a sheet was made.
func StaleWords(events []domain.Event) string {
	var zh, en []string
	for _, e := range events {
		a := actOf(e)
		on := string(calendar.On(e.Time))
		zh = append(zh, on+" "+a.Chinese+"（事件 "+e.ID+"）")
		en = append(en, a.Name+" of "+on+" (event "+e.ID+")")
	}
	return "导出以后账本已有变动：" + strings.Join(zh, "、") + "；请核对后再填报 / the ledger has changed since the sheet was made: " +
		strings.Join(en, ", ") + "; look at it and fill the row in again"
}

// report plans a report of progress of what the row says now.
func (r returnedRow) report(p *RowPlan, t Terms, s projections.ShareRow) {
	office := officeRef(r.Key.Office)
	behalf := domain.Ref{}
	if t.By.Role == domain.RoleSafetyOffice {
		if behalf = t.OnBehalfOf; behalf.IsZero() {
			behalf = office
		}
	}
	words := r.kept("progress", progressWords(numbered{ShareRow: s}))
	ask := &task.ProgressReported{
		Particulars: t.Circumstances(behalf), ShareOf: task.ShareOf{Office: office}, Period: r.Key.Period,
		Condition: r.condition(s), Problems: r.kept("problems", s.Problems), NextSteps: r.kept("next_steps", s.NextSteps),
	}
	switch {
	case words == "":
		p.Refuse(OutcomeRefused, r.problem("progress.empty", "progress",
			"没有填写进展情况；没有进展的填“零报告”，撤回已报的用更正 / no progress is stated: write 零报告 for none; what was reported is taken back by a correction"))
		return
	case s.Accepted && r.has("done") && !r.cell("done").Yes():
		p.Refuse(OutcomeRefused, r.problem("progress.accepted", "done",
			"这一分项已经办结，不能在表里改为未办结；重新办理用 reopen / the share is accepted: reopen takes it up again, not the sheet"))
		return
	case isNil(words):
		ask.Nil = true
	default:
		ask.Progress = words
		// The table has no column for it: words about progress that the period did
		// not have yet are progress.
		ask.Substantive = words != s.Progress
	}
	p.Steps = []Step{{Target: r.Key.Ref, Kind: domain.KindTask, Act: "report", Ask: ask, On: t.ReceivedOn}}
}

// kept returns what a column says, or what the ledger has where the sheet lacks
// the column.
func (r returnedRow) kept(key, now string) string {
	if !r.has(key) {
		return now
	}
	return r.text(key)
}

// condition: done where the row says so, otherwise as reported before, otherwise
// normal. The table shows acceptance, so that 否 takes back nothing.
func (r returnedRow) condition(s projections.ShareRow) task.Condition {
	if r.cell("done").Yes() {
		return task.ConditionDone
	}
	var c task.Condition
	if c.UnmarshalText([]byte(s.Condition)) != nil || c == 0 {
		return task.ConditionNormal
	}
	return c
}

// isNil reports whether words of progress say that there was none.
func isNil(words string) bool {
	return strings.Trim(words, "（）()。.“”\" 　") == nilReport
}
