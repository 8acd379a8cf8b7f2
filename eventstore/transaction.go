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
func (a *Assembler) Add(r Record) []Record {
	var out []Record
	if len(a.open) > 0 {
		if continues(a.open[len(a.open)-1], r) {
			a.open = append(a.open, r)
			if r.TxIndex < r.TxCount {
				return nil
			}
			return a.take(false)
		}
		out = a.take(true)
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

func (a *Assembler) take(void bool) []Record {
	out := a.open
	a.open = nil
	for i := range out {
		out[i].Voided = void
	}
	return out
}

func continues(last, r Record) bool {
	return r.Undecodable == nil && r.Seq == last.Seq+1 &&
		r.TxID == last.TxID && r.TxCount == last.TxCount && r.TxIndex == last.TxIndex+1
}
