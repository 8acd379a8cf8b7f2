package notice

import (
	"regexp"
	"slices"
	"strings"
)

// Words behind the names: A、B牵头. The longest stand first.
var verbWords = sortedByLength(
	"牵头组织实施", "牵头组织落实", "牵头并负责", "牵头负责", "牵头落实", "牵头抓总", "牵头推进", "牵头组织", "牵头抓落实", "共同牵头", "共同负责", "分别负责",
	"加强指导", "做好指导", "加强督促指导", "督促指导", "监督指导", "指导督促", "指导支持", "支持配合", "协助配合", "配合支持", "统筹指导", "抓好贯彻落实",
	"负责落实", "组织实施", "组织落实", "具体负责", "分工负责", "协同配合", "配合落实", "积极配合", "参与配合", "抓好落实", "抓落实", "督促落实", "具体落实", "具体实施",
	"推进落实", "贯彻落实", "统筹协调", "统筹推进", "负责", "牵头", "主办", "承办", "协办", "配合", "参与", "参加", "协助", "协同", "指导", "落实", "实施", "支持",
	"承担", "执行", "办理", "主责", "统筹", "督导", "监督", "推进",
)

func sortedByLength(words ...string) []string {
	slices.SortStableFunc(words, func(a, b string) int { return len(b) - len(a) })
	return words
}

// splitVerb splits "A、B等按职责分工负责" into names, verb and whether others are
// meant.
func splitVerb(s string) (names, verb string, others bool) {
	s = strings.TrimRight(trim(s), "。.")
	for _, v := range verbWords {
		rest, ok := strings.CutSuffix(s, v)
		if !ok || trim(rest) == "" {
			continue
		}
		rest, printed := trimManner(rest, v)
		rest, others = cutOthers(rest)
		return rest, printed, others
	}
	return "", "", false
}

var manner = regexp.MustCompile(`(?:结合(?:各自|本地|地方|自身)?实际)?(依据|根据|按照|结合|按|依)?(各自)?(职责|职能|部门职责|工作职责|职责范围|权限)?(和|及)?(任务)?(分工|职责|职能)?(分别|共同|联合|协同|统一|具体|抓好|做好|组织|抓|负责)?$`)

// soleManner is a part that says how those named before it act: 按职责分工负责.
var soleManner = regexp.MustCompile(`^(?:请|由)?(?:各自?|分别|共同|均)?(?:(?:依据|根据|按照|结合|按|依)(?:各自)?(?:部门|工作)?(?:职责|职能|权限)?(?:和|及)?(?:分工|范围)?)?(?:分别|共同|具体|抓好|做好|组织)*(?:负责|落实|实施|推进|办理)(?:落实|实施)?$`)

// trimManner takes off how offices are to act: 按照职责分工负责.
func trimManner(s, verb string) (rest, printed string) {
	m := manner.FindStringIndex(tail(s, 90))
	if m == nil {
		return s, verb
	}
	at := len(s) - (m[1] - m[0])
	return s[:at], s[at:] + verb
}

var others = regexp.MustCompile(`等(\d{1,3}个?)?(国务院|中央|省|市|县|区|省级|市级|县级|自治区)?(直|直属)?(有关|相关|各有关|各相关|其他有关|其他相关|多个)?(地区|地方)?(和|及|、)?` +
	`(部门|单位|处室|科室|司局|厅局|委办局|股室|方面|部门和单位|部门及单位|部门单位|部门（单位）|部门\(单位\)|部门、单位|单位和部门|单位、部门|成员单位|责任单位)?$`)

func cutOthers(s string) (string, bool) {
	s = strings.TrimRight(trim(s), "，,")
	m := others.FindStringIndex(tail(s, 90))
	if m == nil {
		return s, false
	}
	return s[:len(s)-(m[1]-m[0])], true
}

// together splits "A会同B、C负责": the first does it with the rest.
func together(s string) (first, rest string, ok bool) {
	for _, w := range []string{"会同", "联合", "商"} {
		a, b, found := strings.Cut(s, w)
		for _, lead := range []string{"牵头负责", "牵头"} {
			a = strings.TrimSuffix(trim(a), lead)
		}
		end := wholeName // 省商务厅 holds no 商
		if w == "会同" {
			end = officeEnd
		}
		if w == "联合" && union.MatchString(b) {
			continue // 残疾人联合会, 联合参谋部
		}
		if found && trim(b) != "" && plausible(a) && end.match(a) && len(firstOf(splitVerbOr(b))) > len("社") && plausible(firstOf(splitVerbOr(b))) {
			return a, b, true
		}
	}
	return "", "", false
}

var union = regexp.MustCompile(`^(会|社|体|国|总会|参谋|作战|执法|办)`)

// splitVerbOr returns the names before a verb, or all of s.
func splitVerbOr(s string) string {
	if names, verb, _ := splitVerb(s); verb != "" {
		return names
	}
	names, _ := cutOthers(s)
	return names
}

func firstOf(names string) string {
	first, _, _ := strings.Cut(names, "、")
	return first
}

// officeEnd matches what names of bodies end in.
var officeEnd = endingsOf(`处|室|部|委|局|厅|办|中心|科|署|院|会|行|政府|公司|社|团|队|集团|站|所|校|区|市|县|州|盟|旗|省|镇|乡|村|街道|部门|单位|馆|台|库|股|司|国务院|法院|检察院|联|学院|大学|基地|企业|机构|组|专班|指挥部|主体|厂|矿|电网|铁塔|方面|地区|军区|武警|海关|机场|移动|电信|联通|政协|人大|烟草|邮政`)

// plausible reports whether a list begins with what could be an office's name.
func plausible(names string) bool {
	if len(names) > maxMark {
		return false
	}
	list := splitNames(names)
	if len(list) == 0 {
		return false
	}
	for _, n := range list {
		if r := []rune(n); len(r) > 40 || !slices.ContainsFunc(r, isHan) {
			return false
		}
	}
	last := list[len(list)-1]
	return officeEnd.match(strings.TrimRight(last, "）)〉")) || officeEnd.match(unbracketed(last)) || officeEnd.match(list[0]) || isGroup(last)
}

// titles are what persons hold.
var titles = endingsOf(`局长|处长|科长|县长|市长|区长|镇长|乡长|省长|部长|厅长|主任|书记|主席|秘书长|校长|院长|所长|站长|队长|组长|总经理|经理|董事长|同志|委员|巡视员|调研员`)

const (
	surnames       = `赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦许何吕施张孔曹严华魏陶姜戚谢邹章苏潘葛范彭鲁韦马苗方俞任袁柳唐罗薛贺倪汤殷毕郝邬常于傅卞齐康伍余顾孟黄萧尹姚邵汪祁毛狄戴宋庞熊纪舒项祝董梁杜阮蓝闵季贾江童郭梅盛林钟徐邱骆高夏蔡田胡凌霍万柯卢莫房丁邓洪包左石崔龚程邢裴陆荣翁段焦谷车侯曲甘武刘景詹龙叶黎白蒲赖卓池谭温庄阎聂曾欧廖耿匡文寇师巩辛简饶关游岳靳`
	doubleSurnames = `欧阳 司马 上官 诸葛`
	// sectors end short names of bodies that begin like a surname: 文旅, 江北公安.
	sectors = `业融旅化建检安保税通务利教育政财农工商信改资监能电油气`
)

// person reports whether a name in a mark is that of a person, who is no office
// and whose name is not repeated anywhere.
func person(n string) bool {
	n = strings.Trim(n, " 　。")
	before, _, _ := strings.Cut(n, "（")
	if titles.match(before) || titles.match(n) {
		return true
	}
	r := []rune(start(n, 5*len("张")))
	if len(r) < 2 || len(r) > 4 || officeEnd.match(n) || strings.ContainsRune(sectors, r[len(r)-1]) || slices.ContainsFunc(r, func(c rune) bool { return !isHan(c) }) {
		return false
	}
	return len(r) <= 3 && strings.ContainsRune(surnames, r[0]) || len(r) > 2 && strings.Contains(doubleSurnames, string(r[:2]))
}
