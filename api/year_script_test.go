package api_test

import (
	"bufio"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"duban/domain/calendar"
)

// The language of testdata/year/script.txt, which explains itself at its head.

// A yearStep is one line of the script.
type yearStep struct {
	line     int
	moment   string // 2019-07-03 10:20
	who, act string
	on       string            // clauses, 8/装备, #罐, an office, a year
	fields   map[string]string // as written
	words    string
}

// A handCount is a section of closing figures: what somebody counted by hand over
// the script, as known at the end of a day.
type handCount struct {
	figures string // facts or summary
	known   calendar.Date
	counts  []counted
}

// A counted figure is its numerator and denominator, and of what it consists.
type counted struct {
	name             string
	line, num, denom int
	of               map[string]int // by 8/装备 or by period; empty: not broken down
}

func readYear(t *testing.T, file string) (steps []yearStep, counts []handCount) {
	t.Helper()
	f, err := os.Open(file)
	require.NoError(t, err)
	defer f.Close()
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		text := strings.TrimSpace(lines.Text())
		words := strings.Fields(text)
		switch {
		case text == "" || strings.HasPrefix(text, "#"):
		case words[0] == "==":
			counts = append(counts, handCount{figures: words[1], known: calendar.Date(words[2])})
		case len(counts) > 0:
			last := &counts[len(counts)-1]
			last.counts = append(last.counts, parseCounted(t, n, text))
		default:
			steps = append(steps, parseStep(t, n, text))
		}
	}
	require.NoError(t, lines.Err())
	return steps, counts
}

func parseStep(t *testing.T, n int, text string) yearStep {
	t.Helper()
	head, words, _ := strings.Cut(text, " : ")
	parts := strings.Fields(head)
	require.GreaterOrEqual(t, len(parts), 4, "line %d: %s", n, text)
	s := yearStep{line: n, moment: parts[0] + " " + parts[1], who: parts[2], act: parts[3], fields: map[string]string{}, words: words}
	for _, p := range parts[4:] {
		key, value, ok := strings.Cut(p, "=")
		if !ok {
			s.on = p
			continue
		}
		s.fields[key] = value
	}
	return s
}

func parseCounted(t *testing.T, n int, text string) counted {
	t.Helper()
	head, items, _ := strings.Cut(text, ":")
	parts := strings.Fields(head)
	require.Len(t, parts, 2, "line %d: %s", n, text)
	c := counted{name: parts[0], line: n, of: map[string]int{}}
	num, denom, of := strings.Cut(parts[1], "/")
	var err error
	c.num, err = strconv.Atoi(num)
	require.NoError(t, err, "line %d", n)
	if of {
		c.denom, err = strconv.Atoi(denom)
		require.NoError(t, err, "line %d", n)
	}
	for _, item := range strings.Fields(items) {
		what, times, many := strings.Cut(item, "×")
		k := 1
		if many {
			k, err = strconv.Atoi(times)
			require.NoError(t, err, "line %d", n)
		}
		c.of[what] += k
	}
	return c
}

// deskOffices are the offices by the names the script calls them.
func deskOffices() map[string]string {
	return map[string]string{
		"园区": "工业园区处", "化工": "化工处", "技改": "技术与改造投资处", "节能": "节能与综合利用处", "科技": "科技促进处", "装备": "装备工业处",
		"军民": "军民结合推进处", "信息化": "信息化推进处", "消费品": "消费品工业处", "法规": "政策法规处", "信息中心": "信息中心",
	}
}

// A scriptedYear is a ledger in which a script is played.
type scriptedYear struct {
	*node
	imported
	desks    map[string]string // the offices' names by the script's
	people   map[string]string // tokens
	findings map[string]string // paths by label
}

func newScriptedYear(t *testing.T) *scriptedYear {
	n := start(t)
	return &scriptedYear{node: n, desks: deskOffices(), people: map[string]string{"安委办": n.token}, findings: map[string]string{}}
}

// short is how the script calls an office.
func (y *scriptedYear) short(name string) string {
	for short, full := range y.desks {
		if full == name {
			return short
		}
	}
	return name
}

func (y *scriptedYear) office(short string) string {
	ref, ok := y.offices[y.desks[short]]
	require.True(y.t, ok, "no office %s", short)
	return ref
}

// play takes one step.
func (y *scriptedYear) play(s yearStep) {
	y.t.Helper()
	y.clock.set(y.t, s.moment)
	switch s.act {
	case "import":
		y.takeIn()
		return
	case "publish":
		y.publish(s)
		return
	case "require-reporting":
		y.send(s, "directives/"+y.id+"/require-reporting", y.body(s, ""))
		return
	case "amend":
		y.amend(s)
		return
	case "merge":
		y.send(s, "offices/"+strings.TrimPrefix(y.office(s.on), "office/")+"/merge", y.body(s, ""))
		return
	}
	if label, ok := strings.CutPrefix(s.on, "#"); ok {
		y.hazard(s, label)
		return
	}
	clauses, share, _ := strings.Cut(s.on, "/")
	for _, number := range strings.Split(clauses, ",") {
		n, err := strconv.Atoi(number)
		require.NoError(y.t, err, "line %d", s.line)
		y.send(s, "tasks/"+y.tasks[n]+"/"+s.act, y.body(s, share))
	}
}

func (y *scriptedYear) takeIn() {
	text, err := os.ReadFile("../cmd/duban/sample/notice-2019-19.txt")
	require.NoError(y.t, err)
	y.imported = y.importNotice(string(text))
	for _, short := range slices.Sorted(maps.Keys(y.desks)) {
		y.people[short] = y.member("desk-"+strings.TrimPrefix(y.office(short), "office/"), "office", y.office(short))
	}
	y.people["复核"] = y.member("fuhe", "safety_office", "")
	y.people["检查甲"] = y.member("jiancha-a", "inspector", "")
	y.people["检查乙"] = y.member("jiancha-b", "inspector", "")
}

func (y *scriptedYear) send(s yearStep, path string, b body) string {
	y.t.Helper()
	token, ok := y.people[s.who]
	require.True(y.t, ok, "line %d: nobody is called %s", s.line, s.who)
	if rule := s.fields["refused"]; rule != "" {
		y.unchanged(func() {
			p := y.post(token, path, b).problem(http.StatusConflict)
			assert.Equal(y.t, rule, p.Rule, "line %d: %s", s.line, p.Detail)
		})
		return ""
	}
	a := y.post(token, path, b)
	require.Less(y.t, a.status, http.StatusMultipleChoices, "line %d: %s %s", s.line, s.act, a.body)
	var w struct{ ID string }
	a.into(&w)
	return w.ID
}

// publish publishes a year's calendar: the built-in one, unless the step lists
// its days.
func (y *scriptedYear) publish(s yearStep) {
	y.t.Helper()
	b := body{"year": 0}
	if s.fields["off"] == "" {
		y.get("calendars/" + s.on + "/proposal").want(http.StatusOK).into(&b)
	} else {
		year, err := strconv.Atoi(s.on)
		require.NoError(y.t, err)
		b["year"], b["off"], b["worked"] = year, daysOf(s.fields["off"]), daysOf(s.fields["worked"])
	}
	b["source"] = s.fields["source"]
	y.send(s, "calendars", b)
}

// daysOf lists days and spans of days: 2020-01-01,2020-01-24..2020-01-30.
func daysOf(list string) []string {
	var out []string
	for _, span := range strings.Split(list, ",") {
		first, last, ok := strings.Cut(span, "..")
		if !ok {
			last = first
		}
		for d := calendar.Date(first); d <= calendar.Date(last); d = d.AddDays(1) {
			out = append(out, string(d))
		}
	}
	return out
}

func (y *scriptedYear) amend(s yearStep) {
	y.t.Helper()
	n, err := strconv.Atoi(s.on)
	require.NoError(y.t, err)
	change := body{"number": n, "change": "replaced", "text": s.words, "deadlines": []body{{"date": s.fields["deadline"], "words": s.fields["deadline"]}}}
	y.send(s, "directives/"+y.id+"/amend", body{"by": s.fields["by"], "changes": []body{change},
		"decisions": []body{{"task": "task/" + y.tasks[n], "decision": "revised"}}})
}

func (y *scriptedYear) hazard(s yearStep, label string) {
	y.t.Helper()
	b := y.body(s, "")
	if s.act != "record" {
		y.send(s, y.findings[label]+"/"+s.act, b)
		return
	}
	b["subject"], b["category"] = body{"name": "样例企业", "place": "样例工业园区"}, "设备设施"
	b["found_on"] = s.moment[:len("2019-08-14")]
	if clause := s.fields["task"]; clause != "" {
		n, err := strconv.Atoi(clause)
		require.NoError(y.t, err)
		delete(b, "task")
		b["tasks"] = []string{"task/" + y.tasks[n]}
	}
	y.findings[label] = "findings/" + y.send(s, "findings", b)
}

// field returns the field in which an act wants its words.
func (s yearStep) field() string {
	switch s.act {
	case "report":
		return "progress"
	case "request-closure", "report-rectification":
		return "summary"
	case "accept":
		return "opinion"
	case "attest":
		return "statement"
	case "remind":
		return "words"
	case "reopen":
		return "words"
	case "record":
		return "description"
	case "require-reporting":
		return "note"
	}
	return "reason"
}

// body is the command of a step, for one share if the safety office speaks of it.
func (y *scriptedYear) body(s yearStep, share string) body {
	y.t.Helper()
	b := body{}
	if s.words != "" && s.act != "submit-plan" {
		b[s.field()] = s.words
	}
	for key, value := range s.fields {
		y.fill(b, s, key, value, share)
	}
	if share != "" {
		b["office"] = y.office(share)
	}
	switch s.act {
	case "report":
		if _, ok := b["condition"]; !ok {
			b["condition"] = "normal"
		}
		b["substantive"] = b["nil"] == nil
	case "submit-plan":
		b["responsible_person"], b["measures"] = "处室负责人", []body{{"text": s.words, "words": "年内"}}
	case "decide-kind":
		if s.fields["unit"] != "" {
			b["schedule"] = body{"unit": b["unit"], "first": b["first"], "due_day": b["due_day"], "due_in": b["due_in"]}
			for _, k := range []string{"unit", "first", "due_day", "due_in"} {
				delete(b, k)
			}
		}
	case "request-closure", "report-rectification":
		if b["evidence"] == nil {
			b["evidence"] = y.attach(fmt.Sprintf("样例材料，脚本第%d行", s.line))
		}
	}
	return b
}

func (y *scriptedYear) fill(b body, s yearStep, key, value, share string) {
	y.t.Helper()
	switch key {
	case "refused":
	case "from", "to", "into", "suggested_office", "supervising_office":
		if _, ok := y.desks[value]; !ok {
			b[key] = value // the day from which reports are required
			return
		}
		b[key] = y.office(value)
	case "due_day":
		n, err := strconv.Atoi(value)
		require.NoError(y.t, err)
		b[key] = n
	case "nil", "passed":
		b[key] = value == "true"
	case "rectifier":
		b[key] = body{"name": value}
	case "approval":
		b[key] = body{"leader": "分管厅领导", "on": value, "words": "同意。"}
	case "paper", "phone":
		b["on_behalf_of"], b["received_via"], b["received_on"], b["time"] = y.office(share), key, value, value+"T10:00:00+08:00"
		b["note"] = "来件登记"
		if key == "paper" {
			b["evidence"] = y.attach(fmt.Sprintf("样例来件，脚本第%d行", s.line))
		}
	default:
		b[key] = value
	}
}
