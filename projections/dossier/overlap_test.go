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

// A signature that is there twice, or in another spelling of base64, is refused.
func TestSignatureSpellings(t *testing.T) {
	b := story(t)
	parts := unzip(t, b.dossier(0))
	last := &parts[len(parts)-1]
	whole := string(last.bytes)
	line := strings.SplitAfter(whole, "\n\n")[1]
	for name, other := range map[string]string{
		"twice":          line + line,
		"stray bits":     line[:len(line)-3] + string(line[len(line)-3]+1) + line[len(line)-2:],
		"a second":       line + line[:len(line)-12] + "AAAAAAAAAA=\n",
		"no padding":     strings.Replace(line, "=", "", 1),
		"CRLF":           strings.Replace(line, "\n", "\r\n", 1),
		"another dash":   strings.Replace(line, "—", "--", 1),
		"two spaces":     strings.Replace(line, " ", "  ", 1),
		"no end of line": strings.TrimSuffix(line, "\n"),
	} {
		last.bytes = []byte(strings.Replace(whole, line, other, 1))
		_, err := verify(t, rezip(t, parts), VerifyOptions{})
		require.Error(t, err, name)
	}
}

// Odd events of no aggregate stand in a dossier only where they prove the cut or fill the
// range; one that is too long for a line is left out, and said to be.
func TestOddOfNoAggregate(t *testing.T) {
	b := newBook(t)
	b.add("task/a", "2018-01-02 09:00", docketed())
	b.addRaw("", []byte("odd"), errTest)
	b.add("task/a", "2018-01-03 09:00", docketed())
	b.add("task/b", "2019-01-02 09:00", docketed())
	long := b.addRaw("task/b", bytes.Repeat([]byte("x"), 70_000), errTest)
	b.add("task/b", "2019-01-03 09:00", docketed())
	d := b.dossier(0)
	r, err := verify(t, d, VerifyOptions{})
	require.NoError(t, err)
	require.Equal(t, "1\n3\n", string(entry(t, d, pathContextSeq)))
	require.Equal(t, []LeftOut{{"event/5", WhyUnprinted, long}}, r.LeftOut)
	require.Less(t, len(entry(t, d, rangePath(1))), 10_000)
}
