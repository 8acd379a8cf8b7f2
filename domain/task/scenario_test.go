package task

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"duban/domain"
	"duban/domain/calendar"
)

// The people of the stories. The task is shared by office/jidian and
// office/yuancai.
var (
	li      = caller("li", "anban", domain.RoleSafetyOffice)   // clerk of the safety office
	zhou    = caller("zhou", "anban", domain.RoleSafetyOffice) // another clerk
	insider = caller("ma", "jidian", domain.RoleSafetyOffice)  // clerk whose own office has a share
	sun     = caller("sun", "jidian", domain.RoleOffice)
	wu      = caller("wu", "yuancai", domain.RoleOffice)
	zheng   = caller("zheng", "ruanjian", domain.RoleOffice) // an office without a share
	wang    = caller("wang", "jianyan", domain.RoleInspector)
	auditor = caller("feng", "shenji", domain.RoleAuditor)
)

var (
	self     = domain.Ref{Kind: domain.KindTask, ID: "01T"}
	notice   = domain.Ref{Kind: domain.KindDirective, ID: "01D"}
	other    = domain.Ref{Kind: domain.KindDirective, ID: "02D"}
	sibling  = domain.Ref{Kind: domain.KindTask, ID: "02T"}
	cousin   = domain.Ref{Kind: domain.KindTask, ID: "03T"}
	hazard   = domain.Ref{Kind: domain.KindFinding, ID: "01F"}
	another  = domain.Ref{Kind: domain.KindFinding, ID: "02F"}
	jidian   = domain.Ref{Kind: domain.KindOffice, ID: "jidian"}
	yuancai  = domain.Ref{Kind: domain.KindOffice, ID: "yuancai"}
	ruanjian = domain.Ref{Kind: domain.KindOffice, ID: "ruanjian"}
	noOffice domain.Ref
)

const (
	clause = "b1946ac92492d2347c6235b4d2611184b1946ac92492d2347c6235b4d2611184"
	photo  = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
	letter = "60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752"
)

// now is the day on which everything is entered.
const now = "2020-02-01 12:00"

func caller(person, office string, r domain.Role) domain.Caller {
	return domain.Caller{Person: domain.Ref{Kind: domain.KindPerson, ID: person}, Office: domain.Ref{Kind: domain.KindOffice, ID: office}, Role: r}
}

// A step is one command of a story: who, when, what.
type step struct {
	by  domain.Caller
	at  string
	ask domain.Payload
}

func (s step) command() domain.Command {
	return receivedThen(domain.Command{Entry: domain.Entry{By: s.by, Time: clockOf(s.at), Now: clockOf(now)}, Subject: self, Ask: s.ask})
}

// receivedThen lets no paper come in before the day of which it tells.
func receivedThen(c domain.Command) domain.Command {
	p := c.Ask.Circumstances()
	if day := calendar.On(c.Time); p.ReceivedOn != "" && p.ReceivedOn < day {
		p.ReceivedOn = day
	}
	return c
}

// clockOf reads "07-01" of 2019, with a time or a year where one is given.
func clockOf(at string) time.Time {
	if len(at) < 6 || at[4] != '-' {
		at = "2019-" + at
	}
	if !strings.Contains(at, ":") {
		at += " 09:00"
	}
	t, err := time.ParseInLocation("2006-01-02 15:04", at, calendar.Zone)
	if err != nil {
		panic(err)
	}
	return t
}

// decide gives a command to a history, as the api does.
func decide(history []domain.Event, c domain.Command) ([]domain.Event, error) {
	if _, ok := c.Ask.(domain.Corrector); ok {
		return Correct(history, c)
	}
	return Decide(Replay(history), c)
}

// appendTo records events under the ids e1, e2 …
func appendTo(history []domain.Event, events ...domain.Event) []domain.Event {
	for _, e := range events {
		n := len(history) + 1
		e.ID, e.Version, e.Seq = fmt.Sprintf("e%d", n), uint64(n), uint64(n)
		history = append(history, e)
	}
	return history
}

// given plays a story whose steps are all accepted.
func given(t testing.TB, story ...step) []domain.Event {
	t.Helper()
	var history []domain.Event
	for i, s := range story {
		events, err := decide(history, s.command())
		if err != nil {
			t.Fatalf("step %d of the story, %s: %v", i+1, s.ask.EventType(), err)
		}
		history = appendTo(history, events...)
		if err := CheckHistory(history); err != nil {
			t.Fatalf("after step %d, %s, the history is refused: %v", i+1, s.ask.EventType(), err)
		}
	}
	return history
}

// when gives one more command; then either the state it leads to is returned, or
// the refusal.
func when(t testing.TB, history []domain.Event, s step) (State, *domain.Refusal) {
	t.Helper()
	events, err := decide(history, s.command())
	if err == nil {
		history = appendTo(history, events...)
		if err := CheckHistory(history); err != nil {
			t.Fatalf("accepted, but the history is refused: %v", err)
		}
		return Replay(history), nil
	}
	var r *domain.Refusal
	if !errors.As(err, &r) {
		t.Fatalf("no refusal but an error: %v", err)
	}
	speaksOfActs(t, r)
	return State{}, r
}

// speaksOfActs: a refusal calls what was asked by the name of the act, not by that
// of the event it would have become.
func speaksOfActs(t interface{ Errorf(string, ...any) }, r *domain.Refusal) {
	for _, p := range Payloads() {
		if name := domain.ShortType(p); strings.Contains(r.Chinese, name) && name != "docketed" {
			t.Errorf("%s speaks of %s: %s", r.Rule, name, r.Chinese)
		}
	}
}

// A scenario tells what one command comes to after a story: where the task
// stands then, and where the share of office (jidian, if none is named), or the
// rule that refuses it.
type scenario struct {
	name    string
	given   []step
	when    step
	then    Status
	office  domain.Ref
	share   ShareStatus // 0: not looked at
	refused string
}

func (sc scenario) run(t *testing.T) {
	t.Helper()
	s, r := when(t, given(t, sc.given...), sc.when)
	if sc.office.IsZero() {
		sc.office = jidian
	}
	switch {
	case r == nil && sc.refused != "":
		t.Fatalf("accepted, now %v; want refusal %s", s.Status(), sc.refused)
	case r != nil && r.Rule != sc.refused:
		t.Fatalf("refused by %s (%v), want %q %v", r.Rule, r, sc.refused, sc.then)
	case r != nil && (r.Chinese == "" || r.English == ""):
		t.Fatalf("refusal %s lacks words", r.Rule)
	case r == nil && s.Status() != sc.then:
		t.Fatalf("now %v, want %v", s.Status(), sc.then)
	}
	if r == nil && sc.share != 0 && lastShare(s, sc.office).Status != sc.share {
		t.Fatalf("the share is now %v, want %v", lastShare(s, sc.office).Status, sc.share)
	}
}

// lastShare returns an office's share, also one that is out.
func lastShare(s State, office domain.Ref) Share {
	for _, sh := range slices.Backward(s.Shares) {
		if sh.Office == office {
			return sh
		}
	}
	return Share{}
}

func equal(a, b State) bool { return reflect.DeepEqual(a, b) }

func then(story []step, more ...step) []step {
	return append(slices.Clip(slices.Clone(story)), more...)
}
