package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"duban/domain"
	"duban/domain/name"
	"duban/domain/office"
	"duban/projections"
)

type officesInput struct {
	CutParams
	PageParams
}

func (s *Server) offices() {
	s.commands(resource{
		kind: domain.KindOffice, plural: "offices", chinese: "处室", acts: office.Acts(), create: "register",
		decide: func(history []domain.Event, c domain.Command) ([]domain.Event, error) {
			if _, ok := c.Ask.(domain.Corrector); ok {
				return office.Correct(history, c)
			}
			return office.Decide(office.Replay(history), c)
		},
		follow: s.followOffice,
	})
	register(s, huma.Operation{Method: http.MethodGet, Path: "/offices", OperationID: "list-offices", Tags: []string{"处室"}, Summary: "处室清单"},
		func(ctx context.Context, in *officesInput) (*body[projections.Page[projections.OfficeView]], error) {
			v, today, err := s.view(ctx, in.CutParams)
			if err != nil {
				return nil, err
			}
			defer v.Close()
			page, err := v.Offices(ctx, projections.OfficeQuery{Q: in.Q, Today: today, Limit: in.Limit, Cursor: in.Cursor})
			return &body[projections.Page[projections.OfficeView]]{Body: page}, err
		})
	register(s, huma.Operation{Method: http.MethodGet, Path: "/offices/{id}", OperationID: "get-office", Tags: []string{"处室"}, Summary: "一个处室"},
		func(ctx context.Context, in *oneInput) (*body[projections.OfficeView], error) {
			v, _, err := s.view(ctx, in.CutParams)
			if err != nil {
				return nil, err
			}
			defer v.Close()
			o, err := v.Office(ctx, in.ID)
			return record(v, o.Version, o), err
		})
	s.historyRoute("offices", "处室", domain.KindOffice)
}

// claimOfficeNames claims and releases what a registration, renaming or correction
// takes and gives up, in the same transaction.
func claimOfficeNames(u *unit, c domain.Command) error {
	history, err := u.history(c.Subject)
	if err != nil {
		return err
	}
	// The event itself was added by this unit; the names depend on the state before it.
	before := office.Replay(history[:len(history)-len(u.added[c.Subject])])
	claim, release := office.Claims(before, c.Ask)
	reason := "更名"
	if _, ok := c.Ask.(domain.Corrector); ok {
		claim, release = office.Corrections(before, office.Replay(history))
		reason = "更正"
	}
	for _, n := range claim {
		if err := claimName(u, c, name.KindOfficeName, n); err != nil {
			return err
		}
	}
	for _, n := range release {
		if err := releaseName(u, c.Entry, name.KindOfficeName, n, reason); err != nil {
			return err
		}
	}
	return nil
}

// claimName claims a name for the command's subject, or says who holds it.
func claimName(u *unit, c domain.Command, kind name.Kind, text string) error {
	ref := name.Ref(kind, text)
	entry := c.Entry
	return u.decide(ref, func(h []domain.Event) ([]domain.Event, error) {
		s := name.Replay(h)
		if entry.Time.Before(s.Released.Time) {
			entry.Time = s.Released.Time
		}
		return name.Decide(s, domain.Command{Entry: entry, Subject: ref, Ask: &name.Claimed{Kind: kind, Name: text, Owner: c.Subject}})
	})
}

func releaseName(u *unit, entry domain.Entry, kind name.Kind, text, reason string) error {
	ref := name.Ref(kind, text)
	return u.decide(ref, func(h []domain.Event) ([]domain.Event, error) {
		s := name.Replay(h)
		if entry.Time.Before(s.Claimed.Time) {
			entry.Time = s.Claimed.Time
		}
		return name.Decide(s, domain.Command{Entry: entry, Subject: ref, Ask: &name.Released{Reason: reason}})
	})
}
