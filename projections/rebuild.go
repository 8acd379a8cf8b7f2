package projections

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"time"

	"duban/eventstore"
)

// RebuildReport says what a rebuild did.
type RebuildReport struct {
	Events   uint64        `json:"events"`   // replayed, from the first one on
	Position uint64        `json:"position"` // where the new model took over
	Duration time.Duration `json:"duration_ns"`
	Bytes    int64         `json:"bytes"` // size of the new file
}

// Rebuild builds a new file beside the running model from the whole stream, lets
// it take over and removes the old one. Queries are answered all the while: until
// the change by the old file, then by the new one. progress, if not nil, is
// called now and then with the events done and in all, as Building says. One rebuild
// runs at a time, another is ErrRebuildRunning.
func (m *Model) Rebuild(ctx context.Context, progress func(done, total uint64)) (RebuildReport, error) {
	select {
	case m.rebuild <- struct{}{}:
	default:
		return RebuildReport{}, ErrRebuildRunning
	}
	defer func() { <-m.rebuild }()
	return m.build(ctx, progress)
}

// replace is Rebuild for the model's own needs: it waits for one that runs.
func (m *Model) replace(ctx context.Context) error {
	m.mu.Lock()
	before := m.cur
	m.mu.Unlock()
	select {
	case m.rebuild <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-m.rebuild }()
	m.mu.Lock()
	done := m.cur != before // the one that ran did it
	m.mu.Unlock()
	if done {
		return nil
	}
	_, err := m.build(ctx, nil)
	return err
}

// errTookOver ends the following of a rebuild.
var errTookOver = errors.New("took over")

func (m *Model) build(ctx context.Context, progress func(done, total uint64)) (RebuildReport, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(m.ctx, cancel)()
	began := m.cfg.Clock()

	m.mu.Lock()
	number := m.next
	m.next++
	m.mu.Unlock()
	if err := os.MkdirAll(m.cfg.Dir, 0o700); err != nil {
		return RebuildReport{}, fmt.Errorf("rebuild the read model: %w", err)
	}
	g, err := m.cfg.createGeneration(m.name(number), number, true)
	if err != nil {
		return RebuildReport{}, fmt.Errorf("rebuild the read model: %w", err)
	}
	b := &builder{m: m, g: g, target: max(m.cfg.Source.Acked(), m.Position()), progress: progress}
	b.tell()
	if m.cfg.Building != nil {
		defer m.cfg.Building(b.target)()
	}
	err = b.run(ctx)
	m.mu.Lock()
	m.building = nil
	m.mu.Unlock()
	if err != nil {
		err = errors.Join(fmt.Errorf("rebuild the read model: %w", err), g.close(), removeFiles(g.path))
		return RebuildReport{}, err
	}
	report := RebuildReport{Events: b.took, Position: b.took, Duration: m.cfg.Clock().Sub(began)}
	if fi, err := os.Stat(g.path); err == nil {
		report.Bytes = fi.Size()
	}
	debug.FreeOSMemory() // what a build leaves is not needed again
	m.cfg.Logger.Info("read model rebuilt", "events", report.Events, "duration", report.Duration, "file", g.path)
	return report, nil
}

// A builder fills a new generation and puts it in the place of the current one, in
// three steps: the trail in bulk up to where the ledger stood at the start; the rows,
// folded from it; then following the ledger like the running model, until both
// stand at one place.
type builder struct {
	m        *Model
	g        *generation
	ctx      context.Context
	target   uint64 // end of the bulk load
	flushed  uint64
	folded   uint64 // events whose rows are written, while the bulk load is folded
	caughtUp int    // batches since the bulk load
	holding  bool   // m.apply: the running model stands still
	took     uint64 // position at which the new generation took over
	progress func(done, total uint64)
}

func (b *builder) run(ctx context.Context) error {
	b.ctx = ctx
	defer func() {
		if b.holding {
			b.m.apply.Unlock()
		}
	}()
	if b.target == 0 {
		if err := b.g.fold(ctx, b.wrote); err != nil {
			return err
		}
		b.hold()
		return b.takeOver()
	}
	err := b.m.cfg.Source.Follow(ctx, 0, b.handle)
	if errors.Is(err, errTookOver) {
		return nil
	}
	if err == nil {
		err = errors.New("the ledger ended its stream")
	}
	return err
}

func (b *builder) hold() {
	if !b.holding {
		b.m.apply.Lock()
		b.holding = true
	}
}

func (b *builder) handle(records []eventstore.Record) error {
	if err := b.g.append(records); err != nil {
		return err
	}
	if !b.g.bulk || b.g.appended-b.flushed >= bulkEvents {
		b.flushed = b.g.appended
		if err := b.g.flush(); err != nil {
			return err
		}
	}
	b.tell()
	if b.g.appended < b.target {
		return nil
	}
	if b.g.bulk {
		if err := b.g.fold(b.ctx, b.wrote); err != nil {
			return err
		}
		b.tell()
	}
	return b.meet()
}

func (b *builder) wrote(events uint64) {
	b.folded = min(b.folded+events, b.g.appended)
	b.tell()
}

// tell says how far the work is: an event counts half when it is read and half when
// its rows are written.
func (b *builder) tell() {
	folded := b.folded
	if !b.g.bulk {
		folded = b.g.appended
	}
	done, total := (b.g.appended+folded)/2, max(b.target, b.m.cfg.Source.Acked())
	b.m.mu.Lock()
	b.m.building = &building{done, total}
	b.m.mu.Unlock()
	if b.progress != nil {
		b.progress(done, total)
	}
}

// building is how far the building of a new file is.
type building struct{ done, total uint64 }

// Building returns how far the building of a new file is that runs just now, in
// events: Rebuild, the first one, or one in the place of a file that was lost.
func (m *Model) Building() (done, total uint64, running bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.building == nil {
		return 0, 0, false
	}
	return m.building.done, m.building.total, true
}

// patience is how many batches a rebuild follows beside the running model before
// it has that one wait.
const patience = 20

// meet takes over once the new generation is where the running one is. It holds
// the running one still for the last few events only.
func (b *builder) meet() error {
	b.caughtUp++
	if b.g.appended < b.m.Position() && b.caughtUp < patience {
		return nil
	}
	b.hold()
	if b.g.appended < b.m.Position() {
		return nil // the next batch brings it
	}
	if err := b.takeOver(); err != nil {
		return err
	}
	return errTookOver
}

// takeOver puts the new generation in place. A crash before leaves the old one
// in force, a crash after leaves two complete files, of which the next start
// takes the later.
func (b *builder) takeOver() error {
	m := b.m
	if err := b.g.finish(); err != nil {
		return err
	}
	m.mu.Lock()
	if m.closed {
		m.mu.Unlock()
		return ErrClosed
	}
	old := m.cur
	b.g.served = b.g.position
	m.cur = b.g
	tidy := m.untidy()
	m.announce()
	m.mu.Unlock()
	if tidy {
		m.look()
	}
	b.took = b.g.position
	if err := m.retire(old, true); err != nil {
		// The new one is in force all the same.
		m.cfg.Logger.Warn("old read model could not be removed", "file", old.path, "error", err)
	}
	return nil
}
