package task

import (
	"testing"
	"time"

	"duban/domain"
	"duban/domain/calendar"
)

// An event that does not fit leaves what it is about as it was.
func TestUnfitEventsChangeNothing(t *testing.T) {
	s := Replay(given(t, assignedStory...))
	for _, ask := range []domain.Payload{
		&LeadDesignated{ShareOf: of(ruanjian)}, transfer(jidian, yuancai), transfer(ruanjian, jidian), absorb(ruanjian, jidian),
		&DisputeUpheld{ShareOf: of(jidian), Reason: "x"}, sendBack(jidian), accept(jidian), granted(approved(), ruanjian, "2020-01-31"),
		&ExtensionRefused{ShareOf: of(jidian), Reason: "x"}, &Resumed{Deadline: "2020-01-31"}, &FindingSettled{Finding: hazard},
		toOffices(jidian), report(ruanjian), &EvidenceWithdrawn{SHA256: photo, Reason: "x"},
	} {
		e := step{li, "07-20", ask}.command().Event()
		e.ID = "e3"
		after := Evolve(s, e)
		after.Last = s.Last
		if !equal(s, after) {
			t.Errorf("%s:\n%+v\n%+v", domain.ShortType(ask), s, after)
		}
	}
}

// A share that is out counts no more: not for the lead, not for the suspension.
func TestSharesThatAreOut(t *testing.T) {
	out := then(assignedStory, step{li, "07-05", transfer(jidian, ruanjian)})
	s := Replay(given(t, then(out, step{li, "07-06", &LeadDesignated{ShareOf: of(yuancai)}})...))
	if lastShare(s, jidian).Role != RoleLead || lastShare(s, ruanjian).Role != RoleSupporting {
		t.Errorf("the role it had is its history: %+v", s.Shares)
	}
	s = Replay(given(t, then(out, step{li, "07-06", &Suspended{Particulars: approved(), Reason: "x"}})...))
	if s.Status() != StatusSuspended || lastShare(s, jidian).Suspended.Done() {
		t.Errorf("%v: %+v", s.Status(), s.Shares)
	}
}

func TestHandler(t *testing.T) {
	s := Replay(given(t, then(aloneStory, step{sun, "07-03", &HandlerChanged{ShareOf: of(jidian), To: wu.Person}}, step{sun, "07-04", &Acknowledged{ShareOf: of(jidian)}})...))
	if h := lastShare(s, jidian).Handler; h != wu.Person {
		t.Errorf("a signature without a name changed the handler to %v", h)
	}
	if h := lastShare(Replay(given(t, signedStory...)), jidian).Handler; h != sun.Person {
		t.Errorf("who signed handles it: %v", h)
	}
}

func TestQuestions(t *testing.T) {
	if s := (State{}); s.Status() != 0 || s.Open() || s.Exists() || s.Closed().Done() || s.Acted() {
		t.Errorf("no task: %v", s.Status())
	}
	if _, ok := (Share{}).LastReport(); ok {
		t.Error("a report of nobody")
	}
	if s := Replay(given(t, assignedStory...)); s.Acted() {
		t.Error("nobody has acted yet")
	}
	s := Replay(given(t, then(reportedStory, step{sun, "07-11", &ProgressReported{ShareOf: of(jidian), Condition: ConditionNormal, Nil: true}})...))
	july := time.Date(2019, 7, 31, 0, 0, 0, 0, calendar.Zone)
	late := Share{Reports: []Report{{Act: Act{july.AddDate(0, 1, 0), "august"}}, {Act: Act{july, "july, entered late"}}}}
	if r, _ := late.LastReport(); r.Event != "august" {
		t.Errorf("a late entry hides the newer report: %v", r)
	}
	if r, ok := lastShare(s, jidian).LastReport(); !ok || !r.Nil || r.Event != "e4" || !s.Acted() {
		t.Errorf("%+v", r)
	}
	q := Replay(given(t, then(quarterStory, step{li, "10-10", accept(jidian, "2019-Q3")})...))
	if r, ok := lastShare(q, jidian).PeriodAccepted("2019-Q3"); !ok || r.Accepted.Event != "e4" || r.Enterer != sun.Person {
		t.Errorf("%+v", r)
	}
	if _, ok := lastShare(q, jidian).PeriodAccepted("2019-Q4"); ok {
		t.Error("a period nobody asked for is accepted")
	}
	for status, story := range map[Status][]step{StatusVoided: then(aloneStory, step{li, "07-03", &Voided{Reason: "x"}}), StatusCancelled: cancelledStory, StatusConsolidated: mergedStory, StatusEnded: endedStory, StatusCompleted: completedStory} {
		if s := Replay(given(t, story...)); !s.Closed().Done() || s.Closed().Event != s.Last.Event {
			t.Errorf("%v by %+v", status, s.Closed())
		}
	}
}
