package seal_test

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

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
	cfg := storetest.Config()
	cfg.Dir = filepath.Join(dir, "jetstream")
	store, err := eventstore.Open(t.Context(), cfg)
	require.NoError(t, err)
	b := &bench{t: t, dir: dir, store: store}
	t.Cleanup(func() { b.close() })
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
	require.Eventually(b.t, f, 10*time.Second, time.Millisecond, "%s; the seal says: %v", what, b.seal.Err())
}
