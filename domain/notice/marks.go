package notice

import (
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// A span is a mark found in a paragraph: s[from:to] is the mark as printed.
type span struct {
	from, to int
	content  string // between the brackets, or all of an unbracketed mark
}

// Words that name the part of the offices behind a colon: 责任处室：A、B.
var labelWords = regexp.MustCompile(`^(责任|牵头|配合|主办|协办|承办|参与|参加|落实|实施|主要责任|责任落实|组织实施|指导|主责|协同|协助|第一责任|完成|主管)?(处室|单位|部门|科室|机构|股室|司局|主体)\s*[：:]|^(牵头|配合|主办|协办|责任|承办|参与|指导|落实)\s*[：:]`)

// Words behind the names: A、B牵头. The longest stand first.
var verbWords = []string{
	"牵头组织实施", "牵头组织落实", "牵头并负责", "牵头负责", "牵头落实", "共同牵头", "共同负责", "分别负责", "负责落实", "组织实施", "组织落实",
	"具体负责", "分工负责", "协同配合", "配合落实", "积极配合", "参与配合", "负责", "牵头", "主办", "承办", "协办", "配合", "参与", "参加", "协助", "协同", "指导", "落实", "实施", "支持",
}

// unbracketed begins a mark without brackets: at the start of a paragraph or
// behind a sentence.
var unbracketed = regexp.MustCompile(`(?:^|[。；;！？\s　])((?:责任|牵头|配合|主办|协办|承办|主要责任|主责|落实|参与)(?:处室|单位|部门|科室|机构)\s*[：:])`)

// findMarks returns the marks of a paragraph in order. A bracket is a mark if
// its words are those of a mark and it stands where one may: behind a sentence,
// at the paragraph's end or before another mark. Brackets inside a sentence are
// the sentence's own.
func findMarks(s string) []span {
	var out []span
	for i := 0; i < len(s); {
		r, w := utf8.DecodeRuneInString(s[i:])
		if !strings.ContainsRune("（(【[", r) {
			i += w
			continue
		}
		end, ok := closing(s, i)
		if !ok {
			i += w
			continue
		}
		_, cw := utf8.DecodeLastRuneInString(s[:end])
		content := s[i+w : end-cw]
		if isMark(content) && markPlace(s, i, end) {
			out = append(out, span{i, end, content})
			i = end
			continue
		}
		i += w
	}
	if len(out) == 0 {
		if m := unbracketed.FindStringSubmatchIndex(s); m != nil {
			out = append(out, span{m[2], len(s), s[m[2]:]})
		} else if startsMark(s) {
			out = append(out, span{0, len(s), s})
		}
	}
	return out
}

// maxMark bounds the brackets looked at, so that a text of opening brackets
// costs no more than its length.
const maxMark = 3000

// closing returns the end of the bracket that opens at i, nested ones counted.
// Opening and closing may differ in width: that is printed often.
func closing(s string, i int) (int, bool) {
	depth := 0
	limit := min(len(s), i+maxMark)
	for j, r := range s[i:limit] {
		switch r {
		case '（', '(', '【', '[':
			depth++
			if depth > 8 {
				return 0, false
			}
		case '）', ')', '】', ']':
			depth--
			if depth == 0 {
				return i + j + utf8.RuneLen(r), true
			}
		}
	}
	return 0, false
}

// markPlace: behind a mark comes the end, a full stop, a new sentence or another
// mark; before it a sentence has ended, unless the mark ends the paragraph.
func markPlace(s string, from, to int) bool {
	after := strings.TrimLeft(s[to:], " 　")
	if after == "" {
		return true
	}
	next, _ := utf8.DecodeRuneInString(after)
	if strings.ContainsRune("。；;（(【", next) {
		return true
	}
	before, _ := utf8.DecodeLastRuneInString(strings.TrimRight(s[:from], " 　"))
	return strings.ContainsRune("。！？；;”）)", before)
}

var notMark = regexp.MustCompile(`^(以下|下同|简称|含|包括|不含|其中|例如|如|见|详见|附|征求意见稿|此件|略|试行|暂行)`)

// isMark reports whether a bracket's words say who does something.
func isMark(content string) bool {
	c := trim(content)
	if c == "" || utf8.RuneCountInString(c) > 800 || notMark.MatchString(c) {
		return false
	}
	if labelWords.MatchString(c) || timeLabel.MatchString(c) && strings.ContainsAny(c, "：:") {
		return true
	}
	for _, part := range splitAny(c, "，,；;。") {
		if names, verb, _ := splitVerb(part); verb != "" && plausible(names) {
			return true
		}
		if _, _, ok := together(part); ok {
			return true
		}
	}
	return false
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

var manner = regexp.MustCompile(`(依据|根据|按照|按|依)?(各自)?(职责|职能|部门职责)?(分工|职责|职能)?(分别|共同|具体|抓好|做好|组织)?$`)

// trimManner takes off how offices are to act: 按照职责分工负责.
func trimManner(s, verb string) (rest, printed string) {
	m := manner.FindStringIndex(s)
	if m == nil || m[0] == len(s) {
		return s, verb
	}
	return s[:m[0]], s[m[0]:] + verb
}

var others = regexp.MustCompile(`等(有关|相关|各有关|各相关|其他有关)?(部门|单位|处室|方面|部门和单位|部门单位|部门、单位)?$`)

func cutOthers(s string) (string, bool) {
	s = strings.TrimRight(trim(s), "，,")
	m := others.FindStringIndex(s)
	if m == nil {
		return s, false
	}
	return s[:m[0]], true
}

// Ways to say that the first does it together with the rest.
var togetherWords = []string{"会同", "商"}

// together splits "A会同B、C负责".
func together(s string) (first, rest string, ok bool) {
	for _, w := range togetherWords {
		a, b, found := strings.Cut(s, w)
		if found && plausible(a) && trim(b) != "" && officeEnd.MatchString(trim(a)) {
			return a, b, true
		}
	}
	return "", "", false
}

// officeEnd matches what names of bodies end in.
var officeEnd = regexp.MustCompile(`(处|室|部|委|局|厅|办|中心|科|署|院|会|行|政府|公司|社|团|队|总局|集团|站|所|校|区|市|县|镇|乡|街道|处室|部门|单位|馆|台|库|股|司|法院|检察院|联|妇联|总工会|学院|大学|基地|企业|机构|协会|支队|总队|大队|组|专班|指挥部|主体)$`)

// plausible reports whether a list begins with what could be an office's name.
func plausible(names string) bool {
	list := splitNames(names)
	if len(list) == 0 {
		return false
	}
	for _, n := range list {
		if utf8.RuneCountInString(n) > 40 || !strings.ContainsFunc(n, isHan) {
			return false
		}
	}
	last := list[len(list)-1]
	return officeEnd.MatchString(strings.TrimRight(last, "）)")) || officeEnd.MatchString(list[0]) || isGroup(last)
}

func splitAny(s, seps string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(seps, r) })
}

var (
	firstLeads = regexp.MustCompile(`(排在?|列|位居)(第一|首)位?(的|者)?(单位|部门|处室)?(者)?为(牵头|主办|主责|责任)`)
	firstWord  = regexp.MustCompile(`(第一个|首个|排名第一的?)(单位|部门|处室)?为(牵头|主办|主责|责任)`)
	elsewhere  = regexp.MustCompile(`^(以下|下同|以上|不再|均)`)
	timeLabel  = regexp.MustCompile(`^(完成时限|完成时间|时限|办理时限|时间要求|进度要求|完成期限|时间节点|整改时限|落实时限)\s*[：:]?\s*`)
	personWord = regexp.MustCompile(`^(责任领导|分管领导|牵头领导|责任人|联系人|第一责任人|包抓领导|负责人|责任人员)\s*[：:]`)
)

// who is what a mark says.
type who struct {
	offices    []Office
	andOthers  bool
	deadlines  []string // words of time limits, to be read as dates
	firstLeads bool     // from here on the first office leads
	notes      []string // what is no office and no time
}

// named is a group of names under one word.
type named struct {
	names, printed string
	others         bool
	rank           rank
}

type rank uint8

const (
	rankPlain rank = iota // 负责, 责任单位: no distinction by itself
	rankLead
	rankSupporting
)

func rankOf(word string) rank {
	switch {
	case strings.Contains(word, "牵头"), strings.Contains(word, "主办"), strings.Contains(word, "主责"), strings.Contains(word, "主要责任"), strings.Contains(word, "第一责任"):
		return rankLead
	case strings.Contains(word, "配合"), strings.Contains(word, "参与"), strings.Contains(word, "参加"), strings.Contains(word, "协办"), strings.Contains(word, "协助"), strings.Contains(word, "协同"), strings.Contains(word, "支持"):
		return rankSupporting
	default:
		return rankPlain
	}
}

// labelInside finds a label word behind a comma or nothing: 责任单位：A配合单位：B.
var labelInside = regexp.MustCompile(`(责任|牵头|配合|主办|协办|承办|主要责任|主责|落实|参与|参加|指导|协助)(处室|单位|部门|科室|机构)\s*[：:]|(完成时限|完成时间|办理时限|时间要求|进度要求|完成期限|时间节点|责任领导|分管领导|牵头领导|责任人|联系人)\s*[：:]`)

// readMark reads what a mark says about who and when.
func readMark(content string, leadsBefore bool) who {
	w := who{firstLeads: leadsBefore}
	var groups []named
	current := -1 // the group that a list without a word of its own goes on with
	for _, part := range parts(content) {
		switch {
		case firstLeads.MatchString(part) || firstWord.MatchString(part):
			w.firstLeads = true
		case elsewhere.MatchString(part):
			if part != "下同" {
				w.notes = append(w.notes, part)
			}
		case personWord.MatchString(part):
			current = -1 // persons are no offices, and no names are kept
		case timeLabel.MatchString(part):
			w.deadlines = append(w.deadlines, timeLabel.ReplaceAllString(part, ""))
			current = -2
		default:
			current = w.group(part, &groups, current)
		}
	}
	w.assign(groups)
	return w
}

// parts splits a mark at its punctuation and before every label word.
func parts(content string) []string {
	var out []string
	for _, p := range splitAny(content, "；;。，,\n") {
		for {
			m := labelInside.FindAllStringIndex(p, 2)
			if len(m) == 0 || m[0][0] == 0 && len(m) == 1 {
				break
			}
			at := m[0][0]
			if at == 0 {
				at = m[1][0]
			}
			out = append(out, trim(p[:at]))
			p = p[at:]
		}
		if p = trim(p); p != "" {
			out = append(out, p)
		}
	}
	return out
}

func (w *who) group(part string, groups *[]named, current int) int {
	if current == -2 && !labelWords.MatchString(part) {
		if names, verb, _ := splitVerb(part); verb == "" || !plausible(names) {
			// The time limit's own words held a comma.
			w.deadlines[len(w.deadlines)-1] += "，" + part
			return -2
		}
	}
	if m := labelWords.FindStringIndex(part); m != nil {
		word := strings.TrimRight(trim(part[:m[1]]), "：: ")
		names, others := cutOthers(part[m[1]:])
		*groups = append(*groups, named{names: names, printed: word, others: others, rank: rankOf(word)})
		return len(*groups) - 1
	}
	if first, rest, ok := together(part); ok {
		names, verb, others := splitVerb(rest)
		if verb == "" {
			names, others = cutOthers(rest)
			verb = "负责"
		}
		*groups = append(*groups, named{names: first, printed: verb, rank: rankLead}, named{names: names, printed: "会同", others: others, rank: rankSupporting})
		return -1
	}
	if names, verb, others := splitVerb(part); verb != "" {
		*groups = append(*groups, named{names: names, printed: verb, others: others, rank: rankOf(verb)})
		return -1
	}
	names, others := cutOthers(part)
	if deadlineWords(part) && !plausible(part) {
		w.deadlines = append(w.deadlines, part)
		return -1
	}
	if current >= 0 && (plausible(names) || others) {
		g := &(*groups)[current]
		g.names += "、" + names
		g.others = g.others || others
		return current
	}
	if len(*groups) == 0 && plausible(names) {
		// A list whose word comes behind a comma: 由A、B，按职责负责.
		*groups = append(*groups, named{names: names, printed: "", others: others})
		return 0
	}
	if part != "" {
		w.notes = append(w.notes, part)
	}
	return -1
}

// assign gives every name its role. Without a distinction a single office leads
// and several answer jointly; if the document says so, the first leads.
func (w *who) assign(groups []named) {
	leads, supports := false, false
	total := 0
	guided := slices.ContainsFunc(groups, func(g named) bool { return g.printed != "指导" })
	for i, g := range groups {
		// Who guides stands back behind who does it.
		if g.printed == "指导" && guided && g.rank == rankPlain && !slices.ContainsFunc(groups, func(o named) bool { return o.rank == rankSupporting }) {
			g.rank = rankSupporting
			groups[i] = g
		}
		leads = leads || g.rank == rankLead
		supports = supports || g.rank == rankSupporting
		total += len(splitNames(g.names))
	}
	for _, g := range groups {
		w.andOthers = w.andOthers || g.others
		names := splitNames(g.names)
		for i, n := range names {
			if vague.MatchString(n) && total > 1 {
				w.andOthers = true
				continue
			}
			o := Office{Name: n, PrintedRole: g.printed, Group: isGroup(n)}
			switch {
			case g.rank == rankLead:
				o.Role = RoleLead
			case g.rank == rankSupporting || leads:
				o.Role = RoleSupporting
			case supports, total == 1:
				o.Role = RoleLead
			case w.firstLeads:
				o.Role = RoleSupporting
				if i == 0 && len(w.offices) == 0 {
					o.Role = RoleLead
				}
			default:
				o.Role = RoleJoint
			}
			if supports && !leads && g.rank == rankPlain && len(names) > 1 {
				o.Role = RoleJoint
			}
			w.offices = append(w.offices, o)
		}
	}
}
