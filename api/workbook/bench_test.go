package workbook_test

import (
	"bytes"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"duban/api/workbook"
)

// many returns rows as a province's summary has them: three shares a task, texts
// of a hundred characters.
func many(n int) func(func(workbook.Row, error) bool) {
	return func(yield func(workbook.Row, error) bool) {
		text := strings.Repeat("推动城镇人口密集区危险化学品生产企业搬迁改造，", 5)
		for i := range n {
			task := fmt.Sprint(i / 3)
			r := workbook.Row{Key: key("01"+task, 7), Group: task, Cells: []workbook.Cell{
				workbook.Number(int64(i/3+1), 0), workbook.Text("一/（一）/" + task), workbook.Text(text + task), workbook.Text("危险化学品监督管理处"),
				workbook.On("2019-12-31"), workbook.On("2019-08-25"), workbook.Number(int64(i), 2), workbook.Text("重大"), workbook.YesNo(i%2 == 0), workbook.Text(text),
			}}
			if !yield(r, nil) {
				return
			}
		}
	}
}

// watched returns the largest heap seen while rows are written, in bytes.
func watched(rows func(func(workbook.Row, error) bool), peak *uint64) func(func(workbook.Row, error) bool) {
	look := func() {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		*peak = max(*peak, m.Sys-m.HeapReleased)
	}
	return func(yield func(workbook.Row, error) bool) {
		n := 0
		for r, err := range rows {
			if n++; n%1000 == 0 {
				look()
			}
			if !yield(r, err) {
				return
			}
		}
		look()
	}
}

// The summary of 10,000 shares: at most 5 s and 200 MB.
func BenchmarkWriteXLSX(b *testing.B) {
	var peak uint64
	for b.Loop() {
		s := workbook.Sheet{Table: roster(), Rows: watched(many(10_000), &peak)}
		require.NoError(b, workbook.Write(io.Discard, book(s)))
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	b.ReportMetric(float64(max(peak, m.Sys-m.HeapReleased))/(1<<20), "MiB-resident")
}

func BenchmarkWriteCSV(b *testing.B) {
	for b.Loop() {
		require.NoError(b, workbook.WriteCSV(io.Discard, workbook.Sheet{Table: roster(), Rows: many(10_000)}))
	}
}

func BenchmarkReadXLSX(b *testing.B) {
	var out bytes.Buffer
	require.NoError(b, workbook.Write(&out, book(workbook.Sheet{Table: roster(), Rows: many(10_000)})))
	for b.Loop() {
		r, err := workbook.Read(out.Bytes(), roster(), workbook.Limits{})
		require.NoError(b, err)
		require.Len(b, r.Rows, 10_000)
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	b.ReportMetric(float64(m.Sys-m.HeapReleased)/(1<<20), "MiB-resident")
}
