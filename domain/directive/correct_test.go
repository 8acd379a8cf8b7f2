package directive

import (
	"encoding/json"
	"errors"
	"testing"

	"duban/domain"
	"duban/domain/name"
)

func correcting(target, changes string) *Corrected {
	c := &Corrected{domain.Correction{Target: target, Mode: domain.ModeVoid, Reason: "录入有误"}}
	if changes != "" {
		c.Mode, c.Changes = domain.ModeAmend, json.RawMessage(changes)
	}
	return c
}

// Events: e1 issued, e2 clauses, e3 a duty, e4 amended.
func TestCorrect(t *testing.T) {
	story := []step{{li, 2, issued()}, {li, 2, recorded(1, 2)}, {li, 3, monthly(5, other)},
		{li, 9, &Amended{By: "改一号", Changes: []Change{{Number: 1, Kind: ChangeReplaced, Text: "新的"}}}}}
	for _, tt := range []struct {
		what    string
		ask     *Corrected
		by      domain.Caller
		refused string
	}{
		{what: "title", ask: correcting("e1", `{"title":"改正的标题","addressees":["各市"]}`)},
		{what: "number", ask: correcting("e1", `{"document_number":"宁工信安发〔2019〕91号"}`)},
		{what: "by an office", ask: correcting("e1", `{"title":"标题"}`), by: sun, refused: "role.correct"},
		{what: "no title", ask: correcting("e1", `{"title":""}`), refused: "field.required"},
		{what: "source", ask: correcting("e1", `{"source":{"sha256":"`+TextHash("x")+`","media_type":"text/plain","bytes":1}}`), refused: "directive.corrected.follows"},
		{what: "registration voided", ask: correcting("e1", ""), refused: "directive.corrected.follows"},
		{what: "issued after it was recorded", ask: correcting("e1", `{"issued_on":"2019-07-30"}`), refused: "corrected.breaks"},
		{what: "clauses", ask: correcting("e2", ""), refused: "directive.corrected.follows"},
		{what: "note on clauses", ask: correcting("e2", `{"note":"照纸质件"}`)},
		{what: "due day", ask: correcting("e3", `{"due_day":10}`)},
		{what: "a duty that is none", ask: correcting("e3", `{"due_day":40}`), refused: "directive.reporting_required.due_day"},
		{what: "duty voided", ask: correcting("e3", "")},
		{what: "amendment voided", ask: correcting("e4", ""), refused: "directive.corrected.follows"},
		{what: "nothing", ask: correcting("e9", ""), refused: "corrected.target"},
	} {
		t.Run(tt.what, func(t *testing.T) {
			history := given(t, story...)
			by := tt.by
			if by == (domain.Caller{}) {
				by = li
			}
			events, err := Correct(history, step{by, 10, tt.ask}.command())
			var r *domain.Refusal
			switch {
			case err == nil && tt.refused == "":
				if err := CheckHistory(appendTo(history, events...)); err != nil {
					t.Error(err)
				}
			case !errors.As(err, &r) || r.Rule != tt.refused:
				t.Errorf("%v, want refusal %q", err, tt.refused)
			}
		})
	}
}

// A correction moves the names with it, and nothing else does.
func TestNames(t *testing.T) {
	history := given(t, step{li, 2, issued()}, step{li, 2, recorded(1)})
	before := Names(history)
	for _, tt := range []struct {
		ask             *Corrected
		number, content bool // whether it changes
	}{
		{correcting("e1", `{"document_number":"宁工信安发〔2019〕91号"}`), true, false},
		{correcting("e1", `{"title":"改正的标题"}`), false, true},
		{correcting("e1", `{"issuer":"某厅"}`), false, false},
	} {
		events, err := Correct(history, step{li, 10, tt.ask}.command())
		if err != nil {
			t.Fatal(err)
		}
		after := Names(appendTo(history[:2:2], events...))
		if (after[name.KindDocumentNumber] != before[name.KindDocumentNumber]) != tt.number || (after[name.KindNoticeText] != before[name.KindNoticeText]) != tt.content {
			t.Errorf("%s: %v, before %v", tt.ask.Changes, after, before)
		}
	}
	voided := appendTo(history[:2:2], step{li, 3, &Voided{Reason: "x"}}.command().Event())
	if got := Names(voided); len(got) != 0 {
		t.Errorf("a voided directive holds %v", got)
	}
}
