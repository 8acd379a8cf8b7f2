package assessment

import "duban/domain/enum"

// Figure is one number of the assessment.
type Figure uint8

// The figures. Obligations are what falls due once: a one-off share, one period
// of a recurring share, one year of a standing one.
const (
	InForce            Figure = iota + 1 // shares held on a day of the span, those left out of account too
	Assessable                           // shares in force and to be assessed
	OnTime                               // obligations met in time
	Late                                 // obligations not met in time
	LateDays                             // days past the deadline
	CarriedOver                          // shares late since before the span and not done when it began
	AwaitingReview                       // obligations put up in time and not answered yet
	Completed                            // completions
	Overturned                           // completions found to be false
	Requested                            // requests for closure
	Returned                             // of these, returned
	ExtensionRequested                   // requests for more time
	ExtensionGranted                     // of these, granted
	UnsignedDays                         // days from assignment to signature
	ReportDue                            // reports made or due
	ReportInTime
	ReportLate
	ReportMissing
	ReportNil // of those made, nil reports
)

// Figures is the last figure.
const Figures = ReportNil

var figureNames = enum.New[Figure]("figure", "in_force", "assessable", "on_time", "late", "late_days", "carried_over",
	"awaiting_review", "completed", "overturned", "requested", "returned", "extensions_requested", "extensions_granted",
	"unsigned_days", "reports_due", "reports_in_time", "reports_late", "reports_missing", "reports_nil")

// ParseFigure returns the figure with that wire name.
func ParseFigure(s string) (Figure, error) { return figureNames.Parse(s) }

// Names returns the wire names of all figures.
func Names() []string { return figureNames.Names() }

func (f Figure) String() string { return figureNames.Name(f) }

// Chinese returns the figure as the pages write it.
func (f Figure) Chinese() string {
	return [...]string{"", "承担分项", "应考核分项", "按时办结", "逾期", "逾期天数", "往年逾期结转", "按时报结待审核", "办结", "虚假办结",
		"报结", "退回", "申请延期", "批准延期", "未签收天数", "应报送", "按时报送", "迟报", "未报", "零报告"}[min(f, Figures)]
}

// Days reports whether the figure counts days rather than things.
func (f Figure) Days() bool { return f == LateDays || f == UnsignedDays }

// Of returns the figures whose sum a figure is set against: on_time of on_time and
// late.
func (f Figure) Of() []Figure {
	switch f {
	case OnTime, Late:
		return []Figure{OnTime, Late}
	case Assessable:
		return []Figure{InForce}
	case LateDays:
		return []Figure{Late}
	case Overturned:
		return []Figure{Completed}
	case Returned:
		return []Figure{Requested}
	case ExtensionGranted:
		return []Figure{ExtensionRequested}
	case ReportInTime, ReportLate, ReportMissing, ReportNil:
		return []Figure{ReportDue}
	default:
		return []Figure{Assessable}
	}
}

// A Tally holds a sum for every figure.
type Tally [Figures + 1]int

// Add counts a fact.
func (t *Tally) Add(f *Fact) { t[f.Figure] += f.N }

// Ratio returns a figure and what it is set against.
func (t *Tally) Ratio(f Figure) (numerator, denominator int) {
	for _, o := range f.Of() {
		denominator += t[o]
	}
	return t[f], denominator
}
