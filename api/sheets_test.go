package api_test

import (
	"bytes"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"

	"duban/api"
	"duban/api/forms"
	"duban/api/workbook"
	"duban/domain"
	"duban/projections"
)

// edits are cells to change, by the row of the table counted from 0 and the
// column's key.
type edits map[int]map[string]any

// edited returns a workbook with changed cells, as somebody in an office changes
// them.
func edited(t *testing.T, file []byte, table workbook.Table, e edits) []byte {
	t.Helper()
	r, err := workbook.Read(file, table, workbook.Limits{})
	require.NoError(t, err)
	f, err := excelize.OpenReader(bytes.NewReader(file))
	require.NoError(t, err)
	for row, cells := range e {
		for key, v := range cells {
			i := slices.IndexFunc(table.Columns, func(c workbook.Column) bool { return c.Key == key })
			number := r.Header + 1 + row
			if row < len(r.Rows) {
				number = r.Rows[row].Number
			}
			require.NoError(t, f.SetCellValue(r.Sheet, r.Letters[i]+strconv.Itoa(number), v))
		}
	}
	var out bytes.Buffer
	require.NoError(t, f.Write(&out))
	return out.Bytes()
}

func (n *node) sendSheet(token, path string, file []byte) answer {
	n.t.Helper()
	return n.do(request{method: http.MethodPost, path: "imports/" + path, token: token, media: "application/octet-stream", body: string(file)})
}

func broughtIn(t *testing.T, a answer) api.ImportView {
	t.Helper()
	a.want(http.StatusOK)
	var v api.ImportView
	a.into(&v)
	for _, r := range v.Rows {
		for _, reason := range r.Reasons {
			chineseFirst(t, reason.Words)
		}
	}
	return v
}

func outcomes(v api.ImportView) []string {
	var out []string
	for _, r := range v.Rows {
		out = append(out, r.Outcome.String())
	}
	return out
}

// recordedSince returns the types and subjects of the events after a sequence.
func (n *node) recordedSince(seq uint64) []projections.TrailEntry {
	n.t.Helper()
	var page struct{ Events []projections.TrailEntry }
	n.get(n.caughtUp("events?limit=500&after=" + strconv.FormatUint(seq, 10))).want(http.StatusOK).into(&page)
	return page.Events
}

const received = "?received_via=paper&received_on=2019-08-19&name=" + "%E6%B1%87%E6%80%BB%E8%A1%A8.xlsx"

func TestProgressComesBack(t *testing.T) {
	n := start(t)
	im, _ := reported(n)
	exported := n.get(n.caughtUp("reports?period=2019-07&format=xlsx")).want(http.StatusOK).body
	file := edited(t, exported, forms.Progress(), edits{
		1: {"progress": "已建立台账", "problems": "人手不足"},
		2: {"progress": "零报告"},
		3: {"progress": "已完成绘图", "done": "是"},
		4: {"office": "信息处", "progress": "一"},
	})
	before := n.store.Acked()
	want := []string{"same", "changed", "changed", "changed", "refused", "same"}

	var preview api.ImportView
	n.unchanged(func() { preview = broughtIn(t, n.sendSheet(n.token, "progress/preview"+received, file)) })
	assert.Equal(t, want, outcomes(preview))
	assert.True(t, preview.Preview)
	assert.Equal(t, []forms.Change{
		{Column: "进展情况", Cell: preview.Rows[1].Changes[0].Cell, Was: "", Becomes: "已建立台账"},
		{Column: "存在问题", Cell: preview.Rows[1].Changes[1].Cell, Was: "", Becomes: "人手不足"},
	}, preview.Rows[1].Changes)
	assert.Equal(t, []api.ImportAct{{Act: "report", Chinese: "报告进展"}}, preview.Rows[1].Acts)
	assert.Empty(t, preview.Rows[1].Events)

	done := broughtIn(t, n.sendSheet(n.token, "progress"+received, file))
	assert.Equal(t, want, outcomes(done))
	assert.Equal(t, n.store.Acked(), done.Sequence)
	events := n.recordedSince(before)
	require.Len(t, events, 3)
	for i, row := range done.Rows[1:4] {
		require.Len(t, row.Events, 1)
		assert.Equal(t, events[i].ID, row.Events[0].ID)
		assert.Equal(t, events[i].Sequence, row.Events[0].Sequence)
		assert.Equal(t, "duban.task.progress_reported.v1", row.Events[0].Type)
		assert.Equal(t, row.Record, events[i].Subject)
	}
	var first struct {
		Time string
		Data struct {
			Office    string            `json:"office"`
			Behalf    string            `json:"on_behalf_of"`
			Via       string            `json:"received_via"`
			On        string            `json:"received_on"`
			Evidence  []domain.Evidence `json:"evidence"`
			Condition string            `json:"condition"`
			Progress  string            `json:"progress"`
			Problems  string            `json:"problems"`
			Period    string            `json:"period"`
			Nil       bool              `json:"nil"`
		}
	}
	decode := func(i int) { answer{t: t, body: events[i].Event}.into(&first) }
	decode(0)
	assert.Equal(t, im.offices["技术改造处"], first.Data.Office)
	assert.Equal(t, first.Data.Office, first.Data.Behalf)
	assert.Equal(t, []string{"paper", "2019-08-19", "normal", "已建立台账", "人手不足", "2019-07", "2019-08-19T00:00:00+08:00"},
		[]string{first.Data.Via, first.Data.On, first.Data.Condition, first.Data.Progress, first.Data.Problems, first.Data.Period, first.Time})
	assert.Equal(t, []domain.Evidence{{SHA256: done.SHA256, Size: int64(len(file)), MediaType: first.Data.Evidence[0].MediaType, Name: "汇总表.xlsx"}}, first.Data.Evidence)
	assert.Equal(t, file, n.get("evidence/"+done.SHA256).want(http.StatusOK).body, "the sheet is kept")
	decode(1)
	assert.True(t, first.Data.Nil)
	decode(2)
	assert.Equal(t, "done", first.Data.Condition)

	refused := done.Rows[4]
	assert.Equal(t, "cell.locked", refused.Reasons[0].Rule)
	assert.Contains(t, refused.Reasons[0].Words, "信息处")
	assert.Equal(t, "牵头/责任处室", refused.Reasons[0].Column)

	// Once more: nothing new.
	n.unchanged(func() {
		again := broughtIn(t, n.sendSheet(n.token, "progress"+received, file))
		assert.Equal(t, []string{"same", "already", "already", "already", "refused", "same"}, outcomes(again))
		assert.Equal(t, done.Rows[1].Events, again.Rows[1].Events)
	})
	// Saved anew it is another file of the same rows.
	n.unchanged(func() {
		saved := edited(t, file, forms.Progress(), edits{4: {"next_steps": "x"}})
		again := broughtIn(t, n.sendSheet(n.token, "progress"+received, saved))
		assert.Equal(t, []string{"same", "same", "same", "same", "refused", "same"}, outcomes(again))
	})
}

func TestAStaleRowIsRefused(t *testing.T) {
	n := start(t)
	im, _ := reported(n)
	exported := n.get(n.caughtUp("reports?period=2019-07&format=xlsx")).want(http.StatusOK).body
	tech := n.member("jigai", "office", im.offices["技术改造处"])
	w := n.act(tech, "tasks/"+im.tasks[1]+"/report", body{"period": "2019-07", "condition": "normal", "progress": "自行登录报送"})
	n.act(tech, "tasks/"+im.tasks[3]+"/report", body{"period": "2019-08", "condition": "normal", "progress": "八月"})
	file := edited(t, exported, forms.Progress(), edits{
		0: {"progress": "已登记15户"}, // the other share of the same task
		1: {"number": 7, "progress": "纸质报送"},
		3: {"progress": "七月"}, // the same share, of which another period was reported
	})
	done := broughtIn(t, n.sendSheet(n.token, "progress"+received, file))
	assert.Equal(t, []string{"changed", "stale", "same", "changed", "same", "same"}, outcomes(done))
	assert.Equal(t, "row.stale", done.Rows[1].Reasons[0].Rule)
	assert.Contains(t, done.Rows[1].Reasons[0].Words, "2019-08-20 报告进展（事件 "+w.Events[0].ID+"）")

	// What goes back is put right and brought in again.
	back := n.sendSheet(n.token, "progress/preview"+received+"&format=xlsx", file).want(http.StatusOK)
	table := forms.Progress()
	r, err := workbook.Read(back.body, table, workbook.Limits{})
	require.NoError(t, err)
	require.Len(t, r.Rows, 1)
	assert.Equal(t, "纸质报送", r.Rows[0].Cells[9].String())
	sent, err := workbook.Read(file, table, workbook.Limits{})
	require.NoError(t, err)
	assert.Equal(t, sent.Rows[1].Cells[0], r.Rows[0].Cells[0], "it keeps its number")
	corrected := edited(t, back.body, table, edits{0: {"progress": "自行登录报送；纸质补报"}})
	again := broughtIn(t, n.sendSheet(n.token, "progress"+received, corrected))
	assert.Equal(t, []string{"changed"}, outcomes(again))
	assert.Len(t, again.Rows[0].Events, 1)
}

func TestAnOfficeBringsBackItsOwnRows(t *testing.T) {
	n := start(t)
	im, _ := reported(n)
	exported := n.get(n.caughtUp("reports?period=2019-07&format=xlsx")).want(http.StatusOK).body
	file := edited(t, exported, forms.Progress(), edits{1: {"progress": "本处室"}, 5: {"progress": "别的处室"}})
	tech := n.member("jigai", "office", im.offices["技术改造处"])
	done := broughtIn(t, n.sendSheet(tech, "progress", file))
	assert.Equal(t, []string{"same", "changed", "same", "same", "same", "refused"}, outcomes(done))
	assert.Equal(t, "share.other_office", done.Rows[5].Reasons[0].Rule)
	// The safety office has to say how it came.
	done = broughtIn(t, n.sendSheet(n.token, "progress", file))
	assert.Equal(t, "behalf.received", done.Rows[5].Reasons[0].Rule)
	assert.Equal(t, "same", done.Rows[1].Outcome.String())
}

func TestNoSheet(t *testing.T) {
	n := start(t)
	for path, status := range map[string]int{"progress/preview": 400, "progress": 400, "nothing": 400} {
		n.sendSheet(n.token, path, nil).problem(status)
	}
	n.sendSheet(n.token, "nothing", []byte("x")).problem(http.StatusNotFound)
	form := n.get("imports/progress/template").want(http.StatusOK).body
	assert.Equal(t, "behalf.unknown", n.sendSheet(n.token, "progress?on_behalf_of="+url.QueryEscape("没有的处"), form).problem(http.StatusUnprocessableEntity).Rule)
	n.sendSheet(n.token, "progress?received_on=1", form).problem(http.StatusUnprocessableEntity)
	n.sendSheet(n.token, "progress?received_via=pigeon", form).problem(http.StatusUnprocessableEntity)
	n.sendSheet(n.token, "progress", []byte(" ")).problem(http.StatusUnprocessableEntity)
	n.sendSheet(n.token, "progress", []byte("\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1")).problem(http.StatusUnsupportedMediaType)
	n.sendSheet(n.token, "progress", []byte("a,b\nc,d\n")).problem(http.StatusUnprocessableEntity)
	n.get("imports/nothing/template").problem(http.StatusNotFound)
	r := sheet(t, n.get("imports/progress/template"), forms.Progress())
	assert.Empty(t, r.Rows)
}

// Two sheets change the same row at once: one is recorded, the other finds that the
// ledger has moved past it, however far both had come by then.
func TestTwoSheetsAtOnce(t *testing.T) {
	n := start(t)
	reported(n)
	exported := n.get(n.caughtUp("reports?period=2019-07&format=xlsx")).want(http.StatusOK).body
	var files [][]byte
	for _, words := range []string{"甲", "乙", "丙", "丁"} {
		files = append(files, edited(t, exported, forms.Progress(), edits{1: {"progress": words}}))
	}
	before := n.store.Acked()
	got := make([]string, len(files))
	var all sync.WaitGroup
	for i, f := range files {
		all.Go(func() {
			var v api.ImportView
			n.sendSheet(n.token, "progress"+received, f).into(&v)
			got[i] = v.Rows[1].Outcome.String()
		})
	}
	all.Wait()
	slices.Sort(got)
	assert.Equal(t, []string{"changed", "stale", "stale", "stale"}, got)
	assert.Len(t, n.recordedSince(before), 1)
}
