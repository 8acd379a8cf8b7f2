package tree

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

// Source is the ledger as a tree needs it; *eventstore.Store is one.
type Source interface {
	// Acked returns the last durable sequence.
	Acked() uint64
	// Await returns Acked once it is beyond seq.
	Await(ctx context.Context, seq uint64) (uint64, error)
	// Raw hands the stored bytes of from … to over in order. A sequence that is
	// missing is an error that matches eventstore.ErrGap.
	Raw(ctx context.Context, from, to uint64, each func(seq uint64, raw []byte) error) error
}

// DefaultLinger is how long new events are collected before they are read: with many
// writers one reading serves many appends.
const DefaultLinger = 50 * time.Millisecond

// Config says where a tree lives and what it follows.
type Config struct {
	Path   string // the database file; its folder is made if it is missing
	Source Source
	Logger *slog.Logger // nil: nothing is logged
	// Linger is how long the tree may lag behind to read more at once. 0:
	// DefaultLinger; below 0: it does not wait. WaitFor ends the wait.
	Linger time.Duration
}

// A Tree is the tree of one ledger. Its methods may be called from many goroutines.
type Tree struct {
	cfg    Config
	ctx    context.Context // done when the tree is closed
	cancel context.CancelFunc
	hurry  chan struct{} // somebody waits for events that are there

	// apply is held by whoever moves the tree or replaces its file.
	apply sync.Mutex
	// rebuild is held by the one rebuild that runs; taken before apply.
	rebuild sync.Mutex

	mu     sync.Mutex
	moved  chan struct{} // closed and replaced at every change of what follows
	file   *file
	users  *sync.WaitGroup // who reads from file
	edge   *edge           // of head
	head   tlog.Tree       // committed
	broken error           // the file can't be trusted; Run builds it again
	failed error           // why Run ended
	closed bool
	// A rebuild runs, and has so many events.
	building bool
	rebuilt  uint64
}

// Open opens the tree at cfg.Path, or starts an empty one. A file that is damaged or
// was made by other software is removed. Run fills the tree.
func Open(ctx context.Context, cfg Config) (*Tree, error) {
	if cfg.Path == "" || cfg.Source == nil {
		return nil, errors.New("open the tree: Path and Source are needed")
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Linger == 0 {
		cfg.Linger = DefaultLinger
	}
	t := &Tree{cfg: cfg, hurry: make(chan struct{}, 1), moved: make(chan struct{})}
	if err := os.MkdirAll(filepath.Dir(cfg.Path), 0o700); err != nil {
		return nil, fmt.Errorf("open the tree: %w", err)
	}
	if err := t.use(ctx); err != nil {
		return nil, fmt.Errorf("open the tree: %w", err)
	}
	t.ctx, t.cancel = context.WithCancel(context.WithoutCancel(ctx))
	return t, nil
}

// use opens the file at the tree's path, new if need be, and puts it in force.
func (t *Tree) use(ctx context.Context) error {
	f, e, why, err := openFile(ctx, t.cfg.Path)
	if why != nil {
		t.cfg.Logger.Warn("tree file can't be used and is built again", "file", t.cfg.Path, "reason", why)
	}
	if err != nil {
		return err
	}
	head, err := e.head()
	if err != nil {
		return errors.Join(err, f.close())
	}
	t.mu.Lock()
	t.file, t.users, t.edge, t.head, t.broken = f, new(sync.WaitGroup), e, head, nil
	t.announce()
	t.mu.Unlock()
	return nil
}

// announce wakes everyone who waits for a change. The caller holds t.mu.
func (t *Tree) announce() {
	close(t.moved)
	t.moved = make(chan struct{})
}

// Close ends Run, waits for readers and closes the file.
func (t *Tree) Close() error {
	t.mu.Lock()
	if t.closed {
		t.mu.Unlock()
		return ErrClosed
	}
	t.closed = true
	t.announce()
	t.mu.Unlock()
	t.cancel()
	t.apply.Lock()
	defer t.apply.Unlock()
	t.users.Wait()
	return t.file.close()
}

// Size returns the number of events in the tree: the last sequence whose leaf is
// committed.
func (t *Tree) Size() uint64 { return uint64(t.Head().N) }

// Head returns the size with the root over it.
func (t *Tree) Head() tlog.Tree {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.head
}

// Watch returns the head together with a channel that is closed when it has moved, or
// when the tree has stopped or was closed.
func (t *Tree) Watch() (head tlog.Tree, changed <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.head, t.moved
}

// WaitFor returns once the event seq is in the tree, with ctx's error when that ends
// before, or with the error that ended Run.
func (t *Tree) WaitFor(ctx context.Context, seq uint64) error {
	for {
		t.mu.Lock()
		size, changed, failed, closed := uint64(t.head.N), t.moved, t.failed, t.closed
		t.mu.Unlock()
		switch {
		case size >= seq:
			return nil
		case closed:
			return ErrClosed
		case failed != nil:
			return fmt.Errorf("wait for leaf %d: %w", seq, failed)
		}
		select {
		case t.hurry <- struct{}{}:
		default:
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("wait for leaf %d, the tree has %d: %w", seq, size, ctx.Err())
		}
	}
}

// Err returns nil while the tree follows the ledger, otherwise why not.
func (t *Tree) Err() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.closed:
		return ErrClosed
	case t.failed != nil:
		return t.failed
	}
	return t.broken
}

// Stats are figures for monitoring.
type Stats struct {
	Size  uint64 // events in the tree
	Lag   uint64 // acknowledged events that are not
	Bytes int64  // of the file and its log
}

// Stats returns figures for monitoring.
func (t *Tree) Stats() Stats {
	s := Stats{Size: t.Size()}
	if acked := t.cfg.Source.Acked(); acked > s.Size {
		s.Lag = acked - s.Size
	}
	for _, n := range []string{t.cfg.Path, t.cfg.Path + "-wal"} {
		if fi, err := os.Stat(n); err == nil {
			s.Bytes += fi.Size()
		}
	}
	return s
}
