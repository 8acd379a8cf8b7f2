package forms

import "duban/api/workbook"

// Progress is the summary of progress (进展汇总表): a line a share, those that have
// not reported too. The shares of one task stand together, and what they have in
// common is merged. A share's office stands in the column of its role, so that
// every line names one office.
func Progress() workbook.Table {
	text := func(key, header string, width float64) workbook.Column {
		return workbook.Column{Key: key, Header: header, Width: width, Kind: workbook.KindText}
	}
	merged := func(c workbook.Column) workbook.Column {
		c.Merge = true
		return c
	}
	reported := func(c workbook.Column, help string) workbook.Column {
		c.Editable, c.Help = true, help
		return c
	}
	source := merged(text("source", "任务来源（文号）", 14))
	source.Aliases = []string{"任务来源", "文号", "文件依据"}
	clause := merged(text("clause", "条款", 9))
	clause.Aliases = []string{"条款序号", "条目"}
	content := merged(text("content", "任务内容", 30))
	content.Aliases = []string{"工作任务", "重点任务"}
	office := text("office", "牵头/责任处室", 12)
	office.Aliases = []string{"牵头处室", "责任处室", "牵头（责任）处室", "牵头单位", "责任单位", "牵头/责任单位"}
	supporting := text("supporting", "配合单位", 12)
	supporting.Aliases = []string{"配合处室", "参与单位"}
	person := text("person", "责任人", 8)
	person.Aliases = []string{"具体责任人", "经办人"}
	progress := text("progress", "进展情况", 26)
	progress.Aliases = []string{"工作进展", "进展", "完成情况", "落实情况"}
	next := text("next_steps", "下一步措施", 18)
	next.Aliases = []string{"下一步打算", "下步措施", "下一步工作", "下一步工作措施"}
	return workbook.Table{
		Name:  "进展汇总表",
		Keyed: true,
		Columns: []workbook.Column{
			{Key: "number", Header: "序号", Width: 5, Kind: workbook.KindNumber, Merge: true},
			source, clause, content, office, supporting,
			text("leader", "责任领导", 8), person,
			{Key: "deadline", Header: "完成时限", Aliases: []string{"时限", "完成时间"}, Width: 11, Kind: workbook.KindDateOrWords},
			reported(progress, "本期做了什么。填了就是一次进展报告；没有进展的填“零报告”。"),
			reported(text("problems", "存在问题", 16), "没有可以不填。"),
			reported(next, "没有可以不填。"),
			text("light", "亮灯", 7),
			{Key: "done", Header: "是否办结", Width: 6, Kind: workbook.KindYesNo},
			text("remark", "备注", 12),
		},
	}
}
