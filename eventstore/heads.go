package eventstore

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Signed heads stand in a stream of their own, HEADS, as append-only as the
// ledger. What a record says is the business of projections/seal; this room keeps
// its bytes, and knows the size of the tree it is about, because that stands in the
// record's subject:
//
//	heads.ORG.signed.SIZE      the head over the first SIZE events, once
//	heads.ORG.cosigned.SIZE    the cosignatures collected on that head, once at most
//
// An append names the last sequence of the whole stream, so that of two signers
// who believe to be the only one, one learns that it is not before it has
// published anything.

// HeadKind says what a record of HEADS holds.
type HeadKind int

// The kinds of records.
const (
	HeadSigned HeadKind = iota + 1
	HeadCosigned
)

func (k HeadKind) String() string {
	switch k {
	case HeadSigned:
		return "signed"
	case HeadCosigned:
		return "cosigned"
	}
	return fmt.Sprintf("HeadKind(%d)", int(k))
}

// A HeadRecord is one record of HEADS.
type HeadRecord struct {
	Seq  uint64 // its place in HEADS
	Kind HeadKind
	Size uint64 // of the tree it is about
	Data []byte
}

func headsConfig(org string, replicas int) jetstream.StreamConfig {
	c := streamConfig(org, replicas)
	c.Name, c.Subjects = headsName, []string{"heads." + org + ".*.*"}
	c.Description = "Duban signed heads of " + org + ": append-only, never change its configuration"
	c.AllowDirect, c.AllowAtomicPublish = false, false // only the leader is asked, one record at a time
	return c
}

func (s *Store) headSubject(kind HeadKind, size string) string {
	return "heads." + s.cfg.Org + "." + kind.String() + "." + size
}

// headOf reads a message of HEADS back; the error is ErrMismatch, since nobody but
// Duban has any business there.
func headOf(m message) (HeadRecord, error) {
	r := HeadRecord{Seq: m.Seq, Data: m.Data}
	parts := strings.Split(m.Subject, ".")
	if len(parts) == 4 {
		for _, k := range []HeadKind{HeadSigned, HeadCosigned} {
			if parts[2] == k.String() {
				r.Kind = k
			}
		}
		r.Size, _ = strconv.ParseUint(parts[3], 10, 64) // 0 is refused
	}
	if r.Kind == 0 || r.Size == 0 || parts[3] != strconv.FormatUint(r.Size, 10) {
		return r, &MismatchError{Detail: fmt.Sprintf("HEADS 第 %d 条不是树头 / record %d of HEADS is no head", m.Seq, m.Seq)}
	}
	return r, nil
}

// ensureHeads creates HEADS beside a ledger that has none, with as many replicas.
// Whether one was deleted there shows in the ledger, which names the log's keys.
func (s *Store) ensureHeads(ctx context.Context, sess *session) error {
	if _, err := s.infoOf(ctx, sess.read, headsName); errorCode(err) != codeStreamNotFound {
		if err != nil {
			return fmt.Errorf("%w: %w", ErrUnavailable, err)
		}
		return nil
	}
	ledger, err := s.info(ctx, sess.read)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	_, err = sess.writeJS.CreateStream(ctx, headsConfig(s.cfg.Org, replicas(ledger)))
	if err != nil {
		return fmt.Errorf("%w: create the stream of signed heads: %w", ErrUnavailable, err)
	}
	return nil
}

// AppendHead appends a record, whose Seq is ignored, behind sequence last of HEADS
// and returns its sequence once it is on disk. ErrHeadsMoved: HEADS ends elsewhere,
// or has this record already; nothing was appended. After ErrUnavailable it may
// have been: the caller looks (HeadsEnd, Head) before it tries again. Nothing is
// appended while the ledger is not what it has to be.
func (s *Store) AppendHead(ctx context.Context, r HeadRecord, last uint64) (uint64, error) {
	if r.Size == 0 || r.Size > s.Acked() {
		return 0, fmt.Errorf("%w: 树头大小 %d，已确认 %d / a head of %d, acknowledged are %d", ErrInvalidAppend, r.Size, s.Acked(), r.Size, s.Acked())
	}
	if err := s.refusal(true); err != nil {
		return 0, err
	}
	sess, err := s.session(ctx)
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, s.cfg.AckTimeout)
	defer cancel()
	msg := nats.NewMsg(s.headSubject(r.Kind, strconv.FormatUint(r.Size, 10)))
	msg.Data = r.Data
	msg.Header.Set(jetstream.ExpectedLastSeqHeader, strconv.FormatUint(last, 10))
	msg.Header.Set(jetstream.ExpectedLastSubjSeqHeader, "0")
	ack, err := sess.headsJS.PublishMsg(ctx, msg, jetstream.WithRetryAttempts(0))
	switch code := errorCode(err); {
	case code == codeWrongSequence || code == codeWriteInFlight:
		return 0, fmt.Errorf("%w: %w", ErrHeadsMoved, err)
	case err != nil:
		s.suspect(err)
		return 0, fmt.Errorf("%w: append a head: %w", ErrUnavailable, err)
	case ack.Sequence != last+1:
		// The server checked that the last sequence was ours, so this can't be.
		return 0, fmt.Errorf("%w: acknowledged as %d instead of %d", ErrHeadsMoved, ack.Sequence, last+1)
	}
	s.set(func() { s.headsEnd = max(s.headsEnd, ack.Sequence) })
	return ack.Sequence, nil
}

// HeadsEnd returns the last sequence of HEADS.
func (s *Store) HeadsEnd(ctx context.Context) (uint64, error) {
	var last uint64
	err := s.withSession(ctx, func(sess *session) error {
		info, err := s.infoOf(ctx, sess.heads, headsName)
		if err == nil {
			last = info.State.LastSeq
		}
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return last, nil
}

// Head returns the record of a kind about the tree of that size, the last one
// there is for size 0, or ErrNoHead. Embedded, what a failed sync left may be among
// them until the store is reopened.
func (s *Store) Head(ctx context.Context, kind HeadKind, size uint64) (HeadRecord, error) {
	subject := s.headSubject(kind, "*")
	if size > 0 {
		subject = s.headSubject(kind, strconv.FormatUint(size, 10))
	}
	return s.readHeadRecord(ctx, msgRequest{LastBy: subject})
}

// HeadAfter returns the first record of a kind behind a sequence of HEADS, or
// ErrNoHead.
func (s *Store) HeadAfter(ctx context.Context, kind HeadKind, after uint64) (HeadRecord, error) {
	return s.readHeadRecord(ctx, msgRequest{Seq: after + 1, NextBy: s.headSubject(kind, "*")})
}

func (s *Store) readHeadRecord(ctx context.Context, req msgRequest) (HeadRecord, error) {
	var m message
	err := s.withSession(ctx, func(sess *session) error {
		var err error
		m, err = s.leaderGetOf(ctx, sess.heads, headsName, req)
		return err
	})
	switch {
	case errors.Is(err, errNoMessage), errorCode(err) == codeStreamNotFound:
		return HeadRecord{}, ErrNoHead
	case err != nil:
		return HeadRecord{}, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return headOf(m)
}

// compareHeads compares HEADS with what it has to be, and the end of the ledger
// with the last head: a ledger that is shorter than what was signed has lost events.
// The error is errLeaderBehind, while it is not known yet whether it is.
func (s *Store) compareHeads(ctx context.Context, sess *session, ledgerEnd uint64) error {
	s.mu.Lock()
	known := s.headsEnd
	s.mu.Unlock()
	info, err := s.standing(ctx, sess.read, headsName, known)
	switch {
	case errorCode(err) == codeStreamNotFound:
		_ = s.stop(&DriftError{
			Differences: []string{"stream HEADS: want it, have none"},
			Remedy:      "树头的流被删除，请停止服务并从备份恢复 / the stream of signed heads was deleted: stop and restore a backup",
		})
		return nil
	case errors.Is(err, errLeaderBehind):
		return err
	case err != nil:
		return nil //nolint:nilerr // the comparison of the ledger says that the server is silent
	}
	s.judgeHeads(info, known)
	head, err := s.Head(ctx, HeadSigned, 0)
	if err != nil || head.Size <= ledgerEnd {
		return nil //nolint:nilerr // the same
	}
	// The head may be younger than the description of the ledger.
	ledger, err := s.standing(ctx, sess.read, streamName, head.Size)
	if errors.Is(err, errLeaderBehind) {
		return err
	}
	if err == nil && ledger.State.LastSeq < head.Size {
		end := ledger.State.LastSeq
		_ = s.stop(&MismatchError{Sequence: end + 1, Size: head.Size, Detail: fmt.Sprintf(
			"账本止于 %d，已签名的树头有 %d 个事件 / the ledger ends at %d, a head of %d events was signed", end, head.Size, end, head.Size)})
	}
	return nil
}

// judgeHeads compares a description of HEADS with what it has to be. known is its
// durable end from before the description was asked for.
func (s *Store) judgeHeads(info *streamInfo, known uint64) {
	var diffs []string
	for _, d := range compareConfig(headsConfig(s.cfg.Org, 1), info.Config, info.clustered()) {
		diffs = append(diffs, "HEADS "+d)
	}
	remedy := "请用 nats stream edit HEADS 改回上述设置 / set the settings named back with nats stream edit HEADS"
	if info.State.FirstSeq > 1 || info.State.NumDeleted > 0 {
		diffs = append(diffs, fmt.Sprintf("HEADS first_seq: want 1, have %d; num_deleted: want 0, have %d", info.State.FirstSeq, info.State.NumDeleted))
		remedy = "树头已丢失，改回设置后还须从备份恢复 / signed heads are lost: set the settings back and restore a backup"
	}
	if info.State.LastSeq < known {
		_ = s.stop(&DriftError{
			Differences: []string{fmt.Sprintf("HEADS last_seq: want at least %d, have %d", known, info.State.LastSeq)},
			Remedy:      "已签名的树头丢失，请从备份恢复 / signed heads are gone: restore a backup",
		})
	}
	var off error
	if len(diffs) > 0 {
		off = &DriftError{Differences: diffs, Remedy: remedy}
	}
	s.mu.Lock()
	same := (s.headsOff == nil) == (off == nil) && (off == nil || s.headsOff.Error() == off.Error())
	s.mu.Unlock()
	if !same {
		s.set(func() { s.headsOff = off })
	}
}

// Halt stops writes for good because the ledger was found not to be what was
// signed. Reads go on.
func (s *Store) Halt(found *MismatchError) {
	_ = s.stop(found)
}
