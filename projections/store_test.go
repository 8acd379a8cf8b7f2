package projections

import (
	"context"
	"os"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"duban/domain/vocabulary"
	"duban/eventstore"
)

// The model on the real store: it follows, is deleted, rebuilt and reopened while
// events come in, and is equal to a replay in the end.
func TestOnTheRealStore(t *testing.T) {
	s, err := eventstore.Open(context.Background(), eventstore.Config{Org: testOrg, Dir: t.TempDir(), Types: vocabulary.Payloads()})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	dir := t.TempDir()
	m := open(t, s, dir)
	ctx, cancel := context.WithCancel(context.Background())
	ran := make(chan error)
	go func() { ran <- m.Run(ctx) }()

	c := populate(t, s, 60)
	var wg sync.WaitGroup
	wg.Go(func() {
		for range 5 {
			c.report(int(s.Acked()) + 100)
		}
	})
	for range 3 {
		_, err := m.Rebuild(context.Background(), nil)
		require.NoError(t, err)
	}
	require.NoError(t, os.RemoveAll(dir))
	wg.Wait()
	settle(t, m, s)
	require.NoError(t, m.Verify(context.Background()))
	page, err := now(t, m).Tasks(context.Background(), TaskQuery{Today: "2019-12-01", Limit: 500})
	require.NoError(t, err)
	require.Equal(t, 60, page.Total)
	cancel()
	require.NoError(t, <-ran)
	require.NoError(t, m.Close())

	m = open(t, s, dir)
	start(t, m)
	settle(t, m, s)
	require.NoError(t, m.Verify(context.Background()))
}
