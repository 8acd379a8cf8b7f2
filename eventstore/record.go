package eventstore

import (
	"crypto/sha256"

	"duban/domain"
)

// A Record is an event as it stands in the stream: the event, the bytes that
// were stored, and what the envelope says beside the event.
type Record struct {
	domain.Event

	Raw    []byte // the stored bytes, never re-encoded
	Source string // urn:duban:ORG

	// A transaction's events stand side by side in the stream. TxCount is 0 for
	// an event that was appended alone.
	TxID             string
	TxIndex, TxCount int

	CorrelationID, CausationID string
	Previous                   string // sha256:… of the aggregate's previous event

	// Voided: the event belongs to a transaction that is not whole. It keeps its
	// version and its place in the chain and has no effect.
	Voided bool

	// Undecodable says why the event could not be read or does not continue its
	// chain; an operator accepted that it stays without effect. Data is then an
	// empty domain.Unknown if it could not be read, and Subject may be zero.
	Undecodable error
}

// LeafHash returns SHA-256(0x00 ‖ Raw).
func (r Record) LeafHash() [sha256.Size]byte { return LeafHash(r.Raw) }

// Hash returns the leaf hash as the envelope writes it, "sha256:…".
func (r Record) Hash() string { return hashText(r.LeafHash()) }

// end returns where the aggregate's chain ends with this record.
func (r Record) end() Head { return Head{Seq: r.Seq, Version: r.Version, Hash: r.Hash()} }

// Effective reports whether the event counts: it is neither voided nor accepted
// as odd.
func (r Record) Effective() bool { return !r.Voided && r.Undecodable == nil }

// A Head is where an aggregate's chain ends; zero for an aggregate without
// events. The next event's version and previous come from it.
type Head struct {
	Seq     uint64
	Version uint64
	Hash    string // sha256:… of the last event
}

// An Aggregate is the whole history of one thing.
type Aggregate struct {
	Ref     domain.Ref
	Head    Head
	Records []Record // in the order of the stream, with voided ones
}

// Events returns the events that count, in the order of the stream.
func (a Aggregate) Events() []domain.Event {
	events := make([]domain.Event, 0, len(a.Records))
	for _, r := range a.Records {
		if r.Effective() {
			events = append(events, r.Event)
		}
	}
	return events
}

// Find returns the events a command recorded, nil if it recorded none.
func (a Aggregate) Find(commandID string) []Record {
	var found []Record
	for _, r := range a.Records {
		if r.Effective() && r.CommandID == commandID {
			found = append(found, r)
		}
	}
	return found
}

// A Receipt holds what an append recorded, acknowledged as on disk.
type Receipt struct {
	Records []Record
}

// First returns the sequence of the first event.
func (r Receipt) First() uint64 {
	if len(r.Records) == 0 {
		return 0
	}
	return r.Records[0].Seq
}

// Last returns the sequence of the last event: what a read waits for to see the
// append.
func (r Receipt) Last() uint64 {
	if len(r.Records) == 0 {
		return 0
	}
	return r.Records[len(r.Records)-1].Seq
}
