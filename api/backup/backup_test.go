package backup_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"duban/api/backup"
	"duban/domain"
	"duban/eventstore"
)

// A source is a ledger that says what a test wants it to.
type source struct {
	streams  map[eventstore.Kept]string
	evidence map[string]string // by digest
	gone     []string
	fail     string // the part that breaks off
	fetched  []string
}

var errBroken = errors.New("broke off")

func newSource(evidence ...string) *source {
	s := &source{streams: map[eventstore.Kept]string{eventstore.KeptLedger: "events", eventstore.KeptHeads: "heads"}, evidence: map[string]string{}}
	for _, e := range evidence {
		s.evidence[digest(e)] = e
	}
	return s
}

func digest(content string) string {
	sum := sha256.Sum256([]byte(content))
	return hex.EncodeToString(sum[:])
}

// half writes half of the content and fails, if part is the one to fail.
func (s *source) half(part, content string) (string, error) {
	if s.fail == part {
		return content[:len(content)/2], errBroken
	}
	return content, nil
}

func (s *source) Snapshot(_ context.Context, k eventstore.Kept, w io.Writer) (uint64, error) {
	content, err := s.half(k.String(), s.streams[k])
	if _, err := io.WriteString(w, content); err != nil {
		return 0, err
	}
	return 7, err
}

func (s *source) Head(_ context.Context, events uint64) (backup.Head, error) {
	_, err := s.half("head", "")
	return backup.Head{Origin: "duban/nx-gxt/01DEPW0000SV16WK10XPQEZ6RR", Size: events + 1, Events: events, Consistency: []string{}}, err
}

func (s *source) Contents(context.Context) (backup.Contents, error) {
	c := backup.Contents{Software: "test", Withdrawn: s.gone, Credentials: []backup.Credential{}}
	for sum, content := range s.evidence {
		c.Evidence = append(c.Evidence, domain.Evidence{SHA256: sum, Size: int64(len(content)), MediaType: "text/plain"})
	}
	_, err := s.half("contents", "")
	return c, err
}

func (s *source) Evidence(_ context.Context, sum string) (io.ReadCloser, error) {
	s.fetched = append(s.fetched, sum)
	content, err := s.half("evidence", s.evidence[sum])
	if s.fail == "bytes" {
		content = strings.ToUpper(content)
	}
	return io.NopCloser(io.MultiReader(strings.NewReader(content), failing{err})), nil
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) {
	if f.err != nil {
		return 0, f.err
	}
	return 0, io.EOF
}

var began = time.Date(2026, time.November, 24, 12, 30, 0, 123_000_000, time.UTC)

// write makes the nth backup in dir.
func write(t *testing.T, dir string, n int, s backup.Source, change ...func(*backup.Options)) (backup.Report, error) {
	t.Helper()
	opt := backup.Options{Now: began.Add(time.Duration(n) * time.Hour)}
	for _, f := range change {
		f(&opt)
	}
	return backup.Write(t.Context(), dir, s, opt)
}

func readable(t *testing.T, dir string) *backup.Backup {
	t.Helper()
	b, err := backup.Open(dir)
	require.NoError(t, err)
	require.NoError(t, b.Check(t.Context()))
	return b
}

func TestWrite(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "b")
	s := newSource("one", "two")
	r, err := write(t, dir, 0, s)
	require.NoError(t, err)
	assert.Equal(t, filepath.Join(dir, "20261124T123000.123Z"), r.Path)
	assert.Equal(t, []any{uint64(7), 2, 2}, []any{r.Events, r.Evidence, r.Copied})
	b := readable(t, dir)
	assert.Equal(t, "nx-gxt", b.Org)
	assert.Equal(t, r.Path, b.Path)
	require.NoError(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		require.NoError(t, err)
		info, err := d.Info()
		require.NoError(t, err)
		assert.Zero(t, info.Mode().Perm()&0o077, path)
		return nil
	}))

	// What is there is not fetched again.
	s.evidence[digest("three")] = "three"
	s.fetched = nil
	r, err = write(t, dir, 1, s)
	require.NoError(t, err)
	assert.Equal(t, []string{digest("three")}, s.fetched)
	assert.Equal(t, r.Path, readable(t, dir).Path, "the newest")
	readable(t, filepath.Join(dir, "20261124T123000.123Z"))

	_, err = write(t, dir, 1, s)
	require.ErrorContains(t, err, "exists already")
	r, err = write(t, dir, 2, s, func(o *backup.Options) { o.Keep = 2 })
	require.NoError(t, err)
	assert.Equal(t, []string{"20261124T123000.123Z"}, r.Removed)
	assert.NoDirExists(t, filepath.Join(dir, "20261124T123000.123Z"))
	readable(t, dir)
}

// Wherever a backup breaks off, the earlier one is as it was, and the next one works.
func TestBrokenOff(t *testing.T) {
	for _, part := range []string{"HEADS", "LEDGER", "head", "contents", "evidence", "bytes"} {
		t.Run(part, func(t *testing.T) {
			dir := t.TempDir()
			first, err := write(t, dir, 0, newSource("one"))
			require.NoError(t, err)
			s := newSource("one", "two")
			s.fail = part
			_, err = write(t, dir, 1, s)
			if part == "bytes" {
				require.ErrorContains(t, err, "digest")
			} else {
				require.ErrorIs(t, err, errBroken)
			}
			assert.Equal(t, first.Path, readable(t, dir).Path)
			assert.Empty(t, unfinished(t, dir))
			s.fail = ""
			second, err := write(t, dir, 2, s)
			require.NoError(t, err)
			assert.Equal(t, second.Path, readable(t, dir).Path)
		})
	}
}

func unfinished(t *testing.T, dir string) []string {
	t.Helper()
	left, err := filepath.Glob(filepath.Join(dir, ".partial-*"))
	require.NoError(t, err)
	evidence, err := filepath.Glob(filepath.Join(dir, "evidence/*/.partial-*"))
	require.NoError(t, err)
	return append(left, evidence...)
}

// What a killed process left is no backup, and goes with the next one.
func TestKilled(t *testing.T) {
	dir := t.TempDir()
	s := newSource("one")
	r, err := write(t, dir, 0, s)
	require.NoError(t, err)
	left := filepath.Join(dir, ".partial-1")
	require.NoError(t, os.Rename(r.Path, left))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "evidence", digest("one")[:2], ".partial-x"), nil, 0o600))
	_, err = backup.Open(dir)
	require.ErrorIs(t, err, backup.ErrNone)
	require.Len(t, unfinished(t, dir), 2)
	_, err = write(t, dir, 1, s)
	require.NoError(t, err)
	assert.Empty(t, unfinished(t, dir))
	readable(t, dir)
}

// Withdrawn bytes leave the earlier backups too, which know that they are gone.
func TestWithdrawn(t *testing.T) {
	dir := t.TempDir()
	s := newSource("one", "secret")
	_, err := write(t, dir, 0, s)
	require.NoError(t, err)
	delete(s.evidence, digest("secret"))
	s.gone = []string{digest("secret")}
	_, err = write(t, dir, 1, s)
	require.NoError(t, err)
	require.NoError(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if d.Type().IsRegular() {
			b, err := os.ReadFile(path)
			require.NoError(t, err)
			assert.False(t, bytes.Contains(b, []byte("secret")), path)
		}
		return err
	}))
	readable(t, filepath.Join(dir, "20261124T123000.123Z"))
	readable(t, dir)

	// Stored again, they are copied again.
	s.evidence[digest("secret")], s.gone = "secret", nil
	r, err := write(t, dir, 2, s)
	require.NoError(t, err)
	assert.Equal(t, 1, r.Copied)
	readable(t, dir)
}

func TestNoEvidence(t *testing.T) {
	dir := t.TempDir()
	_, err := write(t, dir, 0, newSource("one", "two"), func(o *backup.Options) { o.NoEvidence = true })
	require.NoError(t, err)
	assert.Equal(t, 2, readable(t, dir).Missing())
	_, err = write(t, dir, 1, newSource("one"))
	require.NoError(t, err)
	assert.Equal(t, 1, readable(t, filepath.Join(dir, "20261124T123000.123Z")).Missing(), "the other one is here meanwhile")
}

func TestCheck(t *testing.T) {
	for name, tt := range map[string]struct {
		spoil func(t *testing.T, path string)
		says  string
	}{
		"a flipped byte":   {edit("ledger.snapshot", func(b []byte) []byte { b[0] ^= 1; return b }), "ledger.snapshot"},
		"cut short":        {edit("heads.snapshot", func(b []byte) []byte { return b[1:] }), "heads.snapshot"},
		"evidence":         {edit("../evidence/"+digest("one")[:2]+"/"+digest("one"), func(b []byte) []byte { b[0] ^= 1; return b }), digest("one")},
		"another format":   {edit("manifest.json", replace("duban-backup/v1", "duban-backup/v2")), "duban-backup/v2"},
		"another body":     {edit("manifest.json", replace(`"org": "nx-gxt"`, `"org": "other"`)), "other"},
		"a smaller head":   {edit("manifest.json", replace(`"size": 8`, `"size": 6`)), "6"},
		"a path":           {edit("manifest.json", replace("heads.snapshot", "../x")), "../x"},
		"no digest":        {edit("manifest.json", replace(digest("one"), "../../../../etc/passwd")), "passwd"},
		"an unknown field": {edit("manifest.json", replace(`"format"`, `"formation"`)), "清单"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			r, err := write(t, dir, 0, newSource("one"))
			require.NoError(t, err)
			tt.spoil(t, r.Path)
			b, err := backup.Open(dir)
			if err == nil {
				err = b.Check(t.Context())
			}
			require.ErrorContains(t, err, tt.says)
		})
	}
}

func edit(name string, change func([]byte) []byte) func(*testing.T, string) {
	return func(t *testing.T, path string) {
		t.Helper()
		file := filepath.Join(path, name)
		b, err := os.ReadFile(file)
		require.NoError(t, err)
		changed := change(bytes.Clone(b))
		require.NotEqual(t, b, changed)
		require.NoError(t, os.WriteFile(file, changed, 0o600))
	}
}

func replace(from, to string) func([]byte) []byte {
	return func(b []byte) []byte { return bytes.ReplaceAll(b, []byte(from), []byte(to)) }
}

// Two at a time would take each other's work for what a killed one left.
func TestOneAtATime(t *testing.T) {
	dir := t.TempDir()
	lock, err := eventstore.LockDir(dir)
	require.NoError(t, err)
	_, err = write(t, dir, 0, newSource())
	require.ErrorIs(t, err, eventstore.ErrLocked)
	require.NoError(t, lock.Close())
	_, err = write(t, dir, 0, newSource())
	require.NoError(t, err)
}
