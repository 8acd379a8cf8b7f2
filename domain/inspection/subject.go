package inspection

import (
	"strings"

	"duban/domain"
)

// A Subject (被检查单位) is the enterprise or institution that is inspected.
type Subject struct {
	Name  string `json:"name" doc:"单位名称"`
	USCC  string `json:"uscc,omitempty" doc:"统一社会信用代码，18 位"`
	Place string `json:"place" doc:"地点"`
}

// IsZero reports whether no subject is given.
func (s Subject) IsZero() bool { return s == Subject{} }

// Check refuses a subject without name or place, or with a mistyped code.
func (s Subject) Check(field string) error {
	if err := domain.CheckText(field+".name", s.Name, true); err != nil {
		return err
	}
	if err := domain.CheckText(field+".place", s.Place, true); err != nil {
		return err
	}
	if s.USCC == "" {
		return nil
	}
	want, ok := usccCheck(s.USCC)
	switch {
	case !ok:
		return domain.Invalid("subject.uscc", field+".uscc",
			"统一社会信用代码应为 18 位数字或大写字母（不含 I、O、S、V、Z），第 3 至 8 位为数字",
			"a unified social credit code has 18 digits or capital letters (no I, O, S, V, Z), the 3rd to 8th being digits")
	case s.USCC[17] != want:
		return domain.Invalid("subject.uscc", field+".uscc",
			"统一社会信用代码 "+s.USCC+" 的校验码不符，请核对是否录错",
			"the check character of the unified social credit code "+s.USCC+" is wrong: look for a slip of the pen")
	}
	return nil
}

// usccAlphabet holds the characters of a code in the order of their values, GB
// 32100-2015 table 2.
const usccAlphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"

// usccCheck returns the 18th character that the first 17 demand, GB 32100-2015
// section 6: 31 − Σ cᵢ·3^(i−1) mod 31. ok is false if the code is no code at all.
func usccCheck(code string) (check byte, ok bool) {
	if len(code) != 18 || strings.Trim(code[2:8], "0123456789") != "" {
		return 0, false
	}
	const modulus = len(usccAlphabet)
	sum, weight := 0, 1
	for i := range 18 {
		v := strings.IndexByte(usccAlphabet, code[i])
		if v < 0 {
			return 0, false
		}
		if i < 17 {
			sum += v * weight
			weight = weight * 3 % modulus
		}
	}
	return usccAlphabet[(modulus-sum%modulus)%modulus], true
}
