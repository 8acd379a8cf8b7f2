package projections

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/ncruces/go-sqlite3"

	"duban/domain"
	"duban/domain/assessment"
	"duban/domain/calendar"
	"duban/domain/directive"
	"duban/domain/task"
)

// A recordFilter selects records; empty fields select all.
type recordFilter struct {
	directive string // id
	office    string // id or name
}

// A recordKey is where a share stands in the order of the sheets: directive,
// clause, part, task, share.
type recordKey struct {
	directive    string
	number, part int
	task         uint64
	ord          int
}

// recordColumns is the sort key of a recordKey, with one number more for what a
// share has several of.
func recordColumns() []column {
	return []column{{"directive", true}, {"number", false}, {"part", false}, {"task", false}, {"ord", false}, {"item", false}}
}

// values returns the key as a cursor holds it.
func (k recordKey) values(item int) []any {
	return []any{k.directive, k.number, k.part, k.task, k.ord, item}
}

// recordKeyOf reads a cursor's key; nil stands for the beginning.
func recordKeyOf(key []any) (k *recordKey, item int) {
	if key == nil {
		return nil, -1
	}
	n := func(i int) int64 { return key[i].(int64) } // readCursor has checked it
	return &recordKey{key[0].(string), int(n(1)), int(n(2)), uint64(n(3)), int(n(4))}, int(n(5))
}

// compare orders keys as share_record is.
func (k recordKey) compare(o recordKey) int {
	if c := strings.Compare(k.directive, o.directive); c != 0 {
		return c
	}
	return slices.Compare([]int{k.number, k.part, int(k.task), k.ord}, []int{o.number, o.part, int(o.task), o.ord})
}

// A recordAt is one row of share_record as it passes by: it is good until the next.
// What is not asked for is not read.
type recordAt struct {
	directive, office string
	assessment.Record
	row *sqlite3.Stmt
}

func (at *recordAt) key() recordKey {
	return recordKey{at.directive, at.row.ColumnInt(4), at.row.ColumnInt(5), uint64(at.row.ColumnInt64(6)), at.row.ColumnInt(7)}
}

func (at *recordAt) status() task.ShareStatus { return task.ShareStatus(at.row.ColumnInt(8)) }

// lights returns the share's lights, in list's memory.
func (at *recordAt) lights(list []litSpan) ([]litSpan, error) {
	return decodeLights(at.row.ColumnRawBlob(3), list)
}

// records calls row for every record in order. What row is given is used again
// for the next one.
func records(c *conn, q recordFilter, row func(*recordAt) error) error {
	sql, args := "SELECT directive, office, record, lights, number, part, task, ord, status FROM share_record", []any{}
	var where []string
	if q.directive != "" {
		id, err := recorded(c, domain.KindDirective, q.directive)
		if err != nil {
			return err
		}
		where, args = append(where, "directive=?"), append(args, id)
	}
	if q.office != "" {
		// Figures are the office's own: not those of the ones that carry on for it.
		offices, err := officesNamed(c, q.office)
		if err != nil {
			return err
		}
		b, err := json.Marshal(offices)
		if err != nil {
			return err
		}
		where, args = append(where, "office IN (SELECT value FROM json_each(?))"), append(args, string(b))
	}
	if len(where) > 0 {
		sql += " WHERE " + strings.Join(where, " AND ")
	}
	at := &recordAt{}
	offices := map[string]string{} // so that every name is made once
	return c.each(sql+" ORDER BY directive, number, part, task, ord", args, func(s *sqlite3.Stmt) error {
		if d := s.ColumnRawText(0); string(d) != at.directive {
			at.directive = string(d)
		}
		raw, known := s.ColumnRawText(1), false
		if at.office, known = offices[string(raw)]; !known {
			at.office = string(raw)
			offices[at.office] = at.office
		}
		at.row = s
		if err := decodeRecord(s.ColumnRawBlob(2), &at.Record); err != nil {
			k := at.key()
			return fmt.Errorf("read the record of share %d of task %d: %w", k.ord, k.task, err)
		}
		return row(at)
	})
}

// sources returns the ids of the events that a share's record names.
func sources(c *conn, task uint64, ord int) ([]string, error) {
	var events []string
	_, err := c.one("SELECT events FROM share_source WHERE task=? AND ord=?", []any{task, ord}, func(s *sqlite3.Stmt) {
		events = strings.Fields(s.ColumnText(0))
	})
	return events, err
}

// duties knows which reports offices owe about days of a span. Directives that
// require the same share the work.
type duties struct {
	c        *conn
	span     assessment.Span
	workdays calendar.Workdays
	required map[string]directive.Duties // by directive
	same     map[string][]assessment.Round

	// of the directive asked about last
	directive string
	all       []assessment.Round            // of every office alike
	byOffice  map[string][]assessment.Round // where offices differ
}

// dutiesIn reads what directives require. Due days fall on days worked by the
// calendar that lights the rows.
func dutiesIn(c *conn, span assessment.Span) (*duties, error) {
	set, err := settingOf(c)
	if err != nil {
		return nil, err
	}
	d := &duties{c: c, span: span, workdays: set.Workdays, required: map[string]directive.Duties{}, same: map[string][]assessment.Round{}}
	err = c.each("SELECT id, duties FROM directive WHERE duties<>CAST('null' AS BLOB)", nil, func(s *sqlite3.Stmt) error {
		var docs directive.Duties
		if err := json.Unmarshal(s.ColumnRawBlob(1), &docs); err != nil {
			return fmt.Errorf("read what is to be reported: %w", err)
		}
		d.required[s.ColumnText(0)] = docs
		return nil
	})
	return d, err
}

// of returns the rounds an office owes on a directive's shares.
func (d *duties) of(directiveID, office string) []assessment.Round {
	if d.directive != directiveID {
		d.turnTo(directiveID)
	}
	if d.byOffice == nil {
		return d.all
	}
	rounds, ok := d.byOffice[office]
	if !ok {
		rounds = d.rounds(d.required[directiveID], office)
		d.byOffice[office] = rounds
	}
	return rounds
}

func (d *duties) turnTo(directiveID string) {
	d.directive, d.all, d.byOffice = directiveID, nil, nil
	docs := d.required[directiveID]
	if slices.ContainsFunc(docs, func(r directive.Reporting) bool { return len(r.Offices) > 0 }) {
		d.byOffice = map[string][]assessment.Round{}
		return
	}
	d.all = d.rounds(docs, "")
}

func (d *duties) rounds(docs directive.Duties, office string) []assessment.Round {
	if len(docs) == 0 {
		return nil
	}
	var mine directive.Duties
	var key strings.Builder
	for i := range docs {
		r := docs[i]
		if !covers(&r, office) {
			continue
		}
		r.Offices = nil
		mine = append(mine, r)
		fmt.Fprintf(&key, "%d %d %d %s %s\n", r.Unit, r.Day, r.In, r.From, r.Until)
	}
	same, ok := d.same[key.String()]
	if !ok {
		same = d.compute(mine)
		d.same[key.String()] = same
	}
	out := slices.Clone(same)
	for i := range out {
		if n, err := strconv.Atoi(out[i].Event); err == nil {
			out[i].Event = mine[n].Event
		}
	}
	return out
}

func covers(r *directive.Reporting, office string) bool {
	return len(r.Offices) == 0 || slices.ContainsFunc(r.Offices, func(o domain.Ref) bool { return o.ID == office })
}

// compute asks the directive's rules. Events are places in docs.
func (d *duties) compute(docs directive.Duties) []assessment.Round {
	docs = slices.Clone(docs)
	for i := range docs {
		docs[i].Event = strconv.Itoa(i)
	}
	var out []assessment.Round
	for _, r := range docs.Rounds(domain.Ref{}, d.span.From.Date(), d.span.Until.Date()) {
		out = append(out, assessment.RoundOf(r, d.workdays))
	}
	return out
}
