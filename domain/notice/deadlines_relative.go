package notice

import (
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"duban/domain/calendar"
)

// notYearless stands before what looks like a limit of this year but goes on
// something else: 每年底, 近三年内, 前三季度, 2019年12月底.
var notYearless = regexp.MustCompile(`(?:[\d年每各前近后〇一二两三四五六七八九十几数多个学财往历周满隔全逐]|第)$`)

// yearless reads a limit without a year: that of the notice.
func (r *limitReader) yearless(m []int) {
	g := group(r.s, m)
	if !r.free(m) || notYearless.MatchString(tail(r.s[:m[0]], 6)) || !r.endsYearless(g, m) {
		return
	}
	words := r.printed(m)
	if r.issued == "" {
		r.take(m, Deadline{Words: words})
		return
	}
	year := r.issued.Year()
	if g[1] == "明年" {
		year++
	}
	date := yearlessDay(year, g)
	if date == "" {
		r.take(m, Deadline{Words: words})
		r.warnings = append(r.warnings, impossible(words))
		return
	}
	if g[1] == "" && date < r.issued {
		if g[6] != "" {
			return // 上半年 in autumn looks back
		}
		// In December 1月10日前 means the next year.
		if next := yearlessDay(year+1, g); next != "" && next < calendar.On(r.issued.Start().AddDate(0, 6, 0)) {
			date = next
		}
		r.warnings = append(r.warnings, "“"+words+"”没有写年份，按 "+string(date)+" 计，请核对 / "+words+" names no year and was read as "+string(date))
	}
	r.take(m, Deadline{Date: date, Words: words})
}

// endsYearless: without 前 a limit has to say 底, or be something to be done in.
func (r *limitReader) endsYearless(g []string, m []int) bool {
	rest := start(r.s[m[1]:], 12)
	if built.MatchString(rest) || strings.HasPrefix(rest, "起") {
		return false
	}
	if g[7] != "" {
		return g[2] != "" || g[6] != "" || g[5] != "" && g[5] != "内" && (saysYear(g) || g[1] != "")
	}
	switch {
	case g[4] == "底" || g[4] == "末":
		return !opensStretch(rest)
	case g[3] != "" || g[2] != "":
		return strings.HasPrefix(rest, "完成")
	case g[5] == "内":
		return saysYear(g) || g[1] != ""
	case g[5] != "": // 底 alone says nothing: 年底, 今年底
		return saysYear(g) || g[1] != ""
	}
	return g[6] != ""
}

// saysYear: 年底 and 今年年底, not 底.
func saysYear(g []string) bool { return strings.HasPrefix(strings.TrimPrefix(g[0], g[1]), "年") }

func yearlessDay(year int, g []string) calendar.Date {
	switch {
	case g[6] != "":
		return seasonsEnd(year, g[6])
	case g[5] != "":
		return calendar.Of(year, time.December, 31)
	case g[3] != "":
		return realDate(year, g[2], g[3])
	}
	return monthsEnd(year, g[2], g[4])
}

// monthless reads a limit in the month the notice was issued in, or the next.
func (r *limitReader) monthless(m []int) {
	g := group(r.s, m)
	if !r.free(m) || g[4] == "" && g[3] == "" {
		return
	}
	words := r.printed(m)
	if r.issued == "" {
		r.take(m, Deadline{Words: words})
		return
	}
	day := r.issued.Start()
	first := time.Date(day.Year(), day.Month(), 1, 0, 0, 0, 0, day.Location())
	if g[1] == "下" {
		first = first.AddDate(0, 1, 0)
	}
	date := calendar.On(first.AddDate(0, 1, -1))
	if g[2] != "" {
		date = realDate(first.Year(), strconv.Itoa(int(first.Month())), g[2])
	}
	r.take(m, Deadline{Date: date, Words: words})
	if date == "" {
		r.warnings = append(r.warnings, impossible(words))
	}
}

// within reads 印发之日起30日内. Working days need a calendar the notice does not
// bring, and when a letter arrives it cannot know: they stay words.
func (r *limitReader) within(m []int) {
	g := group(r.s, m)
	arrives := strings.Contains(g[0], "收到") || strings.Contains(g[0], "接到")
	if !r.free(m) || g[1] == "" && !arrives {
		return
	}
	words := r.printed(m)
	date := calendar.Date("")
	switch g[1] {
	case "印发", "发布", "下发", "公布":
		if r.issued != "" && !arrives {
			date = later(r.issued.Start(), g[2], strings.TrimPrefix(g[3], "个"))
		}
	}
	r.take(m, Deadline{Date: date, Words: words})
}

func later(t time.Time, count, unit string) calendar.Date {
	n := ordinal(strings.ReplaceAll(count, "两", "二"))
	switch {
	case count == "半" && unit == "年":
		n, unit = 6, "月"
	case n == 0:
		return ""
	}
	switch unit {
	case "日", "天", "自然日":
		return calendar.On(t.AddDate(0, 0, n))
	case "周":
		return calendar.On(t.AddDate(0, 0, 7*n))
	case "月":
		return calendar.On(t.AddDate(0, n, 0))
	case "年":
		return calendar.On(t.AddDate(n, 0, 0))
	}
	return "" // 工作日
}

// stated reads the words behind 完成时限：, which are a limit whatever they say.
func (d dating) stated(text string) ([]Deadline, []string) {
	text = trim(text)
	if text == "" {
		return nil, nil
	}
	found, warnings := d.limits(text)
	if len(found) > 0 {
		for _, part := range splitAny(text, "，,；;") {
			if more, _ := d.limits(part); len(more) == 0 && limitWords.MatchString(part) && !dated.MatchString(part) {
				found = append(found, Deadline{Words: trim(part)}) // …，长期坚持
			}
		}
		return found, warnings
	}
	half, _ := narrow(text)
	if date, ok := d.bare(lastOfStretch(half)); ok {
		if date == "" {
			warnings = []string{impossible(text)}
		}
		return []Deadline{{Date: date, Words: text}}, warnings
	}
	return []Deadline{{Words: text}}, nil
}

// lastOfStretch returns the end of 2021年3月至6月, with the year its begin names.
func lastOfStretch(s string) string {
	m := stretch.FindStringIndex(s)
	if m == nil || utf8.RuneCountInString(s) > 30 || !strings.ContainsAny(s[m[1]:], "年月日季底0123456789") {
		return s
	}
	end := s[m[1]:]
	if from := dated.FindStringSubmatch(s[:m[0]]); from != nil && !dated.MatchString(end) {
		if end = from[1] + "年" + end; !strings.ContainsAny(s[m[1]:], "年月季") && from[2] != "" {
			end = from[1] + "年" + from[2] + "月" + s[m[1]:] // 3月1日至20日
		}
	}
	return end
}

// bare reads a day, a month or a year that stands where a limit is stated. ok
// says that it is one; an impossible one gives no date.
func (d dating) bare(s string) (date calendar.Date, ok bool) {
	if strings.Contains(s, "每") || strings.HasSuffix(s, "起") {
		return "", false
	}
	if m := numeric.FindStringSubmatch(s); m != nil {
		year, err := strconv.Atoi(m[1])
		if err != nil {
			return "", false
		}
		if m[3] == "" {
			return monthsEnd(year, m[2], ""), true
		}
		return realDate(year, m[2], m[3]), true
	}
	if g := dated.FindStringSubmatch(s); g != nil {
		switch {
		case g[2] != "" || g[5] != "":
			date, _ = lastDay(g)
			return date, true
		case wholeYear.MatchString(s): // 完成时限：2025年
			year, err := strconv.Atoi(g[1])
			return calendar.Of(year, time.December, 31), err == nil
		}
		return "", false
	}
	if g := yearless.FindStringSubmatch(s); g != nil && g[2] != "" && d.issued != "" {
		return yearlessDay(d.issued.Year(), g), true
	}
	return "", false
}
