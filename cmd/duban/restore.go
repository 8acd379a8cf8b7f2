package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"duban/api"
	"duban/api/backup"
	"duban/domain"
	"duban/domain/calendar"
	"duban/domain/ledger"
	"duban/eventstore"
	"duban/projections/seal"
)

func (a *app) restoreCommand() *cobra.Command {
	var r restoration
	cmd := &cobra.Command{
		Use: "restore DIR", Short: "把备份恢复到空目录 / restore a backup into an empty folder", Args: exactArgs(1),
		Long: "DIR 是备份目录（取最近一次），或其中某一次备份的目录；恢复到 --data，须为空或不存在。\n" +
			"逐个核对摘要、树根、签名、每条链和证据，全部相符才放到 --data；否则指出第一处不符，什么也不留下。\n" +
			"恢复出来的是账本的另一个化身：名称、密钥都是新的，请把新密钥交给见证者和核对者；以前的树头和卷宗仍可核验。\n" +
			"Nothing is left in --data unless everything fits. The copy is another incarnation of the ledger, with another name and\n" +
			"key; tell witnesses and verifiers. Earlier heads and dossiers can still be verified.",
		RunE: func(cmd *cobra.Command, args []string) error {
			r.from, r.target = args[0], a.data
			return a.restore(cmd.Context(), r)
		},
	}
	f := cmd.Flags()
	f.StringVar(&r.policy, "policy", "", "另行取得的 C2SP tlog-policy 文件，备份的树头须符合 / a policy that came another way, for the backup's head")
	f.StringVar(&r.keys, "keys", "", "备份时另存的私钥，只为重新导出以前的卷宗 / the keys that were kept apart, only needed to make earlier dossiers again")
	return cmd
}

// A restoration puts a backup in place.
type restoration struct {
	from, target string
	policy, keys string
}

// RestoredView is what a restore did, for --json.
type RestoredView struct {
	Data        string `json:"data"`
	Backup      string `json:"backup"`
	Org         string `json:"org"`
	Events      uint64 `json:"events"`
	From        string `json:"from"`   // the log's name before
	Origin      string `json:"origin"` // the log's name from now on
	Key         string `json:"key"`
	Void        uint64 `json:"void"` // of the events, at the end: of a transaction that the backup cut
	Credentials int    `json:"credentials"`
	Missing     int    `json:"missing_evidence"`
}

func (a *app) restore(ctx context.Context, r restoration) error {
	if err := emptyTarget(r.target); err != nil {
		return err
	}
	policy, err := serveConfig{Policy: r.policy}.witnessing()
	if err != nil {
		return err
	}
	b, err := backup.Open(r.from)
	if err != nil {
		return err
	}
	step := a.steps()
	step("核对备份 / checking the backup")
	if err := b.Check(ctx); err != nil {
		return err
	}
	// Beside the target, so that it gets its name in one step.
	target, err := filepath.Abs(r.target)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(target), 0o700); err != nil {
		return fmt.Errorf("make the folder above: %w", err)
	}
	tmp := filepath.Join(filepath.Dir(target), "."+filepath.Base(target)+".restoring")
	lock, err := workplace(tmp)
	if err != nil {
		return err
	}
	defer lock.Close()
	defer os.RemoveAll(tmp) // there is none any more if all went well

	work := &restoring{Backup: b, r: r, dir: tmp, policy: policy.Policy, step: step}
	view, err := work.run(ctx)
	if err != nil {
		return fmt.Errorf("没有恢复 / nothing was restored: %w", notFit(err))
	}
	if err := putInPlace(tmp, target, lock); err != nil {
		return err
	}
	view.Data, view.Backup = r.target, b.Path
	return a.printRestored(view)
}

// emptyTarget refuses a folder in which there is anything.
func emptyTarget(dir string) error {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("read %s: %w", dir, err)
	case len(entries) > 0:
		return fmt.Errorf("%s 不是空目录，只能恢复到空目录或不存在的目录，请换一个 --data / %s is not empty: choose another --data, empty or not there yet", dir, dir)
	}
	return nil
}

// workplace makes the folder in which one restore at a time prepares a copy, and
// empties it of what one that was killed has left.
func workplace(dir string) (lock *os.File, err error) {
	if lock, err = eventstore.LockDir(dir); err != nil {
		return nil, fmt.Errorf("make a folder for the copy: %w", err)
	}
	left, err := os.ReadDir(dir)
	for _, e := range left {
		if e.Name() != filepath.Base(lock.Name()) {
			err = errors.Join(err, os.RemoveAll(filepath.Join(dir, e.Name())))
		}
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("empty %s: %w", dir, err), lock.Close())
	}
	return lock, nil
}

// putInPlace gives the finished copy its name once all of it is on disk.
func putInPlace(tmp, target string, lock *os.File) error {
	if err := eventstore.SyncTree(tmp); err != nil {
		return err
	}
	// Fails if somebody has put something there meanwhile.
	if err := os.Remove(target); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("put the copy in place: %w", err)
	}
	if err := os.Rename(tmp, target); err != nil {
		return fmt.Errorf("put the copy in place: %w", err)
	}
	d, err := os.Open(filepath.Dir(target))
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close(), os.Remove(filepath.Join(target, filepath.Base(lock.Name()))))
}

// notFit says what is wrong with a backup, and not what a running server would do about
// it.
func notFit(err error) error {
	var found *eventstore.MismatchError
	var odd *eventstore.EventError
	switch {
	case errors.As(err, &found):
		zh, en := domain.Halves(found.Detail)
		return errors.New(domain.Both("备份与签名的树头不符 / the backup is not what was signed", zh, en))
	case errors.As(err, &odd):
		zh, en := domain.Halves(odd.Err.Error())
		return errors.New(domain.Both("备份里有无法读取或不合规的事件 / the backup has an event that can't be read or does not fit",
			fmt.Sprintf("序号 %d：%s", odd.Sequence, zh), fmt.Sprintf("event %d: %s", odd.Sequence, en)))
	}
	return err
}

// restoring works on the copy before it gets its name.
type restoring struct {
	*backup.Backup
	r      restoration
	dir    string
	policy seal.Policy
	step   func(string)
}

func (w *restoring) run(ctx context.Context) (view RestoredView, err error) {
	cfg := serveConfig{Data: w.dir, Org: w.Org, Demo: w.Sample, Sign: true, AuditRate: -1}
	w.step("恢复事件 / restoring events")
	if err := w.Streams(ctx, cfg.ledgerDir()); err != nil {
		return view, err
	}
	if w.r.keys != "" {
		if _, err := seal.CopyKeys(w.r.keys, cfg.keysDir()); err != nil {
			return view, err
		}
	}
	n, err := openNode(ctx, cfg, time.Now, slog.New(slog.DiscardHandler))
	if err != nil {
		return view, err
	}
	defer func() { err = errors.Join(err, n.close()) }()
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	running.Go(func() { _ = n.tree.Run(ctx) }) // who waits for the position is told why it ended
	running.Go(func() { _ = n.model.Run(ctx) })

	w.step("与签名的树头比对 / comparing with the signed head")
	head, err := w.compare(ctx, n)
	if err != nil {
		return view, err
	}
	creds, err := w.Rest(ctx, n.store, w.step)
	if err != nil {
		return view, err
	}
	w.step("逐个核对事件和证据 / checking every event and evidence")
	void, err := w.audit(ctx, n.store)
	if err != nil {
		return view, err
	}
	if err := w.record(ctx, n, head); err != nil {
		return view, err
	}
	running.Go(func() { _ = n.seal.Run(ctx) }) // Latest is asked for what it did, Err why not
	if err := w.finish(ctx, n, creds); err != nil {
		return view, err
	}
	return RestoredView{
		Org: w.Org, Events: w.Head.Events, From: w.Head.Origin, Origin: n.seal.Origin(), Key: newestKey(n.seal), Void: void, Credentials: len(creds), Missing: w.Missing(),
	}, nil
}

// compare holds the restored events against the head the backup is bound to.
func (w *restoring) compare(ctx context.Context, n *node) (seal.Head, error) {
	binding, err := w.Head.Binding()
	if err != nil {
		return seal.Head{}, err
	}
	return n.seal.CheckBinding(ctx, binding, w.policy.Policy)
}

// audit reads everything once more and names the first thing that is wrong. Evidence
// that the backup left out is missing, and said to be. It returns how many events at the
// end have no effect, because the backup fell into their transaction.
func (w *restoring) audit(ctx context.Context, store *eventstore.Store) (void uint64, err error) {
	report, err := store.Audit(ctx, nil)
	if err != nil {
		return 0, err
	}
	voided := map[uint64]bool{}
	for _, f := range report.Findings {
		switch {
		case f.Kind == eventstore.FindingVoid:
			voided[f.Sequence] = true
		case f.Kind != eventstore.FindingEvidence || !w.EvidenceLeftOut:
			return 0, fmt.Errorf("序号 %d：%s：%s / event %d: %s", f.Sequence, f.Kind, f.Detail, f.Sequence, f.Kind)
		}
	}
	for voided[w.Head.Events-void] {
		void++
	}
	return void, store.Health()
}

// record says in the ledger that it is a copy, of what.
func (w *restoring) record(ctx context.Context, n *node, head seal.Head) error {
	person, err := domain.Person(api.Operator)
	if err != nil {
		return err
	}
	restored := &ledger.Restored{
		Origin: w.Head.Origin, Events: w.Head.Events, TreeSize: head.Size, Root: head.Root.String(), BackupOn: calendar.On(w.Made),
	}
	if err := restored.Validate(); err != nil {
		return err
	}
	return seal.AppendToLedger(ctx, n.store, seal.LedgerEvent{
		Org: w.Org, By: domain.Caller{Person: person, Role: domain.RoleSafetyOffice}, At: n.clock(), Route: "ledger/restore", Data: restored,
	})
}

// finish waits until the copy's own key is named and signs, and the read models stand
// at the ledger, and makes a new token: the old one went with the old disk, maybe.
func (w *restoring) finish(ctx context.Context, n *node, creds []eventstore.Credential) error {
	w.step("签名、重建读模型 / signing, making the read models again")
	if err := n.model.Wait(ctx, n.store.Acked()); err != nil {
		return fmt.Errorf("make the read models again: %w", err)
	}
	if err := n.signed(ctx); err != nil {
		return err
	}
	if err := n.model.Verify(ctx); err != nil {
		return err
	}
	return w.token(ctx, n, creds)
}

// token makes the operator's token, as the first start does. A ledger without any token
// of the safety office gets one at its next start.
func (w *restoring) token(ctx context.Context, n *node, creds []eventstore.Credential) error {
	i := slices.IndexFunc(creds, func(c eventstore.Credential) bool { return c.Role == domain.RoleSafetyOffice })
	if i < 0 {
		return nil
	}
	person, err := domain.Person(api.Operator)
	if err != nil {
		return err
	}
	token := api.NewToken()
	made := eventstore.Credential{Person: person, Office: creds[i].Office, Role: domain.RoleSafetyOffice, Created: n.clock(), Note: "restore"}
	if err := n.store.PutCredential(ctx, api.TokenDigest(token), made); err != nil {
		return err
	}
	return seal.Replace(filepath.Join(w.dir, tokenFile), []byte(token+"\n"))
}

// signed waits until the last head is over everything.
func (n *node) signed(ctx context.Context) error {
	tick := time.NewTicker(lookAgain / 4)
	defer tick.Stop()
	for {
		h, err := n.seal.Latest(ctx)
		if err == nil && h.Size >= n.store.Acked() {
			return nil
		}
		if stopped := n.seal.Err(); stopped != nil {
			return stopped
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func newestKey(s *seal.Seal) string {
	keys := s.Keys()
	if len(keys) == 0 {
		return ""
	}
	return keys[len(keys)-1].Verifier
}

func (a *app) printRestored(v RestoredView) error {
	if a.json {
		return a.printJSON(v)
	}
	fmt.Fprintf(a.out, "已恢复到 %s：%d 个事件，与签名的树头一致 / restored, %d events, as signed\n", v.Data, v.Events, v.Events)
	fmt.Fprintf(a.out, "原账本 / it was %s\n新的化身 / from now on %s\n新密钥，请交给见证者和核对者 / new key, for witnesses and verifiers\n%s\n", v.From, v.Origin, v.Key)
	if v.Void > 0 {
		fmt.Fprintf(a.out, "备份截止时有一次入账没有写完，其最后 %d 个事件不生效 / the backup fell into a transaction: its last %d events have no effect\n", v.Void, v.Void)
	}
	if v.Credentials > 0 {
		fmt.Fprintf(a.out, "恢复了 %d 个令牌；备份以后停用的令牌又有效了，请用 token revoke 再停用 / %d tokens work again, also those revoked after the backup: revoke them again\n", v.Credentials, v.Credentials)
	}
	if v.Missing > 0 {
		fmt.Fprintf(a.out, "备份不含证据，缺 %d 份，请用 evidence put 逐一补上，补齐前 doctor 会报告 / %d evidence files were left out: put them back with evidence put\n", v.Missing, v.Missing)
	}
	_, err := fmt.Fprintf(a.out, "启动 / start: duban serve --data %s --org %s\n", v.Data, v.Org)
	return err
}
