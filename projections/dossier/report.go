package dossier

import (
	"fmt"
	"io"
	"strings"
	"unicode"
)

// A Fault is the first thing in a dossier that does not hold.
type Fault struct {
	Entry    string // path in the ZIP, or ZIP for the file as such
	Sequence uint64 // of the event, 0 where none is to blame
	Err      error
}

func (f *Fault) Error() string {
	if f.Sequence > 0 {
		return fmt.Sprintf("%s，序号 %d：%v", f.Entry, f.Sequence, f.Err)
	}
	return fmt.Sprintf("%s：%v", f.Entry, f.Err)
}

func (f *Fault) Unwrap() error { return f.Err }

// A Report is what Verify found, up to the first fault.
type Report struct {
	OK    bool         `json:"ok"`
	Fault *FaultReport `json:"fault,omitempty"`

	Org      string `json:"org,omitempty"`
	Origin   string `json:"origin,omitempty"`
	Year     int    `json:"year,omitempty"`
	TreeSize uint64 `json:"tree_size,omitempty"`
	Root     string `json:"root,omitempty"`
	Range    *Range `json:"range,omitempty"`
	Partial  bool   `json:"partial"`
	Sample   bool   `json:"sample,omitempty"`   // the ledger says that it holds invented data
	Software string `json:"software,omitempty"` // that made the dossier

	Trust    *Trust        `json:"trust,omitempty"`
	Previous *PreviousHead `json:"previous,omitempty"`

	Counts  *Counts   `json:"counts,omitempty"`
	LeftOut []LeftOut `json:"left_out,omitempty"`
	Checks  []Check   `json:"checks"`
	Remarks []string  `json:"remarks"` // what holds and should be known
}

// A FaultReport is a Fault in JSON.
type FaultReport struct {
	Entry    string `json:"entry"`
	Sequence uint64 `json:"sequence,omitempty"`
	Reason   string `json:"reason"`
}

// Trust says what the signatures rest on.
type Trust struct {
	GivenPolicy bool        `json:"given_policy"` // false: only the dossier's own policy was used
	Keys        []KeyReport `json:"keys"`         // of the log, by the policy
	Signatures  []Signature `json:"signatures"`   // on the head, verified
	Unknown     []string    `json:"unknown"`      // signers the policy does not know
}

// A KeyReport names a key so that it can be compared.
type KeyReport struct {
	VKey        string `json:"vkey"`
	Fingerprint string `json:"fingerprint"`
}

// A Signature on the head; Time is a witness's own.
type Signature struct {
	Name    string `json:"name"`
	KeyHash string `json:"key_hash"`
	Time    string `json:"time,omitempty"`
}

// PreviousHead is an earlier head that the dossier's tree extends.
type PreviousHead struct {
	Size uint64 `json:"size"`
	Root string `json:"root"`
}

func (r *Report) check(name, zh, en string, count uint64) {
	r.Checks = append(r.Checks, Check{Name: name, Chinese: zh, English: en, Count: count, Passed: true})
}

func (r *Report) remark(format string, args ...any) {
	r.Remarks = append(r.Remarks, fmt.Sprintf(format, args...))
}

// Print writes the report for people.
func (r Report) Print(w io.Writer) error {
	p := &printer{w: w}
	if r.OK {
		p.line("核验通过 / verified")
	} else {
		p.line("核验不通过 / NOT VERIFIED")
		if r.Fault != nil {
			p.line("第一个有问题的条目 / first faulty entry: %s", r.Fault.Entry)
			if r.Fault.Sequence > 0 {
				p.line("  序号 / sequence: %d", r.Fault.Sequence)
			}
			p.line("  原因 / reason: %s", r.Fault.Reason)
		}
	}
	if r.Range != nil {
		p.line("")
		p.line("%d 年度卷宗，账本 %s", r.Year, r.Origin)
		if r.Sample {
			p.line("  样例数据，仅供试用，不是真实记录 / invented sample data, no real record")
		}
		p.line("  年度范围 / range: 序号 %d–%d", r.Range.First, r.Range.Last)
		p.line("  树头 / head: %d 个事件，根 %s", r.TreeSize, r.Root)
	}
	if r.Counts != nil {
		p.line("  年度事件 %d，以前的和相邻的事件 %d，记录 %d（另有年初有效的 %d），证据 %d，作废 %d",
			r.Counts.Events, r.Counts.Context, r.Counts.Touched, r.Counts.Earlier, r.Counts.Evidence, r.Counts.Voided)
	}
	r.printTrust(p)
	if r.Previous != nil {
		p.line("先前的树头 / earlier head: %d 个事件，是本树的开头 / is a beginning of this tree", r.Previous.Size)
	}
	p.line("")
	p.line("已核验 / checked:")
	for _, c := range r.Checks {
		p.line("  ✓ %s / %s (%d)", c.Chinese, c.English, c.Count)
	}
	for _, l := range r.LeftOut {
		p.line("  未收录 / left out: %s（%s）", l.What, whyText(l.Why))
	}
	for _, remark := range r.Remarks {
		p.line("注意 / note: %s", remark)
	}
	return p.err
}

func (r Report) printTrust(p *printer) {
	if r.Trust == nil {
		return
	}
	p.line("")
	if r.Trust.GivenPolicy {
		p.line("依据给定的策略 / under the policy you gave:")
	} else {
		p.line("未给 --policy：只证明与卷宗内所附的密钥一致，请核对指纹 / without --policy: only integrity under the key inside; compare the fingerprint:")
	}
	for _, k := range r.Trust.Keys {
		p.line("  密钥 / key %s", k.VKey)
		p.line("    指纹 / fingerprint sha256:%s", k.Fingerprint)
	}
	for _, s := range r.Trust.Signatures {
		if s.Time != "" {
			p.line("  见证 / cosigned by %s %s", s.Name, s.Time)
		}
	}
}

func whyText(w Why) string {
	switch w {
	case WhyWithdrawn:
		return "已撤回 / withdrawn"
	case WhyMissing:
		return "从未保存 / never stored"
	case WhyUnprinted:
		return "字节不能成行 / its bytes would break the line"
	}
	return string(w)
}

// printer keeps the first error of many lines.
type printer struct {
	w   io.Writer
	err error
}

// visible keeps what a dossier says from writing to a terminal.
func visible(r rune) rune {
	if unicode.IsPrint(r) || r == ' ' {
		return r
	}
	return unicode.ReplacementChar
}

func (p *printer) line(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintln(p.w, strings.Map(visible, fmt.Sprintf(format, args...)))
	}
}
