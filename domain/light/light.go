// Package light computes the lights (亮灯): what an office sees at a glance about
// a share or a finding on a given day.
//
// A light is never stored as an event. It follows from events, a calendar and
// dated rules, and always names the events and the rule behind it. Because the
// facts of a share change only with events, each light fires over whole spans
// of days: Of… returns these Windows, and the light on a day D is the worst
// window that contains D. Read models keep windows, so that a new day, or
// another day asked for, needs no recomputation.
package light

import (
	"cmp"
	"slices"

	"duban/domain/calendar"
	"duban/domain/enum"
	"duban/domain/finding"
	"duban/domain/task"
)

// Light is one signal.
type Light uint8

// The lights, worst first. Red stands before yellow, blue and grey.
const (
	Overdue              Light = iota + 1 // 逾期, red
	RectificationOverdue                  // 整改逾期, red
	DueSoon                               // 临期, yellow
	Undated                               // 未定时限, grey
	Paused                                // 中止, grey
	Normal                                // 正常, green
)

var lights = enum.New[Light]("light", "overdue", "rectification_overdue", "due_soon", "undated", "suspended", "normal")

// Parse returns the light with that wire name.
func Parse(s string) (Light, error) { return lights.Parse(s) }

// Names returns the wire names of all lights, worst first.
func Names() []string { return lights.Names() }

func (l Light) String() string { return lights.Name(l) }

// Chinese returns the light as the pages write it.
func (l Light) Chinese() string {
	return [...]string{"", "逾期", "整改逾期", "临期", "未定时限", "中止", "正常"}[min(l, Normal)]
}

// MarshalText writes the wire name.
func (l Light) MarshalText() ([]byte, error) { return lights.Marshal(l) }

// UnmarshalText reads the wire name.
func (l *Light) UnmarshalText(b []byte) error { return lights.Unmarshal(b, l) }

// Colour is what a light looks like.
func (l Light) Colour() string {
	switch l {
	case Overdue, RectificationOverdue:
		return "red"
	case DueSoon:
		return "yellow"
	case Normal:
		return "green"
	default:
		return "grey"
	}
}

// Rules are the thresholds in force. Days are calendar days, WorkingDays count
// working days after the day itself.
type Rules struct {
	Version            string `json:"version"`
	DueSoonDays        int    `json:"due_soon_days"`
	UndatedWorkingDays int    `json:"undated_working_days"`
}

// DefaultRules are those of the agreed domain, in force until an event sets others.
func DefaultRules() Rules { return Rules{Version: "default-1", DueSoonDays: 7, UndatedWorkingDays: 10} }

// A Window is a span of days over which a light fires.
type Window struct {
	Light       Light
	From        calendar.Date // first day
	Until       calendar.Date // last day; none: until something happens
	Deadline    calendar.Date // what days are counted from, none if the light has no deadline
	Provisional bool          // rests on a year without a published calendar
	Events      []string      // ids of the events behind it
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

// On returns the worst window that contains d; ok is false if none does.
func On(windows []Window, d calendar.Date) (w Window, ok bool) {
	for _, x := range windows {
		if x.Contains(d) && (!ok || x.Light < w.Light) {
			w, ok = x, true
		}
	}
	return w, ok
}

// OfShare returns the windows of one share of a task, in the order they begin.
func OfShare(s task.State, sh task.Share, r Rules, w calendar.Workdays) []Window {
	if !s.Open() || !sh.Status.Active() || sh.Status == task.ShareAccepted {
		return nil
	}
	if sh.Suspended.Done() {
		return []Window{{Light: Paused, From: calendar.On(sh.Suspended.Time), Events: []string{sh.Suspended.Event}}}
	}
	var out []Window
	d, ok := s.Governing(sh.Office)
	if !ok || d.Date == "" {
		if s.Kind == task.KindOneOff {
			last, provisional := w.After(calendar.On(s.Docketed.Time), r.UndatedWorkingDays)
			out = append(out, Window{Light: Undated, From: last.AddDays(1), Provisional: provisional, Events: []string{s.Docketed.Event}})
		}
		return out
	}
	behind := []string{sh.Assigned.Event, d.Event}
	request, pending := sh.Pending()
	if !pending {
		out = append(out, Window{Light: DueSoon, From: d.Date.AddDays(-r.DueSoonDays), Until: d.Date, Deadline: d.Date, Events: behind})
	}
	if !pending || calendar.On(request.Time) > d.Date {
		if pending {
			behind = append(behind, request.Event)
		}
		out = append(out, Window{Light: Overdue, From: d.Date.AddDays(1), Deadline: d.Date, Events: behind})
	}
	slices.SortStableFunc(out, func(a, b Window) int { return cmp.Compare(a.From, b.From) })
	return out
}

// OfFinding returns the windows of a finding: it is overdue while the order to put
// it right stands and nothing was reported for it. A report ends the light,
// however late it came; a failed re-inspection does not light it again before
// there is a new order with a new deadline.
func OfFinding(f finding.State) []Window {
	if f.Status != finding.StatusOrdered || f.Deadline.On == "" {
		return nil
	}
	behind := []string{f.Order.Event}
	if f.Deadline.Event != f.Order.Event {
		behind = append(behind, f.Deadline.Event)
	}
	return []Window{{Light: RectificationOverdue, From: f.Deadline.On.AddDays(1), Deadline: f.Deadline.On, Events: behind}}
}
