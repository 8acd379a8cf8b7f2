package eventstore

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"duban/domain"
)

// Load returns an aggregate's whole history, with every write acknowledged to
// this store; the zero Head if there is none. The chain of versions and hashes
// is verified: a break, or an event that can't be read, is an *EventError, and
// writes stop.
func (s *Store) Load(ctx context.Context, ref domain.Ref) (Aggregate, error) {
	subject, err := s.subject(ref)
	if err != nil {
		return Aggregate{}, err
	}
	s.loading.Add(1)
	defer s.loading.Add(-1)
	agg := Aggregate{Ref: ref}
	since := 0
	err = s.withSession(ctx, func(sess *session) error {
		agg, since = Aggregate{Ref: ref}, s.heads.since()
		events, err := s.readSubject(ctx, sess, ref, subject)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrUnavailable, err)
		}
		return s.build(ctx, sess, &agg, events)
	})
	if err != nil {
		return Aggregate{}, fmt.Errorf("load %s: %w", ref, err)
	}
	if agg.Head.Seq > 0 || s.cfg.URL == "" {
		// An append may have been acknowledged since the events were read.
		s.heads.putUnless(ref, agg.Head, since, func(known Head) bool { return known.Seq > agg.Head.Seq })
	}
	return agg, nil
}

func (s *Store) build(ctx context.Context, sess *session, agg *Aggregate, events []decoded) error {
	for _, d := range events {
		r := d.Record
		head, err := s.link(ctx, agg.Head, &r, d.odd)
		if err != nil {
			return err
		}
		if r.TxCount > 0 && r.Undecodable == nil {
			v, err := s.judgeTransaction(ctx, sess, r)
			if err != nil {
				return err
			}
			if v == unfinished {
				return nil // the stream ends within it: held back
			}
			r.Voided = v == void
		}
		agg.Head, agg.Records = head, append(agg.Records, r)
	}
	return nil
}

// readSubject reads a subject's events, including every acknowledged one.
// Embedded there is one copy, and what lies beyond the acknowledged position is
// left out. External, a replica may be behind, so the leader says how far to
// read, and what the replica lacks is asked from the leader.
func (s *Store) readSubject(ctx context.Context, sess *session, ref domain.Ref, subject string) ([]decoded, error) {
	if s.cfg.URL != "" {
		return s.readRemote(ctx, sess, subject)
	}
	var kept []stored
	var known Head
	var ok bool
	if s.refusal(false) == nil { // of a stream that was tampered with nothing is known
		kept = s.recent.of(ref)
		known, ok = s.heads.get(ref)
	}
	limit := s.visible()
	var events []decoded
	var err error
	switch {
	case ok && known.Seq == 0: // most commands look at something that is not there
		return nil, nil
	case ok && len(kept) > 0 && known.Seq == kept[len(kept)-1].seq:
		events, err = s.decodeKept(subject, kept, nil)
	default:
		events, err = s.walkBack(ctx, sess, subject, kept, limit)
	}
	switch {
	case err == nil && len(events) > len(kept):
		s.recent.put(ref, events)
	case errors.Is(err, errNoTrace):
		events, _, err = s.scan(ctx, sess, subject, limit)
	}
	return events, err
}

func (s *Store) readRemote(ctx context.Context, sess *session, subject string) ([]decoded, error) {
	last, err := s.leaderGet(ctx, sess.read, msgRequest{LastBy: subject})
	if errors.Is(err, errNoMessage) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	events, next, err := s.scan(ctx, sess, subject, s.visible())
	for err == nil && next <= last.Seq {
		var m message
		if m, err = s.leaderGet(ctx, sess.read, msgRequest{Seq: next, NextBy: subject}); err == nil {
			r, odd := s.decode(m)
			events, next = append(events, decoded{r, odd}), m.Seq+1
		}
	}
	return events, err
}

// scan reads a subject in batches up to limit. next is the sequence after the
// last message read.
func (s *Store) scan(ctx context.Context, sess *session, subject string, limit uint64) (events []decoded, next uint64, err error) {
	next = 1
	for more := true; more && next <= limit; {
		var msgs []message
		if msgs, more, err = s.direct(ctx, sess, subject, next, batchMessages); err != nil {
			return nil, 0, err
		}
		for _, m := range msgs {
			if m.Seq <= limit {
				r, odd := s.decode(m)
				events = append(events, decoded{r, odd})
			}
			next = m.Seq + 1
		}
	}
	return events, next, nil
}

var errNoTrace = errors.New("the headers do not lead back")

// walkBack reads a subject from its last message to its first. The server finds
// the messages of one subject by scanning the stream between them, which takes
// longer the larger the ledger is; single messages it finds at once. Where an
// append begins on a subject, its header says which sequence the subject stood
// at, and the events of one append on one subject stand side by side.
//
// It stops where kept, the aggregate's first events, ends.
//
// The headers are not trusted: only a chain without a break is returned, anything
// else is errNoTrace and left to a scan.
func (s *Store) walkBack(ctx context.Context, sess *session, subject string, kept []stored, limit uint64) ([]decoded, error) {
	var events []decoded
	end := uint64(0) // of what is kept
	if len(kept) > 0 {
		end = kept[len(kept)-1].seq
	}
	for next, first := uint64(0), true; first || next > end; first = false {
		m, before, err := s.directOne(ctx, sess, subject, next)
		if first && errors.Is(err, errNoMessage) {
			return nil, nil
		}
		if errors.Is(err, errNoMessage) || err == nil && m.Subject != subject {
			return nil, errNoTrace
		}
		if err != nil {
			return nil, err
		}
		if m.Seq == end {
			break
		}
		if m.Seq <= limit {
			r, odd := s.decode(m)
			if odd != nil {
				return nil, errNoTrace
			}
			events = append(events, decoded{r, nil})
		}
		next = before
	}
	slices.Reverse(events)
	return s.decodeKept(subject, kept, events)
}

// decodeKept puts what is remembered before what was read. Only a chain without a
// break is returned, anything else is errNoTrace.
func (s *Store) decodeKept(subject string, kept []stored, read []decoded) ([]decoded, error) {
	events := make([]decoded, 0, len(kept)+len(read))
	for _, e := range kept {
		r, odd := s.decode(message{subject, e.seq, e.raw})
		if odd != nil {
			return nil, errNoTrace
		}
		events = append(events, decoded{r, nil})
	}
	events = append(events, read...)
	previous := ""
	for i, r := range events {
		if r.Version != uint64(i)+1 || r.Previous != previous {
			return nil, errNoTrace
		}
		previous = r.Hash()
	}
	return events, nil
}

// A txKey names one run of a transaction: its id and where it begins, because an
// id may stand in the stream twice, once void and once repeated whole.
type txKey struct {
	id    string
	first uint64
}

// verdicts on a transaction.
const (
	unfinished = iota
	whole
	void
)

// judgeTransaction applies the transaction rule to the run r would belong to, by
// reading its neighbours in the stream. A verdict never changes once the run has
// ended, so it is remembered.
func (s *Store) judgeTransaction(ctx context.Context, sess *session, r Record) (int, error) {
	if uint64(r.TxIndex) > r.Seq {
		return void, nil
	}
	key := txKey{r.TxID, r.Seq - uint64(r.TxIndex) + 1}
	if n, ok := s.whole.get(key); ok {
		if n == r.TxCount {
			return whole, nil
		}
		return void, nil
	}
	// One more than the transaction has, to see what follows an early end.
	limit := min(s.visible(), key.first+uint64(r.TxCount))
	var asm Assembler
	verdict := unfinished
	for next := key.first; next <= limit && verdict == unfinished; {
		msgs, err := s.readOn(ctx, sess, next, min(batchMessages, int(limit-next+1)))
		if err != nil {
			return 0, fmt.Errorf("%w: %w", ErrUnavailable, err)
		}
		if len(msgs) == 0 {
			break
		}
		for _, m := range msgs {
			rec, odd := s.decode(m)
			rec.Undecodable = odd
			for _, done := range asm.Add(rec) {
				if done.Seq == r.Seq {
					verdict = whole
					if done.Voided {
						verdict = void
					}
				}
			}
		}
		next = msgs[len(msgs)-1].Seq + 1
	}
	switch verdict {
	case whole:
		s.whole.put(key, r.TxCount)
	case void:
		s.whole.put(key, -1)
	}
	return verdict, nil
}

// readOn reads up to n messages from a sequence on without leaving any out: what
// a replica lacks is asked from the leader. Nothing is returned at the end of the
// stream. A sequence that is missing is a *GapError, and writes stop.
func (s *Store) readOn(ctx context.Context, sess *session, from uint64, n int) ([]message, error) {
	msgs, _, err := s.direct(ctx, sess, "", from, n)
	if err != nil {
		return nil, err
	}
	if len(msgs) == 0 || msgs[0].Seq > from {
		m, err := s.leaderGet(ctx, sess.read, msgRequest{Seq: from})
		switch {
		case err == nil:
			return []message{m}, nil
		case !errors.Is(err, errNoMessage):
			return nil, err
		case len(msgs) == 0:
			return nil, nil
		}
		return nil, &GapError{Sequence: from, Found: msgs[0].Seq}
	}
	for i, m := range msgs {
		if m.Seq != from+uint64(i) {
			return msgs[:i], nil // the next call looks at the gap
		}
	}
	return msgs, nil
}
