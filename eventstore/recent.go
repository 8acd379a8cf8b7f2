package eventstore

import (
	"math"
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"duban/domain"
)

// recentBytes bounds what is remembered of aggregates used lately, and sparedBytes
// while something else needs the memory.
const (
	recentBytes = 64 << 20
	sparedBytes = 8 << 20
)

// recent remembers the stored events of aggregates that were loaded or written
// lately. A history is read one append after the other (walkBack), and the server
// answers no read while it commits a batch: a command would otherwise wait for the
// disk several times before it is even decided.
//
// Embedded only, where nobody else writes. What is remembered is only a history's
// beginning; that it is all of it the known heads say, or the stream. Should somebody
// else write all the same, the next publish is refused, because it names another
// last sequence, and the heads are forgotten (refresh). Odd events are never
// remembered.
type recent struct {
	mu     sync.Mutex
	lru    *simplelru.LRU[domain.Ref, history]
	weight int // of all that is in lru, in bytes
	bound  int // of weight
}

// A history is an aggregate's events from the first on, not necessarily to the
// last. Slices handed out are never written to: add only ever appends behind them,
// and only to the one that is remembered.
type history struct {
	events []stored
	weight int
}

// stored is an event as it stands in the stream.
type stored struct {
	seq uint64
	raw []byte
}

// heldBy is about what holds an event or a history in memory, in bytes.
const heldBy = 64

func (e stored) weight() int { return heldBy + len(e.raw) }

func newRecent() *recent {
	r := &recent{bound: recentBytes}
	// Its weight bounds it, not the number of entries.
	r.lru, _ = simplelru.NewLRU(math.MaxInt, func(_ domain.Ref, h history) { r.weight -= h.weight }) // refuses only sizes below 1
	return r
}

// of returns what is remembered of an aggregate.
func (r *recent) of(ref domain.Ref) []stored {
	r.mu.Lock()
	defer r.mu.Unlock()
	h, _ := r.lru.Get(ref)
	return h.events
}

// put remembers an aggregate's events from the first on.
func (r *recent) put(ref domain.Ref, events []decoded) {
	kept := make([]stored, len(events))
	for i, d := range events {
		kept[i] = stored{d.Seq, d.Raw}
	}
	r.remember(ref, kept)
}

func (r *recent) remember(ref domain.Ref, events []stored) {
	weight := heldBy
	for _, e := range events {
		weight += e.weight()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.set(ref, history{events, weight})
}

// add remembers an event that was recorded, if the aggregate is remembered up to it.
func (r *recent) add(rec Record) {
	r.mu.Lock()
	defer r.mu.Unlock()
	h, _ := r.lru.Get(rec.Subject)
	if uint64(len(h.events))+1 != rec.Version {
		return
	}
	e := stored{rec.Seq, rec.Raw}
	r.set(rec.Subject, history{append(h.events, e), max(h.weight, heldBy) + e.weight()})
}

// set takes the place of what was remembered of an aggregate, and forgets what was
// not used for longest. Whatever is too large by itself is not remembered.
func (r *recent) set(ref domain.Ref, h history) {
	r.lru.Remove(ref)
	if h.weight > r.bound {
		return
	}
	r.lru.Add(ref, h)
	r.weight += h.weight
	r.trim()
}

func (r *recent) trim() {
	for r.weight > r.bound {
		r.lru.RemoveOldest()
	}
}

// Spare has the store remember little of the histories used lately until end is
// called: for work that needs the memory for a while. Only speed depends on it.
func (s *Store) Spare() (end func()) {
	s.recent.within(sparedBytes)
	return func() { s.recent.within(recentBytes) }
}

func (r *recent) within(bound int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.bound = bound
	r.trim()
}

// forget forgets an aggregate.
func (r *recent) forget(ref domain.Ref) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lru.Remove(ref)
}
