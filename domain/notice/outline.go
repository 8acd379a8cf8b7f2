package notice

import (
	"slices"
	"strings"
	"unicode/utf8"
)

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
	if len(n.children) == 0 {
		return slices.ContainsFunc(n.extra, para.assigns)
	}
	for _, c := range n.children {
		if c.lent == nil && !c.assigns() && !slices.ContainsFunc(c.extra, para.assigns) && (len(c.children) == 0 || !c.served()) {
			return false
		}
	}
	return true
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
