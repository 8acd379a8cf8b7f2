package api

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"duban/domain"
)

// TestTurns: one at a time, a bounded crowd, no trace afterwards, also of those who
// gave up waiting.
func TestTurns(t *testing.T) {
	turns := turns{wait: time.Minute, records: map[domain.Ref]*turn{}, crowded: prometheus.NewCounter(prometheus.CounterOpts{})}
	ref, other := domain.Ref{Kind: domain.KindTask, ID: "A"}, domain.Ref{Kind: domain.KindTask, ID: "B"}
	first, err := turns.take(t.Context(), ref)
	require.NoError(t, err)

	turns.wait = time.Nanosecond
	_, err = turns.take(t.Context(), ref)
	require.ErrorIs(t, err, errCrowded, "not in time")
	turns.wait = time.Minute
	gone, giveUp := context.WithCancel(t.Context())
	giveUp()
	_, err = turns.take(gone, ref)
	require.ErrorIs(t, err, context.Canceled)
	working := 0 // guarded by the turn; the race detector sees where it isn't
	var all sync.WaitGroup
	for range crowd - 1 {
		all.Go(func() {
			leave, err := turns.take(t.Context(), ref)
			if assert.NoError(t, err) {
				working++
				leave()
			}
		})
	}
	first()
	all.Wait()
	assert.Equal(t, crowd-1, working)

	held := make([]*turn, crowd)
	for i := range held {
		held[i] = turns.join(ref)
	}
	_, err = turns.take(t.Context(), ref)
	require.ErrorIs(t, err, errCrowded)
	leave, err := turns.take(t.Context(), other)
	require.NoError(t, err, "another record")
	leave()
	for _, r := range held {
		turns.part(ref, r)
	}
	assert.Empty(t, turns.records)
}
