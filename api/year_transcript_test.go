package api_test

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"duban/domain/calendar"
	"duban/projections"
)

// A transcript is what a year looks like from outside.
type transcript struct{ bytes.Buffer }

func (w *transcript) line(format string, args ...any) { fmt.Fprintf(w, format+"\n", args...) }

// month writes the end of a month: where every office stands, and the round of
// reports about the month before, which fell due in this one.
func (w *transcript) month(y *scriptedYear, month calendar.Period) {
	y.t.Helper()
	w.line("## %s\n", month.Last())
	if y.tasks == nil {
		w.line("（尚无任务）\n")
		return
	}
	var page projections.Page[projections.TaskView]
	y.get(y.caughtUp("tasks?limit=500&today=" + string(month.Last()))).want(http.StatusOK).into(&page)
	w.offices(y, page.Items)
	w.reports(y, calendar.PeriodOf(calendar.UnitMonth, month.First().AddDays(-1)), month.Last())
}

// An officeLine is an office's shares on a day.
type officeLine struct {
	name     string
	shares   int
	statuses map[string]int
	lights   map[string][]string
}

func (w *transcript) offices(y *scriptedYear, tasks []projections.TaskView) {
	var lines []*officeLine
	at := func(name string) *officeLine {
		if i := slices.IndexFunc(lines, func(l *officeLine) bool { return l.name == name }); i >= 0 {
			return lines[i]
		}
		lines = append(lines, &officeLine{name: name, statuses: map[string]int{}, lights: map[string][]string{}})
		return lines[len(lines)-1]
	}
	for _, v := range tasks {
		for _, s := range v.Shares {
			l := at(y.short(s.Office.Name))
			l.shares++
			status := s.StatusChinese
			if v.Status == "cancelled" || v.Status == "suspended" {
				status = v.StatusChinese
			}
			l.statuses[status]++
			if s.Light.Colour != "green" && s.Light.Light != "" {
				l.lights[s.Light.Chinese] = append(l.lights[s.Light.Chinese], lit(v.Number, s.Light))
			}
		}
	}
	slices.SortFunc(lines, func(a, b *officeLine) int { return strings.Compare(a.name, b.name) })
	for _, l := range lines {
		w.line("%s %d：%s；%s", l.name, l.shares, join(l.statuses, strconv.Itoa), join(l.lights, func(of []string) string { return strings.Join(of, "、") }))
	}
	w.line("")
}

// lit writes a light: the clause, since when, for which period.
func lit(number int, l projections.LightView) string {
	s := fmt.Sprintf("%d(%s", number, l.Since)
	if l.Period != "" {
		s += " " + string(l.Period)
	}
	return s + ")"
}

func join[V any](m map[string]V, show func(V) string) string {
	var out []string
	for k, v := range m {
		out = append(out, k+" "+show(v))
	}
	slices.Sort(out)
	return strings.Join(out, "，")
}

func (w *transcript) reports(y *scriptedYear, period calendar.Period, today calendar.Date) {
	var page projections.ReportPage
	y.get(y.caughtUp("reports?limit=500&period=" + string(period) + "&today=" + string(today))).want(http.StatusOK).into(&page)
	r := page.Totals
	w.line("进展汇总表 %s：分项 %d，应报 %d，按时 %d，迟报 %d，未报 %d，零报告 %d，未到期 %d", period, r.Shares, r.Due, r.InTime, r.Late, r.Missing, r.Nil, r.Pending)
	odd := map[string][]string{}
	for _, row := range page.Items {
		if row.Report == "late" || row.Report == "missing" {
			odd[row.ReportChinese] = append(odd[row.ReportChinese], fmt.Sprintf("%d/%s", row.Number, y.short(row.Office.Name)))
		}
	}
	if len(odd) > 0 {
		w.line("  %s", join(odd, func(of []string) string { return strings.Join(of, "、") }))
	}
	w.line("")
}

// closing writes the figures of 2019 as they were known at the end of a day.
func (w *transcript) closing(y *scriptedYear, known calendar.Date) {
	w.line("## 2019，截至 %s 所知\n", known)
	s := y.summary(known)
	w.line("任务 %d（%s）", s.Tasks, counts(s.TaskStatuses))
	w.line("分项 %d（%s）", s.Shares, counts(s.ShareStatuses))
	w.line("隐患 %s；%s；整改率 %s\n", counts(s.Grades), counts(s.FindingLights), ratio(s.Total.Rectified))
	for _, o := range s.ByOffice {
		w.line("%s：%s", y.short(o.Office.Name), standing(o.Standing))
	}
	for _, m := range s.ByMonth {
		w.line("%s：%s", m.Month, standing(m.Standing))
	}
	w.line("\n考核数据")
	v := y.facts(known)
	w.figures("合计", v.Total)
	for _, o := range v.Offices {
		w.figures(y.short(o.Office.Name), o.Figures)
	}
	w.line("")
}

func (w *transcript) figures(name string, list []projections.FigureView) {
	var out []string
	for _, f := range list {
		if f.Numerator != 0 {
			out = append(out, f.Chinese+" "+ratio(f.Ratio))
		}
	}
	w.line("%s：%s", name, strings.Join(out, "，"))
}

func ratio(r projections.Ratio) string { return fmt.Sprintf("%d/%d", r.Numerator, r.Denominator) }

func counts(list []projections.Count) string {
	var out []string
	for _, c := range list {
		out = append(out, fmt.Sprintf("%s %d", c.Chinese, c.N))
	}
	return strings.Join(out, "，")
}

func standing(s projections.Standing) string {
	return fmt.Sprintf("分项 %d，办结 %d，按时 %s，报送 %s；%s", s.Shares, s.Accepted, ratio(s.OnTime), ratio(s.Reporting), counts(s.Lights))
}
