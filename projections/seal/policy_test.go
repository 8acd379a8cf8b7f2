package seal

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"filippo.io/torchwood"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"duban/eventstore"
)

// logSigner returns the signer of a log and its verifier key, the same for the same
// seed.
func logSigner(tb testing.TB, origin string, seed byte) (note.Signer, string) {
	tb.Helper()
	skey, vkey, err := note.GenerateKey(bytes.NewReader(bytes.Repeat([]byte{seed}, 64)), origin)
	require.NoError(tb, err)
	signer, err := note.NewSigner(skey)
	require.NoError(tb, err)
	return signer, vkey
}

func cosigner(tb testing.TB, name string, seed byte) *torchwood.CosignatureSigner {
	tb.Helper()
	s, err := torchwood.NewCosignatureSigner(name, ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize)))
	require.NoError(tb, err)
	return s
}

const testOrigin = "duban/nx-gxt/01DEPW0000SV16WK10XPQEZ6RR"

func TestPolicy(t *testing.T) {
	oldKey, oldV := logSigner(t, testOrigin, 1)
	newKey, newV := logSigner(t, testOrigin, 2)
	w1, w2, w3 := cosigner(t, "w/1", 11), cosigner(t, "w/2", 12), cosigner(t, "w/3", 13)
	p, err := ParsePolicy(fmt.Appendf(nil, "# 示例\nlog %s\nlog %s https://x\n\nwitness a %s https://a\nwitness b\t%s\nwitness c %s\ngroup two 2 a b c\nquorum two\n",
		oldV, newV, w1.Verifier(), w2.Verifier(), w3.Verifier()))
	require.NoError(t, err)
	assert.Equal(t, []string{oldV, newV}, p.Logs)
	require.Len(t, p.Witnesses, 3)
	assert.Equal(t, "https://a", p.Witnesses[0].URL)

	text := torchwood.Checkpoint{Origin: testOrigin, Tree: tlog.Tree{N: 1, Hash: tlog.RecordHash(nil)}}.String()
	for name, tt := range map[string]struct {
		signers []note.Signer
		good    bool
	}{
		"both keys, two witnesses":       {[]note.Signer{newKey, oldKey, w1, w2}, true},
		"the new key alone":              {[]note.Signer{newKey, w3, w2}, true},
		"the old key alone":              {[]note.Signer{oldKey, w1, w2, w3}, true},
		"one witness":                    {[]note.Signer{newKey, oldKey, w1}, false},
		"no log":                         {[]note.Signer{w1, w2, w3}, false},
		"one witness under another name": {[]note.Signer{newKey, w1, cosigner(t, "w/9", 12)}, false},
	} {
		signed, err := note.Sign(&note.Note{Text: text}, tt.signers...)
		require.NoError(t, err)
		_, _, err = torchwood.VerifyCheckpoint(signed, p)
		assert.Equal(t, tt.good, err == nil, "%s: %v", name, err)
	}
}

func TestPolicyRefused(t *testing.T) {
	_, log := logSigner(t, testOrigin, 1)
	w := cosigner(t, "w/1", 11).Verifier().String()
	other := cosigner(t, "w/2", 12).Verifier().String()
	renamed := cosigner(t, "w/other", 11).Verifier().String()
	for name, text := range map[string]string{
		"nothing":                        "",
		"no quorum":                      "log " + log + "\n",
		"two quorums":                    "quorum none\nquorum none\n",
		"a quorum nobody defined":        "quorum x\n",
		"a quorum of two":                "witness a " + w + "\nwitness b " + other + "\nquorum a b\n",
		"a quorum before its definition": "quorum a\nwitness a " + w + "\n",
		"an unknown keyword":             "hello\nquorum none\n",
		"a comment behind":               "quorum none # x\n",
		"a carriage return":              "quorum none\r\n",
		"a no-break space":               "quorum\u00a0none\n",
		"the log twice":                  "log " + log + "\nlog " + log + "\nquorum none\n",
		"a witness's key twice":          "witness a " + w + "\nwitness b " + renamed + "\nquorum a\n",
		"a name twice":                   "witness a " + w + "\nwitness a " + other + "\nquorum a\n",
		"the name none":                  "witness none " + w + "\nquorum none\n",
		"a log's key for a witness":      "witness a " + log + "\nquorum a\n",
		"a witness's key for a log":      "log " + w + "\nquorum none\n",
		"a threshold too high":           "witness a " + w + "\ngroup g 2 a\nquorum g\n",
		"a threshold of zero":            "witness a " + w + "\ngroup g 0 a\nquorum g\n",
		"a threshold with a zero":        "witness a " + w + "\ngroup g 01 a\nquorum g\n",
		"a member twice":                 "witness a " + w + "\ngroup g 2 a a\nquorum g\n",
		"a member of two groups":         "witness a " + w + "\ngroup g 1 a\ngroup h 1 a\ngroup i all g h\nquorum i\n",
		"an empty group":                 "group g any\nquorum g\n",
		"a log with more":                "log " + log + " https://x y\nquorum none\n",
		"too large":                      strings.Repeat("#\n", maxPolicyLines+2) + "quorum none\n",
	} {
		_, err := ParsePolicy([]byte(text))
		require.ErrorIs(t, err, ErrPolicy, name)
	}
}

func FuzzPolicy(f *testing.F) {
	_, log := logSigner(f, testOrigin, 1)
	w := cosigner(f, "w/1", 11)
	f.Add("log " + log + "\nwitness a " + w.Verifier().String() + " https://a\ngroup g any a\nquorum g\n")
	f.Add("quorum none\n")
	signed, err := note.Sign(&note.Note{Text: torchwood.Checkpoint{Origin: testOrigin, Tree: tlog.Tree{N: 1}}.String()}, w)
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, text string) {
		p, err := ParsePolicy([]byte(text))
		if err != nil {
			return
		}
		if p.Policy == nil {
			t.Fatal("a policy that decides nothing")
		}
		_, _, _ = torchwood.VerifyCheckpoint(signed, p) // must not panic
	})
}

// FuzzHead: whatever stands in HEADS, reading it does not panic; a head that is taken is
// the very record that signing it makes.
func FuzzHead(f *testing.F) {
	signer, vkey := logSigner(f, testOrigin, 1)
	keys := []Key{{Verifier: vkey, From: 1}}
	_, raw, err := sign(testOrigin, 7, tlog.RecordHash(nil), time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), []note.Signer{signer})
	require.NoError(f, err)
	f.Add(raw, uint64(7))
	cosigs, err := encodeRecord(cosignedRecord{At: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Cosignatures: "— w/1 AAAAAAAA\n"})
	require.NoError(f, err)
	f.Add(cosigs, uint64(7))
	f.Fuzz(func(t *testing.T, data []byte, size uint64) {
		r := eventstore.HeadRecord{Kind: eventstore.HeadSigned, Size: size, Data: data}
		(&Head{Size: size}).cosign(r)
		h, err := readHead(r, testOrigin, keys)
		if err != nil {
			return
		}
		if h.Size != size || !json.Valid(data) {
			t.Fatalf("%q read as a head of %d", data, h.Size)
		}
		again, raw, err := sign(testOrigin, h.Size, h.Root, h.At, []note.Signer{signer})
		if err != nil || !bytes.HasPrefix(h.Note, again.Note) && len(raw) == len(data) {
			t.Fatalf("%q: %v", data, err)
		}
	})
}

// Every bit of a stored head counts.
func TestHeadBits(t *testing.T) {
	signer, vkey := logSigner(t, testOrigin, 1)
	keys := []Key{{Verifier: vkey, From: 1}}
	at := time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC)
	h, raw, err := sign(testOrigin, 7, tlog.RecordHash(nil), at, []note.Signer{signer})
	require.NoError(t, err)
	got, err := readHead(eventstore.HeadRecord{Size: 7, Data: raw}, testOrigin, keys)
	require.NoError(t, err)
	assert.Equal(t, h, got)
	assert.JSONEq(t, `{"at":"2026-01-02T03:04:05.678Z","note":`+string(quoted(t, string(h.Note)))+`}`, string(raw))
	for i := range len(raw) * 8 {
		flipped := append([]byte(nil), raw...)
		flipped[i/8] ^= 1 << (i % 8)
		got, err := readHead(eventstore.HeadRecord{Size: 7, Data: flipped}, testOrigin, keys)
		if err == nil {
			require.NotEqual(t, h.At, got.At, "bit %d: only the time is not signed", i)
		}
	}
	_, err = readHead(eventstore.HeadRecord{Size: 8, Data: raw}, testOrigin, keys)
	require.Error(t, err, "filed under another size")
	_, err = readHead(eventstore.HeadRecord{Size: 7, Data: raw}, testOrigin, []Key{{Verifier: vkey, From: 8}})
	require.Error(t, err, "a key that did not count yet")
	_, err = readHead(eventstore.HeadRecord{Size: 7, Data: raw}, "duban/nx-gxt/other", keys)
	require.Error(t, err)
}

// Cosignatures are signature lines and nothing else.
func TestCosignedRecords(t *testing.T) {
	for text, good := range map[string]bool{
		"— w/1 AAAA\n":                 true,
		"— w/1 AAAA\n— w/2 AAAA\n":     true,
		"":                             false,
		"\n":                           false,
		"— w/1 AAAA":                   false,
		"w/1 AAAA\n":                   false,
		"— w/1 AAAA\n\n":               false,
		"\n— w/1 AAAA\n":               false,
		"— w/1 AAAA\nduban/other\n1\n": false,
		"— " + strings.Repeat("w", 1000) + " AAAA\n": false,
	} {
		raw, err := encodeRecord(cosignedRecord{At: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Cosignatures: text})
		require.NoError(t, err)
		h := Head{Size: 7, Note: []byte("x\n")}
		err = h.cosign(eventstore.HeadRecord{Size: 7, Data: raw})
		require.Equal(t, good, err == nil, "%q", text)
		if good {
			assert.Equal(t, "x\n"+text, string(h.Note))
		}
		require.Error(t, h.cosign(eventstore.HeadRecord{Size: 8, Data: raw}))
	}
}

// FuzzCosignatures: whatever a witness answers, only valid cosignatures of known
// witnesses come of it.
func FuzzCosignatures(f *testing.F) {
	signer, _ := logSigner(f, testOrigin, 1)
	w := cosigner(f, "w/1", 11)
	h, _, err := sign(testOrigin, 7, tlog.RecordHash(nil), time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), []note.Signer{signer})
	require.NoError(f, err)
	text, _, _ := strings.Cut(string(h.Note), "\n\n")
	signed, err := note.Sign(&note.Note{Text: text + "\n"}, w)
	require.NoError(f, err)
	f.Add(signed[len(text)+2:])
	f.Add([]byte("9\n"))
	f.Add([]byte("— w/1 AAAAAAAA\n"))
	known := note.VerifierList(w.Verifier())
	f.Fuzz(func(t *testing.T, answer []byte) {
		if n, err := parseSize(answer); err == nil && fmt.Sprint(n) != strings.TrimSuffix(string(answer), "\n") {
			t.Fatalf("%q is %d", answer, n)
		}
		lines, err := cosignatures(h, answer, known)
		if err != nil {
			return
		}
		if !signatureLines(lines) {
			t.Fatalf("%q gave %q", answer, lines)
		}
		n, err := note.Open(append(h.Note[:len(h.Note):len(h.Note)], lines...), known)
		if err != nil || len(n.Sigs) == 0 {
			t.Fatalf("%q gave %q: %v", answer, lines, err)
		}
	})
}

func quoted(t *testing.T, s string) []byte {
	t.Helper()
	b, err := encodeRecord(s)
	require.NoError(t, err)
	return b
}
