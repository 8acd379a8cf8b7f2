package forms

import (
	"slices"

	"duban/api/workbook"
	"duban/domain/task"
	"duban/projections"
)

// Ledger is the register of tasks (任务台账): a line a share, with what became of it
// since it was assigned.
func Ledger() workbook.Table {
	return workbook.Table{Name: "任务台账", Columns: columns(ledger())}
}

// LedgerRow returns what makes lines of the register, one after the other.
func LedgerRow() func(projections.ShareRow) workbook.Row {
	number := numbering()
	return func(r projections.ShareRow) workbook.Row {
		return workbook.Row{Group: r.Task, Cells: cells(ledger(), numbered{number(r.Task), r})}
	}
}

func ledger() []field[numbered] {
	return slices.Concat(dutyFields(), []field[numbered]{
		merged(text("kind", "类型", 8, func(r numbered) string { return r.KindChinese })),
		text("office", "责任处室", 12, func(r numbered) string { return r.Office.Name }),
		text("role", "分工", 6, roleWord),
	}, peopleFields(), []field[numbered]{
		text("handler", "经办人编号", 9, func(r numbered) string { return r.Handler }),
		date("assigned_on", "交办日期", func(r numbered) workbook.Cell { return workbook.On(r.AssignedOn) }),
		date("signed_on", "签收日期", func(r numbered) workbook.Cell { return workbook.On(r.SignedOn) }),
		deadlineField(),
		text("status", "状态", 8, func(r numbered) string { return r.StatusChinese }),
		{workbook.Column{Key: "on_time", Header: "按时办结", Width: 6, Kind: workbook.KindYesNo}, onTime},
		count("returns", "退回次数", func(r numbered) int { return r.Returns }),
		text("progress", "本年最近进展", 24, progressWords),
		date("reported_on", "报告日期", lastReport),
		lightField(),
		text("remark", "备注", 12, func(r numbered) string { return r.Remarks }),
		text("task", "任务编号", 10, func(r numbered) string { return r.Task }),
	})
}

func date(key, header string, of func(numbered) workbook.Cell) field[numbered] {
	return field[numbered]{workbook.Column{Key: key, Header: header, Width: 11, Kind: workbook.KindDate}, of}
}

// count is a column of whole numbers.
func count[T any](key, header string, of func(T) int) field[T] {
	return field[T]{
		workbook.Column{Key: key, Header: header, Width: 7, Kind: workbook.KindNumber},
		func(r T) workbook.Cell { return workbook.Number(int64(of(r)), 0) },
	}
}

func roleWord(r numbered) string {
	role, err := task.ParseRole(r.Role)
	if err != nil {
		return r.Role
	}
	return role.Chinese()
}

func onTime(r numbered) workbook.Cell {
	if r.OnTime == nil {
		return workbook.Cell{}
	}
	return workbook.YesNo(*r.OnTime)
}

func lastReport(r numbered) workbook.Cell {
	if r.RevisedOn != "" {
		return workbook.On(r.RevisedOn)
	}
	return workbook.On(r.ReportedOn)
}
