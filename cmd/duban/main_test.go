package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"
	"github.com/stretchr/testify/require"

	"duban/api"
	"duban/domain/calendar"
)

// prepareTests lets rapid run few and short, unless flags say otherwise: each run
// opens ledgers on disk.
func prepareTests() {
	flag.Parse()
	chosen := map[string]bool{}
	flag.Visit(func(f *flag.Flag) { chosen[f.Name] = true })
	for name, value := range map[string]string{"rapid.checks": "10", "rapid.shrinktime": "5s"} {
		if chosen[name] {
			continue
		}
		if err := flag.Set(name, value); err != nil {
			panic(err)
		}
	}
}

// eventually waits for a condition, asking again as soon as the scheduler lets it,
// at most a thousand times a second.
func eventually(t require.TestingT, what string, within time.Duration, done func() bool) {
	if h, ok := t.(interface{ Helper() }); ok {
		h.Helper()
	}
	deadline := time.NewTimer(within)
	defer deadline.Stop()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-tick.C:
		case <-deadline.C:
			require.FailNow(t, "not in time: "+what)
		}
	}
}

// smallNotice has five clauses, four with offices, five shares; number and offices are taken
// from suffix, so that each import is a directive of its own.
func smallNotice(suffix string) []byte {
	return []byte(strings.ReplaceAll(`测试厅文件

测试发〔2026〕NN号

测试厅关于印发《安全生产专项整治NN工作方案》的通知

各市主管部门，各有关处室：

为做好专项整治，现将工作方案印发给你们，请认真贯彻落实。

一、加强源头治理

1.完善产业布局规划。（责任处室：规划处）

2.严格执行防护距离要求。（责任处室：化工处）

3.加大园区整合力度，到2026年12月底前完成。（责任处室：规划处、化工处）

4.淘汰落后产能。（责任处室：节能处）

5.各处室要切实承担责任。

测试厅办公室

2026年1月5日印发
`, "NN", suffix))
}

// A testNode is a ledger opened in process, with its API and no port.
type testNode struct {
	*node
	dir     string
	handler http.Handler
	token   string // the operator's
	stop    func()
}

// openTestNode opens the ledger in a folder, as serve does.
func openTestNode(t require.TestingT, dir, token string) *testNode {
	cfg := serveConfig{Data: dir, Org: "test", AckTimeout: time.Second}
	n, err := openNode(context.Background(), cfg, time.Now, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	server := api.New(api.Config{Store: n.store, Model: n.model})
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	var ran error
	wg.Go(func() { ran = n.follow(ctx, slog.New(slog.DiscardHandler)) })
	tn := &testNode{node: n, dir: dir, handler: server.Handler(), token: token}
	var once sync.Once
	tn.stop = func() {
		once.Do(func() {
			cancel()
			wg.Wait()
			require.NoError(t, n.close())
			require.NoError(t, ran)
		})
	}
	require.NoError(t, server.ReconcileEvidence(ctx))
	if token == "" {
		tn.token, err = server.Bootstrap(ctx, "安委会办公室", func(string) error { return nil })
		require.NoError(t, err)
		require.NotEmpty(t, tn.token)
	}
	return tn
}

// newTestNode opens an empty ledger for a test.
func newTestNode(t *testing.T) *testNode {
	t.Helper()
	n := openTestNode(t, t.TempDir(), "")
	t.Cleanup(n.stop)
	return n
}

// An answer is what the API said.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (a answer) problem(t require.TestingT) api.Problem {
	var p api.Problem
	require.NoError(t, json.Unmarshal(a.body, &p), string(a.body))
	return p
}

func (a answer) write(t require.TestingT) api.WriteResult {
	require.Less(t, a.status, 300, string(a.body))
	var w api.WriteResult
	require.NoError(t, json.Unmarshal(a.body, &w))
	return w
}

// ask is one request to a test node.
type ask struct {
	method, path, media string
	body                []byte
	key                 string
	token               string // "": the operator's
}

func (n *testNode) do(t require.TestingT, q ask) answer {
	req := httptest.NewRequestWithContext(context.Background(), q.method, "http://duban"+q.path, bytes.NewReader(q.body))
	if q.token == "" {
		q.token = n.token
	}
	req.Header.Set("Authorization", "Bearer "+q.token)
	if q.media != "" {
		req.Header.Set("Content-Type", q.media)
	}
	if q.key != "" {
		req.Header.Set("Idempotency-Key", q.key)
	}
	rec := httptest.NewRecorder()
	n.handler.ServeHTTP(rec, req)
	res := rec.Result()
	b, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return answer{res.StatusCode, res.Header, b}
}

func (n *testNode) get(t require.TestingT, path string) answer {
	return n.do(t, ask{method: http.MethodGet, path: path})
}

func (n *testNode) post(t require.TestingT, path string, b any) answer {
	content, err := json.Marshal(b)
	require.NoError(t, err)
	return n.do(t, ask{method: http.MethodPost, path: "/api/v1/" + path, media: "application/json", body: content, key: ulid.Make().String()})
}

func (n *testNode) importSmall(t require.TestingT, suffix string) api.WriteResult {
	return n.do(t, ask{method: http.MethodPost, path: "/api/v1/directives", media: "text/plain; charset=utf-8", body: smallNotice(suffix)}).write(t)
}

// caughtUp waits until the read models show everything acknowledged.
func (n *testNode) caughtUp(t require.TestingT) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	require.NoError(t, n.model.Wait(ctx, n.store.Acked()))
}

// today is the day answers are compared for, so that midnight changes nothing.
var today = string(calendar.On(time.Now()))
