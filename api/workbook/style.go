package workbook

import "github.com/xuri/excelize/v2"

// styles are the ids of a workbook's cell styles.
type styles struct {
	title, note, header, editable int
	text, centred, date           int
	number                        [maxDecimals + 1]int
}

const songti = "宋体"

func newStyles(f *excelize.File) (*styles, error) {
	st := &styles{}
	border := []excelize.Border{}
	for _, side := range []string{"left", "right", "top", "bottom"} {
		border = append(border, excelize.Border{Type: side, Style: 1, Color: "000000"})
	}
	fill := func(colour string) excelize.Fill {
		return excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{colour}}
	}
	align := func(horizontal string) *excelize.Alignment {
		return &excelize.Alignment{Horizontal: horizontal, Vertical: "center", WrapText: true}
	}
	body := &excelize.Font{Family: songti, Size: 10}
	heading := &excelize.Font{Family: songti, Size: 10, Bold: true}
	date := "yyyy-mm-dd"
	list := []struct {
		id    *int
		style excelize.Style
	}{
		{&st.title, excelize.Style{Font: &excelize.Font{Family: songti, Size: 16, Bold: true}, Alignment: align("center")}},
		{&st.note, excelize.Style{Font: body, Alignment: align("left")}},
		{&st.header, excelize.Style{Font: heading, Alignment: align("center"), Border: border, Fill: fill("D9D9D9")}},
		{&st.editable, excelize.Style{Font: heading, Alignment: align("center"), Border: border, Fill: fill("FFF2CC")}},
		{&st.text, excelize.Style{Font: body, Alignment: align("left"), Border: border, NumFmt: textFormat}},
		{&st.centred, excelize.Style{Font: body, Alignment: align("center"), Border: border}},
		{&st.date, excelize.Style{Font: body, Alignment: align("center"), Border: border, CustomNumFmt: &date}},
	}
	for d := range st.number {
		code := "0"
		if d > 0 {
			code = "0." + "000000"[:d]
		}
		list = append(list, struct {
			id    *int
			style excelize.Style
		}{&st.number[d], excelize.Style{Font: body, Alignment: align("center"), Border: border, CustomNumFmt: &code}})
	}
	for _, l := range list {
		id, err := f.NewStyle(&l.style)
		if err != nil {
			return nil, err
		}
		*l.id = id
	}
	return st, nil
}

// textFormat is the built-in number format "@": what is typed into such a cell
// stays text, also when it looks like a date or begins with =.
const textFormat = 49

// body returns the style of a column's cells.
func (st *styles) body(c Column) int {
	switch c.Kind {
	case KindDate, KindDateOrWords:
		return st.date
	case KindNumber:
		return st.number[c.Decimals]
	case KindYesNo:
		return st.centred
	default:
		return st.text
	}
}
