package eventstore

import (
	"context"
	"errors"
	"fmt"

	"github.com/oklog/ulid/v2"

	"duban/domain"
	"duban/domain/calendar"
	"duban/domain/ledger"
)

// system is who stands in the events the server records by itself.
var system = domain.Ref{Kind: domain.KindPerson, ID: "system"}

// System is who the server acts as where nobody asked it to.
func System() domain.Caller { return domain.Caller{Person: system, Role: domain.RoleSystem} }

// ledgerRef is the aggregate of what the ledger says about itself.
func (s *Store) ledgerRef() domain.Ref { return domain.Ref{Kind: domain.KindLedger, ID: s.cfg.Org} }

// openTries bounds how often ledger.opened is tried again when other nodes open
// the same ledger at the same moment.
const openTries = 10

// open appends ledger.opened and waits until it is on disk: the proof that
// writing works, and a mark of which software wrote what follows.
func (c *committer) open(ctx context.Context) error {
	sess, err := c.s.session(ctx)
	if err != nil {
		return err
	}
	info, err := c.s.info(ctx, sess.write)
	if err != nil {
		return err
	}
	opened := &ledger.Opened{Software: c.s.cfg.Software, ConfigDigest: configDigest(info), Sample: c.s.cfg.Sample}
	for range openTries {
		var r *request
		if r, err = c.s.openedRequest(ctx, opened); err != nil {
			return err
		}
		if unknown, cause := c.commit(ctx, []*request{r}); len(unknown) > 0 {
			return fmt.Errorf("append ledger.opened: no definite answer: %w", cause)
		}
		if err = (<-r.done).err; err == nil {
			c.opened = true
			return nil
		}
		if !errors.Is(err, ErrConflict) {
			return fmt.Errorf("append ledger.opened: %w", err)
		}
	}
	return fmt.Errorf("append ledger.opened: %w", err)
}

func (s *Store) openedRequest(ctx context.Context, opened *ledger.Opened) (*request, error) {
	subject, err := s.subject(s.ledgerRef())
	if err != nil {
		return nil, err
	}
	s.heads.remove(s.ledgerRef())
	head, err := s.readHead(ctx, s.ledgerRef(), subject)
	if err != nil {
		return nil, err
	}
	data, err := encodeData(opened)
	if err != nil {
		return nil, err
	}
	now := s.cfg.Clock()
	key := ulid.MustNew(ulid.Timestamp(now), ulid.DefaultEntropy())
	return s.prepare(Append{
		Command: Command{ID: CommandID(system, "ledger/opened", key), Digest: Digest(data)},
		Key:     key,
		Writes: []Write{{Subject: s.ledgerRef(), Head: head, Events: []domain.Event{{
			Time: now.In(calendar.Zone), Actor: system, Authority: domain.RoleSystem, Data: opened,
		}}}},
	})
}
