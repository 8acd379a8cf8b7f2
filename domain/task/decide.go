package task

import (
	"errors"
	"slices"
	"strings"

	"duban/domain"
	"duban/domain/calendar"
)

// Decide returns the events a command leads to in a state, or a *domain.Refusal.
// A correction needs the history and is decided by Correct.
func Decide(s State, c domain.Command) ([]domain.Event, error) {
	if err := c.Check(all); err != nil {
		return nil, err
	}
	e := c.Event()
	if e.Corrects() != nil {
		return nil, errors.New("task: Decide was asked for a correction")
	}
	if err := admit(s, e); err != nil {
		return nil, advise(s, e, err)
	}
	events := []domain.Event{e}
	if _, accepted := e.Data.(*Accepted); accepted {
		after := Evolve(s, e)
		if after.Kind == KindOneOff && after.allAccepted() {
			done := c.Entry.Event(c.Subject, &Completed{By: ClosingAllShares})
			if last := after.lastAccepted(); done.Time.Before(last.Time) {
				done.Time = last.Time // this acceptance was entered late
			}
			if err := admit(after, done); err != nil {
				return nil, advise(s, e, err)
			}
			events = append(events, done)
		}
	}
	return events, nil
}

// advise adds to a refusal what the state allows instead.
func advise(s State, e domain.Event, err error) error {
	var r *domain.Refusal
	if errors.As(err, &r) && r.Reason == domain.ReasonIllegal {
		return r.Now(Allowed(s, subjectOffice(e.Data)))
	}
	return err
}

// Correct decides a correction: the history it leaves must be one that could
// have happened.
func Correct(history []domain.Event, c domain.Command) ([]domain.Event, error) {
	if err := c.Check(Acts()); err != nil {
		return nil, err
	}
	e := c.Event()
	if err := domain.CheckCorrection(history, e); err != nil {
		return nil, err
	}
	if s, n := Replay(history), needs(e.Data); !n.met(s) {
		return nil, advise(s, e, s.refuse(e, n))
	}
	if err := correctable(history, *e.Corrects()); err != nil {
		return nil, err
	}
	if err := CheckHistory(append(slices.Clip(history), e)); err != nil {
		return nil, err
	}
	return []domain.Event{e}, nil
}

// correctable refuses to correct here what was decided elsewhere: a finding keeps
// a task from completion until the finding itself is settled or corrected, and
// what was docketed is cancelled, or voided with its directive.
func correctable(history []domain.Event, c domain.Correction) error {
	i := slices.IndexFunc(history, func(e domain.Event) bool { return e.ID == c.Target })
	switch history[i].Data.(type) {
	case *FindingOpened, *FindingSettled:
		return domain.Illegal("corrected.finding", "此事件随隐患的办理产生，请更正隐患记录", "the event follows from the finding: correct the finding")
	case *ClauseRevised:
		return domain.Illegal("corrected.clause", "此事件随文件的修改产生，请再次修改文件", "the event follows from an amendment of the directive: amend the directive again")
	case *Decomposed:
		return domain.Illegal("corrected.decomposed", "分解出的任务已立项，请撤销或并办那些任务", "the parts were docketed with it: cancel or consolidate those tasks")
	case *Docketed:
		if c.Mode == domain.ModeVoid {
			return domain.Illegal("corrected.docketed", "立项不能撤销，请用 cancel 撤销任务", "a docketing is not voided: cancel the task")
		}
	}
	return nil
}

// CheckHistory says whether a history, as its corrections leave it, could have
// happened, and names the first event that could not.
func CheckHistory(history []domain.Event) error {
	return domain.CheckHistory(history, all, admit, Evolve)
}

// Replay folds a history with its corrections into a state.
func Replay(history []domain.Event) State { return domain.Fold(history, Evolve) }

func (s State) allAccepted() bool {
	n := 0
	for _, sh := range s.Shares {
		if !sh.Status.Active() {
			continue
		}
		if sh.Status != ShareAccepted {
			return false
		}
		n++
	}
	return n > 0
}

// admit says whether an event may happen in a state.
func admit(s State, e domain.Event) error {
	n := needs(e.Data)
	if !n.met(s) {
		return s.refuse(e, n)
	}
	if s.Exists() {
		if err := notBefore(e, s.Docketed, "立项", "docketed"); err != nil {
			return err
		}
	}
	var sh Share
	if len(n.shares) > 0 {
		o := subjectOffice(e.Data)
		var ok bool
		if sh, ok = s.Share(o); !ok {
			return noShare(o)
		}
		if !n.metBy(sh) {
			return n.refuse(sh, e)
		}
		if err := notBefore(e, sh.Assigned, "交办", "assigned"); err != nil {
			return err
		}
		if _, own := e.Data.(shareEvent); own {
			if err := actsFor(e, o); err != nil {
				return err
			}
		}
	}
	return s.admitData(sh, e)
}

// refuse says why the task as a whole does not allow the event.
func (s State) refuse(e domain.Event, n need) error {
	switch {
	case n.task == taskAbsent:
		return domain.Illegal("task.exists", "任务已立项", "the task is docketed already")
	case !s.Exists():
		return domain.Illegal("task.absent", "任务尚未立项", "the task is not docketed")
	}
	a := actOf(e.Data)
	return domain.Illegal("task.status", "任务现为“"+s.Status().Chinese()+"”，不能"+a.Words(),
		a.Name+" is not possible while the task is "+s.Status().String())
}

// refuse says where the share would have to stand for the event.
func (n need) refuse(sh Share, e domain.Event) error {
	a := actOf(e.Data)
	zh, en := make([]string, len(n.shares)), make([]string, len(n.shares))
	for i, st := range n.shares {
		zh[i], en[i] = "“"+st.Chinese()+"”", st.String()
	}
	return domain.Illegal("share.status",
		"分项现为“"+sh.Status.Chinese()+"”，不能"+a.Words()+"；须处于："+strings.Join(zh, "、"),
		a.Name+" is not possible while the share is "+sh.Status.String()+", only while "+strings.Join(en, ", "))
}

// actOf returns the act that an event comes of.
func actOf(p domain.Payload) domain.Act {
	a, _ := domain.ActOf(all, p)
	return a
}

// subjectOffice is the office whose share an event is about.
func subjectOffice(p domain.Payload) domain.Ref {
	switch d := p.(type) {
	case *Transferred:
		return d.From
	case *Absorbed:
		return d.From
	case shareEvent:
		return *d.ShareOffice()
	}
	return domain.Ref{}
}

// actsFor: an office speaks for its own share only.
func actsFor(e domain.Event, share domain.Ref) error {
	behalf := e.Data.Circumstances().OnBehalfOf
	own := true
	switch {
	case behalf.Kind == domain.KindOffice:
		own = behalf == share || decidedBySafety(e.Data)
	case e.Authority == domain.RoleOffice:
		own = e.Office == share
	}
	if !own {
		return domain.Forbidden("share.other_office", "只能办理本处室的分项", "an office acts on its own share only")
	}
	return nil
}

// decidedBySafety: answers of the safety office are its own, not the share's.
func decidedBySafety(p domain.Payload) bool {
	switch p.(type) {
	case *DisputeUpheld, *LeadDesignated, *ExtensionGranted, *ExtensionRefused, *Returned, *Accepted:
		return true
	}
	return false
}

func notBefore(e domain.Event, a Act, zh, en string) error {
	if a.Done() && e.Time.Before(a.Time) {
		at := a.Time.In(calendar.Zone).Format("2006-01-02 15:04:05")
		return domain.Illegal("time.before", "发生时间早于"+zh+"（"+at+"）", "the time lies before it was "+en+" ("+at+")")
	}
	return nil
}

// admitData holds the rules of the single events.
func (s State) admitData(sh Share, e domain.Event) error {
	switch d := e.Data.(type) {
	case *Assigned:
		for _, o := range d.Offices {
			if s.active(o.Office) >= 0 {
				return domain.Illegal("assigned.again", "该处室已有在办分项："+o.Office.String(), "the office has an active share already: "+o.Office.String())
			}
		}
	case *LeadDesignated:
		if sh.Role == RoleLead && s.leads() == 1 {
			return domain.Illegal("lead.same", "该处室已是牵头处室", "the office is the lead already")
		}
	case *KindDecided:
		return s.admitKind(d)
	case *Transferred:
		if s.active(d.To) >= 0 {
			return domain.Illegal("share_transferred.meets", "新处室已有分项，请用 absorb 并入", "the new office has a share already: absorb instead")
		}
		if d.Cause == CauseDispute && sh.Dispute != nil {
			return notBefore(e, sh.Dispute.Act, "提出异议", "disputed")
		}
	case *StatedDeadline:
		return s.eachScope(d.Scope)
	case *SetDeadline:
		return first(s.eachScope(d.Scope), s.withinSource(e, d.Date, s.scoped(d.Scope)), s.keepsSource(e, d))
	case *Absorbed:
		to, ok := s.Share(d.To)
		if !ok || to.Status == ShareAccepted {
			return domain.Illegal("share_absorbed.into", "并入的处室没有在办分项", "the office to absorb into has no open share")
		}
		return notBefore(e, to.Assigned, "对方分项交办", "the other share's assignment")
	case *DisputeUpheld:
		return notBefore(e, sh.Dispute.Act, "提出异议", "disputed")
	case *Acknowledged:
		return s.admitAcknowledged(sh, e)
	case *ProgressReported:
		return first(s.admitReportPeriod(d.Period), s.admitLate(sh, e))
	case *ExtensionRequested, *ExtensionGranted, *ExtensionRefused:
		return s.admitExtension(sh, e)
	case *Suspended:
		return s.admitSuspended(d, e)
	case *Resumed:
		return s.admitResumed(d, e)
	case *ClosureRequested:
		return s.admitClosure(sh, e, d)
	case *Returned:
		return s.admitAnswer(sh, e, d.Period)
	case *Accepted:
		return s.admitAccepted(sh, e, d)
	case *Completed:
		return s.admitCompleted(e, d)
	case *Attested:
		return s.admitAttested(sh, e, d)
	case *Ended:
		if s.Kind == KindOneOff {
			return domain.Illegal("ended.kind", "一次性任务应报结办结，不能终止", "a one-off task is closed by acceptance, not ended")
		}
		return notBefore(e, s.latest(), "最近一次交办", "last assigned")
	case *Cancelled:
		return first(e.RequireApproval("撤销任务", "cancelling"), notBefore(e, s.latest(), "最近一次交办", "last assigned"))
	case *Reopened:
		return s.admitReopened(d, e)
	case *Reminded:
		return s.eachActive(d.Offices)
	case *FindingOpened:
		if slices.Contains(s.Findings, d.Finding) {
			return domain.Illegal("finding.open", "该隐患已挂在本任务上", "the finding is open on this task already")
		}
	case *FindingSettled:
		if !slices.Contains(s.Findings, d.Finding) {
			return domain.Illegal("finding.settled", "该隐患未挂在本任务上", "the finding is not open on this task")
		}
	case *ClauseRevised:
		if s.Text == "" && d.TextSHA256 == s.TextSHA256 {
			return domain.Illegal("clause_revised.same", "新条款与现条款文字相同", "the clause has these words already")
		}
	case *Decomposed:
		return s.admitDecomposed(d, e)
	case *Linked:
		return s.admitLinked(d, e)
	case *Consolidated:
		return s.admitConsolidated(d, e)
	case *EvidenceWithdrawn:
		return s.admitWithdrawn(e, d)
	case *Voided:
		if s.Acted() {
			return domain.Illegal("voided.acted", "已有处室办理，不能撤销登记；可以撤销任务", "an office has acted on the task: cancel it instead")
		}
	}
	return nil
}

// admitWithdrawn: who entered the evidence, or the safety office, withdraws it.
func (s State) admitWithdrawn(e domain.Event, d *EvidenceWithdrawn) error {
	found := false
	for _, u := range s.Evidence {
		if u.SHA256 != d.SHA256 || u.Withdrawn.Done() {
			continue
		}
		found = true
		if e.Authority != domain.RoleSafetyOffice && u.Enterer != e.Actor {
			return domain.Forbidden("evidence.by", "只有原录入人或安委会办公室可以撤回证据", "only who entered the evidence, or the safety office, withdraws it")
		}
		if err := notBefore(e, u.Act, "提交证据", "handed in"); err != nil {
			return err
		}
	}
	if !found {
		return domain.Invalid("evidence.unknown", "sha256", "本任务没有这份证据，或已撤回", "this task has no such evidence, or it was withdrawn")
	}
	return nil
}

func (s State) leads() int {
	n := 0
	for _, sh := range s.Shares {
		if sh.Status.Active() && sh.Role == RoleLead {
			n++
		}
	}
	return n
}

// admitAcknowledged: one signature a share; a late one is a fact like any other.
func (s State) admitAcknowledged(sh Share, e domain.Event) error {
	if sh.Acknowledged.Done() {
		return domain.Illegal("acknowledged.again", "该分项已签收", "the share was acknowledged already")
	}
	return s.admitLate(sh, e)
}

// admitLate: a fact may be entered after completion, if it happened before.
func (s State) admitLate(sh Share, e domain.Event) error {
	closed := s.Closed()
	if sh.Status == ShareAccepted && (!closed.Done() || sh.Since.Time.Before(closed.Time)) {
		closed = sh.Since
	}
	if closed.Done() && e.Time.After(closed.Time) {
		return domain.Illegal("late.after", "办结以后只能补录办结以前发生的事；需要继续办理请先 reopen",
			"after the end only what happened before it can be entered; reopen to go on")
	}
	return nil
}

// Closed returns the event that closed the task, whichever way.
func (s State) Closed() Act {
	for _, a := range []Act{s.Voided, s.Cancelled, s.Consolidated, s.Ended, s.Completed} {
		if a.Done() {
			return a
		}
	}
	return Act{}
}

func (s State) admitExtension(sh Share, e domain.Event) error {
	pending, waiting := sh.Extension()
	switch d := e.Data.(type) {
	case *ExtensionRequested:
		if waiting {
			return domain.Illegal("extension.pending", "已有一项延期申请待批", "a request for more time is pending already")
		}
		return first(s.extends(sh, d.NewDate), s.working(sh))
	case *ExtensionGranted:
		if !waiting {
			return domain.Illegal("extension.none", "没有待批的延期申请", "no request for more time is pending")
		}
		if err := first(notBefore(e, pending.Act, "申请延期", "asked for"), s.extends(sh, d.NewDate), e.RequireApproval("批准延期", "granting an extension")); err != nil {
			return err
		}
		return s.withinSource(e, d.NewDate, []domain.Ref{sh.Office})
	case *ExtensionRefused:
		if !waiting {
			return domain.Illegal("extension.none", "没有待批的延期申请", "no request for more time is pending")
		}
		return notBefore(e, pending.Act, "申请延期", "asked for")
	}
	return nil
}

// withinSource: whichever way a date is given, beyond the one that the source
// states for a share it rests on the superior's document.
func (s State) withinSource(e domain.Event, to calendar.Date, offices []domain.Ref) error {
	if to == "" || len(e.Data.Circumstances().Basis) > 0 {
		return nil
	}
	for _, o := range offices {
		if st, ok := s.Stated(o); ok && to > st.Date {
			return domain.Illegal("deadline.source", "新时限超过文件规定的 "+string(st.Date)+"，须在 basis 中写明上级文件",
				"a deadline beyond the source's date "+string(st.Date)+" needs the superior's document as basis")
		}
	}
	return nil
}

// scoped returns the offices a deadline is for: the one named, else all and the
// task as a whole.
func (s State) scoped(sc Scope) []domain.Ref {
	if !sc.Office.IsZero() {
		return []domain.Ref{sc.Office}
	}
	return append(s.named(nil), domain.Ref{})
}

// extends refuses a new date that is no later than the deadline that governs.
func (s State) extends(sh Share, to calendar.Date) error {
	if g, ok := s.Governing(sh.Office); ok && g.Date != "" && to <= g.Date {
		return domain.Illegal("extension.earlier", "新时限应晚于现行时限 "+string(g.Date), "the new date lies after the present deadline "+string(g.Date))
	}
	return nil
}

// working refuses office requests on a suspended share.
func (s State) working(sh Share) error {
	if sh.Suspended.Done() {
		return domain.Illegal("share.suspended", "分项已中止，须先 resume", "the share is suspended: resume it first")
	}
	return nil
}

func (s State) admitSuspended(d *Suspended, e domain.Event) error {
	if err := first(e.RequireApproval("中止", "suspending"), s.eachActive(d.Offices)); err != nil {
		return err
	}
	n := 0
	for _, o := range s.named(d.Offices) {
		sh, _ := s.Share(o)
		if sh.Status == ShareAccepted {
			continue
		}
		if sh.Suspended.Done() {
			return domain.Illegal("suspended.again", "分项已中止："+o.String()+"；其余分项请在 offices 中写明",
				"the share is suspended already: "+o.String()+"; name the others in offices")
		}
		if err := notBefore(e, sh.Assigned, "交办", "assigned"); err != nil {
			return err
		}
		n++
	}
	if n == 0 {
		return domain.Illegal("suspended.none", "没有可以中止的分项", "there is no share to suspend")
	}
	return nil
}

func (s State) admitResumed(d *Resumed, e domain.Event) error {
	if err := s.eachActive(d.Offices); err != nil {
		return err
	}
	suspended := s.suspended(d.Offices)
	if len(suspended) == 0 || len(d.Offices) > 0 && len(suspended) != len(d.Offices) {
		return domain.Illegal("resumed.none", "分项没有中止", "the share is not suspended")
	}
	for _, o := range suspended {
		sh, _ := s.Share(o)
		if err := notBefore(e, sh.Suspended, "中止", "suspended"); err != nil {
			return err
		}
	}
	return s.withinSource(e, d.Deadline, suspended)
}

func (s State) eachScope(sc Scope) error {
	if sc.Office.IsZero() {
		return nil
	}
	return s.eachActive([]domain.Ref{sc.Office})
}

func (s State) eachActive(offices []domain.Ref) error {
	for _, o := range offices {
		if s.active(o) < 0 {
			return noShare(o)
		}
	}
	return nil
}

func noShare(o domain.Ref) error {
	return domain.Illegal("share.none", "该处室在本任务中没有在办分项："+o.String(), "the office has no active share in this task: "+o.String())
}

// admitClosure: one request at a time, and not dated before what made it due
// again, or a late one could be put before the deadline.
func (s State) admitClosure(sh Share, e domain.Event, d *ClosureRequested) error {
	if err := s.admitPeriod(d.Period); err != nil {
		return err
	}
	if _, ok := sh.Request(d.Period); ok {
		return domain.Illegal("closure_requested.pending", "已报结，正待审核", "a closure request is pending already")
	}
	if _, ok := sh.PeriodAccepted(d.Period); ok && s.Kind == KindRecurring {
		return domain.Illegal("closure_requested.accepted", "该所属期已办结："+string(d.Period), "the period is accepted already: "+string(d.Period))
	}
	for _, r := range sh.Requests {
		if r.Period == d.Period {
			if err := notBefore(e, r.Returned, "退回", "returned"); err != nil {
				return err
			}
		}
	}
	return first(notBefore(e, sh.Reopened, "重新办理", "reopened"), s.working(sh))
}

// admitAnswer: a request is answered once, and not before it was made.
func (s State) admitAnswer(sh Share, e domain.Event, period calendar.Period) error {
	r, ok := sh.Request(period)
	if !ok {
		return domain.Illegal("request.none", "该所属期没有待审的报结："+string(period), "no closure request is pending for the period: "+string(period))
	}
	return first(notBefore(e, r.Act, "申请报结", "requested"), s.working(sh))
}

// admitAccepted: nobody passes their own work. Who requested the closure, or
// entered the request, accepts it only on a leader's word; so does the office
// whose share it is.
func (s State) admitAccepted(sh Share, e domain.Event, d *Accepted) error {
	if err := s.admitAnswer(sh, e, d.Period); err != nil {
		return err
	}
	r, _ := sh.Request(d.Period)
	if e.By(r.Enterer) || e.By(r.Person) {
		if err := e.RequireApproval("申请或代录报结的人办理分项办结", "acceptance by who requested the closure or entered the request"); err != nil {
			return err
		}
	}
	if e.Office == sh.Office || e.ActingOffice() == sh.Office {
		return e.RequireApproval("本处室审核自己的分项", "acceptance by the share's own office")
	}
	return nil
}

// unblocked refuses what would close the task while a major finding on it is open.
func (s State) unblocked(rule string) error {
	if len(s.Findings) == 0 {
		return nil
	}
	names := make([]string, len(s.Findings))
	for i, f := range s.Findings {
		names[i] = f.String()
	}
	list := strings.Join(names, "、")
	return domain.Illegal(rule, "涉及本任务的重大隐患尚未销号，须先整改销号："+list,
		"a major finding on this task is open and is put right first: "+list)
}

func (s State) admitCompleted(e domain.Event, d *Completed) error {
	if err := s.unblocked("completed.finding"); err != nil {
		return err
	}
	if s.Kind != KindOneOff {
		return domain.Illegal("completed.kind", "定期、长期任务以 end 终止", "recurring and standing tasks are ended, not completed")
	}
	if d.By == ClosingAllShares {
		if !s.allAccepted() {
			return domain.Illegal("completed.shares", "还有分项未办结", "there are shares that are not accepted")
		}
	}
	if s.allAccepted() { // with the last acceptance, or a completion that was voided is entered again
		return notBefore(e, s.lastAccepted(), "最后一个分项办结", "last accepted")
	}
	return first(e.RequireApproval("领导决定办结", "completing by override"), notBefore(e, s.latest(), "最近一次交办", "last assigned"))
}

// latest returns the last assignment or transfer among the active shares.
func (s State) latest() Act {
	last := s.Docketed
	for _, sh := range s.Shares {
		if sh.Status.Active() && sh.Assigned.Time.After(last.Time) {
			last = sh.Assigned
		}
	}
	return last
}

// keepsSource: words without a date would leave nothing to be late against, so they
// take the place of a date that the source states on the superior's document only.
func (s State) keepsSource(e domain.Event, d *SetDeadline) error {
	if d.Date != "" || len(e.Data.Circumstances().Basis) > 0 {
		return nil
	}
	for _, o := range s.scoped(d.Scope) {
		if st, ok := s.Stated(o); ok {
			return domain.Illegal("deadline.source_words", "文件规定了 "+string(st.Date)+"，改为没有日期的时限须在 basis 中写明上级文件，或同时写明 date",
				"the source states "+string(st.Date)+": words without a date need the superior's document as basis, or a date beside them")
		}
	}
	return nil
}

// lastAccepted returns the latest acceptance among the active shares.
func (s State) lastAccepted() Act {
	var last Act
	for _, sh := range s.Shares {
		if sh.Status == ShareAccepted && sh.Since.Time.After(last.Time) {
			last = sh.Since
		}
	}
	return last
}

func (s State) admitReopened(d *Reopened, e domain.Event) error {
	if err := first(e.RequireApproval("重新办理", "reopening"), s.eachActive(d.Offices), s.withinSource(e, d.Deadline, s.named(d.Offices))); err != nil {
		return err
	}
	if c := s.Closed(); c.Done() {
		return notBefore(e, c, "办结或撤销", "closed")
	}
	accepted := false
	for _, o := range s.named(d.Offices) {
		if sh, _ := s.Share(o); sh.Status == ShareAccepted {
			accepted = true
			if err := notBefore(e, sh.Since, "分项办结", "accepted"); err != nil {
				return err
			}
		}
	}
	if !accepted {
		return domain.Illegal("reopened.none", "没有已办结的分项", "no share is accepted")
	}
	return nil
}

// OnTime reports whether an accepted share was on time: the date of the finally
// accepted request is not after the deadline, whenever it was accepted. ok is
// false where the question does not arise.
func (s State) OnTime(sh Share) (onTime, ok bool) {
	if sh.Status != ShareAccepted {
		return false, false
	}
	d, has := s.Governing(sh.Office)
	if !has || d.Date == "" {
		return false, false
	}
	final, ok := sh.Final()
	return calendar.On(final.Time) <= d.Date, ok
}
