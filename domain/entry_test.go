package domain

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"duban/domain/calendar"
)

const digest = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

func TestEntryTime(t *testing.T) {
	for at, rule := range map[time.Time]string{
		july(9): "", july(10): "", july(10).Add(time.Minute): "", july(10).Add(time.Minute + 1): "time.future", july(11): "time.future",
		{}: "time.range", time.Date(1948, 12, 31, 0, 0, 0, 0, calendar.Zone): "time.range",
		// still 1948 in London, already 1949 in Beijing
		time.Date(1948, 12, 31, 16, 0, 0, 0, time.UTC): "",
	} {
		if got := ruleOf(Entry{By: li, Time: at, Now: july(10)}.Check(&noted{Words: "a"})); got != rule {
			t.Errorf("%v: %q, want %q", at, got, rule)
		}
	}
	e := Entry{By: sun, Time: time.Date(2019, 12, 31, 16, 30, 0, 123456789, time.UTC)}.Event(Ref{KindTask, "01T"}, &noted{})
	if e.Time.Format(time.RFC3339Nano) != "2020-01-01T00:30:00.123+08:00" || e.Actor != sun.Person || e.Office != sun.Office || e.Authority != RoleOffice {
		t.Errorf("%+v", e)
	}
}

func TestParticulars(t *testing.T) {
	behalf := func(via Via, note string, evidence ...Evidence) Particulars {
		return Particulars{OnBehalfOf: sun.Office, ReceivedVia: via, ReceivedOn: "2019-07-09", Note: note, Evidence: evidence}
	}
	paper := Evidence{SHA256: digest, Size: 1}
	approval := Approval{Leader: "副主任", On: "2019-07-09", Words: "同意"}
	approving := func(f func(*Approval)) Particulars {
		a := approval
		f(&a)
		return Particulars{Approval: &a}
	}
	future := behalf(ViaPaper, "", paper)
	future.ReceivedOn = "2019-07-11"
	early := behalf(ViaPaper, "", paper)
	early.ReceivedOn = "2019-07-08"
	later := behalf(ViaPaper, "", paper)
	later.ReceivedOn = "2019-07-10"
	thing := behalf(ViaPaper, "", paper)
	thing.OnBehalfOf = Ref{KindTask, "01T"}
	undated := behalf(ViaPaper, "", paper)
	undated.ReceivedOn = ""
	for _, tt := range []struct {
		name string
		by   Caller
		p    Particulars
		rule string
	}{
		{"nothing", sun, Particulars{}, ""},
		{"paper", li, behalf(ViaPaper, "", paper), ""},
		{"paper without it", li, behalf(ViaPaper, "来文"), "behalf.evidence"},
		{"oa without it", li, behalf(ViaOA, "来文"), "behalf.evidence"},
		{"a meeting without minutes", li, behalf(ViaMeeting, "会上说"), "behalf.evidence"},
		{"phone with a note", li, behalf(ViaPhone, "称已完成"), ""},
		{"phone with a recording", li, behalf(ViaPhone, "", paper), ""},
		{"phone with neither", li, behalf(ViaPhone, "\n "), "behalf.note"},
		{"no way of receipt", li, behalf(0, "", paper), "behalf.received"},
		{"no day of receipt", li, undated, "behalf.received"},
		{"received tomorrow", li, future, "behalf.received_on"},
		{"received the day before it happened", li, early, "behalf.received_before"},
		{"received the day after it happened", li, later, ""},
		{"for a task", li, thing, "behalf.kind"},
		{"by an office", sun, behalf(ViaPaper, "", paper), "behalf.role"},
		{"by an inspector", Caller{li.Person, li.Office, RoleInspector}, behalf(ViaPaper, "", paper), "behalf.role"},
		{"received for nobody", li, Particulars{ReceivedVia: ViaPaper}, "behalf.missing"},
		{"received on a day for nobody", li, Particulars{ReceivedOn: "2019-07-09"}, "behalf.missing"},

		{"a long note", sun, Particulars{Note: strings.Repeat("长", 6667)}, "field.long"},
		{"a note as long as may be", sun, Particulars{Note: strings.Repeat("长", 6666)}, ""},
		{"a broken note", sun, Particulars{Note: "\xe5"}, "field.text"},
		{"a short digest", sun, Particulars{Evidence: []Evidence{{SHA256: digest[:62]}}}, "evidence.sha256"},
		{"an upper-case digest", sun, Particulars{Evidence: []Evidence{paper, {SHA256: strings.ToUpper(digest)}}}, "evidence.sha256"},
		{"no digest", sun, Particulars{Evidence: []Evidence{{}}}, "evidence.sha256"},
		{"a ground without document", sun, Particulars{Basis: []Basis{{Article: "第三条"}}}, "field.required"},
		{"a ground", sun, Particulars{Basis: []Basis{{Document: "安全生产法"}}}, ""},

		{"approval", sun, approving(func(*Approval) {}), ""},
		{"approval of nobody", sun, approving(func(a *Approval) { a.Leader = " " }), "field.required"},
		{"approval without words", sun, approving(func(a *Approval) { a.Words = "" }), "field.required"},
		{"approval of no day", sun, approving(func(a *Approval) { a.On = "" }), "approval.on"},
		{"approval of the day after the act", sun, approving(func(a *Approval) { a.On = "2019-07-10" }), "approval.on"},
		{"approval with a broken digest", sun, approving(func(a *Approval) { a.Evidence = []Evidence{{SHA256: "x"}} }), "evidence.sha256"},
	} {
		if got := ruleOf(Entry{By: tt.by, Time: july(9), Now: july(10)}.Check(&noted{Particulars: tt.p, Words: "a"})); got != tt.rule {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.rule)
		}
	}
	if got := ruleOf(Entry{By: li, Time: july(9), Now: july(10)}.Check(&noted{})); got != "field.required" {
		t.Errorf("the payload's own check is left out: %q", got)
	}
}

func TestCommandCheck(t *testing.T) {
	acts := []Act{{Name: "note", Chinese: "记录", Ask: &noted{}, By: []Role{RoleOffice}}}
	phone := &noted{Words: "a", Particulars: Particulars{OnBehalfOf: sun.Office, ReceivedVia: ViaPhone, ReceivedOn: "2019-07-09", Note: "x"}}
	for _, tt := range []struct {
		by   Caller
		ask  Payload
		rule string
	}{
		{sun, &noted{Words: "a"}, ""},
		{li, &noted{Words: "a"}, "role.note"},
		{li, phone, ""},
		{Caller{li.Person, li.Office, RoleAuditor}, &noted{Words: "a"}, "role.note"},
		{Caller{li.Person, li.Office, RoleInspector}, phone, "role.note"},
		{sun, void("e1"), "command.unknown"},
	} {
		c := Command{Entry: Entry{By: tt.by, Time: july(9), Now: july(10)}, Ask: tt.ask}
		err := c.Check(acts)
		if got := ruleOf(err); got != tt.rule {
			t.Errorf("%v: %q, want %q", tt.by.Role, got, tt.rule)
		}
		if tt.rule == "role.note" && strings.Contains(err.Error(), "on_behalf_of") != (tt.by.Role == RoleSafetyOffice) {
			t.Errorf("%v: only the safety office is told how to enter it for others: %v", tt.by.Role, err)
		}
	}
}

// Whose act an event is.
func TestActing(t *testing.T) {
	for _, tt := range []struct {
		of     Ref
		person Ref
		office Ref
	}{
		{Ref{}, li.Person, li.Office},
		{sun.Office, li.Person, sun.Office},
		{sun.Person, sun.Person, li.Office},
	} {
		e := told(li, &noted{Particulars: Particulars{OnBehalfOf: tt.of}})[0]
		if e.ActingPerson() != tt.person || e.ActingOffice() != tt.office {
			t.Errorf("for %q: %v of %v", tt.of, e.ActingPerson(), e.ActingOffice())
		}
		if !e.By(li.Person) || e.By(sun.Person) != (tt.of == sun.Person) {
			t.Errorf("for %q: by li %v, by sun %v", tt.of, e.By(li.Person), e.By(sun.Person))
		}
	}
}

func TestRequireApproval(t *testing.T) {
	bare := told(li, &noted{})[0]
	if got := ruleOf(bare.RequireApproval("x", "x")); got != "approval.required" {
		t.Errorf("%q", got)
	}
	bare.Data.Circumstances().Approval = &Approval{}
	if err := bare.RequireApproval("x", "x"); err != nil {
		t.Error(err)
	}
}

// Absent particulars leave no trace in the bytes.
func TestParticularsBytes(t *testing.T) {
	if b, err := json.Marshal(&noted{Words: "a"}); err != nil || string(b) != `{"words":"a"}` {
		t.Errorf("%s, %v", b, err)
	}
}
