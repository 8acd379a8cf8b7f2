package calendar

import (
	"encoding/json"
	"testing"
	"time"
)

func TestParseDate(t *testing.T) {
	for _, s := range []string{"2019-12-31", "1949-01-01", "2199-12-31", "2020-02-29"} {
		if d, err := ParseDate(s); err != nil || string(d) != s {
			t.Errorf("%s: %s, %v", s, d, err)
		}
	}
	for _, s := range []string{
		"", "2019-9-31", "2019-09-31", "2019-02-29", "2019-13-01", "2019-00-01", "2019-01-00", "1948-12-31", "2200-01-01", "0219-01-01", "20199-01-01",
		"2019-12-31 ", " 2019-12-31", "2019/12/31", "2019-12-31T00:00:00Z", "２０１９-12-31", "２０１９－１２－３１", "昨天",
	} {
		if d, err := ParseDate(s); err == nil {
			t.Errorf("%q passes for the date %s", s, d)
		}
	}
}

// A day begins at midnight in Asia/Shanghai, wherever the clock stands.
func TestOn(t *testing.T) {
	for at, want := range map[string]Date{
		"2019-12-31T15:59:59Z": "2019-12-31", "2019-12-31T16:00:00Z": "2020-01-01", "2019-12-31T16:30:00Z": "2020-01-01",
		"2019-12-31T23:59:59+08:00": "2019-12-31", "2020-01-01T00:00:00+08:00": "2020-01-01", "2019-12-31T23:59:59-05:00": "2020-01-01",
	} {
		at, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		if got := On(at); got != want {
			t.Errorf("%v falls on %s, want %s", at, got, want)
		}
	}
	if d := Of(2019, time.February, 29); d != "2019-03-01" {
		t.Errorf("the 29th of February 2019 is %s", d)
	}
}

func TestDays(t *testing.T) {
	d := Date("2019-12-31")
	if s := d.Start(); !s.Equal(time.Date(2019, 12, 30, 16, 0, 0, 0, time.UTC)) {
		t.Errorf("starts %v", s)
	}
	if e := d.End(); On(e) != d || On(e.Add(time.Nanosecond)) != "2020-01-01" {
		t.Errorf("ends %v", e)
	}
	for n, want := range map[int]Date{0: d, 1: "2020-01-01", 60: "2020-02-29", 61: "2020-03-01", -365: "2018-12-31"} {
		got := d.AddDays(n)
		if got != want || got.DaysSince(d) != n || d.DaysSince(got) != -n {
			t.Errorf("%d days after %s is %s, %d days since", n, d, got, got.DaysSince(d))
		}
	}
	if d.Year() != 2019 || Date("").Year() != 0 || !Date("").Start().IsZero() {
		t.Errorf("year %d, of none %d, start of none %v", d.Year(), Date("").Year(), Date("").Start())
	}
	// China had daylight saving from 1986 to 1991; the ledger's days have none.
	if n := Date("1988-10-01").DaysSince("1988-04-01"); n != 183 {
		t.Errorf("%d days in the summer of 1988", n)
	}
}

func TestDateText(t *testing.T) {
	var v struct {
		A Date `json:"a,omitempty"`
		B Date `json:"b"`
	}
	if err := json.Unmarshal([]byte(`{"a":"2019-12-31","b":""}`), &v); err != nil || v.A != "2019-12-31" || v.B != "" {
		t.Errorf("%+v, %v", v, err)
	}
	if b, err := json.Marshal(v); err != nil || string(b) != `{"a":"2019-12-31","b":""}` {
		t.Errorf("%s, %v", b, err)
	}
	for _, bad := range []string{`{"a":"2019-09-31"}`, `{"a":"2019"}`, `{"a":20191231}`} {
		if err := json.Unmarshal([]byte(bad), &v); err == nil {
			t.Errorf("%s is read as %+v", bad, v)
		}
	}
}
