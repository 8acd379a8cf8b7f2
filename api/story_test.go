package api_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// today is fixed, so that lights stay what they were.
const today = "today=2020-03-31"

// A story is one shared task and one major finding through all side ways. After
// every step it remembers what the API answered.
type story struct {
	*node
	people  map[string]string // token by person
	offices map[string]string
	task    string // path
	finding string // path, once recorded
	steps   []remembered
}

type remembered struct {
	name                         string
	seq                          uint64
	task, history, finding, list string
}

func newStory(t *testing.T) *story {
	n := start(t)
	im := n.importNotice(shortNotice)
	s := &story{node: n, offices: im.offices, task: "tasks/" + im.tasks[1], people: map[string]string{"operator": n.token}}
	for _, p := range [][3]string{
		{"fuhe", "safety_office", ""}, {"jiancha-a", "inspector", ""}, {"jiancha-b", "inspector", ""},
		{"huagong", "office", im.offices["化工处"]}, {"jigai", "office", im.offices["技术改造处"]}, {"xinxi", "office", im.offices["信息中心"]},
	} {
		s.people[p[0]] = n.member(p[0], p[1], p[2])
	}
	s.remember("import")
	return s
}

// tell sends one command a person gives, an hour after the last.
func (s *story) tell(who, act string, b body) []string {
	s.t.Helper()
	s.clock.pass()
	w := s.act(s.people[who], act, b)
	s.remember(who + " " + act)
	var types []string
	for _, e := range w.Events {
		types = append(types, e.Type)
	}
	return types
}

// refused sends a command that the rules refuse; nothing is appended.
func (s *story) refused(who, act string, b body, status int, rule string) {
	s.t.Helper()
	s.unchanged(func() {
		p := s.post(s.people[who], act, b).problem(status)
		assert.Equal(s.t, rule, p.Rule, p.Detail)
	})
}

// timeless returns a list's items and total, without the cutoff, which says at
// which sequence it was asked.
func timeless(_ testing.TB, a answer) string {
	var page struct {
		Items json.RawMessage `json:"items"`
		Total int             `json:"total"`
	}
	a.want(http.StatusOK).into(&page)
	return strconv.Itoa(page.Total) + string(page.Items)
}

func (s *story) look(name string, seq uint64, cut string) remembered {
	s.t.Helper()
	q := "?" + today + cut
	r := remembered{name: name, seq: seq, list: timeless(s.t, s.get("tasks"+q)), finding: timeless(s.t, s.get("findings"+q))}
	r.task = string(s.get(s.task + q).want(http.StatusOK).body)
	r.history = string(s.get(s.task + "/history" + q).want(http.StatusOK).body)
	if s.finding != "" {
		a := s.get(s.finding + q)
		r.finding += strconv.Itoa(a.status)
		if a.status == http.StatusOK {
			r.finding += string(a.body)
		}
	} else {
		r.finding += strconv.Itoa(http.StatusNotFound)
	}
	return r
}

func (s *story) remember(name string) {
	s.t.Helper()
	seq := s.store.Acked()
	now := s.look(name, seq, "&min_seq="+strconv.FormatUint(seq, 10))
	if len(s.steps) > 0 {
		last := s.steps[len(s.steps)-1]
		require.NotEqual(s.t, last.history+last.finding, now.history+now.finding, "%s shows nowhere", name)
	}
	s.steps = append(s.steps, now)
}

// recall checks that the ledger knows of every step what was answered then.
func (s *story) recall() {
	s.t.Helper()
	for _, then := range s.steps {
		now := s.look(then.name, then.seq, "&known_at="+strconv.FormatUint(then.seq, 10))
		require.Equal(s.t, then, now, "known at %d, after %q", then.seq, then.name)
	}
}

func approved(words string) body {
	return body{"leader": "分管厅领导", "on": "2019-06-27", "words": words}
}

func TestWholeLife(t *testing.T) {
	if testing.Short() {
		t.Skip("one client, one request after the other")
	}
	s := newStory(t)
	s.share()
	s.hazard()
	s.closing()
	s.settling()
	s.recall()

	// Stopped, without its read model, and started again: the same answers.
	live := s.look("end", 0, "")
	summary := s.get("summary?" + today).want(http.StatusOK)
	s.close()
	require.NoError(t, os.RemoveAll(filepath.Join(s.dir, "readmodel")))
	s.open()
	s.get(s.caughtUp("me")).want(http.StatusUnprocessableEntity) // no such parameter there
	s.get(s.caughtUp("summary")).want(http.StatusOK)
	require.Equal(t, live, s.look("end", 0, ""))
	assert.Equal(t, figures(t, summary), figures(t, s.get("summary?"+today)))
	s.recall()
}

func figures(t testing.TB, a answer) map[string]any {
	var m map[string]any
	a.want(http.StatusOK).into(&m)
	delete(m, "as_of")
	require.NotEmpty(t, m)
	return m
}
