package projections

import "slices"

// walkTasks has a page of many hits found along the index of the order, looking at one
// task after the other: they are met soon.
func walkTasks(l *listing, order taskSort, filters []taskFilter, lit litSet, first bool) (from string, columns []column) {
	row := keyOf("t", "n")
	along, ok := litOrder(order, lit)
	switch {
	case ok:
		row, from, columns = keyOf("l", "task"), along.from, along.columns
		if len(l.where) == 0 {
			l.n = row.n // nothing else of the task is asked
		} else {
			l.add("t.n=l.task")
			from += " CROSS JOIN task t"
		}
		along.add(l, lit, first)
	default:
		from, columns = "task t INDEXED BY "+order.index, order.columns
		if lit.lights != nil {
			l.add("EXISTS (SELECT 1 FROM task_light tl INDEXED BY task_light_task WHERE tl.task=t.n AND tl.since<=? AND tl.until>=? AND "+lit.lights.in("tl.light")+")", lit.today, lit.today)
		}
	}
	for _, f := range filters {
		l.add(f.probe(row), f.probeArgs...)
	}
	return from, columns
}

// gatherTasks has a page of few hits sorted.
func gatherTasks(l *listing, order taskSort, filters []taskFilter, lit litSet) (from string, columns []column) {
	addSets(l, filters, lit)
	from, columns = "task t", slices.Clone(order.columns)
	if order.index == "" {
		l.add("l.task=t.n AND l.since<=? AND l.until>=?", lit.today, lit.today)
		from = "task t CROSS JOIN task_light l INDEXED BY task_light_task"
	}
	columns[0].sql = "+" + columns[0].sql // no index gives this order
	return from, columns
}

// A litWalk is an order in which what is lit is kept.
type litWalk struct {
	from    string
	columns []column
	begin   int // the first column of a page that is the first; what lies before is not lit yet, or not any more
	dated   bool
}

// litOrder returns the order of the table of lights that is the one asked for, if there
// is one.
func litOrder(order taskSort, lit litSet) (litWalk, bool) {
	key := []column{{"l.directive", true}, {"l.number", false}, {"l.part", false}, {"l.task", false}}
	with := func(first string) []column { return append([]column{{first, false}}, key...) }
	one := len(lit.lights) == 1
	switch {
	case order.index == "":
		return litWalk{from: "task_light l", columns: with("l.light")}, true
	case one && order.index == "task_number":
		return litWalk{from: "task_light l", columns: key}, true
	case one && !lit.lights.normal() && order.index == "task_deadline":
		return litWalk{"task_light l INDEXED BY task_light_deadline", with("l.due"), lit.first, true}, true
	case one && !lit.lights.normal() && order.index == "task_latest":
		return litWalk{"task_light l INDEXED BY task_light_latest", with("l.due_desc"), noDay - lit.latest, true}, true
	}
	return litWalk{}, false
}

func (w litWalk) add(l *listing, lit litSet, first bool) {
	l.add("l.since<=? AND l.until>=?", lit.today, lit.today)
	if lit.lights != nil {
		l.add(lit.lights.in("l.light"))
	}
	if !w.dated {
		return
	}
	l.add("l." + shining)
	if first {
		l.add(w.columns[0].sql+">=?", w.begin)
	}
}
