package inspection

import "duban/domain"

// Opened (检查立案): who goes where to look at what, and on what ground.
type Opened struct {
	domain.Particulars
	Kind    string       `json:"kind" doc:"检查类别：日常检查、专项检查、双随机、督查……"`
	Scope   string       `json:"scope" doc:"检查范围和内容"`
	Subject Subject      `json:"subject,omitzero" doc:"被检查单位；检查多家的，在检查发现中分别写明"`
	Team    []domain.Ref `json:"team" ref:"person" doc:"检查人员 person/…"`
}

// EventType names the event.
func (*Opened) EventType() string { return "duban.inspection.opened.v1" }

// Validate checks the payload by itself.
func (o *Opened) Validate() error {
	if err := domain.CheckText("kind", o.Kind, true); err != nil {
		return err
	}
	if err := domain.CheckText("scope", o.Scope, true); err != nil {
		return err
	}
	if !o.Subject.IsZero() {
		if err := o.Subject.Check("subject"); err != nil {
			return err
		}
	}
	if len(o.Team) == 0 {
		return domain.Invalid("inspection.opened.team", "team", "缺少检查人员 team", "the team is missing")
	}
	return CheckPersons("team", o.Team)
}

// CheckPersons refuses references that name no persons, or one person twice.
func CheckPersons(field string, persons []domain.Ref) error {
	seen := make(map[domain.Ref]bool, len(persons))
	for _, p := range persons {
		if p.Kind != domain.KindPerson {
			return domain.Invalid("field.person", field, field+" 应为 person/…", field+" names persons, person/…")
		}
		if seen[p] {
			return domain.Invalid("field.twice", field, field+" 中 "+p.String()+" 重复", field+" names "+p.String()+" twice")
		}
		seen[p] = true
	}
	return nil
}

// Closed (检查结束): what came of it.
type Closed struct {
	domain.Particulars
	Summary string `json:"summary" doc:"检查情况小结"`
}

// EventType names the event.
func (*Closed) EventType() string { return "duban.inspection.closed.v1" }

// Validate checks the payload by itself.
func (c *Closed) Validate() error { return domain.CheckText("summary", c.Summary, true) }

// Corrected (更正) voids or amends an earlier event of the inspection.
type Corrected struct{ domain.Correction }

// EventType names the event.
func (*Corrected) EventType() string { return "duban.inspection.corrected.v1" }

// Payloads returns a prototype of every event of an inspection.
func Payloads() []domain.Payload { return []domain.Payload{&Opened{}, &Closed{}, &Corrected{}} }
