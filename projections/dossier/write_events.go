package dossier

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"duban/domain"
	"duban/eventstore"
)

// naming is which included events name a file: the first of all, and the last that
// does not withdraw it.
type naming struct{ first, last uint64 }

// progressStep is how many events lie between two reports of progress.
const progressStep = 4096

// readEvents reads the ledger up to the head: it checks every event against its
// leaf and its chain, spools the range, and finds out what was in force before it.
func (wr *writer) readEvents(ctx context.Context) error {
	var asm eventstore.Assembler
	var time clock
	next := uint64(1)
	for r, err := range wr.Events(ctx, 1, wr.Head.Size) {
		if err != nil {
			return fmt.Errorf("read event %d: %w", next, err)
		}
		if r.Seq != next {
			return &eventstore.GapError{Sequence: next}
		}
		odd := unreadable(r)
		if !odd {
			if err := time.tick(r.RecordedTime); err != nil {
				return &eventstore.EventError{Sequence: r.Seq, Err: err}
			}
		}
		inRange := wr.cut.contains(time.last)
		if err := wr.check(r, odd, inRange); err != nil {
			return &eventstore.EventError{Sequence: r.Seq, Err: err}
		}
		if err := wr.place(r, inRange); err != nil {
			return err
		}
		for _, done := range asm.Add(r) {
			wr.settle(done)
		}
		if next%progressStep == 0 && wr.Progress != nil {
			wr.Progress(next, wr.Head.Size)
		}
		next++
	}
	switch {
	case next <= wr.Head.Size:
		return &eventstore.GapError{Sequence: next}
	case wr.m.Range.First == 0:
		return ErrNoEvents
	}
	wr.rangeEntries = append(wr.rangeEntries, wr.main.end())
	wr.m.Counts.Events = wr.m.Range.size()
	wr.m.Partial = wr.after.Seq == 0 || unreadable(wr.after)
	for _, c := range wr.chains {
		if c.touched {
			wr.m.Counts.Touched++
		}
	}
	return nil
}

// unreadable reports whether the dossier treats an event as odd: the ledger does,
// or its bytes do not fit into a line.
func unreadable(r eventstore.Record) bool { return r.Undecodable != nil || !fitsLine(r.Raw) }

func fitsLine(raw []byte) bool {
	return len(raw) > 0 && len(raw) <= eventstore.MaxEventBytes && bytes.IndexByte(raw, '\n') < 0
}

func (wr *writer) check(r eventstore.Record, odd, inRange bool) error {
	hash := tlog.RecordHash(r.Raw)
	if err := wr.leaves.check(r.Seq, hash); err != nil {
		return err
	}
	wr.checked.leaves++
	return wr.chains.extend(r, hash, odd, inRange)
}

// place puts an event into the range, or remembers it as a neighbour.
func (wr *writer) place(r eventstore.Record, inRange bool) error {
	switch {
	case !inRange && wr.m.Range.First == 0:
		if !unreadable(r) {
			wr.edge = r.Seq
			clear(wr.near)
		}
		wr.near[r.Subject] = true
		return nil
	case !inRange:
		if wr.after.Seq == 0 {
			wr.after = r
		}
		return nil
	}
	n := r.Seq - wr.m.Range.First
	if wr.m.Range.First == 0 {
		wr.m.Range.First, n = r.Seq, 0
	}
	if n%rangeEvents == 0 {
		if n > 0 {
			wr.rangeEntries = append(wr.rangeEntries, wr.main.end())
		}
		wr.main.begin(rangePath(n/rangeEvents + 1))
	}
	wr.m.Range.Last = r.Seq
	return wr.line(wr.main, r)
}

// line writes an included event.
func (wr *writer) line(w io.Writer, r eventstore.Record) error {
	if unreadable(r) {
		odd := Odd{Sequence: r.Seq}
		if r.Subject != (domain.Ref{}) {
			odd.Subject = r.Subject.String()
		}
		wr.m.Odd = append(wr.m.Odd, odd)
	}
	raw := r.Raw
	if !fitsLine(raw) {
		wr.m.LeftOut = append(wr.m.LeftOut, LeftOut{eventPrefix + strconv.FormatUint(r.Seq, 10), WhyUnprinted, r.Seq})
		raw = nil
	}
	if _, err := w.Write(append(raw[:len(raw):len(raw)], '\n')); err != nil {
		return fmt.Errorf("spool event %d: %w", r.Seq, err)
	}
	if r.Seq != wr.after.Seq && !unreadable(r) {
		wr.name(r)
	}
	return nil
}

// name remembers the files that an included event names.
func (wr *writer) name(r eventstore.Record) {
	for _, sum := range namedFiles(r.Data.EventType(), r.Raw) {
		n, ok := wr.named[sum]
		if !ok || r.Seq < n.first {
			n.first = r.Seq
		}
		if !withdraws(r.Data.EventType()) {
			n.last = max(n.last, r.Seq)
		}
		wr.named[sum] = n
	}
}

func withdraws(eventType string) bool { return strings.Contains(eventType, ".evidence_withdrawn.") }

// settle takes an event whose transaction is decided.
func (wr *writer) settle(r eventstore.Record) {
	if r.Voided && r.Seq >= wr.m.Range.First && r.Seq <= wr.m.Range.Last && wr.m.Range.First > 0 {
		wr.m.Counts.Voided++
	}
	if !r.Effective() || unreadable(r) {
		return
	}
	if withdraws(r.Data.EventType()) {
		for _, sum := range namedFiles(r.Data.EventType(), r.Raw) {
			wr.withdrawn[sum] = r.Seq
		}
	}
	if r.RecordedTime.Before(wr.cut.from) {
		if Ends(r.Data.EventType()) {
			wr.ended[r.Subject] = true
		} else {
			delete(wr.ended, r.Subject)
		}
	}
}

// included reports whether an aggregate comes with its earlier history.
func (wr *writer) included(ref domain.Ref) bool {
	return wr.chains[ref].touched || !wr.ended[ref] || wr.near[ref]
}

// readContext spools what came before the range, and the neighbours.
func (wr *writer) readContext(ctx context.Context) error {
	wr.main.begin(pathContext)
	wr.side.begin(pathContextSeq)
	earlier := map[domain.Ref]bool{}
	if wr.m.Range.First > 1 {
		for r, err := range wr.Events(ctx, 1, wr.m.Range.First-1) {
			if err != nil {
				return fmt.Errorf("read earlier events: %w", err)
			}
			if r.Seq < wr.edge && (r.Subject == (domain.Ref{}) || !wr.included(r.Subject)) {
				continue
			}
			if err := wr.contextLine(r); err != nil {
				return err
			}
			if r.Subject != (domain.Ref{}) && !wr.chains[r.Subject].touched {
				earlier[r.Subject] = true
			}
		}
	}
	if wr.after.Seq > 0 {
		if err := wr.contextLine(wr.after); err != nil {
			return err
		}
	}
	wr.m.Counts.Earlier = uint64(len(earlier))
	wr.checked.chains = wr.m.Counts.Touched + wr.m.Counts.Earlier
	wr.contextEntries = []spooled{wr.main.end(), wr.side.end()}
	return nil
}

func (wr *writer) contextLine(r eventstore.Record) error {
	wr.m.Counts.Context++
	if err := wr.line(wr.main, r); err != nil {
		return err
	}
	_, err := fmt.Fprintf(wr.side, "%d\n", r.Seq)
	return err
}

// evidenceOf spools one named file, or says why it is left out.
func (wr *writer) evidenceOf(ctx context.Context, sum string, n naming) error {
	by := wr.withdrawn[sum]
	leave := func(why Why, event uint64) error {
		wr.m.LeftOut = append(wr.m.LeftOut, LeftOut{evidencePrefix + sum, why, event})
		return nil
	}
	if by > n.last {
		return leave(WhyWithdrawn, by)
	}
	r, ev, err := wr.Evidence(ctx, sum)
	switch {
	case errors.Is(err, eventstore.ErrEvidenceWithdrawn):
		return leave(WhyWithdrawn, by)
	case errors.Is(err, eventstore.ErrNoEvidence):
		return leave(WhyMissing, n.first)
	case err != nil:
		return fmt.Errorf("open evidence %s: %w", sum, err)
	}
	defer r.Close()
	e, err := wr.main.add(evidencePrefix+sum, func(w io.Writer) error {
		_, err := io.Copy(w, r)
		return err
	})
	if err != nil {
		return err
	}
	if e.SHA256 != sum {
		return fmt.Errorf("证据 %s 的字节与摘要不符 / the bytes of evidence %s are not what its digest says", sum, sum)
	}
	wr.evidenceEntries = append(wr.evidenceEntries, e)
	wr.m.Evidence = append(wr.m.Evidence, Evidence{SHA256: sum, Size: e.Size, MediaType: ev.MediaType, NamedBy: n.first})
	wr.checked.files++
	return nil
}
