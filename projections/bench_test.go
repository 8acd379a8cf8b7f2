package projections

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"
	"github.com/stretchr/testify/require"

	"duban/domain"
	"duban/domain/calendar"
	"duban/domain/directive"
	"duban/domain/office"
	"duban/domain/task"
	"duban/domain/vocabulary"
	"duban/eventstore"
)

// A crowd fills a real store with many tasks: first all directives and tasks, then
// reports in turn, so that every batch touches other aggregates than the last.
type crowd struct {
	tb      testing.TB
	store   *eventstore.Store
	heads   map[domain.Ref]eventstore.Head
	offices []domain.Ref
	tasks   []domain.Ref
	shares  int
	at      time.Time
}

// ledgerDir keeps the ledgers that benchmarks fill, so that a second run shows the
// memory of a rebuild without that of the filling.
var ledgerDir = flag.String("ledgers", "", "folder in which benchmarks keep their ledgers")

// filled returns a store with 100,000 events about so many tasks.
func filled(b *testing.B, tasks int) *eventstore.Store {
	dir := b.TempDir()
	if *ledgerDir != "" {
		dir = filepath.Join(*ledgerDir, fmt.Sprint(tasks))
	}
	s, err := eventstore.Open(context.Background(), eventstore.Config{Org: testOrg, Dir: dir, Types: vocabulary.Payloads()})
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, s.Close()) })
	if s.Acked() < 1000 {
		c := populate(b, s, tasks)
		all := c.tasks
		c.tasks = all[:1]
		c.report(int(s.Acked()) + 60)
		c.tasks = all
		c.report(100_000)
	}
	return s
}

func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func (c *crowd) append(events ...domain.Event) {
	c.tb.Helper()
	var writes []eventstore.Write
	at := map[domain.Ref]int{}
	for _, e := range events {
		i, ok := at[e.Subject]
		if !ok {
			i = len(writes)
			at[e.Subject] = i
			writes = append(writes, eventstore.Write{Subject: e.Subject, Head: c.heads[e.Subject]})
		}
		writes[i].Events = append(writes[i].Events, e)
	}
	key := ulid.Make()
	receipt, err := c.store.Append(context.Background(), eventstore.Append{
		Command: eventstore.Command{ID: eventstore.CommandID(clerk.Person, "POST bench", key), Digest: eventstore.Digest(nil)}, Key: key, Writes: writes,
	})
	require.NoError(c.tb, err)
	for _, r := range receipt.Records {
		c.heads[r.Subject] = eventstore.Head{Seq: r.Seq, Version: r.Version, Hash: r.Hash()}
	}
}

func (c *crowd) event(ref domain.Ref, by domain.Caller, p domain.Payload) domain.Event {
	return domain.Entry{By: by, Time: c.at, Now: c.at}.Event(ref, p)
}

// populate makes n tasks of 1.5 shares on average.
func populate(tb testing.TB, s *eventstore.Store, n int) *crowd {
	c := &crowd{tb: tb, store: s, heads: map[domain.Ref]eventstore.Head{}, at: at("2019-07-01 09:00")}
	for i := range 11 {
		ref := officeRef(ulid.Make().String())
		c.offices = append(c.offices, ref)
		c.append(c.event(ref, clerk, &office.Registered{Name: fmt.Sprintf("第%d处", i), Type: office.TypeOffice}))
	}
	const perDirective = 25
	for len(c.tasks) < n {
		d := domain.Ref{Kind: domain.KindDirective, ID: ulid.Make().String()}
		recorded := &directive.ClausesRecorded{}
		var follow []domain.Event
		for i := range min(perDirective, n-len(c.tasks)) {
			text := fmt.Sprintf("%s第%d号文件第%d项，%s", clausePhrases[i%len(clausePhrases)], len(c.tasks), i, strings.Repeat("严格落实安全生产责任制，", 6))
			hash := directive.TextHash(text)
			recorded.Clauses = append(recorded.Clauses, directive.Clause{Number: i + 1, Path: []string{fmt.Sprint(i)}, Text: text, TextSHA256: hash})
			ref := domain.Ref{Kind: domain.KindTask, ID: ulid.Make().String()}
			assigned := &task.Assigned{}
			for j := range 1 + i%2 {
				assigned.Offices = append(assigned.Offices, task.Assignment{Office: c.offices[(i+j*3)%11], Role: task.RoleJoint})
				c.shares++
			}
			follow = append(follow, c.event(ref, clerk, &task.Docketed{Directive: d, Number: i + 1, TextSHA256: hash, Kind: task.KindOneOff}),
				c.event(ref, clerk, assigned))
			if i%4 != 0 {
				follow = append(follow, c.event(ref, clerk, &task.StatedDeadline{Date: calendar.Date("2019-08-01").AddDays(len(c.tasks) % 300)}))
			}
			c.tasks = append(c.tasks, ref)
		}
		number := fmt.Sprintf("安委办〔2019〕%d号", len(c.tasks))
		c.append(append([]domain.Event{c.event(d, clerk, &directive.Issued{DocumentNumber: number, Title: "关于进一步加强安全生产工作的通知"}),
			c.event(d, clerk, recorded)}, follow...)...)
	}
	return c
}

var clausePhrases = []string{"推进危险化学品综合治理", "完善应急预案体系", "落实矿山企业主体责任", "加强消防宣传", "整治道路交通隐患", "开展建筑施工检查", "健全双重预防机制"}

// report adds reports in turn until the ledger has n events.
func (c *crowd) report(n int) {
	for i := 0; int(c.store.Acked()) < n; {
		var events []domain.Event
		for range min(1000, n-int(c.store.Acked())) {
			o := c.offices[i%len(c.tasks)%25%11]
			events = append(events, c.event(c.tasks[i%len(c.tasks)], of(o), &task.ProgressReported{ShareOf: task.ShareOf{Office: o},
				Condition: task.ConditionNormal, Progress: fmt.Sprintf("第%d次报告：已对辖区企业开展检查，发现问题已督促整改。", i), Substantive: true}))
			i++
		}
		c.append(events...)
	}
}

func rss() string {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return err.Error()
	}
	var out []string
	for _, l := range strings.Split(string(b), "\n") {
		if strings.HasPrefix(l, "VmRSS") || strings.HasPrefix(l, "VmHWM") {
			out = append(out, strings.Join(strings.Fields(l), " "))
		}
	}
	return strings.Join(out, ", ")
}

// BenchmarkRebuild rebuilds 100,000 events: 2,000 tasks of 50 events, and 25,000
// tasks of a few events each.
func BenchmarkRebuild(b *testing.B) {
	for _, tasks := range []int{2000, 25_000} {
		b.Run(fmt.Sprintf("%d tasks", tasks), func(b *testing.B) {
			s := filled(b, tasks)
			b.Logf("filled: %s", rss())
			m := open(b, s, b.TempDir())
			b.Cleanup(func() { require.NoError(b, m.Close()) })
			b.ResetTimer()
			for b.Loop() {
				began, cpu := time.Now(), cpuTime()
				_, err := m.Rebuild(context.Background(), nil)
				require.NoError(b, err)
				b.ReportMetric(100_000/time.Since(began).Seconds(), "events/s")
				b.ReportMetric(float64((cpuTime()-cpu).Microseconds())/100_000, "cpu-µs/event")
			}
			b.StopTimer()
			began, cpu, n := time.Now(), cpuTime(), 0
			err := s.Follow(context.Background(), 0, func(r []eventstore.Record) error {
				if n += len(r); n >= 100_000 {
					return errEnough
				}
				return nil
			})
			require.ErrorIs(b, err, errEnough)
			b.ReportMetric(float64(n)/time.Since(began).Seconds(), "follow-events/s")
			b.ReportMetric(float64((cpuTime()-cpu).Microseconds())/float64(n), "follow-cpu-µs/event")
			b.Logf("rebuilt: %s", rss())
		})
	}
}

// BenchmarkReads measures reads in a ledger of 100,000 events, of which one task has
// more than 50, and 50,000 shares (33,300 tasks).
func BenchmarkReads(b *testing.B) {
	s := filled(b, 33_300)
	m := run(b, s)
	settle(b, m, s)
	v, err := m.At(context.Background(), AsOf{})
	require.NoError(b, err)
	ctx := context.Background()
	today := calendar.Date("2019-12-01")
	first, err := v.Tasks(ctx, TaskQuery{Today: today, Limit: 1})
	require.NoError(b, err)
	long := domain.Ref{Kind: domain.KindTask, ID: first.Items[0].ID}
	h, err := m.History(ctx, long, AsOf{})
	require.NoError(b, err)
	require.GreaterOrEqual(b, len(h), 50)
	office := first.Items[0].Shares[0].Office.ID
	st, err := m.Stats(ctx)
	require.NoError(b, err)
	b.Logf("%+v, %s", st, rss())

	p50 := func(name string, f func(i int) error) {
		b.Run(name, func(b *testing.B) {
			var took []time.Duration
			for b.Loop() {
				began := time.Now()
				require.NoError(b, f(len(took)))
				took = append(took, time.Since(began))
			}
			sort.Slice(took, func(i, j int) bool { return took[i] < took[j] })
			b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
			b.ReportMetric(float64(took[0].Microseconds()), "best-µs")
		})
	}
	p50("history", func(int) error { _, err := m.History(ctx, long, AsOf{}); return err })
	p50("task", func(int) error { _, err := v.Task(ctx, long.ID, today); return err })
	p50("task known at", func(int) error {
		w, err := m.At(ctx, AsOf{Known: s.Acked() / 2})
		if err != nil {
			return err
		}
		defer w.Close()
		_, err = w.Task(ctx, long.ID, today)
		return err
	})
	lists := map[string]TaskQuery{
		"number":                {},
		"deadline":              {Sort: "deadline"},
		"light":                 {Sort: "light"},
		"light desc":            {Sort: "light", Desc: true},
		"overdue by deadline":   {Light: "overdue", Sort: "deadline"},
		"due soon by updated":   {Light: "due_soon", Sort: "updated", Desc: true},
		"normal by status":      {Light: "normal", Sort: "status"},
		"office by deadline":    {Office: office, Sort: "deadline"},
		"office overdue":        {Office: office, Light: "overdue", Sort: "deadline"},
		"status by updated":     {Status: "in_progress", Sort: "updated"},
		"search one":            {Q: "矿", Sort: "deadline"},
		"search two":            {Q: "矿山", Sort: "deadline"},
		"search long":           {Q: "落实矿山企业主体责任", Sort: "deadline"},
		"search common":         {Q: "严格落实安全生产", Sort: "deadline"},
		"search rare":           {Q: "第17号文件", Sort: "deadline"},
		"search number":         {Q: "[2019]125号"},
		"search two words":      {Q: "矿山 安全生产 第3处", Office: office},
		"office search overdue": {Office: office, Q: "矿山", Light: "overdue"},
	}
	names := make([]string, 0, len(lists))
	for n := range lists {
		names = append(names, n)
	}
	sort.Strings(names)
	for _, n := range names {
		q := lists[n]
		q.Today = today
		p50("list "+n, func(int) error { _, err := v.Tasks(ctx, q); return err })
		p50("list uncounted "+n, func(int) error {
			m.totals.mu.Lock()
			m.totals.byQuery = nil
			m.totals.mu.Unlock()
			_, err := v.Tasks(ctx, q)
			return err
		})
	}
	p50("summary", func(int) error { _, err := v.Summary(ctx, today); return err })
	b.Logf("%s", rss())
}

// BenchmarkHistoricalView builds the lists as known at a sequence.
func BenchmarkHistoricalView(b *testing.B) {
	s := filled(b, 2000)
	m := run(b, s)
	settle(b, m, s)
	n := uint64(0)
	for b.Loop() {
		n++
		w, err := m.At(context.Background(), AsOf{Known: s.Acked() - n})
		require.NoError(b, err)
		_, err = w.Tasks(context.Background(), TaskQuery{Today: "2019-12-01"})
		require.NoError(b, err)
		w.Close()
	}
	b.Logf("%s", rss())
}
