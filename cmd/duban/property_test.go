package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"duban/api"
	"duban/domain"
	"duban/domain/directive"
	"duban/domain/task"
	"duban/domain/vocabulary"
	"duban/eventstore"
	"duban/projections"
)

// A world is a small ledger that several people work on at random.
type world struct {
	*testNode
	codec   *eventstore.Codec
	tokens  map[string]string // by caller: clerk, reviewer, inspector, auditor and the offices
	offices []string          // office/ID, those that stand
	gone    []string          // office/ID, those that were merged away or split up
	tasks   []string          // ids
	notice  string            // id of the directive
	sha256  string            // of a piece of evidence
	done    []sent            // commands that were recorded
	counts  map[string]int
}

// sent is a command with what it was answered.
type sent struct {
	ask    ask
	answer answer
}

func newWorld(t *rapid.T, dir string) *world {
	codec, err := eventstore.NewCodec("test", vocabulary.Payloads())
	require.NoError(t, err)
	w := &world{testNode: openTestNode(t, dir, ""), codec: codec, tokens: map[string]string{}, counts: map[string]int{}}
	w.tokens["clerk"] = w.token
	w.notice = w.importSmall(t, "1").ID
	w.caughtUp(t)
	var tasks projections.Page[projections.TaskView]
	require.NoError(t, json.Unmarshal(w.get(t, "/api/v1/tasks").body, &tasks))
	for _, task := range tasks.Items {
		w.tasks = append(w.tasks, task.ID)
		for _, sh := range task.Shares {
			if ref := "office/" + sh.Office.ID; !slices.Contains(w.offices, ref) {
				w.offices = append(w.offices, ref)
			}
		}
	}
	require.Len(t, w.tasks, 4)
	require.Len(t, w.offices, 3)
	w.admit(t, "reviewer", "safety_office", "")
	w.admit(t, "inspector", "inspector", "")
	w.admit(t, "auditor", "auditor", "")
	for i, o := range w.offices {
		w.admit(t, fmt.Sprintf("chushi-%d", i), "office", o)
	}
	var ev domain.Evidence
	require.NoError(t, json.Unmarshal(w.do(t, ask{method: http.MethodPut, path: "/api/v1/evidence", media: "text/plain", body: []byte("证据")}).body, &ev))
	w.sha256 = ev.SHA256
	return w
}

// admit makes a token, which stands under the person's name or the office.
func (w *world) admit(t *rapid.T, person, role, office string) {
	var made api.TokenMade
	a := w.post(t, "tokens", body{"person": person, "role": role, "office": office})
	require.NoError(t, json.Unmarshal(a.body, &made))
	require.NotEmpty(t, made.Token, string(a.body))
	if office != "" {
		person = office
	}
	w.tokens[person] = made.Token
}

// view is a task as the read model shows it.
func (w *world) view(t *rapid.T, id string) projections.TaskView {
	var v projections.TaskView
	a := w.get(t, "/api/v1/tasks/"+id+"?min_seq="+strconv.FormatUint(w.store.Acked(), 10))
	require.Equal(t, http.StatusOK, a.status, string(a.body))
	require.NoError(t, json.Unmarshal(a.body, &v))
	return v
}

var acts = func() []string {
	var names []string
	for _, a := range task.Acts() {
		names = append(names, a.Name)
	}
	return names
}()

// body draws what a command might say about a task, often something sensible.
func (w *world) body(t *rapid.T, act, office string, v projections.TaskView) body {
	day := rapid.SampledFrom([]string{"2026-12-15", "2027-03-31", "2026-02-30"}).Draw(t, "day")
	other := rapid.SampledFrom(append(w.offices[:len(w.offices):len(w.offices)], w.gone...)).Draw(t, "other")
	task := "task/" + rapid.SampledFrom(w.tasks).Draw(t, "other task")
	approval := body{"leader": "分管领导", "on": today, "words": "同意"}
	b := body{}
	switch act {
	case "assign":
		b = body{"offices": []body{{"office": other, "role": "joint"}}}
	case "designate-lead", "acknowledge":
	case "decide-kind":
		b = body{"kind": rapid.SampledFrom([]string{"one_off", "standing"}).Draw(t, "kind"), "reason": "明确"}
	case "transfer", "absorb":
		b = body{"from": office, "to": other, "cause": "decision", "reason": "分工调整"}
	case "change-handler":
		b = body{"to": "person/wang-" + strconv.Itoa(rapid.IntRange(0, 9).Draw(t, "n"))}
	case "submit-plan":
		b = body{"responsible_person": "处长", "measures": []body{{"text": "摸底", "due": day}}}
	case "report":
		b = body{"condition": rapid.SampledFrom([]string{"not_started", "normal", "behind", "splendid"}).Draw(t, "condition"), "progress": "有进展"}
	case "state-deadline", "propose-deadline", "set-deadline":
		b = body{"date": day}
	case "request-extension", "grant-extension":
		b = body{"new_date": day, "reason": "工作量大"}
	case "request-closure":
		b = body{"summary": "已完成", "evidence": []body{{"sha256": w.sha256, "size": 6}}}
	case "complete":
		b = body{"by": "override", "reason": "领导决定"}
	case "attest":
		b = body{"period": "2026", "statement": "已履职"}
	case "reopen":
		b = body{"reason": "new_facts", "words": "新情况"}
	case "remind":
		b = body{"words": "请抓紧"}
	case "withdraw-evidence":
		b = body{"sha256": strings.Repeat("0", 64), "reason": "误传"}
	case "link":
		b = body{"to": task, "relation": rapid.SampledFrom([]string{"derived_from", "same_duty", "continues"}).Draw(t, "relation")}
	case "consolidate":
		b = body{"into": task, "reason": "内容重复"}
	case "decompose":
		part := body{"text": "一部分工作", "offices": []body{{"office": other, "role": "lead"}}}
		b = body{"children": [][]body{{part}, {part, part}, {{"task": task}}}[rapid.IntRange(0, 2).Draw(t, "parts")]}
	case "correct":
		b = w.correction(t, v.ID)
	default: // dispute, uphold, return, accept, suspend, resume, end, cancel, refuse-extension
		b = body{"reason": "理由"}
		if act == "accept" {
			b = body{"opinion": "同意"}
		}
	}
	if slices.Contains([]string{"grant-extension", "suspend", "complete", "end", "cancel", "reopen", "resume"}, act) && rapid.IntRange(0, 9).Draw(t, "approved") > 0 {
		b["approval"] = approval
	}
	return b
}

// correction takes back or changes one of the task's events.
func (w *world) correction(t *rapid.T, id string) body {
	agg, err := w.store.Load(t.Context(), domain.Ref{Kind: domain.KindTask, ID: id})
	require.NoError(t, err)
	target := rapid.SampledFrom(agg.Records).Draw(t, "target").ID
	if rapid.Bool().Draw(t, "void") {
		return body{"target": target, "mode": "void", "reason": "录入有误"}
	}
	return body{"target": target, "mode": "amend", "reason": "录入有误", "changes": body{"note": "补记"}}
}

// command sends one command: of anybody, or more often one that the read model
// says is allowed, by somebody who may.
func (w *world) command(t *rapid.T) {
	id := rapid.SampledFrom(w.tasks).Draw(t, "task")
	v := w.view(t, id)
	act, office := rapid.SampledFrom(acts).Draw(t, "act"), rapid.SampledFrom(w.offices).Draw(t, "office")
	caller := rapid.SampledFrom(append([]string{"clerk", "reviewer", "inspector", "auditor"}, w.offices...)).Draw(t, "caller")
	if len(v.Shares) > 0 && rapid.IntRange(0, 4).Draw(t, "likely") > 0 {
		sh := rapid.SampledFrom(v.Shares).Draw(t, "share")
		office = "office/" + sh.Office.ID
		if allowed := slices.Concat(sh.Allowed, v.Allowed); len(allowed) > 0 {
			act = rapid.SampledFrom(allowed).Draw(t, "allowed")
		}
		// What ends a task is let through now and then only.
		if slices.Contains([]string{"cancel", "end", "complete", "consolidate", "decompose"}, act) && rapid.IntRange(0, 3).Draw(t, "rare") > 0 {
			act = "report"
		}
		caller = w.proper(t, act, office)
	}
	b := w.body(t, act, office, v)
	i := slices.IndexFunc(task.Acts(), func(a domain.Act) bool { return a.Name == act })
	if _, of := task.Acts()[i].Ask.(interface{ ShareOffice() *domain.Ref }); of {
		b["office"] = office
	}
	if rapid.IntRange(0, 6).Draw(t, "late") == 0 {
		b["time"] = time.Now().Add(-48 * time.Hour).Format(time.RFC3339)
	}
	w.send(t, "tasks/"+id, act, caller, b)
	if act == "decompose" {
		w.discover(t)
	}
}

// send gives a command. A refused one leaves nothing; a recorded one may be sent
// again.
func (w *world) send(t *rapid.T, record, act, caller string, b body) bool {
	content, err := json.Marshal(b)
	require.NoError(t, err)
	q := ask{method: http.MethodPost, path: "/api/v1/" + record + "/" + act, media: "application/json", body: content, key: ulid.Make().String(), token: w.tokens[caller]}
	acked := w.store.Acked()
	a := w.do(t, q)
	w.counts[strconv.Itoa(a.status)+" "+act]++
	if a.status >= 300 {
		require.Less(t, a.status, 500, "%s: %s", act, a.body)
		require.Equal(t, acked, w.store.Acked(), "a refused command left something: %s %s", act, content)
		p := a.problem(t)
		require.NotEmpty(t, p.Detail)
		return false
	}
	recorded := a.write(t)
	require.Equal(t, recorded.Sequence, w.store.Acked())
	require.GreaterOrEqual(t, recorded.Sequence, acked+uint64(len(recorded.Events)))
	w.done = append(w.done, sent{q, a})
	return true
}

func (w *world) proper(t *rapid.T, act, office string) string {
	i := slices.IndexFunc(task.Acts(), func(a domain.Act) bool { return a.Name == act })
	if i >= 0 && !slices.Contains(task.Acts()[i].By, domain.RoleSafetyOffice) {
		return office
	}
	return rapid.SampledFrom([]string{"clerk", "reviewer"}).Draw(t, "who")
}

// retry repeats a recorded command: the same answer, nothing new. With another
// body under the same key it is refused.
func (w *world) retry(t *rapid.T) {
	if len(w.done) == 0 {
		return
	}
	s := rapid.SampledFrom(w.done).Draw(t, "again")
	acked := w.store.Acked()
	again := w.do(t, s.ask)
	if slices.ContainsFunc(w.gone, func(o string) bool { return w.tokens[o] == s.ask.token }) {
		require.Equal(t, http.StatusForbidden, again.status, "an office that is no more asks again")
		return
	}
	require.Equal(t, "true", again.header.Get("Idempotent-Replayed"), string(again.body))
	require.Equal(t, s.answer.status, again.status)
	require.Equal(t, string(s.answer.body), string(again.body))
	require.Equal(t, s.answer.header.Get("ETag"), again.header.Get("ETag"))
	s.ask.body = append([]byte(`{"note":"另一个请求",`), s.ask.body[1:]...)
	require.Equal(t, http.StatusUnprocessableEntity, w.do(t, s.ask).status, "the key with another body")
	require.Equal(t, acked, w.store.Acked())
}

func (w *world) restart(t *rapid.T) {
	w.stop()
	if rapid.Bool().Draw(t, "without read model") {
		require.NoError(t, os.RemoveAll(filepath.Join(w.dir, "readmodel")))
	}
	w.testNode = openTestNode(t, w.dir, w.token)
}

// check compares a task three ways: the stream's fold, the fold of the trail's
// bytes, and what the read model shows.
func (w *world) check(t *rapid.T, id string) {
	agg, err := w.store.Load(t.Context(), domain.Ref{Kind: domain.KindTask, ID: id})
	require.NoError(t, err)
	live := task.Replay(agg.Events())
	v := w.view(t, id)

	var h api.HistoryView
	require.NoError(t, json.Unmarshal(w.get(t, "/api/v1/tasks/"+id+"/history").body, &h))
	var events []domain.Event
	for i, e := range h.Events {
		r, err := w.codec.Decode(e.Sequence, []byte(e.Raw))
		require.NoError(t, err)
		require.Equal(t, uint64(i)+1, r.Version)
		events = append(events, r.Event)
	}
	require.Equal(t, live, task.Replay(events), "the stream and the trail")
	require.NoError(t, task.CheckHistory(agg.Events()), "a history that could have happened")

	require.Equal(t, agg.Head.Version, v.Version)
	require.Equal(t, agg.Head.Seq, v.Sequence)
	require.Equal(t, live.Status().String(), v.Status)
	require.Equal(t, live.Into.ID, v.Consolidated)
	require.Len(t, v.Children, len(live.Children))
	require.Len(t, v.Links, len(live.Links))
	require.Len(t, v.Revisions, len(live.Revisions))
	require.Equal(t, live.TextSHA256, v.TextSHA256)
	require.Equal(t, live.TextSHA256, directive.TextHash(v.Text), "it shows the words it was made of")
	var shown, want []string
	for _, sh := range v.Shares {
		shown = append(shown, fmt.Sprintln(sh.Office.ID, sh.Role, sh.Status, sh.Suspended, sh.Returns, sh.Since.UTC(), deadlineText(sh.Deadline)))
	}
	for _, sh := range live.Shares {
		deadline := ""
		if d, ok := live.Governing(sh.Office); ok {
			deadline = string(d.Date) + d.Words
		}
		want = append(want, fmt.Sprintln(sh.Office.ID, sh.Role, sh.Status, sh.Suspended.Done(), sh.Returns, sh.Since.Time.UTC(), deadline))
	}
	require.Equal(t, want, shown, "the stream and the read model")
}

func deadlineText(d *projections.DeadlineView) string {
	if d == nil {
		return ""
	}
	return string(d.Date) + d.Words
}

// TestLiveReplayAndReadModelAgree: whatever legal and illegal commands, retries
// and restarts come, the three ways to know a task agree.
func TestLiveReplayAndReadModelAgree(t *testing.T) {
	if testing.Short() {
		t.Skip("one client, one request after the other")
	}
	counts := map[string]int{}
	run := 0
	root := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		run++
		w := newWorld(rt, filepath.Join(root, strconv.Itoa(run)))
		w.counts = counts
		defer func() { w.stop() }()
		for range rapid.IntRange(25, 50).Draw(rt, "steps") {
			switch n := rapid.IntRange(0, 39).Draw(rt, "step"); { // small numbers are drawn most
			case n < 20:
				w.command(rt)
			case n < 24:
				w.amend(rt)
			case n < 29:
				w.reorganise(rt)
			case n < 38:
				w.retry(rt)
			default:
				w.restart(rt)
				counts["restart"]++
			}
			for _, id := range w.tasks {
				w.check(rt, id)
			}
			w.checkWorld(rt)
		}
		require.NoError(rt, w.model.Verify(rt.Context()))
	})
	recorded := 0
	for what, n := range counts {
		if strings.HasPrefix(what, "200 ") {
			recorded += n
		}
	}
	t.Logf("%d runs, %d commands recorded: %v", run, recorded, counts)
	require.Greater(t, recorded, 8*run, "commands that do nothing test nothing")
}
