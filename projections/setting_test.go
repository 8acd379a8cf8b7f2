package projections

import (
	"context"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"duban/domain"
	"duban/domain/calendar"
	"duban/domain/directive"
	"duban/domain/policy"
	"duban/domain/task"
	"duban/domain/workyear"
)

func daysOff(from calendar.Date, n int) []calendar.Date {
	var out []calendar.Date
	for i := range n {
		out = append(out, from.AddDays(i))
	}
	return out
}

func publish(year int, off, worked []calendar.Date, source string) *workyear.YearPublished {
	return &workyear.YearPublished{Year: year, Off: off, Worked: worked, Source: source}
}

// shown is the light of a task's first share with what it rests on, in the single
// read and in the list, which must agree.
func shown(t *testing.T, m *Model, as AsOf, ref domain.Ref, today calendar.Date) LightView {
	t.Helper()
	v, err := m.At(context.Background(), as)
	require.NoError(t, err)
	defer v.Close()
	one, err := v.Task(context.Background(), ref.ID, today)
	require.NoError(t, err)
	page, err := v.Tasks(context.Background(), TaskQuery{Today: today, Limit: 500})
	require.NoError(t, err)
	i := slices.IndexFunc(page.Items, func(item TaskView) bool { return item.ID == ref.ID })
	require.GreaterOrEqual(t, i, 0)
	require.Equal(t, one.Light, page.Items[i].Light, "the list and the single read")
	lit, err := v.Tasks(context.Background(), TaskQuery{Today: today, Light: one.Light.Light, Limit: 500})
	require.NoError(t, err)
	require.True(t, slices.ContainsFunc(lit.Items, func(item TaskView) bool { return item.ID == ref.ID }), "the filter for %s", one.Light.Light)
	return one.Light
}

// The prolonged spring festival of 2020: what was known on 24 January, and later.
func TestProlongedHoliday(t *testing.T) {
	l := newLedger(t)
	l.on("2019-11-25 09:00").do(t, workyear.Ref(2020), clerk, publish(2020, append(daysOff("2020-01-24", 7), "2020-01-01"), []calendar.Date{"2020-01-19", "2020-02-01"}, "国办发明电〔2019〕16号"))
	o := l.office(t, "a", "危化处")
	_, tasks := l.on("2020-01-23 09:00").directive(t, "D1", "安委办〔2020〕1号", "通知", clauseSpec{text: "排查。", offices: []domain.Ref{o}, kind: task.KindStanding})
	m := run(t, l)
	settle(t, m, l)
	before := l.Acked()
	for d, want := range map[calendar.Date]string{"2020-02-03": "normal", "2020-02-04": "unsigned"} {
		require.Equal(t, want, shown(t, m, AsOf{}, tasks[0], d).Light, d)
	}
	l.on("2020-01-27 12:00").do(t, workyear.Ref(2020), clerk, publish(2020, append(daysOff("2020-01-24", 10), "2020-01-01"), []calendar.Date{"2020-01-19"}, "国办发明电〔2020〕1号"))
	settle(t, m, l)
	for d, want := range map[calendar.Date]string{"2020-02-04": "normal", "2020-02-05": "normal", "2020-02-06": "unsigned"} {
		got := shown(t, m, AsOf{}, tasks[0], d)
		require.Equal(t, []any{want, "2020.2", false}, []any{got.Light, got.CalendarVersion, got.Provisional}, d)
	}
	known := shown(t, m, AsOf{Known: before}, tasks[0], "2020-02-04")
	require.Equal(t, []any{"unsigned", "2020.1", "default-1"}, []any{known.Light, known.CalendarVersion, known.RuleVersion})
	require.Equal(t, "2020.1", shown(t, m, AsOf{Effective: "2020-01-26"}, tasks[0], "2020-01-26").CalendarVersion)
	require.NoError(t, m.Verify(context.Background()))

	years, err := now(t, m).Calendars(context.Background(), "2020-02-06")
	require.NoError(t, err)
	require.Equal(t, 1, years.Total)
	y, err := now(t, m).Calendar(context.Background(), "2020")
	require.NoError(t, err)
	require.Equal(t, []any{2020, "2020.2", "国办发明电〔2020〕1号", uint64(2), "2020.1"}, []any{y.Year, y.CalendarVersion.CalendarVersion, y.Source, y.Version, y.Versions[0].CalendarVersion})
	_, err = now(t, m).Calendar(context.Background(), "2019")
	require.ErrorIs(t, err, ErrNotFound)
}

// New rules light every task and finding again, at once and as known before.
func TestRulesChange(t *testing.T) {
	l, refs := findings(t)
	m := run(t, l)
	settle(t, m, l)
	task1 := domain.Ref{Kind: domain.KindTask, ID: "D1-03"}
	before := l.Acked()
	rules, err := now(t, m).LightRules(context.Background())
	require.NoError(t, err)
	require.Equal(t, policy.Default(), rules.Rules)
	require.Empty(t, rules.Versions)
	require.Equal(t, "unsigned", shown(t, m, AsOf{}, task1, "2019-09-22").Light)

	set := &policy.LightsSet{Lights: policy.Default().Lights, Reason: "本地规定"}
	set.DueSoonDays = 10
	l.on("2019-09-11 09:00").do(t, policy.Ref(), clerk, set)
	settle(t, m, l)
	got := shown(t, m, AsOf{}, task1, "2019-09-22")
	require.Equal(t, []any{"due_soon", "lights.1", "none"}, []any{got.Light, got.RuleVersion, got.CalendarVersion})
	got = shown(t, m, AsOf{Known: before}, task1, "2019-09-22")
	require.Equal(t, []any{"unsigned", "default-1"}, []any{got.Light, got.RuleVersion})
	f, err := now(t, m).Finding(context.Background(), refs[0].ID, "2019-10-03")
	require.NoError(t, err)
	require.Equal(t, "lights.1", f.Light.RuleVersion)
	page, err := now(t, m).Findings(context.Background(), FindingQuery{Today: "2019-10-03"})
	require.NoError(t, err)
	require.Equal(t, "lights.1", page.Items[0].Light.RuleVersion)
	rules, err = now(t, m).LightRules(context.Background())
	require.NoError(t, err)
	require.Equal(t, []any{"lights.1", 10, "本地规定", 1}, []any{rules.Rules.Version, rules.DueSoonDays, rules.Reason, len(rules.Versions)})
	require.NoError(t, m.Verify(context.Background()))
	require.Contains(t, rules.Allowed, "set-lights")
}

// Other rules are written past the states in memory. What these last wrote is not
// what stands there any more, also where an event brings just that back: a report
// ten days later stagnates, by a threshold ten days shorter, on the same day.
func TestRowsAfterOtherRules(t *testing.T) {
	l := newLedger(t)
	o := l.office(t, "a", "危化处")
	_, tasks := l.on("2019-07-01 09:00").directive(t, "D1", "安委办〔2019〕1号", "通知", clauseSpec{text: "搬迁改造。", offices: []domain.Ref{o}, due: "2019-12-31"})
	report := func(day string) {
		l.on(day+" 09:00").do(t, tasks[0], of(o), &task.ProgressReported{ShareOf: task.ShareOf{Office: o}, Condition: task.ConditionNormal, Progress: "已登记", Substantive: true})
	}
	m := run(t, l)
	report("2019-07-10")
	settle(t, m, l)
	set := &policy.LightsSet{Lights: policy.Default().Lights, Reason: "本地规定"}
	set.StagnantDays -= 10
	l.do(t, policy.Ref(), clerk, set)
	settle(t, m, l)
	listed := func(day calendar.Date) int {
		page, err := now(t, m).Tasks(context.Background(), TaskQuery{Light: "stagnant", Today: day})
		require.NoError(t, err)
		return page.Total
	}
	require.Equal(t, 1, listed("2019-07-31"))
	report("2019-07-20")
	settle(t, m, l)
	require.Equal(t, []int{0, 0, 1}, []int{listed("2019-07-31"), listed("2019-08-09"), listed("2019-08-10")})
	require.NoError(t, m.Verify(context.Background()))
}

// A reporting duty lights the tasks of its directive, also those that nothing else
// happened to, and goes with the directive.
func TestReportingDuty(t *testing.T) {
	l, tasks, offices := story(t)
	d := domain.Ref{Kind: domain.KindDirective, ID: "D1"}
	m := run(t, l)
	settle(t, m, l)
	first := task.ShareOf{Office: offices[0]}
	require.Equal(t, "stagnant", shown(t, m, AsOf{}, tasks[0], "2019-09-06").Light)
	l.on("2019-08-02 09:00").do(t, d, clerk, &directive.ReportingRequired{Unit: calendar.UnitMonth, Due: calendar.Due{Day: 5}, From: "2019-08-01"})
	duty := l.Acked()
	settle(t, m, l)
	got := shown(t, m, AsOf{}, tasks[0], "2019-09-06")
	require.Equal(t, []any{"unreported", calendar.Period("2019-08"), calendar.Date("2019-09-05"), 1}, []any{got.Light, got.Period, got.Deadline, got.Days})
	require.Contains(t, got.EventIDs, l.records[duty-1].ID)
	require.Equal(t, "stagnant", shown(t, m, AsOf{Known: duty - 1}, tasks[0], "2019-09-06").Light)

	sum, err := now(t, m).Summary(context.Background(), "2019-09-06")
	require.NoError(t, err)
	require.Equal(t, []Count{{"unsigned", "未签收", 2}, {"unreported", "未报送", 1}, {"stagnant", "停滞", 1}}, sum.ShareLights, "one office has reported in August")

	l.on("2019-09-04 09:00").do(t, tasks[0], of(offices[0]), &task.ProgressReported{ShareOf: first, Period: "2019-08", Condition: task.ConditionNormal, Nil: true})
	settle(t, m, l)
	v, err := now(t, m).Task(context.Background(), tasks[0].ID, "2019-09-06")
	require.NoError(t, err)
	require.Equal(t, []string{"stagnant", "stagnant"}, []string{v.Shares[0].Light.Light, v.Shares[1].Light.Light})
	require.NoError(t, m.Verify(context.Background()))

	l.on("2019-09-07 09:00").do(t, d, clerk, &directive.Voided{Reason: "误导入"})
	settle(t, m, l)
	require.Equal(t, "stagnant", shown(t, m, AsOf{}, tasks[0], "2019-09-08").Light, "the directive requires nothing any more")
	require.NoError(t, m.Verify(context.Background()))
}

// An attestation that is due keeps its name when it turns red: one filter finds
// both, and one figure counts them.
func TestAttestationHasTwoColours(t *testing.T) {
	l := newLedger(t)
	o := l.office(t, "a", "危化处")
	_, tasks := l.on("2019-07-01 09:00").directive(t, "D1", "安委办〔2019〕1号", "通知", clauseSpec{text: "落实责任。", offices: []domain.Ref{o}, kind: task.KindStanding})
	l.on("2020-07-01 09:00").directive(t, "D2", "安委办〔2020〕2号", "通知", clauseSpec{text: "落实责任。", offices: []domain.Ref{o}, kind: task.KindStanding})
	for _, ref := range []string{"D1-01", "D2-01"} {
		l.on("2020-07-02 09:00").do(t, domain.Ref{Kind: domain.KindTask, ID: ref}, of(o), &task.Acknowledged{ShareOf: task.ShareOf{Office: o}})
	}
	m := run(t, l)
	settle(t, m, l)
	require.Equal(t, "yellow", shown(t, m, AsOf{}, tasks[0], "2019-12-31").Colour)
	require.Equal(t, "red", shown(t, m, AsOf{}, tasks[0], "2020-01-01").Colour)
	for _, sort := range []string{"number", "deadline", "light", "status", "updated"} {
		page, err := now(t, m).Tasks(context.Background(), TaskQuery{Light: "attestation_due", Today: "2020-12-01", Sort: sort})
		require.NoError(t, err)
		require.Len(t, page.Items, 2, sort)
		require.Equal(t, 2, page.Total)
		if sort == "light" {
			require.Equal(t, []string{"red", "yellow"}, []string{page.Items[0].Light.Colour, page.Items[1].Light.Colour})
		}
	}
	page, err := now(t, m).Tasks(context.Background(), TaskQuery{Light: "attestation_due", Office: "a", Today: "2020-12-01"})
	require.NoError(t, err)
	require.Equal(t, 2, page.Total)
	sum, err := now(t, m).Summary(context.Background(), "2020-12-01")
	require.NoError(t, err)
	both := []Count{{"attestation_due", "待确认", 2}}
	require.Equal(t, both, sum.TaskLights)
	require.Equal(t, both, sum.ShareLights)
	require.Equal(t, both, sum.ByOffice[0].Lights)
}

// The single read shows the periods of a recurring share up to the day asked for.
func TestPeriodsOfAShare(t *testing.T) {
	l := newLedger(t)
	o := l.office(t, "a", "危化处")
	_, tasks := l.on("2019-07-01 09:00").directive(t, "D1", "安委办〔2019〕1号", "通知", clauseSpec{
		text: "每季度排查。", offices: []domain.Ref{o}, kind: task.KindRecurring, schedule: &task.Schedule{Unit: calendar.UnitQuarter, Due: calendar.Due{Day: 10}}})
	share := task.ShareOf{Office: o}
	l.on("2019-10-09 09:00").do(t, tasks[0], of(o), &task.ClosureRequested{ShareOf: share, Period: "2019-Q3", Summary: "完成"})
	l.on("2019-10-12 09:00").do(t, tasks[0], clerk, &task.Accepted{ShareOf: share, Period: "2019-Q3"})
	l.on("2020-01-12 09:00").do(t, tasks[0], of(o), &task.ClosureRequested{ShareOf: share, Period: "2019-Q4", Summary: "完成"})
	l.on("2020-01-13 09:00").do(t, tasks[0], clerk, &task.Returned{ShareOf: share, Period: "2019-Q4", Reason: "不全"})
	l.on("2020-04-01 09:00").do(t, tasks[0], of(o), &task.ClosureRequested{ShareOf: share, Period: "2020-Q1", Summary: "完成"})
	m := run(t, l)
	settle(t, m, l)
	v, err := now(t, m).Task(context.Background(), tasks[0].ID, "2020-04-20")
	require.NoError(t, err)
	var have []any
	for _, p := range v.Shares[0].Periods {
		have = append(have, []any{string(p.Period), string(p.Due), p.Status, string(p.RequestedOn), p.Light.Light, p.Light.Days, p.OnTime != nil && *p.OnTime})
	}
	require.Equal(t, []any{
		[]any{"2019-Q3", "2019-10-10", "accepted", "2019-10-09", "normal", 0, true},
		[]any{"2019-Q4", "2020-01-10", "returned", "2020-01-12", "overdue", 101, false},
		[]any{"2020-Q1", "2020-04-10", "requested", "2020-04-01", "awaiting_review", 11, false},
		[]any{"2020-Q2", "2020-07-10", "open", "", "normal", 0, false},
	}, have)
	require.Equal(t, calendar.Period("2019-Q4"), v.Shares[0].Light.Period)
	require.Equal(t, "overdue", v.Light.Light)
	page, err := now(t, m).Tasks(context.Background(), TaskQuery{Today: "2020-04-20"})
	require.NoError(t, err)
	require.Nil(t, page.Items[0].Shares[0].Periods, "lists stay short")
}

// A recurring task stands among the dated ones by its first period not accepted.
func TestRecurringSortsByItsNextPeriod(t *testing.T) {
	l := newLedger(t)
	o := l.office(t, "a", "危化处")
	_, tasks := l.on("2019-07-01 09:00").directive(t, "D1", "安委办〔2019〕1号", "通知",
		clauseSpec{text: "搬迁改造。", offices: []domain.Ref{o}, due: "2019-11-30"},
		clauseSpec{text: "每季度排查。", offices: []domain.Ref{o}, kind: task.KindRecurring, schedule: &task.Schedule{Unit: calendar.UnitQuarter, Due: calendar.Due{Day: 10}}},
		clauseSpec{text: "加强宣传。", offices: []domain.Ref{o}})
	share := task.ShareOf{Office: o}
	check := func(date, period, source string, want ...int) {
		t.Helper()
		m := run(t, l)
		settle(t, m, l)
		for _, desc := range []bool{false, true} {
			page, err := now(t, m).Tasks(context.Background(), TaskQuery{Today: "2019-07-01", Sort: "deadline", Desc: desc})
			require.NoError(t, err)
			var numbers []int
			for _, v := range page.Items {
				numbers = append(numbers, v.Number)
			}
			if desc { // none still comes last
				want = []int{want[1], want[0], want[2]}
			}
			require.Equal(t, want, numbers)
		}
		v, err := now(t, m).Task(context.Background(), tasks[1].ID, "2019-07-01")
		require.NoError(t, err)
		require.Equal(t, [3]string{date, period, source}, [3]string{string(v.Shares[0].Deadline.Date), string(v.Shares[0].Deadline.Period), v.Shares[0].Deadline.Source})
		require.Equal(t, v.Shares[0].Deadline.Date, v.Deadline.Date)
	}
	check("2019-10-10", "2019-Q3", "scheduled", 2, 1, 3)
	l.on("2019-10-09 09:00").do(t, tasks[1], of(o), &task.ClosureRequested{ShareOf: share, Period: "2019-Q3", Summary: "完成"})
	check("2019-10-10", "2019-Q3", "scheduled", 2, 1, 3)
	l.on("2019-10-12 09:00").do(t, tasks[1], clerk, &task.Accepted{ShareOf: share, Period: "2019-Q3"})
	check("2020-01-10", "2019-Q4", "scheduled", 1, 2, 3)
	l.do(t, tasks[1], of(o), &task.ExtensionRequested{ShareOf: share, NewDate: "2020-01-20", Reason: "x"})
	l.do(t, tasks[1], clerk, &task.ExtensionGranted{Particulars: domain.Particulars{Approval: &domain.Approval{Leader: "分管领导", On: "2019-10-12", Words: "同意"}}, ShareOf: share, NewDate: "2020-01-20"})
	check("2020-01-20", "2019-Q4", "granted", 1, 2, 3)
}

// What was lit by an undone batch is forgotten with it.
func TestUndoneSettingIsForgotten(t *testing.T) {
	l, _, _ := story(t)
	g := fresh(t, t.TempDir(), l, false, defaultStateBytes)
	defer g.discard()
	feed(t, g, l.records)
	set := &policy.LightsSet{Lights: policy.Default().Lights, Reason: "本地规定"}
	set.DueSoonDays = 10
	l.do(t, policy.Ref(), clerk, set)
	require.NoError(t, g.append(l.records[g.position:]))
	require.NoError(t, g.writeRows())
	require.Equal(t, "lights.1", g.setting.Rules.Version)
	g.undo()
	require.Equal(t, policy.Default(), g.setting.Rules)
	feed(t, g, l.records)
	require.Equal(t, "lights.1", g.setting.Rules.Version)
	other := fresh(t, t.TempDir(), l, true, defaultStateBytes)
	defer other.discard()
	feed(t, other, l.records)
	require.NoError(t, other.fold(context.Background(), nil))
	require.NoError(t, compareDatabases(g.w, other.w))
}
