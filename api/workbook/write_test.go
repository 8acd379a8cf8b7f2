package workbook_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"

	"duban/api/workbook"
)

func TestTheSameTableGivesTheSameBytes(t *testing.T) {
	other := roster()
	other.Name = "第二张"
	third := roster()
	third.Name = "第三张"
	make := func() []byte {
		return xlsx(t, sheet(roster(), rosterRows()), sheet(other, rosterRows()), sheet(third, nil))
	}
	first := make()
	for range 20 {
		require.True(t, bytes.Equal(first, make()), "excelize walks over maps; the bytes must not show it")
	}
}

func TestPrintedOnA4Landscape(t *testing.T) {
	data := xlsx(t, sheet(roster(), rosterRows()))
	f, err := excelize.OpenReader(bytes.NewReader(data))
	require.NoError(t, err)
	defer f.Close()
	const name = "进展汇总表"

	page, err := f.GetPageLayout(name)
	require.NoError(t, err)
	assert.Equal(t, "landscape", *page.Orientation)
	assert.Equal(t, 9, *page.Size, "A4")
	assert.Equal(t, 1, *page.FitToWidth)
	assert.Equal(t, 0, *page.FitToHeight, "as many pages as it takes")
	props, err := f.GetSheetProps(name)
	require.NoError(t, err)
	assert.True(t, *props.FitToPage)

	names := map[string]string{}
	for _, n := range f.GetDefinedName() {
		names[n.Name] = n.RefersTo
	}
	assert.Equal(t, "'进展汇总表'!$3:$3", names["_xlnm.Print_Titles"], "the header repeats on every page")
	assert.Equal(t, "'进展汇总表'!$A$1:$K$8", names["_xlnm.Print_Area"])

	panes, err := f.GetPanes(name)
	require.NoError(t, err)
	assert.True(t, panes.Freeze)
	assert.Equal(t, 3, panes.YSplit)

	visible, err := f.GetColVisible(name, "B")
	require.NoError(t, err)
	assert.False(t, visible, "the keys")
	k, err := f.GetCellValue(name, "B4")
	require.NoError(t, err)
	assert.Equal(t, key("01A", 4).String(), k)

	props2, err := f.GetDocProps()
	require.NoError(t, err)
	assert.Equal(t, "2019-08-31T09:00:00Z", props2.Created)
}

func TestEqualNeighboursOfAGroupAreMerged(t *testing.T) {
	f, err := excelize.OpenReader(bytes.NewReader(xlsx(t, sheet(roster(), rosterRows()))))
	require.NoError(t, err)
	defer f.Close()
	merged, err := f.GetMergeCells("进展汇总表")
	require.NoError(t, err)
	var areas []string
	for _, m := range merged {
		areas = append(areas, m.GetStartAxis()+":"+m.GetEndAxis())
	}
	assert.ElementsMatch(t, []string{
		"A1:K1", "A2:K2", "A8:K8", // title, note, footnote
		"A4:A6", "C4:C6", "D4:D6", // number, clause, text; the keys between them are not
		"F4:F5", // the deadline of two of the three
	}, areas)

	// The merged text is longer than three rows of one line: they share its height.
	total := 0.0
	for row := 4; row <= 6; row++ {
		h, err := f.GetRowHeight("进展汇总表", row)
		require.NoError(t, err)
		total += h
	}
	assert.Greater(t, total, 13*13.5, "8 × 23 characters, twice as wide as Latin ones, in a column of 30")
	h, err := f.GetRowHeight("进展汇总表", 7)
	require.NoError(t, err)
	assert.Greater(t, h, 2*13.5, "two lines")
}

func TestDatesAreDatesAndTextsAreNoFormulas(t *testing.T) {
	data := xlsx(t, sheet(roster(), rosterRows()))
	xml := part(t, data, "xl/worksheets/sheet1.xml")
	assert.NotContains(t, xml, "<f>", "no cell is a formula")
	f, err := excelize.OpenReader(bytes.NewReader(data))
	require.NoError(t, err)
	defer f.Close()
	const name = "进展汇总表"
	value := func(cell string, raw bool) string {
		v, err := f.GetCellValue(name, cell, excelize.Options{RawCellValue: raw})
		require.NoError(t, err)
		return v
	}
	assert.Equal(t, "43702", value("G4", true))
	assert.Equal(t, "2019-08-25", value("G4", false))
	assert.Equal(t, "长期坚持", value("F6", true))
	assert.Equal(t, "12.50", value("H4", false))
	assert.Equal(t, "=cmd|' /C calc'!A0", value("K4", true))
	formula, err := f.GetCellFormula(name, "K4")
	require.NoError(t, err)
	assert.Empty(t, formula)
	kind, err := f.GetCellType(name, "K4")
	require.NoError(t, err)
	assert.Equal(t, excelize.CellTypeInlineString, kind)
}

func TestChoicesAreOffered(t *testing.T) {
	form := roster()
	form.Spare = 100
	data := xlsx(t, workbook.Guide(form), sheet(form, rosterRows()))
	requireSame(t, rosterRows(), read(t, data, form)) // empty rows of a form are none, and the guide is no table
	f, err := excelize.OpenReader(bytes.NewReader(data))
	require.NoError(t, err)
	defer f.Close()
	style, err := f.GetCellStyle("进展汇总表", "D103")
	require.NoError(t, err)
	assert.NotZero(t, style, "the last empty row has its borders")
	offered, err := f.GetDataValidations("进展汇总表")
	require.NoError(t, err)
	require.Len(t, offered, 1)
	assert.Equal(t, "I4:I103", offered[0].Sqref)
	assert.Contains(t, offered[0].Formula1, "一般,重大")
}

func TestCSV(t *testing.T) {
	got := string(csvOf(t, sheet(roster(), rosterRows()[2:])))
	want := "\ufeff序号,条款,任务内容,责任处室,完成时限,报送日期,资金（元）,级别,是否办结,备注,行标识（勿改）\r\n" +
		"1,一/（一）," + strings.Repeat("推动城镇人口密集区危险化学品生产企业搬迁改造，", 8) + ",规划处,长期坚持,,,,,'-," + key("01A", 4).String() + "\r\n" +
		"2,四,\"编制\r\n年度计划\",办公室,,2019-08-01,-0.05,一般,是,'@陈某," + key("01B", 9).String() + "\r\n"
	assert.Equal(t, want, got)
}

func TestATextThatNoCellHoldsIsMarkedAndDoesNotComeBack(t *testing.T) {
	rows := rosterRows()[:1]
	rows[0].Cells[9] = workbook.Text(strings.Repeat("长", 40_000))
	r, err := workbook.Read(xlsx(t, sheet(roster(), rows)), roster(), workbook.Limits{Cell: 50_000})
	require.NoError(t, err)
	require.Equal(t, []string{"cell.cut"}, rules(r))
	assert.True(t, r.Rows[0].Cells[9].IsEmpty())
	assert.True(t, strings.HasSuffix(r.Rows[0].Shown[9], "全文见台账】"))
}

func TestErrorsOfRowsEndTheWriting(t *testing.T) {
	broken := errors.New("the read model went away")
	s := workbook.Sheet{Table: roster(), Rows: func(yield func(workbook.Row, error) bool) {
		if yield(rosterRows()[0], nil) {
			yield(workbook.Row{}, broken)
		}
	}}
	var b bytes.Buffer
	require.ErrorIs(t, workbook.Write(&b, book(s)), broken)
	require.ErrorIs(t, workbook.WriteCSV(&b, s), broken)
	s.Rows = workbook.Listed([]workbook.Row{{Cells: make([]workbook.Cell, 3)}})
	require.Error(t, workbook.Write(&b, book(s)), "a row that does not fit")
}
