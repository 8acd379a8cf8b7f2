package notice

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// A cutter takes apart documents that were flattened into one line, or into one a
// page. It counts the labels over all of them: a label is believed only if it
// continues the count of its kind, so that numbers in running text stay where they
// are.
type cutter struct {
	counts map[style]int
	cut    bool // a line was taken apart already
}

const (
	// longLine is how many characters make a line suspect of holding a flattened
	// document. Real paragraphs stay well below.
	longLine = 2000
	// crammed is how many make one suspect that holds several labels.
	crammed = 60
)

var (
	// Where a flattened text may go on to something new.
	cutBefore = regexp.MustCompile(`^(附\s*件\s*\d*|[（(]此件|[（(]联系方式已隐去|抄送[：:]|特此(通知|函告))`)
	titleEnd  = regexp.MustCompile(`^的(通知|函|意见|实施意见|若干意见|方案|决定|通报|报告|请示|批复|公告|通告)`)
	fullDate  = regexp.MustCompile(`(19|20)\d\d年\d{1,2}月\d{1,2}日`)
	// Headings that are the same everywhere are told from the text behind them, which
	// no stop sets off.
	usualHeading = regexp.MustCompile(`^(?:(?:总体|工作|有关|相关|主要|发展|基本|重点|目标|整治|检查|实施|组织|保障|时间|进度)(?:要求|目标|原则|任务|内容|范围|对象|重点|步骤|安排|措施|实施|保障|领导)|指导思想)`)
	// What is sent behind a signature: its title, and how such texts begin.
	sentTitle = regexp.MustCompile(`^([^，。；：:]{4,60}?(?:方案|措施|意见|清单|要点|办法|分工|规划|计划|细则|规定|任务|分解表|预案|标准|制度|规则)(?:[（(][^）)]{1,20}[）)])?)(为|根据|按照|依据|一、|第一章|第一条)`)
)

// flattened reports whether a line holds what others print on many: it is longer
// than any paragraph, or headings are counted in it.
func (c *cutter) flattened(l string) bool {
	n := utf8.RuneCountInString(l)
	if n >= longLine || c.cut && n >= crammed {
		return true
	}
	if n < crammed || !strings.Contains(l, "二、") && !strings.Contains(l, "（二）") && !strings.Contains(l, "(二)") {
		return false
	}
	// Only chapters are told from what a sentence counts up.
	cuts := map[int]bool{}
	trial := cutter{counts: map[style]int{}}
	trial.labels(l, 0, cuts)
	chapters := 0
	for at := range cuts {
		if first, _ := utf8.DecodeRuneInString(l[at:]); !isDigit(first) && (at == 0 || !endsWith(strings.TrimRight(l[:at], "；;"), "：:") && (!endsWith(l[:at], "；;") || endsWith(strings.TrimRight(l[:at], "；;"), "）)】"))) {
			chapters++
		}
	}
	return chapters >= 2
}

// countedUp splits a paragraph that begins with the first of several items before
// the others: (1)…;(2)…;(3)….
func countedUp(l string) []string {
	first, ok := labelOf(l)
	if !ok || first.number != 1 || first.style < styleHanBracket || first.style == styleDecimal {
		return []string{l}
	}
	var out []string
	from, next := 0, 2
	for i, r := range l {
		if i < first.width || !mayLabel(r) || !endsWith(l[:i], "；;。") {
			continue
		}
		if at, ok := labelOf(l[i:]); ok && at.style == first.style && at.number == next {
			out = append(out, trim(l[from:i]))
			from, next = i, next+1
		}
	}
	return append(out, l[from:])
}

// takeApart splits a line at its title, its addressees, its labels and its closing
// parts.
func (c *cutter) takeApart(s string) []string {
	cuts := map[int]bool{}
	body := 0
	if !c.cut {
		body = cutHead(s, cuts)
	}
	c.cut = true
	for i, r := range s {
		if strings.ContainsRune("附（(抄特", r) && cutBefore.MatchString(start(s[i:], 30)) && (i == 0 || endsWith(s[:i], "。！；;）)】0123456789日")) {
			cuts[i] = true
		}
	}
	for _, m := range fullDates(s) {
		cutSignature(s, m, cuts)
	}
	c.labels(s, body, cuts)
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

func isUsualHeading(text string) bool {
	return usualHeading.FindString(text) == strings.TrimRight(text, "。.：:")
}

func fullDates(s string) [][]int {
	if !strings.Contains(s, "年") {
		return nil
	}
	return fullDate.FindAllStringIndex(s, -1)
}

// cutSignature cuts around a date that closes a stretch without a sentence, with
// who signs before it.
func cutSignature(s string, m []int, cuts map[int]bool) {
	rest := s[m[1]:]
	if rest == "" || strings.HasPrefix(rest, "(此件") || strings.HasPrefix(rest, "（此件") || strings.HasPrefix(rest, "印发") {
		cuts[m[1]] = true
	}
	before := tail(s[:m[0]], 150)
	stop := strings.LastIndexAny(before, "。；！")
	if stop < 0 {
		return
	}
	_, w := utf8.DecodeRuneInString(before[stop:])
	signer := mend(before[stop+w:])
	if signer == "" || utf8.RuneCountInString(signer) > 45 || strings.ContainsAny(signer, "，：:、“《") || !signs(signer) {
		return
	}
	if r, _ := utf8.DecodeRuneInString(rest); strings.ContainsRune("前起至到以之，,。、；;—-～", r) {
		return
	}
	cuts[m[0]-len(before)+stop+w] = true
	cuts[m[1]] = true
	if t := sentTitle.FindStringSubmatchIndex(start(rest, 300)); t != nil {
		cuts[m[1]+t[3]] = true
	}
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

// labels cuts before the labels of a line.
func (c *cutter) labels(s string, from int, cuts map[int]bool) {
	next := c.counts
	behind := from // the last thing that looked like a label
	for i, r := range s[from:] {
		at := from + i
		if at < behind || !mayLabel(r) || isDigit(r) && endsDigit(s[:at]) {
			continue
		}
		l, ok := labelOf(s[at:])
		if !ok || l.style != styleHan && l.style != styleHanBracket && l.style != styleDigit {
			continue
		}
		behind = at + l.width
		if _, empty := labelOf(s[behind:]); empty && l.style == styleHan {
			continue // 一、二、三产业
		}
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
		if m := usualHeading.FindStringIndex(start(s[behind:], 40)); m != nil && l.style <= styleHanBracket {
			cuts[behind+m[1]] = true
		}
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

func endsDigit(s string) bool { return s != "" && s[len(s)-1] >= '0' && s[len(s)-1] <= '9' }
