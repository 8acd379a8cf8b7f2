package workbook

import (
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// A grid is what stands in one sheet, or in a .csv, before anybody knows what it
// means.
type grid struct {
	sheet     string // none for a .csv
	csv       bool
	lines     []line            // those with something in them, from the top
	width     int               // cells of the widest line
	since1904 bool              // dates are counted from 1904
	faults    map[string]*fault // of cells, by their names
}

// A line is one row.
type line struct {
	number int // as spreadsheets count, from 1
	cells  []field
	own    int // cells filled here, not by a merge from elsewhere
	first  int // index of the first of them
}

// A field is one cell as the file has it.
type field struct {
	text   string // as shown
	value  string // as stored: dates are numbers
	spread bool   // filled by the merged cell it belongs to
}

// add appends a row unless it is empty.
func (g *grid) add(number int, texts, values []string, l Limits) error {
	ln := line{number: number, first: -1}
	for i := range max(len(texts), len(values)) {
		f := field{text: at(texts, i), value: at(values, i)}
		f.text, f.value = clean(f.text), clean(f.value)
		if f.text == "" {
			f.text = f.value // a format may hide what is there
		}
		if f.text == "" {
			continue
		}
		if i >= l.Columns {
			return tooLarge("列数", "columns", l.Columns)
		}
		for len(ln.cells) < i {
			ln.cells = append(ln.cells, field{})
		}
		ln.cells = append(ln.cells, f)
		if ln.own++; ln.own == 1 {
			ln.first = i
		}
	}
	if ln.own == 0 {
		return nil
	}
	if len(g.lines) == l.Rows {
		return tooLarge("行数", "rows", l.Rows)
	}
	g.lines = append(g.lines, ln)
	g.width = max(g.width, len(ln.cells))
	return nil
}

func at(s []string, i int) string {
	if i < len(s) {
		return s[i]
	}
	return ""
}

// field returns the cell at a column counted from 0.
func (ln line) field(column int) field {
	if column < len(ln.cells) {
		return ln.cells[column]
	}
	return field{}
}

// maxSpread bounds the work that overlapping merged areas can ask for.
const maxSpread = 20_000_000

// spread fills the empty cells of merged areas with what stands in their corner.
// Rows that have nothing of their own stay away.
func (g *grid) spread(merges []area) error {
	work := 0
	for _, m := range merges {
		from, ok := slices.BinarySearchFunc(g.lines, m.top, func(ln line, row int) int { return cmp.Compare(ln.number, row) })
		if !ok {
			continue
		}
		corner := g.lines[from].field(m.left - 1)
		if corner.text == "" {
			continue
		}
		corner.spread = true
		right := min(m.right, g.width)
		for i := from; i < len(g.lines) && g.lines[i].number <= m.bottom; i++ {
			if work += right - m.left + 1; work > maxSpread {
				return tooLarge("合并单元格", "merged cells", maxSpread)
			}
			g.lines[i].fill(m.left-1, right, corner)
		}
	}
	return nil
}

func (ln *line) fill(from, to int, f field) {
	for len(ln.cells) < to {
		ln.cells = append(ln.cells, field{})
	}
	for c := from; c < to; c++ {
		if ln.cells[c].text == "" {
			ln.cells[c] = f
		}
	}
}

// csvGrid reads a .csv. Rows are counted as a spreadsheet shows them: an empty
// line is a row, a cell that breaks lines is in one.
func csvGrid(text string, l Limits) (grid, error) {
	g := grid{csv: true}
	r := csv.NewReader(strings.NewReader(text))
	r.FieldsPerRecord = -1
	r.ReuseRecord = true
	if first, _, _ := strings.Cut(text, "\n"); strings.Count(first, "\t") > strings.Count(first, ",") {
		r.Comma = '\t'
	}
	row, next := 0, 1 // the line that the next record would begin on
	for {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			return g, nil
		}
		var wrong *csv.ParseError
		if errors.As(err, &wrong) {
			return g, fmt.Errorf("%w：第 %d 行的引号不配对 / line %d: unmatched quotes", ErrBroken, wrong.Line, wrong.Line)
		}
		if err != nil {
			return g, fmt.Errorf("read the .csv: %w", err)
		}
		begins, _ := r.FieldPos(0)
		row += 1 + begins - next
		last, _ := r.FieldPos(len(record) - 1)
		next = last + strings.Count(record[len(record)-1], "\n") + 1
		for i := range record {
			record[i] = unquote(record[i])
		}
		if err := g.add(row, record, record, l); err != nil {
			return g, err
		}
	}
}
