package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"duban/api"
	"duban/projections"
)

// limited starts a node with few places.
func limited(t *testing.T, l api.Limits) *node {
	t.Helper()
	return start(t, func(c *api.Config) { c.Limits = l })
}

// gauge returns a number of /metrics, which answers however busy the server is.
func (n *node) gauge(name string) string {
	n.t.Helper()
	a := n.do(request{method: http.MethodGet, path: "/metrics"}).want(http.StatusOK)
	m := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(name) + ` (\S+)$`).FindSubmatch(a.body)
	require.NotNil(n.t, m, "no %s", name)
	return string(m[1])
}

func (n *node) until(name, value string) {
	n.t.Helper()
	require.Eventually(n.t, func() bool { return n.gauge(name) == value }, 20*time.Second, time.Millisecond, "%s never was %s", name, value)
}

const (
	working = `duban_http_in_work{class="%s"}`
	waiting = `duban_http_waiting{class="%s"}`
)

// ahead is a read that holds its place until n more events are recorded.
func (n *node) ahead(events int) string {
	return fmt.Sprintf("tasks?min_seq=%d", n.store.Acked()+uint64(events))
}

// A storm is many requests at once, and their answers as they come.
func (n *node) storm(count int, path string) <-chan answer {
	answers := make(chan answer, count)
	for range count {
		go func() { answers <- n.get(path) }()
	}
	return answers
}

func (a answer) shed() {
	a.t.Helper()
	p := a.problem(http.StatusServiceUnavailable)
	assert.Equal(a.t, "urn:duban:problem:overloaded", p.Type)
	assert.Equal(a.t, "1", a.header.Get("Retry-After"))
	chineseFirst(a.t, p.Detail)
}

// TestStorm: of many reads at once as many as there are places are worked on, as
// many more wait, the rest is refused at once; writes and those who look after the
// server notice nothing; what was accepted is answered rightly; afterwards all is as
// before.
func TestStorm(t *testing.T) {
	n := limited(t, api.Limits{Reads: 4, Wait: time.Minute})
	im := n.importNotice(shortNotice)
	for range 3 {
		answers := n.storm(40, n.ahead(1))
		for range 32 {
			(<-answers).shed()
		}
		n.until(fmt.Sprintf(working, "read"), "4")
		n.until(fmt.Sprintf(waiting, "read"), "4")
		for _, free := range []string{"/healthz", "/readyz", "/metrics", "/openapi.json", "/"} {
			n.get(free).want(http.StatusOK)
		}
		w := n.act(n.token, "tasks/"+im.tasks[1]+"/remind", body{"words": "请抓紧"})
		for range 8 {
			var page projections.Page[projections.TaskView]
			(<-answers).want(http.StatusOK).into(&page)
			assert.Len(t, page.Items, len(im.tasks))
			assert.GreaterOrEqual(t, page.Cutoff.Sequence, w.Sequence)
		}
		n.until(fmt.Sprintf(working, "read"), "0")
		n.until(fmt.Sprintf(waiting, "read"), "0")
	}
	assert.Equal(t, "96", n.gauge(`duban_http_shed_total{class="read",reason="full"}`))
	assert.Equal(t, "0", n.gauge(`duban_http_shed_total{class="write",reason="full"}`))
}

// TestLate: nobody waits longer than is promised.
func TestLate(t *testing.T) {
	n := limited(t, api.Limits{Reads: 1, Wait: time.Millisecond})
	held := n.storm(1, n.ahead(1))
	n.until(fmt.Sprintf(working, "read"), "1")
	n.get("summary").shed()
	assert.Equal(t, "1", n.gauge(`duban_http_shed_total{class="read",reason="late"}`))
	n.act(n.token, "offices", body{"name": "新处", "type": "office"})
	(<-held).want(http.StatusOK)
	n.get("summary").want(http.StatusOK)
}

// TestClientsLeave: places are given back when clients break off, those in work
// and those who wait.
func TestClientsLeave(t *testing.T) {
	n := limited(t, api.Limits{Reads: 2, Wait: time.Minute})
	ctx, cancel := context.WithCancel(t.Context())
	var gone sync.WaitGroup
	for range 4 {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, n.http.URL+"/api/v1/"+n.ahead(1), nil)
		require.NoError(t, err)
		req.Header.Set("Authorization", "Bearer "+n.token)
		gone.Go(func() {
			resp, err := n.http.Client().Do(req)
			if assert.Error(t, err) {
				return
			}
			resp.Body.Close()
		})
	}
	n.until(fmt.Sprintf(working, "read"), "2")
	n.until(fmt.Sprintf(waiting, "read"), "2")
	cancel()
	gone.Wait()
	n.until(fmt.Sprintf(working, "read"), "0")
	n.until(fmt.Sprintf(waiting, "read"), "0")
	answers := n.storm(2, "summary")
	(<-answers).want(http.StatusOK)
	(<-answers).want(http.StatusOK)
	assert.Equal(t, "0", n.gauge(`duban_http_shed_total{class="read",reason="full"}`), "who leaves is not refused")
}

// TestStreamsKeepNobodyOut: event streams have places of their own, and don't wait.
func TestStreamsKeepNobodyOut(t *testing.T) {
	n := limited(t, api.Limits{Streams: 2, Reads: 1, Wait: time.Minute})
	first, second := n.listen("", "?after=0"), n.listen("", "?after=0")
	defer second.close()
	for _, l := range []*listener{first, second} {
		id, _, _ := l.next()
		assert.Equal(t, "1", id)
	}
	n.get("events/live").shed()
	n.get("summary").want(http.StatusOK)
	first.close()
	n.until(fmt.Sprintf(working, "stream"), "1")
}

// unread fails the test when it is sent.
type unread struct{ t *testing.T }

func (u unread) Read([]byte) (int, error) {
	assert.Fail(u.t, "the body of a refused request is read")
	return 0, io.EOF
}

// TestRefusedUnread: a refused upload is not read, and slow uploads keep no command
// out.
func TestRefusedUnread(t *testing.T) {
	n := limited(t, api.Limits{Files: 1, Writes: 1, Wait: time.Millisecond})
	slow, feed := io.Pipe()
	put := func(content io.Reader, expect string) (*http.Response, error) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, n.http.URL+"/api/v1/evidence", content)
		require.NoError(t, err)
		req.Header.Set("Authorization", "Bearer "+n.token)
		req.Header.Set("Content-Type", "text/plain")
		if expect != "" {
			req.Header.Set("Expect", expect)
		}
		return (&http.Client{Transport: &http.Transport{ExpectContinueTimeout: time.Minute, DisableKeepAlives: true}}).Do(req)
	}
	done := make(chan int, 1)
	go func() {
		resp, err := put(slow, "")
		if assert.NoError(t, err) {
			resp.Body.Close()
			done <- resp.StatusCode
		}
	}()
	n.until(fmt.Sprintf(working, "file"), "1")
	refused, err := put(unread{t}, "100-continue")
	require.NoError(t, err)
	defer refused.Body.Close()
	assert.Equal(t, http.StatusServiceUnavailable, refused.StatusCode)
	assert.Equal(t, "1", refused.Header.Get("Retry-After"))
	n.act(n.token, "offices", body{"name": "新处", "type": "office"})

	_, err = io.Copy(feed, strings.NewReader("一份证据"))
	require.NoError(t, err)
	require.NoError(t, feed.Close())
	assert.Equal(t, http.StatusCreated, <-done)
}

// TestCrowdOnOneRecord: commands on one record at once don't drive each other out.
func TestCrowdOnOneRecord(t *testing.T) {
	n := limited(t, api.Limits{Wait: time.Minute})
	im := n.importNotice(shortNotice)
	const many = 16 // no more may wait
	versions := make(chan uint64, many)
	for i := range many {
		go func() {
			var w api.WriteResult
			a := n.post(n.token, "tasks/"+im.tasks[1]+"/remind", body{"words": fmt.Sprintf("第%d次", i)})
			if assert.Equal(t, http.StatusOK, a.status, "%s", a.body) {
				assert.NoError(t, json.Unmarshal(a.body, &w))
			}
			versions <- w.Version
		}()
	}
	seen := map[uint64]bool{}
	for range many {
		seen[<-versions] = true
	}
	assert.Len(t, seen, many, "each is a version of its own")
}
