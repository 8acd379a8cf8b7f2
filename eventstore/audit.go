package eventstore

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"

	"duban/domain"
)

// A Finding is one thing an audit found wrong.
type Finding struct {
	Sequence uint64 // of the event, 0 where none is to blame
	Kind     FindingKind
	Detail   string
}

// FindingKind says what is wrong.
type FindingKind string

// The kinds of findings.
const (
	FindingGap        FindingKind = "gap"        // a sequence is missing
	FindingOdd        FindingKind = "odd"        // an event can't be read or breaks its chain
	FindingVoid       FindingKind = "void"       // an event of a transaction that is not whole; no fault, worth knowing
	FindingUnfinished FindingKind = "unfinished" // the stream ends within a transaction
	FindingTime       FindingKind = "time"       // recordedtime runs backwards
	FindingDrift      FindingKind = "drift"      // the stream is not as it has to be
	FindingEvidence   FindingKind = "evidence"   // bytes are missing or not what their digest says
)

// maxFindings bounds a report; a ledger with more is beyond reading line by line.
const maxFindings = 1000

// A Report is what an audit saw.
type Report struct {
	Events, Aggregates, Transactions uint64
	Accepted                         uint64 // odd events an operator accepted
	Evidence                         int    // objects whose bytes were read and agree
	Withdrawn                        int
	Last                             uint64 // sequence of the last event read
	LastHash                         string // its leaf hash
	Findings                         []Finding
	Suppressed                       int // findings beyond the first thousand

	voids int // of the findings; they are no faults and keep none from being listed
}

// Sound reports whether nothing was found that needs anybody's attention: void
// transactions are part of how the ledger works.
func (r Report) Sound() bool {
	for _, f := range r.Findings {
		if f.Kind != FindingVoid {
			return false
		}
	}
	return true
}

func (r *Report) add(seq uint64, kind FindingKind, detail string) {
	alike := len(r.Findings) - r.voids
	if kind == FindingVoid {
		alike = r.voids
	}
	if alike >= maxFindings {
		r.Suppressed++
		return
	}
	if kind == FindingVoid {
		r.voids++
	}
	r.Findings = append(r.Findings, Finding{seq, kind, detail})
}

// Audit reads every event and every piece of evidence again and reports what does
// not hold, with exact sequences. It goes on after a finding. It keeps one entry
// for each aggregate and each piece of evidence in memory. progress, if not nil,
// is told the position now and then. An error means that the audit could not be
// finished, not that something was found.
func (s *Store) Audit(ctx context.Context, progress func(seq uint64)) (Report, error) {
	a := &auditor{s: s, heads: map[string]Head{}, evidence: map[string]uint64{}, progress: progress}
	if err := a.config(ctx); err != nil {
		return a.report, fmt.Errorf("audit the stream: %w", err)
	}
	if err := a.events(ctx); err != nil {
		return a.report, fmt.Errorf("audit the events: %w", err)
	}
	if err := a.objects(ctx); err != nil {
		return a.report, fmt.Errorf("audit the evidence: %w", err)
	}
	return a.report, nil
}

type auditor struct {
	s        *Store
	report   Report
	heads    map[string]Head   // by NATS subject, so that unnameable ones count too
	evidence map[string]uint64 // digest to the first event that names it
	asm      Assembler
	recorded time.Time
	limit    uint64
	progress func(uint64)
}

func (a *auditor) config(ctx context.Context) error {
	return a.s.withSession(ctx, func(sess *session) error {
		info, err := a.s.standing(ctx, sess.read, streamName, a.s.Acked())
		if err != nil {
			return err
		}
		for _, d := range compareConfig(streamConfig(a.s.cfg.Org, 1), info.Config, info.clustered()) {
			a.report.add(0, FindingDrift, d)
		}
		a.limit = min(info.State.LastSeq, a.s.visible())
		return nil
	})
}

func (a *auditor) events(ctx context.Context) error {
	for next := uint64(1); next <= a.limit; {
		var msgs []message
		err := a.s.withSession(ctx, func(sess *session) error {
			var err error
			msgs, err = a.s.readOn(ctx, sess, next, int(min(batchMessages, a.limit-next+1)))
			return err
		})
		var gap *GapError
		switch {
		case errors.As(err, &gap):
			a.report.add(gap.Sequence, FindingGap, fmt.Sprintf("缺少 %d 至 %d / missing %d to %d", gap.Sequence, gap.Found-1, gap.Sequence, gap.Found-1))
			next = gap.Found
			continue
		case err != nil:
			return err
		case len(msgs) == 0:
			a.report.add(next, FindingGap, fmt.Sprintf("缺少 %d 至 %d / missing %d to %d", next, a.limit, next, a.limit))
			return nil
		}
		for _, m := range msgs {
			a.event(ctx, m)
		}
		next = msgs[len(msgs)-1].Seq + 1
		if a.progress != nil {
			a.progress(next - 1)
		}
	}
	if n := a.asm.Pending(); n > 0 {
		a.report.add(a.asm.open[0].Seq, FindingUnfinished, fmt.Sprintf("事务未完成 / the transaction %s has %d of %d events", a.asm.open[0].TxID, n, a.asm.open[0].TxCount))
	}
	a.report.Aggregates = uint64(len(a.heads))
	return nil
}

func (a *auditor) event(ctx context.Context, m message) {
	r, err := a.s.decode(m)
	head := a.heads[m.Subject]
	next := Head{Seq: m.Seq, Version: head.Version + 1, Hash: r.Hash()}
	a.heads[m.Subject] = next
	a.report.Events++
	a.report.Last, a.report.LastHash = m.Seq, next.Hash
	readable := err == nil
	if err == nil && (r.Version != next.Version || r.Previous != head.Hash) {
		err = fmt.Errorf("链条断裂 / the chain is broken: %s version %d, previous %q, expected %d, %q", r.Subject, r.Version, r.Previous, next.Version, head.Hash)
	}
	if err != nil {
		r.Undecodable = err
		if a.s.isAccepted(ctx, m.Seq, m.Data) {
			a.report.Accepted++
		} else {
			a.report.add(m.Seq, FindingOdd, err.Error())
		}
	}
	if readable {
		if r.RecordedTime.Before(a.recorded) {
			a.report.add(m.Seq, FindingTime, fmt.Sprintf("recordedtime %s 早于前一事件 / before %s", r.RecordedTime.Format(recordedForm), a.recorded.Format(recordedForm)))
		}
		a.recorded = r.RecordedTime
	}
	for _, done := range a.asm.Add(r) {
		switch {
		case done.Voided:
			a.report.add(done.Seq, FindingVoid, "事务不完整，事件无效 / of a transaction that is not whole")
		case done.Undecodable == nil:
			a.note(done)
			if done.TxCount > 0 && done.TxIndex == done.TxCount {
				a.report.Transactions++
			}
		}
	}
}

// note remembers the evidence an event names in the particulars all events have.
func (a *auditor) note(r Record) {
	c := r.Data.Circumstances()
	named := c.Evidence
	if c.Approval != nil {
		named = append(append([]domain.Evidence(nil), named...), c.Approval.Evidence...)
	}
	for _, ev := range named {
		if _, ok := a.evidence[ev.SHA256]; !ok {
			a.evidence[ev.SHA256] = r.Seq
		}
	}
}

func (a *auditor) objects(ctx context.Context) error {
	list, err := a.s.listEvidence(ctx)
	if err != nil {
		return err
	}
	stored := map[string]bool{}
	for _, info := range list {
		stored[info.Name] = true
		if info.Deleted {
			a.report.Withdrawn++
			continue
		}
		switch err := a.s.rereadEvidence(ctx, info.Name); {
		case err == nil:
			a.report.Evidence++
		case ctx.Err() != nil:
			return ctx.Err()
		default:
			a.report.add(a.evidence[info.Name], FindingEvidence, info.Name+": "+err.Error())
		}
	}
	for sum, seq := range a.evidence {
		if !stored[sum] {
			a.report.add(seq, FindingEvidence, sum+": "+ErrNoEvidence.Error())
		}
	}
	return nil
}

// rereadEvidence reads the bytes under a digest and computes it again.
func (s *Store) rereadEvidence(ctx context.Context, sum string) error {
	rc, ev, err := s.OpenEvidence(ctx, sum)
	if err != nil {
		return err
	}
	defer rc.Close()
	h := sha256.New()
	n, err := io.Copy(h, rc)
	if err != nil {
		return fmt.Errorf("read: %w", err)
	}
	if got := hex.EncodeToString(h.Sum(nil)); n != ev.Size || got != sum {
		return fmt.Errorf("%d bytes with the digest %s instead of %d", n, got, ev.Size)
	}
	return nil
}
