// Package workbook carries tables between the ledger and the spreadsheets that
// offices keep: .xlsx and .csv, out and in.
//
// A Table describes a sheet once: its columns, how they print and under which
// headers they come back. Write makes a workbook of tables, WriteCSV a plain
// list; Read finds a table again in a file that people have worked on, with
// title lines above it, notes under it, merged cells, dates as numbers or text,
// full-width digits and columns moved about, and says of everything that it
// couldn't take where it stands and what to do.
//
// Every row carries its Key in a hidden column: the record it shows and the
// version it showed, so that a row that comes back finds its record and a stale
// one is noticed.
//
// The package knows nothing of servers or stores, and its output depends on its
// input only: the same tables give the same bytes.
package workbook

import (
	"fmt"
	"iter"
	"strconv"
	"strings"
	"time"

	"duban/domain/calendar"
)

// Kind is what the cells of a column hold.
type Kind uint8

// The kinds.
const (
	KindText        Kind = iota + 1
	KindDate             // a civil date
	KindDateOrWords      // a date, or words where none is set: 长期坚持
	KindNumber           // a decimal with a fixed number of places
	KindYesNo            // 是 or 否
)

// A Column is one column of a table.
type Column struct {
	Key      string   // stable name
	Header   string   // as printed; may break lines
	Aliases  []string // other headers under which the column comes back
	Width    float64  // in characters of the default font, as spreadsheets count
	Kind     Kind
	Decimals uint8 // places of a KindNumber
	// Units, where a number has one, say what may stand in brackets in the header
	// or behind the digits. The first is the unit of what is written.
	Units    []Unit
	Choices  []Choice // the values allowed, if not any
	Editable bool     // may be changed on the way back
	Required bool     // has to be filled in on the way back
	Merge    bool     // equal neighbours of one group are merged
	Help     string   // for who fills it in
}

// A Unit is how many of the column's own units one of it is: 万元 is 10,000 元.
type Unit struct {
	Name   string
	Factor int64
}

// Yuan are the units of a column of money, of which the cells hold fen
// (Decimals: 2).
func Yuan() []Unit {
	return []Unit{{"元", 1}, {"千元", 1000}, {"万元", 10_000}, {"亿元", 100_000_000}}
}

// A Choice is a value of a column that allows certain ones only, and other words
// for it.
type Choice struct {
	Label   string
	Aliases []string
}

// A Table describes a sheet.
type Table struct {
	Name      string   // of the sheet; also matched when a file has several
	Titles    []string // lines above the header, large, centred
	Notes     []string // lines between titles and header
	Columns   []Column
	Footnotes []string // lines under the rows
	Keyed     bool     // rows carry their key
	Spare     int      // rows of a form: empty ones follow until there are so many
}

// A Row is one line of a table.
type Row struct {
	Key   Key
	Group string // neighbours of one group merge equal cells; none: never
	Cells []Cell // one a column
}

// A Sheet is a table with its rows. An error among the rows ends the writing.
type Sheet struct {
	Table
	Rows iter.Seq2[Row, error]
}

// A Book is what one workbook holds, and who made it when: both stand in its
// properties.
type Book struct {
	Title   string
	Creator string
	Created time.Time
	Sheets  []Sheet
}

// Listed returns rows that are at hand as what a Sheet takes.
func Listed(rows []Row) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		for _, r := range rows {
			if !yield(r, nil) {
				return
			}
		}
	}
}

// A Cell is one value. The zero Cell is empty. Cells compare with ==.
type Cell struct {
	kind     Kind
	text     string
	date     calendar.Date
	number   int64
	decimals uint8
}

// Text returns a cell of words, cleaned of what no spreadsheet keeps: white space
// around it, control characters, foreign line ends.
func Text(s string) Cell {
	if s = clean(s); s == "" {
		return Cell{}
	}
	return Cell{kind: KindText, text: s}
}

// On returns a cell with a date; none is an empty cell.
func On(d calendar.Date) Cell {
	if d == "" {
		return Cell{}
	}
	return Cell{kind: KindDate, date: d}
}

// Number returns a cell with n units of the last of so many decimal places:
// Number(1250, 2) is 12.50.
func Number(n int64, decimals uint8) Cell {
	return Cell{kind: KindNumber, number: n, decimals: decimals}
}

// YesNo returns a cell with 是 or 否.
func YesNo(yes bool) Cell {
	c := Cell{kind: KindYesNo}
	if yes {
		c.number = 1
	}
	return c
}

// IsEmpty reports whether nothing stands in the cell.
func (c Cell) IsEmpty() bool { return c.kind == 0 }

// Date returns the cell's date, none if it holds something else.
func (c Cell) Date() calendar.Date { return c.date }

// Number returns the cell's number in units of its last place; ok is false if it
// holds something else.
func (c Cell) Number() (n int64, ok bool) { return c.number, c.kind == KindNumber }

// Yes reports whether the cell says 是.
func (c Cell) Yes() bool { return c.kind == KindYesNo && c.number == 1 }

// String returns the cell as it reads.
func (c Cell) String() string {
	switch c.kind {
	case KindDate:
		return string(c.date)
	case KindNumber:
		return fixedPoint(c.number, c.decimals)
	case KindYesNo:
		if c.number == 1 {
			return yes
		}
		return no
	default:
		return c.text
	}
}

const (
	yes = "是"
	no  = "否"
)

func fixedPoint(n int64, decimals uint8) string {
	if decimals == 0 {
		return strconv.FormatInt(n, 10)
	}
	s := strconv.FormatUint(magnitude(n), 10)
	if short := int(decimals) + 1 - len(s); short > 0 {
		s = strings.Repeat("0", short) + s
	}
	point := len(s) - int(decimals)
	s = s[:point] + "." + s[point:]
	if n < 0 {
		s = "-" + s
	}
	return s
}

func magnitude(n int64) uint64 {
	if n < 0 {
		return -uint64(n)
	}
	return uint64(n)
}

// clean keeps of a text what XML 1.0 allows in a cell.
func clean(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\u2028', r == '\u2029', r == '\v', r == '\f', r == '\u0085':
			return '\n'
		case r < ' ' && r != '\n' && r != '\r' && r != '\t', r == 0x7f, r == '\ufeff', r == '\ufffe', r == '\uffff':
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	s = strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
	return strings.TrimSpace(s)
}

// maxDecimals keeps a column's numbers within what a spreadsheet counts exactly.
// decimal returns a number with places as a spreadsheet holds it.
func decimal(c Cell) float64 {
	f, _ := strconv.ParseFloat(c.String(), 64) // digits and a point
	return f
}

const maxDecimals = 6

// check finds mistakes of whoever described the table.
func (t Table) check() error {
	if len(t.Columns) == 0 {
		return fmt.Errorf("table %q has no columns", t.Name)
	}
	keys, headers := map[string]bool{}, map[string]string{}
	for _, c := range t.Columns {
		switch {
		case c.Key == "" || keys[c.Key]:
			return fmt.Errorf("table %q: column key %q is empty or used twice", t.Name, c.Key)
		case c.Kind < KindText || c.Kind > KindYesNo:
			return fmt.Errorf("table %q: column %s has no kind", t.Name, c.Key)
		case c.Decimals > maxDecimals:
			return fmt.Errorf("table %q: column %s has more than %d decimals", t.Name, c.Key, maxDecimals)
		}
		keys[c.Key] = true
		for _, h := range c.headers() {
			if other, ok := headers[h]; ok && other != c.Key || h == "" {
				return fmt.Errorf("table %q: columns %s and %s share the header %q", t.Name, other, c.Key, h)
			}
			headers[h] = c.Key
		}
	}
	return nil
}

// fits reports what is wrong with a row of the table.
func (t Table) fits(r Row) error {
	if len(r.Cells) != len(t.Columns) {
		return fmt.Errorf("table %q has %d columns, a row %d cells", t.Name, len(t.Columns), len(r.Cells))
	}
	return nil
}
