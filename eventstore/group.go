package eventstore

import (
	"context"
	"time"

	"duban/domain"
)

// Group commit: appends that wait at the same time go out as one atomic batch,
// which the server syncs once, however many messages it has. A batch is all or
// nothing in the stream, but each request in it keeps its own transaction, its own
// expectations and its own outcome.
//
// One big batch after the other beats several side by side: each costs the server
// a store of its own to stage it in. So there is one at a time, and what arrives
// while the disk is busy is the next.

const (
	// linger is how long a group waits for the writers of the group before it, who
	// have just been answered and are on their way back. A lone writer never waits.
	linger = 300 * time.Microsecond

	// crowdWait bounds how long a group waits for those who still load what they
	// decide on, besides: no longer than the group before it took. The server answers
	// no read while it commits, so a committer that goes on at once would keep
	// everybody but a few from ever joining.
	crowdWait = 5 * time.Millisecond

	// aloneAfter is how often a group is rejected before each of its requests goes
	// by itself, so that one that the server refuses can't keep the others back.
	aloneAfter = 2
)

// A group is the requests that go out together. No aggregate is written by two of
// them, and none rests on an aggregate that one before it writes: so every
// expectation is about the stream as it stands before the group.
type group struct {
	requests []*request
	events   int
	written  map[domain.Ref]bool
}

// admits reports whether a request can join.
func (g *group) admits(r *request) bool {
	if len(g.requests) == 0 {
		return true
	}
	// Whoever knows the whole ledger to its end can only come first.
	if r.last != 0 || r.acceptance || g.requests[0].acceptance || g.events+r.count > MaxEvents {
		return false
	}
	for _, w := range r.writes {
		if g.written[w.ref] {
			return false
		}
	}
	for _, e := range r.expect {
		if g.written[e.Subject] {
			return false
		}
	}
	return true
}

func (g *group) add(r *request) {
	g.requests = append(g.requests, r)
	g.events += r.count
	for _, w := range r.writes {
		g.written[w.ref] = true
	}
}

// gather collects the group of the requests that wait. Each was found current.
func (c *committer) gather(lead *request) *group {
	ctx := context.Background()
	g := &group{written: map[domain.Ref]bool{}}
	early := c.held
	c.held = nil
	c.take(ctx, g, lead)
	for _, r := range early {
		c.take(ctx, g, r)
	}
	c.drain(ctx, g)
	c.await(ctx, g)
	return g
}

// take puts a request into the group, answers it if what it rests on has moved, or
// holds it for the next group.
func (c *committer) take(ctx context.Context, g *group, r *request) {
	if !g.admits(r) {
		c.held = append(c.held, r)
		return
	}
	if !r.claim() {
		return // its caller gave up
	}
	err := c.s.refusal(r.acceptance)
	if err == nil {
		err = c.check(ctx, r)
	}
	if err != nil {
		r.answer(Receipt{}, err)
		return
	}
	g.add(r)
}

// room reports whether a group may grow: what is held stays bounded too.
func (c *committer) room(g *group) bool { return g.events < MaxEvents && len(c.held) < MaxEvents }

// drain takes what waits already.
func (c *committer) drain(ctx context.Context, g *group) {
	for c.room(g) {
		select {
		case r := <-c.s.queue:
			c.take(ctx, g, r)
		default:
			return
		}
	}
}

// await gives the writers of the last group the time to come back, and then those
// who load what they decide on the time to get there. Without it the writers part
// into crowds, each of which waits for the other's sync.
func (c *committer) await(ctx context.Context, g *group) {
	if c.active == 0 {
		return
	}
	c.takeFor(ctx, g, linger, func() bool { return len(g.requests)+len(c.held) >= c.active })
	c.takeFor(ctx, g, min(c.took, crowdWait), func() bool { return c.s.loading.Load() == 0 })
}

// takeFor takes what comes for a while, or until it is enough.
func (c *committer) takeFor(ctx context.Context, g *group, d time.Duration, enough func() bool) {
	if enough() {
		return
	}
	patience := time.NewTimer(d)
	defer patience.Stop()
	for c.room(g) && !enough() {
		select {
		case r := <-c.s.queue:
			c.take(ctx, g, r)
		case <-patience.C:
			return
		case <-c.s.ctx.Done():
			return
		}
	}
}

// check refuses a request whose aggregates have moved.
func (c *committer) check(ctx context.Context, r *request) error {
	if err := c.checkHeads(ctx, r); err != nil {
		return err
	}
	return c.checkUnmoved(ctx, r)
}

// commitAlone commits each of the requests by itself.
func (c *committer) commitAlone(ctx context.Context, rs []*request) (unknown []*request, cause error) {
	for i, r := range rs {
		// What went before may have been what it rests on.
		if err := c.check(ctx, r); err != nil {
			r.answer(Receipt{}, err)
			continue
		}
		if unknown, cause := c.commit(ctx, []*request{r}); len(unknown) > 0 {
			return rs[i:], cause
		}
	}
	return nil, nil
}
