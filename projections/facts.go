package projections

import (
	"context"
	"fmt"
	"math"
	"slices"

	"duban/domain/assessment"
	"duban/domain/calendar"
)

// AssessmentQuery asks for a year's figures.
type AssessmentQuery struct {
	Year   int
	Office string        // id or name; none: all
	Today  calendar.Date // what comes by the passing of time is as of this day
}

// Years that can be asked about.
const (
	firstYear = 1949
	lastYear  = 2199
)

func yearSpan(year int) (assessment.Span, error) {
	if year < firstYear || year > lastYear {
		return assessment.Span{}, badQuery("year", fmt.Sprintf("应在 %d 至 %d 之间", firstYear, lastYear),
			fmt.Sprintf("a year lies between %d and %d", firstYear, lastYear))
	}
	return assessment.Year(year), nil
}

// inlineFacts is how many facts of a figure are told with it.
const inlineFacts = 20

// A heldFact is a fact and where its events are.
type heldFact struct {
	recordKey
	office string
	assessment.Fact
}

// An officeTally sums one office's facts and keeps the first of each figure.
type officeTally struct {
	sum   assessment.Tally
	first [assessment.Figures + 1][]heldFact
	at    *recordAt              // the share at hand
	tell  func(*assessment.Fact) // add
}

func (t *officeTally) add(f *assessment.Fact) {
	t.sum.Add(f)
	if len(t.first[f.Figure]) <= inlineFacts {
		t.first[f.Figure] = append(t.first[f.Figure], heldFact{t.at.key(), t.at.office, *f})
	}
}

// join adds another office's facts.
func (t *officeTally) join(o *officeTally) {
	for f := range t.sum {
		t.sum[f] += o.sum[f]
		t.first[f] = append(t.first[f], o.first[f][:min(len(o.first[f]), inlineFacts+1-len(t.first[f]))]...)
	}
}

// Assessment returns a year's figures, by office in the order of registration and
// in total.
func (v *View) Assessment(ctx context.Context, q AssessmentQuery) (AssessmentView, error) {
	out := AssessmentView{Year: q.Year, Offices: []OfficeAssessment{}}
	span, err := yearSpan(q.Year)
	if err != nil {
		return out, err
	}
	if _, err := dayFor(q.Today); err != nil {
		return out, err
	}
	err = v.lists(ctx, func(c *conn, _ *totals) error {
		offices := map[string]*officeTally{}
		ask := factsQuery{recordFilter: recordFilter{office: q.Office}, Question: assessment.Question{Span: span, Today: assessment.DayOf(q.Today)}}
		err := ask.each(c, func(at *recordAt) func(*assessment.Fact) {
			t, ok := offices[at.office]
			if !ok {
				t = &officeTally{}
				t.tell = t.add
				offices[at.office] = t
			}
			t.at = at
			return t.tell
		})
		if err != nil {
			return err
		}
		ids := &sourceReader{c: c, kept: map[shareAt][]string{}}
		order, err := registeredOffices(c)
		if err != nil {
			return err
		}
		total := &officeTally{}
		for _, o := range order {
			t, ok := offices[o.ID]
			if !ok || t.sum[assessment.InForce] == 0 {
				continue
			}
			total.join(t)
			figures, err := ids.figures(t)
			if err != nil {
				return err
			}
			out.Offices = append(out.Offices, OfficeAssessment{Office: o.Named, Figures: figures})
		}
		if out.Total, err = ids.figures(total); err != nil {
			return err
		}
		out.Cutoff, err = v.cutoff(c, q.Today)
		return err
	})
	if err != nil {
		return AssessmentView{}, fmt.Errorf("assess %d: %w", q.Year, err)
	}
	return out, nil
}

// A factsQuery goes over the facts of records.
type factsQuery struct {
	recordFilter
	assessment.Question
}

// each asks tell for every record who is told its facts.
func (q *factsQuery) each(c *conn, tell func(*recordAt) func(*assessment.Fact)) error {
	owed, err := dutiesIn(c, q.Span)
	if err != nil {
		return err
	}
	return records(c, q.recordFilter, func(at *recordAt) error {
		at.Facts(q.Question, owed.of(at.directive, at.office), tell(at))
		return nil
	})
}

// A shareAt names a share by its task's row and its place there.
type shareAt struct {
	task uint64
	ord  int
}

// A sourceReader reads the events of shares, each once.
type sourceReader struct {
	c    *conn
	kept map[shareAt][]string
}

// events returns the ids of the events a fact rests on.
func (r *sourceReader) events(f *heldFact) ([]string, error) {
	k := shareAt{f.task, f.ord}
	all, ok := r.kept[k]
	if !ok {
		var err error
		if all, err = sources(r.c, f.task, f.ord); err != nil {
			return nil, err
		}
		r.kept[k] = all
	}
	out := []string{}
	if f.Round != nil {
		out = append(out, f.Round.Event)
	}
	for _, i := range f.Events {
		if i > 0 && !slices.Contains(out, all[i-1]) {
			out = append(out, all[i-1])
		}
	}
	return out, nil
}

func (r *sourceReader) figures(t *officeTally) ([]FigureView, error) {
	var out []FigureView
	for f := assessment.Figure(1); f <= assessment.Figures; f++ {
		v := FigureView{Figure: f.String(), Chinese: f.Chinese(), EventIDs: []string{}}
		v.Numerator, v.Denominator = t.sum.Ratio(f)
		for _, o := range f.Of() {
			v.Of = append(v.Of, o.String())
		}
		seen := map[string]bool{}
		for i := range t.first[f] {
			if v.More = i == inlineFacts; v.More {
				break
			}
			events, err := r.events(&t.first[f][i])
			if err != nil {
				return nil, err
			}
			for _, id := range events {
				if !seen[id] {
					seen[id] = true
					v.EventIDs = append(v.EventIDs, id)
				}
			}
		}
		out = append(out, v)
	}
	return out, nil
}

// FactsQuery selects the items of one figure, in the order of the sheets.
type FactsQuery struct {
	Figure    string
	Year      int // 0: of all that happened, as the summary counts
	Office    string
	Directive string
	Month     calendar.Period // the item's own; none: all
	Today     calendar.Date
	Limit     int
	Cursor    string
}

// A factsAsked is a FactsQuery understood.
type factsAsked struct {
	factsQuery
	figure assessment.Figure
	month  assessment.Period
}

func (q FactsQuery) check() (factsAsked, error) {
	out := factsAsked{month: assessment.PeriodOf(q.Month)}
	if _, err := dayFor(q.Today); err != nil {
		return out, err
	}
	var err error
	if out.figure, err = assessment.ParseFigure(q.Figure); err != nil {
		return out, &QueryError{Field: "figure", Err: err}
	}
	if q.Month != "" && out.month.Unit != calendar.UnitMonth {
		return out, badQuery("month", "应写成 2019-08", "a month is written 2019-08")
	}
	out.recordFilter = recordFilter{directive: q.Directive, office: q.Office}
	out.Question = assessment.Question{Span: assessment.Ever(q.Today), Today: assessment.DayOf(q.Today)}
	if q.Year != 0 {
		out.Span, err = yearSpan(q.Year)
	}
	return out, err
}

// Facts returns a page of the items behind a figure.
func (v *View) Facts(ctx context.Context, q FactsQuery) (FactPage, error) {
	page := FactPage{Page: Page[FactView]{Items: []FactView{}}}
	limit, err := limitOf(q.Limit)
	if err != nil {
		return page, err
	}
	asked, err := q.check()
	if err != nil {
		return page, err
	}
	err = v.lists(ctx, func(c *conn, _ *totals) error {
		digest := queryDigest("facts", v.cut, asked.figure, q.Year, q.Office, q.Directive, q.Month, q.Today)
		key, err := readCursor(q.Cursor, digest, recordColumns())
		if err != nil {
			return err
		}
		s := &factSheet{factsAsked: asked, limit: limit, page: &page}
		s.after, s.afterItem = recordKeyOf(key)
		if err := s.scan(c); err != nil {
			return err
		}
		if n := len(s.facts); n > 0 && s.more {
			page.Next = cursor{digest, s.facts[n-1].values(s.items[n-1])}.String()
		}
		if err := s.show(c, func(f FactView) error {
			page.Items = append(page.Items, f)
			return nil
		}); err != nil {
			return err
		}
		page.Cutoff, err = v.cutoff(c, q.Today)
		return err
	})
	if err != nil {
		return FactPage{}, fmt.Errorf("list the items of %s: %w", q.Figure, err)
	}
	return page, nil
}

// EachFact hands out every item behind a figure, for the workbook of a year. Limit
// and Cursor don't count; an error of fact ends it and is returned.
func (v *View) EachFact(ctx context.Context, q FactsQuery, fact func(FactView) error) error {
	asked, err := q.check()
	if err != nil {
		return err
	}
	err = v.lists(ctx, func(c *conn, _ *totals) error {
		s := &factSheet{factsAsked: asked, limit: math.MaxInt, page: &FactPage{}}
		if err := s.scan(c); err != nil {
			return err
		}
		return s.show(c, fact)
	})
	if err != nil {
		return fmt.Errorf("read the items of %s: %w", q.Figure, err)
	}
	return nil
}

// A factSheet gathers the facts of one page, and counts all.
type factSheet struct {
	factsAsked
	limit     int
	after     *recordKey
	afterItem int

	page  *FactPage
	at    *recordAt // the share at hand
	facts []heldFact
	items []int // the place of each among its share's
	more  bool
	last  recordKey
	item  int // of the share at hand
}

func (s *factSheet) scan(c *conn) error {
	tell := s.add
	return s.each(c, func(at *recordAt) func(*assessment.Fact) {
		s.at = at
		return tell
	})
}

func (s *factSheet) add(f *assessment.Fact) {
	if f.Figure != s.figure || s.month != (assessment.Period{}) && assessment.MonthOf(f.On) != s.month {
		return
	}
	if key := s.at.key(); s.page.Total > 0 && key == s.last {
		s.item++
	} else {
		s.item, s.last = 0, key
	}
	s.page.Total++
	s.page.Sum += f.N
	if s.after != nil {
		if c := s.last.compare(*s.after); c < 0 || c == 0 && s.item <= s.afterItem {
			return
		}
	}
	if len(s.facts) == s.limit {
		s.more = true
		return
	}
	s.facts = append(s.facts, heldFact{s.last, s.at.office, *f})
	s.items = append(s.items, s.item)
}

func (s *factSheet) show(c *conn, hand func(FactView) error) error {
	ids, names := &sourceReader{c: c, kept: map[shareAt][]string{}}, namesIn(c)
	for i := range s.facts {
		f := &s.facts[i]
		doc, err := taskOf(c, f.recordKey)
		if err != nil {
			return err
		}
		v := FactView{
			Figure: f.Figure.String(), Chinese: f.Figure.Chinese(), N: f.N, On: f.On.Date(), Directive: doc.Directive, Task: doc.ID,
			Number: doc.Number, Path: doc.Path, Part: doc.Part, Period: f.Period.Calendar(), Deadline: f.Deadline.Date(),
		}
		if v.EventIDs, err = ids.events(f); err != nil {
			return err
		}
		h, err := names.heading(doc.Directive)
		if err != nil {
			return err
		}
		v.DocumentNumber = h.number
		if v.Text, err = taskText(doc, names); err != nil {
			return err
		}
		if v.Office, err = nameOf(names, f.office); err != nil {
			return err
		}
		if err := hand(v); err != nil {
			return err
		}
	}
	return nil
}
