package notice

import (
	"strings"
	"unicode/utf8"
)

// endings are words that names end in, by their last character. What a name ends
// in is asked so often that an expression would be most of the cost of reading.
type endings map[rune][]string

func endingsOf(words string) endings {
	e := endings{}
	for _, w := range strings.Split(words, "|") {
		last, _ := utf8.DecodeLastRuneInString(w)
		e[last] = append(e[last], w)
	}
	return e
}

// match reports whether s ends in one of the words and something stands before it.
func (e endings) match(s string) bool {
	last, _ := utf8.DecodeLastRuneInString(s)
	for _, w := range e[last] {
		if len(s) > len(w) && strings.HasSuffix(s, w) {
			return true
		}
	}
	return false
}
