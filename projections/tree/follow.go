package tree

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"duban/eventstore"
)

// Bounds of one batch, which is one transaction.
const (
	batchLeaves = 4 * Width
	batchBytes  = 4 << 20
)

// Run follows the ledger until ctx ends or the tree is closed, and then returns nil.
// It fails closed: a gap, or a stream that is not the one the tree was made from, ends
// it with an error that names the sequence, which WaitFor and Err then repeat. The
// tree goes on answering for the size it has.
func (t *Tree) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(t.ctx, cancel)()
	t.fail(nil)
	for pause := retryPause; ; pause = min(2*pause, maxRetryPause) {
		began := t.Head().N
		err := t.follow(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case damaged(err) || errors.Is(err, errMissing):
			if t.Head().N > began {
				pause = retryPause
			}
			if bad := t.badDisk(); bad != nil {
				t.cfg.Logger.ErrorContext(ctx, "the disk can't be written, the tree stays as it is", "error", bad, "retry_after", pause)
			} else {
				t.distrust(err)
				if err = t.replace(ctx); err == nil {
					continue
				}
				t.cfg.Logger.ErrorContext(ctx, "tree file can't be made", "error", err, "retry_after", pause)
			}
			select {
			case <-time.After(pause):
			case <-ctx.Done():
				return nil
			}
			continue
		case err == nil:
			err = errors.New("the ledger ended its stream")
		}
		err = fmt.Errorf("follow the ledger: %w", err)
		t.fail(err)
		return err
	}
}

// badDisk says why the disk can't be written, if the file is where it should be: what
// stands in it can be read then, and nothing could be put in its place.
func (t *Tree) badDisk() error {
	t.mu.Lock()
	f := t.file
	t.mu.Unlock()
	if !f.inPlace() {
		return nil
	}
	return eventstore.ProbeDisk(filepath.Dir(t.cfg.Path))
}

// Pauses between attempts to make a new file.
const (
	retryPause    = 100 * time.Millisecond
	maxRetryPause = 10 * time.Second
)

// errMissing: the file is not at its path any more.
var errMissing = errors.New("the tree's file was deleted or replaced")

func (t *Tree) fail(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.failed = err
	t.announce()
}

// distrust notes that the file is to be built again; Run does it.
func (t *Tree) distrust(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.broken == nil && !t.closed {
		t.cfg.Logger.Error("tree file is damaged or missing and will be built again", "file", t.cfg.Path, "error", err)
		t.broken = err
		t.announce()
	}
}

// replace puts an empty file in the place of the one that can't be used.
func (t *Tree) replace(ctx context.Context) error {
	t.apply.Lock()
	defer t.apply.Unlock()
	t.mu.Lock()
	old, users, closed := t.file, t.users, t.closed
	t.mu.Unlock()
	if closed {
		return ErrClosed
	}
	if old.inPlace() {
		if err := removeFiles(old.path); err != nil {
			return err
		}
	}
	if err := t.use(ctx); err != nil {
		return err
	}
	users.Wait()
	_ = old.close() // nothing is lost with it
	return nil
}

// follow returns only with an error.
func (t *Tree) follow(ctx context.Context) error {
	if err := t.recognise(ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go t.watchFile(ctx, cancel)
	for {
		size := t.Size()
		acked, err := t.cfg.Source.Await(ctx, size)
		if err == nil {
			t.linger(ctx, acked-size)
			err = t.extend(ctx, size, max(acked, t.cfg.Source.Acked()), t.add)
		}
		if err != nil {
			if cause := context.Cause(ctx); cause != nil {
				return cause
			}
			return err
		}
	}
}

// watchFile ends the following when the file is found damaged by a reader, or is gone.
func (t *Tree) watchFile(ctx context.Context, end context.CancelCauseFunc) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		t.mu.Lock()
		f, broken, changed := t.file, t.broken, t.moved
		t.mu.Unlock()
		if broken == nil && !f.inPlace() {
			broken = errMissing
		}
		if broken != nil {
			end(fmt.Errorf("%w: %w", ErrDamaged, broken))
			return
		}
		select {
		case <-tick.C:
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}

// linger lets more events come before they are read, unless there are many or somebody
// waits.
func (t *Tree) linger(ctx context.Context, there uint64) {
	if t.cfg.Linger < 0 || there >= batchLeaves {
		return
	}
	wait := time.NewTimer(t.cfg.Linger)
	defer wait.Stop()
	select {
	case <-wait.C:
	case <-t.hurry:
	case <-ctx.Done():
	}
}

// recognise compares the stream's beginning and end with the tree's: the end must be
// there, and both must have the same bytes. Where they don't, it looks for the first
// event that differs.
func (t *Tree) recognise(ctx context.Context) error {
	size := t.Size()
	if size == 0 {
		return nil
	}
	if end := t.cfg.Source.Acked(); end < size {
		return &DivergedError{Sequence: end + 1, Missing: true}
	}
	for _, seq := range []uint64{size, 1} {
		var odd *DivergedError
		err := t.CheckHead(ctx, t.Head(), seq, seq)
		if errors.As(err, &odd) {
			return t.CheckHead(ctx, t.Head(), 1, size)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// extend reads the events after size up to end and has them added. Reading runs ahead
// of hashing and writing, which have a goroutine of their own.
func (t *Tree) extend(ctx context.Context, size, end uint64, add func(context.Context, [][]byte) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	batches := make(chan [][]byte, 2)
	done := make(chan error, 1)
	go func() {
		var err error
		for batch := range batches {
			if err == nil {
				if err = add(ctx, batch); err != nil {
					cancel()
				}
			}
		}
		done <- err
	}()
	err := t.read(ctx, size, end, batches)
	close(batches)
	if failed := <-done; failed != nil {
		return failed
	}
	return err
}

func (t *Tree) read(ctx context.Context, size, end uint64, batches chan<- [][]byte) error {
	next, held := size+1, 0
	var batch [][]byte
	send := func() error {
		select {
		case batches <- batch:
			batch, held = nil, 0
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	err := t.cfg.Source.Raw(ctx, next, end, func(seq uint64, raw []byte) error {
		if seq != next {
			return &eventstore.GapError{Sequence: next, Found: seq}
		}
		next++
		batch, held = append(batch, raw), held+len(raw)
		if len(batch) < batchLeaves && held < batchBytes {
			return nil
		}
		return send()
	})
	if len(batch) > 0 && ctx.Err() == nil { // also what was read before an error
		if unsent := send(); err == nil {
			err = unsent
		}
	}
	return err
}

// add hashes events and commits them with the position.
func (t *Tree) add(ctx context.Context, batch [][]byte) error {
	t.apply.Lock()
	defer t.apply.Unlock()
	t.mu.Lock()
	f, e, closed := t.file, t.edge, t.closed
	t.mu.Unlock()
	if closed {
		return ErrClosed
	}
	next, rows, err := e.grow(hashed(batch))
	if err != nil {
		return err
	}
	head, err := next.head()
	if err != nil {
		return err
	}
	if err := f.store(ctx, rows, head); err != nil {
		return fmt.Errorf("store %d leaves after %d: %w", len(batch), e.size, err)
	}
	t.mu.Lock()
	t.edge, t.head = next, head
	t.announce()
	t.mu.Unlock()
	return nil
}

func hashed(batch [][]byte) []tlog.Hash {
	leaves := make([]tlog.Hash, len(batch))
	for i, raw := range batch {
		leaves[i] = tlog.RecordHash(raw)
	}
	return leaves
}
