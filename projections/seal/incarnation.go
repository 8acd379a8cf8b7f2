package seal

import (
	"errors"
	"slices"
	"strings"

	"duban/domain/ledger"
	"duban/eventstore"
)

// An incarnation is a life of the ledger under a name of its own: the first from its
// first event on, each further one from the event on that says that the ledger is a
// copy restored from a backup. Which one a head is of follows from its size.
type incarnation struct {
	origin string
	from   uint64 // size of the tree with the event that names it
}

// incarnationsOf returns the ledger's incarnations, the first one first.
func incarnationsOf(org string, agg eventstore.Aggregate) ([]incarnation, error) {
	if len(agg.Records) == 0 || agg.Records[0].ID == "" {
		return nil, errors.New("账本没有第一个事件 / the ledger has no first event")
	}
	named := func(id string) string { return "duban/" + org + "/" + id }
	all := []incarnation{{origin: named(agg.Records[0].ID), from: 1}}
	for _, e := range agg.Events() {
		if _, ok := e.Data.(*ledger.Restored); ok {
			all = append(all, incarnation{origin: named(e.ID), from: e.Seq})
		}
	}
	return all, nil
}

// at returns the incarnation that heads of a size are of.
func at(all []incarnation, size uint64) incarnation {
	for _, in := range slices.Backward(all) {
		if in.from <= size {
			return in
		}
	}
	return incarnation{}
}

// Origin returns the log's name, "" until Run has read it from the ledger.
func (s *Seal) Origin() string { return s.current().origin }

// OriginAt returns the log's name at a size, which is another one before the ledger was
// restored from a backup; "" until Run has read it.
func (s *Seal) OriginAt(size uint64) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return at(s.lives, size).origin
}

func (s *Seal) current() incarnation {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.lives) == 0 {
		return incarnation{}
	}
	return s.lives[len(s.lives)-1]
}

// currentKeys returns the keys under the log's name of today.
func (s *Seal) currentKeys() []Key { return keysOf(s.Keys(), s.Origin()) }

// keysOf returns the keys under one name of the log.
func keysOf(keys []Key, origin string) []Key {
	return slices.DeleteFunc(slices.Clone(keys), func(k Key) bool { return !strings.HasPrefix(k.Verifier, origin+"+") })
}

// read reads a stored head as one of the incarnation it has to be of.
func (s *Seal) read(r eventstore.HeadRecord) (Head, error) {
	s.mu.Lock()
	origin, keys := at(s.lives, r.Size).origin, s.keys
	s.mu.Unlock()
	return readHead(r, origin, keysOf(keys, origin))
}
