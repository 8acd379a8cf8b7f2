package eventstore

import (
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/oklog/ulid/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"duban/domain"
	"duban/domain/ledger"
)

// TestLostAnswer: the server stores the events, or does not, and the answer is
// lost either way. Append finds out.
func TestLostAnswer(t *testing.T) {
	srv, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, NoSigs: true, NoLog: true, JetStream: true, StoreDir: t.TempDir(), SyncAlways: true})
	require.NoError(t, err)
	srv.Start()
	defer srv.Shutdown()
	require.True(t, srv.ReadyForConnections(10*time.Second))

	for name, cfg := range map[string]Config{"embedded": {Org: "a", Dir: t.TempDir()}, "external": {Org: "a", URL: srv.ClientURL()}} {
		t.Run(name, func(t *testing.T) {
			s, err := Open(t.Context(), cfg)
			require.NoError(t, err)
			defer s.Close()
			direct := s.intercept
			// lose swallows the next publish or only its answer.
			lose := func(sent bool) {
				s.intercept = func(publish func() (uint64, error)) (uint64, error) {
					s.intercept = direct
					if sent {
						_, err := publish()
						assert.NoError(t, err)
					}
					return 0, nats.ErrTimeout
				}
			}
			for _, events := range []int{1, 3} {
				a := noteAppend(events)
				before := s.Acked()
				lose(true)
				receipt, err := s.Append(t.Context(), a)
				require.NoError(t, err, "it was stored, and is found")
				require.Len(t, receipt.Records, events)
				assert.Equal(t, before+uint64(events)+1, s.Acked(), "the events, and ledger.opened behind them")
				agg, err := s.Load(t.Context(), a.Writes[0].Subject)
				require.NoError(t, err)
				assert.Equal(t, receipt.Records, agg.Records)

				a = noteAppend(events)
				before = s.Acked()
				lose(false)
				_, err = s.Append(t.Context(), a)
				require.ErrorIs(t, err, ErrUnavailable)
				require.NoError(t, s.Health())
				assert.Equal(t, before+1, s.Acked())
				_, err = s.Append(t.Context(), a)
				require.NoError(t, err)
			}
			report, err := s.Audit(t.Context(), nil)
			require.NoError(t, err)
			assert.Empty(t, report.Findings)
		})
	}
}

func noteAppend(events int) Append {
	key := ulid.Make()
	actor := domain.Ref{Kind: domain.KindPerson, ID: "z"}
	w := Write{Subject: domain.Ref{Kind: domain.KindTask, ID: key.String()}}
	for range events {
		w.Events = append(w.Events, domain.Event{
			Time: time.Now(), Actor: actor, Authority: domain.RoleOffice, Data: &ledger.Accepted{Sequence: 1, Reason: "x"},
		})
	}
	return Append{Command: Command{ID: CommandID(actor, "t", key), Digest: Digest(nil)}, Key: key, Writes: []Write{w}}
}

// TestLoadWhileMending: what is stored without an answer is not seen until the store
// is mended, but then it is: nothing read meanwhile is taken for the whole.
func TestLoadWhileMending(t *testing.T) {
	s, err := Open(t.Context(), Config{Org: "a", Dir: t.TempDir(), RetryAfter: time.Millisecond, RecoverTimeout: time.Millisecond})
	require.NoError(t, err)
	defer s.Close()
	created, grown := noteAppend(1), noteAppend(1)
	receipt, err := s.Append(t.Context(), grown)
	require.NoError(t, err)
	before := receipt.Records[0]
	again := noteAppend(1)
	again.Writes[0].Subject, again.Writes[0].Head = before.Subject, Head{Seq: before.Seq, Version: 1, Hash: before.Hash()}
	lost := created
	lost.Writes = append(lost.Writes, again.Writes...)

	direct := s.intercept
	s.intercept = func(publish func() (uint64, error)) (uint64, error) {
		s.intercept = func(func() (uint64, error)) (uint64, error) { // the first try to mend it
			s.intercept = func(publish func() (uint64, error)) (uint64, error) {
				s.intercept = direct
				for _, w := range lost.Writes {
					_, err := s.Load(t.Context(), w.Subject)
					assert.NoError(t, err)
				}
				return publish()
			}
			return 0, nats.ErrTimeout
		}
		_, err := publish()
		assert.NoError(t, err)
		return 0, nats.ErrTimeout
	}
	_, err = s.Append(t.Context(), lost)
	require.ErrorIs(t, err, ErrUnavailable)
	require.Eventually(t, func() bool { return s.Health() == nil }, 10*time.Second, time.Millisecond)

	for i, w := range lost.Writes {
		agg, err := s.Load(t.Context(), w.Subject)
		require.NoError(t, err)
		assert.Equal(t, uint64(i)+1, agg.Head.Version)
		stale := noteAppend(1)
		stale.Expect = []Expectation{{Subject: w.Subject, Head: w.Head}}
		_, err = s.Append(t.Context(), stale)
		require.ErrorIs(t, err, ErrConflict)
	}
}
