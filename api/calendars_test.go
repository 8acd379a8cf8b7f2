package api_test

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"duban/api"
	"duban/domain/calendar"
	"duban/domain/policy"
	"duban/domain/workyear"
	"duban/projections"
)

func TestPublishAYear(t *testing.T) {
	n := start(t)
	var none projections.Page[projections.CalendarView]
	n.get("calendars").want(http.StatusOK).into(&none)
	require.Empty(t, none.Items)
	n.get("calendars/2019").problem(http.StatusNotFound)

	first := body{"year": 2019, "off": []string{"2019-10-01", "2019-10-02"}, "worked": []string{"2019-09-29"}, "source": "国办发明电〔2018〕15号"}
	const key = "01DEB74HM0ZH8ANTYF6GQ9ZK7F"
	made := n.do(keyed(n.token, "calendars", encode(t, first), key)).want(http.StatusCreated)
	require.Equal(t, "/api/v1/calendars/2019", made.header.Get("Location"))
	again := n.do(keyed(n.token, "calendars", encode(t, first), key)).want(http.StatusCreated)
	require.Equal(t, "true", again.header.Get("Idempotent-Replayed"))
	require.JSONEq(t, string(made.body), string(again.body))
	n.unchanged(func() {
		p := n.post(n.token, "calendars", first).problem(http.StatusConflict)
		require.Equal(t, "calendar.year_published.same", p.Rule)
		require.Equal(t, []string{"publish"}, p.Allowed)
		first["off"] = []string{"2020-01-01"}
		require.Equal(t, "calendar.year_published.outside", n.post(n.token, "calendars", first).problem(http.StatusUnprocessableEntity).Rule)
	})
	first["off"] = []string{"2019-10-01"}
	stale := request{method: http.MethodPost, path: "calendars", token: n.token, media: "application/json", body: encode(t, first), header: map[string]string{"If-Match": `"7"`}}
	n.do(stale).problem(http.StatusPreconditionFailed)
	stale.header["If-Match"] = `"1"`
	n.do(stale).want(http.StatusCreated)

	var y projections.CalendarView
	a := n.get(n.caughtUp("calendars/2019")).want(http.StatusOK)
	a.into(&y)
	require.Equal(t, `"2"`, a.header.Get("ETag"))
	require.Equal(t, "2019.2", y.CalendarVersion.CalendarVersion)
	require.Len(t, y.Versions, 2)
	var h api.HistoryView
	n.get("calendars/2019/history").want(http.StatusOK).into(&h)
	require.Len(t, h.Events, 2)
	require.Equal(t, "calendar/2019", h.Subject)
}

// Every year the built-in data holds can be published as it is proposed.
func TestProposals(t *testing.T) {
	n := start(t)
	for year := 2002; year <= 2026; year++ {
		var p api.CalendarProposal
		n.get(fmt.Sprintf("calendars/%d/proposal", year)).want(http.StatusOK).into(&p)
		require.Equal(t, year, p.Year)
		require.NoError(t, (&workyear.YearPublished{Year: p.Year, Off: p.Off, Worked: p.Worked, Source: p.Source}).Validate(), "%d", year)
	}
	var p api.CalendarProposal
	n.get("calendars/2020/proposal").want(http.StatusOK).into(&p)
	require.Contains(t, p.Off, calendar.Date("2020-02-02"), "the prolonged spring festival")
	require.NotContains(t, p.Worked, calendar.Date("2020-02-01"))
	n.get("calendars/2019/proposal").want(http.StatusOK).into(&p)
	require.True(t, slices.Contains(p.Worked, "2019-09-29") && slices.Contains(p.Off, "2019-10-07"))
	for _, year := range []string{"2001", "1999", "2199", "20", "19999", "x", "2"} {
		require.Equal(t, "urn:duban:problem:not-found", n.get("calendars/"+year+"/proposal").problem(http.StatusNotFound).Type)
	}
}

// Years, rules and duties change the lights, and answers name their versions.
func TestLightsNameWhatTheyRestOn(t *testing.T) {
	n := start(t)
	im := n.importNotice(shortNotice)
	task := im.tasks[1]
	light := func(today string) projections.LightView {
		var v projections.TaskView
		n.get(n.caughtUp("tasks/" + task + "?today=" + today)).want(http.StatusOK).into(&v)
		return v.Light
	}
	before := n.store.Acked()
	l := light("2019-07-08")
	require.Equal(t, []any{"unsigned", "default-1", "none", true}, []any{l.Light, l.RuleVersion, l.CalendarVersion, l.Provisional})

	n.clock.pass()
	n.act(n.token, "calendars", body{"year": 2019, "off": []string{"2019-10-01"}, "source": "国办发明电〔2018〕15号"})
	var rules projections.PolicyView
	n.get("policy/lights").want(http.StatusOK).into(&rules)
	require.Equal(t, policy.Default(), rules.Rules)
	set := body{"due_soon_days": 7, "unsigned_working_days": 30, "stagnant_days": 10, "reinspection_days": 10, "attestation_days": 30, "review_working_days": 5, "undated_working_days": 10, "reason": "本地规定"}
	a := n.post(n.token, "policy/lights", set).want(http.StatusCreated)
	require.Equal(t, "/api/v1/policy/lights", a.header.Get("Location"))
	set["stagnant_days"] = 0
	p := n.post(n.token, "policy/lights", set).problem(http.StatusUnprocessableEntity)
	require.Equal(t, "body.stagnant_days", p.Errors[0].Location)
	l = light("2019-07-08")
	require.Equal(t, []any{"stagnant", "lights.1", "2019.1", false}, []any{l.Light, l.RuleVersion, l.CalendarVersion, l.Provisional})
	n.get(n.caughtUp("policy/lights")).want(http.StatusOK).into(&rules)
	require.Equal(t, []any{"lights.1", 10, 1}, []any{rules.Rules.Version, rules.StagnantDays, len(rules.Versions)})

	n.act(n.token, "directives/"+im.id+"/require-reporting", body{"unit": "month", "due_day": 1, "due_in": "period", "from": "2019-07-01"})
	l = light("2019-07-02")
	require.Equal(t, []any{"unreported", calendar.Period("2019-07")}, []any{l.Light, l.Period})
	var page projections.Page[projections.TaskView]
	n.get("tasks?light=unreported&today=2019-07-02").want(http.StatusOK).into(&page)
	require.Positive(t, page.Total)
	var old projections.TaskView
	n.get("tasks/" + task + "?today=2019-07-08&known_at=" + strconv.FormatUint(before, 10)).want(http.StatusOK).into(&old)
	require.Equal(t, []any{"unsigned", "default-1", "none"}, []any{old.Light.Light, old.Light.RuleVersion, old.Light.CalendarVersion})
}

// An office named by a duty has to exist.
func TestReportingDutyNamesKnownOffices(t *testing.T) {
	n := start(t)
	im := n.importNotice(shortNotice)
	n.unchanged(func() {
		p := n.post(n.token, "directives/"+im.id+"/require-reporting", body{"unit": "month", "due_day": 5, "from": "2019-07-01", "offices": []string{"office/nobody"}}).problem(http.StatusUnprocessableEntity)
		require.Equal(t, "reference.unknown", p.Rule)
	})
}
