package eventstore

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math/bits"
	"strings"
)

// eachMember calls f with the key and the raw value of every member of the
// object doc. It refuses what json.Valid refuses, and duplicate keys in doc and in
// everything below. Two keys count as the same if they differ in case only,
// because encoding/json takes both for the same field: an event must not mean
// one thing to this program and another to the next. Where f knows a key it says
// so and looks out for its duplicates itself.
//
// Syntax and members are one walk because every event is read by it at every
// rebuild. What is wrong with a document that has several faults is for the caller
// to say: the first one met is returned, which may stand before one in the syntax.
func eachMember(doc []byte, f func(key, value []byte) (known bool, err error)) error {
	s := scanner{doc: doc}
	s.space()
	if s.peek() != '{' {
		return errors.New("不是 JSON 对象 / not a JSON object")
	}
	if err := s.object(f); err != nil {
		return err
	}
	if s.space(); s.i < len(s.doc) {
		return errSyntax
	}
	return nil
}

var errSyntax = errors.New("不是有效的 JSON / not valid JSON")

// maxDepth is how deep encoding/json lets objects and lists nest.
const maxDepth = 10_000

// A scanner walks over a JSON text (RFC 8259). Everything it steps over was looked at.
type scanner struct {
	doc   []byte
	i     int
	depth int
}

// peek returns the byte at hand, 0 at the end: no JSON text has one outside of a
// string, nor within.
func (s *scanner) peek() byte {
	if s.i < len(s.doc) {
		return s.doc[s.i]
	}
	return 0
}

func (s *scanner) space() {
	for s.i < len(s.doc) && (s.doc[s.i] == ' ' || s.doc[s.i] == '\n' || s.doc[s.i] == '\t' || s.doc[s.i] == '\r') {
		s.i++
	}
}

// list walks over what stands between the bracket at hand and its counterpart.
func (s *scanner) list(end byte, item func() error) error {
	if s.depth++; s.depth > maxDepth {
		return errSyntax
	}
	s.i++
	s.space()
	for first := true; s.peek() != end || !first; first = false {
		if err := item(); err != nil {
			return err
		}
		s.space()
		if s.peek() == end {
			break
		}
		if s.peek() != ',' {
			return errSyntax
		}
		s.i++
		s.space()
	}
	s.i++
	s.depth--
	return nil
}

func (s *scanner) object(f func(key, value []byte) (bool, error)) error {
	var seen keySet
	return s.list('}', func() error {
		quoted, err := s.text()
		if err != nil {
			return err
		}
		key := unquote(quoted)
		if s.space(); s.peek() != ':' {
			return errSyntax
		}
		s.i++
		s.space()
		start := s.i
		if err := s.value(); err != nil {
			return err
		}
		if f != nil {
			known, err := f(key, s.doc[start:s.i])
			if known || err != nil {
				return err
			}
		}
		if !seen.add(key) {
			return duplicateKey(key)
		}
		return nil
	})
}

func duplicateKey(key []byte) error {
	return fmt.Errorf("JSON 键 %q 重复 / the JSON key %q is there twice", key, key)
}

func (s *scanner) value() error {
	switch s.peek() {
	case '{':
		return s.object(nil)
	case '[':
		return s.list(']', s.value)
	case '"':
		_, err := s.text()
		return err
	case 't':
		return s.word("true")
	case 'f':
		return s.word("false")
	case 'n':
		return s.word("null")
	default:
		return s.number()
	}
}

func (s *scanner) word(w string) error {
	if rest := s.doc[s.i:]; len(rest) < len(w) || string(rest[:len(w)]) != w {
		return errSyntax
	}
	s.i += len(w)
	return nil
}

func (s *scanner) number() error {
	if s.peek() == '-' {
		s.i++
	}
	if s.peek() == '0' {
		s.i++
	} else if !s.digits() {
		return errSyntax
	}
	if s.peek() == '.' {
		s.i++
		if !s.digits() {
			return errSyntax
		}
	}
	if c := s.peek(); c == 'e' || c == 'E' {
		s.i++
		if c := s.peek(); c == '+' || c == '-' {
			s.i++
		}
		if !s.digits() {
			return errSyntax
		}
	}
	return nil
}

// digits walks over digits and reports whether there were any.
func (s *scanner) digits() bool {
	start := s.i
	for c := s.peek(); '0' <= c && c <= '9'; c = s.peek() {
		s.i++
	}
	return s.i > start
}

// text returns the string at hand with its quotes.
func (s *scanner) text() ([]byte, error) {
	if s.peek() != '"' {
		return nil, errSyntax
	}
	for i := s.i + 1; i < len(s.doc); i++ {
		if i += plain(s.doc[i:]); i == len(s.doc) {
			break
		}
		switch c := s.doc[i]; {
		case c == '"':
			quoted := s.doc[s.i : i+1]
			s.i = i + 1
			return quoted, nil
		case c == '\\':
			n := escape(s.doc[i+1:])
			if n == 0 {
				return nil, errSyntax
			}
			i += n
		case c < ' ':
			return nil, errSyntax
		}
	}
	return nil, errSyntax
}

// plain returns how many of the first bytes are nothing but text, at most as many as
// fill whole words: most of an event is such, and is looked at a word at a time.
func plain(b []byte) (n int) {
	for ; len(b)-n >= 8; n += 8 {
		// In each mask the lowest bit that is set is right; those above it may not be.
		word := binary.LittleEndian.Uint64(b[n:])
		if found := below(word, ' ') | below(word^eachByte*'"', 1) | below(word^eachByte*'\\', 1); found != 0 {
			return n + bits.TrailingZeros64(found)/8
		}
	}
	return n
}

// eachByte has a 1 in every byte of a word.
const eachByte = 0x0101010101010101

// below marks the top bit of a word's bytes that are less than c, which is at most 128.
// Above the lowest one it may mark others.
func below(word, c uint64) uint64 { return (word - eachByte*c) & ^word & (eachByte << 7) }

// escape returns how long what follows a backslash is, 0 if that is nothing of JSON.
func escape(b []byte) int {
	if len(b) == 0 {
		return 0
	}
	switch b[0] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 1
	case 'u':
		if len(b) < 5 {
			return 0
		}
		for _, c := range b[1:5] {
			if (c < '0' || c > '9') && (c < 'a' || c > 'f') && (c < 'A' || c > 'F') {
				return 0
			}
		}
		return 5
	}
	return 0
}

// unquote returns the text of a string that was walked over. It is part of quoted
// unless there are escapes.
func unquote(quoted []byte) []byte {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return quoted[1 : len(quoted)-1]
	}
	var t string
	_ = json.Unmarshal(quoted, &t) // valid JSON can't fail here
	return []byte(t)
}

// A keySet tells whether a key is new, ignoring case.
type keySet struct {
	few  [fewKeys][]byte
	n    int // of few
	many map[string]bool
}

const fewKeys = 16

func (k *keySet) add(key []byte) bool {
	if k.many == nil {
		for _, o := range k.few[:k.n] {
			if bytes.EqualFold(o, key) {
				return false
			}
		}
		if k.n < fewKeys {
			k.few[k.n] = key
			k.n++
			return true
		}
		k.many = make(map[string]bool, 2*fewKeys)
		for _, o := range k.few {
			k.many[fold(o)] = true
		}
	}
	if f := fold(key); !k.many[f] {
		k.many[f] = true
		return true
	}
	return false
}

// fold maps keys that are equal under Unicode case folding to one text.
func fold(key []byte) string { return strings.ToLower(strings.ToUpper(string(key))) }
