package main

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"duban/api"
	"duban/domain"
	"duban/domain/calendar"
	"duban/domain/task"
	"duban/projections"
)

func moment(t *testing.T, s string) time.Time {
	t.Helper()
	at, err := time.ParseInLocation("2006-01-02 15:04:05", s, calendar.Zone)
	require.NoError(t, err)
	return at
}

func TestNextDailyRun(t *testing.T) {
	for _, c := range []struct {
		name, now string
		done      calendar.Date
		next      string
	}{
		{"before the hour", "2019-12-24 08:59:59", "", "2019-12-24 09:00:00"},
		{"on the hour", "2019-12-24 09:00:00", "", "2019-12-24 09:00:00"},
		{"started after the hour", "2019-12-24 15:00:00", "", "2019-12-24 15:00:00"},
		{"done today", "2019-12-24 09:00:01", "2019-12-24", "2019-12-25 09:00:00"},
		{"done yesterday, before the hour", "2019-12-25 00:00:00", "2019-12-24", "2019-12-25 09:00:00"},
		{"done days ago", "2019-12-28 10:00:00", "2019-12-24", "2019-12-28 10:00:00"},
		{"over the year's end", "2019-12-31 09:30:00", "2019-12-31", "2020-01-01 09:00:00"},
	} {
		t.Run(c.name, func(t *testing.T) {
			nine := timeOfDay{set: true, hour: 9}
			// Shanghai's days, wherever the server stands.
			assert.Equal(t, moment(t, c.next), nine.next(moment(t, c.now).UTC(), c.done))
		})
	}
}

func TestTimeOfDay(t *testing.T) {
	for text, want := range map[string]timeOfDay{"": {}, "09:00": {true, 9, 0}, "23:59": {true, 23, 59}, "00:00": {set: true}} {
		var d timeOfDay
		require.NoError(t, d.UnmarshalText([]byte(text)), text)
		assert.Equal(t, want, d)
		back, err := d.MarshalText()
		require.NoError(t, err)
		assert.Equal(t, text, string(back))
	}
	for _, text := range []string{"9:00", "24:00", "09:60", "9", "早上", "09:00:00"} {
		assert.Error(t, new(timeOfDay).UnmarshalText([]byte(text)), text)
	}
}

// A driven daily run: the test moves the clock and lets each wait end.
type driven struct {
	now   time.Time
	waits chan time.Duration
	wake  chan time.Time
	fails int // how many runs fail
	runs  []string
}

func (d *driven) start(t *testing.T) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	d.waits, d.wake = make(chan time.Duration), make(chan time.Time)
	ended := make(chan error, 1)
	run := daily{
		at: timeOfDay{set: true, hour: 9}, clock: func() time.Time { return d.now }, log: slog.New(slog.DiscardHandler),
		after: func(w time.Duration) <-chan time.Time {
			d.waits <- w
			return d.wake
		},
		work: func(context.Context) error {
			d.runs = append(d.runs, d.now.Format("01-02 15:04"))
			if d.fails > 0 {
				d.fails--
				return errors.New("the disk is full")
			}
			return nil
		},
	}
	go func() { ended <- run.run(ctx) }()
	return func() {
		cancel()
		require.NoError(t, <-ended)
	}
}

// pass moves the clock while the run waits, lets it look, and returns for how long
// it waits next.
func (d *driven) pass(t *testing.T, to string) time.Duration {
	t.Helper()
	d.now = moment(t, to)
	d.wake <- d.now
	return <-d.waits
}

func TestDailyRun(t *testing.T) {
	d := &driven{now: moment(t, "2019-12-24 08:59:30"), fails: 1}
	stop := d.start(t)
	assert.Equal(t, 30*time.Second, <-d.waits)
	assert.Equal(t, lookAtClock, d.pass(t, "2019-12-24 09:00:00"), "after a failure")
	assert.Equal(t, lookAtClock, d.pass(t, "2019-12-24 09:01:00"))
	assert.Equal(t, lookAtClock, d.pass(t, "2019-12-24 23:00:00"))
	assert.Equal(t, lookAtClock, d.pass(t, "2019-12-25 08:00:00"))
	assert.Equal(t, lookAtClock, d.pass(t, "2019-12-27 11:00:00"), "the machine slept for two days")
	stop()
	assert.Equal(t, []string{"12-24 09:00", "12-24 09:01", "12-27 11:00"}, d.runs)

	again := &driven{now: moment(t, "2019-12-27 12:00:00")}
	stop = again.start(t)
	<-again.waits
	stop()
	assert.Equal(t, []string{"12-27 12:00"}, again.runs, "a restart asks again; what was entered stays single")
}

// A daily run of a server started after its hour reminds at once, in the server's
// name; the one after a restart finds nothing left.
func TestDailyReminders(t *testing.T) {
	n := newTestNode(t)
	n.importSmall(t, "1")
	n.caughtUp(t)
	var tasks projections.Page[projections.TaskView]
	require.NoError(t, json.Unmarshal(n.get(t, "/api/v1/tasks").body, &tasks))
	id := tasks.Items[0].ID
	n.post(t, "tasks/"+id+"/set-deadline", body{"date": calendar.On(time.Now()).AddDays(30), "reason": "内控"}).write(t)
	// Seven days before, at noon.
	clock := func() time.Time { return calendar.On(time.Now()).AddDays(23).Start().Add(12 * time.Hour) }
	for range 2 {
		server := api.New(api.Config{Store: n.store, Model: n.model, Clock: clock})
		ctx, cancel := context.WithCancel(t.Context())
		d := remindDaily(timeOfDay{set: true, hour: 9}, server, clock, slog.New(slog.DiscardHandler))
		d.after = func(time.Duration) <-chan time.Time {
			cancel() // the day's run is over
			return nil
		}
		require.NoError(t, d.run(ctx))
	}
	a, err := n.store.Load(t.Context(), domain.Ref{Kind: domain.KindTask, ID: id})
	require.NoError(t, err)
	require.IsType(t, &task.SetDeadline{}, a.Records[len(a.Records)-2].Data)
	last := a.Records[len(a.Records)-1]
	require.IsType(t, &task.Reminded{}, last.Data)
	assert.Equal(t, domain.RoleSystem, last.Authority)
	assert.Equal(t, calendar.On(clock()), calendar.On(last.Time))
}
