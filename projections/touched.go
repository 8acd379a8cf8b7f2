package projections

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/ncruces/go-sqlite3"

	"duban/domain"
)

// A touched is the aggregates whose rows differ between a source and a cut.
type touched struct {
	refs     map[domain.Ref]uint64 // events to fold, 0: none
	events   uint64                // in all
	settings bool                  // years or rules are among them
	budget   int64
}

// add notes an aggregate with the number of its events up to the cut.
func (t *touched) add(ref domain.Ref, events uint64) error {
	if _, ok := registerFor(ref.Kind); !ok {
		return nil
	}
	before, known := t.refs[ref]
	if !known {
		t.budget -= costMend
	}
	t.refs[ref] = events
	t.events += events - before
	t.settings = t.settings || ref.Kind == domain.KindCalendar || ref.Kind == domain.KindPolicy
	if t.budget -= int64(events) - int64(before); t.budget < 0 {
		return errDear
	}
	return nil
}

// between adds what has events between a position and a cut.
func (t *touched) between(ctx context.Context, trail *conn, position, seq uint64) error {
	low, high := min(position, seq), max(position, seq)
	return t.each(ctx, trail, "SELECT kind, id, version FROM trail WHERE seq>? AND seq<=? ORDER BY seq", []any{low, high}, func(ref domain.Ref, version uint64) error {
		if seq > position {
			return t.add(ref, version) // its last event before the cut
		}
		if _, ok := t.refs[ref]; ok {
			return nil
		}
		return t.add(ref, version-1) // its first one behind the cut
	})
}

// after adds what is another thing once only that counts which had happened by the
// cut's day: with an event of a later time, with a correction, which may move one,
// or with an event that does not count and is not seen at such a cut.
func (t *touched) after(ctx context.Context, trail *conn, k cut) error {
	end := micro(k.date.End())
	more := func(ref domain.Ref, version uint64) error { return t.add(ref, max(version, t.refs[ref])) }
	if err := t.each(ctx, trail, "SELECT kind, id, version FROM trail WHERE seq<=? AND (time>? OR effect<>?)", []any{k.seq, end, int(effectFull)}, more); err != nil {
		return err
	}
	return t.each(ctx, trail, "SELECT kind, id, version FROM trail WHERE seq IN (SELECT seq FROM correction) AND seq<=?", []any{k.seq}, more)
}

func (t *touched) each(ctx context.Context, trail *conn, sql string, args []any, row func(domain.Ref, uint64) error) error {
	err := trail.each(sql, args, func(s *sqlite3.Stmt) error {
		return row(domain.Ref{Kind: domain.Kind(s.ColumnInt(0)), ID: s.ColumnText(1)}, uint64(s.ColumnInt64(2)))
	})
	if err != nil && !errors.Is(err, errDear) {
		return fmt.Errorf("look for what changed: %w", err)
	}
	return errors.Join(err, ctx.Err())
}

// of returns the aggregates of a kind, ids rising.
func (t *touched) of(kind domain.Kind) []domain.Ref {
	var out []domain.Ref
	for ref := range t.refs {
		if ref.Kind == kind {
			out = append(out, ref)
		}
	}
	slices.SortFunc(out, func(a, b domain.Ref) int { return cmp.Compare(a.ID, b.ID) })
	return out
}
