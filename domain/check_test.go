package domain

import (
	"errors"
	"testing"

	"duban/domain/calendar"
)

func ruleOf(err error) string {
	var r *Refusal
	if errors.As(err, &r) {
		return r.Rule
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

// correct asks whether a correction may be entered on a day of July.
func correct(history []Event, by Caller, day int, p Payload) error {
	e := Entry{By: by, Time: july(day), Now: july(day)}.Event(Ref{KindTask, "01T"}, p)
	return CheckCorrection(history, e)
}

func TestCheckCorrection(t *testing.T) {
	wu := Caller{Ref{KindPerson, "wu"}, Ref{KindOffice, "jidian"}, RoleOffice}
	paper := func() *noted {
		return &noted{Words: "a", Particulars: Particulars{OnBehalfOf: sun.Office, ReceivedVia: ViaPaper, ReceivedOn: "2019-07-01", Evidence: []Evidence{{SHA256: digest}}}}
	}
	own, forOther := told(sun, &noted{Words: "a"}), told(li, paper())
	for _, tt := range []struct {
		name    string
		history []Event
		by      Caller
		ask     Payload
		rule    string
	}{
		{"who entered it", own, sun, void("e1"), ""},
		{"the safety office", own, li, void("e1"), ""},
		{"a colleague", own, wu, void("e1"), "corrected.by"},
		{"whom it was entered for", forOther, sun, void("e1"), "corrected.by"},
		{"no target", own, sun, void("e2"), "corrected.target"},
		{"no correction at all", own, sun, &noted{Words: "x"}, "corrected.target"},
		{"voided", append(own[:1:1], told(sun, void("e1"), void("e1"))[1]), sun, void("e1"), "corrected.voided"},
		{"amending a correction", told(sun, &noted{Words: "a"}, amend("e1", `{"words":"b"}`)), sun, amend("e2", `{"reason":"x"}`), "corrected.correction"},
		{"voiding a correction", told(sun, &noted{Words: "a"}, amend("e1", `{"words":"b"}`)), sun, void("e2"), ""},

		{"words", own, sun, amend("e1", `{"words":"b"}`), ""},
		{"no words", own, sun, amend("e1", `{"words":""}`), "field.required"},
		{"no words, as they are amended away", told(sun, &noted{Words: "a"}, amend("e1", `{"count":1}`)), sun, amend("e1", `{"words":null}`), ""},
		{"… nor a count", told(sun, &noted{Words: "a"}, amend("e1", `{"count":1}`), amend("e1", `{"words":null}`)), sun, amend("e1", `{"count":0}`), "field.required"},
		{"void of what the words' absence rests on", told(sun, &noted{Words: "a"}, amend("e1", `{"count":1}`), amend("e1", `{"words":null}`)), sun, void("e2"), "field.required"},
		{"no such field", own, sun, amend("e1", `{"word":"b"}`), "corrected.changes"},
		{"a broken digest", own, sun, amend("e1", `{"evidence":[{"sha256":"x"}]}`), "evidence.sha256"},
		{"an approval of nobody", own, sun, amend("e1", `{"approval":{"leader":"","on":"2019-07-01","words":"x"}}`), "field.required"},
		{"an approval of later", own, sun, amend("e1", `{"approval":{"leader":"x","on":"2019-07-11","words":"x"}}`), "approval.on"},
		{"the time of the correction", own, sun, amend("e1", `{"time":"2019-07-10T09:00:00+08:00"}`), ""},
		{"after the correction", own, sun, amend("e1", `{"time":"2019-07-10T09:02:00+08:00"}`), "time.future"},
		{"another's now", own, sun, amend("e1", `{"on_behalf_of":"office/yuancai","received_via":"phone","received_on":"2019-07-01","note":"x"}`), "corrected.behalf"},
		{"nobody else's any more", forOther, li, amend("e1", `{"on_behalf_of":null,"received_via":null,"received_on":null}`), "corrected.behalf"},
		{"yet another's", forOther, li, amend("e1", `{"on_behalf_of":"person/sun"}`), ""},
		{"what it rests on is gone", forOther, li, amend("e1", `{"evidence":[]}`), "behalf.evidence"},
	} {
		if got := ruleOf(correct(tt.history, tt.by, 10, tt.ask)); got != tt.rule {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.rule)
		}
	}
	// A correction entered with an earlier time of its own.
	late := told(sun, &noted{Words: "a"}, &noted{Words: "b"}, &noted{Words: "c"})
	if err := correct(late, sun, 2, amend("e3", `{"words":"d"}`)); err != nil {
		t.Errorf("a correction dated before its target: %v", err)
	}
}

func TestCorrectionValidate(t *testing.T) {
	for _, tt := range []struct {
		rule string
		c    Correction
	}{
		{"", Correction{Target: "e1", Mode: ModeVoid, Reason: "x"}},
		{"", Correction{Target: "e1", Mode: ModeAmend, Reason: "x", Changes: []byte(`{"a":1}`)}},
		{"field.required", Correction{Mode: ModeVoid, Reason: "x"}},
		{"field.required", Correction{Target: "e1", Mode: ModeVoid}},
		{"corrected.mode", Correction{Target: "e1", Reason: "x"}},
		{"corrected.changes", Correction{Target: "e1", Mode: ModeVoid, Reason: "x", Changes: []byte(`{"a":1}`)}},
		{"corrected.changes", Correction{Target: "e1", Mode: ModeAmend, Reason: "x"}},
		{"corrected.changes", Correction{Target: "e1", Mode: ModeAmend, Reason: "x", Changes: []byte(`{}`)}},
		{"corrected.changes", Correction{Target: "e1", Mode: ModeAmend, Reason: "x", Changes: []byte(`null`)}},
		{"corrected.changes", Correction{Target: "e1", Mode: ModeAmend, Reason: "x", Changes: []byte(`[1]`)}},
	} {
		if got := ruleOf(tt.c.Validate()); got != tt.rule {
			t.Errorf("%+v: %q, want %q", tt.c, got, tt.rule)
		}
	}
}

// count is a toy aggregate: no two notes of the same words.
type count map[string]bool

func admitNote(s count, e Event) error {
	if n, ok := e.Data.(*noted); ok && s[n.Words] {
		return Illegal("noted.twice", "重复", "said twice")
	}
	return nil
}

func evolveNote(s count, e Event) count {
	next := count{}
	for k := range s {
		next[k] = true
	}
	if n, ok := e.Data.(*noted); ok {
		next[n.Words] = true
	}
	return next
}

func noteActs() []Act { return []Act{{Name: "take-note", Chinese: "记一笔", Ask: &noted{}}} }

func TestCheckHistory(t *testing.T) {
	story := []Payload{&noted{Words: "a"}, &noted{Words: "b"}, &noted{Words: "c"}}
	if err := CheckHistory(told(li, story...), noteActs(), admitNote, evolveNote); err != nil {
		t.Errorf("%v", err)
	}
	twice := append(story, amend("e2", `{"words":"a"}`))
	err := CheckHistory(told(li, twice...), noteActs(), admitNote, evolveNote)
	r := (*Refusal)(nil)
	if !errors.As(err, &r) || r.Rule != "corrected.breaks" || r.English != "after the correction take-note (event e2) could not have happened: said twice" ||
		r.Chinese != "更正后“记一笔”（事件 e2）不再成立：重复" {
		t.Errorf("%v", err)
	}
	if err := CheckHistory(told(li, append(twice, void("e1"))...), noteActs(), admitNote, evolveNote); err != nil {
		t.Errorf("the other one is gone: %v", err)
	}
	if s := Fold(told(li, append(twice, void("e1"))...), evolveNote); len(s) != 2 || !s["a"] || !s["c"] {
		t.Errorf("%v", s)
	}
}

func TestCheckKnown(t *testing.T) {
	history := told(li, &noted{Words: "a"})
	if err := CheckKnown(history); err != nil {
		t.Error(err)
	}
	u := &Unknown{Type: "duban.task.weighed.v9"}
	if err := CheckKnown(append(history, told(li, u)...)); ruleOf(err) != "event.unknown" || u.Validate() != nil || u.EventType() != "duban.task.weighed.v9" {
		t.Errorf("%v", err)
	}
}

func TestShortType(t *testing.T) {
	for typ, want := range map[string]string{"duban.task.share_accepted.v1": "share_accepted", "x": "x", "a.b.c.d.v2": "c.d"} {
		if got := ShortType(&Unknown{Type: typ}); got != want {
			t.Errorf("%s: %s", typ, got)
		}
	}
}

func TestDecodeStrict(t *testing.T) {
	p, err := DecodeStrict(&noted{}, []byte(` {"words":"a","day":"2019-07-01","on_behalf_of":"office/jidian","received_via":"oa"} `+"\n"))
	if err != nil {
		t.Fatal(err)
	}
	if n := p.(*noted); n.Words != "a" || n.Day != calendar.Date("2019-07-01") || n.OnBehalfOf != sun.Office || n.ReceivedVia != ViaOA {
		t.Errorf("%+v", n)
	}
	for _, bad := range []string{
		``, `{`, `[]`, `"a"`, `{"word":"a"}`, `{"words":1}`, `{"words":"a"} x`, `{"words":"a"}{"words":"b"}`, `{"words":"a"}]`,
		`{"day":"2019-02-30"}`, `{"on_behalf_of":"jidian"}`, `{"on_behalf_of":"cat/jidian"}`, `{"received_via":"pigeon"}`, `{"count":1.5}`, `{"approval":{"who":"x"}}`,
	} {
		if p, err := DecodeStrict(&noted{}, []byte(bad)); err == nil {
			t.Errorf("%s is read as %+v", bad, p)
		}
	}
	if NewPayload(&noted{Words: "a"}).(*noted).Words != "" {
		t.Error("a new payload is not empty")
	}
}
