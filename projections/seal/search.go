package seal

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"time"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/note"

	"duban/domain/calendar"
	"duban/eventstore"
)

// LastBefore returns the last head of at most size events that was signed before a
// time, with its cosignatures, or eventstore.ErrNoHead. It looks at few of the heads
// there are.
func (s *Seal) LastBefore(ctx context.Context, t time.Time, size uint64) (Head, error) {
	early := func(h Head) bool { return h.Size <= size && h.At.Before(t) }
	latest, err := s.Latest(ctx)
	if err != nil || early(latest) {
		return latest, err
	}
	// The last early one stands in HEADS behind low, or was found there, and before high.
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
		if early(h) {
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

// KeysAt returns the keys that the ledger knew of at a size, as it knew them then: that
// the last of them was given an end later is not among it.
func (s *Seal) KeysAt(size uint64) []Key {
	all := s.Keys()
	keys := slices.DeleteFunc(keysOf(all, s.OriginAt(size)), func(k Key) bool { return k.From > size })
	if n := len(keys); n > 0 && n < len(all) {
		keys[n-1].Until = ""
	}
	return keys
}

// Signers returns who signs what rests on a head, in the log's name: the keys that signed
// it, the newest first, without an old one that was put away. ErrNoKey if the private key of
// the newest is not here, as on a node that does not sign.
func (s *Seal) Signers(h Head) ([]note.Signer, error) {
	ring, err := OpenKeyring(s.cfg.Dir)
	if err != nil {
		return nil, err
	}
	return ring.signers(s.KeysAt(h.Size), h.Size, calendar.On(h.At))
}

// PolicyOf returns a C2SP tlog-policy that a head satisfies: the log's keys of its day,
// and the witnesses with their quorum if the head has it.
func (s *Seal) PolicyOf(h Head) []byte {
	logs := FormatPolicy(s.OriginAt(h.Size), s.KeysAt(h.Size), calendar.On(h.At))
	if s.cfg.Witnessing.Policy.Policy == nil {
		return logs
	}
	var b bytes.Buffer
	b.Write(bytes.TrimSuffix(logs, []byte("quorum none\n")))
	for line := range strings.Lines(string(s.cfg.Witnessing.Policy.Text)) {
		if f := strings.Fields(line); len(f) == 0 || f[0] != "log" {
			b.WriteString(strings.TrimSuffix(line, "\n") + "\n")
		}
	}
	p, err := ParsePolicy(b.Bytes())
	if err != nil {
		return logs
	}
	if _, _, err := torchwood.VerifyCheckpoint(h.Note, p); err != nil {
		return logs
	}
	return b.Bytes()
}
