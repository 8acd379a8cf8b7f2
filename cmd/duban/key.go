package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"duban/api"
	"duban/domain"
	"duban/domain/calendar"
	"duban/domain/vocabulary"
	"duban/eventstore"
	"duban/projections/seal"
)

// keyCommand looks after the keys that sign the log's heads. What only reads asks the
// running server; a rotation opens the ledger itself, so that the server must be
// stopped first.
func (a *app) keyCommand() *cobra.Command {
	cfg := serveConfig{}
	cmd := &cobra.Command{
		Use: "key", Short: "签名树头的密钥 / the keys that sign the log's heads", RunE: group,
	}
	f := cmd.PersistentFlags()
	f.StringVar(&cfg.NATS, "nats", "", "外部 NATS 地址 / external NATS server")
	f.StringVar(&cfg.Org, "org", "duban", "单位代码 / short code of the body")
	list := &cobra.Command{Use: "list", Short: "列出账本公布过的密钥 / list the keys the ledger has named", Args: exactArgs(0), RunE: func(cmd *cobra.Command, _ []string) error {
		cfg.Data = a.data
		return a.listKeys(cmd.Context(), cfg)
	}}

	var rotation seal.Rotation
	rotate := &cobra.Command{
		Use: "rotate", Short: "更换密钥；重叠期内新旧密钥同时签名 / change the key; in the overlap both sign", Args: exactArgs(0),
		Long: "须先停止服务器。新密钥写入 DATA/keys，更换作为事件入账。请在重叠期内把新密钥告知见证者和所有核对的人。\n" +
			"Stop the server first. The new key is kept in DATA/keys and the change is an event. Tell witnesses and verifiers of it within the overlap.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg.Data = a.data
			return a.withLedger(cmd.Context(), cfg, func(ctx context.Context, store *eventstore.Store) error {
				return a.rotateKey(ctx, cfg, store, rotation)
			})
		},
	}
	rotate.Flags().IntVar(&rotation.Days, "overlap", 30, "新旧密钥同时签名的天数 / days for which both keys sign")
	rotate.Flags().StringVar(&rotation.Reason, "reason", "", "更换的理由 / why")
	rotate.Flags().BoolVar(&rotation.Lost, "lost", false, "旧私钥已丢失：只由新密钥签名 / the old private key is lost: the new one signs alone")

	export := &cobra.Command{
		Use: "export", Short: "输出 C2SP tlog-policy，供核对和见证者使用 / print a policy for verifiers and witnesses", Args: exactArgs(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg.Data = a.data
			return a.exportKeys(cmd.Context(), cfg)
		},
	}
	cmd.AddCommand(list, rotate, export)
	return cmd
}

// withLedger opens the ledger in the data folder, which has to be there.
func (a *app) withLedger(ctx context.Context, cfg serveConfig, f func(context.Context, *eventstore.Store) error) (err error) {
	if _, err := os.Stat(cfg.ledgerDir()); cfg.NATS == "" && err != nil {
		return fmt.Errorf("%s 里没有账本，请核对 --data / there is no ledger in %s, check --data: %w", cfg.Data, cfg.Data, err)
	}
	store, err := eventstore.Open(ctx, eventstore.Config{
		Org: cfg.Org, Dir: cfg.ledgerDir(), URL: cfg.NATS, Software: softwareVersion(), Types: vocabulary.Payloads(),
		Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	return f(ctx, store)
}

// keyView is one key as key list prints it.
type keyView struct {
	seal.Key
	Private bool `json:"private"` // the private key is in this data folder
	Signs   bool `json:"signs"`   // today
}

// publicKeys asks the running server for the log's keys; where none runs, it opens
// the ledger itself.
func (a *app) publicKeys(ctx context.Context, cfg serveConfig) (v api.KeysView, err error) {
	if c, err := a.client(); err == nil && c.reachable(ctx) {
		return v, c.get(ctx, "keys", nil, &v)
	}
	return v, a.withLedger(ctx, cfg, func(ctx context.Context, store *eventstore.Store) error {
		v.Origin, v.Keys, err = seal.Identify(ctx, store, cfg.Org)
		return err
	})
}

func (a *app) listKeys(ctx context.Context, cfg serveConfig) error {
	log, err := a.publicKeys(ctx, cfg)
	if err != nil {
		return err
	}
	ring, err := seal.OpenKeyring(cfg.keysDir())
	if err != nil {
		return err
	}
	views := []keyView{}
	today := calendar.On(time.Now())
	for _, k := range log.Keys {
		signs := strings.HasPrefix(k.Verifier, log.Origin+"+") && (k.Until == "" || today <= k.Until)
		views = append(views, keyView{Key: k, Private: ring.Has(k.Verifier), Signs: signs})
	}
	if a.json {
		return a.printJSON(views)
	}
	for _, v := range views {
		until := "至今 / now"
		if v.Until != "" {
			until = string(v.Until)
		}
		private := "无私钥 / no private key here"
		if v.Private {
			private = "有私钥 / private key here"
		}
		fmt.Fprintf(a.out, "%s\n  自大小 / from size %d，至 / until %s，%s\n", v.Verifier, v.From, until, private)
	}
	if len(views) == 0 {
		_, err = fmt.Fprintln(a.out, "账本还没有签名密钥，首次启动服务器时生成 / the ledger has no key yet, the server makes it at its first start")
	}
	return err
}

func (a *app) rotateKey(ctx context.Context, cfg serveConfig, store *eventstore.Store, r seal.Rotation) error {
	person, err := domain.Person(api.Operator)
	if err != nil {
		return err
	}
	r.Org, r.Dir, r.By, r.At = cfg.Org, cfg.keysDir(), domain.Caller{Person: person, Role: domain.RoleSafetyOffice}, time.Now()
	done, err := seal.Rotate(ctx, store, r)
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON(done)
	}
	_, err = fmt.Fprintf(a.out, "新密钥 / new key\n%s\n旧密钥签到 %s / the old key signs until %s\n%s\n",
		done.New, done.Until, done.Until, done.Old)
	return err
}

func (a *app) exportKeys(ctx context.Context, cfg serveConfig) error {
	log, err := a.publicKeys(ctx, cfg)
	if err != nil {
		return err
	}
	if len(log.Keys) == 0 {
		return seal.ErrNoKeyYet
	}
	if a.json {
		return a.printJSON(log)
	}
	_, err = a.out.Write(seal.FormatPolicy(log.Origin, log.Keys, calendar.On(time.Now())))
	return err
}
