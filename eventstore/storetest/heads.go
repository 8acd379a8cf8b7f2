package storetest

import (
	"errors"
	"testing"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"duban/eventstore"
)

func signed(size uint64, data string) eventstore.HeadRecord {
	return eventstore.HeadRecord{Kind: eventstore.HeadSigned, Size: size, Data: []byte(data)}
}

// testHeads: one order of heads, whoever appends them, each size once.
func testHeads(t *testing.T, o Open) {
	s := open(t, o)
	_, err := s.Head(t.Context(), eventstore.HeadSigned, 0)
	require.ErrorIs(t, err, eventstore.ErrNoHead)
	w := NewWriter(s)
	w.Append(t, 3)

	seq, err := s.AppendHead(t.Context(), signed(2, "two"), 0)
	require.NoError(t, err)
	assert.Equal(t, uint64(1), seq)
	for name, tt := range map[string]struct {
		record eventstore.HeadRecord
		last   uint64
		err    error
	}{
		"behind what another one appended": {signed(3, "three"), 0, eventstore.ErrHeadsMoved},
		"beyond the end":                   {signed(3, "three"), 7, eventstore.ErrHeadsMoved},
		"a size that has its head":         {signed(2, "other"), 1, eventstore.ErrHeadsMoved},
		"more than was acknowledged":       {signed(5, "five"), 1, eventstore.ErrInvalidAppend},
		"of nothing":                       {signed(0, "none"), 1, eventstore.ErrInvalidAppend},
	} {
		_, err := s.AppendHead(t.Context(), tt.record, tt.last)
		require.ErrorIs(t, err, tt.err, name)
		end, err := s.HeadsEnd(t.Context())
		require.NoError(t, err)
		require.Equal(t, uint64(1), end, name)
	}
	cosigned := eventstore.HeadRecord{Kind: eventstore.HeadCosigned, Size: 2, Data: []byte("by w")}
	_, err = s.AppendHead(t.Context(), cosigned, 1)
	require.NoError(t, err)
	_, err = s.AppendHead(t.Context(), cosigned, 2)
	require.ErrorIs(t, err, eventstore.ErrHeadsMoved, "written once")
	_, err = s.AppendHead(t.Context(), signed(4, "four"), 2)
	require.NoError(t, err)

	s.Close()
	s = open(t, o)
	last, err := s.Head(t.Context(), eventstore.HeadSigned, 0)
	require.NoError(t, err)
	assert.Equal(t, eventstore.HeadRecord{Seq: 3, Kind: eventstore.HeadSigned, Size: 4, Data: []byte("four")}, last)
	two, err := s.Head(t.Context(), eventstore.HeadSigned, 2)
	require.NoError(t, err)
	assert.Equal(t, "two", string(two.Data))
	by, err := s.Head(t.Context(), eventstore.HeadCosigned, 2)
	require.NoError(t, err)
	assert.Equal(t, "by w", string(by.Data))
	next, err := s.HeadAfter(t.Context(), eventstore.HeadSigned, 1)
	require.NoError(t, err)
	assert.Equal(t, last, next)
	_, err = s.HeadAfter(t.Context(), eventstore.HeadSigned, 3)
	require.ErrorIs(t, err, eventstore.ErrNoHead)
	_, err = s.Head(t.Context(), eventstore.HeadSigned, 3)
	require.ErrorIs(t, err, eventstore.ErrNoHead)
}

// testHeadsDrift: HEADS is as append-only as the ledger, and looked after like it.
func testHeadsDrift(t *testing.T, o Open) {
	s := open(t, o)
	w := NewWriter(s)
	w.Append(t, 2)
	for last := range uint64(3) {
		_, err := s.AppendHead(t.Context(), signed(last+1, "x"), last)
		require.NoError(t, err)
	}
	js := jetStream(t, s)
	stream, err := js.Stream(t.Context(), "HEADS")
	require.NoError(t, err)
	require.Error(t, stream.DeleteMsg(t.Context(), 1))
	require.Error(t, stream.Purge(t.Context()))
	cfg := stream.CachedInfo().Config
	cfg.MaxMsgs, cfg.Discard = 2, jetstream.DiscardOld
	_, err = js.UpdateStream(t.Context(), cfg)
	require.NoError(t, err)
	eventually(t, "drift is noticed", func() bool { return errors.Is(s.Health(), eventstore.ErrDrift) })
	_, err = s.Append(t.Context(), w.Prepare(1))
	require.ErrorIs(t, err, eventstore.ErrDrift)
	_, err = s.AppendHead(t.Context(), signed(2, "y"), 3)
	require.ErrorIs(t, err, eventstore.ErrDrift)
	cfg.MaxMsgs, cfg.Discard = -1, jetstream.DiscardNew
	_, err = js.UpdateStream(t.Context(), cfg)
	require.NoError(t, err)
	var drift *eventstore.DriftError
	eventually(t, "the loss stays", func() bool {
		return errors.As(s.Health(), &drift) && len(drift.Differences) == 1
	})
	assert.Equal(t, []string{"HEADS first_seq: want 1, have 2; num_deleted: want 0, have 0"}, drift.Differences)
	require.NoError(t, js.DeleteStream(t.Context(), "HEADS"))
	eventually(t, "the deletion is noticed", func() bool {
		return errors.As(s.Health(), &drift) && drift.Differences[0] == "stream HEADS: want it, have none"
	})
}

// testShorterThanSigned: a ledger that ends before its last head gets no event more.
func testShorterThanSigned(t *testing.T, o Open) {
	s := open(t, o)
	NewWriter(s).Append(t, 4)
	_, err := s.AppendHead(t.Context(), signed(5, "five"), 0)
	require.NoError(t, err)
	js := jetStream(t, s)
	stream, err := js.Stream(t.Context(), "LEDGER")
	require.NoError(t, err)
	cfg := stream.CachedInfo().Config
	first, err := stream.GetMsg(t.Context(), 1)
	require.NoError(t, err)
	require.NoError(t, js.DeleteStream(t.Context(), "LEDGER"))
	_, err = js.CreateStream(t.Context(), cfg)
	require.NoError(t, err)
	_, err = js.Publish(t.Context(), first.Subject, first.Data)
	require.NoError(t, err)
	s.Close()
	s = open(t, o)
	var found *eventstore.MismatchError
	require.ErrorAs(t, s.Health(), &found)
	assert.Equal(t, []uint64{2, 5}, []uint64{found.Sequence, found.Size})
	assert.Equal(t, uint64(1), s.Acked(), "ledger.opened was not appended either")
	_, err = s.Append(t.Context(), NewWriter(s).Prepare(1))
	require.ErrorIs(t, err, eventstore.ErrMismatch)
}
