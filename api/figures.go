package api

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"duban/domain/calendar"
	"duban/projections"
)

type assessmentInput struct {
	CutParams
	Year   int    `query:"year" required:"true" minimum:"1949" maximum:"2199" doc:"年度；当年的数截至亮灯日"`
	Office string `query:"office" doc:"处室编号或名称"`
}

type factsInput struct {
	CutParams
	Figure    string `query:"figure" required:"true" enum:"in_force,assessable,on_time,late,late_days,carried_over,awaiting_review,completed,overturned,requested,returned,extensions_requested,extensions_granted,unsigned_days,reports_due,reports_in_time,reports_late,reports_missing,reports_nil"`
	Year      int    `query:"year" minimum:"1949" maximum:"2199" doc:"年度；缺省为全部，与统计一致"`
	Office    string `query:"office" doc:"处室编号或名称"`
	Directive string `query:"directive" doc:"文件编号"`
	Month     string `query:"month" doc:"归属月份：2019-08"`
	Limit     int    `query:"limit" minimum:"1" maximum:"500" default:"50"`
	Cursor    string `query:"cursor" doc:"上一页的 next"`
}

func (s *Server) figures() {
	register(s, huma.Operation{Method: http.MethodGet, Path: "/assessment-facts", OperationID: "get-assessment", Tags: []string{"统计"}, Summary: "年度考核数据，按处室"},
		func(ctx context.Context, in *assessmentInput) (*body[projections.AssessmentView], error) {
			v, today, err := s.view(ctx, in.CutParams)
			if err != nil {
				return nil, err
			}
			defer v.Close()
			a, err := v.Assessment(ctx, projections.AssessmentQuery{Year: in.Year, Office: in.Office, Today: today})
			linkAssessment(&a, in, today)
			return &body[projections.AssessmentView]{Body: a}, err
		})
	register(s, huma.Operation{Method: http.MethodGet, Path: "/assessment-facts/items", OperationID: "list-facts", Tags: []string{"统计"}, Summary: "一个指标的逐项事实及其事件"},
		func(ctx context.Context, in *factsInput) (*body[projections.FactPage], error) {
			v, today, err := s.view(ctx, in.CutParams)
			if err != nil {
				return nil, err
			}
			defer v.Close()
			page, err := v.Facts(ctx, projections.FactsQuery{
				Figure: in.Figure, Year: in.Year, Office: in.Office, Directive: in.Directive, Month: calendar.Period(in.Month),
				Today: today, Limit: in.Limit, Cursor: in.Cursor,
			})
			return &body[projections.FactPage]{Body: page}, err
		})
}

// itemsLink returns the address of the items behind a figure, as of the same cut.
func itemsLink(p CutParams, today calendar.Date, params ...string) string {
	q := url.Values{"today": {string(today)}}
	if p.KnownAt != "" {
		q.Set("known_at", p.KnownAt)
	}
	if p.EffectiveAt != "" {
		q.Set("effective_at", p.EffectiveAt)
	}
	for i := 0; i+1 < len(params); i += 2 {
		q.Set(params[i], params[i+1])
	}
	return apiPrefix + "/assessment-facts/items?" + q.Encode()
}

func linkAssessment(a *projections.AssessmentView, in *assessmentInput, today calendar.Date) {
	link := func(figures []projections.FigureView, office string) {
		for i := range figures {
			params := []string{"figure", figures[i].Figure, "year", strconv.Itoa(in.Year)}
			if office != "" {
				params = append(params, "office", office)
			}
			figures[i].Items = itemsLink(in.CutParams, today, params...)
		}
	}
	link(a.Total, in.Office)
	for i := range a.Offices {
		link(a.Offices[i].Figures, a.Offices[i].Office.ID)
	}
}

// linkSummary says where the items behind the tables' on-time and reporting rates
// are listed; their lights are those of the lists of tasks.
func linkSummary(v *projections.SummaryView, p CutParams, today calendar.Date) {
	// The model keeps summaries and hands out the same rows again.
	v.ByOffice, v.ByCity = slices.Clone(v.ByOffice), slices.Clone(v.ByCity)
	v.ByDirective, v.ByMonth = slices.Clone(v.ByDirective), slices.Clone(v.ByMonth)
	v.Total.Items = itemsLink(p, today)
	for i := range v.ByOffice {
		v.ByOffice[i].Items = itemsLink(p, today, "office", v.ByOffice[i].Office.ID)
	}
	for i := range v.ByCity {
		v.ByCity[i].Items = itemsLink(p, today, "office", v.ByCity[i].Office.ID)
	}
	for i := range v.ByDirective {
		v.ByDirective[i].Items = itemsLink(p, today, "directive", v.ByDirective[i].Directive)
	}
	for i := range v.ByMonth {
		v.ByMonth[i].Items = itemsLink(p, today, "month", string(v.ByMonth[i].Month))
	}
}
