package dossier

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"duban/domain"
	"duban/eventstore"
	"duban/projections/dossier/page"
)

// A reading goes through a dossier's events in the order of the stream: the
// context, then the range, then the right neighbour.
type reading struct {
	*verifier
	leaves leaves
	chains chains
	cut    cut
	clock  clock
	asm    eventstore.Assembler

	odd       map[uint64]domain.Ref // included odd events that the manifest lists
	leftOut   map[string]LeftOut
	named     map[string]naming
	withdrew  map[uint64][]string // withdrawing event to the files it names
	accepted  map[uint64]string   // odd event to the digest an acceptance named
	oddHashes map[uint64]string   // SHA-256 of the bytes of odd events that are inside

	before, after uint64 // sequences of the neighbours in the context, 0: none
	afterLine     line
	doubtful      []uint64 // odd events that read well
	lastPlain     uint64   // last readable event that is no acceptance
	counts        Counts
}

func (v *verifier) events() error {
	r := &reading{
		verifier: v, leaves: leaves{tree: v.tree, hashes: v.hashes}, chains: chains{}, cut: cutOf(v.m.Year),
		odd: map[uint64]domain.Ref{}, leftOut: map[string]LeftOut{}, named: map[string]naming{}, withdrew: map[uint64][]string{},
		accepted: map[uint64]string{}, oddHashes: map[uint64]string{},
		counts: Counts{Tiles: v.m.Counts.Tiles, Heads: v.m.Counts.Heads},
	}
	if err := r.lists(); err != nil {
		return fault(pathManifest, err)
	}
	for _, step := range []func() error{r.context, r.rangeFiles, r.rightNeighbour, r.acceptances, r.evidence, r.totals} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// lists reads what the manifest says of odd events and of what is left out.
func (r *reading) lists() error {
	for _, o := range r.m.Odd {
		var ref domain.Ref
		if o.Subject != "" {
			var err error
			if ref, err = domain.ParseRef(o.Subject); err != nil {
				return err
			}
		}
		if _, twice := r.odd[o.Sequence]; twice {
			return fmt.Errorf("序号 %d 重复列出 / sequence %d is listed twice", o.Sequence, o.Sequence)
		}
		r.odd[o.Sequence] = ref
	}
	for _, l := range r.m.LeftOut {
		if _, twice := r.leftOut[l.What]; twice || l.Why != WhyWithdrawn && l.Why != WhyMissing && l.Why != WhyUnprinted {
			return fmt.Errorf("未收录清单不对：%s / left_out is wrong", printable(l.What))
		}
		r.leftOut[l.What] = l
	}
	return nil
}

// listsOdd reports whether event/SEQUENCE is an event that is listed as odd.
func (r *reading) listsOdd(what string) bool {
	seq, err := parseNumber(strings.TrimPrefix(what, eventPrefix))
	_, odd := r.odd[seq]
	return err == nil && odd
}

var errSequences = errors.New("序号与事件的行数不符，或次序不对 / the sequences do not fit the lines, or are out of order")

// context reads the earlier events and the neighbours.
func (r *reading) context() error {
	seqs, err := r.contextSequences()
	if err != nil {
		return fault(pathContextSeq, err)
	}
	next := 0
	err = r.eachLine(pathContext, func(l line) error {
		if next >= len(seqs) {
			return errSequences
		}
		seq := seqs[next]
		next++
		if seq == r.after {
			l.raw = bytes.Clone(l.raw) // its buffer is used again
			l.rec, l.err = r.codec.Decode(0, l.raw)
			r.afterLine = l
			return nil
		}
		return r.event(pathContext, seq, l, false)
	})
	if err == nil && next != len(seqs) {
		err = fault(pathContext, errSequences)
	}
	r.counts.Context = uint64(len(seqs))
	r.counts.Earlier = uint64(len(r.chains))
	return err
}

// contextSequences reads which events the context holds: earlier ones with the left
// neighbour as the last, and the right neighbour.
func (r *reading) contextSequences() ([]uint64, error) {
	var seqs []uint64
	last := uint64(0)
	err := r.eachLine(pathContextSeq, func(l line) error {
		n, err := parseNumber(string(l.raw))
		switch {
		case err != nil:
			return err
		case n <= last, n >= r.m.Range.First && n != r.m.Range.Last+1, n > r.m.TreeSize:
			return errSequences
		}
		last = n
		seqs = append(seqs, n)
		return nil
	})
	if err != nil {
		return nil, err
	}
	if last == r.m.Range.Last+1 {
		r.after = last
	}
	if r.m.Range.First > 1 {
		r.before = r.m.Range.First - 1
		if err := r.leftEdge(seqs); err != nil {
			return nil, err
		}
	}
	if r.m.TreeSize > r.m.Range.Last && r.after == 0 {
		return nil, errors.New("缺少范围之后相邻的事件 / the event behind the range is missing")
	}
	return seqs, nil
}

// leftEdge checks that nothing is missing between the range and the last readable
// event before it, which has to lie outside the year: an unreadable one shows nothing.
func (r *reading) leftEdge(seqs []uint64) error {
	i, _ := slices.BinarySearch(seqs, r.m.Range.First)
	for seq := r.before; seq > 0; seq-- {
		if i--; i < 0 || seqs[i] != seq {
			return fmt.Errorf("缺少范围之前的事件 %d / event %d before the range is missing", seq, seq)
		}
		if _, odd := r.odd[seq]; !odd {
			return nil
		}
	}
	return nil
}

// rangeFiles reads the events of the year.
func (r *reading) rangeFiles() error {
	seq := r.m.Range.First
	for seq <= r.m.Range.Last {
		name := rangePath((seq-r.m.Range.First)/rangeEvents + 1)
		end := min(seq+rangeEvents-1, r.m.Range.Last)
		err := r.eachLine(name, func(l line) error {
			if seq > end {
				return errSequences
			}
			if err := r.event(name, seq, l, true); err != nil {
				return err
			}
			seq++
			return nil
		})
		if err == nil && seq != end+1 {
			err = fault(name, errSequences)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// event checks one event: its leaf, its envelope, its place in its chain, its time.
func (r *reading) event(name string, seq uint64, l line, inRange bool) error {
	if err := r.step(seq, l, inRange); err != nil {
		return &Fault{Entry: name, Sequence: seq, Err: err}
	}
	return nil
}

func (r *reading) step(seq uint64, l line, inRange bool) error {
	ref, odd := r.odd[seq]
	if len(l.raw) == 0 {
		return r.unprinted(seq, ref, odd, inRange)
	}
	if err := r.leaves.check(seq, l.hash); err != nil {
		return err
	}
	l.rec.Seq = seq
	if odd {
		return r.unreadable(seq, l, ref, inRange)
	}
	if l.err != nil {
		return errors.Unwrap(l.err)
	}
	return r.readable(l.rec, l.hash, inRange)
}

// unreadable takes an event that the manifest lists as odd. One that reads well is
// odd by an acceptance only, which is looked for at the end: else whoever exports
// could take any event out of its chain, its year and its effect.
func (r *reading) unreadable(seq uint64, l line, ref domain.Ref, inRange bool) error {
	r.oddHashes[seq] = plainHash(l.raw)
	if l.err == nil {
		r.doubtful = append(r.doubtful, seq)
	}
	l.rec.Subject = ref
	return r.follow(l.rec, l.hash, true, inRange)
}

func (r *reading) readable(rec eventstore.Record, hash tlog.Hash, inRange bool) error {
	if rec.Source != "urn:duban:"+r.m.Org {
		return fmt.Errorf("source %q 不是 / is not urn:duban:%s", rec.Source, r.m.Org)
	}
	if err := r.clock.tick(rec.RecordedTime); err != nil {
		return err
	}
	if r.cut.contains(rec.RecordedTime) != inRange {
		return fmt.Errorf("入账时间 %s 不在应在的年度 / recordedtime lies in the wrong year", rec.RecordedTime.In(r.cut.from.Location()).Format("2006-01-02 15:04:05"))
	}
	r.note(rec)
	return r.follow(rec, hash, false, inRange)
}

// unprinted stands for an event whose bytes can't stand in a line: its leaf does.
func (r *reading) unprinted(seq uint64, ref domain.Ref, odd, inRange bool) error {
	if !odd || r.leftOut[eventPrefix+strconv.FormatUint(seq, 10)].Why != WhyUnprinted {
		return errEmpty
	}
	hash, err := r.leaves.at(seq)
	if err != nil {
		return err
	}
	var rec eventstore.Record
	rec.Seq, rec.Subject = seq, ref
	return r.follow(rec, hash, true, inRange)
}

var (
	errEmpty     = errors.New("事件是空的 / the event is empty")
	errReadsWell = errors.New("清单称该事件无法读取，它却读得出来，卷宗内也没有接受它的事件 / the manifest calls the event unreadable; it reads well, and no event inside accepts it")
	errOdd       = errors.New("odd") // marks a record as one that belongs to no transaction
)

func (r *reading) follow(rec eventstore.Record, hash tlog.Hash, odd, inRange bool) error {
	if odd {
		rec.Undecodable = errOdd
	}
	if inRange || rec.Seq == r.before {
		r.transaction(rec)
	}
	return r.chains.extend(rec, hash, odd, inRange)
}

// transaction applies the transaction rule to the next event of the stream and
// counts those of the range that are void.
func (r *reading) transaction(rec eventstore.Record) {
	rec.Raw = nil // its buffer is used again before the transaction ends
	for _, done := range r.asm.Add(rec) {
		if done.Voided && done.Seq >= r.m.Range.First && done.Seq <= r.m.Range.Last {
			r.counts.Voided++
		}
	}
}

// note remembers what an event names.
func (r *reading) note(rec eventstore.Record) {
	for _, sum := range namedFiles(rec.Data.EventType(), rec.Raw) {
		if _, ok := r.named[sum]; !ok {
			r.named[sum] = naming{first: rec.Seq}
		}
		if withdraws(rec.Data.EventType()) {
			r.withdrew[rec.Seq] = append(r.withdrew[rec.Seq], sum)
		}
	}
	r.noteOpened(rec)
	r.noteAcceptance(rec)
}

// noteOpened takes over whether a ledger says of itself that it holds invented data. It
// does so whenever it is opened, and the whole chain of its own events is inside.
func (r *reading) noteOpened(rec eventstore.Record) {
	if rec.Data.EventType() != "duban.ledger.opened.v1" {
		return
	}
	var opened struct {
		Sample bool `json:"sample"`
	}
	if u, ok := rec.Data.(*domain.Unknown); ok && json.Unmarshal(u.Raw, &opened) == nil && opened.Sample {
		r.report.Sample = true
	}
}

// noteAcceptance remembers which odd event an event accepts, or that it is another.
func (r *reading) noteAcceptance(rec eventstore.Record) {
	if rec.Data.EventType() != "duban.ledger.accepted.v1" {
		r.lastPlain = rec.Seq
		return
	}
	var a struct {
		Sequence uint64 `json:"sequence"`
		SHA256   string `json:"sha256"`
	}
	u, ok := rec.Data.(*domain.Unknown)
	if ok && json.Unmarshal(u.Raw, &a) == nil && a.Sequence < rec.Seq {
		r.accepted[a.Sequence] = a.SHA256
	}
}

// rightNeighbour checks the event behind the range, which proves that the year
// ends there.
func (r *reading) rightNeighbour() error {
	if r.after == 0 {
		if !r.m.Partial {
			return fault(pathManifest, errors.New("缺少范围之后相邻的事件，应标明未完（partial） / without an event behind the range it has to be marked as partial"))
		}
		r.report.remark("年度未完：树头之后可能还有该年度的事件 / partial: events of the year may follow behind this head")
		return nil
	}
	_, odd := r.odd[r.after]
	if odd != r.m.Partial {
		return fault(pathManifest, errors.New("partial 与范围之后相邻的事件不符 / partial does not fit the event behind the range"))
	}
	if odd {
		r.report.remark("范围之后相邻的事件无法读取，年度终了未得证明 / the event behind the range can't be read: the year's end is not proved")
	}
	if err := r.neighbour(odd); err != nil {
		return &Fault{Entry: pathContext, Sequence: r.after, Err: err}
	}
	return nil
}

func (r *reading) neighbour(odd bool) error {
	l := r.afterLine
	if len(l.raw) == 0 {
		if !odd || r.leftOut[eventPrefix+strconv.FormatUint(r.after, 10)].Why != WhyUnprinted {
			return errEmpty
		}
		r.transaction(eventstore.Record{Undecodable: errOdd})
		return nil
	}
	if err := r.leaves.check(r.after, l.hash); err != nil {
		return err
	}
	rec := l.rec
	rec.Seq = r.after
	if odd {
		r.oddHashes[r.after] = plainHash(l.raw)
		rec.Undecodable = errOdd
		r.transaction(rec)
		return nil
	}
	if l.err != nil {
		return errors.Unwrap(l.err)
	}
	r.transaction(rec)
	if err := r.clock.tick(rec.RecordedTime); err != nil {
		return err
	}
	r.noteAcceptance(rec)
	if rec.RecordedTime.Before(r.cut.until) {
		return errors.New("仍属该年度，范围没有到头 / still belongs to the year: the range ends too early")
	}
	if _, included := r.chains[rec.Subject]; !included {
		return nil // its earlier events are not inside
	}
	return r.chains.extend(rec, l.hash, false, false)
}

// evidence checks the files, and that every file an event names is there or
// accounted for.
func (r *reading) evidence() error {
	inside := make(map[string]bool, len(r.m.Evidence))
	for _, e := range r.m.Evidence {
		name := evidencePrefix + e.SHA256
		inside[e.SHA256] = true
		i := r.index[name]
		switch {
		case r.m.Entries[i].SHA256 != e.SHA256 || r.m.Entries[i].Size != e.Size:
			return fault(name, errDigest)
		case r.named[e.SHA256].first == 0 || r.named[e.SHA256].first != e.NamedBy:
			return fault(name, fmt.Errorf("不是序号 %d 首先引用的证据 / is not first named by event %d", e.NamedBy, e.NamedBy))
		}
		if err := r.digest(name, func(io.Reader) error { return nil }); err != nil {
			return err
		}
	}
	word := 0
	for _, sum := range slices.Sorted(maps.Keys(r.named)) {
		l, out := r.leftOut[evidencePrefix+sum]
		err := errUnaccounted
		if inside[sum] != out {
			err = r.why(sum, l, &word)
		}
		if err != nil {
			return &Fault{Entry: evidencePrefix + sum, Sequence: r.named[sum].first, Err: err}
		}
	}
	if word > 0 {
		r.report.remark("%d 份证据未收录，卷宗内没有撤回它们的事件，以导出者的声明为准 / %d files are left out without an event inside that withdraws them: this rests on the exporter's word", word, word)
	}
	for _, what := range slices.Sorted(maps.Keys(r.leftOut)) {
		sum, file := strings.CutPrefix(what, evidencePrefix)
		switch {
		case file && r.named[sum].first == 0:
			return fault(pathManifest, fmt.Errorf("%s 没有被任何事件引用 / is named by no event", printable(what)))
		case !file && !r.listsOdd(what):
			return fault(pathManifest, fmt.Errorf("未收录清单中的 %s 既不是证据，也不是无法读取的事件 / is neither a file nor an unreadable event", printable(what)))
		}
	}
	r.counts.Evidence = uint64(len(r.m.Evidence))
	return nil
}

var (
	errUnaccounted = errors.New("事件引用的证据既未收录也未说明，或两者皆是 / the file an event names is neither inside nor accounted for, or both")
	errWhy         = errors.New("未收录的原因与事件不符 / the reason for leaving it out does not fit the events")
)

// why checks the reason a file was left out for against the events inside, and counts
// in word what only the exporter says.
func (r *reading) why(sum string, l LeftOut, word *int) error {
	switch l.Why {
	case "": // it is inside
	case WhyMissing:
		*word++
		if l.Event != r.named[sum].first {
			return errWhy
		}
	case WhyWithdrawn:
		switch {
		case slices.Contains(r.withdrew[l.Event], sum):
		case l.Event >= r.m.Range.First && l.Event <= r.m.Range.Last || l.Event > r.m.TreeSize:
			return errWhy
		default: // the withdrawal lies behind the range or the head, or in an aggregate that is not inside
			*word++
		}
	default:
		return errUnaccounted
	}
	return nil
}

// totals compares the counts and reports what was read.
func (r *reading) totals() error {
	r.counts.Events = r.m.Range.size()
	r.counts.Earlier = 0
	for _, c := range r.chains {
		if c.touched {
			r.counts.Touched++
		} else {
			r.counts.Earlier++
		}
	}
	if r.counts != r.m.Counts {
		return fault(pathManifest, fmt.Errorf("数量不符：清单 %+v，实有 %+v / the counts are not those of the manifest", r.m.Counts, r.counts))
	}
	r.remarkOdd()
	r.remarkPage()
	r.report.Counts = &r.counts
	r.report.check("entries", "每个条目的字节与清单的摘要一致", "every entry's bytes are those of its digest", uint64(len(r.m.Entries)))
	r.report.check("leaves", "每个事件是签名树中该序号的叶子", "every event is the leaf at its sequence of the signed tree", r.counts.Events+r.counts.Context)
	r.report.check("range", "年度范围连续无缺，入账时间不倒退，前后相邻的事件不在该年度", "the range is contiguous, its times do not run backwards, its neighbours lie outside the year", r.counts.Events)
	r.report.check("chains", "每条记录从版本 1 起逐个相接", "every aggregate's events follow one another from version 1", r.counts.Touched+r.counts.Earlier)
	r.report.check("evidence", "事件引用的证据都已收录，或已说明", "every file that an event names is inside or accounted for", uint64(len(r.named)))
	return nil
}

// acceptances refuses odd events that read well and that no included event accepts.
// The acceptance may lie behind what is included only if nothing else does: a ledger
// with an odd event takes acceptances and nothing else.
func (r *reading) acceptances() error {
	for _, seq := range r.doubtful {
		if r.accepted[seq] != r.oddHashes[seq] && seq < r.lastPlain {
			return &Fault{Entry: pathManifest, Sequence: seq, Err: errReadsWell}
		}
	}
	return nil
}

// remarkOdd says which events have no effect because they can't be read.
func (r *reading) remarkOdd() {
	if _, odd := r.odd[r.before]; odd && r.before > 0 {
		r.report.remark("范围之前紧邻的事件无法读取，可能属于该年度，已收录在 events/context.ndjson / what stands right before the range can't be read and may be of the year; it is in events/context.ndjson")
	}
	for _, o := range r.m.Odd {
		sum, inside := r.oddHashes[o.Sequence]
		if inside && r.accepted[o.Sequence] == sum {
			r.report.remark("序号 %d 的事件无法读取，经接受后不生效 / event %d can't be read and was accepted to have no effect", o.Sequence, o.Sequence)
			continue
		}
		r.report.remark("序号 %d 的事件无法读取；卷宗内没有接受它的事件，以导出者的声明为准 / event %d can't be read; its acceptance is not inside: this rests on the exporter's word", o.Sequence, o.Sequence)
	}
}

// remarkPage says so if the page inside is not the one this program comes with.
func (r *reading) remarkPage() {
	if r.m.Entries[r.index[pathIndex]].SHA256 != plainHash(page.HTML()) {
		r.report.remark("index.html 不是本程序所附的页面：所显示的内容和它自己的核验结论以导出者为准 / index.html is not the page of this program: what it shows, its own verdict too, is the exporter's word")
	}
}
