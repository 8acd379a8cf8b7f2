package api

import (
	"context"
	"fmt"
	"slices"

	"duban/domain"
	"duban/projections"
)

// checkAmended holds what a correction leaves of an event to what was asked of
// it when it was entered: the records it names are there, and evidence it did
// not name before is stored. It runs after the decision, which has seen that
// the changes fit.
func (s *Server) checkAmended(u *unit, target domain.Ref, ask domain.Payload) error {
	c, ok := ask.(domain.Corrector)
	if !ok || c.Correct().Mode != domain.ModeAmend {
		return nil
	}
	history, err := u.history(target)
	if err != nil {
		return err
	}
	before := standing(history[:len(history)-len(u.added[target])], c.Correct().Target)
	after := standing(history, c.Correct().Target)
	if before == nil || after == nil {
		return nil // a correction that took itself out; the decision refuses it
	}
	if err := s.checkRefs(u, after); err != nil {
		return err
	}
	named := evidenceOf(before)
	for _, e := range evidenceOf(after) {
		if slices.Contains(named, e) {
			continue
		}
		stored := e
		if err := s.fillEvidence(u.ctx, &stored); err != nil {
			return err
		}
		if e.Size != 0 && e.Size != stored.Size {
			return domain.Invalid("evidence.size", "changes",
				fmt.Sprintf("证据 %s 为 %d 字节，不是 %d", e.SHA256, stored.Size, e.Size),
				fmt.Sprintf("the evidence %s has %d bytes, not %d", e.SHA256, stored.Size, e.Size))
		}
	}
	return nil
}

// standing returns what an event says once the history's corrections are
// applied, nil if it does not stand.
func standing(history []domain.Event, id string) domain.Payload {
	effective := domain.Effective(history)
	i := slices.IndexFunc(effective, func(e domain.Event) bool { return e.ID == id })
	if i < 0 {
		return nil
	}
	return effective[i].Data
}

// evidenceOf returns the evidence an event names, its approval's too.
func evidenceOf(p domain.Payload) []domain.Evidence {
	c := p.Circumstances()
	if c.Approval == nil {
		return c.Evidence
	}
	return slices.Concat(c.Evidence, c.Approval.Evidence)
}

// checkWithdrawal keeps an office from removing the bytes that other records
// rest on: the same file may be evidence in a finding or in another office's
// report. The record itself has seen that the caller entered it there.
func (s *Server) checkWithdrawal(ctx context.Context, by domain.Caller, target domain.Ref, ask domain.Payload) error {
	w, ok := ask.(interface{ Withdraws() string })
	if !ok || by.Role == domain.RoleSafetyOffice {
		return nil
	}
	if err := s.reach(ctx, s.Store.Acked()); err != nil {
		return err
	}
	for e, err := range s.Model.AllEvents(ctx, 0, projections.EventFilter{Holds: namesEvidence(w.Withdraws())}) {
		if err != nil {
			return fmt.Errorf("look who names %s: %w", w.Withdraws(), err)
		}
		if e.Subject != target.String() && e.Actor != by.Person.String() && !e.Voided {
			return domain.Forbidden("evidence.shared",
				"他人在 "+e.Subject+" 也以这份材料为证据，须由安委会办公室撤回",
				"somebody else names this evidence in "+e.Subject+": the safety office withdraws it")
		}
	}
	return nil
}
