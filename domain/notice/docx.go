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
// tabs between its cells, deletions left out (ECMA-376, part 1, section 17). Numbers that the
// word processor makes by itself (w:numPr) are no text; a warning says so.
func readDocx(b []byte) (string, []Warning, error) {
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return "", nil, ErrBrokenDocx
	}
	for _, f := range z.File {
		if f.Name != "word/document.xml" {
			continue
		}
		if f.UncompressedSize64 > maxDocument {
			return "", nil, ErrTooLarge
		}
		r, err := f.Open()
		if err != nil {
			return "", nil, ErrBrokenDocx
		}
		defer r.Close()
		// The size in the directory may lie: the limit is held while reading.
		return readDocument(io.LimitReader(r, maxDocument+1))
	}
	return "", nil, ErrBrokenDocx
}

type docxReader struct {
	out      strings.Builder
	deleted  int // depth of what is left out: w:del, and the second form of a drawing
	cells    int // depth of w:tc
	inText   bool
	numbered int // first paragraph with an automatic number, by line
	lines    int
}

func readDocument(r io.Reader) (string, []Warning, error) {
	d := &docxReader{lines: 1}
	counted := &countingReader{r: r}
	dec := xml.NewDecoder(counted)
	for {
		t, err := dec.Token()
		switch {
		case errors.Is(err, io.EOF):
			if d.lines == 1 && d.out.Len() == 0 {
				return "", nil, ErrEmpty
			}
			return d.out.String(), d.warnings(), nil
		case counted.n > maxDocument || d.out.Len() > maxText:
			return "", nil, ErrTooLarge
		case err != nil:
			return "", nil, ErrBrokenDocx
		}
		d.token(t)
	}
}

func (d *docxReader) token(t xml.Token) {
	switch t := t.(type) {
	case xml.StartElement:
		switch t.Name.Local {
		case "del", "moveFrom", "Fallback":
			d.deleted++
		case "tc":
			d.cells++
		case "t":
			d.inText = d.deleted == 0
		case "tab":
			d.out.WriteByte('\t')
		case "br", "cr":
			d.newline()
		case "numPr":
			if d.numbered == 0 {
				d.numbered = d.lines
			}
		}
	case xml.EndElement:
		switch t.Name.Local {
		case "del", "moveFrom", "Fallback":
			d.deleted--
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
	case xml.CharData:
		if d.inText {
			d.out.Write(t)
		}
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
	if d.numbered == 0 {
		return nil
	}
	return []Warning{{Line: d.numbered, Message: "文档用了自动编号，编号不是文字，读不出来；请在文字处理软件中把编号转为文本 / " +
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
