// Package directive is one directive (文件、通知): a document that hands out duties,
// and its clauses (条款) as printed. Tasks are made from clauses (立项) and live on
// their own; a directive only remembers what the document says.
//
// An import appends issued, then clauses_recorded as often as it takes, together
// with the claims on the document number and on the content (package name), the
// tasks and their assignments, in one transaction.
//
// A later document may amend its clauses (修改) or repeal it (废止). The state then has
// the clauses as amended; what they said before stays beside them.
//
// A wrong import is voided (撤销登记) and its names released, but only while no
// share that came of it has been acted on. The directive does not know its
// shares: whoever gives the command reads the tasks first and appends with an
// expectation on each of them; Decide checks only what the directive knows. The
// same goes for the open tasks that an amendment or a repeal decides.
package directive

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"duban/domain"
	"duban/domain/calendar"
)

// Mark names an event and when it happened.
type Mark struct {
	Event string
	Time  time.Time
}

// State is one directive. The zero value is nothing recorded yet.
type State struct {
	ID             domain.Ref
	Status         Status
	DocumentNumber string
	Title          string
	Issuer         string
	IssuedOn       calendar.Date
	IssuedOnKind   IssuedOnKind
	Addressees     []string
	CC             []string
	BasedOn        []string
	Source         Source
	Requirements   []Requirement
	TextSHA256     string
	Clauses        []Clause // by number, from 1, as amended
	Revisions      []Revision
	Reporting      Duties // in the order they were required, what an office inherited before them
	Issued         Mark
	Voided         Mark
	VoidReason     string
	Repealed       Mark
	RepealedBy     string
	RepealedOn     calendar.Date
}

// A Revision is what an amendment did to one clause.
type Revision struct {
	Mark
	Number      int
	Kind        ChangeKind
	By          string        // the amending document
	EffectiveOn calendar.Date // from when on
	Earlier     Clause        // as it was until then; zero for an added clause
}

// RevisionsOf returns what amendments did to a clause, oldest first.
func (s State) RevisionsOf(number int) []Revision {
	var out []Revision
	for _, r := range s.Revisions {
		if r.Number == number {
			out = append(out, r)
		}
	}
	return out
}

// Removed reports whether an amendment took the clause out. It keeps its number.
func (s State) Removed(number int) bool {
	return slices.ContainsFunc(s.Revisions, func(r Revision) bool { return r.Number == number && r.Kind == ChangeRemoved })
}

// Clause returns the clause under a path and part. Where a document has several,
// it is the first.
func (s State) Clause(path []string, part int) (Clause, bool) {
	i := slices.IndexFunc(s.Clauses, func(c Clause) bool { return c.Part == part && slices.Equal(c.Path, path) })
	if i < 0 {
		return Clause{}, false
	}
	return s.Clauses[i], true
}

// Acts returns the commands of a directive.
func Acts() []domain.Act {
	safety := []domain.Role{domain.RoleSafetyOffice}
	return []domain.Act{
		{Name: "issue", Chinese: "登记文件", Ask: &Issued{}, By: safety},
		{Name: "record-clauses", Chinese: "登记条款", Ask: &ClausesRecorded{}, By: safety},
		{Name: "require-reporting", Chinese: "提出报送要求", Ask: &ReportingRequired{}, By: safety},
		{Name: "end-reporting", Chinese: "终止报送要求", Ask: &ReportingEnded{}, By: safety},
		{Name: "amend", Chinese: "修改", Ask: &Amended{}, By: safety},
		{Name: "repeal", Chinese: "废止", Ask: &Repealed{}, By: safety},
		{Name: "void", Chinese: "撤销登记", Ask: &Voided{}, By: safety},
		{Name: "correct", Chinese: "更正", Ask: &Corrected{}, By: safety},
		{Name: "succeed-office", Chinese: "承接报送", Ask: &OfficeSucceeded{}, By: safety},
	}
}

// LaterActs returns the commands a client gives on a directive that is recorded: all
// but those that the import of a notice and a reorganisation give.
func LaterActs() []domain.Act {
	return slices.DeleteFunc(Acts(), func(a domain.Act) bool {
		switch a.Ask.(type) {
		case *Issued, *ClausesRecorded, *OfficeSucceeded:
			return true
		}
		return false
	})
}

// Allowed returns the names of the acts the state allows a client. Issuing and
// recording clauses are an import's own.
func Allowed(s State) []string {
	switch {
	case s.Status == 0:
		return nil
	case s.Status != StatusIssued:
		return []string{"correct"}
	case slices.ContainsFunc(s.Reporting, func(r Reporting) bool { return r.Until == "" }):
		return []string{"require-reporting", "end-reporting", "amend", "repeal", "void", "correct"}
	}
	return []string{"require-reporting", "amend", "repeal", "void", "correct"}
}

// Decide says what happens when the command is given in the state. A correction
// needs the history and is decided by Correct. An amendment is
// recorded with everything spelled out that the command left to be known: numbers,
// paths, digests, dates.
func Decide(s State, c domain.Command) ([]domain.Event, error) {
	if err := c.Check(Acts()); err != nil {
		return nil, err
	}
	var err error
	if c.Ask, err = complete(s, c); err != nil {
		return nil, err
	}
	e := c.Event()
	if e.Corrects() != nil {
		return nil, errors.New("directive: Decide was asked for a correction")
	}
	if err := admit(s, e); err != nil {
		return nil, err
	}
	return []domain.Event{e}, nil
}

// CheckHistory refuses a history that could not have happened.
func CheckHistory(history []domain.Event) error {
	return domain.CheckHistory(history, Acts(), admit, Evolve)
}

// ContentOf returns the ContentHash of a directive as it was issued and corrected,
// whatever amended it later.
func ContentOf(history []domain.Event) string {
	issued := slices.DeleteFunc(slices.Clone(history), func(e domain.Event) bool {
		switch e.Data.(type) {
		case *Issued, *ClausesRecorded, *Corrected:
			return false
		}
		return true
	})
	s := Replay(issued)
	return ContentHash(s.Title, s.IssuedOn, s.Clauses)
}

// Replay folds a history into a state.
func Replay(history []domain.Event) State { return domain.Fold(history, Evolve) }

func admit(s State, e domain.Event) error {
	switch p := e.Data.(type) {
	case *Issued:
		return admitIssued(s, e, p)
	case *ClausesRecorded:
		return admitClauses(s, e, p)
	case *Amended:
		return admitAmended(s, e, p)
	case *Repealed:
		return admitRepealed(s, e, p)
	case *ReportingRequired:
		if s.Status != StatusIssued {
			return domain.Illegal("directive.reporting_required.status",
				"该文件"+s.Status.Chinese()+"，不能提出报送要求", "reports are required by a directive that stands").Now(Allowed(s))
		}
		return notBefore(s, e, "directive.reporting_required.time")
	case *ReportingEnded:
		return s.admitReportingEnded(e, p)
	case *OfficeSucceeded:
		return notBefore(s, e, "directive.office_succeeded.time")
	case *Voided:
		if s.Status != StatusIssued {
			return domain.Illegal("directive.voided.status",
				"该文件"+s.Status.Chinese()+"，不能撤销登记", "only a directive that stands is voided").Now(Allowed(s))
		}
		return notBefore(s, e, "directive.voided.time")
	}
	return errors.New("directive: event of another aggregate: " + e.Data.EventType())
}

func admitIssued(s State, e domain.Event, p *Issued) error {
	if s.Status != 0 {
		return domain.Illegal("directive.issued.status",
			"该文件已登记，不能重复登记", "the directive has been recorded already").Now(Allowed(s))
	}
	if on := calendar.On(e.Time); p.IssuedOn > on {
		return domain.Invalid("directive.issued.issued_on", "issued_on",
			"发文日期 "+string(p.IssuedOn)+" 晚于登记所写的日期 "+string(on),
			"issued_on "+string(p.IssuedOn)+" lies after the day of the entry, "+string(on))
	}
	return nil
}

func admitClauses(s State, e domain.Event, p *ClausesRecorded) error {
	if s.Status != StatusIssued {
		return domain.Illegal("directive.clauses_recorded.status",
			"该文件"+s.Status.Chinese()+"，不能登记条款", "clauses are recorded on a directive that stands").Now(Allowed(s))
	}
	next := len(s.Clauses) + 1
	for _, c := range p.Clauses {
		if c.Number != next {
			return domain.Illegal("directive.clauses_recorded.number",
				fmt.Sprintf("条款应按序号登记：应为第%d项，实为第%d项", next, c.Number),
				fmt.Sprintf("clauses are recorded in order: clause %d is next, not %d", next, c.Number))
		}
		next++
	}
	return notBefore(s, e, "directive.clauses_recorded.time")
}

func notBefore(s State, e domain.Event, rule string) error {
	if e.Time.Before(s.Issued.Time) {
		return domain.Illegal(rule, "发生时间早于文件登记所写的时间，请改正 time", "the time lies before the directive was issued: correct it")
	}
	return nil
}

// Evolve returns the state after the event.
func Evolve(s State, e domain.Event) State {
	switch p := e.Data.(type) {
	case *Issued:
		if s.Status != 0 {
			return s
		}
		return State{
			ID: e.Subject, Status: StatusIssued,
			DocumentNumber: p.DocumentNumber, Title: p.Title, Issuer: p.Issuer,
			IssuedOn: p.IssuedOn, IssuedOnKind: p.IssuedOnKind,
			Addressees: p.Addressees, CC: p.CC, BasedOn: p.BasedOn,
			Source: p.Source, Requirements: p.Requirements, TextSHA256: p.TextSHA256,
			Issued: Mark{e.ID, e.Time},
		}
	case *ClausesRecorded:
		if s.Status == StatusIssued {
			s.Clauses = append(slices.Clone(s.Clauses), p.Clauses...)
		}
	case *Amended:
		if s.Status == StatusIssued {
			return s.amend(p, Mark{e.ID, e.Time})
		}
	case *Repealed:
		if s.Status == StatusIssued {
			s.Status, s.Repealed, s.RepealedBy, s.RepealedOn = StatusRepealed, Mark{e.ID, e.Time}, p.By, p.EffectiveOn
		}
	case *ReportingRequired:
		if s.Status == StatusIssued {
			s.Reporting = append(slices.Clone(s.Reporting), Reporting{Mark{e.ID, e.Time}, *p})
		}
	case *ReportingEnded:
		if s.Status == StatusIssued {
			s.Reporting = s.Reporting.end(p)
		}
	case *OfficeSucceeded:
		if s.Status == StatusIssued {
			s.Reporting = s.Reporting.succeed(p, calendar.On(e.Time))
		}
	case *Voided:
		if s.Status == StatusIssued {
			s.Status, s.VoidReason, s.Voided = StatusVoided, p.Reason, Mark{e.ID, e.Time}
		}
	}
	return s
}
