package eventstore

import "sync"

// A cache remembers at least the last n and at most 2n entries, or entries that
// weigh as much: what was not asked for during two generations is forgotten.
// Everything cached can be read again from the stream.
type cache[K comparable, V any] struct {
	n     int
	weigh func(V) int // nil: each weighs 1

	mu       sync.Mutex
	new, old map[K]V
	weight   int  // of new
	dropped  bool // something was forgotten since the start
}

func newCache[K comparable, V any](n int) *cache[K, V] {
	return &cache[K, V]{n: n, new: map[K]V{}, old: map[K]V{}}
}

func (c *cache[K, V]) get(k K) (V, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if v, ok := c.new[k]; ok {
		return v, true
	}
	v, ok := c.old[k]
	if ok {
		c.set(k, v)
	}
	return v, ok
}

func (c *cache[K, V]) put(k K, v V) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.set(k, v)
}

// putUnless remembers v unless what is remembered already is to be kept.
func (c *cache[K, V]) putUnless(k K, v V, keep func(V) bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	known, ok := c.new[k]
	if !ok {
		known, ok = c.old[k]
	}
	if !ok || !keep(known) {
		c.set(k, v)
	}
}

func (c *cache[K, V]) set(k K, v V) {
	c.forget(k)
	w := c.weightOf(v)
	if len(c.new) > 0 && c.weight+w > c.n {
		c.dropped = c.dropped || len(c.old) > 0
		c.old, c.new, c.weight = c.new, make(map[K]V, len(c.new)), 0
	}
	c.new[k] = v
	c.weight += w
}

// forget takes an entry out of the newer generation.
func (c *cache[K, V]) forget(k K) {
	if v, ok := c.new[k]; ok {
		delete(c.new, k)
		c.weight -= c.weightOf(v)
	}
}

func (c *cache[K, V]) weightOf(v V) int {
	if c.weigh == nil {
		return 1
	}
	return c.weigh(v)
}

func (c *cache[K, V]) remove(k K) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.forget(k)
	delete(c.old, k)
}

func (c *cache[K, V]) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.new, c.old, c.weight, c.dropped = map[K]V{}, map[K]V{}, 0, true
}

// complete reports whether nothing put was ever forgotten.
func (c *cache[K, V]) complete() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.dropped
}
