package workbook_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"duban/api/workbook"
	"duban/domain"
	"duban/domain/calendar"
)

func TestRosterComesBack(t *testing.T) {
	rows := rosterRows()
	requireSame(t, rows, read(t, xlsx(t, sheet(roster(), rows)), roster()))
	requireSame(t, rows, read(t, csvOf(t, sheet(roster(), rows)), roster()))
}

// TestWhatIsWrittenIsRead: whatever stands in a table comes back from .xlsx and
// .csv as it was, with its keys, without a problem.
func TestWhatIsWrittenIsRead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		table := roster()
		table.Titles = rapid.SliceOfN(rapid.String(), 0, 3).Draw(t, "titles")
		table.Notes = rapid.SliceOfN(rapid.String(), 0, 2).Draw(t, "notes")
		table.Footnotes = rapid.SliceOfN(rapid.String(), 0, 2).Draw(t, "footnotes")
		rows := rapid.SliceOfN(rapid.Custom(drawRow), 0, 12).Draw(t, "rows")
		s := sheet(table, rows)
		requireSame(t, rows, read(t, xlsx(t, s), table))
		requireSame(t, rows, read(t, csvOf(t, s), table))
	})
}

func drawRow(t *rapid.T) workbook.Row {
	id := rapid.StringMatching(`[0-9A-Z]{6}`).Draw(t, "id")
	optional := func(name string, c func() workbook.Cell) workbook.Cell {
		if rapid.Bool().Draw(t, name+" given") {
			return c()
		}
		return workbook.Cell{}
	}
	text := func(name string) workbook.Cell {
		return workbook.Text(rapid.OneOf(rapid.String(), rapid.SampledFrom(hostile())).Draw(t, name))
	}
	required := func(name string) workbook.Cell {
		return workbook.Text("任务" + rapid.String().Draw(t, name))
	}
	date := func(name string) workbook.Cell {
		return workbook.On(calendar.Of(1949, 1, 1).AddDays(rapid.IntRange(0, 91_000).Draw(t, name)))
	}
	return workbook.Row{
		Key: workbook.Key{
			Ref: domain.Ref{Kind: domain.KindTask, ID: id}, Office: rapid.StringMatching(`[0-9A-Z]{0,4}`).Draw(t, "office id"),
			Period: rapid.SampledFrom([]calendar.Period{"", "2019", "2019-08"}).Draw(t, "period"), Version: rapid.Uint64().Draw(t, "version"),
		},
		Group: rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, "group"),
		Cells: []workbook.Cell{
			optional("number", func() workbook.Cell { return workbook.Number(rapid.Int64Range(-1e12, 1e12).Draw(t, "number"), 0) }),
			text("clause"),
			required("text"),
			required("office"),
			optional("deadline", func() workbook.Cell {
				return rapid.SampledFrom([]workbook.Cell{date("deadline"), workbook.Text("长期坚持"), workbook.Text("2019年12月底")}).Draw(t, "either")
			}),
			optional("reported", func() workbook.Cell { return date("reported") }),
			optional("funds", func() workbook.Cell { return workbook.Number(rapid.Int64Range(-1e13, 1e13).Draw(t, "fen"), 2) }),
			rapid.SampledFrom([]workbook.Cell{{}, workbook.Text("一般"), workbook.Text("重大")}).Draw(t, "grade"),
			optional("done", func() workbook.Cell { return workbook.YesNo(rapid.Bool().Draw(t, "yes")) }),
			text("remark"),
		},
	}
}

// hostile are texts that writers and readers of spreadsheets stumble over.
func hostile() []string {
	return []string{
		"=1+1", "+86", "-", "@SUM(A1)", "'", "'=1", "''@", "＝1", "\t=1", "a\r\nb", "a\rb", "a\vb", "  ", "　全角　", "_x0041_", "_x005F_x0041_",
		"<a>&amp;\"'</a>", "\x00\x01", "\ufffe", "😀", "1,5", "a,b", "\"", "\"\"", "2019-08-01", "43702", "1E5", "00123", "123456789012345678",
		"TRUE", "注：不是说明", "合计", "说明：", "序号", "备注", "]]>", "\ufeff", "a\u00a0b", "e\u0301", ";", "1e400", "0x10", "%", "，",
	}
}

func requireSame(t require.TestingT, want []workbook.Row, got workbook.Reading) {
	require.Empty(t, got.Problems)
	require.Len(t, got.Rows, len(want), "ignored: %v", got.Ignored)
	for i := range want {
		require.Equal(t, want[i].Key, got.Rows[i].Key)
		for c := range want[i].Cells {
			require.Equal(t, want[i].Cells[c].String(), got.Rows[i].Cells[c].String(), fmt.Sprintf("row %d, cell %d", i, c))
			require.Equal(t, want[i].Cells[c], got.Rows[i].Cells[c])
		}
	}
}
