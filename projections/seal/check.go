package seal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

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
	if err := s.longEnough(h); err != nil {
		return err
	}
	if err := s.cfg.Tree.WaitFor(ctx, h.Size); err != nil {
		return named(err, h.Size)
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
func (s *Seal) longEnough(h Head) error {
	end := s.cfg.Store.Acked()
	if end >= h.Size {
		return nil
	}
	return &eventstore.MismatchError{Sequence: end + 1, Size: h.Size, Detail: fmt.Sprintf(
		"账本止于 %d，已签名的树头有 %d 个事件 / the ledger ends at %d, a head of %d events was signed", end, h.Size, end, h.Size)}
}

// compare reads events again and compares them with a head. A tree that does not add
// up to the head may be damaged itself, so it is made again from the stream first; if
// it still does not, the stream is not the one that was signed.
func (s *Seal) compare(ctx context.Context, h Head, from, to uint64) error {
	for again := false; ; again = true {
		root, err := s.cfg.Tree.Root(h.Size)
		if err == nil && root == h.Root {
			err = named(s.cfg.Tree.CheckHead(ctx, h.tree(), from, to), h.Size)
			if again || !errors.Is(err, tree.ErrDamaged) {
				return err
			}
		}
		switch {
		case again && err != nil:
			return fmt.Errorf("root of %d: %w", h.Size, err)
		case again:
			return s.locate(ctx, h)
		}
		s.cfg.Logger.WarnContext(ctx, "the tree is not that of the signed head and is made again", slog.Uint64("size", h.Size))
		again, ok := s.cfg.Tree.(interface {
			Rebuild(ctx context.Context, progress func(done uint64)) (uint64, error)
		})
		if !ok {
			continue
		}
		if _, err := again.Rebuild(ctx, nil); err != nil {
			return named(err, h.Size)
		}
	}
}

// named turns what a tree found into what stops writes.
func named(err error, size uint64) error {
	var diverged *tree.DivergedError
	var gap *tree.GapError
	found := &eventstore.MismatchError{Size: size}
	switch {
	case errors.As(err, &diverged):
		found.Sequence = diverged.Sequence
	case errors.As(err, &gap):
		found.Sequence = gap.Want
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
		h, err := readHead(r, s.Origin(), s.Keys())
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
