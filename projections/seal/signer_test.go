package seal_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/torchwood"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"duban/domain"
	"duban/domain/calendar"
	"duban/eventstore"
	"duban/eventstore/storetest"
	"duban/projections/seal"
	"duban/projections/tree"
)

// Two signers with the same keys on one stream: one of them is told that it is not
// alone, and never publishes a head the other did not append.
func TestTwoSigners(t *testing.T) {
	b := openBench(t, t.TempDir())
	w := storetest.NewWriter(b.store)
	w.Append(t, 1)
	b.headOver(b.store.Acked())

	second := seal.New(seal.Config{Store: b.store, Tree: b.tree, Org: storetest.Org, Dir: filepath.Join(b.dir, "keys"), Sign: true, Every: time.Millisecond})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- second.Run(ctx) }()
	b.eventually("the second has started", func() bool {
		_, err := second.Latest(t.Context())
		return err == nil
	})
	var loser error
	b.eventually("one gives way", func() bool {
		w.Append(t, 1)
		loser = errors.Join(second.Err(), b.seal.Err())
		return loser != nil
	})
	require.ErrorIs(t, loser, eventstore.ErrHeadsMoved)
	require.NoError(t, b.store.Health(), "two signers are no reason to stop writes")
	winner := b.seal
	if b.seal.Err() != nil {
		winner = second
	}
	var last seal.Head
	for h, err := range winner.Heads(t.Context()) {
		require.NoError(t, err)
		require.Greater(t, h.Size, last.Size, "one history")
		last = h
	}
	cancel()
	<-ended
}

// A node that does not sign shows what another one signs, and checks it.
func TestReader(t *testing.T) {
	b := openBench(t, t.TempDir())
	storetest.NewWriter(b.store).Append(t, 1)
	want := b.named().headOver(b.store.Acked())
	reader := seal.New(seal.Config{Store: b.store, Tree: b.tree, Org: storetest.Org, Dir: filepath.Join(t.TempDir(), "none")})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- reader.Run(ctx) }()
	b.eventually("the reader has the head", func() bool {
		got, err := reader.Latest(t.Context())
		return err == nil && bytes.Equal(want.Note, got.Note)
	})
	cancel()
	require.NoError(t, <-ended)
}

// A phantomTree has leaves beyond what the ledger has acknowledged.
type phantomTree struct {
	*tree.Tree
	store *eventstore.Store
}

func (p *phantomTree) Head() tlog.Tree {
	if p.WaitFor(context.Background(), p.store.Acked()) != nil {
		return tlog.Tree{}
	}
	n := p.Tree.Head().N + 5
	root, err := p.Root(uint64(n))
	if err != nil {
		return tlog.Tree{}
	}
	return tlog.Tree{N: n, Hash: root}
}

// ReadHashes reads the hashes of the tree with its phantoms.
func (p *phantomTree) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	var all []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		var out []tlog.Hash
		for _, i := range indexes {
			out = append(out, all[i])
		}
		return out, nil
	})
	real := p.Tree.Head().N
	for i := range real + 5 {
		leaf := tlog.RecordHash([]byte("phantom"))
		if i < real {
			stored, err := p.Tree.HashReader().ReadHashes([]int64{tlog.StoredHashIndex(0, i)})
			if err != nil {
				return nil, err
			}
			leaf = stored[0]
		}
		more, err := tlog.StoredHashesForRecordHash(i, leaf, reader)
		if err != nil {
			return nil, err
		}
		all = append(all, more...)
	}
	return reader(indexes)
}

func (p *phantomTree) Root(size uint64) (tlog.Hash, error) { return tlog.TreeHash(int64(size), p) }

func (p *phantomTree) Consistency(from, to uint64) (tlog.TreeProof, error) {
	return tlog.ProveTree(int64(to), int64(from), p)
}

func (p *phantomTree) CheckHead(context.Context, tlog.Tree, uint64, uint64) error { return nil }

// No head covers what is not acknowledged, whatever the tree says.
func TestNeverBeyondAcknowledged(t *testing.T) {
	dir, _ := grown(t, 20)
	b := openBench(t, dir, func(c *seal.Config) {
		real, ok := c.Tree.(*tree.Tree)
		require.True(t, ok)
		c.Tree = &phantomTree{real, c.Store}
	})
	b.headOver(b.store.Acked())
	for h, err := range b.seal.Heads(t.Context()) {
		require.NoError(t, err)
		require.LessOrEqual(t, h.Size, b.store.Acked())
	}
	_, err := b.store.AppendHead(t.Context(), eventstore.HeadRecord{Kind: eventstore.HeadSigned, Size: b.store.Acked() + 1, Data: []byte("x")}, 0)
	require.ErrorIs(t, err, eventstore.ErrInvalidAppend, "the store refuses it too")
}

// signedBy returns the ids of the keys that signed a head.
func signedBy(t *testing.T, h seal.Head, keys []seal.Key) []string {
	t.Helper()
	var list []note.Verifier
	for _, k := range keys {
		v, err := note.NewVerifier(k.Verifier)
		require.NoError(t, err)
		list = append(list, v)
	}
	n, err := note.Open(h.Note, note.VerifierList(list...))
	require.NoError(t, err)
	var by []string
	for _, sig := range n.Sigs {
		for i, v := range list {
			if v.KeyHash() == sig.Hash {
				by = append(by, keys[i].Verifier)
			}
		}
	}
	return by
}

// In the overlap of a rotation both keys sign, afterwards the new one alone. What was
// signed before stays as it is.
func TestRotation(t *testing.T) {
	dir := t.TempDir()
	b := openBench(t, dir).named()
	storetest.NewWriter(b.store).Append(t, 1)
	before := b.headOver(b.store.Acked())
	b.close()

	store := openStore(t, dir)
	by := domain.Caller{Person: domain.Ref{Kind: domain.KindPerson, ID: "operator"}, Role: domain.RoleSafetyOffice}
	rotated, err := seal.Rotate(t.Context(), store, seal.Rotation{
		Org: storetest.Org, Dir: filepath.Join(dir, "keys"), By: by, At: time.Now(), Days: 30, Reason: "每年更换",
	})
	require.NoError(t, err)
	assert.Equal(t, store.Acked(), rotated.From)
	assert.Equal(t, calendar.On(time.Now()).AddDays(30), rotated.Until)
	require.NoError(t, store.Close())

	b = openBench(t, dir)
	during := b.headOver(b.store.Acked())
	keys := b.seal.Keys()
	require.Len(t, keys, 2)
	assert.Equal(t, []string{rotated.Old, rotated.New}, []string{keys[0].Verifier, keys[1].Verifier})
	assert.ElementsMatch(t, []string{rotated.Old, rotated.New}, signedBy(t, during, keys))
	old, err := b.seal.AtSize(t.Context(), before.Size)
	require.NoError(t, err)
	assert.Equal(t, before.Note, old.Note, "history is not signed again")
	assert.Equal(t, []string{rotated.Old}, signedBy(t, old, keys))
	b.close()

	b = openBench(t, dir, func(c *seal.Config) {
		c.Clock = func() time.Time { return time.Now().AddDate(0, 0, 32) }
	})
	after := b.headOver(b.store.Acked())
	assert.Equal(t, []string{rotated.New}, signedBy(t, after, b.seal.Keys()))
	for h, err := range b.seal.Heads(t.Context()) {
		require.NoError(t, err, "old heads stay verifiable: %d", h.Size)
	}
	b.close()

	// A head that only the new key signed, from before it counted, is no head.
	text := torchwood.Checkpoint{Origin: b.seal.Origin(), Tree: tlog.Tree{N: int64(before.Size), Hash: before.Root}}.String()
	assert.True(t, strings.HasPrefix(string(before.Note), text))
}

// Without its private key the signer says so, writes go on, and a new key can be
// named.
func TestLostKey(t *testing.T) {
	dir, _ := grown(t, 2)
	require.NoError(t, os.RemoveAll(filepath.Join(dir, "keys")))
	b := openBench(t, dir)
	b.eventually("it is told", func() bool { return errors.Is(b.seal.Err(), seal.ErrNoKey) })
	require.NoError(t, b.store.Health())
	b.close()

	store := openStore(t, dir)
	by := domain.Caller{Person: domain.Ref{Kind: domain.KindPerson, ID: "operator"}, Role: domain.RoleSafetyOffice}
	r := seal.Rotation{Org: storetest.Org, Dir: filepath.Join(dir, "keys"), By: by, At: time.Now(), Days: 30}
	_, err := seal.Rotate(t.Context(), store, r)
	require.ErrorIs(t, err, seal.ErrNoKey)
	r.Lost = true
	rotated, err := seal.Rotate(t.Context(), store, r)
	require.NoError(t, err)
	require.NoError(t, store.Close())
	b = openBench(t, dir)
	assert.Equal(t, []string{rotated.New}, signedBy(t, b.headOver(b.store.Acked()), b.seal.Keys()))
}

// Keys that others can read are not used.
func TestOpenKeys(t *testing.T) {
	dir, _ := grown(t, 1)
	files, err := filepath.Glob(filepath.Join(dir, "keys", "*.key"))
	require.NoError(t, err)
	require.NoError(t, os.Chmod(files[0], 0o644))
	_, err = seal.OpenKeyring(filepath.Join(dir, "keys"))
	require.ErrorContains(t, err, "chmod 600")
}

// Many writers: every event is covered by a head within a second or so of its
// acknowledgement, and writers do not wait for heads.
func TestWithinASecond(t *testing.T) {
	b := openBench(t, t.TempDir(), func(c *seal.Config) { c.Every = 0 }) // the default
	w := storetest.NewWriter(b.store)
	var worst time.Duration
	for range 5 {
		w.Append(t, 3)
		acked, began := b.store.Acked(), time.Now()
		b.headOver(acked)
		worst = max(worst, time.Since(began))
	}
	assert.Less(t, worst, time.Second)
}
