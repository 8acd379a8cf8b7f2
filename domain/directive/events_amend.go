package directive

import (
	"fmt"
	"strconv"

	"duban/domain"
	"duban/domain/calendar"
)

// Amended (修改): a later document changes clauses of this one. Whoever gives the
// command decides every open task of a changed clause with it.
type Amended struct {
	domain.Particulars
	By          string     `json:"by" doc:"修改文件的文号或名称"`
	ByDirective domain.Ref `json:"by_directive,omitzero" ref:"directive" doc:"修改文件在本账本中的编号 directive/…"`
	Changes     []Change   `json:"changes" doc:"逐条修改"`
	Decisions   []Decision `json:"decisions,omitempty" doc:"被修改、删去条款的在办任务逐项决定：revised 按新条款继续, cancelled 撤销（须批示）"`
}

// A Change is what an amendment does to one clause. A clause is named by its
// number, or by path and part where they name only one; an added one gets the
// next number.
type Change struct {
	Number      int              `json:"number,omitempty" doc:"第几项；增加的由服务器编号"`
	Path        []string         `json:"path,omitempty" doc:"条款层级：一, （二）, 2"`
	Part        int              `json:"part,omitempty" doc:"段内第几部分"`
	Kind        ChangeKind       `json:"change" doc:"replaced 修改, removed 删去, added 增加"`
	Text        string           `json:"text,omitempty" doc:"新的条款原文"`
	TextSHA256  string           `json:"text_sha256,omitempty" doc:"text 的 SHA-256，缺省由服务器计算"`
	EffectiveOn calendar.Date    `json:"effective_on,omitempty" doc:"生效日期，缺省为发生日期"`
	Headings    []string         `json:"headings,omitempty" doc:"增加的条款的各级标题"`
	Mark        string           `json:"mark,omitempty" doc:"责任标注原文"`
	Offices     []ClauseOffice   `json:"offices,omitempty" doc:"责任处室"`
	Deadlines   []ClauseDeadline `json:"deadlines,omitempty" doc:"新条款写明的时限"`
	TaskKind    KindProposal     `json:"kind,omitzero" doc:"增加的条款的任务类型：one_off, recurring, standing"`
	Docket      bool             `json:"docket,omitempty" doc:"同时立项并交办给 offices"`
}

// A Decision says what becomes of an open task.
type Decision struct {
	Task   domain.Ref `json:"task" doc:"任务 task/…"`
	Fate   Fate       `json:"decision" doc:"revised 按新条款继续, cancelled 撤销任务, continues 照旧继续（仅用于废止）"`
	Reason string     `json:"reason,omitempty" doc:"理由"`
}

// EventType names the event.
func (*Amended) EventType() string { return "duban.directive.amended.v1" }

// References returns the other aggregates the event names, which have to exist.
func (a *Amended) References() []domain.Ref {
	refs := []domain.Ref{a.ByDirective}
	for _, c := range a.Changes {
		for _, o := range c.Offices {
			refs = append(refs, o.Office)
		}
	}
	return append(refs, tasksOf(a.Decisions)...)
}

func tasksOf(decisions []Decision) []domain.Ref {
	var refs []domain.Ref
	for _, d := range decisions {
		refs = append(refs, d.Task)
	}
	return refs
}

// Validate checks the payload by itself.
func (a *Amended) Validate() error {
	if err := checkBy(a.By, a.ByDirective); err != nil {
		return err
	}
	if len(a.Changes) == 0 {
		return domain.Invalid("directive.amended.none", "changes", "缺少修改内容 changes", "the changes are missing")
	}
	for i := range a.Changes {
		if err := a.Changes[i].validate("changes[" + strconv.Itoa(i) + "]"); err != nil {
			return err
		}
	}
	for _, d := range a.Decisions {
		if d.Fate == FateContinues {
			return domain.Invalid("directive.amended.fate", "decisions.decision",
				"条款修改后，任务按新条款继续用 revised，不再办理用 cancelled", "after an amendment a task is revised or cancelled")
		}
	}
	if err := checkDecisions(a.Decisions); err != nil {
		return err
	}
	return checkSize(a)
}

func (c *Change) validate(field string) error {
	if c.Number < 0 || c.Part < 0 {
		return domain.Invalid("directive.change.number", field, "number、part 不能为负数", "number and part are not negative")
	}
	switch c.Kind {
	case ChangeRemoved:
		if c.Text != "" || len(c.Offices) > 0 || len(c.Deadlines) > 0 || c.Docket {
			return domain.Invalid("directive.change.removed", field, "删去的条款没有新的内容", "a removed clause has no new content")
		}
		return nil
	case ChangeReplaced, ChangeAdded:
	default:
		return domain.Invalid("directive.change.kind", field+".change", "change 应为 replaced、removed 或 added", "change is replaced, removed or added")
	}
	if c.Docket && len(c.Offices) == 0 {
		return domain.Invalid("directive.change.docket", field+".offices", "立项须写明责任处室 offices", "a clause is docketed for the offices it names")
	}
	// Everything else is what a clause has to be.
	clause := c.clause(max(c.Number, 1))
	if err := clause.validate(); err != nil {
		return err
	}
	return nil
}

// clause returns the clause the change leads to.
func (c *Change) clause(number int) Clause {
	out := Clause{
		Number: number, Path: c.Path, Headings: c.Headings, Part: c.Part, Text: c.Text, TextSHA256: c.TextSHA256,
		Mark: c.Mark, Offices: c.Offices, Deadlines: c.Deadlines, Kind: c.TaskKind,
	}
	if out.TextSHA256 == "" {
		out.TextSHA256 = TextHash(c.Text)
	}
	return out
}

func checkBy(by string, directive domain.Ref) error {
	if !directive.IsZero() && directive.Kind != domain.KindDirective {
		return domain.Invalid("directive.by", "by_directive", "by_directive 应为文件 directive/…", "by_directive is a directive/…")
	}
	return domain.CheckText("by", by, true)
}

func checkDecisions(decisions []Decision) error {
	seen := map[domain.Ref]bool{}
	for _, d := range decisions {
		switch {
		case d.Task.Kind != domain.KindTask:
			return domain.Invalid("directive.decision.task", "decisions.task", "decisions.task 应为任务 task/…", "decisions.task is a task/…")
		case d.Fate == 0:
			return domain.Invalid("directive.decision.fate", "decisions.decision", "缺少 decision", "the decision is missing")
		case seen[d.Task]:
			return domain.Invalid("directive.decision.twice", "decisions", "同一任务有两个决定："+d.Task.String(), "there are two decisions on "+d.Task.String())
		}
		seen[d.Task] = true
		if err := domain.CheckText("decisions.reason", d.Reason, d.Fate == FateContinues); err != nil {
			return err
		}
	}
	return nil
}

func checkSize(p domain.Payload) error {
	if n := encodedLen(p); n > MaxPayload {
		return domain.Invalid("directive.long", "",
			fmt.Sprintf("内容共 %d 字节，超过一个事件的 %d 字节，请分几次办理", n, MaxPayload),
			fmt.Sprintf("this has %d bytes, more than the %d of an event: divide it", n, MaxPayload))
	}
	return nil
}

// Repealed (废止): the directive is no longer in force. Every open task that came
// of it is cancelled, or goes on for a reason of its own.
type Repealed struct {
	domain.Particulars
	By          string        `json:"by" doc:"废止文件的文号或名称"`
	ByDirective domain.Ref    `json:"by_directive,omitzero" ref:"directive" doc:"废止文件在本账本中的编号 directive/…"`
	EffectiveOn calendar.Date `json:"effective_on,omitempty" doc:"废止日期，缺省为发生日期"`
	Decisions   []Decision    `json:"decisions,omitempty" doc:"在办任务逐项决定：cancelled 撤销（须批示）, continues 继续（写明理由）"`
	Otherwise   *Otherwise    `json:"otherwise,omitempty" doc:"其余在办任务的决定"`
}

// Otherwise decides every open task that no decision names.
type Otherwise struct {
	Fate   Fate   `json:"decision" doc:"cancelled 撤销任务, continues 继续"`
	Reason string `json:"reason" doc:"理由"`
}

// EventType names the event.
func (*Repealed) EventType() string { return "duban.directive.repealed.v1" }

// References returns the other aggregates the event names, which have to exist.
func (r *Repealed) References() []domain.Ref {
	return append([]domain.Ref{r.ByDirective}, tasksOf(r.Decisions)...)
}

// On returns the decision on a task: the one that names it, else the one for the
// rest; ok is false if there is none.
func (r *Repealed) On(task domain.Ref) (d Decision, ok bool) {
	for _, d := range r.Decisions {
		if d.Task == task {
			return d, true
		}
	}
	if r.Otherwise == nil {
		return Decision{}, false
	}
	return Decision{Task: task, Fate: r.Otherwise.Fate, Reason: r.Otherwise.Reason}, true
}

// Validate checks the payload by itself.
func (r *Repealed) Validate() error {
	if err := checkBy(r.By, r.ByDirective); err != nil {
		return err
	}
	all := r.Decisions
	if o := r.Otherwise; o != nil {
		all = append([]Decision{{Task: domain.Ref{Kind: domain.KindTask, ID: "otherwise"}, Fate: o.Fate, Reason: o.Reason}}, all...)
		if err := domain.CheckText("otherwise.reason", o.Reason, true); err != nil {
			return err
		}
	}
	for _, d := range all {
		if d.Fate == FateRevised {
			return domain.Invalid("directive.repealed.fate", "decisions.decision",
				"文件废止后，任务或撤销（cancelled）或继续（continues）", "after a repeal a task is cancelled or continues")
		}
	}
	if err := checkDecisions(all); err != nil {
		return err
	}
	return checkSize(r)
}
