package eventstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"

	"duban/domain"
)

// A message as it stands in the stream.
type message struct {
	Subject string
	Seq     uint64
	Data    []byte
}

// A decoded message: the record, and what decode said about it.
type decoded struct {
	Record
	odd error
}

// decode reads a message as a record. The error is an *EventError; the record
// then has at least Seq, Raw and, if the NATS subject names an aggregate,
// Subject.
func (s *Store) decode(m message) (Record, error) {
	r, err := s.codec.Decode(m.Seq, m.Data)
	ref := refOf(m.Subject)
	if err == nil && ref != r.Subject {
		err = &EventError{Sequence: m.Seq, Err: fmt.Errorf("subject %s 存放在 / is stored under %s", r.Subject, m.Subject)}
	}
	if err != nil {
		r.Subject = ref
		if r.Data == nil { // nobody who looks at Data need fear nil
			r.Data = &domain.Unknown{}
		}
	}
	return r, err
}

// msgRequest asks the leader for one message.
type msgRequest struct {
	Seq    uint64 `json:"seq,omitempty"`
	LastBy string `json:"last_by_subj,omitempty"`
	NextBy string `json:"next_by_subj,omitempty"`
}

// directOne fetches one message from any replica, with the sequence the subject
// stood at before it: the expectation it was appended with, or, for a later event
// of the same append, the sequence before it.
func (s *Store) directOne(ctx context.Context, sess *session, subject string, seq uint64) (m message, before uint64, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.ReadTimeout)
	defer cancel()
	to, body := "$JS.API.DIRECT.GET."+streamName, []byte(nil)
	if seq == 0 {
		to += "." + subject
	} else {
		body = fmt.Appendf(nil, `{"seq":%d}`, seq)
	}
	msg, err := sess.read.RequestWithContext(ctx, to, body)
	if err != nil {
		return m, 0, fmt.Errorf("read %s %d: %w", subject, seq, err)
	}
	switch status := msg.Header.Get("Status"); status {
	case "":
	case "404":
		return m, 0, errNoMessage
	default:
		return m, 0, fmt.Errorf("read %s %d: status %s %s", subject, seq, status, msg.Header.Get("Description"))
	}
	m = message{Subject: msg.Header.Get(jetstream.SubjectHeader), Data: msg.Data}
	if m.Seq, err = strconv.ParseUint(msg.Header.Get(jetstream.SequenceHeader), 10, 64); err != nil {
		return m, 0, fmt.Errorf("read %s %d: %w", subject, seq, err)
	}
	before = m.Seq - 1
	if h := msg.Header.Get(jetstream.ExpectedLastSubjSeqHeader); h != "" {
		if before, err = strconv.ParseUint(h, 10, 64); err != nil || before >= m.Seq {
			return m, 0, errNoTrace
		}
	}
	return m, before, nil
}

var errNoMessage = errors.New("no such message")

// leaderGet asks the stream's leader, whose answer includes every acknowledged
// write. The client library would ask any replica instead, because the stream
// allows it. errNoMessage if there is none.
func (s *Store) leaderGet(ctx context.Context, nc *nats.Conn, req msgRequest) (message, error) {
	return s.leaderGetOf(ctx, nc, streamName, req)
}

func (s *Store) leaderGetOf(ctx context.Context, nc *nats.Conn, stream string, req msgRequest) (message, error) {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.ReadTimeout)
	defer cancel()
	body, err := json.Marshal(req)
	if err != nil {
		return message{}, err
	}
	msg, err := nc.RequestWithContext(ctx, "$JS.API.STREAM.MSG.GET."+stream, body)
	if err != nil {
		return message{}, fmt.Errorf("read %+v: %w", req, err)
	}
	var resp struct {
		Error   *jetstream.APIError `json:"error"`
		Message *struct {
			Subject string `json:"subject"`
			Seq     uint64 `json:"seq"`
			Data    []byte `json:"data"`
		} `json:"message"`
	}
	if err := json.Unmarshal(msg.Data, &resp); err != nil {
		return message{}, fmt.Errorf("read %+v: %w", req, err)
	}
	switch {
	case resp.Error != nil && resp.Error.ErrorCode == codeNoMessage:
		return message{}, errNoMessage
	case resp.Error != nil:
		return message{}, fmt.Errorf("read %+v: %w", req, resp.Error)
	case resp.Message == nil:
		return message{}, fmt.Errorf("read %+v: empty answer", req)
	}
	m := message{resp.Message.Subject, resp.Message.Seq, resp.Message.Data}
	return m, nil
}

// leaderSubject reads a subject from a sequence on, one message after the other.
func (s *Store) leaderSubject(ctx context.Context, subject string, from uint64) ([]message, error) {
	var out []message
	err := s.withSession(ctx, func(sess *session) error {
		out = nil
		for seq := max(from, 1); ; {
			m, err := s.leaderGet(ctx, sess.read, msgRequest{Seq: seq, NextBy: subject})
			if errors.Is(err, errNoMessage) {
				return nil
			}
			if err != nil {
				return err
			}
			out = append(out, m)
			seq = m.Seq + 1
		}
	})
	return out, err
}

// Limits of one request for a batch; the answers wait in memory.
const (
	batchMessages = 1000
	batchBytes    = 4 << 20
)

// direct fetches up to n messages from a sequence on, of one subject or, with "",
// of all, from any replica. more is false when the answer reached the end of what
// that replica has. No messages and no error means there are none.
func (s *Store) direct(ctx context.Context, sess *session, subject string, from uint64, n int) (out []message, more bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.ReadTimeout)
	defer cancel()
	opts := []jetstreamext.GetBatchOpt{jetstreamext.GetBatchSeq(from), jetstreamext.GetBatchMaxBytes(batchBytes)}
	if subject != "" {
		opts = append(opts, jetstreamext.GetBatchSubject(subject))
	}
	msgs, err := jetstreamext.GetBatch(ctx, sess.readJS, streamName, n, opts...)
	if err != nil {
		return nil, false, fmt.Errorf("read from %d: %w", from, err)
	}
	pending := ""
	for m, err := range msgs {
		if errors.Is(err, jetstreamext.ErrNoMessages) {
			return nil, false, nil
		}
		if err != nil {
			return nil, false, fmt.Errorf("read from %d: %w", from, err)
		}
		out = append(out, message{m.Subject, m.Sequence, m.Data})
		pending = m.Header.Get("Nats-Num-Pending")
	}
	if len(out) == 0 { // the library ends the loop in silence on a timeout
		return nil, false, fmt.Errorf("read from %d: %w", from, nats.ErrTimeout)
	}
	return out, pending != "0", nil
}

// readHead returns where an aggregate's chain ends according to the leader; zero
// if it does not exist.
func (s *Store) readHead(ctx context.Context, ref domain.Ref, subject string) (Head, error) {
	var m message
	err := s.withSession(ctx, func(sess *session) error {
		var err error
		m, err = s.leaderGet(ctx, sess.write, msgRequest{LastBy: subject})
		return err
	})
	if errors.Is(err, errNoMessage) {
		if s.cfg.URL == "" { // nobody but the committer, who asks, makes it
			s.heads.put(ref, Head{})
		}
		return Head{}, nil
	}
	if err != nil {
		return Head{}, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	rec, odd := s.decode(m)
	if odd == nil {
		h := rec.end()
		s.heads.put(ref, h)
		return h, nil
	}
	// The last event can't be read: its version is its place in the chain.
	agg, err := s.Load(ctx, ref)
	if err != nil {
		return Head{}, err
	}
	return agg.Head, nil
}

// link checks that a record continues the chain that ends in head, and returns
// the chain's new end. decoded is what decode said about the record. An event
// that is odd but accepted keeps its place: it counts as the next version, and
// the next event names its bytes.
func (s *Store) link(ctx context.Context, head Head, r *Record, decoded error) (Head, error) {
	next := Head{Seq: r.Seq, Version: head.Version + 1, Hash: r.Hash()}
	err := decoded
	if err == nil && (r.Version != next.Version || r.Previous != head.Hash) {
		err = &EventError{Sequence: r.Seq, Err: fmt.Errorf(
			"%s 的链条断裂：版本 %d，上一事件 %q，应为 %d 和 %q / the chain of %s is broken: version %d, previous %q instead of %d, %q",
			r.Subject, r.Version, r.Previous, next.Version, head.Hash, r.Subject, r.Version, r.Previous, next.Version, head.Hash)}
	}
	if err == nil {
		return next, nil
	}
	if !s.isAccepted(ctx, r.Seq, r.Raw) {
		return head, s.stop(err)
	}
	r.Undecodable, r.Version = err, next.Version
	return next, nil
}

// visible returns the last sequence readers may see; external, there is none.
func (s *Store) visible() uint64 {
	if s.cfg.URL != "" {
		return ^uint64(0)
	}
	return s.Acked()
}

// pause waits a moment before a reader asks again.
func (s *Store) pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-s.ctx.Done():
		return ErrClosed
	}
}

// headBefore returns where an aggregate's chain ended before the event at seq.
func (s *Store) headBefore(ctx context.Context, subject string, seq uint64) (Head, error) {
	if seq <= 1 {
		return Head{}, nil
	}
	var m message
	err := s.withSession(ctx, func(sess *session) error {
		ctx, cancel := context.WithTimeout(ctx, s.cfg.ReadTimeout)
		defer cancel()
		msgs, err := jetstreamext.GetLastMsgsFor(ctx, sess.readJS, streamName, []string{subject}, jetstreamext.GetLastMsgsUpToSeq(seq-1))
		if err != nil {
			return err
		}
		err = nats.ErrTimeout // the library ends the loop in silence on a timeout
		for raw, rerr := range msgs {
			if err = rerr; err == nil {
				m = message{raw.Subject, raw.Sequence, raw.Data}
			}
		}
		return err
	})
	if errors.Is(err, jetstreamext.ErrNoMessages) {
		return Head{}, nil
	}
	if err != nil {
		return Head{}, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if rec, odd := s.decode(m); odd == nil {
		return rec.end(), nil
	}
	return s.walkTo(ctx, subject, seq)
}

// walkTo finds the chain's end before seq by walking it from its beginning, as
// the leader has it: slow, and right where one event alone does not tell.
func (s *Store) walkTo(ctx context.Context, subject string, seq uint64) (Head, error) {
	msgs, err := s.leaderSubject(ctx, subject, 1)
	if err != nil {
		return Head{}, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	var head Head
	for _, m := range msgs {
		if m.Seq >= seq {
			break
		}
		r, odd := s.decode(m)
		if head, err = s.link(ctx, head, &r, odd); err != nil {
			return Head{}, err
		}
	}
	return head, nil
}
