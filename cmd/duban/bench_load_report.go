package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// A loadLine is one line of a run's result. Percentiles are of what was accepted,
// in ms from when a request was due.
type loadLine struct {
	Run      string         `json:"run"`
	Rate     float64        `json:"rate"` // asked for, of the whole run
	Of       string         `json:"of"`   // all, reads, writes or a route
	Offered  int            `json:"offered"`
	OK       int            `json:"ok"`
	Shed     int            `json:"shed"`            // 503
	Unsent   int            `json:"unsent"`          // no connection was free
	Other    map[string]int `json:"other,omitempty"` // other statuses, timeout, connection
	Accepted float64        `json:"accepted_per_second"`
	P50      float64        `json:"p50_ms"`
	P90      float64        `json:"p90_ms"`
	P99      float64        `json:"p99_ms"`
	P999     float64        `json:"p999_ms"`
	Max      float64        `json:"max_ms"`
	ShedP99  float64        `json:"shed_p99_ms"`
	Resident float64        `json:"server_resident_mib,omitempty"` // peak, of the whole run
}

// line sums up the routes that belong to it.
func (r loadRun) line(of string, belongs func(*loadSeries) bool) loadLine {
	sum := newSeries(of, false)
	for _, s := range r.series {
		if !belongs(s) {
			continue
		}
		sum.offered, sum.ok, sum.shed, sum.unsent = sum.offered+s.offered, sum.ok+s.ok, sum.shed+s.shed, sum.unsent+s.unsent
		sum.accepted.Merge(s.accepted)
		sum.shedding.Merge(s.shedding)
		for k, n := range s.refused {
			sum.refused[k] += n
		}
	}
	ms := func(h *hdrhistogram.Histogram, q float64) float64 { return float64(h.ValueAtQuantile(q)) / 1000 }
	return loadLine{
		Run: r.name, Rate: r.rate, Of: of, Offered: sum.offered, OK: sum.ok, Shed: sum.shed, Unsent: sum.unsent, Other: sum.refused,
		Accepted: float64(sum.ok) / r.seconds,
		P50:      ms(sum.accepted, 50), P90: ms(sum.accepted, 90), P99: ms(sum.accepted, 99), P999: ms(sum.accepted, 99.9),
		Max: float64(sum.accepted.Max()) / 1000, ShedP99: ms(sum.shedding, 99),
	}
}

func (r loadRun) total() loadLine {
	all := r.line("all", func(*loadSeries) bool { return true })
	all.Resident = r.peak
	return all
}

func (r loadRun) lines() []loadLine {
	lines := []loadLine{
		r.total(),
		r.line("reads", func(s *loadSeries) bool { return !s.write }),
		r.line("writes", func(s *loadSeries) bool { return s.write }),
	}
	for _, s := range r.series {
		lines = append(lines, r.line(s.route, func(x *loadSeries) bool { return x == s }))
	}
	return lines
}

// A loadPrinter writes runs as JSON lines or as tables.
type loadPrinter struct{ app *app }

// note tells of a step on the way.
func (p *loadPrinter) note(r loadRun) error { return p.lines(r, []loadLine{r.total()}) }

func (p *loadPrinter) print(r loadRun, err error) error {
	if err != nil {
		return err
	}
	return p.lines(r, r.lines())
}

func (p *loadPrinter) lines(r loadRun, lines []loadLine) error {
	if p.app.json {
		enc := json.NewEncoder(p.app.out)
		enc.SetEscapeHTML(false)
		for _, l := range lines {
			if err := enc.Encode(l); err != nil {
				return err
			}
		}
		return nil
	}
	fmt.Fprintf(p.app.out, "%s：每秒 %.0f 个，%.1f 秒，服务器内存最多 %.0f MiB / %.0f requests a second for %.1f s, server %.0f MiB at most\n",
		r.name, r.rate, r.seconds, r.peak, r.rate, r.seconds, r.peak)
	rows := make([][]string, 0, len(lines))
	for _, l := range lines {
		rows = append(rows, l.row())
	}
	return p.app.table([]string{"of", "offered", "ok", "503", "unsent", "other", "ok/s", "p50 ms", "p90", "p99", "p99.9", "max", "503 p99"}, rows)
}

func (l loadLine) row() []string {
	n, ms := strconv.Itoa, func(f float64) string { return strconv.FormatFloat(f, 'f', 1, 64) }
	var other []string
	for _, k := range slices.Sorted(maps.Keys(l.Other)) {
		other = append(other, k+":"+n(l.Other[k]))
	}
	return []string{l.Of, n(l.Offered), n(l.OK), n(l.Shed), n(l.Unsent), strings.Join(other, " "), ms(l.Accepted), ms(l.P50), ms(l.P90), ms(l.P99), ms(l.P999), ms(l.Max), ms(l.ShedP99)}
}
