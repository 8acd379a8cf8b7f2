//go:build torture && linux

package main

import (
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"duban/api"
)

// A fault is a way for the disk to fail while the server runs.
type fault struct {
	name  string
	begin func(t *testing.T, v *victim) (end func())
}

// inject makes calls of the running server fail, by a tracer that is attached to it.
// write(2) is spared: it also answers clients.
func inject(calls, errno string) func(*testing.T, *victim) func() {
	return func(t *testing.T, v *victim) func() {
		t.Helper()
		cmd := exec.Command("strace", "-f", "-o", os.DevNull, "-e", "trace="+calls, "-e", "inject="+calls+":error="+errno,
			"-p", strconv.Itoa(v.cmd.Process.Pid))
		require.NoError(t, cmd.Start())
		return func() {
			require.NoError(t, cmd.Process.Signal(os.Interrupt))
			_ = cmd.Wait() // ended by the signal
		}
	}
}

var faults = []fault{
	{"I_O error on sync", inject("fsync,fdatasync", "EIO")},
	{"I_O error on write", inject("pwrite64", "EIO")},
	{"no space", inject("pwrite64,mkdirat,fallocate", "ENOSPC")},
	{"read-only", inject("pwrite64,mkdirat,renameat,unlinkat,ftruncate,fallocate,fsync,fdatasync", "EROFS")},
}

// TestDiskFaults: law 2. The disk of a running server fails under load: writes are
// refused with a reason, reads go on, nothing acknowledged is lost, and the server
// recovers when the disk does.
func TestDiskFaults(t *testing.T) {
	t.Parallel()
	requireStrace(t)
	binary := buildBinary(t)
	for _, f := range faults {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			(&victim{t: t, binary: binary, dir: t.TempDir()}).suffer(f)
		})
	}
	t.Run("full disk", func(t *testing.T) {
		t.Parallel()
		const command = `mount -t tmpfs -o size=256m duban "$0" && exec "$@"`
		if out, err := exec.Command("unshare", "-m", "sh", "-c", command, t.TempDir(), "true").CombinedOutput(); err != nil {
			t.Skipf("no file system of a fixed size can be mounted here, so the full disk is only the injected one: %s", out)
		}
		v := &victim{t: t, binary: binary, dir: t.TempDir(), apart: true}
		v.under = []string{"unshare", "-m", "sh", "-c", command, v.dir}
		v.suffer(fault{begin: fillUp})
	})
}

// fillUp writes into the data folder's file system until nothing more fits.
func fillUp(t *testing.T, v *victim) func() {
	t.Helper()
	path := v.file("balloon")
	f, err := os.Create(path)
	require.NoError(t, err)
	defer f.Close()
	for size := 1 << 20; size > 0; size >>= 1 {
		for err = nil; err == nil; {
			_, err = f.Write(make([]byte, size))
		}
	}
	return func() { require.NoError(t, os.Remove(path)) }
}

// suffer runs a server through a fault.
func (v *victim) suffer(f fault) {
	v.t.Helper()
	v.t.Cleanup(func() {
		v.leave()
		if v.t.Failed() {
			v.t.Log(v.log.String())
		}
	})
	v.start()
	v.http.Timeout = time.Minute // an append waits for the disk longer than a client of the kills
	var made atomic.Int64
	random := rand.New(rand.NewPCG(tortureSeed(v.t), 4))
	all, _ := v.importTasks(&made, 4)
	quiet := all[0]
	g := deeds{random, &made, all[1:]}
	b := newBook()
	for _, d := range v.write(load{writers: 16, enough: 60}, g, func() {}) {
		b.note(v.t, d)
	}
	before := v.look(quiet)

	end := f.begin(v.t, v)
	stop := make(chan struct{})
	var refused atomic.Int64
	sent := v.persist(g, 8, stop, &refused)
	eventually(v.t, "writes are refused", 2*time.Minute, func() bool { return refused.Load() > 0 })
	eventually(v.t, "the server says why", time.Minute, func() bool { return v.readiness().Reason != "" })
	for refusals := refused.Load(); refused.Load() < refusals+8; {
		require.Equal(v.t, before, v.look(quiet), "reads go on")
		require.NotEmpty(v.t, v.readiness().Reason)
	}
	end()
	recovering := time.Now()
	eventually(v.t, "the server takes writes again", time.Minute, func() bool { return v.readiness().Reason == "" })
	close(stop) // they would fill a small disk again
	eventually(v.t, "the server recovers", time.Minute, func() bool { return v.readiness().Ready })
	v.t.Logf("%d commands refused; ready %s after the fault ended", refused.Load(), time.Since(recovering).Round(time.Millisecond))

	done := append(sent(), b.deeds...)
	b.answeredTwice(v, done, v.repeat(done))
	v.whole(b)
	if v.apart { // its disk goes with it
		return
	}
	v.stop()
	v.start()
	again := newBook()
	again.read(v)
	require.Equal(v.t, b.raw, again.raw[:len(b.raw)], "the same after a restart")
	v.whole(again)
}

// whole checks everything in a server at rest.
func (v *victim) whole(b *book) {
	v.t.Helper()
	b.read(v)
	b.compare(v.t)
	v.agreed()
	v.checkImports(b)
	v.healthy(b.last())
}

// look reads a task nobody writes to.
func (v *victim) look(task string) string {
	v.t.Helper()
	text := ""
	for _, path := range []string{"tasks/" + task, "tasks/" + task + "/history", "directives?limit=1"} {
		a, err := v.do(http.MethodGet, path, "", "", nil)
		require.NoError(v.t, err)
		require.Equal(v.t, http.StatusOK, a.status, string(a.body))
		if path != "directives?limit=1" {
			text += string(a.body)
		}
	}
	return text
}

// refusedPause is how long a writer waits who was refused. Everything refused is sent
// again in the end, which has to fit on a small disk.
const refusedPause = 250 * time.Millisecond

// persist lets writers go on whatever they are told, and returns what they sent
// once they have stopped. A command that is not acknowledged has to be refused as
// 503, with a reason and a time to come again.
func (v *victim) persist(g deeds, writers int, stop <-chan struct{}, refused *atomic.Int64) (sent func() []*deed) {
	var mu sync.Mutex
	var all []*deed
	var wg sync.WaitGroup
	for i := range writers {
		own := deeds{rand.New(rand.NewPCG(g.random.Uint64(), uint64(i))), g.count, g.tasks}
		wg.Go(func() {
			for again := time.After(0); ; {
				select {
				case <-stop:
					return
				case <-v.t.Context().Done():
					return
				case <-again:
				}
				again = time.After(0)
				d := own.next()
				err := v.perform(d)
				mu.Lock()
				all = append(all, d)
				mu.Unlock()
				if err != nil || d.acknowledged {
					continue
				}
				refused.Add(1)
				again = time.After(refusedPause)
				var p api.Problem
				assert.Equal(v.t, http.StatusServiceUnavailable, d.answer.status, string(d.answer.body))
				assert.NoError(v.t, json.Unmarshal(d.answer.body, &p))
				assert.NotEmpty(v.t, p.Detail)
				assert.NotEmpty(v.t, d.answer.header.Get("Retry-After"))
			}
		})
	}
	v.t.Cleanup(wg.Wait) // a test that fails leaves nobody behind
	return func() []*deed {
		wg.Wait()
		return all
	}
}
