package workbook

import (
	"iter"
	"strings"
)

// Guide returns a sheet that says how a table is filled in, column by column. It
// stands beside a form in one workbook.
func Guide(t Table) Sheet {
	guide := Table{
		Name:   "填写说明",
		Titles: []string{"“" + t.Name + "”填写说明"},
		Columns: []Column{
			{Key: "column", Header: "列", Width: 18, Kind: KindText},
			{Key: "required", Header: "必填", Width: 8, Kind: KindYesNo},
			{Key: "help", Header: "怎样填", Width: 70, Kind: KindText},
			{Key: "choices", Header: "可填的内容", Width: 36, Kind: KindText},
		},
	}
	return Sheet{Table: guide, Rows: iter.Seq2[Row, error](func(yield func(Row, error) bool) {
		for _, c := range t.Columns {
			r := Row{Cells: []Cell{Text(strings.Join(strings.Fields(c.Header), "")), YesNo(c.Required), Text(c.help()), Text(c.offered())}}
			if !yield(r, nil) {
				return
			}
		}
	})}
}

func (c Column) offered() string {
	labels := make([]string, len(c.Choices))
	for i, choice := range c.Choices {
		labels[i] = choice.Label
	}
	return strings.Join(labels, "、")
}

// help returns what is to be said of a column: its own words, and what its kind
// takes.
func (c Column) help() string {
	kind := ""
	switch c.Kind {
	case KindDate:
		kind = "日期，如 2019-08-01"
	case KindDateOrWords:
		kind = "日期，如 2019-08-01；没有日期的填文字，如“长期坚持”"
	case KindNumber:
		kind = "数字"
		if len(c.Units) > 0 {
			kind += "，单位写在表头或数字后：" + unitNames(c.Units)
		}
	case KindYesNo:
		kind = "是或否"
	default:
	}
	switch {
	case kind == "":
		return c.Help
	case c.Help == "":
		return kind + "。"
	}
	return c.Help + kind + "。"
}

func unitNames(units []Unit) string {
	names := make([]string, len(units))
	for i, u := range units {
		names[i] = u.Name
	}
	return strings.Join(names, "、")
}
