package tree

import (
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// Tiles are as C2SP tlog-tiles has them.
const (
	Height = 8
	Width  = 1 << Height
	whole  = Width * tlog.HashSize // bytes of a full tile
)

// An edge is the right edge of a tree: the partial tile of each level, from which the
// tree grows and its root follows. A published edge is never changed.
type edge struct {
	size  int64
	tiles [][]byte // by level, fewer than Width hashes each
}

// A tileRow is a tile to be stored.
type tileRow struct {
	level int
	n     int64
	data  []byte
}

// grow returns the edge after more leaves, with the tiles that changed, each once.
func (e *edge) grow(leaves []tlog.Hash) (*edge, []tileRow, error) {
	next := &edge{size: e.size, tiles: make([][]byte, len(e.tiles))}
	for l, data := range e.tiles {
		next.tiles[l] = append(make([]byte, 0, whole), data...)
	}
	var rows []tileRow
	for _, leaf := range leaves {
		var err error
		if rows, err = next.add(leaf, rows); err != nil {
			return nil, nil, err
		}
	}
	for l, data := range next.tiles {
		if count := next.size >> (Height * l); len(data) > 0 && count != e.size>>(Height*l) {
			rows = append(rows, tileRow{l, count >> Height, data})
		}
	}
	return next, rows, nil
}

// add appends a leaf and, to rows, the tiles that are full with it.
func (e *edge) add(h tlog.Hash, rows []tileRow) ([]tileRow, error) {
	n := e.size // of h within its level
	e.size++
	for l := 0; ; l++ {
		if l == len(e.tiles) {
			e.tiles = append(e.tiles, make([]byte, 0, whole))
		}
		e.tiles[l] = append(e.tiles[l], h[:]...)
		data := e.tiles[l]
		if len(data) < whole {
			return rows, nil
		}
		rows = append(rows, tileRow{l, n >> Height, data})
		e.tiles[l] = make([]byte, 0, whole)
		n >>= Height
		var err error
		if h, err = top(l, n, data); err != nil {
			return nil, err
		}
	}
}

// top returns the hash over a full tile, which is one of the level above.
func top(level int, n int64, data []byte) (tlog.Hash, error) {
	t := tlog.Tile{H: Height, L: level, N: n, W: Width}
	half := Height*level + Height - 1
	left, err := tlog.HashFromTile(t, data, tlog.StoredHashIndex(half, 2*n))
	if err != nil {
		return tlog.Hash{}, fmt.Errorf("hash over tile %s: %w", t.Path(), err)
	}
	right, err := tlog.HashFromTile(t, data, tlog.StoredHashIndex(half, 2*n+1))
	if err != nil {
		return tlog.Hash{}, fmt.Errorf("hash over tile %s: %w", t.Path(), err)
	}
	return tlog.NodeHash(left, right), nil
}

// tile returns the bytes of a tile if it is one of the edge's.
func (e *edge) tile(level int, n int64) ([]byte, bool) {
	if level < len(e.tiles) && n == e.size>>(Height*level)>>Height {
		return e.tiles[level], true
	}
	return nil, false
}

// head returns the tree's size and root. The hashes it takes all lie on the edge.
func (e *edge) head() (tlog.Tree, error) {
	root, err := tlog.TreeHash(e.size, hashesOf(func(level int, n int64) ([]byte, error) {
		data, ok := e.tile(level, n)
		if !ok {
			return nil, fmt.Errorf("tile %d/%d is not on the edge of %d: %w", level, n, e.size, ErrDamaged)
		}
		return data, nil
	}))
	return tlog.Tree{N: e.size, Hash: root}, err
}

// hashesOf reads hashes from the tiles that tile returns. tile may return a wider
// one than is needed.
func hashesOf(tile func(level int, n int64) ([]byte, error)) tlog.HashReader {
	return tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		type place struct {
			level int
			n     int64
		}
		read := make(map[place][]byte, 4)
		out := make([]tlog.Hash, len(indexes))
		for i, x := range indexes {
			t := tlog.TileForIndex(Height, x)
			at := place{t.L, t.N}
			data, ok := read[at]
			if !ok {
				var err error
				if data, err = tile(t.L, t.N); err != nil {
					return nil, err
				}
				read[at] = data
			}
			var err error
			if out[i], err = tlog.HashFromTile(t, data, x); err != nil {
				return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
			}
		}
		return out, nil
	})
}
