package projections

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"sync"

	"github.com/ncruces/go-sqlite3"

	"duban/domain/calendar"
)

// Limits of a page.
const (
	defaultLimit = 50
	maxLimit     = 500
)

func limitOf(n int) (int, error) {
	switch {
	case n == 0:
		return defaultLimit, nil
	case n < 0 || n > maxLimit:
		return 0, badQuery("limit", "应在 1 至 500 之间", "a page has 1 to 500 items")
	}
	return n, nil
}

// A cursor says after which row of which query the next page begins. It holds
// the sort key of the last row, so that rows inserted or removed meanwhile shift
// nothing.
type cursor struct {
	Query string `json:"q"` // digest of the query it belongs to
	Key   []any  `json:"k"` // whole numbers and texts
}

func (c cursor) String() string {
	b, err := json.Marshal(c)
	if err != nil {
		return "" // numbers and texts always encode
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

// queryDigest names a query: everything that decides which rows it has and in
// what order.
func queryDigest(parts ...any) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%v\x00", p)
	}
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:9])
}

// A column is one part of a sort key.
type column struct {
	sql  string
	text bool
}

// key reads a cursor of the query with the given digest and sort key; nil if
// there is no cursor.
func readCursor(s, digest string, columns []column) ([]any, error) {
	if s == "" {
		return nil, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		return nil, ErrBadCursor
	}
	dec := json.NewDecoder(strings.NewReader(string(b)))
	dec.UseNumber()
	var c cursor
	if err := dec.Decode(&c); err != nil || c.Query != digest || len(c.Key) != len(columns) {
		return nil, ErrBadCursor
	}
	for i, k := range c.Key {
		switch v := k.(type) {
		case json.Number:
			n, err := v.Int64()
			if err != nil || columns[i].text {
				return nil, ErrBadCursor
			}
			c.Key[i] = n
		case string:
			if !columns[i].text {
				return nil, ErrBadCursor
			}
		default:
			return nil, ErrBadCursor
		}
	}
	return c.Key, nil
}

// A listing is a query for one page of keys.
type listing struct {
	from    string // FROM clause; the row's key is n
	n       string // the key's column
	where   []string
	args    []any
	columns []column // the sort key, ending in the row's key
	desc    bool
	total   string // query for the number of rows, made of where unless given
	totalBy []any
	roster  bool                                                        // total changes with the roster only
	sorted  func(total int, first bool) (from string, columns []column) // see page; first: the first page
}

func (l *listing) add(cond string, args ...any) {
	l.where = append(l.where, cond)
	l.args = append(l.args, args...)
}

func (l *listing) condition() string {
	if len(l.where) == 0 {
		return "TRUE"
	}
	return strings.Join(l.where, " AND ")
}

// page returns the keys of a page, the next cursor and the number of all rows.
func (l *listing) page(c *conn, t *totals, digest, after string, limit int) (keys []uint64, next string, total int, err error) {
	key, err := readCursor(after, digest, l.columns)
	if err != nil {
		return nil, "", 0, err
	}
	if total, err = l.count(c, t); err != nil || total == 0 {
		return nil, "", total, err
	}
	from, columns := l.from, l.columns
	if l.sorted != nil {
		from, columns = l.sorted(total, key == nil)
	}
	// after sorted, which adds conditions
	where, args := l.condition(), l.args
	if key != nil {
		names, marks := make([]string, len(columns)), make([]string, len(columns))
		for i, col := range columns {
			names[i], marks[i] = col.sql, "?"
		}
		op := ">"
		if l.desc {
			op = "<"
		}
		where += " AND (" + strings.Join(names, ", ") + ") " + op + " (" + strings.Join(marks, ", ") + ")"
		args = append(args[:len(args):len(args)], key...)
	}
	order, selected := make([]string, len(columns)), make([]string, len(columns))
	for i, col := range columns {
		order[i], selected[i] = col.sql, col.sql
		if l.desc {
			order[i] += " DESC"
		}
	}
	sql := "SELECT " + l.n + ", " + strings.Join(selected, ", ") + " FROM " + from + " WHERE " + where +
		" ORDER BY " + strings.Join(order, ", ") + " LIMIT ?"
	var last []any
	more := false
	err = c.each(sql, append(args[:len(args):len(args)], limit+1), func(s *sqlite3.Stmt) error {
		if len(keys) == limit {
			more = true
			return nil
		}
		keys = append(keys, uint64(s.ColumnInt64(0)))
		last = last[:0]
		for i, col := range columns {
			if col.text {
				last = append(last, s.ColumnText(i+1))
			} else {
				last = append(last, s.ColumnInt64(i+1))
			}
		}
		return nil
	})
	if err != nil {
		return nil, "", 0, err
	}
	if more {
		next = cursor{digest, last}.String()
	}
	return keys, next, total, nil
}

func (l *listing) count(c *conn, t *totals) (int, error) {
	sql, args := l.total, l.totalBy
	if sql == "" {
		sql, args = "SELECT count(*) FROM "+l.from+" WHERE "+l.condition(), l.args
	}
	return t.count(c, sql, args, l.roster)
}

// totals remembers how many rows queries have, and summaries, so that the pages after
// the first, and questions asked again, count nothing. A total stands for one
// position; one that the roster alone decides, for all until that changes.
type totals struct {
	mu       sync.Mutex
	byQuery  map[string]total
	position uint64              // of the summaries
	byDay    map[int]SummaryView // by the day of the lights
}

type total struct {
	n  int
	at uint64 // position, or that of the roster's last change
}

// maxTotals and maxSummaries bound the memory of totals.
const (
	maxTotals    = 1000
	maxSummaries = 8
)

func (t *totals) count(c *conn, sql string, args []any, roster bool) (int, error) {
	h, err := headOf(c)
	if err != nil {
		return 0, err
	}
	at := h.position
	if roster {
		at = h.roster
	}
	k := fmt.Sprint(sql, "\x00", args)
	t.mu.Lock()
	kept, ok := t.byQuery[k]
	t.mu.Unlock()
	if ok && kept.at == at {
		return kept.n, nil
	}
	counted, err := c.number(sql, args...)
	if err != nil {
		return 0, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.byQuery == nil || len(t.byQuery) >= maxTotals {
		t.byQuery = map[string]total{}
	}
	if at >= t.byQuery[k].at { // else of rows that are older than what is remembered
		t.byQuery[k] = total{int(counted), at}
	}
	return int(counted), nil
}

func (t *totals) summary(position uint64, today int) (SummaryView, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s, ok := t.byDay[today]
	return s, ok && t.position == position
}

// keepSummary drops the summaries of an earlier position. One of rows that are older
// than what is remembered is not kept.
func (t *totals) keepSummary(position uint64, today int, s SummaryView) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if position < t.position {
		return
	}
	if t.byDay == nil || t.position < position || len(t.byDay) >= maxSummaries {
		t.position, t.byDay = position, map[int]SummaryView{}
	}
	t.byDay[today] = s
}

// lightSpan is the condition that a span holds a day.
const lightSpan = "since<=? AND until>=?"

// dayFor returns the day lights are asked for; it must be given where the answer
// depends on it.
func dayFor(today calendar.Date) (int, error) {
	if _, err := calendar.ParseDate(string(today)); err != nil {
		return 0, &QueryError{Field: "today", Err: err}
	}
	return day(today), nil
}
