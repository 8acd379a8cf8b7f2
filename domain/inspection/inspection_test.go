package inspection

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"duban/domain"
	"duban/domain/calendar"
	"duban/domain/domaintest"
)

var (
	wang = caller("wang", domain.RoleInspector)
	zhao = caller("zhao", domain.RoleInspector)
	sun  = caller("sun", domain.RoleOffice)
	self = domain.Ref{Kind: domain.KindInspection, ID: "01I"}
)

func caller(person string, r domain.Role) domain.Caller {
	return domain.Caller{Person: domain.Ref{Kind: domain.KindPerson, ID: person}, Office: domain.Ref{Kind: domain.KindOffice, ID: "jianyan"}, Role: r}
}

// A step is one command of a story: who, on which day of July 2019, what.
type step struct {
	by  domain.Caller
	day int
	ask domain.Payload
}

func (s step) command() domain.Command {
	at := func(day int) time.Time { return time.Date(2019, 7, day, 9, 0, 0, 0, calendar.Zone) }
	return domain.Command{Entry: domain.Entry{By: s.by, Time: at(s.day), Now: at(31)}, Subject: self, Ask: s.ask}
}

func decide(history []domain.Event, c domain.Command) ([]domain.Event, error) {
	if _, ok := c.Ask.(domain.Corrector); ok {
		return Correct(history, c)
	}
	return Decide(Replay(history), c)
}

func appendTo(history []domain.Event, events ...domain.Event) []domain.Event {
	for _, e := range events {
		e.ID = fmt.Sprintf("e%d", len(history)+1)
		history = append(history, e)
	}
	return history
}

func given(t testing.TB, story ...step) []domain.Event {
	t.Helper()
	var history []domain.Event
	for i, s := range story {
		events, err := decide(history, s.command())
		if err != nil {
			t.Fatalf("step %d: %v", i+1, err)
		}
		history = appendTo(history, events...)
	}
	return history
}

func opened() *Opened {
	return &Opened{Kind: "专项检查", Scope: "深井铸造", Team: []domain.Ref{wang.Person, zhao.Person}}
}

func correct(mode domain.Mode, target, changes string) *Corrected {
	return &Corrected{domain.Correction{Target: target, Mode: mode, Changes: json.RawMessage(changes), Reason: "录错"}}
}

func TestScenarios(t *testing.T) {
	open := []step{{wang, 3, opened()}}
	closed := append(open[:1:1], step{wang, 5, &Closed{Summary: "发现隐患 3 条"}})
	for _, tt := range []struct {
		name    string
		given   []step
		when    step
		then    Status
		refused string
	}{
		{name: "opened", when: open[0], then: StatusOpen},
		{name: "opened by an office", when: step{sun, 3, opened()}, refused: "role.open"},
		{name: "opened twice", given: open, when: open[0], refused: "inspection.opened.status"},
		{name: "closed", given: open, when: step{zhao, 3, &Closed{Summary: "x"}}, then: StatusClosed},
		{name: "closed before opened", when: step{wang, 5, &Closed{Summary: "x"}}, refused: "inspection.closed.status"},
		{name: "closed earlier than opened", given: open, when: step{wang, 2, &Closed{Summary: "x"}}, refused: "inspection.closed.time"},
		{name: "closed twice", given: closed, when: step{wang, 6, &Closed{Summary: "x"}}, refused: "inspection.closed.status"},
		{name: "closing voided", given: closed, when: step{wang, 6, correct(domain.ModeVoid, "e2", "")}, then: StatusOpen},
		{name: "opening voided", given: closed, when: step{wang, 6, correct(domain.ModeVoid, "e1", "")}, refused: "corrected.breaks"},
		{name: "corrected by a stranger", given: closed, when: step{zhao, 6, correct(domain.ModeVoid, "e2", "")}, refused: "corrected.by"},
		{name: "corrected by an office", given: closed, when: step{sun, 6, correct(domain.ModeVoid, "e2", "")}, refused: "role.correct"},
		{name: "closing moved before the opening", given: closed, when: step{wang, 6, correct(domain.ModeAmend, "e2", `{"time":"2019-07-01T00:00:00+08:00"}`)}, refused: "corrected.breaks"},
		{name: "scope amended", given: closed, when: step{wang, 6, correct(domain.ModeAmend, "e1", `{"scope":"粉尘涉爆"}`)}, then: StatusClosed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			history := given(t, tt.given...)
			events, err := decide(history, tt.when.command())
			var r *domain.Refusal
			switch {
			case err == nil && tt.refused == "":
				if s := Replay(appendTo(history, events...)); s.Status != tt.then {
					t.Errorf("now %v, want %v", s.Status, tt.then)
				}
			case !errors.As(err, &r) || r.Rule != tt.refused:
				t.Errorf("%v, want refusal %q", err, tt.refused)
			}
		})
	}
}

func TestAllowed(t *testing.T) {
	story := []step{{wang, 3, opened()}, {wang, 5, &Closed{Summary: "x"}}}
	for n, want := range []string{"open", "close correct", "correct"} {
		if got := strings.Join(Allowed(Replay(given(t, story[:n]...))), " "); got != want {
			t.Errorf("after %d steps: %s, want %s", n, got, want)
		}
	}
}

func TestState(t *testing.T) {
	s := Replay(given(t, step{wang, 3, opened()}, step{wang, 5, &Closed{Summary: "发现隐患 3 条"}}))
	if s.ID != self || s.Kind != "专项检查" || s.Scope != "深井铸造" || len(s.Team) != 2 || s.Summary != "发现隐患 3 条" || s.Opened.Event != "e1" || s.Closed.Event != "e2" {
		t.Errorf("%+v", s)
	}
}

func TestEvolveIgnoresTheAbsurd(t *testing.T) {
	s := Replay(given(t, step{wang, 3, opened()}))
	for _, p := range []domain.Payload{&Opened{Kind: "x", Scope: "y"}, &domain.Unknown{Type: "x"}, nil} {
		if !reflect.DeepEqual(Evolve(s, domain.Event{ID: "e9", Data: p}), s) {
			t.Errorf("%T changed the state", p)
		}
	}
	if s := Evolve(State{}, domain.Event{ID: "e1", Data: &Closed{Summary: "x"}}); !reflect.DeepEqual(s, State{}) {
		t.Errorf("closed before it was opened: %+v", s)
	}
	if CheckHistory([]domain.Event{{ID: "e1", Data: &domain.Unknown{Type: "x"}}}) == nil {
		t.Error("a history with an unknown event passes")
	}
}

func TestDecideAndCorrectKeepToTheirOwn(t *testing.T) {
	history := given(t, step{wang, 3, opened()})
	if _, err := Decide(Replay(history), step{wang, 4, correct(domain.ModeVoid, "e1", "")}.command()); err == nil {
		t.Error("Decide took a correction")
	}
	if _, err := Correct(history, step{wang, 4, &Closed{Summary: "x"}}.command()); err == nil {
		t.Error("Correct took a closing")
	}
}

func TestValidate(t *testing.T) {
	o := func(change func(*Opened)) *Opened {
		p := opened()
		change(p)
		return p
	}
	for _, tt := range []struct {
		rule, field string
		p           domain.Payload
	}{
		{"field.required", "kind", o(func(p *Opened) { p.Kind = "" })},
		{"field.required", "scope", o(func(p *Opened) { p.Scope = "" })},
		{"field.required", "subject.place", o(func(p *Opened) { p.Subject.Name = "某厂" })},
		{"inspection.opened.team", "team", o(func(p *Opened) { p.Team = nil })},
		{"inspection.opened.team", "team", o(func(p *Opened) { p.Team, p.Subject = nil, Subject{Name: "某厂", Place: "某地"} })},
		{"field.person", "team", o(func(p *Opened) { p.Team = []domain.Ref{self} })},
		{"field.twice", "team", o(func(p *Opened) { p.Team = append(p.Team, p.Team[0]) })},
		{"field.required", "summary", &Closed{}},
		{"field.required", "target", &Corrected{}},
	} {
		var r *domain.Refusal
		if err := tt.p.Validate(); !errors.As(err, &r) || r.Rule != tt.rule || r.Field != tt.field {
			t.Errorf("%s: %v, want %s at %s", tt.p.EventType(), err, tt.rule, tt.field)
		}
	}
}

func TestSubject(t *testing.T) {
	for _, tt := range []struct {
		code string
		ok   bool
	}{
		{"", true},
		{"91350100M000100Y43", true},  // the example of GB 32100-2015
		{"91350100M000100Y44", false}, // another check character
		{"91350100M000100Y34", false}, // two neighbours exchanged
		{"19350100M000100Y43", false},
		{"91350100m000100Y43", false}, // lower case
		{"9135O100M000100Y43", false}, // O for 0
		{"91350100M000I00Y43", false}, // I is no character of the alphabet
		{"91350100M000100Y4", false},
		{"91350100M000100Y43 ", false},
		{"统一社会信用", false},
	} {
		s := Subject{Name: "某厂", USCC: tt.code, Place: "某地"}
		var r *domain.Refusal
		if err := s.Check("subject"); (err == nil) != tt.ok || err != nil && (!errors.As(err, &r) || r.Rule != "subject.uscc" || r.Field != "subject.uscc") {
			t.Errorf("%q: %v", tt.code, err)
		}
	}
	if err := (Subject{Place: "某地"}).Check("subject"); err == nil {
		t.Error("a subject without a name passes")
	}
	if err := (Subject{Name: "某厂"}).Check("subject"); err == nil {
		t.Error("a subject without a place passes")
	}
}

func TestUSCCAlphabet(t *testing.T) {
	for _, c := range []byte("IOSVZaz-. ") {
		for i := range 18 {
			code := []byte("91350100M000100Y43")
			code[i] = c
			if _, ok := usccCheck(string(code)); ok {
				t.Errorf("%s passes for a code", code)
			}
		}
	}
}

// Any single wrong character is caught, as the standard promises for a prime
// modulus.
func TestUSCCCatchesSlips(t *testing.T) {
	const good = "91350100M000100Y43"
	for i := range len(good) {
		for _, c := range []byte(usccAlphabet) {
			code := []byte(good)
			code[i] = c
			want, ok := usccCheck(string(code))
			if caught := !ok || code[17] != want; caught != (good[i] != c) {
				t.Errorf("%s: caught %v", code, caught)
			}
		}
	}
}

func TestStatus(t *testing.T) {
	for v := StatusOpen; v <= StatusClosed; v++ {
		if p, err := ParseStatus(v.String()); err != nil || p != v || v.Chinese() == Status(0).Chinese() {
			t.Errorf("%d: %v %v", v, p, err)
		}
	}
}

func TestGolden(t *testing.T) {
	digest := strings.Repeat("ab", 32)
	p := domain.Particulars{Evidence: []domain.Evidence{{SHA256: digest, Size: 1}}, Basis: []domain.Basis{{Document: "安全生产法"}}}
	full := []domain.Payload{
		&Opened{p, "专项检查", "深井铸造", Subject{"塞上铝业有限公司", "91350100M000100Y43", "三号铸造车间"}, []domain.Ref{wang.Person}},
		&Closed{p, "发现隐患 3 条"},
		&Corrected{domain.Correction{Particulars: p, Target: "01E", Mode: domain.ModeVoid, Reason: "录错"}},
	}
	domaintest.Golden(t, full, Payloads())
}

// Whatever is asked in whatever order: what is accepted leaves a history that
// could have happened, and folding at once is folding step by step. Evolve takes
// even what Decide refuses.
func TestAnyCommands(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var history, wild []domain.Event
		for range rapid.IntRange(1, 15).Draw(t, "commands") {
			target := fmt.Sprintf("e%d", rapid.IntRange(1, 5).Draw(t, "target"))
			c := step{
				rapid.SampledFrom([]domain.Caller{wang, zhao, sun}).Draw(t, "by"), rapid.IntRange(1, 28).Draw(t, "day"),
				rapid.SampledFrom([]domain.Payload{
					opened(), &Closed{Summary: "x"}, &Closed{}, correct(domain.ModeVoid, target, ""),
					correct(domain.ModeAmend, target, `{"note":"x"}`), &domain.Unknown{Type: "duban.inspection.filmed.v1"},
				}).Draw(t, "ask"),
			}.command()
			wild = appendTo(wild, c.Event())
			if events, err := decide(history, c); err == nil {
				history = appendTo(history, events...)
			} else if r := (*domain.Refusal)(nil); !errors.As(err, &r) {
				t.Fatalf("%v is no refusal", err)
			}
			if err := CheckHistory(history); err != nil {
				t.Fatalf("accepted, then: %v", err)
			}
			checkFold(t, history)
			checkFold(t, wild)
		}
	})
}

func checkFold(t *rapid.T, history []domain.Event) {
	var s State
	effective := domain.Effective(history)
	for i, e := range effective {
		before := s
		s = Evolve(s, e)
		if !reflect.DeepEqual(before, domain.Fold(effective[:i], Evolve)) {
			t.Fatalf("%s changed the state before it", e.Data.EventType())
		}
	}
	if !reflect.DeepEqual(s, Replay(history)) {
		t.Fatalf("step by step %+v, at once %+v", s, Replay(history))
	}
}
