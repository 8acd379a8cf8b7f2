package dossier

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"duban/eventstore"
	"duban/projections/seal"
)

// VerifyOptions says against what a dossier is held.
type VerifyOptions struct {
	Policy             []byte // C2SP tlog-policy that came another way; nil: the dossier's own
	PreviousCheckpoint []byte // an earlier head; nil: none

	// Progress, if not nil, is told now and then how many of all bytes are done.
	Progress func(done, all int64)
}

// Verify checks every byte of a dossier. It needs nothing but the file, holds in
// memory one entry for each aggregate and each file in the ZIP, and never the
// events. The error is a *Fault for the first thing that does not hold, which the
// report names too; ctx.Err(); or that of reading the file.
func Verify(ctx context.Context, r io.ReaderAt, size int64, opt VerifyOptions) (Report, error) {
	v := newVerifier(ctx, size, opt)
	err := v.run(r)
	v.report.OK = err == nil
	var fault *Fault
	if errors.As(err, &fault) {
		v.report.Fault = &FaultReport{Entry: fault.Entry, Sequence: fault.Sequence, Reason: fault.Err.Error()}
	}
	return v.report, err
}

// A verifier checks one dossier.
type verifier struct {
	ctx    context.Context
	opt    VerifyOptions
	size   int64
	done   int64
	report Report

	codec eventstore.Codec // knows no types: it reads the envelope and leaves data as it is
	lines *bufio.Reader

	batches *sync.Pool // of *batch

	*archive
	m      Manifest
	keys   Keys
	policy seal.Policy
	tree   tlog.Tree
	hashes tlog.HashReader
}

func newVerifier(ctx context.Context, size int64, opt VerifyOptions) *verifier {
	return &verifier{
		ctx: ctx, opt: opt, size: size, lines: bufio.NewReaderSize(nil, eventstore.MaxEventBytes+1), batches: &sync.Pool{},
		report: Report{Checks: []Check{}, Remarks: []string{}},
	}
}

func (v *verifier) run(r io.ReaderAt) error {
	for _, step := range v.steps(r) {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// steps returns what is done, one after the other. A step reads the file through r,
// and knows of it besides only what the steps before it left in v.
func (v *verifier) steps(r io.ReaderAt) []func() error {
	return []func() error{
		func() error { return v.unzip(r) }, v.manifest, v.head, v.order, v.tiles, v.heads, v.previous, v.texts, v.events,
	}
}

func (v *verifier) unzip(r io.ReaderAt) error {
	var err error
	if v.archive, err = openArchive(r, v.size); err != nil {
		return err
	}
	v.report.check("zip", "ZIP 结构是规定的写法，没有夹带", "the ZIP's structure is in its one form, with nothing added", uint64(len(v.entries)))
	return nil
}

// fault names the entry that an error is about.
func fault(entry string, err error) error {
	var f *Fault
	if err == nil || errors.As(err, &f) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return &Fault{Entry: entry, Err: err}
}

var errMissing = errors.New("缺少该条目 / the entry is missing")

// text returns a small entry whole.
func (v *verifier) text(name string, limit uint64) ([]byte, error) {
	i, ok := v.index[name]
	if !ok {
		return nil, &Fault{Entry: name, Err: errMissing}
	}
	if v.entries[i].size > limit {
		return nil, &Fault{Entry: name, Err: fmt.Errorf("%d 字节，太大 / %d bytes are too many", v.entries[i].size, v.entries[i].size)}
	}
	b := make([]byte, v.entries[i].size)
	if _, err := v.open(i).ReadAt(b, 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, fault(name, err)
	}
	return b, nil
}

// manifest reads the manifest and the signature over it.
func (v *verifier) manifest() error {
	encoded, err := v.text(pathManifest, maxManifest)
	if err != nil {
		return err
	}
	if v.m, err = parseManifest(encoded); err != nil {
		return fault(pathManifest, err)
	}
	if err := v.readPolicy(); err != nil {
		return err
	}
	if err := v.readKeys(); err != nil {
		return err
	}
	signed, err := v.text(pathNote, maxSmallEntry)
	if err != nil {
		return err
	}
	n, err := openManifestNote(signed, v.m, encoded, v.policy, v.keys)
	if err != nil {
		return fault(pathNote, err)
	}
	// No digest covers these two entries, and so nothing else reads their CRC.
	for _, e := range []struct {
		name string
		b    []byte
	}{{pathManifest, encoded}, {pathNote, signed}} {
		if crc32.ChecksumIEEE(e.b) != v.entries[v.index[e.name]].crc {
			return fault(e.name, errCRC)
		}
	}
	v.report.Org, v.report.Origin, v.report.Year, v.report.Software = v.m.Org, v.m.Origin, v.m.Year, v.m.Software
	v.report.TreeSize, v.report.Root, v.report.Range, v.report.Partial = v.m.TreeSize, v.m.Root, &v.m.Range, v.m.Partial
	v.report.LeftOut = v.m.LeftOut
	v.report.check("manifest", "清单由账本的密钥签名", "the manifest is signed by the log's key", uint64(len(n.Sigs)))
	return nil
}

func (v *verifier) readPolicy() error {
	own, err := v.text(pathPolicy, maxSmallEntry)
	if err != nil {
		return err
	}
	if v.policy, err = parsePolicy(own); err != nil {
		return fault(pathPolicy, err)
	}
	if v.opt.Policy != nil {
		if v.policy, err = parsePolicy(v.opt.Policy); err != nil {
			return &Fault{Entry: "--policy", Err: err}
		}
	}
	v.report.Trust = &Trust{GivenPolicy: v.opt.Policy != nil, Keys: []KeyReport{}, Signatures: []Signature{}, Unknown: []string{}}
	for _, vkey := range v.policy.Logs {
		v.report.Trust.Keys = append(v.report.Trust.Keys, KeyReport{vkey, Fingerprint(vkey)})
	}
	return nil
}

func (v *verifier) readKeys() error {
	encoded, err := v.text(pathKeys, maxSmallEntry)
	if err != nil {
		return err
	}
	if v.keys, err = parseKeys(encoded); err != nil {
		return fault(pathKeys, err)
	}
	if v.keys.Origin != v.m.Origin {
		return fault(pathKeys, errors.New("不是本账本的密钥 / not the keys of this log"))
	}
	return nil
}

// head checks the signed head.
func (v *verifier) head() error {
	signed, err := v.text(pathCheckpoint, maxSmallEntry)
	if err != nil {
		return err
	}
	c, n, err := openHead(signed, v.policy)
	if err != nil {
		return fault(pathCheckpoint, err)
	}
	if err := v.matchHead(c); err != nil {
		return fault(pathCheckpoint, err)
	}
	if err := v.keys.signedBy(n.Sigs, v.policy.Logs, v.m.TreeSize); err != nil {
		return fault(pathKeys, err)
	}
	for _, s := range n.Sigs {
		v.report.Trust.Signatures = append(v.report.Trust.Signatures, signature(s, v.m.Origin))
	}
	for _, s := range n.UnverifiedSigs {
		v.report.Trust.Unknown = append(v.report.Trust.Unknown, fmt.Sprintf("%s+%08x", s.Name, s.Hash))
	}
	v.tree = c.Tree
	v.report.check("checkpoint", "树头的签名符合策略", "the head's signatures satisfy the policy", uint64(len(n.Sigs)))
	return nil
}

func (v *verifier) matchHead(c torchwood.Checkpoint) error {
	if c.Origin != v.m.Origin || uint64(c.N) != v.m.TreeSize || base64.StdEncoding.EncodeToString(c.Hash[:]) != v.m.Root {
		return errors.New("树头与清单不符 / the head does not fit the manifest")
	}
	return nil
}

// order checks that exactly the entries the format asks for are there, in order,
// with the manifest's sizes.
func (v *verifier) order() error {
	want, err := v.expected()
	if err != nil {
		return fault(pathManifest, err)
	}
	for i, e := range v.entries {
		if i >= len(want) || e.name != want[i] {
			return &Fault{Entry: e.name, Err: errors.New("条目多余或次序不对 / the entry does not belong there")}
		}
	}
	if len(want) > len(v.entries) {
		return &Fault{Entry: want[len(v.entries)], Err: errMissing}
	}
	if len(v.m.Entries) != len(want)-2 {
		return fault(pathManifest, errors.New("清单的条目数不对 / the manifest lists another number of entries"))
	}
	for i, e := range v.m.Entries {
		if e.Path != want[i] || e.Size != int64(v.entries[i].size) {
			return &Fault{Entry: want[i], Err: errors.New("与清单所列的路径或长度不符 / does not fit the path and size in the manifest")}
		}
	}
	return nil
}

// expected returns the names of all entries in order, as the manifest's counts and
// lists have it.
func (v *verifier) expected() ([]string, error) {
	if n := tileCount(v.m.TreeSize); n > uint64(len(v.entries)) || n != v.m.Counts.Tiles {
		return nil, fmt.Errorf("哈希块应有 %d 个 / there should be %d tiles", n, n)
	}
	want := []string{pathReadme, pathIndex, pathCheckpoint, pathPolicy, pathKeys}
	for _, t := range tilesOf(v.m.TreeSize) {
		want = append(want, tilePath(t))
	}
	files := (v.m.Range.size() + rangeEvents - 1) / rangeEvents
	if files > uint64(len(v.entries)) {
		return nil, fmt.Errorf("事件文件应有 %d 个 / there should be %d files of events", files, files)
	}
	for n := range files {
		want = append(want, rangePath(n+1))
	}
	want = append(want, pathContext, pathContextSeq)
	last := ""
	for _, e := range v.m.Evidence {
		if !isDigest(e.SHA256) || e.SHA256 <= last {
			return nil, fmt.Errorf("证据清单的次序不对 / the evidence is not in order: %q", e.SHA256)
		}
		last = e.SHA256
		want = append(want, evidencePrefix+e.SHA256)
	}
	heads, err := v.headNames()
	if err != nil {
		return nil, err
	}
	want = append(want, heads...)
	return append(want, pathRegister, pathSelfCheck, pathManifest, pathNote), nil
}

// headNames returns the names of the heads in the dossier, which no list but the
// entries' names.
func (v *verifier) headNames() ([]string, error) {
	var names []string
	last := uint64(0)
	for _, e := range v.m.Entries {
		text, ok := strings.CutPrefix(e.Path, headsPrefix)
		if !ok {
			continue
		}
		n, err := parseNumber(text)
		if err != nil || n <= last || n > v.m.TreeSize {
			return nil, fmt.Errorf("%s: 次序或大小不对 / wrong order or size", printable(e.Path))
		}
		last = n
		names = append(names, e.Path)
	}
	if uint64(len(names)) != v.m.Counts.Heads {
		return nil, fmt.Errorf("树头应有 %d 个 / there should be %d heads", v.m.Counts.Heads, v.m.Counts.Heads)
	}
	return names, nil
}

// parseNumber reads a decimal number without sign or leading zeros.
func parseNumber(s string) (uint64, error) {
	n, err := strconv.ParseUint(s, 10, 63)
	if err != nil || strconv.FormatUint(n, 10) != s {
		return 0, fmt.Errorf("%.40q 不是规定写法的数 / is no number in canonical form", s)
	}
	return n, nil
}

// digest reads an entry through read, to its end, and compares it with the
// manifest's digest and the ZIP's CRC. What read finds wrong comes first: it names
// the event.
func (v *verifier) digest(name string, read func(io.Reader) error) error {
	i := v.index[name]
	sum, crc := sha256.New(), crc32.NewIEEE()
	in := io.TeeReader(v.open(i), io.MultiWriter(sum, crc))
	if err := read(in); err != nil {
		return fault(name, err)
	}
	if _, err := io.Copy(io.Discard, in); err != nil {
		return fault(name, err)
	}
	if hex.EncodeToString(sum.Sum(nil)) != v.m.Entries[i].SHA256 {
		return fault(name, errDigest)
	}
	if crc.Sum32() != v.entries[i].crc {
		return fault(name, errCRC)
	}
	return v.advance(int64(v.entries[i].size))
}

var errCRC = errors.New("CRC 不符 / the CRC does not fit")

var errDigest = errors.New("字节与清单中的摘要不符 / the bytes are not those of the manifest's digest")

func (v *verifier) advance(n int64) error {
	v.done += n
	if v.opt.Progress != nil {
		v.opt.Progress(v.done, v.size)
	}
	return v.ctx.Err()
}

// tiles checks that all hash tiles hang in the head's root.
func (v *verifier) tiles() error {
	v.hashes = hashReader(v.tree, func(t tlog.Tile) ([]byte, error) {
		return v.text(tilePath(t), uint64(t.W*tlog.HashSize))
	})
	all := tilesOf(v.m.TreeSize)
	for _, t := range all {
		name := tilePath(t)
		if err := v.digest(name, func(io.Reader) error { return nil }); err != nil {
			return err
		}
		if _, err := tlog.ReadTileData(t, v.hashes); err != nil { // proves every hash of it
			return fault(name, err)
		}
	}
	v.report.check("tiles", "整棵树的哈希与树头的根一致", "all tiles hang in the head's root", uint64(len(all)))
	return nil
}

// heads checks the earlier heads in the dossier: signed by the log, and beginnings
// of its tree.
func (v *verifier) heads() error {
	for _, e := range v.m.Entries {
		size, ok := strings.CutPrefix(e.Path, headsPrefix)
		if !ok {
			continue
		}
		signed, err := v.text(e.Path, maxSmallEntry)
		if err != nil {
			return err
		}
		n, err := parseNumber(size)
		if err != nil {
			return fault(e.Path, err)
		}
		c, err := v.earlier(signed, v.keys.verifiers(n), v.sameLog)
		if err == nil && uint64(c.N) != n {
			err = errors.New("树头的大小与名称不符 / the head's size does not fit its name")
		}
		if err != nil {
			return fault(e.Path, err)
		}
	}
	if v.m.Counts.Heads > 0 {
		v.report.check("heads", "以前的树头都是本树的开头", "earlier heads are beginnings of this tree", v.m.Counts.Heads)
	}
	return nil
}

// earlier checks one head that was signed before, by a log that may be.
func (v *verifier) earlier(signed []byte, known note.Verifiers, mayBe func(torchwood.Checkpoint, *note.Note) bool) (torchwood.Checkpoint, error) {
	n, err := openNote(signed, known)
	if err != nil {
		return torchwood.Checkpoint{}, err
	}
	c, err := parseHead(n.Text)
	switch {
	case err != nil:
		return c, err
	case !mayBe(c, n):
		return c, fmt.Errorf("是另一账本 %q 的树头 / is a head of another log, %q", c.Origin, c.Origin)
	}
	return c, checkRoot(c.Tree, v.tree, v.hashes)
}

func (v *verifier) sameLog(c torchwood.Checkpoint, _ *note.Note) bool { return c.Origin == v.m.Origin }

// sameLedger reports whether a head is of this log, or of the ledger before it was
// restored from a backup: signed under the other name by a key of that name, which the
// reader's policy names.
func (v *verifier) sameLedger(c torchwood.Checkpoint, n *note.Note) bool {
	return v.sameLog(c, n) || strings.HasPrefix(c.Origin, "duban/"+v.m.Org+"/") &&
		slices.ContainsFunc(n.Sigs, func(s note.Signature) bool { return s.Name == c.Origin })
}

// previous checks that the tree extends the head the reader brought along. It may
// be signed by a key that has been retired since.
func (v *verifier) previous() error {
	if v.opt.PreviousCheckpoint == nil {
		return nil
	}
	const name = "--previous-checkpoint"
	c, err := v.earlier(v.opt.PreviousCheckpoint, firstKnown{v.policy, v.keys.all()}, v.sameLedger)
	if err != nil {
		return fault(name, err)
	}
	if c.Origin != v.m.Origin {
		v.report.remark("先前的树头属于恢复以前的账本 %s / the earlier head is of the ledger before it was restored from a backup", c.Origin)
	}
	v.report.Previous = &PreviousHead{Size: uint64(c.N), Root: base64.StdEncoding.EncodeToString(c.Hash[:])}
	v.report.check("previous", "先前的树头是本树的开头，其后没有改写", "the earlier head is a beginning of this tree", uint64(c.N))
	return nil
}

// firstKnown asks one set of keys after the other.
type firstKnown []note.Verifiers

func (f firstKnown) Verifier(name string, hash uint32) (note.Verifier, error) {
	for _, known := range f {
		v, err := known.Verifier(name, hash)
		var unknown *note.UnknownVerifierError
		if !errors.As(err, &unknown) {
			return v, err
		}
	}
	return nil, &note.UnknownVerifierError{Name: name, KeyHash: hash}
}

// texts checks the entries that no other step reads.
func (v *verifier) texts() error {
	for _, e := range v.m.Entries {
		if strings.HasPrefix(e.Path, "events/") || strings.HasPrefix(e.Path, "log/tile/") || strings.HasPrefix(e.Path, evidencePrefix) {
			continue
		}
		if err := v.digest(e.Path, func(io.Reader) error { return nil }); err != nil {
			return err
		}
	}
	encoded, err := v.text(pathSelfCheck, maxSmallEntry)
	if err != nil {
		return err
	}
	if err := checkSelfCheck(encoded); err != nil {
		return fault(pathSelfCheck, err)
	}
	return nil
}

func checkSelfCheck(encoded []byte) error {
	s, err := decode[SelfCheck](encoded)
	if err != nil {
		return err
	}
	if s.Format != Format {
		return fmt.Errorf("格式 %q 不是 / format %q is not %s", s.Format, s.Format, Format)
	}
	for _, group := range [][]Check{s.Authenticity, s.Integrity, s.Usability, s.Safety} {
		for _, c := range group {
			if !c.Passed {
				return fmt.Errorf("导出时自检未通过：%s / the exporter's own check failed: %s", c.Chinese, c.Name)
			}
		}
	}
	return nil
}
