package projections

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/ncruces/go-sqlite3"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"duban/domain"
	"duban/domain/calendar"
	"duban/domain/task"
)

// A cutBench makes cuts of one model in all ways there are.
type cutBench struct {
	t    tester
	m    *Model
	next int
}

// make fills a file at a cut by a way, and enters it among the kept ones.
func (c *cutBench) make(k cut, way func(*maker, *generation) func(context.Context) error) (*built, error) {
	c.next++
	vs := c.m.views
	require.NoError(c.t, os.MkdirAll(vs.dir(), 0o700))
	b := &built{cut: k, path: filepath.Join(vs.dir(), "t"+string(rune('a'+c.next))+".db")}
	return b, c.m.readLong(context.Background(), func(live *generation, trail *conn) error {
		mk := &maker{m: c.m, b: b, trail: trail}
		return mk.build(context.Background(), way(mk, live))
	})
}

func (c *cutBench) folded(k cut) *built {
	b, err := c.make(k, func(mk *maker, _ *generation) func(context.Context) error { return mk.foldEverything })
	require.NoError(c.t, err)
	return b
}

// mended makes a cut from the live rows or from a kept cut, and reports whether that
// was to be had.
func (c *cutBench) mended(k cut, from *built) (*built, bool) {
	b, err := c.make(k, func(mk *maker, live *generation) func(context.Context) error {
		src := source{path: live.path, live: live, date: k.date != "", vs: c.m.views}
		if from != nil {
			src = source{path: from.path, date: k.date != from.cut.date, vs: c.m.views}
		}
		return src.attempt(mk)
	})
	if errors.Is(err, errDear) {
		return nil, false
	}
	require.NoError(c.t, err)
	return b, true
}

func (c *cutBench) same(have, want *built) {
	var dbs [2]*conn
	for i, b := range []*built{have, want} {
		var err error
		dbs[i], err = openConn(b.path, sqlite3.OPEN_READWRITE, 1000)
		require.NoError(c.t, err)
		defer dbs[i].close()
	}
	require.NoError(c.t, compareDatabases(dbs[0], dbs[1]))
}

// The lists of a cut made from those of now, of an earlier and of a later cut are
// the ones folded from the start, row by row.
func TestMendedCutEqualsFoldedCut(t *testing.T) {
	dir := t.TempDir()
	mended := map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		l, _ := play(t)
		m := openIn(t, l, dir)
		m.cfg.mendBudget = 1 << 40
		defer func() {
			require.NoError(t, m.Close())
			require.NoError(t, os.RemoveAll(dir))
		}()
		_, err := m.applyTo(l.records)
		require.NoError(t, err)
		c := &cutBench{t: t, m: m}
		place := func(name string, low, high int) cut { return cut{seq: uint64(rapid.IntRange(low, high).Draw(t, name))} }
		k := place("cut", 0, len(l.records))
		before, after := place("before", 0, int(k.seq)), place("after", int(k.seq), len(l.records))
		if rapid.Bool().Draw(t, "effective") {
			k.date = calendar.On(l.now).AddDays(-rapid.IntRange(0, 60).Draw(t, "days back"))
			if rapid.Bool().Draw(t, "both") {
				before.date, after.date = k.date, k.date
			}
		}
		want := c.folded(k)
		for way, from := range map[string]*built{"live": nil, "before": c.folded(before), "after": c.folded(after)} {
			if have, ok := c.mended(k, from); ok {
				mended[way]++
				c.same(have, want)
			}
		}
	})
	least := 10
	if testing.Short() {
		least = 0 // of a fifth of the checks
	}
	for _, way := range []string{"live", "before", "after"} {
		require.Greater(t, mended[way], least, "cuts made from %s", way)
	}
}

// What had happened by a day is found also where a correction moved it past that
// day, and where the last event does not count.
func TestMendedCutByDay(t *testing.T) {
	l, tasks, offices := story(t)
	report := func(n int) domain.Event {
		o := offices[n]
		l.on("2019-08-10 10:00")
		events, err := l.decide(tasks[n], of(o), at("2019-08-02 09:00"), &task.ProgressReported{
			ShareOf: task.ShareOf{Office: o}, Condition: task.ConditionNormal, Progress: "补录", Substantive: true})
		require.NoError(t, err)
		l.append(t, events...)
		return l.events[tasks[n]][len(l.events[tasks[n]])-1]
	}
	early := func(ref domain.Ref, p domain.Payload) domain.Event {
		return domain.Entry{By: clerk, Time: at("2019-08-03 09:00"), Now: l.now}.Event(ref, p)
	}
	l.append(t, early(tasks[0], &task.Corrected{Correction: domain.Correction{
		Target: report(0).ID, Mode: domain.ModeAmend, Changes: json.RawMessage(`{"time":"2019-08-09T09:00:00+08:00"}`), Reason: "日期录错"}}))
	l.void(t, early(tasks[1], &task.Voided{Reason: "x"}))

	m := run(t, l)
	settle(t, m, l)
	m.cfg.mendBudget = 1 << 40
	c := &cutBench{t: t, m: m}
	for _, day := range []calendar.Date{"2019-08-04", "2019-08-20"} {
		k := cut{seq: l.Acked(), date: day}
		have, ok := c.mended(k, nil)
		require.True(t, ok)
		c.same(have, c.folded(k))
	}
}

// Somebody may delete the read models while a cut is made from them.
func TestFilesGoneWhileMending(t *testing.T) {
	l, _, _ := story(t)
	m := run(t, l)
	settle(t, m, l)
	m.cfg.mendBudget = 1 << 40
	c := &cutBench{t: t, m: m}
	_, err := c.make(cut{seq: l.Acked() - 3}, func(mk *maker, live *generation) func(context.Context) error {
		return func(ctx context.Context) error {
			require.NoError(t, os.Remove(mk.b.path))
			return mk.fromSource(ctx, source{path: live.path, live: live, vs: m.views})
		}
	})
	require.Error(t, err)
}
