package api

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"

	"duban/api/forms"
	"duban/api/workbook"
	"duban/domain"
	"duban/domain/calendar"
	"duban/domain/name"
	"duban/eventstore"
	"duban/projections"
)

// ImportView is what became of a sheet, row by row.
type ImportView struct {
	Form     string              `json:"form"`
	Chinese  string              `json:"chinese" doc:"表名"`
	Sheet    string              `json:"sheet,omitempty" doc:"工作表；CSV 没有"`
	SHA256   string              `json:"sha256" doc:"文件的 SHA-256；导入后即证据的编号"`
	Preview  bool                `json:"preview,omitempty" doc:"试读：没有写入任何内容"`
	Totals   []projections.Count `json:"totals"`
	Sequence uint64              `json:"sequence" doc:"导入后的流序号；试读为所依据的序号"`
	Rows     []ImportRow         `json:"rows"`
	Problems []workbook.Problem  `json:"problems" doc:"不属于任何一行的问题"`
	Ignored  []workbook.Ignored  `json:"ignored" doc:"有意跳过的行和列"`
}

// ImportRow is what became of one row.
type ImportRow struct {
	Row     int                `json:"row" doc:"行号，从 1 起"`
	Outcome forms.Outcome      `json:"outcome" doc:"same 未变, changed 变更, new 新增, stale 过期, refused 不予入账, already 此前已入账"`
	Chinese string             `json:"outcome_chinese"`
	Record  string             `json:"record,omitempty" doc:"所属记录：task/…、finding/…"`
	Office  string             `json:"office,omitempty" doc:"分项的处室"`
	Period  calendar.Period    `json:"period,omitempty"`
	Acts    []ImportAct        `json:"acts,omitempty" doc:"所办事项，按顺序"`
	Changes []forms.Change     `json:"changes,omitempty" doc:"与账本的差异"`
	Reasons []workbook.Problem `json:"reasons,omitempty" doc:"退回的原因，或其他须知"`
	Events  []RecordedRef      `json:"events,omitempty" doc:"入账的事件"`
}

// ImportAct is one act that a row comes to.
type ImportAct struct {
	Act     string `json:"act"`
	Chinese string `json:"chinese"`
}

// histories are the records whose rows are of an earlier version than theirs, as
// they were loaded for the plan.
type histories map[domain.Ref]eventstore.History

// A sheetImport is one sheet on its way in.
type sheetImport struct {
	server *Server
	form   sheetForm
	caller domain.Caller
	now    time.Time
	behalf string // office, as the client names it
	in     forms.Returned
	terms  forms.Terms

	plan forms.Plan
	seen histories
}

// run plans the sheet and does with every accepted row what each says.
func (im *sheetImport) run(ctx context.Context, each func(context.Context, *forms.RowPlan, *ImportRow) (uint64, error)) (ImportView, error) {
	s := im.server
	v, _, err := s.pinned(ctx, CutParams{})
	if err != nil {
		return ImportView{}, err
	}
	defer v.Close()
	if err := im.offices(ctx, v); err != nil {
		return ImportView{}, err
	}
	if im.plan, im.seen, err = im.form.plan(ctx, v, im.in, im.terms); err != nil {
		return ImportView{}, err
	}
	out := ImportView{
		Form: im.form.name, Chinese: im.form.table.Name, Sheet: im.plan.Sheet, SHA256: im.terms.Sheet.SHA256, Sequence: v.Sequence(),
		Rows: []ImportRow{}, Problems: im.plan.Problems, Ignored: im.plan.Ignored,
	}
	for i := range im.plan.Rows {
		p := &im.plan.Rows[i]
		row := ImportRow{Row: p.Number, Office: p.Key.Office, Period: p.Key.Period}
		if !p.Key.Ref.IsZero() {
			row.Record = p.Key.Ref.String()
		}
		im.recognise(p, &row)
		if p.Outcome.Accepted() {
			seq, err := each(ctx, p, &row)
			if err != nil {
				return ImportView{}, fmt.Errorf("row %d: %w", p.Number, err)
			}
			out.Sequence = max(out.Sequence, seq)
		}
		row.Outcome, row.Chinese, row.Changes, row.Reasons = p.Outcome, p.Outcome.Chinese(), p.Changes, p.Reasons
		row.Acts = s.actsOf(p.Steps)
		out.Rows = append(out.Rows, row)
	}
	out.Totals = im.totals()
	return out, nil
}

func (im *sheetImport) totals() []projections.Count {
	var out []projections.Count
	for o := forms.OutcomeSame; o <= forms.OutcomeAlready; o++ {
		c := projections.Count{Value: o.String(), Chinese: o.Chinese()}
		for _, p := range im.plan.Rows {
			if p.Outcome == o {
				c.N++
			}
		}
		out = append(out, c)
	}
	return out
}

// recognise finds a row that this very sheet recorded before.
func (im *sheetImport) recognise(p *forms.RowPlan, row *ImportRow) {
	found := im.seen[p.Key.Ref]
	events := found.Find(im.command(p).ID)
	if len(events) == 0 {
		return
	}
	p.Outcome, p.Changes, p.Reasons, p.Steps = forms.OutcomeAlready, nil, nil, nil
	for _, e := range events {
		row.Events = append(row.Events, recorded(e))
	}
}

// rowTime is the time in the keys of all rows: a key depends on the sheet and the
// row alone.
var rowTime = ulid.Timestamp(time.Date(2019, 1, 1, 0, 0, 0, 0, time.UTC))

// rowKey is the idempotency key of a row: SHA-256(digest of the sheet ‖ row).
func (im *sheetImport) rowKey(p *forms.RowPlan) ulid.ULID {
	d := sha256.Sum256(fmt.Appendf(nil, "%s\n%d", im.terms.Sheet.SHA256, p.Number))
	var key ulid.ULID
	_ = key.SetTime(rowTime)   // within the range of a ULID
	_ = key.SetEntropy(d[:10]) // of the length of a ULID's
	return key
}

func (im *sheetImport) command(p *forms.RowPlan) eventstore.Command {
	key := im.rowKey(p)
	return eventstore.Command{ID: eventstore.CommandID(im.caller.Person, "POST imports/"+im.form.name, key), Digest: eventstore.Digest(key[:])}
}

// target returns the record on which a row's outcome is found again: the first that
// it writes to.
func (im *sheetImport) target(c call, p *forms.RowPlan) domain.Ref {
	if t := p.Steps[0].Target; !t.IsZero() {
		return t
	}
	return domain.Ref{Kind: p.Steps[0].Kind, ID: c.newID(0)}
}

// record carries a row out. What the ledger refuses is the row's outcome; only what
// keeps the ledger from answering ends the import, and the sheet may be brought in
// again then.
func (im *sheetImport) record(ctx context.Context, p *forms.RowPlan, row *ImportRow) (uint64, error) {
	c := call{caller: im.caller, now: im.server.Clock(), key: im.rowKey(p), command: im.command(p)}
	target := im.target(c, p)
	out, err := im.server.execute(ctx, c, target, func(u *unit) error { return im.decide(u, p, target) })
	if err != nil {
		return 0, im.refused(p, row, err)
	}
	row.Record, row.Events = target.String(), out.Body.Events
	if out.Replayed != "" {
		p.Outcome = forms.OutcomeAlready
	}
	return out.Sequence, nil
}

// try decides a row without recording anything.
func (im *sheetImport) try(ctx context.Context, p *forms.RowPlan, row *ImportRow) (uint64, error) {
	c := call{caller: im.caller, now: im.server.Clock(), key: im.rowKey(p), command: im.command(p)}
	target := im.target(c, p)
	out, err := im.server.newUnit(ctx, c).attempt(target, func(u *unit) error { return im.decide(u, p, target) })
	if err != nil {
		return 0, im.refused(p, row, err)
	}
	if out != nil {
		row.Record, row.Events, p.Outcome = target.String(), out.Body.Events, forms.OutcomeAlready
	}
	return 0, nil
}

// decide adds a row's steps to a unit. The plan rests on what the ledger showed; that
// it still holds is looked at here, on the state that the steps are recorded on.
func (im *sheetImport) decide(u *unit, p *forms.RowPlan, target domain.Ref) error {
	if p.Key.Version > 0 {
		history, err := u.history(p.Key.Ref)
		if err != nil {
			return err
		}
		if since := forms.Since(p.Key, history); len(since) > 0 {
			return &settled{outcome: forms.OutcomeStale, words: forms.StaleWords(since), version: u.loaded[p.Key.Ref].Head.Version}
		}
	}
	if p.Claim != "" {
		if err := im.claim(u, p, target); err != nil {
			return err
		}
	}
	for _, step := range p.Steps {
		if err := im.step(u, step, target); err != nil {
			return err
		}
	}
	return nil
}

func (im *sheetImport) step(u *unit, step forms.Step, made domain.Ref) error {
	subject := step.Target
	if subject.IsZero() {
		subject = made
	}
	r, a, err := im.server.act(step.Kind, step.Act)
	if err != nil {
		return err
	}
	history, err := u.history(subject)
	if err != nil {
		return err
	}
	if step.Once {
		if id := forms.RecordedAlready(history, step); id != "" {
			return &settled{outcome: forms.OutcomeAlready, record: subject, event: id,
				words: "同一事项已入账（事件 " + id + "） / the same act is recorded already (event " + id + ")"}
		}
	}
	cmd := domain.Command{Entry: u.call.entry(onDay(step.On, history, u.call.now)), Subject: subject, Ask: step.Ask}
	return im.server.decideAct(u, r, a, cmd)
}

// onDay returns the time of a step: now if it has no day or today's; otherwise the
// beginning of its day, or as late on it as what was recorded for that day before.
func onDay(on calendar.Date, history []domain.Event, now time.Time) time.Time {
	if on == "" || on == calendar.On(now) {
		return now
	}
	at := on.Start()
	for _, e := range history {
		if calendar.On(e.Time) == on && e.Time.After(at) {
			at = e.Time
		}
	}
	return at
}

// act returns an act of a kind of record, with what carries it out.
func (s *Server) act(kind domain.Kind, act string) (resource, domain.Act, error) {
	for _, r := range []resource{s.taskResource(), s.findingResource()} {
		for _, a := range r.acts {
			if r.kind == kind && a.Name == act {
				return r, a, nil
			}
		}
	}
	return resource{}, domain.Act{}, fmt.Errorf("a plan asks for %s on a %s", act, kind)
}

func (s *Server) actsOf(steps []forms.Step) []ImportAct {
	var out []ImportAct
	for _, step := range steps {
		if _, a, err := s.act(step.Kind, step.Act); err == nil {
			out = append(out, ImportAct{a.Name, a.Chinese})
		}
	}
	return out
}

// claim claims what a new row says for the record that it makes.
func (im *sheetImport) claim(u *unit, p *forms.RowPlan, target domain.Ref) error {
	history, err := u.history(name.Ref(name.KindRegisterRow, p.Claim))
	if err != nil {
		return err
	}
	if held := name.Replay(history); held.Held() {
		return &settled{outcome: forms.OutcomeAlready, record: held.Owner, event: held.Claimed.Event,
			words: "这一行已登记为 " + held.Owner.String() + "；以后的办理请在新导出的清单里填 / the row is recorded as " + held.Owner.String() + ": go on in a fresh export"}
	}
	return claimName(u, domain.Command{Entry: u.call.entry(u.call.now), Subject: target}, name.KindRegisterRow, p.Claim)
}

// settled is what a row comes to by the state that it was decided on.
type settled struct {
	outcome forms.Outcome
	words   string
	version uint64     // of the record, if the row is stale
	record  domain.Ref // if it is recorded already, and by which event
	event   string
}

func (e *settled) Error() string { return e.words }

// refused makes an error the row's outcome, if it is about the row.
func (im *sheetImport) refused(p *forms.RowPlan, row *ImportRow, err error) error {
	reason := workbook.Problem{Sheet: im.plan.Sheet, Row: p.Number}
	var end *settled
	if errors.As(err, &end) {
		reason.Rule, reason.Words = "row."+end.outcome.String(), end.words
		p.Refuse(end.outcome, reason)
		if end.version > 0 {
			p.Back.Key.Version = end.version
		}
		if !end.record.IsZero() {
			row.Record = end.record.String()
		}
		return nil
	}
	known, ok := problem(err)
	if !ok || known.Status >= http.StatusInternalServerError || known.Status == http.StatusConflict && known.Rule == "" {
		return err
	}
	if reason.Rule = known.Rule; reason.Rule == "" {
		reason.Rule = strings.TrimPrefix(known.Type, "urn:duban:problem:")
	}
	reason.Words = known.Detail
	p.Refuse(forms.OutcomeRefused, reason)
	return nil
}
