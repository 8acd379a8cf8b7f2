package projections

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/ncruces/go-sqlite3"

	"duban/domain"
	"duban/domain/calendar"
	"duban/domain/directive"
	"duban/domain/inspection"
	"duban/domain/light"
	"duban/domain/office"
)

// A rowWriter writes the rows of aggregates within the transaction in hand. What
// it writes is a function of the aggregate and of what its lights rest on:
// published years, rules, and for a task what its directive requires to be
// reported.
type rowWriter struct {
	*conn
	setting  light.Setting
	moved    bool // what the setting rests on was written since it was read
	empty    bool // nothing has been written yet: there is nothing to replace
	names    *rowDirectory
	books    *books
	required []string // directives whose reports are required differently now
}

// replace runs a statement that takes out what an earlier writing left.
func (w *rowWriter) replace(sql string, args ...any) error {
	if w.empty {
		return nil
	}
	return w.run(sql, args...)
}

func encode(doc any) ([]byte, error) {
	b, err := json.Marshal(doc)
	if err != nil {
		return nil, fmt.Errorf("encode %T: %w", doc, err)
	}
	return b, nil
}

// rewriteWords replaces the search tokens of one row if its text changed. The
// text stands in the table's column norm.
func (w *rowWriter) rewriteWords(table string, n uint64, norm string) error {
	if w.empty {
		return w.run("INSERT INTO "+table+"_words(rowid, words) VALUES(?, ?)", n, tokens(norm))
	}
	var old string
	found, err := w.one("SELECT norm FROM "+table+" WHERE n=?", []any{n}, func(s *sqlite3.Stmt) { old = s.ColumnText(0) })
	if err != nil || found && old == norm {
		return err
	}
	if found {
		if err := w.replace("DELETE FROM "+table+"_words WHERE rowid=?", n); err != nil {
			return err
		}
	}
	return w.run("INSERT INTO "+table+"_words(rowid, words) VALUES(?, ?)", n, tokens(norm))
}

func ids(refs []domain.Ref) []string {
	var out []string
	for _, r := range refs {
		out = append(out, r.ID)
	}
	return out
}

// Offices.

func writeOffice(w *rowWriter, a *aggregate, s office.State) error {
	w.books.roster = true
	if err := w.replace("DELETE FROM office_name WHERE office=?", a.ref.ID); err != nil {
		return err
	}
	if s.Name == "" {
		return w.replace("DELETE FROM office WHERE n=?", a.first)
	}
	v := officeView(a.standing, s)
	doc, err := encode(v)
	if err != nil {
		return err
	}
	heirs := []string{}
	if s.Gone() {
		heirs = ids(s.Into)
	}
	line, err := encode(heirs)
	if err != nil {
		return err
	}
	if err := w.run(`INSERT INTO office(n, id, name, heirs, doc) VALUES(?, ?, ?, ?, ?)
		ON CONFLICT(n) DO UPDATE SET name=excluded.name, heirs=excluded.heirs, doc=excluded.doc`, a.first, a.ref.ID, s.Name, string(line), doc); err != nil {
		return err
	}
	ord := 0
	put := func(name string, former bool) error {
		ord++
		return w.run("INSERT INTO office_name(office, ord, former, name, norm) VALUES(?, ?, ?, ?, ?)",
			a.ref.ID, ord, former, comparable(name), normalise(name))
	}
	for _, n := range append([]string{s.Name}, s.Aliases...) {
		if err := put(n, false); err != nil {
			return err
		}
	}
	for _, n := range v.Former {
		if err := put(n, true); err != nil {
			return err
		}
	}
	return nil
}

func officeView(st standing, s office.State) OfficeView {
	v := OfficeView{
		ID: st.ref.ID, Name: s.Name, Type: s.Type.String(), Aliases: s.Aliases,
		Version: st.version, Sequence: st.last, UnknownEvents: st.unknown,
	}
	for _, e := range s.Earlier {
		v.Former = append(v.Former, e.Name)
	}
	if len(s.Into) > 1 {
		for _, o := range s.Into {
			v.SplitInto = append(v.SplitInto, Named{ID: o.ID})
		}
	} else if s.Gone() {
		v.MergedInto = &Named{ID: s.Heir.ID}
	}
	if s.Gone() {
		v.EndedOn, v.Heir = calendar.On(s.Ended.Time), &Named{ID: s.Heir.ID}
	}
	return v
}

// Directives and their clauses.

func writeDirective(w *rowWriter, a *aggregate, s directive.State) error {
	w.books.roster = true
	low, high := clauseKey(a.first, 0), clauseKey(a.first+1, 0)
	if s.Status == 0 {
		w.required = append(w.required, a.ref.ID)
		if err := w.deleteClauses(low, high); err != nil {
			return err
		}
		if err := w.replace("DELETE FROM directive_words WHERE rowid=?", a.first); err != nil {
			return err
		}
		return w.replace("DELETE FROM directive WHERE n=?", a.first)
	}
	doc, err := encode(directiveView(a.standing, s))
	if err != nil {
		return err
	}
	norm := normalise(s.DocumentNumber + fieldBreak + s.Title)
	if err := w.rewriteWords("directive", a.first, norm); err != nil {
		return err
	}
	duties, err := w.require(a, s.Duties())
	if err != nil {
		return err
	}
	if err := w.run(`INSERT INTO directive(n, id, status, document_number, title, doc, norm, duties) VALUES(?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT(n) DO UPDATE SET status=excluded.status, document_number=excluded.document_number, title=excluded.title,
		doc=excluded.doc, norm=excluded.norm, duties=excluded.duties`,
		a.first, a.ref.ID, int(s.Status), s.DocumentNumber, s.Title, doc, norm, duties); err != nil {
		return err
	}
	// Most events of a directive leave its clauses alone.
	digest := clausesDigest(s)
	if written, ok := a.written.([sha256.Size]byte); ok && written == digest {
		return nil
	}
	if err := w.deleteClauses(low, high); err != nil {
		return err
	}
	last := 0
	for i := range s.Clauses {
		// Decide sees to it that clauses are numbered one after the other; what was
		// written past it must not break the key.
		if n := s.Clauses[i].Number; n <= last || n >= 1<<clauseBits {
			continue
		}
		last = s.Clauses[i].Number
		if err := w.writeClause(a, s, s.Clauses[i]); err != nil {
			return err
		}
	}
	a.written = digest
	return nil
}

// require encodes what a directive requires to be reported, and notes whether that
// is something else than before.
func (w *rowWriter) require(a *aggregate, duties directive.Duties) ([]byte, error) {
	now, err := encode(duties)
	if err != nil || w.empty {
		return now, err
	}
	before := []byte("null") // of a directive not written yet
	if _, err := w.one("SELECT duties FROM directive WHERE n=?", []any{a.first}, func(s *sqlite3.Stmt) { before = s.ColumnBlob(0, nil) }); err != nil {
		return nil, err
	}
	if string(before) != string(now) {
		w.required = append(w.required, a.ref.ID)
	}
	return now, nil
}

func clausesDigest(s directive.State) (digest [sha256.Size]byte) {
	h := sha256.New()
	for i := range s.Clauses {
		fmt.Fprintf(h, "%+v\x00", s.Clauses[i])
	}
	for i := range s.Revisions {
		fmt.Fprintf(h, "%+v\x00", s.Revisions[i])
	}
	h.Sum(digest[:0])
	return digest
}

// clauseBits is how many bits of a clause's key hold its number.
const clauseBits = 20

func clauseKey(directive uint64, number int) uint64 { return directive<<clauseBits | uint64(number) }

func (w *rowWriter) deleteClauses(low, high uint64) error {
	if err := w.replace("DELETE FROM clause_words WHERE rowid IN (SELECT n FROM clause WHERE n>=? AND n<?)", low, high); err != nil {
		return err
	}
	return w.replace("DELETE FROM clause WHERE n>=? AND n<?", low, high)
}

func (w *rowWriter) writeClause(a *aggregate, s directive.State, c directive.Clause) error {
	v, err := clauseView(s, c)
	if err != nil {
		return err
	}
	v.Text = "" // stands in its own column
	doc, err := encode(v)
	if err != nil {
		return err
	}
	norm := c.Text
	for _, h := range c.Headings {
		norm += fieldBreak + h
	}
	// A task that ended before the clause changed is found by the words it had.
	for _, r := range v.Revisions {
		norm += fieldBreak + r.EarlierText
	}
	norm = normalise(norm)
	n := clauseKey(a.first, c.Number)
	if err := w.run(`INSERT INTO clause(n, directive, number, text_sha256, text, removed, doc, norm) VALUES(?, ?, ?, ?, ?, ?, ?, ?)`,
		n, a.ref.ID, c.Number, c.TextSHA256, c.Text, v.Removed, doc, norm); err != nil {
		return err
	}
	return w.run("INSERT INTO clause_words(rowid, words) VALUES(?, ?)", n, tokens(norm))
}

func clauseView(s directive.State, c directive.Clause) (ClauseView, error) {
	offices := c.Offices
	if offices == nil {
		offices = []directive.ClauseOffice{}
	}
	raw, err := encode(offices)
	if err != nil {
		return ClauseView{}, err
	}
	v := ClauseView{
		Number: c.Number, Path: orEmpty(c.Path), Headings: orEmpty(c.Headings), Part: c.Part,
		Text: c.Text, TextSHA256: c.TextSHA256, Mark: c.Mark, Offices: raw, AndOthers: c.AndOthers,
	}
	if c.Kind != 0 {
		v.Kind = c.Kind.String()
	}
	v.Removed = s.Removed(c.Number)
	for _, r := range s.RevisionsOf(c.Number) {
		v.Revisions = append(v.Revisions, ClauseRevision{Change: r.Kind.String(), Chinese: r.Kind.Chinese(), By: r.By, EffectiveOn: r.EffectiveOn,
			EarlierText: r.Earlier.Text, EarlierSHA256: r.Earlier.TextSHA256, EventID: r.Event})
	}
	return v, nil
}

// orEmpty returns a list that is written as [] when it is empty.
func orEmpty(l []string) []string {
	if l == nil {
		return []string{}
	}
	return l
}

func directiveView(st standing, s directive.State) DirectiveView {
	v := DirectiveView{
		ID: st.ref.ID, DocumentNumber: s.DocumentNumber, Title: s.Title, Issuer: s.Issuer,
		IssuedOn: s.IssuedOn, Addressees: s.Addressees, CC: s.CC, BasedOn: s.BasedOn,
		Status: DirectiveInForce, ClauseCount: len(s.Clauses), SourceSHA256: s.Source.SHA256,
		Version: st.version, Sequence: st.last, UnknownEvents: st.unknown,
	}
	if s.IssuedOnKind != 0 {
		v.IssuedOnKind = s.IssuedOnKind.String()
	}
	switch s.Status {
	case directive.StatusVoided:
		v.Status = DirectiveVoided
	case directive.StatusRepealed:
		v.Status, v.RepealedBy, v.RepealedOn = DirectiveRepeal, s.RepealedBy, s.RepealedOn
	case directive.StatusIssued:
	}
	for _, r := range s.Revisions {
		if !slices.Contains(v.Amended, r.By) {
			v.Amended = append(v.Amended, r.By)
		}
		if r.Kind == directive.ChangeRemoved {
			v.ClauseCount--
		}
	}
	if len(s.Requirements) > 0 {
		v.Requirements, _ = encode(s.Requirements) // plain texts and numbers always encode
	}
	return v
}

// Inspections.

func writeInspection(w *rowWriter, a *aggregate, s inspection.State) error {
	if s.Status == 0 {
		return w.replace("DELETE FROM inspection WHERE n=?", a.first)
	}
	doc, err := encode(inspectionView(a.standing, s))
	if err != nil {
		return err
	}
	norm := normalise(s.Kind + fieldBreak + s.Scope + fieldBreak + s.Subject.Name + fieldBreak + s.Subject.Place + fieldBreak + s.Summary)
	return w.run(`INSERT INTO inspection(n, id, status, doc, norm) VALUES(?, ?, ?, ?, ?)
		ON CONFLICT(n) DO UPDATE SET status=excluded.status, doc=excluded.doc, norm=excluded.norm`,
		a.first, a.ref.ID, int(s.Status), doc, norm)
}

func inspectionView(st standing, s inspection.State) InspectionView {
	v := InspectionView{
		ID: st.ref.ID, Kind: s.Kind, Scope: s.Scope, Subject: s.Subject.Name, Team: ids(s.Team),
		Status: s.Status.String(), OpenedOn: calendar.On(s.Opened.Time), Summary: s.Summary,
		Version: st.version, Sequence: st.last, UpdatedAt: st.updated.In(calendar.Zone), UnknownEvents: st.unknown,
	}
	if s.Closed.Event != "" {
		v.ClosedOn = calendar.On(s.Closed.Time)
	}
	return v
}
