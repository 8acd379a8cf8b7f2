package workbook_test

import (
	"archive/zip"
	"bytes"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"

	"duban/api/workbook"
	"duban/domain"
)

// roster is a table with every kind of column.
func roster() workbook.Table {
	return workbook.Table{
		Name:      "进展汇总表",
		Titles:    []string{"2019年8月工作任务进展汇总表"},
		Notes:     []string{"填报单位：厅安委会办公室　　黄色表头的列可以修改"},
		Footnotes: []string{"注：按账本第 120 号事件编制。"},
		Keyed:     true,
		Columns: []workbook.Column{
			{Key: "number", Header: "序号", Width: 6, Kind: workbook.KindNumber, Merge: true},
			{Key: "clause", Header: "条款", Width: 10, Kind: workbook.KindText, Merge: true},
			{Key: "text", Header: "任务\n内容", Width: 30, Kind: workbook.KindText, Required: true, Merge: true},
			{Key: "office", Header: "责任处室", Aliases: []string{"牵头/责任处室", "责任单位"}, Width: 14, Kind: workbook.KindText, Required: true},
			{Key: "deadline", Header: "完成时限", Width: 12, Kind: workbook.KindDateOrWords, Merge: true},
			{Key: "reported", Header: "报送日期", Width: 12, Kind: workbook.KindDate, Editable: true},
			{Key: "funds", Header: "资金（元）", Width: 12, Kind: workbook.KindNumber, Decimals: 2, Units: workbook.Yuan(), Editable: true},
			{Key: "grade", Header: "级别", Width: 8, Kind: workbook.KindText, Choices: []workbook.Choice{
				{Label: "一般", Aliases: []string{"一般隐患"}}, {Label: "重大", Aliases: []string{"重大隐患"}},
			}},
			{Key: "done", Header: "是否办结", Width: 8, Kind: workbook.KindYesNo, Editable: true},
			{Key: "remark", Header: "备注", Width: 16, Kind: workbook.KindText, Editable: true},
		},
	}
}

func key(id string, version uint64) workbook.Key {
	return workbook.Key{Ref: domain.Ref{Kind: domain.KindTask, ID: id}, Office: "01OFFICE", Period: "2019-08", Version: version}
}

// rosterRows are three shares of one task and one of another.
func rosterRows() []workbook.Row {
	long := strings.Repeat("推动城镇人口密集区危险化学品生产企业搬迁改造，", 8)
	row := func(k workbook.Key, group string, n int64, clause, text, office string, rest ...workbook.Cell) workbook.Row {
		return workbook.Row{Key: k, Group: group, Cells: append([]workbook.Cell{
			workbook.Number(n, 0), workbook.Text(clause), workbook.Text(text), workbook.Text(office),
		}, rest...)}
	}
	none := workbook.Cell{}
	return []workbook.Row{
		row(key("01A", 4), "1", 1, "一/（一）", long, "化工处", workbook.On("2019-12-31"), workbook.On("2019-08-25"), workbook.Number(1250, 2), workbook.Text("重大"), workbook.YesNo(false), workbook.Text("=cmd|' /C calc'!A0")),
		row(key("01A", 4), "1", 1, "一/（一）", long, "园区处", workbook.On("2019-12-31"), none, none, none, workbook.YesNo(false), none),
		row(key("01A", 4), "1", 1, "一/（一）", long, "规划处", workbook.Text("长期坚持"), none, none, none, none, workbook.Text("-")),
		row(key("01B", 9), "2", 2, "四", "编制\n年度计划", "办公室", none, workbook.On("2019-08-01"), workbook.Number(-5, 2), workbook.Text("一般"), workbook.YesNo(true), workbook.Text("@陈某")),
	}
}

func book(sheets ...workbook.Sheet) workbook.Book {
	return workbook.Book{Title: "督办台账", Creator: "厅安委会办公室", Created: time.Date(2019, 8, 31, 9, 0, 0, 0, time.UTC), Sheets: sheets}
}

func sheet(t workbook.Table, rows []workbook.Row) workbook.Sheet {
	return workbook.Sheet{Table: t, Rows: workbook.Listed(rows)}
}

// checker is what helpers need of a test, so that rapid's serve them too.
type checker interface {
	require.TestingT
	Helper()
}

func xlsx(t checker, sheets ...workbook.Sheet) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, workbook.Write(&b, book(sheets...)))
	return b.Bytes()
}

func csvOf(t checker, s workbook.Sheet) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, workbook.WriteCSV(&b, s))
	return b.Bytes()
}

func read(t checker, data []byte, table workbook.Table) workbook.Reading {
	t.Helper()
	r, err := workbook.Read(data, table, workbook.Limits{})
	require.NoError(t, err)
	return r
}

// A foreign workbook as somebody else's program or hand would make it.
type foreign struct {
	*excelize.File
	t     testing.TB
	sheet string
}

func newForeign(t testing.TB) foreign {
	f := foreign{excelize.NewFile(), t, "Sheet1"}
	t.Cleanup(func() { require.NoError(t, f.Close()) })
	return f
}

// rows writes rows from the top; nil leaves a cell empty.
func (f foreign) rows(rows ...[]any) foreign {
	f.t.Helper()
	for i, r := range rows {
		name, err := excelize.CoordinatesToCellName(1, i+1)
		require.NoError(f.t, err)
		require.NoError(f.t, f.SetSheetRow(f.sheet, name, &r))
	}
	return f
}

func (f foreign) merge(from, to string) foreign {
	f.t.Helper()
	require.NoError(f.t, f.MergeCell(f.sheet, from, to))
	return f
}

func (f foreign) bytes() []byte {
	f.t.Helper()
	b, err := f.WriteToBuffer()
	require.NoError(f.t, err)
	return b.Bytes()
}

// repack copies a zip with some parts changed; nil takes a part out.
func repack(t testing.TB, data []byte, change map[string]func(string) []byte) []byte {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	require.NoError(t, err)
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, f := range z.File {
		r, err := f.Open()
		require.NoError(t, err)
		content, err := io.ReadAll(r)
		require.NoError(t, err)
		if c, ok := change[f.Name]; ok {
			if content = c(string(content)); content == nil {
				continue
			}
		}
		p, err := w.Create(f.Name)
		require.NoError(t, err)
		_, err = p.Write(content)
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return out.Bytes()
}

// part returns one part of a zip.
func part(t testing.TB, data []byte, name string) string {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	require.NoError(t, err)
	r, err := z.Open(name)
	require.NoError(t, err)
	b, err := io.ReadAll(r)
	require.NoError(t, err)
	return string(b)
}

// rules are those of a reading's problems, in order.
func rules(r workbook.Reading) []string {
	var out []string
	for _, p := range r.Problems {
		out = append(out, p.Rule)
	}
	return out
}

// words are a row's cells as they read.
func words(row workbook.Taken) []string {
	var out []string
	for _, c := range row.Cells {
		out = append(out, c.String())
	}
	return out
}
