package domain

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"duban/domain/calendar"
)

// noted is the smallest of payloads, to try corrections on.
type noted struct {
	Particulars
	Words string        `json:"words"`
	Count int           `json:"count,omitempty"`
	Day   calendar.Date `json:"day,omitempty"`
}

func (*noted) EventType() string { return "duban.task.noted.v1" }
func (n *noted) Validate() error { return CheckText("words", n.Words, n.Count == 0) }

type amended struct{ Correction }

func (*amended) EventType() string { return "duban.task.corrected.v1" }

var (
	li  = Caller{Ref{KindPerson, "li"}, Ref{KindOffice, "anban"}, RoleSafetyOffice}
	sun = Caller{Ref{KindPerson, "sun"}, Ref{KindOffice, "jidian"}, RoleOffice}
)

// july is nine o'clock of a day in July 2019.
func july(day int) time.Time { return time.Date(2019, 7, day, 9, 0, 0, 0, calendar.Zone) }

// told makes a history of payloads, one a day from the first of July on, under the
// ids e1, e2 …
func told(by Caller, payloads ...Payload) []Event {
	var history []Event
	for i, p := range payloads {
		e := Entry{By: by, Time: july(i + 1)}.Event(Ref{KindTask, "01T"}, p)
		e.ID = fmt.Sprintf("e%d", i+1)
		history = append(history, e)
	}
	return history
}

func void(target string) Payload {
	return &amended{Correction{Target: target, Mode: ModeVoid, Reason: "录错"}}
}

func amend(target, changes string) Payload {
	return &amended{Correction{Target: target, Mode: ModeAmend, Changes: json.RawMessage(changes), Reason: "录错"}}
}

// words tells what a history comes to: the words of its notes in order.
func words(history []Event) string {
	var out []string
	for _, e := range history {
		if n, ok := e.Data.(*noted); ok {
			out = append(out, n.Words)
		}
	}
	return strings.Join(out, " ")
}

func TestEffective(t *testing.T) {
	a, b := &noted{Words: "a"}, &noted{Words: "b"}
	for _, tt := range []struct {
		name string
		told []Payload
		want string
	}{
		{"nothing", nil, ""},
		{"no corrections", []Payload{a, b}, "a b"},
		{"void", []Payload{a, b, void("e1")}, "b"},
		{"void of a void", []Payload{a, b, void("e1"), void("e3")}, "a b"},
		{"void of a void of a void", []Payload{a, b, void("e1"), void("e3"), void("e4")}, "b"},
		{"two voids, one taken back", []Payload{a, b, void("e1"), void("e1"), void("e4")}, "b"},
		{"amend", []Payload{a, b, amend("e1", `{"words":"c"}`)}, "c b"},
		{"in place, not at the end", []Payload{a, amend("e1", `{"words":"c"}`), b}, "c b"},
		{"the later amendment wins", []Payload{a, amend("e1", `{"words":"c"}`), amend("e1", `{"words":"d"}`)}, "d"},
		{"void of the later amendment", []Payload{a, amend("e1", `{"words":"c"}`), amend("e1", `{"words":"d"}`), void("e3")}, "c"},
		{"void of the earlier amendment", []Payload{a, amend("e1", `{"words":"c"}`), amend("e1", `{"count":2}`), void("e2")}, "a"},
		{"amend, then void", []Payload{a, b, amend("e1", `{"words":"c"}`), void("e1")}, "b"},
		{"amend, then void, taken back", []Payload{a, amend("e1", `{"words":"c"}`), void("e1"), void("e3")}, "c"},
		{"void of an amendment taken back", []Payload{a, amend("e1", `{"words":"c"}`), void("e2"), void("e3")}, "c"},
		{"a target there is not", []Payload{a, void("e9"), amend("e9", `{"words":"c"}`)}, "a"},
		{"a later target", []Payload{a, void("e3"), b}, "a b"},
		{"itself", []Payload{a, void("e2")}, "a"},
		{"changes that don't fit", []Payload{a, amend("e1", `{"words":1}`)}, "a"},
	} {
		history := told(li, tt.told...)
		before := fmt.Sprintf("%+v", history)
		got := Effective(history)
		if words(got) != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, words(got), tt.want)
		}
		if !slices.IsSortedFunc(got, func(a, b Event) int { return strings.Compare(a.ID, b.ID) }) {
			t.Errorf("%s: the order of the stream is lost", tt.name)
		}
		if before != fmt.Sprintf("%+v", history) || a.Words != "a" || b.Words != "b" {
			t.Fatalf("%s: the history itself was changed", tt.name)
		}
		if again := Effective(got); words(again) != tt.want {
			t.Errorf("%s: applied twice %q", tt.name, words(again))
		}
	}
}

// The corrections stay in the history, unless they were voided themselves.
func TestEffectiveKeepsCorrections(t *testing.T) {
	got := Effective(told(li, &noted{Words: "a"}, void("e1"), amend("e1", `{"words":"b"}`), void("e3")))
	var ids []string
	for _, e := range got {
		ids = append(ids, e.ID)
	}
	if !slices.Equal(ids, []string{"e2", "e4"}) {
		t.Errorf("%v", ids)
	}
}

func TestHappenedBy(t *testing.T) {
	history := told(li, &noted{Words: "a"}, &noted{Words: "b"}, &noted{Words: "c"}, amend("e3", `{"time":"2019-06-30T00:00:00+08:00"}`), amend("e1", `{"time":"2019-07-20T00:00:00+08:00"}`))
	for day, want := range map[calendar.Date]string{"2019-06-29": "", "2019-06-30": "c", "2019-07-02": "b c", "2019-07-19": "b c", "2019-07-20": "a b c"} {
		if got := words(HappenedBy(Effective(history), day.End())); got != want {
			t.Errorf("by %s: %q, want %q", day, got, want)
		}
	}
	// What is known of other events is kept whenever it was learnt.
	if n := len(HappenedBy(Effective(history), july(1).AddDate(-1, 0, 0))); n != 2 {
		t.Errorf("%d corrections kept", n)
	}
	if got := words(HappenedBy(Effective(history), july(2))); got != "b c" {
		t.Errorf("at the very moment: %q", got)
	}
}

func TestAmend(t *testing.T) {
	e := told(sun, &noted{Words: "a", Count: 2, Day: "2019-07-01"})[0]
	change := func(changes string) (Event, error) {
		return Amend(e, Correction{Mode: ModeAmend, Changes: json.RawMessage(changes)})
	}
	got, err := change(`{"time":"2019-07-05T01:02:03.4567Z","words":"b","day":null,"note":"x"}`)
	if err != nil {
		t.Fatal(err)
	}
	if n := got.Data.(*noted); n.Words != "b" || n.Count != 2 || n.Day != "" || n.Note != "x" {
		t.Errorf("%+v", n)
	}
	if got.Time.Format(time.RFC3339Nano) != "2019-07-05T09:02:03.456+08:00" || got.Actor != e.Actor || got.ID != e.ID || got.Subject != e.Subject {
		t.Errorf("%+v", got)
	}
	for changes, rule := range map[string]string{
		`{"time":"2019-07-05"}`: "corrected.time", `{"time":5}`: "corrected.time", `{"word":"b"}`: "corrected.changes", `{"word":null}`: "corrected.changes",
		`{"Words":"b"}`: "corrected.changes", `{"count":"b"}`: "corrected.changes", `{"count":1.5}`: "corrected.changes", `{"day":"2019-02-30"}`: "corrected.changes",
		`{"id":"e2"}`: "corrected.changes", `{"actor":"person/li"}`: "corrected.changes",
	} {
		r := (*Refusal)(nil)
		if got, err := change(changes); !errors.As(err, &r) || r.Rule != rule {
			t.Errorf("%s: %+v, %v", changes, got, err)
		}
	}
	if _, err := change(`[]`); err == nil {
		t.Error("a list of changes")
	}
}
