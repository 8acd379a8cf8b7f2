package api

import (
	"context"
	"fmt"
	"io"
	"iter"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"duban/api/forms"
	"duban/api/workbook"
	"duban/projections"
)

type rectificationInput struct {
	CutParams
	FindingFilter
	PageParams
	FormatParam
}

const rectificationPath = "/reports/rectification"

// rectification answers with the list of problems and their rectification: a page
// as JSON, the whole as a table.
func (s *Server) rectification() {
	register(s, huma.Operation{
		Method: http.MethodGet, Path: rectificationPath, OperationID: "get-rectification-report", Tags: []string{"报表"},
		Summary: "问题整改清单，按检查日期；csv、xlsx 一次给出全部",
	}, func(ctx context.Context, in *rectificationInput) (*huma.StreamResponse, error) {
		v, today, err := s.view(ctx, in.CutParams)
		if err != nil {
			return nil, err
		}
		defer v.Close()
		q := in.query(in.PageParams, today)
		q.ByDay = true
		if in.Format == formatJSON {
			page, err := v.Findings(ctx, q)
			return jsonAnswer(page), err
		}
		t := forms.Rectification()
		if in.Year != 0 {
			t.Titles = []string{fmt.Sprintf("%d年%s", in.Year, t.Name)}
		} else {
			t.Titles = []string{t.Name}
		}
		return s.download(t.Titles[0], in.Format, func(w io.Writer) error {
			return v.EveryFinding(ctx, q, func(as projections.Cutoff, all iter.Seq2[projections.FindingView, error]) error {
				return s.writeTable(w, in.Format, as, workbook.Sheet{Table: t, Rows: rowsOf(all, forms.RectificationRow)})
			})
		})
	})
}
