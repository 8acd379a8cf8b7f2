package dossier

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/note"
)

// In the overlap of a rotation a dossier holds for those who know the old key and for
// those who know the new one.
func TestOverlap(t *testing.T) {
	b := story(t)
	skey, vkey := testKey(testOrigin, 2)
	next, oldPolicy, newPolicy := signerOf(t, skey), "log "+b.vkey+"\nquorum none\n", "log "+vkey+"\nquorum none\n"
	src := b.source(0)
	src.Keys.Keys = []Key{{VKey: b.vkey, From: 1, Until: "2020-06-30"}, {VKey: vkey, From: 11}}
	src.Head = b.head(15, next, b.signer)
	src.Policy = []byte("log " + b.vkey + "\nlog " + vkey + "\nquorum none\n")
	src.Signer, src.Others = next, []note.Signer{b.signer}
	var out bytes.Buffer
	_, err := Write(t.Context(), &out, src, testOptions)
	require.NoError(t, err)
	for _, policy := range []string{oldPolicy, newPolicy, string(src.Policy)} {
		_, err := verify(t, out.Bytes(), VerifyOptions{Policy: []byte(policy)})
		require.NoError(t, err, policy)
	}
	_, err = verify(t, out.Bytes(), VerifyOptions{})
	require.NoError(t, err)
	_, stranger := testKey(testOrigin, 3)
	refused(t, out.Bytes(), VerifyOptions{Policy: []byte("log " + stranger + "\nquorum none\n")}, pathNote)

	parts := unzip(t, out.Bytes())
	last := &parts[len(parts)-1]
	lines := strings.SplitAfter(string(last.bytes), "\n")
	require.Len(t, lines, 9, "five lines, an empty one, two signatures")
	whole := string(last.bytes)
	for _, line := range lines[6:8] {
		// Nobody's policy knows both keys, and every bit of both signatures counts.
		last.bytes = []byte(strings.Replace(whole, line, line[:len(line)-8]+"AAAAAA=\n", 1))
		for _, policy := range []string{oldPolicy, newPolicy} {
			refused(t, rezip(t, parts), VerifyOptions{Policy: []byte(policy)}, pathNote)
		}
	}
	// A signature less: whose policy knows the other key only is not served.
	last.bytes = []byte(strings.Replace(whole, lines[7], "", 1))
	_, err = verify(t, rezip(t, parts), VerifyOptions{Policy: []byte(newPolicy)})
	require.NoError(t, err)
	_, err = verify(t, rezip(t, parts), VerifyOptions{Policy: []byte(oldPolicy)})
	require.ErrorIs(t, err, errNoPolicyKey)
}

// Nothing but the log's own signatures stands on a manifest.
func TestForeignSignatureOnTheManifest(t *testing.T) {
	b := story(t)
	parts := unzip(t, b.dossier(0))
	last := &parts[len(parts)-1]
	text, _, _ := strings.Cut(string(last.bytes), "\n\n")
	skey, _ := testKey(testOrigin, 3)
	other, otherKey := testKey("other.example/log", 4)
	var err error
	for _, stranger := range []note.Signer{signerOf(t, skey), signerOf(t, other)} {
		last.bytes, err = note.Sign(&note.Note{Text: text + "\n"}, b.signer, stranger)
		require.NoError(t, err)
		refused(t, rezip(t, parts), VerifyOptions{}, pathNote)
	}
	refused(t, rezip(t, parts), VerifyOptions{Policy: []byte("log " + b.vkey + "\nlog " + otherKey + "\nquorum none\n")}, pathNote)
}
