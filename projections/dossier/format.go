package dossier

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/tlog"

	"duban/domain/calendar"
)

// Format is the first line of what is signed and the manifest's format.
const Format = "duban-dossier/v1"

// Paths inside the ZIP.
const (
	pathReadme      = "README.txt"
	pathIndex       = "index.html"
	pathCheckpoint  = "log/checkpoint"
	pathPolicy      = "log/policy.txt"
	pathKeys        = "log/keys.json"
	pathContext     = "events/context.ndjson"
	pathContextSeq  = "events/context.seq"
	pathRegister    = "register.xlsx"
	pathSelfCheck   = "selfcheck.json"
	pathManifest    = "manifest.json"
	pathNote        = "manifest.note"
	evidencePrefix  = "evidence/"
	headsPrefix     = "heads/"
	rangePathFormat = "events/range/%06d.ndjson"
)

// rangeEvents is how many events stand in one file of the range.
const rangeEvents = 10_000

func tilePath(t tlog.Tile) string { return "log/" + torchwood.TilePath(t) }

func rangePath(n uint64) string { return fmt.Sprintf(rangePathFormat, n) }

// A Manifest says what a dossier holds. Its encoding is canonical: what does not
// come out the same when it is encoded again is refused.
type Manifest struct {
	Format      string     `json:"format"`
	Org         string     `json:"org"`
	Origin      string     `json:"origin"` // duban/ORG/INCARNATION
	Incarnation string     `json:"incarnation"`
	Year        int        `json:"year"`
	TreeSize    uint64     `json:"tree_size"`
	Root        string     `json:"root"` // base64, as in the checkpoint
	Range       Range      `json:"range"`
	Partial     bool       `json:"partial"` // no event behind the range proves that the year ends there
	Counts      Counts     `json:"counts"`
	Evidence    []Evidence `json:"evidence"`
	Odd         []Odd      `json:"odd"`
	LeftOut     []LeftOut  `json:"left_out"`
	Software    string     `json:"software"`
	Entries     []Entry    `json:"entries"` // every entry but the manifest and its note, in order
}

// A Range of sequences, both ends included.
type Range struct {
	First uint64 `json:"first"`
	Last  uint64 `json:"last"`
}

func (r Range) size() uint64 { return r.Last - r.First + 1 }

// Counts of what a dossier holds.
type Counts struct {
	Events   uint64 `json:"events"`   // in the range
	Context  uint64 `json:"context"`  // lines of the context, neighbours included
	Touched  uint64 `json:"touched"`  // aggregates with an event in the range
	Earlier  uint64 `json:"earlier"`  // other aggregates whose chain is in the context
	Voided   uint64 `json:"voided"`   // events of the range whose transaction is void
	Evidence uint64 `json:"evidence"` // files
	Tiles    uint64 `json:"tiles"`
	Heads    uint64 `json:"heads"`
}

// Evidence is a file inside.
type Evidence struct {
	SHA256    string `json:"sha256"`
	Size      int64  `json:"size"`
	MediaType string `json:"media_type"`
	NamedBy   uint64 `json:"named_by"` // the first included event that names it
}

// Odd is an included event that can't be read or does not continue its chain, and
// that an operator accepted. It keeps its place in the chain of its subject.
type Odd struct {
	Sequence uint64 `json:"sequence"`
	Subject  string `json:"subject,omitempty"`
}

// LeftOut is something that the reader might look for.
type LeftOut struct {
	What  string `json:"what"` // evidence/SHA256 or event/SEQUENCE
	Why   Why    `json:"why"`
	Event uint64 `json:"event"` // for withdrawn evidence the withdrawing event, 0 if it lies behind the head; else the event that names it
}

// Why something was left out.
type Why string

// The reasons.
const (
	WhyWithdrawn  Why = "withdrawn" // evidence that was withdrawn
	WhyMissing    Why = "missing"   // evidence that is named and was never stored
	WhyUnprinted  Why = "unprinted" // an odd event whose bytes would break its line
	eventPrefix       = "event/"
	maxSmallEntry     = 1 << 20  // of a text that is read whole
	maxManifest       = 64 << 20 // 64 MiB: some 250,000 entries
)

// An Entry of the ZIP.
type Entry struct {
	Path   string `json:"path"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// Keys are the log's keys over time.
type Keys struct {
	Origin string `json:"origin"`
	Keys   []Key  `json:"keys"`
}

// A Key of the log, as the ledger names it. A head's text has no time: that a key no
// longer signs on a later day is for people, not for the verifier.
type Key struct {
	VKey  string        `json:"vkey"`  // C2SP signed-note verifier key
	From  uint64        `json:"from"`  // heads of at least this size may carry its signature
	Until calendar.Date `json:"until"` // last day it signs, in Asia/Shanghai; "": no end known
}

// A SelfCheck is what the exporter itself checked, in the four groups that rules
// on electronic records use. It claims no conformance beyond the listed checks.
type SelfCheck struct {
	Format       string  `json:"format"`
	Scope        string  `json:"scope"`
	Authenticity []Check `json:"真实性"`
	Integrity    []Check `json:"完整性"`
	Usability    []Check `json:"可用性"`
	Safety       []Check `json:"安全性"`
}

// A Check is one thing that was looked at.
type Check struct {
	Name    string `json:"name"`
	Chinese string `json:"zh"`
	English string `json:"en"`
	Count   uint64 `json:"count"` // how many things were looked at
	Passed  bool   `json:"passed"`
}

var errNotCanonical = errors.New("不是规定的写法：重新编码得不到同样的字节 / not in canonical form: encoding it again gives other bytes")

// Encode returns the canonical JSON of v: keys in the order of the format, one
// space of indent, a line feed at the end.
func Encode(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	if err := enc.Encode(v); err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	return b.Bytes(), nil
}

// decode reads canonical JSON and nothing else: no unknown or repeated keys, no
// other spelling of a number, no other white space.
func decode[T any](b []byte) (v T, err error) {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&v); err != nil {
		return v, err
	}
	again, err := Encode(v)
	if err != nil {
		return v, err
	}
	if !bytes.Equal(again, b) {
		return v, errNotCanonical
	}
	return v, nil
}

// parseManifest reads manifest.json.
func parseManifest(b []byte) (Manifest, error) {
	m, err := decode[Manifest](b)
	switch {
	case err != nil:
		return m, err
	case m.Format != Format:
		return m, fmt.Errorf("格式 %q 不是 / format %q is not %s", m.Format, m.Format, Format)
	case m.Origin != "duban/"+m.Org+"/"+m.Incarnation || strings.ContainsAny(m.Origin, "\n +"):
		return m, fmt.Errorf("origin %q 与单位、账本不符 / origin %q does not fit org and incarnation", m.Origin, m.Origin)
	case m.Year < 1949 || m.Year > 2199:
		return m, fmt.Errorf("年度 %d 超出范围 / year %d is out of range", m.Year, m.Year)
	case m.Range.First == 0 || m.Range.Last < m.Range.First || m.TreeSize < m.Range.Last || m.TreeSize > maxTree:
		return m, fmt.Errorf("范围 %d–%d 与树的大小 %d 不符 / the range does not fit the tree", m.Range.First, m.Range.Last, m.TreeSize)
	case m.Counts.Events != m.Range.size():
		return m, fmt.Errorf("事件数 %d 与范围不符 / the count of events does not fit the range", m.Counts.Events)
	}
	return m, nil
}

// maxTree bounds the tree so that no arithmetic on it overflows.
const maxTree = 1 << 48

// parseKeys reads log/keys.json.
func parseKeys(b []byte) (Keys, error) {
	k, err := decode[Keys](b)
	if err != nil {
		return k, err
	}
	for _, key := range k.Keys {
		v, err := parseVKey(key.VKey)
		switch {
		case err != nil:
			return k, err
		case v.Name() != k.Origin:
			return k, fmt.Errorf("密钥 %s 属于 / the key %s belongs to another origin than %s", key.VKey, key.VKey, k.Origin)
		case key.From == 0:
			return k, fmt.Errorf("密钥 %s 缺少起始大小 / the size the key begins at is missing", key.VKey)
		}
	}
	return k, nil
}
