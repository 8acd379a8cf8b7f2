package dossier

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/note"
)

// refused asserts that a dossier is refused, and that the report names the entry.
func refused(t *testing.T, d []byte, opt VerifyOptions, entry string) Report {
	t.Helper()
	r, err := verify(t, d, opt)
	var f *Fault
	require.ErrorAs(t, err, &f)
	assert.Equal(t, entry, f.Entry, "%v", err)
	assert.False(t, r.OK)
	require.NotNil(t, r.Fault)
	assert.Equal(t, entry, r.Fault.Entry)
	return r
}

// zipped makes a ZIP with Go's own defaults of whatever it is given.
func zipped(t *testing.T, parts []part, header func(i int, h *zip.FileHeader)) []byte {
	t.Helper()
	var out bytes.Buffer
	zw := zip.NewWriter(&out)
	for i, p := range parts {
		h := (&zipEntry{name: p.name}).header()
		h.CompressedSize64, h.UncompressedSize64 = 0, 0
		if header != nil {
			header(i, h)
		}
		w, err := zw.CreateHeader(h)
		require.NoError(t, err)
		_, err = w.Write(p.bytes)
		require.NoError(t, err)
	}
	require.NoError(t, zw.Close())
	return out.Bytes()
}

func TestHostileZIPs(t *testing.T) {
	b := story(t)
	good := b.dossier(0)
	parts := func() []part { return unzip(t, good) }
	insert := func(i int, p part) []byte { return rezip(t, slices.Insert(parts(), i, p)) }

	t.Run("truncated anywhere", func(t *testing.T) {
		for n := 0; n < len(good); n += 1 + n/50 {
			_, err := verify(t, good[:n], VerifyOptions{})
			var f *Fault
			require.ErrorAs(t, err, &f, "%d bytes", n)
		}
	})
	t.Run("something before", func(t *testing.T) {
		refused(t, append([]byte("MZ"), good...), VerifyOptions{}, pathReadme)
	})
	t.Run("something before, offsets put right", func(t *testing.T) {
		var out bytes.Buffer
		out.WriteString("#!/bin/sh\n")
		zw := zip.NewWriter(&out)
		zw.SetOffset(int64(out.Len()))
		for _, p := range parts() {
			e := zipEntry{p.name, uint64(len(p.bytes)), crcOf(p.bytes)}
			w, err := zw.CreateRaw(e.header())
			require.NoError(t, err)
			_, err = w.Write(p.bytes)
			require.NoError(t, err)
		}
		require.NoError(t, zw.Close())
		refused(t, out.Bytes(), VerifyOptions{}, pathReadme)
	})
	t.Run("something behind", func(t *testing.T) {
		_, err := verify(t, append(bytes.Clone(good), 0), VerifyOptions{})
		require.Error(t, err)
		_, err = verify(t, append(bytes.Clone(good), good...), VerifyOptions{})
		require.Error(t, err)
	})
	t.Run("a comment", func(t *testing.T) {
		d := append(bytes.Clone(good), "hello"...)
		binary.LittleEndian.PutUint16(d[len(good)-2:], 5)
		refused(t, d, VerifyOptions{}, "ZIP")
	})
	t.Run("bytes between the entries and the directory", func(t *testing.T) {
		directory := bytes.Index(good, []byte("PK\x01\x02"))
		d := slices.Concat(good[:directory], []byte("hidden"), good[directory:])
		end := d[len(d)-22:]
		binary.LittleEndian.PutUint32(end[16:], uint32(directory+6))
		refused(t, d, VerifyOptions{}, "ZIP")
	})
	t.Run("data descriptors", func(t *testing.T) {
		refused(t, zipped(t, parts(), nil), VerifyOptions{}, pathReadme)
	})
	t.Run("packed", func(t *testing.T) {
		refused(t, zipped(t, parts(), func(i int, h *zip.FileHeader) {
			if i == 3 {
				h.Method = zip.Deflate
			}
		}), VerifyOptions{}, pathPolicy)
	})
	t.Run("a bomb", func(t *testing.T) {
		refused(t, zipped(t, append(parts(), part{"evidence/x", make([]byte, 50<<20)}), func(_ int, h *zip.FileHeader) {
			h.Method = zip.Deflate
		}), VerifyOptions{}, pathReadme)
	})
	t.Run("a declared size beyond the file", func(t *testing.T) {
		var out bytes.Buffer
		zw := zip.NewWriter(&out)
		_, err := zw.CreateRaw(zipEntry{name: pathManifest, size: 1 << 31}.header())
		require.NoError(t, err)
		require.NoError(t, zw.Close())
		refused(t, out.Bytes(), VerifyOptions{}, pathManifest)
	})
	t.Run("entries that overlap", func(t *testing.T) {
		d := bytes.Clone(good)
		directory := bytes.Index(d, []byte("PK\x01\x02"))
		second := directory + bytes.Index(d[directory+4:], []byte("PK\x01\x02")) + 4
		binary.LittleEndian.PutUint32(d[second+42:], 0) // the second entry is said to begin where the first does
		refused(t, d, VerifyOptions{}, "ZIP")
	})
	for _, name := range []string{"../x", "/etc/passwd", "evidence/../../x", `evidence\..\x`, "C:x", "a//b", "evidence/\x00", "证据", "", strings.Repeat("a", 300)} {
		t.Run("the name "+fmt.Sprintf("%q", name), func(t *testing.T) {
			_, err := verify(t, insert(3, part{name, []byte("x")}), VerifyOptions{})
			var f *Fault
			require.ErrorAs(t, err, &f)
		})
	}
	t.Run("an extra file", func(t *testing.T) {
		refused(t, insert(5, part{"log/extra", []byte("x")}), VerifyOptions{}, "log/extra")
		refused(t, insert(len(parts()), part{"zzz", nil}), VerifyOptions{}, "zzz")
	})
	t.Run("an extra folder", func(t *testing.T) {
		refused(t, insert(5, part{"log/", nil}), VerifyOptions{}, `"log/"`)
	})
	t.Run("twice the same name", func(t *testing.T) {
		refused(t, insert(5, part{pathManifest, []byte("{}")}), VerifyOptions{}, pathManifest)
	})
	t.Run("an entry missing", func(t *testing.T) {
		for i, p := range parts() {
			d := rezip(t, slices.Delete(parts(), i, i+1))
			_, err := verify(t, d, VerifyOptions{})
			require.Error(t, err, p.name)
		}
	})
	t.Run("entries in another order", func(t *testing.T) {
		for i := range len(parts()) - 1 {
			p := parts()
			p[i], p[i+1] = p[i+1], p[i]
			refused(t, rezip(t, p), VerifyOptions{}, p[i].name)
		}
	})
	t.Run("other bytes in any entry", func(t *testing.T) {
		for i := range parts() {
			p := parts()
			p[i].bytes = append(p[i].bytes, '\n')
			_, err := verify(t, rezip(t, p), VerifyOptions{})
			require.Error(t, err, p[i].name)
		}
	})
	t.Run("other bytes of the same length in any entry", func(t *testing.T) {
		for i := range parts() {
			p := parts()
			p[i].bytes[len(p[i].bytes)/2] ^= 1
			_, err := verify(t, rezip(t, p), VerifyOptions{})
			require.Error(t, err, p[i].name)
		}
	})
	t.Run("a CRC that does not fit", func(t *testing.T) {
		p := parts()
		entries := make([]zipEntry, len(p))
		for i := range p {
			entries[i] = zipEntry{p[i].name, uint64(len(p[i].bytes)), crcOf(p[i].bytes)}
		}
		entries[7].crc ^= 1
		var out bytes.Buffer
		require.NoError(t, writeZIP(&out, entries, func(w io.Writer, i int) error {
			_, err := w.Write(p[i].bytes)
			return err
		}))
		refused(t, out.Bytes(), VerifyOptions{}, p[7].name)
	})
	t.Run("nothing at all", func(t *testing.T) {
		refused(t, nil, VerifyOptions{}, "ZIP")
		refused(t, rezip(t, nil), VerifyOptions{}, pathManifest)
	})
}

// What somebody could change who makes the manifest fit, without the key.
func TestTamperedWithoutTheKey(t *testing.T) {
	b := story(t)
	good := b.dossier(0)
	other := newBook(t)
	other.skey, other.vkey = testKey(testOrigin, 9)
	stranger := b.forge(good, func(map[string]*part, *Manifest) {})
	require.Equal(t, good, stranger, "forging without a change changes nothing")

	mine := &book{t: t, signer: signerOf(t, other.skey)}
	d := mine.forge(good, func(by map[string]*part, _ *Manifest) { by[pathReadme].bytes = []byte("x") })
	refused(t, d, VerifyOptions{}, pathNote)

	// With the policy replaced as well, the dossier stands under a foreign key: only a
	// policy that came another way shows it.
	d = mine.forge(good, func(by map[string]*part, _ *Manifest) {
		by[pathPolicy].bytes = []byte("log " + other.vkey + "\nquorum none\n")
	})
	refused(t, d, VerifyOptions{}, pathCheckpoint)
	refused(t, d, VerifyOptions{Policy: []byte(b.policy)}, pathNote)
}

// A manifest signed by the key that calls an entry by another name or size.
func TestManifestEntries(t *testing.T) {
	b := story(t)
	good := b.dossier(0)
	for _, change := range []func(*Manifest){
		func(m *Manifest) { m.Entries[7].Path = "other" },
		func(m *Manifest) { m.Entries[7].Size++ },
		func(m *Manifest) { m.Entries[7].SHA256 = strings.Repeat("0", 64) },
		func(m *Manifest) { m.Entries = m.Entries[:len(m.Entries)-1] },
		func(m *Manifest) { m.Entries = append(m.Entries, m.Entries[0]) },
	} {
		parts := unzip(t, good)
		n := len(parts)
		m, err := parseManifest(parts[n-2].bytes)
		require.NoError(t, err)
		change(&m)
		parts[n-2].bytes, err = Encode(m)
		require.NoError(t, err)
		parts[n-1].bytes, err = note.Sign(&note.Note{Text: manifestText(m, parts[n-2].bytes)}, b.signer)
		require.NoError(t, err)
		_, err = verify(t, rezip(t, parts), VerifyOptions{})
		var f *Fault
		require.ErrorAs(t, err, &f)
	}
}

// What the manifest's parser and the other small parsers refuse although the key
// signed it.
func TestSpellings(t *testing.T) {
	b := story(t)
	good := b.dossier(0)
	replace := func(path, from, to string) func(map[string]*part, *Manifest) {
		return func(by map[string]*part, _ *Manifest) {
			require.Contains(t, string(by[path].bytes), from)
			by[path].bytes = []byte(strings.Replace(string(by[path].bytes), from, to, 1))
		}
	}
	for name, tc := range map[string]struct {
		entry  string
		change func(map[string]*part, *Manifest)
	}{
		"CRLF in the sequences":            {pathContextSeq, replace(pathContextSeq, "\n", "\r\n")},
		"a leading zero in the sequences":  {pathContextSeq, replace(pathContextSeq, "2\n", "02\n")},
		"a plus in the sequences":          {pathContextSeq, replace(pathContextSeq, "2\n", "+2\n")},
		"no line feed at the end":          {pathContextSeq, replace(pathContextSeq, "\n14\n", "\n14")},
		"sequences out of order":           {pathContextSeq, replace(pathContextSeq, "2\n4\n", "4\n2\n")},
		"a sequence twice":                 {pathContextSeq, replace(pathContextSeq, "2\n", "2\n2\n")},
		"a sequence too few":               {pathContext, replace(pathContextSeq, "2\n", "")},
		"a sequence of the range":          {pathContextSeq, replace(pathContextSeq, "\n14\n", "\n10\n14\n")},
		"a duplicate key in keys.json":     {pathKeys, replace(pathKeys, `"origin":`, `"origin": "x", "origin":`)},
		"white space in keys.json":         {pathKeys, replace(pathKeys, "{", "{ ")},
		"an unknown member in keys.json":   {pathKeys, replace(pathKeys, `"origin":`, `"x": 1, "origin":`)},
		"a leading zero in keys.json":      {pathKeys, replace(pathKeys, `"from": 1,`, `"from": 01,`)},
		"something behind keys.json":       {pathKeys, replace(pathKeys, "\n ]\n}\n", "\n ]\n}\n{}")},
		"CRLF in the checkpoint":           {pathCheckpoint, replace(pathCheckpoint, "\n15\n", "\r\n15\r\n")},
		"a leading zero in the checkpoint": {pathCheckpoint, replace(pathCheckpoint, "\n15\n", "\n015\n")},
		"a signature twice on the head": {pathCheckpoint, func(by map[string]*part, _ *Manifest) {
			text := string(by[pathCheckpoint].bytes)
			by[pathCheckpoint].bytes = []byte(text + strings.SplitAfter(text, "\n\n")[1])
		}},
		"an empty line in the range":   {rangePath(1), replace(rangePath(1), "\n", "\n\n")},
		"CRLF in the range":            {rangePath(1), replace(rangePath(1), "\n", "\r\n")},
		"a duplicate key in selfcheck": {pathSelfCheck, replace(pathSelfCheck, `"format":`, `"format": "x", "format":`)},
		"a failed check in selfcheck":  {pathSelfCheck, replace(pathSelfCheck, `"passed": true`, `"passed": false`)},
		"a policy without a log":       {pathPolicy, replace(pathPolicy, "log ", "# log ")},
	} {
		t.Run(name, func(t *testing.T) {
			refused(t, b.forge(good, tc.change), VerifyOptions{}, tc.entry)
		})
	}
}

func TestManifestSpellings(t *testing.T) {
	b := story(t)
	var text string
	for _, p := range unzip(t, b.dossier(0)) {
		if p.name == pathManifest {
			text = string(p.bytes)
		}
	}
	_, err := parseManifest([]byte(text))
	require.NoError(t, err)
	for _, r := range [][2]string{
		{`"year": 2019`, `"year": 2018, "year": 2019`}, {`"year": 2019`, `"Year": 2019`}, {`"year": 2019`, `"year": 02019`}, {`"year": 2019`, `"year": 2019.0`},
		{`"year": 2019`, `"year":2019`}, {`"year": 2019`, `"year": 2e3`}, {"\n", "\r\n"}, {`"partial": false`, `"partial": false, "x": 1`}, {`nx-gxt`, `nx-gx\u0074`},
		{`"first": 9`, `"first": 0`}, {`"last": 13`, `"last": 8`}, {`"last": 13`, `"last": 16`}, {`"tree_size": 15`, `"tree_size": 999999999999999`},
		{`"org": "nx-gxt"`, `"org": "other"`}, {`"events": 5`, `"events": 6`}, {`duban-dossier/v1`, `duban-dossier/v2`},
	} {
		require.Contains(t, text, r[0])
		_, err := parseManifest([]byte(strings.Replace(text, r[0], r[1], 1)))
		assert.Error(t, err, "%s", r[1])
	}
	_, err = parseManifest([]byte(text + "\n"))
	require.Error(t, err)
	_, err = parseManifest([]byte(text + text))
	require.Error(t, err)
}

// The key's signature over another dossier, of the same ledger and year.
func TestAnotherDossiersNote(t *testing.T) {
	b := story(t)
	parts, others := unzip(t, b.dossier(0)), unzip(t, b.dossier(14))
	parts[len(parts)-1] = others[len(others)-1]
	refused(t, rezip(t, parts), VerifyOptions{}, pathNote)
}

// TestCRCOfManifest: no digest covers the manifest and its note, but nothing in the file
// may be without meaning.
func TestCRCOfManifest(t *testing.T) {
	parts := unzip(t, story(t).dossier(0))
	for _, name := range []string{pathManifest, pathNote} {
		entries := make([]zipEntry, len(parts))
		for i, p := range parts {
			entries[i] = zipEntry{p.name, uint64(len(p.bytes)), crcOf(p.bytes)}
			if p.name == name {
				entries[i].crc ^= 1
			}
		}
		var out bytes.Buffer
		require.NoError(t, writeZIP(&out, entries, func(w io.Writer, i int) error {
			_, err := w.Write(parts[i].bytes)
			return err
		}))
		refused(t, out.Bytes(), VerifyOptions{}, name)
	}
}

// TestTruncatedBehindInnerZIP: the register is a ZIP too, whose directory a reader of a
// truncated file finds.
func TestTruncatedBehindInnerZIP(t *testing.T) {
	b := story(t)
	src := b.source(0)
	src.Register = func(_ context.Context, w io.Writer) error {
		return writeZIP(w, []zipEntry{{"inner", 1, crcOf([]byte("x"))}}, func(w io.Writer, _ int) error {
			_, err := io.WriteString(w, "x")
			return err
		})
	}
	var out bytes.Buffer
	_, err := Write(t.Context(), &out, src, testOptions)
	require.NoError(t, err)
	refused(t, out.Bytes()[:out.Len()-10], VerifyOptions{}, "ZIP")
}
