package seal

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/note"
)

// A Policy says which logs and how many witnesses make a head good (C2SP
// tlog-policy, https://c2sp.org/tlog-policy). It is a torchwood.Policy; unlike the
// one torchwood.ParsePolicy makes, any one of several logs will do, as the
// specification says and a rotation of keys needs.
type Policy struct {
	torchwood.Policy
	Text      []byte    // as it was read
	Logs      []string  // verifier keys
	Witnesses []Witness // in the order of the file
}

// A Witness of a policy.
type Witness struct {
	Name     string
	Verifier string // verifier key
	URL      string // prefix of add-checkpoint, "" if the policy has none
}

// maxPolicy bounds a policy, in bytes and lines.
const (
	maxPolicyBytes = 64 << 10
	maxPolicyLines = 1000
)

// ErrPolicy says that a policy is not written as tlog-policy says.
var ErrPolicy = errors.New("策略文件不符合 C2SP tlog-policy / the policy is not one of C2SP tlog-policy")

func badPolicy(line int, zh, en string) error {
	return fmt.Errorf("%w：第 %d 行：%s / line %d: %s", ErrPolicy, line, zh, line, en)
}

// ParsePolicy reads a policy strictly.
func ParsePolicy(text []byte) (Policy, error) {
	if len(text) > maxPolicyBytes || strings.Count(string(text), "\n") > maxPolicyLines {
		return Policy{}, fmt.Errorf("%w：过大 / too large", ErrPolicy)
	}
	p := policyParser{names: map[string]bool{}, keys: map[string]bool{}, members: map[string]bool{}}
	for i, line := range strings.Split(string(text), "\n") {
		p.number = i + 1
		if err := p.line(line); err != nil {
			return Policy{}, err
		}
	}
	rest, err := torchwood.ParsePolicy([]byte(p.rest.String()))
	if err != nil {
		return Policy{}, fmt.Errorf("%w: %w", ErrPolicy, err)
	}
	p.Policy.Policy, p.Text = rest, text
	if len(p.logs) > 0 {
		p.Policy.Policy = torchwood.ThresholdPolicy(2, torchwood.ThresholdPolicy(1, p.logs...), rest)
	}
	return p.Policy, nil
}

// A policyParser checks what torchwood does not, and leaves it the lines it reads
// as the specification says.
type policyParser struct {
	Policy
	number  int
	names   map[string]bool
	keys    map[string]bool // public keys, without names
	members map[string]bool // of a group
	logs    []torchwood.Policy
	rest    strings.Builder
}

func (p *policyParser) line(line string) error {
	if strings.ContainsFunc(line, func(r rune) bool {
		return r != ' ' && r != '\t' && (unicode.IsSpace(r) || unicode.IsControl(r))
	}) {
		return badPolicy(p.number, "有控制字符或特殊空白", "control characters or unusual spaces")
	}
	fields := strings.Fields(line)
	if len(fields) == 0 || strings.HasPrefix(fields[0], "#") {
		p.rest.WriteString("\n")
		return nil
	}
	if strings.Contains(line, "#") {
		return badPolicy(p.number, "注释须单独成行", "a comment stands on a line of its own")
	}
	var err error
	switch keyword := fields[0]; keyword {
	case "log":
		p.rest.WriteString("\n")
		return p.log(fields)
	case "witness":
		err = p.witness(fields)
	case "group":
		err = p.group(fields)
	case "quorum":
		if len(fields) != 2 || fields[1] != "none" && !p.names[fields[1]] {
			err = badPolicy(p.number, "quorum 后须是一个已定义的名称", "quorum takes one name that is defined above")
		}
	default:
		err = badPolicy(p.number, "未知的关键字", "unknown keyword")
	}
	p.rest.WriteString(strings.Join(fields, " ") + "\n")
	return err
}

// key refuses a public key that was named already, under whatever name.
func (p *policyParser) key(vkey string) error {
	parts := strings.SplitN(vkey, "+", 3)
	if len(parts) != 3 {
		return badPolicy(p.number, "验证密钥应写作 名称+散列+base64", "a verifier key is written name+hash+base64")
	}
	// The first byte under the base64 is the algorithm.
	if p.keys[parts[2]] {
		return badPolicy(p.number, "密钥重复", "the key is there twice")
	}
	p.keys[parts[2]] = true
	return nil
}

func (p *policyParser) name(name string) error {
	if name == "none" || p.names[name] {
		return badPolicy(p.number, "名称重复或保留", "the name is taken or reserved")
	}
	p.names[name] = true
	return nil
}

func (p *policyParser) log(fields []string) error {
	if len(fields) < 2 || len(fields) > 3 {
		return badPolicy(p.number, "应为 log 密钥 [地址]", "want log KEY [URL]")
	}
	v, err := note.NewVerifier(fields[1])
	if err != nil {
		return badPolicy(p.number, "账本密钥无法识别", "can't make out the log's key")
	}
	p.Logs = append(p.Logs, fields[1])
	p.logs = append(p.logs, torchwood.ThresholdPolicy(2, torchwood.OriginPolicy(v.Name()), torchwood.SingleVerifierPolicy(v)))
	return p.key(fields[1])
}

func (p *policyParser) witness(fields []string) error {
	if len(fields) < 3 || len(fields) > 4 {
		return badPolicy(p.number, "应为 witness 名称 密钥 [地址]", "want witness NAME KEY [URL]")
	}
	w := Witness{Name: fields[1], Verifier: fields[2]}
	if len(fields) == 4 {
		w.URL = fields[3]
	}
	p.Witnesses = append(p.Witnesses, w)
	if err := p.name(w.Name); err != nil {
		return err
	}
	return p.key(w.Verifier)
}

func (p *policyParser) group(fields []string) error {
	if len(fields) < 4 {
		return badPolicy(p.number, "应为 group 名称 数量 成员…", "want group NAME THRESHOLD MEMBER…")
	}
	members := fields[3:]
	if n, err := strconv.Atoi(fields[2]); err == nil && strconv.Itoa(n) != fields[2] {
		return badPolicy(p.number, "数量应为十进制数", "the threshold is a decimal number")
	}
	for i, m := range members {
		if p.members[m] || slices.Contains(members[:i], m) {
			return badPolicy(p.number, "成员只能属于一个组", "a member belongs to one group only")
		}
	}
	for _, m := range members {
		p.members[m] = true
	}
	return p.name(fields[1])
}
