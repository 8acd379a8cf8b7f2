package projections

import (
	"context"
	"fmt"

	"duban/domain"
	"duban/domain/calendar"
	"duban/domain/finding"
)

// FindingQuery selects findings, the latest recorded first. Empty fields select all.
type FindingQuery struct {
	Status, Light, Grade string
	Office               string // id or name of the supervising office or of the rectifier
	Task, Inspection     string // ids
	Q                    string // words in description, subject, place and category
	Today                calendar.Date
	Limit                int
	Cursor               string
}

// Findings returns a page of findings. Their Allowed is empty, see Finding.
func (v *View) Findings(ctx context.Context, q FindingQuery) (Page[FindingView], error) {
	page := Page[FindingView]{Items: []FindingView{}}
	limit, err := limitOf(q.Limit)
	if err != nil {
		return page, err
	}
	today, err := dayFor(q.Today)
	if err != nil {
		return page, err
	}
	err = v.lists(ctx, func(c *conn, t *totals) error {
		l, err := findingListing(c, q, today)
		if err != nil {
			return err
		}
		litOn := calendar.Date("")
		if q.Light != "" {
			litOn = q.Today
		}
		digest := queryDigest("findings", v.cut, q.Status, q.Light, q.Grade, q.Office, q.Task, q.Inspection, q.Q, litOn)
		keys, next, total, err := l.page(c, t, digest, q.Cursor, limit)
		if err != nil {
			return err
		}
		docs, err := documents[findingDoc](c, "finding", keys)
		if err != nil {
			return err
		}
		names := namesIn(c)
		lit, err := lampIn(c, q.Today)
		if err != nil {
			return err
		}
		for _, d := range docs {
			view, err := viewFinding(d, names, lit)
			if err != nil {
				return err
			}
			page.Items = append(page.Items, view)
		}
		page.Next, page.Total = next, total
		page.Cutoff, err = v.cutoff(c, q.Today)
		return err
	})
	if err != nil {
		return Page[FindingView]{}, fmt.Errorf("list findings: %w", err)
	}
	return page, nil
}

func findingListing(c *conn, q FindingQuery, today int) (*listing, error) {
	l := &listing{from: "finding", n: "finding.n", columns: []column{{"finding.n", false}}, desc: true}
	if q.Status != "" {
		s, err := finding.ParseStatus(q.Status)
		if err != nil {
			return nil, &QueryError{Field: "status", Err: err}
		}
		l.add("finding.status=?", int(s))
	}
	if q.Grade != "" {
		g, err := finding.ParseGrade(q.Grade)
		if err != nil {
			return nil, &QueryError{Field: "grade", Err: err}
		}
		l.add("finding.grade=?", int(g))
	}
	if q.Light != "" {
		lights, err := lightsNamed(q.Light)
		if err != nil {
			return nil, err
		}
		l.add("finding.n IN (SELECT finding FROM finding_light WHERE "+lights.in("light")+" AND "+lightSpan+")", today, today)
	}
	if q.Office != "" {
		offices, err := officesBy(c, q.Office)
		if err != nil {
			return nil, err
		}
		l.add("(finding.supervising IN (SELECT value FROM json_each(?)) OR finding.rectifier IN (SELECT value FROM json_each(?)))", offices, offices)
	}
	if q.Task != "" {
		id, err := recorded(c, domain.KindTask, q.Task)
		if err != nil {
			return nil, err
		}
		l.add("finding.n IN (SELECT finding FROM finding_task WHERE task=?)", id)
	}
	if q.Inspection != "" {
		id, err := recorded(c, domain.KindInspection, q.Inspection)
		if err != nil {
			return nil, err
		}
		l.add("finding.inspection=?", id)
	}
	words, err := terms(q.Q)
	if err != nil {
		return nil, err
	}
	for _, w := range words {
		cond, args := w.in("finding")
		l.add(cond, args...)
	}
	return l, nil
}

func viewFinding(d findingDoc, names directory, lit lamp) (FindingView, error) {
	v := d.FindingView
	for _, o := range []*Named{v.RectifierOffice, v.SupervisingOffice} {
		if o == nil {
			continue
		}
		var err error
		if o.Name, err = names.office(o.ID); err != nil {
			return v, err
		}
	}
	for i := range v.Carriers {
		var err error
		if v.Carriers[i].Name, err = names.office(v.Carriers[i].ID); err != nil {
			return v, err
		}
	}
	if v.RectifierOffice != nil && v.Rectifier == "" {
		v.Rectifier = v.RectifierOffice.Name
	}
	v.Light = lit.show(d.Windows)
	return v, nil
}

// Finding returns one finding with what is allowed now, or a *NotFoundError.
func (v *View) Finding(ctx context.Context, id string, today calendar.Date) (FindingView, error) {
	var out FindingView
	if _, err := dayFor(today); err != nil {
		return out, err
	}
	ref, err := reference(domain.KindFinding, id)
	if err != nil {
		return out, err
	}
	err = v.trail(ctx, func(c *conn, k cut) error {
		state, st, err := v.m.at(c, ref, k)
		if err != nil {
			return err
		}
		s := *state.(*finding.State)
		if s.Status == 0 {
			return &NotFoundError{What: ref.String()}
		}
		set, err := v.setting(c, k)
		if err != nil {
			return err
		}
		if out, err = viewFinding(documentFinding(st, s, set), v.directory(c, k), lampOf(set, today)); err != nil {
			return err
		}
		if !st.unknown {
			out.Allowed = finding.Allowed(s)
		}
		return nil
	})
	if err != nil {
		return FindingView{}, fmt.Errorf("read %s: %w", ref, err)
	}
	return out, nil
}
