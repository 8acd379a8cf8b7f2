package projections

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/ncruces/go-sqlite3"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

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

// Bounds of what is on its way in a foldQueue, and of what of it is kept to be used again.
const (
	foldingBytes = 8 << 20
	foldings     = 128
	commonBytes  = 64 << 10 // of one aggregate's events
)

// A foldSource is where events are read that are folded.
type foldSource struct {
	c       *conn // used on a goroutine of its own until the folding ends
	decoder decoder
	// turn is taken for every use of c, and for every writing, where what is folded
	// is written with c as well. nil: c is nobody else's.
	turn sync.Locker
}

// foldAll folds every aggregate of some kinds at a cut and hands it to write, kind
// by kind, ids rising within a kind. Reading, folding on all processors, and write on
// the caller's goroutine go on side by side; what is in memory at a time is bounded.
func foldAll(ctx context.Context, from foldSource, k cut, kinds []domain.Kind, write func(register, *aggregate) error) error {
	return from.fold(ctx, k, runtime.GOMAXPROCS(0), func(ctx context.Context, q *foldQueue) error {
		for _, kind := range kinds {
			if err := q.readKind(ctx, kind, k.seq); err != nil {
				return fmt.Errorf("fold every %s: %w", kind, err)
			}
		}
		return nil
	}, write)
}

// foldSome is foldAll for some aggregates of one kind, in their order.
func foldSome(ctx context.Context, from foldSource, k cut, refs []domain.Ref, write func(register, *aggregate) error) error {
	return from.fold(ctx, k, min(runtime.GOMAXPROCS(0), len(refs)), func(ctx context.Context, q *foldQueue) error {
		for _, ref := range refs {
			if err := q.readOne(ctx, ref, k.seq); err != nil {
				return err
			}
		}
		return nil
	}, write)
}

// A foldQueue keeps the order of what is read, folded and written side by side.
type foldQueue struct {
	foldSource
	jobs chan *folding       // to be folded
	line chan *folding       // to be written, in order
	free chan *folding       // written: their memory is used again
	room *semaphore.Weighted // bytes in line
}

// fold folds what read pushes, by so many workers, and hands it to write.
func (from foldSource) fold(ctx context.Context, k cut, workers int, read func(context.Context, *foldQueue) error, write func(register, *aggregate) error) error {
	q := &foldQueue{
		foldSource: from,
		jobs:       make(chan *folding, foldings), line: make(chan *folding, foldings), free: make(chan *folding, foldings),
		room: semaphore.NewWeighted(foldingBytes),
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var beside errgroup.Group
	beside.Go(func() error {
		defer close(q.line)
		defer close(q.jobs)
		return read(ctx, q)
	})
	for range workers {
		beside.Go(func() error {
			for f := range q.jobs {
				f.run(from.decoder, k)
			}
			return nil
		})
	}
	if err := q.drain(write); err != nil {
		cancel()
		_ = beside.Wait() // it was told to stop
		return err
	}
	return beside.Wait()
}

func (q *foldQueue) readKind(ctx context.Context, kind domain.Kind, upTo uint64) error {
	q.take()
	defer q.leave()
	f := q.next(domain.Ref{})
	err := q.c.each("SELECT "+storedColumns+", id FROM trail INDEXED BY trail_subject WHERE kind=? AND seq<=? ORDER BY id, seq",
		[]any{int(kind), upTo}, func(s *sqlite3.Stmt) error {
			if id := s.ColumnRawText(5); string(id) != f.ref.ID {
				ref := domain.Ref{Kind: kind, ID: string(id)}
				if err := q.push(ctx, f); err != nil {
					return err
				}
				f = q.next(ref)
			}
			f.add(s)
			return nil
		})
	if err != nil {
		return err
	}
	return q.push(ctx, f)
}

func (q *foldQueue) readOne(ctx context.Context, ref domain.Ref, upTo uint64) error {
	q.take()
	defer q.leave()
	f := q.next(ref)
	if err := f.read(q.c, upTo); err != nil {
		return err
	}
	return q.push(ctx, f)
}

// take waits until the connection is free.
func (q *foldQueue) take() {
	if q.turn != nil {
		q.turn.Lock()
	}
}

func (q *foldQueue) leave() {
	if q.turn != nil {
		q.turn.Unlock()
	}
}

// next returns a folding without events, with the memory of one that is done.
func (q *foldQueue) next(ref domain.Ref) *folding {
	select {
	case f := <-q.free:
		f.ref = ref
		return f
	default:
		return &folding{ref: ref, done: make(chan struct{}, 1)}
	}
}

// push sends an aggregate to the workers and to who writes, when there is room.
// Others may use the connection meanwhile.
func (q *foldQueue) push(ctx context.Context, f *folding) error {
	if len(f.events) == 0 {
		return nil
	}
	q.leave()
	defer q.take()
	if err := q.room.Acquire(ctx, f.weight()); err != nil {
		return err
	}
	q.jobs <- f
	select {
	case q.line <- f:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// drain writes what is in line, the oldest first, until no more comes.
func (q *foldQueue) drain(write func(register, *aggregate) error) error {
	for f := range q.line {
		<-f.done
		if f.err != nil {
			return f.err
		}
		if f.a != nil {
			if err := q.write(f.a, write); err != nil {
				return err
			}
		}
		q.room.Release(f.weight())
		if cap(f.raw) <= commonBytes {
			*f = folding{events: f.events[:0], raw: f.raw[:0], done: f.done}
			select {
			case q.free <- f:
			default:
			}
		}
	}
	return nil
}

func (q *foldQueue) write(a *aggregate, write func(register, *aggregate) error) error {
	reg, _ := registerFor(a.ref.Kind)
	q.take()
	defer q.leave()
	return write(reg, a)
}

// weight is what it takes of the queue's room.
func (f *folding) weight() int64 { return min(int64(len(f.raw)), foldingBytes) }

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

// storedColumns are those of the trail that a storedEvent is made of.
const storedColumns = "seq, version, recorded, effect, raw"

// add takes in a row that begins with storedColumns.
func (f *folding) add(s *sqlite3.Stmt) {
	before := len(f.raw)
	f.raw = s.ColumnBlob(4, f.raw)
	f.events = append(f.events, storedEvent{
		seq: uint64(s.ColumnInt64(0)), version: uint64(s.ColumnInt64(1)), recorded: fromMicro(s.ColumnInt64(2)),
		effect: effect(s.ColumnInt(3)), raw: f.raw[before:],
	})
}

// read takes in the aggregate's events up to a sequence.
func (f *folding) read(c *conn, upTo uint64) error {
	if err := c.each("SELECT "+storedColumns+" FROM trail WHERE kind=? AND id=? AND seq<=? ORDER BY seq",
		[]any{int(f.ref.Kind), f.ref.ID, upTo}, func(s *sqlite3.Stmt) error {
			f.add(s)
			return nil
		}); err != nil {
		return fmt.Errorf("read the trail of %s: %w", f.ref, err)
	}
	return nil
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
	f := folding{ref: ref}
	if err := f.read(c, upTo); err != nil {
		return nil, standing{ref: ref}, err
	}
	return decodeStored(d, ref, f.events)
}

// foldInto evolves a fresh state over events.
func foldInto(r register, events []domain.Event) any {
	s := r.empty()
	for _, e := range events {
		r.evolve(s, e)
	}
	return s
}
