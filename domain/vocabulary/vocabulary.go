// Package vocabulary lists every event type there is, for those who decode any
// of them: the event store, the read models and the golden files.
package vocabulary

import (
	"slices"

	"duban/domain"
	"duban/domain/directive"
	"duban/domain/finding"
	"duban/domain/inspection"
	"duban/domain/ledger"
	"duban/domain/name"
	"duban/domain/office"
	"duban/domain/policy"
	"duban/domain/task"
	"duban/domain/workyear"
)

// Payloads returns a prototype of every event type.
func Payloads() []domain.Payload {
	return slices.Concat(ledger.Payloads(), name.Payloads(), office.Payloads(), directive.Payloads(),
		task.Payloads(), inspection.Payloads(), finding.Payloads(),
		workyear.Payloads(), policy.Payloads())
}
