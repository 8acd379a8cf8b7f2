package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"duban/domain/finding"
	"duban/domain/task"
	"duban/eventstore"
	"duban/projections"
)

// ReconcileEvidence removes the bytes of withdrawn evidence that a crash between
// the withdrawal's event and the removal left behind. It runs at every start,
// once the read models have caught up with the ledger.
func (s *Server) ReconcileEvidence(ctx context.Context) error {
	if err := s.Model.Wait(ctx, s.Store.Acked()); err != nil {
		return fmt.Errorf("bring the read models up: %w", err)
	}
	for e, err := range s.Model.AllEvents(ctx, 0, projections.EventFilter{Withdrawing: true}) {
		if err != nil {
			return fmt.Errorf("look for withdrawn evidence: %w", err)
		}
		known := e.Type == (*task.EvidenceWithdrawn)(nil).EventType() || e.Type == (*finding.EvidenceWithdrawn)(nil).EventType()
		if e.Voided || e.Undecodable || !known {
			continue // without effect, or newer software's affair
		}
		var event struct {
			Data struct {
				SHA256 string `json:"sha256"`
			} `json:"data"`
		}
		if err := json.Unmarshal([]byte(e.Raw), &event); err != nil {
			return fmt.Errorf("read event %d: %w", e.Sequence, err)
		}
		if err := s.withdraw(ctx, event.Data.SHA256, e.Sequence); err != nil {
			return fmt.Errorf("remove withdrawn evidence %s: %w", event.Data.SHA256, err)
		}
	}
	return nil
}

// withdraw removes the bytes that the event at seq withdrew. They stay if they
// were uploaded and named anew since: a file attached to the wrong task is
// withdrawn there and belongs to the right one.
func (s *Server) withdraw(ctx context.Context, sum string, seq uint64) error {
	if _, err := s.Store.StatEvidence(ctx, sum); errors.Is(err, eventstore.ErrEvidenceWithdrawn) || errors.Is(err, eventstore.ErrNoEvidence) {
		return nil
	}
	for e, err := range s.Model.AllEvents(ctx, seq, projections.EventFilter{Holds: namesEvidence(sum)}) {
		if err != nil {
			return fmt.Errorf("look who names %s: %w", sum, err)
		}
		if !strings.HasSuffix(e.Type, ".evidence_withdrawn.v1") {
			return nil
		}
	}
	return s.Store.WithdrawEvidence(ctx, sum)
}

// namesEvidence is how the stored bytes of an event name a piece of evidence.
func namesEvidence(sum string) string { return `"sha256":"` + sum + `"` }
