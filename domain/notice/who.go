package notice

import (
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

var (
	// 排在第一位的部门为牵头部门, 列首位者为牵头单位, 第一个单位为牵头单位, 由列第一位的单位牵头,
	// 牵头单位为列首位的单位.
	firstLeads = regexp.MustCompile(`(?:(?:排|列|位|居|名)(?:名|序|列|位)?(?:在|于|居)?(?:第一|首|第1|最前)(?:位|个|名|家|面)?|(?:第一|首|第1)[位个家](?:责任)?(?:单位|部门|处室|科室)?|(?:第一|首位)责任(?:单位|部门|处室|科室))` +
		`(?:(?:的|者)?(?:责任|承办|实施)?(?:单位|部门|处室|科室|司局)?(?:的|者)?[，,]?(?:即?为|是|作为|即)[^，。；、]{0,8}?(?:牵头|主办|主责|主要责任|第一责任)|(?:的|者)?(?:责任)?(?:单位|部门|处室|科室)?(?:负责)?(?:牵头|主办))` +
		`|牵头(?:单位|部门|处室)(?:均?为|是)(?:排|列|位|居)(?:名|序)?(?:在|于|居)?(?:第一|首|最前)`)
	fromThen  = regexp.MustCompile(`起(实施|施行|执行)$`) // says from when, not until
	elsewhere = regexp.MustCompile(`^(以下|下同|以上|不再|均)`)
	// Inside a mark a label begins a part even without punctuation before it.
	labelInside = regexp.MustCompile(`(?:主要|牵头|第一)?(?:责任|牵头|配合|主办|协办|承办|主责|落实|参与|参加|指导|协助|监督|督办|实施)(?:` + labelBodies + `)(?:（[^）]{1,10}）|\([^)]{1,10}\))?\s*[：:]` +
		`|(?:完成|办理|整改|办结|落实)(?:时限|时间|期限)\s*[：:]|(?:时间节点|时间要求|进度要求)\s*[：:]|(?:责任|牵头|分管|包抓|包保)领导\s*[：:]|(?:第一|主要|直接)?(?:责任人员?|负责人|联系人|联络员)\s*[：:]`)
	// A牵头、B配合 and A牵头B配合 hold two parts.
	afterVerb = regexp.MustCompile(`(?:牵头负责|牵头|负责|配合|参与|指导|主办|协办)、|牵头(?:负责)?(?:[^、，。；会组织并负责落实单位部门处室抓推进实施]|会同)`)
)

// who is what a mark says.
type who struct {
	offices    []Office
	andOthers  bool
	deadlines  []string // words of time limits, to be read as dates
	firstLeads bool     // from here on the first office leads
	notes      []string // what is no office and no time
	persons    bool     // persons were named, which are left out
	asked      bool     // an office was to be named
}

// named is a list of names under one word.
type named struct {
	names, printed string
	others         bool
	rank           rank
	closed         bool // the word stands behind the names: nothing more joins them
}

type rank uint8

const (
	rankPlain rank = iota // 负责, 责任单位: no distinction by itself
	rankLead
	rankSupporting
)

var (
	leadWords    = regexp.MustCompile(`牵头|主办|主责|主要责任|第一责任|统筹`)
	supportWords = regexp.MustCompile(`配合|参与|参加|协办|协助|协同|支持|会同|联合|监督|督办|督导`)
)

func rankOf(word string) rank {
	switch {
	case leadWords.MatchString(word):
		return rankLead
	case strings.HasSuffix(word, "负责"): // also 联合负责
		return rankPlain
	case supportWords.MatchString(word):
		return rankSupporting
	default:
		return rankPlain
	}
}

// A reader reads the parts of one mark in order.
type reader struct {
	who
	groups []named
	after  after
}

// after says what kind of part was read last, which a part without a word of its
// own goes on with.
type after uint8

const (
	afterNothing after = iota
	afterNames         // the last group
	afterTime
	afterPerson
)

// readMark reads what a mark, printed in one bracket or several, says about who and
// when.
func readMark(leadsBefore bool, contents ...string) who {
	r := reader{who: who{firstLeads: leadsBefore}}
	for _, c := range contents {
		r.after = afterNothing
		for _, part := range parts(c) {
			r.part(part)
		}
	}
	r.assign()
	return r.who
}

// parts splits a mark at its punctuation and before every label word.
func parts(content string) []string {
	var out []string
	for _, p := range splitOutside(content, "；;。，,\n\t") {
		from := 0
		cuts := insideLabels(p)
		for _, m := range afterVerbs(p) {
			if startsMark(p[m[0]:]) { // 牵头领导：
				continue
			}
			end := strings.LastIndex(p[:m[1]], "、")
			if end < m[0] { // 牵头 and the first character of the next name
				_, w := utf8.DecodeLastRuneInString(p[:m[1]])
				if strings.HasSuffix(p[:m[1]], "会同") {
					w = len("会同")
				}
				end = m[1] - w
			}
			cuts = append(cuts, []int{end, end})
		}
		slices.SortFunc(cuts, func(a, b []int) int { return a[0] - b[0] })
		for _, m := range cuts {
			if m[0] > from {
				out = appendPart(out, p[from:m[0]])
				from = m[0]
			}
		}
		out = appendPart(out, p[from:])
	}
	return out
}

func insideLabels(p string) [][]int {
	if !strings.ContainsAny(p, "：:") {
		return nil
	}
	return labelInside.FindAllStringIndex(p, -1)
}

func afterVerbs(p string) [][]int {
	if !strings.ContainsAny(p, "、头") {
		return nil
	}
	return afterVerb.FindAllStringIndex(p, -1)
}

func appendPart(parts []string, p string) []string {
	if p = strings.Trim(trim(p), "、"); p != "" {
		return append(parts, p)
	}
	return parts
}

func (r *reader) part(part string) {
	names, verb, more := splitVerb(part)
	acts := verb != "" && plausible(names)
	switch {
	case r.after == afterNames && soleManner.MatchString(part):
		if g := &r.groups[len(r.groups)-1]; g.printed == "" {
			g.printed = part
		}
	case firstLeads.MatchString(part):
		at := firstLeads.FindStringIndex(part)[0]
		if open := strings.LastIndexAny(part[:at], "（("); open > 0 { // A、B（排在首位的为牵头单位）
			r.part(part[:open])
		}
		r.firstLeads, r.after = true, afterNothing
	case elsewhere.MatchString(part):
		if part != "下同" {
			r.notes = append(r.notes, part)
		}
	case personWord.MatchString(start(part, 90)):
		r.persons, r.after = true, afterPerson
	case timeLabel.MatchString(start(part, 90)):
		r.deadlines = append(r.deadlines, timeLabel.ReplaceAllString(part, ""))
		r.after = afterTime
	case labelWords.MatchString(start(part, 90)):
		m := labelWords.FindStringIndex(start(part, 90))
		word := strings.TrimRight(trim(part[:m[1]]), "：: ")
		list, others := cutOthers(part[m[1]:])
		// 责任单位：A牵头，B配合 says the same thing twice.
		if inner, verb, o := splitVerb(list); verb != "" && rankOf(verb) != rankPlain && plausible(inner) {
			list, word, others = inner, verb, o
		}
		r.names(list, word, others)
	case r.joined(part):
	case acts:
		r.names(names, verb, more)
		r.groups[len(r.groups)-1].closed = true
	case r.after == afterTime && !onlyOffices(part):
		r.deadlines[len(r.deadlines)-1] += "，" + part // the limit's own words held a comma
	case deadlineWords(part) && !plausible(part) && !fromThen.MatchString(part):
		r.deadlines = append(r.deadlines, part)
		r.after = afterNothing
	default:
		r.list(part)
	}
}

// joined reads 会同B、C and A会同B、C负责.
func (r *reader) joined(part string) bool {
	first, rest, ok := together(part)
	for _, w := range []string{"会同", "联合"} {
		if b, found := strings.CutPrefix(part, w); found && plausible(firstOf(splitVerbOr(b))) {
			first, rest, ok = "", b, true
		}
	}
	if !ok {
		return false
	}
	names, verb, others := splitVerb(rest)
	if verb == "" {
		names, others = cutOthers(rest)
		verb = "负责"
	}
	if first != "" {
		r.groups = append(r.groups, named{names: first, printed: verb, rank: rankLead})
	} else if k := len(r.groups) - 1; k >= 0 && r.groups[k].rank == rankPlain {
		r.groups[k].rank = rankLead // A负责，会同B
		if r.groups[k].printed == "" {
			r.groups[k].printed = verb
		}
	}
	r.names(names, "会同", others)
	r.groups[len(r.groups)-1].rank = rankSupporting
	return true
}

// names adds a group of names under a word.
func (r *reader) names(list, word string, others bool) {
	r.groups = append(r.groups, named{names: list, printed: word, others: others, rank: rankOf(word)})
	r.asked, r.after = true, afterNames
}

// list reads a part without a word of its own: it goes on the part before it, or
// its word comes in the next.
func (r *reader) list(part string) {
	list := part
	if m := looseLabel.FindString(start(part, 60)); m != "" && plausible(part[len(m):]) {
		r.names(part[len(m):], trim(m), false)
		return
	}
	list, others := cutOthers(list)
	fits := plausible(list) || others && list == ""
	switch {
	case r.after == afterPerson && !fits:
		// more names of persons
	case r.after == afterNames && fits && !r.groups[len(r.groups)-1].closed:
		g := &r.groups[len(r.groups)-1]
		g.names += "、" + list
		g.others = g.others || others
	case fits:
		r.names(list, "", others)
	case slices.ContainsFunc(topLevel(part), person):
		r.persons = true
	default:
		r.notes = append(r.notes, part)
		r.after = afterNothing
	}
}

// assign gives every name its role. Without a distinction a single office leads
// and several answer jointly; if the document says so, the first leads.
func (r *reader) assign() {
	r.settle()
	leads, supports, total := false, false, 0
	for _, g := range r.groups {
		leads = leads || g.rank == rankLead
		supports = supports || g.rank == rankSupporting
		total += len(r.bodies(g))
	}
	for _, g := range r.groups {
		r.andOthers = r.andOthers || g.others
		names := r.bodies(g)
		for _, n := range names {
			if vague.MatchString(n) && total > 1 {
				r.andOthers = true
				continue
			}
			o := Office{Name: n, PrintedRole: g.printed, Group: isGroup(n)}
			switch {
			case g.rank == rankLead:
				o.Role = RoleLead
			case g.rank == rankSupporting || leads:
				o.Role = RoleSupporting
			case supports && len(names) == 1 || total == 1:
				o.Role = RoleLead
			case supports || !r.firstLeads:
				o.Role = RoleJoint
			case len(r.offices) == 0:
				o.Role = RoleLead
			default:
				o.Role = RoleSupporting
			}
			r.add(o)
		}
	}
}

// bodies returns the names of a group that are not those of persons.
func (r *reader) bodies(g named) []string {
	list := splitNames(g.names)
	for i, name := range list { // A等部门和B
		if short, more := cutOthers(name); more && short != "" {
			list[i], r.andOthers = short, true
		}
	}
	n := len(list)
	list = slices.DeleteFunc(list, person)
	r.persons = r.persons || len(list) < n
	return list
}

// settle gives groups without a word the word that comes next, and sets who
// guides back behind who does it.
func (r *reader) settle() {
	g := r.groups
	for i := len(g) - 2; i >= 0; i-- {
		led := slices.ContainsFunc(g[:i], func(o named) bool { return o.rank == rankLead })
		if g[i].printed == "" && (led || g[i+1].rank != rankSupporting) { // A，B参与 lets A do it
			g[i].printed, g[i].rank = g[i+1].printed, g[i+1].rank
		}
	}
	does := slices.ContainsFunc(g, func(o named) bool { return o.rank == rankPlain && !strings.HasSuffix(o.printed, "指导") })
	for i := range g {
		if strings.HasSuffix(g[i].printed, "指导") && does {
			g[i].rank = rankSupporting
		}
	}
}

// add adds an office once; named twice, the first role stands.
func (r *reader) add(o Office) {
	if !slices.ContainsFunc(r.offices, func(p Office) bool { return p.Name == o.Name }) {
		r.offices = append(r.offices, o)
	}
}
