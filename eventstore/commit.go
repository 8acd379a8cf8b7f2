package eventstore

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"

	"duban/domain/calendar"
)

// A committer is the one goroutine that writes: stamp, encode, publish, wait for
// the disk. Its fields are its own. Because every append also names the
// stream's last sequence, recordedtime can't run backwards even where several
// nodes write, and an append whose answer was lost can't be stored any more once
// another event is.
//
// Group commit would take several requests from the queue at once and form one
// batch of them; everything below form works on a list of messages already.
type committer struct {
	s        *Store
	last     uint64    // sequence of the stream's last event
	recorded time.Time // its recordedtime
	opened   bool      // ledger.opened was acknowledged in this session
	broken   error     // why the store has to be reopened
	pause    time.Duration
}

// start reads where the stream stands and appends ledger.opened.
func (c *committer) start(ctx context.Context) error {
	err := c.resume(ctx)
	if err == nil || c.s.ctx.Err() != nil {
		return err
	}
	if refusesWrites(err) {
		return nil // readable; Health says why it can't be written
	}
	return err
}

// refusesWrites reports whether err is about the ledger's state, not the server's:
// such a ledger can be read, and reopening would not mend it.
func refusesWrites(err error) bool {
	return errors.Is(err, ErrDrift) || errors.Is(err, ErrGap) || errors.Is(err, ErrUndecodable) || errors.Is(err, ErrClockBehind)
}

func (c *committer) run() {
	retry := time.NewTimer(time.Hour)
	defer retry.Stop()
	for {
		select {
		case <-c.s.ctx.Done():
			c.reject()
			return
		case r := <-c.s.queue:
			working := c.broken == nil
			if r.claim() {
				receipt, err := c.append(r)
				r.done <- outcome{receipt, err}
			}
			if working && c.broken != nil {
				retry.Reset(c.pause)
			}
		case err := <-c.s.fault:
			if c.broken == nil {
				c.s.cfg.Logger.Warn("the server does not answer, reopening the store", "error", err)
				c.breakDown(err)
				retry.Reset(0)
			}
		case <-retry.C:
			if c.broken == nil {
				continue
			}
			if err := c.mend(); err != nil {
				c.backOff()
				retry.Reset(c.pause)
			}
		}
	}
}

// reject answers whoever is still in the queue when the store closes.
func (c *committer) reject() {
	for {
		select {
		case r := <-c.s.queue:
			if r.claim() {
				r.done <- outcome{err: ErrClosed}
			}
		default:
			return
		}
	}
}

func (c *committer) append(r *request) (Receipt, error) {
	if c.broken != nil {
		return Receipt{}, fmt.Errorf("%w: %w", ErrUnavailable, c.broken)
	}
	if err := c.s.refusal(r.acceptance); err != nil {
		return Receipt{}, err
	}
	// A ledger that could not be written when it was opened says ledger.opened
	// before its first event, unless that event is what lets work go on.
	if !c.opened && !r.acceptance {
		if err := c.open(context.Background()); err != nil {
			if !refusesWrites(err) {
				c.breakDown(err)
				err = fmt.Errorf("%w: %w", ErrUnavailable, err)
			}
			return Receipt{}, err
		}
	}
	receipt, err := c.commit(context.Background(), r)
	var unknown *unknownOutcome
	if errors.As(err, &unknown) {
		return c.settle(r, unknown.cause)
	}
	return receipt, err
}

// unknownOutcome: the server gave no answer that says whether the events are
// stored.
type unknownOutcome struct{ cause error }

func (e *unknownOutcome) Error() string { return "no definite answer: " + e.cause.Error() }
func (e *unknownOutcome) Unwrap() error { return e.cause }

// movedLimit bounds how often one append is tried again because other nodes
// moved the stream under it.
const movedLimit = 50

// refusedLimit bounds how often a batch that was refused as a whole is tried
// again before something is taken to be wrong with the server.
const refusedLimit = 3

func (c *committer) commit(ctx context.Context, r *request) (Receipt, error) {
	if err := c.checkHeads(ctx, r); err != nil {
		return Receipt{}, err
	}
	var moved error
	refused := 0
	for range movedLimit {
		if err := c.checkUnmoved(ctx, r); err != nil {
			return Receipt{}, err
		}
		records, msgs, err := c.form(r)
		if err != nil {
			return Receipt{}, err
		}
		last, err := c.s.intercept(func() (uint64, error) { return c.publish(ctx, msgs) })
		switch code := errorCode(err); {
		case err == nil:
			return c.acknowledge(records, last)
		case code == codeWrongSequence, code == codeWriteInFlight:
			if err := c.reconcile(ctx, r); err != nil {
				return Receipt{}, err
			}
			moved = err
		case (code == codeBatchIncomplete || code == codeTooManyBatches) && c.s.cfg.URL != "" && refused < refusedLimit:
			// Nothing was stored: the leader changed, or other nodes have many
			// batches open. Embedded the first of them means that the batch could
			// not be staged on disk.
			refused++
			moved = err
		default:
			return Receipt{}, &unknownOutcome{err}
		}
	}
	return Receipt{}, fmt.Errorf("%w: 其他节点持续写入 / other nodes keep writing: %w", ErrUnavailable, moved)
}

// checkHeads refuses an append whose aggregates have moved, or whose heads are
// not what the stream says: a wrong version or hash would break the chain for
// ever.
func (c *committer) checkHeads(ctx context.Context, r *request) error {
	for _, w := range r.writes {
		h, ok := c.s.heads.get(w.ref)
		if !ok || h.Seq < w.head.Seq {
			if w.head.Seq == 0 {
				continue // the server checks that there is none
			}
			var err error
			if h, err = c.s.readHead(ctx, w.ref, w.subject); err != nil {
				return err
			}
		}
		if h.Seq != w.head.Seq {
			return &ConflictError{Subject: w.ref, Expected: w.head.Seq, Actual: h.Seq}
		}
		if h != w.head {
			return fmt.Errorf("%w: %s ends in %+v, not in %+v", ErrInvalidAppend, w.ref, h, w.head)
		}
	}
	return nil
}

// checkUnmoved refuses an append that rests on what has changed since. The
// batch names the stream's last sequence, so nothing slips in behind this look.
func (c *committer) checkUnmoved(ctx context.Context, r *request) error {
	if r.last != 0 && r.last != c.last {
		return &ConflictError{Subject: c.s.ledgerRef(), Expected: r.last, Actual: c.last}
	}
	for _, e := range r.expect {
		h, ok := c.s.heads.get(e.Subject)
		if !ok || c.s.cfg.URL != "" { // other nodes' writes are not remembered here
			subject, err := c.s.subject(e.Subject)
			if err != nil {
				return err
			}
			if h, err = c.s.readHead(ctx, e.Subject, subject); err != nil {
				return err
			}
		}
		if h.Seq != e.Head.Seq {
			return &ConflictError{Subject: e.Subject, Expected: e.Head.Seq, Actual: h.Seq}
		}
	}
	return nil
}

// form stamps and encodes the request as the messages that follow c.last.
func (c *committer) form(r *request) ([]Record, []*nats.Msg, error) {
	now := c.s.cfg.Clock().UTC().Truncate(time.Millisecond)
	if err := clockBehind(c.recorded, now); err != nil {
		return nil, nil, err
	}
	if now.Before(c.recorded) {
		now = c.recorded
	}
	records := make([]Record, 0, r.count)
	msgs := make([]*nats.Msg, 0, r.count)
	for _, w := range r.writes {
		head := w.head
		for i, e := range w.events {
			rec := Record{Event: e, Source: c.s.codec.source, CorrelationID: r.corr, CausationID: r.caus, Previous: head.Hash}
			rec.ID, rec.Subject, rec.Version = r.ids.event(len(records)), w.ref, head.Version+1
			rec.Time = e.Time.In(calendar.Zone).Truncate(time.Millisecond)
			rec.RecordedTime, rec.CommandID, rec.CommandDigest = now, r.command.ID, r.command.Digest
			if r.count > 1 {
				rec.TxID, rec.TxIndex, rec.TxCount = r.ids.transaction(), len(records)+1, r.count
			}
			raw, err := c.s.codec.envelope(rec, w.data[i])
			if err != nil {
				return nil, nil, err
			}
			rec.Raw = raw
			msg := nats.NewMsg(w.subject)
			msg.Data = raw
			if i == 0 {
				msg.Header.Set(jetstream.ExpectedLastSubjSeqHeader, strconv.FormatUint(w.head.Seq, 10))
			}
			if len(records) == 0 {
				msg.Header.Set(jetstream.ExpectedLastSeqHeader, strconv.FormatUint(c.last, 10))
			}
			rec.Seq = c.last + uint64(len(records)) + 1
			head = Head{Seq: rec.Seq, Version: rec.Version, Hash: rec.Hash()}
			records, msgs = append(records, rec), append(msgs, msg)
		}
	}
	return records, msgs, nil
}

// publish sends one event by itself, several as one atomic batch, and returns the
// sequence of the last. No message carries an id for the duplicate window.
func (c *committer) publish(ctx context.Context, msgs []*nats.Msg) (uint64, error) {
	sess, err := c.s.session(ctx)
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, c.s.cfg.AckTimeout)
	defer cancel()
	if len(msgs) == 1 {
		ack, err := sess.writeJS.PublishMsg(ctx, msgs[0], jetstream.WithRetryAttempts(0))
		if err != nil {
			return 0, err
		}
		return ack.Sequence, nil
	}
	// Only the commit is answered: waiting for the first message would cost a
	// round trip and change nothing.
	ack, err := jetstreamext.PublishMsgBatch(ctx, sess.writeJS, msgs, jetstreamext.BatchFlowControl{})
	if err != nil {
		return 0, err
	}
	return ack.Sequence, nil
}

func (c *committer) acknowledge(records []Record, last uint64) (Receipt, error) {
	if want := records[len(records)-1].Seq; last != want {
		// The server checked that the last sequence was ours, so this can't be.
		return Receipt{}, &unknownOutcome{fmt.Errorf("acknowledged as %d instead of %d", last, want)}
	}
	c.last, c.recorded = last, records[len(records)-1].RecordedTime
	c.s.learn(records)
	c.s.advance(last, c.recorded)
	return Receipt{Records: records}, nil
}

// suspect tells the committer that a write outside the ledger stream got no
// answer: embedded, the same disk is behind it.
func (s *Store) suspect(err error) {
	if s.cfg.URL != "" || errorCode(err) != 0 {
		return
	}
	select {
	case s.fault <- err:
	default:
	}
}

// learn remembers where aggregates end and that a transaction is whole.
func (s *Store) learn(records []Record) {
	for _, r := range records {
		s.heads.put(r.Subject, Head{Seq: r.Seq, Version: r.Version, Hash: r.Hash()})
	}
	if r := records[0]; r.TxCount > 0 {
		s.whole.put(txKey{r.TxID, r.Seq}, r.TxCount)
	}
}

// reconcile finds out why the server refused the expectations: one of the
// aggregates moved, which is the caller's conflict, or only the stream did.
func (c *committer) reconcile(ctx context.Context, r *request) error {
	for _, w := range r.writes {
		c.s.heads.remove(w.ref)
		h, err := c.s.readHead(ctx, w.ref, w.subject)
		if err != nil {
			return err
		}
		if h.Seq != w.head.Seq {
			return &ConflictError{Subject: w.ref, Expected: w.head.Seq, Actual: h.Seq}
		}
	}
	return c.refresh(ctx, r.acceptance)
}

// refresh reads where the stream stands. It must not stand before what was
// acknowledged, nor end in an odd event, unless an acceptance is to be written:
// several odd events are accepted one after the other.
func (c *committer) refresh(ctx context.Context, acceptance bool) error {
	sess, err := c.s.session(ctx)
	if err != nil {
		return err
	}
	acked := c.s.Acked()
	info, err := c.s.info(ctx, sess.write)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	c.last, c.recorded = info.State.LastSeq, time.Time{}
	c.s.judge(info, acked)
	if err := c.s.refusal(true); err != nil {
		return err
	}
	// An odd event has no readable time; the one before it does.
	var stopped error
	for seq := c.last; seq > 0; seq-- {
		m, err := c.s.leaderGet(ctx, sess.write, msgRequest{Seq: seq})
		if err != nil {
			return fmt.Errorf("%w: %w", ErrUnavailable, err)
		}
		rec, odd := c.s.decode(m)
		if odd == nil {
			c.recorded = rec.RecordedTime
			break
		}
		if !c.s.isAccepted(ctx, seq, m.Data) {
			stopped = c.s.stop(odd)
		}
	}
	c.s.set(func() { c.s.recorded = c.recorded })
	if acceptance {
		return nil
	}
	return stopped
}

