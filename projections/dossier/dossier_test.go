package dossier

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"duban/domain/ledger"
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

// A ledger of invented data says so in its own events, and with it every dossier.
func TestSampleIsSaid(t *testing.T) {
	for _, sample := range []bool{false, true} {
		b := newBook(t)
		b.add("ledger/"+testOrg, "2018-12-31 09:00", &ledger.Opened{Software: "1", ConfigDigest: "sha256:00", Sample: sample})
		b.add("task/a", "2019-01-02 09:00", docketed())
		r, err := verify(t, b.dossier(0), VerifyOptions{})
		require.NoError(t, err)
		assert.Equal(t, sample, r.Sample)
		var out bytes.Buffer
		require.NoError(t, r.Print(&out))
		assert.Equal(t, sample, bytes.Contains(out.Bytes(), []byte("样例数据")), out.String())
	}
}
