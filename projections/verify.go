package projections

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/ncruces/go-sqlite3"

	"duban/eventstore"
)

// Verify replays the whole stream into a file of its own and compares every row of
// the running model with it, as they both stand at one position. The first
// difference is a *DifferenceError.
func (m *Model) Verify(ctx context.Context) error {
	err := m.read(ctx, func(c *conn) error {
		h, err := headOf(c)
		if err != nil {
			return err
		}
		return m.verifyAt(ctx, c, h.position)
	})
	if err != nil {
		return fmt.Errorf("verify the read model: %w", err)
	}
	return nil
}

func (m *Model) verifyAt(ctx context.Context, c *conn, position uint64) error {
	if err := os.MkdirAll(m.views.dir(), 0o700); err != nil {
		return err
	}
	dir, err := os.MkdirTemp(m.views.dir(), "verify-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	g, err := m.cfg.createGeneration(filepath.Join(dir, "replay.db"), 0, true)
	if err != nil {
		return apart(err)
	}
	err = apart(m.replay(ctx, g, position))
	if err == nil {
		err = apart(g.fold(ctx, nil))
	}
	if err == nil {
		err = compareDatabases(c, g.w)
	}
	return errors.Join(err, apart(g.close()))
}

// replay fills a generation up to a position, which ends a transaction.
func (m *Model) replay(ctx context.Context, g *generation, position uint64) error {
	if position == 0 {
		return nil
	}
	if end := m.cfg.Source.Acked(); position > end { // it would be waited for in vain
		return fmt.Errorf("读模型已到序号 %d，账本却止于 %d：账本的事件丢失 / the read model stands at %d, the ledger ends at %d: events were lost", position, end, position, end)
	}
	flushed := uint64(0)
	err := m.cfg.Source.Follow(ctx, 0, func(records []eventstore.Record) error {
		for len(records) > 0 && records[len(records)-1].Seq > position {
			records = records[:len(records)-1]
		}
		if err := g.append(records); err != nil {
			return err
		}
		if g.appended-flushed >= bulkEvents || g.appended == position {
			flushed = g.appended
			if err := g.flush(); err != nil {
				return err
			}
		}
		if g.position == position {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		return nil
	}
	if err == nil {
		err = errors.New("the ledger ended its stream")
	}
	return err
}

// compareDatabases compares the rows and the search index of two databases.
func compareDatabases(have, want *conn) error {
	for _, t := range dumped {
		sql := "SELECT * FROM " + t.table + " ORDER BY " + t.order
		if err := compareRows(t.table, have, want, sql); err != nil {
			return err
		}
	}
	if err := compareRows("meta", have, want, "SELECT position, known, sample, rules, calendar FROM meta"); err != nil {
		return err
	}
	for _, t := range searchTables {
		for _, c := range []*conn{have, want} {
			if err := c.Exec("CREATE VIRTUAL TABLE IF NOT EXISTS temp." + t + "_terms USING fts5vocab(main, " + t + ", instance)"); err != nil {
				return fmt.Errorf("open the index of %s: %w", t, err)
			}
		}
		if err := compareRows(t, have, want, "SELECT term, doc FROM temp."+t+"_terms ORDER BY term, doc"); err != nil {
			return err
		}
	}
	return nil
}

func compareRows(table string, have, want *conn, sql string) error {
	h, err := have.prepare(sql)
	if err != nil {
		return err
	}
	defer h.Reset()
	w, err := want.prepare(sql)
	if err != nil {
		return err
	}
	defer w.Reset()
	for {
		a, b := h.Step(), w.Step()
		if err := errors.Join(h.Err(), w.Err()); err != nil {
			return fmt.Errorf("compare %s: %w", table, err)
		}
		if !a && !b {
			return nil
		}
		left, right := rowText(h, a), rowText(w, b)
		if left != right {
			return &DifferenceError{Table: table, Have: left, Want: right}
		}
	}
}

// rowText writes a row out, "" if there is none.
func rowText(s *sqlite3.Stmt, there bool) string {
	if !there {
		return ""
	}
	var b strings.Builder
	for i := range s.ColumnCount() {
		fmt.Fprintf(&b, "%s=%s ", s.ColumnName(i), s.ColumnRawText(i))
	}
	return strings.TrimSpace(b.String())
}
