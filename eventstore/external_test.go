package eventstore_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"duban/domain"
	"duban/eventstore"
	"duban/eventstore/storetest"
)

func TestExternal(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Open {
		return external(t, startExternal(t, nil))
	})
}

func external(t *testing.T, srv *server.Server) storetest.Open {
	return func(change ...func(*eventstore.Config)) (*eventstore.Store, error) {
		cfg := storetest.Config()
		cfg.URL = srv.ClientURL()
		for _, f := range change {
			f(&cfg)
		}
		return eventstore.Open(t.Context(), cfg)
	}
}

// startExternal runs a server on loopback and a random port.
func startExternal(t *testing.T, change func(*server.Options)) *server.Server {
	t.Helper()
	opts := &server.Options{
		ServerName: "one", Host: "127.0.0.1", Port: server.RANDOM_PORT, NoSigs: true, NoLog: true,
		JetStream: true, StoreDir: t.TempDir(), SyncAlways: true,
	}
	if change != nil {
		change(opts)
	}
	srv, err := server.NewServer(opts)
	require.NoError(t, err)
	srv.Start()
	t.Cleanup(func() {
		srv.Shutdown()
		srv.WaitForShutdown()
	})
	require.True(t, srv.ReadyForConnections(10*time.Second))
	return srv
}

// TestTwoNodes: two stores write to the same ledger at the same time. Nothing is
// lost, recordedtime does not run backwards although the clocks differ, and each
// follower sees everything.
func TestTwoNodes(t *testing.T) {
	o := external(t, startExternal(t, nil))
	skew := func(d time.Duration) func(*eventstore.Config) {
		return func(c *eventstore.Config) { c.Clock = func() time.Time { return time.Now().Add(d) } }
	}
	a, err := o(skew(0))
	require.NoError(t, err)
	defer a.Close()
	b, err := o(skew(-900 * time.Millisecond))
	require.NoError(t, err)
	defer b.Close()

	shared := domain.Ref{Kind: domain.KindOffice, ID: "shared"}
	const rounds = 40
	var wg sync.WaitGroup
	var won [2]int
	for i, s := range []*eventstore.Store{a, b} {
		wg.Go(func() {
			w := storetest.NewWriter(s)
			for range rounds {
				w.Append(t, 1+i)
				agg, err := s.Load(t.Context(), shared)
				assert.NoError(t, err)
				_, err = s.Append(t.Context(), storetest.NewAppend(eventstore.Write{
					Subject: shared, Head: agg.Head, Events: []domain.Event{storetest.Event("mine")},
				}))
				if err == nil {
					won[i]++
				} else {
					assert.ErrorIs(t, err, eventstore.ErrConflict)
				}
			}
		})
	}
	wg.Wait()
	want := 2 + rounds + 2*rounds + won[0] + won[1]
	for _, s := range []*eventstore.Store{a, b} {
		got := storetest.Follow(t, s, 0, uint64(want))
		require.Len(t, got, want)
		for i := 1; i < len(got); i++ {
			require.False(t, got[i].RecordedTime.Before(got[i-1].RecordedTime), "recordedtime runs backwards at %d", got[i].Seq)
		}
		agg, err := s.Load(t.Context(), shared)
		require.NoError(t, err)
		assert.Equal(t, uint64(won[0]+won[1]), agg.Head.Version)
		report, err := s.Audit(t.Context(), nil)
		require.NoError(t, err)
		assert.Empty(t, report.Findings)
	}
}

// TestReconnect: the external server goes away and comes back.
func TestReconnect(t *testing.T) {
	dir := t.TempDir()
	srv := startExternal(t, func(o *server.Options) { o.StoreDir = dir })
	port := srv.Addr().(*net.TCPAddr).Port
	s, err := external(t, srv)(func(c *eventstore.Config) {
		c.AckTimeout, c.ReadTimeout, c.RecoverTimeout = 300*time.Millisecond, 300*time.Millisecond, 300*time.Millisecond
	})
	require.NoError(t, err)
	defer s.Close()
	w := storetest.NewWriter(s)
	w.Append(t, 1)
	got := make(chan uint64, 100)
	go func() {
		_ = s.Follow(t.Context(), 0, func(batch []eventstore.Record) error {
			for _, r := range batch {
				got <- r.Seq
			}
			return nil
		})
	}()
	srv.Shutdown()
	srv.WaitForShutdown()
	_, err = s.Append(t.Context(), w.Prepare(1))
	require.ErrorIs(t, err, eventstore.ErrUnavailable)
	require.ErrorIs(t, s.Health(), eventstore.ErrUnavailable)

	startExternal(t, func(o *server.Options) { o.StoreDir, o.Port = dir, port })
	require.Eventually(t, func() bool { return s.Health() == nil }, 10*time.Second, 10*time.Millisecond)
	agg, err := s.Load(t.Context(), w.Ref)
	require.NoError(t, err)
	require.Equal(t, w.Head, agg.Head, "the append that failed was not recorded")
	last := w.Append(t, 1)[0].Seq
	for want := uint64(1); want <= last; want++ {
		require.Equal(t, want, <-got)
	}
}

// TestRolledBack: behind the store's back the server comes back with older data.
func TestRolledBack(t *testing.T) {
	now, old := t.TempDir(), filepath.Join(t.TempDir(), "old")
	srv := startExternal(t, func(o *server.Options) { o.StoreDir = now })
	port := srv.Addr().(*net.TCPAddr).Port
	stop := func() {
		srv.Shutdown()
		srv.WaitForShutdown()
	}
	s, err := external(t, srv)()
	require.NoError(t, err)
	w := storetest.NewWriter(s)
	w.Append(t, 1)
	require.NoError(t, s.Close())
	stop()
	require.NoError(t, os.CopyFS(old, os.DirFS(now)))
	srv = startExternal(t, func(o *server.Options) { o.StoreDir, o.Port = now, port })
	s, err = external(t, srv)()
	require.NoError(t, err)
	defer s.Close()
	agg, err := s.Load(t.Context(), w.Ref)
	require.NoError(t, err)
	_, err = s.Append(t.Context(), storetest.NewAppend(eventstore.Write{Subject: w.Ref, Head: agg.Head, Events: []domain.Event{storetest.Event("x")}}))
	require.NoError(t, err)
	stop()
	srv = startExternal(t, func(o *server.Options) { o.StoreDir, o.Port = old, port })
	var drift *eventstore.DriftError
	require.Eventually(t, func() bool { return errors.As(s.Health(), &drift) }, 10*time.Second, 10*time.Millisecond)
	assert.Equal(t, []string{"last_seq: want at least 4, have 2"}, drift.Differences)
	_, err = s.Append(t.Context(), storetest.NewWriter(s).Prepare(1))
	require.ErrorIs(t, err, eventstore.ErrDrift)
}

// TestCluster: three servers keep three replicas; two can't, and are refused.
func TestCluster(t *testing.T) {
	if testing.Short() {
		t.Skip("starts five servers")
	}
	for _, n := range []int{3, 2} {
		t.Run(fmt.Sprint(n, " servers"), func(t *testing.T) {
			servers := startCluster(t, n)
			var s *eventstore.Store
			var err error
			require.Eventually(t, func() bool { // until the cluster has its leader
				s, err = external(t, servers[0])()
				return err == nil || errors.Is(err, eventstore.ErrReplicas)
			}, 20*time.Second, 100*time.Millisecond)
			if n < 3 {
				require.ErrorIs(t, err, eventstore.ErrReplicas)
				return
			}
			require.NoError(t, err)
			defer s.Close()
			w := storetest.NewWriter(s)
			w.Append(t, 1)
			w.Append(t, 3)
			agg, err := s.Load(t.Context(), w.Ref)
			require.NoError(t, err)
			require.Equal(t, w.Head, agg.Head)
			b, err := external(t, servers[1])()
			require.NoError(t, err)
			defer b.Close()
			agg, err = b.Load(t.Context(), w.Ref)
			require.NoError(t, err)
			require.Equal(t, w.Head, agg.Head)
			require.Len(t, storetest.Follow(t, b, 0, 6), 6)
			require.NoError(t, s.Health())
		})
	}
}

func startCluster(t *testing.T, n int) []*server.Server {
	var servers []*server.Server
	routes := ""
	for i := range n {
		servers = append(servers, startExternal(t, func(o *server.Options) {
			o.ServerName = fmt.Sprint("n", i)
			o.Cluster = server.ClusterOpts{Name: "c", Host: "127.0.0.1", Port: server.RANDOM_PORT}
			o.Routes = server.RoutesFromStr(routes)
		}))
		if routes == "" {
			routes = "nats://" + servers[0].ClusterAddr().String()
		}
	}
	return servers
}
