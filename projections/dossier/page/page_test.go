package page

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"duban/domain"
	"duban/domain/vocabulary"
)

type vocabularyOfPage struct {
	Fields, Values, Roles, Why map[string]string
}

func words(t *testing.T) (w vocabularyOfPage) {
	t.Helper()
	require.NoError(t, json.Unmarshal([]byte(source("words.json")), &w))
	return w
}

// Whoever adds a field says what people call it; what events are called, the
// vocabulary says.
func TestEveryFieldHasItsWords(t *testing.T) {
	w := words(t)
	for _, p := range vocabulary.Payloads() {
		for _, name := range fields(reflect.TypeOf(p), map[reflect.Type]bool{}) {
			assert.NotEmpty(t, w.Fields[name], "%s: %s", p.EventType(), name)
		}
	}
	for _, name := range domain.Roles() {
		role, err := domain.ParseRole(name)
		require.NoError(t, err)
		assert.Equal(t, role.Chinese(), w.Roles[name])
	}
}

// fields returns the wire names of all members of a payload, however deep.
func fields(t reflect.Type, seen map[reflect.Type]bool) (names []string) {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Array {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || seen[t] || t == reflect.TypeFor[domain.Ref]() {
		return nil
	}
	seen[t] = true
	for i := range t.NumField() {
		f := t.Field(i)
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" && name != "-" {
			names = append(names, name)
		}
		names = append(names, fields(f.Type, seen)...)
	}
	return names
}

// The file is one, the same at every call, and names nothing outside.
func TestOneFile(t *testing.T) {
	html := string(HTML())
	assert.Equal(t, html, string(HTML()))
	for _, left := range []string{"STYLE-HASH", "SCRIPT-HASH", ">STYLE<", ">SCRIPT<"} {
		assert.NotContains(t, html, left)
	}
	for _, outside := range []string{"http://", "https://", "src=", "href=\"", "@import", "innerHTML", "insertAdjacentHTML", "document.write", "eval(", "url(", "fetch(", "XMLHttpRequest"} {
		assert.NotContains(t, html, outside)
	}
	assert.Equal(t, 2, strings.Count(html, "<script>")+strings.Count(html, "<style>"))
	assert.Equal(t, 1, strings.Count(html, "</script>"), "no script ends early")
	assert.Contains(t, html, "default-src 'none'")
}

func TestSourcesAreAllUsed(t *testing.T) {
	entries, err := sources.ReadDir(".")
	require.NoError(t, err)
	var found []string
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".js") {
			found = append(found, e.Name())
		}
	}
	assert.ElementsMatch(t, scripts(), found)
}
