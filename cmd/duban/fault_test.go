package main

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/oklog/ulid/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"duban/api"
	"duban/projections"
)

// reads are questions whose answers must not depend on the read models' files.
func (n *testNode) reads(t *testing.T) map[string]string {
	t.Helper()
	var tasks projections.Page[projections.TaskView]
	require.NoError(t, json.Unmarshal(n.get(t, "/api/v1/tasks?today="+today).body, &tasks))
	paths := []string{"summary", "tasks", "directives", "offices", "findings", "inspections", "tasks?q=园区", "tasks?light=undated&sort=updated"}
	for _, task := range tasks.Items {
		paths = append(paths, "tasks/"+task.ID, "tasks/"+task.ID+"/history", "tasks/"+task.ID+"?known_at=8")
	}
	all := map[string]string{}
	for _, p := range paths {
		mark := "?"
		if strings.Contains(p, "?") {
			mark = "&"
		}
		a := n.get(t, "/api/v1/"+p+mark+"today="+today)
		if a.status != http.StatusOK && a.status != http.StatusNotFound {
			require.Fail(t, p, "%d %s", a.status, a.body)
		}
		all[p] = string(a.body)
	}
	return all
}

// someWork imports a notice and lets its offices act.
func (n *testNode) someWork(t *testing.T) (taskID string) {
	t.Helper()
	n.importSmall(t, "1")
	n.caughtUp(t)
	var tasks projections.Page[projections.TaskView]
	require.NoError(t, json.Unmarshal(n.get(t, "/api/v1/tasks?today="+today).body, &tasks))
	require.Len(t, tasks.Items, 4)
	require.Len(t, tasks.Items[2].Shares, 2)
	taskID = tasks.Items[0].ID
	office := "office/" + tasks.Items[0].Shares[0].Office.ID
	n.post(t, "tasks/"+taskID+"/set-deadline", body{"date": "2026-11-30", "reason": "内控"}).write(t)
	n.post(t, "tasks/"+taskID+"/report", body{
		"office": office, "condition": "normal", "progress": "已启动", "on_behalf_of": office, "received_via": "phone",
		"received_on": today, "note": "来电",
	}).write(t)
	n.caughtUp(t)
	return taskID
}

// TestReadModelDeletedWhileRunning: law 1.
func TestReadModelDeletedWhileRunning(t *testing.T) {
	n := newTestNode(t)
	id := n.someWork(t)
	before := n.reads(t)
	for range 2 {
		old := modelFiles(t, n.dir)
		require.NotEmpty(t, old)
		// The model may be making new files while the old ones go.
		eventually(t, "the folder is removed", 10*time.Second, func() bool { return os.RemoveAll(filepath.Join(n.dir, "readmodel")) == nil })
		assert.Equal(t, before, n.reads(t), "asked while it is gone")
		eventually(t, "new files", 20*time.Second, func() bool { return len(modelFiles(t, n.dir)) > 0 })
		n.caughtUp(t)
		assert.Equal(t, before, n.reads(t))
	}
	w := n.post(t, "tasks/"+id+"/remind", body{"words": "请报进展"}).write(t)
	a := n.get(t, "/api/v1/tasks/"+id+"?min_seq="+strconv.FormatUint(w.Sequence, 10))
	assert.Equal(t, `"`+strconv.FormatUint(w.Version, 10)+`"`, a.header.Get("ETag"), "what is written after is followed")
	require.NoError(t, n.model.Verify(t.Context()))
}

func modelFiles(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "readmodel", "*.db"))
	require.NoError(t, err)
	return files
}

// TestMaxMsgsChanged: law 3. The one setting that drops events and that
// JetStream lets anybody change.
func TestMaxMsgsChanged(t *testing.T) {
	n := newTestNode(t)
	id := n.someWork(t)
	before := n.reads(t)
	setMaxMsgs(t, n, 1_000_000)
	eventually(t, "the drift is noticed", 10*time.Second, func() bool { return n.store.Health() != nil })

	acked := n.store.Acked()
	refused := n.post(t, "tasks/"+id+"/remind", body{"words": "请报进展"})
	assert.Equal(t, http.StatusServiceUnavailable, refused.status)
	assert.Contains(t, refused.problem(t).Detail, "max_msgs")
	assert.Equal(t, "urn:duban:problem:drift", refused.problem(t).Type)
	assert.Equal(t, acked, n.store.Acked())
	ready := n.get(t, "/readyz")
	assert.Equal(t, http.StatusServiceUnavailable, ready.status)
	assert.Contains(t, string(ready.body), "max_msgs")
	assert.Equal(t, http.StatusOK, n.get(t, "/healthz").status)
	assert.Equal(t, before, n.reads(t), "reads go on")
	var v api.CheckupView
	require.NoError(t, json.Unmarshal(n.get(t, "/api/v1/doctor").body, &v))
	assert.False(t, v.Healthy)
	assert.Contains(t, strings.Join(v.Problems, "\n"), "max_msgs")

	setMaxMsgs(t, n, -1)
	eventually(t, "the drift is gone", 10*time.Second, func() bool { return n.store.Health() == nil })
	n.post(t, "tasks/"+id+"/remind", body{"words": "请报进展"}).write(t)
	assert.Equal(t, http.StatusOK, n.get(t, "/readyz").status)
}

func setMaxMsgs(t *testing.T, n *testNode, most int64) {
	t.Helper()
	js, err := jetstream.New(n.store.Conn())
	require.NoError(t, err)
	stream, err := js.Stream(t.Context(), "LEDGER")
	require.NoError(t, err)
	cfg := stream.CachedInfo().Config
	cfg.MaxMsgs = most
	_, err = js.UpdateStream(t.Context(), cfg)
	require.NoError(t, err)
}

// TestForgedEvent: a plain client writes garbage into the stream. Law 10: stop,
// name the sequence, and let an operator accept it.
func TestForgedEvent(t *testing.T) {
	n := newTestNode(t)
	id := n.someWork(t)
	js, err := jetstream.New(n.store.Conn())
	require.NoError(t, err)
	ack, err := js.Publish(t.Context(), "ledger.test.task."+id, []byte("\x00not an event\xff"))
	require.NoError(t, err)
	seq := strconv.FormatUint(ack.Sequence, 10)

	refused := answer{}
	eventually(t, "writes are refused", 10*time.Second, func() bool {
		refused = n.post(t, "offices", body{"name": "新处" + ulid.Make().String(), "type": "office"})
		return refused.status == http.StatusServiceUnavailable && n.store.Health() != nil
	})
	assert.Equal(t, "urn:duban:problem:undecodable", refused.problem(t).Type)
	assert.Contains(t, refused.problem(t).Detail, "序号 "+seq)
	ready := n.get(t, "/readyz")
	assert.Equal(t, http.StatusServiceUnavailable, ready.status)
	assert.Contains(t, string(ready.body), seq)
	assert.Equal(t, http.StatusOK, n.get(t, "/api/v1/tasks?today="+today).status, "reads go on")

	var v api.CheckupView
	require.NoError(t, json.Unmarshal(n.get(t, "/api/v1/doctor").body, &v))
	assert.False(t, v.Healthy)
	assert.Contains(t, strings.Join(v.Problems, "\n"), "序号 "+seq)

	inOrder := n.post(t, "doctor/accept", body{"sequence": 1, "reason": "试试"})
	assert.Equal(t, http.StatusConflict, inOrder.status, "an event in order can't be accepted")
	second, err := js.Publish(t.Context(), "ledger.test.task."+id, []byte("nor this"))
	require.NoError(t, err)
	accepted := n.post(t, "doctor/accept", body{"sequence": ack.Sequence, "reason": "伪造的消息，已查明来源"})
	require.Equal(t, http.StatusOK, accepted.status, string(accepted.body))
	assert.NotEmpty(t, accepted.header.Get("ETag"))
	assert.NotEmpty(t, accepted.header.Get("Duban-Sequence"))

	// The one behind it stops the read models anew; once it is accepted they go on.
	eventually(t, "the second one stops the read models", 10*time.Second, func() bool { return n.model.Err() != nil })
	accepted = n.post(t, "doctor/accept", body{"sequence": second.Sequence, "reason": "同上"})
	require.Equal(t, http.StatusOK, accepted.status, string(accepted.body))
	require.NoError(t, n.store.Health())
	eventually(t, "the read models follow again", 10*time.Second, func() bool { return n.model.Err() == nil })
	n.post(t, "tasks/"+id+"/remind", body{"words": "请报进展"}).write(t)
	n.caughtUp(t)
	require.NoError(t, n.model.Verify(t.Context()))
	history := n.get(t, "/api/v1/tasks/"+id+"/history")
	assert.Contains(t, string(history.body), `"undecodable":true`, "it stays in the trail")

	// And a restart, which reads it all again.
	token := n.token
	n.stop()
	n = openTestNode(t, n.dir, token)
	t.Cleanup(n.stop)
	require.NoError(t, n.store.Health())
	n.caughtUp(t)
	require.NoError(t, json.Unmarshal(n.get(t, "/api/v1/doctor").body, &v))
	t.Logf("doctor after acceptance: %+v", v)
	assert.True(t, v.Healthy, "%v", v.Problems)
}

// breakDisk puts /dev/null in the place of the ledger's open block files: writes
// succeed and are lost, fsync fails.
func breakDisk(t *testing.T, dir string) int {
	t.Helper()
	null, err := syscall.Open("/dev/null", syscall.O_RDWR, 0)
	require.NoError(t, err)
	defer syscall.Close(null)
	links, err := filepath.Glob("/proc/self/fd/*")
	require.NoError(t, err)
	broken := 0
	for _, link := range links {
		to, err := os.Readlink(link)
		if err != nil || !strings.HasPrefix(to, dir) || !strings.HasSuffix(to, ".blk") {
			continue
		}
		fd, err := strconv.Atoi(filepath.Base(link))
		require.NoError(t, err)
		require.NoError(t, syscall.Dup3(null, fd, syscall.O_CLOEXEC))
		broken++
	}
	return broken
}

// TestFailingDiskSync: law 2. Nothing acknowledged is lost, nothing else is
// shown, and writing resumes without a restart.
func TestFailingDiskSync(t *testing.T) {
	n := newTestNode(t)
	id := n.someWork(t)
	before := n.reads(t)
	acked := n.store.Acked()
	acknowledged := map[string]uint64{}
	for round := range 2 {
		require.Positive(t, breakDisk(t, n.dir))
		name := "磁盘处" + strconv.Itoa(round)
		content, err := json.Marshal(body{"name": name, "type": "office"})
		require.NoError(t, err)
		q := ask{method: http.MethodPost, path: "/api/v1/offices", media: "application/json", body: content, key: ulid.Make().String()}
		first := n.do(t, q)
		if first.status != http.StatusCreated {
			require.Equal(t, http.StatusServiceUnavailable, first.status, string(first.body))
			var offices projections.Page[projections.OfficeView]
			require.NoError(t, json.Unmarshal(n.get(t, "/api/v1/offices?limit=100").body, &offices))
			for _, o := range offices.Items {
				require.NotEqual(t, name, o.Name, "shown though it was not acknowledged")
			}
		}
		eventually(t, "the ledger is writable again by itself", 20*time.Second, func() bool { return n.store.Health() == nil })
		again := n.do(t, q)
		w := again.write(t)
		if first.status == http.StatusCreated {
			assert.Equal(t, "true", again.header.Get("Idempotent-Replayed"))
		}
		acknowledged[w.ID] = w.Sequence
	}
	n.caughtUp(t)
	after := n.reads(t)
	assert.Equal(t, before["tasks/"+id+"/history"], after["tasks/"+id+"/history"])
	checkTrail(t, n, acked, acknowledged)
	var v api.CheckupView
	require.NoError(t, json.Unmarshal(n.get(t, "/api/v1/doctor").body, &v))
	assert.True(t, v.Healthy, "%v", v.Problems)
	assert.Equal(t, http.StatusOK, n.get(t, "/readyz").status)

	token := n.token
	n.stop()
	n = openTestNode(t, n.dir, token)
	t.Cleanup(n.stop)
	n.caughtUp(t)
	checkTrail(t, n, acked, acknowledged)
}

// checkTrail reads the whole trail: no gap, every acknowledged event at the
// sequence it was answered with.
func checkTrail(t *testing.T, n *testNode, atLeast uint64, acknowledged map[string]uint64) {
	t.Helper()
	next, found := uint64(1), 0
	for e, err := range n.model.AllEvents(context.Background(), 0) {
		require.NoError(t, err)
		require.Equal(t, next, e.Sequence)
		next++
		if seq, ok := acknowledged[strings.TrimPrefix(e.Subject, "office/")]; ok && e.Sequence <= seq {
			found++
		}
	}
	assert.Greater(t, next, atLeast)
	assert.Equal(t, len(acknowledged), found)
}
