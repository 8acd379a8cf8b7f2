package eventstore_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/oklog/ulid/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"duban/domain"
	"duban/eventstore"
	"duban/eventstore/storetest"
)

// TestClusterLosesItsLeader: many writers on two nodes share groups, and the
// stream's leader stops among them. Whoever gets no answer looks and sends the same
// command again: nothing acknowledged is lost and nothing recorded twice.
func TestClusterLosesItsLeader(t *testing.T) {
	if testing.Short() {
		t.Skip("starts three servers")
	}
	servers := startCluster(t, 3)
	open := func(srv *server.Server) (s *eventstore.Store) {
		require.Eventually(t, func() bool { // until the cluster has its leader
			var err error
			s, err = external(t, srv)(func(c *eventstore.Config) { c.AckTimeout = 2 * time.Second })
			return err == nil
		}, 20*time.Second, 100*time.Millisecond)
		t.Cleanup(func() { s.Close() })
		return s
	}
	nodes := []*eventstore.Store{open(servers[0]), open(servers[1])}

	const writers, rounds = 32, 20 // on each node
	var done atomic.Int64
	halfway := make(chan struct{})
	var wg sync.WaitGroup
	var all []*clusterWriter
	for _, s := range nodes {
		for range writers {
			w := &clusterWriter{s: s, ref: domain.Ref{Kind: domain.KindTask, ID: ulid.Make().String()}}
			all = append(all, w)
			wg.Go(func() {
				for range rounds {
					if !assert.NoError(t, w.record(t)) {
						return
					}
					if done.Add(1) == writers*rounds {
						close(halfway)
					}
				}
			})
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	var followers sync.WaitGroup
	for _, s := range nodes { // as their read models do all the time
		followers.Go(func() {
			next := uint64(1)
			err := s.Follow(ctx, 0, func(batch []eventstore.Record) error {
				for _, r := range batch {
					assert.Equal(t, next, r.Seq)
					next++
				}
				return nil
			})
			assert.ErrorIs(t, err, context.Canceled)
		})
	}
	<-halfway
	leader := slices.IndexFunc(servers, func(s *server.Server) bool { return s.JetStreamIsStreamLeader(server.DEFAULT_GLOBAL_ACCOUNT, "LEDGER") })
	require.GreaterOrEqual(t, leader, 0)
	servers[leader].Shutdown()
	wg.Wait()
	cancel()
	followers.Wait()

	var commits, appends uint64
	for _, s := range nodes {
		for _, w := range all {
			agg, err := w.load(t, s)
			require.NoError(t, err)
			require.Equal(t, w.ids, commandsOf(agg), "each command once, in the order they were acknowledged")
		}
		got := storetest.Follow(t, s, 0, s.Acked())
		for i, r := range got {
			require.Equal(t, uint64(i)+1, r.Seq)
		}
		report, err := s.Audit(t.Context(), nil)
		require.NoError(t, err)
		assert.Empty(t, report.Findings)
		stats := s.Stats()
		commits, appends = commits+stats.Commits, appends+stats.Appends
	}
	assert.Less(t, commits, appends, "commands share commits")
}

// TestLeaderBehind: a server that follows the stream's leader may show an event
// before the leader has applied it. Only what the leader lacks for long is lost.
func TestLeaderBehind(t *testing.T) {
	if testing.Short() {
		t.Skip("starts three servers")
	}
	open := openCluster(t)
	s := open(func(c *eventstore.Config) { c.CheckEvery = 10 * time.Millisecond })
	other := storetest.NewWriter(open(func(*eventstore.Config) {}))
	w := storetest.NewWriter(s)
	w.Append(t, 1)

	last := other.Append(t, 1)[0].Seq
	s.SeenElsewhere(last + 6)
	head := w.Head
	done := make(chan error, 1)
	go func() { // the stream moved under it, so it looks where the stream ends
		_, err := s.Append(t.Context(), w.Prepare(1))
		done <- err
	}()
	followed := make(chan []eventstore.Record, 1)
	go func() {
		defer close(followed)
		followed <- storetest.Follow(t, s, last, last+7)
	}()
	asked := s.Conn().Stats().OutMsgs
	require.Eventually(t, func() bool { return s.Conn().Stats().OutMsgs > asked+5 }, 10*time.Second, time.Millisecond)
	other.Append(t, 6)
	require.NoError(t, <-done)
	require.Len(t, <-followed, 7)
	agg, err := s.Load(t.Context(), w.Ref)
	require.NoError(t, err)
	require.Equal(t, head.Version+1, agg.Head.Version)
	report, err := s.Audit(t.Context(), nil)
	require.NoError(t, err)
	require.Empty(t, report.Findings)
	require.NoError(t, s.Health())

	impatient := open(func(c *eventstore.Config) { c.CheckEvery, c.LeaderTimeout = 10*time.Millisecond, 100*time.Millisecond })
	impatient.SeenElsewhere(impatient.Acked() + 5)
	var drift *eventstore.DriftError
	require.Eventually(t, func() bool { return errors.As(impatient.Health(), &drift) }, 10*time.Second, 10*time.Millisecond)
	_, err = impatient.Append(t.Context(), storetest.NewWriter(impatient).Prepare(1))
	require.ErrorIs(t, err, eventstore.ErrDrift)
}

// TestClusterShorterThanSigned: a cluster whose ledger lacks events that were signed is
// never written to, neither while it might still have them nor afterwards.
func TestClusterShorterThanSigned(t *testing.T) {
	if testing.Short() {
		t.Skip("starts three servers")
	}
	open := openCluster(t)
	impatient := func(c *eventstore.Config) {
		c.CheckEvery, c.ReadTimeout, c.LeaderTimeout = 10*time.Millisecond, 500*time.Millisecond, 2*time.Second
	}
	s := open(impatient)
	storetest.NewWriter(s).Append(t, 1)
	signer := open(func(*eventstore.Config) {})
	last := signer.Acked()
	signer.SeenElsewhere(last + 5)
	_, err := signer.AppendHead(t.Context(), eventstore.HeadRecord{Kind: eventstore.HeadSigned, Size: last + 5, Data: []byte("head")}, 0)
	require.NoError(t, err)
	require.NoError(t, signer.Close())

	var found *eventstore.MismatchError
	require.Eventually(t, func() bool { return errors.As(s.Health(), &found) }, 20*time.Second, 10*time.Millisecond)
	assert.Equal(t, last+1, found.Sequence)
	again := open(impatient)
	require.ErrorAs(t, again.Health(), &found)
	assert.Equal(t, last, again.Acked(), "ledger.opened was not appended either")
	_, err = again.Append(t.Context(), storetest.NewWriter(again).Prepare(1))
	require.ErrorIs(t, err, eventstore.ErrMismatch)
}

// openCluster starts a cluster of three and returns what opens its ledger.
func openCluster(t *testing.T) func(change func(*eventstore.Config)) *eventstore.Store {
	servers := startCluster(t, 3)
	return func(change func(*eventstore.Config)) (s *eventstore.Store) {
		require.Eventually(t, func() bool { // until the cluster has its leader
			var err error
			s, err = external(t, servers[0])(change)
			return err == nil
		}, 20*time.Second, 100*time.Millisecond)
		t.Cleanup(func() { s.Close() })
		return s
	}
}

// A clusterWriter records one command after the other on an aggregate of its own.
type clusterWriter struct {
	s    *eventstore.Store
	ref  domain.Ref
	head eventstore.Head
	ids  []string // of the commands acknowledged or found recorded
}

// record records one command, however often it has to be sent.
func (w *clusterWriter) record(t *testing.T) error {
	key := ulid.Make()
	for {
		a := storetest.KeyedAppend(key, eventstore.Write{Subject: w.ref, Head: w.head, Events: []domain.Event{storetest.Event("x")}})
		receipt, err := w.s.Append(t.Context(), a)
		if err == nil {
			r := receipt.Records[0]
			w.head = eventstore.Head{Seq: r.Seq, Version: r.Version, Hash: r.Hash()}
			w.ids = append(w.ids, a.Command.ID)
			return nil
		}
		if !errors.Is(err, eventstore.ErrUnavailable) && !errors.Is(err, eventstore.ErrConflict) {
			return err
		}
		agg, err := w.load(t, w.s)
		if err != nil {
			return err
		}
		w.head = agg.Head
		if len(agg.Find(a.Command.ID)) > 0 {
			w.ids = append(w.ids, a.Command.ID)
			return nil
		}
	}
}

// load loads the aggregate, again while there is no leader.
func (w *clusterWriter) load(t *testing.T, s *eventstore.Store) (eventstore.Aggregate, error) {
	for {
		agg, err := s.Load(t.Context(), w.ref)
		if !errors.Is(err, eventstore.ErrUnavailable) {
			return agg, err
		}
	}
}

func commandsOf(agg eventstore.Aggregate) (ids []string) {
	for _, r := range agg.Records {
		ids = append(ids, r.CommandID)
	}
	return ids
}
