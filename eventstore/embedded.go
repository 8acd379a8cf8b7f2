package eventstore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// serverStart bounds how long the embedded server may take to come up; a ledger
// of a million events takes about a second.
const serverStart = 2 * time.Minute

// syncing says when the embedded server syncs what it writes.
type syncing bool

const (
	syncEvery syncing = true  // every write, before it is acknowledged
	syncLater syncing = false // not for now: who started it syncs the files in the end
)

// startServer starts the embedded server: in process, without a port.
func startServer(dir string, sync syncing, logger *slog.Logger) (*server.Server, error) {
	srv, err := server.NewServer(&server.Options{
		ServerName: "duban",
		DontListen: true,
		NoSigs:     true,
		NoLog:      true,
		JetStream:  true,
		StoreDir:   filepath.Join(dir, "nats"),
		SyncAlways: bool(sync),
		// No limits of our own: a ledger never drops anything. Left at zero the
		// server would take a share of the disk that is free today for the limit;
		// a full disk has to show as the write error it is.
		JetStreamMaxMemory: 1 << 40,
		JetStreamMaxStore:  1 << 60,
	})
	if err != nil {
		return nil, fmt.Errorf("configure the embedded server: %w", err)
	}
	srv.SetLoggerV2(serverLog{logger}, false, false, false)
	srv.Start()
	if !srv.ReadyForConnections(serverStart) || !srv.JetStreamEnabled() {
		stopServer(srv)
		return nil, fmt.Errorf("%w: 内嵌服务器未能启动，请查看日志和磁盘 / the embedded server did not start: look at the log and the disk", ErrUnavailable)
	}
	return srv, nil
}

// The server keeps what it believes to stand in a stream in index.db, and on
// start believes it more than the events' own files: sequences of writes that
// never reached the disk then count as deleted, a gap in the ledger although
// nothing acknowledged is missing. So the index is only used after an orderly end
// of a healthy store, which leaves a mark; otherwise the server has to read the
// events themselves, as it does after a crash anyway.
const endedWell = "ended-well"

// streamFolder is where the embedded server keeps a stream.
func streamFolder(dir, stream string) string {
	return filepath.Join(dir, "nats/jetstream/$G/streams", stream)
}

// dropIndex makes the next start read the events and the signed heads.
func dropIndex(dir string) error {
	for _, stream := range []string{streamName, headsName} {
		err := os.Remove(filepath.Join(streamFolder(dir, stream), "msgs/index.db"))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("drop the server's index: %w", err)
		}
	}
	return nil
}

// takeMark removes the mark of an orderly end and drops the index if there was
// none.
func takeMark(dir string) error {
	err := os.Remove(filepath.Join(dir, endedWell))
	if errors.Is(err, fs.ErrNotExist) {
		return dropIndex(dir)
	}
	if err != nil {
		return fmt.Errorf("remove the mark of an orderly end: %w", err)
	}
	return syncDir(dir)
}

func leaveMark(dir string) error {
	if err := os.WriteFile(filepath.Join(dir, endedWell), nil, 0o600); err != nil {
		return fmt.Errorf("leave the mark of an orderly end: %w", err)
	}
	return nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

func stopServer(srv *server.Server) {
	srv.Shutdown()
	srv.WaitForShutdown()
}

// ProbeDisk tries what a store needs of the disk: a folder, and a file in it that is
// written, synced and renamed. So a disk that is bad is noticed without restarting
// the server, which would interrupt readers, and is told from a damaged file.
func ProbeDisk(dir string) error {
	probe, err := os.MkdirTemp(dir, "probe-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(probe)
	path := filepath.Join(probe, "file")
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.WriteAt(make([]byte, 64<<10), 0); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	return os.Rename(path, path+"-renamed")
}

// serverLog hands the server's messages to slog. What the server calls fatal
// stops the server, not this program.
type serverLog struct{ log *slog.Logger }

func (l serverLog) write(level slog.Level, format string, v []any) {
	if l.log.Enabled(context.Background(), level) {
		l.log.Log(context.Background(), level, "NATS server", "says", fmt.Sprintf(format, v...))
	}
}

func (l serverLog) Noticef(format string, v ...any) { l.write(slog.LevelDebug, format, v) }
func (l serverLog) Debugf(format string, v ...any)  { l.write(slog.LevelDebug, format, v) }
func (l serverLog) Tracef(format string, v ...any)  { l.write(slog.LevelDebug, format, v) }
func (l serverLog) Warnf(format string, v ...any)   { l.write(slog.LevelWarn, format, v) }
func (l serverLog) Errorf(format string, v ...any)  { l.write(slog.LevelError, format, v) }
func (l serverLog) Fatalf(format string, v ...any)  { l.write(slog.LevelError, format, v) }
