package backup

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"duban/domain"
	"duban/projections/seal"
)

// Format is the first thing a manifest says.
const Format = "duban-backup/v1"

// Names of the files of a backup.
const (
	fileHeads       = "heads.snapshot"
	fileLedger      = "ledger.snapshot"
	fileCredentials = "credentials.json"
	fileManifest    = "manifest.json"
)

// Contents is what a backup holds beside the two streams.
type Contents struct {
	Software    string            `json:"software"`
	Sample      bool              `json:"sample,omitempty" doc:"样例数据"`
	Evidence    []domain.Evidence `json:"evidence" doc:"每份证据，用 GET /evidence/{sha256} 取"`
	Withdrawn   []string          `json:"withdrawn" doc:"已撤回的证据的 SHA-256"`
	Credentials []Credential      `json:"credentials" doc:"令牌的摘要及其代表的人；令牌本身不保存"`
}

// A Credential is what the token with that digest stands for.
type Credential struct {
	TokenSHA256 string    `json:"token_sha256"`
	Person      string    `json:"person"`
	Office      string    `json:"office,omitempty"`
	Role        string    `json:"role"`
	Created     time.Time `json:"created"`
	Note        string    `json:"note,omitempty"`
}

// A Head is the signed head that a backup is bound to.
type Head struct {
	Origin      string   `json:"origin" doc:"账本名称"`
	Size        uint64   `json:"size" doc:"树头的大小，不小于 events"`
	Root        string   `json:"root" doc:"base64"`
	Checkpoint  string   `json:"checkpoint" doc:"C2SP 检查点，带联署"`
	Events      uint64   `json:"events" doc:"备份的事件数"`
	Consistency []string `json:"consistency" doc:"前 events 个事件是该树开头的证明，base64；两者相等时为空"`
}

// Binding returns the head in the form in which it is checked.
func (h Head) Binding() (seal.Binding, error) {
	b := seal.Binding{Events: h.Events, Note: []byte(h.Checkpoint), Proof: tlog.TreeProof{}}
	for _, text := range h.Consistency {
		hash, err := tlog.ParseHash(text)
		if err != nil {
			return b, fmt.Errorf("一致性证明无法读取 / the consistency proof can't be read: %w", err)
		}
		b.Proof = append(b.Proof, hash)
	}
	return b, nil
}

// A Manifest says what a backup holds.
type Manifest struct {
	Format   string    `json:"format"`
	Made     time.Time `json:"made"`
	Software string    `json:"software"` // of the server
	Org      string    `json:"org"`
	Sample   bool      `json:"sample,omitempty"`
	Head     Head      `json:"head"`
	Files    []File    `json:"files"`

	// Evidence is listed also where its bytes were left out.
	EvidenceLeftOut bool              `json:"evidence_left_out,omitempty"`
	Evidence        []domain.Evidence `json:"evidence"`
	Withdrawn       []string          `json:"withdrawn"`
}

// A File of a backup.
type File struct {
	Path   string `json:"path"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

var errManifest = errors.New("备份的清单无法读取 / the backup's manifest can't be read")

// orgOf returns whose ledger has that name: duban/ORG/INCARNATION.
func orgOf(origin string) string {
	parts := strings.Split(origin, "/")
	if len(parts) != 3 || parts[0] != "duban" {
		return ""
	}
	return parts[1]
}

func decode(b []byte, v any) error {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	return dec.Decode(v)
}

// check refuses a manifest that restoring could not rely on.
func (m Manifest) check() error {
	switch {
	case m.Format != Format:
		return fmt.Errorf("%w：格式 %q 不是 %s / format %q is not %s", errManifest, m.Format, Format, m.Format, Format)
	case m.Org == "" || m.Org != orgOf(m.Head.Origin):
		return fmt.Errorf("%w：单位 %q 与账本 %q 不符 / org %q does not fit the log %q", errManifest, m.Org, m.Head.Origin, m.Org, m.Head.Origin)
	case m.Head.Events == 0 || m.Head.Size < m.Head.Events:
		return fmt.Errorf("%w：树头 %d 没有覆盖 %d 个事件 / the head of %d is not over %d events", errManifest, m.Head.Size, m.Head.Events, m.Head.Size, m.Head.Events)
	}
	want := []string{fileHeads, fileLedger, fileCredentials}
	for i, f := range m.Files {
		if i >= len(want) || f.Path != want[i] {
			return fmt.Errorf("%w：不应有 %q / %q does not belong there", errManifest, f.Path, f.Path)
		}
	}
	if len(m.Files) != len(want) {
		return fmt.Errorf("%w：应有 %d 个文件 / %d files are missing", errManifest, len(want), len(want)-len(m.Files))
	}
	for _, e := range m.Evidence {
		if !isDigest(e.SHA256) {
			return fmt.Errorf("%w：%q 不是摘要 / %q is no digest", errManifest, e.SHA256, e.SHA256)
		}
	}
	for _, sum := range m.Withdrawn {
		if !isDigest(sum) {
			return fmt.Errorf("%w：%q 不是摘要 / %q is no digest", errManifest, sum, sum)
		}
	}
	return nil
}
