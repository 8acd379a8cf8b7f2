package eventstore

import (
	"context"
	"errors"
	"fmt"

	"github.com/oklog/ulid/v2"

	"duban/domain"
	"duban/domain/calendar"
	"duban/domain/ledger"
)

// An Acceptance is an operator's decision that an odd event stays in the ledger
// without effect.
type Acceptance struct {
	Sequence uint64
	Reason   string
	By       domain.Caller
	Command  Command
	Key      ulid.ULID
}

// Accept records that an event that can't be read, or that breaks its aggregate's
// chain, stays where it is without effect: the one write allowed while such an
// event stops all others. The event in question is named by sequence and by the
// digest of its bytes, which has to be "odd" still: ErrNotOdd otherwise. Gaps and
// drift can't be accepted.
//
// The next event of that aggregate continues the chain over the odd bytes.
func (s *Store) Accept(ctx context.Context, a Acceptance) (Receipt, error) {
	m, err := s.oddEvent(ctx, a.Sequence)
	if err != nil {
		return Receipt{}, fmt.Errorf("accept %d: %w", a.Sequence, err)
	}
	accepted := &ledger.Accepted{Sequence: a.Sequence, SHA256: plainHash(m.Data), Reason: a.Reason}
	if err := accepted.Validate(); err != nil {
		return Receipt{}, err
	}
	// The ledger's own aggregate may hold the odd event. It then has to be taken
	// as accepted already, or there would be no head to write behind.
	undo := s.presume(a.Sequence, accepted.SHA256)
	receipt, err := s.appendAccepted(ctx, a, accepted)
	if err != nil {
		undo()
		return Receipt{}, fmt.Errorf("accept %d: %w", a.Sequence, err)
	}
	s.forgive(ctx, a.Sequence)
	return receipt, nil
}

func (s *Store) appendAccepted(ctx context.Context, a Acceptance, accepted *ledger.Accepted) (Receipt, error) {
	subject, err := s.subject(s.ledgerRef())
	if err != nil {
		return Receipt{}, err
	}
	s.heads.remove(s.ledgerRef())
	head, err := s.readHead(ctx, s.ledgerRef(), subject)
	if err != nil {
		return Receipt{}, err
	}
	r, err := s.prepare(Append{Command: a.Command, Key: a.Key, Writes: []Write{{
		Subject: s.ledgerRef(), Head: head, Events: []domain.Event{{
			Time: s.cfg.Clock().In(calendar.Zone), Actor: a.By.Person, Office: a.By.Office, Authority: a.By.Role, Data: accepted,
		}},
	}}})
	if err != nil {
		return Receipt{}, err
	}
	r.acceptance = true
	return s.submit(ctx, r)
}

// oddEvent returns the event an operator wants to accept if it is odd indeed.
func (s *Store) oddEvent(ctx context.Context, seq uint64) (message, error) {
	var m message
	err := s.withSession(ctx, func(sess *session) error {
		var err error
		m, err = s.leaderGet(ctx, sess.read, msgRequest{Seq: seq})
		return err
	})
	// A forged event was not acknowledged to this store: it may lie beyond what
	// is shown. The acceptance, once acknowledged, is synced behind it.
	if errors.Is(err, errNoMessage) {
		if seq > s.Acked() {
			return m, ErrNoEvent
		}
		return m, &GapError{Sequence: seq}
	}
	if err != nil {
		return m, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	fits, err := s.fits(ctx, m)
	if err == nil && fits {
		err = ErrNotOdd
	}
	return m, err
}

// fits reports whether a message can be read and continues its chain.
func (s *Store) fits(ctx context.Context, m message) (bool, error) {
	rec, odd := s.decode(m)
	head, err := s.headBefore(ctx, m.Subject, m.Seq)
	return odd == nil && rec.Version == head.Version+1 && rec.Previous == head.Hash, err
}

func (s *Store) presume(seq uint64, digest string) (undo func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.accepted[seq] = digest
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.accepted, seq)
	}
}

// forgive lets writes go on if the odd event at seq has been accepted.
func (s *Store) forgive(ctx context.Context, seq uint64) {
	var m message
	err := s.withSession(ctx, func(sess *session) error {
		var err error
		m, err = s.leaderGet(ctx, sess.read, msgRequest{Seq: seq})
		return err
	})
	if err != nil || !s.isAccepted(ctx, seq, m.Data) {
		return // writes stay refused; the next comparison looks again
	}
	s.set(func() {
		if s.odd != nil && s.odd.Sequence == seq {
			s.odd = nil
		}
	})
}

// isAccepted reports whether a ledger.accepted event names the event at seq and
// its bytes. Acceptances stand later in the stream than what they accept, so
// they are looked for in the ledger's own aggregate; there are few of them, and
// they are looked for only where an odd event was met.
func (s *Store) isAccepted(ctx context.Context, seq uint64, raw []byte) bool {
	digest := plainHash(raw)
	s.mu.Lock()
	known := s.accepted[seq] == digest
	s.mu.Unlock()
	if known {
		return true
	}
	subject, err := s.subject(s.ledgerRef())
	if err != nil {
		return false
	}
	var events []decoded
	err = s.withSession(ctx, func(sess *session) error {
		var err error
		events, err = s.readSubject(ctx, sess, s.ledgerRef(), subject)
		return err
	})
	if err != nil {
		s.cfg.Logger.Warn("can't look for acceptances", "error", err)
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range events {
		if a, ok := e.Data.(*ledger.Accepted); ok && e.odd == nil && a.Sequence < e.Seq {
			s.accepted[a.Sequence] = a.SHA256
		}
	}
	return s.accepted[seq] == digest
}
