package projections

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/ncruces/go-sqlite3"

	"duban/domain"
	"duban/domain/calendar"
)

// AsOf says as of when a question is asked.
type AsOf struct {
	Known     uint64        // the ledger as it stood at this sequence; 0: now
	Effective calendar.Date // of that, what had happened by the end of this day; none: all of it
}

// Nothing is the Known of a time before the first event: a ledger that knew
// nothing yet.
const Nothing uint64 = math.MaxUint64

// ResolveKnown returns the sequence a known_at means: a sequence itself, an RFC 3339
// time, or a date, which stands for its end in Asia/Shanghai. For a time T it is
// the end of the longest prefix of the ledger whose recordedtimes are all ≤ T,
// Nothing if that is empty. Other texts, and sequences the read model has not
// reached, are a *QueryError.
func (m *Model) ResolveKnown(ctx context.Context, s string) (uint64, error) {
	if seq, err := strconv.ParseUint(s, 10, 63); err == nil {
		if position := m.Position(); seq == 0 || seq > position {
			return 0, badQuery("known_at", fmt.Sprintf("序号 %d 不在 1 至 %d 之间", seq, position),
				fmt.Sprintf("sequence %d is not between 1 and %d", seq, position))
		}
		return seq, nil
	}
	t, err := parseKnown(s)
	if err != nil {
		return 0, err
	}
	var seq uint64
	err = m.read(ctx, func(c *conn) error {
		seq, err = knownBy(c, micro(t))
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("resolve known_at %s: %w", s, err)
	}
	if seq == 0 {
		return Nothing, nil
	}
	return seq, nil
}

func parseKnown(s string) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339, s); err == nil && t.Year() >= 1 && t.Year() < 10_000 {
		return t, nil
	}
	if d, err := calendar.ParseDate(s); err == nil {
		return d.End(), nil
	}
	return time.Time{}, badQuery("known_at", "应为流序号、RFC 3339 时间（2019-07-01T09:00:00+08:00）或日期（2019-07-01）",
		"write a sequence, an RFC 3339 time (2019-07-01T09:00:00+08:00) or a date (2019-07-01)")
}

// knownBy returns the last sequence before the first one recorded after t. The
// column known never falls, so the place is found by halving.
func knownBy(c *conn, t int64) (uint64, error) {
	h, err := headOf(c)
	if err != nil {
		return 0, err
	}
	if h.known <= t {
		return h.position, nil
	}
	low, high := uint64(0), h.position // known(low) ≤ t < known(high)
	for high-low > 1 {
		mid := low + (high-low)/2
		known, err := c.number("SELECT known FROM trail WHERE seq=?", mid)
		if err != nil {
			return 0, err
		}
		if known <= t {
			low = mid
		} else {
			high = mid
		}
	}
	return low, nil
}

// A head says what a database stands for.
type head struct {
	position uint64
	known    int64 // latest recordedtime, microseconds
	sample   bool
	roster   uint64 // position at which the roster last changed
}

func headOf(c *conn) (h head, err error) {
	found, err := c.one("SELECT position, known, sample, roster FROM meta", nil, func(s *sqlite3.Stmt) {
		h = head{uint64(s.ColumnInt64(0)), s.ColumnInt64(1), s.ColumnBool(2), uint64(s.ColumnInt64(3))}
	})
	if err == nil && !found {
		err = errors.New("the read model has no position")
	}
	return h, err
}

// A cut is an AsOf with the sequence spelled out.
type cut struct {
	seq  uint64 // 0: nothing
	date calendar.Date
}

// apply returns those of an aggregate's events up to the cut's sequence that count
// at the cut, with corrections applied in place.
func (k cut) apply(events []domain.Event) []domain.Event {
	events = domain.Effective(events)
	if k.date != "" {
		events = domain.HappenedBy(events, k.date.End())
	}
	return events
}

// A View answers queries at one cut. It may be used by many goroutines and is
// closed after use.
type View struct {
	m    *Model
	live bool // now: whatever the position is at each query
	cut  cut

	mu    sync.Mutex
	built *built // the lists at the cut, once one was asked for
	done  bool
	at    uint64 // where the ledger stood for the last answer
}

// Sequence returns where the ledger stood for the view's last answer, 0 before
// the first event.
func (v *View) Sequence() uint64 {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.at
}

// stand notes where the ledger stands for an answer: at the cut, or where the
// read transaction is.
func (v *View) stand(c *conn) (cut, error) {
	k := v.cut
	if v.live {
		h, err := headOf(c)
		if err != nil {
			return k, err
		}
		k.seq = h.position
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.at = k.seq
	return k, nil
}

// At returns the view as of a cut. A cut beyond the read model's position is a
// *QueryError. Nothing is computed before a query asks for it.
func (m *Model) At(_ context.Context, as AsOf) (*View, error) {
	if as == (AsOf{}) {
		return &View{m: m, live: true}, nil
	}
	k, err := m.cutOf(as)
	if err != nil {
		return nil, err
	}
	return &View{m: m, cut: k}, nil
}

func (m *Model) cutOf(as AsOf) (cut, error) {
	position := m.Position()
	k := cut{seq: as.Known, date: as.Effective}
	switch {
	case as.Known == Nothing:
		k.seq = 0
	case as.Known == 0:
		k.seq = position
	case as.Known > position:
		return cut{}, badQuery("known_at", fmt.Sprintf("序号 %d 超过读模型的位置 %d", as.Known, position),
			fmt.Sprintf("sequence %d is beyond the read model's position %d", as.Known, position))
	}
	if k.date != "" {
		if _, err := calendar.ParseDate(string(k.date)); err != nil {
			return cut{}, &QueryError{Field: "effective_at", Err: err}
		}
	}
	return k, nil
}

// Close lets the view's lists go. Closing twice is harmless.
func (v *View) Close() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.done = true
	if v.built != nil {
		v.m.views.release(v.built)
		v.built = nil
	}
}

// lists runs f on the register's tables as of the cut, in one read transaction.
func (v *View) lists(ctx context.Context, answer func(*conn, *totals) error) error {
	f := func(c *conn, t *totals) error {
		if _, err := v.stand(c); err != nil {
			return err
		}
		return answer(c, t)
	}
	if v.live {
		return v.m.read(ctx, func(c *conn) error { return f(c, &v.m.totals) })
	}
	if v.cut.date == "" {
		// The cut may be where the rows stand just now.
		stands := false
		err := v.m.read(ctx, func(c *conn) error {
			h, err := headOf(c)
			if err != nil || h.position != v.cut.seq {
				return err
			}
			stands = true
			return f(c, &v.m.totals)
		})
		if err != nil || stands {
			return err
		}
	}
	b, err := v.build(ctx)
	if err != nil {
		return err
	}
	return b.readers.read(ctx, func(c *conn) error { return f(c, &b.totals) })
}

func (v *View) build(ctx context.Context) (*built, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.done {
		return nil, ErrClosed
	}
	if v.built == nil {
		b, err := v.m.views.acquire(ctx, v.cut)
		if errors.Is(err, ErrBuilding) {
			return nil, err
		}
		if err != nil {
			return nil, fmt.Errorf("build the view known at %d, effective at %q: %w", v.cut.seq, v.cut.date, err)
		}
		v.built = b
	}
	return v.built, nil
}

// trail runs f on the trail, with the cut spelled out: a live view's is the
// position of the read transaction.
func (v *View) trail(ctx context.Context, f func(*conn, cut) error) error {
	return v.m.read(ctx, func(c *conn) error {
		k, err := v.stand(c)
		if err != nil {
			return err
		}
		return f(c, k)
	})
}

// cutoff describes the cut of an answer.
func (m *Model) cutoff(c *conn, k cut, today calendar.Date) (Cutoff, error) {
	h, err := headOf(c)
	if err != nil {
		return Cutoff{}, err
	}
	out := Cutoff{Sequence: k.seq, Effective: k.date, Today: today, Sample: h.sample || m.cfg.Sample}
	if k.seq > 0 {
		known := h.known
		if k.seq != h.position {
			if known, err = c.number("SELECT known FROM trail WHERE seq=?", k.seq); err != nil {
				return Cutoff{}, err
			}
		}
		t := fromMicro(known)
		out.KnownAt = &t
	}
	return out, nil
}

// cutoff describes the view's cut, from the tables a list is answered from.
func (v *View) cutoff(c *conn, today calendar.Date) (Cutoff, error) {
	k, err := v.stand(c)
	if err != nil {
		return Cutoff{}, err
	}
	return v.m.cutoff(c, k, today)
}

// restrict makes the standing that of the events left at a cut by day: the last
// of them stands for version and time.
func (s *standing) restrict(events []domain.Event) {
	s.unknown = false
	for _, e := range events {
		s.count(e)
		s.see(e.Seq, e.Version, e.RecordedTime)
	}
}

// at folds one aggregate at a cut. It is a *NotFoundError where nothing of it is
// known.
func (m *Model) at(c *conn, ref domain.Ref, k cut) (any, standing, error) {
	reg, ok := registerFor(ref.Kind)
	if !ok {
		return nil, standing{}, &NotFoundError{What: ref.String()}
	}
	events, st, err := history(c, m.cfg.decoder, ref, k.seq)
	if err != nil {
		return nil, st, err
	}
	all := k.apply(events)
	if k.date != "" {
		st.restrict(all)
	}
	if len(all) == 0 {
		return nil, st, &NotFoundError{What: ref.String()}
	}
	return foldInto(reg, all), st, nil
}

// reference reads the id of an aggregate, with or without its kind.
func reference(kind domain.Kind, id string) (domain.Ref, error) {
	id = strings.TrimPrefix(id, kind.String()+"/")
	ref, err := domain.ParseRef(kind.String() + "/" + id)
	if err != nil {
		return domain.Ref{}, &NotFoundError{What: kind.String() + "/" + id}
	}
	return ref, nil
}
