package dossier

import "strings"

// Ends reports whether an event of that type ends what it is about: if it is the
// last effective event of its aggregate, the aggregate is no longer in force. It
// takes a type with or without its version.
func Ends(eventType string) bool {
	name, _, _ := strings.Cut(strings.TrimPrefix(eventType, "duban."), ".v")
	switch name {
	case "directive.repealed", "directive.voided",
		"task.completed", "task.ended", "task.cancelled", "task.consolidated", "task.voided",
		"finding.dismissed", "finding.duplicate_of", "finding.terminated", "finding.written_off", "finding.closure_verified",
		"inspection.closed", "office.merged", "name.released":
		return true
	}
	return false
}
