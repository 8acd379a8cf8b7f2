package projections

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"duban/domain/calendar"
	"duban/domain/light"
	"duban/domain/task"
)

// On every day exactly one span holds, with the worst light of the windows.
func TestSpansHoldTheWorstLight(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		base := calendar.Date("2019-12-20")
		var windows []light.Window
		for range rapid.IntRange(0, 5).Draw(t, "windows") {
			w := light.Window{
				Light: light.Light(rapid.IntRange(1, int(light.Paused)).Draw(t, "light")),
				From:  base.AddDays(rapid.IntRange(0, 20).Draw(t, "from")),
			}
			if rapid.Bool().Draw(t, "ends") {
				w.Until = w.From.AddDays(rapid.IntRange(0, 10).Draw(t, "days"))
			}
			windows = append(windows, w)
		}
		all := spans(windows)
		for i := -2; i < 40; i++ {
			d := base.AddDays(i)
			want := light.Normal
			if w, ok := light.On(windows, d); ok {
				want = w.Light
			}
			holding := 0
			for _, s := range all {
				if s.since <= day(d) && day(d) <= s.until {
					holding++
					require.Equal(t, want, s.light, "on %s", d)
				}
			}
			require.Equal(t, 1, holding, "on %s", d)
		}
	})
}

// The lights of a task by day: the list's filter, the single read and the summary
// agree on each.
func TestLightsByDay(t *testing.T) {
	l, tasks, offices := story(t)
	// Office c asks for closure in time; the return brings the light back.
	l.on("2019-09-30 16:00").do(t, tasks[2], of(offices[2]), &task.ClosureRequested{ShareOf: task.ShareOf{Office: offices[2]}, Summary: "完成"})
	requested := l.Acked()
	l.on("2019-10-10 09:00").do(t, tasks[2], clerk, &task.Returned{ShareOf: task.ShareOf{Office: offices[2]}, Reason: "不全"})
	m := run(t, l)
	settle(t, m, l)
	for _, c := range []struct {
		known uint64
		day   calendar.Date
		want  string
		days  int
	}{
		{0, "2019-09-22", "stagnant", 52},
		{0, "2019-09-23", "due_soon", 7},
		{0, "2019-09-30", "due_soon", 0},
		{0, "2019-10-01", "overdue", 1},
		{0, "2019-10-31", "overdue", 31},
		{requested, "2019-09-30", "normal", 0},
		{requested, "2019-10-05", "normal", 0},
		{requested, "2019-10-08", "awaiting_review", 0}, // Monday to Friday: the week off is not published here
	} {
		v, err := m.At(context.Background(), AsOf{Known: c.known})
		require.NoError(t, err)
		one, err := v.Task(context.Background(), tasks[2].ID, c.day)
		require.NoError(t, err)
		require.Equal(t, c.want, one.Light.Light, c.day)
		require.Equal(t, c.days, one.Light.Days, c.day)
		require.Equal(t, "default-1", one.Light.RuleVersion)
		if c.want != "normal" {
			require.NotEmpty(t, one.Light.EventIDs)
		}
		page, err := v.Tasks(context.Background(), TaskQuery{Light: c.want, Today: c.day})
		require.NoError(t, err)
		found := false
		for _, item := range page.Items {
			require.Equal(t, c.want, item.Light.Light)
			found = found || item.ID == tasks[2].ID
		}
		require.True(t, found, c.day)
		sum, err := v.Summary(context.Background(), c.day)
		require.NoError(t, err)
		for _, n := range sum.TaskLights {
			if n.Value == c.want {
				require.Equal(t, page.Total, n.N)
			}
		}
		v.Close()
	}
}

// A voided directive is counted nowhere and listed where it is asked for.
func TestVoidedTasksAreCountedNowhere(t *testing.T) {
	l, tasks, _ := story(t)
	for _, ref := range tasks[1:] {
		events, err := l.decide(ref, clerk, l.now, &task.Voided{Reason: "误导入"})
		require.NoError(t, err)
		l.append(t, events...)
	}
	m := run(t, l)
	settle(t, m, l)
	page, err := now(t, m).Tasks(context.Background(), TaskQuery{Today: "2020-01-01"})
	require.NoError(t, err)
	require.Equal(t, 1, page.Total)
	page, err = now(t, m).Tasks(context.Background(), TaskQuery{Status: "voided", Today: "2020-01-01", Sort: "deadline"})
	require.NoError(t, err)
	require.Equal(t, 2, page.Total)
	require.Len(t, page.Items, 2)
	require.Equal(t, "normal", page.Items[0].Light.Light)
	sum, err := now(t, m).Summary(context.Background(), "2020-01-01")
	require.NoError(t, err)
	require.Equal(t, []int{1, 2, 2}, []int{sum.Tasks, sum.Shares, sum.Offices})
}
