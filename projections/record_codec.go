package projections

import (
	"encoding/binary"
	"errors"

	"duban/domain/assessment"
	"duban/domain/calendar"
	"duban/domain/light"
	"duban/domain/task"
)

// Records are read by the ten thousand for one figure, so they are kept as rows of
// small whole numbers (varints): every field of assessment.Record in turn, lists
// after their length. The layout is the read model's own affair: schemaVersion
// names it.

type recordEncoder struct{ b []byte }

func (e *recordEncoder) num(n int64)          { e.b = binary.AppendVarint(e.b, n) }
func (e *recordEncoder) day(d assessment.Day) { e.num(int64(d)) }

func (e *recordEncoder) flag(f bool) {
	n := int64(0)
	if f {
		n = 1
	}
	e.num(n)
}

func (e *recordEncoder) mark(m assessment.Mark) {
	e.num(int64(m.Event))
	if m.Event != 0 {
		e.day(m.On)
	}
}

func (e *recordEncoder) span(s assessment.Span) {
	e.day(s.From)
	e.day(s.Until)
}

func (e *recordEncoder) period(p assessment.Period) {
	e.num(int64(p.Unit))
	if p.Unit != 0 {
		e.num(int64(p.N))
	}
}

func encodeList[T any](e *recordEncoder, list []T, one func(*T)) {
	e.num(int64(len(list)))
	for i := range list {
		one(&list[i])
	}
}

func encodeRecord(r *assessment.Record) []byte {
	e := &recordEncoder{b: make([]byte, 0, 64)}
	e.num(int64(r.Kind))
	e.span(r.Held)
	e.num(int64(r.Ending))
	for _, m := range []assessment.Mark{r.End, r.Assigned, r.Signed, r.Deadline} {
		e.mark(m)
	}
	encodeList(e, r.Idle, func(s *assessment.Span) { e.span(*s) })
	encodeList(e, r.Requests, func(q *assessment.Request) {
		e.mark(q.Mark)
		e.period(q.Period)
		e.mark(q.Answer)
		e.flag(q.Accepted)
	})
	encodeList(e, r.Undone, func(u *assessment.Undone) {
		for _, m := range []assessment.Mark{u.Request, u.Accepted, u.Deadline, u.Reopened} {
			e.mark(m)
		}
		e.flag(u.False)
	})
	encodeList(e, r.Extensions, func(x *assessment.Extension) {
		e.mark(x.Mark)
		e.mark(x.Granted)
		e.flag(x.Refused)
	})
	encodeList(e, r.Reports, func(p *assessment.Report) {
		e.period(p.Period)
		e.day(p.On)
		e.num(int64(p.First))
		e.num(int64(p.Last))
		e.flag(p.Nil)
	})
	encodeList(e, r.Attested, func(a *assessment.Attestation) {
		e.mark(a.Mark)
		e.period(a.Period)
	})
	if s := r.Schedule; s.Unit == 0 {
		e.num(0)
	} else {
		e.num(int64(s.Unit))
		e.num(int64(s.Due.Day))
		e.num(int64(s.Due.In))
		e.period(s.First)
		e.day(s.Until)
		e.mark(s.Basis)
		encodeList(e, s.Extended, func(x *assessment.Extended) {
			e.period(x.Period)
			e.mark(x.Due)
		})
	}
	encodeList(e, r.Elsewhere, func(p *assessment.Period) { e.period(*p) })
	return e.b
}

// errRecord: a record's bytes are none that encodeRecord wrote.
var errRecord = errors.New("the read model holds a damaged record")

type recordDecoder struct {
	b   []byte
	bad bool
}

func (d *recordDecoder) num() int64 {
	if len(d.b) > 0 && d.b[0] < 0x80 { // most numbers are small
		u := int64(d.b[0])
		d.b = d.b[1:]
		return u>>1 ^ -(u & 1)
	}
	n, size := binary.Varint(d.b)
	if size <= 0 {
		d.bad, d.b = true, nil
		return 0
	}
	d.b = d.b[size:]
	return n
}

func (d *recordDecoder) day() assessment.Day { return assessment.Day(d.num()) }
func (d *recordDecoder) flag() bool          { return d.num() != 0 }

func (d *recordDecoder) mark() assessment.Mark {
	m := assessment.Mark{Event: int32(d.num())}
	if m.Event != 0 {
		m.On = d.day()
	}
	return m
}

// deadline reads a mark whose day is Never where there is none.
func (d *recordDecoder) deadline() assessment.Mark {
	m := d.mark()
	if m.Event == 0 {
		m.On = assessment.Never
	}
	return m
}

func (d *recordDecoder) span() assessment.Span {
	from := d.day()
	return assessment.Span{From: from, Until: d.day()}
}

func (d *recordDecoder) period() assessment.Period {
	p := assessment.Period{Unit: calendar.Unit(d.num())}
	if p.Unit != 0 {
		p.N = int32(d.num())
	}
	return p
}

// count reads the length of a list. An item takes a byte at least.
func (d *recordDecoder) count() int {
	n := d.num()
	if n < 0 || n > int64(len(d.b)) {
		d.bad = true
		return 0
	}
	return int(n)
}

// decodeRecord reads a record into r, using the memory of its lists again.
func decodeRecord(b []byte, r *assessment.Record) error {
	d := recordDecoder{b: b}
	r.Kind = task.Kind(d.num())
	r.Held = d.span()
	r.Ending = assessment.Ending(d.num())
	r.End, r.Assigned, r.Signed, r.Deadline = d.mark(), d.mark(), d.mark(), d.deadline()
	r.Idle = r.Idle[:0]
	for range d.count() {
		r.Idle = append(r.Idle, d.span())
	}
	d.closures(r)
	r.Reports = r.Reports[:0]
	for range d.count() {
		r.Reports = append(r.Reports, assessment.Report{Period: d.period(), On: d.day(), First: int32(d.num()), Last: int32(d.num()), Nil: d.flag()})
	}
	r.Attested = r.Attested[:0]
	for range d.count() {
		r.Attested = append(r.Attested, assessment.Attestation{Mark: d.mark(), Period: d.period()})
	}
	d.schedule(&r.Schedule)
	r.Elsewhere = r.Elsewhere[:0]
	for range d.count() {
		r.Elsewhere = append(r.Elsewhere, d.period())
	}
	if d.bad || len(d.b) > 0 {
		return errRecord
	}
	return nil
}

func (d *recordDecoder) schedule(s *assessment.Schedule) {
	extended := s.Extended[:0]
	*s = assessment.Schedule{Unit: calendar.Unit(d.num())}
	if s.Unit == 0 {
		return
	}
	s.Due = calendar.Due{Day: int(d.num()), In: calendar.DueIn(d.num())}
	s.First, s.Until, s.Basis = d.period(), d.day(), d.mark()
	for range d.count() {
		extended = append(extended, assessment.Extended{Period: d.period(), Due: d.mark()})
	}
	s.Extended = extended
}

// closures reads what was asked for and answered.
func (d *recordDecoder) closures(r *assessment.Record) {
	r.Requests = r.Requests[:0]
	for range d.count() {
		r.Requests = append(r.Requests, assessment.Request{Mark: d.mark(), Period: d.period(), Answer: d.mark(), Accepted: d.flag()})
	}
	r.Undone = r.Undone[:0]
	for range d.count() {
		r.Undone = append(r.Undone, assessment.Undone{Request: d.mark(), Accepted: d.mark(), Deadline: d.deadline(), Reopened: d.mark(), False: d.flag()})
	}
	r.Extensions = r.Extensions[:0]
	for range d.count() {
		r.Extensions = append(r.Extensions, assessment.Extension{Mark: d.mark(), Granted: d.mark(), Refused: d.flag()})
	}
}

// A litSpan is one light of a share, worst or not, and the days on which it fires.
type litSpan struct {
	light light.Light
	days  assessment.Span
}

func encodeLights(windows []light.Window) []byte {
	e := &recordEncoder{}
	for _, w := range windows {
		e.num(int64(w.Light))
		e.span(assessment.Span{From: assessment.DayOf(w.From), Until: assessment.DayOf(w.Until)})
	}
	return e.b
}

func decodeLights(b []byte, list []litSpan) ([]litSpan, error) {
	d := &recordDecoder{b: b}
	list = list[:0]
	for len(d.b) > 0 {
		list = append(list, litSpan{light.Light(d.num()), d.span()})
	}
	if d.bad {
		return nil, errRecord
	}
	return list, nil
}
