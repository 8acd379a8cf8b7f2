package dossier

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
)

func BenchmarkVerify(b *testing.B) {
	const events = 20_000
	d := large(b, events).dossier(0)
	b.SetBytes(int64(len(d)))
	for b.Loop() {
		_, err := Verify(b.Context(), bytes.NewReader(d), int64(len(d)), VerifyOptions{})
		require.NoError(b, err)
	}
	b.ReportMetric(float64(events)*float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

func BenchmarkVerifySmall(b *testing.B) {
	d := small(b)
	for b.Loop() {
		_, err := Verify(b.Context(), bytes.NewReader(d), int64(len(d)), VerifyOptions{})
		require.NoError(b, err)
	}
}
