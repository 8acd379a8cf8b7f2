package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"duban/projections"
)

func TestMain(m *testing.M) {
	testscript.Main(preparedM{m}, map[string]func(){"duban": func() {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		code := run(ctx, os.Args[1:], os.LookupEnv, stdio{os.Stdin, os.Stdout, os.Stderr})
		stop()
		os.Exit(code)
	}})
}

// preparedM reads the flags first; the commands above have flags of their own.
type preparedM struct{ *testing.M }

func (m preparedM) Run() int {
	prepareTests()
	return m.M.Run()
}

// TestCommandLine runs testdata/script. Beside testscript's own commands:
//
//	code N args…         runs duban; its exit code is N
//	ready DATA           waits until a server serves the folder
//	json FILE PATH OP V  looks into a JSON file or stdout: clauses.0.path.1 is V, has V, len N
//	set NAME FILE PATH   puts a JSON value into the environment
//	figures FILE         what the contract says of the sample notice's draft
//	counts FILE PATH A…  a list of {value, n} has more than none of each
//	mode FILE 0600       permissions
//	unpack ZIP ENTRY FILE
//	tamper FROM TO       copies a file with one bit in its middle flipped
//	await WHERE PATH RE FILE  asks the server of a folder or URL until it answers so
//	watch KEYS URL FILE  makes a policy that wants the witness at URL
func TestCommandLine(t *testing.T) {
	if testing.Short() {
		t.Skip("one command after the other")
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Deadline:            time.Now().Add(5 * time.Minute), // a server that should have refused to start is stopped
		Setup: func(e *testscript.Env) error {
			e.Setenv("YEAR", time.Now().In(zone).Format("2006"))
			witness, err := freeAddress()
			if err != nil {
				return err
			}
			e.Setenv("WITNESS", witness)
			e.Setenv("NOTICE", filepath.Join(e.WorkDir, "notice.txt"))
			if err := os.WriteFile(filepath.Join(e.WorkDir, "small.txt"), smallNotice("7"), 0o600); err != nil {
				return err
			}
			return os.WriteFile(filepath.Join(e.WorkDir, "notice.txt"), sampleNotice, 0o600)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"code": scriptCode, "ready": scriptReady, "json": scriptJSON, "set": scriptSet, "figures": scriptFigures, "mode": scriptMode, "counts": scriptCounts, "unpack": scriptUnpack, "tamper": scriptTamper,
			"await": scriptAwait, "watch": scriptWatch,
		},
	})
}

func scriptUnpack(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(unpackEntry(ts.MkAbs(args[0]), args[1], ts.MkAbs(args[2])))
}

func scriptTamper(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(tamper(ts.MkAbs(args[0]), ts.MkAbs(args[1])))
}

func scriptCode(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec("duban", args[1:]...)
	got := 0
	if err != nil {
		var exited *exec.ExitError
		if !errors.As(err, &exited) {
			ts.Fatalf("duban: %v", err)
		}
		got = exited.ExitCode()
	}
	if got != want {
		ts.Fatalf("duban %s: exit code %d, want %d", strings.Join(args[1:], " "), got, want)
	}
}

func scriptReady(ts *testscript.TestScript, _ bool, args []string) {
	file := filepath.Join(ts.MkAbs(args[0]), addressFile)
	deadline := time.NewTimer(60 * time.Second)
	defer deadline.Stop()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		if b, err := os.ReadFile(file); err == nil && strings.HasSuffix(string(b), "\n") {
			if resp, err := http.Get(strings.TrimSpace(string(b)) + "/readyz"); err == nil {
				resp.Body.Close()
				return
			}
		}
		select {
		case <-tick.C:
		case <-deadline.C:
			ts.Fatalf("no server on %s", args[0])
		}
	}
}

// value looks up a path of members and indexes; # is the length of a list.
func value(ts *testscript.TestScript, file, path string) any {
	var v any
	if err := json.Unmarshal([]byte(ts.ReadFile(file)), &v); err != nil {
		ts.Fatalf("%s is not JSON: %v", file, err)
	}
	for _, step := range strings.Split(path, ".") {
		switch at := v.(type) {
		case map[string]any:
			found, ok := at[step]
			if !ok {
				ts.Fatalf("%s: no member %s of %s, there are %v", file, step, path, slices.Sorted(maps.Keys(at)))
			}
			v = found
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i >= len(at) {
				ts.Fatalf("%s: no element %s of %s, there are %d", file, step, path, len(at))
			}
			v = at[i]
		default:
			ts.Fatalf("%s: nothing under %s of %s", file, step, path)
		}
	}
	return v
}

func text(v any) string {
	switch x := v.(type) {
	case string:
		return x
	case float64:
		return strconv.FormatFloat(x, 'f', -1, 64)
	default:
		return fmt.Sprint(x)
	}
}

func scriptJSON(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 4 {
		ts.Fatalf("usage: json FILE PATH is|has|len VALUE")
	}
	v := value(ts, args[0], args[1])
	ok := false
	switch args[2] {
	case "is":
		ok = text(v) == args[3]
	case "has":
		ok = strings.Contains(text(v), args[3])
	case "len":
		list, _ := v.([]any)
		ok = strconv.Itoa(len(list)) == args[3]
	default:
		ts.Fatalf("no operator %s", args[2])
	}
	if ok == neg {
		ts.Fatalf("%s %s is %v", args[0], args[1], v)
	}
}

func scriptSet(ts *testscript.TestScript, _ bool, args []string) {
	ts.Setenv(args[0], text(value(ts, args[1], args[2])))
}

func scriptMode(ts *testscript.TestScript, _ bool, args []string) {
	info, err := os.Stat(ts.MkAbs(args[0]))
	ts.Check(err)
	if got := fmt.Sprintf("%04o", info.Mode().Perm()); got != args[1] {
		ts.Fatalf("%s has mode %s, want %s", args[0], got, args[1])
	}
}

func scriptCounts(ts *testscript.TestScript, _ bool, args []string) {
	b, err := json.Marshal(value(ts, args[0], args[1]))
	ts.Check(err)
	var list []projections.Count
	ts.Check(json.Unmarshal(b, &list))
	for _, name := range args[2:] {
		if !slices.ContainsFunc(list, func(c projections.Count) bool { return c.Value == name && c.N > 0 }) {
			ts.Fatalf("%s: none is %s: %s", args[1], name, b)
		}
	}
}
