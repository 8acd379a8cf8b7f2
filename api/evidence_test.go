package api_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"duban/api"
	"duban/domain"
)

func TestEvidenceRoundTrip(t *testing.T) {
	n := start(t, func(c *api.Config) { c.MaxEvidence = 1 << 20 })
	content := strings.Repeat("\x00\x01证据", 100_000)
	sum := sha256.Sum256([]byte(content))
	n.unchanged(func() {
		var ev domain.Evidence
		put := request{method: http.MethodPut, path: "evidence", token: n.token, media: "image/png", body: content}
		n.do(put).want(http.StatusCreated).into(&ev)
		assert.Equal(t, domain.Evidence{SHA256: hex.EncodeToString(sum[:]), Size: int64(len(content)), MediaType: "image/png"}, ev)
		n.do(put).want(http.StatusCreated)
		a := n.get("evidence/" + ev.SHA256).want(http.StatusOK)
		assert.Equal(t, content, string(a.body))
		assert.Equal(t, "image/png", a.header.Get("Content-Type"))
		assert.Equal(t, "nosniff", a.header.Get("X-Content-Type-Options"))
		assert.Contains(t, a.header.Get("Content-Disposition"), "attachment")
	})
}

// A body of unknown length is refused once it is too long, without reading on.
func TestEvidenceOfUnknownLength(t *testing.T) {
	n := start(t, func(c *api.Config) { c.MaxEvidence = 1 << 20 })
	for _, size := range []int64{1 << 20, 1<<20 + 1, 1 << 30} {
		source := &counter{r: io.LimitReader(zeros{}, size)}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, n.http.URL+"/api/v1/evidence", source)
		require.NoError(t, err)
		req.ContentLength = -1
		req.Header.Set("Authorization", "Bearer "+n.token)
		res, err := n.http.Client().Do(req)
		require.NoError(t, err)
		b, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		a := answer{t: t, status: res.StatusCode, header: res.Header, body: b}
		if size == 1<<20 {
			a.want(http.StatusCreated)
			continue
		}
		a.problem(http.StatusRequestEntityTooLarge)
		assert.Less(t, source.n, int64(16<<20), "the server read on")
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n += int64(n)
	return n, err
}

// Withdrawn bytes are gone for good; the event that named them stays.
func TestWithdrawnEvidence(t *testing.T) {
	n := start(t)
	im := n.importNotice(shortNotice)
	desk := n.member("huagong", "office", im.offices["化工处"])
	other := n.member("jigai", "office", im.offices["技术改造处"])
	task := "tasks/" + im.tasks[1]
	secret := n.attach("误传的涉密文件")
	sum, _ := secret[0]["sha256"].(string)
	n.act(desk, task+"/report", body{"condition": "normal", "progress": "x", "evidence": secret})
	withdraw := body{"sha256": sum, "reason": "涉密"}
	n.unchanged(func() {
		n.post(other, task+"/withdraw-evidence", withdraw).problem(http.StatusForbidden)
		n.post(desk, task+"/withdraw-evidence", body{"sha256": strings.Repeat("0", 64), "reason": "x"}).problem(http.StatusUnprocessableEntity)
	})
	r := keyed(desk, task+"/withdraw-evidence", encode(t, withdraw), key)
	n.do(r).want(http.StatusOK)
	n.do(r).want(http.StatusOK)
	n.get("evidence/" + sum).problem(http.StatusGone)
	n.unchanged(func() {
		n.post(desk, task+"/report", body{"condition": "normal", "progress": "x", "evidence": secret}).problem(http.StatusUnprocessableEntity)
	})
	assert.Contains(t, string(n.get(n.caughtUp(task+"/history")).body), sum, "the event stays")
	n.close()
	n.open()
	n.get("evidence/" + sum).problem(http.StatusGone)

	// The bytes are there after all, as after a crash before their removal: the next
	// start removes them.
	n.attach("误传的涉密文件")
	n.get("evidence/" + sum).want(http.StatusOK)
	n.close()
	n.open()
	n.get("evidence/" + sum).problem(http.StatusGone)

	// It had only been attached to the wrong task: it may come again, and neither
	// a retry of the withdrawal nor the next start takes it away.
	right := "tasks/" + im.tasks[2]
	n.act(desk, right+"/report", body{"condition": "normal", "progress": "x", "evidence": n.attach("误传的涉密文件")})
	n.get(n.caughtUp("summary")).want(http.StatusOK)
	n.do(r).want(http.StatusOK)
	n.get("evidence/" + sum).want(http.StatusOK)
	n.close()
	n.open()
	n.get("evidence/" + sum).want(http.StatusOK)
}

// An office can't remove the bytes that somebody else's record rests on by naming
// the same file itself and withdrawing it.
func TestSharedEvidenceStays(t *testing.T) {
	n := start(t)
	im := n.importNotice(shortNotice)
	desk := n.member("huagong", "office", im.offices["化工处"])
	inspector := n.member("jiancha", "inspector", im.offices["技术改造处"])
	photo := n.attach("检查现场照片")
	sum, _ := photo[0]["sha256"].(string)
	finding := body{"subject": body{"name": "样例厂", "place": "园区"}, "description": "x", "category": "x", "found_on": "2019-06-27", "evidence": photo}
	n.post(inspector, "findings", finding).want(http.StatusCreated)
	task := "tasks/" + im.tasks[1]
	n.act(desk, task+"/report", body{"condition": "normal", "progress": "x", "evidence": photo})
	withdraw := body{"sha256": sum, "reason": "误传"}
	n.unchanged(func() {
		p := n.post(desk, task+"/withdraw-evidence", withdraw).problem(http.StatusForbidden)
		assert.Equal(t, "evidence.shared", p.Rule)
	})
	n.get("evidence/" + sum).want(http.StatusOK)
	n.act(n.token, task+"/withdraw-evidence", withdraw)
	n.get("evidence/" + sum).problem(http.StatusGone)
}

// What an amendment makes an event name has to be there, as at its entry.
func TestAmendmentsNameWhatIsThere(t *testing.T) {
	n := start(t)
	im := n.importNotice(shortNotice)
	chem := im.offices["化工处"]
	desk := n.member("huagong", "office", chem)
	task := "tasks/" + im.tasks[2]
	report := n.act(desk, task+"/report", body{"condition": "normal", "progress": "x"})
	moved := n.act(n.token, task+"/transfer", body{"from": chem, "to": im.offices["技术改造处"], "cause": "decision"})
	amend := func(target string, changes body) body {
		return body{"target": target, "mode": "amend", "reason": "录错", "changes": changes}
	}
	stored := n.attach("补交的材料")
	n.unchanged(func() {
		p := n.post(n.token, task+"/correct", amend(moved.Events[0].ID, body{"to": "office/nosuch"})).problem(http.StatusUnprocessableEntity)
		assert.Equal(t, "reference.unknown", p.Rule)
		p = n.post(n.token, task+"/correct", amend(report.Events[0].ID, body{"evidence": []body{{"sha256": strings.Repeat("0", 64)}}})).problem(http.StatusUnprocessableEntity)
		assert.Equal(t, "evidence.absent", p.Rule)
		p = n.post(n.token, task+"/correct", amend(report.Events[0].ID, body{"evidence": []body{{"sha256": stored[0]["sha256"], "size": 1}}})).problem(http.StatusUnprocessableEntity)
		assert.Equal(t, "evidence.size", p.Rule)
	})
	n.act(n.token, task+"/correct", amend(report.Events[0].ID, body{"evidence": stored}))
	n.act(n.token, task+"/correct", amend(report.Events[0].ID, body{"progress": "y"}))
}

// The safety office enters for an office: with evidence, or a note of a call.
func TestOnBehalf(t *testing.T) {
	n := start(t)
	im := n.importNotice(shortNotice)
	chem := im.offices["化工处"]
	task := "tasks/" + im.tasks[1]
	report := func(extra body) answer {
		b := body{"office": chem, "condition": "normal", "progress": "来电报告"}
		for k, v := range extra {
			b[k] = v
		}
		return n.post(n.token, task+"/report", b)
	}
	n.unchanged(func() {
		assert.Equal(t, "role.report", report(nil).problem(http.StatusForbidden).Rule)
		assert.Equal(t, "behalf.received", report(body{"on_behalf_of": chem}).problem(http.StatusUnprocessableEntity).Rule)
		assert.Equal(t, "behalf.note", report(body{"on_behalf_of": chem, "received_via": "phone", "received_on": "2019-06-27"}).problem(http.StatusUnprocessableEntity).Rule)
		assert.Equal(t, "behalf.evidence", report(body{"on_behalf_of": chem, "received_via": "paper", "received_on": "2019-06-27"}).problem(http.StatusUnprocessableEntity).Rule)
		assert.Equal(t, "behalf.received_on", report(body{"on_behalf_of": chem, "received_via": "phone", "received_on": "2019-06-28", "note": "x"}).problem(http.StatusUnprocessableEntity).Rule)
		assert.Equal(t, "behalf.kind", report(body{"on_behalf_of": "task/" + im.tasks[1], "received_via": "phone", "received_on": "2019-06-27", "note": "x"}).problem(http.StatusUnprocessableEntity).Rule)
		assert.Equal(t, "share.other_office", report(body{"on_behalf_of": im.offices["技术改造处"], "received_via": "phone", "received_on": "2019-06-27", "note": "x"}).problem(http.StatusForbidden).Rule)
	})
	// A call of yesterday can't tell of today: who enters it says when it happened.
	n.clock.set(t, "2019-06-28 09:00")
	call := body{"on_behalf_of": chem, "received_via": "phone", "received_on": "2019-06-27", "note": "来电"}
	n.unchanged(func() {
		p := report(call).problem(http.StatusUnprocessableEntity)
		assert.Equal(t, "behalf.received_before", p.Rule)
		assert.Equal(t, "body.received_on", p.Errors[0].Location)
		assert.Contains(t, p.Detail, "收到日期 2019-06-27 早于发生日期 2019-06-28")
	})
	call["time"] = "2019-06-27T16:30:00+08:00"
	a := report(call).want(http.StatusOK)
	require.NotEmpty(t, a.body)
	h := n.get(n.caughtUp(task + "/history")).want(http.StatusOK)
	for _, what := range []string{`"on_behalf_of":"` + chem, `"actor":"person/operator"`, `"authority":"role/safety_office"`} {
		assert.True(t, bytes.Contains(h.body, []byte(what)), what)
	}
	assert.Equal(t, "in_progress", n.shareOf(task, chem).Status)
}
