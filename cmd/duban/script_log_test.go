package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// freeAddress returns an address nobody listens on, for a server whose address others
// have to know before it starts.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// fetch returns what the server of a folder, or one at an address, answers.
func fetch(ts *testscript.TestScript, server, path string) (string, error) {
	base := server
	if !strings.HasPrefix(server, "http://") {
		b, err := os.ReadFile(filepath.Join(ts.MkAbs(server), addressFile))
		if err != nil {
			return "", err
		}
		base = strings.TrimSpace(string(b))
	}
	resp, err := http.Get(base + path)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return string(b), err
}

// await asks until the answer matches.
func await(ts *testscript.TestScript, server, path, pattern string) string {
	want := regexp.MustCompile(pattern)
	deadline := time.NewTimer(60 * time.Second)
	defer deadline.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		got, err := fetch(ts, server, path)
		if err == nil && want.MatchString(got) {
			return got
		}
		select {
		case <-tick.C:
		case <-deadline.C:
			ts.Fatalf("%s%s: never %q: %v\n%s", server, path, pattern, err, got)
		}
	}
}

func scriptAwait(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 4 {
		ts.Fatalf("usage: await DATA|URL PATH PATTERN FILE")
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[3]), []byte(await(ts, args[0], args[1], args[2])), 0o600))
}

func scriptWatch(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 3 {
		ts.Fatalf("usage: watch KEYS URL FILE")
	}
	key := strings.TrimSpace(await(ts, args[1], "/", `\+`))
	policy := strings.Replace(ts.ReadFile(args[0]), "quorum none\n", fmt.Sprintf("witness w1 %s\nquorum w1\n", key), 1)
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), []byte(policy), 0o600))
}
