package workbook

import (
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"

	"duban/domain/calendar"
)

// parse reads a field as a column's cell.
func (c Column) parse(f field, header Unit, since1904 bool) (Cell, *fault) {
	if f.text == "" {
		return Cell{}, nil
	}
	switch c.Kind {
	case KindDate, KindDateOrWords:
		d, wrong := parseDate(f.value, since1904)
		if wrong == nil {
			return On(d), nil
		}
		if c.Kind == KindDateOrWords && !wrong.meant {
			return Text(f.text), nil
		}
		return Cell{}, wrong.fault
	case KindNumber:
		n, wrong := c.parseNumber(f.value, header)
		if wrong != nil {
			return Cell{}, wrong
		}
		return Number(n, c.Decimals), nil
	case KindYesNo:
		return parseYesNo(f.text)
	default:
		return c.parseText(f)
	}
}

func (c Column) parseText(f field) (Cell, *fault) {
	if strings.HasSuffix(f.text, cutMark) {
		return Cell{}, faultf("cell.cut", "导出时单元格容不下全文，这一格不能导回 / the cell was cut when it was written and can't come back")
	}
	if len(c.Choices) > 0 {
		return c.choose(f.text)
	}
	// A long number shown as 1.23E+17 is an identification number somebody typed.
	if strings.Contains(f.text, "E+") && plainInteger.MatchString(f.value) {
		return Text(f.value), nil
	}
	return Text(f.text), nil
}

func (c Column) choose(s string) (Cell, *fault) {
	got := sameHeader(s)
	for _, choice := range c.Choices {
		if slices.ContainsFunc(append([]string{choice.Label}, choice.Aliases...), func(a string) bool { return sameHeader(a) == got }) {
			return Text(choice.Label), nil
		}
	}
	return Cell{}, faultf("cell.choice", "只能填：%s / use one of these", c.offered())
}

var plainInteger = regexp.MustCompile(`^\d{1,20}$`)

// Dates.

// A dateFault is a text that is no date; meant says that it wanted to be one.
type dateFault struct {
	*fault
	meant bool
}

func notDate(meant bool, rule, words string) *dateFault {
	return &dateFault{faultf(rule, "%s", words), meant}
}

var (
	ymd = regexp.MustCompile(`^(\d{4})\s*(?:-|/|\.|年)\s*(\d{1,2})\s*(?:-|/|\.|月)\s*(\d{1,2})\s*(?:日|号)?$`)
	// A time of day behind a date, as databases write it. The date counts.
	timeOfDay = regexp.MustCompile(`(?:T|\s+)\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?$`)
	compact   = regexp.MustCompile(`^(\d{4})(\d{2})(\d{2})$`)
	noYear    = regexp.MustCompile(`^(\d{1,2})\s*(?:月|/|-|\.)\s*(\d{1,2})\s*(?:日|号)?$`)
	shortYear = regexp.MustCompile(`^\d{2}\s*(?:-|/|\.|年)\s*\d{1,2}\s*(?:-|/|\.|月)\s*\d{1,2}\s*(?:日|号)?$`)
	dayFirst  = regexp.MustCompile(`^\d{1,2}\s*(?:-|/|\.)\s*\d{1,2}\s*(?:-|/|\.)\s*\d{4}$`)
	noDay     = regexp.MustCompile(`^\d{4}\s*(?:-|/|\.|年)\s*\d{1,2}\s*月?$`)
	decimalRE = regexp.MustCompile(`^[+-]?\d+(\.\d+)?$`)
)

// parseDate reads a date as a spreadsheet stores it, or as people write it.
func parseDate(s string, since1904 bool) (calendar.Date, *dateFault) {
	s = strings.TrimSpace(norm.NFKC.String(s))
	if m := compact.FindStringSubmatch(s); m != nil {
		return civil(m)
	}
	if decimalRE.MatchString(s) {
		if d, ok := fromSerial(s, since1904); ok {
			return d, nil
		}
		if !noDay.MatchString(s) {
			return "", notDate(true, "date.form", "不是日期，请写成 2019-08-01 / this is no date: write it as 2019-08-01")
		}
	}
	s = strings.TrimSpace(timeOfDay.ReplaceAllString(s, ""))
	if m := ymd.FindStringSubmatch(s); m != nil {
		return civil(m)
	}
	switch {
	case noYear.MatchString(s):
		return "", notDate(true, "date.no_year", "日期缺少年份，请写成 2019-08-01 / the year is missing: write the date as 2019-08-01")
	case shortYear.MatchString(s), dayFirst.MatchString(s):
		return "", notDate(true, "date.order", "分不清年月日，年份请写四位并写在前面，如 2019-08-01 / put a four-digit year first: 2019-08-01")
	case noDay.MatchString(s):
		return "", notDate(false, "date.no_day", "日期缺少日，请写成 2019-08-01 / the day is missing: write the date as 2019-08-01")
	}
	return "", notDate(false, "date.form", "不是日期，请写成 2019-08-01 / this is no date: write it as 2019-08-01")
}

// civil returns the date of year, month and day, if there is one.
func civil(m []string) (calendar.Date, *dateFault) {
	pad := func(s string) string { return strings.Repeat("0", max(0, 2-len(s))) + s }
	d, err := calendar.ParseDate(m[1] + "-" + pad(m[2]) + "-" + pad(m[3]))
	if err != nil {
		return "", notDate(true, "date.impossible", err.Error())
	}
	return d, nil
}

// fromSerial reads a date as the number of days that a spreadsheet stores, after
// 1899-12-30 or after 1904-01-01. The fraction is the time of day.
func fromSerial(s string, since1904 bool) (calendar.Date, bool) {
	whole, _, _ := strings.Cut(s, ".")
	days, err := strconv.Atoi(whole)
	if err != nil || days < 0 || days > 2_958_465 {
		return "", false
	}
	from := calendar.Of(1899, time.December, 30)
	if since1904 {
		from = calendar.Of(1904, time.January, 1)
	}
	d, err := calendar.ParseDate(string(from.AddDays(days)))
	return d, err == nil
}

// Numbers.

var (
	numeral = regexp.MustCompile(`^([+-]?[\d,]*\.?\d+(?:[eE][+-]?\d{1,2})?)\s*(\D*)$`)
	grouped = regexp.MustCompile(`^[+-]?\d{1,3}(,\d{3})+(\.\d+)?$`)
)

// maxDigits bounds a number that is believed.
const maxDigits = 40

// parseNumber reads a decimal in units of the column's last place.
func (c Column) parseNumber(s string, header Unit) (int64, *fault) {
	s = strings.TrimSpace(norm.NFKC.String(s))
	m := numeral.FindStringSubmatch(s)
	if m == nil || len(s) > maxDigits || strings.Contains(m[1], ",") && !grouped.MatchString(m[1]) {
		return 0, faultf("number.form", "不是数字，请只写数字 / this is no number: write digits only")
	}
	r, ok := new(big.Rat).SetString(strings.ReplaceAll(m[1], ",", ""))
	if !ok {
		return 0, faultf("number.form", "不是数字，请只写数字 / this is no number: write digits only")
	}
	unit, wrong := c.unit(strings.TrimSpace(m[2]), header)
	if wrong != nil {
		return 0, wrong
	}
	scale := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(c.Decimals)), nil)
	r.Mul(r, new(big.Rat).SetInt(scale.Mul(scale, big.NewInt(unit.Factor))))
	return whole(r, c.Decimals)
}

// unit decides in which unit a number is: that behind it, else that of the header.
func (c Column) unit(behind string, header Unit) (Unit, *fault) {
	if len(c.Units) == 0 {
		if behind != "" {
			return Unit{}, faultf("number.form", "不是数字，请只写数字 / this is no number: write digits only")
		}
		return Unit{Factor: 1}, nil
	}
	for _, u := range c.Units {
		if u.Name == behind {
			return u, nil
		}
	}
	switch {
	case behind != "":
		return Unit{}, faultf("number.unit", "不认识的单位“%s”，可用：%s / unknown unit, use one of these", behind, unitNames(c.Units))
	case header.Factor == 0:
		return Unit{}, faultf("number.no_unit", "没有写明单位，请在表头写明，如（%s） / name the unit in the header", c.Units[0].Name)
	}
	return header, nil
}

// whole returns an integer, forgiving what binary fractions leave behind.
func whole(r *big.Rat, decimals uint8) (int64, *fault) {
	half := big.NewRat(1, 2)
	if r.Sign() < 0 {
		half.Neg(half)
	}
	sum := new(big.Rat).Add(r, half)
	n := new(big.Int).Quo(sum.Num(), sum.Denom())
	rest := new(big.Rat).Sub(r, new(big.Rat).SetInt(n))
	if rest.Abs(rest).Cmp(big.NewRat(1, 1_000_000)) > 0 {
		return 0, faultf("number.places", "小数位过多，至多 %d 位 / at most %d decimal places", decimals, decimals)
	}
	if !n.IsInt64() {
		return 0, faultf("number.range", "数字过大 / the number is too large")
	}
	return n.Int64(), nil
}

func parseYesNo(s string) (Cell, *fault) {
	switch sameHeader(s) {
	case yes, "√", "✓", "✔", "y", "yes", "true", "1", "已办结", "已完成":
		return YesNo(true), nil
	case no, "×", "✗", "✘", "x", "n", "no", "false", "0", "未办结", "未完成":
		return YesNo(false), nil
	}
	return Cell{}, faultf("cell.yes_no", "请填“是”或“否” / write 是 or 否")
}
