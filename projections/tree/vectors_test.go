package tree_test

import (
	"encoding/hex"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/merkle/testonly"
	"golang.org/x/mod/sumdb/tlog"
)

// The vectors that the implementations of RFC 6962 share: eight leaves, the root of
// every size, and proofs.
var (
	vectorLeaves = []string{
		"", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
	}
	vectorRoots = []string{
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
		"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
		"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
		"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
		"4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
		"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
		"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
		"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
	}
	vectorInclusion = []struct {
		seq, size uint64
		path      []string
	}{
		{1, 1, nil},
		{1, 8, []string{
			"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
			"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
			"6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
		}},
		{6, 8, []string{
			"bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
			"ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
			"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
		}},
		{3, 3, []string{"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"}},
		{2, 5, []string{
			"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
			"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
			"bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
		}},
	}
	vectorConsistency = []struct {
		from, to uint64
		path     []string
	}{
		{1, 1, nil},
		{1, 8, []string{
			"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
			"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
			"6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
		}},
		{6, 8, []string{
			"0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
			"ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
			"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
		}},
		{2, 5, []string{
			"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
			"bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
		}},
		{6, 7, []string{
			"0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
			"b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
			"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
		}},
	}
)

func hexes(hashes []tlog.Hash) []string {
	var out []string
	for _, h := range hashes {
		out = append(out, hex.EncodeToString(h[:]))
	}
	return out
}

func TestVectors(t *testing.T) {
	s := newStream(0)
	for _, l := range vectorLeaves {
		raw, err := hex.DecodeString(l)
		require.NoError(t, err)
		s.append(raw)
	}
	r := run(t, s, file(t))
	r.reach(t, 8)
	for size, want := range vectorRoots {
		root, err := r.Root(uint64(size))
		require.NoError(t, err)
		require.Equal(t, want, hex.EncodeToString(root[:]), "size %d", size)
	}
	for _, v := range vectorInclusion {
		proof, err := r.Inclusion(v.seq, v.size)
		require.NoError(t, err)
		require.Equal(t, v.path, hexes(proof), "%d in %d", v.seq, v.size)
	}
	for _, v := range vectorConsistency {
		proof, err := r.Consistency(v.from, v.to)
		require.NoError(t, err)
		require.Equal(t, v.path, hexes(proof), "%d to %d", v.from, v.to)
	}
}

// An oracle is another implementation of the same tree.
type oracle struct{ *testonly.Tree }

func newOracle(raw ...[]byte) oracle {
	o := oracle{testonly.New(rfc6962.DefaultHasher)}
	o.AppendData(raw...)
	return o
}

func texts(hashes [][]byte) []string {
	var out []string
	for _, h := range hashes {
		out = append(out, hex.EncodeToString(h))
	}
	return out
}

// agree compares one root and one proof of each kind with the oracle's.
func (o oracle) agree(t *testing.T, r *running, seq, from, size uint64) {
	t.Helper()
	root, err := r.Root(size)
	require.NoError(t, err)
	require.Equal(t, o.HashAt(size), root[:], "root of %d", size)
	included, err := r.Inclusion(seq, size)
	require.NoError(t, err)
	want, err := o.InclusionProof(seq-1, size)
	require.NoError(t, err)
	require.Equal(t, texts(want), hexes(included), "%d in %d", seq, size)
	continued, err := r.Consistency(from, size)
	require.NoError(t, err)
	want, err = o.ConsistencyProof(from, size)
	require.NoError(t, err)
	require.Equal(t, texts(want), hexes(continued), "%d to %d", from, size)
}

// TestEverySize grows a tree event by event, and asks at each size for proofs in it
// and, as of then, in every earlier one.
func TestEverySize(t *testing.T) {
	const most = 400
	s, o := newStream(0), newOracle()
	r := run(t, s, file(t))
	random := rand.New(rand.NewPCG(1, most))
	for n := uint64(1); n <= most; n++ {
		s.append(event(n))
		o.AppendData(event(n))
		r.reach(t, n)
		head := r.Head()
		require.Equal(t, tlog.Tree{N: int64(n), Hash: tlog.Hash(o.Hash())}, head)
		for size := uint64(1); size <= n; size++ {
			if size < n && size%37 != n%37 {
				continue
			}
			o.agree(t, r, 1+random.Uint64N(size), 1+random.Uint64N(size), size)
		}
	}
	for seq := uint64(1); seq <= most; seq++ { // every place at one size
		o.agree(t, r, seq, seq, most)
	}
}

// TestRandomTrees grows a large tree in steps of many sizes.
func TestRandomTrees(t *testing.T) {
	most := 100_000
	if testing.Short() {
		most = 10_000
	}
	s, o := newStream(0), newOracle()
	r := run(t, s, file(t))
	random := rand.New(rand.NewPCG(2, 3))
	for n := 0; n < most; {
		step := 1 + random.IntN(1<<random.IntN(15))
		more := events(n, min(step, most-n))
		n += len(more)
		s.append(more...)
		o.AppendData(more...)
		r.reach(t, uint64(n))
		for range 20 {
			size := 1 + random.Uint64N(uint64(n))
			o.agree(t, r, 1+random.Uint64N(size), 1+random.Uint64N(size), size)
		}
	}
	require.NoError(t, r.Check(t.Context(), 1, uint64(most)))
}
