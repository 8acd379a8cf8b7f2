package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Exit codes, part of the contract.
const (
	exitDone   = 0
	exitFailed = 1 // it failed, or the answer is "no"
	exitUsage  = 2 // wrong use
)

type stdio struct {
	in       io.Reader
	out, err io.Writer
}

// app is what every subcommand shares.
type app struct {
	stdio
	env  func(string) (string, bool)
	json bool // --json: JSON and nothing else on stdout

	server string
	token  string
	data   string
}

// usageError marks a mistake in how the program was called.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// run executes the command line and returns its exit code.
func run(ctx context.Context, args []string, env func(string) (string, bool), std stdio) int {
	a := &app{stdio: std, env: env}
	root := a.root()
	root.SetArgs(args)
	root.SetIn(std.in)
	root.SetOut(std.out)
	root.SetErr(std.err)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitDone
	}
	fmt.Fprintln(std.err, "duban:", err)
	if more := a.explain(ctx, err); more != "" {
		fmt.Fprintln(std.err, more)
	}
	var usage usageError
	if errors.As(err, &usage) {
		return exitUsage
	}
	return exitFailed
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:               "duban",
		Short:             "督办台账 / the compliance ledger",
		SilenceErrors:     true,
		SilenceUsage:      true,
		Args:              cobra.ArbitraryArgs, // so that group says what is wrong, with the exit code of wrong use
		RunE:              group,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error { return a.fromEnvironment(cmd.Flags()) },
	}
	root.SetFlagErrorFunc(wrongFlag)
	root.CompletionOptions.HiddenDefaultCmd = true
	f := root.PersistentFlags()
	f.StringVar(&a.server, "server", "", "服务器地址，缺省取 DATA/server.address，否则 "+defaultServer+" / address of the server, by default that in DATA/server.address")
	f.StringVar(&a.token, "token", "", "令牌，缺省取 DATA/operator.token / bearer token, by default that in DATA/operator.token")
	f.StringVar(&a.data, "data", "data", "数据目录 / data folder")
	f.BoolVar(&a.json, "json", false, "只输出 JSON / print JSON and nothing else")

	root.AddCommand(a.serveCommand(), a.importCommand(), a.importSheetCommand(), a.tasksCommand(), a.findingsCommand(), a.inspectionsCommand(), a.officesCommand(),
		a.directivesCommand(), a.calendarsCommand(), a.lightsCommand(), a.summaryCommand(), a.reportsCommand(), a.registerCommand(), a.assessmentCommand(),
		a.exportCommand(), a.verifyCommand(), a.remindCommand(), a.handOverCommand(),
		a.historyCommand(), a.replayCommand(), a.rebuildCommand(), a.doctorCommand(), a.backupCommand(), a.restoreCommand(),
		a.keyCommand(), a.witnessCommand(), a.tokenCommand(), a.evidenceCommand(), a.benchCommand(), a.versionCommand())
	for _, r := range resources() {
		root.AddCommand(a.resourceCommand(r))
	}
	return root
}

// group runs a command that only has subcommands: it prints its help, and refuses
// what is no subcommand.
func group(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usageError{fmt.Errorf("没有命令 %q，见 %s --help / there is no command %q, see %s --help", args[0], cmd.CommandPath(), args[0], cmd.CommandPath())}
	}
	return cmd.Help()
}

// fromEnvironment gives flags that were not set their DUBAN_* twin.
func (a *app) fromEnvironment(flags *pflag.FlagSet) error {
	var bad error
	flags.VisitAll(func(f *pflag.Flag) {
		name := "DUBAN_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		v, ok := a.env(name)
		if !ok || f.Changed || f.Name == "help" {
			return
		}
		if err := flags.Set(f.Name, v); err != nil {
			bad = usageError{fmt.Errorf("环境变量 %s / environment variable %s: %w", name, name, err)}
		}
	})
	return bad
}

// exactArgs is cobra.ExactArgs with the exit code of wrong use.
func exactArgs(n int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == n {
			return nil
		}
		return usageError{fmt.Errorf("用法 / usage: %s", cmd.UseLine())}
	}
}

// atMost is cobra.MaximumNArgs with the exit code of wrong use.
func atMost(n int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		return exactArgs(min(len(args), n))(cmd, args)
	}
}

// isTerminal reports whether w is a terminal, where progress may be shown.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
