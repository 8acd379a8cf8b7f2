package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"duban/projections"
)

type summaryInput struct{ CutParams }

func (s *Server) summary() {
	register(s, huma.Operation{Method: http.MethodGet, Path: "/summary", OperationID: "get-summary", Tags: []string{"统计"}, Summary: "任务与分项的状态和亮灯，分别计数"},
		func(ctx context.Context, in *summaryInput) (*body[projections.SummaryView], error) {
			v, today, err := s.view(ctx, in.CutParams)
			if err != nil {
				return nil, err
			}
			defer v.Close()
			sum, err := v.Summary(ctx, today)
			sum.Cutoff.Sample = s.Sample
			linkSummary(&sum, in.CutParams, today)
			return &body[projections.SummaryView]{Body: sum}, err
		})
}
