package task

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"duban/domain"
	"duban/domain/calendar"
)

func TestValidate(t *testing.T) {
	long := strings.Repeat("长", 7000)
	quarterly := &Schedule{Unit: calendar.UnitQuarter}
	notOffice := of(sun.Person)
	for _, tt := range []struct {
		rule string
		p    domain.Payload
	}{
		{"field.required", &Docketed{Directive: self, TextSHA256: clause, Kind: KindOneOff}},
		{"schedule.kind", &Docketed{Directive: notice, TextSHA256: clause, Kind: KindOneOff, Schedule: quarterly}},
		{"field.required", &KindDecided{Kind: KindRecurring, Schedule: &Schedule{}, Reason: "x"}},
		{"period.form", &KindDecided{Kind: KindRecurring, Schedule: &Schedule{Unit: calendar.UnitMonth, First: "2019-13"}, Reason: "x"}},
		{"schedule.unit", &KindDecided{Kind: KindRecurring, Schedule: &Schedule{Unit: calendar.UnitOnce}, Reason: "x"}},
		{"schedule.first", &KindDecided{Kind: KindRecurring, Schedule: &Schedule{Unit: calendar.UnitMonth, First: "2019-Q3"}, Reason: "x"}},
		{"schedule.due", &KindDecided{Kind: KindRecurring, Schedule: &Schedule{Unit: calendar.UnitMonth, Due: calendar.Due{Day: 32}}, Reason: "x"}},
		{"schedule.due", &KindDecided{Kind: KindRecurring, Schedule: &Schedule{Unit: calendar.UnitMonth, Due: calendar.Due{In: calendar.DueInNext}}, Reason: "x"}},
		{"schedule.kind", &KindDecided{Kind: KindStanding, Schedule: quarterly, Reason: "x"}},
		{"assigned.twice", toOffices(jidian, jidian)},
		{"office.kind", toOffices(sun.Person)},
		{"field.required", &Assigned{Offices: []Assignment{{Office: jidian}}}},
		{"field.long", &Assigned{Offices: toOffices(jidian).Offices, Instructions: long}},
		{"office.kind", &LeadDesignated{notes(), notOffice}},
		{"office.kind", &Disputed{ShareOf: of(jidian), Reason: "x", SuggestedOffice: self}},
		{"share.same_office", transfer(jidian, jidian)},
		{"share.same_office", absorb(jidian, jidian)},
		{"office.kind", transfer(jidian, self)},
		{"field.long", &Absorbed{From: jidian, To: yuancai, Cause: CauseDecision, Reason: long}},
		{"office.kind", &Acknowledged{ShareOf: notOffice}},
		{"person.kind", &Acknowledged{ShareOf: of(jidian), Person: yuancai}},
		{"person.kind", &HandlerChanged{ShareOf: of(jidian), To: yuancai}},
		{"person.kind", &HandlerChanged{ShareOf: of(jidian), From: self, To: sun.Person}},
		{"field.required", &PlanSubmitted{ShareOf: of(jidian), ResponsiblePerson: "陈", Measures: []Measure{{Due: "2019-09-30"}}}},
		{"deadline.empty", &PlanSubmitted{ShareOf: of(jidian), ResponsiblePerson: "陈", Measures: []Measure{{Text: "x"}}}},
		{"progress_reported.nil", &ProgressReported{ShareOf: of(jidian), Condition: ConditionNormal, Nil: true, Progress: "x"}},
		{"progress_reported.nil", &ProgressReported{ShareOf: of(jidian), Condition: ConditionNormal, Nil: true, Substantive: true}},
		{"period.form", &ProgressReported{ShareOf: of(jidian), Condition: ConditionNormal, Progress: "x", Period: "2019-8"}},
		{"field.long", &ProgressReported{ShareOf: of(jidian), Condition: ConditionNormal, Progress: "x", NextSteps: long}},
		{"field.long", &ProgressReported{ShareOf: of(jidian), Condition: ConditionNormal, Progress: "x", Problems: long}},
		{"field.long", &ExtensionGranted{ShareOf: of(jidian), NewDate: "2020-01-31", Reason: long}},
		{"field.long", &Resumed{Reason: long}},
		{"field.long", &Accepted{ShareOf: of(jidian), Opinion: long}},
		{"field.long", &StatedDeadline{Words: long}},
		{"deadline.empty", &StatedDeadline{}},
		{"office.kind", &StatedDeadline{Scope: Scope{self}, Words: "x"}},
		{"deadline.empty", &ProposedDeadline{Scope: Scope{jidian}}},
		{"deadline.empty", &SetDeadline{}},
		{"office.kind", &SetDeadline{Scope: Scope{self}, Words: "x"}},
		{"field.long", &SetDeadline{Words: "x", Reason: long}},
		{"office.kind", &Suspended{Offices: []domain.Ref{self}, Reason: "x"}},
		{"office.kind", &Resumed{Offices: []domain.Ref{self}}},
		{"office.kind", &Reopened{Reason: ReopenMistake, Words: "x", Offices: []domain.Ref{self}}},
		{"office.kind", &Reminded{Words: "x", Offices: []domain.Ref{self}}},
		{"period.form", request(jidian, "2019-Q5")},
		{"period.form", sendBack(jidian, "二季度")},
		{"period.form", accept(jidian, "2019-00")},
		{"field.text", &ClosureRequested{ShareOf: of(jidian), Summary: "\xff"}},
		{"field.text", &Ended{Reason: "a\x00b"}},
		{"evidence.sha256", &EvidenceWithdrawn{SHA256: strings.ToUpper(photo), Reason: "x"}},
		{"field.required", &FindingOpened{Finding: self}},
		{"field.required", &FindingSettled{Finding: self}},
		{"directive.kind", &ClauseRevised{By: "x", TextSHA256: letter, ByDirective: self}},
		{"evidence.sha256", &ClauseRevised{By: "x", TextSHA256: "x"}},
		{"task.kind", parts(Child{Task: hazard})},
		{"field.required", parts(Child{})},
		{"field.required", parts(Child{Text: "x"})},
		{"field.required", parts(Child{Offices: toOffices(jidian).Offices})},
		{"assigned.twice", parts(Child{Text: "x", Offices: toOffices(jidian, jidian).Offices})},
		{"child.part", parts(Child{Task: sibling, Part: -1})},
		{"task.kind", &Linked{To: hazard, Relation: RelationSameDuty}},
		{"task.kind", &Consolidated{Into: notice, Reason: "x"}},
	} {
		r := (*domain.Refusal)(nil)
		if err := tt.p.Validate(); !errors.As(err, &r) || r.Rule != tt.rule || r.Field == "" || r.Reason != domain.ReasonInvalid {
			t.Errorf("%s: %v, want %s and a field", tt.p.EventType(), err, tt.rule)
		}
	}
	for _, p := range []domain.Payload{
		&ProgressReported{ShareOf: of(jidian), Condition: ConditionNotStarted, Nil: true},
		&Completed{By: ClosingAllShares}, &Resumed{}, &SetDeadline{Words: "长期坚持"},
	} {
		if err := p.Validate(); err != nil {
			t.Errorf("%s: %v", p.EventType(), err)
		}
	}
}

func notes() domain.Particulars { return domain.Particulars{Note: "x"} }

// enumeration is what all of them offer.
type enumeration interface {
	~uint8
	String() string
	MarshalText() ([]byte, error)
}

func checkEnum[T enumeration](t *testing.T, last T, unmarshal func([]byte) (T, error)) {
	t.Helper()
	for v := T(1); v <= last; v++ {
		b, err := v.MarshalText()
		if err != nil || string(b) != v.String() {
			t.Errorf("%T %d: %q, %v", v, v, b, err)
		}
		if back, err := unmarshal(b); err != nil || back != v {
			t.Errorf("%T %d comes back as %d, %v", v, v, back, err)
		}
	}
	if b, err := (last + 1).MarshalText(); err == nil {
		t.Errorf("%T %d is written as %q", last, last+1, b)
	}
	if _, err := unmarshal([]byte((last + 1).String())); err == nil {
		t.Errorf("%T: the name of no value is read", last)
	}
}

func reading[T any](read func(*T, []byte) error) func([]byte) (T, error) {
	return func(b []byte) (v T, err error) { return v, read(&v, b) }
}

func TestEnums(t *testing.T) {
	checkEnum(t, KindStanding, reading((*Kind).UnmarshalText))
	checkEnum(t, RoleJoint, reading((*Role).UnmarshalText))
	checkEnum(t, ShareTransferred, reading((*ShareStatus).UnmarshalText))
	checkEnum(t, RelationContinues, reading((*Relation).UnmarshalText))
	checkEnum(t, StatusConsolidated, reading((*Status).UnmarshalText))
	checkEnum(t, ConditionDone, reading((*Condition).UnmarshalText))
	checkEnum(t, CauseReorganisation, reading((*Cause).UnmarshalText))
	checkEnum(t, ClosingOverride, reading((*Closing).UnmarshalText))
	checkEnum(t, ReopenMistake, reading((*ReopenReason).UnmarshalText))
	checkEnum(t, DeadlineGranted, reading((*DeadlineSource).UnmarshalText))

	var chinese []string
	for v := Status(1); v <= StatusConsolidated; v++ {
		chinese = append(chinese, v.Chinese())
		if p, err := ParseStatus(v.String()); err != nil || p != v {
			t.Errorf("%v: %v, %v", v, p, err)
		}
	}
	if slices.Sort(chinese); len(slices.Compact(chinese)) != int(StatusConsolidated) || len(Statuses()) != int(StatusConsolidated) || chinese[0] == "" {
		t.Errorf("statuses share a name, or lack one: %v", chinese)
	}
	for v := ShareStatus(0); v <= ShareTransferred+1; v++ {
		if (v.Active() && v.Chinese() == "") || v.Active() != (v >= ShareDisputed && v <= ShareAccepted) {
			t.Errorf("share status %d: %q, active %v", v, v.Chinese(), v.Active())
		}
	}
	for _, words := range []string{RelationSameDuty.Chinese(), RelationContinues.Chinese(), KindOneOff.Chinese(), KindStanding.Chinese(), RoleLead.Chinese(), RoleJoint.Chinese()} {
		if words == "" {
			t.Error("a kind or role lacks its Chinese name")
		}
	}
	if _, err := ParseKind("onetime"); err == nil {
		t.Error("a kind there is not")
	}
}

func TestReferences(t *testing.T) {
	for _, tt := range []struct {
		p    interface{ References() []domain.Ref }
		want []domain.Ref
	}{
		{toOffices(jidian, yuancai), []domain.Ref{jidian, yuancai}},
		{transfer(jidian, ruanjian), []domain.Ref{ruanjian}},
		{absorb(jidian, yuancai), []domain.Ref{yuancai}},
		{dispute(jidian), []domain.Ref{ruanjian}},
		{parts(Child{Task: sibling}, Child{Text: "x", Offices: toOffices(jidian, yuancai).Offices}), []domain.Ref{sibling, {}, jidian, yuancai}},
		{link(sibling), []domain.Ref{sibling}},
		{consolidate(sibling), []domain.Ref{sibling}},
	} {
		if got := tt.p.References(); !slices.Equal(got, tt.want) {
			t.Errorf("%T names %v, want %v", tt.p, got, tt.want)
		}
	}
}
