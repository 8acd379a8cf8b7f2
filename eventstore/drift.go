package eventstore

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// watch compares the stream with what it has to be: every CheckEvery, and at
// once when the server tells that a stream was changed or deleted.
func (s *Store) watch() {
	tick := time.NewTicker(s.cfg.CheckEvery)
	defer tick.Stop()
	stopTail := s.tail()
	defer stopTail()
	for {
		select {
		case <-s.ctx.Done():
			return
		case <-tick.C:
		case <-s.check:
		}
		s.compare()
	}
}

// advisories asks the server to tell when the ledger's streams are changed. A
// server that may not tell costs nothing but the wait for the next tick.
func (s *Store) advisories(nc *nats.Conn) error {
	for _, what := range []string{"UPDATED", "DELETED", "CREATED"} {
		for _, stream := range []string{streamName, headsName} {
			_, err := nc.Subscribe("$JS.EVENT.ADVISORY.STREAM."+what+"."+stream, func(*nats.Msg) {
				select {
				case s.check <- struct{}{}:
				default:
				}
			})
			if err != nil {
				return fmt.Errorf("subscribe to advisories: %w", err)
			}
		}
	}
	return nil
}

func (s *Store) compare() {
	s.mu.Lock()
	sess, acked, odd := s.sess, s.acked, s.odd
	s.mu.Unlock()
	if sess == nil {
		return // being reopened; the committer compares then
	}
	info, err := s.standing(s.ctx, sess.read, streamName, acked)
	switch {
	case sess.replaced() || s.ctx.Err() != nil:
		return
	case errorCode(err) == codeStreamNotFound:
		_ = s.stop(&DriftError{
			Differences: []string{"stream LEDGER: want it, have none"},
			Remedy:      "账本的流被删除，请停止服务并从备份恢复 / the ledger's stream was deleted: stop and restore a backup",
		})
		return
	case err != nil:
		s.setSilent(err)
		return
	}
	s.judge(info, acked)
	s.setSilent(s.compareHeads(s.ctx, sess, info.State.LastSeq))
	if s.cfg.URL != "" && info.State.LastSeq > acked {
		s.advance(info.State.LastSeq, time.Time{})
	}
	if odd != nil {
		s.forgive(s.ctx, odd.Sequence)
	}
}

// setSilent notes that the server does not answer, or does again.
func (s *Store) setSilent(err error) {
	s.mu.Lock()
	same := (s.silent == nil) == (err == nil)
	s.mu.Unlock()
	if !same {
		s.set(func() { s.silent = err })
	}
}

// judge compares a description of the stream with what it has to be. acked is
// the durable position from before the description was asked for.
func (s *Store) judge(info *streamInfo, acked uint64) {
	diffs := compareConfig(streamConfig(s.cfg.Org, 1), info.Config, info.clustered())
	remedy := ""
	if len(diffs) > 0 {
		remedy = "请用 nats stream edit LEDGER 改回上述设置 / set the settings named back with nats stream edit LEDGER"
	}
	if info.State.FirstSeq > 1 {
		diffs = append(diffs, fmt.Sprintf("first_seq: want 1, have %d", info.State.FirstSeq))
	}
	if n := info.State.NumDeleted; n > 0 {
		diffs = append(diffs, fmt.Sprintf("num_deleted: want 0, have %d", n))
	}
	if info.State.FirstSeq > 1 || info.State.NumDeleted > 0 {
		remedy = "事件已丢失，改回设置后还须从备份恢复 / events are lost: set the settings back and restore a backup"
	}
	if info.State.LastSeq < acked {
		_ = s.stop(&DriftError{
			Differences: []string{fmt.Sprintf("last_seq: want at least %d, have %d", acked, info.State.LastSeq)},
			Remedy:      "已确认的事件丢失，请从备份恢复 / acknowledged events are gone: restore a backup",
		})
	}
	var drift error
	if len(diffs) > 0 {
		drift = &DriftError{Differences: diffs, Remedy: remedy}
	}
	s.mu.Lock()
	same := (s.drift == nil) == (drift == nil) && (drift == nil || s.drift.Error() == drift.Error())
	s.mu.Unlock()
	if !same {
		s.set(func() { s.drift = drift })
	}
}

// tail learns of other nodes' events as they come, so that followers need not
// wait for the next comparison. Embedded nobody else writes.
func (s *Store) tail() (stop func()) {
	none := func() {}
	if s.cfg.URL == "" {
		return none
	}
	sess, err := s.session(s.ctx)
	if err != nil {
		return none
	}
	ctx, cancel := context.WithTimeout(s.ctx, s.cfg.ReadTimeout)
	defer cancel()
	cons, err := sess.readJS.OrderedConsumer(ctx, streamName, jetstream.OrderedConsumerConfig{
		DeliverPolicy: jetstream.DeliverNewPolicy, HeadersOnly: true,
	})
	if err != nil {
		s.cfg.Logger.Warn("can't listen for new events, asking every so often instead", "error", err)
		return none
	}
	consuming, err := cons.Consume(func(m jetstream.Msg) {
		if meta, err := m.Metadata(); err == nil {
			s.advance(meta.Sequence.Stream, time.Time{})
		}
	})
	if err != nil {
		s.cfg.Logger.Warn("can't listen for new events, asking every so often instead", "error", err)
		return none
	}
	return consuming.Stop
}
