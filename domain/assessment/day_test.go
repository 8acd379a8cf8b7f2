package assessment

import (
	"testing"

	"pgregory.net/rapid"

	"duban/domain/calendar"
	"duban/domain/directive"
)

func anyDate(t *rapid.T, name string) calendar.Date {
	return calendar.Date("1950-01-01").AddDays(rapid.IntRange(0, 80_000).Draw(t, name))
}

func anyPeriod(t *rapid.T, name string) calendar.Period {
	return calendar.PeriodOf(calendar.Unit(rapid.IntRange(int(calendar.UnitMonth), int(calendar.UnitYear)).Draw(t, name+" unit")), anyDate(t, name))
}

// In numbers everything is what the calendar says in dates.
func TestNumbersAgreeWithTheCalendar(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d, p := anyDate(t, "day"), anyPeriod(t, "period")
		n := rapid.IntRange(-1000, 1000).Draw(t, "days on")
		if got := DayOf(d).Date(); got != d {
			t.Fatalf("%s became %s", d, got)
		}
		if got, want := DayOf(d)+Day(n), DayOf(d.AddDays(n)); got != want {
			t.Fatalf("%s and %d days: %d, want %d", d, n, got, want)
		}
		if got := dayAt(d.End()); got != DayOf(d) {
			t.Fatalf("the end of %s is %s", d, got.Date())
		}
		q := PeriodOf(p)
		if got := q.Calendar(); got != p {
			t.Fatalf("%s became %s", p, got)
		}
		if got, want := q.Days(), (Span{DayOf(p.First()), DayOf(p.Last())}); got != want {
			t.Fatalf("%s: days %v, want %v", p, got, want)
		}
		if got := periodAt(q.Unit, DayOf(d)).Calendar(); got != calendar.PeriodOf(p.Unit(), d) {
			t.Fatalf("%s lies in %s", d, got)
		}
		due := calendar.Due{Day: rapid.IntRange(0, 31).Draw(t, "due"), In: calendar.DueIn(rapid.IntRange(0, 2).Draw(t, "in"))}
		if got, want := dueOn(due, q).Date(), due.On(p); got != want {
			t.Fatalf("%+v of %s: %s, want %s", due, p, got, want)
		}
	})
	if DayOf("") != Never || Never.Date() != "" || PeriodOf("").Calendar() != "" {
		t.Error("none is not none")
	}
}

func TestAnswersAgreeWithTheDirective(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		near := calendar.Date("2019-06-01")
		day := func(name string) calendar.Date { return near.AddDays(rapid.IntRange(0, 200).Draw(t, name)) }
		period := func(name string) calendar.Period {
			unit := calendar.Unit(rapid.IntRange(0, int(calendar.UnitYear)).Draw(t, name+" unit"))
			return calendar.PeriodOf(unit, day(name))
		}
		o := directive.Round{Period: period("owed"), From: day("from"), Due: day("due")}
		o.Until = max(o.From, day("until"))
		p, on := period("named"), day("on")
		round := RoundOf(o, calendar.NewWorkdays("none"))
		if got, want := round.answers(&Report{Period: PeriodOf(p), On: DayOf(on)}), o.Answers(p, on); got != want {
			t.Fatalf("%+v, report for %q on %s: %v, want %v", o, p, on, got, want)
		}
	})
}

// A share's days are counted once, however its idle spans overlap.
func TestActive(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := &Record{}
		for range rapid.IntRange(0, 4).Draw(t, "idle") {
			from := Day(rapid.IntRange(0, 40).Draw(t, "from"))
			r.Idle = append(r.Idle, Span{from, from + Day(rapid.IntRange(0, 20).Draw(t, "days"))})
		}
		r.Idle = apart(r.Idle)
		after, until := Day(rapid.IntRange(-5, 50).Draw(t, "after")), Day(rapid.IntRange(-5, 70).Draw(t, "until"))
		tl := teller{Record: r}
		want := 0
		for d := after + 1; d <= until; d++ {
			if !tl.idleOn(d) {
				want++
			}
		}
		if got := tl.active(after, until); got != want {
			t.Fatalf("%v after %d until %d: %d, want %d", r.Idle, after, until, got, want)
		}
	})
}
