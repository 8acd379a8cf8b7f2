package projections

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"duban/domain"
	"duban/domain/task"
	"duban/eventstore"
)

func TestReopenGoesOnWhereItStood(t *testing.T) {
	l, tasks, offices := story(t)
	dir := t.TempDir()
	m := open(t, l, dir)
	_, err := m.applyTo(l.records[:7])
	require.NoError(t, err)
	require.NoError(t, m.Close())

	m = open(t, l, dir)
	require.EqualValues(t, 7, m.Position())
	start(t, m)
	l.on("2019-08-05 09:00").do(t, tasks[2], of(offices[2]), &task.Acknowledged{ShareOf: task.ShareOf{Office: offices[2]}})
	settle(t, m, l)
	require.NoError(t, m.Verify(context.Background()))
}

// The folder is deleted under a running model: answers stay right, nothing is
// shown that is not so, and a file is in place again.
func TestDeletionWhileRunning(t *testing.T) {
	for _, what := range []string{"folder", "file", "log"} {
		t.Run(what, func(t *testing.T) {
			l, tasks, offices := story(t)
			m := run(t, l)
			settle(t, m, l)
			m.mu.Lock()
			old := m.cur.path
			m.mu.Unlock()
			switch what {
			case "folder":
				require.NoError(t, os.RemoveAll(m.cfg.Dir))
			case "file":
				require.NoError(t, os.Remove(old))
			case "log":
				require.NoError(t, os.Remove(old+"-wal"))
			}
			l.on("2019-08-05 09:00").do(t, tasks[2], of(offices[2]), &task.Acknowledged{ShareOf: task.ShareOf{Office: offices[2]}})
			settle(t, m, l)
			v, err := now(t, m).Task(context.Background(), tasks[2].ID, "2019-08-05")
			require.NoError(t, err)
			require.Equal(t, "acknowledged", v.Status)

			await(t, m, func() bool { return m.Err() == nil && m.pathNow() != old })
			require.FileExists(t, m.pathNow())
			page, err := now(t, m).Tasks(context.Background(), TaskQuery{Today: "2019-08-05", Status: "acknowledged"})
			require.NoError(t, err)
			require.Equal(t, 2, page.Total)
			require.NoError(t, m.Verify(context.Background()))
		})
	}
}

func (m *Model) pathNow() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.cur.path
}

// await waits for a condition that changes only when the model announces
// something.
func await(t *testing.T, m *Model, cond func() bool) {
	t.Helper()
	deadline := time.After(time.Minute)
	for {
		moved := m.Moved()
		if cond() {
			return
		}
		select {
		case <-moved:
		case <-deadline:
			t.Fatal("it did not come about within a minute")
		}
	}
}

func TestUnusableFileIsSetAside(t *testing.T) {
	for name, spoil := range map[string]func(t *testing.T, path string){
		"text": func(t *testing.T, path string) {
			require.NoError(t, os.WriteFile(path, []byte("not a database"), 0o600))
		},
		"half": func(t *testing.T, path string) {
			fi, err := os.Stat(path)
			require.NoError(t, err)
			require.NoError(t, os.Truncate(path, fi.Size()/2))
		},
		"empty": func(t *testing.T, path string) { require.NoError(t, os.Truncate(path, 0)) },
		"other": func(t *testing.T, path string) {
			c, err := openConn(path, 6, 100)
			require.NoError(t, err)
			require.NoError(t, c.Exec("PRAGMA user_version=99"))
			require.NoError(t, c.close())
		},
	} {
		t.Run(name, func(t *testing.T) {
			l, _, _ := story(t)
			dir := t.TempDir()
			m := open(t, l, dir)
			_, err := m.applyTo(l.records)
			require.NoError(t, err)
			path := m.pathNow()
			require.NoError(t, m.Close())
			spoil(t, path)

			m = open(t, l, dir)
			start(t, m)
			settle(t, m, l)
			require.NoError(t, m.Verify(context.Background()))
			require.FileExists(t, filepath.Join(dir, "set-aside.db"))
		})
	}
}

// Pages overwritten under a running model are met by a query or a write; the file
// is then replaced and the query answered from the new one.
func TestDamageWhileRunning(t *testing.T) {
	l, tasks, _ := story(t)
	m := run(t, l)
	settle(t, m, l)
	m.apply.Lock()
	_, _, err := m.cur.w.WALCheckpoint("main", 3)
	require.NoError(t, err)
	m.apply.Unlock()
	old := m.pathNow()
	f, err := os.OpenFile(old, os.O_RDWR, 0)
	require.NoError(t, err)
	fi, err := f.Stat()
	require.NoError(t, err)
	_, err = f.WriteAt(make([]byte, fi.Size()-4096), 4096)
	require.NoError(t, err)
	require.NoError(t, f.Close())

	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	// Connections that have pages in memory may not notice at once.
	for range defaultReaders + 1 {
		page, err := now(t, m).Tasks(ctx, TaskQuery{Today: "2019-08-05", Q: "治理"})
		require.NoError(t, err)
		require.Equal(t, 1, page.Total)
		h, err := m.History(ctx, tasks[0], AsOf{})
		require.NoError(t, err)
		require.Len(t, h, 5)
	}
	m.distrust(m.cur, errors.New("test"))
	await(t, m, func() bool { return m.Err() == nil && m.pathNow() != old })
	require.NoError(t, m.Verify(ctx))
}

func TestRebuildServesAllTheWhile(t *testing.T) {
	l, _, _ := story(t)
	m := run(t, l)
	settle(t, m, l)
	old := m.pathNow()
	calls, last, half := 0, uint64(0), false
	report, err := m.Rebuild(context.Background(), func(done, total uint64) {
		calls++
		require.LessOrEqual(t, last, done)
		require.LessOrEqual(t, done, total)
		last, half = done, half || done == total/2
		d, all, running := m.Building()
		require.Equal(t, []any{done, total, true}, []any{d, all, running})
		_, err := m.Rebuild(context.Background(), nil)
		require.ErrorIs(t, err, ErrRebuildRunning)
		page, err := now(t, m).Tasks(context.Background(), TaskQuery{Today: "2019-08-05"})
		require.NoError(t, err)
		require.Equal(t, 3, page.Total)
	})
	require.NoError(t, err)
	require.Positive(t, calls)
	require.Equal(t, l.Acked(), last)
	require.True(t, half, "reading is half of the work, writing the rows the other")
	_, _, running := m.Building()
	require.False(t, running)
	require.Equal(t, l.Acked(), report.Position)
	require.NotEqual(t, old, m.pathNow())
	require.NoFileExists(t, old)
	l.on("2019-09-01 09:00").office(t, "d", "宣教中心")
	settle(t, m, l)
	require.NoError(t, m.Verify(context.Background()))
}

func TestRebuildOfAnEmptyLedger(t *testing.T) {
	l := newLedger(t)
	m := run(t, l)
	report, err := m.Rebuild(context.Background(), nil)
	require.NoError(t, err)
	require.Zero(t, report.Events)
	l.office(t, "a", "危化处")
	settle(t, m, l)
}

// runs ends with an error, which reads that wait then report.
func failing(t *testing.T, m *Model) error {
	t.Helper()
	err := m.Run(context.Background())
	require.Error(t, err)
	require.ErrorIs(t, m.Err(), errors.Unwrap(err))
	require.Error(t, m.Wait(context.Background(), m.Position()+1))
	require.NoError(t, m.Wait(context.Background(), m.Position()))
	return err
}

func TestRunFailsClosed(t *testing.T) {
	t.Run("gap", func(t *testing.T) {
		l, _, _ := story(t)
		l.records = append(l.records[:5:5], l.records[6:]...)
		m := open(t, l, t.TempDir())
		defer m.Close()
		var gap *GapError
		require.ErrorAs(t, failing(t, m), &gap)
		require.EqualValues(t, 6, gap.Want)
	})
	t.Run("undecodable, then accepted", func(t *testing.T) {
		l, _, _ := story(t)
		end := l.records
		l.records = end[:5:5]
		l.err = &eventstore.EventError{Sequence: 6, Err: errors.New("broken")}
		m := open(t, l, t.TempDir())
		defer m.Close()
		require.ErrorIs(t, failing(t, m), eventstore.ErrUndecodable)
		require.EqualValues(t, 5, m.Position())

		odd := eventstore.Record{Event: domain.Event{Seq: 6}, Raw: []byte("\xff"), Undecodable: errors.New("broken")}
		l.set(func() { l.err, l.records = nil, append(end[:5:5], append([]eventstore.Record{odd}, end[6:]...)...) })
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error)
		go func() { done <- m.Run(ctx) }()
		await(t, m, func() bool { return m.Position() == l.Acked() })
		events, err := m.Events(ctx, 5, 1)
		require.NoError(t, err)
		require.True(t, events[0].Undecodable)
		require.Equal(t, "/w==", events[0].RawBase64)
		require.Equal(t, "null", string(events[0].Event))
		cancel()
		require.NoError(t, <-done)
	})
	t.Run("a ledger that ends before", func(t *testing.T) {
		l, _, _ := story(t)
		m := open(t, l, t.TempDir())
		defer m.Close()
		_, err := m.applyTo(l.records)
		require.NoError(t, err)
		n := uint64(len(l.records))
		l.records = l.records[:4]
		var d *DivergedError
		require.ErrorAs(t, failing(t, m), &d)
		require.Equal(t, DivergedError{Sequence: 5, Position: n, End: 4}, *d)
		page, err := now(t, m).Tasks(context.Background(), TaskQuery{Today: "2019-08-05"})
		require.NoError(t, err)
		require.Equal(t, 3, page.Total, "reads go on")
	})
	t.Run("other bytes at the position", func(t *testing.T) {
		l, _, _ := story(t)
		m := open(t, l, t.TempDir())
		defer m.Close()
		_, err := m.applyTo(l.records)
		require.NoError(t, err)
		last := &l.records[len(l.records)-1]
		last.Raw = append([]byte(" "), last.Raw...)
		var d *DivergedError
		require.ErrorAs(t, failing(t, m), &d)
		require.Equal(t, l.Acked(), d.Sequence)
	})
}

func TestAnotherLedgerIsBuiltAnew(t *testing.T) {
	l, _, _ := story(t)
	dir := t.TempDir()
	m := open(t, l, dir)
	_, err := m.applyTo(l.records)
	require.NoError(t, err)
	require.NoError(t, m.Close())

	other := newLedger(t)
	other.on("2020-01-01 09:00").office(t, "x", "新处")
	m = open(t, other, dir)
	start(t, m)
	await(t, m, func() bool { return m.Position() == 1 })
	page, err := now(t, m).Offices(context.Background(), OfficeQuery{Today: "2020-01-01"})
	require.NoError(t, err)
	require.Equal(t, 1, page.Total)
	require.NoError(t, m.Verify(context.Background()))
}

func TestWaitAndWatch(t *testing.T) {
	l := newLedger(t)
	m := run(t, l)
	moved := m.Moved()
	got := make(chan error)
	go func() { got <- m.Wait(context.Background(), 2) }()
	l.office(t, "a", "危化处")
	<-moved
	l.office(t, "b", "应急处")
	require.NoError(t, <-got)

	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	require.ErrorIs(t, m.Wait(ctx, 3), context.Canceled)
	s, err := m.Stats(context.Background())
	require.NoError(t, err)
	require.EqualValues(t, 2, s.Position)
	require.EqualValues(t, 2, s.Rows["office"])
	require.Positive(t, s.Bytes)
}
