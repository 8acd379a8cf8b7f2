package forms

import "duban/api/workbook"

// HazardRegister is a register of hazards as somebody else keeps it (隐患排查治理台账),
// to be taken over with its history.
func HazardRegister() workbook.Table {
	return workbook.Table{
		Name: "隐患排查治理台账",
		Columns: []workbook.Column{
			{Key: "number", Header: "序号", Width: 6, Kind: workbook.KindText, Aliases: []string{"编号"}, Help: "原台账的序号，记入备注；再次导入时凭隐患内容、排查日期、责任单位认出同一条。"},
			{Key: "description", Header: "隐患内容", Width: 30, Kind: workbook.KindText, Required: true, Aliases: []string{"隐患描述", "隐患名称", "问题描述", "事故隐患"}},
			{Key: "found_on", Header: "排查日期", Width: 11, Kind: workbook.KindDate, Required: true, Aliases: []string{"检查日期", "发现日期", "排查时间"}},
			{Key: "category", Header: "隐患类型", Width: 10, Kind: workbook.KindText, Aliases: []string{"隐患类别", "类别", "类型"}},
			{Key: "grade", Header: "隐患级别", Width: 8, Kind: workbook.KindText, Choices: grades(), Aliases: []string{"隐患等级", "级别", "等级"}},
			{Key: "rectifier", Header: "责任单位", Width: 14, Kind: workbook.KindText, Required: true, Aliases: []string{"整改责任单位", "整改单位"}},
			{Key: "deadline", Header: "整改期限", Width: 11, Kind: workbook.KindDate, Aliases: []string{"整改时限", "完成期限", "时限"}},
			{Key: "measures", Header: "整改措施与要求", Width: 24, Kind: workbook.KindText, Aliases: []string{"整改措施", "整改措施及要求", "整改要求"}},
			{Key: "outcome", Header: "复查结果", Width: 10, Kind: workbook.KindText, Aliases: []string{"复查结论", "验收结果"}, Choices: registerOutcomes()},
			{Key: "reinspected_on", Header: "复查日期", Width: 11, Kind: workbook.KindDate, Aliases: []string{"复查时间", "验收日期"}},
			{Key: "status", Header: "隐患状态", Width: 9, Kind: workbook.KindText, Aliases: []string{"状态", "整改状态"}, Choices: registerStatuses(),
				Help: "与复查结果一起看进展到哪一步，对不上的不予入账；已复查的须填复查结果。"},
		},
	}
}

func registerOutcomes() []workbook.Choice { return outcomes()[:2] }

// The states a register may give a hazard.
const (
	registerOpen     = "未整改"
	registerReported = "待复查"
	registerSound    = "复查合格"
	registerUnsound  = "复查不合格"
	registerClosed   = "已销号"
)

func registerStatuses() []workbook.Choice {
	return []workbook.Choice{
		{Label: registerOpen, Aliases: []string{"整改中", "未完成", "未销号", "未闭环", "治理中"}},
		{Label: registerReported, Aliases: []string{"已整改", "整改完成", "待验收"}},
		{Label: registerSound, Aliases: []string{"验收合格", "整改合格"}},
		{Label: registerUnsound, Aliases: []string{"验收不合格", "整改不合格", "整改不到位"}},
		{Label: registerClosed, Aliases: []string{"销号", "已闭环", "闭环", "已完成", "已验收"}},
	}
}
