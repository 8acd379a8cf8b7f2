package api

import (
	"context"
	"fmt"

	"github.com/oklog/ulid/v2"

	"duban/domain"
	"duban/domain/name"
	"duban/domain/office"
	"duban/eventstore"
)

// Operator is the person the first token stands for, until the safety office has
// made tokens for its people.
const Operator = "operator"

// Bootstrap makes the first token of a ledger that has none: the operator's, who
// acts for the safety office. The office is registered under officeName if the
// name is free. It returns "" if there are credentials already. A crash between
// its steps is made good by calling it again: keep is given the token before the
// ledger knows it, so that none is in force that nobody has.
func (s *Server) Bootstrap(ctx context.Context, officeName string, keep func(token string) error) (token string, err error) {
	creds, err := s.Store.Credentials(ctx)
	if err != nil {
		return "", fmt.Errorf("look for credentials: %w", err)
	}
	if len(creds) > 0 {
		return "", nil
	}
	person, err := domain.Person(Operator)
	if err != nil {
		return "", err
	}
	ref, err := s.safetyOffice(ctx, person, officeName)
	if err != nil {
		return "", fmt.Errorf("register the safety office: %w", err)
	}
	token = NewToken()
	if err := keep(token); err != nil {
		return "", fmt.Errorf("keep the operator's token: %w", err)
	}
	cred := eventstore.Credential{Person: person, Office: ref, Role: domain.RoleSafetyOffice, Created: s.Clock(), Note: "first start"}
	if err := s.Store.PutCredential(ctx, TokenDigest(token), cred); err != nil {
		return "", fmt.Errorf("store the operator's token: %w", err)
	}
	return token, nil
}

func (s *Server) safetyOffice(ctx context.Context, person domain.Ref, officeName string) (domain.Ref, error) {
	held, err := s.Store.History(ctx, name.Ref(name.KindOfficeName, officeName))
	if err != nil {
		return domain.Ref{}, err
	}
	if n := domain.Fold(held.Events, name.Evolve); n.Held() {
		return n.Owner, nil
	}
	now := s.Clock()
	key, err := ulid.New(ulid.Timestamp(now), ulid.DefaultEntropy())
	if err != nil {
		return domain.Ref{}, err
	}
	c := call{now: now, key: key, command: eventstore.Command{
		ID: eventstore.CommandID(person, "bootstrap", key), Digest: eventstore.Digest([]byte(officeName)),
	}}
	ref := domain.Ref{Kind: domain.KindOffice, ID: c.newID(0)}
	c.caller = domain.Caller{Person: person, Office: ref, Role: domain.RoleSafetyOffice}
	cmd := domain.Command{Entry: c.entry(now), Subject: ref, Ask: &office.Registered{Name: officeName, Type: office.TypeOffice}}
	_, err = s.execute(ctx, c, ref, func(u *unit) error {
		err := u.decide(ref, func(h []domain.Event) ([]domain.Event, error) {
			return office.Decide(office.Replay(h), cmd)
		})
		if err != nil {
			return err
		}
		return claimOfficeNames(u, cmd)
	})
	return ref, err
}
