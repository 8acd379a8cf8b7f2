package seal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/note"
)

// Witnessing says who cosigns and how many are needed.
type Witnessing struct {
	// URLs are prefixes of add-checkpoint, besides those the policy names.
	URLs []string
	// Policy names the witnesses' keys and the quorum; the zero Policy: there are no
	// witnesses.
	Policy Policy
	// Client sends the requests; nil: one of its own.
	Client *http.Client
	// Timeout bounds one collection. Default 5 s.
	Timeout time.Duration
	// Retry is the pause before those are asked again who did not cosign the latest
	// head. Default 30 s.
	Retry time.Duration
}

const (
	defaultCollect = 5 * time.Second
	defaultRetry   = 30 * time.Second
	maxAnswer      = 16 << 10 // bytes of a witness's answer
)

// ErrNoPolicy says that witnesses' keys are only known from a policy.
var ErrNoPolicy = errors.New("有见证者就须用 --policy 写明其密钥和所需数量 / witnesses need a --policy with their keys and the quorum")

// urls returns every witness's prefix once.
func (w Witnessing) urls() []string {
	var list []string
	seen := map[string]bool{}
	add := func(u string) {
		if u = strings.TrimSuffix(u, "/"); u != "" && !seen[u] {
			seen[u] = true
			list = append(list, u)
		}
	}
	for _, u := range w.URLs {
		add(u)
	}
	for _, known := range w.Policy.Witnesses {
		add(known.URL)
	}
	return list
}

// Check refuses what can't work.
func (w Witnessing) Check() error {
	urls := w.urls()
	if len(urls) > 0 && w.Policy.Policy == nil {
		return ErrNoPolicy
	}
	for _, u := range urls {
		if parsed, err := url.Parse(u); err != nil || parsed.Host == "" || parsed.Scheme != "http" && parsed.Scheme != "https" {
			return fmt.Errorf("见证者地址 %q 应为 http:// 或 https:// 开头 / the witness's address %q begins with http:// or https://", u, u)
		}
	}
	return nil
}

// WitnessError is a witness's answer other than a cosignature.
type WitnessError struct {
	URL    string
	Status int
	Seen   int64 // with 409: the size it has seen; -1: it did not say
	Size   uint64
}

func (e *WitnessError) Error() string {
	switch {
	case e.Status == http.StatusConflict && e.Seen > int64(e.Size):
		return fmt.Sprintf("见证者 %s 见过 %d 个事件，本账本只有 %d 个：账本被退回到较早的副本 / witness %s has seen %d events, this ledger has %d: an older copy was put back",
			e.URL, e.Seen, e.Size, e.URL, e.Seen, e.Size)
	case e.Status == http.StatusConflict:
		return fmt.Sprintf("见证者 %s 见过大小相同而根不同的树头 / witness %s has seen another head of this size", e.URL, e.URL)
	case e.Status == http.StatusUnprocessableEntity:
		return fmt.Sprintf("见证者 %s 见过另一段历史 / witness %s has seen another history", e.URL, e.URL)
	}
	return fmt.Sprintf("见证者 %s 拒绝（%d） / witness %s refused (%d)", e.URL, e.Status, e.URL, e.Status)
}

// A witness is one witness as the collector knows it. Its fields are the collector's.
type witness struct {
	url  string
	seen uint64 // size of the head it cosigned last, as far as known
}

// A collector asks the witnesses for cosignatures.
type collector struct {
	*Seal
	client    *http.Client
	witnesses []*witness
	known     note.Verifiers // of the policy's witnesses
	failed    error          // of the last round
}

func (s *Seal) newCollector() (*collector, error) {
	w := s.cfg.Witnessing
	c := &collector{Seal: s, client: w.Client}
	if c.client == nil {
		c.client = &http.Client{}
	}
	var list []note.Verifier
	for _, known := range w.Policy.Witnesses {
		v, err := torchwood.NewCosignatureVerifier(known.Verifier)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrPolicy, err)
		}
		list = append(list, v)
	}
	c.known = note.VerifierList(list...)
	for _, u := range w.urls() {
		c.witnesses = append(c.witnesses, &witness{url: u})
	}
	return c, nil
}

// ask has one witness cosign a head and returns its signature lines. A witness that
// names another size is asked once more, from there.
func (c *collector) ask(ctx context.Context, w *witness, h Head) (string, error) {
	for again := false; ; again = true {
		if w.seen > h.Size {
			return "", &WitnessError{URL: w.url, Status: http.StatusConflict, Seen: int64(w.seen), Size: h.Size}
		}
		body, err := c.request(w.seen, h)
		if err != nil {
			return "", err
		}
		lines, err := c.post(ctx, w, h, body)
		var no *WitnessError
		if errors.As(err, &no) && no.Status == http.StatusConflict && no.Seen >= 0 && uint64(no.Seen) != w.seen {
			w.seen = uint64(no.Seen)
			if !again || w.seen > h.Size {
				continue
			}
		}
		if err == nil {
			w.seen = h.Size
		}
		return lines, err
	}
}

// request forms an add-checkpoint request. The head goes without cosignatures.
func (c *collector) request(old uint64, h Head) ([]byte, error) {
	var b bytes.Buffer
	fmt.Fprintf(&b, "old %d\n", old)
	if old > 0 {
		proof, err := c.cfg.Tree.Consistency(old, h.Size)
		if err != nil {
			return nil, fmt.Errorf("prove %d to extend %d: %w", h.Size, old, err)
		}
		for _, hash := range proof {
			fmt.Fprintln(&b, hash)
		}
	}
	b.WriteByte('\n')
	b.Write(h.Note)
	return b.Bytes(), nil
}

func (c *collector) post(ctx context.Context, w *witness, h Head, body []byte) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url+"/add-checkpoint", bytes.NewReader(body))
	if err != nil {
		return "", fmt.Errorf("ask witness %s: %w", w.url, err)
	}
	resp, err := c.client.Do(req)
	if err != nil {
		return "", fmt.Errorf("见证者 %s 没有应答 / witness %s does not answer: %w", w.url, w.url, err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return "", fmt.Errorf("见证者 %s 的应答中断 / witness %s broke off: %w", w.url, w.url, err)
	}
	if resp.StatusCode != http.StatusOK {
		refused := &WitnessError{URL: w.url, Status: resp.StatusCode, Seen: -1, Size: h.Size}
		if size, err := parseSize(answer); err == nil && resp.StatusCode == http.StatusConflict {
			refused.Seen = size
		}
		return "", refused
	}
	lines, err := cosignatures(h, answer, c.known)
	if err != nil {
		return "", fmt.Errorf("见证者 %s 的应答不能采信 / the answer of witness %s can't be used: %w", w.url, w.url, err)
	}
	return lines, nil
}

// parseSize reads the size that a witness has seen.
func parseSize(answer []byte) (int64, error) {
	text := strings.TrimSuffix(string(answer), "\n")
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 || strconv.FormatInt(n, 10) != text {
		return 0, fmt.Errorf("%q is no size", text)
	}
	return n, nil
}

// errNoCosignature: the answer holds no valid cosignature of a witness of the policy.
var errNoCosignature = errors.New("没有策略所列见证者的有效联署 / no valid cosignature of a witness of the policy")

// cosignatures returns, of an answer, the valid cosignatures of known witnesses as
// signature lines.
func cosignatures(h Head, answer []byte, known note.Verifiers) (string, error) {
	text, _, ok := bytes.Cut(h.Note, []byte("\n\n"))
	if !ok || len(answer) == 0 {
		return "", errNoCosignature
	}
	n, err := note.Open(append(append(text[:len(text):len(text)], "\n\n"...), answer...), known)
	if err != nil {
		return "", fmt.Errorf("%w: %w", errNoCosignature, err)
	}
	return formatSignatures(n.Sigs), nil
}

func formatSignatures(sigs []note.Signature) string {
	var b strings.Builder
	for _, sig := range sigs {
		fmt.Fprintf(&b, "— %s %s\n", sig.Name, sig.Base64)
	}
	return b.String()
}

// quorum reports why a head with its cosignatures does not satisfy the policy.
func (s *Seal) quorum(h Head, lines string) error {
	p := s.cfg.Witnessing.Policy.Policy
	if p == nil {
		return nil
	}
	own, err := verifiers(s.KeysAt(h.Size), h.Size)
	if err != nil {
		return err
	}
	n, err := note.Open(append(h.Note[:len(h.Note):len(h.Note)], lines...), either{own, p})
	if err != nil {
		return err
	}
	return p.Check(s.OriginAt(h.Size), n.Sigs)
}

// either knows the verifiers of two.
type either [2]note.Verifiers

func (e either) Verifier(name string, hash uint32) (note.Verifier, error) {
	v, err := e[0].Verifier(name, hash)
	var unknown *note.UnknownVerifierError
	if errors.As(err, &unknown) {
		return e[1].Verifier(name, hash)
	}
	return v, err
}
