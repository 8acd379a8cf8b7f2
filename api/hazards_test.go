package api_test

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"

	"duban/api"
	"duban/api/forms"
	"duban/api/workbook"
	"duban/domain/calendar"
	"duban/projections"
)

// A register as a city bureau keeps it: its own title and header words, dates as
// the spreadsheet counts them and as people write them, one cell for neighbours of
// one enterprise, remarks under the table, and rows that are wrong.
type register struct {
	t    testing.TB
	file *excelize.File
}

const registerSheet = "台账"

func newRegister(t testing.TB) register {
	r := register{t, excelize.NewFile()}
	t.Cleanup(func() { require.NoError(t, r.file.Close()) })
	require.NoError(t, r.file.SetSheetName("Sheet1", registerSheet))
	r.rows(1,
		[]any{"某市工业企业隐患排查治理台账"},
		[]any{"填报单位：某市工业和信息化局", nil, nil, nil, nil, nil, nil, nil, nil, "截至2019年12月10日"},
		[]any{"序号", "隐患情况", "排查日期", "隐患类型", "隐患级别", "责任单位", "整改期限", "整改措施与要求", "复查结果", "复查日期", "隐患状态"},
		[]any{1, "配电箱门未上锁", serial("2019-07-03"), "用电", "一般", "某某机械厂", serial("2019-07-20"), "上锁并专人保管钥匙", "合格", serial("2019-07-22"), "已销号"},
		[]any{2, "消防通道堆放杂物", "２０１９年７月４日", "消防", "一般隐患", nil, "2019.7.15", "清理通道", "复查通过", "2019/7/16", "已闭环"},
		[]any{3, "危险化学品仓库超量储存", "2019-07-10", "危化", "重大", "某某化工有限公司", "2019-09-30", "转移超量部分", "合格", "2019年10月8日", "已销号"},
		[]any{4, "可燃气体报警器未校验", 43682, "危化", "一般", nil, "2019-08-31", "送检", "不合格", "2019-09-03", "整改中"},
		[]any{5, "操作规程未张贴", "2019-08-05", "管理", "一般", nil, "2019-08-20", "张贴", nil, nil, "已整改"},
		[]any{6, "起重机限位失灵", "2019-09-12 00:00:00", "设备", "一般", "某某建材厂", "2019-12-31", "更换限位器", nil, nil, "整改中"},
		[]any{7, "临边防护缺失", "2019-09-12", "设备", "一般", "某某建材厂", nil, "加装护栏", nil, nil, "未整改"},
		[]any{8, "接地电阻超标", "2019-10-09", "用电", "一般", "某某建材厂", "2019-10-31", "重新接地", "合格", "2019-11-04", "复查合格"},
		[]any{9, "消防通道　堆放杂物", "2019-7-4", "消防", "一般", "某某机械厂", "2019-07-15", "清理通道", "合格", "2019-07-16", "已销号"},
		[]any{10, "粉尘清扫不及时", "2019-10-10", "粉尘", "一般", "某某木业厂", "2019-10-20", "按班清扫", nil, nil, "已销号"},
		[]any{11, "安全阀铅封损坏", "十月十一日", "设备", "一般", "某某木业厂", "2019-10-20", "重新校验", nil, nil, "整改中"},
		[]any{12, "应急预案未演练", "2019-12-11", "管理", "一般", "某某木业厂", "2019-12-30", "组织演练", nil, nil, "整改中"},
		[]any{"注：本台账每月更新一次，已销号的次年归档。"},
		[]any{"填表人：", nil, nil, nil, nil, nil, nil, nil, "联系电话："},
	)
	for _, m := range [][2]string{{"A1", "K1"}, {"F4", "F5"}, {"F6", "F8"}, {"A16", "K16"}} {
		require.NoError(t, r.file.MergeCell(registerSheet, m[0], m[1]))
	}
	date, err := r.file.NewStyle(&excelize.Style{NumFmt: 14})
	require.NoError(t, err)
	require.NoError(t, r.file.SetCellStyle(registerSheet, "C4", "C7", date))
	return r
}

// serial is a date as a spreadsheet stores it.
func serial(d calendar.Date) int { return d.DaysSince("1899-12-30") }

func (r register) rows(from int, rows ...[]any) {
	r.t.Helper()
	for i, row := range rows {
		cell, err := excelize.CoordinatesToCellName(1, from+i)
		require.NoError(r.t, err)
		require.NoError(r.t, r.file.SetSheetRow(registerSheet, cell, &row))
	}
}

// set changes cells, as the bureau does for the next edition.
func (r register) set(cells map[string]any) {
	r.t.Helper()
	for cell, v := range cells {
		require.NoError(r.t, r.file.SetCellValue(registerSheet, cell, v))
	}
}

func (r register) bytes() string {
	r.t.Helper()
	b, err := r.file.WriteToBuffer()
	require.NoError(r.t, err)
	return b.String()
}

// A bureau is a ledger to which a register is brought.
type bureau struct {
	*node
	params  map[string]string
	offices map[string]string // office/ID by name
}

func newBureau(t testing.TB) bureau {
	n := start(t)
	n.clock.set(t, "2019-12-16 10:00")
	offices := map[string]string{}
	for name, kind := range map[string]string{"某市工业和信息化局": "city_bureau", "危化处": "office", "某某建材厂": "external"} {
		offices[name] = "office/" + n.act(n.token, "offices", body{"name": name, "type": kind, "time": "2019-01-02T09:00:00+08:00"}).ID
	}
	return bureau{node: n, offices: offices, params: map[string]string{
		"map": "隐患情况：隐患内容", "on_behalf_of": "某市工业和信息化局", "received_via": "paper", "received_on": "2019-12-10",
		"supervising_office": "危化处", "criterion": "危险化学品重大隐患判定标准第四项", "categories": "用电:电气,危化:危险化学品",
		"approval_leader": "分管领导", "approval_on": "2019-12-13", "approval_words": "同意由一人补录", "name": "隐患台账.xlsx",
	}}
}

// without returns the bureau with parameters left out.
func (b bureau) without(params ...string) bureau {
	b.params = maps.Clone(b.params)
	for _, p := range params {
		delete(b.params, p)
	}
	return b
}

func (b bureau) send(path, file string) answer {
	b.t.Helper()
	q := url.Values{}
	for k, v := range b.params {
		q.Set(k, v)
	}
	return b.do(request{method: http.MethodPost, path: path + "?" + q.Encode(), token: b.token, media: "application/octet-stream", body: file})
}

func (b bureau) bring(path, file string) api.ImportView {
	b.t.Helper()
	var v api.ImportView
	b.send(path, file).want(http.StatusOK).into(&v)
	return v
}

// rowLines are the outcomes of the rows as a person would note them down.
func rowLines(v api.ImportView) []string {
	var out []string
	for _, r := range v.Rows {
		line := fmt.Sprint(r.Row, " ", r.Outcome)
		for _, a := range r.Acts {
			line += " " + a.Act
		}
		for _, c := range r.Changes {
			line += " " + c.Was + "→" + c.Becomes
		}
		for _, p := range r.Reasons {
			line += " " + p.Rule
		}
		out = append(out, line)
	}
	return out
}

// record returns the finding whose description contains some words.
func (b bureau) record(words string) projections.FindingView {
	b.t.Helper()
	var page projections.Page[projections.FindingView]
	b.get(b.caughtUp("findings?q=" + url.QueryEscape(words))).want(http.StatusOK).into(&page)
	require.Len(b.t, page.Items, 1, words)
	return page.Items[0]
}

// story returns a finding's events, a day and an act each.
func (b bureau) story(f projections.FindingView) []string {
	b.t.Helper()
	var h struct {
		Events []struct {
			Event struct {
				Type, Time string
				Data       struct {
					OnBehalfOf string                          `json:"on_behalf_of"`
					ReceivedOn string                          `json:"received_on"`
					Note       string                          `json:"note"`
					Evidence   []struct{ SHA256, Name string } `json:"evidence"`
					Approval   *struct{ Leader string }        `json:"approval"`
				}
			}
		}
	}
	b.get(b.caughtUp("findings/" + f.ID + "/history")).want(http.StatusOK).into(&h)
	var out []string
	for _, e := range h.Events {
		assert.NotEmpty(b.t, e.Event.Data.OnBehalfOf, "entered on behalf: %s", e.Event.Type)
		assert.Equal(b.t, "2019-12-10", e.Event.Data.ReceivedOn)
		assert.Contains(b.t, e.Event.Data.Note, "据原台账第")
		if assert.Len(b.t, e.Event.Data.Evidence, 1) {
			assert.Equal(b.t, "隐患台账.xlsx", e.Event.Data.Evidence[0].Name)
		}
		line := e.Event.Time[:10] + " " + strings.TrimSuffix(strings.TrimPrefix(e.Event.Type, "duban.finding."), ".v1")
		if e.Event.Data.Approval != nil {
			line += " approved"
		}
		out = append(out, line)
	}
	return out
}

const (
	opened = "record verify grade order-rectification"
	closed = opened + " report-rectification reinspect write-off"
)

func TestHazardRegister(t *testing.T) {
	b := newBureau(t)
	assert.Empty(t, sheet(t, b.get("imports/hazards/template"), forms.HazardRegister()).Rows)
	file := newRegister(t)
	first := file.bytes()
	want := []string{
		"4 new " + closed,
		"5 new " + closed,
		"6 new " + closed,
		"7 new " + opened + " report-rectification reinspect",
		"8 new " + opened + " report-rectification",
		"9 new " + opened,
		"10 new record verify grade",
		"11 new " + opened + " report-rectification reinspect",
		"12 refused register.twice",
		"13 refused register.outcome",
		"14 refused date.form",
		"15 refused behalf.received_before",
	}
	b.unchanged(func() {
		v := b.bring("imports/hazards/preview", first)
		assert.True(t, v.Preview)
		assert.Equal(t, want, rowLines(v))
		assert.Contains(t, v.Rows[8].Reasons[0].Words, "第 5 行")
		assert.Equal(t, "隐患内容", v.Rows[8].Reasons[0].Column[:len("隐患内容")])
		require.Len(t, v.Ignored, 2, "the remark and the signatures")
	})
	v := b.bring("imports/hazards", first)
	assert.Equal(t, want, rowLines(v))
	for _, r := range v.Rows[:8] {
		assert.True(t, strings.HasPrefix(r.Record, "finding/"), r.Row)
		assert.Len(t, r.Events, len(r.Acts), r.Row)
	}

	// The histories are as old as the register says.
	assert.Equal(t, []string{
		"2019-07-10 recorded", "2019-07-10 verified", "2019-07-10 graded", "2019-07-10 rectification_ordered",
		"2019-09-30 rectification_reported", "2019-10-08 reinspected approved", "2019-10-08 written_off approved",
	}, b.story(b.record("超量储存")))
	assert.Equal(t, []string{
		"2019-08-05 recorded", "2019-08-05 verified", "2019-08-05 graded", "2019-08-05 rectification_ordered",
		"2019-08-31 rectification_reported", "2019-09-03 reinspected approved",
	}, b.story(b.record("报警器")))
	assert.Equal(t, []string{"2019-09-12 recorded", "2019-09-12 verified", "2019-09-12 graded"}, b.story(b.record("临边防护")))
	f := b.record("报警器")
	assert.Equal(t, "某某化工有限公司", f.Rectifier, "of the merged cell")
	assert.Equal(t, "危险化学品", f.Category)
	assert.Equal(t, "危化处", f.SupervisingOffice.Name)
	assert.Equal(t, "某某建材厂", b.record("限位失灵").RectifierOffice.Name, "it is registered")

	b.countedInTheirMonths()
	list := sheet(t, b.get(b.caughtUp("reports/rectification?year=2019&format=xlsx")), forms.Rectification())
	require.Len(t, list.Rows, 8)
	assert.Equal(t, []string{"2019-07-10", "危险化学品仓库超量储存", "重大", "某某化工有限公司", "2019-09-30", "2019-10-08", "合格", "2019-10-08"},
		columnsOf(list.Rows[2], forms.Rectification(), "found_on", "description", "grade", "rectifier", "deadline", "reinspected_on", "outcome", "written_off_on"))

	// The same file again, also saved anew, records nothing.
	b.unchanged(func() {
		for _, again := range []string{first, file.bytes()} {
			for i, line := range rowLines(b.bring("imports/hazards", again)) {
				if i < 8 {
					assert.Equal(t, fmt.Sprint(i+4, " already"), line)
				} else {
					assert.Equal(t, want[i], line)
				}
			}
		}
	})
	assert.Empty(t, b.store.Health())
}

func columnsOf(row workbook.Taken, table workbook.Table, keys ...string) []string {
	var out []string
	for _, k := range keys {
		i := slices.IndexFunc(table.Columns, func(c workbook.Column) bool { return c.Key == k })
		out = append(out, row.Cells[i].String())
	}
	return out
}

// countedInTheirMonths checks the year's figures, as of now and as of the end of a month.
func (b bureau) countedInTheirMonths() {
	b.t.Helper()
	var year projections.SummaryView
	b.get(b.caughtUp("summary")).want(http.StatusOK).into(&year)
	assert.Equal(b.t, projections.Ratio{Numerator: 3, Denominator: 8}, year.Total.Rectified)
	found := map[calendar.Period]projections.Ratio{}
	for _, m := range year.ByMonth {
		found[m.Month] = m.Rectified
	}
	assert.Equal(b.t, map[calendar.Period]projections.Ratio{"2019-07": {Numerator: 3, Denominator: 3}, "2019-08": {Denominator: 2}, "2019-09": {Denominator: 2}, "2019-10": {Denominator: 1}}, found)
	var august projections.SummaryView
	b.get(b.caughtUp("summary?effective_at=2019-08-31")).want(http.StatusOK).into(&august)
	assert.Equal(b.t, projections.Ratio{Numerator: 2, Denominator: 5}, august.Total.Rectified, "as it stood at the end of August")
	var early projections.SummaryView
	b.get(b.caughtUp("summary?known_at=2019-12-15")).want(http.StatusOK).into(&early)
	assert.Zero(b.t, early.Total.Rectified.Denominator, "nobody knew of it then")
}

// The next month's edition moves on what changed in it, and nothing else.
func TestNextEditionOfAHazardRegister(t *testing.T) {
	b := newBureau(t)
	file := newRegister(t)
	b.bring("imports/hazards", file.bytes())
	old := file.bytes()
	last := b.store.Acked()
	file.set(map[string]any{
		"F6": "某某化工有限公司", "G7": "2019-10-31", "I7": "合格", "J7": "2019-11-01", "K7": "已销号", // failed, ordered again, passed
		"I8": "合格", "J8": "2019-12-02", "K8": "已销号", // was reported
		"G10": "2019-12-31", // a deadline, at last
		"E9":  "重大",         // the grade is nothing that moves by itself
		"A16": 13, "B16": "叉车无证驾驶", "C16": "2019-12-03", "D16": "设备", "E16": "一般", "F16": "某某木业厂", "G16": "2019-12-20", "K16": "整改中",
	})
	require.NoError(t, file.file.UnmergeCell(registerSheet, "A16", "K16"))
	file.rows(16, []any{13, "叉车无证驾驶", "2019-12-03", "设备", "一般", "某某木业厂", "2019-12-20", "持证上岗", nil, nil, "整改中"})
	want := map[int]string{
		7:  "7 changed order-rectification report-rectification reinspect write-off 复查不合格→已销号",
		8:  "8 changed reinspect write-off 待复查→已销号",
		9:  "9 already register.differs",
		10: "10 changed order-rectification 待整改→整改中",
		16: "16 new " + opened,
	}
	b.params["received_on"] = "2019-12-10"
	for _, path := range []string{"imports/hazards/preview", "imports/hazards"} {
		for i, line := range rowLines(b.bring(path, file.bytes())) {
			switch w := want[i+4]; {
			case w != "":
				assert.Equal(t, w, line)
			case i < 8:
				assert.Equal(t, fmt.Sprint(i+4, " already"), line)
			}
		}
	}
	assert.Equal(t, uint64(4+2+1+4+1), b.store.Acked()-last, "the acts and one claim")
	assert.Equal(t, []string{"2019-09-03 rectification_ordered", "2019-10-31 rectification_reported", "2019-11-01 reinspected approved", "2019-11-01 written_off"},
		b.story(b.record("报警器"))[6:])

	// An older edition that turns up again moves nothing back.
	b.unchanged(func() {
		for _, r := range b.bring("imports/hazards", old).Rows[:8] {
			assert.Equal(t, forms.OutcomeAlready, r.Outcome, r.Row)
		}
	})
}

// Without a leader's approval one clerk doesn't enter both sides of a check: those
// rows are refused with that reason, the others go in, and the refused ones go in
// from the file of rejected rows once there is one.
func TestHazardsWithoutApproval(t *testing.T) {
	b := newBureau(t)
	file := newRegister(t).bytes()
	bare := b.without("approval_leader", "approval_on", "approval_words")
	v := bare.bring("imports/hazards", file)
	refused := map[int]bool{4: true, 5: true, 6: true, 7: true, 11: true}
	for _, r := range v.Rows[:8] {
		if refused[r.Row] {
			require.Equal(t, forms.OutcomeRefused, r.Outcome, r.Row)
			assert.Equal(t, "finding.reinspected.entered", r.Reasons[0].Rule)
			assert.Contains(t, r.Reasons[0].Words, "批示")
		} else {
			assert.Equal(t, forms.OutcomeNew, r.Outcome, r.Row)
		}
	}
	b.params["format"] = "xlsx"
	rejected := b.without("approval_leader", "approval_on", "approval_words").send("imports/hazards/preview", file).want(http.StatusOK)
	delete(b.params, "format")
	r, err := workbook.Read(rejected.body, forms.HazardRegister(), workbook.Limits{})
	require.NoError(t, err)
	require.Len(t, r.Rows, 9)
	v = b.without("map").bring("imports/hazards", string(rejected.body))
	var news int
	for _, row := range v.Rows {
		if row.Outcome == forms.OutcomeNew {
			news++
		}
	}
	assert.Equal(t, 5, news)
	b.countedInTheirMonths()
}

func TestBadHazardImports(t *testing.T) {
	b := newBureau(t)
	file := newRegister(t).bytes()
	with := func(k, v string) bureau {
		c := b.without()
		c.params[k] = v
		return c
	}
	b.unchanged(func() {
		for _, c := range []struct {
			b      bureau
			status int
			says   string
		}{
			{b.without("map"), http.StatusUnprocessableEntity, "隐患内容"},
			{b.without("on_behalf_of"), http.StatusUnprocessableEntity, "on_behalf_of"},
			{b.without("received_via"), http.StatusUnprocessableEntity, "received_via"},
			{with("supervising_office", "没有的处"), http.StatusUnprocessableEntity, "没有的处"},
			{b.without("approval_on"), http.StatusUnprocessableEntity, "approval_on"},
			{with("approval_on", "昨天"), http.StatusUnprocessableEntity, "approval_on"},
			{with("approval_evidence", "x"), http.StatusUnprocessableEntity, "approval_evidence"},
			{with("approval_evidence", strings.Repeat("0a", 32)), http.StatusUnprocessableEntity, "尚未上传"},
			{with("map", "隐患情况"), http.StatusUnprocessableEntity, "map"},
			{with("map", "隐患情况:没有的列"), http.StatusUnprocessableEntity, "没有的列"},
			{with("categories", "用电:a,用电:b"), http.StatusUnprocessableEntity, "categories"},
		} {
			for _, path := range []string{"imports/hazards/preview", "imports/hazards"} {
				assert.Contains(t, c.b.send(path, file).problem(c.status).Detail, c.says, path)
			}
		}
	})
	office := b.member("chu-01", "office", b.offices["危化处"])
	q := url.Values{}
	for k, v := range b.params {
		q.Set(k, v)
	}
	b.unchanged(func() {
		b.do(request{method: http.MethodPost, path: "imports/hazards?" + q.Encode(), token: office, media: "application/octet-stream", body: file}).problem(http.StatusForbidden)
	})
	b.unchanged(func() {
		p := b.send("imports/bulk/preview", file).problem(http.StatusUnprocessableEntity)
		assert.Equal(t, "form.parameter", p.Rule, "what only a register takes is not passed over")
	})
	// Major hazards need the criterion they were graded by; the others go in.
	v := b.without("criterion").bring("imports/hazards", file)
	assert.Equal(t, "6 refused register.criterion", rowLines(v)[2])
	assert.Equal(t, forms.OutcomeNew, v.Rows[0].Outcome)
}

// Two clerks bring the register at the same time: each row becomes one finding, whole.
func TestHazardRegisterTwiceAtOnce(t *testing.T) {
	b := newBureau(t)
	one, other := newRegister(t), newRegister(t)
	other.set(map[string]any{"A1": "某市工业企业隐患台账（副本）"})
	views := make([]api.ImportView, 2)
	var wg sync.WaitGroup
	for i, file := range []string{one.bytes(), other.bytes()} {
		wg.Go(func() { views[i] = b.bring("imports/hazards", file) })
	}
	wg.Wait()
	for i := range 8 {
		outcomes := []forms.Outcome{views[0].Rows[i].Outcome, views[1].Rows[i].Outcome}
		assert.ElementsMatch(t, []forms.Outcome{forms.OutcomeNew, forms.OutcomeAlready}, outcomes, views[0].Rows[i].Row)
		assert.Equal(t, views[0].Rows[i].Record, views[1].Rows[i].Record)
	}
	b.countedInTheirMonths()
}
