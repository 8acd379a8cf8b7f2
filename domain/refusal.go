package domain

import "strings"

// Reason sorts refusals by what the caller can do about them.
type Reason uint8

// The reasons.
const (
	ReasonInvalid   Reason = iota + 1 // the input is wrong by itself
	ReasonForbidden                   // this caller may not
	ReasonIllegal                     // the state does not allow it
)

// A Refusal is a decision's "no". Rule is stable and may be relied on; the words
// are for people, Chinese first.
type Refusal struct {
	Reason  Reason
	Rule    string   // which rule refused: share_accepted.same_person
	Field   string   // the input's field, where one is to blame
	Chinese string   // what was wrong and what to do
	English string   // the same
	Allowed []string // the commands that are allowed now, where that helps
}

func (r *Refusal) Error() string {
	s := r.Chinese + " / " + r.English
	if len(r.Allowed) > 0 {
		s += "（现在可以 / allowed now: " + strings.Join(r.Allowed, ", ") + "）"
	}
	return s + " [" + r.Rule + "]"
}

// Invalid returns the refusal of an input that is wrong by itself.
func Invalid(rule, field, zh, en string) *Refusal {
	return &Refusal{Reason: ReasonInvalid, Rule: rule, Field: field, Chinese: zh, English: en}
}

// Forbidden returns the refusal of a caller who may not do this.
func Forbidden(rule, zh, en string) *Refusal {
	return &Refusal{Reason: ReasonForbidden, Rule: rule, Chinese: zh, English: en}
}

// Illegal returns the refusal of what the state does not allow.
func Illegal(rule, zh, en string) *Refusal {
	return &Refusal{Reason: ReasonIllegal, Rule: rule, Chinese: zh, English: en}
}

// Now returns the refusal with the commands that are allowed instead.
func (r *Refusal) Now(allowed []string) *Refusal {
	c := *r
	c.Allowed = allowed
	return &c
}
