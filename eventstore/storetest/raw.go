package storetest

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"duban/domain"
	"duban/eventstore"
)

// Half records what a crash may leave of a transaction on ref: the first of three events.
func Half(t *testing.T, s *eventstore.Store, ref domain.Ref) {
	t.Helper()
	require.NoError(t, forge(t, s, ref, func(r *eventstore.Record) { r.TxID, r.TxIndex, r.TxCount = "01HALF", 1, 3 }))
}

// testRaw: Raw hands over what stands in the stream, whatever it is.
func testRaw(t *testing.T, o Open) {
	s := open(t, o)
	w := NewWriter(s)
	w.Append(t, 2)            // 2 3
	Half(t, s, w.Ref)         // 4, void
	NewWriter(s).Append(t, 1) // 5
	for _, at := range [][2]uint64{{1, 5}, {2, 4}, {5, 5}} {
		raw, err := readRaw(t, s, at[0], at[1])
		require.NoError(t, err)
		for i, m := range stream(t, s)[at[0]-1 : at[1]] {
			assert.Equal(t, m.Data, raw[i])
		}
		assert.Len(t, raw, int(at[1]-at[0]+1))
	}
	var gap *eventstore.GapError
	raw, err := readRaw(t, s, 4, 9)
	require.ErrorAs(t, err, &gap)
	assert.Equal(t, uint64(6), gap.Sequence)
	assert.Len(t, raw, 2)
	require.NotErrorIs(t, s.Health(), eventstore.ErrGap, "asking beyond the end harms nobody")

	enough := assert.AnError
	require.Equal(t, enough, s.Raw(t.Context(), 1, 5, func(uint64, []byte) error { return enough }))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = s.Await(ctx, s.Acked())
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorIs(t, s.Raw(ctx, 1, 5, func(uint64, []byte) error { return nil }), context.Canceled)
	require.NoError(t, s.Close())
	_, err = s.Await(t.Context(), 9)
	require.ErrorIs(t, err, eventstore.ErrClosed)
}

func readRaw(t *testing.T, s *eventstore.Store, from, to uint64) (out [][]byte, err error) {
	t.Helper()
	err = s.Raw(t.Context(), from, to, func(seq uint64, raw []byte) error {
		require.Equal(t, from+uint64(len(out)), seq)
		out = append(out, raw)
		return nil
	})
	return out, err
}
