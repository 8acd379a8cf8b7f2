// Package domain holds what all aggregates of the ledger share: references,
// roles, the event, the circumstances under which a fact was entered, refusals
// and corrections.
//
// Everything below domain/ is pure: no clock, no randomness, no I/O, no
// logging. Times and ids arrive as arguments. An aggregate's package has its
// state, its events, and two functions:
//
//	Decide(State, Command) ([]domain.Event, error)   may this happen, and what happens then
//	Evolve(State, domain.Event) State                total: it never fails
//
// A command is the wish that one event be recorded: an Entry (who, for whom,
// when) and the event's Payload. Decide checks it against the state and adds
// what follows from it in the same transaction. The same checks run over a
// whole history when a correction is asked for, so that no correction can leave
// behind a history that could not have happened.
package domain

import (
	"time"

	"duban/domain/calendar"
	"duban/domain/enum"
)

// A Payload is what one type of event says. Payloads are plain structs, encoded
// once as the CloudEvents member data; they hold no floats and no maps.
type Payload interface {
	// EventType is the CloudEvents type with its version: duban.task.assigned.v1.
	EventType() string
	// Circumstances returns the particulars every payload embeds.
	Circumstances() *Particulars
	// Validate checks the payload by itself, without any state. Its errors are
	// *Refusal with the field named.
	Validate() error
}

// An Event is a fact together with when it happened, when the ledger learned of
// it and who entered it. Decide returns events without ID, Version, Seq and
// RecordedTime: the event store fills those in when it appends.
type Event struct {
	ID      string // ULID
	Subject Ref    // the aggregate
	Version uint64 // 1, 2, 3 … within the aggregate
	Seq     uint64 // position in the stream, from 1

	Time         time.Time // when it happened, in Asia/Shanghai
	RecordedTime time.Time // when the ledger learned of it, UTC

	Actor     Ref  // the person who entered it
	Office    Ref  // the office that person acted for
	Authority Role // the role under which the server let it in

	CommandID     string // idempotency: see eventstore
	CommandDigest string

	Data Payload
}

// Particulars are what every event may carry beside its own data: for whom and
// how it came in, on what ground and with whose approval.
type Particulars struct {
	OnBehalfOf  Ref           `json:"on_behalf_of,omitzero" doc:"代录：为谁录入 (person/… or office/…)"`
	ReceivedVia Via           `json:"received_via,omitzero" doc:"收到方式：paper 纸质, oa 办公系统, phone 电话, meeting 会议"`
	ReceivedOn  calendar.Date `json:"received_on,omitempty" doc:"收到日期"`
	Note        string        `json:"note,omitempty" doc:"备注"`
	Evidence    []Evidence    `json:"evidence,omitempty" doc:"证据材料，先用 PUT /api/v1/evidence 上传"`
	Basis       []Basis       `json:"basis,omitempty" doc:"依据"`
	Approval    *Approval     `json:"approval,omitempty" doc:"批示"`
}

// Circumstances lets a payload that embeds Particulars satisfy Payload.
func (c *Particulars) Circumstances() *Particulars { return c }

// Via is how a paper, call or message reached the safety office.
type Via uint8

// The ways.
const (
	ViaPaper Via = iota + 1
	ViaOA
	ViaPhone
	ViaMeeting
)

var vias = enum.New[Via]("way of receipt", "paper", "oa", "phone", "meeting")

func (v Via) String() string { return vias.Name(v) }

// MarshalText writes the wire name.
func (v Via) MarshalText() ([]byte, error) { return vias.Marshal(v) }

// UnmarshalText reads the wire name.
func (v *Via) UnmarshalText(b []byte) error { return vias.Unmarshal(b, v) }

// Evidence names stored bytes by their digest.
type Evidence struct {
	SHA256    string `json:"sha256" doc:"小写十六进制 SHA-256"`
	Size      int64  `json:"size,omitempty" doc:"字节数，由服务器填写"`
	MediaType string `json:"media_type,omitempty"`
	Name      string `json:"name,omitempty" doc:"文件名"`
}

// Basis is the legal or documentary ground of an act.
type Basis struct {
	Document string `json:"document" doc:"文件或法规名称、文号"`
	Article  string `json:"article,omitempty" doc:"条款"`
	Version  string `json:"version,omitempty" doc:"施行版本"`
}

// Approval is a leader's written instruction (批示).
type Approval struct {
	Leader   string        `json:"leader" doc:"批示领导"`
	On       calendar.Date `json:"on" doc:"批示日期"`
	Words    string        `json:"words" doc:"批示内容"`
	Evidence []Evidence    `json:"evidence,omitempty"`
}

// ActingOffice is the office whose act the event is: the one it was entered for,
// otherwise the office of who entered it.
func (e Event) ActingOffice() Ref {
	if b := e.Data.Circumstances().OnBehalfOf; b.Kind == KindOffice {
		return b
	}
	return e.Office
}

// ActingPerson is the person whose act the event is.
func (e Event) ActingPerson() Ref {
	if b := e.Data.Circumstances().OnBehalfOf; b.Kind == KindPerson {
		return b
	}
	return e.Actor
}

// By reports whether p entered the event or is the person it was entered for.
func (e Event) By(p Ref) bool { return e.Actor == p || e.ActingPerson() == p }
