package eventstore

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"duban/domain"
)

// A History is what a decision needs of an aggregate: the events that count, and
// where the chain ends that they are part of. The events and what they hold are
// shared with whoever else asks, so nobody changes them.
type History struct {
	Ref    domain.Ref
	Head   Head
	Events []domain.Event // in the order of the stream; nothing can be appended to them in place
}

// Find returns the events a command recorded, nil if it recorded none.
func (h History) Find(commandID string) []domain.Event {
	var found []domain.Event
	for _, e := range h.Events {
		if e.CommandID == commandID {
			found = append(found, e)
		}
	}
	return found
}

// History returns what Load would, without the stored bytes. Embedded, what was
// loaded or written lately is remembered (recent.go): read and verified once, it
// costs nothing more.
func (s *Store) History(ctx context.Context, ref domain.Ref) (History, error) {
	if s.cfg.URL != "" {
		agg, err := s.Load(ctx, ref)
		return History{ref, agg.Head, slices.Clip(agg.Events())}, err
	}
	subject, err := s.subject(ref)
	if err != nil {
		return History{}, err
	}
	s.loading.Add(1)
	defer s.loading.Add(-1)
	var h History
	since := 0
	err = s.withSession(ctx, func(sess *session) (err error) {
		since = s.heads.since()
		h, err = s.recall(ctx, sess, ref, subject)
		return err
	})
	if err != nil {
		return History{}, fmt.Errorf("load %s: %w", ref, err)
	}
	s.noteHead(ref, h.Head, since)
	return h, nil
}

// recall puts what was recorded behind what is remembered of an aggregate. The chain
// of what is remembered was verified when it was read; what comes behind it is
// verified now.
func (s *Store) recall(ctx context.Context, sess *session, ref domain.Ref, subject string) (History, error) {
	was := past{life: -1}
	var known Head
	var ok bool
	if s.refusal(false) == nil { // of a stream that was tampered with nothing is known
		was = s.recent.of(ref)
		known, ok = s.heads.get(ref)
	}
	if ok && known == was.head { // also what is not there
		return History{ref, was.head, was.events}, nil
	}
	limit := s.visible()
	events, err := s.following(ctx, sess, subject, was, known, limit)
	if errors.Is(err, errNoTrace) {
		was = past{life: was.life}
		events, err = s.read(ctx, sess, subject, limit)
	}
	if err != nil {
		return History{}, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	agg := Aggregate{Ref: ref, Head: was.head}
	if err := s.build(ctx, sess, &agg, events); err != nil {
		return History{}, err
	}
	if slices.ContainsFunc(agg.Records, func(r Record) bool { return r.Undecodable != nil }) {
		return History{ref, agg.Head, slices.Concat(was.events, agg.Events())}, nil
	}
	return History{ref, agg.Head, s.recent.put(ref, was, agg)}, nil
}

// following returns the events of a subject that follow those that are remembered
// decoded. Only a chain without a break is returned, anything else is errNoTrace.
func (s *Store) following(ctx context.Context, sess *session, subject string, was past, known Head, limit uint64) ([]decoded, error) {
	events := make([]decoded, 0, len(was.newer))
	end := was.head.Seq
	for _, e := range was.newer {
		if e.seq > limit { // on disk, and shown to nobody yet
			break
		}
		r, odd := s.decode(message{subject, e.seq, e.raw})
		if odd != nil {
			return nil, errNoTrace
		}
		events, end = append(events, decoded{r, nil}), e.seq
	}
	if end == 0 || end != known.Seq {
		read, err := s.walkBack(ctx, sess, subject, end, limit)
		if err != nil {
			return nil, err
		}
		events = append(events, read...)
	}
	return events, unbroken(was.head, events)
}
