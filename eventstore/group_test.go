package eventstore

import (
	"context"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"duban/domain"
)

// A gate holds publishes back, so that a test decides what waits behind one.
type gate struct {
	s       *Store
	shut    atomic.Bool
	arrived chan struct{}
	orders  chan order
	sizes   []int // events of each publish that was stored
}

// An order says what becomes of a publish.
type order struct {
	send bool
	lose error // the answer, whatever the server says
}

var pass = order{send: true}

func newGate(t *testing.T, queue int) *gate {
	s, err := Open(t.Context(), Config{Org: "a", Dir: t.TempDir(), Queue: queue})
	require.NoError(t, err)
	t.Cleanup(func() { s.Close() })
	g := &gate{s: s, arrived: make(chan struct{}), orders: make(chan order)}
	s.intercept = func(publish func() (uint64, error)) (uint64, error) {
		if !g.shut.Load() {
			return publish()
		}
		g.arrived <- struct{}{}
		o := <-g.orders
		before := s.Acked()
		var seq uint64
		var err error
		if o.send {
			if seq, err = publish(); err == nil {
				g.sizes = append(g.sizes, int(seq-before))
			}
		}
		if o.lose != nil {
			return 0, o.lose
		}
		return seq, err
	}
	return g
}

// answers are what appends came to, in the order they were queued.
func (g *gate) queue(t *testing.T, appends ...Append) []chan outcome {
	t.Helper()
	answers := make([]chan outcome, len(appends))
	for i, a := range appends {
		answers[i] = make(chan outcome, 1)
		before := len(g.s.queue)
		go func() {
			receipt, err := g.s.Append(context.Background(), a)
			answers[i] <- outcome{receipt, err}
		}()
		for len(g.s.queue) == before {
			runtime.Gosched()
		}
	}
	return answers
}

// lead has one append at the gate, so that what is queued next waits behind it.
func (g *gate) lead() chan outcome {
	answer := make(chan outcome, 1)
	go func() {
		receipt, err := g.s.Append(context.Background(), noteAppend(1))
		answer <- outcome{receipt, err}
	}()
	<-g.arrived
	return answer
}

// open lets the publish at the gate through and n more, then leaves it shut.
func (g *gate) open(n int) {
	g.orders <- pass
	for range n {
		<-g.arrived
		g.orders <- pass
	}
}

func TestWhatWaitsGoesTogether(t *testing.T) {
	g := newGate(t, 0)
	g.shut.Store(true)
	first := g.lead()
	appends := []Append{noteAppend(1), noteAppend(3), noteAppend(1), noteAppend(2)}
	answers := g.queue(t, appends...)
	g.open(1)
	lead := <-first
	require.NoError(t, lead.err)
	next := lead.receipt.Records[0].Seq
	for i, answer := range answers {
		out := <-answer
		require.NoError(t, out.err)
		n := len(appends[i].Writes[0].Events)
		require.Len(t, out.receipt.Records, n)
		for j, r := range out.receipt.Records {
			next++
			assert.Equal(t, next, r.Seq, "in the order they came, side by side")
			if n == 1 {
				assert.Zero(t, r.TxCount, "a group is no transaction")
			} else {
				assert.Equal(t, [2]int{j + 1, n}, [2]int{r.TxIndex, r.TxCount})
			}
		}
		agg, err := g.s.Load(t.Context(), appends[i].Writes[0].Subject)
		require.NoError(t, err)
		assert.Equal(t, out.receipt.Records, agg.Records)
	}
	assert.Equal(t, []int{1, 7}, g.sizes)
	report, err := g.s.Audit(t.Context(), nil)
	require.NoError(t, err)
	assert.Empty(t, report.Findings)
}

// A lone writer's event is a single publish and no batch.
func TestLoneWriterNeedsNoBatch(t *testing.T) {
	g := newGate(t, 0)
	receipt, err := g.s.Append(t.Context(), noteAppend(1))
	require.NoError(t, err)
	js, err := jetstream.New(g.s.Conn())
	require.NoError(t, err)
	stream, err := js.Stream(t.Context(), streamName)
	require.NoError(t, err)
	m, err := stream.GetMsg(t.Context(), receipt.Records[0].Seq)
	require.NoError(t, err)
	assert.Empty(t, m.Header.Get("Nats-Batch-Id"))
}

// at returns an append of one event behind a head.
func at(ref domain.Ref, h Head) Append {
	a := noteAppend(1)
	a.Writes[0].Subject, a.Writes[0].Head = ref, h
	return a
}

func endOf(r Record) Head { return Head{Seq: r.Seq, Version: r.Version, Hash: r.Hash()} }

func TestEachOfAGroupHasItsOwnOutcome(t *testing.T) {
	g := newGate(t, 0)
	known, err := g.s.Append(t.Context(), noteAppend(1))
	require.NoError(t, err)
	ref, head := known.Records[0].Subject, endOf(known.Records[0])
	resting := noteAppend(1) // on what the second moves
	resting.Expect = []Expectation{{Subject: ref, Head: head}}
	earlier := noteAppend(1) // the same, but before it moves
	earlier.Expect = resting.Expect
	whole := noteAppend(1) // on there being nothing new at all
	whole.Last = known.Records[0].Seq + 1

	g.shut.Store(true)
	first := g.lead()
	answers := g.queue(t,
		earlier,
		at(ref, head),
		at(ref, head),    // loses against the one before it
		at(ref, Head{}),  // stale from the start
		noteAppend(1),    // has nothing to do with it
		resting,          // has to be decided again
		whole,            // the same
		noteAppend(1000), // too many for this group
	)
	go g.open(2)
	require.NoError(t, (<-first).err)
	var got []string
	for _, answer := range answers {
		out := <-answer
		var conflict *ConflictError
		switch {
		case out.err == nil:
			got = append(got, "recorded")
		case assert.ErrorAs(t, out.err, &conflict):
			got = append(got, "conflict")
		}
	}
	assert.Equal(t, []string{"recorded", "recorded", "conflict", "conflict", "recorded", "conflict", "conflict", "recorded"}, got)
	assert.Equal(t, []int{1, 3, 1000}, g.sizes)
	report, err := g.s.Audit(t.Context(), nil)
	require.NoError(t, err)
	assert.Empty(t, report.Findings)
}

// The server stores a whole group, or nothing of it, and its answer is lost:
// everyone is told what became of his own.
func TestLostAnswerOfAGroup(t *testing.T) {
	for name, stored := range map[string]bool{"stored": true, "not sent": false} {
		t.Run(name, func(t *testing.T) {
			g := newGate(t, 0)
			g.shut.Store(true)
			first := g.lead()
			appends := []Append{noteAppend(2), noteAppend(1), noteAppend(3)}
			answers := g.queue(t, appends...)
			g.orders <- pass
			require.NoError(t, (<-first).err)
			<-g.arrived
			g.shut.Store(false)
			g.orders <- order{send: stored, lose: nats.ErrTimeout}
			for i, answer := range answers {
				out := <-answer
				if !stored {
					require.ErrorIs(t, out.err, ErrUnavailable)
					continue
				}
				require.NoError(t, out.err)
				agg, err := g.s.Load(t.Context(), appends[i].Writes[0].Subject)
				require.NoError(t, err)
				assert.Equal(t, out.receipt.Records, agg.Records)
			}
			require.NoError(t, g.s.Health())
			report, err := g.s.Audit(t.Context(), nil)
			require.NoError(t, err)
			assert.Empty(t, report.Findings)
		})
	}
}

// What one message of a group stumbles over is told to the one who sent it; the
// others go on. The server only says that something in the batch was wrong.
func TestRejectedGroup(t *testing.T) {
	g := newGate(t, 0)
	known, err := g.s.Append(t.Context(), noteAppend(1))
	require.NoError(t, err)
	ref := known.Records[0].Subject
	g.shut.Store(true)
	first := g.lead()
	answers := g.queue(t, noteAppend(1), at(ref, Head{}), noteAppend(2))
	g.s.heads.remove(ref) // forgotten, as in a large ledger: only the server knows
	go g.open(2)
	require.NoError(t, (<-first).err)
	require.NoError(t, (<-answers[0]).err)
	require.ErrorIs(t, (<-answers[1]).err, ErrConflict)
	require.NoError(t, (<-answers[2]).err)
	assert.Equal(t, []int{1, 3}, g.sizes)
}

// A group that goes on being refused for no reason of its own is taken apart.
func TestGroupIsTakenApart(t *testing.T) {
	g := newGate(t, 0)
	g.shut.Store(true)
	first := g.lead()
	answers := g.queue(t, noteAppend(1), noteAppend(2))
	g.orders <- pass
	require.NoError(t, (<-first).err)
	for range aloneAfter {
		<-g.arrived
		g.orders <- order{lose: &jetstream.APIError{ErrorCode: codeWrongSequence}}
	}
	<-g.arrived
	go g.open(1)
	for _, answer := range answers {
		require.NoError(t, (<-answer).err)
	}
	assert.Equal(t, []int{1, 1, 2}, g.sizes)
}

func TestOverload(t *testing.T) {
	g := newGate(t, 2)
	g.shut.Store(true)
	first := g.lead()
	answers := g.queue(t, noteAppend(1), noteAppend(1))
	_, err := g.s.Append(t.Context(), noteAppend(1))
	require.ErrorIs(t, err, ErrOverloaded)
	g.open(1)
	require.NoError(t, (<-first).err)
	for _, answer := range answers {
		require.NoError(t, (<-answer).err)
	}
}

// Who gives up while waiting takes his append back, also where the group at hand
// had no room for it.
func TestGivingUpWhileHeld(t *testing.T) {
	g := newGate(t, 0)
	g.shut.Store(true)
	first := g.lead()
	answers := g.queue(t, noteAppend(MaxEvents))
	ctx, cancel := context.WithCancel(t.Context())
	taken := noteAppend(1)
	gone := make(chan error, 1)
	go func() {
		_, err := g.s.Append(ctx, taken)
		gone <- err
	}()
	for len(g.s.queue) < 2 {
		runtime.Gosched()
	}
	g.orders <- pass
	require.NoError(t, (<-first).err)
	<-g.arrived // the group of the one; the other is held
	cancel()
	require.ErrorIs(t, <-gone, context.Canceled)
	g.shut.Store(false)
	g.orders <- pass
	require.NoError(t, (<-answers[0]).err)
	_, err := g.s.Append(t.Context(), noteAppend(1))
	require.NoError(t, err, "whatever was held has had its turn")
	agg, err := g.s.Load(t.Context(), taken.Writes[0].Subject)
	require.NoError(t, err)
	assert.Empty(t, agg.Records)
}

// A group waits for those who still load what they decide on, unless its writer is a
// lone one.
func TestCrowd(t *testing.T) {
	s := &Store{cfg: Config{Org: "a"}, ctx: context.Background(), queue: make(chan *request, 1), heads: newCache[domain.Ref, Head](1)}
	r, err := s.prepare(noteAppend(1))
	require.NoError(t, err)
	s.queue <- r
	for _, x := range []struct {
		active  int
		loading int64
		takes   int
	}{
		{0, 1, 0},
		{1, 0, 0},
		{1, 1, 1},
	} {
		s.loading.Store(x.loading)
		c := &committer{s: s, active: x.active, took: time.Hour}
		g := &group{requests: []*request{{}}, written: map[domain.Ref]bool{}}
		began := time.Now()
		c.await(context.Background(), g)
		assert.Len(t, g.requests, 1+x.takes)
		assert.Len(t, s.queue, 1-x.takes)
		if x.takes > 0 {
			assert.GreaterOrEqual(t, time.Since(began), crowdWait, "others may come")
		}
	}
}
