package eventstore

import (
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"duban/domain"
	"duban/domain/ledger"
)

// What is remembered is not read again, and is what the stream has.
func TestRecent(t *testing.T) {
	s, err := Open(t.Context(), Config{Org: "a", Dir: t.TempDir()})
	require.NoError(t, err)
	defer s.Close()
	a := noteAppend(1)
	ref := a.Writes[0].Subject
	// load tells how many requests it took, at least: the watcher asks as well.
	load := func(prepare func()) (h History, requests uint64) {
		t.Helper()
		requests = 100
		for range 5 {
			prepare()
			before := s.sess.read.Stats().OutMsgs
			var err error
			h, err = s.History(t.Context(), ref)
			require.NoError(t, err)
			requests = min(requests, s.sess.read.Stats().OutMsgs-before)
		}
		return h, requests
	}
	asIs := func() {}
	drop := func() { s.recent.lru.Remove(ref) }
	var second past
	for head, n := (Head{}), 1; n <= 4; n++ {
		receipt, err := s.Append(t.Context(), a)
		require.NoError(t, err)
		require.Equal(t, head.Version+1, receipt.Records[0].Version)
		require.Len(t, s.recent.of(ref).newer, 1)
		h, requests := load(asIs)
		require.Len(t, h.Events, n)
		assert.Zero(t, requests)
		assert.Empty(t, s.recent.of(ref).newer, "decoded once")
		if head = h.Head; n == 2 {
			second = s.recent.of(ref)
		}
		a = noteAppend(1)
		a.Writes[0].Subject, a.Writes[0].Head = ref, head
	}
	remembered, _ := load(asIs)
	agg, err := s.Load(t.Context(), ref)
	require.NoError(t, err)
	assert.Equal(t, History{ref, agg.Head, agg.Events()}, remembered)
	read, requests := load(drop)
	assert.Equal(t, uint64(4), requests, "one for each append")
	assert.Equal(t, read, remembered)
	_, requests = load(asIs)
	assert.Zero(t, requests)
	_, requests = load(func() { s.heads.remove(ref) })
	assert.Equal(t, uint64(1), requests, "the last event says that nothing is missing")

	// Remembered up to its second event only: the rest is read.
	h, requests := load(func() { s.recent.set(ref, second) })
	assert.Equal(t, uint64(2), requests)
	assert.Equal(t, read, h)

	// Remembered wrongly: the chain tells.
	wrong := second
	wrong.head.Hash = read.Head.Hash
	h, _ = load(func() { s.recent.set(ref, wrong) })
	assert.Equal(t, read, h)
	h, _ = load(func() {
		s.recent.set(ref, past{newer: []stored{{agg.Records[0].Seq, agg.Records[0].Raw}, {agg.Records[1].Seq, agg.Records[2].Raw}}})
	})
	assert.Equal(t, read, h)

	// The server is reopened: everything is read again.
	_, err = s.History(t.Context(), ref)
	require.NoError(t, err)
	require.NoError(t, s.reopen())
	assert.Zero(t, s.recent.of(ref).version())
	assert.Zero(t, s.recent.weight)
	h, err = s.History(t.Context(), ref)
	require.NoError(t, err)
	assert.Equal(t, read, h)
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
		for _, p := range r.lru.Values() {
			n += heldBy + p.texts + cap(p.events)*eventSize
			for _, e := range p.newer {
				n += heldByRaw + cap(e.raw)
			}
		}
		return n
	}
	first := noteAppend(1).Writes[0].Subject
	for range 2 * recentBytes / MaxEventBytes {
		ref := noteAppend(1).Writes[0].Subject
		r.put(ref, past{}, Aggregate{Head: Head{Version: 2}, Records: slices.Repeat([]Record{recordOf(ref, 1, 0, raw)}, 2)})
		r.add(recordOf(ref, 3, 0, raw))
		r.add(recordOf(ref, 5, 0, raw)) // the fourth is not known
		require.Equal(t, uint64(3), r.of(ref).version())
		require.LessOrEqual(t, held(), recentBytes)
		require.Equal(t, held(), r.weight)
		if r.of(first).version() == 0 {
			r.add(recordOf(first, 1, 0, raw))
		}
	}
	assert.Greater(t, held(), recentBytes-4*MaxEventBytes)
	assert.Equal(t, uint64(1), r.of(first).version(), "what is asked for again and again stays")

	for v := range uint64(recentBytes / MaxEventBytes) {
		r.add(recordOf(first, v+2, 0, raw))
	}
	assert.Zero(t, r.of(first).version(), "larger than all that may be held")
	require.Equal(t, held(), r.weight)

	r.within(sparedBytes)
	require.LessOrEqual(t, held(), sparedBytes)
	require.Equal(t, held(), r.weight)
	r.forget()
	require.Zero(t, r.lru.Len())
	require.Zero(t, r.weight)
}

// What histories are said to weigh is about what they take.
func TestRecentWeighsWhatItHolds(t *testing.T) {
	heap := func() int {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int(m.HeapAlloc)
	}
	c, err := NewCodec("a", nil)
	require.NoError(t, err)
	const histories, events = 2000, 5
	r := newRecent()
	before, bytes := heap(), 0
	for range histories {
		ref := noteAppend(1).Writes[0].Subject
		was := past{}
		for v := uint64(1); v <= events; v++ {
			rec := recordOf(ref, v, v, nil)
			rec.ID, rec.CommandID, rec.CommandDigest, rec.Source = ulid.Make().String(), plainHash(nil), Digest(nil), c.source
			rec.Actor, rec.Office, rec.Authority = ref, ref, domain.RoleOffice
			rec.Time, rec.RecordedTime, rec.Data = time.Unix(1e9, 0), time.Unix(1e9, 0), &ledger.Accepted{Reason: strings.Repeat("理由", 20), SHA256: plainHash(nil)}
			if v > 1 {
				rec.Previous = Digest(nil)
			}
			raw, err := c.Encode(rec)
			require.NoError(t, err)
			rec, err = c.Decode(v, raw)
			require.NoError(t, err)
			bytes += len(raw)
			r.put(ref, was, Aggregate{Head: Head{Seq: v, Version: v, Hash: rec.Hash()}, Records: []Record{rec}})
			was = r.of(ref)
		}
	}
	took := heap() - before
	t.Logf("%d events of %d bytes: %d each, said to be %d", histories*events, bytes/histories/events, took/histories/events, r.weight/histories/events)
	assert.Equal(t, histories, r.lru.Len())
	assert.InDelta(t, 1, float64(r.weight)/float64(took), 0.25)
	assert.Less(t, took, 2*bytes)
	runtime.KeepAlive(r)
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
		require.Equal(t, v, before.version())
		if v%3 > 0 {
			continue
		}
		newer := func(seq uint64) (built Aggregate) {
			built.Head = Head{Version: v, Seq: v}
			for range before.newer {
				built.Records = append(built.Records, recordOf(ref, v, seq, nil))
			}
			return built
		}
		events := r.put(ref, before, newer(v))
		require.Len(t, events, int(v))
		require.Equal(t, cap(events), len(events), "nobody appends behind what others see")
		// Another reader, who began where this one did, is late.
		require.Equal(t, uint64(1000), r.put(ref, before, newer(1000))[v-1].Seq)
		require.Equal(t, v, events[v-1].Seq)
		require.Equal(t, events, r.of(ref).events)
	}
}

// What was being read while everything was forgotten is not remembered.
func TestRecentForgetsWhatIsBeingRead(t *testing.T) {
	r := newRecent()
	ref := noteAppend(1).Writes[0].Subject
	was := r.of(ref)
	r.forget()
	require.Len(t, r.put(ref, was, Aggregate{Head: Head{Version: 1}, Records: []Record{recordOf(ref, 1, 1, nil)}}), 1)
	require.Zero(t, r.of(ref).version())
	require.Len(t, r.put(ref, past{life: -1}, Aggregate{Head: Head{Version: 1}, Records: []Record{recordOf(ref, 1, 1, nil)}}), 1)
	require.Zero(t, r.of(ref).version())
}

func recordOf(ref domain.Ref, version, seq uint64, raw []byte) Record {
	return Record{Event: domain.Event{Subject: ref, Version: version, Seq: seq, Data: &domain.Unknown{}}, Raw: raw}
}

// What is on disk and not shown yet, History doesn't show either.
func TestHistoryEndsWhereOthersDo(t *testing.T) {
	s, err := Open(t.Context(), Config{Org: "a", Dir: t.TempDir()})
	require.NoError(t, err)
	defer s.Close()
	first, err := s.Append(t.Context(), noteAppend(1))
	require.NoError(t, err)
	r := first.Records[0]
	_, err = s.History(t.Context(), r.Subject)
	require.NoError(t, err)
	_, err = s.Append(t.Context(), at(r.Subject, endOf(r)))
	require.NoError(t, err)

	s.set(func() { s.acked = r.Seq }) // as between learn and advance
	h, err := s.History(t.Context(), r.Subject)
	require.NoError(t, err)
	assert.Equal(t, endOf(r), h.Head)
	s.set(func() { s.acked = r.Seq + 1 })
	h, err = s.History(t.Context(), r.Subject)
	require.NoError(t, err)
	assert.Equal(t, r.Seq+1, h.Head.Seq)
}
