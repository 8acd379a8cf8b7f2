package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// unmarshalStrict decodes JSON as a ledger should: a name given twice in one
// object, of which decoders keep one or the other (RFC 8259, section 4), and
// anything after the value are refused.
func unmarshalStrict(data []byte, v any) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	if err := checkValue(dec, ""); err != nil {
		return err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("JSON 之后还有多余内容 / there is something after the JSON value")
	}
	return json.Unmarshal(data, v)
}

// maxDepth bounds nesting, which encoding/json bounds only at 10,000.
const maxDepth = 64

func checkValue(dec *json.Decoder, path string) error {
	if bytes.Count([]byte(path), []byte(".")) > maxDepth {
		return errors.New("JSON 嵌套过深 / the JSON is nested too deeply")
	}
	t, err := dec.Token()
	if err != nil {
		return fmt.Errorf("JSON 无法解析 / invalid JSON at byte %d: %w", dec.InputOffset(), err)
	}
	switch t {
	case json.Delim('{'):
		seen := map[string]bool{}
		for dec.More() {
			t, err := dec.Token()
			if err != nil {
				return fmt.Errorf("JSON 无法解析 / invalid JSON at byte %d: %w", dec.InputOffset(), err)
			}
			name, _ := t.(string)
			if seen[name] {
				return fmt.Errorf("字段 %s 重复 / the field %s is given twice", path+"."+name, path+"."+name)
			}
			seen[name] = true
			if err := checkValue(dec, path+"."+name); err != nil {
				return err
			}
		}
	case json.Delim('['):
		for dec.More() {
			if err := checkValue(dec, path+".[]"); err != nil {
				return err
			}
		}
	default:
		return nil
	}
	_, err = dec.Token() // the closing delimiter
	if err != nil {
		return fmt.Errorf("JSON 无法解析 / invalid JSON at byte %d: %w", dec.InputOffset(), err)
	}
	return nil
}
