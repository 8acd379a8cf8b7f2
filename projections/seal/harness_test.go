package seal_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"duban/eventstore"
	"duban/eventstore/storetest"
	"duban/projections/seal"
	"duban/projections/tree"
)

// A bench is a ledger with its tree and seal.
type bench struct {
	t     *testing.T
	dir   string
	store *eventstore.Store
	tree  *tree.Tree
	seal  *seal.Seal
	ran   chan error
	stop  context.CancelFunc
}

func openBench(t *testing.T, dir string, change ...func(*seal.Config)) *bench {
	t.Helper()
	store := openStore(t, dir)
	b := &bench{t: t, dir: dir, store: store}
	t.Cleanup(func() { b.close() })
	var err error
	b.tree, err = tree.Open(t.Context(), tree.Config{Path: filepath.Join(dir, "tree.db"), Source: store, Linger: -1})
	require.NoError(t, err)
	b.start(change...)
	return b
}

// start runs a seal over the bench's ledger.
func (b *bench) start(change ...func(*seal.Config)) {
	sc := seal.Config{
		Store: b.store, Tree: b.tree, Org: storetest.Org, Dir: filepath.Join(b.dir, "keys"), Sign: true,
		Every: time.Millisecond,
	}
	for _, f := range change {
		f(&sc)
	}
	b.seal = seal.New(sc)
	ctx, cancel := context.WithCancel(context.Background())
	b.stop, b.ran = cancel, make(chan error, 1)
	grown := make(chan struct{})
	go func() {
		defer close(grown)
		_ = b.tree.Run(ctx) // who waits for the tree is told why it ended
	}()
	go func(s *seal.Seal, ran chan<- error) {
		err := s.Run(ctx)
		<-grown
		ran <- err
	}(b.seal, b.ran)
}

func (b *bench) close() {
	if b.stop == nil {
		return
	}
	b.stop()
	b.stop = nil
	<-b.ran
	_ = b.tree.Close()
	_ = b.store.Close()
}

// headOver waits for a head over at least size events.
func (b *bench) headOver(size uint64) seal.Head {
	b.t.Helper()
	var h seal.Head
	b.eventually(fmt.Sprintf("a head over %d", size), func() bool {
		var err error
		h, err = b.seal.Latest(b.t.Context())
		return err == nil && h.Size >= size
	})
	return h
}

func (b *bench) eventually(what string, f func() bool) {
	b.t.Helper()
	if !assert.Eventually(b.t, f, 10*time.Second, time.Millisecond, what) {
		b.t.Fatalf("%s; the seal says: %v; the tree: %v; the store: %v", what, b.seal.Err(), b.tree.Err(), b.store.Health())
	}
}

func openStore(t *testing.T, dir string) *eventstore.Store {
	t.Helper()
	cfg := storetest.Config()
	cfg.Dir = filepath.Join(dir, "jetstream")
	store, err := eventstore.Open(t.Context(), cfg)
	require.NoError(t, err)
	return store
}

// copyFolder returns a copy of a data folder, as somebody puts it back.
func copyFolder(t *testing.T, dir string) string {
	t.Helper()
	copied := t.TempDir()
	require.NoError(t, os.CopyFS(copied, os.DirFS(dir)))
	keys, err := filepath.Glob(filepath.Join(copied, "keys", "*.key"))
	require.NoError(t, err)
	for _, k := range keys {
		require.NoError(t, os.Chmod(k, 0o600))
	}
	return copied
}

// named waits until the ledger names the log's key.
func (b *bench) named() *bench {
	b.t.Helper()
	b.eventually("the key is named", func() bool {
		_, keys, err := seal.Identify(b.t.Context(), b.store, storetest.Org)
		return err == nil && len(keys) > 0
	})
	return b
}
