package forms

import (
	"slices"
	"strconv"
	"strings"

	"duban/api/workbook"
	"duban/domain"
	"duban/domain/assessment"
	"duban/domain/calendar"
	"duban/domain/task"
	"duban/projections"
)

// Progress is the summary of progress (进展汇总表): a line a share, those that have
// not reported too. The shares of one task stand together, and what they have in
// common is merged. A share's office stands in the column of its role, so that
// every line names one office.
func Progress() workbook.Table {
	return workbook.Table{Name: "进展汇总表", Keyed: true, Columns: columns(progress())}
}

// ProgressRow returns what makes lines of the summary for a period, one after the
// other as they stand in it: tasks are numbered as they come.
func ProgressRow(period calendar.Period) func(projections.ShareRow) workbook.Row {
	number := numbering()
	return func(r projections.ShareRow) workbook.Row {
		return workbook.Row{
			Key: workbook.Key{
				Ref: domain.Ref{Kind: domain.KindTask, ID: r.Task}, Office: r.Office.ID, Period: period, Version: r.Version,
			},
			Group: r.Task,
			Cells: cells(progress(), numbered{number(r.Task), r}),
		}
	}
}

// A numbered is a line with the number of its task in the sheet.
type numbered struct {
	number int
	projections.ShareRow
}

// numbering counts tasks whose lines come one after the other.
func numbering() func(task string) int {
	last, n := "", 0
	return func(task string) int {
		if task != last {
			last = task
			n++
		}
		return n
	}
}

func progress() []field[numbered] {
	return slices.Concat(dutyFields(), []field[numbered]{
		office("office", "牵头/责任处室", false, "牵头处室", "责任处室", "牵头（责任）处室", "牵头单位", "责任单位", "牵头/责任单位"),
		office("supporting", "配合单位", true, "配合处室", "参与单位"),
	}, peopleFields(), []field[numbered]{
		deadlineField(),
		reported("progress", "进展情况", 26, "本期做了什么。填了就是一次进展报告；没有进展的填“零报告”。", progressWords, "工作进展", "进展", "完成情况", "落实情况"),
		reported("problems", "存在问题", 16, "没有可以不填。", func(r numbered) string { return r.Problems }),
		reported("next_steps", "下一步措施", 18, "没有可以不填。", func(r numbered) string { return r.NextSteps }, "下一步打算", "下步措施", "下一步工作", "下一步工作措施"),
		lightField(),
		{workbook.Column{Key: "done", Header: "是否办结", Width: 6, Kind: workbook.KindYesNo, Editable: true, Help: "已完成的改填“是”，这次进展报告即记为已完成；报结和办结另行办理。"}, func(r numbered) workbook.Cell { return workbook.YesNo(r.Accepted) }},
		text("remark", "备注", 12, remark),
	})
}

// text is a column of words.
func text[T any](key, header string, width float64, of func(T) string, aliases ...string) field[T] {
	return field[T]{
		workbook.Column{Key: key, Header: header, Width: width, Kind: workbook.KindText, Aliases: aliases},
		func(r T) workbook.Cell { return workbook.Text(of(r)) },
	}
}

func merged[T any](f field[T]) field[T] {
	f.Merge = true
	return f
}

func reported(key, header string, width float64, help string, of func(numbered) string, aliases ...string) field[numbered] {
	f := text(key, header, width, of, aliases...)
	f.Editable, f.Help = true, help
	return f
}

// dutyFields say which task it is: the same for all its shares.
func dutyFields() []field[numbered] {
	return []field[numbered]{
		{workbook.Column{Key: "number", Header: "序号", Width: 5, Kind: workbook.KindNumber, Merge: true},
			func(r numbered) workbook.Cell { return workbook.Number(int64(r.number), 0) }},
		merged(text("source", "任务来源（文号）", 14, source, "任务来源", "文号", "文件依据")),
		merged(text("clause", "条款", 9, clause, "条款序号", "条目")),
		merged(text("content", "任务内容", 30, func(r numbered) string { return r.Text }, "工作任务", "重点任务")),
	}
}

func peopleFields() []field[numbered] {
	return []field[numbered]{
		text("leader", "责任领导", 8, func(r numbered) string { return r.Leader }),
		text("person", "责任人", 8, func(r numbered) string { return r.Person }, "具体责任人", "经办人"),
	}
}

// office is the column of the offices that only support, or of the others.
func office(key, header string, supporting bool, aliases ...string) field[numbered] {
	return text(key, header, 12, func(r numbered) string {
		if (r.Role == task.RoleSupporting.String()) != supporting {
			return ""
		}
		return r.Office.Name
	}, aliases...)
}

func deadlineField() field[numbered] {
	return field[numbered]{
		workbook.Column{Key: "deadline", Header: "完成时限", Aliases: []string{"时限", "完成时间"}, Width: 11, Kind: workbook.KindDateOrWords},
		func(r numbered) workbook.Cell {
			switch d := r.Deadline; {
			case d == nil:
				return workbook.Cell{}
			case d.Date != "":
				return workbook.On(d.Date)
			default:
				return workbook.Text(d.Words)
			}
		},
	}
}

func lightField() field[numbered] {
	return text("light", "亮灯", 7, func(r numbered) string { return r.Light.Chinese })
}

func source(r numbered) string {
	if r.DocumentNumber == "" {
		return r.Title
	}
	return r.DocumentNumber
}

// clause names a clause both ways in which people do.
func clause(r numbered) string {
	return strings.TrimSpace(strings.Join(r.Path, "") + "\n第" + strconv.Itoa(r.Number) + "项")
}

// nilReport is how a line says that there was nothing to report.
const nilReport = "零报告"

func progressWords(r numbered) string {
	if r.Nil {
		return nilReport
	}
	return r.Progress
}

// remark says that a report is missing, which a worse light would hide.
func remark(r numbered) string {
	var words []string
	if r.Report == assessment.OutcomeMissing.String() {
		words = append(words, r.ReportChinese)
	}
	if r.Remarks != "" {
		words = append(words, r.Remarks)
	}
	return strings.Join(words, "；")
}
