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
	partBody            // in a heading or a clause
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
	partCover      // in a paragraph of the covering letter or of a preamble
	partTable      // the head of a table of tasks
	partSite       // what a web page prints around the document
)

var (
	publicityLine = regexp.MustCompile(`^[（(]?(此件|本件)[^。]{0,40}[）)]?$|^[（(]?(公开|不公开|不予公开|主动公开|依申请公开)[）)]?$|^[（(]?(信息公开(选项|属性|方式|形式|类别)|政府信息公开选项|公开(属性|方式|形式|类别|选项|范围))[\s　]*[：:]`)
	pageLine      = regexp.MustCompile(`^[-－—–\s]*(第[\s　]*)?\d{1,4}([\s　]*页)?([\s　]*[，,/]?[\s　]*共[\s　]*\d{1,4}[\s　]*页)?[-－—–\s]*$`)
	ccLine        = regexp.MustCompile(`^(抄[\s　]*送|抄[\s　]*报|分[\s　]*送|主[\s　]*送|抄送机关|印送)[\s　]*[：:]`)
	attachedLine  = regexp.MustCompile(`^[（(【]?附[\s　]*件[\s　]*[\d一二三四五六七八九十]{0,2}[\s　]*([：:.．、）)】\s]|$|[^的中所内])`)
	attachedList  = regexp.MustCompile(`^附[\s　]*件[\s　]*[：:]`)
	keywordLine   = regexp.MustCompile(`^主题词[\s　]*[：:]`)
	closingLine   = regexp.MustCompile(`^(特此|专此)(通知|函告|函复|报告|函达|通报|批复|公告)[。.]?$`)
	clerkLine     = regexp.MustCompile(`^([（(]?共印|校[\s　]*对|打[\s　]*字|打[\s　]*印|拟[\s　]*稿|核[\s　]*稿|经[\s　]*办|责任编辑)[^。]*$|^(出[\s　]*席|列[\s　]*席|参加人员|参会人员|请[\s　]*假|缺[\s　]*席|记[\s　]*录|主持人)(人员?)?[\s　]*[：:]`)
	hanDate       = regexp.MustCompile(`([〇零一二三四五六七八九○ＯO]{4})年([一二三四五六七八九十]{1,2})月([一二三四五六七八九十]{1,3})日`)
	printedLine   = regexp.MustCompile(`((?:19|20)\d\d年\d{1,2}月\d{1,2}日)[\s　]*印(发|制)?$`)
	onlyPrinted   = regexp.MustCompile(`^(?:19|20)\d\d年\d{1,2}月\d{1,2}日[\s　]*印(发|制)?$`)
	attachedTitle = regexp.MustCompile(`(方案|措施|意见|清单|要点|办法|分工|规划|计划|细则|规定|通知|任务|表|名单|台账|目录|说明|流程|预案|标准|制度|规则|指南|指引)([（(][^（()）]*[）)])?$`)
)

// a page is the text's pieces with what each was recognised as.
type page struct {
	pieces []piece
	parts  []part
	draft  *Draft
	wrap   wrapping
	// onHeadings are the marks that stand on headings, as printed.
	onHeadings []string
	// standing holds the tables whose cells stand below each other, by the first
	// piece of their heads.
	standing map[int]standing
}

func (p *page) mark(i int, as part) { p.parts[i] = as }

// closings recognises what stands between and below the paragraphs.
func (p *page) closings(from int) {
	labels := false  // a label was seen: the body has begun
	ended := false   // since the last paragraph something was recognised that ends a document
	listing := false // the list of attachments goes on
	copies := -1     // the open list of copies begins with this piece
	sent := p.named(from)
	for i := from; i < len(p.pieces); i++ {
		if t, end, ok := p.standingTable(i); ok {
			p.standing[i] = t
			labels, ended, listing, copies = true, false, false, -1
			i = end - 1
			continue
		}
		t := p.pieces[i].text
		l, labelled := labelOf(t)
		switch {
		case copies >= 0 && !labelled && p.moreCopies(i):
			p.mark(i, partCC)
		case listing && (labelled && l.style == styleDigit || !labelled && p.wrap.ended(p.pieces[i-1].line) && !endsSentence(p.pieces[i-1].text)) && p.attachedEntry(t):
			p.attachment(i, t)
			continue // the list goes on
		default:
			copies = -1
			p.closing(i, t, labelled, labels && !sent[mend(t)], ended)
			if p.parts[i] == partCC && !endsSentence(t) && ccLine.MatchString(start(t, 30)) {
				copies = i
			}
		}
		labels = labels || labelled
		listing = p.parts[i] == partAttachment && attachedList.MatchString(start(t, 30))
		ended = p.parts[i] != partNone && (ended || p.parts[i] != partPage)
	}
	p.copies()
	if p.draft.Issuer == "" {
		p.draft.Issuer = p.signers()
	}
}

// named returns the titles that the letter names, up to the first label: one that
// stands on a line of its own below is that of what it sends.
func (p *page) named(from int) map[string]bool {
	titles := map[string]bool{}
	for _, pc := range p.pieces[from:] {
		if _, labelled := labelOf(pc.text); labelled {
			break
		}
		for _, m := range cited.FindAllStringSubmatch(start(pc.text, maxMark), 20) {
			titles[mend(strings.TrimSuffix(strings.TrimPrefix(m[1], "《"), "》"))] = true
		}
	}
	return titles
}

// signers returns who signs the notice, above the first date or on its line.
func (p *page) signers() string {
	list := ""
	for i, pt := range p.parts {
		if pt != partSignature {
			if list != "" {
				break
			}
			continue
		}
		t := mendDate(p.pieces[i].text)
		if m := fullDate.FindStringIndex(t); m != nil {
			t = t[:m[0]]
		} else if m := hanDate.FindStringIndex(t); m != nil {
			t = t[:m[0]]
		} else {
			t = names(p.pieces[i].text)
		}
		if t = strings.Trim(t, "（）() "); signs(t) {
			list += "、" + t
		}
	}
	return strings.TrimPrefix(list, "、")
}

// closing recognises one line.
func (p *page) closing(i int, t string, labelled, labels, ended bool) {
	short := len(t) <= maxTitle
	switch {
	case ccLine.MatchString(start(t, 30)):
		p.mark(i, partCC)
	case !labelled && attachedLine.MatchString(start(t, 30)) && !strings.Contains(start(t, 200), "。"):
		p.attachment(i, t)
	case !labelled && !short && attachedLine.MatchString(start(t, 30)):
		p.attachment(i, t)
	case !short: // what is left is told by short lines
	case pageLine.MatchString(t):
		p.mark(i, partPage)
	case publicityLine.MatchString(t):
		p.mark(i, partPublicity)
	case strings.HasPrefix(t, hidden) && strings.Trim(t[len(hidden):], " 。，；、（）()") == "", clerkLine.MatchString(t):
		p.mark(i, partContact)
	case closingLine.MatchString(t):
		p.mark(i, partClosing)
	case keywordLine.MatchString(t):
		p.mark(i, partCC)
	case p.signed(i, t):
	case labelled:
	case i > 0 && (p.parts[i-1] == partAttachment || p.parts[i-1] == partTitle) && bracketed(t):
		p.mark(i, p.parts[i-1]) // （2021—2023年） below a title
	case (!labels || ended || strings.Contains(p.draft.Title, mend(t))) && p.isAttachedTitle(i, t):
		p.mark(i, partAttachment)
	}
}

func bracketed(t string) bool {
	end, ok := closing(t, 0)
	return ok && end == len(t) && !isMark(strings.Trim(t, "（）()"))
}

// attachedEntry: an entry in the list of attachments is the title of one.
func (p *page) attachedEntry(t string) bool {
	return utf8.RuneCountInString(t) <= 120 && !strings.ContainsAny(t, "。；") && len(findMarks(t)) == 0
}

// moreCopies reports whether piece i goes on the list of copies above it.
func (p *page) moreCopies(i int) bool {
	t := p.pieces[i].text
	if len(t) > maxTitle || onlyDate(t) || printedLine.MatchString(mendDate(t)) || strings.Contains(strings.TrimSuffix(t, "。"), "。") || attachedLine.MatchString(t) || clerkLine.MatchString(t) || publicityLine.MatchString(t) {
		return false
	}
	// The printer's name may stand above the printer's date.
	return i+1 == len(p.pieces) || !onlyPrinted.MatchString(mendDate(start(p.pieces[i+1].text, 120)))
}

// copies reads the lists of copies, which may have been broken.
func (p *page) copies() {
	list, to := "", false
	for i, pt := range p.parts {
		if pt != partCC || keywordLine.MatchString(start(p.pieces[i].text, 30)) {
			continue
		}
		t := p.pieces[i].text
		if m := ccLine.FindStringIndex(start(t, 30)); m != nil {
			p.copied(list, to)
			t, list, to = t[m[1]:], "", strings.HasPrefix(t, "主")
		}
		list += t
	}
	p.copied(list, to)
}

// copied keeps a list of copies, or of addressees (主送) that stands where copies do.
func (p *page) copied(list string, to bool) {
	switch {
	case !to:
		p.draft.CC = append(p.draft.CC, listed(list)...)
	case len(p.draft.Addressees) == 0:
		p.draft.Addressees = listed(list)
	}
}

func (p *page) attachment(i int, t string) {
	p.mark(i, partAttachment)
	t = tail(t, 40)
	if m := fullDate.FindStringIndex(t); m != nil && m[1] == len(t) {
		p.date(t[m[0]:], IssuedOnSigned)
	}
}

// signer reports whether a line may name who signs: a body, in few characters
// and without a sentence.
func (p *page) signer(t string) bool {
	return utf8.RuneCountInString(t) <= 40 && !strings.ContainsAny(t, "。，；：")
}

func onlyDate(t string) bool {
	if len(t) > 120 {
		return false
	}
	t = strings.Trim(mendDate(t), "（）()")
	if m := fullDate.FindStringIndex(t); m != nil {
		return m[0] == 0 && (m[1] == len(t) || t[m[1]:] == "印发")
	}
	m := hanDate.FindStringIndex(t)
	return m != nil && m[0] == 0 && m[1] == len(t)
}

// signed recognises the line of the printer, and a date that stands by itself or
// behind the name of a body, with those who sign above it.
func (p *page) signed(i int, t string) bool {
	t = mendDate(t)
	if m := printedLine.FindStringSubmatch(t); m != nil && !strings.Contains(t, "。") {
		p.mark(i, partPrinted)
		p.date(m[1], IssuedOnPrinted)
		p.above(i, 1, partPrinted)
		return true
	}
	if onlyDate(t) {
		p.mark(i, partSignature)
		p.date(t, IssuedOnSigned)
		p.above(i, 6, partSignature)
		return true
	}
	if len(t) > 150 || !p.signer(t) {
		return false
	}
	for _, form := range []*regexp.Regexp{fullDate, hanDate} {
		if m := form.FindStringIndex(t); m != nil && m[1] == len(t) && signs(t[:m[0]]) {
			p.mark(i, partSignature)
			p.date(t[m[0]:], IssuedOnSigned)
			return true
		}
	}
	return false
}

func signs(name string) bool {
	return wholeName.match(name) || strings.HasSuffix(name, "国务院")
}

// above marks up to n lines above piece i that name a body and nothing else.
func (p *page) above(i, n int, as part) {
	for k := i - 1; k >= 0 && i-k <= n && p.parts[k] == partNone && p.signer(p.pieces[k].text) && unlabelled(p.pieces[k].text); k-- {
		t := mend(p.pieces[k].text)
		// Directly above the date whoever stands there signs, unless a sentence goes on.
		if !signs(t) && (k < i-1 || as == partPrinted || k > 0 && p.parts[k-1] == partNone && !endsSentence(p.pieces[k-1].text)) {
			return
		}
		p.mark(k, as)
	}
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
	for _, r := range m[1] {
		year = year*10 + max(hanDigit(r), 0) // ○, Ｏ and O stand for 〇
	}
	return realDate(year, strconv.Itoa(ordinal(m[2])), strconv.Itoa(ordinal(m[3])))
}

// isAttachedTitle recognises the title of what a notice sends, whole or one line
// of several.
func (p *page) isAttachedTitle(i int, t string) bool {
	if !titleLike(t) {
		return false
	}
	before := partNone
	if i > 0 {
		before = p.parts[i-1]
	}
	if before == partNone && i > 0 && !endsSentence(p.pieces[i-1].text) {
		return false // it goes on a sentence
	}
	if attachedTitle.MatchString(t) || before == partAttachment && attachedLine.MatchString(start(p.pieces[i-1].text, 30)) && !attachedTitle.MatchString(p.pieces[i-1].text) {
		return true
	}
	return i+1 < len(p.pieces) && titleLike(p.pieces[i+1].text) && attachedTitle.MatchString(p.pieces[i+1].text)
}

// titleLike: a title has no label, no columns and no sentence.
func titleLike(t string) bool {
	return len(t) <= 240 && !strings.ContainsAny(t, "。；：:，,\t|") && unlabelled(t) && !strings.ContainsAny(start(t, 1), "（(【")
}

func unlabelled(t string) bool {
	_, ok := labelOf(t)
	return !ok
}

func endsSentence(t string) bool {
	r, _ := utf8.DecodeLastRuneInString(t)
	return strings.ContainsRune("。！？；;：:）)】”》", r)
}
