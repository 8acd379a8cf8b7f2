package eventstore

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"duban/domain"
)

// Evidence lives in an object store under its SHA-256, outside the ledger stream.
// Bytes are spooled to a file while they are hashed, put under their digest
// unless they are there, and only then may an event name them: an event never
// points to bytes that are not on disk.

// evidenceTime bounds one transfer, both ways.
const evidenceTime = time.Hour

const mediaTypeKey = "media_type"

// ensureBuckets creates what stands beside the stream, with as many replicas.
func (s *Store) ensureBuckets(ctx context.Context, sess *session) error {
	info, err := s.info(ctx, sess.read)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	n := replicas(info)
	_, err = sess.bulkJS.ObjectStore(ctx, evidenceBucket)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		_, err = sess.bulkJS.CreateObjectStore(ctx, jetstream.ObjectStoreConfig{
			Bucket: evidenceBucket, Description: "Duban evidence, by SHA-256", Storage: jetstream.FileStorage, Replicas: n,
		})
	}
	if err != nil {
		return fmt.Errorf("%w: evidence: %w", ErrUnavailable, err)
	}
	_, err = sess.bulkJS.KeyValue(ctx, credentialBucket)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		_, err = sess.bulkJS.CreateKeyValue(ctx, jetstream.KeyValueConfig{
			Bucket: credentialBucket, Description: "Duban credentials, by the token's SHA-256",
			Storage: jetstream.FileStorage, Replicas: n, History: 1,
		})
	}
	if err != nil {
		return fmt.Errorf("%w: credentials: %w", ErrUnavailable, err)
	}
	return nil
}

// PutEvidence stores what r yields, at most limit bytes (0: no limit), and
// returns its name. Bytes that are stored already are not stored again and keep
// the media type they came with first. Withdrawn bytes may be put again.
func (s *Store) PutEvidence(ctx context.Context, r io.Reader, mediaType string, limit int64) (domain.Evidence, error) {
	f, ev, err := s.spool(r, limit)
	if err != nil {
		return domain.Evidence{}, err
	}
	defer f.Close()
	ev.MediaType = mediaType
	// One upload at a time bounds what the server holds in memory, and two uploads
	// of the same bytes don't replace each other.
	select {
	case s.uploads <- struct{}{}:
		defer func() { <-s.uploads }()
	case <-ctx.Done():
		return domain.Evidence{}, fmt.Errorf("store evidence: %w", ctx.Err())
	}
	have, err := s.StatEvidence(ctx, ev.SHA256)
	switch {
	case err == nil && have.Size == ev.Size:
		return have, nil
	case err == nil:
		return domain.Evidence{}, fmt.Errorf("evidence %s: stored with %d bytes instead of %d", ev.SHA256, have.Size, ev.Size)
	case !errors.Is(err, ErrNoEvidence) && !errors.Is(err, ErrEvidenceWithdrawn):
		return domain.Evidence{}, err
	}
	if err := s.upload(ctx, f, ev); err != nil {
		return domain.Evidence{}, err
	}
	return ev, nil
}

// spool copies r to a file nobody sees while hashing it. The file has no name any
// more when spool returns, so that no path and no crash leaves it behind.
func (s *Store) spool(r io.Reader, limit int64) (*os.File, domain.Evidence, error) {
	dir, err := s.spoolDir()
	if err != nil {
		return nil, domain.Evidence{}, err
	}
	f, err := os.CreateTemp(dir, "evidence-*")
	if err != nil {
		return nil, domain.Evidence{}, spoolError(err)
	}
	if err := os.Remove(f.Name()); err != nil {
		f.Close()
		return nil, domain.Evidence{}, spoolError(err)
	}
	h := sha256.New()
	if limit > 0 {
		r = io.LimitReader(r, limit+1)
	}
	n, err := io.Copy(io.MultiWriter(f, h), r)
	if err == nil && limit > 0 && n > limit {
		err = fmt.Errorf("%w（上限 %d 字节 / the limit is %d bytes）", ErrEvidenceTooLarge, limit, limit)
	}
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		f.Close()
		return nil, domain.Evidence{}, spoolError(err)
	}
	return f, domain.Evidence{SHA256: hex.EncodeToString(h.Sum(nil)), Size: n}, nil
}

// spoolError tells a bad disk from a client that broke off.
func spoolError(err error) error {
	if disk := new(fs.PathError); errors.As(err, &disk) {
		return fmt.Errorf("%w: spool evidence: %w", ErrUnavailable, err)
	}
	return fmt.Errorf("spool evidence: %w", err)
}

func (s *Store) spoolDir() (string, error) {
	if s.cfg.Dir == "" {
		return os.TempDir(), nil
	}
	dir := filepath.Join(s.cfg.Dir, "spool")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("create the spool folder: %w", err)
	}
	return dir, nil
}

// cleanSpool removes what a crash between creating and unnaming a file left.
func (s *Store) cleanSpool() error {
	if s.cfg.Dir == "" {
		return nil
	}
	left, err := filepath.Glob(filepath.Join(s.cfg.Dir, "spool", "evidence-*"))
	if err != nil {
		return err
	}
	probes, err := filepath.Glob(filepath.Join(s.cfg.Dir, "probe-*"))
	if err != nil {
		return err
	}
	for _, name := range append(left, probes...) {
		if err := os.Remove(name); err != nil {
			return fmt.Errorf("clean the spool folder: %w", err)
		}
	}
	return nil
}

func (s *Store) upload(ctx context.Context, f *os.File, ev domain.Evidence) error {
	sess, err := s.session(ctx)
	if err != nil {
		return err
	}
	caller := ctx
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(sess.ended, cancel)() // no answer will come any more
	objects, err := sess.bulkJS.ObjectStore(ctx, evidenceBucket)
	if err != nil {
		return fmt.Errorf("%w: store evidence: %w", ErrUnavailable, err)
	}
	pace, err := newPacer(ctx, s, sess, f)
	if err != nil {
		return fmt.Errorf("%w: store evidence: %w", ErrUnavailable, err)
	}
	meta := jetstream.ObjectMeta{Name: ev.SHA256, Metadata: map[string]string{mediaTypeKey: ev.MediaType}}
	if _, err := objects.Put(ctx, meta, pace); err != nil {
		if caller.Err() == nil {
			s.suspect(err)
		}
		return fmt.Errorf("%w: store evidence: %w", ErrUnavailable, err)
	}
	// What is stored has to be what was hashed here, whatever happened between.
	info, err := objects.GetInfo(ctx, ev.SHA256)
	if err != nil {
		return fmt.Errorf("%w: store evidence: %w", ErrUnavailable, err)
	}
	if int64(info.Size) != ev.Size || info.Digest != objectDigest(ev.SHA256) {
		return fmt.Errorf("store evidence %s: stored %d bytes, %s", ev.SHA256, info.Size, info.Digest)
	}
	return nil
}

// A pacer lets the object store read no further ahead than paceWindow chunks of
// what the server has stored. The library would hand over the whole object at
// once, and the server keep it in memory until the disk has it.
type pacer struct {
	ctx    context.Context
	s      *Store
	r      io.Reader
	stream jetstream.Stream
	base   uint64 // last sequence of the bucket's stream before the upload
	sent   uint64 // chunks
	stored uint64
}

const paceWindow = 64 // chunks of 128 KB

func newPacer(ctx context.Context, s *Store, sess *session, r io.Reader) (*pacer, error) {
	stream, err := sess.bulkJS.Stream(ctx, "OBJ_"+evidenceBucket)
	if err != nil {
		return nil, err
	}
	return &pacer{ctx: ctx, s: s, r: r, stream: stream, base: stream.CachedInfo().State.LastSeq}, nil
}

func (p *pacer) Read(b []byte) (int, error) {
	if err := p.await(); err != nil {
		return 0, err
	}
	n, err := p.r.Read(b)
	if n > 0 {
		p.sent++
	}
	return n, err
}

// await returns when few enough chunks are on their way, or with an error when
// the server stores none for AckTimeout.
func (p *pacer) await() error {
	deadline := time.Now().Add(p.s.cfg.AckTimeout)
	for p.sent >= p.stored+paceWindow {
		info, err := p.stream.Info(p.ctx)
		if err != nil {
			return err
		}
		if now := info.State.LastSeq - p.base; now > p.stored {
			p.stored, deadline = now, time.Now().Add(p.s.cfg.AckTimeout)
			continue
		}
		if time.Now().After(deadline) {
			return nats.ErrTimeout
		}
		if err := p.s.pause(p.ctx, time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}

func objectDigest(sum string) string {
	b, err := hex.DecodeString(sum)
	if err != nil {
		return ""
	}
	return "SHA-256=" + base64.URLEncoding.EncodeToString(b)
}

// StatEvidence tells what is stored under a digest: ErrNoEvidence if it never
// was, ErrEvidenceWithdrawn if it was removed.
func (s *Store) StatEvidence(ctx context.Context, sum string) (domain.Evidence, error) {
	var ev domain.Evidence
	err := s.withObjects(ctx, func(objects jetstream.ObjectStore) error {
		info, err := evidenceInfo(ctx, objects, sum)
		if err != nil {
			return err
		}
		ev = domain.Evidence{SHA256: sum, Size: int64(info.Size), MediaType: info.Metadata[mediaTypeKey]}
		return nil
	})
	return ev, err
}

func evidenceInfo(ctx context.Context, objects jetstream.ObjectStore, sum string) (*jetstream.ObjectInfo, error) {
	if b, err := hex.DecodeString(sum); err != nil || len(b) != sha256.Size || hex.EncodeToString(b) != sum {
		return nil, ErrNoEvidence
	}
	info, err := objects.GetInfo(ctx, sum, jetstream.GetObjectInfoShowDeleted())
	switch {
	case errors.Is(err, jetstream.ErrObjectNotFound):
		return nil, ErrNoEvidence
	case err != nil:
		return nil, fmt.Errorf("%w: look for evidence: %w", ErrUnavailable, err)
	case info.Deleted:
		return nil, ErrEvidenceWithdrawn
	}
	return info, nil
}

func (s *Store) withObjects(ctx context.Context, f func(jetstream.ObjectStore) error) error {
	return s.withSession(ctx, func(sess *session) error {
		objects, err := sess.bulkJS.ObjectStore(ctx, evidenceBucket)
		if err != nil {
			return fmt.Errorf("%w: open the evidence: %w", ErrUnavailable, err)
		}
		return f(objects)
	})
}

// OpenEvidence streams the bytes under a digest. The reader's last Read fails if
// they are not what the digest says. The caller closes it.
func (s *Store) OpenEvidence(ctx context.Context, sum string) (io.ReadCloser, domain.Evidence, error) {
	ctx, cancel := context.WithTimeout(ctx, evidenceTime)
	var rc io.ReadCloser
	var ev domain.Evidence
	err := s.withObjects(ctx, func(objects jetstream.ObjectStore) error {
		info, err := evidenceInfo(ctx, objects, sum)
		if err != nil {
			return err
		}
		ev = domain.Evidence{SHA256: sum, Size: int64(info.Size), MediaType: info.Metadata[mediaTypeKey]}
		if rc, err = objects.Get(ctx, sum); err != nil {
			return fmt.Errorf("%w: open evidence: %w", ErrUnavailable, err)
		}
		return nil
	})
	if err != nil {
		cancel()
		return nil, domain.Evidence{}, err
	}
	return &evidenceReader{ReadCloser: rc, cancel: cancel}, ev, nil
}

type evidenceReader struct {
	io.ReadCloser
	cancel context.CancelFunc
}

func (r *evidenceReader) Close() error {
	defer r.cancel()
	return r.ReadCloser.Close()
}

// WithdrawEvidence removes the bytes under a digest and keeps a mark that they
// were there. The bytes are overwritten on the server's disk: they may be a
// classified file sent by mistake, and what is merely deleted stays in its block
// until the server rewrites it. Doing it again finishes what a crash left half
// done. Bytes withdrawn in the moment somebody reads them may still reach them.
func (s *Store) WithdrawEvidence(ctx context.Context, sum string) error {
	return s.withSession(ctx, func(sess *session) error {
		objects, err := sess.bulkJS.ObjectStore(ctx, evidenceBucket)
		if err != nil {
			return fmt.Errorf("%w: open the evidence: %w", ErrUnavailable, err)
		}
		info, err := evidenceInfo(ctx, objects, sum)
		switch {
		case err == nil:
			// First the bytes: once the object counts as deleted its chunks
			// can't be found any more.
			if err := erase(ctx, sess, info.NUID); err != nil {
				return fmt.Errorf("%w: withdraw evidence: %w", ErrUnavailable, err)
			}
		case !errors.Is(err, ErrEvidenceWithdrawn):
			return err
		}
		if err := objects.Delete(ctx, sum); err != nil {
			return fmt.Errorf("%w: withdraw evidence: %w", ErrUnavailable, err)
		}
		return nil
	})
}

// erase overwrites the chunks of an object, which stand under a subject of its own.
func erase(ctx context.Context, sess *session, nuid string) error {
	stream, err := sess.bulkJS.Stream(ctx, "OBJ_"+evidenceBucket)
	if err != nil {
		return err
	}
	subject := "$O." + evidenceBucket + ".C." + nuid
	for seq := uint64(1); ; {
		m, err := stream.GetMsg(ctx, seq, jetstream.WithGetMsgSubject(subject))
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := stream.SecureDeleteMsg(ctx, m.Sequence); err != nil {
			return err
		}
		seq = m.Sequence + 1
	}
}
