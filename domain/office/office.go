// Package office is one responsible office (责任处室) as the ledger knows it: its
// name now, the names it went by before, and its aliases (别名、简称). Centres (中心),
// city bureaus (市局) and other bodies (外单位) that a notice names are offices too.
//
// An office may be merged into another one (并入) or split up (分设). It is then no
// more: it takes no new shares and signs nothing, and has an heir. Its names stay
// claimed by it, and what was recorded of it reads as it was written.
//
// Names and aliases are unique among all offices: whoever registers or renames an
// office claims and releases them in the same transaction (package name). Names
// are compared without white space and width, as package name does.
package office

import (
	"errors"
	"slices"
	"time"

	"duban/domain"
	"duban/domain/enum"
)

// Type is what sort of body an office is.
type Type uint8

// The types.
const (
	TypeOffice     Type = iota + 1 // 处室
	TypeCenter                     // 中心、事业单位
	TypeCityBureau                 // 市局
	TypeExternal                   // 外单位
)

var types = enum.New[Type]("type of office", "office", "center", "city_bureau", "external")

func (t Type) String() string { return types.Name(t) }

// Chinese returns the type as the pages write it.
func (t Type) Chinese() string {
	switch t {
	case TypeOffice:
		return "处室"
	case TypeCenter:
		return "中心"
	case TypeCityBureau:
		return "市局"
	case TypeExternal:
		return "外单位"
	}
	return t.String()
}

// MarshalText writes the wire name.
func (t Type) MarshalText() ([]byte, error) { return types.Marshal(t) }

// UnmarshalText reads the wire name.
func (t *Type) UnmarshalText(b []byte) error { return types.Unmarshal(b, t) }

// ParseType returns the type with that wire name.
func ParseType(s string) (Type, error) { return types.Parse(s) }

// Mark names an event and when it happened.
type Mark struct {
	Event string
	Time  time.Time
}

// EarlierName is a name an office went by before.
type EarlierName struct {
	Name  string
	Until Mark // the renaming
}

// State is one office. The zero value is nothing recorded yet.
type State struct {
	ID         domain.Ref
	Name       string
	Type       Type
	Aliases    []string
	Earlier    []EarlierName // oldest first, kept as alias or not
	Registered Mark
	Named      Mark // since when it goes by Name

	Ended Mark         // merged away or split up: the office is no more
	Into  []domain.Ref // the offices that carry on after the last reorganisation
	Heir  domain.Ref   // that of them which carries on what nobody decided otherwise; zero while the office stands
}

// Gone reports whether the office is no more: it gets no shares and signs nothing.
func (s State) Gone() bool { return !s.Heir.IsZero() }

// Goes reports whether the office now goes by n, as name or alias.
func (s State) Goes(n string) bool {
	return s.Name != "" && (same(s.Name, n) || slices.ContainsFunc(s.Aliases, func(a string) bool { return same(a, n) }))
}

// Claims returns which names a registration or renaming takes and gives up: they
// are claimed and released in the same transaction.
func Claims(s State, p domain.Payload) (claim, release []string) {
	switch p := p.(type) {
	case *Registered:
		return p.Names(), nil
	case *Renamed:
		if !s.Goes(p.Name) {
			claim = []string{p.Name}
		}
		if !p.KeepAsAlias && !same(s.Name, p.Name) {
			release = []string{s.Name}
		}
	}
	return claim, release
}

// Acts returns the commands of an office.
func Acts() []domain.Act {
	safety := []domain.Role{domain.RoleSafetyOffice}
	return []domain.Act{
		{Name: "register", Chinese: "登记处室", Ask: &Registered{}, By: safety},
		{Name: "rename", Chinese: "更名", Ask: &Renamed{}, By: safety},
		{Name: "merge", Chinese: "并入", Ask: &Merged{}, By: safety},
		{Name: "split", Chinese: "分设", Ask: &Split{}, By: safety},
		{Name: "hand-over", Chinese: "移交经办事项", Ask: &HandedOver{}, By: []domain.Role{domain.RoleOffice}},
		{Name: "correct", Chinese: "更正", Ask: &Corrected{}, By: safety},
	}
}

// Allowed returns the names of the acts the state allows.
func Allowed(s State) []string {
	if s.Name == "" {
		return []string{"register"}
	}
	if s.Gone() {
		return []string{"correct"}
	}
	return []string{"rename", "merge", "split", "hand-over", "correct"}
}

// Decide says what happens when the command is given in the state. A correction
// needs the history and is decided by Correct.
func Decide(s State, c domain.Command) ([]domain.Event, error) {
	if err := c.Check(Acts()); err != nil {
		return nil, err
	}
	e := c.Event()
	if e.Corrects() != nil {
		return nil, errors.New("office: Decide was asked for a correction")
	}
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
	case *Registered:
		if s.Name != "" {
			return domain.Illegal("office.registered.status",
				"该处室已登记为“"+s.Name+"”，名称变化请用更名", "the office is registered as "+s.Name+": rename it").Now(Allowed(s))
		}
		return nil
	case *Renamed:
		if s.Name == "" {
			return domain.Illegal("office.renamed.status",
				"该处室尚未登记", "the office has not been registered").Now(Allowed(s))
		}
		if s.Gone() {
			return s.gone()
		}
		if s.Name == p.Name {
			return domain.Illegal("office.renamed.same",
				"新名称与现名称相同", "the new name is the present one")
		}
		if e.Time.Before(s.Named.Time) {
			return domain.Illegal("office.renamed.time",
				"更名时间早于现名称启用的时间，请改正 time", "the time lies before the office took its present name: correct it")
		}
		return nil
	case *Merged:
		return admitReorganised(s, e, []domain.Ref{p.Into})
	case *Split:
		return admitReorganised(s, e, p.Into)
	case *HandedOver:
		return admitHandedOver(s, e)
	}
	return errors.New("office: event of another aggregate: " + e.Data.EventType())
}

// Evolve returns the state after the event.
func Evolve(s State, e domain.Event) State {
	switch p := e.Data.(type) {
	case *Registered:
		if s.Name != "" {
			return s
		}
		m := Mark{e.ID, e.Time}
		return State{ID: e.Subject, Name: p.Name, Type: p.Type, Aliases: p.Aliases, Registered: m, Named: m}
	case *Renamed:
		if s.Name == "" || s.Name == p.Name {
			return s
		}
		m := Mark{e.ID, e.Time}
		old := s.Name
		s.Earlier = append(slices.Clone(s.Earlier), EarlierName{old, m})
		// The new name may have been an alias; it is none any more.
		s.Aliases = slices.DeleteFunc(slices.Clone(s.Aliases), func(a string) bool { return same(a, p.Name) })
		if p.KeepAsAlias && !same(old, p.Name) {
			s.Aliases = append(s.Aliases, old)
		}
		s.Name, s.Named = p.Name, m
	case *Merged:
		return s.reorganised([]domain.Ref{p.Into}, p.Into, Mark{e.ID, e.Time})
	case *Split:
		return s.reorganised(p.Into, p.Rest, Mark{e.ID, e.Time})
	}
	return s
}

// reorganised: an office that is among those it was split into stands on.
func (s State) reorganised(into []domain.Ref, heir domain.Ref, m Mark) State {
	if s.Name == "" || s.Gone() {
		return s
	}
	s.Into = into
	if !slices.Contains(into, s.ID) {
		s.Ended, s.Heir = m, heir
	}
	return s
}
