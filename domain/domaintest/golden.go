// Package domaintest holds what the tests of the aggregates share. Events decode for
// ever: the stored bytes of each type are pinned in its package's testdata, one file a
// type, written by go test -update and never edited afterwards.
package domaintest

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"duban/domain"
)

var update = flag.Bool("update", false, "write the golden files anew; read the diff")

// Golden checks a sample of every event against its golden file, and that it is one
// that could be recorded.
func Golden(t *testing.T, samples, prototypes []domain.Payload) {
	t.Helper()
	GoldenFiles(t, samples, prototypes)
	for _, p := range samples {
		if err := p.Validate(); err != nil {
			t.Errorf("%s: %v", p.EventType(), err)
		}
	}
}

// GoldenFiles checks samples that fill every field, though no event could have them
// all. prototypes are the events there are: each needs a sample.
func GoldenFiles(t *testing.T, samples, prototypes []domain.Payload) {
	t.Helper()
	for _, p := range samples {
		GoldenFile(t, p, p.EventType())
	}
	for _, p := range prototypes {
		if !slices.ContainsFunc(samples, func(q domain.Payload) bool { return q.EventType() == p.EventType() }) {
			t.Errorf("%s has no golden file", p.EventType())
		}
	}
}

// GoldenFile checks a sample against testdata/name.json: it encodes as the file says,
// and the file decodes as the sample.
func GoldenFile(t *testing.T, p domain.Payload, name string) {
	t.Helper()
	got, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join("testdata", name+".json")
	if *update {
		if err := os.WriteFile(file, append(got, '\n'), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	want = bytes.TrimSuffix(want, []byte("\n"))
	if !bytes.Equal(got, want) {
		t.Errorf("%s encodes as\n%s\nwant\n%s", name, got, want)
	}
	if back, err := domain.DecodeStrict(p, want); err != nil || !reflect.DeepEqual(back, p) {
		t.Errorf("%s decodes as %+v, %v", name, back, err)
	}
}
