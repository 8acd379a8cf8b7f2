package main

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"duban/api"
	"duban/projections"
)

// A book is what the test knows of the ledger: what it was told, and what it
// read from the stream of events.
type book struct {
	answers map[string]api.WriteResult // by key
	deeds   []*deed                    // every one that was answered
	raw     []string                   // bytes of each event, in order
	ids     map[string]uint64          // sequence by event id
	issued  int                        // directives that count
	voided  int                        // events of transactions that were cut off
	open    string                     // transaction that is being read
	index   int
}

func newBook() *book {
	return &book{answers: map[string]api.WriteResult{}, ids: map[string]uint64{}}
}

func (b *book) last() uint64 { return uint64(len(b.raw)) }

func (b *book) note(t *testing.T, d *deed) {
	t.Helper()
	if _, known := b.answers[d.key]; !known {
		b.deeds = append(b.deeds, d)
	}
	b.answers[d.key] = d.answer.write(t)
}

// read goes on reading the events: every sequence once, every id once, and every
// transaction whole, or marked as without effect.
func (b *book) read(v *victim) {
	v.t.Helper()
	target := b.last()
	for _, w := range b.answers {
		target = max(target, w.Sequence)
	}
	for {
		var page api.EventsView
		v.getJSON(fmt.Sprintf("events?after=%d&limit=1000&min_seq=%d", b.last(), target), &page)
		if len(page.Events) == 0 {
			break
		}
		for _, e := range page.Events {
			b.add(v.t, e)
		}
	}
	require.Zero(v.t, b.index, "half a transaction at the end")
	require.GreaterOrEqual(v.t, b.last(), target)
}

func (b *book) add(t *testing.T, e projections.TrailEntry) {
	t.Helper()
	b.raw = append(b.raw, e.Raw)
	require.Equal(t, b.last(), e.Sequence)
	var tx struct {
		ID    string `json:"txid"`
		Index int    `json:"txindex"`
		Count int    `json:"txcount"`
	}
	require.NoError(t, json.Unmarshal(e.Event, &tx))
	if e.Voided {
		require.Zero(t, b.index, "a transaction has effect in part, before sequence %d", e.Sequence)
		b.voided++
		return
	}
	require.Zero(t, b.ids[e.ID], "event %s stands twice", e.ID)
	b.ids[e.ID] = e.Sequence
	if e.Type == "duban.directive.issued.v1" {
		b.issued++
	}
	if tx.ID != b.open {
		require.Zero(t, b.index, "half a transaction before sequence %d", e.Sequence)
		b.open = tx.ID
	}
	if tx.ID != "" {
		b.index++
		require.Equal(t, b.index, tx.Index)
		if tx.Index == tx.Count {
			b.open, b.index = "", 0
		}
	}
}

// compare looks up every acknowledged event where its answer said it stands.
func (b *book) compare(t *testing.T) {
	t.Helper()
	for key, w := range b.answers {
		require.NotEmpty(t, w.Events)
		for _, e := range w.Events {
			require.Equal(t, e.Sequence, b.ids[e.ID], "command %s: event %s", key, e.ID)
		}
	}
}

// notices counts the answered commands that imported one.
func (b *book) notices() int {
	return len(slices.DeleteFunc(slices.Clone(b.deeds), func(d *deed) bool { return d.path != "directives" }))
}

// checkImports: every notice of the stream is shown, once, with all its tasks.
func (v *victim) checkImports(b *book) {
	v.t.Helper()
	seen, cursor := 0, ""
	for {
		var d projections.Page[projections.DirectiveView]
		v.getJSON("directives?limit=500&min_seq="+strconv.FormatUint(b.last(), 10)+"&cursor="+url.QueryEscape(cursor), &d)
		assert.Equal(v.t, b.issued, d.Total)
		for _, item := range d.Items {
			assert.Equal(v.t, 4, item.TaskCount, item.DocumentNumber)
			assert.Equal(v.t, 5, item.ShareCount, item.DocumentNumber)
		}
		seen += len(d.Items)
		if cursor = d.Next; cursor == "" {
			break
		}
	}
	assert.Equal(v.t, b.issued, seen)
}

// answeredTwice checks that commands sent again were answered as at first, and
// returns how many had no answer then, and how many of those had been recorded.
func (b *book) answeredTwice(v *victim, done, again []*deed) (unsure, recorded int) {
	v.t.Helper()
	for i, a := range again {
		d := done[i]
		require.True(v.t, a.acknowledged, "the retry of %s was answered %d %s %s", d.path, a.answer.status, a.answer.body, v.log.String())
		replayed := a.answer.header.Get("Idempotent-Replayed") == "true"
		if d.acknowledged {
			require.True(v.t, replayed, "acknowledged and lost: %s %s", d.path, d.answer.body)
			require.Equal(v.t, string(d.answer.body), string(a.answer.body))
		} else {
			unsure++
			if replayed {
				recorded++
			}
		}
		b.note(v.t, a)
	}
	return unsure, recorded
}
