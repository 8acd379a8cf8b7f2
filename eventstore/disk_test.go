//go:build linux

package eventstore_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"duban/domain"
	"duban/eventstore"
	"duban/eventstore/storetest"
)

// breakFiles puts device in the place of every open block file of a stream, and
// returns how many. Behind /dev/null writes succeed, are lost, and fsync fails
// with EINVAL; behind /dev/full writes fail with ENOSPC.
func breakFiles(t *testing.T, dir, stream, device string) int {
	t.Helper()
	fd, err := syscall.Open(device, syscall.O_RDWR, 0)
	require.NoError(t, err)
	defer syscall.Close(fd)
	links, err := filepath.Glob("/proc/self/fd/*")
	require.NoError(t, err)
	n := 0
	for _, link := range links {
		to, err := os.Readlink(link)
		if err != nil || !strings.HasPrefix(to, dir) || !strings.Contains(to, "/"+stream+"/msgs/") || !strings.HasSuffix(to, ".blk") {
			continue
		}
		victim, err := strconv.Atoi(filepath.Base(link))
		require.NoError(t, err)
		require.NoError(t, syscall.Dup3(fd, victim, syscall.O_CLOEXEC))
		n++
	}
	return n
}

// A watcher follows the ledger and checks that it sees every sequence once and
// none that was not acknowledged.
type watcher struct {
	mu   sync.Mutex
	seen []eventstore.Record
	end  func() []eventstore.Record
}

func watchLedger(t *testing.T, s *eventstore.Store) *watcher {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	w := &watcher{}
	done := make(chan error, 1)
	go func() {
		done <- s.Follow(ctx, 0, func(batch []eventstore.Record) error {
			w.mu.Lock()
			defer w.mu.Unlock()
			for _, r := range batch {
				if r.Seq > s.Acked() {
					return errors.New("shown before it was acknowledged")
				}
				w.seen = append(w.seen, r)
			}
			return nil
		})
	}()
	w.end = func() []eventstore.Record {
		t.Helper()
		require.Eventually(t, func() bool {
			w.mu.Lock()
			defer w.mu.Unlock()
			return len(w.seen) > 0 && w.seen[len(w.seen)-1].Seq == s.Acked()
		}, 10*time.Second, time.Millisecond)
		cancel()
		require.ErrorIs(t, <-done, context.Canceled)
		for i, r := range w.seen {
			require.Equal(t, uint64(i)+1, r.Seq)
		}
		return w.seen
	}
	t.Cleanup(cancel)
	return w
}

func openFragile(t *testing.T) (*eventstore.Store, string) {
	t.Helper()
	cfg := storetest.Config()
	cfg.Dir = t.TempDir()
	cfg.AckTimeout, cfg.ReadTimeout, cfg.RecoverTimeout = 500*time.Millisecond, 500*time.Millisecond, 5*time.Second
	s, err := eventstore.Open(t.Context(), cfg)
	require.NoError(t, err)
	t.Cleanup(func() { s.Close() })
	return s, cfg.Dir
}

// TestFailingDisk: the sync of an append fails once. The append is not
// acknowledged, nobody sees it, and with the disk well again the store works as
// if nothing had happened.
func TestFailingDisk(t *testing.T) {
	for _, device := range []string{"/dev/null", "/dev/full"} {
		for _, events := range []int{1, 3} {
			t.Run(filepath.Base(device)+" "+strconv.Itoa(events), func(t *testing.T) {
				s, dir := openFragile(t)
				follower := watchLedger(t, s)
				w, other := storetest.NewWriter(s), storetest.NewWriter(s)
				w.Append(t, 2)
				other.Append(t, 1)
				acked := s.Acked()

				require.Positive(t, breakFiles(t, dir, "LEDGER", device))
				lost := w.Prepare(events)
				failed := make(chan error, 1)
				go func() {
					_, err := s.Append(context.Background(), lost)
					failed <- err
				}()
				// Meanwhile the server serves what it could not sync.
				var err error
				for waiting := true; waiting; {
					select {
					case err = <-failed:
						waiting = false
					case <-time.After(time.Millisecond):
						agg, err := s.Load(t.Context(), w.Ref)
						require.NoError(t, err)
						require.Equal(t, w.Head, agg.Head, "shown before it was acknowledged")
					}
				}
				require.ErrorIs(t, err, eventstore.ErrUnavailable)
				require.NoError(t, s.Health(), "reopened before the answer")

				agg, err := s.Load(t.Context(), w.Ref)
				require.NoError(t, err)
				assert.Equal(t, w.Head, agg.Head, "what was not acknowledged is not there")
				assert.Equal(t, acked+1, s.Acked(), "ledger.opened")

				receipt, err := s.Append(t.Context(), lost)
				require.NoError(t, err, "the same append again")
				w.Advance(receipt)
				w.Append(t, 2)
				other.Append(t, 1)
				seen := follower.end()
				assert.Len(t, seen, int(acked)+1+events+3)
				report, err := s.Audit(t.Context(), nil)
				require.NoError(t, err)
				assert.Empty(t, report.Findings)
			})
		}
	}
}

// fillDisk makes every write beyond the first so many bytes of a file fail for
// this process, until the returned function is called.
//
// The test runs in a process of its own: the limit would hit the files of the
// test runner too.
func fillDisk(t *testing.T, limit uint64) (recover func()) {
	t.Helper()
	signal.Ignore(syscall.SIGXFSZ)
	var before syscall.Rlimit
	require.NoError(t, syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before))
	full := before
	full.Cur = limit
	require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &full))
	recover = func() { require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &before)) }
	t.Cleanup(recover)
	return recover
}

const inChild = "DUBAN_TEST_CHILD"

// ownProcess runs the test again as a process of its own and reports whether that
// was done, and the caller is to return.
func ownProcess(t *testing.T) bool {
	t.Helper()
	if os.Getenv(inChild) != "" {
		return false
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout=60s")
	cmd.Env = append(os.Environ(), inChild+"=1")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	return true
}

// TestBadDisk: the disk stays bad for a while. Appends fail at once instead of
// waiting, reads go on, and writing resumes by itself.
func TestBadDisk(t *testing.T) {
	if ownProcess(t) {
		return
	}
	cfg := storetest.Config()
	cfg.Dir = t.TempDir()
	cfg.AckTimeout, cfg.RecoverTimeout, cfg.RetryAfter = 200*time.Millisecond, 300*time.Millisecond, 20*time.Millisecond
	s, err := eventstore.Open(t.Context(), cfg)
	require.NoError(t, err)
	defer s.Close()
	follower := watchLedger(t, s)
	w := storetest.NewWriter(s)
	w.Append(t, 2)

	recover := fillDisk(t, 1<<10)
	lost := w.Prepare(2)
	for range 3 {
		_, err = s.Append(t.Context(), lost)
		require.ErrorIs(t, err, eventstore.ErrUnavailable)
		require.ErrorIs(t, s.Health(), eventstore.ErrUnavailable)
	}
	_, err = s.PutEvidence(t.Context(), strings.NewReader(strings.Repeat("x", 4<<10)), "text/plain", 0)
	require.ErrorIs(t, err, eventstore.ErrUnavailable, "the disk's fault, not the client's")
	agg, err := s.Load(t.Context(), w.Ref)
	require.NoError(t, err, "reads go on")
	assert.Equal(t, w.Head, agg.Head)
	recover()
	// Clients who keep asking must not keep it from recovering.
	require.Eventually(t, func() bool {
		_, err = s.Append(t.Context(), lost)
		return err == nil
	}, 10*time.Second, time.Millisecond)
	require.NoError(t, s.Health())
	agg, err = s.Load(t.Context(), w.Ref)
	require.NoError(t, err)
	assert.Equal(t, w.Head.Version+2, agg.Head.Version, "recorded once")
	follower.end()
}

// TestStoppedOnBadDisk: the store is closed while the disk is bad, and opened on
// a good one. The sequences of what never reached the disk are not lost for ever.
func TestStoppedOnBadDisk(t *testing.T) {
	if ownProcess(t) {
		return
	}
	cfg := storetest.Config()
	cfg.Dir = t.TempDir()
	cfg.AckTimeout, cfg.RecoverTimeout = 200*time.Millisecond, 100*time.Millisecond
	s, err := eventstore.Open(t.Context(), cfg)
	require.NoError(t, err)
	w := storetest.NewWriter(s)
	w.Append(t, 2)
	require.Positive(t, breakFiles(t, cfg.Dir, "LEDGER", "/dev/null"))
	recover := fillDisk(t, 32<<10) // staging the batch works, the probe does not
	_, err = s.Append(t.Context(), w.Prepare(3))
	require.ErrorIs(t, err, eventstore.ErrUnavailable)
	recover()
	// The retry may come before Close or not; either way this has to work.
	require.NoError(t, s.Close())

	s, err = eventstore.Open(t.Context(), cfg)
	require.NoError(t, err)
	defer s.Close()
	require.NoError(t, s.Health())
	agg, err := s.Load(t.Context(), w.Ref)
	require.NoError(t, err)
	assert.Equal(t, w.Head, agg.Head)
	assert.Len(t, storetest.Follow(t, s, 0, s.Acked()), int(s.Acked()))
}

// TestFailingDiskUnderLoad: many writers while the disk fails now and then.
// Whatever was acknowledged is there in the end, in the order of its sequences,
// and nothing else but what had no definite answer.
func TestFailingDiskUnderLoad(t *testing.T) {
	s, dir := openFragile(t)
	follower := watchLedger(t, s)
	var mu sync.Mutex
	acked := map[uint64]string{}
	unknown := map[string]bool{}
	note := func(receipt eventstore.Receipt) {
		for _, r := range receipt.Records {
			acked[r.Seq] = r.Hash()
		}
	}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			w := storetest.NewWriter(s)
			for {
				select {
				case <-stop:
					return
				default:
				}
				a := w.Prepare(1 + i%2*2)
				receipt, err := s.Append(context.Background(), a)
				mu.Lock()
				switch {
				case err == nil:
					note(receipt)
					w.Advance(receipt)
				case errors.Is(err, eventstore.ErrUnavailable):
					unknown[a.Command.ID] = true
				default:
					t.Errorf("append: %v", err)
				}
				mu.Unlock()
				if err != nil { // decided again on what is there now
					agg, err := s.Load(context.Background(), w.Ref)
					if err != nil {
						t.Errorf("load: %v", err)
						return
					}
					w.Head = agg.Head
				}
			}
		})
	}
	for range 3 {
		before := s.Acked()
		require.Eventually(t, func() bool { return s.Acked() > before+20 }, 10*time.Second, time.Millisecond)
		breakFiles(t, dir, "LEDGER", "/dev/null")
	}
	before := s.Acked()
	require.Eventually(t, func() bool { return s.Acked() > before+20 }, 10*time.Second, time.Millisecond)
	close(stop)
	wg.Wait()
	for _, r := range follower.end() {
		if r.Subject.Kind == domain.KindLedger {
			continue
		}
		if hash, ok := acked[r.Seq]; ok {
			require.Equal(t, hash, r.Hash())
			delete(acked, r.Seq)
			continue
		}
		require.True(t, unknown[r.CommandID], "event %d was never answered for", r.Seq)
	}
	require.Empty(t, acked, "acknowledged and lost")
}

// TestEvidenceOnBadDisk: an upload whose disk fails ends with an error, and the
// store is reopened for it as well.
func TestEvidenceOnBadDisk(t *testing.T) {
	s, dir := openFragile(t)
	_, err := s.PutEvidence(t.Context(), strings.NewReader("first"), "text/plain", 0)
	require.NoError(t, err)
	require.Positive(t, breakFiles(t, dir, "OBJ_EVIDENCE", "/dev/null"))
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	_, err = s.PutEvidence(ctx, strings.NewReader("second"), "text/plain", 0)
	require.Error(t, err)
	require.Eventually(t, func() bool {
		_, err = s.PutEvidence(t.Context(), strings.NewReader("second"), "text/plain", 0)
		return err == nil
	}, 10*time.Second, 10*time.Millisecond)
	left, err := filepath.Glob(filepath.Join(dir, "spool", "*"))
	require.NoError(t, err)
	assert.Empty(t, left)
}
