package forms_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"duban/api/forms"
	"duban/api/workbook"
	"duban/domain"
	"duban/domain/finding"
	"duban/domain/task"
	"duban/projections"
)

func write(t *testing.T, sheets ...workbook.Sheet) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, workbook.Write(&b, workbook.Book{Title: "t", Creator: "c", Sheets: sheets}))
	return b.Bytes()
}

// The headers are those that offices know.
func TestHeaders(t *testing.T) {
	for _, c := range []struct {
		table workbook.Table
		want  string
	}{
		{forms.Progress(), "序号, 任务来源（文号）, 条款, 任务内容, 牵头/责任处室, 配合单位, 责任领导, 责任人, 完成时限, 进展情况, 存在问题, 下一步措施, 亮灯, 是否办结, 备注"},
		{forms.Rectification(), "编号, 检查日期, 地点, 问题描述, 类别, 级别, 依据, 整改措施, 资金（元）, 责任单位, 责任人, 时限, 复查人, 复查时间, 结论, 销号日期"},
		{forms.HazardRegister(), "序号, 隐患内容, 排查日期, 隐患类型, 隐患级别, 责任单位, 整改期限, 整改措施与要求, 复查结果, 复查日期, 隐患状态"},
	} {
		var got []string
		for _, col := range c.table.Columns {
			got = append(got, col.Header)
		}
		assert.Equal(t, c.want, strings.Join(got, ", "))
	}
}

// An empty form is read as the table it is a form of, without rows.
func TestForms(t *testing.T) {
	for _, table := range []workbook.Table{
		forms.Progress(), forms.Rectification(), forms.BulkEntry(), forms.HazardRegister(),
		forms.Ledger(), forms.Assessment(), forms.Standings(), forms.Cover(),
	} {
		r, err := workbook.Read(write(t, forms.Form(table)...), table, workbook.Limits{})
		require.NoError(t, err, table.Name)
		assert.Equal(t, table.Name, r.Sheet)
		assert.Empty(t, r.Rows)
		assert.Empty(t, r.Problems)
		assert.Empty(t, r.Ignored)
		assert.False(t, slices.Contains(r.Found, false))
	}
}

// What the bulk entry sheet offers are acts of the domain, by the names they have
// there.
func TestBulkActs(t *testing.T) {
	acts := map[domain.Kind][]domain.Act{domain.KindTask: task.Acts(), domain.KindFinding: finding.Acts()}
	for _, b := range forms.BulkActs() {
		i := slices.IndexFunc(acts[b.Kind], func(a domain.Act) bool { return a.Name == b.Act })
		require.GreaterOrEqual(t, i, 0, b.Act)
		if !b.Nil {
			assert.Equal(t, acts[b.Kind][i].Chinese, b.Label)
		}
	}
}

func TestRectificationRow(t *testing.T) {
	full := projections.FindingView{
		ID: "01F", Version: 9, FoundOn: "2019-08-01", Subject: "甲公司", Place: "一号罐区", Description: "未设围堰", Category: "设备设施", Grade: "major",
		Basis: []domain.Basis{{Document: "《危险化学品安全管理条例》", Article: "第二十条"}}, Criterion: "判定标准第三条", Status: "written_off",
		Measures: "增设围堰", FundsFen: 12_500_050, Rectifier: "甲公司", ResponsiblePerson: "厂长", Deadline: &projections.DeadlineView{Date: "2019-09-30"},
		LastReinspection: &projections.ReinspectionView{On: "2019-09-28", Passed: true, Inspectors: []string{"z01", "z02"}}, WrittenOffOn: "2019-09-29",
	}
	bare := projections.FindingView{ID: "01G", Version: 1, FoundOn: "2019-08-02", Subject: "乙公司", Place: "大门", Description: "通道堵塞", Category: "消防", Status: "recorded"}
	rows := []workbook.Row{forms.RectificationRow(full), forms.RectificationRow(bare)}
	table := forms.Rectification()
	r, err := workbook.Read(write(t, workbook.Sheet{Table: table, Rows: workbook.Listed(rows)}), table, workbook.Limits{})
	require.NoError(t, err)
	require.Empty(t, r.Problems)
	require.Len(t, r.Rows, 2)
	var got [][]string
	for i, row := range r.Rows {
		assert.Equal(t, rows[i].Key, row.Key)
		assert.Equal(t, rows[i].Cells, row.Cells)
		words := make([]string, len(row.Cells))
		for j, c := range row.Cells {
			words[j] = c.String()
		}
		got = append(got, words)
	}
	assert.Equal(t, [][]string{
		{"01F", "2019-08-01", "甲公司　一号罐区", "未设围堰", "设备设施", "重大", "《危险化学品安全管理条例》 第二十条\n判定依据：判定标准第三条",
			"增设围堰", "125000.50", "甲公司", "厂长", "2019-09-30", "z01、z02", "2019-09-28", "合格", "2019-09-29"},
		{"01G", "2019-08-02", "乙公司　大门", "通道堵塞", "消防", "", "", "", "", "", "", "", "", "", "", ""},
	}, got)
}

// The shares of a task have one number and stand in the column of their role; what
// is missing says so.
func TestProgressRow(t *testing.T) {
	share := func(task, office, role string) projections.ShareRow {
		return projections.ShareRow{ReportRow: projections.ReportRow{
			DocumentNumber: "某安〔2019〕7号", Title: "通知", Task: task, Number: 7, Path: []string{"一", "（二）"}, Text: "登记造册。",
			Office: projections.Named{ID: "o" + office, Name: office}, Role: role, Version: 4, Report: "none",
		}}
	}
	lead, support, other := share("01A", "甲处", "lead"), share("01A", "乙处", "supporting"), share("01B", "丙处", "joint")
	lead.Leader, lead.Person, lead.Deadline, lead.Light.Chinese = "分管领导", "处长", &projections.DeadlineView{Date: "2019-12-31", Words: "年底前"}, "逾期"
	lead.Progress, lead.Problems, lead.NextSteps, lead.Accepted, lead.Remarks = "已登记", "人手不足", "核查", true, "退回1次"
	support.Report, support.ReportChinese, support.Remarks, support.Deadline = "missing", "未报", "中止", &projections.DeadlineView{Words: "长期坚持"}
	other.DocumentNumber, other.Nil = "", true
	row := forms.ProgressRow("2019-08")
	var rows []workbook.Row
	for _, r := range []projections.ShareRow{lead, support, other} {
		rows = append(rows, row(r))
	}
	table := forms.Progress()
	r, err := workbook.Read(write(t, workbook.Sheet{Table: table, Rows: workbook.Listed(rows)}), table, workbook.Limits{})
	require.NoError(t, err)
	require.Empty(t, r.Problems)
	var got []string
	for _, row := range r.Rows {
		words := make([]string, len(row.Cells))
		for j, c := range row.Cells {
			words[j] = c.String()
		}
		got = append(got, strings.Join(words, "|"))
	}
	assert.Equal(t, []string{
		"1|某安〔2019〕7号|一（二）\n第7项|登记造册。|甲处||分管领导|处长|2019-12-31|已登记|人手不足|核查|逾期|是|退回1次",
		"1|某安〔2019〕7号|一（二）\n第7项|登记造册。||乙处|||长期坚持|||||否|未报；中止",
		"2|通知|一（二）\n第7项|登记造册。|丙处|||||零报告||||否|",
	}, got)
	assert.Equal(t, workbook.Key{Ref: domain.Ref{Kind: domain.KindTask, ID: "01A"}, Office: "o乙处", Period: "2019-08", Version: 4}, r.Rows[1].Key)
	assert.Equal(t, []string{"01A", "01A", "01B"}, []string{rows[0].Group, rows[1].Group, rows[2].Group}, "what is merged is of one task")
}

// What became of a finding otherwise stands in the outcome, and is one of the
// column's choices.
func TestOutcomes(t *testing.T) {
	failed := &projections.ReinspectionView{On: "2019-09-01"}
	for _, c := range []struct {
		f    projections.FindingView
		want string
	}{
		{projections.FindingView{Status: "rectification_ordered"}, ""},
		{projections.FindingView{Status: "reinspection_failed", LastReinspection: failed}, "不合格"},
		{projections.FindingView{Status: "terminated", LastReinspection: failed}, "已终结"},
		{projections.FindingView{Status: "rectified_on_spot"}, "立行立改"},
		{projections.FindingView{Status: "dismissed"}, "不予认定"},
		{projections.FindingView{Status: "duplicate"}, "重复登记"},
		{projections.FindingView{Status: "closure_verified", LastReinspection: failed}, "已关闭"},
	} {
		row := forms.RectificationRow(c.f)
		i := slices.IndexFunc(forms.Rectification().Columns, func(col workbook.Column) bool { return col.Key == "outcome" })
		assert.Equal(t, c.want, row.Cells[i].String(), c.f.Status)
		if c.want != "" {
			choices := forms.Rectification().Columns[i].Choices
			assert.True(t, slices.ContainsFunc(choices, func(ch workbook.Choice) bool { return ch.Label == c.want }), c.want)
		}
	}
}
