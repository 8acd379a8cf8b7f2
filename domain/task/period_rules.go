package task

import (
	"strconv"

	"duban/domain"
	"duban/domain/calendar"
)

// Recurring and standing tasks go on from period to period and from year to year
// without any event: which periods there are follows from the schedule, and each
// has its own request and acceptance, or its own attestation.

// Covers reports whether p is one of the periods of the schedule.
func (s *Schedule) Covers(p calendar.Period) bool {
	return p.Unit() == s.Unit && (s.First == "" || p >= s.First) && (s.Until == "" || p.First() <= s.Until)
}

func (s *Schedule) words() (zh, en string) {
	zh, en = s.Unit.Chinese(), "every "+s.Unit.String()
	if s.First != "" {
		zh, en = zh+"，"+string(s.First)+" 起", en+" from "+string(s.First)
	}
	if s.Until != "" {
		zh, en = zh+"，至 "+string(s.Until), en+" until "+string(s.Until)
	}
	return zh, en
}

func (s State) scheduled(p calendar.Period) error {
	if s.Schedule == nil || s.Schedule.Covers(p) {
		return nil
	}
	zh, en := s.Schedule.words()
	return domain.Illegal("period.schedule", "所属期 "+string(p)+" 不在本任务的周期内（"+zh+"）；周期有变请用 decide-kind",
		"the period "+string(p)+" is none of the schedule's ("+en+"); decide-kind changes the schedule")
}

func (s State) admitPeriod(period calendar.Period) error {
	switch {
	case s.Kind == KindStanding:
		return domain.Illegal("closure_requested.standing", "长期任务不报结，每年用 attest 确认", "a standing duty is never completed: attest it every year")
	case s.Kind == KindRecurring && period == "":
		return domain.Illegal("period.missing", "定期任务须写明所属期 period", "a recurring task needs the period")
	case s.Kind == KindOneOff && period != "":
		return domain.Illegal("period.one_off", "一次性任务没有所属期", "a one-off task has no periods")
	case s.Kind == KindRecurring:
		return s.scheduled(period)
	}
	return nil
}

// admitReportPeriod: a report is for one of the schedule's periods, or for one of
// another length, as a reporting duty may ask for.
func (s State) admitReportPeriod(period calendar.Period) error {
	if s.Kind != KindRecurring || s.Schedule == nil || period.Unit() != s.Schedule.Unit {
		return nil
	}
	return s.scheduled(period)
}

// admitKind: the kind decides what a closure request means, so it can't change
// under one. The schedule of a recurring task can, around what was requested.
func (s State) admitKind(d *KindDecided) error {
	for _, sh := range s.Shares {
		switch {
		case len(sh.Attested) == 0 && len(sh.Requests) == 0:
		case s.Kind != KindRecurring:
			return domain.Illegal("kind_decided.late", "已有报结或履职确认，不能再改任务类型", "there are closure requests or attestations: the kind stays")
		case d.Kind != KindRecurring:
			return domain.Illegal("kind_decided.recurring", "已有报结，不能再改任务类型，只能调整周期", "there are closure requests: only the schedule can change")
		}
		for _, r := range sh.Requests {
			if d.Schedule != nil && !d.Schedule.Covers(r.Period) {
				return domain.Illegal("kind_decided.period", "所属期 "+string(r.Period)+" 已有报结，新周期须包含它",
					"there is a closure request for "+string(r.Period)+": the new schedule has to cover it")
			}
		}
	}
	return nil
}

// admitAttested: once for every year of the duty, from the one in which it was
// given, and not ahead of time.
func (s State) admitAttested(sh Share, e domain.Event, d *Attested) error {
	if s.Kind != KindStanding {
		return domain.Illegal("attested.kind", "只有长期任务作年度履职确认", "only standing duties are attested")
	}
	for _, a := range sh.Attested {
		if a.Period == d.Period {
			return domain.Illegal("attested.again", string(d.Period)+" 年度已确认", "the year "+string(d.Period)+" is attested already")
		}
	}
	if d.Period.Unit() != calendar.UnitYear {
		return domain.Invalid("attested.period", "period", "年度确认的所属期应为年份", "the period of an attestation is a year")
	}
	year := func(a Act) string { return strconv.Itoa(a.Time.In(calendar.Zone).Year()) }
	if p := string(d.Period); p < year(s.Docketed) || p > year(Act{Time: e.Time}) {
		return domain.Illegal("attested.year", "履职确认的年份应在立项年份与发生年份之间："+p,
			"the year attested lies between that of the docketing and that of the attestation: "+p)
	}
	return s.working(sh)
}
