package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"unicode"

	"github.com/oklog/ulid/v2"

	"duban/domain/calendar"
	"duban/domain/task"
	"duban/projections"
)

// targets are what a load asks for and writes to, as the server told at the start.
type targets struct {
	tasks   []string // ids
	offices []string // ids
	words   []string // to search for
	today   calendar.Date

	open   []string // tasks at work
	date   []dateTarget
	report []shareTarget
	sign   []shareTarget // each can be signed for once
}

type shareTarget struct{ task, office string }

// A dateTarget is a task and a deadline it can be given: that which it has, for a
// later one could be refused, or any.
type dateTarget struct {
	task string
	date calendar.Date
}

// loadTasks bounds how many tasks are looked up: enough that writers seldom meet.
const loadTasks = 5000

func loadTargets(ctx context.Context, c *client, writes bool) (*targets, error) {
	t := &targets{}
	for cursor := ""; len(t.tasks) < loadTasks; {
		var page projections.Page[projections.TaskView]
		if err := c.get(ctx, "tasks", url.Values{"limit": {"500"}, "cursor": {cursor}}, &page); err != nil {
			return nil, err
		}
		t.today = page.Cutoff.Today
		for _, v := range page.Items {
			t.take(v)
		}
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	var offices projections.Page[projections.OfficeView]
	if err := c.get(ctx, "offices", url.Values{"limit": {"100"}}, &offices); err != nil {
		return nil, err
	}
	for _, o := range offices.Items {
		t.offices = append(t.offices, o.ID)
	}
	switch {
	case len(t.tasks) == 0 || len(t.words) == 0 || len(t.offices) == 0:
		return nil, errors.New("账本里没有任务，无从测试：先用 duban import 登记一份通知，或 make run 运行样例 / the ledger has no tasks to ask for: import a notice first (duban import), or run the sample (make run)")
	case writes && len(t.report) == 0:
		return nil, errors.New("没有在办任务可写；只读用 --reads 100 / there is no open task to write to; --reads 100 only reads")
	}
	return t, nil
}

// take notes what may be asked of a task and done to it.
func (t *targets) take(v projections.TaskView) {
	t.tasks = append(t.tasks, v.ID)
	if w := searchWord(v.Text, len(t.tasks)); w != "" {
		t.words = append(t.words, w)
	}
	// A recurring task's report names a period, and a task that rests answers to
	// nothing but its resumption.
	if len(v.Schedule) > 0 || !slices.Contains(atWork(), v.Status) {
		return
	}
	t.open = append(t.open, v.ID)
	switch {
	case v.Deadline == nil:
		t.date = append(t.date, dateTarget{v.ID, t.today.AddDays(30)})
	case v.Deadline.Date >= t.today:
		t.date = append(t.date, dateTarget{v.ID, v.Deadline.Date})
	}
	for _, s := range v.Shares {
		if s.Suspended || !slices.Contains(atWork(), s.Status) {
			continue
		}
		at := shareTarget{v.ID, "office/" + s.Office.ID}
		t.report = append(t.report, at)
		if s.Status == task.ShareAssigned.String() {
			t.sign = append(t.sign, at)
		}
	}
}

// atWork are the statuses of shares, and so of tasks, in which an office may report.
func atWork() []string {
	return []string{task.ShareAssigned.String(), task.ShareAcknowledged.String(), task.ShareInProgress.String()}
}

// searchWord takes one to three characters that stand side by side in a text.
func searchWord(text string, n int) string {
	runes := []rune(text)
	for i := range runes {
		at := (i + n*7) % len(runes)
		length := 1 + n%3
		if at+length <= len(runes) && !slices.ContainsFunc(runes[at:at+length], func(r rune) bool { return !unicode.Is(unicode.Han, r) }) {
			return string(runes[at : at+length])
		}
	}
	return ""
}

// A shot is one request of the load.
type shot struct {
	route string // as it is reported
	write bool
	request
}

// A mix draws requests at random; it belongs to one goroutine.
type mix struct {
	*targets
	reads  int // per cent
	random *rand.Rand
	n      int
}

func pick[T any](m *mix, from []T) T { return from[m.random.IntN(len(from))] }

// next returns a request. The shares are those of an office's day: mostly lists and
// the tasks in them, mostly reports.
func (m *mix) next() (shot, error) {
	m.n++
	if m.random.IntN(100) < m.reads {
		return m.read(), nil
	}
	return m.write()
}

func (m *mix) read() shot {
	get := func(route, path string, query url.Values) shot {
		return shot{route: "GET " + route, request: request{method: http.MethodGet, path: path, query: query}}
	}
	switch p := m.random.IntN(100); {
	case p < 30:
		q := url.Values{"sort": {pick(m, []string{"number", "deadline", "updated", "light", "status"})}, "limit": {"50"}}
		switch m.random.IntN(3) {
		case 0:
			q.Set("office", pick(m, m.offices))
		case 1:
			q.Set("light", pick(m, []string{"overdue", "due_soon", "unsigned", "normal"}))
		}
		return get("tasks", "tasks", q)
	case p < 55:
		return get("tasks/{id}", "tasks/"+pick(m, m.tasks), nil)
	case p < 70:
		return get("tasks/{id}/history", "tasks/"+pick(m, m.tasks)+"/history", nil)
	case p < 85:
		return get("tasks?q", "tasks", url.Values{"q": {pick(m, m.words)}, "limit": {"50"}})
	case p < 95:
		return get("findings", "findings", url.Values{"limit": {"50"}})
	default:
		return get("summary", "summary", nil)
	}
}

func (m *mix) write() (shot, error) {
	n := strconv.Itoa(m.n)
	switch p := m.random.IntN(100); {
	case p < 10 && len(m.sign) > 0:
		s := m.sign[len(m.sign)-1]
		m.sign = m.sign[:len(m.sign)-1]
		return m.post("tasks/{id}/acknowledge", "tasks/"+s.task+"/acknowledge", m.byPhone(s.office, map[string]any{"office": s.office}))
	case p < 50:
		s := pick(m, m.report)
		return m.post("tasks/{id}/report", "tasks/"+s.task+"/report", m.byPhone(s.office, map[string]any{
			"office": s.office, "condition": "normal", "substantive": true, "progress": "压力测试第" + n + "次：正在逐户核查。",
		}))
	case p < 70:
		return m.post("tasks/{id}/remind", "tasks/"+pick(m, m.open)+"/remind", map[string]any{"words": "压力测试第" + n + "次催办。"})
	case p < 90 && len(m.date) > 0:
		d := pick(m, m.date)
		return m.post("tasks/{id}/set-deadline", "tasks/"+d.task+"/set-deadline", map[string]any{"date": d.date, "reason": "压力测试"})
	default:
		return m.post("offices", "offices", map[string]any{"name": "压力测试单位" + ulid.Make().String(), "type": "external"})
	}
}

// byPhone adds what the safety office states when it enters what an office said.
func (m *mix) byPhone(office string, fields map[string]any) map[string]any {
	fields["on_behalf_of"], fields["received_via"], fields["received_on"], fields["note"] = office, "phone", m.today, "压力测试"
	return fields
}

func (m *mix) post(route, path string, fields map[string]any) (shot, error) {
	content, err := json.Marshal(fields)
	if err != nil {
		return shot{}, err
	}
	return shot{route: "POST " + route, write: true, request: request{
		method: http.MethodPost, path: path, body: bytes.NewReader(content), media: "application/json", header: map[string]string{"Idempotency-Key": ulid.Make().String()},
	}}, nil
}

// serverState is what /readyz tells of a server.
type serverState struct {
	Writable bool   `json:"writable"`
	Reason   string `json:"reason"`
	Sample   bool   `json:"sample"`
	Ledger   *int64 `json:"ledger_sequence"` // nil: it is no Duban
}

func (c *client) readiness(ctx context.Context) (serverState, error) {
	var state serverState
	b, err := c.beside(ctx, "/readyz")
	if err == nil {
		err = json.Unmarshal(b, &state)
	}
	if err == nil && state.Ledger == nil {
		err = errors.New("no state")
	}
	if err != nil {
		return state, fmt.Errorf("%s 没有应答，或不是督办服务器 / %s does not answer or is no Duban: %w", c.root(), c.root(), err)
	}
	return state, nil
}

// beside reads what stands beside the API, whatever the status.
func (c *client) beside(ctx context.Context, path string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.root()+path, nil)
	if err != nil {
		return nil, err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	return io.ReadAll(io.LimitReader(resp.Body, 4<<20))
}
