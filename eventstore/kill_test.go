//go:build linux

package eventstore_test

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"duban/eventstore"
	"duban/eventstore/storetest"
)

const killDir = "DUBAN_TEST_KILL_DIR"

// TestKilled kills a writing process at random moments. Every acknowledged event
// is there afterwards with the same bytes, and no half transaction counts.
func TestKilled(t *testing.T) {
	if dir := os.Getenv(killDir); dir != "" {
		writeUntilKilled(t, dir)
		return
	}
	dir := t.TempDir()
	acked := map[uint64]string{}
	for range 8 {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKilled$", "-test.timeout=60s")
		cmd.Env = append(os.Environ(), killDir+"="+dir)
		out, err := cmd.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		lines := bufio.NewScanner(out)
		kill := rand.IntN(60)
		for n := 0; lines.Scan(); n++ {
			var seq uint64
			var hash string
			if _, err := fmt.Sscan(lines.Text(), &seq, &hash); err == nil {
				acked[seq] = hash
			}
			if n == kill {
				time.AfterFunc(time.Duration(rand.IntN(2000))*time.Microsecond, func() { _ = cmd.Process.Kill() })
			}
		}
		require.Error(t, cmd.Wait(), "killed")
	}
	cfg := storetest.Config()
	cfg.Dir = dir
	s, err := eventstore.Open(t.Context(), cfg)
	require.NoError(t, err)
	defer s.Close()
	require.NoError(t, s.Health())
	report, err := s.Audit(t.Context(), nil)
	require.NoError(t, err)
	require.True(t, report.Sound(), "%+v", report.Findings)
	require.NotEmpty(t, acked)
	for _, r := range storetest.Follow(t, s, 0, s.Acked()) {
		if hash, ok := acked[r.Seq]; ok {
			require.Equal(t, hash, r.Hash())
			require.False(t, r.Voided)
			delete(acked, r.Seq)
		}
	}
	require.Empty(t, acked, "acknowledged and lost")
}

func writeUntilKilled(t *testing.T, dir string) {
	cfg := storetest.Config()
	cfg.Dir = dir
	s, err := eventstore.Open(context.Background(), cfg)
	require.NoError(t, err)
	w := storetest.NewWriter(s)
	for n := 0; ; n++ {
		for _, r := range w.Append(t, 1+n%5) {
			fmt.Println(r.Seq, r.Hash())
		}
	}
}
