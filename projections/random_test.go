package projections

import (
	"encoding/json"
	"fmt"
	"time"

	"pgregory.net/rapid"

	"duban/domain"
	"duban/domain/calendar"
	"duban/domain/directive"
	"duban/domain/finding"
	"duban/domain/inspection"
	"duban/domain/office"
	"duban/domain/policy"
	"duban/domain/task"
	"duban/domain/workyear"
)

// A player draws commands and gives those that are legal to a ledger.
type player struct {
	t         *rapid.T
	l         *fakeLedger
	directive domain.Ref
	offices   []domain.Ref
	tasks     []domain.Ref
	finds     []domain.Ref
}

func (p *player) pick(name string, n int) int { return rapid.IntRange(0, n-1).Draw(p.t, name) }

// when draws a time up to 20 days before now.
func (p *player) when() time.Time {
	return p.l.now.Add(-time.Duration(rapid.IntRange(0, 480).Draw(p.t, "hours ago")) * time.Hour)
}

func (p *player) date() calendar.Date {
	return calendar.On(p.l.now).AddDays(rapid.IntRange(-20, 60).Draw(p.t, "days ahead"))
}

func (p *player) text() string {
	return rapid.SampledFrom([]string{"危化品", "应急预案", "矿山安全", "已完成", "正在推进", "ABC（１）"}).Draw(p.t, "text")
}

func (p *player) evidence() []domain.Evidence {
	return []domain.Evidence{{SHA256: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", Size: 1}}
}

var approval = &domain.Approval{Leader: "王", On: "2019-07-01", Words: "同意"}

// step draws one command; an illegal one changes nothing.
func (p *player) step() {
	p.l.now = p.l.now.Add(time.Duration(rapid.IntRange(1, 72).Draw(p.t, "hours on")) * time.Hour)
	switch p.pick("what", 14) {
	case 10, 11:
		p.setting()
	case 12:
		p.onWorld()
	case 13:
		p.onRelations()
	case 0, 1, 2, 3, 4, 5:
		p.onTask()
	case 6, 7:
		p.onFinding()
	case 8:
		p.correct()
	default:
		p.void()
	}
}

// setting changes what lights rest on: a year, the rules, what is to be reported.
func (p *player) setting() {
	switch p.pick("setting", 4) {
	case 0:
		year := 2019 + p.pick("year", 2)
		off := calendar.Of(year, 10, 1+p.pick("holiday", 20))
		p.try(workyear.Ref(year), clerk, p.l.now, &workyear.YearPublished{Year: year, Off: []calendar.Date{off, calendar.Of(year, 8, 5)}, Source: "国办通知"})
	case 1:
		rules := policy.Default().Lights
		rules.StagnantDays, rules.UnsignedWorkingDays = 5+p.pick("stagnant", 40), 1+p.pick("unsigned", 5)
		p.try(policy.Ref(), clerk, p.l.now, &policy.LightsSet{Lights: rules, Reason: p.text()})
	default:
		duty := &directive.ReportingRequired{Unit: calendar.UnitMonth, Due: calendar.Due{Day: 1 + p.pick("due", 31)}, From: "2019-07-01"}
		if p.pick("one office", 2) == 0 {
			duty.Offices = p.offices[:1]
		}
		p.try(p.directive, clerk, p.l.now, duty)
	}
}

func (p *player) try(ref domain.Ref, by domain.Caller, when time.Time, ask domain.Payload) {
	events, err := p.l.decide(ref, by, when, ask)
	if err == nil {
		p.append(events...)
	}
}

func (p *player) append(events ...domain.Event) {
	p.l.append(p.t, events...)
}

func (p *player) onTask() {
	ref := p.tasks[p.pick("task", len(p.tasks))]
	o := p.offices[p.pick("office", len(p.offices))]
	other := p.offices[p.pick("other", len(p.offices))]
	of := of(o)
	share := task.ShareOf{Office: o}
	with := domain.Particulars{Approval: approval, Basis: []domain.Basis{{Document: "自治区文件"}}}
	switch p.pick("act", 20) {
	case 0:
		p.try(ref, of, p.when(), &task.Acknowledged{ShareOf: share, Person: person("h" + o.ID)})
	case 1, 2:
		p.try(ref, of, p.when(), &task.ProgressReported{ShareOf: share, Condition: task.ConditionNormal, Progress: p.text(), Substantive: true})
	case 3, 4:
		p.try(ref, of, p.when(), &task.ClosureRequested{ShareOf: share, Summary: p.text(), Period: p.period(ref)})
	case 5, 6:
		p.try(ref, clerk, p.l.now, &task.Accepted{ShareOf: share, Period: p.period(ref)})
	case 7:
		p.try(ref, clerk, p.l.now, &task.Returned{ShareOf: share, Reason: p.text(), Period: p.period(ref)})
	case 8:
		p.try(ref, clerk, p.l.now, &task.Assigned{Offices: []task.Assignment{{Office: o, Role: task.RoleSupporting}}})
	case 9:
		p.try(ref, clerk, p.l.now, &task.Transferred{From: o, To: other, Cause: task.CauseDecision})
	case 10:
		p.try(ref, clerk, p.l.now, &task.SetDeadline{Date: p.date()})
	case 11:
		p.try(ref, clerk, p.l.now, &task.SetDeadline{Scope: task.Scope{Office: o}, Date: p.date()})
	case 12:
		p.try(ref, of, p.l.now, &task.ExtensionRequested{ShareOf: share, NewDate: p.date(), Reason: p.text()})
	case 13:
		p.try(ref, clerk, p.l.now, &task.ExtensionGranted{Particulars: with, ShareOf: share, NewDate: p.date()})
	case 14:
		p.try(ref, of, p.l.now, &task.Disputed{ShareOf: share, Reason: p.text()})
	case 15:
		p.try(ref, clerk, p.l.now, &task.DisputeUpheld{ShareOf: share, Reason: p.text()})
	case 16:
		p.try(ref, clerk, p.l.now, &task.Suspended{Particulars: with, Reason: p.text()})
	case 17:
		p.try(ref, clerk, p.l.now, &task.Resumed{})
	case 18:
		p.try(ref, clerk, p.l.now, &task.Cancelled{Particulars: with, Reason: p.text()})
	default:
		p.try(ref, clerk, p.l.now, &task.Reopened{Particulars: with, Reason: task.ReopenReason(1 + p.pick("why", 3)), Words: p.text()})
	}
}

// onWorld amends or repeals the directive, or reorganises an office.
func (p *player) onWorld() {
	n := len(directive.Replay(p.l.events[p.directive]).Clauses)
	number := rapid.IntRange(1, n).Draw(p.t, "clause")
	o, other := p.offices[p.pick("office", len(p.offices))], p.offices[p.pick("other", len(p.offices))]
	amend := func(c directive.Change) {
		p.try(p.directive, clerk, p.l.now, &directive.Amended{By: "安委办〔2020〕3号", Changes: []directive.Change{c}})
	}
	switch p.pick("world", 12) {
	case 0, 1, 2, 3:
		amend(directive.Change{Number: number, Kind: directive.ChangeReplaced, Text: p.text()})
	case 4, 5:
		amend(directive.Change{Number: number, Kind: directive.ChangeRemoved})
	case 6, 7:
		amend(directive.Change{Kind: directive.ChangeAdded, Path: []string{"九"}, Text: p.text()})
	case 8:
		p.try(p.directive, clerk, p.l.now, &directive.Repealed{By: "安委办〔2020〕9号"})
	case 9:
		p.try(o, clerk, p.l.now, &office.Merged{Into: other})
	case 10:
		if o != other {
			p.try(o, clerk, p.l.now, &office.Split{Into: []domain.Ref{o, other}, Rest: o})
		}
	default:
		p.try(o, clerk, p.l.now, &office.Renamed{Name: p.text()})
	}
}

// onRelations sets tasks in relation to each other and to changed clauses.
func (p *player) onRelations() {
	ref, other := p.tasks[p.pick("task", len(p.tasks))], p.tasks[p.pick("other", len(p.tasks))]
	switch p.pick("relation", 5) {
	case 0:
		p.try(ref, clerk, p.l.now, &task.Linked{To: other, Relation: task.RelationSameDuty})
	case 1:
		p.try(ref, clerk, p.l.now, &task.Consolidated{Into: other, Reason: p.text()})
	case 2:
		p.try(ref, clerk, p.l.now, &task.Decomposed{Children: []task.Child{{Task: other}}})
	case 3:
		if len(p.finds) > 0 {
			p.try(p.finds[p.pick("finding", len(p.finds))], clerk, p.l.now, &finding.OfficeSucceeded{From: p.offices[0], To: p.offices[1]})
		}
	default:
		for _, c := range directive.Replay(p.l.events[p.directive]).Clauses {
			if c.Number == task.Replay(p.l.events[ref]).Number {
				p.try(ref, clerk, p.l.now, &task.ClauseRevised{By: "安委办〔2020〕3号", TextSHA256: c.TextSHA256})
			}
		}
	}
}

func (p *player) period(ref domain.Ref) calendar.Period {
	if task.Replay(p.l.events[ref]).Kind == task.KindRecurring {
		return "2019-Q3"
	}
	return ""
}

func (p *player) onFinding() {
	if len(p.finds) == 0 || p.pick("new finding", 6) == 0 {
		ref := domain.Ref{Kind: domain.KindFinding, ID: fmt.Sprintf("F%d", len(p.finds)+1)}
		p.finds = append(p.finds, ref)
		p.try(ref, inspector, p.l.now, &finding.Recorded{
			Subject: inspection.Subject{Name: "甲公司", Place: "银川"}, Description: p.text(), Category: "消防",
			FoundOn: calendar.On(p.l.now), Tasks: []domain.Ref{p.tasks[0]},
		})
		return
	}
	ref := p.finds[p.pick("finding", len(p.finds))]
	switch p.pick("finding act", 8) {
	case 0, 1:
		p.try(ref, inspector, p.l.now, &finding.Verified{})
	case 2, 3:
		p.try(ref, inspector, p.l.now, &finding.Graded{Grade: finding.GradeOrdinary, Criterion: p.text()})
	case 4:
		p.try(ref, inspector, p.l.now, &finding.RectificationOrdered{Rectifier: finding.Rectifier{Name: "甲公司"}, SupervisingOffice: p.offices[0], Deadline: p.date()})
	case 5:
		p.try(ref, inspector, p.l.now, &finding.RectificationReported{Particulars: domain.Particulars{Evidence: p.evidence()}, Summary: p.text()})
	case 6:
		p.try(ref, clerk, p.l.now, &finding.Reinspected{Passed: p.pick("passed", 2) == 0, Opinion: p.text()})
	default:
		p.try(ref, inspector, p.l.now, &finding.WrittenOff{})
	}
}

// correct voids an event of a task or a finding, or amends its time.
func (p *player) correct() {
	refs := append(p.tasks[:len(p.tasks):len(p.tasks)], p.finds...)
	ref := refs[p.pick("corrected", len(refs))]
	h := p.l.events[ref]
	if len(h) == 0 {
		return
	}
	target := h[p.pick("target", len(h))]
	c := domain.Correction{Target: target.ID, Mode: domain.ModeVoid, Reason: "录入有误"}
	if p.pick("amend", 2) == 0 {
		b, err := json.Marshal(target.Time.Add(-time.Duration(p.pick("earlier", 100)) * time.Hour))
		if err != nil {
			p.t.Fatalf("encode a time: %v", err)
		}
		c.Mode, c.Changes = domain.ModeAmend, json.RawMessage(`{"time":`+string(b)+`}`)
	}
	var ask domain.Payload = &task.Corrected{Correction: c}
	if ref.Kind == domain.KindFinding {
		ask = &finding.Corrected{Correction: c}
	}
	p.try(ref, clerk, p.l.now, ask)
}

// void writes a transaction that is not whole.
func (p *player) void() {
	ref := p.tasks[p.pick("voided", len(p.tasks))]
	entry := domain.Entry{By: clerk, Time: p.l.now, Now: p.l.now}
	p.l.void(p.t, entry.Event(ref, &task.Cancelled{Particulars: domain.Particulars{Approval: approval}, Reason: "未完成的事务"}))
}
