package workbook

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// sameHeader returns a header as it is compared: half-width, without white space,
// line breaks and the marks that forms put on what has to be filled in.
func sameHeader(s string) string {
	s = norm.NFKC.String(s)
	s = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || strings.ContainsRune("*※:、,;·\"'", r) {
			return -1
		}
		return unicode.ToLower(r)
	}, s)
	return strings.TrimSuffix(s, "(必填)")
}

// withoutBrackets takes a remark in brackets off a header, and returns it too.
func withoutBrackets(s string) (header, remark string) {
	if !strings.HasSuffix(s, ")") {
		return s, ""
	}
	i := strings.LastIndex(s, "(")
	if i <= 0 {
		return s, ""
	}
	return s[:i], s[i+1 : len(s)-1]
}

// headers returns what the column is known by.
func (c Column) headers() []string {
	out := []string{sameHeader(c.Header)}
	for _, a := range c.Aliases {
		if h := sameHeader(a); !slices.Contains(out, h) {
			out = append(out, h)
		}
	}
	return out
}

// WithHeader returns the table with one more header under which a column comes
// back. column is how the column is known already. A header that was another
// column's by the way is taken from it; the one that it is printed under is not.
func (t Table) WithHeader(header, column string) (Table, error) {
	h := sameHeader(header)
	to := slices.IndexFunc(t.Columns, func(c Column) bool { return slices.Contains(c.headers(), sameHeader(column)) })
	switch {
	case h == "":
		return t, errors.New("没有写明原表的表头 / the header is missing")
	case to < 0:
		return t, fmt.Errorf("“%s”没有“%s”这一列，可用：%s / the table has no such column", t.Name, column, strings.Join(t.headings(), "、"))
	}
	columns := slices.Clone(t.Columns)
	for i, c := range columns {
		if i != to && sameHeader(c.Header) == h {
			return t, fmt.Errorf("“%s”就是表中的一列，不能当作“%s” / %[1]s is a column of the table itself", header, column)
		}
		columns[i].Aliases = slices.DeleteFunc(slices.Clone(c.Aliases), func(a string) bool { return sameHeader(a) == h })
	}
	columns[to].Aliases = append(columns[to].Aliases, header)
	t.Columns = columns
	return t, nil
}

// A header says which cell of a row belongs to which column of a table.
type header struct {
	line    int      // index of its line
	columns []place  // by column of the table
	keys    int      // where the keys stand, -1: nowhere
	titles  []string // of the sheet's columns as printed
	unknown []int    // filled headers that no column goes by
	twice   []int    // headers of columns that were found before
	matched int
}

// A place is where a column stands in the sheet.
type place struct {
	found bool
	at    int  // counted from 0
	unit  Unit // stated in the header; none: nothing stated
}

// matcher finds columns by what stands in headers.
type matcher struct {
	table Table
	names map[string]int
	bare  map[string]int // of columns with units, whose headers may name another
}

func newMatcher(t Table) matcher {
	m := matcher{table: t, names: map[string]int{}, bare: map[string]int{}}
	for i, c := range t.Columns {
		for _, h := range c.headers() {
			m.names[h] = i
			if b, _ := withoutBrackets(h); len(c.Units) > 0 {
				m.bare[b] = i
			}
		}
	}
	return m
}

// column returns which column a header is that of, and the unit in its brackets.
func (m matcher) column(text string) (i int, unit Unit, ok bool) {
	h := sameHeader(text)
	short, remark := withoutBrackets(h)
	if i, ok = m.names[h]; !ok {
		i, ok = m.names[short]
	}
	if !ok {
		i, ok = m.bare[short] // 资金（元） comes back as 资金（万元）
	}
	if !ok {
		return 0, Unit{}, false
	}
	for _, u := range m.table.Columns[i].Units {
		if u.Name == strings.TrimPrefix(remark, "单位") {
			unit = u
		}
	}
	return i, unit, true
}

// match reads a line as a header.
func (m matcher) match(ln line) header {
	h := header{columns: make([]place, len(m.table.Columns)), keys: -1}
	key := sameHeader(keyHeader)
	for at, f := range ln.cells {
		h.titles = append(h.titles, f.text)
		if f.text == "" {
			continue
		}
		if sameHeader(f.text) == key {
			h.keys = at
			continue
		}
		i, unit, ok := m.column(f.text)
		switch {
		case !ok:
			h.unknown = append(h.unknown, at)
		case h.columns[i].found:
			if !f.spread { // a merged header over two columns stands in both
				h.twice = append(h.twice, at)
			}
		default:
			h.columns[i] = place{true, at, unit}
			h.matched++
		}
	}
	return h
}

// headerRows is how far down a header is looked for, in filled rows.
const headerRows = 50

// find returns the line that is most like the table's header.
func (m matcher) find(g grid) header {
	best := header{line: -1}
	for i := range g.lines[:min(len(g.lines), headerRows)] {
		if h := m.match(g.lines[i]); h.matched > best.matched {
			h.line = i
			best = h
		}
	}
	return best
}

// enough reports whether a header is one: what must come back stands in it, and
// at least two columns do, or all.
func (m matcher) enough(h header) bool {
	return h.matched >= min(2, len(m.table.Columns)) && len(m.missing(h)) == 0
}

// headings returns the headers as one line each.
func (t Table) headings() []string {
	var out []string
	for _, c := range t.Columns {
		out = append(out, strings.Join(strings.Fields(c.Header), ""))
	}
	return out
}

// missing returns the headers that have to be there and aren't.
func (m matcher) missing(h header) []string {
	var out []string
	for i, c := range m.table.Columns {
		if c.Required && (h.line < 0 || !h.columns[i].found) {
			out = append(out, strings.Join(strings.Fields(c.Header), ""))
		}
	}
	return out
}

// repeats reports whether a line is the header once more: the second row of a
// merged one, or a copy at the top of a page.
func (m matcher) repeats(h header, ln line) bool {
	same := 0
	for i, p := range h.columns {
		if !p.found || ln.field(p.at).text == "" {
			continue
		}
		if c, _, ok := m.column(ln.field(p.at).text); ok && c == i {
			same++
		}
	}
	return same >= min(2, h.matched) && 2*same >= h.matched
}

// A NoTableError says that no sheet holds the table, and what comes nearest.
type NoTableError struct {
	Table   string
	Sheet   string   // where most headers were found, none for a .csv
	Row     int      // of these headers, 0: none was found
	Missing []string // headers that are not there
}

func (e *NoTableError) Error() string {
	if e.Row == 0 {
		return fmt.Sprintf("没有找到“%s”的表头，表头应有：%s / no header of %q was found; it needs: %s",
			e.Table, strings.Join(e.Missing, "、"), e.Table, strings.Join(e.Missing, ", "))
	}
	place := fmt.Sprintf("第 %d 行", e.Row)
	if e.Sheet != "" {
		place = "工作表“" + e.Sheet + "”" + place
	}
	return fmt.Sprintf("%s像是“%s”的表头，但缺少：%s / row %d looks like the header of %q, but lacks: %s",
		place, e.Table, strings.Join(e.Missing, "、"), e.Row, e.Table, strings.Join(e.Missing, ", "))
}
