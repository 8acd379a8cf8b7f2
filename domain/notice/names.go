package notice

import (
	"regexp"
	"strings"
)

var (
	// Words for many, which stay as printed and are never one office.
	groupWord = regexp.MustCompile(`^(各|全省各|全区各|全市各|省直|区直|市直|自治区直属|试点|有关|相关|其他|县级以上|属地|地方|市县|市、县)`)
	groupTail = regexp.MustCompile(`^(省|市|县|区|自治区|厅|局|委)?(有关|相关|各)(部门|单位|处室|方面|企业|地区|科室)`)
	// 有关部门 beside named offices adds nobody.
	vague = regexp.MustCompile(`^(有关|相关|各有关|各相关|其他有关|其他相关|省直有关|区直有关|市直有关)(部门|单位|处室|方面|部门单位|部门和单位)$`)
	// 各市、县（区）人民政府 is one name.
	place      = regexp.MustCompile(`^(各|各设区|设区|有关)?(市|县|区|旗|州|盟|地|市州|地市|市（州）|地级市|设区市|设区的市|州（市）)$`)
	government = regexp.MustCompile(`^(县|区|市|旗|县级市|各?县)[（(]?.*(政府|管委会|主管部门|部门)$`)
	leading    = regexp.MustCompile(`^(由|请|责成|以及|及|和|与|并由|具体由)`)
	joint      = regexp.MustCompile(`和|与|及|以及`)
)

// isGroup reports whether a printed name names many.
func isGroup(n string) bool { return groupWord.MatchString(n) || groupTail.MatchString(n) }

// splitNames splits a printed list of offices into names.
func splitNames(s string) []string {
	var out []string
	for _, n := range topLevel(s) {
		n = strings.TrimRight(trim(leading.ReplaceAllString(trim(n), "")), "。，,；;:：")
		if n == "" || n == "等" {
			continue
		}
		if k := len(out) - 1; k >= 0 && place.MatchString(out[k]) && government.MatchString(n) {
			out[k] += "、" + n
			continue
		}
		out = append(out, splitJoint(n)...)
	}
	return out
}

// topLevel splits at 、 outside of brackets; half-width lists use commas of
// their own, which readMark has taken for ends of parts before.
func topLevel(s string) []string {
	var out []string
	depth, from := 0, 0
	for i, r := range s {
		switch r {
		case '（', '(':
			depth++
		case '）', ')':
			depth--
		case '、', '/', '／', '\t', ' ', '　':
			if depth <= 0 {
				out = append(out, s[from:i])
				from = i + len(string(r))
			}
		}
	}
	return append(out, s[from:])
}

// splitJoint splits A和B only where A is a whole name: 工业和信息化部 is one office,
// 商务部和海关总署 are two.
func splitJoint(n string) []string {
	for _, m := range joint.FindAllStringIndex(n, -1) {
		a, b := n[:m[0]], n[m[1]:]
		if wholeName.MatchString(a) && wholeName.MatchString(b) && b != "政府" && b != "人民政府" {
			return append([]string{a}, splitJoint(b)...)
		}
	}
	return []string{n}
}

// wholeName matches endings after which a name is complete; narrower than
// officeEnd, because 和 stands inside many names.
var wholeName = regexp.MustCompile(`.(处|部|委|局|厅|办公室|办|中心|署|委员会|银行|政府|公司|总局|集团|科|室|院|总队|支队)$`)
