package notice

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"duban/domain/calendar"
)

// What counts as a time limit. A year by itself (到2025年) is a target of the
// plan, no deadline; a limit says 底, 前, 末 or names the day.
var (
	dated = regexp.MustCompile(`((?:19|20)\d\d)\s*年(?:\s*(\d{1,2})\s*月(?:份)?(?:\s*(\d{1,2})\s*日` + hour + `|(上旬|中旬|下旬|底|末))?|年?(底|末|上半年|下半年|第?[一二三四1-4]季度))?(底|末)?(之前|以前|前)?`)
	// Without a year: the year the notice was issued in.
	yearless = regexp.MustCompile(`(今年|本年|当年|明年)?(?:(\d{1,2})月(?:份)?(?:(\d{1,2})日` + hour + `|(上旬|中旬|下旬|底|末))?|年?(底|末|内)|(上半年|下半年|第?[一二三四1-4]季度)(?:底|末)?)(之前|以前|前)?`)
	// This month: 本月20日前.
	monthless = regexp.MustCompile(`(本|当|下)月(?:(\d{1,2})日` + hour + `|(底|末))(之前|以前|前)?`)
	within    = regexp.MustCompile(`(?:自|从)?(?:收到|接到)?(?:本?(?:通知|方案|意见|文件|办法|措施|计划|要点))?(印发|发布|下发|公布|施行|实施|收到|接到)?(?:之日|之?后)起?\s*(\d{1,3}|[一二两三四五六七八九十半百]+)\s*(个?工作日|个?自然日|日|天|周|个月|月|年)(?:之?内|以内)`)
	// 每月5日前, 每季度末, 每年12月底前 come again and again.
	recurs = regexp.MustCompile(`(?:每(?:年度?|半年|个?季度?|个?月|周|旬)|次[年月])(?:的?第?[一二三四\d]个?月|首月|末月|\d{1,2}月份?)?(?:结束后\d{1,2}个?(?:工作)?日内|的?\d{1,2}日` + hour + `|年?[底末]|[上中下]旬|[一二三四五]|初)?(?:之前|以前|前)?`)
	built  = regexp.MustCompile(`^(建成的|建设的|形成的|成立的|出台的|的)`)
	// A bare day behind these is a limit: 到2021年6月30日.
	untilThen = regexp.MustCompile(`(截至|于|(^|[，。；：、])到)$`)
	// What is no limit by itself but may stand for one behind 完成时限：.
	wholeYear  = regexp.MustCompile(`^(?:19|20)\d\d年(内|度|全年)?$`)
	limitWords = regexp.MustCompile(`长期坚持|长期推进|长期|持续推进|持续|立即|即刻|及时|按时|适时|常态化|\d{4}年|每年|每季度|每月|逐年|年底|月底|全年|工作日`)
	numeric    = regexp.MustCompile(`((?:19|20)\d\d)[.\-/．](\d{1,2})(?:[.\-/．](\d{1,2}))?(前|之前|以前)?`)
	stretch    = regexp.MustCompile(`\s*(?:—+|－+|-+|～|~|至|到)\s*`)
)

// hour may stand behind a day: （星期五）, 18:00, 下午5时, 下班.
const hour = `(?:[（(][^（）()]{1,6}[）)])?(?:上午|下午|中午|晚)?(?:\d{1,2}(?:[:：]\d\d|[时点]))?(?:下班)?`

// soleLimit matches words that are a limit and nothing else.
var soleLimit = regexp.MustCompile(`^(?:力争|确保|于|在|到)?(?:` +
	`(?:(?:19|20)\d\d年|今年|明年|本年)?(?:\d{1,2}月(?:\d{1,2}日)?|年)?(?:底|末|上旬|中旬|下旬|底之?前|末之?前|之?前|以前)(?:全面|全部|基本)?(?:完成|办结|落实|到位|销号)?` +
	`|(?:19|20)\d\d年(?:\d{1,2}月(?:\d{1,2}日)?|上半年|第?[一二三四1-4]季度)?(?:全面|全部|基本)?(?:完成|办结)` +
	`|年内(?:完成)?|全年|长期(?:坚持|推进|任务|工作)?|持续(?:推进|坚持|实施|开展)?|常态化(?:推进|开展|实施)?|立即(?:整改|实施|执行|启动)?|立行立改|即知即改|按时(?:完成)?|适时(?:推进)?` +
	`|每(?:年|季度|月|半年|周)[^，。；、]{0,12})$`)

// deadlineWords reports whether words are about time.
func deadlineWords(s string) bool {
	s, _ = narrow(s)
	return dated.MatchString(s) || within.MatchString(s) || limitWords.MatchString(s) || soleLimit.MatchString(s) || limited(s)
}

// limited: 6月底前 without a year.
func limited(s string) bool {
	m := yearless.FindStringSubmatch(s)
	return m != nil && (m[7] != "" || m[6] != "" || m[4] != "")
}

// hanNumeral matches numbers in Chinese before 年, 月 and 日.
var hanNumeral = regexp.MustCompile(`[〇○零一二三四五六七八九]{4}年|[一二三四五六七八九十]{1,3}[月日]`)

// narrow makes full-width digits half-width and the Chinese numbers of dates Arabic.
// at maps a place in the result to the same in s.
func narrow(s string) (half string, at func(int) int) {
	if !strings.ContainsAny(s, "０１２３４５６７８９") && !hanDated(s) {
		return s, func(i int) int { return i }
	}
	var b strings.Builder
	places := make([]int, 0, len(s)+1)
	write := func(text string, i int) {
		b.WriteString(text)
		for range len(text) {
			places = append(places, i)
		}
	}
	numerals := hanNumeral.FindAllStringIndex(s, -1)
	for i := 0; i < len(s); {
		r, w := utf8.DecodeRuneInString(s[i:])
		switch {
		case len(numerals) > 0 && i == numerals[0][0]:
			end := numerals[0][1] - len("年")
			write(arabic(s[i:end]), i)
			w, numerals = end-i, numerals[1:]
		case r >= '０' && r <= '９':
			write(string(r-'０'+'0'), i)
		default:
			b.WriteString(s[i : i+w])
			for k := range w {
				places = append(places, i+k)
			}
		}
		i += w
	}
	places = append(places, len(s))
	return b.String(), func(i int) int { return places[i] }
}

func hanDated(s string) bool { return strings.ContainsAny(s, "月日") && hanNumeral.MatchString(s) }

// arabic writes 二〇一九 and 十二 in digits.
func arabic(s string) string {
	if utf8.RuneCountInString(s) < 4 {
		return strconv.Itoa(ordinal(s))
	}
	out := ""
	for _, r := range s {
		out += strconv.Itoa(max(hanDigit(r), 0)) // ○ stands for 〇
	}
	return out
}

// dating reads the time limits of one document.
type dating struct{ issued calendar.Date }

// limits returns the time limits a clause's text states, and what to look at.
func (d dating) limits(text string) (found []Deadline, warnings []string) {
	if !strings.ContainsAny(text, "年月日季旬周") {
		return nil, nil
	}
	s, at := narrow(text)
	r := limitReader{dating: d, s: s, printed: func(m []int) string { return text[at(m[0]):at(m[1])] }}
	for _, m := range recurs.FindAllStringIndex(s, -1) {
		// 每年 alone says how often, not until when.
		if words := r.printed(m); strings.ContainsAny(words[len("每年"):], "底末日旬前") {
			r.take(m, Deadline{Words: words})
		}
	}
	for _, m := range dated.FindAllStringSubmatchIndex(s, -1) {
		r.dated(m)
	}
	for _, m := range yearless.FindAllStringSubmatchIndex(s, -1) {
		r.yearless(m)
	}
	for _, m := range monthless.FindAllStringSubmatchIndex(s, -1) {
		r.monthless(m)
	}
	for _, m := range within.FindAllStringSubmatchIndex(s, -1) {
		r.within(m)
	}
	return r.inOrder(), r.warnings
}

// A limitReader collects the limits of one text.
type limitReader struct {
	dating
	s        string
	printed  func(m []int) string
	taken    [][]int // what was read already
	found    []foundLimit
	warnings []string
}

// A foundLimit is a limit with its place in the text.
type foundLimit struct {
	Deadline
	at int
}

func (r *limitReader) take(m []int, d Deadline) {
	r.taken = append(r.taken, m)
	r.found = append(r.found, foundLimit{d, m[0]})
}

// free reports whether nothing was read where m stands.
func (r *limitReader) free(m []int) bool {
	return !slices.ContainsFunc(r.taken, func(t []int) bool { return m[0] < t[1] && t[0] < m[1] })
}

// inOrder returns the limits in the order of the text, those that are stated twice
// in the same words once.
func (r *limitReader) inOrder() []Deadline {
	slices.SortStableFunc(r.found, func(a, b foundLimit) int { return a.at - b.at })
	var out []Deadline
	for _, f := range r.found {
		if !slices.Contains(out, f.Deadline) {
			out = append(out, f.Deadline)
		}
	}
	return out
}

// group returns the submatches as texts.
func group(s string, m []int) []string {
	out := make([]string, len(m)/2)
	for i := range out {
		if m[2*i] >= 0 {
			out[i] = s[m[2*i]:m[2*i+1]]
		}
	}
	return out
}

func (r *limitReader) dated(m []int) {
	if !r.free(m) {
		return
	}
	if !r.isLimit(m) {
		r.taken = append(r.taken, m) // 2020年7月1日 holds no 7月1日 of another year
		return
	}
	r.add(m, group(r.s, m))
}

func (r *limitReader) isLimit(m []int) bool {
	g := group(r.s, m)
	end := g[4] == "底" || g[4] == "末" || g[5] == "底" || g[5] == "末" || g[6] != ""
	before := g[7] != ""
	rest := r.s[m[1]:]
	switch {
	case built.MatchString(start(rest, 12)):
		return false // 2000年前建成的 describes what was built
	case !before && strings.HasPrefix(rest, "起"), !before && g[4] != "底" && g[4] != "末" && opensStretch(rest):
		return false
	case end || before:
	case g[3] != "", g[2] != "":
		// A bare day limits only what has to be done by it.
		if !strings.HasPrefix(rest, "完成") && !strings.HasPrefix(rest, "截止") && !strings.HasPrefix(rest, "为止") && !untilThen.MatchString(tail(r.s[:m[0]], 9)) {
			return false
		}
	case g[5] != "":
		return true // 2019年上半年
	default:
		return false
	}
	if year, err := strconv.Atoi(g[1]); err == nil && r.issued != "" && year < r.issued.Year() {
		return false // what lies before the notice limits nothing in it
	}
	return true
}

// opensStretch: 2020年6月上旬至7月, the end of which is what limits.
func opensStretch(rest string) bool {
	m := stretch.FindStringIndex(start(rest, 12))
	return m != nil && m[0] == 0
}

// add reads one dated limit. An impossible date keeps its words and is no guess.
func (r *limitReader) add(m []int, g []string) {
	words := r.printed(m)
	date, doubt := lastDay(g)
	r.take(m, Deadline{Date: date, Words: words})
	if date == "" {
		r.warnings = append(r.warnings, impossible(words))
	} else if doubt {
		r.warnings = append(r.warnings, "“"+words+"”按最后一日 "+string(date)+" 计，请核对 / "+words+" was read as "+string(date))
	}
}

func impossible(words string) string {
	return "“" + words + "”不是存在的日期，只保留原文，请核对 / " + words + " is no date: only its words are kept"
}

// lastDay returns the last day meant by the submatches of dated, and whether a
// reader might take it otherwise.
func lastDay(g []string) (date calendar.Date, doubt bool) {
	year, err := strconv.Atoi(g[1])
	if err != nil {
		return "", false
	}
	switch {
	case g[3] != "":
		return realDate(year, g[2], g[3]), false
	case g[2] != "":
		return monthsEnd(year, g[2], g[4]), g[4] == "" && g[6] == ""
	case g[5] != "" && g[5] != "底" && g[5] != "末":
		return seasonsEnd(year, g[5]), false
	case g[5] != "" || g[6] != "":
		return calendar.Of(year, time.December, 31), false
	}
	// 2025年前 ends, read strictly, with the year before.
	return calendar.Of(year-1, time.December, 31), true
}

// monthsEnd is the last day of a month, or of its 上旬 or 中旬.
func monthsEnd(year int, month, third string) calendar.Date {
	m, err := strconv.Atoi(month)
	if err != nil || m < 1 || m > 12 {
		return ""
	}
	switch third {
	case "上旬":
		return calendar.Of(year, time.Month(m), 10)
	case "中旬":
		return calendar.Of(year, time.Month(m), 20)
	}
	return calendar.Of(year, time.Month(m)+1, 0)
}

// seasonsEnd is the last day of 上半年, 下半年 or a quarter.
func seasonsEnd(year int, season string) calendar.Date {
	switch season {
	case "上半年":
		return calendar.Of(year, time.June, 30)
	case "下半年":
		return calendar.Of(year, time.December, 31)
	}
	q := map[string]int{"一": 1, "二": 2, "三": 3, "四": 4, "1": 1, "2": 2, "3": 3, "4": 4}[strings.TrimSuffix(strings.TrimPrefix(season, "第"), "季度")]
	return calendar.Of(year, time.Month(3*q)+1, 0)
}

func realDate(year int, month, day string) calendar.Date {
	m, err1 := strconv.Atoi(month)
	dd, err2 := strconv.Atoi(day)
	if err1 != nil || err2 != nil || m < 1 || m > 12 || dd < 1 {
		return ""
	}
	date := calendar.Of(year, time.Month(m), dd)
	if date.Start().Day() != dd {
		return ""
	}
	return date
}
