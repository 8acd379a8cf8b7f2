// Package forms holds the tables that offices know (表式): which columns they have,
// under which other headers they come back, what may be changed in them, and how
// a row is made of what the ledger shows. Each table is one file.
package forms

import (
	"duban/api/workbook"
)

// A field is a column of a table and how its cell is made of a T.
type field[T any] struct {
	workbook.Column
	cell func(T) workbook.Cell
}

func columns[T any](fields []field[T]) []workbook.Column {
	out := make([]workbook.Column, len(fields))
	for i, f := range fields {
		out[i] = f.Column
	}
	return out
}

func cells[T any](fields []field[T], of T) []workbook.Cell {
	out := make([]workbook.Cell, len(fields))
	for i, f := range fields {
		out[i] = f.cell(of)
	}
	return out
}

// formRows is how many rows an empty form offers.
const formRows = 200

// Form returns a table as an empty form with its guide.
func Form(t workbook.Table) []workbook.Sheet {
	t.Spare = formRows
	return []workbook.Sheet{{Table: t, Rows: workbook.Listed(nil)}, workbook.Guide(t)}
}

func grades() []workbook.Choice {
	return []workbook.Choice{{Label: "一般", Aliases: []string{"一般隐患"}}, {Label: "重大", Aliases: []string{"重大隐患"}}}
}
