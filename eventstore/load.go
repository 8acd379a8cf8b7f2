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
// writes stop. Whoever needs no stored bytes asks for the History.
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
	s.noteHead(ref, agg.Head, since)
	return agg, nil
}

// noteHead remembers where an aggregate was found to end. since is where its reader
// began.
func (s *Store) noteHead(ref domain.Ref, found Head, since int) {
	if found.Seq > 0 || s.cfg.URL == "" {
		// An append may have been acknowledged since the events were read.
		s.heads.putUnless(ref, found, since, func(known Head) bool { return known.Seq > found.Seq })
	}
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
	if known, ok := s.heads.get(ref); ok && known.Seq == 0 && s.refusal(false) == nil {
		return nil, nil // most commands look at something that is not there
	}
	return s.read(ctx, sess, subject, s.visible())
}

// read reads a subject of the embedded server up to limit.
func (s *Store) read(ctx context.Context, sess *session, subject string, limit uint64) ([]decoded, error) {
	events, err := s.walkBack(ctx, sess, subject, 0, limit)
	if err == nil {
		err = unbroken(Head{}, events)
	}
	if errors.Is(err, errNoTrace) {
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
// It stops at the event at end, 0 for none, which is not read.
//
// The headers are not trusted: unbroken has to look at what is returned. Where they
// lead nowhere it is errNoTrace and left to a scan.
func (s *Store) walkBack(ctx context.Context, sess *session, subject string, end, limit uint64) ([]decoded, error) {
	var events []decoded
	for next, first := uint64(0), true; first || next > end; first = false {
		m, before, err := s.directOne(ctx, sess, subject, next)
		if first && end == 0 && errors.Is(err, errNoMessage) {
			return nil, nil
		}
		if errors.Is(err, errNoMessage) || err == nil && (m.Subject != subject || m.Seq < end) {
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
	return events, nil
}

// unbroken returns errNoTrace unless the events continue the chain that ends in head.
func unbroken(head Head, events []decoded) error {
	version, previous := head.Version, head.Hash
	for _, r := range events {
		if version++; r.Version != version || r.Previous != previous {
			return errNoTrace
		}
		previous = r.Hash()
	}
	return nil
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
