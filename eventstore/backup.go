package eventstore

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"duban/domain"
)

// A backup is made of the server's own snapshots of the two streams, of the
// credentials, and of the evidence by its digests. HEADS is taken first and LEDGER
// next: then no head in the backup is over an event that is not in it. Evidence
// comes last: what an event names was stored before the event.
//
// A snapshot of the server's is cut at the sequence at which it was asked for and
// written while appends go on. The cut may fall within a transaction; whoever reads
// the copy finds it void, as after a crash. The server can't take the part of a
// stream that is new since an earlier snapshot: each is whole. Evidence is
// addressed by content, so that only new files need copying.

// A Kept is one of the streams a backup is made of.
type Kept int

// The streams.
const (
	KeptLedger Kept = iota + 1
	KeptHeads
)

func (k Kept) String() string {
	switch k {
	case KeptLedger:
		return streamName
	case KeptHeads:
		return headsName
	}
	return fmt.Sprintf("Kept(%d)", int(k))
}

func (k Kept) config(org string) jetstream.StreamConfig {
	if k == KeptHeads {
		return headsConfig(org, 1)
	}
	return streamConfig(org, 1)
}

// ErrSnapshot says that the server broke off a snapshot or a restore.
var ErrSnapshot = errors.New("NATS 服务器未能完成流的快照，请查看日志和磁盘后重试 / the NATS server did not finish the snapshot: look at the log and the disk, then try again")

const (
	// snapshotChunk and snapshotWindow bound what is on its way, in bytes.
	snapshotChunk  = 128 << 10
	snapshotWindow = 2 << 20
	// snapshotPause is how long the server may take for the next chunk.
	snapshotPause = 30 * time.Second
)

// Snapshot writes the server's snapshot of a stream to w and returns the last
// sequence in it. w has to keep up: after five seconds without taking anything the
// server gives up.
func (s *Store) Snapshot(ctx context.Context, k Kept, w io.Writer) (last uint64, err error) {
	sess, err := s.session(ctx)
	if err != nil {
		return 0, err
	}
	nc, _, err := connect(s.cfg, s.options(sess))
	if err != nil {
		return 0, err
	}
	defer nc.Close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(sess.ended, cancel)() // no chunk will come any more
	last, err = takeSnapshot(ctx, nc, k, w)
	if err != nil {
		return 0, fmt.Errorf("snapshot of %s: %w", k, err)
	}
	return last, nil
}

func takeSnapshot(ctx context.Context, nc *nats.Conn, k Kept, w io.Writer) (uint64, error) {
	inbox := nats.NewInbox()
	chunks, err := nc.SubscribeSync(inbox)
	if err != nil {
		return 0, err
	}
	var began struct {
		State struct {
			LastSeq uint64 `json:"last_seq"`
		} `json:"state"`
		Error *jetstream.APIError `json:"error"`
	}
	err = ask(ctx, nc, "$JS.API.STREAM.SNAPSHOT."+k.String(), map[string]any{
		"deliver_subject": inbox, "no_consumers": true, "chunk_size": snapshotChunk, "window_size": snapshotWindow, "jsck": true,
	}, &began)
	switch {
	case err != nil:
		return 0, err
	case began.Error != nil:
		return 0, fmt.Errorf("%w: %w", ErrSnapshot, began.Error)
	}
	for {
		m, err := nextChunk(ctx, chunks)
		if err != nil {
			return 0, err
		}
		if len(m.Data) == 0 {
			if status := m.Header.Get("Status"); status != "" && status != "204" {
				return 0, fmt.Errorf("%w: %s %s", ErrSnapshot, status, m.Header.Get("Description"))
			}
			return began.State.LastSeq, nil
		}
		if _, err := w.Write(m.Data); err != nil {
			return 0, err
		}
		if m.Reply != "" { // the server waits for it before it sends much more
			if err := m.Respond(nil); err != nil {
				return 0, fmt.Errorf("%w: %w", ErrUnavailable, err)
			}
		}
	}
}

func nextChunk(ctx context.Context, chunks *nats.Subscription) (*nats.Msg, error) {
	within, cancel := context.WithTimeout(ctx, snapshotPause)
	defer cancel()
	m, err := chunks.NextMsgWithContext(within)
	if err != nil && ctx.Err() == nil {
		return nil, fmt.Errorf("%w: %w", ErrSnapshot, err)
	}
	return m, err
}

// ask sends a request of the JetStream API and reads the answer into v.
func ask(ctx context.Context, nc *nats.Conn, subject string, question, v any) error {
	b, err := json.Marshal(question)
	if err != nil {
		return fmt.Errorf("encode the request: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, snapshotPause)
	defer cancel()
	m, err := nc.RequestWithContext(ctx, subject, b)
	if err != nil {
		return fmt.Errorf("%w: %s: %w", ErrUnavailable, subject, err)
	}
	if err := json.Unmarshal(m.Data, v); err != nil {
		return fmt.Errorf("read the answer to %s: %w", subject, err)
	}
	return nil
}

// EvidenceList returns every piece of evidence there is, and the digests of those that
// were withdrawn, in the order of the digests.
func (s *Store) EvidenceList(ctx context.Context) (stored []domain.Evidence, withdrawn []string, err error) {
	list, err := s.listEvidence(ctx)
	if err != nil {
		return nil, nil, err
	}
	for _, info := range list {
		if info.Deleted {
			withdrawn = append(withdrawn, info.Name)
			continue
		}
		stored = append(stored, domain.Evidence{SHA256: info.Name, Size: int64(info.Size), MediaType: info.Metadata[mediaTypeKey]})
	}
	return stored, withdrawn, nil
}

// listEvidence returns what the object store knows, in the order of the digests.
func (s *Store) listEvidence(ctx context.Context) ([]*jetstream.ObjectInfo, error) {
	var list []*jetstream.ObjectInfo
	err := s.withObjects(ctx, func(objects jetstream.ObjectStore) error {
		var err error
		list, err = objects.List(ctx, jetstream.ListObjectsShowDeleted())
		if errors.Is(err, jetstream.ErrNoObjectsFound) {
			return nil
		}
		return err
	})
	slices.SortFunc(list, func(a, b *jetstream.ObjectInfo) int { return cmp.Compare(a.Name, b.Name) })
	return list, err
}
