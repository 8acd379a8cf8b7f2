package eventstore

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// naive is the transaction rule said of one record at a time: an event of a
// transaction counts if all of the transaction's events stand at the sequences
// around it where they should.
func naive(stream []Record) []Record {
	at := map[uint64]Record{}
	for _, r := range stream {
		at[r.Seq] = r
	}
	out := append([]Record(nil), stream...)
	for i, r := range out {
		if r.TxCount == 0 || r.Undecodable != nil {
			continue
		}
		first := r.Seq - uint64(r.TxIndex) + 1
		for n := range r.TxCount {
			o, ok := at[first+uint64(n)]
			if !ok || o.Undecodable != nil || o.TxID != r.TxID || o.TxCount != r.TxCount || o.TxIndex != n+1 {
				out[i].Voided = true
			}
		}
	}
	return out
}

// unfinishedTail returns how many records at the end may still become whole.
func unfinishedTail(stream []Record) int {
	for i := range stream {
		tail := stream[i:]
		if tail[0].TxCount == 0 || tail[0].TxIndex != 1 || tail[0].TxCount <= len(tail) {
			continue
		}
		ok := true
		for n, r := range tail {
			ok = ok && r.Undecodable == nil && r.Seq == tail[0].Seq+uint64(n) && r.TxID == tail[0].TxID && r.TxCount == tail[0].TxCount && r.TxIndex == n+1
		}
		if ok {
			return len(tail)
		}
	}
	return 0
}

func TestAssembler(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var stream []Record
		seq := uint64(100)
		record := func(tx string, index, count int) {
			r := Record{TxID: tx, TxIndex: index, TxCount: count}
			seq += uint64(rapid.SampledFrom([]int{1, 1, 1, 1, 1, 1, 1, 2}).Draw(t, "step"))
			r.Seq = seq
			if rapid.IntRange(0, 15).Draw(t, "odd") == 0 {
				r.Undecodable = errors.New("odd")
			}
			stream = append(stream, r)
		}
		for range rapid.IntRange(0, 12).Draw(t, "runs") {
			tx := rapid.SampledFrom([]string{"a", "b"}).Draw(t, "tx")
			count := rapid.IntRange(1, 4).Draw(t, "count")
			if count == 1 {
				record("", 0, 0)
				continue
			}
			from := rapid.SampledFrom([]int{1, 1, 1, 2}).Draw(t, "from")
			to := rapid.SampledFrom([]int{count, count, count, count - 1}).Draw(t, "to")
			for i := from; i <= to; i++ {
				record(tx, i, count)
			}
		}

		var asm Assembler
		var got []Record
		for _, r := range stream {
			emitted := asm.Add(r)
			got = append(got, emitted...)
			require.LessOrEqual(t, asm.Pending(), MaxEvents)
		}
		held := unfinishedTail(stream)
		require.Equal(t, held, asm.Pending(), "what may still be finished is held back, and nothing else")
		want := naive(stream)[:len(stream)-held]
		require.Equal(t, len(want), len(got))
		for i := range want {
			require.Equal(t, want[i], got[i], "record %d", i)
		}
	})
}
