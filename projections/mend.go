package projections

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"reflect"
	"strings"

	"github.com/ncruces/go-sqlite3"

	"duban/domain"
)

// How the lists of a cut come about. Rows are a function of one aggregate's events
// up to the cut, of the years and rules its lights rest on, and of its directive's
// reporting duties. So the rows of another cut, or those of now, are right for all
// aggregates without an event between the two. The nearest cut at hand, kept or
// live, is copied; what has events between is folded and written anew, and taken
// out where it began later. Where that would take longer than folding everything
// up to the cut, or years or rules differ, so that every light may, everything is
// folded.

// nearEvents is how far away a cut may be that does not queue behind those that
// may take long.
const nearEvents = 20_000

// What things take beside folding one event: writing the rows of an aggregate into
// an empty file, doing so in the place of others, and copying them.
const (
	costWrite  = 12
	costMend   = 24
	costCopied = 3
)

// errDear: folding everything takes no longer.
var errDear = errors.New("folding everything is quicker")

// fill makes the database of a cut.
func (vs *views) fill(ctx context.Context, b *built) error {
	if err := os.MkdirAll(vs.dir(), 0o700); err != nil {
		return err
	}
	err := vs.m.readLong(ctx, func(live *generation, trail *conn) error {
		mk := &maker{m: vs.m, b: b, trail: trail}
		src := vs.nearest(b.cut, live)
		defer src.release()
		err := mk.build(ctx, src.attempt(mk))
		if err == nil || damaged(err) || ctx.Err() != nil {
			return err
		}
		if !errors.Is(err, errDear) {
			vs.m.cfg.Logger.Warn("lists of an earlier time are folded from the start", "known", b.cut.seq, "reason", err)
		}
		return mk.build(ctx, mk.foldEverything)
	})
	if err != nil {
		return errors.Join(err, removeFiles(b.path))
	}
	b.readers, err = openPool(b.path, vs.m.cfg.readers, readerCacheKiB)
	return err
}

// A source is a database whose rows are nearly those of a cut.
type source struct {
	path string
	live *generation // nil: a kept view
	date bool        // it differs from the cut by what had happened by its day
	away uint64      // events between
	kept *built
	vs   *views
}

func (s source) release() {
	if s.kept != nil {
		s.vs.release(s.kept)
	}
}

func (s source) attempt(mk *maker) func(context.Context) error {
	return func(ctx context.Context) error { return mk.fromSource(ctx, s) }
}

// nearest returns the database at hand with the fewest events between its cut and
// another. A kept one stays until it is released.
func (vs *views) nearest(k cut, live *generation) source {
	now := vs.m.Position()
	best := source{path: live.path, live: live, date: k.date != "", away: between(now, k.seq), vs: vs}
	vs.mu.Lock()
	defer vs.mu.Unlock()
	for _, b := range vs.kept {
		if b.pending || b.cut.date != "" && b.cut.date != k.date {
			continue
		}
		s := source{path: b.path, date: b.cut.date != k.date, away: between(b.cut.seq, k.seq), kept: b, vs: vs}
		if s.less(best) {
			best = s
		}
	}
	if best.kept != nil {
		best.kept.refs++
	}
	return best
}

func between(a, b uint64) uint64 { return max(a, b) - min(a, b) }

func (s source) less(o source) bool {
	if s.date != o.date {
		return !s.date
	}
	return s.away < o.away
}

// isNear reports whether a cut is quick to make from what is at hand.
func (vs *views) isNear(k cut) bool {
	g, err := vs.m.use()
	if err != nil {
		return true
	}
	defer vs.m.release(g)
	src := vs.nearest(k, g)
	defer src.release()
	return !src.date && src.away <= nearEvents || k.seq <= nearEvents
}

// A maker makes the database of one cut.
type maker struct {
	m     *Model
	b     *built
	trail *conn // of the live file
	g     *generation
}

// build has the rows written into an empty file and closes it.
func (mk *maker) build(ctx context.Context, rows func(context.Context) error) error {
	if err := removeFiles(mk.b.path); err != nil {
		return err
	}
	var err error
	if mk.g, err = mk.m.cfg.createGeneration(mk.b.path, 0, true); err != nil {
		return apart(err)
	}
	err = rows(ctx)
	if err == nil {
		err = apart(mk.g.w.run("UPDATE meta SET complete=1"))
	}
	return errors.Join(err, apart(mk.g.close()))
}

// source is the live file's trail.
func (mk *maker) source() foldSource {
	return foldSource{c: mk.trail, decoder: mk.m.cfg.decoder}
}

// stand notes what the rows stand for.
func (mk *maker) stand() error {
	h, err := headOf(mk.trail)
	if err != nil {
		return err
	}
	if h.known, err = mk.trail.number("SELECT known FROM trail WHERE seq=?", mk.b.cut.seq); err != nil {
		return err
	}
	return apart(mk.g.stand(mk.b.cut.seq, h.known, h.sample))
}

// foldEverything writes the rows of every aggregate at the cut into the empty file.
func (mk *maker) foldEverything(ctx context.Context) error {
	mk.b.done.Store(0)
	mk.b.total.Store(mk.b.cut.seq)
	return mk.transaction(func() error {
		write := mk.g.fill(apart)
		if err := foldAll(ctx, mk.source(), mk.b.cut, registered(), func(reg register, a *aggregate) error {
			mk.b.done.Add(a.version)
			return write(reg, a)
		}); err != nil {
			return err
		}
		return mk.stand()
	})
}

// transaction is conn.transaction on the file that is made. What f returns tells the
// live file's errors from its own; a COMMIT's are its own.
func (mk *maker) transaction(f func() error) error {
	var inner error
	err := mk.g.w.transaction("BEGIN IMMEDIATE", func() error {
		inner = f()
		return inner
	})
	if inner != nil {
		return inner
	}
	return apart(err)
}

// fromSource copies the rows of a source and mends them.
func (mk *maker) fromSource(ctx context.Context, src source) error {
	touched, err := mk.copyRows(ctx, src)
	if err != nil {
		return err
	}
	mk.b.done.Store(0)
	mk.b.total.Store(touched.events)
	return mk.transaction(func() error { return mk.mend(ctx, touched) })
}

// copyRows copies the source's tables and returns which aggregates' rows are not
// those of the cut, as long as mending them is worth while.
func (mk *maker) copyRows(ctx context.Context, src source) (*touched, error) {
	// Another connection could not be attached beside an exclusive lock of all.
	if err := mk.g.w.Exec("PRAGMA locking_mode=normal"); err != nil {
		return nil, apart(err)
	}
	if err := mk.attach(src.path); err != nil {
		return nil, apart(err)
	}
	var t *touched
	var inner error
	err := mk.g.w.transaction("BEGIN IMMEDIATE", func() error {
		t, inner = mk.plan(ctx, src)
		if inner != nil {
			return inner
		}
		return mk.copyTables()
	})
	if inner != nil {
		return nil, inner
	}
	if err != nil {
		return nil, apart(err)
	}
	// Full-text tables that were written past must be opened anew.
	err = mk.g.w.close()
	mk.g.w = nil
	if err != nil {
		return nil, apart(err)
	}
	mk.g.w, err = openConn(mk.b.path, sqlite3.OPEN_READWRITE, bulkCacheKiB, bulkPragmas()...)
	if err == nil {
		mk.g.setting, err = settingOf(mk.g.w)
	}
	return t, apart(err)
}

func (mk *maker) attach(path string) error {
	u := url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: "mode=ro"}
	return mk.g.w.Exec("ATTACH '" + strings.ReplaceAll(u.String(), "'", "''") + "' AS source")
}

// plan finds out what is to be mended. The source's position is read first, and
// stays what it is for the rest of the transaction.
func (mk *maker) plan(ctx context.Context, src source) (*touched, error) {
	position, err := mk.g.w.number("SELECT position FROM source.meta")
	if err != nil {
		return nil, apart(err)
	}
	if src.live != nil && !src.live.inPlace() {
		return nil, errMoved
	}
	k := mk.b.cut
	things, err := mk.g.w.number("SELECT count(*) FROM source.task")
	if err != nil {
		return nil, apart(err)
	}
	t := &touched{refs: map[domain.Ref]uint64{}, budget: mk.m.cfg.mendBudget + int64(k.seq) + (costWrite-costCopied)*things}
	if err := t.between(ctx, mk.trail, uint64(position), k.seq); err != nil {
		return nil, err
	}
	if src.date {
		if err := t.after(ctx, mk.trail, k); err != nil {
			return nil, err
		}
	}
	if !t.settings {
		return t, nil
	}
	before, err := settingIn(mk.g.w, "source.")
	if err != nil {
		return nil, apart(err)
	}
	at, err := (&View{m: mk.m, cut: k}).setting(mk.trail, k)
	if err == nil && !reflect.DeepEqual(before, at) {
		err = errDear // every light may differ
	}
	return t, err
}

// copyTables copies all rows but the trail's. Tables and indexes are the same on
// both sides, so that SQLite copies whole records in their order.
func (mk *maker) copyTables() error {
	tables, err := mk.g.w.texts(`SELECT name FROM sqlite_schema WHERE type='table' AND sql NOT LIKE 'CREATE VIRTUAL%'
		AND name NOT IN ('meta', 'trail', 'correction') AND name NOT LIKE 'sqlite\_%' ESCAPE '\'`)
	if err != nil {
		return err
	}
	for _, t := range tables {
		// A full-text table is born with rows in the tables behind it.
		if err := mk.g.w.Exec("DELETE FROM main." + t + "; INSERT INTO main." + t + " SELECT * FROM source." + t); err != nil {
			return fmt.Errorf("copy %s: %w", t, err)
		}
	}
	return nil
}

// mend writes the rows of what is touched as they are at the cut.
func (mk *maker) mend(ctx context.Context, t *touched) error {
	w := mk.g.writer(false)
	for _, kind := range registered() {
		if kind == domain.KindTask {
			if err := mk.owing(t, w.required); err != nil {
				return err
			}
		}
		gone := map[domain.Ref]bool{}
		list := t.of(kind)
		for _, ref := range list {
			gone[ref] = true
		}
		reg, _ := registerFor(kind)
		err := foldSome(ctx, mk.source(), mk.b.cut, list, func(_ register, a *aggregate) error {
			delete(gone, a.ref)
			mk.b.done.Add(a.version)
			return apart(reg.write(w, a))
		})
		if err != nil {
			return err
		}
		for _, ref := range list {
			if gone[ref] {
				if err := takeOut(w, reg, ref); err != nil {
					return apart(err)
				}
			}
		}
		if _, err := w.settle(); err != nil {
			return apart(err)
		}
	}
	mk.g.setting = w.setting
	return mk.stand()
}

// owing adds the tasks of directives that require other reports than before.
func (mk *maker) owing(t *touched, directives []string) error {
	for _, d := range directives {
		tasks, err := mk.g.w.texts("SELECT id FROM task WHERE directive=?", d)
		if err != nil {
			return apart(err)
		}
		for _, id := range tasks {
			if ref := (domain.Ref{Kind: domain.KindTask, ID: id}); t.refs[ref] == 0 {
				t.refs[ref] = 1
			}
		}
	}
	return nil
}

// takeOut removes the rows of an aggregate of which nothing is known at the cut.
func takeOut(w *rowWriter, reg register, ref domain.Ref) error {
	// Every kind has a table by its name, keyed by its first event.
	first, err := w.number("SELECT n FROM "+ref.Kind.String()+" WHERE id=?", ref.ID)
	if err != nil || first == 0 {
		return err
	}
	return reg.write(w, &aggregate{standing: standing{ref: ref, first: uint64(first)}, state: reg.empty()})
}
