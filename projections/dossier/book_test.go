package dossier

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"io"
	"iter"
	"strings"
	"testing"
	"time"

	"filippo.io/torchwood"
	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"duban/domain"
	"duban/domain/calendar"
	"duban/domain/finding"
	"duban/domain/ledger"
	"duban/domain/office"
	"duban/domain/task"
	"duban/domain/vocabulary"
	"duban/eventstore"
)

const (
	testOrg         = "nx-gxt"
	testIncarnation = "01JDC0000000000000000000AA"
	testOrigin      = "duban/" + testOrg + "/" + testIncarnation
)

// A book is a ledger in memory: events, their tree, a key.
type book struct {
	t       testing.TB
	codec   *eventstore.Codec
	records []eventstore.Record
	hashes  []tlog.Hash // as tlog stores them
	heads   map[domain.Ref]eventstore.Head
	files   map[string]file
	signed  []Head
	signer  note.Signer
	vkey    string
	skey    string
	policy  string
}

type file struct {
	bytes     []byte
	media     string
	withdrawn bool
}

// testKey returns the n-th note key of a name, always the same.
func testKey(name string, n byte) (skey, vkey string) {
	seed := bytes.Repeat([]byte{n}, ed25519.SeedSize)
	vkey, err := note.NewEd25519VerifierKey(name, ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey))
	if err != nil {
		panic(err)
	}
	hash := strings.Split(vkey, "+")[1]
	return "PRIVATE+KEY+" + name + "+" + hash + "+" + base64.StdEncoding.EncodeToString(append([]byte{1}, seed...)), vkey
}

func newBook(t testing.TB) *book {
	codec, err := eventstore.NewCodec(testOrg, vocabulary.Payloads())
	require.NoError(t, err)
	b := &book{t: t, codec: codec, heads: map[domain.Ref]eventstore.Head{}, files: map[string]file{}}
	b.skey, b.vkey = testKey(testOrigin, 1)
	b.signer, err = note.NewSigner(b.skey)
	require.NoError(t, err)
	b.policy = "log " + b.vkey + "\nquorum none\n"
	return b
}

func ref(s string) domain.Ref {
	r, err := domain.ParseRef(s)
	if err != nil {
		panic(err)
	}
	return r
}

// at reads a time of Asia/Shanghai: 2019-07-01 09:00.
func at(s string) time.Time {
	t, err := time.ParseInLocation("2006-01-02 15:04", s, calendar.Zone)
	if err != nil {
		panic(err)
	}
	return t
}

type tx struct {
	id           string
	index, count int
}

// add appends an event.
func (b *book) add(subject, recorded string, p domain.Payload, in ...tx) uint64 {
	seq := uint64(len(b.records) + 1)
	r := eventstore.Record{Event: domain.Event{
		ID: fmt.Sprintf("%026d", seq), Subject: ref(subject), Time: at(recorded), RecordedTime: at(recorded).UTC(), Seq: seq,
		Actor: ref("person/z01"), Office: ref("office/a"), Authority: domain.RoleSafetyOffice,
		CommandID: fmt.Sprintf("c%d", seq), CommandDigest: "sha256:00", Data: p,
	}}
	head := b.heads[r.Subject]
	r.Version, r.Previous = head.Version+1, head.Hash
	for _, tx := range in {
		r.TxID, r.TxIndex, r.TxCount = tx.id, tx.index, tx.count
	}
	raw, err := b.codec.Encode(r)
	require.NoError(b.t, err)
	b.addRaw(subject, raw, nil)
	return seq
}

// addRaw appends bytes as they are; odd says why they can't be read.
func (b *book) addRaw(subject string, raw []byte, odd error) uint64 {
	seq := uint64(len(b.records) + 1)
	r, err := b.codec.Decode(seq, raw)
	if odd == nil {
		require.NoError(b.t, err)
	} else {
		r.Undecodable, r.Data, r.Subject = odd, &domain.Unknown{}, domain.Ref{}
		if subject != "" {
			r.Subject = ref(subject)
		}
	}
	if r.Subject != (domain.Ref{}) {
		head := b.heads[r.Subject]
		b.heads[r.Subject] = eventstore.Head{Seq: seq, Version: head.Version + 1, Hash: r.Hash()}
	}
	b.records = append(b.records, r)
	stored, err := tlog.StoredHashes(int64(seq-1), raw, b.reader())
	require.NoError(b.t, err)
	b.hashes = append(b.hashes, stored...)
	return seq
}

func (b *book) reader() tlog.HashReader {
	return tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(indexes))
		for i, x := range indexes {
			out[i] = b.hashes[x]
		}
		return out, nil
	})
}

func (b *book) put(text string) domain.Evidence {
	sum := sha256.Sum256([]byte(text))
	digest := hex.EncodeToString(sum[:])
	b.files[digest] = file{bytes: []byte(text), media: "text/plain"}
	return domain.Evidence{SHA256: digest, Size: int64(len(text)), MediaType: "text/plain"}
}

func (b *book) root(size uint64) tlog.Hash {
	h, err := tlog.TreeHash(int64(size), b.reader())
	require.NoError(b.t, err)
	return h
}

// head signs the tree of a size.
func (b *book) head(size uint64, signers ...note.Signer) Head {
	if len(signers) == 0 {
		signers = []note.Signer{b.signer}
	}
	root := b.root(size)
	c := torchwood.Checkpoint{Origin: testOrigin, Tree: tlog.Tree{N: int64(size), Hash: root}}
	signed, err := note.Sign(&note.Note{Text: c.String()}, signers...)
	require.NoError(b.t, err)
	h := Head{Size: size, Root: root, Note: signed}
	if size > 0 {
		h.At = b.records[size-1].RecordedTime
	}
	return h
}

// source returns the ledger as of a size; 0 is all of it.
func (b *book) source(size uint64) Source {
	if size == 0 {
		size = uint64(len(b.records))
	}
	return Source{
		Origin: testOrigin, Head: b.head(size),
		Tile:   func(t tlog.Tile) ([]byte, error) { return tlog.ReadTileData(t, b.reader()) },
		Keys:   Keys{Origin: testOrigin, Keys: []Key{{VKey: b.vkey, From: 1}}},
		Policy: []byte(b.policy), Signer: b.signer, Events: b.events, Evidence: b.evidence,
		Heads: func(yield func(Head, error) bool) {
			for _, h := range b.signed {
				if !yield(h, nil) {
					return
				}
			}
		},
		Register: func(_ context.Context, w io.Writer) error {
			_, err := io.WriteString(w, "register")
			return err
		},
	}
}

func (b *book) events(_ context.Context, from, to uint64) iter.Seq2[eventstore.Record, error] {
	return func(yield func(eventstore.Record, error) bool) {
		for _, r := range b.records[from-1 : to] {
			if !yield(r, nil) {
				return
			}
		}
	}
}

func (b *book) evidence(_ context.Context, sum string) (io.ReadCloser, domain.Evidence, error) {
	f, ok := b.files[sum]
	switch {
	case !ok:
		return nil, domain.Evidence{}, eventstore.ErrNoEvidence
	case f.withdrawn:
		return nil, domain.Evidence{}, eventstore.ErrEvidenceWithdrawn
	}
	return io.NopCloser(bytes.NewReader(f.bytes)), domain.Evidence{SHA256: sum, Size: int64(len(f.bytes)), MediaType: f.media}, nil
}

var testOptions = Options{Year: 2019, Software: "duban test", Page: []byte("<p>page</p>\n")}

// dossier writes the dossier of 2019 as of a size; 0 is the whole ledger.
func (b *book) dossier(size uint64) []byte {
	var out bytes.Buffer
	_, err := Write(b.t.Context(), &out, b.source(size), testOptions)
	require.NoError(b.t, err)
	return out.Bytes()
}

// story is a ledger of three years with one of everything: a task that ended
// before 2019, one in force, one of 2019, evidence, a void transaction, the ledger's
// own events.
func story(t testing.TB) *book {
	b := newBook(t)
	letter := b.put("来件")
	photo := b.put("照片")
	opened := func(at string) {
		b.add("ledger/"+testOrg, at, &ledger.Opened{Software: "1", ConfigDigest: "sha256:00"})
	}
	opened("2018-03-01 08:00")
	b.add("office/a", "2018-03-01 09:00", &office.Registered{Name: "化工处", Type: office.TypeOffice})
	b.add("task/old", "2018-03-02 09:00", docketed())
	b.add("task/open", "2018-03-02 09:01", docketed())
	b.add("task/old", "2018-04-01 09:00", &task.Completed{By: task.ClosingAllShares})
	b.add("finding/f", "2018-05-01 09:00", &finding.Recorded{Particulars: domain.Particulars{Evidence: []domain.Evidence{photo}}})
	b.add("finding/f", "2018-05-02 09:00", &finding.Dismissed{Reason: "不属实"})
	opened("2018-12-31 23:59")
	b.add("task/new", "2019-01-01 00:00", docketed())
	b.add("task/open", "2019-02-01 09:00", &task.Reminded{Particulars: domain.Particulars{Note: "来文", Evidence: []domain.Evidence{letter}}})
	b.add("task/new", "2019-03-01 09:00", &task.Completed{By: task.ClosingAllShares}, tx{"t1", 1, 2})
	opened("2019-03-01 09:01") // the transaction before it is void
	b.add("task/new", "2019-12-31 23:59", &task.Reminded{Particulars: domain.Particulars{Note: "年末"}})
	opened("2020-01-01 00:00")
	b.add("task/new", "2020-02-01 09:00", &task.Completed{By: task.ClosingAllShares})
	for _, n := range []uint64{9, 10, 12} {
		b.signed = append(b.signed, b.head(n))
	}
	return b
}

func docketed() *task.Docketed {
	return &task.Docketed{Directive: ref("directive/d"), TextSHA256: strings.Repeat("ab", 32), Kind: task.KindOneOff}
}

func verify(t testing.TB, b []byte, opt VerifyOptions) (Report, error) {
	t.Helper()
	return Verify(t.Context(), bytes.NewReader(b), int64(len(b)), opt)
}

// unzip returns the entries of a ZIP.
func unzip(t testing.TB, b []byte) []part {
	t.Helper()
	zr, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	require.NoError(t, err)
	var parts []part
	for _, f := range zr.File {
		r, err := f.Open()
		require.NoError(t, err)
		content, err := io.ReadAll(r)
		require.NoError(t, err)
		parts = append(parts, part{f.Name, content})
	}
	return parts
}

type part struct {
	name  string
	bytes []byte
}

// rezip makes a ZIP in the permitted form.
func rezip(t testing.TB, parts []part) []byte {
	t.Helper()
	entries := make([]zipEntry, len(parts))
	for i, p := range parts {
		entries[i] = zipEntry{p.name, uint64(len(p.bytes)), crcOf(p.bytes)}
	}
	var out bytes.Buffer
	require.NoError(t, writeZIP(&out, entries, func(w io.Writer, i int) error {
		_, err := w.Write(parts[i].bytes)
		return err
	}))
	return out.Bytes()
}

// forge changes a dossier as somebody could who has the log's key: everything is
// put right again, the digests, the manifest and its signature.
func (b *book) forge(dossier []byte, change func(parts map[string]*part, m *Manifest)) []byte {
	b.t.Helper()
	parts := unzip(b.t, dossier)
	by := map[string]*part{}
	for i := range parts {
		by[parts[i].name] = &parts[i]
	}
	m, err := parseManifest(by[pathManifest].bytes)
	require.NoError(b.t, err)
	change(by, &m)
	for i := range m.Entries {
		p := by[m.Entries[i].Path]
		m.Entries[i].Size, m.Entries[i].SHA256 = int64(len(p.bytes)), plainHash(p.bytes)
	}
	encoded, err := Encode(m)
	require.NoError(b.t, err)
	signed, err := note.Sign(&note.Note{Text: manifestText(m, encoded)}, b.signer)
	require.NoError(b.t, err)
	by[pathManifest].bytes, by[pathNote].bytes = encoded, signed
	return rezip(b.t, parts)
}

func crcOf(b []byte) uint32 { return crc32.ChecksumIEEE(b) }

func signerOf(t testing.TB, skey string) note.Signer {
	t.Helper()
	s, err := note.NewSigner(skey)
	require.NoError(t, err)
	return s
}

func cosigner(t testing.TB, name string, n byte) (note.Signer, string) {
	t.Helper()
	s, err := torchwood.NewCosignatureSigner(name, ed25519.NewKeyFromSeed(bytes.Repeat([]byte{n}, ed25519.SeedSize)))
	require.NoError(t, err)
	return s, s.Verifier().String()
}
