package projections

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"duban/domain"
	"duban/domain/calendar"
	"duban/domain/directive"
	"duban/domain/finding"
	"duban/domain/inspection"
	"duban/domain/office"
	"duban/domain/policy"
	"duban/domain/task"
	"duban/domain/vocabulary"
	"duban/domain/workyear"
	"duban/eventstore"
)

const testOrg = "test"

// A tester is what helpers need: a test, a benchmark or a rapid check.
type tester interface {
	require.TestingT
	Helper()
}

// A fakeLedger is a Source in memory: events are encoded and chained as the store
// does it, acknowledged at once, and may be tampered with.
type fakeLedger struct {
	codec *eventstore.Codec

	mu      sync.Mutex
	changed chan struct{}
	records []eventstore.Record
	events  map[domain.Ref][]domain.Event
	heads   map[domain.Ref]eventstore.Head
	now     time.Time // recordedtime of the next transaction
	ids     int
	err     error // Follow fails with it at the end of the records
}

func newLedger(tb tester) *fakeLedger {
	tb.Helper()
	codec, err := eventstore.NewCodec(testOrg, vocabulary.Payloads())
	require.NoError(tb, err)
	return &fakeLedger{
		codec: codec, changed: make(chan struct{}),
		events: map[domain.Ref][]domain.Event{}, heads: map[domain.Ref]eventstore.Head{},
		now: at("2019-07-01 09:00"),
	}
}

// at reads a time in Asia/Shanghai.
func at(s string) time.Time {
	t, err := time.ParseInLocation("2006-01-02 15:04", s, calendar.Zone)
	if err != nil {
		panic(err)
	}
	return t
}

func (l *fakeLedger) newID() string {
	l.ids++
	return fmt.Sprintf("01JD%022d", l.ids)
}

func (l *fakeLedger) Acked() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return uint64(len(l.records))
}

func (l *fakeLedger) Follow(ctx context.Context, after uint64, handle func([]eventstore.Record) error) error {
	const batch = 64
	for {
		l.mu.Lock()
		all, changed, failure := l.records, l.changed, l.err
		l.mu.Unlock()
		for after < uint64(len(all)) {
			end := min(int(after)+batch, len(all))
			for end < len(all) && all[end].TxIndex > 1 {
				end++ // whole transactions only
			}
			if err := handle(all[after:end:end]); err != nil {
				return err
			}
			after = uint64(end)
			if ctx.Err() != nil {
				return ctx.Err()
			}
		}
		if failure != nil {
			return failure
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// set changes the ledger under its lock and wakes followers.
func (l *fakeLedger) set(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f()
	close(l.changed)
	l.changed = make(chan struct{})
}

// append records events in one transaction and returns the last sequence.
func (l *fakeLedger) append(tb tester, events ...domain.Event) uint64 {
	return l.write(tb, false, events...)
}

// void records events as a transaction of which one more is missing.
func (l *fakeLedger) void(tb tester, events ...domain.Event) uint64 {
	return l.write(tb, true, events...)
}

func (l *fakeLedger) write(tb tester, void bool, events ...domain.Event) uint64 {
	tb.Helper()
	count := len(events)
	if void {
		count++
	}
	tx := l.newID()
	l.set(func() {
		for i, e := range events {
			h := l.heads[e.Subject]
			e.ID, e.Version, e.Seq, e.RecordedTime = l.newID(), h.Version+1, uint64(len(l.records)+1), l.now.UTC()
			e.CommandID, e.CommandDigest = "c", "d"
			r := eventstore.Record{Event: e, Previous: h.Hash}
			if count > 1 {
				r.TxID, r.TxIndex, r.TxCount = tx, i+1, count
			}
			raw, err := l.codec.Encode(r)
			require.NoError(tb, err)
			r, err = l.codec.Decode(e.Seq, raw)
			require.NoError(tb, err)
			r.Voided = void
			l.records = append(l.records, r)
			l.heads[e.Subject] = eventstore.Head{Seq: r.Seq, Version: r.Version, Hash: r.Hash()}
			if !void {
				l.events[e.Subject] = append(l.events[e.Subject], r.Event)
			}
		}
	})
	return uint64(len(l.records))
}

// Who acts in tests.
var (
	clerk     = domain.Caller{Person: person("clerk"), Office: officeRef("safety"), Role: domain.RoleSafetyOffice}
	inspector = domain.Caller{Person: person("inspector"), Office: officeRef("inspection"), Role: domain.RoleInspector}
)

func person(id string) domain.Ref    { return domain.Ref{Kind: domain.KindPerson, ID: id} }
func officeRef(id string) domain.Ref { return domain.Ref{Kind: domain.KindOffice, ID: id} }

func of(o domain.Ref) domain.Caller {
	return domain.Caller{Person: person("p-" + o.ID), Office: o, Role: domain.RoleOffice}
}

// decide returns what a command leads to, by the domain's own rules.
func (l *fakeLedger) decide(ref domain.Ref, by domain.Caller, when time.Time, p domain.Payload) ([]domain.Event, error) {
	c := domain.Command{Entry: domain.Entry{By: by, Time: when, Now: l.now}, Subject: ref, Ask: p}
	h := l.events[ref]
	_, correction := p.(domain.Corrector)
	switch ref.Kind {
	case domain.KindTask:
		if correction {
			return task.Correct(h, c)
		}
		return task.Decide(task.Replay(h), c)
	case domain.KindFinding:
		if correction {
			return finding.Correct(h, c)
		}
		return finding.Decide(finding.Replay(h), c)
	case domain.KindDirective:
		return directive.Decide(domain.Fold(h, directive.Evolve), c)
	case domain.KindCalendar:
		return workyear.Decide(workyear.Replay(h), c)
	case domain.KindPolicy:
		return policy.Decide(policy.Replay(h), c)
	case domain.KindInspection:
		return inspection.Decide(domain.Fold(h, inspection.Evolve), c)
	case domain.KindOffice:
		return office.Decide(domain.Fold(h, office.Evolve), c)
	default:
		return []domain.Event{c.Event()}, nil
	}
}

// do gives a command now and requires that it is let through.
func (l *fakeLedger) do(tb tester, ref domain.Ref, by domain.Caller, p domain.Payload) uint64 {
	tb.Helper()
	events, err := l.decide(ref, by, l.now, p)
	require.NoError(tb, err)
	return l.append(tb, events...)
}

// on moves the clock to a moment.
func (l *fakeLedger) on(s string) *fakeLedger {
	l.now = at(s)
	return l
}

func (l *fakeLedger) office(tb tester, id, name string, aliases ...string) domain.Ref {
	tb.Helper()
	ref := officeRef(id)
	l.do(tb, ref, clerk, &office.Registered{Name: name, Type: office.TypeOffice, Aliases: aliases})
	return ref
}

// A clauseSpec is a clause with the offices of its task.
type clauseSpec struct {
	text     string
	heading  string
	due      calendar.Date
	kind     task.Kind
	schedule *task.Schedule
	offices  []domain.Ref
}

// directive records a directive and dockets and assigns its tasks in one
// transaction, as an import does.
func (l *fakeLedger) directive(tb tester, id, number, title string, clauses ...clauseSpec) (domain.Ref, []domain.Ref) {
	tb.Helper()
	ref := domain.Ref{Kind: domain.KindDirective, ID: id}
	entry := domain.Entry{By: clerk, Time: l.now, Now: l.now}
	recorded := &directive.ClausesRecorded{}
	events := []domain.Event{entry.Event(ref, &directive.Issued{DocumentNumber: number, Title: title, TextSHA256: directive.TextHash(number)})}
	var tasks []domain.Ref
	var follow []domain.Event
	for i, c := range clauses {
		hash := directive.TextHash(c.text)
		cl := directive.Clause{Number: i + 1, Path: []string{fmt.Sprint(i + 1)}, Text: c.text, TextSHA256: hash}
		if c.heading != "" {
			cl.Headings = []string{c.heading}
		}
		recorded.Clauses = append(recorded.Clauses, cl)
		if len(c.offices) == 0 {
			continue
		}
		t := domain.Ref{Kind: domain.KindTask, ID: fmt.Sprintf("%s-%02d", id, i+1)}
		tasks = append(tasks, t)
		kind := c.kind
		if kind == 0 {
			kind = task.KindOneOff
		}
		follow = append(follow, entry.Event(t, &task.Docketed{Directive: ref, Number: i + 1, Path: cl.Path, TextSHA256: hash, Kind: kind, Schedule: c.schedule}))
		assigned := &task.Assigned{}
		for _, o := range c.offices {
			assigned.Offices = append(assigned.Offices, task.Assignment{Office: o, Role: task.RoleJoint})
		}
		follow = append(follow, entry.Event(t, assigned))
		if c.due != "" {
			follow = append(follow, entry.Event(t, &task.StatedDeadline{Date: c.due}))
		}
	}
	l.append(tb, append(append(events, entry.Event(ref, recorded)), follow...)...)
	return ref, tasks
}

// Models under test.

func open(tb testing.TB, l Source, dir string) *Model {
	tb.Helper()
	m, err := Open(context.Background(), Config{
		Dir: dir, Source: l, Org: testOrg, Types: vocabulary.Payloads(),
		CheckEvery: 5 * time.Millisecond, Logger: logger(tb),
	})
	require.NoError(tb, err)
	return m
}

// run opens a model and follows the ledger until the test ends.
func run(tb testing.TB, l Source) *Model {
	tb.Helper()
	m := open(tb, l, tb.TempDir())
	start(tb, m)
	return m
}

// start runs a model until the test ends, and closes it then.
func start(tb testing.TB, m *Model) {
	tb.Helper()
	done := make(chan error, 1)
	go func() { done <- m.Run(context.Background()) }()
	tb.Cleanup(func() {
		require.NoError(tb, m.Close())
		require.NoError(tb, <-done)
	})
}

// settle waits until the model has everything.
func settle(tb testing.TB, m *Model, l Source) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	require.NoError(tb, m.Wait(ctx, l.Acked()))
}

func now(tb testing.TB, m *Model) *View {
	tb.Helper()
	v, err := m.At(context.Background(), AsOf{})
	require.NoError(tb, err)
	tb.Cleanup(v.Close)
	return v
}
