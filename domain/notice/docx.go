package notice

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
)

// readDocx returns the text of a .docx: one line a paragraph or a table's row, with
// tabs between its cells, deletions left out (ECMA-376, part 1, section 17). Numbers
// that the word processor makes by itself are written before their paragraphs.
func readDocx(b []byte) (string, []Warning, error) {
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return "", nil, ErrBrokenDocx
	}
	numbers := newNumbering()
	for _, part := range []struct {
		name string
		read func(io.Reader) error
	}{{"word/numbering.xml", numbers.readLists}, {"word/styles.xml", numbers.readStyles}} {
		// A document whose lists can't be read is read without them.
		if _, err := readPart(z, part.name, part.read); err != nil && !errors.Is(err, ErrBrokenDocx) {
			return "", nil, err
		}
	}
	d := &docxReader{lines: 1, numbers: numbers}
	found, err := readPart(z, "word/document.xml", d.read)
	if err != nil {
		return "", nil, err
	}
	if !found {
		return "", nil, ErrBrokenDocx
	}
	return d.out.String(), d.warnings(), nil
}

// readPart reads one file of the archive. The size in the directory may lie: the
// readers hold the limit themselves.
func readPart(z *zip.Reader, name string, read func(io.Reader) error) (found bool, err error) {
	for _, f := range z.File {
		if f.Name != name {
			continue
		}
		if f.UncompressedSize64 > maxDocument {
			return true, ErrTooLarge
		}
		r, err := f.Open()
		if err != nil {
			return true, ErrBrokenDocx
		}
		defer r.Close()
		err = read(r)
		if err != nil && !errors.Is(err, ErrTooLarge) && !errors.Is(err, ErrEmpty) {
			err = ErrBrokenDocx
		}
		return true, err
	}
	return false, nil
}

type docxReader struct {
	out        strings.Builder
	numbers    *numbering
	deleted    int // depth of what is left out: w:del, and the second form of a drawing
	cells      int // depth of w:tc
	inText     bool
	properties bool     // in w:pPr
	paragraph  numbered // of the paragraph being read
	unnumbered int      // first paragraph whose number is not known, by line
	lines      int
}

// read reads word/document.xml.
func (d *docxReader) read(r io.Reader) error {
	counted := &countingReader{r: io.LimitReader(r, maxDocument+1)}
	dec := xml.NewDecoder(counted)
	for {
		t, err := dec.Token()
		switch {
		case errors.Is(err, io.EOF):
			if d.lines == 1 && d.out.Len() == 0 {
				return ErrEmpty
			}
			return nil
		case counted.n > maxDocument || d.out.Len() > maxText:
			return ErrTooLarge
		case err != nil:
			return err
		}
		d.token(t)
	}
}

func (d *docxReader) token(t xml.Token) {
	switch t := t.(type) {
	case xml.StartElement:
		d.begin(t)
	case xml.EndElement:
		d.end(t.Name.Local)
	case xml.CharData:
		if d.inText {
			d.out.Write(t)
		}
	}
}

func (d *docxReader) begin(t xml.StartElement) {
	switch t.Name.Local {
	case "del", "moveFrom", "Fallback", "pPrChange":
		d.deleted++
	case "tc":
		d.cells++
	case "t":
		d.inText = d.deleted == 0
	case "tab": // w:tabs in the properties says where tabs stop
		if d.deleted == 0 && !d.properties {
			d.out.WriteByte('\t')
		}
	case "pPr":
		d.properties = true
	case "numPr":
		if d.deleted == 0 && d.paragraph.list == "" {
			d.paragraph.list = "unknown"
		}
	case "br", "cr":
		d.newline()
	case "p":
		d.paragraph = numbered{}
	case "pStyle":
		if d.deleted == 0 {
			d.paragraph = d.numbers.styles[attribute(t, "val")]
		}
	case "ilvl":
		if d.deleted == 0 {
			d.paragraph.level = number0(attribute(t, "val"), 0)
		}
	case "numId":
		if d.deleted == 0 {
			d.paragraph.list = attribute(t, "val")
		}
	}
}

func (d *docxReader) end(name string) {
	switch name {
	case "del", "moveFrom", "Fallback", "pPrChange":
		d.deleted--
	case "pPr":
		if d.deleted == 0 {
			d.properties = false
			d.number()
		}
	case "tc":
		d.cells--
		d.out.WriteByte('\t')
	case "tr":
		d.newline()
	case "t":
		d.inText = false
	case "p":
		d.newline()
	}
}

// number writes the number of a paragraph before its text.
func (d *docxReader) number() {
	if d.paragraph.list == "" || d.paragraph.list == "0" {
		return
	}
	label, ok := d.numbers.label(d.paragraph)
	d.out.WriteString(label)
	if !ok && d.unnumbered == 0 {
		d.unnumbered = d.lines
	}
}

func (d *docxReader) newline() {
	if d.cells > 0 { // a row is one line
		d.out.WriteByte(' ')
		return
	}
	d.out.WriteByte('\n')
	d.lines++
}

func (d *docxReader) warnings() []Warning {
	if d.unnumbered == 0 {
		return nil
	}
	return []Warning{{Line: d.unnumbered, Message: "文档用了自动编号，编号不是文字，读不出来；请在文字处理软件中把编号转为文本 / " +
		"the document numbers its paragraphs automatically, which is no text: convert the numbers to text"}}
}

type countingReader struct {
	r io.Reader
	n int64
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}
