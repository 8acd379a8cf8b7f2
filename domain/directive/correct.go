package directive

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"duban/domain"
	"duban/domain/name"
)

// Corrected (更正) takes an earlier event out or amends it, in place.
type Corrected struct{ domain.Correction }

// EventType names the event.
func (*Corrected) EventType() string { return "duban.directive.corrected.v1" }

// Correct decides a correction: of data that were entered wrongly, not of what tasks
// were made of. The history it leaves must be one that could have happened.
func Correct(history []domain.Event, c domain.Command) ([]domain.Event, error) {
	return domain.DecideCorrection(history, c, Acts(), correctable, CheckHistory)
}

// Names are those a directive goes by, each unique among all that stand.
func Names(history []domain.Event) map[name.Kind]string {
	names := map[name.Kind]string{}
	s := Replay(history)
	if s.Status == 0 || s.Status == StatusVoided {
		return names
	}
	if s.DocumentNumber != "" {
		names[name.KindDocumentNumber] = s.DocumentNumber
	}
	names[name.KindNoticeText] = ContentOf(history)
	return names
}

// correctable refuses to correct here what tasks follow from, and names the act
// that is meant.
func correctable(history []domain.Event, c domain.Correction) error {
	i := slices.IndexFunc(history, func(e domain.Event) bool { return e.ID == c.Target })
	fields := []string{"basis", "note", "evidence"} // of which nothing follows
	zh, en := "", ""
	switch history[i].Data.(type) {
	case *Issued:
		fields = append(fields, "time", "title", "document_number", "issuer", "issued_on", "issued_on_kind", "addressees", "cc", "based_on")
		zh, en = "来源文件和登记本身不能更正，登记有误的请撤销登记（void）", "the source and the registration itself are not corrected: void the directive"
	case *ClausesRecorded:
		zh, en = "条款照来源文件登记，任务由其产生，请用 amend 修改文件，或撤销登记（void）后重新登记",
			"clauses stand as in the source, and tasks were made of them: amend the directive, or void it and record it anew"
	case *Amended:
		zh, en = "任务已随修改办理，请用 amend 再次修改文件", "tasks follow from the amendment: amend the directive again"
	case *Repealed:
		fields = append(fields, "by", "by_directive", "effective_on", "approval")
		zh, en = "任务已随废止办理，请用 reopen 恢复须继续的任务", "tasks follow from the repeal: reopen those that go on"
	case *Voided:
		zh, en = "文号已释放、任务已撤销，请重新登记文件", "its number is free and its tasks are void: record the directive anew"
	case *OfficeSucceeded:
		fields = nil
		zh, en = "此事件随机构调整产生，不能在此更正", "the event follows from a reorganisation and is not corrected here"
	default:
		return nil
	}
	if c.Mode == domain.ModeAmend && onlyFields(c.Changes, fields) {
		return nil
	}
	if c.Mode == domain.ModeAmend && len(fields) > 0 {
		zh, en = zh+"；可以改正的有 "+strings.Join(fields, "、"), en+"; what can be amended is "+strings.Join(fields, ", ")
	}
	return domain.Illegal("directive.corrected.follows", zh, en)
}

// onlyFields reports whether the changes name none but these fields.
func onlyFields(changes json.RawMessage, fields []string) bool {
	var named map[string]json.RawMessage
	if json.Unmarshal(changes, &named) != nil {
		return false
	}
	for f := range maps.Keys(named) {
		if !slices.Contains(fields, f) {
			return false
		}
	}
	return true
}
