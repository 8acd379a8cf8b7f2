package notice

import (
	"fmt"
	"regexp"
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
	text, hid := redact(text)
	d := Draft{Source: text, MediaType: media, Warnings: append(warnings, hid...)}
	p := &page{pieces: pieces(text), draft: &d}
	p.parts = make([]part, len(p.pieces))
	from := p.head()
	p.closings(from)
	cover, body := p.paragraphs(from)
	tree := outline(body)
	w := &walker{draft: &d, dates: dating{d.IssuedOn}}
	w.walk(tree, nil, nil, nil)
	if len(d.Clauses) > maxClauses {
		return Draft{}, ErrTooLarge
	}
	d.cover(cover)
	if d.DocumentNumber == "" && d.Title == "" && len(d.Clauses) == 0 || !w.structured && w.marked == 0 && d.Title == "" {
		return Draft{}, ErrNotNotice
	}
	d.check(w, p)
	return d, nil
}

// check adds the warnings about the document as a whole.
func (d *Draft) check(w *walker, p *page) {
	for i, pt := range p.parts {
		if pt == partNone && len(d.Warnings) < maxWarnings {
			d.warn(p.pieces[i].line, "这一行没有归入任何部分，请核对："+short(p.pieces[i].text)+" / this line belongs to no part that was recognised")
		}
	}
	if d.DocumentNumber == "" {
		d.warn(0, "没有找到发文字号，将以正文摘要识别 / no document number was found: the text's digest will stand for it")
	}
	if d.Title == "" {
		d.warn(0, "没有找到标题，请补上 / no title was found: add one")
	}
	if d.IssuedOn == "" {
		d.warn(0, "没有找到成文或印发日期 / no date of issue was found")
	}
	if w.marked == 0 {
		d.warn(0, "没有找到责任标注，条款都没有责任处室 / no mark names an office: the clauses have none")
	}
}

func (d *Draft) warn(line int, message string) {
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
	firstLeads bool // the document said that the first office leads
	marked     int  // clauses with a mark
	structured bool // there was a label
}

// walk emits a node's clauses. A mark on a heading stands for the clauses below
// that have none of their own.
func (w *walker) walk(n *node, path, headings []string, inherited *segment) {
	if n.labelled {
		w.structured = true
		path = append(path[:len(path):len(path)], n.label.printed)
	}
	own := append([]para{}, n.extra...)
	switch {
	case !n.labelled:
	case w.isHeading(n):
		text := n.text
		if ms := findMarks(text); len(ms) > 0 {
			m := ms[len(ms)-1]
			inherited = &segment{marks: []string{text[m.from:m.to]}, contents: []string{m.content}}
			text = text[:m.from]
		}
		headings = append(headings[:len(headings):len(headings)], strings.TrimRight(trim(text), "。.：:"))
	default:
		own = append([]para{n.para}, own...)
		if len(n.children) > 0 {
			headings = append(headings[:len(headings):len(headings)], firstSentence(n.text))
		}
	}
	w.emit(own, path, headings, inherited, n)
	for _, c := range n.children {
		w.walk(c, path, headings, inherited)
	}
}

// isHeading: something stands below it and it says no more than a title.
func (w *walker) isHeading(n *node) bool {
	text := n.text
	if ms := findMarks(text); len(ms) > 0 {
		if len(n.children) == 0 {
			return false
		}
		text = text[:ms[0].from]
	}
	return (len(n.children) > 0 || len(n.extra) > 0 && !startsMark(n.extra[0].text)) && isTitle(text)
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

func (w *walker) emit(own []para, path, headings []string, inherited *segment, n *node) {
	segs := segments(own)
	for i, s := range segs {
		if len(s.marks) == 0 && inherited != nil {
			s.marks, s.contents = inherited.marks, inherited.contents
		}
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

// read fills in who, until when, and what kind.
func (w *walker) read(c *Clause, s segment) {
	limits, doubts := w.dates.limits(c.Text)
	if len(s.contents) > 0 {
		who := readMark(strings.Join(s.contents, "；"), w.firstLeads)
		w.firstLeads = who.firstLeads
		c.Offices, c.AndOthers = who.offices, who.andOthers
		for _, words := range who.deadlines {
			found, warnings := w.dates.stated(words)
			limits, doubts = append(limits, found...), append(doubts, warnings...)
		}
		for _, note := range who.notes {
			w.draft.warn(s.to, "责任标注中的“"+note+"”不是处室，请核对 / this part of the mark names no office")
		}
		if len(c.Offices) == 0 {
			w.draft.warn(s.to, "责任标注中没有读出处室："+c.Mark+" / no office could be read from the mark")
		} else {
			w.marked++
		}
	}
	for _, m := range doubts {
		w.draft.warn(s.from, fmt.Sprintf("第%d项：%s", c.Number, m))
	}
	c.Deadlines = limits
	c.Kind, c.KindWords = proposeKind(c.Text, limits)
}

var (
	cited      = regexp.MustCompile(`《[^《》]+(?:《[^《》]+》[^《》]*)*》(?:[（(][^（()）]{2,40}?号[）)])?`)
	asks       = regexp.MustCompile(`(?:请|望|务必)(.+)$`)
	reportBack = regexp.MustCompile(`[，,；;]\s*并?((?:及时|按时|定期|于[^，。；]{1,20}前|每[^，。；]{1,8})?[^，。；]{0,10}将[^，。；]{1,40}(?:报|反馈|抄送)[^，。；]*)$`)
	formula    = regexp.MustCompile(`^(你们)?(认真|遵照|严格|切实|抓好)?(结合实际)?[，,]?(认真|遵照|严格)?(组织|抓好)?(贯彻|执行|落实|遵照)?(执行|落实|实施)?$`)
)

// cover reads the covering letter: on what the notice rests, and what it asks of
// its addressees beyond the clauses.
func (d *Draft) cover(paras []para) {
	seen := map[string]bool{}
	for _, q := range paras {
		for _, doc := range cited.FindAllString(q.text, -1) {
			name, _, _ := strings.Cut(strings.TrimPrefix(doc, "《"), "》")
			if seen[name] || strings.Contains(d.Title, name) {
				continue
			}
			seen[name] = true
			d.BasedOn = append(d.BasedOn, doc)
		}
		for _, sentence := range splitAny(q.text, "。！") {
			d.require(q, sentence)
		}
	}
}

func (d *Draft) require(q para, sentence string) {
	m := asks.FindStringSubmatch(trim(sentence))
	if m == nil {
		return
	}
	duty := strings.TrimPrefix(trim(m[1]), "你们")
	duty = strings.TrimPrefix(strings.TrimPrefix(duty, "结合实际"), "，")
	back := ""
	if r := reportBack.FindStringSubmatchIndex(duty); r != nil {
		back = duty[r[2]:r[3]]
		duty = duty[:r[0]]
	}
	for _, text := range []string{duty, back} {
		if text = strings.Trim(trim(text), "，,；;"); text != "" && !formula.MatchString(text) {
			d.Requirements = append(d.Requirements, Requirement{Text: text, Lines: [2]int{q.from, q.to}})
		}
	}
}
