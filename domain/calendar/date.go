// Package calendar counts days the way a Chinese office does: civil dates in
// Asia/Shanghai, and working days.
package calendar

import (
	"fmt"
	"time"
)

// Zone is the time zone of every date in Duban. China has kept one offset
// without daylight saving since 1991, so a fixed zone needs no database.
var Zone = time.FixedZone("Asia/Shanghai", 8*60*60)

// A Date is a civil date as YYYY-MM-DD; the empty Date is none. Being text in
// ISO 8601 order, dates compare with < and > and are stored as they are.
type Date string

const layout = "2006-01-02"

// The years a date may lie in. They keep slips of the pen (0219, 20199) out
// while leaving room for old hazards and long plans.
const (
	minYear = 1949
	maxYear = 2199
)

// ParseDate reads YYYY-MM-DD.
func ParseDate(s string) (Date, error) {
	t, err := time.Parse(layout, s)
	if err != nil {
		return "", fmt.Errorf("%q 不是日期，请写成 2019-12-31 / %q is not a date, write it as 2019-12-31", s, s)
	}
	if t.Year() < minYear || t.Year() > maxYear {
		return "", fmt.Errorf("日期 %s 不在 %d 至 %d 年之间 / date %s is outside the years %d to %d", s, minYear, maxYear, s, minYear, maxYear)
	}
	return Date(s), nil
}

// On returns the date on which t falls in Asia/Shanghai.
func On(t time.Time) Date { return Date(t.In(Zone).Format(layout)) }

// Of returns the date of year, month and day, normalised as time.Date does.
func Of(year int, month time.Month, day int) Date {
	return On(time.Date(year, month, day, 0, 0, 0, 0, Zone))
}

// Start returns the first instant of d. It is the zero time if d is none.
func (d Date) Start() time.Time {
	t, err := time.ParseInLocation(layout, string(d), Zone)
	if err != nil {
		return time.Time{}
	}
	return t
}

// End returns the last instant of d, one nanosecond before the next day.
func (d Date) End() time.Time { return d.Start().AddDate(0, 0, 1).Add(-time.Nanosecond) }

// AddDays returns the date n calendar days after d, or before it if n < 0.
func (d Date) AddDays(n int) Date { return On(d.Start().AddDate(0, 0, n)) }

// DaysSince returns how many calendar days d lies after o.
func (d Date) DaysSince(o Date) int {
	return int(d.Start().Sub(o.Start()).Hours() / 24)
}

// Year returns the year of d, 0 if d is none.
func (d Date) Year() int {
	if d == "" {
		return 0
	}
	return d.Start().Year()
}

// UnmarshalText reads YYYY-MM-DD; the empty text is no date.
func (d *Date) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		*d = ""
		return nil
	}
	p, err := ParseDate(string(b))
	if err != nil {
		return err
	}
	*d = p
	return nil
}

// MarshalText writes YYYY-MM-DD.
func (d Date) MarshalText() ([]byte, error) { return []byte(d), nil }
