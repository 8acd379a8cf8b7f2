package dossier

import "strings"

// Ends reports whether an event of that type ends what it is about: if it is the
// last effective event of its aggregate, the aggregate is no longer in force. The
// versions of a type all say the same here.
func Ends(eventType string) bool {
	name := strings.TrimPrefix(eventType, "duban.")
	switch name[:max(0, strings.LastIndexByte(name, '.'))] { // without the version
	case "directive.repealed", "directive.voided",
		"task.completed", "task.ended", "task.cancelled", "task.consolidated", "task.voided",
		"finding.dismissed", "finding.duplicate_of", "finding.terminated", "finding.written_off", "finding.closure_verified",
		"inspection.closed", "office.merged", "name.released":
		return true
	}
	return false
}
