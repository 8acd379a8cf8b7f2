package eventstore

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"

	"duban/domain"
	"duban/domain/calendar"
	"duban/domain/ledger"
)

// A Codec turns events into the bytes that are stored and back. Encoding happens
// once, at append; everything later works on the stored bytes.
type Codec struct {
	source string
	types  map[string]domain.Payload
}

// NewCodec returns the codec of an organisation's ledger that knows the given
// event types and those of the ledger itself.
func NewCodec(org string, types []domain.Payload) (*Codec, error) {
	c := &Codec{source: "urn:duban:" + org, types: map[string]domain.Payload{}}
	for _, p := range append(ledger.Payloads(), types...) {
		if o, ok := c.types[p.EventType()]; ok && fmt.Sprintf("%T", o) != fmt.Sprintf("%T", p) {
			return nil, fmt.Errorf("event type %s is claimed by %T and %T", p.EventType(), o, p)
		}
		c.types[p.EventType()] = p
	}
	return c, nil
}

const (
	specVersion = "1.0"
	contentType = "application/json"

	// Times are written to the second, or to the millisecond where there is one.
	toSecond     = "2006-01-02T15:04:05Z07:00"
	toMilli      = "2006-01-02T15:04:05.000Z07:00"
	recordedForm = "2006-01-02T15:04:05.000Z"
)

// encodeData returns a payload as it will stand in the event: compact, with <, >
// and & as they are.
func encodeData(p domain.Payload) (json.RawMessage, error) {
	if u, ok := p.(*domain.Unknown); ok {
		return nil, fmt.Errorf("an event of the unknown type %s can't be written", u.Type)
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(p); err != nil {
		return nil, fmt.Errorf("encode %s: %w", p.EventType(), err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// Encode returns the event's bytes: CloudEvents 1.0, structured JSON, the keys in
// the order of the design, attributes without a value left out. Raw is not
// looked at.
func (c *Codec) Encode(r Record) ([]byte, error) {
	data, err := encodeData(r.Data)
	if err != nil {
		return nil, err
	}
	return c.envelope(r, data)
}

func (c *Codec) envelope(r Record, data []byte) ([]byte, error) {
	authority, err := r.Authority.MarshalText()
	if err != nil {
		return nil, err
	}
	w := envelopeWriter{b: make([]byte, 0, 900+len(data))}
	w.text("specversion", specVersion)
	w.text("id", r.ID)
	w.text("source", c.source)
	w.text("type", r.Data.EventType())
	w.text("subject", r.Subject.String())
	w.text("time", timeText(r.Time))
	w.text("recordedtime", r.RecordedTime.UTC().Format(recordedForm))
	w.number("version", r.Version)
	w.text("previous", r.Previous)
	w.text("actor", r.Actor.String())
	w.text("office", r.Office.String())
	w.text("authority", string(authority))
	w.text("commandid", r.CommandID)
	w.text("commanddigest", r.CommandDigest)
	if r.TxCount > 0 {
		w.text("txid", r.TxID)
		w.number("txindex", uint64(r.TxIndex))
		w.number("txcount", uint64(r.TxCount))
	}
	w.text("correlationid", r.CorrelationID)
	w.text("causationid", r.CausationID)
	w.text("datacontenttype", contentType)
	w.key("data")
	w.b = append(w.b, data...)
	w.b = append(w.b, '}')
	if len(w.b) > MaxEventBytes {
		return nil, &TooLargeError{Type: r.Data.EventType(), Size: len(w.b), Limit: MaxEventBytes}
	}
	return w.b, nil
}

func timeText(t time.Time) string {
	t = t.In(calendar.Zone)
	if t.Nanosecond() < int(time.Millisecond) {
		return t.Format(toSecond)
	}
	return t.Format(toMilli)
}

type envelopeWriter struct{ b []byte }

func (w *envelopeWriter) key(k string) {
	sep := byte(',')
	if len(w.b) == 0 {
		sep = '{'
	}
	w.b = append(w.b, sep, '"')
	w.b = append(w.b, k...)
	w.b = append(w.b, '"', ':')
}

func (w *envelopeWriter) text(k, v string) {
	if v == "" {
		return
	}
	w.key(k)
	w.b = appendText(w.b, v)
}

func (w *envelopeWriter) number(k string, v uint64) {
	w.key(k)
	w.b = strconv.AppendUint(w.b, v, 10)
}

func appendText(b []byte, v string) []byte {
	for i := range len(v) {
		if c := v[i]; c < 0x20 || c >= 0x7f || c == '"' || c == '\\' {
			var q bytes.Buffer
			enc := json.NewEncoder(&q)
			enc.SetEscapeHTML(false)
			_ = enc.Encode(v) // a string always encodes
			return append(b, bytes.TrimSuffix(q.Bytes(), []byte("\n"))...)
		}
	}
	b = append(b, '"')
	b = append(b, v...)
	return append(b, '"')
}

// Decode reads stored bytes. Its error, if any, is an *EventError that names seq;
// the Record it comes with then holds what could be read, at least Raw and Seq.
// Unknown attributes and unknown optional fields of known types are ignored, an
// unknown type becomes domain.Unknown.
func (c *Codec) Decode(seq uint64, raw []byte) (Record, error) {
	r, err := c.decode(raw)
	r.Seq, r.Raw = seq, raw
	if err != nil {
		return r, &EventError{Sequence: seq, Err: err}
	}
	return r, nil
}

func (c *Codec) decode(raw []byte) (Record, error) {
	var r Record
	switch {
	case len(raw) > MaxEventBytes:
		return r, fmt.Errorf("%d 字节，超过上限 / %d bytes are too many", len(raw), len(raw))
	case !utf8.Valid(raw):
		return r, errors.New("不是 UTF-8 / not UTF-8")
	}
	var env envelope
	if err := eachMember(raw, env.set); err != nil {
		if !json.Valid(raw) {
			err = errSyntax // whatever else is wrong with it
		}
		return r, err
	}
	env.own()
	if err := env.record(&r); err != nil {
		return r, err
	}
	prototype, known := c.types[env.text[attrType]]
	if !known {
		r.Data = &domain.Unknown{Type: env.text[attrType], Raw: bytes.Clone(env.raw[attrData])}
		return r, nil
	}
	p := domain.NewPayload(prototype)
	if err := json.Unmarshal(env.raw[attrData], p); err != nil {
		return r, fmt.Errorf("data 与 %s 不符 / data does not fit %s: %w", env.text[attrType], env.text[attrType], err)
	}
	r.Data = p
	return r, nil
}
