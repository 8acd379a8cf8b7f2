package eventstore

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestLocked(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(t.Context(), Config{Org: "a", Dir: dir})
	require.NoError(t, err)
	_, err = Open(t.Context(), Config{Org: "a", Dir: dir})
	require.ErrorIs(t, err, ErrLocked)
	require.NoError(t, s.Close())
	s, err = Open(t.Context(), Config{Org: "a", Dir: dir})
	require.NoError(t, err)
	require.NoError(t, s.Close())
}

func TestConfigRefused(t *testing.T) {
	for _, c := range []Config{{}, {Org: "a"}, {Org: "A", Dir: "x"}, {Org: "a.b", Dir: "x"}, {Org: "-a", Dir: "x"}} {
		_, err := Open(t.Context(), c)
		require.Error(t, err, "%+v", c)
	}
}

func TestOlder(t *testing.T) {
	for v, want := range map[string]bool{
		"2.15.2": false, "2.15.10": false, "2.16.0": false, "3.0.0": false, "2.15.2-RC.1": false,
		"2.15.1": true, "2.9.99": true, "1.99.99": true, "": true, "dev": true,
	} {
		assert.Equal(t, want, older(v, minServerVersion), v)
	}
}

// TestEveryDriftIsNamed changes every setting there is in turn.
func TestEveryDriftIsNamed(t *testing.T) {
	b, err := json.Marshal(streamConfig("o", 1))
	require.NoError(t, err)
	settings := func() map[string]json.RawMessage {
		var m map[string]json.RawMessage
		require.NoError(t, json.Unmarshal(b, &m))
		return m
	}
	require.Empty(t, compareConfig(streamConfig("o", 1), settings(), false))
	for name := range settings() {
		m := settings()
		m[name] = json.RawMessage(`"other"`)
		diffs := compareConfig(streamConfig("o", 1), m, false)
		if name == "description" {
			require.Empty(t, diffs)
			continue
		}
		require.Len(t, diffs, 1, name)
		assert.True(t, strings.HasPrefix(diffs[0], name+": want "), diffs[0])
	}
	m := settings()
	m["a_setting_of_2_99"] = json.RawMessage("true")
	m["another"] = json.RawMessage("false")
	m["num_replicas"] = json.RawMessage("3")
	delete(m, "deny_purge")
	assert.Equal(t, []string{"a_setting_of_2_99: want unset, have true", "deny_purge: want true, have unset", "num_replicas: want 1, have 3"},
		compareConfig(streamConfig("o", 1), m, false))
	m = settings()
	assert.Equal(t, []string{"num_replicas: want 3, have 1"}, compareConfig(streamConfig("o", 1), m, true))
	m["num_replicas"] = json.RawMessage("5")
	assert.Empty(t, compareConfig(streamConfig("o", 1), m, true))
}

// TestNothingIsLeftRunning: after Close no goroutine of this package lives on.
func TestNothingIsLeftRunning(t *testing.T) {
	s, err := Open(t.Context(), Config{Org: "a", Dir: t.TempDir()})
	require.NoError(t, err)
	ended := make(chan error, 1)
	go func() { ended <- s.Follow(t.Context(), 0, func([]Record) error { return nil }) }()
	ev, err := s.PutEvidence(t.Context(), strings.NewReader(strings.Repeat("x", 1<<20)), "", 0)
	require.NoError(t, err)
	rc, _, err := s.OpenEvidence(t.Context(), ev.SHA256)
	require.NoError(t, err)
	require.NoError(t, rc.Close(), "without reading it to the end")
	require.NoError(t, s.Close())
	require.ErrorIs(t, <-ended, ErrClosed)
	ours := func() string {
		buf := make([]byte, 1<<20)
		var left []string
		for _, g := range strings.Split(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
			if strings.Contains(g, "duban/eventstore.") && !strings.Contains(g, "duban/eventstore.Test") {
				left = append(left, g)
			}
		}
		return strings.Join(left, "\n\n")
	}
	if !assert.Eventually(t, func() bool { return ours() == "" }, 5*time.Second, 5*time.Millisecond) {
		t.Fatal(ours())
	}
}

// TestNoPort: the embedded server can't be reached from outside.
func TestNoPort(t *testing.T) {
	s, err := Open(t.Context(), Config{Org: "a", Dir: t.TempDir()})
	require.NoError(t, err)
	defer s.Close()
	require.Nil(t, s.sess.srv.Addr())
	js, err := jetstream.New(s.Conn())
	require.NoError(t, err)
	info, err := js.AccountInfo(t.Context())
	require.NoError(t, err)
	assert.Less(t, info.Limits.MaxStore, int64(1), "no limit of its own")
}

func TestCache(t *testing.T) {
	c := newCache[int, int](10)
	for i := range 100 {
		c.put(i, i)
		if i == 9 {
			assert.True(t, c.complete())
		}
		v, ok := c.get(i)
		assert.True(t, ok && v == i)
		c.get(0) // asked for again and again: stays
	}
	_, ok := c.get(0)
	assert.True(t, ok)
	_, ok = c.get(50)
	assert.False(t, ok)
	assert.False(t, c.complete())
	assert.LessOrEqual(t, len(c.new)+len(c.old), 20)
	c.remove(0)
	_, ok = c.get(0)
	assert.False(t, ok)
	newer := func(known int) bool { return known > 5 }
	for _, v := range []int{4, 7, 5} { // what is older does not take the place of what is newer
		c.putUnless(0, v, c.since(), newer)
	}
	v, _ := c.get(0)
	assert.Equal(t, 7, v)
	since := c.since()
	c.clear()
	c.putUnless(0, 9, since, newer) // read before everything was forgotten
	_, ok = c.get(0)
	assert.False(t, ok)
}

// TestWithdrawnBytesAreGone looks for withdrawn bytes in every file of the data
// folder.
func TestWithdrawnBytesAreGone(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(t.Context(), Config{Org: "a", Dir: dir})
	require.NoError(t, err)
	const secret = "机密：不得上网的内容"
	content := strings.Repeat("x", 300_000) + secret + strings.Repeat("y", 100_000) + secret
	ev, err := s.PutEvidence(t.Context(), strings.NewReader(content), "text/plain", 0)
	require.NoError(t, err)
	other, err := s.PutEvidence(t.Context(), strings.NewReader("other"), "text/plain", 0)
	require.NoError(t, err)
	found := func() (files []string) {
		require.NoError(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				return err
			}
			b, err := os.ReadFile(path)
			if strings.Contains(string(b), secret) {
				files = append(files, path)
			}
			return err
		}))
		return files
	}
	require.NotEmpty(t, found())
	require.NoError(t, s.WithdrawEvidence(t.Context(), ev.SHA256))
	require.Empty(t, found())
	require.NoError(t, s.Close())
	require.Empty(t, found())
	s, err = Open(t.Context(), Config{Org: "a", Dir: dir})
	require.NoError(t, err)
	defer s.Close()
	_, err = s.StatEvidence(t.Context(), ev.SHA256)
	require.ErrorIs(t, err, ErrEvidenceWithdrawn)
	report, err := s.Audit(t.Context(), nil)
	require.NoError(t, err)
	assert.Empty(t, report.Findings)
	assert.Equal(t, []int{1, 1}, []int{report.Evidence, report.Withdrawn})
	_, err = s.StatEvidence(t.Context(), other.SHA256)
	require.NoError(t, err)
}
