package finding

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"duban/domain"
	"duban/domain/calendar"
	"duban/domain/inspection"
)

// The people of the stories. The rectifier is office/jidian, supervised by
// office/yuancai.
var (
	wang    = caller("wang", "jianyan", domain.RoleInspector)  // found it
	zhao    = caller("zhao", "jianyan", domain.RoleInspector)  // another inspector
	insider = caller("qian", "jidian", domain.RoleInspector)   // inspector, but of the rectifier
	li      = caller("li", "anban", domain.RoleSafetyOffice)   // clerk of the safety office
	zhou    = caller("zhou", "anban", domain.RoleSafetyOffice) // another clerk
	sun     = caller("sun", "jidian", domain.RoleOffice)       // of the rectifier
	wu      = caller("wu", "yuancai", domain.RoleOffice)       // of the supervising office
	zheng   = caller("zheng", "ruanjian", domain.RoleOffice)   // of neither
	auditor = caller("feng", "shenji", domain.RoleAuditor)
)

var (
	self    = domain.Ref{Kind: domain.KindFinding, ID: "01F"}
	other   = domain.Ref{Kind: domain.KindFinding, ID: "01E"}
	task1   = domain.Ref{Kind: domain.KindTask, ID: "01T"}
	jidian  = domain.Ref{Kind: domain.KindOffice, ID: "jidian"}
	yuancai = domain.Ref{Kind: domain.KindOffice, ID: "yuancai"}
)

const (
	photo  = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
	letter = "60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752"
)

func caller(person, office string, r domain.Role) domain.Caller {
	return domain.Caller{Person: domain.Ref{Kind: domain.KindPerson, ID: person}, Office: domain.Ref{Kind: domain.KindOffice, ID: office}, Role: r}
}

// A step is one command of a story: who, when in 2019, what.
type step struct {
	by  domain.Caller
	at  string
	ask domain.Payload
}

func (s step) command() domain.Command {
	return receivedThen(domain.Command{
		Entry:   domain.Entry{By: s.by, Time: clockOf(s.at), Now: clockOf("12-31 12:00")},
		Subject: self, Ask: s.ask,
	})
}

// receivedThen lets no paper come in before the day of which it tells.
func receivedThen(c domain.Command) domain.Command {
	p := c.Ask.Circumstances()
	if day := calendar.On(c.Time); p.ReceivedOn != "" && p.ReceivedOn < day {
		p.ReceivedOn = day
	}
	return c
}

// clockOf reads "07-01" or "07-01 15:04" of 2019.
func clockOf(at string) time.Time {
	if len(at) == len("07-01") {
		at += " 09:00"
	}
	t, err := time.ParseInLocation("2006-01-02 15:04", "2019-"+at, calendar.Zone)
	if err != nil {
		panic(err)
	}
	return t
}

// decide gives a command to a history, as the api does.
func decide(history []domain.Event, c domain.Command) ([]domain.Event, error) {
	if _, ok := c.Ask.(domain.Corrector); ok {
		return Correct(history, c)
	}
	return Decide(Replay(history), c)
}

// record appends what was decided under the ids e1, e2 …
func appendTo(history []domain.Event, events []domain.Event) []domain.Event {
	for _, e := range events {
		n := len(history) + 1
		e.ID, e.Version, e.Seq = fmt.Sprintf("e%d", n), uint64(n), uint64(n)
		history = append(history, e)
	}
	return history
}

// given plays a story whose steps are all accepted.
func given(t testing.TB, story ...step) []domain.Event {
	t.Helper()
	var history []domain.Event
	for i, s := range story {
		events, err := decide(history, s.command())
		if err != nil {
			t.Fatalf("step %d of the story, %s: %v", i+1, s.ask.EventType(), err)
		}
		history = appendTo(history, events)
		if err := CheckHistory(history); err != nil {
			t.Fatalf("after step %d, %s, the history is refused: %v", i+1, s.ask.EventType(), err)
		}
	}
	return history
}

// when gives one more command; then either the state it leads to is returned, or
// the refusal.
func when(t testing.TB, history []domain.Event, s step) (State, *domain.Refusal) {
	t.Helper()
	events, err := decide(history, s.command())
	if err == nil {
		history = appendTo(history, events)
		if err := CheckHistory(history); err != nil {
			t.Fatalf("accepted, but the history is refused: %v", err)
		}
		return Replay(history), nil
	}
	var r *domain.Refusal
	if !errors.As(err, &r) {
		t.Fatalf("no refusal but an error: %v", err)
	}
	return State{}, r
}

// A scenario tells what one command comes to after a story: the status then, or
// the rule that refuses it.
type scenario struct {
	name    string
	given   []step
	when    step
	then    Status
	refused string
}

func (sc scenario) run(t *testing.T) {
	t.Helper()
	s, r := when(t, given(t, sc.given...), sc.when)
	switch {
	case r == nil && sc.refused != "":
		t.Fatalf("accepted, now %v; want refusal %s", s.Status, sc.refused)
	case r != nil && r.Rule != sc.refused:
		t.Fatalf("refused by %s (%v), want %q %v", r.Rule, r, sc.refused, sc.then)
	case r != nil && (r.Chinese == "" || r.English == ""):
		t.Fatalf("refusal %s lacks words", r.Rule)
	case r == nil && s.Status != sc.then:
		t.Fatalf("now %v, want %v", s.Status, sc.then)
	}
}

// The usual payloads.

func aRecord() *Recorded {
	return &Recorded{
		Subject:     inspection.Subject{Name: "塞上铝业有限公司", USCC: "91350100M000100Y43", Place: "三号铸造车间"},
		Description: "深井铸造冷却水系统未设置进出水温度、流量监测", Category: "工艺设备", FoundOn: "2019-07-01",
		Tasks: []domain.Ref{task1},
	}
}

func anOrder(deadline calendar.Date) *RectificationOrdered {
	return &RectificationOrdered{
		Rectifier: Rectifier{Office: jidian, Name: "机电处"}, SupervisingOffice: yuancai,
		ResponsiblePerson: "陈", Deadline: deadline,
	}
}

func aReport() *RectificationReported {
	return &RectificationReported{Particulars: with(photo), Summary: "已加装"}
}

func aPlan() *PlanFiled {
	return &PlanFiled{Goals: "一", Measures: "二", Resources: "三", Responsible: "四", Schedule: "五", Contingency: "六"}
}

func looked(passed bool) *Reinspected { return &Reinspected{Passed: passed, Opinion: "现场复查"} }

func with(digests ...string) domain.Particulars {
	var p domain.Particulars
	for _, d := range digests {
		p.Evidence = append(p.Evidence, domain.Evidence{SHA256: d, Size: 1})
	}
	return p
}

func approved() domain.Particulars {
	return domain.Particulars{Approval: &domain.Approval{Leader: "副主任", On: "2019-07-01", Words: "同意"}}
}

// approvedOn adds an approval of a day of 2019, or of a whole date.
func approvedOn(on string, p domain.Particulars) domain.Particulars {
	if len(on) == len("07-01") {
		on = "2019-" + on
	}
	p.Approval = approved().Approval
	p.Approval.On = calendar.Date(on)
	return p
}

func behalf(of domain.Ref) domain.Particulars {
	p := with(letter)
	p.OnBehalfOf, p.ReceivedVia, p.ReceivedOn = of, domain.ViaPaper, "2019-07-01" // or later, see receivedThen
	return p
}

// The stories most scenarios start from; each is the one before and one step.

func then(story []step, more ...step) []step {
	return append(slices.Clip(slices.Clone(story)), more...)
}

var (
	recordedStory   = []step{{wang, "07-01", aRecord()}}
	verifiedStory   = then(recordedStory, step{wang, "07-02", &Verified{}})
	ordinaryStory   = then(verifiedStory, step{wang, "07-03", &Graded{Grade: GradeOrdinary}})
	majorStory      = then(verifiedStory, step{wang, "07-03", &Graded{Grade: GradeMajor, Criterion: "工贸行业重大生产安全事故隐患判定标准"}})
	onSpotStory     = then(ordinaryStory, step{wang, "07-03 10:00", &RectifiedOnSpot{Measures: "当场加装护罩"}})
	orderedStory    = then(majorStory, step{wang, "07-04", anOrder("2019-07-31")})
	reportedStory   = then(orderedStory, step{sun, "07-20", aReport()})
	passedStory     = then(reportedStory, step{zhao, "07-22", looked(true)})
	failedStory     = then(reportedStory, step{zhao, "07-22", looked(false)})
	writtenStory    = then(passedStory, step{li, "07-25", &WrittenOff{}})
	closureStory    = then(failedStory, step{wang, "08-01", &ClosureOrdered{DecisionNo: "关〔2019〕1号"}})
	closedStory     = then(closureStory, step{wang, "08-10", &ClosureVerified{}})
	dismissedStory  = then(recordedStory, step{wang, "07-02", &Dismissed{Reason: "不是隐患"}})
	duplicateStory  = then(majorStory, step{li, "07-05", &DuplicateOf{Original: other}})
	terminatedStory = then(orderedStory, step{li, "07-10", &Terminated{Particulars: with(letter), Cause: CauseEnterpriseClosed, Proof: "注销登记"}})
)
