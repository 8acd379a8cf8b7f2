package enum

import (
	"errors"
	"strings"
	"testing"
)

type colour uint8

var colours = New[colour]("colour", "red", "green")

func TestTable(t *testing.T) {
	for v, name := range map[colour]string{1: "red", 2: "green"} {
		var back colour
		b, err := colours.Marshal(v)
		if err != nil || string(b) != name || colours.Name(v) != name {
			t.Errorf("%d: %q, %q, %v", v, b, colours.Name(v), err)
		}
		if err := colours.Unmarshal(b, &back); err != nil || back != v {
			t.Errorf("%q: %d, %v", b, back, err)
		}
		if p, err := colours.Parse(name); err != nil || p != v {
			t.Errorf("%q: %d, %v", name, p, err)
		}
	}
	if n := colours.Names(); len(n) != 2 || n[0] != "red" {
		t.Errorf("names %v", n)
	}
	colours.Names()[0] = "blue"
	if colours.Name(1) != "red" {
		t.Error("who asks for the names can change them")
	}
}

// A forgotten field is no value: its name is read by nobody, its text is empty.
func TestZero(t *testing.T) {
	v := colour(1)
	if b, err := colours.Marshal(0); err != nil || string(b) != "" {
		t.Errorf("%q, %v", b, err)
	}
	if err := colours.Unmarshal(nil, &v); err != nil || v != 0 {
		t.Errorf("%d, %v", v, err)
	}
	for _, v := range []colour{0, 3, 255} {
		if _, err := colours.Parse(colours.Name(v)); err == nil {
			t.Errorf("the name of %d is read", v)
		}
	}
	if _, err := colours.Marshal(3); err == nil {
		t.Error("a value without a name is written")
	}
	if _, err := colours.Parse(""); err == nil {
		t.Error("the empty name is read")
	}
}

func TestUnknown(t *testing.T) {
	v := colour(1)
	err := colours.Unmarshal([]byte("RED"), &v)
	u := (*UnknownError)(nil)
	if !errors.As(err, &u) || u.Got != "RED" || u.What != "colour" || v != 1 {
		t.Fatalf("%v, value %d", err, v)
	}
	if !strings.Contains(err.Error(), "red, green") || !strings.Contains(err.Error(), "red、green") {
		t.Errorf("%v does not name what may be used", err)
	}
}

func (c *colour) UnmarshalText(b []byte) error { return colours.Unmarshal(b, c) }

type free struct{}

func (free) UnmarshalText([]byte) error { return errors.New("no") }

func TestNamesOf(t *testing.T) {
	v := colour(1)
	names := NamesOf(&v)
	if strings.Join(names, " ") != "red green" || v != 1 {
		t.Errorf("%v, value %d", names, v)
	}
	names[0] = "blue"
	if colours.Name(1) != "red" {
		t.Error("who asks for the names can change them")
	}
	if names := NamesOf(free{}); names != nil {
		t.Errorf("no enumeration has the names %v", names)
	}
}
