package workbook

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A Reading is what a file holds of a table.
type Reading struct {
	Sheet    string   // where the table was found, none for a .csv
	Header   int      // row of the header
	Found    []bool   // which of the table's columns the sheet has
	Letters  []string // where they stand: "C", none for those it has not
	Rows     []Taken
	Problems []Problem
	Ignored  []Ignored
}

// Taken is one row as it was read. Where a cell has a problem, it is empty.
type Taken struct {
	Number   int // of the row in the sheet
	Key      Key // zero: a new row
	Problems int // how many of the problems are this row's
	Cells    []Cell
	Shown    []string // the cells as the file shows them, for those who sent it
}

// Read finds a table in a file and reads its rows. A file in which no table can
// be found is an error; what is wrong inside the table is among the problems.
func Read(data []byte, t Table, l Limits) (Reading, error) {
	if err := t.check(); err != nil {
		return Reading{}, err
	}
	l = l.filled()
	grids, err := open(data, l)
	if err != nil {
		return Reading{}, err
	}
	m := newMatcher(t)
	var best header
	var from grid
	for _, g := range grids {
		if h := m.find(g); h.matched > best.matched {
			best, from = h, g
		}
	}
	if best.matched == 0 {
		best.line = -1
	}
	if !m.enough(best) {
		return Reading{}, m.none(from, best)
	}
	r := &reader{m: m, g: from, h: best, limits: l, first: from.width}
	r.out.Sheet, r.out.Header = from.sheet, from.lines[best.line].number
	for _, p := range best.columns {
		r.out.Found = append(r.out.Found, p.found)
		letters := ""
		if p.found {
			r.first = min(r.first, p.at)
			letters = columnName(p.at + 1)
		}
		r.out.Letters = append(r.out.Letters, letters)
	}
	r.readHeader()
	r.readRows()
	return r.out, nil
}

func (m matcher) none(g grid, best header) error {
	e := &NoTableError{Table: m.table.Name, Missing: m.missing(best)}
	if best.line >= 0 && best.matched > 1 {
		e.Sheet, e.Row = g.sheet, g.lines[best.line].number
	}
	if len(e.Missing) == 0 {
		e.Missing = m.table.headings()
	}
	return e
}

// RejectedHeader heads the column that says why a row was rejected. A table that
// comes back with it brings nothing to take from it.
const RejectedHeader = "退回原因"

type reader struct {
	m      matcher
	g      grid
	h      header
	limits Limits
	first  int // where the leftmost of the table's columns stands
	out    Reading
}

// readHeader reports the columns that are not taken.
func (r *reader) readHeader() {
	for _, at := range r.h.unknown {
		if r.title(at) == RejectedHeader {
			continue
		}
		r.out.Ignored = append(r.out.Ignored, Ignored{Sheet: r.g.sheet, Column: r.title(at), Why: "不认识的列 / unknown column"})
	}
	for _, at := range r.h.twice {
		r.problem(r.g.lines[r.h.line], at, faultf("header.twice", "这一列出现了两次，请删去一列 / this column stands twice: take one out"))
	}
}

// The lines that end a table: remarks, and who signed the form.
var (
	remarkLine = regexp.MustCompile(`^\s*[(（\[【]?\s*(注|备注|附注|说明|填表说明|填报说明|备　注)\s*\d*\s*[:：.．、)）\]】]`)
	signedLine = regexp.MustCompile(`^\s*(填表人|填报人|制表人|制表|审核人|审核|复核人|审批人|单位负责人|分管负责人|主要负责人|负责人|联系人|联系电话|填报单位|填报日期|填表日期)\s*(（[^）]*）|\([^)]*\))?\s*[:：]`)
	totalLine  = regexp.MustCompile(`^\s*(合\s*计|总\s*计|小\s*计)\s*[:：]?\s*$`)
)

func (r *reader) readRows() {
	ended := false
	for _, ln := range r.g.lines[r.h.line+1:] {
		why, ends := r.passed(ln)
		ended = ended || ends
		switch {
		case why != "":
			r.ignore(ln, why)
		case ended && r.complete(ln):
			r.problem(ln, ln.first, faultf("row.after_notes", "表尾说明之后还有内容，请移到说明之前 / there is a row below the notes: move it above them"))
		case ended:
			r.ignore(ln, "在表尾说明之后 / below the notes")
		default:
			r.take(ln)
		}
	}
}

// passed says why a line is no row of the table, if it is none, and whether it
// ends the table.
func (r *reader) passed(ln line) (why string, ends bool) {
	first := ln.field(ln.first).text
	switch {
	case r.m.repeats(r.h, ln):
		return "重复的表头 / the header once more", false
	case r.key(ln) != "":
		return "", false // whatever else stands there, it is one of our rows
	case r.alone(ln) && plainInteger.MatchString(first):
		return "只有序号 / only numbered", false
	case remarkLine.MatchString(first) || signedLine.MatchString(first):
		if r.alone(ln) || !r.complete(ln) {
			return "表尾说明 / a remark", true
		}
	case totalLine.MatchString(first):
		return "合计行 / totals", false
	case r.alone(ln):
		return "只填了第一格，当作小标题或说明 / only the first cell is filled: a heading or a remark", false
	}
	return "", false
}

// alone reports whether a line's first cell is all that it has, be it merged over
// the others. A table of one column has no such lines.
func (r *reader) alone(ln line) bool {
	if ln.own > 1 || ln.first > r.first || r.h.matched < 2 {
		return false
	}
	return !slices.ContainsFunc(ln.cells, func(f field) bool {
		return f.text != "" && f.text != ln.cells[ln.first].text // merged with what stands above
	})
}

func (r *reader) key(ln line) string {
	if r.h.keys < 0 || ln.field(r.h.keys).spread {
		return "" // a remark is merged over the keys too
	}
	return ln.field(r.h.keys).text
}

// complete reports whether a line fills all that a row has to.
func (r *reader) complete(ln line) bool {
	filled := 0
	for i, p := range r.h.columns {
		switch {
		case p.found && ln.field(p.at).text != "":
			filled++
		case r.m.table.Columns[i].Required:
			return false
		}
	}
	return filled > 1
}

func (r *reader) ignore(ln line, why string) {
	text := []rune(ln.field(ln.first).text)
	if len(text) > 40 {
		text = append(text[:40], '…')
	}
	r.out.Ignored = append(r.out.Ignored, Ignored{Sheet: r.g.sheet, Row: ln.number, Text: string(text), Why: why})
}

func (r *reader) take(ln line) {
	before := len(r.out.Problems)
	row := Taken{Number: ln.number, Cells: make([]Cell, len(r.h.columns)), Shown: make([]string, len(r.h.columns))}
	if s := r.key(ln); s != "" {
		k, err := parseKey(s)
		if err != nil {
			r.problem(ln, r.h.keys, faultf("row.key", "%s", err.Error()))
		}
		row.Key = k
	}
	for i, p := range r.h.columns {
		if !p.found {
			continue
		}
		f := ln.field(p.at)
		row.Shown[i] = f.text
		col := r.m.table.Columns[i]
		c, wrong := r.cell(col, ln, p)
		// What a known row shows of its record needn't come back: a .csv made from
		// merged cells has it in the first row only.
		if wrong == nil && col.Required && c.IsEmpty() && (row.Key == Key{} || col.Editable) {
			wrong = faultf("cell.required", "必填 / has to be filled in")
		}
		if wrong != nil {
			r.problem(ln, p.at, wrong)
			continue
		}
		row.Cells[i] = c
	}
	row.Problems = len(r.out.Problems) - before
	r.out.Rows = append(r.out.Rows, row)
}

// errorValue is what a formula that failed leaves in a .csv, where it can't be told
// from a text; an .xlsx can.
var errorValue = regexp.MustCompile(`^#(N/A|REF!|VALUE!|DIV/0!|NAME\?|NUM!|NULL!)$`)

func failedFormula() *fault {
	return faultf("cell.formula_error", "公式出错，请改成内容 / the formula failed: write the value")
}

func (r *reader) cell(c Column, ln line, p place) (Cell, *fault) {
	f := ln.field(p.at)
	if wrong := r.g.faults[columnName(p.at+1)+strconv.Itoa(ln.number)]; wrong != nil {
		return Cell{}, wrong
	}
	if r.g.csv && errorValue.MatchString(f.text) {
		return Cell{}, failedFormula()
	}
	if len(f.text) > r.limits.Cell && len([]rune(f.text)) > r.limits.Cell {
		return Cell{}, faultf("cell.long", "内容超过 %d 字 / over %d characters", r.limits.Cell, r.limits.Cell)
	}
	return c.parse(f, p.unit, r.g.since1904)
}

// maxShown bounds how much of a cell a problem repeats.
const maxShown = 60

func (r *reader) problem(ln line, at int, f *fault) {
	value := []rune(ln.field(at).text)
	if len(value) > maxShown {
		value = append(value[:maxShown], '…')
	}
	r.out.Problems = append(r.out.Problems, Problem{
		Rule: f.rule, Sheet: r.g.sheet, Row: ln.number, Column: r.title(at),
		Cell: fmt.Sprintf("%s%d", columnName(at+1), ln.number), Value: string(value), Words: f.words,
	})
}

func (r *reader) title(at int) string {
	if at < len(r.h.titles) {
		return strings.Join(strings.Fields(r.h.titles[at]), "")
	}
	return ""
}
