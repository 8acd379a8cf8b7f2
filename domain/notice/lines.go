package notice

import (
	"strings"
	"unicode/utf8"
)

// A piece is a printed line, or a stretch of one where a whole document was
// flattened into a line.
type piece struct {
	text  string   // trimmed
	line  int      // in the source, from 1
	cells []string // between tabs, if it may be the row of a table
	goes  bool     // on in the paragraph that the piece before begins
}

// maxTitle bounds, in bytes, how far a title is looked for.
const maxTitle = 900

// pieces returns the non-blank lines of a text, flattened ones taken apart.
func pieces(text string) []piece {
	var out []piece
	c := cutter{counts: map[style]int{}}
	for i, l := range strings.Split(text, "\n") {
		cells := cellsOf(l)
		l = trim(l)
		if l == "" {
			continue
		}
		if !c.flattened(l) {
			for k, p := range countedUp(l) {
				out = append(out, piece{text: p, line: i + 1, cells: cells, goes: k > 0})
			}
			continue
		}
		for _, p := range c.takeApart(l) {
			if p = trim(p); p != "" {
				out = append(out, piece{text: p, line: i + 1})
			}
		}
	}
	return out
}

// start returns the characters that begin within the first n bytes of s. Matching
// costs by the length of what is given, also where an expression is anchored.
func start(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n < len(s) && !utf8.RuneStart(s[n]) {
		n++
	}
	return s[:n]
}

// tail returns the characters that end within the last n bytes of s.
func tail(s string, n int) string {
	if len(s) <= n {
		return s
	}
	at := len(s) - n
	for at > 0 && !utf8.RuneStart(s[at]) {
		at--
	}
	return s[at:]
}

func trim(s string) string { return strings.Trim(s, " \t　\u00a0\f\v\ufeff") }
