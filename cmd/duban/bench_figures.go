package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"strconv"
	"time"

	"github.com/oklog/ulid/v2"

	"duban/api/forms"
	"duban/api/workbook"
	"duban/domain"
	"duban/domain/assessment"
	"duban/domain/calendar"
	"duban/domain/directive"
	"duban/domain/office"
	"duban/domain/task"
	"duban/eventstore"
	"duban/projections"
)

// A yearOfWork is a ledger of many shares over one year: directives that require a
// report every month, tasks of one and of two offices, reports with gaps, shares
// done in time, late and not at all.
type yearOfWork struct {
	*bench
	shares     int
	offices    []domain.Ref
	directives []domain.Ref
	heads      map[domain.Ref]eventstore.Head
	pending    []domain.Event
}

// The year of the bench, and how many clauses and offices it has.
const (
	benchYear    = 2025
	benchClauses = 25
	benchOffices = 24
)

// tables times the year's tables over a ledger of its own.
func (b *bench) tables(ctx context.Context) (err error) {
	if b.cfg.Shares == 0 {
		return nil
	}
	if b, err = b.open(ctx, "tables"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.close()) }()
	y := &yearOfWork{bench: b, heads: map[domain.Ref]eventstore.Head{}}
	if err := y.fill(ctx); err != nil {
		return fmt.Errorf("fill a year: %w", err)
	}
	if err := b.model(ctx); err != nil {
		return err
	}
	return y.timeTables(ctx)
}

func (y *yearOfWork) event(ref domain.Ref, on time.Time, data domain.Payload) {
	e := benchCaller
	e.Subject, e.Time, e.Data = ref, on, data
	y.pending = append(y.pending, e)
}

// flush appends what is pending once it fills a batch, all of it if asked.
func (y *yearOfWork) flush(ctx context.Context, all bool) error {
	const batch = 900
	for len(y.pending) >= batch || all && len(y.pending) > 0 {
		events := y.pending[:min(batch, len(y.pending))]
		y.pending = y.pending[len(events):]
		var writes []eventstore.Write
		at := map[domain.Ref]int{}
		for _, e := range events {
			i, ok := at[e.Subject]
			if !ok {
				i = len(writes)
				at[e.Subject] = i
				writes = append(writes, eventstore.Write{Subject: e.Subject, Head: y.heads[e.Subject]})
			}
			writes[i].Events = append(writes[i].Events, e)
		}
		receipt, err := y.node.store.Append(ctx, benchAppend(writes...))
		if err != nil {
			return err
		}
		for _, r := range receipt.Records {
			y.heads[r.Subject] = headAt(r)
		}
	}
	return nil
}

func (y *yearOfWork) fill(ctx context.Context) error {
	start := calendar.Of(benchYear, time.January, 2).Start().Add(9 * time.Hour)
	for i := range benchOffices {
		ref := domain.Ref{Kind: domain.KindOffice, ID: ulid.Make().String()}
		kind := office.TypeOffice
		if i%4 == 0 {
			kind = office.TypeCityBureau
		}
		y.offices = append(y.offices, ref)
		y.event(ref, start, &office.Registered{Name: "第" + strconv.Itoa(i+1) + "处", Type: kind})
	}
	for y.shares < y.cfg.Shares {
		y.directive(start)
		if err := y.flush(ctx, false); err != nil {
			return err
		}
	}
	return y.flush(ctx, true)
}

func (y *yearOfWork) directive(start time.Time) {
	d := domain.Ref{Kind: domain.KindDirective, ID: ulid.Make().String()}
	number := "测试〔" + strconv.Itoa(benchYear) + "〕" + strconv.Itoa(len(y.directives)+1) + "号"
	y.directives = append(y.directives, d)
	recorded := &directive.ClausesRecorded{}
	for i := range benchClauses {
		text := number + "第" + strconv.Itoa(i+1) + "项：严格落实安全生产责任制，开展隐患排查治理，按月报送进展情况。"
		recorded.Clauses = append(recorded.Clauses, directive.Clause{Number: i + 1, Path: []string{strconv.Itoa(i + 1)}, Text: text, TextSHA256: directive.TextHash(text)})
	}
	y.event(d, start, &directive.Issued{Title: "关于加强安全生产工作的通知", DocumentNumber: number})
	y.event(d, start, recorded)
	y.event(d, start, &directive.ReportingRequired{Unit: calendar.UnitMonth, Due: calendar.Due{Day: 5}, From: calendar.On(start).AddDays(len(y.directives) % 28)})
	for _, c := range recorded.Clauses {
		y.task(d, c, start)
	}
}

// task has one share or two; one in three reports every month, one in three now
// and then, and two in three put it up for closure.
func (y *yearOfWork) task(d domain.Ref, c directive.Clause, start time.Time) {
	ref := domain.Ref{Kind: domain.KindTask, ID: ulid.Make().String()}
	n := len(y.directives)*benchClauses + c.Number
	assigned := &task.Assigned{}
	for i := range 1 + n%2 {
		assigned.Offices = append(assigned.Offices, task.Assignment{Office: y.offices[(n+i*7)%benchOffices], Role: task.RoleJoint})
	}
	y.shares += len(assigned.Offices)
	y.event(ref, start, &task.Docketed{Directive: d, Number: c.Number, Path: c.Path, TextSHA256: c.TextSHA256, Kind: task.KindOneOff})
	y.event(ref, start, assigned)
	y.event(ref, start, &task.StatedDeadline{Date: calendar.On(start).AddDays(90 + n%270)})
	every := 1 + n%3*2
	for _, o := range assigned.Offices {
		share := task.ShareOf{Office: o.Office}
		for m := 0; m < 12; m += every {
			y.event(ref, start.AddDate(0, m, 20+n%18), &task.ProgressReported{ShareOf: share, Condition: task.ConditionNormal,
				Period: calendar.PeriodOf(calendar.UnitMonth, calendar.On(start.AddDate(0, m, 0))), Progress: "已完成企业底数摸排和现场核查。", NextSteps: "按计划推进"})
		}
		if n%3 > 0 {
			asked := start.AddDate(0, 0, 60+n%300)
			y.event(ref, asked, &task.ClosureRequested{ShareOf: share, Summary: "已完成"})
			y.event(ref, asked.AddDate(0, 0, 3), &task.Accepted{ShareOf: share})
		}
	}
}

// A tableQuery asks for one table as JSON; i makes every question another one.
type tableQuery struct {
	name string
	ask  func(ctx context.Context, v *projections.View, i int) (any, error)
}

// timeTables times every table, each time about another day, month, office or figure,
// so that nothing is answered from memory.
func (y *yearOfWork) timeTables(ctx context.Context) error {
	day := func(i int) calendar.Date { return calendar.Of(benchYear, time.December, 31).AddDays(-i) }
	month := func(i int) calendar.Period {
		return calendar.PeriodOf(calendar.UnitMonth, calendar.Of(benchYear, time.Month(1+i%12), 1))
	}
	for _, q := range []tableQuery{
		{"reports_page_p50", func(ctx context.Context, v *projections.View, i int) (any, error) {
			return v.Reports(ctx, projections.ReportQuery{Period: month(i), Today: day(i), Limit: 50})
		}},
		{"reports_missing_page_p50", func(ctx context.Context, v *projections.View, i int) (any, error) {
			return v.Reports(ctx, projections.ReportQuery{Period: month(i), Missing: true, Today: day(0), Limit: 50})
		}},
		{"assessment_facts_p50", func(ctx context.Context, v *projections.View, i int) (any, error) {
			return v.Assessment(ctx, projections.AssessmentQuery{Year: benchYear, Today: day(i)})
		}},
		{"assessment_items_page_p50", func(ctx context.Context, v *projections.View, i int) (any, error) {
			return v.Facts(ctx, projections.FactsQuery{Figure: assessment.Late.String(), Year: benchYear, Today: day(i), Limit: 50})
		}},
		{"summary_p50", func(ctx context.Context, v *projections.View, i int) (any, error) { return v.Summary(ctx, day(i)) }},
	} {
		var took []time.Duration
		for i := range 21 {
			began := time.Now()
			v, err := y.node.model.At(ctx, projections.AsOf{})
			if err != nil {
				return err
			}
			table, err := q.ask(ctx, v, i)
			v.Close()
			if err != nil {
				return fmt.Errorf("%s: %w", q.name, err)
			}
			if _, err := json.Marshal(table); err != nil {
				return fmt.Errorf("%s: %w", q.name, err)
			}
			took = append(took, time.Since(began))
		}
		ms := micros(median(took)) / 1000
		if err := y.print(figure{Name: q.name, Ours: ms, Unit: "ms", N: y.shares, Goal: "<= 200", Met: ms <= 200}); err != nil {
			return err
		}
	}
	return y.workbook(ctx)
}

// benchRows is how many lines the workbook of the bench has at most.
const benchRows = 10_000

// workbook times a month's summary of progress as .xlsx, as the server writes it.
func (y *yearOfWork) workbook(ctx context.Context) error {
	v, err := y.node.model.At(ctx, projections.AsOf{})
	if err != nil {
		return err
	}
	defer v.Close()
	q := projections.ReportQuery{Period: calendar.PeriodOf(calendar.UnitMonth, calendar.Of(benchYear, time.June, 1)), Today: calendar.Of(benchYear, time.December, 31)}
	began, n := time.Now(), 0
	err = v.EachReport(ctx, q, func(_ projections.ReportPage, all iter.Seq2[projections.ShareRow, error]) error {
		row := forms.ProgressRow(q.Period)
		rows := func(yield func(workbook.Row, error) bool) {
			for r, err := range all {
				if n == benchRows || !yield(row(r), err) {
					return
				}
				n++
			}
		}
		return workbook.Write(io.Discard, workbook.Book{Title: "bench", Creator: "bench", Sheets: []workbook.Sheet{{Table: forms.Progress(), Rows: rows}}})
	})
	if err != nil {
		return fmt.Errorf("write the workbook: %w", err)
	}
	took := time.Since(began)
	return y.print(figure{Name: "reports_xlsx", Ours: micros(took) / 1e6, Unit: "s", N: n, Goal: "<= 5", Met: took <= 5*time.Second})
}
