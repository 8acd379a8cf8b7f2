package eventstore_test

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"duban/domain"
	"duban/eventstore"
	"duban/eventstore/storetest"
)

// snapshots are the two streams of a backup.
type snapshots struct {
	heads, ledger []byte
	last          uint64
}

func takeSnapshots(t *testing.T, s *eventstore.Store) snapshots {
	t.Helper()
	var heads, ledger bytes.Buffer
	_, err := s.Snapshot(t.Context(), eventstore.KeptHeads, &heads)
	require.NoError(t, err)
	last, err := s.Snapshot(t.Context(), eventstore.KeptLedger, &ledger)
	require.NoError(t, err)
	return snapshots{heads.Bytes(), ledger.Bytes(), last}
}

func (b snapshots) restore(t *testing.T, dir string) error {
	t.Helper()
	return eventstore.Restore(t.Context(), eventstore.Restoration{
		Org: storetest.Org, Dir: dir, Ledger: bytes.NewReader(b.ledger), Heads: bytes.NewReader(b.heads), Last: b.last,
	})
}

func openDir(t *testing.T, dir string) *eventstore.Store {
	t.Helper()
	cfg := storetest.Config()
	cfg.Dir = dir
	s, err := eventstore.Open(t.Context(), cfg)
	require.NoError(t, err)
	t.Cleanup(func() { s.Close() })
	return s
}

func rawEvents(t *testing.T, s *eventstore.Store, to uint64) [][]byte {
	t.Helper()
	var all [][]byte
	require.NoError(t, s.Raw(t.Context(), 1, to, func(_ uint64, raw []byte) error {
		all = append(all, bytes.Clone(raw))
		return nil
	}))
	return all
}

// writeUntil has writers append transactions of several events until stop is called.
func writeUntil(t *testing.T, s *eventstore.Store, writers int) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	for i := range writers {
		wg.Go(func() {
			for w := storetest.NewWriter(s); ctx.Err() == nil; {
				receipt, err := s.Append(ctx, w.Prepare(1+i%7))
				if err != nil {
					if !errors.Is(err, context.Canceled) {
						t.Errorf("append: %v", err)
					}
					return
				}
				w.Advance(receipt)
			}
		})
	}
	return func() {
		cancel()
		wg.Wait()
	}
}

// A snapshot taken while others write is a beginning of the ledger, byte for byte, and
// what it cuts off in the middle is void.
func TestBackupUnderLoad(t *testing.T) {
	s := openDir(t, t.TempDir())
	stop := writeUntil(t, s, 24)
	for s.Acked() < 500 {
		_, err := s.Await(t.Context(), s.Acked())
		require.NoError(t, err)
	}
	taken := make([]snapshots, 5)
	for i := range taken {
		taken[i] = takeSnapshots(t, s)
	}
	stop()
	for _, b := range taken {
		require.GreaterOrEqual(t, b.last, uint64(500))
		require.Greater(t, s.Acked(), b.last, "the others wrote on")
		dir := t.TempDir()
		require.NoError(t, b.restore(t, dir))
		copied := openDir(t, dir)
		require.NoError(t, copied.Health())
		assert.Equal(t, b.last+1, copied.Acked(), "and that it was opened")
		assert.Equal(t, rawEvents(t, s, b.last), rawEvents(t, copied, b.last))
		report, err := copied.Audit(t.Context(), nil)
		require.NoError(t, err)
		assert.True(t, report.Sound(), "%+v", report.Findings)
		checkWhole(t, s, copied, b.last)
	}
}

// checkWhole compares what counts in the copy with what counts in the ledger: the same,
// but for the transaction that the cut falls into.
func checkWhole(t *testing.T, s, copied *eventstore.Store, last uint64) {
	t.Helper()
	want, got := storetest.Follow(t, s, 0, s.Acked()), storetest.Follow(t, copied, 0, last+1)
	for i, r := range got[:last] {
		require.False(t, want[i].Voided)
		left := r.TxCount - r.TxIndex // events of the transaction behind this one
		require.Equal(t, r.TxCount > 0 && r.Seq+uint64(left) > last, r.Voided, "%d of a ledger cut at %d", r.Seq, last)
	}
}

// What is in the buckets comes back through the opened ledger.
func TestRestoreBuckets(t *testing.T) {
	s := openDir(t, t.TempDir())
	kept, err := s.PutEvidence(t.Context(), bytes.NewReader([]byte("照片")), "image/png", 0)
	require.NoError(t, err)
	gone, err := s.PutEvidence(t.Context(), bytes.NewReader([]byte("发错了")), "text/plain", 0)
	require.NoError(t, err)
	require.NoError(t, s.WithdrawEvidence(t.Context(), gone.SHA256))
	stored, withdrawn, err := s.EvidenceList(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []domain.Evidence{kept}, stored)
	assert.Equal(t, []string{gone.SHA256}, withdrawn)

	b := takeSnapshots(t, s)
	dir := t.TempDir()
	require.NoError(t, b.restore(t, dir))
	copied := openDir(t, dir)
	_, err = copied.StatEvidence(t.Context(), gone.SHA256)
	require.ErrorIs(t, err, eventstore.ErrNoEvidence)
	for range 2 { // again does no harm
		require.NoError(t, copied.MarkWithdrawn(t.Context(), gone.SHA256))
	}
	_, err = copied.StatEvidence(t.Context(), gone.SHA256)
	require.ErrorIs(t, err, eventstore.ErrEvidenceWithdrawn)
	_, withdrawn, err = copied.EvidenceList(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []string{gone.SHA256}, withdrawn)
}

// Heads stand in the copy as they were.
func TestRestoreHeads(t *testing.T) {
	s := openDir(t, t.TempDir())
	storetest.NewWriter(s).Append(t, 3)
	_, err := s.AppendHead(t.Context(), eventstore.HeadRecord{Kind: eventstore.HeadSigned, Size: 2, Data: []byte("two")}, 0)
	require.NoError(t, err)
	want, err := s.Head(t.Context(), eventstore.HeadSigned, 0)
	require.NoError(t, err)
	dir := t.TempDir()
	require.NoError(t, takeSnapshots(t, s).restore(t, dir))
	got, err := openDir(t, dir).Head(t.Context(), eventstore.HeadSigned, 0)
	require.NoError(t, err)
	assert.Equal(t, want, got)
}

func TestRestoreRefuses(t *testing.T) {
	from := t.TempDir()
	s := openDir(t, from)
	w := storetest.NewWriter(s)
	for range 40 {
		w.Append(t, 5)
	}
	good := takeSnapshots(t, s)
	for name, tt := range map[string]struct {
		spoil func(*snapshots)
		err   error
	}{
		"cut short":      {func(b *snapshots) { b.ledger = b.ledger[:len(b.ledger)-20] }, eventstore.ErrSnapshot},
		"nothing":        {func(b *snapshots) { b.ledger = nil }, eventstore.ErrSnapshot},
		"a flipped bit":  {func(b *snapshots) { b.ledger[len(b.ledger)/2] ^= 1 }, eventstore.ErrSnapshot},
		"another stream": {func(b *snapshots) { b.ledger = b.heads }, eventstore.ErrIncomplete},
		"another end":    {func(b *snapshots) { b.last-- }, eventstore.ErrIncomplete},
		"no heads":       {func(b *snapshots) { b.heads = nil }, eventstore.ErrSnapshot},
	} {
		t.Run(name, func(t *testing.T) {
			b := snapshots{bytes.Clone(good.heads), bytes.Clone(good.ledger), good.last}
			tt.spoil(&b)
			require.ErrorIs(t, b.restore(t, t.TempDir()), tt.err)
		})
	}
	require.ErrorIs(t, good.restore(t, from), eventstore.ErrNotEmpty)
}
