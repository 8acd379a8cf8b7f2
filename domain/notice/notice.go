// Package notice reads a Chinese administrative notice (公文) into the draft of a
// directive: who issued it, what it is called, and its clauses with the offices
// that answer for them.
//
// It works in steps, each in a file of its own:
//
//	decode      bytes -> text (UTF-8, UTF-16, GB18030, .docx with the numbers that the
//	            word processor makes); contact data is hidden
//	lines       text -> pieces; a document flattened into one line is taken apart
//	sections    what stands around the clauses: number, title, addressees, copies,
//	            signature, the printer's line
//	paragraphs  pieces -> paragraphs, mended over page breaks and where the paper ended a
//	            line, and the rows of tables
//	documents   the covering letter, with what it asks, is told from what it sends
//	outline     paragraphs -> a tree of labels (一、 / （一） / 1. / （1）)
//	segments    paragraphs are cut at their marks
//	marks       （责任处室：A、B） / （A牵头，B配合） / （A、B负责，排在第一位的部门为牵头部门，下同）
//	            -> offices with roles; time limits; a proposal for the kind of task
//
// A mark stands for the sentences before it back to the mark before that; on a
// heading, for the clauses below that have none of their own; below a list or at
// the end of one that a sentence counts up, for all its items. Brackets that say
// nothing of who or when are left in the text.
//
// Nothing printed is dropped: every line is part of a heading, a clause or
// another recognised part, or it is named in a warning. The draft is a proposal
// that a person confirms; where words can be read in two ways, a warning says
// which was chosen.
package notice

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	"duban/domain/calendar"
	"duban/domain/enum"
)

// A Draft is a notice as read, before a person has confirmed it. It encodes to
// the JSON of the dry run and decodes from it again after editing.
type Draft struct {
	DocumentNumber string        `json:"document_number"`
	Title          string        `json:"title"`
	Issuer         string        `json:"issuer"`
	IssuedOn       calendar.Date `json:"issued_on" nullable:"true"` // null if none was found
	IssuedOnKind   IssuedOnKind  `json:"issued_on_kind"`            // null if none was found
	Addressees     []string      `json:"addressees"`
	CC             []string      `json:"cc"`
	BasedOn        []string      `json:"based_on"` // 《title》（number） of the documents it carries out
	Requirements   []Requirement `json:"requirements"`
	Clauses        []Clause      `json:"clauses"`
	Warnings       []Warning     `json:"warnings"`

	// Source is the decoded text with contact data hidden and otherwise verbatim;
	// every line number of the draft counts its lines.
	Source string `json:"-"`
	// MediaType is what Source was read from: text/plain or the type of .docx.
	MediaType string `json:"-"`
}

// A Requirement is a duty stated outside the clauses, as a rule in the covering
// letter.
type Requirement struct {
	Text  string `json:"text"`
	Lines [2]int `json:"lines"`
}

// A Clause is one passage with the offices its mark names.
type Clause struct {
	Number     int        `json:"number"`      // counts every entry, from 1
	Path       []string   `json:"path"`        // labels as printed, without the punctuation behind them
	Headings   []string   `json:"headings"`    // titles of the labels that have one
	Part       int        `json:"part"`        // 1, 2 … where one paragraph holds several; 0 for a whole paragraph
	Text       string     `json:"text"`        // as printed, page breaks mended, without the mark
	TextSHA256 string     `json:"text_sha256"` // TextHash(Text)
	Lines      [2]int     `json:"lines"`       // first and last line in Draft.Source, from 1
	Mark       string     `json:"mark"`        // as printed, with its brackets
	Offices    []Office   `json:"offices"`
	AndOthers  bool       `json:"and_others"` // the mark says 等, 等有关部门
	Deadlines  []Deadline `json:"deadlines"`
	Kind       Kind       `json:"kind"`       // a proposal, null if the words suggest none
	KindWords  string     `json:"kind_words"` // the words the proposal rests on
}

// An Office is a name in a mark with the part the mark gives it.
type Office struct {
	Name        string `json:"name"`
	Role        Role   `json:"role"`
	PrintedRole string `json:"printed_role"` // the printed word: 责任处室, 牵头, 配合 …
	Group       bool   `json:"group"`        // names many: 各市, 有关部门
}

// A Deadline is a time limit as printed.
type Deadline struct {
	Date  calendar.Date `json:"date" nullable:"true"` // the last day meant; null for words
	Words string        `json:"words"`
}

// A Warning is something a person should look at. Line 0 stands for the whole
// document.
type Warning struct {
	Line    int    `json:"line"`
	Message string `json:"message"`
}

// TextHash returns the lower-case hexadecimal SHA-256 of a clause's text.
func TextHash(text string) string {
	h := sha256.Sum256([]byte(text))
	return hex.EncodeToString(h[:])
}

// Role is what a mark makes of an office.
type Role uint8

// The roles.
const (
	RoleLead       Role = iota + 1 // 牵头
	RoleSupporting                 // 配合
	RoleJoint                      // 共同责任，未分主次
)

var roles = enum.New[Role]("role of an office", "lead", "supporting", "joint")

func (r Role) String() string { return roles.Name(r) }

// ParseRole returns the role with that wire name.
func ParseRole(s string) (Role, error) { return roles.Parse(s) }

// MarshalText writes the wire name.
func (r Role) MarshalText() ([]byte, error) { return roles.Marshal(r) }

// UnmarshalText reads the wire name.
func (r *Role) UnmarshalText(b []byte) error { return roles.Unmarshal(b, r) }

// Kind is the kind of task a clause seems to ask for.
type Kind uint8

// The kinds.
const (
	KindOneOff    Kind = iota + 1 // 一次性
	KindRecurring                 // 定期
	KindStanding                  // 长期
)

var kinds = enum.New[Kind]("kind of task", "one_off", "recurring", "standing")

func (k Kind) String() string { return kinds.Name(k) }

// ParseKind returns the kind with that wire name.
func ParseKind(s string) (Kind, error) { return kinds.Parse(s) }

// MarshalJSON writes the wire name, null for none.
func (k Kind) MarshalJSON() ([]byte, error) { return orNull(kinds.Marshal(k)) }

// UnmarshalText reads the wire name; JSON's null never gets here and leaves none.
func (k *Kind) UnmarshalText(b []byte) error { return kinds.Unmarshal(b, k) }

// IssuedOnKind says which of a document's two dates its date is.
type IssuedOnKind uint8

// The kinds of date.
const (
	IssuedOnSigned  IssuedOnKind = iota + 1 // 成文日期
	IssuedOnPrinted                         // 印发日期
)

var issuedOnKinds = enum.New[IssuedOnKind]("kind of issuing date", "signed", "printed")

func (k IssuedOnKind) String() string { return issuedOnKinds.Name(k) }

// MarshalJSON writes the wire name, null for none.
func (k IssuedOnKind) MarshalJSON() ([]byte, error) { return orNull(issuedOnKinds.Marshal(k)) }

// UnmarshalText reads the wire name.
func (k *IssuedOnKind) UnmarshalText(b []byte) error { return issuedOnKinds.Unmarshal(b, k) }

func orNull(name []byte, err error) ([]byte, error) {
	if err != nil || len(name) == 0 {
		return []byte("null"), err
	}
	return json.Marshal(string(name))
}

// nullDate encodes a calendar.Date with null for none, which calendar itself
// writes as the empty text.
func nullDate(d calendar.Date) *calendar.Date {
	if d == "" {
		return nil
	}
	return &d
}

func list[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

// MarshalJSON writes empty lists as [] and a missing date as null.
func (d Draft) MarshalJSON() ([]byte, error) {
	type plain Draft
	p := plain(d)
	p.Addressees, p.CC, p.BasedOn = list(p.Addressees), list(p.CC), list(p.BasedOn)
	p.Requirements, p.Clauses, p.Warnings = list(p.Requirements), list(p.Clauses), list(p.Warnings)
	return json.Marshal(struct {
		DocumentNumber string         `json:"document_number"`
		Title          string         `json:"title"`
		Issuer         string         `json:"issuer"`
		IssuedOn       *calendar.Date `json:"issued_on"`
		plain
	}{p.DocumentNumber, p.Title, p.Issuer, nullDate(p.IssuedOn), p})
}

// MarshalJSON writes empty lists as [].
func (c Clause) MarshalJSON() ([]byte, error) {
	type plain Clause
	p := plain(c)
	p.Path, p.Headings = list(p.Path), list(p.Headings)
	p.Offices, p.Deadlines = list(p.Offices), list(p.Deadlines)
	return json.Marshal(p)
}

// MarshalJSON writes a missing date as null.
func (d Deadline) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Date  *calendar.Date `json:"date"`
		Words string         `json:"words"`
	}{nullDate(d.Date), d.Words})
}
