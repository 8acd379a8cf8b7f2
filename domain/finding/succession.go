package finding

import (
	"slices"

	"duban/domain"
)

// OfficeSucceeded (机构调整): the rectifier's or the supervising office is no more and
// another one carries on. The order reads as it was given; who may act on it, and
// who may not check it, follows the offices. It follows from a merger or split.
type OfficeSucceeded struct {
	domain.Particulars
	From   domain.Ref `json:"from" doc:"原处室 office/…"`
	To     domain.Ref `json:"to" doc:"接续的处室 office/…"`
	Reason string     `json:"reason,omitempty" doc:"依据或说明"`
}

// EventType names the event.
func (*OfficeSucceeded) EventType() string { return "duban.finding.office_succeeded.v1" }

// Validate checks the payload by itself.
func (o *OfficeSucceeded) Validate() error {
	for _, f := range []struct {
		field string
		ref   domain.Ref
	}{{"from", o.From}, {"to", o.To}} {
		if f.ref.IsZero() {
			return domain.Invalid("field.required", f.field, "缺少 "+f.field, f.field+" is missing")
		}
		if err := checkOffice(f.field, f.ref); err != nil {
			return err
		}
	}
	if o.From == o.To {
		return domain.Invalid("finding.office_succeeded.same", "to", "原处室与接续的处室相同", "from and to are the same office")
	}
	return texts(text{"reason", o.Reason, false})
}

// A Succession is one office carrying on for another.
type Succession struct {
	Mark
	From, To domain.Ref
}

// Carriers returns the office and those that carry on for it, the present one
// last; none for the zero Ref.
func (s State) Carriers(office domain.Ref) []domain.Ref {
	if office.IsZero() {
		return nil
	}
	line := []domain.Ref{office}
	for _, x := range s.Successions {
		if x.From == line[len(line)-1] && !slices.Contains(line, x.To) {
			line = append(line, x.To)
		}
	}
	return line
}

// Carrier returns the office that acts for the given one now.
func (s State) Carrier(office domain.Ref) domain.Ref {
	if line := s.Carriers(office); len(line) > 0 {
		return line[len(line)-1]
	}
	return domain.Ref{}
}

func admitSucceeded(s State, p *OfficeSucceeded) error {
	if p.From != s.Carrier(s.Order.Rectifier.Office) && p.From != s.Carrier(s.Order.SupervisingOffice) {
		return domain.Illegal("finding.office_succeeded.from",
			"该隐患现在不由 "+p.From.String()+" 负责整改或督办", "the hazard is not for "+p.From.String()+" to put right or supervise").Now(Allowed(s))
	}
	return nil
}
