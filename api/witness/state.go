package witness

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/tlog"

	"duban/projections/seal"
)

const (
	keyFile   = "witness.key" // PKCS #8 in PEM
	stateFile = "heads.json"
	pemType   = "PRIVATE KEY"
)

// ErrStateLost says that the witness has its key and not its record of heads.
var ErrStateLost = errors.New("见证者的记录 " + stateFile + " 丢失，请从备份恢复；没有备份就删除 " + keyFile + "，以新密钥重新开始 / " +
	"the witness's record " + stateFile + " is gone: restore it, or remove " + keyFile + " and begin anew as another witness")

// state is the last head of each log. Its owner holds the witness's lock.
type state struct {
	file  string
	heads map[string]seen
}

// seen is the last head of one log, as the file has it.
type seen struct {
	Size int64     `json:"size"`
	Root tlog.Hash `json:"root"`
}

func open(dir, name string) (*torchwood.CosignatureSigner, *state, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, nil, err
	}
	st := &state{file: filepath.Join(dir, stateFile), heads: map[string]seen{}}
	key, err := readKey(filepath.Join(dir, keyFile))
	fresh := errors.Is(err, fs.ErrNotExist)
	if fresh {
		// The record comes first: a key without one is a witness that lost its memory.
		if err = st.read(); errors.Is(err, fs.ErrNotExist) {
			err = st.write()
		}
		if err == nil {
			key, err = makeKey(filepath.Join(dir, keyFile))
		}
	}
	if err != nil {
		return nil, nil, err
	}
	if err := st.read(); errors.Is(err, fs.ErrNotExist) {
		return nil, nil, ErrStateLost
	} else if err != nil {
		return nil, nil, err
	}
	signer, err := torchwood.NewCosignatureSigner(name, key)
	if err != nil {
		return nil, nil, fmt.Errorf("见证者名称 %q 不能含空格和加号 / the witness's name %q has no spaces and no plus: %w", name, name, err)
	}
	return signer, st, nil
}

func (s *state) read() error {
	b, err := os.ReadFile(s.file)
	if err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	heads := map[string]seen{}
	if err := d.Decode(&heads); err != nil {
		return fmt.Errorf("见证者的记录损坏 / the witness's record is damaged: %s: %w", s.file, err)
	}
	for origin, h := range heads {
		if h.Size < 0 {
			return fmt.Errorf("见证者的记录损坏 / the witness's record is damaged: %s: %q has %d events", s.file, origin, h.Size)
		}
	}
	s.heads = heads
	return nil
}

func (s *state) last(origin string) tlog.Tree {
	h := s.heads[origin]
	return tlog.Tree{N: h.Size, Hash: h.Root}
}

// keep replaces the last head of a log. After an error the old one stands.
func (s *state) keep(origin string, t tlog.Tree) error {
	old, had := s.heads[origin]
	s.heads[origin] = seen{t.N, t.Hash}
	err := s.write()
	if err != nil {
		if delete(s.heads, origin); had {
			s.heads[origin] = old
		}
	}
	return err
}

func (s *state) write() error {
	b, err := json.MarshalIndent(s.heads, "", "  ")
	if err != nil {
		return err
	}
	return seal.Replace(s.file, append(b, '\n'))
}

func makeKey(file string) (ed25519.PrivateKey, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return key, seal.Replace(file, pem.EncodeToMemory(&pem.Block{Type: pemType, Bytes: der}))
}

func readKey(file string) (ed25519.PrivateKey, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(b)
	if block == nil || block.Type != pemType {
		return nil, fmt.Errorf("私钥 %s 无法识别 / can't make out the private key %s", file, file)
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("私钥 %s 无法识别 / can't make out the private key %s: %w", file, file, err)
	}
	ed, ok := key.(ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("私钥 %s 不是 Ed25519 / the private key %s is not Ed25519", file, file)
	}
	return ed, nil
}
