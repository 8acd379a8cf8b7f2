package api

import (
	"encoding"
	"encoding/json"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"duban/domain/calendar"
	"duban/domain/enum"
)

// oneOf is a query parameter that names a value of the domain's enumeration E. The
// document lists the values, and huma refuses others.
type oneOf[E any] string

// Schema is how huma learns of the values.
func (oneOf[E]) Schema(huma.Registry) *huma.Schema {
	s := &huma.Schema{Type: huma.TypeString}
	completeText(s, reflect.TypeFor[E]())
	return s
}

// completeSchemas says in the schemas what huma can't see in the domain's types:
// which values an enumeration has, and that a date is one. The lists come from the
// enumerations themselves.
func completeSchemas(r huma.Registry) {
	for name, s := range r.Map() {
		if t := r.TypeFromRef(schemaPrefix + name); t != nil && t.Kind() == reflect.Struct {
			completeFields(s, t)
		}
	}
}

func completeFields(s *huma.Schema, t reflect.Type) {
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous && name == "" && f.Type.Kind() == reflect.Struct {
			completeFields(s, f.Type) // its fields stand beside the others
			continue
		}
		p, typ := s.Properties[name], f.Type
		for p != nil && (typ.Kind() == reflect.Pointer || typ.Kind() == reflect.Slice) {
			if typ.Kind() == reflect.Slice {
				p = p.Items
			}
			typ = typ.Elem()
		}
		if p != nil && p.Ref == "" {
			completeText(p, typ)
		}
	}
}

var dateType = reflect.TypeFor[calendar.Date]()

// completeText completes the schema of a type that is written as text.
func completeText(s *huma.Schema, t reflect.Type) {
	if t == dateType {
		s.Format = "date"
		return
	}
	v, ok := reflect.New(t).Interface().(encoding.TextUnmarshaler)
	if !ok {
		return
	}
	for _, name := range enum.NamesOf(v) {
		s.Enum = append(s.Enum, name)
	}
	if len(s.Enum) > 0 && writesNull(t) {
		s.Enum, s.Nullable = append(s.Enum, nil), true
	}
	s.PrecomputeMessages()
}

// writesNull reports whether the zero value of a type is null in JSON.
func writesNull(t reflect.Type) bool {
	b, err := json.Marshal(reflect.Zero(t).Interface())
	return err == nil && string(b) == "null"
}
