package api

import (
	"context"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"duban/domain"
	"duban/domain/calendar"
	"duban/domain/finding"
	"duban/domain/task"
	"duban/projections"
)

// FindingFilter says which findings are asked for.
type FindingFilter struct {
	Year       int                   `query:"year" minimum:"1949" maximum:"2199" doc:"发现的年份"`
	Status     oneOf[finding.Status] `query:"status" doc:"状态"`
	Light      string                `query:"light" enum:"rectification_overdue,reinspection_due,normal"`
	Grade      oneOf[finding.Grade]  `query:"grade" doc:"级别"`
	Office     string                `query:"office" doc:"督办处室编号或名称"`
	Task       string                `query:"task" doc:"任务编号"`
	Inspection string                `query:"inspection" doc:"检查编号"`
}

func (f FindingFilter) query(p PageParams, today calendar.Date) projections.FindingQuery {
	return projections.FindingQuery{
		Year: f.Year, Status: string(f.Status), Light: f.Light, Grade: string(f.Grade), Office: f.Office, Task: f.Task, Inspection: f.Inspection,
		Q: p.Q, Desc: p.Desc, Today: today, Limit: p.Limit, Cursor: p.Cursor,
	}
}

type findingsInput struct {
	CutParams
	FindingFilter
	PageParams
}

func (s *Server) findings() {
	s.commands(s.findingResource())
	register(s, huma.Operation{Method: http.MethodGet, Path: "/findings", OperationID: "list-findings", Tags: []string{"隐患"}, Summary: "隐患清单"},
		func(ctx context.Context, in *findingsInput) (*body[projections.Page[projections.FindingView]], error) {
			v, today, err := s.view(ctx, in.CutParams)
			if err != nil {
				return nil, err
			}
			defer v.Close()
			page, err := v.Findings(ctx, in.query(in.PageParams, today))
			return &body[projections.Page[projections.FindingView]]{Body: page}, err
		})
	register(s, huma.Operation{Method: http.MethodGet, Path: "/findings/{id}", OperationID: "get-finding", Tags: []string{"隐患"}, Summary: "一项隐患"},
		func(ctx context.Context, in *oneInput) (*body[projections.FindingView], error) {
			v, today, err := s.view(ctx, in.CutParams)
			if err != nil {
				return nil, err
			}
			defer v.Close()
			f, err := v.Finding(ctx, in.ID, today)
			return record(v, f.Version, f), err
		})
	s.historyRoute("findings", "隐患", domain.KindFinding)
}

func (s *Server) findingResource() resource {
	return resource{
		kind: domain.KindFinding, plural: "findings", chinese: "隐患", acts: finding.Acts(), create: "record",
		decide: decideFinding, follow: s.followFinding, done: s.withdrawBytes,
	}
}

func decideFinding(history []domain.Event, c domain.Command) ([]domain.Event, error) {
	if _, ok := c.Ask.(domain.Corrector); ok {
		return finding.Correct(history, c)
	}
	return finding.Decide(finding.Replay(history), c)
}

// followFinding looks at the original that a finding comes to be a duplicate of,
// by the act or by a correction, and tells the tasks.
func (s *Server) followFinding(u *unit, c domain.Command) error {
	now, err := u.history(c.Subject)
	if err != nil {
		return err
	}
	before, after := finding.Replay(now[:len(now)-len(u.added[c.Subject])]), finding.Replay(now)
	if !after.Original.IsZero() && after.Original != before.Original {
		history, err := u.history(after.Original)
		if err != nil {
			return err
		}
		if err := domain.CheckKnown(history); err != nil {
			return err
		}
		if err := finding.CheckOriginal(after, finding.Replay(history), c.Ask.Circumstances()); err != nil {
			return err
		}
	}
	return s.tellTasks(u, c)
}

// tellTasks writes to the tasks a finding belongs to when it begins or ceases to
// keep them from completion. Both stand in one transaction, so that a task can't
// be completed between a finding's grading and the task's learning of it.
func (s *Server) tellTasks(u *unit, c domain.Command) error {
	now, err := u.history(c.Subject)
	if err != nil {
		return err
	}
	after := finding.Replay(now)
	// A correction may have taken a task out: that one is let go.
	before := finding.Replay(now[:len(now)-len(u.added[c.Subject])])
	tasks := slices.Clone(after.Tasks)
	for _, ref := range before.Tasks {
		if !slices.Contains(tasks, ref) {
			tasks = append(tasks, ref)
		}
	}
	for _, ref := range tasks {
		history, err := u.history(ref)
		if err != nil {
			return err
		}
		t := task.Replay(history)
		told := slices.Contains(t.Findings, c.Subject)
		blocks := after.Blocks() && slices.Contains(after.Tasks, ref)
		if t.Voided.Done() || told == blocks {
			continue
		}
		var ask domain.Payload = &task.FindingSettled{Finding: c.Subject}
		if blocks {
			ask = &task.FindingOpened{Finding: c.Subject}
		}
		entry := c.Entry
		if entry.Time.Before(t.Docketed.Time) {
			entry.Time = t.Docketed.Time
		}
		err = u.decide(ref, func(h []domain.Event) ([]domain.Event, error) {
			return task.Decide(task.Replay(h), domain.Command{Entry: entry, Subject: ref, Ask: ask})
		})
		if err != nil {
			return err
		}
	}
	return nil
}
