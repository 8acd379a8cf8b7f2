package eventstore

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// Where the embedded server stages batches.
//
// On one replica the server keeps the messages of an atomic batch in a store of
// their own until the batch is committed (jetstream_batching.go, newBatchStore): a
// folder that is made, synced and removed for every batch and costs more than all
// the rest of it. It serves one purpose: to complete, after the process was killed,
// a batch of which a part stands in the stream already. The ledger doesn't depend
// on that. A batch is acknowledged when the stream itself is synced, and of what is
// not acknowledged a transaction that lacks a part is void.
//
// So the folder is put in memory, by a link in its place: a killed process leaves
// it behind and the server completes the batch as ever; a power cut takes it along
// with what nobody was told of.

// stage puts the server's staging folder in memory where there is room for it. The
// server removes the link whenever it starts, and makes a folder where it finds none.
func (s *Store) stage() {
	s.staging = ""
	if s.cfg.URL != "" {
		return
	}
	folder := memoryFolder(s.cfg.Dir)
	if folder == "" {
		s.cfg.Logger.Debug("no folder in memory, batches are staged on disk")
		return
	}
	link := batchesFolder(s.cfg.Dir)
	if err := errors.Join(empty(folder), os.RemoveAll(link), os.Symlink(folder, link)); err != nil {
		s.cfg.Logger.Warn("batches can't be staged in memory", "error", err)
		return
	}
	s.staging = folder
}

// unstage has batches staged on disk from now on, and reports whether they were
// not before.
func (s *Store) unstage() bool {
	if s.staging == "" {
		return false
	}
	folder := s.staging
	s.staging = ""
	// If the link stays the next batch fails as this one did, and says so.
	if err := errors.Join(os.Remove(batchesFolder(s.cfg.Dir)), os.RemoveAll(folder)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.cfg.Logger.Warn("batches can't be staged on disk", "error", err)
	}
	return true
}

// batchesFolder is where the server stages the batches of the ledger in dir.
func batchesFolder(dir string) string { return filepath.Join(streamFolder(dir, streamName), "batches") }

func empty(folder string) error {
	entries, err := os.ReadDir(folder)
	for _, e := range entries {
		err = errors.Join(err, os.RemoveAll(filepath.Join(folder, e.Name())))
	}
	return err
}
