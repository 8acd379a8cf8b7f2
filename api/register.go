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

type registerInput struct {
	CutParams
	Year int `query:"year" required:"true" minimum:"1949" maximum:"2199" doc:"年度"`
}

const registerPath = "/register"

// yearRegister answers with the whole register of a year as one workbook.
func (s *Server) yearRegister() {
	registerWithin(s, huma.Operation{
		Method: http.MethodGet, Path: registerPath, OperationID: "get-register", Tags: []string{"报表"},
		Summary:     "一个年度的台账（.xlsx）",
		Description: "说明、任务台账、报送过或应报送的每个所属期的进展汇总表、问题整改清单、年度考核数据、处室汇总。同一序号、同一亮灯日的文件逐字节相同。",
	}, bookTimeout, func(ctx context.Context, in *registerInput) (*huma.StreamResponse, error) {
		v, today, err := s.pinned(ctx, in.CutParams)
		if err != nil {
			return nil, err
		}
		defer v.Close()
		b := &yearbook{Server: s, v: v, year: in.Year, today: today}
		return s.download(b.title(), formatXLSX, func(w io.Writer) error { return b.write(ctx, w) })
	})
}

// A yearbook makes the register of one year.
type yearbook struct {
	*Server
	v     *projections.View
	year  int
	today calendar.Date
}

func (b *yearbook) title() string { return fmt.Sprintf("%d年督办台账", b.year) }

func (b *yearbook) write(ctx context.Context, w io.Writer) error {
	sheets := []workbook.Sheet{b.tasks(ctx)}
	periods, err := b.v.ReportedPeriods(ctx, b.year, b.today)
	if err != nil {
		return err
	}
	for _, p := range periods {
		sheet, err := b.progress(ctx, p)
		if err != nil {
			return err
		}
		sheets = append(sheets, sheet)
	}
	sheets = append(sheets, b.findings(ctx))
	figures, err := b.v.Assessment(ctx, projections.AssessmentQuery{Year: b.year, Today: b.today})
	if err != nil {
		return err
	}
	sheets = append(sheets, workbook.Sheet{
		Table: b.titled(forms.Assessment(), fmt.Sprintf("%d年内、截至亮灯日的指标，按当时承担分项的处室", b.year)),
		Rows:  workbook.Listed(forms.AssessmentRows(figures)),
	})
	standings, err := b.v.YearStandings(ctx, b.year, b.today)
	if err != nil {
		return err
	}
	sheets = append(sheets, workbook.Sheet{
		Table: b.titled(forms.Standings(), fmt.Sprintf("%d年内有效至少一天的分项，归年末承担的处室，状态为截至账本序号的状态；应办结、应报送为年内的数；隐患为年内检查发现的", b.year)), Rows: workbook.Listed(forms.StandingRows(standings)),
	})
	as := figures.Cutoff
	as.Sample = as.Sample || b.Sample
	cover := workbook.Sheet{Table: forms.Cover(), Rows: workbook.Listed(forms.CoverRows(b.year, as, sheets))}
	cover.Titles = []string{b.title()}
	return b.writeBook(w, b.title(), as, append([]workbook.Sheet{cover}, sheets...)...)
}

// titled gives a table its title for the year and says what it holds.
func (b *yearbook) titled(t workbook.Table, holds string) workbook.Table {
	t.Titles, t.Notes = []string{fmt.Sprintf("%d年%s", b.year, t.Name)}, []string{holds}
	return t
}

func (b *yearbook) tasks(ctx context.Context) workbook.Sheet {
	of := calendar.PeriodOf(calendar.UnitYear, calendar.Of(b.year, 1, 1))
	return workbook.Sheet{
		Table: b.titled(forms.Ledger(), fmt.Sprintf("%d年内有效至少一天的分项，一行一个；状态为截至账本序号的状态", b.year)),
		Rows:  b.shares(ctx, of, forms.LedgerRow()),
	}
}

func (b *yearbook) progress(ctx context.Context, p calendar.Period) (workbook.Sheet, error) {
	page, err := b.v.Reports(ctx, projections.ReportQuery{Period: p, Today: b.today, Limit: 1})
	if err != nil {
		return workbook.Sheet{}, err
	}
	t := progressTable(page)
	t.Name += " " + string(p)
	return workbook.Sheet{Table: t, Rows: b.shares(ctx, p, forms.ProgressRow(p))}, nil
}

// shares makes rows of the shares in force in a period, once they are asked for.
func (b *yearbook) shares(ctx context.Context, p calendar.Period, row func(projections.ShareRow) workbook.Row) iter.Seq2[workbook.Row, error] {
	return later(func(use func(iter.Seq2[workbook.Row, error]) error) error {
		return b.v.EachReport(ctx, projections.ReportQuery{Period: p, Today: b.today}, func(_ projections.ReportPage, all iter.Seq2[projections.ShareRow, error]) error {
			return use(rowsOf(all, row))
		})
	})
}

func (b *yearbook) findings(ctx context.Context) workbook.Sheet {
	q := projections.FindingQuery{Year: b.year, ByDay: true, Today: b.today}
	return workbook.Sheet{
		Table: b.titled(forms.Rectification(), fmt.Sprintf("%d年内检查发现的隐患", b.year)),
		Rows: later(func(use func(iter.Seq2[workbook.Row, error]) error) error {
			return b.v.EveryFinding(ctx, q, func(_ projections.Cutoff, all iter.Seq2[projections.FindingView, error]) error {
				return use(rowsOf(all, forms.RectificationRow))
			})
		}),
	}
}

// later makes rows of a query that is asked when the sheet is written: one sheet's
// rows are held at a time.
func later(ask func(use func(iter.Seq2[workbook.Row, error]) error) error) iter.Seq2[workbook.Row, error] {
	return func(yield func(workbook.Row, error) bool) {
		stopped := false
		err := ask(func(rows iter.Seq2[workbook.Row, error]) error {
			for r, err := range rows {
				if err != nil {
					return err
				}
				if stopped = !yield(r, nil); stopped {
					return nil
				}
			}
			return nil
		})
		if err != nil && !stopped {
			yield(workbook.Row{}, err)
		}
	}
}
