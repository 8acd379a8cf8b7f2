package eventstore

import "sync"

// A cache remembers at least the last n and at most 2n entries: what was not asked
// for during two generations is forgotten.
// Everything cached can be read again from the stream.
type cache[K comparable, V any] struct {
	n int

	mu       sync.Mutex
	new, old map[K]V
	dropped  bool // something was forgotten since the start
	clears   int
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

// since is where putUnless's reader begins.
func (c *cache[K, V]) since() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.clears
}

// putUnless remembers v unless what is remembered already is to be kept, or everything
// was forgotten since v began to be read.
func (c *cache[K, V]) putUnless(k K, v V, since int, keep func(V) bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.clears != since {
		return
	}
	known, ok := c.new[k]
	if !ok {
		known, ok = c.old[k]
	}
	if !ok || !keep(known) {
		c.set(k, v)
	}
}

func (c *cache[K, V]) set(k K, v V) {
	if _, ok := c.new[k]; !ok && len(c.new) == c.n {
		c.dropped = c.dropped || len(c.old) > 0
		c.old, c.new = c.new, make(map[K]V, len(c.new))
	}
	c.new[k] = v
}

func (c *cache[K, V]) remove(k K) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.new, k)
	delete(c.old, k)
}

func (c *cache[K, V]) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.new, c.old, c.dropped = map[K]V{}, map[K]V{}, true
	c.clears++
}

// complete reports whether nothing put was ever forgotten.
func (c *cache[K, V]) complete() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.dropped
}
