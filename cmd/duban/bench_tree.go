package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"time"

	"github.com/oklog/ulid/v2"

	"duban/api"
	"duban/domain"
	"duban/eventstore"
	"duban/projections/tree"
)

// A madeUp ledger is events of 600 bytes that come from nowhere, so that a tree's own
// speed shows.
type madeUp uint64

const madeUpBytes = 600

func (m madeUp) Acked() uint64 { return uint64(m) }

func (m madeUp) Await(ctx context.Context, seq uint64) (uint64, error) {
	if uint64(m) > seq {
		return uint64(m), nil
	}
	<-ctx.Done()
	return 0, ctx.Err()
}

func (m madeUp) Raw(ctx context.Context, from, to uint64, each func(uint64, []byte) error) error {
	for seq := from; seq <= to && ctx.Err() == nil; seq++ {
		if err := each(seq, fmt.Appendf(make([]byte, 0, madeUpBytes), "%-*d", madeUpBytes, seq)); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// trees times what the tree does and what it costs.
func (b *bench) trees(ctx context.Context) error {
	if err := b.tree(ctx); err != nil {
		return err
	}
	if err := b.treeInRebuild(ctx); err != nil {
		return err
	}
	for _, writers := range []int{1, 64} {
		if err := b.treeInAppend(ctx, writers); err != nil {
			return err
		}
	}
	return nil
}

// tree times the building of a tree and proofs from it.
func (b *bench) tree(ctx context.Context) (err error) {
	events := madeUp(b.cfg.Leaves)
	t, err := tree.Open(ctx, tree.Config{Path: filepath.Join(b.dir, "made-up.db"), Source: events})
	if err != nil {
		return err
	}
	stop := following(ctx, t)
	defer func() { stop(); err = errors.Join(err, t.Close()) }()
	began := time.Now()
	if err := t.WaitFor(ctx, events.Acked()); err != nil {
		return fmt.Errorf("build the tree: %w", err)
	}
	o := float64(events) / time.Since(began).Seconds()
	if err := b.print(figure{Name: "tree_build", Ours: o, Unit: "events/s", N: b.cfg.Leaves, Goal: ">= 150000", Met: o >= 150_000}); err != nil {
		return err
	}
	var took []time.Duration
	for range 2000 {
		seq := 1 + rand.Uint64N(events.Acked()) //nolint:gosec // any event will do
		began := time.Now()
		if _, err := t.Inclusion(seq, events.Acked()); err != nil {
			return err
		}
		took = append(took, time.Since(began))
	}
	ms := micros(median(took)) / 1000
	return b.print(figure{Name: "inclusion_proof_p50", Ours: ms, Unit: "ms", N: b.cfg.Leaves, Goal: "<= 1", Met: ms <= 1})
}

// following has a tree follow its ledger until stop is called.
func following(ctx context.Context, t *tree.Tree) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	ran := make(chan struct{})
	go func() {
		defer close(ran)
		_ = t.Run(ctx) // who waits for the tree is told why it ended
	}()
	return func() {
		cancel()
		<-ran
	}
}

// treeInRebuild times a rebuild of the read models with and without the tree's.
func (b *bench) treeInRebuild(ctx context.Context) error {
	stop := following(ctx, b.node.tree)
	defer stop()
	last := b.node.store.Acked()
	if err := b.node.tree.WaitFor(ctx, last); err != nil {
		return err
	}
	var alone, both []time.Duration
	for range 3 {
		began := time.Now()
		if _, err := b.node.model.Rebuild(ctx, nil); err != nil {
			return fmt.Errorf("rebuild: %w", err)
		}
		alone = append(alone, time.Since(began))
		began = time.Now()
		if _, err := api.Rebuild(ctx, b.node.model, b.node.tree); err != nil {
			return err
		}
		both = append(both, time.Since(began))
	}
	o, p := median(both).Seconds(), median(alone).Seconds()
	return b.print(figure{Name: "rebuild_with_tree", Ours: o, Baseline: p, Unit: "s", N: int(last), Goal: "ratio <= 1.15", Met: o <= 1.15*p})
}

// treeInAppend times appends while the tree follows and while it does not, in turn.
func (b *bench) treeInAppend(ctx context.Context, writers int) error {
	const turns = 5
	var with, without []time.Duration
	for range turns {
		took, err := b.appends(ctx, writers)
		if err != nil {
			return err
		}
		without = append(without, took...)
		stop := following(ctx, b.node.tree)
		if err := b.node.tree.WaitFor(ctx, b.node.store.Acked()); err != nil {
			stop()
			return err
		}
		took, err = b.appends(ctx, writers)
		stop()
		if err != nil {
			return err
		}
		with = append(with, took...)
	}
	o, p := micros(median(with)), micros(median(without))
	return b.print(figure{
		Name: fmt.Sprintf("append_with_tree_%d_writers_p50", writers), Ours: o, Baseline: p, Unit: "µs", N: len(with), Goal: "ratio <= 1.1", Met: o <= 1.1*p,
	})
}

// appends times single appends of so many writers, cfg.Appends/5 each or a thousand
// in all.
func (b *bench) appends(ctx context.Context, writers int) (took []time.Duration, err error) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			own, werr := b.appendsOfOne(ctx, max(b.cfg.Appends/5/writers, 10))
			mu.Lock()
			defer mu.Unlock()
			took, err = append(took, own...), errors.Join(err, werr)
		})
	}
	wg.Wait()
	return took, err
}

func (b *bench) appendsOfOne(ctx context.Context, n int) (took []time.Duration, err error) {
	ref := domain.Ref{Kind: domain.KindTask, ID: ulid.Make().String()}
	var head eventstore.Head
	for i := range n {
		a := benchAppend(eventstore.Write{Subject: ref, Head: head, Events: []domain.Event{benchEvent(progress(i))}})
		began := time.Now()
		receipt, err := b.node.store.Append(ctx, a)
		if err != nil {
			return took, fmt.Errorf("append: %w", err)
		}
		took = append(took, time.Since(began))
		r := receipt.Records[0]
		head = headAt(r)
	}
	return took, nil
}
