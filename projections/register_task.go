package projections

import (
	"slices"

	"duban/domain/calendar"
	"duban/domain/directive"
	"duban/domain/light"
	"duban/domain/task"
)

// A taskDoc is what a task's row holds beside its columns: the view as far as the
// task's own events tell it. Office names, the clause's text, the directive's
// title and the lights of a day are added when it is read.
type taskDoc struct {
	TaskView
	Light  *LightView `json:"light,omitempty"` // hides the view's, which depends on the day
	Shares []shareDoc `json:"shares"`
}

// A shareDoc is a share in a taskDoc.
type shareDoc struct {
	ShareView
	Light   *LightView     `json:"light,omitempty"`
	Windows []light.Window `json:"windows,omitempty"`
}

// A shareRow is one row of the table share with its spans.
type shareRow struct {
	office, handler string
	status          int
	active, open    bool
	voided          bool
	spans           []span
}

func (r shareRow) equal(o shareRow) bool {
	return r.office == o.office && r.handler == o.handler && r.status == o.status && r.active == o.active &&
		r.open == o.open && r.voided == o.voided && slices.Equal(r.spans, o.spans)
}

// A taskRow is what a task's columns and dependent rows hold, kept to write only
// what changed.
type taskRow struct {
	directive         string
	number, part      int
	kind, status, due int
	active            int
	shares            []shareRow
	spans             []span
	records           []recordRow
	reports           []reportRow
}

func writeTask(w *rowWriter, a *aggregate, s task.State) error {
	if !s.Exists() {
		a.written = nil
		return w.deleteTask(a.first)
	}
	duties, err := w.names.duties(s.Directive.ID)
	if err != nil {
		return err
	}
	doc := documentTask(a.standing, s, duties, w.setting)
	b, err := encode(doc)
	if err != nil {
		return err
	}
	row := rowOfTask(s, doc)
	row.records, row.reports = recordsOf(s, doc)
	old, known := a.written.(*taskRow)
	if !known || old.directive != row.directive || old.number != row.number || old.part != row.part || len(old.records) > len(row.records) {
		if err := w.forgetRecords(a.first); err != nil {
			return err
		}
		old, known = &taskRow{}, false
	}
	if err := w.noteRoster(a.first, old, row, known); err != nil {
		return err
	}
	if known && old.directive == row.directive && old.number == row.number && old.part == row.part && old.kind == row.kind &&
		old.status == row.status && old.due == row.due && old.active == row.active {
		err = w.run(`UPDATE task SET sequence=?, doc=? WHERE n=?`, a.last, b, a.first)
	} else {
		err = w.run(`INSERT INTO task(n, id, directive, number, part, kind, status, due, due_desc, shares, sequence, doc)
			VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT(n) DO UPDATE SET directive=excluded.directive, number=excluded.number, part=excluded.part,
			kind=excluded.kind, status=excluded.status, due=excluded.due, due_desc=excluded.due_desc, shares=excluded.shares,
			sequence=excluded.sequence, doc=excluded.doc`,
			a.first, a.ref.ID, row.directive, row.number, row.part, row.kind, row.status, row.due, latestFirst(row.due), row.active, a.last, b)
	}
	if err != nil {
		return err
	}
	if !known || !slices.EqualFunc(old.shares, row.shares, shareRow.equal) {
		if err := w.writeShares(a.first, row.shares); err != nil {
			return err
		}
	}
	if err := w.writeTaskSpans(a.first, old, row, known); err != nil {
		return err
	}
	if err := w.writeRecords(a.first, old, row); err != nil {
		return err
	}
	a.written = row
	return nil
}

func (w *rowWriter) deleteTask(n uint64) error {
	if err := w.forgetRecords(n); err != nil {
		return err
	}
	old, err := w.litRows(n)
	if err != nil {
		return err
	}
	if err := w.writeLit(n, old, nil); err != nil {
		return err
	}
	for _, sql := range []string{"DELETE FROM share WHERE task=?", deleteShareSpans, "DELETE FROM task WHERE n=?"} {
		if err := w.replace(sql, n); err != nil {
			return err
		}
	}
	if !w.empty && w.Changes() > 0 {
		w.books.roster = true
	}
	return nil
}

// The light tables are keyed by light; the rows of one task are found through
// the other index.
const deleteShareSpans = `DELETE FROM share_light WHERE (light, office, task, ord, since) IN
	(SELECT light, office, task, ord, since FROM share_light INDEXED BY share_light_task WHERE task=?)`

func (w *rowWriter) writeShares(n uint64, shares []shareRow) error {
	if err := w.replace("DELETE FROM share WHERE task=?", n); err != nil {
		return err
	}
	if err := w.replace(deleteShareSpans, n); err != nil {
		return err
	}
	for ord, sh := range shares {
		if err := w.run(`INSERT INTO share(task, ord, office, handler, status, active, open, voided) VALUES(?, ?, ?, ?, ?, ?, ?, ?)`,
			n, ord, sh.office, sh.handler, sh.status, sh.active, sh.open, sh.voided); err != nil {
			return err
		}
		for _, sp := range sh.spans {
			if err := w.run(`INSERT INTO share_light(light, office, task, ord, since, until) VALUES(?, ?, ?, ?, ?, ?)`,
				int(sp.light), sh.office, n, ord, sp.since, sp.until); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *rowWriter) writeTaskSpans(n uint64, old, row *taskRow, known bool) (err error) {
	before, rows := old.litRows(), row.litRows()
	if !known {
		if before, err = w.litRows(n); err != nil {
			return err
		}
	}
	return w.writeLit(n, before, rows)
}

// rowOfTask returns the columns. A voided task and a share that was handed on
// have no light at all; they are counted nowhere.
func rowOfTask(s task.State, doc taskDoc) *taskRow {
	voided := s.Voided.Done()
	row := &taskRow{
		directive: s.Directive.ID, number: s.Number, part: s.Part,
		kind: int(s.Kind), status: int(s.Status()), due: noDay,
	}
	if doc.Deadline != nil {
		row.due = day(doc.Deadline.Date)
	}
	var all []light.Window
	for i, sh := range s.Shares {
		r := shareRow{
			office: sh.Office.ID, handler: sh.Handler.ID, status: int(sh.Status), active: sh.Status.Active(), voided: voided,
			open: s.Open() && sh.Status.Active() && sh.Status != task.ShareAccepted,
		}
		if r.active {
			row.active++
			if !voided {
				r.spans = spans(doc.Shares[i].Windows)
			}
		}
		all = append(all, doc.Shares[i].Windows...)
		row.shares = append(row.shares, r)
	}
	if !voided {
		row.spans = spans(all)
	}
	return row
}

func documentTask(st standing, s task.State, duties directive.Duties, set light.Setting) taskDoc {
	status := s.Status()
	doc := taskDoc{TaskView: TaskView{
		ID: st.ref.ID, Directive: s.Directive.ID, Number: s.Number, Path: orEmpty(s.Path), Part: s.Part, Text: s.Text, TextSHA256: s.TextSHA256,
		Status: status.String(), StatusChinese: status.Chinese(), Findings: ids(s.Findings),
		Children: ids(s.Children), Consolidated: s.Into.ID,
		Version: st.version, Sequence: st.last, UpdatedAt: st.updated.In(calendar.Zone), UnknownEvents: st.unknown,
	}}
	for _, l := range s.Links {
		doc.Links = append(doc.Links, LinkView{Task: l.To.ID, Relation: l.Relation.String(), Chinese: l.Relation.Chinese(), EventID: l.Event})
	}
	for _, r := range s.Revisions {
		doc.Revisions = append(doc.Revisions, TaskRevision{By: r.By, EffectiveOn: r.EffectiveOn, EarlierSHA256: r.EarlierSHA256, EventID: r.Event})
	}
	if s.Kind != 0 {
		doc.Kind, doc.KindChinese = s.Kind.String(), s.Kind.Chinese()
	}
	if s.Schedule != nil {
		doc.Schedule, _ = encode(s.Schedule) // plain texts always encode
	}
	doc.Shares = make([]shareDoc, len(s.Shares))
	for i, sh := range s.Shares {
		doc.Shares[i] = shareDoc{ShareView: viewShare(s, sh), Windows: light.OfShare(s, sh, duties, set)}
	}
	doc.Deadline = earliest(s, doc.Shares)
	return doc
}

func viewShare(s task.State, sh task.Share) ShareView {
	v := ShareView{
		Office: Named{ID: sh.Office.ID}, PrintedRole: sh.PrintedRole,
		Status: sh.Status.String(), StatusChinese: sh.Status.Chinese(),
		Since: sh.Since.Time.In(calendar.Zone), EventID: sh.Since.Event,
		Suspended:  sh.Suspended.Done(),
		AssignedOn: on(sh.Assigned), SignedOn: signedOn(sh), Handler: sh.Handler.ID, Returns: sh.Returns,
	}
	if sh.Role != 0 {
		v.Role = sh.Role.String()
	}
	v.Deadline = deadlineOf(s, sh)
	if d, ok := s.Stated(sh.Office); ok {
		v.Stated = viewDeadline(d)
	}
	for _, d := range s.Deadlines {
		if d.Source == task.DeadlineProposed && d.Office == sh.Office {
			v.Proposed = viewDeadline(d) // the latest
		}
	}
	if r, ok := sh.Pending(); ok {
		v.RequestedOn = on(r.Act)
	}
	if x, ok := sh.Extension(); ok {
		v.Extension = x.NewDate
	}
	if r, ok := sh.LastReport(); ok {
		v.ReportedOn, v.Progress = on(r.Act), r.Progress
	}
	if sh.Plan != nil {
		v.Person, v.Leader = sh.Plan.ResponsiblePerson, sh.Plan.SupervisingLeader
		for _, m := range sh.Plan.Measures {
			v.Measures = append(v.Measures, MeasureView(m))
		}
	}
	if onTime, ok := s.OnTime(sh); ok {
		v.OnTime = &onTime
	}
	return v
}

// viewPeriods shows the periods of a recurring share that have begun on the day of
// the lamp, and later ones that were asked for.
func viewPeriods(s task.State, sh task.Share, set light.Setting, lit lamp) []PeriodView {
	var out []PeriodView
	asked := 0
	for _, r := range sh.Requests {
		asked = max(asked, day(r.Period.First()))
	}
	for p := range s.Occurrences(sh) {
		begun := p.Period.First() <= lit.today
		if !begun && day(p.Period.First()) > asked {
			break
		}
		if !begun && !p.Request.Done() {
			continue
		}
		v := PeriodView{
			Period: p.Period, Chinese: p.Period.Chinese(), Due: p.Due, Status: PeriodOpen,
			RequestedOn: on(p.Request.Act), AcceptedOn: on(p.Request.Accepted), Light: lit.show(light.OfPeriod(s, sh, p, set)),
		}
		switch {
		case p.Accepted:
			onTime := v.RequestedOn <= p.Due
			v.Status, v.OnTime = PeriodAccepted, &onTime
		case p.Requested():
			v.Status = PeriodRequested
		case p.Request.Done():
			v.Status = PeriodReturned
		}
		out = append(out, v)
	}
	return out
}

// signedOn: a first report or request signs as well.
func signedOn(sh task.Share) calendar.Date {
	switch {
	case !sh.Acknowledged.Done():
		return on(sh.Started)
	case sh.Started.Done() && sh.Started.Time.Before(sh.Acknowledged.Time):
		return on(sh.Started)
	default:
		return on(sh.Acknowledged)
	}
}

func on(a task.Act) calendar.Date {
	if !a.Done() {
		return ""
	}
	return calendar.On(a.Time)
}

func viewDeadline(d task.Deadline) *DeadlineView {
	return &DeadlineView{Date: d.Date, Words: d.Words, Source: d.Source.String(), EventID: d.Event, Office: d.Office.ID}
}

// deadlineOf returns the deadline a share is measured by: that of the first period
// not accepted where it recurs, otherwise the one that governs.
func deadlineOf(s task.State, sh task.Share) *DeadlineView {
	if o, ok := s.NextDue(sh); ok {
		source := deadlineScheduled
		if o.Due != s.Schedule.On(o.Period) {
			source = task.DeadlineGranted.String()
		}
		return &DeadlineView{Date: o.Due, Period: o.Period, Source: source, EventID: o.Events[len(o.Events)-1]}
	}
	if d, ok := s.Governing(sh.Office); ok {
		return viewDeadline(d)
	}
	return nil
}

// deadlineScheduled is the source of a period's deadline that follows from the
// schedule.
const deadlineScheduled = "scheduled"

// earliest returns the deadline that comes first among the shares still to be
// done, or among all active ones when none is; words come after dates.
func earliest(s task.State, shares []shareDoc) *DeadlineView {
	var best *DeadlineView
	take := func(d *DeadlineView) {
		if d != nil && (best == nil || d.Date != "" && (best.Date == "" || d.Date < best.Date)) {
			best = d
		}
	}
	for _, wantOpen := range []bool{true, false} {
		for i, sh := range s.Shares {
			if sh.Status.Active() && (sh.Status != task.ShareAccepted) == wantOpen {
				take(shares[i].Deadline)
			}
		}
		if best != nil {
			return best
		}
	}
	if len(s.Shares) == 0 {
		for _, d := range s.Deadlines {
			if d.Source != task.DeadlineProposed && d.Office.IsZero() {
				take(viewDeadline(d))
			}
		}
	}
	return best
}
