package tree

import (
	"fmt"
	"math"

	"golang.org/x/mod/sumdb/tlog"
)

// within checks a size against the tree's own.
func (t *Tree) within(size uint64) (int64, error) {
	if have := t.Size(); size > have || size > math.MaxInt64 {
		return 0, fmt.Errorf("%w: %d > %d", ErrBeyond, size, have)
	}
	return int64(size), nil
}

// Root returns the root over the first size events.
func (t *Tree) Root(size uint64) (tlog.Hash, error) {
	n, err := t.within(size)
	if err != nil {
		return tlog.Hash{}, err
	}
	if head := t.Head(); head.N == n {
		return head.Hash, nil
	}
	root, err := tlog.TreeHash(n, t.HashReader())
	return root, t.wrap(err, "root of %d", size)
}

// Inclusion returns the proof that the event seq is in the tree of the first size
// events: leaf seq − 1 for tlog.CheckRecord.
func (t *Tree) Inclusion(seq, size uint64) (tlog.RecordProof, error) {
	n, err := t.within(size)
	if err != nil {
		return nil, err
	}
	if seq < 1 || seq > size {
		return nil, fmt.Errorf("%w: event %d in %d", ErrBeyond, seq, size)
	}
	proof, err := tlog.ProveRecord(n, int64(seq-1), t.HashReader())
	return proof, t.wrap(err, "prove event %d in %d", seq, size)
}

// Consistency returns the proof that the tree of the first to events begins with that
// of the first from. Of nothing there is nothing to prove: the proof is empty.
func (t *Tree) Consistency(from, to uint64) (tlog.TreeProof, error) {
	n, err := t.within(to)
	if err != nil {
		return nil, err
	}
	if from > to {
		return nil, fmt.Errorf("%w: %d > %d", ErrBeyond, from, to)
	}
	if from == 0 {
		return tlog.TreeProof{}, nil
	}
	proof, err := tlog.ProveTree(n, int64(from), t.HashReader())
	return proof, t.wrap(err, "prove that %d continues %d", to, from)
}

func (t *Tree) wrap(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf(format+": %w", append(args, err)...)
}

// Tile returns a tile of height 8, whole or partial. Each size up to the tree's has
// its own partial tiles; all of them can be had.
func (t *Tree) Tile(tile tlog.Tile) ([]byte, error) {
	if tile.H != Height || tile.L < 0 || tile.N < 0 || tile.W < 1 || tile.W > Width {
		return nil, fmt.Errorf("%w: %+v", ErrBeyond, tile)
	}
	count := int64(0) // hashes in the tile's level
	if tile.L < 64/Height {
		count = t.Head().N >> (Height * tile.L)
	}
	if tile.N > count>>Height || tile.N<<Height+int64(tile.W) > count {
		return nil, fmt.Errorf("%w: %s", ErrBeyond, tile.Path())
	}
	data, err := t.tile(tile.L, tile.N)
	if err != nil {
		return nil, err
	}
	if len(data) < tile.W*tlog.HashSize {
		err := fmt.Errorf("%w: %s", ErrDamaged, tile.Path())
		t.distrust(err)
		return nil, err
	}
	return data[: tile.W*tlog.HashSize : tile.W*tlog.HashSize], nil
}

// tile returns the widest tile there is. The caller does not change it.
func (t *Tree) tile(level int, n int64) ([]byte, error) {
	t.mu.Lock()
	f, e, users, closed := t.file, t.edge, t.users, t.closed
	if closed {
		t.mu.Unlock()
		return nil, ErrClosed
	}
	users.Add(1)
	t.mu.Unlock()
	defer users.Done()
	if data, ok := e.tile(level, n); ok {
		return data, nil
	}
	data, err := f.tile(t.ctx, level, n)
	if damaged(err) {
		t.distrust(err)
	}
	return data, err
}

// HashReader reads the tree's hashes, by the numbers of tlog.StoredHashIndex, as they
// are stored.
func (t *Tree) HashReader() tlog.HashReader { return hashesOf(t.tile) }

// TileReader reads tiles of the tree, for tlog.TileHashReader.
func (t *Tree) TileReader() tlog.TileReader { return tileReader{t} }

type tileReader struct{ t *Tree }

func (r tileReader) Height() int { return Height }

func (r tileReader) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	out := make([][]byte, len(tiles))
	for i, tile := range tiles {
		var err error
		if out[i], err = r.t.Tile(tile); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (r tileReader) SaveTiles([]tlog.Tile, [][]byte) {}
