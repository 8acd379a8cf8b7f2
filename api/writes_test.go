package api_test

import (
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"duban/api"
)

// keyed is a command under an idempotency key.
func keyed(token, path, content, key string) request {
	r := request{method: http.MethodPost, path: path, token: token, media: "application/json", body: content}
	if key != "" {
		r.header = map[string]string{"Idempotency-Key": key}
	}
	return r
}

func TestIdempotency(t *testing.T) {
	n := start(t)
	im := n.importNotice(shortNotice)
	desk := n.member("huagong", "office", im.offices["化工处"])
	other := n.member("jigai", "office", im.offices["技术改造处"])
	ack := "tasks/" + im.tasks[1] + "/acknowledge"

	first := n.do(keyed(desk, ack, `{"note":"收到"}`, key)).want(http.StatusOK)
	assert.Empty(t, first.header.Get("Idempotent-Replayed"))
	n.act(desk, "tasks/"+im.tasks[1]+"/report", body{"condition": "normal", "progress": "x"}) // the record moves on
	again := func() {
		t.Helper()
		n.unchanged(func() {
			a := n.do(keyed(desk, ack, `{"note":"收到"}`, key)).want(http.StatusOK)
			assert.Equal(t, "true", a.header.Get("Idempotent-Replayed"))
			assert.Equal(t, string(first.body), string(a.body))
			assert.Equal(t, first.header.Get("ETag"), a.header.Get("ETag"))
			assert.Equal(t, first.header.Get("Duban-Sequence"), a.header.Get("Duban-Sequence"))
			p := n.do(keyed(desk, ack, `{"note":"别的"}`, key)).problem(http.StatusUnprocessableEntity)
			assert.Equal(t, "urn:duban:problem:idempotency-key-reused", p.Type)
		})
	}
	again()
	// Another person's and another route's requests under the same key are others.
	n.do(keyed(other, ack, `{"note":"收到"}`, key)).want(http.StatusOK)
	n.do(keyed(desk, "tasks/"+im.tasks[2]+"/acknowledge", `{"note":"收到"}`, key)).want(http.StatusOK)

	record := `{"subject":{"name":"某厂","place":"厂区"},"description":"d","category":"c","found_on":"2019-06-26"}`
	f := n.do(keyed(desk, "findings", record, key)).want(http.StatusCreated)
	assert.NotEmpty(t, f.header.Get("Location"))
	n.get(n.caughtUp(f.header.Get("Location"))).want(http.StatusOK)
	n.unchanged(func() {
		a := n.do(keyed(desk, "findings", record, key)).want(http.StatusCreated)
		assert.Equal(t, string(f.body), string(a.body))
		assert.Equal(t, f.header.Get("Location"), a.header.Get("Location"))
	})
	imp := request{method: http.MethodPost, path: "directives", token: n.token, media: "text/plain", body: "某办发〔2019〕1号\n关于安全检查的通知\n一、开展检查。（责任处室：化工处）\n", header: map[string]string{"Idempotency-Key": key}}
	d := n.do(imp).want(http.StatusCreated)
	n.unchanged(func() {
		assert.Equal(t, string(d.body), string(n.do(imp).want(http.StatusCreated).body))
		imp.body += "二、再查一次。（责任处室：化工处）\n"
		n.do(imp).problem(http.StatusUnprocessableEntity)
	})

	// Without a window, and in a process that never saw the first request.
	n.close()
	n.open()
	again()
}

func TestIfMatch(t *testing.T) {
	n := start(t)
	im := n.importNotice(shortNotice)
	desk := n.member("huagong", "office", im.offices["化工处"])
	task := "tasks/" + im.tasks[1]
	tag := n.get(task).want(http.StatusOK).header.Get("ETag")
	r := keyed(desk, task+"/acknowledge", `{}`, "")
	r.header = map[string]string{"If-Match": tag}
	a := n.do(r).want(http.StatusOK)
	assert.NotEqual(t, tag, a.header.Get("ETag"))
	r.path = task + "/report"
	r.body = `{"condition":"normal","progress":"x"}`
	n.unchanged(func() {
		assert.Equal(t, "urn:duban:problem:stale", n.do(r).problem(http.StatusPreconditionFailed).Type)
	})
	seq := a.header.Get("Duban-Sequence")
	require.Equal(t, strconv.FormatUint(n.store.Acked(), 10), seq)
	assert.Equal(t, a.header.Get("ETag"), n.get(task+"?min_seq="+seq).header.Get("ETag"))
	r.header["If-Match"] = a.header.Get("ETag")
	n.do(r).want(http.StatusOK)
	r.header["If-Match"] = "*"
	n.do(r).want(http.StatusOK)
}

// N writers want one transition: one wins, the others are refused by the rule or
// by the version they had seen, and one event is recorded.
func TestRaceForOneTransition(t *testing.T) {
	n := start(t)
	im := n.importNotice(shortNotice)
	desk := n.member("huagong", "office", im.offices["化工处"])
	for round, match := range []bool{false, true} {
		task := "tasks/" + im.tasks[round+1]
		tag := n.get(task).header.Get("ETag")
		before := n.store.Acked()
		answers := make([]answer, 8)
		var all sync.WaitGroup
		for i := range answers {
			all.Go(func() {
				r := keyed(desk, task+"/acknowledge", fmt.Sprintf(`{"note":"%d"}`, i), "")
				if match {
					r.header = map[string]string{"If-Match": tag}
				}
				answers[i] = n.do(r)
			})
		}
		all.Wait()
		won := 0
		for _, a := range answers {
			switch a.status {
			case http.StatusOK:
				won++
			case http.StatusPreconditionFailed:
				require.True(t, match)
				a.problem(http.StatusPreconditionFailed)
			default:
				a.problem(http.StatusConflict)
			}
		}
		assert.Equal(t, 1, won)
		assert.Equal(t, before+1, n.store.Acked())
	}
}

// The same request many times at once is one event and one answer.
func TestRaceUnderOneKey(t *testing.T) {
	n := start(t)
	im := n.importNotice(shortNotice)
	desk := n.member("huagong", "office", im.offices["化工处"])
	for _, r := range []request{
		keyed(desk, "tasks/"+im.tasks[1]+"/acknowledge", `{}`, key),
		keyed(desk, "findings", `{"subject":{"name":"某厂","place":"厂区"},"description":"d","category":"c","found_on":"2019-06-26"}`, key),
	} {
		before := n.store.Acked()
		answers := make([]answer, 8)
		var all sync.WaitGroup
		for i := range answers {
			all.Go(func() { answers[i] = n.do(r) })
		}
		all.Wait()
		for _, a := range answers {
			require.Less(t, a.status, 300, "%s", a.body)
			assert.Equal(t, string(answers[0].body), string(a.body))
			assert.Equal(t, answers[0].header.Get("ETag"), a.header.Get("ETag"))
		}
		assert.Equal(t, before+1, n.store.Acked())
	}
}

// A revoked token stays revoked.
func TestTokens(t *testing.T) {
	n := start(t)
	im := n.importNotice(shortNotice)
	var made api.TokenMade
	n.post(n.token, "tokens", body{"person": "huagong", "role": "office", "office": im.offices["化工处"]}).want(http.StatusCreated).into(&made)
	var me api.Me
	n.do(request{method: http.MethodGet, path: "me", token: made.Token}).want(http.StatusOK).into(&me)
	assert.Equal(t, api.Me{Person: "huagong", Office: im.offices["化工处"][len("office/"):], Role: "office"}, me)
	revoke := request{method: http.MethodDelete, path: "tokens/" + made.Digest, token: made.Token}
	n.do(revoke).problem(http.StatusForbidden)
	revoke.token = n.token
	n.do(revoke).want(http.StatusNoContent)
	n.do(request{method: http.MethodGet, path: "me", token: made.Token}).problem(http.StatusUnauthorized)
	n.close()
	n.open()
	n.do(request{method: http.MethodGet, path: "me", token: made.Token}).problem(http.StatusUnauthorized)
	n.get("me").want(http.StatusOK)
}

// While the ledger can't be reached, those who were let in before go on reading.
func TestReadsWithoutTheLedger(t *testing.T) {
	n := start(t)
	im := n.importNotice(shortNotice)
	reader := n.member("shenji", "auditor", "")
	late := n.member("kaohe", "assessor", "")
	task := "tasks/" + im.tasks[1]
	as := func(token, path string) answer {
		return n.do(request{method: http.MethodGet, path: path, token: token})
	}
	known := as(reader, n.caughtUp(task)).want(http.StatusOK)
	require.NoError(t, n.store.Close())
	assert.Equal(t, string(known.body), string(as(reader, task).want(http.StatusOK).body))
	as(reader, "tasks?q=登记").want(http.StatusOK)
	as(late, task).problem(http.StatusServiceUnavailable)
	n.post(n.token, task+"/remind", body{"words": "x"}).problem(http.StatusServiceUnavailable)

	n.http.Close()
	n.cancel()
	<-n.ran
	assert.NoError(t, n.model.Close())
	n.http = nil
}
