package api

import (
	"fmt"
	"slices"

	"duban/domain"
	"duban/domain/directive"
	"duban/domain/task"
	"duban/projections"
)

// docketing adds POST /tasks: a task is made of a clause that has none yet.
func (s *Server) docketing() {
	act := task.DocketAct()
	s.commands(resource{
		kind: domain.KindTask, plural: "tasks", chinese: "任务", acts: []domain.Act{act}, create: act.Name,
		decide: func(_ []domain.Event, c domain.Command) ([]domain.Event, error) {
			return nil, c.Check([]domain.Act{act})
		},
		follow: s.followDocketing,
	})
}

// followDocketing adds the events of a clause docketed by hand. Nothing is recorded
// between the look at the directive's tasks and the append, so that no clause is
// docketed twice.
func (s *Server) followDocketing(u *unit, c domain.Command) error {
	asked := c.Ask.(*task.Docketing)
	history, err := u.history(asked.Directive)
	if err != nil {
		return err
	}
	if err := domain.CheckKnown(history); err != nil {
		return err
	}
	d := directive.Replay(history)
	if d.Status != directive.StatusIssued {
		return domain.Illegal("docketed.directive_status", "该文件"+d.Status.Chinese()+"，其条款不能立项", "no clause is docketed of a directive that does not stand")
	}
	if c.Time.Before(d.Issued.Time) {
		return domain.Illegal("docketed.time", "立项时间早于文件登记所写的时间，请改正 time", "the time lies before the directive was issued: correct it")
	}
	clause, err := clauseOf(d, asked)
	if err != nil {
		return err
	}
	if err := s.undocketed(u, asked.Directive, clause.Number); err != nil {
		return err
	}
	return decideTasks(u, c.Subject, c.Entry, docketingOf(asked, clause)...)
}

// docketingOf returns the commands a docketing comes to, in their order.
func docketingOf(asked *task.Docketing, clause directive.Clause) []domain.Payload {
	asks := []domain.Payload{&task.Docketed{
		Particulars: asked.Particulars, Directive: asked.Directive, Number: clause.Number, Path: clause.Path, Part: clause.Part,
		TextSHA256: clause.TextSHA256, Kind: asked.Kind, Schedule: asked.Schedule,
	}}
	if len(asked.Offices) > 0 {
		asks = append(asks, &task.Assigned{Offices: asked.Offices, Instructions: asked.Instructions})
	}
	for _, dl := range clause.Deadlines {
		asks = append(asks, &task.StatedDeadline{Date: dl.Date, Words: dl.Words})
	}
	if asked.Deadline != "" {
		asks = append(asks, &task.SetDeadline{Particulars: domain.Particulars{Basis: asked.Basis}, Date: asked.Deadline})
	}
	return asks
}

// clauseOf returns the clause that is meant.
func clauseOf(d directive.State, asked *task.Docketing) (directive.Clause, error) {
	var found []directive.Clause
	for _, c := range d.Clauses {
		if d.Removed(c.Number) {
			continue
		}
		if c.Number == asked.Number || asked.Number == 0 && c.Part == asked.Part && slices.Equal(c.Path, asked.Path) {
			found = append(found, c)
		}
	}
	switch len(found) {
	case 0:
		return directive.Clause{}, domain.Invalid("docketed.clause_unknown", "number",
			fmt.Sprintf("该文件没有这一条款，或已删去（共 %d 项）", len(d.Clauses)), fmt.Sprintf("the directive has no such clause, or it was removed; there are %d", len(d.Clauses)))
	case 1:
		return found[0], nil
	}
	return directive.Clause{}, domain.Invalid("docketed.clause_ambiguous", "path",
		"有几项条款的层级相同，请写明第几项 number", "several clauses have this path: name it by its number")
}

// undocketed refuses a clause of which there is a task already.
func (s *Server) undocketed(u *unit, ref domain.Ref, number int) error {
	var listed projections.DirectiveView
	err := s.holding(u, func(v *projections.View) (seq uint64, err error) {
		listed, err = v.Directive(u.ctx, ref.ID)
		return v.Sequence(), err
	})
	if err != nil {
		return err
	}
	for _, c := range listed.Clauses {
		if c.Number == number && c.Task != "" {
			return domain.Illegal("docketed.again", fmt.Sprintf("第%d项已立项：task/%s；增加处室用 assign，已撤销的用 reopen", number, c.Task),
				fmt.Sprintf("clause %d is docketed already: task/%s; assign adds offices, reopen takes a cancelled one up again", number, c.Task))
		}
	}
	return nil
}
