package domain

import (
	"encoding/hex"
	"strings"
	"time"
	"unicode/utf8"

	"duban/domain/calendar"
)

// Caller is who a credential stands for. The server fills it in; no client can
// choose it.
type Caller struct {
	Person Ref
	Office Ref
	Role   Role
}

// Entry is the circumstances of one command: who enters it, when it happened and
// what the clock says.
type Entry struct {
	By   Caller
	Time time.Time // when it happened
	Now  time.Time // when it is entered
}

// Ahead is how far a stated time may lie in the future, for clocks that differ.
const Ahead = time.Minute

// Event returns the event the entry makes of a payload for an aggregate.
func (en Entry) Event(subject Ref, p Payload) Event {
	return Event{
		Subject: subject, Time: en.Time.In(calendar.Zone).Truncate(time.Millisecond),
		Actor: en.By.Person, Office: en.By.Office, Authority: en.By.Role, Data: p,
	}
}

// Check applies the rules that hold for every command, whatever its aggregate:
// the time is not in the future and in a sane year, the payload is well formed,
// and an entry on behalf of somebody else shows what it rests on.
func (en Entry) Check(p Payload) error {
	if en.Time.After(en.Now.Add(Ahead)) {
		return Invalid("time.future", "time",
			"发生时间 "+clockText(en.Time)+" 晚于现在 "+clockText(en.Now),
			"the time "+clockText(en.Time)+" lies after now, "+clockText(en.Now))
	}
	if _, err := calendar.ParseDate(string(calendar.On(en.Time))); err != nil {
		return Invalid("time.range", "time", "发生时间的年份超出范围", "the time's year is out of range")
	}
	if err := p.Circumstances().check(en, en.approvable(p)); err != nil {
		return err
	}
	return p.Validate()
}

// A Countersigned act needs an approval only because one person writes both sides
// of a check. Of an act entered on behalf of somebody else that is the clerk who
// enters both, so the leader approves the entry, long after the act itself.
type Countersigned interface{ Countersigned() }

// approvable returns the last day on which the act may have been approved.
func (en Entry) approvable(p Payload) calendar.Date {
	if _, ok := p.(Countersigned); ok && !p.Circumstances().OnBehalfOf.IsZero() {
		return max(calendar.On(en.Time), calendar.On(en.Now))
	}
	return calendar.On(en.Time)
}

func clockText(t time.Time) string { return t.In(calendar.Zone).Format("2006-01-02 15:04:05") }

func (c *Particulars) check(en Entry, approvable calendar.Date) error {
	if err := c.checkBehalf(en); err != nil {
		return err
	}
	if err := CheckText("note", c.Note, false); err != nil {
		return err
	}
	if err := CheckEvidence("evidence", c.Evidence); err != nil {
		return err
	}
	for _, b := range c.Basis {
		if err := CheckText("basis.document", b.Document, true); err != nil {
			return err
		}
	}
	if a := c.Approval; a != nil {
		if err := CheckText("approval.leader", a.Leader, true); err != nil {
			return err
		}
		if err := CheckText("approval.words", a.Words, true); err != nil {
			return err
		}
		if a.On == "" {
			return Invalid("approval.on", "approval.on", "缺少批示日期", "the approval's date is missing")
		}
		if a.On > approvable {
			return Invalid("approval.on", "approval.on", "批示日期 "+string(a.On)+" 晚于办理之日 "+string(approvable)+"，先有批示才能办理",
				"the approval of "+string(a.On)+" came after the act of "+string(approvable)+", which rests on it")
		}
		return CheckEvidence("approval.evidence", a.Evidence)
	}
	return nil
}

// checkBehalf: only the safety office enters for others, and with evidence, or
// with a note where the word came by phone; and no paper tells of what had not
// happened when it came.
func (c *Particulars) checkBehalf(en Entry) error {
	if c.OnBehalfOf.IsZero() {
		if c.ReceivedVia != 0 || c.ReceivedOn != "" {
			return Invalid("behalf.missing", "on_behalf_of",
				"填写了收到方式或日期，但没有说明为谁代录", "received_via or received_on is given, but not on whose behalf")
		}
		return nil
	}
	if en.By.Role != RoleSafetyOffice {
		return Forbidden("behalf.role", "只有安委会办公室可以代录", "only the safety office enters on behalf of others")
	}
	if k := c.OnBehalfOf.Kind; k != KindPerson && k != KindOffice {
		return Invalid("behalf.kind", "on_behalf_of", "代录对象应为 person/… 或 office/…", "on_behalf_of is a person/… or an office/…")
	}
	if c.OnBehalfOf == en.By.Person {
		return Invalid("behalf.self", "on_behalf_of", "不能为自己代录", "nobody enters on their own behalf")
	}
	if c.ReceivedVia == 0 || c.ReceivedOn == "" {
		return Invalid("behalf.received", "received_via",
			"代录须写明收到方式 received_via 和收到日期 received_on", "an entry on behalf states received_via and received_on")
	}
	if c.ReceivedOn > calendar.On(en.Now.Add(Ahead)) {
		return Invalid("behalf.received_on", "received_on", "收到日期晚于今天", "received_on lies after today")
	}
	if day := calendar.On(en.Time); c.ReceivedOn < day {
		return Invalid("behalf.received_before", "received_on",
			"收到日期 "+string(c.ReceivedOn)+" 早于发生日期 "+string(day)+"，来件不可能报告以后的事；请在 time 写明何时发生（不写即为现在），或改正 received_on",
			"received_on "+string(c.ReceivedOn)+" lies before the day it happened, "+string(day)+", of which the paper could not yet tell: state in time when it happened (by default now), or correct received_on")
	}
	if c.ReceivedVia == ViaPhone {
		if strings.TrimSpace(c.Note) == "" && len(c.Evidence) == 0 {
			return Invalid("behalf.note", "note", "电话代录须在 note 中写明通话内容", "an entry by phone needs a note of what was said")
		}
		return nil
	}
	if len(c.Evidence) == 0 {
		return Invalid("behalf.evidence", "evidence", "代录须附来件作为证据，请在 evidence 附上扫描件或原文件；只有电话可以只写 note", "an entry on behalf needs the paper or message as evidence: attach it; only a call does with a note")
	}
	return nil
}

// maxText bounds one text field, in bytes, so that an event with several of them
// stays below its 65,535 bytes.
const maxText = 20_000

// CheckText refuses a text that is missing though required, too long, or not
// printable UTF-8.
func CheckText(field, s string, required bool) error {
	switch {
	case required && strings.TrimSpace(s) == "":
		return Invalid("field.required", field, "缺少 "+field, field+" is missing")
	case len(s) > maxText:
		return Invalid("field.long", field, field+" 超过 20000 字节", field+" is longer than 20000 bytes")
	case !utf8.ValidString(s) || strings.ContainsRune(s, 0):
		return Invalid("field.text", field, field+" 不是有效的 UTF-8 文本", field+" is not valid UTF-8 text")
	}
	return nil
}

// CheckEvidence refuses references that can't name stored bytes.
func CheckEvidence(field string, list []Evidence) error {
	for _, e := range list {
		if b, err := hex.DecodeString(e.SHA256); err != nil || len(b) != 32 || strings.ToLower(e.SHA256) != e.SHA256 {
			return Invalid("evidence.sha256", field, "证据的 sha256 应为 64 位小写十六进制", "the evidence's sha256 is 64 lower-case hex digits")
		}
	}
	return nil
}

// RequireApproval refuses an event without a leader's instruction.
func (e Event) RequireApproval(zh, en string) error {
	if e.Data.Circumstances().Approval == nil {
		return Illegal("approval.required", zh+"须附批示 approval", en+" needs an approval")
	}
	return nil
}
