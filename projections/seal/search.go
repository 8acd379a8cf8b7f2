package seal

import (
	"context"
	"slices"
	"time"

	"golang.org/x/mod/sumdb/note"

	"duban/domain/calendar"
	"duban/eventstore"
)

// LastBefore returns the last head that was signed before a time, with its
// cosignatures, or eventstore.ErrNoHead. It looks at few of the heads there are.
func (s *Seal) LastBefore(ctx context.Context, t time.Time) (Head, error) {
	latest, err := s.Latest(ctx)
	if err != nil || latest.At.Before(t) {
		return latest, err
	}
	// The last of those before t stands in HEADS at low or behind it, and before high.
	var found Head
	for low, high := uint64(0), latest.Seq; low < high; {
		middle := low + (high-low)/2
		r, err := s.cfg.Store.HeadAfter(ctx, eventstore.HeadSigned, middle)
		if err != nil {
			return Head{}, err
		}
		h, err := s.published(ctx, r)
		if err != nil {
			return Head{}, err
		}
		if h.At.Before(t) {
			found, low = h, h.Seq
		} else {
			high = middle
		}
	}
	if found.Size == 0 {
		return Head{}, eventstore.ErrNoHead
	}
	return found, nil
}

// KeysAt returns the keys that the ledger knew of at a size.
func (s *Seal) KeysAt(size uint64) []Key {
	return slices.DeleteFunc(s.Keys(), func(k Key) bool { return k.From > size })
}

// Signer returns who signs what rests on a head, in the log's name: the newest of the
// keys that signed it. ErrNoKey if its private key is not here, as on a node that does
// not sign, or once an old one was put away.
func (s *Seal) Signer(h Head) (note.Signer, error) {
	ring, err := OpenKeyring(s.cfg.Dir)
	if err != nil {
		return nil, err
	}
	signers, err := ring.signers(s.KeysAt(h.Size), h.Size, calendar.On(h.At))
	if err != nil {
		return nil, err
	}
	return signers[0], nil
}
