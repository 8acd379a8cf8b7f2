package dossier

import (
	"bytes"
	"fmt"
	"iter"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
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
		check, err := Encode(SelfCheck{Format: Format, Authenticity: []Check{{Name: "leaves", Count: 5, Passed: true}}})
		require.NoError(t, err)
		by[pathSelfCheck].bytes = check
	})
}

// A flipper verifies a dossier with one bit flipped. Steps that read nothing of what
// is flipped do as they did with the good dossier: it begins at the first step that
// reads the byte, from where that step began then.
type flipper struct {
	file  []byte
	first []int      // by byte: the first step that reads it
	at    []verifier // by step: as the steps before it left it
	step  int        // under way
}

// ReadAt notes which bytes a step reads.
func (f *flipper) ReadAt(p []byte, off int64) (int, error) {
	n, err := bytes.NewReader(f.file).ReadAt(p, off)
	for i := range n {
		if at := int(off) + i; f.first[at] < 0 {
			f.first[at] = f.step
		}
	}
	return n, err
}

func newFlipper(t *testing.T, d []byte) *flipper {
	f := &flipper{file: bytes.Clone(d), first: slices.Repeat([]int{-1}, len(d))}
	v := newVerifier(t.Context(), int64(len(d)), VerifyOptions{})
	for i, step := range v.steps(f) {
		f.step = i
		f.at = append(f.at, *v)
		if err := step(); err != nil {
			t.Errorf("step %d: %v", i, err)
		}
	}
	for at, step := range f.first {
		if step < 0 {
			t.Fatalf("nobody reads byte %d", at)
		}
	}
	return f
}

// try returns what verification says of the dossier with that bit flipped.
func (f *flipper) try(bit int) error {
	f.file[bit/8] ^= 1 << (bit % 8)
	defer func() { f.file[bit/8] ^= 1 << (bit % 8) }()
	begin := f.first[bit/8]
	v := f.at[begin]
	for _, step := range v.steps(f)[begin:] {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// whole is try with all steps.
func (f *flipper) whole(t *testing.T, bit int) error {
	f.file[bit/8] ^= 1 << (bit % 8)
	defer func() { f.file[bit/8] ^= 1 << (bit % 8) }()
	r, err := Verify(t.Context(), bytes.NewReader(f.file), int64(len(f.file)), VerifyOptions{})
	if r.OK || r.Fault == nil {
		return nil
	}
	return err
}

// everyWhole is of how many flips one is verified whole too.
const everyWhole = 61

// flipped verifies d with each of these bits flipped and returns those that were not noticed.
func flipped(t *testing.T, d []byte, bits iter.Seq[int]) (missed []string) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	miss := func(bit int, how string) {
		mu.Lock()
		defer mu.Unlock()
		missed = append(missed, fmt.Sprintf("byte %d bit %d: %s", bit/8, bit%8, how))
	}
	queue := make(chan []int, 64)
	for range runtime.GOMAXPROCS(0) {
		f := newFlipper(t, d)
		wg.Go(func() {
			for some := range queue {
				for _, bit := range some {
					if f.try(bit) == nil {
						miss(bit, "not noticed")
					}
				}
				if f.whole(t, some[0]) == nil {
					miss(some[0], "not noticed by all steps")
				}
			}
		})
	}
	var some []int
	for bit := range bits {
		if some = append(some, bit); len(some) == everyWhole {
			queue <- some
			some = nil
		}
	}
	if len(some) > 0 {
		queue <- some
	}
	close(queue)
	wg.Wait()
	return missed
}

func TestEveryBitFlipIsFound(t *testing.T) {
	t.Parallel()
	d := small(t)
	_, err := verify(t, d, VerifyOptions{})
	require.NoError(t, err)
	step := 1
	if testing.Short() || raceEnabled {
		step = 37 // no divisor of 8: every bit's place comes up
	}
	require.Empty(t, flipped(t, d, func(yield func(int) bool) {
		for bit := 0; bit < 8*len(d) && yield(bit); bit += step {
		}
	}))
	t.Logf("%d bytes", len(d))
}

func TestRandomBitFlipsInALargeDossier(t *testing.T) {
	t.Parallel()
	d := wide(t).dossier(0)
	r, err := verify(t, d, VerifyOptions{})
	require.NoError(t, err)
	require.EqualValues(t, 3, r.Counts.Tiles, "two tiles of leaves and one above them")
	n := 10_000
	if testing.Short() || raceEnabled {
		n = 200
	}
	random := rand.New(rand.NewPCG(1, 2))
	require.Empty(t, flipped(t, d, func(yield func(int) bool) {
		for i := 0; i < n && yield(random.IntN(8*len(d))); i++ {
		}
	}))
	t.Logf("%d bytes", len(d))
}

// wide is a ledger whose tree has more than one tile, most of whose events are of
// tasks that ended before 2019 and so stand in no dossier, with a long file.
func wide(t testing.TB) *book {
	b := newBook(t)
	for i := range 20 {
		subject := fmt.Sprintf("task/old-%d", i)
		b.add(subject, "2018-07-01 09:00", docketed())
		for range 10 {
			b.add(subject, "2018-07-01 09:00", &task.Reminded{Words: "催办"})
		}
		b.add(subject, "2018-07-01 09:00", &task.Completed{By: task.ClosingAllShares})
	}
	b.add("task/new", "2019-07-01 09:00", docketed())
	for i := range 40 {
		b.add("task/new", "2019-07-01 09:00", &task.Reminded{Words: fmt.Sprint("第", i, "次催办")})
	}
	scan := b.put(strings.Repeat("扫描件\n", 6000))
	b.add("task/new", "2019-07-01 09:00", &task.Reminded{Particulars: domain.Particulars{Evidence: []domain.Evidence{scan}}})
	b.add("task/new", "2020-07-01 09:00", &task.Reminded{Words: "次年"})
	b.signed = []Head{b.head(200), b.head(270)}
	return b
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
