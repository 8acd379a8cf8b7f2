package vocabulary

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"duban/domain"
)

var (
	form  = regexp.MustCompile(`^duban\.([a-z]+)\.([a-z]+(?:_[a-z]+)*)\.v[1-9][0-9]*$`)
	snake = regexp.MustCompile(`^[a-z][a-z0-9]*(_[a-z0-9]+)*$`)
)

// home returns the folder of a kind's events: that of its name, but for the
// calendar's, whose package is imported by all others.
func home(kind string) string {
	if kind == "calendar" {
		return "workyear"
	}
	return kind
}

// Event types are read for ever: each is unique, says whose event it is, and ends
// in a version.
func TestEventTypes(t *testing.T) {
	seen := map[string]reflect.Type{}
	for _, p := range Payloads() {
		name := p.EventType()
		if other := seen[name]; other != nil {
			t.Errorf("%T and %v are both %s", p, other, name)
		}
		seen[name] = reflect.TypeOf(p)
		m := form.FindStringSubmatch(name)
		if m == nil {
			t.Errorf("%T: %s is not duban.KIND.SNAKE_CASE.vN", p, name)
			continue
		}
		if _, err := domain.ParseKind(m[1]); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if pkg := reflect.TypeOf(p).Elem().PkgPath(); pkg != "duban/domain/"+home(m[1]) {
			t.Errorf("%s stands in %s", name, pkg)
		}
		if domain.ShortType(p) != m[2] {
			t.Errorf("%s is %s for short", name, domain.ShortType(p))
		}
	}
	if len(seen) < 70 {
		t.Errorf("only %d event types: is a package missing?", len(seen))
	}
}

// The stored bytes of every type and version are pinned in its package.
func TestEveryTypeHasAGoldenFile(t *testing.T) {
	for _, p := range Payloads() {
		kind := strings.Split(p.EventType(), ".")[1]
		file := filepath.Join("..", home(kind), "testdata", p.EventType()+".json")
		b, err := os.ReadFile(file)
		if err != nil {
			t.Error(err)
			continue
		}
		if q, err := domain.DecodeStrict(p, b); err != nil || q.EventType() != p.EventType() {
			t.Errorf("%s: %v", file, err)
		}
	}
}

// Every event has a name that people know it by.
func TestEveryTypeHasAWord(t *testing.T) {
	words := Words()
	for _, p := range Payloads() {
		if !regexp.MustCompile(`^\p{Han}+$`).MatchString(words[p.EventType()]) {
			t.Errorf("%s is called %q", p.EventType(), words[p.EventType()])
		}
	}
	if len(words) != len(Payloads()) {
		t.Errorf("%d words for %d types", len(words), len(Payloads()))
	}
}

// A payload's bytes depend on nothing but its content: no floats, no maps, no
// any; and its names on the wire are snake_case.
func TestPayloadFields(t *testing.T) {
	for _, p := range Payloads() {
		for _, complaint := range complaints(reflect.TypeOf(p).Elem(), p.EventType(), nil) {
			t.Error(complaint)
		}
	}
}

func complaints(typ reflect.Type, path string, within []reflect.Type) []string {
	if slices.Contains(within, typ) || typ == reflect.TypeFor[domain.Ref]() {
		return nil // the latter is text on the wire
	}
	within = append(within, typ)
	switch typ.Kind() {
	case reflect.Float32, reflect.Float64, reflect.Complex64, reflect.Complex128:
		return []string{path + " is a float: its text depends on who wrote it; count in the smallest unit"}
	case reflect.Map:
		return []string{path + " is a map: give it a struct or a sorted list"}
	case reflect.Interface, reflect.Func, reflect.Chan, reflect.UnsafePointer:
		return []string{path + " is " + typ.String() + ": it does not decode to an equal value"}
	case reflect.Pointer, reflect.Slice, reflect.Array:
		return complaints(typ.Elem(), path, within)
	case reflect.Struct:
		if typ == reflect.TypeFor[time.Time]() {
			return []string{path + " is a time: an event has one, a day is a calendar.Date"}
		}
		var out []string
		for i := range typ.NumField() {
			out = append(out, fieldComplaints(typ.Field(i), path, within)...)
		}
		return out
	}
	return nil
}

func fieldComplaints(f reflect.StructField, path string, within []reflect.Type) []string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	if f.Anonymous && name == "" {
		return complaints(f.Type, path, within) // its fields stand beside the others
	}
	path += "." + f.Name
	var out []string
	switch {
	case !f.IsExported():
		out = append(out, path+" is not exported: it would be lost")
	case name == "":
		out = append(out, path+" has no name on the wire")
	case !snake.MatchString(name):
		out = append(out, path+" is "+name+" on the wire, which is not snake_case")
	case name == "time":
		out = append(out, path+" is called time: in a correction that is the event's own")
	}
	return append(out, complaints(f.Type, path, within)...)
}

// Names of one payload must not hide each other: encoding/json drops both of two
// at the same depth, and the outer one hides the inner.
func TestNamesAreUnique(t *testing.T) {
	for _, p := range Payloads() {
		seen := map[string]bool{}
		for _, f := range reflect.VisibleFields(reflect.TypeOf(p).Elem()) {
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if name == "" {
				continue
			}
			if seen[name] {
				t.Errorf("%s has two fields %s", p.EventType(), name)
			}
			seen[name] = true
		}
	}
}

// The test can fail.
func TestComplaints(t *testing.T) {
	type inner struct {
		Rate float64 `json:"rate"`
	}
	for _, v := range []any{
		struct {
			A float32 `json:"a"`
		}{},
		struct {
			A map[string]string `json:"a"`
		}{},
		struct {
			A []*inner `json:"a"`
		}{},
		struct{ inner }{},
		struct {
			A any `json:"a"`
		}{},
		struct{ A int }{},
		struct {
			A int `json:"camelCase"`
		}{},
		struct {
			A time.Time `json:"a"`
		}{},
		struct {
			A int `json:"time"`
		}{},
	} {
		if len(complaints(reflect.TypeOf(v), "x", nil)) == 0 {
			t.Errorf("nothing to complain about in %T", v)
		}
	}
}
