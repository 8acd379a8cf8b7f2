package eventstore

import (
	"context"
	"fmt"
	"slices"
	"time"
)

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

// settle answers requests that were published without a definite answer: reopen,
// have ledger.opened on disk behind them, then look whether the events are there.
// With ledger.opened stored, the lost publish names a last sequence that has
// passed, so that it can't be stored after the look.
func (c *committer) settle(rs []*request, cause error) {
	c.s.cfg.Logger.Warn("append without a definite answer, reopening the store", "error", cause)
	c.breakDown(cause)
	if err := c.mendInTime(); err != nil {
		answerAll(rs, fmt.Errorf("%w: %w", ErrUnavailable, err))
		return
	}
	if !c.opened {
		answerAll(rs, fmt.Errorf("%w: %w", ErrUnavailable, cause))
		return
	}
	for _, r := range rs {
		switch records, err := c.findBack(context.Background(), r); {
		case err != nil:
			r.answer(Receipt{}, fmt.Errorf("%w: %w", ErrUnavailable, err))
		case records == nil:
			r.answer(Receipt{}, fmt.Errorf("%w（没有写入 / nothing was recorded: %w）", ErrUnavailable, cause))
		default:
			heads := make([]Head, len(records))
			for i, rec := range records {
				heads[i] = rec.end()
			}
			c.s.learn(records, heads)
			r.answer(Receipt{Records: records}, nil)
		}
	}
}

// mendInTime tries to get a working store again as long as an append may wait for
// it.
func (c *committer) mendInTime() error {
	deadline := time.Now().Add(c.s.cfg.RecoverTimeout)
	for {
		if err := c.mend(); err == nil {
			return nil
		}
		c.backOff()
		if time.Now().Add(c.pause).After(deadline) {
			return c.broken
		}
		select {
		case <-time.After(c.pause):
		case <-c.s.ctx.Done():
			return ErrClosed
		}
	}
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
	if err := ProbeDisk(s.cfg.Dir); err != nil {
		return fmt.Errorf("磁盘仍不可写 / the disk still can't be written: %w", err)
	}
	var old *session
	s.set(func() { old, s.sess = s.sess, nil })
	if old != nil {
		old.close()
	}
	s.forget()
	if err := dropIndex(s.cfg.Dir); err != nil {
		return err
	}
	sess, err := s.openSession()
	if err != nil {
		return err
	}
	s.stage()
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
