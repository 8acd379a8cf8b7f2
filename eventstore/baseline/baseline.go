// Package baseline does with plain JetStream what the event store does, so that
// benchmarks can set one beside the other: on the same server, with the same
// sync and the same bytes, in the same run.
package baseline

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"duban/eventstore"
)

// A Publisher publishes to a stream beside the ledger.
type Publisher struct {
	js jetstream.JetStream
	n  atomic.Int64
}

const (
	plainStream  = "BASELINE"
	plainSubject = "baseline."
	// ledgerStream is the stream that Consume reads.
	ledgerStream = "LEDGER"
)

// NewPublisher makes the stream beside the ledger of s.
func NewPublisher(ctx context.Context, s *eventstore.Store) (*Publisher, error) {
	js, err := jetstream.New(s.Conn())
	if err != nil {
		return nil, fmt.Errorf("use JetStream: %w", err)
	}
	_, err = js.CreateStream(ctx, jetstream.StreamConfig{Name: plainStream, Subjects: []string{plainSubject + "*"}, Storage: jetstream.FileStorage})
	if err != nil {
		return nil, fmt.Errorf("create the stream to compare with: %w", err)
	}
	return &Publisher{js: js}, nil
}

// Publish publishes one message and waits for its acknowledgement. Many may publish at
// the same time.
func (p *Publisher) Publish(ctx context.Context, b []byte) error {
	_, err := p.js.Publish(ctx, fmt.Sprintf("%s%d", plainSubject, p.n.Add(1)%1000), b)
	return err
}

// Consume reads the whole ledger of s with an ordered consumer that does nothing
// with what it reads, and returns how long that took.
func Consume(ctx context.Context, s *eventstore.Store) (time.Duration, error) {
	js, err := jetstream.New(s.Conn())
	if err != nil {
		return 0, fmt.Errorf("use JetStream: %w", err)
	}
	last := s.Acked()
	began := time.Now()
	consumer, err := js.OrderedConsumer(ctx, ledgerStream, jetstream.OrderedConsumerConfig{})
	if err != nil {
		return 0, fmt.Errorf("make an ordered consumer: %w", err)
	}
	done := make(chan error, 1)
	consuming, err := consumer.Consume(func(m jetstream.Msg) {
		meta, err := m.Metadata()
		if err != nil || meta.Sequence.Stream == last {
			select {
			case done <- err:
			default:
			}
		}
	})
	if err != nil {
		return 0, fmt.Errorf("consume: %w", err)
	}
	defer consuming.Stop()
	select {
	case err := <-done:
		return time.Since(began), err
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}
