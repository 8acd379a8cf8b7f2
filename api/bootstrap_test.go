package api_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"duban/api"
)

// TestBootstrapKeepsFirst: a token that could not be kept, or whose server was killed
// right then, is not in force; the next start makes another.
func TestBootstrapKeepsFirst(t *testing.T) {
	n := start(t)
	require.NoError(t, n.store.RevokeCredential(t.Context(), api.TokenDigest(n.token)))
	full := errors.New("no space")
	_, err := n.server.Bootstrap(t.Context(), "安委会办公室", func(string) error { return full })
	require.ErrorIs(t, err, full)
	creds, err := n.store.Credentials(t.Context())
	require.NoError(t, err)
	assert.Empty(t, creds)

	kept := ""
	token, err := n.server.Bootstrap(t.Context(), "安委会办公室", func(token string) error {
		kept = token
		return nil
	})
	require.NoError(t, err)
	assert.Equal(t, kept, token)
	_, err = n.store.Credential(t.Context(), api.TokenDigest(token))
	require.NoError(t, err)
}
