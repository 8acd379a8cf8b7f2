package workbook

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"errors"
	"hash"
	"hash/crc32"
	"io"
	"io/fs"
	"slices"
	"strings"
)

// An archive is a zip whose parts are written in the order of their names and
// without a time: excelize asks for them in the order of a map. Each part is
// compressed as it comes, so that only compressed bytes are held.
type archive struct {
	out   *zip.Writer
	parts []*part
}

type part struct {
	name  string
	data  bytes.Buffer
	flate *flate.Writer
	crc   hash.Hash32
	size  uint64
}

func newArchive(w io.Writer) *archive { return &archive{out: zip.NewWriter(w)} }

// Create begins the next part and ends the one before.
func (a *archive) Create(name string) (io.Writer, error) {
	if err := a.endPart(); err != nil {
		return nil, err
	}
	p := &part{name: name, crc: crc32.NewIEEE()}
	p.flate, _ = flate.NewWriter(&p.data, flate.DefaultCompression) // a known level
	a.parts = append(a.parts, p)
	return p, nil
}

// AddFS is what excelize's interface has and workbooks don't use.
func (a *archive) AddFS(fs.FS) error { return errors.ErrUnsupported }

func (a *archive) endPart() error {
	if len(a.parts) == 0 {
		return nil
	}
	return a.parts[len(a.parts)-1].flate.Close()
}

// Write adds to the part begun last.
func (p *part) Write(b []byte) (int, error) {
	p.crc.Write(b)
	p.size += uint64(len(b))
	return p.flate.Write(b)
}

// Close writes everything out.
func (a *archive) Close() error {
	if err := a.endPart(); err != nil {
		return err
	}
	slices.SortFunc(a.parts, func(x, y *part) int { return strings.Compare(x.name, y.name) })
	for _, p := range a.parts {
		w, err := a.out.CreateRaw(&zip.FileHeader{
			Name: p.name, Method: zip.Deflate, CRC32: p.crc.Sum32(),
			CompressedSize64: uint64(p.data.Len()), UncompressedSize64: p.size,
		})
		if err != nil {
			return err
		}
		if _, err := w.Write(p.data.Bytes()); err != nil {
			return err
		}
	}
	return a.out.Close()
}
