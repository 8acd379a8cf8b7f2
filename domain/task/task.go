// Package task is the heart of the ledger: one clause of a directive that
// somebody has to carry out (任务).
//
// A task has one share (分项) per office. The share is what moves: it is assigned
// (交办), signed for (签收), worked on and reported, put up for closure (报结),
// returned (退回) or accepted (分项办结). The task's status is that of its least
// advanced active share; with the last acceptance the task is completed (办结) in
// the same transaction.
//
// How a share moves (→), and what sends it back (←):
//
//	assigned → acknowledged → in_progress → closure_requested → accepted
//	              in_progress ← share_returned        ← reopened
//	disputed: beside the line, until the dispute is upheld or the share moves on
//	transferred, absorbed: this office is out; another share carries on
//
// A first report or request signs for the share and starts it, for offices will
// not all sign in on the first day.
package task

import (
	"slices"
	"time"

	"duban/domain"
	"duban/domain/calendar"
)

// Act is a moment in a task's life: when, and by which event.
type Act struct {
	Time  time.Time
	Event string // id
}

// Done reports whether the act happened. It looks at the time, for an event that
// is only about to be recorded has no id yet.
func (a Act) Done() bool { return !a.Time.IsZero() }

// State is what a task's events add up to. The zero State is a task that was
// never docketed.
type State struct {
	Ref        domain.Ref
	Docketed   Act
	Directive  domain.Ref
	Number     int
	Path       []string
	Part       int
	TextSHA256 string
	Text       string // its own, where it is a part of a clause's
	Kind       Kind
	Schedule   *Schedule
	Kinded     Act        // the event that gave kind and schedule
	Revisions  []Revision // of its clause, oldest first

	Shares    []Share // in the order of assignment; never two active ones of one office
	Deadlines []Deadline
	Findings  []domain.Ref // open major findings that keep the task from completion

	Children []domain.Ref // tasks it was decomposed into
	Links    []Link

	Completed, Ended, Cancelled, Consolidated, Voided Act
	CompletedBy                                       Closing
	Into                                              domain.Ref // the task that carries on after a consolidation
	Reopenings                                        []Reopening
	Evidence                                          []EvidenceUse
	Last                                              Act // the last event of any kind
}

// Share (分项) is one office's part of a task.
type Share struct {
	Office      domain.Ref
	Role        Role
	PrintedRole string
	Status      ShareStatus
	Since       Act // the event that led to Status

	Assigned     Act // or transferred to this office
	From         domain.Ref
	Acknowledged Act // explicit signature
	Started      Act // first report or request; signs as well
	Handler      domain.Ref
	Plan         *PlanSubmitted
	Reports      []Report
	Requests     []Request
	Extensions   []Extension
	Dispute      *Dispute // the pending one
	Disputed     Act      // the last dispute, answered or not
	Suspended    Act
	Reopened     Act // last taken up again after it was accepted
	Breaks       []Break
	Undone       []Completion // acceptances that a reopening took up again
	Attested     []Attestation
	Reminded     Act        // last, by whatever way
	Reminders    []Reminder // those by the calendar
	Returns      int
}

// A Break is a time in which nothing was expected of a share, over by now: it was
// suspended, or accepted, or its task was closed.
type Break struct{ From, Until Act }

// Report (进展报告) is a progress report, as a fact about a share.
type Report struct {
	Act
	Period      calendar.Period
	Condition   Condition
	Nil         bool
	Substantive bool
	Progress    string
	Problems    string
	NextSteps   string
}

// Request (报结) is a request for closure and what became of it.
type Request struct {
	Act
	Period   calendar.Period
	Enterer  domain.Ref // who entered it
	Person   domain.Ref // whose act it is
	Accepted Act
	Returned Act
}

// Pending reports whether the request still waits for an answer.
func (r Request) Pending() bool { return !r.Accepted.Done() && !r.Returned.Done() }

// Extension (延期) is a request for more time and what became of it.
type Extension struct {
	Act
	NewDate calendar.Date
	Late    bool // asked for after the deadline had passed
	Granted Act
	Refused Act
}

// Pending reports whether the request still waits for an answer.
func (e Extension) Pending() bool { return !e.Granted.Done() && !e.Refused.Done() }

// Dispute (异议) is an office's word that the task is not its own.
type Dispute struct {
	Act
	Reason    string
	Suggested domain.Ref
	Before    ShareStatus // where the share stood
}

// Attestation (年度履职确认) is a standing duty confirmed for a year.
type Attestation struct {
	Act
	Period calendar.Period
}

// A Completion is an acceptance that did not last.
type Completion struct {
	Request  Act // finally accepted then
	Accepted Act
	Deadline Deadline // that governed then, the zero Deadline if none did
	Reopened Act
	Reason   ReopenReason
}

// Reopening takes an accepted share up again.
type Reopening struct {
	Act
	Reason  ReopenReason
	Offices []domain.Ref
}

// A Revision gave the task's clause new words.
type Revision struct {
	Act
	By            string        // the amending document
	EffectiveOn   calendar.Date // of the new words
	EarlierSHA256 string        // of the words until then
}

// A Link says how the task stands to another.
type Link struct {
	Act
	To       domain.Ref
	Relation Relation
}

// An EvidenceUse is one event naming one piece of evidence.
type EvidenceUse struct {
	Act
	SHA256    string
	Enterer   domain.Ref // who entered the event that names it
	Withdrawn Act        // its bytes were removed
}

// Deadline is a date or words by which a task or one share is due.
type Deadline struct {
	Event  string // id
	Source DeadlineSource
	Office domain.Ref // the share's, zero for the whole task
	Date   calendar.Date
	Words  string
}

// Exists reports whether the task was docketed.
func (s State) Exists() bool { return s.Docketed.Done() }

// Open reports whether work on the task goes on.
func (s State) Open() bool {
	return s.Exists() && !s.Completed.Done() && !s.Ended.Done() && !s.Cancelled.Done() && !s.Consolidated.Done() && !s.Voided.Done()
}

// Status returns where the task stands.
func (s State) Status() Status {
	switch {
	case !s.Exists():
		return 0
	case s.Voided.Done():
		return StatusVoided
	case s.Cancelled.Done():
		return StatusCancelled
	case s.Consolidated.Done():
		return StatusConsolidated
	case s.Ended.Done():
		return StatusEnded
	case s.Completed.Done():
		return StatusCompleted
	}
	least, suspended, n := ShareStatus(0), 0, 0
	for _, sh := range s.Shares {
		if !sh.Status.Active() {
			continue
		}
		if least == 0 || sh.Status < least {
			least = sh.Status
		}
		if sh.Status != ShareAccepted {
			n++
			if sh.Suspended.Done() {
				suspended++
			}
		}
	}
	if n > 0 && n == suspended {
		return StatusSuspended
	}
	switch least {
	case ShareDisputed:
		return StatusDisputed
	case ShareAssigned:
		return StatusAssigned
	case ShareAcknowledged:
		return StatusAcknowledged
	case ShareInProgress:
		return StatusInProgress
	case ShareClosureRequested, ShareAccepted:
		// All accepted without completion: the completion was voided.
		return StatusClosureRequested
	default:
		return StatusDocketed
	}
}

// Share returns the active share of an office.
func (s State) Share(office domain.Ref) (Share, bool) {
	i := s.active(office)
	if i < 0 {
		return Share{}, false
	}
	return s.Shares[i], true
}

func (s State) active(office domain.Ref) int {
	return slices.IndexFunc(s.Shares, func(sh Share) bool { return sh.Office == office && sh.Status.Active() })
}

// Acted reports whether any office has done anything about its share: signed,
// named its handler, planned, reported, disputed, proposed a deadline, asked for
// more time or closure.
func (s State) Acted() bool {
	return slices.ContainsFunc(s.Shares, func(sh Share) bool {
		return sh.Status != ShareAssigned || len(sh.Extensions) > 0 || sh.Plan != nil || !sh.Handler.IsZero()
	}) || slices.ContainsFunc(s.Deadlines, func(d Deadline) bool { return d.Source == DeadlineProposed })
}

// Governing returns the deadline that governs an office's share: stated, set and
// granted ones bind, a proposed one never does; the share's own beats the
// task's; among those the latest recorded. A deadline in words governs too, but
// has no date to be late against.
func (s State) Governing(office domain.Ref) (Deadline, bool) {
	var own, whole *Deadline
	for i := range s.Deadlines {
		switch d := &s.Deadlines[i]; {
		case d.Source == DeadlineProposed:
		case d.Office == office && !office.IsZero():
			own = d
		case d.Office.IsZero():
			whole = d
		}
	}
	if own != nil {
		return *own, true
	}
	if whole != nil {
		return *whole, true
	}
	return Deadline{}, false
}

// Stated returns the date the source states for an office's share, which stays
// beside a control deadline: the latest of the share's own, else of the task.
func (s State) Stated(office domain.Ref) (Deadline, bool) {
	only := State{}
	for _, d := range s.Deadlines {
		if d.Source == DeadlineStated && d.Date != "" {
			only.Deadlines = append(only.Deadlines, d)
		}
	}
	return only.Governing(office)
}

// Request returns the share's pending closure request for a period.
func (sh Share) Request(period calendar.Period) (Request, bool) {
	for _, r := range sh.Requests {
		if r.Pending() && r.Period == period {
			return r, true
		}
	}
	return Request{}, false
}

// Pending returns the share's first unanswered closure request.
func (sh Share) Pending() (Request, bool) {
	i := slices.IndexFunc(sh.Requests, Request.Pending)
	if i < 0 {
		return Request{}, false
	}
	return sh.Requests[i], true
}

// Final returns the finally accepted request: of several, the last accepted.
func (sh Share) Final() (Request, bool) {
	for _, r := range slices.Backward(sh.Requests) {
		if r.Accepted.Done() {
			return r, true
		}
	}
	return Request{}, false
}

// PeriodAccepted reports whether a request for the period was accepted.
func (sh Share) PeriodAccepted(period calendar.Period) (Request, bool) {
	for _, r := range sh.Requests {
		if r.Accepted.Done() && r.Period == period {
			return r, true
		}
	}
	return Request{}, false
}

// Extension returns the share's unanswered request for more time.
func (sh Share) Extension() (Extension, bool) {
	i := slices.IndexFunc(sh.Extensions, Extension.Pending)
	if i < 0 {
		return Extension{}, false
	}
	return sh.Extensions[i], true
}

// LastReport returns the report on the latest moment; of several on the same one,
// the last recorded. A report entered late (补录) does not hide a newer one.
func (sh Share) LastReport() (last Report, ok bool) {
	for _, r := range sh.Reports {
		if !ok || !r.Time.Before(last.Time) {
			last, ok = r, true
		}
	}
	return last, ok
}
