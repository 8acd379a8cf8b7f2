package seal

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"duban/domain"
	"duban/eventstore"
)

// ErrQuorum says that the latest head has too few cosignatures.
var ErrQuorum = errors.New("树头缺少策略要求的联署 / the head lacks the cosignatures the policy asks for")

// QuorumError says for which head.
type QuorumError struct {
	Size   uint64
	detail string
}

func (e *QuorumError) Error() string { return e.detail }

// Is reports whether target is ErrQuorum.
func (e *QuorumError) Is(target error) bool { return target == ErrQuorum }

// A cosigned is what was collected on a head.
type cosigned struct {
	size  uint64
	lines string
	at    time.Time
}

// witnessAlarm is what is known of the collecting.
type witnessAlarm struct {
	good   uint64    // size of the last head with its quorum
	since  time.Time // since when heads lack their quorum; zero: they don't
	reason error     // why the latest does
}

// collect asks for cosignatures on each head that is published, on the latest one
// only, until ctx ends. What it has when the quorum is there, or when a newer head
// takes the place, goes to out.
func (s *Seal) collect(ctx context.Context, publish <-chan Head, out chan<- cosigned) {
	c, err := s.newCollector()
	if err != nil {
		s.cfg.Logger.ErrorContext(ctx, "no cosignatures are collected", slog.Any("error", err))
		s.set(func() { s.alarm.since, s.alarm.reason = s.cfg.Clock(), err })
		return
	}
	retry := cmp.Or(s.cfg.Witnessing.Retry, defaultRetry)
	var h Head
	var have map[*witness]string // signature lines by witness; nil: done with h
	for {
		var again <-chan time.Time
		if have != nil {
			again = time.After(retry)
		}
		select {
		case <-ctx.Done():
			return
		case next := <-publish:
			if !s.finish(ctx, h, have, out) {
				return
			}
			h, have = next, map[*witness]string{}
		case <-again:
		}
		c.round(ctx, h, have)
		if ctx.Err() != nil {
			return
		}
		if s.satisfied(ctx, c, h, have) {
			if !s.finish(ctx, h, have, out) {
				return
			}
			have = nil
		}
	}
}

// finish hands over what was collected on a head, which is all there will be.
func (s *Seal) finish(ctx context.Context, h Head, have map[*witness]string, out chan<- cosigned) bool {
	if have == nil {
		return true
	}
	if lines := joined(have); lines != "" {
		select {
		case out <- cosigned{size: h.Size, lines: lines, at: s.cfg.Clock()}:
		case <-ctx.Done():
			return false
		}
	} else {
		s.settle(h.Size)
	}
	return true
}

// settle notes that a head gets no more cosignatures.
func (s *Seal) settle(size uint64) {
	s.set(func() { delete(s.open, size) })
}

// joined puts the lines together in the order of the alphabet, each once, however
// many addresses one witness has.
func joined(have map[*witness]string) string {
	lines := map[string]bool{}
	for _, l := range have {
		for line := range strings.Lines(l) {
			lines[line] = true
		}
	}
	return strings.Join(slices.Sorted(maps.Keys(lines)), "")
}

// round asks all who did not cosign yet, side by side.
func (c *collector) round(ctx context.Context, h Head, have map[*witness]string) {
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(c.cfg.Witnessing.Timeout, defaultCollect))
	defer cancel()
	lines, errs := make([]string, len(c.witnesses)), make([]error, len(c.witnesses))
	var wg sync.WaitGroup
	for i, w := range c.witnesses {
		if have[w] == "" {
			wg.Go(func() { lines[i], errs[i] = c.ask(ctx, w, h) })
		}
	}
	wg.Wait()
	for i, w := range c.witnesses {
		if lines[i] != "" {
			have[w] = lines[i]
		}
	}
	c.failed = errors.Join(errs...)
}

// satisfied reports whether a head has its quorum,
// and raises or ends the alarm.
func (s *Seal) satisfied(ctx context.Context, c *collector, h Head, have map[*witness]string) bool {
	err := s.quorum(h, joined(have))
	if err != nil {
		zh, en := domain.Halves(err.Error())
		err = errors.Join(&QuorumError{h.Size, domain.Both(ErrQuorum.Error(), zh, en)}, c.failed)
	}
	s.mu.Lock()
	was := s.alarm.reason
	s.mu.Unlock()
	switch {
	case err != nil && (was == nil || was.Error() != err.Error()):
		s.cfg.Logger.WarnContext(ctx, "a head lacks its quorum of cosignatures", slog.Uint64("size", h.Size), slog.Any("error", err))
	case err == nil && was != nil:
		s.cfg.Logger.InfoContext(ctx, "heads have their quorum of cosignatures again", slog.Uint64("size", h.Size))
	}
	s.set(func() {
		s.alarm.reason = err
		switch {
		case err == nil:
			s.alarm.good, s.alarm.since = h.Size, time.Time{}
		case s.alarm.since.IsZero():
			s.alarm.since = s.cfg.Clock()
		}
	})
	return err == nil
}

// keep appends what was collected on a head.
func (sg *signer) keep(ctx context.Context, c cosigned) error {
	raw, err := encodeRecord(cosignedRecord{At: c.at.UTC().Truncate(time.Millisecond), Cosignatures: c.lines})
	if err != nil {
		return err
	}
	if _, err = sg.append(ctx, eventstore.HeadRecord{Kind: eventstore.HeadCosigned, Size: c.size, Data: raw}); err != nil {
		return err
	}
	sg.settle(c.size)
	return nil
}
