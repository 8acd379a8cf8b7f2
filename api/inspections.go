package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"duban/domain"
	"duban/domain/inspection"
	"duban/projections"
)

type inspectionsInput struct {
	CutParams
	Status oneOf[inspection.Status] `query:"status" doc:"状态"`
	PageParams
}

func (s *Server) inspections() {
	s.commands(resource{
		kind: domain.KindInspection, plural: "inspections", chinese: "检查", acts: inspection.Acts(), create: "open",
		decide: func(history []domain.Event, c domain.Command) ([]domain.Event, error) {
			if _, ok := c.Ask.(domain.Corrector); ok {
				return inspection.Correct(history, c)
			}
			return inspection.Decide(domain.Fold(history, inspection.Evolve), c)
		},
	})
	register(s, huma.Operation{Method: http.MethodGet, Path: "/inspections", OperationID: "list-inspections", Tags: []string{"检查"}, Summary: "检查清单"},
		func(ctx context.Context, in *inspectionsInput) (*body[projections.Page[projections.InspectionView]], error) {
			v, today, err := s.view(ctx, in.CutParams)
			if err != nil {
				return nil, err
			}
			defer v.Close()
			page, err := v.Inspections(ctx, projections.InspectionQuery{Status: string(in.Status), Q: in.Q, Today: today, Limit: in.Limit, Cursor: in.Cursor})
			return &body[projections.Page[projections.InspectionView]]{Body: page}, err
		})
	register(s, huma.Operation{Method: http.MethodGet, Path: "/inspections/{id}", OperationID: "get-inspection", Tags: []string{"检查"}, Summary: "一次检查"},
		func(ctx context.Context, in *oneInput) (*body[projections.InspectionView], error) {
			v, _, err := s.view(ctx, in.CutParams)
			if err != nil {
				return nil, err
			}
			defer v.Close()
			i, err := v.Inspection(ctx, in.ID)
			return record(v, i.Version, i), err
		})
	s.historyRoute("inspections", "检查", domain.KindInspection)
}
