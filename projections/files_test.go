package projections

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"duban/domain/vocabulary"
	"duban/eventstore"
)

// left puts a file of a schema into a folder, as a program before us has left it.
func left(t *testing.T, dir string, schema, number int, complete bool, written time.Time) string {
	t.Helper()
	path := filepath.Join(dir, fmt.Sprintf(fileName, schema, number))
	g, err := Config{}.createGeneration(path, number, true)
	require.NoError(t, err)
	require.NoError(t, g.w.run("UPDATE meta SET complete=?", complete))
	require.NoError(t, g.close())
	require.NoError(t, os.Chtimes(path, written, written))
	return path
}

// What another program left stays until the own file has caught up: of several the
// one written last. A rebuild that was cut off is removed at once.
func TestOtherSchemasStayUntilCaughtUp(t *testing.T) {
	long, late := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2020, 2, 1, 0, 0, 0, 0, time.UTC)
	for name, last := range map[string]int{"an upgrade": schemaVersion - 1, "going back": schemaVersion + 1} {
		t.Run(name, func(t *testing.T) {
			l, _, _ := story(t)
			dir := t.TempDir()
			kept := left(t, dir, last, 7, true, late)
			gone := []string{
				left(t, dir, schemaVersion-2, 9, true, long), left(t, dir, schemaVersion+2, 9, true, long),
				left(t, dir, last, 8, false, late.AddDate(0, 1, 0)), left(t, dir, schemaVersion, 3, false, late),
			}
			m := open(t, l, dir)
			for _, path := range gone {
				require.NoFileExists(t, path)
			}
			require.NoFileExists(t, m.asidePath())
			_, err := m.applyTo(l.records[:5])
			require.NoError(t, err)
			require.FileExists(t, kept, "the own file has not caught up")
			require.NoError(t, m.Close())

			m = open(t, l, dir)
			require.FileExists(t, kept, "nor has it at the next start")
			start(t, m)
			await(t, m, func() bool {
				_, err := os.Stat(kept)
				return os.IsNotExist(err)
			})
			require.Equal(t, l.Acked(), m.Position())
			require.NoError(t, m.Verify(context.Background()))
			require.NoFileExists(t, m.asidePath())
		})
	}
}

// A file that was set aside goes once the model has caught up after the next start.
func TestSetAsideGoesAtTheNextStart(t *testing.T) {
	l, _, _ := story(t)
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, fmt.Sprintf(fileName, schemaVersion, 1)), []byte("not a database"), 0o600))
	m := open(t, l, dir)
	_, err := m.applyTo(l.records)
	require.NoError(t, err)
	m.tidy()
	require.FileExists(t, m.asidePath())
	require.NoError(t, m.Close())
	m = open(t, l, dir)
	defer m.Close()
	require.NoFileExists(t, m.asidePath())
}

// A gated ledger gives its events once it is opened.
type gated struct {
	*fakeLedger
	open chan struct{}
}

func (g *gated) Follow(ctx context.Context, after uint64, handle func([]eventstore.Record) error) error {
	select {
	case <-g.open:
		return g.fakeLedger.Follow(ctx, after, handle)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// As long as a new file for a long ledger is being filled, nothing is answered from
// it: it would say that there is nothing.
func TestNothingIsAnsweredFromAFileBeingFilled(t *testing.T) {
	l, tasks, _ := story(t)
	g := &gated{l, make(chan struct{})}
	began := make(chan uint64)
	dir := t.TempDir()
	require.NoError(t, open(t, l, dir).Close()) // as a program leaves it that was killed while it filled a file
	m, err := Open(context.Background(), Config{
		Dir: dir, Source: g, Org: testOrg, Types: vocabulary.Payloads(), Logger: logger(t), farBehind: 3,
		Building: func(events uint64) func() { began <- events; return func() {} },
	})
	require.NoError(t, err)
	start(t, m)
	require.Equal(t, l.Acked(), <-began)
	_, err = now(t, m).Tasks(context.Background(), TaskQuery{Today: "2019-08-05"})
	var filling *RebuildingError
	require.ErrorAs(t, err, &filling)
	require.ErrorIs(t, err, ErrRebuilding)
	require.Equal(t, l.Acked(), filling.Total)
	require.Contains(t, filling.Error(), "已完成 0%")
	_, err = m.History(context.Background(), tasks[0], AsOf{})
	require.ErrorIs(t, err, ErrRebuilding)
	_, err = m.Stats(context.Background())
	require.NoError(t, err)

	close(g.open)
	settle(t, m, l)
	page, err := now(t, m).Tasks(context.Background(), TaskQuery{Today: "2019-08-05"})
	require.NoError(t, err)
	require.Equal(t, 3, page.Total)
}
