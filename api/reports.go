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
	"duban/domain/calendar"
	"duban/projections"
)

type reportsInput struct {
	CutParams
	FormatParam
	Period    string `query:"period" required:"true" doc:"所属期：2019-08、2019-Q3、2019-H1 或 2019"`
	Directive string `query:"directive" doc:"文件编号"`
	Office    string `query:"office" doc:"处室编号或名称"`
	Missing   bool   `query:"missing" doc:"只列未报的"`
	Limit     int    `query:"limit" minimum:"1" maximum:"500" default:"50"`
	Cursor    string `query:"cursor" doc:"上一页的 next"`
}

const reportsPath = "/reports"

// reports answers with the summary of progress: a page as JSON, the whole as a
// table.
func (s *Server) reports() {
	register(s, huma.Operation{
		Method: http.MethodGet, Path: reportsPath, OperationID: "list-reports", Tags: []string{"报表"},
		Summary: "进展汇总表：所属期内的每个分项，未报的也在内；csv、xlsx 一次给出全部",
	}, func(ctx context.Context, in *reportsInput) (*huma.StreamResponse, error) {
		v, today, err := s.view(ctx, in.CutParams)
		if err != nil {
			return nil, err
		}
		defer v.Close()
		q := projections.ReportQuery{
			Period: calendar.Period(in.Period), Directive: in.Directive, Office: in.Office, Missing: in.Missing,
			Today: today, Limit: in.Limit, Cursor: in.Cursor,
		}
		if in.Format == formatJSON {
			page, err := v.Reports(ctx, q)
			return jsonAnswer(page), err
		}
		return s.download(progressTitle(q.Period), in.Format, func(w io.Writer) error {
			return v.EachReport(ctx, q, func(page projections.ReportPage, all iter.Seq2[projections.ShareRow, error]) error {
				return s.writeTable(w, in.Format, page.Cutoff, workbook.Sheet{Table: progressTable(page), Rows: rowsOf(all, forms.ProgressRow(q.Period))})
			})
		})
	})
}

func progressTitle(p calendar.Period) string { return p.Chinese() + forms.Progress().Name }

// progressTable returns the table of a period, with its totals above the rows.
func progressTable(page projections.ReportPage) workbook.Table {
	t, n := forms.Progress(), page.Totals
	t.Titles = []string{progressTitle(page.Period)}
	t.Notes = []string{fmt.Sprintf("分项 %d，应报 %d，按时 %d，迟报 %d，未报 %d，零报告 %d，未到期 %d", n.Shares, n.Due, n.InTime, n.Late, n.Missing, n.Nil, n.Pending)}
	return t
}
