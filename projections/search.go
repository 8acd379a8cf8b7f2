package projections

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"duban/domain/name"
)

// Search works on normalised text: without white space, full-width forms made
// half-width, letters in lower case and all brackets alike, so that 〔2019〕19号,
// [2019]19号 and （２０１９）１９号 are one. A query is found where its normalised words
// stand, literally, in the normalised text; several words must all be found.
//
// The full-text tables hold, for every text, its characters and pairs of
// neighbouring characters as tokens. A word of one or two characters is a token
// itself; a longer one is looked up by its pairs, and what they find is checked
// against the text, so there are no false finds.

// fieldBreak separates the fields of a searched text, so that no word is found
// across two of them. Normalisation keeps it, and no query can hold it.
const fieldBreak = "\x1f"

// maxQueryRunes bounds a search.
const maxQueryRunes = 200

func normalise(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	for _, r := range s {
		if r = normalRune(r); r >= 0 {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// normalRune returns the form under which r is compared, -1 if it is left out.
func normalRune(r rune) rune {
	switch {
	case r == '\x1f':
		return r
	case r >= '！' && r <= '～':
		r -= '！' - '!'
	case unicode.IsSpace(r), unicode.IsControl(r), unicode.Is(unicode.Cf, r):
		return -1
	}
	switch r {
	case '[', '{', '<', '【', '〖', '〈', '《', '「', '『', '﹝', '〔', '〘', '⟨':
		return '('
	case ']', '}', '>', '】', '〗', '〉', '》', '」', '』', '﹞', '〕', '〙', '⟩':
		return ')'
	}
	return unicode.ToLower(r)
}

// comparable returns an office's name as names are compared for being the same.
func comparable(n string) string { return name.Normalise(name.KindOfficeName, n) }

// word reports whether a rune may stand in a token.
func word(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsDigit(r) || r > unicode.MaxASCII && !unicode.IsPunct(r)
}

// tokens returns the tokens of a normalised text, each once, separated by blanks.
func tokens(norm string) string {
	var b strings.Builder
	b.Grow(4 * len(norm))
	seen := make(map[string]struct{}, len(norm))
	add := func(t string) {
		if _, ok := seen[t]; !ok {
			seen[t] = struct{}{}
			b.WriteString(t)
			b.WriteByte(' ')
		}
	}
	last := -1 // where the rune before begins, if it is a word rune
	for i, r := range norm {
		if !word(r) {
			last = -1
			continue
		}
		end := i + utf8.RuneLen(r)
		if r == utf8.RuneError {
			last = -1
			continue
		}
		add(norm[i:end])
		if last >= 0 {
			add(norm[last:end])
		}
		last = i
	}
	return b.String()
}

// A term is one word of a query.
type term struct {
	norm  string // to be found in the text
	match string // full-text expression that finds the candidates; empty: none, look at every text
	exact bool   // the expression finds nothing else
}

// terms splits a query at white space. One of nothing but white space and control
// characters is refused: it would find everything.
func terms(q string) ([]term, error) {
	if utf8.RuneCountInString(q) > maxQueryRunes {
		return nil, badQuery("q", "查询不超过 200 个字", "a query has at most 200 characters")
	}
	var out []term
	for _, f := range strings.Fields(q) {
		norm := strings.ReplaceAll(normalise(f), fieldBreak, "")
		if norm == "" {
			continue
		}
		out = append(out, newTerm(norm))
	}
	if q != "" && len(out) == 0 {
		return nil, badQuery("q", "没有可检索的字，请写一个字以上，或去掉 q", "there is nothing to search for: write a character or more, or leave q out")
	}
	return out, nil
}

func newTerm(norm string) term {
	t := term{norm: norm}
	runes := []rune(norm)
	var parts []string
	for i, r := range runes {
		switch {
		case !word(r) || r == utf8.RuneError:
		case i+1 < len(runes) && word(runes[i+1]) && runes[i+1] != utf8.RuneError:
			parts = append(parts, `"`+string(runes[i:i+2])+`"`)
		case i == 0 || !word(runes[i-1]): // stands alone
			parts = append(parts, `"`+string(r)+`"`)
		}
	}
	t.match = strings.Join(parts, " AND ")
	t.exact = len(parts) == 1 && len(runes) <= 2 && t.match == `"`+norm+`"`
	return t
}

// in returns the condition that a row's text holds the term: rows of table, whose
// key is n and whose normalised text is norm.
func (t term) in(table string) (cond string, args []any) {
	if t.match == "" {
		return "instr(" + table + ".norm, ?) > 0", []any{t.norm}
	}
	cond, args = table+".n IN (SELECT rowid FROM "+table+"_words WHERE "+table+"_words MATCH ?)", []any{t.match}
	if !t.exact {
		cond, args = cond+" AND instr("+table+".norm, ?) > 0", append(args, t.norm)
	}
	return cond, args
}
