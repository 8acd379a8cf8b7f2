package notice

import (
	"regexp"
	"strings"
)

var (
	recurringWords = regexp.MustCompile(`逐年|每年度?|每季度?|每半年|每月|每周|定期|按年度|按季度?|按月`)
	// 每年补助200万元 says how much, not how often somebody acts.
	amounts       = regexp.MustCompile(`^[^，。；]{0,6}(?:补助|补贴|奖励|奖补|资助|给予|增长|增加|减少|下降|递增|收入|节约|可达|约)`)
	standingWords = regexp.MustCompile(`长期坚持|长期推进|长期保持|长期抓|常态化|始终(?:坚持|保持|把|将|绷紧|做到)|明确和落实[^，。；]{0,20}责任|(严格|全面|压实|切实)?落实[^，。；]{0,40}主体责任`)
	standingLimit = regexp.MustCompile(`长期(?:坚持|推进)?|持续(?:推进|坚持)?|常态化`)
	onceWords     = regexp.MustCompile(`(制定出台|研究制定|制定并?印发|编制完成|建成|完成[^，。；]{0,12}(?:改造|建设|编制|整治))(?:[^的区]|$)`)
)

// maxProposal is how many bytes of a clause are searched for a word of its kind.
const maxProposal = 16 << 10

// proposeKind proposes how a task ends, with the words the proposal rests on. A
// dated limit speaks for a task that is done once; a person decides.
func proposeKind(text string, deadlines []Deadline) (Kind, string) {
	for _, d := range deadlines {
		if d.Date != "" {
			return KindOneOff, d.Words
		}
	}
	for _, d := range deadlines {
		if w := standingLimit.FindString(d.Words); w != "" {
			return KindStanding, w
		}
		if w := recurringWords.FindString(d.Words); w != "" {
			return KindRecurring, w
		}
	}
	text = start(text, maxProposal)
	if w := recurring(text); w != "" {
		return KindRecurring, w
	}
	if strings.ContainsAny(text, "长常始明落") {
		if w := standingWords.FindString(text); w != "" {
			return KindStanding, w
		}
	}
	if strings.ContainsAny(text, "制建成") {
		if m := onceWords.FindStringSubmatch(text); m != nil {
			return KindOneOff, m[1]
		}
	}
	return 0, ""
}

// recurring returns the first word that says how often something is to be done.
func recurring(text string) string {
	if !strings.ContainsAny(text, "逐每定按") {
		return ""
	}
	for _, m := range recurringWords.FindAllStringIndex(text, -1) {
		if !amounts.MatchString(start(text[m[1]:], 45)) {
			return text[m[0]:m[1]]
		}
	}
	return ""
}
