package eventstore

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// eachMember calls f with the key and the raw value of every member of the
// object doc, which is valid JSON, and refuses duplicate keys in it and in
// everything below. Two keys count as the same if they differ in case only,
// because encoding/json takes both for the same field: an event must not mean
// one thing to this program and another to the next. Where f knows a key it says
// so and looks out for its duplicates itself.
func eachMember(doc string, f func(key, value string) (known bool, err error)) error {
	s := scanner{doc: doc}
	s.space()
	if s.i >= len(s.doc) || s.doc[s.i] != '{' {
		return errors.New("不是 JSON 对象 / not a JSON object")
	}
	return s.object(f)
}

// A scanner walks over valid JSON; it leaves syntax to json.Valid, which ran
// before, and nesting is bounded by it too.
type scanner struct {
	doc string
	i   int
}

func (s *scanner) space() {
	for s.i < len(s.doc) && (s.doc[s.i] == ' ' || s.doc[s.i] == '\n' || s.doc[s.i] == '\t' || s.doc[s.i] == '\r') {
		s.i++
	}
}

func (s *scanner) object(f func(key, value string) (bool, error)) error {
	var seen keySet
	s.i++ // {
	for {
		s.space()
		switch s.doc[s.i] {
		case '}':
			s.i++
			return nil
		case ',':
			s.i++
			continue
		}
		key := unquote(s.text())
		s.space()
		s.i++ // :
		s.space()
		start := s.i
		if err := s.value(); err != nil {
			return err
		}
		if f != nil {
			known, err := f(key, s.doc[start:s.i])
			if err != nil {
				return err
			}
			if known {
				continue
			}
		}
		if !seen.add(key) {
			return duplicateKey(key)
		}
	}
}

func duplicateKey(key string) error {
	return fmt.Errorf("JSON 键 %q 重复 / the JSON key %q is there twice", key, key)
}

func (s *scanner) value() error {
	switch s.doc[s.i] {
	case '{':
		return s.object(nil)
	case '[':
		s.i++
		for {
			s.space()
			switch s.doc[s.i] {
			case ']':
				s.i++
				return nil
			case ',':
				s.i++
			default:
				if err := s.value(); err != nil {
					return err
				}
			}
		}
	case '"':
		s.text()
	default: // number, true, false, null
		for s.i < len(s.doc) && !strings.ContainsRune(",]} \n\t\r", rune(s.doc[s.i])) {
			s.i++
		}
	}
	return nil
}

// text returns the string at s.i with its quotes.
func (s *scanner) text() string {
	start := s.i
	for s.i++; s.doc[s.i] != '"'; s.i++ {
		if s.doc[s.i] == '\\' {
			s.i++
		}
	}
	s.i++
	return s.doc[start:s.i]
}

func unquote(quoted string) string {
	if strings.IndexByte(quoted, '\\') < 0 {
		return quoted[1 : len(quoted)-1]
	}
	var t string
	_ = json.Unmarshal([]byte(quoted), &t) // valid JSON can't fail here
	return t
}

// A keySet tells whether a key is new, ignoring case.
type keySet struct {
	few  []string
	many map[string]bool
}

const fewKeys = 16

func (k *keySet) add(key string) bool {
	if k.many == nil {
		for _, o := range k.few {
			if strings.EqualFold(o, key) {
				return false
			}
		}
		if k.few = append(k.few, key); len(k.few) <= fewKeys {
			return true
		}
		k.many = make(map[string]bool, 2*len(k.few))
		for _, o := range k.few {
			k.many[fold(o)] = true
		}
		return true
	}
	if f := fold(key); !k.many[f] {
		k.many[f] = true
		return true
	}
	return false
}

// fold maps keys that are equal under Unicode case folding to one text.
func fold(s string) string { return strings.ToLower(strings.ToUpper(s)) }
