package forms_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"duban/api/forms"
	"duban/api/workbook"
	"duban/domain"
	"duban/domain/calendar"
	"duban/domain/finding"
)

const registerHeader = "序号,隐患内容,排查日期,隐患类型,隐患级别,责任单位,整改期限,整改措施与要求,复查结果,复查日期,隐患状态\n"

// hazard reads one row of a register.
func hazard(t *testing.T, line string) (forms.Hazard, error) {
	t.Helper()
	table := forms.HazardRegister()
	r, err := workbook.Read([]byte(registerHeader+line+"\n"), table, workbook.Limits{})
	require.NoError(t, err)
	require.Empty(t, r.Problems)
	require.Len(t, r.Rows, 1)
	return forms.ReadHazard(&forms.Returned{Table: table, Reading: r}, r.Rows[0])
}

var (
	keeper    = office("shi")   // whose register it is
	works     = office("chang") // 责任单位 in the ledger
	supervise = office("chu")
	clerk     = domain.Caller{Person: domain.Ref{Kind: domain.KindPerson, ID: "li"}, Office: office("anban"), Role: domain.RoleSafetyOffice}
)

func office(id string) domain.Ref { return domain.Ref{Kind: domain.KindOffice, ID: id} }

func hazards() forms.HazardImport {
	return forms.HazardImport{
		Terms: forms.Terms{By: clerk, Today: "2019-12-20", OnBehalfOf: keeper, ReceivedVia: domain.ViaPaper, ReceivedOn: "2019-12-10",
			Sheet: domain.Evidence{SHA256: strings.Repeat("0a", 32), Size: 1}},
		Supervising: supervise, Criterion: "重大隐患判定标准第三条",
		Approval: &domain.Approval{Leader: "分管领导", On: "2019-12-18", Words: "同意由一人补录"},
	}
}

// A ledger of one finding, as the api keeps it.
type book struct{ history []domain.Event }

func (b *book) state() finding.State { return finding.Replay(b.history) }

// enter records steps, as the domain lets it.
func (b *book) enter(t *testing.T, steps ...forms.Step) {
	t.Helper()
	for _, s := range steps {
		at := s.On.Start()
		if n := len(b.history); n > 0 && b.history[n-1].Time.After(at) && calendar.On(b.history[n-1].Time) == s.On {
			at = b.history[n-1].Time
		}
		b.act(t, at, s.Ask)
	}
}

func (b *book) act(t *testing.T, at time.Time, ask domain.Payload) {
	t.Helper()
	events, err := finding.Decide(b.state(), domain.Command{
		Entry:   domain.Entry{By: clerk, Time: at, Now: calendar.Date("2019-12-20").Start()},
		Subject: domain.Ref{Kind: domain.KindFinding, ID: "01F"}, Ask: ask,
	})
	require.NoError(t, err)
	for _, e := range events {
		e.ID = fmt.Sprintf("e%d", len(b.history)+1)
		b.history = append(b.history, e)
	}
}

// take brings an edition's row into the book and returns what was recorded, an act
// and a day each.
func (b *book) take(t *testing.T, line string) []string {
	t.Helper()
	h, err := hazard(t, line)
	require.NoError(t, err)
	steps, err := hazards().Steps(h, b.history)
	require.NoError(t, err)
	b.enter(t, steps...)
	return days(steps)
}

func days(steps []forms.Step) []string {
	var out []string
	for _, s := range steps {
		out = append(out, domain.ShortType(s.Ask)+" "+string(s.On)[5:])
	}
	return out
}

func rule(err error) string {
	var r *domain.Refusal
	if errors.As(err, &r) {
		return r.Rule
	}
	return fmt.Sprint(err)
}

// What a row says is what is recorded, each step on the day the register gives or
// on the latest known before it.
func TestPlanOfNewHazards(t *testing.T) {
	for _, c := range []struct {
		line, steps string
		status      finding.Status
	}{
		{"1,配电箱未上锁,2019-07-03,用电,一般,甲厂,2019-07-20,上锁,,,未整改",
			"recorded 07-03, verified 07-03, graded 07-03, rectification_ordered 07-03", finding.StatusOrdered},
		{"1,配电箱未上锁,2019-07-03,用电,一般,甲厂,2019-07-20,上锁,,,已整改",
			"recorded 07-03, verified 07-03, graded 07-03, rectification_ordered 07-03, rectification_reported 07-20", finding.StatusReported},
		{"1,配电箱未上锁,2019-07-03,用电,一般,甲厂,2019-12-31,上锁,,,已整改", // the deadline is yet to come
			"recorded 07-03, verified 07-03, graded 07-03, rectification_ordered 07-03, rectification_reported 07-03", finding.StatusReported},
		{"1,配电箱未上锁,2019-07-03,用电,一般,甲厂,2019-07-20,上锁,合格,2019-08-02,已销号",
			"recorded 07-03, verified 07-03, graded 07-03, rectification_ordered 07-03, rectification_reported 07-20, reinspected 08-02, written_off 08-02", finding.StatusWrittenOff},
		{"1,配电箱未上锁,2019-07-03,用电,重大,甲厂,2019-07-20,上锁,合格,2019-07-12,已销号", // put right before the deadline
			"recorded 07-03, verified 07-03, graded 07-03, rectification_ordered 07-03, rectification_reported 07-03, reinspected 07-12, written_off 07-12", finding.StatusWrittenOff},
		{"1,配电箱未上锁,2019-07-03,用电,一般,甲厂,2019-07-20,上锁,合格,,复查合格",
			"recorded 07-03, verified 07-03, graded 07-03, rectification_ordered 07-03, rectification_reported 07-20, reinspected 07-20", finding.StatusPassed},
		{"1,配电箱未上锁,2019-07-03,用电,一般,甲厂,2019-07-20,上锁,不合格,2019-08-02,整改中",
			"recorded 07-03, verified 07-03, graded 07-03, rectification_ordered 07-03, rectification_reported 07-20, reinspected 08-02", finding.StatusFailed},
		{"1,配电箱未上锁,2019-07-03,用电,一般,甲厂,,,,,未整改", "recorded 07-03, verified 07-03, graded 07-03", finding.StatusGraded},
		{"1,配电箱未上锁,2019-07-03,,,甲厂,,,,,未整改", "recorded 07-03, verified 07-03", finding.StatusVerified},
	} {
		var b book
		assert.Equal(t, c.steps, strings.Join(b.take(t, c.line), ", "), c.line)
		assert.Equal(t, c.status, b.state().Status, c.line)
		for _, e := range b.history {
			p := e.Data.Circumstances()
			assert.False(t, p.OnBehalfOf.IsZero(), "%s is nobody's", e.Data.EventType())
			assert.NotEmpty(t, p.Evidence)
			assert.Contains(t, p.Note, "第 2 行（序号 1）")
		}
		assert.Empty(t, b.take(t, c.line), "the same row again: %s", c.line)
	}
}

func TestPlanSaysWhatIsAssumed(t *testing.T) {
	h, err := hazard(t, "7,配电箱未上锁,2019-07-03,用 电,一般,甲厂,2019-07-20,上锁,复查通过,2019-08-02,已闭环")
	require.NoError(t, err)
	im := hazards()
	im.Categories = map[string]string{"用 电": "电气"}
	im.Offices = map[string]domain.Ref{forms.OfficeKey("甲　厂"): works}
	steps, err := im.Steps(h, nil)
	require.NoError(t, err)
	require.Len(t, steps, 7)
	recorded := steps[0].Ask.(*finding.Recorded)
	assert.Equal(t, "电气", recorded.Category)
	assert.Equal(t, "甲厂", recorded.Subject.Name)
	assert.Equal(t, "原台账未载明", recorded.Subject.Place)
	assert.Equal(t, "据原台账第 2 行（序号 7）补录。", recorded.Note)
	order := steps[3].Ask.(*finding.RectificationOrdered)
	assert.Equal(t, finding.Rectifier{Office: works, Name: "甲厂"}, order.Rectifier)
	assert.Equal(t, supervise, order.SupervisingOffice)
	assert.Equal(t, calendar.Date("2019-07-20"), order.Deadline)
	report := steps[4].Ask.(*finding.RectificationReported)
	assert.Equal(t, works, report.OnBehalfOf, "the rectifier speaks for itself")
	assert.Equal(t, "据原台账第 2 行（序号 7）补录。原台账没有报告整改的日期，按整改期限 2019-07-20 记。", report.Note)
	looked := steps[5].Ask.(*finding.Reinspected)
	assert.Equal(t, keeper, looked.OnBehalfOf)
	assert.Equal(t, "原台账复查结果：复查通过；隐患状态：已闭环", looked.Opinion, "as the register words it")
	assert.NotContains(t, looked.Note, "没有")
	assert.Contains(t, steps[6].Ask.Circumstances().Note, "按上一环节的日期 2019-08-02 记")
}

// A later edition moves a finding on by what is new in it, an older one by nothing.
func TestPlanOfLaterEditions(t *testing.T) {
	const open, reported = "1,配电箱未上锁,2019-07-03,用电,一般,甲厂,2019-07-20,,,,整改中", "1,配电箱未上锁,2019-07-03,用电,一般,甲厂,2019-07-20,,,,待验收"
	const failed = "1,配电箱未上锁,2019-07-03,用电,一般,甲厂,2019-07-20,,不合格,2019-07-25,未整改"
	const closed = "1,配电箱未上锁,2019-07-03,用电,一般,甲厂,2019-08-20,,合格,2019-08-22,已销号"
	for _, c := range []struct {
		before []string
		line   string
		steps  string
	}{
		{[]string{open}, reported, "rectification_reported 07-20"},
		{[]string{open}, closed, "rectification_reported 08-20, reinspected 08-22, written_off 08-22"},
		{[]string{reported}, failed, "reinspected 07-25"},
		{[]string{failed}, closed, "rectification_ordered 07-25, rectification_reported 08-20, reinspected 08-22, written_off 08-22"},
		{[]string{failed}, "1,配电箱未上锁,2019-07-03,用电,一般,甲厂,2019-08-20,,不合格,2019-08-22,未整改", "rectification_ordered 07-25, rectification_reported 08-20, reinspected 08-22"},
		{[]string{failed}, open, ""},
		{[]string{failed}, reported, ""},
		{[]string{failed, closed}, failed, ""},
		{[]string{closed}, open, ""},
		{[]string{closed}, reported, ""},
		{[]string{"1,配电箱未上锁,2019-07-03,,,甲厂,,,,,未整改"}, closed, "graded 07-03, rectification_ordered 07-03, rectification_reported 08-20, reinspected 08-22, written_off 08-22"},
	} {
		var b book
		for _, line := range c.before {
			b.take(t, line)
		}
		assert.Equal(t, c.steps, strings.Join(b.take(t, c.line), ", "), "%v, then %s", c.before, c.line)
	}
}

// The report of what was ordered by hand comes from whom it was ordered.
func TestReportForTheOrderedOffice(t *testing.T) {
	var b book
	b.take(t, "1,配电箱未上锁,2019-07-03,用电,一般,甲厂,,,,,未整改")
	b.act(t, calendar.Date("2019-07-04").Start(), &finding.RectificationOrdered{Rectifier: finding.Rectifier{Office: works}, Deadline: "2019-07-20"})
	b.take(t, "1,配电箱未上锁,2019-07-03,用电,一般,甲厂,2019-07-20,,,,已整改")
	last := b.history[len(b.history)-1]
	assert.Equal(t, works, last.Data.Circumstances().OnBehalfOf)
}

// What the clerk recorded by hand on the same day stands before what the register adds.
func TestPlanBehindAnActOfTheSameDay(t *testing.T) {
	var b book
	b.take(t, "1,配电箱未上锁,2019-07-03,用电,一般,甲厂,2019-07-20,,,,整改中")
	b.act(t, calendar.Date("2019-07-20").Start().Add(15*time.Hour), &finding.RectificationReported{Particulars: domain.Particulars{Evidence: []domain.Evidence{hazards().Sheet}}})
	assert.Equal(t, []string{"reinspected 07-20", "written_off 07-20"}, b.take(t, "1,配电箱未上锁,2019-07-03,用电,一般,甲厂,2019-07-20,,合格,2019-07-20,已销号"))
}

func TestUnclearHazards(t *testing.T) {
	const open = "1,配电箱未上锁,2019-07-03,用电,一般,甲厂,2019-07-20,,,,整改中"
	const failed = "1,配电箱未上锁,2019-07-03,用电,一般,甲厂,2019-07-20,,不合格,2019-07-25,未整改"
	const closed = "1,配电箱未上锁,2019-07-03,用电,一般,甲厂,2019-07-20,,合格,2019-07-25,已销号"
	for _, c := range []struct{ before, line, rule string }{
		{"", "1,配电箱未上锁,2019-07-03,用电,一般,甲厂,2019-07-20,,,,", "register.state"},
		{"", "1,配电箱未上锁,2019-07-03,用电,一般,甲厂,2019-07-20,,,,已销号", "register.outcome"},
		{"", "1,配电箱未上锁,2019-07-03,用电,一般,甲厂,2019-07-20,,不合格,2019-07-25,已销号", "register.contradiction"},
		{"", "1,配电箱未上锁,2019-07-03,用电,一般,甲厂,2019-07-20,,合格,2019-07-25,未整改", "register.contradiction"},
		{"", "1,配电箱未上锁,2019-07-03,用电,一般,甲厂,2019-07-20,,不合格,2019-07-25,复查合格", "register.contradiction"},
		{"", "1,配电箱未上锁,2019-07-03,用电,一般,甲厂,2019-07-20,,不合格,2019-07-25,已整改", "register.contradiction"},
		{"", "1,配电箱未上锁,2019-07-03,用电,一般,甲厂,2019-07-20,,,2019-07-25,已整改", "register.outcome"},
		{"", "1,配电箱未上锁,2019-07-03,用电,一般,甲厂,2019-07-01,,,,整改中", "register.dates"},
		{"", "1,配电箱未上锁,2019-07-03,用电,一般,甲厂,2019-07-20,,合格,2019-07-02,已销号", "register.dates"},
		{"", "1,配电箱未上锁,2019-07-03,用电,,甲厂,2019-07-20,,合格,2019-07-25,已销号", "register.grade"},
		{"", "1,配电箱未上锁,2019-07-03,用电,一般,甲厂,,,合格,2019-07-25,已销号", "register.deadline"},
		{"", "1,配电箱未上锁,2019-12-11,用电,一般,甲厂,2019-12-20,,,,整改中", "behalf.received_before"},
		{"", "1,配电箱未上锁,2019-07-03,用电,一般,甲厂,2019-07-20,,合格,2019-12-11,已销号", "behalf.received_before"},
		{closed, failed[:len(failed)-len("2019-07-25,未整改")] + "2019-07-30,未整改", "register.passed"},
		{failed, closed, "register.reinspected_on"}, // of the same day
		{failed, "1,配电箱未上锁,2019-07-03,用电,一般,甲厂,2019-07-20,,合格,2019-08-22,已销号", "register.deadline"},
		{"1,配电箱未上锁,2019-07-03,用电,一般,甲厂,2019-07-20,,,,已整改", "1,配电箱未上锁,2019-07-03,用电,一般,甲厂,2019-07-20,,合格,2019-07-15,已销号", "register.dates"},
		{open, open, "<nil>"},
	} {
		var b book
		if c.before != "" {
			b.take(t, c.before)
		}
		h, err := hazard(t, c.line)
		if err == nil {
			_, err = hazards().Steps(h, b.history)
		}
		assert.Equal(t, c.rule, rule(err), c.line)
	}

	h, err := hazard(t, "1,配电箱未上锁,2019-07-03,用电,重大,甲厂,2019-07-20,,,,整改中")
	require.NoError(t, err)
	im := hazards()
	im.Criterion = ""
	_, err = im.Steps(h, nil)
	assert.Equal(t, "register.criterion", rule(err))

	var b book
	b.take(t, open)
	b.act(t, calendar.Date("2019-08-01").Start(), &finding.Terminated{
		Particulars: domain.Particulars{Evidence: []domain.Evidence{hazards().Sheet}}, Cause: finding.CauseEnterpriseClosed, Proof: "注销登记"})
	_, err = hazards().Steps(h, b.history)
	assert.Equal(t, "register.ended", rule(err))
}

// One clerk enters both sides of a check only with a leader's approval, and only the
// acts that need it carry it.
func TestApprovalOfHazards(t *testing.T) {
	const head, tail = "1,配电箱未上锁,2019-07-03,用电,", ",甲厂,2019-07-20,,合格,2019-08-02,已销号"
	approved := func(steps []forms.Step) string {
		var list []string
		for _, s := range steps {
			if s.Ask.Circumstances().Approval != nil {
				list = append(list, s.Act)
			}
		}
		return strings.Join(list, ", ")
	}
	for grade, want := range map[string]string{"一般": "reinspect", "重大": "reinspect, write-off"} {
		h, err := hazard(t, head+grade+tail)
		require.NoError(t, err)
		steps, err := hazards().Steps(h, nil)
		require.NoError(t, err)
		assert.Equal(t, want, approved(steps), grade)
		im := hazards()
		im.Approval = nil
		_, err = im.Steps(h, nil)
		assert.Equal(t, "finding.reinspected.entered", rule(err))
	}
	// What a colleague entered is checked by another pair of hands.
	var b book
	b.take(t, "1,配电箱未上锁,2019-07-03,用电,一般,甲厂,2019-07-20,,,,已整改")
	h, err := hazard(t, head+"一般"+tail)
	require.NoError(t, err)
	im := hazards()
	im.Approval, im.By.Person.ID = nil, "zhou"
	steps, err := im.Steps(h, b.history)
	require.NoError(t, err)
	assert.Empty(t, approved(steps))
}

// A whole file: what becomes of each row, and why.
func TestPlanOfARegister(t *testing.T) {
	lines := []string{
		"1,配电箱未上锁,2019-07-03,用电,一般,甲厂,2019-07-20,上锁,合格,2019-08-02,已销号", // 2: on from where it is
		"2,通道堆放杂物,2019-07-04,消防,一般,甲厂,2019-07-10,清理,,,未整改",             // 3: new
		"3,通道堆放　杂物,2019年7月4日,消防,一般,甲厂,2019-07-10,清理,,,已整改",             // 4: the same again
		"4,护栏缺失,七月五日,消防,一般,乙厂,2019-07-10,加装,,,未整改",                     // 5: no date
		"5,护栏缺失,2019-07-05,消防,特大,乙厂,2019-07-10,加装,,,未整改",               // 6: no grade there is
		"6,油桶露天存放,2019-07-06,危化,一般,乙厂,2019-07-10,移库,,,已销号",             // 7: unclear
		"7,接地不良,2019-07-07,用电,重大,丙厂,2019-07-30,整改,,,整改中",               // 8: as the ledger has it, but for the deadline
		"8,气瓶无防倾倒,2019-07-08,危化,一般,丁厂,2019-08-15,固定,合格,2019-08-16,已销号", // 9: failed, ordered again, passed
	}
	table := forms.HazardRegister()
	r, err := workbook.Read([]byte(registerHeader+strings.Join(lines, "\n")+"\n"), table, workbook.Limits{})
	require.NoError(t, err)
	var first, last, failed book
	failed.take(t, "8,气瓶无防倾倒,2019-07-08,危化,一般,丁厂,2019-07-20,固定,不合格,2019-07-21,未整改")
	first.take(t, "1,配电箱未上锁,2019-07-03,电气,一般,甲厂,2019-07-20,,,,整改中")
	last.take(t, "7,接地不良,2019-07-07,用电,重大,丙厂,2019-07-25,整改,,,整改中")
	held := map[string][]domain.Event{
		forms.ClaimOf("hazard", "配电箱未上锁", "2019-07-03", "甲厂"): first.history, forms.ClaimOf("hazard", "接地不良", "2019-07-07", "丙厂"): last.history,
		forms.ClaimOf("hazard", "气瓶无防倾倒", "2019-07-08", "丁厂"): failed.history,
	}
	plan, err := hazards().Plan(&forms.Returned{Table: table, Reading: r}, func(claim string) ([]domain.Event, error) { return held[claim], nil })
	require.NoError(t, err)
	var got []string
	for _, row := range plan.Rows {
		line := fmt.Sprint(row.Number, " ", row.Outcome, " ", len(row.Steps))
		for _, c := range row.Changes {
			line += " " + c.Was + "→" + c.Becomes
		}
		for _, p := range row.Reasons {
			assert.Equal(t, row.Number, p.Row)
			line += " " + p.Rule + " " + p.Column
		}
		assert.Equal(t, row.Outcome == forms.OutcomeNew, row.Claim != "", line)
		got = append(got, line)
	}
	assert.Equal(t, []string{
		"2 changed 3 整改中→已销号 register.differs 隐患类型",
		"3 new 4",
		"4 refused 0 register.twice 隐患内容",
		"5 refused 0 date.form 排查日期",
		"6 refused 0 cell.choice 隐患级别",
		"7 refused 0 register.outcome 复查结果",
		"8 already 0 register.differs 整改期限",
		"9 changed 4 复查不合格→已销号",
	}, got)
	assert.Contains(t, plan.Rows[2].Reasons[0].Words, "第 3 行")
	assert.Equal(t, domain.Ref{Kind: domain.KindFinding, ID: "01F"}, plan.Rows[0].Steps[0].Target)

	_, err = hazards().Plan(&forms.Returned{Table: table, Reading: r}, func(string) ([]domain.Event, error) { return nil, errors.New("no disk") })
	assert.EqualError(t, err, "no disk")
}

// The row is the same whatever moved on in it, and however it is typed.
func TestHazardKey(t *testing.T) {
	key := func(line string) string {
		h, err := hazard(t, line)
		require.NoError(t, err)
		return h.Key()
	}
	one := key("1,配电箱(A区)未上锁,2019-07-03,用电,一般,甲厂,2019-07-20,,,,整改中")
	assert.Equal(t, one, key("9,配电箱（Ａ区） 未上锁,2019年7月3日,消防,重大,甲　厂,2019-08-20,x,合格,2019-08-01,已销号"))
	for _, other := range []string{
		"1,配电箱(B区)未上锁,2019-07-03,用电,一般,甲厂,2019-07-20,,,,整改中", "1,配电箱(A区)未上锁,2019-07-04,用电,一般,甲厂,2019-07-20,,,,整改中", "1,配电箱(A区)未上锁,2019-07-03,用电,一般,乙厂,2019-07-20,,,,整改中",
	} {
		assert.NotEqual(t, one, key(other))
	}
}

func TestWithHeader(t *testing.T) {
	table, err := forms.HazardRegister().WithHeader("隐患情况", "隐患内容")
	require.NoError(t, err)
	table, err = table.WithHeader("类型", "隐患级别") // which is a way to write 隐患类型
	require.NoError(t, err)
	r, err := workbook.Read([]byte("隐患情况,排查日期,责任单位,类型\n门未锁,2019-07-03,甲厂,重大\n"), table, workbook.Limits{})
	require.NoError(t, err)
	require.Empty(t, r.Problems)
	h, err := forms.ReadHazard(&forms.Returned{Table: table, Reading: r}, r.Rows[0])
	assert.Equal(t, "register.state", rule(err))
	assert.Equal(t, "门未锁", h.Description)
	assert.Equal(t, finding.GradeMajor, h.Grade)
	for _, bad := range [][2]string{{"", "隐患内容"}, {"x", "隐患"}, {"责任单位", "隐患内容"}} {
		_, err = table.WithHeader(bad[0], bad[1])
		assert.Error(t, err, bad)
	}
}
