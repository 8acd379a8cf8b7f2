package notice

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// account checks that nothing printed was dropped: every line is a recognised
// part or is warned of, and what is in the body stands in the clauses, their
// labels, headings and marks, in the order of the text.
func account(t *testing.T, source []byte) (Draft, error) {
	t.Helper()
	text, media, warnings, err := decode(source)
	if err != nil {
		return Draft{}, err
	}
	d, p, err := read(text, media, warnings)
	if err != nil {
		return Draft{}, err
	}
	warned := map[int]bool{}
	for _, w := range d.Warnings {
		warned[w.Line] = true
	}
	var body strings.Builder
	lines := strings.Split(d.Source, "\n")
	at, pos := 1, 0
	for i, pc := range p.pieces {
		if p.parts[i] == partNone {
			assert.True(t, warned[pc.line], "line %d is neither recognised nor warned of", pc.line)
		}
		if p.parts[i] == partBody && pc.cells == nil {
			body.WriteString(pc.text)
		}
		// The pieces are all of the source but blanks.
		for ; at < pc.line; at, pos = at+1, 0 {
			assert.Empty(t, trim(lines[at-1][pos:]), "line %d", at)
		}
		skip := strings.Index(lines[at-1][pos:], pc.text)
		if assert.GreaterOrEqual(t, skip, 0, "line %d", at) {
			assert.Empty(t, trim(lines[at-1][pos:pos+skip]), "line %d", at)
			pos += skip + len(pc.text)
		}
	}
	for ; at <= len(lines); at, pos = at+1, 0 {
		assert.Empty(t, trim(lines[at-1][pos:]), "line %d", at)
	}

	var kept strings.Builder
	for _, c := range d.Clauses {
		// Which label a heading belongs to is not kept, nor where its mark stood.
		for _, l := range c.Path {
			kept.WriteString(l + strings.Join(c.Headings, "") + c.Mark)
		}
		kept.WriteString(c.Text)
		kept.WriteString(c.Mark)
	}
	for _, w := range d.Warnings { // a label without text, a heading's mark without clauses
		if strings.HasPrefix(w.Message, "标号") || strings.HasPrefix(w.Message, "标题上") {
			return d, nil
		}
	}
	if rest := missing(body.String(), kept.String()); rest != "" {
		t.Errorf("not in any clause from here on: %q\nbody: %q\nkept: %q", short(rest), body.String(), kept.String())
	}
	return d, nil
}

// missing returns the end of text whose characters do not follow in kept.
// Punctuation and blanks do not count: labels and cuts lose theirs.
func missing(text, kept string) string {
	for i, r := range text {
		if !unicode.IsLetter(r) && !unicode.IsNumber(r) {
			continue
		}
		at := strings.IndexRune(kept, r)
		if at < 0 {
			return text[i:]
		}
		kept = kept[at+utf8.RuneLen(r):]
	}
	return ""
}

func TestNothingPrintedIsDropped(t *testing.T) {
	seed, err := os.ReadFile(filepath.Join("testdata", "notice-2019-19.txt"))
	require.NoError(t, err)
	for _, source := range append([]string{string(seed)}, samples...) {
		_, err := account(t, []byte(source))
		require.NoError(t, err)
	}
	assert.NotEmpty(t, missing("甲乙", "乙甲"), "the check can fail")
}

func FuzzParse(f *testing.F) {
	for _, s := range samples {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, source []byte) {
		d, err := account(t, source)
		again, err2 := Parse(source)
		if err != nil {
			require.Equal(t, err, err2)
			return
		}
		require.Equal(t, d, again, "the same bytes give the same draft")
		first, err := json.Marshal(d)
		require.NoError(t, err)
		require.True(t, utf8.Valid(first))
		require.False(t, bytes.ContainsRune(first, utf8.RuneError) && !strings.ContainsRune(d.Source, utf8.RuneError), "no character was cut")
		var back Draft
		require.NoError(t, json.Unmarshal(first, &back))
		second, err := json.Marshal(back)
		require.NoError(t, err)
		require.Equal(t, string(first), string(second))
		last := strings.Count(d.Source, "\n") + 1
		for i, c := range d.Clauses {
			require.Equal(t, i+1, c.Number)
			require.Equal(t, TextHash(c.Text), c.TextSHA256)
			require.True(t, 1 <= c.Lines[0] && c.Lines[0] <= c.Lines[1] && c.Lines[1] <= last, "lines %v of %d", c.Lines, last)
			for _, o := range c.Offices {
				require.NotEmpty(t, o.Name)
				require.NotZero(t, o.Role)
			}
		}
	})
}
