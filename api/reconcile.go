package api

import (
	"context"
	"encoding/json"
	"fmt"

	"duban/domain/finding"
	"duban/domain/task"
	"duban/projections"
)

// ReconcileEvidence removes the bytes of withdrawn evidence that a crash between
// the withdrawal's event and the removal left behind. It runs at every start,
// once the read models have caught up with the ledger.
func (s *Server) ReconcileEvidence(ctx context.Context) error {
	if err := s.Model.Wait(ctx, s.Store.Acked()); err != nil {
		return fmt.Errorf("bring the read models up: %w", err)
	}
	types := []string{(*task.EvidenceWithdrawn)(nil).EventType(), (*finding.EvidenceWithdrawn)(nil).EventType()}
	for _, t := range types {
		for e, err := range s.Model.AllEvents(ctx, 0, projections.EventFilter{Type: t}) {
			if err != nil {
				return fmt.Errorf("look for withdrawn evidence: %w", err)
			}
			var event struct {
				Data struct {
					SHA256 string `json:"sha256"`
				} `json:"data"`
			}
			if err := json.Unmarshal([]byte(e.Raw), &event); err != nil {
				return fmt.Errorf("read event %d: %w", e.Sequence, err)
			}
			if err := s.Store.WithdrawEvidence(ctx, event.Data.SHA256); err != nil {
				return fmt.Errorf("remove withdrawn evidence %s: %w", event.Data.SHA256, err)
			}
		}
	}
	return nil
}
