package task

import (
	"testing"
	"time"

	"duban/domain"
	"duban/domain/calendar"
)

// Stated, set and granted deadlines bind, proposed ones never do; the share's own
// beats the task's; then the latest.
func TestGoverning(t *testing.T) {
	stated := step{li, "07-02", &StatedDeadline{Date: "2019-12-31"}}
	set := func(o domain.Ref, d calendar.Date) step {
		return step{li, "07-03", &SetDeadline{Scope: Scope{o}, Date: d}}
	}
	words := step{li, "07-03", &SetDeadline{Particulars: grounded(), Scope: Scope{jidian}, Words: "长期坚持"}}
	proposed := step{sun, "07-04", &ProposedDeadline{Scope: Scope{jidian}, Date: "2019-08-31"}}
	for _, tt := range []struct {
		name   string
		story  []step
		want   calendar.Date
		source DeadlineSource
	}{
		{"none", nil, "", 0},
		{"proposed never", []step{proposed}, "", 0},
		{"stated", []step{stated, proposed}, "2019-12-31", DeadlineStated},
		{"the latest of the task", []step{stated, set(noOffice, "2019-10-31")}, "2019-10-31", DeadlineSet},
		{"the latest, though stated", []step{set(noOffice, "2019-10-31"), stated}, "2019-12-31", DeadlineStated},
		{"the share's own beats the task's", []step{set(jidian, "2019-09-30"), stated, set(noOffice, "2019-10-31")}, "2019-09-30", DeadlineSet},
		{"the latest of the share's own", []step{set(jidian, "2019-09-30"), set(jidian, "2019-09-15")}, "2019-09-15", DeadlineSet},
		{"another share's", []step{stated, set(yuancai, "2019-09-30")}, "2019-12-31", DeadlineStated},
		{"words of its own hide the task's date", []step{stated, words}, "", DeadlineSet},
		{"granted is the share's own", []step{stated, {sun, "12-01", moreTime(jidian, "2020-01-31")}, {li, "12-02", granted(grounded(), jidian, "2020-01-31")}, set(noOffice, "2019-10-31")}, "2020-01-31", DeadlineGranted},
		{"asked is not granted", []step{stated, {sun, "12-01", moreTime(jidian, "2020-01-31")}}, "2019-12-31", DeadlineStated},
		{"a voided one", []step{set(jidian, "2019-09-30"), set(jidian, "2019-08-15"), void(li, "07-05", "e4")}, "2019-09-30", DeadlineSet},
	} {
		s := Replay(given(t, then(assignedStory, tt.story...)...))
		d, ok := s.Governing(jidian)
		if d.Date != tt.want || d.Source != tt.source || ok != (tt.source != 0) {
			t.Errorf("%s: %+v, %v", tt.name, d, ok)
		}
		if d.Event == "" && ok {
			t.Errorf("%s: the deadline does not name its event", tt.name)
		}
	}
}

// The source's date stays beside a control deadline.
func TestStated(t *testing.T) {
	s := Replay(given(t, then(datedStory, step{li, "07-03", &SetDeadline{Date: "2019-10-31"}}, step{li, "07-03", &StatedDeadline{Words: "年底前"}})...))
	if d, ok := s.Stated(jidian); !ok || d.Date != "2019-12-31" {
		t.Errorf("%+v", d)
	}
	s = Replay(given(t, then(datedStory, step{li, "07-03", &StatedDeadline{Scope: Scope{jidian}, Date: "2019-09-30"}})...))
	if d, _ := s.Stated(jidian); d.Date != "2019-09-30" {
		t.Errorf("the share's own: %+v", d)
	}
}

// On time is the date of the finally accepted request in Asia/Shanghai, whenever
// it was accepted.
func TestOnTime(t *testing.T) {
	at := func(utc string) step {
		when, err := time.Parse(time.RFC3339, utc)
		if err != nil {
			t.Fatal(err)
		}
		return step{sun, when.In(calendar.Zone).Format("2006-01-02 15:04"), request(jidian)}
	}
	late := at("2019-12-31T16:30:00Z")
	if d := calendar.On(late.command().Time); d != "2020-01-01" {
		t.Fatalf("dated %s", d)
	}
	early, accepted := at("2019-12-31T15:30:00Z"), step{li, "2020-01-20", accept(jidian)}
	for _, tt := range []struct {
		name       string
		story      []step
		onTime, ok bool
	}{
		{"not accepted", then(datedStory, early), false, false},
		{"on the last day, accepted much later", then(datedStory, early, accepted), true, true},
		{"half an hour into the new year", then(datedStory, late, accepted), false, true},
		{"no deadline", then(aloneStory, early, accepted), false, false},
		{"returned and requested anew, late", then(datedStory, early, step{li, "2020-01-02", sendBack(jidian)}, step{sun, "2020-01-03", request(jidian)}, accepted), false, true},
		{"with more time", then(askedStory, step{li, "12-10", granted(grounded(), jidian, "2020-01-31")}, late, accepted), true, true},
		{"overridden", then(datedStory, early, step{li, "2020-01-10", override(approved())}), false, false},
	} {
		s := Replay(given(t, tt.story...))
		if onTime, ok := s.OnTime(lastShare(s, jidian)); onTime != tt.onTime || ok != tt.ok {
			t.Errorf("%s: %v %v", tt.name, onTime, ok)
		}
	}
	// A false completion takes the on-time back, until it is accepted again.
	s := Replay(given(t, then(datedStory, early, accepted, step{li, "2020-01-25", reopen(approved())})...))
	if _, ok := s.OnTime(lastShare(s, jidian)); ok {
		t.Error("still counted though reopened")
	}
	s = Replay(given(t, then(datedStory, early, accepted, step{li, "2020-01-25", reopen(approved())},
		step{sun, "2020-01-26", request(jidian)}, step{zhou, "2020-01-27", accept(jidian)})...))
	if onTime, ok := s.OnTime(lastShare(s, jidian)); onTime || !ok {
		t.Errorf("the second request is what counts: %v %v", onTime, ok)
	}
}
