package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"duban/api"
	"duban/domain/calendar"
)

// timeOfDay is a time of day in Asia/Shanghai, written 09:00. The zero value is
// none.
type timeOfDay struct {
	set          bool
	hour, minute int
}

// UnmarshalText reads HH:MM; the empty text is none.
func (d *timeOfDay) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		*d = timeOfDay{}
		return nil
	}
	t, err := time.Parse("15:04", string(b))
	if err != nil || len(b) != len("09:00") {
		return fmt.Errorf("时间 %q 应写成 09:00 / a time of day is written 09:00, not %q", b, b)
	}
	*d = timeOfDay{set: true, hour: t.Hour(), minute: t.Minute()}
	return nil
}

// MarshalText writes HH:MM.
func (d timeOfDay) MarshalText() ([]byte, error) {
	if !d.set {
		return []byte{}, nil
	}
	return fmt.Appendf(nil, "%02d:%02d", d.hour, d.minute), nil
}

// next returns when the day's work is to be done next: now, if today's time has come
// and it was not done today; days that have gone by are not made up for. done is the
// day it was done last, none if it was not.
func (d timeOfDay) next(now time.Time, done calendar.Date) time.Time {
	now = now.In(calendar.Zone)
	due := time.Date(now.Year(), now.Month(), now.Day(), d.hour, d.minute, 0, 0, calendar.Zone)
	switch {
	case calendar.On(now) <= done:
		return due.AddDate(0, 0, 1)
	case due.Before(now):
		return now
	default:
		return due
	}
}

// lookAtClock is how long a daily run waits at most before it looks at the clock
// again, which may have been set or the machine suspended; and how long after one
// that failed.
const lookAtClock = time.Minute

// daily does a day's work at a time of day.
type daily struct {
	at    timeOfDay
	clock func() time.Time
	after func(time.Duration) <-chan time.Time // time.After, but in tests
	work  func(context.Context) error
	log   *slog.Logger
}

// run works until ctx ends. After a restart it begins anew: the work knows what is
// done already.
func (d daily) run(ctx context.Context) error {
	var done calendar.Date
	for {
		now := d.clock()
		wait := d.at.next(now, done).Sub(now)
		if wait <= 0 {
			wait = lookAtClock
			if err := d.work(ctx); err == nil {
				done = calendar.On(now)
				continue
			} else if ctx.Err() == nil {
				d.log.ErrorContext(ctx, "the daily run failed and is tried again", slog.Any("error", err))
			}
		}
		select {
		case <-d.after(min(wait, lookAtClock)):
		case <-ctx.Done():
			return nil
		}
	}
}

// remindDaily enters the reminders of every day at a time of day.
func remindDaily(at timeOfDay, server *api.Server, clock func() time.Time, log *slog.Logger) daily {
	return daily{at: at, clock: clock, after: time.After, log: log, work: func(ctx context.Context) error {
		run, err := server.RemindToday(ctx)
		if err == nil {
			log.InfoContext(ctx, "reminders", slog.String("date", string(run.Date)), slog.Int("entered", len(run.Entered)), slog.Int("skipped", len(run.Skipped)))
		}
		return err
	}}
}
