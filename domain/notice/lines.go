package notice

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// A piece is a printed line, or a stretch of one where a whole document was
// flattened into a line.
type piece struct {
	text  string   // trimmed
	line  int      // in the source, from 1
	cells []string // between tabs, if it may be the row of a table
}

// maxTitle bounds, in bytes, how far a title is looked for.
const maxTitle = 900

// longLine is how many characters make a line suspect of holding a flattened
// document. Real paragraphs stay well below.
const longLine = 2000

// pieces returns the non-blank lines of a text, flattened ones taken apart.
func pieces(text string) []piece {
	var out []piece
	for i, l := range strings.Split(text, "\n") {
		cells := cellsOf(l)
		l = trim(l)
		if l == "" {
			continue
		}
		if utf8.RuneCountInString(l) < longLine {
			out = append(out, piece{l, i + 1, cells})
			continue
		}
		for _, p := range takeApart(l) {
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

var (
	// Where a flattened text may go on to something new.
	cutBefore = regexp.MustCompile(`^(附件|附\s*件\d|[（(]此件|[（(]联系方式已隐去|抄送[：:]|特此(通知|函告))`)
	titleEnd  = regexp.MustCompile(`^的(通知|函|意见|实施意见|若干意见|方案|决定|通报|报告|请示|批复|公告|通告)`)
	fullDate  = regexp.MustCompile(`(19|20)\d\d年\d{1,2}月\d{1,2}日`)
)

// takeApart splits a document that was flattened into one line at its title, its
// addressees, its labels and its closing parts. A label is believed only if it
// continues the count of its kind, so that numbers in running text stay where
// they are.
func takeApart(s string) []string {
	cuts := map[int]bool{}
	body := cutHead(s, cuts)
	for i, r := range s {
		if strings.ContainsRune("附（(抄特", r) && cutBefore.MatchString(start(s[i:], 30)) {
			cuts[i] = true
		}
	}
	for _, m := range fullDates(s) {
		// A date that closes a sentence-less stretch is that of a signature.
		if strings.HasPrefix(s[m[1]:], "(此件") || strings.HasPrefix(s[m[1]:], "（此件") || m[1] == len(s) || strings.HasPrefix(s[m[1]:], "印发") {
			cuts[m[1]] = true
		}
	}
	cutLabels(s, body, cuts)
	var out []string
	from := 0
	for i := range s {
		if cuts[i] && i > from {
			out = append(out, s[from:i])
			from = i
		}
	}
	return append(out, s[from:])
}

func fullDates(s string) [][]int {
	if !strings.Contains(s, "年") {
		return nil
	}
	return fullDate.FindAllStringIndex(s, -1)
}

// cutHead cuts behind the title and the addressees and returns where the rest
// begins.
func cutHead(s string, cuts map[int]bool) int {
	about := strings.Index(s, "关于")
	if about < 0 || about > 300 {
		return 0
	}
	depth := 0
	for i, r := range s[about:min(len(s), about+maxTitle)] {
		switch r {
		case '《', '<', '〈':
			depth++
		case '》', '>', '〉':
			depth--
		}
		if r != '的' || depth != 0 {
			continue
		}
		if m := titleEnd.FindStringIndex(s[about+i:]); m != nil {
			end := about + i + m[1]
			if strings.HasPrefix(s[end:], "》") {
				continue
			}
			cuts[end] = true
			if colon := strings.IndexAny(s[end:], "：:"); colon >= 0 && colon < 300 && !strings.ContainsAny(s[end:end+colon], "。；") {
				_, w := utf8.DecodeRuneInString(s[end+colon:])
				end += colon + w
				cuts[end] = true
			}
			return end
		}
	}
	return 0
}

func cutLabels(s string, from int, cuts map[int]bool) {
	next := map[style]int{}
	behind := from // the last thing that looked like a label
	for i, r := range s[from:] {
		at := from + i
		if at < behind || formsFor(r) == nil || isDigit(r) && endsDigit(s[:at]) {
			continue
		}
		l, ok := labelOf(s[at:])
		if !ok || l.style != styleHan && l.style != styleHanBracket && l.style != styleDigit {
			continue
		}
		behind = at + l.width
		before, _ := utf8.DecodeLastRuneInString(s[:at])
		restart := l.number == 1
		if l.number != next[l.style]+1 && !restart {
			continue
		}
		switch l.style { //nolint:exhaustive // the others are believed wherever they continue their count
		case styleDigit:
			// 第1、2批 and 3.1 are no labels; a heading without a full stop may
			// stand directly before one.
			if before >= '0' && before <= '9' || strings.ContainsRune("第.-—~～至", before) {
				continue
			}
			if restart && next[styleDigit] > 0 && !ends(before) && !headingBefore(s[:at]) {
				continue
			}
		case styleHan, styleHanBracket:
			first := restart && next[l.style] == 0
			if !ends(before) && before != utf8.RuneError && !headingBefore(s[:at]) && !(first && attachedTitle.MatchString(tail(s[:at], 60))) {
				continue
			}
		}
		cuts[at] = true
		next[l.style] = l.number
		if l.style == styleHan {
			next[styleHanBracket] = 0
		}
	}
}

func ends(r rune) bool { return strings.ContainsRune("。！？；;：:）)】”》", r) }

// headingBefore reports whether what stands before is a heading without a full
// stop: from its label on no sentence has ended.
func headingBefore(s string) bool {
	s = tail(s, 180)
	cut := strings.LastIndexAny(s, "。！？；）)")
	if cut < 0 {
		return false
	}
	_, w := utf8.DecodeRuneInString(s[cut:])
	_, ok := labelOf(s[cut+w:])
	return ok
}
