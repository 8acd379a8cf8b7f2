package api_test

import (
	"bytes"
	"encoding/csv"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"duban/api/forms"
	"duban/projections"
)

func types(events []projections.TrailEntry) []string {
	var out []string
	for _, e := range events {
		out = append(out, strings.TrimSuffix(strings.TrimPrefix(e.Type, "duban."), ".v1"))
	}
	return out
}

func TestRectificationComesBack(t *testing.T) {
	n := start(t)
	n.hazards()
	qian := n.member("qian", "inspector", "")
	exported := n.get(n.caughtUp("reports/rectification?format=xlsx")).want(http.StatusOK).body
	file := edited(t, exported, forms.Rectification(), edits{
		0: {"grade": "一般隐患", "measures": "补齐台账", "rectifier": "丙公司", "funds": "1,200", "deadline": "２０１９年８月１日"},
		1: {"outcome": "合格", "reinspected_on": "2019-06-27"},
		2: {"description": "别的问题"},
		3: {"found_on": 43642, "place": "丁公司 配电室", "description": "线路老化", "category": "电气", "grade": "重大", "basis": "《安全生产法》第三十八条\n判定依据：判定标准第五条"},
		4: {"found_on": "2019.6.26", "place": "丁公司　配电室", "description": " 线路老化", "category": "电气"},
		5: {"found_on": "2019-06-26", "place": "只有单位", "description": "x", "category": "y"},
		6: {"found_on": "6月26日", "place": "戊公司 车间", "description": "x", "category": "y"},
	})
	before := n.store.Acked()
	preview := broughtIn(t, n.sendSheet(qian, "rectification/preview", file))
	require.Equal(t, before, n.store.Acked(), "a preview appends nothing")
	assert.Equal(t, []string{"changed", "refused", "refused", "new", "refused", "refused", "refused"}, outcomes(preview))

	done := broughtIn(t, n.sendSheet(qian, "rectification", file))
	assert.Equal(t, []string{"changed", "refused", "refused", "new", "refused", "refused", "refused"}, outcomes(done))
	assert.Equal(t, []string{
		"finding.verified", "finding.graded", "finding.rectification_ordered",
		"name.claimed", "finding.recorded", "finding.verified", "finding.graded",
	}, types(n.recordedSince(before)))
	assert.Len(t, done.Rows[0].Events, 3)
	assert.Equal(t, []string{"finding.reinspected.status", "cell.locked", "place.form", "date.no_year"},
		[]string{done.Rows[1].Reasons[0].Rule, done.Rows[2].Reasons[0].Rule, done.Rows[5].Reasons[0].Rule, done.Rows[6].Reasons[0].Rule})
	assert.Equal(t, "row.repeated", done.Rows[4].Reasons[0].Rule)

	var f projections.FindingView
	n.get(n.caughtUp("findings/" + strings.TrimPrefix(done.Rows[3].Record, "finding/"))).want(http.StatusOK).into(&f)
	assert.Equal(t, []string{"丁公司", "配电室", "线路老化", "2019-06-26", "major", "判定标准第五条", "graded"},
		[]string{f.Subject, f.Place, f.Description, string(f.FoundOn), f.Grade, f.Criterion, f.Status})
	n.get("findings/" + strings.TrimPrefix(done.Rows[0].Record, "finding/")).want(http.StatusOK).into(&f)
	assert.Equal(t, []any{int64(120_000), "丙公司", "rectification_ordered"}, []any{f.FundsFen, f.Rectifier, f.Status})
	assert.Equal(t, "2019-08-01", string(f.Deadline.Date))

	n.unchanged(func() {
		again := broughtIn(t, n.sendSheet(qian, "rectification", file))
		assert.Equal(t, []string{"already", "refused", "refused", "already", "refused", "refused", "refused"}, outcomes(again))
		assert.Equal(t, done.Rows[3].Events, again.Rows[3].Events)
		saved := edited(t, file, forms.Rectification(), edits{7: {"found_on": "x"}})
		again = broughtIn(t, n.sendSheet(n.token, "rectification", saved))
		assert.Equal(t, []string{"same", "refused", "refused", "already", "refused", "refused", "refused"}, outcomes(again)[:7], "another file with the same rows")
	})
}

func TestReinspectionComesBack(t *testing.T) {
	n := start(t)
	n.hazards()
	qian := n.member("qian", "inspector", "")
	var page projections.Page[projections.FindingView]
	n.get(n.caughtUp("findings?status=rectification_ordered")).want(http.StatusOK).into(&page)
	f := "findings/" + page.Items[0].ID
	n.act(n.token, f+"/report-rectification", body{"evidence": n.attach("照片")})
	n.clock.set(t, "2019-07-20 10:00")
	exported := n.get(n.caughtUp("reports/rectification?status=rectification_reported&format=csv")).want(http.StatusOK).body
	records, err := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(exported, []byte("\ufeff")))).ReadAll()
	require.NoError(t, err)
	require.Len(t, records, 2)
	for header, words := range map[string]string{"复查人": "person_x、qian", "复查时间": "2019/7/10", "结论": "通过", "销号日期": "2019年7月12日"} {
		records[1][slices.Index(records[0], header)] = words
	}
	var out bytes.Buffer
	require.NoError(t, csv.NewWriter(&out).WriteAll(append(records, []string{"注：以上由检查组填写"})))
	file := out.Bytes()
	before := n.store.Acked()
	done := broughtIn(t, n.sendSheet(qian, "rectification", file))
	require.Equal(t, []string{"changed"}, outcomes(done), "%+v", done)
	events := n.recordedSince(before)
	assert.Equal(t, []string{"finding.reinspected", "finding.written_off"}, types(events))
	assert.Equal(t, "2019-07-10", events[0].Time.Format("2006-01-02"))
	assert.Equal(t, "2019-07-12", events[1].Time.Format("2006-01-02"))
	assert.Equal(t, "表尾说明 / a remark", done.Ignored[0].Why)

	// Written off in the ledger meanwhile: the older sheet is stale.
	stale := broughtIn(t, n.sendSheet(n.token, "rectification", []byte(strings.Replace(string(file), "通过", "不通过", 1))))
	assert.Equal(t, []string{"stale"}, outcomes(stale))
	assert.Contains(t, stale.Rows[0].Reasons[0].Words, "销号")
}
