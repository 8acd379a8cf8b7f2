package seal

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"filippo.io/torchwood"

	"duban/eventstore"
)

// A Binding ties the first events of a ledger to a signed head over at least as many:
// what a backup carries so that whoever restores it can tell that it holds what was
// signed, to its last event.
type Binding struct {
	Events uint64
	Note   []byte         // the head, with its cosignatures
	Proof  tlog.TreeProof // that the tree of the events is a beginning of the head's
}

// Bind ties the first events to a head.
func (s *Seal) Bind(h Head, events uint64) (Binding, error) {
	b := Binding{Events: events, Note: h.Note, Proof: tlog.TreeProof{}}
	if h.Size < events {
		return b, fmt.Errorf("%w：%d 个事件，树头只有 %d 个 / %d events, the head has %d", ErrUnbound, events, h.Size, events, h.Size)
	}
	if h.Size == events {
		return b, nil
	}
	proof, err := s.cfg.Tree.Consistency(events, h.Size)
	if err != nil {
		return b, fmt.Errorf("prove %d to extend %d: %w", h.Size, events, err)
	}
	b.Proof = proof
	return b, nil
}

// ErrUnbound says that no signed head is over all events.
var ErrUnbound = errors.New("没有覆盖全部事件的签名树头 / no signed head is over all events")

// CheckBinding compares the ledger with the head of a binding, signed by the keys that
// the ledger itself names and, if there is one, as a policy wants it. A
// *eventstore.MismatchError names where the ledger ceases to be what was signed. Run
// need not be running, the tree has to be.
func (s *Seal) CheckBinding(ctx context.Context, b Binding, policy torchwood.Policy) (Head, error) {
	if _, err := s.Inspect(ctx, nil); err != nil {
		return Head{}, err
	}
	h, err := s.openBound(b)
	if err != nil {
		return Head{}, mismatch(h.Size, err)
	}
	if policy != nil {
		if _, _, err := torchwood.VerifyCheckpoint(b.Note, policy); err != nil {
			return Head{}, fmt.Errorf("%w: %w", errAgainstPolicy, err)
		}
	}
	if err := s.cfg.Tree.WaitFor(ctx, b.Events); err != nil {
		return Head{}, named(err, h.Size)
	}
	root, err := s.cfg.Tree.Root(b.Events)
	if err != nil {
		return Head{}, fmt.Errorf("root of %d: %w", b.Events, err)
	}
	if h.Size == b.Events && root == h.Root || h.Size > b.Events && tlog.CheckTree(b.Proof, int64(h.Size), h.Root, int64(b.Events), root) == nil {
		return h, nil
	}
	last, err := s.storedHead(ctx) // up to there it was compared
	if err != nil {
		return Head{}, err
	}
	return Head{}, &eventstore.MismatchError{Sequence: last.Size + 1, Size: h.Size, Detail: fmt.Sprintf(
		"序号 %d 至 %d 之间的事件与当时签名的不同 / an event between %d and %d is not the one that was signed", last.Size+1, b.Events, last.Size+1, b.Events)}
}

var errAgainstPolicy = errors.New("树头不符合 --policy 的策略 / the head does not satisfy the --policy")

// openBound verifies the signature on a binding's head. What is signed over more events
// than the ledger has is of the incarnation the ledger ends in.
func (s *Seal) openBound(b Binding) (Head, error) {
	origin := s.OriginAt(b.Events)
	known, err := verifiers(keysOf(s.Keys(), origin), b.Events)
	if err != nil {
		return Head{}, err
	}
	n, err := note.Open(b.Note, known)
	if err != nil {
		return Head{}, fmt.Errorf("树头的签名无效 / the head's signature is not valid: %w", err)
	}
	c, err := torchwood.ParseCheckpoint(n.Text)
	switch {
	case err != nil:
		return Head{}, fmt.Errorf("%w: %w", errRecord, err)
	case c.Origin != origin || c.Extension != "":
		return Head{}, fmt.Errorf("树头属于另一账本 %s / the head is of another log, %s", c.Origin, c.Origin)
	case uint64(c.N) < b.Events:
		return Head{Size: uint64(c.N)}, ErrUnbound
	}
	return Head{Size: uint64(c.N), Root: c.Hash, Note: b.Note}, nil
}
