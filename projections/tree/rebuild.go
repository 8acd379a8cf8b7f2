package tree

import (
	"context"
	"database/sql"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// Rebuild makes all tiles again from the stream, beside the ones in force, which it
// then replaces. Readers and Run go on meanwhile; one rebuild runs at a time. If the
// stream does not give the root there is, nothing is replaced and a *DivergedError
// names the first event that differs: only a signed head can tell which one is right.
// progress, if not nil, is called now and then with the events done.
func (t *Tree) Rebuild(ctx context.Context, progress func(done uint64)) (events uint64, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(t.ctx, cancel)()
	t.rebuild.Lock()
	defer t.rebuild.Unlock()
	r := &rebuild{t: t, edge: &edge{}, progress: progress}
	t.tell(r)
	defer t.tell(nil)
	if err := r.run(ctx); err != nil {
		return 0, fmt.Errorf("rebuild the tree: %w", err)
	}
	return uint64(r.edge.size), nil
}

// A rebuild fills the table of new tiles.
type rebuild struct {
	t        *Tree
	edge     *edge
	progress func(uint64)
}

// tell notes how far a rebuild is, nil that there is none.
func (t *Tree) tell(r *rebuild) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.building = r != nil
	if r != nil {
		t.rebuilt = uint64(r.edge.size)
	}
}

// Building returns how far the rebuild is that runs just now, in events.
func (t *Tree) Building() (done, total uint64, running bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.building {
		return 0, 0, false
	}
	return t.rebuilt, max(t.rebuilt, uint64(t.head.N)), true
}

func (r *rebuild) run(ctx context.Context) error {
	if err := r.locked(func(f *file) error {
		return f.write(ctx, func(tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, "DROP TABLE IF EXISTS "+newTiles+";"+tileTable(newTiles))
			return err
		})
	}); err != nil {
		return err
	}
	for {
		// Whatever is in the tree now is in the stream.
		if err := r.t.extend(ctx, uint64(r.edge.size), r.t.Size(), r.add); err != nil {
			return err
		}
		done, err := r.takeOver(ctx)
		if done || err != nil {
			return err
		}
	}
}

// locked runs f while the tree stands still.
func (r *rebuild) locked(f func(*file) error) error {
	r.t.apply.Lock()
	defer r.t.apply.Unlock()
	r.t.mu.Lock()
	file, closed := r.t.file, r.t.closed
	r.t.mu.Unlock()
	if closed {
		return ErrClosed
	}
	return f(file)
}

func (r *rebuild) add(ctx context.Context, batch [][]byte) error {
	next, rows, err := r.edge.grow(hashed(batch))
	if err != nil {
		return err
	}
	if err := r.locked(func(f *file) error {
		return f.write(ctx, func(tx *sql.Tx) error { return put(ctx, tx, putNewTiles, rows) })
	}); err != nil {
		return err
	}
	r.edge = next
	r.t.tell(r)
	if r.progress != nil {
		r.progress(uint64(next.size))
	}
	return nil
}

// takeOver puts the new tiles in force if they are as many as the tree has.
func (r *rebuild) takeOver(ctx context.Context) (done bool, err error) {
	var odd tlog.Tree // the tree's head where the stream gives another
	err = r.locked(func(f *file) error {
		have := r.t.Head()
		if have.N != r.edge.size {
			return nil
		}
		head, err := r.edge.head()
		if err != nil {
			return err
		}
		if head != have {
			odd = have
			return nil
		}
		done = true
		return f.write(ctx, func(tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, "DROP TABLE tile; ALTER TABLE "+newTiles+" RENAME TO tile")
			return err
		})
	})
	if odd.N > 0 {
		err := r.t.CheckHead(ctx, odd, 1, uint64(odd.N))
		if err == nil {
			err = fmt.Errorf("%w: root of %d", ErrDamaged, odd.N)
		}
		return false, err
	}
	return done && err == nil, err
}
