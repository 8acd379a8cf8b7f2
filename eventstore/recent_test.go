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
	read, requests := load(func() { s.recent.cache.remove(ref) })
	assert.Equal(t, uint64(4), requests, "one for each append")
	assert.Equal(t, read, remembered)
	_, requests = load(asIs)
	assert.Zero(t, requests)
	_, requests = load(func() { s.heads.remove(ref) })
	assert.Equal(t, uint64(1), requests, "the last event says that nothing is missing")

	// Remembered up to its second event only: the rest is read.
	events := s.recent.of(ref)
	require.Len(t, events, 4)
	agg, requests := load(func() { s.recent.cache.put(ref, events[:2]) })
	assert.Equal(t, uint64(2), requests)
	assert.Equal(t, read, agg)

	// Remembered wrongly: the chain tells.
	agg, _ = load(func() { s.recent.cache.put(ref, []stored{events[0], {events[1].seq, events[2].raw}}) })
	assert.Equal(t, read, agg)
}

func TestRecentIsBounded(t *testing.T) {
	r := newRecent()
	raw := make([]byte, MaxEventBytes)
	held := func() (n int) {
		for _, m := range []map[domain.Ref][]stored{r.cache.new, r.cache.old} {
			for _, events := range m {
				n += r.cache.weigh(events)
			}
		}
		return n
	}
	for range 2 * recentBytes / MaxEventBytes {
		ref := noteAppend(1).Writes[0].Subject
		for n := 1; n <= 3; n++ {
			r.put(ref, slices.Repeat([]decoded{{Record: Record{Raw: raw}}}, n))
		}
		require.Len(t, r.of(ref), 3)
		require.LessOrEqual(t, held(), 2*recentBytes)
	}
	assert.Greater(t, held(), recentBytes)
}
