package eventstore

import (
	"slices"

	"duban/domain"
)

// recentBytes bounds what is remembered of aggregates used lately: at most twice
// as much is held.
const recentBytes = 24 << 20

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
	cache *cache[domain.Ref, []stored]
}

// stored is an event as it stands in the stream.
type stored struct {
	seq uint64
	raw []byte
}

func newRecent() recent {
	c := newCache[domain.Ref, []stored](recentBytes)
	c.weigh = func(events []stored) int {
		const each = 64 // what holds one
		n := each
		for _, e := range events {
			n += each + len(e.raw)
		}
		return n
	}
	return recent{c}
}

// of returns what is remembered of an aggregate: its events from the first on, not
// necessarily to the last.
func (r recent) of(ref domain.Ref) []stored {
	events, _ := r.cache.get(ref)
	return events
}

// put remembers an aggregate's events from the first on.
func (r recent) put(ref domain.Ref, events []decoded) {
	kept := make([]stored, len(events))
	for i, d := range events {
		kept[i] = stored{d.Seq, d.Raw}
	}
	r.cache.put(ref, kept)
}

// add remembers an event that was recorded, if the aggregate is remembered up to it.
func (r recent) add(rec Record) {
	events := r.of(rec.Subject)
	if uint64(len(events))+1 != rec.Version {
		return
	}
	// Somebody may hold the same array and append to it as well.
	r.cache.put(rec.Subject, append(slices.Clip(events), stored{rec.Seq, rec.Raw}))
}
