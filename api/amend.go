package api

import (
	"fmt"
	"slices"
	"strings"

	"duban/domain"
	"duban/domain/directive"
	"duban/domain/name"
	"duban/domain/office"
	"duban/domain/task"
	"duban/projections"
)

// prepareDirective fills in the offices that an amendment names by their printed
// names. Unlike an import it registers none: a name that is not known is more
// likely a slip.
func prepareDirective(u *unit, c domain.Command) (domain.Payload, error) {
	asked, ok := c.Ask.(*directive.Amended)
	if !ok {
		return c.Ask, nil
	}
	full := *asked
	full.Changes = slices.Clone(asked.Changes)
	for i := range full.Changes {
		ch := &full.Changes[i]
		ch.Offices = slices.Clone(ch.Offices)
		for k := range ch.Offices {
			if err := fillOffice(u, &ch.Offices[k]); err != nil {
				return nil, err
			}
		}
	}
	return &full, nil
}

func fillOffice(u *unit, o *directive.ClauseOffice) error {
	if o.Group || !o.Office.IsZero() {
		return nil
	}
	if office.IsGroup(o.Name) {
		o.Group = true
		return nil
	}
	history, err := u.history(name.Ref(name.KindOfficeName, o.Name))
	if err != nil {
		return err
	}
	held := name.Replay(history)
	if !held.Held() {
		return domain.Invalid("office.unknown", "changes.offices.name",
			"没有名为“"+o.Name+"”的处室，请先登记；泛称请写 group", "there is no office named "+o.Name+": register it first, or mark it as a group")
	}
	o.Office, err = u.heir(held.Owner)
	return err
}

// followDirective adds what a command on a directive means for the tasks that came
// of it. No task is docketed, and none changes hands, between the listing and the
// append.
func (s *Server) followDirective(u *unit, c domain.Command) error {
	switch c.Ask.(type) {
	case *directive.Voided, *directive.Amended, *directive.Repealed:
	case *directive.Corrected:
		return followCorrection(u, c)
	default:
		return nil // it says nothing of the tasks there are
	}
	affected, err := s.affected(u, func(v *projections.View) (projections.Affected, error) { return v.OfDirective(u.ctx, c.Subject) })
	if err != nil {
		return err
	}
	history, err := u.history(c.Subject)
	if err != nil {
		return err
	}
	d := directive.Replay(history)
	// As decided: with everything spelled out.
	switch p := history[len(history)-1].Data.(type) {
	case *directive.Voided:
		return voidTasks(u, c, d, affected.Tasks)
	case *directive.Amended:
		return amendTasks(u, c, d, p, affected.Tasks)
	case *directive.Repealed:
		return repealTasks(u, c, p, affected.Tasks)
	}
	return nil
}

// voidTasks voids the tasks of a directive that is voided, and frees its names.
// No share may have been acted on.
func voidTasks(u *unit, c domain.Command, d directive.State, tasks []domain.Ref) error {
	for _, ref := range tasks {
		err := u.decide(ref, func(h []domain.Event) ([]domain.Event, error) {
			t := task.Replay(h)
			if t.Acted() {
				return nil, domain.Illegal("directive.voided.acted",
					fmt.Sprintf("第%d项已有处室办理，文件不能撤销登记；可逐项撤销任务", t.Number),
					fmt.Sprintf("clause %d has been acted on: the directive can't be voided; cancel its tasks instead", t.Number))
			}
			return task.Decide(t, domain.Command{Entry: c.Entry, Subject: ref, Ask: &task.Voided{Reason: d.VoidReason}})
		})
		if err != nil {
			return err
		}
	}
	if err := releaseHeld(u, c, name.KindDocumentNumber, d.DocumentNumber, "撤销登记"); err != nil {
		return err
	}
	history, err := u.history(c.Subject)
	if err != nil {
		return err
	}
	return releaseHeld(u, c, name.KindNoticeText, directive.ContentOf(history), "撤销登记")
}

// openTasks returns those of the tasks on which work goes on.
func (u *unit) openTasks(refs []domain.Ref) ([]task.State, error) {
	var open []task.State
	for _, ref := range refs {
		history, err := u.history(ref)
		if err != nil {
			return nil, err
		}
		if t := task.Replay(history); t.Open() {
			open = append(open, t)
		}
	}
	return open, nil
}

// undecided says which open tasks the command has to decide and does not, and
// which it decides that are not its own to decide.
func undecided(rule string, open []task.State, decided func(domain.Ref) bool, named []directive.Decision) error {
	var left []string
	for _, t := range open {
		if !decided(t.Ref) {
			left = append(left, fmt.Sprintf("%s（第%d项）", t.Ref, t.Number))
		}
	}
	if len(left) > 0 {
		return domain.Illegal(rule, "在办任务须在同一命令中逐项决定（decisions）："+strings.Join(left, "、"),
			"every open task is decided in the same command (decisions): "+strings.Join(left, ", "))
	}
	for _, d := range named {
		if !slices.ContainsFunc(open, func(t task.State) bool { return t.Ref == d.Task }) {
			return domain.Invalid("directive.decision.task", "decisions.task",
				"任务 "+d.Task.String()+" 不受影响，或已不在办", "the task "+d.Task.String()+" is not affected, or not open any more")
		}
	}
	return nil
}

// amendTasks decides the open tasks of changed clauses as the amendment says, and
// dockets what it says to docket.
func amendTasks(u *unit, c domain.Command, d directive.State, p *directive.Amended, tasks []domain.Ref) error {
	open, err := u.openTasks(tasks)
	if err != nil {
		return err
	}
	change := map[int]*directive.Change{}
	for i := range p.Changes {
		change[p.Changes[i].Number] = &p.Changes[i]
	}
	open = slices.DeleteFunc(open, func(t task.State) bool { return change[t.Number] == nil })
	fate := map[domain.Ref]directive.Decision{}
	for _, decision := range p.Decisions {
		fate[decision.Task] = decision
	}
	if err := undecided("directive.amended.undecided", open, func(r domain.Ref) bool { return fate[r].Fate != 0 }, p.Decisions); err != nil {
		return err
	}
	goesOn := map[int]bool{}
	for _, t := range open {
		ch := change[t.Number]
		if fate[t.Ref].Fate == directive.FateCancelled {
			if err := cancel(u, c, t.Ref, fate[t.Ref].Reason, "条款已由 "+p.By+ch.Kind.Chinese()); err != nil {
				return err
			}
			continue
		}
		goesOn[t.Number] = true
		if err := revise(u, c, t.Ref, p, ch); err != nil {
			return about(t.Ref, err)
		}
	}
	for i := range p.Changes {
		ch := &p.Changes[i]
		if !ch.Docket {
			continue
		}
		if goesOn[ch.Number] {
			return domain.Illegal("directive.docket.exists", fmt.Sprintf("第%d项已有在办任务，不再立项", ch.Number), fmt.Sprintf("clause %d has an open task already", ch.Number))
		}
		if err := docketClause(u, c, d.Clauses[ch.Number-1]); err != nil {
			return err
		}
	}
	return nil
}

func revise(u *unit, c domain.Command, ref domain.Ref, p *directive.Amended, ch *directive.Change) error {
	if ch.Kind == directive.ChangeRemoved {
		return domain.Invalid("directive.amended.removed_task", "decisions.decision",
			"条款已删去，其任务只能撤销（cancelled）", "the clause is removed: its task can only be cancelled")
	}
	asks := []domain.Payload{&task.ClauseRevised{
		Particulars: domain.Particulars{Basis: p.Basis}, By: p.By, ByDirective: p.ByDirective, TextSHA256: ch.TextSHA256, EffectiveOn: ch.EffectiveOn,
	}}
	for _, dl := range ch.Deadlines {
		asks = append(asks, &task.StatedDeadline{Date: dl.Date, Words: dl.Words})
	}
	return decideTasks(u, ref, c.Entry, asks...)
}

// cancel cancels a task on the word of the leader who approved the command.
func cancel(u *unit, c domain.Command, ref domain.Ref, reason, otherwise string) error {
	if reason == "" {
		reason = otherwise
	}
	p := c.Ask.Circumstances()
	ask := &task.Cancelled{Particulars: domain.Particulars{Approval: p.Approval, Basis: p.Basis}, Reason: reason}
	if err := decideTasks(u, ref, c.Entry, ask); err != nil {
		return about(ref, err)
	}
	return nil
}

// docketClause makes a task of a clause that an amendment added or gave offices.
func docketClause(u *unit, c domain.Command, clause directive.Clause) error {
	if len(assignment(clause).Offices) == 0 {
		return domain.Invalid("directive.change.docket", "changes.offices",
			fmt.Sprintf("第%d项没有具体处室，不能立项", clause.Number), fmt.Sprintf("clause %d names no office to docket it for", clause.Number))
	}
	return docket(u, c.Entry, c.Subject, u.newRef(domain.KindTask), clause)
}

// repealTasks cancels the open tasks of a repealed directive, but for those that go
// on for a reason of their own: these stand as they are, with the directive's
// status beside them.
func repealTasks(u *unit, c domain.Command, p *directive.Repealed, tasks []domain.Ref) error {
	open, err := u.openTasks(tasks)
	if err != nil {
		return err
	}
	decided := func(r domain.Ref) bool { _, ok := p.On(r); return ok }
	if err := undecided("directive.repealed.undecided", open, decided, p.Decisions); err != nil {
		return err
	}
	for _, t := range open {
		decision, _ := p.On(t.Ref)
		if decision.Fate != directive.FateCancelled {
			continue
		}
		if err := cancel(u, c, t.Ref, decision.Reason, "文件已由 "+p.By+" 废止"); err != nil {
			return err
		}
	}
	return nil
}
