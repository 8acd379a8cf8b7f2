package tree_test

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/tlog"

	"duban/eventstore"
	"duban/projections/tree"
)

var _ tree.Source = (*eventstore.Store)(nil)

// patience is how long a test waits for what must happen.
const patience = 20 * time.Second

// A running tree.
type running struct {
	*tree.Tree
	path  string
	ended chan error // what Run returned
	stop  context.CancelFunc
}

// open opens the tree at path over s, which is not followed yet.
func open(t *testing.T, s tree.Source, path string) *running {
	t.Helper()
	tr, err := tree.Open(t.Context(), tree.Config{Path: path, Source: s, Linger: -1})
	require.NoError(t, err)
	r := &running{Tree: tr, path: path, ended: make(chan error, 1), stop: func() {}}
	t.Cleanup(func() { r.stop(); _ = r.Close() })
	return r
}

func run(t *testing.T, s tree.Source, path string) *running {
	t.Helper()
	r := open(t, s, path)
	r.follow(t)
	return r
}

func (r *running) follow(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	r.stop = cancel
	go func() { r.ended <- r.Run(ctx) }()
}

// halt ends the following and closes the file.
func (r *running) halt(t *testing.T) {
	t.Helper()
	r.stop()
	require.NoError(t, <-r.ended)
	require.NoError(t, r.Close())
}

func (r *running) reach(t *testing.T, seq uint64) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	require.NoError(t, r.WaitFor(ctx, seq))
}

func file(t *testing.T) string { t.Helper(); return filepath.Join(t.TempDir(), "tree.db") }

func TestProofsHoldAtEverySize(t *testing.T) {
	const n = 700
	s := newStream(n)
	r := run(t, s, file(t))
	r.reach(t, n)
	head := r.Head()
	require.Equal(t, int64(n), head.N)
	for size := uint64(1); size <= n; size += 7 {
		root, err := r.Root(size)
		require.NoError(t, err)
		proof, err := r.Consistency(size, n)
		require.NoError(t, err)
		require.NoError(t, tlog.CheckTree(proof, n, head.Hash, int64(size), root))
		for _, seq := range []uint64{1, size/2 + 1, size} {
			proof, err := r.Inclusion(seq, size)
			require.NoError(t, err)
			require.NoError(t, tlog.CheckRecord(proof, int64(size), root, int64(seq-1), tlog.RecordHash(event(seq))))
		}
	}
	require.NoError(t, r.CheckHead(t.Context(), head, 1, n))
}
