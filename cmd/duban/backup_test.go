package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"duban/api"
	"duban/api/backup"
	"duban/eventstore"
	"duban/eventstore/storetest"
)

// duban runs the command line in this process and returns its JSON, or what it says.
func duban(t *testing.T, into any, args ...string) error {
	t.Helper()
	var out, says bytes.Buffer
	code := run(t.Context(), append(args, "--json"), func(string) (string, bool) { return "", false }, stdio{nil, &out, &says})
	if code != exitDone {
		return errors.New(says.String())
	}
	return json.Unmarshal(out.Bytes(), into)
}

// skipProcess leaves a test of a process out of the short run, whose detector of races
// sees nothing of another process.
func skipProcess(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("a process of its own")
	}
}

func (v *victim) backup(dir string) backup.Report {
	v.t.Helper()
	var r backup.Report
	require.NoError(v.t, duban(v.t, &r, "backup", dir, "--server", v.base, "--token", v.token))
	return r
}

// firstTask imports a notice, counted in made, and returns one of its tasks.
func (v *victim) firstTask(made *atomic.Int64) string {
	v.t.Helper()
	ids, _ := v.importTasks(made, 1)
	return ids[0]
}

// work lets four writers send deeds until stop is called.
func (v *victim) work(task string, made *atomic.Int64) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			g := deeds{rand.New(rand.NewPCG(1, uint64(i))), made, []string{task}}
			for ctx.Err() == nil {
				d := g.next()
				if err := v.perform(d); err != nil {
					v.t.Errorf("%s: %v", d.path, err)
					return
				}
			}
		})
	}
	return func() {
		cancel()
		wg.Wait()
	}
}

// answers are what the ledger says as known at a sequence.
func (v *victim) answers(seq uint64, task string) map[string]string {
	v.t.Helper()
	all := map[string]string{}
	for _, path := range []string{
		"tasks?limit=200", "tasks?q=园区&limit=200", "directives?limit=200", "offices?limit=200", "summary?", "tasks/" + task + "?",
	} {
		a, err := v.do(http.MethodGet, fmt.Sprintf("%s&known_at=%d", path, seq), "", "", nil)
		require.NoError(v.t, err)
		require.Equal(v.t, http.StatusOK, a.status, "%s: %s", path, a.body)
		all[path] = string(a.body)
	}
	var history api.HistoryView
	v.getJSON("tasks/"+task+"/history", &history)
	for _, e := range history.Events {
		if e.Sequence <= seq {
			all["history"] += e.Raw + "\n"
		}
	}
	return all
}

// A backup taken while others write is restored and says the same as the ledger did at
// the backup's last whole transaction.
func TestBackupUnderLoad(t *testing.T) {
	skipProcess(t)
	v := &victim{t: t, binary: buildBinary(t), dir: t.TempDir()}
	v.start()
	t.Cleanup(v.leave)
	var made atomic.Int64
	task := v.firstTask(&made)
	stop := v.work(task, &made)
	dir := t.TempDir()
	var taken []backup.Report
	for range 3 {
		at := made.Load()
		require.Eventually(t, func() bool { return made.Load() > at+60 }, 20e9, 1e6)
		taken = append(taken, v.backup(dir))
	}
	stop()
	for i, r := range taken {
		require.Positive(t, r.Events)
		require.GreaterOrEqual(t, r.TreeSize, r.Events)
		data := filepath.Join(t.TempDir(), "data")
		var view RestoredView
		require.NoError(t, duban(t, &view, "restore", r.Path, "--data", data))
		copied := &victim{t: t, binary: v.binary, dir: data}
		copied.start()
		whole := view.Events - view.Void
		want, got := v.answers(whole, task), copied.answers(whole, task)
		require.NotEmpty(t, want["history"])
		assert.Equal(t, want, got, "backup %d", i)
		var c api.CheckupView
		copied.getJSON("doctor", &c)
		assert.True(t, c.Healthy, "%v", c.Problems)
		copied.kill()
	}
	v.stop()
}

// spoil changes one file of a backup and puts its new digest into the manifest.
func spoil(t *testing.T, path, name string, change func([]byte) []byte) {
	t.Helper()
	file := filepath.Join(path, name)
	b, err := os.ReadFile(file)
	require.NoError(t, err)
	b = change(b)
	require.NoError(t, os.WriteFile(file, b, 0o600))
	sum := sha256.Sum256(b)
	editManifest(t, path, func(m *backup.Manifest) {
		for i := range m.Files {
			if m.Files[i].Path == name {
				m.Files[i].Size, m.Files[i].SHA256 = int64(len(b)), hex.EncodeToString(sum[:])
			}
		}
	})
}

func editManifest(t *testing.T, path string, change func(*backup.Manifest)) {
	t.Helper()
	file := filepath.Join(path, "manifest.json")
	b, err := os.ReadFile(file)
	require.NoError(t, err)
	var m backup.Manifest
	require.NoError(t, json.Unmarshal(b, &m))
	change(&m)
	b, err = json.Marshal(m)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(file, b, 0o600))
}

// Whoever forges a backup and puts the digests right is found by what was signed.
func TestForgedBackup(t *testing.T) {
	skipProcess(t)
	v := &victim{t: t, binary: buildBinary(t), dir: t.TempDir()}
	v.start()
	t.Cleanup(v.leave)
	task := v.firstTask(new(atomic.Int64))
	d := &deed{path: "tasks/" + task + "/remind", key: "01KFA6Q7P4TB7Q4JYS9F3M9G2A", media: "application/json", content: []byte(`{"words":"请按期办结"}`)}
	require.NoError(t, v.perform(d))
	last := d.answer.write(t).Sequence // nothing in its chain stands behind it
	older := v.backup(t.TempDir())
	d.key = "01KFA6Q7P4TB7Q4JYS9F3M9G2B"
	require.NoError(t, v.perform(d))
	good := v.backup(t.TempDir())
	v.kill()

	reminder := func(b []byte) []byte {
		return bytes.Replace(b, []byte("请按期办结"), []byte("不必办结了"), 1)
	}
	forgeEvent := func(seq uint64, change func([]byte) []byte) func(string) {
		return func(path string) {
			spoil(t, path, "ledger.snapshot", func(b []byte) []byte { return storetest.ForgeSnapshot(t, b, seq, change) })
		}
	}
	for name, tt := range map[string]struct {
		forge func(path string)
		says  string
	}{
		"the last event of a chain": {forgeEvent(last+1, reminder), "与签名的树头不符"},
		"an event within a chain":   {forgeEvent(last, reminder), "与签名的树头不符"},
		"the first event": {forgeEvent(1, func(b []byte) []byte {
			return bytes.Replace(b, []byte(`"software":"`), []byte(`"software":"x`), 1)
		}), "序号 2"},
		"no heads, and the head of before": {func(path string) {
			m := readManifest(t, older.Path)
			editManifest(t, path, func(to *backup.Manifest) { to.Head = m.Head })
		}, strconv.FormatUint(older.Events, 10)},
		"the head of before, said to be over everything": {func(path string) {
			m := readManifest(t, older.Path)
			editManifest(t, path, func(to *backup.Manifest) {
				to.Head.Checkpoint, to.Head.Consistency = m.Head.Checkpoint, m.Head.Consistency
			})
		}, "没有覆盖全部事件"},
		"a head nobody signed": {func(path string) {
			editManifest(t, path, func(to *backup.Manifest) {
				to.Head.Checkpoint = to.Head.Checkpoint[:len(to.Head.Checkpoint)-12] + "AAAAAAAAAA=\n"
			})
		}, "签名无效"},
		"a head that was changed": {func(path string) {
			spoil(t, path, "heads.snapshot", func(b []byte) []byte {
				return storetest.ForgeSnapshot(t, b, 1, func(r []byte) []byte { return bytes.Replace(r, []byte("note"), []byte("mote"), 1) })
			})
		}, "与签名的树头不符"},
		"other credentials": {func(path string) {
			spoil(t, path, "credentials.json", func(b []byte) []byte { return bytes.Replace(b, []byte("safety_office"), []byte("emperor"), 1) })
		}, "credential"},
		"a file from outside": {func(path string) {
			editManifest(t, path, func(to *backup.Manifest) { to.Files[1].Path = "../../../etc/passwd" })
		}, "不应有"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			require.NoError(t, os.CopyFS(dir, os.DirFS(filepath.Dir(good.Path))))
			tt.forge(filepath.Join(dir, filepath.Base(good.Path)))
			data := filepath.Join(t.TempDir(), "data")
			var view RestoredView
			err := duban(t, &view, "restore", dir, "--data", data)
			require.ErrorContains(t, err, tt.says)
			left, err := os.ReadDir(filepath.Dir(data))
			require.NoError(t, err)
			assert.Empty(t, left, "nothing is left")
		})
	}

	// The true one, where another restore is under way, and where one was killed.
	var view RestoredView
	above := t.TempDir()
	restore := func() error {
		return duban(t, &view, "restore", filepath.Dir(good.Path), "--data", filepath.Join(above, "data"))
	}
	work := filepath.Join(above, ".data.restoring")
	lock, err := eventstore.LockDir(work)
	require.NoError(t, err)
	require.NoError(t, os.MkdirAll(filepath.Join(work, "jetstream", "half"), 0o700))
	require.ErrorContains(t, restore(), "正被另一个 duban 进程使用")
	require.DirExists(t, filepath.Join(work, "jetstream", "half"))
	require.NoError(t, lock.Close())
	require.NoError(t, restore())
	assert.Equal(t, good.Events, view.Events)
	require.NoDirExists(t, work)
	require.NoDirExists(t, filepath.Join(above, "data", "jetstream", "half"))
	require.NoFileExists(t, filepath.Join(above, "data", "lock"))
}

func readManifest(t *testing.T, path string) backup.Manifest {
	t.Helper()
	b, err := backup.Open(path)
	require.NoError(t, err)
	return b.Manifest
}
