package projections

import (
	"errors"
	"fmt"

	"duban/domain"
	"duban/eventstore"
)

// insertTrail writes the trail's row of a record. It binds by itself what run would
// box one by one: there is one row for every event.
func (c *conn) insertTrail(r eventstore.Record, eventType string, occurred, recorded, known int64) error {
	s, err := c.prepare(`INSERT INTO trail(seq, kind, id, version, type, time, recorded, known, event, actor, office, authority, effect, raw)
		VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`)
	if err != nil {
		return err
	}
	raw := r.Raw
	if raw == nil { // which would be NULL
		raw = []byte{}
	}
	var text [128]byte
	actor := appendRef(text[:0], r.Actor)
	office := appendRef(actor[len(actor):], r.Office)
	if err := errors.Join(
		s.BindInt64(1, int64(r.Seq)), s.BindInt64(2, int64(r.Subject.Kind)), s.BindText(3, r.Subject.ID), s.BindInt64(4, int64(r.Version)),
		s.BindText(5, eventType), s.BindInt64(6, occurred), s.BindInt64(7, recorded), s.BindInt64(8, known), s.BindText(9, r.ID),
		s.BindRawText(10, actor), s.BindRawText(11, office),
		s.BindInt64(12, int64(r.Authority)), s.BindInt64(13, int64(effectOf(r))), s.BindBlob(14, raw),
	); err != nil {
		return fmt.Errorf("bind the trail's row: %w", err)
	}
	if err := s.Exec(); err != nil {
		return fmt.Errorf("insert into the trail: %w", err)
	}
	return nil
}

// appendRef appends what String returns.
func appendRef(b []byte, r domain.Ref) []byte {
	if r.IsZero() {
		return b
	}
	b = append(b, r.Kind.String()...)
	b = append(b, '/')
	return append(b, r.ID...)
}
