package backup

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"duban/domain"
	"duban/eventstore"
)

// A Backup is one that was found in a folder.
type Backup struct {
	Manifest
	Path string // its own folder
	root string // where the evidence is

	// Known once Check has run.
	present   []domain.Evidence // whose bytes are here
	withdrawn []string
	missing   int // files that were left out and are not here from another backup
}

var (
	errDigest = errors.New("字节与摘要不符：文件损坏或被改动 / the bytes are not those of the digest: the file is damaged or was changed")

	// ErrNone says that a folder holds no backup.
	ErrNone = errors.New("没有完整的备份 / there is no whole backup")
)

// Open finds the newest backup in a folder of backups, or the one whose own folder it is.
func Open(dir string) (*Backup, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	b := &Backup{Path: dir, root: filepath.Dir(dir)}
	_, err = os.Stat(filepath.Join(dir, fileManifest))
	if errors.Is(err, fs.ErrNotExist) {
		names, err := list(dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		if len(names) == 0 {
			return nil, fmt.Errorf("%s：%w", dir, ErrNone)
		}
		b.Path, b.root = filepath.Join(dir, names[len(names)-1]), dir
	} else if err != nil {
		return nil, err
	}
	raw, err := os.ReadFile(filepath.Join(b.Path, fileManifest))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errManifest, err)
	}
	if err := decode(raw, &b.Manifest); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", errManifest, b.Path, err)
	}
	return b, b.check()
}

// Check reads every file and compares it with its digest. The error names the first
// that does not fit.
func (b *Backup) Check(ctx context.Context) error {
	for _, f := range b.Files {
		if err := checkFile(ctx, filepath.Join(b.Path, f.Path), f.Size, f.SHA256); err != nil {
			return err
		}
	}
	b.withdrawn = append([]string{}, b.Withdrawn...)
	for _, e := range b.Evidence {
		path := evidencePath(b.root, e.SHA256)
		err := checkFile(ctx, path, e.Size, e.SHA256)
		if err == nil {
			b.present = append(b.present, e)
			continue
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		switch _, gone := os.Stat(path + withdrawnMark); {
		case gone == nil:
			b.withdrawn = append(b.withdrawn, e.SHA256)
		case b.EvidenceLeftOut:
			b.missing++
		default:
			return err
		}
	}
	return nil
}

func checkFile(ctx context.Context, path string, size int64, digest string) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("备份缺少文件 / a file of the backup is missing: %w", err)
	}
	defer f.Close()
	sum := sha256.New()
	n, err := io.Copy(sum, contextReader{ctx, f})
	switch {
	case err != nil:
		return fmt.Errorf("read %s: %w", path, err)
	case n != size:
		return fmt.Errorf("%s：%d 字节，应为 %d / %d bytes instead of %d: %w", path, n, size, n, size, errDigest)
	case hex.EncodeToString(sum.Sum(nil)) != digest:
		return fmt.Errorf("%s: %w", path, errDigest)
	}
	return nil
}

// contextReader ends with its context.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}

// Missing returns how many files that the backup lists it does not hold, because it was
// made without evidence.
func (b *Backup) Missing() int { return b.missing }

// Streams puts the two streams into an empty folder of an embedded server.
func (b *Backup) Streams(ctx context.Context, dir string) error {
	ledger, err := os.Open(filepath.Join(b.Path, fileLedger))
	if err != nil {
		return err
	}
	defer ledger.Close()
	heads, err := os.Open(filepath.Join(b.Path, fileHeads))
	if err != nil {
		return err
	}
	defer heads.Close()
	return eventstore.Restore(ctx, eventstore.Restoration{Org: b.Org, Dir: dir, Ledger: ledger, Heads: heads, Last: b.Head.Events})
}

// Rest puts evidence and credentials into the opened ledger, and returns the latter.
func (b *Backup) Rest(ctx context.Context, store *eventstore.Store, progress func(step string)) ([]eventstore.Credential, error) {
	for i, e := range b.present {
		progress(fmt.Sprintf("%s %d/%d", evidenceDir, i+1, len(b.present)))
		if err := b.put(ctx, store, e); err != nil {
			return nil, fmt.Errorf("evidence %s: %w", e.SHA256, err)
		}
	}
	for _, sum := range b.withdrawn {
		if err := store.MarkWithdrawn(ctx, sum); err != nil {
			return nil, err
		}
	}
	creds, err := b.credentials()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", fileCredentials, err)
	}
	for _, c := range creds {
		if err := store.PutCredential(ctx, c.TokenSHA256, c); err != nil {
			return nil, err
		}
	}
	return creds, nil
}

func (b *Backup) put(ctx context.Context, store *eventstore.Store, e domain.Evidence) error {
	f, err := os.Open(evidencePath(b.root, e.SHA256))
	if err != nil {
		return err
	}
	defer f.Close()
	got, err := store.PutEvidence(ctx, f, e.MediaType, 0)
	if err == nil && got.SHA256 != e.SHA256 {
		err = errDigest
	}
	return err
}

func (b *Backup) credentials() ([]eventstore.Credential, error) {
	raw, err := os.ReadFile(filepath.Join(b.Path, fileCredentials))
	if err != nil {
		return nil, err
	}
	var list []Credential
	if err := decode(raw, &list); err != nil {
		return nil, err
	}
	var creds []eventstore.Credential
	for _, c := range list {
		cred := eventstore.Credential{TokenSHA256: c.TokenSHA256, Created: c.Created, Note: c.Note}
		if cred.Person, err = domain.ParseRef(c.Person); err == nil {
			cred.Role, err = domain.ParseRole(c.Role)
		}
		if err == nil && c.Office != "" {
			cred.Office, err = domain.ParseRef(c.Office)
		}
		if err == nil && !isDigest(c.TokenSHA256) {
			err = errDigest
		}
		if err != nil {
			return nil, fmt.Errorf("credential of %s: %w", c.Person, err)
		}
		creds = append(creds, cred)
	}
	return creds, nil
}
