package api

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/validation"

	"duban/domain"
)

// A wording is one of huma's formats for what is wrong with a request, with the
// Chinese for it. The Chinese takes what the format's verbs stand for, in order.
type wording struct {
	english *regexp.Regexp
	chinese string
}

// verbs are those of huma's formats.
var verbs = regexp.MustCompile(`%[vds]`)

// wordings covers what the schemas of this API, and encoding/json, can refuse. A
// format that is not here is passed on in English behind 不合要求.
var wordings = []wording{
	worded(validation.MsgUnexpectedProperty, "没有这个字段，请去掉或改正字段名"),
	worded(validation.MsgExpectedRequiredProperty, "缺少，请填写"),
	worded(validation.MsgExpectedRFC3339DateTime, "应为 RFC 3339 时间，如 2019-07-01T09:00:00+08:00"),
	worded(validation.MsgExpectedRFC3339Date, "应为日期，如 2019-12-31"),
	worded(validation.MsgExpectedBoolean, "应为 true 或 false"),
	worded(validation.MsgExpectedNumber, "应为数字"),
	worded(validation.MsgExpectedInteger, "应为整数"),
	worded(validation.MsgExpectedString, "应为文本"),
	worded(validation.MsgExpectedArray, "应为 JSON 列表 […]"),
	worded(validation.MsgExpectedObject, "应为 JSON 对象 {…}"),
	worded(validation.MsgExpectedOneOf, "不是可用的值，可用：%s"),
	worded(validation.MsgExpectedMinimumNumber, "应不小于 %s"),
	worded(validation.MsgExpectedMaximumNumber, "应不大于 %s"),
	worded(validation.MsgExpectedMinLength, "应不少于 %s 个字符"),
	worded(validation.MsgExpectedMaxLength, "应不多于 %s 个字符"),
	worded(validation.MsgExpectedMinItems, "应不少于 %s 项"),
	worded(validation.MsgExpectedMaxItems, "应不多于 %s 项"),
	worded(validation.MsgExpectedMatchPattern, "应符合格式 %s"),
	worded("required %s parameter is missing", "缺少，请填写"),
	worded("invalid integer", "应为整数"),
	worded("invalid boolean", "应为 true 或 false"),
	worded("request body is required", "缺少请求内容"),
	worded("request body is too large limit=%d bytes", "请求内容超过上限 %s 字节"),
	worded("request body read timeout", "读取请求内容超时，请重试"),
	worded("json: unknown field %s", "没有字段 %s，请去掉或改正字段名"),
	worded("json: cannot unmarshal %s into Go struct field %s of type %s", "%[2]s 的类型不对（收到 %[1]s）"),
	worded("unknown content type: %s", "不支持内容类型 %s，请用 application/json"),
}

func worded(format, chinese string) wording {
	parts := verbs.Split(format, -1)
	for i, p := range parts {
		parts[i] = regexp.QuoteMeta(p)
	}
	return wording{regexp.MustCompile("(?s)^" + strings.Join(parts, "(.*)") + "$"), chinese}
}

// inBoth returns a message of huma's, or one of our own in both languages, as its
// Chinese and its English half.
func inBoth(message string) (zh, en string) {
	for _, w := range wordings {
		m := w.english.FindStringSubmatch(message)
		switch {
		case m == nil:
		case strings.Contains(w.chinese, "%"):
			var args []any
			for _, a := range m[1:] {
				args = append(args, strings.Trim(a, `"`))
			}
			return fmt.Sprintf(w.chinese, args...), message
		default:
			return w.chinese, message
		}
	}
	if zh, en := domain.Halves(message); zh != en {
		return zh, en
	}
	return "不合要求", message
}

// missing is huma's word for a field that is not there; it is said of the object
// that lacks it.
var missing = worded(validation.MsgExpectedRequiredProperty, "").english

// explained is one error of huma's in both languages.
type explained struct{ location, zh, en string }

// explain says of one of huma's errors where it is, what was wrong and what would
// be right.
func explain(e *huma.ErrorDetail) explained {
	x := explained{location: e.Location}
	x.zh, x.en = inBoth(e.Message)
	if lacks := missing.FindStringSubmatch(e.Message); lacks != nil {
		x.location = strings.TrimPrefix(e.Location+"."+lacks[1], ".")
		x.en = "is required"
	} else if got := received(e.Value); got != "" && e.Location != "body" { // of which a part says little
		x.zh, x.en = x.zh+"（收到 "+got+"）", x.en+" (received "+got+")"
	}
	return x
}

func (x explained) fault() Fault {
	return Fault{Location: x.location, Message: x.zh + " / " + x.en}
}

// joined returns the faults as one text in both languages.
func joined(zhHead, enHead string, all []explained) string {
	zh, en := make([]string, len(all)), make([]string, len(all))
	for i, x := range all {
		zh[i] = strings.TrimSpace(x.location + " " + x.zh)
		en[i] = strings.TrimSpace(x.location + " " + x.en)
	}
	return zhHead + "：" + strings.Join(zh, "；") + " / " + enHead + ": " + strings.Join(en, "; ")
}

// shownValue bounds how much of a wrong value an answer repeats, in characters.
const shownValue = 40

// received returns a wrong value as the answer repeats it: plain ones only.
func received(v any) string {
	var s string
	switch v := v.(type) {
	case string:
		s = strings.ToValidUTF8(v, "�")
	case float64:
		s = strconv.FormatFloat(v, 'f', -1, 64)
	case bool, int64, uint64:
		s = fmt.Sprint(v)
	}
	if utf8.RuneCountInString(s) > shownValue {
		s = string([]rune(s)[:shownValue]) + "…"
	}
	return s
}
