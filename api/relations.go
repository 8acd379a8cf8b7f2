package api

import (
	"slices"
	"strings"

	"duban/domain"
	"duban/domain/directive"
	"duban/domain/task"
)

// prepareTask names the tasks that a decomposition dockets.
func prepareTask(u *unit, c domain.Command) (domain.Payload, error) {
	asked, ok := c.Ask.(*task.Decomposed)
	if !ok {
		return c.Ask, nil
	}
	history, err := u.history(c.Subject)
	if err != nil {
		return nil, err
	}
	parent := task.Replay(history)
	full := *asked
	full.Children = slices.Clone(asked.Children)
	for i := range full.Children {
		child := &full.Children[i]
		if !child.New() {
			continue
		}
		if !child.Task.IsZero() {
			return nil, domain.Invalid("decomposed.both", "children.task",
				"已有的任务只写 task，新立项的只写 text 和 offices", "a task that is there is named by task alone, a new one by text and offices")
		}
		child.Task = u.newRef(domain.KindTask)
		child.Part = partBase(parent) + len(parent.Children) + i + 1
	}
	return &full, nil
}

// partBase is what the parts of a task are counted from: a part's own parts are
// 101, 102 … of part 1, so that no two tasks of a clause share a number.
func partBase(parent task.State) int {
	if parent.Text != "" {
		return 100 * parent.Part
	}
	return parent.Part
}

// followTask adds what a command on a task means for others, and refuses what they
// don't allow.
func followTask(u *unit, c domain.Command) error {
	before := task.Replay(u.before(c.Subject))
	after := before
	for _, e := range u.added[c.Subject] {
		after = task.Evolve(after, e)
	}
	corrects := func(e domain.Event) bool { return e.Corrects() != nil }
	if slices.ContainsFunc(u.added[c.Subject], corrects) { // it changes what was before
		history, err := u.history(c.Subject)
		if err != nil {
			return err
		}
		after = task.Replay(history)
	}
	switch ask := c.Ask.(type) {
	case *task.Decomposed:
		if err := docketParts(u, c, before, ask); err != nil {
			return err
		}
	case *task.Consolidated:
		if err := carryOn(u, c, ask); err != nil {
			return err
		}
	}
	if after.Completed.Done() && !before.Completed.Done() {
		if err := completable(u, after); err != nil {
			return err
		}
	}
	return passOn(u, c, before, after)
}

// docketParts dockets the new parts of a task under its clause, with its deadline
// unless they have their own, and links every part with it.
func docketParts(u *unit, c domain.Command, parent task.State, d *task.Decomposed) error {
	if err := u.inForce(parent.Directive); err != nil {
		return err
	}
	for _, child := range d.Children {
		var asks []domain.Payload
		if child.New() {
			asks = newPart(parent, child)
		} else if err := u.notAbove(child.Task, c.Subject); err != nil {
			return err
		}
		if err := decideTasks(u, child.Task, c.Entry, append(asks, &task.Linked{To: c.Subject, Relation: task.RelationDerivedFrom})...); err != nil {
			return about(child.Task, err)
		}
	}
	return nil
}

func newPart(parent task.State, child task.Child) []domain.Payload {
	asks := []domain.Payload{
		&task.Docketed{
			Directive: parent.Directive, Number: parent.Number, Path: parent.Path, Part: child.Part,
			Text: child.Text, TextSHA256: directive.TextHash(child.Text), Kind: parent.Kind, Schedule: parent.Schedule,
		},
		&task.Assigned{Offices: child.Offices},
	}
	if d, ok := parent.Stated(domain.Ref{}); ok {
		asks = append(asks, &task.StatedDeadline{Date: d.Date, Words: d.Words})
	}
	if d, ok := parent.Governing(domain.Ref{}); child.Deadline == "" && ok && d.Source != task.DeadlineStated {
		asks = append(asks, &task.SetDeadline{Date: d.Date, Words: d.Words})
	}
	if child.Deadline != "" {
		asks = append(asks, &task.SetDeadline{Date: child.Deadline, Reason: "分解时确定"})
	}
	return asks
}

// inForce refuses to docket under a directive that does not stand.
func (u *unit) inForce(ref domain.Ref) error {
	history, err := u.history(ref)
	if err != nil {
		return err
	}
	if d := directive.Replay(history); d.Status != directive.StatusIssued {
		return domain.Illegal("directive.standing", "文件"+d.Status.Chinese()+"，不能再立项", "nothing is docketed under a directive that is "+d.Status.String())
	}
	return nil
}

// notAbove refuses a part that the task is itself a part of: neither could ever be
// completed.
func (u *unit) notAbove(part, of domain.Ref) error {
	seen := []domain.Ref{part}
	for i := 0; i < len(seen); i++ {
		history, err := u.history(seen[i])
		if err != nil {
			return err
		}
		for _, child := range task.Replay(history).Children {
			if child == of {
				return domain.Illegal("decomposed.circle", "本任务是由 "+part.String()+" 分解出来的", "this task is itself a part of "+part.String())
			}
			if !slices.Contains(seen, child) {
				seen = append(seen, child)
			}
		}
	}
	return nil
}

// carryOn tells the task that carries on after a consolidation. It has to be open.
func carryOn(u *unit, c domain.Command, p *task.Consolidated) error {
	history, err := u.history(p.Into)
	if err != nil {
		return err
	}
	into := task.Replay(history)
	if !into.Open() {
		return domain.Illegal("consolidated.into", "并入的任务 "+p.Into.String()+" 现为“"+into.Status().Chinese()+"”，不能承接",
			"the task to carry on, "+p.Into.String()+", is "+into.Status().String())
	}
	if continues(into, c.Subject) {
		return nil
	}
	return decideTasks(u, p.Into, c.Entry, &task.Linked{To: c.Subject, Relation: task.RelationContinues, Reason: p.Reason})
}

func continues(t task.State, other domain.Ref) bool {
	return slices.ContainsFunc(t.Links, func(l task.Link) bool { return l.To == other && l.Relation == task.RelationContinues })
}

// completable refuses to complete a task while one of its parts is open, unless a
// leader decides so, or while a major finding is open on a task whose work it
// carries on. Those tasks may not move before the append.
func completable(u *unit, t task.State) error {
	var open, blocked []string
	for _, l := range t.Links {
		history, err := u.history(l.To)
		if err != nil {
			return err
		}
		other := task.Replay(history)
		if l.Relation == task.RelationContinues && other.Into == t.Ref {
			for _, f := range other.Findings {
				blocked = append(blocked, f.String())
			}
		}
	}
	if len(blocked) > 0 {
		list := strings.Join(blocked, "、")
		return domain.Illegal("completed.finding", "并入本任务的任务涉及的重大隐患尚未销号："+list, "a major finding on a task that was consolidated into this one is open: "+list)
	}
	if t.CompletedBy == task.ClosingOverride {
		return nil
	}
	for _, child := range t.Children {
		history, err := u.history(child)
		if err != nil {
			return err
		}
		if task.Replay(history).Open() {
			open = append(open, child.String())
		}
	}
	if len(open) > 0 {
		list := strings.Join(open, "、")
		return domain.Illegal("completed.children", "分解出的任务尚未办结："+list, "the task was decomposed and these parts are open: "+list)
	}
	return nil
}

// passOn moves shares that a command opened anew, by reopening the task or by
// correcting its history, from offices that are no more to who carries on.
func passOn(u *unit, c domain.Command, before, after task.State) error {
	was := openOffices(before)
	for _, o := range openOffices(after) {
		if slices.Contains(was, o) {
			continue
		}
		state, err := u.office(o)
		if err != nil {
			return err
		}
		if !state.Gone() {
			continue
		}
		m := move{entry: c.Entry, from: o, to: state.Heir, reason: "机构调整", approval: c.Ask.Circumstances().Approval}
		for {
			next, err := u.office(m.to)
			if err != nil {
				return err
			}
			if !next.Gone() {
				break
			}
			m.to = next.Heir
		}
		if err := m.share(u, c.Subject); err != nil {
			return err
		}
	}
	return nil
}

func openOffices(t task.State) []domain.Ref {
	var open []domain.Ref
	if !t.Open() {
		return nil
	}
	for _, sh := range t.Shares {
		if sh.Status.Active() && sh.Status != task.ShareAccepted {
			open = append(open, sh.Office)
		}
	}
	return open
}
