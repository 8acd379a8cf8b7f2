package task

import (
	"duban/domain"
	"duban/domain/calendar"
)

// A Docketing (补立项) asks to make a task of a clause that an import left without
// one, because its mark names no office. It is no event of its own: whoever has the
// clause makes docketed of it and, with offices, assigned.
type Docketing struct {
	domain.Particulars
	Directive    domain.Ref    `json:"directive" doc:"文件 directive/…"`
	Number       int           `json:"number,omitempty" doc:"第几项；与 path 二者写其一"`
	Path         []string      `json:"path,omitempty" doc:"条款层级，照原样；与 number 二者写其一"`
	Part         int           `json:"part,omitempty" doc:"段内第几部分，随 path"`
	Kind         Kind          `json:"kind" doc:"one_off 一次性, recurring 定期, standing 长期"`
	Schedule     *Schedule     `json:"schedule,omitempty"`
	Offices      []Assignment  `json:"offices,omitempty" doc:"同时交办的处室；可以以后用 assign 交办"`
	Instructions string        `json:"instructions,omitempty" doc:"交办要求，随 offices"`
	Deadline     calendar.Date `json:"deadline,omitempty" doc:"安委会办公室确定的时限"`
}

// EventType names the event that is asked for.
func (*Docketing) EventType() string { return (*Docketed)(nil).EventType() }

// Validate checks the payload by itself; the events made of it check the rest.
func (d *Docketing) Validate() error {
	if d.Directive.Kind != domain.KindDirective {
		return domain.Invalid("docketed.directive", "directive", "directive 应为文件 directive/…", "directive is a directive/…")
	}
	if d.Number < 0 || (d.Number == 0) == (len(d.Path) == 0) {
		return domain.Invalid("docketed.clause", "number", "请写明第几项 number，或条款层级 path，二者其一", "name the clause by its number or by its path, one of them")
	}
	if d.Number > 0 && d.Part != 0 {
		return domain.Invalid("docketed.part", "part", "part 随 path 使用；number 已指明是哪一部分", "part goes with path: the number says which part it is")
	}
	if len(d.Offices) == 0 && d.Instructions != "" {
		return domain.Invalid("docketed.instructions", "instructions", "没有交办处室，交办要求 instructions 无从说起", "instructions go with offices")
	}
	return checkKind(d.Kind, d.Schedule)
}

// References returns the other aggregates the docketing names, which have to exist.
func (d *Docketing) References() []domain.Ref {
	return append((&Assigned{Offices: d.Offices}).References(), d.Directive)
}

// DocketAct is how a clause is docketed by hand.
func DocketAct() domain.Act {
	return domain.Act{Name: "docket", Chinese: "立项", Ask: &Docketing{}, By: safety}
}
