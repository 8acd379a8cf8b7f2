package main

import (
	"bytes"
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

// TestNothingLeftRunning: a whole server that was stopped under load, with clients
// who listen and clients in the middle of something, leaves no goroutine behind.
func TestNothingLeftRunning(t *testing.T) {
	before := goleak.IgnoreCurrent()
	dir := t.TempDir()
	for _, number := range []string{"1", "2"} { // the second start finds what the first left
		serveUnderLoad(t, dir, number)
	}
	goleak.VerifyNone(t, before)
}

// serveUnderLoad serves a folder, imports a notice with a number, loads the server and
// stops it meanwhile.
func serveUnderLoad(t *testing.T, dir, number string) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	env := func(string) (string, bool) { return "", false }
	var out bytes.Buffer // of the server; read once it has ended
	served := make(chan int, 1)
	go func() {
		served <- run(ctx, []string{"serve", "--data", dir, "--listen", "127.0.0.1:0", "--log-level", "error", "--remind-at", "00:00", "--audit-rate", "100000"},
			env, stdio{strings.NewReader(""), &out, &out})
	}()
	address := filepath.Join(dir, addressFile)
	eventually(t, "the server is up", 30*time.Second, func() bool { _, err := os.Stat(address); return err == nil })

	notice := filepath.Join(t.TempDir(), "notice.txt")
	require.NoError(t, os.WriteFile(notice, smallNotice(number), 0o600))
	client := func(args ...string) (int, string) {
		var said bytes.Buffer
		code := run(t.Context(), append(args, "--data", dir), env, stdio{strings.NewReader(""), &said, &said})
		return code, said.String()
	}
	code, said := client("import", notice)
	require.Equal(t, exitDone, code, said)

	listening := listenLive(t, dir, 3)
	var load sync.WaitGroup
	load.Go(func() {
		// It ends in errors: the server goes away under it.
		client("bench", "load", "--yes-write", "--rate", "300", "--duration", "2s", "--timeout", "5s", "--connections", "32")
	})
	code, said = client("rebuild")
	assert.Equal(t, exitDone, code, said)
	code, said = client("export", "--year", time.Now().In(zone).Format("2006"), "-o", filepath.Join(t.TempDir(), "year.zip"))
	assert.Equal(t, exitDone, code, said)
	stop()
	assert.Equal(t, exitDone, <-served, out.String())
	load.Wait()
	listening()
}

// listenLive opens event streams, which nobody reads, and returns what closes them.
func listenLive(t *testing.T, dir string, streams int) (end func()) {
	t.Helper()
	base, err := os.ReadFile(filepath.Join(dir, addressFile))
	require.NoError(t, err)
	token, err := os.ReadFile(filepath.Join(dir, tokenFile))
	require.NoError(t, err)
	transport := &http.Transport{}
	var open []*http.Response
	for range streams {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, strings.TrimSpace(string(base))+"/api/v1/events/live?after=0", nil)
		require.NoError(t, err)
		req.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
		resp, err := transport.RoundTrip(req)
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, resp.StatusCode)
		open = append(open, resp)
	}
	return func() {
		for _, resp := range open {
			resp.Body.Close()
		}
		transport.CloseIdleConnections()
	}
}

// TestNothingLeftAfterMending: nor does a ledger whose disk failed, so that the
// embedded server was closed and opened again.
func TestNothingLeftAfterMending(t *testing.T) {
	before := goleak.IgnoreCurrent()
	n := openTestNode(t, t.TempDir(), "")
	id := n.someWork(t)
	for range 2 {
		require.Positive(t, breakDisk(t, n.dir))
		n.post(t, "tasks/"+id+"/remind", body{"words": "请报进展"})
		eventually(t, "the ledger is writable again", 20*time.Second, func() bool { return n.store.Health() == nil })
		n.post(t, "tasks/"+id+"/remind", body{"words": "请报进展"}).write(t)
	}
	n.stop()
	goleak.VerifyNone(t, before)
}
