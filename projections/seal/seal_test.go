package seal_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"filippo.io/torchwood"

	"duban/domain"
	"duban/domain/ledger"
	"duban/eventstore"
	"duban/eventstore/storetest"
)

// From nothing to heads that anybody can verify, and on after a restart.
func TestHeads(t *testing.T) {
	dir := t.TempDir()
	b := openBench(t, dir)
	w := storetest.NewWriter(b.store)
	w.Append(t, 3)
	first := b.named().headOver(b.store.Acked())
	keys := b.seal.Keys()
	require.Len(t, keys, 1)

	agg, err := b.store.Load(t.Context(), domain.Ref{Kind: domain.KindLedger, ID: storetest.Org})
	require.NoError(t, err)
	assert.Equal(t, "duban/"+storetest.Org+"/"+agg.Records[0].ID, b.seal.Origin())
	published, ok := agg.Records[1].Data.(*ledger.KeyPublished)
	require.True(t, ok, "the ledger names its key")
	assert.Equal(t, keys[0].Verifier, published.Key)

	info, err := os.Stat(filepath.Join(dir, "keys"))
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o700), info.Mode().Perm())
	files, err := filepath.Glob(filepath.Join(dir, "keys", "*.key"))
	require.NoError(t, err)
	require.Len(t, files, 1)
	info, err = os.Stat(files[0])
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())

	b.close()
	b = openBench(t, dir)
	w = storetest.NewWriter(b.store)
	w.Append(t, 2)
	second := b.headOver(b.store.Acked())
	assert.Equal(t, keys, b.seal.Keys(), "the key stays")

	v, err := note.NewVerifier(keys[0].Verifier)
	require.NoError(t, err)
	policy := torchwood.ThresholdPolicy(2, torchwood.OriginPolicy(b.seal.Origin()), torchwood.SingleVerifierPolicy(v))
	var before torchwood.Checkpoint
	n := 0
	for h, err := range b.seal.Heads(t.Context()) {
		require.NoError(t, err)
		c, _, err := torchwood.VerifyCheckpoint(h.Note, policy)
		require.NoError(t, err)
		root, err := b.tree.Root(h.Size)
		require.NoError(t, err)
		assert.Equal(t, root, c.Hash)
		assert.Equal(t, h.Size, uint64(c.N))
		if before.N > 0 {
			proof, err := b.tree.Consistency(uint64(before.N), uint64(c.N))
			require.NoError(t, err)
			require.NoError(t, tlog.CheckTree(proof, c.N, c.Hash, before.N, before.Hash))
		}
		before = c
		n++
		again, err := b.seal.AtSize(t.Context(), h.Size)
		require.NoError(t, err)
		assert.Equal(t, h, again)
	}
	assert.Greater(t, n, 1)
	assert.Equal(t, second.Size, uint64(before.N))
	again, err := b.seal.AtSize(t.Context(), first.Size)
	require.NoError(t, err)
	assert.Equal(t, first.Note, again.Note, "the same bytes for ever")
	assert.True(t, again.Settled)
	_, err = b.seal.AtSize(t.Context(), second.Size+1)
	require.ErrorIs(t, err, eventstore.ErrNoHead)
}
