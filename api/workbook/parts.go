package workbook

import (
	"archive/zip"
	"encoding/xml"
	"errors"
	"io"
	"path"
	"strconv"
	"strings"

	"github.com/xuri/excelize/v2"
)

// A sheetPart is what has to be known of a sheet before its cells are read, and
// what excelize would only tell after loading every cell into memory: files come
// with a million empty cells that somebody has put a border around.
type sheetPart struct {
	name   string
	hidden bool
	merges []area
	faults map[string]*fault // of cells, by their names
}

// An area is a rectangle of cells, both corners included, counted from 1.
type area struct{ left, top, right, bottom int }

// inspect lists a workbook's sheets and refuses one that is broken: excelize
// would end a sheet silently where its XML ends.
func inspect(data []byte, l Limits) ([]sheetPart, error) {
	parts, err := openZip(data, l)
	if err != nil {
		return nil, err
	}
	book, err := workbookPart(parts)
	if err != nil {
		return nil, err
	}
	var wb struct {
		Sheets []struct {
			Name  string     `xml:"name,attr"`
			State string     `xml:"state,attr"`
			Attrs []xml.Attr `xml:",any,attr"`
		} `xml:"sheets>sheet"`
	}
	if err := decodePart(parts, book, &wb); err != nil {
		return nil, err
	}
	targets, err := relations(parts, book)
	if err != nil {
		return nil, err
	}
	var out []sheetPart
	for _, s := range wb.Sheets {
		target := targets[relation(s.Attrs)]
		f := parts[strings.ToLower(target.part)]
		if f == nil || target.kind != "worksheet" {
			continue // a sheet of charts, a dialogue
		}
		p := sheetPart{name: s.Name, hidden: s.State == "hidden" || s.State == "veryHidden", faults: map[string]*fault{}}
		if !p.hidden {
			if err := readPart(f, p.scan); err != nil {
				return nil, err
			}
		}
		out = append(out, p)
	}
	if len(out) == 0 {
		return nil, ErrBroken
	}
	return out, nil
}

// relation returns the id of the part that an element stands for. Two name spaces
// are in use for the attribute (ECMA-376, transitional and strict).
func relation(attrs []xml.Attr) string {
	for _, a := range attrs {
		if a.Name.Local == "id" && a.Name.Space != "" {
			return a.Value
		}
	}
	return ""
}

// A target is what a part refers to.
type target struct{ part, kind string }

// relations returns what a part refers to, by id.
func relations(parts map[string]*zip.File, of string) (map[string]target, error) {
	var rels struct {
		List []struct {
			ID     string `xml:"Id,attr"`
			Type   string `xml:"Type,attr"`
			Target string `xml:"Target,attr"`
		} `xml:"Relationship"`
	}
	dir, base := path.Split(of)
	if err := decodePart(parts, dir+"_rels/"+base+".rels", &rels); err != nil {
		return nil, err
	}
	out := map[string]target{}
	for _, r := range rels.List {
		p := strings.TrimPrefix(r.Target, "/")
		if !strings.HasPrefix(r.Target, "/") {
			p = path.Join(dir, r.Target)
		}
		out[r.ID] = target{p, path.Base(r.Type)}
	}
	return out, nil
}

// workbookPart returns the name of the main part.
func workbookPart(parts map[string]*zip.File) (string, error) {
	root, err := relations(parts, "")
	if err != nil {
		return "", err
	}
	for _, t := range root {
		if t.kind != "officeDocument" {
			continue
		}
		if !strings.HasSuffix(t.part, ".xml") || !strings.HasPrefix(t.part, "xl/") {
			return "", ErrOtherFormat // .xlsb, .docx, .pptx
		}
		return t.part, nil
	}
	return "", ErrOtherFormat
}

func decodePart(parts map[string]*zip.File, name string, into any) error {
	f := parts[strings.ToLower(name)]
	if f == nil {
		return ErrBroken
	}
	return readPart(f, func(r io.Reader) error { return xml.NewDecoder(r).Decode(into) })
}

// maxMerges bounds merged areas: a table of 50,000 rows with three columns merged
// in pairs has 75,000.
const maxMerges = 200_000

// scan reads a sheet's XML once, to its end.
func (p *sheetPart) scan(r io.Reader) error {
	d := xml.NewDecoder(r)
	var cell string
	formula, value, failed := false, false, false
	for {
		t, err := d.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		switch e := t.(type) {
		case xml.StartElement:
			switch e.Name.Local {
			case "c":
				cell, formula, value, failed = attribute(e, "r"), false, false, attribute(e, "t") == "e"
			case "f":
				formula = true
			case "v", "is":
				value = true
			case "mergeCell":
				if len(p.merges) == maxMerges {
					return tooLarge("合并单元格", "merged cells", maxMerges)
				}
				if a, ok := parseArea(attribute(e, "ref")); ok {
					p.merges = append(p.merges, a)
				}
			}
		case xml.EndElement:
			switch {
			case e.Name.Local != "c":
			case failed:
				p.faults[cell] = failedFormula()
			case formula && !value:
				p.faults[cell] = faultf("cell.formula", "公式没有结果，请在 Excel 里打开并保存，或改成内容 / "+
					"the formula has no result: save the file in Excel, or write the value")
			}
		}
	}
}

func attribute(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

func parseArea(ref string) (area, bool) {
	from, to, ok := strings.Cut(strings.ReplaceAll(ref, "$", ""), ":")
	if !ok {
		return area{}, false
	}
	left, top, err := excelize.CellNameToCoordinates(from)
	if err != nil {
		return area{}, false
	}
	right, bottom, err := excelize.CellNameToCoordinates(to)
	if err != nil || right < left || bottom < top {
		return area{}, false
	}
	return area{left, top, right, bottom}, true
}

// columnName returns a column as spreadsheets name it: 28 is AB.
func columnName(n int) string {
	name, err := excelize.ColumnNumberToName(n)
	if err != nil {
		return strconv.Itoa(n)
	}
	return name
}
