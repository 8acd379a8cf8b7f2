package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"duban/projections/dossier"
)

// errUnverified is the verifier's "no".
var errUnverified = errors.New("核验不通过，见上 / not verified, see above")

func (a *app) verifyCommand() *cobra.Command {
	var policy, previous string
	cmd := &cobra.Command{
		Use: "verify FILE.zip", Short: "核验年度卷宗，不需要服务器 / verify a dossier, needs no server", Args: exactArgs(1),
		Long: "逐字节核验：ZIP 结构、签名、整棵树、每个事件、每条链、证据、数量。\n" +
			"不给 --policy 时只证明与卷宗内所附的密钥一致；手里有以前的树头时用 --previous-checkpoint 查出改写和退回。\n" +
			"Checks every byte. Without --policy it proves integrity under the key inside the dossier only; an earlier head given with\n" +
			"--previous-checkpoint shows a history that was rewritten or rolled back. Exit code 1: not verified.",
		RunE: func(cmd *cobra.Command, args []string) error { return a.verify(cmd, args[0], policy, previous) },
	}
	f := cmd.Flags()
	f.StringVar(&policy, "policy", "", "另行取得的 C2SP tlog-policy 文件 / a policy that came another way")
	f.StringVar(&previous, "previous-checkpoint", "", "以前的树头（如另一卷宗的 log/checkpoint） / an earlier head, for example another dossier's log/checkpoint")
	return cmd
}

func (a *app) verify(cmd *cobra.Command, file, policy, previous string) error {
	var opt dossier.VerifyOptions
	var err error
	if opt.Policy, err = optionalFile(policy); err != nil {
		return err
	}
	if opt.PreviousCheckpoint, err = optionalFile(previous); err != nil {
		return err
	}
	f, err := os.Open(file)
	if err != nil {
		return usageError{fmt.Errorf("读不到文件 / can't read the file: %w", err)}
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("读不到文件 / can't read the file: %w", err)
	}
	if !info.Mode().IsRegular() {
		return usageError{fmt.Errorf("%s 不是文件 / is no file", file)}
	}
	progress, done := a.progress("核验 / verifying", info.Size())
	if progress != nil {
		opt.Progress = func(at, _ int64) { progress(uint64(at)) }
	}
	report, err := dossier.Verify(cmd.Context(), f, info.Size(), opt)
	done()
	if err != nil && report.Fault == nil {
		return fmt.Errorf("verify %s: %w", file, err)
	}
	if a.json {
		err = a.printJSON(report)
	} else {
		err = report.Print(a.out)
	}
	if err == nil && !report.OK {
		return errUnverified
	}
	return err
}

// optionalFile reads a file that a flag names. What is there counts, also if it is
// empty.
func optionalFile(name string) ([]byte, error) {
	if name == "" {
		return nil, nil
	}
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, usageError{fmt.Errorf("读不到文件 / can't read the file: %w", err)}
	}
	return append([]byte{}, b...), nil
}
