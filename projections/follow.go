package projections

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ncruces/go-sqlite3"

	"duban/eventstore"
)

// defaultFarBehind is how many events a model may lack before it is quicker to fill
// a new file in bulk than to follow.
const defaultFarBehind = 20_000

// Run follows the ledger until ctx ends or the model is closed, and then returns
// nil. It fails closed: a gap, an event that can't be read, or a ledger that is not
// the one the rows were made from ends it with an error that names the sequence,
// which Wait and Err then repeat. Queries go on being answered as of the last
// position. Run may be called again, after an acceptance for one.
func (m *Model) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(m.ctx, cancel)()
	m.fail(nil)
	for {
		err := m.follow(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, errAgain):
			continue
		case err == nil:
			err = errors.New("the ledger ended its stream")
		}
		err = fmt.Errorf("follow the ledger: %w", err)
		m.fail(err)
		return err
	}
}

func (m *Model) fail(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.failed = err
	m.announce()
}

// errAgain: the generation was replaced, follow from its position.
var errAgain = errors.New("follow again")

func (m *Model) follow(ctx context.Context) error {
	if err := m.recognise(ctx); err != nil {
		return err
	}
	position := m.Position()
	if position+m.cfg.farBehind < m.cfg.Source.Acked() && position < m.cfg.Source.Acked()/2 {
		if err := m.replace(ctx); err != nil {
			return err
		}
		position = m.Position()
	}
	// The last event applied is read once more and compared.
	if position > 0 {
		position--
	}
	return m.cfg.Source.Follow(ctx, position, func(records []eventstore.Record) error { return m.take(ctx, records) })
}

// recognise compares the beginning of the ledger with the one in the trail, and
// its end with the position. Another beginning is another ledger: the file is
// replaced. The same beginning with an earlier end is a ledger that lost events.
func (m *Model) recognise(ctx context.Context) error {
	position := m.Position()
	if position == 0 {
		return nil
	}
	end := m.cfg.Source.Acked()
	same := end > 0
	if same {
		first, err := m.firstRecord(ctx)
		if err != nil {
			return err
		}
		err = m.readAnyway(ctx, func(c *conn) error {
			_, err := c.one("SELECT raw FROM trail WHERE seq=1", nil, func(s *sqlite3.Stmt) {
				same = string(s.ColumnRawBlob(0)) == string(first.Raw)
			})
			return err
		})
		if err != nil {
			return fmt.Errorf("compare the first event: %w", err)
		}
	}
	switch {
	case !same && end > 0:
		m.cfg.Logger.Warn("read model belongs to another ledger and is built again", "position", position)
		g, err := m.use()
		if err != nil {
			return err
		}
		m.mu.Lock()
		g.broken = true
		g.served = 0
		m.mu.Unlock()
		m.release(g)
		err = m.replace(ctx)
		return err
	case end < position:
		return &DivergedError{Sequence: end + 1, Position: position, End: end}
	}
	return nil
}

var errEnough = errors.New("enough")

func (m *Model) firstRecord(ctx context.Context) (eventstore.Record, error) {
	var first eventstore.Record
	err := m.cfg.Source.Follow(ctx, 0, func(records []eventstore.Record) error {
		if len(records) == 0 {
			return nil
		}
		first = records[0]
		return errEnough
	})
	if !errors.Is(err, errEnough) {
		return first, fmt.Errorf("read the first event: %w", err)
	}
	return first, nil
}

// take applies records and commits them with the position.
func (m *Model) take(ctx context.Context, records []eventstore.Record) error {
	g, err := m.applyTo(records)
	if !damaged(err) {
		return err
	}
	if g.inPlace() && m.waitForDisk(ctx) {
		return errAgain
	}
	m.distrust(g, err)
	if err := m.replaced(ctx, g); err != nil {
		return err
	}
	return errAgain
}

// waitForDisk waits as long as the disk can't be written, and reports whether it had
// to. What stands in the file can be read all the while, and on a bad disk nothing
// could be built in its place.
func (m *Model) waitForDisk(ctx context.Context) bool {
	for waited := false; ; waited = true {
		err := eventstore.ProbeDisk(m.cfg.Dir)
		if err == nil || ctx.Err() != nil {
			return waited
		}
		if !waited {
			m.cfg.Logger.Error("the disk can't be written, the read model stays where it is", "error", err)
		}
		select {
		case <-time.After(m.cfg.CheckEvery):
		case <-ctx.Done():
		}
	}
}

func (m *Model) applyTo(records []eventstore.Record) (*generation, error) {
	m.apply.Lock()
	defer m.apply.Unlock()
	m.mu.Lock()
	g, closed := m.cur, m.closed
	m.mu.Unlock()
	if closed {
		return g, ErrClosed
	}
	if !g.inPlace() {
		m.miss(g)
	}
	err := g.append(records)
	if err == nil {
		err = g.flush()
	}
	if err != nil {
		g.undo()
		return g, err
	}
	m.mu.Lock()
	g.served = g.position
	tidy := m.untidy()
	m.announce()
	m.mu.Unlock()
	if tidy {
		m.look()
	}
	return g, nil
}

// miss notes that the files are not at their paths any more. The open ones go on
// working meanwhile, without a name.
func (m *Model) miss(g *generation) {
	m.mu.Lock()
	first := !g.lost && !g.retired
	g.lost = true
	m.mu.Unlock()
	if first {
		m.cfg.Logger.Warn("read model was deleted and is built again", "file", g.path)
		m.look()
	}
}

// replaced waits until another generation has taken g's place.
func (m *Model) replaced(ctx context.Context, g *generation) error {
	for {
		m.mu.Lock()
		cur, changed, closed := m.cur, m.moved, m.closed
		m.mu.Unlock()
		switch {
		case cur != g:
			return nil
		case closed:
			return ErrClosed
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// watch is the watchman: it removes what is not needed any more, looks whether the
// files are in place, and has a lost
// or damaged generation replaced, trying again with growing pauses.
func (m *Model) watch() {
	tick := time.NewTicker(m.cfg.CheckEvery)
	defer tick.Stop()
	pause := 0 // ticks to let pass after a failure
	failures := 0
	for {
		select {
		case <-m.kick:
		case <-tick.C:
			if pause > 0 {
				pause--
				continue
			}
		case <-m.ctx.Done():
			return
		}
		m.tidy()
		g, err := m.use()
		if err != nil {
			return
		}
		if !g.inPlace() {
			m.miss(g)
		}
		m.mu.Lock()
		sound := !g.lost && !g.broken
		m.mu.Unlock()
		m.release(g)
		if sound {
			failures = 0
			continue
		}
		if err := m.replace(m.ctx); err != nil && m.ctx.Err() == nil {
			failures = min(failures+1, 6)
			pause = 1 << failures
			m.cfg.Logger.Error("read model could not be built again", "error", err, "retry_after", time.Duration(pause)*m.cfg.CheckEvery)
		}
	}
}
