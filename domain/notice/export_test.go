package notice

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Account checks that nothing printed was dropped: every line is a recognised
// part or is warned of, and what is in the body stands in the clauses, their
// labels, headings and marks, in the order of the text.
func Account(source []byte) (d Draft, faults []string, err error) {
	text, media, warnings, err := decode(source)
	if err != nil {
		return Draft{}, nil, err
	}
	d, p, err := read(text, media, warnings)
	if err != nil {
		return Draft{}, nil, err
	}
	check := func(ok bool, format string, args ...any) {
		if !ok {
			faults = append(faults, fmt.Sprintf(format, args...))
		}
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
			check(warned[pc.line], "line %d is neither recognised nor warned of", pc.line)
		}
		if p.parts[i] == partBody && pc.cells == nil {
			body.WriteString(pc.text)
		}
		// The pieces are all of the source but blanks.
		for ; at < pc.line; at, pos = at+1, 0 {
			check(trim(lines[at-1][pos:]) == "", "line %d was not read to its end", at)
		}
		skip := strings.Index(lines[at-1][pos:], pc.text)
		if skip < 0 || trim(lines[at-1][pos:pos+skip]) != "" {
			check(false, "line %d: %q does not follow", at, pc.text)
			return d, faults, nil
		}
		pos += skip + len(pc.text)
	}
	for ; at <= len(lines); at, pos = at+1, 0 {
		check(trim(lines[at-1][pos:]) == "", "line %d was not read to its end", at)
	}

	var kept strings.Builder
	for _, c := range d.Clauses {
		// Which label a heading belongs to is not kept, nor where its mark stood.
		for _, l := range c.Path {
			headings := strings.Join(c.Headings, "")
			kept.WriteString(l + headings + c.Mark + headings)
		}
		kept.WriteString(c.Text + c.Mark + c.Text) // a mark may stand inside the sentence
	}
	for _, w := range d.Warnings { // a label without text, a heading's mark without clauses
		if strings.HasPrefix(w.Message, "标号") || strings.HasPrefix(w.Message, "标题上") {
			return d, faults, nil
		}
	}
	printed := body.String()
	for _, m := range p.onHeadings { // they stand in the clauses below, not where they were printed
		printed = strings.Replace(printed, m, "", 1)
		check(strings.Contains(kept.String(), m), "%q on a heading is in no clause", m)
	}
	rest := Missing(printed, kept.String())
	check(rest == "", "not in any clause from here on: %q\nbody: %q\nkept: %q", short(rest), printed, kept.String())
	return d, faults, nil
}

// Missing returns the end of text whose characters do not follow in kept.
// Punctuation and blanks do not count: labels and cuts lose theirs.
func Missing(text, kept string) string {
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
