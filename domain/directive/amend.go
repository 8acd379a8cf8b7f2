package directive

import (
	"fmt"
	"slices"
	"strings"

	"duban/domain"
	"duban/domain/calendar"
)

// complete returns what is asked with everything spelled out that follows from the
// state. What does not fit is left for admit to refuse.
func complete(s State, c domain.Command) (domain.Payload, error) {
	on := calendar.On(c.Time)
	switch p := c.Ask.(type) {
	case *Amended:
		full := *p
		full.Changes = slices.Clone(p.Changes)
		next := len(s.Clauses) + 1
		for i := range full.Changes {
			ch := &full.Changes[i]
			if ch.EffectiveOn == "" {
				ch.EffectiveOn = on
			}
			if ch.Kind == ChangeAdded {
				if ch.Number == 0 {
					ch.Number = next
				}
				next++
			} else if err := s.locate(ch); err != nil {
				return nil, err
			}
			if ch.Kind != ChangeRemoved {
				ch.TextSHA256 = TextHash(ch.Text)
			}
		}
		return &full, nil
	case *Repealed:
		full := *p
		if full.EffectiveOn == "" {
			full.EffectiveOn = on
		}
		return &full, nil
	}
	return c.Ask, nil
}

// locate finds the clause a change names by number or by path and part.
func (s State) locate(ch *Change) error {
	var found []Clause
	for _, c := range s.Clauses {
		if ch.Number == c.Number || ch.Number == 0 && ch.Part == c.Part && slices.Equal(ch.Path, c.Path) && !s.Removed(c.Number) {
			found = append(found, c)
		}
	}
	if len(found) > 1 {
		return domain.Invalid("directive.amended.ambiguous", "changes.number",
			"有多个条款的层级为 "+strings.Join(ch.Path, "")+"，请写明第几项 number", "several clauses have the path "+strings.Join(ch.Path, "")+": give the number")
	}
	if len(found) == 1 {
		ch.Number, ch.Path, ch.Part = found[0].Number, found[0].Path, found[0].Part
	}
	return nil
}

func admitAmended(s State, e domain.Event, p *Amended) error {
	if s.Status != StatusIssued {
		return domain.Illegal("directive.amended.status",
			"该文件"+s.Status.Chinese()+"，不能修改", "only a directive that stands is amended").Now(Allowed(s))
	}
	if p.ByDirective == e.Subject {
		return domain.Invalid("directive.itself", "by_directive", "不能指向本文件自己", "a directive does not amend itself")
	}
	next := len(s.Clauses) + 1
	changed := map[int]bool{}
	for i := range p.Changes {
		ch := &p.Changes[i]
		if ch.Kind == ChangeAdded {
			if ch.Number != next {
				return domain.Illegal("directive.amended.number",
					fmt.Sprintf("增加的条款应编为第%d项，实为第%d项", next, ch.Number), fmt.Sprintf("the added clause is number %d, not %d", next, ch.Number))
			}
			next++
		} else if err := s.admitChange(ch); err != nil {
			return err
		}
		if changed[ch.Number] {
			return domain.Invalid("directive.amended.twice", "changes",
				fmt.Sprintf("第%d项修改了两次", ch.Number), fmt.Sprintf("clause %d is changed twice", ch.Number))
		}
		changed[ch.Number] = true
		if s.IssuedOn != "" && ch.EffectiveOn < s.IssuedOn {
			return domain.Invalid("directive.amended.effective_on", "changes.effective_on",
				"生效日期 "+string(ch.EffectiveOn)+" 早于原文件的发文日期 "+string(s.IssuedOn), "effective_on "+string(ch.EffectiveOn)+" lies before the directive was issued, "+string(s.IssuedOn))
		}
	}
	return notBefore(s, e, "directive.amended.time")
}

// admitChange: a clause is changed that is there, and to something else.
func (s State) admitChange(ch *Change) error {
	if ch.Number < 1 || ch.Number > len(s.Clauses) {
		name := strings.Join(ch.Path, "")
		if ch.Number != 0 {
			name = fmt.Sprintf("第%d项", ch.Number)
		}
		return domain.Invalid("directive.amended.clause", "changes.path", "文件中没有该条款："+name, "the directive has no clause "+name)
	}
	if s.Removed(ch.Number) {
		return domain.Illegal("directive.amended.removed",
			fmt.Sprintf("第%d项已删去，请作为增加的条款登记", ch.Number), fmt.Sprintf("clause %d was removed: add a new one", ch.Number))
	}
	if ch.Kind == ChangeReplaced && ch.TextSHA256 == s.Clauses[ch.Number-1].TextSHA256 {
		return domain.Illegal("directive.amended.same",
			fmt.Sprintf("第%d项的新旧文字相同", ch.Number), fmt.Sprintf("clause %d has these words already", ch.Number))
	}
	return nil
}

func admitRepealed(s State, e domain.Event, p *Repealed) error {
	if s.Status != StatusIssued {
		return domain.Illegal("directive.repealed.status",
			"该文件"+s.Status.Chinese()+"，不能废止", "only a directive that stands is repealed").Now(Allowed(s))
	}
	if p.ByDirective == e.Subject {
		return domain.Invalid("directive.itself", "by_directive", "不能指向本文件自己", "a directive does not repeal itself")
	}
	if s.IssuedOn != "" && p.EffectiveOn < s.IssuedOn {
		return domain.Invalid("directive.repealed.effective_on", "effective_on",
			"废止日期 "+string(p.EffectiveOn)+" 早于发文日期 "+string(s.IssuedOn), "effective_on "+string(p.EffectiveOn)+" lies before the directive was issued, "+string(s.IssuedOn))
	}
	return notBefore(s, e, "directive.repealed.time")
}

// amend changes the clauses and keeps what they were. A clause that is taken out
// keeps its place and its last words.
func (s State) amend(p *Amended, m Mark) State {
	s.Clauses, s.Revisions = slices.Clone(s.Clauses), slices.Clip(s.Revisions)
	for i := range p.Changes {
		ch := &p.Changes[i]
		r := Revision{Mark: m, Number: ch.Number, Kind: ch.Kind, By: p.By, EffectiveOn: ch.EffectiveOn}
		switch {
		case ch.Kind == ChangeAdded:
			s.Clauses = append(s.Clauses, ch.clause(ch.Number))
		case ch.Number < 1 || ch.Number > len(s.Clauses):
			continue
		default:
			r.Earlier = s.Clauses[ch.Number-1]
			if ch.Kind == ChangeReplaced {
				s.Clauses[ch.Number-1] = ch.replace(r.Earlier)
			}
		}
		s.Revisions = append(s.Revisions, r)
	}
	return s
}

// replace returns the clause with its new words. What the change does not say
// anew stays as it was.
func (c *Change) replace(old Clause) Clause {
	out := old
	out.Text, out.TextSHA256 = c.Text, c.TextSHA256
	if len(c.Headings) > 0 {
		out.Headings = c.Headings
	}
	if c.Mark != "" {
		out.Mark = c.Mark
	}
	if len(c.Offices) > 0 {
		out.Offices = c.Offices
	}
	if len(c.Deadlines) > 0 {
		out.Deadlines = c.Deadlines
	}
	if c.TaskKind != 0 {
		out.Kind = c.TaskKind
	}
	return out
}
