package eventstore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"duban/domain"
)

// A Store is one open ledger. Its methods may be called from many goroutines.
type Store struct {
	cfg   Config
	codec *Codec
	lock  *os.File // nil: external

	ctx    context.Context // done when the store is closed
	cancel context.CancelCauseFunc
	wg     sync.WaitGroup

	queue chan *request // to the committer
	check chan struct{} // asks the watcher to compare the stream now
	fault chan error    // tells the committer that something else than an append got no answer

	heads   *cache[domain.Ref, Head] // last acknowledged event of aggregates; embedded also of those that have none
	whole   *cache[txKey, int]       // transactions known to be whole or void
	recent  *recent                  // stored events of aggregates used lately; embedded only
	tokens  credentials              // what tokens stand for; embedded only
	loading atomic.Int64             // histories being read: commands that may be on their way
	uploads chan struct{}            // one evidence upload at a time; see evidence.go
	convoy  *convoy                  // who reads much of the stream side by side
	staging string                   // folder in memory for the server's batches, "": on disk; the committer's

	tally counts

	// intercept stands between the committer and the server, so that tests can
	// lose a message or its answer.
	intercept func(publish func() (uint64, error)) (uint64, error)

	mu       sync.Mutex
	changed  chan struct{} // closed and replaced at every change of what follows
	sess     *session      // nil while the server is being reopened
	acked    uint64        // last sequence known to be durable; never falls
	recorded time.Time     // recordedtime of the last event
	drift    error         // the last comparison's result
	gap      error         // once an event is missing, or not what was signed, it stays so
	headsOff error         // how HEADS differs from what it has to be
	headsEnd uint64        // last sequence of HEADS known to be durable; never falls
	odd      *EventError   // an event nobody accepted yet
	down     error         // the store is broken and being reopened
	silent   error         // the last comparison got no answer
	accepted map[uint64]string
	lacks    map[string]lack // of streams whose leader was behind when last seen
}

// Open opens the ledger, creating it if the server has none, and returns when
// ledger.opened is on disk. A ledger that must not be written (a drift, an odd
// event, a clock behind) opens all the same, for reading: Health tells.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	codec, err := NewCodec(cfg.Org, cfg.Types)
	if err != nil {
		return nil, err
	}
	s := &Store{
		cfg: cfg, codec: codec,
		queue:    make(chan *request, cfg.Queue),
		check:    make(chan struct{}, 1),
		fault:    make(chan error, 1),
		heads:    newCache[domain.Ref, Head](1 << 16),
		whole:    newCache[txKey, int](1 << 14),
		recent:   newRecent(),
		tokens:   credentials{known: newCache[string, Credential](maxCredentials), doubtful: map[string]bool{}},
		uploads:  make(chan struct{}, 1),
		changed:  make(chan struct{}),
		accepted: map[uint64]string{},
		lacks:    map[string]lack{},

		intercept: func(publish func() (uint64, error)) (uint64, error) { return publish() },
	}
	s.convoy = newConvoy(s.openConvoy)
	s.ctx, s.cancel = context.WithCancelCause(context.Background())
	if err := s.open(ctx); err != nil {
		s.cancel(ErrClosed)
		return nil, errors.Join(fmt.Errorf("open the ledger: %w", err), s.release())
	}
	return s, nil
}

func (s *Store) open(ctx context.Context) error {
	var err error
	if s.cfg.URL == "" {
		if s.lock, err = LockDir(s.cfg.Dir); err != nil {
			return err
		}
		if err := takeMark(s.cfg.Dir); err != nil {
			return err
		}
	}
	if err := s.cleanSpool(); err != nil {
		return err
	}
	sess, err := s.openSession()
	if err != nil {
		return err
	}
	s.sess = sess
	if err := s.ensureStream(ctx, sess); err != nil {
		return err
	}
	s.stage()
	if err := s.ensureHeads(ctx, sess); err != nil {
		return err
	}
	if err := s.ensureBuckets(ctx, sess); err != nil {
		return err
	}
	c := &committer{s: s}
	if err := c.start(ctx); err != nil {
		return err
	}
	s.wg.Go(c.run)
	s.wg.Go(s.watch)
	return nil
}

// Close stops writing after the append at hand, ends every Follow with ErrClosed
// and releases the folder.
func (s *Store) Close() error {
	if s.ctx.Err() != nil {
		return ErrClosed
	}
	s.cancel(ErrClosed)
	s.wg.Wait()
	return s.release()
}

// release ends the session and gives the folder back, with the mark of an orderly
// end if it was one.
func (s *Store) release() error {
	s.mu.Lock()
	sess := s.sess
	s.sess = nil
	healthy := s.down == nil && s.acked > 0
	s.mu.Unlock()
	if sess != nil {
		sess.close()
	}
	if s.lock == nil {
		return nil
	}
	s.unstage()
	var err error
	if sess != nil && healthy {
		err = leaveMark(s.cfg.Dir)
	}
	return errors.Join(err, s.lock.Close())
}

// set changes the state under the lock and wakes everyone who waits for a change.
func (s *Store) set(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
	close(s.changed)
	s.changed = make(chan struct{})
}

// Acked returns the last sequence known to be durable. Embedded, nothing beyond
// it is ever shown: after a failed sync JetStream serves what it did not
// acknowledge. External, it is the last sequence acknowledged to this store or
// seen in the stream.
func (s *Store) Acked() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.acked
}

// Health returns nil while the ledger can be written, otherwise why not: an
// error that matches ErrGap, ErrDrift, ErrMismatch, ErrUndecodable, ErrUnavailable,
// ErrClockBehind or ErrClosed.
func (s *Store) Health() error {
	if s.ctx.Err() != nil {
		return ErrClosed
	}
	if err := s.refusal(false); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := cmp.Or(s.down, s.silent); err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return clockBehind(s.recorded, s.cfg.Clock())
}

// refusal returns why nothing may be written although the server works. The
// acceptance of an odd event is let through where only odd events stand in the
// way.
func (s *Store) refusal(acceptance bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.gap != nil:
		return s.gap
	case s.drift != nil:
		return s.drift
	case s.headsOff != nil:
		return s.headsOff
	case s.odd != nil && !acceptance:
		return s.odd
	}
	return nil
}

func clockBehind(recorded, now time.Time) error {
	if ahead := recorded.Sub(now); ahead > maxAhead {
		return fmt.Errorf("%w（快 %v，最后事件 %s / %v ahead, last event %s）", ErrClockBehind,
			ahead.Round(time.Millisecond), recorded.Format(recordedForm), ahead.Round(time.Millisecond), recorded.Format(recordedForm))
	}
	return nil
}

// stop records why writing stops for good or until an operator acts, and hands
// the error back.
func (s *Store) stop(err error) error {
	var odd *EventError
	switch {
	case errors.As(err, &odd):
		s.set(func() {
			if s.odd == nil || odd.Sequence < s.odd.Sequence {
				s.odd = odd
			}
		})
	case errors.Is(err, ErrGap), errors.Is(err, ErrDrift), errors.Is(err, ErrMismatch):
		s.set(func() {
			if s.gap == nil {
				s.gap = err
			}
		})
	}
	return err
}

// advance moves the durable position. Sequences are never taken back.
func (s *Store) advance(seq uint64, recorded time.Time) {
	s.set(func() {
		s.acked = max(s.acked, seq)
		if recorded.After(s.recorded) {
			s.recorded = recorded
		}
	})
}
