package backup

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"duban/domain"
	"duban/eventstore"
	"duban/projections/dossier"
)

// A Source is the ledger to back up.
type Source interface {
	// Snapshot writes a stream's snapshot, whole and unchanged or with an error, and
	// returns its last sequence.
	Snapshot(ctx context.Context, k eventstore.Kept, w io.Writer) (last uint64, err error)
	// Head returns a signed head over at least that many events.
	Head(ctx context.Context, events uint64) (Head, error)
	// Contents returns what else there is.
	Contents(ctx context.Context) (Contents, error)
	// Evidence opens the bytes under a digest; eventstore.ErrEvidenceWithdrawn if they
	// have gone since Contents.
	Evidence(ctx context.Context, sum string) (io.ReadCloser, error)
}

// Options say what is taken and kept.
type Options struct {
	NoEvidence bool
	Keep       int       // how many backups stay in the folder, the newest; 0: all
	Now        time.Time // names the backup

	// Progress, if not nil, is told what is done now.
	Progress func(step string)
}

// A Report says what a backup did.
type Report struct {
	Path     string   `json:"path"` // the folder of this backup
	Events   uint64   `json:"events"`
	Origin   string   `json:"origin"`
	TreeSize uint64   `json:"tree_size"`
	Bytes    int64    `json:"bytes"`    // of its files, without evidence
	Evidence int      `json:"evidence"` // files named
	Copied   int      `json:"copied"`   // of them new
	Removed  []string `json:"removed"`  // backups that Keep removed
}

const (
	partialPrefix = ".partial-"
	evidenceDir   = "evidence"
	withdrawnMark = ".withdrawn"
	nameForm      = "20060102T150405.000Z"
)

// writer makes one backup in dir, first under the name tmp.
type writer struct {
	src      Source
	dir, tmp string
	opt      Options
	m        Manifest
	report   Report
	touched  map[string]bool // folders of evidence to be synced
}

// Write adds a backup to a folder, which is made if need be. Either it is there whole,
// and on disk, or nothing of it is.
func Write(ctx context.Context, dir string, src Source, opt Options) (report Report, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return report, fmt.Errorf("make the folder of backups: %w", err)
	}
	lock, err := eventstore.LockDir(dir)
	if err != nil {
		return report, fmt.Errorf("lock the folder of backups: %w", err)
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	w := &writer{src: src, dir: dir, opt: opt, touched: map[string]bool{}}
	if err := w.clean(); err != nil {
		return report, err
	}
	if w.tmp, err = os.MkdirTemp(dir, partialPrefix); err != nil {
		return report, fmt.Errorf("begin the backup: %w", err)
	}
	defer os.RemoveAll(w.tmp) // there is none any more if all went well
	if err := w.fill(ctx); err != nil {
		return report, err
	}
	if err := w.publish(); err != nil {
		return report, err
	}
	return w.report, w.prune()
}

// clean removes what backups left that did not come to their end.
func (w *writer) clean() error {
	for _, pattern := range []string{partialPrefix + "*", filepath.Join(evidenceDir, "*", partialPrefix+"*")} {
		left, err := filepath.Glob(filepath.Join(w.dir, pattern))
		if err != nil {
			return err
		}
		for _, path := range left {
			if err := os.RemoveAll(path); err != nil {
				return fmt.Errorf("remove an unfinished backup: %w", err)
			}
		}
	}
	return nil
}

func (w *writer) step(name string) {
	if w.opt.Progress != nil {
		w.opt.Progress(name)
	}
}

// fill takes the parts in the order that makes them fit: no head is over an event that
// is not in the ledger's snapshot, and what an event names was stored before it.
func (w *writer) fill(ctx context.Context) error {
	w.m = Manifest{Format: Format, Made: w.opt.Now.UTC().Truncate(time.Millisecond), Files: []File{}, Evidence: []domain.Evidence{}, Withdrawn: []string{}}
	w.step(fileHeads)
	if _, err := w.snapshot(ctx, fileHeads, eventstore.KeptHeads); err != nil {
		return err
	}
	w.step(fileLedger)
	events, err := w.snapshot(ctx, fileLedger, eventstore.KeptLedger)
	if err != nil {
		return err
	}
	if w.m.Head, err = w.src.Head(ctx, events); err != nil {
		return fmt.Errorf("head over %d events: %w", events, err)
	}
	c, err := w.src.Contents(ctx)
	if err != nil {
		return fmt.Errorf("contents: %w", err)
	}
	w.m.Software, w.m.Sample, w.m.Org = c.Software, c.Sample, orgOf(w.m.Head.Origin)
	creds, err := dossier.Encode(c.Credentials)
	if err != nil {
		return err
	}
	err = w.file(fileCredentials, func(out io.Writer) error {
		_, err := out.Write(creds)
		return err
	})
	if err != nil {
		return err
	}
	if err := w.evidence(ctx, c); err != nil {
		return err
	}
	return w.manifest()
}

func (w *writer) snapshot(ctx context.Context, name string, k eventstore.Kept) (last uint64, err error) {
	err = w.file(name, func(out io.Writer) error {
		last, err = w.src.Snapshot(ctx, k, out)
		return err
	})
	return last, err
}

// file writes one file of the backup, synced, and lists it.
func (w *writer) file(name string, write func(io.Writer) error) error {
	sum := sha256.New()
	size, err := syncedFile(filepath.Join(w.tmp, name), func(out io.Writer) error { return write(io.MultiWriter(out, sum)) })
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	w.m.Files = append(w.m.Files, File{Path: name, Size: size, SHA256: hex.EncodeToString(sum.Sum(nil))})
	w.report.Bytes += size
	return nil
}

// syncedFile writes a new file that its owner alone may read.
func syncedFile(path string, write func(io.Writer) error) (size int64, err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := write(f); err != nil {
		return 0, err
	}
	if size, err = f.Seek(0, io.SeekCurrent); err != nil {
		return 0, err
	}
	return size, f.Sync()
}

// evidence copies what is new and removes what was withdrawn.
func (w *writer) evidence(ctx context.Context, c Contents) error {
	w.m.Withdrawn = append(w.m.Withdrawn, c.Withdrawn...)
	w.m.EvidenceLeftOut = w.opt.NoEvidence
	for i, e := range c.Evidence {
		if !w.opt.NoEvidence {
			w.step(fmt.Sprintf("%s %d/%d", evidenceDir, i+1, len(c.Evidence)))
			err := w.copy(ctx, e)
			if errors.Is(err, eventstore.ErrEvidenceWithdrawn) {
				w.m.Withdrawn = append(w.m.Withdrawn, e.SHA256)
				continue
			}
			if err != nil {
				return fmt.Errorf("evidence %s: %w", e.SHA256, err)
			}
		}
		w.m.Evidence = append(w.m.Evidence, e)
	}
	slices.Sort(w.m.Withdrawn)
	for _, sum := range w.m.Withdrawn {
		if err := w.withdraw(sum); err != nil {
			return fmt.Errorf("withdrawn evidence %s: %w", sum, err)
		}
	}
	for folder := range w.touched {
		if err := syncDir(folder); err != nil {
			return err
		}
	}
	return nil
}

func evidencePath(dir, sum string) string { return filepath.Join(dir, evidenceDir, sum[:2], sum) }

// copy fetches one file unless it is there.
func (w *writer) copy(ctx context.Context, e domain.Evidence) error {
	if !isDigest(e.SHA256) {
		return errDigest
	}
	path := evidencePath(w.dir, e.SHA256)
	if info, err := os.Stat(path); err == nil && info.Size() == e.Size {
		return nil
	}
	in, err := w.src.Evidence(ctx, e.SHA256)
	if err != nil {
		return err
	}
	defer in.Close()
	folder := filepath.Dir(path)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	part := filepath.Join(folder, partialPrefix+e.SHA256)
	defer os.Remove(part) // there is none any more if all went well
	sum := sha256.New()
	_, err = syncedFile(part, func(out io.Writer) error {
		_, err := io.Copy(io.MultiWriter(out, sum), in)
		return err
	})
	if err != nil {
		return err
	}
	if hex.EncodeToString(sum.Sum(nil)) != e.SHA256 {
		return errDigest
	}
	// It may have been withdrawn once and stored again.
	if err := os.Remove(path + withdrawnMark); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	w.touch(folder)
	w.report.Copied++
	return os.Rename(part, path)
}

// withdraw removes bytes that were withdrawn from the earlier backups too, and leaves a
// mark for them.
func (w *writer) withdraw(sum string) error {
	path := evidencePath(w.dir, sum)
	err := os.Remove(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	w.touch(filepath.Dir(path))
	return os.WriteFile(path+withdrawnMark, nil, 0o600)
}

// touch notes that a folder of evidence has to be synced, with the one it stands in.
func (w *writer) touch(folder string) {
	w.touched[folder], w.touched[filepath.Dir(folder)], w.touched[w.dir] = true, true, true
}

func (w *writer) manifest() error {
	if err := w.m.check(); err != nil {
		return err
	}
	b, err := dossier.Encode(w.m)
	if err != nil {
		return err
	}
	_, err = syncedFile(filepath.Join(w.tmp, fileManifest), func(out io.Writer) error {
		_, err := out.Write(b)
		return err
	})
	if err != nil {
		return fmt.Errorf("write %s: %w", fileManifest, err)
	}
	return syncDir(w.tmp)
}

// publish gives the backup its name.
func (w *writer) publish() error {
	path := filepath.Join(w.dir, w.m.Made.Format(nameForm))
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("%s 已经存在，请重试 / exists already, try again", path)
	}
	if err := os.Rename(w.tmp, path); err != nil {
		return fmt.Errorf("put the backup in place: %w", err)
	}
	w.report.Path, w.report.Events, w.report.Origin, w.report.TreeSize = path, w.m.Head.Events, w.m.Head.Origin, w.m.Head.Size
	w.report.Evidence, w.report.Removed = len(w.m.Evidence), []string{}
	return syncDir(w.dir)
}

// prune removes the oldest backups. One that is half removed does not count as one.
func (w *writer) prune() error {
	if w.opt.Keep <= 0 {
		return nil
	}
	all, err := list(w.dir)
	if err != nil {
		return err
	}
	for len(all) > w.opt.Keep {
		oldest := filepath.Join(w.dir, all[0])
		dying := filepath.Join(w.dir, partialPrefix+all[0])
		if err := errors.Join(os.Rename(oldest, dying), os.RemoveAll(dying)); err != nil {
			return fmt.Errorf("remove an old backup: %w", err)
		}
		w.report.Removed, all = append(w.report.Removed, all[0]), all[1:]
	}
	return syncDir(w.dir)
}

// list returns the names of the backups in a folder, the oldest first.
func list(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("read the folder of backups: %w", err)
	}
	var names []string
	for _, e := range entries {
		if _, err := time.Parse(nameForm, e.Name()); err == nil && e.IsDir() {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	return names, nil
}

func isDigest(s string) bool {
	b, err := hex.DecodeString(s)
	return err == nil && len(b) == sha256.Size && s == strings.ToLower(s)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
