package projections

import (
	"slices"

	"duban/domain"
	"duban/domain/calendar"
	"duban/domain/finding"
	"duban/domain/light"
)

// A findingDoc is what a finding's row holds beside its columns.
type findingDoc struct {
	FindingView
	Light   *LightView     `json:"light,omitempty"` // hides the view's, which depends on the day
	Windows []light.Window `json:"windows,omitempty"`
}

func writeFinding(w *rowWriter, a *aggregate, s finding.State) error {
	if err := w.replace(`DELETE FROM finding_light WHERE (light, finding, since) IN
		(SELECT light, finding, since FROM finding_light INDEXED BY finding_light_finding WHERE finding=?)`, a.first); err != nil {
		return err
	}
	if err := w.replace("DELETE FROM finding_task WHERE finding=?", a.first); err != nil {
		return err
	}
	if s.Status == 0 {
		if err := w.replace("DELETE FROM finding_words WHERE rowid=?", a.first); err != nil {
			return err
		}
		return w.replace("DELETE FROM finding WHERE n=?", a.first)
	}
	doc := documentFinding(a.standing, s, w.setting)
	b, err := encode(doc)
	if err != nil {
		return err
	}
	norm := normalise(s.Description + fieldBreak + s.Subject.Name + fieldBreak + s.Subject.USCC + fieldBreak + s.Subject.Place + fieldBreak + s.Category)
	if err := w.rewriteWords("finding", a.first, norm); err != nil {
		return err
	}
	if err := w.run(`INSERT INTO finding(n, id, status, grade, inspection, rectifier, supervising, found, doc, norm) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT(n) DO UPDATE SET status=excluded.status, grade=excluded.grade, inspection=excluded.inspection,
		rectifier=excluded.rectifier, supervising=excluded.supervising, found=excluded.found, doc=excluded.doc, norm=excluded.norm`,
		a.first, a.ref.ID, int(s.Status), int(s.Grade), s.Inspection.ID, s.Carrier(s.Order.Rectifier.Office).ID, s.Carrier(s.Order.SupervisingOffice).ID, day(s.FoundOn), b, norm); err != nil {
		return err
	}
	for _, t := range s.Tasks {
		if err := w.run("INSERT OR IGNORE INTO finding_task(task, finding) VALUES(?, ?)", t.ID, a.first); err != nil {
			return err
		}
	}
	for _, sp := range spans(doc.Windows) {
		if err := w.run("INSERT INTO finding_light(light, finding, since, until) VALUES(?, ?, ?, ?)", int(sp.light), a.first, sp.since, sp.until); err != nil {
			return err
		}
	}
	return nil
}

func documentFinding(st standing, s finding.State, set light.Setting) findingDoc {
	doc := findingDoc{FindingView: FindingView{
		ID: st.ref.ID, Inspection: s.Inspection.ID, Tasks: ids(s.Tasks),
		Subject: s.Subject.Name, USCC: s.Subject.USCC, Place: s.Subject.Place,
		Description: s.Description, Category: s.Category, FoundOn: s.FoundOn, Criterion: s.Criterion,
		Status: s.Status.String(), StatusChinese: s.Status.Chinese(), EventID: s.Since.Event,
		Rectifier:     s.Order.Rectifier.Name,
		Reinspections: len(s.Reinspections), FailedReinspected: s.Failed(), Suspended: s.Suspension.Stands(),
		Version: st.version, Sequence: st.last, UpdatedAt: st.updated.In(calendar.Zone), UnknownEvents: st.unknown,
	}, Windows: light.OfFinding(s, set.Rules)}
	if s.Grade != 0 {
		doc.Grade = s.Grade.String()
	}
	if o := s.Order.Rectifier.Office; !o.IsZero() {
		doc.RectifierOffice = &Named{ID: o.ID}
	}
	if o := s.Order.SupervisingOffice; !o.IsZero() {
		doc.SupervisingOffice = &Named{ID: o.ID}
	}
	for _, o := range []domain.Ref{s.Order.Rectifier.Office, s.Order.SupervisingOffice} {
		if now := s.Carrier(o); now != o && !slices.Contains(doc.Carriers, Named{ID: now.ID}) {
			doc.Carriers = append(doc.Carriers, Named{ID: now.ID})
		}
	}
	if s.Deadline.On != "" {
		source := "ordered"
		if s.Deadline.Extensions > 0 {
			source = "extended"
		}
		doc.Deadline = &DeadlineView{Date: s.Deadline.On, Source: source, EventID: s.Deadline.Event}
	}
	if r, ok := s.Report(); ok {
		doc.ReportedOn = calendar.On(r.Time)
	}
	if s.Listing.Stands() {
		doc.Listed = s.Listing.Level.String()
	}
	return doc
}
