package projections

import (
	"fmt"
	"slices"
	"strings"

	"duban/domain/calendar"
	"duban/domain/light"
)

// A lightSet is the lights a filter names, as the tables hold them. The lights of
// one name may have two colours. nil is no filter.
type lightSet []light.Light

func lightsNamed(name string) (lightSet, error) {
	if name == "" {
		return nil, nil
	}
	set, err := light.Named(name)
	if err != nil {
		return nil, &QueryError{Field: "light", Err: err}
	}
	return set, nil
}

// in is the condition that a column holds one of them.
func (l lightSet) in(column string) string {
	if len(l) == 1 {
		return fmt.Sprintf("%s=%d", column, l[0])
	}
	numbers := make([]string, len(l))
	for i, x := range l {
		numbers[i] = fmt.Sprintf("%d", x)
	}
	return column + " IN (" + strings.Join(numbers, ", ") + ")"
}

// A span is one light over days, both ends included.
type span struct {
	light        light.Light
	since, until int // YYYYMMDD; 0 and noDay where open
}

// spans turns windows into spans that follow each other without gap or overlap
// and hold, on every day, the worst light of the windows, normal where there is
// none.
func spans(windows []light.Window) []span {
	if len(windows) == 0 {
		return []span{{light.Normal, 0, noDay}}
	}
	// cuts are the first days on which something may change.
	cuts := make([]calendar.Date, 0, 2*len(windows))
	for _, w := range windows {
		cuts = append(cuts, w.From)
		if w.Until != "" {
			cuts = append(cuts, w.Until.AddDays(1))
		}
	}
	slices.Sort(cuts)
	cuts = slices.Compact(cuts)

	out := []span{{light.Normal, 0, noDay}} // before the first cut nothing fires
	for _, d := range cuts {
		l := light.Normal
		if w, ok := light.On(windows, d); ok {
			l = w.Light
		}
		last := &out[len(out)-1]
		if l == last.light {
			continue
		}
		last.until = day(d.AddDays(-1))
		out = append(out, span{l, day(d), noDay})
	}
	return out
}

// day returns a date as YYYYMMDD, noDay if it is none.
func day(d calendar.Date) int {
	if len(d) != len("2019-12-31") {
		return noDay
	}
	n := 0
	for _, r := range d {
		if r != '-' {
			n = n*10 + int(r-'0')
		}
	}
	return n
}
