package main

import (
	"encoding"
	"reflect"
	"strings"

	"duban/domain"
	"duban/domain/calendar"
	"duban/domain/enum"
)

var (
	refType      = reflect.TypeFor[domain.Ref]()
	refsType     = reflect.TypeFor[[]domain.Ref]()
	evidenceType = reflect.TypeFor[[]domain.Evidence]()
	dateType     = reflect.TypeFor[calendar.Date]()
)

// isText reports whether a member's JSON is a string.
func isText(t reflect.Type) bool {
	_, text := reflect.New(t).Interface().(encoding.TextUnmarshaler)
	return text || t.Kind() == reflect.String
}

// memberName is the JSON name of a payload's member, "" if it has none.
func memberName(sf reflect.StructField) string {
	name, _, _ := strings.Cut(sf.Tag.Get("json"), ",")
	return strings.TrimPrefix(name, "-")
}

// flagUsage is the help of a member's flag: what it is and how it is written.
func flagUsage(sf reflect.StructField) string {
	usage := sf.Tag.Get("doc")
	switch t := sf.Type; {
	case t == evidenceType:
		return "证据材料：文件，随命令上传；或已上传的 SHA-256；多件用逗号隔开 / files, uploaded with the command, or digests of uploaded ones"
	case t == refsType:
		return usage + "；多个用顿号或逗号隔开"
	case isText(t):
		if names := namesOf(t); len(names) > 0 && !strings.Contains(usage, names[0]) {
			return strings.TrimPrefix(usage+"："+spelled(t, names), "：")
		}
		return usage
	case composed(t):
		return strings.TrimSpace(usage + " JSON，如 " + shape(t))
	}
	return usage
}

// spelled lists the values of an enumeration, with their words where it has them.
func spelled(t reflect.Type, names []string) string {
	if v, ok := reflect.New(t).Interface().(worded); ok {
		return choices(v)
	}
	return strings.Join(names, ", ")
}

// composed reports whether a value of the type is a JSON array or object.
func composed(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Pointer:
		return composed(t.Elem())
	case reflect.Slice, reflect.Struct:
		return !isText(t)
	default:
		return false
	}
}

// namesOf returns the values of an enumeration, nil for any other type.
func namesOf(t reflect.Type) []string {
	v, ok := reflect.New(t).Interface().(encoding.TextUnmarshaler)
	if !ok {
		return nil
	}
	return enum.NamesOf(v)
}

// shape writes an example of a type's JSON with the members that have to be there.
func shape(t reflect.Type) string {
	switch {
	case t == dateType:
		return `"2019-12-31"`
	case isText(t):
		if names := namesOf(t); len(names) > 0 {
			return `"` + names[0] + `"`
		}
		return `"…"`
	}
	switch t.Kind() {
	case reflect.Pointer:
		return shape(t.Elem())
	case reflect.Slice:
		return "[" + shape(t.Elem()) + "]"
	case reflect.Struct:
		return "{" + strings.Join(members(t), ",") + "}"
	case reflect.Bool:
		return "true"
	default:
		return "1"
	}
}

func members(t reflect.Type) []string {
	var out []string
	for i := range t.NumField() {
		sf := t.Field(i)
		name := memberName(sf)
		switch {
		case sf.Anonymous && name == "":
			out = append(out, members(sf.Type)...)
		case name == "" || strings.Contains(sf.Tag.Get("json"), ",omit"):
		case sf.Type == refType:
			out = append(out, `"`+name+`":"`+strings.Replace(kinded(sf, []string{"处室"})[0], "/处室", "/…", 1)+`"`)
		default:
			out = append(out, `"`+name+`":`+shape(sf.Type))
		}
	}
	return out
}

// kinded gives the names in a flag their kind: --directive 01J… names a directive,
// --person zhang a person, and --to zhang one where the member's tag says so. A name
// that is left without a kind is an office's.
func kinded(sf reflect.StructField, names []string) []string {
	kind, err := domain.ParseKind(sf.Tag.Get("ref"))
	if err != nil {
		kind, err = domain.ParseKind(memberName(sf))
	}
	if err != nil || kind == domain.KindOffice {
		return names
	}
	out := make([]string, len(names))
	for i, n := range names {
		if out[i] = n; n != "" && !strings.Contains(n, "/") {
			out[i] = kind.String() + "/" + n
		}
	}
	return out
}
