package seal_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"duban/eventstore"
	"duban/eventstore/storetest"
	"duban/projections/seal"
)

// changeDigit makes another event of an event, of the same length and still good JSON.
func changeDigit(b []byte) []byte {
	i := bytes.LastIndex(b, []byte(`"text":"note `))
	if i < 0 {
		panic("no note")
	}
	i += len(`"text":"note `)
	b[i] = '1' + (b[i]-'0')%9
	return b
}

// grown returns a ledger of that many events, signed and stopped, and the sequence of
// each note.
func grown(t *testing.T, notes int) (dir string, seqs []uint64) {
	t.Helper()
	dir = t.TempDir()
	b := openBench(t, dir).named()
	for i := range notes {
		// One aggregate each: a chain that breaks would be found without any tree.
		for _, r := range storetest.NewWriter(b.store).Append(t, 1) {
			seqs = append(seqs, r.Seq)
		}
		if i%5 == 4 {
			b.headOver(b.store.Acked()) // on a busy machine one head might cover them all
		}
	}
	b.headOver(b.store.Acked())
	b.close()
	return dir, seqs
}

// refused waits until writes are stopped by a mismatch and returns it.
func (b *bench) refused() *eventstore.MismatchError {
	b.t.Helper()
	var found *eventstore.MismatchError
	b.eventually("a mismatch", func() bool { return errors.As(b.store.Health(), &found) })
	_, err := b.store.Append(b.t.Context(), storetest.NewWriter(b.store).Prepare(1))
	require.ErrorIs(b.t, err, eventstore.ErrMismatch)
	return found
}

func jetStream(t *testing.T, s *eventstore.Store) jetstream.JetStream {
	t.Helper()
	js, err := jetstream.New(s.Conn())
	require.NoError(t, err)
	return js
}

// A block file is forged, with the right checksum: the store serves the forged event
// without an error, and the start names it.
func TestForgedBlock(t *testing.T) {
	dir, seqs := grown(t, 20)
	forged := seqs[7]
	storetest.Forge(t, filepath.Join(dir, "jetstream"), "LEDGER", forged, changeDigit)
	b := openBench(t, dir)
	assert.Equal(t, forged, b.refused().Sequence)
	report, err := b.store.Audit(t.Context(), nil)
	require.NoError(t, err)
	assert.Empty(t, report.Findings, "by itself the forged event is in order")
	require.NoError(t, b.store.Raw(t.Context(), 1, seqs[19], func(uint64, []byte) error { return nil }), "reads go on")
}

// The same with the tree removed as well: it is built from the forged stream, and the
// heads tell between which of them the event stands.
func TestForgedBlockAndTree(t *testing.T) {
	dir, seqs := grown(t, 20)
	storetest.Forge(t, filepath.Join(dir, "jetstream"), "LEDGER", seqs[7], changeDigit)
	require.NoError(t, os.Remove(filepath.Join(dir, "tree.db")))
	b := openBench(t, dir)
	found := b.refused()
	assert.LessOrEqual(t, found.Sequence, seqs[7])
	assert.GreaterOrEqual(t, found.Size, seqs[7])
	assert.Less(t, found.Size, seqs[19], "not merely the last head")
}

// What is older than the window is found by doctor and by the audit.
func TestOldForgery(t *testing.T) {
	dir, seqs := grown(t, 20)
	storetest.Forge(t, filepath.Join(dir, "jetstream"), "LEDGER", seqs[2], changeDigit)
	narrow := func(c *seal.Config) { c.Window = 4 }
	b := openBench(t, dir, narrow)
	b.headOver(b.store.Acked())
	require.NoError(t, b.store.Health(), "beyond the window nobody looked yet")
	_, err := b.seal.Inspect(t.Context(), nil)
	var found *eventstore.MismatchError
	require.ErrorAs(t, err, &found)
	assert.Equal(t, seqs[2], found.Sequence)
	assert.Equal(t, seqs[2], b.refused().Sequence, "writes are stopped")
	b.close()

	b = openBench(t, dir, narrow)
	b.headOver(b.store.Acked())
	require.NoError(t, b.store.Health())
	err = b.seal.Audit(t.Context())
	require.ErrorAs(t, err, &found)
	assert.Equal(t, seqs[2], found.Sequence)
	assert.Equal(t, seqs[2], b.refused().Sequence)
}

// MaxMsgs is lowered, which drops the oldest events, and put back.
func TestDropped(t *testing.T) {
	dir, _ := grown(t, 20)
	b := openBench(t, dir)
	b.headOver(b.store.Acked())
	js := jetStream(t, b.store)
	stream, err := js.Stream(t.Context(), "LEDGER")
	require.NoError(t, err)
	cfg := stream.CachedInfo().Config
	cfg.MaxMsgs, cfg.Discard = 10, jetstream.DiscardOld
	_, err = js.UpdateStream(t.Context(), cfg)
	require.NoError(t, err)
	cfg.MaxMsgs, cfg.Discard = -1, jetstream.DiscardNew
	_, err = js.UpdateStream(t.Context(), cfg)
	require.NoError(t, err)
	b.eventually("the loss is noticed", func() bool { return errors.Is(b.store.Health(), eventstore.ErrDrift) })
	_, err = b.seal.Inspect(t.Context(), nil)
	var found *eventstore.MismatchError
	require.ErrorAs(t, err, &found)
	assert.Equal(t, uint64(1), found.Sequence)
	b.close()
	b = openBench(t, dir)
	require.ErrorIs(t, b.store.Health(), eventstore.ErrDrift, "at the next start too")
}

// replaceStream deletes the ledger's stream and fills it again with what keep says.
func replaceStream(t *testing.T, s *eventstore.Store, keep func(seq uint64, raw []byte) []byte) {
	t.Helper()
	js := jetStream(t, s)
	stream, err := js.Stream(t.Context(), "LEDGER")
	require.NoError(t, err)
	cfg, last := stream.CachedInfo().Config, stream.CachedInfo().State.LastSeq
	var msgs []*nats.Msg
	for seq := uint64(1); seq <= last; seq++ {
		m, err := stream.GetMsg(t.Context(), seq)
		require.NoError(t, err)
		if data := keep(seq, m.Data); data != nil {
			msgs = append(msgs, &nats.Msg{Subject: m.Subject, Data: data})
		}
	}
	require.NoError(t, js.DeleteStream(t.Context(), "LEDGER"))
	_, err = js.CreateStream(t.Context(), cfg)
	require.NoError(t, err)
	for _, m := range msgs {
		_, err := js.PublishMsg(t.Context(), m)
		require.NoError(t, err)
	}
}

// The stream is deleted and filled again, with one event changed, or without the last
// ones: the start names the first that differs.
func TestRefilled(t *testing.T) {
	dir, seqs := grown(t, 20)
	for name, attack := range map[string]struct {
		keep func(seq uint64, raw []byte) []byte
		want uint64
	}{
		"changed": {func(seq uint64, raw []byte) []byte {
			if seq == seqs[11] {
				return changeDigit(raw)
			}
			return raw
		}, seqs[11]},
		"shorter": {func(seq uint64, raw []byte) []byte {
			if seq >= seqs[15] {
				return nil
			}
			return raw
		}, seqs[15]},
	} {
		t.Run(name, func(t *testing.T) {
			copied := copyFolder(t, dir)
			store := openStore(t, copied)
			replaceStream(t, store, attack.keep)
			require.NoError(t, store.Close())
			b := openBench(t, copied)
			found := b.refused()
			assert.Equal(t, attack.want, found.Sequence, "%v", found)
			_, err := b.seal.Inspect(t.Context(), nil)
			require.ErrorAs(t, err, &found)
			assert.Equal(t, attack.want, found.Sequence, "%v", found)
		})
	}
}

// The heads are deleted: the ledger names the key of a log that has none.
func TestHeadsDeleted(t *testing.T) {
	dir, _ := grown(t, 3)
	store := openStore(t, dir)
	require.NoError(t, jetStream(t, store).DeleteStream(t.Context(), "HEADS"))
	require.NoError(t, store.Close())
	b := openBench(t, dir)
	b.refused()
}

// Another ledger under the same name is not signed with the keys of this one.
func TestAnotherLedger(t *testing.T) {
	dir, _ := grown(t, 3)
	require.NoError(t, os.RemoveAll(filepath.Join(dir, "jetstream")))
	require.NoError(t, os.Remove(filepath.Join(dir, "tree.db")))
	b := openBench(t, dir)
	assert.Equal(t, uint64(1), b.refused().Sequence)
}

// The tree of another ledger in the place of this one's: the signed head tells that the
// ledger is in order, and it goes on being written.
func TestTreeReplaced(t *testing.T) {
	for _, more := range []int{0, 7} {
		dir, _ := grown(t, 5)
		other, _ := grown(t, 5+more)
		b, err := os.ReadFile(filepath.Join(other, "tree.db"))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(dir, "tree.db"), b, 0o600))
		bench := openBench(t, dir)
		bench.eventually("it is told", func() bool { return bench.seal.Err() != nil || bench.store.Health() != nil })
		require.ErrorContains(t, bench.seal.Err(), "remove tree.db")
		require.NoError(t, bench.store.Health())
		bench.close()
		require.NoError(t, os.Remove(filepath.Join(dir, "tree.db")))
		bench = openBench(t, dir)
		bench.headOver(bench.store.Acked())
	}
}
