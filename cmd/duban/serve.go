package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/net/netutil"
	"golang.org/x/sync/errgroup"

	"duban/api"
	"duban/domain/vocabulary"
	"duban/eventstore"
	"duban/projections"
	"duban/projections/seal"
	"duban/projections/tree"
)

// serveConfig is how a server is run, parsed once.
type serveConfig struct {
	Listen       string // HOST:PORT
	Data         string // everything Duban keeps
	NATS         string // external NATS server or cluster; "" is the embedded one
	Org          string // short code of the body, part of every event's source
	SafetyOffice string // name under which the safety office is registered at the first start
	Demo         bool   // fill an empty ledger with the sample and run on the sample's clock
	LogFormat    string // text or json
	LogLevel     slog.Level
	MaxEvidence  int64 // bytes
	Limits       api.Limits
	Connections  int // open at once; more wait in the kernel until one is closed
	StopAfter    time.Duration
	Sign         bool          // this node signs the log's heads; of several exactly one
	Witnesses    []string      // addresses of witnesses, besides those the policy names
	Policy       string        // file that names witnesses' keys and the quorum
	AuditRate    int           // events a second the background audit reads; below 0: none
	RemindAt     timeOfDay     // when the day's reminders are entered; none: never
	AckTimeout   time.Duration // after which the store takes the disk for broken; 0: its default. Tests shorten it
}

func (a *app) serveCommand() *cobra.Command {
	cfg := serveConfig{}
	cmd := &cobra.Command{Use: "serve", Short: "运行服务器 / run the server", Args: exactArgs(0), RunE: func(cmd *cobra.Command, _ []string) error {
		cfg.Data = a.data
		if !cmd.Flags().Changed("sign") {
			cfg.Sign = cfg.NATS == "" // nobody else opens an embedded ledger
		}
		if err := cfg.checkLimits(); err != nil {
			return err
		}
		return a.serve(cmd.Context(), cfg)
	}}
	f := cmd.Flags()
	cfg.limitFlags(f)
	f.BoolVar(&cfg.Sign, "sign", true, "由本节点签名树头；多个节点只能有一个，用 --nats 时缺省不签 / this node signs heads, of several nodes only one; with --nats not by default")
	f.StringSliceVar(&cfg.Witnesses, "witness", nil, "见证者地址，可多次，须有 --policy / address of a witness, may be repeated, needs --policy")
	f.StringVar(&cfg.Policy, "policy", "", "C2SP tlog-policy 文件：见证者的密钥和所需数量 / policy with the witnesses' keys and the quorum")
	f.IntVar(&cfg.AuditRate, "audit-rate", 0, "后台审计每秒重读的事件数，0 为缺省，负数不审计 / events a second the background audit reads, 0: the default, negative: none")
	f.StringVar(&cfg.Listen, "listen", "127.0.0.1:8080", "监听地址 / address to listen on")
	f.StringVar(&cfg.NATS, "nats", "", "外部 NATS 地址，缺省用内嵌服务器 / external NATS server, embedded by default")
	f.StringVar(&cfg.Org, "org", "duban", "单位代码：小写字母、数字、连字符 / short code of the body")
	f.StringVar(&cfg.SafetyOffice, "safety-office", "安委会办公室", "首次启动登记的安委会办公室名称 / name of the safety office")
	f.BoolVar(&cfg.Demo, "demo", false, "空账本填入样例 / fill an empty ledger with the sample")
	f.StringVar(&cfg.LogFormat, "log", "text", "日志格式 text 或 json / log format")
	f.TextVar(&cfg.LogLevel, "log-level", slog.LevelInfo, "日志级别 / log level")
	f.Int64Var(&cfg.MaxEvidence, "max-evidence", 50<<20, "单个证据的字节上限 / bytes of one evidence file at most")
	f.DurationVar(&cfg.StopAfter, "stop-after", 10*time.Second, "停止时等待请求完成的时间 / how long a stop waits for requests")
	f.TextVar(&cfg.RemindAt, "remind-at", timeOfDay{}, "每天按期催办的时间，如 09:00，北京时间；缺省不自动催办 / when to enter the day's reminders, never by default")
	return cmd
}

func newLogger(w io.Writer, format string, level slog.Level) (*slog.Logger, error) {
	opts := &slog.HandlerOptions{Level: level}
	switch format {
	case "text":
		return slog.New(slog.NewTextHandler(w, opts)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(w, opts)), nil
	}
	return nil, usageError{fmt.Errorf("日志格式应为 text 或 json / the log format is text or json, not %q", format)}
}

// softMemory is what the collector aims to keep the process below, in bytes. It
// leaves room for what is live under load, about 180 MiB, most of it the event
// server's buffers: with less the collector runs all the time and takes four fifths of
// the throughput. It is a soft limit; a ledger that needs more gets more. Idle a
// process takes far less. GOMEMLIMIT overrides it.
const softMemory = 352 << 20

func limitMemory(env func(string) (string, bool)) {
	if _, set := env("GOMEMLIMIT"); !set {
		debug.SetMemoryLimit(softMemory)
	}
}

// A build of the read models leaves much garbage, and a small office's machine has
// other work. What is live meanwhile grows with the ledger, to about 150 MiB for a
// million events.
const (
	buildMemory    = 168 << 20
	memoryPerEvent = 180
)

// holdMemory has the collector work harder while read models of so many events are
// built.
func holdMemory(events uint64) (end func()) {
	before := debug.SetMemoryLimit(-1)
	if before != softMemory { // the operator's own
		return func() {}
	}
	debug.SetMemoryLimit(int64(min(buildMemory+events*memoryPerEvent, softMemory)))
	return func() { debug.SetMemoryLimit(before) }
}

// ledgerDir is where the embedded server keeps the ledger.
func (cfg serveConfig) ledgerDir() string { return filepath.Join(cfg.Data, "jetstream") }

// keysDir is where the log's private keys are.
func (cfg serveConfig) keysDir() string { return filepath.Join(cfg.Data, "keys") }

// node is an opened ledger with its read models, its tree and who signs it.
type node struct {
	store *eventstore.Store
	model *projections.Model
	tree  *tree.Tree
	seal  *seal.Seal
	clock func() time.Time
}

func openNode(ctx context.Context, cfg serveConfig, clock func() time.Time, log *slog.Logger) (*node, error) {
	witnessing, err := cfg.witnessing()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(cfg.Data, 0o700); err != nil {
		return nil, fmt.Errorf("make the data folder: %w", err)
	}
	store, err := eventstore.Open(ctx, eventstore.Config{
		Org: cfg.Org, Dir: cfg.ledgerDir(), URL: cfg.NATS, Software: softwareVersion(), Sample: cfg.Demo,
		Types: vocabulary.Payloads(), Clock: clock, Logger: log, AckTimeout: cfg.AckTimeout,
	})
	if err != nil {
		return nil, err
	}
	model, err := projections.Open(ctx, projections.Config{
		Dir: filepath.Join(cfg.Data, "readmodel"), Source: store, Org: cfg.Org, Types: vocabulary.Payloads(), Logger: log,
		Sample: cfg.Demo, Building: func(events uint64) (end func()) {
			wide, release := store.Spare(), holdMemory(events)
			return func() { wide(); release() }
		},
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open the read models: %w", err), store.Close())
	}
	merkle, err := tree.Open(ctx, tree.Config{Path: filepath.Join(cfg.Data, "tree.db"), Source: store, Logger: log})
	if err != nil {
		return nil, errors.Join(err, model.Close(), store.Close())
	}
	return &node{store: store, model: model, tree: merkle, clock: clock, seal: seal.New(seal.Config{
		Store: store, Tree: merkle, Org: cfg.Org, Dir: cfg.keysDir(), Sign: cfg.Sign,
		Witnessing: witnessing, Auditing: seal.Auditing{Rate: cfg.AuditRate}, Clock: clock, Logger: log,
	})}, nil
}

// witnessing reads who cosigns.
func (cfg serveConfig) witnessing() (seal.Witnessing, error) {
	w := seal.Witnessing{URLs: cfg.Witnesses}
	if cfg.Policy != "" {
		text, err := os.ReadFile(cfg.Policy)
		if err != nil {
			return w, fmt.Errorf("读不到策略文件 / can't read the policy: %w", err)
		}
		if w.Policy, err = seal.ParsePolicy(text); err != nil {
			return w, err
		}
	}
	if err := w.Check(); err != nil {
		return w, usageError{err}
	}
	return w, nil
}

// seals keeps the tree at the ledger and the heads at the tree, and reads the ledger
// again in the background, until ctx ends. What stops one of them stops neither the
// server nor reads: /readyz says why.
func (n *node) seals(ctx context.Context, log *slog.Logger) {
	var wg sync.WaitGroup
	for what, run := range map[string]func(context.Context) error{"tree": n.tree.Run, "seal": n.seal.Run, "audit": n.seal.Audit} {
		wg.Go(func() {
			if err := ended(run(ctx)); err != nil {
				log.ErrorContext(ctx, "stopped", slog.String("what", what), slog.Any("error", err))
			}
		})
	}
	wg.Wait()
}

// lookAgain is how often a server whose read models stopped at an odd event looks
// whether it was accepted.
const lookAgain = 200 * time.Millisecond

// follow keeps the read models at the ledger until ctx ends. A gap or an event
// that can't be read stops them, not the server: reads go on where they stand, and
// /readyz says why. Once the event is accepted they go on.
func (n *node) follow(ctx context.Context, log *slog.Logger) error {
	tick := time.NewTicker(lookAgain)
	defer tick.Stop()
	for {
		err := ended(n.model.Run(ctx))
		if err == nil {
			return nil
		}
		log.ErrorContext(ctx, "the read models have stopped", slog.Any("error", err))
		if !errors.Is(err, eventstore.ErrUndecodable) {
			return err
		}
		for n.store.Health() != nil {
			select {
			case <-tick.C:
			case <-ctx.Done():
				return nil
			}
		}
	}
}

func (n *node) close() error {
	return errors.Join(n.model.Close(), n.tree.Close(), n.store.Close())
}

func (a *app) serve(ctx context.Context, cfg serveConfig) (err error) {
	log, err := newLogger(a.err, cfg.LogFormat, cfg.LogLevel)
	if err != nil {
		return err
	}
	limitMemory(a.env)
	clock := time.Now
	var sample *sampleClock
	if cfg.Demo {
		cfg.Org = sampleOrg
		sample = newSampleClock(cfg.Data)
		clock = sample.now
	}
	n, err := openNode(ctx, cfg, clock, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, n.close()) }()

	// The port is taken before anything is written, so that a second server
	// fails without having done anything.
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", cfg.Listen)
	if err != nil {
		return fmt.Errorf("监听 %s 失败，换一个 --listen / can't listen on %s, choose another --listen: %w", cfg.Listen, cfg.Listen, err)
	}
	defer listener.Close()
	listener = netutil.LimitListener(listener, cmp.Or(cfg.Connections, maxConnections))

	stop := make(chan struct{})
	var prepared atomic.Bool // the read models have caught up and the token is written
	server := api.New(api.Config{
		Store: n.store, Model: n.model, Seal: n.seal, Tree: n.tree, Clock: clock, Logger: log, Version: softwareVersion(), Sample: cfg.Demo,
		MaxEvidence: cfg.MaxEvidence, Limits: cfg.Limits, Stop: stop, Ready: prepared.Load,
	})
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		_ = n.follow(ctx, log) // logged, and the server goes on
		return nil
	})
	group.Go(func() error {
		n.seals(ctx, log)
		return nil
	})
	group.Go(func() error {
		// What is written from here on stands behind the comparison with the last head.
		select {
		case <-n.seal.Started():
		case <-ctx.Done():
			return nil
		}
		token, err := a.prepare(ctx, cfg, server, n, sample)
		if err != nil {
			return err
		}
		base := baseURL(listener.Addr())
		address := filepath.Join(cfg.Data, addressFile)
		if err := os.WriteFile(address, []byte(base+"\n"), 0o600); err != nil {
			return fmt.Errorf("write the server's address: %w", err)
		}
		prepared.Store(true)
		a.greet(cfg, base, token)
		if !cfg.RemindAt.set {
			return nil
		}
		return remindDaily(cfg.RemindAt, server, clock, log).run(ctx)
	})
	hs := &http.Server{
		Handler: server.Handler(), ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 5 * time.Minute, WriteTimeout: 5 * time.Minute,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	group.Go(func() error {
		if err := hs.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serve: %w", err)
		}
		return nil
	})
	group.Go(func() error {
		<-ctx.Done()
		log.InfoContext(ctx, "stopping")
		close(stop)
		// A stale address only costs clients a failed connection.
		_ = os.Remove(filepath.Join(cfg.Data, addressFile))
		late, cancel := context.WithTimeout(context.WithoutCancel(ctx), cfg.StopAfter)
		defer cancel()
		return hs.Shutdown(late)
	})
	return ended(group.Wait())
}

// ended takes the end of the context for a normal end.
func ended(err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, eventstore.ErrClosed) {
		return nil
	}
	return err
}

// prepare makes the first token and, for the demo, the sample's history.
func (a *app) prepare(ctx context.Context, cfg serveConfig, server *api.Server, n *node, sample *sampleClock) (string, error) {
	// A ledger that stands still serves what it has; there is nothing to put
	// right in it now.
	if err := server.ReconcileEvidence(ctx); err != nil && n.store.Health() == nil && n.model.Err() == nil {
		return "", err
	}
	token, err := server.Bootstrap(ctx, cfg.SafetyOffice, func(token string) error {
		return writeSynced(filepath.Join(cfg.Data, tokenFile), token+"\n")
	})
	if err != nil {
		return "", err
	}
	if sample == nil {
		return token, nil
	}
	if token != "" {
		return token, fillSample(ctx, cfg.Data, server.Handler(), token, sample)
	}
	return "", requireSample(ctx, cfg.Data, n.store)
}

// writeSynced writes a small file, private to its owner, that outlives a power cut.
func writeSynced(path, text string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// baseURL is how clients on this machine reach the server.
func baseURL(addr net.Addr) string {
	if tcp, ok := addr.(*net.TCPAddr); ok && tcp.IP.IsUnspecified() {
		return fmt.Sprintf("http://127.0.0.1:%d", tcp.Port)
	}
	return "http://" + addr.String()
}

// greet tells how to use the server that was just started.
func (a *app) greet(cfg serveConfig, base, token string) {
	w := a.err
	fmt.Fprintf(w, "\n督办 Duban %s  %s\n", softwareVersion(), base)
	if cfg.Demo {
		fmt.Fprintln(w, "样例数据，仅供试用；时钟停在样例的日期 / invented sample data, on the sample's own clock")
	}
	file := filepath.Join(cfg.Data, tokenFile)
	if token != "" {
		fmt.Fprintf(w, "操作令牌（只显示这一次，已写入 %s）/ operator token, shown once, kept in %s:\n  %s\n", file, file, token)
	} else if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
		fmt.Fprintf(w, "操作令牌见 %s / the operator token is in %s\n", file, file)
	}
	fmt.Fprintf(w, `
试一试（另开一个终端）/ try, in another terminal:
  bin/duban summary --data %[2]s
  bin/duban tasks --data %[2]s --light overdue
  curl -s -H "Authorization: Bearer $(cat %[3]s)" %[1]s/api/v1/tasks?q=化工
Ctrl-C 停止 / stops
`, base, cfg.Data, file)
}
