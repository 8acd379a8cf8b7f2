package projections

import (
	"context"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"duban/domain"
	"duban/domain/assessment"
	"duban/domain/calendar"
	"duban/domain/directive"
	"duban/domain/finding"
	"duban/domain/inspection"
	"duban/domain/office"
	"duban/domain/task"
	"duban/domain/workyear"
	"duban/eventstore"
)

// A yearStory is a year small enough to count by hand. Shares are named by clause
// and office: 1a and 1b are due on 2019-12-31, 2b on 2019-09-30, 3c is a standing
// duty, 4a has no deadline. All report on August to October by the 5th of the next
// month; 5 October 2019 is a Saturday, so September's report is due on the 7th.
type yearStory struct {
	*fakeLedger
	a, b, c  domain.Ref
	d        domain.Ref
	tasks    []domain.Ref
	reopened uint64 // last sequence before the false completion was found
}

func newYearStory(tb tester) *yearStory {
	l := newLedger(tb)
	s := &yearStory{fakeLedger: l, a: l.office(tb, "a", "危化处"), b: l.office(tb, "b", "应急处"), c: officeRef("c")}
	l.do(tb, s.c, clerk, &office.Registered{Name: "银川市应急管理局", Type: office.TypeCityBureau})
	s.d, s.tasks = l.directive(tb, "D1", "安委办〔2019〕19号", "关于进一步加强安全生产工作的通知",
		clauseSpec{text: "推进危险化学品安全综合治理。", due: "2019-12-31", offices: []domain.Ref{s.a, s.b}},
		clauseSpec{text: "完善应急预案体系。", due: "2019-09-30", offices: []domain.Ref{s.b}},
		clauseSpec{text: "落实属地监管责任。", kind: task.KindStanding, offices: []domain.Ref{s.c}},
		clauseSpec{text: "加强宣传教育。", offices: []domain.Ref{s.a}})
	l.do(tb, s.d, clerk, &directive.ReportingRequired{Unit: calendar.UnitMonth, Due: calendar.Due{Day: 5}, From: "2019-08-01", Until: "2019-10-31"})
	sign := func(at string, n int, o domain.Ref) {
		l.on(at).do(tb, s.tasks[n-1], of(o), &task.Acknowledged{ShareOf: task.ShareOf{Office: o}})
	}
	report := func(at string, n int, o domain.Ref, p calendar.Period, progress string) {
		r := &task.ProgressReported{ShareOf: task.ShareOf{Office: o}, Period: p, Condition: task.ConditionNormal, Progress: progress, Nil: progress == ""}
		if progress != "" {
			r.Problems, r.NextSteps = "人手不足", "加快推进"
		}
		l.on(at).do(tb, s.tasks[n-1], of(o), r)
	}
	request := func(at string, n int, o domain.Ref) {
		l.on(at).do(tb, s.tasks[n-1], of(o), &task.ClosureRequested{ShareOf: task.ShareOf{Office: o}, Summary: "完成"})
	}
	answer := func(at string, n int, p domain.Payload) { l.on(at).do(tb, s.tasks[n-1], clerk, p) }
	leave := domain.Particulars{Approval: approval, Basis: []domain.Basis{{Document: "自治区文件"}}}

	sign("2019-07-02 09:00", 1, s.a)
	sign("2019-07-02 09:00", 1, s.b)
	sign("2019-07-02 09:00", 2, s.b)
	sign("2019-07-05 09:00", 3, s.c)
	report("2019-09-03 09:00", 1, s.a, "2019-08", "已部署")
	report("2019-09-04 09:00", 1, s.a, "2019-08", "已部署，已检查12家") // corrects the first
	report("2019-09-05 17:00", 2, s.b, "2019-08", "")
	report("2019-09-10 09:00", 1, s.b, "2019-08", "已摸底")
	request("2019-09-20 09:00", 2, s.b)
	answer("2019-09-22 09:00", 2, &task.Returned{ShareOf: task.ShareOf{Office: s.b}, Reason: "缺附件"})
	request("2019-10-08 09:00", 2, s.b)
	answer("2019-10-10 09:00", 2, &task.Accepted{ShareOf: task.ShareOf{Office: s.b}})
	l.on("2019-10-15 09:00").do(tb, s.tasks[0], of(s.b), &task.ExtensionRequested{ShareOf: task.ShareOf{Office: s.b}, NewDate: "2020-01-31", Reason: "设备未到"})
	answer("2019-10-20 09:00", 1, &task.ExtensionGranted{Particulars: leave, ShareOf: task.ShareOf{Office: s.b}, NewDate: "2020-01-31"})
	request("2019-11-20 09:00", 1, s.a)
	answer("2019-11-22 09:00", 1, &task.Accepted{ShareOf: task.ShareOf{Office: s.a}})
	s.reopened = l.Acked()
	answer("2019-12-15 09:00", 1, &task.Reopened{Particulars: leave, Reason: task.ReopenFalseCompletion, Words: "现场未整改", Offices: []domain.Ref{s.a}})
	return s
}

// ratios writes figures as "name numerator/denominator", those without a numerator
// left out.
func ratios(figures []FigureView) string {
	var out []string
	for _, f := range figures {
		if f.Numerator > 0 {
			out = append(out, fmt.Sprintf("%s %d/%d", f.Figure, f.Numerator, f.Denominator))
		}
	}
	return strings.Join(out, ", ")
}

// Counted by hand from newYearStory.
func TestAssessmentOfAYear(t *testing.T) {
	l := newYearStory(t)
	m := run(t, l)
	settle(t, m, l)
	ask := func(v *View, today calendar.Date, office string) AssessmentView {
		out, err := v.Assessment(context.Background(), AssessmentQuery{Year: 2019, Today: today, Office: office})
		require.NoError(t, err)
		return out
	}
	v := ask(now(t, m), "2019-12-31", "")
	require.Len(t, v.Offices, 3)
	// 1a: on time, taken back; not late on the due day itself. 4a: unsigned from 1 July
	// to 31 December, 183 days, and one for 1a. Reports: 1a August in time; September
	// and October of 1a, August to October of 4a missing.
	require.Equal(t, "in_force 2/2, assessable 2/2, completed 1/2, overturned 1/1, requested 1/2, unsigned_days 184/2, "+
		"reports_due 6/2, reports_in_time 1/6, reports_missing 5/6", ratios(v.Offices[0].Figures))
	// 2b: due 30 September, the second request is of 8 October: 8 days. Reports: 1b
	// August late, two missing; 2b August nil in time, September missing, October not
	// owed any more.
	require.Equal(t, "in_force 2/2, assessable 2/2, late 1/1, late_days 8/1, completed 1/2, requested 2/2, returned 1/2, "+
		"extensions_requested 1/2, extensions_granted 1/1, unsigned_days 2/2, "+
		"reports_due 5/2, reports_in_time 1/5, reports_late 1/5, reports_missing 3/5, reports_nil 1/5", ratios(v.Offices[1].Figures))
	// 3c: the year's attestation is due on the day itself.
	require.Equal(t, "in_force 1/1, assessable 1/1, unsigned_days 4/1, reports_due 3/1, reports_missing 3/3", ratios(v.Offices[2].Figures))
	require.Equal(t, "in_force 5/5, assessable 5/5, late 1/1, late_days 8/1, completed 2/5, overturned 1/2, requested 3/5, returned 1/3, "+
		"extensions_requested 1/5, extensions_granted 1/1, unsigned_days 190/5, "+
		"reports_due 14/5, reports_in_time 2/14, reports_late 1/14, reports_missing 11/14, reports_nil 1/14", ratios(v.Total))
	require.Equal(t, v.Offices[1].Figures, ask(now(t, m), "2019-12-31", "应急处").Total)

	// Two days later 1a and 3c are late by two days each.
	require.Contains(t, ratios(ask(now(t, m), "2020-01-02", "").Total), "late 3/3, late_days 12/3")

	// Before the false completion was found, 1a was on time.
	then, err := m.At(context.Background(), AsOf{Known: l.reopened})
	require.NoError(t, err)
	defer then.Close()
	require.Contains(t, ratios(ask(then, "2019-12-31", "").Total), "on_time 1/2, late 1/2")
	require.NotContains(t, ratios(ask(then, "2019-12-31", "").Total), "overturned")

	// The events behind 2b's lateness: its deadline, the second request, its acceptance.
	late := v.Offices[1].Figures[3]
	require.Equal(t, "late", late.Figure)
	require.Len(t, late.EventIDs, 3)
	h, err := m.History(context.Background(), l.tasks[1], AsOf{})
	require.NoError(t, err)
	types := map[string]string{}
	for _, e := range h {
		types[e.ID] = e.Type
	}
	require.Equal(t, []string{"duban.task.deadline_stated.v1", "duban.task.closure_requested.v1", "duban.task.share_accepted.v1"},
		[]string{types[late.EventIDs[0]], types[late.EventIDs[1]], types[late.EventIDs[2]]})

	_, err = now(t, m).Assessment(context.Background(), AssessmentQuery{Year: 1, Today: "2019-12-31"})
	require.ErrorIs(t, err, ErrBadQuery)
}

// Whatever page size, the items of a figure are the figure.
func TestItemsAddUp(t *testing.T) {
	l := newYearStory(t)
	m := run(t, l)
	settle(t, m, l)
	v := now(t, m)
	whole, err := v.Assessment(context.Background(), AssessmentQuery{Year: 2019, Today: "2020-01-02"})
	require.NoError(t, err)
	for _, f := range whole.Total {
		for _, limit := range []int{1, 2, 500} {
			q := FactsQuery{Figure: f.Figure, Year: 2019, Today: "2020-01-02", Limit: limit}
			sum, events := 0, 0
			for pages := 0; ; pages++ {
				require.Less(t, pages, 30)
				page, err := v.Facts(context.Background(), q)
				require.NoError(t, err)
				require.Equal(t, f.Numerator, page.Sum, f.Figure)
				for _, item := range page.Items {
					sum += item.N
					events += len(item.EventIDs)
					require.NotEmpty(t, item.Office.Name)
					require.NotEmpty(t, item.Text)
				}
				if q.Cursor = page.Next; q.Cursor == "" {
					break
				}
			}
			require.Equal(t, f.Numerator, sum, "%s by %d", f.Figure, limit)
			require.GreaterOrEqual(t, events, len(f.EventIDs), f.Figure)
		}
		sum := 0
		require.NoError(t, v.EachFact(context.Background(), FactsQuery{Figure: f.Figure, Year: 2019, Today: "2020-01-02"}, func(f FactView) error {
			sum += f.N
			return nil
		}))
		require.Equal(t, f.Numerator, sum, f.Figure)
	}
	for _, q := range []FactsQuery{{Figure: "lates", Today: "2020-01-02"}, {Figure: "late", Month: "2019", Today: "2020-01-02"}, {Figure: "late", Year: 3000, Today: "2020-01-02"}} {
		_, err := v.Facts(context.Background(), q)
		require.ErrorIs(t, err, ErrBadQuery)
	}
}

// lines of a 进展汇总表: number, share, outcome, day reported.
func reportLines(rows []ReportRow) []string {
	var out []string
	for _, r := range rows {
		out = append(out, strings.TrimSpace(fmt.Sprintf("%d %d%s %s %s", r.No, r.Number, r.Office.ID, r.Report, r.ReportedOn)))
	}
	return out
}

func TestReportsOfAPeriod(t *testing.T) {
	l := newYearStory(t)
	m := run(t, l)
	settle(t, m, l)
	ask := func(q ReportQuery) ReportPage {
		t.Helper()
		page, err := now(t, m).Reports(context.Background(), q)
		require.NoError(t, err)
		return page
	}
	page := ask(ReportQuery{Period: "2019-08", Today: "2019-12-20"})
	require.Equal(t, []string{"1 1a in_time 2019-09-03", "2 1b late 2019-09-10", "3 2b in_time 2019-09-05", "4 3c missing", "5 4a missing"}, reportLines(page.Items))
	require.Equal(t, ReportTotals{Shares: 5, Due: 5, InTime: 2, Late: 1, Missing: 2, Nil: 1}, page.Totals)
	first := page.Items[0]
	require.Equal(t, "已部署，已检查12家", first.Progress)
	require.Equal(t, "人手不足", first.Problems)
	require.Equal(t, calendar.Date("2019-09-04"), first.RevisedOn)
	require.Equal(t, calendar.Date("2019-09-05"), first.DueOn)
	require.Len(t, first.EventIDs, 3) // the requirement, the report, its correction
	require.Equal(t, []Named{{"a", "危化处"}, {"b", "应急处"}}, first.Leads)
	require.Equal(t, l.heads[l.tasks[0]].Version, first.Version)
	require.Equal(t, "安委办〔2019〕19号", first.DocumentNumber)
	require.Equal(t, "推进危险化学品安全综合治理。", first.Text)
	require.Equal(t, "迟报5天；已批准延期", page.Items[1].Remarks)
	require.True(t, page.Items[2].Nil)
	require.True(t, page.Items[2].Accepted)
	require.Equal(t, "退回1次", page.Items[2].Remarks)

	// On the due day nothing is missing; the next day it is.
	require.Equal(t, ReportTotals{Shares: 5, Due: 3, InTime: 2, Late: 1, Nil: 1, Pending: 2}, ask(ReportQuery{Period: "2019-08", Today: "2019-09-05"}).Totals)
	require.Equal(t, 2, ask(ReportQuery{Period: "2019-08", Today: "2019-09-06"}).Totals.Missing)
	// September's report is due on Monday the 7th; 2b was accepted on 10 October.
	require.Equal(t, 0, ask(ReportQuery{Period: "2019-09", Today: "2019-10-07"}).Totals.Missing)
	require.Equal(t, 5, ask(ReportQuery{Period: "2019-09", Today: "2019-10-08"}).Totals.Missing)
	october := ask(ReportQuery{Period: "2019-10", Today: "2019-12-20"})
	require.Equal(t, []string{"1 1a missing", "2 1b missing", "3 2b none", "4 3c missing", "5 4a missing"}, reportLines(october.Items))
	// In December 2b is not in force any more; nothing is owed after October.
	require.Equal(t, []string{"1 1a none", "2 1b none", "3 3c none", "4 4a none"}, reportLines(ask(ReportQuery{Period: "2019-12", Today: "2019-12-20"}).Items))
	// No duty is quarterly: what was said for the months shows, but counts for nothing.
	require.Equal(t, []string{"1 1a none 2019-09-03", "2 1b none 2019-09-10", "3 2b none 2019-09-05", "4 3c none", "5 4a none"}, reportLines(ask(ReportQuery{Period: "2019-Q3", Today: "2019-12-20"}).Items))
	require.Empty(t, ask(ReportQuery{Period: "2018-08", Today: "2019-12-20"}).Items)

	missing := ask(ReportQuery{Period: "2019-08", Missing: true, Today: "2019-12-20"})
	require.Equal(t, []string{"1 3c missing", "2 4a missing"}, reportLines(missing.Items))
	require.Equal(t, 2, missing.Total)
	require.Equal(t, page.Totals, missing.Totals)
	require.Equal(t, []string{"1 1b late 2019-09-10", "2 2b in_time 2019-09-05"}, reportLines(ask(ReportQuery{Period: "2019-08", Office: "应急处", Today: "2019-12-20"}).Items))

	for _, limit := range []int{1, 2, 3} {
		q, all := ReportQuery{Period: "2019-08", Today: "2019-12-20", Limit: limit}, []ReportRow{}
		for range 6 {
			part := ask(q)
			require.Equal(t, page.Totals, part.Totals)
			require.Equal(t, 5, part.Total)
			all = append(all, part.Items...)
			if q.Cursor = part.Next; q.Cursor == "" {
				break
			}
		}
		require.Equal(t, page.Items, all)
	}
	var whole []ReportRow
	require.NoError(t, now(t, m).EachReport(context.Background(), ReportQuery{Period: "2019-08", Today: "2019-12-20"}, func(head ReportPage, rows iter.Seq2[ShareRow, error]) error {
		require.Equal(t, page.Totals, head.Totals)
		require.Equal(t, page.Cutoff, head.Cutoff)
		for r, err := range rows {
			require.NoError(t, err)
			require.NotEmpty(t, r.AssignedOn)
			whole = append(whole, r.ReportRow)
		}
		return nil
	}))
	require.Equal(t, page.Items, whole)
	require.ErrorIs(t, now(t, m).EachReport(context.Background(), ReportQuery{Period: "2019", Today: "2019-12-20"}, func(_ ReportPage, rows iter.Seq2[ShareRow, error]) error {
		for range rows {
			return errEnough // a reader that has enough
		}
		return nil
	}), errEnough)
	for field, q := range map[string]ReportQuery{
		"directive": {Period: "2019-08", Directive: "D2", Today: "2019-12-20"}, "office": {Period: "2019-08", Office: "没有处", Today: "2019-12-20"},
		"period": {Period: "2019-13", Today: "2019-12-20"}, "limit": {Period: "2019-08", Today: "2019-12-20", Limit: 501}, "today": {Period: "2019-08"},
	} {
		_, err := now(t, m).Reports(context.Background(), q)
		var bad *QueryError
		require.ErrorAs(t, err, &bad)
		require.Equal(t, field, bad.Field)
	}
	_, err := now(t, m).Reports(context.Background(), ReportQuery{Period: "2019-09", Today: "2019-12-20", Cursor: missing.Next + "AAAA"})
	require.ErrorIs(t, err, ErrBadCursor)

	// What was known before the reports came.
	then, err := m.At(context.Background(), AsOf{Known: 13})
	require.NoError(t, err)
	defer then.Close()
	early, err := then.Reports(context.Background(), ReportQuery{Period: "2019-08", Today: "2019-12-20"})
	require.NoError(t, err)
	require.Equal(t, 0, early.Totals.InTime)
}

// The duty of newYearStory is monthly, from August to October. A report about a
// quarter that nobody asked for is one more period.
func TestReportedPeriods(t *testing.T) {
	l := newYearStory(t)
	m := run(t, l)
	settle(t, m, l)
	ask := func(year int, today calendar.Date) []calendar.Period {
		t.Helper()
		periods, err := now(t, m).ReportedPeriods(context.Background(), year, today)
		require.NoError(t, err)
		return periods
	}
	require.Equal(t, []calendar.Period{"2019-08", "2019-09", "2019-10"}, ask(2019, "2019-12-31"))
	require.Equal(t, []calendar.Period{"2019-08", "2019-09"}, ask(2019, "2019-09-01"))
	require.Empty(t, ask(2020, "2020-12-31"))
	l.on("2019-12-20 09:00").do(t, l.tasks[0], of(l.b), &task.ProgressReported{
		ShareOf: task.ShareOf{Office: l.b}, Period: "2019-Q3", Condition: task.ConditionNormal, Progress: "三季度小结"})
	settle(t, m, l.fakeLedger)
	require.Equal(t, []calendar.Period{"2019-08", "2019-09", "2019-Q3", "2019-10"}, ask(2019, "2019-12-31"))
	_, err := now(t, m).ReportedPeriods(context.Background(), 1, "2019-12-31")
	var bad *QueryError
	require.ErrorAs(t, err, &bad)
}

// Counted by hand from newYearStory, as of 2019-12-31: of the obligations that were
// decided, only 2b's, none was on time; of 14 reports due 3 were made.
func TestSummaryTables(t *testing.T) {
	l := newYearStory(t)
	m := run(t, l)
	settle(t, m, l)
	s, err := now(t, m).Summary(context.Background(), "2019-12-31")
	require.NoError(t, err)
	require.Equal(t, Ratio{0, 1}, s.Total.OnTime)
	require.Equal(t, Ratio{3, 14}, s.Total.Reporting)
	require.Equal(t, []int{5, 1, 1}, []int{s.Total.Shares, s.Total.Accepted, s.Total.Unsigned})
	require.Len(t, s.ByOffice, 3)
	require.Equal(t, Ratio{1, 6}, s.ByOffice[0].Reporting)
	require.Equal(t, Ratio{2, 5}, s.ByOffice[1].Reporting)
	require.Len(t, s.ByCity, 1)
	require.Equal(t, s.ByOffice[2], s.ByCity[0])
	require.Equal(t, Ratio{0, 3}, s.ByCity[0].Reporting)
	require.Len(t, s.ByDirective, 1)
	require.Equal(t, []any{"D1", 4, s.Total}, []any{s.ByDirective[0].Directive, s.ByDirective[0].Tasks, s.ByDirective[0].Standing})
	months := map[calendar.Period]Standing{}
	for _, m := range s.ByMonth {
		months[m.Month] = m.Standing
	}
	require.Equal(t, 5, months["2019-07"].Shares) // assigned
	require.Equal(t, Ratio{3, 5}, months["2019-08"].Reporting)
	require.Equal(t, Ratio{0, 5}, months["2019-09"].Reporting)
	require.Equal(t, Ratio{0, 1}, months["2019-09"].OnTime) // 2b was due on the 30th
	require.Equal(t, Ratio{0, 4}, months["2019-10"].Reporting)
	require.Equal(t, 1, months["2019-10"].Accepted)
	shares := 0
	for _, row := range s.ByMonth {
		shares += row.Shares
	}
	require.Equal(t, s.Shares, shares)

	// The items that an address leads to are the figures of the row.
	for _, q := range []FactsQuery{{Office: "b"}, {Directive: "D1", Office: "b"}} {
		q.Figure, q.Today = "reports_due", "2019-12-31"
		page, err := now(t, m).Facts(context.Background(), q)
		require.NoError(t, err)
		require.Equal(t, 5, page.Sum)
	}
	page, err := now(t, m).Facts(context.Background(), FactsQuery{Figure: "reports_missing", Month: "2019-09", Today: "2019-12-31"})
	require.NoError(t, err)
	require.Equal(t, 5, page.Sum)
}

// Three hazards: one written off, one major that a city has to put right, one that
// was none.
func TestFindingsInTheTables(t *testing.T) {
	l := newYearStory(t)
	find := func(n int, tasks ...domain.Ref) domain.Ref {
		ref := domain.Ref{Kind: domain.KindFinding, ID: fmt.Sprintf("F%d", n)}
		l.on("2019-12-20 09:00").do(t, ref, inspector, &finding.Recorded{Subject: inspection.Subject{Name: "甲公司", Place: "银川"},
			Description: "报警器失灵", Category: "危化", FoundOn: "2019-12-19", Tasks: tasks})
		return ref
	}
	grade := func(ref domain.Ref, g finding.Grade, r finding.Rectifier) {
		l.do(t, ref, inspector, &finding.Verified{})
		l.do(t, ref, inspector, &finding.Graded{Grade: g, Criterion: "判定标准"})
		l.do(t, ref, inspector, &finding.RectificationOrdered{Rectifier: r, SupervisingOffice: l.a, Deadline: "2020-01-31"})
	}
	first := find(1)
	grade(first, finding.GradeOrdinary, finding.Rectifier{Name: "甲公司"})
	l.on("2019-12-22 09:00").do(t, first, inspector, &finding.RectificationReported{Summary: "已更换",
		Particulars: domain.Particulars{Evidence: []domain.Evidence{{SHA256: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", Size: 1}}}})
	l.do(t, first, clerk, &finding.Reinspected{Passed: true, Opinion: "合格"})
	l.do(t, first, inspector, &finding.WrittenOff{})
	grade(find(2, l.tasks[0]), finding.GradeMajor, finding.Rectifier{Office: l.c})
	l.do(t, find(3), inspector, &finding.Dismissed{Reason: "不属实"})

	m := run(t, l)
	settle(t, m, l)
	s, err := now(t, m).Summary(context.Background(), "2019-12-31")
	require.NoError(t, err)
	both := []Count{{"ordinary", "一般隐患", 1}, {"major", "重大隐患", 1}}
	require.Equal(t, both, s.Total.Findings)
	require.Equal(t, Ratio{1, 2}, s.Total.Rectified)
	require.Equal(t, both, s.ByOffice[0].Findings) // supervised
	require.Equal(t, Ratio{1, 2}, s.ByOffice[0].Rectified)
	require.Equal(t, both[1:], s.ByCity[0].Findings) // to be put right
	require.Equal(t, Ratio{0, 1}, s.ByCity[0].Rectified)
	require.Equal(t, both[1:], s.ByDirective[0].Findings)
	last := s.ByMonth[len(s.ByMonth)-1]
	require.Equal(t, calendar.Period("2019-12"), last.Month)
	require.Equal(t, both, last.Findings)
}

// Over any history, as known at any sequence: the figures read from rows are the
// sum of the facts that the domain derives from each task's events.
func TestFiguresAreTheSumOfTheFacts(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "model")
	rapid.Check(t, func(t *rapid.T) {
		l, p := play(t)
		m := openIn(t, l, dir)
		defer func() {
			require.NoError(t, m.Close())
			require.NoError(t, os.RemoveAll(dir))
		}()
		_, err := m.applyTo(l.records)
		require.NoError(t, err)
		known := uint64(rapid.IntRange(1, len(l.records)).Draw(t, "known"))
		today := calendar.On(l.now).AddDays(rapid.IntRange(0, 60).Draw(t, "days on"))
		v, err := m.At(context.Background(), AsOf{Known: known})
		require.NoError(t, err)
		defer v.Close()
		have, err := v.Assessment(context.Background(), AssessmentQuery{Year: 2019, Today: today})
		require.NoError(t, err)
		want := summed(l, p, AsOf{Known: known}, assessment.Question{Span: assessment.Year(2019), Today: assessment.DayOf(today)})
		for _, f := range have.Total {
			figure, err := assessment.ParseFigure(f.Figure)
			require.NoError(t, err)
			require.Equal(t, want[figure], f.Numerator, f.Figure)
		}
		// The summary's totals are the same facts over all time.
		s, err := v.Summary(context.Background(), today)
		require.NoError(t, err)
		ever := summed(l, p, AsOf{Known: known}, assessment.Question{Span: assessment.Ever(today), Today: assessment.DayOf(today)})
		require.Equal(t, Ratio{ever[assessment.OnTime], ever[assessment.OnTime] + ever[assessment.Late]}, s.Total.OnTime)
		require.Equal(t, ever[assessment.ReportDue], s.Total.Reporting.Denominator)
		for _, table := range [][]Standing{standings(s.ByOffice, func(o OfficeCount) Standing { return o.Standing }),
			standings(s.ByDirective, func(d DirectiveCount) Standing { return d.Standing }), standings(s.ByMonth, func(m MonthCount) Standing { return m.Standing })} {
			sum := Standing{}
			for _, row := range table {
				sum.Shares, sum.Overdue, sum.Stagnant = sum.Shares+row.Shares, sum.Overdue+row.Overdue, sum.Stagnant+row.Stagnant
				sum.OnTime.Denominator += row.OnTime.Denominator
			}
			require.Equal(t, []int{s.Shares, s.Total.Overdue, s.Total.Stagnant, s.Total.OnTime.Denominator},
				[]int{sum.Shares, sum.Overdue, sum.Stagnant, sum.OnTime.Denominator})
		}
	})
}

func standings[T any](rows []T, of func(T) Standing) []Standing {
	var out []Standing
	for _, r := range rows {
		out = append(out, of(r))
	}
	return out
}

// summed derives the facts from events, without rows.
func summed(l *fakeLedger, p *player, as AsOf, q assessment.Question) assessment.Tally {
	var years []workyear.State
	for _, y := range []int{2019, 2020} {
		years = append(years, domain.Fold(byHand(l, workyear.Ref(y), as), workyear.Evolve))
	}
	workdays := workyear.Workdays(years)
	duties := domain.Fold(byHand(l, p.directive, as), directive.Evolve).Duties()
	var sum assessment.Tally
	for _, ref := range p.tasks {
		s := domain.Fold(byHand(l, ref, as), task.Evolve)
		for _, sh := range s.Shares {
			r, _, ok := assessment.RecordOf(s, sh)
			if !ok {
				continue
			}
			var rounds []assessment.Round
			for _, o := range duties.Rounds(sh.Office, q.Span.From.Date(), q.Span.Until.Date()) {
				rounds = append(rounds, assessment.RoundOf(o, workdays))
			}
			r.Facts(q, rounds, sum.Add)
		}
	}
	return sum
}

// Records come back as they were written.
func TestRecordsInBytes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		mark := rapid.Custom(func(t *rapid.T) assessment.Mark {
			m := assessment.Mark{Event: rapid.Int32Range(0, 300).Draw(t, "event")}
			if m.Event != 0 {
				m.On = assessment.Day(rapid.Int32().Draw(t, "on"))
			}
			return m
		})
		deadline := rapid.Map(mark, func(m assessment.Mark) assessment.Mark {
			if m.Event == 0 {
				m.On = assessment.Never
			}
			return m
		})
		span := rapid.Custom(func(t *rapid.T) assessment.Span {
			return assessment.Span{From: assessment.Day(rapid.Int32().Draw(t, "from")), Until: assessment.Day(rapid.Int32().Draw(t, "until"))}
		})
		period := rapid.Custom(func(t *rapid.T) assessment.Period {
			u := calendar.Unit(rapid.IntRange(0, 5).Draw(t, "unit"))
			if u == 0 {
				return assessment.Period{}
			}
			return assessment.Period{Unit: u, N: rapid.Int32().Draw(t, "n")}
		})
		n := func(name string) int { return rapid.IntRange(0, 3).Draw(t, name) }
		r := assessment.Record{
			Kind: task.Kind(n("kind")), Held: span.Draw(t, "held"), Ending: assessment.Ending(n("ending")),
			End: mark.Draw(t, "end"), Assigned: mark.Draw(t, "assigned"), Signed: mark.Draw(t, "signed"), Deadline: deadline.Draw(t, "deadline"),
			Idle: rapid.SliceOfN(span, 0, 3).Draw(t, "idle"), Elsewhere: rapid.SliceOfN(period, 0, 3).Draw(t, "elsewhere"),
		}
		for range n("requests") {
			r.Requests = append(r.Requests, assessment.Request{Mark: mark.Draw(t, "request"), Period: period.Draw(t, "period"), Answer: mark.Draw(t, "answer"), Accepted: rapid.Bool().Draw(t, "accepted")})
		}
		for range n("undone") {
			r.Undone = append(r.Undone, assessment.Undone{Request: mark.Draw(t, "request"), Accepted: mark.Draw(t, "accepted"), Deadline: deadline.Draw(t, "deadline"), Reopened: mark.Draw(t, "reopened"), False: rapid.Bool().Draw(t, "false")})
		}
		for range n("extensions") {
			r.Extensions = append(r.Extensions, assessment.Extension{Mark: mark.Draw(t, "extension"), Granted: mark.Draw(t, "granted"), Refused: rapid.Bool().Draw(t, "refused")})
		}
		for range n("reports") {
			r.Reports = append(r.Reports, assessment.Report{Period: period.Draw(t, "period"), On: assessment.Day(n("on")), First: int32(n("first")), Last: int32(n("last")), Nil: rapid.Bool().Draw(t, "nil")})
		}
		for range n("attested") {
			r.Attested = append(r.Attested, assessment.Attestation{Mark: mark.Draw(t, "attested"), Period: period.Draw(t, "year")})
		}
		if p := period.Draw(t, "unit"); p.Unit != 0 {
			r.Schedule = assessment.Schedule{Unit: p.Unit, Due: calendar.Due{Day: n("day"), In: calendar.DueIn(n("in"))}, First: period.Draw(t, "first"), Until: assessment.Never, Basis: mark.Draw(t, "basis")}
			for range n("extended") {
				r.Schedule.Extended = append(r.Schedule.Extended, assessment.Extended{Period: period.Draw(t, "period"), Due: mark.Draw(t, "due")})
			}
		}
		b := encodeRecord(&r)
		// What was read before leaves nothing behind.
		back := assessment.Record{Idle: make([]assessment.Span, 5), Reports: make([]assessment.Report, 5), Schedule: assessment.Schedule{Unit: 1, Extended: make([]assessment.Extended, 2)}}
		require.NoError(t, decodeRecord(b, &back))
		require.Equal(t, fmt.Sprintf("%+v", r), fmt.Sprintf("%+v", back))
		require.ErrorIs(t, decodeRecord(append(b, 0), &back), errRecord)
		require.ErrorIs(t, decodeRecord(b[:len(b)-1], &back), errRecord)
	})
}

// A state that was dropped from memory has forgotten what it wrote: rows of a
// voided report, and of a task that was voided, go all the same.
func TestRowsOfWhatWasVoidedGo(t *testing.T) {
	l := newYearStory(t)
	void := ""
	for _, e := range l.events[l.tasks[0]] {
		if _, ok := e.Data.(*task.ProgressReported); ok {
			void = e.ID
		}
	}
	l.do(t, l.tasks[0], clerk, &task.Corrected{Correction: domain.Correction{Target: void, Mode: domain.ModeVoid, Reason: "误录"}})
	_, more := l.directive(t, "D2", "二号", "通知", clauseSpec{text: "重复登记的条款。", offices: []domain.Ref{l.a}})
	l.do(t, more[0], clerk, &task.Voided{Reason: "重复导入"})
	dir := t.TempDir()
	for _, memory := range []int{1, defaultStateBytes} {
		live := fresh(t, dir, l.fakeLedger, false, memory)
		defer live.discard()
		for _, r := range l.records {
			feed(t, live, []eventstore.Record{r})
		}
		rebuilt := fresh(t, dir, l.fakeLedger, true, defaultStateBytes)
		defer rebuilt.discard()
		require.NoError(t, rebuilt.append(l.records))
		require.NoError(t, rebuilt.fold(context.Background(), nil))
		require.NoError(t, compareDatabases(live.w, rebuilt.w))
		for table, want := range map[string]int64{"share_report": 3, "share_record": 5, "share_source": 5} {
			n, err := live.w.number("SELECT count(*) FROM " + table)
			require.NoError(t, err)
			require.Equal(t, want, n, table)
		}
	}
}
