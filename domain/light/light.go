// Package light computes the lights (亮灯): what an office sees at a glance about
// a share or a finding on a given day.
//
// A light is never stored as an event. It follows from events, a calendar and
// dated rules, and always names the events and the rule behind it. Because the
// facts of a share change only with events, each light fires over whole spans
// of days: Of… returns these Windows, and the light on a day D is the worst
// window that contains D. Read models keep windows, so that a new day, or
// another day asked for, needs no recomputation.
//
// A duty that recurs has no end of periods, but few windows: the first period that
// is neither done nor asked to be closed turns red and stays so, and what comes
// later can't be worse. So a new month or year needs no event and no computation.
package light

import (
	"slices"

	"duban/domain/calendar"
	"duban/domain/enum"
	"duban/domain/policy"
)

// Light is one signal.
type Light uint8

// The lights, worst first: red, then yellow, blue, grey and green. An attestation
// that is due turns from yellow to red with the year's end and keeps its name.
const (
	Overdue              Light = iota + 1 // 逾期, red
	RectificationOverdue                  // 整改逾期, red
	AttestationOverdue                    // 待确认, red
	DueSoon                               // 临期, yellow
	Unsigned                              // 未签收, yellow
	Unreported                            // 未报送, yellow
	Stagnant                              // 停滞, yellow
	ReinspectionDue                       // 待复查, yellow
	AttestationDue                        // 待确认, yellow
	AwaitingReview                        // 待审核, blue
	Undated                               // 未定时限, grey
	Paused                                // 中止, grey
	Normal                                // 正常, green
)

var lights = enum.New[Light]("light", "overdue", "rectification_overdue", "attestation_due", "due_soon", "unsigned", "unreported",
	"stagnant", "reinspection_due", "attestation_due", "awaiting_review", "undated", "suspended", "normal")

// Named returns the lights with that wire name, worst first.
func Named(s string) ([]Light, error) {
	if _, err := lights.Parse(s); err != nil {
		return nil, err
	}
	var out []Light
	for l := Overdue; l <= Normal; l++ {
		if l.String() == s {
			out = append(out, l)
		}
	}
	return out, nil
}

// Names returns the wire names of all lights, worst first.
func Names() []string {
	var out []string
	for _, n := range lights.Names() {
		if !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	return out
}

func (l Light) String() string { return lights.Name(l) }

// Chinese returns the light as the pages write it.
func (l Light) Chinese() string {
	return [...]string{"", "逾期", "整改逾期", "待确认", "临期", "未签收", "未报送", "停滞", "待复查", "待确认", "待审核", "未定时限", "中止", "正常"}[min(l, Normal)]
}

// Colour is what a light looks like.
func (l Light) Colour() string {
	switch {
	case l <= AttestationOverdue:
		return "red"
	case l <= AttestationDue:
		return "yellow"
	case l == AwaitingReview:
		return "blue"
	case l == Normal:
		return "green"
	default:
		return "grey"
	}
}

// A Setting is what lights rest on beside the events of a share or finding.
type Setting struct {
	Rules    policy.Rules
	Workdays calendar.Workdays
}

// A Window is a span of days over which a light fires.
type Window struct {
	Light       Light
	From        calendar.Date   // first day
	Until       calendar.Date   // last day; none: until something happens
	Deadline    calendar.Date   // what days are counted from, none if the light has no deadline
	Period      calendar.Period // of a duty that recurs
	Provisional bool            // rests on a year without a published calendar
	Events      []string        // ids of the events behind it
}

// Contains reports whether the light fires on d.
func (w Window) Contains(d calendar.Date) bool {
	return w.From <= d && (w.Until == "" || d <= w.Until)
}

// Days returns how many days after (overdue), or before (due soon), the deadline
// d lies; without a deadline, since when the light fires.
func (w Window) Days(d calendar.Date) int {
	switch {
	case w.Deadline == "":
		return d.DaysSince(w.From)
	case d > w.Deadline:
		return d.DaysSince(w.Deadline)
	default:
		return w.Deadline.DaysSince(d)
	}
}

// On returns the worst window that contains d, the one that fires longest among
// equals; ok is false if none does.
func On(windows []Window, d calendar.Date) (w Window, ok bool) {
	for _, x := range windows {
		if x.Contains(d) && (!ok || x.Light < w.Light || x.Light == w.Light && x.From < w.From) {
			w, ok = x, true
		}
	}
	return w, ok
}
