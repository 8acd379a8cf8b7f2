package workbook_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"
	"golang.org/x/text/encoding/simplifiedchinese"

	"duban/api/workbook"
)

// hazards is a register as somebody else keeps it.
func hazards() workbook.Table {
	return workbook.Table{Name: "隐患台账", Columns: []workbook.Column{
		{Key: "number", Header: "序号", Kind: workbook.KindNumber},
		{Key: "text", Header: "隐患内容", Kind: workbook.KindText, Required: true},
		{Key: "found", Header: "排查日期", Aliases: []string{"检查日期"}, Kind: workbook.KindDate, Required: true},
		{Key: "grade", Header: "隐患级别", Kind: workbook.KindText, Choices: []workbook.Choice{
			{Label: "一般", Aliases: []string{"一般隐患"}}, {Label: "重大", Aliases: []string{"重大隐患"}},
		}},
		{Key: "office", Header: "责任单位", Kind: workbook.KindText},
		{Key: "funds", Header: "资金", Kind: workbook.KindNumber, Decimals: 2, Units: workbook.Yuan()},
		{Key: "closed", Header: "是否整改", Kind: workbook.KindYesNo},
	}}
}

func TestAForeignSheet(t *testing.T) {
	f := newForeign(t).rows(
		[]any{"某市危险化学品隐患排查治理台账"},
		[]any{"填报单位：某市应急管理局", nil, nil, nil, "单位：万元"},
		nil,
		[]any{"序 号", "隐患\n内容", "排查日期 ", "隐患级别（必填）", "责任单位", "资　金（万元）", "是否整改", "联系方式"},
		[]any{1, "储罐区未设围堰", 43678, "一般隐患", "甲公司", 1.5, "√", "1"},
		[]any{2, "报警器失效", "２０１９．８．２", "重大", nil, "１，２００元", "否", nil},
		nil,
		[]any{"一、加油站"},
		[]any{3, "静电接地不良", "2019年8月3号", "一般", "乙公司", nil, nil, nil},
		[]any{4},
		[]any{"序号", "隐患内容", "排查日期", "隐患级别", "责任单位", "资金（万元）", "是否整改"},
		[]any{5, "台账不全", "2019/8/4 9:30", nil, "丙公司", "0.25", "是"},
		[]any{"合计", nil, nil, nil, nil, 1.87},
		[]any{"注：1.一般隐患由企业自行整改。"},
		[]any{"填表人：张某", nil, nil, "审核人：李某"},
	).merge("A1", "H1").merge("E5", "E6").merge("A14", "H14")
	r := read(t, f.bytes(), hazards())

	assert.Equal(t, "Sheet1", r.Sheet)
	assert.Equal(t, 4, r.Header)
	require.Empty(t, r.Problems)
	var got [][]string
	var numbers []int
	for _, row := range r.Rows {
		got = append(got, words(row))
		numbers = append(numbers, row.Number)
	}
	assert.Equal(t, [][]string{
		{"1", "储罐区未设围堰", "2019-08-01", "一般", "甲公司", "15000.00", "是"},
		{"2", "报警器失效", "2019-08-02", "重大", "甲公司", "1200.00", "否"},
		{"3", "静电接地不良", "2019-08-03", "一般", "乙公司", "", ""},
		{"5", "台账不全", "2019-08-04", "", "丙公司", "2500.00", "是"},
	}, got)
	assert.Equal(t, []int{5, 6, 9, 12}, numbers)

	var ignored []int
	for _, i := range r.Ignored {
		ignored = append(ignored, i.Row)
	}
	assert.Equal(t, []int{0, 8, 10, 11, 13, 14, 15}, ignored, "an unknown column, then rows: %v", r.Ignored)
	assert.Equal(t, "联系方式", r.Ignored[0].Column)
	assert.Equal(t, "只有序号 / only numbered", r.Ignored[2].Why)
}

func TestEveryProblemSaysWhereItIs(t *testing.T) {
	f := newForeign(t).rows(
		[]any{"序号", "隐患内容", "排查日期", "隐患级别", "责任单位", "资金", "是否整改"},
		[]any{1, nil, "8月1日", "特大", "甲公司", 5, "也许"},
		[]any{2, "有内容", "2019-02-30", nil, nil, "五万", nil},
		[]any{3, "有内容", 2019.8, nil, nil, "5万元", nil},
		[]any{4, "有内容", "19/8/1", nil, nil, "3美元", nil},
		[]any{"注：以下无效"},
		[]any{5, "说明下面的一行", 43678, nil, nil, nil, nil},
	)
	require.NoError(t, f.SetCellFormula("Sheet1", "E3", "A1&\"\""))
	r := read(t, f.bytes(), hazards())
	type place struct {
		rule, cell, column string
	}
	var got []place
	for _, p := range r.Problems {
		got = append(got, place{p.Rule, p.Cell, p.Column})
		assert.Equal(t, "Sheet1", p.Sheet)
		assert.NotEmpty(t, p.Words)
	}
	assert.Equal(t, []place{
		{"cell.required", "B2", "隐患内容"},
		{"date.no_year", "C2", "排查日期"},
		{"cell.choice", "D2", "隐患级别"},
		{"number.no_unit", "F2", "资金"},
		{"cell.yes_no", "G2", "是否整改"},
		{"date.impossible", "C3", "排查日期"},
		{"cell.formula", "E3", "责任单位"},
		{"number.form", "F3", "资金"},
		{"date.no_day", "C4", "排查日期"},
		{"date.order", "C5", "排查日期"},
		{"number.unit", "F5", "资金"},
		{"row.after_notes", "A7", "序号"},
	}, got)
	assert.Equal(t, 5, r.Rows[0].Problems)
	assert.Equal(t, "工作表“Sheet1”第 2 行“排查日期”：日期缺少年份，请写成 2019-08-01 / the year is missing: write the date as 2019-08-01", r.Problems[1].Error())
	assert.Equal(t, "50000.00", r.Rows[2].Cells[5].String())
}

func TestDates(t *testing.T) {
	for text, want := range map[string]string{
		"2019-08-01": "2019-08-01", "2019/8/1": "2019-08-01", "2019.8.1": "2019-08-01", "2019年8月1日": "2019-08-01",
		"2019年08月01号": "2019-08-01", "２０１９年８月１日": "2019-08-01", "2019 年 8 月 1 日": "2019-08-01", "20190801": "2019-08-01",
		"2019-08-01 00:00:00": "2019-08-01", "2019-08-01T16:30:00Z": "2019-08-01", "2019/8/1 9:05": "2019-08-01", "43678": "2019-08-01",
		"43678.99": "2019-08-01", "2020-02-29": "2020-02-29",
		"2019-02-29": "date.impossible", "2019-13-01": "date.impossible", "1919-08-01": "date.impossible", "20191301": "date.impossible",
		"8月1日": "date.no_year", "8-1": "date.no_year", "8/1": "date.no_year", "12月31号": "date.no_year",
		"2019年8月": "date.no_day", "2019-8": "date.no_day", "2019.8": "date.no_day",
		"19-8-1": "date.order", "1/8/2019": "date.order", "19年8月1日": "date.order",
		"3": "date.form", "-43678": "date.form", "99999999999": "date.form", "长期": "date.form", "2019-08-01、2019-08-02": "date.form",
	} {
		f := newForeign(t).rows([]any{"序号", "隐患内容", "排查日期"}, []any{1, "内容", text})
		r := read(t, f.bytes(), hazards())
		got := r.Rows[0].Cells[2].String()
		if len(r.Problems) > 0 {
			got = r.Problems[0].Rule
		}
		assert.Equal(t, want, got, "%s", text)
	}
}

func TestADeadlineMayBeWords(t *testing.T) {
	for text, want := range map[string]string{
		"长期坚持": "长期坚持", "2019年12月底": "2019年12月底", "2019年12月": "2019年12月", "每月25日前": "每月25日前", "43830": "2019-12-31",
		"2019-12-31前": "2019-12-31前", "9月31日": "date.no_year", "2019-09-31": "date.impossible", "31/12/2019": "date.order",
	} {
		f := newForeign(t).rows([]any{"任务内容", "责任处室", "完成时限"}, []any{"内容", "化工处", text})
		r := read(t, f.bytes(), roster())
		got := r.Rows[0].Cells[4].String()
		if len(r.Problems) > 0 {
			got = r.Problems[0].Rule
		}
		assert.Equal(t, want, got, "%s", text)
	}
}

func TestNumbers(t *testing.T) {
	for text, want := range map[string]string{
		"5万元": "50000.00", "５ 元": "5.00", "1,234,567.89元": "1234567.89", "-3元": "-3.00", "+2千元": "2000.00", "0.1亿元": "10000000.00",
		"12.340000000000001元": "12.34", "1e3元": "1000.00", "0元": "0.00", "0.0000001万元": "number.places", ".5元": "0.50",
		"1.005元": "number.places", "5": "number.no_unit", "1,23元": "number.form", "abc": "number.form", "1e99元": "number.range",
		"99999999999999999999元": "number.range", "5美元": "number.unit", "--5元": "number.form", "5.5.5元": "number.form",
	} {
		f := newForeign(t).rows([]any{"隐患内容", "排查日期", "资金"}, []any{"内容", "2019-08-01", text})
		r := read(t, f.bytes(), hazards())
		got := r.Rows[0].Cells[5].String()
		if len(r.Problems) > 0 {
			got = r.Problems[0].Rule
		}
		assert.Equal(t, want, got, "%s", text)
	}
}

func TestBothDateSystems(t *testing.T) {
	yes := true
	f := newForeign(t).rows([]any{"隐患内容", "排查日期"}, []any{"内容", 43678 - 1462})
	require.NoError(t, f.SetWorkbookProps(&excelize.WorkbookPropsOptions{Date1904: &yes}))
	r := read(t, f.bytes(), hazards())
	require.Empty(t, r.Problems)
	assert.Equal(t, "2019-08-01", r.Rows[0].Cells[2].String())
}

// TestATextColumnTakesWhatIsShown: a person who reads 2019年8月1日 or 50% in a
// column of words means that.
func TestATextColumnTakesWhatIsShown(t *testing.T) {
	f := newForeign(t).rows([]any{"隐患内容", "排查日期", "责任单位"},
		[]any{43678, "2019-08-01", 0.5}, []any{43678, "2019-08-01", 123456789012345678})
	style := func(cell, code string) {
		id, err := f.NewStyle(&excelize.Style{CustomNumFmt: &code})
		require.NoError(t, err)
		require.NoError(t, f.SetCellStyle("Sheet1", cell, cell, id))
	}
	style("A2", `yyyy"年"m"月"d"日"`)
	style("C2", "0%")
	r := read(t, f.bytes(), hazards())
	require.Empty(t, r.Problems)
	assert.Equal(t, "2019年8月1日", r.Rows[0].Cells[1].String())
	assert.Equal(t, "50%", r.Rows[0].Cells[4].String())
	assert.Equal(t, "123456789012345678", r.Rows[1].Cells[4].String(), "not 1.23E+17")
}

func TestTheSheetWithTheTableIsFound(t *testing.T) {
	f := newForeign(t).rows([]any{"填表说明"}, []any{"隐患内容", "写清部位"})
	for _, name := range []string{"旧表", "数据"} {
		_, err := f.NewSheet(name)
		require.NoError(t, err)
	}
	f.sheet = "旧表"
	f.rows([]any{"序号", "隐患内容", "排查日期", "隐患级别", "责任单位"}, []any{1, "旧内容", "2019-01-01"})
	require.NoError(t, f.SetSheetVisible("旧表", false))
	f.sheet = "数据"
	f.rows(nil, []any{"隐患内容", "检查日期"}, []any{"新内容", "2019-08-01"})
	r := read(t, f.bytes(), hazards())
	assert.Equal(t, "数据", r.Sheet, "a hidden sheet is not meant")
	require.Len(t, r.Rows, 1)
	assert.Equal(t, []bool{false, true, true, false, false, false, false}, r.Found)
}

func TestTwoRowHeader(t *testing.T) {
	f := newForeign(t).rows(
		[]any{"序号", "隐患内容", "排查情况", nil, "责任单位"},
		[]any{nil, nil, "排查日期", "隐患级别", nil},
		[]any{1, "内容", "2019-08-01", "一般", "甲"},
	).merge("A1", "A2").merge("B1", "B2").merge("C1", "D1").merge("E1", "E2")
	r := read(t, f.bytes(), hazards())
	require.Empty(t, r.Problems)
	require.Len(t, r.Rows, 1, "%v", r.Ignored)
	assert.Equal(t, []string{"1", "内容", "2019-08-01", "一般", "甲", "", ""}, words(r.Rows[0]))
}

func TestAColumnThatStandsTwice(t *testing.T) {
	f := newForeign(t).rows([]any{"隐患内容", "排查日期", "隐患内容"}, []any{"甲", "2019-08-01", "乙"})
	r := read(t, f.bytes(), hazards())
	assert.Equal(t, []string{"header.twice"}, rules(r))
	assert.Equal(t, "C1", r.Problems[0].Cell)
}

func TestNoTable(t *testing.T) {
	_, err := workbook.Read(newForeign(t).rows([]any{"甲", "乙"}).bytes(), hazards(), workbook.Limits{})
	var none *workbook.NoTableError
	require.ErrorAs(t, err, &none)
	assert.Equal(t, 0, none.Row)
	assert.Equal(t, []string{"隐患内容", "排查日期"}, none.Missing)

	_, err = workbook.Read(newForeign(t).rows(nil, []any{"序号", "隐患级别", "排查日期"}).bytes(), hazards(), workbook.Limits{})
	require.ErrorAs(t, err, &none)
	assert.Equal(t, workbook.NoTableError{Table: "隐患台账", Sheet: "Sheet1", Row: 2, Missing: []string{"隐患内容"}}, *none)
}

func TestTheKeyOfARow(t *testing.T) {
	rows := rosterRows()
	data := xlsx(t, sheet(roster(), rows))
	f, err := excelize.OpenReader(bytesReader(data))
	require.NoError(t, err)
	defer f.Close()
	const name = "进展汇总表"
	require.NoError(t, f.SetCellStr(name, "B5", key("01A", 4).String()[:10]))
	require.NoError(t, f.SetCellStr(name, "B6", "")) // a new row
	// What dragging a row's cells down does to text that ends in digits.
	k := key("01B", 9)
	require.NoError(t, f.SetCellStr(name, "B7", strings.Replace(k.String(), "|9|", "|10|", 1)))
	b, err := f.WriteToBuffer()
	require.NoError(t, err)
	r := read(t, b.Bytes(), roster())
	assert.Equal(t, []string{"row.key", "row.key"}, rules(r))
	assert.Equal(t, rows[0].Key, r.Rows[0].Key)
	assert.Zero(t, r.Rows[1].Key)
	assert.Zero(t, r.Rows[2].Key)
	assert.Zero(t, r.Rows[3].Key)
}

func TestCSVAsExcelSavesIt(t *testing.T) {
	text := "序号,隐患内容,排查日期,责任单位\r\n1,\"两行\r\n内容\",2019/8/1,甲公司\r\n\r\n2,#REF!,2019/8/2,乙公司\r\n"
	gbk, err := simplifiedchinese.GB18030.NewEncoder().String(text)
	require.NoError(t, err)
	utf16 := "\xff\xfe"
	for _, r := range "序号\t隐患内容\t排查日期\r\n1\t内容\t2019/8/1\r\n" {
		utf16 += string([]byte{byte(r), byte(r >> 8)})
	}
	for name, data := range map[string]string{"UTF-8": text, "with a mark": "\ufeff" + text, "GB18030": gbk} {
		r := read(t, []byte(data), hazards())
		require.Len(t, r.Rows, 2, name)
		assert.Equal(t, []string{"1", "两行\n内容", "2019-08-01", "", "甲公司", "", ""}, words(r.Rows[0]), name)
		assert.Equal(t, []string{"cell.formula_error"}, rules(r), name)
		assert.Equal(t, 4, r.Problems[0].Row, "as a spreadsheet counts: a cell of two lines is one row, an empty line is one too")
	}
	r := read(t, []byte(utf16), hazards())
	require.Len(t, r.Rows, 1)
	assert.Equal(t, "2019-08-01", r.Rows[0].Cells[2].String())
}
