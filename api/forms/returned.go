package forms

import (
	"slices"
	"strconv"
	"strings"

	"duban/api/workbook"
)

// A Returned is a table that came back, its cells known by their columns' keys.
type Returned struct {
	workbook.Table
	workbook.Reading
}

// A returnedRow is one row of it.
type returnedRow struct {
	of *Returned
	workbook.Taken
}

// Plan makes a plan of every row. A row in which a cell could not be read is
// refused for that, and one that shows or makes the same record as a row above it:
// which of the two is meant?
func (r *Returned) Plan(row func(returnedRow, *RowPlan)) Plan {
	p := Plan{Sheet: r.Sheet, Header: r.Header, Ignored: r.Ignored}
	taken := map[int][]workbook.Problem{}
	for _, t := range r.Rows {
		taken[t.Number] = nil
	}
	for _, wrong := range r.Problems {
		if _, ok := taken[wrong.Row]; ok {
			taken[wrong.Row] = append(taken[wrong.Row], wrong)
		} else {
			p.Problems = append(p.Problems, wrong)
		}
	}
	shown, claimed := map[workbook.Key]int{}, map[string]int{}
	for _, t := range r.Rows {
		out := RowPlan{Number: t.Number, Key: t.Key, Back: workbook.Row{Key: t.Key, Cells: asSent(t)}}
		rr := returnedRow{r, t}
		record := t.Key
		record.Version = 0
		earlier, twice := shown[record]
		switch {
		case len(taken[t.Number]) > 0:
			out.Refuse(OutcomeRefused, taken[t.Number]...)
		case twice && t.Key != workbook.Key{}:
			out.Refuse(OutcomeRefused, rr.problem("row.twice", "",
				"与第 "+strconv.Itoa(earlier)+" 行是同一条记录，请只留一行 / row "+strconv.Itoa(earlier)+" shows the same record: keep one of them"))
		default:
			row(rr, &out)
		}
		if !twice {
			shown[record] = t.Number
		}
		if earlier, ok := claimed[out.Claim]; ok {
			out.Refuse(OutcomeRefused, rr.problem("row.repeated", "",
				"与第 "+strconv.Itoa(earlier)+" 行是同一件事，请只留一行 / this is what row "+strconv.Itoa(earlier)+" says: keep one of them"))
		}
		if out.Claim != "" {
			claimed[out.Claim] = t.Number
		}
		p.Rows = append(p.Rows, out)
	}
	return p
}

// asSent returns a row's cells, with the words of those that could not be read.
func asSent(t workbook.Taken) []workbook.Cell {
	out := slices.Clone(t.Cells)
	for i, c := range out {
		if c.IsEmpty() && t.Shown[i] != "" {
			out[i] = workbook.Text(t.Shown[i])
		}
	}
	return out
}

func (r returnedRow) column(key string) int {
	return slices.IndexFunc(r.of.Columns, func(c workbook.Column) bool { return c.Key == key })
}

// has reports whether the sheet has the column at all.
func (r returnedRow) has(key string) bool {
	i := r.column(key)
	return i >= 0 && r.of.Found[i]
}

// cell returns the cell of a column, an empty one if the sheet has no such column.
func (r returnedRow) cell(key string) workbook.Cell {
	if i := r.column(key); i >= 0 {
		return r.Cells[i]
	}
	return workbook.Cell{}
}

func (r returnedRow) text(key string) string { return r.cell(key).String() }

// place names the cell of a column as spreadsheets do.
func (r returnedRow) place(key string) (header, cell string) {
	i := r.column(key)
	if i < 0 {
		return "", ""
	}
	header = headerWords(r.of.Columns[i])
	if r.of.Letters[i] != "" {
		cell = r.of.Letters[i] + strconv.Itoa(r.Number)
	}
	return header, cell
}

// problem says what is wrong with the cell of a column, or with the row if key is
// empty.
func (r returnedRow) problem(rule, key, words string) workbook.Problem {
	p := workbook.Problem{Rule: rule, Sheet: r.of.Sheet, Row: r.Number, Words: words}
	if key != "" {
		p.Column, p.Cell = r.place(key)
		p.Value = r.text(key)
	}
	return p
}

// differences returns in which columns the row differs from what the ledger shows,
// by their keys. What is only laid out otherwise is no difference, nor is a cell
// of the ledger's that did not come back.
func (r returnedRow) differences(now []workbook.Cell) []string {
	var keys []string
	for i, c := range r.of.Columns {
		switch {
		case !r.of.Found[i], sameWords(r.Cells[i], now[i]):
		case !c.Editable && r.Cells[i].IsEmpty():
		default:
			keys = append(keys, c.Key)
		}
	}
	return keys
}

func (r returnedRow) change(key string, now []workbook.Cell) Change {
	i := r.column(key)
	c := Change{Was: now[i].String(), Becomes: r.Cells[i].String()}
	c.Column, c.Cell = r.place(key)
	return c
}

func sameWords(a, b workbook.Cell) bool {
	return a == b || strings.Join(strings.Fields(a.String()), " ") == strings.Join(strings.Fields(b.String()), " ")
}

func headerWords(c workbook.Column) string { return strings.Join(strings.Fields(c.Header), "") }
