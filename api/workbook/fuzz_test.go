package workbook_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"duban/api/workbook"
)

// small keeps a fuzzer's workbooks small.
func small() workbook.Limits {
	return workbook.Limits{Bytes: 1 << 20, Unpacked: 4 << 20, Rows: 2000, Columns: 50, Cell: 1000}
}

// FuzzRead: whatever the bytes are, the answer is a reading or an error.
func FuzzRead(f *testing.F) {
	f.Add(xlsx(f, sheet(roster(), rosterRows())))
	f.Add(csvOf(f, sheet(roster(), rosterRows())))
	f.Add([]byte("任务内容\t责任处室\n甲\t乙"))
	f.Add([]byte("\xff\xfe\x16\x4e"))
	f.Add([]byte("PK\x03\x04"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := workbook.Read(data, roster(), small())
		if err == nil {
			requireSound(t, r)
		}
	})
}

// FuzzSheet changes the XML inside a workbook, which random bytes of a zip seldom
// reach.
func FuzzSheet(f *testing.F) {
	base := xlsx(f, sheet(roster(), rosterRows()))
	const name = "xl/worksheets/sheet1.xml"
	f.Add([]byte(part(f, base, name)), []byte(part(f, base, "xl/styles.xml")), []byte(`<sst><si><t>任务内容</t></si></sst>`))
	f.Add([]byte(`<worksheet><sheetData><row r="1"><c r="A1" t="s"><v>0</v></c><c r="C1" t="inlineStr"><is><t>责任处室</t></is></c></row><row r="9"><c r="B9" t="d"><v>2019-08-01T00:00:00</v></c><c t="e"><v>#N/A</v></c><c t="b"><v>1</v></c><c><f>A1</f></c></row></sheetData><mergeCells><mergeCell ref="A1:B9"/></mergeCells></worksheet>`),
		[]byte(`<styleSheet/>`), []byte(`<sst><si><r><t>任务</t></r><r><t>内容</t></r></si></sst>`))
	f.Fuzz(func(t *testing.T, sheetXML, styles, strings []byte) {
		data := repack(t, base, map[string]func(string) []byte{
			name:                   func(string) []byte { return sheetXML },
			"xl/styles.xml":        func(string) []byte { return styles },
			"xl/sharedStrings.xml": func(string) []byte { return strings },
		})
		r, err := workbook.Read(data, roster(), small())
		if err == nil {
			requireSound(t, r)
		}
	})
}

// requireSound checks what holds of every reading: rows in order, and every
// problem at a place.
func requireSound(t *testing.T, r workbook.Reading) {
	last, counted := r.Header, 0
	for _, row := range r.Rows {
		require.Greater(t, row.Number, last)
		last = row.Number
		require.Len(t, row.Cells, len(r.Found))
		counted += row.Problems
	}
	require.LessOrEqual(t, counted, len(r.Problems))
	for _, p := range r.Problems {
		require.NotEmpty(t, p.Rule)
		require.NotEmpty(t, p.Words)
		require.GreaterOrEqual(t, p.Row, r.Header)
		require.NotEmpty(t, p.Cell)
	}
}
