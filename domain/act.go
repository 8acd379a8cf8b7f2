package domain

import (
	"errors"
	"slices"
	"strings"
)

// An Act is one command of an aggregate as clients name it, with the event it
// asks for and who may ask. The list of an aggregate's acts is the single source
// of its routes, their schemas and the "allowed now" of its refusals.
type Act struct {
	Name    string  // kebab-case, as in POST tasks/{id}/request-closure
	Chinese string  // 申请报结
	Ask     Payload // prototype of the event asked for
	By      []Role  // who may; the safety office also on behalf of these
}

// ActOf returns the act that asks for events of the payload's type.
func ActOf(acts []Act, p Payload) (Act, bool) {
	i := slices.IndexFunc(acts, func(a Act) bool { return a.Ask.EventType() == p.EventType() })
	if i < 0 {
		return Act{}, false
	}
	return acts[i], true
}

// Words returns the act as refusals name it: “分项办结”.
func (a Act) Words() string { return "“" + a.Chinese + "”" }

// A Command asks that one event be recorded on an aggregate.
type Command struct {
	Entry
	Subject Ref
	Ask     Payload
}

// Event returns the event the command asks for.
func (c Command) Event() Event { return c.Entry.Event(c.Subject, c.Ask) }

// Check applies what holds for every command: the caller's role, the entry's own
// rules and the payload's.
func (c Command) Check(acts []Act) error {
	act, ok := ActOf(acts, c.Ask)
	if !ok {
		return Invalid("command.unknown", "", "没有这个命令："+c.Ask.EventType(), "there is no such command: "+c.Ask.EventType())
	}
	if err := act.checkRole(c); err != nil {
		return err
	}
	return c.Entry.Check(c.Ask)
}

func (a Act) checkRole(c Command) error {
	if slices.Contains(a.By, c.By.Role) {
		return nil
	}
	// On behalf the safety office does what offices and inspectors do; whether
	// the entry rests on something is Entry.Check's question.
	if c.By.Role == RoleSafetyOffice && !c.Ask.Circumstances().OnBehalfOf.IsZero() {
		return nil
	}
	names, roles := make([]string, len(a.By)), make([]string, len(a.By))
	for i, r := range a.By {
		names[i], roles[i] = r.Chinese(), r.String()
	}
	zh := a.Words() + "由" + strings.Join(names, "或") + "办理"
	en := a.Name + " is for the role " + strings.Join(roles, " or ")
	if c.By.Role == RoleSafetyOffice {
		zh += "；安委会办公室可以代录，须填写 on_behalf_of"
		en += "; the safety office may enter it with on_behalf_of"
	}
	return Forbidden("role."+a.Name, zh, en)
}

// CheckHistory replays an effective history and returns a refusal that names the
// first event that could not have happened by the act it came of. admit is the
// aggregate's rule for one event in a state, evolve its Evolve. A withdrawal of
// evidence keeps nothing from being corrected: where the event that named the
// evidence is taken out, it has nothing left to withdraw.
func CheckHistory[S any](history []Event, acts []Act, admit func(S, Event) error, evolve func(S, Event) S) error {
	var s S
	for _, e := range Effective(history) {
		if e.Corrects() == nil && !withdrewAsRecorded(history, e) {
			if err := admit(s, e); err != nil {
				return breaks(acts, e, err)
			}
		}
		s = evolve(s, e)
	}
	return nil
}

// withdrewAsRecorded reports whether an event withdraws evidence and stands as it
// was recorded.
func withdrewAsRecorded(history []Event, e Event) bool {
	if _, ok := e.Data.(Withdrawal); !ok {
		return false
	}
	recorded := find(history, e.ID)
	return recorded != nil && recorded.Data == e.Data && recorded.Time.Equal(e.Time)
}

func breaks(acts []Act, e Event, err error) error {
	zh, en := err.Error(), err.Error()
	var r *Refusal
	if errors.As(err, &r) {
		zh, en = r.Chinese, r.English
	}
	act, ok := ActOf(acts, e.Data)
	if !ok {
		act = Act{Name: ShortType(e.Data), Chinese: ShortType(e.Data)}
	}
	return Illegal("corrected.breaks",
		"更正后"+act.Words()+"（事件 "+e.ID+"）不再成立："+zh,
		"after the correction "+act.Name+" (event "+e.ID+") could not have happened: "+en)
}

// Fold returns the state an effective history leads to.
func Fold[S any](history []Event, evolve func(S, Event) S) S {
	var s S
	for _, e := range Effective(history) {
		s = evolve(s, e)
	}
	return s
}

// ShortType returns an event type without prefix and version: share_accepted.
func ShortType(p Payload) string {
	parts := strings.Split(p.EventType(), ".")
	if len(parts) < 4 {
		return p.EventType()
	}
	return strings.Join(parts[2:len(parts)-1], ".")
}
