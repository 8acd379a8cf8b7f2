package api

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"duban/domain"
	"duban/domain/calendar"
	"duban/domain/directive"
	"duban/domain/finding"
	"duban/domain/office"
	"duban/domain/task"
	"duban/eventstore"
	"duban/projections"
)

// followOffice adds what a command on an office means for names, tasks and
// findings.
func (s *Server) followOffice(u *unit, c domain.Command) error {
	switch ask := c.Ask.(type) {
	case *office.Merged:
		return s.reorganise(u, c, reorganisation{to: func(domain.Ref) domain.Ref { return ask.Into }, heirs: []domain.Ref{ask.Into}, reason: ask.Reason})
	case *office.Split:
		var named []domain.Ref
		for _, m := range ask.Decisions {
			named = append(named, m.Record)
		}
		return s.reorganise(u, c, reorganisation{to: ask.To, heirs: ask.Into, named: named, reason: ask.Reason})
	case *office.HandedOver:
		return s.handOver(u, c, ask)
	}
	return claimOfficeNames(u, c)
}

// A reorganisation is the merger or the splitting of an office.
type reorganisation struct {
	to     func(domain.Ref) domain.Ref // who carries a record on
	heirs  []domain.Ref
	named  []domain.Ref // records of which the command decides by name: each has to be the office's
	reason string
}

// reorganise moves everything open that an office has to who carries it on, in the
// transaction that ends the office. The append holds the ledger still from the
// listing on, so that nothing is given to the office in between.
func (s *Server) reorganise(u *unit, c domain.Command, r reorganisation) error {
	affected, err := s.affected(u, func(v *projections.View) (projections.Affected, error) { return v.OfOffice(u.ctx, c.Subject) })
	if err != nil {
		return err
	}
	for _, ref := range r.named {
		if !slices.Contains(affected.Tasks, ref) && !slices.Contains(affected.Findings, ref) {
			return domain.Invalid("office.split.record", "decisions.record",
				"该处室在 "+ref.String()+" 没有在办的分项或隐患", "the office has nothing open in "+ref.String())
		}
	}
	m := move{entry: c.Entry, from: c.Subject, reason: r.reason, approval: c.Ask.Circumstances().Approval, basis: c.Ask.Circumstances().Basis}
	for _, ref := range affected.Tasks {
		m.to = r.to(ref)
		if err := m.share(u, ref); err != nil {
			return about(ref, err)
		}
	}
	for _, ref := range affected.Findings {
		m.to = r.to(ref)
		if err := m.finding(u, ref); err != nil {
			return about(ref, err)
		}
	}
	for _, ref := range affected.Directives {
		if err := m.duties(u, ref, r.heirs); err != nil {
			return about(ref, err)
		}
	}
	if n := u.count(); n > eventstore.MaxEvents {
		return domain.Illegal("office.reorganised.many",
			fmt.Sprintf("涉及 %d 项任务、%d 项隐患，需 %d 个事件，超过一次的 %d 个；请先用 transfer 转办一部分分项", len(affected.Tasks), len(affected.Findings), n, eventstore.MaxEvents),
			fmt.Sprintf("%d tasks and %d findings take %d events, more than the %d of one transaction: transfer some shares first", len(affected.Tasks), len(affected.Findings), n, eventstore.MaxEvents))
	}
	return nil
}

// affected lists what a command touches.
func (s *Server) affected(u *unit, list func(*projections.View) (projections.Affected, error)) (a projections.Affected, err error) {
	err = s.holding(u, func(v *projections.View) (uint64, error) {
		a, err = list(v)
		return a.Sequence, err
	})
	return a, err
}

// holding lets a command rest on a list: list reads it and says at which sequence it
// is true, and the append is refused if the ledger went on since.
func (s *Server) holding(u *unit, list func(*projections.View) (uint64, error)) error {
	if err := s.reach(u.ctx, s.Store.Acked()); err != nil {
		return err
	}
	v, err := s.Model.At(u.ctx, projections.AsOf{})
	if err != nil {
		return err
	}
	defer v.Close()
	u.last, err = list(v)
	return err
}

// about says of which record an error is, where a command touches many.
func about(ref domain.Ref, err error) error {
	var r *domain.Refusal
	if !errors.As(err, &r) {
		return fmt.Errorf("%s: %w", ref, err)
	}
	named := *r
	named.Chinese, named.English, named.Allowed = ref.String()+"："+r.Chinese, ref.String()+": "+r.English, nil
	return &named
}

// A move hands what one office has to another.
type move struct {
	entry    domain.Entry
	from, to domain.Ref
	reason   string
	approval *domain.Approval
	basis    []domain.Basis
}

func (m move) particulars() domain.Particulars {
	return domain.Particulars{Approval: m.approval, Basis: m.basis}
}

// share moves the open share in a task. Where the other office has a share of its
// own, the two become one: it is taken up again if it was accepted, for which a
// leader's word is needed, and leads if the share that goes led.
func (m move) share(u *unit, ref domain.Ref) error {
	history, err := u.history(ref)
	if err != nil {
		return err
	}
	t := task.Replay(history)
	share, ok := t.Share(m.from)
	if m.to == m.from || !ok || !t.Open() || share.Status == task.ShareAccepted {
		return nil
	}
	asks := []domain.Payload{&task.Transferred{Particulars: m.particulars(), From: m.from, To: m.to, Cause: task.CauseReorganisation, Reason: m.reason}}
	if there, meets := t.Share(m.to); meets {
		asks = []domain.Payload{&task.Absorbed{Particulars: m.particulars(), From: m.from, To: m.to, Cause: task.CauseReorganisation, Reason: m.reason}}
		if there.Status == task.ShareAccepted {
			asks = slices.Insert(asks, 0, domain.Payload(&task.Reopened{Particulars: m.particulars(), Reason: task.ReopenNewFacts,
				Words: "机构调整，承接 " + m.from.String() + " 的在办分项", Offices: []domain.Ref{m.to}}))
		}
		if share.Role == task.RoleLead && there.Role != task.RoleLead {
			asks = append(asks, &task.LeadDesignated{Particulars: m.particulars(), ShareOf: task.ShareOf{Office: m.to}})
		}
	}
	return decideTasks(u, ref, m.entry, asks...)
}

// finding records on a finding who acts for its rectifier or supervising office.
func (m move) finding(u *unit, ref domain.Ref) error {
	return u.decide(ref, func(h []domain.Event) ([]domain.Event, error) {
		f := finding.Replay(h)
		if m.to == m.from || !f.Status.Open() {
			return nil, nil
		}
		entry := m.entry
		if entry.Time.Before(f.Order.Time) {
			entry.Time = f.Order.Time
		}
		ask := &finding.OfficeSucceeded{Particulars: domain.Particulars{Basis: m.basis}, From: m.from, To: m.to, Reason: m.reason}
		return finding.Decide(f, domain.Command{Entry: entry, Subject: ref, Ask: ask})
	})
}

// duties records on a directive who reports in the place of an office it names. A
// directive that is not in force any more requires nothing.
func (m move) duties(u *unit, ref domain.Ref, heirs []domain.Ref) error {
	heirs = slices.DeleteFunc(slices.Clone(heirs), func(o domain.Ref) bool { return o == m.from })
	return u.decide(ref, func(h []domain.Event) ([]domain.Event, error) {
		d := directive.Replay(h)
		entry := m.entry
		if entry.Time.Before(d.Issued.Time) {
			entry.Time = d.Issued.Time
		}
		if !d.Duties().Reports(m.from, calendar.On(entry.Time)) {
			return nil, nil
		}
		ask := &directive.OfficeSucceeded{Particulars: domain.Particulars{Basis: m.basis}, From: m.from, To: heirs, Reason: m.reason}
		return directive.Decide(d, domain.Command{Entry: entry, Subject: ref, Ask: ask})
	})
}

// decideTasks gives a task commands that follow from one on another record. They
// happened then, or when the task had come as far: a share may have been assigned
// after the day a merger is dated.
func decideTasks(u *unit, ref domain.Ref, entry domain.Entry, asks ...domain.Payload) error {
	for _, ask := range asks {
		err := u.decide(ref, func(h []domain.Event) ([]domain.Event, error) {
			t := task.Replay(h)
			return task.Decide(t, domain.Command{Entry: notEarlier(entry, t), Subject: ref, Ask: ask})
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func notEarlier(entry domain.Entry, t task.State) domain.Entry {
	after := []task.Act{t.Docketed}
	for _, sh := range t.Shares {
		if sh.Status.Active() {
			after = append(after, sh.Assigned)
		}
		if sh.Status == task.ShareAccepted {
			after = append(after, sh.Since)
		}
	}
	for _, a := range after {
		if entry.Time.Before(a.Time) {
			entry.Time = a.Time
		}
	}
	return entry
}

// goneOffice refuses what an office that is no more does or is to do, and names
// who carries on.
func goneOffice(name string, split bool, heir domain.Ref, heirName string) error {
	zh, en := "已并入", "has merged into"
	if split {
		zh, en = "已分设，其余事项归", "was split up, what was left went to"
	}
	return domain.Illegal("office.gone",
		"处室“"+name+"”"+zh+"“"+heirName+"”（"+heir.String()+"），不再办理；请改用该处室，令牌向安委会办公室申请",
		"the office "+name+" "+en+" "+heirName+" ("+heir.String()+"): use that one, and ask the safety office for a token of it")
}

// office loads an office, and expects it to stay as it is.
func (u *unit) office(ref domain.Ref) (office.State, error) {
	history, err := u.history(ref)
	return office.Replay(history), err
}

// checkStands refuses to give something to an office that is no more.
func (u *unit) checkStands(ref domain.Ref) error {
	if ref.Kind != domain.KindOffice {
		return nil
	}
	o, err := u.office(ref)
	if err != nil || !o.Gone() {
		return err
	}
	heir, err := u.office(o.Heir)
	if err != nil {
		return err
	}
	return goneOffice(o.Name, len(o.Into) > 1, o.Heir, heir.Name)
}

// checkCaller refuses a command under the token of an office that is no more.
func (u *unit) checkCaller() error {
	return forbidden(u.checkStands(u.call.caller.Office))
}

// forbidden makes a refusal one of the caller instead of the state.
func forbidden(err error) error {
	var r *domain.Refusal
	if !errors.As(err, &r) {
		return err
	}
	own := *r
	own.Reason = domain.ReasonForbidden
	return &own
}

// admitOffice is checkCaller for reads, as the read model knows it. Where the model
// can't say, the read itself will fail.
func (s *Server) admitOffice(ctx context.Context, ref domain.Ref) error {
	if ref.IsZero() {
		return nil
	}
	o, err := s.Model.EndedOffice(ctx, ref)
	if err != nil || o.Heir == nil {
		return nil //nolint:nilerr // see above
	}
	return forbidden(goneOffice(o.Name, len(o.SplitInto) > 0, domain.Ref{Kind: domain.KindOffice, ID: o.Heir.ID}, o.Heir.Name))
}

// heir returns the office that a printed name means today: of one that was merged
// away, who carries on.
func (u *unit) heir(ref domain.Ref) (domain.Ref, error) {
	for {
		o, err := u.office(ref)
		if err != nil || !o.Gone() {
			return ref, err
		}
		if len(o.Into) > 1 {
			return ref, domain.Illegal("office.split.choose",
				"处室“"+o.Name+"”已分设，请写明由哪个处室承担", "the office "+o.Name+" was split up: name the office that is meant")
		}
		ref = o.Heir
	}
}
