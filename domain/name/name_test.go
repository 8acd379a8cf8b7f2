package name

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"duban/domain"
	"duban/domain/calendar"
)

var update = flag.Bool("update", false, "write the golden files anew; read the diff")

var (
	li        = domain.Caller{Person: domain.Ref{Kind: domain.KindPerson, ID: "li"}, Office: domain.Ref{Kind: domain.KindOffice, ID: "anban"}, Role: domain.RoleSafetyOffice}
	sun       = domain.Caller{Person: domain.Ref{Kind: domain.KindPerson, ID: "sun"}, Office: domain.Ref{Kind: domain.KindOffice, ID: "jidian"}, Role: domain.RoleOffice}
	directive = domain.Ref{Kind: domain.KindDirective, ID: "01D"}
	another   = domain.Ref{Kind: domain.KindDirective, ID: "02D"}
)

const number = "宁工信安发〔2019〕19号"

// A step is one command of a story: who, on which day of July 2019, what.
type step struct {
	by  domain.Caller
	day int
	ask domain.Payload
}

func (s step) command() domain.Command {
	at := func(day int) time.Time { return time.Date(2019, 7, day, 9, 0, 0, 0, calendar.Zone) }
	return domain.Command{Entry: domain.Entry{By: s.by, Time: at(s.day), Now: at(31)}, Subject: Ref(KindDocumentNumber, number), Ask: s.ask}
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
		events, err := Decide(Replay(history), s.command())
		if err != nil {
			t.Fatalf("step %d: %v", i+1, err)
		}
		history = appendTo(history, events...)
	}
	return history
}

func claim(owner domain.Ref) *Claimed {
	return &Claimed{Kind: KindDocumentNumber, Name: number, Owner: owner}
}

func TestScenarios(t *testing.T) {
	claimed := []step{{li, 1, claim(directive)}}
	released := append(claimed[:1:1], step{li, 5, &Released{Reason: "撤销登记"}})
	for _, tt := range []struct {
		name    string
		given   []step
		when    step
		then    domain.Ref // owner
		refused string
	}{
		{name: "claimed", when: claimed[0], then: directive},
		{name: "claimed by an office's clerk", when: step{sun, 1, claim(directive)}, refused: "role.claim"},
		{name: "claimed by another", given: claimed, when: step{li, 2, claim(another)}, refused: "name.claimed.taken"},
		{name: "claimed again by the same", given: claimed, when: step{li, 2, claim(directive)}, refused: "name.claimed.taken"},
		{name: "claimed on another name's record", when: step{li, 2, &Claimed{Kind: KindDocumentNumber, Name: "宁工信安发〔2019〕20号", Owner: directive}}, refused: "name.claimed.id"},
		{name: "claimed as another kind", when: step{li, 2, &Claimed{Kind: KindOfficeName, Name: number, Owner: directive}}, refused: "name.claimed.id"},
		{name: "written otherwise", when: step{li, 2, &Claimed{Kind: KindDocumentNumber, Name: "宁工信安发 [２０１９] 19号", Owner: directive}}, then: directive},
		{name: "released", given: claimed, when: step{li, 1, &Released{Reason: "x"}}},
		{name: "released by nobody's", when: step{li, 1, &Released{Reason: "x"}}, refused: "name.released.status"},
		{name: "released before claimed", given: []step{{li, 2, claim(directive)}}, when: step{li, 1, &Released{Reason: "x"}}, refused: "name.released.time"},
		{name: "released twice", given: released, when: step{li, 6, &Released{Reason: "x"}}, refused: "name.released.status"},
		{name: "claimed after the release", given: released, when: step{li, 5, claim(another)}, then: another},
		{name: "claimed before the release", given: released, when: step{li, 4, claim(another)}, refused: "name.claimed.time"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			history := given(t, tt.given...)
			events, err := Decide(Replay(history), tt.when.command())
			var r *domain.Refusal
			switch {
			case err == nil && tt.refused == "":
				if s := Replay(appendTo(history, events...)); s.Owner != tt.then || s.Held() == tt.then.IsZero() || !tt.then.IsZero() && !s.HeldBy(tt.then) {
					t.Errorf("held by %v, want %v", s.Owner, tt.then)
				}
			case !errors.As(err, &r) || r.Rule != tt.refused:
				t.Errorf("%v, want refusal %q", err, tt.refused)
			}
		})
	}
}

// A finding is recorded by whoever saw the hazard, and its row claimed with it.
func TestARowIsClaimedByWhoeverRecordsIt(t *testing.T) {
	row := strings.Repeat("0f", 32)
	c := step{sun, 1, &Claimed{Kind: KindRegisterRow, Name: row, Owner: domain.Ref{Kind: domain.KindFinding, ID: "01F"}}}.command()
	c.Subject = Ref(KindRegisterRow, row)
	if _, err := Decide(State{}, c); err != nil {
		t.Error(err)
	}
}

func TestTheRefusalNamesTheOwner(t *testing.T) {
	_, err := Decide(Replay(given(t, step{li, 1, claim(directive)})), step{li, 2, claim(another)}.command())
	var r *domain.Refusal
	if !errors.As(err, &r) || !strings.Contains(r.Chinese, "directive/01D") || !strings.Contains(r.English, "directive/01D") {
		t.Errorf("%v", err)
	}
}

func TestEvolveIgnoresTheAbsurd(t *testing.T) {
	for _, p := range []domain.Payload{&Released{Reason: "x"}, &domain.Unknown{Type: "x"}, nil} {
		if s := Evolve(State{}, domain.Event{ID: "e1", Data: p}); s != (State{}) {
			t.Errorf("%T changed the state: %+v", p, s)
		}
	}
	if CheckHistory([]domain.Event{{ID: "e1", Data: &domain.Unknown{Type: "x"}}}) == nil {
		t.Error("a history with an unknown event passes")
	}
}

// The ids are in streams already: they never change.
func TestIDIsPinned(t *testing.T) {
	for _, tt := range []struct {
		kind     Kind
		name, id string
	}{
		{KindDocumentNumber, number, "be8b6753126c4bc4b660ffcf3e6445159cd2dbba8bbef3aa086034d7f2035f2b"},
		{KindOfficeName, "技术改造与投资处", "915655ec5da1a6807e1566be26f4510e117d6f5ed60746deb84d162d73d05b2a"},
		{KindNoticeText, strings.Repeat("0F", 32), "9ca7c76d53fb46ad935e4ebaab14ba41ca1006d5f5866e37d17795bdf47944fd"},
		{KindRegisterRow, strings.Repeat("0F", 32), "4d9ec6331d028206caa6e5f4e1e65e80c246990d6a64f13db44ba749cfc3ebee"},
	} {
		if got := ID(tt.kind, tt.name); got != tt.id {
			t.Errorf("ID(%v, %s) = %s, want %s", tt.kind, tt.name, got, tt.id)
		}
	}
}

func TestSameName(t *testing.T) {
	for _, tt := range []struct {
		kind Kind
		a, b string
		same bool
	}{
		{KindDocumentNumber, number, "宁工信安发[2019]19号", true},
		{KindDocumentNumber, number, "宁工信安发（2019）19号", true},
		{KindDocumentNumber, number, "宁工信安发(2019)19号", true},
		{KindDocumentNumber, number, "宁工信安发【2019】19号", true},
		{KindDocumentNumber, number, "宁工信安发［２０１９］１９号", true},
		{KindDocumentNumber, number, "宁工信安发﹝2019﹞19号", true},
		{KindDocumentNumber, number, " 宁工信安发 〔2019〕　19 号\n", true},
		{KindDocumentNumber, number, "\ufeff宁工信安发\u200b〔2019〕19号", true},
		{KindDocumentNumber, number, "宁工信安发〔2019〕91号", false},
		{KindDocumentNumber, number, "宁工信安发〔2018〕19号", false},
		{KindDocumentNumber, number, "宁工信发〔2019〕19号", false},
		{KindOfficeName, "安全生产处", " 安全 生产处　", true},
		{KindOfficeName, "节能处（资源处）", "节能处(资源处)", true},
		{KindOfficeName, "ＡＢ处", "AB处", true},
		{KindOfficeName, "甲～乙！", "甲~乙!", true},
		{KindOfficeName, "节能处（资源处）", "节能处【资源处】", false},
		{KindOfficeName, "ab处", "AB处", false},
		{KindNoticeText, "0F", " 0f", true},
		{KindRegisterRow, "0F", " 0f", true},
	} {
		if got := ID(tt.kind, tt.a) == ID(tt.kind, tt.b); got != tt.same {
			t.Errorf("%q and %q the same: %v", tt.a, tt.b, got)
		}
	}
	if ID(KindOfficeName, "x") == ID(KindDocumentNumber, "x") {
		t.Error("the kind does not count")
	}
}

func TestNormaliseTwiceIsOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := rapid.SampledFrom([]Kind{KindDocumentNumber, KindOfficeName, KindNoticeText, KindRegisterRow}).Draw(t, "kind")
		s := rapid.String().Draw(t, "name")
		once := Normalise(k, s)
		if Normalise(k, once) != once {
			t.Fatalf("%q, then %q", once, Normalise(k, once))
		}
	})
}

func TestValidate(t *testing.T) {
	for _, tt := range []struct {
		rule string
		p    domain.Payload
	}{
		{"name.claimed.kind", &Claimed{Name: number, Owner: directive}},
		{"field.required", &Claimed{Kind: KindDocumentNumber, Owner: directive}},
		{"name.claimed.empty", &Claimed{Kind: KindDocumentNumber, Name: "\u200b", Owner: directive}},
		{"name.claimed.owner", &Claimed{Kind: KindDocumentNumber, Name: number, Owner: li.Person}},
		{"name.claimed.owner", &Claimed{Kind: KindDocumentNumber, Name: number}},
		{"field.required", &Released{}},
	} {
		var r *domain.Refusal
		if err := tt.p.Validate(); !errors.As(err, &r) || r.Rule != tt.rule {
			t.Errorf("%s: %v, want %s", tt.p.EventType(), err, tt.rule)
		}
	}
}

func TestKind(t *testing.T) {
	for k := KindDocumentNumber; k <= KindRegisterRow; k++ {
		var back Kind
		b, err := k.MarshalText()
		if err != nil || back.UnmarshalText(b) != nil || back != k || k.Chinese() == k.String() {
			t.Errorf("%d: %s %v", k, b, back)
		}
	}
}

func TestGolden(t *testing.T) {
	p := domain.Particulars{Note: "备注"}
	full := []domain.Payload{&Claimed{p, KindDocumentNumber, number, directive}, &Released{p, "撤销登记"}}
	if len(full) != len(Payloads()) {
		t.Fatalf("%d golden files for %d types", len(full), len(Payloads()))
	}
	for i, p := range full {
		if p.EventType() != Payloads()[i].EventType() {
			t.Errorf("%s has no golden file", Payloads()[i].EventType())
		}
		golden(t, p)
	}
}

func golden(t *testing.T, p domain.Payload) {
	t.Helper()
	got, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join("testdata", p.EventType()+".json")
	if *update {
		if err := os.WriteFile(file, append(got, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	want = bytes.TrimSuffix(want, []byte("\n"))
	if !bytes.Equal(got, want) {
		t.Errorf("%s encodes as\n%s\nwant\n%s", p.EventType(), got, want)
	}
	if back, err := domain.DecodeStrict(p, want); err != nil || !reflect.DeepEqual(back, p) {
		t.Errorf("%s decodes as %+v, %v", p.EventType(), back, err)
	}
	if err := p.Validate(); err != nil {
		t.Errorf("%s: %v", p.EventType(), err)
	}
}

// Whatever is asked: a name never has two owners, what is accepted could have
// happened, and Evolve takes even what Decide refuses.
func TestAnyCommands(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var history []domain.Event
		var wild State
		for range rapid.IntRange(1, 15).Draw(t, "commands") {
			c := step{
				rapid.SampledFrom([]domain.Caller{li, li, sun}).Draw(t, "by"), rapid.IntRange(1, 28).Draw(t, "day"),
				rapid.SampledFrom([]domain.Payload{claim(directive), claim(another), &Released{Reason: "x"}, &Released{}, &domain.Unknown{Type: "x"}}).Draw(t, "ask"),
			}.command()
			wild = Evolve(wild, c.Event())
			before := Replay(history)
			events, err := Decide(before, c)
			if err != nil {
				if r := (*domain.Refusal)(nil); !errors.As(err, &r) {
					t.Fatalf("%v is no refusal", err)
				}
				continue
			}
			history = appendTo(history, events...)
			if err := CheckHistory(history); err != nil {
				t.Fatalf("accepted, then: %v", err)
			}
			if after := Replay(history); before.Held() && after.Held() {
				t.Fatalf("from %v straight to %v", before.Owner, after.Owner)
			}
		}
	})
}
