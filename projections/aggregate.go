package projections

import (
	"container/list"
	"fmt"
	"strings"
	"time"

	"duban/domain"
	"duban/domain/directive"
	"duban/domain/finding"
	"duban/domain/inspection"
	"duban/domain/office"
	"duban/domain/policy"
	"duban/domain/task"
	"duban/domain/workyear"
	"duban/eventstore"
)

// An effect says whether an event of the trail counts.
type effect int

const (
	effectFull   effect = iota // it counts
	effectVoided               // its transaction is not whole
	effectOdd                  // it can't be read; an operator accepted that it stays
)

func effectOf(r eventstore.Record) effect {
	switch {
	case r.Undecodable != nil:
		return effectOdd
	case r.Voided:
		return effectVoided
	default:
		return effectFull
	}
}

// A standing is what an aggregate's rows say beside its state.
type standing struct {
	ref     domain.Ref
	first   uint64    // sequence of its first event that counts: the key of its rows
	last    uint64    // sequence of its last event of any sort
	version uint64    // of that event
	updated time.Time // recordedtime of that event
	unknown bool      // an event of a type this software does not know
	size    int       // bytes of its events, a measure of the state's memory
}

func (s *standing) see(seq, version uint64, recorded time.Time) {
	s.last, s.version, s.updated = seq, version, recorded
}

// count notes an event that counts.
func (s *standing) count(e domain.Event) {
	if s.first == 0 {
		s.first = e.Seq
	}
	if _, ok := e.Data.(*domain.Unknown); ok {
		s.unknown = true
	}
}

// An aggregate is a state in memory together with what of it stands in rows. It
// belongs to the goroutine that applies events.
type aggregate struct {
	standing
	state   any  // *task.State, *finding.State, …
	stale   bool // the state has to be folded from the trail again
	dirty   bool // rows are behind
	written any  // what its rows hold, where that saves writing them again
	element *list.Element
}

// A register folds the events of one kind of aggregate and writes its rows.
type register interface {
	empty() any
	evolve(state any, e domain.Event)
	write(w *rowWriter, a *aggregate) error
}

type registerOf[S any] struct {
	step func(S, domain.Event) S
	rows func(*rowWriter, *aggregate, S) error
}

func (registerOf[S]) empty() any { return new(S) }

func (r registerOf[S]) evolve(state any, e domain.Event) {
	s := state.(*S)
	*s = r.step(*s, e)
}

func (r registerOf[S]) write(w *rowWriter, a *aggregate) error {
	if err := r.rows(w, a, *a.state.(*S)); err != nil {
		return fmt.Errorf("write rows of %s: %w", a.ref, err)
	}
	return nil
}

// registerFor returns the register of a kind. Names and the ledger itself have
// none: nothing is asked of them but their trail.
func registerFor(k domain.Kind) (register, bool) {
	switch k {
	case domain.KindCalendar:
		return registerOf[workyear.State]{workyear.Evolve, writeCalendar}, true
	case domain.KindPolicy:
		return registerOf[policy.State]{policy.Evolve, writePolicy}, true
	case domain.KindOffice:
		return registerOf[office.State]{office.Evolve, writeOffice}, true
	case domain.KindDirective:
		return registerOf[directive.State]{directive.Evolve, writeDirective}, true
	case domain.KindInspection:
		return registerOf[inspection.State]{inspection.Evolve, writeInspection}, true
	case domain.KindTask:
		return registerOf[task.State]{task.Evolve, writeTask}, true
	case domain.KindFinding:
		return registerOf[finding.State]{finding.Evolve, writeFinding}, true
	default:
		return nil, false
	}
}

// registered lists the kinds with rows, in the order they are written.
func registered() []domain.Kind {
	return []domain.Kind{
		domain.KindCalendar, domain.KindPolicy, domain.KindOffice, domain.KindDirective, domain.KindInspection, domain.KindTask, domain.KindFinding,
	}
}

// own returns an event to be folded into a state that is kept. What a decoder
// returns shares memory with all of the event's attributes, which a kept id would keep.
func own(e domain.Event) domain.Event {
	e.ID = strings.Clone(e.ID)
	e.Subject.ID = strings.Clone(e.Subject.ID)
	e.Actor.ID = strings.Clone(e.Actor.ID)
	e.Office.ID = strings.Clone(e.Office.ID)
	return e
}

// A decoder reads stored bytes; *eventstore.Codec is one.
type decoder interface {
	Decode(seq uint64, raw []byte) (eventstore.Record, error)
}

func micro(t time.Time) int64      { return t.UnixMicro() }
func fromMicro(us int64) time.Time { return time.UnixMicro(us).UTC() }

// states keeps the aggregates last touched, as many as fit into a number of
// bytes. Those whose rows are behind are never dropped.
type states struct {
	limit, size int
	byRef       map[domain.Ref]*aggregate
	order       *list.List // of *aggregate, last used first
}

func newStates(limit int) *states {
	return &states{limit: limit, byRef: map[domain.Ref]*aggregate{}, order: list.New()}
}

// use returns the aggregate, or a new one without state.
func (s *states) use(ref domain.Ref) (a *aggregate, cached bool) {
	if a, ok := s.byRef[ref]; ok {
		s.order.MoveToFront(a.element)
		return a, true
	}
	ref.ID = strings.Clone(ref.ID)
	a = &aggregate{standing: standing{ref: ref}}
	a.element = s.order.PushFront(a)
	s.byRef[ref] = a
	s.size += a.weight()
	return a, false
}

// weight estimates the memory an aggregate takes. A state holds the texts of its
// events and small structures around them, about half of the stored bytes.
func (a *aggregate) weight() int {
	if a.state == nil {
		return 256
	}
	return 1536 + a.size/2
}

// change lets f change an aggregate and keeps the books.
func (s *states) change(a *aggregate, f func()) {
	s.size -= a.weight()
	f()
	s.size += a.weight()
}

// trim drops what was used least until the rest fits.
func (s *states) trim() {
	for e := s.order.Back(); e != nil && s.size > s.limit; {
		before := e.Prev()
		if a := e.Value.(*aggregate); !a.dirty {
			s.order.Remove(e)
			delete(s.byRef, a.ref)
			s.size -= a.weight()
		}
		e = before
	}
}

func (s *states) clear() {
	clear(s.byRef)
	s.order.Init()
	s.size = 0
}
