package storetest

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/klauspost/compress/s2"
	"github.com/minio/highwayhash"
	"github.com/nats-io/nats-server/v2/server/archive"
	"github.com/stretchr/testify/require"
)

// Forge changes the stored bytes of one message of a stream in its block file, as
// anybody can who can write to the disk: the key of a block's checksums is the name
// of the stream and the number of the block. dir is the embedded server's folder, and
// no server may have it open. change returns as many bytes as it gets.
func Forge(t *testing.T, dir, stream string, seq uint64, change func([]byte) []byte) {
	t.Helper()
	folder := filepath.Join(dir, "nats/jetstream/$G/streams", stream, "msgs")
	blocks, err := filepath.Glob(filepath.Join(folder, "*.blk"))
	require.NoError(t, err)
	for _, block := range blocks {
		b, err := os.ReadFile(block)
		require.NoError(t, err)
		if !forgeIn(t, b, stream, block, seq, change) {
			continue
		}
		require.NoError(t, os.WriteFile(block, b, 0o600))
		os.Remove(filepath.Join(folder, "index.db")) // may be gone already
		return
	}
	require.FailNow(t, "no such message", "%s %d", stream, seq)
}

// The layout of a record, of server 2.15: length (4, its high bit tells of headers),
// sequence (8), time (8), length of the subject (2), subject, [length of the headers
// (4), headers], message, checksum (8).
const (
	recordHead  = 22
	recordCheck = highwayhash.Size64
	withHeaders = 1 << 31
)

func forgeIn(t *testing.T, b []byte, stream, block string, seq uint64, change func([]byte) []byte) bool {
	t.Helper()
	var number int
	_, err := fmt.Sscanf(filepath.Base(block), "%d.blk", &number)
	require.NoError(t, err)
	for len(b) > 0 {
		length := binary.LittleEndian.Uint32(b)
		rec := b[:length&^withHeaders]
		b = b[len(rec):]
		if binary.LittleEndian.Uint64(rec[4:]) != seq {
			continue
		}
		subject := rec[recordHead : recordHead+int(binary.LittleEndian.Uint16(rec[20:]))]
		msg := rec[recordHead+len(subject) : len(rec)-recordCheck]
		var headers []byte
		if length&withHeaders != 0 {
			headers = msg[4 : 4+binary.LittleEndian.Uint32(msg)]
			msg = msg[4+len(headers):]
		}
		forged := change(append([]byte(nil), msg...))
		require.Len(t, forged, len(msg))
		require.NotEqual(t, msg, forged)
		copy(msg, forged)
		key := sha256.Sum256(fmt.Appendf(nil, "%s-%d", stream, number))
		sum, err := highwayhash.NewDigest64(key[:])
		require.NoError(t, err)
		for _, part := range [][]byte{rec[4:20], subject, headers, msg} {
			_, err = sum.Write(part)
			require.NoError(t, err)
		}
		copy(rec[len(rec)-recordCheck:], sum.Sum(nil))
		return true
	}
	return false
}

// ForgeSnapshot changes one message in the server's snapshot of a stream, as anybody
// can who can write to a backup: nothing in it is keyed.
func ForgeSnapshot(t *testing.T, snapshot []byte, seq uint64, change func([]byte) []byte) []byte {
	t.Helper()
	var forged bytes.Buffer
	compressed := s2.NewWriter(&forged)
	in, out := archive.NewReader(s2.NewReader(bytes.NewReader(snapshot))), archive.NewWriter(compressed)
	found := false
	for {
		entry, err := in.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		content, err := io.ReadAll(in)
		require.NoError(t, err)
		if entry.Sequence == seq {
			found = true
			msg := change(bytes.Clone(content[entry.HeaderSize:]))
			require.NotEqual(t, content[entry.HeaderSize:], msg)
			content, entry.PayloadSize = append(content[:entry.HeaderSize:entry.HeaderSize], msg...), int64(len(msg))
		}
		require.NoError(t, out.WriteHeader(entry))
		_, err = out.Write(content)
		require.NoError(t, err)
	}
	require.True(t, found, "no such message: %d", seq)
	require.NoError(t, out.Flush())
	require.NoError(t, out.Close())
	require.NoError(t, compressed.Close())
	return forged.Bytes()
}
