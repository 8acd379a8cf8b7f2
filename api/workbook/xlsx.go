package workbook

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/xuri/excelize/v2"

	"duban/domain/calendar"
)

// Write writes a book as .xlsx. Each sheet prints on A4 landscape, as wide as the
// page, with its header on every page; texts wrap, dates are dates, and whatever
// a text begins with, it is no formula.
func Write(w io.Writer, b Book) error {
	if len(b.Sheets) == 0 {
		return errors.New("a workbook needs a sheet")
	}
	f := excelize.NewFile()
	defer f.Close()
	f.ZipWriter = func(w io.Writer) excelize.ZipWriter { return newArchive(w) }
	if err := describe(f, b); err != nil {
		return fmt.Errorf("describe the workbook: %w", err)
	}
	st, err := newStyles(f)
	if err != nil {
		return fmt.Errorf("prepare styles: %w", err)
	}
	for i, s := range b.Sheets {
		if err := writeSheet(f, st, s, i == 0); err != nil {
			return fmt.Errorf("write sheet %q: %w", s.Name, err)
		}
	}
	if _, err := f.WriteTo(w); err != nil {
		return fmt.Errorf("write the workbook: %w", err)
	}
	return nil
}

func describe(f *excelize.File, b Book) error {
	at := b.Created.UTC().Format(time.RFC3339)
	err := f.SetDocProps(&excelize.DocProperties{Title: b.Title, Creator: b.Creator, LastModifiedBy: b.Creator, Created: at, Modified: at})
	if err != nil {
		return err
	}
	return f.SetAppProps(&excelize.AppProperties{Application: "Duban"})
}

func writeSheet(f *excelize.File, st *styles, s Sheet, first bool) error {
	if err := s.check(); err != nil {
		return err
	}
	if first {
		if err := f.SetSheetName(f.GetSheetName(0), s.Name); err != nil {
			return err
		}
	} else if _, err := f.NewSheet(s.Name); err != nil {
		return err
	}
	if err := setPage(f, s.Name); err != nil {
		return err
	}
	sw, err := f.NewStreamWriter(s.Name)
	if err != nil {
		return err
	}
	w := &sheetWriter{f: f, sw: sw, st: st, t: s.Table, columns: s.printed()}
	if err := w.write(s); err != nil {
		return err
	}
	if err := w.offer(); err != nil {
		return err
	}
	if err := w.printArea(); err != nil {
		return err
	}
	return sw.Flush()
}

// setPage is what excelize wants to know before the first row.
func setPage(f *excelize.File, name string) error {
	fit, a4, one, any := true, 9, 1, 0
	landscape := "landscape"
	if err := f.SetSheetProps(name, &excelize.SheetPropsOptions{FitToPage: &fit}); err != nil {
		return err
	}
	if err := f.SetPageLayout(name, &excelize.PageLayoutOptions{
		Size: &a4, Orientation: &landscape, FitToWidth: &one, FitToHeight: &any,
	}); err != nil {
		return err
	}
	side, edge, header := 0.4, 0.6, 0.3 // inches
	centred := true
	if err := f.SetPageMargins(name, &excelize.PageLayoutMarginsOptions{
		Left: &side, Right: &side, Top: &edge, Bottom: &edge, Header: &header, Footer: &header, Horizontally: &centred,
	}); err != nil {
		return err
	}
	return f.SetHeaderFooter(name, &excelize.HeaderFooterOptions{OddFooter: "&C第 &P 页　共 &N 页"})
}

// A printed column is a column of the sheet: one of the table's, or the hidden
// one of the keys.
type printed struct {
	Column
	from int // index into a row's cells; keyColumn: the row's key
}

const keyColumn = -1

// printed returns the sheet's columns. The keys stand behind the first column: in
// the middle of what people select, so that sorting takes them along.
func (t Table) printed() []printed {
	var out []printed
	for i, c := range t.Columns {
		out = append(out, printed{c, i})
		if i == 0 && t.Keyed {
			out = append(out, printed{Column{Header: keyHeader, Kind: KindText}, keyColumn})
		}
	}
	return out
}

// A sheetWriter writes one sheet, row after row.
type sheetWriter struct {
	f       *excelize.File
	sw      *excelize.StreamWriter
	st      *styles
	t       Table
	columns []printed
	row     int // the last one written
	header  int
	group   []Row // rows that may merge, not yet written
}

// maxGroup bounds how many rows are held to find out how high they are.
const maxGroup = 500

func (w *sheetWriter) write(s Sheet) error {
	if err := w.prepare(); err != nil {
		return err
	}
	if err := w.head(); err != nil {
		return err
	}
	for r, err := range s.Rows {
		if err == nil {
			err = w.t.fits(r)
		}
		if err == nil && len(w.group) > 0 && (r.Group == "" || r.Group != w.group[0].Group || len(w.group) == maxGroup) {
			err = w.flush()
		}
		if err != nil {
			return err
		}
		w.group = append(w.group, r)
	}
	if err := w.flush(); err != nil {
		return err
	}
	for w.row < w.header+w.t.Spare {
		w.group = append(w.group, Row{Cells: make([]Cell, len(w.t.Columns))})
		if err := w.flush(); err != nil {
			return err
		}
	}
	for _, line := range w.t.Footnotes {
		if err := w.line(line, w.st.note, noteLine); err != nil {
			return err
		}
	}
	return nil
}

func (w *sheetWriter) prepare() error {
	for i, c := range w.columns {
		if err := w.sw.SetColWidth(i+1, i+1, w.width(c)); err != nil {
			return err
		}
		if c.from == keyColumn {
			if err := w.sw.SetColVisible(i+1, i+1, false); err != nil {
				return err
			}
		}
	}
	w.header = len(w.t.Titles) + len(w.t.Notes) + 1
	return w.sw.SetPanes(&excelize.Panes{
		Freeze: true, YSplit: w.header, TopLeftCell: cellName(1, w.header+1), ActivePane: "bottomLeft",
	})
}

const defaultWidth = 12

func (w *sheetWriter) width(c printed) float64 {
	if c.Width > 0 {
		return c.Width
	}
	return defaultWidth
}

func (w *sheetWriter) head() error {
	for _, title := range w.t.Titles {
		if err := w.line(title, w.st.title, titleLine); err != nil {
			return err
		}
	}
	for _, note := range w.t.Notes {
		if err := w.line(note, w.st.note, noteLine); err != nil {
			return err
		}
	}
	cells := make([]any, len(w.columns))
	lines := 1
	for i, c := range w.columns {
		style := w.st.header
		if c.Editable {
			style = w.st.editable
		}
		cells[i] = excelize.Cell{StyleID: style, Value: c.Header}
		if c.from != keyColumn {
			lines = max(lines, linesOf(c.Header, w.width(c)))
		}
	}
	return w.put(cells, height(lines, bodyLine)+headerPadding)
}

// line writes words over the whole width of the sheet.
func (w *sheetWriter) line(words string, style int, lineHeight float64) error {
	total := 0.0
	for _, c := range w.columns {
		if c.from != keyColumn {
			total += w.width(c)
		}
	}
	// A title's letters are larger than those that widths are counted in.
	total *= bodyLine / lineHeight
	words = clean(words)
	if err := w.put([]any{excelize.Cell{StyleID: style, Value: words}}, height(linesOf(words, total), lineHeight)); err != nil {
		return err
	}
	if len(w.columns) == 1 {
		return nil
	}
	return w.sw.MergeCell(cellName(1, w.row), cellName(len(w.columns), w.row))
}

func (w *sheetWriter) put(cells []any, points float64) error {
	w.row++
	return w.sw.SetRow(cellName(1, w.row), cells, excelize.RowOpts{Height: points})
}

// flush writes the rows held and merges what is equal among them.
func (w *sheetWriter) flush() error {
	runs := w.runs()
	heights := w.heights(runs)
	first := w.row + 1
	for i, r := range w.group {
		cells := make([]any, len(w.columns))
		for c, col := range w.columns {
			cells[c] = excelize.Cell{StyleID: w.st.body(col.Column), Value: w.value(col, r, runs.covers(c, i))}
		}
		if err := w.put(cells, heights[i]); err != nil {
			return err
		}
	}
	for _, m := range runs {
		if err := w.sw.MergeCell(cellName(m.column+1, first+m.from), cellName(m.column+1, first+m.to)); err != nil {
			return err
		}
	}
	w.group = w.group[:0]
	return nil
}

// value returns what excelize is to write. Words come as string, which it writes
// as an inline string, never as a formula.
func (w *sheetWriter) value(col printed, r Row, covered bool) any {
	if col.from == keyColumn {
		return orNil(r.Key.String())
	}
	if covered {
		return nil
	}
	switch c := r.Cells[col.from]; c.kind {
	case KindDate:
		return serial(c.date)
	case KindNumber:
		if c.decimals == 0 {
			return c.number
		}
		return decimal(c)
	default:
		return orNil(fitting(c.String()))
	}
}

func orNil(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// firstSerial is the number of 1949-01-01, the first of the calendar's dates.
const firstSerial = 17_899

// serial returns a date as spreadsheets count it, in days after 1899-12-30.
func serial(d calendar.Date) int {
	return firstSerial + d.DaysSince(calendar.Of(1949, time.January, 1))
}

// maxText is how many UTF-16 code units a spreadsheet's cell holds.
const maxText = 32_767

// cutMark ends a text that was too long for a cell, so that nobody takes it for
// the whole, neither here nor on the way back.
const cutMark = "…【单元格容不下全文，全文见台账】"

func fitting(s string) string {
	if len(s) <= maxText || units(s) <= maxText {
		return s
	}
	room := maxText - units(cutMark)
	for i, r := range s {
		if room -= unitsOf(r); room < 0 {
			return s[:i] + cutMark
		}
	}
	return s
}

func units(s string) int {
	n := 0
	for _, r := range s {
		n += unitsOf(r)
	}
	return n
}

func unitsOf(r rune) int {
	if r > 0xFFFF {
		return 2
	}
	return 1
}

// offer adds the lists of choices.
func (w *sheetWriter) offer() error {
	last := w.row - len(w.t.Footnotes)
	for i, c := range w.columns {
		if len(c.Choices) == 0 || last == w.header {
			continue
		}
		labels := make([]string, len(c.Choices))
		for j, choice := range c.Choices {
			labels[j] = choice.Label
		}
		dv := excelize.NewDataValidation(true)
		dv.Sqref = cellName(i+1, w.header+1) + ":" + cellName(i+1, last)
		if err := dv.SetDropList(labels); err != nil {
			return fmt.Errorf("list the choices of column %s: %w", c.Key, err)
		}
		dv.SetError(excelize.DataValidationErrorStyleStop, "请从列表中选择", "本列只能填："+c.offered())
		if err := w.f.AddDataValidation(w.t.Name, dv); err != nil {
			return err
		}
	}
	return nil
}

func (w *sheetWriter) printArea() error {
	sheet := "'" + strings.ReplaceAll(w.t.Name, "'", "''") + "'!"
	names := []excelize.DefinedName{
		{Name: "_xlnm.Print_Area", Scope: w.t.Name, RefersTo: sheet + "$A$1:" + absolute(len(w.columns), w.row)},
		{Name: "_xlnm.Print_Titles", Scope: w.t.Name, RefersTo: fmt.Sprintf("%s$%d:$%d", sheet, w.header, w.header)},
	}
	for i := range names {
		if err := w.f.SetDefinedName(&names[i]); err != nil {
			return err
		}
	}
	return nil
}

// cellName names a cell by numbers that are in range.
func cellName(column, row int) string {
	name, _ := excelize.CoordinatesToCellName(column, row)
	return name
}

func absolute(column, row int) string {
	name, _ := excelize.CoordinatesToCellName(column, row, true)
	return name
}
