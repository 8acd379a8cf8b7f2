package projections

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// ask lists the offices known at a sequence, with so much time for it.
func ask(m *Model, k uint64, patience time.Duration) error {
	ctx := context.Background()
	if patience > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, patience)
		defer cancel()
	}
	v, err := m.At(ctx, AsOf{Known: k})
	if err != nil {
		return err
	}
	defer v.Close()
	_, err = v.Offices(ctx, OfficeQuery{Today: "2019-07-01"})
	return err
}

// hurry waits for the lists known at a sequence as one does who has so much time.
func hurry(m *Model, k uint64, patience time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_, err := m.views.acquire(ctx, cut{seq: k})
	return err
}

// Whoever has no time for a cut to be built is told how far it is; the building goes
// on, and finds an end to how many wait.
func TestBuildingGoesOnWithoutWhoAsked(t *testing.T) {
	l, _, _ := story(t)
	m := run(t, l)
	settle(t, m, l)
	m.views.quick <- struct{}{} // as if another cut were being built
	for k := uint64(1); k <= pendingViews; k++ {
		var building *BuildingError
		require.ErrorAs(t, hurry(m, k, 10*time.Millisecond), &building)
		require.Contains(t, building.Error(), "排队")
	}
	require.ErrorIs(t, ask(m, pendingViews+1, time.Minute), ErrBuilding, "one too many, at once")
	require.Equal(t, pendingViews, m.views.count())

	began := time.Now()
	require.ErrorIs(t, hurry(m, 1, 4*time.Second), ErrBuilding)
	require.Less(t, time.Since(began), 4*time.Second, "half of the time is left for the answer")

	<-m.views.quick
	m.views.slow <- struct{}{} // nor does what is quick to build wait for what is not
	require.NoError(t, ask(m, 1, time.Minute))
	require.NoError(t, ask(m, pendingViews, 0))
	require.Equal(t, pendingViews, m.views.count())
	require.EqualValues(t, pendingViews, m.views.next, "each was built once")
}

func TestProgressOfACut(t *testing.T) {
	b := &built{}
	b.done.Store(37)
	b.total.Store(100)
	require.Contains(t, b.building().Error(), "已完成 37%")
	b.done.Store(100)
	require.Contains(t, b.building().Error(), "已完成 99%")
}

// Kept views take no more of the disk than agreed, and the last one stays.
func TestKeptViewsAreBoundedInSize(t *testing.T) {
	l, _, _ := story(t)
	m := run(t, l)
	settle(t, m, l)
	vs := m.views
	vs.mu.Lock()
	defer vs.mu.Unlock()
	for i, bytes := range []int64{keptBytes / 2, keptBytes / 2, keptBytes/2 + 1, 1} {
		b := &built{cut: cut{seq: uint64(i + 1)}, bytes: bytes, path: filepath.Join(t.TempDir(), "x.db")}
		vs.kept[b.cut] = b
		vs.use(b)
	}
	require.Len(t, vs.trim(), 2)
	require.Contains(t, vs.kept, cut{seq: 3})
	require.Contains(t, vs.kept, cut{seq: 4})
	vs.kept[cut{seq: 4}].bytes = 2 * keptBytes
	require.Len(t, vs.trim(), 1)
	require.Contains(t, vs.kept, cut{seq: 4})
	clear(vs.kept)
}
