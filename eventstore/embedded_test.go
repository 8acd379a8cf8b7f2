package eventstore_test

import (
	"testing"

	"duban/eventstore"
	"duban/eventstore/storetest"
)

func TestEmbedded(t *testing.T) {
	storetest.Run(t, embedded)
}

func embedded(t *testing.T) storetest.Open {
	dir := t.TempDir()
	return func(change ...func(*eventstore.Config)) (*eventstore.Store, error) {
		cfg := storetest.Config()
		cfg.Dir = dir
		for _, f := range change {
			f(&cfg)
		}
		return eventstore.Open(t.Context(), cfg)
	}
}
