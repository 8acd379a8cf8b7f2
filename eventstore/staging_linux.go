package eventstore

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// sharedMemory is where Linux has a tmpfs (shm_overview(7)).
const sharedMemory = "/dev/shm"

// minStaging is what it must have free: several times the largest batch.
const minStaging = 4 * MaxEvents * MaxEventBytes

// memoryFolder returns a folder in memory that belongs to the ledger in dir alone,
// the same one after a restart, or "" where there is none to be had.
func memoryFolder(dir string) string {
	var disk syscall.Statfs_t
	const tmpfs = 0x01021994 // statfs(2)
	if err := syscall.Statfs(sharedMemory, &disk); err != nil || disk.Type != tmpfs || disk.Bavail*uint64(disk.Bsize) < minStaging {
		return ""
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256([]byte(dir))
	path := filepath.Join(sharedMemory, "duban-"+strconv.Itoa(os.Getuid())+"-"+hex.EncodeToString(sum[:8]))
	if err := os.Mkdir(path, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return ""
	}
	// Anybody can make folders there, so one that stands there already may be
	// somebody else's.
	info, err := os.Lstat(path)
	if err != nil || !info.IsDir() || info.Mode().Perm() != 0o700 {
		return ""
	}
	if owner, ok := info.Sys().(*syscall.Stat_t); !ok || int(owner.Uid) != os.Getuid() {
		return ""
	}
	return path
}
