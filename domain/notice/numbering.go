package notice

import (
	"encoding/xml"
	"errors"
	"io"
	"strconv"
	"strings"
)

// A numbering makes the labels that a word processor prints before paragraphs
// without keeping them as text (ECMA-376, part 1, section 17.9). It counts as it
// goes, so it serves one reading of the document.
type numbering struct {
	levels map[string]*[9]numberLevel // by the id of an abstract definition
	of     map[string]string          // definition of an instance (w:numId)
	styles map[string]numbered        // of the paragraph styles that number
	counts map[string]*[9]int
}

// A numberLevel is how one level of a list is labelled.
type numberLevel struct {
	format string // decimal, chineseCounting …
	text   string // （%1）
	start  int
}

// numbered says of which list and level a paragraph is.
type numbered struct {
	list  string
	level int
}

func newNumbering() *numbering {
	return &numbering{levels: map[string]*[9]numberLevel{}, of: map[string]string{}, styles: map[string]numbered{}, counts: map[string]*[9]int{}}
}

// label returns the next label of a list. ok is false if the list is unknown or
// counts in a way that is not.
func (n *numbering) label(p numbered) (label string, ok bool) {
	levels := n.levels[n.of[p.list]]
	if levels == nil || p.level < 0 || p.level > 8 {
		return "", false
	}
	counts := n.counts[n.of[p.list]]
	if counts == nil {
		counts = &[9]int{}
		for i, l := range levels {
			counts[i] = l.start - 1
		}
		n.counts[n.of[p.list]] = counts
	}
	counts[p.level]++
	for i := p.level + 1; i < len(counts); i++ {
		counts[i] = levels[i].start - 1
	}
	label = levels[p.level].text
	for i := range p.level + 1 {
		place := "%" + strconv.Itoa(i+1)
		if !strings.Contains(label, place) {
			continue
		}
		number, known := counted(levels[i].format, max(counts[i], 1))
		if !known {
			return "", false
		}
		label = strings.ReplaceAll(label, place, number)
	}
	if levels[p.level].format == "bullet" {
		label = "●" // what is printed is a sign of some symbol font
	}
	return label, true
}

// counted writes a number as a list does (17.18.59).
func counted(format string, n int) (string, bool) {
	switch format {
	case "decimal", "decimalHalfWidth", "decimalFullWidth", "":
		return strconv.Itoa(n), true
	case "decimalZero":
		if n < 10 {
			return "0" + strconv.Itoa(n), true
		}
		return strconv.Itoa(n), true
	case "chineseCounting", "chineseCountingThousand", "japaneseCounting", "ideographDigital", "taiwaneseCounting", "taiwaneseCountingThousand":
		return hanNumber(n), n < 1000
	case "decimalEnclosedCircle", "decimalEnclosedCircleChinese":
		if n > 20 {
			return "", false
		}
		return string('①' + rune(n-1)), true
	case "none", "bullet":
		return "", true
	}
	return "", false
}

// hanNumber writes a number below a thousand: 一, 十二, 一百零三.
func hanNumber(n int) string {
	digit := func(d int) string { return string([]rune("零一二三四五六七八九")[d]) }
	s := ""
	if n >= 100 {
		s = digit(n/100) + "百"
		if n%100 > 0 && n%100 < 10 {
			s += "零"
		}
	}
	if t := n % 100 / 10; t > 1 || t == 1 && n >= 100 {
		s += digit(t) + "十"
	} else if t == 1 {
		s += "十"
	}
	if n%10 > 0 {
		s += digit(n % 10)
	}
	return s
}

// readLists reads word/numbering.xml.
func (n *numbering) readLists(r io.Reader) error {
	var abstract, instance string
	level := -1
	return eachElement(r, func(t xml.StartElement) {
		var l *numberLevel
		if levels := n.levels[abstract]; levels != nil && level >= 0 && level < len(levels) {
			l = &levels[level]
		}
		switch t.Name.Local {
		case "abstractNum":
			abstract, instance, level = attribute(t, "abstractNumId"), "", -1
			n.levels[abstract] = &[9]numberLevel{}
		case "lvl":
			level = number0(attribute(t, "ilvl"), -1)
			if instance != "" {
				level = -1 // an override of the definition's looks, which is not followed
			}
		case "numFmt":
			if l != nil {
				l.format = attribute(t, "val")
			}
		case "lvlText":
			if l != nil {
				l.text = attribute(t, "val")
			}
		case "start":
			if l != nil {
				l.start = number0(attribute(t, "val"), 1)
			}
		case "num":
			instance, level = attribute(t, "numId"), -1
		case "abstractNumId":
			if instance != "" {
				n.of[instance] = attribute(t, "val")
			}
		case "startOverride":
			n.restart(instance)
		}
	})
}

// restart gives an instance that begins anew a count of its own.
func (n *numbering) restart(instance string) {
	if levels := n.levels[n.of[instance]]; levels != nil {
		own := *levels
		n.levels["instance "+instance] = &own
		n.of[instance] = "instance " + instance
	}
}

// readStyles reads word/styles.xml.
func (n *numbering) readStyles(r io.Reader) error {
	style := ""
	return eachElement(r, func(t xml.StartElement) {
		p := n.styles[style]
		switch t.Name.Local {
		case "style":
			style = attribute(t, "styleId")
			return
		case "ilvl":
			p.level = number0(attribute(t, "val"), 0)
		case "numId":
			p.list = attribute(t, "val")
		default:
			return
		}
		n.styles[style] = p
	})
}

func eachElement(r io.Reader, do func(xml.StartElement)) error {
	dec := xml.NewDecoder(io.LimitReader(r, maxDocument))
	for {
		t, err := dec.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if s, ok := t.(xml.StartElement); ok {
			do(s)
		}
	}
}

func attribute(t xml.StartElement, name string) string {
	for _, a := range t.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

func number0(s string, otherwise int) int {
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 || n > 9999 {
		return otherwise
	}
	return n
}
