package notice

import (
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

// bullets begin the items of a list that has no numbers.
const bullets = "●○★☆◆◇■□▲△•·—－➢✓"

func (q para) bulleted() bool {
	first, _ := utf8.DecodeRuneInString(q.text)
	return strings.ContainsRune(bullets, first)
}

// A paragrapher joins pieces to paragraphs.
type paragrapher struct {
	*page
	out    []para
	lines  [][]string // of each paragraph; nil for the row of a table
	table  *table     // whose rows follow
	open   bool       // the last paragraph goes on
	parted bool       // something that ends a document came since the last paragraph
	doc    int        // counts the documents
}

// paragraphs joins the body's pieces. A piece goes on the paragraph before it if
// that one's sentence has not ended and the piece begins nothing of its own.
func (p *page) paragraphs(from int) []para {
	b := paragrapher{page: p}
	for i := from; i < len(p.pieces); i++ {
		switch {
		case p.standing[i].table != nil:
			i = b.stand(p.standing[i], i) - 1
		case p.parts[i] != partNone:
			if p.parts[i] != partPage && p.parts[i] != partContact {
				b.open = false
			}
			b.parted = b.parted || p.parts[i] == partAttachment || p.parts[i] == partSignature
		default:
			b.begin()
			if !b.row(i) {
				b.text(i, p.pieces[i].text)
			}
		}
	}
	for i, lines := range b.lines {
		if lines != nil {
			b.out[i].text = joinLines(lines)
			b.out[i].marks = findMarks(b.out[i].text)
		}
	}
	return b.out
}

// begin counts a new document if one has ended.
func (b *paragrapher) begin() {
	if b.parted && len(b.out) > 0 {
		b.doc++
	}
	b.parted = false
}

// text adds a piece to the last paragraph, or begins one with it.
func (b *paragrapher) text(i int, text string) {
	pc := b.pieces[i]
	b.mark(i, partBody)
	l, labelled := labelOf(text)
	last := len(b.out) - 1
	goes := last >= 0 && b.lines[last] != nil && b.continues(b.lines[last], i)
	if b.open && !labelled && !startsMark(text) || goes {
		b.lines[last] = append(b.lines[last], text)
		b.out[last].to = pc.line
		b.out[last].pieces = append(b.out[last].pieces, i)
		b.open = sentenceGoesOn(text) || b.wrap.ended(pc.line)
		return
	}
	text = closeUp(text)
	whole := text
	if labelled {
		text = trim(text[l.width:])
	}
	b.out = append(b.out, para{from: pc.line, to: pc.line, label: l, labelled: labelled, doc: b.doc, pieces: []int{i}, goes: pc.goes})
	b.lines = append(b.lines, []string{text})
	b.open = sentenceGoesOn(whole) && !isHeadingLine(text, labelled) || b.wrap.ended(pc.line)
}

// row reads a piece as part of a table: its head, a rule, a heading over rows, or a
// row. It reports whether it was one.
func (b *paragrapher) row(i int) bool {
	pc := b.pieces[i]
	if t := tableOf(pc); t != nil {
		b.head(t, i)
		return true
	}
	if b.table == nil {
		return false
	}
	if pc.cells != nil && ruled(pc.cells) {
		b.mark(i, partTable)
		return true
	}
	cells := b.table.cells(pc)
	if h := b.table.headingRow(cells); h != "" {
		b.table.section, b.table.group, b.table.mark = "", "", ""
		if _, labelled := labelOf(h); labelled { // 一、教育类 stands over the rows
			b.text(i, h)
		} else {
			b.table.section = h
			b.mark(i, partTable)
		}
		return true
	}
	if cells == nil {
		if pc.cells == nil {
			b.table = nil
		}
		return false
	}
	b.mark(i, partBody)
	b.pieces[i].cells = cells
	b.add(b.table.para(cells, pc.line, i, b.doc))
	return true
}

func (b *paragrapher) add(row para) {
	b.out = append(b.out, row)
	b.lines = append(b.lines, nil)
}

// head begins a table. Its title may stand on the line above; a head that is printed
// again on the next page begins nothing.
func (b *paragrapher) head(t *table, i int) {
	if b.table == nil || !slices.Equal(t.heads, b.table.heads) {
		b.table = t
		if k := len(b.out) - 1; k >= 0 && b.tableTitle(b.out[k], i) {
			b.out, b.lines = b.out[:k], b.lines[:k]
			b.doc += min(k, 1)
		}
	}
	b.open = false
	b.mark(i, partTable)
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

// stand adds the rows of a table whose cells stand below each other, from its head at
// piece i, and returns where it ends.
func (b *paragrapher) stand(t standing, i int) int {
	b.begin()
	b.open, b.table = false, nil
	n := len(t.columns)
	for k := i; k < i+n; k++ {
		b.mark(k, partTable)
	}
	at := i + n
	for ; t.rows[at] != nil; at += n {
		q := t.para(t.rows[at], b.pieces[at].line, at, b.doc)
		q.to, q.pieces = b.pieces[at+n-1].line, nil
		for k := at; k < at+n; k++ {
			b.mark(k, partBody)
			b.pieces[k].cells = t.rows[at][k-at : k-at+1]
			q.pieces = append(q.pieces, k)
		}
		b.add(q)
	}
	return at
}

// sentenceGoesOn reports whether a sentence goes on behind a line. A short line of a mark
// is complete as it is.
func sentenceGoesOn(t string) bool {
	if endsSentence(t) {
		return false
	}
	return !startsMark(t) || utf8.RuneCountInString(t) > 25 || strings.HasSuffix(t, "、") || strings.HasSuffix(t, "，")
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
