package projections

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"math"
	"strings"

	"github.com/ncruces/go-sqlite3"

	"duban/domain/assessment"
	"duban/domain/calendar"
	"duban/domain/task"
)

// ReportQuery selects lines of the 进展汇总表 of one period: the shares in force on
// a day of it, in the order of directive, clause and share. Empty fields select all.
type ReportQuery struct {
	Period    calendar.Period
	Directive string        // id
	Office    string        // id or name
	Missing   bool          // only those whose report is missing
	Today     calendar.Date // the day as of which reports are missing, and of the lights
	Limit     int           // 1 to 500, default 50
	Cursor    string
}

// A reportLine is one line as the records tell it.
type reportLine struct {
	recordKey
	no       int
	round    assessment.Round // if the answer has an outcome
	answer   assessment.Answer
	done     bool           // the period of a recurring share
	due      assessment.Day // of the period of a recurring share, Never if it has none
	assigned int32          // event
}

func (q ReportQuery) check() error {
	if _, err := dayFor(q.Today); err != nil {
		return err
	}
	if _, err := calendar.ParsePeriod(string(q.Period)); err != nil {
		return &QueryError{Field: "period", Err: err}
	}
	return nil
}

// Reports returns a page of the 进展汇总表.
func (v *View) Reports(ctx context.Context, q ReportQuery) (ReportPage, error) {
	page := ReportPage{Period: q.Period, Page: Page[ReportRow]{Items: []ReportRow{}}}
	limit, err := limitOf(q.Limit)
	if err != nil {
		return page, err
	}
	if err := q.check(); err != nil {
		return page, err
	}
	err = v.lists(ctx, func(c *conn, _ *totals) error {
		digest := queryDigest("reports", v.cut, q.Period, q.Directive, q.Office, q.Missing, q.Today)
		key, err := readCursor(q.Cursor, digest, recordColumns())
		if err != nil {
			return err
		}
		s := &reportSheet{query: q, limit: limit}
		s.after, _ = recordKeyOf(key)
		if err := s.scan(c); err != nil {
			return err
		}
		page.Totals, page.Total = s.totals, s.listed
		if n := len(s.lines); n > 0 && s.more {
			page.Next = cursor{digest, s.lines[n-1].values(0)}.String()
		}
		for r, err := range s.rows(ctx, c) {
			if err != nil {
				return err
			}
			page.Items = append(page.Items, r.ReportRow)
		}
		page.Cutoff, err = v.cutoff(c, q.Today)
		return err
	})
	if err != nil {
		return ReportPage{}, fmt.Errorf("list reports: %w", err)
	}
	return page, nil
}

// EachReport hands over the whole 进展汇总表, row by row: of a month for the sheet
// that goes round, of a year ("2019") for the register of its tasks. Limit and
// Cursor don't count. The page has everything but the rows; both are of one state of
// the ledger, however long f takes.
func (v *View) EachReport(ctx context.Context, q ReportQuery, f func(ReportPage, iter.Seq2[ShareRow, error]) error) error {
	if err := q.check(); err != nil {
		return err
	}
	return v.lists(ctx, func(c *conn, _ *totals) error {
		page := ReportPage{Period: q.Period}
		s := &reportSheet{query: q, limit: math.MaxInt}
		err := s.scan(c)
		if err == nil {
			page.Totals, page.Total = s.totals, s.listed
			page.Cutoff, err = v.cutoff(c, q.Today)
		}
		if err != nil {
			return fmt.Errorf("read the reports of %s: %w", q.Period, err)
		}
		return f(page, s.rows(ctx, c))
	})
}

// A reportSheet gathers the lines of one page, and counts all.
type reportSheet struct {
	query ReportQuery
	limit int
	after *recordKey

	lines  []reportLine
	more   bool
	listed int
	totals ReportTotals
}

func (s *reportSheet) scan(c *conn) error {
	period, today := assessment.PeriodOf(s.query.Period), assessment.DayOf(s.query.Today)
	days := period.Days()
	owed, err := dutiesIn(c, days)
	if err != nil {
		return err
	}
	return records(c, recordFilter{directive: s.query.Directive, office: s.query.Office}, func(at *recordAt) error {
		if at.Held.From > at.Held.Until || at.Held.Until < days.From || at.Held.From > days.Until {
			return nil
		}
		line := reportLine{due: at.Due(period), done: at.Done(period), assigned: at.Assigned.Event}
		if round := roundFor(owed.of(at.directive, at.office), period); round != nil {
			line.round, line.answer = *round, at.Answer(round, today)
		}
		if line.answer.Outcome == 0 {
			line.answer = at.About(period)
		}
		s.totals.count(&line)
		if !s.query.Missing || line.answer.Outcome == assessment.OutcomeMissing {
			s.list(at, line)
		}
		return nil
	})
}

// roundFor returns the round of a period: the period's own, else what is owed once
// and due in it.
func roundFor(rounds []assessment.Round, period assessment.Period) *assessment.Round {
	var once *assessment.Round
	for i := range rounds {
		switch r := &rounds[i]; {
		case r.Period == period:
			return r
		case r.Period == assessment.Period{} && period.Days().Has(r.Days.Until):
			once = r
		}
	}
	return once
}

func (s *reportSheet) list(at *recordAt, line reportLine) {
	s.listed++
	if len(s.lines) == s.limit {
		s.more = true
		return
	}
	line.recordKey, line.no = at.key(), s.listed
	if s.after == nil || line.compare(*s.after) > 0 {
		s.lines = append(s.lines, line)
	}
}

func (t *ReportTotals) count(l *reportLine) {
	t.Shares++
	switch l.answer.Outcome {
	case assessment.OutcomeInTime:
		t.InTime++
	case assessment.OutcomeLate:
		t.Late++
	case assessment.OutcomeMissing:
		t.Missing++
	case assessment.OutcomePending:
		t.Pending++
	}
	t.Due = t.InTime + t.Late + t.Missing
	if l.answer.Outcome != 0 && l.answer.Made && l.answer.Last.Nil {
		t.Nil++
	}
}

// rows completes the lines with what the rows of their tasks say. An error is the
// last thing handed over.
func (s *reportSheet) rows(ctx context.Context, c *conn) iter.Seq2[ShareRow, error] {
	return func(yield func(ShareRow, error) bool) {
		if err := s.complete(ctx, c, func(r ShareRow) bool { return yield(r, nil) }); err != nil {
			yield(ShareRow{}, fmt.Errorf("complete the reports of %s: %w", s.query.Period, err))
		}
	}
}

func (s *reportSheet) complete(ctx context.Context, c *conn, hand func(ShareRow) bool) error {
	lit, err := lampIn(c, s.query.Today)
	if err != nil {
		return err
	}
	names := namesIn(c)
	var doc taskDoc
	var of uint64
	text := ""
	for i := range s.lines {
		l := &s.lines[i]
		if i == 0 || l.task != of {
			if err := ctx.Err(); err != nil {
				return err
			}
			if doc, err = taskOf(c, l.recordKey); err != nil {
				return err
			}
			of = l.task
			if text, err = taskText(doc, names); err != nil {
				return err
			}
		}
		row, err := reportRowOf(c, l, doc, names, lit)
		if err != nil {
			return err
		}
		row.Text = text
		sh := doc.Shares[l.ord]
		if !hand(ShareRow{
			ReportRow: row, KindChinese: doc.KindChinese, AssignedOn: sh.AssignedOn, SignedOn: sh.SignedOn, Returns: sh.Returns, OnTime: sh.OnTime,
		}) {
			return nil
		}
	}
	return nil
}

// taskOf reads the task of a record.
func taskOf(c *conn, k recordKey) (taskDoc, error) {
	docs, err := documents[taskDoc](c, "task", []uint64{k.task})
	if err != nil {
		return taskDoc{}, err
	}
	if len(docs) != 1 || k.ord >= len(docs[0].Shares) {
		return taskDoc{}, fmt.Errorf("task %d of a record is missing", k.task)
	}
	return docs[0], nil
}

func reportRowOf(c *conn, l *reportLine, doc taskDoc, names directory, lit lamp) (ReportRow, error) {
	sh := doc.Shares[l.ord]
	row := ReportRow{
		No: l.no, Directive: doc.Directive, Task: doc.ID, Number: doc.Number, Path: doc.Path, Part: doc.Part,
		Role: sh.Role, Leader: sh.Leader, Person: sh.Person, Handler: sh.Handler, Deadline: sh.Deadline,
		Status: sh.Status, StatusChinese: sh.StatusChinese, Accepted: sh.Status == task.ShareAccepted.String() || l.done,
		Light: lit.show(sh.Windows), Version: doc.Version, EventIDs: []string{},
		Owed: l.answer.Outcome != 0, Report: l.answer.Outcome.String(), ReportChinese: l.answer.Outcome.Chinese(),
		Leads: []Named{}, Supporting: []Named{},
	}
	h, err := names.heading(doc.Directive)
	if err != nil {
		return row, err
	}
	row.DocumentNumber, row.Title = h.number, h.title
	if row.Office, err = nameOf(names, sh.Office.ID); err != nil {
		return row, err
	}
	if err := row.partners(doc, names); err != nil {
		return row, err
	}
	if l.answer.Outcome != 0 {
		row.DueOn = l.round.Due.Date()
		row.EventIDs = append(row.EventIDs, l.round.Event)
	}
	if err := row.reported(c, l); err != nil {
		return row, err
	}
	row.remark(sh.ShareView, l)
	return row, nil
}

func nameOf(names directory, id string) (Named, error) {
	name, err := names.office(id)
	return Named{ID: id, Name: name}, err
}

// partners lists the offices of the task's active shares by their part.
func (r *ReportRow) partners(doc taskDoc, names directory) error {
	for _, sh := range doc.Shares {
		status, err := task.ParseShareStatus(sh.Status)
		if err != nil {
			return err
		}
		if !status.Active() {
			continue
		}
		n, err := nameOf(names, sh.Office.ID)
		if err != nil {
			return err
		}
		if sh.Role == task.RoleSupporting.String() {
			r.Supporting = append(r.Supporting, n)
		} else {
			r.Leads = append(r.Leads, n)
		}
	}
	return nil
}

// reported fills in what the record knows by events: what was reported, and when
// the period of a recurring share is due.
func (r *ReportRow) reported(c *conn, l *reportLine) error {
	if !l.answer.Made && l.due == assessment.Never {
		return nil
	}
	events, err := sources(c, l.task, l.ord)
	if err != nil {
		return err
	}
	if l.due != assessment.Never {
		r.Deadline = &DeadlineView{Date: l.due.Date(), Source: deadlineScheduled, EventID: events[l.assigned-1]}
	}
	if !l.answer.Made {
		return nil
	}
	first, last := events[l.answer.Event-1], events[l.answer.Last.Last-1]
	var doc reportDoc
	var failed error
	if _, err := c.one("SELECT doc FROM share_report WHERE task=? AND event=?", []any{l.task, last}, func(s *sqlite3.Stmt) {
		failed = json.Unmarshal(s.ColumnRawBlob(0), &doc)
	}); err != nil || failed != nil {
		return fmt.Errorf("read a report of task %d: %w", l.task, errors.Join(err, failed))
	}
	r.Condition, r.Progress, r.Problems, r.NextSteps = doc.Condition, doc.Progress, doc.Problems, doc.NextSteps
	r.Nil, r.ReportedOn = l.answer.Last.Nil, l.answer.First.Date()
	r.EventIDs = append(r.EventIDs, first)
	if last != first {
		r.RevisedOn = l.answer.Last.On.Date()
		r.EventIDs = append(r.EventIDs, last)
	}
	return nil
}

// remark says in a few words what else one should know of the share.
func (r *ReportRow) remark(sh ShareView, l *reportLine) {
	var words []string
	add := func(ok bool, format string, args ...any) {
		if ok {
			words = append(words, fmt.Sprintf(format, args...))
		}
	}
	add(l.answer.Outcome == assessment.OutcomeLate, "迟报%d天", l.answer.First-l.round.Due)
	add(sh.Returns > 0, "退回%d次", sh.Returns)
	add(sh.RequestedOn != "", "%s报结，待审核", sh.RequestedOn)
	add(sh.Deadline != nil && sh.Deadline.Source == task.DeadlineGranted.String(), "已批准延期")
	add(sh.Extension != "", "申请延期至%s，待批", sh.Extension)
	add(sh.Suspended, "中止")
	add(sh.Status == task.ShareDisputed.String(), "有异议")
	add(sh.Status == task.ShareTransferred.String() || sh.Status == task.ShareAbsorbed.String(), "%s", sh.StatusChinese)
	r.Remarks = strings.Join(words, "；")
}
