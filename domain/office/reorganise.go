package office

import (
	"slices"

	"duban/domain"
)

// Merged (并入): the office is no more; another one carries on what it had. Its open
// shares and findings go there in the same transaction. Its names stay its own, so
// that old papers lead to it and on to its heir.
type Merged struct {
	domain.Particulars
	Into   domain.Ref `json:"into" doc:"并入的处室 office/…"`
	Reason string     `json:"reason,omitempty" doc:"依据或说明"`
}

// EventType names the event.
func (*Merged) EventType() string { return "duban.office.merged.v1" }

// References returns the other aggregates the event names, which have to exist.
func (m *Merged) References() []domain.Ref { return []domain.Ref{m.Into} }

// Validate checks the payload by itself.
func (m *Merged) Validate() error {
	if err := checkOffice("into", m.Into); err != nil {
		return err
	}
	return domain.CheckText("reason", m.Reason, false)
}

// Split (分设): several offices carry on what one had. It may be one of them; else it
// is no more.
type Split struct {
	domain.Particulars
	Into      []domain.Ref `json:"into" doc:"分设后的处室，至少两个；原处室保留的，也列入"`
	Rest      domain.Ref   `json:"rest" doc:"没有逐项指定的，归此处室"`
	Decisions []Move       `json:"decisions,omitempty" doc:"逐项指定：哪项任务、隐患归哪个处室"`
	Reason    string       `json:"reason,omitempty" doc:"依据或说明"`
}

// A Move says which of the offices carries on one task or finding.
type Move struct {
	Record domain.Ref `json:"record" doc:"任务 task/… 或隐患 finding/…"`
	To     domain.Ref `json:"to" doc:"处室 office/…"`
}

// EventType names the event.
func (*Split) EventType() string { return "duban.office.split.v1" }

// References returns the other aggregates the event names, which have to exist.
func (s *Split) References() []domain.Ref {
	refs := slices.Clone(s.Into)
	for _, m := range s.Decisions {
		refs = append(refs, m.Record)
	}
	return refs
}

// To returns the office that carries a record on.
func (s *Split) To(record domain.Ref) domain.Ref {
	for _, m := range s.Decisions {
		if m.Record == record {
			return m.To
		}
	}
	return s.Rest
}

// Validate checks the payload by itself.
func (s *Split) Validate() error {
	for i, o := range s.Into {
		if err := checkOffice("into", o); err != nil {
			return err
		}
		if slices.Contains(s.Into[:i], o) {
			return domain.Invalid("office.split.twice", "into", "同一处室列了两次："+o.String(), "an office is named twice: "+o.String())
		}
	}
	if len(s.Into) < 2 {
		return domain.Invalid("office.split.into", "into", "分设应有至少两个处室；只有一个的用 merge 并入", "a split leads to two offices or more: merge into a single one")
	}
	if !slices.Contains(s.Into, s.Rest) {
		return domain.Invalid("office.split.rest", "rest", "rest 应为 into 中的一个处室", "rest is one of the offices in into")
	}
	var seen []domain.Ref
	for _, m := range s.Decisions {
		switch {
		case m.Record.Kind != domain.KindTask && m.Record.Kind != domain.KindFinding:
			return domain.Invalid("office.split.record", "decisions.record", "record 应为任务 task/… 或隐患 finding/…", "record is a task/… or a finding/…")
		case !slices.Contains(s.Into, m.To):
			return domain.Invalid("office.split.to", "decisions.to", "to 应为 into 中的一个处室", "to is one of the offices in into")
		case slices.Contains(seen, m.Record):
			return domain.Invalid("office.split.twice", "decisions", "同一记录指定了两次："+m.Record.String(), "there are two decisions on "+m.Record.String())
		}
		seen = append(seen, m.Record)
	}
	return domain.CheckText("reason", s.Reason, false)
}

func checkOffice(field string, r domain.Ref) error {
	if r.Kind != domain.KindOffice {
		return domain.Invalid("office.kind", field, field+" 应为处室 office/…", field+" is an office/…")
	}
	return nil
}

// admitReorganised: an office ends once, after it got its present name, and not by
// the hand of its own people, who could enter nothing more afterwards.
func admitReorganised(s State, e domain.Event, into []domain.Ref) error {
	switch {
	case s.Name == "":
		return domain.Illegal("office.reorganised.status", "该处室尚未登记", "the office has not been registered").Now(Allowed(s))
	case s.Gone():
		return s.gone()
	case len(into) == 1 && into[0] == e.Subject:
		return domain.Invalid("office.merged.itself", "into", "不能并入自己", "an office does not merge into itself")
	case e.Office == e.Subject && !slices.Contains(into, e.Subject):
		return domain.Illegal("office.reorganised.own",
			"不能用本处室的令牌办理本处室的并入或撤并，请先为新处室发放令牌", "this would end the very office the token stands for: make a token for its heir first")
	case e.Time.Before(s.Named.Time):
		return domain.Illegal("office.reorganised.time",
			"发生时间早于现名称启用的时间，请改正 time", "the time lies before the office took its present name: correct it")
	}
	return nil
}

// gone refuses what an office that is no more can't do.
func (s State) gone() error {
	return domain.Illegal("office.gone", "处室“"+s.Name+"”已并入或分设为 "+list(s.Into)+"，不再办理",
		"the office "+s.Name+" is no more, "+list(s.Into)+" carries on")
}

func list(refs []domain.Ref) string {
	out := ""
	for i, r := range refs {
		if i > 0 {
			out += "、"
		}
		out += r.String()
	}
	return out
}
