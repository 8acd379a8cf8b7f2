package forms

import (
	"bytes"
	"encoding/json"
	"slices"

	"duban/api/workbook"
	"duban/domain"
	"duban/domain/calendar"
	"duban/domain/finding"
	"duban/domain/task"
)

// Since returns what a record's history holds after a row's version that changes
// what the row shows.
func Since(k workbook.Key, history []domain.Event) []domain.Event {
	shows := showsOfFinding
	if k.Ref.Kind == domain.KindTask {
		shows = showsOfShare(officeRef(k.Office), k.Period)
	}
	var out []domain.Event
	for _, e := range history {
		if e.Version > k.Version && shows(corrected(history, e)) {
			out = append(out, e)
		}
	}
	return out
}

// corrected returns the event that a correction is about, any other as it is.
func corrected(history []domain.Event, e domain.Event) domain.Event {
	c := e.Corrects()
	if c == nil {
		return e
	}
	if i := slices.IndexFunc(history, func(h domain.Event) bool { return h.ID == c.Target }); i >= 0 {
		return history[i]
	}
	return e
}

// showsOfShare returns whether a row of an office's share in a period shows of an
// event of its task. It does not of another share's events, nor of another period's.
func showsOfShare(office domain.Ref, period calendar.Period) func(domain.Event) bool {
	return func(e domain.Event) bool {
		switch d := e.Data.(type) {
		case *task.Reminded, *task.Acknowledged, *task.HandlerChanged, *task.Linked, *task.FindingOpened, *task.FindingSettled, *task.EvidenceWithdrawn:
			return false
		case *task.Assigned:
			return slices.ContainsFunc(d.Offices, func(a task.Assignment) bool { return a.Office == office })
		case *task.Transferred:
			return d.From == office || d.To == office
		case *task.Absorbed:
			return d.From == office || d.To == office
		case *task.Suspended:
			return len(d.Offices) == 0 || slices.Contains(d.Offices, office)
		case *task.Resumed:
			return len(d.Offices) == 0 || slices.Contains(d.Offices, office)
		case *task.Reopened:
			return len(d.Offices) == 0 || slices.Contains(d.Offices, office)
		case *task.StatedDeadline:
			return d.Office.IsZero() || d.Office == office
		case *task.SetDeadline:
			return d.Office.IsZero() || d.Office == office
		case *task.ProgressReported:
			return d.Office == office && samePeriod(d.Period, period)
		case *task.ClosureRequested:
			return d.Office == office && samePeriod(d.Period, period)
		case *task.Returned:
			return d.Office == office && samePeriod(d.Period, period)
		case *task.Accepted:
			return d.Office == office && samePeriod(d.Period, period)
		case interface{ ShareOffice() *domain.Ref }:
			return *d.ShareOffice() == office
		}
		return true
	}
}

// samePeriod: an event without a period is of the share as a whole.
func samePeriod(of, period calendar.Period) bool { return of == "" || of == period }

// showsOfFinding returns whether a row of a finding shows of an event.
func showsOfFinding(e domain.Event) bool {
	switch e.Data.(type) {
	case *finding.EvidenceWithdrawn, *finding.PlanFiled, *finding.SupervisionListed, *finding.SupervisionDelisted, *finding.Referred, *finding.ReferralReplied:
		return false
	}
	return true
}

// actOf names an event by the act it came of.
func actOf(e domain.Event) domain.Act {
	for _, acts := range [][]domain.Act{task.Acts(), finding.Acts()} {
		if a, ok := domain.ActOf(acts, e.Data); ok {
			return a
		}
	}
	return domain.Act{Name: domain.ShortType(e.Data), Chinese: domain.ShortType(e.Data)}
}

// RecordedAlready returns the event by which the act of a step stands in a record's
// history with the same words on the same day, "" if it does not.
func RecordedAlready(history []domain.Event, step Step) string {
	want := bare(step.Ask)
	for _, e := range domain.Effective(history) {
		if e.Data.EventType() == step.Ask.EventType() && calendar.On(e.Time) == step.On && bytes.Equal(bare(e.Data), want) {
			return e.ID
		}
	}
	return ""
}

// bare encodes what an act says by itself: not for whom, from which paper.
func bare(p domain.Payload) []byte {
	b, err := json.Marshal(p)
	if err != nil {
		return nil
	}
	var fields, circumstances map[string]json.RawMessage
	if json.Unmarshal(b, &fields) != nil {
		return nil
	}
	if b, err = json.Marshal(*p.Circumstances()); err != nil || json.Unmarshal(b, &circumstances) != nil {
		return nil
	}
	for k := range circumstances {
		delete(fields, k)
	}
	b, _ = json.Marshal(fields)
	return b
}
