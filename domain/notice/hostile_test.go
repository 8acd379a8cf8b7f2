package notice

import (
	"bytes"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
	"time"
)

// hostileInputs are what a text may repeat.
var hostileInputs = map[string]string{
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
	"standing tables":      "序号\n任务\n牵头单位\n1\n甲\n乙局\n",
	"rows between blanks":  "序号 任务 牵头单位\n1 甲 乙局\n",
	"lists with one mark":  "（1）甲；\n（2）乙。\n（甲局负责）\n",
	"limits":               "每月5日前，6月底，",
}

// Whatever an input repeats, the time to read it grows with its length and no
// faster. That holds on any machine and under the race detector; a limit in
// seconds does not.
func TestHostileInputsTakeTimeByTheirLength(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(1000)) // most of the race detector's cost
	head := "甲发〔2021〕3号\n甲局关于做好某项工作的通知\n各县局：\n一、抓好落实。"
	for name, unit := range hostileInputs {
		places := map[string]string{"in the body": head}
		if strings.ContainsAny(unit, "关的《（）1一 ") && !strings.Contains(unit, "\n") { // what titles are looked for by
			places["in the title"] = "甲局关于"
		}
		for place, prefix := range places {
			t.Run(name+"/"+place, func(t *testing.T) {
				if found := growsFaster(func(size int) []byte {
					return []byte(prefix + strings.Repeat(unit, (size-len(prefix))/len(unit)))
				}); found != "" {
					t.Error(found)
				}
			})
		}
	}
}

// growsFaster compares the time to read a text with that to read its quarter four
// times: the same if time grows with length, four times as long if it grows with
// the square. Both last alike and the shortest of a few tries counts, so that what
// else runs on the machine disturbs neither. It says what it found if the long text
// took more than two and a half times as long.
func growsFaster(text func(size int) []byte) string {
	size := 2 << 10
	if !bytes.Contains(text(size)[size/2:], []byte("\n")) {
		size = (longLine + 60) * len("一") // both texts are taken apart
	}
	once := reading(text(size), 1)
	for ; size < maxText/8 && once < 4*time.Millisecond; once = reading(text(size), 1) {
		size *= 2
	}
	long := reading(text(4*size), 1)
	if 10*long <= 17*4*once {
		return "" // so near to linear that more readings would tell nothing else
	}
	short := 4 * once
	for range 5 {
		short = min(short, reading(text(size), 4))
		long = min(long, reading(text(4*size), 1))
		if 2*long <= 5*short {
			return ""
		}
	}
	return fmt.Sprintf("%d bytes took %v, a quarter of it %v", 4*size, long, short/4)
}

// reading is how long it takes to read a text several times. To refuse it is as
// good.
func reading(text []byte, times int) time.Duration {
	runtime.LockOSThread() // whose time is measured
	defer runtime.UnlockOSThread()
	from := clock()
	for range times {
		if d, err := Parse(text); err != nil && len(d.Clauses) > 0 {
			panic("a refused text has no draft")
		}
	}
	return clock() - from
}
