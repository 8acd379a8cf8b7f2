package dossier

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"duban/projections/seal"
)

var (
	errNoteForm = errors.New("签名行不是规定的写法 / a signature line is not in canonical form")
	errNoteText = errors.New("签名的内容与清单不符 / what was signed does not fit the manifest")
)

// openNote verifies a signed note like note.Open, in its one form.
func openNote(msg []byte, known note.Verifiers) (*note.Note, error) {
	n, err := note.Open(msg, known)
	if err != nil {
		return nil, err
	}
	return n, checkNote(msg, n)
}

// checkNote refuses spellings that note.Open lets pass: base64 with stray bits or
// control characters, a signature that is there twice.
func checkNote(msg []byte, n *note.Note) error {
	split := bytes.LastIndex(msg, []byte("\n\n"))
	seen := map[string]bool{}
	for line := range strings.Lines(string(msg[split+2:])) {
		_, b64, _ := strings.Cut(strings.TrimPrefix(strings.TrimSuffix(line, "\n"), "— "), " ")
		raw, err := base64.StdEncoding.Strict().DecodeString(b64)
		if err != nil || base64.StdEncoding.EncodeToString(raw) != b64 || seen[line] {
			return errNoteForm
		}
		seen[line] = true
	}
	if len(n.Sigs)+len(n.UnverifiedSigs) != len(seen) {
		return errNoteForm
	}
	return nil
}

// parseHead reads a checkpoint's text in its one form.
func parseHead(text string) (torchwood.Checkpoint, error) {
	c, err := torchwood.ParseCheckpoint(text)
	if err == nil && c.String() != text {
		err = errNoteForm
	}
	return c, err
}

// openHead verifies a checkpoint against a policy.
func openHead(msg []byte, policy torchwood.Policy) (torchwood.Checkpoint, *note.Note, error) {
	c, n, err := torchwood.VerifyCheckpoint(msg, policy)
	if err == nil {
		err = checkNote(msg, n)
	}
	if err == nil && c.String() != n.Text {
		err = errNoteForm
	}
	return c, n, err
}

// manifestText is what manifest.note signs.
func manifestText(m Manifest, encoded []byte) string {
	sum := sha256.Sum256(encoded)
	return fmt.Sprintf("%s\n%s\n%d\n%d\nsha256:%s\n", Format, m.Origin, m.Year, m.TreeSize, hex.EncodeToString(sum[:]))
}

var errNoPolicyKey = errors.New("没有策略所列账本密钥的签名 / no signature by a key of the log that the policy names")

// openManifestNote verifies the signatures over the manifest: one at least by a key of
// the log that the policy names, others, in the overlap of a rotation, by keys that the
// dossier names, and nobody else's beside them.
func openManifestNote(msg []byte, m Manifest, encoded []byte, policy seal.Policy, keys Keys) (*note.Note, error) {
	n, err := openNote(msg, firstKnown{policy, keys.all()})
	if err != nil {
		return nil, err
	}
	if n.Text != manifestText(m, encoded) {
		return nil, errNoteText
	}
	if len(n.UnverifiedSigs) > 0 {
		return nil, fmt.Errorf("未知的签名 %s / an unknown signature, %s", n.UnverifiedSigs[0].Name, n.UnverifiedSigs[0].Name)
	}
	named := false
	for _, s := range n.Sigs {
		if s.Name != m.Origin {
			return nil, fmt.Errorf("签名者 %s 不是本账本 / the signer %s is not the log", s.Name, s.Name)
		}
		if _, err := policy.Verifier(s.Name, s.Hash); err == nil {
			named = true
		}
	}
	if !named {
		return nil, errNoPolicyKey
	}
	return n, nil
}

// parsePolicy reads a policy. One that names no log would accept anything.
func parsePolicy(text []byte) (seal.Policy, error) {
	p, err := seal.ParsePolicy(text)
	if err == nil && len(p.Logs) == 0 {
		err = errors.New("策略没有列出账本的密钥（log 行） / the policy names no log")
	}
	return p, err
}

// parseVKey reads a verifier key in its one form.
func parseVKey(vkey string) (note.Verifier, error) {
	v, err := note.NewVerifier(vkey)
	if err != nil {
		return nil, fmt.Errorf("密钥 %.200q 无法识别 / the key can't be read: %w", vkey, err)
	}
	if raw, err := publicKey(vkey); err != nil || vkey != fmt.Sprintf("%s+%08x+%s", v.Name(), v.KeyHash(), base64.StdEncoding.EncodeToString(raw)) {
		return nil, fmt.Errorf("密钥 %.200q 不是规定的写法 / the key is not in canonical form", vkey)
	}
	return v, nil
}

// publicKey returns the algorithm and key of NAME+HASH+BASE64. The base64 may hold a
// '+' of its own.
func publicKey(vkey string) ([]byte, error) {
	parts := strings.SplitN(vkey, "+", 3)
	return base64.StdEncoding.Strict().DecodeString(parts[len(parts)-1])
}

// Fingerprint returns what two people compare of a key by phone: the SHA-256 of
// the public key with its algorithm, in hex.
func Fingerprint(vkey string) string {
	raw, err := publicKey(vkey)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:])
}

// verifiers returns the keys that sign a head of the given size.
func (k Keys) verifiers(size uint64) note.Verifiers {
	return k.where(func(key Key) bool { return key.valid(size) })
}

// all returns the log's keys, retired ones too.
func (k Keys) all() note.Verifiers { return k.where(func(Key) bool { return true }) }

func (k Keys) where(valid func(Key) bool) note.Verifiers {
	var list []note.Verifier
	for _, key := range k.Keys {
		if v, err := note.NewVerifier(key.VKey); err == nil && valid(key) {
			list = append(list, v)
		}
	}
	return note.VerifierList(list...)
}

// valid reports whether a key signs heads of the given size.
func (k Key) valid(size uint64) bool { return k.From <= size }

// signedBy checks that the log's signatures on a head of the given size, which were
// verified with the keys of the policy, are by keys that sign heads of that size.
func (k Keys) signedBy(sigs []note.Signature, logs []string, size uint64) error {
	for _, s := range sigs {
		if s.Name != k.Origin {
			continue // a witness
		}
		valid := slices.ContainsFunc(k.Keys, func(key Key) bool {
			return key.valid(size) && slices.Contains(logs, key.VKey) && strings.HasPrefix(key.VKey, fmt.Sprintf("%s+%08x+", s.Name, s.Hash))
		})
		if !valid {
			return fmt.Errorf("树头的签名密钥 %08x 在大小 %d 时无效 / the key %08x does not sign heads of size %d", s.Hash, size, s.Hash, size)
		}
	}
	return nil
}

// checkRoot compares a head with the tree that the tiles make, of which it has to
// be a beginning.
func checkRoot(head tlog.Tree, tree tlog.Tree, hashes tlog.HashReader) error {
	if head.N > tree.N {
		return fmt.Errorf("%w：%d > %d", ErrRolledBack, head.N, tree.N)
	}
	root, err := tlog.TreeHash(head.N, hashes)
	if err != nil {
		return err
	}
	if root != head.Hash {
		return fmt.Errorf("%w（%d）", ErrForked, head.N)
	}
	return nil
}

// What an earlier head may show.
var (
	ErrRolledBack = errors.New("卷宗的树比先前的树头还小：账本被退回到旧的状态 / the dossier's tree is smaller than the earlier head: the ledger was rolled back")
	ErrForked     = errors.New("先前的树头不是卷宗所依据的树的开头：历史被改写 / the earlier head is no beginning of the dossier's tree: history was rewritten")
)

// signature is who signed, and for witnesses when.
func signature(s note.Signature, origin string) Signature {
	out := Signature{Name: s.Name, KeyHash: fmt.Sprintf("%08x", s.Hash)}
	if s.Name != origin {
		if t, err := torchwood.CosignatureTimestamp(s); err == nil {
			out.Time = time.Unix(t, 0).UTC().Format(time.RFC3339)
		}
	}
	return out
}
