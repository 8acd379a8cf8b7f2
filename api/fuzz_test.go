package api

import (
	"encoding/json"
	"strings"
	"testing"
)

// Whatever unmarshalStrict lets through, encoding/json reads the same way, no
// name twice, and what is written again is let through again.
func FuzzUnmarshalStrict(f *testing.F) {
	for _, s := range []string{`{}`, `{"a":1,"a":2}`, `{"a":{"b":[1,2,{"c":null}]}}`, `[`, `{"A":1}`, `"\ud800"`, `"\ud83d\ude00"`, `"\\ud800"`, "\"\xff\"", `1 2`, `{"a":1}}`, ``, `nul`, strings.Repeat("[", 100)} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var v any
		if err := unmarshalStrict(data, &v); err != nil {
			if err.Error() == "" {
				t.Fatal("an error without a word")
			}
			return
		}
		if !json.Valid(data) {
			t.Fatalf("let through what is no JSON: %q", data)
		}
		again, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		var w any
		if err := unmarshalStrict(again, &w); err != nil {
			t.Fatalf("%q became %q, which is refused: %v", data, again, err)
		}
	})
}
