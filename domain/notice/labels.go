package notice

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// A style is a way of labelling: 一、 and （一） and 1. are three. Which stands
// above which is found out from the order in which they appear.
type style uint8

const (
	styleChapter      style = iota + 1 // 第一章
	styleArticle                       // 第一条
	styleHan                           // 一、
	styleHanBracket                    // （一）
	styleDigit                         // 1.
	styleDigitBracket                  // （1）
	styleCircle                        // ①
)

// A label begins a paragraph.
type label struct {
	style   style
	printed string // without the punctuation behind it
	number  int
	width   int // bytes of the label with its punctuation
}

const hanDigits = "〇零一二三四五六七八九十百"

var labelForms = []struct {
	style style
	form  *regexp.Regexp // group 1: as printed, group 2: the number
}{
	{styleChapter, regexp.MustCompile(`^(第([` + hanDigits + `]+|\d+)(?:章|编|部分))[　 、：:]*`)},
	{styleArticle, regexp.MustCompile(`^(第([` + hanDigits + `]+|\d+)条)[　 、：:]*`)},
	{styleHan, regexp.MustCompile(`^(([` + hanDigits + `]+))\s*[、．.]`)},
	{styleHanBracket, regexp.MustCompile(`^([（(]([` + hanDigits + `]+)[）)])[、．.]?`)},
	{styleDigitBracket, regexp.MustCompile(`^([（(](\d{1,3})[）)])[、．.]?`)},
	{styleDigit, regexp.MustCompile(`^((\d{1,3}))\s*[、．.]`)},
	{styleDigit, regexp.MustCompile(`^((\d{1,3})[）)])`)},
	{styleCircle, regexp.MustCompile(`^(([①-⑳]))`)},
}

// labelOf returns the label a trimmed paragraph begins with.
func labelOf(s string) (label, bool) {
	for _, f := range labelForms {
		m := f.form.FindStringSubmatchIndex(s)
		if m == nil {
			continue
		}
		rest := s[m[1]:]
		// 2.5 is a number, 2019.6 a date: no label.
		if f.style == styleDigit && rest != "" && rest[0] >= '0' && rest[0] <= '9' {
			continue
		}
		printed := s[m[2]:m[3]]
		if f.style == styleDigit {
			printed = s[m[4]:m[5]]
		}
		return label{style: f.style, printed: printed, number: ordinal(s[m[4]:m[5]]), width: m[1]}, true
	}
	return label{}, false
}

// ordinal reads 十二, 12 and ⑫; 0 if it can't.
func ordinal(s string) int {
	if r, n := utf8.DecodeRuneInString(s); n == len(s) && r >= '①' && r <= '⑳' {
		return int(r-'①') + 1
	}
	total, unit := 0, 0
	for _, r := range s {
		switch {
		case r >= '0' && r <= '9':
			total = total*10 + int(r-'0')
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
