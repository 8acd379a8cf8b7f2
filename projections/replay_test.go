package projections

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"duban/domain"
	"duban/domain/calendar"
	"duban/domain/finding"
	"duban/domain/office"
	"duban/domain/task"
	"duban/domain/vocabulary"
	"duban/eventstore"
)

// generation opens an empty file that is applied to by hand.
func fresh(tb tester, dir string, l *fakeLedger, bulk bool, stateBytes int) *generation {
	tb.Helper()
	cfg := Config{decoder: l.codec, stateBytes: stateBytes, readers: 1}
	f, err := os.CreateTemp(dir, "*.db")
	require.NoError(tb, err)
	require.NoError(tb, f.Close())
	require.NoError(tb, os.Remove(f.Name()))
	g, err := cfg.createGeneration(f.Name(), 1, bulk)
	require.NoError(tb, err)
	return g
}

func feed(tb tester, g *generation, records []eventstore.Record) {
	tb.Helper()
	require.NoError(tb, g.append(records))
	require.NoError(tb, g.flush())
}

// play draws a ledger of random histories.
func play(t *rapid.T) (*fakeLedger, *player) {
	l := newLedger(t)
	p := &player{t: t, l: l}
	for i, n := range []string{"危化处", "应急处", "矿山处"} {
		p.offices = append(p.offices, l.office(t, fmt.Sprint("o", i), n))
	}
	p.directive, p.tasks = l.directive(t, "D1", "安委办〔2019〕19号", "通知",
		clauseSpec{text: "危化品治理", due: "2019-08-31", offices: p.offices[:2]},
		clauseSpec{text: "应急演练", offices: p.offices[1:], kind: task.KindRecurring, schedule: &task.Schedule{Unit: calendar.UnitQuarter}},
		clauseSpec{text: "落实责任", offices: p.offices[2:], kind: task.KindStanding},
		clauseSpec{text: "矿山整治", offices: p.offices[:1]})
	for range rapid.IntRange(5, 40).Draw(t, "steps") {
		p.step()
	}
	if rapid.Bool().Draw(t, "rename") {
		p.try(p.offices[1], clerk, l.now, &office.Renamed{Name: "应急管理处"})
	}
	return l, p
}

// Following in batches of any size, with states that are forgotten at once, and
// rebuilding in bulk give the same rows.
func TestRebuiltEqualsIncremental(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		l, _ := play(t)
		live := fresh(t, dir, l, false, rapid.SampledFrom([]int{1, defaultStateBytes}).Draw(t, "memory"))
		defer live.discard()
		for rest := l.records; len(rest) > 0; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "batch")
			feed(t, live, rest[:n])
			rest = rest[n:]
		}
		// A rebuild folds what is there and then follows like any other.
		rebuilt := fresh(t, dir, l, true, defaultStateBytes)
		defer rebuilt.discard()
		n := rapid.IntRange(0, len(l.records)).Draw(t, "in bulk")
		require.NoError(t, rebuilt.append(l.records[:n]))
		require.NoError(t, rebuilt.fold(context.Background(), nil))
		feed(t, rebuilt, l.records[n:])
		require.NoError(t, compareDatabases(live.w, rebuilt.w))
	})
}

func (g *generation) discard() {
	g.close()
	removeFiles(g.path)
}

func TestReplayIsNoOpAndGapIsFatal(t *testing.T) {
	l, _, _ := story(t)
	g := fresh(t, t.TempDir(), l, false, defaultStateBytes)
	defer g.discard()
	half := len(l.records) / 2
	feed(t, g, l.records[:half])
	feed(t, g, l.records[:half])
	require.EqualValues(t, half, g.position)

	var gap *GapError
	require.ErrorAs(t, g.append(l.records[half+1:]), &gap)
	require.EqualValues(t, half+1, gap.Want)
	require.EqualValues(t, half+2, gap.Got)
	g.undo()

	feed(t, g, l.records)
	other := fresh(t, t.TempDir(), l, false, defaultStateBytes)
	defer other.discard()
	feed(t, other, l.records)
	require.NoError(t, compareDatabases(g.w, other.w))

	forged := l.records[3]
	forged.Raw = append([]byte(" "), forged.Raw...)
	var diverged *DivergedError
	require.ErrorAs(t, g.append([]eventstore.Record{forged}), &diverged)
	require.EqualValues(t, 4, diverged.Sequence)
}

// A batch that fails half-way leaves nothing behind, in the file and in memory.
func TestFailedBatchIsUndone(t *testing.T) {
	l, _, _ := story(t)
	g := fresh(t, t.TempDir(), l, false, defaultStateBytes)
	defer g.discard()
	feed(t, g, l.records[:5])
	broken := append([]eventstore.Record{}, l.records[5:]...)
	broken[len(broken)-1].Seq += 2
	require.ErrorIs(t, g.append(broken), ErrGap)
	g.undo()
	require.EqualValues(t, 5, g.position)
	feed(t, g, l.records[5:])
	other := fresh(t, t.TempDir(), l, true, defaultStateBytes)
	defer other.discard()
	feed(t, other, l.records)
	require.NoError(t, other.fold(context.Background(), nil))
	require.NoError(t, compareDatabases(g.w, other.w))
}

// The view at any cut is the fold of exactly the events known then that had
// happened by the day, corrections in place.
func TestHistoricalViewEqualsFoldByHand(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		l, p := play(t)
		m := openIn(t, l, dir)
		defer func() {
			require.NoError(t, m.Close())
			require.NoError(t, os.RemoveAll(dir))
		}()
		_, err := m.applyTo(l.records)
		require.NoError(t, err)

		as := AsOf{Known: uint64(rapid.IntRange(1, len(l.records)).Draw(t, "known"))}
		if rapid.Bool().Draw(t, "effective") {
			as.Effective = calendar.On(l.now).AddDays(-rapid.IntRange(0, 60).Draw(t, "days back"))
		}
		today := calendar.On(l.now)
		v, err := m.At(context.Background(), as)
		require.NoError(t, err)
		defer v.Close()
		page, err := v.Tasks(context.Background(), TaskQuery{Today: today, Limit: 500})
		require.NoError(t, err)
		listed := map[string]TaskView{}
		for _, item := range page.Items {
			listed[item.ID] = item
		}
		n := 0
		for _, ref := range p.tasks {
			s := task.Replay(nil)
			for _, e := range byHand(l, ref, as) {
				s = task.Evolve(s, e)
			}
			one, err := v.Task(context.Background(), ref.ID, today)
			if !s.Exists() {
				require.ErrorIs(t, err, ErrNotFound)
				continue
			}
			require.NoError(t, err)
			n++
			require.Equal(t, s.Status().String(), one.Status)
			require.Len(t, one.Shares, len(s.Shares))
			for i, sh := range s.Shares {
				require.Equal(t, sh.Status.String(), one.Shares[i].Status)
				require.Equal(t, sh.Office.ID, one.Shares[i].Office.ID)
			}
			one.Allowed = nil
			for i := range one.Shares {
				one.Shares[i].Allowed, one.Shares[i].Periods = nil, nil // of the single read only
			}
			// As JSON: times read back name their zone otherwise.
			a, err := json.Marshal(one)
			require.NoError(t, err)
			b, err := json.Marshal(listed[ref.ID])
			require.NoError(t, err)
			require.JSONEq(t, string(a), string(b), "the list and the single read agree")
		}
		require.Equal(t, n, page.Total)
		for _, ref := range p.finds {
			var s finding.State
			for _, e := range byHand(l, ref, as) {
				s = finding.Evolve(s, e)
			}
			one, err := v.Finding(context.Background(), ref.ID, today)
			if s.Status == 0 {
				require.ErrorIs(t, err, ErrNotFound)
				continue
			}
			require.NoError(t, err)
			require.Equal(t, s.Status.String(), one.Status)
		}
	})
}

// byHand is DESIGN §4 in its plainest form.
func byHand(l *fakeLedger, ref domain.Ref, as AsOf) []domain.Event {
	var known []domain.Event
	for _, r := range l.records {
		if r.Subject == ref && !r.Voided && r.Seq <= as.Known {
			known = append(known, r.Event)
		}
	}
	var out []domain.Event
	for _, e := range domain.Effective(known) {
		if as.Effective == "" || e.Corrects() != nil || calendar.On(e.Time) <= as.Effective {
			out = append(out, e)
		}
	}
	return out
}

func openIn(tb tester, l *fakeLedger, dir string) *Model {
	m, err := Open(context.Background(), Config{
		Dir: filepath.Join(dir, "model"), Source: l, Org: testOrg, Types: vocabulary.Payloads(), readers: 1,
	})
	require.NoError(tb, err)
	return m
}
