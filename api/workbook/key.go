package workbook

import (
	"errors"
	"fmt"
	"hash/crc32"
	"strconv"
	"strings"

	"duban/domain"
	"duban/domain/calendar"
)

// A Key says which record a row shows: an aggregate, of a task the office whose
// share it is and the period, and the aggregate's version when it was written.
// The zero Key is that of a new row.
type Key struct {
	Ref     domain.Ref
	Office  string // id
	Period  calendar.Period
	Version uint64
}

// keyHeader stands over the hidden column.
const keyHeader = "行标识（勿改）"

// errKey: what stands in the key's cell is none.
var errKey = errors.New("行标识已被改动，请从新导出的表里复制这一行再填 / the row's hidden key was changed: copy the row from a fresh export")

// String returns the key as it stands in its cell. Its check sum shows a key that
// a spreadsheet counted up when somebody dragged the row's cells down.
func (k Key) String() string {
	if k == (Key{}) {
		return ""
	}
	s := strings.Join([]string{k.Ref.String(), k.Office, string(k.Period), strconv.FormatUint(k.Version, 10)}, "|")
	return s + "|" + checkSum(s)
}

func checkSum(s string) string { return fmt.Sprintf("%08x", crc32.ChecksumIEEE([]byte(s))) }

func parseKey(s string) (Key, error) {
	if s == "" {
		return Key{}, nil
	}
	parts := strings.Split(s, "|")
	if len(parts) != 5 || checkSum(strings.Join(parts[:4], "|")) != parts[4] {
		return Key{}, errKey
	}
	ref, err := domain.ParseRef(parts[0])
	if err != nil {
		return Key{}, errKey
	}
	version, err := strconv.ParseUint(parts[3], 10, 64)
	if err != nil {
		return Key{}, errKey
	}
	k := Key{Ref: ref, Office: parts[1], Version: version}
	if parts[2] != "" {
		if k.Period, err = calendar.ParsePeriod(parts[2]); err != nil {
			return Key{}, errKey
		}
	}
	return k, nil
}
