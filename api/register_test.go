package api_test

import (
	"bytes"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
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

// sheet reads a table of a file that was answered.
func sheet(t *testing.T, a answer, table workbook.Table) workbook.Reading {
	t.Helper()
	a.want(http.StatusOK)
	r, err := workbook.Read(a.body, table, workbook.Limits{})
	require.NoError(t, err)
	require.Empty(t, r.Problems)
	require.Equal(t, table.Name, r.Sheet)
	return r
}

func read(cells []workbook.Cell) []string {
	var out []string
	for _, c := range cells {
		out = append(out, c.String())
	}
	return out
}

func TestReportsAsTable(t *testing.T) {
	n := start(t)
	im, before := reported(n)
	var page struct {
		Items []struct {
			Task    string
			Version uint64
			Text    string
		}
	}
	n.get(n.caughtUp("reports?period=2019-07")).want(http.StatusOK).into(&page)
	const path = "reports?period=2019-07&today=2019-08-20&limit=1&format="
	for _, format := range []string{"csv", "xlsx"} {
		a := n.get(path + format).want(http.StatusOK)
		if format == "csv" {
			assert.Equal(t, "text/csv; charset=utf-8", a.header.Get("Content-Type"))
		}
		assert.Contains(t, a.header.Get("Content-Disposition"), url.PathEscape("2019年7月进展汇总表."+format))
		table := forms.Progress()
		if format == "csv" {
			table.Name = "" // a .csv has no sheets
		}
		r := sheet(t, a, table)
		require.Len(t, r.Rows, 6, "the whole, whatever the limit")
		first := r.Rows[0]
		assert.Equal(t, []string{"1", "某工信安〔2019〕7号"}, read(first.Cells[:2]))
		assert.Equal(t, page.Items[0].Text, first.Cells[3].String())
		assert.Equal(t, "化工处", first.Cells[4].String()+first.Cells[5].String())
		assert.Equal(t, "已登记12户", first.Cells[9].String())
		assert.Equal(t, "否", first.Cells[13].String())
		assert.Equal(t, workbook.Key{Ref: first.Key.Ref, Office: strings.TrimPrefix(im.offices["化工处"], "office/"), Period: "2019-07", Version: page.Items[0].Version}, first.Key)
		missing, number, last := 0, int64(0), ""
		for _, row := range r.Rows {
			if strings.HasPrefix(row.Cells[14].String(), "未报") {
				missing++
			}
			if id := row.Key.Ref.ID; id != last {
				number, last = number+1, id
			}
			got, _ := row.Cells[0].Number()
			assert.Equal(t, number, got, "the number of the task")
		}
		assert.Equal(t, 5, missing)
		n.clock.pass()
		assert.Equal(t, a.body, n.get(path+format).body, "the same ledger, the same bytes")

		assert.Len(t, sheet(t, n.get(path+format+"&missing=true"), table).Rows, 5)
		assert.Len(t, sheet(t, n.get(path+format+"&office="+url.QueryEscape("化工处")), table).Rows, 2)
		then := sheet(t, n.get("reports?period=2019-07&format="+format+"&known_at="+strconv.FormatUint(before, 10)), table)
		assert.Empty(t, then.Rows[0].Cells[9].String(), "as it was known then")
	}
	f, err := excelize.OpenReader(bytes.NewReader(n.get(path + "xlsx").body))
	require.NoError(t, err)
	defer f.Close()
	merges, err := f.GetMergeCells(forms.Progress().Name)
	require.NoError(t, err)
	var merged []string
	for _, m := range merges {
		if m.GetCellValue() == page.Items[0].Text {
			merged = append(merged, m.GetStartAxis())
		}
	}
	assert.Len(t, merged, 1, "the two shares of the first task")
	note, err := f.GetCellValue(forms.Progress().Name, "A3")
	require.NoError(t, err)
	assert.Equal(t, "分项 6，应报 6，按时 1，迟报 0，未报 5，零报告 0，未到期 0", note)
	for _, q := range []string{"period=2019-07&format=pdf", "format=xlsx", "period=2019-13&format=csv", "period=2019-07&format=xlsx&office=x", "period=2019-07&format=csv&known_at=never"} {
		n.get("reports?" + q).problem(http.StatusUnprocessableEntity)
	}
}

func TestRegisterOfAYear(t *testing.T) {
	spool := t.TempDir()
	t.Setenv("TMPDIR", spool)
	n := start(t)
	reported(n)
	n.hazards()
	seq := n.store.Acked()
	path := n.caughtUp("register?year=2019&today=2019-09-06")
	a := n.get(path).want(http.StatusOK)
	assert.Contains(t, a.header.Get("Content-Disposition"), url.PathEscape("2019年督办台账.xlsx"))
	f, err := excelize.OpenReader(bytes.NewReader(a.body))
	require.NoError(t, err)
	defer f.Close()
	assert.Equal(t, []string{"说明", "任务台账", "进展汇总表 2019-07", "进展汇总表 2019-08", "进展汇总表 2019-09", "问题整改清单", "年度考核数据", "处室汇总"}, f.GetSheetList())

	cover := map[string]string{}
	for _, r := range sheet(t, a, forms.Cover()).Rows {
		cover[r.Cells[0].String()] = r.Cells[1].String()
	}
	assert.Equal(t, "2019", cover["年度"])
	assert.Equal(t, strconv.FormatUint(seq, 10), cover["账本序号"])
	assert.Equal(t, "2019-09-06", cover["亮灯日（today）"])
	assert.Equal(t, "否", cover["样例数据"])
	assert.NotEmpty(t, cover["表：任务台账"])

	tasks := sheet(t, a, forms.Ledger())
	require.Len(t, tasks.Rows, 6)
	assert.Contains(t, read(tasks.Rows[0].Cells), "已登记12户")
	month := forms.Progress()
	month.Name += " 2019-07"
	july := sheet(t, a, month)
	require.Len(t, july.Rows, 6)
	assert.Equal(t, calendar.Period("2019-07"), july.Rows[0].Key.Period)
	assert.Len(t, sheet(t, a, forms.Rectification()).Rows, 2, "of the year only")
	found := false
	for _, r := range sheet(t, a, forms.Assessment()).Rows {
		if c := read(r.Cells); c[0] == "合计" && c[1] == "按时报送" {
			found = true
			assert.Equal(t, []string{"1", "12", "应报送"}, c[2:5], "July and August are due by 6 September")
		}
	}
	assert.True(t, found)
	assert.Len(t, sheet(t, a, forms.Standings()).Rows, 3)
	lines, err := f.GetRows("处室汇总") // Read leaves totals out
	require.NoError(t, err)
	assert.Equal(t, []string{"合计", "6"}, lines[len(lines)-1][:2])

	// The same cut gives the same bytes, also after the ledger has gone on.
	n.clock.pass()
	assert.Equal(t, a.body, n.get(path).body)
	n.member("more", "inspector", "")
	n.importNotice(strings.NewReplacer("〔2019〕7号", "〔2019〕8号", "整治工作", "检查").Replace(shortNotice))
	assert.Equal(t, a.body, n.get("register?year=2019&today=2019-09-06&known_at="+strconv.FormatUint(seq, 10)).want(http.StatusOK).body)
	assert.NotEqual(t, a.body, n.get(n.caughtUp("register?year=2019&today=2019-09-06")).want(http.StatusOK).body)

	assert.Empty(t, sheet(t, n.get("register?year=2017"), forms.Ledger()).Rows)
	for _, q := range []string{"", "year=19", "year=2019&known_at=99999", "year=2019&format=csv", "year=2019&today=soon"} {
		n.get("register?" + q).problem(http.StatusUnprocessableEntity)
	}
	n.do(request{method: http.MethodGet, path: "register?year=2019"}).problem(http.StatusUnauthorized)
	left, err := os.ReadDir(spool)
	require.NoError(t, err)
	assert.Empty(t, left)
}

// The offices of a year are counted from what belongs to it: shares somebody had then,
// where they were at its end, reports due and hazards found in it.
func TestStandingsOfAYear(t *testing.T) {
	n := start(t)
	im, _ := reported(n)
	n.hazards()
	n.clock.set(t, "2020-07-02 09:00")
	n.importNotice(strings.NewReplacer("〔2019〕7号", "〔2020〕1号", "整治工作", "检查", "2019年", "2020年").Replace(shortNotice))
	n.act(n.token, "tasks/"+im.tasks[2]+"/transfer", body{"from": im.offices["化工处"], "to": im.offices["信息中心"], "cause": "decision"})
	lines := func(year string) map[string][]string {
		t.Helper()
		f, err := excelize.OpenReader(bytes.NewReader(n.get(n.caughtUp("register?today=2020-07-02&year=" + year)).want(http.StatusOK).body))
		require.NoError(t, err)
		defer f.Close()
		rows, err := f.GetRows(forms.Standings().Name)
		require.NoError(t, err)
		out := map[string][]string{}
		for _, r := range rows {
			if len(r) > 13 {
				out[r[0]] = r
			}
		}
		return out
	}
	shares := func(m map[string][]string) []string {
		return []string{m["化工处"][1], m["技术改造处"][1], m["信息中心"][1], m["合计"][1]}
	}
	y2019, y2020 := lines("2019"), lines("2020")
	assert.Equal(t, []string{"2", "2", "2", "6"}, shares(y2019), "as it was at the end of the year")
	assert.Equal(t, []string{"3", "4", "5", "12"}, shares(y2020))
	assert.Equal(t, "2", y2019["合计"][13], "hazards of 2019")
	assert.Equal(t, "0", y2020["合计"][13], "and of 2020")
	var facts projections.AssessmentView
	n.get(n.caughtUp("assessment-facts?year=2019&today=2020-07-02")).want(http.StatusOK).into(&facts)
	for _, f := range facts.Total {
		if f.Figure == "reports_due" {
			assert.Equal(t, strconv.Itoa(f.Numerator), y2019["合计"][11], "the sheet beside it says the same")
		}
	}
}

// The register of invented history says so.
func TestRegisterOfASample(t *testing.T) {
	n := start(t, func(c *api.Config) { c.Sample = true })
	for _, r := range sheet(t, n.get("register?year=2019"), forms.Cover()).Rows {
		if r.Cells[0].String() == "样例数据" {
			assert.Equal(t, "是，内容为虚构", r.Cells[1].String())
			return
		}
	}
	t.Error("the cover does not say whether it is a sample")
}

// A ledger without anything gives a register without anything.
func TestRegisterOfNothing(t *testing.T) {
	n := start(t)
	a := n.get(n.caughtUp("register?year=2019&effective_at=2000-01-01"))
	assert.Empty(t, sheet(t, a, forms.Ledger()).Rows)
}
