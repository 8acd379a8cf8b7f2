package tree_test

import (
	"bytes"
	"context"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"duban/projections/tree"
)

const benchEvents = 1_000_000

// large returns a ledger of events of 600 bytes.
func large(b *testing.B, n int) *stream {
	b.Helper()
	events := make([][]byte, n)
	for i := range events {
		raw := bytes.Repeat([]byte{' '}, 600)
		copy(raw, event(uint64(i+1)))
		events[i] = raw
	}
	s := newStream(0)
	s.append(events...)
	return s
}

func BenchmarkBuild(b *testing.B) {
	s := large(b, benchEvents)
	for b.Loop() {
		r, stop := built(b, s)
		b.ReportMetric(float64(r.Stats().Bytes)/benchEvents, "B/event")
		stop()
	}
	b.ReportMetric(float64(benchEvents)*float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

// built returns a tree over all of s, with what closes it.
func built(b *testing.B, s *stream) (*tree.Tree, func()) {
	b.Helper()
	tr, err := tree.Open(b.Context(), tree.Config{Path: filepath.Join(b.TempDir(), "tree.db"), Source: s})
	require.NoError(b, err)
	ctx, cancel := context.WithCancel(b.Context())
	ran := make(chan error, 1)
	go func() { ran <- tr.Run(ctx) }()
	require.NoError(b, tr.WaitFor(b.Context(), s.Acked()))
	return tr, func() {
		cancel()
		require.NoError(b, <-ran)
		require.NoError(b, tr.Close())
	}
}

func BenchmarkInclusion(b *testing.B) {
	tr, stop := built(b, large(b, benchEvents))
	defer stop()
	random := rand.New(rand.NewPCG(1, 2))
	for b.Loop() {
		_, err := tr.Inclusion(1+random.Uint64N(benchEvents), benchEvents)
		require.NoError(b, err)
	}
}

func BenchmarkCheck(b *testing.B) {
	s := large(b, 100_000)
	tr, stop := built(b, s)
	defer stop()
	for b.Loop() {
		require.NoError(b, tr.Check(b.Context(), 1, 100_000))
	}
	b.ReportMetric(100_000*float64(b.N)/b.Elapsed().Seconds(), "events/s")
}
