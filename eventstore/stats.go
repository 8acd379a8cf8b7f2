package eventstore

import "sync/atomic"

// Stats say how busy the committer is. The counts are of this process and of what
// was acknowledged.
type Stats struct {
	Waiting, Room int // appends in the queue, and how many fit
	Commits       uint64
	Appends       uint64
	Events        uint64
}

// Stats returns how busy the store is.
func (s *Store) Stats() Stats {
	return Stats{
		Waiting: len(s.queue), Room: cap(s.queue),
		Commits: s.tally.commits.Load(), Appends: s.tally.appends.Load(), Events: s.tally.events.Load(),
	}
}

// counts are kept by the committer alone.
type counts struct{ commits, appends, events atomic.Uint64 }

func (c *counts) count(b batch) {
	c.commits.Add(1)
	c.appends.Add(uint64(len(b.requests)))
	c.events.Add(uint64(len(b.msgs)))
}
