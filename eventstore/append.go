package eventstore

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/oklog/ulid/v2"

	"duban/domain"
)

// An Append is the events one command records, all or none.
type Append struct {
	Command       Command
	Key           ulid.ULID // the Idempotency-Key; ids of events are made of it
	CorrelationID string
	CausationID   string
	Writes        []Write // one for each aggregate

	// Expect names aggregates the decision looked at without writing to them: they
	// must not have moved either.
	Expect []Expectation
	// Last, unless 0, is the end of the ledger the decision knows whole: nothing at
	// all may have been recorded behind it.
	Last uint64
}

// An Expectation says where the decision found an aggregate; the zero Head says
// there was none.
type Expectation struct {
	Subject domain.Ref
	Head    Head
}

// A Write is the events of one aggregate. Head is where the decision found it;
// the zero Head says the aggregate must not exist yet. Time, Actor, Office,
// Authority and Data of the events are set; the store fills in the rest.
type Write struct {
	Subject domain.Ref
	Head    Head
	Events  []domain.Event
}

// Append records the events and returns when they are on disk.
//
// Appends that come at the same time share a sync (group commit, see group.go);
// each has its own outcome. ErrOverloaded says that too many wait already.
//
// An error that matches ErrConflict or any other than ErrUnavailable means that
// nothing was recorded. After ErrUnavailable it may be unknown whether it was;
// the same append, decided again with the same command, either finds the events
// or records them once. Who retries: the caller, after loading again; the store
// itself retries only where another node moved the stream but none of the
// aggregates.
//
// A context that ends while the append still waits for its turn takes it back;
// once its turn has come Append waits for the outcome, which AckTimeout and
// RecoverTimeout bound.
func (s *Store) Append(ctx context.Context, a Append) (Receipt, error) {
	r, err := s.prepare(a)
	if err != nil {
		return Receipt{}, err
	}
	return s.submit(ctx, r)
}

func (s *Store) submit(ctx context.Context, r *request) (Receipt, error) {
	if s.ctx.Err() != nil {
		return Receipt{}, ErrClosed
	}
	select {
	case s.queue <- r:
	default:
		return Receipt{}, ErrOverloaded
	}
	select {
	case out := <-r.done:
		return out.receipt, out.err
	case <-ctx.Done():
		if r.claim() {
			return Receipt{}, fmt.Errorf("append: %w", ctx.Err())
		}
	case <-s.ctx.Done():
		if r.claim() {
			return Receipt{}, ErrClosed
		}
	}
	out := <-r.done
	return out.receipt, out.err
}

// A request is an append on its way through the committer.
type request struct {
	command    Command
	ids        IDs
	corr, caus string
	writes     []preparedWrite
	expect     []Expectation
	last       uint64
	count      int  // events
	acceptance bool // ledger.accepted: allowed although an odd event stops the rest

	claimed atomic.Bool // by the committer, or by a caller who gave up
	done    chan outcome
}

type preparedWrite struct {
	ref     domain.Ref
	subject string
	head    Head
	events  []domain.Event
	data    [][]byte
}

type outcome struct {
	receipt Receipt
	err     error
}

func (r *request) claim() bool { return r.claimed.CompareAndSwap(false, true) }

// answer ends a claimed request. It is called once.
func (r *request) answer(receipt Receipt, err error) { r.done <- outcome{receipt, err} }

// prepare checks what can be checked without the ledger and encodes the
// payloads, so that the committer has little left to do.
func (s *Store) prepare(a Append) (*request, error) {
	r := &request{command: a.Command, ids: a.Command.IDs(a.Key), corr: a.CorrelationID, caus: a.CausationID, expect: a.Expect, last: a.Last, done: make(chan outcome, 1)}
	if a.Command.ID == "" || a.Command.Digest == "" || len(a.Writes) == 0 {
		return nil, fmt.Errorf("%w: 缺少命令编号、摘要或事件 / command id, digest or events are missing", ErrInvalidAppend)
	}
	seen := map[domain.Ref]bool{}
	for _, w := range a.Writes {
		if seen[w.Subject] {
			return nil, fmt.Errorf("%w: %s 出现两次 / is written twice", ErrInvalidAppend, w.Subject)
		}
		seen[w.Subject] = true
		p, err := s.prepareWrite(w)
		if err != nil {
			return nil, err
		}
		r.writes = append(r.writes, p)
		r.count += len(w.Events)
	}
	if r.count > MaxEvents {
		return nil, fmt.Errorf("%w (%d)", ErrTooManyEvents, r.count)
	}
	return r, nil
}

func (s *Store) prepareWrite(w Write) (preparedWrite, error) {
	subject, err := s.subject(w.Subject)
	if err != nil {
		return preparedWrite{}, err
	}
	h := w.Head
	if (h.Seq == 0) != (h.Version == 0) || (h.Seq == 0) != (h.Hash == "") || len(w.Events) == 0 {
		return preparedWrite{}, fmt.Errorf("%w: %s: %+v, %d events", ErrInvalidAppend, w.Subject, h, len(w.Events))
	}
	p := preparedWrite{ref: w.Subject, subject: subject, head: h, events: w.Events}
	for _, e := range w.Events {
		switch {
		case e.Data == nil, e.Time.IsZero(), e.Actor.IsZero(), e.Authority == 0:
			return preparedWrite{}, fmt.Errorf("%w: %s: an event lacks data, time, actor or authority", ErrInvalidAppend, w.Subject)
		case !e.Subject.IsZero() && e.Subject != w.Subject:
			return preparedWrite{}, fmt.Errorf("%w: an event of %s in a write to %s", ErrInvalidAppend, e.Subject, w.Subject)
		}
		data, err := encodeData(e.Data)
		if err != nil {
			return preparedWrite{}, fmt.Errorf("%w: %w", ErrInvalidAppend, err)
		}
		if len(data) > MaxEventBytes {
			return preparedWrite{}, &TooLargeError{Type: e.Data.EventType(), Size: len(data), Limit: MaxEventBytes}
		}
		p.data = append(p.data, data)
	}
	return p, nil
}
