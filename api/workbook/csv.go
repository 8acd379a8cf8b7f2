package workbook

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
)

// bom tells Excel that a .csv is UTF-8.
const bom = "\ufeff"

// WriteCSV writes a table's header and rows as .csv (RFC 4180: CRLF, quotes where
// needed), without the lines above and below them. A text that a spreadsheet
// would take for a formula gets an apostrophe before it, which Read takes away.
func WriteCSV(w io.Writer, s Sheet) error {
	if err := s.check(); err != nil {
		return err
	}
	buf := bufio.NewWriter(w)
	if _, err := buf.WriteString(bom); err != nil {
		return fmt.Errorf("write the .csv: %w", err)
	}
	out := csv.NewWriter(buf)
	out.UseCRLF = true
	record := make([]string, 0, len(s.Columns)+1)
	for _, c := range s.Columns {
		record = append(record, strings.Join(strings.Fields(c.Header), ""))
	}
	if s.Keyed {
		record = append(record, keyHeader)
	}
	if err := out.Write(record); err != nil {
		return fmt.Errorf("write the .csv: %w", err)
	}
	for r, err := range s.Rows {
		if err == nil {
			err = s.fits(r)
		}
		if err != nil {
			return fmt.Errorf("write table %q: %w", s.Name, err)
		}
		record = record[:0]
		for _, c := range r.Cells {
			record = append(record, harmless(c))
		}
		if s.Keyed {
			record = append(record, r.Key.String())
		}
		if err := out.Write(record); err != nil {
			return fmt.Errorf("write the .csv: %w", err)
		}
	}
	out.Flush()
	if err := errors.Join(out.Error(), buf.Flush()); err != nil {
		return fmt.Errorf("write the .csv: %w", err)
	}
	return nil
}

// harmless returns a cell as a spreadsheet may open it. Numbers are what they look
// like; of texts, those that begin like a formula are quoted (OWASP, CSV
// Injection), and those that begin with an apostrophe before one, so that
// unquote finds its way back.
func harmless(c Cell) string {
	s := c.String()
	if c.kind == KindText && formula(strings.TrimLeft(s, "'")) {
		return "'" + s
	}
	return s
}

func unquote(s string) string {
	if rest, ok := strings.CutPrefix(s, "'"); ok && formula(strings.TrimLeft(rest, "'")) {
		return rest
	}
	return s
}

// formula reports whether a spreadsheet may take a text for a formula.
func formula(s string) bool {
	return s != "" && strings.ContainsRune("=+-@\t\r＝＋－＠", []rune(s[:min(len(s), 4)])[0])
}
