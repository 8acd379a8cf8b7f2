package calendar

import (
	"testing"
	"time"
)

func days(from Date, n int) []Date {
	var out []Date
	for i := range n {
		out = append(out, from.AddDays(i))
	}
	return out
}

// What the State Council published for the autumn of 2019 and the spring of
// 2020, and how it prolonged the latter (国办发明电〔2020〕1号).
var (
	y2019     = Year{Year: 2019, Off: days("2019-10-01", 7), Worked: []Date{"2019-09-29", "2019-10-12"}}
	y2020     = Year{Year: 2020, Off: append(days("2020-01-24", 7), "2020-01-01"), Worked: []Date{"2020-01-19", "2020-02-01"}}
	prolonged = Year{Year: 2020, Off: append(days("2020-01-24", 10), "2020-01-01"), Worked: []Date{"2020-01-19"}}
)

// The golden cases of the domain: the third working day after the day itself; the
// light fires from the day after.
func TestGoldenWorkdays(t *testing.T) {
	known := NewWorkdays("2020-1", y2019, y2020)
	later := NewWorkdays("2020-2", y2019, prolonged)
	both := NewWorkdays("2020-2", y2019, y2020, prolonged)
	for _, tt := range []struct {
		name     string
		w        Workdays
		assigned Date
		wd3      Date
		from     Date
	}{
		{"a plain week", known, "2019-06-28", "2019-07-03", "2019-07-04"},
		{"a worked Sunday and the week off", known, "2019-09-27", "2019-10-08", "2019-10-09"},
		{"the spring festival, as known on 01-24", known, "2020-01-23", "2020-02-03", "2020-02-04"},
		{"the prolonged spring festival", later, "2020-01-23", "2020-02-05", "2020-02-06"},
		{"the later version of a year wins", both, "2020-01-23", "2020-02-05", "2020-02-06"},
	} {
		if tt.assigned.Start().Weekday() == time.Sunday {
			t.Fatalf("%s: nobody assigns on a Sunday", tt.name)
		}
		got, provisional := tt.w.After(tt.assigned, 3)
		if got != tt.wd3 || provisional {
			t.Errorf("%s: WD 3 after %s is %s (provisional: %v), want %s", tt.name, tt.assigned, got, provisional, tt.wd3)
		}
		if next := got.AddDays(1); next != tt.from {
			t.Errorf("%s: fires from %s, want %s", tt.name, next, tt.from)
		}
	}
}

func TestWorks(t *testing.T) {
	w := NewWorkdays("v", y2019)
	for d, want := range map[Date]bool{
		"2019-09-27": true, "2019-09-28": false, "2019-09-29": true, "2019-09-30": true, "2019-10-01": false, "2019-10-07": false,
		"2019-10-08": true, "2019-10-12": true, "2019-10-13": false, "2018-10-01": true,
	} {
		if got := w.Works(d); got != want {
			t.Errorf("%s is worked: %v", d, got)
		}
	}
	if w.Version != "v" {
		t.Errorf("version %q", w.Version)
	}
}

// A year nobody published counts Monday to Friday, and says so.
func TestProvisional(t *testing.T) {
	w := NewWorkdays("v", y2019)
	for _, tt := range []struct {
		from        Date
		n           int
		want        Date
		provisional bool
	}{
		{"2019-12-27", 2, "2019-12-31", false},
		{"2019-12-27", 3, "2020-01-01", true}, // New Year's Day would be off
		{"2018-12-28", 1, "2018-12-31", true},
		{"2018-12-31", 1, "2019-01-01", false}, // the day itself is not counted
		{"2019-12-31", 0, "2019-12-31", false},
	} {
		if got, provisional := w.After(tt.from, tt.n); got != tt.want || provisional != tt.provisional {
			t.Errorf("WD %d after %s: %s, %v; want %s, %v", tt.n, tt.from, got, provisional, tt.want, tt.provisional)
		}
	}
	var none Workdays
	if got, provisional := none.After("2019-09-27", 3); got != "2019-10-02" || !provisional {
		t.Errorf("without any calendar: %s, %v", got, provisional)
	}
}

// WD n is the first day with n working days after the start.
func TestAfterCounts(t *testing.T) {
	w := NewWorkdays("v", y2019, y2020)
	for _, start := range days("2019-09-20", 40) {
		for n := 1; n <= 12; n++ {
			got, _ := w.After(start, n)
			worked := 0
			for d := start.AddDays(1); d <= got; d = d.AddDays(1) {
				if w.Works(d) {
					worked++
				}
			}
			if worked != n || !w.Works(got) {
				t.Fatalf("WD %d after %s is %s, with %d days worked", n, start, got, worked)
			}
		}
	}
}

// A day that is off is moved to the next working day, one that is worked stays.
func TestOnOrAfter(t *testing.T) {
	w := NewWorkdays("v", y2019)
	for _, tt := range []struct {
		d, want     Date
		provisional bool
	}{
		{"2019-09-27", "2019-09-27", false}, {"2019-09-28", "2019-09-29", false}, {"2019-09-29", "2019-09-29", false},
		{"2019-10-01", "2019-10-08", false}, {"2019-10-05", "2019-10-08", false}, {"2019-10-12", "2019-10-12", false}, {"2019-10-13", "2019-10-14", false},
		{"2019-12-28", "2019-12-30", false}, {"2018-12-31", "2018-12-31", true}, {"2018-12-29", "2018-12-31", true}, {"2020-01-04", "2020-01-06", true},
	} {
		if got, provisional := w.OnOrAfter(tt.d); got != tt.want || provisional != tt.provisional {
			t.Errorf("%s or the next working day is %s, %v; want %s, %v", tt.d, got, provisional, tt.want, tt.provisional)
		}
	}
	if !w.Provisional("2020-01-01") || w.Provisional("2019-12-31") {
		t.Error("only 2019 is published")
	}
}

func TestEqualYears(t *testing.T) {
	other := y2019
	other.Off = append(days("2019-10-02", 6), "2019-10-01")
	if !y2019.Equal(other) || y2019.Equal(y2020) || y2020.Equal(prolonged) {
		t.Error("years are compared by their days")
	}
	other.Worked = nil
	if y2019.Equal(other) {
		t.Error("days worked count")
	}
}
