package projections

import (
	"encoding/json"

	"github.com/ncruces/go-sqlite3"

	"duban/domain/assessment"
	"duban/domain/calendar"
	"duban/domain/finding"
	"duban/domain/light"
	"duban/domain/office"
	"duban/domain/task"
)

// A registeredOffice is an office in the order of registration.
type registeredOffice struct {
	Named
	city bool
}

func registeredOffices(c *conn) ([]registeredOffice, error) {
	var out []registeredOffice
	err := c.each("SELECT id, name, doc FROM office ORDER BY n", nil, func(s *sqlite3.Stmt) error {
		var doc OfficeView
		if err := json.Unmarshal(s.ColumnRawBlob(2), &doc); err != nil {
			return err
		}
		out = append(out, registeredOffice{Named{s.ColumnText(0), s.ColumnText(1)}, doc.Type == office.TypeCityBureau.String()})
		return nil
	})
	return out, err
}

// A standingSum is a Standing on its way.
type standingSum struct {
	shares, accepted, unsigned int
	lights                     [light.Normal + 1]int // shares by their worst light
	facts                      assessment.Tally
	grades                     [finding.GradeMajor + 1]int
	rectified, found           int
}

// addShares adds what another sum counts of shares.
func (t *standingSum) addShares(o *standingSum) {
	t.shares, t.accepted, t.unsigned = t.shares+o.shares, t.accepted+o.accepted, t.unsigned+o.unsigned
	for i := range o.lights {
		t.lights[i] += o.lights[i]
	}
	for i := range o.facts {
		t.facts[i] += o.facts[i]
	}
}

func (t *standingSum) view() Standing {
	v := Standing{
		Shares: t.shares, Accepted: t.accepted, Unsigned: t.unsigned, Overdue: t.lights[light.Overdue], DueSoon: t.lights[light.DueSoon], Stagnant: t.lights[light.Stagnant], Unreported: t.lights[light.Unreported],
		Lights:    litCounts(t.lights[:]),
		Rectified: Ratio{t.rectified, t.found}, Findings: []Count{},
	}
	v.OnTime.Numerator, v.OnTime.Denominator = t.facts.Ratio(assessment.OnTime)
	v.Reporting = Ratio{t.facts[assessment.ReportInTime] + t.facts[assessment.ReportLate], t.facts[assessment.ReportDue]}
	for g, n := range t.grades {
		if n == 0 {
			continue
		}
		count := Count{Value: "ungraded", Chinese: "未定级", N: n}
		if grade := finding.Grade(g); grade != 0 {
			count.Value, count.Chinese = grade.String(), grade.Chinese()
		}
		v.Findings = append(v.Findings, count)
	}
	return v
}

// tables sums shares and findings by office, directive and month at once.
type tables struct {
	today       assessment.Day
	year        int   // what is counted of it only; 0: everything
	first       int32 // number of firstMonth
	byOffice    map[string]*standingSum
	byDirective map[string]*standingSum
	byMonth     []*standingSum // from firstMonth on
	findings    standingSum    // in total
	statuses    [task.ShareTransferred + 1]int

	// The share at hand.
	office, directive *standingSum
	of                string // the directive
	lights            []litSpan
}

// firstMonth is the first month that is told apart: nothing older is recorded.
func firstMonth() assessment.Period {
	return assessment.PeriodOf(calendar.PeriodOf(calendar.UnitMonth, calendar.Of(firstYear, 1, 1)))
}

// in returns the sum of a month.
func (t *tables) in(m assessment.Period) *standingSum {
	i := max(0, int(m.N-t.first))
	for i >= len(t.byMonth) {
		t.byMonth = append(t.byMonth, nil)
	}
	if t.byMonth[i] == nil {
		t.byMonth[i] = &standingSum{}
	}
	return t.byMonth[i]
}

func sumIn(m map[string]*standingSum, k string) *standingSum {
	t, ok := m[k]
	if !ok {
		t = &standingSum{}
		m[k] = t
	}
	return t
}

// sumTables returns the sums of a year, or of everything for the year 0.
func sumTables(c *conn, year int, today calendar.Date) (*tables, error) {
	t := &tables{
		today:    assessment.DayOf(today),
		year:     year,
		first:    firstMonth().N,
		byOffice: map[string]*standingSum{}, byDirective: map[string]*standingSum{},
	}
	ask := assessment.Question{Span: t.span(today), Today: t.today}
	owed, err := dutiesIn(c, ask.Span)
	if err != nil {
		return nil, err
	}
	tell := t.fact
	if err := records(c, recordFilter{}, func(at *recordAt) error {
		t.turnTo(at)
		at.Facts(ask, owed.of(at.directive, at.office), tell)
		return t.share(at)
	}); err != nil {
		return nil, err
	}
	return t, t.sumFindings(c)
}

func (t *tables) span(today calendar.Date) assessment.Span {
	if t.year == 0 {
		return assessment.Ever(today)
	}
	return assessment.Year(t.year)
}

// counts reports whether the share at hand is counted: where it is now, or of a year
// in which somebody had it, where it was at its end.
func (t *tables) counts(at *recordAt) bool {
	if t.year == 0 {
		return at.Ending.Active()
	}
	year := assessment.Year(t.year)
	held := at.Held.From <= at.Held.Until && at.Held.From <= year.Until && year.From <= at.Held.Until
	return held && (at.Ending.Active() || at.End.On > year.Until)
}

func (t *tables) turnTo(at *recordAt) {
	t.office = sumIn(t.byOffice, at.office)
	if t.directive == nil || t.of != at.directive {
		t.of, t.directive = at.directive, sumIn(t.byDirective, at.directive)
	}
}

// counted returns where the share at hand counts with what is dated on a day.
func (t *tables) counted(on assessment.Day) [3]*standingSum {
	return [3]*standingSum{t.office, t.directive, t.in(assessment.MonthOf(on))}
}

func (t *tables) fact(f *assessment.Fact) {
	for _, s := range t.counted(f.On) {
		s.facts.Add(f)
	}
}

// share counts what a share is now.
func (t *tables) share(at *recordAt) error {
	if !t.counts(at) {
		return nil
	}
	t.statuses[at.status()]++
	for _, s := range t.counted(at.Assigned.On) {
		s.shares++
		if at.Ending == 0 && !at.Signed.Done() {
			s.unsigned++
		}
	}
	if at.Ending == assessment.EndingAccepted {
		for _, s := range t.counted(at.End.On) {
			s.accepted++
		}
		return nil
	}
	var err error
	if t.lights, err = at.lights(t.lights); err != nil {
		return err
	}
	worst := litSpan{light: light.Normal}
	for _, l := range t.lights {
		if l.light < worst.light && l.days.Has(t.today) {
			worst = l
		}
	}
	if worst.light < light.Normal {
		for _, s := range t.counted(worst.days.From) {
			s.lights[worst.light]++
		}
	}
	return nil
}

// sumFindings counts a finding for the office that supervises it and for the one that
// has to rectify it, and for every directive of its tasks.
func (t *tables) sumFindings(c *conn) error {
	directives := map[int64][]string{}
	err := c.each("SELECT DISTINCT ft.finding, t.directive FROM finding_task ft JOIN task t ON t.id=ft.task", nil, func(s *sqlite3.Stmt) error {
		n := s.ColumnInt64(0)
		directives[n] = append(directives[n], s.ColumnText(1))
		return nil
	})
	if err != nil {
		return err
	}
	return c.each("SELECT n, status, grade, rectifier, supervising, found FROM finding", nil, func(s *sqlite3.Stmt) error {
		if found := s.ColumnInt(5); t.year != 0 && (found == noDay || dateOf(found).Year() != t.year) {
			return nil
		}
		status, grade := finding.Status(s.ColumnInt(1)), finding.Grade(s.ColumnInt(2))
		offices := []string{s.ColumnText(3)}
		if supervising := s.ColumnText(4); supervising != offices[0] {
			offices = append(offices, supervising)
		}
		counted := []*standingSum{&t.findings}
		for _, o := range offices {
			if o != "" {
				counted = append(counted, sumIn(t.byOffice, o))
			}
		}
		for _, d := range directives[s.ColumnInt64(0)] {
			counted = append(counted, sumIn(t.byDirective, d))
		}
		if found := s.ColumnInt(5); found != noDay {
			counted = append(counted, t.in(monthOf(found)))
		}
		for _, sum := range counted {
			sum.finding(status, grade)
		}
		return nil
	})
}

// monthOf returns the month of a day as columns hold it.
func monthOf(yyyymmdd int) assessment.Period {
	return assessment.MonthOf(assessment.DayOf(dateOf(yyyymmdd)))
}

func (t *standingSum) finding(status finding.Status, grade finding.Grade) {
	if status == finding.StatusDismissed || status == finding.StatusDuplicate {
		return // no hazard, or counted elsewhere
	}
	t.grades[grade]++
	if status == finding.StatusTerminated {
		return // neither put right nor to be put right
	}
	t.found++
	if status == finding.StatusWrittenOff || status == finding.StatusClosureVerified {
		t.rectified++
	}
}

// offices returns a line for every office that has anything, in the order they were
// registered, and the sum of all.
func (t *tables) offices(c *conn) (lines []OfficeCount, cities []OfficeCount, total standingSum, err error) {
	lines, cities = []OfficeCount{}, []OfficeCount{}
	offices, err := registeredOffices(c)
	if err != nil {
		return nil, nil, total, err
	}
	total = t.findings // every share is one office's, but a finding may be two's
	for _, o := range offices {
		sum, ok := t.byOffice[o.ID]
		if !ok || *sum == (standingSum{}) {
			continue
		}
		total.addShares(sum)
		row := OfficeCount{Office: o.Named, Standing: sum.view()}
		lines = append(lines, row)
		if o.city {
			cities = append(cities, row)
		}
	}
	return lines, cities, total, nil
}

// show writes the tables out. Offices come as they were registered, directives and
// months in their order; rows without anything are left out.
func (t *tables) show(c *conn, out *SummaryView) error {
	var total standingSum
	var err error
	if out.ByOffice, out.ByCity, total, err = t.offices(c); err != nil {
		return err
	}
	out.Total = total.view()
	t.shares(out, &total)
	if err := t.showDirectives(c, out); err != nil {
		return err
	}
	out.ByMonth = []MonthCount{}
	month := firstMonth()
	for i, m := range t.byMonth {
		if m == nil {
			continue
		}
		if sum := m.view(); !sum.empty() {
			month.N = t.first + int32(i)
			out.ByMonth = append(out.ByMonth, MonthCount{Month: month.Calendar(), Standing: sum})
		}
	}
	return nil
}

// litCounts lists counts by light, those that go by one name as one.
func litCounts(byLight []int) []Count {
	out := []Count{}
	for l, n := range byLight {
		if lit := light.Light(l); n > 0 {
			out = append(out, Count{lit.String(), lit.Chinese(), n})
		}
	}
	mergeLights(&out)
	return out
}

// shares fills in the counts of shares.
func (t *tables) shares(out *SummaryView, total *standingSum) {
	out.Shares, out.ShareStatuses, out.ShareLights = total.shares, []Count{}, litCounts(total.lights[:])
	for s, n := range t.statuses {
		if status := task.ShareStatus(s); n > 0 {
			out.ShareStatuses = append(out.ShareStatuses, Count{status.String(), status.Chinese(), n})
		}
	}
	addNormal(&out.ShareLights, out.Shares)
	for _, o := range out.ByOffice {
		if o.Shares > 0 {
			out.Offices++
		}
	}
}

func (s Standing) empty() bool {
	return s.Shares+s.Accepted+s.Overdue+s.DueSoon+s.Stagnant+s.Unreported+s.Unsigned+s.OnTime.Denominator+s.Reporting.Denominator+s.Rectified.Denominator == 0 &&
		len(s.Findings) == 0
}

func (t *tables) showDirectives(c *conn, out *SummaryView) error {
	out.ByDirective = []DirectiveCount{}
	tasks := map[string]int{}
	if err := c.each("SELECT directive, count(*) FROM task WHERE status<>? GROUP BY directive", []any{int(task.StatusVoided)}, func(s *sqlite3.Stmt) error {
		tasks[s.ColumnText(0)] = s.ColumnInt(1)
		return nil
	}); err != nil {
		return err
	}
	return c.each("SELECT id, document_number, title FROM directive ORDER BY id", nil, func(s *sqlite3.Stmt) error {
		row := DirectiveCount{Directive: s.ColumnText(0), DocumentNumber: s.ColumnText(1), Title: s.ColumnText(2)}
		row.Tasks = tasks[row.Directive]
		sum, ok := t.byDirective[row.Directive]
		if !ok && row.Tasks == 0 {
			return nil
		}
		if !ok {
			sum = &standingSum{}
		}
		row.Standing = sum.view()
		out.ByDirective = append(out.ByDirective, row)
		return nil
	})
}
