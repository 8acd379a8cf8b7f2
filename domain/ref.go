package domain

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"duban/domain/enum"
)

// Kind is the kind of thing a Ref names.
type Kind uint8

// The kinds of aggregates, and the two that only occur in attributes.
const (
	KindDirective Kind = iota + 1
	KindTask
	KindFinding
	KindInspection
	KindOffice
	KindName
	KindLedger
	KindPerson
	KindCalendar
	KindPolicy
)

var kinds = enum.New[Kind]("kind", "directive", "task", "finding", "inspection", "office", "name", "ledger", "person", "calendar", "policy")

func (k Kind) String() string { return kinds.Name(k) }

// ParseKind returns the kind with that wire name.
func ParseKind(s string) (Kind, error) { return kinds.Parse(s) }

// A Ref names an aggregate or a person: task/01JDB3…, person/z01. It is what
// CloudEvents calls the subject. The zero Ref is none.
type Ref struct {
	Kind Kind
	ID   string
}

// maxIDBytes bounds an id so that no reference can crowd out an event.
const maxIDBytes = 128

// ParseRef reads KIND/ID.
func ParseRef(s string) (Ref, error) {
	kind, id, ok := strings.Cut(s, "/")
	if !ok {
		return Ref{}, fmt.Errorf("%q 缺少类别，应写成 类别/编号，如 office/…、task/…、person/… / %q names no kind, write it as KIND/ID: office/…, task/…, person/…", s, s)
	}
	k, err := ParseKind(kind)
	if err != nil {
		return Ref{}, err
	}
	if err := checkID(id); err != nil {
		return Ref{}, err
	}
	return Ref{k, id}, nil
}

// Person returns the reference to a person by staff number or account name.
func Person(id string) (Ref, error) {
	if err := checkID(id); err != nil {
		return Ref{}, err
	}
	return Ref{KindPerson, id}, nil
}

func checkID(id string) error {
	bad := func(r rune) bool {
		return unicode.IsControl(r) || unicode.IsSpace(r) || r == '/' || r == utf8.RuneError
	}
	switch {
	case id == "":
		return fmt.Errorf("编号为空 / the id is empty")
	case len(id) > maxIDBytes:
		return fmt.Errorf("编号超过 %d 字节 / the id is longer than %d bytes", maxIDBytes, maxIDBytes)
	case strings.ContainsFunc(id, bad):
		return fmt.Errorf("编号 %q 含空白、斜线或控制字符 / the id %q has white space, a slash or control characters", id, id)
	}
	return nil
}

func (r Ref) String() string {
	if r.IsZero() {
		return ""
	}
	return r.Kind.String() + "/" + r.ID
}

// IsZero reports whether r names nothing.
func (r Ref) IsZero() bool { return r == Ref{} }

// MarshalText writes KIND/ID, the empty text for the zero Ref.
func (r Ref) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads KIND/ID; the empty text is the zero Ref.
func (r *Ref) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		*r = Ref{}
		return nil
	}
	p, err := ParseRef(string(b))
	if err != nil {
		return err
	}
	*r = p
	return nil
}
