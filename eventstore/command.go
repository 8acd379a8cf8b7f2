package eventstore

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"

	"github.com/oklog/ulid/v2"

	"duban/domain"
)

// A Command identifies what a client asked for, so that asking twice records
// once, for ever and on every node.
type Command struct {
	ID     string // CommandID: who asked, by which route, with which key
	Digest string // Digest of the request's body
}

// CommandID derives a command's id from who asks, the route (method and path
// template with ids filled in) and the Idempotency-Key. No part may hold a line
// feed; references never do.
func CommandID(actor domain.Ref, route string, key ulid.ULID) string {
	h := sha256.New()
	fmt.Fprintf(h, "%s\n%s\n%s", actor, route, key)
	return hex.EncodeToString(h.Sum(nil))
}

// Digest returns "sha256:" and the lower-case hex digest of b.
func Digest(b []byte) string {
	d := sha256.Sum256(b)
	return hashText(d)
}

// plainHash is the lower-case hex SHA-256 of b.
func plainHash(b []byte) string {
	d := sha256.Sum256(b)
	return hex.EncodeToString(d[:])
}

const hashPrefix = "sha256:"

func hashText(h [sha256.Size]byte) string {
	var text [len(hashPrefix) + 2*sha256.Size]byte // of which there is one for every event
	hex.Encode(text[copy(text[:], hashPrefix):], h[:])
	return string(text[:])
}

// LeafHash returns SHA-256(0x00 ‖ raw), the hash of a leaf of RFC 6962, section
// 2.1. It links the events of an aggregate and is the leaf of the Merkle tree.
func LeafHash(raw []byte) [sha256.Size]byte {
	h := sha256.New()
	h.Write([]byte{0})
	h.Write(raw)
	var out [sha256.Size]byte
	h.Sum(out[:0])
	return out
}

// IDs makes the ids of a command's new aggregates and events. They are ULIDs
// with the time of the idempotency key and entropy derived from the command id,
// so that a retry makes the same ones.
type IDs struct {
	command string
	key     ulid.ULID
}

// IDs returns the ids of the command that came with key.
func (c Command) IDs(key ulid.ULID) IDs { return IDs{command: c.ID, key: key} }

// NewID returns the n-th id, n ≥ 0: for aggregates, numbered as the caller likes
// but the same way at every retry. The store takes negative numbers for events.
func (i IDs) NewID(n int) string {
	if n < 0 {
		panic("eventstore: negative ids belong to the store")
	}
	return i.id(int64(n))
}

// The numbers the store takes: -1 for the transaction, -2, -3 … for the events
// of an append.
func (i IDs) transaction() string { return i.id(-1) }
func (i IDs) event(n int) string  { return i.id(int64(-2 - n)) }

func (i IDs) id(n int64) string {
	h := sha256.New()
	h.Write([]byte(i.command))
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(n))
	h.Write(b[:])
	id := i.key // keeps the time
	copy(id[6:], h.Sum(nil))
	return id.String()
}
