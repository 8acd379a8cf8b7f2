package projections

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"time"

	"github.com/ncruces/go-sqlite3"

	"duban/domain"
	"duban/domain/ledger"
	"duban/domain/light"
	"duban/eventstore"
)

// Memory of a generation. Page caches are per connection.
const (
	defaultStateBytes = 16 << 20
	writerCacheKiB    = 8 << 10
	bulkCacheKiB      = 24 << 10
	trailCacheKiB     = 4 << 10
	readerCacheKiB    = 2 << 10
	defaultReaders    = 4

	// bulkEvents is how many events a rebuild takes into one transaction.
	bulkEvents = 16_384
)

// A generation is one database file. Rebuilding makes the next one.
//
// The fields below w belong to whoever holds Model.apply; readers use only the
// pool.
type generation struct {
	number  int
	path    string
	decoder decoder
	width   int   // connections for reading
	readers *pool // nil while a rebuild fills the file

	setting light.Setting // what the rows are lit by

	w        *conn
	open     bool // a transaction is
	bulk     bool // being filled by a rebuild: the trail only, rows come with fold
	states   *states
	dirty    []*aggregate
	books    *books // of the transaction at hand
	position uint64 // committed
	appended uint64 // in the transaction at hand
	known    int64  // latest recordedtime up to appended
	sample   bool
	files    []fs.FileInfo // what the paths named when they were opened

	// Owned by Model.mu.
	served  uint64 // position as readers know it
	refs    int
	retired bool
	remove  bool // its files go with it
	lost    bool // the file is not at its path any more
	broken  bool // its content can't be trusted
}

// createGeneration makes an empty file. In bulk it keeps no journal and waits for
// no disk: a crash leaves a file marked incomplete, which the next start removes.
func (c Config) createGeneration(path string, number int, bulk bool) (*generation, error) {
	g := &generation{
		number: number, path: path, bulk: bulk, decoder: c.decoder, width: c.readers, setting: dark(),
		states: newStates(c.stateBytes), books: newBooks(),
	}
	pragmas := []string{"journal_mode(wal)", "synchronous(normal)"}
	cache := writerCacheKiB
	if bulk {
		pragmas = bulkPragmas()
		cache = bulkCacheKiB
	}
	var err error
	if g.w, err = openConn(path, sqlite3.OPEN_READWRITE|sqlite3.OPEN_CREATE, cache, pragmas...); err != nil {
		return nil, err
	}
	err = g.w.transaction("BEGIN IMMEDIATE", func() error {
		if err := g.w.Exec(schema); err != nil {
			return fmt.Errorf("create tables: %w", err)
		}
		if !bulk {
			if err := g.w.Exec(trailIndex); err != nil {
				return fmt.Errorf("create tables: %w", err)
			}
		}
		if err := g.w.Exec(fmt.Sprintf("PRAGMA application_id=%d; PRAGMA user_version=%d", applicationID, schemaVersion)); err != nil {
			return err
		}
		return g.w.run("INSERT INTO meta(k, complete, position, known, sample, roster, rules, calendar) VALUES(1, ?, 0, 0, 0, 0, ?, ?)",
			!bulk, g.setting.Rules.Version, g.setting.Workdays.Version)
	})
	if err == nil && !bulk {
		err = g.serve()
	}
	if err != nil {
		return nil, errors.Join(err, g.close())
	}
	return g, nil
}

// bulkPragmas are those of a file that is nothing yet should the machine stop.
func bulkPragmas() []string {
	return []string{"journal_mode(off)", "synchronous(off)", "locking_mode(exclusive)"}
}

// errForeign: the file is none of ours.
var errForeign = errors.New("not a read model of this program")

// openGeneration opens a file that an earlier run left.
func (c Config) openGeneration(path string, number int) (*generation, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, err
	}
	g := &generation{
		number: number, path: path, decoder: c.decoder, width: c.readers, states: newStates(c.stateBytes), books: newBooks(),
	}
	var err error
	if g.w, err = openConn(path, sqlite3.OPEN_READWRITE, writerCacheKiB, "journal_mode(wal)", "synchronous(normal)"); err != nil {
		return nil, err
	}
	if err := g.check(); err != nil {
		return nil, errors.Join(err, g.close())
	}
	if err := g.serve(); err != nil {
		return nil, errors.Join(err, g.close())
	}
	return g, nil
}

// check looks whether the file is what it should be and loads its position.
func (g *generation) check() error {
	id, err := g.w.number("PRAGMA application_id")
	if err != nil {
		return err
	}
	version, err := g.w.number("PRAGMA user_version")
	if err != nil {
		return err
	}
	if id != applicationID || version != schemaVersion {
		return fmt.Errorf("%w: application %d, schema %d", errForeign, id, version)
	}
	complete := false
	found, err := g.w.one("SELECT complete, position, known, sample FROM meta", nil, func(s *sqlite3.Stmt) {
		complete = s.ColumnBool(0)
		g.position, g.known, g.sample = uint64(s.ColumnInt64(1)), s.ColumnInt64(2), s.ColumnBool(3)
	})
	switch {
	case err != nil:
		return err
	case !found || !complete:
		return fmt.Errorf("%w: incomplete", errForeign)
	}
	last, err := g.w.number("SELECT max(seq) FROM trail")
	if err != nil {
		return err
	}
	if uint64(last) != g.position {
		return fmt.Errorf("%w: the trail ends at %d, the position is %d", errForeign, last, g.position)
	}
	g.appended, g.served = g.position, g.position
	g.setting, err = settingOf(g.w)
	return err
}

// serve opens the connections for reading and remembers which files they see.
func (g *generation) serve() error {
	var err error
	if g.readers, err = openPool(g.path, g.width, readerCacheKiB); err != nil {
		return err
	}
	g.files, err = stat(g.path)
	return err
}

// fileNames returns the file of the database, of its log and of the log's index.
func fileNames(path string) []string { return []string{path, path + "-wal", path + "-shm"} }

func stat(path string) ([]fs.FileInfo, error) {
	var out []fs.FileInfo
	for _, n := range fileNames(path) {
		fi, err := os.Stat(n)
		if err != nil {
			return nil, err
		}
		out = append(out, fi)
	}
	return out, nil
}

// inPlace reports whether the open files are still the ones at their paths.
func (g *generation) inPlace() bool {
	now, err := stat(g.path)
	if err != nil {
		return false
	}
	return slices.EqualFunc(g.files, now, os.SameFile)
}

// append takes records into the transaction at hand, opening one if need be.
// Records at or below the position are compared and skipped. Records come in the
// order of the stream; one that does not follow is a *GapError.
func (g *generation) append(records []eventstore.Record) error {
	for _, r := range records {
		switch {
		case r.Seq <= g.appended:
			if err := g.compare(r); err != nil {
				return err
			}
			continue
		case r.Seq != g.appended+1:
			return &GapError{Want: g.appended + 1, Got: r.Seq}
		}
		if !g.open {
			if err := g.w.Exec("BEGIN IMMEDIATE"); err != nil {
				return fmt.Errorf("begin: %w", err)
			}
			g.open = true
		}
		if err := g.appendOne(r); err != nil {
			return fmt.Errorf("apply event %d: %w", r.Seq, err)
		}
		g.appended = r.Seq
	}
	return nil
}

func (g *generation) compare(r eventstore.Record) error {
	same := false
	if _, err := g.w.one("SELECT raw FROM trail WHERE seq=?", []any{r.Seq}, func(s *sqlite3.Stmt) {
		same = bytes.Equal(s.ColumnRawBlob(0), r.Raw)
	}); err != nil {
		return err
	}
	if !same {
		return &DivergedError{Sequence: r.Seq, Position: g.position}
	}
	return nil
}

func (g *generation) appendOne(r eventstore.Record) error {
	recorded := micro(r.RecordedTime)
	if r.RecordedTime.IsZero() { // it could not be read
		recorded = g.known
	}
	g.known = max(g.known, recorded)
	eventType := ""
	if r.Data != nil {
		eventType = r.Data.EventType()
	}
	occurred := recorded
	if !r.Time.IsZero() {
		occurred = micro(r.Time)
	}
	if err := g.w.insertTrail(r, eventType, occurred, recorded, g.known); err != nil {
		return err
	}
	if !r.Effective() {
		return g.touch(r, fromMicro(recorded), false)
	}
	correction := r.Corrects()
	if correction != nil {
		if err := g.w.run("INSERT OR IGNORE INTO correction(target, seq) VALUES(?, ?)", correction.Target, r.Seq); err != nil {
			return err
		}
	}
	if o, ok := r.Data.(*ledger.Opened); ok && o.Sample {
		g.sample = true
	}
	return g.touch(r, fromMicro(recorded), correction != nil)
}

// touch brings the aggregate of a record up to date in memory. A correction may
// change any event before it, so the state is folded again from the trail.
func (g *generation) touch(r eventstore.Record, recorded time.Time, correction bool) error {
	reg, ok := registerFor(r.Subject.Kind)
	if !ok || g.bulk {
		return nil
	}
	a, cached := g.states.use(r.Subject)
	if !cached {
		a.stale = r.Version != 1
	}
	if !a.dirty {
		a.dirty = true
		g.dirty = append(g.dirty, a)
	}
	if a.stale = a.stale || correction; a.stale {
		return nil
	}
	g.states.change(a, func() {
		if a.state == nil {
			a.state = reg.empty()
		}
		a.size += len(r.Raw)
	})
	a.see(r.Seq, r.Version, recorded)
	if r.Effective() {
		a.count(r.Event)
		reg.evolve(a.state, own(r.Event))
	}
	return nil
}

// flush writes the rows that are behind, moves the position and commits. In bulk
// there are no rows before fold.
func (g *generation) flush() error {
	if !g.open {
		return nil
	}
	if err := g.writeRows(); err != nil {
		return err
	}
	if err := g.stand(g.appended, g.known, g.sample); err != nil {
		return err
	}
	if err := g.w.Exec("COMMIT"); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	g.open = false
	g.position = g.appended
	g.states.trim()
	return nil
}

func (g *generation) refold(reg register, a *aggregate) error {
	events, st, err := history(g.w, g.decoder, a.ref, g.appended)
	if err != nil {
		return err
	}
	g.states.change(a, func() {
		a.standing = st
		a.state, a.stale = foldInto(reg, domain.Effective(events)), false
	})
	return nil
}

// stand notes in the file what its rows stand for and are lit by.
func (g *generation) stand(position uint64, known int64, sample bool) error {
	if err := g.books.settle(g.w, 0); err != nil {
		return err
	}
	if err := g.w.run("UPDATE meta SET position=?, known=?, sample=?, rules=?, calendar=?",
		position, known, sample, g.setting.Rules.Version, g.setting.Workdays.Version); err != nil {
		return err
	}
	if !g.books.roster {
		return nil
	}
	g.books.roster = false
	return g.w.run("UPDATE meta SET roster=?", position)
}

// undo drops the transaction at hand. States in memory ran ahead of the rows and
// are forgotten.
func (g *generation) undo() {
	g.w.rollback()
	g.open = false
	g.appended = g.position
	g.states.clear()
	g.books.clear()
	g.dirty = nil
	if _, err := g.w.one("SELECT known, sample FROM meta", nil, func(s *sqlite3.Stmt) {
		g.known, g.sample = s.ColumnInt64(0), s.ColumnBool(1)
	}); err != nil {
		g.known = 0 // the file is unreadable and will be replaced
	}
	var err error
	if g.setting, err = settingOf(g.w); err != nil {
		g.setting = dark() // likewise
	}
}

// fold ends the bulk load: it writes the rows of everything in the trail. From
// then on rows follow the events. wrote, if not nil, is called with the number of
// events of every aggregate whose rows are written.
func (g *generation) fold(ctx context.Context, wrote func(events uint64)) error {
	if err := g.flush(); err != nil {
		return err
	}
	err := g.w.transaction("BEGIN IMMEDIATE", func() error { return g.w.Exec(trailIndex) })
	if err != nil {
		return fmt.Errorf("index the trail: %w", err)
	}
	err = g.foldTrail(ctx, wrote)
	g.bulk = false
	return err
}

// foldTrail writes the rows of everything in the trail. From here on the trail and its
// index stay as they are in the file, and rows go to other pages.
func (g *generation) foldTrail(ctx context.Context, wrote func(events uint64)) error {
	trail, err := openStill(g.path, trailCacheKiB)
	if err != nil {
		return err
	}
	err = g.w.transaction("BEGIN IMMEDIATE", func() error {
		write := g.fill(func(err error) error { return err })
		if err := foldAll(ctx, foldSource{c: trail, decoder: g.decoder}, cut{seq: g.position}, registered(), func(reg register, a *aggregate) error {
			if wrote != nil {
				wrote(a.version)
			}
			return write(reg, a)
		}); err != nil {
			return err
		}
		return g.stand(g.position, g.known, g.sample)
	})
	return errors.Join(err, trail.close())
}

// fill returns what writes rows into the empty file, years and rules first. mark
// is put on what goes wrong in the file itself.
func (g *generation) fill(mark func(error) error) func(register, *aggregate) error {
	w := g.writer(true)
	return func(reg register, a *aggregate) error {
		if _, err := w.settle(); err != nil {
			return mark(err)
		}
		g.setting = w.setting
		return mark(reg.write(w, a))
	}
}

// finish marks the file as complete and opens it as one that is served.
func (g *generation) finish() error {
	if err := g.flush(); err != nil {
		return err
	}
	if err := g.w.run("UPDATE meta SET complete=1"); err != nil {
		return err
	}
	// With an exclusive lock the log would live in private memory: reopen.
	if err := g.w.close(); err != nil {
		return err
	}
	var err error
	if g.w, err = openConn(g.path, sqlite3.OPEN_READWRITE, writerCacheKiB, "journal_mode(wal)", "synchronous(normal)"); err != nil {
		return err
	}
	// Writes once, so that the log and its index exist.
	if err := g.w.run("UPDATE meta SET complete=1"); err != nil {
		return err
	}
	return g.serve()
}

func (g *generation) close() error {
	var errs []error
	if g.readers != nil {
		errs = append(errs, g.readers.close())
	}
	if g.w != nil {
		g.w.rollback()
		errs = append(errs, g.w.close())
	}
	return errors.Join(errs...)
}

// gone closes a retired generation, which nobody uses any more.
func (g *generation) gone() error {
	err := g.close()
	if g.remove && !g.lost {
		err = errors.Join(err, removeFiles(g.path))
	}
	return err
}

func removeFiles(path string) error {
	var errs []error
	for _, n := range fileNames(path) {
		if err := os.Remove(n); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
