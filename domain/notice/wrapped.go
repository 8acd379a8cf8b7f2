package notice

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// wrapping tells which lines of a text were broken because the paper ended, not the
// paragraph.
type wrapping struct {
	full []bool // by line, from 0; nil if lines are paragraphs
}

const (
	minWrap = 15 // characters of the narrowest text that is looked at
	maxWrap = 80
)

// wrappingOf looks for a width that most longer lines reach and hardly any passes.
// Paper counts it in columns, programs in characters.
func wrappingOf(text string) wrapping {
	lines := strings.Split(text, "\n")
	if full := fullLines(lines, columns, 2); full != nil {
		return wrapping{full}
	}
	return wrapping{fullLines(lines, characters, 1)}
}

// fullLines tells the full lines by a measure, of which a character takes unit.
func fullLines(lines []string, measure func(string) int, unit int) []bool {
	var count [2*maxWrap + 1]int
	least, most, ragged := minWrap*unit, maxWrap*unit, unit+unit/2
	widths := make([]int, len(lines))
	passed := 0
	for i, l := range lines {
		switch widths[i] = measure(l); {
		case strings.Contains(l, "\t"):
		case widths[i] > most:
			passed++
		case widths[i] >= least:
			count[widths[i]]++
		}
	}
	for w := most; w >= least && passed*20 <= len(lines); w-- {
		if count[w] == 0 {
			continue
		}
		reach, shorter := 0, 0
		for k := w; k >= max(w*6/10, least); k-- {
			if k >= w-ragged {
				reach += count[k]
			} else {
				shorter += count[k]
			}
		}
		if reach >= 4 && reach > shorter && passed*20 <= reach {
			full := make([]bool, len(lines))
			for i := range lines {
				full[i] = widths[i] >= w-ragged
			}
			return full
		}
		passed += count[w]
	}
	return nil
}

// characters is the length of a line with its indent.
func characters(l string) int { return utf8.RuneCountInString(start(trimEnd(l), 8*maxWrap)) }

// columns is the width of a line in half-width columns, with its indent.
func columns(l string) int {
	n := 0
	for _, r := range start(trimEnd(l), 8*maxWrap) {
		if r < utf8.RuneSelf {
			n++
		} else {
			n += 2
		}
	}
	return n
}

func trimEnd(l string) string { return strings.TrimRight(l, " \t　\r\f\v") }

// ended reports whether the paper ended a line (from 1), so that the next goes on
// its paragraph.
func (w wrapping) ended(line int) bool { return w.full != nil && w.full[line-1] }

var (
	// A label whose words end a line, and one that the paper broke in two.
	labelAtEnd  = regexp.MustCompile(`(?:(?:` + labelKinds + `)(?:` + labelBodies + `)|(?:完成|办理|整改|办结)(?:时限|时间|期限))\s*[：:]$`)
	brokenLabel = regexp.MustCompile(`(?:` + labelKinds + `)(?:` + labelBodies + `)\s*[：:]|(?:完成|办理|整改|办结)(?:时限|时间|期限)\s*[：:]`)
)

// continues reports whether piece i goes on a paragraph for sure, whatever it looks
// like: a bracket is open, a label was broken, or it begins with what no paragraph
// does.
func (p *page) continues(lines []string, i int) bool {
	t := p.pieces[i].text
	before := lines[len(lines)-1]
	if first, _ := utf8.DecodeRuneInString(t); strings.ContainsRune("，。、；：）】》”,;", first) {
		return true
	}
	if labelAtEnd.MatchString(tail(before, 60)) {
		return !startsMark(t)
	}
	end := tail(before, 18)
	for _, m := range brokenLabel.FindAllStringIndex(end+start(t, 30), 2) {
		if m[0] < len(end) && m[1] > len(end) {
			return true
		}
	}
	return unclosed(strings.Join(lines[max(0, len(lines)-8):], "")) && p.closes(i)
}

// unclosed reports whether a bracket is open at the end of a paragraph.
func unclosed(s string) bool {
	s = tail(s, 600)
	depth := 0
	for i := len(s); i > 0; {
		r, w := utf8.DecodeLastRuneInString(s[:i])
		i -= w
		switch r {
		case '）', ')', '】', '〕', ']':
			depth++
		case '（', '(', '【', '〔', '[':
			if depth == 0 {
				return true
			}
			depth--
		}
	}
	return false
}

// closes reports whether one of the next pieces closes a bracket that was open
// before, and nothing of its own begins until then.
func (p *page) closes(i int) bool {
	depth := 0
	for k := i; k < min(i+4, len(p.pieces)); k++ {
		t := p.pieces[k].text
		if p.parts[k] == partPage {
			continue
		}
		if _, labelled := labelOf(t); labelled && k > i {
			return false
		}
		for _, r := range start(t, 300) {
			switch {
			case strings.ContainsRune("（(【〔[", r):
				depth++
			case strings.ContainsRune("）)】〕]", r):
				if depth == 0 {
					return true
				}
				depth--
			}
		}
	}
	return false
}
