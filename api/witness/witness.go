// Package witness is an independent witness of transparency logs: it remembers the
// last head of each log it knows and cosigns only what extends it (C2SP
// tlog-witness, https://c2sp.org/tlog-witness; cosignatures are of
// https://c2sp.org/tlog-cosignature, cosignature/v1).
//
// It is worth having on a machine that who runs the ledger does not run: a data
// folder that was put back as a whole fits together, and only somebody who has seen
// more of it can tell. A server that was rolled back is answered 409 with the size
// the witness has seen, one with another history 422.
//
// # State
//
// The folder holds the witness's private key and, in one small file, the last head of
// each log. The file is replaced whole, and synced, before a cosignature is given, so
// that neither a crash nor two requests at once take a log back. A witness that lost its
// file would cosign anything again: it does not start.
package witness

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// A Witness answers add-checkpoint.
type Witness struct {
	signer *torchwood.CosignatureSigner
	logs   map[string]note.Verifiers // by origin
	logger *slog.Logger

	mu    sync.Mutex // held from looking at a log's last head until the new one is on disk
	state *state
}

// Config says who the witness is and which logs it knows.
type Config struct {
	Name   string   // the witness's name, part of its key; letters, digits, dots, hyphens, slashes
	Dir    string   // folder of key and state, made if it is missing
	Origin string   // if set, the name all of Logs have to carry
	Logs   []string // verifier keys (C2SP vkey) of the logs; several with one name are keys of one log

	Logger *slog.Logger // nil: nothing is logged
}

// ErrNoLogs says that a witness without logs has nothing to do.
var ErrNoLogs = errors.New("至少指定一个账本的验证密钥 / name at least one log by its verifier key")

// New opens a witness, which is made, with a new key, in an empty folder.
func New(cfg Config) (*Witness, error) {
	w := &Witness{logs: map[string]note.Verifiers{}, logger: cfg.Logger}
	if w.logger == nil {
		w.logger = slog.New(slog.DiscardHandler)
	}
	byOrigin := map[string][]note.Verifier{}
	for _, vkey := range cfg.Logs {
		v, err := note.NewVerifier(vkey)
		if err != nil {
			return nil, fmt.Errorf("验证密钥 %q 无法识别 / can't make out the verifier key %q: %w", vkey, vkey, err)
		}
		if cfg.Origin != "" && v.Name() != cfg.Origin {
			return nil, fmt.Errorf("验证密钥属于 %s，不是 %s / the verifier key is of %s, not of %s", v.Name(), cfg.Origin, v.Name(), cfg.Origin)
		}
		byOrigin[v.Name()] = append(byOrigin[v.Name()], v)
	}
	if len(byOrigin) == 0 {
		return nil, ErrNoLogs
	}
	for origin, list := range byOrigin {
		w.logs[origin] = note.VerifierList(list...)
	}
	var err error
	if w.signer, w.state, err = open(cfg.Dir, cfg.Name); err != nil {
		return nil, fmt.Errorf("open the witness in %s: %w", cfg.Dir, err)
	}
	return w, nil
}

// VerifierKey returns the witness's verifier key, as policies name it.
func (w *Witness) VerifierKey() string { return w.signer.Verifier().String() }

// maxRequest bounds a request: 63 lines of proof and a checkpoint with its signatures.
const maxRequest = 64 << 10

// Handler answers POST /add-checkpoint, and says on GET / who the witness is.
func (w *Witness) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /add-checkpoint", w.serve)
	mux.HandleFunc("GET /{$}", func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "text/plain; charset=utf-8")
		fmt.Fprintln(rw, w.VerifierKey())
	})
	return mux
}

// A refusal is an answer other than a cosignature.
type refusal struct {
	status int
	reason string
	size   *int64 // with 409: what the witness has seen
}

func (r *refusal) Error() string { return r.reason }

func refuse(status int, zh, en string) error {
	return &refusal{status: status, reason: zh + " / " + en}
}

func (w *Witness) serve(rw http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(rw, r.Body, maxRequest))
	if err != nil {
		http.Error(rw, "请求过大或中断 / the request is too large or broke off", http.StatusBadRequest)
		return
	}
	lines, err := w.AddCheckpoint(body)
	var no *refusal
	switch {
	case err == nil:
		rw.Header().Set("Content-Type", "text/plain; charset=utf-8")
		// A log that does not get its answer asks again.
		_, _ = rw.Write(lines)
	case errors.As(err, &no) && no.size != nil:
		rw.Header().Set("Content-Type", "text/x.tlog.size")
		rw.WriteHeader(no.status)
		fmt.Fprintf(rw, "%d\n", *no.size)
	case errors.As(err, &no):
		http.Error(rw, no.reason, no.status)
	default:
		http.Error(rw, "见证者无法记录 / the witness can't keep its record", http.StatusInternalServerError)
	}
	if err != nil {
		w.logger.WarnContext(r.Context(), "refused to cosign", slog.Any("error", err))
	}
}

// A request is what a log asks for.
type request struct {
	old   int64
	proof tlog.TreeProof
	note  []byte
}

// maxProof is the protocol's limit of lines.
const maxProof = 63

var errMalformed = refuse(http.StatusBadRequest, "请求格式不正确", "the request is malformed")

// parseRequest reads an add-checkpoint request; what it takes, formatting gives back.
func parseRequest(body []byte) (request, error) {
	head, signed, ok := bytes.Cut(body, []byte("\n\n"))
	lines := strings.Split(string(head), "\n")
	size, isOld := strings.CutPrefix(lines[0], "old ")
	if !ok || !isOld || len(lines)-1 > maxProof {
		return request{}, errMalformed
	}
	r := request{note: signed, proof: make(tlog.TreeProof, len(lines)-1)}
	var err error
	if r.old, err = strconv.ParseInt(size, 10, 64); err != nil || r.old < 0 || strconv.FormatInt(r.old, 10) != size {
		return request{}, errMalformed
	}
	for i, line := range lines[1:] {
		if r.proof[i], err = tlog.ParseHash(line); err != nil || r.proof[i].String() != line {
			return request{}, errMalformed
		}
	}
	return r, nil
}

// open reads and verifies the checkpoint in a request.
func (w *Witness) open(signed []byte) (torchwood.Checkpoint, error) {
	origin, _, _ := bytes.Cut(signed, []byte("\n"))
	keys, ok := w.logs[string(origin)]
	if !ok {
		return torchwood.Checkpoint{}, refuse(http.StatusNotFound, "不认识这个账本", "this log is unknown here")
	}
	n, err := note.Open(signed, keys)
	var unverified *note.UnverifiedNoteError
	var invalid *note.InvalidSignatureError
	switch {
	case errors.As(err, &unverified), errors.As(err, &invalid):
		return torchwood.Checkpoint{}, refuse(http.StatusForbidden, "没有可信密钥的有效签名", "there is no valid signature of a trusted key")
	case err != nil:
		return torchwood.Checkpoint{}, errMalformed
	}
	c, err := torchwood.ParseCheckpoint(n.Text)
	if err != nil || c.Origin != string(origin) || c.String() != n.Text {
		return torchwood.Checkpoint{}, errMalformed
	}
	return c, nil
}

// AddCheckpoint answers the body of an add-checkpoint request with note signature
// lines, once the new head is on disk.
func (w *Witness) AddCheckpoint(body []byte) ([]byte, error) {
	r, err := parseRequest(body)
	if err != nil {
		return nil, err
	}
	c, err := w.open(r.note)
	if err != nil {
		return nil, err
	}
	if r.old > c.N {
		return nil, refuse(http.StatusBadRequest, "旧大小超过树头", "the old size is beyond the checkpoint")
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	seen := w.state.last(c.Origin)
	if err := extends(seen, r, c.Tree); err != nil {
		return nil, err
	}
	signed, err := note.Sign(&note.Note{Text: c.String()}, w.signer)
	if err != nil {
		return nil, fmt.Errorf("cosign: %w", err)
	}
	if seen != c.Tree {
		if err := w.state.keep(c.Origin, c.Tree); err != nil {
			return nil, fmt.Errorf("keep the head: %w", err)
		}
	}
	return signed[len(c.String())+1:], nil
}

// extends refuses a tree that does not extend the one seen last.
func extends(seen tlog.Tree, r request, tree tlog.Tree) error {
	conflict := &refusal{status: http.StatusConflict, size: &seen.N,
		reason: fmt.Sprintf("已见过 %d 个事件，请求称 %d / seen %d events, the request says %d", seen.N, r.old, seen.N, r.old)}
	switch {
	case r.old != seen.N:
		return conflict
	case seen.N == tree.N && seen.N > 0 && seen.Hash != tree.Hash:
		conflict.reason = "大小相同而根不同 / the same size with another root"
		return conflict
	}
	bad := refuse(http.StatusUnprocessableEntity, "一致性证明不成立：历史被改动", "the consistency proof does not hold: another history")
	switch {
	case tree.N == 0:
		if empty, err := tlog.TreeHash(0, nil); err != nil || empty != tree.Hash || len(r.proof) > 0 {
			return bad
		}
	case seen.N == 0:
		if len(r.proof) > 0 {
			return bad
		}
	default:
		if tlog.CheckTree(r.proof, tree.N, tree.Hash, seen.N, seen.Hash) != nil {
			return bad
		}
	}
	return nil
}
