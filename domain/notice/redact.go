package notice

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// hidden stands where contact data stood.
const hidden = "（联系方式已隐去）"

var (
	contactWord  = regexp.MustCompile(`^(?:办公|联系|手机)?(联[\s　]*系[\s　]*(人|电[\s　]*话|方[\s　]*式)|电[\s　]*话|手机|传[\s　]*真|邮箱|电子邮件|电子信箱|E-?mail)`)
	contactStart = regexp.MustCompile(`联[\s　]*系[\s　]*(人|电[\s　]*话|方[\s　]*式)(及(联系)?(电话|方式))?[\s　]*[：:]`)
	contactRest  = regexp.MustCompile(`^[0-9\-－—()（）]{3,}(?:[,，、;； 。]+|$)|^@?[A-Za-z][A-Za-z0-9.\-@]+`)
	contactData  = regexp.MustCompile(`(电话|手机|传真|邮箱|电子邮件|电子信箱|E-?mail)[\s　]*[：:][\s　]*[0-9A-Za-zXx@._,，、\-－—()（）* ]+|` +
		`[A-Za-z0-9._%+\-]+@[A-Za-z0-9.\-]*|1[3-9]\d{9}|0\d{2,3}[-－—]\d{7,8}`)
)

// suspect reports whether a line may hold contact data: a mail address, a word
// for one, or enough digits for a telephone. It spares most lines the expressions.
func suspect(line string) bool {
	digits := 0
	for i, r := range line {
		switch {
		case r == '@':
			return true
		case r >= '0' && r <= '9':
			if digits++; digits >= 7 {
				return true
			}
		case strings.ContainsRune("-－—", r):
		case strings.ContainsRune("联电手传邮Ee", r) && contactWord.MatchString(start(line[i:], 30)):
			return true
		default:
			digits = 0
		}
	}
	return false
}

// redact hides the contact data a notice gives: names, telephones and mail
// addresses have no business in a ledger that is kept for ever. It runs before
// the text is hashed. Lines keep their numbers.
func redact(text string) (string, []Warning) {
	lines := strings.Split(text, "\n")
	var warnings []Warning
	var before ending
	for i, l := range lines {
		if t := trim(l); t == "" || pageLine.MatchString(start(t, 60)) {
			continue // contact data may go on over a page's end
		}
		r := l
		switch {
		case before == inNames:
			r = hideContact(l, 0, 0)
		case before == inNumber:
			r = contactRest.ReplaceAllString(l, hidden)
		}
		if suspect(r) {
			if at := contactStart.FindStringIndex(r); at != nil {
				r = hideContact(r, at[0], at[1])
			}
			r = contactData.ReplaceAllString(r, hidden)
		}
		if before = endOf(l, r); r == l {
			continue
		}
		for strings.Contains(r, hidden+hidden) {
			r = strings.ReplaceAll(r, hidden+hidden, hidden)
		}
		lines[i] = r
		warnings = append(warnings, Warning{i + 1, "联系方式已隐去，不入账 / contact data was hidden and is not kept"})
	}
	return strings.Join(lines, "\n"), warnings
}

// ending is what a line of contact data ends in, and the next may go on with.
type ending uint8

const (
	complete ending = iota
	inNames         // 联系人： or 张三，
	inNumber        // 0951-51
)

// endOf tells how a line ends whose contact data was hidden.
func endOf(line, redacted string) ending {
	switch {
	case line == redacted || !strings.HasSuffix(trim(redacted), hidden):
		return complete
	case endsWith(line, "：:，,、（("):
		return inNames
	}
	return inNumber
}

// hideContact hides from a byte on as far as names, telephones and addresses go,
// with the bracket that holds them. Behind the word for them, 联系人：, they begin.
func hideContact(line string, from, begin int) string {
	if before, w := utf8.DecodeLastRuneInString(line[:from]); before == '（' || before == '(' {
		if end, ok := closing(line, from-w); ok && end-from < 300 {
			return line[:from-w] + hidden + line[end:]
		}
	}
	end := begin
	for end < len(line) {
		stop := strings.IndexAny(line[end:], "，,；;。 　\t")
		word := line[end:]
		if stop >= 0 {
			word = line[end : end+stop]
		}
		if !contactPart(word) && !strings.HasSuffix(line[:end], "：") && !strings.HasSuffix(line[:end], ":") {
			break
		}
		end += len(word)
		if stop < 0 {
			break
		}
		r, w := utf8.DecodeRuneInString(line[end:])
		end += w
		if r == '。' {
			break
		}
	}
	if end == from {
		return line
	}
	return strings.TrimRight(line[:from], " ") + hidden + line[end:]
}

// contactPart: a further name, a number, an address or a word for one.
func contactPart(word string) bool {
	return contactWord.MatchString(start(word, 60)) || !strings.ContainsFunc(word, isHan) || utf8.RuneCountInString(word) <= 4
}
