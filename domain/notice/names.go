package notice

import (
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

var (
	// Words for many, which stay as printed and are never one office.
	groupWord = regexp.MustCompile(`^(各|全省各|全区各|全市各|全县各|自治区直属|试点(城市|地区|县|市|单位|企业)|有关|相关|其他|其它|县级以上|属地|` +
		`地方(人民政府|政府|各级|党委|有关|相关)|基层(政府|单位|组织|党组织)|市县|市、县|市州|所属|所在地|成员单位|生产经营单位|国务院(有关|相关|各)|中央(有关|和国家机关|各))`)
	groupTail = regexp.MustCompile(`^(省|市|县|区|自治区|厅|局|委|州|盟|旗)?(直|级|属)?(有关|相关|各|各有关|各相关)(部门|单位|处室|方面|企业|地区|科室|乡镇|县|责任|成员|司局|股室)|^(市|县|区|省|厅|局)[^、]{0,8}各成员单位$|` +
		`^(省|市|县|区)(直|级|属)(各|有关|相关)?(部门|单位|机关|企业|国有企业)$`)
	// A kind of place without its name stands for all of them: 乡镇人民政府.
	groupPlace = regexp.MustCompile(`^(乡镇|镇|乡|街道|镇街|街镇|乡（镇）|乡（镇、街道）|镇（街道）|乡镇（街道）|县区|区县|县（市、区）|县（市）|市县|市州|市（州）|市（县、区）|市、县（区）|市、县（市、区）|市、县)(人民政府|政府|党委和政府|党委、政府|党委政府|党委|办事处|管委会)?$`)
	// 有关部门 beside named offices adds nobody.
	vague = regexp.MustCompile(`^((各|其他|其它|省直|区直|市直|县直|国务院|中央|省级|市级|自治区|自治州|省|市|县|厅|局)?(有关|相关)|其他|其它)(地区和)?(部门|单位|处室|科室|司局|股室|方面|部门单位|部门和单位|部门及单位|部门（单位）|成员单位|责任单位)$`)
	// 各市、县（区）人民政府 is one name: a bare kind of place goes with what follows it.
	place          = regexp.MustCompile(`^(各|有关|相关|全省各|全区各|全市各)?((设区|地级|县级)?(的)?(市|县|区|旗|州|盟|省|自治区|直辖市|自治州|乡|镇|乡镇|街道)|市州|州市|县市|县区|区县|市县|直辖市及计划单列市|计划单列市|市（[州地盟]）|州（市）|盟（市）|市\([州地盟]\)|县[（(〈][市区旗][)）〉]|市（县）)$`)
	further        = regexp.MustCompile(`^新疆生产建设兵团|^(自治区|直辖市)及(计划单列市、?|新疆生产建设兵团).*|^直辖市.*|^(自治区|直辖市|直辖市及计划单列市|计划单列市|自治州|地级市|县级市|设区市|市|县|区|旗|州|盟|乡|镇|乡镇|街道)((（[^）]*）|\([^)]*\)|〈[^〉]*〉).*|人民政府.*|政府.*|管委会|.*主管部门|)$`)
	bare           = regexp.MustCompile(`^(单位|部门|企业|机构|处室|科室|委|办|厅|局|会|行|院)$`)
	directly       = regexp.MustCompile(`^(省|市|县|区|州|自治区)直$`) // 市直、驻市各单位
	bareGovernment = regexp.MustCompile(`^(市|州|县|区|旗|盟|地区|乡|镇|乡镇|街道)?(人民政府|行政公署|政府|管委会|办事处|党委)$`)
	leading        = regexp.MustCompile(`^(由|请|责成|以及|及|和|与|并由|具体由|并)`)
	joint          = regexp.MustCompile(`以及|[和与及]`)
)

// isGroup reports whether a printed name names many.
func isGroup(n string) bool {
	return groupWord.MatchString(n) || groupTail.MatchString(n) || groupPlace.MatchString(n)
}

// splitNames splits a printed list of offices into names.
func splitNames(s string) []string {
	var out []string
	for _, n := range joinBroken(topLevel(s)) {
		n = strings.Trim(leading.ReplaceAllString(trim(n), ""), "。，,；;:： ")
		if n == "" || n == "等" {
			continue
		}
		out = append(out, splitJoint(n)...)
	}
	return joinPlaces(out)
}

// joinBroken puts together again a name that a line broke: 市消防 救援支队.
func joinBroken(list []string) []string {
	var out []string
	for _, n := range list {
		if k := len(out) - 1; k >= 0 && strings.HasSuffix(out[k], " ") {
			if last := trim(out[k]); last != "" && trim(n) != "" && !officeEnd.match(unbracketed(last)) && !person(last) && !isGroup(last) && !person(trim(n)) {
				out[k] = last + n
				continue
			}
		}
		out = append(out, n)
	}
	return out
}

// joinPlaces puts together again what 、 separates inside one name: 各省、自治区、
// 直辖市人民政府, 省直有关部门、单位.
func joinPlaces(list []string) []string {
	var out []string
	for _, n := range list {
		n = trim(n)
		if n == "" {
			continue
		}
		if k := len(out) - 1; k >= 0 {
			last := out[k]
			if i := strings.LastIndex(last, "、"); i >= 0 {
				last = last[i+len("、"):]
			}
			if utf8.RuneCountInString(n) < 30 && (place.MatchString(last) && (further.MatchString(n) || completes(last, n)) || directly.MatchString(last) || bare.MatchString(n) || (strings.HasPrefix(out[k], "各") || strings.HasSuffix(out[k], "党委")) && bareGovernment.MatchString(n)) {
				out[k] += "、" + n
				continue
			}
		}
		out = append(out, n)
	}
	return out
}

// levels are the kinds of place, from the higher to the lower.
var levels = []string{"省", "市州盟", "县区旗", "乡镇街", "村"}

// completes: 州安委会 completes 各市 to 各市、州安委会, 省财政厅 and 市财政局 don't.
func completes(last, n string) bool {
	is, _ := utf8.DecodeLastRuneInString(last)
	next, w := utf8.DecodeRuneInString(n)
	level := func(r rune) int {
		return slices.IndexFunc(levels, func(l string) bool { return strings.ContainsRune(l, r) })
	}
	return is != next && level(is) >= 0 && level(next) >= level(is) && !strings.HasPrefix(n[w:], "直")
}

// topLevel splits at 、 and blanks outside of brackets. A blank stays with the part
// before it.
func topLevel(s string) []string {
	var out []string
	depth, from := 0, 0
	for i, r := range s {
		switch r {
		case '（', '(', '〈', '《':
			depth++
		case '）', ')', '〉', '》':
			depth--
		case '、', '/', '／', '\t', '\n', ' ', '　':
			if depth <= 0 {
				out = append(out, s[from:i])
				if r == ' ' || r == '　' || r == '\n' {
					out[len(out)-1] += " "
				}
				from = i + utf8.RuneLen(r)
			}
		}
	}
	return append(out, s[from:])
}

// splitJoint splits A和B only where both are whole names: 工业和信息化部 is one
// office, 商务部和海关总署 are two.
func splitJoint(n string) []string {
	var out []string
	from := 0
	for _, m := range joint.FindAllStringIndex(n, -1) {
		a, b := n[from:m[0]], n[m[1]:]
		if wholeName.match(unbracketed(a)) && !insideName(a, n[m[0]:m[1]]) && begins(b) && (wholeName.match(unbracketed(b)) || isGroup(b)) {
			out = append(out, a)
			from = m[1]
		}
	}
	return append(out, n[from:])
}

// insideName: 实验室与设备管理处 is one office, though 实验室 could be.
func insideName(a, word string) bool {
	return strings.HasSuffix(a, "室") && !strings.HasSuffix(a, "办公室") || word == "与" && !government.match(a)
}

// government is what offices end in that stand beside others, not inside a name.
var government = endingsOf(`部|委|局|厅|政府|公司|委员会|办公室|总局|处`)

// unbracketed is a name without the bracket at its end: 监测中心（总站）.
func unbracketed(n string) string {
	if !strings.HasSuffix(n, "）") && !strings.HasSuffix(n, ")") {
		return n
	}
	if i := strings.LastIndexAny(n, "（("); i > 0 {
		return n[:i]
	}
	return n
}

// begins reports whether s can begin a name. 政府, 办公室 and the like belong to
// the name before: 党委和政府.
func begins(s string) bool {
	for _, w := range []string{"政府", "人民政府", "办公室", "党委", "中心"} {
		if s == w {
			return false
		}
	}
	return true
}

// wholeName matches endings after which a name is complete; narrower than
// officeEnd, because 和 stands inside many names.
var wholeName = endingsOf(`处|部|委|局|厅|办公室|办|中心|署|委员会|银行|政府|公司|总局|集团|科|室|院|总队|支队|大队|部门|单位|管委会|协会|联合会|总工会|公室|党委|法院|检察院|处室|街道|学院|大学|社|司|股|支行|分行|残联|妇联|工商联|文联|科协|监会|工会|商会|海关|政协|人大常委会|专班|领导小组|指挥部|电视台|总台|铁塔|移动|电信|联通`)
