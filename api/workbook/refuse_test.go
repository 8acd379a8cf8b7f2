package workbook_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"

	"duban/api/workbook"
)

func bytesReader(b []byte) io.Reader { return bytes.NewReader(b) }

// zipOf makes a zip of parts.
func zipOf(t testing.TB, parts map[string]string) []byte {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for name, content := range parts {
		p, err := w.Create(name)
		require.NoError(t, err)
		_, err = io.WriteString(p, content)
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return out.Bytes()
}

func TestFilesThatAreRefused(t *testing.T) {
	good := newForeign(t).rows([]any{"隐患内容", "排查日期"}, []any{"内容", "2019-08-01"}).bytes()
	var locked bytes.Buffer
	require.NoError(t, newForeign(t).Write(&locked, excelize.Options{Password: "secret"}))
	word := map[string]string{
		"[Content_Types].xml": "<Types/>",
		"_rels/.rels":         `<Relationships><Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/></Relationships>`,
		"word/document.xml":   "<w/>",
	}
	endless := func(s string) []byte { return []byte(strings.TrimSuffix(s, "</sheetData></worksheet>")) }
	for _, c := range []struct {
		name string
		data []byte
		want error
	}{
		{"nothing", nil, workbook.ErrEmptyFile},
		{"white space", []byte(" \r\n"), workbook.ErrEmptyFile},
		{"old Excel", append([]byte("\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"), make([]byte, 600)...), workbook.ErrOldExcel},
		{"a password", locked.Bytes(), workbook.ErrEncrypted},
		{"a page called .xls", []byte("\ufeff<html><table><tr><td>隐患内容</td></tr></table></html>"), workbook.ErrOtherFormat},
		{"a PDF", []byte("%PDF-1.4 \x00\x01"), workbook.ErrOtherFormat},
		{"random bytes", []byte("\x00\x01\x02\xff\xfe\x80"), workbook.ErrOtherFormat},
		{"OpenDocument", zipOf(t, map[string]string{"mimetype": "application/vnd.oasis.opendocument.spreadsheet", "content.xml": "<x/>"}), workbook.ErrOtherFormat},
		{"Word", zipOf(t, word), workbook.ErrOtherFormat},
		{"cut short", good[:len(good)/2], workbook.ErrBroken},
		{"only a zip's beginning", []byte("PK\x03\x04"), workbook.ErrBroken},
		{"a sheet that ends early", repack(t, good, map[string]func(string) []byte{"xl/worksheets/sheet1.xml": endless}), workbook.ErrBroken},
		{"no sheet", repack(t, good, map[string]func(string) []byte{"xl/worksheets/sheet1.xml": func(string) []byte { return nil }}), workbook.ErrBroken},
		{"a quote left open", []byte("隐患内容,排查日期\n\"内容,2019-08-01\n"), workbook.ErrBroken},
	} {
		_, err := workbook.Read(c.data, hazards(), workbook.Limits{})
		assert.ErrorIs(t, err, c.want, c.name)
	}
}

func TestLimits(t *testing.T) {
	rows := [][]any{{"隐患内容", "排查日期"}}
	for range 30 {
		rows = append(rows, []any{strings.Repeat("长", 50), "2019-08-01"})
	}
	data := newForeign(t).rows(rows...).bytes()
	for name, l := range map[string]workbook.Limits{
		"bytes": {Bytes: 1000}, "unpacked": {Unpacked: 1000}, "rows": {Rows: 10}, "columns": {Columns: 1},
	} {
		_, err := workbook.Read(data, hazards(), l)
		assert.ErrorIs(t, err, workbook.ErrTooLarge, name)
	}
	r, err := workbook.Read(data, hazards(), workbook.Limits{Cell: 49})
	require.NoError(t, err)
	assert.Len(t, r.Problems, 30)
	assert.Equal(t, "cell.long", r.Problems[0].Rule)
}

// TestAZipBomb: what packs well unpacks to more than is allowed.
func TestAZipBomb(t *testing.T) {
	good := newForeign(t).bytes()
	bomb := repack(t, good, map[string]func(string) []byte{"xl/worksheets/sheet1.xml": func(s string) []byte {
		return []byte(strings.Replace(s, "<sheetData>", "<sheetData>"+strings.Repeat(" ", 20<<20), 1))
	}})
	require.Less(t, len(bomb), 100<<10)
	_, err := workbook.Read(bomb, hazards(), workbook.Limits{Unpacked: 16 << 20})
	require.ErrorIs(t, err, workbook.ErrTooLarge)
}

// TestBordersDownToTheLastRow: tens of thousands of empty cells with a border around them
// are no rows, and areas merged over whole columns are no work.
func TestBordersDownToTheLastRow(t *testing.T) {
	good := newForeign(t).rows([]any{"隐患内容", "排查日期"}, []any{"内容", "2019-08-01"}).bytes()
	data := repack(t, good, map[string]func(string) []byte{"xl/worksheets/sheet1.xml": func(s string) []byte {
		var empty, merges strings.Builder
		for row := 3; row <= 50_000; row++ {
			fmt.Fprintf(&empty, `<row r="%d"><c r="XFD%d" s="1"/></row>`, row, row)
		}
		merges.WriteString("</sheetData><mergeCells>")
		for i := range 10_000 {
			fmt.Fprintf(&merges, `<mergeCell ref="A%d:XFD1048576"/>`, i%2+1)
		}
		merges.WriteString("</mergeCells>")
		return []byte(strings.Replace(s, "</sheetData>", empty.String()+merges.String(), 1))
	}})
	r := read(t, data, hazards())
	require.Len(t, r.Rows, 1)
}
