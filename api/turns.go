package api

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"duban/domain"
)

// errCrowded: too many commands on one record wait for each other. Nothing was done.
var errCrowded = errors.New("同时办理同一条记录的请求过多，未作任何处理，请稍后用同一个 Idempotency-Key 重试 / too many commands on one record at once, nothing was done: try again later with the same idempotency key")

// crowd is how many commands on one record may be in work, all but one of them
// waiting: more would wait for seconds and fill the places of commands on other
// records.
const crowd = 16

// turns lets the commands on one record be carried out one after the other, in the
// order they came. Only one of them can win in any case: without turns the others
// load, decide and lose, again and again, and the more there are the more work each
// of them makes. What other nodes write is still met by the expectations.
type turns struct {
	wait    time.Duration // for a turn
	crowded prometheus.Counter

	mu      sync.Mutex
	records map[domain.Ref]*turn // of records with commands in work
}

// turnPatience is how many times Limits.Wait a command waits for its turn.
const turnPatience = 4

// A turn is had by who has put something into it.
type turn struct {
	had  chan struct{} // holds one
	many int           // have or await it; under turns.mu
}

// take waits for the turn on a record, for a bounded time. Whoever has it leaves.
func (t *turns) take(ctx context.Context, ref domain.Ref) (leave func(), err error) {
	r := t.join(ref)
	if r == nil {
		t.crowded.Inc()
		return nil, errCrowded
	}
	patience := time.NewTimer(t.wait)
	defer patience.Stop()
	select {
	case r.had <- struct{}{}:
		return func() {
			<-r.had
			t.part(ref, r)
		}, nil
	case <-patience.C:
		err = errCrowded
		t.crowded.Inc()
	case <-ctx.Done():
		err = ctx.Err()
	}
	t.part(ref, r)
	return nil, err
}

func (t *turns) join(ref domain.Ref) *turn {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := t.records[ref]
	if r == nil {
		r = &turn{had: make(chan struct{}, 1)}
		t.records[ref] = r
	}
	if r.many == crowd {
		return nil
	}
	r.many++
	return r
}

func (t *turns) part(ref domain.Ref, r *turn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if r.many--; r.many == 0 {
		delete(t.records, ref)
	}
}
