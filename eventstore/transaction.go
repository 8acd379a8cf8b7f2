package eventstore

// An Assembler applies the transaction rule to records fed in the order of the
// stream: the events of a transaction stand side by side, and if the next
// sequence is not its next event, the transaction is void. It is pure: every
// reader and verifier that sees the same records comes to the same verdict.
//
// The zero value is ready to use.
type Assembler struct {
	open []Record // a transaction whose end is not in sight yet
}

// Add takes the next record and returns those whose fate is now known, in
// order. An unfinished transaction is held back until a record decides it.
//
// A record that could not be read (Undecodable) belongs to no transaction: even
// where its tx attributes could be made out, nothing vouches for them.
func (a *Assembler) Add(r Record) []Record { return a.addTo(nil, r) }

// addTo is Add for who collects many records: it appends to out.
func (a *Assembler) addTo(out []Record, r Record) []Record {
	if len(a.open) > 0 {
		if continues(a.open[len(a.open)-1], r) {
			a.open = append(a.open, r)
			if r.TxIndex < r.TxCount {
				return out
			}
			return a.take(out, false)
		}
		out = a.take(out, true)
	}
	switch {
	case r.TxCount == 0 || r.Undecodable != nil:
		return append(out, r)
	case r.TxIndex > 1: // its beginning is not where it should be
		r.Voided = true
		return append(out, r)
	}
	a.open = append(a.open, r)
	return out
}

// Pending returns how many records are held back.
func (a *Assembler) Pending() int { return len(a.open) }

func (a *Assembler) take(out []Record, void bool) []Record {
	for i := range a.open {
		a.open[i].Voided = void
	}
	out = append(out, a.open...)
	clear(a.open) // the memory is used again, what it named is not held
	a.open = a.open[:0]
	return out
}

func continues(last, r Record) bool {
	return r.Undecodable == nil && r.Seq == last.Seq+1 &&
		r.TxID == last.TxID && r.TxCount == last.TxCount && r.TxIndex == last.TxIndex+1
}
