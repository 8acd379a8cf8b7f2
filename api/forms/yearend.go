package forms

import (
	"fmt"
	"strings"

	"duban/api/workbook"
	"duban/domain/assessment"
	"duban/projections"
)

// total is the line of all offices.
const total = "合计"

// Assessment is the year's figures (年度考核数据): a line a figure, office after
// office.
func Assessment() workbook.Table {
	return workbook.Table{Name: "年度考核数据", Columns: columns(assessed())}
}

// AssessmentRows returns the figures, those of all offices last.
func AssessmentRows(v projections.AssessmentView) []workbook.Row {
	var rows []workbook.Row
	add := func(office, by string, figures []projections.FigureView) {
		for _, f := range figures {
			rows = append(rows, workbook.Row{Group: office, Cells: cells(assessed(), officeFigure{office, by, v.Year, f})})
		}
	}
	for _, o := range v.Offices {
		add(o.Office.Name, " --office "+o.Office.Name, o.Figures)
	}
	add(total, "", v.Total)
	return rows
}

// An officeFigure is one figure of one office.
type officeFigure struct {
	office, by string
	year       int
	projections.FigureView
}

func assessed() []field[officeFigure] {
	return []field[officeFigure]{
		merged(text("office", "处室", 16, func(f officeFigure) string { return f.office })),
		text("figure", "指标", 16, func(f officeFigure) string { return f.Chinese }),
		count("numerator", "分子", func(f officeFigure) int { return f.Numerator }),
		count("denominator", "分母", func(f officeFigure) int { return f.Denominator }),
		text("of", "分母为", 18, denominator),
		text("items", "逐项及依据的事件", 60, func(f officeFigure) string {
			return fmt.Sprintf("duban assessment items --year %d --figure %s%s", f.year, f.Figure, f.by)
		}),
	}
}

func denominator(f officeFigure) string {
	var words []string
	for _, name := range f.Of {
		figure, err := assessment.ParseFigure(name)
		if err != nil {
			continue // the view's own names
		}
		words = append(words, figure.Chinese())
	}
	return strings.Join(words, "、")
}

// Standings is the offices in figures (处室汇总): a line an office.
func Standings() workbook.Table {
	return workbook.Table{Name: "处室汇总", Columns: columns(standings())}
}

// StandingRows returns the offices of a year, the total last.
func StandingRows(v projections.YearStandings) []workbook.Row {
	var rows []workbook.Row
	for _, o := range v.ByOffice {
		rows = append(rows, workbook.Row{Cells: cells(standings(), officeStanding{o.Office.Name, o.Standing})})
	}
	return append(rows, workbook.Row{Cells: cells(standings(), officeStanding{total, v.Total})})
}

type officeStanding struct {
	office string
	projections.Standing
}

func standings() []field[officeStanding] {
	type row = officeStanding
	return []field[row]{
		text("office", "处室", 16, func(r row) string { return r.office }),
		count("shares", "分项", func(r row) int { return r.Shares }),
		count("accepted", "办结", func(r row) int { return r.Accepted }),
		count("overdue", "逾期", func(r row) int { return r.Overdue }),
		count("due_soon", "临期", func(r row) int { return r.DueSoon }),
		count("stagnant", "停滞", func(r row) int { return r.Stagnant }),
		count("unreported", "未报送", func(r row) int { return r.Unreported }),
		count("unsigned", "未签收", func(r row) int { return r.Unsigned }),
		count("on_time", "按时办结", func(r row) int { return r.OnTime.Numerator }),
		count("decided", "应办结", func(r row) int { return r.OnTime.Denominator }),
		count("reports", "已报送", func(r row) int { return r.Reporting.Numerator }),
		count("reports_due", "应报送", func(r row) int { return r.Reporting.Denominator }),
		count("rectified", "已整改隐患", func(r row) int { return r.Rectified.Numerator }),
		count("found", "应整改隐患", func(r row) int { return r.Rectified.Denominator }),
		text("findings", "隐患分级", 18, func(r row) string {
			var words []string
			for _, c := range r.Findings {
				words = append(words, fmt.Sprintf("%s%d", c.Chinese, c.N))
			}
			return strings.Join(words, "、")
		}),
	}
}
