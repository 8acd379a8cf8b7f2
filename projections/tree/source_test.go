package tree_test

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"duban/eventstore"
)

// A stream is a ledger in memory whose owner may do what nobody may do to a ledger.
type stream struct {
	mu      sync.Mutex
	events  [][]byte // of sequence 1 …; nil is missing
	changed chan struct{}
}

func newStream(n int) *stream {
	s := &stream{changed: make(chan struct{})}
	s.append(events(0, n)...)
	return s
}

// events returns events as every stream of these tests has them after the first.
func events(after, n int) [][]byte {
	out := make([][]byte, n)
	for i := range out {
		out[i] = event(uint64(after + i + 1))
	}
	return out
}

func event(seq uint64) []byte { return fmt.Appendf(nil, `{"id":"%d"}`, seq) }

func (s *stream) append(raw ...[]byte) {
	s.edit(func(events [][]byte) [][]byte { return append(events, raw...) })
}

// edit replaces the history.
func (s *stream) edit(f func([][]byte) [][]byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events = f(s.events)
	close(s.changed)
	s.changed = make(chan struct{})
}

// set gives a sequence other bytes; nil removes it.
func (s *stream) set(seq uint64, raw []byte) {
	s.edit(func(events [][]byte) [][]byte {
		events = slices.Clone(events)
		events[seq-1] = raw
		return events
	})
}

func (s *stream) Acked() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return uint64(len(s.events))
}

func (s *stream) Await(ctx context.Context, seq uint64) (uint64, error) {
	for {
		s.mu.Lock()
		acked, changed := uint64(len(s.events)), s.changed
		s.mu.Unlock()
		if acked > seq {
			return acked, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}

func (s *stream) Raw(ctx context.Context, from, to uint64, each func(uint64, []byte) error) error {
	s.mu.Lock()
	events := s.events
	s.mu.Unlock()
	for seq := from; seq <= to; seq++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		if seq > uint64(len(events)) || events[seq-1] == nil {
			return &eventstore.GapError{Sequence: seq}
		}
		if err := each(seq, events[seq-1]); err != nil {
			return err
		}
	}
	return nil
}
