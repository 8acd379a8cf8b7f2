package seal_test

import (
	"errors"
	"sync/atomic"
	"testing"

	"github.com/oklog/ulid/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/tlog"

	"duban/domain"
	"duban/eventstore"
	"duban/eventstore/storetest"
	"duban/projections/seal"
	"duban/projections/tree"
)

// A watchedTree counts how often the signer looked how far it stands.
type watchedTree struct {
	*tree.Tree
	looks atomic.Int64
}

func (w *watchedTree) Head() tlog.Tree {
	w.looks.Add(1)
	return w.Tree.Head()
}

// publish puts bytes into the ledger behind the store's back and makes the store
// look at them.
func (b *bench) publish(subject, raw string) (seq uint64) {
	b.t.Helper()
	ack, err := jetStream(b.t, b.store).Publish(b.t.Context(), "ledger."+storetest.Org+"."+subject, []byte(raw))
	require.NoError(b.t, err)
	_, err = b.store.Append(b.t.Context(), storetest.NewWriter(b.store).Prepare(1))
	require.ErrorIs(b.t, err, eventstore.ErrUndecodable)
	return ack.Sequence
}

func (b *bench) accept(seq uint64) {
	b.t.Helper()
	by := domain.Caller{Person: domain.Ref{Kind: domain.KindPerson, ID: "operator"}, Role: domain.RoleSafetyOffice}
	key := ulid.Make()
	_, err := b.store.Accept(b.t.Context(), eventstore.Acceptance{
		Sequence: seq, Reason: "查明", By: by, Key: key,
		Command: eventstore.Command{ID: eventstore.CommandID(by.Person, "accept", key), Digest: eventstore.Digest(nil)},
	})
	require.NoError(b.t, err)
}

// An odd event is under no head until it is accepted; what stands before it is.
func TestOddEventNotSigned(t *testing.T) {
	dir := t.TempDir()
	b := openBench(t, dir, func(c *seal.Config) { c.Every = 1 }).named()
	storetest.NewWriter(b.store).Append(t, 2)
	b.headOver(b.store.Acked())
	odd := b.publish("task.x", "hello")
	b.close()

	var watched *watchedTree
	b = openBench(t, dir, func(c *seal.Config) {
		real, ok := c.Tree.(*tree.Tree)
		require.True(t, ok)
		watched = &watchedTree{Tree: real}
		c.Tree = watched
	})
	require.NoError(t, b.tree.WaitFor(t.Context(), odd), "the tree has it")
	<-b.seal.Checked()
	before := watched.looks.Load()
	b.eventually("the signer looked again and again", func() bool { return watched.looks.Load() > before+5 })
	assert.Less(t, b.headOver(odd-1).Size, odd)
	require.NoError(t, b.seal.Err())

	b.accept(odd)
	b.headOver(b.store.Acked())
}

// Where the odd event is one of the ledger's own, its keys can't be read and nothing is
// compared: the ledger counts as unchecked until the event is accepted.
func TestUncheckedWhileTheLedgerIsOdd(t *testing.T) {
	dir := t.TempDir()
	b := openBench(t, dir).named()
	b.headOver(b.store.Acked())
	odd := b.publish("ledger."+storetest.Org, `{"specversion":"0.3"}`)
	b.close()

	b = openBench(t, dir)
	<-b.seal.Started()
	b.eventually("it is told", func() bool { return errors.Is(b.seal.Err(), eventstore.ErrUndecodable) })
	select {
	case <-b.seal.Checked():
		t.Fatal("nothing was compared")
	default:
	}
	b.accept(odd)
	<-b.seal.Checked()
	b.headOver(b.store.Acked())
}
