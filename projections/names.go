package projections

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/ncruces/go-sqlite3"

	"duban/domain"
	"duban/domain/directive"
	"duban/domain/office"
)

// A directory knows what one row shows of other aggregates.
type directory interface {
	// office returns an office's present name, "" if it is not known.
	office(id string) (string, error)
	// heading returns what a directive is known by.
	heading(id string) (heading, error)
	// clause returns a clause's text.
	clause(directive string, number int, sha256 string) (string, error)
	// duties returns what a directive requires to be reported.
	duties(id string) (directive.Duties, error)
}

// A heading is a directive's number, title and status.
type heading struct {
	number, title string
	status        directive.Status
}

// rowDirectory reads names from the rows, each once.
type rowDirectory struct {
	c        *conn
	offices  map[string]string
	headings map[string]heading
	required map[string]directive.Duties
}

func namesIn(c *conn) *rowDirectory {
	return &rowDirectory{c: c, offices: map[string]string{}, headings: map[string]heading{}, required: map[string]directive.Duties{}}
}

func (d *rowDirectory) office(id string) (string, error) {
	if n, ok := d.offices[id]; ok {
		return n, nil
	}
	n := ""
	_, err := d.c.one("SELECT name FROM office WHERE id=?", []any{id}, func(s *sqlite3.Stmt) { n = s.ColumnText(0) })
	d.offices[id] = n
	return n, err
}

func (d *rowDirectory) heading(id string) (heading, error) {
	h, ok := d.headings[id]
	if !ok {
		if _, err := d.c.one("SELECT document_number, title, status FROM directive WHERE id=?", []any{id}, func(s *sqlite3.Stmt) {
			h = heading{s.ColumnText(0), s.ColumnText(1), directive.Status(s.ColumnInt(2))}
		}); err != nil {
			return heading{}, err
		}
		d.headings[id] = h
	}
	return h, nil
}

func (d *rowDirectory) clause(directive string, number int, sha256 string) (text string, err error) {
	// Nearly always the clause has the words that the task was made of.
	found, err := d.c.one("SELECT text FROM clause WHERE directive=? AND number=? AND text_sha256=?", []any{directive, number, sha256}, func(s *sqlite3.Stmt) {
		text = s.ColumnText(0)
	})
	if err != nil || found {
		return text, err
	}
	var earlier []byte
	_, err = d.c.one("SELECT text, text_sha256, doc FROM clause WHERE directive=? AND (number=? OR text_sha256=?) ORDER BY text_sha256=? DESC, number=? DESC LIMIT 1",
		[]any{directive, number, sha256, sha256, number}, func(s *sqlite3.Stmt) {
			text = s.ColumnText(0)
			if s.ColumnText(1) != sha256 {
				earlier = s.ColumnBlob(2, nil)
			}
		})
	if err != nil || earlier == nil {
		return text, err
	}
	// The task was made of words the clause does not have any more.
	var v ClauseView
	if err := json.Unmarshal(earlier, &v); err != nil {
		return "", fmt.Errorf("read a clause: %w", err)
	}
	for _, r := range v.Revisions {
		if r.EarlierSHA256 == sha256 {
			return r.EarlierText, nil
		}
	}
	return text, nil
}

func (d *rowDirectory) duties(id string) (directive.Duties, error) {
	list, ok := d.required[id]
	if !ok {
		var failed error
		if _, err := d.c.one("SELECT duties FROM directive WHERE id=?", []any{id}, func(s *sqlite3.Stmt) {
			failed = json.Unmarshal(s.ColumnRawBlob(0), &list)
		}); errors.Join(err, failed) != nil {
			return nil, fmt.Errorf("read what directive %s requires: %w", id, errors.Join(err, failed))
		}
		d.required[id] = list
	}
	return list, nil
}

// foldDirectory folds the aggregates it is asked for at a cut.
type foldDirectory struct {
	m          *Model
	c          *conn
	cut        cut
	directives map[string]directive.State
}

func (m *Model) namesAt(c *conn, k cut) *foldDirectory {
	return &foldDirectory{m: m, c: c, cut: k, directives: map[string]directive.State{}}
}

func foldAt[S any](d *foldDirectory, kind domain.Kind, id string) (S, error) {
	var none S
	state, _, err := d.m.at(d.c, domain.Ref{Kind: kind, ID: id}, d.cut)
	if errors.Is(err, ErrNotFound) {
		return none, nil
	}
	if err != nil {
		return none, err
	}
	return *state.(*S), nil
}

func (d *foldDirectory) office(id string) (string, error) {
	s, err := foldAt[office.State](d, domain.KindOffice, id)
	return s.Name, err
}

func (d *foldDirectory) directive(id string) (directive.State, error) {
	s, ok := d.directives[id]
	if !ok {
		var err error
		if s, err = foldAt[directive.State](d, domain.KindDirective, id); err != nil {
			return s, err
		}
		d.directives[id] = s
	}
	return s, nil
}

func (d *foldDirectory) heading(id string) (heading, error) {
	s, err := d.directive(id)
	return heading{s.DocumentNumber, s.Title, s.Status}, err
}

func (d *foldDirectory) duties(id string) (directive.Duties, error) {
	s, err := d.directive(id)
	return s.Duties(), err
}

func (d *foldDirectory) clause(id string, number int, sha256 string) (string, error) {
	s, err := d.directive(id)
	if err != nil {
		return "", err
	}
	text := ""
	for i := range s.Clauses {
		c := &s.Clauses[i]
		switch {
		case c.Number == number && c.TextSHA256 == sha256:
			return c.Text, nil
		case c.TextSHA256 == sha256, c.Number == number && text == "":
			text = c.Text
		}
	}
	for _, r := range s.RevisionsOf(number) {
		if r.Earlier.TextSHA256 == sha256 {
			return r.Earlier.Text, nil
		}
	}
	return text, nil
}

// directory returns where a view finds names: in the rows as long as they stand
// for the cut, by folding otherwise.
func (v *View) directory(c *conn, k cut) directory {
	if v.live {
		return namesIn(c)
	}
	return v.m.namesAt(c, k)
}

// documents reads the documents of rows by key, in the order of the keys.
func documents[D any](c *conn, table string, keys []uint64) ([]D, error) {
	out := make([]D, 0, len(keys))
	for _, n := range keys {
		var d D
		var failed error
		found, err := c.one("SELECT doc FROM "+table+" WHERE n=?", []any{n}, func(s *sqlite3.Stmt) {
			failed = json.Unmarshal(s.ColumnRawBlob(0), &d)
		})
		if err = errors.Join(err, failed); err != nil {
			return nil, fmt.Errorf("read %s %d: %w", table, n, err)
		}
		if found {
			out = append(out, d)
		}
	}
	return out, nil
}

// oneRow reads the document of one thing from the tables as of the view's cut, and
// lets more complete it.
func oneRow[D any](ctx context.Context, v *View, kind domain.Kind, table, id string, more func(*conn, *D) error) (D, error) {
	var out, none D
	ref, err := reference(kind, id)
	if err != nil {
		return none, err
	}
	err = v.lists(ctx, func(c *conn, _ *totals) error {
		n, err := c.number("SELECT n FROM "+table+" WHERE id=?", ref.ID)
		if err != nil {
			return err
		}
		docs, err := documents[D](c, table, []uint64{uint64(n)})
		if err != nil {
			return err
		}
		if len(docs) == 0 {
			return &NotFoundError{What: ref.String()}
		}
		out = docs[0]
		if more == nil {
			return nil
		}
		return more(c, &out)
	})
	if err != nil {
		return none, fmt.Errorf("read %s: %w", ref, err)
	}
	return out, nil
}
