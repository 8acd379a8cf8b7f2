package eventstore

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
)

// scan walks over a document of which no key is known.
func scan(doc string) error {
	return eachMember([]byte(doc), func(_, _ []byte) (bool, error) { return false, nil })
}

// Every document here is also taken apart at every place by TestScanTakesWhatJSONTakes.
func scanSamples() []string {
	return []string{
		`{}`, ` { } `, `{"":""}`, `{"a":1}`, `{"a":-0}`, `{"a":01}`, `{"a":-}`, `{"a":1.}`, `{"a":.1}`, `{"a":1e}`, `{"a":1e+}`, `{"a":-1.5e-30,"b":0E0}`,
		`{"a":+1}`, `{"a":0x1}`, `{"a":NaN}`, `{"a":true,"b":false,"c":null}`, `{"a":tru}`, `{"a":nul`, `{"a":"\u00e9\n\/\"\\"}`, `{"a":"\u00g0"}`, `{"a":"\x"}`, `{"a":"\u12"}`,
		`{"a":"\ud800"}`, "{\"a\":\"\t\"}", "{\"a\":\"\x7f\"}", "{\"a\":\"\x00\"}", "{\"a\":\v1}", "{\r\n\t\"a\" : [ ] }", `{"a":[]}`, `{"a":[1,]}`, `{"a":[,1]}`, `{"a":[1 2]}`, `{"a":1,}`, `{,}`,
		`{"a":1 "b":2}`, `{"a" 1}`, `{"a":}`, `{a:1}`, `{'a':1}`, `{"a":1}}`, `{"a":1}x`, `[]`, `"a"`, `null`, `7`, ``, ` `, `{"a":[{"b":{"c":[[],{}]}}]}`,
		`{"a":1,"a":2}`, `{"a":1,"A":2}`, `{"a":1,"\u0041":2}`, `{"a":[{"b":1,"B":2}]}`, `{"k":1,"\u212a":2}`, `{"a":{"x":1},"b":{"x":1}}`,
		`{"安全":"生产","职责":["督办","落实"]}`, `{"a":1}` + "\x00", `{"a":1,"b":{"a":1,"c":[{"a":1},{"a":2}]}}`,
	}
}

// TestScanTakesWhatJSONTakes compares with encoding/json over the samples, cut off
// at every place and with every byte changed.
func TestScanTakesWhatJSONTakes(t *testing.T) {
	for _, doc := range scanSamples() {
		compareScan(t, doc)
		for i := range len(doc) {
			compareScan(t, doc[:i])
			for _, c := range []byte("{}[],:\"\\0-.e \x00\nu") {
				compareScan(t, doc[:i]+string(c)+doc[i:])
				compareScan(t, doc[:i]+string(c)+doc[i+1:])
			}
		}
	}
	for _, depth := range []int{maxDepth - 1, maxDepth} {
		compareScan(t, `{"a":`+strings.Repeat("[", depth)+strings.Repeat("]", depth)+`}`)
		compareScan(t, strings.Repeat(`{"a":`, depth)+`{}`+strings.Repeat("}", depth))
	}
}

// TestScanLongText puts every byte at every place of texts that are walked over a
// word at a time.
func TestScanLongText(t *testing.T) {
	for _, text := range []string{"abcdefghijklmnopqrstu", "安全生产责任制", `ab\"cd\\efghi\u0041jklmnopqrst`} {
		for i := range len(text) {
			for c := range 256 {
				compareScan(t, `{"a":"`+text[:i]+string(rune(c))+text[i:]+`"}`)
				compareScan(t, `{"a":"`+text[:i]+string(rune(c)))
			}
		}
	}
}

func TestIsHash(t *testing.T) {
	good := hashPrefix + strings.Repeat("0123456789abcdef", 4)
	assert.True(t, isHash(good))
	assert.False(t, isHash(good[1:]))
	assert.False(t, isHash(good+"0"))
	for i := range len(good) {
		for c := range 256 {
			b := []byte(good)
			b[i] = byte(c)
			want := b[i] == good[i] || i >= len(hashPrefix) && strings.ContainsRune("0123456789abcdef", rune(c))
			assert.Equal(t, want, isHash(string(b)), "%q", b)
		}
	}
}

func FuzzScan(f *testing.F) {
	for _, doc := range scanSamples() {
		f.Add(doc)
	}
	f.Fuzz(func(t *testing.T, doc string) { compareScan(t, doc) })
}

func compareScan(t *testing.T, doc string) {
	t.Helper()
	if !utf8.ValidString(doc) {
		return // refused before it is walked over
	}
	want := json.Valid([]byte(doc)) && strings.HasPrefix(strings.TrimLeft(doc, " \t\r\n"), "{") && !hasTwins(t, json.NewDecoder(strings.NewReader(doc)))
	if err := scan(doc); (err == nil) != want {
		t.Fatalf("%q: %v, encoding/json says %v", doc, err, want)
	}
}

// hasTwins reads a valid document as tokens and reports whether an object in it has
// two keys that are equal but for case.
func hasTwins(t *testing.T, d *json.Decoder) bool {
	t.Helper()
	var open []map[string]bool // keys of the objects around, nil for a list
	key := false               // a key is next
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return false
		}
		if err != nil {
			t.Fatal(err)
		}
		if name, ok := token.(string); ok && key {
			folded := strings.ToLower(strings.ToUpper(name))
			in := open[len(open)-1]
			if in[folded] {
				return true
			}
			in[folded], key = true, false
			continue
		}
		switch token {
		case json.Delim('{'):
			open = append(open, map[string]bool{})
		case json.Delim('['):
			open = append(open, nil)
		case json.Delim('}'), json.Delim(']'):
			open = open[:len(open)-1]
		}
		key = len(open) > 0 && open[len(open)-1] != nil
	}
}

// TestScanMembers: keys come as they read, values as they stand.
func TestScanMembers(t *testing.T) {
	var got []string
	assert.NoError(t, eachMember([]byte(` {"a" : "\u0061" ,"\u0062":[1, {"x":2}], "c":-1e5 }`), func(key, value []byte) (bool, error) {
		got = append(got, string(key)+"="+string(value))
		return false, nil
	}))
	assert.Equal(t, []string{`a="\u0061"`, `b=[1, {"x":2}]`, `c=-1e5`}, got)
	// Known keys are the caller's affair.
	n := 0
	assert.NoError(t, eachMember([]byte(`{"a":1,"a":2}`), func(_, value []byte) (bool, error) {
		n += bytes.Count(value, []byte("1")) + bytes.Count(value, []byte("2"))
		return true, nil
	}))
	assert.Equal(t, 2, n)
}
