package eventstore

import (
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"duban/domain"
	"duban/domain/ledger"
)

func testCodec(t testing.TB) *Codec {
	t.Helper()
	c, err := NewCodec("nx-gxt", nil)
	require.NoError(t, err)
	return c
}

func sampleRecord() Record {
	r := Record{CorrelationID: "c", Previous: hashText(LeafHash([]byte("x"))), Source: "urn:duban:nx-gxt"}
	r.Event = domain.Event{
		ID: "01DEPX9BM0SV16WK10XPQEZ6RR", Subject: domain.Ref{Kind: domain.KindLedger, ID: "nx-gxt"}, Version: 2,
		Time: time.Date(2019, 7, 1, 1, 2, 3, 0, time.UTC), RecordedTime: time.Date(2019, 7, 1, 1, 2, 3, 4e6, time.UTC),
		Actor: domain.Ref{Kind: domain.KindPerson, ID: "赵\"一\"\\"}, Authority: domain.RoleSafetyOffice,
		CommandID: "cmd", CommandDigest: Digest(nil), Data: &ledger.Accepted{Sequence: 3, SHA256: "00", Reason: "<原因> & \u2028"},
	}
	return r
}

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares with a file that is kept for as long as events are read: what
// it holds has to decode for ever.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.WriteFile(file, append(got, '\n'), 0o600))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, strings.TrimSuffix(string(want), "\n"), string(got))
}

func TestEncodeDecode(t *testing.T) {
	c := testCodec(t)
	opened := sampleRecord()
	opened.Data = &ledger.Opened{Software: "1.0.0", ConfigDigest: Digest(nil), Sample: true}
	opened.Version, opened.Previous, opened.CorrelationID = 1, "", ""
	opened.Actor, opened.Authority = system, domain.RoleSystem
	opened.TxID, opened.TxIndex, opened.TxCount = "01DEPX9BM0F6S13Y56S1EDZ5SR", 1, 2
	raw, err := c.Encode(opened)
	require.NoError(t, err)
	golden(t, "duban.ledger.opened.v1.json", raw)
	_, err = c.Decode(1, raw)
	require.NoError(t, err)

	r := sampleRecord()
	raw, err = c.Encode(r)
	require.NoError(t, err)
	golden(t, "duban.ledger.accepted.v1.json", raw)
	got, err := c.Decode(7, raw)
	require.NoError(t, err)
	again, err := c.Encode(got)
	require.NoError(t, err)
	require.Equal(t, raw, again)
	assert.Equal(t, uint64(7), got.Seq)
	assert.Equal(t, r.Data, got.Data)
	assert.True(t, r.Time.Equal(got.Time))

	// CloudEvents' own rules for attribute names.
	var members map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(raw, &members))
	for name := range members {
		assert.Regexp(t, "^[a-z0-9]{1,20}$", name)
	}
}

func TestDecodeTolerates(t *testing.T) {
	c := testCodec(t)
	raw, err := c.Encode(sampleRecord())
	require.NoError(t, err)
	for name, change := range map[string][2]string{
		"an unknown attribute":        {`"id":`, `"future":{"a":1},"id":`},
		"an unknown field":            {`"sequence":3`, `"sequence":3,"more":[1,{"x":2}]`},
		"white space":                 {`,"data":{`, ` , "data" : { `},
		"an attribute with escapes":   {`"commandid":"cmd"`, `"commandid":"\u0063md"`},
		"microseconds it never wrote": {`01:02:03.004Z`, `01:02:03.004005Z`},
	} {
		got, err := c.Decode(1, []byte(strings.Replace(string(raw), change[0], change[1], 1)))
		require.NoError(t, err, name)
		assert.Equal(t, "cmd", got.CommandID, name)
		assert.Equal(t, uint64(3), got.Data.(*ledger.Accepted).Sequence, name)
	}
	unknown, err := c.Decode(1, []byte(strings.Replace(string(raw), "ledger.accepted.v1", "ledger.mystery.v9", 1)))
	require.NoError(t, err)
	assert.Equal(t, "duban.ledger.mystery.v9", unknown.Data.EventType())
}

func TestDecodeRefuses(t *testing.T) {
	c := testCodec(t)
	raw, err := c.Encode(sampleRecord())
	require.NoError(t, err)
	text := string(raw)
	replace := func(old, new string) string {
		require.Contains(t, text, old)
		return strings.Replace(text, old, new, 1)
	}
	bad := map[string]string{
		"nothing":                 "",
		"no JSON":                 "hello",
		"an array":                "[]",
		"cut off":                 text[:len(text)-1],
		"something behind":        text + "{}",
		"not UTF-8":               replace("cmd", "c\xffd"),
		"too long":                replace("原因", strings.Repeat("x", MaxEventBytes)),
		"attribute twice":         replace(`"id":`, `"id":"other","id":`),
		"attribute twice escaped": replace(`"id":`, `"i\u0064":"other","id":`),
		"attribute in capitals":   replace(`"commandid":`, `"CommandID":"other","commandid":`),
		"unknown attribute twice": replace(`"id":`, `"x":1,"X":2,"id":`),
		"field twice":             replace(`"sequence":3`, `"sequence":3,"sequence":4`),
		"field twice deep down":   replace(`"sequence":3`, `"sequence":3,"a":[{"b":{"c":1,"C":2}}]`),
		"version as text":         replace(`"version":2`, `"version":"2"`),
		"version zero":            replace(`"version":2`, `"version":0`),
		"version as float":        replace(`"version":2`, `"version":2.0`),
		"no version":              replace(`"version":2,`, ``),
		"previous of the first":   replace(`"version":2`, `"version":1`),
		"no previous":             replace(`"previous":"`+sampleRecord().Previous+`",`, ``),
		"previous in capitals":    replace(sampleRecord().Previous, strings.ToUpper(sampleRecord().Previous)),
		"other specversion":       replace(`"1.0"`, `"0.3"`),
		"no id":                   replace(`"id":"01DEPX9BM0SV16WK10XPQEZ6RR",`, ``),
		"no actor":                replace(`"actor":"person/赵\"一\"\\",`, ``),
		"odd subject":             replace(`ledger/nx-gxt`, `nowhere`),
		"odd time":                replace(`2019-07-01T09:02:03+08:00`, `yesterday`),
		"odd recordedtime":        replace(`2019-07-01T01:02:03.004Z`, ``),
		"unknown role":            replace(`role/safety_office`, `role/king`),
		"half a transaction":      replace(`"correlationid"`, `"txid":"x","correlationid"`),
		"transaction of one":      replace(`"correlationid"`, `"txid":"x","txindex":1,"txcount":1,"correlationid"`),
		"index beyond count":      replace(`"correlationid"`, `"txid":"x","txindex":3,"txcount":2,"correlationid"`),
		"other content":           replace(`application/json`, `text/plain`),
		"data that does not fit":  replace(`"sequence":3`, `"sequence":"three"`),
		"no data":                 text[:strings.Index(text, `,"data"`)] + "}",
	}
	for name, b := range bad {
		r, err := c.Decode(9, []byte(b))
		var odd *EventError
		require.ErrorAs(t, err, &odd, name)
		require.ErrorIs(t, err, ErrUndecodable, name)
		assert.Equal(t, uint64(9), odd.Sequence, name)
		assert.Equal(t, b, string(r.Raw), name)
	}
}

func TestKeySet(t *testing.T) {
	var k keySet
	for i := range 100 {
		name := strings.Repeat("k", i+1)
		assert.True(t, k.add([]byte(name)))
		assert.False(t, k.add([]byte(strings.ToUpper(name))))
	}
	assert.False(t, k.add([]byte("\u212a")), "the Kelvin sign folds to k")
}

// FuzzDecode: no bytes make Decode panic; what it reads it can write, and what it
// wrote it reads as the same.
func FuzzDecode(f *testing.F) {
	c := testCodec(f)
	raw, err := c.Encode(sampleRecord())
	require.NoError(f, err)
	f.Add(raw)
	f.Add([]byte(strings.Replace(string(raw), `"correlationid"`, `"txid":"x","txindex":1,"txcount":2,"correlationid"`, 1)))
	f.Add([]byte(strings.Replace(string(raw), "accepted", "mystery", 1)))
	f.Add([]byte(`{"a":[{"b":"\"\\"},[],{}],"c":-1.5e3,"d":null}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := c.Decode(1, b)
		if err != nil {
			if !errors.Is(err, ErrUndecodable) {
				t.Fatalf("untyped error %v", err)
			}
			return
		}
		_ = r.Data.Circumstances()
		if _, unknown := r.Data.(*domain.Unknown); unknown {
			return
		}
		once, err := c.Encode(r)
		if err != nil {
			return // longer than the limit when written out in full
		}
		again, err := c.Decode(1, once)
		if err != nil {
			t.Fatalf("can't read what it wrote: %v\n%s", err, once)
		}
		twice, err := c.Encode(again)
		if err != nil || string(once) != string(twice) {
			t.Fatalf("%v\n%s\n%s", err, once, twice)
		}
	})
}
