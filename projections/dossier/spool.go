package dossier

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"os"
)

// A spool keeps entries in a file nobody sees until the ZIP is written, which needs
// their sizes and CRCs first. One entry at a time is written to it.
type spool struct {
	f     *os.File
	at    int64
	w     *bufio.Writer
	crc   hash.Hash32
	sum   hash.Hash
	begun int64
	name  string
}

// A spooled entry is where its bytes are and what they are.
type spooled struct {
	Entry
	crc  uint32
	from *spool
	at   int64
}

func newSpool(dir string) (*spool, error) {
	f, err := os.CreateTemp(dir, "dossier-*")
	if err != nil {
		return nil, fmt.Errorf("spool the dossier: %w", err)
	}
	if err := os.Remove(f.Name()); err != nil {
		f.Close()
		return nil, fmt.Errorf("spool the dossier: %w", err)
	}
	return &spool{f: f, w: bufio.NewWriterSize(f, 256<<10)}, nil
}

func (s *spool) close() { s.f.Close() }

func (s *spool) begin(name string) {
	s.name, s.begun, s.crc, s.sum = name, s.at, crc32.NewIEEE(), sha256.New()
}

func (s *spool) Write(p []byte) (int, error) {
	n, err := s.w.Write(p)
	s.crc.Write(p[:n])
	s.sum.Write(p[:n])
	s.at += int64(n)
	return n, err
}

func (s *spool) end() spooled {
	return spooled{
		Entry: Entry{Path: s.name, Size: s.at - s.begun, SHA256: hex.EncodeToString(s.sum.Sum(nil))},
		crc:   s.crc.Sum32(), from: s, at: s.begun,
	}
}

// add spools an entry whole.
func (s *spool) add(name string, write func(io.Writer) error) (spooled, error) {
	s.begin(name)
	if err := write(s); err != nil {
		return spooled{}, fmt.Errorf("%s: %w", name, err)
	}
	return s.end(), nil
}

func (s *spool) addBytes(name string, b []byte) (spooled, error) {
	return s.add(name, func(w io.Writer) error {
		_, err := w.Write(b)
		return err
	})
}

// copyTo copies an entry's bytes; nothing may be written to its spool any more.
func (e spooled) copyTo(w io.Writer) error {
	if err := e.from.w.Flush(); err != nil {
		return err
	}
	_, err := io.Copy(w, io.NewSectionReader(e.from.f, e.at, e.Size))
	return err
}
