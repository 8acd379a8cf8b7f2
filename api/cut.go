package api

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"duban/domain/calendar"
	"duban/projections"
)

// CutParams say as of when a read is to answer (S(T), known_at,
// effective_at). Every list and record takes them.
type CutParams struct {
	KnownAt     string `query:"known_at" doc:"账本当时所知：流序号、RFC 3339 时间或日期（当日终了）"`
	EffectiveAt string `query:"effective_at" doc:"只计发生日不晚于此日的事件（YYYY-MM-DD）"`
	Today       string `query:"today" doc:"亮灯所依据的日期，缺省为今天"`
	MinSeq      uint64 `query:"min_seq" doc:"等到读模型达到该序号再回答，至多 5 秒"`
}

// errBehind: the read model did not reach the sequence a read named.
var errBehind = errors.New("the read model is behind")

// behindError is errBehind with the sequences.
type behindError struct{ want, have uint64 }

// Is reports whether target is errBehind.
func (e *behindError) Is(target error) bool { return target == errBehind }

func (e *behindError) Error() string {
	return fmt.Sprintf("读模型现为 %d，尚未达到 %d，请核对 min_seq 或稍后重试 / the read model stands at %d and has not reached %d yet: check min_seq, or retry",
		e.have, e.want, e.have, e.want)
}

// maxWait bounds how long a read waits for its min_seq.
const maxWait = 5 * time.Second

// view returns the read models at the cut and the day for the lights: the day
// given, else the day of the cut, else today.
func (s *Server) view(ctx context.Context, p CutParams) (*projections.View, calendar.Date, error) {
	as, today, err := s.asked(ctx, p)
	if err != nil {
		return nil, "", err
	}
	v, err := s.Model.At(ctx, as)
	return v, today, err
}

// pinned is view for an answer that takes several queries: where no cut is asked
// for, it is where the read models stand now.
func (s *Server) pinned(ctx context.Context, p CutParams) (*projections.View, calendar.Date, error) {
	as, today, err := s.asked(ctx, p)
	if err != nil {
		return nil, "", err
	}
	if as.Known == 0 {
		as.Known = s.Model.Position()
	}
	if as.Known == 0 {
		as.Known = projections.Nothing
	}
	v, err := s.Model.At(ctx, as)
	return v, today, err
}

// asked returns the cut that is asked for, once the read models are there.
func (s *Server) asked(ctx context.Context, p CutParams) (projections.AsOf, calendar.Date, error) {
	if err := s.reach(ctx, p.MinSeq); err != nil {
		return projections.AsOf{}, "", err
	}
	s.settle(ctx)
	return s.cut(ctx, p)
}

func (s *Server) cut(ctx context.Context, p CutParams) (projections.AsOf, calendar.Date, error) {
	as := projections.AsOf{}
	today := calendar.On(s.Clock())
	// An offset written +08:00 in an address arrives as a space: forms write spaces so.
	p.KnownAt = strings.ReplaceAll(p.KnownAt, " ", "+")
	if p.KnownAt != "" {
		seq, err := s.Model.ResolveKnown(ctx, p.KnownAt)
		if err != nil {
			return as, "", err
		}
		as.Known = seq
	}
	if p.EffectiveAt != "" {
		d, err := calendar.ParseDate(p.EffectiveAt)
		if err != nil {
			return as, "", &projections.QueryError{Field: "effective_at", Err: err}
		}
		as.Effective = d
	}
	// A question about the past is answered with the lights of that day, unless
	// another is asked for: the day of effective_at, else that of known_at.
	switch {
	case as.Effective != "":
		today = as.Effective
	case p.KnownAt != "":
		day, err := s.dayOf(ctx, p.KnownAt, as.Known)
		if err != nil {
			return as, "", err
		}
		today = min(today, day)
	}
	if p.Today != "" {
		d, err := calendar.ParseDate(p.Today)
		if err != nil {
			return as, "", &projections.QueryError{Field: "today", Err: err}
		}
		today = d
	}
	return as, today, nil
}

// dayOf returns the day a known_at means: the date itself, that of the time, or
// that on which the event at the sequence was recorded.
func (s *Server) dayOf(ctx context.Context, known string, seq uint64) (calendar.Date, error) {
	if d, err := calendar.ParseDate(known); err == nil {
		return d, nil
	}
	if t, err := time.Parse(time.RFC3339, known); err == nil {
		return calendar.On(t), nil
	}
	entries, err := s.Model.Events(ctx, seq-1, 1)
	if err != nil || len(entries) == 0 {
		return calendar.On(s.Clock()), err
	}
	return calendar.On(entries[0].RecordedTime), nil
}

// settleTime bounds how long a read waits for what was acknowledged before it.
const settleTime = 250 * time.Millisecond

// settle lets a read see the writes acknowledged before it, where the read model
// gets there soon. Where it does not, because it has stopped or is being built,
// the read is answered as the model stands, and says at which sequence.
func (s *Server) settle(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, settleTime)
	defer cancel()
	_ = s.Model.Wait(ctx, s.Store.Acked())
}

// reach waits until the read models stand at seq.
func (s *Server) reach(ctx context.Context, seq uint64) error {
	if seq == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, maxWait)
	defer cancel()
	if err := s.Model.Wait(ctx, seq); err != nil {
		if errors.Is(err, context.DeadlineExceeded) {
			return &behindError{want: seq, have: s.Model.Position()}
		}
		return err
	}
	return nil
}
