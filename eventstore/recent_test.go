package eventstore

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"duban/domain"
)

// What is remembered is not read again, and is what the stream has.
func TestRecent(t *testing.T) {
	s, err := Open(t.Context(), Config{Org: "a", Dir: t.TempDir()})
	require.NoError(t, err)
	defer s.Close()
	a := noteAppend(1)
	ref := a.Writes[0].Subject
	// load tells how many requests it took, at least: the watcher asks as well.
	load := func(prepare func()) (agg Aggregate, requests uint64) {
		t.Helper()
		requests = 100
		for range 5 {
			prepare()
			before := s.sess.read.Stats().OutMsgs
			var err error
			agg, err = s.Load(t.Context(), ref)
			require.NoError(t, err)
			requests = min(requests, s.sess.read.Stats().OutMsgs-before)
		}
		return agg, requests
	}
	asIs := func() {}
	for head, n := (Head{}), 1; n <= 4; n++ {
		receipt, err := s.Append(t.Context(), a)
		require.NoError(t, err)
		require.Equal(t, head.Version+1, receipt.Records[0].Version)
		agg, requests := load(asIs)
		require.Len(t, agg.Records, n)
		assert.Zero(t, requests)
		head = agg.Head
		a = noteAppend(1)
		a.Writes[0].Subject, a.Writes[0].Head = ref, head
	}
	remembered, _ := load(asIs)
	read, requests := load(func() { s.recent.forget(ref) })
	assert.Equal(t, uint64(4), requests, "one for each append")
	assert.Equal(t, read, remembered)
	_, requests = load(asIs)
	assert.Zero(t, requests)
	_, requests = load(func() { s.heads.remove(ref) })
	assert.Equal(t, uint64(1), requests, "the last event says that nothing is missing")

	// Remembered up to its second event only: the rest is read.
	events := s.recent.of(ref)
	require.Len(t, events, 4)
	agg, requests := load(func() { s.recent.remember(ref, events[:2]) })
	assert.Equal(t, uint64(2), requests)
	assert.Equal(t, read, agg)

	// Remembered wrongly: the chain tells.
	agg, _ = load(func() { s.recent.remember(ref, []stored{events[0], {events[1].seq, events[2].raw}}) })
	assert.Equal(t, read, agg)
}

// What is not there is asked for once, until it is there.
func TestAbsentIsReadOnce(t *testing.T) {
	s, err := Open(t.Context(), Config{Org: "a", Dir: t.TempDir()})
	require.NoError(t, err)
	defer s.Close()
	absent := noteAppend(1).Writes[0].Subject
	asked := func(f func()) uint64 {
		least := uint64(100)
		for range 5 { // the watcher asks as well
			before := s.sess.read.Stats().OutMsgs + s.sess.write.Stats().OutMsgs
			f()
			least = min(least, s.sess.read.Stats().OutMsgs+s.sess.write.Stats().OutMsgs-before)
		}
		return least
	}
	expecting := func() error {
		a := noteAppend(1)
		a.Expect = []Expectation{{Subject: absent}}
		_, err := s.Append(t.Context(), a)
		return err
	}
	assert.Equal(t, uint64(1), asked(func() { require.NoError(t, expecting()) }), "the append itself")
	assert.Zero(t, asked(func() {
		agg, err := s.Load(t.Context(), absent)
		require.NoError(t, err)
		require.Zero(t, agg.Head)
	}))

	a := noteAppend(1)
	a.Writes[0].Subject = absent
	_, err = s.Append(t.Context(), a)
	require.NoError(t, err)
	agg, err := s.Load(t.Context(), absent)
	require.NoError(t, err)
	assert.Equal(t, uint64(1), agg.Head.Version)
	require.ErrorIs(t, expecting(), ErrConflict)
}

func TestRecentIsBounded(t *testing.T) {
	r := newRecent()
	raw := make([]byte, MaxEventBytes)
	held := func() (n int) {
		for _, h := range r.lru.Values() {
			n += heldBy
			for _, e := range h.events {
				n += e.weight()
			}
		}
		return n
	}
	first := noteAppend(1).Writes[0].Subject
	for range 2 * recentBytes / MaxEventBytes {
		ref := noteAppend(1).Writes[0].Subject
		r.put(ref, slices.Repeat([]decoded{{Record: Record{Raw: raw}}}, 2))
		r.add(recordOf(ref, 3, 0, raw))
		r.add(recordOf(ref, 5, 0, raw)) // the fourth is not known
		require.Len(t, r.of(ref), 3)
		require.LessOrEqual(t, held(), recentBytes)
		require.Equal(t, held(), r.weight)
		if r.of(first) == nil {
			r.add(recordOf(first, 1, 0, raw))
		}
	}
	assert.Greater(t, held(), recentBytes-4*MaxEventBytes)
	assert.Len(t, r.of(first), 1, "what is asked for again and again stays")

	large := slices.Repeat([]decoded{{Record: Record{Raw: raw}}}, recentBytes/MaxEventBytes)
	r.put(first, large)
	assert.Empty(t, r.of(first), "larger than all that may be held")
	require.Equal(t, held(), r.weight)
	assert.Greater(t, held(), recentBytes-5*MaxEventBytes, "nothing was forgotten for it")

	r.within(sparedBytes)
	require.LessOrEqual(t, held(), sparedBytes)
	require.Equal(t, held(), r.weight)
	assert.Greater(t, held(), sparedBytes-4*MaxEventBytes, "what was used last stays")
}

// Who holds a history may go on reading it while events are added behind.
func TestRecentHandsOutWhatStays(t *testing.T) {
	r := newRecent()
	ref := noteAppend(1).Writes[0].Subject
	for v := uint64(1); v <= 100; v++ {
		r.add(recordOf(ref, v, v, nil))
		before := r.of(ref)
		r.add(recordOf(ref, v, 1000, nil)) // known already
		require.Equal(t, before, r.of(ref))
		require.Len(t, before, int(v))
		require.Equal(t, v, before[v-1].seq)
	}
}

func recordOf(ref domain.Ref, version, seq uint64, raw []byte) Record {
	return Record{Event: domain.Event{Subject: ref, Version: version, Seq: seq}, Raw: raw}
}
