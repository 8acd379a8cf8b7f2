package storetest

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/oklog/ulid/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"duban/domain"
	"duban/domain/calendar"
	"duban/domain/ledger"
	"duban/eventstore"
)

// Open opens the ledger of one test; every call opens the same one.
type Open func(change ...func(*eventstore.Config)) (*eventstore.Store, error)

// Org is whose ledger the contract writes.
const Org = "nx-gxt"

// Config is the configuration a test opens with, where and how the server runs
// left out.
func Config() eventstore.Config {
	return eventstore.Config{
		Org: Org, Software: "storetest", Types: Payloads(),
		AckTimeout: 3 * time.Second, ReadTimeout: 3 * time.Second, RecoverTimeout: 5 * time.Second,
		CheckEvery: 50 * time.Millisecond, RetryAfter: 20 * time.Millisecond,
	}
}

// Run checks the contract. fresh prepares an empty ledger for one test.
func Run(t *testing.T, fresh func(t *testing.T) Open) {
	tests := []struct {
		name string
		run  func(*testing.T, Open)
	}{
		{"opening is the first event", testOpened},
		{"what a plain client sees", testPlainClient},
		{"bytes of an event", testBytes},
		{"several aggregates in one transaction", testTransaction},
		{"conflicts", testConflicts},
		{"expectations on what is not written", testExpectations},
		{"the same key makes the same ids", testSameKey},
		{"refused before anything is sent", testRefused},
		{"recordedtime never runs backwards", testRecordedTime},
		{"follow", testFollow},
		{"follow far behind", testFollowFarBehind},
		{"stored bytes", testRaw},
		{"racing writers", testRace},
		{"closing and opening again", testReopen},
		{"unknown types stay as they are", testUnknownType},
		{"a transaction that is not whole is void", testVoid},
		{"an event that can't be read", testUndecodable},
		{"an event out of its chain", testBrokenChain},
		{"an odd event of the ledger itself", testOddLedger},
		{"a changed setting", testDrift},
		{"dropped events", testDropped},
		{"a deleted stream", testDeleted},
		{"signed heads", testHeads},
		{"signed heads are looked after", testHeadsDrift},
		{"a ledger shorter than what was signed", testShorterThanSigned},
		{"evidence", testEvidence},
		{"credentials", testCredentials},
		{"audit", testAudit},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { tt.run(t, fresh(t)) })
	}
}

func open(t *testing.T, o Open, change ...func(*eventstore.Config)) *eventstore.Store {
	t.Helper()
	s, err := o(change...)
	require.NoError(t, err)
	t.Cleanup(func() { s.Close() })
	return s
}

func jetStream(t *testing.T, s *eventstore.Store) jetstream.JetStream {
	t.Helper()
	js, err := jetstream.New(s.Conn())
	require.NoError(t, err)
	return js
}

// stream returns all messages as a plain client reads them.
func stream(t *testing.T, s *eventstore.Store) []*jetstream.RawStreamMsg {
	t.Helper()
	str, err := jetStream(t, s).Stream(t.Context(), "LEDGER")
	require.NoError(t, err)
	var out []*jetstream.RawStreamMsg
	for seq := uint64(1); seq <= str.CachedInfo().State.LastSeq; seq++ {
		m, err := str.GetMsg(t.Context(), seq)
		require.NoError(t, err)
		out = append(out, m)
	}
	return out
}

// Follow collects records from a position on until the sequence upTo.
func Follow(t *testing.T, s *eventstore.Store, after, upTo uint64) []eventstore.Record {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	errDone := errors.New("done")
	var got []eventstore.Record
	err := s.Follow(ctx, after, func(batch []eventstore.Record) error {
		got = append(got, batch...)
		if got[len(got)-1].Seq >= upTo {
			return errDone
		}
		return nil
	})
	require.ErrorIs(t, err, errDone)
	return got
}

// load returns an aggregate, of which History says the same, when it reads it and
// when it remembers it.
func load(t *testing.T, s *eventstore.Store, ref domain.Ref) (eventstore.Aggregate, error) {
	t.Helper()
	agg, err := s.Load(t.Context(), ref)
	for range 2 {
		h, herr := s.History(t.Context(), ref)
		if err != nil {
			require.EqualError(t, herr, err.Error())
			continue
		}
		require.NoError(t, herr)
		require.Equal(t, agg.Head, h.Head)
		require.Len(t, h.Events, len(agg.Events()))
		for i, e := range agg.Events() {
			require.Equal(t, e, h.Events[i])
		}
	}
	return agg, err
}

func eventually(t *testing.T, what string, cond func() bool) {
	t.Helper()
	require.Eventually(t, cond, 10*time.Second, 5*time.Millisecond, what)
}

func testOpened(t *testing.T, o Open) {
	s := open(t, o, func(c *eventstore.Config) { c.Software = "1.2.3"; c.Sample = true })
	require.NoError(t, s.Health())
	agg, err := load(t, s, domain.Ref{Kind: domain.KindLedger, ID: Org})
	require.NoError(t, err)
	require.Len(t, agg.Records, 1)
	r := agg.Records[0]
	opened := r.Data.(*ledger.Opened)
	assert.Equal(t, "1.2.3", opened.Software)
	assert.True(t, opened.Sample)
	assert.Regexp(t, `^sha256:[0-9a-f]{64}$`, opened.ConfigDigest)
	assert.Equal(t, uint64(1), r.Seq)
	assert.Equal(t, domain.RoleSystem, r.Authority)
	assert.Equal(t, uint64(1), s.Acked())
}

func testPlainClient(t *testing.T, o Open) {
	s := open(t, o)
	w := NewWriter(s)
	one := w.Append(t, 1)
	two := w.Append(t, 2)

	msgs := stream(t, s)
	require.Len(t, msgs, 4)
	assert.Equal(t, "ledger."+Org+".ledger."+Org, msgs[0].Subject)
	for i, r := range append(one, two...) {
		m := msgs[i+1]
		assert.Equal(t, "ledger."+Org+".task."+w.Ref.ID, m.Subject)
		assert.Equal(t, r.Raw, m.Data)
		assert.Equal(t, r.Seq, m.Sequence)
		assert.Empty(t, m.Header.Get(jetstream.MsgIDHeader))
	}
	assert.Equal(t, "0", msgs[1].Header.Get(jetstream.ExpectedLastSubjSeqHeader))
	assert.Equal(t, "1", msgs[1].Header.Get(jetstream.ExpectedLastSeqHeader))
	assert.Equal(t, "2", msgs[2].Header.Get(jetstream.ExpectedLastSubjSeqHeader))
	assert.Empty(t, msgs[3].Header.Get(jetstream.ExpectedLastSubjSeqHeader))

	cfg := mustStream(t, s).CachedInfo().Config
	assert.True(t, cfg.DenyDelete && cfg.DenyPurge && cfg.AllowAtomicPublish)
	assert.False(t, cfg.AllowRollup || cfg.AllowMsgTTL || cfg.AllowMsgSchedules)
	assert.Equal(t, jetstream.FileStorage, cfg.Storage)
	assert.EqualValues(t, -1, cfg.MaxMsgs)
	assert.Error(t, mustStream(t, s).DeleteMsg(t.Context(), 1))
	assert.Error(t, mustStream(t, s).Purge(t.Context()))
}

func mustStream(t *testing.T, s *eventstore.Store) jetstream.Stream {
	t.Helper()
	str, err := jetStream(t, s).Stream(t.Context(), "LEDGER")
	require.NoError(t, err)
	return str
}

// testBytes pins the bytes: they are read for ever.
func testBytes(t *testing.T, o Open) {
	now := time.Date(2019, 7, 1, 1, 0, 2, 113_000_000, time.UTC)
	s := open(t, o, func(c *eventstore.Config) { c.Clock = func() time.Time { return now } })
	key := ulid.MustParse("01DEPX9BM0000000000000000K")
	ref := domain.Ref{Kind: domain.KindTask, ID: "01DEPX9BM0000000000000TASK"}
	first := Event(`<a> & "督办"`)
	first.Time = time.Date(2019, 7, 1, 9, 0, 0, 0, calendar.Zone)
	second := Event("b")
	second.Time = time.Date(2019, 7, 1, 1, 0, 1, 5_000_000, time.UTC)
	a := KeyedAppend(key, eventstore.Write{Subject: ref, Events: []domain.Event{first, second}})
	a.CorrelationID, a.CausationID = "corr", "caus"
	receipt, err := s.Append(t.Context(), a)
	require.NoError(t, err)
	require.Equal(t, `{"specversion":"1.0","id":"01DEPX9BM0SV16WK10XPQEZ6RR","source":"urn:duban:nx-gxt","type":"duban.storetest.noted.v1",`+
		`"subject":"task/01DEPX9BM0000000000000TASK","time":"2019-07-01T09:00:00+08:00","recordedtime":"2019-07-01T01:00:02.113Z","version":1,`+
		`"actor":"person/z01","office":"office/o1","authority":"role/office",`+
		`"commandid":"`+a.Command.ID+`","commanddigest":"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",`+
		`"txid":"01DEPX9BM0F6S13Y56S1EDZ5SR","txindex":1,"txcount":2,"correlationid":"corr","causationid":"caus",`+
		`"datacontenttype":"application/json","data":{"text":"<a> & \"督办\""}}`, string(receipt.Records[0].Raw))
	h := sha256.Sum256(append([]byte{0}, receipt.Records[0].Raw...))
	assert.Contains(t, string(receipt.Records[1].Raw), `"time":"2019-07-01T09:00:01.005+08:00"`)
	assert.Contains(t, string(receipt.Records[1].Raw), `"version":2,"previous":"sha256:`+hex.EncodeToString(h[:])+`","actor"`)

	agg, err := load(t, s, ref)
	require.NoError(t, err)
	require.Equal(t, receipt.Records, agg.Records, "what is read is what was written")
}

func testTransaction(t *testing.T, o Open) {
	s := open(t, o)
	a, b, c := NewWriter(s), NewWriter(s), NewWriter(s)
	c.Append(t, 1)
	receipt, err := s.Append(t.Context(), NewAppend(a.Write(2), b.Write(1), c.Write(1)))
	require.NoError(t, err)
	assert.Equal(t, uint64(3), receipt.First())
	assert.Equal(t, uint64(6), receipt.Last())
	assert.Equal(t, receipt.Last(), s.Acked())
	for i, r := range receipt.Records {
		assert.Equal(t, receipt.First()+uint64(i), r.Seq)
		assert.Equal(t, []any{receipt.Records[0].TxID, i + 1, 4}, []any{r.TxID, r.TxIndex, r.TxCount})
	}
	for _, w := range []*Writer{a, b, c} {
		w.Advance(receipt)
		agg, err := load(t, s, w.Ref)
		require.NoError(t, err)
		assert.Equal(t, w.Head, agg.Head)
		assert.Len(t, agg.Events(), int(w.Head.Version))
	}
	assert.Len(t, Follow(t, s, 0, 6), 6)
}

func testConflicts(t *testing.T, o Open) {
	s := open(t, o)
	a, b := NewWriter(s), NewWriter(s)
	stale := a.Prepare(1)
	a.Append(t, 1)
	b.Append(t, 1)

	var conflict *eventstore.ConflictError
	_, err := s.Append(t.Context(), stale)
	require.ErrorAs(t, err, &conflict, "an aggregate that exists is not created again")
	assert.Equal(t, eventstore.ConflictError{Subject: a.Ref, Expected: 0, Actual: a.Head.Seq}, *conflict)
	require.ErrorIs(t, err, eventstore.ErrConflict)

	old := b.Write(1)
	b.Append(t, 1)
	before := s.Acked()
	_, err = s.Append(t.Context(), NewAppend(a.Write(1), old))
	require.ErrorAs(t, err, &conflict)
	assert.Equal(t, b.Ref, conflict.Subject)
	assert.Equal(t, before, mustStream(t, s).CachedInfo().State.LastSeq, "one wrong expectation rejects all")

	// The same when this store has not seen what moved the aggregate.
	w := a.Write(1)
	require.NoError(t, forge(t, s, a.Ref, func(*eventstore.Record) {}))
	_, err = s.Append(t.Context(), NewAppend(w))
	require.ErrorAs(t, err, &conflict)
	assert.Equal(t, []uint64{a.Head.Seq, before + 1}, []uint64{conflict.Expected, conflict.Actual})
	w = a.Write(1)
	_, err = s.Append(t.Context(), NewAppend(w, NewWriter(s).Write(2)))
	require.ErrorAs(t, err, &conflict)

	// A stream that moved elsewhere is no conflict.
	_, err = s.Append(t.Context(), b.Prepare(1))
	require.NoError(t, err)

	// A head that can't be right is refused before it breaks the chain.
	w = b.Write(1)
	w.Head = b.Head
	w.Head.Seq, w.Head.Version = s.Acked(), 7
	_, err = s.Append(t.Context(), NewAppend(w))
	require.ErrorIs(t, err, eventstore.ErrInvalidAppend)
}

// forge appends an event that continues ref's chain with a plain client.
func forge(t *testing.T, s *eventstore.Store, ref domain.Ref, change func(*eventstore.Record)) error {
	t.Helper()
	agg, err := load(t, s, ref)
	require.NoError(t, err)
	key := ulid.Make()
	r := eventstore.Record{Event: Event("forged"), Previous: agg.Head.Hash}
	r.ID, r.Subject, r.Version, r.RecordedTime = key.String(), ref, agg.Head.Version+1, time.Now()
	r.CommandID, r.CommandDigest = eventstore.CommandID(Actor, "forged", key), eventstore.Digest(nil)
	change(&r)
	codec, err := eventstore.NewCodec(Org, Payloads())
	require.NoError(t, err)
	raw, err := codec.Encode(r)
	require.NoError(t, err)
	_, err = jetStream(t, s).Publish(t.Context(), "ledger."+Org+"."+ref.Kind.String()+"."+ref.ID, raw)
	return err
}

func testExpectations(t *testing.T, o Open) {
	s := open(t, o)
	a, b, c := NewWriter(s), NewWriter(s), NewWriter(s)
	b.Append(t, 1)
	expecting := func(w *Writer, head eventstore.Head) eventstore.Append {
		ap := NewAppend(a.Write(1))
		ap.Expect = []eventstore.Expectation{{Subject: w.Ref, Head: head}}
		return ap
	}
	var conflict *eventstore.ConflictError
	old := b.Head
	b.Append(t, 1)
	before := s.Acked()
	_, err := s.Append(t.Context(), expecting(b, old))
	require.ErrorAs(t, err, &conflict)
	assert.Equal(t, eventstore.ConflictError{Subject: b.Ref, Expected: old.Seq, Actual: b.Head.Seq}, *conflict)
	_, err = s.Append(t.Context(), expecting(b, eventstore.Head{}))
	require.ErrorAs(t, err, &conflict, "it exists")
	_, err = s.Append(t.Context(), expecting(c, old))
	require.ErrorAs(t, err, &conflict, "it does not exist")

	// Nothing whatever may have been recorded behind Last.
	whole := NewAppend(a.Write(1))
	whole.Last = before - 1
	_, err = s.Append(t.Context(), whole)
	require.ErrorAs(t, err, &conflict)
	require.Equal(t, before, s.Acked(), "a refused append left something")

	// A load that read before an append must not make the store forget it.
	agg, err := load(t, s, b.Ref)
	require.NoError(t, err)
	require.Equal(t, b.Head, agg.Head)
	whole = expecting(b, b.Head)
	whole.Expect = append(whole.Expect, eventstore.Expectation{Subject: c.Ref})
	whole.Last = before
	_, err = s.Append(t.Context(), whole)
	require.NoError(t, err)
}

func testSameKey(t *testing.T, o Open) {
	s := open(t, o)
	key := ulid.Make()
	id := eventstore.Command{ID: eventstore.CommandID(Actor, "POST /storetest", key)}.IDs(key).NewID(0)
	assert.Equal(t, key.Time(), ulid.MustParse(id).Time())
	ref := domain.Ref{Kind: domain.KindTask, ID: id}
	again := func() eventstore.Append {
		return KeyedAppend(key, eventstore.Write{Subject: ref, Events: []domain.Event{Event("once"), Event("only")}})
	}
	receipt, err := s.Append(t.Context(), again())
	require.NoError(t, err)
	_, err = s.Append(t.Context(), again())
	require.ErrorIs(t, err, eventstore.ErrConflict)
	agg, err := load(t, s, ref)
	require.NoError(t, err)
	found := agg.Find(again().Command.ID)
	assert.Equal(t, receipt.Records, found, "the first answer is rebuilt from the events")
	assert.Nil(t, agg.Find("another"))
	ids := map[string]bool{found[0].ID: true, found[1].ID: true, found[0].TxID: true, id: true}
	assert.Len(t, ids, 4)
}

func testRefused(t *testing.T, o Open) {
	s := open(t, o)
	w := NewWriter(s)
	before := s.Acked()

	large := w.Write(1)
	large.Events[0].Data = &Noted{Text: strings.Repeat("x", eventstore.MaxEventBytes)}
	_, err := s.Append(t.Context(), NewAppend(large))
	var tooLarge *eventstore.TooLargeError
	require.ErrorAs(t, err, &tooLarge)
	require.ErrorIs(t, err, eventstore.ErrTooLarge)
	assert.Greater(t, tooLarge.Size, eventstore.MaxEventBytes)
	large.Events[0].Data = &Noted{Text: strings.Repeat("x", eventstore.MaxEventBytes-100)} // fits without its envelope
	_, err = s.Append(t.Context(), NewAppend(w.Write(1), eventstore.Write{Subject: domain.Ref{Kind: domain.KindTask, ID: "other"}, Events: large.Events}))
	require.ErrorIs(t, err, eventstore.ErrTooLarge)

	_, err = s.Append(t.Context(), NewAppend(w.Write(eventstore.MaxEvents+1)))
	require.ErrorIs(t, err, eventstore.ErrTooManyEvents)

	invalid := map[string]eventstore.Append{
		"nothing":       NewAppend(),
		"no events":     NewAppend(eventstore.Write{Subject: w.Ref}),
		"twice":         NewAppend(w.Write(1), w.Write(1)),
		"two tokens":    NewAppend(eventstore.Write{Subject: domain.Ref{Kind: domain.KindTask, ID: "a.b"}, Events: []domain.Event{Event("x")}}),
		"wildcard":      NewAppend(eventstore.Write{Subject: domain.Ref{Kind: domain.KindTask, ID: ">"}, Events: []domain.Event{Event("x")}}),
		"no kind":       NewAppend(eventstore.Write{Subject: domain.Ref{ID: "a"}, Events: []domain.Event{Event("x")}}),
		"no actor":      NewAppend(eventstore.Write{Subject: w.Ref, Events: []domain.Event{{Time: time.Now(), Authority: domain.RoleOffice, Data: &Noted{Text: "x"}}}}),
		"no data":       NewAppend(eventstore.Write{Subject: w.Ref, Events: []domain.Event{{Time: time.Now(), Authority: domain.RoleOffice, Actor: Actor}}}),
		"unknown type":  NewAppend(eventstore.Write{Subject: w.Ref, Events: []domain.Event{{Time: time.Now(), Authority: domain.RoleOffice, Actor: Actor, Data: &domain.Unknown{Type: "x"}}}}),
		"half a head":   NewAppend(eventstore.Write{Subject: w.Ref, Head: eventstore.Head{Version: 1}, Events: []domain.Event{Event("x")}}),
		"no command":    {Writes: []eventstore.Write{w.Write(1)}},
		"other subject": NewAppend(eventstore.Write{Subject: w.Ref, Events: []domain.Event{{Subject: Actor, Time: time.Now(), Authority: domain.RoleOffice, Actor: Actor, Data: &Noted{Text: "x"}}}}),
	}
	for name, a := range invalid {
		_, err := s.Append(t.Context(), a)
		assert.ErrorIs(t, err, eventstore.ErrInvalidAppend, name)
	}
	assert.Equal(t, before, mustStream(t, s).CachedInfo().State.LastSeq)

	most := NewWriter(s)
	assert.Len(t, most.Append(t, eventstore.MaxEvents), eventstore.MaxEvents)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = s.Append(ctx, w.Prepare(1))
	if err != nil { // it may have had its turn at once
		require.ErrorIs(t, err, context.Canceled)
	}
}

func testRecordedTime(t *testing.T, o Open) {
	var now atomic.Int64
	start := time.Date(2024, 5, 1, 8, 0, 0, 0, time.UTC)
	at := func(d time.Duration) { now.Store(start.Add(d).UnixNano()) }
	at(0)
	s := open(t, o, func(c *eventstore.Config) { c.Clock = func() time.Time { return time.Unix(0, now.Load()) } })
	w := NewWriter(s)
	at(10 * time.Second)
	first := w.Append(t, 1)[0]
	at(8500 * time.Millisecond)
	second := w.Append(t, 1)[0]
	assert.Equal(t, first.RecordedTime, second.RecordedTime, "the clock stepped back a little")
	at(7 * time.Second)
	_, err := s.Append(t.Context(), w.Prepare(1))
	require.ErrorIs(t, err, eventstore.ErrClockBehind)
	require.ErrorIs(t, s.Health(), eventstore.ErrClockBehind)
	_, err = load(t, s, w.Ref)
	require.NoError(t, err)
	require.NoError(t, s.Close())

	// Opened with such a clock the ledger can be read; it can be written once
	// the clock has caught up.
	s = open(t, o, func(c *eventstore.Config) { c.Clock = func() time.Time { return time.Unix(0, now.Load()) } })
	require.ErrorIs(t, s.Health(), eventstore.ErrClockBehind)
	assert.Len(t, Follow(t, s, 0, 3), 3)
	at(11 * time.Second)
	require.NoError(t, s.Health())
	w.s = s
	assert.Equal(t, uint64(5), w.Append(t, 1)[0].Seq, "ledger.opened comes before it")
}

func testFollow(t *testing.T, o Open) {
	s := open(t, o)
	a, b := NewWriter(s), NewWriter(s)
	a.Append(t, 3) // 2 3 4
	b.Append(t, 1) // 5
	for after := range uint64(6) {
		if after == 5 {
			continue
		}
		got := Follow(t, s, after, 5)
		require.Len(t, got, int(5-after), "after %d", after)
		for i, r := range got {
			assert.Equal(t, after+uint64(i)+1, r.Seq)
			assert.False(t, r.Voided)
		}
	}

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	batches := make(chan []eventstore.Record)
	ended := make(chan error, 1)
	go func() {
		ended <- s.Follow(ctx, 4, func(batch []eventstore.Record) error {
			batches <- batch
			return nil
		})
	}()
	require.Len(t, <-batches, 1)
	receipt, err := s.Append(ctx, NewAppend(a.Write(2), b.Write(2)))
	require.NoError(t, err)
	live := <-batches
	assert.Equal(t, receipt.Records, live, "live events, a transaction at once")
	cancel()
	require.ErrorIs(t, <-ended, context.Canceled)

	go func() { ended <- s.Follow(t.Context(), s.Acked(), func([]eventstore.Record) error { return nil }) }()
	require.NoError(t, s.Close())
	require.ErrorIs(t, <-ended, eventstore.ErrClosed)
}

func testFollowFarBehind(t *testing.T, o Open) {
	s := open(t, o)
	w := NewWriter(s)
	for range 9 {
		w.Append(t, eventstore.MaxEvents)
	}
	got := Follow(t, s, 0, 9001)
	// On a slow machine the store may have reopened on the way, which is an event
	// of its own: at least what was written is there, and nothing is left out.
	require.True(t, len(got) >= 9001, "%d records", len(got))
	for i, r := range got {
		if r.Seq != uint64(i)+1 {
			t.Fatalf("record %d has sequence %d", i, r.Seq)
		}
	}
	require.Len(t, Follow(t, s, 500, 9001), 8501)

	err := s.Follow(t.Context(), 99_999, func([]eventstore.Record) error { return nil })
	require.ErrorIs(t, err, eventstore.ErrGap, "a reader that has seen more than there is")
	require.ErrorIs(t, s.Health(), eventstore.ErrGap)
}

func testRace(t *testing.T, o Open) {
	s := open(t, o)
	shared := NewWriter(s)
	shared.Append(t, 1)
	const writers, rounds = 8, 6
	var won atomic.Int32
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			own := NewWriter(s)
			for range rounds {
				own.Append(t, 1)
				h, err := s.History(t.Context(), shared.Ref)
				assert.NoError(t, err)
				_, err = s.Append(t.Context(), NewAppend(eventstore.Write{Subject: shared.Ref, Head: h.Head, Events: []domain.Event{Event("mine")}}))
				switch {
				case err == nil:
					won.Add(1)
				default:
					assert.ErrorIs(t, err, eventstore.ErrConflict)
				}
			}
		})
	}
	wg.Wait()
	agg, err := load(t, s, shared.Ref)
	require.NoError(t, err)
	assert.Equal(t, uint64(won.Load())+1, agg.Head.Version)
	got := Follow(t, s, 0, s.Acked())
	assert.Len(t, got, 2+writers*rounds+int(won.Load()))
}

func testReopen(t *testing.T, o Open) {
	s := open(t, o)
	w := NewWriter(s)
	records := w.Append(t, 2)
	require.NoError(t, s.Close())
	require.ErrorIs(t, s.Health(), eventstore.ErrClosed)
	_, err := s.Append(t.Context(), w.Prepare(1))
	require.ErrorIs(t, err, eventstore.ErrClosed)

	s = open(t, o)
	agg, err := load(t, s, w.Ref)
	require.NoError(t, err)
	assert.Equal(t, records, agg.Records)
	assert.Equal(t, w.Head, agg.Head)
	w.s = s
	assert.Equal(t, uint64(5), w.Append(t, 1)[0].Seq)
	agg, err = load(t, s, domain.Ref{Kind: domain.KindLedger, ID: Org})
	require.NoError(t, err)
	assert.Equal(t, uint64(2), agg.Head.Version)
	none, err := load(t, s, domain.Ref{Kind: domain.KindTask, ID: "none"})
	require.NoError(t, err)
	assert.Zero(t, none.Head)
}

func testUnknownType(t *testing.T, o Open) {
	s := open(t, o)
	w := NewWriter(s)
	raw := w.Append(t, 1)[0].Raw
	require.NoError(t, s.Close())
	s = open(t, o, func(c *eventstore.Config) { c.Types = nil })
	agg, err := load(t, s, w.Ref)
	require.NoError(t, err)
	unknown := agg.Events()[0].Data.(*domain.Unknown)
	assert.Equal(t, "duban.storetest.noted.v1", unknown.Type)
	assert.JSONEq(t, `{"text":"note 1"}`, string(unknown.Raw))
	assert.Equal(t, raw, agg.Records[0].Raw)
	require.Error(t, domain.CheckKnown(agg.Events()))
	require.NoError(t, s.Health())
}

// testVoid writes what a crash may leave: the first events of a transaction.
func testVoid(t *testing.T, o Open) {
	s := open(t, o)
	w := NewWriter(s)
	w.Append(t, 1)
	part := func(index, count int) func(*eventstore.Record) {
		return func(r *eventstore.Record) { r.TxID, r.TxIndex, r.TxCount = "01HALF", index, count }
	}
	require.NoError(t, forge(t, s, w.Ref, part(1, 3)))

	// At the stream's end it might still be finished: held back everywhere.
	agg, err := load(t, s, w.Ref)
	require.NoError(t, err)
	assert.Equal(t, w.Head, agg.Head)

	other := NewWriter(s)
	other.Append(t, 1)
	got := Follow(t, s, 0, 4)
	require.Len(t, got, 4)
	assert.True(t, got[2].Voided)
	assert.False(t, got[3].Voided)
	agg, err = load(t, s, w.Ref)
	require.NoError(t, err)
	require.Len(t, agg.Records, 2)
	assert.True(t, agg.Records[1].Voided)
	assert.Len(t, agg.Events(), 1)
	assert.Equal(t, uint64(2), agg.Head.Version, "it keeps its version")

	// Its end without its beginning is void as well, and the chain goes on.
	w.Head = agg.Head
	require.NoError(t, forge(t, s, w.Ref, part(2, 3)))
	other.Append(t, 2)
	agg, err = load(t, s, w.Ref)
	require.NoError(t, err)
	assert.True(t, agg.Records[2].Voided)
	w.Head = agg.Head
	w.Append(t, 1)
	agg, err = load(t, s, w.Ref)
	require.NoError(t, err)
	assert.Len(t, agg.Events(), 2)
	require.NoError(t, s.Health())
	report, err := s.Audit(t.Context(), nil)
	require.NoError(t, err)
	assert.Len(t, report.Findings, 2)
	assert.True(t, report.Sound())
}

func operator() domain.Caller {
	return domain.Caller{Person: Actor, Office: domain.Ref{Kind: domain.KindOffice, ID: "o1"}, Role: domain.RoleSafetyOffice}
}

func accept(s *eventstore.Store, seq uint64) (eventstore.Receipt, error) {
	a := NewAppend()
	return s.Accept(context.Background(), eventstore.Acceptance{Sequence: seq, Reason: "测试写入", By: operator(), Command: a.Command, Key: a.Key})
}

func testUndecodable(t *testing.T, o Open) {
	s := open(t, o)
	w, other := NewWriter(s), NewWriter(s)
	w.Append(t, 1)
	_, err := jetStream(t, s).Publish(t.Context(), "ledger."+Org+".task."+w.Ref.ID, []byte("hello"))
	require.NoError(t, err)
	_, err = jetStream(t, s).Publish(t.Context(), "ledger."+Org+".nonsense.x", []byte("{}"))
	require.NoError(t, err)
	stopped := func(err error, seq uint64) {
		t.Helper()
		var odd *eventstore.EventError
		require.ErrorAs(t, err, &odd)
		require.ErrorIs(t, err, eventstore.ErrUndecodable)
		require.Equal(t, seq, odd.Sequence)
	}

	_, err = load(t, s, w.Ref)
	if s.Acked() >= 3 { // embedded, nobody sees what this store did not acknowledge
		stopped(err, 3)
	}
	// The next append finds the stream moved, looks, and refuses.
	_, err = s.Append(t.Context(), other.Prepare(1))
	require.ErrorIs(t, err, eventstore.ErrUndecodable)
	require.ErrorIs(t, s.Health(), eventstore.ErrUndecodable)

	s.Close()
	s = open(t, o)
	other.s, w.s = s, s
	require.ErrorIs(t, s.Health(), eventstore.ErrUndecodable, "readable, not writable")
	_, err = load(t, s, w.Ref)
	stopped(err, 3)
	var seen []uint64
	err = s.Follow(t.Context(), 0, func(batch []eventstore.Record) error {
		for _, r := range batch {
			seen = append(seen, r.Seq)
		}
		return nil
	})
	stopped(err, 3)
	assert.Equal(t, []uint64{1, 2}, seen, "everything before it is delivered")
	_, err = s.Append(t.Context(), other.Prepare(1))
	stopped(err, 3)

	_, err = accept(s, 2)
	require.ErrorIs(t, err, eventstore.ErrNotOdd)
	_, err = accept(s, 77)
	require.ErrorIs(t, err, eventstore.ErrNoEvent)
	_, err = accept(s, 3)
	require.NoError(t, err)
	err = s.Follow(t.Context(), 0, func([]eventstore.Record) error { return nil })
	stopped(err, 4)
	require.ErrorIs(t, s.Health(), eventstore.ErrUndecodable)
	_, err = accept(s, 4)
	require.NoError(t, err)
	require.NoError(t, s.Health())

	other.Append(t, 1)
	agg, err := load(t, s, w.Ref)
	require.NoError(t, err)
	require.Len(t, agg.Records, 2)
	require.Error(t, agg.Records[1].Undecodable)
	assert.Len(t, agg.Events(), 1)
	w.Head = agg.Head
	assert.Equal(t, uint64(3), w.Append(t, 1)[0].Version, "the chain goes on over the odd bytes")

	s.Close()
	s = open(t, o)
	require.NoError(t, s.Health(), "acceptances are found again")
	got := Follow(t, s, 0, s.Acked())
	assert.Len(t, got, int(s.Acked()))
	require.Error(t, got[2].Undecodable)
	require.Error(t, got[3].Undecodable)
	report, err := s.Audit(t.Context(), nil)
	require.NoError(t, err)
	assert.Empty(t, report.Findings)
	assert.Equal(t, uint64(2), report.Accepted)
}

func testBrokenChain(t *testing.T, o Open) {
	s := open(t, o)
	w := NewWriter(s)
	w.Append(t, 2)
	require.NoError(t, forge(t, s, w.Ref, func(r *eventstore.Record) { r.Previous = eventstore.Digest([]byte("else")) }))
	other := NewWriter(s)
	other.Append(t, 1) // 5: decodable, so this append does not see the break
	_, err := load(t, s, w.Ref)
	var odd *eventstore.EventError
	require.ErrorAs(t, err, &odd)
	assert.Equal(t, uint64(4), odd.Sequence)
	for _, after := range []uint64{0, 3} {
		err = s.Follow(t.Context(), after, func([]eventstore.Record) error { return nil })
		require.ErrorAs(t, err, &odd, "after %d", after)
		assert.Equal(t, uint64(4), odd.Sequence)
	}
	_, err = s.Append(t.Context(), other.Prepare(1))
	require.ErrorIs(t, err, eventstore.ErrUndecodable)
	_, err = accept(s, 4)
	require.NoError(t, err)
	other.Append(t, 1)
	agg, err := load(t, s, w.Ref)
	require.NoError(t, err)
	w.Head = agg.Head
	w.Append(t, 1)
	assert.Len(t, Follow(t, s, 0, 8), 8)
}

func testOddLedger(t *testing.T, o Open) {
	s := open(t, o)
	_, err := jetStream(t, s).Publish(t.Context(), "ledger."+Org+".ledger."+Org, []byte(`{"specversion":"0.3"}`))
	require.NoError(t, err)
	s.Close()
	s = open(t, o)
	require.ErrorIs(t, s.Health(), eventstore.ErrUndecodable)
	_, err = accept(s, 2)
	require.NoError(t, err)
	require.NoError(t, s.Health())
	NewWriter(s).Append(t, 1)
	assert.Len(t, Follow(t, s, 0, 5), 5)
}

// change updates the stream's settings behind the store's back.
func change(t *testing.T, s *eventstore.Store, f func(*jetstream.StreamConfig)) {
	t.Helper()
	cfg := mustStream(t, s).CachedInfo().Config
	f(&cfg)
	_, err := jetStream(t, s).UpdateStream(t.Context(), cfg)
	require.NoError(t, err)
}

func testDrift(t *testing.T, o Open) {
	s := open(t, o)
	w := NewWriter(s)
	w.Append(t, 1)
	change(t, s, func(c *jetstream.StreamConfig) { c.MaxMsgs = 100 })
	eventually(t, "drift is noticed", func() bool { return s.Health() != nil })
	_, err := s.Append(t.Context(), w.Prepare(1))
	var drift *eventstore.DriftError
	require.ErrorAs(t, err, &drift)
	require.ErrorIs(t, err, eventstore.ErrDrift)
	assert.Equal(t, []string{"max_msgs: want -1, have 100"}, drift.Differences)
	_, err = load(t, s, w.Ref)
	require.NoError(t, err, "reads go on")
	assert.Len(t, Follow(t, s, 0, 2), 2)

	s.Close()
	s = open(t, o)
	w.s = s
	require.ErrorIs(t, s.Health(), eventstore.ErrDrift, "at the next start too")
	assert.Equal(t, uint64(2), s.Acked(), "nothing was appended")
	change(t, s, func(c *jetstream.StreamConfig) { c.MaxMsgs = -1 })
	eventually(t, "mended", func() bool { return s.Health() == nil })
	assert.Equal(t, uint64(4), w.Append(t, 1)[0].Seq)

	for _, f := range []func(*jetstream.StreamConfig){
		func(c *jetstream.StreamConfig) { c.MaxAge = 24 * time.Hour },
		func(c *jetstream.StreamConfig) { c.AllowRollup, c.Subjects = true, append(c.Subjects, "other.>") },
	} {
		cfg := mustStream(t, s).CachedInfo().Config
		f(&cfg)
		if _, err := jetStream(t, s).UpdateStream(t.Context(), cfg); err != nil {
			continue // the server itself refuses some of them
		}
		eventually(t, "drift is noticed", func() bool { return errors.Is(s.Health(), eventstore.ErrDrift) })
	}
}

// testDropped: with a lower max_msgs the oldest events vanish at once, DenyDelete
// or not, if the discard policy is changed as well; with it alone, new ones are
// refused.
func testDropped(t *testing.T, o Open) {
	s := open(t, o)
	w := NewWriter(s)
	w.Append(t, 5)
	change(t, s, func(c *jetstream.StreamConfig) { c.MaxMsgs, c.Discard = 3, jetstream.DiscardOld })
	differ := func(want ...string) func() bool {
		return func() bool {
			var drift *eventstore.DriftError
			return errors.As(s.Health(), &drift) && slices.Equal(want, drift.Differences)
		}
	}
	eventually(t, "both are named", differ(`discard: want "new", have "old"`, "max_msgs: want -1, have 3", "first_seq: want 1, have 4"))
	change(t, s, func(c *jetstream.StreamConfig) { c.MaxMsgs, c.Discard = -1, jetstream.DiscardNew })
	eventually(t, "the loss stays", differ("first_seq: want 1, have 4"))
	_, err := s.Append(t.Context(), w.Prepare(1))
	require.ErrorIs(t, err, eventstore.ErrDrift)
	err = s.Follow(t.Context(), 0, func([]eventstore.Record) error { return nil })
	var gap *eventstore.GapError
	require.ErrorAs(t, err, &gap)
	assert.Equal(t, eventstore.GapError{Sequence: 1, Found: 4}, *gap)
	_, err = load(t, s, w.Ref)
	require.ErrorIs(t, err, eventstore.ErrUndecodable, "its chain begins in the middle")
	report, err := s.Audit(t.Context(), nil)
	require.NoError(t, err)
	require.NotEmpty(t, report.Findings)
	assert.Equal(t, eventstore.FindingGap, report.Findings[0].Kind)
	assert.Equal(t, uint64(1), report.Findings[0].Sequence)
}

func testDeleted(t *testing.T, o Open) {
	s := open(t, o)
	w := NewWriter(s)
	w.Append(t, 1)
	require.NoError(t, jetStream(t, s).DeleteStream(t.Context(), "LEDGER"))
	eventually(t, "the loss is noticed", func() bool { return s.Health() != nil })
	_, err := s.Append(t.Context(), w.Prepare(1))
	require.ErrorIs(t, err, eventstore.ErrDrift)
	require.NoError(t, s.Close())
	_, err = o()
	require.ErrorIs(t, err, eventstore.ErrDrift, "it is not made anew as if nothing had happened")
}

func testEvidence(t *testing.T, o Open) {
	s := open(t, o)
	big := make([]byte, 9<<20) // more chunks than may be on their way at once
	_, err := rand.Read(big)
	require.NoError(t, err)
	digest := func(b []byte) string { d := sha256.Sum256(b); return hex.EncodeToString(d[:]) }

	for _, content := range [][]byte{big, []byte("照片"), {}} {
		ev, err := s.PutEvidence(t.Context(), bytes.NewReader(content), "image/png", 50<<20)
		require.NoError(t, err)
		assert.Equal(t, domain.Evidence{SHA256: digest(content), Size: int64(len(content)), MediaType: "image/png"}, ev)
		rc, got, err := s.OpenEvidence(t.Context(), ev.SHA256)
		require.NoError(t, err)
		assert.Equal(t, ev, got)
		read, err := io.ReadAll(rc)
		require.NoError(t, err)
		require.NoError(t, rc.Close())
		require.True(t, bytes.Equal(content, read))
	}
	// Once is enough.
	bucket := func() uint64 {
		str, err := jetStream(t, s).Stream(t.Context(), "OBJ_EVIDENCE")
		require.NoError(t, err)
		return str.CachedInfo().State.LastSeq
	}
	before := bucket()
	ev, err := s.PutEvidence(t.Context(), bytes.NewReader(big), "text/plain", 0)
	require.NoError(t, err)
	assert.Equal(t, "image/png", ev.MediaType)
	assert.Equal(t, before, bucket())

	_, err = s.PutEvidence(t.Context(), bytes.NewReader(big), "", int64(len(big))-1)
	require.ErrorIs(t, err, eventstore.ErrEvidenceTooLarge)
	_, err = s.PutEvidence(t.Context(), io.MultiReader(strings.NewReader("x"), failing{}), "", 0)
	require.ErrorIs(t, err, errReader)
	assert.Equal(t, before, bucket())

	_, err = s.StatEvidence(t.Context(), digest([]byte("never")))
	require.ErrorIs(t, err, eventstore.ErrNoEvidence)
	_, err = s.StatEvidence(t.Context(), "../x")
	require.ErrorIs(t, err, eventstore.ErrNoEvidence)
	require.ErrorIs(t, s.WithdrawEvidence(t.Context(), digest([]byte("never"))), eventstore.ErrNoEvidence)

	require.NoError(t, s.WithdrawEvidence(t.Context(), digest(big)))
	require.NoError(t, s.WithdrawEvidence(t.Context(), digest(big)), "again does no harm")
	_, err = s.StatEvidence(t.Context(), digest(big))
	require.ErrorIs(t, err, eventstore.ErrEvidenceWithdrawn)
	_, _, err = s.OpenEvidence(t.Context(), digest(big))
	require.ErrorIs(t, err, eventstore.ErrEvidenceWithdrawn)
	str, err := jetStream(t, s).Stream(t.Context(), "OBJ_EVIDENCE")
	require.NoError(t, err)
	assert.Less(t, str.CachedInfo().State.Bytes, uint64(1<<20))
	// Somebody may upload it again.
	_, err = s.PutEvidence(t.Context(), bytes.NewReader(big), "image/png", 0)
	require.NoError(t, err)
	require.NoError(t, s.Health())
}

var errReader = errors.New("the client went away")

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errReader }

func testCredentials(t *testing.T, o Open) {
	s := open(t, o)
	key := hex.EncodeToString(make([]byte, 32))
	_, err := s.Credential(t.Context(), key)
	require.ErrorIs(t, err, eventstore.ErrNoCredential)
	_, err = s.Credential(t.Context(), "no key at all > *")
	require.ErrorIs(t, err, eventstore.ErrNoCredential)
	all, err := s.Credentials(t.Context())
	require.NoError(t, err)
	assert.Empty(t, all)

	c := eventstore.Credential{Person: Actor, Role: domain.RoleInspector, Created: time.Now().UTC().Truncate(time.Second), Note: "王工"}
	require.NoError(t, s.PutCredential(t.Context(), key, c))
	s.Close()
	s = open(t, o)
	c.TokenSHA256 = key
	got, err := s.Credential(t.Context(), key)
	require.NoError(t, err)
	assert.Equal(t, c, got)
	all, err = s.Credentials(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []eventstore.Credential{c}, all)
	c.Role = domain.RoleOffice // another now
	require.NoError(t, s.PutCredential(t.Context(), key, c))
	got, err = s.Credential(t.Context(), key)
	require.NoError(t, err)
	assert.Equal(t, c, got)
	require.NoError(t, s.RevokeCredential(t.Context(), key))
	_, err = s.Credential(t.Context(), key)
	require.ErrorIs(t, err, eventstore.ErrNoCredential)
	all, err = s.Credentials(t.Context())
	require.NoError(t, err)
	assert.Empty(t, all)
	assert.Equal(t, uint64(2), s.Acked(), "credentials are no events")
}

func testAudit(t *testing.T, o Open) {
	s := open(t, o)
	w := NewWriter(s)
	w.Append(t, 3)
	ev, err := s.PutEvidence(t.Context(), strings.NewReader("paper"), "text/plain", 0)
	require.NoError(t, err)
	noted := Event("with evidence")
	missing := eventstore.Digest([]byte("lost"))[len("sha256:"):]
	noted.Data = &Noted{Text: "x", Particulars: domain.Particulars{Evidence: []domain.Evidence{ev}}}
	append1 := func(e domain.Event) {
		receipt, err := s.Append(t.Context(), NewAppend(eventstore.Write{Subject: w.Ref, Head: w.Head, Events: []domain.Event{e}}))
		require.NoError(t, err)
		w.Advance(receipt)
	}
	append1(noted) // 5
	var steps []uint64
	report, err := s.Audit(t.Context(), func(seq uint64) { steps = append(steps, seq) })
	require.NoError(t, err)
	assert.Empty(t, report.Findings)
	assert.True(t, report.Sound())
	assert.Equal(t, []uint64{5, 2, 1, 5}, []uint64{report.Events, report.Aggregates, report.Transactions, report.Last})
	assert.Equal(t, 1, report.Evidence)
	assert.Equal(t, w.Head.Hash, report.LastHash)
	assert.Equal(t, []uint64{5}, steps)

	noted.Data = &Noted{Text: "x", Particulars: domain.Particulars{Evidence: []domain.Evidence{{SHA256: missing, Size: 1}}}}
	append1(noted)                                                                                                                      // 6
	require.NoError(t, forge(t, s, w.Ref, func(r *eventstore.Record) { r.RecordedTime = time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC) })) // 7
	require.NoError(t, forgeRaw(t, s, w.Ref, `{"half":`))                                                                               // 8
	s.Close()
	s = open(t, o)
	report, err = s.Audit(t.Context(), nil)
	require.NoError(t, err)
	type f struct {
		Seq  uint64
		Kind eventstore.FindingKind
	}
	var got []f
	for _, x := range report.Findings {
		got = append(got, f{x.Sequence, x.Kind})
	}
	assert.Equal(t, []f{{7, eventstore.FindingTime}, {8, eventstore.FindingOdd}, {6, eventstore.FindingEvidence}}, got)
}

func forgeRaw(t *testing.T, s *eventstore.Store, ref domain.Ref, raw string) error {
	t.Helper()
	_, err := jetStream(t, s).Publish(t.Context(), "ledger."+Org+"."+ref.Kind.String()+"."+ref.ID, []byte(raw))
	return err
}
