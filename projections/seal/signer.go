package seal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/oklog/ulid/v2"
	"golang.org/x/mod/sumdb/tlog"

	"duban/domain"
	"duban/domain/calendar"
	"duban/domain/ledger"
	"duban/eventstore"
)

// A signer is the one goroutine that appends to HEADS. Its fields are its own.
type signer struct {
	*Seal
	ring    *Keyring
	end     uint64    // last sequence of HEADS
	readAt  time.Time // when the keys were last read from the ledger
	cosigns chan cosigned
	publish chan Head // the latest head, for whoever collects cosignatures
}

// retryPause is between two attempts while the store does not answer.
const retryPause = time.Second

// Run checks the ledger against its last head and then signs, until ctx ends. It
// returns nil then, and otherwise why nothing is signed any more, which Err repeats: a
// *eventstore.MismatchError, after which writes are stopped too, eventstore.ErrHeadsMoved
// when somebody else signs, ErrNoKey. While the store does not answer it waits. It is
// called once.
func (s *Seal) Run(ctx context.Context) error {
	err := s.run(ctx)
	if over(ctx, err) {
		return nil
	}
	s.haltIf(err)
	s.set(func() { s.stopped = err })
	return err
}

// over reports whether work ended because it was to end.
func over(ctx context.Context, err error) bool {
	return ctx.Err() != nil || errors.Is(err, eventstore.ErrClosed)
}

func (s *Seal) run(ctx context.Context) error {
	sg := &signer{Seal: s, cosigns: make(chan cosigned), publish: make(chan Head, 1)}
	err := s.patiently(ctx, func(ctx context.Context) error {
		err := sg.start(ctx)
		s.haltIf(err)
		if !passing(err) && !over(ctx, err) {
			close(s.checked) // patiently does not come back here
		}
		s.once.Do(func() { close(s.started) })
		return err
	})
	if err != nil {
		return err
	}
	if !s.cfg.Sign {
		return s.watch(ctx)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	collecting := make(chan struct{})
	go func() {
		defer close(collecting)
		s.collect(ctx, sg.publish, sg.cosigns)
	}()
	defer func() { <-collecting }()
	defer cancel()
	return sg.loop(ctx)
}

// patiently repeats f while the store does not answer, or is not to be written for a
// reason that an operator can put right.
func (s *Seal) patiently(ctx context.Context, f func(context.Context) error) error {
	for said := ""; ; {
		err := f(ctx)
		if !passing(err) {
			if said != "" {
				s.set(func() { s.stopped = nil }) // an error that ends Run is set by it
			}
			return err
		}
		if text := err.Error(); text != said {
			said = text
			s.cfg.Logger.WarnContext(ctx, "heads wait for the store", slog.Any("error", err))
			s.set(func() { s.stopped = err })
		}
		if err := pause(ctx, retryPause); err != nil {
			return err
		}
	}
}

// passing reports whether an error may be over without a restart.
func passing(err error) bool {
	return errors.Is(err, eventstore.ErrUnavailable) || errors.Is(err, eventstore.ErrUndecodable) ||
		errors.Is(err, eventstore.ErrDrift) || errors.Is(err, eventstore.ErrClockBehind)
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// start reads the log's name, keys and last head, and compares the ledger with it.
func (sg *signer) start(ctx context.Context) error {
	agg, err := sg.identify(ctx)
	if err != nil {
		return err
	}
	if sg.cfg.Sign {
		if err := sg.openKeys(); err != nil {
			return err
		}
	}
	if sg.end, err = sg.cfg.Store.HeadsEnd(ctx); err != nil {
		return err
	}
	named := keysOf(KeysOf(agg), sg.Origin())
	if len(KeysOf(agg)) == 0 && !sg.cfg.Sign {
		return nil // whoever signs has not come as far
	}
	last, err := sg.cfg.Store.Head(ctx, eventstore.HeadSigned, 0)
	switch {
	case errors.Is(err, eventstore.ErrNoHead):
	case err != nil:
		return err
	default:
		if err := sg.adopt(ctx, last); err != nil {
			return err
		}
	}
	if now := sg.current(); last.Size < now.from {
		if err := sg.begin(ctx, now, len(named) > 0); err != nil {
			return err
		}
	}
	if len(named) == 0 && sg.cfg.Sign {
		return sg.nameKey(ctx)
	}
	return nil
}

// begin signs the first head of an incarnation. It comes before the event that names
// its key: from then on a ledger that names a key has a head under that name.
func (sg *signer) begin(ctx context.Context, now incarnation, named bool) error {
	switch {
	case named:
		return errHeadsGone()
	case !sg.cfg.Sign:
		return nil // whoever signs has not come as far
	}
	// Under this name nothing is signed over less.
	if err := sg.cfg.Tree.WaitFor(ctx, now.from); err != nil {
		return err
	}
	return sg.signNext(ctx)
}

// identify reads the log's name and keys from the ledger.
func (sg *signer) identify(ctx context.Context) (eventstore.Aggregate, error) {
	agg, err := sg.cfg.Store.Load(ctx, sg.ledgerRef())
	if err != nil {
		return agg, err
	}
	lives, err := incarnationsOf(sg.cfg.Org, agg)
	if err != nil {
		return agg, err
	}
	sg.readAt = time.Now()
	origin := lives[len(lives)-1].origin
	sg.set(func() {
		keys := KeysOf(agg)
		if len(keysOf(keys, origin)) == 0 { // the first one is made, and not named yet
			keys = append(keys, keysOf(sg.keys, origin)...)
		}
		sg.lives, sg.keys = lives, keys
	})
	return agg, nil
}

// openKeys reads the private keys, and makes the first one of a new log.
func (sg *signer) openKeys() error {
	ring, err := OpenKeyring(sg.cfg.Dir)
	if err != nil {
		return err
	}
	sg.ring = ring
	if len(sg.currentKeys()) > 0 {
		return nil
	}
	// A key that a crash kept from being named is used.
	now := sg.current()
	have := ring.Of(now.origin)
	if len(have) == 0 {
		if other := sg.foreign(ring.Origins()); other != "" {
			return &eventstore.MismatchError{Sequence: now.from, Detail: fmt.Sprintf(
				"密钥属于 %s，账本却是 %s：账本被换掉 / the keys are those of %s, the ledger is %s: it is another one",
				other, now.origin, other, now.origin)}
		}
		vkey, err := ring.Make(now.origin)
		if err != nil {
			return err
		}
		have = []string{vkey}
	}
	sg.set(func() { sg.keys = append(sg.keys, Key{Verifier: have[0], From: now.from}) })
	return nil
}

// foreign returns the first of the logs that is none of this ledger's incarnations.
func (sg *signer) foreign(origins []string) string {
	for _, o := range origins {
		if !slices.ContainsFunc(sg.lives, func(in incarnation) bool { return in.origin == o }) {
			return o
		}
	}
	return ""
}

// adopt takes over from the last head there is: it has to be one of this log, and
// the ledger has to be what it says.
func (sg *signer) adopt(ctx context.Context, r eventstore.HeadRecord) error {
	if err := sg.longEnough(r.Size); err != nil {
		return err
	}
	h, err := sg.read(r)
	if err != nil {
		return mismatch(r.Size, err)
	}
	if err := sg.check(ctx, h); err != nil {
		return err
	}
	if sg.cfg.Sign && h.Size >= sg.current().from { // of an earlier incarnation nobody is asked
		_, err := sg.cfg.Store.Head(ctx, eventstore.HeadCosigned, h.Size)
		if errors.Is(err, eventstore.ErrNoHead) {
			sg.present(h)
			return nil
		}
		if err != nil {
			return err
		}
	}
	sg.set(func() { sg.latest = h })
	return nil
}

// nameKey has the ledger name its first key.
func (sg *signer) nameKey(ctx context.Context) error {
	published := &ledger.KeyPublished{Key: sg.currentKeys()[0].Verifier}
	if err := published.Validate(); err != nil {
		return err
	}
	return AppendToLedger(ctx, sg.cfg.Store, LedgerEvent{Org: sg.cfg.Org, By: eventstore.System(), At: sg.cfg.Clock(), Route: "ledger/key", Data: published})
}

// A LedgerEvent is an event of the ledger's own aggregate.
type LedgerEvent struct {
	Org   string
	By    domain.Caller
	At    time.Time
	Route string // names the command
	Data  domain.Payload
	Last  uint64 // unless 0, the end of the ledger it rests on
}

// AppendToLedger appends an event to the ledger's own aggregate, again if another
// one got before it.
func AppendToLedger(ctx context.Context, store *eventstore.Store, e LedgerEvent) error {
	ref := domain.Ref{Kind: domain.KindLedger, ID: e.Org}
	key := ulid.Make()
	for {
		agg, err := store.Load(ctx, ref)
		if err != nil {
			return err
		}
		_, err = store.Append(ctx, eventstore.Append{
			Command: eventstore.Command{ID: eventstore.CommandID(e.By.Person, e.Route, key), Digest: eventstore.Digest([]byte(e.Route))},
			Key:     key, Last: e.Last,
			Writes: []eventstore.Write{{Subject: ref, Head: agg.Head, Events: []domain.Event{{
				Time: e.At.In(calendar.Zone), Actor: e.By.Person, Office: e.By.Office, Authority: e.By.Role, Data: e.Data,
			}}}},
		})
		if !errors.Is(err, eventstore.ErrConflict) || e.Last > 0 {
			return err
		}
	}
}

// loop signs whenever there is something new, and keeps the cosignatures that come.
func (sg *signer) loop(ctx context.Context) error {
	grown := make(chan error, 1)
	await := func(size uint64, after time.Duration) {
		if err := pause(ctx, after); err != nil {
			grown <- err
			return
		}
		grown <- sg.cfg.Tree.WaitFor(ctx, size+1)
	}
	go await(sg.latest.Size, 0)
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case c := <-sg.cosigns:
			if err := sg.patiently(ctx, func(ctx context.Context) error { return sg.keep(ctx, c) }); err != nil {
				return err
			}
		case err := <-grown:
			if err != nil {
				return sg.judge(ctx, sg.latest, err)
			}
			if err := sg.patiently(ctx, sg.signNext); err != nil {
				return err
			}
			go await(sg.latest.Size, sg.cfg.Every)
		}
	}
}

// signable returns how far the tree stands and is acknowledged, and not beyond an odd
// event that nobody accepted: while none has a head over it, a backup can still be
// put back without going behind what was signed.
func (sg *signer) signable() uint64 {
	size := min(uint64(sg.cfg.Tree.Head().N), sg.cfg.Store.Acked())
	var odd *eventstore.EventError
	if errors.As(sg.cfg.Store.Health(), &odd) {
		size = min(size, odd.Sequence-1)
	}
	return size
}

// signNext signs what can be signed, if that is more than the last head has.
func (sg *signer) signNext(ctx context.Context) error {
	size := sg.signable()
	last := sg.latest
	if size <= last.Size {
		return nil
	}
	root, err := sg.cfg.Tree.Root(size)
	if err != nil {
		return fmt.Errorf("root of %d: %w", size, err)
	}
	if err := sg.extends(last, size, root); err != nil {
		return err
	}
	if err := sg.refreshKeys(ctx); err != nil {
		return err
	}
	at := sg.cfg.Clock()
	signers, err := sg.ring.signers(sg.currentKeys(), size, calendar.On(at))
	if err != nil || len(signers) == 0 {
		return err
	}
	h, raw, err := sign(sg.Origin(), size, root, at, signers)
	if err != nil {
		return err
	}
	if h.Seq, err = sg.append(ctx, eventstore.HeadRecord{Kind: eventstore.HeadSigned, Size: size, Data: raw}); err != nil {
		return err
	}
	sg.present(h)
	return nil
}

// present publishes a head and hands it to whoever collects cosignatures, in place of
// one that was not taken up.
func (sg *signer) present(h Head) {
	sg.set(func() { sg.latest, sg.open[h.Size] = h, true })
	select {
	case missed := <-sg.publish:
		sg.settle(missed.Size)
	default:
	}
	sg.publish <- h
}

// extends makes sure that the tree is still the one the last head was signed over.
func (sg *signer) extends(last Head, size uint64, root tlog.Hash) error {
	if last.Size == 0 {
		return nil
	}
	proof, err := sg.cfg.Tree.Consistency(last.Size, size)
	if err != nil {
		return fmt.Errorf("prove %d to extend %d: %w", size, last.Size, err)
	}
	if err := tlog.CheckTree(proof, int64(size), root, int64(last.Size), last.Root); err != nil {
		return &eventstore.MismatchError{Size: last.Size, Detail: "Merkle 树不再是上一个树头的延续 / the tree does not extend the last head"}
	}
	return nil
}

// refreshKeys looks now and then whether the keys were rotated by another process.
func (sg *signer) refreshKeys(ctx context.Context) error {
	if time.Since(sg.readAt) < rereadKeys {
		return nil
	}
	before := sg.Keys()
	if _, err := sg.identify(ctx); err != nil || slices.Equal(before, sg.Keys()) {
		return err
	}
	ring, err := OpenKeyring(sg.cfg.Dir)
	if err != nil {
		return err
	}
	sg.ring = ring
	return nil
}

// append appends a record behind the end this signer knows. A record that is there
// already, because its acknowledgement was lost, is taken for appended; any other
// record there means that somebody else signs.
func (sg *signer) append(ctx context.Context, r eventstore.HeadRecord) (uint64, error) {
	for {
		seq, err := sg.cfg.Store.AppendHead(ctx, r, sg.end)
		switch {
		case err == nil:
			sg.end = seq
			sg.set(func() { sg.stopped = nil })
			return seq, nil
		case errors.Is(err, eventstore.ErrHeadsMoved):
			seq, found := sg.find(ctx, r)
			if !found {
				return 0, err
			}
			sg.end = seq
			return seq, nil
		case errors.Is(err, eventstore.ErrInvalidAppend), errors.Is(err, eventstore.ErrClosed):
			return 0, err
		}
		// Not now, because the ledger may not be written or does not answer; unknown
		// then whether it was appended. The same bytes are tried again: signing anew
		// could make two records of one size.
		sg.set(func() { sg.stopped = err })
		if err := pause(ctx, retryPause); err != nil {
			return 0, err
		}
	}
}

// find looks whether r is the one record behind the end this signer knows.
func (sg *signer) find(ctx context.Context, r eventstore.HeadRecord) (uint64, bool) {
	end, err := sg.cfg.Store.HeadsEnd(ctx)
	if err != nil || end != sg.end+1 {
		return 0, false
	}
	have, err := sg.cfg.Store.Head(ctx, r.Kind, r.Size)
	return end, err == nil && have.Seq == end && bytes.Equal(have.Data, r.Data)
}

// watch compares, on a node that does not sign, every new head with the tree.
func (s *Seal) watch(ctx context.Context) error {
	sg := &signer{Seal: s}
	for {
		if err := pause(ctx, max(s.cfg.Every, retryPause)); err != nil {
			return err
		}
		if err := s.patiently(ctx, sg.look); err != nil {
			return err
		}
	}
}

// look takes up the last head if it is a new one.
func (sg *signer) look(ctx context.Context) error {
	r, err := sg.cfg.Store.Head(ctx, eventstore.HeadSigned, 0)
	if errors.Is(err, eventstore.ErrNoHead) || err == nil && r.Seq == sg.latest.Seq {
		return nil
	}
	if err != nil {
		return err
	}
	if _, err := sg.identify(ctx); err != nil {
		return err
	}
	if len(sg.Keys()) == 0 {
		return nil
	}
	h, err := sg.read(r)
	if err != nil {
		return mismatch(r.Size, err)
	}
	if err := sg.cfg.Tree.WaitFor(ctx, h.Size); err != nil {
		return sg.judge(ctx, h, err)
	}
	if err := sg.compare(ctx, h, h.Size, h.Size); err != nil {
		return err
	}
	sg.set(func() { sg.latest = h })
	return nil
}
