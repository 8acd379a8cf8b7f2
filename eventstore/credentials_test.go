package eventstore

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"duban/domain"
)

// A credential is asked for with every request, and read once.
func TestCredentialIsReadOnce(t *testing.T) {
	s, err := Open(t.Context(), Config{Org: "a", Dir: t.TempDir()})
	require.NoError(t, err)
	defer s.Close()
	require.NoError(t, s.PutCredential(t.Context(), "a1", Credential{Role: domain.RoleInspector}))
	first, err := s.Credential(t.Context(), "a1")
	require.NoError(t, err)
	before := s.sess.bulk.Stats().OutMsgs
	again, err := s.Credential(t.Context(), "a1")
	require.NoError(t, err)
	assert.Equal(t, first, again)
	assert.Equal(t, before, s.sess.bulk.Stats().OutMsgs)
}

// A token that was revoked while it was being read is not remembered.
func TestRevokedWhileRead(t *testing.T) {
	c := credentials{known: newCache[string, Credential](maxCredentials), doubtful: map[string]bool{}}
	_, _, changes := c.of("a1")
	c.changed("a1", nil)
	c.put(Credential{TokenSHA256: "a1"}, changes)
	_, ok, changes := c.of("a1")
	assert.False(t, ok)
	c.put(Credential{TokenSHA256: "a1"}, changes)
	_, ok, _ = c.of("a1")
	assert.True(t, ok)

	// A change without an answer may still be made: nothing read is remembered.
	c.changed("a1", context.DeadlineExceeded)
	_, _, changes = c.of("a1")
	c.put(Credential{TokenSHA256: "a1"}, changes)
	_, ok, _ = c.of("a1")
	assert.False(t, ok)
	c.changed("a1", nil)
	_, _, changes = c.of("a1")
	c.put(Credential{TokenSHA256: "a1"}, changes)
	_, ok, _ = c.of("a1")
	assert.True(t, ok)
}
