package eventstore

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A road is a stream of so many messages; it notes how often each was read and how
// many vanguards are on it.
type road struct {
	length uint64

	mu   sync.Mutex
	read map[uint64]int
	open int
}

func (r *road) start(_ context.Context, from uint64) vanguard {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.open++
	return &scout{road: r, next: from}
}

func (r *road) opened() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.open
}

type scout struct {
	*road
	next uint64
}

func (s *scout) usable() bool { return true }

func (s *scout) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open--
}

func (s *scout) read(_ context.Context, from uint64, n int) (msgs []message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for seq := from; seq <= s.length && len(msgs) < n; seq++ {
		s.road.read[seq]++
		msgs = append(msgs, message{Seq: seq})
	}
	return msgs
}

func newRoad(length uint64) (*road, *convoy) {
	r := &road{length: length, read: map[uint64]int{}}
	return r, newConvoy(r.start)
}

// ride reads from a sequence until the convoy has no more, n at a time, and returns
// the sequences it got. Between two reads it does pause.
func ride(ctx context.Context, c *convoy, r *rider, from uint64, n int, pause func(seq uint64)) (seqs []uint64) {
	for next := from; ; {
		msgs := c.read(ctx, r, next, n)
		if len(msgs) == 0 {
			return seqs
		}
		for _, m := range msgs {
			seqs = append(seqs, m.Seq)
		}
		next = msgs[len(msgs)-1].Seq + 1
		pause(next)
	}
}

func sequences(from, to uint64) (out []uint64) {
	for seq := from; seq <= to; seq++ {
		out = append(out, seq)
	}
	return out
}

// TestConvoyReadsOnce: two readers of different speed and stride get everything in
// order, and the stream is read once.
func TestConvoyReadsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		road, c := newRoad(3000)
		quick, slow := &rider{}, &rider{}
		var first, second []uint64
		var wg sync.WaitGroup
		// Both are members before either runs away.
		require.Len(t, c.read(t.Context(), quick, 1, 10), 10)
		require.Len(t, c.read(t.Context(), slow, 1, 10), 10)
		wg.Go(func() { first = ride(t.Context(), c, quick, 11, 10, func(uint64) {}) })
		wg.Go(func() {
			second = ride(t.Context(), c, slow, 11, 7, func(uint64) { <-time.After(time.Millisecond) })
		})
		wg.Wait()
		assert.Equal(t, sequences(11, 3000), first)
		assert.Equal(t, sequences(11, 3000), second)
		for seq := uint64(1); seq <= road.length; seq++ {
			require.Equal(t, 1, road.read[seq], "message %d", seq)
		}
		synctest.Wait()
		assert.Zero(t, road.opened(), "vanguards left open")
		assert.Empty(t, c.held)
	})
}

// TestConvoyLetsGo: once nobody can join any more, what everybody has read is not held.
func TestConvoyLetsGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, c := newRoad(3000)
		alone, joins := &rider{}, &rider{}
		ride(t.Context(), c, alone, 1, 10, func(next uint64) {
			if next == 11 {
				assert.Equal(t, sequences(1, 10*convoyLength), ride(t.Context(), c, joins, 1, 10, func(next uint64) {
					if next > 10*convoyLength {
						c.leave(joins)
					}
				}))
			}
			if next > 10*convoyLength+10 {
				assert.LessOrEqual(t, len(c.held), 2, "before %d", next)
			}
		})
		assert.Empty(t, c.held)
	})
}

// TestConvoyLeavesBehind: who does not move is left behind and reads by itself, the
// others go on; who joins too late is told so at once.
func TestConvoyLeavesBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, c := newRoad(3000)
		stuck, goes, late := &rider{}, &rider{}, &rider{}
		require.Len(t, c.read(t.Context(), stuck, 1, 10), 10)
		began := time.Now()
		assert.Equal(t, sequences(1, 3000), ride(t.Context(), c, goes, 1, 10, func(next uint64) {
			if next == 1001 {
				assert.Empty(t, c.read(t.Context(), late, 1, 10), "what it asks for is gone")
			}
		}))
		assert.Equal(t, c.patience, time.Since(began))
		assert.Empty(t, c.read(t.Context(), stuck, 11, 10))
	})
}

// TestConvoyWaitEnds: waiting for somebody slow ends with the reader's context and
// with the slow one's leaving.
func TestConvoyWaitEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, c := newRoad(3000)
		c.patience = time.Hour
		stuck, goes, given := &rider{}, &rider{}, &rider{}
		require.Len(t, c.read(t.Context(), stuck, 1, 10), 10)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		got := ride(ctx, c, given, 1, 10, func(uint64) {})
		assert.Equal(t, sequences(1, 10+10*convoyLength), got, "one batch that both have read, and as many as are held")
		require.ErrorIs(t, ctx.Err(), context.DeadlineExceeded)

		time.AfterFunc(time.Minute, func() { c.leave(stuck) })
		assert.Equal(t, sequences(11, 3000), ride(t.Context(), c, goes, 11, 10, func(uint64) {}))
	})
}
