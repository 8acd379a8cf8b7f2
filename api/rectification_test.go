package api_test

import (
	"net/http"
	"os"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"duban/api/forms"
	"duban/api/workbook"
	"duban/projections"
)

// hazards records three findings of two years: one ordered, one put right and
// written off, one of the year before, entered last. It returns where the ledger
// stood after the first.
func (n *node) hazards() (first uint64) {
	n.t.Helper()
	zhao := n.member("zhao", "inspector", "")
	record := func(name, description, found string) string {
		n.clock.pass()
		return "findings/" + n.act(zhao, "findings", body{
			"subject": body{"name": name, "place": "一号罐区"}, "description": description, "category": "设备设施", "found_on": found,
			"basis": []body{{"document": "《危险化学品安全管理条例》", "article": "第二十条"}},
		}).ID
	}
	grade := func(f, grade string) {
		n.act(zhao, f+"/verify", body{})
		n.act(zhao, f+"/grade", body{"grade": grade, "criterion": "判定标准第三条"})
	}
	order := body{"rectifier": body{"name": "甲公司"}, "responsible_person": "厂长", "measures": "增设围堰", "funds_fen": 12_500_050, "deadline": "2019-09-30"}
	ordered := record("乙公司", "=报警器失效", "2019-06-25")
	grade(ordered, "ordinary")
	n.act(zhao, ordered+"/order-rectification", order)
	first = n.store.Acked()
	done := record("甲公司", "未设围堰", "2019-06-26")
	grade(done, "major")
	n.act(zhao, done+"/order-rectification", order)
	n.act(n.token, done+"/report-rectification", body{"evidence": n.attach("照片")})
	n.act(zhao, done+"/file-plan", body{"goals": "g", "measures": "m", "resources": "r", "responsible": "p", "schedule": "s", "contingency": "c"})
	n.act(zhao, done+"/reinspect", body{"passed": true, "opinion": "已整改", "inspectors": []string{"person/zhao", "person/qian"}})
	n.act(n.token, done+"/write-off", body{})
	record("丙公司", "台账不全", "2018-12-31")
	return first
}

func rectified(t *testing.T, a answer) workbook.Reading {
	t.Helper()
	a.want(http.StatusOK)
	r, err := workbook.Read(a.body, forms.Rectification(), workbook.Limits{})
	require.NoError(t, err)
	require.Empty(t, r.Problems)
	return r
}

func TestRectificationList(t *testing.T) {
	n := start(t)
	first := n.hazards()
	var page projections.Page[projections.FindingView]
	n.get(n.caughtUp("reports/rectification?year=2019")).want(http.StatusOK).into(&page)
	require.Equal(t, 2, page.Total)
	assert.Equal(t, []string{"=报警器失效", "未设围堰"}, []string{page.Items[0].Description, page.Items[1].Description}, "by the day they were found")
	assert.Equal(t, int64(12_500_050), page.Items[1].FundsFen)

	want := []string{page.Items[1].ID, "2019-06-26", "甲公司　一号罐区", "未设围堰", "设备设施", "重大",
		"《危险化学品安全管理条例》 第二十条\n判定依据：判定标准第三条", "增设围堰", "125000.50", "甲公司", "厂长", "2019-09-30",
		"zhao、qian", "2019-06-27", "合格", "2019-06-27"}
	for format, media := range map[string]string{
		"csv":  "text/csv; charset=utf-8",
		"xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
	} {
		a := n.get("reports/rectification?year=2019&limit=1&format=" + format)
		r := rectified(t, a)
		require.Len(t, r.Rows, 2, "the whole, whatever the limit")
		var got []string
		for _, c := range r.Rows[1].Cells {
			got = append(got, c.String())
		}
		assert.Equal(t, want, got)
		assert.Equal(t, page.Items[1].Version, r.Rows[1].Key.Version)
		assert.Equal(t, "=报警器失效", r.Rows[0].Cells[3].String())
		assert.Equal(t, media, a.header.Get("Content-Type"))
		assert.Equal(t, strconv.Itoa(len(a.body)), a.header.Get("Content-Length"))
		assert.Equal(t, `attachment; filename="table.`+format+`"; filename*=UTF-8''2019%E5%B9%B4%E9%97%AE%E9%A2%98%E6%95%B4%E6%94%B9%E6%B8%85%E5%8D%95.`+format,
			a.header.Get("Content-Disposition"))
		n.clock.pass()
		assert.Equal(t, a.body, n.get("reports/rectification?year=2019&today=2019-06-27&format="+format).body, "the same ledger, the same bytes")
	}
	assert.Len(t, rectified(t, n.get("reports/rectification?format=csv")).Rows, 3)
	assert.Len(t, rectified(t, n.get("reports/rectification?format=csv&grade=major&q=围堰")).Rows, 1)
	assert.Empty(t, rectified(t, n.get("reports/rectification?format=xlsx&year=2017")).Rows)
	assert.Len(t, rectified(t, n.get("reports/rectification?format=xlsx&known_at="+strconv.FormatUint(first, 10))).Rows, 1, "as it was known then")
}

func TestRectificationListIsPaged(t *testing.T) {
	n := start(t)
	n.hazards()
	var seen []string
	path := n.caughtUp("reports/rectification?limit=1")
	for cursor := ""; ; {
		var page projections.Page[projections.FindingView]
		n.get(path + "&cursor=" + cursor).want(http.StatusOK).into(&page)
		require.Len(t, page.Items, 1)
		seen = append(seen, string(page.Items[0].FoundOn))
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	assert.Equal(t, []string{"2018-12-31", "2019-06-25", "2019-06-26"}, seen)
}

// What fails while a table is made is a problem, and nothing is left behind.
func TestRectificationListRefused(t *testing.T) {
	spool := t.TempDir()
	t.Setenv("TMPDIR", spool)
	n := start(t)
	n.hazards()
	for _, q := range []string{"format=pdf", "year=19", "year=abc", "format=xlsx&grade=huge", "format=csv&known_at=99999", "format=xlsx&wrong=1"} {
		a := n.get("reports/rectification?" + q)
		assert.Equal(t, http.StatusUnprocessableEntity, a.problem(a.status).Status, q)
	}
	n.get("reports/rectification?format=csv&status=flying").problem(http.StatusUnprocessableEntity)
	n.get("reports/rectification?format=xlsx").want(http.StatusOK)
	n.do(request{method: http.MethodHead, path: "reports/rectification?format=xlsx", token: n.token}).want(http.StatusOK)
	n.do(request{method: http.MethodGet, path: "reports/rectification?format=xlsx"}).problem(http.StatusUnauthorized)
	left, err := os.ReadDir(spool)
	require.NoError(t, err)
	assert.Empty(t, left)
}
