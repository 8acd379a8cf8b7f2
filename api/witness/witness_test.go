package witness

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"filippo.io/torchwood"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const origin = "duban/nx-gxt/01DEPW0000SV16WK10XPQEZ6RR"

// A testLog is a log in memory that a witness is asked about.
type testLog struct {
	t      *testing.T
	signer note.Signer
	vkey   string
	hashes []tlog.Hash
	size   int64
}

func newLog(t *testing.T) *testLog {
	t.Helper()
	skey, vkey, err := note.GenerateKey(rand.Reader, origin)
	require.NoError(t, err)
	signer, err := note.NewSigner(skey)
	require.NoError(t, err)
	return &testLog{t: t, signer: signer, vkey: vkey}
}

func (l *testLog) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	var out []tlog.Hash
	for _, i := range indexes {
		out = append(out, l.hashes[i])
	}
	return out, nil
}

// grow adds leaves with that text.
func (l *testLog) grow(n int, text string) *testLog {
	for range n {
		more, err := tlog.StoredHashes(l.size, fmt.Appendf(nil, "%s %d", text, l.size), l)
		require.NoError(l.t, err)
		l.hashes, l.size = append(l.hashes, more...), l.size+1
	}
	return l
}

func (l *testLog) note(size int64) string {
	root, err := tlog.TreeHash(size, l)
	require.NoError(l.t, err)
	signed, err := note.Sign(&note.Note{Text: torchwood.Checkpoint{Origin: origin, Tree: tlog.Tree{N: size, Hash: root}}.String()}, l.signer)
	require.NoError(l.t, err)
	return string(signed)
}

// request asks for a cosignature on the tree of a size, as an extension of old.
func (l *testLog) request(old, size int64) string {
	var b strings.Builder
	fmt.Fprintf(&b, "old %d\n", old)
	if old > 0 && old <= size {
		proof, err := tlog.ProveTree(size, old, l)
		require.NoError(l.t, err)
		for _, h := range proof {
			fmt.Fprintln(&b, h)
		}
	}
	return b.String() + "\n" + l.note(size)
}

func openWitness(t *testing.T, dir string, logs ...*testLog) *Witness {
	t.Helper()
	cfg := Config{Name: "witness.example/w1", Dir: dir}
	for _, l := range logs {
		cfg.Logs = append(cfg.Logs, l.vkey)
	}
	w, err := New(cfg)
	require.NoError(t, err)
	return w
}

func post(t *testing.T, w *Witness, body string) (status int, media, answer string) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/add-checkpoint", strings.NewReader(body))
	rec := httptest.NewRecorder()
	w.Handler().ServeHTTP(rec, r)
	b, err := io.ReadAll(rec.Body)
	require.NoError(t, err)
	return rec.Code, rec.Header().Get("Content-Type"), string(b)
}

// The answers of C2SP tlog-witness, one by one.
func TestAnswers(t *testing.T) {
	l := newLog(t).grow(10, "event")
	dir := t.TempDir()
	w := openWitness(t, dir, l)

	status, _, answer := post(t, w, l.request(0, 3))
	require.Equal(t, http.StatusOK, status, answer)
	v, err := torchwood.NewCosignatureVerifier(w.VerifierKey())
	require.NoError(t, err)
	n, err := note.Open([]byte(l.note(3)+answer), note.VerifierList(v))
	require.NoError(t, err)
	require.Len(t, n.Sigs, 1)
	at, err := torchwood.CosignatureTimestamp(n.Sigs[0])
	require.NoError(t, err)
	assert.Positive(t, at)

	status, _, answer = post(t, w, l.request(3, 8))
	require.Equal(t, http.StatusOK, status, answer)
	status, _, answer = post(t, w, l.request(8, 8))
	require.Equal(t, http.StatusOK, status, "the same head again: %s", answer)

	stranger := newLog(t).grow(9, "event")
	forked := &testLog{t: t, signer: l.signer, vkey: l.vkey}
	forked.grow(5, "event").grow(5, "another")
	for name, tt := range map[string]struct {
		body   string
		status int
	}{
		"a size it has passed":                    {l.request(3, 10), http.StatusConflict},
		"a size it has not seen":                  {l.request(9, 10), http.StatusConflict},
		"an earlier head":                         {l.request(3, 5), http.StatusConflict},
		"an older head as if new":                 {l.request(0, 5), http.StatusConflict},
		"the same size with another root":         {forked.request(8, 8), http.StatusConflict},
		"another history":                         {forked.request(8, 10), http.StatusUnprocessableEntity},
		"an empty proof":                          {"old 8\n\n" + l.note(10), http.StatusUnprocessableEntity},
		"old beyond the head":                     {l.request(10, 8), http.StatusBadRequest},
		"a key it does not know":                  {stranger.request(8, 9), http.StatusForbidden},
		"a log it does not know":                  {strings.ReplaceAll(l.request(8, 10), origin, "other"), http.StatusNotFound},
		"leading zeros":                           {strings.Replace(l.request(8, 10), "old 8", "old 08", 1), http.StatusBadRequest},
		"a sign":                                  {strings.Replace(l.request(8, 10), "old 8", "old +8", 1), http.StatusBadRequest},
		"CRLF":                                    {strings.ReplaceAll(l.request(8, 10), "\n", "\r\n"), http.StatusBadRequest},
		"CR in a proof":                           {strings.Replace(l.request(8, 10), "=\n", "=\r\n", 1), http.StatusBadRequest},
		"nothing":                                 {"", http.StatusBadRequest},
		"no head":                                 {"old 8\n\n", http.StatusNotFound},
		"too many lines":                          {"old 8\n" + strings.Repeat(tlog.RecordHash(nil).String()+"\n", 64) + "\n" + l.note(10), http.StatusBadRequest},
		"more than a request may hold":            {"old 8\n\n" + l.note(10) + strings.Repeat("x", maxRequest), http.StatusBadRequest},
		"a signature that does not fit the bytes": {strings.Replace(l.request(8, 10), "\n10\n", "\n11\n", 1), http.StatusForbidden},
	} {
		status, media, answer := post(t, w, tt.body)
		assert.Equal(t, tt.status, status, "%s: %s", name, answer)
		if status == http.StatusConflict {
			assert.Equal(t, "8\n", answer, name)
			assert.Equal(t, "text/x.tlog.size", media, name)
		}
		assert.NotContains(t, answer, "— ", "%s: no signature", name)
	}
	status, _, answer = post(t, w, l.request(8, 10))
	assert.Equal(t, http.StatusOK, status, "none of them moved it: %s", answer)

	again := openWitness(t, dir, l)
	assert.Equal(t, w.VerifierKey(), again.VerifierKey())
	_, _, answer = post(t, again, l.request(0, 10))
	assert.Equal(t, "10\n", answer, "it remembers")
}

// A first head comes without a proof, and an empty tree has one root only.
func TestFirstHead(t *testing.T) {
	l := newLog(t).grow(4, "event")
	w := openWitness(t, t.TempDir(), l)
	status, _, _ := post(t, w, "old 0\n"+tlog.RecordHash(nil).String()+"\n\n"+l.note(3))
	assert.Equal(t, http.StatusUnprocessableEntity, status)
	text := torchwood.Checkpoint{Origin: origin, Tree: tlog.Tree{N: 0, Hash: tlog.RecordHash([]byte("x"))}}.String()
	signed, err := note.Sign(&note.Note{Text: text}, l.signer)
	require.NoError(t, err)
	status, _, _ = post(t, w, "old 0\n\n"+string(signed))
	assert.Equal(t, http.StatusUnprocessableEntity, status)
	status, _, _ = post(t, w, "old 0\n"+tlog.RecordHash(nil).String()+"\n\n"+l.note(0))
	assert.Equal(t, http.StatusUnprocessableEntity, status, "nothing needs no proof")
	status, _, answer := post(t, w, l.request(0, 0))
	assert.Equal(t, http.StatusOK, status, "the empty tree: %s", answer)
	status, _, answer = post(t, w, l.request(0, 4))
	assert.Equal(t, http.StatusOK, status, answer)
}

// What the log's key signed counts in its one form only, and within the bounds of a
// request.
func TestForms(t *testing.T) {
	l := newLog(t).grow(7, "event")
	w := openWitness(t, t.TempDir(), l)
	root, err := tlog.TreeHash(7, l)
	require.NoError(t, err)
	for _, text := range []string{
		fmt.Sprintf("%s\n07\n%s\n", origin, root), fmt.Sprintf("%s\n+7\n%s\n", origin, root), fmt.Sprintf("%s\n7\n%s \n", origin, root),
		fmt.Sprintf("%s\n7\n", origin), fmt.Sprintf("%s\n-1\n%s\n", origin, root),
	} {
		signed, err := note.Sign(&note.Note{Text: text}, l.signer)
		require.NoError(t, err)
		status, _, answer := post(t, w, "old 0\n\n"+string(signed))
		assert.Equal(t, http.StatusBadRequest, status, "%q: %s", text, answer)
	}
	// 70 signatures of others, of 1,000 bytes each, make a note that is in order but long.
	long := l.request(0, 7)
	for i := range 70 {
		long += fmt.Sprintf("— other.example/%d %s\n", i, base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{byte(i)}, 750)))
	}
	require.Greater(t, len(long), maxRequest)
	_, err = note.Open([]byte(long[strings.Index(long, "\n\n")+2:]), w.logs[origin])
	require.NoError(t, err)
	status, _, _ := post(t, w, long)
	assert.Equal(t, http.StatusBadRequest, status)
	status, _, answer := post(t, w, l.request(0, 7))
	assert.Equal(t, http.StatusOK, status, "nothing was kept of any of them: %s", answer)
}

// Many requests at once: the record only ever grows, and every cosigned head is of one
// history.
func TestAtOnce(t *testing.T) {
	l := newLog(t).grow(64, "event")
	w := openWitness(t, t.TempDir(), l)
	require.Equal(t, http.StatusOK, func() int { s, _, _ := post(t, w, l.request(0, 1)); return s }())
	requests := map[int64]string{}
	for size := int64(2); size <= 64; size++ {
		requests[size] = l.request(1, size)
	}
	var mu sync.Mutex
	granted := 0
	var wg sync.WaitGroup
	for _, body := range requests {
		wg.Go(func() {
			_, err := w.AddCheckpoint([]byte(body))
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				granted++
			}
		})
	}
	wg.Wait()
	assert.Equal(t, 1, granted, "all said they extend the head of size 1, which is true for one of them only")
}

// A cosignature is given only once the record is on disk.
func TestRecordFirst(t *testing.T) {
	l := newLog(t).grow(5, "event")
	dir := t.TempDir()
	w := openWitness(t, dir, l)
	require.NoError(t, os.Remove(filepath.Join(dir, stateFile)))
	require.NoError(t, os.Mkdir(filepath.Join(dir, stateFile), 0o700)) // can't be replaced by a file
	status, _, answer := post(t, w, l.request(0, 3))
	assert.Equal(t, http.StatusInternalServerError, status)
	assert.NotContains(t, answer, "— ")
	require.NoError(t, os.Remove(filepath.Join(dir, stateFile)))
	status, _, answer = post(t, w, l.request(0, 4))
	assert.Equal(t, http.StatusOK, status, "the head that was not kept does not count: %s", answer)
}

// A witness that lost its memory, or whose record is damaged, does not start.
func TestLostRecord(t *testing.T) {
	l := newLog(t)
	dir := t.TempDir()
	openWitness(t, dir, l)
	cfg := Config{Name: "witness.example/w1", Dir: dir, Logs: []string{l.vkey}}
	good, err := os.ReadFile(filepath.Join(dir, stateFile))
	require.NoError(t, err)
	root := tlog.RecordHash(nil).String()
	for _, damaged := range []string{
		"{", "", `{"x":{"size":-1,"root":"` + root + `"}}`, `{"x":{"size":1,"root":"` + root + `","more":1}}`, `{"x":{"size":1,"root":"AA=="}}`,
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, stateFile), []byte(damaged), 0o600))
		_, err := New(cfg)
		require.Error(t, err, damaged)
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, stateFile), good, 0o600))
	_, err = New(cfg)
	require.NoError(t, err)
	require.NoError(t, os.Remove(filepath.Join(dir, stateFile)))
	_, err = New(cfg)
	require.ErrorIs(t, err, ErrStateLost)
}

func TestRefusedConfig(t *testing.T) {
	l := newLog(t)
	for _, cfg := range []Config{
		{Name: "w"},
		{Name: "w", Logs: []string{"x"}},
		{Name: "w", Logs: []string{l.vkey}, Origin: "other"},
		{Name: "with space", Logs: []string{l.vkey}},
	} {
		cfg.Dir = t.TempDir()
		_, err := New(cfg)
		require.Error(t, err, "%+v", cfg)
	}
}

// Whatever a request holds, the witness does not panic, and what it reads as a request
// it would write in the same way.
func FuzzRequest(f *testing.F) {
	skey, vkey, err := note.GenerateKey(bytes.NewReader(make([]byte, 64)), origin)
	require.NoError(f, err)
	signer, err := note.NewSigner(skey)
	require.NoError(f, err)
	signed, err := note.Sign(&note.Note{Text: torchwood.Checkpoint{Origin: origin, Tree: tlog.Tree{N: 3, Hash: tlog.RecordHash(nil)}}.String()}, signer)
	require.NoError(f, err)
	f.Add([]byte("old 0\n\n" + string(signed)))
	f.Add([]byte("old 2\n" + tlog.RecordHash(nil).String() + "\n\n" + string(signed)))
	f.Add([]byte("old 18446744073709551615\n\n" + origin + "\n-1\n\n"))
	w, err := New(Config{Name: "w", Dir: f.TempDir(), Logs: []string{vkey}})
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, body []byte) {
		w.state.heads = map[string]seen{} // each input meets a witness that has seen nothing
		if lines, err := w.AddCheckpoint(body); err == nil && !bytes.HasPrefix(lines, []byte("— w ")) {
			t.Fatalf("answered %q", lines)
		}
		r, err := parseRequest(body)
		if err != nil {
			return
		}
		again := fmt.Appendf(nil, "old %d\n", r.old)
		for _, h := range r.proof {
			again = fmt.Appendf(again, "%s\n", h)
		}
		if again = append(append(again, '\n'), r.note...); !bytes.Equal(again, body) {
			t.Fatalf("%q reads as %q", body, again)
		}
	})
}
