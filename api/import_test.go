package api_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"duban/api"
	"duban/domain/notice"
)

const docx = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"

// zipped returns a zip file with one file in it.
func zipped(t *testing.T, name string, content []byte) string {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.Create(name)
	require.NoError(t, err)
	_, err = w.Write(content)
	require.NoError(t, err)
	require.NoError(t, z.Close())
	return b.String()
}

func TestBadNotices(t *testing.T) {
	n := start(t)
	bomb := zipped(t, "word/document.xml", bytes.Repeat([]byte("<w:p><w:r><w:t>一</w:t></w:r></w:p>"), 3<<20))
	require.Less(t, len(bomb), 1<<20)
	var draft notice.Draft
	n.do(request{method: http.MethodPost, path: "directives/preview", token: n.token, media: "text/plain", body: shortNotice}).want(http.StatusOK).into(&draft)
	raw, err := json.Marshal(draft)
	require.NoError(t, err)

	for _, c := range []struct {
		name, media, body string
		status            int
		says              string
	}{
		{"empty", "text/plain", "", 0, "notice"},
		{"blank", "text/plain", " \n\n\t\n", http.StatusUnprocessableEntity, "notice"},
		{"binary", "text/plain", "\x00\x01\x02\xff\xfe\x00\x00PNG" + strings.Repeat("\x00\x9f", 500), http.StatusUnsupportedMediaType, "notice-not-text"},
		{"10 MB", "text/plain", strings.Repeat("一、任务。\n", 10<<20/16), http.StatusRequestEntityTooLarge, "too-large"},
		{"broken docx", docx, zipped(t, "word/document.xml", []byte("<w:document><w:p>"))[:90], http.StatusUnprocessableEntity, "notice-docx"},
		{"zip without a document", docx, zipped(t, "photo.png", []byte("png")), http.StatusUnprocessableEntity, "notice-docx"},
		{"zip bomb", docx, bomb, http.StatusRequestEntityTooLarge, "notice-too-large"},
		{"not a notice", "text/plain", "春天来了，万物复苏。", http.StatusUnprocessableEntity, "notice"},
		{"media type", ";;", shortNotice, http.StatusUnsupportedMediaType, "media-type"},
		{"draft with an unknown field", "application/json", strings.Replace(string(raw), `{`, `{"colour":1,`, 1), http.StatusUnprocessableEntity, "colour"},
		{"draft with a field twice", "application/json", strings.Replace(string(raw), `{`, `{"title":"另一个",`, 1), http.StatusBadRequest, "title"},
		{"draft that is none", "application/json", `[]`, http.StatusUnprocessableEntity, "urn:duban:problem:draft"},
		{"draft of nothing", "application/json", `{}`, http.StatusUnprocessableEntity, "urn:duban:problem"},
		{"null draft", "application/json", `null`, http.StatusUnprocessableEntity, "urn:duban:problem"},
	} {
		for _, path := range []string{"directives", "directives/preview"} {
			if strings.HasPrefix(c.name, "draft of") && path == "directives/preview" {
				continue
			}
			n.unchanged(func() {
				a := n.do(request{method: http.MethodPost, path: path, token: n.token, media: c.media, body: c.body})
				if c.status == 0 {
					require.Contains(t, []int{http.StatusBadRequest, http.StatusUnprocessableEntity}, a.status, "%s: %s", c.name, a.body)
					return
				}
				require.Equal(t, c.status, a.status, "%s %s: %.300s", c.name, path, a.body)
				a.problem(c.status)
				assert.Contains(t, string(a.body), c.says, c.name)
			})
		}
	}
	n.unchanged(func() {
		for _, on := range []string{"2019-13-01", "soon", "2019-06-01", "2030-01-01"} {
			a := n.do(request{method: http.MethodPost, path: "directives?assigned_on=" + on, token: n.token, media: "text/plain", body: shortNotice})
			a.problem(http.StatusUnprocessableEntity)
			assert.Contains(t, string(a.body), "body.", on)
		}
	})

	// The same number again names the earlier directive, however it is spelled.
	im := n.importNotice(shortNotice)
	n.unchanged(func() {
		for _, again := range []string{shortNotice, strings.Replace(shortNotice, "〔2019〕", "[2019]", 1), shortNotice + "（五）另加一条。\n"} {
			p := n.do(request{method: http.MethodPost, path: "directives", token: n.token, media: "text/plain", body: again}).problem(http.StatusConflict)
			assert.Contains(t, p.Detail, im.id)
			assert.Contains(t, p.Detail, "某工信安〔2019〕7号")
			assert.Empty(t, p.Allowed)
		}
	})
}

// A notice without clauses hands nothing out; it is not recorded, and neither is a
// draft that lost its clauses.
func TestImportWithoutClauses(t *testing.T) {
	n := start(t)
	preview := n.do(request{method: http.MethodPost, path: "directives/preview", token: n.token, media: "text/plain", body: shortNotice}).want(http.StatusOK)
	var draft map[string]any
	preview.into(&draft)
	edited := func(edit func(map[string]any)) string {
		d := maps.Clone(draft)
		edit(d)
		raw, err := json.Marshal(d)
		require.NoError(t, err)
		return string(raw)
	}
	none := edited(func(d map[string]any) { d["clauses"] = []any{} })
	lost := edited(func(d map[string]any) { delete(d, "clauses") })
	const holiday = "某厅〔2019〕3号\n\n关于春节放假的通知\n\n各处室：\n\n现将放假安排通知如下，请遵照执行。\n\n某厅\n2019年1月3日\n"
	n.unchanged(func() {
		for _, body := range []string{none, lost} {
			for _, path := range []string{"directives", "directives/preview"} {
				p := n.do(request{method: http.MethodPost, path: path, token: n.token, media: "application/json", body: body}).problem(http.StatusUnprocessableEntity)
				assert.Equal(t, "draft.clauses", p.Rule)
				assert.Equal(t, "body.clauses", p.Errors[0].Location)
				assert.Contains(t, p.Detail, "草稿没有条款")
			}
		}
		p := n.do(request{method: http.MethodPost, path: "directives", token: n.token, media: "text/plain", body: holiday}).problem(http.StatusUnprocessableEntity)
		assert.Equal(t, "draft.clauses", p.Rule)
		assert.Contains(t, p.Detail, "没有读出条款，不能登记")
		roleless := edited(func(d map[string]any) {
			d["clauses"] = []body{{"number": 1, "text": "开展检查。", "offices": []body{{"name": "化工处"}}}}
		})
		p = n.do(request{method: http.MethodPost, path: "directives", token: n.token, media: "application/json", body: roleless}).problem(http.StatusUnprocessableEntity)
		assert.Equal(t, "directive.clause.role", p.Rule)
	})
	// Reading it is allowed: the draft shows what was found, and warns.
	a := n.do(request{method: http.MethodPost, path: "directives/preview", token: n.token, media: "text/plain", body: holiday}).want(http.StatusOK)
	assert.Contains(t, string(a.body), `"clauses":[]`)
}

// The same notice once with and once without its number is one notice, in
// whichever order and form it comes; voided, it is free again.
func TestSameNoticeWithoutItsNumber(t *testing.T) {
	n := start(t)
	plain := strings.Replace(shortNotice, "某工信安〔2019〕7号\n", "", 1)
	require.NotEqual(t, shortNotice, plain)
	var draft notice.Draft
	n.do(request{method: http.MethodPost, path: "directives/preview", token: n.token, media: "text/plain", body: shortNotice}).want(http.StatusOK).into(&draft)
	numbered := n.draft(draft)
	draft.DocumentNumber = ""
	numberless := n.draft(draft)
	forms := map[string]request{
		"text": n.notice("text/plain", shortNotice), "text without number": n.notice("text/plain", plain),
		"draft": n.notice("application/json", numbered), "draft without number": n.notice("application/json", numberless),
	}
	for first, imp := range forms {
		var w api.WriteResult
		n.do(imp).want(http.StatusCreated).into(&w)
		for second, again := range forms {
			n.unchanged(func() {
				p := n.do(again).problem(http.StatusConflict)
				assert.Equal(t, "name.claimed.taken", p.Rule)
				assert.Contains(t, p.Detail, "directive/"+w.ID, "%s after %s", second, first)
			})
		}
		if strings.HasPrefix(first, "draft without") {
			p := n.do(forms["text"]).problem(http.StatusConflict)
			assert.Contains(t, p.Detail, "某省工业和信息化厅关于印发安全生产专项整治工作方案的通知")
		}
		n.act(n.token, "directives/"+w.ID+"/void", body{"reason": "误登"})
	}
	// Another day's notice in the same words is another one.
	n.do(forms["text without number"]).want(http.StatusCreated)
	n.do(n.notice("text/plain", strings.ReplaceAll(plain, "2019年6月26日", "2019年6月20日"))).want(http.StatusCreated)
}

func (n *node) notice(media, text string) request {
	return request{method: http.MethodPost, path: "directives", token: n.token, media: media, body: text}
}

func (n *node) draft(d notice.Draft) string {
	raw, err := json.Marshal(d)
	require.NoError(n.t, err)
	return string(raw)
}

// An edited draft is imported as edited; a void frees the number.
func TestDraftAndVoid(t *testing.T) {
	n := start(t)
	var draft notice.Draft
	n.do(request{method: http.MethodPost, path: "directives/preview", token: n.token, media: "text/plain", body: shortNotice}).want(http.StatusOK).into(&draft)
	draft.Clauses[0].Text = "对列入计划的企业逐户登记。"
	raw, err := json.Marshal(draft)
	require.NoError(t, err)
	var w api.WriteResult
	n.do(request{method: http.MethodPost, path: "directives?assigned_on=2019-06-26", token: n.token, media: "application/json", body: string(raw)}).want(http.StatusCreated).into(&w)
	a := n.get(n.caughtUp("directives/" + w.ID)).want(http.StatusOK)
	assert.Contains(t, string(a.body), "对列入计划的企业逐户登记。")
	assert.Contains(t, string(a.body), `"allowed":["require-reporting","amend","repeal","void","correct"]`)
	src := n.get("directives/" + w.ID + "/source").want(http.StatusOK)
	assert.Equal(t, string(raw), string(src.body))

	n.act(n.token, "directives/"+w.ID+"/void", body{"reason": "误登"})
	im := n.importNotice(shortNotice)
	assert.NotEqual(t, w.ID, im.id)
	src = n.get("directives/" + im.id + "/source").want(http.StatusOK)
	assert.Equal(t, shortNotice, string(src.body))

	desk := n.member("huagong", "office", im.offices["化工处"])
	n.act(desk, "tasks/"+im.tasks[2]+"/acknowledge", body{})
	n.unchanged(func() {
		p := n.post(n.token, "directives/"+im.id+"/void", body{"reason": "误登"}).problem(http.StatusConflict)
		assert.Equal(t, "directive.voided.acted", p.Rule)
	})
}

// Of simultaneous imports of one notice one wins and the other is told which.
func TestSimultaneousImports(t *testing.T) {
	n := start(t)
	const writers = 4
	answers := make([]answer, writers)
	var all sync.WaitGroup
	for i := range answers {
		all.Go(func() {
			answers[i] = n.do(request{method: http.MethodPost, path: "directives", token: n.token, media: "text/plain", body: shortNotice})
		})
	}
	all.Wait()
	var winner api.WriteResult
	for _, a := range answers {
		if a.status == http.StatusCreated {
			require.Empty(t, winner.ID, "two imports won")
			a.into(&winner)
		}
	}
	require.NotEmpty(t, winner.ID)
	for _, a := range answers {
		if a.status != http.StatusCreated {
			assert.Contains(t, a.problem(http.StatusConflict).Detail, winner.ID)
		}
	}
	assert.Equal(t, winner.Sequence, n.store.Acked(), "the losers left nothing")
}
