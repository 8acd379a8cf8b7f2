package dossier

import (
	"encoding/hex"
	"fmt"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"duban/domain"
	"duban/domain/calendar"
	"duban/eventstore"
)

// A chain is how far one aggregate's events were seen.
type chain struct {
	version uint64
	hash    tlog.Hash
	touched bool // it has an event in the range
}

type chains map[domain.Ref]chain

// extend checks that an event continues its aggregate's chain. An odd event, which
// an operator accepted, counts as the next version whatever it says of itself.
func (c chains) extend(r eventstore.Record, hash tlog.Hash, odd, inRange bool) error {
	if odd && r.Subject == (domain.Ref{}) {
		return nil // in no chain
	}
	have := c[r.Subject]
	previous := ""
	if have.version > 0 {
		previous = "sha256:" + hex.EncodeToString(have.hash[:])
	}
	if !odd && (r.Version != have.version+1 || r.Previous != previous) {
		return fmt.Errorf("%s 的链条断裂：版本 %d 接在版本 %d 之后，或 previous 不符 / the chain of %s is broken: version %d after %d, or previous does not fit",
			r.Subject, r.Version, have.version, r.Subject, r.Version, have.version)
	}
	c[r.Subject] = chain{have.version + 1, hash, have.touched || inRange}
	return nil
}

// A cut is a year of recordedtime in Asia/Shanghai: from is in it, until is not.
type cut struct{ from, until time.Time }

func cutOf(year int) cut {
	return cut{calendar.Of(year, 1, 1).Start(), calendar.Of(year+1, 1, 1).Start()}
}

func (c cut) contains(t time.Time) bool { return !t.Before(c.from) && t.Before(c.until) }

// A clock checks that recordedtime does not run backwards. Odd events, whose time
// can't be believed, are passed over.
type clock struct{ last time.Time }

func (c *clock) tick(t time.Time) error {
	if t.Before(c.last) {
		return fmt.Errorf("recordedtime 倒退：%s 在 %s 之后 / recordedtime runs backwards", t.Format(time.RFC3339Nano), c.last.Format(time.RFC3339Nano))
	}
	c.last = t
	return nil
}
