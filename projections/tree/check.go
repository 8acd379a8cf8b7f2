package tree

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"duban/eventstore"
)

// Check is CheckHead with the tree's own head: it finds what is not as it was when the
// tree took it in.
func (t *Tree) Check(ctx context.Context, from, to uint64) error {
	return t.CheckHead(ctx, t.Head(), from, to)
}

// CheckHead reads the events from … to, both included, again from the stream and
// compares them with a head: every leaf hash is taken from tiles that add up to the
// head's root. With a signed head that finds an event that was changed in the stream,
// in the tree, or in both.
//
// A *DivergedError names the first event that differs or is missing. ErrDamaged says
// that the tiles don't add up to the head, so that they prove nothing about the
// stream: build the tree again and compare Root. ErrBeyond: the tree, or the head,
// does not reach that far.
func (t *Tree) CheckHead(ctx context.Context, head tlog.Tree, from, to uint64) error {
	if head.N < 0 || from < 1 || from > to || to > uint64(head.N) {
		return fmt.Errorf("%w: events %d to %d in %d", ErrBeyond, from, to, head.N)
	}
	if _, err := t.within(uint64(head.N)); err != nil {
		return err
	}
	c := check{proved: tlog.TileHashReader(head, t.TileReader()), to: to}
	err := t.cfg.Source.Raw(ctx, from, to, c.event)
	var gap *eventstore.GapError
	if errors.As(err, &gap) {
		return &DivergedError{Sequence: gap.Sequence, Missing: true}
	}
	return err
}

// A check compares events, in order, with the leaves of one tile after the other.
type check struct {
	proved tlog.HashReader // only hashes that are shown to be in the head
	to     uint64
	want   []tlog.Hash
	from   uint64 // sequence of want[0]
}

func (c *check) event(seq uint64, raw []byte) error {
	if seq-c.from >= uint64(len(c.want)) {
		if err := c.load(seq); err != nil {
			return err
		}
	}
	if tlog.RecordHash(raw) != c.want[seq-c.from] {
		return &DivergedError{Sequence: seq}
	}
	return nil
}

// load reads the leaves from seq to the end of its tile.
func (c *check) load(seq uint64) error {
	end := ((seq - 1) | (Width - 1)) + 1
	var indexes []int64
	for s := seq; s <= min(end, c.to); s++ {
		indexes = append(indexes, tlog.StoredHashIndex(0, int64(s-1)))
	}
	var err error
	if c.want, err = c.proved.ReadHashes(indexes); err != nil {
		if errors.Is(err, ErrBeyond) || errors.Is(err, ErrClosed) {
			return err
		}
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	c.from = seq
	return nil
}
