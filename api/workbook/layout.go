package workbook

import (
	"strings"

	"golang.org/x/text/width"
)

// A merge is a run of equal cells of one column among the rows held, both ends
// included.
type merge struct{ column, from, to int }

type merges []merge

// covers reports whether a cell lies under another of its run.
func (m merges) covers(column, row int) bool {
	for _, x := range m {
		if x.column == column && x.from < row && row <= x.to {
			return true
		}
	}
	return false
}

// runs finds what is to be merged among the rows held, which are of one group.
func (w *sheetWriter) runs() merges {
	var out merges
	if len(w.group) < 2 {
		return nil
	}
	for c, col := range w.columns {
		if !col.Merge || col.from == keyColumn {
			continue
		}
		for from := 0; from < len(w.group); {
			to := from
			for to+1 < len(w.group) && w.group[to+1].Cells[col.from] == w.group[from].Cells[col.from] {
				to++
			}
			if to > from {
				out = append(out, merge{c, from, to})
			}
			from = to + 1
		}
	}
	return out
}

// Heights in points.
const (
	bodyLine      = 13.5
	noteLine      = 14
	titleLine     = 24
	cellPadding   = 4
	headerPadding = 6
	maxHeight     = 409
)

func height(lines int, line float64) float64 {
	return min(float64(lines)*line+cellPadding, maxHeight)
}

// heights returns the rows' heights. No spreadsheet finds those of merged cells by
// itself, and LibreOffice none at all: rows are made high enough for the text of
// each cell, those that share merged ones in equal parts.
func (w *sheetWriter) heights(runs merges) []float64 {
	out := make([]float64, len(w.group))
	lines := make([]int, len(w.group))
	merged := func(c, row int) bool {
		for _, m := range runs {
			if m.column == c && m.from <= row && row <= m.to {
				return true
			}
		}
		return false
	}
	for i, r := range w.group {
		lines[i] = 1
		for c, col := range w.columns {
			if col.from != keyColumn && !merged(c, i) {
				lines[i] = max(lines[i], linesOf(r.Cells[col.from].String(), w.width(col)))
			}
		}
	}
	for _, m := range runs {
		col := w.columns[m.column]
		need, have := linesOf(w.group[m.from].Cells[col.from].String(), w.width(col)), 0
		for _, n := range lines[m.from : m.to+1] {
			have += n
		}
		for i := m.from; have < need; i++ {
			if i > m.to {
				i = m.from
			}
			lines[i]++
			have++
		}
	}
	for i, n := range lines {
		out[i] = height(n, bodyLine)
	}
	return out
}

// linesOf estimates how many lines a text takes in a column of that width. A
// Chinese character is as wide as two Latin ones.
func linesOf(s string, columns float64) int {
	room := max(int(columns), 2)
	n := 0
	for line := range strings.SplitSeq(s, "\n") {
		used := 0
		n++
		for _, r := range line {
			wide := 1
			switch width.LookupRune(r).Kind() {
			case width.EastAsianWide, width.EastAsianFullwidth, width.EastAsianAmbiguous:
				wide = 2
			default:
			}
			if used += wide; used > room {
				n++
				used = wide
			}
		}
	}
	return n
}
