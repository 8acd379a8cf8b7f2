package dossier

import (
	"errors"
	"fmt"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/tlog"
)

// tilesOf returns all hash tiles of a tree, in the order of the dossier.
func tilesOf(size uint64) []tlog.Tile {
	return tlog.NewTiles(torchwood.TileHeight, 0, int64(size))
}

// tileCount is len(tilesOf(size)) without making them.
func tileCount(size uint64) uint64 {
	n := uint64(0)
	for ; size > 0; size >>= torchwood.TileHeight {
		n += (size + torchwood.TileWidth - 1) / torchwood.TileWidth
	}
	return n
}

// tileReader lets tlog.TileHashReader read the dossier's tiles. Those above the
// leaves are asked for again and again and kept: there are few of them, one for
// 65,536 events.
type tileReader struct {
	read func(tlog.Tile) ([]byte, error)
	kept map[tlog.Tile][]byte
}

const keptTiles = 1024

func (t *tileReader) Height() int { return torchwood.TileHeight }

func (t *tileReader) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	out := make([][]byte, len(tiles))
	for i, tile := range tiles {
		if b, ok := t.kept[tile]; ok {
			out[i] = b
			continue
		}
		b, err := t.read(tile)
		if err != nil {
			return nil, err
		}
		if len(b) != tile.W*tlog.HashSize {
			return nil, fmt.Errorf("%s: %d 字节，应为 %d / %d bytes instead of %d", tilePath(tile), len(b), tile.W*tlog.HashSize, len(b), tile.W*tlog.HashSize)
		}
		out[i] = b
		if tile.L > 0 {
			if len(t.kept) >= keptTiles {
				clear(t.kept)
			}
			t.kept[tile] = b
		}
	}
	return out, nil
}

func (t *tileReader) SaveTiles([]tlog.Tile, [][]byte) {}

func hashReader(tree tlog.Tree, read func(tlog.Tile) ([]byte, error)) tlog.HashReader {
	return tlog.TileHashReader(tree, &tileReader{read, map[tlog.Tile][]byte{}})
}

// leaves compares events with the leaves of the tree. It holds one tile's leaves,
// which tlog proved to hang in the root.
type leaves struct {
	tree   tlog.Tree
	hashes tlog.HashReader
	tile   int64 // the tile that held holds, if it holds any
	held   []tlog.Hash
}

var errNotLeaf = errors.New("与签名树中该序号的叶子不符 / is not the leaf at its sequence of the signed tree")

// check compares the hash of the event at seq with its leaf.
func (l *leaves) check(seq uint64, hash tlog.Hash) error {
	leaf, err := l.at(seq)
	if err == nil && leaf != hash {
		err = errNotLeaf
	}
	return err
}

func (l *leaves) load(tile int64) error {
	first := tile * torchwood.TileWidth
	indexes := make([]int64, min(torchwood.TileWidth, l.tree.N-first))
	for i := range indexes {
		indexes[i] = tlog.StoredHashIndex(0, first+int64(i))
	}
	held, err := l.hashes.ReadHashes(indexes)
	if err != nil {
		return fmt.Errorf("%s: %w", tilePath(tlog.Tile{H: torchwood.TileHeight, L: 0, N: tile, W: len(indexes)}), err)
	}
	l.tile, l.held = tile, held
	return nil
}

// at returns the leaf at seq.
func (l *leaves) at(seq uint64) (tlog.Hash, error) {
	n := int64(seq) - 1
	if seq == 0 || n >= l.tree.N {
		return tlog.Hash{}, fmt.Errorf("序号 %d 不在树内 / sequence %d is not in the tree", seq, seq)
	}
	if tile := n / torchwood.TileWidth; l.held == nil || tile != l.tile {
		if err := l.load(tile); err != nil {
			return tlog.Hash{}, err
		}
	}
	return l.held[n-l.tile*torchwood.TileWidth], nil
}
