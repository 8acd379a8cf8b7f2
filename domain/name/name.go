// Package name keeps names unique (名称占用): a document number (文号), an office's
// name or alias (处室名称、别名), the content of a notice, by which it is known again
// without its number.
//
// A name is an aggregate of its own, so that two writers who want the same one
// meet on the same subject and one of them loses. Its id is derived from the name:
//
//	hex(SHA-256(kind ‖ 0x00 ‖ normalised name)), lower case
//
// A kind's wire name holds no NUL, so the first NUL always ends it and no two
// pairs of kind and name give the same bytes. Normalisation makes equal what a
// reader takes for equal (Normalise); the name as written stays in the event.
//
// A name is claimed (占用) for its owner, released (释放) when the owner no longer
// goes by it, and may then be claimed again by anybody.
package name

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode"

	"duban/domain"
	"duban/domain/enum"
)

// Kind is what sort of name is kept unique.
type Kind uint8

// The kinds.
const (
	KindDocumentNumber Kind = iota + 1 // 文号
	KindOfficeName                     // 处室名称或别名
	KindNoticeText                     // 标题、日期和条款的 SHA-256，见 directive.ContentHash
	KindRegisterRow                    // 表中一行内容的 SHA-256：同一行不重复登记
)

var kinds = enum.New[Kind]("kind of name", "document_number", "office_name", "notice_text", "register_row")

func (k Kind) String() string { return kinds.Name(k) }

// Chinese returns the kind as refusals write it.
func (k Kind) Chinese() string {
	switch k {
	case KindDocumentNumber:
		return "文号"
	case KindOfficeName:
		return "处室名称"
	case KindNoticeText:
		return "文件内容"
	case KindRegisterRow:
		return "表中内容"
	}
	return k.String()
}

// MarshalText writes the wire name.
func (k Kind) MarshalText() ([]byte, error) { return kinds.Marshal(k) }

// UnmarshalText reads the wire name.
func (k *Kind) UnmarshalText(b []byte) error { return kinds.Unmarshal(b, k) }

// ID returns the id of the aggregate that keeps the name unique: lower-case hex
// of SHA-256(kind ‖ 0x00 ‖ Normalise(kind, name)).
func ID(kind Kind, name string) string {
	h := sha256.New()
	h.Write([]byte(kind.String()))
	h.Write([]byte{0})
	h.Write([]byte(Normalise(kind, name)))
	return hex.EncodeToString(h.Sum(nil))
}

// Ref returns the reference to the aggregate that keeps the name unique.
func Ref(kind Kind, name string) domain.Ref {
	return domain.Ref{Kind: domain.KindName, ID: ID(kind, name)}
}

// Normalise returns the form under which names are compared: without any white
// space and with full-width letters, digits and punctuation made half-width. In a
// document number all brackets are the same, 〔2019〕, [2019], （2019） and 【2019】;
// the digest of a text is compared in lower case.
func Normalise(kind Kind, name string) string {
	var b strings.Builder
	for _, r := range name {
		if unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) { // Cf: zero-width characters of word processors
			continue
		}
		if r >= '！' && r <= '～' {
			r -= '！' - '!'
		}
		if kind == KindDocumentNumber {
			r = bracket(r)
		}
		b.WriteRune(r)
	}
	if kind == KindNoticeText || kind == KindRegisterRow {
		return strings.ToLower(b.String())
	}
	return b.String()
}

// bracket folds the brackets seen around the year of a document number.
func bracket(r rune) rune {
	switch r {
	case '[', '(', '{', '<', '【', '〖', '〈', '《', '「', '『', '﹝':
		return '〔'
	case ']', ')', '}', '>', '】', '〗', '〉', '》', '」', '』', '﹞':
		return '〕'
	}
	return r
}

// Mark names an event and when it happened.
type Mark struct {
	Event string
	Time  time.Time
}

// State is who holds the name. The zero value is a name nobody ever claimed.
type State struct {
	Subject  domain.Ref
	Kind     Kind
	Name     string     // as last claimed
	Owner    domain.Ref // who holds it; zero if nobody does
	Claimed  Mark       // the last claim
	Released Mark       // the last release
}

// Held reports whether somebody holds the name.
func (s State) Held() bool { return !s.Owner.IsZero() }

// HeldBy reports whether owner holds the name; it then need not be claimed.
func (s State) HeldBy(owner domain.Ref) bool { return s.Held() && s.Owner == owner }

// Acts returns the commands of a name. They are part of other transactions
// (importing a directive, registering an office), no routes of their own.
func Acts() []domain.Act {
	safety := []domain.Role{domain.RoleSafetyOffice}
	// Whoever records a finding claims the row it came in.
	all := []domain.Role{domain.RoleSafetyOffice, domain.RoleOffice, domain.RoleInspector}
	return []domain.Act{
		{Name: "claim", Chinese: "占用名称", Ask: &Claimed{}, By: all},
		{Name: "release", Chinese: "释放名称", Ask: &Released{}, By: safety},
	}
}

// Decide says what happens when the command is given in the state.
func Decide(s State, c domain.Command) ([]domain.Event, error) {
	if err := c.Check(Acts()); err != nil {
		return nil, err
	}
	if p, ok := c.Ask.(*Claimed); ok && p.Kind != KindRegisterRow && c.By.Role != domain.RoleSafetyOffice {
		return nil, domain.Forbidden("role.claim",
			p.Kind.Chinese()+"由安委会办公室登记", "the role safety_office claims a "+p.Kind.String())
	}
	e := c.Event()
	if err := admit(s, e); err != nil {
		return nil, err
	}
	return []domain.Event{e}, nil
}

// CheckHistory refuses a history that could not have happened.
func CheckHistory(history []domain.Event) error {
	return domain.CheckHistory(history, Acts(), admit, Evolve)
}

// Replay folds a history into a state.
func Replay(history []domain.Event) State { return domain.Fold(history, Evolve) }

func admit(s State, e domain.Event) error {
	switch p := e.Data.(type) {
	case *Claimed:
		return admitClaim(s, e, p)
	case *Released:
		if !s.Held() {
			return domain.Illegal("name.released.status",
				"该名称没有被占用，不必释放", "nobody holds the name, there is nothing to release")
		}
		return notBefore(e, s.Claimed, "name.released.time", "占用", "it was claimed")
	}
	return errors.New("name: event of another aggregate: " + e.Data.EventType())
}

func admitClaim(s State, e domain.Event, p *Claimed) error {
	if want := Ref(p.Kind, p.Name); e.Subject != want {
		return domain.Invalid("name.claimed.id", "name",
			"名称与记录编号不符，应记在 "+want.String(), "the name does not belong to this record, it is "+want.String())
	}
	if s.Held() {
		return taken(s, p)
	}
	return notBefore(e, s.Released, "name.claimed.time", "上次释放", "it was last released")
}

// taken says who holds the name, and how it would become free.
func taken(s State, p *Claimed) error {
	zh, en := "登记有误的，先撤销登记（void）原文件", "void that directive first if it was a mistake"
	switch p.Kind {
	case KindDocumentNumber, KindNoticeText:
	case KindRegisterRow:
		zh, en = "重复的行请删去", "take the row out if it stands there twice"
	case KindOfficeName:
		zh, en = "确需使用的，先将原处室更名（rename）", "rename that office first if need be"
	}
	return domain.Illegal("name.claimed.taken",
		p.Kind.Chinese()+"“"+p.Name+"”已由 "+s.Owner.String()+" 使用（登记为“"+s.Name+"”）；请核对是否重复登记；"+zh,
		p.Kind.String()+" "+p.Name+" is held by "+s.Owner.String()+" (as "+s.Name+"): look for a duplicate; "+en)
}

func notBefore(e domain.Event, m Mark, rule, zh, en string) error {
	if e.Time.Before(m.Time) {
		return domain.Illegal(rule, "发生时间早于"+zh+"的时间，请改正 time", "the time lies before "+en+": correct it")
	}
	return nil
}

// Evolve returns the state after the event.
func Evolve(s State, e domain.Event) State {
	switch p := e.Data.(type) {
	case *Claimed:
		s.Subject, s.Kind, s.Name, s.Owner = e.Subject, p.Kind, p.Name, p.Owner
		s.Claimed = Mark{e.ID, e.Time}
	case *Released:
		if s.Held() {
			s.Owner = domain.Ref{}
			s.Released = Mark{e.ID, e.Time}
		}
	}
	return s
}

// owners are the kinds of things that go by a name.
func owns(k domain.Kind) bool {
	return slices.Contains([]domain.Kind{domain.KindDirective, domain.KindOffice, domain.KindFinding}, k)
}
