package eventstore

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"duban/domain"
	"duban/domain/calendar"
)

// An attribute is one of those this software knows.
type attribute int

const (
	attrSpecVersion attribute = iota + 1
	attrID
	attrSource
	attrType
	attrSubject
	attrTime
	attrRecorded
	attrPrevious
	attrActor
	attrOffice
	attrAuthority
	attrCommandID
	attrCommandDigest
	attrTxID
	attrCorrelationID
	attrCausationID
	attrContentType

	// Whole numbers.
	attrVersion
	attrTxIndex
	attrTxCount

	attrData

	attributes = iota + 1
)

// attributeOf returns the attribute of a name, 0 for one this software does not know.
func attributeOf(name string) attribute {
	switch name {
	case "specversion":
		return attrSpecVersion
	case "id":
		return attrID
	case "source":
		return attrSource
	case "type":
		return attrType
	case "subject":
		return attrSubject
	case "time":
		return attrTime
	case "recordedtime":
		return attrRecorded
	case "previous":
		return attrPrevious
	case "actor":
		return attrActor
	case "office":
		return attrOffice
	case "authority":
		return attrAuthority
	case "commandid":
		return attrCommandID
	case "commanddigest":
		return attrCommandDigest
	case "txid":
		return attrTxID
	case "correlationid":
		return attrCorrelationID
	case "causationid":
		return attrCausationID
	case "datacontenttype":
		return attrContentType
	case "version":
		return attrVersion
	case "txindex":
		return attrTxIndex
	case "txcount":
		return attrTxCount
	case "data":
		return attrData
	}
	return 0
}

// envelope holds the attributes before they are judged.
type envelope struct {
	raw    [attributes][]byte // parts of the event's bytes, texts without quotes; nil: not there
	text   [attrVersion]string
	number [attributes]uint64
}

// set takes one member of the event. An attribute that is there twice is refused,
// also where the second differs in case.
func (e *envelope) set(key, value []byte) (known bool, err error) {
	a := attributeOf(string(key))
	if a == 0 {
		if attributeOf(fold(key)) != 0 {
			return false, fmt.Errorf("属性 %q 应为小写 / the attribute %q is written in lower case", key, key)
		}
		return false, nil
	}
	if e.raw[a] != nil {
		return true, duplicateKey(key)
	}
	switch {
	case a < attrVersion:
		if value[0] != '"' {
			return true, fmt.Errorf("%s 应为文本 / %s is a text", key, key)
		}
		value = unquote(value)
	case a < attrData:
		v, err := strconv.ParseUint(string(value), 10, 63)
		if err != nil || v == 0 {
			return true, fmt.Errorf("%s 应为正整数 / %s is a positive whole number", key, key)
		}
		e.number[a] = v
	}
	e.raw[a] = value
	return true, nil
}

// own copies the texts out of the event's bytes: one copy that all are parts of,
// instead of one for each.
func (e *envelope) own() {
	size := 0
	for _, t := range e.raw[:attrVersion] {
		size += len(t)
	}
	var all strings.Builder
	all.Grow(size)
	for _, t := range e.raw[:attrVersion] {
		all.Write(t)
	}
	rest := all.String()
	for a, t := range e.raw[:attrVersion] {
		e.text[a], rest = rest[:len(t)], rest[len(t):]
	}
}

func (e *envelope) record(r *Record) error {
	r.ID, r.Source, r.Version, r.Previous = e.text[attrID], e.text[attrSource], e.number[attrVersion], e.text[attrPrevious]
	r.CommandID, r.CommandDigest = e.text[attrCommandID], e.text[attrCommandDigest]
	r.TxID, r.CorrelationID, r.CausationID = e.text[attrTxID], e.text[attrCorrelationID], e.text[attrCausationID]

	var err error
	if r.Subject, err = domain.ParseRef(e.text[attrSubject]); err != nil {
		return fmt.Errorf("subject: %w", err)
	}
	if r.RecordedTime, err = time.Parse(time.RFC3339, e.text[attrRecorded]); err != nil {
		return fmt.Errorf("recordedtime: %w", err)
	}
	r.RecordedTime = r.RecordedTime.UTC()
	if r.Time, err = time.Parse(time.RFC3339, e.text[attrTime]); err != nil {
		return fmt.Errorf("time: %w", err)
	}
	r.Time = r.Time.In(calendar.Zone)
	if r.Actor, err = domain.ParseRef(e.text[attrActor]); err != nil {
		return fmt.Errorf("actor: %w", err)
	}
	if e.text[attrOffice] != "" {
		if r.Office, err = domain.ParseRef(e.text[attrOffice]); err != nil {
			return fmt.Errorf("office: %w", err)
		}
	}
	if err = r.Authority.UnmarshalText([]byte(e.text[attrAuthority])); err != nil || r.Authority == 0 {
		return fmt.Errorf("authority %q: %w", e.text[attrAuthority], errors.Join(errors.New("缺失或未知 / missing or unknown"), err))
	}
	switch {
	case e.text[attrSpecVersion] != specVersion:
		return fmt.Errorf("specversion %q 不是 / is not %s", e.text[attrSpecVersion], specVersion)
	case e.text[attrID] == "", e.text[attrSource] == "", e.text[attrType] == "", e.text[attrCommandID] == "", e.text[attrCommandDigest] == "":
		return errors.New("缺少 id、source、type、commandid 或 commanddigest / one of id, source, type, commandid, commanddigest is missing")
	case e.text[attrContentType] != contentType:
		return fmt.Errorf("datacontenttype %q 不是 / is not %s", e.text[attrContentType], contentType)
	case len(e.raw[attrData]) == 0:
		return errors.New("缺少 data / data is missing")
	case e.number[attrVersion] == 0:
		return errors.New("缺少 version / version is missing")
	case (e.number[attrVersion] == 1) != (e.text[attrPrevious] == ""), e.text[attrPrevious] != "" && !isHash(e.text[attrPrevious]):
		return errors.New("previous 与 version 不符 / previous does not fit the version")
	}
	return e.transaction(r)
}

func (e *envelope) transaction(r *Record) error {
	if e.text[attrTxID] == "" && e.number[attrTxIndex] == 0 && e.number[attrTxCount] == 0 {
		return nil
	}
	if e.text[attrTxID] == "" || e.number[attrTxCount] < 2 || e.number[attrTxCount] > MaxEvents || e.number[attrTxIndex] == 0 || e.number[attrTxIndex] > e.number[attrTxCount] {
		return errors.New("txid、txindex、txcount 不成一组 / txid, txindex and txcount don't fit together")
	}
	r.TxIndex, r.TxCount = int(e.number[attrTxIndex]), int(e.number[attrTxCount])
	return nil
}

func isHash(s string) bool {
	if len(s) != len(hashPrefix)+64 || s[:len(hashPrefix)] != hashPrefix {
		return false
	}
	// Whether a digit is a letter can't be foretold, and branches would be for nothing.
	// A difference is negative where the byte is none of its kind.
	odd := 0
	for _, c := range []byte(s[len(hashPrefix):]) {
		odd |= ('9' - '0' - int(c-'0')) & ('f' - 'a' - int(c-'a'))
	}
	return odd >= 0
}
