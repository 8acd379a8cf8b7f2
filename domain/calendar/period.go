package calendar

import (
	"fmt"
	"strconv"
	"time"

	"duban/domain/enum"
)

// Unit is how often something recurs.
type Unit uint8

// The units. A period has one of the others: what is due once has no period.
const (
	UnitOnce     Unit = iota + 1 // 一次
	UnitMonth                    // 每月
	UnitQuarter                  // 每季度
	UnitHalfYear                 // 每半年
	UnitYear                     // 每年
)

var units = enum.New[Unit]("unit", "once", "month", "quarter", "half_year", "year")

// ParseUnit returns the unit with that wire name.
func ParseUnit(s string) (Unit, error) { return units.Parse(s) }

func (u Unit) String() string { return units.Name(u) }

// Chinese returns the unit as the pages write it.
func (u Unit) Chinese() string {
	return [...]string{"", "一次", "每月", "每季度", "每半年", "每年"}[min(u, UnitYear)]
}

// MarshalText writes the wire name.
func (u Unit) MarshalText() ([]byte, error) { return units.Marshal(u) }

// UnmarshalText reads the wire name.
func (u *Unit) UnmarshalText(b []byte) error { return units.Unmarshal(b, u) }

// months returns how many months a period of the unit has, 0 for once.
func (u Unit) months() int {
	return [...]int{0, 0, 1, 3, 6, 12}[min(u, UnitYear)]
}

// A Period (所属期) is a year, half-year, quarter or month: 2019, 2019-H1, 2019-Q3,
// 2019-08. The empty Period is none. Periods of one unit compare with < and >.
type Period string

// The years a period may lie in: what was ever accepted stays readable.
const (
	minPeriodYear = 1900
	maxPeriodYear = 2199
)

// ParsePeriod reads a period.
func ParsePeriod(s string) (Period, error) {
	if p := Period(s); p.Unit() != 0 {
		return p, nil
	}
	return "", fmt.Errorf("%q 不是所属期，请写成 2019、2019-H1、2019-Q3 或 2019-08 / %q is no period, write 2019, 2019-H1, 2019-Q3 or 2019-08", s, s)
}

// Unit returns the unit of p, 0 if p is no period.
func (p Period) Unit() Unit {
	_, _, u := p.parts()
	return u
}

// parts returns the year, which of the year's periods of the unit p is, from 1,
// and the unit, 0 if p is no period.
func (p Period) parts() (year, n int, u Unit) {
	if len(p) < len("2019") {
		return 0, 0, 0
	}
	year, ok := digits(string(p[:4]))
	if !ok || year < minPeriodYear || year > maxPeriodYear {
		return 0, 0, 0
	}
	rest := string(p[4:])
	switch {
	case rest == "":
		return year, 1, UnitYear
	case len(rest) != len("-H1") || rest[0] != '-':
		return 0, 0, 0
	case rest[1] == 'H':
		u, rest = UnitHalfYear, rest[2:]
	case rest[1] == 'Q':
		u, rest = UnitQuarter, rest[2:]
	default:
		u, rest = UnitMonth, rest[1:]
	}
	n, ok = digits(rest)
	if !ok || n < 1 || n > 12/u.months() {
		return 0, 0, 0
	}
	return year, n, u
}

// digits reads a number of ASCII digits and nothing else.
func digits(s string) (n int, ok bool) {
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, true
}

// PeriodOf returns the period of the unit in which d lies, none for UnitOnce or
// if d is none.
func PeriodOf(u Unit, d Date) Period {
	if d == "" || u.months() == 0 {
		return ""
	}
	t := d.Start()
	return periodAt(t.Year(), (int(t.Month())-1)/u.months()+1, u)
}

func periodAt(year, n int, u Unit) Period {
	y := strconv.Itoa(year)
	switch u {
	case UnitMonth:
		return Period(fmt.Sprintf("%s-%02d", y, n))
	case UnitQuarter:
		return Period(fmt.Sprintf("%s-Q%d", y, n))
	case UnitHalfYear:
		return Period(fmt.Sprintf("%s-H%d", y, n))
	default:
		return Period(y)
	}
}

// First returns the first day of p, none if p is no period.
func (p Period) First() Date {
	year, n, u := p.parts()
	if u == 0 {
		return ""
	}
	return Of(year, time.Month((n-1)*u.months()+1), 1)
}

// Last returns the last day of p, none if p is no period.
func (p Period) Last() Date {
	year, n, u := p.parts()
	if u == 0 {
		return ""
	}
	return Of(year, time.Month(n*u.months()+1), 0)
}

// Next returns the period after p, none if p is no period.
func (p Period) Next() Period {
	year, n, u := p.parts()
	switch {
	case u == 0:
		return ""
	case n == 12/u.months():
		return periodAt(year+1, 1, u)
	default:
		return periodAt(year, n+1, u)
	}
}

// Contains reports whether d lies in p.
func (p Period) Contains(d Date) bool { return p != "" && PeriodOf(p.Unit(), d) == p }

// Chinese returns the period as the pages write it: 2019年8月.
func (p Period) Chinese() string {
	year, n, u := p.parts()
	switch y := strconv.Itoa(year) + "年"; u {
	case UnitYear:
		return y
	case UnitHalfYear:
		return y + [...]string{"上半年", "下半年"}[n-1]
	case UnitQuarter:
		return y + [...]string{"一", "二", "三", "四"}[n-1] + "季度"
	case UnitMonth:
		return y + strconv.Itoa(n) + "月"
	default:
		return string(p)
	}
}
