package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"duban/domain/calendar"
	"duban/domain/directive"
	"duban/domain/finding"
	"duban/domain/inspection"
	"duban/domain/light"
	"duban/domain/office"
	"duban/domain/task"
	"duban/projections"
)

var zone = calendar.Zone

// query collects flags that are passed on as query parameters when they are set.
type query struct{ values url.Values }

func (q *query) flags(cmd *cobra.Command, names map[string]string) {
	q.values = url.Values{}
	for name, usage := range names {
		cmd.Flags().Func(name, usage, func(v string) error {
			q.values.Set(strings.ReplaceAll(name, "-", "_"), v)
			return nil
		})
	}
}

func with(sets ...map[string]string) map[string]string {
	all := map[string]string{}
	for _, s := range sets {
		for k, v := range s {
			all[k] = v
		}
	}
	return all
}

func cutFlags() map[string]string {
	return map[string]string{
		"known-at":     "账本当时所知：序号、时间或日期 / as known at a sequence, time or date",
		"effective-at": "只计此日以前发生的事 / only what had happened by this date",
		"today":        "亮灯所依据的日期 / the day for the lights",
		"min-seq":      "等到读模型达到该序号 / wait for this sequence",
	}
}

func pageFlags() map[string]string {
	return map[string]string{
		"q": "检索 / search", "sort": "排序 / sort by: number, deadline, updated, light, status", "limit": "条数 / how many", "cursor": "上一页的 next / next of the page before",
		"desc": "降序 true / descending",
	}
}

// listCommand is a command that prints one page of a list.
func listCommand[T any](a *app, use, short string, flags map[string]string, columns []string, row func(T) []string) *cobra.Command {
	return listing(a, &query{}, use, short, flags, columns, row)
}

// listing is a listCommand whose flags the caller reads too.
func listing[T any](a *app, q *query, use, short string, flags map[string]string, columns []string, row func(T) []string) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short, Args: exactArgs(0), RunE: func(cmd *cobra.Command, _ []string) error {
		c, err := a.client()
		if err != nil {
			return err
		}
		b, err := c.do(cmd.Context(), request{method: http.MethodGet, path: use, query: q.values})
		if err != nil {
			return err
		}
		if a.json {
			return a.printRaw(b)
		}
		var page projections.Page[T]
		if err := decode(b, &page); err != nil {
			return err
		}
		rows := make([][]string, len(page.Items))
		for i, item := range page.Items {
			rows[i] = row(item)
		}
		if err := a.table(columns, rows); err != nil {
			return err
		}
		fmt.Fprintf(a.out, "共 %d 条，账本序号 %d，亮灯日 %s", page.Total, page.Cutoff.Sequence, page.Cutoff.Today)
		if page.Next != "" {
			fmt.Fprintf(a.out, "；下一页 --cursor %s", page.Next)
		}
		_, err = fmt.Fprintln(a.out)
		return err
	}}
	q.flags(cmd, flags)
	return cmd
}

func (a *app) table(columns []string, rows [][]string) error {
	w := tabwriter.NewWriter(a.out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, strings.Join(columns, "\t"))
	for _, r := range rows {
		fmt.Fprintln(w, strings.Join(r, "\t"))
	}
	return w.Flush()
}

// excerpt returns the first n characters of a text on one line.
func excerpt(s string, n int) string {
	r := []rune(strings.Join(strings.Fields(s), " "))
	if len(r) <= n {
		return string(r)
	}
	return string(r[:n]) + "…"
}

func (a *app) tasksCommand() *cobra.Command {
	flags := with(cutFlags(), pageFlags(), map[string]string{
		"office": "处室编号或名称 / office", "status": "状态 / status: " + choices(new(task.Status)), "light": "亮灯 / light: " + upTo(light.Normal),
		"directive": "文件编号 / directive", "kind": "类型 / kind: " + choices(new(task.Kind)), "handler": "经办人 person/… / handler", "open": "只列有在办分项的 true，--handler 离任前须移交的 / with open shares",
	})
	return listCommand(a, "tasks", "任务清单 / list tasks", flags,
		[]string{"编号", "条款", "状态", "亮灯", "时限", "处室", "内容"}, func(t projections.TaskView) []string {
			var offices []string
			for _, sh := range t.Shares {
				offices = append(offices, sh.Office.Name)
			}
			deadline := ""
			if t.Deadline != nil {
				deadline = string(t.Deadline.Date)
			}
			return []string{t.ID, strings.Join(t.Path, ""), t.StatusChinese, t.Light.Chinese, deadline, strings.Join(offices, "、"), excerpt(t.Text, 24)}
		})
}

func (a *app) findingsCommand() *cobra.Command {
	flags := with(cutFlags(), pageFlags(), map[string]string{
		"office": "督办处室 / supervising office", "status": "状态 / status: " + choices(new(finding.Status)),
		"light": "亮灯 / light: rectification_overdue 整改逾期, reinspection_due 待复查, normal 正常", "grade": "级别 / grade: " + choices(new(finding.Grade)),
		"task": "任务编号 / task", "inspection": "检查编号 / inspection", "year": "发现的年份 / year in which they were found",
	})
	delete(flags, "sort")
	var q query
	cmd := listing(a, &q, "findings", "隐患清单 / list findings", flags,
		[]string{"编号", "级别", "状态", "亮灯", "被检查单位", "内容"}, func(f projections.FindingView) []string {
			return []string{f.ID, chineseOf(new(finding.Grade), f.Grade), f.StatusChinese, f.Light.Chinese, f.Subject, excerpt(f.Description, 24)}
		})
	return a.exporting(cmd, "reports/rectification", &q)
}

func (a *app) officesCommand() *cobra.Command {
	flags := with(cutFlags(), pageFlags())
	delete(flags, "sort")
	return listCommand(a, "offices", "处室清单 / list offices", flags, []string{"编号", "名称", "类型", "别名", "去向"},
		func(o projections.OfficeView) []string {
			return []string{"office/" + o.ID, o.Name, chineseOf(new(office.Type), o.Type), strings.Join(o.Aliases, "、"), whereTo(o)}
		})
}

// whereTo says what became of an office that was reorganised.
func whereTo(o projections.OfficeView) string {
	switch {
	case o.MergedInto != nil:
		return fmt.Sprintf("%s 并入%s", o.EndedOn, o.MergedInto.Name)
	case len(o.SplitInto) > 0:
		var names []string
		for _, n := range o.SplitInto {
			names = append(names, n.Name)
		}
		return strings.TrimSpace(fmt.Sprintf("%s 分设为%s", o.EndedOn, strings.Join(names, "、")))
	}
	return ""
}

func (a *app) inspectionsCommand() *cobra.Command {
	flags := with(cutFlags(), pageFlags())
	delete(flags, "sort")
	return listCommand(a, "inspections", "检查清单 / list inspections", flags, []string{"编号", "类型", "状态", "发现", "范围"},
		func(i projections.InspectionView) []string {
			return []string{i.ID, i.Kind, chineseOf(new(inspection.Status), i.Status), strconv.Itoa(i.Findings), excerpt(i.Scope, 40)}
		})
}

func (a *app) directivesCommand() *cobra.Command {
	flags := with(cutFlags(), pageFlags(), map[string]string{"status": "状态 / status: in_force 有效, voided 已撤销登记, repealed 已废止"})
	delete(flags, "sort")
	return listCommand(a, "directives", "文件清单 / list directives", flags, []string{"编号", "文号", "任务", "分项", "状态", "标题"},
		func(d projections.DirectiveView) []string {
			return []string{d.ID, d.DocumentNumber, strconv.Itoa(d.TaskCount), strconv.Itoa(d.ShareCount), directiveStatus(d.Status), excerpt(d.Title, 40)}
		})
}

// directiveStatus is the word for what a list says of a directive.
func directiveStatus(status string) string {
	switch status {
	case projections.DirectiveInForce:
		return directive.StatusIssued.Chinese()
	case projections.DirectiveVoided:
		return directive.StatusVoided.Chinese()
	case projections.DirectiveRepeal:
		return directive.StatusRepealed.Chinese()
	}
	return status
}

func (a *app) calendarsCommand() *cobra.Command {
	return listCommand(a, "calendars", "已发布的工作日历 / published years", cutFlags(), []string{"年份", "版本", "放假", "调休上班", "来源"},
		func(y projections.CalendarView) []string {
			return []string{strconv.Itoa(y.Year), y.CalendarVersion.CalendarVersion, strconv.Itoa(len(y.Off)), strconv.Itoa(len(y.Worked)), y.Source}
		})
}

func (a *app) lightsCommand() *cobra.Command {
	var q query
	cmd := &cobra.Command{Use: "lights", Short: "现行亮灯规则 / the rules of the lights in force", Args: exactArgs(0), RunE: func(cmd *cobra.Command, _ []string) error {
		c, err := a.client()
		if err != nil {
			return err
		}
		b, err := c.do(cmd.Context(), request{method: http.MethodGet, path: "policy/lights", query: q.values})
		if err != nil || a.json {
			return a.rawOr(b, err)
		}
		var p projections.PolicyView
		if err := decode(b, &p); err != nil {
			return err
		}
		return a.printRules(p)
	}}
	q.flags(cmd, cutFlags())
	return cmd
}

func (a *app) printRules(p projections.PolicyView) error {
	fmt.Fprintf(a.out, "规则版本 %s %s\n", p.Rules.Version, p.Reason)
	t := reflect.TypeOf(p.Lights)
	rows := make([][]string, t.NumField())
	for i := range rows {
		rows[i] = []string{t.Field(i).Tag.Get("json"), strconv.FormatInt(reflect.ValueOf(p.Lights).Field(i).Int(), 10), t.Field(i).Tag.Get("doc")}
	}
	return a.table([]string{"阈值", "天数", "含义"}, rows)
}

func (a *app) summaryCommand() *cobra.Command {
	var q query
	cmd := &cobra.Command{Use: "summary", Short: "统计 / figures", Args: exactArgs(0), RunE: func(cmd *cobra.Command, _ []string) error {
		c, err := a.client()
		if err != nil {
			return err
		}
		b, err := c.do(cmd.Context(), request{method: http.MethodGet, path: "summary", query: q.values})
		if err != nil || a.json {
			return a.rawOr(b, err)
		}
		var s projections.SummaryView
		if err := decode(b, &s); err != nil {
			return err
		}
		fmt.Fprintf(a.out, "文件 %d，条款 %d，任务 %d（共同承担 %d），分项 %d，处室 %d\n", s.Directives, s.Clauses, s.Tasks, s.SharedTasks, s.Shares, s.Offices)
		for _, g := range []struct {
			title  string
			counts []projections.Count
		}{{"任务状态", s.TaskStatuses}, {"分项状态", s.ShareStatuses}, {"任务亮灯", s.TaskLights}, {"分项亮灯", s.ShareLights}, {"隐患", s.Findings}, {"隐患亮灯", s.FindingLights}} {
			var parts []string
			for _, n := range g.counts {
				parts = append(parts, fmt.Sprintf("%s %d", n.Chinese, n.N))
			}
			fmt.Fprintf(a.out, "%s：%s\n", g.title, strings.Join(parts, "，"))
		}
		return a.printStandings(s)
	}}
	q.flags(cmd, cutFlags())
	return cmd
}

// rawOr prints an answer as it came, or returns the error.
func (a *app) rawOr(b []byte, err error) error {
	if err != nil {
		return err
	}
	return a.printRaw(b)
}

// findRecord returns the plural path of the record with that id, for commands
// that take the id of anything with a history.
func findRecord(ctx context.Context, c *client, id string, q url.Values) (path string, history []byte, err error) {
	kinds := []string{"tasks", "findings", "directives", "inspections", "offices", "calendars"}
	if kind, rest, ok := strings.Cut(id, "/"); ok {
		kinds, id = []string{kind + "s"}, rest
	}
	for _, k := range kinds {
		path = k + "/" + url.PathEscape(id)
		history, err = c.do(ctx, request{method: http.MethodGet, path: path + "/history", query: q})
		var p problemError
		if err == nil || !asProblem(err, &p) || p.p.Status != http.StatusNotFound {
			return path, history, err
		}
	}
	return "", nil, fmt.Errorf("没有编号为 %s 的记录 / there is no record with the id %s", id, id)
}

func (a *app) replayCommand() *cobra.Command {
	var q query
	cmd := &cobra.Command{Use: "replay ID", Short: "按当时所知重放一条记录 / a record as it was known", Args: exactArgs(1), RunE: func(cmd *cobra.Command, args []string) error {
		c, err := a.client()
		if err != nil {
			return err
		}
		path, _, err := findRecord(cmd.Context(), c, args[0], q.values)
		if err != nil {
			return err
		}
		b, err := c.do(cmd.Context(), request{method: http.MethodGet, path: path, query: q.values})
		if err != nil || a.json || !strings.HasPrefix(path, "tasks/") {
			return a.rawOr(b, err)
		}
		var t projections.TaskView
		if err := decode(b, &t); err != nil {
			return err
		}
		return a.printTask(t)
	}}
	q.flags(cmd, cutFlags())
	return cmd
}

func (a *app) printTask(t projections.TaskView) error {
	fmt.Fprintf(a.out, "%s %s 第%d项\n%s\n状态：%s　亮灯：%s　版本：%d　序号：%d\n", t.DocumentNumber, strings.Join(t.Path, ""), t.Number,
		t.Text, t.StatusChinese, t.Light.Chinese, t.Version, t.Sequence)
	a.printRelations(t)
	rows := make([][]string, len(t.Shares))
	for i, s := range t.Shares {
		deadline := ""
		if s.Deadline != nil {
			deadline = strings.TrimSpace(string(s.Deadline.Date) + " " + s.Deadline.Words)
		}
		rows[i] = []string{s.Office.Name, chineseOf(new(task.Role), s.Role), s.StatusChinese, s.Light.Chinese, deadline, string(s.SignedOn), string(s.ReportedOn), excerpt(s.Progress, 20)}
	}
	if err := a.table([]string{"处室", "角色", "状态", "亮灯", "时限", "签收", "最近报告", "进展"}, rows); err != nil {
		return err
	}
	if err := a.printPeriods(t.Shares); err != nil {
		return err
	}
	if len(t.Allowed) > 0 {
		fmt.Fprintln(a.out, "可以办理 / allowed:", commandWords(t.Allowed))
	}
	return nil
}

// printPeriods prints the periods of recurring shares.
func (a *app) printPeriods(shares []projections.ShareView) error {
	chinese := map[string]string{projections.PeriodOpen: "待办", projections.PeriodRequested: "已报结", projections.PeriodReturned: "已退回", projections.PeriodAccepted: "已办结"}
	var rows [][]string
	for _, s := range shares {
		for _, p := range s.Periods {
			rows = append(rows, []string{s.Office.Name, p.Chinese, string(p.Due), chinese[p.Status], p.Light.Chinese, string(p.RequestedOn), string(p.AcceptedOn)})
		}
	}
	if len(rows) == 0 {
		return nil
	}
	return a.table([]string{"处室", "所属期", "到期", "状态", "亮灯", "报结", "办结"}, rows)
}

// printRelations says how the task stands to its directive and to other tasks,
// where there is anything to say.
func (a *app) printRelations(t projections.TaskView) {
	switch t.DirectiveState {
	case projections.DirectiveRepeal:
		fmt.Fprintln(a.out, "文件已废止 / the directive was repealed")
	case projections.DirectiveVoided:
		fmt.Fprintln(a.out, "文件已撤销登记 / the directive was voided")
	}
	for _, r := range t.Revisions {
		fmt.Fprintf(a.out, "条款修订：%s，%s 起 / clause revised\n", r.By, r.EffectiveOn)
	}
	if t.Consolidated != "" {
		fmt.Fprintln(a.out, "并入 / consolidated into: task/"+t.Consolidated)
	}
	if len(t.Children) > 0 {
		fmt.Fprintln(a.out, "分解为 / decomposed into: task/"+strings.Join(t.Children, "、task/"))
	}
	for _, l := range t.Links {
		fmt.Fprintf(a.out, "%s / %s: task/%s\n", l.Chinese, l.Relation, l.Task)
	}
}
