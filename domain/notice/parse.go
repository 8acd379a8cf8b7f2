package notice

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// Parse reads the bytes of a notice: UTF-8 with or without a byte order mark,
// GB18030, or .docx. The draft is a proposal; a person confirms it.
func Parse(source []byte) (Draft, error) {
	text, media, warnings, err := decode(source)
	if err != nil {
		return Draft{}, err
	}
	d, _, err := read(text, media, warnings)
	return d, err
}

// read reads decoded text. It also returns what each printed line was taken for.
func read(text, media string, warnings []Warning) (Draft, *page, error) {
	text, hid := redact(text)
	d := Draft{Source: text, MediaType: media, Warnings: append(warnings, hid...)}
	p := &page{pieces: pieces(text), draft: &d, wrap: wrappingOf(text), standing: map[int]standing{}}
	p.parts = make([]part, len(p.pieces))
	from := p.head()
	p.closings(from)
	cover, body := p.divide(p.paragraphs(from))
	tree := outline(body)
	for _, n := range tree.lend() {
		d.warn(n.to, "这里的责任标注也用于前面没有标注的各项，请核对 / this mark was also taken for the items before it that have none")
	}
	w := &walker{draft: &d, dates: dating{d.IssuedOn}}
	for _, q := range cover {
		w.rule(q.text)
	}
	for i, pc := range p.pieces { // a note to the whole, wherever it stands
		if p.parts[i] != partBody || noteLine.MatchString(start(pc.text, 30)) {
			w.rule(pc.text)
		}
	}
	w.walk(tree, nil, nil, nil)
	p.onHeadings = w.onHeadings
	if len(d.Clauses) > maxClauses {
		return Draft{}, nil, ErrTooLarge
	}
	d.cover(cover)
	if !w.structured && w.marked == 0 && d.Title == "" && d.DocumentNumber == "" {
		return Draft{}, nil, ErrNotNotice
	}
	d.check(w, p)
	return d, p, nil
}

// check adds the warnings about the document as a whole.
func (d *Draft) check(w *walker, p *page) {
	for i, pt := range p.parts {
		if pt == partNone {
			d.warn(p.pieces[i].line, "这一行没有归入任何部分，请核对："+short(p.pieces[i].text)+" / this line belongs to no part that was recognised")
		}
	}
	if d.DocumentNumber == "" {
		d.warn(0, "没有找到发文字号，将以正文摘要识别 / no document number was found: the text's digest will stand for it")
	}
	if d.Title == "" {
		d.warn(0, "没有找到标题，请补上 / no title was found: add one")
	}
	if d.Issuer == "" {
		d.warn(0, "没有找到发文机关，请补上 / no issuer was found: add one")
	}
	if d.IssuedOn == "" {
		d.warn(0, "没有找到成文或印发日期 / no date of issue was found")
	}
	if w.marked == 0 {
		d.warn(0, "没有找到责任标注，条款都没有责任处室 / no mark names an office: the clauses have none")
	}
}

// warn adds a warning. So many that nobody reads them add nothing.
func (d *Draft) warn(line int, message string) {
	if len(d.Warnings) >= maxWarnings {
		return
	}
	d.Warnings = append(d.Warnings, Warning{line, message})
}

func short(s string) string {
	if r := []rune(s); len(r) > 30 {
		return string(r[:30]) + "…"
	}
	return s
}

// A walker makes clauses of the outline, in the order of the text.
type walker struct {
	draft      *Draft
	dates      dating
	firstLeads bool     // the document said that the first office leads
	marked     int      // clauses with a mark
	structured bool     // there was a label
	onHeadings []string // marks as printed, which stand in the clauses below instead
}

var noteLine = regexp.MustCompile(`^[（(]?(注|备注|附注|说明)\s*[：:]`)

// A headingMark stands for the clauses below its heading that have none of their
// own.
type headingMark struct {
	printed  string
	contents []string
	used     bool
}

// walk emits a node's clauses.
func (w *walker) walk(n *node, path, headings []string, inherited *headingMark) {
	before, own := len(w.draft.Clauses), append([]para{}, n.extra...)
	if n.lent != nil {
		inherited = n.lent
	}
	outer := inherited
	if n.labelled {
		w.structured = true
		path = append(path[:len(path):len(path)], n.label.printed)
	}
	heading := n.labelled && w.isHeading(n)
	switch {
	case heading:
		text := n.text
		if ms := n.marks; len(ms) > 0 {
			inherited = markOf(text, ms)
			w.onHeadings = append(w.onHeadings, inherited.printed)
			text = text[:ms[0].from]
		}
		headings = append(headings[:len(headings):len(headings)], strings.TrimRight(trim(text), "。.：:"))
	case n.labelled:
		own = append([]para{n.para}, own...)
		if len(n.children) > 0 {
			headings = append(headings[:len(headings):len(headings)], firstSentence(n.text))
		}
	}
	below := headings
	if k := len(own) - 1; k >= 0 && n.labelled && len(n.children) > 0 && own[k].leadsOn() { // 具体措施：
		below = slices.Concat(headings, []string{strings.TrimRight(own[k].text, "：: ")})
		own = own[:k]
	}
	w.emit(own, path, headings, inherited)
	for _, c := range n.children {
		w.walk(c, path, below, inherited)
	}
	if heading && len(w.draft.Clauses) == before { // nothing below it came to a clause
		w.emit([]para{n.para}, path, headings[:len(headings)-1], outer)
		inherited = outer
	}
	if len(w.draft.Clauses) == before && n.labelled {
		w.draft.warn(n.from, "标号“"+n.label.printed+"”后没有文字，请核对 / nothing stands behind this label")
	}
	if inherited != outer && !inherited.used {
		w.draft.warn(n.from, "标题上的责任标注没有可归的条款，请核对："+inherited.printed+" / no clause is left for the mark on this heading")
	}
}

// markOf is the mark that adjacent spans make together.
func markOf(text string, ms []span) *headingMark {
	m := &headingMark{printed: text[ms[0].from:ms[len(ms)-1].to]}
	for _, s := range ms {
		m.contents = append(m.contents, s.content)
	}
	return m
}

// isHeading: something stands below it and it says no more than a title, with at
// most one mark behind it, which may be printed in several brackets or lines.
func (w *walker) isHeading(n *node) bool {
	text := n.text
	if ms := n.marks; len(ms) > 0 {
		if n.served() || !adjoin(text, ms) {
			return false
		}
		text = text[:ms[0].from]
		if len(n.children) == 0 && endsWith(text, "。.；;") {
			return false // a sentence with a mark of its own
		}
	}
	if !isTitle(text) {
		return false
	}
	return len(n.children) > 0 || len(n.extra) > 0 && !n.extra[0].onlyMarks() && (!n.alike || !endsWith(text, "。.") || n.extra[0].bulleted() || isUsualHeading(text))
}

// adjoin reports whether nothing but punctuation stands between the marks and
// behind them.
func adjoin(text string, ms []span) bool {
	for i, m := range ms {
		end := len(text)
		if i+1 < len(ms) {
			end = ms[i+1].from
		}
		if strings.Trim(text[m.to:end], dropped) != "" {
			return false
		}
	}
	return true
}

func firstSentence(s string) string {
	if i := strings.IndexAny(s, "。；"); i >= 0 {
		s = s[:i]
	}
	if utf8.RuneCountInString(s) > 50 {
		return ""
	}
	return s
}

func (w *walker) emit(own []para, path, headings []string, inherited *headingMark) {
	segs := segments(own)
	lendOffices(segs)
	for i, s := range segs {
		if len(w.draft.Clauses) > maxClauses {
			return // Parse refuses the file
		}
		if inherited != nil && s.timesOnly() {
			s.marks, s.contents = append([]string{inherited.printed}, s.marks...), append(slices.Clone(inherited.contents), s.contents...)
			inherited.used = true
		}
		headings := append(headings[:len(headings):len(headings)], s.headings...)
		c := Clause{
			Number: len(w.draft.Clauses) + 1, Path: path, Headings: headings, Text: s.text, TextSHA256: TextHash(s.text),
			Lines: [2]int{s.from, s.to}, Mark: strings.Join(s.marks, ""),
		}
		if len(segs) > 1 {
			c.Part = i + 1
		}
		w.read(&c, s)
		w.draft.Clauses = append(w.draft.Clauses, c)
	}
}

// rule notes that the document lets the first office lead. A mark may say so, or
// any sentence.
func (w *walker) rule(text string) {
	if !w.firstLeads && strings.ContainsAny(text, "第首") {
		w.firstLeads = firstLeads.MatchString(text)
	}
}

// read fills in who, until when, and what kind.
func (w *walker) read(c *Clause, s segment) {
	w.rule(c.Text)
	limits, doubts := w.dates.limits(c.Text)
	if len(s.contents) > 0 {
		who := readMark(w.firstLeads, s.contents...)
		w.firstLeads = who.firstLeads
		c.Offices, c.AndOthers = who.offices, who.andOthers
		for _, words := range who.deadlines {
			found, warnings := w.dates.stated(words)
			limits, doubts = append(limits, found...), append(doubts, warnings...)
		}
		w.doubt(c, s.to, who)
	}
	if len(c.Offices) == 0 && strings.ContainsRune(c.Text, '由') {
		if said := inWords.FindString(start(c.Text, maxMark)); said != "" {
			doubts = append(doubts, "正文写明“"+short(said)+"”，但没有责任标注，未列责任处室，请核对 / the text names who acts, but not in a mark: no office was taken from it")
		}
	}
	for _, m := range doubts {
		w.draft.warn(s.from, fmt.Sprintf("第%d项：%s", c.Number, m))
	}
	c.Deadlines = limits
	c.Kind, c.KindWords = proposeKind(c.Text, limits)
}

// inWords: a sentence says who acts, outside of any mark.
var inWords = regexp.MustCompile(`由[^，。；：“”》]{2,40}?(?:牵头|负责|会同)`)

// doubt warns of what a mark says beyond offices and time. The names of persons
// are not repeated.
func (w *walker) doubt(c *Clause, line int, who who) {
	for _, note := range who.notes {
		w.draft.warn(line, "责任标注中的“"+note+"”不是处室，请核对 / this part of the mark names no office")
	}
	if who.persons {
		w.draft.warn(line, fmt.Sprintf("第%d项：责任标注中有人名，未列为处室 / the mark names persons, who are no offices", c.Number))
	}
	switch {
	case len(c.Offices) > 0:
		w.marked++
	case who.asked && !who.persons:
		w.draft.warn(line, "责任标注中没有读出处室："+short(c.Mark)+" / no office could be read from the mark")
	case who.asked:
		w.draft.warn(line, fmt.Sprintf("第%d项：责任标注中没有读出处室 / no office could be read from the mark", c.Number))
	}
}

var (
	cited      = regexp.MustCompile(`(《[^《》]+(?:《[^《》]+》[^《》]*)*》)(?:[（(]([^（()）]{2,40}?号)(?:[，,][^（()）]{0,30})?[）)])?`)
	asks       = regexp.MustCompile(`(?:^|[，,；;：:、])\s*(?:特|恳|敬|并|还)?(?:请|望|务必)([^示].+)$`)
	asksFor    = regexp.MustCompile(`(?:^|[，,；;])([^，,；;。]{1,12}请(?:于|在|各).+)$`)
	obliges    = regexp.MustCompile(`^各[^，,。；]{1,60}?(?:应当|要|应|须|需|于|每)`)
	reports    = regexp.MustCompile(`每(?:年|半年|季度?|月|周)[^，,。；]{0,16}?(?:报送|报告|上报|通报|反馈)|(?:前|日内)[^，,。；]{0,16}?(?:报送|上报|反馈|报[^告刊])`)
	reportBack = regexp.MustCompile(`[，,；;]\s*并?((?:及时|按时|定期|于[^，。；]{1,20}前|每[^，。；]{1,8})?[^，。；]{0,10}将[^，。；]{1,40}(?:报|反馈|抄送)[^，。；]*)$`)
	formula    = regexp.MustCompile(`^(你们|各地|各单位|各部门)?(一并|认真|遵照|严格|切实|抓好)?(结合实际)?[，,]?(认真|遵照|严格)?(组织|抓好)?(贯彻|执行|落实|遵照)?(执行|落实|实施)?$`)
)

// cover reads the covering letter: on what the notice rests, and what it asks of
// its addressees beyond the clauses.
func (d *Draft) cover(paras []para) {
	seen := map[string]bool{}
	for _, q := range paras {
		for _, m := range cited.FindAllStringSubmatchIndex(q.text, -1) {
			name := q.text[m[0]+len("《") : m[3]-len("》")]
			if seen[name] || strings.Contains(d.Title, name) || strings.HasSuffix(q.text[:m[0]], "简称") || sends(q.text, m[0], m[3]) {
				continue
			}
			seen[name] = true
			doc := q.text[m[2]:m[3]]
			if m[4] >= 0 {
				doc += "（" + q.text[m[4]:m[5]] + "）"
			}
			d.BasedOn = append(d.BasedOn, doc)
		}
		if q.labelled && (!isTitle(q.text) || endsWith(q.text, "。.")) { // a numbered request of the letter
			text := q.text
			if isTitle(text) {
				text = strings.TrimRight(text, "。.")
			}
			d.Requirements = append(d.Requirements, Requirement{Text: text, Lines: [2]int{q.from, q.to}})
			continue
		}
		for _, sentence := range splitAny(q.text, "。！") {
			if !endsWith(sentence, "：:") { // 请按下列分工做好工作：
				d.require(q, sentence)
			}
		}
	}
}

// sends reports whether the document named at s[from:to] is what the letter sends
// and not what it rests on: 现将《…》印发给你们, 《…》已经市政府同意，现印发给你们.
func sends(s string, from, to int) bool {
	sentence := strings.LastIndexAny(s[:from], "。！") + 1
	rest, _, _ := strings.Cut(s[to:], "。")
	if !issues.MatchString(start(rest, 400)) {
		return false
	}
	if now := strings.LastIndex(s[sentence:from], "现将"); now >= 0 {
		return true
	}
	return strings.Trim(s[sentence:from], "。！ 　") == "" && strings.Contains(start(rest, 60), "已")
}

var issues = regexp.MustCompile(`印发|转发|下发|发给`)

func (d *Draft) require(q para, sentence string) {
	if len(sentence) > maxMark {
		return
	}
	sentence = trim(sentence)
	sentence = strings.ReplaceAll(sentence, hidden, "")
	duty := ""
	if m := asks.FindStringSubmatch(sentence); m != nil {
		duty = strings.TrimPrefix(trim(m[1]), "你们")
	} else if m := asksFor.FindStringSubmatch(sentence); m != nil {
		duty = m[1]
	} else if q.doc == 0 && (obliges.MatchString(sentence) || reports.MatchString(sentence)) {
		duty = sentence
	}
	duty = strings.TrimPrefix(strings.TrimPrefix(duty, "结合实际"), "，")
	back := ""
	if r := reportBack.FindStringSubmatchIndex(duty); r != nil {
		back = duty[r[2]:r[3]]
		duty = duty[:r[0]]
	}
	for _, text := range []string{duty, back} {
		if text = strings.TrimRight(strings.Trim(trim(text), "，,；;：:"), "（("); text != "" && !formula.MatchString(text) {
			d.Requirements = append(d.Requirements, Requirement{Text: text, Lines: [2]int{q.from, q.to}})
		}
	}
}
