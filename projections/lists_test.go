package projections

import (
	"context"
	"encoding/json"
	"iter"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"duban/domain"
	"duban/domain/calendar"
	"duban/domain/directive"
	"duban/domain/finding"
	"duban/domain/inspection"
	"duban/domain/office"
	"duban/domain/task"
	"duban/eventstore"
)

// findings adds an inspection with two findings to the story: one ordered to be put
// right by an office, one put right and written off.
func findings(t *testing.T) (*fakeLedger, []domain.Ref) {
	l, tasks, offices := story(t)
	insp := domain.Ref{Kind: domain.KindInspection, ID: "I1"}
	l.on("2019-09-01 09:00").do(t, insp, inspector, &inspection.Opened{Kind: "专项检查", Scope: "危化品企业", Team: []domain.Ref{inspector.Person}})
	f1, f2 := domain.Ref{Kind: domain.KindFinding, ID: "F1"}, domain.Ref{Kind: domain.KindFinding, ID: "F2"}
	l.do(t, f1, inspector, &finding.Recorded{Subject: inspection.Subject{Name: "宁东化工有限公司", Place: "宁东基地"}, Description: "储罐区未设置可燃气体报警装置",
		Category: "设备设施", FoundOn: "2019-09-01", Inspection: insp, Tasks: tasks[:1]})
	l.do(t, f1, inspector, &finding.Verified{})
	l.do(t, f1, inspector, &finding.Graded{Grade: finding.GradeMajor, Criterion: "重大隐患判定标准第三条"})
	l.on("2019-09-02 09:00").do(t, f1, inspector, &finding.RectificationOrdered{
		Rectifier: finding.Rectifier{Office: offices[0]}, SupervisingOffice: offices[1], Deadline: "2019-09-30"})
	l.do(t, f2, inspector, &finding.Recorded{Subject: inspection.Subject{Name: "银川商场", Place: "银川"}, Description: "疏散通道堵塞", Category: "消防", FoundOn: "2019-09-02"})
	l.do(t, f2, inspector, &finding.Verified{})
	l.do(t, f2, inspector, &finding.Graded{Grade: finding.GradeOrdinary})
	l.do(t, f2, inspector, &finding.RectifiedOnSpot{Measures: "当场清理"})
	l.on("2019-09-10 09:00").do(t, f2, clerk, &finding.WrittenOff{})
	l.do(t, insp, inspector, &inspection.Closed{Summary: "发现问题两处"})
	return l, []domain.Ref{f1, f2}
}

func TestFindings(t *testing.T) {
	l, refs := findings(t)
	m := run(t, l)
	settle(t, m, l)
	for _, c := range []struct {
		name string
		q    FindingQuery
		want []int
	}{
		{"all, the latest first", FindingQuery{}, []int{1, 0}},
		{"status", FindingQuery{Status: "written_off"}, []int{1}},
		{"grade", FindingQuery{Grade: "major"}, []int{0}},
		{"light", FindingQuery{Light: "rectification_overdue"}, []int{0}},
		{"light on the last day", FindingQuery{Light: "rectification_overdue", Today: "2019-09-30"}, nil},
		{"normal", FindingQuery{Light: "normal"}, []int{1}},
		{"supervising office", FindingQuery{Office: "应急处"}, []int{0}},
		{"rectifier", FindingQuery{Office: "a"}, []int{0}},
		{"other office", FindingQuery{Office: "c"}, nil},
		{"task", FindingQuery{Task: "task/D1-01"}, []int{0}},
		{"inspection", FindingQuery{Inspection: "I1"}, []int{0}},
		{"description", FindingQuery{Q: "可燃气体"}, []int{0}},
		{"subject", FindingQuery{Q: "商"}, []int{1}},
		{"place", FindingQuery{Q: "银川"}, []int{1}},
		{"category", FindingQuery{Q: "消防"}, []int{1}},
		{"across fields", FindingQuery{Q: "堵塞银川"}, nil},
		{"year", FindingQuery{Year: 2019}, []int{1, 0}},
		{"another year", FindingQuery{Year: 2018}, nil},
		{"by the day it was found", FindingQuery{Year: 2019, ByDay: true}, []int{0, 1}},
		{"by the day it was found, the latest first", FindingQuery{ByDay: true, Desc: true}, []int{1, 0}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.q.Today == "" {
				c.q.Today = "2019-10-01"
			}
			page, err := now(t, m).Findings(context.Background(), c.q)
			require.NoError(t, err)
			var want, have []string
			for _, i := range c.want {
				want = append(want, refs[i].ID)
			}
			for _, f := range page.Items {
				have = append(have, f.ID)
			}
			require.Equal(t, want, have)
			require.Equal(t, len(want), page.Total)
		})
	}
	for field, q := range map[string]FindingQuery{"status": {Status: "x"}, "grade": {Grade: "x"}, "light": {Light: "x"}} {
		q.Today = "2019-10-01"
		_, err := now(t, m).Findings(context.Background(), q)
		require.ErrorIs(t, err, ErrBadQuery, field)
	}

	f, err := now(t, m).Finding(context.Background(), "F1", "2019-10-03")
	require.NoError(t, err)
	require.Equal(t, "rectification_ordered", f.Status)
	require.Equal(t, "危化处", f.Rectifier)
	require.Equal(t, &Named{"b", "应急处"}, f.SupervisingOffice)
	require.Equal(t, "ordered", f.Deadline.Source)
	require.Equal(t, 3, f.Light.Days)
	require.Contains(t, f.Allowed, "report-rectification")
	require.Equal(t, []string{"D1-01"}, f.Tasks)

	sum, err := now(t, m).Summary(context.Background(), "2019-10-03")
	require.NoError(t, err)
	require.Equal(t, []Count{{"rectification_overdue", "整改逾期", 1}, {"normal", "正常", 1}}, sum.FindingLights)
	require.Len(t, sum.Grades, 2)
}

// What a finding's row says of the way from the order to the writing off.
func TestFindingOnItsWay(t *testing.T) {
	l, refs := findings(t)
	m := run(t, l)
	f1 := refs[0]
	l.on("2019-09-03 09:00").do(t, f1, inspector, &finding.PlanFiled{Goals: "g", Measures: "m", Resources: "r", Responsible: "p", Schedule: "s", Contingency: "c"})
	l.on("2019-09-20 09:00").do(t, f1, clerk, &finding.RectificationReported{Particulars: domain.Particulars{Evidence: []domain.Evidence{{SHA256: strings.Repeat("ab", 32)}}}})
	l.on("2019-09-21 09:00").do(t, f1, inspector, &finding.Reinspected{Opinion: "报警装置仍未安装"})
	l.on("2019-09-22 09:00").do(t, f1, inspector, &finding.RectificationOrdered{
		Number: "宁应急责改〔2019〕8号", Rectifier: finding.Rectifier{Name: "宁东化工有限公司"}, ResponsiblePerson: "厂长", Measures: "安装报警装置",
		FundsFen: 12_500_000, Deadline: "2019-10-31", Acceptor: "应急处"})
	settle(t, m, l)
	f, err := now(t, m).Finding(context.Background(), "F1", "2019-10-03")
	require.NoError(t, err)
	require.Equal(t, &ReinspectionView{On: "2019-09-21", Opinion: "报警装置仍未安装", Inspectors: []string{inspector.Person.ID}}, f.LastReinspection)
	require.Equal(t, []any{"宁应急责改〔2019〕8号", "安装报警装置", int64(12_500_000), "厂长", "应急处"},
		[]any{f.OrderNumber, f.Measures, f.FundsFen, f.ResponsiblePerson, f.Acceptor})
	require.Empty(t, f.WrittenOffOn)
	f, err = now(t, m).Finding(context.Background(), "F2", "2019-10-03")
	require.NoError(t, err)
	require.Equal(t, []any{"当场清理", "2019-09-10"}, []any{f.Measures, string(f.WrittenOffOn)})
}

// An export of many pages is one state of the ledger, whatever is written meanwhile.
func TestEveryFinding(t *testing.T) {
	l, _, _ := story(t)
	m := run(t, l)
	l.on("2019-09-01 09:00")
	record := func(n int) {
		l.do(t, domain.Ref{Kind: domain.KindFinding, ID: "G" + strconv.Itoa(n)}, inspector, &finding.Recorded{
			Subject: inspection.Subject{Name: "甲", Place: "乙"}, Description: "丙", Category: "丁",
			FoundOn: calendar.Date("2019-08-01").AddDays(-n % 7)})
	}
	const many = 2*maxLimit + 3
	for n := range many {
		record(n)
	}
	settle(t, m, l)
	v := now(t, m)
	seen := map[string]bool{}
	err := v.EveryFinding(context.Background(), FindingQuery{ByDay: true, Today: "2019-10-01", Limit: 1}, func(as Cutoff, rows iter.Seq2[FindingView, error]) error {
		require.Equal(t, l.Acked(), as.Sequence)
		last := calendar.Date("")
		for f, err := range rows {
			require.NoError(t, err)
			require.False(t, seen[f.ID])
			require.LessOrEqual(t, last, f.FoundOn)
			if last = f.FoundOn; len(seen) == 10 {
				record(many)
				settle(t, m, l)
			}
			seen[f.ID] = true
		}
		return nil
	})
	require.NoError(t, err)
	require.Len(t, seen, many)
}

// A correction rewrites what was found by: the words searched and the link to a task.
func TestCorrectedFindingIsFoundByItsNewWords(t *testing.T) {
	l, refs := findings(t)
	m := run(t, l)
	settle(t, m, l)
	l.on("2019-09-11 09:00").do(t, refs[0], clerk, &finding.Corrected{Correction: domain.Correction{
		Target: l.events[refs[0]][0].ID, Mode: domain.ModeAmend, Reason: "描述有误",
		Changes: json.RawMessage(`{"description":"泵房未设置通风装置","tasks":["task/D1-03"]}`)}})
	settle(t, m, l)
	for q, want := range map[string]int{"可燃气体": 0, "泵房": 1} {
		page, err := now(t, m).Findings(context.Background(), FindingQuery{Q: q, Today: "2019-10-01"})
		require.NoError(t, err)
		require.Equal(t, want, page.Total, q)
	}
	for task, want := range map[string]int{"D1-01": 0, "D1-03": 1} {
		page, err := now(t, m).Findings(context.Background(), FindingQuery{Task: task, Today: "2019-10-01"})
		require.NoError(t, err)
		require.Equal(t, want, page.Total, task)
	}
	require.NoError(t, m.Verify(context.Background()))
}

func TestInspections(t *testing.T) {
	l, _ := findings(t)
	m := run(t, l)
	settle(t, m, l)
	ctx := context.Background()
	for _, c := range []struct {
		q    InspectionQuery
		want int
	}{{InspectionQuery{}, 1}, {InspectionQuery{Status: "closed"}, 1}, {InspectionQuery{Status: "open"}, 0}, {InspectionQuery{Q: "危化 两处"}, 1}, {InspectionQuery{Q: "矿"}, 0}} {
		page, err := now(t, m).Inspections(ctx, c.q)
		require.NoError(t, err)
		require.Equal(t, c.want, page.Total, "%+v", c.q)
	}
	_, err := now(t, m).Inspections(ctx, InspectionQuery{Status: "x"})
	require.ErrorIs(t, err, ErrBadQuery)
	i, err := now(t, m).Inspection(ctx, "I1")
	require.NoError(t, err)
	require.Equal(t, []any{"专项检查", 1, "closed", "correct"}, []any{i.Kind, i.Findings, i.Status, i.Allowed[0]})
	require.EqualValues(t, "2019-09-10", i.ClosedOn)
	_, err = now(t, m).Inspection(ctx, "I2")
	require.ErrorIs(t, err, ErrNotFound)

	// Before it was closed.
	v, err := m.At(ctx, AsOf{Known: l.Acked() - 1})
	require.NoError(t, err)
	defer v.Close()
	i, err = v.Inspection(ctx, "I1")
	require.NoError(t, err)
	require.Equal(t, "open", i.Status)
}

func TestDirectives(t *testing.T) {
	l, _, offices := story(t)
	second, _ := l.on("2019-08-02 09:00").directive(t, "D2", "宁安办〔2019〕8号", "关于开展汛期安全检查的通知",
		clauseSpec{text: "检查尾矿库。", offices: offices[:1]})
	l.do(t, second, clerk, &directive.Voided{Reason: "误导入"})
	m := run(t, l)
	settle(t, m, l)
	ctx := context.Background()
	for _, c := range []struct {
		q    DirectiveQuery
		want []string
	}{
		{DirectiveQuery{}, []string{"D2", "D1"}},
		{DirectiveQuery{Status: "voided"}, []string{"D2"}},
		{DirectiveQuery{Status: "in_force"}, []string{"D1"}},
		{DirectiveQuery{Q: "[2019]8号"}, []string{"D2"}},
		{DirectiveQuery{Q: "汛期"}, []string{"D2"}},
		{DirectiveQuery{Q: "尾矿库"}, []string{"D2"}},
		{DirectiveQuery{Q: "通知 矿"}, []string{"D2", "D1"}},
	} {
		page, err := now(t, m).Directives(ctx, c.q)
		require.NoError(t, err)
		var have []string
		for _, d := range page.Items {
			require.Empty(t, d.Clauses)
			have = append(have, d.ID)
		}
		require.Equal(t, c.want, have, "%+v", c.q)
	}
	_, err := now(t, m).Directives(ctx, DirectiveQuery{Status: "x"})
	require.ErrorIs(t, err, ErrBadQuery)
	first, err := now(t, m).Directives(ctx, DirectiveQuery{Limit: 1})
	require.NoError(t, err)
	next, err := now(t, m).Directives(ctx, DirectiveQuery{Limit: 1, Cursor: first.Next})
	require.NoError(t, err)
	require.Equal(t, "D1", next.Items[0].ID)
	require.Empty(t, next.Next)

	d, err := now(t, m).Directive(ctx, "directive/D1")
	require.NoError(t, err)
	require.Equal(t, []int{4, 3, 4}, []int{d.ClauseCount, d.TaskCount, d.ShareCount})
	require.Equal(t, []string{"D1-01", "D1-02", "D1-03", ""}, []string{d.Clauses[0].Task, d.Clauses[1].Task, d.Clauses[2].Task, d.Clauses[3].Task})
	require.Equal(t, []string{"一、危化品"}, d.Clauses[0].Headings)
	require.Contains(t, d.Allowed, "void")
	_, err = now(t, m).Directive(ctx, "D3")
	require.ErrorIs(t, err, ErrNotFound)
	o, err := now(t, m).Office(ctx, "a")
	require.NoError(t, err)
	require.Equal(t, []string{"危险化学品处"}, o.Aliases)
}

// An event of newer software stays in the trail; its aggregate is marked.
func TestUnknownEventMarksItsAggregate(t *testing.T) {
	l, tasks, offices := story(t)
	m := run(t, l)
	settle(t, m, l)
	h := l.heads[tasks[0]]
	l.set(func() {
		raw := []byte(`{"specversion":"1.0","id":"01JDNEW","source":"urn:duban:test","type":"duban.task.mislaid.v7","subject":"` + tasks[0].String() +
			`","time":"2019-08-03T09:00:00+08:00","recordedtime":"2019-08-03T01:00:00.000Z","version":` + strconv.FormatUint(h.Version+1, 10) +
			`,"previous":"` + h.Hash + `","actor":"person/x","authority":"role/safety_office","commandid":"c","commanddigest":"d","datacontenttype":"application/json","data":{"a":1}}`)
		r, err := l.codec.Decode(uint64(len(l.records)+1), raw)
		require.NoError(t, err)
		l.records = append(l.records, r)
		l.heads[tasks[0]] = eventstore.Head{Seq: r.Seq, Version: r.Version, Hash: r.Hash()}
	})
	settle(t, m, l)
	v, err := now(t, m).Task(context.Background(), tasks[0].ID, "2019-08-05")
	require.NoError(t, err)
	require.True(t, v.UnknownEvents)
	require.Empty(t, v.Allowed)
	page, err := now(t, m).Tasks(context.Background(), TaskQuery{Today: "2019-08-05"})
	require.NoError(t, err)
	require.True(t, page.Items[0].UnknownEvents)
	require.False(t, page.Items[1].UnknownEvents)
	trail, err := m.History(context.Background(), tasks[0], AsOf{})
	require.NoError(t, err)
	require.Equal(t, "duban.task.mislaid.v7", trail[len(trail)-1].Type)
	l.on("2019-08-06 09:00").do(t, tasks[1], of(offices[1]), &task.Acknowledged{ShareOf: task.ShareOf{Office: offices[1]}})
	settle(t, m, l)
	require.NoError(t, m.Verify(context.Background()))
}

// A write that meets damage has the file replaced and goes on from there.
func TestDamageMetByAWrite(t *testing.T) {
	l, tasks, offices := story(t)
	m := run(t, l)
	settle(t, m, l)
	old := m.pathNow()
	m.apply.Lock()
	require.NoError(t, m.cur.w.Exec("PRAGMA query_only=1")) // every write is refused as read-only
	m.apply.Unlock()
	l.on("2019-08-06 09:00").do(t, tasks[1], of(offices[1]), &task.Acknowledged{ShareOf: task.ShareOf{Office: offices[1]}})
	settle(t, m, l)
	require.NotEqual(t, old, m.pathNow())
	v, err := now(t, m).Task(context.Background(), tasks[1].ID, "2019-08-06")
	require.NoError(t, err)
	require.Equal(t, "acknowledged", v.Status)
	await(t, m, func() bool { return m.Err() == nil })
	l.on("2019-08-07 09:00").do(t, tasks[2], of(offices[2]), &task.Acknowledged{ShareOf: task.ShareOf{Office: offices[2]}})
	settle(t, m, l)
	require.NoError(t, m.Verify(context.Background()))
}

// What every request asks about its office is remembered until the rows move.
func TestEndedOffice(t *testing.T) {
	l := newLedger(t)
	safety, chem, fine := l.office(t, "SAFETY", "安委会办公室"), l.office(t, "CHEM", "化工处"), l.office(t, "FINE", "精细化工处")
	m := run(t, l)
	ended := func(ref domain.Ref) OfficeView {
		t.Helper()
		settle(t, m, l)
		first, err := m.EndedOffice(t.Context(), ref)
		require.NoError(t, err)
		again, err := m.EndedOffice(t.Context(), ref)
		require.NoError(t, err)
		require.Equal(t, first, again)
		_, known := m.ended.of(ref, m.Moved())
		require.True(t, known)
		return again
	}
	assert.Nil(t, ended(chem).Heir)
	l.do(t, chem, domain.Caller{Person: person("zhao"), Office: safety, Role: domain.RoleSafetyOffice}, &office.Merged{Into: fine})
	o := ended(chem)
	require.NotNil(t, o.Heir)
	assert.Equal(t, "精细化工处", o.Heir.Name)
	assert.Nil(t, ended(fine).Heir)
	// The heir's name is another office's row.
	l.do(t, fine, domain.Caller{Person: person("zhao"), Office: safety, Role: domain.RoleSafetyOffice}, &office.Renamed{Name: "石化处"})
	assert.Equal(t, "石化处", ended(chem).Heir.Name)
}
