package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"duban/domain"
	"duban/domain/task"
	"duban/projections"
)

type tasksInput struct {
	CutParams
	Office    string `query:"office" doc:"处室编号或名称"`
	Status    string `query:"status" enum:"docketed,disputed,assigned,acknowledged,in_progress,closure_requested,suspended,completed,ended,cancelled,voided"`
	Light     string `query:"light" enum:"overdue,rectification_overdue,attestation_due,due_soon,unsigned,unreported,stagnant,awaiting_review,undated,suspended,normal"`
	Directive string `query:"directive" doc:"文件编号"`
	Kind      string `query:"kind" enum:"one_off,recurring,standing"`
	Handler   string `query:"handler" doc:"经办人 person/…"`
	PageParams
	Sort string `query:"sort" enum:"number,deadline,updated,light,status" default:"number"`
}

// PageParams say which part of a list is asked for.
type PageParams struct {
	Q      string `query:"q" doc:"全文检索，一个汉字起" maxLength:"200"`
	Desc   bool   `query:"desc" doc:"降序"`
	Limit  int    `query:"limit" minimum:"1" maximum:"500" default:"50"`
	Cursor string `query:"cursor" doc:"上一页的 next"`
}

type body[T any] struct {
	ETag string `header:"ETag"`
	Body T
}

type oneInput struct {
	CutParams
	ID string `path:"id" doc:"编号"`
}

func (s *Server) tasks() {
	s.commands(resource{
		kind: domain.KindTask, plural: "tasks", chinese: "任务", acts: task.Acts(),
		decide: decideTask, done: s.withdrawBytes,
	})
	register(s, huma.Operation{Method: http.MethodGet, Path: "/tasks", OperationID: "list-tasks", Tags: []string{"任务"}, Summary: "任务清单"},
		func(ctx context.Context, in *tasksInput) (*body[projections.Page[projections.TaskView]], error) {
			v, today, err := s.view(ctx, in.CutParams)
			if err != nil {
				return nil, err
			}
			defer v.Close()
			page, err := v.Tasks(ctx, projections.TaskQuery{
				Office: in.Office, Status: in.Status, Light: in.Light, Directive: in.Directive, Kind: in.Kind, Handler: in.Handler,
				Q: in.Q, Sort: in.Sort, Desc: in.Desc, Today: today, Limit: in.Limit, Cursor: in.Cursor,
			})
			return &body[projections.Page[projections.TaskView]]{Body: page}, err
		})
	register(s, huma.Operation{Method: http.MethodGet, Path: "/tasks/{id}", OperationID: "get-task", Tags: []string{"任务"}, Summary: "一项任务及其分项"},
		func(ctx context.Context, in *oneInput) (*body[projections.TaskView], error) {
			v, today, err := s.view(ctx, in.CutParams)
			if err != nil {
				return nil, err
			}
			defer v.Close()
			t, err := v.Task(ctx, in.ID, today)
			return &body[projections.TaskView]{ETag: etag(t.Version), Body: t}, err
		})
	s.historyRoute("tasks", "任务", domain.KindTask)
}

func decideTask(history []domain.Event, c domain.Command) ([]domain.Event, error) {
	if _, ok := c.Ask.(domain.Corrector); ok {
		return task.Correct(history, c)
	}
	return task.Decide(task.Replay(history), c)
}

// withdrawBytes removes the bytes of withdrawn evidence once the withdrawal is
// recorded. A crash in between is made good by repeating the command, and at
// the next start (ReconcileEvidence).
func (s *Server) withdrawBytes(ctx context.Context, c domain.Command, seq uint64) error {
	if w, ok := c.Ask.(interface{ Withdraws() string }); ok {
		return s.withdraw(ctx, w.Withdraws(), seq)
	}
	return nil
}

// HistoryView is every event of one record, in order.
type HistoryView struct {
	Subject string                   `json:"subject"`
	Events  []projections.TrailEntry `json:"events"`
}

// historyRoute adds GET plural/{id}/history.
func (s *Server) historyRoute(plural, chinese string, kind domain.Kind) {
	op := huma.Operation{Method: http.MethodGet, Path: "/" + plural + "/{id}/history", OperationID: "history-" + kind.String(),
		Tags: []string{chinese}, Summary: "全部事件及其原始字节"}
	register(s, op, func(ctx context.Context, in *oneInput) (*body[HistoryView], error) {
		ref, err := reference(kind, in.ID)
		if err != nil {
			return nil, err
		}
		if err := s.reach(ctx, in.MinSeq); err != nil {
			return nil, err
		}
		as, _, err := s.cut(ctx, in.CutParams)
		if err != nil {
			return nil, err
		}
		entries, err := s.Model.History(ctx, ref, as)
		if err != nil {
			return nil, err
		}
		if len(entries) == 0 {
			return nil, notFound(ref)
		}
		return &body[HistoryView]{ETag: etag(entries[len(entries)-1].Version), Body: HistoryView{Subject: ref.String(), Events: entries}}, nil
	})
}
