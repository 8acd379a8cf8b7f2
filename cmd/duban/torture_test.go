//go:build torture && linux

package main

import (
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// tortureCount is how often something is done, from the environment.
func tortureCount(t *testing.T, name string, otherwise int) int {
	t.Helper()
	s, set := os.LookupEnv(name)
	if !set {
		return otherwise
	}
	n, err := strconv.Atoi(s)
	require.NoError(t, err, name)
	return n
}

// tortureSeed makes a run's choices repeatable, as far as the load is.
func tortureSeed(t *testing.T) uint64 {
	t.Helper()
	seed := uint64(tortureCount(t, "DUBAN_TORTURE_SEED", int(time.Now().UnixNano())))
	t.Logf("DUBAN_TORTURE_SEED=%d", seed)
	return seed
}

// TestTortureKills: the process is killed while many write at a time, so that
// commands share a commit, and commands of much earlier lives are sent again.
func TestTortureKills(t *testing.T) {
	t.Parallel()
	seed, count := tortureSeed(t), tortureCount(t, "DUBAN_TORTURE_KILLS", 300)
	const ledgers = 2
	for i := range ledgers {
		t.Run("ledger "+strconv.Itoa(i), func(t *testing.T) {
			t.Parallel()
			k := newKilling(t, 12, seed+uint64(i))
			for n := range count / ledgers {
				k.round(load{writers: 32 + k.deeds.random.IntN(33), enough: 1 + k.deeds.random.IntN(160)})
				k.repeatOld(12)
				k.agreed()
				if n%50 == 49 {
					k.book.compare(t)
					k.checkImports(k.book)
					k.healthy(k.book.last())
				}
			}
			t.Logf("%d kills", count/ledgers)
			k.end()
		})
	}
}

// repeatOld sends commands of any earlier round again.
func (k *killing) repeatOld(n int) {
	k.t.Helper()
	var old []*deed
	for range n {
		old = append(old, k.book.deeds[k.deeds.random.IntN(len(k.book.deeds))])
	}
	k.book.answeredTwice(k.victim, old, k.repeat(old))
}
