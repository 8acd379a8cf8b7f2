package projections

import (
	"slices"
	"strings"

	"duban/domain/assessment"
	"duban/domain/task"
)

// A recordRow is one row of share_record with its events.
type recordRow struct {
	office, record, lights, events string
	status                         task.ShareStatus
}

// A reportRow is what a share reported on one day for one period, as its last
// event says.
type reportRow struct {
	event  string
	report task.Report
}

// A reportDoc is what a row of share_report holds.
type reportDoc struct {
	Condition string `json:"condition"`
	Progress  string `json:"progress,omitempty"`
	Problems  string `json:"problems,omitempty"`
	NextSteps string `json:"next_steps,omitempty"`
}

// recordsOf returns the rows of a task's shares, by their place among them, and of
// what they reported.
func recordsOf(s task.State, doc taskDoc) (records []recordRow, reports []reportRow) {
	for i, sh := range s.Shares {
		r, events, ok := assessment.RecordOf(s, sh)
		if !ok {
			return nil, nil
		}
		row := recordRow{office: sh.Office.ID, status: sh.Status, record: string(encodeRecord(&r)), events: strings.Join(events, " ")}
		if sh.Status.Active() {
			row.lights = string(encodeLights(doc.Shares[i].Windows))
		}
		records = append(records, row)
		for _, entry := range r.Reports {
			id := events[entry.Last-1]
			at := slices.IndexFunc(sh.Reports, func(p task.Report) bool { return p.Event == id })
			reports = append(reports, reportRow{id, sh.Reports[at]})
		}
	}
	return records, reports
}

// forgetRecords takes out what stands of a task that is not known in memory. It
// runs before the task's own row changes, which says where they are.
func (w *rowWriter) forgetRecords(n uint64) error {
	for _, sql := range []string{
		"DELETE FROM share_record WHERE (directive, number, part) IN (SELECT directive, number, part FROM task WHERE n=?1) AND task=?1",
		"DELETE FROM share_source WHERE task=?1",
		"DELETE FROM share_report WHERE task=?1",
	} {
		if err := w.replace(sql, n); err != nil {
			return err
		}
	}
	return nil
}

// writeRecords writes the rows that differ from the old ones.
func (w *rowWriter) writeRecords(n uint64, old, row *taskRow) error {
	for ord, r := range row.records {
		var before recordRow
		if ord < len(old.records) {
			before = old.records[ord]
		}
		if before != r {
			if err := w.run("INSERT OR REPLACE INTO share_record(directive, number, part, task, ord, office, status, record, lights) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)",
				row.directive, row.number, row.part, n, ord, r.office, int(r.status), []byte(r.record), []byte(r.lights)); err != nil {
				return err
			}
		}
		if before.events != r.events {
			if err := w.run("INSERT OR REPLACE INTO share_source(task, ord, events) VALUES(?, ?, ?)", n, ord, r.events); err != nil {
				return err
			}
		}
	}
	return w.writeReports(n, old.reports, row.reports)
}

func (w *rowWriter) writeReports(n uint64, old, reports []reportRow) error {
	for len(old) > 0 && len(reports) > 0 && old[0] == reports[0] { // mostly one was added
		old, reports = old[1:], reports[1:]
	}
	for _, r := range old {
		if !slices.Contains(reports, r) {
			if err := w.run("DELETE FROM share_report WHERE task=? AND event=?", n, r.event); err != nil {
				return err
			}
		}
	}
	for _, r := range reports {
		if slices.Contains(old, r) {
			continue
		}
		doc, err := encode(reportDoc{r.report.Condition.String(), r.report.Progress, r.report.Problems, r.report.NextSteps})
		if err != nil {
			return err
		}
		if err := w.run("INSERT OR REPLACE INTO share_report(task, event, doc) VALUES(?, ?, ?)", n, r.event, doc); err != nil {
			return err
		}
	}
	return nil
}
