package seal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/tlog"

	"duban/domain"
	"duban/eventstore"
	"duban/projections/tree"
)

// tree returns the head as tlog has it.
func (h Head) tree() tlog.Tree { return tlog.Tree{N: int64(h.Size), Hash: h.Root} }

// check compares the ledger with its last head: it has to be as long, its tree has
// to have that root, and the events since that head, with some before it, have to be
// the tree's leaves when they are read again. What is older is the audit's.
func (s *Seal) check(ctx context.Context, h Head) error {
	if err := s.cfg.Tree.WaitFor(ctx, h.Size); err != nil {
		return s.judge(ctx, h, err)
	}
	from := max(h.Size, s.cfg.Window) - s.cfg.Window + 1
	if err := s.compare(ctx, h, from, h.Size); err != nil {
		return err
	}
	if now := s.cfg.Tree.Head(); uint64(now.N) > h.Size {
		return named(s.cfg.Tree.CheckHead(ctx, now, h.Size+1, uint64(now.N)), uint64(now.N))
	}
	return nil
}

// longEnough makes sure that the ledger has all events a head was signed over.
func (s *Seal) longEnough(size uint64) error {
	end := s.cfg.Store.Acked()
	if end >= size {
		return nil
	}
	return &eventstore.MismatchError{Sequence: end + 1, Size: size, Detail: fmt.Sprintf(
		"账本止于 %d，已签名的树头有 %d 个事件 / the ledger ends at %d, a head of %d events was signed", end, size, end, size)}
}

// compare reads events again and compares them with a head. A tree that does not add
// up to the head may be damaged itself, so it is made again from the stream first; if
// it still does not, the stream is not the one that was signed.
func (s *Seal) compare(ctx context.Context, h Head, from, to uint64) error {
	for again := false; ; again = true {
		root, err := s.cfg.Tree.Root(h.Size)
		if err == nil && root == h.Root {
			err = s.cfg.Tree.CheckHead(ctx, h.tree(), from, to)
			if again || !errors.Is(err, tree.ErrDamaged) {
				return named(err, h.Size)
			}
		}
		switch {
		case again && err != nil:
			return fmt.Errorf("root of %d: %w", h.Size, err)
		case again:
			return s.locate(ctx, h)
		}
		s.cfg.Logger.WarnContext(ctx, "the tree is not that of the signed head and is made again", slog.Uint64("size", h.Size))
		if _, err := s.cfg.Tree.Rebuild(ctx, nil); err != nil {
			return s.judge(ctx, h, err)
		}
	}
}

// errTree: it is the tree that is not what it was.
var errTree = errors.New("账本与已签名的树头一致，默克尔树文件却不是它的，请停止服务、删除 tree.db 后再启动 / the ledger is what was signed, the file of the tree is not: stop, remove tree.db, and start again")

// judge decides, where tree and stream disagree, by the signed head. What is younger
// than the head was not signed: of that, a tree that has the head's root is believed,
// since it only ever took in what was acknowledged.
func (s *Seal) judge(ctx context.Context, h Head, err error) error {
	found := named(err, h.Size)
	var m *eventstore.MismatchError
	if !errors.As(found, &m) && !errors.Is(err, tree.ErrDamaged) {
		return found
	}
	if root, err := s.cfg.Tree.Root(h.Size); m != nil && m.Sequence > h.Size && err == nil && root == h.Root {
		return found
	}
	root, rerr := s.streamRoot(ctx, h.Size)
	switch {
	case rerr == nil && root == h.Root:
		return fmt.Errorf("%w: %w", errTree, err)
	case rerr != nil && !errors.Is(rerr, eventstore.ErrGap):
		return rerr
	}
	return found
}

// streamRoot hashes the first size events as they stand in the stream. Of the hashes it
// keeps those that later ones need.
func (s *Seal) streamRoot(ctx context.Context, size uint64) (tlog.Hash, error) {
	edge := map[int64]tlog.Hash{}
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(indexes))
		for i, x := range indexes {
			out[i] = edge[x]
		}
		return out, nil
	})
	err := s.cfg.Store.Raw(ctx, 1, size, func(seq uint64, raw []byte) error {
		n := int64(seq - 1)
		hashes, err := tlog.StoredHashesForRecordHash(n, tlog.RecordHash(raw), reader)
		if err != nil {
			return err
		}
		next := map[int64]tlog.Hash{}
		for i, h := range hashes {
			edge[tlog.StoredHashIndex(0, n)+int64(i)] = h
		}
		for _, x := range torchwood.RightEdge(n + 1) {
			next[x] = edge[x]
		}
		edge = next
		return nil
	})
	if err != nil {
		return tlog.Hash{}, err
	}
	return tlog.TreeHash(int64(size), reader)
}

// named turns what a tree found into what stops writes.
func named(err error, size uint64) error {
	var diverged *tree.DivergedError
	var gap *eventstore.GapError
	found := &eventstore.MismatchError{Size: size}
	switch {
	case errors.As(err, &diverged):
		found.Sequence = diverged.Sequence
	case errors.As(err, &gap):
		found.Sequence = gap.Sequence
	default:
		return err
	}
	zh, en := domain.Halves(err.Error())
	found.Detail = zh + " / " + en
	return found
}

// locate finds, with the heads there are, between which of them the ledger ceases to
// be what was signed. Once a root differs all later ones do.
func (s *Seal) locate(ctx context.Context, last Head) error {
	good, bad := uint64(0), last
	for lo, hi := uint64(0), last.Seq; lo+1 < hi; {
		mid := lo + (hi-lo)/2
		r, err := s.cfg.Store.HeadAfter(ctx, eventstore.HeadSigned, mid-1)
		if err != nil {
			return err
		}
		if r.Seq >= hi { // only cosignatures between
			hi = mid
			continue
		}
		h, err := s.read(r)
		if err != nil {
			return mismatch(r.Size, err)
		}
		root, err := s.cfg.Tree.Root(h.Size)
		if err != nil {
			return fmt.Errorf("root of %d: %w", h.Size, err)
		}
		if root == h.Root {
			lo, good = r.Seq, h.Size
		} else {
			hi, bad = r.Seq, h
		}
	}
	return &eventstore.MismatchError{Sequence: good + 1, Size: bad.Size, Detail: fmt.Sprintf(
		"序号 %d 至 %d 之间的事件与当时签名的不同 / an event between %d and %d is not the one that was signed", good+1, bad.Size, good+1, bad.Size)}
}
