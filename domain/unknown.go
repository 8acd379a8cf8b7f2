package domain

import "encoding/json"

// Unknown stands for an event whose type this software does not know, written by
// a newer one. It stays in the trail as it is; an aggregate that has one refuses
// commands, because its state can't be known.
type Unknown struct {
	Particulars `json:"-"`
	Type        string          `json:"-"`
	Raw         json.RawMessage `json:"-"`
}

// EventType returns the type as it was stored.
func (u *Unknown) EventType() string { return u.Type }

// Validate accepts anything: nothing is known about it.
func (u *Unknown) Validate() error { return nil }

// CheckKnown refuses commands on an aggregate with an unknown event.
func CheckKnown(history []Event) error {
	for _, e := range history {
		if u, ok := e.Data.(*Unknown); ok {
			return Illegal("event.unknown",
				"本记录含有本版本不认识的事件 "+u.Type+"，请升级软件后再办理",
				"this record has an event of a type this version does not know, "+u.Type+": upgrade before going on")
		}
	}
	return nil
}
