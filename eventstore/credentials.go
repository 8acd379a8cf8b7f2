package eventstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"duban/domain"
)

// A Credential is what a token stands for. Credentials are no facts of the
// ledger: they live in a key-value bucket beside it, under the SHA-256 of the
// token, which itself is nowhere kept.
type Credential struct {
	TokenSHA256 string      `json:"-"` // lower-case hex; the key
	Person      domain.Ref  `json:"person"`
	Office      domain.Ref  `json:"office,omitzero"`
	Role        domain.Role `json:"role"`
	Created     time.Time   `json:"created"`
	Note        string      `json:"note,omitempty"`
}

// credentials remembers what tokens stand for: every request asks, and the server
// answers no read while it commits a batch. Embedded only, where nobody else can
// revoke one.
type credentials struct {
	mu      sync.Mutex
	changes uint64 // that were made to the bucket
	known   *cache[string, Credential]
	// doubtful are tokens whose last change got no answer: it may be made at any time,
	// so they are read each time.
	doubtful map[string]bool
}

// maxCredentials bounds the memory. Offices are counted in dozens.
const maxCredentials = 1 << 12

// of returns what is remembered of a token, and how many changes there have been.
func (c *credentials) of(tokenSHA256 string) (cred Credential, ok bool, changes uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	cred, ok = c.known.get(tokenSHA256)
	return cred, ok, c.changes
}

// put remembers what was read, unless something changed since before it was.
func (c *credentials) put(cred Credential, changes uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.changes == changes && !c.doubtful[cred.TokenSHA256] {
		c.known.put(cred.TokenSHA256, cred)
	}
}

// changed forgets a token after a change to it, and whatever is being read. err is
// the change's.
func (c *credentials) changed(tokenSHA256 string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.changes++
	c.known.remove(tokenSHA256)
	delete(c.doubtful, tokenSHA256)
	if err != nil {
		c.doubtful[tokenSHA256] = true
	}
}

func (s *Store) withCredentials(ctx context.Context, f func(jetstream.KeyValue) error) error {
	return s.withSession(ctx, func(sess *session) error {
		ctx, cancel := context.WithTimeout(ctx, s.cfg.ReadTimeout)
		defer cancel()
		kv, err := sess.bulkJS.KeyValue(ctx, credentialBucket)
		if err != nil {
			return fmt.Errorf("%w: open the credentials: %w", ErrUnavailable, err)
		}
		return f(kv)
	})
}

// PutCredential stores what the token with this digest stands for, replacing what
// it stood for before.
func (s *Store) PutCredential(ctx context.Context, tokenSHA256 string, c Credential) (err error) {
	b, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("encode the credential: %w", err)
	}
	defer func() { s.tokens.changed(tokenSHA256, err) }()
	return s.withCredentials(ctx, func(kv jetstream.KeyValue) error {
		if _, err := kv.Put(ctx, tokenSHA256, b); err != nil {
			if ctx.Err() == nil { // or else the caller is gone, which says nothing of the disk
				s.suspect(err)
			}
			return fmt.Errorf("%w: store the credential: %w", ErrUnavailable, err)
		}
		return nil
	})
}

// Credential returns what the token with this digest stands for, or
// ErrNoCredential.
func (s *Store) Credential(ctx context.Context, tokenSHA256 string) (Credential, error) {
	c, ok, changes := s.tokens.of(tokenSHA256)
	if ok {
		return c, nil
	}
	err := s.withCredentials(ctx, func(kv jetstream.KeyValue) error {
		var err error
		c, err = readCredential(ctx, kv, tokenSHA256)
		return err
	})
	if err == nil && s.cfg.URL == "" {
		s.tokens.put(c, changes)
	}
	return c, err
}

func readCredential(ctx context.Context, kv jetstream.KeyValue, key string) (Credential, error) {
	entry, err := kv.Get(ctx, key)
	switch {
	case errors.Is(err, jetstream.ErrKeyNotFound), errors.Is(err, jetstream.ErrInvalidKey):
		return Credential{}, ErrNoCredential
	case err != nil:
		return Credential{}, fmt.Errorf("%w: read a credential: %w", ErrUnavailable, err)
	}
	c := Credential{TokenSHA256: key}
	if err := json.Unmarshal(entry.Value(), &c); err != nil {
		return Credential{}, fmt.Errorf("decode the credential %s: %w", key, err)
	}
	return c, nil
}

// Credentials returns all credentials, in no order.
func (s *Store) Credentials(ctx context.Context) ([]Credential, error) {
	var all []Credential
	err := s.withCredentials(ctx, func(kv jetstream.KeyValue) error {
		all = nil
		keys, err := kv.ListKeys(ctx)
		if err != nil {
			return fmt.Errorf("%w: list the credentials: %w", ErrUnavailable, err)
		}
		defer func() { _ = keys.Stop() }() // fails only where it has ended already
		for key := range keys.Keys() {
			c, err := readCredential(ctx, kv, key)
			if errors.Is(err, ErrNoCredential) {
				continue // revoked meanwhile
			}
			if err != nil {
				return err
			}
			all = append(all, c)
		}
		return nil
	})
	return all, err
}

// RevokeCredential makes the token with this digest worthless. It is no error if
// it was already.
func (s *Store) RevokeCredential(ctx context.Context, tokenSHA256 string) (err error) {
	defer func() { s.tokens.changed(tokenSHA256, err) }()
	return s.withCredentials(ctx, func(kv jetstream.KeyValue) error {
		if err := kv.Purge(ctx, tokenSHA256); err != nil {
			if ctx.Err() == nil { // or else the caller is gone, which says nothing of the disk
				s.suspect(err)
			}
			return fmt.Errorf("%w: revoke the credential: %w", ErrUnavailable, err)
		}
		return nil
	})
}
