package api_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"duban/api/forms"
)

func TestBulkEntry(t *testing.T) {
	n := start(t)
	im, _ := reported(n)
	template := n.get("imports/bulk/template").want(http.StatusOK).body
	act := func(act, clause, office string, more map[string]any) map[string]any {
		row := map[string]any{"act": act, "source": "某工信安［2019］7号", "clause": clause, "office": office, "time": "2019-08-19", "via": "纸质", "received_on": "2019-08-20"}
		for k, v := range more {
			row[k] = v
		}
		return row
	}
	rows := edits{
		0: act("签收", "第1项", "技术改造处", map[string]any{"via": "电话", "note": "来电称已收到"}),
		1: act("报告进展", "一/（二）", "化工处", map[string]any{"condition": "正常", "words": "规划已编制", "period": "2019-08"}),
		2: act("零报告", "3", "信息中心", map[string]any{"period": "２０１９-08"}),
		3: act("申请延期", "1", "技术改造处", map[string]any{"deadline": "2020-03-31", "words": "企业停产"}),
		4: act("申请报结", "9", "技术改造处", nil),
		5: act("报告进展", "1", "没有的处", map[string]any{"condition": "正常", "words": "x"}),
		6: act("报告进展", "一(二)", "化工处", map[string]any{"condition": "正常", "words": "规划 已编制", "period": "2019-08"}),
		7: {"act": "登记发现", "time": "2019-08-18", "subject": "甲公司", "place": "罐区", "description": "未设围堰", "category": "设备"},
		8: act("申请延期", "1", "化工处", map[string]any{"words": "没写新时限"}),
	}
	file := edited(t, template, forms.BulkEntry(), rows)
	before := n.store.Acked()
	done := broughtIn(t, n.sendSheet(n.token, "bulk", file))
	assert.Equal(t, []string{"new", "new", "new", "new", "refused", "refused", "new", "new", "refused"}, outcomes(done))
	assert.Equal(t, []string{"clause.unknown", "office.unknown", "field.required"}, []string{done.Rows[4].Reasons[0].Rule, done.Rows[5].Reasons[0].Rule, done.Rows[8].Reasons[0].Rule})
	events := n.recordedSince(before)
	assert.Equal(t, []string{"task.acknowledged", "task.progress_reported", "task.progress_reported", "task.extension_requested", "task.progress_reported", "name.claimed", "finding.recorded"}, types(events))
	assert.Equal(t, "2019-08-19", events[0].Time.Format("2006-01-02"))
	assert.Equal(t, "task/"+im.tasks[1], done.Rows[0].Record)

	n.unchanged(func() {
		again := broughtIn(t, n.sendSheet(n.token, "bulk", file))
		assert.Equal(t, []string{"already", "already", "already", "already", "refused", "refused", "already", "already", "refused"}, outcomes(again))
		assert.Equal(t, done.Rows[1].Events, again.Rows[1].Events)
		// Saved anew, with a row more that is the same as one above.
		rows[8] = rows[2]
		again = broughtIn(t, n.sendSheet(n.token, "bulk", edited(t, template, forms.BulkEntry(), rows)))
		assert.Equal(t, []string{"already", "already", "already", "already", "refused", "refused", "already", "already", "refused"}, outcomes(again))
		assert.Equal(t, "row.repeated", again.Rows[8].Reasons[0].Rule)
		assert.Equal(t, "row.already", again.Rows[0].Reasons[0].Rule)
		assert.Contains(t, again.Rows[0].Reasons[0].Words, done.Rows[0].Events[0].ID)
	})

	// An office enters for itself, and needs no paper.
	chem := n.member("zhang", "office", im.offices["化工处"])
	own := edited(t, template, forms.BulkEntry(), edits{0: {"act": "签收", "source": "某工信安〔2019〕7号", "clause": "1", "time": "2019-08-20"}})
	require.Equal(t, []string{"new"}, outcomes(broughtIn(t, n.sendSheet(chem, "bulk", own))))
	own = edited(t, template, forms.BulkEntry(), edits{0: {"act": "申请报结", "source": "某工信安〔2019〕7号", "clause": "2", "time": "2019-08-20", "words": "已完成"}})
	require.Equal(t, []string{"new"}, outcomes(broughtIn(t, n.sendSheet(chem, "bulk", own))))
}
