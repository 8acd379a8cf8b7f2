package notice

import (
	"flag"
	"strings"
	"testing"
	"time"
)

// A sixteenth is enough to see what grows with the square of the length, and
// leaves time for the race detector; -hostile 4194304 reads the largest size.
var hostileSize = flag.Int("hostile", maxText/16, "bytes of a hostile input")

// Inputs of the largest size that is read must not take longer than a person
// waits, whatever they repeat.
func TestHostileInputsAreReadInTime(t *testing.T) {
	head := "甲发〔2021〕3号\n甲局关于做好某项工作的通知\n各县局：\n"
	inputs := map[string]string{
		"opening brackets":     "（",
		"closing brackets":     "）",
		"pairs":                "（）",
		"deep pairs":           "（（（）））",
		"half-width brackets":  "([",
		"digits":               "1",
		"digits and stops":     "1.",
		"about":                "关于",
		"about with title":     "关于的",
		"label":                "一、",
		"labels on lines":      "一、\n",
		"labels with text":     "一、抓好落实。\n",
		"marks":                "抓落实。（甲局负责）",
		"marks on lines":       "抓落实。（甲局负责）\n",
		"open sentences":       "抓好落实\n",
		"unbracketed":          "责任单位：甲局",
		"unbracketed on lines": "责任单位：甲局\n",
		"list of offices":      "甲局、",
		"list in a mark":       "（甲局、",
		"joint names":          "甲局和",
		"titles":               "《甲",
		"title ends":           "的通知",
		"dates":                "2021年9月31日前",
		"years":                "每年",
		"mail":                 "a@b",
		"contact":              "联系人：甲",
		"attachments":          "附件：1.甲\n",
		"copies":               "抄送：甲局，",
		"blank lines":          "\n",
		"spaces":               " 　",
		"others":               "等等",
		"please":               "请将，",
	}
	places := map[string]string{"alone": "甲局关于", "after a label": head + "一、抓好落实。"}
	for name, unit := range inputs {
		for place, prefix := range places {
			t.Run(name+"/"+place, func(t *testing.T) {
				text := prefix + strings.Repeat(unit, (*hostileSize-len(prefix))/len(unit))
				start := time.Now()
				_, err := Parse([]byte(text))
				if took := time.Since(start); took > 2*time.Second {
					t.Errorf("took %v (error %v)", took.Round(time.Millisecond), err)
				}
			})
		}
	}
}
