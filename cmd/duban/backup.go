package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"duban/api/backup"
	"duban/eventstore"
	"duban/projections/seal"
)

func (a *app) backupCommand() *cobra.Command {
	var opt backup.Options
	var keys, org string
	cmd := &cobra.Command{
		Use: "backup DIR", Short: "备份账本，服务照常运行 / back up the ledger while it is served", Args: exactArgs(1),
		Long: "服务器照常运行；没有运行时直接打开 --data。DIR 里每次备份一个目录，以时间命名；证据按 SHA-256 只存一份，再次备份只复制新增的。\n" +
			"中途失败不影响以前的备份。签名私钥不在备份里，也不能从服务器取得：在服务器本机用 --keys 另存到别处。\n" +
			"The server goes on; where none runs, --data is opened. DIR gets a folder for each backup, named by its time; evidence is kept once. A backup that\n" +
			"breaks off leaves the earlier ones alone. Signing keys are not part of it: on the server's machine --keys keeps them elsewhere.",
		RunE: func(cmd *cobra.Command, args []string) error { return a.backup(cmd.Context(), args[0], keys, org, opt) },
	}
	f := cmd.Flags()
	f.BoolVar(&opt.NoEvidence, "no-evidence", false, "不备份证据文件 / leave evidence files out")
	f.IntVar(&opt.Keep, "keep", 0, "DIR 里保留最近几次备份，0 为全部 / how many backups stay in DIR, 0: all")
	f.StringVar(&org, "org", "duban", "单位代码，服务器没有运行时须写 / short code of the body, where no server runs")
	f.StringVar(&keys, "keys", "", "把 --data 里的签名私钥另存到此目录（不得在 DIR 内） / keep the signing keys of --data in this folder, outside DIR")
	return cmd
}

func (a *app) backup(ctx context.Context, dir, keys, org string, opt backup.Options) (err error) {
	if opt.Keep < 0 {
		return usageError{errors.New("--keep 不能为负 / --keep can't be negative")}
	}
	if keys != "" {
		if err := apart(keys, dir); err != nil {
			return err
		}
	}
	c, err := a.client()
	if err != nil {
		return err
	}
	if _, none := os.Stat(serveConfig{Data: a.data}.ledgerDir()); none == nil && a.server == "" && !c.reachable(ctx) {
		var stop func() error
		if c, stop, err = a.serveQuietly(ctx, org); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, stop()) }()
	}
	opt.Now, opt.Progress = time.Now(), a.steps()
	report, err := backup.Write(ctx, dir, backupSource{c}, opt)
	if err != nil {
		return err
	}
	copied := 0
	if keys != "" {
		if copied, err = seal.CopyKeys(filepath.Join(a.data, "keys"), keys); err != nil {
			return err
		}
	}
	if a.json {
		return a.printJSON(report)
	}
	fmt.Fprintf(a.out, "已备份到 %s：%d 个事件，%d 字节，证据 %d 份（新增 %d 份），树头 %d / backed up, %d events\n",
		report.Path, report.Events, report.Bytes, report.Evidence, report.Copied, report.TreeSize, report.Events)
	if keys != "" {
		fmt.Fprintf(a.out, "签名私钥在 %s，新增 %d 个，请与备份分开保管 / signing keys are in %s, keep them apart from the backup\n", keys, copied, keys)
	}
	return nil
}

// serveQuietly serves the data folder, whose server was stopped, for this process alone.
func (a *app) serveQuietly(ctx context.Context, org string) (*client, func() error, error) {
	quiet := *a
	quiet.stdio = stdio{a.in, io.Discard, io.Discard}
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	// One that was killed leaves its address.
	_ = os.Remove(filepath.Join(a.data, addressFile))
	go func() {
		ended <- quiet.serve(ctx, serveConfig{Data: a.data, Org: org, Listen: "127.0.0.1:0", Sign: true, AuditRate: -1, LogFormat: "text", StopAfter: quietStop})
	}()
	stop := func() error {
		cancel()
		return <-ended
	}
	tick := time.NewTicker(lookAgain / 4)
	defer tick.Stop()
	for {
		if _, err := os.Stat(filepath.Join(a.data, addressFile)); err == nil {
			c, err := a.client()
			if err != nil {
				return nil, nil, errors.Join(err, stop())
			}
			return c, stop, nil
		}
		select {
		case <-tick.C:
		case err := <-ended:
			cancel()
			return nil, nil, cmp.Or(err, ctx.Err())
		}
	}
}

// quietStop is how long the end of a server for this process alone may take.
const quietStop = 10 * time.Second

// apart refuses a folder of keys within the backup: who gets hold of the backup would
// be able to sign.
func apart(keys, dir string) error {
	inner, err := filepath.Abs(keys)
	if err != nil {
		return err
	}
	outer, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	rel, err := filepath.Rel(outer, inner)
	if err == nil && filepath.IsLocal(rel) {
		return usageError{fmt.Errorf("私钥不能与备份放在一起，请换一个目录：%s / keys are not kept with the backup, choose another folder", keys)}
	}
	return nil
}

// steps tells on a terminal what is being done.
func (a *app) steps() func(string) {
	if !isTerminal(a.err) {
		return func(string) {}
	}
	return func(step string) { fmt.Fprintf(a.err, "\r\033[K%s\r", step) }
}

// backupSource is a running server.
type backupSource struct{ *client }

var errBrokeOff = errors.New("服务器的应答不完整，请重试 / the server's answer is not whole, try again")

// Snapshot fetches a stream's snapshot, and compares it with the digest the server gives.
func (s backupSource) Snapshot(ctx context.Context, k eventstore.Kept, w io.Writer) (uint64, error) {
	name := "ledger"
	if k == eventstore.KeptHeads {
		name = "heads"
	}
	resp, err := s.send(ctx, request{method: http.MethodGet, path: "backup/streams/" + name})
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return 0, refusal(resp)
	}
	sum := sha256.New()
	if _, err := io.Copy(io.MultiWriter(w, sum), resp.Body); err != nil {
		return 0, fmt.Errorf("%w: %w", errBrokeOff, err)
	}
	if resp.Header.Get("Repr-Digest") != "sha-256=:"+base64.StdEncoding.EncodeToString(sum.Sum(nil))+":" {
		return 0, errBrokeOff
	}
	last, err := strconv.ParseUint(resp.Header.Get("Duban-Sequence"), 10, 64)
	if err != nil {
		return 0, errBrokeOff
	}
	return last, nil
}

// Head asks for a signed head over the events.
func (s backupSource) Head(ctx context.Context, events uint64) (h backup.Head, err error) {
	return h, s.get(ctx, "backup/head", url.Values{"events": {strconv.FormatUint(events, 10)}}, &h)
}

// Contents asks what else there is.
func (s backupSource) Contents(ctx context.Context) (c backup.Contents, err error) {
	return c, s.get(ctx, "backup/contents", nil, &c)
}

// Evidence opens a file.
func (s backupSource) Evidence(ctx context.Context, sum string) (io.ReadCloser, error) {
	resp, err := s.send(ctx, request{method: http.MethodGet, path: "evidence/" + sum})
	if err != nil {
		return nil, err
	}
	if resp.StatusCode == http.StatusOK {
		return resp.Body, nil
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusGone {
		return nil, eventstore.ErrEvidenceWithdrawn
	}
	return nil, refusal(resp)
}
