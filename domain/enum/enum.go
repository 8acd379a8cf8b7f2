// Package enum gives an enumeration its wire names.
//
// An enumeration of the domain is a small unsigned integer whose zero is
// invalid, so that a forgotten field can never pass for a real value. Its names
// stand in one Table; String, Parse and the text marshalling that JSON uses all
// read that table.
package enum

import (
	"encoding"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// A Table lists the wire names of the enumeration T: the first name belongs to
// the value 1.
type Table[T ~uint8] struct {
	what  string
	names []string
}

// New returns the table of an enumeration; what names it in errors.
func New[T ~uint8](what string, names ...string) Table[T] {
	return Table[T]{what: what, names: names}
}

// Name returns the wire name of v, or a text that no Parse accepts.
func (t Table[T]) Name(v T) string {
	if v == 0 || int(v) > len(t.names) {
		return fmt.Sprintf("invalid %s %d", t.what, v)
	}
	return t.names[v-1]
}

// Parse returns the value whose wire name is s.
func (t Table[T]) Parse(s string) (T, error) {
	for i, n := range t.names {
		if n == s {
			return T(i + 1), nil
		}
	}
	return 0, &UnknownError{What: t.what, Got: s, Want: t.names}
}

// Marshal returns the wire name of v as text; the zero value is the empty text.
func (t Table[T]) Marshal(v T) ([]byte, error) {
	if v == 0 {
		return []byte{}, nil
	}
	if int(v) > len(t.names) {
		return nil, fmt.Errorf("%s %d has no name", t.what, v)
	}
	return []byte(t.names[v-1]), nil
}

// Unmarshal sets v from its wire name; the empty text is the zero value.
func (t Table[T]) Unmarshal(b []byte, v *T) error {
	if len(b) == 0 {
		*v = 0
		return nil
	}
	p, err := t.Parse(string(b))
	if err != nil {
		return err
	}
	*v = p
	return nil
}

// Names returns all wire names in the order of their values.
func (t Table[T]) Names() []string { return append([]string(nil), t.names...) }

// NamesOf returns the wire names of the enumeration that v points to a value of, or
// nil if it is none. An enumeration names its values when it refuses a text.
func NamesOf(v encoding.TextUnmarshaler) []string {
	var unknown *UnknownError
	if errors.As(v.UnmarshalText([]byte{0}), &unknown) {
		return slices.Clone(unknown.Want)
	}
	return nil
}

// UnknownError says that a text is none of an enumeration's names.
type UnknownError struct {
	What, Got string
	Want      []string
}

func (e *UnknownError) Error() string {
	return fmt.Sprintf("%q 不是可用的值，可用：%s / %q is no %s, use one of %s",
		e.Got, strings.Join(e.Want, "、"), e.Got, e.What, strings.Join(e.Want, ", "))
}
