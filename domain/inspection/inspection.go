// Package inspection is one inspection (检查): a team (检查人员) goes to look at a
// subject (被检查单位), on some ground, and afterwards sums up what it saw. What it
// found stands in findings, which name the inspection; a finding may be entered
// after the inspection was closed (补录). An inspection closed by mistake is opened
// again by voiding the closing (更正).
package inspection

import (
	"errors"
	"time"

	"duban/domain"
	"duban/domain/enum"
)

// Status is where an inspection stands.
type Status uint8

// The statuses.
const (
	StatusOpen   Status = iota + 1 // 进行中
	StatusClosed                   // 已结束
)

var statuses = enum.New[Status]("status of an inspection", "open", "closed")

func (s Status) String() string { return statuses.Name(s) }

// Chinese returns the status as the pages write it.
func (s Status) Chinese() string {
	switch s {
	case StatusOpen:
		return "进行中"
	case StatusClosed:
		return "已结束"
	}
	return "未登记"
}

// MarshalText writes the wire name.
func (s Status) MarshalText() ([]byte, error) { return statuses.Marshal(s) }

// UnmarshalText reads the wire name.
func (s *Status) UnmarshalText(b []byte) error { return statuses.Unmarshal(b, s) }

// ParseStatus returns the status with that wire name.
func ParseStatus(s string) (Status, error) { return statuses.Parse(s) }

// Mark names an event and when it happened.
type Mark struct {
	Event string
	Time  time.Time
}

// State is one inspection. The zero value is nothing recorded yet.
type State struct {
	ID      domain.Ref
	Status  Status
	Kind    string
	Scope   string
	Subject Subject
	Team    []domain.Ref
	Summary string
	Opened  Mark
	Closed  Mark
}

// Acts returns the commands of an inspection.
func Acts() []domain.Act {
	inspectors := []domain.Role{domain.RoleInspector, domain.RoleSafetyOffice}
	return []domain.Act{
		{Name: "open", Chinese: "登记检查", Ask: &Opened{}, By: inspectors},
		{Name: "close", Chinese: "结束检查", Ask: &Closed{}, By: inspectors},
		{Name: "correct", Chinese: "更正", Ask: &Corrected{}, By: inspectors},
	}
}

// Allowed returns the names of the acts the state allows.
func Allowed(s State) []string {
	switch s.Status {
	case StatusOpen:
		return []string{"close", "correct"}
	case StatusClosed:
		return []string{"correct"}
	}
	return []string{"open"}
}

// Decide says what happens when the command is given in the state. A correction
// is decided by Correct, because it needs the history.
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

// Correct decides a correction: the history it leaves must be one that could have
// happened.
func Correct(history []domain.Event, c domain.Command) ([]domain.Event, error) {
	if err := c.Check(Acts()); err != nil {
		return nil, err
	}
	e := c.Event()
	if e.Corrects() == nil {
		return nil, errors.New("inspection: Correct was asked for " + e.Data.EventType())
	}
	if err := domain.CheckCorrection(history, e); err != nil {
		return nil, err
	}
	if err := CheckHistory(append(history[:len(history):len(history)], e)); err != nil {
		return nil, err
	}
	return []domain.Event{e}, nil
}

// CheckHistory refuses a history that could not have happened.
func CheckHistory(history []domain.Event) error {
	return domain.CheckHistory(history, Acts(), admit, Evolve)
}

// Replay folds a history with its corrections into a state.
func Replay(history []domain.Event) State { return domain.Fold(history, Evolve) }

func admit(s State, e domain.Event) error {
	switch e.Data.(type) {
	case *Opened:
		if s.Status != 0 {
			return domain.Illegal("inspection.opened.status",
				"该检查已登记，不能重复登记", "the inspection has been opened already").Now(Allowed(s))
		}
		return nil
	case *Closed:
		if s.Status != StatusOpen {
			return domain.Illegal("inspection.closed.status",
				"检查"+s.Status.Chinese()+"，只有进行中的检查可以结束", "only an open inspection is closed").Now(Allowed(s))
		}
		if e.Time.Before(s.Opened.Time) {
			return domain.Illegal("inspection.closed.time",
				"结束时间早于检查开始的时间，请改正 time", "the time lies before the inspection was opened: correct it")
		}
		return nil
	}
	return errors.New("inspection: Decide does not take " + e.Data.EventType())
}

// Evolve returns the state after the event.
func Evolve(s State, e domain.Event) State {
	switch p := e.Data.(type) {
	case *Opened:
		if s.Status != 0 {
			return s
		}
		return State{
			ID: e.Subject, Status: StatusOpen, Kind: p.Kind, Scope: p.Scope, Subject: p.Subject, Team: p.Team,
			Opened: Mark{e.ID, e.Time},
		}
	case *Closed:
		if s.Status == StatusOpen {
			s.Status, s.Summary, s.Closed = StatusClosed, p.Summary, Mark{e.ID, e.Time}
		}
	}
	return s
}
