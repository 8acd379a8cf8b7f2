package task

import (
	"slices"

	"duban/domain"
	"duban/domain/calendar"
)

// Evolve returns the state after an event. It is total: an event that does not
// fit leaves what it is about unchanged. The given state is never modified.
func Evolve(s State, e domain.Event) State {
	a := Act{Time: e.Time, Event: e.ID}
	s.Ref, s.Last = e.Subject, a
	s = s.note(e, a)
	switch d := e.Data.(type) {
	case *Docketed:
		s.Docketed, s.Directive, s.Number, s.Path, s.Part = a, d.Directive, d.Number, d.Path, d.Part
		s.TextSHA256, s.Text, s.Kind, s.Schedule, s.Kinded = d.TextSHA256, d.Text, d.Kind, d.Schedule, a
	case *Assigned:
		for _, o := range d.Offices {
			if s.active(o.Office) < 0 {
				s.Shares = add(s.Shares, Share{Office: o.Office, Role: o.Role, PrintedRole: o.PrintedRole, Status: ShareAssigned, Since: a, Assigned: a})
			}
		}
	case *LeadDesignated:
		s = s.designate(d.Office)
	case *KindDecided:
		s.Kind, s.Schedule, s.Kinded = d.Kind, d.Schedule, a
	case *StatedDeadline:
		s.Deadlines = add(s.Deadlines, Deadline{e.ID, DeadlineStated, d.Office, d.Date, d.Words})
	case *ProposedDeadline:
		s.Deadlines = add(s.Deadlines, Deadline{e.ID, DeadlineProposed, d.Office, d.Date, d.Words})
	case *SetDeadline:
		s.Deadlines = add(s.Deadlines, Deadline{e.ID, DeadlineSet, d.Office, d.Date, d.Words})
	case *Transferred:
		s = s.transfer(d, a)
	case *Absorbed:
		s = s.change(d.From, func(sh *Share) { sh.move(ShareAbsorbed, a); sh.Dispute = nil })
	case *Suspended:
		s = s.changeEach(d.Offices, func(sh *Share) {
			if sh.Status != ShareAccepted {
				sh.Suspended = a
			}
		})
	case *Resumed:
		for _, o := range s.suspended(d.Offices) {
			s = s.change(o, func(sh *Share) {
				sh.Breaks = add(sh.Breaks, Break{sh.Suspended, a})
				sh.Suspended = Act{}
			})
			s = s.bind(e.ID, o, d.Deadline)
		}
	case *Reminded:
		s = s.changeEach(d.Offices, func(sh *Share) {
			sh.Reminded = a
			if d.Step != 0 {
				sh.Reminders = add(sh.Reminders, Reminder{a, d.Step, d.Deadline, d.Period})
			}
		})
	case *Completed:
		s.Completed, s.CompletedBy = a, d.By
	case *Ended:
		s.Ended = a
	case *Cancelled:
		s.Cancelled = a
	case *Consolidated:
		s.Consolidated, s.Into = a, d.Into
	case *ClauseRevised:
		s.Revisions = add(s.Revisions, Revision{a, d.By, d.EffectiveOn, s.TextSHA256})
		if s.Text == "" { // a part of the clause keeps its own words
			s.TextSHA256 = d.TextSHA256
		}
	case *Decomposed:
		for _, c := range d.Children {
			s.Children = add(s.Children, c.Task)
		}
	case *Linked:
		s.Links = add(s.Links, Link{a, d.To, d.Relation})
	case *Voided:
		s.Voided, s.Findings = a, nil // there is no completion left to keep it from
	case *Reopened:
		s = s.reopen(d, a)
	case *FindingOpened:
		s.Findings = add(s.Findings, d.Finding)
	case *FindingSettled:
		s.Findings = slices.DeleteFunc(slices.Clone(s.Findings), func(r domain.Ref) bool { return r == d.Finding })
	case *EvidenceWithdrawn:
		s.Evidence = slices.Clone(s.Evidence)
		for i := range s.Evidence {
			if u := &s.Evidence[i]; u.SHA256 == d.SHA256 && !u.Withdrawn.Done() {
				u.Withdrawn = a
			}
		}
	case shareEvent:
		s = s.change(*d.ShareOffice(), func(sh *Share) { sh.evolve(s, d, a, e) })
		if g, ok := d.(*ExtensionGranted); ok && s.active(g.Office) >= 0 {
			s.Deadlines = add(s.Deadlines, Deadline{e.ID, DeadlineGranted, g.Office, g.NewDate, ""})
		}
	}
	return s
}

// note keeps what evidence the event names, its approval's too.
func (s State) note(e domain.Event, a Act) State {
	c := e.Data.Circumstances()
	named := c.Evidence
	if c.Approval != nil {
		named = slices.Concat(named, c.Approval.Evidence)
	}
	for _, ev := range named {
		s.Evidence = add(s.Evidence, EvidenceUse{Act: a, SHA256: ev.SHA256, Enterer: e.Actor})
	}
	return s
}

// shareEvent is a payload about one share.
type shareEvent interface {
	domain.Payload
	ShareOffice() *domain.Ref
}

func (sh *Share) evolve(s State, d shareEvent, a Act, e domain.Event) {
	switch d := d.(type) {
	case *Disputed:
		sh.Disputed = a
		sh.Dispute = &Dispute{Act: a, Reason: d.Reason, Suggested: d.SuggestedOffice, Before: sh.Status}
		sh.move(ShareDisputed, a)
	case *DisputeUpheld:
		if sh.Dispute != nil {
			sh.move(sh.Dispute.Before, a)
			sh.Dispute = nil
		}
	case *Acknowledged:
		sh.Acknowledged = a
		if d.Person.Kind == domain.KindPerson {
			sh.Handler = d.Person
		}
		sh.advance(ShareAcknowledged, a)
	case *HandlerChanged:
		sh.Handler = d.To
	case *PlanSubmitted:
		sh.Plan = d
	case *ProgressReported:
		sh.Reports = add(sh.Reports, Report{Act: a, Period: d.Period, Condition: d.Condition, Nil: d.Nil,
			Substantive: d.Substantive, Progress: d.Progress, Problems: d.Problems, NextSteps: d.NextSteps})
		sh.start(a)
		sh.advance(ShareInProgress, a)
	case *ExtensionRequested:
		g, ok := s.Governing(sh.Office)
		late := ok && g.Date != "" && calendar.On(a.Time) > g.Date
		sh.Extensions = add(sh.Extensions, Extension{Act: a, NewDate: d.NewDate, Late: late})
	case *ExtensionGranted:
		sh.answerExtension(func(x *Extension) { x.Granted = a })
	case *ExtensionRefused:
		sh.answerExtension(func(x *Extension) { x.Refused = a })
	case *ClosureRequested:
		sh.Requests = add(sh.Requests, Request{Act: a, Period: d.Period, Enterer: e.Actor, Person: e.ActingPerson()})
		sh.start(a)
		sh.advance(ShareClosureRequested, a)
	case *Returned:
		if sh.answer(d.Period, func(r *Request) { r.Returned = a }) {
			sh.Returns++
			sh.settle(ShareInProgress, a)
		}
	case *Accepted:
		if sh.answer(d.Period, func(r *Request) { r.Accepted = a }) {
			// A period of a recurring task is done; its share goes on.
			if s.Kind == KindRecurring {
				sh.settle(ShareInProgress, a)
			} else {
				sh.settle(ShareAccepted, a)
			}
		}
	case *Attested:
		sh.Attested = add(sh.Attested, Attestation{a, d.Period})
		sh.start(a)
		sh.advance(ShareInProgress, a)
	}
}

func (sh *Share) move(to ShareStatus, a Act) { sh.Status, sh.Since = to, a }

// advance moves the share forward only, and never out of a dispute.
func (sh *Share) advance(to ShareStatus, a Act) {
	if sh.Status != ShareDisputed && sh.Status < to {
		sh.move(to, a)
	}
	if sh.Dispute != nil && sh.Dispute.Before < to {
		d := *sh.Dispute
		d.Before = to
		sh.Dispute = &d
	}
}

func (sh *Share) start(a Act) {
	if !sh.Started.Done() || a.Time.Before(sh.Started.Time) {
		sh.Started = a
	}
}

// settle gives the share its status after a request was answered: another one
// may still be pending.
func (sh *Share) settle(to ShareStatus, a Act) {
	if _, pending := sh.Pending(); pending {
		to = ShareClosureRequested
	}
	sh.move(to, a)
}

func (sh *Share) answer(period calendar.Period, set func(*Request)) bool {
	for i, r := range sh.Requests {
		if r.Pending() && r.Period == period {
			sh.Requests = slices.Clone(sh.Requests)
			set(&sh.Requests[i])
			return true
		}
	}
	return false
}

func (sh *Share) answerExtension(set func(*Extension)) {
	for i, x := range sh.Extensions {
		if x.Pending() {
			sh.Extensions = slices.Clone(sh.Extensions)
			set(&sh.Extensions[i])
			return
		}
	}
}

// change applies f to a copy of the office's active share.
func (s State) change(office domain.Ref, f func(*Share)) State {
	if i := s.active(office); i >= 0 {
		s.Shares = slices.Clone(s.Shares)
		f(&s.Shares[i])
	}
	return s
}

// changeEach applies f to the shares of the offices, or to all active ones.
func (s State) changeEach(offices []domain.Ref, f func(*Share)) State {
	s.Shares = slices.Clone(s.Shares)
	for _, o := range s.named(offices) {
		if i := s.active(o); i >= 0 {
			f(&s.Shares[i])
		}
	}
	return s
}

// named returns the offices given, or those of all active shares.
func (s State) named(offices []domain.Ref) []domain.Ref {
	if len(offices) > 0 {
		return offices
	}
	var all []domain.Ref
	for _, sh := range s.Shares {
		if sh.Status.Active() {
			all = append(all, sh.Office)
		}
	}
	return all
}

// suspended returns those of the named offices whose share is suspended.
func (s State) suspended(offices []domain.Ref) []domain.Ref {
	var out []domain.Ref
	for _, o := range s.named(offices) {
		if sh, ok := s.Share(o); ok && sh.Suspended.Done() {
			out = append(out, o)
		}
	}
	return out
}

// bind adds a deadline for one share when a date is given.
func (s State) bind(event string, office domain.Ref, date calendar.Date) State {
	if date != "" {
		s.Deadlines = add(s.Deadlines, Deadline{event, DeadlineSet, office, date, ""})
	}
	return s
}

func (s State) designate(office domain.Ref) State {
	if s.active(office) < 0 {
		return s
	}
	s.Shares = slices.Clone(s.Shares)
	for i := range s.Shares {
		switch sh := &s.Shares[i]; {
		case !sh.Status.Active():
		case sh.Office == office:
			sh.Role = RoleLead
		default:
			sh.Role = RoleSupporting
		}
	}
	return s
}

// transfer hands a share on: the new office starts with the same part, the
// deadlines that were the share's own go with it, and so does a suspension, which
// only a leader's word lifts. Its history stays where it was.
func (s State) transfer(d *Transferred, a Act) State {
	old, ok := s.Share(d.From)
	if !ok || s.active(d.To) >= 0 {
		return s
	}
	s = s.change(d.From, func(sh *Share) { sh.move(ShareTransferred, a); sh.Dispute = nil })
	s.Shares = add(s.Shares, Share{Office: d.To, Role: old.Role, PrintedRole: old.PrintedRole, Status: ShareAssigned,
		Since: a, Assigned: a, From: d.From, Suspended: old.Suspended})
	for _, dl := range s.Deadlines {
		if dl.Office == d.From {
			dl.Office = d.To
			s.Deadlines = add(s.Deadlines, dl)
		}
	}
	return s
}

// reopen takes accepted shares up again; a cancelled, consolidated or ended task
// goes on where its shares stood, unless they are named.
func (s State) reopen(d *Reopened, a Act) State {
	stay := len(d.Offices) == 0 && (s.Cancelled.Done() || s.Consolidated.Done() || s.Ended.Done())
	closed := s.Closed()
	s.Reopenings = add(s.Reopenings, Reopening{a, d.Reason, d.Offices})
	s.Completed, s.Ended, s.Cancelled, s.Consolidated = Act{}, Act{}, Act{}, Act{}
	s.CompletedBy, s.Into = 0, domain.Ref{}
	s = s.changeEach(nil, func(sh *Share) {
		if closed.Done() && sh.Status != ShareAccepted {
			sh.Breaks = add(sh.Breaks, Break{closed, a})
		}
	})
	for _, o := range s.named(d.Offices) {
		governing, _ := s.Governing(o)
		s = s.change(o, func(sh *Share) {
			if sh.Status == ShareAccepted && !stay {
				final, _ := sh.Final()
				sh.Undone = add(sh.Undone, Completion{final.Act, sh.Since, governing, a, d.Reason})
				sh.Breaks = add(sh.Breaks, Break{sh.Since, a})
				sh.move(ShareInProgress, a)
				sh.Reopened = a
			}
		})
		if s.active(o) >= 0 {
			s = s.bind(a.Event, o, d.Deadline)
		}
	}
	return s
}

// add appends to a copy, so that the old state's slice stays as it was. Room for more
// would never be used: the next one copies again.
func add[T any](list []T, v T) []T {
	longer := make([]T, len(list)+1)
	copy(longer, list)
	longer[len(list)] = v
	return longer
}
