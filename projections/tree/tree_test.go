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

// TestTiles: every tile that a size ever had can be had, and proves what it should to
// a client that has the head only.
func TestTiles(t *testing.T) {
	const n = 1500
	s := newStream(n)
	r := run(t, s, file(t))
	r.reach(t, n)
	for _, size := range []int64{1, 255, 256, 257, 700, 1024, n} {
		root, err := r.Root(uint64(size))
		require.NoError(t, err)
		head := tlog.Tree{N: size, Hash: root}
		for _, tile := range tlog.NewTiles(tree.Height, 0, size) {
			data, err := r.Tile(tile)
			require.NoError(t, err)
			require.Len(t, data, tile.W*tlog.HashSize)
		}
		client := tlog.TileHashReader(head, r.TileReader())
		for _, seq := range []int64{1, size/2 + 1, size} {
			got, err := client.ReadHashes([]int64{tlog.StoredHashIndex(0, seq-1)})
			require.NoError(t, err)
			require.Equal(t, tlog.RecordHash(event(uint64(seq))), got[0])
		}
	}
	for _, tile := range []tlog.Tile{
		{H: 8, L: 0, N: 5, W: 221}, {H: 8, L: 0, N: 6, W: 1}, {H: 8, L: 1, N: 0, W: 6}, {H: 8, L: 2, N: 0, W: 1}, {H: 8, L: 63, N: 0, W: 1},
		{H: 8, L: 0, N: 1 << 60, W: 256}, {H: 8, L: 0, N: 0, W: 0}, {H: 8, L: 0, N: 0, W: 257}, {H: 8, L: -1, N: 0, W: 1}, {H: 7, L: 0, N: 0, W: 1},
		{H: 8, L: 0, N: -1, W: 1},
	} {
		_, err := r.Tile(tile)
		require.ErrorIs(t, err, tree.ErrBeyond, "%+v", tile)
	}
}

func TestBeyond(t *testing.T) {
	s := newStream(10)
	r := run(t, s, file(t))
	r.reach(t, 10)
	_, err := r.Root(11)
	require.ErrorIs(t, err, tree.ErrBeyond)
	for _, at := range [][2]uint64{{0, 10}, {11, 10}, {1, 11}, {1, 1 << 63}, {1, 0}} {
		_, err := r.Inclusion(at[0], at[1])
		require.ErrorIs(t, err, tree.ErrBeyond, "%v", at)
		require.ErrorIs(t, r.Check(t.Context(), at[0], at[1]), tree.ErrBeyond, "%v", at)
	}
	for _, at := range [][2]uint64{{5, 11}, {6, 5}, {1 << 63, 10}} {
		_, err := r.Consistency(at[0], at[1])
		require.ErrorIs(t, err, tree.ErrBeyond, "%v", at)
	}
	proof, err := r.Consistency(0, 10)
	require.NoError(t, err)
	require.Empty(t, proof)
	root, err := r.Root(0)
	require.NoError(t, err)
	empty, err := tlog.TreeHash(0, nil)
	require.NoError(t, err)
	require.Equal(t, empty, root)
}

func TestClosed(t *testing.T) {
	s := newStream(300)
	r := run(t, s, file(t))
	r.reach(t, 300)
	waiting := make(chan error, 1)
	go func() { waiting <- r.WaitFor(context.WithoutCancel(t.Context()), 301) }()
	r.halt(t)
	require.ErrorIs(t, <-waiting, tree.ErrClosed)
	require.ErrorIs(t, r.Close(), tree.ErrClosed)
	require.ErrorIs(t, r.Err(), tree.ErrClosed)
	_, err := r.Inclusion(1, 300)
	require.ErrorIs(t, err, tree.ErrClosed)
	_, err = r.Rebuild(t.Context(), nil)
	require.Error(t, err)
}

// TestLinger: events are collected, and whoever waits for one does not wait for that.
func TestLinger(t *testing.T) {
	s := newStream(1)
	tr, err := tree.Open(t.Context(), tree.Config{Path: file(t), Source: s, Linger: time.Hour})
	require.NoError(t, err)
	ran := make(chan error, 1)
	go func() { ran <- tr.Run(context.WithoutCancel(t.Context())) }()
	for n := uint64(1); n < 20; n++ {
		require.NoError(t, tr.WaitFor(t.Context(), n))
		s.append(event(n + 1))
	}
	require.NoError(t, tr.Close())
	require.NoError(t, <-ran)
}
