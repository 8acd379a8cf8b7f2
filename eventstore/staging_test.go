//go:build linux

package eventstore

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// openStaged opens a ledger whose batches are staged in memory.
func openStaged(t *testing.T, dir string) *Store {
	t.Helper()
	s, err := Open(t.Context(), Config{Org: "a", Dir: dir})
	require.NoError(t, err)
	t.Cleanup(func() { s.Close() })
	if s.staging == "" {
		t.Skip("no folder in memory here")
	}
	return s
}

// used reports whether something was made in a folder since, or removed from it.
func used(t *testing.T, folder string, since time.Time) bool {
	t.Helper()
	info, err := os.Stat(folder)
	require.NoError(t, err)
	return info.ModTime().After(since)
}

// age makes a folder look long unused.
func age(t *testing.T, folder string) time.Time {
	t.Helper()
	long := time.Now().Add(-time.Hour)
	require.NoError(t, os.Chtimes(folder, long, long))
	return long
}

// Batches are staged in memory, also after the server was reopened, and nothing is
// left there in the end.
func TestStagedInMemory(t *testing.T) {
	dir := t.TempDir()
	s := openStaged(t, dir)
	folder := s.staging
	long := age(t, folder)
	_, err := s.Append(t.Context(), noteAppend(1))
	require.NoError(t, err)
	assert.False(t, used(t, folder, long), "a single event is not staged")
	_, err = s.Append(t.Context(), noteAppend(3))
	require.NoError(t, err)
	assert.True(t, used(t, folder, long))

	direct := s.intercept
	s.intercept = func(func() (uint64, error)) (uint64, error) {
		s.intercept = direct
		return 0, nats.ErrTimeout
	}
	require.NoError(t, os.WriteFile(filepath.Join(folder, "left"), nil, 0o600))
	_, err = s.Append(t.Context(), noteAppend(1))
	require.ErrorIs(t, err, ErrUnavailable)
	require.NoFileExists(t, filepath.Join(folder, "left"), "of the run before")
	long = age(t, folder)
	_, err = s.Append(t.Context(), noteAppend(3))
	require.NoError(t, err)
	assert.True(t, used(t, folder, long), "as before")

	require.NoError(t, s.Close())
	assert.NoDirExists(t, folder)
	_, err = os.Lstat(batchesFolder(dir))
	require.ErrorIs(t, err, os.ErrNotExist)
}

// The folder in memory is full, or gone: batches are staged on disk.
func TestStagedOnDisk(t *testing.T) {
	dir := t.TempDir()
	s := openStaged(t, dir)
	folder := s.staging
	require.NoError(t, os.RemoveAll(folder))
	require.NoError(t, os.WriteFile(folder, nil, 0o600)) // in which nothing can be made
	a := noteAppend(3)
	receipt, err := s.Append(t.Context(), a)
	require.NoError(t, err)
	require.Len(t, receipt.Records, 3)
	require.NoError(t, s.Health())
	info, err := os.Lstat(batchesFolder(dir))
	require.NoError(t, err)
	assert.True(t, info.IsDir())
	_, err = s.Append(t.Context(), noteAppend(3))
	require.NoError(t, err)
}

// A folder of that name that others can write to is not taken.
func TestSomebodyElsesFolder(t *testing.T) {
	dir := t.TempDir()
	s := openStaged(t, dir)
	folder := s.staging
	require.NoError(t, s.Close())
	require.NoError(t, os.Mkdir(folder, 0o700))
	require.NoError(t, os.Chmod(folder, 0o777))
	defer os.RemoveAll(folder)
	assert.Empty(t, memoryFolder(dir))
	require.NoError(t, os.Remove(folder))
	other := t.TempDir()
	require.NoError(t, os.Symlink(other, folder))
	assert.Empty(t, memoryFolder(dir))
}
