package dossier

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestWrittenVerifies(t *testing.T) {
	b := story(t)
	d := b.dossier(0)
	r, err := verify(t, d, VerifyOptions{})
	require.NoError(t, err)
	assert.True(t, r.OK)
	assert.Equal(t, Range{9, 13}, *r.Range)
	assert.False(t, r.Partial)
	assert.Equal(t, Counts{Events: 5, Context: 5, Touched: 3, Earlier: 1, Voided: 1, Evidence: 1, Tiles: 1, Heads: 3}, *r.Counts)
	var out bytes.Buffer
	require.NoError(t, r.Print(&out))
	t.Log(out.String())
	for _, p := range unzip(t, d) {
		t.Log(p.name, len(p.bytes))
	}
	assert.Equal(t, d, b.dossier(0), "the same ledger gives the same bytes")
}
