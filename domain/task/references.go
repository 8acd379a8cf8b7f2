package task

import "duban/domain"

// References returns the other aggregates an event names, which have to exist.
func (a *Assigned) References() []domain.Ref {
	var refs []domain.Ref
	for _, o := range a.Offices {
		refs = append(refs, o.Office)
	}
	return refs
}

// References returns the other aggregates an event names, which have to exist.
func (t *Transferred) References() []domain.Ref { return []domain.Ref{t.To} }

// References returns the other aggregates an event names, which have to exist.
func (a *Absorbed) References() []domain.Ref { return []domain.Ref{a.To} }

// References returns the other aggregates an event names, which have to exist.
func (d *Disputed) References() []domain.Ref { return []domain.Ref{d.SuggestedOffice} }

// References returns the other aggregates an event names, which have to exist.
func (d *Decomposed) References() []domain.Ref {
	var refs []domain.Ref
	for _, c := range d.Children {
		refs = append(refs, c.Task)
		for _, o := range c.Offices {
			refs = append(refs, o.Office)
		}
	}
	return refs
}

// References returns the other aggregates an event names, which have to exist.
func (l *Linked) References() []domain.Ref { return []domain.Ref{l.To} }

// References returns the other aggregates an event names, which have to exist.
func (c *Consolidated) References() []domain.Ref { return []domain.Ref{c.Into} }

// Withdraws returns the digest of the evidence whose bytes are to be removed.
func (e *EvidenceWithdrawn) Withdraws() string { return e.SHA256 }
