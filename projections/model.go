// Package projections keeps the read models: the register (directives, clauses,
// tasks, shares, findings, inspections, offices), the trail of every event, the
// search index and the summary, all in one SQLite file.
//
// The file is disposable. It follows the stream, commits its rows together with
// the position they stand for, and is built again from the stream whenever it is
// missing, damaged, made by other software or asked to be. Nothing in it decides
// anything.
//
// # How rows come about
//
// Every event goes into the table trail with its stored bytes. The state of its
// aggregate is folded on in memory (a correction folds it again from the trail),
// and once per transaction the rows of every aggregate that moved are written
// anew: rows are a function of one aggregate's state and of what its lights rest on
// (published years, rules, a directive's reporting duties), so that following the
// stream, rebuilding, and looking back all give the same rows. Where the latter
// change, the rows they light are written again in the same transaction. What else
// one row shows of another aggregate is joined when it is read.
//
// # As of when
//
// A View answers queries at a cut: now, or as known at sequence K, or of that
// what had happened by the end of day D. A single aggregate at a cut is a fold of
// its own events. Lists at a cut are answered from a private database with the
// same tables, made once per (K, D) and kept for a while: from the nearest one at
// hand, the live one or a kept one, of which only what has events between the two is
// folded anew; or, where that is nearly everything, or years or rules changed
// between, by folding everything up to the cut. Both give the same rows.
//
// # Other versions
//
// A file belongs to one schema. A program with another one begins its own file
// beside it, answers nothing from that one until it is filled, and removes the other
// then.
package projections

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"duban/domain"
	"duban/eventstore"
)

// A Source is the stream the model follows; *eventstore.Store is one.
type Source interface {
	// Follow hands every record after a sequence to handle, in order, in whole
	// transactions, and goes on with new ones as they are durable. It returns
	// handle's error as it is, or ctx's.
	Follow(ctx context.Context, after uint64, handle func([]eventstore.Record) error) error
	// Acked returns the last durable sequence.
	Acked() uint64
}

// Config says where a model lives and what it follows.
type Config struct {
	Dir    string           // folder for the database files, made if it is missing; nothing else may be kept in it
	Source Source           // the ledger
	Org    string           // whose ledger it is, as eventstore.Config says
	Types  []domain.Payload // prototypes of all event types; those of the ledger itself are known
	Sample bool             // answers say that the data is invented; also so if the ledger says it
	Logger *slog.Logger
	// Building is called when a file begins to be built from so many events, and what
	// it returns when that ends. One is built at a time. May be nil.
	Building func(events uint64) (end func())
	// CheckEvery is the pause between two looks whether the file is still there.
	// Default 1 s.
	CheckEvery time.Duration
	// Clock is read for durations in reports only. Default time.Now.
	Clock func() time.Time

	decoder    decoder
	stateBytes int    // memory for states of aggregates; default defaultStateBytes
	setSize    int    // see defaultSetSize
	readers    int    // connections for reading; default defaultReaders
	farBehind  uint64 // see defaultFarBehind
	mendBudget int64  // by how much making a cut from another may be dearer than folding it; tests make it large
}

// A Model is the read models of one ledger. Its methods may be called from many
// goroutines.
type Model struct {
	cfg    Config
	ctx    context.Context // done when the model is closed
	cancel context.CancelFunc
	wg     sync.WaitGroup

	kick    chan struct{} // asks the watchman to look now
	rebuild chan struct{} // holds a token while a rebuild runs
	views   *views
	ended   endings

	// apply is held by whoever moves the current generation's rows or replaces it.
	apply sync.Mutex

	mu       sync.Mutex
	cur      *generation
	next     int           // number of the next generation
	building *building     // nil: none runs
	moved    chan struct{} // closed and replaced when position, cur or failed changes
	failed   error         // why Run ended
	end      uint64        // where the ledger stood when the model was opened
	empty    bool          // the file held nothing then of a long ledger, and has not come so far yet
	others   []string      // files kept until this one has caught up; see tidy
	closed   bool
	totals   totals
}

// Open opens the read model in cfg.Dir, or starts an empty one. A file that is
// damaged is set aside; a rebuild that did not finish is removed. What a program with
// another schema left stays until this one has caught up. Run fills the model.
func Open(ctx context.Context, cfg Config) (*Model, error) {
	if cfg.Dir == "" || cfg.Source == nil {
		return nil, errors.New("open the read model: Dir and Source are needed")
	}
	codec, err := eventstore.NewCodec(cfg.Org, cfg.Types)
	if err != nil {
		return nil, fmt.Errorf("open the read model: %w", err)
	}
	cfg.decoder = codec
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.CheckEvery <= 0 {
		cfg.CheckEvery = time.Second
	}
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.stateBytes == 0 {
		cfg.stateBytes = defaultStateBytes
	}
	if cfg.readers == 0 {
		cfg.readers = defaultReaders
	}
	if cfg.farBehind == 0 {
		cfg.farBehind = defaultFarBehind
	}
	if cfg.setSize == 0 {
		cfg.setSize = defaultSetSize
	}
	m := &Model{
		cfg: cfg, kick: make(chan struct{}, 1), rebuild: make(chan struct{}, 1), moved: make(chan struct{}), next: 1,
		end: cfg.Source.Acked(),
	}
	m.ctx, m.cancel = context.WithCancel(context.WithoutCancel(ctx))
	m.views = newViews(m)
	if err := m.openFile(); err != nil {
		m.cancel()
		return nil, fmt.Errorf("open the read model in %s: %w", cfg.Dir, err)
	}
	m.wg.Go(m.watch)
	return m, nil
}

// Close ends Run, waits for queries at hand and closes the file.
func (m *Model) Close() error {
	m.mu.Lock()
	if m.closed {
		m.mu.Unlock()
		return ErrClosed
	}
	m.closed = true
	m.announce()
	m.mu.Unlock()
	m.views.refuse()
	m.cancel()
	m.wg.Wait()
	m.views.close()

	m.apply.Lock() // waits for the batch at hand
	defer m.apply.Unlock()
	m.mu.Lock()
	g := m.cur
	m.mu.Unlock()
	return m.retire(g, false)
}

// announce wakes everyone who waits for a change. The caller holds m.mu.
func (m *Model) announce() {
	close(m.moved)
	m.moved = make(chan struct{})
}

// Position returns the last sequence whose rows are committed.
func (m *Model) Position() uint64 {
	position, _ := m.Watch()
	return position
}

// Moved returns a channel that is closed when the position advances (or when the
// model stops or is closed): what a live stream of events waits on. It is taken
// before reading, so that no advance falls in between.
func (m *Model) Moved() <-chan struct{} {
	_, changed := m.Watch()
	return changed
}

// Watch returns the position together with the channel of Moved.
func (m *Model) Watch() (position uint64, changed <-chan struct{}) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.cur.served, m.moved
}

// Wait returns when the position has reached seq, with ctx's error when that ends
// before, or with the error that ended Run.
func (m *Model) Wait(ctx context.Context, seq uint64) error {
	for {
		m.mu.Lock()
		position, changed, failed, closed := m.cur.served, m.moved, m.failed, m.closed
		m.mu.Unlock()
		switch {
		case position >= seq:
			return nil
		case closed:
			return ErrClosed
		case failed != nil:
			return fmt.Errorf("wait for sequence %d: %w", seq, failed)
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("wait for sequence %d, the read model is at %d: %w", seq, position, ctx.Err())
		}
	}
}

// Err returns nil while the model follows the ledger and its file is sound,
// otherwise why not.
func (m *Model) Err() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.closed:
		return ErrClosed
	case m.failed != nil:
		return m.failed
	case m.cur.broken || m.cur.lost:
		return ErrRebuilding
	}
	return nil
}

// use returns the current generation, which stays open until release.
func (m *Model) use() (*generation, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return nil, ErrClosed
	}
	m.cur.refs++
	return m.cur, nil
}

func (m *Model) release(g *generation) {
	m.mu.Lock()
	g.refs--
	idle := g.retired && g.refs == 0
	m.mu.Unlock()
	if idle {
		_ = g.gone() // nobody waits for it, and nothing is lost with a retired file
	}
}

// retire closes a generation once nobody uses it, and removes its files if asked.
func (m *Model) retire(g *generation, remove bool) error {
	m.mu.Lock()
	g.retired, g.remove = true, remove
	idle := g.refs == 0
	m.mu.Unlock()
	if idle {
		return g.gone()
	}
	return nil
}

// read runs f within one read transaction on the live rows, once there are any.
func (m *Model) read(ctx context.Context, f func(*conn) error) error {
	if err := m.filling(); err != nil {
		return err
	}
	return m.readAnyway(ctx, f)
}

// filling is a *RebuildingError while a file that held nothing of a long ledger has not
// caught up with it: what it would answer is not so.
func (m *Model) filling() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.empty = m.empty && m.cur.served < m.end; !m.empty {
		return nil
	}
	if m.failed != nil {
		return m.failed
	}
	done := building{done: m.cur.served, total: m.end}
	if m.building != nil {
		done = *m.building
	}
	return &RebuildingError{Done: done.done, Total: done.total}
}

// readAnyway is read for whoever asks how far the rows are.
func (m *Model) readAnyway(ctx context.Context, f func(*conn) error) error {
	return m.trusting(ctx, func(g *generation) error { return g.readers.read(ctx, f) })
}

// readLong is read on a connection of its own: what takes long keeps none of those
// that answer queries.
func (m *Model) readLong(ctx context.Context, f func(*generation, *conn) error) error {
	return m.trusting(ctx, func(g *generation) error {
		own, err := openPool(g.path, 1, bulkCacheKiB)
		if err == nil && !g.inPlace() {
			err = errors.Join(errMoved, own.close())
		}
		if err != nil {
			// The files are not at their paths any more. The open ones go on working.
			return g.readers.read(ctx, func(c *conn) error { return f(g, c) })
		}
		err = own.read(ctx, func(c *conn) error { return f(g, c) })
		return errors.Join(err, own.close())
	})
}

// errMoved: another file is at the path, or none.
var errMoved = errors.New("the file is not at its path any more")

// trusting runs f on the current generation. If its file turns out to be damaged, a
// rebuild begins and f runs again on its result; until then, or until ctx ends, the
// caller waits.
func (m *Model) trusting(ctx context.Context, f func(*generation) error) error {
	for {
		g, err := m.use()
		if err != nil {
			return err
		}
		m.mu.Lock()
		broken, changed := g.broken, m.moved
		m.mu.Unlock()
		if !broken {
			err = f(g)
			if !damaged(err) {
				m.release(g)
				return err
			}
			m.distrust(g, err)
		}
		m.release(g)
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", ErrRebuilding, ctx.Err())
		}
	}
}

// distrust notes that a generation's content can't be relied on and has it
// replaced.
func (m *Model) distrust(g *generation, cause error) {
	m.mu.Lock()
	first := !g.broken && !g.retired
	g.broken = true
	if first {
		m.announce()
	}
	m.mu.Unlock()
	if first {
		m.cfg.Logger.Error("read model is damaged and will be built again", "file", g.path, "error", cause)
		m.look()
	}
}

// look asks the watchman to look now.
func (m *Model) look() {
	select {
	case m.kick <- struct{}{}:
	default:
	}
}

// Stats are figures for monitoring.
type Stats struct {
	Position uint64           // last sequence applied
	Known    time.Time        // its recordedtime
	Rows     map[string]int64 // by table
	Bytes    int64            // size of the files
	Views    int              // historical views kept
}

// Stats returns figures for monitoring.
func (m *Model) Stats(ctx context.Context) (Stats, error) {
	s := Stats{Rows: map[string]int64{}, Views: m.views.count()}
	err := m.readAnyway(ctx, func(c *conn) error {
		h, err := headOf(c)
		if err != nil {
			return err
		}
		s.Position, s.Known = h.position, fromMicro(h.known)
		for _, t := range []string{"directive", "clause", "task", "share", "inspection", "finding", "office"} {
			if s.Rows[t], err = c.number("SELECT count(*) FROM " + t); err != nil {
				return err
			}
		}
		s.Rows["trail"] = int64(s.Position) // it has no gaps
		return nil
	})
	if err != nil {
		return Stats{}, fmt.Errorf("figures of the read model: %w", err)
	}
	s.Bytes = m.liveBytes()
	return s, nil
}
