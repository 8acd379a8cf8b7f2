package eventstore

import (
	"context"
	"fmt"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// A session is everything that dies with one run of the server. Reopening the
// embedded server replaces it whole; with an external server there is one for
// the life of the store, and nats.go reconnects behind it.
//
// Reads, writes, evidence and signed heads have a connection each: the server answers a batch
// of reads within the connection's read loop, and a write behind it would wait.
type session struct {
	srv         *server.Server // nil: external
	read, write *nats.Conn
	bulk        *nats.Conn // evidence and credentials
	heads       *nats.Conn // signed heads, which are neither to wait for evidence nor to hold up events
	readJS      jetstream.JetStream
	writeJS     jetstream.JetStream
	bulkJS      jetstream.JetStream
	headsJS     jetstream.JetStream

	ended context.Context // done when the session is being replaced
	end   context.CancelFunc
}

func (s *Store) openSession() (*session, error) {
	cfg := s.cfg
	sess := &session{}
	sess.ended, sess.end = context.WithCancel(context.Background())
	if cfg.URL == "" {
		srv, err := startServer(cfg.Dir, syncEvery, cfg.Logger)
		if err != nil {
			return nil, err
		}
		sess.srv = srv
	}
	opts := s.options(sess)
	for _, c := range []struct {
		nc **nats.Conn
		js *jetstream.JetStream
	}{{&sess.read, &sess.readJS}, {&sess.write, &sess.writeJS}, {&sess.bulk, &sess.bulkJS}, {&sess.heads, &sess.headsJS}} {
		var err error
		if *c.nc, *c.js, err = connect(cfg, opts); err != nil {
			sess.close()
			return nil, err
		}
	}
	if err := s.advisories(sess.read); err != nil {
		sess.close()
		return nil, err
	}
	return sess, nil
}

// options are those of a connection to the session's server.
func (s *Store) options(sess *session) []nats.Option {
	name := nats.Name("duban " + s.cfg.Software)
	if sess.srv != nil {
		return []nats.Option{name, nats.InProcessServer(sess.srv), nats.NoReconnect()}
	}
	// Nothing is buffered while disconnected: an append either reaches the
	// server or fails, it never turns up later by itself.
	return []nats.Option{name, nats.MaxReconnects(-1), nats.ReconnectBufSize(-1)}
}

func connect(cfg Config, opts []nats.Option) (*nats.Conn, jetstream.JetStream, error) {
	nc, err := nats.Connect(cfg.URL, opts...)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: 连接 NATS / connect to NATS %s: %w", ErrUnavailable, cfg.URL, err)
	}
	if older(nc.ConnectedServerVersion(), minServerVersion) {
		defer nc.Close()
		return nil, nil, fmt.Errorf("%w (%s)", ErrVersion, nc.ConnectedServerVersion())
	}
	js, err := jetstream.New(nc, jetstream.WithDefaultTimeout(cfg.ReadTimeout))
	if err != nil {
		nc.Close()
		return nil, nil, fmt.Errorf("open JetStream: %w", err)
	}
	return nc, js, nil
}

// older compares versions MAJOR.MINOR.PATCH; what can't be read is older. A
// pre-release counts as the version it leads to.
func older(v, than string) bool {
	var a, b [3]int
	if n, _ := fmt.Sscanf(v, "%d.%d.%d", &a[0], &a[1], &a[2]); n < 3 {
		return true
	}
	if _, err := fmt.Sscanf(than, "%d.%d.%d", &b[0], &b[1], &b[2]); err != nil {
		return true
	}
	for i := range a {
		if a[i] != b[i] {
			return a[i] < b[i]
		}
	}
	return false
}

// close ends the session. It is safe on one that was only half opened.
func (sess *session) close() {
	sess.end()
	for _, nc := range []*nats.Conn{sess.read, sess.write, sess.bulk, sess.heads} {
		if nc != nil {
			nc.Close()
		}
	}
	if sess.srv != nil {
		stopServer(sess.srv)
	}
}

func (sess *session) replaced() bool { return sess.ended.Err() != nil }

// session returns the current session, waiting while it is being replaced.
func (s *Store) session(ctx context.Context) (*session, error) {
	for {
		s.mu.Lock()
		sess, changed := s.sess, s.changed
		s.mu.Unlock()
		if sess != nil {
			return sess, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, fmt.Errorf("%w: %w", ErrUnavailable, ctx.Err())
		case <-s.ctx.Done():
			return nil, ErrClosed
		}
	}
}

// withSession runs a read. If the session is replaced under it, the read runs
// again on the next one.
func (s *Store) withSession(ctx context.Context, read func(*session) error) error {
	for {
		sess, err := s.session(ctx)
		if err != nil {
			return err
		}
		err = read(sess)
		if err == nil || !sess.replaced() || ctx.Err() != nil {
			return err
		}
	}
}

// Conn returns the connection reads use: for doctor and for tests that look at
// the stream, or break it, behind the store's back. Embedded, it is replaced when
// the server is reopened. Nothing else may write through it.
func (s *Store) Conn() *nats.Conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sess == nil {
		return nil
	}
	return s.sess.read
}
