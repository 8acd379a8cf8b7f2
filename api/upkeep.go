package api

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"golang.org/x/sync/errgroup"

	"duban/domain"
	"duban/eventstore"
	"duban/projections"
	"duban/projections/tree"
)

// RebuildView is what a rebuild did.
type RebuildView struct {
	Events  uint64  `json:"events"`
	Seconds float64 `json:"seconds"`
}

// CheckupView is what the doctor found in a running ledger.
type CheckupView struct {
	Healthy   bool     `json:"healthy"`
	Events    uint64   `json:"events" doc:"检查过的事件数"`
	Problems  []string `json:"problems" doc:"问题及其序号"`
	ReadModel string   `json:"read_model" doc:"与重放比较的结果"`
}

// AcceptRequest names an odd event that may stay without effect.
type AcceptRequest struct {
	Sequence uint64 `json:"sequence" minimum:"1"`
	Reason   string `json:"reason" minLength:"1" maxLength:"2000"`
}

type acceptInput struct {
	WriteHeaders
	Body AcceptRequest
}

type acceptOutput struct {
	ETag     string `header:"ETag" doc:"账本记录的版本"`
	Sequence uint64 `header:"Duban-Sequence" doc:"接受事件的流序号"`
	Body     RecordedRef
}

const tagUpkeep = "维护"

// checkupTime bounds a rebuild or a checkup, which read every event there is.
const checkupTime = 30 * time.Minute

func (s *Server) upkeep() {
	// These read the whole ledger: they get their own time instead of a request's.
	huma.Register(s.api, huma.Operation{Method: http.MethodPost, Path: "/rebuild", OperationID: "rebuild", Tags: []string{tagUpkeep}, Summary: "在旁重建读模型和默克尔树，完成后切换"},
		func(ctx context.Context, _ *noInput) (*body[RebuildView], error) {
			out, err := s.rebuild(ctx)
			if err != nil {
				return nil, s.problem(ctx, err)
			}
			return out, nil
		})
	huma.Register(s.api, huma.Operation{Method: http.MethodGet, Path: "/doctor", OperationID: "doctor", Tags: []string{tagUpkeep}, Summary: "检查账本和读模型"},
		func(ctx context.Context, _ *noInput) (*body[CheckupView], error) {
			out, err := s.checkup(ctx)
			if err != nil {
				return nil, s.problem(ctx, err)
			}
			return out, nil
		})
	register(s, huma.Operation{Method: http.MethodPost, Path: acceptPath, OperationID: "accept-event", Tags: []string{tagUpkeep}, Summary: "接受一个无法读取或不合规的事件，使其不生效"},
		func(ctx context.Context, in *acceptInput) (*acceptOutput, error) {
			if err := requireRole(ctx, domain.RoleSafetyOffice); err != nil {
				return nil, err
			}
			c, err := s.newCall(ctx, in.WriteHeaders, "POST doctor/accept", []byte(fmt.Sprintf("%d %s", in.Body.Sequence, in.Body.Reason)))
			if err != nil {
				return nil, err
			}
			receipt, err := s.Store.Accept(ctx, eventstore.Acceptance{
				Sequence: in.Body.Sequence, Reason: in.Body.Reason, By: c.caller, Command: c.command, Key: c.key,
			})
			if err != nil {
				return nil, err
			}
			r := receipt.Records[0]
			return &acceptOutput{ETag: etag(r.Version), Sequence: r.Seq, Body: RecordedRef{ID: r.ID, Type: r.Data.EventType(), Sequence: r.Seq}}, nil
		})
}

func (s *Server) rebuild(ctx context.Context) (*body[RebuildView], error) {
	if err := requireRole(ctx, domain.RoleSafetyOffice); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, checkupTime)
	defer cancel()
	began := time.Now()
	report, err := Rebuild(ctx, s.Model, s.Tree)
	if err != nil {
		return nil, err
	}
	return &body[RebuildView]{Body: RebuildView{Events: report.Events, Seconds: time.Since(began).Seconds()}}, nil
}

// Rebuild makes the read models and the tree, if there is one, again from the stream.
// They are built side by side: they read the stream together, and the tree mostly
// waits for it, the read models for SQLite.
func Rebuild(ctx context.Context, model *projections.Model, merkle *tree.Tree) (report projections.RebuildReport, err error) {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		if report, err = model.Rebuild(ctx, nil); err != nil {
			return fmt.Errorf("rebuild the read models: %w", err)
		}
		return nil
	})
	if merkle != nil {
		group.Go(func() error {
			_, err := merkle.Rebuild(ctx, nil)
			return err
		})
	}
	err = group.Wait()
	return report, err
}

func (s *Server) checkup(ctx context.Context) (*body[CheckupView], error) {
	if err := requireRole(ctx, domain.RoleSafetyOffice, domain.RoleAuditor, domain.RoleAssessor); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, checkupTime)
	defer cancel()
	v, err := Checkup(ctx, s.Config, nil)
	if err != nil {
		return nil, err
	}
	return &body[CheckupView]{Body: v}, nil
}

// Checkup reads every event again, compares the stream with what it should be and
// with what was signed, evidence with its digests and the read models with a replay.
func Checkup(ctx context.Context, cfg Config, progress func(seq uint64)) (CheckupView, error) {
	report, err := cfg.Store.Audit(ctx, progress)
	if err != nil {
		return CheckupView{}, fmt.Errorf("audit the ledger: %w", err)
	}
	v := CheckupView{Events: report.Events, Problems: []string{}, ReadModel: "一致 / equal to a replay"}
	for _, f := range report.Findings {
		if f.Kind == eventstore.FindingVoid {
			continue // without effect by rule, and no fault
		}
		v.Problems = append(v.Problems, fmt.Sprintf("序号 %d：%s：%s", f.Sequence, f.Kind, f.Detail))
	}
	if cfg.Seal != nil {
		if _, err := cfg.Seal.Inspect(ctx, progress); err != nil {
			v.Problems = append(v.Problems, err.Error())
		}
	}
	if err := cfg.Store.Health(); err != nil && !slices.Contains(v.Problems, err.Error()) {
		v.Problems = append(v.Problems, err.Error())
	}
	if err := cfg.Model.Verify(ctx); err != nil {
		v.ReadModel = err.Error()
		v.Problems = append(v.Problems, err.Error())
	}
	v.Healthy = len(v.Problems) == 0
	return v, nil
}
