package seal

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"duban/domain"
	"duban/eventstore"
)

// A Tree is the tree over the ledger's events; *tree.Tree is one.
type Tree interface {
	// Head returns how many events it has and the root over them.
	Head() tlog.Tree
	// Root returns the root over the first size events.
	Root(size uint64) (tlog.Hash, error)
	// Consistency proves that the tree of size to extends that of size from.
	Consistency(from, to uint64) (tlog.TreeProof, error)
	// CheckHead reads the events from … to again from the stream and compares them with a
	// head, from which every leaf is proved. *tree.DivergedError names the first that
	// differs; tree.ErrDamaged says that the tree does not add up to the head.
	CheckHead(ctx context.Context, head tlog.Tree, from, to uint64) error
	// Rebuild makes the tree again from the stream.
	Rebuild(ctx context.Context, progress func(done uint64)) (events uint64, err error)
	// WaitFor returns when the tree has the event at seq, or why it never will.
	WaitFor(ctx context.Context, seq uint64) error
}

// Config says whose ledger is sealed and how.
type Config struct {
	Store *eventstore.Store
	Tree  Tree
	Org   string
	Dir   string // the folder of private keys, made if need be; only read where Sign is set
	Sign  bool   // this node signs; of several exactly one

	// Every is the pause between two heads while events come in. Default 500 ms.
	Every time.Duration
	// Window is how many events before the last head are read again at the start.
	// Default 1,000.
	Window uint64

	Witnessing Witnessing
	Auditing   Auditing

	Clock  func() time.Time // nil: time.Now
	Logger *slog.Logger     // nil: nothing is logged
}

const (
	defaultEvery  = 500 * time.Millisecond
	defaultWindow = 1000

	// settleTime is after which another node's head gets no more cosignatures once
	// there is a later one.
	settleTime = time.Minute

	// rereadKeys is how often a signer looks whether its keys were rotated.
	rereadKeys = 30 * time.Second
)

// A Seal signs a ledger's heads, or reads those another node signs. Its methods may
// be called from many goroutines.
type Seal struct {
	cfg     Config
	started chan struct{} // closed once Run has compared the ledger with its last head, or could not
	once    sync.Once     // closes started
	checked chan struct{} // closed once Run's comparison has come to an end

	mu      sync.Mutex
	changed chan struct{}   // closed and replaced when what follows changes
	lives   []incarnation   // of the ledger, the first one first
	keys    []Key           // of all of them
	latest  Head            // last published; zero: none yet
	stopped error           // why nothing is signed
	open    map[uint64]bool // sizes of heads that may still get cosignatures
	alarm   witnessAlarm
	audit   AuditStatus
}

// New returns a seal. Run makes it work.
func New(cfg Config) *Seal {
	cfg.Every = cmp.Or(cfg.Every, defaultEvery)
	cfg.Window = cmp.Or(cfg.Window, defaultWindow)
	cfg.Auditing.Rate = cmp.Or(cfg.Auditing.Rate, defaultRate)
	cfg.Auditing.Rest = cmp.Or(cfg.Auditing.Rest, defaultRest)
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return &Seal{cfg: cfg, started: make(chan struct{}), checked: make(chan struct{}), changed: make(chan struct{}), open: map[uint64]bool{}}
}

func (s *Seal) set(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
	close(s.changed)
	s.changed = make(chan struct{})
}

// Started returns a channel that is closed once Run has compared the ledger with its
// last head and, of a new log, has its key named; or has found that it can't.
func (s *Seal) Started() <-chan struct{} { return s.started }

// Checked returns a channel that is closed once Run has compared the ledger with its
// last head, or has found for good that it can't. Unlike Started it does not open
// while the comparison is put off because the store does not answer.
func (s *Seal) Checked() <-chan struct{} { return s.checked }

// Keys returns all keys the log has ever had, the first one first.
func (s *Seal) Keys() []Key {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Key(nil), s.keys...)
}

// Err returns nil while heads are signed (or, on a node that does not sign, found
// in order), otherwise why not.
func (s *Seal) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stopped
}

// Status is what monitoring wants to know.
type Status struct {
	Size     uint64    // of the last published head
	At       time.Time // when it was signed; zero: none yet
	Stopped  error     // why nothing is signed
	Witness  error     // why the latest head lacks its quorum of cosignatures
	Lacking  time.Time // since when heads do
	Cosigned uint64    // size of the last head with its quorum
	Audit    AuditStatus
}

// Status returns what monitoring wants to know.
func (s *Seal) Status() Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Status{
		Size: s.latest.Size, At: s.latest.At, Stopped: s.stopped, Audit: s.audit,
		Witness: s.alarm.reason, Lacking: s.alarm.since, Cosigned: s.alarm.good,
	}
}

// Latest returns the last published head, with its cosignatures if they have been
// collected, or eventstore.ErrNoHead.
func (s *Seal) Latest(ctx context.Context) (Head, error) {
	s.mu.Lock()
	h := s.latest
	s.mu.Unlock()
	if !s.cfg.Sign {
		return s.lastStored(ctx)
	}
	if h.Size == 0 {
		return Head{}, eventstore.ErrNoHead
	}
	return s.withCosignatures(ctx, h)
}

// AtSize returns the published head over size events, with its cosignatures, or
// eventstore.ErrNoHead. Once it is Settled its bytes are the same for ever.
func (s *Seal) AtSize(ctx context.Context, size uint64) (Head, error) {
	if size == 0 {
		return Head{}, eventstore.ErrNoHead
	}
	r, err := s.cfg.Store.Head(ctx, eventstore.HeadSigned, size)
	if err != nil {
		return Head{}, err
	}
	return s.published(ctx, r)
}

// Heads yields every published head from the first on, each with its cosignatures.
func (s *Seal) Heads(ctx context.Context) iter.Seq2[Head, error] {
	return func(yield func(Head, error) bool) {
		for after := uint64(0); ; {
			r, err := s.cfg.Store.HeadAfter(ctx, eventstore.HeadSigned, after)
			if errors.Is(err, eventstore.ErrNoHead) {
				return
			}
			var h Head
			if err == nil {
				h, err = s.published(ctx, r)
			}
			if errors.Is(err, eventstore.ErrNoHead) { // appended, not published yet
				return
			}
			if !yield(h, err) || err != nil {
				return
			}
			after = r.Seq
		}
	}
}

// published reads a stored head; one that this signer has not published yet is
// ErrNoHead.
func (s *Seal) published(ctx context.Context, r eventstore.HeadRecord) (Head, error) {
	s.mu.Lock()
	known, end := len(s.keys) > 0, s.latest.Seq
	s.mu.Unlock()
	if !known || s.cfg.Sign && r.Seq > end {
		return Head{}, eventstore.ErrNoHead
	}
	h, err := s.read(r)
	if err != nil {
		return Head{}, mismatch(r.Size, err)
	}
	return s.withCosignatures(ctx, h)
}

func (s *Seal) lastStored(ctx context.Context) (Head, error) {
	r, err := s.cfg.Store.Head(ctx, eventstore.HeadSigned, 0)
	if err != nil {
		return Head{}, err
	}
	return s.published(ctx, r)
}

func (s *Seal) withCosignatures(ctx context.Context, h Head) (Head, error) {
	r, err := s.cfg.Store.Head(ctx, eventstore.HeadCosigned, h.Size)
	switch {
	case errors.Is(err, eventstore.ErrNoHead):
		s.mu.Lock()
		h.Settled = !s.open[h.Size]
		if !s.cfg.Sign { // somebody else collects, within bounded time
			h.Settled = h.Seq < s.latest.Seq && s.cfg.Clock().Sub(h.At) > settleTime
		}
		s.mu.Unlock()
		return h, nil
	case err != nil:
		return Head{}, err
	}
	if err := h.cosign(r); err != nil {
		return Head{}, mismatch(r.Size, err)
	}
	return h, nil
}

// mismatch says that the head of a size is not what this log signed.
func mismatch(size uint64, err error) *eventstore.MismatchError {
	zh, en := domain.Halves(err.Error())
	return &eventstore.MismatchError{Size: size, Detail: fmt.Sprintf("大小为 %d 的树头：%s / the head of size %d: %s", size, zh, size, en)}
}

// ledgerRef is the ledger's own aggregate, which names the keys.
func (s *Seal) ledgerRef() domain.Ref { return domain.Ref{Kind: domain.KindLedger, ID: s.cfg.Org} }
