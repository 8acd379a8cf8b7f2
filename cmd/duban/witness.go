package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"duban/api/witness"
)

// witnessConfig is how a witness is run.
type witnessConfig struct {
	Listen string
	Name   string
	Origin string   // if set, the name every key has to carry
	Logs   []string // verifier keys
}

func (a *app) witnessCommand() *cobra.Command {
	var cfg witnessConfig
	cmd := &cobra.Command{
		Use: "witness", Short: "运行独立见证者 / run an independent witness", Args: exactArgs(0),
		Long: "见证者记住见过的树头，只联署它的延续（C2SP tlog-witness）。由审计方或安委会办公室在另一台机器上运行才有意义。\n" +
			"A witness remembers the last head it has seen and cosigns only what extends it. It is worth having on a machine that others run.",
		RunE: func(cmd *cobra.Command, _ []string) error { return a.witness(cmd.Context(), cfg) },
	}
	f := cmd.Flags()
	f.StringVar(&cfg.Listen, "listen", "127.0.0.1:8081", "监听地址 / address to listen on")
	f.StringVar(&cfg.Name, "name", "witness", "见证者名称，如 aqb.example/w1 / the witness's name")
	f.StringSliceVar(&cfg.Logs, "log-key", nil, "账本的验证密钥（duban key export），换密钥时可多个 / verifier key of the log, several while it is rotated")
	f.StringVar(&cfg.Origin, "origin", "", "账本名称，核对 --log-key 用 / the log's name, to check --log-key against")
	return cmd
}

func (a *app) witness(ctx context.Context, cfg witnessConfig) error {
	log, err := newLogger(a.err, "text", slog.LevelInfo)
	if err != nil {
		return err
	}
	w, err := witness.New(witness.Config{Name: cfg.Name, Origin: cfg.Origin, Dir: filepath.Join(a.data, "witness"), Logs: cfg.Logs, Logger: log})
	if errors.Is(err, witness.ErrNoLogs) {
		return usageError{err}
	}
	if err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", cfg.Listen)
	if err != nil {
		return fmt.Errorf("监听 %s 失败，换一个 --listen / can't listen on %s, choose another --listen: %w", cfg.Listen, cfg.Listen, err)
	}
	defer listener.Close()
	fmt.Fprintf(a.err, "见证者 / witness  %s\n策略文件中写 / in the policy:\nwitness NAME %s %s\n", baseURL(listener.Addr()), w.VerifierKey(), baseURL(listener.Addr()))
	hs := &http.Server{Handler: w.Handler(), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second, MaxHeaderBytes: 16 << 10}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		if err := hs.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serve: %w", err)
		}
		return nil
	})
	group.Go(func() error {
		<-ctx.Done()
		late, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		return hs.Shutdown(late)
	})
	return ended(group.Wait())
}
