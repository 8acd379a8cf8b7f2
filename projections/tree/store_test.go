package tree_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/tlog"

	"duban/eventstore"
	"duban/eventstore/storetest"
	"duban/projections/tree"
)

// TestOnTheRealStore: the leaves are the stored bytes of all events, those of void
// transactions and those nobody can read with them.
func TestOnTheRealStore(t *testing.T) {
	cfg := storetest.Config()
	cfg.Dir = t.TempDir()
	s, err := eventstore.Open(t.Context(), cfg)
	require.NoError(t, err)
	t.Cleanup(func() { _ = s.Close() })
	r := run(t, s, file(t))
	w := storetest.NewWriter(s)
	w.Append(t, 300)
	storetest.Half(t, s, w.Ref)
	storetest.NewWriter(s).Append(t, 700)
	records := storetest.Follow(t, s, 0, s.Acked())
	voided := 0
	o := newOracle()
	for _, rec := range records {
		o.AppendData(rec.Raw)
		if rec.Voided {
			voided++
			require.NoError(t, r.WaitFor(t.Context(), rec.Seq))
			proof, err := r.Inclusion(rec.Seq, rec.Seq)
			require.NoError(t, err)
			root, err := r.Root(rec.Seq)
			require.NoError(t, err)
			require.NoError(t, tlog.CheckRecord(proof, int64(rec.Seq), root, int64(rec.Seq-1), tlog.Hash(rec.LeafHash())))
		}
	}
	require.Equal(t, 1, voided)
	last := uint64(len(records))
	r.reach(t, last)
	root, err := r.Root(last)
	require.NoError(t, err)
	require.Equal(t, o.Hash(), root[:])
	require.NoError(t, r.Check(t.Context(), 1, last))

	// Appends go on beside a rebuild.
	done := make(chan error, 1)
	go func() { _, err := r.Rebuild(t.Context(), nil); done <- err }()
	for range 20 {
		storetest.NewWriter(s).Append(t, 10)
	}
	require.NoError(t, <-done)
	r.reach(t, s.Acked())
	require.NoError(t, r.Check(t.Context(), 1, r.Size()))
	require.Zero(t, r.Stats().Lag)

	// The store ends, and so does the following; the tree goes on from there.
	require.NoError(t, s.Close())
	require.ErrorIs(t, <-r.ended, eventstore.ErrClosed)
	before := r.Head()
	require.NoError(t, r.Close())
	s, err = eventstore.Open(t.Context(), cfg)
	require.NoError(t, err)
	t.Cleanup(func() { _ = s.Close() })
	again := run(t, s, r.path)
	again.reach(t, s.Acked())
	proof, err := again.Consistency(uint64(before.N), again.Size())
	require.NoError(t, err)
	require.NoError(t, tlog.CheckTree(proof, again.Head().N, again.Head().Hash, before.N, before.Hash))
}

var _ tree.Source = (*stream)(nil)
