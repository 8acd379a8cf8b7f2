package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// loadConfig is how a running server is loaded.
type loadConfig struct {
	Rate         float64 // requests a second
	Duration     time.Duration
	Reads        int // per cent
	Connections  int // requests in work at once, and as many ready to go
	Timeout      time.Duration
	YesWrite     bool
	FindCapacity bool
	Seed         uint64
}

func (a *app) benchLoadCommand() *cobra.Command {
	cfg := loadConfig{}
	cmd := &cobra.Command{
		Use: "load", Short: "以给定速率向运行中的服务器发送混合请求 / load a running server with mixed requests at a stated rate", Args: exactArgs(0),
		Long: "按时间表发出请求（泊松到达），不等待应答；用时从预定时刻算起，服务器慢了，排队的时间也算在内。\n" +
			"读取：清单（筛选、排序）、一项任务、历史、检索、汇总、隐患；写入：报告、催办、确定时限、签收、登记单位。\n" +
			"写入的事件不能删除：非样例账本须有 --yes-write，或用 --reads 100 只读。\n" +
			"Requests go out by schedule (Poisson arrivals) whether or not earlier ones were answered, and are timed from when they were due.\n" +
			"Events can't be taken back: a ledger that is no sample is written only with --yes-write; --reads 100 only reads.",
		RunE: func(cmd *cobra.Command, _ []string) error { return a.benchLoad(cmd.Context(), cfg) },
	}
	f := cmd.Flags()
	f.Float64Var(&cfg.Rate, "rate", 100, "每秒请求数；与 --find-capacity 同用时为起点 / requests a second; with --find-capacity where to begin")
	f.DurationVar(&cfg.Duration, "duration", 10*time.Second, "每次运行的时间 / length of a run")
	f.IntVar(&cfg.Reads, "reads", 80, "读取所占百分比 / reads, per cent")
	f.IntVar(&cfg.Connections, "connections", 256, "同时进行的请求数，另有同样多的等候，其余记为未发出 / requests in work at once; as many more wait, the rest counts as unsent")
	f.DurationVar(&cfg.Timeout, "timeout", 30*time.Second, "一个请求的时限 / limit of one request")
	f.BoolVar(&cfg.YesWrite, "yes-write", false, "允许向非样例账本写入测试事件（不能删除） / write test events to a ledger that is no sample, for ever")
	f.BoolVar(&cfg.FindCapacity, "find-capacity", false, "逐步提高速率直到吞吐不再增长，再以 0.5、1、2 倍运行 / raise the rate until no more is accepted, then run at 0.5, 1 and 2 times that")
	f.Uint64Var(&cfg.Seed, "seed", 1, "随机数种子 / seed of what is asked when")
	return cmd
}

func (cfg loadConfig) check() error {
	switch {
	case cfg.Rate <= 0 || cfg.Rate > 1_000_000 || cfg.Duration <= 0 || cfg.Timeout <= 0:
		return usageError{errors.New("--rate、--duration、--timeout 须大于 0 / --rate, --duration and --timeout are above 0")}
	case cfg.Reads < 0 || cfg.Reads > 100:
		return usageError{errors.New("--reads 为 0 至 100 / --reads is 0 to 100")}
	case cfg.Connections < 1 || cfg.Connections > 100_000:
		return usageError{errors.New("--connections 为 1 至 100000 / --connections is 1 to 100000")}
	}
	return nil
}

func (a *app) benchLoad(ctx context.Context, cfg loadConfig) error {
	if err := cfg.check(); err != nil {
		return err
	}
	c, err := a.client()
	if err != nil {
		return err
	}
	c.http = &http.Client{Timeout: cfg.Timeout, Transport: &http.Transport{
		MaxIdleConns: cfg.Connections, MaxIdleConnsPerHost: cfg.Connections, MaxConnsPerHost: cfg.Connections, IdleConnTimeout: time.Minute,
	}}
	defer c.http.CloseIdleConnections()
	if err := cfg.permit(ctx, c); err != nil {
		return err
	}
	t, err := loadTargets(ctx, c, cfg.Reads < 100)
	if err != nil {
		return err
	}
	l := &loader{client: c, cfg: cfg, targets: t}
	p := &loadPrinter{app: a}
	if cfg.FindCapacity {
		return l.findCapacity(ctx, p)
	}
	return p.print(l.run(ctx, "run", cfg.Rate, cfg.Duration))
}

// permit refuses what an operator can't have meant: a ledger is kept for ever, and
// so would be the test events in it.
func (cfg loadConfig) permit(ctx context.Context, c *client) error {
	// A server that is not ready says why with 503; its answer is read all the same.
	state, err := c.readiness(ctx)
	if err != nil {
		return err
	}
	switch {
	case cfg.Reads == 100:
		return nil
	case !state.Writable:
		return fmt.Errorf("账本现在不能写入：%s；只读用 --reads 100 / the ledger can't be written now: %s; --reads 100 only reads", state.Reason, state.Reason)
	case state.Sample || cfg.YesWrite:
		return nil
	}
	return usageError{fmt.Errorf("%s 不是样例账本：压力测试会写入 %s测试事件，永远不能删除。"+
		"只读用 --reads 100；在样例上测试用 duban serve --demo；确实要写入，加 --yes-write"+
		" / %s is no sample: the test would write %stest events that can never be deleted; --reads 100 only reads, duban serve --demo serves a sample, --yes-write writes all the same",
		c.root(), cfg.writes("约 %d 个", "大量"), c.root(), cfg.writes("about %d ", "many "))}
}

func (cfg loadConfig) writes(counted, many string) string {
	if cfg.FindCapacity {
		return many
	}
	return fmt.Sprintf(counted, int(cfg.Rate*cfg.Duration.Seconds()*float64(100-cfg.Reads)/100))
}

// root is the server's address.
func (c *client) root() string { return strings.TrimSuffix(c.base, "/api/v1/") }

// capacityGrowth is how much the rate is raised at a time, and capacityGain how much
// more has to be accepted for another rise.
const (
	capacityGrowth = 1.5
	capacityGain   = 1.05
)

// findCapacity raises the rate until what is accepted no longer grows, and shows
// what the server does below, at and beyond that.
func (l *loader) findCapacity(ctx context.Context, p *loadPrinter) error {
	best := 0.0
	for rate := l.cfg.Rate; ; rate *= capacityGrowth {
		r, err := l.run(ctx, "search", rate, l.cfg.Duration/2)
		if err != nil {
			return err
		}
		if err := p.note(r); err != nil {
			return err
		}
		accepted := r.total().Accepted
		if accepted < best*capacityGain {
			best = max(best, accepted)
			break
		}
		best = accepted
	}
	if best == 0 {
		return errors.New("服务器没有接受任何请求 / the server accepted nothing")
	}
	for _, times := range []float64{0.5, 1, 2} {
		if err := p.print(l.run(ctx, fmt.Sprintf("%gx", times), best*times, l.cfg.Duration)); err != nil {
			return err
		}
	}
	return nil
}
