package storetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"
	"github.com/stretchr/testify/require"

	"duban/domain"
	"duban/eventstore"
)

// A Writer appends events to one aggregate and keeps its head.
type Writer struct {
	Ref  domain.Ref
	Head eventstore.Head
	n    int
	s    *eventstore.Store
}

// NewWriter returns a writer of a new task.
func NewWriter(s *eventstore.Store) *Writer {
	return &Writer{Ref: domain.Ref{Kind: domain.KindTask, ID: ulid.Make().String()}, s: s}
}

// Actor is who writes in the contract.
var Actor = domain.Ref{Kind: domain.KindPerson, ID: "z01"}

// Event returns an event with that text.
func Event(text string) domain.Event {
	return domain.Event{
		Time: time.Now(), Actor: Actor, Office: domain.Ref{Kind: domain.KindOffice, ID: "o1"},
		Authority: domain.RoleOffice, Data: &Noted{Text: text},
	}
}

// NewAppend returns an append of the writes under a new key.
func NewAppend(writes ...eventstore.Write) eventstore.Append {
	return KeyedAppend(ulid.Make(), writes...)
}

// KeyedAppend returns an append of the writes under that key.
func KeyedAppend(key ulid.ULID, writes ...eventstore.Write) eventstore.Append {
	return eventstore.Append{
		Command: eventstore.Command{ID: eventstore.CommandID(Actor, "POST /storetest", key), Digest: eventstore.Digest(nil)},
		Key:     key, Writes: writes,
	}
}

// Write returns a write of n events at the writer's head.
func (w *Writer) Write(n int) eventstore.Write {
	wr := eventstore.Write{Subject: w.Ref, Head: w.Head}
	for range n {
		w.n++
		wr.Events = append(wr.Events, Event(fmt.Sprintf("note %d", w.n)))
	}
	return wr
}

// Prepare returns an append of n events at the writer's head.
func (w *Writer) Prepare(n int) eventstore.Append { return NewAppend(w.Write(n)) }

// Append records n events and moves the head.
func (w *Writer) Append(tb testing.TB, n int) []eventstore.Record {
	tb.Helper()
	receipt, err := w.s.Append(context.Background(), w.Prepare(n))
	require.NoError(tb, err)
	w.Advance(receipt)
	return receipt.Records
}

// Advance moves the head to the receipt's last event of this aggregate.
func (w *Writer) Advance(receipt eventstore.Receipt) {
	for _, r := range receipt.Records {
		if r.Subject == w.Ref {
			w.Head = eventstore.Head{Seq: r.Seq, Version: r.Version, Hash: r.Hash()}
		}
	}
}
