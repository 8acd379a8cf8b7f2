package forms

import (
	"slices"
	"strings"

	"duban/api/workbook"
	"duban/domain"
	"duban/domain/finding"
	"duban/projections"
)

// Rectification is the list of problems and their rectification (问题整改清单): a line
// a finding.
func Rectification() workbook.Table {
	return workbook.Table{Name: "问题整改清单", Keyed: true, Columns: columns(rectification())}
}

// RectificationRow returns a finding as a line of the list.
func RectificationRow(f projections.FindingView) workbook.Row {
	return workbook.Row{
		Key:   workbook.Key{Ref: domain.Ref{Kind: domain.KindFinding, ID: f.ID}, Version: f.Version},
		Cells: cells(rectification(), f),
	}
}

func rectification() []field[projections.FindingView] {
	type view = projections.FindingView
	words := func(of func(view) string) func(view) workbook.Cell {
		return func(f view) workbook.Cell { return workbook.Text(of(f)) }
	}
	return slices.Concat(found(words), ordered(words), checked(words))
}

type texts func(func(projections.FindingView) string) func(projections.FindingView) workbook.Cell

// found are the columns of what was seen.
func found(words texts) []field[projections.FindingView] {
	type view = projections.FindingView
	return []field[view]{
		{workbook.Column{Key: "id", Header: "编号", Width: 10, Kind: workbook.KindText, Help: "由系统填写，新登记的不填。"},
			words(func(f view) string { return f.ID })},
		{workbook.Column{Key: "found_on", Header: "检查日期", Aliases: []string{"发现日期", "检查时间"}, Width: 11, Kind: workbook.KindDate, Required: true},
			func(f view) workbook.Cell { return workbook.On(f.FoundOn) }},
		{workbook.Column{Key: "place", Header: "地点", Aliases: []string{"检查地点", "被检查单位及地点"}, Width: 13, Kind: workbook.KindText, Required: true,
			Help: "被检查单位名称，空一格，具体部位。"},
			words(func(f view) string { return f.Subject + placeBreak + f.Place })},
		{workbook.Column{Key: "description", Header: "问题描述", Aliases: []string{"问题", "存在问题", "隐患描述"}, Width: 26, Kind: workbook.KindText, Required: true},
			words(func(f view) string { return f.Description })},
		{workbook.Column{Key: "category", Header: "类别", Aliases: []string{"问题类别", "隐患类别"}, Width: 8, Kind: workbook.KindText, Required: true},
			words(func(f view) string { return f.Category })},
		{workbook.Column{Key: "grade", Header: "级别", Aliases: []string{"隐患级别", "等级"}, Width: 6, Kind: workbook.KindText, Choices: grades(), Editable: true},
			words(func(f view) string {
				g, err := finding.ParseGrade(f.Grade)
				if err != nil {
					return "" // not graded
				}
				return gradeWord(g)
			})},
		{workbook.Column{Key: "basis", Header: "依据", Aliases: []string{"检查依据", "判定依据"}, Width: 18, Kind: workbook.KindText,
			Help: "违反的法规、标准及条款；重大隐患的判定依据。"},
			words(basisWords)},
	}
}

// ordered are the columns of what has to be done about it.
func ordered(words texts) []field[projections.FindingView] {
	type view = projections.FindingView
	return []field[view]{
		{workbook.Column{Key: "measures", Header: "整改措施", Width: 22, Kind: workbook.KindText, Editable: true},
			words(func(f view) string { return f.Measures })},
		{workbook.Column{Key: "funds", Header: "资金（元）", Aliases: []string{"整改资金", "资金"}, Width: 11, Kind: workbook.KindNumber, Decimals: 2,
			Units: workbook.Yuan(), Editable: true},
			func(f view) workbook.Cell {
				if f.FundsFen == 0 {
					return workbook.Cell{}
				}
				return workbook.Number(f.FundsFen, 2)
			}},
		{workbook.Column{Key: "rectifier", Header: "责任单位", Aliases: []string{"整改责任单位"}, Width: 12, Kind: workbook.KindText, Editable: true},
			words(rectifierName)},
		{workbook.Column{Key: "person", Header: "责任人", Aliases: []string{"整改责任人"}, Width: 8, Kind: workbook.KindText, Editable: true},
			words(func(f view) string { return f.ResponsiblePerson })},
		{workbook.Column{Key: "deadline", Header: "时限", Aliases: []string{"整改时限", "整改期限", "完成时限"}, Width: 11, Kind: workbook.KindDate, Editable: true},
			func(f view) workbook.Cell {
				if f.Deadline == nil {
					return workbook.Cell{}
				}
				return workbook.On(f.Deadline.Date)
			}},
	}
}

// checked are the columns of what came of it.
func checked(words texts) []field[projections.FindingView] {
	type view = projections.FindingView
	return []field[view]{
		{workbook.Column{Key: "inspectors", Header: "复查人", Width: 9, Kind: workbook.KindText, Editable: true, Help: "人员编号，多人用顿号隔开。"},
			words(func(f view) string {
				if f.LastReinspection == nil {
					return ""
				}
				return strings.Join(f.LastReinspection.Inspectors, "、")
			})},
		{workbook.Column{Key: "reinspected_on", Header: "复查时间", Aliases: []string{"复查日期"}, Width: 11, Kind: workbook.KindDate, Editable: true},
			func(f view) workbook.Cell {
				if f.LastReinspection == nil {
					return workbook.Cell{}
				}
				return workbook.On(f.LastReinspection.On)
			}},
		{workbook.Column{Key: "outcome", Header: "结论", Aliases: []string{"复查结论", "复查结果"}, Width: 8, Kind: workbook.KindText, Choices: outcomes(), Editable: true},
			words(outcome)},
		{workbook.Column{Key: "written_off_on", Header: "销号日期", Aliases: []string{"销号时间"}, Width: 11, Kind: workbook.KindDate, Editable: true},
			func(f view) workbook.Cell { return workbook.On(f.WrittenOffOn) }},
	}
}

// placeBreak stands between the subject's name and the place within it.
const placeBreak = "　"

// rectifierName names an office of the ledger that was ordered without a name.
func rectifierName(f projections.FindingView) string {
	if f.Rectifier == "" && f.RectifierOffice != nil {
		return f.RectifierOffice.Name
	}
	return f.Rectifier
}

func gradeWord(g finding.Grade) string {
	switch g {
	case finding.GradeMajor:
		return "重大"
	case finding.GradeOrdinary:
		return "一般"
	}
	return ""
}

func basisWords(f projections.FindingView) string {
	var lines []string
	for _, b := range f.Basis {
		lines = append(lines, strings.TrimSpace(b.Document+" "+b.Article+" "+b.Version))
	}
	if f.Criterion != "" {
		lines = append(lines, criterionMark+f.Criterion)
	}
	return strings.Join(lines, "\n")
}

// The outcomes of a re-inspection.
const (
	passed = "合格"
	failed = "不合格"
)

func outcomes() []workbook.Choice {
	list := []workbook.Choice{
		{Label: passed, Aliases: []string{"复查合格", "通过", "复查通过", "已整改", "整改到位", "已完成整改"}},
		{Label: failed, Aliases: []string{"复查不合格", "不通过", "未通过", "未整改", "整改不到位"}},
	}
	for _, s := range ends() {
		list = append(list, workbook.Choice{Label: s.Chinese()})
	}
	return list
}

// ends are the statuses that say more than a re-inspection does.
func ends() []finding.Status {
	return []finding.Status{
		finding.StatusRectifiedOnSpot, finding.StatusDismissed, finding.StatusTerminated, finding.StatusDuplicate,
		finding.StatusClosureOrdered, finding.StatusClosureVerified,
	}
}

func outcome(f projections.FindingView) string {
	if s, err := finding.ParseStatus(f.Status); err == nil && slices.Contains(ends(), s) {
		return s.Chinese()
	}
	switch r := f.LastReinspection; {
	case r == nil:
		return ""
	case r.Passed:
		return passed
	default:
		return failed
	}
}
