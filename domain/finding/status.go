package finding

import "duban/domain/enum"

// Status is where a finding stands.
type Status uint8

// The statuses.
const (
	StatusRecorded        Status = iota + 1 // 待核实
	StatusVerified                          // 待定级
	StatusDismissed                         // 不予认定
	StatusGraded                            // 待整改
	StatusRectifiedOnSpot                   // 立行立改
	StatusOrdered                           // 整改中
	StatusReported                          // 待复查
	StatusPassed                            // 复查合格
	StatusFailed                            // 复查不合格
	StatusWrittenOff                        // 已销号
	StatusClosureOrdered                    // 责令关闭
	StatusClosureVerified                   // 已关闭
	StatusDuplicate                         // 重复登记
	StatusTerminated                        // 已终结
)

var statusNames = enum.New[Status]("status of a finding",
	"recorded", "verified", "dismissed", "graded", "rectified_on_spot",
	"rectification_ordered", "rectification_reported", "reinspection_passed", "reinspection_failed",
	"written_off", "closure_ordered", "closure_verified", "duplicate", "terminated")

func (s Status) String() string { return statusNames.Name(s) }

// ParseStatus returns the status with that wire name.
func ParseStatus(s string) (Status, error) { return statusNames.Parse(s) }

// Statuses returns the wire names of all statuses.
func Statuses() []string { return statusNames.Names() }

// Chinese returns the status as the pages write it.
func (s Status) Chinese() string {
	switch s {
	case StatusRecorded:
		return "待核实"
	case StatusVerified:
		return "待定级"
	case StatusDismissed:
		return "不予认定"
	case StatusGraded:
		return "待整改"
	case StatusRectifiedOnSpot:
		return "立行立改"
	case StatusOrdered:
		return "整改中"
	case StatusReported:
		return "待复查"
	case StatusPassed:
		return "复查合格"
	case StatusFailed:
		return "复查不合格"
	case StatusWrittenOff:
		return "已销号"
	case StatusClosureOrdered:
		return "责令关闭"
	case StatusClosureVerified:
		return "已关闭"
	case StatusDuplicate:
		return "重复登记"
	case StatusTerminated:
		return "已终结"
	}
	return "未登记"
}

// MarshalText writes the wire name.
func (s Status) MarshalText() ([]byte, error) { return statusNames.Marshal(s) }

// UnmarshalText reads the wire name.
func (s *Status) UnmarshalText(b []byte) error { return statusNames.Unmarshal(b, s) }

// Open reports whether something is still to be done about the finding.
func (s Status) Open() bool { return open.has(s) }

// A set holds statuses; the zero Status (nothing recorded) may be a member.
type set uint32

func setOf(list ...Status) set {
	var s set
	for _, v := range list {
		s |= 1 << v
	}
	return s
}

func (s set) has(v Status) bool { return s&(1<<v) != 0 }

func (s set) or(list ...Status) set { return s | setOf(list...) }

const (
	nothing = set(1)
	open    = set(1<<StatusRecorded | 1<<StatusVerified | 1<<StatusGraded | 1<<StatusRectifiedOnSpot |
		1<<StatusOrdered | 1<<StatusReported | 1<<StatusPassed | 1<<StatusFailed | 1<<StatusClosureOrdered)
	ended = set(1<<StatusDismissed | 1<<StatusWrittenOff | 1<<StatusClosureVerified | 1<<StatusDuplicate | 1<<StatusTerminated)
	// underWay: the hazard is graded and is yet to be put right.
	underWay = set(1<<StatusGraded | 1<<StatusOrdered | 1<<StatusReported | 1<<StatusFailed)
)

// Grade is how grave a hazard is.
type Grade uint8

// The grades.
const (
	GradeOrdinary Grade = iota + 1 // 一般隐患
	GradeMajor                     // 重大隐患
)

var grades = enum.New[Grade]("grade", "ordinary", "major")

func (g Grade) String() string { return grades.Name(g) }

// ParseGrade returns the grade with that wire name.
func ParseGrade(s string) (Grade, error) { return grades.Parse(s) }

// Chinese returns the grade as the pages write it.
func (g Grade) Chinese() string {
	switch g {
	case GradeOrdinary:
		return "一般隐患"
	case GradeMajor:
		return "重大隐患"
	}
	return "未定级"
}

// MarshalText writes the wire name.
func (g Grade) MarshalText() ([]byte, error) { return grades.Marshal(g) }

// UnmarshalText reads the wire name.
func (g *Grade) UnmarshalText(b []byte) error { return grades.Unmarshal(b, g) }

// Level is whose supervision a major finding is listed under.
type Level uint8

// The levels.
const (
	LevelNational   Level = iota + 1 // 国家级
	LevelProvincial                  // 省级（自治区级）
	LevelMunicipal                   // 市级
	LevelCounty                      // 县级
)

var levels = enum.New[Level]("level of supervision", "national", "provincial", "municipal", "county")

func (l Level) String() string { return levels.Name(l) }

// Chinese returns the level as the pages write it.
func (l Level) Chinese() string {
	switch l {
	case LevelNational:
		return "国家级"
	case LevelProvincial:
		return "省级"
	case LevelMunicipal:
		return "市级"
	case LevelCounty:
		return "县级"
	}
	return "未挂牌"
}

// MarshalText writes the wire name.
func (l Level) MarshalText() ([]byte, error) { return levels.Marshal(l) }

// UnmarshalText reads the wire name.
func (l *Level) UnmarshalText(b []byte) error { return levels.Unmarshal(b, l) }

// Cause is why a finding ended without having been put right.
type Cause uint8

// The causes.
const (
	CauseEnterpriseClosed  Cause = iota + 1 // 企业关闭、注销
	CauseRelocated                          // 搬迁
	CauseJurisdictionMoved                  // 管辖变更
)

var causes = enum.New[Cause]("cause of termination", "enterprise_closed", "relocated", "jurisdiction_moved")

func (c Cause) String() string { return causes.Name(c) }

// Chinese returns the cause as the pages write it.
func (c Cause) Chinese() string {
	switch c {
	case CauseEnterpriseClosed:
		return "企业已关闭"
	case CauseRelocated:
		return "已搬迁"
	case CauseJurisdictionMoved:
		return "管辖变更"
	}
	return c.String()
}

// MarshalText writes the wire name.
func (c Cause) MarshalText() ([]byte, error) { return causes.Marshal(c) }

// UnmarshalText reads the wire name.
func (c *Cause) UnmarshalText(b []byte) error { return causes.Unmarshal(b, c) }
