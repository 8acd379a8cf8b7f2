package calendar

import "duban/domain/enum"

// DueIn says in which month a due day lies.
type DueIn uint8

// The months meant.
const (
	DueInPeriod DueIn = iota + 1 // 当月: the last month of the period
	DueInNext                    // 次月: the month after the period
)

var dueIns = enum.New[DueIn]("month of a due day", "period", "next")

func (i DueIn) String() string { return dueIns.Name(i) }

// MarshalText writes the wire name.
func (i DueIn) MarshalText() ([]byte, error) { return dueIns.Marshal(i) }

// UnmarshalText reads the wire name.
func (i *DueIn) UnmarshalText(b []byte) error { return dueIns.Unmarshal(b, i) }

// Due is the day by which what belongs to a period is due: 每月25日前 is day 25 in
// the period, 次月5日前 day 5 of the next month. The zero Due is the period's last
// day.
type Due struct {
	Day int   `json:"due_day,omitempty" doc:"到期日，1 至 31；月内没有这一天的为月末"`
	In  DueIn `json:"due_in,omitzero" doc:"period 所属期的最后一个月，next 次月（缺省）"`
}

// maxDueDay is the last day a month can have.
const maxDueDay = 31

// Valid reports whether the day is one that months have, or none is given.
func (d Due) Valid() bool {
	return d.Day >= 0 && d.Day <= maxDueDay && (d.Day > 0 || d.In == 0) && d.In <= DueInNext
}

// On returns the day by which p is due, none if p is no period. A day past the
// month's end means its last day.
func (d Due) On(p Period) Date {
	last := p.Last()
	if d.Day == 0 || last == "" {
		return last
	}
	t := last.Start()
	year, month := t.Year(), t.Month()
	if d.In != DueInPeriod {
		month++
	}
	end := Of(year, month+1, 0)
	return min(Of(year, month, d.Day), end)
}
