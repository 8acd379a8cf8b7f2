package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// unmarshalBody decodes a request's body, which huma does twice: as anything, which is
// validated, and, whatever that came to, as what an operation takes. The second time
// says nothing about the bytes that the first did not.
func unmarshalBody(data []byte, v any) error {
	if _, first := v.(*any); first {
		return unmarshalStrict(data, v)
	}
	return json.Unmarshal(data, v)
}

// unmarshalStrict decodes JSON as a ledger should, refusing whatever decoders
// read in more than one way (RFC 8259, sections 4, 8 and 9; RFC 7493): bytes that
// are no UTF-8, half a surrogate pair, a name given twice in one object, a name
// in another case than ours, and anything after the value.
func unmarshalStrict(data []byte, v any) error {
	if !utf8.Valid(data) {
		return errors.New("JSON 不是有效的 UTF-8 / the JSON is not valid UTF-8")
	}
	if err := checkSurrogates(data); err != nil {
		return err
	}
	c := checker{dec: json.NewDecoder(bytes.NewReader(data))}
	c.dec.UseNumber()
	if err := c.value(); err != nil {
		return err
	}
	if _, err := c.dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("JSON 之后还有多余内容 / there is something after the JSON value")
	}
	return json.Unmarshal(data, v)
}

// maxDepth bounds nesting, which encoding/json bounds only at 10,000.
const maxDepth = 64

// A checker reads one JSON value; path leads to where it is.
type checker struct {
	dec  *json.Decoder
	path []string
}

func (c *checker) value() error {
	if len(c.path) > maxDepth {
		return errors.New("JSON 嵌套过深 / the JSON is nested too deeply")
	}
	t, err := c.token()
	if err != nil {
		return err
	}
	switch t {
	case json.Delim('{'):
		err = c.members()
	case json.Delim('['):
		for err == nil && c.dec.More() {
			err = c.under("[]")
		}
	default:
		return nil
	}
	if err != nil {
		return err
	}
	_, err = c.token() // the closing delimiter
	return err
}

func (c *checker) members() error {
	seen := map[string]bool{}
	for c.dec.More() {
		t, err := c.token()
		if err != nil {
			return err
		}
		name, _ := t.(string)
		if seen[name] {
			full := c.place(name)
			return fmt.Errorf("字段 %s 重复 / the field %s is given twice", full, full)
		}
		if strings.ContainsFunc(name, foreign) {
			full := c.place(name)
			return fmt.Errorf("没有字段 %s，字段名用小写字母 / there is no field %s: names are in lower case", full, full)
		}
		seen[name] = true
		if err := c.under(name); err != nil {
			return err
		}
	}
	return nil
}

func (c *checker) place(name string) string {
	return strings.Join(append(slices.Clip(c.path), name), ".")
}

// foreign reports letters that encoding/json would take for one of our names'
// although they aren't: capitals, and the few others that fold to a-z.
func foreign(r rune) bool { return r >= utf8.RuneSelf || 'A' <= r && r <= 'Z' }

func (c *checker) under(name string) error {
	c.path = append(c.path, name)
	defer func() { c.path = c.path[:len(c.path)-1] }()
	return c.value()
}

func (c *checker) token() (json.Token, error) {
	t, err := c.dec.Token()
	if err != nil {
		return nil, fmt.Errorf("JSON 在第 %d 字节处无法解析 / invalid JSON at byte %d: %w", c.dec.InputOffset(), c.dec.InputOffset(), err)
	}
	return t, nil
}

// checkSurrogates refuses an escaped half of a UTF-16 pair, which decoders
// replace without a word. In valid JSON a backslash stands only in strings.
func checkSurrogates(data []byte) error {
	for i := 0; i+1 < len(data); i++ {
		if data[i] != '\\' {
			continue
		}
		high, low := escaped(data[i:]), uint64(0)
		if i+6 <= len(data) {
			low = escaped(data[i+6:])
		}
		switch {
		case high < 0xD800 || high > 0xDFFF:
			i++ // the escaped character, which may be a backslash
		case high < 0xDC00 && low >= 0xDC00 && low <= 0xDFFF:
			i += 11
		default:
			return fmt.Errorf("JSON 第 %d 字节处的 UTF-16 代理对不完整 / half a UTF-16 pair at byte %d of the JSON", i, i)
		}
	}
	return nil
}

// escaped returns the code unit that \uXXXX at the beginning of b means, else 0.
func escaped(b []byte) uint64 {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return 0
	}
	u, err := strconv.ParseUint(string(b[2:6]), 16, 16)
	if err != nil {
		return 0
	}
	return u
}
