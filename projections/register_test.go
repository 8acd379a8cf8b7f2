package projections

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"duban/domain"
	"duban/domain/office"
	"duban/domain/task"
)

// story is a small ledger with shares in several states.
func story(tb tester) (*fakeLedger, []domain.Ref, []domain.Ref) {
	l := newLedger(tb)
	a := l.office(tb, "a", "危化处", "危险化学品处")
	b := l.office(tb, "b", "应急处")
	c := l.office(tb, "c", "矿山处")
	_, tasks := l.directive(tb, "D1", "安委办〔2019〕19号", "关于进一步加强安全生产工作的通知",
		clauseSpec{text: "推进危险化学品安全综合治理。", heading: "一、危化品", due: "2019-12-31", offices: []domain.Ref{a, b}},
		clauseSpec{text: "完善应急预案体系，每年演练。", offices: []domain.Ref{b}, kind: task.KindRecurring},
		clauseSpec{text: "落实矿山企业主体责任。", due: "2019-09-30", offices: []domain.Ref{c}},
		clauseSpec{text: "加强组织领导。"})
	l.on("2019-07-02 10:00").do(tb, tasks[0], of(a), &task.Acknowledged{ShareOf: task.ShareOf{Office: a}, Person: person("zhang")})
	l.on("2019-08-01 10:00").do(tb, tasks[0], of(b), &task.ProgressReported{ShareOf: task.ShareOf{Office: b}, Condition: task.ConditionNormal, Progress: "已部署"})
	return l, tasks, []domain.Ref{a, b, c}
}

func TestSingleTask(t *testing.T) {
	l, tasks, _ := story(t)
	m := run(t, l)
	settle(t, m, l)
	v, err := now(t, m).Task(context.Background(), tasks[0].ID, "2019-12-28")
	require.NoError(t, err)
	require.Equal(t, "安委办〔2019〕19号", v.DocumentNumber)
	require.Equal(t, "推进危险化学品安全综合治理。", v.Text)
	require.Equal(t, "acknowledged", v.Status)
	require.Equal(t, "due_soon", v.Light.Light)
	require.Equal(t, 3, v.Light.Days)
	require.Len(t, v.Shares, 2)
	require.Equal(t, "危化处", v.Shares[0].Office.Name)
	require.Equal(t, "zhang", v.Shares[0].Handler)
	require.Equal(t, "已部署", v.Shares[1].Progress)
	require.Contains(t, v.Shares[0].Allowed, "request-closure")
	require.Equal(t, l.heads[tasks[0]].Version, v.Version)
	require.Equal(t, l.heads[tasks[0]].Seq, v.Sequence)

	_, err = now(t, m).Task(context.Background(), "nobody", "2019-12-28")
	require.ErrorIs(t, err, ErrNotFound)
}

func TestTaskFilters(t *testing.T) {
	l, tasks, offices := story(t)
	l.on("2019-08-02 09:00").do(t, offices[1], clerk, &office.Renamed{Name: "应急管理处"})
	m := run(t, l)
	settle(t, m, l)
	for _, c := range []struct {
		name string
		q    TaskQuery
		want []int
	}{
		{"all", TaskQuery{}, []int{0, 1, 2}},
		{"office id", TaskQuery{Office: "b"}, []int{0, 1}},
		{"office ref", TaskQuery{Office: "office/b"}, []int{0, 1}},
		{"present name", TaskQuery{Office: "应急管理处"}, []int{0, 1}},
		{"former name", TaskQuery{Office: "应急处"}, []int{0, 1}},
		{"alias", TaskQuery{Office: "危险化学品处"}, []int{0}},
		{"status", TaskQuery{Status: "assigned"}, []int{1, 2}},
		{"kind", TaskQuery{Kind: "recurring"}, []int{1}},
		{"handler", TaskQuery{Handler: "person/zhang"}, []int{0}},
		{"handler of another office", TaskQuery{Handler: "zhang", Office: "b"}, nil},
		{"open share of a handler", TaskQuery{Handler: "person/zhang", Open: true}, []int{0}},
		{"open", TaskQuery{Open: true}, []int{0, 1, 2}},
		{"directive", TaskQuery{Directive: "D1"}, []int{0, 1, 2}},
		{"light", TaskQuery{Light: "overdue", Today: "2019-10-01"}, []int{2}},
		{"light not yet", TaskQuery{Light: "overdue", Today: "2019-09-30"}, nil},
		{"light by office", TaskQuery{Light: "due_soon", Office: "c", Today: "2019-09-30"}, []int{2}},
		{"light of another office", TaskQuery{Light: "due_soon", Office: "b", Today: "2019-09-30"}, nil},
		{"normal", TaskQuery{Light: "normal", Today: "2019-07-02"}, []int{0, 1, 2}},
		{"unsigned", TaskQuery{Light: "unsigned", Today: "2019-07-05"}, []int{1, 2}}, // as now, both shares of the first are signed
		{"unsigned by office", TaskQuery{Light: "unsigned", Office: "b", Today: "2019-07-05"}, []int{1}},
		{"stagnant", TaskQuery{Light: "stagnant", Today: "2019-10-01"}, []int{0}},
		{"one character", TaskQuery{Q: "矿"}, []int{2}},
		{"two characters", TaskQuery{Q: "应急"}, []int{0, 1}}, // the text of one, an office of both
		{"words", TaskQuery{Q: "危险 治理"}, []int{0}},
		{"heading", TaskQuery{Q: "一、危化品"}, []int{0}},
		{"number", TaskQuery{Q: "安委办[2019]19号"}, []int{0, 1, 2}},
		{"number in full width", TaskQuery{Q: "（２０１９）１９"}, []int{0, 1, 2}},
		{"pairs that are there but not together", TaskQuery{Q: "安全综合安"}, nil},
		{"punctuation", TaskQuery{Q: "。"}, []int{0, 1, 2}},
		{"former office name", TaskQuery{Q: "应急处"}, []int{0, 1}},
		{"present office name", TaskQuery{Q: "应急管理处"}, []int{0, 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.q.Today == "" {
				c.q.Today = "2019-08-02"
			}
			for _, sort := range []string{"number", "deadline", "updated", "light", "status"} {
				for _, desc := range []bool{false, true} {
					c.q.Sort, c.q.Desc = sort, desc
					page, err := now(t, m).Tasks(context.Background(), c.q)
					require.NoError(t, err)
					var want, have []string
					for _, i := range c.want {
						want = append(want, tasks[i].ID)
					}
					for _, item := range page.Items {
						have = append(have, item.ID)
					}
					require.ElementsMatch(t, want, have, "sort %s desc %v", sort, desc)
					require.Equal(t, len(want), page.Total)
					if sort == "number" && !desc {
						require.Equal(t, want, have)
					}
				}
			}
		})
	}
}

func TestSummaryCountsTasksAndSharesApart(t *testing.T) {
	l, _, _ := story(t)
	m := run(t, l)
	settle(t, m, l)
	s, err := now(t, m).Summary(context.Background(), "2019-10-01")
	require.NoError(t, err)
	require.Equal(t, []int{1, 4, 3, 4, 1, 3}, []int{s.Directives, s.Clauses, s.Tasks, s.Shares, s.SharedTasks, s.Offices})
	sum := func(counts []Count) (n int) {
		for _, c := range counts {
			n += c.N
		}
		return n
	}
	require.Equal(t, 3, sum(s.TaskStatuses))
	require.Equal(t, 4, sum(s.ShareStatuses))
	require.Equal(t, 3, sum(s.TaskLights))
	require.Equal(t, 4, sum(s.ShareLights))
	require.Equal(t, OfficeCount{Named{"c", "矿山处"}, Standing{
		Shares: 1, Overdue: 1, Unsigned: 1, OnTime: Ratio{0, 1}, Findings: []Count{}, Lights: []Count{{"overdue", "逾期", 1}},
	}}, s.ByOffice[2])
}

func TestVerifyFindsADifference(t *testing.T) {
	l, _, _ := story(t)
	m := run(t, l)
	settle(t, m, l)
	require.NoError(t, m.Verify(context.Background()))
	m.apply.Lock()
	require.NoError(t, m.cur.w.run("UPDATE task SET status=status+1 WHERE number=3"))
	m.apply.Unlock()
	err := m.Verify(context.Background())
	require.ErrorIs(t, err, ErrDifferent)
	var d *DifferenceError
	require.ErrorAs(t, err, &d)
	require.Equal(t, "task", d.Table)
}

// TestVerifyAShorterLedger: the read model knows more than the ledger has left.
func TestVerifyAShorterLedger(t *testing.T) {
	l, _, _ := story(t)
	m := run(t, l)
	settle(t, m, l)
	l.set(func() { l.records = l.records[:len(l.records)-3] })
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	err := m.Verify(ctx)
	require.ErrorContains(t, err, fmt.Sprint(l.Acked()))
	require.NotErrorIs(t, err, context.DeadlineExceeded)
}
