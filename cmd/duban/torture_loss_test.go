//go:build torture && linux

package main

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// isShared names SQLite's shared memory, which it makes anew.
func isShared(path string) bool { return strings.HasSuffix(path, "-shm") }

// A loss is a way to lose what was not synced.
type loss int

const (
	lossNone   loss = iota // what a killed process leaves
	lossAll                // every unsynced byte, and every name that may be lost
	lossData               // every unsynced byte; the names are kept
	lossZeroed             // files have their sizes, the bytes that were not synced are zero
	lossPages              // any of the pages of 4 KiB are kept
	lossTorn               // each file's writes are kept up to any byte
)

// losses are tried in turn. Those that leave parts of a batch come oftener.
var losses = [...]loss{lossTorn, lossAll, lossPages, lossNone, lossTorn, lossData, lossPages, lossZeroed}

func (l loss) String() string {
	return [...]string{"killed", "all", "data", "zeroed", "pages", "torn"}[l]
}

// remains is what a cut leaves of a file.
func (f *inode) remains(l loss, random *rand.Rand) []byte {
	synced := slices.Clone(f.synced)
	if len(f.pending) == 0 {
		return synced
	}
	switch l {
	case lossNone:
		return f.whole()
	case lossTorn:
		keep := random.IntN(len(f.pending))
		for _, p := range f.pending[:keep] {
			synced = p.apply(synced)
		}
		if p := f.pending[keep]; len(p.data) > 0 {
			p.data = p.data[:1+random.IntN(len(p.data))]
			synced = p.apply(synced)
		}
		return synced
	case lossZeroed, lossPages:
		return f.pages(random, l == lossPages)
	default:
		return synced
	}
}

// pages keeps the new size and, of the changed pages, some or none.
func (f *inode) pages(random *rand.Rand, some bool) []byte {
	const page = 4096
	all := f.whole()
	out := make([]byte, len(all))
	copy(out, f.synced)
	for at := 0; some && at < len(all); at += page {
		if random.IntN(2) == 0 {
			copy(out[at:], all[at:min(at+page, len(all))])
		}
	}
	return out
}

// image writes what is left after a cut into a new folder.
func (d *disk) image(dir string, l loss, random *rand.Rand) error {
	keep := len(d.names)
	switch l {
	case lossAll:
		keep = d.safe
	case lossPages, lossTorn, lossZeroed:
		keep = d.safe + random.IntN(len(d.names)-d.safe+1)
	}
	left := map[string]entry{".": {}}
	for _, n := range d.names[:keep] {
		n.apply(left)
	}
	paths := make([]string, 0, len(left))
	for path := range left {
		paths = append(paths, path)
	}
	slices.Sort(paths) // folders first, and the same randomness for the same seed
	for _, path := range paths {
		if err := left[path].put(dir, path, l, random); err != nil {
			return err
		}
	}
	return nil
}

func (e entry) put(dir, path string, l loss, random *rand.Rand) error {
	at := filepath.Join(dir, path)
	switch {
	case filepath.IsAbs(e.link):
		// What is outside the folder is in memory, and gone.
		return os.Symlink(filepath.Join(dir, "gone"), at)
	case e.link != "":
		return os.Symlink(e.link, at)
	case e.file == nil:
		return os.MkdirAll(at, 0o700)
	case isShared(at):
		return nil
	}
	return os.WriteFile(at, e.file.remains(l, random), 0o600)
}
