package notice

import (
	"regexp"
	"slices"
	"strings"
)

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
