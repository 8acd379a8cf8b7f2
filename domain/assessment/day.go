package assessment

import (
	"math"
	"time"

	"duban/domain/calendar"
)

// Day is a civil date in Asia/Shanghai as the number of days since 1970-01-01:
// figures over many shares are sums and comparisons of days.
type Day int32

// Never is after every day.
const Never Day = math.MaxInt32

const daySeconds = 24 * 60 * 60

// DayOf returns the day of a date, Never if it is none.
func DayOf(d calendar.Date) Day {
	t := d.Start()
	if t.IsZero() {
		return Never
	}
	return dayAt(t)
}

func dayAt(t time.Time) Day {
	_, offset := t.In(calendar.Zone).Zone()
	seconds := t.Unix() + int64(offset)
	return Day((seconds - ((seconds%daySeconds)+daySeconds)%daySeconds) / daySeconds)
}

// Date returns the date of d, none for Never.
func (d Day) Date() calendar.Date {
	if d == Never {
		return ""
	}
	return calendar.Of(1970, time.January, 1+int(d))
}

// A Span is the days from From until Until, both included.
type Span struct{ From, Until Day }

// Has reports whether d lies in the span.
func (s Span) Has(d Day) bool { return s.From <= d && d <= s.Until }

func (s Span) meets(o Span) bool { return s.From <= o.Until && o.From <= s.Until }

// Year returns the days of a year.
func Year(y int) Span {
	return Span{DayOf(calendar.Of(y, time.January, 1)), DayOf(calendar.Of(y, time.December, 31))}
}

// A month counts months from year 0; a period of the unit with m months is number
// month/m of its unit.
type month int

// start returns the first day of the month (days_from_civil of Howard Hinnant's
// chrono-compatible low-level date algorithms).
func (m month) start() Day {
	y, mon := int(m)/12, int(m)%12+1
	if mon <= 2 {
		y--
		mon += 12
	}
	era := y / 400
	yoe := y - era*400
	doy := (153*(mon-3) + 2) / 5
	doe := yoe*365 + yoe/4 - yoe/100 + doy
	return Day(era*146_097 + doe - 719_468)
}

// monthOf is the same algorithm the other way round (civil_from_days).
func monthOf(d Day) month {
	z := int(d) + 719_468
	era := z / 146_097
	doe := z - era*146_097
	yoe := (doe - doe/1460 + doe/36_524 - doe/146_096) / 365
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	mon := (5*doy+2)/153 + 2 // from January, 0
	return month((yoe+era*400)*12 + mon)
}

// monthsOf returns how many months a period of the unit has.
func monthsOf(u calendar.Unit) month {
	switch u {
	case calendar.UnitMonth:
		return 1
	case calendar.UnitQuarter:
		return 3
	case calendar.UnitHalfYear:
		return 6
	default:
		return 12
	}
}

// A Period is a calendar.Period in numbers: its unit and how many such periods
// came before it. The zero Period is none.
type Period struct {
	Unit calendar.Unit
	N    int32
}

// PeriodOf returns p in numbers.
func PeriodOf(p calendar.Period) Period {
	u := p.Unit()
	if u == 0 {
		return Period{}
	}
	return periodAt(u, DayOf(p.First()))
}

// MonthOf returns the month in which d lies.
func MonthOf(d Day) Period { return periodAt(calendar.UnitMonth, d) }

func periodAt(u calendar.Unit, d Day) Period { return Period{u, int32(monthOf(d) / monthsOf(u))} }

// Days returns the days of the period.
func (p Period) Days() Span {
	m := monthsOf(p.Unit)
	return Span{(month(p.N) * m).start(), (month(p.N+1) * m).start() - 1}
}

// Calendar returns the period as the calendar writes it.
func (p Period) Calendar() calendar.Period {
	if p.Unit == 0 {
		return ""
	}
	return calendar.PeriodOf(p.Unit, p.Days().From.Date())
}

// dueOn is calendar.Due.On in numbers.
func dueOn(d calendar.Due, p Period) Day {
	last := p.Days().Until
	if d.Day == 0 {
		return last
	}
	m := monthOf(last)
	if d.In != calendar.DueInPeriod {
		m++
	}
	return min(m.start()+Day(d.Day)-1, (m+1).start()-1)
}
