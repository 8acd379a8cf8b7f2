package eventstore_test

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/oklog/ulid/v2"
	"github.com/stretchr/testify/require"

	"duban/domain"
	"duban/eventstore"
	"duban/eventstore/storetest"
)

// BenchmarkAppend compares one writer's single events with a plain JetStream
// publish of the same bytes to a stream beside the ledger, on the same server
// with the same sync, one after the other in the same run, so that the disk's
// moods hit both. The figure to watch is p50-ratio.
func BenchmarkAppend(b *testing.B) {
	ctx := context.Background()
	s := openBench(b)
	js, err := jetstream.New(s.Conn())
	require.NoError(b, err)
	_, err = js.CreateStream(ctx, jetstream.StreamConfig{Name: "PLAIN", Subjects: []string{"plain.*"}, Storage: jetstream.FileStorage})
	require.NoError(b, err)

	w := storetest.NewWriter(s)
	payload := w.Append(b, 1)[0].Raw
	var ours, plain []time.Duration
	for i := range b.N {
		a := w.Prepare(1)
		start := time.Now()
		receipt, err := s.Append(ctx, a)
		ours = append(ours, time.Since(start))
		require.NoError(b, err)
		w.Advance(receipt)

		start = time.Now()
		_, err = js.Publish(ctx, "plain."+strconv.Itoa(i%1000), payload)
		plain = append(plain, time.Since(start))
		require.NoError(b, err)
	}
	slices.Sort(ours)
	slices.Sort(plain)
	b.ReportMetric(float64(ours[b.N/2].Microseconds()), "µs-p50-ours")
	b.ReportMetric(float64(plain[b.N/2].Microseconds()), "µs-p50-plain")
	b.ReportMetric(float64(ours[b.N/2])/float64(plain[b.N/2]), "p50-ratio")
}

// BenchmarkLoad loads aggregates of 50 events spread over a ledger of 100,000.
func BenchmarkLoad(b *testing.B) {
	ctx := context.Background()
	s, refs := openFilled(b, 2000, 50)
	b.ResetTimer()
	var took []time.Duration
	for i := range b.N {
		start := time.Now()
		agg, err := s.Load(ctx, refs[i*7919%len(refs)])
		took = append(took, time.Since(start))
		require.NoError(b, err)
		require.Len(b, agg.Records, 50)
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[b.N/2].Microseconds()), "µs-p50")
}

// BenchmarkFollow reads a ledger of 100,000 events from its beginning and
// compares with a bare ordered consumer.
func BenchmarkFollow(b *testing.B) {
	ctx := context.Background()
	s, _ := openFilled(b, 2000, 50)
	last := s.Acked()
	b.ResetTimer()
	var ours, bare time.Duration
	for range b.N {
		start := time.Now()
		fctx, cancel := context.WithCancel(ctx)
		_ = s.Follow(fctx, 0, func(batch []eventstore.Record) error {
			if batch[len(batch)-1].Seq >= last {
				cancel()
			}
			return nil
		})
		ours += time.Since(start)

		start = time.Now()
		js, err := jetstream.New(s.Conn())
		require.NoError(b, err)
		cons, err := js.OrderedConsumer(ctx, "LEDGER", jetstream.OrderedConsumerConfig{})
		require.NoError(b, err)
		done := make(chan struct{})
		cc, err := cons.Consume(func(m jetstream.Msg) {
			if meta, _ := m.Metadata(); meta.Sequence.Stream == last {
				close(done)
			}
		})
		require.NoError(b, err)
		<-done
		cc.Stop()
		bare += time.Since(start)
	}
	n := float64(last) * float64(b.N)
	b.ReportMetric(n/ours.Seconds(), "events/s-ours")
	b.ReportMetric(n/bare.Seconds(), "events/s-bare")
	b.ReportMetric(bare.Seconds()/ours.Seconds(), "ratio")
}

func openBench(tb testing.TB) *eventstore.Store {
	s, err := eventstore.Open(context.Background(), eventstore.Config{Org: "bench", Dir: tb.TempDir(), Types: storetest.Payloads()})
	require.NoError(tb, err)
	tb.Cleanup(func() { s.Close() })
	return s
}

// openFilled fills a ledger with n aggregates whose events are spread evenly over
// it, as years of work spread them.
func openFilled(tb testing.TB, n, events int) (*eventstore.Store, []domain.Ref) {
	s := openBench(tb)
	refs := make([]domain.Ref, n)
	heads := make([]eventstore.Head, n)
	for i := range refs {
		refs[i] = domain.Ref{Kind: domain.KindTask, ID: ulid.Make().String()}
	}
	actor := domain.Ref{Kind: domain.KindPerson, ID: "bench"}
	for round := range events {
		for from := 0; from < n; from += eventstore.MaxEvents / 2 {
			key := ulid.Make()
			a := eventstore.Append{Command: eventstore.Command{ID: eventstore.CommandID(actor, "fill", key), Digest: eventstore.Digest(nil)}, Key: key}
			for i := from; i < min(n, from+eventstore.MaxEvents/2); i++ {
				a.Writes = append(a.Writes, eventstore.Write{Subject: refs[i], Head: heads[i], Events: []domain.Event{{
					Time: time.Now(), Actor: actor, Authority: domain.RoleOffice, Data: &storetest.Noted{Text: fmt.Sprintf("第 %d 次汇报", round)},
				}}})
			}
			receipt, err := s.Append(context.Background(), a)
			require.NoError(tb, err)
			for j, r := range receipt.Records {
				heads[from+j] = eventstore.Head{Seq: r.Seq, Version: r.Version, Hash: r.Hash()}
			}
		}
	}
	return s, refs
}

// BenchmarkGroupCommit compares appends of many writers, each with an aggregate of
// its own, with plain publishes of the same bytes by 64 goroutines.
func BenchmarkGroupCommit(b *testing.B) {
	for _, writers := range []int{64, 256, 512} {
		b.Run(strconv.Itoa(writers), func(b *testing.B) {
			ctx := context.Background()
			s := openBench(b)
			payload := storetest.NewWriter(s).Append(b, 1)[0].Raw
			ours := side(b, writers, func(int) func() {
				w := storetest.NewWriter(s)
				return func() {
					receipt, err := s.Append(ctx, w.Prepare(1))
					if err != nil {
						b.Error(err)
						return
					}
					w.Advance(receipt)
				}
			})
			js, err := jetstream.New(s.Conn())
			require.NoError(b, err)
			_, err = js.CreateStream(ctx, jetstream.StreamConfig{Name: "PLAIN", Subjects: []string{"plain.*"}, Storage: jetstream.FileStorage})
			require.NoError(b, err)
			plain := side(b, 64, func(id int) func() {
				subject := "plain." + strconv.Itoa(id)
				return func() {
					if _, err := js.Publish(ctx, subject, payload); err != nil {
						b.Error(err)
					}
				}
			})
			b.ReportMetric(ours, "ours/s")
			b.ReportMetric(plain, "plain/s")
			b.ReportMetric(ours/plain, "ratio")
		})
	}
}

// side runs b.N steps on each of n goroutines and returns steps a second.
func side(b *testing.B, n int, writer func(id int) func()) float64 {
	steps := make([]func(), n)
	for i := range steps {
		steps[i] = writer(i)
	}
	var wg sync.WaitGroup
	began := time.Now()
	for _, step := range steps {
		wg.Go(func() {
			for range b.N {
				step()
			}
		})
	}
	wg.Wait()
	return float64(n*b.N) / time.Since(began).Seconds()
}
