package domain

import "duban/domain/enum"

// Role is what a credential lets a person act as; an event's authority.
type Role uint8

// The roles.
const (
	RoleSafetyOffice Role = iota + 1 // 安委会办公室
	RoleOffice                       // 责任处室
	RoleInspector                    // 检查人员
	RoleAuditor                      // 审计, reads only
	RoleAssessor                     // 考核组, reads only
	RoleSystem                       // the server itself, for ledger.opened and reminders by the calendar
)

var roles = enum.New[Role]("role", "safety_office", "office", "inspector", "auditor", "assessor", "system")

// ParseRole returns the role with that wire name.
func ParseRole(s string) (Role, error) { return roles.Parse(s) }

// Roles returns the wire names of all roles.
func Roles() []string { return roles.Names() }

func (r Role) String() string { return roles.Name(r) }

// Chinese returns the role as the pages and refusals write it.
func (r Role) Chinese() string {
	switch r {
	case RoleSafetyOffice:
		return "安委会办公室"
	case RoleOffice:
		return "责任处室"
	case RoleInspector:
		return "检查人员"
	case RoleAuditor:
		return "审计"
	case RoleAssessor:
		return "考核组"
	case RoleSystem:
		return "系统"
	}
	return r.String()
}

// authorityPrefix stands before the role in the event attribute "authority".
const authorityPrefix = "role/"

// MarshalText writes role/NAME, as the attribute authority carries it.
func (r Role) MarshalText() ([]byte, error) {
	if r == 0 {
		return []byte{}, nil
	}
	b, err := roles.Marshal(r)
	return append([]byte(authorityPrefix), b...), err
}

// UnmarshalText reads role/NAME.
func (r *Role) UnmarshalText(b []byte) error {
	if len(b) > len(authorityPrefix) && string(b[:len(authorityPrefix)]) == authorityPrefix {
		b = b[len(authorityPrefix):]
	}
	return roles.Unmarshal(b, r)
}
