package eventstore

import (
	"context"
)

// Raw hands the stored bytes of the events from, from+1 … to, as they stand in the
// stream now, to each, in order. It reads nothing into them: chains, transactions
// and acceptances are Follow's. Odd bytes are handed over like all others.
//
// Raw returns each's error as it is, ctx.Err(), ErrClosed, or a *GapError for the
// first sequence that is not there; one within the stream stops writes. Nothing
// beyond Acked is there.
func (s *Store) Raw(ctx context.Context, from, to uint64, each func(seq uint64, raw []byte) error) error {
	f := &follower{s: s, next: from}
	defer f.endBulk()
	end := min(to, s.Acked())
	for f.next <= end {
		msgs, err := f.fetch(ctx, end)
		if err == nil && len(msgs) == 0 { // the position says it is there, the leader that it is not
			err = &GapError{Sequence: f.next}
		}
		if err := f.bear(ctx, err); err != nil {
			return err
		}
		for _, m := range msgs {
			if err := each(m.Seq, m.Data); err != nil {
				return err
			}
			f.next = m.Seq + 1
		}
	}
	if f.next <= to {
		return &GapError{Sequence: f.next}
	}
	return nil
}

// Await returns the durable position once it is beyond seq.
func (s *Store) Await(ctx context.Context, seq uint64) (uint64, error) {
	return s.awaitBeyond(ctx, seq)
}
