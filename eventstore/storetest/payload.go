// Package storetest is the contract every way to run an eventstore has to keep:
// Run opens stores through a function and looks at them from the outside, with a
// plain JetStream client where the stream itself is in question.
package storetest

import "duban/domain"

// Noted is the event type the contract writes.
type Noted struct {
	domain.Particulars
	Text string `json:"text"`
	N    int    `json:"n,omitempty"`
}

// EventType names the event.
func (*Noted) EventType() string { return "duban.storetest.noted.v1" }

// Validate checks the payload by itself.
func (n *Noted) Validate() error { return domain.CheckText("text", n.Text, true) }

// Payloads returns a prototype of every event the contract writes.
func Payloads() []domain.Payload { return []domain.Payload{&Noted{}} }
