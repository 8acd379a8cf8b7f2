package projections

import (
	"context"
	"sync"

	"github.com/ncruces/go-sqlite3"

	"duban/domain"
)

// writer returns a writer of rows as they are lit now.
func (g *generation) writer(empty bool) *rowWriter {
	return &rowWriter{conn: g.w, setting: g.setting, empty: empty, names: namesIn(g.w), books: g.books}
}

// writeRows writes the rows of every aggregate that moved, and those of others
// that are lit by what moved.
func (g *generation) writeRows() error {
	w := g.writer(false)
	lit, rest := g.split()
	if err := g.writeDirty(w, rest); err != nil {
		return err
	}
	if err := g.relight(w); err != nil {
		return err
	}
	if err := g.writeDirty(w, lit); err != nil {
		return err
	}
	clear(g.dirty)
	g.dirty = g.dirty[:0]
	return nil
}

// split parts what has lights from the rest, in the order rows are written.
func (g *generation) split() (lit, rest []*aggregate) {
	for _, kind := range registered() {
		for _, a := range g.dirty {
			switch {
			case a.ref.Kind != kind:
			case hasLights(kind):
				lit = append(lit, a)
			default:
				rest = append(rest, a)
			}
		}
	}
	return lit, rest
}

func hasLights(k domain.Kind) bool { return k == domain.KindTask || k == domain.KindFinding }

func (g *generation) writeDirty(w *rowWriter, list []*aggregate) error {
	for _, a := range list {
		if err := g.writeOne(w, a); err != nil {
			return err
		}
		a.dirty = false
	}
	return nil
}

func (g *generation) writeOne(w *rowWriter, a *aggregate) error {
	reg, _ := registerFor(a.ref.Kind)
	if a.stale {
		if err := g.refold(reg, a); err != nil {
			return err
		}
	}
	if a.first == 0 {
		return nil
	}
	return reg.write(w, a)
}

// relight writes again what is lit in another way: everything if years or rules
// changed, the tasks of a directive if its reports are required differently.
func (g *generation) relight(w *rowWriter) error {
	changed, err := w.settle()
	if err != nil {
		return err
	}
	g.setting = w.setting
	if changed {
		// The rows are written past the states in memory, which must not take theirs
		// for the last.
		for _, a := range g.states.byRef {
			a.written = nil
		}
		return foldAll(context.Background(), foldSource{c: g.w, decoder: g.decoder, turn: &sync.Mutex{}}, cut{seq: g.appended}, []domain.Kind{domain.KindTask, domain.KindFinding},
			func(reg register, a *aggregate) error { return reg.write(w, a) })
	}
	for _, id := range w.required {
		if err := g.rewriteTasks(w, id); err != nil {
			return err
		}
	}
	return nil
}

func (g *generation) rewriteTasks(w *rowWriter, directive string) error {
	var tasks []domain.Ref
	if err := w.each("SELECT id FROM task WHERE directive=? ORDER BY n", []any{directive}, func(s *sqlite3.Stmt) error {
		tasks = append(tasks, domain.Ref{Kind: domain.KindTask, ID: s.ColumnText(0)})
		return nil
	}); err != nil {
		return err
	}
	for _, ref := range tasks {
		a, cached := g.states.use(ref)
		a.stale = a.stale || !cached
		if err := g.writeOne(w, a); err != nil {
			return err
		}
	}
	return nil
}

// settle brings the writer's setting up to what was written of years and rules,
// and reports whether that changed it.
func (w *rowWriter) settle() (changed bool, err error) {
	if !w.moved {
		return false, nil
	}
	before := w.setting
	if w.setting, err = settingOf(w.conn); err != nil {
		return false, err
	}
	w.moved = false
	// The versions name the content: one ledger never gives two the same name.
	return before.Rules.Version != w.setting.Rules.Version || before.Workdays.Version != w.setting.Workdays.Version, nil
}
