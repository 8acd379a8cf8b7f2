package main

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"duban/domain/assessment"
	"duban/projections"
)

// required refuses a call that leaves a flag out which the question needs.
func (q *query) required(flag, example string) error {
	if q.values.Get(flag) != "" {
		return nil
	}
	return usageError{fmt.Errorf("缺少 --%s，例如 --%s %s / --%s is missing, for example --%s %s", flag, flag, example, flag, flag, example)}
}

func (a *app) reportsCommand() *cobra.Command {
	var q query
	cmd := &cobra.Command{Use: "reports", Short: "进展汇总表 / who reported what in a period", Args: exactArgs(0), RunE: func(cmd *cobra.Command, _ []string) error {
		c, err := a.client()
		if err != nil {
			return err
		}
		b, err := c.do(cmd.Context(), request{method: http.MethodGet, path: "reports", query: q.values})
		if err != nil || a.json {
			return a.rawOr(b, err)
		}
		var page projections.ReportPage
		if err := decode(b, &page); err != nil {
			return err
		}
		return a.printReports(page)
	}}
	q.flags(cmd, with(cutFlags(), map[string]string{
		"period": "所属期 2019-08、2019-Q3、2019-H1、2019 / period", "office": "处室编号或名称 / office", "directive": "文件编号 / directive",
		"missing": "true：只列未报的 / only those missing", "limit": "条数 / how many", "cursor": "上一页的 next / next of the page before",
	}))
	cmd.PreRunE = func(*cobra.Command, []string) error { return q.required("period", "2019-08") }
	return a.exporting(cmd, "reports", &q)
}

func (a *app) printReports(page projections.ReportPage) error {
	rows := make([][]string, len(page.Items))
	for i, r := range page.Items {
		accepted := "否"
		if r.Accepted {
			accepted = "是"
		}
		deadline := ""
		if r.Deadline != nil {
			deadline = strings.TrimSpace(string(r.Deadline.Date) + " " + r.Deadline.Words)
		}
		rows[i] = []string{strconv.Itoa(r.No), r.DocumentNumber, strings.Join(r.Path, ""), excerpt(r.Text, 16), r.Office.Name, deadline,
			r.ReportChinese, string(r.ReportedOn), excerpt(r.Progress, 16), r.Light.Chinese, accepted, r.Remarks}
	}
	if err := a.table([]string{"序号", "任务来源", "条款", "任务内容", "处室", "完成时限", "报送", "报送日期", "进展情况", "亮灯", "办结", "备注"}, rows); err != nil {
		return err
	}
	t := page.Totals
	fmt.Fprintf(a.out, "%s：分项 %d，应报 %d，按时 %d，迟报 %d，未报 %d，零报告 %d，未到期 %d；账本序号 %d，截至 %s",
		page.Period.Chinese(), t.Shares, t.Due, t.InTime, t.Late, t.Missing, t.Nil, t.Pending, page.Cutoff.Sequence, page.Cutoff.Today)
	if page.Next != "" {
		fmt.Fprintf(a.out, "；下一页 --cursor %s", page.Next)
	}
	_, err := fmt.Fprintln(a.out)
	return err
}

func (a *app) assessmentCommand() *cobra.Command {
	var q query
	cmd := &cobra.Command{Use: "assessment", Short: "年度考核数据 / what the year end asks", Args: exactArgs(0), RunE: func(cmd *cobra.Command, _ []string) error {
		if err := q.required("year", "2019"); err != nil {
			return err
		}
		c, err := a.client()
		if err != nil {
			return err
		}
		b, err := c.do(cmd.Context(), request{method: http.MethodGet, path: "assessment-facts", query: q.values})
		if err != nil || a.json {
			return a.rawOr(b, err)
		}
		var v projections.AssessmentView
		if err := decode(b, &v); err != nil {
			return err
		}
		return a.printAssessment(v)
	}}
	q.flags(cmd, with(cutFlags(), map[string]string{"year": "年度 / year", "office": "处室编号或名称 / office"}))
	cmd.AddCommand(a.factsCommand())
	return cmd
}

// printAssessment prints a row for every office; a figure is followed by what it is
// set against.
func (a *app) printAssessment(v projections.AssessmentView) error {
	if len(v.Total) == 0 {
		return errors.New("服务器的回答里没有指标 / the server's answer has no figures")
	}
	columns := []string{"处室"}
	for _, f := range v.Total {
		columns = append(columns, f.Chinese)
	}
	row := func(name string, figures []projections.FigureView) []string {
		out := []string{name}
		for _, f := range figures {
			out = append(out, fmt.Sprintf("%d/%d", f.Numerator, f.Denominator))
		}
		return out
	}
	var rows [][]string
	for _, o := range v.Offices {
		rows = append(rows, row(o.Office.Name, o.Figures))
	}
	if err := a.table(columns, append(rows, row("合计", v.Total))); err != nil {
		return err
	}
	_, err := fmt.Fprintf(a.out, "%d 年度，账本序号 %d，截至 %s；逐项：duban assessment items --year %d --figure late\n", v.Year, v.Cutoff.Sequence, v.Cutoff.Today, v.Year)
	return err
}

func (a *app) factsCommand() *cobra.Command {
	var q query
	cmd := &cobra.Command{Use: "items", Short: "一个指标的逐项事实 / the items behind a figure", Args: exactArgs(0), RunE: func(cmd *cobra.Command, _ []string) error {
		if err := q.required("figure", "late"); err != nil {
			return err
		}
		c, err := a.client()
		if err != nil {
			return err
		}
		b, err := c.do(cmd.Context(), request{method: http.MethodGet, path: "assessment-facts/items", query: q.values})
		if err != nil || a.json {
			return a.rawOr(b, err)
		}
		var page projections.FactPage
		if err := decode(b, &page); err != nil {
			return err
		}
		rows := make([][]string, len(page.Items))
		for i, f := range page.Items {
			rows[i] = []string{f.Office.Name, f.DocumentNumber, strings.Join(f.Path, ""), excerpt(f.Text, 16), string(f.Period), string(f.Deadline), string(f.On),
				strconv.Itoa(f.N), strings.Join(f.EventIDs, " ")}
		}
		if err := a.table([]string{"处室", "任务来源", "条款", "任务内容", "所属期", "时限", "归属日", "计入", "事件"}, rows); err != nil {
			return err
		}
		fmt.Fprintf(a.out, "共 %d 项，合计 %d", page.Total, page.Sum)
		if page.Next != "" {
			fmt.Fprintf(a.out, "；下一页 --cursor %s", page.Next)
		}
		_, err = fmt.Fprintln(a.out)
		return err
	}}
	q.flags(cmd, with(cutFlags(), map[string]string{
		"figure": "指标 / figure: " + upTo(assessment.Figures), "year": "年度，缺省为全部 / year", "office": "处室编号或名称 / office",
		"directive": "文件编号 / directive", "month": "归属月份 2019-08 / month", "limit": "条数 / how many", "cursor": "上一页的 next / next of the page before",
	}))
	return cmd
}

// printStandings prints the table of a summary's offices.
func (a *app) printStandings(s projections.SummaryView) error {
	ratio := func(r projections.Ratio) string { return fmt.Sprintf("%d/%d", r.Numerator, r.Denominator) }
	row := func(name string, n projections.Standing) []string {
		return []string{name, strconv.Itoa(n.Shares), strconv.Itoa(n.Accepted), strconv.Itoa(n.Overdue), strconv.Itoa(n.Stagnant), strconv.Itoa(n.Unsigned),
			ratio(n.OnTime), ratio(n.Reporting), ratio(n.Rectified)}
	}
	var rows [][]string
	for _, o := range s.ByOffice {
		rows = append(rows, row(o.Office.Name, o.Standing))
	}
	return a.table([]string{"处室", "分项", "办结", "逾期", "停滞", "未签收", "按时办结", "报送", "整改"}, append(rows, row("合计", s.Total)))
}
