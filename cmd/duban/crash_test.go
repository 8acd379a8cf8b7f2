package main

import (
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// rounds is how often the process is killed. The detector of races, which runs the
// short tests, sees nothing of a process that is killed.
func rounds() int {
	if testing.Short() {
		return 5
	}
	return 50
}

// TestKilledWhileWriting: law 2 and the promise of idempotency, over 50 kills. The
// same with many writers, and hundreds of kills, is part of make torture.
func TestKilledWhileWriting(t *testing.T) {
	k := newKilling(t, 1, uint64(time.Now().UnixNano()))
	for range rounds() {
		k.round(load{writers: 4, enough: 1 + k.deeds.random.IntN(24)})
	}
	k.end()
}

// A killing is a server killed again and again, and what it told its clients.
type killing struct {
	*victim
	book             *book
	deeds            deeds
	unsure, recorded int
	first            int // notices imported before the first kill
}

// newKilling starts a server on an empty folder, with the tasks of so many notices.
func newKilling(t *testing.T, notices int, seed uint64) *killing {
	t.Helper()
	t.Logf("seed %d", seed)
	v := &victim{t: t, binary: buildBinary(t), dir: t.TempDir()}
	t.Cleanup(v.leave)
	v.start()
	var made atomic.Int64
	random := rand.New(rand.NewPCG(seed, 1))
	tasks, _ := v.importTasks(&made, notices)
	return &killing{victim: v, book: newBook(), first: notices, deeds: deeds{random, &made, tasks}}
}

// round kills the server under load, starts it again, and compares what it says to
// the same commands with what it said before.
func (k *killing) round(l load) {
	k.t.Helper()
	done := k.write(l, k.deeds, func() {
		// A moment of random length, so that the kill falls anywhere in a write.
		<-time.After(time.Duration(k.deeds.random.IntN(20_000)) * time.Microsecond)
		k.kill()
	})
	k.start()
	unsure, recorded := k.book.answeredTwice(k.victim, done, k.repeat(done))
	k.unsure, k.recorded = k.unsure+unsure, k.recorded+recorded
	k.book.read(k.victim)
}

// end checks what can be checked once.
func (k *killing) end() {
	k.t.Helper()
	k.t.Logf("%d commands, %d of them without an answer when the server was killed, of which %d had been recorded; %d events, %d of them of transactions that a kill cut off",
		len(k.book.answers), k.unsure, k.recorded, k.book.last(), k.book.voided)
	require.Positive(k.t, k.unsure, "no kill hit a command")
	k.book.compare(k.t)
	assert.Equal(k.t, k.book.notices()+k.first, k.book.issued)
	k.checkImports(k.book)
	k.agreed()
	k.healthy(k.book.last())
	k.stop()
}
