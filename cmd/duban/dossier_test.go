package main

import (
	"archive/zip"
	"io"
	"os"
)

// unpackEntry is the test command unpack ZIP ENTRY FILE.
func unpackEntry(zipFile, entry, to string) error {
	zr, err := zip.OpenReader(zipFile)
	if err != nil {
		return err
	}
	defer zr.Close()
	r, err := zr.Open(entry)
	if err != nil {
		return err
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	return os.WriteFile(to, b, 0o600)
}

// tamper is the test command tamper FROM TO: it copies a file with one bit in its
// middle flipped.
func tamper(from, to string) error {
	b, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	b[len(b)/2] ^= 1
	return os.WriteFile(to, b, 0o600)
}
