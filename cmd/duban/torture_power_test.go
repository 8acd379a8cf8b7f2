//go:build torture && linux

package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A recording is a server's life under load, from an empty folder on: every change
// of its files, every sync and every answer.
type recording struct {
	binary   string
	root     string
	token    string
	lives    [][]instant // one for each start of the server
	deeds    []*deed     // every command, all answered
	ready    uint64      // sequence with which the tasks were there that commands act on
	book     *book       // the events at the end
	told     []telling
	instants int
}

// A telling is an answer on its way to a client.
type telling struct {
	at   int    // instant, counted over all lives
	last uint64 // sequence it named
}

// record runs the server twice under load, each time to an orderly end.
func record(t *testing.T, seed uint64, l load) *recording {
	t.Helper()
	requireStrace(t)
	traces := t.TempDir()
	v := &victim{t: t, binary: buildBinary(t), dir: t.TempDir()}
	t.Cleanup(v.leave)
	var made atomic.Int64
	r := &recording{binary: v.binary, root: v.dir, book: newBook()}
	random := rand.New(rand.NewPCG(seed, 2))
	var tasks []string
	for life := range 2 {
		v.under = tracing(tracePath(traces, life))
		v.start()
		v.http.Timeout = 2 * time.Minute // the tracer holds the server up
		if life == 0 {
			tasks, r.ready = v.importTasks(&made, 6)
		}
		done := v.write(l, deeds{random, &made, tasks}, func() {})
		for _, d := range done {
			require.True(t, d.acknowledged)
			r.book.note(t, d)
		}
		r.deeds = append(r.deeds, done...)
		v.agreed()
		r.book.read(v)
		v.stop()
		r.lives = append(r.lives, readTrace(t, tracePath(traces, life), v.cmd.Process.Pid))
	}
	r.token = v.token
	require.NoError(t, r.findTold())
	return r
}

// findTold finds the answers to commands in the traces.
func (r *recording) findTold() error {
	base := 0
	for _, life := range r.lives {
		for i, m := range life {
			if !m.entry || m.call.name != "write" || !m.call.done() || !strings.HasPrefix(m.call.args[1], `"HTTP/1.1 20`) {
				continue
			}
			text, err := m.call.text(1)
			if err != nil {
				return err
			}
			_, after, found := strings.Cut(text, "\r\nDuban-Sequence: ")
			if !found {
				continue
			}
			number, _, _ := strings.Cut(after, "\r\n")
			seq, err := strconv.ParseUint(number, 10, 64)
			if err != nil {
				return err
			}
			r.told = append(r.told, telling{base + i, seq})
		}
		base += len(life)
	}
	r.instants = base
	return nil
}

// toldBefore returns the highest sequence that clients had been told before an
// instant.
func (r *recording) toldBefore(at int) uint64 {
	var last uint64
	for _, told := range r.told {
		if told.at < at {
			last = max(last, told.last)
		}
	}
	return last
}

// A cut is the power going off before an instant.
type cut struct {
	at   int
	loss loss
	dir  string
}

// chooseCuts takes points at random: everywhere, and in particular around the
// syncs of the ledger's files, within what is written before them, and at answers.
func (r *recording) chooseCuts(n int, random *rand.Rand) []cut {
	var syncs, batches []int
	base := 0
	for _, life := range r.lives {
		names := map[string]string{}
		for i, m := range life {
			c := m.call
			switch {
			case c.name == "openat" && !m.entry:
				names[strconv.FormatInt(c.result, 10)] = c.args[1]
			case !strings.Contains(names[c.args[0]], "/streams/LEDGER/"):
			case c.name == "fsync" || c.name == "fdatasync":
				syncs = append(syncs, base+i, base+i+1)
			case c.name == "pwrite64" && m.entry:
				// The larger, the more likely it holds transactions.
				for range 1 + c.result/4096 {
					batches = append(batches, base+i+1+random.IntN(2))
				}
			}
		}
		base += len(life)
	}
	cuts := make([]cut, n)
	for i := range cuts {
		c := cut{loss: losses[i%len(losses)]}
		switch random.IntN(5) {
		case 0:
			c.at = random.IntN(r.instants + 1)
		case 1:
			c.at = r.told[random.IntN(len(r.told))].at + random.IntN(2)
		case 2:
			c.at = syncs[random.IntN(len(syncs))]
		default:
			c.at = batches[random.IntN(len(batches))]
		}
		cuts[i] = c
	}
	slices.SortFunc(cuts, func(a, b cut) int { return a.at - b.at })
	return cuts
}

func count(cuts []cut, l loss) (n int) {
	for _, c := range cuts {
		if c.loss == l {
			n++
		}
	}
	return n
}

// replay runs the traces against a disk, writes an image of each cut, and returns
// the disk at the end.
func (r *recording) replay(t *testing.T, cuts []cut, ignored func(string) bool, random *rand.Rand) *disk {
	t.Helper()
	d := newDisk(r.root)
	d.ignored = ignored
	next := 0
	shoot := func(at int) {
		for ; next < len(cuts) && cuts[next].at == at; next++ {
			dir, err := os.MkdirTemp("", "duban-cut-")
			require.NoError(t, err)
			cuts[next].dir = dir
			require.NoError(t, d.image(dir, cuts[next].loss, random))
		}
	}
	at := 0
	for _, life := range r.lives {
		d.restarted()
		for i, m := range life {
			shoot(at)
			require.NoError(t, d.pass(m, i))
			at++
		}
	}
	shoot(at)
	return d
}

// requireReplayed checks the model against the real disk: replayed to the end
// without loss it holds the same files with the same bytes.
func (r *recording) requireReplayed(t *testing.T, d *disk) {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, d.image(dir, lossNone, nil))
	files := 0
	compare := func(a, b string) {
		require.NoError(t, filepath.WalkDir(a, func(path string, e fs.DirEntry, err error) error {
			if err != nil || isShared(path) {
				return err
			}
			rel, err := filepath.Rel(a, path)
			if err != nil {
				return err
			}
			if !e.Type().IsRegular() {
				_, err := os.Lstat(filepath.Join(b, rel))
				return err
			}
			files++
			want, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			have, err := os.ReadFile(filepath.Join(b, rel))
			if err == nil && !bytes.Equal(want, have) {
				err = fmt.Errorf("%s differs", rel)
			}
			return err
		}))
	}
	compare(r.root, dir)
	compare(dir, r.root)
	require.Greater(t, files, 10)
}

// reopen starts the program on what a cut left.
func (r *recording) reopen(t *testing.T, c cut) *victim {
	t.Helper()
	v := &victim{t: t, binary: r.binary, dir: c.dir, token: r.token}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("what the cut left, and the server made of it, is in %s", c.dir)
			return
		}
		require.NoError(t, os.RemoveAll(c.dir))
	})
	return v
}

// missing compares the events of a server with those clients had been told of, and
// returns the first that is not there, or has other bytes; 0 for none.
func (r *recording) missing(b *book, told uint64) uint64 {
	for i, raw := range r.book.raw[:told] {
		if i >= len(b.raw) || b.raw[i] != raw {
			return uint64(i) + 1
		}
	}
	return 0
}

// survive checks everything that has to hold after a cut. It returns how many
// events were left without the rest of their transaction.
func (r *recording) survive(t *testing.T, c cut, random *rand.Rand) (voided int) {
	t.Helper()
	told := r.toldBefore(c.at)
	v := r.reopen(t, c)
	t.Cleanup(v.leave)
	v.start()
	v.readToken()
	require.True(t, told == 0 || v.token == r.token, "the operator's token is another")
	b := newBook()
	b.read(v)
	require.Zero(t, r.missing(b, told), "acknowledged and lost; clients had been told up to %d", told)
	v.agreed()
	v.checkImports(b)

	done := r.around(told, random)
	b.answeredTwice(v, done, v.repeat(done))
	b.read(v)
	b.compare(t)
	v.agreed()
	v.checkImports(b)
	v.healthy(b.last())
	return b.voided
}

// around chooses commands to be sent again: some of those that clients had been told
// of, and those that may have been under way.
func (r *recording) around(told uint64, random *rand.Rand) []*deed {
	const some, next = 30, 60
	var chosen []*deed
	for _, i := range random.Perm(len(r.deeds)) {
		d := *r.deeds[i]
		seq := r.book.answers[d.key].Sequence
		d.acknowledged = seq <= told
		if d.acknowledged && len(chosen) < some || told >= r.ready && seq > told && seq < told+next {
			chosen = append(chosen, &d)
		}
	}
	return chosen
}

// TestPowerCut: law 2. The power goes off at any point under load, and everything
// that was not synced is lost, or parts of it.
func TestPowerCut(t *testing.T) {
	t.Parallel()
	seed := tortureSeed(t)
	r := record(t, seed, load{writers: 32, enough: tortureCount(t, "DUBAN_TORTURE_COMMANDS", 600)})
	t.Logf("%d instants, %d answers, %d events", r.instants, len(r.told), r.book.last())
	require.GreaterOrEqual(t, len(r.told), len(r.deeds))

	random := rand.New(rand.NewPCG(seed, 3))
	cuts := r.chooseCuts(tortureCount(t, "DUBAN_TORTURE_CUTS", 150), random)
	r.requireReplayed(t, r.replay(t, cuts, nil, random))
	var voided, torn atomic.Int64
	t.Run("cuts", func(t *testing.T) {
		for i, c := range cuts {
			t.Run(fmt.Sprintf("%d %s at %d", i, c.loss, c.at), func(t *testing.T) {
				t.Parallel()
				if n := r.survive(t, c, rand.New(rand.NewPCG(seed, uint64(c.at)))); n > 0 {
					torn.Add(1)
					voided.Add(int64(n))
				}
			})
		}
	})
	t.Logf("%d power cuts and %d kills at chosen points; %d of them left half a transaction, %d events without effect",
		len(cuts)-count(cuts, lossNone), count(cuts, lossNone), torn.Load(), voided.Load())
	t.Run("without syncs", func(t *testing.T) { r.loseWithoutSyncs(t, random) })
}

// loseWithoutSyncs is the test of the test: with the syncs of the ledger's blocks
// ignored, as if SyncAlways were switched off, events are lost and the test sees it.
func (r *recording) loseWithoutSyncs(t *testing.T, random *rand.Rand) {
	cuts := r.chooseCuts(12, random)
	for i := range cuts {
		cuts[i].loss = lossData
	}
	r.replay(t, cuts, func(path string) bool { return strings.Contains(path, "/streams/LEDGER/msgs/") }, random)
	lost := 0
	for _, c := range cuts {
		told := r.toldBefore(c.at)
		v := r.reopen(t, c)
		if err := v.boot(); err != nil {
			t.Logf("told up to %d: the server refuses: %v", told, err)
			continue
		}
		v.readToken()
		b := newBook()
		b.read(v)
		if first := r.missing(b, told); first > 0 {
			t.Logf("told up to %d: %d is lost", told, first)
			lost++
		}
		v.leave()
	}
	t.Logf("acknowledged events lost at %d of %d cuts", lost, len(cuts))
	require.Positive(t, lost)
}
