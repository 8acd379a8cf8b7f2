package projections

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"duban/domain"
	"duban/domain/office"
	"duban/domain/task"
)

func TestResolveKnown(t *testing.T) {
	l := newLedger(t)
	l.on("2019-07-01 23:59").office(t, "a", "危化处") // 1
	l.office(t, "b", "应急处")                        // 2
	l.on("2019-07-02 00:00").office(t, "c", "矿山处") // 3
	l.on("2019-07-05 12:00").office(t, "d", "宣教处") // 4
	m := run(t, l)
	settle(t, m, l)
	for in, want := range map[string]uint64{
		"1": 1, "4": 4,
		"2019-06-30": Nothing, "2019-07-01": 2, "2019-07-02": 3, "2019-07-04": 3, "2019-07-05": 4, "2030-01-01": 4,
		"2019-07-01T15:58:59Z": Nothing, "2019-07-01T15:59:00Z": 2, "2019-07-02T00:00:00+08:00": 3, "2019-07-01T16:00:00Z": 3,
	} {
		have, err := m.ResolveKnown(context.Background(), in)
		require.NoError(t, err, in)
		require.Equal(t, want, have, in)
	}
	for _, bad := range []string{"", "0", "5", "-1", "99999999999999999999", "yesterday", "2019-13-01", "2019-07-01T00:00:00"} {
		_, err := m.ResolveKnown(context.Background(), bad)
		require.ErrorIs(t, err, ErrBadQuery, bad)
		var q *QueryError
		require.ErrorAs(t, err, &q)
		require.Equal(t, "known_at", q.Field)
	}
	_, err := m.At(context.Background(), AsOf{Known: 5})
	require.ErrorIs(t, err, ErrBadQuery)

	v, err := m.At(context.Background(), AsOf{Known: Nothing})
	require.NoError(t, err)
	defer v.Close()
	page, err := v.Offices(context.Background(), OfficeQuery{Today: "2019-07-01"})
	require.NoError(t, err)
	require.Zero(t, page.Total)
	require.Zero(t, page.Cutoff.Sequence)
	_, err = v.Office(context.Background(), "a")
	require.ErrorIs(t, err, ErrNotFound)
}

// Names and texts at a cut are those known then, in lists and in single reads.
func TestNamesAtACut(t *testing.T) {
	l, tasks, offices := story(t)
	before := l.Acked()
	l.on("2019-08-02 09:00").do(t, offices[1], clerk, &office.Renamed{Name: "应急管理处"})
	m := run(t, l)
	settle(t, m, l)
	for _, c := range []struct {
		as   AsOf
		want string
	}{{AsOf{}, "应急管理处"}, {AsOf{Known: before}, "应急处"}, {AsOf{Effective: "2019-08-01"}, "应急处"}, {AsOf{Effective: "2019-08-02"}, "应急管理处"}} {
		v, err := m.At(context.Background(), c.as)
		require.NoError(t, err)
		one, err := v.Task(context.Background(), tasks[1].ID, "2019-08-02")
		require.NoError(t, err)
		require.Equal(t, c.want, one.Shares[0].Office.Name)
		require.Equal(t, "完善应急预案体系，每年演练。", one.Text)
		page, err := v.Tasks(context.Background(), TaskQuery{Q: c.want, Today: "2019-08-02"})
		require.NoError(t, err)
		require.Equal(t, 2, page.Total)
		require.Equal(t, c.want, page.Items[1].Shares[0].Office.Name)
		d, err := v.Directive(context.Background(), "D1")
		require.NoError(t, err)
		require.Equal(t, []string{tasks[0].ID, tasks[1].ID, tasks[2].ID, ""}, []string{d.Clauses[0].Task, d.Clauses[1].Task, d.Clauses[2].Task, d.Clauses[3].Task})
		require.Equal(t, []int{4, 3, 4}, []int{d.ClauseCount, d.TaskCount, d.ShareCount})
		v.Close()
	}
}

// Views are built once for many who ask, and no more are kept than agreed.
func TestViewsAreKeptAndBounded(t *testing.T) {
	l, _, _ := story(t)
	m := run(t, l)
	settle(t, m, l)
	var wg sync.WaitGroup
	for range 3 {
		for k := uint64(1); k <= 2*keptViews; k++ {
			wg.Go(func() {
				v, err := m.At(context.Background(), AsOf{Known: k, Effective: "2019-07-01"})
				if err != nil {
					t.Error(err)
					return
				}
				defer v.Close()
				page, err := v.Offices(context.Background(), OfficeQuery{Today: "2019-07-01"})
				if err != nil || page.Total != min(int(k), 3) || page.Cutoff.Sequence != k {
					t.Errorf("known at %d: %d offices, %v", k, page.Total, err)
				}
			})
		}
	}
	wg.Wait()
	require.Equal(t, keptViews, m.views.count())
}

func TestHistory(t *testing.T) {
	l, tasks, offices := story(t)
	ref := tasks[0]
	l.on("2019-08-10 10:00")
	events, err := l.decide(ref, of(offices[0]), at("2019-08-08 09:00"), &task.ProgressReported{
		ShareOf: task.ShareOf{Office: offices[0]}, Condition: task.ConditionNormal, Progress: "补录"})
	require.NoError(t, err)
	l.append(t, events...)
	report := l.events[ref][len(l.events[ref])-1]
	before := l.Acked()
	l.on("2019-08-11 10:00").do(t, ref, clerk, &task.Corrected{Correction: domain.Correction{
		Target: report.ID, Mode: domain.ModeAmend, Changes: json.RawMessage(`{"time":"2019-08-01T09:00:00+08:00"}`), Reason: "日期录错"}})
	correction := l.events[ref][len(l.events[ref])-1]
	l.void(t, domain.Entry{By: clerk, Time: l.now, Now: l.now}.Event(ref, &task.Voided{Reason: "x"}))

	m := run(t, l)
	settle(t, m, l)
	h, err := m.History(context.Background(), ref, AsOf{})
	require.NoError(t, err)
	require.Len(t, h, 8)
	for i, e := range h {
		require.EqualValues(t, i+1, e.Version)
		require.Equal(t, ref.String(), e.Subject)
		r := l.records[e.Sequence-1]
		require.Equal(t, string(r.Raw), e.Raw)
		hash := r.LeafHash()
		require.Equal(t, fmt.Sprintf("%x", hash), e.LeafHash)
		require.Equal(t, i == 7, e.Voided)
	}
	late := h[5]
	require.True(t, late.Late)
	require.False(t, h[4].Late)
	require.Equal(t, []string{correction.ID}, late.CorrectedBy)
	require.Empty(t, h[4].CorrectedBy)

	h, err = m.History(context.Background(), ref, AsOf{Known: before})
	require.NoError(t, err)
	require.Len(t, h, 6)
	require.Empty(t, h[5].CorrectedBy, "not known yet")

	// By the corrected time the report had happened by then, by the first not.
	h, err = m.History(context.Background(), ref, AsOf{Effective: "2019-08-05"})
	require.NoError(t, err)
	require.Equal(t, []uint64{1, 2, 3, 4, 5, 6, 7}, versions(h))
	h, err = m.History(context.Background(), ref, AsOf{Known: before, Effective: "2019-08-05"})
	require.NoError(t, err)
	require.Equal(t, []uint64{1, 2, 3, 4, 5}, versions(h))

	_, err = m.History(context.Background(), ref, AsOf{Known: 2})
	require.ErrorIs(t, err, ErrNotFound)
}

func versions(h []TrailEntry) (out []uint64) {
	for _, e := range h {
		out = append(out, e.Version)
	}
	return out
}

func TestEvents(t *testing.T) {
	l, tasks, offices := story(t)
	paper := domain.Evidence{SHA256: strings.Repeat("ab", 32), Name: "误传.pdf", MediaType: "application/pdf", Size: 1}
	l.on("2019-08-03 09:00").do(t, tasks[0], of(offices[0]), &task.ProgressReported{
		ShareOf: task.ShareOf{Office: offices[0]}, Condition: task.ConditionNormal, Progress: "附件", Particulars: domain.Particulars{Evidence: []domain.Evidence{paper}},
	})
	withdrawn := l.on("2019-08-03 10:00").do(t, tasks[0], of(offices[0]), &task.EvidenceWithdrawn{SHA256: paper.SHA256, Reason: "误传"})
	for i := range 250 {
		l.office(t, fmt.Sprint("x", i), fmt.Sprint("处", i))
	}
	m := run(t, l)
	settle(t, m, l)
	ctx := context.Background()
	page, err := m.Events(ctx, 2, 5)
	require.NoError(t, err)
	require.Len(t, page, 5)
	require.EqualValues(t, 3, page[0].Sequence)
	for _, limit := range []int{0, 1001, -1} {
		_, err = m.Events(ctx, 0, limit)
		require.ErrorIs(t, err, ErrBadQuery)
	}
	page, err = m.Events(ctx, 1<<63, 5)
	require.NoError(t, err)
	require.Empty(t, page)
	page, err = m.Events(ctx, 0, 100, EventFilter{Kind: "task", Type: "duban.task.assigned.v1"})
	require.NoError(t, err)
	require.Len(t, page, 3)
	page, err = m.Events(ctx, 0, 100, EventFilter{Withdrawing: true})
	require.NoError(t, err)
	require.Len(t, page, 1)
	require.Equal(t, withdrawn, page[0].Sequence)
	page, err = m.Events(ctx, withdrawn, 100, EventFilter{Withdrawing: true})
	require.NoError(t, err)
	require.Empty(t, page)
	n := uint64(0)
	for e, err := range m.AllEvents(ctx, 0) {
		require.NoError(t, err)
		n++
		require.Equal(t, n, e.Sequence)
	}
	require.Equal(t, l.Acked(), n)
}
