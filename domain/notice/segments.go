package notice

import (
	"slices"
	"strings"
)

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

// dropped is the punctuation that may be lost around a mark.
const dropped = "。；;，,、. 　\t\n"

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
