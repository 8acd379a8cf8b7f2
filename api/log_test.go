package api_test

import (
	"bytes"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"filippo.io/torchwood"
	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// public gets something of the log without a token.
func (n *node) public(path string) answer {
	n.t.Helper()
	return n.do(request{method: http.MethodGet, path: "/log/" + path})
}

// head waits for a signed head over everything that was appended.
func (n *node) head() torchwood.Checkpoint {
	n.t.Helper()
	var head torchwood.Checkpoint
	require.Eventually(n.t, func() bool {
		a := n.public("checkpoint")
		if a.status != http.StatusOK {
			return false
		}
		text, _, _ := strings.Cut(string(a.body), "\n\n")
		var err error
		head, err = torchwood.ParseCheckpoint(text + "\n")
		return err == nil && head.N >= int64(n.store.Acked())
	}, 20*time.Second, 2*time.Millisecond)
	return head
}

// A stranger reads the log with torchwood and tlog alone: heads, tiles, proofs.
func TestLogForStrangers(t *testing.T) {
	n := startLog(t)
	for i := range 150 {
		n.act(n.token, "offices", body{"name": "第" + strconv.Itoa(i) + "处", "type": "center"})
	}
	old := n.head()
	n.act(n.token, "offices", body{"name": "又一处", "type": "center"})
	head := n.head()
	require.Greater(t, head.N, int64(300))

	keys := n.config.Seal.Keys()
	require.NotEmpty(t, keys)
	verifier, err := note.NewVerifier(keys[0].Verifier)
	require.NoError(t, err)
	policy := torchwood.ThresholdPolicy(2, torchwood.OriginPolicy(head.Origin), torchwood.SingleVerifierPolicy(verifier))
	_, _, err = torchwood.VerifyCheckpoint(n.public("checkpoint").want(http.StatusOK).body, policy)
	require.NoError(t, err)

	bundle := n.get("/log/tile/entries/000").want(http.StatusOK)
	require.Equal(t, "private, max-age=31536000, immutable", bundle.header.Get("Cache-Control"))
	events, err := bytes.Clone(bundle.body), error(nil)
	width := head.N - 256
	events = append(events, n.get(fmt.Sprintf("/log/tile/entries/001.p/%d", width)).want(http.StatusOK).body...)
	client := tlog.TileHashReader(head.Tree, reader{n})
	for seq := int64(1); seq <= head.N; seq++ {
		var raw []byte
		raw, events, err = torchwood.ReadTileEntry(events)
		require.NoError(t, err)
		leaf := tlog.RecordHash(raw)
		if seq%50 == 1 || seq == head.N {
			proof := n.public(fmt.Sprintf("proof/%d?size=%d", seq, head.N)).want(http.StatusOK)
			require.NoError(t, torchwood.VerifyProof(policy, leaf, proof.body))
			require.Error(t, torchwood.VerifyProof(policy, tlog.RecordHash([]byte("x")), proof.body))
			require.NoError(t, torchwood.VerifyProof(policy, leaf, n.public(fmt.Sprintf("proof/%d", seq)).want(http.StatusOK).body))
			got, err := client.ReadHashes([]int64{tlog.StoredHashIndex(0, seq-1)})
			require.NoError(t, err)
			require.Equal(t, leaf, got[0])
		}
	}
	require.Empty(t, events)

	var proof tlog.TreeProof
	for _, l := range strings.Fields(string(n.public(fmt.Sprintf("consistency?from=%d&to=%d", old.N, head.N)).want(http.StatusOK).body)) {
		h, err := tlog.ParseHash(l)
		require.NoError(t, err)
		proof = append(proof, h)
	}
	require.NoError(t, tlog.CheckTree(proof, head.N, head.Hash, old.N, old.Hash))
	require.Empty(t, n.public(fmt.Sprintf("consistency?from=0&to=%d", head.N)).want(http.StatusOK).body)

	full := n.public("tile/0/000").want(http.StatusOK)
	require.Equal(t, "public, max-age=31536000, immutable", full.header.Get("Cache-Control"))
	require.Equal(t, "public, max-age=60", n.public("tile/0/001.p/1").want(http.StatusOK).header.Get("Cache-Control"))
	require.Equal(t, "no-cache", n.public("checkpoint").header.Get("Cache-Control"))
	metrics := string(n.do(request{method: http.MethodGet, path: "/metrics"}).body)
	for _, name := range []string{"duban_tree_size", "duban_tree_build_events 0", "duban_tree_build_done_events 0", "duban_readmodel_build_events 0", "duban_readmodel_build_done_events 0"} {
		require.Contains(t, metrics, name)
	}
	ready := string(n.do(request{method: http.MethodGet, path: "/readyz"}).body)
	require.Contains(t, ready, `"tree_lag":0`)
}

type reader struct{ n *node }

func (reader) Height() int { return 8 }

func (r reader) ReadTiles(tiles []tlog.Tile) (out [][]byte, err error) {
	for _, t := range tiles {
		out = append(out, r.n.public(torchwood.TilePath(t)).want(http.StatusOK).body)
	}
	return out, nil
}

func (reader) SaveTiles([]tlog.Tile, [][]byte) {}

// What the log refuses, and to whom.
func TestLogRefusals(t *testing.T) {
	n := startLog(t)
	head := n.head()
	for _, path := range []string{
		"tile/entries/000.p/1", "tile/%65ntries/000.p/1", "tile//entries/000.p/1", "tile/entries/000.p/1/", "TILE/entries/000.p/1",
	} {
		a := n.public(path)
		require.NotEqual(t, http.StatusOK, a.status, path)
		require.NotContains(t, string(a.body), "specversion", path)
	}
	n.public("tile/entries/000.p/1").problem(http.StatusUnauthorized)
	n.get("/log/tile/entries/000.p/1").want(http.StatusOK)
	for _, path := range []string{
		"tile/0/000", "tile/0/001.p/1", "tile/1/000.p/1", "tile/0/0", "tile/0/x000", "tile/00/000.p/1", "tile/0/000.p/0", "tile/0/000.p/256",
		"tile/-1/000.p/1", "tile/data/000.p/1", "tile/64/000.p/1", "tile/0/x999/x999/x999/x999/x999/x999/999.p/1", "tile/8/0/000.p/1", "tile/",
		"proof/0", "proof/01", "proof/-1", "proof/x", "proof/18446744073709551616", "proof/1000000", "proof/1?size=999999",
		fmt.Sprintf("consistency?from=1&to=%d", head.N+1000),
	} {
		n.public(path).problem(http.StatusNotFound)
	}
	for _, path := range []string{"consistency", "consistency?from=x", "consistency?from=-1", "consistency?from=1&to=0", "proof/1?size=0", "proof/1?size=x"} {
		n.public(path).problem(http.StatusUnprocessableEntity)
	}
	n.public("consistency?from=9&to=2").problem(http.StatusNotFound)
	for _, path := range []string{"/log/tile/entries/001.p/1", "/log/tile/entries/x999/x999/x999/x999/x999/x999/999.p/1"} {
		n.get(path).problem(http.StatusNotFound)
	}
}

// Before a head is signed there is no checkpoint and no proof, but tiles there are.
func TestLogWithoutHeads(t *testing.T) {
	n := begin(t, &node{logs: true})
	require.NoError(t, n.config.Tree.WaitFor(t.Context(), 2))
	n.public("tile/0/000.p/2").want(http.StatusOK)
	for _, path := range []string{"checkpoint", "proof/1", "proof/1?size=1", "consistency?from=1"} {
		n.public(path).problem(http.StatusNotFound)
	}
	n.public("consistency?from=1&to=2").want(http.StatusOK)
}

// A node without a tree has no log.
func TestNoLog(t *testing.T) {
	start(t).public("checkpoint").problem(http.StatusNotFound)
}

func FuzzTilePath(f *testing.F) {
	for _, p := range []string{"tile/0/000", "tile/0/x001/234.p/7", "tile/entries/000.p/1", "tile/63/000", "tile/0/x999/x999/x999/x999/x999/x999/999", "", "tile/8/0/000"} {
		f.Add(p)
	}
	f.Fuzz(func(t *testing.T, path string) {
		tile, err := torchwood.ParseTilePath(path)
		if err != nil {
			return
		}
		require.Equal(t, path, torchwood.TilePath(tile), "two paths of one tile")
	})
}
