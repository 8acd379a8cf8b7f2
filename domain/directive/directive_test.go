package directive

import (
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
	li   = domain.Caller{Person: domain.Ref{Kind: domain.KindPerson, ID: "li"}, Office: domain.Ref{Kind: domain.KindOffice, ID: "anban"}, Role: domain.RoleSafetyOffice}
	sun  = domain.Caller{Person: domain.Ref{Kind: domain.KindPerson, ID: "sun"}, Office: domain.Ref{Kind: domain.KindOffice, ID: "jidian"}, Role: domain.RoleOffice}
	self = domain.Ref{Kind: domain.KindDirective, ID: "01D"}

	amending = domain.Ref{Kind: domain.KindDirective, ID: "02D"}
	task1    = domain.Ref{Kind: domain.KindTask, ID: "01T"}
)

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

func issued() *Issued {
	return &Issued{DocumentNumber: "宁工信安发〔2019〕19号", Title: "关于印发方案的通知", IssuedOn: "2019-07-01", IssuedOnKind: IssuedOnSigned}
}

func clause(number int, text string) Clause {
	return Clause{Number: number, Path: []string{"一", fmt.Sprintf("（%d）", number)}, Text: text, TextSHA256: TextHash(text), Lines: [2]int{number, number}}
}

func recorded(numbers ...int) *ClausesRecorded {
	r := &ClausesRecorded{}
	for _, n := range numbers {
		r.Clauses = append(r.Clauses, clause(n, fmt.Sprintf("第%d项", n)))
	}
	return r
}

func TestScenarios(t *testing.T) {
	base := []step{{li, 2, issued()}}
	voided := append(base[:1:1], step{li, 5, &Voided{Reason: "重复导入"}})
	for _, tt := range []struct {
		name    string
		given   []step
		when    step
		then    Status
		clauses int
		refused string
	}{
		{name: "issued", when: base[0], then: StatusIssued},
		{name: "issued by an office", when: step{sun, 2, issued()}, refused: "role.issue"},
		{name: "entered on the day it was issued", when: step{li, 1, issued()}, then: StatusIssued},
		{name: "dated after the entry", when: step{li, 1, &Issued{DocumentNumber: "x", Title: "y", IssuedOn: "2019-07-02", IssuedOnKind: IssuedOnSigned}}, refused: "directive.issued.issued_on"},
		{name: "issued twice", given: base, when: base[0], refused: "directive.issued.status"},
		{name: "clauses", given: base, when: step{li, 2, recorded(1, 2)}, then: StatusIssued, clauses: 2},
		{name: "more clauses", given: append(base[:1:1], step{li, 2, recorded(1, 2)}), when: step{li, 2, recorded(3)}, then: StatusIssued, clauses: 3},
		{name: "a clause left out", given: append(base[:1:1], step{li, 2, recorded(1, 2)}), when: step{li, 2, recorded(4)}, refused: "directive.clauses_recorded.number"},
		{name: "a clause twice", given: base, when: step{li, 2, recorded(1, 1)}, refused: "directive.clauses_recorded.number"},
		{name: "clauses of nothing", when: step{li, 2, recorded(1)}, refused: "directive.clauses_recorded.status"},
		{name: "clauses before the directive", given: base, when: step{li, 1, recorded(1)}, refused: "directive.clauses_recorded.time"},
		{name: "clauses of a voided one", given: voided, when: step{li, 6, recorded(1)}, refused: "directive.clauses_recorded.status"},
		{name: "reports", given: base, when: step{li, 3, monthly(5)}, then: StatusIssued},
		{name: "reports required by an office", given: base, when: step{sun, 3, monthly(5)}, refused: "role.require-reporting"},
		{name: "reports before the directive", given: base, when: step{li, 1, monthly(5)}, refused: "directive.reporting_required.time"},
		{name: "reports of a voided one", given: voided, when: step{li, 6, monthly(5)}, refused: "directive.reporting_required.status"},
		{name: "voided", given: base, when: step{li, 2, &Voided{Reason: "重复导入"}}, then: StatusVoided},
		{name: "voided before issued", given: base, when: step{li, 1, &Voided{Reason: "x"}}, refused: "directive.voided.time"},
		{name: "voided twice", given: voided, when: step{li, 6, &Voided{Reason: "x"}}, refused: "directive.voided.status"},
		{name: "nothing voided", when: step{li, 6, &Voided{Reason: "x"}}, refused: "directive.voided.status"},
		{name: "issued again under the same id", given: voided, when: step{li, 6, issued()}, refused: "directive.issued.status"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			history := given(t, tt.given...)
			events, err := Decide(Replay(history), tt.when.command())
			var r *domain.Refusal
			switch {
			case err == nil && tt.refused == "":
				if s := Replay(appendTo(history, events...)); s.Status != tt.then || len(s.Clauses) != tt.clauses {
					t.Errorf("now %v with %d clauses, want %v with %d", s.Status, len(s.Clauses), tt.then, tt.clauses)
				}
			case !errors.As(err, &r) || r.Rule != tt.refused:
				t.Errorf("%v, want refusal %q", err, tt.refused)
			}
		})
	}
}

// The content's digest is a name in ledgers that exist: it never changes.
func TestContentHash(t *testing.T) {
	clauses := func(texts ...string) []Clause {
		var list []Clause
		for i, text := range texts {
			list = append(list, Clause{Number: i + 1, Text: text})
		}
		return list
	}
	known := ContentHash("关于开展检查的通知", "2019-06-26", clauses("开展检查。", "落实责任。"))
	if want := "bb2e2b4ea45ef63b2b90ca19ec0ad6460a4edda2a795cf4369f283704e0c4946"; known != want {
		t.Errorf("%s, want %s", known, want)
	}
	if ContentHash("关于开展\n 检查的通知 ", "2019-06-26", clauses("开展　检查。", "落实责任。\n")) != known {
		t.Error("white space tells notices apart")
	}
	for _, other := range []string{
		ContentHash("关于开展检查的通知", "2019-06-27", clauses("开展检查。", "落实责任。")),
		ContentHash("关于开展检查的通知", "", clauses("开展检查。", "落实责任。")),
		ContentHash("关于开展检查的通知", "2019-06-26", clauses("开展检查。落实责任。")),
		ContentHash("关于开展检查的通知", "2019-06-26", clauses("落实责任。", "开展检查。")),
		ContentHash("关于开展检查的通", "2019-06-26", clauses("知开展检查。", "落实责任。")),
	} {
		if other == known {
			t.Error("another notice has the same digest")
		}
	}
}

func TestAllowed(t *testing.T) {
	story := []step{{li, 2, issued()}, {li, 3, &Voided{Reason: "x"}}}
	for n, want := range []string{"", "require-reporting amend repeal void correct", "correct"} {
		if got := strings.Join(Allowed(Replay(given(t, story[:n]...))), " "); got != want {
			t.Errorf("after %d steps: %s, want %s", n, got, want)
		}
	}
}

func TestEvolveIgnoresTheAbsurd(t *testing.T) {
	voided := Replay(given(t, step{li, 2, issued()}, step{li, 3, &Voided{Reason: "x"}}))
	for _, s := range []State{{}, voided} {
		for _, p := range []domain.Payload{recorded(1), monthly(5), &Voided{Reason: "y"}, &domain.Unknown{Type: "x"}, nil} {
			if after := Evolve(s, domain.Event{ID: "e9", Data: p}); !reflect.DeepEqual(after, s) {
				t.Errorf("%T changed the state: %+v", p, after)
			}
		}
	}
	if after := Evolve(voided, domain.Event{ID: "e9", Data: issued()}); !reflect.DeepEqual(after, voided) {
		t.Errorf("issued again: %+v", after)
	}
	if CheckHistory([]domain.Event{{ID: "e1", Data: &domain.Unknown{Type: "x"}}}) == nil {
		t.Error("a history with an unknown event passes")
	}
}

func TestClauseByPath(t *testing.T) {
	s := Replay(given(t, step{li, 2, issued()}, step{li, 2, recorded(1, 2, 3)}))
	for n := 1; n <= 3; n++ {
		if c, ok := s.Clause([]string{"一", fmt.Sprintf("（%d）", n)}, 0); !ok || c.Number != n {
			t.Errorf("%v %v", c, ok)
		}
	}
	if _, ok := s.Clause([]string{"一", "（2）"}, 1); ok {
		t.Error("found a part that is none")
	}
	if _, ok := s.Clause([]string{"一"}, 0); ok {
		t.Error("found a clause by half its path")
	}
}

func TestState(t *testing.T) {
	p := full()[0].(*Issued)
	s := Evolve(State{}, step{li, 2, p}.command().Event())
	if s.ID != self || s.DocumentNumber != p.DocumentNumber || s.Title != p.Title || s.Issuer != p.Issuer || s.IssuedOn != p.IssuedOn ||
		s.IssuedOnKind != p.IssuedOnKind || s.Source != p.Source || s.TextSHA256 != p.TextSHA256 ||
		len(s.Addressees) != 1 || len(s.CC) != 1 || len(s.BasedOn) != 1 || len(s.Requirements) != 1 {
		t.Errorf("%+v", s)
	}
}

func TestValidateIssued(t *testing.T) {
	long := strings.Repeat("长", 7000)
	for _, tt := range []struct {
		rule   string
		change func(*Issued)
	}{
		{"field.required", func(i *Issued) { i.Title = " " }},
		{"field.long", func(i *Issued) { i.DocumentNumber = long }},
		{"field.long", func(i *Issued) { i.Issuer = long }},
		{"field.required", func(i *Issued) { i.Addressees = []string{"各市", ""} }},
		{"field.required", func(i *Issued) { i.CC = []string{""} }},
		{"field.required", func(i *Issued) { i.BasedOn = []string{""} }},
		{"field.required", func(i *Issued) { i.Requirements = []Requirement{{Text: "x"}, {}} }},
		{"directive.issued.issued_on", func(i *Issued) { i.IssuedOn = "" }},
		{"directive.issued.issued_on", func(i *Issued) { i.IssuedOnKind = 0 }},
		{"directive.issued.identity", func(i *Issued) { i.DocumentNumber = " " }},
		{"evidence.sha256", func(i *Issued) { i.TextSHA256 = "x" }},
		{"evidence.sha256", func(i *Issued) { i.Source = Source{SHA256: "x"} }},
		{"directive.issued.source", func(i *Issued) { i.Source = Source{SHA256: TextHash("x"), Bytes: -1} }},
		{"field.long", func(i *Issued) { i.Source = Source{SHA256: TextHash("x"), MediaType: long} }},
		{"evidence.sha256", func(i *Issued) { i.Source, i.TextSHA256 = Source{SHA256: TextHash("x")}, "x" }},
		{"directive.issued.long", func(i *Issued) { i.Requirements = []Requirement{{Text: long}, {Text: long}, {Text: long}} }},
	} {
		i := issued()
		tt.change(i)
		var r *domain.Refusal
		if err := i.Validate(); !errors.As(err, &r) || r.Rule != tt.rule {
			t.Errorf("%v, want %s", err, tt.rule)
		}
	}
	if err := (&Issued{Title: "函", TextSHA256: TextHash("x")}).Validate(); err != nil {
		t.Errorf("a notice without number and date: %v", err)
	}
	if err := (&Voided{}).Validate(); err == nil {
		t.Error("voided without a reason")
	}
}

func TestValidateClauses(t *testing.T) {
	long := strings.Repeat("长", 7000)
	for _, tt := range []struct {
		rule   string
		change func(*Clause)
	}{
		{"directive.clause.number", func(c *Clause) { c.Number = 0 }},
		{"field.required", func(c *Clause) { c.Text = "" }},
		{"field.text", func(c *Clause) { c.Text = "\xff" }},
		{"field.text", func(c *Clause) { c.Text = "a\x00" }},
		{"directive.clause.text_sha256", func(c *Clause) { c.Text += "。" }},
		{"directive.clause.text_sha256", func(c *Clause) { c.TextSHA256 = strings.ToUpper(c.TextSHA256) }},
		{"directive.clause.part", func(c *Clause) { c.Part = -1 }},
		{"directive.clause.lines", func(c *Clause) { c.Lines = [2]int{4, 3} }},
		{"directive.clause.lines", func(c *Clause) { c.Lines = [2]int{-1, 3} }},
		{"field.long", func(c *Clause) { c.Mark = long }},
		{"field.long", func(c *Clause) { c.KindWords = long }},
		{"field.long", func(c *Clause) { c.Path = []string{long} }},
		{"field.long", func(c *Clause) { c.Headings = []string{long} }},
		{"field.required", func(c *Clause) { c.Offices = []ClauseOffice{{Role: RoleLead}} }},
		{"field.long", func(c *Clause) { c.Offices = []ClauseOffice{{Name: "x", Role: RoleLead, PrintedRole: long}} }},
		{"directive.clause.role", func(c *Clause) { c.Offices = []ClauseOffice{{Name: "x", Role: RoleLead}, {Name: "y"}} }},
		{"directive.clause.group", func(c *Clause) {
			c.Offices = []ClauseOffice{{Name: "各市", Role: RoleLead, Group: true, Office: sun.Office}}
		}},
		{"directive.clause.office", func(c *Clause) { c.Offices = []ClauseOffice{{Name: "x", Role: RoleLead, Office: sun.Person}} }},
		{"field.required", func(c *Clause) { c.Deadlines = []ClauseDeadline{{Words: "逐年"}, {Date: "2019-12-31"}} }},
	} {
		r := recorded(1)
		tt.change(&r.Clauses[0])
		var refusal *domain.Refusal
		if err := r.Validate(); !errors.As(err, &refusal) || refusal.Rule != tt.rule || refusal.Field == "" {
			t.Errorf("%v, want %s", err, tt.rule)
		}
	}
	var r *domain.Refusal
	if err := recorded().Validate(); !errors.As(err, &r) || r.Rule != "directive.clauses_recorded.none" {
		t.Errorf("no clauses: %v", err)
	}
	big := strings.Repeat("长", 11_000)
	if err := (&ClausesRecorded{Clauses: []Clause{clause(1, big), clause(2, big)}}).Validate(); !errors.As(err, &r) || r.Rule != "directive.clauses_recorded.long" {
		t.Errorf("too many bytes: %v", err)
	}
	if err := (&ClausesRecorded{Clauses: []Clause{clause(1, big)}}).Validate(); err != nil {
		t.Errorf("a long clause that fits: %v", err)
	}
}

func TestSplit(t *testing.T) {
	if parts, err := Split(nil); err != nil || len(parts) != 0 {
		t.Errorf("nothing splits into %v, %v", parts, err)
	}
	var r *domain.Refusal
	if _, err := Split([]Clause{clause(1, "短"), clause(2, strings.Repeat("长", 20_000))}); !errors.As(err, &r) || r.Rule != "directive.clause.long" || r.Field != "clauses[2]" {
		t.Errorf("a clause that fits nowhere: %v", err)
	}
	// Clauses that fill an event to the last byte, and one byte more.
	alone := encodedLen(&ClausesRecorded{Clauses: []Clause{clause(1, "")}})
	if parts, err := Split([]Clause{clause(1, strings.Repeat("a", MaxPayload-alone))}); err != nil || encodedLen(parts[0]) != MaxPayload || parts[0].Validate() != nil {
		t.Errorf("a clause that just fits: %v", err)
	}
	if _, err := Split([]Clause{clause(1, strings.Repeat("a", MaxPayload-alone+1))}); err == nil {
		t.Error("a clause that just doesn't fit passes")
	}
	pair := encodedLen(&ClausesRecorded{Clauses: []Clause{clause(1, ""), clause(2, "")}})
	for more, want := range []int{1, 2} {
		parts, err := Split([]Clause{clause(1, ""), clause(2, strings.Repeat("a", MaxPayload-pair+more))})
		if err != nil || len(parts) != want {
			t.Errorf("%d bytes more than fit: %d events, %v", more, len(parts), err)
		}
	}
}

// However long the clauses: none is lost, cut or moved, every event is valid, and
// no two neighbours would have fitted into one.
func TestSplitKeepsEverything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var clauses []Clause
		for i := range rapid.IntRange(0, 30).Draw(t, "clauses") {
			text := strings.Repeat(rapid.SampledFrom([]string{"长", "a", "<&>", "“"}).Draw(t, "rune"), rapid.IntRange(1, 3_000).Draw(t, "length"))
			clauses = append(clauses, clause(i+1, text))
		}
		parts, err := Split(clauses)
		if err != nil {
			t.Fatal(err)
		}
		var back []Clause
		for i, p := range parts {
			if err := p.Validate(); err != nil {
				t.Fatal(err)
			}
			if i > 0 && encodedLen(parts[i-1])+encodedLen(p.Clauses[0])+1 <= MaxPayload {
				t.Fatalf("event %d could have held more", i-1)
			}
			back = append(back, p.Clauses...)
		}
		if !reflect.DeepEqual(back, clauses) {
			t.Fatal("the clauses came back changed")
		}
	})
}

func TestEnums(t *testing.T) {
	type value interface {
		String() string
		Chinese() string
	}
	for _, v := range []value{
		StatusIssued, StatusVoided, StatusRepealed, ChangeReplaced, ChangeRemoved, ChangeAdded, IssuedOnSigned, IssuedOnPrinted, RoleLead, RoleSupporting, RoleJoint, KindOneOff, KindRecurring, KindStanding,
	} {
		if strings.HasPrefix(v.String(), "invalid") || v.Chinese() == v.String() {
			t.Errorf("%v has no names", v)
		}
	}
	if s, err := ParseStatus("voided"); err != nil || s != StatusVoided {
		t.Errorf("%v %v", s, err)
	}
}

func full() []domain.Payload {
	p := domain.Particulars{Note: "备注"}
	return []domain.Payload{
		&Issued{
			p, "宁工信安发〔2019〕19号", "关于印发方案的通知", "自治区工业和信息化厅", "2019-07-01", IssuedOnPrinted,
			[]string{"各市工信局"}, []string{"安委会办公室"}, []string{"宁安委〔2019〕5号"},
			Source{TextHash("x"), "text/plain", 1}, []Requirement{{"抓紧制定方案", [2]int{3, 4}}}, TextHash("y"),
		},
		&ClausesRecorded{p, []Clause{{
			7, []string{"四", "（一）", "2"}, []string{"主要任务", "工艺"}, 1, "第七项", TextHash("第七项"), [2]int{30, 32}, "（责任处室：机电处）",
			[]ClauseOffice{{"机电处", RoleJoint, "责任处室", false, sun.Office}, {"各市", RoleSupporting, "配合", true, domain.Ref{}}}, true,
			[]ClauseDeadline{{"2019-12-31", "2019年12月底前"}, {"", "长期坚持"}}, KindOneOff, "2019年12月底前",
		}}},
		&ReportingRequired{p, calendar.UnitMonth, calendar.Due{Day: 5, In: calendar.DueInNext}, []domain.Ref{sun.Office}, "2019-08-01", "2020-12-31"},
		&Voided{p, "重复导入"},
		&Amended{p, "宁工信安发〔2020〕3号", amending, []Change{
			{7, []string{"四", "（一）", "2"}, 1, ChangeReplaced, "新第七项", TextHash("新第七项"), "2020-01-01", []string{"主要任务"}, "（责任处室：机电处）",
				[]ClauseOffice{{"机电处", RoleJoint, "责任处室", false, sun.Office}}, []ClauseDeadline{{"2020-12-31", "2020年底前"}}, KindRecurring, true},
			{Number: 8, Kind: ChangeRemoved, EffectiveOn: "2020-01-01"},
		}, []Decision{{task1, FateRevised, "按新条款"}}},
		&Repealed{p, "宁工信安发〔2020〕9号", amending, "2020-06-01", []Decision{{task1, FateContinues, "仍须办结"}}, &Otherwise{FateCancelled, "随文废止"}},
		&ReportingEnded{p, "e3", "2020-06-30", "任务已办结"},
		&OfficeSucceeded{p, sun.Office, []domain.Ref{li.Office}, "宁编发〔2019〕3号"},
		&Corrected{domain.Correction{Particulars: p, Target: "e1", Mode: domain.ModeAmend, Changes: []byte(`{"title":"关于印发方案的通知"}`), Reason: "标题录入有误"}},
	}
}

func TestGolden(t *testing.T) { domaintest.Golden(t, full(), Payloads()) }

// Whatever is asked: what is accepted could have happened, the clauses stay
// numbered through, and no step changes an earlier state. Evolve takes even what
// Decide refuses.
func TestAnyCommands(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var history, wild []domain.Event
		for range rapid.IntRange(1, 15).Draw(t, "commands") {
			n := len(Replay(history).Clauses)
			c := step{
				rapid.SampledFrom([]domain.Caller{li, li, li, sun}).Draw(t, "by"), rapid.IntRange(1, 28).Draw(t, "day"),
				rapid.SampledFrom([]domain.Payload{
					amended(replaced(rapid.IntRange(0, n+1).Draw(t, "replaced"), rapid.SampledFrom([]string{"甲", "乙"}).Draw(t, "words"))),
					amended(removed(n), added("丙"), added("丁")), amended(Change{Number: n + 2, Kind: ChangeAdded, Text: "x"}), repealed(),
					issued(), recorded(n + 1), recorded(n+1, n+2), recorded(n + 2), recorded(), monthly(5), &ReportingRequired{}, &Voided{}, &domain.Unknown{Type: "x"},
				}).Draw(t, "ask"),
			}.command()
			if rapid.IntRange(0, 9).Draw(t, "void") == 0 {
				c.Ask = &Voided{Reason: "x"}
			}
			wild = appendTo(wild, c.Event())
			events, err := Decide(Replay(history), c)
			if r := (*domain.Refusal)(nil); err != nil && !errors.As(err, &r) {
				t.Fatalf("%v is no refusal", err)
			}
			history = appendTo(history, events...)
			if err := CheckHistory(history); err != nil {
				t.Fatalf("accepted, then: %v", err)
			}
		}
		for i, c := range Replay(history).Clauses {
			if c.Number != i+1 {
				t.Fatalf("clause %d stands at %d", c.Number, i+1)
			}
			if c.TextSHA256 != TextHash(c.Text) {
				t.Fatalf("clause %d has another text's digest", c.Number)
			}
		}
		checkFold(t, history)
		checkFold(t, wild)
	})
}

func checkFold(t *rapid.T, history []domain.Event) {
	var s State
	for i, e := range history {
		before := s
		s = Evolve(s, e)
		if !reflect.DeepEqual(before, domain.Fold(history[:i], Evolve)) {
			t.Fatalf("%s changed the state before it", e.Data.EventType())
		}
	}
	if !reflect.DeepEqual(s, Replay(history)) {
		t.Fatalf("step by step %+v, at once %+v", s, Replay(history))
	}
}
