package task

import (
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"duban/domain"
	"duban/domain/calendar"
	"duban/domain/domaintest"
)

// full returns one event of each type with every field filled in.
func full() []domain.Payload {
	p := domain.Particulars{
		OnBehalfOf: jidian, ReceivedVia: domain.ViaPaper, ReceivedOn: "2019-07-10", Note: "备注",
		Evidence: []domain.Evidence{{SHA256: photo, Size: 3, MediaType: "image/jpeg", Name: "现场.jpg"}},
		Basis:    []domain.Basis{{Document: "安全生产法", Article: "第二十二条", Version: "2014-12-01"}},
		Approval: &domain.Approval{Leader: "副主任", On: "2019-07-01", Words: "同意", Evidence: with(letter).Evidence},
	}
	schedule := &Schedule{Unit: calendar.UnitQuarter, First: "2019-Q3", DueRule: "季后10日内", Until: "2021-12-31"}
	offices := []domain.Ref{jidian, yuancai}
	return []domain.Payload{
		&Docketed{p, notice, 7, []string{"一", "（二）", "2"}, 1, clause, KindRecurring, schedule, ""},
		&Assigned{p, []Assignment{{jidian, RoleLead, "牵头单位"}, {yuancai, RoleSupporting, "配合单位"}, {ruanjian, RoleJoint, "责任处室"}}, "按月报送"},
		&LeadDesignated{p, of(jidian)},
		&KindDecided{p, KindRecurring, schedule, "每季度"},
		&Disputed{p, of(jidian), "不属本处室职责", ruanjian},
		&DisputeUpheld{p, of(jidian), "职责清单第三条"},
		&Transferred{p, jidian, ruanjian, CauseDispute, "异议成立"},
		&Absorbed{p, jidian, yuancai, CauseReorganisation, "处室合并"},
		&Acknowledged{p, of(jidian), sun.Person},
		&HandlerChanged{p, of(jidian), sun.Person, wu.Person},
		&PlanSubmitted{p, of(jidian), "陈", "副主任", []Measure{{"排查", "台账", "2019-09-30", "三季度"}}},
		&ProgressReported{p, of(jidian), "2019-Q3", ConditionBehind, "完成三项", "设备未到货", "催货", true, true},
		&StatedDeadline{p, Scope{jidian}, "2019-12-31", "2019年12月底"},
		&ProposedDeadline{p, Scope{jidian}, "2019-11-30", "十一月底"},
		&SetDeadline{p, Scope{jidian}, "2019-10-31", "十月底", "内控"},
		&ExtensionRequested{p, of(jidian), "2020-01-31", "设备未到货"},
		&ExtensionGranted{p, of(jidian), "2020-01-31", "同意"},
		&ExtensionRefused{p, of(jidian), "按期完成"},
		&Suspended{p, offices, "机构调整"},
		&Resumed{p, offices, "2020-01-15", "调整完毕"},
		&ClosureRequested{p, of(jidian), "2019-Q3", "已完成"},
		&Returned{p, of(jidian), "2019-Q3", "佐证不足", "2019-10-20"},
		&Accepted{p, of(jidian), "2019-Q3", "同意"},
		&Completed{p, ClosingOverride, "领导决定"},
		&Attested{p, of(jidian), "2019", "已履职"},
		&Ended{p, "职责划转"},
		&Cancelled{p, "任务取消"},
		&Reopened{p, ReopenFalseCompletion, "现场核查未完成", offices, "2020-03-31"},
		&Reminded{Particulars: p, Offices: offices, Words: "请抓紧", Via: domain.ViaPhone},
		&EvidenceWithdrawn{p, photo, "涉密"},
		&FindingOpened{p, hazard},
		&FindingSettled{p, hazard},
		&Voided{p, "导入错误"},
		&ClauseRevised{p, "宁工信安发〔2020〕3号", other, letter, "2020-01-01"},
		&Decomposed{p, []Child{{sibling, 1, "登记台账", []Assignment{{jidian, RoleLead, "牵头单位"}}, "2019-11-30"}}, "内容较多"},
		&Linked{p, sibling, RelationSameDuty, "同一职责"},
		&Consolidated{p, sibling, "内容重复"},
		&Corrected{domain.Correction{Particulars: p, Target: "01R", Mode: domain.ModeAmend, Changes: json.RawMessage(`{"opinion":"同意"}`), Reason: "录错"}},
	}
}

// addedLater are fields that a type got after its golden file was written, which
// never changes. A second file, named by the field, pins them.
var addedLater = map[string]domain.Payload{
	"Text": &Docketed{Directive: notice, Number: 7, Part: 2, TextSHA256: clause, Kind: KindOneOff, Text: "登记台账"},
	"Step": &Reminded{Offices: []domain.Ref{jidian}, Words: "距时限 2019-12-31 还有 7 天，请抓紧办理", Step: StepSeven, Deadline: "2019-12-31", Period: "2019-Q4"},
}

// The stored bytes of every event type are pinned: they decode for ever.
func TestGolden(t *testing.T) {
	domaintest.GoldenFiles(t, full(), Payloads())
	for _, p := range full() {
		name := p.EventType()
		if field := empty(reflect.ValueOf(p).Elem()); field != "" && (addedLater[field] == nil || addedLater[field].EventType() != name) {
			t.Errorf("%s: the sample leaves %s empty", name, field)
		}
	}
	for field, p := range addedLater {
		domaintest.GoldenFile(t, p, p.EventType()+"+"+strings.ToLower(field))
	}
}

// empty returns the name of the first field of a sample that holds nothing, for
// then its name on the wire would not be pinned.
func empty(v reflect.Value) string {
	for i := range v.NumField() {
		f := v.Field(i)
		if f.IsZero() || f.Kind() == reflect.Slice && f.Len() == 0 {
			return v.Type().Field(i).Name
		}
		if f.Kind() == reflect.Struct && f.Type() != reflect.TypeFor[domain.Ref]() {
			if name := empty(f); name != "" {
				return name
			}
		}
	}
	return ""
}

// Required are the fields without which an event is refused; all others may be
// absent.
func TestRequiredFields(t *testing.T) {
	required := map[string]string{
		"docketed": "directive text_sha256 kind", "assigned": "offices", "lead_designated": "office", "kind_decided": "kind reason",
		"share_disputed": "office reason", "dispute_upheld": "office reason", "share_transferred": "from to cause", "share_absorbed": "from to cause",
		"acknowledged": "office", "handler_changed": "office to", "plan_submitted": "office responsible_person measures", "progress_reported": "office condition progress",
		"deadline_stated": "", "deadline_proposed": "office", "deadline_set": "",
		"extension_requested": "office new_date reason", "extension_granted": "office new_date", "extension_refused": "office reason",
		"suspended": "reason", "resumed": "", "closure_requested": "office summary", "share_returned": "office reason", "share_accepted": "office",
		"completed": "by reason", "attested": "office period statement", "ended": "reason", "cancelled": "reason", "reopened": "reason words",
		"reminded": "words", "evidence_withdrawn": "sha256 reason", "finding_opened": "finding", "finding_settled": "finding", "voided": "reason",
		"clause_revised": "by text_sha256", "decomposed": "children", "linked": "to relation", "consolidated": "into reason",
		"corrected": "target mode changes reason",
	}
	for _, p := range full() {
		if r, ok := p.(*ProgressReported); ok {
			r.Nil = false
		}
		name := domain.ShortType(p)
		if err := p.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		var fields map[string]json.RawMessage
		b, _ := json.Marshal(p)
		if err := json.Unmarshal(b, &fields); err != nil {
			t.Fatal(err)
		}
		need := strings.Fields(required[name])
		for field := range fields {
			err := without(t, p, fields, field).Validate()
			r := (*domain.Refusal)(nil)
			switch {
			case !slices.Contains(need, field):
				if err != nil {
					t.Errorf("%s without %s: %v", name, field, err)
				}
			case !errors.As(err, &r) || r.Reason != domain.ReasonInvalid || !strings.HasPrefix(r.Field, field):
				t.Errorf("%s without %s: %v, want a refusal that names the field", name, field, err)
			}
		}
	}
}

func without(t *testing.T, p domain.Payload, fields map[string]json.RawMessage, field string) domain.Payload {
	t.Helper()
	rest := map[string]json.RawMessage{}
	for k, v := range fields {
		if k != field {
			rest[k] = v
		}
	}
	b, err := json.Marshal(rest)
	if err != nil {
		t.Fatal(err)
	}
	q, err := domain.DecodeStrict(p, b)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

// What was added to an event later stands beside the pinned bytes of its first
// form, which keep decoding.
func TestGoldenScheduleWithDueDay(t *testing.T) {
	want := `{"kind":"recurring","schedule":{"unit":"month","first":"2019-08","due_day":5,"due_in":"next"},"reason":"每月"}`
	k := &KindDecided{Kind: KindRecurring, Reason: "每月",
		Schedule: &Schedule{Unit: calendar.UnitMonth, First: "2019-08", Due: calendar.Due{Day: 5, In: calendar.DueInNext}}}
	if got, err := json.Marshal(k); err != nil || string(got) != want {
		t.Errorf("%s, %v", got, err)
	}
	if back, err := domain.DecodeStrict(&KindDecided{}, []byte(want)); err != nil || !reflect.DeepEqual(back, k) {
		t.Errorf("%+v, %v", back, err)
	}
}
