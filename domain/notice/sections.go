package notice

import (
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"duban/domain/calendar"
)

// part says what a printed line was recognised as. Every line has one, or a
// warning.
type part uint8

const (
	partNone       part = iota
	partBody            // in a paragraph: a heading, a clause, the cover letter
	partLetterhead      // 宁夏回族自治区 工业和信息化厅文件
	partNumber          // 宁工信安委发〔2019〕19号
	partTitle
	partAddressees
	partContact    // 联系人
	partPublicity  // （此件公开发布）
	partAttachment // 附件：…, and the titles of what is attached
	partSignature  // who and when
	partCC         // 抄送
	partPrinted    // 办公室 2019年6月28日印发
	partPage       // - 2 -
	partClosing    // 特此通知。
)

var (
	numberLine    = regexp.MustCompile(`^([\p{Han}]{1,24})\s*[〔\[【（(﹝]\s*((?:19|20)\d\d)\s*[〕\]】）)﹞]\s*第?\s*(\d{1,5})\s*号$`)
	titleLine     = regexp.MustCompile(`(通知|函|意见|方案|决定|通报|报告|请示|批复|公告|通告|办法|规定|措施|要点|计划|清单)([（(][^（()）]*[）)])?$`)
	publicityLine = regexp.MustCompile(`^[（(]?(此件|本件)[^。]{0,40}[）)]?$|^(公开|不公开|主动公开)$|^(信息公开选项|公开属性|公开方式)[：:]`)
	pageLine      = regexp.MustCompile(`^[-－—–\s]*(第\s*)?\d{1,4}(\s*页)?[-－—–\s]*$`)
	ccLine        = regexp.MustCompile(`^抄\s*送\s*[：:]`)
	attachedLine  = regexp.MustCompile(`^附\s*件\s*\d{0,2}\s*[：:]?`)
	keywordLine   = regexp.MustCompile(`^主题词\s*[：:]`)
	closingLine   = regexp.MustCompile(`^(特此|专此)(通知|函告|函复|报告|函达)[。.]?$`)
	hanDate       = regexp.MustCompile(`([〇零一二三四五六七八九○]{4})年([一二三四五六七八九十]{1,2})月([一二三四五六七八九十]{1,3})日`)
	secrecyLine   = regexp.MustCompile(`^(特急|加急|急件|平急|秘密|机密|内部|签发人[：:].*|份号[：:]?.*|\d{6})$`)
	attachedTitle = regexp.MustCompile(`(方案|措施|意见|清单|要点|办法|分工|分工表|规划|计划|细则|规定|通知|任务|表)([（(][^（()）]*[）)])?$`)
)

// a page is the text's pieces with what each was recognised as.
type page struct {
	pieces []piece
	parts  []part
	draft  *Draft
}

func (p *page) mark(i int, as part) { p.parts[i] = as }

// head recognises what stands above the body and returns where the body begins.
func (p *page) head() int {
	limit := min(len(p.pieces), 16)
	first := limit // the first piece that belongs to the body for sure
	for i, pc := range p.pieces[:limit] {
		if _, ok := labelOf(pc.text); ok {
			first = i
			break
		}
	}
	number := -1
	for i, pc := range p.pieces[:first] {
		if numberLine.MatchString(pc.text) {
			p.draft.DocumentNumber = strings.Join(strings.Fields(pc.text), "")
			p.mark(i, partNumber)
			number = i
			break
		}
	}
	from, to := p.findTitle(first, number)
	for i := 0; i < from; i++ {
		if p.parts[i] == partNone && !strings.ContainsAny(p.pieces[i].text, "。；") && utf8.RuneCountInString(p.pieces[i].text) <= 40 {
			p.mark(i, partLetterhead)
		}
	}
	p.issuer(from)
	body := max(to, number+1)
	for i := body; i < min(first, body+3); i++ {
		t := p.pieces[i].text
		if (strings.HasSuffix(t, "：") || strings.HasSuffix(t, ":")) && utf8.RuneCountInString(t) < 200 && !strings.Contains(t, "。") {
			p.draft.Addressees = listed(strings.TrimRight(t, "：:"))
			p.mark(i, partAddressees)
			return i + 1
		}
	}
	return body
}

// findTitle finds the title's pieces: from the first with 关于 to the one that
// ends like a title.
func (p *page) findTitle(first, number int) (from, to int) {
	for i := 0; i < first; i++ {
		if p.parts[i] != partNone || !strings.Contains(p.pieces[i].text, "关于") || strings.Contains(p.pieces[i].text, "。") {
			continue
		}
		title := ""
		for j := i; j < min(first, i+6) && j != number; j++ {
			title += mend(p.pieces[j].text)
			if titleLine.MatchString(p.pieces[j].text) && balanced(title) {
				// Of two issuers in a row before 关于 one is the letterhead.
				for k := i; k <= j; k++ {
					p.mark(k, partTitle)
				}
				// What stands directly above without punctuation may be the title's beginning.
				p.draft.Title = title
				return i, j + 1
			}
		}
	}
	return p.bareTitle(first, number)
}

// bareTitle takes the line above the addressees, or behind the number, for the
// title of a document that is not 关于 anything.
func (p *page) bareTitle(first, number int) (from, to int) {
	for i := number + 1; i < min(first, number+4); i++ {
		t := p.pieces[i].text
		if p.parts[i] == partNone && titleLine.MatchString(t) && !strings.ContainsAny(t, "。；：:") {
			p.mark(i, partTitle)
			p.draft.Title = mend(t)
			return i, i + 1
		}
	}
	return max(number, 0), number + 1
}

func balanced(s string) bool {
	return strings.Count(s, "《") == strings.Count(s, "》")
}

// mend takes out the spaces that a line break or a typesetter left between
// Chinese characters.
func mend(s string) string {
	r := []rune(trim(s))
	var b strings.Builder
	for i, c := range r {
		if (c == ' ' || c == '　' || c == '\t' || c == '\u00a0') && i > 0 && i < len(r)-1 && (!ascii(r[i-1]) || !ascii(r[i+1])) {
			continue
		}
		b.WriteRune(c)
	}
	return b.String()
}

func ascii(r rune) bool { return r < utf8.RuneSelf && r != ' ' }

func (p *page) issuer(title int) {
	head := ""
	for i := 0; i < title; i++ {
		if p.parts[i] == partLetterhead && !secrecyLine.MatchString(p.pieces[i].text) {
			head += mend(p.pieces[i].text)
		}
	}
	head = strings.TrimSuffix(strings.TrimSuffix(head, "文件"), "（）")
	if head != "" {
		p.draft.Issuer = head
		return
	}
	before, _, ok := strings.Cut(p.draft.Title, "关于")
	if !ok {
		return
	}
	// Flattened: letterhead and title name the issuer twice.
	if n := len(before) / 2; n > 0 && before[:n] == before[n:] {
		before = before[:n]
		p.draft.Title = strings.TrimPrefix(p.draft.Title, before)
	}
	p.draft.Issuer = before
}

// listed splits a printed list of addressees or copies.
func listed(s string) []string {
	var out []string
	for _, n := range splitAny(mend(strings.Trim(s, "。. ")), "，,；;") {
		for _, name := range topLevel(n) {
			if name = trim(name); name != "" {
				out = append(out, name)
			}
		}
	}
	return out
}

// closings recognises what stands between and below the paragraphs.
func (p *page) closings(from int) {
	attachments := false
	for i := from; i < len(p.pieces); i++ {
		t := p.pieces[i].text
		l, labelled := labelOf(t)
		if attachments && labelled && l.style == styleDigit && !strings.Contains(t, "。") {
			p.attachment(i, t)
			continue
		}
		attachments = false
		switch {
		case pageLine.MatchString(t):
			p.mark(i, partPage)
		case publicityLine.MatchString(t):
			p.mark(i, partPublicity)
		case strings.HasPrefix(t, hidden):
			p.mark(i, partContact)
		case closingLine.MatchString(t):
			p.mark(i, partClosing)
		case ccLine.MatchString(t), keywordLine.MatchString(t):
			p.mark(i, partCC)
			if ccLine.MatchString(t) {
				p.draft.CC = append(p.draft.CC, listed(ccLine.ReplaceAllString(t, ""))...)
			}
		case attachedLine.MatchString(t) && !labelled:
			attachments = true
			p.attachment(i, t)
		case p.signed(i, t):
		case i+1 < len(p.pieces) && onlyDate(p.pieces[i+1].text) && p.signer(t):
			p.mark(i, partSignature)
		case !labelled && i > from && p.isAttachedTitle(i, t):
			p.mark(i, partAttachment)
		}
	}
}

func (p *page) attachment(i int, t string) {
	p.mark(i, partAttachment)
	if m := fullDate.FindStringIndex(t); m != nil && m[1] == len(t) {
		p.date(t[m[0]:], IssuedOnSigned)
	}
}

// signer reports whether a line names who signs: a body, in few characters and
// without a sentence.
func (p *page) signer(t string) bool {
	return utf8.RuneCountInString(t) <= 40 && !strings.ContainsAny(t, "。，；：")
}

func onlyDate(t string) bool {
	t = mend(t)
	if m := fullDate.FindStringIndex(t); m != nil {
		return m[0] == 0 && (m[1] == len(t) || t[m[1]:] == "印发")
	}
	m := hanDate.FindStringIndex(t)
	return m != nil && m[0] == 0 && m[1] == len(t)
}

var printedLine = regexp.MustCompile(`((?:19|20)\d\d年\d{1,2}月\d{1,2}日)\s*印(发|制)?$`)

// signed recognises a date that stands by itself, and the line of the printer.
func (p *page) signed(i int, t string) bool {
	if m := printedLine.FindStringSubmatch(mend(t)); m != nil && !strings.Contains(t, "。") {
		p.mark(i, partPrinted)
		p.date(m[1], IssuedOnPrinted)
		// The printer's name may stand on a line of its own above.
		if i > 0 && p.parts[i-1] == partNone && p.signer(p.pieces[i-1].text) && officeEnd.MatchString(p.pieces[i-1].text) {
			p.mark(i-1, partPrinted)
		}
		return true
	}
	if onlyDate(t) {
		p.mark(i, partSignature)
		p.date(mend(t), IssuedOnSigned)
		return true
	}
	return false
}

// date takes a date of the document; the signed one beats the printed.
func (p *page) date(words string, kind IssuedOnKind) {
	if p.draft.IssuedOn != "" && (p.draft.IssuedOnKind == IssuedOnSigned || kind == IssuedOnPrinted) {
		return
	}
	if d := fullDateOf(words); d != "" {
		p.draft.IssuedOn, p.draft.IssuedOnKind = d, kind
	}
}

func fullDateOf(words string) calendar.Date {
	if m := dated.FindStringSubmatch(words); m != nil && m[3] != "" {
		year, err := strconv.Atoi(m[1])
		if err != nil {
			return ""
		}
		return realDate(year, m[2], m[3])
	}
	m := hanDate.FindStringSubmatch(words)
	if m == nil {
		return ""
	}
	year := 0
	for _, r := range strings.ReplaceAll(m[1], "○", "〇") {
		year = year*10 + hanDigit(r)
	}
	return realDate(year, strconv.Itoa(ordinal(m[2])), strconv.Itoa(ordinal(m[3])))
}

// isAttachedTitle recognises the title of what a cover letter sends: a short
// line without a sentence that the letterhead's part of the document lies before.
func (p *page) isAttachedTitle(i int, t string) bool {
	if strings.ContainsAny(t, "。；：:，,") || utf8.RuneCountInString(t) > 80 {
		return false
	}
	if i > 0 && p.parts[i-1] == partNone && !endsSentence(p.pieces[i-1].text) {
		return false // it goes on a sentence
	}
	return attachedTitle.MatchString(t) || i+1 < len(p.pieces) && attachedTitle.MatchString(p.pieces[i+1].text) && !strings.ContainsAny(p.pieces[i+1].text, "。；：:，,") && unlabelled(p.pieces[i+1].text)
}

func unlabelled(t string) bool {
	_, ok := labelOf(t)
	return !ok
}

func endsSentence(t string) bool {
	r, _ := utf8.DecodeLastRuneInString(t)
	return strings.ContainsRune("。！？；;：:）)】”》", r)
}
