package notice

import (
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

var (
	number        = regexp.MustCompile(`([\p{Han}×╳○A-ZＸ]{1,24})\s*[〔\[【（(﹝［]\s*((?:19|20|１９|２０)[0-9０-９]{2})\s*[〕\]】）)﹞］]\s*第?\s*([0-9０-９]{1,5})\s*号`)
	titleLine     = regexp.MustCompile(`(通知|函|意见|方案|决定|通报|报告|请示|批复|公告|通告|办法|规定|措施|要点|计划|清单|决议|纪要|细则|指引|分工)([（(][^（()）]*[）)])?$`)
	secrecyLine   = regexp.MustCompile(`^(特急|加急|特提|急件|平急|秘密|机密|绝密|内部|内部资料|签发人[：:].*|份号[：:]?.*|\d{6})([★☆].*)?$`)
	siteLine      = regexp.MustCompile(`^(索\s*引\s*号|发文机关|发文机构|发布机构|成文日期|发文日期|发布日期|公开日期|公开发布日期|发布时间|标\s*题|名\s*称|主题分类|文件类型|发文字号|文\s*号|有\s*效\s*性|时\s*效|时效性|来\s*源|信息来源|所属单位|内容概述|生效日期|首页$|当前位置|您的位置|您当前|政府信息公开>)(\s|　|：|:|>|$)`)
	serialLine    = regexp.MustCompile(`(纪要|简报|通报|快报)$|^[（(]?第?\s*[\d〇一二三四五六七八九十]+\s*[）)]?[期号]`)
	signedBy      = regexp.MustCompile(`^签\s*发\s*人?\s*[：:]`)
	saysSo        = regexp.MustCompile(`如下|^(为|根据|按照|经|现|近期|近日|当前|今年)`)
	refersBefore  = regexp.MustCompile(`[《》，。；：“”]|根据|按照|依据|贯彻|落实|转发|印发`)
	aboutWords    = regexp.MustCompile(`关于|印发|转发|批转`)
	beginsTitle   = regexp.MustCompile(`^(关于|印发|转发|批转|批复|公布)`)
	many          = regexp.MustCompile(`各|有关|相关|直|所属|本`)
	addressedTail = regexp.MustCompile(`(政府|部门|单位|处室|科室|委|局|厅|办|处|科|公司|企业|机构|院|校|中心|会|社|站|所|队|室|部|集团|街道|乡镇|团体|组织|党组|工委|学校|银行|分行|支行|军区|机关|兵团|成员|学|园|股|司|省|市|县|区|州|盟|旗|乡|镇|村|基地|园区|[）)])$`)
)

// headLines is how many printed lines may stand above the body.
const headLines = 16

// head recognises what stands above the body and returns where the body begins.
func (p *page) head() int {
	p.site()
	if !p.splitNumber(partNone) {
		p.splitNumber(partSite)
	}
	first := p.firstLabel()
	num := slices.Index(p.parts, partNumber)
	from, to := p.findTitle(first, num)
	for i := range from {
		if p.parts[i] == partNone && !strings.ContainsAny(p.pieces[i].text, "。；") && utf8.RuneCountInString(p.pieces[i].text) <= 40 {
			p.mark(i, partLetterhead)
		}
	}
	p.issuer(from)
	p.headDate(from)
	return p.addressees(max(to, num+1))
}

// headDate takes the date of a letterhead: minutes and bulletins have theirs there.
// A signature beats it.
func (p *page) headDate(title int) {
	for i := range title {
		t := mendDate(p.pieces[i].text)
		if m := fullDate.FindStringIndex(t); m != nil && p.parts[i] == partLetterhead && m[1] == len(t) {
			p.date(t[m[0]:], IssuedOnPrinted)
		}
	}
}

// site recognises what a web page prints above a document: 索引号, 发布时间.
func (p *page) site() {
	for i := range p.firstLabel() {
		if t := p.pieces[i].text; len(t) <= maxTitle && siteLine.MatchString(start(strings.TrimLeft(t, "•·>◆ 　"), 60)) {
			p.mark(i, partSite)
		}
	}
}

// firstLabel returns the first piece that belongs to the body for sure.
func (p *page) firstLabel() int {
	limit := min(len(p.pieces), headLines)
	for i, pc := range p.pieces[:limit] {
		if _, ok := labelOf(pc.text); ok {
			return i
		}
	}
	return limit
}

// splitNumber finds the document's number and gives it a piece of its own, since
// it may stand on a line with the letterhead, the signer or the title.
func (p *page) splitNumber(in part) bool {
	for i := range p.firstLabel() {
		t := p.pieces[i].text
		if len(t) > maxTitle || p.parts[i] != in {
			continue
		}
		m := number.FindStringSubmatchIndex(t)
		if m == nil {
			continue
		}
		from := m[2]
		if at := strings.LastIndex(t[:m[3]], "文件"); at >= from && at+len("文件") < m[3] {
			from = at + len("文件") // 某某局文件某发: nothing but the word separates them
		}
		// In running text, or in brackets behind a title, it is another document's.
		if whole := strings.Trim(t, "（）() 　"); len(whole) == m[1]-m[2] {
			p.draft.DocumentNumber, _ = narrow(squeeze(whole)) // （某发〔2021〕3号）
			p.mark(i, partNumber)
			return true
		}
		if after := t[m[1]:]; strings.HasPrefix(after, "）") || strings.HasPrefix(after, ")") {
			continue
		}
		if before := t[:from]; refersBefore.MatchString(before) || strings.Count(before, "（") > strings.Count(before, "）") {
			continue
		}
		p.draft.DocumentNumber, _ = narrow(squeeze(t[from:m[1]]))
		if in == partSite {
			return true
		}
		if trim(t[m[1]:]) != "" {
			p.cut(i, m[1])
		}
		if trim(t[:from]) != "" {
			p.cut(i, from)
			i++
		}
		p.mark(i, partNumber)
		return true
	}
	return false
}

// cut divides piece i at a byte of its text.
func (p *page) cut(i, at int) {
	pc := p.pieces[i]
	p.pieces = slices.Insert(p.pieces, i+1, piece{text: trim(pc.text[at:]), line: pc.line})
	p.pieces[i] = piece{text: trim(pc.text[:at]), line: pc.line}
	p.parts = slices.Insert(p.parts, i+1, partNone)
}

// findTitle finds the title's pieces: from the first with 关于 to the one that
// ends like a title.
func (p *page) findTitle(first, num int) (from, to int) {
	for i := range min(first, len(p.pieces)) {
		if p.parts[i] != partNone || len(p.pieces[i].text) > maxTitle || !strings.Contains(p.pieces[i].text, "关于") || strings.Contains(p.pieces[i].text, "。") {
			continue
		}
		title := ""
		for j := i; j < min(first, i+6) && j != num && len(p.pieces[j].text) <= maxTitle; j++ {
			title += mend(p.pieces[j].text)
			if !titleLine.MatchString(tail(title, 90)) || !balanced(title) || p.goesOn(j, first) {
				continue
			}
			from = i
			if beginsTitle.MatchString(title) {
				from = p.titleBegins(i, num)
				for k := i - 1; k >= from; k-- {
					title = mend(p.pieces[k].text) + title
				}
			}
			for k := from; k <= j; k++ {
				p.mark(k, partTitle)
			}
			p.draft.Title = title
			return from, j + 1
		}
	}
	return p.bareTitle(first, num)
}

// goesOn reports whether the title continues behind piece j: 关于贯彻若干意见 / 实施方案的通知.
func (p *page) goesOn(j, first int) bool {
	if j+1 >= first || p.parts[j+1] != partNone {
		return false
	}
	t := p.pieces[j+1].text
	return len(t) <= 150 && !strings.ContainsAny(t, "，。；：:") && strings.HasSuffix(t, "的通知")
}

// titleBegins returns the piece a title begins with whose printed line begins
// with 关于: the body that issues it may stand on the line above.
func (p *page) titleBegins(i, num int) int {
	k := i - 1
	if k < 0 || p.parts[k] != partNone || !p.signer(p.pieces[k].text) || secrecyLine.MatchString(p.pieces[k].text) {
		return i
	}
	t := mend(p.pieces[k].text)
	if strings.HasSuffix(t, "文件") || !wholeName.match(t) && !strings.HasSuffix(t, "国务院") {
		return i
	}
	// Above a number there is the letterhead; below one, the title.
	if num >= 0 && k < num && num < i {
		return i
	}
	return k
}

// bareTitle takes the line above the addressees, or behind the number, for the
// title of a document that is not 关于 anything.
func (p *page) bareTitle(first, num int) (from, to int) {
	for i := num + 1; i < min(first, num+4); i++ {
		t := p.pieces[i].text
		if p.parts[i] == partNone && len(t) <= maxTitle && titleLine.MatchString(t) && !strings.ContainsAny(t, "。；：:") {
			p.mark(i, partTitle)
			p.draft.Title = mend(t)
			return i, i + 1
		}
	}
	if i := num - 1; i >= 0 && p.parts[i] == partNone && titleLine.MatchString(mend(p.pieces[i].text)) && !strings.ContainsAny(p.pieces[i].text, "。；：:") {
		p.mark(i, partTitle)
		p.draft.Title = mend(p.pieces[i].text)
		return i, num + 1
	}
	return max(num, 0), num + 1
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

// mendDate mends a line of which a date is wanted, however wide its digits.
func mendDate(s string) string {
	s, _ = narrow(mend(s))
	return s
}

func ascii(r rune) bool { return r < utf8.RuneSelf && r != ' ' }

// names puts 、 between the names of several bodies that a blank separates.
func names(t string) string {
	list := strings.Fields(t)
	for _, n := range list {
		if !wholeName.match(strings.TrimSuffix(n, "文件")) {
			return mend(t)
		}
	}
	return strings.Join(list, "、")
}

// issuer reads who issues the notice from the letterhead, or from the title.
func (p *page) issuer(title int) {
	head := ""
	for i := range title {
		t := names(p.pieces[i].text)
		if p.parts[i] != partLetterhead || secrecyLine.MatchString(t) || signedBy.MatchString(t) || strings.ContainsAny(t, ">：:•【") || serialLine.MatchString(t) || wholeName.match(head) && fullDate.MatchString(t) {
			continue
		}
		t = strings.TrimSuffix(strings.TrimSuffix(t, "文件"), "（）")
		if head != "" && wholeName.match(head) {
			head += "、" // several issue it together
		}
		head += t
	}
	if head = strings.Trim(head, "、"); !signs(head) {
		head = "" // what stands there is no body
	}
	own := ""
	if title < len(p.pieces) && p.parts[title] == partTitle && !aboutWords.MatchString(p.pieces[title].text) {
		if own = names(p.pieces[title].text); !signs(own) {
			own = ""
		}
	}
	// A letterhead may name but the first of those who issue it together.
	if head != "" && !strings.HasPrefix(own, head+"、") {
		p.draft.Issuer = head
		return
	}
	if own != "" {
		p.draft.Issuer = own
		return
	}
	at := aboutWords.FindStringIndex(p.draft.Title)
	if at == nil {
		return
	}
	before := p.draft.Title[:at[0]]
	if title < len(p.pieces) && p.parts[title] == partTitle {
		t := p.pieces[title].text
		if at := aboutWords.FindStringIndex(t); at != nil && strings.Contains(names(t[:at[0]]), "、") {
			p.draft.Issuer = names(t[:at[0]])
			return
		}
	}
	// Flattened: letterhead and title name the issuer twice.
	if n := len(before) / 2; n > 0 && before[:n] == before[n:] {
		before = before[:n]
		p.draft.Title = strings.TrimPrefix(p.draft.Title, before)
	}
	p.draft.Issuer = before
}

// addressees reads to whom the notice is sent, which may take several lines, and
// returns where the body begins.
func (p *page) addressees(body int) int {
	for i := body; i < min(len(p.pieces), body+3); i++ {
		list := ""
		for j := i; j < min(len(p.pieces), i+5); j++ {
			t := p.pieces[j].text
			_, labelled := labelOf(t)
			if labelled || len(t) > maxTitle && j > i || p.parts[j] != partNone {
				break
			}
			colon := strings.IndexAny(t, "：:")
			end := len(t)
			if colon >= 0 {
				end = colon
			}
			list += t[:end]
			if strings.ContainsAny(list, "。；《") || utf8.RuneCountInString(list) > 300 || saysSo.MatchString(list) {
				break
			}
			if colon < 0 {
				continue
			}
			if !addressedTail.MatchString(list) {
				break
			}
			_, w := utf8.DecodeRuneInString(t[colon:])
			if trim(t[colon+w:]) != "" {
				p.cut(j, colon+w)
			}
			for k := i; k <= j; k++ {
				p.mark(k, partAddressees)
			}
			p.draft.Addressees = listed(list)
			return j + 1
		}
	}
	return body
}

// sharesPlace: in 各市住房和城乡建设局、公安局 the first words stand for both. What
// has a place of its own, or is no department of one, stands for itself.
func sharesPlace(last, name string) bool {
	if !strings.HasPrefix(last, "各") || many.MatchString(name) {
		return false
	}
	if bareGovernment.MatchString(name) {
		return true
	}
	return !strings.ContainsAny(name, "省市县区州盟旗") && department.match(last) && department.match(name)
}

// department is what the departments of a place's government end in.
var department = endingsOf(`局|厅|委|委员会|办|办公室|处|科|中心|（教委）|队`)

// listed splits a printed list of addressees or copies. Each part between commas
// is split further only if 、 stands between whole names.
func listed(s string) []string {
	var out []string
	for _, n := range splitAny(mend(strings.Trim(s, "。. ")), "，,；;。") {
		var last string
		for _, name := range joinPlaces(topLevel(n)) {
			if name = trim(name); name == "" {
				continue
			}
			if sharesPlace(last, name) {
				out[len(out)-1] += "、" + name
				continue
			}
			last = name
			out = append(out, name)
		}
	}
	return out
}
