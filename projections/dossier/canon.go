package dossier

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
)

// The one form of a dossier's ZIP: for each entry a local header and its bytes,
// then the central directory; no data descriptors, no extra fields (but zip64 where
// a ZIP needs it), no comment, the date of every entry 1980-01-01 00:00. A verifier
// makes these headers again from names, sizes and CRCs and compares them with the
// file's, so that no bit of the file is without meaning.

// zipEntry is what an entry's headers are made of.
type zipEntry struct {
	name string
	size uint64
	crc  uint32
}

const (
	dosEpoch     = 1<<5 | 1 // 1980-01-01 in MS-DOS form
	zipVersion   = 20       // 2.0, what every reader knows
	endRecord    = 22       // bytes of the end of central directory record (APPNOTE 4.3.16)
	localHeader  = 30       // bytes before the name (APPNOTE 4.3.7)
	maxZIPName   = 200
	maxEntrySize = 1<<32 - 2 // larger ones would need zip64 in the local header
)

func (e zipEntry) header() *zip.FileHeader {
	//nolint:staticcheck // CreateRaw writes these fields as they are and adds nothing
	return &zip.FileHeader{
		Name: e.name, Method: zip.Store, CreatorVersion: zipVersion, ReaderVersion: zipVersion,
		ModifiedDate: dosEpoch, CRC32: e.crc, CompressedSize64: e.size, UncompressedSize64: e.size,
	}
}

// writeZIP writes the entries in their one form; content copies an entry's bytes.
func writeZIP(w io.Writer, entries []zipEntry, content func(w io.Writer, i int) error) error {
	zw := zip.NewWriter(w)
	for i, e := range entries {
		if e.size > maxEntrySize {
			return fmt.Errorf("%s: %d 字节，太大 / %d bytes are too many for one entry", e.name, e.size, e.size)
		}
		ew, err := zw.CreateRaw(e.header())
		if err != nil {
			return fmt.Errorf("%s: %w", e.name, err)
		}
		if err := content(ew, i); err != nil {
			return fmt.Errorf("%s: %w", e.name, err)
		}
	}
	return zw.Close()
}

var (
	errZIPHeaders = errors.New("ZIP 结构与规定的写法不符 / the ZIP's structure is not in its one permitted form")
	errZIPSize    = errors.New("文件长度与目录不符：被截断或夹带 / the file's length does not fit its directory: truncated, or something was added")
)

// An archive is a dossier's ZIP whose headers were found to be in their one form.
type archive struct {
	io.ReaderAt
	entries []zipEntry
	offsets []int64 // where an entry's bytes begin
	index   map[string]int
}

// openArchive reads the ZIP's directory and compares every byte outside the
// entries with what it has to be. What is in the entries is not looked at.
func openArchive(r io.ReaderAt, size int64) (*archive, error) {
	if err := checkZIPEnd(r, size); err != nil {
		return nil, &Fault{Entry: "ZIP", Err: err}
	}
	zr, err := zip.NewReader(r, size)
	if err != nil {
		return nil, &Fault{Entry: "ZIP", Err: fmt.Errorf("不是完好的 ZIP / not a sound ZIP: %w", err)}
	}
	a := &archive{ReaderAt: r, index: make(map[string]int, len(zr.File))}
	at := int64(0)
	for i, f := range zr.File {
		if err := checkZIPEntry(f, size); err != nil {
			return nil, &Fault{Entry: printable(f.Name), Err: err}
		}
		if _, twice := a.index[f.Name]; twice {
			return nil, &Fault{Entry: f.Name, Err: errors.New("条目重复 / the entry is there twice")}
		}
		a.index[f.Name] = i
		a.entries = append(a.entries, zipEntry{f.Name, f.UncompressedSize64, f.CRC32})
		at += int64(localHeader + len(f.Name))
		a.offsets = append(a.offsets, at)
		if at += int64(f.UncompressedSize64); at > size {
			return nil, &Fault{Entry: f.Name, Err: errZIPSize}
		}
	}
	return a, a.compare(size)
}

// checkZIPEnd refuses a file that does not end as a ZIP without a comment does. In a
// truncated one a reader would find the directory of a ZIP inside, the register.
func checkZIPEnd(r io.ReaderAt, size int64) error {
	end := make([]byte, endRecord)
	if size < endRecord {
		return errZIPSize
	}
	if _, err := r.ReadAt(end, size-endRecord); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if !bytes.HasPrefix(end, []byte("PK\x05\x06")) {
		return errZIPSize
	}
	return nil
}

// checkZIPEntry refuses what no dossier has, before anything is made of it:
// packed entries (and with them ZIP bombs) and names that lead elsewhere.
func checkZIPEntry(f *zip.File, size int64) error {
	switch {
	case f.Method != zip.Store || f.CompressedSize64 != f.UncompressedSize64:
		return errors.New("条目被压缩，卷宗只存不压 / the entry is packed: a dossier's entries are stored")
	case f.UncompressedSize64 > uint64(size):
		return errZIPSize
	case !safeName(f.Name):
		return errors.New("条目名称不允许 / the entry's name is not allowed")
	}
	return nil
}

// safeName reports whether a name is a plain relative path of ASCII letters.
func safeName(name string) bool {
	if name == "" || len(name) > maxZIPName {
		return false
	}
	for _, part := range strings.Split(name, "/") {
		if part == "" || part == "." || part == ".." {
			return false
		}
	}
	return strings.IndexFunc(name, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '/' && r != '.' && r != '-' && r != '_'
	}) < 0
}

// compare makes the ZIP's headers again and compares them with the file.
func (a *archive) compare(size int64) error {
	c := &comparer{r: a.ReaderAt, size: size}
	zeros := make([]byte, 16<<10)
	zw := zip.NewWriter(c)
	for i, e := range a.entries {
		ew, err := zw.CreateRaw(e.header())
		if err == nil {
			err = zw.Flush()
		}
		if err != nil {
			return &Fault{Entry: e.name, Err: err}
		}
		// The entry's bytes only have to be counted.
		c.skipTo = a.offsets[i] + int64(e.size)
		for left := e.size; left > 0; {
			n := min(left, uint64(len(zeros)))
			if _, err := ew.Write(zeros[:n]); err != nil {
				return &Fault{Entry: e.name, Err: err}
			}
			left -= n
		}
	}
	if err := zw.Close(); err != nil {
		return &Fault{Entry: "ZIP", Err: err}
	}
	if c.at != size {
		return &Fault{Entry: "ZIP", Err: errZIPSize}
	}
	return nil
}

// A comparer takes what a file should hold and fails where it holds something
// else. Up to skipTo it takes anything.
type comparer struct {
	r      io.ReaderAt
	at     int64
	skipTo int64
	size   int64
	buf    [4096]byte
}

func (c *comparer) Write(p []byte) (int, error) {
	n := len(p)
	if skip := min(c.skipTo-c.at, int64(len(p))); skip > 0 {
		p, c.at = p[skip:], c.at+skip
	}
	for len(p) > 0 {
		have := c.buf[:min(len(p), len(c.buf))]
		if c.at+int64(len(have)) > c.size {
			return 0, errZIPSize
		}
		if _, err := c.r.ReadAt(have, c.at); err != nil && !errors.Is(err, io.EOF) {
			return 0, err
		}
		if string(have) != string(p[:len(have)]) {
			return 0, errZIPHeaders
		}
		p, c.at = p[len(have):], c.at+int64(len(have))
	}
	return n, nil
}

// open returns the bytes of entry i.
func (a *archive) open(i int) *io.SectionReader {
	return io.NewSectionReader(a.ReaderAt, a.offsets[i], int64(a.entries[i].size))
}

// printable keeps a hostile name from writing to a terminal.
func printable(name string) string {
	if safeName(name) {
		return name
	}
	return fmt.Sprintf("%q", name[:min(len(name), maxZIPName)])
}
