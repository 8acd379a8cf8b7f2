package notice

import (
	"strings"
	"unicode/utf8"
)

// A style is a way of labelling: 一、 and （一） and 1. are three. The first seven
// stand in the order of GB/T 9704; the rest go below whatever they follow.
type style uint8

const (
	styleChapter      style = iota + 1 // 第一章
	styleSection                       // 第一节
	styleArticle                       // 第一条
	styleHan                           // 一、
	styleHanBracket                    // （一）
	styleDigit                         // 1.
	styleDecimal                       // 1.1
	styleDigitBracket                  // （1）
	styleDigitHalf                     // 1）
	styleCircle                        // ①
	styleRow                           // the serial number in a table
)

// below reports whether a label of style s may stand below one of style t.
func (s style) below(t style) bool { return s >= styleDigitBracket || t < s }

// A label begins a paragraph.
type label struct {
	style   style
	printed string // without the punctuation behind it; the brackets of （一） are its own
	number  int
	width   int // bytes of the label with its punctuation
}

const hanDigits = "〇零一二三四五六七八九十百"

// mayLabel reports whether a label may begin with r.
func mayLabel(r rune) bool {
	return r == '第' || r == '（' || r == '(' || isDigit(r) || isCircled(r) || isHanNumber(r)
}

func isHanNumber(r rune) bool { return strings.ContainsRune(hanDigits, r) }

func isCircled(r rune) bool { return r >= '①' && r <= '⑳' }

func isDigit(r rune) bool { return r >= '0' && r <= '9' || r >= '０' && r <= '９' }

const (
	// 第三条规定的… refers to an article and labels nothing.
	afterReference = "规所之中款项的、，及至和第"
	// 2.5万吨 is a quantity.
	afterQuantity = "万亿元倍米平公吨个户千百年月日级版前分小"
)

// labelOf returns the label a trimmed paragraph begins with.
func labelOf(s string) (label, bool) {
	s = start(s, 60)
	first, w := utf8.DecodeRuneInString(s)
	switch {
	case first == '第':
		return chapterLabel(s)
	case first == '（', first == '(':
		return bracketLabel(s)
	case isDigit(first):
		return digitLabel(s)
	case isCircled(first):
		return label{styleCircle, s[:w], ordinal(s[:w]), w + stop(s[w:])}, true
	case isHanNumber(first):
		n := run(s, isHanNumber)
		if end := n + blanks(s[n:]); stop(s[end:]) > 0 {
			return label{styleHan, s[:n], ordinal(s[:n]), end + stop(s[end:])}, true
		}
	}
	return label{}, false
}

// run is how many bytes s begins with that are of a kind.
func run(s string, kind func(rune) bool) int {
	if i := strings.IndexFunc(s, func(r rune) bool { return !kind(r) }); i >= 0 {
		return i
	}
	return len(s)
}

func blanks(s string) int { return len(s) - len(strings.TrimLeft(s, " \t\n\f\r")) }

// stop is the width of the punctuation behind a label, 0 if there is none.
func stop(s string) int {
	for _, p := range []string{"、", "．", "."} {
		if strings.HasPrefix(s, p) {
			return len(p)
		}
	}
	return 0
}

// numberAt reads a number in Chinese or in up to three digits.
func numberAt(s string) (width int, style style) {
	if n := run(s, isHanNumber); n > 0 {
		return n, styleHanBracket
	}
	n := run(s, isDigit)
	if utf8.RuneCountInString(s[:n]) > 3 {
		return 0, 0
	}
	return n, styleDigitBracket
}

// chapterLabel reads 第一章, 第二节, 第3条.
func chapterLabel(s string) (label, bool) {
	from := len("第") + blanks(s[len("第"):])
	n := run(s[from:], isHanNumber)
	if n == 0 {
		n = run(s[from:], isDigit)
	}
	at := from + n + blanks(s[from+n:])
	for _, kind := range []struct {
		word  string
		style style
	}{{"章", styleChapter}, {"编", styleChapter}, {"部分", styleChapter}, {"节", styleSection}, {"条", styleArticle}} {
		if n == 0 || !strings.HasPrefix(s[at:], kind.word) {
			continue
		}
		end := at + len(kind.word)
		width := end + run(s[end:], func(r rune) bool { return strings.ContainsRune("　 、：:", r) })
		if next, _ := utf8.DecodeRuneInString(s[width:]); width == end && strings.ContainsRune(afterReference, next) {
			return label{}, false
		}
		return label{kind.style, squeeze(s[:end]), ordinal(s[from : from+n]), width}, true
	}
	return label{}, false
}

// bracketLabel reads （一） and (1).
func bracketLabel(s string) (label, bool) {
	_, w := utf8.DecodeRuneInString(s)
	from := w + blanks(s[w:])
	n, style := numberAt(s[from:])
	at := from + n + blanks(s[from+n:])
	closing, w := utf8.DecodeRuneInString(s[at:])
	if n == 0 || closing != '）' && closing != ')' {
		return label{}, false
	}
	end := at + w
	return label{style, squeeze(s[:end]), ordinal(s[from : from+n]), end + stop(s[end:])}, true
}

// digitLabel reads 1.1, 1. and 1）.
func digitLabel(s string) (label, bool) {
	n := run(s, isDigit)
	count := utf8.RuneCountInString(s[:n])
	if count > 3 {
		return label{}, false
	}
	if point := stop(s[n:]); count <= 2 && point > 0 && !strings.HasPrefix(s[n:], "、") {
		from := n + point
		m := run(s[from:], isDigit)
		next, _ := utf8.DecodeRuneInString(s[from+m:])
		if k := utf8.RuneCountInString(s[from : from+m]); (k == 1 || k == 2) && (isHan(next) || from+m < len(s) && strings.ContainsRune("、 \t\n\f\r　", next)) {
			return label{styleDecimal, s[:from+m], ordinal(s[from : from+m]), from + m}, !strings.ContainsRune(afterQuantity, next)
		}
	}
	at := n + blanks(s[n:])
	if w := stop(s[at:]); w > 0 {
		// 2.5 is a number, 2019.6 a date.
		next, _ := utf8.DecodeRuneInString(s[at+w:])
		return label{styleDigit, s[:n], ordinal(s[:n]), at + w}, !isDigit(next)
	}
	if r, w := utf8.DecodeRuneInString(s[n:]); r == '）' || r == ')' {
		return label{styleDigitHalf, s[:n], ordinal(s[:n]), n + w}, true
	}
	return label{}, false
}

func squeeze(s string) string { return strings.Join(strings.Fields(s), "") }

// ordinal reads 十二, 12, １２ and ⑫; 0 if it can't.
func ordinal(s string) int {
	if r, n := utf8.DecodeRuneInString(s); n == len(s) && r >= '①' && r <= '⑳' {
		return int(r-'①') + 1
	}
	total, unit := 0, 0
	for _, r := range s {
		switch {
		case r >= '0' && r <= '9':
			total = total*10 + int(r-'0')
		case r >= '０' && r <= '９':
			total = total*10 + int(r-'０')
		case r == '十':
			total += max(unit, 1) * 10
			unit = 0
		case r == '百':
			total += max(unit, 1) * 100
			unit = 0
		default:
			d := hanDigit(r)
			if d < 0 {
				return 0
			}
			unit = d
		}
		if total > 9999 {
			return 0
		}
	}
	return total + unit
}

func hanDigit(r rune) int {
	if r == '零' {
		return 0
	}
	i := strings.IndexRune("〇一二三四五六七八九", r)
	if i < 0 {
		return -1
	}
	return i / len("〇")
}
