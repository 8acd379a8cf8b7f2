package seal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"duban/domain"
	"duban/domain/calendar"
	"duban/domain/ledger"
	"duban/eventstore"
)

// ErrNoKeyYet says that the ledger has named no key.
var ErrNoKeyYet = errors.New("账本还没有签名密钥，请先启动一次服务器 / the ledger has no key yet: start the server once")

// A Rotation replaces the key that signs.
type Rotation struct {
	Org    string
	Dir    string // folder of private keys
	By     domain.Caller
	At     time.Time
	Days   int  // for which the old key signs too
	Lost   bool // the old private key is gone
	Reason string
}

// Identify returns the log's name and keys as the ledger has them. Keys of earlier
// incarnations carry another name.
func Identify(ctx context.Context, store *eventstore.Store, org string) (origin string, keys []Key, err error) {
	agg, err := store.Load(ctx, domain.Ref{Kind: domain.KindLedger, ID: org})
	if err != nil {
		return "", nil, err
	}
	lives, err := incarnationsOf(org, agg)
	if err != nil {
		return "", nil, err
	}
	return lives[len(lives)-1].origin, KeysOf(agg), nil
}

// Rotate makes a new key and has the ledger name it. The private key is on disk
// before the event is: what a crash leaves is a key that nobody named. A signer that
// runs meanwhile takes the new key up within half a minute.
func Rotate(ctx context.Context, store *eventstore.Store, r Rotation) (*ledger.KeyRotated, error) {
	origin, keys, err := Identify(ctx, store, r.Org)
	if err != nil {
		return nil, err
	}
	if keys = keysOf(keys, origin); len(keys) == 0 {
		return nil, ErrNoKeyYet
	}
	ring, err := OpenKeyring(r.Dir)
	if err != nil {
		return nil, err
	}
	old := keys[len(keys)-1]
	switch {
	case r.Days < 0:
		return nil, domain.Invalid("key_rotated.until", "overlap", "重叠天数不能为负", "the overlap can't be negative")
	case !r.Lost && !ring.Has(old.Verifier):
		return nil, fmt.Errorf("%w (%s)", ErrNoKey, old.Verifier)
	case r.Lost && ring.Has(old.Verifier):
		return nil, domain.Invalid("key_rotated.lost", "lost", "旧私钥还在，不必用 --lost", "the old private key is here, --lost is not needed")
	case r.Lost:
		r.Days = 0
	}
	rotated := &ledger.KeyRotated{Old: old.Verifier, Until: calendar.On(r.At).AddDays(r.Days), Reason: r.Reason}
	if rotated.New, err = ring.Make(origin); err != nil {
		return nil, err
	}
	for {
		end := store.Acked()
		rotated.From = end + 1 // the size of the tree with this event
		if err := rotated.Validate(); err != nil {
			return nil, err
		}
		err := AppendToLedger(ctx, store, LedgerEvent{Org: r.Org, By: r.By, At: r.At, Route: "key/rotate", Data: rotated, Last: end})
		if !errors.Is(err, eventstore.ErrConflict) {
			return rotated, err
		}
	}
}

// FormatPolicy writes a C2SP tlog-policy with the keys that sign on a day, for
// verifiers to add their witnesses to.
func FormatPolicy(origin string, keys []Key, day calendar.Date) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "# %s\n# 见证者 / witnesses: witness NAME VKEY [URL]\n", origin)
	for _, k := range keysOf(keys, origin) {
		if k.Until == "" || day <= k.Until {
			fmt.Fprintf(&b, "log %s\n", k.Verifier)
		}
	}
	b.WriteString("quorum none\n")
	return b.Bytes()
}
