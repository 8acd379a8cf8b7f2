package directive

import (
	"slices"

	"duban/domain"
	"duban/domain/calendar"
)

// ReportingEnded (终止报送要求): what was required is reported about days up to Until
// and no longer. The period Until lies in is still owed. What is owed once and would
// be due later is not owed any more.
type ReportingEnded struct {
	domain.Particulars
	Requirement string        `json:"requirement,omitempty" doc:"报送要求的事件编号；缺省为届时有效的全部要求"`
	Until       calendar.Date `json:"until" doc:"报送到哪一天为止"`
	Reason      string        `json:"reason" doc:"终止原因"`
}

// EventType names the event.
func (*ReportingEnded) EventType() string { return "duban.directive.reporting_ended.v1" }

// Validate checks the payload by itself.
func (r *ReportingEnded) Validate() error {
	if r.Until == "" {
		return domain.Invalid("field.required", "until", "缺少 until", "until is missing")
	}
	if err := domain.CheckText("requirement", r.Requirement, false); err != nil {
		return err
	}
	return domain.CheckText("reason", r.Reason, true)
}

// ends reports whether the event shortens a requirement.
func (r *ReportingEnded) ends(o Reporting) bool {
	return (r.Requirement == "" || r.Requirement == o.Event) && o.From <= r.Until && (o.Until == "" || o.Until > r.Until)
}

// OfficeSucceeded (承接报送): an office that had to report was merged away or split
// up; from then on those that carry on report in its place. It follows from the
// reorganisation.
type OfficeSucceeded struct {
	domain.Particulars
	From   domain.Ref   `json:"from" doc:"原处室"`
	To     []domain.Ref `json:"to" doc:"承接的处室"`
	Reason string       `json:"reason,omitempty" doc:"依据或说明"`
}

// EventType names the event.
func (*OfficeSucceeded) EventType() string { return "duban.directive.office_succeeded.v1" }

// References returns the other aggregates the event names, which have to exist.
func (o *OfficeSucceeded) References() []domain.Ref { return o.To }

// Validate checks the payload by itself.
func (o *OfficeSucceeded) Validate() error {
	if len(o.To) == 0 {
		return domain.Invalid("field.required", "to", "缺少 to", "to is missing")
	}
	for _, r := range append([]domain.Ref{o.From}, o.To...) {
		if r.Kind != domain.KindOffice {
			return domain.Invalid("office.kind", "to", "from、to 应为处室 office/…", "from and to are office/…")
		}
	}
	return domain.CheckText("reason", o.Reason, false)
}

func (s State) admitReportingEnded(e domain.Event, r *ReportingEnded) error {
	if s.Status != StatusIssued {
		return domain.Illegal("directive.reporting_ended.status",
			"该文件"+s.Status.Chinese()+"，不再有报送要求", "a directive that does not stand requires no reports").Now(Allowed(s))
	}
	if r.Requirement != "" && !slices.ContainsFunc(s.Reporting, func(o Reporting) bool { return o.Event == r.Requirement }) {
		return domain.Invalid("directive.reporting_ended.requirement", "requirement",
			"该文件没有编号为 "+r.Requirement+" 的报送要求", "the directive has no requirement "+r.Requirement)
	}
	if !slices.ContainsFunc(s.Reporting, r.ends) {
		return domain.Illegal("directive.reporting_ended.none",
			"没有在 "+string(r.Until)+" 以前开始、其后仍须报送的要求；登记有误的请用 correct 更正",
			"no requirement began by "+string(r.Until)+" and goes on after it: correct one that was entered by mistake")
	}
	return notBefore(s, e, "directive.reporting_ended.time")
}

// Reports reports whether a requirement names the office and asks for reports about
// days from on.
func (d Duties) Reports(office domain.Ref, on calendar.Date) bool {
	return slices.ContainsFunc(d, func(o Reporting) bool { return o.names(office, on) })
}

func (r Reporting) names(office domain.Ref, on calendar.Date) bool {
	return slices.Contains(r.Offices, office) && (r.Until == "" || r.Until >= on)
}

// end shortens what the event ends.
func (d Duties) end(r *ReportingEnded) Duties {
	var out Duties
	for _, o := range d {
		if r.ends(o) {
			if o.Unit == calendar.UnitOnce {
				continue
			}
			o.Until = r.Until
		}
		out = append(out, o)
	}
	return out
}

// succeed adds, for the offices that carry on, what the one before them still had to
// report about days from on. It stands before everything else: an office that is
// required something of its own for the same days goes on with that.
func (d Duties) succeed(s *OfficeSucceeded, on calendar.Date) Duties {
	var inherited Duties
	for _, o := range d {
		if !o.names(s.From, on) {
			continue
		}
		heirs := slices.DeleteFunc(slices.Clone(s.To), func(to domain.Ref) bool { return slices.Contains(o.Offices, to) })
		if len(heirs) == 0 {
			continue
		}
		if o.Unit != calendar.UnitOnce { // a report made before the change answers what is owed once
			o.From = max(o.From, on)
		}
		o.Offices = heirs
		inherited = append(inherited, o)
	}
	return slices.Concat(inherited, d)
}
