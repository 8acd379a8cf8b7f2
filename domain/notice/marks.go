package notice

import (
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// A span is a mark found in a paragraph: s[from:to] is the mark as printed.
type span struct {
	from, to int
	content  string // between the brackets, or all of an unbracketed mark
}

// timesOnly reports whether a mark says until when and not who.
func (m span) timesOnly() bool {
	half, _ := narrow(trim(m.content))
	if !timeLabel.MatchString(start(half, 90)) && !soleLimit.MatchString(half) {
		return false
	}
	for _, p := range parts(half) {
		if !timeLabel.MatchString(start(p, 90)) && !soleLimit.MatchString(p) && !deadlineWords(p) {
			return false
		}
	}
	return true
}

const (
	labelKinds  = `责任|牵头|配合|主办|协办|承办|参与|参加|落实|实施|责任落实|组织实施|指导|主责|协同|协助|完成|主管|监督|督办`
	labelBodies = `处室|单位|部门|科室|机构|股室|司局|主体|地区|站所|科股|处（室）|科（室）|处\(室\)|科\(室\)`
)

var (
	// Words that name the part of the offices behind a colon: 责任处室：A、B.
	labelWords = regexp.MustCompile(`^(?:国家|自治区|[省市县区厅局])?(?:级|直|本级)?(?:主要|牵头|第一|共同|直接|具体)?(?:` + labelKinds + `)?(?:` + labelBodies + `)(?:（[^）]{1,10}）|\([^)]{1,10}\))?\s*[：:]` +
		`|^(?:牵头|配合|主办|协办|责任|承办|参与|指导|落实)\s*[：:]`)
	timeLabel  = regexp.MustCompile(`^(?:完成|办理|整改|落实|办结)?(?:时限|时间|期限|时间节点|时间要求|进度要求|进度安排|工作进度)(?:要求)?(?:\s*[：:]|[\s　]+)\s*`)
	personWord = regexp.MustCompile(`^(?:第一|主要|直接|具体|包抓|包保|包联|挂联|挂钩|联系|分管|牵头|责任|挂牌|督办|[省市县区乡镇厅局](?:级|委|政府)?|党政|单位|部门|企业)*(?:责任人员?|领导|负责人|联系人|负责同志|联络员|经办人)(?:及(?:职务|电话|联系电话|联系方式))?\s*[：:]`)
	// A label whose meaning is sure wherever it stands.
	strongLabel = regexp.MustCompile(`(?:责任|牵头|配合|主办|承办)(?:处室|单位|部门|科室)\s*[：:]`)
	// 责任单位 A without a colon, inside brackets.
	looseLabel = regexp.MustCompile(`^(?:(?:` + labelKinds + `)(?:` + labelBodies + `))[\s　]*`)
)

// sureLabel reports whether s begins with a label whose meaning is sure.
func sureLabel(s string) bool {
	at := strongLabel.FindStringIndex(start(s, 40))
	return at != nil && at[0] == 0
}

// closeUp takes out the blanks that set a label apart: 责 任 人：.
func closeUp(s string) string {
	colon := strings.IndexAny(start(s, 60), "：:")
	if colon < 0 || !strings.ContainsAny(s[:colon], " 　") {
		return s
	}
	if runes := strings.FieldsFunc(s[:colon], func(r rune) bool { return r == ' ' || r == '　' }); slices.ContainsFunc(runes, func(f string) bool { return utf8.RuneCountInString(f) > 2 }) {
		return s
	}
	if label := strings.ReplaceAll(strings.ReplaceAll(s[:colon], " ", ""), "　", "") + s[colon:]; labelWords.MatchString(start(label, 90)) || timeLabel.MatchString(start(label, 90)) || personWord.MatchString(start(label, 90)) {
		return label
	}
	return s
}

// startsMark reports whether s begins with a label of a mark.
func startsMark(s string) bool {
	s = closeUp(start(s, 90))
	return labelWords.MatchString(s) || timeLabel.MatchString(s) || personWord.MatchString(s)
}

// findMarks returns the marks of a paragraph in order. A bracket is a mark if
// its words are those of a mark and it stands where one may: behind a sentence,
// at the paragraph's end or before another mark. Brackets inside a sentence are
// the sentence's own. Without brackets a mark begins where a sentence may.
func findMarks(s string) []span {
	var out []span
	var times []span
	fresh := true // a sentence may begin here
	for i := 0; i < len(s); {
		r, w := utf8.DecodeRuneInString(s[i:])
		if strings.ContainsRune("（(【[〔", r) {
			if m, ok := bracketMark(s, i); ok {
				out = append(out, m)
				i, fresh = m.to, true
				continue
			}
			if m, ok := timeBracket(s, i); ok {
				times = append(times, m)
			}
		} else if fresh && mayBeginLabel(r) && startsMark(s[i:]) || strings.ContainsRune("责牵配主承", r) && endsWith(s[:i], "，,") && sureLabel(s[i:]) {
			if m, ok := bareMark(s, i); ok {
				out = append(out, m)
				i, fresh = m.to, true
				continue
			}
		}
		fresh = strings.ContainsRune("。；;！？ 　\t\n", r)
		i += w
	}
	if len(out) == 0 && strings.ContainsAny(s, "：:") {
		if at := strongLabel.FindStringIndex(s); at != nil {
			if m, ok := bareMark(s, at[0]); ok {
				out = append(out, m)
			}
		}
	}
	return withTimes(s, out, times)
}

// timeBracket returns the bracket that opens at i if it holds a time limit alone:
// （2021年6月底前完成）.
func timeBracket(s string, i int) (span, bool) {
	end, ok := closing(start(s, i+120), i)
	if !ok {
		return span{}, false
	}
	_, ow := utf8.DecodeRuneInString(s[i:])
	_, cw := utf8.DecodeLastRuneInString(s[:end])
	content := s[i+ow : end-cw]
	half, _ := narrow(trim(content))
	return span{i, end, content}, soleLimit.MatchString(half)
}

// withTimes adds the brackets of time to the marks. Beside a mark they belong to
// it; alone they close the paragraph or are part of its sentences, where a date is
// found anyway.
func withTimes(s string, marks, times []span) []span {
	if len(times) == 0 {
		return marks
	}
	gap := func(from, to int) bool { return from <= to && strings.Trim(s[from:to], " 　\t") == "" }
	k := 0 // times are in order, and so are marks
	out := make([]span, 0, len(marks)+len(times))
	for i, t := range times {
		for k < len(marks) && marks[k].from < t.from {
			out = append(out, marks[k])
			k++
		}
		behind := len(out) > 0 && gap(out[len(out)-1].to, t.from)
		before := k < len(marks) && gap(t.to, marks[k].from)
		if behind || before || len(times) == 1 && i == 0 && strings.Trim(s[t.to:], " 　\t。；;") == "" && trim(s[:t.from]) != "" {
			out = append(out, t)
		}
	}
	return append(out, marks[k:]...)
}

func mayBeginLabel(r rune) bool {
	return strings.ContainsRune("国自省市县区厅局级直本主牵第共具责配协承参落实组指完监督处单部科机股司站地办整时期进工包分挂联经", r)
}

// bracketMark returns the mark in the bracket that opens at i.
func bracketMark(s string, i int) (span, bool) {
	end, ok := closing(s, i)
	if !ok {
		return span{}, false
	}
	_, ow := utf8.DecodeRuneInString(s[i:])
	_, cw := utf8.DecodeLastRuneInString(s[:end])
	content := s[i+ow : end-cw]
	switch {
	case len(content) < len("甲局"):
		return span{}, false
	case isMark(content):
		sure := strongLabel.MatchString(start(content, 60))
		return span{i, end, content}, sure || markPlace(s, i, end) || endsWith(start(s[end:], 1), "，,")
	case onlyOffices(content):
		// 报领导小组办公室（市应急管理局） explains a name and gives no order.
		before := strings.TrimRight(tail(s[:i], 60), " 　")
		return span{i, end, content}, (before != "" || strings.Trim(s[end:], dropped) == "") && !officeEnd.match(before) && (markPlace(s, i, end) || oneOfSeveral(s, end))
	}
	return span{}, false
}

// oneOfSeveral: 查坝体（建管处），查闸门（规划处）. A bracket of names before a comma is
// a mark if another follows in the sentence.
func oneOfSeveral(s string, end int) bool {
	if !endsWith(start(s[end:], 1), "，,") {
		return false
	}
	rest, _, _ := strings.Cut(start(s[end:], 300), "。")
	at := strings.IndexAny(rest, "（(【")
	if at < 0 {
		return false
	}
	to, ok := closing(rest, at)
	if !ok {
		return false
	}
	_, ow := utf8.DecodeRuneInString(rest[at:])
	_, cw := utf8.DecodeLastRuneInString(rest[:to])
	content := rest[at+ow : to-cw]
	return isMark(content) || onlyOffices(content)
}

// bareMark returns the mark without brackets that begins at i. It goes on over
// full stops as long as another label follows, and over semicolons as long as what
// follows may belong to a mark.
func bareMark(s string, i int) (span, bool) {
	s = start(s, i+maxMark) // what is longer is no mark
	whole := len(s) < i+maxMark
	for end := i; ; {
		stop := strings.IndexAny(s[end:], "。；;")
		if stop >= 0 && !strings.HasPrefix(s[end+stop:], "。") {
			_, w := utf8.DecodeRuneInString(s[end+stop:])
			if end += stop + w; !inMark(s[end:]) {
				return span{i, end, s[i:end]}, true
			}
			continue
		}
		if stop < 0 {
			return span{i, len(s), s[i:]}, whole
		}
		end += stop + len("。")
		rest := strings.TrimLeft(s[end:], " 　\t")
		if !startsMark(rest) && !firstLeads.MatchString(firstSentenceOf(rest)) {
			return span{i, end, s[i:end]}, true
		}
		end = len(s) - len(rest)
	}
}

// inMark reports whether what follows a semicolon in a mark without brackets still
// says who or when.
func inMark(rest string) bool {
	rest = strings.TrimLeft(start(rest, 200), " 　\t")
	part := rest
	if stop := strings.IndexAny(rest, "，,；;。"); stop >= 0 {
		part = rest[:stop]
	}
	return part == "" || startsMark(rest) || plausible(splitVerbOr(part)) || deadlineWords(part) || firstLeads.MatchString(part) || slices.ContainsFunc(topLevel(part), person)
}

func firstSentenceOf(s string) string {
	s, _, _ = strings.Cut(start(s, 200), "。")
	return s
}

// maxMark bounds the brackets looked at, so that a text of opening brackets
// costs no more than its length.
const maxMark = 3000

// closing returns the end of the bracket that opens at i, nested ones counted.
// Opening and closing may differ in width: that is printed often.
func closing(s string, i int) (int, bool) {
	depth := 0
	limit := min(len(s), i+maxMark)
	for j, r := range s[i:limit] {
		switch r {
		case '（', '(', '【', '[', '〔':
			depth++
			if depth > 4 {
				return 0, false
			}
		case '）', ')', '】', ']', '〕':
			depth--
			if depth == 0 {
				return i + j + utf8.RuneLen(r), true
			}
		}
	}
	return 0, false
}

// markPlace: behind a mark comes the end, a full stop, a new sentence or another
// mark; before it a sentence has ended, unless the mark ends the paragraph.
func markPlace(s string, from, to int) bool {
	after := strings.TrimLeft(s[to:], " 　\t")
	if after == "" {
		return true
	}
	next, _ := utf8.DecodeRuneInString(after)
	if next == '.' && len(strings.TrimSpace(after)) == 1 {
		return true
	}
	if strings.ContainsRune("。；;（(【\n", next) {
		return true
	}
	before, _ := utf8.DecodeLastRuneInString(strings.TrimRight(s[:from], " 　\t"))
	return strings.ContainsRune("。！？；;”）)】", before)
}

var notMark = regexp.MustCompile(`^(以下|以上|上述|下同|简称|含|包括|不含|其中|例如|如|见|详见|附|征求意见稿|此件|略|试行|暂行|联系)`)

// isMark reports whether a bracket's words say who does something.
func isMark(content string) bool {
	c := trim(content)
	if c == "" || len(c) > maxMark || notMark.MatchString(start(c, 30)) {
		return false
	}
	if head := start(c, 90); labelWords.MatchString(head) || personWord.MatchString(head) || timeLabel.MatchString(head) && strings.ContainsAny(c, "：:") {
		return true
	}
	if m := looseLabel.FindString(start(c, 60)); m != "" && plausible(c[len(m):]) {
		return true
	}
	for _, part := range parts(c) {
		if names, verb, _ := splitVerb(part); verb != "" && plausible(names) {
			return true
		}
		if _, _, ok := together(part); ok {
			return true
		}
	}
	return false
}

// onlyOffices reports whether words are a list of whole names, or of names and
// time limits.
func onlyOffices(content string) bool {
	if len(content) > maxMark || strings.ContainsAny(content, "。：:《》") {
		return false
	}
	found := false
	for _, part := range splitOutside(content, "，,；;") {
		if half, _ := narrow(trim(part)); soleLimit.MatchString(half) || soleManner.MatchString(trim(part)) {
			continue
		}
		c, _ := cutOthers(part)
		for _, n := range splitNames(c) {
			if utf8.RuneCountInString(n) < 3 || !wholeName.match(unbracketed(n)) && !isGroup(n) {
				return false
			}
			found = true
		}
	}
	return found
}

// splitOutside splits at any of seps that stands outside of brackets.
func splitOutside(s, seps string) []string {
	var out []string
	depth, from := 0, 0
	for i, r := range s {
		switch {
		case strings.ContainsRune("（(〈《", r):
			depth++
		case strings.ContainsRune("）)〉》", r):
			depth--
		case depth <= 0 && strings.ContainsRune(seps, r):
			if from < i {
				out = append(out, s[from:i])
			}
			from = i + utf8.RuneLen(r)
		}
	}
	if from < len(s) {
		out = append(out, s[from:])
	}
	return out
}

func splitAny(s, seps string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(seps, r) })
}
