package projections

import (
	"strconv"
	"strings"

	"github.com/ncruces/go-sqlite3"

	"duban/domain/task"
)

// The roster is what words and offices are searched in: clauses, names, and which
// task stands where with whom. Few events change it, so what is counted by it alone
// is kept from one to the next, see totals.

// noteRoster notes when a task comes to be found by other words. It runs before the
// task's rows change.
func (w *rowWriter) noteRoster(n uint64, old, row *taskRow, known bool) (err error) {
	if w.books.roster || w.empty {
		w.books.roster = true
		return nil
	}
	before := ""
	if known {
		before = old.place()
	} else if before, err = w.placeOf(n); err != nil {
		return err
	}
	w.books.roster = before != row.place()
	return nil
}

// place is where a task stands and with whom.
func (r *taskRow) place() string {
	var b strings.Builder
	writePlace(&b, r.directive, r.number, r.status)
	for _, sh := range r.shares {
		writeHolder(&b, sh.office, sh.active)
	}
	return b.String()
}

// placeOf reads the place of a task from its rows; "" if there are none.
func (w *rowWriter) placeOf(n uint64) (string, error) {
	var b strings.Builder
	found, err := w.one("SELECT directive, number, status FROM task WHERE n=?", []any{n}, func(s *sqlite3.Stmt) {
		writePlace(&b, s.ColumnText(0), s.ColumnInt(1), s.ColumnInt(2))
	})
	if err != nil || !found {
		return "", err
	}
	err = w.each("SELECT office, active FROM share WHERE task=? ORDER BY ord", []any{n}, func(s *sqlite3.Stmt) error {
		writeHolder(&b, s.ColumnText(0), s.ColumnBool(1))
		return nil
	})
	return b.String(), err
}

func writePlace(b *strings.Builder, directive string, number, status int) {
	b.WriteString(directive)
	b.WriteByte(' ')
	b.WriteString(strconv.Itoa(number))
	b.WriteByte(' ')
	b.WriteString(strconv.FormatBool(task.Status(status) == task.StatusVoided))
}

func writeHolder(b *strings.Builder, office string, active bool) {
	b.WriteByte(' ')
	b.WriteString(office)
	b.WriteByte(' ')
	b.WriteString(strconv.FormatBool(active))
}
