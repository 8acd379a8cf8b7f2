package forms

import (
	"fmt"
	"strconv"

	"duban/api/workbook"
	"duban/domain/calendar"
	"duban/projections"
)

// Cover is the first sheet of a year's register (说明): of which year and as of when
// it is, and what its sheets hold.
func Cover() workbook.Table {
	return workbook.Table{Name: "说明", Columns: columns(cover())}
}

type coverLine struct{ what, words string }

func cover() []field[coverLine] {
	return []field[coverLine]{
		text("what", "项目", 22, func(l coverLine) string { return l.what }),
		text("words", "内容", 80, func(l coverLine) string { return l.words }),
	}
}

// CoverRows returns what the cover says of a register with these sheets.
func CoverRows(year int, as projections.Cutoff, sheets []workbook.Sheet) []workbook.Row {
	known, effective, sample := "账本尚无事件", "不限", "否"
	again := fmt.Sprintf("duban register --year %d --known-at %d --today %s", year, as.Sequence, as.Today)
	if as.KnownAt != nil {
		known = as.KnownAt.In(calendar.Zone).Format("2006-01-02 15:04:05")
	}
	if as.Effective != "" {
		effective, again = "不晚于 "+string(as.Effective), again+" --effective-at "+string(as.Effective)
	}
	if as.Sample {
		sample = "是，内容为虚构"
	}
	lines := []coverLine{
		{"年度", strconv.Itoa(year)},
		{"账本序号", strconv.FormatUint(as.Sequence, 10)},
		{"当时所知（known_at）", known},
		{"发生日（effective_at）", effective},
		{"亮灯日（today）", string(as.Today)},
		{"样例数据", sample},
		{"复核", again + "：任何时候都得到同样的文件"},
	}
	for _, s := range sheets {
		words := ""
		if len(s.Notes) > 0 {
			words = s.Notes[0]
		}
		lines = append(lines, coverLine{"表：" + s.Name, words})
	}
	rows := make([]workbook.Row, len(lines))
	for i, l := range lines {
		rows[i] = workbook.Row{Cells: cells(cover(), l)}
	}
	return rows
}
