package notice

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"duban/domain/calendar"
)

// What counts as a time limit. A year by itself (到2025年) is a target of the
// plan, no deadline; a limit says 底, 前, 末 or names the day.
var (
	dated = regexp.MustCompile(`((?:19|20)\d\d)\s*年(?:\s*(\d{1,2})\s*月(?:份)?(?:\s*(\d{1,2})\s*日|(上旬|中旬|下旬|底|末))?|(底|末|上半年|下半年|第?[一二三四1-4]季度))?(底|末)?(之前|以前|前)?`)
	// Without a year: the year the notice was issued in.
	yearless   = regexp.MustCompile(`(今年|本年|当年|年内|明年)?(?:(\d{1,2})月(?:(\d{1,2})日|(底|末))?|(年底|年末))(之前|以前|前)`)
	within     = regexp.MustCompile(`(?:自|从)?(?:本?(?:通知|方案|意见|文件|办法))?(?:印发|发布|下发|施行|实施|公布)之日起\s*(\d{1,3}|[一二三四五六七八九十百]+)\s*(个工作日|日|天|个月|个?月|年)(?:之?内|以内)`)
	every      = regexp.MustCompile(`每(年|季度|月|半年)[^。；，]{0,4}$`)
	built      = regexp.MustCompile(`^(建成的|建设的|形成的|成立的|出台的|的)`)
	wholeYear  = regexp.MustCompile(`^(?:19|20)\d\d年(内|度|全年)?$`)
	limitWords = regexp.MustCompile(`长期坚持|长期推进|长期|持续推进|持续|立即|即刻|及时|按时|适时|常态化|\d{4}年|每年|每季度|每月|逐年|年底|月底|工作日`)
)

// deadlineWords reports whether words are about time.
func deadlineWords(s string) bool {
	return dated.MatchString(s) || within.MatchString(s) || limitWords.MatchString(s)
}

// reader of time limits in one document.
type dating struct{ issued calendar.Date }

// limits returns the time limits a clause's text states, and what to look at.
func (d dating) limits(s string) (found []Deadline, warnings []string) {
	if !strings.ContainsAny(s, "年月日") {
		return nil, nil
	}
	for _, m := range dated.FindAllStringSubmatchIndex(s, -1) {
		words := s[m[0]:m[1]]
		if !d.isLimit(s, m) {
			continue
		}
		if every.MatchString(tail(s[:m[0]], 24)) {
			continue
		}
		found, warnings = d.add(found, warnings, words, group(s, m))
	}
	for _, m := range yearless.FindAllStringSubmatchIndex(s, -1) {
		// 2019年12月底前 was read above; 每年12月底前 comes again and again.
		if before := tail(s[:m[0]], 24); strings.HasSuffix(strings.TrimRight(before, " "), "年") || every.MatchString(before) || endsDigit(before) {
			if every.MatchString(before) {
				found = append(found, Deadline{Words: "每年" + s[m[0]:m[1]]})
			}
			continue
		}
		dl, ok := d.thisYear(s, m)
		if !ok {
			continue
		}
		found = append(found, dl)
		if dl.Date == "" && d.issued != "" {
			warnings = append(warnings, impossible(dl.Words))
		}
	}
	for _, m := range within.FindAllStringSubmatch(s, -1) {
		found = append(found, d.fromIssue(m[0], m[1], m[2]))
	}
	return unique(found), warnings
}

// unique drops limits that are stated twice in the same words.
func unique(found []Deadline) []Deadline {
	var out []Deadline
	for _, d := range found {
		if !slices.Contains(out, d) {
			out = append(out, d)
		}
	}
	return out
}

func endsDigit(s string) bool { return s != "" && s[len(s)-1] >= '0' && s[len(s)-1] <= '9' }

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

func (d dating) isLimit(s string, m []int) bool {
	g := group(s, m)
	end := g[4] == "底" || g[4] == "末" || g[5] == "底" || g[5] == "末" || g[6] != ""
	before := g[7] != ""
	switch {
	case built.MatchString(start(s[m[1]:], 12)):
		return false // 2000年前建成的 describes what was built
	case end || before:
	case g[3] != "", g[2] != "":
		// A bare day limits only what has to be done by it.
		rest := s[m[1]:]
		if !strings.HasPrefix(rest, "完成") && !strings.HasPrefix(rest, "截止") && !strings.HasPrefix(rest, "为止") && !strings.HasSuffix(s[:m[0]], "截至") && !strings.HasSuffix(s[:m[0]], "于") {
			return false
		}
	case g[5] != "":
		return true // 2019年上半年
	default:
		return false
	}
	if year, err := strconv.Atoi(g[1]); err == nil && d.issued != "" && year < d.issued.Year() {
		return false // what lies before the notice limits nothing in it
	}
	return true
}

// add reads one dated limit. An impossible date keeps its words and is no guess.
func (d dating) add(found []Deadline, warnings []string, words string, g []string) ([]Deadline, []string) {
	date, doubt := lastDay(g)
	if date == "" {
		return append(found, Deadline{Words: words}), append(warnings, impossible(words))
	}
	if doubt {
		warnings = append(warnings, "“"+words+"”按最后一日 "+string(date)+" 计，请核对 / "+words+" was read as "+string(date))
	}
	return append(found, Deadline{Date: date, Words: words}), warnings
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
		month, err := strconv.Atoi(g[2])
		if err != nil || month < 1 || month > 12 {
			return "", false
		}
		switch g[4] {
		case "上旬":
			return calendar.Of(year, time.Month(month), 10), false
		case "中旬":
			return calendar.Of(year, time.Month(month), 20), false
		}
		whole := g[4] != "" || g[6] != ""
		return calendar.Of(year, time.Month(month)+1, 0), !whole
	case g[5] == "上半年":
		return calendar.Of(year, time.June, 30), false
	case strings.Contains(g[5], "季度"):
		q := map[string]int{"一": 1, "二": 2, "三": 3, "四": 4, "1": 1, "2": 2, "3": 3, "4": 4}[strings.TrimSuffix(strings.TrimPrefix(g[5], "第"), "季度")]
		return calendar.Of(year, time.Month(3*q)+1, 0), false
	case g[5] != "" || g[6] != "":
		return calendar.Of(year, time.December, 31), false
	}
	// 2025年前 ends, read strictly, with the year before.
	return calendar.Of(year-1, time.December, 31), true
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

// thisYear reads a limit without a year: that of the notice.
func (d dating) thisYear(s string, m []int) (Deadline, bool) {
	g := group(s, m)
	words := g[0]
	if d.issued == "" || built.MatchString(start(s[m[1]:], 12)) {
		return Deadline{Words: words}, d.issued == "" && !built.MatchString(start(s[m[1]:], 12))
	}
	year := d.issued.Year()
	if g[1] == "明年" {
		year++
	}
	switch {
	case g[5] != "":
		return Deadline{Date: calendar.Of(year, time.December, 31), Words: words}, true
	case g[3] != "":
		return Deadline{Date: realDate(year, g[2], g[3]), Words: words}, true
	}
	month, err := strconv.Atoi(g[2])
	if err != nil || month < 1 || month > 12 {
		return Deadline{Words: words}, true
	}
	return Deadline{Date: calendar.Of(year, time.Month(month)+1, 0), Words: words}, true
}

// fromIssue reads 印发之日起30日内. Working days need a calendar the notice does
// not bring: they stay words.
func (d dating) fromIssue(words, count, unit string) Deadline {
	n := ordinal(count)
	if d.issued == "" || n == 0 || unit == "个工作日" {
		return Deadline{Words: words}
	}
	t := d.issued.Start()
	switch unit {
	case "日", "天":
		t = t.AddDate(0, 0, n)
	case "年":
		t = t.AddDate(n, 0, 0)
	default:
		t = t.AddDate(0, n, 0)
	}
	return Deadline{Date: calendar.On(t), Words: words}
}

// stated reads the words behind 完成时限：, which are a limit whatever they say.
func (d dating) stated(words string) ([]Deadline, []string) {
	words = trim(words)
	if words == "" {
		return nil, nil
	}
	found, warnings := d.limits(words)
	if len(found) > 0 {
		for _, part := range splitAny(words, "，,；;") {
			if more, _ := d.limits(part); len(more) == 0 && limitWords.MatchString(part) && !dated.MatchString(part) {
				found = append(found, Deadline{Words: trim(part)}) // …，长期坚持
			}
		}
		return found, warnings
	}
	if m := dated.FindStringSubmatchIndex(words); m != nil && !strings.Contains(words, "每") {
		g := group(words, m)
		switch {
		case g[2] != "" || g[5] != "":
			found, warnings = d.add(nil, nil, words, g)
			if found[0].Date != "" {
				warnings = nil // to name a month as a limit is to mean its end
			}
			return found, warnings
		case wholeYear.MatchString(words): // 完成时限：2025年
			year, err := strconv.Atoi(g[1])
			if err == nil {
				return []Deadline{{Date: calendar.Of(year, time.December, 31), Words: words}}, nil
			}
		}
	}
	return []Deadline{{Words: words}}, nil
}
