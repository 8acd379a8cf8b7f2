package eventstore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/oklog/ulid/v2"
	"github.com/synadia-io/orbit.go/jetstreamext"

	"duban/domain"
	"duban/domain/calendar"
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
	select {
	case s.queue <- r:
	case <-ctx.Done():
		return Receipt{}, fmt.Errorf("append: %w", ctx.Err())
	case <-s.ctx.Done():
		return Receipt{}, ErrClosed
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
	return errors.Is(err, ErrDrift) || errors.Is(err, ErrGap) || errors.Is(err, ErrMismatch) || errors.Is(err, ErrUndecodable) || errors.Is(err, ErrClockBehind)
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
	c.s.compareHeads(ctx, sess, info.State.LastSeq)
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

// resume brings the committer to a working state on the current session:
// compare, find the end, append ledger.opened. What it returns, if not one of
// refusesWrites, means the session is of no use.
func (c *committer) resume(ctx context.Context) error {
	c.opened = false
	if err := c.refresh(ctx, false); err != nil {
		if refusesWrites(err) {
			c.readable()
		}
		return err
	}
	if err := c.s.refusal(false); err != nil {
		c.readable()
		return err
	}
	err := c.open(ctx)
	if err != nil && refusesWrites(err) {
		c.readable()
	}
	return err
}

// readable shows what stands in the stream of a ledger that is opened for
// reading only. Nothing was appended in this process yet, so there is nothing
// unacknowledged of ours; later on only acknowledgements move the position.
func (c *committer) readable() {
	if c.s.Acked() == 0 {
		c.s.advance(c.last, c.recorded)
	}
}

// settle handles an append without a definite answer: reopen, have ledger.opened
// on disk behind it, then look whether the events are there. With ledger.opened
// stored, the lost append names a last sequence that has passed, so that it can't
// be stored after the look.
func (c *committer) settle(r *request, cause error) (Receipt, error) {
	c.s.cfg.Logger.Warn("append without a definite answer, reopening the store", "error", cause)
	c.breakDown(cause)
	deadline := time.Now().Add(c.s.cfg.RecoverTimeout)
	for {
		err := c.mend()
		if err == nil {
			break
		}
		c.backOff()
		if time.Now().Add(c.pause).After(deadline) {
			return Receipt{}, fmt.Errorf("%w: %w", ErrUnavailable, c.broken)
		}
		select {
		case <-time.After(c.pause):
		case <-c.s.ctx.Done():
			return Receipt{}, fmt.Errorf("%w: %w", ErrUnavailable, ErrClosed)
		}
	}
	if !c.opened {
		return Receipt{}, fmt.Errorf("%w: %w", ErrUnavailable, cause)
	}
	records, err := c.findBack(context.Background(), r)
	if err != nil {
		return Receipt{}, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if records == nil {
		return Receipt{}, fmt.Errorf("%w（没有写入 / nothing was recorded: %w）", ErrUnavailable, cause)
	}
	c.s.learn(records)
	return Receipt{Records: records}, nil
}

func (c *committer) breakDown(cause error) {
	c.broken, c.opened, c.pause = cause, false, c.s.cfg.RetryAfter
	c.s.set(func() { c.s.down = cause })
}

func (c *committer) backOff() { c.pause = min(2*c.pause, 20*c.s.cfg.RetryAfter) }

// mend makes one attempt to get a working store again.
func (c *committer) mend() error {
	ctx, cancel := context.WithTimeout(context.Background(), c.s.cfg.ReadTimeout+serverStart)
	defer cancel()
	err := c.s.reopen()
	if err == nil {
		err = c.resume(ctx)
	}
	if err != nil && !refusesWrites(err) {
		c.broken = err
		c.s.set(func() { c.s.down = err })
		return err
	}
	// Working, or readable and not to be written for a reason of its own.
	c.broken = nil
	c.s.set(func() { c.s.down = nil })
	return nil
}

// reopen replaces the session: embedded, the server is stopped and started,
// which is what cures JetStream after a failed sync. External, the connection
// mends itself and there is nothing to do.
func (s *Store) reopen() error {
	if s.cfg.URL != "" {
		return nil
	}
	if err := probeDisk(s.cfg.Dir); err != nil {
		return fmt.Errorf("磁盘仍不可写 / the disk still can't be written: %w", err)
	}
	var old *session
	s.set(func() { old, s.sess = s.sess, nil })
	if old != nil {
		old.close()
	}
	if err := dropIndex(s.cfg.Dir); err != nil {
		return err
	}
	sess, err := s.openSession()
	if err != nil {
		return err
	}
	s.set(func() { s.sess = sess })
	return nil
}

// findBack looks for the request's events behind the heads they were decided on.
// It returns nil if they are not there, or not all of them in one place.
func (c *committer) findBack(ctx context.Context, r *request) ([]Record, error) {
	var found []Record
	for _, w := range r.writes {
		msgs, err := c.s.leaderSubject(ctx, w.subject, w.head.Seq+1)
		if err != nil {
			return nil, err
		}
		for _, m := range msgs {
			if rec, odd := c.s.decode(m); odd == nil && rec.CommandID == r.command.ID {
				found = append(found, rec)
			}
		}
	}
	slices.SortFunc(found, func(a, b Record) int { return int(a.Seq) - int(b.Seq) })
	if len(found) != r.count {
		return nil, nil
	}
	for i, rec := range found {
		if rec.Seq != found[0].Seq+uint64(i) || (r.count > 1 && rec.TxIndex != i+1) {
			return nil, nil
		}
	}
	return found, nil
}
