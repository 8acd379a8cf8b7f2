package projections

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"iter"
	"unicode/utf8"

	"github.com/ncruces/go-sqlite3"

	"duban/domain"
	"duban/domain/calendar"
	"duban/eventstore"
)

const trailColumns = "seq, kind, id, version, type, time, recorded, event, actor, office, authority, effect, raw"

// readEntry reads one row of trailColumns.
func readEntry(s *sqlite3.Stmt) TrailEntry {
	raw := s.ColumnBlob(12, nil)
	hash := eventstore.LeafHash(raw)
	e := TrailEntry{
		Sequence: uint64(s.ColumnInt64(0)), Version: uint64(s.ColumnInt64(3)), Type: s.ColumnText(4),
		Time: fromMicro(s.ColumnInt64(5)).In(calendar.Zone), RecordedTime: fromMicro(s.ColumnInt64(6)),
		ID: s.ColumnText(7), Actor: s.ColumnText(8), Office: s.ColumnText(9),
		LeafHash: hex.EncodeToString(hash[:]),
		Voided:   effect(s.ColumnInt(11)) == effectVoided, Undecodable: effect(s.ColumnInt(11)) == effectOdd,
	}
	if kind := domain.Kind(s.ColumnInt(1)); kind != 0 {
		e.Subject = domain.Ref{Kind: kind, ID: s.ColumnText(2)}.String()
	}
	if role := domain.Role(s.ColumnInt(10)); role != 0 {
		e.Authority = "role/" + role.String()
	}
	e.Late = calendar.On(e.Time) < calendar.On(e.RecordedTime)
	if utf8.Valid(raw) && json.Valid(raw) { // Valid lets any bytes stand in texts
		e.Raw, e.Event = string(raw), raw
	} else {
		e.RawBase64, e.Event = base64.StdEncoding.EncodeToString(raw), json.RawMessage("null")
	}
	return e
}

// addCorrections fills CorrectedBy with the corrections known at a sequence.
func addCorrections(c *conn, entries []TrailEntry, upTo uint64) error {
	if len(entries) == 0 {
		return nil
	}
	if any, err := c.number("SELECT EXISTS(SELECT 1 FROM correction)"); err != nil || any == 0 {
		return err
	}
	for i := range entries {
		err := c.each("SELECT t.event FROM correction k JOIN trail t ON t.seq=k.seq WHERE k.target=? AND k.seq<=? AND t.kind=? AND t.id=? ORDER BY k.seq",
			correctionArgs(entries[i], upTo), func(s *sqlite3.Stmt) error {
				entries[i].CorrectedBy = append(entries[i].CorrectedBy, s.ColumnText(0))
				return nil
			})
		if err != nil {
			return err
		}
	}
	return nil
}

// correctionArgs: a correction is one of the same aggregate.
func correctionArgs(e TrailEntry, upTo uint64) []any {
	ref, err := domain.ParseRef(e.Subject)
	if err != nil {
		ref = domain.Ref{} // unreadable: corrected by nothing
	}
	return []any{e.ID, upTo, int(ref.Kind), ref.ID}
}

// History is View.History as of a cut.
func (m *Model) History(ctx context.Context, ref domain.Ref, as AsOf) ([]TrailEntry, error) {
	v, err := m.At(ctx, as)
	if err != nil {
		return nil, err
	}
	defer v.Close()
	return v.History(ctx, ref)
}

// History returns every event of one aggregate known at the cut, in order, as it
// was stored: voided and corrected ones too. With an effective day it leaves out
// what happened later, by the corrected time where that was corrected. It is a
// *NotFoundError where nothing of the aggregate is known.
func (v *View) History(ctx context.Context, ref domain.Ref) (entries []TrailEntry, err error) {
	err = v.trail(ctx, func(c *conn, k cut) error {
		entries = nil
		if err := c.each("SELECT "+trailColumns+" FROM trail WHERE kind=? AND id=? AND seq<=? ORDER BY seq",
			[]any{int(ref.Kind), ref.ID, k.seq}, func(s *sqlite3.Stmt) error {
				entries = append(entries, readEntry(s))
				return nil
			}); err != nil {
			return err
		}
		if k.date != "" {
			if entries, err = v.m.happened(entries, k); err != nil {
				return err
			}
		}
		return addCorrections(c, entries, k.seq)
	})
	if err != nil {
		return nil, fmt.Errorf("history of %s: %w", ref, err)
	}
	if len(entries) == 0 {
		return nil, &NotFoundError{What: ref.String()}
	}
	return entries, nil
}

// happened leaves out what happened after the cut's day.
func (m *Model) happened(entries []TrailEntry, k cut) ([]TrailEntry, error) {
	var events []domain.Event
	later := map[uint64]bool{} // by sequence
	for _, e := range entries {
		later[e.Sequence] = e.Time.After(k.date.End())
		if e.Voided || e.Undecodable {
			continue
		}
		r, err := m.cfg.decoder.Decode(e.Sequence, e.Event)
		if err != nil {
			return nil, err
		}
		events = append(events, r.Event)
	}
	for _, e := range domain.Effective(events) {
		later[e.Seq] = e.Corrects() == nil && e.Time.After(k.date.End())
	}
	var out []TrailEntry
	for _, e := range entries {
		if !later[e.Sequence] {
			out = append(out, e)
		}
	}
	return out, nil
}

// An EventFilter narrows a reading of the trail. Empty fields let everything
// through.
type EventFilter struct {
	Kind   string // of the aggregate: task, finding, …
	Type   string // duban.task.assigned.v1
	Actor  string // person/…
	Office string // office/…
	Holds  string // a stretch of its stored bytes

	Withdrawing bool // those that withdraw evidence
}

// maxEvents bounds one reading of the trail.
const maxEvents = 1000

// Events returns up to limit (1 to 1000) events after a sequence, in the order of
// the stream, of those all filters let through.
func (m *Model) Events(ctx context.Context, after uint64, limit int, filters ...EventFilter) ([]TrailEntry, error) {
	entries := []TrailEntry{}
	if limit < 1 || limit > maxEvents {
		return nil, badQuery("limit", "应在 1 至 1000 之间", "between 1 and 1000")
	}
	if after > 1<<62 {
		return entries, nil
	}
	from, where, args := "trail NOT INDEXED", "seq>?", []any{after}
	for _, f := range filters {
		if f.Kind != "" {
			k, err := domain.ParseKind(f.Kind)
			if err != nil {
				return nil, &QueryError{Field: "kind", Err: err}
			}
			where, args = where+" AND kind=?", append(args, int(k))
		}
		for _, p := range []struct{ column, value string }{{"type", f.Type}, {"actor", f.Actor}, {"office", f.Office}} {
			if p.value != "" {
				where, args = where+" AND "+p.column+"=?", append(args, p.value)
			}
		}
		if f.Withdrawing {
			from, where = "trail INDEXED BY trail_withdrawing", where+" AND "+withdrawing
		}
		if f.Holds != "" {
			where, args = where+" AND instr(raw, ?)>0", append(args, []byte(f.Holds))
		}
	}
	err := m.read(ctx, func(c *conn) error {
		entries = entries[:0]
		if err := c.each("SELECT "+trailColumns+" FROM "+from+" WHERE "+where+" ORDER BY seq LIMIT ?", append(args, limit), func(s *sqlite3.Stmt) error {
			entries = append(entries, readEntry(s))
			return nil
		}); err != nil {
			return err
		}
		h, err := headOf(c)
		if err != nil {
			return err
		}
		return addCorrections(c, entries, h.position)
	})
	if err != nil {
		return nil, fmt.Errorf("read events after %d: %w", after, err)
	}
	return entries, nil
}

// eventsChunk is how many events an iteration holds in memory, each at most 64 KiB.
const eventsChunk = 100

// AllEvents iterates over the events after a sequence up to where the model stands
// at the start, in constant memory and without holding a read transaction. An
// error ends the iteration.
func (m *Model) AllEvents(ctx context.Context, after uint64, filters ...EventFilter) iter.Seq2[TrailEntry, error] {
	return func(yield func(TrailEntry, error) bool) {
		end := m.Position()
		for after < end {
			entries, err := m.Events(ctx, after, eventsChunk, filters...)
			if err != nil {
				yield(TrailEntry{}, err)
				return
			}
			for _, e := range entries {
				if e.Sequence > end || !yield(e, nil) {
					return
				}
				after = e.Sequence
			}
			if len(entries) < eventsChunk {
				return
			}
		}
	}
}
