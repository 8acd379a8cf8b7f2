package workbook

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/xuri/excelize/v2"
	"golang.org/x/text/encoding/simplifiedchinese"
)

// The reasons why a file is refused as a whole. Each says what to do about it.
var (
	ErrEmptyFile = errors.New("文件是空的 / the file is empty")
	ErrOldExcel  = errors.New("这是 .xls 文件，请在 Excel 或 WPS 里另存为 .xlsx 后再导入 / " +
		"this is an .xls file: save it as .xlsx in Excel or WPS")
	ErrEncrypted = errors.New("文件设有打开密码，请去掉密码另存后再导入 / " +
		"the file needs a password to open: save it without one")
	ErrOtherFormat = errors.New("不是 .xlsx 或 .csv 文件，请另存为 .xlsx 后再导入 / " +
		"this is neither .xlsx nor .csv: save it as .xlsx")
	ErrBroken = errors.New("文件已损坏，请用 Excel、WPS 或 LibreOffice 打开后重新另存 / " +
		"the file is broken: open it in Excel, WPS or LibreOffice and save it again")
	ErrTooLarge = errors.New("文件过大，请拆分后导入 / the file is too large: divide it")
)

// Limits bound what is read. Zero fields have the values of DefaultLimits.
type Limits struct {
	Bytes    int64 // of the file
	Unpacked int64 // bytes of an .xlsx, unpacked
	Rows     int   // with something in them
	Columns  int   // with something in them
	Cell     int   // characters of one cell
}

// DefaultLimits leave room for a register of a province with photographs in it.
func DefaultLimits() Limits {
	return Limits{Bytes: 32 << 20, Unpacked: 192 << 20, Rows: 50_000, Columns: 200, Cell: 20_000}
}

func (l Limits) filled() Limits {
	d := DefaultLimits()
	if l.Bytes > 0 {
		d.Bytes = l.Bytes
	}
	if l.Unpacked > 0 {
		d.Unpacked = l.Unpacked
	}
	if l.Rows > 0 {
		d.Rows = l.Rows
	}
	if l.Columns > 0 {
		d.Columns = l.Columns
	}
	if l.Cell > 0 {
		d.Cell = l.Cell
	}
	return d
}

// tooLarge says which limit a file is beyond.
func tooLarge(zh, en string, limit any) error {
	return fmt.Errorf("%w：%s超过 %v / %s over %v", ErrTooLarge, zh, limit, en, limit)
}

// open reads every sheet of a file that may hold a table. What kind of file it is
// shows in its bytes, not in its name.
func open(data []byte, l Limits) ([]grid, error) {
	switch {
	case int64(len(data)) > l.Bytes:
		return nil, tooLarge("文件大小", "size", fmt.Sprintf("%d MiB", l.Bytes>>20))
	case len(bytes.TrimSpace(data)) == 0:
		return nil, ErrEmptyFile
	case bytes.HasPrefix(data, []byte("PK\x03\x04")):
		return openXLSX(data, l)
	case bytes.HasPrefix(data, []byte("\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1")):
		// A compound file: an old workbook, or a new one behind a password.
		if bytes.Contains(data, wide("EncryptedPackage")) {
			return nil, ErrEncrypted
		}
		return nil, ErrOldExcel
	}
	text, err := decodeText(data)
	if err != nil {
		return nil, err
	}
	g, err := csvGrid(text, l)
	return []grid{g}, err
}

func wide(s string) []byte {
	var b []byte
	for _, u := range utf16.Encode([]rune(s)) {
		b = append(b, byte(u), byte(u>>8))
	}
	return b
}

// decodeText reads UTF-8, what Excel calls Unicode text, and GB18030, in which a
// Chinese Excel saves .csv.
func decodeText(data []byte) (string, error) {
	if rest, ok := bytes.CutPrefix(data, []byte("\xff\xfe")); ok {
		if len(rest)%2 != 0 {
			return "", ErrBroken
		}
		u := make([]uint16, len(rest)/2)
		for i := range u {
			u[i] = uint16(rest[2*i]) | uint16(rest[2*i+1])<<8
		}
		data = []byte(string(utf16.Decode(u)))
	}
	data = bytes.TrimPrefix(data, []byte(bom))
	if !utf8.Valid(data) {
		d, err := simplifiedchinese.GB18030.NewDecoder().Bytes(data)
		if err != nil || bytes.ContainsRune(d, utf8.RuneError) {
			return "", ErrOtherFormat
		}
		data = d
	}
	head := bytes.ToLower(bytes.TrimSpace(data[:min(len(data), 512)]))
	// A page or an XML document that calls itself .xls, as some systems export it.
	if bytes.IndexByte(data, 0) >= 0 || bytes.HasPrefix(head, []byte("<")) || bytes.HasPrefix(head, []byte("%pdf")) {
		return "", ErrOtherFormat
	}
	return string(data), nil
}

// openXLSX reads the visible sheets of a workbook.
func openXLSX(data []byte, l Limits) ([]grid, error) {
	sheets, err := inspect(data, l)
	if err != nil {
		return nil, err
	}
	var f *excelize.File
	since1904 := false
	err = guard(func() error {
		var err error
		f, err = excelize.OpenReader(bytes.NewReader(data), excelize.Options{
			UnzipSizeLimit: l.Unpacked, ShortDatePattern: "yyyy-mm-dd", LongDatePattern: "yyyy-mm-dd",
		})
		if err != nil {
			return err
		}
		props, err := f.GetWorkbookProps()
		since1904 = props.Date1904 != nil && *props.Date1904
		return err
	})
	if f != nil {
		defer f.Close()
	}
	if err != nil {
		return nil, err
	}
	var grids []grid
	for _, s := range sheets {
		if s.hidden {
			continue
		}
		g := grid{sheet: s.name, faults: s.faults, since1904: since1904}
		if err := g.readCells(f, l); err != nil {
			return nil, err
		}
		if err := g.spread(s.merges); err != nil {
			return nil, err
		}
		grids = append(grids, g)
	}
	return grids, nil
}

// guard runs what calls excelize and makes its errors one: the file is broken. It
// meets files made by anything, and a panic in it must be the file's failure and
// not the server's.
func guard(call func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w (%v)", ErrBroken, p)
		}
	}()
	if err := call(); err != nil {
		return fmt.Errorf("%w (%w)", ErrBroken, err)
	}
	return nil
}

// readCells reads a sheet's cells twice in step: as shown, which is what a text
// column means, and as stored, which is what a date or a number means.
func (g *grid) readCells(f *excelize.File, l Limits) error {
	var shown, stored *excelize.Rows
	err := guard(func() error {
		var err1, err2 error
		shown, err1 = f.Rows(g.sheet)
		stored, err2 = f.Rows(g.sheet)
		return errors.Join(err1, err2)
	})
	if err != nil {
		return err
	}
	defer shown.Close()
	defer stored.Close()
	more := true
	for row := 1; more; row++ {
		var texts, values []string
		err := guard(func() error {
			if more = shown.Next() && stored.Next(); !more {
				return errors.Join(shown.Error(), stored.Error())
			}
			var err1, err2 error
			texts, err1 = shown.Columns()
			values, err2 = stored.Columns(excelize.Options{RawCellValue: true})
			return errors.Join(err1, err2)
		})
		if err != nil {
			return err
		}
		if err := g.add(row, texts, values, l); err != nil {
			return err
		}
	}
	return nil
}

// openZip returns the parts of a workbook, having refused what is another kind of
// file or would unpack to more than allowed.
func openZip(data []byte, l Limits) (map[string]*zip.File, error) {
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, fmt.Errorf("%w (%w)", ErrBroken, err)
	}
	parts := make(map[string]*zip.File, len(z.File))
	var unpacked uint64
	for _, f := range z.File {
		// archive/zip holds a part to the size it states.
		if unpacked += f.UncompressedSize64; unpacked > uint64(l.Unpacked) || f.UncompressedSize64 > uint64(l.Unpacked) {
			return nil, tooLarge("解压后", "unpacked", fmt.Sprintf("%d MiB", l.Unpacked>>20))
		}
		name := strings.TrimPrefix(strings.ReplaceAll(f.Name, `\`, "/"), "/")
		parts[strings.ToLower(name)] = f
	}
	if parts["[content_types].xml"] == nil || parts["_rels/.rels"] == nil {
		return nil, ErrOtherFormat // OpenDocument, or any zip
	}
	return parts, nil
}

func readPart(f *zip.File, read func(io.Reader) error) error {
	r, err := f.Open()
	if err != nil {
		return fmt.Errorf("%w (%w)", ErrBroken, err)
	}
	defer r.Close()
	if err := read(r); err != nil {
		if slices.ContainsFunc([]error{ErrTooLarge, ErrOtherFormat}, func(k error) bool { return errors.Is(err, k) }) {
			return err
		}
		return fmt.Errorf("%w (%w)", ErrBroken, err)
	}
	return nil
}
