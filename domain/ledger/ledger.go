// Package ledger holds what the ledger says about itself: that a server opened
// it, that an operator accepted an odd event so that work can go on, which keys
// sign the heads of its tree, who was handed a dossier of it, and that it is a copy
// restored from a backup.
package ledger

import "duban/domain"

// Opened is appended and acknowledged at every start, before anything else: it
// proves the disk works and marks which software wrote what follows.
type Opened struct {
	domain.Particulars
	Software     string `json:"software"`      // version of the program
	ConfigDigest string `json:"config_digest"` // sha256:… over the stream's configuration
	Sample       bool   `json:"sample,omitempty"`
}

// EventType names the event.
func (*Opened) EventType() string { return "duban.ledger.opened.v1" }

// Validate checks the payload by itself.
func (o *Opened) Validate() error { return domain.CheckText("software", o.Software, true) }

// Accepted records that an operator looked at an undecodable or odd event and
// accepts that it stays in the ledger without effect.
type Accepted struct {
	domain.Particulars
	Sequence uint64 `json:"sequence"` // of the accepted event in the stream
	SHA256   string `json:"sha256"`   // of its stored bytes
	Reason   string `json:"reason"`
}

// EventType names the event.
func (*Accepted) EventType() string { return "duban.ledger.accepted.v1" }

// Validate checks the payload by itself.
func (a *Accepted) Validate() error {
	if a.Sequence == 0 {
		return domain.Invalid("accepted.sequence", "sequence", "缺少序号", "the sequence is missing")
	}
	if err := domain.CheckEvidence("sha256", []domain.Evidence{{SHA256: a.SHA256}}); err != nil {
		return err
	}
	return domain.CheckText("reason", a.Reason, true)
}

// Payloads returns a prototype of every event of the ledger.
func Payloads() []domain.Payload {
	return []domain.Payload{&Opened{}, &Accepted{}, &KeyPublished{}, &KeyRotated{}, &Exported{}, &Restored{}}
}
