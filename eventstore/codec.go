package eventstore

import (
	"bytes"
	"encoding/hex"
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
	case !json.Valid(raw):
		return r, errors.New("不是有效的 JSON / not valid JSON")
	}
	// One copy that all attributes are parts of, instead of one for each.
	var env envelope
	if err := eachMember(string(raw), env.set); err != nil {
		return r, err
	}
	if err := env.record(&r); err != nil {
		return r, err
	}
	prototype, known := c.types[env.eventType]
	if !known {
		r.Data = &domain.Unknown{Type: env.eventType, Raw: json.RawMessage(env.data)}
		return r, nil
	}
	p := domain.NewPayload(prototype)
	if err := json.Unmarshal([]byte(env.data), p); err != nil {
		return r, fmt.Errorf("data 与 %s 不符 / data does not fit %s: %w", env.eventType, env.eventType, err)
	}
	r.Data = p
	return r, nil
}

// envelope holds the attributes as texts and numbers, before they are judged.
type envelope struct {
	specVersion, id, source, eventType, subject, time, recorded string
	previous, actor, office, authority                          string
	commandID, commandDigest, txID                              string
	correlationID, causationID, contentType, data               string
	version, txIndex, txCount                                   uint64

	seen uint32 // bit n: attribute n was there
}

// set takes one member of the event. An attribute that is there twice is refused,
// also where the second differs in case.
func (e *envelope) set(key, value string) (known bool, err error) {
	n, text, number := e.field(key)
	if n == 0 {
		if n, _, _ := e.field(fold(key)); n != 0 {
			return false, fmt.Errorf("属性 %q 应为小写 / the attribute %q is written in lower case", key, key)
		}
		return false, nil
	}
	if e.seen&(1<<n) != 0 {
		return true, duplicateKey(key)
	}
	e.seen |= 1 << n
	switch {
	case text != nil:
		if value[0] != '"' {
			return true, fmt.Errorf("%s 应为文本 / %s is a text", key, key)
		}
		*text = unquote(value)
	case number != nil:
		v, err := strconv.ParseUint(value, 10, 63)
		if err != nil || v == 0 {
			return true, fmt.Errorf("%s 应为正整数 / %s is a positive whole number", key, key)
		}
		*number = v
	default:
		e.data = value
	}
	return true, nil
}

// field returns the number of an attribute, 0 for one this software does not
// know, and where its text or number belongs.
func (e *envelope) field(key string) (n int, text *string, number *uint64) {
	switch key {
	case "specversion":
		return 1, &e.specVersion, nil
	case "id":
		return 2, &e.id, nil
	case "source":
		return 3, &e.source, nil
	case "type":
		return 4, &e.eventType, nil
	case "subject":
		return 5, &e.subject, nil
	case "time":
		return 6, &e.time, nil
	case "recordedtime":
		return 7, &e.recorded, nil
	case "version":
		return 8, nil, &e.version
	case "previous":
		return 9, &e.previous, nil
	case "actor":
		return 10, &e.actor, nil
	case "office":
		return 11, &e.office, nil
	case "authority":
		return 12, &e.authority, nil
	case "commandid":
		return 13, &e.commandID, nil
	case "commanddigest":
		return 14, &e.commandDigest, nil
	case "txid":
		return 15, &e.txID, nil
	case "txindex":
		return 16, nil, &e.txIndex
	case "txcount":
		return 17, nil, &e.txCount
	case "correlationid":
		return 18, &e.correlationID, nil
	case "causationid":
		return 19, &e.causationID, nil
	case "datacontenttype":
		return 20, &e.contentType, nil
	case "data":
		return 21, nil, nil
	}
	return 0, nil, nil
}

func (e *envelope) record(r *Record) error {
	r.ID, r.Source, r.Version, r.Previous = e.id, e.source, e.version, e.previous
	r.CommandID, r.CommandDigest = e.commandID, e.commandDigest
	r.TxID, r.CorrelationID, r.CausationID = e.txID, e.correlationID, e.causationID

	var err error
	if r.Subject, err = domain.ParseRef(e.subject); err != nil {
		return fmt.Errorf("subject: %w", err)
	}
	if r.RecordedTime, err = time.Parse(time.RFC3339, e.recorded); err != nil {
		return fmt.Errorf("recordedtime: %w", err)
	}
	r.RecordedTime = r.RecordedTime.UTC()
	if r.Time, err = time.Parse(time.RFC3339, e.time); err != nil {
		return fmt.Errorf("time: %w", err)
	}
	r.Time = r.Time.In(calendar.Zone)
	if r.Actor, err = domain.ParseRef(e.actor); err != nil {
		return fmt.Errorf("actor: %w", err)
	}
	if e.office != "" {
		if r.Office, err = domain.ParseRef(e.office); err != nil {
			return fmt.Errorf("office: %w", err)
		}
	}
	if err = r.Authority.UnmarshalText([]byte(e.authority)); err != nil || r.Authority == 0 {
		return fmt.Errorf("authority %q: %w", e.authority, errors.Join(errors.New("缺失或未知 / missing or unknown"), err))
	}
	switch {
	case e.specVersion != specVersion:
		return fmt.Errorf("specversion %q 不是 / is not %s", e.specVersion, specVersion)
	case e.id == "", e.source == "", e.eventType == "", e.commandID == "", e.commandDigest == "":
		return errors.New("缺少 id、source、type、commandid 或 commanddigest / one of id, source, type, commandid, commanddigest is missing")
	case e.contentType != contentType:
		return fmt.Errorf("datacontenttype %q 不是 / is not %s", e.contentType, contentType)
	case len(e.data) == 0:
		return errors.New("缺少 data / data is missing")
	case e.version == 0:
		return errors.New("缺少 version / version is missing")
	case (e.version == 1) != (e.previous == ""), e.previous != "" && !isHash(e.previous):
		return errors.New("previous 与 version 不符 / previous does not fit the version")
	}
	return e.transaction(r)
}

func (e *envelope) transaction(r *Record) error {
	if e.txID == "" && e.txIndex == 0 && e.txCount == 0 {
		return nil
	}
	if e.txID == "" || e.txCount < 2 || e.txCount > MaxEvents || e.txIndex == 0 || e.txIndex > e.txCount {
		return errors.New("txid、txindex、txcount 不成一组 / txid, txindex and txcount don't fit together")
	}
	r.TxIndex, r.TxCount = int(e.txIndex), int(e.txCount)
	return nil
}

func isHash(s string) bool {
	if len(s) != len(hashPrefix)+64 || s[:len(hashPrefix)] != hashPrefix {
		return false
	}
	b, err := hex.DecodeString(s[len(hashPrefix):])
	return err == nil && hex.EncodeToString(b) == s[len(hashPrefix):]
}
