package seal_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"filippo.io/torchwood"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"duban/api/witness"
	"duban/eventstore/storetest"
	"duban/projections/seal"
)

// A watcher is a witness with its server; it can be cut off.
type watcher struct {
	*witness.Witness
	server *httptest.Server
	down   atomic.Bool
	asked  atomic.Int64
}

func newWatcher(t *testing.T, name, vkey string) *watcher {
	t.Helper()
	w, err := witness.New(witness.Config{Name: name, Dir: t.TempDir(), Logs: []string{vkey}})
	require.NoError(t, err)
	watch := &watcher{Witness: w}
	watch.server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		watch.asked.Add(1)
		if watch.down.Load() {
			http.Error(rw, "down", http.StatusServiceUnavailable)
			return
		}
		w.Handler().ServeHTTP(rw, r)
	}))
	t.Cleanup(watch.server.Close)
	return watch
}

// watched returns the witnessing of a log by watchers, of whom that many are needed.
func watched(t *testing.T, logKey string, need int, watchers ...*watcher) seal.Witnessing {
	t.Helper()
	var text, names strings.Builder
	fmt.Fprintf(&text, "log %s\n", logKey)
	for i, w := range watchers {
		fmt.Fprintf(&text, "witness w%d %s %s\n", i, w.VerifierKey(), w.server.URL)
		fmt.Fprintf(&names, " w%d", i)
	}
	fmt.Fprintf(&text, "group all-of-them %d%s\nquorum all-of-them\n", need, names.String())
	p, err := seal.ParsePolicy([]byte(text.String()))
	require.NoError(t, err)
	w := seal.Witnessing{Policy: p, Retry: 5 * time.Millisecond}
	require.NoError(t, w.Check())
	return w
}

// logKey returns the key of the ledger in dir, which is stopped.
func logKey(t *testing.T, dir string) string {
	t.Helper()
	store := openStore(t, dir)
	_, keys, err := seal.Identify(t.Context(), store, storetest.Org)
	require.NoError(t, err)
	require.NoError(t, store.Close())
	return keys[len(keys)-1].Verifier
}

// cosigned waits for a settled head over size events that satisfies the policy.
func (b *bench) cosigned(size uint64, w seal.Witnessing) seal.Head {
	b.t.Helper()
	var h seal.Head
	b.eventually("a cosigned head", func() bool {
		var err error
		h, err = b.seal.Latest(b.t.Context())
		return err == nil && h.Size >= size && h.Settled
	})
	_, _, err := torchwood.VerifyCheckpoint(h.Note, w.Policy)
	require.NoError(b.t, err)
	return h
}

// Heads are cosigned; without its quorum a head is published as such, the alarm shows,
// writes go on, and the quorum is made up for when the witness is back.
func TestWitnesses(t *testing.T) {
	dir, _ := grown(t, 2)
	vkey := logKey(t, dir)
	one, two := newWatcher(t, "w.example/1", vkey), newWatcher(t, "w.example/2", vkey)
	w := watched(t, vkey, 2, one, two)
	b := openBench(t, dir, func(c *seal.Config) { c.Witnessing = w })
	storetest.NewWriter(b.store).Append(t, 1)
	h := b.cosigned(b.store.Acked(), w)
	require.NoError(t, b.seal.Status().Witness)
	again, err := b.seal.AtSize(t.Context(), h.Size)
	require.NoError(t, err)
	assert.Equal(t, h.Note, again.Note)

	two.down.Store(true)
	storetest.NewWriter(b.store).Append(t, 1)
	b.eventually("the alarm", func() bool { return errors.Is(b.seal.Status().Witness, seal.ErrQuorum) })
	bare := b.headOver(b.store.Acked())
	assert.False(t, bare.Settled)
	assert.False(t, b.seal.Status().Lacking.IsZero())
	require.NoError(t, b.store.Health())
	require.NoError(t, b.seal.Err())
	storetest.NewWriter(b.store).Append(t, 1)

	two.down.Store(false)
	last := b.cosigned(b.store.Acked(), w)
	b.eventually("the alarm ends", func() bool { return b.seal.Status().Witness == nil })
	assert.Equal(t, last.Size, b.seal.Status().Cosigned)
	b.close()

	// What was cosigned stays so, with the same bytes, and a restart asks from where the
	// witnesses stand.
	b = openBench(t, dir, func(c *seal.Config) { c.Witnessing = w })
	b.cosigned(b.store.Acked(), w)
	again, err = b.seal.AtSize(t.Context(), h.Size)
	require.NoError(t, err)
	assert.Equal(t, h.Note, again.Note)
}

// An older copy of the whole data folder is put back: everything in it fits together,
// and only the witness knows better. It answers 409 with the size it has seen, and 422
// once the ledger has grown beyond that in another way.
func TestRolledBack(t *testing.T) {
	dir, _ := grown(t, 2)
	vkey := logKey(t, dir)
	older := copyFolder(t, dir)
	one := newWatcher(t, "w.example/1", vkey)
	w := watched(t, vkey, 1, one)
	b := openBench(t, dir, func(c *seal.Config) { c.Witnessing = w })
	wr := storetest.NewWriter(b.store)
	for range 5 {
		wr.Append(t, 2)
	}
	seen := b.cosigned(b.store.Acked(), w)
	b.close()

	b = openBench(t, older, func(c *seal.Config) { c.Witnessing = w })
	var refused *seal.WitnessError
	b.eventually("the witness refuses", func() bool { return errors.As(b.seal.Status().Witness, &refused) })
	assert.Equal(t, http.StatusConflict, refused.Status)
	assert.Equal(t, int64(seen.Size), refused.Seen)
	_, err := b.seal.Inspect(t.Context(), nil)
	require.NoError(t, err, "nothing on this disk can show it")

	wr = storetest.NewWriter(b.store)
	for b.store.Acked() <= seen.Size+1 {
		wr.Append(t, 1)
	}
	b.headOver(b.store.Acked())
	b.eventually("another history", func() bool {
		return errors.As(b.seal.Status().Witness, &refused) && refused.Status == http.StatusUnprocessableEntity
	})
	require.NoError(t, b.store.Health(), "an alarm, no stop")
}

// A witness that does not answer holds up neither writes nor heads.
func TestSilentWitness(t *testing.T) {
	dir, _ := grown(t, 1)
	vkey := logKey(t, dir)
	one := newWatcher(t, "w.example/1", vkey)
	w := watched(t, vkey, 1, one)
	release := make(chan struct{})
	silent := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(silent.Close)
	t.Cleanup(func() { close(release) })
	w.URLs, w.Timeout = []string{silent.URL}, time.Minute
	b := openBench(t, dir, func(c *seal.Config) { c.Witnessing = w })
	wr := storetest.NewWriter(b.store)
	for range 5 {
		wr.Append(t, 1)
		b.headOver(b.store.Acked())
	}
	require.NoError(t, b.seal.Err())
}

// Answers that are no cosignatures of a witness of the policy are not kept.
func TestForeignCosignatures(t *testing.T) {
	dir, _ := grown(t, 1)
	vkey := logKey(t, dir)
	known, foreign := newWatcher(t, "w.example/1", vkey), newWatcher(t, "w.example/1", vkey)
	w := watched(t, vkey, 1, known)
	known.down.Store(true)
	w.URLs = []string{foreign.server.URL}
	b := openBench(t, dir, func(c *seal.Config) { c.Witnessing = w })
	b.eventually("the alarm", func() bool { return b.seal.Status().Witness != nil && foreign.asked.Load() > 0 })
	first := b.headOver(1)
	storetest.NewWriter(b.store).Append(t, 1)
	b.headOver(b.store.Acked())
	b.eventually("the first is settled", func() bool {
		h, err := b.seal.AtSize(t.Context(), first.Size)
		return err == nil && h.Settled
	})
	for h, err := range b.seal.Heads(t.Context()) {
		require.NoError(t, err)
		assert.NotContains(t, string(h.Note), "— w.example/1 ")
	}
}

func TestWitnessingRefused(t *testing.T) {
	require.ErrorIs(t, seal.Witnessing{URLs: []string{"http://127.0.0.1:1"}}.Check(), seal.ErrNoPolicy)
	p, err := seal.ParsePolicy([]byte("quorum none\n"))
	require.NoError(t, err)
	for _, u := range []string{"127.0.0.1:1", "ftp://x", "http://", "::"} {
		require.Error(t, seal.Witnessing{URLs: []string{u}, Policy: p}.Check(), u)
	}
	require.NoError(t, seal.Witnessing{}.Check())
}

// A head whose cosignatures were still being collected when the server stopped gets
// them after the next start.
func TestCollectingGoesOn(t *testing.T) {
	dir, _ := grown(t, 1)
	vkey := logKey(t, dir)
	one := newWatcher(t, "w.example/1", vkey)
	w := watched(t, vkey, 1, one)
	one.down.Store(true)
	b := openBench(t, dir, func(c *seal.Config) { c.Witnessing = w })
	b.eventually("asked", func() bool { return one.asked.Load() > 0 })
	b.close()
	one.down.Store(false)

	// Nothing new is recorded: the store stays as it was left.
	cfg := storetest.Config()
	cfg.Dir = filepath.Join(dir, "jetstream")
	b = openBench(t, dir, func(c *seal.Config) { c.Witnessing = w })
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	b.cosigned(b.store.Acked(), w)
	require.NoError(t, ctx.Err())
}
