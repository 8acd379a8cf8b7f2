package directive

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"duban/domain"
	"duban/domain/calendar"
)

// A Clause (条款) is one passage of a directive as printed, with the offices its
// mark names. A clause without offices makes no task, but may be docketed later.
type Clause struct {
	Number     int              `json:"number" doc:"条款序号，从 1 起"`
	Path       []string         `json:"path,omitempty" doc:"各级标号，照原样：一, （二）, 2"`
	Headings   []string         `json:"headings,omitempty" doc:"各级标题"`
	Part       int              `json:"part,omitempty" doc:"一段中有几处责任标注时，第几部分"`
	Text       string           `json:"text" doc:"条款原文，不含责任标注"`
	TextSHA256 string           `json:"text_sha256" doc:"text 的 SHA-256，小写十六进制"`
	Lines      [2]int           `json:"lines" doc:"来源文本的起止行号"`
	Mark       string           `json:"mark,omitempty" doc:"责任标注原文"`
	Offices    []ClauseOffice   `json:"offices,omitempty" doc:"责任处室"`
	AndOthers  bool             `json:"and_others,omitempty" doc:"标注中有“等有关部门”"`
	Deadlines  []ClauseDeadline `json:"deadlines,omitempty" doc:"条款写明的时限"`
	Kind       KindProposal     `json:"kind,omitzero" doc:"建议的任务类型：one_off, recurring, standing"`
	KindWords  string           `json:"kind_words,omitempty" doc:"建议所依据的词语"`
}

// A ClauseOffice is an office as a mark names it.
type ClauseOffice struct {
	Name        string     `json:"name" doc:"名称，照原样"`
	Role        OfficeRole `json:"role" doc:"lead 牵头, supporting 配合, joint 共同责任"`
	PrintedRole string     `json:"printed_role,omitempty" doc:"原文写法：牵头、配合、参与……"`
	Group       bool       `json:"group,omitempty" doc:"泛称（各市、各有关部门），不登记为处室"`
	Office      domain.Ref `json:"office,omitzero" doc:"登记的处室 office/…"`
}

// A ClauseDeadline is a time limit as a clause states it.
type ClauseDeadline struct {
	Date  calendar.Date `json:"date,omitempty" doc:"所指的最后一天；没有日期的为空"`
	Words string        `json:"words" doc:"原文写法"`
}

// TextHash returns the digest by which a clause's text is known: lower-case hex
// of its SHA-256.
func TextHash(text string) string {
	h := sha256.Sum256([]byte(text))
	return hex.EncodeToString(h[:])
}

// ContentHash returns the digest by which a notice is known again without its
// number, in whatever form it comes: lower-case hex of the SHA-256 of its title,
// its date and the texts of its clauses, each behind a NUL and without white
// space, which line breaks and copying change.
func ContentHash(title string, issuedOn calendar.Date, clauses []Clause) string {
	h := sha256.New()
	add := func(s string) {
		h.Write([]byte{0})
		h.Write([]byte(strings.Join(strings.Fields(s), "")))
	}
	add(title)
	add(string(issuedOn))
	for _, c := range clauses {
		add(c.Text)
	}
	return hex.EncodeToString(h.Sum(nil))
}

func (c *Clause) validate() error {
	field := "clauses[" + strconv.Itoa(c.Number) + "]."
	if c.Number < 1 {
		return domain.Invalid("directive.clause.number", "clauses.number", "条款序号从 1 起", "clauses are numbered from 1")
	}
	if err := checkLongText(field+"text", c.Text); err != nil {
		return err
	}
	if want := TextHash(c.Text); c.TextSHA256 != want {
		return domain.Invalid("directive.clause.text_sha256", field+"text_sha256",
			fmt.Sprintf("第%d项的 text_sha256 与原文不符，应为 %s", c.Number, want),
			fmt.Sprintf("the text_sha256 of clause %d is not that of its text, %s", c.Number, want))
	}
	if c.Part < 0 {
		return domain.Invalid("directive.clause.part", field+"part", "part 不能为负数", "part is not negative")
	}
	if c.Lines[0] < 0 || c.Lines[1] < c.Lines[0] {
		return domain.Invalid("directive.clause.lines", field+"lines", "lines 应为 [起行, 止行]", "lines is [from, to]")
	}
	for _, s := range append(append([]string{c.Mark, c.KindWords}, c.Path...), c.Headings...) {
		if err := domain.CheckText(strings.TrimSuffix(field, "."), s, false); err != nil {
			return err
		}
	}
	for i := range c.Offices {
		if err := c.Offices[i].validate(field + "offices"); err != nil {
			return err
		}
	}
	for _, d := range c.Deadlines {
		if err := domain.CheckText(field+"deadlines.words", d.Words, true); err != nil {
			return err
		}
	}
	return nil
}

func (o *ClauseOffice) validate(field string) error {
	if err := domain.CheckText(field+".name", o.Name, true); err != nil {
		return err
	}
	if err := domain.CheckText(field+".printed_role", o.PrintedRole, false); err != nil {
		return err
	}
	switch {
	case o.Role == 0:
		return domain.Invalid("directive.clause.role", field+".role", "缺少处室的责任 role", "the office's role is missing")
	case o.Group && !o.Office.IsZero():
		return domain.Invalid("directive.clause.group", field+".office",
			"“"+o.Name+"”是泛称，不对应处室", o.Name+" stands for many and is no office")
	case !o.Office.IsZero() && o.Office.Kind != domain.KindOffice:
		return domain.Invalid("directive.clause.office", field+".office", "office 应为 office/…", "office is an office/…")
	}
	return nil
}

// checkLongText is CheckText without its bound: a clause is as long as it was
// printed, and is never cut. MaxPayload bounds it.
func checkLongText(field, s string) error {
	switch {
	case strings.TrimSpace(s) == "":
		return domain.CheckText(field, s, true)
	case !utf8.ValidString(s) || strings.ContainsRune(s, 0):
		return domain.Invalid("field.text", field, field+" 不是有效的 UTF-8 文本", field+" is not valid UTF-8 text")
	}
	return nil
}

// MaxPayload is how many bytes of JSON one event of a directive may hold. It
// leaves 5 KB of the 65,535 bytes of an event to the envelope.
const MaxPayload = 60_000

// Split shares the clauses out among as many events as it takes: whole, in
// order, each event at most MaxPayload bytes of JSON. A clause that is longer by
// itself is refused.
func Split(clauses []Clause) ([]*ClausesRecorded, error) {
	var out []*ClausesRecorded
	// Every clause is counted with a comma, and the first of an event has none.
	empty := encodedLen(&ClausesRecorded{Clauses: []Clause{}}) - 1
	size := 0
	for _, c := range clauses {
		n := encodedLen(c) + 1
		if empty+n > MaxPayload {
			return nil, domain.Invalid("directive.clause.long", "clauses["+strconv.Itoa(c.Number)+"]",
				fmt.Sprintf("第%d项超过 %d 字节，一个事件容纳不下，请拆分条款", c.Number, MaxPayload),
				fmt.Sprintf("clause %d is longer than the %d bytes of an event: divide it", c.Number, MaxPayload))
		}
		if len(out) == 0 || size+n > MaxPayload {
			out = append(out, &ClausesRecorded{})
			size = empty
		}
		last := out[len(out)-1]
		last.Clauses = append(last.Clauses, c)
		size += n
	}
	return out, nil
}

// encodedLen measures with HTML escapes, so an encoder without them stays below.
func encodedLen(v any) int {
	b, err := json.Marshal(v)
	if err != nil {
		return MaxPayload + 1 // an enumeration's value without a name: too long for any event
	}
	return len(b)
}
