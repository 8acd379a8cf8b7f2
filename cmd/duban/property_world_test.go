package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"duban/domain"
	"duban/domain/directive"
	"duban/domain/office"
	"duban/domain/task"
	"duban/projections"
)

// What changes around the tasks of a random world.

// maxTasks bounds how many tasks a world watches after every step.
const maxTasks = 9

// discover adds the tasks that were docketed since.
func (w *world) discover(t *rapid.T) {
	v, err := w.model.At(t.Context(), projections.AsOf{})
	require.NoError(t, err)
	defer v.Close()
	w.caughtUp(t)
	all, err := v.OfDirective(t.Context(), domain.Ref{Kind: domain.KindDirective, ID: w.notice})
	require.NoError(t, err)
	for _, ref := range all.Tasks {
		if len(w.tasks) < maxTasks && !slices.Contains(w.tasks, ref.ID) {
			w.tasks = append(w.tasks, ref.ID)
		}
	}
}

func (w *world) directive(t *rapid.T) directive.State {
	agg, err := w.store.Load(t.Context(), domain.Ref{Kind: domain.KindDirective, ID: w.notice})
	require.NoError(t, err)
	return directive.Replay(agg.Events())
}

// amend changes a clause of the directive, seldom repeals it, and decides the open
// tasks, sometimes not all.
func (w *world) amend(t *rapid.T) {
	d := w.directive(t)
	number := rapid.IntRange(1, len(d.Clauses)).Draw(t, "clause")
	kind := rapid.SampledFrom([]string{"replaced", "replaced", "removed", "added"}).Draw(t, "change")
	change := body{"change": kind}
	if kind != "added" {
		change["number"] = number
	}
	if kind != "removed" {
		change["text"] = fmt.Sprintf("第%d种说法。", rapid.IntRange(1, 1000).Draw(t, "words"))
	}
	if kind == "added" && rapid.Bool().Draw(t, "docket") {
		change["offices"], change["docket"] = []body{{"name": "某处", "role": "lead", "office": rapid.SampledFrom(w.offices).Draw(t, "office")}}, true
	}
	fates := map[string][]string{"replaced": {"revised", "revised", "cancelled"}, "removed": {"cancelled"}, "added": {"cancelled"}}[kind]
	b, act := body{"by": "测试发〔2026〕99号", "changes": []body{change}}, "amend"
	repeal := rapid.IntRange(0, 11).Draw(t, "repeal") == 11
	if repeal {
		fates, kind = []string{"cancelled", "continues"}, "repealed"
		b, act = body{"by": "测试发〔2026〕100号"}, "repeal"
	}
	if rapid.IntRange(0, 9).Draw(t, "approved") > 0 {
		b["approval"] = body{"leader": "分管领导", "on": today, "words": "同意"}
	}
	b["decisions"] = w.decisions(t, fates, func(s task.State) bool { return repeal || kind != "added" && s.Number == number })
	if w.send(t, "directives/"+w.notice, act, w.proper(t, "remind", ""), b) {
		w.discover(t)
	}
}

func (w *world) decisions(t *rapid.T, fates []string, concerned func(task.State) bool) []body {
	decisions := []body{}
	v, err := w.model.At(t.Context(), projections.AsOf{})
	require.NoError(t, err)
	defer v.Close()
	w.caughtUp(t)
	all, err := v.OfDirective(t.Context(), domain.Ref{Kind: domain.KindDirective, ID: w.notice})
	require.NoError(t, err)
	for _, ref := range all.Tasks {
		agg, err := w.store.Load(t.Context(), ref)
		require.NoError(t, err)
		if s := task.Replay(agg.Events()); s.Open() && concerned(s) && rapid.IntRange(0, 9).Draw(t, "decided") > 0 {
			decisions = append(decisions, body{"task": ref.String(), "decision": rapid.SampledFrom(fates).Draw(t, "fate"), "reason": "见文件"})
		}
	}
	return decisions
}

// reorganise merges an office into another or a new one, or splits it.
func (w *world) reorganise(t *rapid.T) {
	from := rapid.SampledFrom(append(w.offices[:len(w.offices):len(w.offices)], w.gone...)).Draw(t, "from")
	fresh := func() string {
		name := fmt.Sprintf("新设%d处", len(w.tokens))
		ref := "office/" + w.post(t, "offices", body{"name": name, "type": "office"}).write(t).ID
		w.admit(t, "person-"+strconv.Itoa(len(w.tokens)), "office", ref)
		w.offices = append(w.offices, ref)
		return ref
	}
	act, b, stays := "merge", body{}, false
	switch n := rapid.IntRange(0, 3).Draw(t, "how"); {
	case n == 0 && len(w.offices) > 2:
		b["into"] = rapid.SampledFrom(w.offices).Draw(t, "into")
	case n < 3:
		b["into"] = fresh()
	default:
		into := []string{fresh(), fresh()}
		if stays = rapid.Bool().Draw(t, "stays"); stays {
			into[1] = from
		}
		act, b = "split", body{"into": into, "rest": into[0]}
	}
	if rapid.Bool().Draw(t, "approved") {
		b["approval"] = body{"leader": "分管领导", "on": today, "words": "同意"}
	}
	if w.send(t, "offices/"+strings.TrimPrefix(from, "office/"), act, w.proper(t, "remind", ""), b) && !stays {
		w.offices = slices.DeleteFunc(w.offices, func(o string) bool { return o == from })
		w.gone = append(w.gone, from)
	}
}

// checkWorld compares the directive and the offices with what the read model shows,
// and looks that no office that is no more has anything open.
func (w *world) checkWorld(t *rapid.T) {
	d := w.directive(t)
	var v projections.DirectiveView
	a := w.get(t, "/api/v1/directives/"+w.notice+"?min_seq="+strconv.FormatUint(w.store.Acked(), 10))
	require.Equal(t, http.StatusOK, a.status, string(a.body))
	require.NoError(t, json.Unmarshal(a.body, &v))
	require.Equal(t, map[directive.Status]string{directive.StatusIssued: "in_force", directive.StatusRepealed: "repealed"}[d.Status], v.Status)
	require.Len(t, v.Clauses, len(d.Clauses))
	for i, c := range d.Clauses {
		require.Equal(t, c.Text, v.Clauses[i].Text)
		require.Equal(t, d.Removed(c.Number), v.Clauses[i].Removed)
		require.Len(t, v.Clauses[i].Revisions, len(d.RevisionsOf(c.Number)))
	}
	for _, ref := range w.gone {
		id := strings.TrimPrefix(ref, "office/")
		agg, err := w.store.Load(t.Context(), domain.Ref{Kind: domain.KindOffice, ID: id})
		require.NoError(t, err)
		live := office.Replay(agg.Events())
		require.True(t, live.Gone())
		var o projections.OfficeView
		require.NoError(t, json.Unmarshal(w.get(t, "/api/v1/offices/"+id).body, &o))
		require.Equal(t, live.Heir.ID, o.Heir.ID)
	}
	for _, id := range w.tasks {
		agg, err := w.store.Load(t.Context(), domain.Ref{Kind: domain.KindTask, ID: id})
		require.NoError(t, err)
		s := task.Replay(agg.Events())
		for _, sh := range s.Shares {
			if s.Open() && sh.Status.Active() && sh.Status != task.ShareAccepted {
				require.NotContains(t, w.gone, sh.Office.String(), "an open share of an office that is no more")
			}
		}
	}
}
