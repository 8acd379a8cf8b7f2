package projections

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/ncruces/go-sqlite3"

	"duban/domain"
)

// A storedEvent is one row of the trail as far as folding needs it.
type storedEvent struct {
	seq, version uint64
	recorded     time.Time
	effect       effect
	raw          []byte
}

// A folding is one aggregate on its way from the trail to its rows.
type folding struct {
	ref    domain.Ref
	events []storedEvent
	raw    []byte // of the events

	done chan struct{} // gets one when what follows is set
	a    *aggregate    // nil: nothing of it counts at the cut
	err  error
}

// Bounds of what is on its way in foldAll, and of what of it is kept to be used again.
const (
	foldingBytes = 8 << 20
	foldings     = 256
	commonBytes  = 64 << 10 // of one aggregate's events
)

// foldAll folds every aggregate of some kinds at a cut and hands it to write, kind
// by kind, ids rising within a kind. Reading and
// write happen on the caller's goroutine, decoding and folding beside it on all
// processors; what is in memory at a time is bounded.
func foldAll(ctx context.Context, c *conn, d decoder, k cut, kinds []domain.Kind, write func(register, *aggregate) error) error {
	jobs, end := startFolding(d, k, runtime.GOMAXPROCS(0))
	defer end()
	for _, kind := range kinds {
		reg, _ := registerFor(kind)
		q := &foldQueue{jobs: jobs, write: func(a *aggregate) error { return write(reg, a) }}
		if err := q.fill(ctx, c, kind, k); err != nil {
			return fmt.Errorf("fold every %s: %w", kind, err)
		}
	}
	return nil
}

// startFolding starts so many workers, who fold what they are sent until end is called.
func startFolding(d decoder, k cut, n int) (jobs chan<- *folding, end func()) {
	line := make(chan *folding, foldings)
	var workers sync.WaitGroup
	for range n {
		workers.Go(func() {
			for f := range line {
				f.run(d, k)
			}
		})
	}
	return line, func() {
		close(line)
		workers.Wait()
	}
}

// A foldQueue keeps the order of what is folded side by side.
type foldQueue struct {
	jobs  chan<- *folding
	write func(*aggregate) error
	line  []*folding // on their way, in order
	size  int        // bytes in line
	free  []*folding // written
}

func (q *foldQueue) fill(ctx context.Context, c *conn, kind domain.Kind, k cut) error {
	f := q.next(domain.Ref{})
	err := c.each("SELECT seq, version, recorded, effect, raw, id FROM trail INDEXED BY trail_subject WHERE kind=? AND seq<=? ORDER BY id, seq",
		[]any{int(kind), k.seq}, func(s *sqlite3.Stmt) error {
			if id := s.ColumnRawText(5); string(id) != f.ref.ID {
				if err := q.push(f); err != nil {
					return err
				}
				if err := ctx.Err(); err != nil {
					return err
				}
				f = q.next(domain.Ref{Kind: kind, ID: string(id)})
			}
			var e storedEvent
			e, f.raw = readStored(s, f.raw)
			f.events = append(f.events, e)
			return nil
		})
	if err != nil {
		return err
	}
	if err := q.push(f); err != nil {
		return err
	}
	return q.drain(0, 0)
}

// next returns a folding without events, with the memory of one that is done.
func (q *foldQueue) next(ref domain.Ref) *folding {
	if len(q.free) == 0 {
		return &folding{ref: ref, done: make(chan struct{}, 1)}
	}
	f := q.free[len(q.free)-1]
	q.free = q.free[:len(q.free)-1]
	f.ref = ref
	return f
}

// push sends an aggregate to the workers and takes the finished ones off the line.
func (q *foldQueue) push(f *folding) error {
	if len(f.events) == 0 {
		return nil
	}
	q.jobs <- f
	q.line = append(q.line, f)
	q.size += len(f.raw)
	return q.drain(foldingBytes, foldings/2)
}

// drain writes the oldest until no more are on their way than given.
func (q *foldQueue) drain(size, n int) error {
	for len(q.line) > n || len(q.line) > 0 && q.size > size {
		f := q.line[0]
		q.line = q.line[1:]
		q.size -= len(f.raw)
		<-f.done
		if f.err != nil {
			return f.err
		}
		if f.a != nil {
			if err := q.write(f.a); err != nil {
				return err
			}
		}
		if cap(f.raw) <= commonBytes {
			*f = folding{events: f.events[:0], raw: f.raw[:0], done: f.done}
			q.free = append(q.free, f)
		}
	}
	return nil
}

func (f *folding) run(d decoder, k cut) {
	defer func() { f.done <- struct{}{} }()
	events, st, err := decodeStored(d, f.ref, f.events)
	if err != nil {
		f.err = err
		return
	}
	if all := k.apply(events); len(all) > 0 {
		if k.date != "" {
			st.restrict(all)
		}
		reg, _ := registerFor(f.ref.Kind)
		f.a = &aggregate{standing: st, state: foldInto(reg, all)}
	}
}

// readStored reads one row of seq, version, recorded, effect, raw. The bytes are
// appended to buf, which it returns.
func readStored(s *sqlite3.Stmt, buf []byte) (storedEvent, []byte) {
	before := len(buf)
	buf = s.ColumnBlob(4, buf)
	return storedEvent{
		seq: uint64(s.ColumnInt64(0)), version: uint64(s.ColumnInt64(1)), recorded: fromMicro(s.ColumnInt64(2)),
		effect: effect(s.ColumnInt(3)), raw: buf[before:],
	}, buf
}

// decodeStored decodes the events of an aggregate that count. What it returns shares
// no memory with their bytes.
func decodeStored(d decoder, ref domain.Ref, stored []storedEvent) ([]domain.Event, standing, error) {
	st := standing{ref: ref}
	events := make([]domain.Event, 0, len(stored))
	for _, e := range stored {
		st.see(e.seq, e.version, e.recorded)
		st.size += len(e.raw)
		if e.effect != effectFull {
			continue
		}
		r, err := d.Decode(e.seq, e.raw)
		if err != nil {
			return nil, st, err
		}
		st.count(r.Event)
		events = append(events, own(r.Event))
	}
	return events, st, nil
}

// history reads the events of an aggregate up to a sequence from the trail: the
// ones that count, decoded, as they were recorded.
func history(c *conn, d decoder, ref domain.Ref, upTo uint64) ([]domain.Event, standing, error) {
	var stored []storedEvent
	var buf []byte
	err := c.each(`SELECT seq, version, recorded, effect, raw FROM trail WHERE kind=? AND id=? AND seq<=? ORDER BY seq`,
		[]any{int(ref.Kind), ref.ID, upTo}, func(s *sqlite3.Stmt) error {
			var e storedEvent
			e, buf = readStored(s, buf)
			stored = append(stored, e)
			return nil
		})
	if err != nil {
		return nil, standing{ref: ref}, fmt.Errorf("read the trail of %s: %w", ref, err)
	}
	return decodeStored(d, ref, stored)
}

// foldInto evolves a fresh state over events.
func foldInto(r register, events []domain.Event) any {
	s := r.empty()
	for _, e := range events {
		r.evolve(s, e)
	}
	return s
}
