package eventstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// A Restoration says what of a backup goes where.
type Restoration struct {
	Org    string
	Dir    string // of the embedded server; there is no ledger in it yet
	Ledger io.Reader
	Heads  io.Reader
	Last   uint64 // sequence at which the snapshot of the ledger ends

	Logger *slog.Logger // nil: nothing is logged
}

// ErrNotEmpty says that there is a ledger where one is to be restored.
var ErrNotEmpty = errors.New("目录里已有账本，只能恢复到空目录 / there is a ledger in the folder already: a backup is restored into an empty one")

// ErrIncomplete says that a snapshot holds something else than the backup says.
var ErrIncomplete = errors.New("快照里的事件与备份所记的不符 / the snapshot does not hold the events the backup says it does")

// Restore puts the streams of a backup back, with the settings this software gives
// them and not those of the backup, and returns when all is on disk. It judges
// nothing: whoever restores opens the ledger and compares it with what was signed
// before anything is served. Credentials and evidence are put into the opened
// ledger.
func Restore(ctx context.Context, r Restoration) (err error) {
	if r.Logger == nil {
		r.Logger = slog.New(slog.DiscardHandler)
	}
	if _, err := os.Stat(filepath.Join(r.Dir, "nats")); !errors.Is(err, fs.ErrNotExist) {
		return errors.Join(ErrNotEmpty, err)
	}
	lock, err := LockDir(r.Dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	if err := restoreStreams(ctx, r); err != nil {
		return err
	}
	return SyncTree(r.Dir)
}

// restoreStreams runs the server for as long as it takes. It syncs nothing by itself,
// or a million events would take minutes.
func restoreStreams(ctx context.Context, r Restoration) error {
	srv, err := startServer(r.Dir, syncLater, r.Logger)
	if err != nil {
		return err
	}
	defer stopServer(srv)
	nc, err := nats.Connect("", nats.InProcessServer(srv), nats.NoReconnect())
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	defer nc.Close()
	if _, err := restoreStream(ctx, nc, r.Org, KeptHeads, r.Heads); err != nil {
		return fmt.Errorf("restore %s: %w", KeptHeads, err)
	}
	state, err := restoreStream(ctx, nc, r.Org, KeptLedger, r.Ledger)
	if err != nil {
		return fmt.Errorf("restore %s: %w", KeptLedger, err)
	}
	if state.LastSeq != r.Last || state.Messages != r.Last || state.FirstSeq > 1 {
		return fmt.Errorf("%w：应为 1 至 %d，实为 %d 至 %d 的 %d 个 / 1 to %d expected, %d events from %d to %d found", ErrIncomplete,
			r.Last, state.FirstSeq, state.LastSeq, state.Messages, r.Last, state.Messages, state.FirstSeq, state.LastSeq)
	}
	return nil
}

type streamState struct {
	Messages uint64 `json:"messages"`
	FirstSeq uint64 `json:"first_seq"`
	LastSeq  uint64 `json:"last_seq"`
}

// restoreStream hands a snapshot to the server, one chunk after the other.
func restoreStream(ctx context.Context, nc *nats.Conn, org string, k Kept, snapshot io.Reader) (streamState, error) {
	var began struct {
		Deliver string              `json:"deliver_subject"`
		Error   *jetstream.APIError `json:"error"`
	}
	err := ask(ctx, nc, "$JS.API.STREAM.RESTORE."+k.String(), map[string]any{"config": k.config(org), "state": streamState{}}, &began)
	if err == nil && began.Error != nil {
		err = fmt.Errorf("%w: %w", ErrSnapshot, began.Error)
	}
	if err != nil {
		return streamState{}, err
	}
	chunk := make([]byte, snapshotChunk)
	for {
		n, err := io.ReadFull(snapshot, chunk)
		if n > 0 {
			if _, err := handOver(ctx, nc, began.Deliver, chunk[:n]); err != nil {
				return streamState{}, err
			}
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return handOver(ctx, nc, began.Deliver, nil)
		}
		if err != nil {
			return streamState{}, fmt.Errorf("read the snapshot: %w", err)
		}
	}
}

// handOver sends one chunk, none at the end; the answer to that describes the stream.
func handOver(ctx context.Context, nc *nats.Conn, subject string, chunk []byte) (streamState, error) {
	ctx, cancel := context.WithTimeout(ctx, serverStart)
	defer cancel()
	m, err := nc.RequestWithContext(ctx, subject, chunk)
	if err != nil {
		return streamState{}, fmt.Errorf("%w: %w", ErrSnapshot, err)
	}
	var answer struct {
		State streamState         `json:"state"`
		Error *jetstream.APIError `json:"error"`
	}
	if len(m.Data) > 0 {
		if err := json.Unmarshal(m.Data, &answer); err != nil {
			return streamState{}, fmt.Errorf("read the server's answer: %w", err)
		}
	}
	if answer.Error != nil {
		return streamState{}, fmt.Errorf("%w: %w", ErrSnapshot, answer.Error)
	}
	return answer.State, nil
}

// MarkWithdrawn notes in a restored ledger that the bytes under a digest were
// withdrawn, without ever having had them.
func (s *Store) MarkWithdrawn(ctx context.Context, sum string) error {
	return s.withObjects(ctx, func(objects jetstream.ObjectStore) error {
		switch _, err := evidenceInfo(ctx, objects, sum); {
		case err == nil:
			return fmt.Errorf("mark evidence as withdrawn: %s is stored", sum)
		case errors.Is(err, ErrEvidenceWithdrawn):
			return nil
		case !errors.Is(err, ErrNoEvidence):
			return err
		}
		if _, err := objects.PutBytes(ctx, sum, nil); err != nil {
			return fmt.Errorf("%w: mark evidence as withdrawn: %w", ErrUnavailable, err)
		}
		if err := objects.Delete(ctx, sum); err != nil {
			return fmt.Errorf("%w: mark evidence as withdrawn: %w", ErrUnavailable, err)
		}
		return nil
	})
}

// SyncTree syncs a folder with everything in it.
func SyncTree(dir string) (err error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("sync %s: %w", dir, err)
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	return fs.WalkDir(root.FS(), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return fmt.Errorf("sync %s: %w", dir, err)
		}
		if !d.IsDir() && !d.Type().IsRegular() {
			return nil
		}
		f, err := root.Open(path)
		if err != nil {
			return fmt.Errorf("sync %s: %w", dir, err)
		}
		if err := errors.Join(f.Sync(), f.Close()); err != nil {
			return fmt.Errorf("sync %s in %s: %w", path, dir, err)
		}
		return nil
	})
}
