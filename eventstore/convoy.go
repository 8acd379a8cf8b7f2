package eventstore

import (
	"context"
	"slices"
	"sync"
	"time"
)

// A convoy lets readers that go through much of the stream near each other read it
// once: the read models and the tree are built side by side, and reading is a third
// of that work. Whoever is in front reads, those behind get what it read, and the
// front does not run away from them. A reader that falls too far behind, or joins
// too late, reads by itself.
//
// What is held was read from the durable part of the stream a moment ago, and goes
// when all have read it, at the latest with the last member.
type convoy struct {
	// open starts reading at a sequence. nil: the server can't.
	open func(ctx context.Context, from uint64) vanguard
	// patience is how long the front waits for the last before it leaves it behind.
	patience time.Duration

	mu      sync.Mutex
	changed chan struct{}     // closed and replaced at every change of what follows
	members map[*rider]uint64 // sequence each one has to read next
	held    [][]message       // one after the other in the stream, none empty
	// departed: what the first member began with may be gone from held, and nobody who
	// begins there can join.
	departed bool
	busy     bool     // a member reads
	front    vanguard // belongs to the member that reads; nil: none
}

// A vanguard reads the stream in order; *bulkReader is one.
type vanguard interface {
	// read returns up to n messages from a sequence on, without a gap, and none if
	// the next one does not come.
	read(ctx context.Context, from uint64, n int) []message
	// usable reports whether the next read may bring anything.
	usable() bool
	close()
}

// A rider is one reader's membership.
type rider struct{ left bool }

// convoyLength is how many batches are held at most, about 20 MB of common events.
const convoyLength = 16

func newConvoy(open func(context.Context, uint64) vanguard) *convoy {
	return &convoy{open: open, patience: time.Second, changed: make(chan struct{}), members: map[*rider]uint64{}}
}

// read returns messages from a sequence on, up to n of them, which the caller does
// not change. None means that the convoy has nothing for this reader, now or later.
func (c *convoy) read(ctx context.Context, r *rider, from uint64, n int) []message {
	c.mu.Lock()
	defer c.mu.Unlock()
	if r.left {
		return nil
	}
	c.members[r] = from
	for {
		if msgs := c.holds(from); len(msgs) > 0 {
			msgs = msgs[:min(n, len(msgs))]
			c.members[r] = from + uint64(len(msgs))
			c.announce()
			return msgs
		}
		switch {
		case r.left, len(c.held) > 0 && from != c.end():
			c.leaveLocked(r)
			return nil
		case !c.busy && c.room():
			if !c.fetch(ctx, from, n) {
				c.leaveLocked(r)
				return nil
			}
		case !c.wait(ctx):
			c.leaveLocked(r)
			return nil
		}
	}
}

// holds returns what is held from a sequence on, as far as one batch goes.
func (c *convoy) holds(from uint64) []message {
	for _, b := range c.held {
		if first := b[0].Seq; from >= first && from < first+uint64(len(b)) {
			return b[from-first:]
		}
	}
	return nil
}

// end returns the sequence behind what is held.
func (c *convoy) end() uint64 {
	last := c.held[len(c.held)-1]
	return last[len(last)-1].Seq + 1
}

// room reports whether another batch may be held. Batches that everybody has read are
// kept only as long as the first one is, for those who set out a moment later.
func (c *convoy) room() bool {
	if len(c.held) == 0 || !c.departed && len(c.held) < convoyLength {
		return true
	}
	c.departed = true
	next := c.end()
	for _, n := range c.members {
		next = min(next, n)
	}
	read := 0
	for read < len(c.held)-1 && c.held[read+1][0].Seq <= next {
		read++
	}
	c.held = slices.Delete(c.held, 0, read)
	return len(c.held) < convoyLength
}

// fetch reads the next batch with the lock released, and reports whether there was
// one.
func (c *convoy) fetch(ctx context.Context, from uint64, n int) bool {
	c.busy = true
	front := c.front
	c.mu.Unlock()
	if front != nil && !front.usable() {
		front.close()
		front = nil
	}
	if front == nil {
		front = c.open(ctx, from)
	}
	var msgs []message
	if front != nil {
		msgs = front.read(ctx, from, n)
		if len(msgs) < n { // it may be lost; another one is opened then
			front.close()
			front = nil
		}
	}
	c.mu.Lock()
	c.busy, c.front = false, front
	if len(msgs) > 0 {
		c.held = append(c.held, msgs)
	}
	c.disband()
	c.announce()
	return len(msgs) > 0
}

// wait waits for a change. When none came for too long, whoever is last is left
// behind. It reports whether there is anything more to wait for.
func (c *convoy) wait(ctx context.Context) bool {
	changed := c.changed
	c.mu.Unlock()
	patience := time.NewTimer(c.patience)
	defer patience.Stop()
	late := false
	select {
	case <-changed:
	case <-patience.C:
		late = true
	case <-ctx.Done():
	}
	c.mu.Lock()
	if late && !c.busy && len(c.held) > 0 {
		oldest := c.held[0]
		for r, next := range c.members {
			if next <= oldest[len(oldest)-1].Seq {
				c.leaveLocked(r)
			}
		}
	}
	return ctx.Err() == nil
}

// leave ends a membership; the reader reads by itself from then on.
func (c *convoy) leave(r *rider) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.leaveLocked(r)
}

func (c *convoy) leaveLocked(r *rider) {
	if r.left {
		return
	}
	r.left = true
	delete(c.members, r)
	c.disband()
	c.announce()
}

// disband lets everything go with the last member.
func (c *convoy) disband() {
	if len(c.members) > 0 || c.busy {
		return
	}
	c.held, c.departed = nil, false
	if c.front != nil {
		go c.front.close() // asks the server to forget a consumer
		c.front = nil
	}
}

func (c *convoy) announce() {
	close(c.changed)
	c.changed = make(chan struct{})
}
