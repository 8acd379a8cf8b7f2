package api

import (
	"context"
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"duban/domain"
	"duban/domain/task"
	"duban/projections"
)

type tasksInput struct {
	CutParams
	Office    string             `query:"office" doc:"处室编号或名称"`
	Status    oneOf[task.Status] `query:"status" doc:"状态"`
	Light     lightName          `query:"light" doc:"亮灯；同时有 office 时为该处室分项的亮灯"`
	Directive string             `query:"directive" doc:"文件编号"`
	Kind      oneOf[task.Kind]   `query:"kind" doc:"任务类型"`
	Handler   string             `query:"handler" doc:"经办人 person/…；加 open=true 即其移交以前的在办分项"`
	Open      bool               `query:"open" doc:"只列有在办分项的；同时有 office、handler 时为其在办分项"`
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
	ETag     string `header:"ETag"`
	Sequence string `header:"Duban-Sequence" doc:"单独读取一条记录时：所依据的账本序号"`
	Body     T
}

// record is the answer about one record: its version, and where the ledger stood.
func record[T any](v *projections.View, version uint64, about T) *body[T] {
	return &body[T]{ETag: etag(version), Sequence: strconv.FormatUint(v.Sequence(), 10), Body: about}
}

type oneInput struct {
	CutParams
	ID string `path:"id" doc:"编号"`
}

func (s *Server) tasks() {
	s.commands(s.taskResource())
	s.docketing()
	register(s, huma.Operation{Method: http.MethodGet, Path: "/tasks", OperationID: "list-tasks", Tags: []string{"任务"}, Summary: "任务清单"},
		func(ctx context.Context, in *tasksInput) (*body[projections.Page[projections.TaskView]], error) {
			v, today, err := s.view(ctx, in.CutParams)
			if err != nil {
				return nil, err
			}
			defer v.Close()
			page, err := v.Tasks(ctx, projections.TaskQuery{
				Office: in.Office, Status: string(in.Status), Light: string(in.Light), Directive: in.Directive, Kind: string(in.Kind), Handler: in.Handler, Open: in.Open,
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
			return record(v, t.Version, t), err
		})
	s.historyRoute("tasks", "任务", domain.KindTask)
}

func (s *Server) taskResource() resource {
	return resource{
		kind: domain.KindTask, plural: "tasks", chinese: "任务", acts: task.Acts(),
		prepare: prepareTask, decide: decideTask, follow: followTask, done: s.withdrawBytes,
	}
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
		v, _, err := s.view(ctx, in.CutParams)
		if err != nil {
			return nil, err
		}
		defer v.Close()
		entries, err := v.History(ctx, ref)
		if err != nil {
			return nil, err
		}
		return record(v, entries[len(entries)-1].Version, HistoryView{Subject: ref.String(), Events: entries}), nil
	})
}
