package projections

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"
)

// Historical lists.

const (
	// keptViews is how many historical views are kept after use. Together they take
	// no more of the disk than the live file does, or keptBytes where that is small.
	keptViews = 4
	keptBytes = 256 << 20

	// pendingViews bounds the views that are built or wait to be, and waitingReads
	// those who wait for one: both as far as they have a deadline. More are told to
	// come again.
	pendingViews = 4
	waitingReads = 8
)

// built is a private database with the register's rows at one cut. Its trail is
// empty.
type built struct {
	cut     cut
	ready   chan struct{} // closed when err or readers is set
	err     error
	path    string
	readers *pool
	totals  totals

	done, total atomic.Uint64 // events folded, and to be folded

	// Owned by views.mu.
	pending bool
	bytes   int64
	refs    int
	used    uint64
	evict   bool
}

// building says how far it is.
func (b *built) building() error { return &BuildingError{Done: b.done.Load(), Total: b.total.Load()} }

// views keeps the historical lists built last. A cut is built once for all who ask
// about it, and whether or not they wait.
type views struct {
	m           *Model
	quick, slow chan struct{} // one is built at a time that is quick to build, and one that is not
	mu          sync.Mutex
	clock       uint64
	next        int
	waiting     int // reads with a deadline
	kept        map[cut]*built
	shut        bool
}

func newViews(m *Model) *views {
	return &views{m: m, quick: make(chan struct{}, 1), slow: make(chan struct{}, 1), kept: map[cut]*built{}}
}

func (vs *views) dir() string { return filepath.Join(vs.m.cfg.Dir, "views") }

// clean removes what an earlier run left.
func (vs *views) clean() error { return os.RemoveAll(vs.dir()) }

func (vs *views) count() int {
	vs.mu.Lock()
	defer vs.mu.Unlock()
	return len(vs.kept)
}

// acquire returns the lists at a cut, building them unless they are kept or being
// built for somebody else. A caller with a deadline waits half of the time it has,
// so that the other half is left for the answer, and is then told how far the
// building is. The caller releases what it gets.
func (vs *views) acquire(ctx context.Context, k cut) (*built, error) {
	deadline, hurried := ctx.Deadline()
	if hurried {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Until(deadline)/2)
		defer cancel()
	}
	b, err := vs.enter(k, hurried)
	if err != nil {
		return nil, err
	}
	select {
	case <-b.ready:
		err = b.err
	case <-ctx.Done():
		if err = ctx.Err(); errors.Is(err, context.DeadlineExceeded) {
			err = b.building()
		}
	}
	vs.leave(hurried)
	if err != nil {
		vs.release(b)
		return nil, err
	}
	return b, nil
}

// enter finds the view of a cut or has one made, with a reference for the caller.
func (vs *views) enter(k cut, hurried bool) (*built, error) {
	vs.mu.Lock()
	defer vs.mu.Unlock()
	if vs.shut {
		return nil, ErrClosed
	}
	b, ok := vs.kept[k]
	if hurried {
		switch {
		case !ok && vs.pending() >= pendingViews:
			return nil, &BuildingError{}
		case ok && b.pending && vs.waiting >= waitingReads:
			return nil, b.building()
		}
		vs.waiting++
	}
	if !ok {
		vs.next++
		b = &built{cut: k, ready: make(chan struct{}), path: filepath.Join(vs.dir(), fmt.Sprintf("%d.db", vs.next)), pending: true, refs: 1}
		vs.kept[k] = b
		// Built for all who wait, so not bound to this caller's context.
		vs.m.wg.Go(func() { vs.make(b) })
	}
	b.refs++
	vs.use(b)
	return b, nil
}

func (vs *views) leave(hurried bool) {
	if hurried {
		vs.mu.Lock()
		vs.waiting--
		vs.mu.Unlock()
	}
}

// use notes that a view was used. The caller holds vs.mu.
func (vs *views) use(b *built) {
	vs.clock++
	b.used = vs.clock
}

// pending counts the views that are not ready. The caller holds vs.mu.
func (vs *views) pending() (n int) {
	for _, b := range vs.kept {
		if b.pending {
			n++
		}
	}
	return n
}

// trim takes the least used views out until as many are left as are kept, and as
// many bytes. The caller holds vs.mu and disposes of what is returned.
func (vs *views) trim() []*built {
	limit := max(keptBytes, vs.m.liveBytes())
	var idle []*built
	for {
		var least *built
		ready, bytes := 0, int64(0)
		for _, b := range vs.kept {
			if b.pending {
				continue
			}
			ready++
			bytes += b.bytes
			if least == nil || b.used < least.used {
				least = b
			}
		}
		if ready <= 1 || ready <= keptViews && bytes <= limit {
			return idle
		}
		delete(vs.kept, least.cut)
		least.evict = true
		if least.refs == 0 {
			idle = append(idle, least)
		}
	}
}

func (vs *views) release(b *built) {
	vs.mu.Lock()
	b.refs--
	idle := b.evict && b.refs == 0
	vs.mu.Unlock()
	if idle {
		dispose([]*built{b})
	}
}

// dispose closes and removes views nobody uses.
func dispose(list []*built) {
	for _, b := range list {
		if b.readers != nil {
			// Nothing is lost with a view's file.
			_ = b.readers.close()
		}
		_ = removeFiles(b.path)
	}
}

// refuse has no more views built.
func (vs *views) refuse() {
	vs.mu.Lock()
	defer vs.mu.Unlock()
	vs.shut = true
}

func (vs *views) close() {
	vs.refuse()
	vs.mu.Lock()
	var idle []*built
	for k, b := range vs.kept {
		delete(vs.kept, k)
		b.evict = true
		if b.refs == 0 {
			idle = append(idle, b)
		}
	}
	vs.mu.Unlock()
	dispose(idle)
	_ = vs.clean()
}

// make fills b. It holds one reference to it.
func (vs *views) make(b *built) {
	defer vs.release(b)
	defer close(b.ready)
	turn := vs.slow
	if vs.isNear(b.cut) {
		turn = vs.quick
	}
	select {
	case turn <- struct{}{}:
		defer func() { <-turn }()
		b.err = vs.fill(vs.m.ctx, b)
	case <-vs.m.ctx.Done():
		b.err = ErrClosed
	}
	vs.made(b)
}

// made enters a view among the ready ones, or takes it out if it failed.
func (vs *views) made(b *built) {
	vs.mu.Lock()
	b.pending = false
	vs.use(b) // whoever was told to come again finds it
	if fi, err := os.Stat(b.path); err == nil {
		b.bytes = fi.Size()
	}
	if b.err != nil {
		if vs.kept[b.cut] == b {
			delete(vs.kept, b.cut)
		}
		b.evict = true
	}
	evicted := vs.trim()
	vs.mu.Unlock()
	dispose(evicted)
}

// liveBytes returns the size of the live file.
func (m *Model) liveBytes() int64 {
	m.mu.Lock()
	path := m.cur.path
	m.mu.Unlock()
	return sizeOf(path)
}

// sizeOf returns the size of a database's files.
func sizeOf(path string) (n int64) {
	for _, name := range fileNames(path) {
		if fi, err := os.Stat(name); err == nil {
			n += fi.Size()
		}
	}
	return n
}
