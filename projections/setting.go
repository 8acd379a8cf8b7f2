package projections

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/ncruces/go-sqlite3"

	"duban/domain"
	"duban/domain/calendar"
	"duban/domain/light"
	"duban/domain/policy"
	"duban/domain/workyear"
)

// Lights rest on published years and on rules that are aggregates themselves. They
// stand in tables of their own, written before all that is lit by them; the
// setting is a function of these tables.

// dark is the setting before any year or rule is known.
func dark() light.Setting {
	return light.Setting{Rules: policy.Default(), Workdays: workyear.Workdays(nil)}
}

// settingOf reads the setting a database's rows are lit by.
func settingOf(c *conn) (light.Setting, error) { return settingIn(c, "") }

// settingIn is settingOf for one of several databases, named with a dot.
func settingIn(c *conn, schema string) (light.Setting, error) {
	set := dark()
	var years []workyear.State
	err := c.each("SELECT doc FROM "+schema+"calendar ORDER BY id", nil, func(s *sqlite3.Stmt) error {
		var v CalendarView
		err := json.Unmarshal(s.ColumnRawBlob(0), &v)
		years = append(years, v.state())
		return err
	})
	if err != nil {
		return set, fmt.Errorf("read the calendars: %w", err)
	}
	set.Workdays = workyear.Workdays(years)
	v, err := policyIn(c, schema)
	set.Rules = v.state().Rules()
	return set, err
}

// policyIn reads the rules in force; the zero view is none but the default ones.
func policyIn(c *conn, schema string) (PolicyView, error) {
	var v PolicyView
	var failed error
	_, err := c.one("SELECT doc FROM "+schema+"policy WHERE id=?", []any{policy.Ref().ID}, func(s *sqlite3.Stmt) {
		failed = json.Unmarshal(s.ColumnRawBlob(0), &v)
	})
	if err = errors.Join(err, failed); err != nil {
		return v, fmt.Errorf("read the rules of the lights: %w", err)
	}
	return v, nil
}

// setting returns what the lights of a view's single things rest on: the rows as
// long as they stand for the cut, otherwise what was known at the cut.
func (v *View) setting(c *conn, k cut) (light.Setting, error) {
	if v.live {
		return settingOf(c)
	}
	set := dark()
	var years []workyear.State
	for _, kind := range []domain.Kind{domain.KindCalendar, domain.KindPolicy} {
		var refs []domain.Ref
		if err := c.each("SELECT DISTINCT id FROM trail WHERE kind=? AND seq<=? ORDER BY id", []any{int(kind), k.seq}, func(s *sqlite3.Stmt) error {
			refs = append(refs, domain.Ref{Kind: kind, ID: s.ColumnText(0)})
			return nil
		}); err != nil {
			return set, err
		}
		for _, ref := range refs {
			state, _, err := v.m.at(c, ref, k)
			switch s := state.(type) {
			case *workyear.State:
				years = append(years, *s)
			case *policy.State:
				if ref == policy.Ref() {
					set.Rules = s.Rules()
				}
			}
			if err != nil && !errors.Is(err, ErrNotFound) {
				return set, err
			}
		}
	}
	set.Workdays = workyear.Workdays(years)
	return set, nil
}

// A lamp shows lights: on a day, by the versions of rules and calendar the windows
// were made with.
type lamp struct {
	today           calendar.Date
	rules, calendar string
}

func lampOf(set light.Setting, today calendar.Date) lamp {
	return lamp{today, set.Rules.Version, set.Workdays.Version}
}

// lampIn returns the lamp of a database's rows.
func lampIn(c *conn, today calendar.Date) (lamp, error) {
	l := lamp{today: today}
	found, err := c.one("SELECT rules, calendar FROM meta", nil, func(s *sqlite3.Stmt) { l.rules, l.calendar = s.ColumnText(0), s.ColumnText(1) })
	if err == nil && !found {
		err = errors.New("the read model names no rules")
	}
	return l, err
}

// show describes the worst of the windows; where there is none the light is normal.
func (l lamp) show(windows []light.Window) LightView {
	w, ok := light.On(windows, l.today)
	if !ok {
		w = light.Window{Light: light.Normal}
	}
	v := LightView{
		Light: w.Light.String(), Chinese: w.Light.Chinese(), Colour: w.Light.Colour(),
		Since: w.From, Deadline: w.Deadline, Period: w.Period, Provisional: w.Provisional, EventIDs: w.Events,
		RuleVersion: l.rules, CalendarVersion: l.calendar,
	}
	if ok {
		v.Days = w.Days(l.today)
	}
	if v.EventIDs == nil {
		v.EventIDs = []string{}
	}
	return v
}

// Rows.

func writeCalendar(w *rowWriter, a *aggregate, s workyear.State) error {
	return w.writeBasis("calendar", a, len(s.Versions), calendarView(a.standing, s))
}

func writePolicy(w *rowWriter, a *aggregate, s policy.State) error {
	return w.writeBasis("policy", a, len(s.Versions), policyView(a.standing, s))
}

// writeBasis writes the row of something lights rest on.
func (w *rowWriter) writeBasis(table string, a *aggregate, versions int, view any) error {
	w.moved = true
	if versions == 0 {
		return w.replace("DELETE FROM "+table+" WHERE n=?", a.first)
	}
	doc, err := encode(view)
	if err != nil {
		return err
	}
	return w.run("INSERT INTO "+table+"(n, id, doc) VALUES(?, ?, ?) ON CONFLICT(n) DO UPDATE SET doc=excluded.doc", a.first, a.ref.ID, doc)
}

func calendarView(st standing, s workyear.State) CalendarView {
	v := CalendarView{ID: st.ref.ID, Version: st.version, Sequence: st.last, UnknownEvents: st.unknown}
	for i, p := range s.Versions {
		v.Versions = append(v.Versions, CalendarVersion{
			CalendarVersion: fmt.Sprintf("%d.%d", p.Year.Year, i+1), Off: p.Off, Worked: p.Worked,
			Source: p.Source, EventID: p.Event, PublishedOn: calendar.On(p.Time),
		})
		v.Year = p.Year.Year
	}
	if n := len(v.Versions); n > 0 {
		v.CalendarVersion = v.Versions[n-1]
	}
	return v
}

// state returns as much of a year's state as working days rest on.
func (v CalendarView) state() workyear.State {
	var s workyear.State
	for _, p := range v.Versions {
		s.Versions = append(s.Versions, workyear.Version{Year: calendar.Year{Year: v.Year, Off: p.Off, Worked: p.Worked}})
	}
	return s
}

func policyView(st standing, s policy.State) PolicyView {
	v := PolicyView{Version: st.version, Sequence: st.last, UnknownEvents: st.unknown}
	set := policy.State{}
	for _, p := range s.Versions {
		set.Versions = append(set.Versions, p)
		v.Versions = append(v.Versions, RulesView{Rules: set.Rules(), Reason: p.Reason, EventID: p.Event, SetOn: calendar.On(p.Time)})
	}
	if n := len(v.Versions); n > 0 {
		v.RulesView = v.Versions[n-1]
	}
	return v
}

func (v PolicyView) state() policy.State {
	var s policy.State
	for _, p := range v.Versions {
		s.Versions = append(s.Versions, policy.Version{Lights: p.Lights})
	}
	return s
}
