package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
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
	Goal     string  `json:"goal"`
	Met      bool    `json:"met"`
}

// benchConfig is how large a run is.
type benchConfig struct {
	Tasks   int // aggregates
	Events  int // each
	Appends int // single appends timed
	Shares  int // of the ledger whose tables are timed
	Leaves  int // events of the tree that is timed by itself
	Dir     string
}

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
	n, err := openNode(ctx, serveConfig{Data: dir, Org: "bench", Sign: true}, time.Now, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, n.close()) }()
	b := &bench{app: a, cfg: cfg, node: n, dir: dir}
	steps := []func(context.Context) error{b.append, b.fill, b.rebuild, b.follow, b.history, b.list, b.trees, b.dossier}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return err
		}
	}
	if b.stop != nil {
		b.stop()
	}
	return b.figures(ctx)
}

type bench struct {
	app   *app
	cfg   benchConfig
	node  *node
	dir   string
	tasks []domain.Ref
	stop  func()
}

func (b *bench) print(f figure) error {
	if f.Baseline > 0 {
		f.Ratio = f.Ours / f.Baseline
	}
	enc := json.NewEncoder(b.app.out)
	enc.SetEscapeHTML(false)
	return enc.Encode(f)
}

// median of durations, which it sorts.
func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
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

// append times one writer's single events beside a plain publish of the same
// bytes, one after the other, so that the disk's moods hit both.
func (b *bench) append(ctx context.Context) error {
	ref := domain.Ref{Kind: domain.KindTask, ID: "BENCHAPPEND"}
	pub, err := baseline.NewPublisher(ctx, b.node.store)
	if err != nil {
		return err
	}
	var head eventstore.Head
	var ours, plain []time.Duration
	for i := range b.cfg.Appends {
		a := benchAppend(eventstore.Write{Subject: ref, Head: head, Events: []domain.Event{benchEvent(progress(i))}})
		began := time.Now()
		receipt, err := b.node.store.Append(ctx, a)
		ours = append(ours, time.Since(began))
		if err != nil {
			return fmt.Errorf("append: %w", err)
		}
		r := receipt.Records[0]
		head = eventstore.Head{Seq: r.Seq, Version: r.Version, Hash: r.Hash()}
		began = time.Now()
		if err := pub.Publish(ctx, r.Raw); err != nil {
			return fmt.Errorf("publish: %w", err)
		}
		plain = append(plain, time.Since(began))
	}
	o, p := micros(median(ours)), micros(median(plain))
	return b.print(figure{Name: "append_one_writer_p50", Ours: o, Baseline: p, Unit: "µs", N: b.cfg.Appends, Goal: "ratio <= 1.5", Met: o <= 1.5*p})
}

// fill writes a ledger of tasks whose events are spread over it, as years of
// work spread them.
func (b *bench) fill(ctx context.Context) error {
	if err := b.directive(ctx); err != nil {
		return err
	}
	b.tasks = make([]domain.Ref, b.cfg.Tasks)
	heads := make([]eventstore.Head, b.cfg.Tasks)
	for i := range b.tasks {
		b.tasks[i] = domain.Ref{Kind: domain.KindTask, ID: ulid.Make().String()}
	}
	for round := range b.cfg.Events {
		for from := 0; from < b.cfg.Tasks; from += 500 {
			to := min(b.cfg.Tasks, from+500)
			var ws []eventstore.Write
			for i := from; i < to; i++ {
				ws = append(ws, eventstore.Write{Subject: b.tasks[i], Head: heads[i], Events: []domain.Event{benchEvent(b.payload(i, round))}})
			}
			receipt, err := b.node.store.Append(ctx, benchAppend(ws...))
			if err != nil {
				return fmt.Errorf("fill the ledger: %w", err)
			}
			for j, r := range receipt.Records {
				heads[from+j] = eventstore.Head{Seq: r.Seq, Version: r.Version, Hash: r.Hash()}
			}
		}
	}
	return nil
}

const benchDirective = "BENCHDIRECTIVE"

func (b *bench) directive(ctx context.Context) error {
	text := "完善高危行业企业退城入园、搬迁改造和退出转产扶持奖励政策，所有列入搬迁改造计划的危险化学品生产企业都要完成搬迁改造或转产关闭。"
	issued := &directive.Issued{Title: "关于基准测试的通知", DocumentNumber: "测试〔2026〕1号", TextSHA256: directive.TextHash(text)}
	clauses := &directive.ClausesRecorded{Clauses: []directive.Clause{{Number: 1, Path: []string{"一"}, Text: text, TextSHA256: directive.TextHash(text)}}}
	_, err := b.node.store.Append(ctx, benchAppend(
		eventstore.Write{Subject: domain.Ref{Kind: domain.KindDirective, ID: benchDirective}, Events: []domain.Event{benchEvent(issued), benchEvent(clauses)}},
		eventstore.Write{Subject: benchCaller.Office, Events: []domain.Event{benchEvent(&office.Registered{Name: "基准处", Type: office.TypeOffice})}},
	))
	if err != nil {
		return fmt.Errorf("fill the ledger: %w", err)
	}
	return nil
}

func (b *bench) payload(i, round int) domain.Payload {
	switch round {
	case 0:
		return &task.Docketed{Directive: domain.Ref{Kind: domain.KindDirective, ID: benchDirective}, Number: 1, Path: []string{"一"}, TextSHA256: directive.TextHash(""), Kind: task.KindOneOff}
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
	ctx, cancel := context.WithCancel(ctx)
	ran := make(chan struct{})
	go func() {
		defer close(ran)
		_ = b.node.model.Run(ctx) // who waits for the position is told why it ended
	}()
	b.stop = func() {
		cancel()
		<-ran
	}
	if err := b.node.model.Wait(ctx, b.node.store.Acked()); err != nil {
		return fmt.Errorf("build the read models: %w", err)
	}
	took := time.Since(began)
	o, p := events/took.Seconds(), events/bare.Seconds()
	if err := b.print(figure{Name: "build_read_models", Ours: o, Baseline: p, Unit: "events/s", N: int(events), Goal: "ratio >= 0.08", Met: o >= 0.08*p}); err != nil {
		return err
	}
	mb := float64(peakBytes()) / (1 << 20)
	return b.print(figure{Name: "build_read_models_resident", Ours: mb, Unit: "MiB", N: int(events), Goal: "<= 250", Met: mb <= 250})
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
	var took []time.Duration
	for i := range 500 {
		ref := b.tasks[i*7919%len(b.tasks)]
		began := time.Now()
		entries, err := b.node.model.History(ctx, ref, projections.AsOf{})
		took = append(took, time.Since(began))
		if err != nil || len(entries) != b.cfg.Events {
			return fmt.Errorf("history of %s: %d events: %w", ref, len(entries), err)
		}
	}
	ms := micros(median(took)) / 1000
	return b.print(figure{Name: "history_p50", Ours: ms, Unit: "ms", N: b.cfg.Events, Goal: "<= 5", Met: ms <= 5})
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
	b, err := os.ReadFile("/proc/self/status")
	if err == nil {
		for _, l := range strings.Split(string(b), "\n") {
			if rest, ok := strings.CutPrefix(l, "VmHWM:"); ok {
				if kb, err := strconv.ParseUint(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64); err == nil {
					return kb << 10
				}
			}
		}
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.Sys
}
