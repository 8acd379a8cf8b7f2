package api

import (
	"context"
	"errors"
	"iter"

	"duban/api/forms"
	"duban/api/workbook"
	"duban/domain"
	"duban/domain/calendar"
	"duban/domain/name"
	"duban/projections"
)

// offices fills in what names of offices mean, and for whom the sheet is entered.
func (im *sheetImport) offices(ctx context.Context, v *projections.View) error {
	im.terms.Offices = map[string]domain.Ref{}
	former := map[string]domain.Ref{}
	q := projections.OfficeQuery{Today: im.terms.Today, Limit: 500}
	for {
		page, err := v.Offices(ctx, q)
		if err != nil {
			return err
		}
		for _, o := range page.Items {
			ref := domain.Ref{Kind: domain.KindOffice, ID: o.ID}
			for _, n := range append(o.Aliases, o.Name) {
				im.terms.Offices[forms.OfficeKey(n)] = ref
			}
			for _, n := range o.Former {
				former[forms.OfficeKey(n)] = ref
			}
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			break
		}
	}
	for n, ref := range former {
		if _, taken := im.terms.Offices[n]; !taken {
			im.terms.Offices[n] = ref
		}
	}
	return im.onBehalf(ctx, v)
}

func (im *sheetImport) onBehalf(ctx context.Context, v *projections.View) error {
	if im.behalf == "" {
		return nil
	}
	ref, ok := im.terms.Office(im.behalf)
	if !ok {
		o, err := v.Office(ctx, im.behalf)
		if err != nil {
			return domain.Invalid("behalf.unknown", "on_behalf_of", "没有名为“"+im.behalf+"”的处室；先登记该单位（office register）", "there is no office called "+im.behalf+": register it first (office register)")
		}
		ref = domain.Ref{Kind: domain.KindOffice, ID: o.ID}
	}
	im.terms.OnBehalfOf = ref
	return nil
}

// since loads the records that have moved on from the version in a row.
func (s *Server) since(ctx context.Context, seen histories, k workbook.Key, version uint64) ([]domain.Event, error) {
	if version <= k.Version {
		return nil, nil
	}
	a, ok := seen[k.Ref]
	if !ok {
		var err error
		if a, err = s.Store.History(ctx, k.Ref); err != nil {
			return nil, err
		}
		seen[k.Ref] = a
	}
	return a.Events, nil
}

// A shareKey names a line of the summary of progress.
type shareKey struct {
	task, office string
	period       calendar.Period
}

func (s *Server) planProgress(ctx context.Context, v *projections.View, in forms.Returned, t forms.Terms) (forms.Plan, histories, error) {
	wanted, periods := map[shareKey]*forms.Standing[projections.ShareRow]{}, map[calendar.Period]bool{}
	for _, r := range in.Rows {
		if r.Key.Ref.Kind == domain.KindTask && r.Key.Period != "" {
			wanted[shareKey{r.Key.Ref.ID, r.Key.Office, r.Key.Period}] = nil
			periods[r.Key.Period] = true
		}
	}
	for period := range periods {
		q := projections.ReportQuery{Period: period, Today: t.Today}
		err := v.EachReport(ctx, q, func(_ projections.ReportPage, all iter.Seq2[projections.ShareRow, error]) error {
			for row, err := range all {
				if err != nil {
					return err
				}
				k := shareKey{row.Task, row.Office.ID, period}
				if _, ok := wanted[k]; ok {
					wanted[k] = &forms.Standing[projections.ShareRow]{View: row, Version: row.Version}
				}
			}
			return nil
		})
		if err != nil {
			return forms.Plan{}, nil, err
		}
	}
	seen := histories{}
	for _, r := range in.Rows {
		standing := wanted[shareKey{r.Key.Ref.ID, r.Key.Office, r.Key.Period}]
		if standing == nil {
			continue
		}
		history, err := s.since(ctx, seen, r.Key, standing.Version)
		if err != nil {
			return forms.Plan{}, nil, err
		}
		standing.History = history
	}
	return forms.ProgressPlan(in, t, func(k workbook.Key) (forms.Standing[projections.ShareRow], bool) {
		standing := wanted[shareKey{k.Ref.ID, k.Office, k.Period}]
		if standing == nil {
			return forms.Standing[projections.ShareRow]{}, false
		}
		return *standing, true
	}), seen, nil
}

func (s *Server) planRectification(ctx context.Context, v *projections.View, in forms.Returned, t forms.Terms) (forms.Plan, histories, error) {
	wanted, seen := map[string]forms.Standing[projections.FindingView]{}, histories{}
	for _, r := range in.Rows {
		if r.Key.Ref.Kind != domain.KindFinding {
			continue
		}
		f, err := v.Finding(ctx, r.Key.Ref.ID, t.Today)
		if errors.Is(err, projections.ErrNotFound) {
			continue
		}
		if err != nil {
			return forms.Plan{}, nil, err
		}
		standing := forms.Standing[projections.FindingView]{View: f, Version: f.Version}
		if standing.History, err = s.since(ctx, seen, r.Key, f.Version); err != nil {
			return forms.Plan{}, nil, err
		}
		wanted[r.Key.Ref.ID] = standing
	}
	return forms.RectificationPlan(in, t, func(k workbook.Key) (forms.Standing[projections.FindingView], bool) {
		standing, ok := wanted[k.Ref.ID]
		return standing, ok
	}), seen, nil
}

// planBulk needs the clauses of the directives that the sheet names.
func planBulk(ctx context.Context, v *projections.View, in forms.Returned, t forms.Terms) (forms.Plan, histories, error) {
	byNumber := map[string][]projections.DirectiveView{}
	q := projections.DirectiveQuery{Status: projections.DirectiveInForce, Today: t.Today, Limit: 500}
	for {
		page, err := v.Directives(ctx, q)
		if err != nil {
			return forms.Plan{}, nil, err
		}
		for _, d := range page.Items {
			number := name.Normalise(name.KindDocumentNumber, d.DocumentNumber)
			if number == "" || !in.NamesDocument(number) {
				continue
			}
			if d, err = v.Directive(ctx, d.ID); err != nil {
				return forms.Plan{}, nil, err
			}
			byNumber[number] = append(byNumber[number], d)
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			break
		}
	}
	return forms.BulkPlan(in, t, func(number string) []projections.DirectiveView { return byNumber[number] }), nil, nil
}

// rejected is the sheet of the rows that go back, each with why.
func (im *sheetImport) rejected() workbook.Sheet {
	t := im.form.table
	t.Titles = []string{t.Name + "（退回的行）"}
	t.Notes = []string{"按“退回原因”改好后可再次导入；已入账的行不在其中。"}
	t.Columns = append(t.Columns[:len(t.Columns):len(t.Columns)], workbook.Column{Key: "rejected", Header: workbook.RejectedHeader, Width: 40, Kind: workbook.KindText})
	var rows []workbook.Row
	for _, p := range im.plan.Rows {
		if !p.Outcome.Rejected() {
			continue
		}
		row := p.Back
		words := ""
		for _, r := range p.Reasons {
			if words != "" {
				words += "\n"
			}
			if r.Column != "" {
				words += r.Column + "："
			}
			words += r.Words
		}
		row.Cells = append(row.Cells[:len(row.Cells):len(row.Cells)], workbook.Text(words))
		rows = append(rows, row)
	}
	return workbook.Sheet{Table: t, Rows: workbook.Listed(rows)}
}
