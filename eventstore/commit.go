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

// A committer is the one goroutine that writes: gather, stamp, encode, publish,
// wait for the disk. Its fields are its own. Because every publish also names
// the stream's last sequence, recordedtime can't run backwards even where several
// nodes write, and an append whose answer was lost can't be stored any more once
// another event is.
type committer struct {
	s        *Store
	last     uint64    // sequence of the stream's last event
	beyond   bool      // the stream ended beyond what was acknowledged: lost answers, or somebody else
	recorded time.Time // its recordedtime
	opened   bool      // ledger.opened was acknowledged in this session
	broken   error     // why the store has to be reopened
	pause    time.Duration

	held   []*request    // came too early for a group that is gone; they lead the next
	active int           // writers there seem to be: those of the last group and those who waited behind it
	took   time.Duration // of the last group's commit
}

// start reads where the stream stands and appends ledger.opened.
func (c *committer) start(ctx context.Context) error {
	err := c.resume(ctx)
	for errors.Is(err, errLeaderBehind) && ctx.Err() == nil { // until it is known what became of the events
		err = c.resume(ctx)
	}
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
	return errors.Is(err, ErrDrift) || errors.Is(err, ErrGap) || errors.Is(err, ErrMismatch) || errors.Is(err, ErrUndecodable) || errors.Is(err, ErrClockBehind)
}

func (c *committer) run() {
	retry := time.NewTimer(time.Hour)
	defer retry.Stop()
	now := make(chan struct{})
	close(now)
	for {
		var waiting <-chan struct{}
		if len(c.held) > 0 {
			waiting = now
		}
		working := c.broken == nil
		select {
		case <-c.s.ctx.Done():
			c.reject()
			return
		case <-waiting:
			r := c.held[0]
			c.held = c.held[1:]
			c.serve(r)
		case r := <-c.s.queue:
			c.serve(r)
		case err := <-c.s.fault:
			if c.broken == nil {
				c.s.cfg.Logger.Warn("the server does not answer, reopening the store", "error", err)
				c.breakDown(err)
				retry.Reset(0)
			}
			continue
		case <-retry.C:
			if c.broken == nil {
				continue
			}
			if err := c.mend(); err != nil {
				c.backOff()
				retry.Reset(c.pause)
			}
			continue
		}
		if working && c.broken != nil {
			retry.Reset(c.pause)
		}
	}
}

// reject answers whoever still waits when the store closes.
func (c *committer) reject() {
	for _, r := range c.held {
		c.refuse(r, ErrClosed)
	}
	for {
		select {
		case r := <-c.s.queue:
			c.refuse(r, ErrClosed)
		default:
			return
		}
	}
}

// refuse answers a request that is in no group.
func (c *committer) refuse(r *request, err error) {
	if r.claim() {
		r.answer(Receipt{}, err)
	}
}

// serve commits the group that a request leads.
func (c *committer) serve(lead *request) {
	if err := c.ready(lead.acceptance); err != nil {
		c.refuse(lead, err)
		return
	}
	g := c.gather(lead)
	began := time.Now()
	if unknown, cause := c.commit(context.Background(), g.requests); len(unknown) > 0 {
		c.settle(unknown, cause)
	}
	c.took = time.Since(began)
	if c.active = 0; len(g.requests) > 1 {
		c.active = len(g.requests) + len(c.held) + len(c.s.queue)
	}
}

// ready returns why nothing can be written now.
func (c *committer) ready(acceptance bool) error {
	if c.broken != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, c.broken)
	}
	if err := c.s.refusal(acceptance); err != nil {
		return err
	}
	// A ledger that could not be written when it was opened says ledger.opened
	// before its first event, unless that event is what lets work go on.
	if c.opened || acceptance {
		return nil
	}
	err := c.open(context.Background())
	if err != nil && !refusesWrites(err) {
		c.breakDown(err)
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return err
}

// movedLimit bounds how often one group is tried again because other nodes moved
// the stream under it.
const movedLimit = 50

// refusedLimit bounds how often a batch that was refused as a whole is tried
// again before something is taken to be wrong with the server.
const refusedLimit = 3

// commit records requests that were found current, in one publish if the server
// lets it, and answers each. Those without a definite answer are returned with
// the reason: the server said nothing from which it could be known whether their
// events are stored.
func (c *committer) commit(ctx context.Context, rs []*request) (unknown []*request, cause error) {
	var moved error
	refused, rejected := 0, 0
	for range movedLimit {
		b, err := c.form(rs)
		if err != nil {
			answerAll(rs, err)
			return nil, nil
		}
		if rs = b.requests; len(rs) == 0 {
			return nil, nil
		}
		last, err := c.s.intercept(func() (uint64, error) { return c.publish(ctx, b.msgs) })
		switch code := errorCode(err); {
		case err == nil && last == b.last:
			c.acknowledge(b)
			return nil, nil
		case err == nil:
			// The server checked that the last sequence was ours, so this can't be.
			return rs, fmt.Errorf("acknowledged as %d instead of %d", last, b.last)
		case code == codeWrongSequence, code == codeWriteInFlight:
			moved = err
			if rs, err = c.reconcile(ctx, rs); err != nil {
				answerAll(rs, err)
				return nil, nil
			}
			if rejected++; rejected >= aloneAfter && len(rs) > 1 {
				return c.commitAlone(ctx, rs)
			}
		case (code == codeBatchIncomplete || code == codeTooManyBatches) && c.s.cfg.URL != "" && refused < refusedLimit:
			// Nothing was stored: the leader changed, or other nodes have many
			// batches open.
			refused++
			moved = err
		case code == codeBatchIncomplete && c.s.unstage():
			// Nothing was stored: the batch could not be staged.
			c.s.cfg.Logger.Warn("no room to stage batches in memory, staging them on disk", "error", err)
		default:
			return rs, err
		}
	}
	answerAll(rs, fmt.Errorf("%w: 其他节点持续写入 / other nodes keep writing: %w", ErrUnavailable, moved))
	return nil, nil
}

// answerAll answers requests of which nothing was recorded.
func answerAll(rs []*request, err error) {
	for _, r := range rs {
		r.answer(Receipt{}, err)
	}
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

// A batch is what one publish sends: the events of its requests, side by side.
type batch struct {
	requests []*request
	records  [][]Record // of each request
	heads    [][]Head   // after each of them
	msgs     []*nats.Msg
	last     uint64 // sequence of the last event
	recorded time.Time
}

// form stamps and encodes requests as the messages that follow c.last. A request
// that can't be encoded is answered and left out.
func (c *committer) form(rs []*request) (batch, error) {
	now := c.s.cfg.Clock().UTC().Truncate(time.Millisecond)
	if err := clockBehind(c.recorded, now); err != nil {
		return batch{}, err
	}
	if now.Before(c.recorded) {
		now = c.recorded
	}
	b := batch{last: c.last, recorded: now}
	for _, r := range rs {
		records, heads, msgs, err := c.encode(r, b.last, now)
		if err != nil {
			r.answer(Receipt{}, err)
			continue
		}
		b.requests, b.records, b.heads, b.msgs = append(b.requests, r), append(b.records, records), append(b.heads, heads), append(b.msgs, msgs...)
		b.last += uint64(len(records))
	}
	if len(b.msgs) > 0 {
		b.msgs[0].Header.Set(jetstream.ExpectedLastSeqHeader, strconv.FormatUint(c.last, 10))
	}
	return b, nil
}

// encode makes the messages of a request that follow the event at last, and says
// where each leaves its aggregate.
func (c *committer) encode(r *request, last uint64, now time.Time) ([]Record, []Head, []*nats.Msg, error) {
	records, heads := make([]Record, 0, r.count), make([]Head, 0, r.count)
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
				return nil, nil, nil, err
			}
			rec.Raw = raw
			msg := nats.NewMsg(w.subject)
			msg.Data = raw
			if i == 0 {
				msg.Header.Set(jetstream.ExpectedLastSubjSeqHeader, strconv.FormatUint(w.head.Seq, 10))
			}
			rec.Seq = last + uint64(len(records)) + 1
			head = rec.end()
			records, heads, msgs = append(records, rec), append(heads, head), append(msgs, msg)
		}
	}
	return records, heads, msgs, nil
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

// acknowledge tells everyone that a batch is on disk.
func (c *committer) acknowledge(b batch) {
	c.last, c.recorded = b.last, b.recorded
	if c.beyond {
		// This moves the position over what no Load saw before. Whatever one remembered
		// meanwhile is from before it.
		c.s.advance(b.last, b.recorded)
		c.s.forget()
		c.beyond = false
	}
	for i, records := range b.records {
		c.s.learn(records, b.heads[i])
	}
	c.s.advance(b.last, b.recorded)
	c.s.tally.count(b)
	for i, r := range b.requests {
		r.answer(Receipt{Records: b.records[i]}, nil)
	}
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

// learn remembers where aggregates end after records, and that a transaction is whole.
func (s *Store) learn(records []Record, heads []Head) {
	for i, r := range records {
		s.heads.put(r.Subject, heads[i])
		if s.cfg.URL == "" {
			s.recent.add(r)
		}
	}
	if r := records[0]; r.TxCount > 0 {
		s.whole.put(txKey{r.TxID, r.Seq}, r.TxCount)
	}
}

// forget forgets where aggregates end and what they hold.
func (s *Store) forget() {
	s.heads.clear()
	s.recent.forget()
}

// reconcile finds out why the server refused the expectations of a publish, which
// it doesn't say: requests whose aggregates moved get their conflict; the others,
// under which only the stream moved, are returned.
func (c *committer) reconcile(ctx context.Context, rs []*request) ([]*request, error) {
	acceptance := len(rs) == 1 && rs[0].acceptance
	if err := c.refresh(ctx, acceptance); err != nil {
		return rs, err
	}
	var current []*request
	for _, r := range rs {
		err := c.reread(ctx, r)
		if err == nil {
			err = c.checkUnmoved(ctx, r)
		}
		if err != nil {
			r.answer(Receipt{}, err)
			continue
		}
		current = append(current, r)
	}
	return current, nil
}

// reread compares the aggregates of a request with the stream itself.
func (c *committer) reread(ctx context.Context, r *request) error {
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
	return nil
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
	info, err := c.s.standing(ctx, sess.write, streamName, acked)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if c.s.cfg.URL == "" && info.State.LastSeq != acked {
		c.beyond = true
		c.s.forget()
	}
	c.last, c.recorded = info.State.LastSeq, time.Time{}
	c.s.judge(info, acked)
	if err := c.s.compareHeads(ctx, sess, info.State.LastSeq); err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
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
