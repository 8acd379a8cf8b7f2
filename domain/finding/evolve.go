package finding

import (
	"slices"

	"duban/domain"
	"duban/domain/calendar"
)

// Evolve returns the state after the event. It is total: it assumes nothing of
// the history but that a finding begins by being recorded.
func Evolve(s State, e domain.Event) State {
	if p, ok := e.Data.(*Recorded); ok && s.Status == 0 {
		return evolveEvidence(recorded(e, p), e)
	}
	if s.Status == 0 || e.Data == nil {
		return s
	}
	next, known := evolve(s, e, Mark{e.ID, e.Time})
	if !known {
		return s
	}
	return evolveEvidence(next, e)
}

func recorded(e domain.Event, p *Recorded) State {
	m := Mark{e.ID, e.Time}
	return State{
		ID: e.Subject, Status: StatusRecorded, Since: m, Recorded: m, RecordedBy: handOf(e),
		Subject: p.Subject, Description: p.Description, Category: p.Category,
		FoundOn: p.FoundOn, HazardSince: p.HazardSince, Inspection: p.Inspection, Tasks: p.Tasks,
	}
}

func evolve(s State, e domain.Event, m Mark) (next State, known bool) {
	switch p := e.Data.(type) {
	case *Verified:
		s.Verified = m
		return s.to(StatusVerified, m), true
	case *Dismissed:
		s.Dismissal = p.Reason
		return s.to(StatusDismissed, m), true
	case *Graded:
		s.Grade, s.Criterion, s.Graded, s.GradedBy = p.Grade, p.Criterion, m, handOf(e)
		return s.to(StatusGraded, m), true
	case *Regraded:
		return s.regraded(e, p, m), true
	case *RectifiedOnSpot:
		s.OnSpot = m
		return s.to(StatusRectifiedOnSpot, m), true
	case *RectificationOrdered:
		return s.ordered(p, m), true
	case *RectificationExtended:
		return s.extended(e, p), true
	case *RectificationReported:
		s.Reports = append(slices.Clone(s.Reports), Report{m, reporter(e)})
		return s.to(StatusReported, m), true
	case *Reinspected:
		return s.reinspected(e, p, m), true
	case *WrittenOff:
		return s.to(StatusWrittenOff, m), true
	case *Terminated:
		s.Cause = p.Cause
		return s.to(StatusTerminated, m), true
	case *DuplicateOf:
		s.Original = p.Original
		return s.to(StatusDuplicate, m), true
	case *Recurred:
		s.Earlier = p.Earlier
		return s, true
	case *Referred:
		return s.referred(p, m), true
	case *ReferralReplied:
		return s.replied(p, m), true
	case *OfficeSucceeded:
		s.Successions = append(slices.Clone(s.Successions), Succession{m, p.From, p.To})
		return s, true
	}
	return evolveMajor(s, e, m)
}

func evolveMajor(s State, e domain.Event, m Mark) (next State, known bool) {
	switch p := e.Data.(type) {
	case *PlanFiled:
		s.Plan = m
	case *SupervisionListed:
		s.Listing = Listing{Level: p.Level, Until: p.Until, Listed: m}
	case *SupervisionDelisted:
		s.Listing.Delisted = m
	case *SuspensionOrdered:
		s.Suspension = Suspension{DecisionNo: p.DecisionNo, Scope: p.Scope, Ordered: m}
	case *ResumptionApproved:
		s.Suspension.Resumed = m
	case *ClosureOrdered:
		s.ClosureOrdered, s.ClosureNo = m, p.DecisionNo
		return s.to(StatusClosureOrdered, m), true
	case *ClosureVerified:
		return s.to(StatusClosureVerified, m), true
	case *Corrected:
		// What it corrects was corrected in place before the fold.
	case *EvidenceWithdrawn:
		s.Evidence = slices.Clone(s.Evidence)
		for i := range s.Evidence {
			if s.Evidence[i].SHA256 == p.SHA256 && s.Evidence[i].Withdrawn == "" {
				s.Evidence[i].Withdrawn = e.ID
			}
		}
	default:
		return s, false
	}
	return s, true
}

func (s State) to(status Status, m Mark) State {
	s.Status, s.Since = status, m
	return s
}

// regraded leaves the status alone, but a hazard that turns out to be major was
// not done away with on the spot.
func (s State) regraded(e domain.Event, p *Regraded, m Mark) State {
	s.Grade, s.Criterion, s.Graded, s.GradedBy = p.Grade, p.Criterion, m, handOf(e)
	if s.Status == StatusRectifiedOnSpot && p.Grade == GradeMajor {
		return s.to(StatusGraded, m)
	}
	return s
}

func (s State) ordered(p *RectificationOrdered, m Mark) State {
	s.Order = Order{
		Mark: m, Number: p.Number, Rectifier: p.Rectifier, SupervisingOffice: p.SupervisingOffice,
		ResponsiblePerson: p.ResponsiblePerson, FundsFen: p.FundsFen, Deadline: p.Deadline, Acceptor: p.Acceptor,
	}
	s.Orders++
	s.Successions = nil // the new order names offices as they are now
	s.Deadline = Deadline{On: p.Deadline, Event: m.Event, Ordered: p.Deadline}
	return s.to(StatusOrdered, m)
}

func (s State) extended(e domain.Event, p *RectificationExtended) State {
	s.Deadline.Late = calendar.On(e.Time) > s.Deadline.On
	s.Deadline.On, s.Deadline.Event = p.Deadline, e.ID
	s.Deadline.Extensions++
	return s
}

// reporter is who stood behind a report of rectification.
func reporter(e domain.Event) Hand {
	h := handOf(e)
	if e.Authority != domain.RoleOffice && e.Data.Circumstances().OnBehalfOf.IsZero() {
		h.Acting = domain.Ref{}
	}
	return h
}

func (s State) reinspected(e domain.Event, p *Reinspected, m Mark) State {
	s.Reinspections = append(slices.Clone(s.Reinspections),
		Reinspection{Mark: m, Passed: p.Passed, Opinion: p.Opinion, Inspectors: p.Inspectors, By: handOf(e)})
	if p.Passed {
		return s.to(StatusPassed, m)
	}
	return s.to(StatusFailed, m)
}

func (s State) referred(p *Referred, m Mark) State {
	r := Referral{Mark: m, To: p.To, Reply: p.Reply}
	if p.Reply != "" {
		r.Replied = m
	}
	s.Referrals = append(slices.Clone(s.Referrals), r)
	return s
}

func (s State) replied(p *ReferralReplied, m Mark) State {
	i := s.referral(p)
	if i < 0 {
		return s
	}
	s.Referrals = slices.Clone(s.Referrals)
	s.Referrals[i].Reply, s.Referrals[i].Replied = p.Reply, m
	return s
}

// referral returns the index of the referral a reply answers, or -1.
func (s State) referral(p *ReferralReplied) int {
	if p.Referral == "" {
		return s.unanswered()
	}
	return slices.IndexFunc(s.Referrals, func(r Referral) bool { return r.Event == p.Referral && r.Replied.isZero() })
}

// evolveEvidence notes what evidence the event names.
func evolveEvidence(s State, e domain.Event) State {
	c := e.Data.Circumstances()
	named := c.Evidence
	if c.Approval != nil {
		named = append(named[:len(named):len(named)], c.Approval.Evidence...)
	}
	if len(named) == 0 {
		return s
	}
	s.Evidence = slices.Clone(s.Evidence)
	for _, n := range named {
		s.Evidence = append(s.Evidence, EvidenceUse{Mark: Mark{e.ID, e.Time}, SHA256: n.SHA256, Entered: e.Actor})
	}
	return s
}
