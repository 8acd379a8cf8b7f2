package seal_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"duban/domain"
	"duban/domain/ledger"
	"duban/eventstore"
	"duban/eventstore/storetest"
	"duban/projections/seal"
)

// taken is a backup of a bench's streams.
type taken struct {
	heads, ledger bytes.Buffer
	last          uint64
}

func (b *bench) take() *taken {
	b.t.Helper()
	k := &taken{}
	_, err := b.store.Snapshot(b.t.Context(), eventstore.KeptHeads, &k.heads)
	require.NoError(b.t, err)
	k.last, err = b.store.Snapshot(b.t.Context(), eventstore.KeptLedger, &k.ledger)
	require.NoError(b.t, err)
	return k
}

func (k *taken) restore(t *testing.T, heads []byte) (dir string) {
	t.Helper()
	dir = t.TempDir()
	require.NoError(t, eventstore.Restore(t.Context(), eventstore.Restoration{
		Org: storetest.Org, Dir: filepath.Join(dir, "jetstream"), Ledger: bytes.NewReader(k.ledger.Bytes()), Heads: bytes.NewReader(heads), Last: k.last,
	}))
	return dir
}

// sayRestored records in the ledger of a folder that it is a copy.
func sayRestored(t *testing.T, dir, origin string, h seal.Head) {
	t.Helper()
	store := openStore(t, dir)
	require.NoError(t, seal.AppendToLedger(t.Context(), store, seal.LedgerEvent{
		Org: storetest.Org, By: eventstore.System(), At: time.Now(), Route: "restore", Data: &ledger.Restored{
			Origin: origin, Events: h.Size, TreeSize: h.Size, Root: base64.StdEncoding.EncodeToString(h.Root[:]), BackupOn: "2026-11-24",
		},
	}))
	require.NoError(t, store.Close())
}

// A restored copy signs under a name and with a key of its own, and keeps what was signed
// before as it was.
func TestRestored(t *testing.T) {
	from := t.TempDir()
	b := openBench(t, from)
	storetest.NewWriter(b.store).Append(t, 3)
	old := b.named().headOver(b.store.Acked())
	origin, keys := b.seal.Origin(), b.seal.Keys()
	backup := b.take()
	b.close()

	dir := backup.restore(t, backup.heads.Bytes())
	sayRestored(t, dir, origin, old)
	b = openBench(t, dir)
	agg, err := b.store.Load(t.Context(), domain.Ref{Kind: domain.KindLedger, ID: storetest.Org})
	require.NoError(t, err)
	said := agg.Records[len(agg.Records)-2] // then it was opened again
	require.IsType(t, &ledger.Restored{}, said.Data)
	b.eventually("the copy's key is named", func() bool { return len(b.seal.Keys()) == 2 && b.store.Acked() > said.Seq+1 })
	h := b.headOver(b.store.Acked())
	assert.Equal(t, "duban/"+storetest.Org+"/"+said.ID, b.seal.Origin())
	assert.Equal(t, []string{origin, origin, b.seal.Origin()}, []string{b.seal.OriginAt(1), b.seal.OriginAt(said.Seq - 1), b.seal.OriginAt(said.Seq)})
	assert.True(t, strings.HasPrefix(b.seal.Keys()[1].Verifier, b.seal.Origin()+"+"))
	assert.Equal(t, said.Seq, b.seal.Keys()[1].From)
	assert.Equal(t, []string{b.seal.Keys()[1].Verifier}, signedBy(t, h, b.seal.Keys()), "and nobody else")
	assert.NotContains(t, string(seal.FormatPolicy(b.seal.Origin(), b.seal.Keys(), "2026-11-24")), keys[0].Verifier)

	again, err := b.seal.AtSize(t.Context(), old.Size)
	require.NoError(t, err)
	assert.Equal(t, string(old.Note), string(again.Note))
	assert.Equal(t, keys, b.seal.KeysAt(old.Size), "as they were known then")
	for h, err := range b.seal.Heads(t.Context()) {
		require.NoError(t, err)
		name, _, _ := strings.Cut(string(h.Note), "\n")
		require.Equal(t, map[bool]string{true: origin, false: b.seal.Origin()}[h.Size < said.Seq], name, "%d", h.Size)
		if h.Size > old.Size {
			require.GreaterOrEqual(t, h.Size, said.Seq, "nothing is signed between")
		}
	}
	n, err := b.seal.Inspect(t.Context(), nil)
	require.NoError(t, err)
	assert.GreaterOrEqual(t, n, h.Size)

	// With the old keys beside its own it goes on, and signs what was signed with them.
	_, err = b.seal.Signers(old)
	require.ErrorIs(t, err, seal.ErrNoKey)
	b.close()
	copied, err := seal.CopyKeys(filepath.Join(from, "keys"), filepath.Join(dir, "keys"))
	require.NoError(t, err)
	assert.Equal(t, 1, copied)
	copied, err = seal.CopyKeys(filepath.Join(from, "keys"), filepath.Join(dir, "keys"))
	require.NoError(t, err)
	assert.Zero(t, copied)
	b = openBench(t, dir)
	b.headOver(b.store.Acked())
	signers, err := b.seal.Signers(old)
	require.NoError(t, err)
	assert.Len(t, signers, 1)
	assert.Len(t, b.seal.Keys(), 2)
	later := b.take()
	b.close()

	// A copy that names its key and has no head under that name has lost it.
	b = openBench(t, later.restore(t, backup.heads.Bytes()))
	b.eventually("the lost heads are missed", func() bool { return b.seal.Err() != nil })
	require.ErrorIs(t, b.seal.Err(), eventstore.ErrMismatch)
	assert.ErrorContains(t, b.seal.Err(), "树头却一个也没有")
}

// lagging is a tree that grows as far as somebody waits for, and no further.
type lagging struct {
	seal.Tree
	reached atomic.Uint64
}

func (l *lagging) Head() tlog.Tree { return tlog.Tree{N: int64(l.reached.Load())} }

func (l *lagging) WaitFor(ctx context.Context, seq uint64) error {
	if err := l.Tree.WaitFor(ctx, seq); err != nil {
		return err
	}
	l.reached.Store(max(l.reached.Load(), seq))
	return nil
}

// The copy's key is named behind its first head, also while the tree is only being made.
func TestRestoredTreeLags(t *testing.T) {
	b := openBench(t, t.TempDir())
	old := b.named().headOver(b.store.Acked())
	origin := b.seal.Origin()
	backup := b.take()
	b.close()
	dir := backup.restore(t, backup.heads.Bytes())
	sayRestored(t, dir, origin, old)
	b = openBench(t, dir, func(c *seal.Config) { c.Tree = &lagging{Tree: c.Tree} })
	var named domain.Event
	b.eventually("the copy's key is named", func() bool {
		agg, err := b.store.Load(t.Context(), domain.Ref{Kind: domain.KindLedger, ID: storetest.Org})
		require.NoError(t, err)
		named = agg.Events()[len(agg.Events())-1]
		_, ok := named.Data.(*ledger.KeyPublished)
		return ok
	})
	r, err := b.store.HeadAfter(t.Context(), eventstore.HeadSigned, old.Seq)
	require.NoError(t, err)
	assert.Less(t, r.Size, named.Seq)
	assert.Equal(t, b.seal.Origin(), b.seal.OriginAt(r.Size))
}

// The old keys in the copy's folder from the beginning are no reason to take it for
// another ledger.
func TestRestoredWithKeys(t *testing.T) {
	from := t.TempDir()
	b := openBench(t, from)
	old := b.named().headOver(b.store.Acked())
	origin := b.seal.Origin()
	backup := b.take()
	b.close()
	dir := backup.restore(t, backup.heads.Bytes())
	sayRestored(t, dir, origin, old)
	_, err := seal.CopyKeys(filepath.Join(from, "keys"), filepath.Join(dir, "keys"))
	require.NoError(t, err)
	b = openBench(t, dir)
	b.eventually("the copy's key is named", func() bool { return len(b.seal.Keys()) == 2 })
	assert.NotEqual(t, origin, b.seal.Origin())
	_, err = seal.CopyKeys(t.TempDir(), dir)
	require.Error(t, err)
}

// A binding is over all events of the ledger, or none.
func TestBinding(t *testing.T) {
	b := openBench(t, t.TempDir())
	w := storetest.NewWriter(b.store)
	w.Append(t, 3)
	first := b.named().headOver(b.store.Acked())
	before := b.take()
	w.Append(t, 5)
	last := b.headOver(b.store.Acked())
	backup := b.take()
	w.Append(t, 1)
	beyond := b.headOver(b.store.Acked())
	bound := func(h seal.Head, events uint64) seal.Binding {
		t.Helper()
		got, err := b.seal.Bind(h, events)
		require.NoError(t, err)
		return got
	}
	good, ahead := bound(last, backup.last), bound(beyond, backup.last)
	require.Empty(t, good.Proof)
	require.NotEmpty(t, ahead.Proof)
	_, err := b.seal.Bind(first, backup.last)
	require.ErrorIs(t, err, seal.ErrUnbound)
	b.close()

	b = openBench(t, backup.restore(t, backup.heads.Bytes()), func(c *seal.Config) { c.Sign = false })
	for _, tt := range []seal.Binding{good, ahead} {
		h, err := b.seal.CheckBinding(t.Context(), tt, nil)
		require.NoError(t, err)
		assert.Equal(t, string(tt.Note), string(h.Note))
	}
	b.close()

	// The last event is another one, and the heads that would show it are left out.
	forged := *backup
	forged.ledger = *bytes.NewBuffer(storetest.ForgeSnapshot(t, backup.ledger.Bytes(), backup.last, func(e []byte) []byte {
		return bytes.Replace(e, []byte(`"text":"note`), []byte(`"text":"vote`), 1)
	}))
	b = openBench(t, forged.restore(t, before.heads.Bytes()), func(c *seal.Config) { c.Sign = false })
	for _, tt := range []seal.Binding{good, ahead} {
		_, err := b.seal.CheckBinding(t.Context(), tt, nil)
		var found *eventstore.MismatchError
		require.ErrorAs(t, err, &found)
		assert.Greater(t, found.Sequence, first.Size, "up to there it was compared")
		assert.LessOrEqual(t, found.Sequence, backup.last)
	}
	b.close()

	b = openBench(t, backup.restore(t, backup.heads.Bytes()), func(c *seal.Config) { c.Sign = false })
	wrong := ahead
	wrong.Proof = append(wrong.Proof[:0:0], wrong.Proof...)
	wrong.Proof[0][0] ^= 1
	short := good
	short.Note = first.Note
	unsigned := good
	unsigned.Note = bytes.Replace(good.Note, []byte("— "), []byte("— x"), 1)
	fewer := good
	fewer.Events--
	for name, tt := range map[string]seal.Binding{"another proof": wrong, "a smaller head": short, "nobody's head": unsigned, "of fewer events without a proof": fewer} {
		_, err := b.seal.CheckBinding(t.Context(), tt, nil)
		var found *eventstore.MismatchError
		require.ErrorAs(t, err, &found, name)
	}
	_, vkey, err := note.GenerateKey(rand.Reader, b.seal.Origin())
	require.NoError(t, err)
	other, err := seal.ParsePolicy([]byte("log " + vkey + "\nquorum none\n"))
	require.NoError(t, err)
	_, err = b.seal.CheckBinding(t.Context(), good, other.Policy)
	require.ErrorContains(t, err, "--policy")
	own, err := seal.ParsePolicy(seal.FormatPolicy(b.seal.Origin(), b.seal.Keys(), "2026-11-24"))
	require.NoError(t, err)
	_, err = b.seal.CheckBinding(t.Context(), good, own.Policy)
	require.NoError(t, err)
}
