package seal

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	"duban/domain/calendar"
	"duban/domain/ledger"
	"duban/eventstore"
)

// A Key is one key of the log and when it counts, as the ledger tells.
type Key struct {
	Verifier string        `json:"verifier"`        // C2SP vkey
	From     uint64        `json:"from"`            // heads of at least this size carry its signature
	Until    calendar.Date `json:"until,omitempty"` // last day it signs, in Asia/Shanghai; "": no end known
}

// signsOn reports whether the key signs a head of that size on that day.
func (k Key) signsOn(size uint64, day calendar.Date) bool {
	return k.From <= size && (k.Until == "" || day <= k.Until)
}

// KeysOf returns the log's keys, the first one first, as the ledger's own aggregate
// names them, with those of earlier incarnations.
func KeysOf(agg eventstore.Aggregate) []Key {
	var keys []Key
	from := uint64(1)
	for _, e := range agg.Events() {
		switch d := e.Data.(type) {
		case *ledger.Restored: // a new log under a new name; nothing of the old one is signed any more
			from = e.Seq
			for i := range keys {
				if keys[i].Until == "" {
					keys[i].Until = calendar.On(e.Time)
				}
			}
		case *ledger.KeyPublished:
			keys = append(keys, Key{Verifier: d.Key, From: from})
		case *ledger.KeyRotated:
			for i := range keys {
				if keys[i].Verifier == d.Old {
					keys[i].Until = d.Until
				}
			}
			keys = append(keys, Key{Verifier: d.New, From: d.From})
		}
	}
	return keys
}

// verifiers returns the verifiers of keys that count for a head of that size.
func verifiers(keys []Key, size uint64) (note.Verifiers, error) {
	var list []note.Verifier
	for _, k := range keys {
		if k.From > size {
			continue
		}
		v, err := note.NewVerifier(k.Verifier)
		if err != nil {
			return nil, fmt.Errorf("账本中的密钥 %s 无法识别 / the ledger's key %s can't be read: %w", k.Verifier, k.Verifier, err)
		}
		list = append(list, v)
	}
	return note.VerifierList(list...), nil
}

// ErrNoKey says that the private key that has to sign is not in the folder of keys.
var ErrNoKey = errors.New("缺少签名私钥，请把备份的 keys 目录放回，或用 duban key rotate --lost 换新密钥 / the private key is missing: put the folder of keys back, or duban key rotate --lost")

// A Keyring is the folder of private keys: one file NAME.key each, NAME being the
// key's C2SP id, with the key as note.GenerateKey writes it.
type Keyring struct {
	dir  string
	keys map[string]privateKey // by verifier key
}

type privateKey struct {
	signer note.Signer
	file   string
	made   time.Time
}

const keySuffix = ".key"

// OpenKeyring reads the private keys in dir, which need not exist. Keys that others
// may read are refused.
func OpenKeyring(dir string) (*Keyring, error) {
	ring := &Keyring{dir: dir, keys: map[string]privateKey{}}
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read the folder of keys: %w", err)
	}
	for _, e := range entries {
		if filepath.Ext(e.Name()) != keySuffix {
			continue
		}
		if err := ring.read(filepath.Join(dir, e.Name())); err != nil {
			return nil, err
		}
	}
	return ring, nil
}

func (r *Keyring) read(file string) error {
	info, err := os.Stat(file)
	if err != nil {
		return fmt.Errorf("read a key: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("私钥 %s 可被他人读取，请执行 chmod 600 / others can read the private key %s: chmod 600", file, file)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("read a key: %w", err)
	}
	skey := string(bytes.TrimSuffix(b, []byte("\n")))
	signer, err := note.NewSigner(skey)
	if err != nil {
		return fmt.Errorf("私钥 %s 无法识别 / can't make out the private key %s: %w", file, file, err)
	}
	vkey, err := verifierKey(signer.Name(), skey)
	if err != nil {
		return fmt.Errorf("私钥 %s 无法识别 / can't make out the private key %s: %w", file, file, err)
	}
	r.keys[vkey] = privateKey{signer, file, info.ModTime()}
	return nil
}

// verifierKey derives the verifier key of an encoded Ed25519 signer key that
// note.NewSigner took.
func verifierKey(name, skey string) (string, error) {
	// PRIVATE+KEY+name+hash+base64, and the base64 text may hold a '+' of its own.
	parts := strings.SplitN(skey, "+", 5)
	seed, err := base64.StdEncoding.DecodeString(parts[len(parts)-1])
	if err != nil || len(seed) != 1+ed25519.SeedSize {
		return "", errors.New("no Ed25519 seed")
	}
	public, ok := ed25519.NewKeyFromSeed(seed[1:]).Public().(ed25519.PublicKey)
	if !ok {
		return "", errors.New("no Ed25519 key")
	}
	return note.NewEd25519VerifierKey(name, public)
}

// Make makes a key for a log and keeps it, synced, before it returns its verifier key.
func (r *Keyring) Make(origin string) (string, error) {
	skey, vkey, err := note.GenerateKey(rand.Reader, origin)
	if err != nil {
		return "", fmt.Errorf("make a key: %w", err)
	}
	if err := os.MkdirAll(r.dir, 0o700); err != nil {
		return "", fmt.Errorf("make the folder of keys: %w", err)
	}
	file := filepath.Join(r.dir, keyID(vkey)+keySuffix)
	if err := Replace(file, []byte(skey+"\n")); err != nil {
		return "", fmt.Errorf("keep the key: %w", err)
	}
	return vkey, r.read(file)
}

// keyID returns the hash that names a key in signatures, from its verifier key.
func keyID(vkey string) string {
	parts := strings.SplitN(vkey, "+", 3)
	if len(parts) != 3 {
		return ""
	}
	return parts[1]
}

// Has reports whether the private key of a verifier key is in the folder.
func (r *Keyring) Has(vkey string) bool {
	_, ok := r.keys[vkey]
	return ok
}

// Of returns the verifier keys of a log whose private keys are in the folder.
func (r *Keyring) Of(origin string) []string {
	var list []string
	for vkey, k := range r.keys {
		if k.signer.Name() == origin {
			list = append(list, vkey)
		}
	}
	slices.Sort(list)
	return list
}

// Origins returns the logs there are keys of.
func (r *Keyring) Origins() []string {
	var list []string
	for _, k := range r.keys {
		if !slices.Contains(list, k.signer.Name()) {
			list = append(list, k.signer.Name())
		}
	}
	slices.Sort(list)
	return list
}

// signers returns who signs a head of that size on that day, the newest key first.
// The newest one has to be there; an old one that is missing merely ends its overlap.
// Nobody: the key that follows a lost one signs larger heads only.
func (r *Keyring) signers(keys []Key, size uint64, day calendar.Date) ([]note.Signer, error) {
	var list []note.Signer
	for i, k := range slices.Backward(keys) {
		if !k.signsOn(size, day) {
			continue
		}
		p, ok := r.keys[k.Verifier]
		if !ok {
			if i == len(keys)-1 {
				return nil, fmt.Errorf("%w (%s)", ErrNoKey, k.Verifier)
			}
			continue
		}
		list = append(list, p.signer)
	}
	if newest := keys[len(keys)-1]; len(list) == 0 && newest.From <= size {
		return nil, fmt.Errorf("%w (%s)", ErrNoKey, newest.Verifier)
	}
	return list, nil
}

// Replace puts a file in place whole, synced with its folder, readable for its owner
// only.
func Replace(file string, content []byte) error {
	f, err := os.CreateTemp(filepath.Dir(file), "."+filepath.Base(file)+"-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // there is none any more if all went well
	_, err = f.Write(content)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), file); err != nil {
		return err
	}
	d, err := os.Open(filepath.Dir(file))
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// CopyKeys copies the private keys of one folder into another, made if need be, and
// returns how many were not there.
func CopyKeys(from, to string) (copied int, err error) {
	ring, err := OpenKeyring(from)
	if err != nil {
		return 0, err
	}
	if len(ring.keys) == 0 {
		return 0, fmt.Errorf("%s 里没有签名私钥，请核对目录 / there are no signing keys in %s, check the folder", from, from)
	}
	if err := os.MkdirAll(to, 0o700); err != nil {
		return 0, fmt.Errorf("make the folder of keys: %w", err)
	}
	have, err := OpenKeyring(to)
	if err != nil {
		return 0, err
	}
	for vkey, k := range ring.keys {
		if have.Has(vkey) {
			continue
		}
		b, err := os.ReadFile(k.file)
		if err != nil {
			return copied, fmt.Errorf("read a key: %w", err)
		}
		if err := Replace(filepath.Join(to, filepath.Base(k.file)), b); err != nil {
			return copied, fmt.Errorf("keep a key: %w", err)
		}
		copied++
	}
	return copied, nil
}
