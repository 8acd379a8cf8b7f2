// Package policy is the dated rules of the ledger that differ from province to
// province: the thresholds of the lights (亮灯规则). They are events, never
// constants, so that every light can name the rule it was lit by.
//
// The subject is policy/lights. Setting the rules anew makes another version
// (lights.1, lights.2); before any event the default ones are in force.
package policy

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"duban/domain"
)

// Lights are the thresholds of the lights. Days are calendar days, working days
// are counted after the day itself.
type Lights struct {
	DueSoonDays         int `json:"due_soon_days" doc:"临期：时限前几天起"`
	UnsignedWorkingDays int `json:"unsigned_working_days" doc:"未签收：交办后几个工作日"`
	StagnantDays        int `json:"stagnant_days" doc:"停滞：几天没有实质性进展"`
	ReinspectionDays    int `json:"reinspection_days" doc:"待复查：报告整改后几天"`
	AttestationDays     int `json:"attestation_days" doc:"待确认：12月31日前几天起"`
	ReviewWorkingDays   int `json:"review_working_days" doc:"待审核：申请后几个工作日"`
	UndatedWorkingDays  int `json:"undated_working_days" doc:"未定时限：立项后几个工作日"`
}

// Rules are thresholds with the version that answers name.
type Rules struct {
	Version string `json:"rule_version"`
	Lights
}

// Default returns the rules of the agreed domain, in force until others are set.
func Default() Rules {
	return Rules{Version: "default-1", Lights: Lights{
		DueSoonDays: 7, UnsignedWorkingDays: 3, StagnantDays: 30, ReinspectionDays: 10, AttestationDays: 30, ReviewWorkingDays: 5, UndatedWorkingDays: 10,
	}}
}

// Mark names an event and when it happened.
type Mark struct {
	Event string
	Time  time.Time
}

// A Version is one setting of the thresholds.
type Version struct {
	Mark
	Lights
	Reason string
}

// State is what was set. The zero value is nothing yet.
type State struct {
	ID       domain.Ref
	Versions []Version // in the order they were set
}

// Rules returns the rules in force.
func (s State) Rules() Rules {
	n := len(s.Versions)
	if n == 0 {
		return Default()
	}
	return Rules{Version: fmt.Sprintf("lights.%d", n), Lights: s.Versions[n-1].Lights}
}

// Ref returns the subject of the lights' rules.
func Ref() domain.Ref { return domain.Ref{Kind: domain.KindPolicy, ID: "lights"} }

// LightsSet (设定亮灯规则): all thresholds at once.
type LightsSet struct {
	domain.Particulars
	Lights
	Reason string `json:"reason" doc:"理由或依据"`
}

// EventType names the event.
func (*LightsSet) EventType() string { return "duban.policy.lights_set.v1" }

// Payloads returns a prototype of every event of the rules.
func Payloads() []domain.Payload { return []domain.Payload{&LightsSet{}} }

// maxDays bounds a threshold: a light that waits longer than a year helps nobody.
const maxDays = 366

// Validate checks the payload by itself.
func (p *LightsSet) Validate() error {
	for _, t := range []struct {
		field string
		days  int
	}{
		{"due_soon_days", p.DueSoonDays}, {"unsigned_working_days", p.UnsignedWorkingDays}, {"stagnant_days", p.StagnantDays},
		{"reinspection_days", p.ReinspectionDays}, {"attestation_days", p.AttestationDays},
		{"review_working_days", p.ReviewWorkingDays}, {"undated_working_days", p.UndatedWorkingDays},
	} {
		if t.days < 1 || t.days > maxDays {
			return domain.Invalid("policy.lights_set.days", t.field,
				fmt.Sprintf("%s 应为 1 至 %d；各项须一次填齐", t.field, maxDays), fmt.Sprintf("%s is 1 to %d; all thresholds are set at once", t.field, maxDays))
		}
	}
	return domain.CheckText("reason", p.Reason, true)
}

// Acts returns the commands of the rules.
func Acts() []domain.Act {
	return []domain.Act{{Name: "set-lights", Chinese: "设定亮灯规则", Ask: &LightsSet{}, By: []domain.Role{domain.RoleSafetyOffice}}}
}

// Allowed returns the names of the acts the state allows.
func Allowed(State) []string { return []string{"set-lights"} }

// Decide says what happens when the command is given in the state.
func Decide(s State, c domain.Command) ([]domain.Event, error) {
	if err := c.Check(Acts()); err != nil {
		return nil, err
	}
	e := c.Event()
	if err := admit(s, e); err != nil {
		return nil, err
	}
	return []domain.Event{e}, nil
}

// CheckHistory refuses a history that could not have happened.
func CheckHistory(history []domain.Event) error {
	return domain.CheckHistory(history, Acts(), admit, Evolve)
}

// Replay folds a history into a state.
func Replay(history []domain.Event) State { return domain.Fold(history, Evolve) }

func admit(s State, e domain.Event) error {
	p, ok := e.Data.(*LightsSet)
	switch {
	case !ok:
		return errors.New("policy: event of another aggregate: " + e.Data.EventType())
	case len(s.Versions) == 0:
		return nil
	}
	last := s.Versions[len(s.Versions)-1]
	if e.Time.Before(last.Time) {
		return domain.Illegal("policy.lights_set.time",
			"发生时间早于现行规则设定的时间，请改正 time", "the time lies before the rules in force were set: correct it")
	}
	if last.Lights == p.Lights {
		return domain.Illegal("policy.lights_set.same", "与现行规则相同", "these are the rules in force").Now(Allowed(s))
	}
	return nil
}

// Evolve returns the state after the event.
func Evolve(s State, e domain.Event) State {
	if p, ok := e.Data.(*LightsSet); ok {
		s.ID = e.Subject
		s.Versions = append(slices.Clone(s.Versions), Version{Mark{e.ID, e.Time}, p.Lights, p.Reason})
	}
	return s
}
