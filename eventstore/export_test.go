package eventstore

import "time"

// SeenElsewhere moves the durable position as an event does that a server shows
// before the stream's leader has applied it.
func (s *Store) SeenElsewhere(seq uint64) { s.advance(seq, time.Time{}) }
