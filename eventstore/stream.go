package eventstore

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"duban/domain"
)

// Everything that stands on the server, in one place. One ledger to a NATS
// account.
const (
	streamName       = "LEDGER"
	headsName        = "HEADS"       // signed heads and cosignatures; see heads.go
	evidenceBucket   = "EVIDENCE"    // object store: stream OBJ_EVIDENCE
	credentialBucket = "CREDENTIALS" // key-value: stream KV_CREDENTIALS
)

// The server's error codes this package tells apart.
const (
	codeNoSuitablePeers jetstream.ErrorCode = 10005
	codeNoMessage       jetstream.ErrorCode = 10037
	codeStreamNotFound  jetstream.ErrorCode = 10059
	codeWrongSequence   jetstream.ErrorCode = 10071
	codeNoReplicas      jetstream.ErrorCode = 10074 // replicas > 1 without a cluster
	codeWriteInFlight   jetstream.ErrorCode = 10164
	codeBatchIncomplete jetstream.ErrorCode = 10176
	codeTooManyBatches  jetstream.ErrorCode = 10210
)

func errorCode(err error) jetstream.ErrorCode {
	var e jetstream.JetStreamError
	if errors.As(err, &e) && e.APIError() != nil {
		return e.APIError().ErrorCode
	}
	var a *jetstream.APIError
	if errors.As(err, &a) {
		return a.ErrorCode
	}
	return 0
}

// subject returns the NATS subject of an aggregate. Ids that would be more than
// one token, or a wildcard, are refused.
func (s *Store) subject(ref domain.Ref) (string, error) {
	if _, err := domain.ParseKind(ref.Kind.String()); err != nil || ref.ID == "" || strings.ContainsFunc(ref.ID, notInToken) {
		return "", fmt.Errorf("%w: %q 不能作为记录的编号 / can't name an aggregate", ErrInvalidAppend, ref)
	}
	return "ledger." + s.cfg.Org + "." + ref.Kind.String() + "." + ref.ID, nil
}

func notInToken(r rune) bool {
	return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_')
}

// refOf reads a subject back; the zero Ref for one this software has no name for.
func refOf(subject string) domain.Ref {
	parts := strings.Split(subject, ".")
	if len(parts) != 4 {
		return domain.Ref{}
	}
	ref, err := domain.ParseRef(parts[2] + "/" + parts[3])
	if err != nil {
		return domain.Ref{}
	}
	return ref
}

// streamConfig is what the ledger's stream has to be.
func streamConfig(org string, replicas int) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:              streamName,
		Description:       "Duban ledger of " + org + ": append-only, never change its configuration",
		Subjects:          []string{"ledger." + org + ".*.*"},
		Retention:         jetstream.LimitsPolicy,
		MaxConsumers:      -1,
		MaxMsgs:           -1,
		MaxBytes:          -1,
		MaxMsgsPerSubject: -1,
		MaxMsgSize:        -1,
		Discard:           jetstream.DiscardNew,
		Storage:           jetstream.FileStorage,
		Replicas:          replicas,
		DenyDelete:        true,
		DenyPurge:         true,
		Compression:       jetstream.NoCompression,
		// Reads may be answered by any replica; those that have to see the last
		// write ask the leader (see load.go).
		AllowDirect:        true,
		AllowAtomicPublish: true,
	}
}

// streamInfo is the server's answer, with the configuration as raw members, so
// that settings this software has not heard of are compared too.
type streamInfo struct {
	Config map[string]json.RawMessage `json:"config"`
	State  struct {
		Messages   uint64 `json:"messages"`
		FirstSeq   uint64 `json:"first_seq"`
		LastSeq    uint64 `json:"last_seq"`
		NumDeleted int    `json:"num_deleted"`
	} `json:"state"`
	Cluster *struct {
		Name string `json:"name"`
	} `json:"cluster"`
	Error *jetstream.APIError `json:"error"`
}

// clustered: a single server describes itself as a cluster without a name.
func (i *streamInfo) clustered() bool { return i.Cluster != nil && i.Cluster.Name != "" }

// info describes the ledger's stream.
func (s *Store) info(ctx context.Context, nc *nats.Conn) (*streamInfo, error) {
	return s.infoOf(ctx, nc, streamName)
}

func (s *Store) infoOf(ctx context.Context, nc *nats.Conn, stream string) (*streamInfo, error) {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.ReadTimeout)
	defer cancel()
	msg, err := nc.RequestWithContext(ctx, "$JS.API.STREAM.INFO."+stream, nil)
	if err != nil {
		return nil, fmt.Errorf("ask for the stream %s: %w", stream, err)
	}
	var info streamInfo
	if err := json.Unmarshal(msg.Data, &info); err != nil {
		return nil, fmt.Errorf("read the description of %s: %w", stream, err)
	}
	if info.Error != nil {
		return nil, fmt.Errorf("ask for the stream %s: %w", stream, info.Error)
	}
	return &info, nil
}

// standingPause is between two looks at a leader that is behind: usually one that
// applies what the others have already.
const standingPause = 5 * time.Millisecond

// errLeaderBehind: a cluster's leader lacks events that are known, so far.
var errLeaderBehind = errors.New("集群的主节点尚缺事件 / the cluster's leader lacks events as yet")

// standing describes a stream that has to hold the sequence known. In a cluster it
// waits for that: a server that follows may have applied, and shown, what the
// leader is still about to apply, and a leader that was cut off from the others
// takes itself for one until it notices. After ReadTimeout it is errLeaderBehind.
// Events that are missing all the same are described as they are once the leader has
// lacked them for LeaderTimeout.
func (s *Store) standing(ctx context.Context, nc *nats.Conn, stream string, known uint64) (*streamInfo, error) {
	for began := time.Now(); ; {
		info, err := s.infoOf(ctx, nc, stream)
		if err != nil {
			if ctx.Err() == nil {
				s.leads(stream, math.MaxUint64) // nothing is known of it meanwhile
			}
			return nil, err
		}
		have := info.State.LastSeq
		s.leads(stream, have)
		if !info.clustered() || have >= known || s.lacking(stream, have) >= s.cfg.LeaderTimeout {
			return info, nil
		}
		if time.Since(began) > s.cfg.ReadTimeout {
			return nil, fmt.Errorf("%w（%s 只到 %d，应到 %d / %s has %d, %d are known）", errLeaderBehind, stream, have, known, stream, have, known)
		}
		if err := s.pause(ctx, standingPause); err != nil {
			return nil, err
		}
	}
}

// A lack is the first event that a stream's leader was found to lack, and since when.
type lack struct {
	seq   uint64
	since time.Time
}

// leads notes how far a stream's leader is.
func (s *Store) leads(stream string, have uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l, ok := s.lacks[stream]; ok && have >= l.seq {
		delete(s.lacks, stream)
	}
}

// lacking notes that a stream's leader lacks what follows have, and returns for how
// long it has.
func (s *Store) lacking(stream string, have uint64) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	l, ok := s.lacks[stream]
	if !ok {
		l = lack{have + 1, time.Now()}
		s.lacks[stream] = l
	}
	return time.Since(l.since)
}

// awaitLeader waits until the ledger's leader has a sequence. lost says that it lacks
// it for good.
func (s *Store) awaitLeader(ctx context.Context, seq uint64) (lost bool, err error) {
	err = s.withSession(ctx, func(sess *session) error {
		info, err := s.standing(ctx, sess.read, streamName, seq)
		if err == nil {
			lost = !info.clustered() || info.State.LastSeq < seq
		}
		return err
	})
	return lost, err
}

// ensureStream creates the stream of a new ledger. One that is missing while its
// companions stand was deleted, and is not made anew.
func (s *Store) ensureStream(ctx context.Context, sess *session) error {
	info, err := s.info(ctx, sess.read)
	switch {
	case err == nil:
		if info.clustered() && replicas(info) < 3 {
			return fmt.Errorf("%w: LEDGER 现有 %d 个 / LEDGER has %d; nats stream edit LEDGER --replicas 3",
				ErrReplicas, replicas(info), replicas(info))
		}
		return nil
	case errorCode(err) != codeStreamNotFound:
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	for _, companion := range []string{"OBJ_" + evidenceBucket, "KV_" + credentialBucket, headsName} {
		_, err := sess.readJS.Stream(ctx, companion)
		if err == nil {
			return &DriftError{
				Differences: []string{"stream LEDGER: want it, have only " + companion},
				Remedy:      "账本的流被删除，请从备份恢复 / the ledger's stream was deleted: restore a backup",
			}
		}
		if errorCode(err) != codeStreamNotFound {
			return fmt.Errorf("%w: look for %s: %w", ErrUnavailable, companion, err)
		}
	}
	return s.createStream(ctx, sess)
}

func (s *Store) createStream(ctx context.Context, sess *session) error {
	copies := 3
	if sess.srv != nil {
		copies = 1
	}
	_, err := sess.writeJS.CreateStream(ctx, streamConfig(s.cfg.Org, copies))
	if errorCode(err) == codeNoReplicas { // a single server
		copies = 1
		_, err = sess.writeJS.CreateStream(ctx, streamConfig(s.cfg.Org, copies))
	}
	switch {
	case err == nil:
		return nil
	case errorCode(err) == codeNoSuitablePeers:
		return fmt.Errorf("%w: %w", ErrReplicas, err)
	}
	return fmt.Errorf("%w: create the stream: %w", ErrUnavailable, err)
}

func replicas(info *streamInfo) int {
	var n int
	_ = json.Unmarshal(info.Config["num_replicas"], &n) // absent or odd: 0, which differs
	return n
}

// notCompared are settings that change nothing of what the ledger promises.
var notCompared = []string{"description", "metadata", "placement", "duplicate_window"}

// compareConfig lists how a stream's settings differ from what they have to be,
// in the order of their names. A setting nobody has heard of has to be unset. The
// number of replicas in must is that of a single server.
func compareConfig(must jetstream.StreamConfig, have map[string]json.RawMessage, clustered bool) []string {
	b, _ := json.Marshal(must) // plain data always encodes
	var want map[string]json.RawMessage
	_ = json.Unmarshal(b, &want)
	if clustered {
		want["num_replicas"] = json.RawMessage("3")
		var n int
		if json.Unmarshal(have["num_replicas"], &n) == nil && n >= 3 {
			want["num_replicas"] = have["num_replicas"]
		}
	}
	names := map[string]bool{}
	for k := range want {
		names[k] = true
	}
	for k := range have {
		names[k] = true
	}
	var diffs []string
	for k := range names {
		if slices.Contains(notCompared, k) {
			continue
		}
		w, h := settingText(want[k]), settingText(have[k])
		if w != h {
			diffs = append(diffs, fmt.Sprintf("%s: want %s, have %s", k, w, h))
		}
	}
	slices.Sort(diffs)
	return diffs
}

func settingText(raw json.RawMessage) string {
	var b bytes.Buffer
	if json.Compact(&b, raw) != nil {
		return "unset"
	}
	switch t := b.String(); t {
	case "null", "false", "0", `""`, "{}", "[]":
		return "unset"
	default:
		return t
	}
}

// configDigest identifies the settings a server run started with.
func configDigest(info *streamInfo) string {
	have := map[string]json.RawMessage{}
	for k, v := range info.Config {
		if !slices.Contains(notCompared, k) && settingText(v) != "unset" {
			have[k] = v
		}
	}
	b, _ := json.Marshal(have) // raw members the server sent are valid
	return Digest(b)
}
