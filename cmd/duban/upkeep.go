package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/oklog/ulid/v2"
	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"duban/api"
	"duban/domain"
	"duban/eventstore"
)

func (a *app) rebuildCommand() *cobra.Command {
	return &cobra.Command{Use: "rebuild", Short: "在旁重建读模型并切换 / rebuild the read models beside the running ones and swap", Args: exactArgs(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.client()
			if err != nil {
				return err
			}
			stop := a.watchBuild(cmd.Context(), c)
			b, err := c.do(cmd.Context(), request{method: http.MethodPost, path: "rebuild"})
			stop()
			if err != nil || a.json {
				return a.rawOr(b, err)
			}
			var r api.RebuildView
			if err := decode(b, &r); err != nil {
				return err
			}
			_, err = fmt.Fprintf(a.out, "已重建，%d 个事件，%.1f 秒 / rebuilt from %d events\n", r.Events, r.Seconds, r.Events)
			return err
		}}
}

// askBuild is how often a server is asked how far its rebuild is.
const askBuild = 300 * time.Millisecond

// watchBuild shows on a terminal how far the server's rebuild is, until stop is called.
func (a *app) watchBuild(ctx context.Context, c *client) (stop func()) {
	if !isTerminal(a.err) {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	var watching sync.WaitGroup
	watching.Go(func() {
		var step func(uint64)
		tick := time.NewTicker(askBuild)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
			b, err := c.building(ctx)
			if err != nil || b.Model == nil {
				continue // it says itself how it ends
			}
			if step == nil {
				var done func()
				step, done = a.progress("重建 / rebuilding", int64(b.Model.Events))
				defer done()
			}
			step(b.Model.Done)
		}
	})
	return func() {
		cancel()
		watching.Wait()
	}
}

// errUnhealthy is the doctor's "no".
var errUnhealthy = errors.New("账本有问题，见上 / the ledger has problems, see above")

func (a *app) doctorCommand() *cobra.Command {
	var accept uint64
	var reason string
	cfg := serveConfig{}
	cmd := &cobra.Command{
		Use: "doctor", Short: "检查账本 / check the ledger", Args: exactArgs(0),
		Long: "检查流的配置、缺号、每个事件、证据和读模型。服务器在运行时向它查询，否则直接打开数据目录。\n" +
			"Checks the stream's configuration, gaps, every event, evidence and the read models: asks the server if one runs, else opens the data folder.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg.Data = a.data
			if accept > 0 && strings.TrimSpace(reason) == "" {
				return usageError{errors.New("--accept 须同时写明 --reason / --accept needs a --reason")}
			}
			v, err := a.examine(cmd.Context(), cfg, accept, reason)
			if err != nil {
				return err
			}
			if a.json {
				err = a.printJSON(v)
			} else {
				err = a.printCheckup(v)
			}
			if err == nil && !v.Healthy {
				return errUnhealthy
			}
			return err
		},
	}
	f := cmd.Flags()
	f.Uint64Var(&accept, "accept", 0, "接受该序号的异常事件，使其不生效 / accept the odd event at this sequence")
	f.StringVar(&reason, "reason", "", "接受的理由 / why it is accepted")
	f.StringVar(&cfg.NATS, "nats", "", "外部 NATS 地址 / external NATS server")
	f.StringVar(&cfg.Org, "org", "duban", "单位代码 / short code of the body")
	return cmd
}

// examine asks the running server; where none runs, it opens the ledger itself.
func (a *app) examine(ctx context.Context, cfg serveConfig, accept uint64, reason string) (api.CheckupView, error) {
	if c, err := a.client(); err == nil && c.reachable(ctx) {
		return examineServer(ctx, c, accept, reason)
	}
	return a.examineFolder(ctx, cfg, accept, reason)
}

func (c *client) reachable(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	resp, err := c.send(ctx, request{method: http.MethodGet, path: "me"})
	if err != nil {
		return false
	}
	resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

func examineServer(ctx context.Context, c *client, accept uint64, reason string) (v api.CheckupView, err error) {
	if accept > 0 {
		body, err := json.Marshal(api.AcceptRequest{Sequence: accept, Reason: reason})
		if err != nil {
			return v, err
		}
		if _, err := c.do(ctx, request{method: http.MethodPost, path: "doctor/accept", body: bytes.NewReader(body), media: "application/json"}); err != nil {
			return v, err
		}
	}
	return v, c.get(ctx, "doctor", nil, &v)
}

func (a *app) examineFolder(ctx context.Context, cfg serveConfig, accept uint64, reason string) (v api.CheckupView, err error) {
	// Opening makes a ledger where there is none, and a new one is sound: a slip in
	// --data would be told that all is well.
	if _, err := os.Stat(cfg.ledgerDir()); cfg.NATS == "" && err != nil {
		return v, fmt.Errorf("%s 里没有账本，请核对 --data / there is no ledger in %s, check --data: %w", cfg.Data, cfg.Data, err)
	}
	n, err := openNode(ctx, cfg, time.Now, slog.New(slog.DiscardHandler))
	if err != nil {
		return v, err
	}
	defer func() { err = errors.Join(err, n.close()) }()
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	for _, run := range []func(context.Context) error{n.model.Run, n.tree.Run} {
		running.Go(func() { _ = run(ctx) }) // who waits for the position is told why it ended
	}
	defer func() {
		cancel()
		running.Wait()
	}()

	if accept > 0 {
		if err := acceptEvent(ctx, n.store, accept, reason); err != nil {
			return v, err
		}
	}
	if n.store.Health() == nil {
		if err := n.model.Wait(ctx, n.store.Acked()); err != nil {
			return v, fmt.Errorf("bring the read models up: %w", err)
		}
	}
	progress, done := a.progress("检查 / checking", int64(n.store.Acked()))
	defer done()
	return api.Checkup(ctx, api.Config{Store: n.store, Model: n.model, Seal: n.seal}, progress)
}

func acceptEvent(ctx context.Context, store *eventstore.Store, seq uint64, reason string) error {
	person, err := domain.Person(api.Operator)
	if err != nil {
		return err
	}
	key := ulid.Make()
	_, err = store.Accept(ctx, eventstore.Acceptance{
		Sequence: seq, Reason: reason, By: domain.Caller{Person: person, Role: domain.RoleSafetyOffice}, Key: key,
		Command: eventstore.Command{ID: eventstore.CommandID(person, "doctor accept", key), Digest: eventstore.Digest([]byte(reason))},
	})
	return err
}

// progress returns a progress bar on a terminal, and nothing to see elsewhere.
func (a *app) progress(title string, total int64) (step func(uint64), done func()) {
	if !isTerminal(a.err) {
		return nil, func() {}
	}
	bar := progressbar.NewOptions64(total, progressbar.OptionSetWriter(a.err), progressbar.OptionSetDescription(title),
		progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish())
	// A bar that can't be drawn is no reason to stop the check.
	return func(seq uint64) { _ = bar.Set64(int64(seq)) }, func() { _ = bar.Finish() }
}

func (a *app) printCheckup(v api.CheckupView) error {
	fmt.Fprintf(a.out, "检查了 %d 个事件 / %d events checked\n读模型：%s\n", v.Events, v.Events, v.ReadModel)
	for _, p := range v.Problems {
		fmt.Fprintln(a.out, "✗", p)
	}
	if v.Healthy {
		_, err := fmt.Fprintln(a.out, "账本完好 / the ledger is sound")
		return err
	}
	return nil
}

func (a *app) tokenCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "token", Short: "令牌 / tokens", RunE: group}
	var t api.TokenRequest
	add := &cobra.Command{Use: "add", Short: "发放令牌 / make a token", Args: exactArgs(0), RunE: func(cmd *cobra.Command, _ []string) error {
		c, err := a.client()
		if err != nil {
			return err
		}
		if t.Office != "" && !strings.Contains(t.Office, "/") {
			id, err := officeNamed(cmd.Context(), c, t.Office)
			if err != nil {
				return err
			}
			t.Office = "office/" + id
		}
		body, err := json.Marshal(t)
		if err != nil {
			return err
		}
		b, err := c.do(cmd.Context(), request{method: http.MethodPost, path: "tokens", body: bytes.NewReader(body), media: "application/json"})
		if err != nil || a.json {
			return a.rawOr(b, err)
		}
		var made api.TokenMade
		if err := decode(b, &made); err != nil {
			return err
		}
		_, err = fmt.Fprintln(a.out, made.Token)
		return err
	}}
	add.Flags().StringVar(&t.Person, "person", "", "人员编号 / person")
	add.Flags().StringVar(&t.Office, "office", "", "处室编号或名称 / office")
	add.Flags().StringVar(&t.Role, "role", "office", "safety_office, office, inspector, auditor, assessor")
	add.Flags().StringVar(&t.Note, "note", "", "备注 / note")
	revoke := &cobra.Command{Use: "revoke DIGEST", Short: "停用令牌 / revoke a token", Args: exactArgs(1), RunE: func(cmd *cobra.Command, args []string) error {
		c, err := a.client()
		if err != nil {
			return err
		}
		_, err = c.do(cmd.Context(), request{method: http.MethodDelete, path: "tokens/" + args[0]})
		return err
	}}
	cmd.AddCommand(add, revoke)
	return cmd
}

func (a *app) evidenceCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "evidence", Short: "证据 / evidence", RunE: group}
	var media string
	put := &cobra.Command{Use: "put FILE", Short: "上传证据，打印其 SHA-256 / upload a file", Args: exactArgs(1), RunE: func(cmd *cobra.Command, args []string) error {
		c, err := a.client()
		if err != nil {
			return err
		}
		f, err := os.Open(args[0])
		if err != nil {
			return fmt.Errorf("读不到文件 / can't read the file: %w", err)
		}
		defer f.Close()
		b, err := c.do(cmd.Context(), request{method: http.MethodPut, path: "evidence", body: f, media: media})
		if err != nil || a.json {
			return a.rawOr(b, err)
		}
		var ev domain.Evidence
		if err := decode(b, &ev); err != nil {
			return err
		}
		_, err = fmt.Fprintln(a.out, ev.SHA256)
		return err
	}}
	put.Flags().StringVar(&media, "type", "application/octet-stream", "媒体类型 / media type")
	cmd.AddCommand(put)
	return cmd
}
