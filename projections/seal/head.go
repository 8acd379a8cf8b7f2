package seal

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"duban/eventstore"
)

// A Head is a published head of the tree.
type Head struct {
	Size uint64
	Root tlog.Hash
	Note []byte    // C2SP checkpoint: the signed note, with the cosignatures collected on it
	At   time.Time // when it was signed, by the server's clock

	// Settled: Note will not change any more. Cosignatures are collected on the
	// latest head only, and kept once.
	Settled bool
	Seq     uint64 // its place in HEADS
}

// The records of HEADS, as JSON. Their form is for ever, like that of events.
type (
	signedRecord struct {
		At   time.Time `json:"at"`
		Note string    `json:"note"`
	}
	cosignedRecord struct {
		At           time.Time `json:"at"`
		Cosignatures string    `json:"cosignatures"` // note signature lines
	}
)

var errRecord = errors.New("这条树头记录无法读取 / this record of a head can't be read")

// encodeRecord writes a record without escapes that only HTML needs.
func encodeRecord(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// decodeRecord reads a record strictly: encoding it again gives the same bytes.
func decodeRecord(raw []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return fmt.Errorf("%w: %w", errRecord, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errRecord
	}
	if again, err := encodeRecord(v); err != nil || !bytes.Equal(again, raw) {
		return errRecord
	}
	return nil
}

// readHead reads a signed record and verifies it: a signature of one of the log's
// keys, its origin, and the size it is filed under.
func readHead(r eventstore.HeadRecord, origin string, keys []Key) (Head, error) {
	var rec signedRecord
	if err := decodeRecord(r.Data, &rec); err != nil {
		return Head{}, err
	}
	known, err := verifiers(keys, r.Size)
	if err != nil {
		return Head{}, err
	}
	n, err := note.Open([]byte(rec.Note), known)
	if err != nil {
		return Head{}, fmt.Errorf("树头的签名无效 / the head's signature is not valid: %w", err)
	}
	c, err := torchwood.ParseCheckpoint(n.Text)
	if err != nil {
		return Head{}, fmt.Errorf("%w: %w", errRecord, err)
	}
	if c.String() != n.Text || !canonical(n.Sigs) || !canonical(n.UnverifiedSigs) {
		return Head{}, errRecord
	}
	if c.Origin != origin || uint64(c.N) != r.Size || c.Extension != "" {
		return Head{}, fmt.Errorf("树头属于另一账本或大小不符 / the head is of another log or size: %q %d, %q %d", c.Origin, c.N, origin, r.Size)
	}
	return Head{Size: r.Size, Root: c.Hash, Note: []byte(rec.Note), At: rec.At, Seq: r.Seq}, nil
}

// canonical reports whether signatures are written in the one way there is: base64
// has spare bits that nobody signed.
func canonical(sigs []note.Signature) bool {
	for _, sig := range sigs {
		raw, err := base64.StdEncoding.DecodeString(sig.Base64)
		if err != nil || base64.StdEncoding.EncodeToString(raw) != sig.Base64 {
			return false
		}
	}
	return true
}

// cosign adds the cosignatures of a record to a head.
func (h *Head) cosign(r eventstore.HeadRecord) error {
	var rec cosignedRecord
	if err := decodeRecord(r.Data, &rec); err != nil {
		return err
	}
	if r.Size != h.Size || !signatureLines(rec.Cosignatures) {
		return errRecord
	}
	h.Note, h.Settled = append(h.Note[:len(h.Note):len(h.Note)], rec.Cosignatures...), true
	return nil
}

// signatureLines reports whether text is one or more lines as a note's signatures
// are written.
func signatureLines(text string) bool {
	if !strings.HasSuffix(text, "\n") {
		return false
	}
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "— ") || len(line) > 1000 {
			return false
		}
	}
	return true
}

// sign signs a head and returns it with the record to be appended.
func sign(origin string, size uint64, root tlog.Hash, at time.Time, signers []note.Signer) (Head, []byte, error) {
	c := torchwood.Checkpoint{Origin: origin, Tree: tlog.Tree{N: int64(size), Hash: root}}
	signed, err := note.Sign(&note.Note{Text: c.String()}, signers...)
	if err != nil {
		return Head{}, nil, fmt.Errorf("sign the head of %d: %w", size, err)
	}
	at = at.UTC().Truncate(time.Millisecond)
	raw, err := encodeRecord(signedRecord{At: at, Note: string(signed)})
	if err != nil {
		return Head{}, nil, fmt.Errorf("encode the head of %d: %w", size, err)
	}
	return Head{Size: size, Root: root, Note: signed, At: at}, raw, nil
}
