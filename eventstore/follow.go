package eventstore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"duban/domain"
)

// followHeads is how many aggregates a follower remembers the chain's end of;
// others are looked up again when they move. About 20 MB at most.
const followHeads = 1 << 16

// Follow hands every record after the given sequence to handle, in order, without
// gap or repetition, and goes on with new ones as they become durable. handle
// gets whole transactions only, several at a time while catching up; records of
// void transactions come flagged Voided, and odd ones an operator accepted with
// Undecodable set. It is called from one goroutine at a time.
//
// Follow returns handle's error as it is, ctx.Err() when ctx ends, ErrClosed, or
// why the stream can't be followed any further: a *GapError, or an *EventError
// for an event that can't be read or breaks its aggregate's chain. The latter two
// also stop writes. After an acceptance the caller follows again.
//
// Reopening the embedded server and reconnecting to an external one happen behind
// Follow's back.
func (s *Store) Follow(ctx context.Context, after uint64, handle func([]Record) error) error {
	outer := ctx
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()

	// Reading and decoding run ahead of handle by two batches.
	batches := make(chan []Record, 2)
	var ended error // the reader's; written before batches is closed
	go func() {
		defer close(batches)
		f := &follower{s: s, after: after, next: after + 1, heads: newCache[domain.Ref, Head](followHeads), fromStart: after == 0}
		ended = f.run(ctx, batches)
	}()
	for batch := range batches {
		if err := handle(batch); err != nil {
			cancel()
			for range batches { // lets the reader end
			}
			return err
		}
	}
	if outer.Err() != nil {
		return outer.Err()
	}
	return ended
}

// A follower reads the stream in order. Its position is next; the chain's ends
// and the transaction in hand belong to it.
type follower struct {
	s         *Store
	after     uint64 // records up to here are not delivered
	next      uint64 // sequence to read next
	fromStart bool   // everything before next went through heads
	heads     *cache[domain.Ref, Head]
	asm       Assembler
	convoy    *rider      // while far behind, beside others; nil: not yet
	bulk      *bulkReader // while far behind, alone
}

// retryPause is between two attempts of a reader whose server does not answer.
const retryPause = 50 * time.Millisecond

func (f *follower) run(ctx context.Context, batches chan<- []Record) error {
	if err := f.checkStart(ctx); err != nil {
		return err
	}
	defer f.endBulk()
	for {
		limit, err := f.s.awaitBeyond(ctx, f.next-1)
		if err != nil {
			return err
		}
		batch, err := f.read(ctx, limit)
		if len(batch) > 0 { // also what was read before an error
			select {
			case batches <- batch:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		if err := f.bear(ctx, err); err != nil {
			return err
		}
	}
}

// bear decides what an error of a read means: nil, after a pause, where the read is
// to be tried again, and otherwise the error that ends the following.
func (f *follower) bear(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, ErrGap), errors.Is(err, ErrUndecodable), errors.Is(err, ErrClosed):
		return f.s.stop(err)
	}
	f.s.cfg.Logger.Debug("follow: read again", "from", f.next, "error", err)
	return f.s.pause(ctx, retryPause)
}

// checkStart refuses to follow a ledger that ends before what the reader has
// seen already.
func (f *follower) checkStart(ctx context.Context) error {
	if f.after <= f.s.Acked() {
		return nil
	}
	var last uint64
	err := f.s.withSession(ctx, func(sess *session) error {
		info, err := f.s.standing(ctx, sess.read, streamName, f.after)
		if err == nil {
			last = info.State.LastSeq
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("follow: %w", err)
	}
	if f.after > last {
		return f.s.stop(&GapError{Sequence: last + 1})
	}
	return nil
}

// awaitBeyond waits until the durable position is beyond seq and returns it.
func (s *Store) awaitBeyond(ctx context.Context, seq uint64) (uint64, error) {
	for {
		s.mu.Lock()
		acked, changed := s.acked, s.changed
		s.mu.Unlock()
		if acked > seq {
			return acked, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-s.ctx.Done():
			return 0, ErrClosed
		}
	}
}

// read reads a batch and returns the records whose fate is known. What it
// returns together with an error was read before the error.
func (f *follower) read(ctx context.Context, limit uint64) (out []Record, err error) {
	msgs, err := f.fetch(ctx, limit)
	if err == nil && len(msgs) == 0 { // the position says it is there, the leader that it is not
		var lost bool
		if lost, err = f.s.awaitLeader(ctx, f.next); err == nil {
			msgs, err = f.fetch(ctx, limit)
		}
		switch {
		case err != nil || len(msgs) > 0:
		case lost:
			return nil, &GapError{Sequence: f.next}
		default: // another leader since
			return nil, fmt.Errorf("read from %d: %w", f.next, errLeaderBehind)
		}
	}
	if err != nil {
		return nil, err
	}
	if f.next == f.after+1 {
		if back, ok := f.startOfTransaction(msgs[0]); ok {
			f.next = back
			return nil, nil
		}
	}
	out = make([]Record, 0, f.asm.Pending()+len(msgs))
	for _, m := range msgs {
		rec, err := f.take(ctx, m)
		if err != nil {
			return out, err
		}
		f.next = m.Seq + 1
		out = f.asm.addTo(out, rec)
		if len(out) > 0 && out[0].Seq <= f.after { // from before, to see a transaction whole
			out = slices.DeleteFunc(out, func(r Record) bool { return r.Seq <= f.after })
		}
	}
	return out, nil
}

// farBehind is from how many events on a consumer is worth its setting up: it
// delivers several times as many events a second as requests do.
const farBehind = 4 * batchMessages

// fetch returns the messages from f.next on, at most up to limit. The consumer
// that is used far behind, with others if there are any, is a mere accelerator: as
// soon as it does not yield exactly the next sequence it is dropped, and readOn
// decides what that means.
func (f *follower) fetch(ctx context.Context, limit uint64) (msgs []message, err error) {
	err = f.s.withSession(ctx, func(sess *session) error {
		n := int(min(batchMessages, limit-f.next+1))
		far := limit-f.next >= farBehind
		if f.convoy == nil && far {
			f.convoy = &rider{}
		}
		if f.convoy != nil {
			msgs = f.s.convoy.read(ctx, f.convoy, f.next, n)
			if n < batchMessages {
				f.endBulk()
			}
			if len(msgs) > 0 {
				return nil
			}
		}
		if f.bulk == nil && far {
			f.bulk = f.s.newBulkReader(ctx, sess, f.next)
		}
		if f.bulk != nil {
			if msgs = f.bulk.read(ctx, f.next, n); len(msgs) < n || n < batchMessages {
				f.endBulk()
			}
			if len(msgs) > 0 {
				return nil
			}
		}
		var err error
		msgs, err = f.s.readOn(ctx, sess, f.next, n)
		return err
	})
	return msgs, err
}

func (f *follower) endBulk() {
	if f.convoy != nil {
		f.s.convoy.leave(f.convoy)
	}
	if f.bulk != nil {
		f.bulk.close()
		f.bulk = nil
	}
}

// A bulkReader reads the stream in order through a consumer of its own.
type bulkReader struct {
	s    *Store
	sess *session
	name string
	it   jetstream.MessagesContext
}

// openConvoy opens what a convoy reads with.
func (s *Store) openConvoy(ctx context.Context, from uint64) (front vanguard) {
	_ = s.withSession(ctx, func(sess *session) error {
		if b := s.newBulkReader(ctx, sess, from); b != nil {
			front = b
		}
		return nil
	})
	return front
}

// newBulkReader returns nil if the server has no consumer for us.
func (s *Store) newBulkReader(ctx context.Context, sess *session, from uint64) *bulkReader {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.ReadTimeout)
	defer cancel()
	cons, err := sess.readJS.CreateConsumer(ctx, streamName, jetstream.ConsumerConfig{
		Description:       "duban follow",
		DeliverPolicy:     jetstream.DeliverByStartSequencePolicy,
		OptStartSeq:       from,
		AckPolicy:         jetstream.AckNonePolicy,
		MemoryStorage:     true,
		Replicas:          1,
		InactiveThreshold: time.Minute,
	})
	if err != nil {
		s.cfg.Logger.Debug("follow: no consumer, reading in batches", "error", err)
		return nil
	}
	it, err := cons.Messages(jetstream.PullMaxMessages(2 * batchMessages))
	if err != nil {
		s.cfg.Logger.Debug("follow: no consumer, reading in batches", "error", err)
		return nil
	}
	return &bulkReader{s: s, sess: sess, name: cons.CachedInfo().Name, it: it}
}

// read returns up to n messages that follow each other without a gap; fewer if
// the next one does not come or is not the next.
func (b *bulkReader) read(ctx context.Context, from uint64, n int) []message {
	ctx, cancel := context.WithTimeout(ctx, b.s.cfg.ReadTimeout)
	defer cancel()
	defer context.AfterFunc(b.sess.ended, cancel)()
	msgs := make([]message, 0, n)
	for len(msgs) < n {
		m, err := b.it.Next(jetstream.NextContext(ctx))
		if err != nil {
			return msgs
		}
		meta, err := m.Metadata()
		if err != nil || meta.Sequence.Stream != from+uint64(len(msgs)) {
			return msgs
		}
		msgs = append(msgs, message{m.Subject(), meta.Sequence.Stream, m.Data()})
	}
	return msgs
}

func (b *bulkReader) usable() bool { return !b.sess.replaced() }

func (b *bulkReader) close() {
	b.it.Stop()
	if b.sess.replaced() {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	// If this fails the server forgets the consumer a minute later.
	_ = b.sess.readJS.DeleteConsumer(ctx, streamName, b.name)
}

// startOfTransaction: the caller's position lies within a transaction. Whether
// that one is whole shows only from its beginning.
func (f *follower) startOfTransaction(m message) (uint64, bool) {
	r, odd := f.s.decode(m)
	if odd != nil || r.TxIndex < 2 || uint64(r.TxIndex) > r.Seq {
		return 0, false
	}
	return r.Seq - uint64(r.TxIndex) + 1, true
}

// take decodes a message and checks that it continues its aggregate's chain.
func (f *follower) take(ctx context.Context, m message) (Record, error) {
	r, odd := f.s.decode(m)
	// A key that is kept would keep all of the event's attributes.
	ref := domain.Ref{Kind: r.Subject.Kind, ID: strings.Clone(r.Subject.ID)}
	head, ok := f.heads.get(ref)
	if !ok && !(f.fromStart && f.heads.complete()) {
		var err error
		if head, err = f.s.headBefore(ctx, m.Subject, m.Seq); err != nil {
			return r, err
		}
	}
	if !ok && f.s.cfg.URL != "" && odd == nil && r.Previous != head.Hash {
		// The replica that was asked may lack the event before; the leader
		// does not, or not for long.
		_, err := f.s.awaitLeader(ctx, m.Seq)
		if err != nil {
			return r, err
		}
		if head, err = f.s.walkTo(ctx, m.Subject, m.Seq); err != nil {
			return r, err
		}
	}
	head, err := f.s.link(ctx, head, &r, odd)
	if err != nil {
		return r, err
	}
	f.heads.put(ref, head)
	return r, nil
}
