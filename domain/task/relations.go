package task

import (
	"slices"

	"duban/domain"
)

// The rules of the acts that set tasks in relation to each other. What they need
// to know of the other task (that it exists, that it is open) is read and expected
// by whoever gives the command.

// admitDecomposed: every part is a task of its own, named once.
func (s State) admitDecomposed(d *Decomposed, e domain.Event) error {
	named := slices.Clone(s.Children)
	for _, c := range d.Children {
		switch {
		case c.Task.IsZero():
			return missing("children.task")
		case c.Task == e.Subject:
			return notItself("children.task")
		case slices.Contains(named, c.Task):
			return domain.Illegal("decomposed.again", "该任务已是本任务分解出的任务："+c.Task.String(), "the task is a part of this one already: "+c.Task.String())
		}
		named = append(named, c.Task)
	}
	return nil
}

func (s State) admitLinked(d *Linked, e domain.Event) error {
	if d.To == e.Subject {
		return notItself("to")
	}
	if slices.ContainsFunc(s.Links, func(l Link) bool { return l.To == d.To && l.Relation == d.Relation }) {
		return domain.Illegal("linked.again", "已有同样的关联："+d.To.String(), "the tasks are linked like this already: "+d.To.String())
	}
	return nil
}

// admitConsolidated: the other task carries on the work, but not the hazards that
// keep this one open, and not what it was decomposed into.
func (s State) admitConsolidated(d *Consolidated, e domain.Event) error {
	if d.Into == e.Subject {
		return notItself("into")
	}
	return first(s.unblocked("consolidated.finding"), notBefore(e, s.latest(), "最近一次交办", "last assigned"))
}

func notItself(field string) error {
	return domain.Invalid("task.itself", field, "不能指向本任务自己", "a task does not point at itself")
}
