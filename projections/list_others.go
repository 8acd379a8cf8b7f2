package projections

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/ncruces/go-sqlite3"

	"duban/domain"
	"duban/domain/calendar"
	"duban/domain/inspection"
	"duban/domain/office"
)

// InspectionQuery selects inspections, the latest recorded first. Empty fields
// select all.
type InspectionQuery struct {
	Status string // open or closed
	Q      string // words in kind, scope, subject and summary
	Today  calendar.Date
	Limit  int
	Cursor string
}

// Inspections returns a page of inspections.
func (v *View) Inspections(ctx context.Context, q InspectionQuery) (Page[InspectionView], error) {
	page := Page[InspectionView]{Items: []InspectionView{}}
	limit, err := limitOf(q.Limit)
	if err != nil {
		return page, err
	}
	l := &listing{from: "inspection", n: "inspection.n", columns: []column{{"inspection.n", false}}, desc: true}
	if q.Status != "" {
		s, err := inspection.ParseStatus(q.Status)
		if err != nil {
			return page, &QueryError{Field: "status", Err: err}
		}
		l.add("inspection.status=?", int(s))
	}
	words, err := terms(q.Q)
	if err != nil {
		return page, err
	}
	for _, w := range words { // there are few inspections: no index
		l.add("instr(inspection.norm, ?) > 0", w.norm)
	}
	err = v.lists(ctx, func(c *conn, t *totals) error {
		keys, next, total, err := l.page(c, t, queryDigest("inspections", v.cut, q.Status, q.Q), q.Cursor, limit)
		if err != nil {
			return err
		}
		if page.Items, err = documents[InspectionView](c, "inspection", keys); err != nil {
			return err
		}
		for i := range page.Items {
			if page.Items[i].Findings, err = countFindings(c, page.Items[i].ID); err != nil {
				return err
			}
		}
		page.Next, page.Total = next, total
		page.Cutoff, err = v.cutoff(c, q.Today)
		return err
	})
	if err != nil {
		return Page[InspectionView]{}, fmt.Errorf("list inspections: %w", err)
	}
	return page, nil
}

func countFindings(c *conn, inspection string) (int, error) {
	n, err := c.number("SELECT count(*) FROM finding WHERE inspection=?", inspection)
	return int(n), err
}

// Inspection returns one inspection, or a *NotFoundError.
func (v *View) Inspection(ctx context.Context, id string) (InspectionView, error) {
	out, err := oneRow[InspectionView](ctx, v, domain.KindInspection, "inspection", id, func(c *conn, out *InspectionView) (err error) {
		out.Findings, err = countFindings(c, out.ID)
		return err
	})
	if err != nil || out.UnknownEvents {
		return out, err
	}
	status, err := inspection.ParseStatus(out.Status)
	if err != nil {
		return out, fmt.Errorf("read inspection %s: %w", id, err)
	}
	out.Allowed = inspection.Allowed(inspection.State{Status: status})
	return out, nil
}

// OfficeQuery selects offices in the order of registration.
type OfficeQuery struct {
	Q      string // words in present, former and other names
	Today  calendar.Date
	Limit  int
	Cursor string
}

// Offices returns a page of offices.
func (v *View) Offices(ctx context.Context, q OfficeQuery) (Page[OfficeView], error) {
	page := Page[OfficeView]{Items: []OfficeView{}}
	limit, err := limitOf(q.Limit)
	if err != nil {
		return page, err
	}
	l := &listing{from: "office", n: "office.n", columns: []column{{"office.n", false}}}
	words, err := terms(q.Q)
	if err != nil {
		return page, err
	}
	for _, w := range words {
		l.add("office.id IN (SELECT office FROM office_name WHERE instr(norm, ?) > 0)", w.norm)
	}
	err = v.lists(ctx, func(c *conn, t *totals) error {
		keys, next, total, err := l.page(c, t, queryDigest("offices", v.cut, q.Q), q.Cursor, limit)
		if err != nil {
			return err
		}
		if page.Items, err = documents[OfficeView](c, "office", keys); err != nil {
			return err
		}
		names := namesIn(c)
		for i := range page.Items {
			if err := page.Items[i].nameHeirs(names); err != nil {
				return err
			}
		}
		page.Next, page.Total = next, total
		page.Cutoff, err = v.cutoff(c, q.Today)
		return err
	})
	if err != nil {
		return Page[OfficeView]{}, fmt.Errorf("list offices: %w", err)
	}
	return page, nil
}

// nameHeirs adds the names of the offices that carry on.
func (v *OfficeView) nameHeirs(names directory) (err error) {
	for _, o := range []*Named{v.Heir, v.MergedInto} {
		if o == nil {
			continue
		}
		if o.Name, err = names.office(o.ID); err != nil {
			return err
		}
	}
	for i := range v.SplitInto {
		if v.SplitInto[i].Name, err = names.office(v.SplitInto[i].ID); err != nil {
			return err
		}
	}
	return nil
}

// EndedOffice returns an office that is no more, with who carries on, and the zero
// view for one that stands or is not known.
func (m *Model) EndedOffice(ctx context.Context, ref domain.Ref) (OfficeView, error) {
	now := m.Moved()
	if known, ok := m.ended.of(ref, now); ok {
		return known, nil
	}
	out, err := m.endedOffice(ctx, ref)
	if err == nil {
		m.ended.remember(ref, now, out)
	}
	return out, err
}

// endings remember what EndedOffice found, which every request asks, until the rows
// move.
type endings struct {
	mu      sync.Mutex
	at      <-chan struct{} // of Moved, taken before what is known was read
	offices map[domain.Ref]OfficeView
}

func (e *endings) of(ref domain.Ref, now <-chan struct{}) (known OfficeView, ok bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.at == now {
		known, ok = e.offices[ref]
	}
	return known, ok
}

// remember keeps what was read after at was taken.
func (e *endings) remember(ref domain.Ref, at <-chan struct{}, found OfficeView) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.at != at {
		e.at, e.offices = at, map[domain.Ref]OfficeView{}
	}
	e.offices[ref] = found
}

func (m *Model) endedOffice(ctx context.Context, ref domain.Ref) (OfficeView, error) {
	var out OfficeView
	err := m.read(ctx, func(c *conn) error {
		var failed error
		found, err := c.one("SELECT doc FROM office WHERE id=? AND heirs<>'[]'", []any{ref.ID}, func(s *sqlite3.Stmt) {
			failed = json.Unmarshal(s.ColumnRawBlob(0), &out)
		})
		if err = errors.Join(err, failed); err != nil || !found {
			return err
		}
		return out.nameHeirs(namesIn(c))
	})
	if err != nil {
		return OfficeView{}, fmt.Errorf("look up %s: %w", ref, err)
	}
	return out, nil
}

// Office returns one office, or a *NotFoundError.
func (v *View) Office(ctx context.Context, id string) (OfficeView, error) {
	var out OfficeView
	ref, err := reference(domain.KindOffice, id)
	if err != nil {
		return out, err
	}
	err = v.trail(ctx, func(c *conn, k cut) error {
		state, st, err := v.m.at(c, ref, k)
		if err != nil {
			return err
		}
		s := *state.(*office.State)
		if s.Name == "" {
			return &NotFoundError{What: ref.String()}
		}
		out = officeView(st, s)
		if !st.unknown {
			out.Allowed = office.Allowed(s)
		}
		return out.nameHeirs(v.directory(c, k))
	})
	if err != nil {
		return OfficeView{}, fmt.Errorf("read %s: %w", ref, err)
	}
	return out, nil
}
