package directive

import (
	"fmt"
	"strings"

	"duban/domain"
	"duban/domain/calendar"
)

// Issued (印发): the directive as its head and cover letter state it.
type Issued struct {
	domain.Particulars
	DocumentNumber string        `json:"document_number,omitempty" doc:"文号；没有文号的文件以正文摘要识别"`
	Title          string        `json:"title" doc:"标题"`
	Issuer         string        `json:"issuer,omitempty" doc:"发文机关"`
	IssuedOn       calendar.Date `json:"issued_on,omitempty" doc:"发文日期"`
	IssuedOnKind   IssuedOnKind  `json:"issued_on_kind,omitzero" doc:"signed 成文日期, printed 印发日期"`
	Addressees     []string      `json:"addressees,omitempty" doc:"主送"`
	CC             []string      `json:"cc,omitempty" doc:"抄送"`
	BasedOn        []string      `json:"based_on,omitempty" doc:"所依据的文件，照原样"`
	Source         Source        `json:"source,omitzero" doc:"来源文件"`
	Requirements   []Requirement `json:"requirements,omitempty" doc:"条款以外的要求"`
	TextSHA256     string        `json:"text_sha256,omitempty" doc:"正文的 SHA-256，小写十六进制；没有文号的文件必填"`
}

// A Source is the stored file the directive was read from.
type Source struct {
	SHA256    string `json:"sha256" doc:"小写十六进制 SHA-256"`
	MediaType string `json:"media_type" doc:"text/plain 或 .docx 的类型"`
	Bytes     int64  `json:"bytes" doc:"字节数"`
}

// A Requirement is a duty stated outside the clauses, in the cover letter.
type Requirement struct {
	Text  string `json:"text" doc:"原文"`
	Lines [2]int `json:"lines" doc:"来源文本的起止行号"`
}

// EventType names the event.
func (*Issued) EventType() string { return "duban.directive.issued.v1" }

// Validate checks the payload by itself.
func (i *Issued) Validate() error {
	if err := i.validateTexts(); err != nil {
		return err
	}
	if (i.IssuedOn == "") != (i.IssuedOnKind == 0) {
		return domain.Invalid("directive.issued.issued_on", "issued_on_kind",
			"发文日期与日期种类应同时填写", "issued_on and issued_on_kind go together")
	}
	if strings.TrimSpace(i.DocumentNumber) == "" && i.TextSHA256 == "" {
		return domain.Invalid("directive.issued.identity", "document_number",
			"文号和正文摘要 text_sha256 至少要有一项，否则不能识别重复登记",
			"a document number or else the text_sha256 is needed, to know the directive again")
	}
	if err := i.validateDigests(); err != nil {
		return err
	}
	if n := encodedLen(i); n > MaxPayload {
		return domain.Invalid("directive.issued.long", "",
			fmt.Sprintf("文件信息共 %d 字节，超过一个事件的 %d 字节", n, MaxPayload),
			fmt.Sprintf("the head of the directive has %d bytes, more than the %d of an event", n, MaxPayload))
	}
	return nil
}

func (i *Issued) validateTexts() error {
	if err := domain.CheckText("title", i.Title, true); err != nil {
		return err
	}
	if err := domain.CheckText("document_number", i.DocumentNumber, false); err != nil {
		return err
	}
	if err := domain.CheckText("issuer", i.Issuer, false); err != nil {
		return err
	}
	for _, l := range []struct {
		field string
		list  []string
	}{{"addressees", i.Addressees}, {"cc", i.CC}, {"based_on", i.BasedOn}} {
		for _, s := range l.list {
			if err := domain.CheckText(l.field, s, true); err != nil {
				return err
			}
		}
	}
	for _, r := range i.Requirements {
		if err := checkLongText("requirements.text", r.Text); err != nil {
			return err
		}
	}
	return nil
}

func (i *Issued) validateDigests() error {
	if s := i.Source; s != (Source{}) {
		if err := domain.CheckEvidence("source", []domain.Evidence{{SHA256: s.SHA256}}); err != nil {
			return err
		}
		if s.Bytes < 0 {
			return domain.Invalid("directive.issued.source", "source.bytes", "字节数不能为负数", "bytes is not negative")
		}
		if err := domain.CheckText("source.media_type", s.MediaType, false); err != nil {
			return err
		}
	}
	if i.TextSHA256 == "" {
		return nil
	}
	return domain.CheckEvidence("text_sha256", []domain.Evidence{{SHA256: i.TextSHA256}})
}

// ClausesRecorded (登记条款): the next clauses of the directive, in order.
type ClausesRecorded struct {
	domain.Particulars
	Clauses []Clause `json:"clauses" doc:"条款，按序号"`
}

// EventType names the event.
func (*ClausesRecorded) EventType() string { return "duban.directive.clauses_recorded.v1" }

// Validate checks the payload by itself.
func (r *ClausesRecorded) Validate() error {
	if len(r.Clauses) == 0 {
		return domain.Invalid("directive.clauses_recorded.none", "clauses", "缺少条款", "the clauses are missing")
	}
	for i := range r.Clauses {
		if err := r.Clauses[i].validate(); err != nil {
			return err
		}
	}
	if n := encodedLen(r); n > MaxPayload {
		return domain.Invalid("directive.clauses_recorded.long", "clauses",
			fmt.Sprintf("条款共 %d 字节，超过一个事件的 %d 字节，请分几次登记", n, MaxPayload),
			fmt.Sprintf("the clauses have %d bytes, more than the %d of an event: record them in several", n, MaxPayload))
	}
	return nil
}

// Voided (撤销登记): the import was wrong. The number is free again; the directive
// itself stays in the trail.
type Voided struct {
	domain.Particulars
	Reason string `json:"reason" doc:"撤销原因"`
}

// EventType names the event.
func (*Voided) EventType() string { return "duban.directive.voided.v1" }

// Validate checks the payload by itself.
func (v *Voided) Validate() error { return domain.CheckText("reason", v.Reason, true) }

// Payloads returns a prototype of every event of a directive.
func Payloads() []domain.Payload {
	return []domain.Payload{&Issued{}, &ClausesRecorded{}, &ReportingRequired{}, &Voided{}, &Amended{}, &Repealed{}, &ReportingEnded{}, &OfficeSucceeded{}, &Corrected{}}
}
