package dossier

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"duban/domain"
	"duban/eventstore"
	"duban/projections/dossier/page"
	"duban/projections/seal"
)

// A Head is a signed tree head.
type Head struct {
	Size uint64
	Root tlog.Hash
	Note []byte    // the signed note with its cosignatures
	At   time.Time // when it was signed
}

// A Source is where a dossier comes from. Everything in it stands as of Head.
type Source struct {
	Origin string // the log's name, duban/ORG/INCARNATION
	Head   Head
	Tile   func(tlog.Tile) ([]byte, error) // a tile of the tree of the head's size
	Keys   Keys                            // as of the head's size
	Policy []byte                          // as of the head's size
	Signer note.Signer                     // signs the manifest: a key of the policy
	Others []note.Signer                   // sign it too: keys of the log whose overlap the head falls into

	// Heads yields the heads signed so far, in order. nil: none are put in.
	Heads iter.Seq2[Head, error]
	// Events yields the records of these sequences, both included, in order.
	Events func(ctx context.Context, from, to uint64) iter.Seq2[eventstore.Record, error]
	// Evidence opens a stored file: eventstore.ErrNoEvidence, ErrEvidenceWithdrawn.
	Evidence func(ctx context.Context, sha256 string) (io.ReadCloser, domain.Evidence, error)
	// Register writes the year's register as known at the head's size.
	Register func(ctx context.Context, w io.Writer) error
}

// Options of one dossier.
type Options struct {
	Year     int
	Software string // name and version of the program
	Page     []byte // index.html; nil: the one built in
	Dir      string // for what is spooled; "": the system's folder for such files

	// Progress, if not nil, is told now and then how many of all steps are done.
	Progress func(done, all uint64)
}

// ErrNoEvents says that nothing was recorded in that year up to that head.
var ErrNoEvents = errors.New("该年度在此树头之前没有入账的事件 / no event of that year was recorded before that head")

// Write writes the dossier of a year. It reads the events of the ledger once and
// those before the year a second time, and holds in memory one entry for each
// aggregate and file, but no events. It fails where the events do not agree with
// the head: nothing is handed out that would not verify.
func Write(ctx context.Context, w io.Writer, src Source, opt Options) (Manifest, error) {
	wr, err := newWriter(src, opt)
	if err != nil {
		return Manifest{}, err
	}
	defer wr.close()
	for _, step := range []func(context.Context) error{
		wr.checkHead, wr.readEvents, wr.readContext, wr.evidence, wr.heads, wr.register, wr.texts, wr.tiles,
	} {
		if err := step(ctx); err != nil {
			return Manifest{}, fmt.Errorf("write the dossier of %d: %w", opt.Year, err)
		}
	}
	if err := wr.finish(ctx, w); err != nil {
		return Manifest{}, fmt.Errorf("write the dossier of %d: %w", opt.Year, err)
	}
	return wr.m, nil
}

// A writer makes one dossier.
type writer struct {
	Source
	Options
	m      Manifest
	policy seal.Policy
	cut    cut
	hashes tlog.HashReader

	main, side *spool // side: what is made beside another entry

	// What the events said.
	leaves    leaves
	chains    chains
	ended     map[domain.Ref]bool // by its last effective event before the range
	named     map[string]naming   // files named by included events
	withdrawn map[string]uint64   // file to the last event that withdrew it
	edge      uint64              // the last readable event before the range; 0: none
	near      map[domain.Ref]bool // what the events from edge to the range are about
	after     eventstore.Record   // the right neighbour; Seq 0: none
	checked   checkedCounts

	// Entries by where they stand in the dossier.
	textEntries, tileEntries, rangeEntries, contextEntries []spooled
	evidenceEntries, headEntries, registerEntry, selfCheck []spooled
}

// checkedCounts is how many things the exporter looked at.
type checkedCounts struct{ leaves, chains, files uint64 }

func newWriter(src Source, opt Options) (*writer, error) {
	rest, _ := strings.CutPrefix(src.Origin, "duban/")
	org, incarnation, ok := strings.Cut(rest, "/")
	if !ok || src.Keys.Origin != src.Origin {
		return nil, fmt.Errorf("origin %q is not duban/ORG/INCARNATION, or not that of the keys", src.Origin)
	}
	main, err := newSpool(opt.Dir)
	if err != nil {
		return nil, err
	}
	side, err := newSpool(opt.Dir)
	if err != nil {
		main.close()
		return nil, err
	}
	if opt.Page == nil {
		opt.Page = page.HTML()
	}
	tree := tlog.Tree{N: int64(src.Head.Size), Hash: src.Head.Root}
	wr := &writer{
		Source: src, Options: opt, main: main, side: side, cut: cutOf(opt.Year), hashes: hashReader(tree, src.Tile),
		chains: chains{}, ended: map[domain.Ref]bool{}, near: map[domain.Ref]bool{}, named: map[string]naming{}, withdrawn: map[string]uint64{},
		m: Manifest{
			Format: Format, Org: org, Incarnation: incarnation, Origin: src.Origin, Year: opt.Year,
			TreeSize: src.Head.Size, Root: base64.StdEncoding.EncodeToString(src.Head.Root[:]), Software: opt.Software,
			Evidence: []Evidence{}, Odd: []Odd{}, LeftOut: []LeftOut{}, Entries: []Entry{},
		},
	}
	wr.leaves = leaves{tree: tree, hashes: wr.hashes}
	return wr, nil
}

func (wr *writer) close() {
	wr.main.close()
	wr.side.close()
}

// checkHead refuses a head that does not satisfy the policy that goes with it.
func (wr *writer) checkHead(context.Context) error {
	var err error
	if wr.policy, err = parsePolicy(wr.Policy); err != nil {
		return fmt.Errorf("%s: %w", pathPolicy, err)
	}
	c, _, err := openHead(wr.Head.Note, wr.policy)
	if err != nil {
		return fmt.Errorf("%s: %w", pathCheckpoint, err)
	}
	if c.Origin != wr.Origin || uint64(c.N) != wr.Head.Size || c.Hash != wr.Head.Root {
		return fmt.Errorf("%s: 不是该树头的签名 / does not sign that head", pathCheckpoint)
	}
	return nil
}

func (wr *writer) entries() []spooled {
	var all []spooled
	for _, part := range [][]spooled{
		wr.textEntries, wr.tileEntries, wr.rangeEntries, wr.contextEntries, wr.evidenceEntries, wr.headEntries, wr.registerEntry, wr.selfCheck,
	} {
		all = append(all, part...)
	}
	return all
}

// finish signs the manifest and writes the ZIP.
func (wr *writer) finish(ctx context.Context, w io.Writer) error {
	all := wr.entries()
	for _, e := range all {
		wr.m.Entries = append(wr.m.Entries, e.Entry)
	}
	encoded, err := Encode(wr.m)
	if err != nil {
		return err
	}
	if len(encoded) > maxManifest {
		return fmt.Errorf("%s: %d 字节，太大 / %d bytes are too many", pathManifest, len(encoded), len(encoded))
	}
	signed, err := note.Sign(&note.Note{Text: manifestText(wr.m, encoded)}, append([]note.Signer{wr.Signer}, wr.Others...)...)
	if err != nil {
		return fmt.Errorf("sign the manifest: %w", err)
	}
	if _, err := openManifestNote(signed, wr.m, encoded, wr.policy, wr.Keys); err != nil {
		return fmt.Errorf("sign the manifest: the policy does not know the key: %w", err)
	}
	for _, e := range []struct {
		name string
		b    []byte
	}{{pathManifest, encoded}, {pathNote, signed}} {
		s, err := wr.main.addBytes(e.name, e.b)
		if err != nil {
			return err
		}
		all = append(all, s)
	}
	parts := make([]zipEntry, len(all))
	for i, e := range all {
		parts[i] = zipEntry{e.Path, uint64(e.Size), e.crc}
	}
	return writeZIP(w, parts, func(w io.Writer, i int) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		return all[i].copyTo(w)
	})
}
