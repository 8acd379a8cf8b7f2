package calendar

import (
	"slices"
	"time"
)

// A Year says which days of one year are off and which weekend days are worked,
// as the State Council publishes it every autumn.
type Year struct {
	Year   int    `json:"year"`
	Off    []Date `json:"off"`
	Worked []Date `json:"worked"`
}

// Equal reports whether two years have the same days off and worked.
func (y Year) Equal(o Year) bool {
	return y.Year == o.Year && sameDays(y.Off, o.Off) && sameDays(y.Worked, o.Worked)
}

func sameDays(a, b []Date) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

// Workdays knows which days are worked. A year that was not published counts
// Monday to Friday; an answer that rests on such a year is provisional.
type Workdays struct {
	// Version names the calendar in answers.
	Version string
	days    map[Date]bool // true: worked, false: off; only days that differ from the weekday rule
	years   map[int]bool
}

// NewWorkdays returns the calendar made of the published years.
func NewWorkdays(version string, years ...Year) Workdays {
	w := Workdays{Version: version, days: map[Date]bool{}, years: map[int]bool{}}
	for _, y := range years {
		w.years[y.Year] = true
		for _, d := range y.Off {
			w.days[d] = false
		}
		for _, d := range y.Worked {
			w.days[d] = true
		}
	}
	return w
}

// Works reports whether d is a working day.
func (w Workdays) Works(d Date) bool {
	if worked, ok := w.days[d]; ok {
		return worked
	}
	wd := d.Start().Weekday()
	return wd != time.Saturday && wd != time.Sunday
}

// Provisional reports whether the year of d was not published.
func (w Workdays) Provisional(d Date) bool { return !w.years[d.Year()] }

// OnOrAfter returns d if it is a working day, otherwise the next one, and whether
// a year without a published calendar had to be assumed.
func (w Workdays) OnOrAfter(d Date) (day Date, provisional bool) {
	if w.Works(d) {
		return d, w.Provisional(d)
	}
	day, provisional = w.After(d, 1)
	return day, provisional || w.Provisional(d)
}

// After returns the n-th working day after d, which itself is never counted, and
// whether a year without a published calendar had to be assumed on the way.
func (w Workdays) After(d Date, n int) (day Date, provisional bool) {
	day = d
	for n > 0 {
		day = day.AddDays(1)
		provisional = provisional || w.Provisional(day)
		if w.Works(day) {
			n--
		}
	}
	return day, provisional
}
