package light

import (
	"duban/domain/calendar"
	"duban/domain/finding"
	"duban/domain/policy"
)

// OfFinding returns the windows of a finding: it is overdue while the order to put
// it right stands and nothing was reported for it, and then waits for its
// re-inspection. A report ends the first light, however late it came; a failed
// re-inspection does not light it again before there is a new order with a new
// deadline.
func OfFinding(f finding.State, r policy.Rules) []Window {
	switch f.Status {
	case finding.StatusOrdered:
		if f.Deadline.On == "" {
			return nil
		}
		behind := []string{f.Order.Event}
		if f.Deadline.Event != f.Order.Event {
			behind = append(behind, f.Deadline.Event)
		}
		return []Window{{Light: RectificationOverdue, From: f.Deadline.On.AddDays(1), Deadline: f.Deadline.On, Events: behind}}
	case finding.StatusReported:
		report, ok := f.Report()
		if !ok {
			return nil
		}
		return []Window{{Light: ReinspectionDue, From: calendar.On(report.Time).AddDays(r.ReinspectionDays + 1), Events: []string{report.Event}}}
	default:
		return nil
	}
}
