package forms

import (
	"duban/api/workbook"
	"duban/domain"
)

// A BulkAct is what a line of the bulk entry sheet asks for: an act of the domain,
// by its name.
type BulkAct struct {
	Label string // in the sheet's first column
	Kind  domain.Kind
	Act   string
	Nil   bool // of a report: nothing to report
}

// BulkActs lists what the bulk entry sheet takes: what comes to the safety office
// on paper, by phone or in a meeting.
func BulkActs() []BulkAct {
	return []BulkAct{
		{"签收", domain.KindTask, "acknowledge", false},
		{"报告进展", domain.KindTask, "report", false},
		{"零报告", domain.KindTask, "report", true},
		{"申请报结", domain.KindTask, "request-closure", false},
		{"申请延期", domain.KindTask, "request-extension", false},
		{"提出异议", domain.KindTask, "dispute", false},
		{"登记发现", domain.KindFinding, "record", false},
	}
}

// BulkEntry is the sheet for many entries at once (批量录入): a line is one act, on
// the share that its document, clause and office name or its key, or a new
// finding.
func BulkEntry() workbook.Table {
	acts := make([]workbook.Choice, 0, len(BulkActs()))
	for _, a := range BulkActs() {
		acts = append(acts, workbook.Choice{Label: a.Label})
	}
	column := func(key, header string, width float64, kind workbook.Kind, help string) workbook.Column {
		return workbook.Column{Key: key, Header: header, Width: width, Kind: kind, Help: help, Editable: true}
	}
	text := func(key, header string, width float64, help string) workbook.Column {
		return column(key, header, width, workbook.KindText, help)
	}
	act := text("act", "办理事项", 10, "这一行要办什么。")
	act.Required, act.Choices = true, acts
	on := column("time", "办理日期", 11, workbook.KindDate, "事情发生的日期，可以早于录入的日期。")
	on.Required = true
	via := text("via", "收到方式", 8, "代录时必填。")
	via.Choices = []workbook.Choice{{Label: "纸质"}, {Label: "OA"}, {Label: "电话"}, {Label: "会议"}}
	condition := text("condition", "进展程度", 9, "报告进展时必填。")
	condition.Choices = []workbook.Choice{
		{Label: "未启动"}, {Label: "正常推进", Aliases: []string{"正常", "进行中"}}, {Label: "滞后"}, {Label: "已完成", Aliases: []string{"完成"}},
	}
	return workbook.Table{
		Name:  "批量录入",
		Notes: []string{"一行办理一件事。任务类事项按文号、条款、处室找到分项；登记发现只填右边的隐患栏。"},
		Keyed: true,
		Columns: []workbook.Column{
			act,
			text("source", "任务来源（文号）", 16, "文件的文号，全角、半角括号都可以。"),
			text("clause", "条款", 8, "第几项，如 7；或标号，如 一/（二）。"),
			text("office", "处室", 12, "承担分项的处室。"),
			text("period", "所属期", 9, "定期任务和按期报送填，如 2019-08、2019-Q3。"),
			on, via,
			column("received_on", "收到日期", 11, workbook.KindDate, "代录时必填。"),
			text("note", "来件说明", 16, "电话的写通话内容，其他写来件名称、文号。"),
			condition,
			text("words", "办理内容", 28, "进展情况、报结小结、延期或异议的理由。"),
			text("problems", "存在问题", 16, "报告进展时填，没有可以不填。"),
			text("next_steps", "下一步措施", 16, "报告进展时填，没有可以不填。"),
			column("deadline", "新时限", 11, workbook.KindDate, "申请延期时必填。"),
			text("subject", "被检查单位", 14, "登记发现时必填。"),
			text("place", "地点", 12, "登记发现时必填。"),
			text("description", "问题描述", 24, "登记发现时必填。"),
			text("category", "隐患类别", 9, "登记发现时必填。"),
			text("basis", "依据", 14, "违反的法规、标准及条款。"),
		},
	}
}
