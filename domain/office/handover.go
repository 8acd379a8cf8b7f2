package office

import (
	"duban/domain"
)

// HandedOver (移交经办事项): a person of the office leaves, and another one takes over
// every open share that the first handles. The shares change their handler in the
// same transaction; the event keeps that it was one handing over.
type HandedOver struct {
	domain.Particulars
	From   domain.Ref `json:"from" ref:"person" doc:"原经办人 person/…"`
	To     domain.Ref `json:"to" ref:"person" doc:"新经办人 person/…"`
	Reason string     `json:"reason,omitempty" doc:"离任、调岗等说明"`
}

// EventType names the event.
func (*HandedOver) EventType() string { return "duban.office.handed_over.v1" }

// Validate checks the payload by itself.
func (h *HandedOver) Validate() error {
	for _, p := range []struct {
		field string
		ref   domain.Ref
	}{{"from", h.From}, {"to", h.To}} {
		if p.ref.Kind != domain.KindPerson {
			return domain.Invalid("office.handed_over.person", p.field, p.field+" 应为经办人 person/…", p.field+" is a person/…")
		}
	}
	if h.From == h.To {
		return domain.Invalid("office.handed_over.same", "to", "原经办人与新经办人相同", "from and to are the same person")
	}
	return domain.CheckText("reason", h.Reason, false)
}

// admitHandedOver: an office hands over among its own people only.
func admitHandedOver(s State, e domain.Event) error {
	behalf := e.Data.Circumstances().OnBehalfOf
	switch {
	case s.Name == "":
		return domain.Illegal("office.handed_over.status", "该处室尚未登记", "the office has not been registered").Now(Allowed(s))
	case s.Gone():
		return s.gone()
	case e.Authority == domain.RoleOffice && e.Office != e.Subject, behalf.Kind == domain.KindOffice && behalf != e.Subject:
		return domain.Forbidden("office.handed_over.other", "只能移交本处室的经办事项", "an office hands over its own shares only")
	case e.Time.Before(s.Registered.Time):
		return domain.Illegal("office.handed_over.time",
			"发生时间早于处室登记的时间，请改正 time", "the time lies before the office was registered: correct it")
	}
	return nil
}
