package tree_test

import (
	"context"
	"database/sql"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/tlog"

	"duban/eventstore"
	"duban/projections/tree"
)

// A crashing source ends the reading after so many events in all.
type crashing struct {
	*stream
	left int
}

var errCrash = errors.New("crash")

func (c *crashing) Raw(ctx context.Context, from, to uint64, each func(uint64, []byte) error) error {
	return c.stream.Raw(ctx, from, to, func(seq uint64, raw []byte) error {
		if c.left--; c.left < 0 {
			return errCrash
		}
		return each(seq, raw)
	})
}

// Await crashes where there is nothing more to come.
func (c *crashing) Await(_ context.Context, seq uint64) (uint64, error) {
	if acked := c.Acked(); acked > seq {
		return acked, nil
	}
	return 0, errCrash
}

// TestRecovery stops a tree between batches, over and over, at any place.
func TestRecovery(t *testing.T) {
	const n = 5000
	s, o := newStream(n), newOracle(events(0, n)...)
	random := rand.New(rand.NewPCG(4, 5))
	for range 6 {
		path := file(t)
		for {
			c := &crashing{s, 200 + random.IntN(3000)}
			r, err := tree.Open(t.Context(), tree.Config{Path: path, Source: c, Linger: -1})
			require.NoError(t, err)
			head := r.Head()
			require.Equal(t, o.HashAt(uint64(head.N)), head.Hash[:], "what was recovered at %d", head.N)
			if head.N == n {
				c.left = n
				require.NoError(t, r.Check(t.Context(), 1, n))
				require.NoError(t, r.Close())
				break
			}
			require.ErrorIs(t, r.Run(t.Context()), errCrash)
			require.NoError(t, r.Close())
		}
	}
}

// TestPowerCut opens what is left when the tail of the database's log is lost.
func TestPowerCut(t *testing.T) {
	const n = 3000
	s, o := newStream(0), newOracle(events(0, n)...)
	r := run(t, s, file(t))
	for i := 0; i < n; i += 50 {
		s.append(events(i, 50)...)
		r.reach(t, uint64(i+50))
	}
	log, err := os.Stat(r.path + "-wal")
	require.NoError(t, err)
	seen := map[int64]bool{}
	for i := range int64(40) {
		path := file(t)
		copied(t, r.path, path, -1)
		copied(t, r.path+"-wal", path+"-wal", log.Size()*i/40)
		back := open(t, s, path)
		head := back.Head()
		seen[head.N] = true
		require.Equal(t, o.HashAt(uint64(head.N)), head.Hash[:], "root of %d", head.N)
		back.follow(t)
		back.reach(t, n)
		require.Equal(t, r.Head(), back.Head())
		require.NoError(t, back.Check(t.Context(), 1, n))
		back.halt(t)
	}
	require.Greater(t, len(seen), 5, "the cuts were not at different places: %v", seen)
}

// copied copies the first n bytes of a file, all if n is negative.
func copied(t *testing.T, from, to string, n int64) {
	t.Helper()
	in, err := os.Open(from)
	require.NoError(t, err)
	defer in.Close()
	out, err := os.Create(to)
	require.NoError(t, err)
	defer out.Close()
	if n < 0 {
		_, err = io.Copy(out, in)
	} else {
		_, err = io.CopyN(out, in, n)
	}
	require.NoError(t, err)
}

// TestRebuiltEqualsIncremental compares every tile of a tree that grew with those of
// one made at once, and of one that was rebuilt while it grew.
func TestRebuiltEqualsIncremental(t *testing.T) {
	const n = 70_000 // three levels of tiles
	s := newStream(0)
	r := run(t, s, file(t))
	rebuilt := make(chan error, 1)
	for i := 0; i < n; i += 1000 {
		s.append(events(i, 1000)...)
		r.reach(t, uint64(i+1000))
		if i == n/2 {
			go func() {
				_, err := r.Rebuild(context.WithoutCancel(t.Context()), nil)
				rebuilt <- err
			}()
		}
	}
	require.NoError(t, <-rebuilt)
	once := run(t, s, file(t))
	once.reach(t, n)
	require.Equal(t, once.Head(), r.Head())
	r.halt(t)
	once.halt(t)
	want := tiles(t, once.path)
	require.Len(t, want, 274+2+1)
	require.Equal(t, want, tiles(t, r.path))
}

// tiles reads all tiles of a file.
func tiles(t *testing.T, path string) map[[2]int64]string {
	t.Helper()
	db, err := sql.Open("sqlite3", "file:"+path)
	require.NoError(t, err)
	defer db.Close()
	rows, err := db.QueryContext(t.Context(), "SELECT level, n, data FROM tile")
	require.NoError(t, err)
	defer rows.Close()
	out := map[[2]int64]string{}
	for rows.Next() {
		var at [2]int64
		var data []byte
		require.NoError(t, rows.Scan(&at[0], &at[1], &data))
		out[at] = string(data)
	}
	require.NoError(t, rows.Err())
	return out
}

// spoil changes a closed or open file with SQL.
func spoil(t *testing.T, path, statement string) {
	t.Helper()
	db, err := sql.Open("sqlite3", "file:"+path)
	require.NoError(t, err)
	defer db.Close()
	done, err := db.ExecContext(t.Context(), statement)
	require.NoError(t, err)
	changed, err := done.RowsAffected()
	require.NoError(t, err)
	require.NotZero(t, changed, statement)
}

// TestDisposable spoils the file in several ways: it is built again each time.
func TestDisposable(t *testing.T) {
	const n = 1000
	s := newStream(n)
	for name, harm := range map[string]func(t *testing.T, path string){
		"deleted": func(t *testing.T, path string) { require.NoError(t, os.Remove(path)) },
		"garbage": func(t *testing.T, path string) { require.NoError(t, os.WriteFile(path, []byte("garbage"), 0o600)) },
		"empty":   func(t *testing.T, path string) { require.NoError(t, os.Truncate(path, 0)) },
		"cut":     func(t *testing.T, path string) { require.NoError(t, os.Truncate(path, 9000)) },
		"edge": func(t *testing.T, path string) {
			spoil(t, path, "UPDATE tile SET data=zeroblob(length(data)) WHERE level=0 AND n=3")
		},
		"shorter": func(t *testing.T, path string) {
			spoil(t, path, "UPDATE tile SET data=substr(data, 33) WHERE level=0 AND n=3")
		},
		"no edge":  func(t *testing.T, path string) { spoil(t, path, "DELETE FROM tile WHERE level=0 AND n=3") },
		"root":     func(t *testing.T, path string) { spoil(t, path, "UPDATE head SET root=zeroblob(32)") },
		"position": func(t *testing.T, path string) { spoil(t, path, "UPDATE head SET size=size-1") },
		"no head":  func(t *testing.T, path string) { spoil(t, path, "DELETE FROM head") },
	} {
		t.Run(name, func(t *testing.T) {
			r := run(t, s, file(t))
			r.reach(t, n)
			want := r.Head()
			r.halt(t)
			harm(t, r.path)
			back := open(t, s, r.path)
			require.Zero(t, back.Size(), "nothing of a spoilt file is used")
			back.follow(t)
			back.reach(t, n)
			require.Equal(t, want, back.Head())
			require.NoError(t, back.Check(t.Context(), 1, n))
		})
	}
}

// TestSpoiltWhileOpen takes the file away from, or changes it under, a running tree.
func TestSpoiltWhileOpen(t *testing.T) {
	const n = 1000
	t.Run("deleted", func(t *testing.T) {
		s := newStream(n)
		r := run(t, s, file(t))
		r.reach(t, n)
		want := r.Head()
		for _, f := range []string{r.path, r.path + "-wal", r.path + "-shm"} {
			require.NoError(t, os.Remove(f))
		}
		_, err := r.Root(n / 2)
		require.NoError(t, err, "what is open goes on being read")
		require.Eventually(t, func() bool { _, err := os.Stat(r.path); return err == nil && r.Err() == nil && r.Head() == want }, patience, patience/1000)
		require.NoError(t, r.Check(t.Context(), 1, n))
	})
	t.Run("a tile is gone", func(t *testing.T) {
		s := newStream(n)
		r := run(t, s, file(t))
		r.reach(t, n)
		spoil(t, r.path, "DELETE FROM tile WHERE level=0 AND n=1")
		_, err := r.Inclusion(300, n)
		require.ErrorIs(t, err, tree.ErrDamaged)
		require.Eventually(t, func() bool { return r.Err() == nil && r.Size() == n }, patience, patience/1000)
		require.NoError(t, r.Check(t.Context(), 1, n))
	})
	t.Run("a tile is another", func(t *testing.T) {
		s := newStream(n)
		r := run(t, s, file(t))
		r.reach(t, n)
		spoil(t, r.path, "UPDATE tile SET data=zeroblob(8192) WHERE level=0 AND n=1")
		require.NoError(t, r.Check(t.Context(), 1, 256))
		require.ErrorIs(t, r.Check(t.Context(), 1, n), tree.ErrDamaged)
		calls := 0
		events, err := r.Rebuild(t.Context(), func(done uint64) {
			calls++
			d, all, running := r.Building()
			require.Equal(t, []any{done, uint64(n), true}, []any{d, all, running})
		})
		require.NoError(t, err)
		require.Positive(t, calls)
		require.Equal(t, uint64(n), events)
		_, _, running := r.Building()
		require.False(t, running)
		require.NoError(t, r.Check(t.Context(), 1, n))
	})
}

// TestAForgedTreeIsNoProof changes an event together with its leaf, and then with every
// tile above, as whoever owns the disk can: the first is seen by the tree alone, the
// second only with a head that was signed before.
func TestAForgedTreeIsNoProof(t *testing.T) {
	const n = 1000
	s := newStream(n)
	r := run(t, s, file(t))
	r.reach(t, n)
	signed := r.Head()
	r.halt(t)
	s.set(300, []byte("forged"))

	again := run(t, s, r.path)
	again.reach(t, n)
	var odd *tree.DivergedError
	require.ErrorAs(t, again.Check(t.Context(), 1, n), &odd)
	require.Equal(t, tree.DivergedError{Sequence: 300}, *odd)
	_, err := again.Rebuild(t.Context(), nil)
	require.ErrorAs(t, err, &odd, "a rebuild does not make it true")
	require.Equal(t, uint64(300), odd.Sequence)
	require.Equal(t, signed, again.Head())
	again.halt(t)

	leaf := tlog.RecordHash([]byte("forged"))
	forge(t, r.path, 300, leaf)
	again = run(t, s, r.path)
	again.reach(t, n)
	require.ErrorIs(t, again.Check(t.Context(), 257, 512), tree.ErrDamaged, "the tiles above don't fit")
	again.halt(t)

	require.NoError(t, os.Remove(r.path))
	again = run(t, s, r.path)
	again.reach(t, n)
	require.NoError(t, again.Check(t.Context(), 1, n), "a tree made of a forged stream fits it")
	require.ErrorIs(t, again.CheckHead(t.Context(), signed, 1, n), tree.ErrDamaged)
	root, err := again.Root(n)
	require.NoError(t, err)
	require.NotEqual(t, signed.Hash, root)
}

// forge gives a leaf in a closed file another hash.
func forge(t *testing.T, path string, seq uint64, leaf tlog.Hash) {
	t.Helper()
	db, err := sql.Open("sqlite3", "file:"+path)
	require.NoError(t, err)
	defer db.Close()
	at := (seq - 1) % tree.Width * tlog.HashSize
	_, err = db.ExecContext(t.Context(), "UPDATE tile SET data=CAST(substr(data, 1, ?) || ? || substr(data, ?) AS BLOB) WHERE level=0 AND n=?",
		at, leaf[:], at+tlog.HashSize+1, (seq-1)/tree.Width)
	require.NoError(t, err)
}

// TestFatal changes the stream behind a tree: it stops and names the sequence, and goes
// on answering for what it has.
func TestFatal(t *testing.T) {
	const n = 2000
	for name, c := range map[string]struct {
		harm func(*stream)
		want error
	}{
		"a gap":      {func(s *stream) { s.append(event(2001)); s.append(nil); s.append(event(2003)) }, &eventstore.GapError{Sequence: 2002}},
		"shorter":    {func(s *stream) { s.edit(func(e [][]byte) [][]byte { return e[:1500] }) }, &tree.DivergedError{Sequence: 1501, Missing: true}},
		"empty":      {func(s *stream) { s.edit(func([][]byte) [][]byte { return nil }) }, &tree.DivergedError{Sequence: 1, Missing: true}},
		"last event": {func(s *stream) { s.set(2000, []byte("other")) }, &tree.DivergedError{Sequence: 2000}},
		"refilled": {func(s *stream) {
			s.edit(func(e [][]byte) [][]byte { return append(e[:700:700], events(10_000, 1300)...) })
		}, &tree.DivergedError{Sequence: 701}},
		"first event": {func(s *stream) { s.set(1, []byte("other")) }, &tree.DivergedError{Sequence: 1}},
		"first gone":  {func(s *stream) { s.set(1, nil) }, &tree.DivergedError{Sequence: 1, Missing: true}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStream(n)
			r := run(t, s, file(t))
			r.reach(t, n)
			before := r.Head()
			r.halt(t)
			c.harm(s)
			r = run(t, s, r.path)
			require.Error(t, r.WaitFor(t.Context(), n+3))
			err := <-r.ended
			require.Equal(t, c.want, unwrapped(err), "%v", err)
			require.Equal(t, err, r.Err())
			root, err := r.Root(n)
			require.NoError(t, err)
			require.Equal(t, before.Hash, root)
		})
	}
}

// unwrapped returns the innermost error.
func unwrapped(err error) error {
	for inner := err; inner != nil; inner = errors.Unwrap(inner) {
		err = inner
	}
	return err
}
