package forms_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"duban/api/forms"
	"duban/api/workbook"
	"duban/domain"
	"duban/domain/calendar"
	"duban/domain/finding"
	"duban/domain/task"
)

func TestWhatMakesARowStale(t *testing.T) {
	chem, tech := domain.Ref{Kind: domain.KindOffice, ID: "chem"}, domain.Ref{Kind: domain.KindOffice, ID: "tech"}
	shareOf := func(o domain.Ref) task.ShareOf { return task.ShareOf{Office: o} }
	key := workbook.Key{Ref: domain.Ref{Kind: domain.KindTask, ID: "t"}, Office: "chem", Period: "2019-07", Version: 2}
	correction := func(target string) *task.Corrected {
		return &task.Corrected{Correction: domain.Correction{Target: target, Mode: domain.ModeVoid}}
	}
	for name, tt := range map[string]struct {
		data  domain.Payload
		stale bool
	}{
		"the share's report for the period":  {&task.ProgressReported{ShareOf: shareOf(chem), Period: "2019-07"}, true},
		"for another period":                 {&task.ProgressReported{ShareOf: shareOf(chem), Period: "2019-08"}, false},
		"without a period":                   {&task.ProgressReported{ShareOf: shareOf(chem)}, true},
		"another share's report":             {&task.ProgressReported{ShareOf: shareOf(tech), Period: "2019-07"}, false},
		"accepted":                           {&task.Accepted{ShareOf: shareOf(chem)}, true},
		"another share accepted":             {&task.Accepted{ShareOf: shareOf(tech)}, false},
		"an extension":                       {&task.ExtensionGranted{ShareOf: shareOf(chem)}, true},
		"a deadline of the task":             {&task.SetDeadline{}, true},
		"a deadline of another share":        {&task.SetDeadline{Scope: task.Scope{Office: tech}}, false},
		"signed":                             {&task.Acknowledged{ShareOf: shareOf(chem)}, false},
		"reminded":                           {&task.Reminded{}, false},
		"suspended":                          {&task.Suspended{}, true},
		"another share suspended":            {&task.Suspended{Offices: []domain.Ref{tech}}, false},
		"handed over from another":           {&task.Transferred{From: tech, To: chem}, true},
		"cancelled":                          {&task.Cancelled{}, true},
		"a correction of the share's report": {correction("e1"), true},
		"a correction of another share's":    {correction("e2"), false},
	} {
		history := []domain.Event{
			{ID: "e1", Version: 1, Data: &task.ProgressReported{ShareOf: shareOf(chem), Period: "2019-07"}},
			{ID: "e2", Version: 2, Data: &task.ProgressReported{ShareOf: shareOf(tech), Period: "2019-07"}},
			{ID: "e3", Version: 3, Data: tt.data},
		}
		since := forms.Since(key, history)
		assert.Equal(t, tt.stale, len(since) == 1, name)
	}
	key.Ref.Kind = domain.KindFinding
	assert.Len(t, forms.Since(key, []domain.Event{{Version: 3, Data: &finding.WrittenOff{}}, {Version: 4, Data: &finding.PlanFiled{}}}), 1)
}

func TestTheSameActIsKnownAgain(t *testing.T) {
	chem := task.ShareOf{Office: domain.Ref{Kind: domain.KindOffice, ID: "chem"}}
	at := func(d string) domain.Event {
		return domain.Event{ID: "e1", Time: calendar.Date(d).Start(), Data: &task.ClosureRequested{ShareOf: chem, Summary: "完成", Particulars: domain.Particulars{Note: "来件", ReceivedVia: domain.ViaPaper}}}
	}
	step := forms.Step{Ask: &task.ClosureRequested{ShareOf: chem, Summary: "完成"}, On: "2019-08-01"}
	assert.Equal(t, "e1", forms.RecordedAlready([]domain.Event{at("2019-08-01")}, step))
	assert.Empty(t, forms.RecordedAlready([]domain.Event{at("2019-08-02")}, step), "on another day")
	voided := domain.Event{ID: "e2", Data: &task.Corrected{Correction: domain.Correction{Target: "e1", Mode: domain.ModeVoid}}}
	assert.Empty(t, forms.RecordedAlready([]domain.Event{at("2019-08-01"), voided}, step), "taken back")
	step.Ask = &task.ClosureRequested{ShareOf: chem, Summary: "全部完成"}
	assert.Empty(t, forms.RecordedAlready([]domain.Event{at("2019-08-01")}, step), "with other words")
}
