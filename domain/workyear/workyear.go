// Package workyear is the working calendar of one year (工作日历): which days are
// off and which weekend days are worked, as the State Council publishes it every
// autumn.
//
// A year may be published again: the spring festival of 2020 was prolonged when it
// had begun. Each publication is a version of its own (2020.1, 2020.2) and takes
// the place of the one before; what was computed with an earlier one is computed
// with it again where a question is asked as known then.
//
// The subject is calendar/YEAR, so that a year has one history. Package calendar
// counts days with what is published here.
package workyear

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"duban/domain"
	"duban/domain/calendar"
)

// Mark names an event and when it happened.
type Mark struct {
	Event string
	Time  time.Time
}

// A Version is one publication of a year.
type Version struct {
	Mark
	calendar.Year
	Source string // the document
}

// State is one year. The zero value is nothing published yet.
type State struct {
	ID       domain.Ref
	Versions []Version // in the order they were published here
}

// Latest returns the version that counts; ok is false before the first.
func (s State) Latest() (v Version, ok bool) {
	if len(s.Versions) == 0 {
		return Version{}, false
	}
	return s.Versions[len(s.Versions)-1], true
}

// Ref returns the subject of a year's calendar.
func Ref(year int) domain.Ref { return domain.Ref{Kind: domain.KindCalendar, ID: strconv.Itoa(year)} }

// NoVersion is the version of a calendar made of nothing.
const NoVersion = "none"

// Workdays returns the calendar that several years make together. Its version
// names the last version of each, in the order of years: 2019.1+2020.2.
func Workdays(states []State) calendar.Workdays {
	type known struct {
		year    calendar.Year
		version string
	}
	var all []known
	for _, s := range states {
		if v, ok := s.Latest(); ok {
			all = append(all, known{v.Year, fmt.Sprintf("%d.%d", v.Year.Year, len(s.Versions))})
		}
	}
	slices.SortFunc(all, func(a, b known) int { return cmp.Compare(a.year.Year, b.year.Year) })
	var years []calendar.Year
	var versions []string
	for _, k := range all {
		years, versions = append(years, k.year), append(versions, k.version)
	}
	return calendar.NewWorkdays(cmp.Or(strings.Join(versions, "+"), NoVersion), years...)
}

// Acts returns the commands of a year's calendar.
func Acts() []domain.Act {
	return []domain.Act{
		{Name: "publish", Chinese: "发布工作日历", Ask: &YearPublished{}, By: []domain.Role{domain.RoleSafetyOffice}},
	}
}

// Allowed returns the names of the acts the state allows.
func Allowed(State) []string { return []string{"publish"} }

// Decide says what happens when the command is given in the state.
func Decide(s State, c domain.Command) ([]domain.Event, error) {
	if err := c.Check(Acts()); err != nil {
		return nil, err
	}
	e := c.Event()
	if err := admit(s, e); err != nil {
		return nil, err
	}
	return []domain.Event{e}, nil
}

// CheckHistory refuses a history that could not have happened.
func CheckHistory(history []domain.Event) error {
	return domain.CheckHistory(history, Acts(), admit, Evolve)
}

// Replay folds a history into a state.
func Replay(history []domain.Event) State { return domain.Fold(history, Evolve) }

func admit(s State, e domain.Event) error {
	p, ok := e.Data.(*YearPublished)
	if !ok {
		return errors.New("workyear: event of another aggregate: " + e.Data.EventType())
	}
	if e.Subject != Ref(p.Year) {
		return domain.Invalid("calendar.year_published.year", "year",
			fmt.Sprintf("%d 年的工作日历不属于 %s", p.Year, e.Subject), fmt.Sprintf("the calendar of %d does not belong to %s", p.Year, e.Subject))
	}
	v, published := s.Latest()
	if !published {
		return nil
	}
	if e.Time.Before(v.Time) {
		return domain.Illegal("calendar.year_published.time",
			"发生时间早于现行版本的发布时间，请改正 time", "the time lies before the version in force: correct it")
	}
	if v.Year.Equal(p.calendar()) {
		return domain.Illegal("calendar.year_published.same",
			fmt.Sprintf("%d 年已按同样的安排发布", p.Year), fmt.Sprintf("%d is published with the same days already", p.Year)).Now(Allowed(s))
	}
	return nil
}

// Evolve returns the state after the event.
func Evolve(s State, e domain.Event) State {
	if p, ok := e.Data.(*YearPublished); ok {
		s.ID = e.Subject
		s.Versions = append(slices.Clone(s.Versions), Version{Mark{e.ID, e.Time}, p.calendar(), p.Source})
	}
	return s
}
