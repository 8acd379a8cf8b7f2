package seal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"duban/eventstore"
)

// Auditing says how the ledger is read again in the background.
type Auditing struct {
	// Rate is how many events a second are read at most. Default 1,000; below 0: there
	// is no audit in the background.
	Rate int
	// Rest is the pause after the whole ledger was read. Default 10 min.
	Rest time.Duration
}

const (
	defaultRate = 1000
	defaultRest = 10 * time.Minute
	auditStep   = 256 // events read at a time: those of one tile
	headStep    = 100 // heads looked at between two reports of progress
)

// AuditStatus is how far the audit in the background has come.
type AuditStatus struct {
	Position uint64    // events of the run at hand that agree
	Passes   uint64    // whole runs
	Last     time.Time // when the last whole run ended; zero: none yet
}

// Inspect reads every event again and compares it with the last head, and every head
// with the tree. It returns how many events it read and a *eventstore.MismatchError
// that names the first that differs. Writes are stopped then. progress, if not nil, is
// told the position now and then.
func (s *Seal) Inspect(ctx context.Context, progress func(seq uint64)) (uint64, error) {
	if progress == nil {
		progress = func(uint64) {}
	}
	if s.Origin() == "" {
		if _, err := (&signer{Seal: s}).identify(ctx); err != nil {
			return 0, err
		}
	}
	n, err := s.inspect(ctx, func(seq uint64) error {
		progress(seq)
		return ctx.Err()
	})
	s.haltIf(err)
	return n, err
}

// haltIf stops writes if the ledger was found not to be what was signed.
func (s *Seal) haltIf(err error) {
	var found *eventstore.MismatchError
	if errors.As(err, &found) {
		s.cfg.Store.Halt(found)
	}
}

// inspect reads the whole ledger once; after each step it asks whether to go on.
func (s *Seal) inspect(ctx context.Context, step func(seq uint64) error) (uint64, error) {
	r, err := s.lastHead(ctx)
	if err != nil || r.Size == 0 {
		return 0, err
	}
	if err := s.longEnough(r.Size); err != nil {
		return 0, err
	}
	last, err := s.read(r)
	if err != nil {
		return 0, mismatch(r.Size, err)
	}
	if err := s.cfg.Tree.WaitFor(ctx, last.Size); err != nil {
		return 0, s.judge(ctx, last, err)
	}
	for from := uint64(1); from <= last.Size; from += auditStep {
		to := min(from+auditStep-1, last.Size)
		if err := s.compare(ctx, last, from, to); err != nil {
			return from - 1, err
		}
		if err := step(to); err != nil {
			return to, err
		}
	}
	return last.Size, s.inspectHeads(ctx, last, step)
}

// lastHead returns the last head, a zero one if there need not be any: a ledger that
// names its key has one of its own.
func (s *Seal) lastHead(ctx context.Context) (eventstore.HeadRecord, error) {
	now := s.current()
	r, err := s.storedHead(ctx)
	if err != nil || r.Size >= now.from {
		return r, err
	}
	agg, err := s.cfg.Store.Load(ctx, s.ledgerRef())
	if err != nil || len(keysOf(KeysOf(agg), now.origin)) == 0 {
		return r, err
	}
	// The key may have been named meanwhile, behind its first head.
	if r, err = s.storedHead(ctx); err == nil && r.Size < now.from {
		err = errHeadsGone()
	}
	return r, err
}

// storedHead returns the last head there is, a zero one if there is none.
func (s *Seal) storedHead(ctx context.Context) (eventstore.HeadRecord, error) {
	r, err := s.cfg.Store.Head(ctx, eventstore.HeadSigned, 0)
	if errors.Is(err, eventstore.ErrNoHead) {
		return eventstore.HeadRecord{}, nil
	}
	return r, err
}

func errHeadsGone() *eventstore.MismatchError {
	return &eventstore.MismatchError{Detail: "账本已公布签名密钥，树头却一个也没有：树头的流被删除 / the ledger names its key, and there is no head at all: the stream of heads was deleted"}
}

// inspectHeads compares every head with the tree.
func (s *Seal) inspectHeads(ctx context.Context, last Head, step func(seq uint64) error) error {
	after := uint64(0)
	for n := 1; after < last.Seq; n++ {
		r, err := s.cfg.Store.HeadAfter(ctx, eventstore.HeadSigned, after)
		if err != nil {
			return err
		}
		h, err := s.read(r)
		if err != nil {
			return mismatch(r.Size, err)
		}
		root, err := s.cfg.Tree.Root(h.Size)
		if err != nil {
			return fmt.Errorf("root of %d: %w", h.Size, err)
		}
		if root != h.Root {
			return mismatch(h.Size, errors.New("根与 Merkle 树不符 / its root is not that of the tree"))
		}
		if n%headStep == 0 {
			if err := step(last.Size); err != nil {
				return err
			}
		}
		after = r.Seq
	}
	return nil
}

// Audit reads the ledger again and again at a bounded rate until ctx ends. What it
// finds stops writes and ends it; while the store does not answer it waits.
func (s *Seal) Audit(ctx context.Context) error {
	rate := s.cfg.Auditing.Rate
	if rate < 0 {
		return nil
	}
	tick := time.NewTicker(time.Second * auditStep / time.Duration(rate))
	defer tick.Stop()
	select {
	case <-s.started:
	case <-ctx.Done():
		return nil
	}
	for {
		_, err := s.inspect(ctx, func(seq uint64) error {
			s.set(func() { s.audit.Position = seq })
			select {
			case <-tick.C:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
		if over(ctx, err) {
			return nil
		}
		s.haltIf(err)
		if errors.Is(err, eventstore.ErrMismatch) {
			s.cfg.Logger.ErrorContext(ctx, "the audit found a ledger that is not what was signed", slog.Any("error", err))
			return err
		}
		if err != nil {
			s.cfg.Logger.WarnContext(ctx, "the audit could not be finished", slog.Any("error", err))
		} else {
			s.set(func() { s.audit.Passes, s.audit.Last = s.audit.Passes+1, s.cfg.Clock() })
		}
		if err := pause(ctx, s.cfg.Auditing.Rest); err != nil {
			return nil
		}
	}
}
