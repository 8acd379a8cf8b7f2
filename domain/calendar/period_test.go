package calendar

import (
	"encoding/json"
	"slices"
	"testing"
)

func TestParsePeriod(t *testing.T) {
	for s, want := range map[string]Unit{
		"2019": UnitYear, "1900": UnitYear, "2199": UnitYear, "2019-H1": UnitHalfYear, "2019-H2": UnitHalfYear,
		"2019-Q1": UnitQuarter, "2019-Q4": UnitQuarter, "2019-01": UnitMonth, "2019-12": UnitMonth,
	} {
		if p, err := ParsePeriod(s); err != nil || string(p) != s || p.Unit() != want {
			t.Errorf("%s is read as %s, a %v, %v", s, p, p.Unit(), err)
		}
	}
	for _, s := range []string{
		"", "2", "201", "20190", "2019-", "2019-1", "2019-00", "2019-13", "2019-Q0", "2019-Q5", "2019-H0", "2019-H3", "2019-q1", "2019-h1",
		"2019-Q01", "2019-08-01", "2019/08", "2019Q1", "1899", "2200", "+019", " 2019", "2019 ", "2019\n", "2019-+1", "2019- 1", "２０１９", "2019-Q１", "一季度",
	} {
		if p, err := ParsePeriod(s); err == nil || p != "" {
			t.Errorf("%q passes for the period %s", s, p)
		}
		if p := Period(s); p.Unit() != 0 || p.First() != "" || p.Last() != "" || p.Next() != "" || p.Contains("2019-08-01") || p.Chinese() != s {
			t.Errorf("%q behaves like a period", s)
		}
	}
}

func TestPeriods(t *testing.T) {
	for _, tt := range []struct {
		p           Period
		first, last Date
		next        Period
		chinese     string
	}{
		{"2019", "2019-01-01", "2019-12-31", "2020", "2019年"},
		{"2019-H1", "2019-01-01", "2019-06-30", "2019-H2", "2019年上半年"},
		{"2019-H2", "2019-07-01", "2019-12-31", "2020-H1", "2019年下半年"},
		{"2019-Q1", "2019-01-01", "2019-03-31", "2019-Q2", "2019年一季度"},
		{"2019-Q2", "2019-04-01", "2019-06-30", "2019-Q3", "2019年二季度"},
		{"2019-Q3", "2019-07-01", "2019-09-30", "2019-Q4", "2019年三季度"},
		{"2019-Q4", "2019-10-01", "2019-12-31", "2020-Q1", "2019年四季度"},
		{"2019-02", "2019-02-01", "2019-02-28", "2019-03", "2019年2月"},
		{"2020-02", "2020-02-01", "2020-02-29", "2020-03", "2020年2月"}, // a leap year
		{"2100-02", "2100-02-01", "2100-02-28", "2100-03", "2100年2月"}, // none
		{"2000-02", "2000-02-01", "2000-02-29", "2000-03", "2000年2月"},
		{"2019-09", "2019-09-01", "2019-09-30", "2019-10", "2019年9月"},
		{"2019-12", "2019-12-01", "2019-12-31", "2020-01", "2019年12月"},
	} {
		if tt.p.First() != tt.first || tt.p.Last() != tt.last || tt.p.Next() != tt.next || tt.p.Chinese() != tt.chinese {
			t.Errorf("%s: %s to %s, then %s, %s", tt.p, tt.p.First(), tt.p.Last(), tt.p.Next(), tt.p.Chinese())
		}
		for d, in := range map[Date]bool{tt.first: true, tt.last: true, tt.first.AddDays(-1): false, tt.last.AddDays(1): false, "": false} {
			if tt.p.Contains(d) != in {
				t.Errorf("%s contains %s: %v", tt.p, d, !in)
			}
		}
	}
}

func TestPeriodOf(t *testing.T) {
	for d, want := range map[Date][]Period{
		"2019-01-01": {"", "2019-01", "2019-Q1", "2019-H1", "2019"},
		"2020-02-29": {"", "2020-02", "2020-Q1", "2020-H1", "2020"},
		"2019-06-30": {"", "2019-06", "2019-Q2", "2019-H1", "2019"},
		"2019-07-01": {"", "2019-07", "2019-Q3", "2019-H2", "2019"},
		"2019-12-31": {"", "2019-12", "2019-Q4", "2019-H2", "2019"},
		"":           {"", "", "", "", ""},
	} {
		var have []Period
		for u := UnitOnce; u <= UnitYear; u++ {
			have = append(have, PeriodOf(u, d))
		}
		if !slices.Equal(have, want) {
			t.Errorf("%s lies in %v, want %v", d, have, want)
		}
	}
}

// checkPeriod holds what is true of every period.
func checkPeriod(t *testing.T, p Period) {
	first, last, next := p.First(), p.Last(), p.Next()
	if first >= last || PeriodOf(p.Unit(), first) != p || PeriodOf(p.Unit(), last) != p {
		t.Fatalf("%s: from %s to %s", p, first, last)
	}
	if p.Last().Year() < maxPeriodYear && (next <= p || next.Unit() != p.Unit() || next.First() != last.AddDays(1)) {
		t.Fatalf("%s is followed by %s, which begins on %s", p, next, next.First())
	}
	if n := last.DaysSince(first) + 1; n < 28*p.Unit().months() || n > 31*p.Unit().months() {
		t.Fatalf("%s has %d days", p, n)
	}
}

// Periods of a unit follow each other without gap or overlap, over every year end.
func TestEveryPeriod(t *testing.T) {
	for u := UnitMonth; u <= UnitYear; u++ {
		n := 0
		for p := PeriodOf(u, "1999-12-31"); p.First() < "2101-01-01"; p = p.Next() {
			checkPeriod(t, p)
			n++
		}
		if want := 101*12/u.months() + 1; n != want {
			t.Errorf("%d periods of a %v in 1999-12-31 to 2100, want %d", n, u, want)
		}
	}
}

func FuzzPeriod(f *testing.F) {
	for _, s := range []string{"2019", "2019-H1", "2019-Q3", "2019-08", "2020-02", "2199-12", "2019-13", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := ParsePeriod(s)
		if err != nil {
			return
		}
		if string(p) != s {
			t.Fatalf("%q is read as %s", s, p)
		}
		checkPeriod(t, p)
	})
}

func TestDue(t *testing.T) {
	for _, tt := range []struct {
		due  Due
		p    Period
		want Date
	}{
		{Due{25, DueInPeriod}, "2019-08", "2019-08-25"}, // 每月25日前
		{Due{5, DueInNext}, "2019-08", "2019-09-05"},    // 次月5日前
		{Due{5, 0}, "2019-08", "2019-09-05"},
		{Due{5, DueInNext}, "2019-12", "2020-01-05"},
		{Due{10, DueInNext}, "2019-Q3", "2019-10-10"},
		{Due{10, DueInPeriod}, "2019-Q3", "2019-09-10"}, // the last month of the quarter
		{Due{10, DueInNext}, "2019-Q4", "2020-01-10"},
		{Due{20, DueInPeriod}, "2019-H1", "2019-06-20"},
		{Due{20, DueInNext}, "2019-H2", "2020-01-20"},
		{Due{31, DueInPeriod}, "2019", "2019-12-31"},
		{Due{15, DueInNext}, "2019", "2020-01-15"},
		{Due{31, DueInPeriod}, "2019-02", "2019-02-28"}, // past the month's end
		{Due{30, DueInPeriod}, "2020-02", "2020-02-29"},
		{Due{31, DueInNext}, "2020-01", "2020-02-29"},
		{Due{31, DueInNext}, "2019-08", "2019-09-30"},
		{Due{29, DueInNext}, "2019-01", "2019-02-28"},
		{Due{1, DueInNext}, "2019-02", "2019-03-01"},
		{Due{}, "2019-08", "2019-08-31"},
		{Due{}, "2020-Q1", "2020-03-31"},
		{Due{5, DueInNext}, "", ""},
		{Due{}, "2019-13", ""},
	} {
		if got := tt.due.On(tt.p); got != tt.want {
			t.Errorf("%s is due on %s by %+v, want %s", tt.p, got, tt.due, tt.want)
		}
	}
	for d, want := range map[Due]bool{{}: true, {1, 0}: true, {31, DueInPeriod}: true, {32, 0}: false, {-1, 0}: false, {0, DueInNext}: false, {5, 3}: false} {
		if d.Valid() != want {
			t.Errorf("%+v is valid: %v", d, !want)
		}
	}
}

// A period is due after it began and not later than the end of the next month.
func TestDueOnEveryPeriod(t *testing.T) {
	for u := UnitMonth; u <= UnitYear; u++ {
		for p := PeriodOf(u, "2018-12-31"); p < "2025"; p = p.Next() {
			for day := 1; day <= 31; day++ {
				in, next := Due{day, DueInPeriod}.On(p), Due{day, DueInNext}.On(p)
				if !p.Contains(in) || next <= p.Last() || next.DaysSince(p.Last()) > 31 || next.DaysSince(p.Last()) > day {
					t.Fatalf("%s, day %d: %s or %s", p, day, in, next)
				}
			}
		}
	}
}

func TestUnitsAndDueText(t *testing.T) {
	var v struct {
		Unit Unit `json:"unit"`
		Due
	}
	for _, s := range []string{`{"unit":"once"}`, `{"unit":"month","due_day":25,"due_in":"period"}`, `{"unit":"half_year","due_day":5,"due_in":"next"}`, `{"unit":"year","due_day":5}`} {
		v.Due = Due{}
		if err := json.Unmarshal([]byte(s), &v); err != nil {
			t.Fatal(err)
		}
		if b, err := json.Marshal(v); err != nil || string(b) != s {
			t.Errorf("%s becomes %s, %v", s, b, err)
		}
	}
	for _, s := range []string{`{"unit":"week"}`, `{"unit":"month","due_in":"later"}`} {
		if err := json.Unmarshal([]byte(s), &v); err == nil {
			t.Errorf("%s is read", s)
		}
	}
	for u := UnitOnce; u <= UnitYear; u++ {
		if p, err := ParseUnit(u.String()); err != nil || p != u || u.Chinese() == "" {
			t.Errorf("%v %s: %v, %v", u, u.Chinese(), p, err)
		}
	}
	if DueInPeriod.String() != "period" || DueInNext.String() != "next" {
		t.Error("names of the months of a due day")
	}
}
