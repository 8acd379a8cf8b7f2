package notice

import (
	"strings"
	"unicode/utf8"
)

// A para is a paragraph: the pieces of one, with page breaks mended.
type para struct {
	text     string // without its label
	from, to int    // lines
	label    label
	labelled bool
}

// paragraphs joins the body's pieces. A piece goes on the paragraph before it if
// that one's sentence has not ended and the piece begins nothing of its own.
func (p *page) paragraphs(from int) (cover, body []para) {
	var out []para
	var own []int         // the first piece of each paragraph
	var broken [][]string // the lines of each paragraph
	open := false         // the last paragraph's sentence has not ended
	attached := -1        // how many paragraphs stand before the attached title
	for i := from; i < len(p.pieces); i++ {
		pc := p.pieces[i]
		if p.parts[i] != partNone {
			if p.parts[i] != partPage && p.parts[i] != partContact {
				open = false
			}
			if p.parts[i] == partAttachment && attached < 0 {
				attached = len(out)
			}
			continue
		}
		p.mark(i, partBody)
		l, labelled := labelOf(pc.text)
		if open && !labelled && !startsMark(pc.text) {
			last := len(out) - 1
			broken[last] = append(broken[last], pc.text)
			out[last].to = pc.line
			open = !endsSentence(pc.text)
			continue
		}
		text := pc.text
		if labelled {
			text = trim(text[l.width:])
		}
		out = append(out, para{from: pc.line, to: pc.line, label: l, labelled: labelled})
		broken = append(broken, []string{text})
		own = append(own, i)
		open = !endsSentence(pc.text) && !isHeadingLine(text, labelled)
	}
	for i, lines := range broken {
		out[i].text = joinLines(lines)
	}
	first := len(out)
	for i, q := range out {
		if q.labelled {
			first = i
			break
		}
	}
	if first == len(out) && attached >= 0 {
		first = attached
	}
	return out[:first], out[first:]
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
}

// outline builds the tree of labelled paragraphs. Styles nest in the order in
// which they first appear below each other.
func outline(body []para) *node {
	root := &node{}
	stack := []*node{root}
	for _, q := range body {
		top := stack[len(stack)-1]
		if !q.labelled {
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
		for len(stack) > 1 && !q.label.style.below(stack[len(stack)-1].label.style) && stack[len(stack)-1].label.style != q.label.style {
			stack = stack[:len(stack)-1]
		}
		n := &node{para: q}
		parent := stack[len(stack)-1]
		parent.children = append(parent.children, n)
		stack = append(stack, n)
	}
	return root
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
	from, to int
}

// segments cuts paragraphs at their marks. Sentences without a mark belong to
// the next mark of the same item, which stands for all of them; what follows the
// last mark stands alone.
func segments(paras []para) []segment {
	var out []segment
	var pending segment
	take := func(q para, text string) {
		text = trim(text)
		if strings.Trim(text, "。；;，, ") == "" {
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
		prev := 0
		for _, m := range findMarks(q.text) {
			take(q, q.text[prev:m.from])
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
		rest := q.text[prev:]
		if prev > 0 {
			rest = strings.TrimLeft(rest, "。；;，, ")
		}
		take(q, rest)
	}
	if pending.text != "" {
		out = append(out, pending)
	}
	return out
}
