package dossier

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"duban/domain"
	"duban/domain/ledger"
	"duban/domain/task"
)

// small is a dossier with one of every entry, in as few bytes as will do.
func small(t testing.TB) []byte {
	b := newBook(t)
	b.add("task/a", "2018-03-01 08:00", docketed())
	b.add("ledger/"+testOrg, "2018-12-31 23:59", &ledger.Opened{Software: "1", ConfigDigest: "sha256:00"})
	b.add("task/a", "2019-02-01 09:00", &task.Reminded{Particulars: domain.Particulars{Evidence: []domain.Evidence{b.put("来件")}}})
	b.add("task/a", "2019-03-01 09:00", &task.Completed{By: task.ClosingAllShares})
	b.add("ledger/"+testOrg, "2020-01-01 00:00", &ledger.Opened{Software: "1", ConfigDigest: "sha256:00"})
	b.signed = []Head{b.head(3)}
	require.Len(t, unzip(t, b.dossier(0)), 15)
	return b.forge(b.dossier(0), func(by map[string]*part, _ *Manifest) {
		by[pathReadme].bytes = []byte("README\n")
		check, err := encode(SelfCheck{Format: Format, Authenticity: []Check{{Name: "leaves", Count: 5, Passed: true}}})
		require.NoError(t, err)
		by[pathSelfCheck].bytes = check
	})
}

// flipped verifies d with each of these bits flipped and returns those that were not noticed.
func flipped(t *testing.T, d []byte, bits <-chan int) (missed []string) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			own := bytes.Clone(d)
			for bit := range bits {
				own[bit/8] ^= 1 << (bit % 8)
				r, err := Verify(t.Context(), bytes.NewReader(own), int64(len(own)), VerifyOptions{})
				own[bit/8] ^= 1 << (bit % 8)
				if err == nil || r.OK || r.Fault == nil {
					mu.Lock()
					missed = append(missed, fmt.Sprintf("byte %d bit %d: %v", bit/8, bit%8, err))
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	return missed
}

func TestEveryBitFlipIsFound(t *testing.T) {
	d := small(t)
	_, err := verify(t, d, VerifyOptions{})
	require.NoError(t, err)
	step := 1
	if testing.Short() || raceEnabled {
		step = 37 // no divisor of 8: every bit's place comes up
	}
	bits := make(chan int, 64)
	go func() {
		defer close(bits)
		for bit := 0; bit < 8*len(d); bit += step {
			bits <- bit
		}
	}()
	require.Empty(t, flipped(t, d, bits))
	t.Logf("%d bytes", len(d))
}

func TestRandomBitFlipsInALargeDossier(t *testing.T) {
	d := large(t, 300).dossier(0)
	_, err := verify(t, d, VerifyOptions{})
	require.NoError(t, err)
	n := 10_000
	if testing.Short() || raceEnabled {
		n = 200
	}
	random := rand.New(rand.NewPCG(1, 2))
	bits := make(chan int, 64)
	go func() {
		defer close(bits)
		for range n {
			bits <- random.IntN(8 * len(d))
		}
	}()
	require.Empty(t, flipped(t, d, bits))
	t.Logf("%d bytes", len(d))
}

// large is a ledger with n events in 2019, of n/10 tasks, and a few around it.
func large(t testing.TB, n int) *book {
	b := newBook(t)
	b.add("task/0", "2018-07-01 09:00", docketed())
	for i := range n {
		subject := fmt.Sprintf("task/%d", i%max(1, n/10))
		if b.heads[ref(subject)].Version == 0 {
			b.add(subject, "2019-07-01 09:00", docketed())
			continue
		}
		p := domain.Particulars{Note: "按月报送进展情况，正在推进搬迁改造计划的落实"}
		if i%100 == 99 {
			p.Evidence = []domain.Evidence{b.put(fmt.Sprint("证据", i))}
		}
		b.add(subject, "2019-07-01 09:00", &task.Reminded{Particulars: p, Words: "请于本月底前报送"})
	}
	b.add("task/0", "2020-07-01 09:00", &task.Reminded{Words: "次年"})
	return b
}
