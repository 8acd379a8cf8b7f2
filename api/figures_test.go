package api_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"duban/projections"
)

// reported imports the short notice, whose six shares report every month by the
// 5th of the next; the chemical office reports on its first share for July in
// time. It returns a sequence before that report.
func reported(n *node) (im imported, before uint64) {
	n.t.Helper()
	im = n.importNotice(shortNotice)
	n.act(n.token, "directives/"+im.id+"/require-reporting", body{"unit": "month", "due_day": 5, "from": "2019-07-01"})
	chem := n.member("huagong", "office", im.offices["化工处"])
	before = n.store.Acked()
	n.clock.set(n.t, "2019-08-02 10:00")
	n.act(chem, "tasks/"+im.tasks[1]+"/report", body{"period": "2019-07", "condition": "normal", "progress": "已登记12户", "substantive": true})
	n.clock.set(n.t, "2019-08-20 09:00")
	return im, before
}

func TestReports(t *testing.T) {
	n := start(t)
	im, before := reported(n)
	ask := func(query string) projections.ReportPage {
		t.Helper()
		var page projections.ReportPage
		n.get(n.caughtUp("reports?" + query)).want(http.StatusOK).into(&page)
		return page
	}
	page := ask("period=2019-07")
	assert.Equal(t, projections.ReportTotals{Shares: 6, Due: 6, InTime: 1, Missing: 5}, page.Totals)
	require.Len(t, page.Items, 6)
	first := page.Items[0]
	assert.Equal(t, "某工信安〔2019〕7号", first.DocumentNumber)
	assert.Equal(t, []any{1, "化工处", "in_time", "已登记12户"}, []any{first.No, first.Office.Name, first.Report, first.Progress})
	assert.Equal(t, "2019-08-05", string(first.DueOn))
	var v struct{ Version uint64 }
	n.get("tasks/" + im.tasks[1]).want(http.StatusOK).into(&v)
	assert.Equal(t, v.Version, first.Version)
	// The event behind a row is in the task's history.
	n.get("tasks/" + im.tasks[1] + "/history").want(http.StatusOK)
	assert.Contains(t, string(n.get("tasks/"+im.tasks[1]+"/history").body), first.EventIDs[1])

	assert.Equal(t, 5, ask("period=2019-07&missing=true").Total)
	assert.Equal(t, 2, ask("period=2019-07&office="+url.QueryEscape("化工处")).Total)
	assert.Equal(t, 6, ask("period=2019-07&directive="+im.id).Total)
	assert.Equal(t, 6, ask("period=2019-08").Totals.Pending)
	// Before and after it was known; the day follows the cut.
	then := ask("period=2019-07&known_at=" + strconv.FormatUint(before, 10))
	assert.Equal(t, projections.ReportTotals{Shares: 6, Pending: 6}, then.Totals)
	assert.Equal(t, 6, ask("period=2019-07&today=2019-08-06&known_at="+strconv.FormatUint(before, 10)).Totals.Missing)

	var all []projections.ReportRow
	for cursor, pages := "", 0; pages == 0 || cursor != ""; pages++ {
		require.Less(t, pages, 4)
		part := ask("period=2019-07&limit=2&cursor=" + url.QueryEscape(cursor))
		all = append(all, part.Items...)
		cursor = part.Next
	}
	assert.Equal(t, page.Items, all)

	for query, field := range map[string]string{
		"": "period", "period=2019-13": "period", "period=August": "period", "period=2019-07&limit=0": "limit", "period=2019-07&limit=501": "limit",
		"period=2019-07&today=soon": "today", "period=2019-07&known_at=never": "known_at", "period=2019-07&colour=red": "colour",
	} {
		p := n.get("reports?" + query).problem(http.StatusUnprocessableEntity)
		raw, err := json.Marshal(p)
		require.NoError(t, err)
		assert.Contains(t, string(raw), field, query)
	}
	n.get("reports?period=2019-07&cursor=AAAA").problem(http.StatusUnprocessableEntity)
}

func TestAssessmentFacts(t *testing.T) {
	n := start(t)
	im, before := reported(n)
	ask := func(query string) projections.AssessmentView {
		t.Helper()
		var v projections.AssessmentView
		n.get(n.caughtUp("assessment-facts?" + query)).want(http.StatusOK).into(&v)
		return v
	}
	figure := func(list []projections.FigureView, name string) projections.FigureView {
		t.Helper()
		for _, f := range list {
			if f.Figure == name {
				return f
			}
		}
		t.Fatalf("no figure %s", name)
		return projections.FigureView{}
	}
	v := ask("year=2019")
	require.Len(t, v.Offices, 3)
	assert.Equal(t, projections.Ratio{Numerator: 6, Denominator: 6}, figure(v.Total, "assessable").Ratio)
	assert.Equal(t, projections.Ratio{Numerator: 1, Denominator: 6}, figure(v.Total, "reports_in_time").Ratio)
	// Assigned on 27 June: one share signed by the report of 2 August, the others not yet.
	assert.Equal(t, 36+5*54, figure(v.Total, "unsigned_days").Numerator)
	assert.Equal(t, 0, figure(v.Total, "late").Numerator)
	assert.Equal(t, 2, figure(ask("year=2019&today=2020-01-01").Total, "late").Numerator) // due at the end of December
	assert.Len(t, ask("year=2019&office="+url.QueryEscape("化工处")).Offices, 1)
	assert.Empty(t, ask("year=2018").Offices)
	assert.Equal(t, 0, figure(ask("year=2019&known_at="+strconv.FormatUint(before, 10)).Total, "reports_in_time").Numerator)

	// Every figure leads to its items.
	for _, list := range append([][]projections.FigureView{v.Total}, v.Offices[0].Figures, v.Offices[1].Figures, v.Offices[2].Figures) {
		for _, f := range list {
			var page projections.FactPage
			n.do(request{method: http.MethodGet, path: f.Items, token: n.token}).want(http.StatusOK).into(&page)
			assert.Equal(t, f.Numerator, page.Sum, f.Items)
			if f.Numerator > 0 {
				assert.NotEmpty(t, f.EventIDs, f.Items)
			}
		}
	}
	for query, field := range map[string]string{"": "year", "year=19": "year", "year=2300": "year", "year=MMXIX": "year", "year=2019&office=x&colour=red": "colour"} {
		p := n.get("assessment-facts?" + query).problem(http.StatusUnprocessableEntity)
		raw, err := json.Marshal(p)
		require.NoError(t, err)
		assert.Contains(t, string(raw), field, query)
	}
	for _, query := range []string{"", "figure=lateness", "figure=late&year=1", "figure=late&month=2019", "figure=late&cursor=AAAA"} {
		n.get("assessment-facts/items?" + query).problem(http.StatusUnprocessableEntity)
	}

	// The tables of the summary lead to the same items.
	var s projections.SummaryView
	n.get("summary").want(http.StatusOK).into(&s)
	require.Len(t, s.ByDirective, 1)
	assert.Equal(t, im.id, s.ByDirective[0].Directive)
	for _, row := range []projections.Standing{s.Total, s.ByOffice[0].Standing, s.ByDirective[0].Standing, s.ByMonth[1].Standing} {
		require.True(t, strings.Contains(row.Items, "/assessment-facts/items?"), row.Items)
		var page projections.FactPage
		n.do(request{method: http.MethodGet, path: row.Items + "&figure=reports_due", token: n.token}).want(http.StatusOK).into(&page)
		assert.Equal(t, row.Reporting.Denominator, page.Sum, row.Items)
	}
}
