package projections

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/ext/fts5"
)

// A conn is one connection to a database file with its prepared statements. It
// belongs to one goroutine at a time.
type conn struct {
	*sqlite3.Conn
	stmts map[string]*sqlite3.Stmt
}

// maxStatements bounds the prepared statements of one connection; list queries
// are composed and come in many forms.
const maxStatements = 200

// openConn opens a database file. Page caches are in KiB.
func openConn(path string, flags sqlite3.OpenFlag, cacheKiB int, pragmas ...string) (*conn, error) {
	return openWith(path, flags, url.Values{}, cacheKiB, pragmas...)
}

// openStill opens a database file for reading past all locks, as long as nobody
// changes the pages that are read.
func openStill(path string, cacheKiB int) (*conn, error) {
	return openWith(path, sqlite3.OPEN_READONLY, url.Values{"immutable": {"1"}}, cacheKiB)
}

func openWith(path string, flags sqlite3.OpenFlag, q url.Values, cacheKiB int, pragmas ...string) (*conn, error) {
	q.Add("_pragma", "busy_timeout(10000)")
	for _, p := range pragmas {
		q.Add("_pragma", p)
	}
	q.Add("_pragma", fmt.Sprintf("cache_size(-%d)", cacheKiB))
	q.Add("_pragma", "temp_store(memory)")
	u := url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: q.Encode()}
	c, err := sqlite3.OpenFlags(u.String(), flags|sqlite3.OPEN_URI)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	if err := fts5.Register(c); err != nil {
		c.Close()
		return nil, fmt.Errorf("open %s: register full-text search: %w", path, err)
	}
	if err := c.BusyTimeout(10 * time.Second); err != nil {
		c.Close()
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	return &conn{Conn: c, stmts: map[string]*sqlite3.Stmt{}}, nil
}

func (c *conn) close() error {
	for _, s := range c.stmts {
		s.Close()
	}
	c.stmts = nil
	return c.Conn.Close()
}

// prepare returns the statement for sql, with its parameters bound.
func (c *conn) prepare(sql string, args ...any) (*sqlite3.Stmt, error) {
	s, ok := c.stmts[sql]
	if !ok {
		var err error
		if s, _, err = c.PrepareFlags(sql, sqlite3.PREPARE_PERSISTENT); err != nil {
			return nil, fmt.Errorf("prepare %q: %w", sql, err)
		}
		if len(c.stmts) >= maxStatements {
			for k, old := range c.stmts {
				old.Close()
				delete(c.stmts, k)
				break
			}
		}
		c.stmts[sql] = s
	}
	for i, a := range args {
		if err := bind(s, i+1, a); err != nil {
			return nil, fmt.Errorf("bind parameter %d of %q: %w", i+1, sql, err)
		}
	}
	return s, nil
}

func bind(s *sqlite3.Stmt, i int, a any) error {
	switch v := a.(type) {
	case int64:
		return s.BindInt64(i, v)
	case int:
		return s.BindInt64(i, int64(v))
	case uint64:
		return s.BindInt64(i, int64(v))
	case string:
		return s.BindText(i, v)
	case []byte:
		if v == nil {
			v = []byte{}
		}
		return s.BindBlob(i, v)
	case bool:
		return s.BindBool(i, v)
	default:
		return fmt.Errorf("no column holds a %T", a)
	}
}

// run executes a statement that gives no rows.
func (c *conn) run(sql string, args ...any) error {
	s, err := c.prepare(sql, args...)
	if err != nil {
		return err
	}
	if err := s.Exec(); err != nil {
		return fmt.Errorf("run %q: %w", sql, err)
	}
	return nil
}

// each calls row for every row a query gives. row must not use the same query.
func (c *conn) each(sql string, args []any, row func(*sqlite3.Stmt) error) error {
	s, err := c.prepare(sql, args...)
	if err != nil {
		return err
	}
	defer s.Reset()
	for s.Step() {
		if err := row(s); err != nil {
			return err
		}
	}
	if err := s.Err(); err != nil {
		return fmt.Errorf("query %q: %w", sql, err)
	}
	return nil
}

// one calls row for the first row and reports whether there was one.
func (c *conn) one(sql string, args []any, row func(*sqlite3.Stmt)) (bool, error) {
	s, err := c.prepare(sql, args...)
	if err != nil {
		return false, err
	}
	defer s.Reset()
	found := s.Step()
	if found {
		row(s)
	}
	if err := s.Err(); err != nil {
		return false, fmt.Errorf("query %q: %w", sql, err)
	}
	return found, nil
}

// number returns the first column of the first row, 0 if there is none.
func (c *conn) number(sql string, args ...any) (n int64, err error) {
	_, err = c.one(sql, args, func(s *sqlite3.Stmt) { n = s.ColumnInt64(0) })
	return n, err
}

// texts returns the first column of all rows.
func (c *conn) texts(sql string, args ...any) (out []string, err error) {
	err = c.each(sql, args, func(s *sqlite3.Stmt) error {
		out = append(out, s.ColumnText(0))
		return nil
	})
	return out, err
}

// transaction runs f between BEGIN and COMMIT; an error rolls back.
func (c *conn) transaction(begin string, f func() error) error {
	if err := c.Exec(begin); err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	err := f()
	if err == nil {
		err = c.Exec("COMMIT")
	}
	if err != nil {
		c.rollback()
	}
	return err
}

func (c *conn) rollback() {
	if c.GetAutocommit() {
		return
	}
	old := c.SetInterrupt(context.Background())
	defer c.SetInterrupt(old)
	// A failed rollback leaves the transaction open; the next BEGIN says so.
	_ = c.Exec("ROLLBACK")
}

// A pool is a fixed set of connections for reading. All of them are opened at the
// start and stay open: were the file deleted or replaced under us, a connection
// opened later would see another file than its neighbours.
type pool struct {
	all  []*conn
	free chan *conn
}

func openPool(path string, n, cacheKiB int) (*pool, error) {
	p := &pool{free: make(chan *conn, n)}
	for range n {
		c, err := openConn(path, sqlite3.OPEN_READONLY, cacheKiB)
		if err != nil {
			return nil, errors.Join(err, p.close())
		}
		p.all = append(p.all, c)
		// The first read maps the shared memory of the log.
		if _, err := c.number("SELECT position FROM meta"); err != nil {
			return nil, errors.Join(fmt.Errorf("open %s: %w", path, err), p.close())
		}
		p.free <- c
	}
	return p, nil
}

// read runs f on a connection within one read transaction: everything f sees
// belongs to one position.
func (p *pool) read(ctx context.Context, f func(*conn) error) error {
	var c *conn
	select {
	case c = <-p.free:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { p.free <- c }()
	c.SetInterrupt(ctx)
	defer c.SetInterrupt(context.Background())
	err := c.transaction("BEGIN", func() error { return f(c) })
	if err != nil && ctx.Err() != nil && errors.Is(err, sqlite3.INTERRUPT) {
		return ctx.Err()
	}
	return err
}

func (p *pool) close() error {
	var errs []error
	for _, c := range p.all {
		errs = append(errs, c.close())
	}
	return errors.Join(errs...)
}

// damaged reports whether an error says that the database file can't be trusted
// or can't be reached any more: it is rebuilt then, nothing in it is precious.
func damaged(err error) bool {
	for _, code := range []sqlite3.ErrorCode{
		sqlite3.CORRUPT, sqlite3.NOTADB, sqlite3.IOERR, sqlite3.CANTOPEN, sqlite3.READONLY, sqlite3.FULL, sqlite3.PROTOCOL,
	} {
		if errors.Is(err, code) {
			return true
		}
	}
	return false
}

// apart returns an error of another database than the one being read, so that it is
// not taken for damage of this one.
func apart(err error) error {
	if !damaged(err) {
		return err
	}
	return errors.New(err.Error())
}
