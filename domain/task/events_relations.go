package task

import (
	"strconv"

	"duban/domain"
	"duban/domain/calendar"
)

// ClauseRevised (条款修订): the clause the task was made of has new words, and the
// task goes on under them. It follows from an amendment of the directive.
type ClauseRevised struct {
	domain.Particulars
	By          string        `json:"by" doc:"修改文件的文号或名称"`
	ByDirective domain.Ref    `json:"by_directive,omitzero" doc:"修改文件在本账本中的编号"`
	TextSHA256  string        `json:"text_sha256" doc:"新条款文本的 SHA-256"`
	EffectiveOn calendar.Date `json:"effective_on,omitempty" doc:"生效日期"`
}

// EventType names the event.
func (*ClauseRevised) EventType() string { return "duban.task.clause_revised.v1" }

// Decomposed (分解): the task is carried out in several tasks of their own. It goes
// on itself and is not completed before they are closed.
type Decomposed struct {
	domain.Particulars
	Children []Child `json:"children" doc:"分解出的任务"`
	Reason   string  `json:"reason,omitempty" doc:"理由"`
}

// A Child is a task that carries out a part of another. One that is docketed with
// the decomposition has text and offices, one that was there before only task.
type Child struct {
	Task     domain.Ref    `json:"task,omitzero" doc:"已有的任务 task/…；新立项的由服务器填写"`
	Part     int           `json:"part,omitempty" doc:"第几部分，由服务器填写"`
	Text     string        `json:"text,omitempty" doc:"任务内容"`
	Offices  []Assignment  `json:"offices,omitempty" doc:"承担的处室"`
	Deadline calendar.Date `json:"deadline,omitempty" doc:"时限，缺省同原任务"`
}

// New reports whether the child is docketed with the decomposition.
func (c Child) New() bool { return c.Text != "" || len(c.Offices) > 0 }

// EventType names the event.
func (*Decomposed) EventType() string { return "duban.task.decomposed.v1" }

// Linked (关联): how the task stands to another one, as a fact.
type Linked struct {
	domain.Particulars
	To       domain.Ref `json:"to" ref:"task" doc:"另一任务 task/…"`
	Relation Relation   `json:"relation" doc:"derived_from 派生自, same_duty 同一职责, continues 接续"`
	Reason   string     `json:"reason,omitempty" doc:"说明"`
}

// EventType names the event.
func (*Linked) EventType() string { return "duban.task.linked.v1" }

// Consolidated (并办): another task carries the work on; this one is closed.
type Consolidated struct {
	domain.Particulars
	Into   domain.Ref `json:"into" ref:"task" doc:"并入的任务 task/…"`
	Reason string     `json:"reason" doc:"理由"`
}

// EventType names the event.
func (*Consolidated) EventType() string { return "duban.task.consolidated.v1" }

func checkTask(field string, r domain.Ref) error {
	if r.Kind != domain.KindTask {
		return domain.Invalid("task.kind", field, field+" 应为任务 task/…", field+" is a task/…")
	}
	return nil
}

// Validate checks the payload by itself.
func (c *ClauseRevised) Validate() error {
	if !c.ByDirective.IsZero() && c.ByDirective.Kind != domain.KindDirective {
		return domain.Invalid("directive.kind", "by_directive", "by_directive 应为文件 directive/…", "by_directive is a directive/…")
	}
	return first(domain.CheckText("by", c.By, true), domain.CheckEvidence("text_sha256", []domain.Evidence{{SHA256: c.TextSHA256}}))
}

// Validate checks the payload by itself.
func (d *Decomposed) Validate() error {
	if len(d.Children) == 0 {
		return missing("children")
	}
	for i, c := range d.Children {
		if err := c.check("children[" + strconv.Itoa(i) + "]"); err != nil {
			return err
		}
	}
	return domain.CheckText("reason", d.Reason, false)
}

func (c Child) check(field string) error {
	if !c.Task.IsZero() {
		if err := checkTask(field+".task", c.Task); err != nil {
			return err
		}
	}
	if c.Part < 0 {
		return domain.Invalid("child.part", field+".part", "part 不能为负数", "part is not negative")
	}
	if !c.New() {
		return require(!c.Task.IsZero(), field+".task")
	}
	return first(domain.CheckText(field+".text", c.Text, true), (&Assigned{Offices: c.Offices}).Validate())
}

// Validate checks the payload by itself.
func (l *Linked) Validate() error {
	return first(checkTask("to", l.To), require(l.Relation != 0, "relation"), domain.CheckText("reason", l.Reason, false))
}

// Validate checks the payload by itself.
func (c *Consolidated) Validate() error {
	return first(checkTask("into", c.Into), domain.CheckText("reason", c.Reason, true))
}
