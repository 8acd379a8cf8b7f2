package seal_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/tlog"

	"duban/eventstore"
	"duban/eventstore/storetest"
	"duban/projections/seal"
)

// A memoryTree is the tree over a ledger, in memory.
type memoryTree struct {
	store *eventstore.Store

	mu      sync.Mutex
	changed chan struct{}
	leaves  []tlog.Hash
	hashes  []tlog.Hash
}

func newTree(t *testing.T, s *eventstore.Store) *memoryTree {
	t.Helper()
	m := &memoryTree{store: s, changed: make(chan struct{})}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = s.Follow(ctx, 0, m.add) // ends with the test
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	return m
}

func (m *memoryTree) add(records []eventstore.Record) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range records {
		leaf := tlog.Hash(r.LeafHash())
		more, err := tlog.StoredHashesForRecordHash(int64(len(m.leaves)), leaf, m)
		if err != nil {
			return err
		}
		m.leaves, m.hashes = append(m.leaves, leaf), append(m.hashes, more...)
	}
	close(m.changed)
	m.changed = make(chan struct{})
	return nil
}

func (m *memoryTree) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, x := range indexes {
		if x >= int64(len(m.hashes)) {
			return nil, errors.New("beyond the tree")
		}
		out[i] = m.hashes[x]
	}
	return out, nil
}

func (m *memoryTree) Size() uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return uint64(len(m.leaves))
}

func (m *memoryTree) Root(size uint64) (tlog.Hash, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return tlog.TreeHash(int64(size), m)
}

func (m *memoryTree) Consistency(from, to uint64) (tlog.TreeProof, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return tlog.ProveTree(int64(to), int64(from), m)
}

func (m *memoryTree) WaitFor(ctx context.Context, seq uint64) error {
	for {
		m.mu.Lock()
		n, changed := uint64(len(m.leaves)), m.changed
		m.mu.Unlock()
		if n >= seq {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (m *memoryTree) Check(context.Context, uint64, uint64) error { return nil }

// A bench is a ledger with its tree and seal.
type bench struct {
	t     *testing.T
	dir   string
	store *eventstore.Store
	tree  seal.Tree
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
	b.tree = newTree(t, store)
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
	go func(s *seal.Seal, ran chan<- error) { ran <- s.Run(ctx) }(b.seal, b.ran)
}

func (b *bench) close() {
	if b.stop == nil {
		return
	}
	b.stop()
	b.stop = nil
	_ = b.store.Close()
	<-b.ran
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
