package notice_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"duban/domain/calendar"
	"duban/domain/notice"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func seed(t *testing.T) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "notice-2019-19.txt"))
	require.NoError(t, err)
	return b
}

func parse(t *testing.T, source string) notice.Draft {
	t.Helper()
	d, err := notice.Parse([]byte(source))
	require.NoError(t, err)
	return d
}

// offices writes a clause's offices as name:role, groups with a star, 等 behind.
func offices(c notice.Clause) string {
	var out []string
	for _, o := range c.Offices {
		s := o.Name + ":" + o.Role.String()
		if o.Group {
			s += "*"
		}
		out = append(out, s)
	}
	if c.AndOthers {
		out = append(out, "等")
	}
	return strings.Join(out, " ")
}

// deadlines writes a clause's time limits as words=date.
func deadlines(c notice.Clause) string {
	var out []string
	for _, d := range c.Deadlines {
		out = append(out, d.Words+"="+string(d.Date))
	}
	return strings.Join(out, " ")
}

func path(c notice.Clause) string { return strings.Join(c.Path, "/") }

func TestTheSeedGivesWhatAReaderFinds(t *testing.T) {
	d := parse(t, string(seed(t)))

	assert.Equal(t, "宁工信安委发〔2019〕19号", d.DocumentNumber)
	assert.Equal(t, "自治区工业和信息化厅关于印发《贯彻落实推进城市安全发展的实施意见工作方案》的通知", d.Title)
	assert.Equal(t, "宁夏回族自治区工业和信息化厅", d.Issuer)
	assert.Equal(t, calendar.Date("2019-06-28"), d.IssuedOn)
	assert.Equal(t, notice.IssuedOnPrinted, d.IssuedOnKind)
	assert.Equal(t, []string{"各市工业和信息化主管部门", "各有关处室"}, d.Addressees)
	assert.Equal(t, []string{"自治区安委会办公室", "厅领导"}, d.CC)
	assert.Equal(t, "《关于推进城市安全发展的实施意见》（宁党办〔2019〕80号）", d.BasedOn[0])
	assert.Equal(t, []notice.Requirement{
		{Text: "抓紧制定本地区、本行业工作方案或措施，进一步明确工作目标任务、实施步骤、工作措施和责任人，确保目标任务如期完成", Lines: [2]int{13, 15}},
		{Text: "及时将落实情况报厅安委会办公室", Lines: [2]int{13, 15}},
	}, d.Requirements)

	want := []struct{ path, offices string }{
		{"一/（一）/1", "工业园区处:lead"},
		{"一/（一）/2", "化工处:lead"},
		{"一/（二）/1", "技术与改造投资处:joint 节能与综合利用处:joint"},
		{"一/（二）/2", "化工处:joint 节能与综合利用处:joint"},
		{"一/（二）/3", "工业园区处:lead"},
		{"一/（二）/4", "技术与改造投资处:joint 科技促进处:joint"},
		{"一/（二）/5", "节能与综合利用处:lead"},
		{"一/（二）/6", "技术与改造投资处:joint 装备工业处:joint"},
		{"二/（一）/1", "军民结合推进处:joint 信息化推进处:joint"},
		{"二/（一）/2", "军民结合推进处:lead"},
		{"二/（一）/3", "军民结合推进处:joint 工业园区处:joint"},
		{"三/（一）/1", "军民结合推进处:lead"},
		{"三/（一）/2", "军民结合推进处:lead"},
		{"三/（二）/1", "装备工业处:joint 消费品工业处:joint"},
		{"三/（二）/2", "军民结合推进处:lead"},
		{"三/（三）/1", "军民结合推进处:lead"},
		{"三/（三）/2", "军民结合推进处:lead"},
		{"三/（四）/1", "军民结合推进处:lead"},
		{"三/（四）/2", "军民结合推进处:lead"},
		{"四/（一）/1", "军民结合推进处:joint 信息化推进处:joint"},
		{"四/（一）/2", "信息化推进处:joint 装备工业处:joint"},
		{"四/（三）", "政策法规处:joint 军民结合推进处:joint 信息中心:joint"},
		{"五/（一）/1", ""},
		{"五/（一）/2", ""},
		{"五/（一）/3", ""},
	}
	require.Len(t, d.Clauses, len(want))
	shares, dated, distinct := 0, []string{}, map[string]bool{}
	for i, c := range d.Clauses {
		assert.Equal(t, want[i].path, path(c))
		assert.Equal(t, want[i].offices, offices(c), path(c))
		assert.Equal(t, i+1, c.Number)
		assert.Zero(t, c.Part)
		assert.Equal(t, notice.TextHash(c.Text), c.TextSHA256)
		assert.NotContains(t, c.Text, "责任处室：")
		for _, o := range c.Offices {
			assert.Equal(t, "责任处室", o.PrintedRole)
			distinct[o.Name] = true
			shares++
		}
		if len(c.Deadlines) > 0 {
			dated = append(dated, path(c)+" "+deadlines(c))
		}
	}
	assert.Equal(t, 33, shares)
	assert.Len(t, distinct, 11)
	assert.Equal(t, []string{"一/（二）/2 2019年12月底=2019-12-31"}, dated)

	// A page ends inside 二（一）1: the sentence is whole again.
	assert.Contains(t, d.Clauses[8].Text, "编制城市安全风险白皮书，及时更新发布。")
	assert.Equal(t, [2]int{51, 53}, d.Clauses[8].Lines)
	assert.Equal(t, "（责任处室：军民结合推进处、信息化推进处）", d.Clauses[8].Mark)
	assert.Equal(t, []string{"强化城市安全保障能力", "提升市民安全素质和安全防范技能"}, d.Clauses[21].Headings)
	assert.Equal(t, notice.KindOneOff, d.Clauses[3].Kind)
	assert.Equal(t, "2019年12月底", d.Clauses[3].KindWords)
	// All there is to look at is the hidden contact.
	require.Len(t, d.Warnings, 1)
	assert.Equal(t, 17, d.Warnings[0].Line)
}

func TestTheSeedPrintsAsPinned(t *testing.T) {
	got, err := json.MarshalIndent(parse(t, string(seed(t))), "", "  ")
	require.NoError(t, err)
	golden := filepath.Join("testdata", "notice-2019-19.json")
	if *update {
		require.NoError(t, os.WriteFile(golden, append(got, '\n'), 0o600))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	assert.Equal(t, string(want), string(got)+"\n")
}

func TestADraftSurvivesEditing(t *testing.T) {
	d := parse(t, string(seed(t)))
	first, err := json.Marshal(d)
	require.NoError(t, err)
	var back notice.Draft
	require.NoError(t, json.Unmarshal(first, &back))
	second, err := json.Marshal(back)
	require.NoError(t, err)
	assert.JSONEq(t, string(first), string(second))
	assert.Equal(t, d.Clauses[3], back.Clauses[3])
	assert.Equal(t, d.IssuedOnKind, back.IssuedOnKind)
	assert.Empty(t, back.Source, "the text travels beside the draft, not in it")

	empty, err := json.Marshal(notice.Draft{Clauses: []notice.Clause{{Deadlines: []notice.Deadline{{Words: "长期"}}}}})
	require.NoError(t, err)
	assert.JSONEq(t, `{"document_number":"","title":"","issuer":"","issued_on":null,"issued_on_kind":null,"addressees":[],"cc":[],"based_on":[],
		"requirements":[],"warnings":[],"clauses":[{"number":0,"path":[],"headings":[],"part":0,"text":"","text_sha256":"","lines":[0,0],"mark":"",
		"offices":[],"and_others":false,"deadlines":[{"date":null,"words":"长期"}],"kind":null,"kind_words":""}]}`, string(empty))
}
