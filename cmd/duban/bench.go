package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/oklog/ulid/v2"
	"github.com/spf13/cobra"

	"duban/domain"
	"duban/domain/calendar"
	"duban/domain/directive"
	"duban/domain/office"
	"duban/domain/task"
	"duban/eventstore"
	"duban/eventstore/baseline"
	"duban/projections"
)

// A figure is one line of the bench's output.
type figure struct {
	Name     string  `json:"name"`
	Ours     float64 `json:"ours"`
	Baseline float64 `json:"baseline"` // 0: the goal is absolute
	Ratio    float64 `json:"ratio"`    // ours / baseline
	Unit     string  `json:"unit"`
	N        int     `json:"n"`
	Runs     int     `json:"runs,omitempty"` // that the figures are the medians of; 0: one of N
	Goal     string  `json:"goal"`
	Met      bool    `json:"met"`
}

// benchConfig is how large a run is.
type benchConfig struct {
	Tasks   int           // aggregates
	Events  int           // each
	Appends int           // single appends timed
	Shares  int           // of the ledger whose tables are timed
	Leaves  int           // events of the tree that is timed by itself
	Large   int           // tasks of the large ledger, of 20 events each
	Window  time.Duration // of one run of what is counted by time
	Only    []string      // parts to run; none: all
	Dir     string
}

// runs is how often a rate is measured beside its baseline; the median counts.
const runs = 5

func (a *app) benchCommand() *cobra.Command {
	cfg := benchConfig{}
	cmd := &cobra.Command{Use: "bench", Short: "测量并与基线对照，每行一个 JSON / measure beside the baseline", Args: exactArgs(0), RunE: func(cmd *cobra.Command, _ []string) error {
		return a.bench(cmd.Context(), cfg)
	}}
	f := cmd.Flags()
	f.IntVar(&cfg.Tasks, "tasks", 2000, "任务数 / tasks")
	f.IntVar(&cfg.Events, "events", 50, "每项任务的事件数 / events of each task")
	f.IntVar(&cfg.Appends, "appends", 2000, "单个写入的次数 / single appends to time")
	f.IntVar(&cfg.Shares, "shares", 50_000, "统计所用的分项数，0 不测 / shares whose tables are timed, 0: none")
	f.IntVar(&cfg.Leaves, "leaves", 1_000_000, "默克尔树的事件数 / events of the tree that is timed by itself")
	f.IntVar(&cfg.Large, "large", 50_000, "大账本的任务数，每项 20 个事件，0 不测 / tasks of the large ledger of 20 events each, 0: none")
	f.DurationVar(&cfg.Window, "window", time.Second, "每轮写入测量的时间 / how long each run of writes lasts")
	f.StringSliceVar(&cfg.Only, "only", nil, "只测这些部分：writes ledger tree dossier tables large / only these parts")
	f.StringVar(&cfg.Dir, "dir", "", "临时目录所在的磁盘 / where to put the temporary folder")
	cmd.AddCommand(a.benchLoadCommand())
	return cmd
}

func (a *app) bench(ctx context.Context, cfg benchConfig) (err error) {
	if cfg.Tasks < 50 || cfg.Events < 3 || cfg.Appends < 10 || cfg.Leaves < 1 {
		return usageError{errors.New("至少 50 项任务、每项 3 个事件、10 次写入 / at least 50 tasks of 3 events and 10 appends")}
	}
	limitMemory(a.env)
	dir, err := os.MkdirTemp(cfg.Dir, "duban-bench-")
	if err != nil {
		return fmt.Errorf("make a temporary folder: %w", err)
	}
	defer os.RemoveAll(dir)
	b := &bench{app: a, cfg: cfg, dir: dir, out: &figures{}}
	for _, part := range []struct {
		name string
		run  func(context.Context) error
	}{{"writes", b.writes}, {"ledger", b.ledger}, {"tables", b.tables}, {"large", b.large}} {
		if !cfg.wants(part.name) {
			continue
		}
		if err := part.run(ctx); err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
	}
	return b.out.table(a.err)
}

// wants reports whether a part is to be run.
func (cfg benchConfig) wants(part string) bool {
	return len(cfg.Only) == 0 || slices.Contains(cfg.Only, part)
}

// open opens a ledger of the bench's own in a folder beside the others.
func (b *bench) open(ctx context.Context, name string) (*bench, error) {
	n, err := openNode(ctx, serveConfig{Data: filepath.Join(b.dir, name), Org: "bench", Sign: true}, time.Now, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	return &bench{app: b.app, cfg: b.cfg, dir: b.dir, out: b.out, node: n}, nil
}

// ledger times the read models, the tree and the dossier of a ledger of tasks with
// many events each.
func (b *bench) ledger(ctx context.Context) (err error) {
	b, err = b.open(ctx, "ledger")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.close()) }()
	steps := []func(context.Context) error{b.fill, b.rebuild, b.follow, b.history, b.list}
	if b.cfg.wants("tree") {
		steps = append(steps, b.trees)
	}
	if b.cfg.wants("dossier") {
		steps = append(steps, b.dossier)
	}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// close stops whatever still follows the ledger, and closes it.
func (b *bench) close() error {
	if b.stop != nil {
		b.stop()
	}
	return b.node.close()
}

type bench struct {
	app   *app
	cfg   benchConfig
	node  *node
	dir   string
	out   *figures
	tasks []domain.Ref
	stop  func()
}

func (b *bench) print(f figure) error {
	if f.Baseline > 0 {
		f.Ratio = f.Ours / f.Baseline
	}
	*b.out = append(*b.out, f)
	enc := json.NewEncoder(b.app.out)
	enc.SetEscapeHTML(false)
	return enc.Encode(f)
}

// figures are those printed so far.
type figures []figure

// table prints them for people.
func (fs *figures) table(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "figure\tours\tbaseline\tratio\tunit\tn\truns\tgoal\tmet\t")
	for _, f := range *fs {
		met := "yes"
		if !f.Met {
			met = "NO"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%d\t%d\t%s\t%s\t\n", f.Name, digits(f.Ours), digits(f.Baseline), digits(f.Ratio), f.Unit, f.N, f.Runs, f.Goal, met)
	}
	return t.Flush()
}

// digits prints a figure with three or more significant digits; none for 0.
func digits(v float64) string {
	switch {
	case v == 0:
		return ""
	case v < 10:
		return strconv.FormatFloat(v, 'f', 3, 64)
	}
	return strconv.FormatFloat(v, 'f', 0, 64)
}

// median of what it sorts.
func median[T cmp.Ordered](d []T) T { return percentile(d, 50) }

// percentile of what it sorts.
func percentile[T cmp.Ordered](d []T, p int) T {
	slices.Sort(d)
	return d[min(len(d)*p/100, len(d)-1)]
}

func micros(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1000 }

var benchCaller = domain.Event{
	Actor: domain.Ref{Kind: domain.KindPerson, ID: "bench"}, Office: domain.Ref{Kind: domain.KindOffice, ID: "BENCH"}, Authority: domain.RoleOffice,
}

func benchEvent(data domain.Payload) domain.Event {
	e := benchCaller
	e.Time, e.Data = time.Now(), data
	return e
}

func benchAppend(ws ...eventstore.Write) eventstore.Append {
	key := ulid.Make()
	return eventstore.Append{Key: key, Writes: ws, Command: eventstore.Command{ID: eventstore.CommandID(benchCaller.Actor, "bench", key), Digest: eventstore.Digest(nil)}}
}

func progress(i int) *task.ProgressReported {
	return &task.ProgressReported{
		ShareOf: task.ShareOf{Office: benchCaller.Office}, Condition: task.ConditionNormal, Substantive: true,
		Progress: "第" + strconv.Itoa(i) + "次进展：已完成企业底数摸排和现场核查，正在逐户制定整改方案并组织专家论证。", NextSteps: "按计划推进",
	}
}

// fill writes a ledger of tasks whose events are spread over it, as years of
// work spread them.
func (b *bench) fill(ctx context.Context) error {
	if err := b.directives(ctx); err != nil {
		return err
	}
	b.tasks = make([]domain.Ref, b.cfg.Tasks)
	heads := make([]eventstore.Head, b.cfg.Tasks)
	for i := range b.tasks {
		b.tasks[i] = domain.Ref{Kind: domain.KindTask, ID: ulid.Make().String()}
	}
	for round := range b.cfg.Events {
		if err := b.round(ctx, round, heads); err != nil {
			return err
		}
	}
	return nil
}

// round appends one event to each of the first tasks, as many as there are heads.
func (b *bench) round(ctx context.Context, round int, heads []eventstore.Head) error {
	for from := 0; from < len(heads); from += eventstore.MaxEvents {
		to := min(len(heads), from+eventstore.MaxEvents)
		var ws []eventstore.Write
		for i := from; i < to; i++ {
			ws = append(ws, eventstore.Write{Subject: b.tasks[i], Head: heads[i], Events: []domain.Event{benchEvent(b.payload(i, round))}})
		}
		receipt, err := b.node.store.Append(ctx, benchAppend(ws...))
		if err != nil {
			return fmt.Errorf("fill the ledger: %w", err)
		}
		for j, r := range receipt.Records {
			heads[from+j] = headAt(r)
		}
	}
	return nil
}

// benchTopics are what the clauses of the bench are about.
var benchTopics = []string{
	"完善高危行业企业退城入园、搬迁改造和退出转产扶持奖励政策", "严格落实危险化学品企业外部安全防护距离要求", "开展烟花爆竹生产企业隐患排查治理",
	"推进煤矿瓦斯综合治理和智能化开采", "加强建筑施工起重机械和深基坑监管", "整治道路客运和危险货物运输车辆违法行为",
	"健全消防安全责任制和网格化管理", "组织尾矿库“头顶库”综合治理", "落实特种设备定期检验", "开展粉尘涉爆企业专项执法检查",
}

// clauseText is the text of the n-th clause of all.
func clauseText(n int) string {
	return benchTopics[n%len(benchTopics)] + "，第" + strconv.Itoa(n) + "项由责任处室牵头，逐户制定方案，年底前完成。"
}

// directiveOf names the directive of the i-th task.
func directiveOf(i int) domain.Ref {
	return domain.Ref{Kind: domain.KindDirective, ID: "BENCHDIRECTIVE" + strconv.Itoa(i/tasksOfDirective)}
}

// Each directive has so many clauses and, as several offices are named in each, tasks.
const tasksOfDirective = 1000

// directives issues as many as the tasks need, and registers the office.
func (b *bench) directives(ctx context.Context) error {
	writes := []eventstore.Write{{Subject: benchCaller.Office, Events: []domain.Event{benchEvent(&office.Registered{Name: "基准处", Type: office.TypeOffice})}}}
	for i := 0; i < b.cfg.Tasks; i += tasksOfDirective {
		recorded := &directive.ClausesRecorded{}
		for n := range benchClauses {
			text := clauseText(i/tasksOfDirective*benchClauses + n)
			recorded.Clauses = append(recorded.Clauses, directive.Clause{Number: n + 1, Path: []string{strconv.Itoa(n + 1)}, Text: text, TextSHA256: directive.TextHash(text)})
		}
		number := "测试〔2026〕" + strconv.Itoa(i/tasksOfDirective+1) + "号"
		issued := &directive.Issued{Title: "关于基准测试的通知", DocumentNumber: number, TextSHA256: directive.TextHash(number)}
		writes = append(writes, eventstore.Write{Subject: directiveOf(i), Events: []domain.Event{benchEvent(issued), benchEvent(recorded)}})
	}
	if _, err := b.node.store.Append(ctx, benchAppend(writes...)); err != nil {
		return fmt.Errorf("fill the ledger: %w", err)
	}
	return nil
}

func (b *bench) payload(i, round int) domain.Payload {
	switch round {
	case 0:
		n := i % benchClauses
		return &task.Docketed{Directive: directiveOf(i), Number: n + 1, Path: []string{strconv.Itoa(n + 1)},
			TextSHA256: directive.TextHash(clauseText(i/tasksOfDirective*benchClauses + n)), Kind: task.KindOneOff}
	case 1:
		return &task.Assigned{Offices: []task.Assignment{{Office: benchCaller.Office, Role: task.RoleLead}}}
	case 2:
		return &task.SetDeadline{Date: calendar.On(time.Now()).AddDays(i%200 - 100)}
	default:
		return progress(round)
	}
}

// rebuild times the first building of the read models from the stream beside a
// consumer that does nothing, and what memory it took.
func (b *bench) rebuild(ctx context.Context) error {
	events := float64(b.node.store.Acked())
	bare, err := baseline.Consume(ctx, b.node.store)
	if err != nil {
		return err
	}
	debug.FreeOSMemory()
	resetPeak()
	began := time.Now()
	if err := b.model(ctx); err != nil {
		return err
	}
	took := time.Since(began)
	o, p := events/took.Seconds(), events/bare.Seconds()
	if err := b.print(figure{Name: "build_read_models", Ours: o, Baseline: p, Unit: "events/s", N: int(events), Goal: "ratio >= 0.08", Met: o >= 0.08*p}); err != nil {
		return err
	}
	mb := float64(peakBytes()) / (1 << 20)
	return b.print(figure{Name: "build_read_models_resident", Ours: mb, Unit: "MiB", N: int(events), Goal: "<= 250", Met: mb <= 250})
}

// model has the read models follow the ledger and waits until they have caught up.
func (b *bench) model(ctx context.Context) error {
	running, cancel := context.WithCancel(ctx)
	ran := make(chan struct{})
	go func() {
		defer close(ran)
		_ = b.node.model.Run(running) // who waits for the position is told why it ended
	}()
	b.stop = func() {
		cancel()
		<-ran
	}
	if err := b.node.model.Wait(ctx, b.node.store.Acked()); err != nil {
		return fmt.Errorf("build the read models: %w", err)
	}
	return nil
}

// follow times a rebuild beside the running model.
func (b *bench) follow(ctx context.Context) error {
	bare, err := baseline.Consume(ctx, b.node.store)
	if err != nil {
		return err
	}
	debug.FreeOSMemory()
	resetPeak()
	began := time.Now()
	report, err := b.node.model.Rebuild(ctx, nil)
	if err != nil {
		return fmt.Errorf("rebuild: %w", err)
	}
	took := time.Since(began)
	o, p := float64(report.Events)/took.Seconds(), float64(report.Events)/bare.Seconds()
	if err := b.print(figure{Name: "rebuild_beside", Ours: o, Baseline: p, Unit: "events/s", N: int(report.Events), Goal: "ratio >= 0.08", Met: o >= 0.08*p}); err != nil {
		return err
	}
	mb := float64(peakBytes()) / (1 << 20)
	return b.print(figure{Name: "rebuild_beside_resident", Ours: mb, Unit: "MiB", N: int(report.Events), Goal: "<= 250", Met: mb <= 250})
}

func (b *bench) history(ctx context.Context) error {
	ms, err := b.historyTime(ctx)
	if err != nil {
		return err
	}
	return b.print(figure{Name: "history_p50", Ours: ms, Unit: "ms", N: b.cfg.Events, Runs: runs, Goal: "<= 5", Met: ms <= 5})
}

// historyTime is the median time of one task's history, in ms: of the runs' medians,
// because the first one after a build finds nothing in any cache.
func (b *bench) historyTime(ctx context.Context) (float64, error) {
	var medians []time.Duration
	for range runs {
		var took []time.Duration
		for i := range 500 {
			ref := b.tasks[i*7919%len(b.tasks)]
			began := time.Now()
			entries, err := b.node.model.History(ctx, ref, projections.AsOf{})
			took = append(took, time.Since(began))
			if err != nil || len(entries) != b.cfg.Events {
				return 0, fmt.Errorf("history of %s: %d events: %w", ref, len(entries), err)
			}
		}
		medians = append(medians, median(took))
	}
	return micros(median(medians)) / 1000, nil
}

func (b *bench) list(ctx context.Context) error {
	var took []time.Duration
	today := calendar.On(time.Now())
	for i := range 300 {
		began := time.Now()
		v, err := b.node.model.At(ctx, projections.AsOf{})
		if err != nil {
			return err
		}
		q := projections.TaskQuery{Light: "overdue", Sort: "deadline", Desc: i%2 == 0, Today: today, Limit: 50}
		page, err := v.Tasks(ctx, q)
		v.Close()
		took = append(took, time.Since(began))
		if err != nil || len(page.Items) == 0 {
			return fmt.Errorf("list tasks: %d rows: %w", len(page.Items), err)
		}
	}
	ms := micros(median(took)) / 1000
	return b.print(figure{Name: "list_50_filtered_sorted_p50", Ours: ms, Unit: "ms", N: b.cfg.Tasks, Goal: "<= 10", Met: ms <= 10})
}

// resetPeak makes the kernel count the peak of resident memory anew (proc(5),
// clear_refs). Where it can't, the peak is that of the whole run.
func resetPeak() { _ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0o200) }

// peakBytes returns the peak of resident memory; off Linux what Go took.
func peakBytes() uint64 {
	if n := statusBytes("/proc/self/status", "VmHWM:"); n > 0 {
		return n
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.Sys
}

// statusBytes reads a size from a process's status (proc(5)), 0 if it can't.
func statusBytes(file, field string) uint64 {
	b, err := os.ReadFile(file)
	if err != nil {
		return 0
	}
	for _, l := range strings.Split(string(b), "\n") {
		if rest, ok := strings.CutPrefix(l, field); ok {
			kb, err := strconv.ParseUint(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			if err == nil {
				return kb << 10
			}
		}
	}
	return 0
}
