package projections

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/ncruces/go-sqlite3"
)

// The folder holds the file that is served, and beside it at most
//
//   - one that a rebuild is filling;
//   - one of a program with another schema, older or newer. As long as this
//     program's own file is not filled, the other program can be started again on
//     what it left: neither an upgrade nor going back costs anything before it is
//     done. Once the own file has come to where the ledger stood at the start, the
//     other goes;
//   - one that could not be used, for whoever wants to know why. It goes at the
//     next start, as soon as the own file has caught up.

// fileName is how files of any schema are named: schema, number.
const fileName = "register-v%d-%06d.db"

// name returns the path of a generation's file.
func (m *Model) name(number int) string {
	return filepath.Join(m.cfg.Dir, fmt.Sprintf(fileName, schemaVersion, number))
}

// asidePath is where a file that could not be used is kept.
func (m *Model) asidePath() string { return filepath.Join(m.cfg.Dir, "set-aside.db") }

// openFile opens the latest usable file of this schema, or begins one.
func (m *Model) openFile() error {
	if err := os.MkdirAll(m.cfg.Dir, 0o700); err != nil {
		return err
	}
	if err := m.views.clean(); err != nil {
		return err
	}
	own, err := m.sort()
	if err != nil {
		return err
	}
	if err := m.openLatest(own); err != nil {
		return err
	}
	if m.cur == nil {
		g, err := m.cfg.createGeneration(m.name(m.next), m.next, false)
		if err != nil {
			return err
		}
		m.next++
		m.cur = g
	}
	m.empty = m.cur.position == 0 && m.end > m.cfg.farBehind
	m.tidy()
	return nil
}

// openLatest opens the latest of the files of this schema that can be used. Those
// before it are removed, and so are rebuilds that did not finish.
func (m *Model) openLatest(numbers []int) error {
	for i := len(numbers) - 1; i >= 0; i-- {
		n := numbers[i]
		path := m.name(n)
		m.next = max(m.next, n+1)
		if m.cur != nil || unfinished(path) {
			if err := removeFiles(path); err != nil {
				return err
			}
			continue
		}
		g, err := m.cfg.openGeneration(path, n)
		if err == nil {
			m.cur = g
			continue
		}
		m.cfg.Logger.Warn("read model set aside, it will be built again", "file", path, "reason", err)
		if err := m.setAside(path); err != nil {
			return err
		}
	}
	return nil
}

// sort returns the numbers of the files of this schema, rising. Of those of other
// schemas the one written last stays, and what is set aside stays with it: see tidy.
func (m *Model) sort() (own []int, err error) {
	entries, err := os.ReadDir(m.cfg.Dir)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(m.asidePath()); err == nil {
		m.others = append(m.others, m.asidePath())
	}
	kept, written := "", time.Time{}
	for _, e := range entries {
		var v, n int
		if _, err := fmt.Sscanf(e.Name(), fileName, &v, &n); err != nil || filepath.Ext(e.Name()) != ".db" {
			continue
		}
		if v == schemaVersion {
			own = append(own, n)
			continue
		}
		path := filepath.Join(m.cfg.Dir, e.Name())
		drop := path
		if at := lastWritten(path); !unfinished(path) && !at.Before(written) {
			drop, kept, written = kept, path, at
		}
		if drop != "" {
			if err := removeFiles(drop); err != nil {
				return nil, err
			}
		}
	}
	if kept != "" {
		m.others = append(m.others, kept)
	}
	return own, nil
}

// lastWritten returns when a database was written last.
func lastWritten(path string) (t time.Time) {
	for _, n := range fileNames(path)[:2] { // its log's index is touched by reading
		if fi, err := os.Stat(n); err == nil && fi.ModTime().After(t) {
			t = fi.ModTime()
		}
	}
	return t
}

// unfinished reports whether a file, of whatever schema, is what a rebuild that was
// cut off has left. Its mark is set in the file itself, past any log.
func unfinished(path string) bool {
	// It is looked at as it lies there: nothing is made beside it.
	u := url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: "immutable=1"}
	c, err := sqlite3.OpenFlags(u.String(), sqlite3.OPEN_READONLY|sqlite3.OPEN_URI)
	if err != nil {
		return false
	}
	defer c.Close()
	s, _, err := c.Prepare("SELECT complete FROM meta")
	if err != nil {
		return false // another matter
	}
	defer s.Close()
	return s.Step() && !s.ColumnBool(0)
}

// setAside keeps a file that could not be used; the one kept before goes.
func (m *Model) setAside(path string) error {
	aside := m.asidePath()
	if err := removeFiles(aside); err != nil {
		return err
	}
	m.others = without(m.others, aside)
	names, kept := fileNames(path), fileNames(aside)
	for i := range names {
		if err := os.Rename(names[i], kept[i]); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

func without(list []string, s string) []string {
	return slices.DeleteFunc(list, func(e string) bool { return e == s })
}

// untidy reports whether files are kept that are not needed any more. The caller
// holds m.mu.
func (m *Model) untidy() bool { return len(m.others) > 0 && m.cur.served >= m.end }

// tidy removes the files that were kept until this one had caught up.
func (m *Model) tidy() {
	m.mu.Lock()
	var gone []string
	if m.untidy() {
		gone, m.others = m.others, nil
	}
	m.mu.Unlock()
	for _, path := range gone {
		if err := removeFiles(path); err != nil {
			m.cfg.Logger.Warn("a read model that is not needed any more could not be removed", "file", path, "error", err)
			continue
		}
		m.cfg.Logger.Info("read model that is not needed any more removed", "file", path)
	}
	if len(gone) > 0 {
		m.mu.Lock()
		m.announce()
		m.mu.Unlock()
	}
}
