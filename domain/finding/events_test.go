package finding

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"duban/domain"
	"duban/domain/calendar"
	"duban/domain/domaintest"
	"duban/domain/inspection"
)

// full returns one event of each type with every field filled in.
func full() []domain.Payload {
	p := domain.Particulars{
		OnBehalfOf: zhao.Person, ReceivedVia: domain.ViaPaper, ReceivedOn: "2019-07-10", Note: "备注",
		Evidence: []domain.Evidence{{SHA256: photo, Size: 3, MediaType: "image/jpeg", Name: "现场.jpg"}},
		Basis:    []domain.Basis{{Document: "安全生产法", Article: "第六十七条", Version: "2014-12-01"}},
		Approval: &domain.Approval{Leader: "副主任", On: "2019-07-01", Words: "同意", Evidence: with(letter).Evidence},
	}
	return []domain.Payload{
		&Recorded{
			Particulars: p, Subject: inspection.Subject{Name: "塞上铝业有限公司", USCC: "91350100M000100Y43", Place: "三号铸造车间"},
			Description: "未设置进出水温度监测", Category: "工艺设备", FoundOn: "2019-07-01", HazardSince: "2018-01-01",
			Inspection: domain.Ref{Kind: domain.KindInspection, ID: "01I"}, Tasks: []domain.Ref{task1},
		},
		&Verified{p, "属实"},
		&Dismissed{p, "不是隐患"},
		&Graded{p, GradeMajor, "判定标准第三条"},
		&Regraded{p, GradeOrdinary, "判定标准", "复核"},
		&RectifiedOnSpot{p, "当场加装护罩"},
		&RectificationOrdered{p, "整〔2019〕7号", Rectifier{jidian, "机电处"}, yuancai, "陈", "加装监测", 1_200_000, "2019-07-31", "应急预案", "赵"},
		&RectificationExtended{p, "2019-08-31", "设备未到货"},
		&RectificationReported{p, "已加装"},
		&Reinspected{p, true, "符合要求", []domain.Ref{zhao.Person}},
		&WrittenOff{p, "同意销号"},
		&PlanFiled{p, "目标", "措施", "经费物资", 1_200_000, "机构人员", "时限要求", "应急预案"},
		&SupervisionListed{p, LevelProvincial, "宁安办〔2019〕9号", "2019-09-30"},
		&SupervisionDelisted{p, "宁安办〔2019〕20号", "同意摘牌"},
		&SuspensionOrdered{p, "停〔2019〕1号", "三号车间"},
		&ResumptionApproved{p, "同意恢复"},
		&ClosureOrdered{p, "关〔2019〕1号"},
		&ClosureVerified{p, "已断水断电"},
		&Referred{p, "消防支队", "属消防职责", "已受理"},
		&ReferralReplied{p, "01R", "已查处"},
		&Recurred{p, other},
		&DuplicateOf{p, other},
		&Terminated{p, CauseJurisdictionMoved, "移交函"},
		&Corrected{domain.Correction{Particulars: p, Target: "01R", Mode: domain.ModeAmend, Changes: json.RawMessage(`{"opinion":"属实"}`), Reason: "录错"}},
		&EvidenceWithdrawn{p, photo, "涉密"},
		&OfficeSucceeded{p, jidian, yuancai, "宁编发〔2019〕3号"},
	}
}

// The stored bytes of every event type are pinned: they decode for ever.
func TestGolden(t *testing.T) { domaintest.Golden(t, full(), Payloads()) }

// Required are the fields without which an event is refused; all others may be
// absent.
func TestRequiredFields(t *testing.T) {
	required := map[string]string{
		"recorded": "subject description category found_on", "verified": "", "dismissed": "reason",
		"graded": "grade criterion", "regraded": "grade reason", "rectified_on_spot": "measures",
		"rectification_ordered": "rectifier deadline", "rectification_extended": "deadline reason", "rectification_reported": "evidence",
		"reinspected": "opinion", "written_off": "", "plan_filed": "goals measures resources responsible schedule contingency",
		"supervision_listed": "level", "supervision_delisted": "", "suspension_ordered": "", "resumption_approved": "",
		"closure_ordered": "decision_no", "closure_verified": "", "referred": "to", "referral_replied": "reply",
		"recurred": "earlier", "duplicate_of": "original", "terminated": "cause proof evidence",
		"corrected": "target mode changes reason", "evidence_withdrawn": "sha256 reason", "office_succeeded": "from to",
	}
	for _, p := range full() {
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

func TestValidate(t *testing.T) {
	long := strings.Repeat("长", 7000)
	aTask := domain.Ref{Kind: domain.KindTask, ID: "01T"}
	record := func(change func(*Recorded)) *Recorded {
		r := aRecord()
		change(r)
		return r
	}
	order := func(change func(*RectificationOrdered)) *RectificationOrdered {
		o := anOrder("2019-07-31")
		change(o)
		return o
	}
	if err := record(func(r *Recorded) { r.HazardSince = r.FoundOn }).Validate(); err != nil {
		t.Errorf("found on the day it arose: %v", err)
	}
	for _, tt := range []struct {
		rule string
		p    domain.Payload
	}{
		{"subject.uscc", record(func(r *Recorded) { r.Subject.USCC = "91350100M000100Y44" })},
		{"field.required", record(func(r *Recorded) { r.Subject.Place = " " })},
		{"field.long", record(func(r *Recorded) { r.Description = long })},
		{"finding.recorded.found_on", record(func(r *Recorded) { r.FoundOn = "" })},
		{"finding.recorded.hazard_since", record(func(r *Recorded) { r.HazardSince = "2019-07-02" })},
		{"finding.recorded.inspection", record(func(r *Recorded) { r.Inspection = aTask })},
		{"finding.recorded.tasks", record(func(r *Recorded) { r.Tasks = []domain.Ref{other} })},
		{"finding.recorded.tasks", record(func(r *Recorded) { r.Tasks = []domain.Ref{aTask, aTask} })},
		{"field.long", &Verified{Opinion: long}},
		{"finding.graded.grade", &Graded{Criterion: "x"}},
		{"finding.regraded.grade", &Regraded{Criterion: "x", Reason: "y"}},
		{"field.required", &Graded{Grade: GradeMajor}},
		{"field.required", order(func(o *RectificationOrdered) { o.Rectifier = Rectifier{} })},
		{"field.office", order(func(o *RectificationOrdered) { o.Rectifier.Office = aTask })},
		{"field.office", order(func(o *RectificationOrdered) { o.SupervisingOffice = aTask })},
		{"field.long", order(func(o *RectificationOrdered) { o.Measures = long })},
		{"finding.rectification_ordered.funds", order(func(o *RectificationOrdered) { o.FundsFen = -1 })},
		{"finding.rectification_ordered.deadline", order(func(o *RectificationOrdered) { o.Deadline = "" })},
		{"finding.rectification_extended.deadline", &RectificationExtended{Reason: "x"}},
		{"finding.rectification_reported.evidence", &RectificationReported{Summary: "x"}},
		{"field.person", &Reinspected{Opinion: "x", Inspectors: []domain.Ref{jidian}}},
		{"field.twice", &Reinspected{Opinion: "x", Inspectors: []domain.Ref{wang.Person, wang.Person}}},
		{"finding.plan_filed.funds", &PlanFiled{FundsFen: -1}},
		{"finding.supervision_listed.level", &SupervisionListed{}},
		{"field.finding", &Recurred{Earlier: aTask}},
		{"field.finding", &DuplicateOf{Original: aTask}},
		{"finding.terminated.cause", &Terminated{Particulars: with(letter), Proof: "x"}},
		{"finding.terminated.evidence", &Terminated{Cause: CauseRelocated, Proof: "x"}},
		{"evidence.sha256", &EvidenceWithdrawn{SHA256: "x", Reason: "y"}},
		{"field.office", &OfficeSucceeded{From: jidian, To: aTask}},
		{"finding.office_succeeded.same", &OfficeSucceeded{From: jidian, To: jidian}},
	} {
		r := (*domain.Refusal)(nil)
		if err := tt.p.Validate(); !errors.As(err, &r) || r.Rule != tt.rule || r.Field == "" {
			t.Errorf("%s: %v, want %s and a field", tt.p.EventType(), err, tt.rule)
		}
	}
}

func TestEnums(t *testing.T) {
	for v := StatusRecorded; v <= StatusTerminated; v++ {
		if p, err := ParseStatus(v.String()); err != nil || p != v || v.Chinese() == Status(0).Chinese() {
			t.Errorf("status %d: %v %v %s", v, p, err, v.Chinese())
		}
		if v.Open() == ended.has(v) {
			t.Errorf("%v is both open and ended, or neither", v)
		}
	}
	if len(Statuses()) != int(StatusTerminated) {
		t.Errorf("%d names of statuses", len(Statuses()))
	}
	if g, err := ParseGrade("major"); err != nil || g != GradeMajor {
		t.Errorf("%v %v", g, err)
	}
	words := map[string]bool{}
	for _, w := range []string{
		GradeOrdinary.Chinese(), GradeMajor.Chinese(), Grade(0).Chinese(),
		LevelNational.Chinese(), LevelProvincial.Chinese(), LevelMunicipal.Chinese(), LevelCounty.Chinese(), Level(0).Chinese(),
		CauseEnterpriseClosed.Chinese(), CauseRelocated.Chinese(), CauseJurisdictionMoved.Chinese(),
	} {
		if words[w] {
			t.Errorf("%s stands for two", w)
		}
		words[w] = true
	}
}

// A deadline amended in place moves the day that governs.
func TestAmendedDeadline(t *testing.T) {
	s := Replay(given(t, then(orderedStory, amend(wang, "07-05", "e4", `{"deadline":"2019-08-10"}`))...))
	if s.Deadline.On != calendar.Date("2019-08-10") || s.Deadline.Event != "e4" {
		t.Errorf("%+v", s.Deadline)
	}
}
