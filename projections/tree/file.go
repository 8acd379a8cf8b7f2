package tree

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"

	"github.com/ncruces/go-sqlite3"
	_ "github.com/ncruces/go-sqlite3/driver" // registers "sqlite3" with database/sql
	"golang.org/x/mod/sumdb/tlog"
)

// What the file says it is. Another version is another layout: it is built again.
const (
	applicationID = 0x44554254 // DUBT
	schemaVersion = 1
)

const headTable = "CREATE TABLE head(id INTEGER PRIMARY KEY CHECK(id=1), size INTEGER NOT NULL, root BLOB NOT NULL);"

// The table of tiles in force and the one a rebuild fills.
const (
	tiles    = "tile"
	newTiles = "tile_new"
)

func tileTable(name string) string {
	return "CREATE TABLE " + name + "(level INTEGER NOT NULL, n INTEGER NOT NULL, data BLOB NOT NULL, PRIMARY KEY(level, n));"
}

// connections to the file: one writes, the others read. All of them are opened with the
// file, for one opened after it was replaced would see another file than its neighbours.
const connections = 4

// A file is the tree's database.
type file struct {
	path string
	db   *sql.DB
	read *sql.Stmt
	info fs.FileInfo // as opened, to notice that it was deleted or replaced
}

// openFile opens the file, or makes a new one where there is none that can be used,
// and returns the edge it holds. why is what was wrong with the one that was removed.
func openFile(ctx context.Context, path string) (f *file, e *edge, why, err error) {
	if _, err := os.Stat(path); err == nil {
		f, e, why = useFile(ctx, path)
		if why == nil {
			return f, e, nil, nil
		}
		if ctx.Err() != nil {
			return nil, nil, nil, ctx.Err()
		}
	}
	if err := removeFiles(path); err != nil {
		return nil, nil, why, err
	}
	f, err = connect(ctx, path)
	if err != nil {
		return nil, nil, why, err
	}
	e = &edge{}
	root, err := e.head()
	if err == nil {
		err = f.write(ctx, func(tx *sql.Tx) error {
			if _, err := tx.ExecContext(ctx, fmt.Sprintf("PRAGMA application_id=%d; PRAGMA user_version=%d;", applicationID, schemaVersion)+headTable+tileTable(tiles)); err != nil {
				return err
			}
			_, err := tx.ExecContext(ctx, "INSERT INTO head(id, size, root) VALUES(1, 0, ?)", root.Hash[:])
			return err
		})
	}
	if err == nil {
		err = f.prepare(ctx)
	}
	if err != nil {
		return nil, nil, why, errors.Join(fmt.Errorf("make %s: %w", path, err), f.close())
	}
	return f, e, why, nil
}

// useFile opens a file that is there and loads its edge. An error says why it can't
// be used.
func useFile(ctx context.Context, path string) (*file, *edge, error) {
	f, err := connect(ctx, path)
	if err != nil {
		return nil, nil, err
	}
	e, err := f.load(ctx)
	if err != nil {
		return nil, nil, errors.Join(err, f.close())
	}
	return f, e, nil
}

func connect(ctx context.Context, path string) (*file, error) {
	q := url.Values{"_pragma": {"busy_timeout(10000)", "journal_mode(wal)", "synchronous(normal)", "cache_size(-2048)"}}
	u := url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: q.Encode()}
	db, err := sql.Open("sqlite3", u.String())
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	f := &file{path: path, db: db}
	if err := f.occupy(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", path, err), db.Close())
	}
	return f, nil
}

// occupy opens all connections.
func (f *file) occupy(ctx context.Context) (err error) {
	for range connections {
		c, err := f.db.Conn(ctx)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, c.Close()) }() // gives it back to the pool
		if err := c.PingContext(ctx); err != nil {
			return err
		}
	}
	f.info, err = os.Stat(f.path)
	return err
}

func (f *file) prepare(ctx context.Context) (err error) {
	f.read, err = f.db.PrepareContext(ctx, "SELECT data FROM tile WHERE level=? AND n=?")
	return err
}

// load returns the edge, after comparing it with the root beside it.
func (f *file) load(ctx context.Context) (*edge, error) {
	var id, version int64
	if err := f.db.QueryRowContext(ctx, "SELECT a.application_id, v.user_version FROM pragma_application_id a, pragma_user_version v").Scan(&id, &version); err != nil {
		return nil, err
	}
	if id != applicationID || version != schemaVersion {
		return nil, fmt.Errorf("application %d, layout %d", id, version)
	}
	e := &edge{}
	var root []byte
	if err := f.db.QueryRowContext(ctx, "SELECT size, root FROM head").Scan(&e.size, &root); err != nil {
		return nil, err
	}
	if err := f.prepare(ctx); err != nil {
		return nil, err
	}
	for l := 0; e.size>>(Height*l) > 0; l++ {
		count := e.size >> (Height * l)
		data := make([]byte, 0, whole)
		if w := int(count % Width); w > 0 {
			stored, err := f.tile(ctx, l, count>>Height)
			if err != nil {
				return nil, err
			}
			if len(stored) != w*tlog.HashSize {
				return nil, fmt.Errorf("tile %d/%d has %d bytes, not %d hashes", l, count>>Height, len(stored), w)
			}
			data = append(data, stored...)
		}
		e.tiles = append(e.tiles, data)
	}
	head, err := e.head()
	if err != nil {
		return nil, err
	}
	if string(head.Hash[:]) != string(root) {
		return nil, fmt.Errorf("%w: root of %d", ErrDamaged, e.size)
	}
	return e, nil
}

// tile returns a stored tile; one that is not there is damage, for the caller asks
// within the size.
func (f *file) tile(ctx context.Context, level int, n int64) (data []byte, err error) {
	err = f.read.QueryRowContext(ctx, level, n).Scan(&data)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("tile %d/%d: %w", level, n, ErrDamaged)
	}
	return data, err
}

// store writes tiles and the head they add up to, in one transaction.
func (f *file) store(ctx context.Context, rows []tileRow, head tlog.Tree) error {
	return f.write(ctx, func(tx *sql.Tx) error {
		if err := put(ctx, tx, putTiles, rows); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, "UPDATE head SET size=?, root=?", head.N, head.Hash[:])
		return err
	})
}

// The statements that put writes with, by table.
const (
	putTiles    = "INSERT OR REPLACE INTO " + tiles + "(level, n, data) VALUES(?, ?, ?)"
	putNewTiles = "INSERT OR REPLACE INTO " + newTiles + "(level, n, data) VALUES(?, ?, ?)"
)

// put writes tiles; the partial one of before gives way.
func put(ctx context.Context, tx *sql.Tx, statement string, rows []tileRow) (err error) {
	put, err := tx.PrepareContext(ctx, statement)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, put.Close()) }()
	for _, r := range rows {
		if _, err := put.ExecContext(ctx, r.level, r.n, r.data); err != nil {
			return err
		}
	}
	return nil
}

func (f *file) write(ctx context.Context, do func(*sql.Tx) error) error {
	tx, err := f.db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	if err := do(tx); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

// inPlace reports whether the open file is still the one at its path.
func (f *file) inPlace() bool {
	now, err := os.Stat(f.path)
	return err == nil && os.SameFile(f.info, now)
}

func (f *file) close() error {
	var err error
	if f.read != nil {
		err = f.read.Close()
	}
	return errors.Join(err, f.db.Close())
}

func removeFiles(path string) error {
	var errs []error
	for _, n := range []string{path, path + "-wal", path + "-shm"} {
		if err := os.Remove(n); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// damaged reports whether an error says that the file can't be trusted or reached any
// more: it is built again then.
func damaged(err error) bool {
	if errors.Is(err, ErrDamaged) {
		return true
	}
	for _, code := range []sqlite3.ErrorCode{
		sqlite3.ERROR, sqlite3.CORRUPT, sqlite3.NOTADB, sqlite3.IOERR, sqlite3.CANTOPEN, sqlite3.READONLY, sqlite3.FULL, sqlite3.PROTOCOL,
	} {
		if errors.Is(err, code) {
			return true
		}
	}
	return false
}
