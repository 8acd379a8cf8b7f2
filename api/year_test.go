package api_test

import (
	"flag"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"duban/domain/assessment"
	"duban/domain/calendar"
	"duban/projections"
)

var update = flag.Bool("update", false, "write the golden files anew; read the diff")

const (
	yearScript     = "testdata/year/script.txt"
	yearTranscript = "testdata/year/transcript.txt"
)

// A real year of the office's work, from the notice to the figures that are asked
// for after it. The transcript shows every month's end and is written anew by
// -update; the closing figures were counted by hand over the script, stand in it,
// and are held against the program by themselves.
func TestScriptedYear(t *testing.T) {
	if testing.Short() {
		t.Skip("one client, one request after the other")
	}
	steps, counts := readYear(t, yearScript)
	require.NotEmpty(t, counts)
	y := newScriptedYear(t)
	var told transcript
	month := calendar.PeriodOf(calendar.UnitMonth, calendar.Date(steps[0].moment[:10]))
	for _, s := range steps {
		for next := calendar.PeriodOf(calendar.UnitMonth, calendar.Date(s.moment[:10])); month != next; month = month.Next() {
			told.month(y, month)
		}
		y.play(s)
	}
	told.month(y, month)
	y.clock.set(t, string(month.Next().First())+" 09:00")
	for _, day := range []calendar.Date{"2019-12-31", "2020-01-31"} {
		told.closing(y, day)
	}
	y.get(y.caughtUp("summary")).want(http.StatusOK)
	require.NoError(t, y.model.Verify(t.Context()))

	for _, hand := range counts {
		y.hold(hand)
	}
	if *update {
		require.NoError(t, os.WriteFile(yearTranscript, told.Bytes(), 0o644))
	}
	want, err := os.ReadFile(yearTranscript)
	require.NoError(t, err)
	assert.Equal(t, string(want), told.String())
}

// hold holds the program's figures against a hand count.
func (y *scriptedYear) hold(hand handCount) {
	y.t.Helper()
	got := map[string]projections.Ratio{}
	items := map[string]string{}
	var offices []projections.OfficeAssessment
	switch hand.figures {
	case "facts":
		v := y.facts(hand.known)
		offices = v.Offices
		for _, f := range v.Total {
			got[f.Figure], items[f.Figure] = f.Ratio, f.Items
		}
		for _, name := range assessment.Names() {
			assert.True(y.t, slices.ContainsFunc(hand.counts, func(c counted) bool { return c.name == name }), "%s is not counted by hand", name)
		}
	case "summary":
		got = y.summed(y.summary(hand.known))
	default:
		y.t.Fatalf("no figures are called %s", hand.figures)
	}
	for _, c := range hand.counts {
		f, ok := got[c.name]
		if !assert.True(y.t, ok, "line %d: no figure %s", c.line, c.name) {
			continue
		}
		assert.Equal(y.t, projections.Ratio{Numerator: c.num, Denominator: c.denom}, f, "%s known at %s, counted on line %d", c.name, hand.known, c.line)
		if len(c.of) > 0 {
			assert.Equal(y.t, c.of, y.items(items[c.name], c), "%s known at %s, counted on line %d", c.name, hand.known, c.line)
		}
		if !c.byPeriod() {
			y.holdOffices(offices, c)
		}
	}
}

// holdOffices holds every office's own figure against its shares in the hand count.
func (y *scriptedYear) holdOffices(offices []projections.OfficeAssessment, c counted) {
	y.t.Helper()
	if len(c.of) == 0 {
		return
	}
	for _, o := range offices {
		want := 0
		for share, n := range c.of {
			if strings.HasSuffix(share, "/"+y.short(o.Office.Name)) {
				want += n
			}
		}
		i := slices.IndexFunc(o.Figures, func(f projections.FigureView) bool { return f.Figure == c.name })
		require.GreaterOrEqual(y.t, i, 0, "%s of %s", c.name, o.Office.Name)
		assert.Equal(y.t, want, o.Figures[i].Numerator, "%s of %s, counted on line %d", c.name, o.Office.Name, c.line)
	}
}

// items counts the items of a figure in the way the hand count names them.
func (y *scriptedYear) items(path string, c counted) map[string]int {
	y.t.Helper()
	var page projections.FactPage
	y.do(request{method: http.MethodGet, path: path + "&limit=500", token: y.token}).want(http.StatusOK).into(&page)
	require.Len(y.t, page.Items, page.Total)
	out := map[string]int{}
	for _, f := range page.Items {
		name := strconv.Itoa(f.Number) + "/" + y.short(f.Office.Name)
		if c.byPeriod() {
			name = string(f.Period)
		}
		out[name] += f.N
	}
	return out
}

func (y *scriptedYear) facts(known calendar.Date) projections.AssessmentView {
	y.t.Helper()
	var v projections.AssessmentView
	y.get(y.caughtUp("assessment-facts?year=2019&known_at=" + string(known))).want(http.StatusOK).into(&v)
	return v
}

func (y *scriptedYear) summary(known calendar.Date) projections.SummaryView {
	y.t.Helper()
	var v projections.SummaryView
	y.get(y.caughtUp("summary?known_at=" + string(known))).want(http.StatusOK).into(&v)
	return v
}

// byPeriod reports whether the items of a count are periods, not shares.
func (c counted) byPeriod() bool {
	for name := range c.of {
		if _, err := calendar.ParsePeriod(name); err != nil {
			return false
		}
	}
	return len(c.of) > 0
}

// summed names what of a summary is counted by hand.
func (y *scriptedYear) summed(v projections.SummaryView) map[string]projections.Ratio {
	out := map[string]projections.Ratio{
		"tasks": {Numerator: v.Tasks}, "shares": {Numerator: v.Shares}, "accepted": {Numerator: v.Total.Accepted},
		"overdue": {Numerator: v.Total.Overdue}, "on_time": v.Total.OnTime, "reporting": v.Total.Reporting, "rectified": v.Total.Rectified,
	}
	for _, c := range v.TaskStatuses {
		out["tasks_"+c.Value] = projections.Ratio{Numerator: c.N}
	}
	for _, c := range v.Grades {
		out["findings_"+c.Value] = projections.Ratio{Numerator: c.N}
	}
	rows := map[string]projections.Standing{}
	for _, m := range v.ByMonth {
		rows[string(m.Month)] = m.Standing
	}
	for _, o := range v.ByOffice {
		rows[y.short(o.Office.Name)] = o.Standing
	}
	for name, r := range rows {
		out[name+".shares"], out[name+".accepted"] = projections.Ratio{Numerator: r.Shares}, projections.Ratio{Numerator: r.Accepted}
		out[name+".on_time"], out[name+".reporting"] = r.OnTime, r.Reporting
	}
	return out
}
