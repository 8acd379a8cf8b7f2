package eventstore

import (
	"bytes"
	"math"
	"reflect"
	"slices"
	"strings"
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

// recent remembers the histories of aggregates that were loaded or written lately. A
// history is read one append after the other (walkBack), and the server answers no
// read while it commits a batch: a command would otherwise wait for the disk several
// times before it is even decided. Nor is it decoded and verified anew: a command
// would else do most of its work on events that were looked at before.
//
// Embedded only, where nobody else writes. What is remembered is only a history's
// beginning; that it is all of it the known heads say, or the stream. Should somebody
// else write all the same, the next publish is refused, because it names another
// last sequence, and everything is forgotten (refresh), as it is when the server is
// reopened. Odd events are never remembered.
type recent struct {
	mu     sync.Mutex
	lru    *simplelru.LRU[domain.Ref, past]
	weight int // of all that is in lru, in bytes
	bound  int // of weight
	life   int // rises when everything is forgotten
}

// A past is an aggregate's history from the first event on, not necessarily to the
// last. Slices handed out are never written to: what is recorded later is put behind
// them, and only behind those that are remembered.
type past struct {
	events []domain.Event // those that count
	head   Head           // where their chain ends: verified up to here
	newer  []stored       // recorded behind it, and not decoded yet: whoever writes last need not be asked for again
	texts  int            // bytes that the events hold beside themselves
	weight int            // of all of it
	life   int            // of recent, -1: nothing is to be remembered
}

// stored is an event as it stands in the stream.
type stored struct {
	seq uint64
	raw []byte
}

// What holds an aggregate, an event that is not decoded and what each decoded one
// holds is about so many bytes, beside what is counted.
const (
	heldBy      = 384
	heldByRaw   = 64
	heldByTexts = 64
)

func (e stored) weight() int { return heldByRaw + cap(e.raw) }

var eventSize = int(reflect.TypeFor[domain.Event]().Size())

// version is that of the last event that is remembered.
func (p past) version() uint64 { return p.head.Version + uint64(len(p.newer)) }

// since returns what stands behind a sequence and is not decoded yet.
func (p past) since(seq uint64) []stored {
	i := slices.IndexFunc(p.newer, func(e stored) bool { return e.seq > seq })
	if i < 0 {
		return nil
	}
	return slices.Clone(p.newer[i:]) // what was decoded is not held
}

func newRecent() *recent {
	r := &recent{bound: recentBytes}
	// Its weight bounds it, not the number of entries.
	r.lru, _ = simplelru.NewLRU(math.MaxInt, func(_ domain.Ref, p past) { r.weight -= p.weight }) // refuses only sizes below 1
	return r
}

// of returns what is remembered of an aggregate.
func (r *recent) of(ref domain.Ref) past {
	r.mu.Lock()
	defer r.mu.Unlock()
	p, _ := r.lru.Get(ref)
	p.events, p.life = slices.Clip(p.events), r.life
	return p
}

// put remembers what was built behind what of returned, and returns all the events
// that count.
func (r *recent) put(ref domain.Ref, was past, built Aggregate) []domain.Event {
	more, texts := leaned(ref, was.events, built.Records)
	r.mu.Lock()
	defer r.mu.Unlock()
	now, _ := r.lru.Get(ref)
	if was.life != r.life || now.head.Version > was.head.Version {
		return slices.Concat(was.events, more) // another reader was faster
	}
	base := was.events
	if now.head == was.head {
		base = now.events // has room behind
	}
	p := past{events: grown(base, more), head: built.Head, newer: now.since(built.Head.Seq), texts: was.texts + texts}
	p.weight = heldBy + p.texts + cap(p.events)*eventSize
	for _, e := range p.newer {
		p.weight += e.weight()
	}
	r.set(ref, p)
	return slices.Clip(p.events)
}

// grown appends to events, with a little room for the next.
func grown(events, more []domain.Event) []domain.Event {
	if n := len(events) + len(more); n > cap(events) {
		events = append(make([]domain.Event, 0, n+n/4), events...)
	}
	return append(events, more...)
}

// add remembers an event that was recorded, if the aggregate is remembered up to it.
func (r *recent) add(rec Record) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p, _ := r.lru.Get(rec.Subject)
	if p.version()+1 != rec.Version {
		return
	}
	e := stored{rec.Seq, rec.Raw}
	p.newer, p.weight = append(p.newer, e), max(p.weight, heldBy)+e.weight()
	r.set(rec.Subject, p)
}

// set takes the place of what was remembered of an aggregate, and forgets what was
// not used for longest. Whatever is too large by itself is not remembered.
func (r *recent) set(ref domain.Ref, p past) {
	r.lru.Remove(ref)
	if p.weight > r.bound {
		return
	}
	r.lru.Add(ref, p)
	r.weight += p.weight
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

// forget forgets everything, also what is being read just now.
func (r *recent) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.life++
	r.lru.Purge()
}

// leaned returns the events of records that count, without the rest of the texts
// that each was decoded from, and how many bytes they hold beside themselves.
func leaned(ref domain.Ref, before []domain.Event, records []Record) (events []domain.Event, texts int) {
	events = make([]domain.Event, 0, len(records))
	var last domain.Event
	if len(before) > 0 {
		last = before[len(before)-1]
	}
	for _, rec := range records {
		if !rec.Effective() {
			continue
		}
		e := rec.Event
		ids := e.ID + e.CommandID + e.CommandDigest
		e.ID, e.CommandID, e.CommandDigest = ids[:len(e.ID)], ids[len(e.ID):len(e.ID)+len(e.CommandID)], ids[len(e.ID)+len(e.CommandID):]
		texts += heldByTexts + len(ids) + payloadSize(rec)
		e.Subject = ref
		for _, same := range []struct{ now, before *domain.Ref }{{&e.Actor, &last.Actor}, {&e.Office, &last.Office}} {
			if *same.now == *same.before {
				*same.now = *same.before
				continue
			}
			same.now.ID = strings.Clone(same.now.ID)
			texts += len(same.now.ID)
		}
		events, last = append(events, e), e
	}
	return events, texts
}

// payloadSize is about what an event's payload holds: the struct, and texts and lists
// of about the length that they are stored with.
func payloadSize(rec Record) int {
	size := int(reflect.TypeOf(rec.Data).Elem().Size())
	_, data, _ := bytes.Cut(rec.Raw, []byte(`,"data":`)) // within a text the quotes would be escaped
	return size + len(data)
}
