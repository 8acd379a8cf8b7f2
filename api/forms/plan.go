package forms

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"duban/api/workbook"
	"duban/domain"
	"duban/domain/calendar"
	"duban/domain/enum"
	"duban/domain/name"
)

// A table that comes back (收回来的表) is first made a Plan: what would be done about
// each of its rows, and why not where nothing would. Planning is pure. It rests on
// what the ledger held when it was asked; who carries a row out decides its steps
// anew, in one transaction, on the state they are recorded on.

// An Outcome is what becomes of a row.
type Outcome uint8

// The outcomes.
const (
	OutcomeSame    Outcome = iota + 1 // 未变: nothing to record
	OutcomeChanged                    // 变更: its steps are recorded on the record it shows
	OutcomeNew                        // 新增: its steps make a record, or record an act that no earlier row shows
	OutcomeStale                      // 过期: what it shows was changed in the ledger since
	OutcomeRefused                    // 不予入账
	OutcomeAlready                    // 此前已入账: an earlier import recorded it
)

var outcomeNames = enum.New[Outcome]("outcome", "same", "changed", "new", "stale", "refused", "already")

func (o Outcome) String() string { return outcomeNames.Name(o) }

// Chinese returns the outcome as answers write it.
func (o Outcome) Chinese() string {
	switch o {
	case OutcomeSame:
		return "未变"
	case OutcomeChanged:
		return "变更"
	case OutcomeNew:
		return "新增"
	case OutcomeStale:
		return "过期"
	case OutcomeRefused:
		return "不予入账"
	case OutcomeAlready:
		return "此前已入账"
	}
	return o.String()
}

// MarshalText writes the wire name.
func (o Outcome) MarshalText() ([]byte, error) { return outcomeNames.Marshal(o) }

// UnmarshalText reads the wire name.
func (o *Outcome) UnmarshalText(b []byte) error { return outcomeNames.Unmarshal(b, o) }

// Accepted reports whether the row's steps are to be recorded.
func (o Outcome) Accepted() bool { return o == OutcomeChanged || o == OutcomeNew }

// Rejected reports whether the row goes back to who sent it.
func (o Outcome) Rejected() bool { return o == OutcomeStale || o == OutcomeRefused }

// A Plan is what bringing a table back comes to.
type Plan struct {
	Sheet    string // where the table was found, none for a .csv
	Header   int    // row of the header
	Rows     []RowPlan
	Problems []workbook.Problem // of no row that was taken
	Ignored  []workbook.Ignored
}

// A RowPlan is what becomes of one row.
type RowPlan struct {
	Number  int // of the row in the sheet
	Key     workbook.Key
	Outcome Outcome
	Changes []Change
	Reasons []workbook.Problem // why it is rejected, or what else is to be known of it
	Steps   []Step             // in their order: recorded all together, or none
	Claim   string             // ClaimOf what a new row says; none: nothing is claimed
	// Back is the row as it goes back to who sent it, if it is rejected: under a key
	// with which it can be brought in again once it is put right.
	Back workbook.Row
}

// A Change is a cell that differs from what the ledger shows.
type Change struct {
	Column  string `json:"column" doc:"表头"`
	Cell    string `json:"cell,omitempty" doc:"单元格，如 C12"`
	Was     string `json:"was" doc:"账本里的内容"`
	Becomes string `json:"becomes" doc:"表里的内容"`
}

// A Step is one command of a row.
type Step struct {
	Target domain.Ref     // zero: the record that the row makes
	Kind   domain.Kind    // of the target
	Act    string         // one of the kind's acts, by its name
	Ask    domain.Payload // its circumstances say for whom and from which sheet
	// On is the day on which it happened, none: now. Its hour is not known: it counts
	// as early on that day as what is recorded of the target before allows.
	On calendar.Date
	// Once: an act with the same words on the same day is the same act, and is not
	// recorded again.
	Once bool
}

// Refuse turns the row down.
func (r *RowPlan) Refuse(o Outcome, reasons ...workbook.Problem) {
	r.Outcome, r.Steps, r.Claim = o, nil, ""
	r.Reasons = append(r.Reasons, reasons...)
}

// Terms hold for all rows of a sheet: who brings it back, how it came, and what
// names in it mean.
type Terms struct {
	By          domain.Caller
	Today       calendar.Date
	OnBehalfOf  domain.Ref // who the sheet is entered for; zero: as its rows say
	ReceivedVia domain.Via
	ReceivedOn  calendar.Date
	Sheet       domain.Evidence       // the file itself
	Offices     map[string]domain.Ref // by OfficeKey
}

// OfficeKey is a name or alias of an office as Terms know it.
func OfficeKey(s string) string { return name.Normalise(name.KindOfficeName, s) }

// Office returns the office that goes by a name.
func (t Terms) Office(s string) (domain.Ref, bool) {
	ref, ok := t.Offices[OfficeKey(s)]
	return ref, ok
}

// Circumstances are what every command of a row carries: for whom it is entered,
// and the sheet. An entry for nobody else says nothing of how it came in.
func (t Terms) Circumstances(onBehalfOf domain.Ref) domain.Particulars {
	p := domain.Particulars{Evidence: []domain.Evidence{t.Sheet}}
	if !onBehalfOf.IsZero() {
		p.OnBehalfOf, p.ReceivedVia, p.ReceivedOn = onBehalfOf, t.ReceivedVia, t.ReceivedOn
	}
	return p
}

// ClaimOf returns the name under which a new row is claimed (name.KindRegisterRow),
// so that no import records it twice: lower-case hex of SHA-256 over the words that
// make it the same row, compared without white space and in half-width.
func ClaimOf(words ...string) string {
	h := sha256.New()
	for _, w := range words {
		h.Write([]byte(strings.ToLower(name.Normalise(name.KindOfficeName, w))))
		h.Write([]byte{0})
	}
	return hex.EncodeToString(h.Sum(nil))
}
