package directive

import "duban/domain/enum"

// Status is where a directive stands.
type Status uint8

// The statuses.
const (
	StatusIssued   Status = iota + 1 // 有效
	StatusVoided                     // 已撤销登记
	StatusRepealed                   // 已废止
)

var statuses = enum.New[Status]("status of a directive", "issued", "voided", "repealed")

func (s Status) String() string { return statuses.Name(s) }

// Chinese returns the status as the pages write it.
func (s Status) Chinese() string {
	switch s {
	case StatusIssued:
		return "有效"
	case StatusVoided:
		return "已撤销登记"
	case StatusRepealed:
		return "已废止"
	}
	return "未登记"
}

// MarshalText writes the wire name.
func (s Status) MarshalText() ([]byte, error) { return statuses.Marshal(s) }

// UnmarshalText reads the wire name.
func (s *Status) UnmarshalText(b []byte) error { return statuses.Unmarshal(b, s) }

// ParseStatus returns the status with that wire name.
func ParseStatus(s string) (Status, error) { return statuses.Parse(s) }

// ChangeKind is what an amendment does to a clause.
type ChangeKind uint8

// The kinds of change.
const (
	ChangeReplaced ChangeKind = iota + 1 // 修改
	ChangeRemoved                        // 删去
	ChangeAdded                          // 增加
)

var changeKinds = enum.New[ChangeKind]("kind of change", "replaced", "removed", "added")

func (k ChangeKind) String() string { return changeKinds.Name(k) }

// Chinese returns the kind as the pages write it.
func (k ChangeKind) Chinese() string {
	return [...]string{"", "修改", "删去", "增加"}[min(k, ChangeAdded)]
}

// MarshalText writes the wire name.
func (k ChangeKind) MarshalText() ([]byte, error) { return changeKinds.Marshal(k) }

// UnmarshalText reads the wire name.
func (k *ChangeKind) UnmarshalText(b []byte) error { return changeKinds.Unmarshal(b, k) }

// Fate is what becomes of an open task when its clause, or the whole directive,
// is not what it was.
type Fate uint8

// The fates.
const (
	FateRevised   Fate = iota + 1 // 按新条款继续
	FateCancelled                 // 撤销任务
	FateContinues                 // 照旧继续 (only on a repeal)
)

var fates = enum.New[Fate]("decision on a task", "revised", "cancelled", "continues")

func (f Fate) String() string { return fates.Name(f) }

// MarshalText writes the wire name.
func (f Fate) MarshalText() ([]byte, error) { return fates.Marshal(f) }

// UnmarshalText reads the wire name.
func (f *Fate) UnmarshalText(b []byte) error { return fates.Unmarshal(b, f) }

// IssuedOnKind says which of a document's two dates its date is.
type IssuedOnKind uint8

// The kinds of date.
const (
	IssuedOnSigned  IssuedOnKind = iota + 1 // 成文日期
	IssuedOnPrinted                         // 印发日期
)

var issuedOnKinds = enum.New[IssuedOnKind]("kind of issuing date", "signed", "printed")

func (k IssuedOnKind) String() string { return issuedOnKinds.Name(k) }

// Chinese returns the kind as the pages write it.
func (k IssuedOnKind) Chinese() string {
	switch k {
	case IssuedOnSigned:
		return "成文日期"
	case IssuedOnPrinted:
		return "印发日期"
	}
	return k.String()
}

// MarshalText writes the wire name.
func (k IssuedOnKind) MarshalText() ([]byte, error) { return issuedOnKinds.Marshal(k) }

// UnmarshalText reads the wire name.
func (k *IssuedOnKind) UnmarshalText(b []byte) error { return issuedOnKinds.Unmarshal(b, k) }

// OfficeRole is what a clause makes of an office.
type OfficeRole uint8

// The roles of offices.
const (
	RoleLead       OfficeRole = iota + 1 // 牵头
	RoleSupporting                       // 配合
	RoleJoint                            // 共同责任，未分主次
)

var officeRoles = enum.New[OfficeRole]("role of an office", "lead", "supporting", "joint")

func (r OfficeRole) String() string { return officeRoles.Name(r) }

// Chinese returns the role as the pages write it.
func (r OfficeRole) Chinese() string {
	switch r {
	case RoleLead:
		return "牵头"
	case RoleSupporting:
		return "配合"
	case RoleJoint:
		return "共同责任"
	}
	return r.String()
}

// MarshalText writes the wire name.
func (r OfficeRole) MarshalText() ([]byte, error) { return officeRoles.Marshal(r) }

// UnmarshalText reads the wire name.
func (r *OfficeRole) UnmarshalText(b []byte) error { return officeRoles.Unmarshal(b, r) }

// KindProposal is the kind of task a clause seems to ask for. It is a reading of
// its words; the task's own kind decides.
type KindProposal uint8

// The proposals.
const (
	KindOneOff    KindProposal = iota + 1 // 一次性
	KindRecurring                         // 周期性
	KindStanding                          // 常态
)

var kindProposals = enum.New[KindProposal]("kind of task", "one_off", "recurring", "standing")

func (k KindProposal) String() string { return kindProposals.Name(k) }

// Chinese returns the proposal as the pages write it.
func (k KindProposal) Chinese() string {
	switch k {
	case KindOneOff:
		return "一次性"
	case KindRecurring:
		return "周期性"
	case KindStanding:
		return "常态"
	}
	return k.String()
}

// MarshalText writes the wire name.
func (k KindProposal) MarshalText() ([]byte, error) { return kindProposals.Marshal(k) }

// UnmarshalText reads the wire name.
func (k *KindProposal) UnmarshalText(b []byte) error { return kindProposals.Unmarshal(b, k) }
