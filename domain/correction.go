package domain

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"time"

	"duban/domain/calendar"
	"duban/domain/enum"
)

// Mode is what a correction does to its target.
type Mode uint8

// The modes.
const (
	ModeVoid  Mode = iota + 1 // the target is taken out
	ModeAmend                 // named fields of the target are replaced
)

var modes = enum.New[Mode]("correction mode", "void", "amend")

func (m Mode) String() string { return modes.Name(m) }

// MarshalText writes the wire name.
func (m Mode) MarshalText() ([]byte, error) { return modes.Marshal(m) }

// UnmarshalText reads the wire name.
func (m *Mode) UnmarshalText(b []byte) error { return modes.Unmarshal(b, m) }

// Correction (更正) takes an earlier event of the same aggregate out, or replaces
// named fields of it, in place, when the aggregate is folded. The event itself
// stays as it was recorded.
type Correction struct {
	Particulars
	Target  string          `json:"target" doc:"被更正事件的编号"`
	Mode    Mode            `json:"mode" doc:"void 撤销, amend 改正"`
	Changes json.RawMessage `json:"changes,omitempty" doc:"amend：字段的新值；time 改正发生时间"`
	Reason  string          `json:"reason" doc:"更正原因"`
}

// Correct returns the correction; payloads that embed a Correction are
// recognised by it.
func (c *Correction) Correct() *Correction { return c }

// Validate checks the correction by itself.
func (c *Correction) Validate() error {
	if err := CheckText("target", c.Target, true); err != nil {
		return err
	}
	if err := CheckText("reason", c.Reason, true); err != nil {
		return err
	}
	switch c.Mode {
	case ModeVoid:
		if len(c.Changes) > 0 {
			return Invalid("corrected.changes", "changes", "撤销不带 changes", "a void carries no changes")
		}
	case ModeAmend:
		var m map[string]json.RawMessage
		if err := json.Unmarshal(c.Changes, &m); err != nil || len(m) == 0 {
			return Invalid("corrected.changes", "changes", "changes 应为非空对象", "changes is an object with at least one field")
		}
	default:
		return Invalid("corrected.mode", "mode", "mode 应为 void 或 amend", "mode is void or amend")
	}
	return nil
}

// Corrector is a payload that corrects another event.
type Corrector interface{ Correct() *Correction }

// Corrects returns the correction e makes, or nil.
func (e Event) Corrects() *Correction {
	if c, ok := e.Data.(Corrector); ok {
		return c.Correct()
	}
	return nil
}

// Effective returns the history as its corrections leave it: voided events are
// gone, amended ones have their new fields, in the order of the stream. The
// corrections themselves stay, for they are facts too. Corrections are applied
// from the last to the first, so that one that was itself voided does nothing.
// A correction that can't be applied (its target is missing, or its changes
// don't fit) is left without effect: Amend refused it before it was recorded.
func Effective(history []Event) []Event {
	at := make(map[string]int, len(history))
	corrections := false
	for i, e := range history {
		at[e.ID] = i
		corrections = corrections || e.Corrects() != nil
	}
	if !corrections {
		return history
	}
	out := append([]Event(nil), history...)
	gone := make([]bool, len(out))
	// First the voids, newest first: what they take out may be an amendment.
	for i := len(out) - 1; i >= 0; i-- {
		c := out[i].Corrects()
		if t, ok := target(at, c, i); ok && !gone[i] && c.Mode == ModeVoid {
			gone[t] = true
		}
	}
	// Then the amendments, oldest first: a later one wins.
	for i := range out {
		c := out[i].Corrects()
		if t, ok := target(at, c, i); ok && !gone[i] && c.Mode == ModeAmend {
			if amended, err := Amend(out[t], *c); err == nil {
				out[t] = amended
			}
		}
	}
	kept := out[:0]
	for i, e := range out {
		if !gone[i] {
			kept = append(kept, e)
		}
	}
	return kept
}

func target(at map[string]int, c *Correction, i int) (int, bool) {
	if c == nil {
		return 0, false
	}
	t, ok := at[c.Target]
	return t, ok && t < i
}

// HappenedBy returns the events of an effective history whose time is not after
// t. Corrections are knowledge about other events and are kept whenever made.
func HappenedBy(effective []Event, t time.Time) []Event {
	var out []Event
	for _, e := range effective {
		if e.Corrects() != nil || !e.Time.After(t) {
			out = append(out, e)
		}
	}
	return out
}

// Amend returns e with the fields named in c.Changes replaced. Unknown fields
// and values that don't fit are refused.
func Amend(e Event, c Correction) (Event, error) {
	var changes map[string]json.RawMessage
	if err := json.Unmarshal(c.Changes, &changes); err != nil {
		return Event{}, fmt.Errorf("changes: %w", err)
	}
	if raw, ok := changes["time"]; ok {
		var t time.Time
		if err := json.Unmarshal(raw, &t); err != nil {
			return Event{}, Invalid("corrected.time", "changes.time", "time 应为 RFC 3339 时间", "time is an RFC 3339 time")
		}
		e.Time = t.In(calendar.Zone).Truncate(time.Millisecond)
		delete(changes, "time")
	}
	old, err := json.Marshal(e.Data)
	if err != nil {
		return Event{}, fmt.Errorf("encode %s: %w", e.Data.EventType(), err)
	}
	fields := map[string]json.RawMessage{}
	if err := json.Unmarshal(old, &fields); err != nil {
		return Event{}, fmt.Errorf("decode %s: %w", e.Data.EventType(), err)
	}
	for k, v := range changes {
		// encoding/json matches names in any case; the wire names are lower case.
		if k != strings.ToLower(k) {
			return Event{}, Invalid("corrected.changes", "changes", "没有字段 "+k, "there is no field "+k)
		}
		fields[k] = v // null leaves the field empty
	}
	merged, err := json.Marshal(fields)
	if err != nil {
		return Event{}, fmt.Errorf("encode %s: %w", e.Data.EventType(), err)
	}
	data, err := DecodeStrict(e.Data, merged)
	if err != nil {
		return Event{}, Misfit("corrected.changes", "changes.", e.Data, fields)
	}
	e.Data = data
	return e, nil
}

// DecodeStrict decodes JSON into a new payload of the prototype's type and
// refuses fields it does not know and anything after the value.
func DecodeStrict(prototype Payload, b []byte) (Payload, error) {
	p := NewPayload(prototype)
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(p); err != nil {
		return nil, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("JSON 之后还有多余内容 / there is something after the JSON value")
	}
	return p, nil
}

// NewPayload returns a new, empty payload of the prototype's type. Payloads are
// pointers to structs.
func NewPayload(prototype Payload) Payload {
	return reflect.New(reflect.TypeOf(prototype).Elem()).Interface().(Payload)
}

// CheckCorrection refuses a correction that nobody may make or that can't be
// applied: the target is an earlier event of the same history, no correction is
// amended (void it and correct anew), and only who entered the target, or the
// safety office, corrects it. What it leaves of an amended event has to be one
// that its author could have entered. The aggregate then checks the history that
// the correction would leave.
func CheckCorrection(history []Event, e Event) error {
	c := e.Corrects()
	if c == nil {
		return Invalid("corrected.target", "target", "这不是更正："+e.Data.EventType(), "this is no correction: "+e.Data.EventType())
	}
	t := find(history, c.Target)
	if t == nil {
		return Invalid("corrected.target", "target", "本记录中没有事件 "+c.Target, "this record has no event "+c.Target)
	}
	if e.Authority != RoleSafetyOffice && t.Actor != e.Actor {
		return Forbidden("corrected.by", "只有原录入人或安委会办公室可以更正", "only who entered the event, or the safety office, corrects it")
	}
	standing := find(Effective(history), c.Target)
	if standing == nil {
		return Illegal("corrected.voided", "该事件已被撤销", "the event has been voided already")
	}
	if w, ok := standing.Data.(Withdrawal); ok {
		if err := keepsWithdrawing(*standing, *c, w.Withdraws()); err != nil {
			return err
		}
	}
	if c.Mode == ModeAmend {
		if t.Corrects() != nil {
			return Illegal("corrected.correction", "更正本身不能再改正，请撤销后重新更正", "a correction is not amended: void it and correct anew")
		}
		if _, err := Amend(*standing, *c); err != nil {
			return err
		}
	}
	return checkAmended(history, e)
}

// A Withdrawal is a payload that removes the bytes of evidence.
type Withdrawal interface{ Withdraws() string }

// keepsWithdrawing: bytes that are gone do not come back by a correction.
func keepsWithdrawing(e Event, c Correction, sum string) error {
	if c.Mode == ModeAmend {
		after, err := Amend(e, c)
		if err != nil {
			return err
		}
		if w, ok := after.Data.(Withdrawal); ok && w.Withdraws() == sum {
			return nil
		}
	}
	return Illegal("corrected.withdrawal", "证据内容已删除，撤回不能撤销或改指他件；可以改正理由，或重新上传证据",
		"the bytes are gone: a withdrawal is neither voided nor pointed at other evidence; correct its reason, or hand the evidence in again")
}

// checkAmended applies the rules of entry to every event that the corrections
// leave changed: a void may uncover an amendment that rested on another one.
// They are those for who entered the event; the correction's own time is the
// latest an amended one may have.
func checkAmended(history []Event, e Event) error {
	for _, after := range Effective(append(slices.Clip(history), e)) {
		recorded := find(history, after.ID)
		if recorded == nil || recorded.Data == after.Data {
			continue
		}
		entry := Entry{By: Caller{Person: after.Actor, Office: after.Office, Role: after.Authority}, Time: after.Time, Now: e.Time}
		if after.Time.Equal(recorded.Time) && after.Time.After(e.Time) {
			entry.Now = after.Time // a correction dated back does not make the event lie ahead
		}
		if after.Data.Circumstances().OnBehalfOf.IsZero() != recorded.Data.Circumstances().OnBehalfOf.IsZero() {
			return Illegal("corrected.behalf", "是否代录不能改正，请撤销后重新录入",
				"whether an event was entered on behalf of somebody is not amended: void it and enter it anew")
		}
		if err := entry.Check(after.Data); err != nil {
			return err
		}
	}
	return nil
}

func find(events []Event, id string) *Event {
	for i := range events {
		if events[i].ID == id {
			return &events[i]
		}
	}
	return nil
}

// DecideCorrection decides a correction in an aggregate: what CheckCorrection allows,
// what refuse lets be corrected there, and what leaves a history that could have
// happened.
func DecideCorrection(history []Event, c Command, acts []Act, refuse func([]Event, Correction) error, check func([]Event) error) ([]Event, error) {
	if err := c.Check(acts); err != nil {
		return nil, err
	}
	e := c.Event()
	if err := CheckCorrection(history, e); err != nil {
		return nil, err
	}
	if err := refuse(history, *e.Corrects()); err != nil {
		return nil, err
	}
	if err := check(append(slices.Clip(history), e)); err != nil {
		return nil, err
	}
	return []Event{e}, nil
}
