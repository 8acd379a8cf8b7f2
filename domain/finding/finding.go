// Package finding is one finding (检查发现、隐患): a hazard somebody saw. A hazard is
// what is there; it is never called a risk.
//
// It is recorded (登记), verified or dismissed (核实、不予认定) and graded (定级). An
// ordinary hazard (一般隐患) is put right on the spot (立行立改), or its rectifier
// (整改责任单位) is ordered to put it right by a day (责令整改, 延期), reports
// (报告整改情况) and is re-inspected (复查): passed, it is written off (销号); failed,
// it is ordered again. A major hazard (重大隐患) also has a plan (治理方案), may be
// listed for supervision (挂牌督办, 摘牌), production may be suspended and resumed
// (停产停业, 恢复生产), and what is still unsafe after rectification is closed (依法关闭).
//
// A finding may be referred (移送), be the return of an earlier one (重复发生), be a
// duplicate (重复登记), or end without having been put right (终结), which never counts
// as written off. It may belong to an inspection, to tasks, to both or to neither;
// a task does not complete while a major finding on it is open (Blocks).
//
// Two rules keep the check honest. Nobody of the rectifier re-inspects; the
// inspector who found the hazard may. And a major hazard leaves the books by two
// persons, or by one with a leader's approval (批示). guards.go says what counts.
package finding

import (
	"errors"
	"slices"
	"time"

	"duban/domain"
	"duban/domain/calendar"
	"duban/domain/inspection"
)

// Mark names an event and when it happened. The zero Mark is none.
type Mark struct {
	Event string
	Time  time.Time
}

func (m Mark) isZero() bool { return m == Mark{} }

// A Hand is who stood behind an event.
type Hand struct {
	Entered domain.Ref // the person who entered it
	Acting  domain.Ref // the person whose act it is; zero if it was entered for an office
	Office  domain.Ref // the office whose act it is
}

func handOf(e domain.Event) Hand {
	h := Hand{Entered: e.Actor, Acting: e.ActingPerson(), Office: e.ActingOffice()}
	if e.Data.Circumstances().OnBehalfOf.Kind == domain.KindOffice {
		h.Acting = domain.Ref{} // whoever acted there is not named
	}
	return h
}

// State is one finding. The zero value is nothing recorded yet.
type State struct {
	ID     domain.Ref
	Status Status
	Since  Mark // the event behind the status

	Subject     inspection.Subject
	Description string
	Category    string
	FoundOn     calendar.Date
	HazardSince calendar.Date
	Inspection  domain.Ref
	Tasks       []domain.Ref
	Recorded    Mark
	RecordedBy  Hand
	Verified    Mark

	Grade     Grade
	Criterion string
	Graded    Mark // the last grading or regrading
	GradedBy  Hand

	Order         Order // the last one
	Orders        int   // how often rectification was ordered
	Deadline      Deadline
	OnSpot        Mark
	Reports       []Report       // oldest first
	Reinspections []Reinspection // oldest first

	Plan           Mark // the last one filed
	Listing        Listing
	Suspension     Suspension
	ClosureOrdered Mark
	ClosureNo      string

	Referrals []Referral
	Earlier   domain.Ref // the finding this one is the return of
	Original  domain.Ref // the finding this one is a duplicate of
	Cause     Cause      // of termination
	Dismissal string     // reason

	Successions []Succession // of the offices of the last order, oldest first

	Evidence []EvidenceUse
}

// An Order is an order to put the hazard right.
type Order struct {
	Mark
	Number            string
	Rectifier         Rectifier
	SupervisingOffice domain.Ref
	ResponsiblePerson string
	FundsFen          int64
	Deadline          calendar.Date // as ordered; State.Deadline governs
	Acceptor          string
}

// A Deadline is the day by which rectification is due.
type Deadline struct {
	On         calendar.Date
	Event      string        // the order or extension that set it
	Ordered    calendar.Date // as first ordered in this round
	Extensions int           // in this round
	Late       bool          // the last extension came after the deadline it extended
}

// A Report is a report that the hazard was put right. By.Acting is zero where an
// inspector or the safety office passed on what the rectifier handed in: that
// person only entered it.
type Report struct {
	Mark
	By Hand
}

// A Reinspection is the look afterwards.
type Reinspection struct {
	Mark
	Passed     bool
	Opinion    string
	Inspectors []domain.Ref // as listed; nobody listed means who acted
	By         Hand
}

// A Listing is supervision by a higher body. It stands while Listed.
type Listing struct {
	Level    Level
	Until    calendar.Date
	Listed   Mark
	Delisted Mark
}

// Stands reports whether the finding is listed now.
func (l Listing) Stands() bool { return !l.Listed.isZero() && l.Delisted.isZero() }

// A Suspension is an order to stop. It stands until resumption is approved.
type Suspension struct {
	DecisionNo string
	Scope      string
	Ordered    Mark
	Resumed    Mark
}

// Stands reports whether production is suspended now.
func (s Suspension) Stands() bool { return !s.Ordered.isZero() && s.Resumed.isZero() }

// A Referral to another authority.
type Referral struct {
	Mark
	To      string
	Reply   string
	Replied Mark // zero while no reply came
}

// An EvidenceUse is one event naming one piece of evidence.
type EvidenceUse struct {
	Mark
	SHA256    string
	Entered   domain.Ref // who entered the event that names it
	Withdrawn string     // the event that withdrew it
}

// Blocks reports whether tasks named by the finding may not complete: it is
// graded major and still open.
func (s State) Blocks() bool { return s.Grade == GradeMajor && s.Status.Open() }

// Report returns the report that awaits or underwent the last re-inspection.
func (s State) Report() (Report, bool) {
	if len(s.Reports) == 0 {
		return Report{}, false
	}
	return s.Reports[len(s.Reports)-1], true
}

// Reinspection returns the last one.
func (s State) Reinspection() (Reinspection, bool) {
	if len(s.Reinspections) == 0 {
		return Reinspection{}, false
	}
	return s.Reinspections[len(s.Reinspections)-1], true
}

// Failed returns how many re-inspections failed.
func (s State) Failed() int {
	n := 0
	for _, r := range s.Reinspections {
		if !r.Passed {
			n++
		}
	}
	return n
}

// unanswered returns the index of the last referral without a reply, or -1.
func (s State) unanswered() int {
	for i := len(s.Referrals) - 1; i >= 0; i-- {
		if s.Referrals[i].Replied.isZero() {
			return i
		}
	}
	return -1
}

// Referred reports whether a referral awaits its reply.
func (s State) Referred() bool { return s.unanswered() >= 0 }

// Decide says what happens when the command is given in the state. A correction
// is decided by Correct, because it needs the history.
func Decide(s State, c domain.Command) ([]domain.Event, error) {
	if err := c.Check(append(Acts(), follows()...)); err != nil {
		return nil, err
	}
	e := c.Event()
	if err := admit(s, e); err != nil {
		return nil, err
	}
	return []domain.Event{e}, nil
}

// Correct decides a correction: the history it leaves must be one that could have
// happened, and one person alone takes no major finding off the books by it.
func Correct(history []domain.Event, c domain.Command) ([]domain.Event, error) {
	if err := c.Check(Acts()); err != nil {
		return nil, err
	}
	e := c.Event()
	if e.Corrects() == nil {
		return nil, errors.New("finding: Correct was asked for " + e.Data.EventType())
	}
	if err := domain.CheckCorrection(history, e); err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(history, func(h domain.Event) bool { return h.ID == e.Corrects().Target }); i >= 0 {
		if _, ok := history[i].Data.(*OfficeSucceeded); ok {
			return nil, domain.Illegal("finding.corrected.succession", "此事件随机构调整产生，不能在此更正", "the event follows from a reorganisation and is not corrected here")
		}
	}
	after := slices.Concat(history, []domain.Event{e})
	if err := CheckHistory(after); err != nil {
		return nil, err
	}
	if err := checkUnblocking(history, after, e); err != nil {
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
