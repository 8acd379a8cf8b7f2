package dossier

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
)

func fuzzBook(f *testing.F) (*book, map[string][]byte) {
	b := story(f)
	entries := map[string][]byte{}
	for _, p := range unzip(f, b.dossier(0)) {
		entries[p.name] = p.bytes
	}
	return b, entries
}

// canonical asserts that what was accepted comes out of the encoder as it came in.
func canonical[T any](t *testing.T, v T, err error, in []byte) {
	t.Helper()
	if err != nil {
		return
	}
	out, err := Encode(v)
	require.NoError(t, err)
	require.Equal(t, in, out)
}

func FuzzManifest(f *testing.F) {
	_, entries := fuzzBook(f)
	f.Add(entries[pathManifest])
	f.Fuzz(func(t *testing.T, in []byte) {
		m, err := parseManifest(in)
		canonical(t, m, err, in)
	})
}

func FuzzKeys(f *testing.F) {
	_, entries := fuzzBook(f)
	f.Add(entries[pathKeys])
	f.Fuzz(func(t *testing.T, in []byte) {
		k, err := parseKeys(in)
		canonical(t, k, err, in)
	})
}

func FuzzSelfCheck(f *testing.F) {
	_, entries := fuzzBook(f)
	f.Add(entries[pathSelfCheck])
	f.Fuzz(func(t *testing.T, in []byte) {
		if checkSelfCheck(in) == nil {
			s, err := decode[SelfCheck](in)
			canonical(t, s, err, in)
		}
	})
}

func FuzzPolicy(f *testing.F) {
	b, entries := fuzzBook(f)
	_, witness := cosigner(f, "witness.example", 7)
	f.Add(entries[pathPolicy])
	f.Add([]byte("log " + b.vkey + "\nwitness w " + witness + "\ngroup g any w\nquorum g\n"))
	head := b.head(15)
	f.Fuzz(func(t *testing.T, in []byte) {
		p, err := parsePolicy(in)
		if err != nil {
			return
		}
		if c, _, err := openHead(head.Note, p); err == nil {
			require.Equal(t, testOrigin, c.Origin, "a policy that is satisfied names the log")
			require.Contains(t, p.Logs, b.vkey)
		}
	})
}

func FuzzHead(f *testing.F) {
	b, _ := fuzzBook(f)
	f.Add(b.head(15).Note)
	p, err := parsePolicy([]byte(b.policy))
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, in []byte) {
		c, _, err := openHead(in, p)
		if err != nil {
			return
		}
		require.LessOrEqual(t, c.N, int64(15), "only what the key signed")
		n, err := openNote(in, p)
		require.NoError(t, err)
		require.Equal(t, c.String(), n.Text)
	})
}

// FuzzZIP puts any bytes in the place of one entry, or of the whole file.
func FuzzZIP(f *testing.F) {
	b, entries := fuzzBook(f)
	good := b.dossier(0)
	f.Add(-1, good)
	parts := unzip(f, good)
	for i, p := range parts {
		f.Add(i, entries[p.name])
	}
	f.Fuzz(func(t *testing.T, i int, in []byte) {
		d := in
		if i >= 0 && i < len(parts) {
			changed := append([]part(nil), parts...)
			changed[i].bytes = in
			d = rezip(t, changed)
		}
		if r, err := verify(t, d, VerifyOptions{}); err == nil {
			require.True(t, r.OK)
			require.True(t, bytes.Equal(good, d), "the key signed no other dossier")
		}
	})
}

// FuzzForged is FuzzZIP with the manifest put right and signed: whatever somebody
// puts in who has the key, nothing panics.
func FuzzForged(f *testing.F) {
	b, _ := fuzzBook(f)
	good := b.dossier(0)
	for _, p := range unzip(f, good) {
		f.Add(p.name, p.bytes)
	}
	f.Fuzz(func(t *testing.T, name string, in []byte) {
		own := *b
		own.t = t
		d := own.forge(good, func(by map[string]*part, _ *Manifest) {
			if p := by[name]; p != nil {
				p.bytes = in
			}
		})
		r, err := verify(t, d, VerifyOptions{})
		require.Equal(t, err == nil, r.OK)
	})
}
