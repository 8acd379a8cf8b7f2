package api

import (
	"fmt"

	"duban/domain"
	"duban/domain/office"
	"duban/domain/task"
	"duban/eventstore"
	"duban/projections"
)

// handOver gives every open share that a person of an office handles to another
// one, in the transaction that records it. Nothing is recorded between the listing
// and the append, so that no share is left behind.
func (s *Server) handOver(u *unit, c domain.Command, ask *office.HandedOver) error {
	affected, err := s.affected(u, func(v *projections.View) (projections.Affected, error) {
		return v.OfHandler(u.ctx, c.Subject, ask.From)
	})
	if err != nil {
		return err
	}
	if len(affected.Tasks) == 0 {
		return domain.Illegal("office.handed_over.none",
			"该处室没有由 "+ask.From.String()+" 经办的在办分项", ask.From.String()+" handles no open share of the office")
	}
	if n := u.count() + len(affected.Tasks); n > eventstore.MaxEvents {
		return domain.Illegal("office.handed_over.many",
			fmt.Sprintf("涉及 %d 个在办分项，需 %d 个事件，超过一次的 %d 个；请先逐项移交（change-handler）一部分", len(affected.Tasks), n, eventstore.MaxEvents),
			fmt.Sprintf("%d open shares take %d events, more than the %d of one transaction: change-handler on some of them first", len(affected.Tasks), n, eventstore.MaxEvents))
	}
	for _, ref := range affected.Tasks {
		err := decideTasks(u, ref, c.Entry, &task.HandlerChanged{
			Particulars: ask.Particulars, ShareOf: task.ShareOf{Office: c.Subject}, From: ask.From, To: ask.To,
		})
		if err != nil {
			return about(ref, err)
		}
	}
	return nil
}
