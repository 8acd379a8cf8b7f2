package finding

import "duban/domain"

// References returns the other aggregates an event names, which have to exist.
func (r *Recorded) References() []domain.Ref {
	return append([]domain.Ref{r.Inspection}, r.Tasks...)
}

// References returns the other aggregates an event names, which have to exist.
func (r *RectificationOrdered) References() []domain.Ref {
	return []domain.Ref{r.Rectifier.Office, r.SupervisingOffice}
}

// References returns the other aggregates an event names, which have to exist.
func (r *Recurred) References() []domain.Ref { return []domain.Ref{r.Earlier} }

// References returns the other aggregates an event names, which have to exist.
func (d *DuplicateOf) References() []domain.Ref { return []domain.Ref{d.Original} }

// Withdraws returns the digest of the evidence whose bytes are to be removed.
func (w *EvidenceWithdrawn) Withdraws() string { return w.SHA256 }
