package notice

import (
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// A para is a paragraph: the pieces of one, with page breaks mended.
type para struct {
	text     string // without its label
	from, to int    // lines
	label    label
	labelled bool
	doc      int   // counts the notice itself and what is attached to it
	pieces   []int // that it was made of
	marks    []span
	row      *row // of a table of tasks
	alone    bool // a clause of its own, there being no labels and no marks
	goes     bool // on in the printed paragraph that the one before begins
}

// paragraphs joins the body's pieces. A piece goes on the paragraph before it if
// that one's sentence has not ended and the piece begins nothing of its own.
func (p *page) paragraphs(from int) []para {
	var out []para
	var broken [][]string // the lines of each paragraph
	var table *table
	open := false   // the last paragraph's sentence has not ended
	parted := false // something that ends a document came since the last paragraph
	doc := 0
	for i := from; i < len(p.pieces); i++ {
		pc := p.pieces[i]
		if rows := p.standing[i]; rows.table != nil {
			if parted && len(out) > 0 {
				doc++
			}
			out, broken = p.stand(out, broken, rows, i, doc)
			i += len(rows.columns)*(len(rows.rows)+1) - 1
			open, parted, table = false, false, nil
			continue
		}
		if p.parts[i] != partNone {
			if p.parts[i] != partPage && p.parts[i] != partContact {
				open = false
			}
			parted = parted || p.parts[i] == partAttachment || p.parts[i] == partSignature
			continue
		}
		if parted && len(out) > 0 {
			doc++
		}
		parted = false
		if t := tableOf(pc); t != nil {
			if table == nil || !slices.Equal(t.heads, table.heads) { // a head is printed again on every page
				table = t
				if k := len(out) - 1; k >= 0 && p.tableTitle(out[k], i) {
					out, broken = out[:k], broken[:k]
					doc += min(k, 1)
				}
			}
			open = false
			p.mark(i, partTable)
			continue
		}
		if table != nil && pc.cells != nil && ruled(pc.cells) {
			p.mark(i, partTable)
			continue
		}
		p.mark(i, partBody)
		if table != nil {
			cells := table.cells(pc)
			if h := table.headingRow(cells); h != "" {
				table.section, table.group, table.mark = "", "", ""
				if _, labelled := labelOf(h); !labelled {
					table.section = h
					p.mark(i, partTable)
					continue
				}
				cells, pc.text = nil, h // 一、教育类 stands over the rows
			}
			if cells != nil {
				p.pieces[i].cells = cells
				out = append(out, table.para(cells, pc.line, i, doc))
				broken = append(broken, nil)
				continue
			}
		}
		if table != nil && pc.cells == nil {
			table = nil
		}
		l, labelled := labelOf(pc.text)
		last := len(out) - 1
		goes := last >= 0 && broken[last] != nil && p.continues(broken[last], i)
		if open && !labelled && !startsMark(pc.text) || goes {
			broken[last] = append(broken[last], pc.text)
			out[last].to = pc.line
			out[last].pieces = append(out[last].pieces, i)
			open = sentenceGoesOn(pc.text) || p.wrap.ended(pc.line)
			continue
		}
		text := closeUp(pc.text)
		if labelled {
			text = trim(text[l.width:])
		}
		out = append(out, para{from: pc.line, to: pc.line, label: l, labelled: labelled, doc: doc, pieces: []int{i}, goes: pc.goes})
		broken = append(broken, []string{text})
		open = sentenceGoesOn(pc.text) && !isHeadingLine(text, labelled) || p.wrap.ended(pc.line)
	}
	for i, lines := range broken {
		if lines != nil {
			out[i].text = joinLines(lines)
			out[i].marks = findMarks(out[i].text)
		}
	}
	return out
}

// tableTitle reports whether a paragraph is the title of the table whose head is
// piece i, and notes it.
func (p *page) tableTitle(q para, i int) bool {
	k := q.pieces[0]
	if q.labelled || q.row != nil || len(q.pieces) != 1 || k != i-1 || !titleLike(p.pieces[k].text) || !attachedTitle.MatchString(p.pieces[k].text) {
		return false
	}
	p.mark(k, partAttachment)
	return true
}

// stand adds the rows of a table whose cells stand below each other.
func (p *page) stand(out []para, broken [][]string, t standing, i, doc int) ([]para, [][]string) {
	n := len(t.columns)
	for k := i; k < i+n; k++ {
		p.mark(k, partTable)
	}
	for at := i + n; t.rows[at] != nil; at += n {
		q := t.para(t.rows[at], p.pieces[at].line, at, doc)
		q.to, q.pieces = p.pieces[at+n-1].line, nil
		for k := at; k < at+n; k++ {
			p.mark(k, partBody)
			p.pieces[k].cells = t.rows[at][k-at : k-at+1]
			q.pieces = append(q.pieces, k)
		}
		out, broken = append(out, q), append(broken, nil)
	}
	return out, broken
}

// sentenceGoesOn reports whether a sentence goes on behind a line. A short line of a mark
// is complete as it is.
func sentenceGoesOn(t string) bool {
	if endsSentence(t) {
		return false
	}
	return !startsMark(t) || utf8.RuneCountInString(t) > 25 || strings.HasSuffix(t, "、") || strings.HasSuffix(t, "，")
}

// divide separates what stands around the clauses, such as the covering letter
// and the preamble of what it sends, from the clauses. A letter with numbered
// requests but no marks, which sends tasks with marks, is all cover. What is
// attached without labels or marks, such as a list of members, is no clause.
func (p *page) divide(paras []para) (cover, body []para) {
	paras = slices.DeleteFunc(paras, func(q para) bool {
		note := !q.labelled && noteLine.MatchString(start(q.text, 30)) && firstLeads.MatchString(q.text)
		if note { // it is about all of them
			for _, k := range q.pieces {
				p.mark(k, partCover)
			}
		}
		return note
	})
	docs := p.documents(paras)
	chosen := false // some document holds clauses
	for _, d := range docs {
		chosen = chosen || d.labelled || d.marked
	}
	for i, d := range docs {
		switch {
		case i == 0 && d.labelled && !d.marked && anyTasks(docs[1:]):
			cover = append(cover, d.paras...)
		case d.labelled || d.marked:
			end := d.end(d.first)
			cover = append(append(cover, d.paras[:d.first]...), d.paras[end:]...)
			body = append(body, d.paras[d.first:end]...)
		case chosen && i > 0:
			for _, q := range d.paras {
				for _, k := range q.pieces {
					p.mark(k, partAttachment)
				}
			}
			p.draft.warn(d.paras[0].from, "附件没有标号和责任标注，未列为条款，请核对 / an attachment without labels and marks was not taken for clauses")
		case chosen || i == 0 && len(docs) > 1:
			cover = append(cover, d.paras...)
		default:
			n := preamble(d.paras)
			for k := range d.paras {
				d.paras[k].alone = true
			}
			end := d.end(n)
			cover, body = append(append(cover, d.paras[:n]...), d.paras[end:]...), append(body, d.paras[n:end]...)
		}
	}
	for _, q := range cover {
		for _, k := range q.pieces {
			p.mark(k, partCover)
		}
	}
	return cover, body
}

// A document is the notice itself or one thing attached to it.
type document struct {
	paras            []para
	first            int // the first paragraph with a label or a mark
	labelled, marked bool
}

func (p *page) documents(paras []para) []document {
	var docs []document
	begun := 0
	for i, q := range paras {
		if i == 0 || q.doc != paras[i-1].doc {
			docs, begun = append(docs, document{}), i
		}
		d := &docs[len(docs)-1]
		marked := q.marked()
		if !d.labelled && !d.marked && (q.labelled || marked) {
			d.first = len(d.paras)
		}
		d.labelled = d.labelled || q.labelled
		d.marked = d.marked || marked
		d.paras = paras[begun : i+1]
	}
	return docs
}

// end returns where the clauses end: a last paragraph that asks something of the
// addressees belongs to none of them.
func (d document) end(first int) int {
	n := len(d.paras)
	if n-1 > first && !(d.paras[n-2].labelled && isTitle(d.paras[n-2].text) && !endsWith(d.paras[n-2].text, "。.")) && !d.paras[n-1].labelled && closingRequest.MatchString(d.paras[n-1].text) && !d.paras[n-1].marked() {
		return n - 1
	}
	return n
}

var closingRequest = regexp.MustCompile(`^(请|望|以上[^，。]{0,6}，?请|[^，。；]{2,12}请(于|在))`)

func anyTasks(docs []document) bool {
	for _, d := range docs {
		if d.marked {
			return true
		}
	}
	return false
}

// preamble returns how many paragraphs lead in to those without labels and marks.
func preamble(paras []para) int {
	for i, q := range paras {
		if !leadsIn(q.text) {
			return i
		}
	}
	return len(paras)
}

func leadsIn(text string) bool {
	return strings.Contains(text, "如下") || strings.Contains(text, "印发给你们") || strings.Contains(text, "转发给你们") ||
		strings.HasSuffix(text, ":") || strings.HasSuffix(text, "：")
}

// isHeadingLine: a labelled line without a sentence is a heading and complete,
// however it ends.
func isHeadingLine(text string, labelled bool) bool {
	return labelled && !strings.ContainsAny(text, "，。；：,;") && utf8.RuneCountInString(text) <= 40
}

// joinLines mends the breaks in a sentence. Between Latin words a space was lost.
func joinLines(lines []string) string {
	var b strings.Builder
	var last rune
	for _, l := range lines {
		if first, _ := utf8.DecodeRuneInString(l); latin(last) && latin(first) {
			b.WriteByte(' ')
		}
		b.WriteString(l)
		last, _ = utf8.DecodeLastRuneInString(l)
	}
	return b.String()
}

func latin(r rune) bool { return r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' }

// A node is a labelled paragraph with what stands below it.
type node struct {
	para
	extra    []para // paragraphs without a label that follow it
	children []*node
	ownLine  bool         // its mark stood on lines of its own
	alike    bool         // another node of the list is a sentence with nothing below
	lent     *headingMark // of a later node of the same list, for both
}

// served reports whether all that stands below a node has marks of its own, so
// that a mark of the node's can only be meant for its own words.
func (n *node) served() bool {
	for _, c := range n.children {
		if c.lent == nil && !c.assigns() && !slices.ContainsFunc(c.extra, para.assigns) && (len(c.children) == 0 || !c.served()) {
			return false
		}
	}
	return true
}

func (q para) marked() bool { return q.row != nil || len(q.marks) > 0 }

// assigns reports whether a paragraph's marks say who.
func (q para) assigns() bool {
	return q.row != nil || slices.ContainsFunc(q.marks, func(m span) bool { return !m.timesOnly() })
}

// onlyMarks reports whether a paragraph is but a mark, in one bracket or several.
func (q para) onlyMarks() bool {
	return !q.labelled && q.row == nil && len(q.marks) > 0 && strings.Trim(q.text[:q.marks[0].from], dropped) == "" && adjoin(q.text, q.marks)
}

// leadsOn reports whether a paragraph only leads to those below it: 具体措施：.
func (q para) leadsOn() bool {
	return !q.labelled && q.row == nil && len(q.marks) == 0 && utf8.RuneCountInString(q.text) <= 20 && strings.ContainsAny(tail(q.text, 3), "：:") && !strings.Contains(q.text, "。")
}

// outline builds the tree of labelled paragraphs. Styles nest in the order in
// which they first appear below each other.
func outline(body []para) *node {
	root := &node{}
	stack := []*node{root}
	doc := 0
	for _, q := range body {
		if q.doc != doc || q.alone {
			stack, doc = stack[:1], q.doc
		}
		top := stack[len(stack)-1]
		for top.row != nil { // nothing stands below the row of a table
			stack = stack[:len(stack)-1]
			top = stack[len(stack)-1]
		}
		if !q.labelled {
			if top.labelled && len(top.children) == 0 && len(top.extra) == 0 && q.onlyMarks() {
				top.take(q)
				continue
			}
			if top == root && q.alone || len(top.children) > 0 { // behind them, not before
				parent := top
				top = &node{}
				parent.children = append(parent.children, top)
				stack = append(stack, top)
			}
			top.extra = append(top.extra, q)
			continue
		}
		for i := 1; i < len(stack); i++ {
			if stack[i].label.style == q.label.style {
				stack = stack[:i]
				break
			}
		}
		// A style that is not open yet goes below what it may.
		for len(stack) > 1 && !q.label.style.below(stack[len(stack)-1].label.style) {
			stack = stack[:len(stack)-1]
		}
		n := &node{para: q}
		parent := stack[len(stack)-1]
		parent.children = append(parent.children, n)
		stack = append(stack, n)
	}
	return root
}

// take adds a mark on a line of its own to what it follows.
func (n *node) take(q para) {
	n.ownLine = n.ownLine || len(n.marks) == 0
	for _, m := range q.marks {
		n.marks = append(n.marks, span{m.from + len(n.text), m.to + len(n.text), m.content})
	}
	n.text += q.text
	n.to = q.to
	n.pieces = append(n.pieces, q.pieces...)
}

// lend gives the mark at the end of a list to the items it is meant for: all of
// them, where it stands below the list on a line of its own, and those that one
// sentence or paragraph counts up.
func (n *node) lend() (lent []*node) {
	n.compare()
	for _, c := range n.children {
		lent = append(lent, c.lend()...)
	}
	last := len(n.children) - 1
	if last < 1 {
		return lent
	}
	if c := n.children[last]; c.ownLine && len(c.children) == 0 && c.label.style >= styleHanBracket && c.label.style != styleRow &&
		!slices.ContainsFunc(n.children[:last], (*node).anyMark) {
		m := markOf(c.text, c.marks)
		for _, d := range n.children[:last] {
			d.lent = m
		}
		return append(lent, c)
	}
	for i, c := range n.children {
		if len(c.children) > 0 || len(c.extra) > 0 || len(c.marks) == 0 || !adjoin(c.text, c.marks) || !endsWith(c.text[:c.marks[0].from], "。.") && !endsWith(c.text, "。.") {
			continue
		}
		m := markOf(c.text, c.marks)
		k := i
		for k > 0 && n.children[k-1].label.style == c.label.style && !n.children[k-1].anyMark() && len(n.children[k-1].extra) == 0 && (n.children[k].goes || endsWith(n.children[k-1].text, "；;")) {
			k--
			n.children[k].lent = m
		}
		if k < i {
			lent = append(lent, c)
		}
	}
	return lent
}

// compare tells the last item of a list, behind which a paragraph stands, from a
// heading: the others have nothing below them.
func (n *node) compare() {
	leaves := 0
	for _, c := range n.children {
		if len(c.children) == 0 && len(c.extra) == 0 && endsWith(c.text, "。.；;") {
			leaves++
		}
	}
	for _, c := range n.children {
		c.alike = leaves > 0
	}
}

func endsWith(s, any string) bool {
	r, _ := utf8.DecodeLastRuneInString(strings.TrimRight(s, " 　"))
	return strings.ContainsRune(any, r)
}

// anyMark reports whether a mark stands in a node or below it.
func (n *node) anyMark() bool {
	return n.assigns() || slices.ContainsFunc(n.extra, para.assigns) || slices.ContainsFunc(n.children, (*node).anyMark)
}

// isTitle reports whether a paragraph is but a title: one sentence, and short.
func isTitle(text string) bool {
	t := strings.TrimRight(text, "。.：:")
	return utf8.RuneCountInString(t) <= 50 && !strings.ContainsAny(t, "。；;")
}

// A segment is a stretch of text with the marks that stand for it.
type segment struct {
	text     string
	marks    []string // as printed
	contents []string // between the brackets
	headings []string // of a row of a table
	from, to int
	goesOn   bool // the next one stands in the same paragraph
}

// timesOnly reports whether a segment's marks, if it has any, say until when and
// not who.
func (s segment) timesOnly() bool {
	return !slices.ContainsFunc(s.contents, func(c string) bool {
		who := readMark(false, c)
		return who.asked || who.persons || len(who.deadlines) == 0
	})
}

// lendOffices gives sentences with a time limit of their own the offices that the
// same paragraph names behind them: 查坝体（6月底前）。查闸门（9月底前）。（建管处负责）.
func lendOffices(segs []segment) {
	for i := len(segs) - 2; i >= 0; i-- {
		if s, next := &segs[i], segs[i+1]; s.goesOn && len(s.marks) > 0 && len(next.marks) > 0 && s.timesOnly() {
			s.marks, s.contents = append(s.marks, next.marks...), append(s.contents, next.offices()...)
		}
	}
}

// offices returns what a segment's marks say without their time limits.
func (s segment) offices() []string {
	var out []string
	for _, c := range s.contents {
		for _, p := range parts(c) {
			if !timeLabel.MatchString(start(p, 90)) && !deadlineWords(p) {
				out = append(out, p)
			}
		}
	}
	return out
}

// bullets begin the items of a list that has no numbers.
const bullets = "●○★☆◆◇■□▲△•·—－➢✓"

func (q para) bulleted() bool {
	first, _ := utf8.DecodeRuneInString(q.text)
	return strings.ContainsRune(bullets, first)
}

// dropped is the punctuation that may be lost around a mark.
const dropped = "。；;，,、 　\t\n"

// segments cuts paragraphs at their marks. Sentences without a mark belong to
// the next mark of the same item, which stands for all of them; what follows the
// last mark stands alone.
func segments(paras []para) []segment {
	var out []segment
	var pending segment
	take := func(q para, text string) {
		text = trim(text)
		if strings.Trim(text, dropped) == "" {
			return
		}
		if pending.text == "" {
			pending.from = q.from
		} else {
			pending.text += "\n"
		}
		pending.text += text
		pending.to = q.to
	}
	for _, q := range paras {
		if q.row != nil {
			if pending.text != "" {
				out = append(out, pending)
			}
			pending = segment{text: q.text, headings: q.row.headings, from: q.from, to: q.to}
			if q.row.mark != "" {
				pending.marks, pending.contents = []string{q.row.mark}, []string{q.row.mark}
			}
			out = append(out, pending)
			pending = segment{}
			continue
		}
		if pending.text != "" && q.bulleted() && !endsWith(pending.text, "；;，,：:") {
			out = append(out, pending) // an item of its own
			pending = segment{}
		}
		prev, begun := 0, len(out)
		for _, m := range q.marks {
			text := q.text[prev:m.from]
			if prev > 0 {
				text = strings.TrimLeft(text, dropped)
			}
			take(q, text)
			printed := q.text[m.from:m.to]
			if pending.text == "" && len(out) > 0 {
				last := &out[len(out)-1] // one more mark for the same sentences
				last.marks, last.contents, last.to = append(last.marks, printed), append(last.contents, m.content), q.to
			} else {
				pending.marks, pending.contents, pending.to = []string{printed}, []string{m.content}, q.to
				if pending.from == 0 {
					pending.from = q.from
				}
				out = append(out, pending)
				pending = segment{}
			}
			prev = m.to
		}
		for k := begun; k+1 < len(out); k++ {
			out[k].goesOn = true
		}
		rest := q.text[prev:]
		if prev > 0 {
			tail := strings.TrimLeft(rest, " 　")
			rest = strings.TrimLeft(rest, dropped)
			if k := len(out) - 1; k >= 0 && rest != "" && strings.IndexAny(tail, "，,、") == 0 {
				out[k].text += tail // the mark stood inside the sentence
				continue
			}
		}
		take(q, rest)
	}
	if pending.text != "" {
		out = append(out, pending)
	}
	return out
}
