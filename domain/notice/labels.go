package notice

import (
	"regexp"
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

const digits = `[0-9０-９]`

type labelForm struct {
	style style
	form  *regexp.Regexp // group 1: as printed, group 2: the number
}

// The forms by the character they begin with.
var (
	chapterForms = []labelForm{
		{styleChapter, regexp.MustCompile(`^(第\s*([` + hanDigits + `]+|` + digits + `+)\s*(?:章|编|部分))[　 、：:]*`)},
		{styleSection, regexp.MustCompile(`^(第\s*([` + hanDigits + `]+|` + digits + `+)\s*节)[　 、：:]*`)},
		{styleArticle, regexp.MustCompile(`^(第\s*([` + hanDigits + `]+|` + digits + `+)\s*条)[　 、：:]*`)},
	}
	hanForms     = []labelForm{{styleHan, regexp.MustCompile(`^(([` + hanDigits + `]+))\s*[、．.]`)}}
	bracketForms = []labelForm{
		{styleHanBracket, regexp.MustCompile(`^([（(]\s*([` + hanDigits + `]+)\s*[）)])[、．.]?`)},
		{styleDigitBracket, regexp.MustCompile(`^([（(]\s*(` + digits + `{1,3})\s*[）)])[、．.]?`)},
	}
	digitForms = []labelForm{
		{styleDecimal, regexp.MustCompile(`^(` + digits + `{1,2}[．.](` + digits + `{1,2}))(?:[、\s　]|\p{Han})`)},
		{styleDigit, regexp.MustCompile(`^((` + digits + `{1,3}))\s*[、．.]`)},
		{styleDigitHalf, regexp.MustCompile(`^((` + digits + `{1,3})[）)])`)},
	}
	circleForms = []labelForm{{styleCircle, regexp.MustCompile(`^(([①-⑳]))[、．.]?`)}}
)

func formsFor(first rune) []labelForm {
	switch {
	case first == '第':
		return chapterForms
	case first == '（', first == '(':
		return bracketForms
	case isDigit(first):
		return digitForms
	case first >= '①' && first <= '⑳':
		return circleForms
	case strings.ContainsRune(hanDigits, first):
		return hanForms
	}
	return nil
}

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
	first, _ := utf8.DecodeRuneInString(s)
	for _, f := range formsFor(first) {
		m := f.form.FindStringSubmatchIndex(s)
		if m == nil {
			continue
		}
		l := label{style: f.style, printed: squeeze(s[m[2]:m[3]]), number: ordinal(s[m[4]:m[5]]), width: m[1]}
		next, _ := utf8.DecodeRuneInString(s[m[1]:])
		switch f.style { //nolint:exhaustive // only these can be parts of numbers and dates
		case styleDecimal:
			l.width = m[3]
			if next, _ = utf8.DecodeRuneInString(s[m[3]:]); strings.ContainsRune(afterQuantity, next) {
				return label{}, false
			}
		case styleDigit:
			if isDigit(next) { // 2.5 is a number, 2019.6 a date
				return label{}, false
			}
		case styleArticle, styleChapter, styleSection:
			if m[1] == m[3] && strings.ContainsRune(afterReference, next) {
				continue
			}
		}
		if f.style == styleDigit || f.style == styleDigitHalf {
			l.printed = s[m[4]:m[5]]
		}
		return l, true
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
